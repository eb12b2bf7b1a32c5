#include "calendar.h"

bool far_year_is_leap(int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int64_t far_floor_divide(int64_t number, int64_t by) {
  return number / by - (number % by < 0);
}

int64_t far_year_begins(int64_t year) {
  int64_t before = year - 1;
  int64_t leaps = far_floor_divide(before, 4) - far_floor_divide(before, 100) +
                  far_floor_divide(before, 400);
  return (year - 1970) * 365 + leaps - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

int far_month_days(int64_t year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[month - 1] + (month == 2 && far_year_is_leap(year));
}

far_date far_date_of(int64_t day) {
  int64_t year = 1970 + far_floor_divide(day * 400, 400 * 365 + 97);
  while (far_year_begins(year) > day)
    year--;
  while (far_year_begins(year + 1) <= day)
    year++;
  int month = 1;
  int64_t left = day - far_year_begins(year);
  for (; left >= far_month_days(year, month); month++)
    left -= far_month_days(year, month);
  return (far_date){year, month, (int)left + 1};
}

int far_weekday(int64_t day) {
  int64_t weekday = (day + 4) % 7; // 1970-01-01 was a Thursday.
  return (int)(weekday < 0 ? weekday + 7 : weekday);
}
