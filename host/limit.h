// Limits: what a script may use. How they are written, what holds where
// nothing is written, and which of two is the tighter.
//
//   slice=10ms,hold=1s,turn=1s,cpu=off,grace=5ms,memory=64MB,block=16MB,messages=1000,storage=16MB,work=10000
//
// Times are as in duration.h. Sizes are whole numbers of B, KB, MB or GB, or of
// KiB, MiB or GiB, which mean the same: powers of 1,024, as memory is counted.
// `off` is FARSIDE_NO_LIMIT. Where a function fails it has written one sentence
// to `error`, without a full stop.
#ifndef FAR_LIMIT_H
#define FAR_LIMIT_H

#include "farside.h"

enum {
  FAR_LIMITS_TEXT_BYTES = 256, // Enough for far_limits_print().
  FAR_SENTENCE_BYTES = 1024    // Enough for what is wrong.
};

// Reads "64MB". False for anything else.
bool far_size_parse(const char *text, uint64_t *bytes);

// Fills the fields that are zero with their defaults.
void far_limits_default(farside_limits *limits);

// Reads a whole text; what it does not name becomes zero. On failure *limits
// stays as it was.
bool far_limits_parse(const char *text, farside_limits *limits, char *error,
                      size_t bytes);

// Reads one value, such as "64MB", into the field of this name, such as
// "memory". On failure *limits stays as it was.
bool far_limits_set(farside_limits *limits, const char *name, const char *value,
                    char *error, size_t bytes);

// Whether each field is zero, FARSIDE_NO_LIMIT, or a limit one can work with:
// for limits that were not read from a text.
bool far_limits_check(const farside_limits *limits, char *error, size_t bytes);

// Writes the fields that are not zero, as far_limits_parse() reads them.
void far_limits_print(const farside_limits *limits, char *text, size_t bytes);

// Whether nothing is asked for beyond what is granted. Zero: not asked; granted
// as by default. The sentence: "it asks for memory=128MB; 64MB are granted".
bool far_limits_within(const farside_limits *asked,
                       const farside_limits *granted, char *error,
                       size_t bytes);

// Leaves of `asked` the fields that go beyond `granted`; the others are zero.
void far_limits_excess(const farside_limits *asked,
                       const farside_limits *granted, farside_limits *excess);

// The tighter of both, with defaults where neither says anything: no field of
// the result is zero.
void far_limits_tighten(const farside_limits *granted,
                        const farside_limits *asked, farside_limits *result);

#endif
