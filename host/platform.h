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
#include <stdbool.h>
#include <stdint.h>

// The version of `farside_platform` below. It changes whenever the struct does.
#define FARSIDE_PLATFORM_VERSION 3

// What a wake-up is for.
typedef enum farside_wake {
  FARSIDE_WAKE_REFRESH,   // Short: half a minute. BGAppRefreshTask, a job.
  FARSIDE_WAKE_PROCESSING // Long, and when nobody uses the phone.
} farside_wake;

// What an app asks for that wants to be woken.
typedef struct farside_wake_request {
  farside_wake kind;
  uint64_t after_ms; // At the soonest, from now.
  bool needs_network;
  bool needs_charging;
} farside_wake_request;

typedef enum farside_network {
  FARSIDE_NETWORK_NONE,
  FARSIDE_NETWORK_METERED, // Somebody pays by the byte.
  FARSIDE_NETWORK_WIFI
} farside_network;

// What the phone is like now, as far as work may depend on it.
typedef struct farside_conditions {
  farside_network network;
  bool is_charging;
  bool is_battery_ok; // Not low.
  bool is_storage_ok; // Not low.
  bool is_idle;       // Nobody is using the phone.
} farside_conditions;

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

  // Asks the OS to wake the app: launched in the background if it does not run.
  // An OS promises nothing. One refresh waits at a time, and a new one takes
  // its place; of processing there may be several. Returns 0 when the OS took
  // the request. Absent means that it cannot. When it has woken the app,
  // post "wake".
  int (*wake_at)(void *self, const farside_wake_request *request);

  // Takes back what was asked for of that kind.
  void (*cancel_wake)(void *self, farside_wake kind);

  // Fills in the conditions. Asked whenever work is looked for, and once a
  // minute while some waits for them. Absent: on wifi, nothing is low, not
  // charging, in use.
  void (*conditions)(void *self, farside_conditions *conditions);
} farside_platform;

// Change the struct and this line fails: then raise the version above. Where
// pointers are half as long it may end with half a word that nobody has.
static_assert(sizeof(farside_platform) -
                      (sizeof(uint64_t) + 9 * sizeof(void *)) <
                  sizeof(uint64_t),
              "farside_platform changed: raise FARSIDE_PLATFORM_VERSION");

#endif
