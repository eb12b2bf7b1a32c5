// Turns that do nothing: what it costs to enter a script.

#include "bench.h"

#include <stdio.h>
#include <string.h>

static const struct {
  const char *name, *code;
} kinds[] = {
    // Timers that are due all at once.
    {"timer", "local function nothing() end for i = 1, n do "
              "setTimeout(nothing) end"},
    // A task that finishes at once.
    {"task", "local exec = require('farside').Plugins.BackgroundTask.exec "
             "local function nothing(task) task:finish() end "
             "for i = 1, n do exec(nothing) end"},
};

// turns KIND watched|unwatched [COUNT]: setting up n turns and running them.
int bench_turns(int argc, char **argv) {
  const char *code = NULL;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (argc > 1 && strcmp(argv[0], kinds[i].name) == 0)
      code = kinds[i].code;
  if (code == NULL)
    bench_fail("turns", "which kind, watched or unwatched?");
  uint64_t count = bench_argument(argc, argv, 2, 20000);
  farside_config config;
  farside_config_init(&config);
  config.exit_when_idle = true;
  config.signal = strcmp(argv[1], "unwatched") == 0 ? -1 : 0;
  farside_host *host = bench_host_open(&config);
  char whole[1024];
  // Each round begins with a turn of its own, and rounds let the garbage of
  // the last one be used again.
  enum { ROUNDS = 10 };
  snprintf(whole, sizeof whole,
           "local rounds, n = %d, %d local function begin() %s "
           "rounds = rounds - 1 if rounds > 0 then setTimeout(begin, 2) end "
           "end setTimeout(begin)",
           ROUNDS, (int)(count / ROUNDS), code);
  bench_load(host, "turns", whole);
  uint64_t began_ns = bench_cpu_ns();
  farside_run(host);
  bench_say("ns", (double)(bench_cpu_ns() - began_ns) / (double)count);
  bench_say("check", (double)count);
  farside_host_close(host);
  return 0;
}
