// The device: a simulated phone. It is a platform and a clock, and it plays the
// user and the OS.
//
// Time stands still between calls. far_device_advance() jumps from deadline to
// deadline, so a day takes milliseconds, and the same calls give the same
// timeline, byte for byte. The host inside is the one that ships.
#ifndef FAR_DEVICE_H
#define FAR_DEVICE_H

#include "host.h"

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
  uint64_t seed; // Of all chance; zero: FAR_DEVICE_SEED.
} far_device_config;

// The seed of whoever says nothing.
enum { FAR_DEVICE_SEED = 42 };

// Fails as farside_host_open() does.
farside_status far_device_open(const far_device_config *config,
                               far_device **device);
void far_device_close(far_device *device);

// The phone's only app.
farside_host *far_device_host(far_device *device);

// The user taps the icon: launches the app, in which no script runs yet. Load
// one next. FARSIDE_BUSY when the app is running.
farside_status far_device_launch(far_device *device, const char *reason);

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

#endif
