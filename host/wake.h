// Wake-ups: when the OS grants what an app has asked for, or why not yet.
//
// An app asks to be woken, at the soonest after some time. The OS owes nothing:
// it grants a request when the moment that was drawn for it has come and no
// rule stands against it, and until then each reason is told once. A request
// outlives the app and a reboot.
//
// There is one request of a refresh: a new one takes the place of the old. Of
// long work there are as many as the OS allows.
#ifndef FAR_WAKE_H
#define FAR_WAKE_H

#include "world.h"

enum { FAR_WAKES_MAX = 160, FAR_RUNS_MAX = 64 };

typedef struct far_wake {
  farside_wake kind;
  bool needs_network, needs_charging;
  bool is_refused; // The OS never grants it.
  uint64_t asked_ms;
  uint64_t grant_ms; // Drawn: when nothing stands against it.
  const char *waits; // The reason that was told last, or NULL.
} far_wake;

// Time that the app has run in the background because it was woken.
typedef struct far_wake_run {
  uint64_t begin_ms, end_ms; // FAR_NEVER: it goes on.
} far_wake_run;

typedef struct far_wakes {
  far_wake pending[FAR_WAKES_MAX]; // In the order of asking.
  size_t count;
  uint64_t refreshed_ms; // The last grant of a refresh; FAR_NEVER: none.
  far_wake_run runs[FAR_RUNS_MAX]; // A ring: the newest.
  uint64_t run_count;
} far_wakes;

void far_wakes_init(far_wakes *wakes);

// When a request may be granted at the soonest.
uint64_t far_wakes_earliest(const far_wakes *wakes, far_profile profile,
                            farside_wake kind, uint64_t now_ms,
                            uint64_t after_ms);

// Keeps a request. False when the OS allows no more.
bool far_wakes_add(far_wakes *wakes, far_profile profile, const far_wake *wake);

// Forgets the requests of a kind; false when there are none.
bool far_wakes_cancel(far_wakes *wakes, farside_wake kind);

typedef struct far_wake_news {
  farside_wake kind;
  bool is_granted;
  bool is_out_of_quota;
  const char *why;
  uint64_t asked_ms;
} far_wake_news;

// What can be said of the requests by now: one was granted, and is gone, or
// waits for another reason than before. Ask until it is false.
bool far_wakes_step(far_wakes *wakes, const far_world *world, uint64_t now_ms,
                    far_wake_news *news);

// When to ask again, if nothing in the world changes; FAR_NEVER.
uint64_t far_wakes_next_ms(const far_wakes *wakes, const far_world *world,
                           uint64_t now_ms);

// The app runs because it was woken; it no longer runs in the background.
void far_wakes_begin_run(far_wakes *wakes, uint64_t now_ms);
void far_wakes_end_run(far_wakes *wakes, uint64_t now_ms);

const char *far_wake_name(farside_wake kind);

#endif
