// Cron: "0 3 * * 1-5", as a set of instants.
//
// Five fields (minute, hour, day of the month, month, day of the week) with
// lists, ranges, steps and names, and the usual short forms such as "@daily".
// Where both days are limited, either one will do, and where one of them begins
// with "*" both must hold: as in cron. In a zone whose clocks change, a time
// that is skipped is taken when the gap is over, and one that comes twice is
// taken once, the first time. A schedule of every hour has no time of day to
// keep: it goes by what the clock shows, through a gap and twice through an
// hour that comes twice.
#ifndef FAR_CRON_H
#define FAR_CRON_H

#include "zone.h"

typedef struct far_cron {
  uint64_t minutes; // Bits.
  uint32_t hours, days, months, weekdays;
  bool any_day, any_weekday; // It begins with "*".
} far_cron;

// Reads one. False after a sentence, without a full stop, in `error`.
bool far_cron_parse(const char *text, far_cron *cron, char *error,
                    size_t bytes);

// The first instant after `after_ms`, in milliseconds since 1970; INT64_MAX for
// one that never comes, such as the thirtieth of February.
int64_t far_cron_next(const far_cron *cron, const far_zone *zone,
                      int64_t after_ms);

#endif
