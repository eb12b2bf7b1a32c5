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

// Three scripts that always have more to do than there is time: one computes on
// and on, one has a turn for each thing, and one makes garbage.
static const char *const busy[] = {
    "setInterval(function() for i = 1, 1e6 do end end, 1)",
    "for i = 1, 50 do setInterval(function() local n = 0 for i = 1, 5000 do n "
    "= "
    "n + i end end, 1) end",
    "setInterval(function() for i = 1, 1e5 do local t = { i, { i } } end "
    "end, 1)",
    NULL};

// A table that grows to 2 MiB: it is copied in one go, which nobody can
// suspend.
static const char *const growing[] = {
    "setInterval(function() local t = {} for i = 1, 1e5 do t[i] = { i } end "
    "end, 1)",
    NULL};

static void load_all(farside_host *host, const char *const *scripts) {
  for (; *scripts != NULL; scripts++)
    bench_load(host, "busy", *scripts);
}

static void wait_until(uint64_t ns) {
  uint64_t now_ns = bench_now_ns();
  if (now_ns >= ns)
    return;
  struct timespec rest = {.tv_sec = (time_t)((ns - now_ns) / 1000000000),
                          .tv_nsec = (long)((ns - now_ns) % 1000000000)};
  nanosleep(&rest, NULL);
}

// frames [COUNT [idle|busy|growing [BUDGET_MS]]]
int bench_frames(int argc, char **argv) {
  size_t count = bench_argument(argc, argv, 0, 600);
  const char *kind = argc > 1 ? argv[1] : "idle";
  uint64_t budget_ms = bench_argument(argc, argv, 2, 4);
  farside_config config;
  farside_config_init(&config);
  config.limits.turn_ms = config.limits.cpu_ms = FARSIDE_NO_LIMIT;
  farside_host *host = bench_host_open(&config);
  if (strcmp(kind, "busy") == 0)
    load_all(host, busy);
  else if (strcmp(kind, "growing") == 0)
    load_all(host, growing);
  else
    bench_load(host, "idle", idle);

  double *spent = calloc(count, sizeof *spent),
         *over = calloc(count, sizeof *over);
  if (spent == NULL || over == NULL)
    bench_fail("frames", "no memory");
  uint64_t next_ns = bench_now_ns(), sum_ns = 0;
  size_t over_budget = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t before_ns = bench_cpu_ns();
    farside_tick(host, budget_ms);
    uint64_t took_ns = bench_cpu_ns() - before_ns;
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
  free(spent);
  free(over);
  farside_host_close(host);
  bench_say("check", (double)count);
  return 0;
}
