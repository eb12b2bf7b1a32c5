// The local zone: what the clocks on the wall show here, as this machine is
// set.
//
// A schedule without a zone of its own goes by TZ, and where that is not set by
// /etc/localtime. The C library knows too, but only what holds at an instant;
// cron asks when the clock next shows three. So the rule is read that stands at
// the end of a TZif file, for the years that are still to come. Where a file
// has none, as of a place whose government decides from year to year, what
// holds now is taken to hold on.
#ifndef FAR_LOCAL_ZONE_H
#define FAR_LOCAL_ZONE_H

#include "zone.h"

// Zeroed memory is one that has not looked yet: UTC.
typedef struct far_local_zone {
  far_zone zone;
  // What it was read from: the value of TZ, and the file as it was then.
  char tz[256];
  uint64_t device, node;
  int64_t size, changed_s;
  bool is_read;
} far_local_zone;

// Looks whether TZ or the file has changed, and reads again if so. Where
// nothing has, that is one call of the system.
void far_local_zone_look(far_local_zone *local);

#endif
