#include "clock.h"

#include "far_assert.h"
#include <string.h>
#include <time.h>
#include <uv.h>

typedef struct real_clock {
  far_clock clock;
  far_memory *memory;
  uv_loop_t loop;
  uv_timer_t timer;
  uv_async_t async;
  uint64_t armed_ms;
  bool has_loop;
  bool is_shared; // There may be more on it than what is ours here.
  bool is_lent;
} real_clock;

typedef struct virtual_clock {
  far_clock clock;
  far_memory *memory;
  uint64_t now_ms;
  int64_t wall_at_zero_ms;
} virtual_clock;

static real_clock *real_of(far_clock *clock) {
  return (real_clock *)(void *)clock;
}

static virtual_clock *virtual_of(far_clock *clock) {
  return (virtual_clock *)(void *)clock;
}

// When the system's tick was: it keeps that for whoever asks.
static uint64_t tick_ns(void) {
#ifdef CLOCK_MONOTONIC_COARSE
  struct timespec tick;
  if (clock_gettime(CLOCK_MONOTONIC_COARSE, &tick) == 0)
    return (uint64_t)tick.tv_sec * 1000000000u + (uint64_t)tick.tv_nsec;
#endif
  return UINT64_MAX;
}

uint64_t far_clock_still_ns(far_clock *clock) {
  if (clock->read_ns == 0)
    clock->read_ns = uv_hrtime();
  return clock->read_ns;
}

static int64_t wall_now_ms(far_clock *clock) {
  (void)clock;
  uv_timeval64_t now;
  uv_gettimeofday(&now);
  return now.tv_sec * 1000 + now.tv_usec / 1000;
}

// -- Real ---------------------------------------------------------------------

enum { NS_PER_MS = 1000 * 1000 };

static uint64_t real_now(far_clock *clock) {
  clock->read_ns = uv_hrtime();
  return clock->read_ns / NS_PER_MS;
}

static uint64_t real_lately(far_clock *clock, bool is_computing) {
  if (is_computing && clock->read_ns < tick_ns())
    clock->read_ns = 0;
  return far_clock_still_ns(clock) / NS_PER_MS;
}

// The wait is over; whoever waited looks at the deadlines itself. Without the
// stop, libuv before 1.45 goes on to wait when the timer was due on entry.
static void timer_fired(uv_timer_t *timer) {
  real_of(timer->data)->armed_ms = FAR_NEVER;
  uv_stop(timer->loop);
}

static void woken(uv_async_t *async) {
  (void)async;
}

static void real_arm(far_clock *clock, uint64_t when_ms) {
  real_clock *real = real_of(clock);
  if (real->armed_ms == when_ms)
    return;
  real->armed_ms = when_ms;
  if (when_ms == FAR_NEVER) {
    uv_timer_stop(&real->timer);
    return;
  }
  // libuv counts from its own, cached idea of now.
  uv_update_time(&real->loop);
  uint64_t now_ms = uv_now(&real->loop);
  uv_timer_start(&real->timer, timer_fired,
                 when_ms > now_ms ? when_ms - now_ms : 0, 0);
}

static void real_poll(far_clock *clock, bool wait) {
  real_clock *real = real_of(clock);
  // The timer and the async end a wait, and nothing else.
  if (!wait && !real->is_shared)
    return;
  uv_handle_t *async = (uv_handle_t *)&real->async;
  // A loop with nothing to wait for would not even look.
  if (real->is_lent)
    uv_ref(async);
  uv_run(&real->loop, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
  if (real->is_lent)
    uv_unref(async);
}

static void real_wake(far_clock *clock) {
  uv_async_send(&real_of(clock)->async);
}

static void close_handle(uv_handle_t *handle, void *unused) {
  (void)unused;
  if (!uv_is_closing(handle))
    uv_close(handle, NULL);
}

static void real_close(far_clock *clock) {
  real_clock *real = real_of(clock);
  if (real->has_loop) {
    uv_walk(&real->loop, close_handle, NULL);
    uv_run(&real->loop, UV_RUN_DEFAULT);
    far_assert(uv_loop_close(&real->loop) == 0);
  }
  far_free(real->memory, real, sizeof *real);
}

static farside_status status_of(int uv) {
  if (uv == 0)
    return FARSIDE_OK;
  return uv == UV_ENOMEM ? FARSIDE_NOMEM : FARSIDE_SYSTEM;
}

farside_status far_clock_open_real(far_memory *memory, far_clock **clock) {
  *clock = NULL;
  real_clock *real = far_new(memory, sizeof *real);
  if (real == NULL)
    return FARSIDE_NOMEM;
  real->memory = memory;
  real->armed_ms = FAR_NEVER;
  real->clock = (far_clock){.now_ms = real_now,
                            .lately_ms = real_lately,
                            .wall_ms = wall_now_ms,
                            .arm = real_arm,
                            .poll = real_poll,
                            .wake = real_wake,
                            .close = real_close};

  farside_status status = status_of(uv_loop_init(&real->loop));
  if (status != FARSIDE_OK)
    goto fail;
  real->has_loop = true;
  status = status_of(uv_timer_init(&real->loop, &real->timer));
  if (status != FARSIDE_OK)
    goto fail;
  real->timer.data = real;
  status = status_of(uv_async_init(&real->loop, &real->async, woken));
  if (status != FARSIDE_OK)
    goto fail;
  *clock = &real->clock;
  return FARSIDE_OK;

fail:
  real_close(&real->clock);
  return status;
}

uv_loop_t *far_clock_loop(far_clock *clock) {
  if (clock->close != real_close)
    return NULL;
  real_of(clock)->is_shared = true;
  return &real_of(clock)->loop;
}

bool far_clock_lend(far_clock *clock, const void *theirs) {
  int (*run)(uv_loop_t *, uv_run_mode) = uv_run;
  if (clock->close != real_close || memcmp(&run, &theirs, sizeof run) != 0)
    return false;
  real_clock *real = real_of(clock);
  real->is_lent = true;
  far_clock_keep(clock, (uv_handle_t *)&real->timer);
  far_clock_keep(clock, (uv_handle_t *)&real->async);
  return true;
}

bool far_clock_is_lent(const far_clock *clock) {
  return clock->close == real_close &&
         ((const real_clock *)(const void *)clock)->is_lent;
}

void far_clock_keep(far_clock *clock, uv_handle_t *handle) {
  if (far_clock_is_lent(clock))
    uv_unref(handle);
}

bool far_clock_has_others(const far_clock *clock) {
  return far_clock_is_lent(clock) &&
         uv_loop_alive(&((const real_clock *)(const void *)clock)->loop) != 0;
}

// -- Virtual ------------------------------------------------------------------

static uint64_t virtual_now(far_clock *clock) {
  return virtual_of(clock)->now_ms;
}

static uint64_t virtual_lately(far_clock *clock, bool is_computing) {
  (void)is_computing;
  return virtual_of(clock)->now_ms;
}

static int64_t virtual_wall(far_clock *clock) {
  virtual_clock *virtual = virtual_of(clock);
  return virtual->wall_at_zero_ms + (int64_t) virtual->now_ms;
}

// The phone asks the host for its deadlines; nobody needs to be woken.
static void virtual_arm(far_clock *clock, uint64_t when_ms) {
  (void)clock;
  (void)when_ms;
}

static void virtual_poll(far_clock *clock, bool wait) {
  (void)clock;
  (void)wait;
}

static void virtual_wake(far_clock *clock) {
  (void)clock;
}

static void virtual_close(far_clock *clock) {
  virtual_clock *virtual = virtual_of(clock);
  far_free(virtual->memory, virtual, sizeof *virtual);
}

farside_status far_clock_open_virtual(far_memory *memory, int64_t wall_ms,
                                      far_clock **clock) {
  *clock = NULL;
  virtual_clock *virtual = far_new(memory, sizeof *virtual);
  if (virtual == NULL)
    return FARSIDE_NOMEM;
  virtual->memory = memory;
  virtual->wall_at_zero_ms = wall_ms;
  virtual->clock = (far_clock){.now_ms = virtual_now,
                               .lately_ms = virtual_lately,
                               .wall_ms = virtual_wall,
                               .arm = virtual_arm,
                               .poll = virtual_poll,
                               .wake = virtual_wake,
                               .close = virtual_close};
  *clock = &virtual->clock;
  return FARSIDE_OK;
}

bool far_clock_is_virtual(const far_clock *clock) {
  return clock->close == virtual_close;
}

void far_clock_set(far_clock *clock, uint64_t now_ms) {
  far_assert(far_clock_is_virtual(clock));
  far_assert(now_ms >= virtual_of(clock)->now_ms);
  virtual_of(clock)->now_ms = now_ms;
}

void far_clock_move_wall(far_clock *clock, int64_t by_ms) {
  far_assert(far_clock_is_virtual(clock));
  virtual_of(clock)->wall_at_zero_ms += by_ms;
}

void far_clock_close(far_clock *clock) {
  if (clock != NULL)
    clock->close(clock);
}
