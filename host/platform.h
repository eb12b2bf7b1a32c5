// What Farside asks of the operating system, and what an embedder implements.
//
// The host tells a platform what it needs (stay awake, you may sleep now) and
// the platform tells the host what happens by farside_post(). Every function
// may be NULL: then nothing is asked and Farside does without. All of them are
// called on the thread that runs the host, `hold`, `release` and `minimize`
// while a script is in the middle of a call, and must return soon. They may
// call farside_post() and farside_stop(), and no other function of farside.h.
#ifndef FARSIDE_PLATFORM_H
#define FARSIDE_PLATFORM_H

#include <assert.h>
#include <stdint.h>

// The version of `farside_platform` below. It changes whenever the struct does.
#define FARSIDE_PLATFORM_VERSION 1

typedef struct farside_platform {
  // FARSIDE_PLATFORM_VERSION as the embedder saw it when it was compiled. A
  // host refuses a platform of a version that it does not know.
  uint64_t version;

  // Given back as the first argument of each function. Owned by the embedder,
  // and alive until farside_host_close() has returned.
  void *self;

  // The first task was opened: do not put the app to sleep. On iOS this is
  // where beginBackgroundTask belongs. Never called twice without a release.
  void (*hold)(void *self);

  // The last task has ended: the app may sleep. Pairs with `hold`, always.
  void (*release)(void *self);

  // The app is in the background with nothing left to do, and the host has
  // stopped its timers until a "resume". A desktop really stops here.
  void (*suspend)(void *self);

  // The OS's own estimate of the time left in the background, in milliseconds;
  // negative when it cannot tell. Only ever shortens what the profile allows.
  int64_t (*time_remaining)(void *self);

  // A script called App.minimizeApp(). Returns 0 when the app goes to the
  // background (a "pause" follows by farside_post), anything else when this OS
  // lets no app do that. Absent means it cannot.
  int (*minimize)(void *self);
} farside_platform;

// Change the struct and this line fails: then raise the version above.
static_assert(sizeof(farside_platform) == sizeof(uint64_t) + 6 * sizeof(void *),
              "farside_platform changed: raise FARSIDE_PLATFORM_VERSION");

#endif
