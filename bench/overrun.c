// Scripts that never end: how late the host has control again.

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TURN_MS = 20, PAUSES = 20 };

static const struct {
  const char *name, *code;
  uint64_t turn_ms; // Its budget; zero: TURN_MS.
} runaways[] = {
    // What a hook stops.
    {"loop", "while true do end", 0},
    {"pcall_loop",
     "local function spin() while true do end end "
     "while true do pcall(spin) end",
     0},
    {"xpcall_handler",
     "local function spin() while true do end end "
     "while true do xpcall(error, spin) end",
     0},
    {"nested_coroutines",
     "local function nest(n) if n == 0 then while true do end end "
     "coroutine.wrap(nest)(n - 1) end nest(50)",
     0},
    {"coroutine_churn", "while true do coroutine.wrap(function() end)() end",
     0},
    {"deep_recursion",
     "local function sum(n) return n == 0 and 0 or 1 + "
     "sum(n - 1) end while true do sum(150000) end",
     0},
    {"table_churn",
     "while true do local t = {} for i = 1, 1000 do t[i] = { i } end end", 0},
    {"string_churn",
     "local i = 0 while true do i = i + 1 local s = 'x' .. i "
     "end",
     0},
    {"gsub_callback",
     "local s = ('x'):rep(1000) while true do s:gsub('x', "
     "function() for i = 1, 100 do end end) end",
     0},
    {"sort_compare",
     "local t = {} for i = 1, 10000 do t[i] = -i end while "
     "true do table.sort(t, function(a, b) return a < b end) "
     "table.sort(t, function(a, b) return a > b end) end",
     0},

    // What has to be dropped, in nearly every case.
    {"pattern", "local s = ('a'):rep(100) s:find(('a*'):rep(50) .. 'b')", 0},
    {"rep", "while true do local s = ('x'):rep(15000000) end", 0},
    {"concat",
     "local t = {} for i = 1, 50000 do t[i] = ('x'):rep(200) end "
     "while true do table.concat(t) end",
     0},
    {"move", "while true do table.move({}, 1, 1000000000, 2, {}) end", 0},
    {"unpack",
     "local t = {} while true do pcall(table.unpack, t, 1, 900000) end", 0},
    {"sort",
     "local t = {} for i = 1, 200000 do t[i] = i * 7919 % 1000003 end "
     "while true do table.sort(t) end",
     0},
    // At the edge of the memory each block that is asked for collects all of
    // it first.
    {"collection",
     "local all = {} for i = 1, 300000 do all[i] = { i } end "
     "while true do pcall(string.rep, 'x', 16000000) pcall(function() "
     "local t = {} for i = 1, 8 do t[i] = ('x'):rep(15000000 + i) end end) "
     "end",
     200},
};

static struct {
  uint64_t began_ns, began_cpu_ns;
  bool has_begun;
} now;

// The script says when its turn begins.
static void on_entry(void *user, const farside_entry *entry) {
  (void)user;
  if (entry->level != FARSIDE_INFO || strcmp(entry->what, "log") != 0)
    return;
  now.has_begun = true;
  now.began_ns = bench_now_ns();
  now.began_cpu_ns = bench_cpu_ns();
}

// Whether the turn of script number one, the runaway, has come to an end that
// was no stop.
static bool is_away(const farside_host *host) {
  farside_script script;
  return now.has_begun && farside_script_at(host, 1, &script) &&
         !script.is_computing;
}

static uint64_t killed(const farside_host *host) {
  farside_stats stats;
  farside_get_stats(host, &stats);
  return stats.killed;
}

// Until the memory of the last runaway is given back. Besides, who computes
// without a pause is made to wait by the scheduler.
static void rest(farside_host *host) {
  for (int i = 0; i < PAUSES; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
    farside_tick(host, 1000);
  }
}

// overrun NAME [KILLS]
int bench_overrun(int argc, char **argv) {
  const char *code = NULL;
  uint64_t turn_ms = TURN_MS;
  for (size_t i = 0; i < sizeof runaways / sizeof *runaways; i++) {
    if (argc == 0 || strcmp(argv[0], runaways[i].name) != 0)
      continue;
    code = runaways[i].code;
    turn_ms = runaways[i].turn_ms ? runaways[i].turn_ms : TURN_MS;
  }
  if (code == NULL)
    bench_fail("overrun", "which runaway?");
  size_t count = bench_argument(argc, argv, 1, 200);
  double *late_us = malloc(count * sizeof *late_us);
  double *late_cpu_us = malloc(count * sizeof *late_cpu_us);
  if (late_us == NULL || late_cpu_us == NULL)
    bench_fail("overrun", "no memory");

  farside_config config;
  farside_config_init(&config);
  config.on_entry = on_entry;
  config.limits.turn_ms = turn_ms;
  farside_host *host = bench_host_open(&config);
  bench_load(host, "bystander", "");
  char whole[1024];
  snprintf(whole, sizeof whole, "setTimeout(function() print 'go' %s end)",
           code);
  for (size_t i = 0; i < count; i++) {
    now.has_begun = false;
    bench_load(host, "runaway", whole);
    while (killed(host) == i) {
      if (is_away(host))
        bench_fail(argv[0], "its turn has ended, and was not stopped");
      farside_tick(host, 1000);
    }
    double cpu_us = (double)(bench_cpu_ns() - now.began_cpu_ns) / 1e3;
    double us = (double)(bench_now_ns() - now.began_ns) / 1e3;
    late_us[i] = us - (double)turn_ms * 1e3;
    late_cpu_us[i] = cpu_us - (double)turn_ms * 1e3;
    rest(host);
  }
  bench_say_spread("late_us", late_us, count);
  bench_say_spread("late_cpu_us", late_cpu_us, count);
  bench_say("check", (double)killed(host));
  farside_host_close(host);
  free(late_us);
  free(late_cpu_us);
  return 0;
}
