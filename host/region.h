// The region: a place for a script's memory at an address that is the same in
// every run.
//
// Lua orders what pairs() visits by the addresses of tables and functions, and
// tostring() shows them. While time is virtual, all memory of a script comes
// from a region, so that neither tells one run from another.
#ifndef FAR_REGION_H
#define FAR_REGION_H

#include "memory.h"

typedef struct far_region far_region;

// What a region can hold at most. It is address space until it is used.
static const size_t FAR_REGION_BYTES = (size_t)1
                                       << (sizeof(size_t) > 4 ? 32 : 28);

// Reserves a region of `bytes`, which are whole mebibytes: the first of a fixed
// row of places that nobody of this process has. Where a machine has no such
// place, it begins at a multiple of its own size: then the order is the same in
// every run, and what tostring() shows is not. NULL when there is no such
// address space, or no memory. Any thread.
far_region *far_region_open(far_memory *memory, size_t bytes);

// Gives it back, with all that is in it. Safe on NULL.
void far_region_close(far_region *region);

// What takes whole pages from it, for far_arena_open().
far_memory *far_region_memory(far_region *region);

#endif
