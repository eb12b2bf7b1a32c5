// A window: how much there was within the last minute, hour or day.
//
// It adds up by sixtieths of its span, and counts the one that has just begun
// as a whole one. So it looks back over its span or a little less, never more:
// what it says was there, was.
#ifndef FAR_WINDOW_H
#define FAR_WINDOW_H

#include <stdint.h>

enum { FAR_WINDOW_PARTS = 60 };

typedef struct far_window {
  uint64_t span_ms; // A minute or more; zero: it counts nothing.
  uint64_t part; // The number of the newest part, from the beginning of time.
  uint64_t parts[FAR_WINDOW_PARTS];
  uint64_t sum;
} far_window;

void far_window_init(far_window *window, uint64_t span_ms);

// Forgets all that was.
void far_window_clear(far_window *window);

// Something was there at `now_ms`, which never goes back.
void far_window_add(far_window *window, uint64_t now_ms, uint64_t amount);

// Something lasted until `now_ms`: the time of it counts, part by part.
void far_window_add_span(far_window *window, uint64_t from_ms, uint64_t now_ms);

#endif
