// The host: one loop, one clock, one platform and any number of scripts, and
// the way of an event through them.
//
// The OS says something; `app` moves a rung; the listeners hear of it in turns
// of their own; what they exec takes a deadline from `policy`; the clock ends
// it; the platform is released. Everything here happens on one thread.
#ifndef FAR_HOST_H
#define FAR_HOST_H

#include "app.h"
#include "audit.h"
#include "clock.h"
#include "files.h"
#include "inbox.h"
#include "job.h"
#include "life.h"
#include "local_zone.h"
#include "outbox.h"
#include "plugin.h"
#include "policy.h"
#include "queue.h"
#include "reserve.h"
#include "ruins.h"
#include "scripts.h"
#include "thread.h"
#include "timeline.h"
#include "transfer.h"
#include "watchdog.h"

struct farside_host {
  far_memory memory;
  far_watch watch;
  farside_config config; // Its strings are ours.
  farside_platform platform;
  far_profile profile;
  far_clock *clock;
  uint64_t origin_ms; // The clock when the host was opened.
  far_timers timers;
  far_timer freeze; // From the last task's end to the suspension.
  far_ruins ruins;  // Of scripts that were large.
  far_inbox *inbox;
  far_outbox outbox;
  far_plugins plugins;
  far_thread thread;
  struct far_options *options; // What farside_open() read; NULL: nothing.
  far_app app;
  const char *launch_reason;
  far_task_table tasks;
  far_timeline timeline;
  far_list scripts; // In the order of loading.
  far_list ready;   // Those that have turns, in their order.
  far_names names;
  size_t turns_queued; // Those that are parked are counted too.
  size_t parked;
  size_t suspects; // Jobs to look at, see far_jobs_find_leaks.
  farside_stats stats;
  // What cron goes by that has no zone of its own: the machine's, or a phone's.
  const far_zone *zone;
  far_local_zone local_zone;
  uint64_t seed;          // Of a simulated phone.
  far_audit *audit;       // Who looks at the rules. NULL: nobody.
  uint64_t remaining_ms;  // What scripts are told is left. Zero: the truth.
  bool is_youngest_first; // Of tasks that hear of their end at one instant.
  uint64_t turned_ms;     // When they were last put in that order.
  const char *hurry;      // Why this visit ends early, or NULL.
  far_queue queue;        // Durable work.
  far_transfers transfers;
  far_files files;
  far_reserve reserve; // What ticks keep for what cannot be suspended.
  int ticks_measured;  // How many more are looked at closely for that.
  uint64_t until_ns;   // When this step has to be over, see far_now_ns().
  uint64_t instant_ms; // When the last turn ran, and how many ran then.
  uint64_t turns_at_instant;
  // For tests: which allocation of each script fails, whether all later ones do
  // too, and how many did. See far_arena_fail().
  struct {
    uint64_t at;
    bool and_after;
    uint64_t refused;
  } failing;
  bool is_held;           // The platform keeps the app awake for us.
  bool is_running;        // A turn, or a callback, is under way.
  bool ends_when_done;    // Once no task is open and no work is due any more.
  bool is_woken;          // In the background, for what is to be done there.
  bool is_terminating;    // Listeners know; open tasks have their grace.
  bool wants_end;         // A script has called os.exit().
  _Atomic bool has_ended; // Any thread may ask.
  // Where messages go whose script is not one of ours; NULL: nowhere.
  farside_status (*route)(void *user, const char *from, const char *to,
                          const char *json);
  far_list deaths; // What was stopped, and why, for its next launch.
  far_event
      *store_fault; // What became of the store before the app began; NULL.
  bool is_closing;  // farside_host_close() came from inside a callback.
  char error[1024];
};

// Hosts with another clock (a simulated phone). Takes the clock over.
farside_status far_host_open(const farside_config *config, far_clock *clock,
                             farside_host **host);

// What bindings/ adds to each script. Set once, before the first host.
extern const far_script_hooks far_hooks;
extern const far_find_holders far_holders;

// Milliseconds since the host was opened.
uint64_t far_host_now_ms(const farside_host *host);

// The same for what is only written down, and may be told late by a tick of the
// system's.
uint64_t far_host_lately_ms(const farside_host *host);

// The instant of the turn's last entry into its script, or of what was read
// since.
uint64_t far_host_turn_ms(const farside_host *host);

// What was called is not ours, or long: time has passed that is nobody's turn.
void far_host_has_waited(farside_host *host);

// Writes an entry. The script, the task, `where` and `why` may be NULL.
void far_host_note(farside_host *host, far_what what, farside_level level,
                   const far_script *script, const far_task *task,
                   const char *why);
// The same, for whoever has asked for the time already.
void far_host_note_then(farside_host *host, uint64_t now_ms, far_what what,
                        farside_level level, const far_script *script,
                        const far_task *task, const char *why);
void far_host_note_at(farside_host *host, far_what what, farside_level level,
                      const far_script *script, const char *where,
                      const char *why);
void far_host_notef(farside_host *host, far_what what, farside_level level,
                    const far_script *script, const far_task *task,
                    const char *format, ...)
    __attribute__((format(printf, 6, 7)));

// Writes down that a rule is broken.
void far_host_note_violation(farside_host *host,
                             const far_violation *violation);

// Takes what was posted, fires what is due, runs the turns that are queued, and
// lets the app fall asleep or end when it has nothing left to do. Stops at
// `until_ns`, see far_now_ns(); FAR_NEVER: when it is done.
void far_host_step(farside_host *host, uint64_t until_ns);

// Runs the host to its end, whoever is in charge.
farside_status far_host_run(farside_host *host);

// Puts into the inbox what came from outside, and wakes whoever ticks. Any
// thread.
void far_host_put(farside_host *host, far_event *event);

// Whether there is something to do at once: a turn, or a post.
bool far_host_has_work(const farside_host *host);

// When the next timer is due; FAR_NEVER for none.
uint64_t far_host_next_ms(const farside_host *host);

// Whether nothing can happen any more but a post.
bool far_host_is_idle(const farside_host *host);

// Puts a sentence in farside_error() and returns `status`.
farside_status far_host_fail(farside_host *host, farside_status status,
                             const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Writes an entry about a unit of durable work.
void far_host_note_work(farside_host *host, far_what what, farside_level level,
                        const far_work *work, const char *why);

// Asks the platform to wake the app. FARSIDE_UNSUPPORTED where it cannot,
// FARSIDE_LIMIT when it refuses.
farside_status far_host_wake_at(farside_host *host,
                                const farside_wake_request *request);
void far_host_cancel_wake(farside_host *host, farside_wake kind);

// What the platform knows of the phone.
farside_conditions far_host_conditions(const farside_host *host);

// Ends a host whose close came from inside a callback. True when it is gone.
bool far_host_close_if_asked(farside_host *host);

#endif
