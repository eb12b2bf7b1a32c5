// Timers: every deadline of a host, in one order.
//
// Script timers sleep while the app is suspended; the host's own deadlines do
// not. So there are two heaps behind one face, and while the app sleeps only
// the second counts. Timers that are due at the same instant fire in the order
// in which they were created, whichever heap they are in: a day replays the
// same way every time.
//
// Most timers share their instant with others. So what is made for an instant
// that has a timer already follows that one in a list, where the order allows,
// and takes its place when it is gone: the heap holds leaders only.
#ifndef FAR_TIMER_H
#define FAR_TIMER_H

#include "memory.h"

#define FAR_NEVER UINT64_MAX

typedef enum far_timer_kind {
  FAR_TIMER_SCRIPT, // Waits while the app is suspended.
  FAR_TIMER_HOST    // Fires whatever the app's state is.
} far_timer_kind;

typedef struct far_timer far_timer;
typedef void (*far_timer_fire)(far_timer *timer, uint64_t now_ms);

// Embed it in what it belongs to.
struct far_timer {
  uint64_t when_ms;
  uint64_t born; // Order of creation.
  far_timer_fire fire;
  far_timer_kind kind;
  size_t place; // In its heap, counted from one; zero while it is not armed;
                // FAR_FOLLOWS behind a leader.
  far_timer *next, *previous; // A ring: the leader and its followers.
};

#define FAR_FOLLOWS SIZE_MAX

// A timer in its heap, with its order: to compare two of them must not ask two
// places in memory that nobody has touched for long.
typedef struct far_timer_slot {
  uint64_t when_ms, born;
  far_timer *timer;
} far_timer_slot;

enum { FAR_TIMER_LEADERS = 512 };

typedef struct far_timer_heap {
  far_timer *leaders[FAR_TIMER_LEADERS]; // The last of some instants, or NULL.
  far_timer_slot *slots;                 // Each has four below it.
  size_t leading;
  size_t capacity;
  size_t born; // Timers that exist, armed or not: there is room for each.
} far_timer_heap;

typedef struct far_timers {
  far_memory *memory;
  far_timer_heap heaps[2];
  uint64_t next_born;
} far_timers;

void far_timers_init(far_timers *timers, far_memory *memory);
void far_timers_deinit(far_timers *timers);

// Makes a timer, not armed yet. The room it needs is taken now, so that arming
// can never fail. Fails with FARSIDE_NOMEM.
farside_status far_timer_init(far_timers *timers, far_timer *timer,
                              far_timer_kind kind, far_timer_fire fire);
void far_timer_deinit(far_timers *timers, far_timer *timer);

// As if it had been made just now: it fires behind all others of its instant.
void far_timer_renew(far_timers *timers, far_timer *timer);

// Arms a timer, or moves it. FAR_NEVER disarms.
void far_timer_start(far_timers *timers, far_timer *timer, uint64_t when_ms);
void far_timer_stop(far_timers *timers, far_timer *timer);

// The timer that is due next, or NULL. With `asleep`, script timers wait.
far_timer *far_timers_next(const far_timers *timers, bool asleep);

#endif
