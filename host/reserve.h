// What a frame keeps for what cannot be suspended: a table that grows, a step
// of the collector, an event that is passed on (pure).
//
// A game repeats itself: what once went on for so long after its end will do so
// again. So the longest of late is kept, with something to spare, and forgotten
// by and by. Never less than 1 ms or a quarter of the frame, which is enough
// for nearly all, and never more than three quarters of it: scripts go on, even
// where the frame is too short for what they do.
#ifndef FAR_RESERVE_H
#define FAR_RESERVE_H

#include <stdint.h>

// Zeroed memory has learned nothing.
typedef struct far_reserve {
  uint64_t learned_ns;
} far_reserve;

// How long scripts may compute in a frame.
uint64_t far_reserve_aim(const far_reserve *reserve, uint64_t budget_ns);

// For each frame: it was to compute for `aim_ns`, and has for `used_ns`.
void far_reserve_learn(far_reserve *reserve, uint64_t budget_ns,
                       uint64_t aim_ns, uint64_t used_ns);

#endif
