// A job: a task as the host carries it out, with its closure, its timer and
// what it owns.
#ifndef FAR_JOB_H
#define FAR_JOB_H

#include "script.h"
#include "task.h"

// Who wants to know what becomes of a task besides its script; durable work.
typedef struct far_job_owner {
  void (*warned)(struct far_job_owner *owner);
  // Its closure has raised an error, of which it ends.
  void (*failed)(struct far_job_owner *owner, const char *message);
  // Whatever ended it. The last call; the task is freed behind it.
  void (*ended)(struct far_job_owner *owner, far_task *task, far_task_state how,
                const char *why);
} far_job_owner;

typedef struct far_job {
  far_task task; // First, so that a task is its job.
  size_t bytes;  // Of all of it: the task's strings lie behind.
  far_script *script;
  far_timer timer;      // The warning, then the end.
  far_turn turn;        // Runs the closure.
  far_turn expire_turn; // Runs onExpire.
  int function_ref;
  int on_expire_ref;
  far_job_owner *owner; // NULL: nobody but the script.
  uint64_t cpu_ns;      // What its turns have computed.
  far_list owned;
  int uses; // Reasons to live: it is open, a turn of its own is outstanding.
  bool is_warned;  // This time in the background.
  bool is_late;    // Begun when the warning was out: it gets none of its own.
  bool is_suspect; // Nothing of it is pending: does anybody hold its id?
  bool is_leaked;  // And it was reported.
  bool is_held;    // Scratch for the search.
  uint64_t successor; // Begun later at the same place, finished by its id; 0.
} far_job;

enum { FAR_NO_REF = -2 }; // LUA_NOREF, for those who know no Lua.

// What exec was told. The job takes over the two references.
typedef struct far_exec {
  const char *name;   // Copied; NULL for none.
  const char *origin; // Copied.
  uint64_t budget_ms; // Zero: what the profile gives.
  int function_ref;
  int on_expire_ref;                                // LUA_NOREF for none.
  int (*push)(far_turn *turn, lua_State *L);        // The closure.
  int (*push_expire)(far_turn *turn, lua_State *L); // onExpire.
  far_job_owner *owner;
} far_exec;

// Begins a task, whose closure runs in a later turn. On failure the references
// are still the caller's.
farside_status far_job_begin(far_script *script, const far_exec *exec,
                             uint64_t *id);

// Finds an open task of a script. Fails as far_tasks_find() does, and with
// FARSIDE_NOTASK for another script's task, and for a run of durable work.
farside_status far_job_find(const far_script *script, uint64_t id,
                            far_job **job);

// A task is finished by its id. Of those that were begun before it at the same
// place, whose id would be where this one was?
void far_job_overtake(const far_job *job);

// Ends an open task in any way, cancels what it owns, and writes it down.
void far_job_end(far_job *job, far_task_state how, const char *why);

// Ends all tasks of one script, or of all where `script` is NULL.
void far_jobs_cancel(farside_host *host, const far_script *script,
                     const char *why);

// Arms each task's timer anew after its deadline was changed.
void far_jobs_arm(farside_host *host);

// An onExpire was set: when the warning is out already, it is due at once.
void far_job_hear_warning(far_job *job);

// The closure's turn has come.
void far_job_run(far_job *job);

// So has onExpire's; and it has come to its end, sleeps included.
void far_job_hear(far_job *job);
void far_job_heard(far_job *job);

// Whether a handler of a task's end is what runs in this script.
bool far_job_is_handling(const far_script *script);

// Looks at the tasks that nothing can end any more, and reports them.
void far_jobs_find_leaks(farside_host *host);

// Something of a job is over: look at it when the queue is empty.
void far_job_suspect(far_job *job);

// Marks `is_held` on each suspect whose id somebody can still use. Set by the
// bindings; without it everybody is assumed to be held.
typedef void (*far_find_holders)(far_script *script);

#endif
