#include "cron.h"

#include "calendar.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
  MINUTE_S = 60,
  HOUR_MIN = 60,
  DAY_MIN = 24 * HOUR_MIN,
  ALL_HOURS = (1 << 24) - 1,
  // The calendar repeats itself after 400 years: what has not come by then
  // never comes.
  MONTHS_MAX = 400 * 12
};

static const int64_t never = INT64_MAX;

// -- Reading ------------------------------------------------------------------

enum { FIELDS = 5, WEEKDAY = 4 };

typedef struct field {
  const char *name;
  int least, most;
  const char *names; // Of three letters each, from `least` up; "" for none.
} field;

static const field fields[FIELDS] = {
    {"minute", 0, 59, ""},
    {"hour", 0, 23, ""},
    {"day of the month", 1, 31, ""},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of the week", 0, 7, "sunmontuewedthufrisat"},
};

static const char *const short_forms[][2] = {
    {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"},  {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

typedef struct reader {
  const char *at;
  const field *field;
  char *error;
  size_t bytes;
} reader;

__attribute__((format(printf, 2, 3))) static bool
refuse(reader *in, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(in->error, in->bytes, format, arguments);
  va_end(arguments);
  return false;
}

// Up to the next separator, for an error.
static int part_length(const char *at) {
  size_t length = strcspn(at, " \t,");
  return length < 20 ? (int)length : 20;
}

static bool refuse_part(reader *in, const char *part) {
  const char *what = strpbrk(in->at, "LlWw#?") == in->at
                         ? "which is not known here"
                         : "which is no value, no range and no step";
  return refuse(in, "the %s has \"%.*s\", %s", in->field->name,
                part_length(part), part, what);
}

static bool read_name(reader *in, int *value) {
  const char *names = in->field->names;
  for (int i = 0; names[i] != '\0'; i += 3)
    if (strncasecmp(in->at, names + i, 3) == 0 &&
        !isalpha((unsigned char)in->at[3])) {
      *value = in->field->least + i / 3;
      in->at += 3;
      return true;
    }
  return false;
}

static bool read_value(reader *in, const char *part, int *value) {
  if (read_name(in, value))
    return true;
  if (!isdigit((unsigned char)*in->at))
    return refuse_part(in, part);
  for (*value = 0; isdigit((unsigned char)*in->at); in->at++)
    *value = *value < 1000 ? *value * 10 + (*in->at - '0') : *value;
  if (*value >= in->field->least && *value <= in->field->most)
    return true;
  return refuse(in, "the %s has \"%.*s\", which is not from %d to %d",
                in->field->name, part_length(part), part, in->field->least,
                in->field->most);
}

static bool read_step(reader *in, const char *part, bool is_range, int *step) {
  *step = 1;
  if (*in->at != '/')
    return true;
  if (!is_range)
    return refuse(in, "the %s has \"%.*s\": a step needs a range, or \"*\"",
                  in->field->name, part_length(part), part);
  in->at++;
  if (!isdigit((unsigned char)*in->at))
    return refuse_part(in, part);
  for (*step = 0; isdigit((unsigned char)*in->at); in->at++)
    *step = *step < 1000 ? *step * 10 + (*in->at - '0') : *step;
  if (*step >= 1 && *step <= in->field->most)
    return true;
  return refuse(in, "the %s has \"%.*s\", whose step is not from one to %d",
                in->field->name, part_length(part), part, in->field->most);
}

// "*", "5", "1-5", each but the second with a step.
static bool read_part(reader *in, uint64_t *bits) {
  const char *part = in->at;
  int from = in->field->least, to = in->field->most, step;
  bool is_range = *in->at == '*';
  if (is_range) {
    in->at++;
  } else {
    if (!read_value(in, part, &from))
      return false;
    to = from;
    if (*in->at == '-') {
      is_range = true;
      in->at++;
      if (!read_value(in, part, &to))
        return false;
      // "fri-sun" is meant well.
      if (in->field == &fields[WEEKDAY] && to == 0 && from > 0)
        to = 7;
    }
  }
  if (from > to)
    return refuse(in, "the %s has \"%.*s\", which ends before it begins",
                  in->field->name, part_length(part), part);
  if (!read_step(in, part, is_range, &step))
    return false;
  if (strchr(" \t,", *in->at) == NULL) // The end is found, too.
    return refuse_part(in, part);
  for (int value = from; value <= to; value += step)
    *bits |= UINT64_C(1) << value;
  return true;
}

static bool read_field(reader *in, uint64_t *bits) {
  *bits = 0;
  while (read_part(in, bits)) {
    if (*in->at != ',')
      return true;
    in->at++;
  }
  return false;
}

static void skip_blanks(reader *in) {
  in->at += strspn(in->at, " \t");
}

// "@daily" → "0 0 * * *"; NULL for an unknown one.
static const char *expand(const char *text) {
  if (*text != '@')
    return text;
  for (size_t i = 0; i < sizeof short_forms / sizeof *short_forms; i++) {
    size_t length = strlen(short_forms[i][0]);
    if (strncasecmp(text, short_forms[i][0], length) == 0 &&
        text[length + strspn(text + length, " \t")] == '\0')
      return short_forms[i][1];
  }
  return NULL;
}

bool far_cron_parse(const char *text, far_cron *cron, char *error,
                    size_t bytes) {
  reader in = {.at = text, .error = error, .bytes = bytes};
  skip_blanks(&in);
  const char *expanded = expand(in.at);
  if (expanded == NULL)
    return refuse(&in,
                  "\"%.*s\" is none of @hourly, @daily, @midnight, @weekly, "
                  "@monthly, @yearly and @annually",
                  part_length(in.at), in.at);
  in.at = expanded;
  uint64_t bits[FIELDS];
  bool is_any[FIELDS];
  for (int i = 0; i < FIELDS; i++) {
    in.field = &fields[i];
    if (*in.at == '\0')
      return refuse(&in,
                    "the %s is missing: there are five fields, as in \"0 3 * * "
                    "1-5\"",
                    in.field->name);
    is_any[i] = *in.at == '*';
    if (!read_field(&in, &bits[i]))
      return false;
    skip_blanks(&in);
  }
  if (*in.at != '\0')
    return refuse(&in,
                  "\"%.*s\" is more than five fields: there are neither "
                  "seconds nor years",
                  part_length(in.at), in.at);
  *cron = (far_cron){.minutes = bits[0],
                     .hours = (uint32_t)bits[1],
                     .days = (uint32_t)bits[2],
                     .months = (uint32_t)bits[3],
                     // Seven is Sunday, as zero is.
                     .weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 127),
                     .any_day = is_any[2],
                     .any_weekday = is_any[WEEKDAY]};
  return true;
}

// -- Local minutes, counted from 1970 -----------------------------------------

static bool is_day(const far_cron *cron, int day_of_month, int64_t day) {
  bool by_month = cron->days >> day_of_month & 1;
  bool by_week = cron->weekdays >> far_weekday(day) & 1;
  return cron->any_day || cron->any_weekday ? by_month && by_week
                                            : by_month || by_week;
}

// The first day that fits, from this one on.
static bool next_day(const far_cron *cron, int64_t day, int64_t *found) {
  far_date date = far_date_of(day);
  for (int i = 0; i <= MONTHS_MAX; i++) {
    int days = far_month_days(date.year, date.month);
    if ((cron->months >> date.month & 1) == 0) {
      day += days + 1 - date.day;
      date.day = days + 1;
    }
    for (; date.day <= days; date.day++, day++)
      if (is_day(cron, date.day, day)) {
        *found = day;
        return true;
      }
    date.year += date.month == 12;
    date.month = date.month % 12 + 1;
    date.day = 1;
  }
  return false;
}

// The first minute of a day that fits, from this one on; -1 for none.
static int next_time(const far_cron *cron, int time) {
  for (int hour = time / HOUR_MIN; hour < 24; hour++) {
    if ((cron->hours >> hour & 1) == 0)
      continue;
    for (int minute = hour == time / HOUR_MIN ? time % HOUR_MIN : 0;
         minute < HOUR_MIN; minute++)
      if (cron->minutes >> minute & 1)
        return hour * HOUR_MIN + minute;
  }
  return -1;
}

// The first minute that fits, from this one on.
static int64_t next_minute(const far_cron *cron, int64_t minute) {
  int64_t day = far_floor_divide(minute, DAY_MIN), found;
  if (!next_day(cron, day, &found))
    return never;
  int time = found > day ? -1 : next_time(cron, (int)(minute - day * DAY_MIN));
  if (found == day && time < 0 && !next_day(cron, day + 1, &found))
    return never;
  if (time < 0)
    time = next_time(cron, 0);
  return time < 0 ? never : found * DAY_MIN + time;
}

// -- Instants, in seconds -----------------------------------------------------

static int offset_at(const far_zone *zone, int64_t utc_s) {
  return far_zone_offset(zone, utc_s, NULL);
}

// When the clocks show that time, or a later one, for the first time: of a time
// that comes twice the first, and of one that is skipped the end of the gap.
static int64_t reaches(const far_zone *zone, int64_t local_s) {
  bool changes = zone->summer[0] != '\0';
  int ahead = zone->standard_s, behind = ahead;
  if (changes && zone->summer_s > ahead)
    ahead = zone->summer_s;
  else if (changes)
    behind = zone->summer_s;
  int64_t early = local_s - ahead, late = local_s - behind;
  if (offset_at(zone, early) == ahead)
    return early;
  // Not yet at `early`. Clocks that go forward before `late` skip it.
  if (offset_at(zone, late) != ahead)
    return late;
  while (late - early > 1) {
    int64_t middle = early + (late - early) / 2;
    *(offset_at(zone, middle) == ahead ? &late : &early) = middle;
  }
  return late;
}

// Each time of day once.
static int64_t next_once(const far_cron *cron, const far_zone *zone,
                         int64_t after_s) {
  // Whatever is reached later is later than what the clocks show now.
  int64_t minute =
      far_floor_divide(after_s + offset_at(zone, after_s), MINUTE_S);
  for (;; minute++) {
    minute = next_minute(cron, minute);
    if (minute == never)
      return never;
    int64_t at_s = reaches(zone, minute * MINUTE_S);
    if (at_s > after_s)
      return at_s;
  }
}

// Whenever the clocks show such a time. Two rows of instants, by standard and
// by summer time: the first one that is shown is it.
static int64_t next_shown(const far_cron *cron, const far_zone *zone,
                          int64_t after_s) {
  int count = zone->summer[0] != '\0' ? 2 : 1;
  int offsets[2] = {zone->standard_s, zone->summer_s};
  int64_t minutes[2], at_s[2] = {never, never};
  for (int i = 0; i < count; i++)
    minutes[i] = far_floor_divide(after_s + offsets[i], MINUTE_S);
  for (int moved = -1;;) {
    for (int i = 0; i < count; i++)
      if (moved == -1 || moved == i) {
        minutes[i] = next_minute(cron, minutes[i] + 1);
        at_s[i] =
            minutes[i] == never ? never : minutes[i] * MINUTE_S - offsets[i];
      }
    moved = at_s[1] < at_s[0];
    if (at_s[moved] == never || offset_at(zone, at_s[moved]) == offsets[moved])
      return at_s[moved];
  }
}

int64_t far_cron_next(const far_cron *cron, const far_zone *zone,
                      int64_t after_ms) {
  if (after_ms >= FAR_INSTANT_MAX_MS)
    return never;
  if (after_ms < -FAR_INSTANT_MAX_MS)
    after_ms = -FAR_INSTANT_MAX_MS;
  int64_t after_s = far_floor_divide(after_ms, 1000);
  int64_t at_s = cron->hours == ALL_HOURS ? next_shown(cron, zone, after_s)
                                          : next_once(cron, zone, after_s);
  return at_s == never ? never : at_s * 1000;
}
