#include "going.h"

#include "host.h"
#include "rows.h"
#include <stdio.h>
#include <string.h>

// From the word that a run has to stop to its end, at the most.
enum { STOP_MS = 5 * 1000 };

// -- Who runs -----------------------------------------------------------------

far_going *far_going_of(const far_queue *queue, int64_t id) {
  for (far_list *link = queue->going.next; link != &queue->going;
       link = link->next) {
    far_going *going = far_list_item(link, far_going, link);
    if (going->id == id)
      return going;
  }
  return NULL;
}

bool far_going_has_name(const far_queue *queue, const far_work *work) {
  if (work->unique == NULL)
    return false;
  for (far_list *link = queue->going.next; link != &queue->going;
       link = link->next) {
    const far_going *going = far_list_item(link, far_going, link);
    if (going->id != work->id && going->unique != NULL &&
        strcmp(going->unique, work->unique) == 0 &&
        strcmp(going->script->name, work->script) == 0)
      return true;
  }
  return false;
}

// -- Open and close -----------------------------------------------------------

static void going_free(far_going *going) {
  far_memory *memory = &going->host->memory;
  far_queue *queue = &going->host->queue;
  if (far_list_is_in(&going->link)) {
    far_list_leave(&going->link);
    queue->going_count--;
  }
  far_timer_deinit(&going->host->timers, &going->timer);
  far_string_free(memory, going->unique);
  far_string_free(memory, going->name);
  far_string_free(memory, going->why);
  far_string_free(memory, going->output);
  far_free(memory, going, sizeof *going);
}

void far_going_forget_unbegun(far_queue *queue) {
  for (far_list *link = queue->going.next, *next; link != &queue->going;
       link = next) {
    next = link->next;
    far_going *going = far_list_item(link, far_going, link);
    if (going->task == 0)
      going_free(going);
  }
}

static far_job *job_of(const far_going *going) {
  far_task *task;
  return far_tasks_find(&going->host->tasks, going->task, &task) == FARSIDE_OK
             ? (far_job *)(void *)task
             : NULL;
}

far_going *far_going_find(const farside_host *host, int64_t id, int64_t token) {
  far_going *going = far_going_of(&host->queue, id);
  return going != NULL && going->token == token ? going : NULL;
}

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

// What the run comes to, from how its task ended and what the script said.
static far_result result_of(const far_going *going, far_task_state how,
                            const char *why) {
  far_result result = {.end = FAR_RUN_STOPPED, .why = why};
  if (going->is_cancelled) {
    result.end = FAR_RUN_CANCELLED;
  } else if (how == FAR_TASK_FINISHED) {
    result = going->result;
    result.why = going->why;
    if (result.end == FAR_RUN_OPEN)
      result.end = FAR_RUN_SUCCEEDED;
    else if (result.end == FAR_RUN_RETRY && was_told_to_stop(going))
      result.end = FAR_RUN_STOPPED;
  } else if (how == FAR_TASK_FAILED) {
    result.end = FAR_RUN_RETRY;
  } else if (how == FAR_TASK_EXPIRED) {
    result.why = going->host->is_terminating
                     ? "the app was told to end, and its grace was over"
                     : "its time in the background was over";
  } else if (going->script->is_dead) {
    result.end = FAR_RUN_CRASHED;
  }
  return result;
}

static farside_status record_end(far_queue *queue, const far_going *going,
                                 const far_result *result) {
  far_store *store = queue->store;
  far_moment now = far_queue_moment(queue->host);
  far_work work = {0};
  farside_status status = store->load(store, going->id, &work);
  far_run run = {.work = going->id,
                 .token = going->token,
                 .ended_ms = now.wall_ms,
                 .end = result->end,
                 .why = (char *)(uintptr_t)result->why};
  if (status == FARSIDE_OK)
    status = store->run_end(store, &run);
  if (status == FARSIDE_OK && result->end != FAR_RUN_CANCELLED &&
      work.state == FAR_WORK_RUNNING && work.token == going->token) {
    far_memory *memory = &queue->host->memory;
    bool gives_up =
        result->end == FAR_RUN_FAILED ||
        (result->end == FAR_RUN_RETRY && work.attempts >= work.rules.retry_max);
    if (result->end == FAR_RUN_SUCCEEDED)
      (void)far_work_set(memory, &work.output, going->output);
    (void)far_schedule_end(memory, &work, result, &now);
    status = store->save_run(store, &work, going->token, false);
    if (status == FARSIDE_OK) {
      if (result->end == FAR_RUN_SUCCEEDED && !far_work_is_final(&work))
        far_rows_note(queue, FAR_WHAT_WORK_SUCCEED, FARSIDE_INFO, &work, NULL);
      if (gives_up && !far_work_is_final(&work)) // Until its next slot.
        far_rows_note(queue, FAR_WHAT_WORK_FAIL, FARSIDE_WARN, &work, work.why);
      far_rows_note_state(queue, &work);
    }
    if (status == FARSIDE_OK && far_work_is_final(&work))
      status = far_rows_tell_children(queue, &work);
  }
  far_work_deinit(store->memory, &work);
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
                     .script = going->script->name,
                     .kind = going->name,
                     .state = (int)coming[i]};
    far_work work = {0};
    is_found = store->find(store, &find, &work) == FARSIDE_OK;
    far_work_deinit(store->memory, &work);
  }
  return is_found;
}

static void tell_audit(far_queue *queue, const far_going *going, far_task *task,
                       far_task_state how, const far_result *result) {
  char outcome[32];
  far_whom whom = {.script = going->script->name, .task = task};
  snprintf(outcome, sizeof outcome, "ended as %s",
           far_run_end_name(result->end));
  far_run_fact fact = {.kind = going->name,
                       .outcome = outcome,
                       .is_out_of_time =
                           going->is_timed_out || how == FAR_TASK_EXPIRED,
                       .needs_charging = going->needs_charging,
                       .has_next = has_next(queue, going)};
  far_audit_run_ended(queue->host->audit, &whom, &fact,
                      far_host_now_ms(queue->host));
}

// Its task has ended. What the store does not hear of now it finds out when
// the app starts the next time: the row still says that it runs.
static void ended(far_job_owner *owner, far_task *task, far_task_state how,
                  const char *why) {
  far_going *going = far_list_item(owner, far_going, owner);
  far_queue *queue = &going->host->queue;
  char error[512];
  if (how == FAR_TASK_FAILED && !going->is_timed_out &&
      strcmp(why, "its closure raised an error") == 0) {
    snprintf(error, sizeof error, "%s", farside_error(going->host));
    why = error;
  }
  bool is_told = queue->store != NULL && !queue->is_dying;
  if (is_told && far_batch_begin(queue, true) == FARSIDE_OK) {
    far_result result = result_of(going, how, why);
    farside_status status = record_end(queue, going, &result);
    if (status != FARSIDE_OK && status != FARSIDE_STALE)
      far_batch_failed(queue, status);
    if (task != NULL && queue->host->audit != NULL)
      tell_audit(queue, going, task, how, &result);
    (void)far_batch_end(queue, status == FARSIDE_STALE ? FARSIDE_OK : status);
  }
  going_free(going);
  far_queue_look_again(queue);
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

void far_going_stop_soon(far_going *going) {
  going->is_stopping = true;
  going->is_timed_out = false;
  far_timer_start(&going->host->timers, &going->timer,
                  far_host_now_ms(going->host) + STOP_MS);
}

bool far_going_says(far_going *going, far_run_end end, int64_t delay_ms,
                    const char *why) {
  if (!far_work_set(&going->host->memory, &going->why, why))
    return false;
  going->result = (far_result){.end = end, .delay_ms = delay_ms};
  return true;
}

void far_going_return(far_going *going, const char *json) {
  far_job *job = job_of(going);
  if (json != NULL && !far_work_set(&going->host->memory, &going->output, json))
    far_host_note(going->host, FAR_WHAT_LOG, FARSIDE_ERROR, going->script, NULL,
                  "no memory for what a run has returned");
  if (job != NULL)
    far_job_end(job, FAR_TASK_FINISHED, NULL);
}

farside_status far_going_save(far_going *going, const char *json) {
  far_queue *queue = &going->host->queue;
  farside_status status = far_batch_begin(queue, true);
  if (status != FARSIDE_OK)
    return status;
  status =
      queue->store->checkpoint(queue->store, going->id, going->token, json);
  if (status != FARSIDE_OK)
    far_batch_failed(queue, status);
  return far_batch_end(queue, status);
}

farside_status far_going_progress(far_going *going, const char *json) {
  far_queue *queue = &going->host->queue;
  farside_status status = far_batch_begin(queue, false);
  if (status != FARSIDE_OK)
    return status;
  status = queue->store->progress(queue->store, going->id, going->token, json);
  if (status != FARSIDE_OK)
    far_batch_failed(queue, status);
  return far_batch_end(queue, status);
}

// -- Starting -----------------------------------------------------------------

far_going *far_going_new(far_queue *queue, const far_work *work,
                         far_kind *kind) {
  farside_host *host = queue->host;
  far_going *fresh = far_new(&host->memory, sizeof *fresh);
  if (fresh == NULL)
    return NULL;
  fresh->owner = (far_job_owner){.warned = warned, .ended = ended};
  fresh->host = host;
  fresh->kind = kind;
  fresh->script = kind->script;
  fresh->id = work->id;
  fresh->token = work->token;
  fresh->attempt = work->attempts + 1;
  fresh->slot_ms = work->slot_ms;
  fresh->needs_charging = (work->needs & FAR_NEEDS_CHARGING) != 0;
  fresh->unique = far_string_new(&host->memory, work->unique);
  fresh->name = far_string_new(&host->memory, work->kind);
  if (fresh->name == NULL || (work->unique != NULL && fresh->unique == NULL) ||
      far_timer_init(&host->timers, &fresh->timer, FAR_TIMER_HOST,
                     going_is_due) != FARSIDE_OK) {
    going_free(fresh);
    return NULL;
  }
  far_list_append(&queue->going, &fresh->link);
  queue->going_count++;
  return fresh;
}

static void begin(far_queue *queue, far_going *going) {
  far_kind *kind = going->kind;
  char origin[FAR_WORK_NAME_MAX + 32];
  snprintf(origin, sizeof origin, "work %lld", (long long)going->id);
  far_exec exec = {.name = going->name,
                   .origin = kind && kind->origin ? kind->origin : origin,
                   .function_ref = FAR_NO_REF,
                   .on_expire_ref = FAR_NO_REF,
                   .push = kind ? kind->push : NULL,
                   .owner = &going->owner};
  farside_status status =
      kind == NULL ? FARSIDE_CLOSED
                   : far_job_begin(going->script, &exec, &going->task);
  if (status != FARSIDE_OK) {
    // It did not get to run; the store hears of it as of a task that ended.
    ended(&going->owner, NULL, FAR_TASK_CANCELLED, farside_status_text(status));
    return;
  }
  int64_t timeout_ms = kind->rules.timeout_ms;
  int64_t word_ms = timeout_ms > 2 * STOP_MS ? timeout_ms - STOP_MS
                                             : timeout_ms - timeout_ms / 4;
  far_timer_start(&going->host->timers, &going->timer,
                  far_host_now_ms(going->host) + (uint64_t)word_ms);
  far_work shown = {
      .id = going->id, .script = going->script->name, .kind = going->name};
  char why[48];
  snprintf(why, sizeof why, "attempt %lld", (long long)going->attempt);
  far_rows_note(queue, FAR_WHAT_WORK_RUN, FARSIDE_INFO, &shown, why);
}

void far_going_begin_all(far_queue *queue) {
  for (far_list *link = queue->going.next, *next; link != &queue->going;
       link = next) {
    next = link->next;
    far_going *going = far_list_item(link, far_going, link);
    if (going->task == 0)
      begin(queue, going);
  }
}
