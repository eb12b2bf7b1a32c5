// Many scripts in a host, through the C API on real time: what they are loaded
// from and may do, their list, closing and reloading, messages, what happens to
// one that is stopped, and modules of the embedder's.

#include "check.h"
#include "farside.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// -- A host, and what it tells ------------------------------------------------

typedef struct world {
  farside_host *host;
  char said[8192];      // "script: text", a line each.
  char words[8192];     // "script.kill app.lua:3", a line each; no log.
  char letters[2048];   // "from: json", a line each.
  farside_status inner; // What a call from inside a callback came to.
  bool tries_inside;
} world;

static void append(char *buffer, size_t bytes, const char *a, const char *b) {
  size_t length = strlen(buffer);
  snprintf(buffer + length, bytes - length, "%s%s%s\n", a, *b ? ": " : "", b);
}

static void on_entry(void *user, const farside_entry *entry) {
  world *mine = user;
  if (strcmp(entry->what, "log") == 0)
    append(mine->said, sizeof mine->said, entry->script ? entry->script : "",
           entry->why);
  else
    append(mine->words, sizeof mine->words, entry->what,
           entry->where ? entry->where : "");
  if (mine->tries_inside && mine->host != NULL)
    mine->inner = farside_script_close(mine->host, "a");
}

static void on_message(void *user, const char *script, const char *json) {
  world *mine = user;
  append(mine->letters, sizeof mine->letters, script, json);
}

static farside_host *open_with(world *mine, const farside_config *config) {
  farside_config whole = *config;
  *mine = (world){0};
  whole.on_entry = on_entry;
  whole.on_message = on_message;
  whole.user = mine;
  whole.exit_when_idle = true;
  check(farside_host_open(&whole, &mine->host) == FARSIDE_OK);
  return mine->host;
}

static farside_host *open_host(world *mine) {
  farside_config config;
  farside_config_init(&config);
  return open_with(mine, &config);
}

static const char prelude[] =
    "local farside = require 'farside' local App, BackgroundTask = "
    "farside.Plugins.App, farside.Plugins.BackgroundTask ";

static farside_status load(world *mine, const char *name, const char *code) {
  char whole[4096];
  snprintf(whole, sizeof whole, "%s%s", prelude, code);
  return farside_load_buffer(mine->host, name, whole, strlen(whole), 0, NULL);
}

static bool has_said(const world *mine, const char *line) {
  char whole[512];
  snprintf(whole, sizeof whole, "%s\n", line);
  return strstr(mine->said, whole) != NULL;
}

// Runs until a script has said it, or for ever: ctest has the deadline.
static void run_until(world *mine, const char *line) {
  while (!has_said(mine, line) && !farside_has_ended(mine->host))
    farside_tick(mine->host, 5);
}

// -- Names, the list, closing -------------------------------------------------

static void test_names_and_list(void) {
  world mine;
  farside_host *host = open_host(&mine);
  farside_script about;
  check(!farside_script_at(host, 0, &about));
  check(load(&mine, "a.lua", "setInterval(print, 1e6)") == FARSIDE_OK);
  check(load(&mine, "dir/a.lua",
             "BackgroundTask.exec(function(task) "
             "farside.sleep(1e6) end)") == FARSIDE_OK);
  check(load(&mine, "host", "print(farside.name)") == FARSIDE_OK);
  check(has_said(&mine, "host-2: host-2"));
  check(farside_script_at(host, 1, &about));
  check(strcmp(about.name, "a-2") == 0 && about.path == NULL);
  check(about.tasks_open == 1 && about.messages == 0);
  check(about.memory_bytes > 10000 && about.memory_bytes < 200000);
  check(about.memory_peak_bytes >= about.memory_bytes);
  check(about.memory_limit_bytes == 64u << 20);
  check(farside_script_at(host, 2, &about) &&
        !farside_script_at(host, 3, &about));

  check(farside_script_close(host, "nobody") == FARSIDE_NOSCRIPT);
  check(strcmp(farside_error(host), "there is no script 'nobody'") == 0);
  check(farside_script_close(host, NULL) == FARSIDE_INVALID);
  check(farside_script_close(NULL, "a") == FARSIDE_INVALID);
  check(farside_script_close(host, "a") == FARSIDE_OK);
  check(farside_script_close(host, "a") == FARSIDE_NOSCRIPT);
  check(farside_script_close(host, "a-2") == FARSIDE_OK);
  check(strstr(mine.words, "task.cancel") != NULL);
  check(farside_script_at(host, 0, &about) &&
        strcmp(about.name, "host-2") == 0);
  check(!farside_has_ended(host));
  farside_host_close(host);
}

static void test_calls_from_inside(void) {
  world mine;
  farside_host *host = open_host(&mine);
  check(load(&mine, "a.lua", "setInterval(print, 1e6)") == FARSIDE_OK);
  mine.tries_inside = true;
  check(load(&mine, "b.lua", "print 'now'") == FARSIDE_OK);
  check(mine.inner == FARSIDE_BUSY);
  check(farside_script_close(host, "b") == FARSIDE_OK);
  check(mine.inner == FARSIDE_BUSY);
  mine.tries_inside = false;
  check(farside_script_close(host, "a") == FARSIDE_OK);
  farside_host_close(host);
}

// -- Reloading ----------------------------------------------------------------

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  check(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void test_reload(void) {
  world mine;
  farside_host *host = open_host(&mine);
  char folder[] = "/tmp/farside.XXXXXX", path[64];
  check(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/app.lua", folder);
  write_file(path, "print('one', ...) setInterval(print, 1e6)");
  const char *argv[] = {"x", NULL};
  check(farside_load_file(host, path, 1, argv) == FARSIDE_OK);
  check(has_said(&mine, "app: one\tx"));
  write_file(path, "print('two', ...) setInterval(print, 1e6)");
  check(farside_script_reload(host, "app") == FARSIDE_OK);
  check(has_said(&mine, "app: two\tx"));
  check(strstr(mine.words, "script.reload") != NULL);
  check(farside_script_reload(host, "nobody") == FARSIDE_NOSCRIPT);

  // One that no longer loads is closed, and can be mended.
  write_file(path, "three = = 3");
  check(farside_script_reload(host, "app") == FARSIDE_SYNTAX);
  farside_script about;
  check(!farside_script_at(host, 0, &about));
  check(farside_script_reload(host, "app") == FARSIDE_NOSCRIPT);
  unlink(path);
  rmdir(folder);
  farside_host_close(host);
}

// -- Messages -----------------------------------------------------------------

static void test_messages(void) {
  world mine;
  farside_host *host = open_host(&mine);
  check(load(&mine, "echo.lua",
             "App.addListener('message', function(m) "
             "farside.postMessage('host', m.data) "
             "print(m.from, math.type(m.data.n), m.data.list[2], m.data.t) "
             "end)") == FARSIDE_OK);
  check(farside_send(host, "echo", "{\"n\":1,\"list\":[1,2.5]}") == FARSIDE_OK);
  run_until(&mine, "echo: host\tinteger\t2.5\tnil");
  check(strcmp(mine.letters, "echo: {\"n\":1,\"list\":[1,2.5]}\n") == 0 ||
        strcmp(mine.letters, "echo: {\"list\":[1,2.5],\"n\":1}\n") == 0);
  check(farside_send(host, "echo", "{") == FARSIDE_INVALID);
  check(farside_send(host, NULL, "1") == FARSIDE_INVALID);
  check(farside_send(host, "echo", NULL) == FARSIDE_INVALID);
  check(farside_send(host, "nobody", "1") == FARSIDE_OK);
  run_until(&mine, ": a message to nobody is lost: no script has this name");
  check(has_said(&mine,
                 ": a message to nobody is lost: no script has this name"));
  farside_host_close(host);
}

// What comes before there is a listener waits for it, up to a bound.
static void test_messages_wait(void) {
  world mine;
  farside_host *host = open_host(&mine);
  check(load(&mine, "late.lua",
             "setTimeout(function() App.addListener('message', function(m) "
             "count = (count or 0) + 1 print('got', count) end) end, 1)") ==
        FARSIDE_OK);
  check(load(&mine, "eager.lua",
             "for i = 1, 64 do assert(farside.postMessage('late', i)) end "
             "print(farside.postMessage('late', 65))") == FARSIDE_OK);
  check(has_said(&mine, "eager: nil\t64 messages wait for 'late' already, "
                        "which does not listen\tLIMIT"));
  run_until(&mine, "late: got\t64");
  check(has_said(&mine, "late: got\t64"));
  farside_script about;
  check(farside_script_at(host, 0, &about) && about.messages == 0);
  farside_host_close(host);
}

static void test_full_queue(void) {
  world mine;
  farside_config config;
  farside_config_init(&config);
  config.limits.messages = 5;
  farside_host *host = open_with(&mine, &config);
  check(load(&mine, "slow.lua",
             "App.addListener('message', function(m) end)") == FARSIDE_OK);
  check(load(&mine, "fast.lua",
             "for i = 1, 5 do assert(farside.postMessage('slow', i)) end "
             "print(farside.postMessage('slow', 6)) "
             "print(farside.postMessage('slow', ('x'):rep(2^20)))") ==
        FARSIDE_OK);
  check(
      has_said(&mine, "fast: nil\t5 messages wait for 'slow' already\tLIMIT"));
  // From outside it is found out later.
  check(farside_send(host, "slow", "7") == FARSIDE_OK);
  run_until(&mine,
            "slow: a message to slow is lost: too many wait for it already");
  check(farside_script_close(host, "slow") == FARSIDE_OK);
  farside_host_close(host);
}

// -- What may be asked for ----------------------------------------------------

static farside_status load_source(world *mine, farside_source *source,
                                  const char *code) {
  source->code = code;
  source->code_bytes = strlen(code);
  if (source->name == NULL)
    source->name = "asks.lua";
  return farside_load(mine->host, source);
}

static void test_manifest(void) {
  world mine;
  farside_host *host = open_host(&mine);
  const char *const http[] = {"https://api.example.com/*", NULL};
  const char *const modules[] = {"json", NULL};
  farside_manifest manifest = {
      .name = "asker",
      .version = "1.2",
      .needs = {.modules = modules, .limits = {.memory_bytes = 1 << 20}}};
  farside_source source;
  farside_source_init(&source);
  source.manifest = &manifest;
  check(load_source(&mine, &source,
                    "print(require 'farside'.usage().memoryLimitBytes) "
                    "print(pcall(require, 'other'))") == FARSIDE_OK);
  check(has_said(&mine, "asker: 1048576"));
  farside_script about;
  check(farside_script_at(host, 0, &about));
  check(strcmp(about.name, "asker") == 0 &&
        strcmp(about.script_version, "1.2") == 0);

  manifest.needs.http = http;
  check(load_source(&mine, &source, "print 'never'") == FARSIDE_DENIED);
  check(strstr(farside_error(host), "https://api.example.com/*") != NULL);
  source.grant.http = http;
  check(load_source(&mine, &source, "") == FARSIDE_OK);
  manifest.needs.limits.memory_bytes = (uint64_t)1 << 40;
  check(load_source(&mine, &source, "") == FARSIDE_DENIED);
  check(strstr(farside_error(host), "memory") != NULL);
  manifest.needs.limits.memory_bytes = 1;
  check(load_source(&mine, &source, "") == FARSIDE_INVALID);
  source.version = 99;
  check(load_source(&mine, &source, "") == FARSIDE_INVALID);
  check(farside_load(host, NULL) == FARSIDE_INVALID);
  farside_host_close(host);
}

// -- What is stopped ----------------------------------------------------------

static void test_stopped(void) {
  world mine;
  farside_config config;
  farside_config_init(&config);
  config.limits.turn_ms = 30;
  config.limits.slice_ms = 2;
  farside_host *host = open_with(&mine, &config);
  check(load(&mine, "good.lua",
             "local n = 0 setInterval(function() n = n + 1 "
             "if n == 20 then print 'done' end end, 1)") == FARSIDE_OK);
  check(load(&mine, "bad.lua",
             "App.addListener('launch', function(e) print(e.reason, e.why) "
             "if e.reason ~= 'killed' then while true do end end end)") ==
        FARSIDE_OK);
  while (strstr(mine.words, "script.kill") == NULL ||
         !has_said(&mine, "good: done"))
    farside_tick(host, 5);
  check(strstr(mine.words, "script.kill: bad.lua:1") != NULL);
  check(strstr(farside_error(host), "bad was stopped: ") ==
        farside_error(host));
  farside_stats stats;
  farside_get_stats(host, &stats);
  check(stats.killed == 1 && stats.errors == 0);
  farside_script about;
  check(farside_script_at(host, 0, &about) &&
        !farside_script_at(host, 1, &about));
  check(farside_script_reload(host, "bad") == FARSIDE_OK);
  while (strstr(mine.said, "bad: killed\t") == NULL)
    farside_tick(host, 5);
  check(strstr(mine.said, "(limit turn)") != NULL);
  check(farside_script_reload(host, "bad") == FARSIDE_OK);
  run_until(&mine, "bad: user\tnil"); // Only the first launch afterwards.
  farside_host_close(host);
}

static void test_stopped_at_load(void) {
  world mine;
  farside_config config;
  farside_config_init(&config);
  config.limits.turn_ms = 20;
  farside_host *host = open_with(&mine, &config);
  check(load(&mine, "bad.lua", "while true do end") == FARSIDE_KILLED);
  check(strstr(farside_error(host), "bad was stopped: it has computed") !=
        NULL);
  check(farside_has_ended(host)); // Its last script was stopped.
  check(load(&mine, "good.lua", "print 'here'") == FARSIDE_OK);
  check(!farside_has_ended(host) && has_said(&mine, "good: here"));
  farside_host_close(host);
}

// What cannot be suspended may not hold up the others for long.
static void test_held_up(void) {
  world mine;
  farside_config config;
  farside_config_init(&config);
  config.limits.slice_ms = 2;
  config.limits.hold_ms = 20;
  config.limits.turn_ms = FARSIDE_NO_LIMIT;
  farside_host *host = open_with(&mine, &config);
  // Suspended again and again, it holds up nobody.
  check(load(&mine, "long.lua",
             "setTimeout(function() local t = os.clock() "
             "while os.clock() - t < 0.2 do end print 'ended' end, 1)") ==
        FARSIDE_OK);
  check(load(&mine, "bad.lua",
             "setTimeout(function() string.find(('a'):rep(40), "
             "('a?'):rep(40) .. ('a'):rep(40)) end, 1)") == FARSIDE_OK);
  run_until(&mine, "long: ended");
  check(has_said(&mine, "long: ended"));
  check(strstr(mine.words, "script.kill: bad.lua:1") != NULL);
  check(strstr(farside_error(host), "(limit hold)") != NULL);
  farside_host_close(host);
}

// Where nothing of Lua runs any more, not all of the grace is waited for.
static void test_no_answer(void) {
  world mine;
  farside_config config;
  farside_config_init(&config);
  config.limits.turn_ms = 20;
  config.limits.grace_ms = 3 * 1000;
  farside_host *host = open_with(&mine, &config);
  check(load(&mine, "bad.lua",
             "setTimeout(function() string.find(('a'):rep(40), "
             "('a?'):rep(40) .. ('a'):rep(40)) end, 1)") == FARSIDE_OK);
  while (!farside_has_ended(host))
    farside_tick(host, 5);
  const char *computed = strstr(farside_error(host), "it has computed for ");
  check(computed != NULL);
  double used_s = computed ? strtod(computed + 20, NULL) : 0;
  check(used_s >= 0.6 && used_s < 2.9);
  farside_host_close(host);
}

// lua_resume() says what is wrong in a string of its own, outside of all that
// catches errors. When there is no memory for it, the error comes out of the
// door.
static void test_no_memory_to_complain(void) {
  if (sizeof(void *) < 8)
    return; // There a message still fits where a function did not.
  world mine;
  farside_config config;
  farside_config_init(&config);
  config.limits.memory_bytes = 1 << 20;
  farside_host *host = open_with(&mine, &config);
  check(load(&mine, "app.lua",
             "local all, kept = {}, {} for i = 1, 16000 do kept[i] = false "
             "end "
             "local function fill() for i = 1, #kept do "
             "kept[i] = kept[i] or function() end end end "
             "local function free() for i = 1, #kept do kept[i] = false end "
             "end "
             "local dead, wrapped = coroutine.create(print), "
             "coroutine.wrap(print) coroutine.resume(dead) wrapped() "
             "setTimeout(function() pcall(fill) "
             "local a, b = pcall(coroutine.resume, dead) "
             "local c, d = pcall(wrapped) "
             "free() print(a, b, c, d) end, 1) "
             "for i = 1, 250 do "
             "all[i] = coroutine.create(function() coroutine.yield() "
             "return coroutine.resume(all[i + 1]) end) "
             "coroutine.resume(all[i]) end "
             "setTimeout(function() pcall(fill) coroutine.resume(all[1]) "
             "print 'not reached' end, 2) "
             "setTimeout(function() free() print 'goes on' end, 3)") ==
        FARSIDE_OK);
  run_until(&mine, "app: goes on");
  check(has_said(&mine, "app: false\tnot enough memory\tfalse\tnot enough "
                        "memory"));
  check(has_said(&mine, "app: not enough memory"));
  check(!has_said(&mine, "app: not reached"));
  farside_host_close(host);
}

// The memory of a large script is given back between other things.
static void test_stopped_large(void) {
  world mine;
  farside_config config;
  farside_config_init(&config);
  config.limits.turn_ms = 300;
  farside_host *host = open_with(&mine, &config);
  farside_stats stats;
  check(load(&mine, "good.lua", "setInterval(print, 1e6)") == FARSIDE_OK);
  farside_get_stats(host, &stats);
  uint64_t before_bytes = stats.memory_bytes;
  const size_t few_bytes = 1 << 20, many_bytes = 10 << 20;
  check(load(&mine, "bad.lua",
             "big = {} for i = 1, 20 do big[i] = ('x'):rep(1e6) end "
             "setTimeout(function() ('x'):rep(100):find(('.-'):rep(50) .. 'b') "
             "end, 1)") == FARSIDE_OK);
  while (strstr(mine.words, "script.kill") == NULL)
    farside_tick(host, 5);
  farside_get_stats(host, &stats);
  check(stats.memory_bytes > before_bytes + many_bytes);
  check(farside_script_reload(host, "bad") == FARSIDE_OK);
  check(farside_script_close(host, "bad") == FARSIDE_OK);
  while (stats.memory_bytes > before_bytes + few_bytes) {
    farside_tick(host, 5);
    farside_get_stats(host, &stats);
  }
  check(farside_script_reload(host, "good") == FARSIDE_OK);
  farside_host_close(host);

  // And at once, when the host is closed.
  host = open_host(&mine);
  check(load(&mine, "good.lua",
             "setInterval(print, 1e6) big = ('x'):rep(9e6)") == FARSIDE_OK);
  check(farside_script_close(host, "good") == FARSIDE_OK);
  farside_get_stats(host, &stats);
  check(stats.memory_bytes > few_bytes);
  farside_host_close(host);
}

// What is between two slices when its script, or its host, is closed. That no
// timer is left is asserted by farside_host_close().
static void test_closed_while_computing(void) {
  static const char *const spinning[] = {
      "setTimeout(function() while true do end end, 1)",
      "local id id = setInterval(function() clearInterval(id) "
      "while true do end end, 1)",
      "setInterval(function() while true do end end, 1)",
      "BackgroundTask.exec(function(task) setInterval(function() "
      "while true do end end, 1) end)",
      "BackgroundTask.exec(function(task) farside.sleep(1) "
      "while true do end end)",
      "App.addListener('launch', function() while true do end end)"};
  for (size_t i = 0; i < 2 * sizeof spinning / sizeof *spinning; i++) {
    world mine;
    farside_host *host = open_host(&mine);
    check(load(&mine, "app.lua", spinning[i / 2]) == FARSIDE_OK);
    farside_script about;
    while (farside_script_at(host, 0, &about) && !about.is_computing)
      farside_tick(host, 1);
    if (i % 2 == 0)
      check(farside_script_close(host, "app") == FARSIDE_OK);
    farside_host_close(host);
  }
}

// A task takes only itself along.
static void test_stopped_task(void) {
  world mine;
  farside_config config;
  farside_config_init(&config);
  config.limits.turn_ms = 20;
  farside_host *host = open_with(&mine, &config);
  check(load(&mine, "app.lua",
             "BackgroundTask.exec(function() while true do pcall(error) end "
             "end, { name = 'spin' }) "
             "setTimeout(function() print 'alive' end, 60)") == FARSIDE_OK);
  run_until(&mine, "app: alive");
  check(has_said(&mine, "app: alive"));
  check(strstr(mine.words, "task.fail") != NULL);
  check(strstr(mine.words, "script.kill") == NULL);
  farside_host_close(host);
}

// What an ended task has to close is closed in one go, while all others wait:
// whoever does not come to an end there is stopped like anybody else.
static void test_stopped_while_closing(void) {
  world mine;
  farside_config config;
  farside_config_init(&config);
  config.limits.turn_ms = 20;
  farside_host *host = open_with(&mine, &config);
  check(load(&mine, "app.lua",
             "local spin = setmetatable({}, { __close = function() "
             "while true do end end }) "
             "BackgroundTask.exec(function(task) coroutine.wrap(function() "
             "local x <close> = spin farside.sleep(1e6) end)() "
             "task:finish() end)") == FARSIDE_OK);
  while (!farside_has_ended(host))
    farside_tick(host, 5);
  check(strstr(mine.words, "script.kill: app.lua:1") != NULL);
  farside_host_close(host);
}

// Turns that queue turns keep no app from its end.
static void test_end_of_the_endless(void) {
  world mine;
  farside_host *host = open_host(&mine);
  check(load(&mine, "app.lua",
             "App.addListener('message', function() "
             "farside.postMessage(farside.name, 1) end) "
             "farside.postMessage(farside.name, 1)") == FARSIDE_OK);
  check(farside_post(host, "terminate", "{\"graceMs\":20}") == FARSIDE_OK);
  while (!farside_has_ended(host))
    farside_tick(host, 5);
  check(strstr(mine.words, "app.end") != NULL);
  farside_host_close(host);
}

// Reporting is not at the script's expense, so that it must not be dear.
static void test_large_error(void) {
  world mine;
  farside_host *host = open_host(&mine);
  check(load(&mine, "app.lua",
             "error('begins here' .. ('x'):rep(15 * 2^20), 0)") ==
        FARSIDE_SCRIPT);
  check(strstr(mine.said, "app: begins herexxx") != NULL);
  check(strstr(mine.said, "not enough memory") == NULL);
  farside_host_close(host);
}

// A traceback does not look for names where the script can put as many as it
// likes.
static void test_endless_traceback(void) {
  world mine;
  farside_config config;
  farside_config_init(&config);
  config.limits.turn_ms = 100;
  farside_host *host = open_with(&mine, &config);
  check(load(&mine, "app.lua",
             "local names = {} for i = 1, 10000 do names['k' .. i] = i end "
             "for i = 1, 10000 do package.loaded['x' .. i] = names end "
             "setTimeout(function() error 'no' end, 1)") == FARSIDE_OK);
  while (strstr(mine.said, ": no\n") == NULL && !farside_has_ended(host))
    farside_tick(host, 5);
  check(strstr(mine.words, "script.kill") == NULL);
  farside_host_close(host);
}

// A host that is told to be awake no longer, in the middle of a load that
// failed, is not closed under the load.
static void close_on_release(void *self) {
  world *mine = self;
  mine->inner = farside_script_close(mine->host, "app");
  farside_host_close(mine->host);
}

static void test_close_on_release(void) {
  world mine;
  farside_platform platform = {.version = FARSIDE_PLATFORM_VERSION,
                               .self = &mine,
                               .release = close_on_release};
  farside_config config;
  farside_config_init(&config);
  config.platform = &platform;
  open_with(&mine, &config);
  check(load(&mine, "app.lua", "BackgroundTask.exec(print) error 'no'") ==
        FARSIDE_CLOSED);
  check(mine.inner == FARSIDE_BUSY);
}

// Tasks that are stopped again and again take the script along.
static void test_stopped_tasks(void) {
  world mine;
  farside_config config;
  farside_config_init(&config);
  config.limits.turn_ms = 20;
  farside_host *host = open_with(&mine, &config);
  check(load(&mine, "app.lua",
             "setInterval(function() BackgroundTask.exec(function() "
             "table.sort({ 1, 2 }, function() while true do end end) end) "
             "end, 1)") == FARSIDE_OK);
  while (!farside_has_ended(host))
    farside_tick(host, 5);
  check(strstr(mine.words, "script.kill") != NULL);
  farside_stats stats;
  farside_get_stats(host, &stats);
  check(stats.failed == 3);
  char big[1024 * 1024 + 2] = "";
  memset(big, ' ', sizeof big - 1);
  check(farside_load_buffer(host, "big", big, sizeof big - 1, 0, NULL) ==
        FARSIDE_LIMIT);
  check(farside_load_buffer(host, "fits", big, sizeof big - 2, 0, NULL) ==
        FARSIDE_OK);
  farside_host_close(host);
}

// Without a signal nothing is stopped, but memory still has its limit.
static void test_no_signal(void) {
  world mine;
  farside_config config;
  farside_config_init(&config);
  config.signal = -1;
  config.limits.memory_bytes = 1 << 20;
  farside_host *host = open_with(&mine, &config);
  check(
      load(&mine, "app.lua", "local t = {} while true do t[#t + 1] = {} end") ==
      FARSIDE_SCRIPT);
  check(strstr(farside_error(host), "limit memory") != NULL);
  farside_host_close(host);
}

// What the thread has computed before is not a script's.
static void test_no_signal_is_counted(void) {
  world mine;
  farside_config config;
  farside_config_init(&config);
  config.signal = -1;
  farside_host *host = open_with(&mine, &config);
  enum { BEFORE_MS = 500 };
  clock_t began = clock();
  while ((clock() - began) * 1000 / CLOCKS_PER_SEC < BEFORE_MS)
    ;
  check(load(&mine, "one",
             "local n = 0 local function tick() n = n + 1 if n < 20 then "
             "setTimeout(tick) end end tick()") == FARSIDE_OK);
  check(farside_run(host) == FARSIDE_OK);
  farside_script one;
  check(farside_script_at(host, 0, &one));
  check(one.cpu_ms < BEFORE_MS);
  farside_host_close(host);
}

// Nor is what the embedder does when it is told of an entry, though the end of
// one turn may be the beginning of the next. And time only goes on.
typedef struct listener {
  int fired;
  uint64_t last_ms;
  bool has_gone_back;
} listener;

enum { LISTENS_MS = 3 };

static void listen(void *user, const farside_entry *entry) {
  listener *mine = user;
  mine->has_gone_back |= entry->t_ms < mine->last_ms;
  mine->last_ms = entry->t_ms;
  if (strcmp(entry->what, "timer.fire") != 0)
    return;
  mine->fired++;
  clock_t began = clock();
  while ((clock() - began) * 1000 / CLOCKS_PER_SEC < LISTENS_MS)
    ;
}

static void test_no_callback_is_counted(void) {
  world mine = {0};
  listener told = {0};
  farside_config config;
  farside_config_init(&config);
  config.exit_when_idle = true;
  config.on_entry = listen;
  config.user = &told;
  check(farside_host_open(&config, &mine.host) == FARSIDE_OK);
  check(
      load(&mine, "one",
           "for i = 1, 50 do setTimeout(function() "
           "BackgroundTask.exec(function(task) task:finish() end) end, i * 6) "
           "end") == FARSIDE_OK);
  check(farside_run(mine.host) == FARSIDE_OK);
  farside_script one;
  check(farside_script_at(mine.host, 0, &one));
  check(told.fired == 50 && !told.has_gone_back);
  check(one.cpu_ms < 50 * LISTENS_MS / 2);
  farside_host_close(mine.host);
}

// -- The embedder's modules
// ---------------------------------------------------

static farside_host *shielded;

static int twice(lua_State *L) {
  lua_Number number = luaL_checknumber(L, 1);
  farside_shield_up(shielded);
  free(malloc(100));
  farside_shield_down(shielded);
  lua_pushnumber(L, number * 2);
  return 1;
}

static int open_engine(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, twice);
  lua_setfield(L, -2, "twice");
  return 1;
}

static void test_modules(void) {
  world mine;
  static const farside_module modules[] = {{"engine.math", open_engine},
                                           {NULL, NULL}};
  farside_config config;
  farside_config_init(&config);
  config.modules = modules;
  config.limits.turn_ms = 20;
  shielded = open_with(&mine, &config);
  check(load(&mine, "app.lua", "print(require 'engine.math'.twice(4))") ==
        FARSIDE_OK);
  check(has_said(&mine, "app: 8.0"));
  // A script that may not have it does not find it, by no way.
  static const char *const none[] = {NULL};
  farside_source source;
  farside_source_init(&source);
  source.name = "poor";
  source.grant.modules = none;
  source.grant.background = none;
  check(load_source(&mine, &source,
                    "print((pcall(require, 'engine.math')), "
                    "package.preload['engine.math']) "
                    "print(require 'farside'.Plugins.BackgroundTask.exec("
                    "function() end))") == FARSIDE_OK);
  check(has_said(&mine, "poor: false\tnil"));
  check(strstr(mine.said, "poor: nil\tthis script may not work in the "
                          "background") != NULL);
  check(load(&mine, "busy.lua",
             "local twice = require 'engine.math'.twice "
             "while true do pcall(twice, 1) end") == FARSIDE_KILLED);
  farside_host_close(mine.host);
}

// Computes beyond every budget, where no hook is asked, and yields.
static int spin(lua_State *L) {
  clock_t end = clock() + CLOCKS_PER_SEC / 20;
  while (clock() < end)
    continue;
  return lua_yield(L, 0);
}

static int open_spin(lua_State *L) {
  lua_pushcfunction(L, spin);
  return 1;
}

// A stop that comes when the inner coroutine has no instruction left.
static void test_stopped_in_passing(void) {
  world mine;
  static const farside_module modules[] = {{"spin", open_spin}, {NULL, NULL}};
  farside_config config;
  farside_config_init(&config);
  config.modules = modules;
  config.limits.turn_ms = 20;
  config.limits.grace_ms = 10000;
  open_with(&mine, &config);
  check(load(&mine, "app.lua",
             "coroutine.wrap(require 'spin')() print 'never'") ==
        FARSIDE_KILLED);
  check(strstr(mine.words, "script.kill") != NULL && mine.said[0] == '\0');
  farside_host_close(mine.host);
}

// An emptied table takes as long to walk as a full one, and the message has
// it a hundred thousand times: it would take minutes, under the shield.
static void test_endless_message(void) {
  world mine;
  farside_config config;
  farside_config_init(&config);
  config.limits.turn_ms = 100;
  farside_host *host = open_with(&mine, &config);
  check(load(&mine, "app.lua",
             "local sparse, list = {}, {} "
             "for i = 1, 20000 do sparse[i + 0.5] = i end "
             "for key in pairs(sparse) do sparse[key] = nil end "
             "for i = 1, 100000 do list[i] = sparse end "
             "setTimeout(function() while true do "
             "pcall(farside.postMessage, 'host', list) end end, 1)") ==
        FARSIDE_OK);
  while (!farside_has_ended(host))
    farside_tick(host, 5);
  check(strstr(mine.words, "script.kill: app.lua:1") != NULL);
  farside_host_close(host);
}

int main(void) {
  test_names_and_list();
  test_calls_from_inside();
  test_reload();
  test_messages();
  test_messages_wait();
  test_full_queue();
  test_manifest();
  test_stopped();
  test_stopped_at_load();
  test_held_up();
  test_no_answer();
  test_no_memory_to_complain();
  test_stopped_large();
  test_closed_while_computing();
  test_stopped_task();
  test_stopped_tasks();
  test_stopped_while_closing();
  test_end_of_the_endless();
  test_large_error();
  test_endless_traceback();
  test_close_on_release();
  test_no_signal();
  test_no_signal_is_counted();
  test_no_callback_is_counted();
  test_modules();
  test_stopped_in_passing();
  test_endless_message();
  return check_end();
}
