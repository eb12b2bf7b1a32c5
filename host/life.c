#include "host.h"

#include "dispatch.h"
#include "far_assert.h"
#include "source.h"
#include <string.h>

enum {
  GRACE_MS_MAX = 24 * 60 * 60 * 1000, // A day: longer is no grace.
  // What is left to be closed when the grace is over has so long for that.
  OVERTIME_MS = 1000
};

// There was no memory for an event, which must not pass in silence.
static void note_lost(farside_host *host, far_event_kind kind) {
  far_host_notef(host, FAR_WHAT_LOG, FARSIDE_ERROR, NULL, NULL,
                 "no memory for the event %s", far_event_name(kind));
}

void far_life_deliver(farside_host *host, far_event *event) {
  for (far_list *link = host->scripts.next; link != &host->scripts;
       link = link->next) {
    far_script *script = far_list_item(link, far_script, link);
    if (script->deliver != NULL)
      script->deliver(script, event);
  }
  far_event_release(event);
}

static void deliver_kind(farside_host *host, far_event_kind kind, bool flag) {
  far_event *event = far_event_new(kind, NULL);
  if (event == NULL) {
    note_lost(host, kind);
    return;
  }
  event->flag = flag;
  far_life_deliver(host, event);
}

static void note_state(farside_host *host) {
  far_audit_moved(host->audit, host->app.state, far_host_now_ms(host));
}

// Time in the background: what the profile gives to who leaves the foreground,
// or to who was woken.
static void start_budgets(farside_host *host, uint64_t budget_ms) {
  if (host->is_terminating)
    return;
  host->hurry = NULL;
  int64_t os_ms = -1;
  if (host->platform.time_remaining != NULL)
    os_ms = host->platform.time_remaining(host->platform.self);
  if (os_ms >= 0 && (uint64_t)os_ms < budget_ms)
    budget_ms = (uint64_t)os_ms;
  far_tasks_enter_background(&host->tasks, far_host_now_ms(host), budget_ms,
                             host->is_woken);
  far_jobs_arm(host);
}

static uint64_t exec_budget_ms(const farside_host *host) {
  return (uint64_t)far_policy_exec_end_ms(host->profile);
}

static void stop_budgets(farside_host *host) {
  if (host->is_terminating)
    return;
  host->hurry = NULL;
  far_tasks_leave_background(&host->tasks);
  far_jobs_arm(host);
}

static const char *why_asleep(const farside_host *host) {
  return host->tasks.open == 0
             ? "no task is open: nothing of the app runs any more"
             : "it was made to sleep with a task open";
}

void far_life_move(farside_host *host, far_app_state target, const char *why) {
  far_app_edge edge;
  while (far_app_step(&host->app, target, &edge)) {
    note_state(host);
    switch (edge) {
    case FAR_APP_ACTIVATED:
      far_host_note(host, FAR_WHAT_APP_ACTIVE, FARSIDE_INFO, NULL, NULL, why);
      deliver_kind(host, FAR_EVENT_APP_STATE_CHANGE, true);
      break;
    case FAR_APP_DEACTIVATED:
      far_host_note(host, FAR_WHAT_APP_INACTIVE, FARSIDE_INFO, NULL, NULL, why);
      deliver_kind(host, FAR_EVENT_APP_STATE_CHANGE, false);
      break;
    case FAR_APP_PAUSED:
      far_host_note(host, FAR_WHAT_APP_PAUSE, FARSIDE_INFO, NULL, NULL, why);
      start_budgets(host, exec_budget_ms(host));
      deliver_kind(host, FAR_EVENT_PAUSE, false);
      break;
    case FAR_APP_RESUMED:
      far_timer_stop(&host->timers, &host->freeze);
      host->is_woken = false;
      stop_budgets(host);
      far_host_note(host, FAR_WHAT_APP_RESUME, FARSIDE_INFO, NULL, NULL, why);
      deliver_kind(host, FAR_EVENT_RESUME, false);
      break;
    case FAR_APP_WOKE:
      start_budgets(host, exec_budget_ms(host));
      continue; // No entry: it is still in the background.
    case FAR_APP_FELL_ASLEEP:
      far_timer_stop(&host->timers, &host->freeze);
      host->is_woken = false;
      stop_budgets(host);
      far_host_note(host, FAR_WHAT_APP_SUSPEND, FARSIDE_INFO, NULL, NULL,
                    why ? why : why_asleep(host));
      far_transfers_suspend(host);
      if (host->platform.suspend != NULL)
        host->platform.suspend(host->platform.self);
      break;
    }
    why = NULL;
  }
}

static void launch(farside_host *host, far_app_state state, const char *reason,
                   const char *why) {
  far_assert(host->app.state == FAR_APP_GONE);
  host->has_ended = host->is_terminating = host->is_woken = false;
  far_tasks_leave_background(&host->tasks);
  host->app.state = state;
  host->launch_reason = reason;
  note_state(host);
  far_host_note(host, FAR_WHAT_APP_LAUNCH, FARSIDE_INFO, NULL, NULL, why);
}

void far_life_launch(farside_host *host, const char *reason, const char *why) {
  launch(host, FAR_APP_ACTIVE, reason, why);
  far_host_note(host, FAR_WHAT_APP_ACTIVE, FARSIDE_INFO, NULL, NULL, NULL);
}

static int64_t wake_budget_ms(const farside_host *host, const char *reason) {
  far_constant which = strcmp(reason, "processing") == 0 ? FAR_PROCESSING_BUDGET
                       : strcmp(reason, "push") == 0     ? FAR_PUSH_WAKE_BUDGET
                                                         : FAR_FETCH_BUDGET;
  int64_t budget_ms = far_policy_get(host->profile, which);
  // Where no rule gives a wake-up its time, it has what any app has behind.
  return budget_ms != 0 ? budget_ms : far_policy_exec_end_ms(host->profile);
}

void far_life_launch_behind(farside_host *host, const char *reason,
                            const char *why) {
  launch(host, FAR_APP_BACKGROUND, reason, why);
  host->is_woken = true;
  start_budgets(host, (uint64_t)wake_budget_ms(host, reason));
  far_dispatch_woken(host, reason);
}

void far_life_wake(farside_host *host, const char *reason, int64_t budget_ms) {
  if (host->app.state == FAR_APP_GONE || host->is_terminating)
    return;
  if (budget_ms < 0)
    budget_ms = wake_budget_ms(host, reason);
  if (host->app.state == FAR_APP_SUSPENDED)
    far_life_move(host, FAR_APP_BACKGROUND, NULL);
  if (host->app.state == FAR_APP_BACKGROUND) {
    host->is_woken = true;
    far_timer_stop(&host->timers, &host->freeze);
    // What is open has its time already.
    if (host->tasks.open == 0)
      start_budgets(host, (uint64_t)budget_ms);
  }
  far_dispatch_woken(host, reason);
  far_event *event = far_event_new(FAR_EVENT_WAKE, reason);
  if (event == NULL) {
    note_lost(host, FAR_EVENT_WAKE);
    return;
  }
  event->grace_ms = budget_ms;
  far_life_deliver(host, event);
}

void far_life_tell_of_store(farside_host *host, farside_status status,
                            const char *message) {
  far_host_note(host, FAR_WHAT_STORE_FAULT, FARSIDE_ERROR, NULL, NULL, message);
  far_event *event =
      far_event_new(FAR_EVENT_STORE_FAULT, farside_status_name(status));
  if (event == NULL || !far_event_set_detail(event, message)) {
    far_event_release(event);
    note_lost(host, FAR_EVENT_STORE_FAULT);
    return;
  }
  if (far_list_is_empty(&host->scripts)) {
    far_event_release(host->store_fault);
    host->store_fault = far_event_retain(event);
  }
  far_life_deliver(host, event);
}

// -- Scripts that were stopped ------------------------------------------------

enum { DEATHS_MAX = 64 };

typedef struct death {
  far_list link;
  char *name, *why;
  far_source *source;
} death;

static void forget(farside_host *host, death *gone) {
  far_list_leave(&gone->link);
  far_source_free(gone->source);
  far_string_free(&host->memory, gone->name);
  far_string_free(&host->memory, gone->why);
  far_free(&host->memory, gone, sizeof *gone);
}

void far_life_forget(farside_host *host) {
  while (host->deaths.next != NULL && !far_list_is_empty(&host->deaths))
    forget(host, far_list_item(host->deaths.next, death, link));
  far_event_release(host->store_fault);
  host->store_fault = NULL;
}

static death *find_death(const farside_host *host, const char *name) {
  for (far_list *link = host->deaths.next; link != &host->deaths;
       link = link->next) {
    death *found = far_list_item(link, death, link);
    if (strcmp(found->name, name) == 0)
      return found;
  }
  return NULL;
}

static size_t count_deaths(const farside_host *host) {
  size_t count = 0;
  for (far_list *link = host->deaths.next; link != &host->deaths;
       link = link->next)
    count++;
  return count;
}

// One for each name, and not more than a few; a script that cannot be
// remembered is merely launched.
static void remember(far_script *script, const char *why) {
  farside_host *host = script->host;
  death *old = find_death(host, script->name);
  if (old == NULL && count_deaths(host) == DEATHS_MAX)
    old = far_list_item(host->deaths.next, death, link);
  if (old != NULL)
    forget(host, old);
  death *fresh = far_new(&host->memory, sizeof *fresh);
  if (fresh == NULL)
    return;
  far_list_append(&host->deaths, &fresh->link);
  fresh->name = far_string_new(&host->memory, script->name);
  fresh->why = far_string_new(&host->memory, why);
  if (fresh->name == NULL || fresh->why == NULL) {
    forget(host, fresh);
    return;
  }
  fresh->source = script->source;
  script->source = NULL;
}

far_source *far_life_take_source(farside_host *host, const char *name) {
  death *gone = find_death(host, name);
  if (gone == NULL)
    return NULL;
  far_source *source = gone->source;
  gone->source = NULL;
  return source;
}

void far_life_kill(far_script *script, const char *where, const char *why) {
  farside_host *host = script->host;
  script->is_dead = true;
  far_host_fail(host, FARSIDE_KILLED, "%s was stopped: %s", script->name, why);
  far_host_note_at(host, FAR_WHAT_SCRIPT_KILL, FARSIDE_ERROR, script, where,
                   why);
  remember(script, why);
}

void far_life_bury(farside_host *host) {
  for (far_list *link = host->scripts.next, *next; link != &host->scripts;
       link = next) {
    next = link->next;
    far_script *script = far_list_item(link, far_script, link);
    if (!script->is_dead)
      continue;
    far_jobs_cancel(host, script, "its script was stopped");
    far_script_close(script);
  }
  if (far_list_is_empty(&host->scripts))
    far_life_end(host, FAR_WHAT_APP_KILL, "its last script was stopped");
}

// What became of the script before, in the place of what became of the app.
static far_event *launch_of(farside_host *host, const far_script *script) {
  death *before = find_death(host, script->name);
  if (before == NULL)
    return far_event_new(FAR_EVENT_LAUNCH, host->launch_reason);
  far_event *event = far_event_new(FAR_EVENT_LAUNCH, "killed");
  if (event != NULL && !far_event_set_detail(event, before->why)) {
    far_event_release(event);
    event = NULL;
  }
  forget(host, before);
  return event;
}

void far_life_greet(farside_host *host, far_script *script) {
  far_event *event = launch_of(host, script);
  if (event == NULL)
    note_lost(host, FAR_EVENT_LAUNCH);
  else if (script->deliver != NULL)
    script->deliver(script, event);
  far_event_release(event);
  if (host->store_fault != NULL && script->deliver != NULL)
    script->deliver(script, host->store_fault);
}

void far_life_hurry(farside_host *host, const char *why) {
  far_task_table *tasks = &host->tasks;
  if (host->app.state != FAR_APP_BACKGROUND || host->is_terminating ||
      tasks->open == 0)
    return;
  host->hurry = why;
  far_audit_hurried(host->audit);
  far_tasks_hurry(
      tasks, far_host_now_ms(host),
      (uint64_t)far_policy_get(host->profile, FAR_EXPIRY_HANDLER_KILL));
  far_jobs_arm(host);
}

// -- The end ------------------------------------------------------------------

static int64_t default_grace_ms(const farside_host *host) {
  uint64_t grace_ms = host->config.grace_ms;
  if (grace_ms == 0)
    return far_policy_get(host->profile, FAR_TERMINATE_GRACE);
  return grace_ms < GRACE_MS_MAX ? (int64_t)grace_ms : GRACE_MS_MAX;
}

void far_life_terminate(farside_host *host, const char *reason,
                        int64_t grace_ms) {
  if (host->app.state == FAR_APP_GONE || host->is_terminating)
    return;
  if (grace_ms < 0)
    grace_ms = default_grace_ms(host);
  if (grace_ms > GRACE_MS_MAX)
    grace_ms = GRACE_MS_MAX;
  // A sleeping app has to wake in order to hear of its end.
  if (host->app.state == FAR_APP_SUSPENDED)
    far_life_move(host, FAR_APP_BACKGROUND, NULL);
  host->is_terminating = true;
  far_audit_hurried(host->audit);
  far_timer_stop(&host->timers, &host->freeze);
  far_host_notef(host, FAR_WHAT_APP_TERMINATE, FARSIDE_INFO, NULL, NULL,
                 "reason %s; open tasks have %.3f s", reason,
                 (double)grace_ms / 1000);
  far_tasks_terminate(&host->tasks, far_host_now_ms(host), (uint64_t)grace_ms);
  far_jobs_arm(host);
  far_event *event = far_event_new(FAR_EVENT_TERMINATE, reason);
  if (event == NULL) {
    note_lost(host, FAR_EVENT_TERMINATE);
    return;
  }
  event->grace_ms = grace_ms;
  far_life_deliver(host, event);
}

void far_life_end(farside_host *host, far_what what, const char *why) {
  far_dispatch_end(host, what == FAR_WHAT_APP_KILL);
  if (host->app.state != FAR_APP_GONE) {
    far_jobs_cancel(host, NULL, why);
    far_host_note(host, what, FARSIDE_INFO, NULL, NULL, why);
  }
  while (!far_list_is_empty(&host->scripts))
    far_script_close(far_list_item(host->scripts.next, far_script, link));
  far_timer_stop(&host->timers, &host->freeze);
  far_event_release(host->store_fault);
  host->store_fault = NULL;
  host->app.state = FAR_APP_GONE;
  host->hurry = NULL;
  note_state(host);
  host->is_terminating = host->wants_end = host->is_woken = false;
  host->has_ended = true;
  far_outbox_end(&host->outbox);
  far_dispatch_ended(host);
}

void far_life_enforce(farside_host *host) {
  const far_task_table *tasks = &host->tasks;
  if (host->is_terminating && far_host_now_ms(host) >= tasks->since_ms +
                                                           tasks->allowance_ms +
                                                           OVERTIME_MS)
    far_life_end(host, FAR_WHAT_APP_END,
                 "its scripts still had turns long after its grace");
}

static void fall_asleep(farside_host *host) {
  far_dispatch_rest(host);
  far_life_move(host, FAR_APP_SUSPENDED, NULL);
}

void far_life_settle(farside_host *host) {
  far_jobs_find_leaks(host);
  far_dispatch(host);
  if (host->tasks.open > 0 || host->turns_queued > 0)
    return;
  if (host->is_terminating) {
    far_life_end(host, FAR_WHAT_APP_END, "every task has ended");
  } else if (host->app.state == FAR_APP_BACKGROUND && host->freeze.place == 0) {
    int64_t wait_ms = far_policy_get(host->profile, FAR_FREEZE_AFTER_CACHED);
    if (wait_ms == 0)
      fall_asleep(host);
    else
      far_timer_start(&host->timers, &host->freeze,
                      far_host_now_ms(host) + (uint64_t)wait_ms);
  }
}

void far_life_freeze(far_timer *timer, uint64_t now_ms) {
  (void)now_ms;
  fall_asleep(far_list_item(timer, farside_host, freeze));
}
