// Timer units: how this machine runs a script's due work every quarter of an
// hour, though nothing of it runs in between. For systemd, and for cron.
#ifndef FAR_TIMER_UNIT_H
#define FAR_TIMER_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct far_timer_unit {
  const char *program; // All paths are absolute.
  const char *store;
  const char *script;
  const char *folder;      // In which it runs.
  const char *const *args; // Of the script.
  size_t arg_count;
} far_timer_unit;

// Prints a service and a timer, how to enable them, and a line for crontab.
// False, and nothing was printed, where a word has a new line: no unit can
// hold that.
bool far_timer_unit_print(FILE *file, const far_timer_unit *unit);

#endif
