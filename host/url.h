// URLs: what a script asks for, and where an answer sends it.
//
// A URL is a pattern that stands for one address, so that what is checked and
// what is fetched can only be the same thing: whatever two programs could read
// in two ways is refused before either of them sees it.
#ifndef FAR_URL_H
#define FAR_URL_H

#include "pattern.h"

enum { FAR_URL_BYTES = 8192 }; // With the zero.

typedef struct far_url {
  const char *text;  // Complete: "http://host" becomes "http://host/".
  far_pattern parts; // Borrowed from the text.
} far_url;

// Reads a URL, whose text is in `room` from then on; FAR_URL_BYTES of it. What
// is wrong with it, or NULL.
const char *far_url_read(const char *text, char *room, far_url *url);

// Where `location` leads from `base`: complete, or relative in any way that
// there is. A fragment is left out. Likewise.
const char *far_url_follow(const far_url *base, const char *location,
                           char *room, far_url *url);

// Whether both are of the same scheme, host and port.
bool far_url_is_same_origin(const far_url *one, const far_url *two);

// Writes "api.example.com", with the port where it is not the scheme's own.
enum { FAR_PLACE_NAME_BYTES = 272 };
void far_url_print_host(const far_url *url, char *text, size_t bytes);

// Writes the URL without its query, which may be somebody's secret.
void far_url_print(const far_url *url, char *text, size_t bytes);

#endif
