// Input: what a fuzzer made up, read as choices and as lines of text.
//
// All that is decided is decided by single bytes, and an input that has come to
// its end goes on with zeros: choice zero is always the simplest one. So a
// seed is a text that can be read, and a shorter input is a smaller case.
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct input {
  const uint8_t *at, *end;
} input;

// The bytes up to the next newline, or to the end; what is left of `from`
// begins behind it.
input input_line(input *from);

bool input_is_empty(const input *from);

// The next byte, below `limit`. A digit stands for its own value, a letter for
// its place behind the digits, and so on.
unsigned input_below(input *from, unsigned limit);

// A number of any size; small ones, and those around powers of two, are likely.
uint64_t input_number(input *from);

// Copies all that is left, without what comes behind a zero byte, and ends it
// with one. free() it.
char *input_text(input *from);

// The next word, up to a space, likewise.
char *input_word(input *from);

// Says what was expected, and aborts.
#define expect(condition)                                                      \
  ((condition) ? (void)0 : expect_failed(__FILE__, __LINE__, #condition))

_Noreturn void expect_failed(const char *file, int line, const char *condition);

#endif
