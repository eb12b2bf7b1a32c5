// The world: what a phone is like at an instant, and what follows from it.
//
// Network, power, storage, the screen, the user's switches; and what the OS
// makes of them by itself: Doze with its maintenance windows, and the bucket of
// an app that nobody uses. It knows neither scripts nor clocks: it is told
// now_ms, and says what has changed and why.
//
// Doze is Android's. It begins when the screen is off, the phone is not
// charging and, for its deep kind, lies still. Buckets fall by disuse alone,
// without the hours of screen time that Android asks for as well.
#ifndef FAR_WORLD_H
#define FAR_WORLD_H

#include "platform.h"
#include "policy.h"
#include "timeline.h"
#include "timer.h"
#include "zone.h"

// What is either so or not. The sentences are in world.c.
typedef enum far_switch {
  FAR_SWITCH_LOCKED, // And the screen is off.
  FAR_SWITCH_PLUGGED,
  FAR_SWITCH_LOW_POWER,
  FAR_SWITCH_STORAGE_LOW,
  FAR_SWITCH_REFRESH_OFF, // Background refresh, by the user.
  FAR_SWITCH_COVERED,     // The app switcher or another app is on top.
  FAR_SWITCH_MOVING,
  FAR_SWITCH_FORCE_QUIT, // The user has ended the app: it is not woken.
  FAR_SWITCH_SEALED,     // Not unlocked since the phone was switched on.
  FAR_SWITCHES
} far_switch;

typedef enum far_doze {
  FAR_DOZING_NOT,
  FAR_DOZING_LIGHT,
  FAR_DOZING_LIGHT_WINDOW, // For maintenance: what waited may run.
  FAR_DOZING_DEEP,
  FAR_DOZING_DEEP_WINDOW
} far_doze;

typedef enum far_bucket {
  FAR_BUCKET_ACTIVE,
  FAR_BUCKET_WORKING,
  FAR_BUCKET_FREQUENT,
  FAR_BUCKET_RARE,
  FAR_BUCKET_RESTRICTED,
  FAR_BUCKETS
} far_bucket;

typedef struct far_world {
  far_profile profile;
  farside_network network;
  int battery_permille;
  bool on[FAR_SWITCHES];

  far_doze doze;
  uint64_t quiet_ms;      // Since when the screen is off and it is unplugged.
  uint64_t still_ms;      // And it lies still. FAR_NEVER: it is not so.
  uint64_t doze_until_ms; // The end of this step of Doze.
  uint64_t idle_ms, window_ms; // How long its next steps are.

  far_bucket bucket;
  uint64_t used_ms; // When the app was in front for the last time.
  bool is_used;     // It is in front.

  far_zone zone;
  int64_t wall_offset_ms; // By how much the clock on the wall was moved.
} far_world;

// What has changed, for the timeline.
typedef struct far_change {
  far_what what;
  char why[200];
} far_change;

// A phone in use, on wifi, charged, in UTC.
void far_world_init(far_world *world, far_profile profile);

// Each returns false, and says nothing, when it was so already.
bool far_world_set(far_world *world, far_switch which, bool is_on,
                   uint64_t now_ms, far_change *change);
bool far_world_set_network(far_world *world, farside_network network,
                           const char *why, far_change *change);
bool far_world_set_battery(far_world *world, int permille, far_change *change);
bool far_world_set_zone(far_world *world, const far_zone *zone,
                        far_change *change);

// The user moved the clock on the wall.
void far_world_move_clock(far_world *world, int64_t by_ms, far_change *change);

// Tells whether the app is in front.
void far_world_use(far_world *world, bool is_used, uint64_t now_ms);

// Switched off and on again: locked, and not unlocked yet.
void far_world_reboot(far_world *world, far_change *change);

// The next thing that follows by now. Ask until it is false.
bool far_world_step(far_world *world, uint64_t now_ms, far_change *change);

// When something follows next; FAR_NEVER for nothing.
uint64_t far_world_next_ms(const far_world *world);

// Whether the OS keeps everything waiting.
bool far_world_is_dozing(const far_world *world);

// What an app may ask.
farside_conditions far_world_conditions(const far_world *world);

// "none", "metered", "wifi". False for a name that is none.
bool far_network_find(const char *name, farside_network *network);
const char *far_network_name(farside_network network);
const char *far_doze_name(far_doze doze);
const char *far_bucket_name(far_bucket bucket);

#endif
