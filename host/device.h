// The device: a simulated phone. It is a platform and a clock, and it plays the
// user and the OS.
//
// Time stands still between calls. far_device_advance() jumps from deadline to
// deadline, so a day takes milliseconds, and the same calls give the same
// timeline, byte for byte. The host inside is the one that ships. What the
// phone is like stands in `world`, when the app is woken in `wake`, and what
// the OS leaves open is drawn from a seed.
#ifndef FAR_DEVICE_H
#define FAR_DEVICE_H

#include "answer.h"
#include "chance.h"
#include "host.h"
#include "wake.h"

typedef struct far_device far_device;

// What the phone is like. Zero it; strings are copied.
typedef struct far_device_config {
  const char *os;  // "ios", "android", "strict" or "desktop"; NULL: "ios".
  int64_t wall_ms; // When the phone is switched on; zero: a fixed morning.
  farside_allocate allocate;
  farside_on_entry on_entry;
  void *user;                  // For both.
  farside_limits limits;       // As in farside_config.
  size_t timeline_entries_max; // Zero: the host's default.
  uint64_t grace_ms;           // As in farside_config.
  const char *launch_url;
  const char *store; // A file; NULL: in memory, as long as the phone.
  bool has_seed;     // Else a fixed one.
  uint64_t seed;
  far_chance_policy policy;
  uint64_t allowed;   // Rules that may be broken, by far_rule_bit().
  bool is_strict;     // What is only a warning fails the run too.
  uint64_t ram_bytes; // Zero: as the profile says.
  // What scripts are told is left, while a budget runs. Zero: the truth.
  uint64_t remaining_ms;
  // A wake-up that is granted comes as late as it may. Nothing else is drawn
  // differently.
  bool has_late_wakes;
} far_device_config;

// The seed of whoever says nothing. Its OS has no whims: no time in the
// background is cut short, and what may come in any order comes in the usual
// one.
enum { FAR_DEVICE_SEED = 42 };

// Fails as farside_host_open() does.
farside_status far_device_open(const far_device_config *config,
                               far_device **device);
void far_device_close(far_device *device);

// What a phone is like that was just opened, without a word in the timeline.
void far_device_begin(far_device *device, farside_network network,
                      int battery_permille, const far_zone *zone);

// The phone's only app.
farside_host *far_device_host(far_device *device);

const far_world *far_device_world(const far_device *device);

// Memory that lives longer than the app: zeroed, and the phone's. NULL: there
// is none.
void *far_device_keep(far_device *device, size_t bytes);

// What its network is.
far_answers *far_device_answers(far_device *device);

// Which rules its app has broken.
const far_violations *far_device_violations(const far_device *device);

// What the OS decides: how long something takes, in milliseconds, both ends
// included; FAR_NEVER where it may refuse. The only place where chance enters.
uint64_t far_device_draw(far_device *device, uint64_t least_ms,
                         uint64_t most_ms, bool may_never);

// The user taps the icon: launches the app, in which no script runs yet. Load
// one next. FARSIDE_BUSY when the app is running.
farside_status far_device_launch(far_device *device, const char *reason);

// What the phone starts when it launches the app by itself. Copied.
farside_status far_device_install(far_device *device,
                                  const farside_source *source);

// Runs what is due now. Every verb below ends with it.
void far_device_settle(far_device *device);

// Lets virtual time pass.
void far_device_advance(far_device *device, uint64_t ms);

// The home button: the app goes to the background. Harmless elsewhere.
void far_device_press_home(far_device *device);

// The user comes back to the app. FARSIDE_INVALID when it is not running.
farside_status far_device_open_app(far_device *device);

// The OS kills the app: not a word to it.
void far_device_kill(far_device *device, const char *why);

// The user ends the app: it hears of it, unless it is suspended, and has the
// time that the profile gives.
void far_device_quit(far_device *device);

// The user ends it by force, in the app switcher.
void far_device_swipe_away(far_device *device);

// The screen goes off: the app in front goes to the background. Unlocked, it
// comes back.
void far_device_lock(far_device *device);
void far_device_unlock(far_device *device);

// Something else is on top: the app is inactive, and not in the background.
void far_device_cover(far_device *device, bool is_covered);

// The power, the storage, the user's switches. FAR_SWITCH_LOCKED, _COVERED,
// _SEALED and _FORCE_QUIT have verbs of their own.
void far_device_switch(far_device *device, far_switch which, bool is_on);
void far_device_set_battery(far_device *device, int permille);
void far_device_set_network(far_device *device, farside_network network);

// The network comes and goes for a while, and is in the end what it was.
void far_device_flap(far_device *device, uint64_t for_ms);

// Switches the phone off and on. It is locked, and not unlocked yet.
void far_device_reboot(far_device *device);

// The OS is short of memory: the app is told the level; one that is suspended
// may be killed instead.
void far_device_low_memory(far_device *device, const char *level);

// Something opens a URL of the app's, without '"' or '\': launches it, or
// brings it to the front. Fails as farside_load() does.
farside_status far_device_open_url(far_device *device, const char *url);

// A push arrives that wakes the app without showing anything. FARSIDE_DENIED
// or FARSIDE_LIMIT when the OS drops it. In Doze, or without network, it waits.
farside_status far_device_push(far_device *device);

// The system wants its time back: the end of all that is open is announced now,
// however much of it is left.
void far_device_expire(far_device *device);

// Moves the clock on the wall. Nothing that runs notices.
void far_device_move_clock(far_device *device, int64_t by_ms);
void far_device_set_zone(far_device *device, const far_zone *zone);

// Milliseconds since 1970, and until the clock on the wall next shows a time of
// day, given in seconds; never zero.
int64_t far_device_wall_ms(far_device *device);
uint64_t far_device_until_ms(far_device *device, int day_s);

// How long each turn of the tasks of this name is taken to compute, or of all
// others with NULL. FARSIDE_LIMIT when that was said of too many names.
farside_status far_device_set_cost(far_device *device, const char *name,
                                   uint64_t ms);

// A request to be woken, and what it needs beyond its kind. What the platform
// of this phone does for a host that asks. FARSIDE_LIMIT when there are too
// many.
farside_status far_device_schedule_wake(far_device *device, farside_wake kind,
                                        uint64_t after_ms, bool needs_network,
                                        bool needs_charging);
void far_device_cancel_wake(far_device *device, farside_wake kind);

#endif
