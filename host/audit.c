#include "audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t constant(const far_audit *audit, far_constant which) {
  return (uint64_t)far_policy_get(audit->violations.profile, which);
}

// What each profile gives is at least that.
static uint64_t tightest_budget_ms(void) {
  return (uint64_t)far_policy_get(FAR_PROFILE_STRICT, FAR_EXEC_BUDGET);
}

static const char *os_of(const far_audit *audit) {
  return far_profile_name(audit->violations.profile);
}

static double in_s(uint64_t ms) {
  return (double)ms / 1000;
}

static void name_of(const far_task *task, char *text, size_t bytes) {
  if (task->name != NULL)
    snprintf(text, bytes, "%s", task->name);
  else
    snprintf(text, bytes, "#%" PRIu64, task->id);
}

static void blame(const far_whom *whom, far_rule_id id) {
  whom->task->record.blamed |= far_rule_bit(id);
}

static bool is_blamed(const far_whom *whom, far_rule_id id) {
  return (whom->task->record.blamed & far_rule_bit(id)) != 0;
}

// That nobody finishes it was told already.
static bool is_lost(const far_whom *whom) {
  return is_blamed(whom, FAR_RULE_BG01) || is_blamed(whom, FAR_RULE_BG08);
}

enum { HOUR_MS = 60 * 60 * 1000, DAY_MS = 24 * HOUR_MS, MB = 1024 * 1024 };

static void add_cpu_limit(far_audit *audit, far_profile os,
                          far_constant percent, far_constant window,
                          uint64_t after_ms) {
  uint64_t span_ms = (uint64_t)far_policy_get(os, window);
  if (span_ms == 0)
    return;
  far_cpu_limit *limit = &audit->cpu_limits[audit->cpu_limit_count++];
  limit->os = os;
  limit->percent = (uint64_t)far_policy_get(os, percent);
  limit->after_ms = after_ms;
  far_window_init(&limit->window, span_ms);
}

// Under `strict` those of both hold: see the constants.
static void init_cpu_limits(far_audit *audit) {
  static const far_profile all[] = {FAR_PROFILE_IOS, FAR_PROFILE_ANDROID};
  far_profile profile = audit->violations.profile;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (profile != all[i] && profile != FAR_PROFILE_STRICT)
      continue;
    add_cpu_limit(audit, all[i], FAR_CPU_LIMIT_FAST, FAR_CPU_LIMIT_FAST_WINDOW,
                  0);
    add_cpu_limit(audit, all[i], FAR_CPU_LIMIT_LONG, FAR_CPU_LIMIT_LONG_WINDOW,
                  (uint64_t)far_policy_get(all[i], FAR_CPU_LIMIT_LONG_AFTER));
  }
}

void far_audit_init(far_audit *audit) {
  audit->announced_ms = audit->ended_ms = audit->woken_ms = FAR_NEVER;
  audit->awake_since_ms = audit->behind_ms = FAR_NEVER;
  audit->ram_bytes = constant(audit, FAR_PHONE_MEMORY) * MB;
  far_window_init(&audit->wakes, constant(audit, FAR_THREAD_WAKEUPS_WINDOW));
  far_window_init(&audit->grants, HOUR_MS);
  far_window_init(&audit->timeouts,
                  constant(audit, FAR_TIMEOUTS_BEFORE_PENALTY_WINDOW));
  far_window_init(&audit->pushes, HOUR_MS);
  far_window_init(&audit->awake, DAY_MS);
  init_cpu_limits(audit);
}

void far_audit_deinit(far_audit *audit) {
  far_memory *memory = audit->violations.memory;
  for (size_t i = 0; i < audit->place_count; i++) {
    far_string_free(memory, audit->places[i].script);
    far_string_free(memory, audit->places[i].where);
  }
  for (size_t i = 0; i < audit->cost_count; i++)
    far_string_free(memory, audit->costs[i].name);
  audit->place_count = audit->cost_count = 0;
  far_violations_deinit(&audit->violations);
}

// -- The app ------------------------------------------------------------------

// The app is held awake from now on, or no longer. `whom`: who held it.
static void look_awake(far_audit *audit, const far_whom *whom,
                       uint64_t now_ms) {
  uint64_t most_ms = constant(audit, FAR_WAKELOCK_DAILY_LINT);
  if (audit->awake_since_ms != FAR_NEVER) {
    far_window_add_span(&audit->awake, audit->awake_since_ms, now_ms);
    if (most_ms != 0 && audit->awake.sum > most_ms) {
      far_violations_add(&audit->violations, FAR_RULE_RS08, false, whom, now_ms,
                         "within a day it was held awake in the background for "
                         "more than %.0f min",
                         in_s(most_ms) / 60);
      far_window_clear(&audit->awake);
    }
  }
  bool is_awake = audit->state == FAR_APP_BACKGROUND && audit->open > 0;
  audit->awake_since_ms = is_awake ? now_ms : FAR_NEVER;
}

// Since when nobody looks at the app. Whoever does has it begin anew.
static void look_behind(far_audit *audit, far_app_state state,
                        uint64_t now_ms) {
  bool is_behind = state == FAR_APP_BACKGROUND || state == FAR_APP_SUSPENDED;
  if (is_behind && audit->behind_ms == FAR_NEVER)
    audit->behind_ms = now_ms;
  if (is_behind)
    return;
  audit->behind_ms = FAR_NEVER;
  for (size_t i = 0; i < audit->cpu_limit_count; i++)
    far_window_clear(&audit->cpu_limits[i].window);
}

void far_audit_moved(far_audit *audit, far_app_state state, uint64_t now_ms) {
  if (audit == NULL || audit->state == state)
    return;
  look_behind(audit, state, now_ms);
  audit->state = state;
  look_awake(audit, &(far_whom){0}, now_ms);
  audit->visit_ms = now_ms;
  audit->is_fetch = audit->is_fetch && state == FAR_APP_BACKGROUND;
  audit->announced_ms = audit->ended_ms = FAR_NEVER;
  audit->is_early = false;
}

void far_audit_hurried(far_audit *audit) {
  if (audit != NULL)
    audit->is_early = true;
}

// -- Tasks --------------------------------------------------------------------

// Whether it was begun when another had ended, in one visit to the background
// with one budget.
static bool is_stacked(const far_audit *audit, const far_task *task) {
  return audit->state == FAR_APP_BACKGROUND && !audit->is_early &&
         audit->ended_ms != FAR_NEVER && task->begun_ms >= audit->ended_ms &&
         constant(audit, FAR_EXEC_BUDGET_SCOPE) != 0;
}

static void find_stacked(far_audit *audit, const far_whom *whom,
                         uint64_t now_ms) {
  const far_task *task = whom->task;
  if (!is_stacked(audit, task) || is_blamed(whom, FAR_RULE_BG11))
    return;
  blame(whom, FAR_RULE_BG11);
  far_violations_add(
      &audit->violations, FAR_RULE_BG11, false, whom, now_ms,
      "it began when %s had ended, and had %.3f s: the budget of %.3f s is one "
      "for the app",
      audit->ended, in_s(task->time_ms),
      in_s(task->begun_ms - audit->visit_ms + task->time_ms));
}

void far_audit_began(far_audit *audit, const far_whom *whom, uint64_t open,
                     bool is_in_handler, uint64_t now_ms) {
  if (audit == NULL)
    return;
  far_violations *all = &audit->violations;
  const far_task *task = whom->task;
  audit->open++;
  look_awake(audit, whom, now_ms);
  if (task->budget_ms > tightest_budget_ms() && !task->record.is_run) {
    blame(whom, FAR_RULE_BG10);
    far_violations_add(all, FAR_RULE_BG10, false, whom, now_ms,
                       "it asked for %.3f s; the tightest budget is %.3f s",
                       in_s(task->budget_ms), in_s(tightest_budget_ms()));
  }
  uint64_t many = constant(audit, FAR_EXEC_MAX_LIVE_LINT);
  if (many != 0 && open > many)
    far_violations_add(all, FAR_RULE_BG09, true, whom, now_ms,
                       "%" PRIu64 " tasks are open", open);
  if (audit->announced_ms == FAR_NEVER) {
    if (task->budget_ms > task->time_ms)
      find_stacked(audit, whom, now_ms);
    return;
  }
  if (is_in_handler)
    far_violations_add(all, FAR_RULE_BG05, false, whom, now_ms,
                       "onExpire began it, and it has no time of its own: "
                       "%.3f s are left",
                       in_s(task->time_ms));
  else
    far_violations_add(all, FAR_RULE_BG04, false, whom, now_ms,
                       "it was begun %.3f s after the end was announced",
                       in_s(now_ms - audit->announced_ms));
}

void far_audit_refused(far_audit *audit, const far_whom *whom, uint64_t open,
                       uint64_t now_ms) {
  if (audit != NULL)
    far_violations_add(
        &audit->violations, FAR_RULE_BG09, false, whom, now_ms,
        "one more than the %" PRIu64 " that are open was refused", open);
}

void far_audit_announced(far_audit *audit, const far_whom *whom,
                         bool has_handler, uint64_t now_ms) {
  // A script that gave itself less time has its own end to think of.
  if (audit == NULL || whom->task->has_own_end)
    return;
  if (audit->announced_ms == FAR_NEVER)
    audit->announced_ms = now_ms;
  whom->task->record.handler_cost_ms = 0;
  if (!has_handler && !is_lost(whom))
    far_violations_add(&audit->violations, FAR_RULE_BG06, false, whom, now_ms,
                       "its end was announced, and it had no onExpire to hear "
                       "of it");
  find_stacked(audit, whom, now_ms);
}

void far_audit_handler_began(far_audit *audit, const far_whom *whom,
                             uint64_t now_ms) {
  if (audit == NULL || whom->task->has_own_end)
    return;
  far_task_record *record = &whom->task->record;
  record->is_in_handler = true;
  record->handler_ms = now_ms;
}

// How long onExpire took, now that it has returned or its task has ended.
static void judge_handler(far_audit *audit, const far_whom *whom,
                          bool has_expired, uint64_t now_ms) {
  far_task_record *record = &whom->task->record;
  if (!record->is_in_handler)
    return;
  record->is_in_handler = false;
  uint64_t took_ms = now_ms - record->handler_ms + record->handler_cost_ms;
  uint64_t soft_ms = constant(audit, FAR_EXPIRY_HANDLER_SOFT);
  far_violations *all = &audit->violations;
  if (has_expired || took_ms > constant(audit, FAR_EXPIRY_HANDLER_KILL)) {
    blame(whom, FAR_RULE_BG07);
    far_violations_add(all, FAR_RULE_BG07, false, whom, now_ms,
                       "its onExpire ran for %.3f s%s", in_s(took_ms),
                       has_expired ? ", until there was no time left" : "");
  } else if (took_ms > soft_ms) {
    far_violations_add(all, FAR_RULE_BG07, true, whom, now_ms,
                       "its onExpire ran for %.3f s; %s wants it to return "
                       "within %.3f s",
                       in_s(took_ms), os_of(audit), in_s(soft_ms));
  }
}

void far_audit_handler_ended(far_audit *audit, const far_whom *whom,
                             uint64_t now_ms) {
  if (audit != NULL)
    judge_handler(audit, whom, false, now_ms);
}

void far_audit_lost(far_audit *audit, const far_whom *whom, uint64_t successor,
                    uint64_t now_ms) {
  if (audit == NULL)
    return;
  // Nothing of it is pending: a handler that has yielded never comes back.
  whom->task->record.is_in_handler = false;
  if (successor == 0) {
    blame(whom, FAR_RULE_BG01);
    far_violations_add(&audit->violations, FAR_RULE_BG01, false, whom, now_ms,
                       "nobody is left who could finish it");
    return;
  }
  blame(whom, FAR_RULE_BG08);
  far_violations_add(&audit->violations, FAR_RULE_BG08, false, whom, now_ms,
                     "nobody knows its id any more, but that of task %" PRIu64
                     ", which was begun later at the same place",
                     successor);
}

// What the end of a task says of its time.
static void judge_end(far_audit *audit, const far_whom *whom,
                      const far_task_end *end, uint64_t now_ms) {
  // A fetch that nobody finishes costs more than a task.
  far_rule_id rule = audit->is_fetch ? FAR_RULE_FE03 : FAR_RULE_BG01;
  far_violations *all = &audit->violations;
  const far_task *task = whom->task;
  if (end->is_app_ending)
    far_violations_add(all, rule, false, whom, now_ms,
                       "it was open when the app had to end");
  else if (end->waited_for != NULL)
    far_violations_add(all, rule, false, whom, now_ms,
                       "it was still %s when its %.3f s were over",
                       end->waited_for, in_s(task->time_ms));
  else
    far_violations_add(all, rule, false, whom, now_ms,
                       "it was open when its %.3f s were over, and did "
                       "nothing any more",
                       in_s(task->time_ms));
}

// Work that is still under way each time, or goes round for ever.
static void judge_endless(far_audit *audit, const far_whom *whom,
                          const far_task_end *end, uint64_t now_ms) {
  enum { TIMES = 3 };
  uint64_t times =
      far_violations_count(&audit->violations, FAR_RULE_BG01, whom);
  if (end->waited_for == NULL || end->has_mode || end->is_app_ending ||
      whom->task->has_own_end || (!end->is_endless && times < TIMES))
    return;
  if (end->is_endless)
    far_violations_add(&audit->violations, FAR_RULE_RS04, false, whom, now_ms,
                       "its time was over, and an interval of it would have "
                       "gone on for ever");
  else
    far_violations_add(&audit->violations, FAR_RULE_RS04, false, whom, now_ms,
                       "%" PRIu64 " times its time was over, and it was still "
                       "under way",
                       times);
}

static void expire(far_audit *audit, const far_whom *whom,
                   const far_task_end *end, uint64_t now_ms) {
  size_t at = audit->expired_count++ % FAR_AUDIT_EXPIRED;
  audit->expired[at].id = whom->task->id;
  audit->expired[at].t_ms = now_ms;
  // One that has yielded, and that nobody will resume, runs no more.
  if (end->waited_for == NULL ||
      !far_violations_wants(&audit->violations, FAR_RULE_BG07))
    whom->task->record.is_in_handler = false;
  judge_handler(audit, whom, true, now_ms);
  if (whom->task->record.is_run)
    return;
  if (!is_lost(whom) && !is_blamed(whom, FAR_RULE_BG07))
    judge_end(audit, whom, end, now_ms);
  judge_endless(audit, whom, end, now_ms);
}

static void finish(far_audit *audit, const far_whom *whom, uint64_t now_ms) {
  const far_task *task = whom->task;
  uint64_t took_ms = now_ms - task->begun_ms;
  judge_handler(audit, whom, false, now_ms);
  if (is_blamed(whom, FAR_RULE_BG01)) // Somebody knew its id after all.
    far_violations_take_back(&audit->violations, FAR_RULE_BG01, whom);
  if (is_blamed(whom, FAR_RULE_BG08))
    far_violations_take_back(&audit->violations, FAR_RULE_BG08, whom);
  if (took_ms > tightest_budget_ms() && !task->record.is_run &&
      !is_blamed(whom, FAR_RULE_BG10))
    far_violations_add(&audit->violations, FAR_RULE_BG10, false, whom, now_ms,
                       "it took %.3f s; the tightest budget is %.3f s",
                       in_s(took_ms), in_s(tightest_budget_ms()));
}

void far_audit_ended(far_audit *audit, const far_whom *whom,
                     const far_task_end *end, uint64_t now_ms) {
  if (audit == NULL)
    return;
  audit->open--;
  look_awake(audit, whom, now_ms);
  if (end->how == FAR_TASK_EXPIRED)
    expire(audit, whom, end, now_ms);
  else if (end->how == FAR_TASK_FINISHED)
    finish(audit, whom, now_ms);
  if (end->how == FAR_TASK_FINISHED)
    far_audit_unsaved(audit, whom, now_ms);
  if (end->how == FAR_TASK_CANCELLED)
    return;
  audit->ended_ms = now_ms;
  name_of(whom->task, audit->ended, sizeof audit->ended);
}

static void miss_expired(far_audit *audit, const far_whom *whom, uint64_t id,
                         uint64_t now_ms) {
  char since[48] = "";
  for (size_t i = 0; i < FAR_AUDIT_EXPIRED; i++)
    if (audit->expired[i].id == id)
      snprintf(since, sizeof since, " %.3f s before",
               in_s(now_ms - audit->expired[i].t_ms));
  far_violations_add(
      &audit->violations, FAR_RULE_BG02, false, whom, now_ms,
      "finish was called for task %" PRIu64 ", which had expired%s", id, since);
}

void far_audit_missed(far_audit *audit, const far_whom *whom, uint64_t id,
                      farside_status status, uint64_t now_ms) {
  if (audit == NULL)
    return;
  if (status == FARSIDE_EXPIRED)
    miss_expired(audit, whom, id, now_ms);
  else
    far_violations_add(&audit->violations, FAR_RULE_BG03, false, whom, now_ms,
                       status == FARSIDE_FINISHED
                           ? "finish was called for task %" PRIu64
                             ", which had ended already"
                           : "finish was called for task %" PRIu64
                             ", which never was, or ended long ago",
                       id);
}

// -- Timers -------------------------------------------------------------------

// The number of a place, from one; zero when there is no room for it.
static uint16_t place_of(far_audit *audit, const far_whom *whom) {
  if (whom->where == NULL)
    return 0;
  for (size_t i = 0; i < audit->place_count; i++)
    if (strcmp(audit->places[i].where, whom->where) == 0 &&
        strcmp(audit->places[i].script, whom->script) == 0)
      return (uint16_t)(i + 1);
  if (audit->place_count == FAR_AUDIT_PLACES)
    return 0;
  far_memory *memory = audit->violations.memory;
  far_timer_place *fresh = &audit->places[audit->place_count];
  *fresh = (far_timer_place){.script = far_string_new(memory, whom->script),
                             .where = far_string_new(memory, whom->where)};
  if (fresh->script != NULL && fresh->where != NULL)
    return (uint16_t)++audit->place_count;
  far_string_free(memory, fresh->script);
  far_string_free(memory, fresh->where);
  return 0;
}

uint16_t far_audit_timer_set(far_audit *audit, const far_whom *whom,
                             uint64_t now_ms) {
  if (audit == NULL)
    return 0;
  if (audit->announced_ms != FAR_NEVER)
    far_violations_add(&audit->violations, FAR_RULE_BG04, false, whom, now_ms,
                       "a timer was set %.3f s after the end was announced",
                       in_s(now_ms - audit->announced_ms));
  return place_of(audit, whom);
}

uint16_t far_audit_slept(far_audit *audit, const far_whom *whom) {
  return audit != NULL ? place_of(audit, whom) : 0;
}

// Who has woken the processor most often.
static far_whom busiest(const far_audit *audit) {
  const far_timer_place *most = NULL;
  for (size_t i = 0; i < audit->place_count; i++)
    if (most == NULL || audit->places[i].fired > most->fired)
      most = &audit->places[i];
  return most ? (far_whom){.script = most->script, .where = most->where}
              : (far_whom){0};
}

static void count_wake(far_audit *audit, uint64_t now_ms) {
  far_window *wakes = &audit->wakes;
  uint64_t most = constant(audit, FAR_THREAD_WAKEUPS) * wakes->span_ms / 1000;
  far_window_add(wakes, now_ms, 1);
  if (most == 0 || wakes->sum <= most)
    return;
  far_whom whom = busiest(audit);
  far_violations_add(&audit->violations, FAR_RULE_RS02, false, &whom, now_ms,
                     "its timers woke the processor more than %" PRIu64
                     " times within %.0f s: %" PRIu64 " a second are allowed",
                     most, in_s(wakes->span_ms),
                     constant(audit, FAR_THREAD_WAKEUPS));
  far_window_clear(wakes);
}

void far_audit_fired(far_audit *audit, uint16_t place, uint64_t now_ms) {
  if (audit == NULL)
    return;
  if (place != 0)
    audit->places[place - 1].fired++;
  // What is due at the same instant wakes it once.
  if (audit->woken_ms != now_ms)
    count_wake(audit, now_ms);
  audit->woken_ms = now_ms;
}

// -- Turns --------------------------------------------------------------------

static far_turn_cost *cost_of(far_audit *audit, const char *name) {
  for (size_t i = 0; i < audit->cost_count; i++) {
    const char *known = audit->costs[i].name;
    if (name == NULL ? known == NULL : known && strcmp(known, name) == 0)
      return &audit->costs[i];
  }
  return NULL;
}

bool far_audit_set_cost(far_audit *audit, const char *name, uint64_t ms) {
  far_turn_cost *cost = cost_of(audit, name);
  if (cost == NULL) {
    if (audit->cost_count == FAR_AUDIT_COSTS)
      return false;
    cost = &audit->costs[audit->cost_count];
    cost->name = far_string_new(audit->violations.memory, name);
    if (name != NULL && cost->name == NULL)
      return false;
    audit->cost_count++;
  }
  cost->ms = ms;
  return true;
}

static void judge_cpu(far_audit *audit, far_cpu_limit *limit,
                      const far_whom *whom, uint64_t now_ms) {
  uint64_t most_ms = limit->window.span_ms * limit->percent / 100;
  if (now_ms - audit->behind_ms < limit->after_ms ||
      limit->window.sum <= most_ms)
    return;
  far_violations_add(&audit->violations, FAR_RULE_RS01, false, whom, now_ms,
                     "in the background its turns computed for %.3f s within "
                     "%.0f s; %s allows %" PRIu64 " %%",
                     in_s(limit->window.sum), in_s(limit->window.span_ms),
                     far_profile_name(limit->os), limit->percent);
  far_window_clear(&limit->window);
}

void far_audit_turn(far_audit *audit, const far_whom *whom, bool is_in_handler,
                    uint64_t now_ms) {
  if (audit == NULL || audit->cost_count == 0)
    return;
  const char *name = whom->task ? whom->task->name : NULL;
  const far_turn_cost *cost = name ? cost_of(audit, name) : NULL;
  cost = cost ? cost : cost_of(audit, NULL);
  if (cost == NULL)
    return;
  if (whom->task != NULL)
    whom->task->record.cost_ms += cost->ms;
  if (whom->task != NULL && is_in_handler)
    whom->task->record.handler_cost_ms += cost->ms;
  if (audit->state != FAR_APP_BACKGROUND)
    return;
  for (size_t i = 0; i < audit->cpu_limit_count; i++) {
    far_cpu_limit *limit = &audit->cpu_limits[i];
    far_window_add(&limit->window, now_ms, cost->ms);
    judge_cpu(audit, limit, whom, now_ms);
  }
}

// -- Transfers ----------------------------------------------------------------

void far_audit_kept(far_audit *audit, const far_whom *whom, const char *url,
                    uint64_t now_ms) {
  if (audit != NULL)
    far_violations_add(&audit->violations, FAR_RULE_RS10, false, whom, now_ms,
                       "the app was suspended while %s was on its way", url);
}

// -- The device ---------------------------------------------------------------

void far_audit_granted(far_audit *audit, uint64_t now_ms) {
  if (audit == NULL)
    return;
  uint64_t most = constant(audit, FAR_ALARM_WAKEUPS_LINT);
  audit->is_fetch = audit->state <= FAR_APP_SUSPENDED;
  far_window_add(&audit->grants, now_ms, 1);
  if (most != 0 && audit->grants.sum > most)
    far_violations_add(
        &audit->violations, FAR_RULE_RS03, false, &(far_whom){0}, now_ms,
        "it was woken %" PRIu64 " times within an hour, as it had asked for",
        audit->grants.sum);
}

static double in_mb(uint64_t bytes) {
  return (double)bytes / MB;
}

static uint64_t heap_limit(const far_audit *audit) {
  return audit->ram_bytes / 100 * constant(audit, FAR_MEMORY_LIMIT);
}

void far_audit_heap(far_audit *audit, const far_whom *whom, uint64_t bytes,
                    uint64_t now_ms) {
  if (audit == NULL || heap_limit(audit) == 0 || bytes <= heap_limit(audit))
    return;
  far_violations_add(&audit->violations, FAR_RULE_RS07, false, whom, now_ms,
                     "its heap has %.1f MB; a phone with %.0f MB gives an app "
                     "%.1f MB",
                     in_mb(bytes), in_mb(audit->ram_bytes),
                     in_mb(heap_limit(audit)));
}

uint64_t far_audit_warn_bytes(const far_audit *audit) {
  uint64_t percent = constant(audit, FAR_MEMORY_WARN_LEVEL);
  return percent ? heap_limit(audit) / 100 * percent : FAR_NEVER;
}

void far_audit_trimmed(far_audit *audit, const far_whom *whom,
                       uint64_t before_bytes, uint64_t after_bytes,
                       uint64_t now_ms) {
  if (audit == NULL || before_bytes < far_audit_warn_bytes(audit) ||
      after_bytes < before_bytes - before_bytes / 100)
    return; // A hundredth comes and goes by itself.
  far_violations_add(&audit->violations, FAR_RULE_RS07, false, whom, now_ms,
                     "its heap had %.1f MB before memoryWarning, and has not "
                     "become smaller",
                     in_mb(before_bytes));
}

void far_audit_pushed(far_audit *audit, uint64_t now_ms) {
  if (audit == NULL)
    return;
  uint64_t most = constant(audit, FAR_PUSH_PER_HOUR_MAX);
  far_window_add(&audit->pushes, now_ms, 1);
  if (most != 0 && audit->pushes.sum > most)
    far_violations_add(&audit->violations, FAR_RULE_SC05, false, &(far_whom){0},
                       now_ms, "%" PRIu64 " were sent within an hour",
                       audit->pushes.sum);
}
