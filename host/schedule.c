#include "schedule.h"

#include "calendar.h"
#include "cron.h"
#include "duration.h"
#include "far_assert.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
  MINUTE_MS = 60 * 1000,
  HOUR_MS = 60 * MINUTE_MS,
  DAY_MS = 24 * HOUR_MS,
  // How many slots of a cron are counted that have passed.
  COUNTED_MAX = 10000,
  // A unit that the system stops is due again at once, so many times in a row.
  STOPS_AT_ONCE = 2
};

static const int64_t for_ever = INT64_MAX;

// -- Numbers: a row may come from a file that somebody else has written -------

static int64_t plus(int64_t a, int64_t b) {
  if (b > 0 && a > INT64_MAX - b)
    return INT64_MAX;
  if (b < 0 && a < INT64_MIN - b)
    return INT64_MIN;
  return a + b;
}

static int64_t minus(int64_t a, int64_t b) {
  return b == INT64_MIN ? plus(plus(a, INT64_MAX), 1) : plus(a, -b);
}

// Of what cannot be negative: less than zero is zero.
static int64_t times(int64_t a, int64_t b) {
  if (a <= 0 || b <= 0)
    return 0;
  return a > INT64_MAX / b ? INT64_MAX : a * b;
}

static int64_t within(int64_t least, int64_t number, int64_t most) {
  return number < least ? least : number > most ? most : number;
}

// -- Slots --------------------------------------------------------------------

// The period of a unit. Of an interval `lead_ms` is from the beginning of a
// slot until its run is due.
typedef struct period {
  bool is_cron;
  int64_t base_ms, every_ms, lead_ms;
  far_cron cron;
  far_zone zone;
} period;

static period period_of(const far_work *work, const far_moment *now) {
  period found = {.is_cron = work->cron != NULL, .base_ms = work->base_ms};
  if (!found.is_cron) {
    found.every_ms = work->every_ms < 1 ? 1 : work->every_ms;
    int64_t flex_ms = within(0, work->flex_ms, found.every_ms);
    found.lead_ms = flex_ms > 0 ? found.every_ms - flex_ms : 0;
    return found;
  }
  // What cannot be read never comes: an empty set of instants.
  char error[1];
  if (!far_cron_parse(work->cron, &found.cron, error, sizeof error))
    found.cron = (far_cron){0};
  if (work->zone == NULL || !far_zone_read(work->zone, &found.zone))
    found.zone = *now->zone;
  return found;
}

static int64_t slot_after(const period *of, int64_t slot_ms) {
  return of->is_cron ? far_cron_next(&of->cron, &of->zone, slot_ms)
                     : plus(slot_ms, of->every_ms);
}

static int64_t due_of(const period *of, int64_t slot_ms) {
  return plus(slot_ms, of->lead_ms);
}

// Of an interval: the latest slot whose run is due.
static int64_t latest_of(const period *of, int64_t now_ms) {
  int64_t since_ms = minus(minus(now_ms, of->lead_ms), of->base_ms);
  int64_t index = far_floor_divide(since_ms, of->every_ms);
  int64_t from_base_ms = index < 0 ? -times(minus(0, index), of->every_ms)
                                   : times(index, of->every_ms);
  return plus(of->base_ms, from_base_ms);
}

// The first slot whose run is not due yet.
static int64_t soonest_of(const period *of, int64_t now_ms) {
  return slot_after(of, of->is_cron ? now_ms : latest_of(of, now_ms));
}

// The slot after one, where no clock was set back by more than a day since.
static int64_t sane_slot(const period *of, int64_t slot_ms, int64_t now_ms) {
  int64_t soonest_ms = soonest_of(of, now_ms);
  return slot_ms > plus(soonest_ms, DAY_MS) ? soonest_ms : slot_ms;
}

static int64_t next_slot(const far_work *work, const period *of,
                         int64_t now_ms) {
  return sane_slot(of, slot_after(of, work->slot_ms), now_ms);
}

// What has passed by, from the slot of a unit on.
typedef struct passed {
  int64_t count;     // Slots before the latest one whose run is due.
  int64_t latest_ms; // That one.
  int64_t kept;      // Of `count`, at most FAR_MISSED_MAX - 1: the newest ones.
  int64_t oldest_ms; // The first of these.
} passed;

static passed passed_interval(const period *of, int64_t slot_ms,
                              int64_t now_ms) {
  int64_t latest_ms = latest_of(of, now_ms);
  if (latest_ms <= slot_ms)
    return (passed){0};
  int64_t count = minus(latest_ms, slot_ms) / of->every_ms;
  int64_t kept = within(0, count, FAR_MISSED_MAX - 1);
  return (passed){count, latest_ms, kept,
                  minus(latest_ms, times(kept, of->every_ms))};
}

// An instant since which a cron has come FAR_MISSED_MAX times.
static int64_t many_slots_ago(const period *of, int64_t now_ms) {
  for (int64_t span_ms = HOUR_MS;; span_ms = times(span_ms, 2)) {
    int64_t from_ms = minus(now_ms, span_ms), at_ms = from_ms;
    int count = 0;
    while (count < FAR_MISSED_MAX && (at_ms = slot_after(of, at_ms)) <= now_ms)
      count++;
    if (count == FAR_MISSED_MAX)
      return from_ms;
  }
}

static passed passed_cron(const period *of, int64_t slot_ms, int64_t now_ms) {
  int64_t last[FAR_MISSED_MAX];
  now_ms = within(-FAR_INSTANT_MAX_MS, now_ms, FAR_INSTANT_MAX_MS);
  int64_t count = 0, at_ms = slot_after(of, slot_ms);
  for (; at_ms <= now_ms && count < COUNTED_MAX; at_ms = slot_after(of, at_ms))
    last[count++ % FAR_MISSED_MAX] = at_ms;
  if (at_ms <= now_ms) // Years of minutes: only the last of them matter.
    for (at_ms = slot_after(of, many_slots_ago(of, now_ms)); at_ms <= now_ms;
         at_ms = slot_after(of, at_ms))
      last[count++ % FAR_MISSED_MAX] = at_ms;
  if (count == 0)
    return (passed){0};
  bool are_all_kept = count < FAR_MISSED_MAX;
  return (passed){count, last[(count - 1) % FAR_MISSED_MAX],
                  are_all_kept ? count : FAR_MISSED_MAX - 1,
                  are_all_kept ? slot_ms : last[count % FAR_MISSED_MAX]};
}

static passed passed_of(const period *of, int64_t slot_ms, int64_t now_ms) {
  return of->is_cron ? passed_cron(of, slot_ms, now_ms)
                     : passed_interval(of, slot_ms, now_ms);
}

// -- A row --------------------------------------------------------------------

static void turn(far_work *work, far_work_state state, far_reason reason,
                 const far_moment *now) {
  work->state = state;
  work->reason = reason;
  work->since_ms = now->wall_ms;
}

static void wait_until(far_work *work, int64_t at_ms, const far_moment *now) {
  work->tag = work->rank = 0;
  work->run_at_ms = at_ms;
  int64_t delay_ms = minus(at_ms, now->wall_ms);
  work->delay_ms = delay_ms < 0 ? 0 : delay_ms;
}

// Enqueued because its last run came to nothing.
static bool is_retry(const far_work *work) {
  return work->reason == FAR_REASON_RETRY ||
         work->reason == FAR_REASON_STOPPED ||
         work->reason == FAR_REASON_CRASHED;
}

static void forget(far_memory *memory, far_work *work) {
  work->forgets = true; // Also where they were not read.
  far_work_set(memory, &work->checkpoint, NULL);
  far_work_set(memory, &work->progress, NULL);
}

static void begin_slot(far_memory *memory, far_work *work, int64_t slot_ms) {
  work->slot_ms = slot_ms;
  work->attempts = 0;
  if (is_retry(work))
    work->reason = FAR_REASON_NONE;
  forget(memory, work);
}

// Enqueued for the slot after its own.
static void go_on(far_memory *memory, far_work *work, const period *of,
                  const far_moment *now) {
  begin_slot(memory, work, next_slot(work, of, now->wall_ms));
  work->slots_left = work->slots_left > 0 ? work->slots_left - 1 : 0;
  turn(work, FAR_WORK_ENQUEUED, FAR_REASON_NONE, now);
  wait_until(work, due_of(of, work->slot_ms), now);
}

// Leaves the slots behind that get no run any more. True when that changed it.
static bool slide(far_memory *memory, far_work *work, const passed *by) {
  if (by->count == 0)
    return false;
  bool is_all = work->missed == FAR_MISSED_ALL;
  int64_t to_ms = is_all ? by->oldest_ms : by->latest_ms;
  int64_t left = is_all ? by->kept : 0;
  bool changes = to_ms != work->slot_ms || left != work->slots_left;
  work->slots_left = left;
  if (to_ms == work->slot_ms)
    return changes;
  bool had_run = is_retry(work) || work->reason == FAR_REASON_CRASH_LOOP;
  work->slots_missed = plus(work->slots_missed, by->count - left - had_run);
  begin_slot(memory, work, to_ms);
  return true;
}

// When it runs first.
static void begin(far_work *work, int64_t delay_ms, bool is_immediate,
                  const far_moment *now) {
  int64_t from_ms = plus(now->wall_ms, delay_ms < 0 ? 0 : delay_ms);
  if (!far_work_is_periodic(work)) {
    wait_until(work, from_ms, now);
    return;
  }
  work->base_ms = from_ms;
  period of = period_of(work, now);
  bool is_first = is_immediate || (!of.is_cron && work->flex_ms > 0);
  work->slot_ms = is_first ? from_ms : slot_after(&of, from_ms);
  work->slots_left = 0;
  wait_until(work, is_immediate ? from_ms : due_of(&of, work->slot_ms), now);
}

// -- Enqueue ------------------------------------------------------------------

// Each returns the flag where it changed the number.
static unsigned raise_to(int64_t *number, int64_t least, far_clamp flag) {
  bool raises = *number < least;
  *number = raises ? least : *number;
  return raises ? flag : 0;
}

// A rule of zero is none.
static unsigned lower_to(int64_t *number, int64_t most, far_clamp flag) {
  bool lowers = most > 0 && *number > most;
  *number = lowers ? most : *number;
  return lowers ? flag : 0;
}

static unsigned clamp_rules(far_rules *rules, far_profile profile) {
  int64_t least_ms = far_policy_get(profile, FAR_BACKOFF_MIN);
  int64_t most_ms = far_policy_get(profile, FAR_BACKOFF_MAX);
  int64_t timeout_ms = far_policy_get(profile, FAR_PROCESSING_BUDGET);
  return raise_to(&rules->retry_base_ms, least_ms, FAR_CLAMP_BACKOFF) |
         lower_to(&rules->retry_base_ms, most_ms, FAR_CLAMP_BACKOFF) |
         raise_to(&rules->retry_cap_ms, least_ms, FAR_CLAMP_BACKOFF) |
         lower_to(&rules->retry_cap_ms, most_ms, FAR_CLAMP_BACKOFF) |
         lower_to(&rules->timeout_ms, timeout_ms, FAR_CLAMP_TIMEOUT);
}

far_rules far_rules_default(far_profile profile) {
  far_rules rules = {.timeout_ms = 10 * MINUTE_MS,
                     .retry_max = 10,
                     .retry_base_ms = 30 * 1000,
                     .retry_cap_ms = 5 * HOUR_MS,
                     .backoff = FAR_BACKOFF_EXPONENTIAL,
                     .jitter_permille = 200,
                     .crashes_max = 3};
  clamp_rules(&rules, profile);
  return rules;
}

unsigned far_schedule_clamp(far_work *work, far_profile profile) {
  unsigned clamped = clamp_rules(&work->rules, profile);
  int64_t every_ms = far_policy_get(profile, FAR_FETCH_MIN_INTERVAL);
  int64_t flex_ms = far_policy_get(profile, FAR_FETCH_FLEX_MIN);
  if (work->every_ms != 0)
    clamped |= raise_to(&work->every_ms, every_ms, FAR_CLAMP_EVERY);
  if (work->flex_ms != 0)
    clamped |= raise_to(&work->flex_ms, flex_ms, FAR_CLAMP_FLEX) |
               lower_to(&work->flex_ms, work->every_ms, FAR_CLAMP_FLEX);
  return clamped;
}

void far_schedule_enqueue(far_work *work, const far_moment *now,
                          int64_t delay_ms, bool is_immediate) {
  work->enqueued_ms = now->wall_ms;
  work->attempts = work->crashes = work->stops = work->runs = 0;
  work->slots_left = work->slots_missed = 0;
  if (far_work_is_periodic(work))
    work->deadline_ms = 0;
  begin(work, delay_ms, is_immediate, now);
  if (work->parents > 0)
    turn(work, FAR_WORK_BLOCKED, FAR_REASON_PARENTS, now);
  else
    turn(work, FAR_WORK_ENQUEUED, FAR_REASON_NONE, now);
}

static bool is_same(const char *a, const char *b) {
  return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void swap(char **a, char **b) {
  char *kept = *a;
  *a = *b;
  *b = kept;
}

// A new period, or none: its slots begin now. A run that is under way was for
// the first of them.
static void begin_anew(far_memory *memory, far_work *work,
                       const far_moment *now) {
  if (work->state == FAR_WORK_RUNNING) {
    work->base_ms = work->slot_ms = now->wall_ms;
    return;
  }
  begin(work, work->state == FAR_WORK_BLOCKED ? work->delay_ms : 0, false, now);
  begin_slot(memory, work, work->slot_ms);
}

bool far_schedule_update(far_memory *memory, far_work *work,
                         const far_work *with, const far_moment *now) {
  far_work copy;
  if (!far_work_copy(memory, with, &copy))
    return false;
  bool is_same_period = work->every_ms == with->every_ms &&
                        is_same(work->cron, with->cron) &&
                        is_same(work->zone, with->zone);
  bool is_same_flex = work->flex_ms == with->flex_ms;
  swap(&work->kind, &copy.kind);
  swap(&work->input, &copy.input);
  swap(&work->group, &copy.group);
  swap(&work->tags, &copy.tags);
  swap(&work->cron, &copy.cron);
  swap(&work->zone, &copy.zone);
  far_work_deinit(memory, &copy);
  work->needs = with->needs;
  work->priority = with->priority;
  work->expedite = with->expedite;
  work->keep_ms = with->keep_ms;
  if (work->state != FAR_WORK_RUNNING) // A run ends by those that it began by.
    work->rules = with->rules;
  work->every_ms = with->every_ms;
  work->flex_ms = with->flex_ms;
  work->missed = with->missed;
  work->deadline_ms = far_work_is_periodic(work) ? 0 : with->deadline_ms;
  work->generation = plus(work->generation, 1);
  if (!is_same_period) {
    begin_anew(memory, work, now);
  } else if (!is_same_flex && work->state == FAR_WORK_ENQUEUED &&
             work->reason == FAR_REASON_NONE) {
    period of = period_of(work, now);
    wait_until(work, due_of(&of, work->slot_ms), now);
  } else if (far_schedule_is_ready(work)) {
    wait_until(work, now->wall_ms, now); // It queues again.
  }
  return true;
}

bool far_schedule_postpone(far_work *work, int64_t delay_ms,
                           const far_moment *now) {
  if (far_work_is_periodic(work) ||
      (work->state != FAR_WORK_ENQUEUED && work->state != FAR_WORK_BLOCKED))
    return false;
  begin(work, delay_ms, false, now);
  return true;
}

// -- Who is next --------------------------------------------------------------

void far_schedule_rank(far_work *work, int64_t last_tag, int64_t service_tag) {
  work->tag = plus(last_tag > service_tag ? last_tag : service_tag, 1);
  int64_t priority =
      within(-FAR_PRIORITY_MAX, work->priority, FAR_PRIORITY_MAX);
  work->rank = minus(work->tag, priority * FAR_PRIORITY_PLACES);
}

bool far_schedule_is_ready(const far_work *work) {
  return work->state == FAR_WORK_ENQUEUED && work->tag != 0;
}

unsigned far_schedule_unmet(unsigned needs, const farside_conditions *now) {
  unsigned met = 0;
  if (now->network != FARSIDE_NETWORK_NONE)
    met |= FAR_NEEDS_NETWORK;
  if (now->network == FARSIDE_NETWORK_WIFI)
    met |= FAR_NEEDS_UNMETERED;
  if (now->is_charging)
    met |= FAR_NEEDS_CHARGING;
  if (now->is_battery_ok)
    met |= FAR_NEEDS_BATTERY_OK;
  if (now->is_storage_ok)
    met |= FAR_NEEDS_STORAGE_OK;
  if (now->is_idle)
    met |= FAR_NEEDS_IDLE;
  return needs & FAR_NEEDS_ALL & ~met;
}

bool far_quota_has(const far_quota *quota, const far_moment *now) {
  int64_t runs = far_policy_get(now->profile, FAR_EXPEDITED_RUNS);
  int64_t window_ms = far_policy_get(now->profile, FAR_EXPEDITED_RUNS_WINDOW);
  uint64_t known =
      quota->count < FAR_EXPEDITED_MAX ? quota->count : FAR_EXPEDITED_MAX;
  int64_t used = 0;
  for (uint64_t i = 0; i < known; i++) {
    // One of the future was before the clock was set back.
    int64_t ago_ms = minus(now->wall_ms, quota->started_ms[i]);
    used += ago_ms >= 0 && ago_ms < window_ms;
  }
  return used < runs;
}

void far_quota_take(far_quota *quota, const far_moment *now) {
  quota->started_ms[quota->count++ % FAR_EXPEDITED_MAX] = now->wall_ms;
}

// -- A run --------------------------------------------------------------------

void far_schedule_start(far_memory *memory, far_work *work,
                        const far_rules *rules, const far_moment *now) {
  if (far_work_is_periodic(work)) {
    period of = period_of(work, now);
    passed by = passed_of(&of, work->slot_ms, now->wall_ms);
    slide(memory, work, &by);
  }
  if (rules != NULL) {
    work->rules = *rules;
    clamp_rules(&work->rules, now->profile);
  }
  work->token = plus(work->token, 1);
  work->runs = plus(work->runs, 1);
  turn(work, FAR_WORK_RUNNING, FAR_REASON_NONE, now);
}

// What the profile allows, and never zero: time must go on between two runs.
static int64_t clamp_delay(int64_t delay_ms, bool is_chosen,
                           far_profile profile) {
  int64_t least_ms = far_policy_get(profile, FAR_BACKOFF_MIN);
  int64_t most_ms = far_policy_get(profile, FAR_BACKOFF_MAX);
  if (!is_chosen && most_ms > 0 && delay_ms > most_ms)
    delay_ms = most_ms;
  return within(least_ms > 1 ? least_ms : 1, delay_ms, for_ever);
}

// How long to wait after the nth failure in a row.
static int64_t backoff(const far_rules *rules, far_backoff how, int64_t nth,
                       const far_moment *now) {
  int64_t delay_ms = rules->retry_base_ms < 0 ? 0 : rules->retry_base_ms;
  if (how == FAR_BACKOFF_LINEAR)
    delay_ms = times(delay_ms, nth);
  else if (how == FAR_BACKOFF_EXPONENTIAL && delay_ms > 0)
    for (; nth > 1 && delay_ms < rules->retry_cap_ms; nth--)
      delay_ms = times(delay_ms, 2);
  if (delay_ms > rules->retry_cap_ms)
    delay_ms = rules->retry_cap_ms < 0 ? 0 : rules->retry_cap_ms;
  int64_t permille = within(0, rules->jitter_permille, 1000);
  int64_t spread_ms =
      delay_ms / 1000 * permille + delay_ms % 1000 * permille / 1000;
  if (now->chance != NULL && spread_ms > 0)
    delay_ms =
        (int64_t)far_chance_draw(now->chance, (uint64_t)(delay_ms - spread_ms),
                                 (uint64_t)plus(delay_ms, spread_ms), false);
  return clamp_delay(delay_ms, false, now->profile);
}

// Enqueued again, unless its next slot comes first.
static void try_again(far_memory *memory, far_work *work, far_reason reason,
                      int64_t delay_ms, const far_moment *now) {
  int64_t at_ms = plus(now->wall_ms, delay_ms);
  if (far_work_is_periodic(work) && work->missed != FAR_MISSED_ALL) {
    period of = period_of(work, now);
    if (due_of(&of, next_slot(work, &of, now->wall_ms)) <= at_ms) {
      go_on(memory, work, &of, now);
      return;
    }
  }
  turn(work, FAR_WORK_ENQUEUED, reason, now);
  wait_until(work, at_ms, now);
}

// Failed for good: the unit, or its slot. False when memory is short.
static bool fail(far_memory *memory, far_work *work, far_reason reason,
                 const far_moment *now) {
  if (!far_work_is_periodic(work) || reason == FAR_REASON_CRASH_LOOP) {
    turn(work, FAR_WORK_FAILED, reason, now);
    return true;
  }
  period of = period_of(work, now);
  go_on(memory, work, &of, now);
  return work->why != NULL ||
         far_work_set(memory, &work->why, far_reason_text(reason));
}

static void succeed(far_memory *memory, far_work *work, const far_moment *now) {
  if (far_work_is_periodic(work)) {
    period of = period_of(work, now);
    go_on(memory, work, &of, now);
  } else {
    forget(memory, work);
    turn(work, FAR_WORK_SUCCEEDED, FAR_REASON_NONE, now);
  }
}

static bool retry(far_memory *memory, far_work *work, int64_t delay_ms,
                  const far_moment *now) {
  work->attempts = plus(work->attempts, 1);
  if (work->attempts > work->rules.retry_max)
    return fail(memory, work, FAR_REASON_ATTEMPTS, now);
  delay_ms = delay_ms > 0 ? clamp_delay(delay_ms, true, now->profile)
                          : backoff(&work->rules, work->rules.backoff,
                                    work->attempts, now);
  try_again(memory, work, FAR_REASON_RETRY, delay_ms, now);
  return true;
}

static void stop(far_memory *memory, far_work *work, const far_moment *now) {
  work->stops = plus(work->stops, 1);
  int64_t delay_ms = 0;
  if (work->stops > STOPS_AT_ONCE)
    delay_ms = backoff(&work->rules, work->rules.backoff,
                       work->stops - STOPS_AT_ONCE, now);
  try_again(memory, work, FAR_REASON_STOPPED, delay_ms, now);
}

static bool crash(far_memory *memory, far_work *work, const far_moment *now) {
  work->crashes = plus(work->crashes, 1);
  if (work->crashes >= work->rules.crashes_max)
    return fail(memory, work, FAR_REASON_CRASH_LOOP, now);
  int64_t delay_ms =
      backoff(&work->rules, FAR_BACKOFF_EXPONENTIAL, work->crashes, now);
  try_again(memory, work, FAR_REASON_CRASHED, delay_ms, now);
  return true;
}

bool far_schedule_end(far_memory *memory, far_work *work,
                      const far_result *result, const far_moment *now) {
  far_assert(result->end != FAR_RUN_OPEN);
  if (work->state != FAR_WORK_RUNNING)
    return true;
  bool is_told = far_work_set(memory, &work->why, result->why);
  if (!is_told)
    far_work_set(memory, &work->why, NULL);
  if (result->end != FAR_RUN_CRASHED)
    work->crashes = 0;
  if (result->end != FAR_RUN_STOPPED)
    work->stops = 0;
  switch (result->end) {
  case FAR_RUN_SUCCEEDED:
    succeed(memory, work, now);
    break;
  case FAR_RUN_RETRY:
    is_told &= retry(memory, work, result->delay_ms, now);
    break;
  case FAR_RUN_FAILED:
    is_told &= fail(memory, work, FAR_REASON_REFUSED, now);
    break;
  case FAR_RUN_STOPPED:
    stop(memory, work, now);
    break;
  case FAR_RUN_CRASHED:
    is_told &= crash(memory, work, now);
    break;
  default:
    far_schedule_cancel(work, FAR_REASON_CANCELLED, now);
  }
  far_schedule_give_up(work, now);
  return is_told;
}

// -- Without a run ------------------------------------------------------------

bool far_schedule_give_up(far_work *work, const far_moment *now) {
  bool may_end =
      work->state == FAR_WORK_ENQUEUED || work->state == FAR_WORK_BLOCKED;
  if (!may_end || work->deadline_ms <= 0 || now->wall_ms < work->deadline_ms)
    return false;
  turn(work, FAR_WORK_FAILED, FAR_REASON_DEADLINE, now);
  return true;
}

bool far_schedule_cancel(far_work *work, far_reason reason,
                         const far_moment *now) {
  if (far_work_is_final(work))
    return false;
  turn(work, FAR_WORK_CANCELLED, reason, now);
  return true;
}

// One parent less to wait for.
static void release(far_work *work, const far_moment *now) {
  work->parents = work->parents > 0 ? work->parents - 1 : 0;
  if (work->parents > 0)
    return;
  begin(work, work->delay_ms, far_work_is_periodic(work), now);
  turn(work, FAR_WORK_ENQUEUED, FAR_REASON_NONE, now);
}

bool far_schedule_parent_ended(far_work *work, const far_work *parent,
                               const far_moment *now) {
  if (work->state != FAR_WORK_BLOCKED || !far_work_is_final(parent))
    return false;
  if (parent->state == FAR_WORK_SUCCEEDED ||
      work->on_parent_fail == FAR_PARENT_FAIL_RUN) {
    release(work, now);
    return true;
  }
  if (work->on_parent_fail == FAR_PARENT_FAIL_HOLD) {
    bool changes = work->reason != FAR_REASON_HELD;
    if (changes)
      turn(work, FAR_WORK_BLOCKED, FAR_REASON_HELD, now);
    return changes;
  }
  if (parent->state == FAR_WORK_CANCELLED)
    turn(work, FAR_WORK_CANCELLED, FAR_REASON_PARENT_CANCELLED, now);
  else
    turn(work, FAR_WORK_FAILED, FAR_REASON_PARENT_FAILED, now);
  return true;
}

bool far_schedule_parent_redriven(far_work *work, const far_moment *now) {
  if (work->state != FAR_WORK_BLOCKED)
    return false;
  if (work->on_parent_fail == FAR_PARENT_FAIL_RUN)
    work->parents = plus(work->parents, 1);
  else if (work->reason == FAR_REASON_HELD)
    turn(work, FAR_WORK_BLOCKED, FAR_REASON_PARENTS, now);
  else
    return false;
  return true;
}

bool far_schedule_redrive(far_memory *memory, far_work *work,
                          const far_moment *now) {
  if (work->state != FAR_WORK_FAILED && work->state != FAR_WORK_CANCELLED)
    return false;
  work->attempts = work->crashes = work->stops = work->parents = 0;
  if (work->deadline_ms <= now->wall_ms)
    work->deadline_ms = 0;
  int64_t at_ms = now->wall_ms;
  if (far_work_is_periodic(work)) {
    period of = period_of(work, now);
    passed by = passed_of(&of, work->slot_ms, now->wall_ms);
    slide(memory, work, &by);
    int64_t due_ms = due_of(&of, work->slot_ms);
    at_ms = due_ms > at_ms ? due_ms : at_ms;
  }
  turn(work, FAR_WORK_ENQUEUED, FAR_REASON_REDRIVEN, now);
  wait_until(work, at_ms, now);
  return true;
}

// By how much a clock was set back that nobody saw: what waits was set in the
// past, and not in the future.
static int64_t set_back(const far_work *work, const far_moment *now) {
  int64_t set_ms = work->state == FAR_WORK_ENQUEUED
                       ? minus(work->run_at_ms, work->delay_ms)
                       : work->since_ms;
  int64_t by_ms = minus(now->wall_ms, set_ms);
  bool is_told = work->state != FAR_WORK_RUNNING && work->run_at_ms != for_ever;
  return is_told && by_ms < 0 ? by_ms : 0;
}

bool far_schedule_move(far_work *work, int64_t by_ms, const far_moment *now) {
  if (by_ms == 0)
    by_ms = set_back(work, now);
  if (by_ms == 0 || far_work_is_final(work))
    return false;
  work->enqueued_ms = plus(work->enqueued_ms, by_ms);
  if (work->state != FAR_WORK_RUNNING) // A run began when it did.
    work->since_ms = plus(work->since_ms, by_ms);
  if (work->deadline_ms != 0)
    work->deadline_ms = plus(work->deadline_ms, by_ms);
  if (work->cron != NULL && !is_retry(work)) {
    if (work->state != FAR_WORK_ENQUEUED)
      return true;
    period of = period_of(work, now);
    int64_t slot_ms = sane_slot(&of, work->slot_ms, now->wall_ms);
    if (!far_schedule_is_ready(work) &&
        (slot_ms != work->slot_ms || work->run_at_ms > now->wall_ms)) {
      work->slot_ms = slot_ms;
      wait_until(work, slot_ms, now);
    }
    return true;
  }
  if (work->run_at_ms != for_ever)
    work->run_at_ms = plus(work->run_at_ms, by_ms);
  if (work->cron == NULL && far_work_is_periodic(work)) {
    work->base_ms = plus(work->base_ms, by_ms);
    work->slot_ms = plus(work->slot_ms, by_ms);
  }
  return true;
}

bool far_schedule_rezone(far_work *work, const far_moment *now) {
  if (work->cron == NULL || work->zone != NULL || is_retry(work) ||
      work->state != FAR_WORK_ENQUEUED || far_schedule_is_ready(work) ||
      work->run_at_ms <= now->wall_ms)
    return false;
  period of = period_of(work, now);
  int64_t slot_ms = slot_after(&of, now->wall_ms);
  if (slot_ms == work->slot_ms)
    return false;
  work->slot_ms = slot_ms;
  wait_until(work, slot_ms, now);
  return true;
}

bool far_schedule_catch_up(far_memory *memory, far_work *work,
                           const far_moment *now) {
  if (!far_work_is_periodic(work) || work->state != FAR_WORK_ENQUEUED ||
      work->run_at_ms > now->wall_ms)
    return false;
  period of = period_of(work, now);
  passed by = passed_of(&of, work->slot_ms, now->wall_ms);
  if (by.count == 0 || work->missed != FAR_MISSED_SKIP)
    return slide(memory, work, &by);
  // Of an interval the flex is the last part of a slot: it is over when the
  // next one begins.
  bool is_within = !of.is_cron && work->flex_ms > 0 &&
                   now->wall_ms < slot_after(&of, by.latest_ms);
  slide(memory, work, &by);
  if (!is_within) {
    work->slots_missed = plus(work->slots_missed, 1);
    begin_slot(memory, work, slot_after(&of, work->slot_ms));
    wait_until(work, due_of(&of, work->slot_ms), now);
  }
  return true;
}

// -- Why not ------------------------------------------------------------------

typedef struct findings {
  far_obstacle *all;
  size_t count;
} findings;

static far_obstacle *add(findings *found, far_obstacle_kind kind,
                         int64_t since_ms) {
  far_assert(found->count < FAR_OBSTACLES_MAX);
  far_obstacle *obstacle = &found->all[found->count++];
  *obstacle = (far_obstacle){.kind = kind, .since_ms = since_ms};
  return obstacle;
}

// Without a network nobody asks what it is like.
static unsigned unmet_now(const far_work *work, const far_app_now *app) {
  unsigned unmet = far_schedule_unmet(work->needs, &app->conditions);
  if ((unmet & FAR_NEEDS_UNMETERED) != 0 &&
      app->conditions.network == FARSIDE_NETWORK_NONE)
    unmet = (unmet | FAR_NEEDS_NETWORK) & ~(unsigned)FAR_NEEDS_UNMETERED;
  return unmet;
}

static void add_of_app(findings *found, const far_work *work,
                       const far_app_now *app) {
  unsigned unmet = unmet_now(work, app);
  for (unsigned i = 0; (1U << i) < FAR_NEEDS_ALL; i++)
    if ((unmet & 1U << i) != 0)
      add(found, FAR_OBSTACLE_NEED, app->changed_ms[i])->need = 1U << i;
  if (!app->is_defined)
    add(found, FAR_OBSTACLE_NO_HANDLER, 0);
  if (app->is_name_running)
    add(found, FAR_OBSTACLE_NAME, 0);
  if (app->is_full)
    add(found, FAR_OBSTACLE_BUSY, 0);
  if (!app->may_start)
    add(found, FAR_OBSTACLE_APP, app->may_start_since_ms);
}

size_t far_schedule_explain(const far_work *work, const far_app_now *app,
                            const far_moment *now,
                            far_obstacle obstacles[FAR_OBSTACLES_MAX]) {
  findings found = {.all = obstacles};
  if (far_work_is_final(work)) {
    add(&found, FAR_OBSTACLE_ENDED, work->since_ms);
    return found.count;
  }
  if (work->state == FAR_WORK_RUNNING)
    return 0;
  if (work->state == FAR_WORK_BLOCKED)
    add(&found, FAR_OBSTACLE_PARENTS, work->since_ms);
  else if (!far_schedule_is_ready(work) && work->run_at_ms > now->wall_ms)
    add(&found, FAR_OBSTACLE_TIME, work->since_ms)->until_ms = work->run_at_ms;
  if (app == NULL)
    add(&found, FAR_OBSTACLE_APP, 0);
  else
    add_of_app(&found, work, app);
  return found.count;
}

const char *far_obstacle_name(far_obstacle_kind kind) {
  static const char *const names[FAR_OBSTACLE_KINDS] = {
      [FAR_OBSTACLE_TIME] = "time",
      [FAR_OBSTACLE_NEED] = "need",
      [FAR_OBSTACLE_PARENTS] = "parents",
      [FAR_OBSTACLE_NO_HANDLER] = "no_handler",
      [FAR_OBSTACLE_NAME] = "unique",
      [FAR_OBSTACLE_BUSY] = "busy",
      [FAR_OBSTACLE_APP] = "app",
      [FAR_OBSTACLE_ENDED] = "ended"};
  return names[kind];
}

// "2 h 3 min": nobody waits for days by the second.
static void print_span(int64_t ms, char *text, size_t bytes) {
  int64_t unit_ms = ms >= DAY_MS ? MINUTE_MS : ms >= 1000 ? 1000 : 1;
  far_duration_print((uint64_t)(ms - ms % unit_ms), text, bytes);
}

// "07:40", and of another day with its date.
static void print_clock(int64_t at_ms, const far_moment *now, char *text,
                        size_t bytes) {
  int64_t at_s = far_floor_divide(at_ms, 1000);
  int64_t now_s = far_floor_divide(now->wall_ms, 1000);
  at_s += far_zone_offset(now->zone, at_s, NULL);
  now_s += far_zone_offset(now->zone, now_s, NULL);
  int64_t day = far_floor_divide(at_s, FAR_DAY_S);
  int minute = (int)((at_s - day * FAR_DAY_S) / 60);
  far_date date = far_date_of(day);
  if (day == far_floor_divide(now_s, FAR_DAY_S))
    snprintf(text, bytes, "%02d:%02d", minute / 60, minute % 60);
  else
    snprintf(text, bytes, "%04" PRId64 "-%02d-%02d %02d:%02d", date.year,
             date.month, date.day, minute / 60, minute % 60);
}

static void print_time(const far_obstacle *obstacle, const far_work *work,
                       const far_moment *now, char *text, size_t bytes) {
  if (obstacle->until_ms == for_ever) {
    snprintf(text, bytes, "its time never comes");
    return;
  }
  char span[64], clock[64];
  int64_t left_ms = minus(obstacle->until_ms, now->wall_ms);
  print_span(left_ms < 0 ? 0 : left_ms, span, sizeof span);
  print_clock(obstacle->until_ms, now, clock, sizeof clock);
  if (is_retry(work))
    snprintf(text, bytes, "%s; that is in %s (%s)",
             far_reason_text(work->reason), span, clock);
  else
    snprintf(text, bytes, "its time comes in %s (%s)", span, clock);
}

// In the words of `needs`.
static const char *need_text(unsigned need) {
  switch (need) {
  case FAR_NEEDS_NETWORK:
    return "needs network; there is none";
  case FAR_NEEDS_UNMETERED:
    return "needs network unmetered; it is metered";
  case FAR_NEEDS_CHARGING:
    return "needs charging; it is not charging";
  case FAR_NEEDS_BATTERY_OK:
    return "needs batteryOk; the battery is low";
  case FAR_NEEDS_STORAGE_OK:
    return "needs storageOk; storage is low";
  default:
    return "needs idle; the phone is in use";
  }
}

void far_obstacle_print(const far_obstacle *obstacle, const far_work *work,
                        const far_moment *now, char *text, size_t bytes) {
  char span[64] = "", since[80] = "", ago[80] = "";
  int64_t for_ms = minus(now->wall_ms, obstacle->since_ms);
  if (obstacle->since_ms > 0 && for_ms >= 0) {
    print_span(for_ms, span, sizeof span);
    snprintf(since, sizeof since, ", since %s", span);
    snprintf(ago, sizeof ago, " %s ago", span);
  }
  switch (obstacle->kind) {
  case FAR_OBSTACLE_TIME:
    print_time(obstacle, work, now, text, bytes);
    break;
  case FAR_OBSTACLE_NEED:
    snprintf(text, bytes, "%s%s", need_text(obstacle->need), since);
    break;
  case FAR_OBSTACLE_PARENTS:
    snprintf(text, bytes, "%s%s", far_reason_text(work->reason), since);
    break;
  case FAR_OBSTACLE_NO_HANDLER:
    snprintf(text, bytes, "nobody has defined %s", work->kind);
    break;
  case FAR_OBSTACLE_NAME:
    if (work->unique == NULL) // It was cancelled, and redriven at once.
      snprintf(text, bytes, "its last run has not come to its end yet");
    else
      snprintf(text, bytes, "another run of the name %s goes on", work->unique);
    break;
  case FAR_OBSTACLE_BUSY:
    snprintf(text, bytes, "as many run as may; others are before it");
    break;
  case FAR_OBSTACLE_APP:
    snprintf(text, bytes, "the app sleeps, may not work now, or is not there%s",
             since);
    break;
  default:
    snprintf(text, bytes, "it %s%s%s%s",
             work->state == FAR_WORK_CANCELLED
                 ? "was cancelled"
                 : far_work_state_name(work->state),
             ago, work->reason != FAR_REASON_NONE ? ": " : "",
             far_reason_text(work->reason));
  }
}
