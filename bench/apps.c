// Apps: a hosted script does something many times; and events and messages go
// through one.

#include "bench.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// -- Scripts of apps/ ---------------------------------------------------------

// What is measured lies between the words "begin" and "end" of a script, or the
// end of its app.
typedef struct span {
  uint64_t began_ns, ended_ns;
} span;

static void on_log(void *user, farside_level level, const char *script,
                   const char *message) {
  span *mine = user;
  if (level == FARSIDE_ERROR)
    bench_fail(script, message);
  if (strcmp(message, "begin") == 0)
    mine->began_ns = bench_process_ns();
  else if (strcmp(message, "end") == 0)
    mine->ended_ns = bench_process_ns();
  else if (level > FARSIDE_DEBUG)
    puts(message);
}

// A script may have so much: it is not its memory that is measured.
static void lift_limits(farside_limits *limits) {
  limits->memory_bytes = UINT64_C(8) << 30;
  limits->block_bytes = UINT64_C(4) << 30;
  limits->turn_ms = limits->cpu_ms = limits->hold_ms = 600 * 1000;
}

// app FILE OPS [N [ENTRIES]]: a script that does something `ops` times, with n
// of something. ENTRIES: how many the timeline keeps.
int bench_app(int argc, char **argv) {
  if (argc < 2)
    bench_fail("app", "which file, and how often?");
  uint64_t ops = bench_argument(argc, argv, 1, 0);
  uint64_t n = bench_argument(argc, argv, 2, ops);
  span mine = {0};
  farside_config config;
  farside_config_init(&config);
  config.exit_when_idle = true;
  config.on_log = on_log;
  config.user = &mine;
  config.timeline_entries_max =
      bench_argument(argc, argv, 3, config.timeline_entries_max);
  lift_limits(&config.limits);
  farside_host *host = bench_host_open(&config);
  char n_text[32];
  snprintf(n_text, sizeof n_text, "%llu", (unsigned long long)n);
  if (farside_load_file(host, argv[0], 2,
                        (const char *[]){argv[1], n_text, NULL}) != FARSIDE_OK)
    bench_fail(argv[0], farside_error(host));
  farside_run(host);
  if (mine.ended_ns == 0)
    mine.ended_ns = bench_process_ns();
  bench_say("ns", (double)(mine.ended_ns - mine.began_ns) / (double)ops);
  bench_say("peak_bytes", bench_peak_bytes());
  farside_host_close(host);
  return 0;
}

// -- Events -------------------------------------------------------------------

static uint64_t calls;

static int count_call(lua_State *L) {
  (void)L;
  calls++;
  return 0;
}

static int open_counter(lua_State *L) {
  lua_pushcfunction(L, count_call);
  return 1;
}

static const farside_module counter[] = {{"counter", open_counter}, {0}};

static const char add_listeners[] =
    "local counter, App = require 'counter', "
    "require('farside').Plugins.App "
    "for _ = 1, n do App.addListener('memoryWarning', "
    "function(event) counter(event.level) end) end";

static void say_calls(uint64_t began_ns) {
  bench_say("ns", (double)(bench_process_ns() - began_ns) / (double)calls);
  bench_say("check", (double)calls);
}

// dispatch OPS N: events to n listeners, `ops` calls in all.
int bench_dispatch(int argc, char **argv) {
  uint64_t ops = bench_argument(argc, argv, 0, 100000);
  uint64_t n = bench_argument(argc, argv, 1, 1);
  farside_config config;
  farside_config_init(&config);
  config.modules = counter;
  lift_limits(&config.limits);
  farside_host *host = bench_host_open(&config);
  char code[512];
  snprintf(code, sizeof code, "local n <const> = %llu %s",
           (unsigned long long)n, add_listeners);
  bench_load(host, "listeners", code);
  farside_tick(host, 60 * 1000);
  uint64_t began_ns = bench_process_ns();
  for (uint64_t events = 1; events <= ops / n; events++) {
    if (farside_post(host, "memoryWarning", "{\"level\":\"low\"}") !=
        FARSIDE_OK)
      bench_fail("an event", "is not posted");
    while (calls < events * n)
      farside_tick(host, 60 * 1000);
  }
  say_calls(began_ns);
  farside_host_close(host);
  return 0;
}

// dispatch-plain OPS N: the same calls from C, each protected, with a table of
// its own. No JSON, no turns, no queue.
int bench_dispatch_plain(int argc, char **argv) {
  uint64_t ops = bench_argument(argc, argv, 0, 100000);
  uint64_t n = bench_argument(argc, argv, 1, 1);
  lua_State *L = luaL_newstate();
  if (L == NULL)
    bench_fail("a state", "no memory");
  luaL_openlibs(L);
  lua_pushcfunction(L, count_call);
  lua_setglobal(L, "counter");
  lua_createtable(L, (int)n, 0);
  for (uint64_t i = 0; i < n; i++) {
    if (luaL_dostring(L, "local counter = counter "
                         "return function(event) counter(event.level) end"))
      bench_fail("a listener", lua_tostring(L, -1));
    lua_rawseti(L, 1, (lua_Integer)i + 1);
  }
  uint64_t began_ns = bench_process_ns();
  for (uint64_t events = 0; events < ops / n; events++)
    for (uint64_t i = 0; i < n; i++) {
      lua_rawgeti(L, 1, (lua_Integer)i + 1);
      lua_createtable(L, 0, 1);
      lua_pushliteral(L, "low");
      lua_setfield(L, -2, "level");
      if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        bench_fail("a listener", lua_tostring(L, -1));
    }
  say_calls(began_ns);
  lua_close(L);
  return 0;
}

// -- Messages -----------------------------------------------------------------

static const char message[] = "{\"number\":12,\"text\":\"a message\"}";

static uint64_t answers;

static void on_message(void *user, const char *script, const char *json) {
  (void)user;
  (void)script;
  answers += strlen(json) == strlen(message);
}

// messages [OPS]: to a script, which sends back what it was sent; the next one
// when the answer is there.
int bench_messages(int argc, char **argv) {
  uint64_t ops = bench_argument(argc, argv, 0, 100000);
  farside_config config;
  farside_config_init(&config);
  config.on_message = on_message;
  farside_host *host = bench_host_open(&config);
  bench_load(host, "echo",
             "local farside = require 'farside' "
             "farside.Plugins.App.addListener('message', function(event) "
             "farside.postMessage('host', event.data) end)");
  farside_tick(host, 60 * 1000);
  uint64_t began_ns = bench_process_ns();
  for (uint64_t i = 0; i < ops; i++) {
    if (farside_send(host, "echo", message) != FARSIDE_OK)
      bench_fail("a message", "is not sent");
    while (answers == i)
      farside_tick(host, 60 * 1000);
  }
  bench_say("ns", (double)(bench_process_ns() - began_ns) / (double)ops);
  bench_say("check", (double)answers);
  farside_host_close(host);
  return 0;
}

// messages-plain [OPS]: the same text to a function of Lua, which returns it,
// and copied back. Nothing reads it, and nobody else is asked.
int bench_messages_plain(int argc, char **argv) {
  uint64_t ops = bench_argument(argc, argv, 0, 100000);
  lua_State *L = luaL_newstate();
  if (L == NULL)
    bench_fail("a state", "no memory");
  luaL_openlibs(L);
  if (luaL_dostring(L, "return function(text) return text end"))
    bench_fail("a function", lua_tostring(L, -1));
  uint64_t began_ns = bench_process_ns();
  for (uint64_t i = 0; i < ops; i++) {
    lua_pushvalue(L, 1);
    lua_pushstring(L, message);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK)
      bench_fail("a function", lua_tostring(L, -1));
    char *copy = strdup(lua_tostring(L, -1));
    on_message(NULL, "", copy ? copy : "");
    free(copy);
    lua_pop(L, 1);
  }
  bench_say("ns", (double)(bench_process_ns() - began_ns) / (double)ops);
  bench_say("check", (double)answers);
  lua_close(L);
  return 0;
}
