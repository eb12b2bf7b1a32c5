#include "host.h"

#include "dispatch.h"
#include "far_assert.h"
#include "limit.h"
#include "options.h"
#include "poll_text.h"
#include "scripts.h"
#include <stdarg.h>
#include <string.h>

enum {
  CONFIG_VERSION = 1,
  ENTRIES_MAX = 10000,
  // How long the turns of one step may go on before the host looks up.
  MOMENT_MS = 5,
  // How long a step may take to fire the timers that are due: those that come
  // later than the moment above merely queue their turns.
  STEP_MS = 50,
  // How long nobody may tick while a transfer is under way.
  TRANSFER_TICK_MS = 10,
  NS_PER_MS = 1000 * 1000,
  LONGEST_TICK_MS = 60 * 60 * 1000,
  TICKS_MEASURED = 1000,
  // A script that keeps the queue busy at one instant of virtual time would
  // stop time for ever. Real apps stay far below.
  TURNS_AT_INSTANT_MAX = 1000 * 1000
};

farside_status far_host_fail(farside_host *host, farside_status status,
                             const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(host->error, sizeof host->error, format, args);
  va_end(args);
  return status;
}

const char *farside_error(const farside_host *host) {
  return host->error;
}

// -- The timeline -------------------------------------------------------------

uint64_t far_host_now_ms(const farside_host *host) {
  return host->clock->now_ms(host->clock) - host->origin_ms;
}

uint64_t far_host_lately_ms(const farside_host *host) {
  bool is_computing = host->watch.running != NULL;
  return host->clock->lately_ms(host->clock, is_computing) - host->origin_ms;
}

uint64_t far_host_turn_ms(const farside_host *host) {
  return host->clock->lately_ms(host->clock, false) - host->origin_ms;
}

void far_host_has_waited(farside_host *host) {
  if (host->watch.running == NULL) // Otherwise it is read when the script ends.
    host->clock->read_ns = 0;
}

static void put_to_poll(farside_host *host, const farside_entry *entry,
                        bool is_log) {
  unsigned polls = host->config.polls;
  if ((polls & FARSIDE_POLL_ENTRIES) != 0)
    far_outbox_put_entry(&host->outbox, far_poll_entry(entry));
  else if ((polls & FARSIDE_POLL_LOG) != 0 && is_log)
    far_outbox_put_entry(&host->outbox, far_poll_log(entry));
}

static void tell(farside_host *host, const farside_entry *entry) {
  const farside_config *config = &host->config;
  bool is_log = entry->what == far_what_name(FAR_WHAT_LOG);
  bool was_running = host->is_running;
  host->is_running = true;
  if (config->on_entry != NULL)
    config->on_entry(config->user, entry);
  if (config->on_log != NULL && is_log)
    config->on_log(config->user, entry->level, entry->script,
                   entry->why ? entry->why : "");
  if (config->on_entry != NULL || (config->on_log != NULL && is_log))
    far_host_has_waited(host);
  if (config->polls != 0)
    put_to_poll(host, entry, is_log);
  host->is_running = was_running;
}

static void put(farside_host *host, const farside_entry *entry) {
  far_timeline_add(&host->timeline, entry);
  const farside_config *config = &host->config;
  if (config->on_entry != NULL || config->on_log != NULL || config->polls != 0)
    tell(host, entry);
}

static void note(farside_host *host, uint64_t now_ms, far_what what,
                 farside_level level, const far_script *script,
                 const far_task *task, const char *where, const char *why) {
  farside_entry entry = {.t_ms = now_ms,
                         .what = far_what_name(what),
                         .level = level,
                         .state = far_app_state_name(host->app.state),
                         .script = script ? script->name : NULL,
                         .task = task ? task->id : 0,
                         .name = task ? task->name : NULL,
                         .where = where,
                         .why = why};
  put(host, &entry);
}

void far_host_note_work(farside_host *host, far_what what, farside_level level,
                        const far_work *work, const char *why) {
  farside_entry entry = {.t_ms = far_host_now_ms(host),
                         .what = far_what_name(what),
                         .level = level,
                         .state = far_app_state_name(host->app.state),
                         .script = work->script,
                         .work = (uint64_t)work->id,
                         .name = work->kind,
                         .why = why};
  put(host, &entry);
}

void far_host_note_violation(farside_host *host,
                             const far_violation *violation) {
  const far_outcome *outcome = violation->outcome;
  farside_entry entry = {.t_ms = violation->first_ms,
                         .what = far_what_name(FAR_WHAT_VIOLATION),
                         .level = violation->is_failure ? FARSIDE_ERROR
                                                        : FARSIDE_WARN,
                         .state = far_app_state_name(host->app.state),
                         .script = violation->script,
                         .task = violation->task,
                         .name = violation->name,
                         .where = violation->where,
                         .why = violation->why,
                         .rule = far_rule_name(violation->rule),
                         .severity = far_severity_name(violation->severity),
                         .outcome = far_outcome_name(outcome->kind),
                         .code = *outcome->code ? outcome->code : NULL};
  put(host, &entry);
}

void far_host_note(farside_host *host, far_what what, farside_level level,
                   const far_script *script, const far_task *task,
                   const char *why) {
  note(host, far_host_now_ms(host), what, level, script, task,
       task ? task->origin : NULL, why);
}

void far_host_note_then(farside_host *host, uint64_t now_ms, far_what what,
                        farside_level level, const far_script *script,
                        const far_task *task, const char *why) {
  note(host, now_ms, what, level, script, task, task ? task->origin : NULL,
       why);
}

void far_host_note_at(farside_host *host, far_what what, farside_level level,
                      const far_script *script, const char *where,
                      const char *why) {
  note(host, far_host_now_ms(host), what, level, script, NULL, where, why);
}

void far_host_notef(farside_host *host, far_what what, farside_level level,
                    const far_script *script, const far_task *task,
                    const char *format, ...) {
  char why[512];
  va_list args;
  va_start(args, format);
  vsnprintf(why, sizeof why, format, args);
  va_end(args);
  far_host_note(host, what, level, script, task, why);
}

// -- Open and close -----------------------------------------------------------

static const char **config_strings(farside_config *config, size_t index) {
  const char **const strings[] = {
      &config->profile,       &config->app_name,  &config->app_id,
      &config->app_version,   &config->app_build, &config->launch_url,
      &config->launch_reason, &config->proxy,     &config->certificates};
  return index < sizeof strings / sizeof *strings ? strings[index] : NULL;
}

void farside_config_init(farside_config *config) {
  *config = (farside_config){.version = CONFIG_VERSION,
                             .profile = "desktop",
                             .timeline_entries_max = ENTRIES_MAX,
                             .launch_reason = "user"};
}

static bool copy_config(farside_host *host, const farside_config *config) {
  host->config = *config;
  bool has_all = true;
  const char **string;
  for (size_t i = 0; (string = config_strings(&host->config, i)); i++) {
    const char *original = *string;
    *string = far_string_new(&host->memory, original);
    has_all = has_all && (original == NULL) == (*string == NULL);
  }
  return has_all;
}

static void host_free(farside_host *host) {
  far_memory memory = host->memory;
  far_options *options = host->options;
  if (host->timers.memory != NULL)
    far_life_end(host, FAR_WHAT_APP_END, "the host is closed");
  far_inbox_close(host->inbox);
  far_plugins_deinit(host);
  far_outbox_deinit(&host->outbox);
  far_queue_deinit(host);
  far_ruins_deinit(host);
  far_transfers_close(&host->transfers);
  far_files_deinit(host);
  if (host->timers.memory != NULL)
    far_timer_deinit(&host->timers, &host->freeze);
  far_timers_deinit(&host->timers);
  if (host->tasks.slots.memory != NULL)
    far_tasks_deinit(&host->tasks);
  far_timeline_deinit(&host->timeline);
  far_clock_close(host->clock);
  far_watch_close(&host->watch);
  far_life_forget(host);
  far_names_deinit(host);
  const char **string;
  for (size_t i = 0; (string = config_strings(&host->config, i)); i++)
    far_string_free(&host->memory, (char *)*string);
  memory.used_bytes = host->memory.used_bytes;
  far_free(&memory, host, sizeof *host);
  // The promise of closing: not a byte is left.
  far_assert(memory.used_bytes == 0);
  far_options_free(options);
}

farside_status far_host_open(const farside_config *config, far_clock *clock,
                             farside_host **host) {
  *host = NULL;
  if (config == NULL || config->version != CONFIG_VERSION ||
      config->profile == NULL ||
      (config->platform != NULL &&
       config->platform->version != FARSIDE_PLATFORM_VERSION)) {
    far_clock_close(clock);
    return FARSIDE_INVALID;
  }
  far_memory memory;
  far_memory_init(&memory, config->allocate, config->user);
  farside_host *fresh = far_new(&memory, sizeof *fresh);
  if (fresh == NULL) {
    far_clock_close(clock);
    return FARSIDE_NOMEM;
  }
  fresh->memory = memory;
  fresh->memory.shield = &fresh->watch.shield;
  far_list_init(&fresh->scripts);
  far_list_init(&fresh->ready);
  far_list_init(&fresh->deaths);
  far_transfers_init(&fresh->transfers);
  farside_status status = FARSIDE_NOMEM;
  if (!copy_config(fresh, config))
    goto fail;
  fresh->files.folder = far_string_new(&fresh->memory, config->files);
  fresh->config.files = NULL;
  if (config->files != NULL && fresh->files.folder == NULL)
    goto fail;
  status = FARSIDE_INVALID;
  if (!far_profile_find(config->profile, &fresh->profile))
    goto fail;
  char sentence[FAR_SENTENCE_BYTES];
  if (!far_limits_check(&config->limits, sentence, sizeof sentence))
    goto fail;
  far_limits_default(&fresh->config.limits);
  status = far_watch_open(&fresh->watch, config->signal);
  if (status != FARSIDE_OK)
    goto fail;
  if (config->platform != NULL)
    fresh->platform = *config->platform;

  // A clock that comes from outside keeps its own memory.
  if (clock == NULL) {
    status = far_clock_open_real(&fresh->memory, &clock);
    if (status != FARSIDE_OK)
      goto fail;
  }
  fresh->clock = clock;
  fresh->zone = &fresh->local_zone.zone;
  clock = NULL;
  fresh->origin_ms = fresh->clock->now_ms(fresh->clock);
  status = far_outbox_init(&fresh->outbox, config->poll_bytes_max);
  if (status == FARSIDE_OK)
    status = far_plugins_init(fresh);
  if (status != FARSIDE_OK)
    goto fail;
  far_timers_init(&fresh->timers, &fresh->memory);
  far_tasks_init(&fresh->tasks, &fresh->memory, fresh->profile);
  far_timeline_init(&fresh->timeline, &fresh->memory,
                    config->timeline_entries_max);
  // On real time no two runs are the same.
  fresh->timeline.is_hashed = far_clock_is_virtual(fresh->clock);
  status = far_timer_init(&fresh->timers, &fresh->freeze, FAR_TIMER_HOST,
                          far_life_freeze);
  if (status == FARSIDE_OK)
    status = far_ruins_init(fresh);
  if (status == FARSIDE_OK)
    status = far_queue_init(fresh);
  if (status != FARSIDE_OK)
    goto fail;
  status = far_inbox_open(&fresh->memory, fresh->clock, &fresh->inbox);
  if (status != FARSIDE_OK)
    goto fail;
  *host = fresh;
  return FARSIDE_OK;

fail:
  far_clock_close(clock);
  host_free(fresh);
  return status;
}

farside_status farside_host_open(const farside_config *config,
                                 farside_host **host) {
  return far_host_open(config, NULL, host);
}

farside_status farside_set_platform(farside_host *host,
                                    const farside_platform *platform) {
  if (host == NULL || platform == NULL ||
      platform->version != FARSIDE_PLATFORM_VERSION)
    return FARSIDE_INVALID;
  if (host->thread.is_started || !far_list_is_empty(&host->scripts))
    return FARSIDE_BUSY;
  host->platform = *platform;
  return FARSIDE_OK;
}

void farside_host_close(farside_host *host) {
  if (host == NULL)
    return;
  if (far_thread_is_here(host)) {
    farside_stop(host);
    return;
  }
  far_thread_join(host);
  if (host->is_running) {
    host->is_closing = true;
    return;
  }
  host->is_running = true; // A second close from a last entry is no close.
  host_free(host);
}

bool far_host_close_if_asked(farside_host *host) {
  if (!host->is_closing)
    return false;
  farside_host_close(host);
  return true;
}

// -- Steps --------------------------------------------------------------------

// A script whose turns never end at one instant of virtual time.
static bool is_stuck(farside_host *host) {
  if (!far_clock_is_virtual(host->clock))
    return false;
  uint64_t now_ms = far_host_now_ms(host);
  if (now_ms != host->instant_ms) {
    host->instant_ms = now_ms;
    host->turns_at_instant = 0;
  }
  return ++host->turns_at_instant > TURNS_AT_INSTANT_MAX;
}

// What is next in a script: a turn that is between two slices comes before all
// that wait, because turns run to completion.
static far_turn *next_turn(const far_script *script) {
  if (script->is_parked)
    return script->running;
  if (far_list_is_empty(&script->turns))
    return NULL;
  // Among a million the one behind it is far away: soon it shall be near.
  __builtin_prefetch(script->turns.next->next);
  return far_list_item(script->turns.next, far_turn, link);
}

// Runs `turns` turns, or slices of them. The scripts that have any take turns:
// whose turn was run goes to the end. Returns false when time is up, or the
// host has ended.
static bool run_round(farside_host *host, size_t turns, uint64_t until_ns) {
  while (turns > 0 && !far_list_is_empty(&host->ready)) {
    far_script *script = far_list_item(host->ready.next, far_script, ready);
    far_list_leave(&script->ready);
    far_turn *turn = next_turn(script);
    if (turn == NULL)
      continue; // It was cancelled.
    far_host_call(turn);
    turns--;
    if (script->is_dead) {
      far_life_bury(host);
      far_host_has_waited(host);
    } else {
      far_script_ready(script);
    }
    if (host->is_closing || host->wants_end || host->has_ended)
      return false;
    if (is_stuck(host)) {
      far_host_note(host, FAR_WHAT_LOG, FARSIDE_ERROR, script, NULL,
                    "it ran a million turns without any time passing, and "
                    "never would have stopped");
      host->stats.errors++;
      far_life_end(host, FAR_WHAT_APP_KILL, "a script does not let time pass");
      return false;
    }
    if (until_ns != FAR_NEVER && far_clock_still_ns(host->clock) >= until_ns)
      return false;
  }
  return true;
}

// Runs what is queued, and what that queues, but only for a moment: no script
// keeps the host from hearing the world. In virtual time there is no world to
// hear, and an order that must not depend on the machine.
static bool run_turns(farside_host *host, uint64_t until_ns, uint64_t end_ms) {
  do {
    if (!run_round(host, host->turns_queued, until_ns))
      return false;
    if (far_host_lately_ms(host) >= end_ms)
      return false;
  } while (host->turns_queued > 0);
  return host->parked == 0; // Who computes has had its slice for now.
}

static void apply(farside_host *host, far_event *event) {
  if (host->app.state == FAR_APP_GONE) {
    far_event_release(event);
    return;
  }
  switch (event->kind) {
  case FAR_EVENT_APP_STATE_CHANGE:
    // Not in use is no way up: the OS may say so after the pause.
    if (event->flag || host->app.state > FAR_APP_INACTIVE)
      far_life_move(host, event->flag ? FAR_APP_ACTIVE : FAR_APP_INACTIVE,
                    NULL);
    break;
  case FAR_EVENT_PAUSE:
    // What sleeps is in the background already.
    if (host->app.state > FAR_APP_BACKGROUND)
      far_life_move(host, FAR_APP_BACKGROUND, NULL);
    break;
  case FAR_EVENT_RESUME:
    far_life_move(host, FAR_APP_ACTIVE, NULL);
    break;
  case FAR_EVENT_WAKE:
    far_life_wake(host, event->text ? event->text : "fetch", event->grace_ms);
    break;
  case FAR_EVENT_TERMINATE:
    far_life_terminate(host, event->text ? event->text : "system",
                       event->grace_ms);
    break;
  case FAR_EVENT_MESSAGE:
    far_scripts_take(host, event);
    return;
  case FAR_EVENT_ANSWER:
    far_plugins_take(host, event);
    return;
  default:
    far_life_deliver(host, event);
    return;
  }
  far_event_release(event);
}

static bool is_asleep(const farside_host *host) {
  return host->app.state <= FAR_APP_SUSPENDED;
}

// Fires the next timer that was due at `now_ms`; false when there is none.
static bool fire_next(farside_host *host, uint64_t now_ms) {
  far_timer *timer = far_timers_next(&host->timers, is_asleep(host));
  if (timer == NULL || timer->when_ms > now_ms)
    return false;
  far_timer_stop(&host->timers, timer);
  bool is_ours = timer->kind == FAR_TIMER_HOST;
  timer->fire(timer, now_ms);
  if (is_ours)
    far_host_has_waited(host);
  return true;
}

static void take_posts(farside_host *host) {
  bool stop;
  for (far_event *event = far_inbox_take(host->inbox, &stop); event;) {
    far_event *next = event->next;
    apply(host, event);
    event = next;
  }
  if (stop)
    far_life_end(host, FAR_WHAT_APP_END, "the host was told to stop");
}

static void step(farside_host *host, uint64_t until_ns) {
  take_posts(host);
  if (host->wants_end)
    return;
  // What becomes due from now on is the next step's. The turns of one timer
  // come before the next timer: what the first script does may stop, or save,
  // the second. Only when time is up are they left for the next step.
  // And where there are very many, the rest of them is too.
  uint64_t now_ms = far_host_now_ms(host);
  bool is_real = !far_clock_is_virtual(host->clock);
  uint64_t turns_end_ms = is_real ? now_ms + MOMENT_MS : FAR_NEVER;
  uint64_t end_ms = is_real ? now_ms + STEP_MS : FAR_NEVER;
  bool has_time = true, is_late = false;
  for (;;) {
    if (has_time && !is_asleep(host))
      has_time = run_turns(host, until_ns, turns_end_ms);
    if (host->is_closing || host->wants_end || host->has_ended)
      return;
    if (!fire_next(host, now_ms))
      break;
    // Whoever still has time for turns has just looked.
    bool is_firing_only = !has_time || is_asleep(host);
    if (is_firing_only && far_host_lately_ms(host) >= end_ms) {
      is_late = true;
      break;
    }
  }
  if (!is_late && host->turns_queued == 0) {
    far_life_settle(host);
    return;
  }
  far_life_enforce(host);
  if (is_real)
    far_dispatch_between(host);
}

void far_host_step(farside_host *host, uint64_t until_ns) {
  host->is_running = true;
  host->until_ns = until_ns;
  step(host, until_ns);
  if (host->wants_end && !host->is_closing)
    far_life_end(host, FAR_WHAT_APP_END, "os.exit was called");
  far_watch_rest(&host->watch);
  host->is_running = false;
}

bool far_host_has_work(const farside_host *host) {
  return (host->turns_queued > 0 && !is_asleep(host)) ||
         !far_inbox_is_empty(host->inbox) || far_dispatch_has_work(host);
}

uint64_t far_host_next_ms(const farside_host *host) {
  const far_timer *timer = far_timers_next(&host->timers, is_asleep(host));
  return timer ? timer->when_ms : FAR_NEVER;
}

static bool has_listeners(const far_script *script) {
  return script->emitter != NULL && far_hooks.is_listening(script, FAR_EVENTS);
}

static bool owns_what_comes(const far_script *script) {
  for (const far_list *link = script->owned.next; link != &script->owned;
       link = link->next)
    if (!far_list_item(link, far_owned, link)->is_passive)
      return true;
  return false;
}

bool far_host_is_idle(const farside_host *host) {
  // Who sleeps waits to be woken.
  if (host->turns_queued > 0 || host->tasks.open > 0 ||
      host->app.state == FAR_APP_SUSPENDED || far_dispatch_is_waiting(host) ||
      far_clock_has_others(host->clock))
    return false;
  for (const far_list *link = host->scripts.next; link != &host->scripts;
       link = link->next) {
    const far_script *script = far_list_item(link, far_script, link);
    if (owns_what_comes(script) || has_listeners(script))
      return false;
  }
  return true;
}

void farside_shield_up(farside_host *host) {
  far_shield_up(&host->watch.shield);
}

void farside_shield_down(farside_host *host) {
  far_shield_down(&host->watch.shield);
}

// -- Wake-ups -----------------------------------------------------------------

farside_status far_host_wake_at(farside_host *host,
                                const farside_wake_request *request) {
  const farside_platform *platform = &host->platform;
  if (platform->wake_at == NULL)
    return far_host_fail(host, FARSIDE_UNSUPPORTED,
                         "this platform wakes no app");
  if (platform->wake_at(platform->self, request) == 0)
    return FARSIDE_OK;
  return far_host_fail(host, FARSIDE_LIMIT,
                       "the system takes no more requests to be woken");
}

void far_host_cancel_wake(farside_host *host, farside_wake kind) {
  if (host->platform.cancel_wake != NULL)
    host->platform.cancel_wake(host->platform.self, kind);
}

farside_conditions far_host_conditions(const farside_host *host) {
  farside_conditions now = {.network = FARSIDE_NETWORK_WIFI,
                            .is_battery_ok = true,
                            .is_storage_ok = true};
  if (host->platform.conditions != NULL)
    host->platform.conditions(host->platform.self, &now);
  return now;
}

// -- Running ------------------------------------------------------------------

static void arm(farside_host *host) {
  uint64_t next_ms = far_host_next_ms(host);
  host->clock->arm(host->clock, next_ms == FAR_NEVER
                                    ? FAR_NEVER
                                    : next_ms + host->origin_ms);
}

static farside_status refuse(farside_host *host) {
  return far_host_fail(host, FARSIDE_BUSY, "%s",
                       farside_status_text(FARSIDE_BUSY));
}

// No task, no run, and no work that could start now.
static bool is_done(const farside_host *host) {
  return host->tasks.open == 0 && !host->is_terminating && !host->has_ended &&
         !far_host_has_work(host);
}

farside_status farside_run(farside_host *host) {
  if (host == NULL)
    return FARSIDE_INVALID;
  if (host->thread.is_started)
    return FARSIDE_BUSY;
  return host->is_running ? refuse(host) : far_host_run(host);
}

farside_status far_host_run(farside_host *host) {
  while (!host->has_ended) {
    far_host_step(host, FAR_NEVER);
    if (far_host_close_if_asked(host))
      return FARSIDE_CLOSED;
    if (host->ends_when_done && is_done(host)) {
      far_life_terminate(host, "done", -1);
      continue;
    }
    if (host->has_ended ||
        (host->config.exit_when_idle && far_host_is_idle(host)))
      break;
    arm(host);
    far_inbox_sleeps(host->inbox, true);
    host->clock->poll(host->clock, !far_host_has_work(host));
    far_inbox_sleeps(host->inbox, false);
  }
  return FARSIDE_OK;
}

// Scripts are suspended before the end of the frame, by what was learned of
// those before it. Of a wait for a processor nothing is learned. But to ask
// what the thread has computed takes longer than most ticks do: so that is
// asked for a while after a tick that took too long, whatever the reason was.
static void tick(farside_host *host, uint64_t budget_ns) {
  uint64_t aim_ns = far_reserve_aim(&host->reserve, budget_ns);
  uint64_t began_ns = far_now_ns();
  bool is_measured = host->ticks_measured > 0;
  uint64_t before_ns = is_measured ? far_cpu_ns() : 0;
  host->clock->poll(host->clock, false);
  far_host_step(host, began_ns + aim_ns);
  uint64_t used_ns = aim_ns;
  if (far_now_ns() - began_ns <= aim_ns) {
    host->ticks_measured -= is_measured;
  } else {
    host->ticks_measured = TICKS_MEASURED;
    used_ns = is_measured ? far_cpu_ns() - before_ns : aim_ns;
  }
  far_reserve_learn(&host->reserve, budget_ns, aim_ns, used_ns);
}

farside_status farside_tick(farside_host *host, uint64_t budget_ms) {
  if (host == NULL)
    return FARSIDE_INVALID;
  if (host->thread.is_started)
    return FARSIDE_BUSY;
  if (host->is_running)
    return refuse(host);
  far_outbox_want_tick(&host->outbox, false);
  budget_ms = budget_ms < LONGEST_TICK_MS ? budget_ms : LONGEST_TICK_MS;
  tick(host, budget_ms * NS_PER_MS);
  if (far_host_close_if_asked(host))
    return FARSIDE_CLOSED;
  return host->has_ended ? FARSIDE_CLOSED : FARSIDE_OK;
}

int64_t farside_tick_in(farside_host *host) {
  if (host->has_ended)
    return -1;
  if (far_host_has_work(host))
    return 0;
  uint64_t next_ms = far_host_next_ms(host), now_ms = far_host_now_ms(host);
  uint64_t wait_ms = next_ms == FAR_NEVER ? FAR_NEVER
                     : next_ms > now_ms   ? next_ms - now_ms
                                          : 0;
  // The sockets of a transfer are nobody's but libuv's.
  if (host->transfers.count > 0 && wait_ms > TRANSFER_TICK_MS)
    wait_ms = TRANSFER_TICK_MS;
  return wait_ms > INT64_MAX ? -1 : (int64_t)wait_ms;
}

bool farside_has_ended(farside_host *host) {
  return host->has_ended;
}

void farside_get_stats(const farside_host *host, farside_stats *stats) {
  *stats = host->stats;
  stats->tasks_open = host->tasks.open;
  stats->memory_bytes = host->memory.used_bytes;
}

// -- Any thread ---------------------------------------------------------------

farside_status farside_post(farside_host *host, const char *event,
                            const char *json) {
  far_event *fresh;
  farside_status status = far_event_parse(event, json, &fresh);
  if (status == FARSIDE_OK)
    far_host_put(host, fresh);
  return status;
}

void far_host_put(farside_host *host, far_event *event) {
  far_inbox_put(host->inbox, event);
  far_outbox_want_tick(&host->outbox, true);
}

void farside_stop(farside_host *host) {
  far_inbox_put_stop(host->inbox);
  far_outbox_want_tick(&host->outbox, true);
}
