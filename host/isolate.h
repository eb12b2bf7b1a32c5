// Isolation: each script in a process of its own, watched from outside.
//
// The process that asks holds no script and enters no Lua, so nothing a script
// does can hold it up. It owns the desktop: what the terminal and the system
// say reaches the scripts over the wire (see wire.h), what they say goes to the
// reporter, and when all of them sleep it sends them and itself to sleep.
//
// Each of these processes has a session of its own: keys do not reach it, and
// it cannot reach the terminal. It ends with this one, however that ends: the
// kernel sees to it (Linux), and the wire is closed.
//
// A process must answer. Whatever it is told it acknowledges when its loop
// takes it; while it says that something runs in it, it is asked once a second.
// One that waits or sleeps is not asked, and costs nothing. Without an answer
// for FAR_ANSWER_MS and the time that a turn may take, it is killed; and where
// a turn may take any time, never. A process that computes is given its time as
// processor time, so that no busy machine kills it.
//
// Each script is an app of its own here: it sleeps as soon as its own tasks
// have ended, App.exitApp() ends no other script, and one that cannot be loaded
// stops no other.
#ifndef FAR_ISOLATE_H
#define FAR_ISOLATE_H

#include "farside.h"

enum { FAR_ANSWER_MS = 2000 };

typedef struct far_isolate_config {
  const farside_source *sources; // Files.
  size_t count;
  uint64_t grace_ms;         // As in farside_config.
  int output;                // Where a trusted script writes: 1 or 2.
  farside_on_entry on_entry; // Sees the entries of all.
  void *user;
} far_isolate_config;

// Runs until every script has ended. Returns the exit code.
int far_isolate_run(const far_isolate_config *config);

#endif
