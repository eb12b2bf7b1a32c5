// URL patterns: which addresses a script may talk to.
//
//   https://api.example.com/v1/*      whatever begins so
//   https://*.example.com/*           every host below it, not itself
//   http://localhost:8080/health      this address alone
//
// An address is a pattern that stands for itself, so one function answers both
// "may it ask for this?" and "may it go there?". What two programs could read
// in two ways is no pattern at all: user names, `..`, fragments, anything that
// would have to be escaped.
#ifndef FAR_PATTERN_H
#define FAR_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Its parts, borrowed from the text.
typedef struct far_pattern {
  bool is_https;
  bool has_subdomains; // "*." stood before the host.
  const char *host;
  size_t host_bytes;
  uint32_t port;    // The scheme's own where none is written.
  const char *path; // Begins with a slash; without the star at its end.
  size_t path_bytes;
  bool is_prefix; // A star stood at its end.
} far_pattern;

// Reads a whole text; what is wrong with it, or NULL.
const char *far_pattern_read(const char *text, far_pattern *pattern);

// The same; false after one sentence.
bool far_pattern_parse(const char *text, far_pattern *pattern, char *error,
                       size_t bytes);

// Whether all that `asked` stands for is in what `granted` stands for.
bool far_pattern_covers(const far_pattern *granted, const far_pattern *asked);

#endif
