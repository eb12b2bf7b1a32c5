// The pure core, told what time it is: the order of timers against a plain
// list, ids that outlive what they name, durations, the constants of each OS,
// the rules, and what frames keep.

#include "check.h"
#include "draw.h"
#include "duration.h"
#include "policy.h"
#include "reserve.h"
#include "rule.h"
#include "slots.h"
#include "timer.h"

#include <stdio.h>
#include <string.h>

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
    else if (draw(&state, 20) == 0)
      far_timer_renew(&timers, timer);
    else // Many ties, and instants that are looked up at one place.
      far_timer_start(&timers, timer,
                      draw(&state, 30) + draw(&state, 2) * FAR_TIMER_LEADERS);
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

static void test_durations_printed(void) {
  static const struct {
    uint64_t ms;
    const char *text;
  } rows[] = {{0, "0 s"},         {1, "1 ms"},
              {30000, "30 s"},    {90000, "1 min 30 s"},
              {900000, "15 min"}, {3870000, "1 h 4 min 30 s"},
              {86400000, "1 d"},  {90061001, "1 d 1 h 1 min 1 s 1 ms"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[64];
    far_duration_print(rows[i].ms, text, sizeof text);
    check_at(strcmp(text, rows[i].text) == 0, "prints", rows[i].text, __LINE__);
  }
  char small[6];
  far_duration_print(90061001, small, sizeof small);
  check(strlen(small) == 5);
}

// -- Policy -------------------------------------------------------------------

// Whether `strict` has the tighter one of two values.
static bool is_tighter(far_constant constant, int64_t strict, int64_t other) {
  return far_constant_tighter(constant) == FAR_TIGHTER_SMALLER
             ? strict <= other
             : strict >= other;
}

static bool is_present(far_profile profile, far_constant constant) {
  return far_policy_value(profile, constant)->mark != FAR_ABSENT;
}

// `strict` has a value of an OS, with its mark and source, and that OS is the
// tighter one, or the only one. Where two limits hold side by side, or only one
// OS has the service at all, nothing is compared.
static void test_strict(far_constant constant) {
  const char *name = far_constant_name(constant);
  const far_value *ios = far_policy_value(FAR_PROFILE_IOS, constant);
  const far_value *android = far_policy_value(FAR_PROFILE_ANDROID, constant);
  const far_value *strict = far_policy_value(FAR_PROFILE_STRICT, constant);
  bool has_ios = is_present(FAR_PROFILE_IOS, constant);
  bool has_android = is_present(FAR_PROFILE_ANDROID, constant);
  check_at(has_ios || has_android, "holds somewhere", name, __LINE__);
  if (far_constant_tighter(constant) == FAR_TIGHTER_NEITHER) {
    bool is_both = far_constant_strict(constant) == FAR_STRICT_BOTH;
    check_at(is_both || strict->mark == FAR_ABSENT, "is both or absent", name,
             __LINE__);
    check_at(is_both || has_ios != has_android, "is of one OS alone", name,
             __LINE__);
    return;
  }
  switch (far_constant_strict(constant)) {
  case FAR_STRICT_IOS:
    check_at(has_ios && strict == ios, "is that of ios", name, __LINE__);
    check_at(!has_android ||
                 is_tighter(constant, strict->value, android->value),
             "is the tighter one", name, __LINE__);
    break;
  case FAR_STRICT_ANDROID:
    check_at(has_android && strict == android, "is that of android", name,
             __LINE__);
    check_at(!has_ios || is_tighter(constant, strict->value, ios->value),
             "is the tighter one", name, __LINE__);
    break;
  default:
    check_at(false, "has the value of one OS in strict", name, __LINE__);
  }
}

static bool is_address(const char *text) {
  return strncmp(text, "https://", 8) == 0;
}

// What is known was read somewhere; what is assumed was, or is ours.
static void test_value(const far_value *value, const char *name) {
  switch (value->mark) {
  case FAR_ABSENT:
    check_at(value->value == 0, "is zero where absent", name, __LINE__);
    check_at(!is_address(value->source), "says why it is absent", name,
             __LINE__);
    break;
  case FAR_DOCUMENTED:
  case FAR_SECONDARY:
    check_at(is_address(value->source), "has a source", name, __LINE__);
    break;
  case FAR_ASSUMED:
    check_at(is_address(value->source) ||
                 strncmp(value->source, "ours: ", 6) == 0,
             "has a source or a reason", name, __LINE__);
    break;
  default:
    check_at(false, "has a mark", name, __LINE__);
  }
  check_at(value->value >= 0, "is not negative", name, __LINE__);
}

static void test_constants(void) {
  static const char *const units[] = {
      "ms",       "scope", "bool",       "tasks",      "requests",   "jobs",
      "timeouts", "times", "per hour",   "per minute", "per second", "%",
      "% of RAM", "MB",    "% of limit", "runs"};
  int in_strict = 0;
  for (int c = 0; c < FAR_CONSTANTS; c++) {
    far_constant constant = (far_constant)c;
    const char *name = far_constant_name(constant);
    bool is_known = false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
      is_known = is_known || strcmp(units[i], far_constant_unit(constant)) == 0;
    check_at(is_known, "has a unit", name, __LINE__);
    const char *what = far_constant_what(constant);
    check_at(what != NULL && strlen(what) > 8 && what[strlen(what) - 1] != '.',
             "says what it is", name, __LINE__);
    for (int other = 0; other < c; other++)
      check_at(strcmp(name, far_constant_name((far_constant)other)) != 0,
               "has a name of its own", name, __LINE__);
    for (int p = 0; p < FAR_PROFILES; p++)
      test_value(far_policy_value((far_profile)p, constant), name);
    test_strict(constant);
    in_strict += is_present(FAR_PROFILE_STRICT, constant);
  }
  check(FAR_CONSTANTS == 86);
  check(in_strict == 83);
}

static bool reads_as(far_constant constant, int64_t value, const char *wanted) {
  char text[64];
  far_constant_text(constant, value, text, sizeof text);
  return strcmp(text, wanted) == 0;
}

static void test_policy(void) {
  test_constants();
  check(far_policy_exec_end_ms(FAR_PROFILE_IOS) == 30000);
  check(far_policy_exec_end_ms(FAR_PROFILE_ANDROID) == 190000);
  check(far_policy_warning_ms(FAR_PROFILE_IOS, 30000) == 5000);
  check(far_policy_warning_ms(FAR_PROFILE_IOS, 1000) == 200);
  check(reads_as(FAR_EXEC_BUDGET, 180000, "3 min"));
  check(reads_as(FAR_EXEC_BUDGET_SCOPE, 1, "app"));
  check(reads_as(FAR_EXEC_BUDGET_SCOPE, 0, "task"));
  check(reads_as(FAR_MINIMIZE_ALLOWED, 1, "yes"));
  check(reads_as(FAR_FETCH_GUARANTEED, 0, "no"));
  check(reads_as(FAR_THREAD_WAKEUPS, 150, "150 per second"));
  check(reads_as(FAR_PENDING_FETCH_MAX, 1, "1 request"));
  check(reads_as(FAR_PENDING_FETCH_MAX, 150, "150 requests"));
  check(reads_as(FAR_JOB_RATE, 1, "1 per minute"));
  check(reads_as(FAR_MEMORY_LIMIT, 50, "50 % of RAM"));
  far_profile profile;
  check(far_profile_find("strict", &profile) && profile == FAR_PROFILE_STRICT);
  check(!far_profile_find("Strict", &profile));
}

// -- Rules --------------------------------------------------------------------

// Texts that are put together with others look alike.
static bool is_phrase(const char *text) {
  size_t length = strlen(text);
  return length > 3 && text[length - 1] != '.' && text[length - 1] != ' ' &&
         strstr(text, "  ") == NULL;
}

static bool is_sentence(const char *text) {
  size_t length = strlen(text);
  return length > 10 && text[length - 1] == '.' && strstr(text, "  ") == NULL;
}

static void test_outcome(const far_outcome *outcome, const char *name) {
  check_at(outcome->kind < FAR_OUTCOME_KINDS && outcome->code != NULL &&
               outcome->what != NULL,
           "has an outcome", name, __LINE__);
  bool is_none = outcome->kind == FAR_OUTCOME_NONE;
  check_at(is_none == (outcome->what[0] == '\0'), "says what comes of it", name,
           __LINE__);
  check_at(is_none || is_phrase(outcome->what), "is a phrase", name, __LINE__);
  check_at(outcome->code[0] == '\0' || !is_none, "has a code for nothing", name,
           __LINE__);
}

static void test_rule(far_rule_id id, int *counts) {
  static const char *const groups[] = {"BG", "FE", "RS", "SC"};
  const far_rule *rule = far_rule_get(id);
  const char *name = far_rule_name(id), *title = far_rule_title(id);
  char wanted[16] = "";
  for (int i = 0; i < 4; i++)
    if (strncmp(name, groups[i], 2) == 0)
      snprintf(wanted, sizeof wanted, "%s%02d", groups[i], ++counts[i]);
  check_at(strcmp(name, wanted) == 0, "is the next one", name, __LINE__);
  far_rule_id found;
  check_at(far_rule_find(name, &found) && found == id, "is found", name,
           __LINE__);
  check_at(is_phrase(title) && strlen(title) <= 48, "has a title", name,
           __LINE__);
  check_at(is_sentence(rule->wrong), "says what is wrong", name, __LINE__);
  check_at(is_sentence(rule->advice), "says what to do", name, __LINE__);
  check_at(rule->why_not == NULL || is_phrase(rule->why_not), "says why not",
           name, __LINE__);
  check_at(rule->sources[0] != NULL &&
               rule->sources[FAR_RULE_SOURCES_MAX] == NULL,
           "has a source", name, __LINE__);
  for (size_t i = 0; i < FAR_RULE_SOURCES_MAX && rule->sources[i]; i++)
    check_at(is_address(rule->sources[i]) ||
                 strncmp(rule->sources[i], "ours: ", 6) == 0,
             "has a real source", name, __LINE__);
  test_outcome(&rule->ios, name);
  test_outcome(&rule->android, name);
  check_at(rule->ios.kind != FAR_OUTCOME_NONE ||
               rule->android.kind != FAR_OUTCOME_NONE,
           "costs something somewhere", name, __LINE__);
}

static void test_rules(void) {
  int counts[4] = {0};
  for (int i = 0; i < FAR_RULES; i++)
    test_rule((far_rule_id)i, counts);
  check(FAR_RULES == 44);
  check(counts[0] == 14 && counts[1] == 9 && counts[2] == 10 &&
        counts[3] == 11);
  far_rule_id id;
  check(far_rule_find("rs10", &id) && id == FAR_RULE_RS10);
  check(!far_rule_find("", &id) && !far_rule_find("BG", &id) &&
        !far_rule_find("BG011", &id) && !far_rule_find("BG15", &id));
  check(far_rule_severity(FAR_RULE_BG01) == FAR_SEVERITY_ERROR);
  check(far_rule_severity(FAR_RULE_RS08) == FAR_SEVERITY_ERROR);
  check(far_rule_severity(FAR_RULE_SC01) == FAR_SEVERITY_WARNING);
  check(far_rule_severity(FAR_RULE_BG03) == FAR_SEVERITY_WARNING);
  check(strcmp(far_severity_name(FAR_SEVERITY_ERROR), "error") == 0);
  check(strcmp(far_outcome_name(FAR_OUTCOME_KILL), "kill") == 0);
}

// -- What a frame keeps -------------------------------------------------------

enum { US = 1000, MS = 1000 * US, SECOND = 1000 * MS };

// So many frames, each with something of `step_ns` after its end, and every
// seventh with something of `long_ns`; returns how many took more than they
// may.
static int frames(far_reserve *reserve, int count, uint64_t budget_ns,
                  uint64_t step_ns, uint64_t long_ns) {
  int too_long = 0;
  for (int i = 0; i < count; i++) {
    uint64_t aim_ns = far_reserve_aim(reserve, budget_ns);
    uint64_t used_ns = aim_ns + (i % 7 == 0 ? long_ns : step_ns);
    too_long += used_ns > budget_ns;
    far_reserve_learn(reserve, budget_ns, aim_ns, used_ns);
  }
  return too_long;
}

static void test_reserve(void) {
  far_reserve reserve = {0};
  check(far_reserve_aim(&reserve, 0) == 0);
  check(far_reserve_aim(&reserve, 2 * MS) == 1500 * US);
  check(far_reserve_aim(&reserve, 4 * MS) == 3 * MS);
  check(far_reserve_aim(&reserve, 16 * MS) == 15 * MS);

  // What is within the least changes nothing.
  check(frames(&reserve, 100, 4 * MS, 50 * US, 700 * US) == 0);
  check(far_reserve_aim(&reserve, 4 * MS) == 3 * MS);

  // What repeats is too long once.
  check(frames(&reserve, 1000, 4 * MS, 50 * US, 2 * MS) == 1);
  check(far_reserve_aim(&reserve, 4 * MS) < 2 * MS);
  check(frames(&reserve, 1000, 2 * MS, 50 * US, 1300 * US) == 0);

  // It is forgotten.
  check(frames(&reserve, 1000, 4 * MS, 50 * US, 50 * US) == 0);
  check(far_reserve_aim(&reserve, 4 * MS) == 3 * MS);

  // Where nothing helps, scripts still go on, and not for long like that.
  check(frames(&reserve, 10, 4 * MS, SECOND, SECOND) == 10);
  check(far_reserve_aim(&reserve, 4 * MS) == MS);
  check(frames(&reserve, 300, 4 * MS, 50 * US, 50 * US) == 0);
  check(far_reserve_aim(&reserve, 4 * MS) == 3 * MS);
  far_reserve_learn(&reserve, 0, 0, UINT64_MAX);
  check(far_reserve_aim(&reserve, 4 * MS) == 3 * MS);
}

int main(void) {
  far_memory memory;
  far_memory_init(&memory, NULL, NULL);
  test_timers(&memory);
  test_slots(&memory);
  test_durations();
  test_durations_printed();
  test_policy();
  test_rules();
  test_reserve();
  check(memory.used_bytes == 0);
  return check_end();
}
