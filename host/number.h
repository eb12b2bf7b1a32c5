// Numbers as text, without printf: for what is written a million times.
//
// Each puts its text and a zero at `to`, and returns where the zero is.
#ifndef FAR_NUMBER_H
#define FAR_NUMBER_H

#include <stdint.h>

enum { FAR_NUMBER_BYTES = 24 }; // More than any number takes, with its zero.

char *far_put_text(char *to, const char *text);
char *far_put_number(char *to, uint64_t number);

// 1250 milliseconds are "1.250".
char *far_put_seconds(char *to, uint64_t ms);

#endif
