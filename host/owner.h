// Owner: at most one process owns a file, and in it at most one user.
//
// SQLite's own locks would let two schedulers take turns in one file, which is
// as bad as two at once: both would start the same work. So whoever opens FILE
// to work on it holds a lock of the OS on FILE.lock for as long as it is open.
// The OS lets go of it when the process ends, however it ends. The side file
// stays: to delete it would be a race. It holds the owner's pid for whoever
// comes second, and a note for whoever comes next.
//
// The lock belongs to the open file: another thread, or a second store in the
// same process, is refused like another process. A child of fork() has it too
// until it ends or executes something else; see store.h.
#ifndef FAR_OWNER_H
#define FAR_OWNER_H

#include "farside.h"

enum { FAR_OWNER_NOTE_BYTES = 256 };

typedef struct far_owner {
  int fd; // -1: owns nothing.
  // What the last owner has left, or this one: a line, or empty.
  char note[FAR_OWNER_NOTE_BYTES];
  bool is_known; // FILE had an owner before.
} far_owner;

// Takes `path`, which need not exist yet; its folder must. A side file that is
// made is on the disk then: whatever becomes of FILE, it is known to be ours.
// On failure *owner owns nothing, and `error` has a sentence without a full
// stop:
//
//   FARSIDE_LOCKED    somebody owns it; the sentence names the pid
//   FARSIDE_READONLY  the folder cannot be written
//   FARSIDE_NOFILE    anything else; also where FILE.lock is not ours
farside_status far_owner_take(far_owner *owner, const char *path, char *error,
                              size_t bytes);

// Leaves a note for the next owner; empty for none. It is on the disk when this
// returns true.
bool far_owner_note(far_owner *owner, const char *note);

// Sees to it that the names in the folder of `path` are on the disk.
void far_owner_sync_folder(const char *path);

// Lets go. Safe on one that owns nothing.
void far_owner_release(far_owner *owner);

// Lets go, and removes the side file if `path` had no owner before: FILE turned
// out to be somebody else's.
void far_owner_withdraw(far_owner *owner, const char *path);

// Whether anybody owns `path` now. False too where that cannot be found out.
bool far_owner_is_taken(const char *path);

// Who: a pid; zero for nobody, and -1 for somebody who has not said who.
long far_owner_pid(const char *path);

#endif
