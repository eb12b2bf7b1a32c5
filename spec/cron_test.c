// Cron against a slow model: every minute of the C library's clocks is looked
// at, through every change of them.

#include "calendar.h"
#include "check.h"
#include "cron.h"
#include "draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int some(uint32_t *state, int limit) {
  return (int)draw(state, (uint32_t)limit);
}

static int64_t utc(int year, int month, int day, int hour, int minute) {
  struct tm date = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute};
  return timegm(&date);
}

static far_zone zone_of(const char *name) {
  far_zone zone;
  check_in(far_zone_read(name, &zone), name);
  return zone;
}

static far_cron cron_of(const char *text) {
  far_cron cron = {0};
  char error[200] = "";
  bool is_read = far_cron_parse(text, &cron, error, sizeof error);
  check_in(is_read, error);
  return cron;
}

// -- Days ---------------------------------------------------------------------

static void test_calendar(void) {
  bool agrees = true;
  for (int64_t day = -400000; day < 400000; day += 17) {
    time_t at = day * FAR_DAY_S;
    struct tm date;
    gmtime_r(&at, &date);
    far_date ours = far_date_of(day);
    agrees = agrees && ours.year == date.tm_year + 1900 &&
             ours.month == date.tm_mon + 1 && ours.day == date.tm_mday &&
             far_weekday(day) == date.tm_wday &&
             day - far_year_begins(ours.year) == date.tm_yday;
  }
  check(agrees);
  check(far_floor_divide(-1, 60) == -1 && far_floor_divide(60, 60) == 1);
}

// -- Expressions --------------------------------------------------------------

static void test_errors(void) {
  static const char *const bad[][2] = {
      {"", "the minute is missing"},
      {"   ", "the minute is missing"},
      {"1 2 3", "the month is missing"},
      {"* * * * * *", "\"*\" is more than five fields"},
      {"60 * * * *", "the minute has \"60\", which is not from 0 to 59"},
      {"* 24 * * *", "the hour has \"24\", which is not from 0 to 23"},
      {"* * 0 * *",
       "the day of the month has \"0\", which is not from 1 to 31"},
      {"* * * 13 *", "the month has \"13\", which is not from 1 to 12"},
      {"* * * * 8", "the day of the week has \"8\", which is not from 0 to 7"},
      {"* * * * 99999999999", "which is not from 0 to 7"},
      {"5-2 * * * *", "the minute has \"5-2\", which ends before it begins"},
      {"* * * dec-feb *", "which ends before it begins"},
      {"*/0 * * * *", "whose step is not from one to 59"},
      {"*/60 * * * *", "whose step is not from one to 59"},
      {"*/ * * * *", "the minute has \"*/\", which is no value"},
      {"5/15 * * * *", "a step needs a range"},
      {"1-5- * * * *", "the minute has \"1-5-\""},
      {"1, * * * *", "the minute has \"\""},
      {"1,,2 * * * *", "the minute has \"\""},
      {"-1 * * * *", "the minute has \"-1\""},
      {"+1 * * * *", "the minute has \"+1\""},
      {"1.5 * * * *", "the minute has \"1.5\""},
      {"x * * * *", "the minute has \"x\""},
      {"* * * june *", "the month has \"june\""},
      {"* mon * * *", "the hour has \"mon\""},
      {"* * L * *", "the day of the month has \"L\", which is not known here"},
      {"* * 15W * *", "has \"15W\", which is not known here"},
      {"* * ? * *", "has \"?\", which is not known here"},
      {"* * * * 5#2", "has \"5#2\", which is not known here"},
      {"* * * * 5L", "has \"5L\", which is not known here"},
      {"@reboot", "\"@reboot\" is none of @hourly"},
      {"@daily 3", "\"@daily\" is none of @hourly"},
      {"@", "\"@\" is none of @hourly"},
      {"0\n3 * * *", "the minute has"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    far_cron cron;
    char error[200] = "";
    check_in(!far_cron_parse(bad[i][0], &cron, error, sizeof error), bad[i][0]);
    check_in(strstr(error, bad[i][1]) != NULL, error);
    check_in(error[strlen(error) - 1] != '.', error);
    char small[8];
    check(!far_cron_parse(bad[i][0], &cron, small, sizeof small));
    check(strlen(small) < sizeof small);
  }
}

static void test_same(void) {
  static const char *const same[][2] = {
      {"@hourly", "0 * * * *"},
      {"@daily", "0 0 * * *"},
      {" @Midnight ", "0 0 * * *"},
      {"@weekly", "0 0 * * 0"},
      {"@monthly", "0 0 1 * *"},
      {"@yearly", "0 0 1 1 *"},
      {"@annually", "0 0 1 1 *"},
      {"  0\t3  * * 1-5 ", "0 3 * * mon-FRI"},
      {"0 0 * * 7", "0 0 * * 0"},
      {"0 0 * * sun", "0 0 * * 7"},
      {"0 0 * * fri-sun", "0 0 * * 5,6,0"},
      {"0 0 * * 0-7", "0 0 * * 0-6"},
      {"1-10/3 * * * *", "1,4,7,10 * * * *"},
      {"007 * * Jan,MAR-may *", "7 * * 1,3,4,5 *"},
      {"*/25 */7 * * *", "0,25,50 0,7,14,21 * * *"},
  };
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    far_cron one = cron_of(same[i][0]), two = cron_of(same[i][1]);
    check_in(one.minutes == two.minutes && one.hours == two.hours &&
                 one.days == two.days && one.months == two.months &&
                 one.weekdays == two.weekdays && one.any_day == two.any_day &&
                 one.any_weekday == two.any_weekday,
             same[i][0]);
  }
}

// -- Against the model --------------------------------------------------------

// An expression, and what it means: drawn together, so that the model does not
// read it as we do.
typedef struct drawn {
  char text[400];
  bool values[5][64];
  bool is_any[5];
} drawn;

static void add_text(drawn *into, const char *format, int a, int b, int c) {
  size_t length = strlen(into->text);
  snprintf(into->text + length, sizeof into->text - length, format, a, b, c);
}

static void draw_part(drawn *into, int field, int least, int most,
                      uint32_t *state) {
  int span = most - least + 1;
  int from = least + some(state, span);
  int to = from + some(state, most - from + 1), step = 1;
  switch (some(state, 3)) {
  case 0:
    to = from;
    add_text(into, "%d", from, 0, 0);
    break;
  case 1:
    add_text(into, "%d-%d", from, to, 0);
    break;
  default:
    step = 1 + some(state, 7);
    add_text(into, "%d-%d/%d", from, to, step);
  }
  for (int value = from; value <= to; value += step)
    into->values[field][value] = true;
}

static void draw_field(drawn *into, int field, int least, int most,
                       int any_percent, uint32_t *state) {
  int how = some(state, 100);
  into->is_any[field] = how < any_percent;
  if (how < any_percent) {
    int step = how < any_percent / 4 ? 1 + some(state, 7) : 1;
    add_text(into, step > 1 ? "*/%d " : "* ", step, 0, 0);
    for (int value = least; value <= most; value += step)
      into->values[field][value] = true;
    return;
  }
  for (int parts = 1 + some(state, 3); parts > 0; parts--) {
    draw_part(into, field, least, most, state);
    add_text(into, parts > 1 ? "," : " ", 0, 0, 0);
  }
}

static drawn draw_expression(uint32_t *state) {
  drawn made = {.text = ""};
  draw_field(&made, 0, 0, 59, 30, state);
  draw_field(&made, 1, 0, 23, 50, state);
  draw_field(&made, 2, 1, 31, 60, state);
  draw_field(&made, 3, 1, 12, 85, state);
  draw_field(&made, 4, 0, 7, 60, state);
  made.values[4][0] = made.values[4][0] || made.values[4][7];
  return made;
}

static bool fits(const drawn *made, int64_t local_minute) {
  time_t at = local_minute * 60;
  struct tm date;
  gmtime_r(&at, &date);
  bool by_month = made->values[2][date.tm_mday];
  bool by_week = made->values[4][date.tm_wday];
  bool is_day = made->is_any[2] || made->is_any[4] ? by_month && by_week
                                                   : by_month || by_week;
  return is_day && made->values[3][date.tm_mon + 1] &&
         made->values[1][date.tm_hour] && made->values[0][date.tm_min];
}

static bool is_hourly(const drawn *made) {
  for (int hour = 0; hour < 24; hour++)
    if (!made->values[1][hour])
      return false;
  return true;
}

// Some days of a zone, minute by minute, as the C library has them.
enum { BEFORE = 2 * 1440, WINDOW = 12 * 1440 };

typedef struct window {
  int64_t begins; // A minute since 1970.
  int64_t local[BEFORE + WINDOW];
} window;

static void look(window *days, int64_t begins_s) {
  days->begins = begins_s / 60;
  for (int i = 0; i < BEFORE + WINDOW; i++) {
    time_t at = (days->begins + i) * 60;
    struct tm date;
    localtime_r(&at, &date);
    days->local[i] = days->begins + i + date.tm_gmtoff / 60;
  }
}

// Whether the expression comes at that minute: for an hourly one when the clock
// shows it, for any other when the clock has reached it, or has jumped over it,
// for the first time.
static bool comes(const drawn *made, const window *days, int i, int64_t highest,
                  bool shown) {
  int64_t local = days->local[i];
  if (shown)
    return fits(made, local);
  for (int64_t minute = highest + 1; minute <= local; minute++)
    if (fits(made, minute))
      return true;
  return false;
}

static bool agrees(const drawn *made, const window *days,
                   const far_zone *zone) {
  far_cron cron = cron_of(made->text);
  bool shown = is_hourly(made);
  int64_t highest = days->local[0];
  int64_t next_ms = 0;
  for (int i = 1; i < BEFORE + WINDOW; i++) {
    int64_t at_ms = (days->begins + i) * 60000;
    if (i == BEFORE)
      next_ms = far_cron_next(&cron, zone, at_ms - 1);
    bool is_now = i >= BEFORE && comes(made, days, i, highest, shown);
    if (i >= BEFORE && is_now != (next_ms == at_ms)) {
      printf("%s in %s: minute %lld, next %lld\n", made->text, zone->name,
             (long long)(at_ms / 60000), (long long)(next_ms / 60000));
      return false;
    }
    if (is_now)
      next_ms = far_cron_next(&cron, zone, at_ms);
    if (days->local[i] > highest)
      highest = days->local[i];
  }
  return true;
}

static const char *const zones[] = {
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "EST5EDT,M3.2.0,M11.1.0",
    "NST3:30NDT,M3.2.0,M11.1.0",
    "AEST-10AEDT,M10.1.0,M4.1.0/3",
    "NZST-12NZDT,M9.5.0,M4.1.0/3",
    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", // Half an hour.
    "<-04>4<-03>,M9.1.6/24,M4.1.6/24",      // Midnight is skipped.
    "EET-2EEST,M4.5.5/0,M10.5.4/24",
    "IST-1GMT0,M10.5.0,M3.5.0/1", // Summer is what winter is elsewhere.
    "<+12>-12<+15>-15,J60,J300",  // Three hours.
    "<+0545>-5:45",
    "<-11>11",
};

static void test_model(void) {
  static window days;
  const char *more = getenv("CRON_RUNS");
  int runs = more != NULL ? atoi(more) : 12;
  uint32_t state = 20261;
  for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
    far_zone zone = zone_of(zones[z]);
    setenv("TZ", zones[z], 1);
    tzset();
    bool do_agree = true;
    // Around each month's end, of changing years: all changes are there.
    for (int month = 1; month <= 12; month++) {
      look(&days, utc(2021 + some(&state, 20), month, 25, 0, 0));
      for (int run = 0; run < runs; run++) {
        drawn made = draw_expression(&state);
        do_agree = do_agree && agrees(&made, &days, &zone);
      }
    }
    check_in(do_agree, zones[z]);
  }
}

// Expressions with a few odd bytes: what can be read still has a next instant.
static void test_any_text(void) {
  static const char odd[] = "0123456789*/-,  \tjanFRIsun@dailyLW#?";
  far_zone zone = zone_of("Europe/Berlin");
  uint32_t state = 3;
  int read = 0, refused = 0;
  bool is_later = true;
  for (int i = 0; i < 50000; i++) {
    drawn made = draw_expression(&state);
    int length = (int)strlen(made.text);
    for (int changes = 1 + some(&state, 3); changes > 0; changes--)
      made.text[some(&state, length)] =
          some(&state, 8) == 0 ? (char)some(&state, 256)
                               : odd[some(&state, (int)sizeof odd - 1)];
    far_cron cron;
    char error[40];
    if (!far_cron_parse(made.text, &cron, error, sizeof error)) {
      refused++;
      continue;
    }
    int64_t after_ms = some(&state, 1 << 24) * INT64_C(100000);
    is_later = is_later && far_cron_next(&cron, &zone, after_ms) > after_ms;
    read++;
  }
  check(is_later);
  check(read > 1000 && refused > 1000);
}

// -- Years --------------------------------------------------------------------

// What comes within 500 years, against a walk over every day.
static void test_years(void) {
  static const char *const texts[] = {
      "0 0 29 2 *", "0 0 29 2 */7",     "0 0 31 * *",   "0 0 1 1 */6",
      "0 0 13 * 5", "0 0 */31 */5 */3", "0 0 30 4,6 *", "0 0 29-31 2 1-5"};
  far_zone zone = zone_of("UTC");
  for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
    far_cron cron = cron_of(texts[t]);
    int64_t next_ms =
        far_cron_next(&cron, &zone, utc(1799, 12, 31, 23, 0) * 1000);
    bool is_same = true;
    for (int64_t day = utc(1800, 1, 1, 0, 0) / FAR_DAY_S;
         day < utc(2300, 1, 1, 0, 0) / FAR_DAY_S; day++) {
      time_t at = day * FAR_DAY_S;
      struct tm date;
      gmtime_r(&at, &date);
      bool by_month = cron.days >> date.tm_mday & 1;
      bool by_week = cron.weekdays >> date.tm_wday & 1;
      bool is_day = cron.any_day || cron.any_weekday ? by_month && by_week
                                                     : by_month || by_week;
      bool is_now = is_day && cron.months >> (date.tm_mon + 1) & 1;
      is_same = is_same && is_now == (next_ms == at * 1000);
      if (is_now)
        next_ms = far_cron_next(&cron, &zone, next_ms);
    }
    check_in(is_same, texts[t]);
  }
  far_cron leap = cron_of("0 12 29 2 *");
  check(far_cron_next(&leap, &zone, utc(1896, 3, 1, 0, 0) * 1000) ==
        utc(1904, 2, 29, 12, 0) * 1000);
}

static void test_never(void) {
  static const char *const texts[] = {"0 0 30 2 *", "* * 31 2,4,6,9,11 *",
                                      "* 1-23 30-31 feb *"};
  for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
    far_zone zone = zone_of(zones[z]);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
      far_cron cron = cron_of(texts[t]);
      check_in(far_cron_next(&cron, &zone, 0) == INT64_MAX, texts[t]);
    }
    far_cron nothing = {0};
    check(far_cron_next(&nothing, &zone, 0) == INT64_MAX);
  }
}

static void test_extremes(void) {
  static const int64_t instants[] = {INT64_MIN,
                                     INT64_MIN + 1,
                                     -1,
                                     0,
                                     1,
                                     INT64_C(8640000000000000) - 1,
                                     INT64_C(8640000000000000),
                                     INT64_MAX - 1,
                                     INT64_MAX};
  far_cron daily = cron_of("0 3 * * *"), hourly = cron_of("@hourly");
  for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
    far_zone zone = zone_of(zones[z]);
    for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
      check(far_cron_next(&daily, &zone, instants[i]) > instants[i] ||
            instants[i] == INT64_MAX);
      check(far_cron_next(&hourly, &zone, instants[i]) > instants[i] ||
            instants[i] == INT64_MAX);
    }
  }
  // Between two milliseconds of an instant.
  far_zone zone = zone_of("UTC");
  check(far_cron_next(&hourly, &zone, 3599999) == 3600000);
  check(far_cron_next(&hourly, &zone, 3600000) == 7200000);
  check(far_cron_next(&hourly, &zone, -1) == 0);
}

// Named, so that they are found: what a clock's change does to a daily job.
static void test_changes(void) {
  far_zone berlin = zone_of("Europe/Berlin");
  far_cron skipped = cron_of("30 2 * * *");
  int64_t at_ms = utc(2026, 3, 28, 12, 0) * 1000;
  check((at_ms = far_cron_next(&skipped, &berlin, at_ms)) ==
        utc(2026, 3, 29, 1, 0) * 1000); // When the gap is over.
  check((at_ms = far_cron_next(&skipped, &berlin, at_ms)) ==
        utc(2026, 3, 30, 0, 30) * 1000);
  at_ms = utc(2026, 10, 24, 12, 0) * 1000;
  check((at_ms = far_cron_next(&skipped, &berlin, at_ms)) ==
        utc(2026, 10, 25, 0, 30) * 1000); // The first of both.
  check((at_ms = far_cron_next(&skipped, &berlin, at_ms)) ==
        utc(2026, 10, 26, 1, 30) * 1000);
  // An hourly one goes through both.
  far_cron hourly = cron_of("@hourly");
  at_ms = utc(2026, 10, 24, 23, 0) * 1000;
  for (int hour = 0; hour < 5; hour++)
    check((at_ms = far_cron_next(&hourly, &berlin, at_ms)) ==
          utc(2026, 10, 25, hour, 0) * 1000);
  far_zone santiago = zone_of("America/Santiago");
  far_cron midnight = cron_of("@daily");
  check(far_cron_next(&midnight, &santiago, utc(2026, 9, 5, 12, 0) * 1000) ==
        utc(2026, 9, 6, 4, 0) * 1000);
}

int main(void) {
  test_calendar();
  test_errors();
  test_same();
  test_model();
  test_any_text();
  test_years();
  test_never();
  test_extremes();
  test_changes();
  return check_end();
}
