#include "number.h"

#include <string.h>

char *far_put_text(char *to, const char *text) {
  size_t bytes = strlen(text);
  memcpy(to, text, bytes + 1);
  return to + bytes;
}

// At least `digits` digits.
static char *put_digits(char *to, uint64_t number, int digits) {
  char text[FAR_NUMBER_BYTES];
  char *first = text + sizeof text;
  for (; number > 0 || digits > 0; number /= 10, digits--)
    *--first = (char)('0' + number % 10);
  size_t bytes = (size_t)(text + sizeof text - first);
  memcpy(to, first, bytes);
  to[bytes] = '\0';
  return to + bytes;
}

char *far_put_number(char *to, uint64_t number) {
  return put_digits(to, number, 1);
}

char *far_put_seconds(char *to, uint64_t ms) {
  to = far_put_number(to, ms / 1000);
  *to++ = '.';
  return put_digits(to, ms % 1000, 3);
}
