// Schedule: what becomes of durable work, and when.
//
// Every decision about a unit of work is one function here: told the row, the
// moment and what happened, it changes the row. It keeps nothing, reads no
// clock and asks no store, so the same code decides on a phone in virtual time,
// on a server, and in a test that knows the answer.
#ifndef FAR_SCHEDULE_H
#define FAR_SCHEDULE_H

#include "chance.h"
#include "platform.h"
#include "policy.h"
#include "work.h"
#include "zone.h"

// When something is decided, and under which circumstances.
typedef struct far_moment {
  int64_t wall_ms;
  far_profile profile;
  const far_zone *zone; // Of the machine, for cron without a zone of its own.
  far_chance *chance;   // For jitter.
} far_moment;

// -- Enqueue ------------------------------------------------------------------

// The defaults of define{}: as design.md says them.
far_rules far_rules_default(far_profile profile);

// What was asked for and cannot be had, for info.effective and a warning.
typedef enum far_clamp {
  FAR_CLAMP_EVERY = 1, // The profile's least interval.
  FAR_CLAMP_FLEX = 2,
  FAR_CLAMP_BACKOFF = 4,  // The profile's least and most delay of a retry.
  FAR_CLAMP_TIMEOUT = 8,  // The profile's most for one run.
  FAR_CLAMP_EXPEDITE = 16 // No quota, as the queue finds: it is like any other.
} far_clamp;

// Raises and lowers what the profile does not allow; returns FAR_CLAMP_ bits.
unsigned far_schedule_clamp(far_work *work, far_profile profile);

// A new unit: enqueued, or blocked while it has parents; when it runs first.
// `delay_ms` from now, or from when its last parent has ended. Periodic work
// counts its slots from then, has no deadline, and with `is_immediate` its
// first run is due at once. A cron that never comes has run_at INT64_MAX.
//
// Slot k of an interval is [base + k every, base + (k + 1) every): its run is
// due where its flex begins, and without flex at its beginning. The slot of
// cron is an instant, and lasts until the next one.
void far_schedule_enqueue(far_work *work, const far_moment *now,
                          int64_t delay_ms, bool is_immediate);

// Takes over what an update changes, from a unit that was prepared as for
// far_schedule_enqueue() but not kept: input, needs, priority, rules, period.
// The id, the history, a run under way, its place in a chain and, where the
// period is the same, its slots stay. A new period begins now. False, and
// nothing has changed, when memory is short.
bool far_schedule_update(far_memory *memory, far_work *work,
                         const far_work *with, const far_moment *now);

// Its time is counted anew from now, as after an enqueue that is debounced.
// False when it is periodic, runs or has ended.
bool far_schedule_postpone(far_work *work, int64_t delay_ms,
                           const far_moment *now);

// -- Who is next --------------------------------------------------------------

// Those that are ready are taken in the order of their rank, the lowest first.
// Fair between groups: each group's units are numbered on, from where the
// service stands; so a group that enqueues a thousand has its next one served
// after every other group had one. `last_tag` is the highest of the units of
// its group that are ready, or less than `service_tag` for none; `service_tag`
// is the highest tag of all units that were started: it only grows, or else a
// group that enqueues one at a time could keep the others waiting for ever.
// It is kept over a restart.
//
// Priority moves a unit ahead of a fixed number of places, so the lowest is
// served in the end: that is ageing. Of units of the same rank the older one,
// by id, is first.
enum { FAR_PRIORITY_PLACES = 100 };
void far_schedule_rank(far_work *work, int64_t last_tag, int64_t service_tag);

// It is enqueued, its time has come, and it has its rank. Whatever gives it
// another time, or another content, takes that away.
bool far_schedule_is_ready(const far_work *work);

// Which of FAR_NEEDS_ are not met.
unsigned far_schedule_unmet(unsigned needs, const farside_conditions *now);

// Expedited work is started before all other, as long as there is quota: so
// many runs within a window. A ring of the last starts.
enum { FAR_EXPEDITED_MAX = 32 };
typedef struct far_quota {
  int64_t started_ms[FAR_EXPEDITED_MAX];
  uint64_t count;
} far_quota;
bool far_quota_has(const far_quota *quota, const far_moment *now);
void far_quota_take(far_quota *quota, const far_moment *now);

// -- A run --------------------------------------------------------------------

// It starts: running, with a new token, by the rules that are defined now; NULL
// keeps those that it has. Periodic work that was ready and had to wait for its
// conditions past its slot runs for the present one.
void far_schedule_start(far_memory *memory, far_work *work,
                        const far_rules *rules, const far_moment *now);

// What became of a run.
typedef struct far_result {
  far_run_end end;  // Not FAR_RUN_OPEN.
  const char *why;  // Or NULL.
  int64_t delay_ms; // Of FAR_RUN_RETRY, where the script chose it; else zero.
} far_result;

// It ended: succeeded, failed, or enqueued again, with its next time. The
// checkpoint is kept until the unit succeeds, or its next slot begins: one that
// has failed goes on from there when it is redriven. A row that does not run is
// left as it is: it was cancelled meanwhile. False when memory is short: then
// only `why` is missing.
//
// Periodic work goes on with its next slot when a run succeeds, fails for good
// or has used its attempts up, and `why` keeps the last reason. It retries
// within its slot: when the next one is due before the retry, that one takes
// its place; of FAR_MISSED_ALL, where each slot counts, it waits. Periodic work
// during which the app died crashes_max times in a row fails like any other: it
// would take the app with it in every slot, for ever. It is quarantined until
// it is redriven.
bool far_schedule_end(far_memory *memory, far_work *work,
                      const far_result *result, const far_moment *now);

// -- Without a run ------------------------------------------------------------

// A deadline has passed. False: not yet, or there is none, or it has ended.
bool far_schedule_give_up(far_work *work, const far_moment *now);

// Cancelled, whatever it was; false when it has ended already.
bool far_schedule_cancel(far_work *work, far_reason reason,
                         const far_moment *now);

// A parent has ended. Returns whether the row has changed. It may have ended
// too: then its children are told next. To be told once for each parent.
bool far_schedule_parent_ended(far_work *work, const far_work *parent,
                               const far_moment *now);

// A parent was redriven: a unit that is still blocked, and would not have
// waited for it any longer, does so again. Children that failed, or were
// cancelled, because of it stay so: each is redriven by itself, or not at all.
bool far_schedule_parent_redriven(far_work *work, const far_moment *now);

// A unit that failed, or was cancelled, gets another chance: at once, attempts
// and crashes from zero, without a deadline that has passed. It waits for its
// parents no longer. Periodic work that is before its next slot waits for that.
// False for one that has not failed.
bool far_schedule_redrive(far_memory *memory, far_work *work,
                          const far_moment *now);

// The wall clock was moved by so much: what was to happen after some time
// happens after that time, deadlines and slots of an interval too; what was to
// happen at a time of day, at that. Zero when nobody knows by how much, as at
// the start of a host: then what seems to have been set in the future was set
// now. False when nothing has changed.
//
// A slot of cron does not come twice when the clock is set back, up to a day:
// work that went by a clock that was years ahead must not stand still for
// years.
bool far_schedule_move(far_work *work, int64_t by_ms, const far_moment *now);

// The machine, or the phone, is in another zone: what goes by its time of day,
// and waits for its slot, waits for that of the new zone. False when nothing
// has changed.
bool far_schedule_rezone(far_work *work, const far_moment *now);

// Slots have passed by the time it is looked at. A slot has passed when the run
// of a later one is due. Called for periodic work that is enqueued when its
// run_at has come. True when the row has changed: look at run_at again.
//
//   once  one run now, for the latest slot whose run is due
//   skip  the next slot; a run now only within the flex of the present one
//   all   one run for each, the oldest first; at most FAR_MISSED_MAX, the
//   newest
//
// With rare wake-ups `skip` may find that every slot has passed. A flex that is
// as long as the period lets it run anywhere in the present slot.
bool far_schedule_catch_up(far_memory *memory, far_work *work,
                           const far_moment *now);

// -- Why not ------------------------------------------------------------------

typedef enum far_obstacle_kind {
  FAR_OBSTACLE_TIME,       // Its time has not come.
  FAR_OBSTACLE_NEED,       // A condition is not met.
  FAR_OBSTACLE_PARENTS,    // It is blocked.
  FAR_OBSTACLE_NO_HANDLER, // Nobody has defined its kind.
  FAR_OBSTACLE_NAME,       // Another of its unique name runs.
  FAR_OBSTACLE_BUSY,       // As many run as may; others are before it.
  FAR_OBSTACLE_APP,        // The app sleeps, or may not work now, or is dead.
  FAR_OBSTACLE_ENDED,      // It has ended.
  FAR_OBSTACLE_KINDS
} far_obstacle_kind;

typedef struct far_obstacle {
  far_obstacle_kind kind;
  unsigned need;    // Of FAR_OBSTACLE_NEED: a single bit. Without a network
                    // that is FAR_NEEDS_NETWORK, whatever it is to be like.
  int64_t since_ms; // Since when; zero: not known.
  int64_t until_ms; // Of FAR_OBSTACLE_TIME; INT64_MAX: for ever. Else zero.
} far_obstacle;

enum { FAR_OBSTACLES_MAX = 16 };

// What is known of the host; `app` is NULL where the app does not run, as for
// somebody who reads its file.
typedef struct far_app_now {
  farside_conditions conditions;
  int64_t changed_ms[6]; // Since when each FAR_NEEDS_ bit is as it is, or zero.
  bool is_defined;       // Its kind.
  bool is_name_running;
  bool is_full;
  bool may_start; // The app's state lets work start.
  int64_t may_start_since_ms;
} far_app_now;

// Everything that stands in its way at this moment; none: it runs, or starts
// at once.
size_t far_schedule_explain(const far_work *work, const far_app_now *app,
                            const far_moment *now,
                            far_obstacle obstacles[FAR_OBSTACLES_MAX]);

// "time", "need", …: as explain() has them.
const char *far_obstacle_name(far_obstacle_kind kind);

// A sentence of an obstacle, without a full stop: "needs network unmetered; it
// is metered, since 2 h 3 min", "its time comes in 4 min 10 s (07:40)".
void far_obstacle_print(const far_obstacle *obstacle, const far_work *work,
                        const far_moment *now, char *text, size_t bytes);

#endif
