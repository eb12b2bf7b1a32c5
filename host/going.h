// Runs that go on: each a task, a token, and what its script says of it.
//
// First the store says that a unit runs, then its task begins. When the task
// has ended, in whatever way, the store says what became of it. Where that is
// never said, because the app has died, it is found out at the next start.
#ifndef FAR_GOING_H
#define FAR_GOING_H

#include "queue.h"

// A run that goes on.
typedef struct far_going {
  far_job_owner owner;
  far_list link;
  farside_host *host;
  far_kind *kind; // NULL once it was defined anew.
  far_script *script;
  uint64_t task; // Zero before it has begun.
  char *unique;  // NULL for none.
  char *name;    // The work's kind, for the timeline.
  int64_t id, token, attempt, slot_ms;
  far_timer timer; // The word to stop, then the end.
  bool is_stopping;
  bool is_cancelled; // The row is cancelled already.
  bool is_timed_out;
  bool needs_charging;
  far_result result;  // What the script said; FAR_RUN_OPEN: nothing yet.
  char *why, *output; // Its strings.
} far_going;

// Makes one of a unit that was started in this batch. NULL when memory is
// short.
far_going *far_going_new(far_queue *queue, const far_work *work,
                         far_kind *kind);

// The batch is in the store: those that were made in it begin. Or it is lost,
// and they never were.
void far_going_begin_all(far_queue *queue);
void far_going_forget_unbegun(far_queue *queue);

// Of a unit; NULL when it does not run.
far_going *far_going_of(const far_queue *queue, int64_t id);

// Likewise, and only with this token.
far_going *far_going_find(const farside_host *host, int64_t id, int64_t token);

// Whether another unit of the same unique name runs.
bool far_going_has_name(const far_queue *queue, const far_work *work);

// Tells a run to stop, and ends it a little later if it does not.
void far_going_stop_soon(far_going *going);
bool far_going_is_stopping(const far_going *going);

// Writes where it has come to. FARSIDE_STALE when it runs no longer.
farside_status far_going_save(far_going *going, const char *json);
farside_status far_going_progress(far_going *going, const char *json);

// What the script says of how it ended. The last word counts. False when
// memory is short.
bool far_going_says(far_going *going, far_run_end end, int64_t delay_ms,
                    const char *why);

// Its closure has returned, with the JSON of its value or NULL.
void far_going_return(far_going *going, const char *json);

#endif
