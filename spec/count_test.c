// How many instructions it takes to do nothing: a task, a timer, a call of a
// listener, a script. Time depends on the machine and on who else is on it;
// instructions hardly do.
//
// callgrind counts them, in this very program: once for few and once for many,
// so that what it takes to start does not count. A bound is half as much again
// as it took when it was written down: it finds what has become dear by
// mistake. Who makes something cheaper lowers the bound.
//
//   count_test            checks all; the exit status is 77 without valgrind
//   count_test KIND N     does it so often

#include "../host/farside.h"
#include "check.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

// A signal that comes when it likes would be counted.
static farside_host *open_host(void) {
  farside_config config;
  farside_config_init(&config);
  config.exit_when_idle = true;
  config.signal = -1;
  farside_host *host;
  if (farside_host_open(&config, &host) != FARSIDE_OK)
    fail("no host");
  return host;
}

static void load(farside_host *host, const char *code) {
  if (farside_load_buffer(host, "app", code, strlen(code), 0, NULL) !=
      FARSIDE_OK)
    fail(farside_error(host));
}

static void run(farside_host *host, const char *code, int n) {
  char whole[512];
  snprintf(whole, sizeof whole, "local n <const> = %d %s", n, code);
  load(host, whole);
  farside_run(host);
}

static void do_tasks(farside_host *host, int n) {
  run(host,
      "local exec = require('farside').Plugins.BackgroundTask.exec "
      "local function work(task) task:finish() end "
      "for _ = 1, n do exec(work) end",
      n);
}

static void do_timers(farside_host *host, int n) {
  run(host,
      "local function nothing() end for _ = 1, n do setTimeout(nothing) end",
      n);
}

static void do_events(farside_host *host, int n) {
  enum { LISTENERS = 100 };
  load(host, "local App = require('farside').Plugins.App for _ = 1, 100 do "
             "App.addListener('memoryWarning', function() end) end");
  for (int i = 0; i < n / LISTENERS; i++) {
    farside_post(host, "memoryWarning", "{\"level\":\"low\"}");
    farside_tick(host, 60 * 1000);
  }
}

static void do_scripts(farside_host *host, int n) {
  for (int i = 0; i < n; i++) {
    load(host, "");
    farside_script_close(host, "app");
  }
}

static const struct kind {
  const char *name;
  void (*run)(farside_host *host, int n);
  int few, many;
  long most; // Instructions of one.
} kinds[] = {
    {"exec, run and finish", do_tasks, 1000, 6000, 10800},
    {"a timer, set and fired", do_timers, 1000, 6000, 6200},
    {"an event to a listener", do_events, 1000, 6000, 4400},
    {"a script, opened and closed", do_scripts, 10, 60, 300000},
};

enum { KINDS = sizeof kinds / sizeof *kinds, SKIPPED = 77 };

// What the whole program takes; negative where valgrind is not to be had.
static long long count(const char *self, int kind, int n) {
  char command[1024], line[256];
  snprintf(command, sizeof command,
           "valgrind --tool=callgrind --callgrind-out-file=/dev/null '%s' %d "
           "%d 2>&1",
           self, kind, n);
  long long counted = -1;
  FILE *pipe = popen(command, "r");
  if (pipe == NULL)
    return counted;
  while (fgets(line, sizeof line, pipe) != NULL) {
    const char *found = strstr(line, "Collected : ");
    if (found != NULL)
      counted = strtoll(found + strlen("Collected : "), NULL, 10);
  }
  return pclose(pipe) == 0 ? counted : -1;
}

int main(int argc, char **argv) {
  if (argc == 3) {
    farside_host *host = open_host();
    kinds[atoi(argv[1]) % KINDS].run(host, atoi(argv[2]));
    farside_host_close(host);
    return 0;
  }
  if (system("valgrind --version >/dev/null 2>&1") != 0)
    return SKIPPED;
  for (int i = 0; i < KINDS; i++) {
    const struct kind *kind = &kinds[i];
    long long few = count(argv[0], i, kind->few);
    long long many = count(argv[0], i, kind->many);
    check_in(few > 0 && many > few, kind->name);
    long long each = (many - few) / (kind->many - kind->few);
    printf("%s: %lld instructions, at most %ld\n", kind->name, each,
           kind->most);
    check_in(each <= kind->most, kind->name);
  }
  return check_end();
}
