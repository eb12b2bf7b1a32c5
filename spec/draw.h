// Numbers that are the same on every machine, for a test that draws its cases.
#ifndef DRAW_H
#define DRAW_H

#include <stdint.h>

// From 0 to below `limit`; `state` is the seed, and where it has come to.
static inline uint32_t draw(uint32_t *state, uint32_t limit) {
  *state = *state * 1664525u + 1013904223u;
  return (*state >> 8) % limit;
}

#endif
