// What becomes of durable work: each decision by itself, slots against a naive
// model, rows that a damaged file might hold, and 100,000 random lives of a
// small queue with its invariants after every step (SCHEDULES, SEED).

#include "check.h"
#include "cron.h"
#include "schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  SECOND = 1000,
  MINUTE = 60 * SECOND,
  HOUR = 60 * MINUTE,
  DAY = 24 * HOUR
};

// Tuesday, the sixth of January 2026, 12:00 UTC.
static const int64_t noon = INT64_C(1767700800000);

static far_memory memory;
static far_zone utc;
static far_chance chance;

// The nth allocation fails; zero: none.
static uint64_t fails_at, allocations;

static void *allocate(void *user, void *ptr, size_t bytes_old,
                      size_t bytes_new) {
  (void)user;
  (void)bytes_old;
  if (bytes_new == 0) {
    free(ptr);
    return NULL;
  }
  return ++allocations == fails_at ? NULL : realloc(ptr, bytes_new);
}

static far_moment at_of(int64_t wall_ms, far_profile profile) {
  return (far_moment){.wall_ms = wall_ms, .profile = profile, .zone = &utc};
}

static far_moment at(int64_t wall_ms) {
  return at_of(wall_ms, FAR_PROFILE_DESKTOP);
}

static far_work work_of(const char *kind) {
  far_work work = {.rules = far_rules_default(FAR_PROFILE_DESKTOP)};
  work.rules.jitter_permille = 0;
  far_work_set(&memory, &work.kind, kind);
  return work;
}

static far_work enqueued(int64_t delay_ms) {
  far_work work = work_of("save");
  far_moment now = at(noon);
  far_schedule_enqueue(&work, &now, delay_ms, false);
  return work;
}

static far_work periodic(int64_t every_ms, int64_t flex_ms, far_missed missed,
                         bool is_immediate) {
  far_work work = work_of("sync");
  work.every_ms = every_ms;
  work.flex_ms = flex_ms;
  work.missed = missed;
  far_moment now = at(noon);
  far_schedule_enqueue(&work, &now, 0, is_immediate);
  return work;
}

static far_work by_cron(const char *cron, const char *zone, far_missed missed) {
  far_work work = work_of("sync");
  far_work_set(&memory, &work.cron, cron);
  far_work_set(&memory, &work.zone, zone);
  work.missed = missed;
  far_moment now = at(noon);
  far_schedule_enqueue(&work, &now, 0, false);
  return work;
}

static void start(far_work *work, int64_t wall_ms) {
  far_moment now = at(wall_ms);
  far_schedule_start(&memory, work, NULL, &now);
}

static void end_why(far_work *work, int64_t wall_ms, far_run_end how,
                    int64_t delay_ms, const char *why) {
  far_moment now = at(wall_ms);
  far_result result = {.end = how, .delay_ms = delay_ms, .why = why};
  check(far_schedule_end(&memory, work, &result, &now));
}

static void end(far_work *work, int64_t wall_ms, far_run_end how) {
  end_why(work, wall_ms, how, 0, NULL);
}

// One run that takes no time.
static void run(far_work *work, int64_t wall_ms, far_run_end how) {
  start(work, wall_ms);
  end(work, wall_ms, how);
}

static bool is(const far_work *work, far_work_state state, far_reason reason,
               int64_t run_at_ms) {
  return work->state == state && work->reason == reason &&
         work->run_at_ms == run_at_ms;
}

static bool has_ended(const far_work *work, far_work_state state,
                      far_reason reason) {
  return work->state == state && work->reason == reason;
}

static void drop(far_work *work) {
  far_work_deinit(&memory, work);
}

// -- One-off ------------------------------------------------------------------

static void test_once(void) {
  far_work work = enqueued(5 * MINUTE);
  check(is(&work, FAR_WORK_ENQUEUED, FAR_REASON_NONE, noon + 5 * MINUTE));
  check(work.delay_ms == 5 * MINUTE && work.enqueued_ms == noon);
  far_work_set(&memory, &work.checkpoint, "7");
  start(&work, noon + 5 * MINUTE);
  check(work.state == FAR_WORK_RUNNING && work.token == 1 && work.runs == 1);
  end_why(&work, noon + 6 * MINUTE, FAR_RUN_SUCCEEDED, 0, NULL);
  check(has_ended(&work, FAR_WORK_SUCCEEDED, FAR_REASON_NONE));
  check(work.since_ms == noon + 6 * MINUTE && work.checkpoint == NULL);
  // A late end changes nothing.
  end_why(&work, noon + 7 * MINUTE, FAR_RUN_FAILED, 0, "too late");
  check(has_ended(&work, FAR_WORK_SUCCEEDED, FAR_REASON_NONE));
  check(work.why == NULL);
  drop(&work);
  work = enqueued(-5);
  check(work.run_at_ms == noon && work.delay_ms == 0);
  run(&work, noon, FAR_RUN_FAILED);
  check(has_ended(&work, FAR_WORK_FAILED, FAR_REASON_REFUSED));
  drop(&work);
}

static void test_backoff(void) {
  static const int64_t exponential[] = {30, 60, 120, 240, 300, 300};
  static const int64_t linear[] = {30, 60, 90, 120, 150, 180};
  static const int64_t fixed[] = {30, 30, 30, 30, 30, 30};
  static const int64_t *const delays[] = {exponential, linear, fixed};
  for (int how = 0; how < FAR_BACKOFFS; how++) {
    far_work work = enqueued(0);
    work.rules.backoff = (far_backoff)how;
    work.rules.retry_cap_ms = 5 * MINUTE;
    work.rules.retry_max = 6;
    far_work_set(&memory, &work.checkpoint, "7");
    int64_t now_ms = noon;
    for (int attempt = 0; attempt < 6; attempt++) {
      start(&work, now_ms);
      end_why(&work, now_ms, FAR_RUN_RETRY, 0, "no answer");
      now_ms += delays[how][attempt] * SECOND;
      check(is(&work, FAR_WORK_ENQUEUED, FAR_REASON_RETRY, now_ms));
      check(work.attempts == attempt + 1 && strcmp(work.why, "no answer") == 0);
    }
    run(&work, now_ms, FAR_RUN_RETRY);
    check(has_ended(&work, FAR_WORK_FAILED, FAR_REASON_ATTEMPTS));
    check(work.attempts == 7 && work.runs == 7 && work.token == 7);
    // It can go on from where it was.
    check(work.checkpoint != NULL);
    far_moment now = at(now_ms);
    check(far_schedule_redrive(&memory, &work, &now));
    check(is(&work, FAR_WORK_ENQUEUED, FAR_REASON_REDRIVEN, now_ms));
    check(work.attempts == 0 && work.checkpoint != NULL);
    check(!far_schedule_redrive(&memory, &work, &now));
    drop(&work);
  }
}

static void test_chosen_delay(void) {
  far_work work = enqueued(0);
  start(&work, noon);
  end_why(&work, noon, FAR_RUN_RETRY, 10 * DAY, NULL);
  check(work.run_at_ms == noon + 10 * DAY);
  // The profile's least holds for it too; its most does not.
  far_moment now = at_of(noon, FAR_PROFILE_ANDROID);
  far_result result = {.end = FAR_RUN_RETRY, .delay_ms = 1};
  far_schedule_start(&memory, &work, NULL, &now);
  far_schedule_end(&memory, &work, &result, &now);
  check(work.run_at_ms == noon + 10 * SECOND);
  result.delay_ms = 2 * DAY;
  far_schedule_start(&memory, &work, NULL, &now);
  far_schedule_end(&memory, &work, &result, &now);
  check(work.run_at_ms == noon + 2 * DAY);
  drop(&work);
}

static void test_jitter(void) {
  far_work work = enqueued(0);
  work.rules.jitter_permille = 200;
  work.rules.retry_max = INT64_MAX;
  work.rules.backoff = FAR_BACKOFF_FIXED;
  int64_t least = INT64_MAX, most = 0;
  far_moment now = at(noon);
  now.chance = &chance;
  far_result result = {.end = FAR_RUN_RETRY};
  for (int i = 0; i < 1000; i++) {
    far_schedule_start(&memory, &work, NULL, &now);
    far_schedule_end(&memory, &work, &result, &now);
    int64_t delay_ms = work.run_at_ms - noon;
    least = delay_ms < least ? delay_ms : least;
    most = delay_ms > most ? delay_ms : most;
  }
  check(least >= 24 * SECOND && least < 24 * SECOND + 100);
  check(most <= 36 * SECOND && most > 36 * SECOND - 100);
  drop(&work);
}

static void test_stops(void) {
  far_work work = enqueued(0);
  work.rules.retry_max = 0;
  static const int64_t delays[] = {0, 0, 30, 60, 120};
  for (int i = 0; i < 5; i++) {
    run(&work, noon, FAR_RUN_STOPPED);
    check(is(&work, FAR_WORK_ENQUEUED, FAR_REASON_STOPPED,
             noon + delays[i] * SECOND));
    check(work.stops == i + 1 && work.attempts == 0);
  }
  // Any other end begins the row anew.
  work.rules.retry_max = 1;
  run(&work, noon, FAR_RUN_RETRY);
  check(work.stops == 0 && work.attempts == 1);
  run(&work, noon, FAR_RUN_STOPPED);
  check(work.run_at_ms == noon && work.attempts == 1);
  drop(&work);
}

static void test_crashes(void) {
  far_work work = enqueued(0);
  run(&work, noon, FAR_RUN_CRASHED);
  check(is(&work, FAR_WORK_ENQUEUED, FAR_REASON_CRASHED, noon + 30 * SECOND));
  run(&work, noon, FAR_RUN_CRASHED);
  check(is(&work, FAR_WORK_ENQUEUED, FAR_REASON_CRASHED, noon + 60 * SECOND));
  check(work.attempts == 0);
  // In a row: a run that came to its end breaks it.
  run(&work, noon, FAR_RUN_STOPPED);
  check(work.crashes == 0);
  for (int i = 0; i < 3; i++)
    run(&work, noon, FAR_RUN_CRASHED);
  check(has_ended(&work, FAR_WORK_FAILED, FAR_REASON_CRASH_LOOP));
  check(work.crashes == 3);
  far_moment now = at(noon);
  check(far_schedule_redrive(&memory, &work, &now) && work.crashes == 0);
  drop(&work);
}

static void test_deadline(void) {
  far_work work = enqueued(0);
  work.deadline_ms = noon + HOUR;
  far_moment before = at(noon + HOUR - 1), then = at(noon + HOUR);
  check(!far_schedule_give_up(&work, &before));
  // Not while it runs, and not when that run succeeds.
  start(&work, noon);
  check(!far_schedule_give_up(&work, &then));
  end(&work, noon + 2 * HOUR, FAR_RUN_RETRY);
  check(has_ended(&work, FAR_WORK_FAILED, FAR_REASON_DEADLINE));
  check(!far_schedule_give_up(&work, &then));
  // Another chance has no deadline that has passed.
  far_moment later = at(noon + 3 * HOUR);
  check(far_schedule_redrive(&memory, &work, &later) && work.deadline_ms == 0);
  run(&work, noon + 3 * HOUR, FAR_RUN_SUCCEEDED);
  check(work.state == FAR_WORK_SUCCEEDED);
  drop(&work);
  // A retry past the deadline: it fails at the deadline, not before.
  work = enqueued(0);
  work.deadline_ms = noon + 10;
  run(&work, noon, FAR_RUN_RETRY);
  check(work.state == FAR_WORK_ENQUEUED && work.run_at_ms > work.deadline_ms);
  far_moment soon = at(noon + 10);
  check(far_schedule_give_up(&work, &soon));
  check(has_ended(&work, FAR_WORK_FAILED, FAR_REASON_DEADLINE));
  drop(&work);
}

static void test_cancel(void) {
  far_moment now = at(noon);
  for (int i = 0; i < 3; i++) {
    far_work work = enqueued(0);
    work.state = i == 0   ? FAR_WORK_ENQUEUED
                 : i == 1 ? FAR_WORK_BLOCKED
                          : FAR_WORK_RUNNING;
    check(far_schedule_cancel(&work, FAR_REASON_REPLACED, &now));
    check(has_ended(&work, FAR_WORK_CANCELLED, FAR_REASON_REPLACED));
    check(!far_schedule_cancel(&work, FAR_REASON_CANCELLED, &now));
    end(&work, noon, FAR_RUN_SUCCEEDED);
    check(has_ended(&work, FAR_WORK_CANCELLED, FAR_REASON_REPLACED));
    drop(&work);
  }
  far_work work = enqueued(0);
  run(&work, noon, FAR_RUN_CANCELLED);
  check(has_ended(&work, FAR_WORK_CANCELLED, FAR_REASON_CANCELLED));
  drop(&work);
}

// -- Chains -------------------------------------------------------------------

static far_work child_of(int64_t parents, far_parent_fail what) {
  far_work work = work_of("child");
  work.parents = parents;
  work.on_parent_fail = what;
  far_moment now = at(noon);
  far_schedule_enqueue(&work, &now, 5 * MINUTE, false);
  return work;
}

static far_work ended(far_work_state state) {
  far_work work = {.state = state};
  return work;
}

static void test_chains(void) {
  far_work well = ended(FAR_WORK_SUCCEEDED), ill = ended(FAR_WORK_FAILED),
           gone = ended(FAR_WORK_CANCELLED), open = ended(FAR_WORK_RUNNING);
  far_moment now = at(noon), later = at(noon + HOUR);
  // Its delay counts from when the last one has ended.
  far_work work = child_of(2, FAR_PARENT_FAIL_FAIL);
  check(work.state == FAR_WORK_BLOCKED && work.reason == FAR_REASON_PARENTS);
  check(!far_schedule_parent_ended(&work, &open, &now));
  check(far_schedule_parent_ended(&work, &well, &now));
  check(work.state == FAR_WORK_BLOCKED && work.parents == 1);
  check(far_schedule_parent_ended(&work, &well, &later));
  check(
      is(&work, FAR_WORK_ENQUEUED, FAR_REASON_NONE, noon + HOUR + 5 * MINUTE));
  check(!far_schedule_parent_ended(&work, &ill, &later));
  drop(&work);
  work = child_of(2, FAR_PARENT_FAIL_FAIL);
  check(far_schedule_parent_ended(&work, &ill, &now));
  check(has_ended(&work, FAR_WORK_FAILED, FAR_REASON_PARENT_FAILED));
  // Redriven by itself it waits for nobody.
  check(!far_schedule_parent_redriven(&work, &now));
  check(far_schedule_redrive(&memory, &work, &now) && work.parents == 0);
  check(work.state == FAR_WORK_ENQUEUED);
  drop(&work);
  work = child_of(1, FAR_PARENT_FAIL_FAIL);
  check(far_schedule_parent_ended(&work, &gone, &now));
  check(has_ended(&work, FAR_WORK_CANCELLED, FAR_REASON_PARENT_CANCELLED));
  drop(&work);
  work = child_of(1, FAR_PARENT_FAIL_RUN);
  check(far_schedule_parent_ended(&work, &gone, &now));
  check(work.state == FAR_WORK_ENQUEUED);
  drop(&work);
  // One that holds is released when the parent succeeds after all.
  work = child_of(1, FAR_PARENT_FAIL_HOLD);
  check(far_schedule_parent_ended(&work, &ill, &now));
  check(has_ended(&work, FAR_WORK_BLOCKED, FAR_REASON_HELD));
  check(!far_schedule_parent_ended(&work, &ill, &now));
  check(far_schedule_parent_redriven(&work, &now));
  check(has_ended(&work, FAR_WORK_BLOCKED, FAR_REASON_PARENTS));
  check(!far_schedule_parent_redriven(&work, &now));
  check(far_schedule_parent_ended(&work, &well, &now));
  check(work.state == FAR_WORK_ENQUEUED);
  drop(&work);
  // A parent that is redriven is waited for again, and counted once.
  work = child_of(2, FAR_PARENT_FAIL_RUN);
  check(far_schedule_parent_ended(&work, &ill, &now) && work.parents == 1);
  check(far_schedule_parent_redriven(&work, &now) && work.parents == 2);
  check(far_schedule_parent_ended(&work, &well, &now) && work.parents == 1);
  check(work.state == FAR_WORK_BLOCKED);
  drop(&work);
  work = child_of(1, FAR_PARENT_FAIL_HOLD);
  work.deadline_ms = noon + 1;
  check(far_schedule_give_up(&work, &later));
  check(has_ended(&work, FAR_WORK_FAILED, FAR_REASON_DEADLINE));
  drop(&work);
}

// -- Periods ------------------------------------------------------------------

static bool catch_up(far_work *work, int64_t wall_ms) {
  far_moment now = at(wall_ms);
  return far_schedule_catch_up(&memory, work, &now);
}

static void test_period(void) {
  far_work work = periodic(HOUR, 0, FAR_MISSED_ONCE, false);
  check(is(&work, FAR_WORK_ENQUEUED, FAR_REASON_NONE, noon + HOUR));
  // However late it runs, and however long: nothing drifts.
  for (int slot = 1; slot < 50; slot++) {
    check(work.slot_ms == noon + slot * (int64_t)HOUR);
    check(work.run_at_ms == work.slot_ms);
    start(&work, work.run_at_ms + 7 * MINUTE);
    end(&work, work.run_at_ms + 31 * MINUTE,
        slot % 3 == 0 ? FAR_RUN_FAILED : FAR_RUN_SUCCEEDED);
    check(work.state == FAR_WORK_ENQUEUED);
  }
  check(work.slots_missed == 0);
  drop(&work);
  work = periodic(HOUR, 15 * MINUTE, FAR_MISSED_ONCE, false);
  check(work.slot_ms == noon && work.run_at_ms == noon + 45 * MINUTE);
  run(&work, noon + 50 * MINUTE, FAR_RUN_SUCCEEDED);
  check(work.slot_ms == noon + HOUR);
  check(work.run_at_ms == noon + HOUR + 45 * MINUTE);
  drop(&work);
  work = periodic(HOUR, 15 * MINUTE, FAR_MISSED_ONCE, true);
  check(work.slot_ms == noon && work.run_at_ms == noon);
  run(&work, noon, FAR_RUN_SUCCEEDED);
  check(work.run_at_ms == noon + HOUR + 45 * MINUTE);
  drop(&work);
  work = periodic(HOUR, 0, FAR_MISSED_ONCE, true);
  run(&work, noon, FAR_RUN_SUCCEEDED);
  check(work.run_at_ms == noon + HOUR);
  drop(&work);
  work = by_cron("0 3 * * *", "Europe/Berlin", FAR_MISSED_ONCE);
  check(work.run_at_ms == noon + 14 * HOUR && work.slot_ms == work.run_at_ms);
  run(&work, work.run_at_ms, FAR_RUN_SUCCEEDED);
  check(work.run_at_ms == noon + 38 * HOUR);
  drop(&work);
  work = by_cron("0 0 30 2 *", NULL, FAR_MISSED_ONCE);
  check(work.run_at_ms == INT64_MAX);
  drop(&work);
}

static void test_retry_in_slot(void) {
  far_work work = periodic(HOUR, 0, FAR_MISSED_ONCE, true);
  work.rules.retry_max = 2;
  far_work_set(&memory, &work.checkpoint, "7");
  run(&work, noon, FAR_RUN_RETRY);
  check(is(&work, FAR_WORK_ENQUEUED, FAR_REASON_RETRY, noon + 30 * SECOND));
  check(work.slot_ms == noon && work.checkpoint != NULL);
  // The next slot wins, with attempts and checkpoint of its own.
  work.rules.retry_base_ms = HOUR;
  run(&work, noon + MINUTE, FAR_RUN_RETRY);
  check(is(&work, FAR_WORK_ENQUEUED, FAR_REASON_NONE, noon + HOUR));
  check(work.attempts == 0 && work.checkpoint == NULL);
  work.rules.retry_base_ms = 30 * SECOND;
  for (int i = 0; i < 2; i++)
    run(&work, noon + HOUR, FAR_RUN_RETRY);
  // The last one says why, though the row goes on.
  start(&work, noon + HOUR);
  end_why(&work, noon + HOUR, FAR_RUN_RETRY, 0, "no answer");
  check(is(&work, FAR_WORK_ENQUEUED, FAR_REASON_NONE, noon + 2 * HOUR));
  check(strcmp(work.why, "no answer") == 0);
  run(&work, noon + 2 * HOUR, FAR_RUN_FAILED);
  check(strcmp(work.why, far_reason_text(FAR_REASON_REFUSED)) == 0);
  run(&work, noon + 3 * HOUR, FAR_RUN_SUCCEEDED);
  check(work.why == NULL && work.slots_missed == 0);
  // A poisonous one is quarantined: crashes are counted over its slots.
  work.every_ms = MINUTE;
  for (int i = 0; i < 3; i++)
    run(&work, work.run_at_ms, FAR_RUN_CRASHED);
  check(has_ended(&work, FAR_WORK_FAILED, FAR_REASON_CRASH_LOOP));
  far_moment now = at(noon + 10 * HOUR + 20 * SECOND);
  check(far_schedule_redrive(&memory, &work, &now));
  check(work.slot_ms == noon + 10 * HOUR && work.run_at_ms == now.wall_ms);
  drop(&work);
  // Of `all` each slot has its attempts, whatever is due meanwhile.
  work = periodic(MINUTE, 0, FAR_MISSED_ALL, true);
  run(&work, noon + 10 * MINUTE, FAR_RUN_RETRY);
  check(is(&work, FAR_WORK_ENQUEUED, FAR_REASON_RETRY,
           noon + 10 * MINUTE + 30 * SECOND));
  check(work.slot_ms == noon);
  drop(&work);
}

static void test_missed(void) {
  // Hourly; looked at at 17:20, when the slots of 13:00 to 16:00 have passed.
  int64_t late = noon + 5 * HOUR + 20 * MINUTE;
  far_work work = periodic(HOUR, 0, FAR_MISSED_ONCE, false);
  check(!catch_up(&work, noon + 59 * MINUTE)); // Before its time.
  check(!catch_up(&work, noon + 119 * MINUTE));
  check(catch_up(&work, late) && !catch_up(&work, late));
  check(work.slot_ms == noon + 5 * HOUR && work.run_at_ms <= late);
  check(work.slots_missed == 4);
  run(&work, late, FAR_RUN_SUCCEEDED);
  check(work.run_at_ms == noon + 6 * HOUR);
  drop(&work);
  work = periodic(HOUR, 0, FAR_MISSED_SKIP, false);
  check(catch_up(&work, late) && !catch_up(&work, late));
  check(work.run_at_ms == noon + 6 * HOUR && work.slots_missed == 5);
  // Late, but within its own slot: nothing has passed.
  check(!catch_up(&work, noon + 6 * HOUR + 50 * MINUTE));
  drop(&work);
  // One that had waited for its conditions runs, or it never would.
  work = periodic(HOUR, 0, FAR_MISSED_SKIP, false);
  start(&work, late);
  check(work.slot_ms == noon + 5 * HOUR && work.slots_missed == 4);
  drop(&work);
  work = periodic(HOUR, 0, FAR_MISSED_ALL, false);
  check(catch_up(&work, late));
  check(work.slot_ms == noon + HOUR && work.slots_left == 4);
  for (int slot = 1; slot <= 5; slot++) {
    check(work.slot_ms == noon + slot * (int64_t)HOUR);
    check(work.slots_left == 5 - slot && work.run_at_ms <= late);
    run(&work, late, FAR_RUN_SUCCEEDED);
    catch_up(&work, late);
  }
  check(work.run_at_ms == noon + 6 * HOUR && work.slots_missed == 0);
  // A hundred at most, the newest.
  late = noon + 1000 * (int64_t)HOUR + 1;
  check(catch_up(&work, late));
  check(work.slots_left == FAR_MISSED_MAX - 1);
  check(work.slot_ms == noon + (1001 - FAR_MISSED_MAX) * (int64_t)HOUR);
  check(work.slots_missed == 1001 - FAR_MISSED_MAX - 6);
  drop(&work);
}

static void test_missed_flex(void) {
  // The last quarter of each hour; 17:20 is in no window, 17:50 in one.
  int64_t early = noon + 5 * HOUR + 20 * MINUTE, late = early + 30 * MINUTE;
  far_work work = periodic(HOUR, 15 * MINUTE, FAR_MISSED_SKIP, false);
  check(catch_up(&work, early));
  check(work.run_at_ms == noon + 5 * HOUR + 45 * MINUTE);
  check(work.slots_missed == 5);
  drop(&work);
  work = periodic(HOUR, 15 * MINUTE, FAR_MISSED_SKIP, false);
  check(catch_up(&work, late) && work.run_at_ms <= late);
  check(work.slot_ms == noon + 5 * HOUR && work.slots_missed == 5);
  drop(&work);
  // A flex of the whole period: anywhere in the present slot.
  work = periodic(HOUR, HOUR, FAR_MISSED_SKIP, false);
  check(work.run_at_ms == noon);
  check(catch_up(&work, early) && work.run_at_ms <= early);
  check(work.slot_ms == noon + 5 * HOUR && work.slots_missed == 5);
  drop(&work);
  // Once: for the slot that has passed, and then the present one.
  work = periodic(HOUR, 15 * MINUTE, FAR_MISSED_ONCE, false);
  check(catch_up(&work, early) && work.slot_ms == noon + 4 * HOUR);
  run(&work, early, FAR_RUN_SUCCEEDED);
  check(work.run_at_ms == noon + 5 * HOUR + 45 * MINUTE);
  check(work.slots_missed == 4);
  drop(&work);
}

static void test_missed_cron(void) {
  // Daily at three; a phone that was off for a week, until noon.
  int64_t late = noon + 7 * DAY, three = noon - 9 * HOUR;
  far_work work = by_cron("0 3 * * *", "UTC", FAR_MISSED_ONCE);
  check(catch_up(&work, late) && work.slot_ms == three + 7 * DAY);
  check(work.slots_missed == 6);
  drop(&work);
  work = by_cron("0 3 * * *", "UTC", FAR_MISSED_SKIP);
  check(catch_up(&work, late) && work.run_at_ms == three + 8 * DAY);
  check(work.slots_missed == 7);
  drop(&work);
  work = by_cron("0 3 * * *", "UTC", FAR_MISSED_ALL);
  check(catch_up(&work, late) && work.slot_ms == three + DAY);
  check(work.slots_left == 6 && work.slots_missed == 0);
  drop(&work);
  // Years of minutes, quickly.
  late = noon + 3000 * (int64_t)DAY;
  work = by_cron("* * * * *", "UTC", FAR_MISSED_ALL);
  check(catch_up(&work, late));
  check(work.slot_ms == late - 99 * MINUTE && work.slots_left == 99);
  drop(&work);
  work = by_cron("* * 1 1 *", "UTC", FAR_MISSED_ONCE);
  check(catch_up(&work, late));
  check(work.slot_ms < late && work.slot_ms > late - 366 * (int64_t)DAY);
  drop(&work);
  // What cannot be read, and a zone that nobody knows.
  work = by_cron("whenever", "Mars/Base", FAR_MISSED_ONCE);
  check(work.run_at_ms == INT64_MAX);
  drop(&work);
}

// -- The clock on the wall ----------------------------------------------------

static void test_move(void) {
  far_moment now = at(noon - DAY);
  far_work work = enqueued(HOUR);
  work.deadline_ms = noon + 2 * HOUR;
  check(far_schedule_move(&work, -DAY, &now));
  check(work.run_at_ms == noon - DAY + HOUR);
  check(work.deadline_ms == noon - DAY + 2 * HOUR);
  check(!far_schedule_move(&work, 0, &now)); // All is well.
  // Set back while nobody looked.
  now = at(noon - 3 * DAY);
  check(far_schedule_move(&work, 0, &now));
  check(work.run_at_ms == noon - 3 * DAY + HOUR);
  check(work.deadline_ms == noon - 3 * DAY + 2 * HOUR);
  check(work.enqueued_ms == noon - 3 * DAY);
  drop(&work);
  work = enqueued(0);
  run(&work, noon + HOUR, FAR_RUN_RETRY);
  now = at(noon + MINUTE);
  check(far_schedule_move(&work, 0, &now));
  check(work.run_at_ms == noon + MINUTE + 30 * SECOND);
  drop(&work);
  // An interval goes on as it would have.
  now = at(noon + 10 * DAY);
  work = periodic(HOUR, 0, FAR_MISSED_ONCE, false);
  check(far_schedule_move(&work, 10 * DAY, &now));
  check(work.run_at_ms == noon + 10 * DAY + HOUR && work.slots_missed == 0);
  run(&work, work.run_at_ms + 5, FAR_RUN_SUCCEEDED);
  check(work.run_at_ms == noon + 10 * DAY + 2 * HOUR);
  // Set back by years during a run: it does not stand still.
  start(&work, work.run_at_ms);
  end(&work, noon - 3000 * (int64_t)DAY, FAR_RUN_SUCCEEDED);
  check(work.run_at_ms > noon - 3000 * (int64_t)DAY);
  check(work.run_at_ms <= noon - 3000 * (int64_t)DAY + HOUR);
  check((work.run_at_ms - noon) % HOUR == 0);
  drop(&work);
  work = enqueued(0);
  start(&work, noon);
  end(&work, noon, FAR_RUN_SUCCEEDED);
  check(!far_schedule_move(&work, HOUR, &now));
  drop(&work);
}

static void test_move_cron(void) {
  // A time of day stays one; a slot does not come twice.
  far_work work = by_cron("@hourly", "UTC", FAR_MISSED_ONCE);
  run(&work, noon + HOUR, FAR_RUN_SUCCEEDED);
  check(work.slot_ms == noon + 2 * HOUR);
  far_moment now = at(noon - 10 * MINUTE);
  far_schedule_move(&work, -80 * MINUTE, &now);
  check(work.run_at_ms == noon + 2 * HOUR);
  // The clock was years ahead: it does not stand still.
  now = at(noon - 3000 * (int64_t)DAY + MINUTE);
  check(far_schedule_move(&work, 0, &now));
  check(work.run_at_ms == noon - 3000 * (int64_t)DAY + HOUR);
  // A retry is after some time.
  run(&work, work.run_at_ms, FAR_RUN_RETRY);
  int64_t before = work.run_at_ms;
  check(far_schedule_move(&work, MINUTE, &now));
  check(work.run_at_ms == before + MINUTE);
  drop(&work);
}

// A zone of its own stays; the machine's has moved to Berlin.
static void test_rezone(void) {
  far_zone berlin;
  check(far_zone_read("Europe/Berlin", &berlin));
  far_moment now = at(noon);
  now.zone = &berlin;
  far_work work = by_cron("0 15 * * *", NULL, FAR_MISSED_ONCE);
  check(work.run_at_ms == noon + 3 * HOUR);
  check(far_schedule_rezone(&work, &now) && !far_schedule_rezone(&work, &now));
  check(work.run_at_ms == noon + 2 * HOUR && work.slot_ms == work.run_at_ms);
  drop(&work);
  work = by_cron("0 15 * * *", "UTC", FAR_MISSED_ONCE);
  check(!far_schedule_rezone(&work, &now));
  drop(&work);
}

// -- Updates ------------------------------------------------------------------

static void test_update(void) {
  far_work work = periodic(HOUR, 0, FAR_MISSED_ONCE, false);
  work.id = 7;
  far_work_set(&memory, &work.unique, "sync");
  run(&work, noon + HOUR, FAR_RUN_SUCCEEDED);
  far_work with = work_of("other");
  with.every_ms = HOUR;
  with.priority = 3;
  with.needs = FAR_NEEDS_CHARGING;
  far_work_set(&memory, &with.input, "{}");
  far_moment now = at(noon + 70 * MINUTE);
  check(far_schedule_update(&memory, &work, &with, &now));
  check(work.id == 7 && strcmp(work.unique, "sync") == 0 && work.runs == 1);
  check(strcmp(work.kind, "other") == 0 && strcmp(work.input, "{}") == 0);
  check(work.priority == 3 && work.needs == FAR_NEEDS_CHARGING);
  check(work.generation == 1 && work.run_at_ms == noon + 2 * HOUR);
  with.flex_ms = 15 * MINUTE; // The same slots, later in each.
  check(far_schedule_update(&memory, &work, &with, &now));
  check(work.run_at_ms == noon + 2 * HOUR + 45 * MINUTE);
  with.every_ms = 2 * HOUR; // Other slots: from now.
  check(far_schedule_update(&memory, &work, &with, &now));
  check(work.slot_ms == now.wall_ms);
  check(work.run_at_ms == now.wall_ms + 105 * MINUTE);
  // While it runs: its slots count from now, and this run is the first.
  start(&work, work.run_at_ms);
  far_work_set(&memory, &with.cron, "@hourly");
  with.every_ms = with.flex_ms = 0;
  check(far_schedule_update(&memory, &work, &with, &now));
  check(work.state == FAR_WORK_RUNNING);
  end(&work, now.wall_ms + 1, FAR_RUN_SUCCEEDED);
  check(work.run_at_ms == noon + 2 * HOUR);
  drop(&work);
  drop(&with);
}

static void test_update_period(void) {
  // What it failed in its old slots does not count in its new ones.
  far_work work = periodic(HOUR, 0, FAR_MISSED_ONCE, true), with = work_of("x");
  with.every_ms = 2 * HOUR;
  with.deadline_ms = noon + 1; // Periodic work has none.
  far_moment now = at(noon + MINUTE);
  run(&work, noon, FAR_RUN_RETRY);
  far_work_set(&memory, &work.checkpoint, "7");
  check(far_schedule_update(&memory, &work, &with, &now));
  check(work.attempts == 0 && work.checkpoint == NULL);
  check(is(&work, FAR_WORK_ENQUEUED, FAR_REASON_NONE, now.wall_ms + 2 * HOUR));
  check(work.deadline_ms == 0);
  // Cancelled before its slot, and redriven: it still waits for that.
  check(far_schedule_cancel(&work, FAR_REASON_CANCELLED, &now));
  check(far_schedule_redrive(&memory, &work, &now));
  check(is(&work, FAR_WORK_ENQUEUED, FAR_REASON_REDRIVEN,
           now.wall_ms + 2 * HOUR));
  drop(&work);
  drop(&with);
}

static void test_update_rules(void) {
  far_moment now = at(noon + MINUTE);
  far_work work = enqueued(0), with = work_of("other");
  with.rules.retry_max = 0;
  // A run ends by the rules that it began by.
  start(&work, noon);
  check(far_schedule_update(&memory, &work, &with, &now));
  end(&work, noon + MINUTE, FAR_RUN_RETRY);
  check(work.state == FAR_WORK_ENQUEUED && work.rules.retry_max == 10);
  check(far_schedule_update(&memory, &work, &with, &now));
  check(work.rules.retry_max == 0 && work.reason == FAR_REASON_RETRY);
  // One that was ready queues again, whatever its clock did meanwhile.
  far_schedule_rank(&work, 5, 9);
  check(far_schedule_is_ready(&work) && work.tag == 10);
  now = at(noon - HOUR);
  check(far_schedule_update(&memory, &work, &with, &now));
  check(!far_schedule_is_ready(&work) && work.run_at_ms == now.wall_ms);
  drop(&work);
  drop(&with);
}

static void test_postpone(void) {
  far_moment now = at(noon + MINUTE);
  far_work work = enqueued(5 * MINUTE);
  check(far_schedule_postpone(&work, 5 * MINUTE, &now));
  check(is(&work, FAR_WORK_ENQUEUED, FAR_REASON_NONE, noon + 6 * MINUTE));
  start(&work, noon + 6 * MINUTE);
  check(!far_schedule_postpone(&work, 5 * MINUTE, &now));
  drop(&work);
  work = periodic(HOUR, 0, FAR_MISSED_ONCE, false);
  check(!far_schedule_postpone(&work, 5 * MINUTE, &now));
  drop(&work);
}

// -- Clamps -------------------------------------------------------------------

static void test_clamps(void) {
  far_work work = work_of("sync");
  check(far_schedule_clamp(&work, FAR_PROFILE_DESKTOP) == 0);
  work.every_ms = MINUTE;
  work.flex_ms = SECOND;
  work.rules.retry_base_ms = 1;
  work.rules.retry_cap_ms = 100 * HOUR;
  work.rules.timeout_ms = HOUR;
  work.expedite = FAR_EXPEDITE_OR_NORMAL;
  far_work other;
  far_work_copy(&memory, &work, &other);
  check(far_schedule_clamp(&other, FAR_PROFILE_DESKTOP) == 0);
  drop(&other);
  check(far_schedule_clamp(&work, FAR_PROFILE_ANDROID) ==
        (FAR_CLAMP_EVERY | FAR_CLAMP_FLEX | FAR_CLAMP_BACKOFF |
         FAR_CLAMP_TIMEOUT));
  check(work.every_ms == 15 * MINUTE && work.flex_ms == 5 * MINUTE);
  check(work.rules.retry_base_ms == 10 * SECOND);
  check(work.rules.retry_cap_ms == 5 * HOUR);
  check(work.rules.timeout_ms == 10 * MINUTE);
  check(far_schedule_clamp(&work, FAR_PROFILE_ANDROID) == 0);
  work.flex_ms = HOUR; // More than its period.
  check(far_schedule_clamp(&work, FAR_PROFILE_ANDROID) == FAR_CLAMP_FLEX);
  check(work.flex_ms == work.every_ms);
  drop(&work);
  for (int p = 0; p < FAR_PROFILES; p++) {
    work = work_of("any");
    work.rules = far_rules_default((far_profile)p);
    check(far_schedule_clamp(&work, (far_profile)p) == 0);
    check(work.rules.retry_max == 10 && work.rules.crashes_max == 3);
    drop(&work);
  }
  // The rules of today hold for a row of yesterday, within the profile.
  work = enqueued(0);
  far_rules rules = work.rules;
  rules.timeout_ms = 100 * HOUR;
  rules.retry_max = 1;
  far_moment now = at_of(noon, FAR_PROFILE_IOS);
  far_schedule_start(&memory, &work, &rules, &now);
  check(work.rules.retry_max == 1 && work.rules.timeout_ms == 5 * MINUTE);
  drop(&work);
}

static void test_needs(void) {
  farside_conditions none = {0};
  farside_conditions all = {FARSIDE_NETWORK_WIFI, true, true, true, true};
  check(far_schedule_unmet(FAR_NEEDS_ALL, &none) == FAR_NEEDS_ALL);
  check(far_schedule_unmet(FAR_NEEDS_ALL, &all) == 0);
  check(far_schedule_unmet(0, &none) == 0);
  check(far_schedule_unmet(~0U, &all) == 0);
  all.network = FARSIDE_NETWORK_METERED;
  check(far_schedule_unmet(FAR_NEEDS_ALL, &all) == FAR_NEEDS_UNMETERED);
  all.is_charging = false;
  check(far_schedule_unmet(FAR_NEEDS_CHARGING, &all) == FAR_NEEDS_CHARGING);
}

static void test_quota(void) {
  far_quota quota = {0};
  far_moment now = at_of(noon, FAR_PROFILE_ANDROID);
  int64_t runs = far_policy_get(now.profile, FAR_EXPEDITED_RUNS);
  int64_t window_ms = far_policy_get(now.profile, FAR_EXPEDITED_RUNS_WINDOW);
  check(runs > 0 && runs <= FAR_EXPEDITED_MAX);
  check(far_policy_get(FAR_PROFILE_DESKTOP, FAR_EXPEDITED_RUNS) <=
        FAR_EXPEDITED_MAX);
  for (int64_t i = 0; i < runs; i++) {
    check(far_quota_has(&quota, &now));
    far_quota_take(&quota, &now);
    now.wall_ms += MINUTE;
  }
  check(!far_quota_has(&quota, &now));
  now.wall_ms = noon + window_ms - 1;
  check(!far_quota_has(&quota, &now));
  now.wall_ms = noon + window_ms;
  check(far_quota_has(&quota, &now));
  far_quota_take(&quota, &now);
  check(!far_quota_has(&quota, &now));
  now.wall_ms = noon - DAY; // A clock that was set back keeps nobody waiting.
  check(far_quota_has(&quota, &now));
  for (int i = 0; i < 100; i++)
    far_quota_take(&quota, &now);
  check(!far_quota_has(&quota, &now));
}

// -- Who is next --------------------------------------------------------------

// Units that are ready, in groups. Slow, and all of them looked at.
enum { LINE_MAX = 5000 };

typedef struct crowd {
  struct {
    int group;
    far_work work;
    bool is_there;
  } all[LINE_MAX];
  int count;
  int64_t service;
} crowd;

static crowd queue;

static int join(int group, int64_t priority) {
  int64_t last = 0;
  for (int i = 0; i < queue.count; i++)
    if (queue.all[i].is_there && queue.all[i].group == group &&
        queue.all[i].work.tag > last)
      last = queue.all[i].work.tag;
  int place = queue.count++;
  queue.all[place].group = group;
  queue.all[place].is_there = true;
  queue.all[place].work = (far_work){.id = place + 1, .priority = priority};
  far_schedule_rank(&queue.all[place].work, last, queue.service);
  return place;
}

// Starts the next one; -1 when nobody is there.
static int serve(void) {
  int best = -1;
  for (int i = 0; i < queue.count; i++)
    if (queue.all[i].is_there &&
        (best < 0 || queue.all[i].work.rank < queue.all[best].work.rank))
      best = i;
  if (best >= 0) {
    queue.all[best].is_there = false;
    if (queue.all[best].work.tag > queue.service)
      queue.service = queue.all[best].work.tag;
  }
  return best;
}

static int serve_until(int place) {
  for (int count = 1;; count++) {
    int next = serve();
    if (next == place || next < 0)
      return next < 0 ? LINE_MAX : count;
  }
}

static void test_fairness(void) {
  queue = (crowd){0};
  // A thousand of one group, and one of another: next but one at the latest.
  for (int i = 0; i < 1000; i++)
    join(1, 0);
  check(serve_until(join(2, 0)) <= 2);
  for (int i = 0; i < 500; i++)
    serve();
  check(serve_until(join(3, 0)) <= 2);
  // Within a group, and of one group alone, it is first in, first out.
  queue = (crowd){0};
  bool is_in_order = true;
  for (int i = 0; i < 100; i++)
    join(1, 0);
  for (int i = 0; i < 100; i++)
    is_in_order = is_in_order && serve() == i;
  check(is_in_order);
  // Three groups share, however many each has.
  queue = (crowd){0};
  for (int i = 0; i < 300; i++)
    join(i < 200 ? 1 : i < 280 ? 2 : 3, 0);
  int served[4] = {0};
  for (int i = 0; i < 60; i++)
    served[queue.all[serve()].group]++;
  check(served[1] == 20 && served[2] == 20 && served[3] == 20);
}

// One that enqueues its next unit whenever it is served, as urgently as it can.
static void test_no_starvation(void) {
  queue = (crowd){0};
  int patient = join(1, -FAR_PRIORITY_MAX);
  for (int i = 0; i < 10; i++)
    join(2, 0);
  join(3, FAR_PRIORITY_MAX);
  int before = 0;
  for (int next = serve(); next != patient && before < 4000;
       next = serve(), before++)
    if (queue.all[next].group == 3)
      join(3, FAR_PRIORITY_MAX);
  check(before <= 2 * FAR_PRIORITY_MAX * FAR_PRIORITY_PLACES + 11);
  // Without priorities they take turns.
  queue = (crowd){0};
  for (int i = 0; i < 100; i++)
    join(1, 0);
  join(2, 0);
  int served[3] = {0};
  for (int i = 0; i < 50; i++) {
    int group = queue.all[serve()].group;
    served[group]++;
    if (group == 2)
      join(2, 0);
  }
  check(served[1] == 25 && served[2] == 25);
}

static void test_priority(void) {
  queue = (crowd){0};
  for (int i = 0; i < 400; i++)
    join(1, 0);
  // It moves by a fixed number of places, to behind the one that has its rank.
  check(serve_until(join(1, 1)) == 400 - FAR_PRIORITY_PLACES + 2);
  queue = (crowd){0};
  for (int i = 0; i < 50; i++)
    join(1, 0);
  check(serve_until(join(1, 5)) == 1);
  far_work work = {.priority = INT64_MAX};
  far_schedule_rank(&work, 5, 0);
  check(work.rank == 6 - FAR_PRIORITY_MAX * FAR_PRIORITY_PLACES);
}

// -- Why not ------------------------------------------------------------------

static size_t explain(const far_work *work, const far_app_now *app,
                      int64_t wall_ms, far_obstacle found[]) {
  far_moment now = at(wall_ms);
  return far_schedule_explain(work, app, &now, found);
}

static bool says(const far_obstacle *obstacle, const far_work *work,
                 int64_t wall_ms, const char *sentence) {
  far_moment now = at(wall_ms);
  char text[200];
  far_obstacle_print(obstacle, work, &now, text, sizeof text);
  char small[10];
  far_obstacle_print(obstacle, work, &now, small, sizeof small);
  bool is_same = strcmp(text, sentence) == 0;
  if (!is_same)
    printf("  %s\n", text);
  return is_same && strncmp(text, small, sizeof small - 1) == 0;
}

static void test_explain(void) {
  far_obstacle found[FAR_OBSTACLES_MAX];
  far_app_now app = {
      .conditions = {FARSIDE_NETWORK_METERED, false, true, true, false},
      .changed_ms = {0, noon - 2 * HOUR - 3 * MINUTE, noon - 1},
      .is_defined = true,
      .may_start = true};
  far_work work = enqueued(250 * SECOND);
  far_work_set(&memory, &work.unique, "upload:42");
  check(explain(&work, &app, noon, found) == 1);
  check(found[0].kind == FAR_OBSTACLE_TIME &&
        found[0].until_ms == noon + 250 * SECOND);
  check(says(&found[0], &work, noon, "its time comes in 4 min 10 s (12:04)"));
  check(says(&found[0], &work, noon - DAY - 999,
             "its time comes in 1 d 4 min (2026-01-06 12:04)"));
  check(explain(&work, &app, noon + HOUR, found) == 0);
  work.needs = FAR_NEEDS_ALL;
  work.run_at_ms = noon;
  check(explain(&work, &app, noon, found) == 3);
  check(says(&found[0], &work, noon,
             "needs network unmetered; it is metered, since 2 h 3 min"));
  check(says(&found[1], &work, noon,
             "needs charging; it is not charging, since 1 ms"));
  check(says(&found[2], &work, noon, "needs idle; the phone is in use"));
  app = (far_app_now){.is_name_running = true, .is_full = true};
  check(explain(&work, &app, noon, found) == 9);
  check(says(&found[0], &work, noon, "needs network; there is none"));
  check(says(&found[2], &work, noon, "needs batteryOk; the battery is low"));
  check(says(&found[3], &work, noon, "needs storageOk; storage is low"));
  check(says(&found[5], &work, noon, "nobody has defined save"));
  check(says(&found[6], &work, noon,
             "another run of the name upload:42 goes on"));
  check(
      says(&found[7], &work, noon, "as many run as may; others are before it"));
  check(says(&found[8], &work, noon,
             "the app sleeps, may not work now, or is not there"));
  check(explain(&work, NULL, noon, found) == 1);
  check(found[0].kind == FAR_OBSTACLE_APP);
  drop(&work);
}

static void test_explain_states(void) {
  far_obstacle found[FAR_OBSTACLES_MAX];
  far_app_now app = {.is_defined = true, .may_start = true};
  far_work work = enqueued(0);
  run(&work, noon, FAR_RUN_RETRY);
  check(explain(&work, &app, noon + 10 * SECOND, found) == 1);
  check(says(&found[0], &work, noon + 10 * SECOND,
             "its last run failed, and it is tried again; that is in 20 s "
             "(12:00)"));
  start(&work, noon + MINUTE);
  check(explain(&work, &app, noon + MINUTE, found) == 0);
  end(&work, noon + MINUTE, FAR_RUN_FAILED);
  check(explain(&work, &app, noon + HOUR, found) == 1);
  check(says(&found[0], &work, noon + HOUR,
             "it failed 59 min ago: its run said that trying again is of no "
             "use"));
  drop(&work);
  work = enqueued(0);
  run(&work, noon, FAR_RUN_SUCCEEDED);
  check(explain(&work, NULL, noon + DAY + 1, found) == 1);
  check(says(&found[0], &work, noon + DAY + 1, "it succeeded 1 d ago"));
  drop(&work);
  work = child_of(1, FAR_PARENT_FAIL_HOLD);
  check(explain(&work, &app, noon + HOUR, found) == 1);
  check(says(&found[0], &work, noon + HOUR,
             "it waits for other work, since 1 h"));
  drop(&work);
  work = by_cron("0 0 30 2 *", NULL, FAR_MISSED_ONCE);
  check(explain(&work, &app, noon, found) == 1);
  check(says(&found[0], &work, noon, "its time never comes"));
  drop(&work);
}

// -- Short of memory ----------------------------------------------------------

static void test_shortage(void) {
  far_work with = work_of("other");
  far_work_set(&memory, &with.input, "{}");
  far_work_set(&memory, &with.cron, "@daily");
  far_moment now = at(noon);
  bool is_done = false;
  for (uint64_t n = 1; !is_done; n++) {
    far_work work = periodic(HOUR, 0, FAR_MISSED_ONCE, true);
    allocations = 0;
    fails_at = n;
    is_done = far_schedule_update(&memory, &work, &with, &now);
    fails_at = 0;
    check(is_done || (work.every_ms == HOUR && work.generation == 0 &&
                      strcmp(work.kind, "sync") == 0));
    drop(&work);
  }
  // An end is an end, even where it cannot say why.
  far_work work = periodic(HOUR, 0, FAR_MISSED_ONCE, true);
  far_work_set(&memory, &work.why, "of before");
  far_result result = {.end = FAR_RUN_FAILED, .why = "no answer"};
  start(&work, noon);
  allocations = 0;
  fails_at = 1;
  far_schedule_end(&memory, &work, &result, &now);
  fails_at = 0;
  check(work.state == FAR_WORK_ENQUEUED && work.slot_ms == noon + HOUR);
  check(work.why == NULL || strcmp(work.why, "of before") != 0);
  drop(&work);
  drop(&with);
}

// -- Slots, one by one --------------------------------------------------------

static int draw(uint32_t *state, int limit) {
  *state = *state * 1664525u + 1013904223u;
  return (int)((*state >> 8) % (uint32_t)limit);
}

enum { MODEL_SLOTS = 400 };

// What catching up should come to, found by writing down every slot.
static void model_catch_up(far_work *work, const int64_t *slots,
                           int64_t lead_ms, int64_t now_ms) {
  int latest = 0;
  while (slots[latest + 1] + lead_ms <= now_ms)
    latest++;
  int to = latest, left = 0;
  if (work->missed == FAR_MISSED_ALL) {
    to = latest > FAR_MISSED_MAX - 1 ? latest - (FAR_MISSED_MAX - 1) : 0;
    left = latest - to;
  } else if (work->missed == FAR_MISSED_SKIP && latest > 0) {
    bool is_open = work->flex_ms > 0 && now_ms < slots[latest + 1];
    to = is_open ? latest : latest + 1;
  }
  work->slot_ms = slots[to];
  work->slots_missed += to;
  work->slots_left = left;
  if (to > latest)
    work->run_at_ms = slots[to] + lead_ms;
}

static void test_slots(void) {
  uint32_t state = 4711;
  far_cron cron;
  char error[100];
  check(far_cron_parse("*/20 1-22 * * *", &cron, error, sizeof error));
  bool agrees = true;
  for (int i = 0; i < 3000; i++) {
    bool is_cron = draw(&state, 3) == 0;
    int64_t every_ms = (1 + draw(&state, 100)) * (int64_t)MINUTE;
    int64_t flex_ms = draw(&state, 2) ? draw(&state, 101) * every_ms / 100 : 0;
    far_missed missed = (far_missed)draw(&state, FAR_MISSEDS);
    far_work work = is_cron ? by_cron("*/20 1-22 * * *", "UTC", missed)
                            : periodic(every_ms, flex_ms, missed, false);
    int64_t lead_ms = is_cron || flex_ms == 0 ? 0 : every_ms - flex_ms;
    int64_t slots[MODEL_SLOTS] = {work.slot_ms};
    for (int s = 1; s < MODEL_SLOTS; s++)
      slots[s] = is_cron ? far_cron_next(&cron, &utc, slots[s - 1])
                         : slots[s - 1] + every_ms;
    int64_t now_ms = work.run_at_ms + draw(&state, 1000) * every_ms / 3;
    if (now_ms > slots[MODEL_SLOTS - 2])
      now_ms = slots[MODEL_SLOTS - 2];
    far_work model = work;
    model_catch_up(&model, slots, lead_ms, now_ms);
    catch_up(&work, now_ms);
    agrees = agrees && work.slot_ms == model.slot_ms &&
             work.slots_missed == model.slots_missed &&
             work.slots_left == model.slots_left &&
             (work.run_at_ms > now_ms) == (model.run_at_ms > now_ms);
    drop(&work);
  }
  check(agrees);
}

// -- Rows that nobody here has written ----------------------------------------

static int64_t odd(uint32_t *state) {
  static const int64_t numbers[] = {INT64_MIN,
                                    INT64_MIN + 1,
                                    -INT64_C(8640000000000001),
                                    -1,
                                    0,
                                    1,
                                    2,
                                    1000,
                                    HOUR,
                                    INT64_C(1) << 40,
                                    INT64_C(8640000000000000),
                                    INT64_MAX / 2,
                                    INT64_MAX - 1,
                                    INT64_MAX};
  int count = (int)(sizeof numbers / sizeof *numbers);
  int which = draw(state, count + 4);
  return which < count ? numbers[which] : noon + draw(state, DAY);
}

static far_work odd_work(uint32_t *state) {
  static const char *const crons[] = {"* * * * *", "0 3 * * 1-5", "0 0 29 2 *",
                                      "no cron", "0 0 31 2 *"};
  far_work work = work_of("odd");
  int64_t *const numbers[] = {&work.priority,
                              &work.keep_ms,
                              &work.rules.timeout_ms,
                              &work.rules.retry_max,
                              &work.rules.retry_cap_ms,
                              &work.rules.retry_base_ms,
                              &work.rules.crashes_max,
                              &work.rules.jitter_permille,
                              &work.every_ms,
                              &work.flex_ms,
                              &work.base_ms,
                              &work.slot_ms,
                              &work.slots_left,
                              &work.slots_missed,
                              &work.enqueued_ms,
                              &work.run_at_ms,
                              &work.delay_ms,
                              &work.deadline_ms,
                              &work.since_ms,
                              &work.token,
                              &work.attempts,
                              &work.crashes,
                              &work.stops,
                              &work.runs,
                              &work.generation,
                              &work.parents,
                              &work.tag,
                              &work.rank};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    *numbers[i] = odd(state);
  if (draw(state, 2))
    work.every_ms = 0;
  if (draw(state, 3) == 0)
    far_work_set(&memory, &work.cron, crons[draw(state, 5)]);
  if (draw(state, 3) == 0)
    far_work_set(&memory, &work.zone,
                 draw(state, 2) ? "Europe/Berlin" : "Mars/Base");
  work.needs = (unsigned)odd(state);
  work.rules.backoff = (far_backoff)draw(state, FAR_BACKOFFS);
  work.missed = (far_missed)draw(state, FAR_MISSEDS);
  work.on_parent_fail = (far_parent_fail)draw(state, FAR_PARENT_FAILS);
  work.state = (far_work_state)draw(state, FAR_WORK_STATES);
  work.reason = (far_reason)draw(state, FAR_REASONS);
  return work;
}

static void handle(far_work *work, uint32_t *state) {
  far_moment now = at_of(odd(state), (far_profile)draw(state, FAR_PROFILES));
  now.chance = &chance;
  far_work other = odd_work(state);
  far_result result = {.end = (far_run_end)(1 + draw(state, FAR_RUN_ENDS - 1)),
                       .delay_ms = odd(state)};
  far_obstacle found[FAR_OBSTACLES_MAX];
  far_quota quota = {.count = (uint64_t)odd(state)};
  for (int i = 0; i < FAR_EXPEDITED_MAX; i++)
    quota.started_ms[i] = odd(state);
  switch (draw(state, 13)) {
  case 0:
    far_schedule_clamp(work, now.profile);
    break;
  case 1:
    far_schedule_enqueue(work, &now, odd(state), draw(state, 2));
    break;
  case 2:
    far_schedule_update(&memory, work, &other, &now);
    break;
  case 3:
    far_schedule_postpone(work, odd(state), &now);
    break;
  case 4:
    far_schedule_rank(work, odd(state), odd(state));
    break;
  case 5:
    far_schedule_start(&memory, work, &other.rules, &now);
    break;
  case 6:
    work->state = FAR_WORK_RUNNING;
    far_schedule_end(&memory, work, &result, &now);
    break;
  case 7:
    far_schedule_parent_ended(work, &other, &now);
    far_schedule_parent_redriven(work, &now);
    break;
  case 8:
    far_schedule_redrive(&memory, work, &now);
    break;
  case 9:
    far_schedule_move(work, odd(state), &now);
    break;
  case 10:
    far_schedule_catch_up(&memory, work, &now);
    break;
  case 11:
    far_schedule_give_up(work, &now);
    far_quota_take(&quota, &now);
    far_quota_has(&quota, &now);
    break;
  default:
    for (size_t i = far_schedule_explain(work, NULL, &now, found); i > 0; i--) {
      char text[300];
      far_obstacle_print(&found[i - 1], work, &now, text, sizeof text);
    }
  }
  drop(&other);
}

// Nothing overflows, and everything comes to an end.
static void test_odd_rows(void) {
  uint32_t state = 99;
  for (int i = 0; i < 20000; i++) {
    far_work work = odd_work(&state);
    for (int step = 0; step < 5; step++)
      handle(&work, &state);
    check(work.kind != NULL);
    drop(&work);
  }
}

// -- 100,000 lives ------------------------------------------------------------
//
// A queue in its plainest form, and what must hold of it at every step:
//
//   - what was enqueued stays, until it has ended: rows go nowhere
//   - no run starts before its time, outside its conditions, while it is
//     blocked or has ended, or at its deadline (begin_run)
//   - one run of a unit and of a name at a time; its token grows by one
//   - a late end changes nothing (end_run)
//   - attempts and crashes have a cap, and at the cap it has failed (check_row)
//   - what was cancelled does not start; who waits for it follows its rule
//   - periodic work: never two runs of a slot, every slot had a run or was
//     missed, and none drifts off the grid (begin_run, check_slots)
//   - what does not run can say why, and what cannot say why runs (check_row)
//   - in a kind world everything ends, and soon (converge)
//   - the same seed comes to the same (test_lives)

enum { ROWS = 10, RUNNING_MAX = 4, NAMES = 4, GROUPS = 3, STEPS = 24 };

// A row as a queue has it, and what was seen of it.
typedef struct kept {
  far_work work;
  int name, group; // Zero: none.
  int parents[2], parent_count;
  bool is_ready;
  int64_t token;                  // The last one.
  int64_t first, run, runs, done; // Slots of an interval, by their index.
  int64_t done_slot_ms;
  bool has_run, has_done, is_counted;
} kept;

typedef struct lived {
  uint32_t state;
  far_moment now;
  far_chance chance;
  kept rows[ROWS];
  int count;
  int64_t service;
  far_quota quota;
  farside_conditions conditions;
  bool is_defined;
  const char *broken; // What is wrong; NULL: nothing.
  int broken_line;
} lived;

static void require_at(lived *life, bool is_true, const char *what, int line) {
  if (!is_true && life->broken == NULL) {
    life->broken = what;
    life->broken_line = line;
  }
}

#define require(condition) require_at(life, condition, #condition, __LINE__)

static int running(const lived *life, int name) {
  int count = 0;
  for (int i = 0; i < life->count; i++)
    count += life->rows[i].work.state == FAR_WORK_RUNNING &&
             (name == 0 || life->rows[i].name == name);
  return count;
}

static bool is_name_running(const lived *life, const kept *row) {
  return row->name != 0 && running(life, row->name) > 0;
}

static int64_t index_of(const kept *row) {
  const far_work *work = &row->work;
  return work->every_ms > 0 ? (work->slot_ms - work->base_ms) / work->every_ms
                            : 0;
}

// From here on its slots are counted: after an enqueue, and after whatever may
// take it back, or somewhere else.
static void count_anew(kept *row) {
  row->is_counted = row->work.every_ms > 0;
  row->work.slots_missed = 0;
  row->first = row->run = index_of(row);
  row->has_run = row->work.state == FAR_WORK_RUNNING ||
                 row->work.reason == FAR_REASON_RETRY ||
                 row->work.reason == FAR_REASON_STOPPED ||
                 row->work.reason == FAR_REASON_CRASHED;
  row->runs = row->has_run;
  row->has_done = false;
}

static void tell_children(lived *life, int parent);

static void changed(lived *life, int which) {
  kept *row = &life->rows[which];
  if (row->work.state != FAR_WORK_ENQUEUED || row->work.tag == 0)
    row->is_ready = false;
  if (far_work_is_final(&row->work))
    tell_children(life, which);
}

static void tell_children(lived *life, int parent) {
  for (int i = 0; i < life->count; i++)
    for (int p = 0; p < life->rows[i].parent_count; p++)
      if (life->rows[i].parents[p] == parent &&
          far_schedule_parent_ended(&life->rows[i].work,
                                    &life->rows[parent].work, &life->now))
        changed(life, i);
}

static far_app_now app_of(const lived *life, const kept *row) {
  return (far_app_now){.conditions = life->conditions,
                       .is_defined = life->is_defined,
                       .is_name_running = is_name_running(life, row),
                       .is_full = running(life, 0) >= RUNNING_MAX,
                       .may_start = true};
}

static bool is_free(const lived *life, const kept *row) {
  far_app_now app = app_of(life, row);
  far_obstacle found[FAR_OBSTACLES_MAX];
  return far_schedule_explain(&row->work, &app, &life->now, found) == 0;
}

static bool is_expedited(const lived *life, const kept *row) {
  return row->work.expedite != FAR_EXPEDITE_NO &&
         far_quota_has(&life->quota, &life->now);
}

static bool is_before(const lived *life, const kept *a, const kept *b) {
  if (is_expedited(life, a) != is_expedited(life, b))
    return is_expedited(life, a);
  return a->work.rank < b->work.rank;
}

static void begin_run(lived *life, kept *row) {
  far_work *work = &row->work;
  require(work->state == FAR_WORK_ENQUEUED && work->parents == 0);
  require(row->is_ready && work->tag > 0);
  require(far_schedule_unmet(work->needs, &life->conditions) == 0);
  require(!is_name_running(life, row) && running(life, 0) < RUNNING_MAX);
  require(work->deadline_ms == 0 || work->deadline_ms > life->now.wall_ms);
  if (is_expedited(life, row))
    far_quota_take(&life->quota, &life->now);
  far_schedule_start(&memory, work, NULL, &life->now);
  row->is_ready = false;
  life->service = work->tag > life->service ? work->tag : life->service;
  require(work->token == row->token + 1);
  row->token = work->token;
  if (!far_work_is_periodic(work))
    return;
  // Never two runs for one slot, once it is done with.
  if (row->is_counted) {
    require(!row->has_done || index_of(row) > row->done);
    if (!row->has_run || row->run != index_of(row))
      row->runs++;
    row->has_run = true;
    row->run = index_of(row);
  } else if (work->cron != NULL) {
    require(!row->has_done || work->slot_ms > row->done_slot_ms);
  }
}

// Every slot had a run, was missed, or is the present one.
static void check_slots(lived *life, const kept *row) {
  const far_work *work = &row->work;
  if (!row->is_counted || far_work_is_final(work))
    return;
  int64_t index = index_of(row);
  int64_t runs_before = row->runs - (row->has_run && row->run == index);
  require((work->slot_ms - work->base_ms) % work->every_ms == 0);
  require(index - row->first == runs_before + work->slots_missed);
  require(work->slots_left >= 0 && work->slots_left < FAR_MISSED_MAX);
}

static void check_row(lived *life, const kept *row) {
  const far_work *work = &row->work;
  require(work->attempts <= work->rules.retry_max + 1);
  require(work->crashes <= work->rules.crashes_max);
  require(work->reason != FAR_REASON_ATTEMPTS ||
          (work->state == FAR_WORK_FAILED &&
           work->attempts == work->rules.retry_max + 1));
  require(work->reason != FAR_REASON_CRASH_LOOP ||
          work->state == FAR_WORK_FAILED);
  require(work->state == FAR_WORK_BLOCKED || far_work_is_final(work) ||
          work->parents == 0);
  require(row->token == work->token);
  require(!far_work_is_periodic(work) || work->state != FAR_WORK_SUCCEEDED);
  require(row->name == 0 || running(life, row->name) <= 1);
  check_slots(life, row);
  // Whoever waits can say why.
  if (work->state == FAR_WORK_ENQUEUED || work->state == FAR_WORK_BLOCKED)
    require(!is_free(life, row));
}

static void make_ready(lived *life, kept *row) {
  int64_t last = 0;
  for (int i = 0; i < life->count; i++)
    if (life->rows[i].is_ready && life->rows[i].group == row->group &&
        life->rows[i].work.tag > last)
      last = life->rows[i].work.tag;
  require(row->work.run_at_ms <= life->now.wall_ms);
  far_schedule_rank(&row->work, last, life->service);
  row->is_ready = true;
}

static void promote(lived *life) {
  for (int i = 0; i < life->count; i++) {
    kept *row = &life->rows[i];
    if (far_schedule_give_up(&row->work, &life->now))
      changed(life, i);
    if (row->work.state != FAR_WORK_ENQUEUED || row->is_ready ||
        row->work.run_at_ms > life->now.wall_ms)
      continue;
    far_schedule_catch_up(&memory, &row->work, &life->now);
    if (row->work.run_at_ms <= life->now.wall_ms)
      make_ready(life, row);
  }
}

// Whatever can start starts, and nothing else.
static void settle(lived *life) {
  promote(life);
  for (;;) {
    kept *best = NULL;
    for (int i = 0; i < life->count; i++) {
      kept *row = &life->rows[i];
      if (row->is_ready && is_free(life, row) &&
          (best == NULL || is_before(life, row, best)))
        best = row;
    }
    if (best == NULL)
      break;
    begin_run(life, best);
  }
  for (int i = 0; i < life->count; i++)
    check_row(life, &life->rows[i]);
}

static void end_run(lived *life, int which, far_run_end how, int64_t delay_ms) {
  kept *row = &life->rows[which];
  int64_t index = index_of(row), slot_ms = row->work.slot_ms;
  far_result result = {.end = how, .delay_ms = delay_ms};
  far_schedule_end(&memory, &row->work, &result, &life->now);
  require(row->work.state != FAR_WORK_RUNNING);
  if (far_work_is_periodic(&row->work) &&
      row->work.state == FAR_WORK_ENQUEUED && row->work.slot_ms != slot_ms) {
    row->done = index;
    row->done_slot_ms = slot_ms;
    row->has_done = true;
    // A clock that was set back by more than a day begins anew.
    if (row->work.slot_ms < slot_ms)
      count_anew(row);
  }
  changed(life, which);
  // Told again, as by somebody who was thought to be dead.
  far_work before = row->work;
  result.end = FAR_RUN_FAILED;
  far_schedule_end(&memory, &row->work, &result, &life->now);
  require(memcmp(&before, &row->work, sizeof before) == 0);
}

static void draw_needs(lived *life, far_work *work) {
  if (draw(&life->state, 3) == 0)
    work->needs = 1U << draw(&life->state, 6);
  work->priority = draw(&life->state, 4) == 0 ? draw(&life->state, 21) - 10 : 0;
  // Not periodic work: it would be first in each of its slots.
  if (!far_work_is_periodic(work) && draw(&life->state, 5) == 0)
    work->expedite = FAR_EXPEDITE_OR_NORMAL;
}

static void draw_period(lived *life, far_work *work) {
  static const char *const crons[] = {"0 * * * *", "30 2 * * *", "*/10 * * * *",
                                      "0 9 * * 1-5"};
  work->missed = (far_missed)draw(&life->state, FAR_MISSEDS);
  if (draw(&life->state, 3) == 0) {
    far_work_set(&memory, &work->cron, crons[draw(&life->state, 4)]);
    if (draw(&life->state, 2))
      far_work_set(&memory, &work->zone, "Europe/Berlin");
    return;
  }
  work->every_ms = (1 + draw(&life->state, 200)) * (int64_t)MINUTE;
  work->flex_ms = draw(&life->state, 2)
                      ? draw(&life->state, 101) * work->every_ms / 100
                      : 0;
  far_schedule_clamp(work, life->now.profile);
}

static void enqueue(lived *life) {
  if (life->count == ROWS)
    return;
  kept *row = &life->rows[life->count];
  *row = (kept){.name = draw(&life->state, NAMES),
                .group = draw(&life->state, GROUPS)};
  far_work *work = &row->work;
  work->id = life->count + 1;
  work->rules = far_rules_default(life->now.profile);
  work->rules.retry_max = draw(&life->state, 4);
  work->rules.backoff = (far_backoff)draw(&life->state, FAR_BACKOFFS);
  work->rules.crashes_max = 1 + draw(&life->state, 3);
  bool is_periodic = draw(&life->state, 3) == 0;
  if (is_periodic)
    draw_period(life, work);
  draw_needs(life, work);
  if (!is_periodic && draw(&life->state, 3) == 0)
    work->deadline_ms = life->now.wall_ms + 1 + draw(&life->state, 2 * DAY);
  if (!is_periodic && life->count > 0 && draw(&life->state, 3) == 0) {
    row->parent_count = 1 + draw(&life->state, 2);
    work->on_parent_fail =
        (far_parent_fail)draw(&life->state, FAR_PARENT_FAILS);
    for (int p = 0; p < row->parent_count; p++)
      row->parents[p] = (life->count + p) % 2 == 0
                            ? life->count - 1
                            : draw(&life->state, life->count);
    if (row->parent_count == 2 && row->parents[0] == row->parents[1])
      row->parent_count = 1;
    work->parents = row->parent_count;
  }
  int64_t delay_ms = draw(&life->state, 2) ? draw(&life->state, 3 * HOUR) : 0;
  far_schedule_enqueue(work, &life->now, delay_ms, draw(&life->state, 2));
  count_anew(row);
  life->count++;
  for (int p = 0; p < row->parent_count; p++)
    if (far_work_is_final(&life->rows[row->parents[p]].work) &&
        far_schedule_parent_ended(work, &life->rows[row->parents[p]].work,
                                  &life->now))
      changed(life, life->count - 1);
}

// What a queue does when the clock was moved: by so much, or by nobody knows.
static void move_rows(lived *life, int64_t by_ms) {
  for (int i = 0; i < life->count; i++) {
    kept *row = &life->rows[i];
    bool is_waiting = row->work.state == FAR_WORK_ENQUEUED && !row->is_ready;
    if (is_waiting || row->work.deadline_ms > 0) {
      int64_t slot_ms = row->work.slot_ms;
      far_schedule_move(&row->work, by_ms, &life->now);
      if (row->work.cron != NULL && row->work.slot_ms < slot_ms)
        count_anew(row);
    }
  }
}

static void move_clock(lived *life) {
  static const int64_t spans[] = {MINUTE, HOUR, DAY, 400 * (int64_t)DAY};
  int64_t by_ms =
      spans[draw(&life->state, 4)] / 1000 * (draw(&life->state, 2001) - 1000);
  life->now.wall_ms += by_ms;
  move_rows(life, draw(&life->state, 2) ? by_ms : 0);
}

static void redrive(lived *life, int which) {
  kept *row = &life->rows[which];
  if (!far_schedule_redrive(&memory, &row->work, &life->now))
    return;
  count_anew(row);
  for (int i = 0; i < life->count; i++)
    for (int p = 0; p < life->rows[i].parent_count; p++)
      if (life->rows[i].parents[p] == which)
        far_schedule_parent_redriven(&life->rows[i].work, &life->now);
}

static void update(lived *life, int which) {
  kept *row = &life->rows[which];
  if (far_work_is_final(&row->work))
    return;
  far_work with = {.rules = row->work.rules};
  bool is_same = draw(&life->state, 2);
  if (far_work_is_periodic(&row->work) && !is_same) {
    draw_period(life, &with);
  } else {
    with.every_ms = row->work.every_ms;
    with.flex_ms = row->work.flex_ms;
    with.missed = row->work.missed;
    with.deadline_ms = row->work.deadline_ms;
    far_work_set(&memory, &with.cron, row->work.cron);
    far_work_set(&memory, &with.zone, row->work.zone);
  }
  draw_needs(life, &with);
  far_schedule_update(&memory, &row->work, &with, &life->now);
  far_work_deinit(&memory, &with);
  if (!is_same)
    count_anew(row);
  changed(life, which);
}

static void end_some(lived *life) {
  static const far_run_end ends[] = {
      FAR_RUN_SUCCEEDED, FAR_RUN_SUCCEEDED, FAR_RUN_RETRY,  FAR_RUN_RETRY,
      FAR_RUN_FAILED,    FAR_RUN_STOPPED,   FAR_RUN_STOPPED};
  for (int i = 0; i < life->count; i++)
    if (life->rows[i].work.state == FAR_WORK_RUNNING && draw(&life->state, 2))
      end_run(life, i, ends[draw(&life->state, 7)],
              draw(&life->state, 4) == 0 ? draw(&life->state, HOUR) : 0);
}

// The app dies: every run ends, and nobody has defined anything.
static void die(lived *life) {
  for (int i = 0; i < life->count; i++)
    if (life->rows[i].work.state == FAR_WORK_RUNNING)
      end_run(life, i, FAR_RUN_CRASHED, 0);
  life->is_defined = false;
}

static void draw_conditions(lived *life) {
  life->conditions = (farside_conditions){
      (farside_network)draw(&life->state, 3), draw(&life->state, 2),
      draw(&life->state, 2), draw(&life->state, 2), draw(&life->state, 2)};
}

static void step(lived *life) {
  int which = life->count > 0 ? draw(&life->state, life->count) : 0;
  switch (draw(&life->state, 16)) {
  case 0:
  case 1:
  case 2:
    enqueue(life);
    break;
  case 3:
    die(life);
    break;
  case 4:
    move_clock(life);
    break;
  case 5:
    draw_conditions(life);
    break;
  case 6:
    if (life->count > 0 &&
        far_schedule_cancel(&life->rows[which].work, FAR_REASON_CANCELLED,
                            &life->now))
      changed(life, which);
    break;
  case 7:
    if (life->count > 0)
      redrive(life, which);
    break;
  case 8:
    if (life->count > 0)
      update(life, which);
    break;
  case 9:
    if (life->count > 0 &&
        far_schedule_postpone(&life->rows[which].work, draw(&life->state, HOUR),
                              &life->now))
      changed(life, which);
    break;
  case 10:
    life->now.wall_ms += draw(&life->state, 3 * DAY);
    break;
  default:
    life->now.wall_ms += draw(&life->state, HOUR);
    end_some(life);
  }
  life->is_defined = life->is_defined || draw(&life->state, 2);
  settle(life);
}

static bool is_held(const lived *life, const kept *row) {
  for (int p = 0; p < row->parent_count; p++) {
    const kept *parent = &life->rows[row->parents[p]];
    if (row->work.state == FAR_WORK_BLOCKED &&
        (parent->work.state == FAR_WORK_FAILED ||
         parent->work.state == FAR_WORK_CANCELLED ||
         far_work_is_periodic(&parent->work) || is_held(life, parent)))
      return true;
  }
  return false;
}

static bool is_settled(const lived *life) {
  for (int i = 0; i < life->count; i++)
    if (!far_work_is_periodic(&life->rows[i].work) &&
        !far_work_is_final(&life->rows[i].work) &&
        !is_held(life, &life->rows[i]))
      return false;
  return true;
}

// The world is kind from now on: everything comes to its end, and soon.
static void converge(lived *life) {
  life->conditions =
      (farside_conditions){FARSIDE_NETWORK_WIFI, true, true, true, true};
  life->is_defined = true;
  move_rows(life, 0);
  // One of a lower priority may wait as long as it may be overtaken.
  const int rounds = 3 * FAR_PRIORITY_MAX * FAR_PRIORITY_PLACES;
  for (int round = 0; round < rounds && !is_settled(life); round++) {
    settle(life);
    for (int i = 0; i < life->count; i++)
      if (life->rows[i].work.state == FAR_WORK_RUNNING)
        end_run(life, i, FAR_RUN_SUCCEEDED, 0);
    int64_t next_ms = INT64_MAX;
    for (int i = 0; i < life->count; i++)
      if (life->rows[i].work.state == FAR_WORK_ENQUEUED &&
          life->rows[i].work.run_at_ms < next_ms)
        next_ms = life->rows[i].work.run_at_ms;
    if (next_ms > life->now.wall_ms && next_ms < INT64_MAX)
      life->now.wall_ms = next_ms;
  }
  require(is_settled(life));
}

// What has become of everything, as one number.
static uint64_t live(uint32_t seed, lived *life) {
  *life = (lived){.state = seed * 2654435761u + 1, .is_defined = true};
  far_chance_init(&life->chance, seed, FAR_CHANCE_RANDOM, 0);
  life->now = at_of(noon, (far_profile)draw(&life->state, FAR_PROFILES));
  life->now.chance = &life->chance;
  draw_conditions(life);
  for (int i = 0; i < STEPS && life->broken == NULL; i++)
    step(life);
  if (life->broken == NULL)
    converge(life);
  uint64_t hash = (uint64_t)life->now.wall_ms;
  for (int i = 0; i < life->count; i++) {
    const far_work *work = &life->rows[i].work;
    int64_t facts[] = {work->state,    work->reason,     work->run_at_ms,
                       work->slot_ms,  work->token,      work->attempts,
                       work->rank,     work->since_ms,   work->crashes,
                       work->delay_ms, work->slots_left, work->slots_missed};
    for (size_t f = 0; f < sizeof facts / sizeof *facts; f++)
      hash = (hash ^ (uint64_t)facts[f]) * UINT64_C(1099511628211);
    far_work_deinit(&memory, &life->rows[i].work);
  }
  return hash;
}

static uint32_t number_of(const char *name, uint32_t otherwise) {
  const char *text = getenv(name);
  return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

static void test_lives(void) {
  static lived life, again;
  uint32_t seed = number_of("SEED", 1), count = number_of("SCHEDULES", 100000);
  int64_t runs = 0, rows = 0;
  bool is_same = true;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t hash = live(seed + i, &life);
    if (life.broken != NULL) {
      printf("line %d: SEED=%u SCHEDULES=1\n", life.broken_line, seed + i);
      check_in(false, life.broken);
      return;
    }
    if (i % 64 == 0)
      is_same = is_same && live(seed + i, &again) == hash;
    for (int r = 0; r < life.count; r++)
      runs += life.rows[r].token;
    rows += life.count;
  }
  check(is_same);
  check(runs > rows);
  printf("%u schedules from seed %u: %" PRId64 " units, %" PRId64 " runs\n",
         count, seed, rows, runs);
}

int main(void) {
  far_memory_init(&memory, allocate, NULL);
  far_zone_read("UTC", &utc);
  far_chance_init(&chance, 1, FAR_CHANCE_RANDOM, 0);
  test_once();
  test_backoff();
  test_chosen_delay();
  test_jitter();
  test_stops();
  test_crashes();
  test_deadline();
  test_cancel();
  test_chains();
  test_period();
  test_retry_in_slot();
  test_missed();
  test_missed_flex();
  test_missed_cron();
  test_move();
  test_move_cron();
  test_rezone();
  test_update();
  test_update_period();
  test_update_rules();
  test_postpone();
  test_clamps();
  test_needs();
  test_quota();
  test_fairness();
  test_no_starvation();
  test_priority();
  test_explain();
  test_explain_states();
  test_shortage();
  test_slots();
  test_odd_rows();
  test_lives();
  check(memory.used_bytes == 0);
  return check_end();
}
