// Durations, as people write them: "500ms", "20s", "1m30s", "1h30m", "2d".
#ifndef FAR_DURATION_H
#define FAR_DURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Reads a whole text. False for anything that is no duration: no unit, a sign,
// nothing at all, more than thirty thousand years.
bool far_duration_parse(const char *text, uint64_t *ms);

// Writes one for people to read: "500 ms", "1 min 30 s", "0 s".
void far_duration_print(uint64_t ms, char *text, size_t bytes);

#endif
