#include "zone.h"

#include "calendar.h"
#include <ctype.h>
#include <string.h>

enum { HOUR_S = 60 * 60, HOURS_MAX = 167 };

// Rules that are in force in 2026.
#define CENTRAL_EUROPE "CET-1CEST,M3.5.0,M10.5.0/3"
#define NORTH_AMERICA  ",M3.2.0,M11.1.0"

static const char *const places[][2] = {
    {"UTC", "UTC0"},
    {"Africa/Cairo", "EET-2EEST,M4.5.5/0,M10.5.4/24"},
    {"Africa/Johannesburg", "SAST-2"},
    {"Africa/Lagos", "WAT-1"},
    {"Africa/Nairobi", "EAT-3"},
    {"America/Chicago", "CST6CDT" NORTH_AMERICA},
    {"America/Denver", "MST7MDT" NORTH_AMERICA},
    {"America/Los_Angeles", "PST8PDT" NORTH_AMERICA},
    {"America/Mexico_City", "CST6"},
    {"America/New_York", "EST5EDT" NORTH_AMERICA},
    {"America/Phoenix", "MST7"},
    {"America/Santiago", "<-04>4<-03>,M9.1.6/24,M4.1.6/24"},
    {"America/Sao_Paulo", "<-03>3"},
    {"America/St_Johns", "NST3:30NDT" NORTH_AMERICA},
    {"Asia/Dubai", "<+04>-4"},
    {"Asia/Kathmandu", "<+0545>-5:45"},
    {"Asia/Kolkata", "IST-5:30"},
    {"Asia/Shanghai", "CST-8"},
    {"Asia/Singapore", "<+08>-8"},
    {"Asia/Tokyo", "JST-9"},
    {"Australia/Lord_Howe", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"},
    {"Australia/Sydney", "AEST-10AEDT,M10.1.0,M4.1.0/3"},
    {"Europe/Berlin", CENTRAL_EUROPE},
    {"Europe/Helsinki", "EET-2EEST,M3.5.0/3,M10.5.0/4"},
    {"Europe/Istanbul", "<+03>-3"},
    {"Europe/Lisbon", "WET0WEST,M3.5.0/1,M10.5.0"},
    {"Europe/London", "GMT0BST,M3.5.0/1,M10.5.0"},
    {"Europe/Madrid", CENTRAL_EUROPE},
    {"Europe/Moscow", "MSK-3"},
    {"Europe/Paris", CENTRAL_EUROPE},
    {"Pacific/Auckland", "NZST-12NZDT,M9.5.0,M4.1.0/3"},
    {"Pacific/Honolulu", "HST10"},
    {"Pacific/Kiritimati", "<+14>-14"},
};

// -- Rules --------------------------------------------------------------------

// The week-th weekday of a month, counted from 1; the fifth is the last.
static int64_t weekday_of(int64_t year, const far_zone_rule *rule) {
  int64_t first = far_year_begins(year);
  for (int month = 1; month < rule->month; month++)
    first += far_month_days(year, month);
  int64_t day = (rule->day - far_weekday(first) + 7) % 7 + (rule->week - 1) * 7;
  while (day >= far_month_days(year, rule->month))
    day -= 7;
  return first + day;
}

// When a rule strikes, in local seconds.
static int64_t strikes(int64_t year, const far_zone_rule *rule) {
  int64_t day;
  if (rule->kind == FAR_ZONE_WEEKDAY)
    day = weekday_of(year, rule);
  else if (rule->kind == FAR_ZONE_DAY)
    day = far_year_begins(year) + rule->day;
  else // A Julian day never counts the 29th of February.
    day = far_year_begins(year) + rule->day - 1 +
          (far_year_is_leap(year) && rule->day >= 60);
  return day * FAR_DAY_S + rule->seconds;
}

// -- Reading a TZ -------------------------------------------------------------

static bool read_number(const char **at, int most, int *number) {
  if (!isdigit((unsigned char)**at))
    return false;
  *number = 0;
  for (; isdigit((unsigned char)**at); (*at)++) {
    *number = *number * 10 + (**at - '0');
    if (*number > most)
      return false;
  }
  return true;
}

// [+-]hh[:mm[:ss]]
static bool read_time(const char **at, int *seconds) {
  int sign = **at == '-' ? -1 : 1, parts[3] = {0};
  *at += **at == '-' || **at == '+';
  for (int i = 0; i < 3; i++) {
    if (!read_number(at, i == 0 ? HOURS_MAX : 59, &parts[i]))
      return false;
    if (i == 2 || **at != ':')
      break;
    (*at)++;
  }
  *seconds = sign * (parts[0] * HOUR_S + parts[1] * 60 + parts[2]);
  return true;
}

// Three letters or more, or anything of letters, digits and signs in <>.
static bool read_abbreviation(const char **at, char *text) {
  bool is_quoted = **at == '<';
  *at += is_quoted;
  size_t bytes = 0;
  for (; isalpha((unsigned char)**at) ||
         (is_quoted &&
          (isdigit((unsigned char)**at) || **at == '+' || **at == '-'));
       (*at)++) {
    if (bytes + 1 == FAR_ZONE_ABBREVIATION_BYTES)
      return false;
    text[bytes++] = **at;
  }
  text[bytes] = '\0';
  if (is_quoted && *(*at)++ != '>')
    return false;
  return bytes >= 3;
}

static bool read_weekday(const char **at, far_zone_rule *rule) {
  return read_number(at, 12, &rule->month) && rule->month >= 1 &&
         *(*at)++ == '.' && read_number(at, 5, &rule->week) &&
         rule->week >= 1 && *(*at)++ == '.' && read_number(at, 6, &rule->day);
}

static bool read_rule(const char **at, far_zone_rule *rule) {
  *rule = (far_zone_rule){.seconds = 2 * HOUR_S};
  bool is_read;
  if (**at == 'M') {
    (*at)++;
    is_read = read_weekday(at, rule);
  } else if (**at == 'J') {
    (*at)++;
    rule->kind = FAR_ZONE_JULIAN;
    is_read = read_number(at, 365, &rule->day) && rule->day >= 1;
  } else {
    rule->kind = FAR_ZONE_DAY;
    is_read = read_number(at, 365, &rule->day);
  }
  if (!is_read || **at != '/')
    return is_read;
  (*at)++;
  return read_time(at, &rule->seconds);
}

// A zone may be a day away from Greenwich, and no more.
static bool read_offset(const char **at, int *east_s) {
  int west_s;
  if (!read_time(at, &west_s) || west_s > FAR_DAY_S || west_s < -FAR_DAY_S)
    return false;
  *east_s = -west_s;
  return true;
}

static bool read_tz(const char *at, far_zone *zone) {
  if (!read_abbreviation(&at, zone->standard) ||
      !read_offset(&at, &zone->standard_s))
    return false;
  if (*at == '\0')
    return true;
  if (!read_abbreviation(&at, zone->summer))
    return false;
  zone->summer_s = zone->standard_s + HOUR_S;
  if (*at != ',' && !read_offset(&at, &zone->summer_s))
    return false;
  return *at++ == ',' && read_rule(&at, &zone->begins) && *at++ == ',' &&
         read_rule(&at, &zone->ends) && *at == '\0';
}

bool far_zone_read(const char *name, far_zone *zone) {
  if (strlen(name) >= FAR_ZONE_NAME_BYTES)
    return false;
  const char *tz = name;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    if (strcmp(places[i][0], name) == 0)
      tz = places[i][1];
  far_zone fresh = {0};
  if (!read_tz(tz, &fresh))
    return false;
  memcpy(fresh.name, name, strlen(name) + 1);
  *zone = fresh;
  return true;
}

const char *far_zone_place(size_t index) {
  return index < sizeof places / sizeof *places ? places[index][0] : NULL;
}

// -- Asking -------------------------------------------------------------------

int far_zone_offset(const far_zone *zone, int64_t utc_s, bool *is_summer) {
  bool summer = false;
  if (zone->summer[0] != '\0') {
    int64_t day = far_floor_divide(utc_s + zone->standard_s, FAR_DAY_S);
    int64_t year = far_date_of(day).year;
    int64_t begins = strikes(year, &zone->begins) - zone->standard_s;
    int64_t ends = strikes(year, &zone->ends) - zone->summer_s;
    // In the south summer is at both ends of the year.
    summer = begins < ends ? utc_s >= begins && utc_s < ends
                           : utc_s >= begins || utc_s < ends;
  }
  if (is_summer != NULL)
    *is_summer = summer;
  return summer ? zone->summer_s : zone->standard_s;
}

int64_t far_zone_instant(const far_zone *zone, int64_t local_s, int summer) {
  int64_t standard = local_s - zone->standard_s;
  int64_t early = local_s - zone->summer_s;
  if (zone->summer[0] == '\0')
    return standard - (summer > 0 ? HOUR_S : 0); // As mktime() has it.
  if (summer == 0)
    return standard;
  bool is_summer;
  far_zone_offset(zone, early, &is_summer);
  return summer > 0 || is_summer ? early : standard;
}
