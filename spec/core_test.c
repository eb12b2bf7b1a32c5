// The pure core, told what time it is: the order of timers against a plain
// list, ids that outlive what they name, durations, and the rules of each OS.

#include "duration.h"
#include "policy.h"
#include "slots.h"
#include "timer.h"

#include <stdio.h>
#include <string.h>

static int passed, failed;

static void check_at(bool is_true, const char *what, const char *detail,
                     int line) {
  passed += is_true;
  failed += !is_true;
  if (!is_true)
    printf("not ok: line %d: %s %s\n", line, what, detail);
}

#define check(condition) check_at((condition), #condition, "", __LINE__)

// The same numbers on every machine.
static uint32_t draw(uint32_t *state, uint32_t limit) {
  *state = *state * 1664525u + 1013904223u;
  return (*state >> 8) % limit;
}

// -- Timers -------------------------------------------------------------------

enum { TIMERS = 200, MOVES = 20000 };

static void fire(far_timer *timer, uint64_t now_ms) {
  (void)timer;
  (void)now_ms;
}

// What far_timers_next() must answer, found by looking at every timer.
static far_timer *first_of(far_timer *timers, bool asleep) {
  far_timer *first = NULL;
  for (size_t i = 0; i < TIMERS; i++) {
    far_timer *timer = &timers[i];
    bool counts =
        timer->place != 0 && !(asleep && timer->kind == FAR_TIMER_SCRIPT);
    if (counts &&
        (first == NULL || timer->when_ms < first->when_ms ||
         (timer->when_ms == first->when_ms && timer->born < first->born)))
      first = timer;
  }
  return first;
}

static void test_timers(far_memory *memory) {
  far_timers timers;
  static far_timer all[TIMERS];
  uint32_t state = 1;
  bool agrees = true;
  far_timers_init(&timers, memory);
  check(far_timers_next(&timers, false) == NULL);
  for (size_t i = 0; i < TIMERS; i++)
    check(far_timer_init(&timers, &all[i],
                         draw(&state, 3) ? FAR_TIMER_SCRIPT : FAR_TIMER_HOST,
                         fire) == FARSIDE_OK);
  for (int i = 0; i < MOVES; i++) {
    far_timer *timer = &all[draw(&state, TIMERS)];
    if (draw(&state, 3) == 0)
      far_timer_stop(&timers, timer);
    else
      far_timer_start(&timers, timer, draw(&state, 50)); // Many ties.
    bool asleep = draw(&state, 2);
    agrees =
        agrees && far_timers_next(&timers, asleep) == first_of(all, asleep);
  }
  check(agrees);
  far_timer_start(&timers, &all[0], FAR_NEVER);
  check(all[0].place == 0);
  for (size_t i = 0; i < TIMERS; i++)
    far_timer_deinit(&timers, &all[i]);
  far_timers_deinit(&timers);
}

// -- Slots --------------------------------------------------------------------

enum { ITEMS = 300 };

static void test_slots(far_memory *memory) {
  far_slots slots;
  static int items[ITEMS];
  static uint64_t ids[ITEMS];
  uint32_t state = 2;
  uint64_t newest = 0;
  bool grows = true, finds = true;
  far_slots_init(&slots, memory, 1000);
  check(far_slots_get(&slots, 1000) == NULL);
  check(far_slots_ending(&slots, 0, -1) == -1);
  for (int i = 0; i < MOVES; i++) {
    size_t at = draw(&state, ITEMS);
    if (ids[at] == 0) {
      ids[at] = far_slots_add(&slots, &items[at]);
      grows = grows && ids[at] > newest;
      newest = ids[at];
    } else {
      uint64_t id = ids[at];
      finds = finds && far_slots_get(&slots, id) == &items[at];
      far_slots_remove(&slots, id, 7);
      finds = finds && far_slots_get(&slots, id) == NULL &&
              far_slots_ending(&slots, id, -1) == 7;
      ids[at] = 0;
    }
  }
  for (size_t i = 0; i < ITEMS; i++)
    finds =
        finds && (ids[i] == 0 || far_slots_get(&slots, ids[i]) == &items[i]);
  check(grows);
  check(finds);
  check(far_slots_ending(&slots, 0, -1) == -1);
  check(far_slots_ending(&slots, newest + 1, -1) == -1);
  far_slots_deinit(&slots);
}

// -- Durations ----------------------------------------------------------------

static void test_durations(void) {
  static const struct {
    const char *text;
    uint64_t ms;
  } good[] = {{"0s", 0},          {"500ms", 500},
              {"20s", 20000},     {"1m30s", 90000},
              {"1h30m", 5400000}, {"1.5s", 1500},
              {"2d", 172800000},  {"0.4ms", 0},
              {"1s1s", 2000},     {"1000000d", 86400000000000}};
  static const char *const bad[] = {
      "",    "5",     "s",
      "-5s", "+5s",   "5 s",
      " 5s", "5s ",   "5x",
      "5sm", "1e3s",  "0x5s",
      ".5s", "5..5s", "99999999999999999999999999999999999999d"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    uint64_t ms = 1;
    bool is_read = far_duration_parse(good[i].text, &ms);
    check_at(is_read && ms == good[i].ms, "reads", good[i].text, __LINE__);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    uint64_t ms = 42;
    bool is_read = far_duration_parse(bad[i], &ms);
    check_at(!is_read && ms == 42, "refuses", bad[i], __LINE__);
  }
}

// -- Policy -------------------------------------------------------------------

// The tighter of two values: for all of these the smaller one, but where the
// rule is whether something is shared.
static int64_t tighter(far_constant constant, int64_t a, int64_t b) {
  static const bool larger[FAR_CONSTANTS] = {
      [FAR_EXEC_BUDGET_SCOPE] = true,
      [FAR_FETCH_DELAY_MAX] = true,
      [FAR_PROCESSING_NEEDS_IDLE] = true,
      [FAR_FORCE_QUIT_BLOCKS_PROCESSING] = true,
      [FAR_SWIPE_BLOCKS_BACKGROUND] = true,
      [FAR_BATTERY_LOW] = true,
  };
  bool is_larger = larger[constant];
  return (a < b) == is_larger ? b : a;
}

// A lead before the limit is tighter when it is longer.
static bool is_compared(far_constant constant, far_mark ios, far_mark android) {
  return ios != FAR_ABSENT && android != FAR_ABSENT &&
         constant != FAR_EXPIRY_LEAD;
}

static void test_policy(void) {
  for (int c = 0; c < FAR_CONSTANTS; c++) {
    far_constant constant = (far_constant)c;
    const char *name = far_constant_name(constant);
    check_at(strlen(far_constant_unit(constant)) > 0, "has a unit", name,
             __LINE__);
    for (int p = 0; p < FAR_PROFILES; p++) {
      const far_value *value = far_policy_value((far_profile)p, constant);
      bool is_absent = value->mark == FAR_ABSENT;
      check_at(is_absent == (value->source[0] == '\0'), "has a source", name,
               __LINE__);
      check_at(!is_absent || value->value == 0, "is zero where absent", name,
               __LINE__);
      check_at(strlen(far_mark_name(value->mark)) > 0, "has a mark", name,
               __LINE__);
    }
    const far_value *ios = far_policy_value(FAR_PROFILE_IOS, constant);
    const far_value *android = far_policy_value(FAR_PROFILE_ANDROID, constant);
    if (is_compared(constant, ios->mark, android->mark))
      check_at(far_policy_get(FAR_PROFILE_STRICT, constant) ==
                   tighter(constant, ios->value, android->value),
               "is the tighter one in strict", name, __LINE__);
  }
  check(far_policy_exec_end_ms(FAR_PROFILE_IOS) == 30000);
  check(far_policy_exec_end_ms(FAR_PROFILE_ANDROID) == 190000);
  check(far_policy_warning_ms(FAR_PROFILE_IOS, 30000) == 5000);
  check(far_policy_warning_ms(FAR_PROFILE_IOS, 1000) == 200);
  far_profile profile;
  check(far_profile_find("strict", &profile) && profile == FAR_PROFILE_STRICT);
  check(!far_profile_find("Strict", &profile));
}

int main(void) {
  far_memory memory;
  far_memory_init(&memory, NULL, NULL);
  test_timers(&memory);
  test_slots(&memory);
  test_durations();
  test_policy();
  check(memory.used_bytes == 0);
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
