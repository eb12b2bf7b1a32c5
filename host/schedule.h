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
  FAR_CLAMP_EXPEDITE = 16 // No quota: it is work like any other.
} far_clamp;

// Raises and lowers what the profile does not allow; returns FAR_CLAMP_ bits.
unsigned far_schedule_clamp(far_work *work, far_profile profile);

// A new unit: enqueued, or blocked while it has parents; when it runs first.
// `delay_ms` from now; periodic work counts its slots from now, and with
// `is_immediate` its first run is due at once.
void far_schedule_enqueue(far_work *work, const far_moment *now,
                          int64_t delay_ms, bool is_immediate);

// Takes over what an update changes, from a unit that was prepared as for
// far_schedule_enqueue() but not kept: input, needs, priority, rules, period.
// The id, the history, a run under way and, where the period is the same, its
// slots stay. False when memory is short.
bool far_schedule_update(far_memory *memory, far_work *work,
                         const far_work *with, const far_moment *now);

// -- Who is next --------------------------------------------------------------

// Those that are ready are taken in the order of their rank, the lowest first.
// Fair between groups: each group's units are numbered on, from where the
// service stands; so a group that enqueues a thousand has its next one served
// after every other group had one. `last_tag` is the highest of the units of
// its group that are ready, or less than `service_tag` for none; `service_tag`
// is the tag of the unit that was started last. Priority moves a unit ahead of
// a fixed number of others, so the lowest is served in the end: that is ageing.
void far_schedule_rank(far_work *work, int64_t last_tag, int64_t service_tag);

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

// It starts: running, with a new token, by the rules that are defined now.
void far_schedule_start(far_work *work, const far_rules *rules,
                        const far_moment *now);

// What became of a run.
typedef struct far_result {
  far_run_end end;  // Not FAR_RUN_OPEN.
  const char *why;  // Or NULL.
  int64_t delay_ms; // Of FAR_RUN_RETRY, where the script chose it; else zero.
} far_result;

// It ended: succeeded, failed, or enqueued again, with its next time. The
// checkpoint is kept until the unit ends, or its next slot begins. A run that
// was cancelled leaves the row as it is: cancelling it was decided before.
// False when memory is short: then only `why` is missing.
bool far_schedule_end(far_memory *memory, far_work *work,
                      const far_result *result, const far_moment *now);

// -- Without a run ------------------------------------------------------------

// A deadline has passed. False: not yet, or there is none, or it has ended.
bool far_schedule_give_up(far_work *work, const far_moment *now);

// Cancelled, whatever it was; false when it has ended already.
bool far_schedule_cancel(far_work *work, far_reason reason,
                         const far_moment *now);

// A parent has ended. Returns whether the row has changed. It may have ended
// too: then its children are told next.
bool far_schedule_parent_ended(far_work *work, const far_work *parent,
                               const far_moment *now);

// A unit that failed, or was cancelled, gets another chance: attempts and
// crashes from zero. False for one that has not failed.
bool far_schedule_redrive(far_work *work, const far_moment *now);

// The wall clock was moved by so much: what was to happen after some time
// happens after that time; what was to happen at a time of day, at that.
// False when nothing has changed.
bool far_schedule_move(far_work *work, int64_t by_ms, const far_moment *now);

// Its slots that have passed by the time it is looked at: according to its
// `missed`, a run is due now, or the next slot comes. Called for periodic work
// that is enqueued when its run_at has come. True when the row has changed.
bool far_schedule_catch_up(far_work *work, const far_moment *now);

// -- Why not ------------------------------------------------------------------

typedef enum far_obstacle_kind {
  FAR_OBSTACLE_TIME,       // Its time has not come.
  FAR_OBSTACLE_NEED,       // A condition is not met.
  FAR_OBSTACLE_PARENTS,    // It is blocked.
  FAR_OBSTACLE_NO_HANDLER, // Nobody has defined its kind.
  FAR_OBSTACLE_NAME,       // Another of its unique name runs.
  FAR_OBSTACLE_BUSY,       // As many run as may; others are before it.
  FAR_OBSTACLE_APP,        // The app sleeps, or may not work in the background.
  FAR_OBSTACLE_ENDED,      // It has ended.
  FAR_OBSTACLE_KINDS
} far_obstacle_kind;

typedef struct far_obstacle {
  far_obstacle_kind kind;
  unsigned need;    // Of FAR_OBSTACLE_NEED: a single bit.
  int64_t since_ms; // Since when; zero: not known.
  int64_t until_ms; // Until when, of FAR_OBSTACLE_TIME; else zero.
} far_obstacle;

enum { FAR_OBSTACLES_MAX = 16 };

// What is known of the host; `app` is NULL where the app does not run, as for
// somebody who reads its file.
typedef struct far_app_now {
  farside_conditions conditions;
  int64_t changed_ms[6]; // Since when each FAR_NEEDS_ bit is as it is.
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

// A sentence of an obstacle: "network is not unmetered, since 2 h 3 min".
void far_obstacle_print(const far_obstacle *obstacle, const far_work *work,
                        const far_moment *now, char *text, size_t bytes);

#endif
