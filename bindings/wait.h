// Waits: a coroutine that goes on when something has happened.
//
// A wait belongs to the task in which it began. When the task ends first, the
// coroutine never goes on, and what it has to close is closed in a turn of its
// own. Whoever resumes the coroutine by himself ends the wait: the function
// that waits then fails with INTERRUPTED, and what it waited for is nobody's.
#ifndef FAR_WAIT_H
#define FAR_WAIT_H

#include "bindings.h"

typedef struct far_wait far_wait;

// One of these for each function that waits.
typedef struct far_wait_kind {
  const char *what;    // "sleep", for the sentence about a leak.
  const char *refusal; // What to tell who cannot wait: "only a coroutine …".
  size_t bytes;        // Of what far_wait is embedded in, as its first member.

  // What the function returns, pushed on L. May raise a Lua error.
  int (*push)(far_wait *wait, lua_State *L);

  // It is over, in whatever way: stop waiting. Called once.
  void (*stop)(far_wait *wait);

  // Its memory is freed next. NULL: there is nothing else to free.
  void (*deinit)(far_wait *wait);
} far_wait_kind;

struct far_wait {
  const far_wait_kind *kind;
  far_owned owned;
  far_turn turn; // Holds the coroutine.
  uint64_t id;
  bool is_over; // It is on its way back, or was interrupted.
};

// Raises an error where L cannot wait. Returns what keeps L alive, for
// far_wait_begin().
int far_wait_prepare(lua_State *L, const far_wait_kind *kind);

// Makes L wait: between far_begin_change() and far_end_change(), in which
// nothing may raise an error. The rest of what it is embedded in is zero. NULL
// when memory is short.
far_wait *far_wait_begin(far_script *script, lua_State *L, int co_ref,
                         const far_wait_kind *kind);

// Takes it back, while L has not yielded yet.
void far_wait_abandon(far_wait *wait);

// The end of a function that waits: `return far_wait_yield(L, wait, co_ref)`.
// Without a wait it raises "not enough memory".
int far_wait_yield(lua_State *L, const far_wait *wait, int co_ref);

// It has happened: the coroutine goes on in a turn of its own. `note`, if it is
// not NULL, is written in the timeline as what has fired.
void far_wait_end(far_wait *wait, const char *note);

#endif
