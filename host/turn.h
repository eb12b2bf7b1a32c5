// A turn: one entry into a script, and the one door through which it goes.
//
// Loading, a listener, a timer, a step of a task: each is a turn. Turns wait in
// their script's queue, run one at a time in a coroutine from a pool, and run
// to completion as far as the script can tell; whoever sleeps has ended its
// turn. A turn that computes longer than its slice is parked, and goes on after
// the other scripts had theirs. Nothing else in Farside enters Lua, so this is
// the one place that catches errors, and the place where budgets are armed.
#ifndef FAR_TURN_H
#define FAR_TURN_H

#include "list.h"
#include <lua.h>
#include <stdint.h>

struct far_job;
struct far_script;
typedef struct far_turn far_turn;

typedef enum far_turn_end {
  FAR_TURN_RETURNED, // The function has returned.
  FAR_TURN_WAITS,    // It sleeps, or somebody else will resume it.
  FAR_TURN_FAILED,   // It raised an error, which is in the timeline already.
  FAR_TURN_DROPPED   // It never ran: cancelled, or its script was closed.
} far_turn_end;

// What a coroutine is to its script, however often it sleeps.
typedef enum far_role {
  FAR_ROLE_PLAIN,
  FAR_ROLE_CLOSURE, // A task's closure: its error is the task's.
  FAR_ROLE_HANDLER, // A task's onExpire: it should be short.
  FAR_ROLE_MAIN     // The main chunk: it may wait in farside.run().
} far_role;

// Embed it in what wants to run. Zero it, and fill the first group.
struct far_turn {
  struct far_script *script;
  struct far_job *job; // The task it works for, or NULL.

  // Pushes a function and its arguments on L, and returns how many arguments;
  // FAR_TURN_NOTHING when there is nothing to run any more. With `co`, pushes
  // only what the wait returns. May raise a Lua error.
  int (*push)(far_turn *turn, lua_State *L);

  // The turn is over. It may free the turn's memory.
  void (*end)(far_turn *turn, far_turn_end how);

  lua_State *co; // The waiting coroutine to go on with; NULL for a new one.
  int co_ref;    // What keeps `co` alive. The door takes it over.
  bool is_ours;  // Nobody else knows `co`: it may go back to the pool.
  far_role role;
  bool is_closing; // Do not resume `co`: end it, and run what it must close.

  far_list link; // In the script's queue.
};

enum { FAR_TURN_NOTHING = -1 };

// Puts a turn at the end of its script's queue.
void far_turn_queue(far_turn *turn);

// Takes a turn out of the queue, without a call of `end`.
void far_turn_cancel(far_turn *turn);

// Runs a turn, or the next slice of the one that is parked. The one door into
// Lua; never from inside a turn of that script. Afterwards the script may be
// dead: far_life_bury() comes next.
void far_host_call(far_turn *turn);

// Ends a turn that is parked, as far as its script knows at that very
// instruction: it is never resumed, and what it has to close is closed when its
// next slice comes.
void far_turn_doom(struct far_script *script);

// Frees a script's pooled coroutines.
void far_turn_pool_clear(struct far_script *script);

#endif
