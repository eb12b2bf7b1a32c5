// A disk that fails: a VFS of SQLite's that passes everything on to the default
// one, counts what may fail, and fails it when told to; and one that loses its
// power: what was not synced is gone, in part, or torn.
#ifndef STORE_DISK_H
#define STORE_DISK_H

#include "store_kit.h"

typedef enum disk_fault {
  DISK_FINE,
  DISK_EIO,    // Whatever is asked of it.
  DISK_ENOSPC, // What needs room.
  DISK_POWER,  // From then on nothing is done any more.
  DISK_KILL    // The process is killed there.
} disk_fault;

typedef enum disk_loss {
  DISK_LOSES_ALL,  // That was not synced.
  DISK_LOSES_SOME, // Each write by chance.
  DISK_TEARS,      // Each sector of each write by chance.
  DISK_LOSSES
} disk_loss;

// The name of the VFS.
extern const char disk_name[];
void disk_install(void);

// Starts to count: the `fail_at`th operation from now on fails so, once or,
// with fails_on, like all behind it. Zero: none. What is not synced is
// remembered from here on, if it is to lose its power.
void disk_begin(disk_fault fault, int64_t fail_at, bool fails_on);

// Whether it came to that.
bool disk_has_failed(void);
int64_t disk_count(void);

// After a loss of power: makes the files what a disk would hold that lost what
// was not synced.
void disk_after_power_cut(disk_loss loss, kit_random *random);

// Nothing fails any more, and nothing is remembered.
void disk_end(void);

#endif
