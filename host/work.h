// Work: a unit of durable work, as it is kept.
//
// A task lives and dies with the app; a unit of work is a row in a store and
// outlives the app, a kill and a reboot. It is enqueued, runs, perhaps several
// times, and ends once: succeeded, failed or cancelled. Periodic work never
// ends but by being cancelled: after each run it is enqueued for its next slot.
// Each attempt is a run, and a run is carried out as a task.
//
// All instants here are milliseconds of the wall clock since 1970: monotonic
// time does not survive a reboot. What follows from a row is decided in
// `schedule`, kept in `store` and carried out by `queue`.
#ifndef FAR_WORK_H
#define FAR_WORK_H

#include "memory.h"

typedef enum far_work_state {
  FAR_WORK_ENQUEUED,
  FAR_WORK_RUNNING,
  FAR_WORK_BLOCKED, // Waits for its parents.
  FAR_WORK_SUCCEEDED,
  FAR_WORK_FAILED,
  FAR_WORK_CANCELLED,
  FAR_WORK_STATES
} far_work_state;

// Why it is in its state. Numbers are kept in files: append only.
#define FAR_REASON_MAP(X)                                                      \
  X(NONE, "", "")                                                              \
  X(RETRY, "retry", "its last run failed, and it is tried again")              \
  X(STOPPED, "stopped", "its last run was stopped by the system")              \
  X(CRASHED, "crashed", "the app died during its last run")                    \
  X(REDRIVEN, "redriven", "it was given another chance")                       \
  X(PARENTS, "parents", "it waits for other work")                             \
  X(HELD, "held", "other work that it waits for has failed")                   \
  X(ATTEMPTS, "attempts", "it has failed as often as it may")                  \
  X(CRASH_LOOP, "crash_loop", "the app died during its runs too often")        \
  X(REFUSED, "refused", "its run said that trying again is of no use")         \
  X(DEADLINE, "deadline", "its deadline has passed")                           \
  X(PARENT_FAILED, "parent_failed", "other work that it waits for has failed") \
  X(CANCELLED, "cancelled", "the app cancelled it")                            \
  X(REPLACED, "replaced", "other work of its unique name took its place")      \
  X(PARENT_CANCELLED, "parent_cancelled",                                      \
    "other work that it waits for was cancelled")                              \
  X(NO_QUOTA, "no_quota", "it was to be expedited, and there was no quota")

typedef enum far_reason {
#define FAR_REASON(id, name, text) FAR_REASON_##id,
  FAR_REASON_MAP(FAR_REASON)
#undef FAR_REASON
      FAR_REASONS
} far_reason;

// What a run needs of the phone: bits.
enum {
  FAR_NEEDS_NETWORK = 1,
  FAR_NEEDS_UNMETERED = 2, // And nobody pays by the byte.
  FAR_NEEDS_CHARGING = 4,
  FAR_NEEDS_BATTERY_OK = 8,
  FAR_NEEDS_STORAGE_OK = 16,
  FAR_NEEDS_IDLE = 32,
  FAR_NEEDS_ALL = 63
};

typedef enum far_backoff {
  FAR_BACKOFF_EXPONENTIAL, // base, 2 base, 4 base …
  FAR_BACKOFF_LINEAR,      // base, 2 base, 3 base …
  FAR_BACKOFF_FIXED,
  FAR_BACKOFFS
} far_backoff;

typedef enum far_missed {
  FAR_MISSED_ONCE, // One run for all the slots that passed by.
  FAR_MISSED_SKIP, // None: the next slot is its next chance.
  FAR_MISSED_ALL,  // One for each, up to FAR_MISSED_MAX.
  FAR_MISSEDS
} far_missed;

typedef enum far_parent_fail {
  FAR_PARENT_FAIL_FAIL, // It fails, or is cancelled, as its parent was.
  FAR_PARENT_FAIL_RUN,  // It runs all the same.
  FAR_PARENT_FAIL_HOLD, // It waits until the parent is redriven.
  FAR_PARENT_FAILS
} far_parent_fail;

typedef enum far_expedite {
  FAR_EXPEDITE_NO,
  FAR_EXPEDITE_OR_NORMAL, // Without quota it is work like any other.
  FAR_EXPEDITE_OR_DROP,   // Without quota it is cancelled.
  FAR_EXPEDITES
} far_expedite;

enum {
  FAR_WORK_NAME_MAX = 256,          // Bytes of kind, unique, group and a tag.
  FAR_WHY_BYTES = 1024,             // Of a sentence, with its end.
  FAR_WORK_VALUE_MAX = 1024 * 1024, // Bytes of an input, output, checkpoint.
  FAR_WORK_TAGS_MAX = 16,
  FAR_WORK_PARENTS_MAX = 100,
  FAR_PRIORITY_MAX = 10, // And as much below zero.
  FAR_MISSED_MAX = 100
};

// What define{} says of a kind, kept with the work: it has to be known when the
// app has died and nobody has defined anything yet.
typedef struct far_rules {
  int64_t timeout_ms; // Of one run.
  int64_t retry_max;  // Attempts that may fail.
  int64_t retry_base_ms;
  int64_t retry_cap_ms;
  far_backoff backoff;
  int64_t jitter_permille; // Of the delay, to either side.
  int64_t crashes_max;
} far_rules;

// A unit of work. Every string is its own, or NULL. Texts of values are JSON.
typedef struct far_work {
  int64_t id; // From one up, and never given twice. Zero: not kept yet.
  char *script;
  char *kind;
  char *input;
  char *unique; // At most one run of a name at a time. Periodic work has one.
  char *group;  // Groups have their turns one after the other.
  char *tags;   // Each followed by a newline; NULL for none.
  unsigned needs;
  int64_t priority; // Higher is sooner.
  far_expedite expedite;
  far_parent_fail on_parent_fail;
  int64_t keep_ms; // How long it is kept once it has ended.
  far_rules rules;

  // Periodic work: one of both.
  int64_t every_ms; // With a base, from which slots are counted.
  int64_t flex_ms;  // Of each slot, its last part.
  int64_t base_ms;
  char *cron;
  char *zone; // NULL: the machine's.
  far_missed missed;
  int64_t slot_ms;      // Which slot its next run, or its run, is for.
  int64_t slots_left;   // Of FAR_MISSED_ALL: that are still due after it.
  int64_t slots_missed; // In its whole life: passed by without a run.

  int64_t enqueued_ms;
  int64_t run_at_ms;   // Not before.
  int64_t delay_ms;    // How long before run_at that was set: a moved clock
                       // moves it along. While it is blocked: how long after.
  int64_t deadline_ms; // Zero for none.

  far_work_state state;
  far_reason reason;
  char *why;          // A sentence of the script's or the system's, or NULL.
  int64_t since_ms;   // When it came into this state, for this reason.
  int64_t token;      // Of its run; only grows. Zero: it has never run.
  int64_t attempts;   // That failed since it was enqueued, or since its slot.
  int64_t crashes;    // Runs during which the app died, in a row.
  int64_t stops;      // Runs that the system stopped, in a row.
  int64_t runs;       // Of all kinds, in its whole life.
  int64_t generation; // Grows when it is updated.
  int64_t parents;    // That have not ended yet.
  char *checkpoint;
  char *progress;
  char *output;
  unsigned parts;   // The store's own: which texts it has.
  bool has_parents; // Likewise.
  bool is_brief;    // It was read without its texts.
  bool forgets;     // Its checkpoint and its progress are no longer wanted.

  // Its place among those that are ready: see far_schedule_rank(). Zero until
  // its time has come; a clock that is set back then takes nothing back.
  int64_t tag;
  int64_t rank;
} far_work;

// How a run ended, for the history. Numbers are kept in files: append only.
typedef enum far_run_end {
  FAR_RUN_OPEN, // It goes on.
  FAR_RUN_SUCCEEDED,
  FAR_RUN_RETRY,   // An error, its timeout, or ctx:retry().
  FAR_RUN_FAILED,  // ctx:fail().
  FAR_RUN_STOPPED, // By the system.
  FAR_RUN_CRASHED,
  FAR_RUN_CANCELLED,
  FAR_RUN_ENDS
} far_run_end;

typedef struct far_run {
  int64_t work; // Its id.
  int64_t token;
  int64_t attempt; // From one up.
  int64_t slot_ms; // Of periodic work.
  int64_t begun_ms;
  int64_t ended_ms; // Zero while it goes on.
  far_run_end end;
  char *why; // NULL for none.
} far_run;

// Frees what a record owns, and zeroes it. Safe on a zeroed one.
void far_work_deinit(far_memory *memory, far_work *work);
void far_run_deinit(far_memory *memory, far_run *run);

// Copies `text` in the place of *field. False, and nothing has changed, when
// memory is short. NULL is a text.
bool far_work_set(far_memory *memory, char **field, const char *text);

// A copy that is its own. False when memory is short; *copy is zeroed then.
bool far_work_copy(far_memory *memory, const far_work *work, far_work *copy);

bool far_work_is_periodic(const far_work *work);

// Succeeded, failed or cancelled.
bool far_work_is_final(const far_work *work);

// "enqueued", …; "retry", …; a sentence; "exponential", …; NULL behind the last
// of each, so that a list of them can be printed.
const char *far_work_state_name(far_work_state state);
const char *far_reason_name(far_reason reason);
const char *far_reason_text(far_reason reason);
const char *far_backoff_name(far_backoff backoff);
const char *far_missed_name(far_missed missed);
const char *far_parent_fail_name(far_parent_fail what);
const char *far_expedite_name(far_expedite expedite);
const char *far_run_end_name(far_run_end end);

// "network" or "unmetered", "charging", … of a single bit.
const char *far_need_name(unsigned need);

#endif
