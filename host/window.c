#include "window.h"

#include <string.h>

void far_window_init(far_window *window, uint64_t span_ms) {
  *window = (far_window){.span_ms = span_ms};
}

void far_window_clear(far_window *window) {
  memset(window->parts, 0, sizeof window->parts);
  window->sum = 0;
}

static void turn(far_window *window, uint64_t part) {
  if (part >= window->part + FAR_WINDOW_PARTS)
    far_window_clear(window);
  else
    for (uint64_t gone = window->part + 1; gone <= part; gone++) {
      window->sum -= window->parts[gone % FAR_WINDOW_PARTS];
      window->parts[gone % FAR_WINDOW_PARTS] = 0;
    }
  window->part = part;
}

void far_window_add(far_window *window, uint64_t now_ms, uint64_t amount) {
  if (window->span_ms == 0)
    return;
  turn(window, now_ms / (window->span_ms / FAR_WINDOW_PARTS));
  window->parts[window->part % FAR_WINDOW_PARTS] += amount;
  window->sum += amount;
}

void far_window_add_span(far_window *window, uint64_t from_ms,
                         uint64_t now_ms) {
  if (window->span_ms == 0 || from_ms >= now_ms)
    return;
  if (now_ms - from_ms > window->span_ms)
    from_ms = now_ms - window->span_ms; // The rest is over already.
  uint64_t part_ms = window->span_ms / FAR_WINDOW_PARTS;
  while (from_ms < now_ms) {
    uint64_t next_ms = (from_ms / part_ms + 1) * part_ms;
    uint64_t end_ms = next_ms < now_ms ? next_ms : now_ms;
    far_window_add(window, from_ms, end_ms - from_ms);
    from_ms = end_ms;
  }
}
