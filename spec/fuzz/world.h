// A world for scripts: a simulated phone whose user, OS and memory are made up
// by a fuzzer. The story is followed entry by entry and must add up at any
// moment, and when the phone is closed nothing is left.
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include "../../bindings/bindings.h"
#include "device.h"
#include "input.h"

enum { WORLD_SCRIPTS = 3 };

typedef struct world {
  far_device *device; // NULL: a host on real time.
  farside_host *host;
  const char *codes[WORLD_SCRIPTS]; // Of the scripts "a", "b" and "c".
  size_t codes_bytes[WORLD_SCRIPTS];
  farside_limits limits;
  int forced;         // See far_watch_force().
  bool is_comparable; // Nothing in it depends on the machine.

  // The host's memory.
  size_t used_bytes, allocations;
  size_t fails_at; // The number of the allocation to refuse; zero for none.
  bool has_failed; // One was refused.

  // The story so far.
  uint64_t t_ms;
  uint64_t begun, ended, finished, failed, expired, cancelled;
  uint64_t errors; // Entries of that level.
  uint64_t kills;  // Scripts that were stopped.
  uint64_t errors_seen, killed_seen;
  bool is_inside; // The callback calls, and is called.
  unsigned entries;
  char said[512]; // The last line of the log that begins with "fuzz ".
} world;

// Opens a phone as the first line says. The codes must outlive it. False when
// memory was made short, and then there is nothing to close.
bool world_open(world *mine, input *setup);

// Loads a script anew, closing an old one of that name; any status.
farside_status world_load(world *mine, size_t index);

// Lets time pass, and does what is due.
void world_advance(world *mine, uint64_t ms);

// One move of the user, of the OS or of the embedder.
void world_move(world *mine, input *moves);

// All that has to hold between two moves.
void world_check(world *mine);

// Closes the phone. Returns the fingerprint of the story.
uint64_t world_close(world *mine);

#endif
