// The arena: the private memory of one script, with a hard cap.
//
// Lua's blocks come from chunks that belong to the script alone, so the whole
// of it is thrown away in microseconds, whatever state it was left in, and
// without a word to the script. The cap counts before anything grows. Blocks of
// one size class are handed out again from a list; when a chunk runs out, free
// neighbours are joined first.
#ifndef FAR_ARENA_H
#define FAR_ARENA_H

#include "memory.h"
#include "shield.h"

typedef struct far_arena far_arena;

// What an arena says of itself.
typedef struct far_arena_usage {
  size_t used_bytes;    // In blocks that are taken, rounded to their class.
  size_t peak_bytes;    // The most that it ever was.
  size_t chunk_bytes;   // What it has from the host's memory right now.
  size_t charged_bytes; // Of used_bytes: what the host keeps for the script.
  uint64_t allocations; // Blocks ever asked for, or made larger.
  uint64_t refused;     // Of these, the ones that got nothing.
} far_arena_usage;

// Opens an arena whose chunks come from `memory`. `cap_bytes` bounds all blocks
// together, `block_bytes` each one; what the arena has from `memory` stays
// below twice the cap and 2 MiB, even if that means to refuse a block earlier.
// `shield` is up while the arena talks to `memory`; NULL for none. NULL when
// memory is short.
far_arena *far_arena_open(far_memory *memory, far_shield *shield,
                          size_t cap_bytes, size_t block_bytes);

// Gives every chunk back. Whatever lived in them is gone. Safe on NULL, and on
// an arena that was left in the middle of anything.
void far_arena_drop(far_arena *arena);

// The same in pieces: gives back about so many bytes. Returns the arena while
// there is more of it, and then whatever it was put before, or NULL.
far_arena *far_arena_raze(far_arena *arena, size_t bytes);
void far_arena_put_before(far_arena *arena, far_arena *next);

// The lua_Alloc of a script: `user` is its far_arena. Shrinking never fails.
void *far_arena_allocate(void *user, void *ptr, size_t bytes_old,
                         size_t bytes_new);

// Counts what the host keeps for the script, such as a timer, against the cap.
// False, and nothing counted, when the cap does not allow it.
bool far_arena_charge(far_arena *arena, size_t bytes);
void far_arena_discharge(far_arena *arena, size_t bytes);

// Lifts the cap by a reserve while host code reports an error, so that a script
// that has used up its memory can still be told so. Nests.
void far_arena_lift(far_arena *arena);
void far_arena_lower(far_arena *arena);

// Refuses allocation number `n` from now on, once (`and_after`: and each later
// one). Zero stops that.
void far_arena_fail(far_arena *arena, uint64_t n, bool and_after);

void far_arena_get_usage(const far_arena *arena, far_arena_usage *usage);

#endif
