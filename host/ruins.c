#include "host.h"

#include <stddef.h>

enum {
  PIECE_BYTES = 4 * 1024 * 1024, // About 0.3 ms.
  PAUSE_MS = 1
};

static void take_down(far_timer *timer, uint64_t now_ms) {
  far_ruins *ruins =
      (far_ruins *)(void *)((char *)timer - offsetof(far_ruins, timer));
  farside_host *host =
      (farside_host *)(void *)((char *)ruins - offsetof(farside_host, ruins));
  ruins->first = far_arena_raze(ruins->first, PIECE_BYTES);
  if (ruins->first != NULL)
    far_timer_start(&host->timers, timer, now_ms + PAUSE_MS);
}

farside_status far_ruins_init(farside_host *host) {
  return far_timer_init(&host->timers, &host->ruins.timer, FAR_TIMER_HOST,
                        take_down);
}

void far_ruins_deinit(farside_host *host) {
  far_ruins *ruins = &host->ruins;
  while (ruins->first != NULL)
    ruins->first = far_arena_raze(ruins->first, SIZE_MAX);
  if (host->timers.memory != NULL)
    far_timer_deinit(&host->timers, &ruins->timer);
}

// Most scripts are small. In virtual time nobody waits, and one more deadline
// would be seen.
static bool is_quick(const farside_host *host, const far_arena *arena) {
  far_arena_usage usage;
  far_arena_get_usage(arena, &usage);
  return usage.chunk_bytes <= PIECE_BYTES || far_clock_is_virtual(host->clock);
}

void far_ruins_add(farside_host *host, far_arena *arena) {
  far_ruins *ruins = &host->ruins;
  if (arena == NULL)
    return;
  if (is_quick(host, arena)) {
    far_arena_drop(arena);
    return;
  }
  far_arena_put_before(arena, ruins->first);
  ruins->first = arena;
  if (ruins->timer.place == 0)
    far_timer_start(&host->timers, &ruins->timer,
                    far_host_now_ms(host) + PAUSE_MS);
}
