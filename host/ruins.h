// Ruins: the memory of scripts that are gone, until it is given back.
//
// Giving back what a large script had takes milliseconds, and nobody is to wait
// for them: not the task of another script, and not the next frame of an
// engine. So on real time an arena is taken down a few megabytes at a time,
// between other things.
#ifndef FAR_RUINS_H
#define FAR_RUINS_H

#include "arena.h"
#include "timer.h"

struct farside_host;

typedef struct far_ruins {
  far_arena *first; // What is being taken down; the others come after it.
  far_timer timer;
} far_ruins;

// Fails with FARSIDE_NOMEM.
farside_status far_ruins_init(struct farside_host *host);

// Gives all of it back. Harmless on zeroed memory.
void far_ruins_deinit(struct farside_host *host);

// Takes an arena over that nobody uses any more. NULL is none.
void far_ruins_add(struct farside_host *host, far_arena *arena);

#endif
