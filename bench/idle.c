// An app in the foreground with nothing to do: who wakes up?

#include "bench.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

static uint64_t switches_of(const char *task) {
  char path[300], line[256];
  snprintf(path, sizeof path, "/proc/self/task/%s/status", task);
  FILE *file = fopen(path, "r");
  uint64_t sum = 0;
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (strstr(line, "voluntary_ctxt_switches:") == line)
      sum = strtoull(strchr(line, ':') + 1, NULL, 10);
  if (file != NULL)
    fclose(file);
  return sum;
}

// How often all threads but this one have gone to sleep so far.
static uint64_t switches(size_t *threads) {
  long mine = syscall(SYS_gettid);
  uint64_t sum = 0;
  *threads = 0;
  DIR *tasks = opendir("/proc/self/task");
  for (struct dirent *each; tasks != NULL && (each = readdir(tasks)) != NULL;) {
    if (each->d_name[0] == '.' || strtol(each->d_name, NULL, 10) == mine)
      continue;
    sum += switches_of(each->d_name);
    (*threads)++;
  }
  if (tasks != NULL)
    closedir(tasks);
  return sum;
}

static void rest(uint64_t ms) {
  struct timespec time = {.tv_sec = (time_t)(ms / 1000),
                          .tv_nsec = (long)(ms % 1000) * 1000000};
  nanosleep(&time, NULL);
}

static uint64_t idle_ms;

static void look(void *host) {
  enum { SETTLE_MS = 500 };
  rest(SETTLE_MS);
  size_t threads;
  uint64_t before = switches(&threads);
  rest(idle_ms);
  bench_say("wakeups", (double)(switches(&threads) - before));
  bench_say("threads", (double)threads);
  farside_stop(host);
}

static const char foreground[] =
    "require('farside').Plugins.App.addListener('pause', print) "
    "setTimeout(print, 1e9) setTimeout(function() "
    "for i = 1, 1e7 do end end)";

static const char periodic[] =
    "local work = require('farside').Plugins.BackgroundTask "
    "work.define('sync', { run = function() end }) "
    "work.periodic('sync', 'sync', { every = '15m' })";

// idle [MS [background|periodic]]: an app in the foreground with a listener and
// a timer for later; the same in the background; one with work every quarter of
// an hour.
int bench_idle(int argc, char **argv) {
  idle_ms = bench_argument(argc, argv, 0, 3000);
  const char *kind = argc > 1 ? argv[1] : "foreground";
  bool has_work = strcmp(kind, "periodic") == 0;
  farside_config config;
  farside_config_init(&config);
  farside_host *host = bench_host_open(&config);
  if (has_work && farside_open_store(host, NULL) != FARSIDE_OK)
    bench_fail("a store", farside_error(host));
  bench_load(host, "idle", has_work ? periodic : foreground);
  if (strcmp(kind, "background") == 0)
    farside_post(host, "pause", NULL);
  uv_thread_t thread;
  if (uv_thread_create(&thread, look, host) != 0)
    bench_fail("idle", "no thread");
  farside_run(host);
  uv_thread_join(&thread);
  farside_host_close(host);
  bench_say("check", (double)idle_ms);
  return 0;
}
