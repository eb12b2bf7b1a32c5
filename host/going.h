// Runs that go on: each a task, a token, and what its script says of it.
//
// First the store says that a unit runs, then its task begins. When the task
// has ended, in whatever way, the store says what became of it; where it cannot
// be written, it is asked again and again. Where that is never said, because
// the app has died, it is found out at the next start: see `rescue`.
#ifndef FAR_GOING_H
#define FAR_GOING_H

#include "queue.h"

typedef enum far_going_stage {
  FAR_GOING_CLAIMED, // In the open batch: it may still be lost.
  FAR_GOING_READY,   // The store says that it runs. Its task begins next.
  FAR_GOING_BEGUN,   // Its task goes on.
  FAR_GOING_ENDED,   // Its task has ended. The store has not heard of it.
  FAR_GOING_TOLD     // It has, in the open batch.
} far_going_stage;

// A run that goes on.
typedef struct far_going {
  far_job_owner owner;
  far_list link;
  farside_host *host;
  far_going_stage stage;
  far_kind *kind;     // Until its closure runs.
  far_script *script; // NULL once its task has ended.
  uint64_t task;
  char *of;     // The script's name.
  char *unique; // NULL for none.
  char *name;   // The work's kind.
  int64_t id, token, attempt, slot_ms, begun_ms, ended_ms, timeout_ms;
  far_timer timer; // The word to stop, then the end.
  bool is_stopping;
  bool is_cancel_asked; // In the open batch.
  bool is_timed_out;
  bool needs_charging;
  far_result result;          // What the script said; then what it came to.
  char *why, *error, *output; // Its strings.
} far_going;

// Makes one of a unit that was started in this batch. NULL when memory is
// short.
far_going *far_going_new(far_queue *queue, const far_work *work,
                         far_kind *kind);

// The batch is in the store; or it is lost, and what was made in it never was.
void far_goings_kept(far_queue *queue);
void far_goings_lost(far_queue *queue);

// Begins the tasks of those that the store knows to run.
void far_goings_begin(far_queue *queue);

// Writes down what became of those that have ended.
farside_status far_goings_tell(far_queue *queue);

// Forgets those whose task does not go on.
void far_goings_forget(far_queue *queue);

// How many there are whose end the store does not know.
size_t far_goings_count(const far_queue *queue);

// Of a unit; NULL when it does not run.
far_going *far_going_of(const far_queue *queue, int64_t id);

// The one whose task goes on, and only with this token.
far_going *far_going_find(const farside_host *host, int64_t id, int64_t token);

// Whether another unit of the same unique name runs.
bool far_going_has_name(const far_queue *queue, const far_work *work);

// Its row was cancelled in the open batch: once that is in the store, the run
// hears of it, and is ended a little later.
void far_going_cancel(far_going *going);

// Its closure was called: it needs its kind no more.
void far_going_runs(far_going *going);

bool far_going_is_stopping(const far_going *going);

// Writes where it has come to. FARSIDE_STALE when it runs no longer.
farside_status far_going_save(far_going *going, const char *json);
farside_status far_going_progress(far_going *going, const char *json);
extern const char far_going_is_over[]; // The sentence of FARSIDE_STALE.

// What the script says of how it ended. The last word counts. False when
// memory is short.
bool far_going_says(far_going *going, far_run_end end, int64_t delay_ms,
                    const char *why);

// Its closure has returned, with the JSON of its value or NULL. False when
// memory is short: then it goes on.
bool far_going_return(far_going *going, const char *json);

#endif
