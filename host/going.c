#include "going.h"

#include "far_assert.h"
#include "host.h"
#include "rows.h"
#include <stdio.h>
#include <string.h>

enum {
  // From the word that a run has to stop to its end, at the most.
  STOP_MS = 5 * 1000,
  // A run costs as much as so many turns: work that enqueues itself without any
  // time passing is noticed as soon as any other script that does not end.
  RUN_TURNS = 50
};

// -- Who runs -----------------------------------------------------------------

static far_going *going_at(far_list *link) {
  return far_list_item(link, far_going, link);
}

far_going *far_going_of(const far_queue *queue, int64_t id) {
  for (far_list *link = queue->going.next; link != &queue->going;
       link = link->next) {
    far_going *going = going_at(link);
    if (going->id == id && going->stage != FAR_GOING_TOLD)
      return going;
  }
  return NULL;
}

far_going *far_going_find(const farside_host *host, int64_t id, int64_t token) {
  far_going *going = far_going_of(&host->queue, id);
  bool is_it =
      going != NULL && going->stage == FAR_GOING_BEGUN && going->token == token;
  return is_it ? going : NULL;
}

bool far_going_has_name(const far_queue *queue, const far_work *work) {
  if (work->unique == NULL)
    return false;
  for (far_list *link = queue->going.next; link != &queue->going;
       link = link->next) {
    const far_going *going = going_at(link);
    if (going->id != work->id && going->stage != FAR_GOING_TOLD &&
        going->unique != NULL && strcmp(going->unique, work->unique) == 0 &&
        strcmp(going->of, work->script) == 0)
      return true;
  }
  return false;
}

size_t far_goings_count(const far_queue *queue) {
  size_t count = 0;
  for (far_list *link = queue->going.next; link != &queue->going;
       link = link->next)
    count += going_at(link)->stage != FAR_GOING_TOLD;
  return count;
}

// -- Open and close -----------------------------------------------------------

static void leave_kind(far_going *going) {
  far_kind *kind = going->kind;
  going->kind = NULL;
  if (kind != NULL)
    far_queue_leave_kind(kind);
}

void far_going_runs(far_going *going) {
  leave_kind(going);
}

static void going_free(far_going *going) {
  far_memory *memory = &going->host->memory;
  leave_kind(going);
  far_list_leave(&going->link);
  far_timer_deinit(&going->host->timers, &going->timer);
  far_string_free(memory, going->of);
  far_string_free(memory, going->unique);
  far_string_free(memory, going->name);
  far_string_free(memory, going->why);
  far_string_free(memory, going->error);
  far_string_free(memory, going->output);
  far_free(memory, going, sizeof *going);
}

void far_goings_forget(far_queue *queue) {
  for (far_list *link = queue->going.next, *next; link != &queue->going;
       link = next) {
    next = link->next;
    if (going_at(link)->stage != FAR_GOING_BEGUN)
      going_free(going_at(link));
  }
}

static far_job *job_of(const far_going *going) {
  far_task *task;
  return far_tasks_find(&going->host->tasks, going->task, &task) == FARSIDE_OK
             ? (far_job *)(void *)task
             : NULL;
}

// -- How it ends --------------------------------------------------------------

bool far_going_is_stopping(const far_going *going) {
  return going->is_stopping || going->host->is_terminating;
}

static void warned(far_job_owner *owner) {
  far_list_item(owner, far_going, owner)->is_stopping = true;
}

// By the system: who asks to be run again then has not failed.
static bool was_told_to_stop(const far_going *going) {
  return far_going_is_stopping(going) && !going->is_timed_out;
}

// Sentences of scripts, and errors: at most so much of each is kept.
static bool set_sentence(far_going *going, char **field, const char *text) {
  char cut[FAR_WHY_BYTES];
  if (text == NULL)
    return far_work_set(&going->host->memory, field, NULL);
  snprintf(cut, sizeof cut, "%s", text);
  return far_work_set(&going->host->memory, field, cut);
}

static void failed(far_job_owner *owner, const char *message) {
  far_going *going = far_list_item(owner, far_going, owner);
  (void)set_sentence(going, &going->error, message); // Or without a reason.
}

// What the run comes to, from how its task ended and what the script said.
static far_result result_of(const far_going *going, far_task_state how,
                            const char *why) {
  far_result result = {.end = FAR_RUN_STOPPED, .why = why};
  if (how == FAR_TASK_FINISHED) {
    result = going->result;
    result.why = going->why;
    if (result.end == FAR_RUN_OPEN)
      result.end = FAR_RUN_SUCCEEDED;
    else if (result.end == FAR_RUN_RETRY && was_told_to_stop(going))
      result.end = FAR_RUN_STOPPED;
  } else if (how == FAR_TASK_FAILED) {
    result.end = FAR_RUN_RETRY;
    if (going->error != NULL)
      result.why = going->error;
  } else if (how == FAR_TASK_EXPIRED) {
    result.why = going->host->is_terminating
                     ? "the app was told to end, and its grace was over"
                     : "its time in the background was over";
  } else if (going->script->is_dead) {
    result.end = FAR_RUN_CRASHED;
  }
  return result;
}

static farside_status write_run(far_queue *queue, const far_going *going) {
  far_store *store = queue->store;
  far_run run = {.work = going->id,
                 .token = going->token,
                 .attempt = going->attempt,
                 .slot_ms = going->slot_ms,
                 .begun_ms = going->begun_ms,
                 .ended_ms = going->ended_ms,
                 .end = going->result.end,
                 .why = going->why};
  farside_status status = store->run_end(store, &run);
  // A salvage may have lost it.
  return status == FARSIDE_NOWORK ? store->run_begin(store, &run) : status;
}

// Of periodic work the end of its slot is told, too.
static void say_how_it_ended(far_queue *queue, const far_going *going,
                             const far_work *work, bool gives_up) {
  bool goes_on = !far_work_is_final(work);
  if (going->result.end == FAR_RUN_SUCCEEDED && goes_on)
    far_rows_note(queue, FAR_WHAT_WORK_SUCCEED, FARSIDE_INFO, work, NULL);
  if (gives_up && goes_on)
    far_rows_note(queue, FAR_WHAT_WORK_FAIL, FARSIDE_WARN, work, work->why);
  far_rows_note_state(queue, work);
}

static farside_status write_unit(far_queue *queue, const far_going *going,
                                 far_work *work) {
  far_memory *memory = &queue->host->memory;
  far_moment now = far_queue_moment(queue->host);
  far_run_end end = going->result.end;
  bool gives_up =
      end == FAR_RUN_FAILED ||
      (end == FAR_RUN_RETRY && work->attempts >= work->rules.retry_max);
  if (end == FAR_RUN_SUCCEEDED &&
      !far_work_set(memory, &work->output, going->output))
    return FARSIDE_NOMEM;
  (void)far_schedule_end(memory, work, &going->result, &now);
  farside_status status = far_rows_save_run(queue, work, going->token);
  if (status != FARSIDE_OK)
    return status;
  say_how_it_ended(queue, going, work, gives_up);
  return far_work_is_final(work) ? far_rows_tell_children(queue, work)
                                 : FARSIDE_OK;
}

// Whether the row is in this run, still.
static bool is_ours(const far_going *going, const far_work *work) {
  return work->state == FAR_WORK_RUNNING && work->token == going->token;
}

// In brief, but where what its last slot has returned may have to go.
static farside_status load_unit(far_queue *queue, const far_going *going,
                                far_work *work) {
  far_store *store = queue->store;
  farside_status status = store->load_brief(store, going->id, work);
  if (status != FARSIDE_OK || !far_work_is_periodic(work))
    return status;
  far_work_deinit(store->memory, work);
  return store->load(store, going->id, work);
}

// Where it was cancelled, or somebody has taken over, or it was lost, there is
// nothing to tell.
static farside_status write_end(far_queue *queue, const far_going *going) {
  far_work work = {0};
  farside_status status = load_unit(queue, going, &work);
  if (status == FARSIDE_OK && is_ours(going, &work)) {
    status = write_run(queue, going);
    if (status == FARSIDE_OK)
      status = write_unit(queue, going, &work);
  }
  far_work_deinit(queue->store->memory, &work);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static farside_status tell(far_queue *queue, far_going *going) {
  farside_status status = far_batch_begin(queue, true);
  if (status == FARSIDE_OK)
    status = far_batch_end(queue, write_end(queue, going));
  if (status == FARSIDE_OK)
    going->stage = FAR_GOING_TOLD;
  return status;
}

farside_status far_goings_tell(far_queue *queue) {
  farside_status status = FARSIDE_OK;
  for (far_list *link = queue->going.next;
       link != &queue->going && status == FARSIDE_OK; link = link->next) {
    // Telling may commit, and then those are gone that were told before.
    if (going_at(link)->stage != FAR_GOING_ENDED)
      continue;
    status = tell(queue, going_at(link));
    link = &queue->going;
  }
  return status;
}

// Whether some work of its kind is still to come.
static bool has_next(far_queue *queue, const far_going *going) {
  static const far_work_state coming[] = {FAR_WORK_ENQUEUED, FAR_WORK_BLOCKED,
                                          FAR_WORK_RUNNING};
  far_store *store = queue->store;
  bool is_found = false;
  for (size_t i = 0; i < sizeof coming / sizeof *coming && !is_found; i++) {
    far_find find = {.by = FAR_FIND_FILTER,
                     .script = going->of,
                     .kind = going->name,
                     .state = (int)coming[i],
                     .is_brief = true};
    far_work work = {0};
    is_found = store->find(store, &find, &work) == FARSIDE_OK;
    far_work_deinit(store->memory, &work);
  }
  return is_found;
}

static void tell_audit(far_queue *queue, const far_going *going, far_task *task,
                       far_task_state how) {
  char outcome[32];
  far_whom whom = {.script = going->of, .task = task};
  snprintf(outcome, sizeof outcome, "ended as %s",
           far_run_end_name(going->result.end));
  far_run_fact fact = {.kind = going->name,
                       .outcome = outcome,
                       .is_out_of_time =
                           going->is_timed_out || how == FAR_TASK_EXPIRED,
                       .needs_charging = going->needs_charging,
                       .has_next = has_next(queue, going)};
  far_audit_run_ended(queue->host->audit, &whom, &fact,
                      far_host_now_ms(queue->host));
}

// What a transaction of the script's takes back is not told in it.
static bool can_be_told(const far_queue *queue) {
  return !queue->is_dying && queue->transaction == NULL;
}

// Its task has ended. What the store does not take now it is told again when
// the next look comes; what it never hears it finds out when the app starts the
// next time: the row still says that it runs.
static void ended(far_job_owner *owner, far_task *task, far_task_state how,
                  const char *why) {
  far_going *going = far_list_item(owner, far_going, owner);
  far_queue *queue = &going->host->queue;
  going->result = result_of(going, how, why);
  (void)set_sentence(going, &going->why, going->result.why);
  going->result.why = going->why;
  going->ended_ms = far_queue_wall_ms(going->host);
  going->stage = FAR_GOING_ENDED;
  going->script = NULL;
  leave_kind(going);
  far_timer_stop(&going->host->timers, &going->timer);
  far_queue_look_again(queue);
  if (can_be_told(queue))
    (void)tell(queue, going);
  if (task != NULL && queue->host->audit != NULL && !queue->is_dying)
    tell_audit(queue, going, task, how);
  if (queue->is_dying)
    going_free(going);
}

// The timer of a run: first it is told to stop, then it is stopped.
static void going_is_due(far_timer *timer, uint64_t now_ms) {
  far_going *going = far_list_item(timer, far_going, timer);
  far_job *job = job_of(going);
  if (!going->is_stopping) {
    going->is_stopping = going->is_timed_out = true;
    far_timer_start(&going->host->timers, &going->timer, now_ms + STOP_MS);
    return;
  }
  if (job == NULL)
    return;
  if (going->is_timed_out)
    far_job_end(job, FAR_TASK_FAILED, "it ran for longer than its timeout");
  else
    far_job_end(job, FAR_TASK_CANCELLED, "its work was cancelled");
}

// Nobody is told of a cancel before it is in the store.
static void hear_of_cancel(far_queue *queue, far_going *going) {
  far_work work = {0};
  farside_status status =
      queue->store->load_brief(queue->store, going->id, &work);
  bool is_cancelled = status == FARSIDE_OK && !is_ours(going, &work);
  far_work_deinit(queue->store->memory, &work);
  going->is_cancel_asked = false;
  if (!is_cancelled || going->stage != FAR_GOING_BEGUN)
    return;
  going->is_stopping = true;
  going->is_timed_out = false;
  far_timer_start(&going->host->timers, &going->timer,
                  far_host_now_ms(going->host) + STOP_MS);
}

void far_going_cancel(far_going *going) {
  going->is_cancel_asked = true;
}

// -- What becomes of a batch --------------------------------------------------

void far_goings_kept(far_queue *queue) {
  for (far_list *link = queue->going.next, *next; link != &queue->going;
       link = next) {
    next = link->next;
    far_going *going = going_at(link);
    if (going->is_cancel_asked)
      hear_of_cancel(queue, going);
    if (going->stage == FAR_GOING_CLAIMED)
      going->stage = FAR_GOING_READY;
    else if (going->stage == FAR_GOING_TOLD)
      going_free(going);
  }
}

void far_goings_lost(far_queue *queue) {
  for (far_list *link = queue->going.next, *next; link != &queue->going;
       link = next) {
    next = link->next;
    far_going *going = going_at(link);
    going->is_cancel_asked = false;
    if (going->stage == FAR_GOING_CLAIMED)
      going_free(going);
    else if (going->stage == FAR_GOING_TOLD)
      going->stage = FAR_GOING_ENDED;
  }
}

// -- What its script says -----------------------------------------------------

bool far_going_says(far_going *going, far_run_end end, int64_t delay_ms,
                    const char *why) {
  if (!set_sentence(going, &going->why, why))
    return false;
  going->result = (far_result){.end = end, .delay_ms = delay_ms};
  return true;
}

bool far_going_return(far_going *going, const char *json) {
  far_job *job = job_of(going);
  if (!far_work_set(&going->host->memory, &going->output, json))
    return false;
  if (job != NULL)
    far_job_end(job, FAR_TASK_FINISHED, NULL);
  return true;
}

// Writes one of the texts of a run.
static farside_status put(far_going *going, bool is_durable, const char *json,
                          farside_status (*write)(far_store *store, int64_t id,
                                                  int64_t token,
                                                  const char *json)) {
  far_queue *queue = &going->host->queue;
  farside_status status = far_batch_begin(queue, is_durable);
  if (status != FARSIDE_OK)
    return status;
  far_batch_changes(queue, going->id);
  status = write(queue->store, going->id, going->token, json);
  if (status == FARSIDE_STALE)
    far_host_fail(going->host, status, "%s", far_going_is_over);
  else if (status != FARSIDE_OK)
    far_batch_failed(queue, status);
  return far_batch_end(queue, status);
}

farside_status far_going_save(far_going *going, const char *json) {
  return put(going, true, json, going->host->queue.store->checkpoint);
}

farside_status far_going_progress(far_going *going, const char *json) {
  return put(going, false, json, going->host->queue.store->progress);
}

const char far_going_is_over[] =
    "this run is over: nothing of it is kept any more";

// -- Starting -----------------------------------------------------------------

far_going *far_going_new(far_queue *queue, const far_work *work,
                         far_kind *kind) {
  farside_host *host = queue->host;
  far_going *fresh = far_new(&host->memory, sizeof *fresh);
  if (fresh == NULL)
    return NULL;
  fresh->owner =
      (far_job_owner){.warned = warned, .failed = failed, .ended = ended};
  fresh->host = host;
  fresh->script = kind->script;
  fresh->id = work->id;
  fresh->token = work->token;
  fresh->attempt = work->attempts + 1;
  fresh->slot_ms = work->slot_ms;
  fresh->begun_ms = work->since_ms;
  fresh->timeout_ms = work->rules.timeout_ms;
  fresh->needs_charging = (work->needs & FAR_NEEDS_CHARGING) != 0;
  fresh->of = far_string_new(&host->memory, work->script);
  fresh->unique = far_string_new(&host->memory, work->unique);
  fresh->name = far_string_new(&host->memory, work->kind);
  if (fresh->of == NULL || fresh->name == NULL ||
      (work->unique != NULL && fresh->unique == NULL) ||
      far_timer_init(&host->timers, &fresh->timer, FAR_TIMER_HOST,
                     going_is_due) != FARSIDE_OK) {
    going_free(fresh);
    return NULL;
  }
  fresh->kind = kind;
  kind->uses++;
  far_list_append(&queue->going, &fresh->link);
  return fresh;
}

// From the beginning until the word that it has to stop.
static uint64_t word_after_ms(const far_going *going) {
  int64_t timeout_ms = going->timeout_ms;
  return (uint64_t)(timeout_ms > 2 * STOP_MS ? timeout_ms - STOP_MS
                                             : timeout_ms - timeout_ms / 4);
}

static void begin(far_queue *queue, far_going *going) {
  far_kind *kind = going->kind;
  far_exec exec = {.name = going->name,
                   .origin = kind->origin,
                   .function_ref = FAR_NO_REF,
                   .on_expire_ref = FAR_NO_REF,
                   .push = kind->push,
                   .owner = &going->owner};
  going->stage = FAR_GOING_BEGUN;
  farside_status status = far_job_begin(going->script, &exec, &going->task);
  if (status != FARSIDE_OK) {
    // It did not get to run; the store hears of it as of a task that ended.
    ended(&going->owner, NULL, FAR_TASK_CANCELLED, farside_status_text(status));
    return;
  }
  far_timer_start(&going->host->timers, &going->timer,
                  far_host_now_ms(going->host) + word_after_ms(going));
  far_work shown = {.id = going->id, .script = going->of, .kind = going->name};
  char why[48];
  snprintf(why, sizeof why, "attempt %lld", (long long)going->attempt);
  far_rows_note(queue, FAR_WHAT_WORK_RUN, FARSIDE_INFO, &shown, why);
  queue->host->turns_at_instant += RUN_TURNS;
}

void far_goings_begin(far_queue *queue) {
  for (far_list *link = queue->going.next; link != &queue->going;
       link = link->next) {
    // One that cannot begin ends, and others may go with it.
    if (going_at(link)->stage != FAR_GOING_READY)
      continue;
    begin(queue, going_at(link));
    link = &queue->going;
  }
}
