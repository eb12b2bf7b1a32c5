// The clock: what time it is, and who wakes the host when its next deadline
// comes.
//
// The real clock is a libuv loop with one timer that is armed only while there
// is a deadline: an idle app costs no wake-up. The virtual clock stands still
// until a simulated phone moves it; no loop turns while time is virtual.
#ifndef FAR_CLOCK_H
#define FAR_CLOCK_H

#include "timer.h"

typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;
typedef struct far_clock far_clock;

struct far_clock {
  // What far_now_ns() said when it was read last, in virtual time too. Zero:
  // somebody who is not us may have taken his time since.
  uint64_t read_ns;

  // Milliseconds that only grow, from any origin.
  uint64_t (*now_ms)(far_clock *clock);

  // The same where a few milliseconds do not matter: what was read last. Where
  // a script computes, only while the system's own tick has not passed since,
  // which is 1 to 10 ms.
  uint64_t (*lately_ms)(far_clock *clock, bool is_computing);

  // Milliseconds since 1970, which can jump.
  int64_t (*wall_ms)(far_clock *clock);

  // Asks to be back at `when_ms`; FAR_NEVER asks for nothing. One deadline: a
  // new one replaces the old.
  void (*arm)(far_clock *clock, uint64_t when_ms);

  // Takes what the world has to say; with `wait`, sleeps until there is
  // something: a deadline, a signal, far_clock_wake. Without it, and while
  // nobody has asked for the loop, there is nothing to take.
  void (*poll)(far_clock *clock, bool wait);

  // Ends a wait. The one function that any thread may call.
  void (*wake)(far_clock *clock);

  // Releases everything. NULL-safe through far_clock_close().
  void (*close)(far_clock *clock);
};

// What far_now_ns() says, outside of scripts: where only a few instructions of
// ours have come since it was read last, it is not read again.
uint64_t far_clock_still_ns(far_clock *clock);

// Opens the real clock. Fails with FARSIDE_NOMEM or FARSIDE_SYSTEM.
farside_status far_clock_open_real(far_memory *memory, far_clock **clock);

// Opens a virtual clock at monotonic zero and the given wall time.
farside_status far_clock_open_virtual(far_memory *memory, int64_t wall_ms,
                                      far_clock **clock);

void far_clock_close(far_clock *clock);

bool far_clock_is_virtual(const far_clock *clock);

// The loop of a real clock, for platforms and I/O; NULL for a virtual one.
uv_loop_t *far_clock_loop(far_clock *clock);

// Lends the loop of a real clock to somebody who calls libuv, too. `uv_run` is
// that function as he knows it: false where it is not ours. From now on our own
// handles do not count as something to wait for.
bool far_clock_lend(far_clock *clock, const void *uv_run);
bool far_clock_is_lent(const far_clock *clock);

// Says of a handle on the loop that it is ours: after its init.
void far_clock_keep(far_clock *clock, uv_handle_t *handle);

// Whether there is something on a lent loop that is worth waiting for.
bool far_clock_has_others(const far_clock *clock);

// Moves the wall time of a virtual clock; the monotonic time knows nothing.
void far_clock_move_wall(far_clock *clock, int64_t by_ms);

// Moves a virtual clock forward. It never goes back.
void far_clock_set(far_clock *clock, uint64_t now_ms);

#endif
