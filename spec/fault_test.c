// Fails the nth allocation while scripts are loaded, stopped, reported, thrown
// away and closed: of the host's memory, and of the script's own. Nothing may
// crash, and nothing may be left.

#include "attacks.h"
#include "host.h"
#include "scripts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Each is stopped in another way.
static const char *const victims[] = {
    // By a hook, in the main chunk, in the middle of coroutines and closings.
    "local m = {__close = function() while true do end end} "
    "coroutine.wrap(function() local _ <close> = setmetatable({}, m) "
    "while true do end end)()",
    // Thrown away, in a pattern, in a timer's turn.
    "setTimeout(function() string.find(('a'):rep(40), ('a?'):rep(40) .. "
    "('a'):rep(40)) end, 1) setInterval(print, 1000) "
    "App.addListener('pause', print)",
    // A task, with what it holds: a timer, a sleeper with something to close.
    "BackgroundTask.exec(function(task) setTimeout(print, 1000, task) "
    "coroutine.wrap(function() local _ <close> = setmetatable({}, "
    "{__close = function() print 'closed' end}) farside.sleep(1000) end)() "
    "print(pcall(error, {})) while true do end end, {name = 'n', onExpire = "
    "print})",
    // At the cap of its memory, and by an error that nobody catches.
    "local t = {} pcall(function() while true do t[#t + 1] = {#t} end end) "
    "error('no memory for ' .. #t)",
    // In a run of durable work, and in the middle of asking for some.
    "BackgroundTask.define('k', {run = function(ctx) ctx:save {x = {1}} "
    "while true do end end}) BackgroundTask.watch(print) "
    "BackgroundTask.enqueue('k', {x = ('y'):rep(1000)}, {unique = 'u', tags = "
    "{'t'}}) BackgroundTask.enqueue('k')",
    "setTimeout(function() while true do BackgroundTask.enqueue('k', {1}) "
    "BackgroundTask.query() BackgroundTask.cancel {all = true} end end, 1)",
    // By the end of the app.
    "App.addListener('terminate', print) farside.postMessage(farside.name, "
    "{1, {x = 'y'}}) App.addListener('message', function(m) print(m.data[1]) "
    "os.exit() end) setTimeout(function() os.exit() end, 3)",
};

enum { VICTIMS = sizeof victims / sizeof *victims, TICKS = 12 };

// -- The host's memory --------------------------------------------------------

typedef struct heap {
  size_t fail_at; // The number of the allocation to refuse; zero for none.
  bool fails_on;  // Refuse every later one as well.
  size_t count, refused, used_bytes;
} heap;

static void *allocate(void *user, void *ptr, size_t bytes_old,
                      size_t bytes_new) {
  heap *mine = user;
  if (bytes_new == 0) {
    mine->used_bytes -= ptr ? bytes_old : 0;
    free(ptr);
    return NULL;
  }
  bool grows = ptr == NULL || bytes_new > bytes_old;
  mine->count += grows;
  if (grows && mine->fail_at != 0 &&
      (mine->count == mine->fail_at ||
       (mine->fails_on && mine->count > mine->fail_at))) {
    mine->refused++;
    return NULL;
  }
  void *block = realloc(ptr, bytes_new);
  if (block == NULL)
    abort();
  mine->used_bytes += bytes_new - (ptr ? bytes_old : 0);
  return block;
}

// -- A life -------------------------------------------------------------------

typedef struct scene {
  heap heap;
  uint64_t arena_fail_at; // Of the script's own; zero for none.
  bool arena_fails_on;
  uint64_t arena_refused;
} scene;

static void live(scene *mine, const char *victim) {
  char code[2048];
  snprintf(code, sizeof code,
           "local farside = require 'farside' local App, BackgroundTask = "
           "farside.Plugins.App, farside.Plugins.BackgroundTask "
           "setTimeout(function() %s\nend, 1)",
           victim);
  farside_config config;
  farside_config_init(&config);
  config.allocate = allocate;
  config.user = &mine->heap;
  config.grace_ms = 1;
  config.limits = (farside_limits){.turn_ms = 2,
                                   .cpu_ms = 2,
                                   .slice_ms = 1,
                                   .grace_ms = 1,
                                   .memory_bytes = 512 << 10};
  farside_source source;
  farside_source_init(&source);
  source.name = "victim";
  source.code = code;
  source.code_bytes = strlen(code);
  farside_host *host;
  if (farside_host_open(&config, &host) != FARSIDE_OK)
    return;
  (void)farside_open_store(host, NULL);
  host->failing.at = mine->arena_fail_at;
  host->failing.and_after = mine->arena_fails_on;
  if (farside_load(host, &source) == FARSIDE_OK) {
    uint64_t end_ns = now_ns() + 40 * 1000 * 1000;
    for (int i = 0; i < TICKS || now_ns() < end_ns; i++) {
      farside_tick(host, 1);
      const far_script *script = far_scripts_find(host, "victim");
      bool is_quiet = script == NULL ||
                      (!script->is_parked &&
                       far_list_is_empty(&script->turns) && script->cpu_ns > 0);
      if (i >= TICKS && is_quiet)
        break;
    }
    farside_script_reload(host, "victim");
    farside_tick(host, 1);
    farside_script_close(host, "victim");
  } else if (farside_error(host)[0] == '\0') {
    printf("a load failed without a sentence\n");
    abort();
  }
  mine->arena_refused = host->failing.refused;
  farside_host_close(host);
}

static void check_nothing_left(const scene *mine) {
  if (mine->heap.used_bytes == 0)
    return;
  printf("%zu bytes are left after failure %zu\n", mine->heap.used_bytes,
         mine->heap.fail_at);
  abort();
}

// Time decides how often memory is asked for, so that the end is where nothing
// was refused a few times in a row.
enum { FEW = 3, MOST = 400 };

static int fail_host(const char *victim, bool fails_on) {
  int times = 0;
  size_t step = 1;
  for (size_t n = 1, none = 0; none < FEW && times < MOST; n += step) {
    scene mine = {.heap = {.fail_at = n, .fails_on = fails_on}};
    live(&mine, victim);
    check_nothing_left(&mine);
    none = mine.heap.refused == 0 ? none + 1 : 0;
    times++;
  }
  return times;
}

static int fail_arena(const char *victim, bool fails_on, int most) {
  int refused = 0;
  uint64_t n = 1;
  for (int times = 0; times < most; times++, n += 1 + n / 16) {
    scene mine = {.arena_fail_at = n, .arena_fails_on = fails_on};
    live(&mine, victim);
    check_nothing_left(&mine);
    refused += mine.arena_refused > 0;
  }
  return refused;
}

int main(int argc, char **argv) {
  int most = argc > 1 ? atoi(argv[1]) : 100;
  int passed = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (size_t i = 0; i < VICTIMS; i++) {
    printf("ok victim %zu: the host's memory failed %d times\n", i + 1,
           fail_host(victims[i], false));
    printf("ok victim %zu: and from there on %d times\n", i + 1,
           fail_host(victims[i], true));
    printf("ok victim %zu: its own memory failed %d times\n", i + 1,
           fail_arena(victims[i], false, most) +
               fail_arena(victims[i], true, most));
    passed += 3;
  }
  printf("%d passed, 0 failed\n", passed);
  return 0;
}
