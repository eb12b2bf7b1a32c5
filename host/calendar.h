// Calendar: days as numbers and as dates, without asking the machine.
//
// A day is counted from the first of January 1970, which is zero. The calendar
// is the Gregorian one, in both directions for ever.
#ifndef FAR_CALENDAR_H
#define FAR_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

enum { FAR_DAY_S = 24 * 60 * 60 };

// Where instants end, on either side of 1970: after 270,000 years.
#define FAR_INSTANT_MAX_MS INT64_C(8640000000000000)

typedef struct far_date {
  int64_t year;
  int month, day; // From one up.
} far_date;

// The first day of a year.
int64_t far_year_begins(int64_t year);

bool far_year_is_leap(int64_t year);

// How many days a month has.
int far_month_days(int64_t year, int month);

far_date far_date_of(int64_t day);

// From Sunday, which is zero.
int far_weekday(int64_t day);

// Rounded down, not towards zero: the day of an instant before 1970, too.
int64_t far_floor_divide(int64_t number, int64_t by);

#endif
