// Scripts that never end: how late the host has control again.

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURN_MS = 20 };

static const struct {
  const char *name, *code;
} runaways[] = {
    {"loop", "while true do end"},
    {"pcall_loop", "local function spin() while true do end end "
                   "while true do pcall(spin) end"},
    {"xpcall_handler", "local function spin() while true do end end "
                       "while true do xpcall(error, spin) end"},
    {"nested_coroutines",
     "local function nest(n) if n == 0 then while true do end end "
     "coroutine.wrap(nest)(n - 1) end nest(50)"},
    {"coroutine_churn", "while true do coroutine.wrap(function() end)() end"},
    {"deep_recursion", "local function sum(n) return n == 0 and 0 or 1 + "
                       "sum(n - 1) end while true do sum(150000) end"},
    {"table_churn", "while true do local t = {} for i = 1, 1000 do t[i] = "
                    "{ i } end end"},
    {"string_churn", "local i = 0 while true do i = i + 1 local s = 'x' .. i "
                     "end"},
    {"gsub_callback", "local s = ('x'):rep(1000) while true do s:gsub('x', "
                      "function() for i = 1, 100 do end end) end"},
    {"sort_compare", "local t = {} for i = 1, 10000 do t[i] = -i end while "
                     "true do table.sort(t, function(a, b) return a < b end) "
                     "table.sort(t, function(a, b) return a > b end) end"},
    {"pattern", "local s = ('a'):rep(100) s:find(('a*'):rep(50) .. 'b')"},
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

// overrun NAME [KILLS]
int bench_overrun(int argc, char **argv) {
  const char *code = NULL;
  for (size_t i = 0; i < sizeof runaways / sizeof *runaways; i++)
    if (argc > 0 && strcmp(argv[0], runaways[i].name) == 0)
      code = runaways[i].code;
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
  config.limits.turn_ms = TURN_MS;
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
    late_us[i] = us - TURN_MS * 1e3;
    late_cpu_us[i] = cpu_us - TURN_MS * 1e3;
  }
  bench_say_spread("late_us", late_us, count);
  bench_say_spread("late_cpu_us", late_cpu_us, count);
  bench_say("check", (double)killed(host));
  farside_host_close(host);
  free(late_us);
  free(late_cpu_us);
  return 0;
}
