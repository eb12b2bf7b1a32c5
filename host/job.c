#include "host.h"

#include "manifest.h"
#include "number.h"
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

static_assert((int)FAR_NO_REF == LUA_NOREF, "Lua has another one");

static farside_host *host_of(const far_job *job) {
  return job->script->host;
}

// Whom a fact about a job is about.
static far_whom whom_of(far_job *job) {
  return (far_whom){.script = job->script->name, .task = &job->task};
}

// An ended job lives on until its closure and its onExpire have had their
// turns: whoever finishes a task before it ran is still promised that it runs.
static void release(far_job *job) {
  if (--job->uses > 0)
    return;
  far_script_unref(job->script, &job->function_ref);
  far_script_unref(job->script, &job->on_expire_ref);
  far_script_free(job->script, job, job->bytes);
}

// While no budget runs, nothing hangs on a few milliseconds of a turn. A task
// begins with the turn in which it is begun, unless that is no short one.
static bool may_be_late(const farside_host *host) {
  return !host->tasks.is_running_out && host->watch.running != NULL;
}

static uint64_t begin_ms(const farside_host *host) {
  return may_be_late(host) && !far_watch_has_looked(&host->watch)
             ? far_host_turn_ms(host)
             : far_host_now_ms(host);
}

static uint64_t end_ms(const farside_host *host) {
  return may_be_late(host) ? far_host_lately_ms(host) : far_host_now_ms(host);
}

static void queue(far_job *job, far_turn *turn) {
  job->uses++;
  far_turn_queue(turn);
}

static void cancel(far_job *job, far_turn *turn) {
  if (!far_list_is_in(&turn->link))
    return;
  far_turn_cancel(turn);
  release(job);
}

void far_job_hear(far_job *job) {
  far_whom whom = whom_of(job);
  far_audit_handler_began(host_of(job)->audit, &whom,
                          far_host_now_ms(host_of(job)));
}

void far_job_heard(far_job *job) {
  far_whom whom = whom_of(job);
  far_audit_handler_ended(host_of(job)->audit, &whom,
                          far_host_now_ms(host_of(job)));
}

bool far_job_is_handling(const far_script *script) {
  return script->running != NULL && script->running->role == FAR_ROLE_HANDLER;
}

static void expire_turn_ended(far_turn *turn, far_turn_end how) {
  far_job *job = far_list_item(turn, far_job, expire_turn);
  far_job_suspect(job);
  if (how != FAR_TURN_WAITS)
    far_job_heard(job);
  release(job);
}

static void closure_ended(far_turn *turn, far_turn_end how) {
  far_job *job = far_list_item(turn, far_job, turn);
  bool is_open = job->task.state < FAR_TASK_FINISHED;
  if (is_open && how == FAR_TURN_FAILED)
    far_job_end(job, FAR_TASK_FAILED, "its closure raised an error");
  else if (is_open)
    far_job_suspect(job);
  release(job);
}

void far_job_hear_warning(far_job *job) {
  if (!job->is_warned || job->is_late || job->on_expire_ref == LUA_NOREF ||
      far_list_is_in(&job->expire_turn.link) ||
      job->script->running == &job->expire_turn)
    return;
  queue(job, &job->expire_turn);
}

// Of those that hear of their end at the same instant the oldest comes first,
// unless somebody wants it the other way round. True when that was arranged
// just now: then all of them are still to come.
static bool turn_round(farside_host *host, uint64_t now_ms) {
  if (!host->is_youngest_first || host->turned_ms == now_ms)
    return false;
  host->turned_ms = now_ms;
  for (far_task *task = host->tasks.last; task; task = task->previous) {
    far_job *job = (far_job *)(void *)task;
    if (job->is_warned || task->warn_ms > now_ms)
      continue;
    far_timer_renew(&host->timers, &job->timer);
    far_timer_start(&host->timers, &job->timer, now_ms);
  }
  return true;
}

static void job_is_due(far_timer *timer, uint64_t now_ms) {
  far_job *job = far_list_item(timer, far_job, timer);
  farside_host *host = host_of(job);
  if (job->is_warned) {
    far_job_end(job, FAR_TASK_EXPIRED, NULL);
    return;
  }
  if (turn_round(host, now_ms))
    return;
  job->is_warned = true;
  far_tasks_warned(&host->tasks, &job->task);
  bool is_heard = job->on_expire_ref != LUA_NOREF || job->owner != NULL;
  far_host_notef(host, FAR_WHAT_TASK_EXPIRING, FARSIDE_INFO, job->script,
                 &job->task, "%.3f s are left%s%s%s",
                 (double)far_task_remaining_ms(&job->task, now_ms) / 1000,
                 is_heard ? "" : ", and it has no onExpire to hear of it",
                 host->hurry != NULL ? ": " : "",
                 host->hurry != NULL ? host->hurry : "");
  far_whom whom = whom_of(job);
  far_audit_announced(host->audit, &whom, is_heard, now_ms);
  if (job->owner != NULL)
    job->owner->warned(job->owner);
  far_job_hear_warning(job);
  far_timer_start(&host->timers, &job->timer, job->task.end_ms);
}

// Whom a refused exec is about: there is no task.
static void note_refusal(const far_script *script, const far_exec *exec) {
  const farside_host *host = script->host;
  far_whom whom = {.script = script->name, .where = exec->origin};
  far_audit_refused(host->audit, &whom, host->tasks.open,
                    far_host_now_ms(host));
}

// One block for a job and its strings: tasks come and go by the thousand.
static far_job *job_new(far_script *script, const far_exec *exec) {
  size_t origin_bytes = strlen(exec->origin) + 1;
  size_t name_bytes = exec->name ? strlen(exec->name) + 1 : 0;
  size_t bytes = sizeof(far_job) + origin_bytes + name_bytes;
  far_job *job = far_script_new(script, bytes);
  if (job == NULL)
    return NULL;
  job->bytes = bytes;
  job->script = script;
  job->function_ref = job->on_expire_ref = LUA_NOREF;
  job->task.budget_ms = exec->budget_ms;
  char *text = (char *)(job + 1);
  job->task.origin = memcpy(text, exec->origin, origin_bytes);
  if (exec->name != NULL)
    job->task.name = memcpy(text + origin_bytes, exec->name, name_bytes);
  return job;
}

farside_status far_job_begin(far_script *script, const far_exec *exec,
                             uint64_t *id) {
  farside_host *host = script->host;
  uint64_t now_ms = begin_ms(host);
  farside_status status = FARSIDE_NOMEM;
  far_job *job = job_new(script, exec);
  if (job == NULL)
    return status;
  if (far_timer_init(&host->timers, &job->timer, FAR_TIMER_HOST, job_is_due) !=
      FARSIDE_OK)
    goto fail;

  status = far_tasks_begin(&host->tasks, &job->task, now_ms);
  if (status == FARSIDE_LIMIT)
    note_refusal(script, exec);
  if (status != FARSIDE_OK)
    goto fail;

  job->function_ref = exec->function_ref;
  job->on_expire_ref = exec->on_expire_ref;
  job->owner = exec->owner;
  job->task.record.is_run = exec->owner != NULL;
  job->turn = (far_turn){.script = script,
                         .job = job,
                         .push = exec->push,
                         .end = closure_ended,
                         .role = FAR_ROLE_CLOSURE};
  job->expire_turn = (far_turn){.script = script,
                                .job = job,
                                .push = exec->push_expire,
                                .end = expire_turn_ended,
                                .role = FAR_ROLE_HANDLER};
  far_list_init(&job->owned);
  job->uses = 1;
  host->stats.tasks_begun++;
  if (!host->is_held) {
    host->is_held = true;
    if (host->platform.hold)
      host->platform.hold(host->platform.self);
    far_host_has_waited(host);
  }
  far_timer_stop(&host->timers, &host->freeze);
  // Otherwise an onExpire that begins the next task would go round for ever.
  job->is_late = job->is_warned = host->tasks.spent_ms != FAR_NEVER;
  far_timer_start(&host->timers, &job->timer,
                  job->is_late ? job->task.end_ms : job->task.warn_ms);

  int64_t most_ms = far_policy_exec_end_ms(host->profile);
  if (exec->budget_ms > (uint64_t)most_ms)
    far_host_notef(host, FAR_WHAT_TASK_BEGIN, FARSIDE_WARN, script, &job->task,
                   "it asked for %.3f s; %s gives %.3f s",
                   (double)exec->budget_ms / 1000,
                   far_profile_name(host->profile), (double)most_ms / 1000);
  else
    far_host_note_then(host, now_ms, FAR_WHAT_TASK_BEGIN, FARSIDE_INFO, script,
                       &job->task, NULL);
  far_whom whom = whom_of(job);
  far_audit_began(host->audit, &whom, host->tasks.open,
                  far_job_is_handling(script), now_ms);
  queue(job, &job->turn);
  *id = job->task.id;
  return FARSIDE_OK;

fail:
  far_timer_deinit(&host->timers, &job->timer);
  far_script_free(script, job, job->bytes);
  return status;
}

// Why a task was not finished at its deadline, for whoever has to mend it.
static void note_leak(far_job *job) {
  farside_host *host = host_of(job);
  host->stats.leaked++;
  job->is_leaked = true;
  if (job->script->is_parked && job->script->job == job) {
    far_host_note(host, FAR_WHAT_TASK_LEAK, FARSIDE_WARN, job->script,
                  &job->task,
                  "it was still computing: its work takes longer than the time "
                  "that it had");
  } else if (!far_list_is_empty(&job->owned)) {
    far_owned *first = far_list_item(job->owned.next, far_owned, link);
    far_host_notef(host, FAR_WHAT_TASK_LEAK, FARSIDE_WARN, job->script,
                   &job->task,
                   "it was still waiting for a %s: its work takes longer than "
                   "the %.3f s that it had",
                   first->what, (double)job->task.time_ms / 1000);
  } else if (job->task.state == FAR_TASK_PENDING) {
    far_host_note(host, FAR_WHAT_TASK_LEAK, FARSIDE_WARN, job->script,
                  &job->task, "its closure has not run yet");
  } else {
    far_host_note(host, FAR_WHAT_TASK_LEAK, FARSIDE_WARN, job->script,
                  &job->task,
                  "nothing of it was running any more: finish was forgotten");
  }
}

static const char *expiry(const far_job *job, char *text, size_t bytes) {
  const farside_host *host = host_of(job);
  uint64_t now_ms = far_host_now_ms(host);
  if (host->is_terminating)
    snprintf(text, bytes,
             "the app has to end; the host ended the task %.3f s after exec",
             (double)(now_ms - job->task.begun_ms) / 1000);
  else
    snprintf(text, bytes,
             "its time in the background is over; the host ended it, so that "
             "%s does not end the app",
             host->profile == FAR_PROFILE_DESKTOP
                 ? "the desktop"
                 : far_profile_name(host->profile));
  return text;
}

static const char *success(const far_job *job, uint64_t now_ms, char *text) {
  uint64_t left_ms = far_task_remaining_ms(&job->task, now_ms);
  char *end = far_put_seconds(text, now_ms - job->task.begun_ms);
  end = far_put_text(end, " s after exec");
  if (left_ms != FAR_NEVER) {
    end = far_put_text(end, ", ");
    end = far_put_seconds(end, left_ms);
    far_put_text(end, " s before its end");
  }
  return text;
}

// Work that the user sees may go on for as long as the user wants.
static bool has_mode(const far_script *script) {
  return far_manifest_allows_background(script->manifest, "audio") ||
         far_manifest_allows_background(script->manifest, "location");
}

static void note_end(far_job *job, far_task_state how) {
  farside_host *host = host_of(job);
  if (host->audit == NULL)
    return;
  far_whom whom = whom_of(job);
  far_task_end end = {.how = how,
                      .has_mode = has_mode(job->script),
                      .is_app_ending = host->is_terminating};
  char waited_for[64];
  for (far_list *link = job->owned.next; link != &job->owned;
       link = link->next) {
    const far_owned *owned = far_list_item(link, far_owned, link);
    end.is_endless |= owned->is_endless;
    if (end.waited_for != NULL)
      continue;
    snprintf(waited_for, sizeof waited_for, "waiting for a %s", owned->what);
    end.waited_for = waited_for;
  }
  far_audit_ended(host->audit, &whom, &end, far_host_now_ms(host));
}

void far_job_end(far_job *job, far_task_state how, const char *why) {
  farside_host *host = host_of(job);
  farside_stats *stats = &host->stats;
  uint64_t now_ms = end_ms(host);
  char text[160];
  switch (how) {
  case FAR_TASK_FINISHED:
    stats->finished++;
    stats->leaked -= job->is_leaked; // Somebody knew its id after all.
    far_host_note_then(host, now_ms, FAR_WHAT_TASK_FINISH, FARSIDE_INFO,
                       job->script, &job->task, success(job, now_ms, text));
    break;
  case FAR_TASK_FAILED:
    stats->failed++;
    far_host_note(host, FAR_WHAT_TASK_FAIL, FARSIDE_WARN, job->script,
                  &job->task, why);
    break;
  case FAR_TASK_EXPIRED:
    stats->expired++;
    far_host_note(host, FAR_WHAT_TASK_EXPIRE, FARSIDE_WARN, job->script,
                  &job->task, expiry(job, text, sizeof text));
    if (!job->is_leaked && job->owner == NULL)
      note_leak(job);
    break;
  default:
    stats->cancelled++;
    far_host_note(host, FAR_WHAT_TASK_CANCEL, FARSIDE_WARN, job->script,
                  &job->task, why);
    break;
  }

  note_end(job, how);

  if (job->is_suspect) {
    job->is_suspect = false;
    host->suspects--;
  }
  // A closure that never ran runs still when its task was finished, and only
  // then: a task that was taken away must not begin.
  if (how != FAR_TASK_FINISHED)
    cancel(job, &job->turn);
  cancel(job, &job->expire_turn);
  job->turn.job = NULL;
  far_timer_deinit(&host->timers, &job->timer);
  if (job->script->job == job) {
    // What was taken away in the middle of a computation does not go on.
    if (how != FAR_TASK_FINISHED)
      far_turn_doom(job->script);
    job->script->job = NULL;
  }
  far_tasks_end(&host->tasks, &job->task, how);
  far_owned_cancel_all(&job->owned);
  if (job->owner != NULL) {
    job->owner->ended(job->owner, &job->task, how, why);
    far_host_has_waited(host);
  }
  job->owner = NULL;
  release(job);

  if (host->tasks.open == 0 && host->is_held) {
    host->is_held = false;
    if (host->platform.release)
      host->platform.release(host->platform.self);
    far_host_has_waited(host);
  }
}

farside_status far_job_find(const far_script *script, uint64_t id,
                            far_job **job) {
  far_task *task;
  farside_status status = far_tasks_find(&script->host->tasks, id, &task);
  *job = (far_job *)(void *)task;
  // A run of durable work ends by itself, and not by an id.
  if (status == FARSIDE_OK &&
      ((*job)->script != script || (*job)->owner != NULL))
    return FARSIDE_NOTASK;
  return status;
}

void far_jobs_cancel(farside_host *host, const far_script *script,
                     const char *why) {
  for (far_task *task = host->tasks.first, *next; task; task = next) {
    next = task->next;
    far_job *job = (far_job *)(void *)task;
    if (script == NULL || job->script == script)
      far_job_end(job, FAR_TASK_CANCELLED, why);
  }
}

void far_jobs_arm(farside_host *host) {
  for (far_task *task = host->tasks.first; task; task = task->next) {
    far_job *job = (far_job *)(void *)task;
    // A task that was warned and whose end came no nearer needs no second word.
    if (task->warn_ms > far_host_now_ms(host))
      job->is_warned = job->is_late = false;
    far_timer_start(&host->timers, &job->timer,
                    job->is_warned ? task->end_ms : task->warn_ms);
  }
}

void far_job_run(far_job *job) {
  if (job->task.state != FAR_TASK_PENDING)
    return;
  job->task.state = FAR_TASK_RUNNING;
  farside_host *host = host_of(job);
  far_host_note_then(host, far_host_lately_ms(host), FAR_WHAT_TASK_RUN,
                     FARSIDE_DEBUG, job->script, &job->task, NULL);
}

void far_job_suspect(far_job *job) {
  if (job->task.state != FAR_TASK_RUNNING || job->is_suspect ||
      job->is_leaked || job->owner != NULL || job->on_expire_ref != LUA_NOREF ||
      !far_list_is_empty(&job->owned))
    return;
  job->is_suspect = true;
  host_of(job)->suspects++;
}

static bool is_same_place(const far_job *one, const far_job *two) {
  return one != two && one->script == two->script &&
         strcmp(one->task.origin, two->task.origin) == 0;
}

void far_job_overtake(const far_job *job) {
  for (far_task *task = host_of(job)->tasks.first; task != &job->task;
       task = task->next) {
    far_job *before = (far_job *)(void *)task;
    if (is_same_place(before, job))
      before->successor = job->task.id;
  }
}

// A task that was begun later at the same place, and whose id is known: was
// that of this one where it is now?
static uint64_t successor_of(const far_job *job) {
  for (far_task *task = job->task.next; task; task = task->next) {
    const far_job *later = (const far_job *)(const void *)task;
    if (later->is_held && is_same_place(later, job))
      return task->id;
  }
  return job->successor;
}

// Asks once for all suspects of a script: the search walks its whole heap.
void far_jobs_find_leaks(farside_host *host) {
  if (host->suspects == 0)
    return;
  for (far_task *task = host->tasks.first; task; task = task->next) {
    far_job *job = (far_job *)(void *)task;
    job->is_held = false;
    job->script->is_suspect |= job->is_suspect;
  }
  for (far_list *link = host->scripts.next; link != &host->scripts;
       link = link->next) {
    far_script *script = far_list_item(link, far_script, link);
    if (script->is_suspect)
      far_holders(script);
    script->is_suspect = false;
  }
  for (far_task *task = host->tasks.first; task; task = task->next) {
    far_job *job = (far_job *)(void *)task;
    if (!job->is_suspect)
      continue;
    job->is_suspect = false;
    host->suspects--;
    if (job->is_held || !far_list_is_empty(&job->owned))
      continue;
    host->stats.leaked++;
    job->is_leaked = true;
    far_host_note(host, FAR_WHAT_TASK_LEAK, FARSIDE_WARN, job->script, task,
                  "its closure has returned, nothing of it is pending and "
                  "nobody holds its id: who will finish it?");
    if (host->audit == NULL)
      continue; // To look for its successor takes as long as there are tasks.
    far_whom whom = whom_of(job);
    far_audit_lost(host->audit, &whom, successor_of(job),
                   far_host_now_ms(host));
  }
}
