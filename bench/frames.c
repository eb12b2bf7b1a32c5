// A game of 60 frames a second that ticks Farside: what a frame pays for it.

#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRAME_NS = 1000000000 / 60 };

static const char idle[] =
    "local App = require('farside').Plugins.App "
    "App.addListener('pause', print) setInterval(function() end, 1000) "
    "setTimeout(print, 1e9)";

// Scripts that always have more to do than there is time: one computes on and
// on, one has a turn for each thing, and one makes garbage.
#define COMPUTES "setInterval(function() for i = 1, 1e6 do end end, 1)"
#define TURNS                                                                  \
  "for i = 1, 50 do setInterval(function() local n = 0 for i = 1, 5000 do n "  \
  "= n + i end end, 1) end"
#define GARBAGE                                                                \
  "setInterval(function() for i = 1, 1e5 do local t = { i, { i } } end end, "  \
  "1)"

// Hands over and over from one coroutine to the next.
#define COROUTINES                                                             \
  "setInterval(function() for i = 1, 1e5 do coroutine.wrap(function() end)() " \
  "end end, 1)"

// A table that grows to 2 MiB: it is copied in one go, which nobody can
// suspend.
#define GROWS                                                                  \
  "setInterval(function() local t = {} for i = 1, 1e5 do t[i] = { i } end "    \
  "end, 1)"

static const struct {
  const char *name;
  const char *scripts[4];
} kinds[] = {{"idle", {idle}},          {"busy", {COMPUTES, TURNS, GARBAGE}},
             {"computing", {COMPUTES}}, {"turns", {TURNS}},
             {"garbage", {GARBAGE}},    {"coroutines", {COROUTINES}},
             {"growing", {GROWS}}};

static void load_kind(farside_host *host, const char *name) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(kinds[i].name, name) != 0)
      continue;
    for (const char *const *script = kinds[i].scripts; *script; script++)
      bench_load(host, name, *script);
    return;
  }
  bench_fail(name, "no such kind of frames");
}

static void wait_until(uint64_t ns) {
  uint64_t now_ns = bench_now_ns();
  if (now_ns >= ns)
    return;
  struct timespec rest = {.tv_sec = (time_t)((ns - now_ns) / 1000000000),
                          .tv_nsec = (long)((ns - now_ns) % 1000000000)};
  nanosleep(&rest, NULL);
}

// frames [COUNT [KIND [BUDGET_MS]]]
int bench_frames(int argc, char **argv) {
  size_t count = bench_argument(argc, argv, 0, 600);
  const char *kind = argc > 1 ? argv[1] : "idle";
  uint64_t budget_ms = bench_argument(argc, argv, 2, 4);
  farside_config config;
  farside_config_init(&config);
  config.limits.turn_ms = config.limits.cpu_ms = FARSIDE_NO_LIMIT;
  farside_host *host = bench_host_open(&config);
  load_kind(host, kind);

  double *spent = calloc(count, sizeof *spent),
         *over = calloc(count, sizeof *over),
         *wall = calloc(count, sizeof *wall);
  if (spent == NULL || over == NULL || wall == NULL)
    bench_fail("frames", "no memory");
  uint64_t next_ns = bench_now_ns(), sum_ns = 0;
  size_t over_budget = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t before_ns = bench_cpu_ns(), before_wall_ns = bench_now_ns();
    farside_tick(host, budget_ms);
    uint64_t took_ns = bench_cpu_ns() - before_ns;
    wall[i] = (double)(bench_now_ns() - before_wall_ns) / 1000;
    sum_ns += took_ns;
    spent[i] = (double)took_ns / 1000;
    double late_us = spent[i] - (double)budget_ms * 1000;
    over[i] = late_us > 0 ? late_us : 0;
    over_budget += late_us > 0;
    next_ns += FRAME_NS;
    wait_until(next_ns);
  }
  bench_say("frame_percent", 100 * (double)sum_ns / (double)count / FRAME_NS);
  bench_say("over_budget", (double)over_budget);
  bench_say_spread("tick_us", spent, count);
  bench_say_spread("over_us", over, count);
  bench_say_spread("wall_us", wall, count);
  free(spent);
  free(over);
  free(wall);
  farside_host_close(host);
  bench_say("check", (double)count);
  return 0;
}
