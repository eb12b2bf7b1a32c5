// The audit: watches what an app does in the background, and says which rule
// it breaks.
//
// The host, the device and the bindings only tell it facts: a task was begun,
// its end was announced, a timer has fired. What follows from them is decided
// here, and nowhere else. It knows no script, no loop and no clock. A host on
// real time has no audit: every fact takes NULL for it, and is lost.
//
// Whoever has a fact that none of these tells of (a store, a transfer, work
// that comes back) adds a function for it here, and its rule beside the others.
#ifndef FAR_AUDIT_H
#define FAR_AUDIT_H

#include "app.h"
#include "violation.h"
#include "window.h"

enum {
  FAR_AUDIT_EXPIRED = 16,
  FAR_AUDIT_NAME_BYTES = 64,
  FAR_AUDIT_PLACES = 64,
  FAR_AUDIT_COSTS = 64,
  FAR_AUDIT_WINDOWS = 4,
  FAR_AUDIT_CHAINS = 32,
  FAR_AUDIT_CHAIN_BYTES = 256
};

// A kind of work that enqueues itself.
typedef struct far_chain {
  char key[FAR_AUDIT_CHAIN_BYTES]; // Script and kind; "" for a free place.
  uint64_t links;                  // How often it did.
  bool is_renewed;                 // In the run that goes on, or before it.
} far_chain;

// Where a script sets timers or sleeps, and how often that has fired.
typedef struct far_timer_place {
  char *script, *where;
  uint64_t fired;
} far_timer_place;

// What turns are taken to compute.
typedef struct far_turn_cost {
  char *name; // Those of tasks of this name; NULL: all turns.
  uint64_t ms;
} far_turn_cost;

// How much of a processor an OS gives to the background.
typedef struct far_cpu_limit {
  far_window window;
  far_profile os;
  uint64_t percent;
  uint64_t after_ms; // In the background.
} far_cpu_limit;

// Zero it, fill the first group of `violations`, and far_audit_init() it.
typedef struct far_audit {
  far_violations violations;

  far_app_state state;
  uint64_t visit_ms;     // When the app came to the background.
  uint64_t announced_ms; // When the end of this visit was; FAR_NEVER.
  uint64_t ended_ms;     // When a task of this visit ended; FAR_NEVER.
  char ended[FAR_AUDIT_NAME_BYTES]; // That task.
  bool is_early;                    // The OS has ended this visit early.

  struct { // Tasks that expired, the newest: for who comes too late.
    uint64_t id, t_ms;
  } expired[FAR_AUDIT_EXPIRED];
  uint64_t expired_count;

  far_timer_place places[FAR_AUDIT_PLACES];
  size_t place_count;
  far_window wakes;  // Of the processor, by timers.
  uint64_t woken_ms; // The last of them; FAR_NEVER.
  far_window grants; // Of wake-ups that the app has asked for.
  far_window pushes;
  far_window awake; // Time in the background with a task open.
  uint64_t open, awake_since_ms;

  far_turn_cost costs[FAR_AUDIT_COSTS];
  size_t cost_count;
  far_cpu_limit cpu_limits[FAR_AUDIT_WINDOWS];
  size_t cpu_limit_count;
  uint64_t behind_ms; // Since when nobody looks at the app.

  uint64_t ram_bytes; // Of the phone. Set by far_audit_init(), and anew.

  bool is_fetch; // This visit: the app was woken for what it had asked for.
  far_chain chains[FAR_AUDIT_CHAINS];
  far_window timeouts; // Runs whose time was up.
  bool has_saved;      // Anything, before it was told to end.
} far_audit;

void far_audit_init(far_audit *audit);
void far_audit_deinit(far_audit *audit);

// -- The app ------------------------------------------------------------------

// It is in this state now.
void far_audit_moved(far_audit *audit, far_app_state state, uint64_t now_ms);

// The OS ends this visit to the background before its time.
void far_audit_hurried(far_audit *audit);

// -- Tasks --------------------------------------------------------------------

// A task was begun, as one of `open`; by onExpire, or not.
void far_audit_began(far_audit *audit, const far_whom *whom, uint64_t open,
                     bool is_in_handler, uint64_t now_ms);

// exec was refused: there are as many as the OS allows.
void far_audit_refused(far_audit *audit, const far_whom *whom, uint64_t open,
                       uint64_t now_ms);

// Its end was announced.
void far_audit_announced(far_audit *audit, const far_whom *whom,
                         bool has_handler, uint64_t now_ms);

// Its onExpire begins, and has come to its end, sleeps included.
void far_audit_handler_began(far_audit *audit, const far_whom *whom,
                             uint64_t now_ms);
void far_audit_handler_ended(far_audit *audit, const far_whom *whom,
                             uint64_t now_ms);

// Nobody can finish it any more. `successor`: the id of a task that was begun
// after it at the same place, when that one is known; or 0.
void far_audit_lost(far_audit *audit, const far_whom *whom, uint64_t successor,
                    uint64_t now_ms);

// How it was when it ended.
typedef struct far_task_end {
  far_task_state how;
  const char *waited_for; // "computing"; NULL: nothing of it ran any more.
  bool is_endless;        // What it waited for would never have come to an end.
  bool has_mode;          // Its script's manifest has a mode that goes on.
  bool is_app_ending;
} far_task_end;

// It has ended; it is not freed yet.
void far_audit_ended(far_audit *audit, const far_whom *whom,
                     const far_task_end *end, uint64_t now_ms);

// finish was called for `id`, which names no open task: EXPIRED, FINISHED or
// NOTASK.
void far_audit_missed(far_audit *audit, const far_whom *whom, uint64_t id,
                      farside_status status, uint64_t now_ms);

// -- Timers -------------------------------------------------------------------

// A timer is set; a script goes to sleep. Returns the place, for
// far_audit_fired().
uint16_t far_audit_timer_set(far_audit *audit, const far_whom *whom,
                             uint64_t now_ms);
uint16_t far_audit_slept(far_audit *audit, const far_whom *whom);

// What was set at this place is due.
void far_audit_fired(far_audit *audit, uint16_t place, uint64_t now_ms);

// -- Turns --------------------------------------------------------------------

// What is measured of a script differs from machine to machine. So it is said:
// each turn of the tasks of this name computes so long; NULL: each turn of
// those of which nothing is said. No time passes by that. False when there are
// too many names, or no memory.
bool far_audit_set_cost(far_audit *audit, const char *name, uint64_t ms);

// A turn begins; of onExpire, or not.
void far_audit_turn(far_audit *audit, const far_whom *whom, bool is_in_handler,
                    uint64_t now_ms);

// -- Transfers ----------------------------------------------------------------

// The app is frozen while a transfer of it is on its way.
void far_audit_kept(far_audit *audit, const far_whom *whom, const char *url,
                    uint64_t now_ms);

// -- The device ---------------------------------------------------------------

// The app is woken because it has asked for that.
void far_audit_granted(far_audit *audit, uint64_t now_ms);

// What all scripts have in memory, after a turn of this one.
void far_audit_heap(far_audit *audit, const far_whom *whom, uint64_t bytes,
                    uint64_t now_ms);

// How much that is when the OS warns the app that memory is short.
uint64_t far_audit_warn_bytes(const far_audit *audit);

// The app was warned when so much of its memory was in use, and has answered.
void far_audit_trimmed(far_audit *audit, const far_whom *whom,
                       uint64_t before_bytes, uint64_t after_bytes,
                       uint64_t now_ms);

// Somebody has sent a push that does not show.
void far_audit_pushed(far_audit *audit, uint64_t now_ms);

// -- Durable work -------------------------------------------------------------

// A kind was defined: after the main chunk, or for a second time, or neither.
void far_audit_defined(far_audit *audit, const far_whom *whom, const char *kind,
                       bool is_late, bool is_again, uint64_t now_ms);

// Work of a kind was enqueued, by a run of `by_kind` or by nobody's.
void far_audit_enqueued(far_audit *audit, const far_whom *whom,
                        const char *kind, const char *by_kind);

// Periodic work was asked for more often than the OS gives.
void far_audit_too_often(far_audit *audit, const far_whom *whom,
                         const char *name, uint64_t every_ms, uint64_t now_ms);

// So soon it is to be tried again.
void far_audit_too_soon(far_audit *audit, const far_whom *whom,
                        const char *kind, uint64_t delay_ms, uint64_t now_ms);

// The OS took no more requests of that kind.
void far_audit_too_many_wakes(far_audit *audit, const char *what,
                              uint64_t now_ms);

// A wake-up waits because the quota of the app's bucket is used up.
void far_audit_out_of_quota(far_audit *audit, const char *bucket,
                            uint64_t now_ms);

// A run has ended; `whom` has its task, which is not freed yet.
typedef struct far_run_fact {
  const char *kind;
  const char *outcome; // "has failed"
  bool is_out_of_time; // The system, or its timeout, has stopped it.
  bool needs_charging;
  bool has_next; // Some work of this kind is still to come.
} far_run_fact;
void far_audit_run_ended(far_audit *audit, const far_whom *whom,
                         const far_run_fact *run, uint64_t now_ms);

// -- What is kept -------------------------------------------------------------

// A script has saved something; a value or a checkpoint.
void far_audit_saved(far_audit *audit, const far_whom *whom,
                     bool is_terminating, uint64_t now_ms);

// A task has done its work: did it save where it could go on from?
void far_audit_unsaved(far_audit *audit, const far_whom *whom, uint64_t now_ms);

#endif
