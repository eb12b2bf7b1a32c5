// What finds broken rules, by itself: windows against a plain list, causes that
// are kept and counted, and facts that nobody wants to hear. Which fact breaks
// which rule is in rules_spec, which runs apps.

#include "audit.h"
#include "check.h"
#include "draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// -- Windows ------------------------------------------------------------------

enum { EVENTS = 5000, SPAN_MS = 60000 };

static uint64_t when_ms[EVENTS], amounts[EVENTS];

static uint64_t sum_since(size_t count, uint64_t from_ms) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += when_ms[i] >= from_ms ? amounts[i] : 0;
  return sum;
}

// It never looks back further than its span, and misses a sixtieth of it at
// most.
static void test_window(void) {
  far_window window;
  far_window_init(&window, SPAN_MS);
  uint32_t state = 1;
  uint64_t now_ms = 0;
  bool is_sound = true, is_near = true;
  for (size_t i = 0; i < EVENTS; i++) {
    now_ms += draw(&state, i % 50 == 0 ? 3 * SPAN_MS : 2000);
    when_ms[i] = now_ms;
    amounts[i] = draw(&state, 100);
    far_window_add(&window, now_ms, amounts[i]);
    uint64_t part_ms = SPAN_MS / FAR_WINDOW_PARTS;
    uint64_t from_ms = now_ms > SPAN_MS ? now_ms - SPAN_MS + 1 : 0;
    is_sound = is_sound && window.sum <= sum_since(i + 1, from_ms);
    is_near = is_near && window.sum >= sum_since(i + 1, from_ms + part_ms);
  }
  check(is_sound);
  check(is_near);
  far_window_clear(&window);
  check(window.sum == 0);
}

static void test_span(void) {
  far_window window;
  far_window_init(&window, SPAN_MS);
  far_window_add_span(&window, 500, 30500);
  check(window.sum == 30000);
  far_window_add_span(&window, 30500, 30500);
  far_window_add_span(&window, 40500, 40400);
  check(window.sum == 30000);
  far_window_add_span(&window, 30500, 60500);
  check(window.sum >= SPAN_MS - 1000 && window.sum <= SPAN_MS);
  far_window_add_span(&window, 60500, 100 * SPAN_MS);
  check(window.sum >= SPAN_MS - 1000 && window.sum <= SPAN_MS);
  far_window never;
  far_window_init(&never, 0);
  far_window_add(&never, 5, 5);
  far_window_add_span(&never, 0, 5);
  check(never.sum == 0);
}

// -- Causes -------------------------------------------------------------------

static far_memory memory;
static unsigned told;
static size_t fails_from; // Allocations from this one on fail; zero: none.
static size_t allocations;

static void *allocate(void *user, void *ptr, size_t bytes_old,
                      size_t bytes_new) {
  (void)user;
  (void)bytes_old;
  if (bytes_new == 0) {
    free(ptr);
    return NULL;
  }
  allocations++;
  if (fails_from != 0 && allocations >= fails_from)
    return NULL;
  return realloc(ptr, bytes_new);
}

static void hear(void *user, const far_violation *violation) {
  (void)user;
  told++;
  check(violation->why != NULL && violation->count == 1);
}

static far_violations fresh(void) {
  told = 0;
  far_memory_init(&memory, allocate, NULL);
  return (far_violations){
      .memory = &memory, .profile = FAR_PROFILE_IOS, .found = hear};
}

static void test_causes(void) {
  far_violations all = fresh();
  far_whom here = {.script = "app", .where = "app.lua:1"};
  far_whom there = {.script = "app", .where = "app.lua:2"};
  uint64_t failures, warnings;
  for (int i = 0; i < 3; i++)
    far_violations_add(&all, FAR_RULE_BG03, false, &here, 10, "why %d", i);
  far_violations_add(&all, FAR_RULE_BG03, false, &there, 20, "why");
  far_violations_add(&all, FAR_RULE_BG01, false, &here, 30, "why");
  // No rule of ios.
  far_violations_add(&all, FAR_RULE_RS03, false, &here, 30, "why");
  check(told == 3 && all.count == 3);
  check(strcmp(all.causes[0].why, "why 0") == 0 && all.causes[0].count == 3);
  far_violations_sum(&all, &failures, &warnings);
  check(failures == 1 && warnings == 4);
  // A milder case is a cause of its own.
  far_violations_add(&all, FAR_RULE_BG09, true, &here, 40, "why");
  far_violations_add(&all, FAR_RULE_BG09, false, &here, 40, "why");
  check(all.count == 5 && all.causes[3].severity == FAR_SEVERITY_WARNING);
  check(all.causes[4].severity == FAR_SEVERITY_ERROR);
  far_violations_take_back(&all, FAR_RULE_BG01, &here);
  far_violations_take_back(&all, FAR_RULE_BG01, &here);
  check(far_violations_count(&all, FAR_RULE_BG01, &here) == 0);
  far_violations_add(&all, FAR_RULE_BG01, false, &here, 50, "again");
  check(told == 6 && all.count == 5);
  check(strcmp(all.causes[2].why, "again") == 0);
  far_violations_deinit(&all);
  check(memory.used_bytes == 0);
}

// A script makes places as it likes: so many are told, the others are counted.
static void test_many_causes(void) {
  far_violations all = fresh();
  char where[32];
  uint64_t failures, warnings;
  for (int i = 0; i < 3000; i++) {
    snprintf(where, sizeof where, "app.lua:%d", i);
    far_whom whom = {.script = "app", .where = where};
    far_violations_add(&all, i % 3 ? FAR_RULE_BG03 : FAR_RULE_BG01, false,
                       &whom, 0, "why");
  }
  far_violations_sum(&all, &failures, &warnings);
  check(told == 1024 && all.count == 1024);
  check(failures == 1000 && warnings == 2000);
  far_violations_deinit(&all);
  check(memory.used_bytes == 0);
}

// Without memory a cause is told all the same.
static void test_no_memory(void) {
  far_whom whom = {.script = "app", .where = "app.lua:1"};
  for (fails_from = 1; fails_from < 8; fails_from++) {
    far_violations all = fresh();
    allocations = 0;
    far_violations_add(&all, FAR_RULE_BG01, false, &whom, 0, "why");
    check(told == 1 && all.count == (allocations < fails_from));
    far_violations_deinit(&all);
    check(memory.used_bytes == 0);
  }
  fails_from = 0;
}

// -- Facts --------------------------------------------------------------------

static void test_no_audit(void) {
  far_whom nobody = {0};
  far_audit_moved(NULL, FAR_APP_ACTIVE, 0);
  far_audit_hurried(NULL);
  far_audit_began(NULL, &nobody, 1, false, 0);
  far_audit_refused(NULL, &nobody, 1, 0);
  far_audit_announced(NULL, &nobody, false, 0);
  far_audit_handler_began(NULL, &nobody, 0);
  far_audit_handler_ended(NULL, &nobody, 0);
  far_audit_lost(NULL, &nobody, 0, 0);
  far_audit_ended(NULL, &nobody, &(far_task_end){0}, 0);
  far_audit_missed(NULL, &nobody, 7, FARSIDE_NOTASK, 0);
  check(far_audit_timer_set(NULL, &nobody, 0) == 0);
  check(far_audit_slept(NULL, &nobody) == 0);
  far_audit_fired(NULL, 7, 0);
  far_audit_turn(NULL, &nobody, false, 0);
  far_audit_granted(NULL, 0);
  far_audit_pushed(NULL, 0);
}

// More places than there is room for: they count, and nobody is blamed.
static void test_places(void) {
  static far_audit audit;
  audit = (far_audit){.violations = fresh()};
  far_audit_init(&audit);
  char where[32];
  for (int i = 0; i < 100; i++) {
    snprintf(where, sizeof where, "app.lua:%d", i);
    far_whom whom = {.script = "app", .where = where};
    uint16_t place = far_audit_timer_set(&audit, &whom, 0);
    check(place == (i < FAR_AUDIT_PLACES ? i + 1 : 0));
    check(far_audit_slept(&audit, &whom) == place);
  }
  for (uint64_t now_ms = 1; now_ms <= 45001; now_ms++) {
    far_audit_fired(&audit, 0, now_ms);
    far_audit_fired(&audit, now_ms % 9 == 0 ? 5 : 6, now_ms);
  }
  check(told == 1 && audit.violations.causes[0].rule == FAR_RULE_RS02);
  check(strcmp(audit.violations.causes[0].where, "app.lua:5") == 0);
  far_audit_deinit(&audit);
  check(memory.used_bytes == 0);
}

int main(void) {
  test_window();
  test_span();
  test_causes();
  test_many_causes();
  test_no_memory();
  test_no_audit();
  test_places();
  return check_end();
}
