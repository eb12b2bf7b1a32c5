// Zones: what the clocks on the wall show, without asking the machine.
//
// The C library's zones are the machine's: its data differs from place to place
// and its TZ is the whole process's. A simulated day must not depend on either,
// so a phone has zones of its own: the rules of today, written as POSIX writes
// TZ ("CET-1CEST,M3.5.0,M10.5.0/3"), and a short list of places that have one.
// They hold for every year: what a parliament changed before is not in them.
#ifndef FAR_ZONE_H
#define FAR_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAR_ZONE_NAME_BYTES = 64, FAR_ZONE_ABBREVIATION_BYTES = 12 };

// When a year's clocks change: "M3.5.0/2", "J60" or "59".
typedef struct far_zone_rule {
  enum { FAR_ZONE_WEEKDAY, FAR_ZONE_JULIAN, FAR_ZONE_DAY } kind;
  int month, week, day; // Week and weekday; or the day of the year alone.
  int seconds;          // Of local time, from midnight; may be negative.
} far_zone_rule;

typedef struct far_zone {
  char name[FAR_ZONE_NAME_BYTES]; // As it was asked for.
  char standard[FAR_ZONE_ABBREVIATION_BYTES];
  char summer[FAR_ZONE_ABBREVIATION_BYTES]; // "" where clocks never change.
  int standard_s, summer_s;                 // East of Greenwich.
  far_zone_rule begins, ends;               // Of summer time.
} far_zone;

// Reads a place ("Europe/Berlin"), or a TZ of POSIX. False for what is neither.
bool far_zone_read(const char *name, far_zone *zone);

// The places, in order; NULL after the last.
const char *far_zone_place(size_t index);

// What holds at an instant, in seconds since 1970: how far east of Greenwich,
// and, where it is not NULL, whether that is summer time.
int far_zone_offset(const far_zone *zone, int64_t utc_s, bool *is_summer);

// The instant of a local time, given as seconds since 1970 as if it were UTC,
// and whether that is meant as summer time: 1 yes, 0 no, -1 whichever it is.
// Of a time that comes twice it is then the first, and one that is skipped is
// shown an hour later.
int64_t far_zone_instant(const far_zone *zone, int64_t local_s, int summer);

#endif
