#include "input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t left(const input *from) {
  return (size_t)(from->end - from->at);
}

static input take_until(input *from, char stop) {
  input part = *from;
  if (left(from) == 0)
    return part;
  const uint8_t *found = memchr(from->at, stop, left(from));
  part.end = found ? found : from->end;
  from->at = found ? found + 1 : from->end;
  return part;
}

input input_line(input *from) {
  return take_until(from, '\n');
}

bool input_is_empty(const input *from) {
  return from->at == from->end;
}

// Digits, letters, other signs: what can be read are the numbers from 0 to 94.
static unsigned value_of(uint8_t byte) {
  static const char readable[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ";
  const char *found = byte ? strchr(readable, byte) : NULL;
  return found ? (unsigned)(found - readable) : byte;
}

unsigned input_below(input *from, unsigned limit) {
  return input_is_empty(from) ? 0 : value_of(*from->at++) % limit;
}

uint64_t input_number(input *from) {
  unsigned shift = input_below(from, 128);
  uint64_t number = input_below(from, 256);
  if (shift < 64)
    return number;
  number += UINT64_C(1) << (shift - 64);
  return input_below(from, 2) ? number - 2 : number;
}

static char *copy(input from) {
  char *text = calloc(left(&from) + 1, 1);
  if (text == NULL)
    abort();
  if (left(&from) > 0)
    memcpy(text, from.at, left(&from));
  return text;
}

char *input_text(input *from) {
  char *text = copy(*from);
  from->at = from->end;
  return text;
}

char *input_word(input *from) {
  return copy(take_until(from, ' '));
}

void expect_failed(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
  abort();
}
