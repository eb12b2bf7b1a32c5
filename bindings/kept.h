// Kept: what a script asks of the store is answered when it is in the store.
//
// A coroutine waits for the next commit, which it shares with others. Who
// cannot wait (the main chunk, a function that is called from C) has a commit
// of his own, at once.
#ifndef FAR_KEPT_H
#define FAR_KEPT_H

#include "wait.h"

typedef struct far_kept {
  far_wait wait; // First.
  far_waiter waiter;
  farside_status status;
  char *error; // A sentence of its own; NULL: the status says it all.
  int (*answer)(lua_State *L, const struct far_kept *kept);
  // The script's own mistake, which becomes an error: a text that stays.
  const char *mistake;
  // What a change leaves for its answer.
  far_receipt receipt;
  int64_t count;
} far_kept;

// A change of the store, between far_begin_change() and far_end_change().
typedef farside_status (*far_keep_change)(far_script *script, void *request,
                                          far_kept *kept);

// The end of a function: `return far_keep(L, change, &request, answer)`. Makes
// the change, waits until it is kept, and returns what `answer` pushes, or nil,
// a sentence and a NAME. The request need not outlive the call.
int far_keep(lua_State *L, far_keep_change change, void *request,
             int (*answer)(lua_State *L, const far_kept *kept));

// Answers true.
int far_answer_true(lua_State *L, const far_kept *kept);

#endif
