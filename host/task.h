// Background tasks: the work an app may finish before the OS puts it to sleep.
//
// In the foreground a task is dormant: it has no deadline. Its clock starts
// when the app enters the background, and stops when the app comes back. The
// profile says whether all tasks share one budget or each has its own; a task
// may ask for less, never for more. While a task is open the app is awake.
//
// The table knows neither time nor scripts. It is told now_ms, and the host
// reads from each task when it wants to be warned and when it ends.
#ifndef FAR_TASK_H
#define FAR_TASK_H

#include "policy.h"
#include "slots.h"
#include "timer.h"

typedef enum far_task_state {
  FAR_TASK_PENDING, // Begun; its closure has not run yet.
  FAR_TASK_RUNNING,
  FAR_TASK_FINISHED,
  FAR_TASK_FAILED,   // Its closure raised an error.
  FAR_TASK_EXPIRED,  // The host ended it at the deadline.
  FAR_TASK_CANCELLED // The app or its script ended first.
} far_task_state;

// What the audit remembers of a task.
typedef struct far_task_record {
  bool is_run;     // Of durable work: it is stopped, and comes again.
  uint64_t blamed; // Rules that it has broken, by far_rule_bit().
  bool is_in_handler;
  uint64_t handler_ms; // Since when its onExpire runs, and what that computed.
  uint64_t handler_cost_ms;
  uint64_t cost_ms; // What its turns have computed, as it was said.
  bool has_saved;   // A value, or a checkpoint.
} far_task_record;

// Embed it in what carries the work out. Zero it and fill the first group.
typedef struct far_task {
  uint64_t budget_ms; // What the task asked for; zero: what the profile gives.
  const char *name;   // NULL when it has none. The caller owns the strings.
  const char *origin; // "app.lua:12"

  uint64_t id;
  far_task_state state;
  uint64_t begun_ms;
  uint64_t warn_ms; // When to call onExpire; FAR_NEVER while dormant.
  uint64_t end_ms;  // When the host ends it; FAR_NEVER while dormant.
  uint64_t time_ms; // How long it was given until then, in all.
  bool has_own_end; // It asked for less than there was.
  far_task_record record;
  struct far_task *previous, *next; // Open tasks, oldest first.
} far_task;

typedef struct far_task_table {
  far_profile profile;
  far_slots slots;
  far_task *first, *last;
  uint64_t open;

  // While budgets run: since when, and for how long by the profile.
  bool is_running_out;
  uint64_t since_ms;
  uint64_t allowance_ms;
  bool is_shared;
  uint64_t spent_ms; // The OS's patience ends here, whatever is begun now.
} far_task_table;

void far_tasks_init(far_task_table *table, far_memory *memory,
                    far_profile profile);
void far_tasks_deinit(far_task_table *table);

// Opens a task and names it. Fails with FARSIDE_LIMIT when the OS allows no
// more, and with FARSIDE_NOMEM.
farside_status far_tasks_begin(far_task_table *table, far_task *task,
                               uint64_t now_ms);

// Finds an open task. Fails with FARSIDE_NOTASK for an id that never was or
// ended long ago, FARSIDE_EXPIRED for a task that the host ended at its
// deadline, FARSIDE_FINISHED for one that ended in any other way.
farside_status far_tasks_find(const far_task_table *table, uint64_t id,
                              far_task **task);

// Ends an open task. Its memory stays the caller's.
void far_tasks_end(far_task_table *table, far_task *task, far_task_state how);

// A task was warned. Time that has run out is not given twice: until the app
// has been in the foreground again, what is begun from now on ends with it.
void far_tasks_warned(far_task_table *table, const far_task *task);

// The app entered the background, or was woken there: every budget begins to
// run. What is given to who was woken is shared.
void far_tasks_enter_background(far_task_table *table, uint64_t now_ms,
                                uint64_t allowance_ms, bool is_woken);

// The app came back, or sleeps against its will: every task is dormant again.
void far_tasks_leave_background(far_task_table *table);

// The OS ends this time in the background early: every task hears of its end
// now, and has left_ms from now on at the most.
void far_tasks_hurry(far_task_table *table, uint64_t now_ms, uint64_t left_ms);

// The app will end: whatever else was allowed, all tasks end within grace_ms.
void far_tasks_terminate(far_task_table *table, uint64_t now_ms,
                         uint64_t grace_ms);

// Milliseconds until the host ends the task; FAR_NEVER while dormant.
uint64_t far_task_remaining_ms(const far_task *task, uint64_t now_ms);

// "pending", "running", "finished", "failed", "expired", "cancelled".
const char *far_task_state_name(far_task_state state);

#endif
