// Scripts that do nothing: one after the other, and thousands at once.

#include "bench.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

static lua_State *open_plain(void) {
  lua_State *L = luaL_newstate();
  if (L == NULL)
    bench_fail("a state", "no memory");
  luaL_openlibs(L);
  return L;
}

static farside_host *open_host(void) {
  farside_config config;
  farside_config_init(&config);
  return bench_host_open(&config);
}

// How many nanoseconds one of `count` took since `began_ns`.
static double each(uint64_t began_ns, uint64_t count) {
  return (double)(bench_now_ns() - began_ns) / (double)count;
}

// -- One after the other ------------------------------------------------------

// open-hosted [COUNT]
int bench_open_hosted(int argc, char **argv) {
  uint64_t count = bench_argument(argc, argv, 0, 5000);
  farside_host *host = open_host();
  bench_load(host, "first", "");
  size_t before = bench_heap_bytes();
  bench_load(host, "script", "");
  bench_say("bytes", (double)(bench_heap_bytes() - before));
  farside_script_close(host, "script");
  uint64_t began_ns = bench_now_ns();
  for (uint64_t i = 0; i < count; i++) {
    bench_load(host, "script", "");
    farside_script_close(host, "script");
  }
  bench_say("ns", each(began_ns, count));
  bench_say("check", (double)count);
  farside_host_close(host);
  return 0;
}

// open-plain [COUNT]
int bench_open_plain(int argc, char **argv) {
  uint64_t count = bench_argument(argc, argv, 0, 5000);
  lua_State *first = open_plain();
  size_t before = bench_heap_bytes();
  lua_State *L = open_plain();
  bench_say("bytes", (double)(bench_heap_bytes() - before));
  lua_close(L);
  uint64_t began_ns = bench_now_ns();
  for (uint64_t i = 0; i < count; i++) {
    L = open_plain();
    luaL_loadstring(L, "");
    lua_call(L, 0, 0);
    lua_close(L);
  }
  bench_say("ns", each(began_ns, count));
  bench_say("check", (double)count);
  lua_close(first);
  return 0;
}

// -- Thousands at once --------------------------------------------------------

// A fixed order that is not the order of opening.
static uint64_t *shuffled(uint64_t count) {
  uint64_t *order = malloc(count * sizeof *order);
  if (order == NULL)
    bench_fail("an order", "no memory");
  uint64_t seed = 42;
  for (uint64_t i = 0; i < count; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    uint64_t j = (seed >> 33) % (i + 1);
    order[i] = order[j];
    order[j] = i;
  }
  return order;
}

static const char listener[] =
    "require('farside').Plugins.App.addListener('memoryWarning', "
    "function() end)";

// many-hosted [COUNT]: opens them, sends each a message, lets each hear of an
// event, closes them.
int bench_many_hosted(int argc, char **argv) {
  uint64_t count = bench_argument(argc, argv, 0, 10000);
  uint64_t *order = shuffled(count);
  char(*names)[16] = malloc(count * sizeof *names);
  if (names == NULL)
    bench_fail("names", "no memory");
  farside_host *host = open_host();
  size_t before = bench_heap_bytes();
  uint64_t began_ns = bench_now_ns();
  for (uint64_t i = 0; i < count; i++) {
    snprintf(names[i], sizeof names[i], "s%d", (int)i);
    bench_load(host, names[i], listener);
  }
  bench_say("open_ns", each(began_ns, count));
  bench_say("bytes", (double)(bench_heap_bytes() - before) / (double)count);

  began_ns = bench_now_ns();
  farside_post(host, "memoryWarning", NULL);
  farside_tick(host, 60 * 1000);
  bench_say("event_ns", each(began_ns, count));

  began_ns = bench_now_ns();
  for (uint64_t i = 0; i < count; i++) {
    if (farside_send(host, names[order[i]], "1") != FARSIDE_OK)
      bench_fail("a message", "is not sent");
    farside_tick(host, 60 * 1000);
  }
  bench_say("message_ns", each(began_ns, count));

  began_ns = bench_now_ns();
  for (uint64_t i = 0; i < count; i++)
    if (farside_script_close(host, names[order[i]]) != FARSIDE_OK)
      bench_fail("a script", farside_error(host));
  bench_say("close_ns", each(began_ns, count));
  bench_say("check", (double)count);
  farside_host_close(host);
  free(names);
  free(order);
  return 0;
}

// many-plain [COUNT]: the same with bare states. A message is a call.
int bench_many_plain(int argc, char **argv) {
  uint64_t count = bench_argument(argc, argv, 0, 10000);
  uint64_t *order = shuffled(count);
  lua_State **states = malloc(count * sizeof *states);
  if (states == NULL)
    bench_fail("states", "no memory");
  size_t before = bench_heap_bytes();
  uint64_t began_ns = bench_now_ns();
  for (uint64_t i = 0; i < count; i++) {
    states[i] = open_plain();
    luaL_dostring(states[i], "function listener() end");
  }
  bench_say("open_ns", each(began_ns, count));
  bench_say("bytes", (double)(bench_heap_bytes() - before) / (double)count);

  static const char *const figures[] = {"event_ns", "message_ns"};
  for (int round = 0; round < 2; round++) {
    began_ns = bench_now_ns();
    for (uint64_t i = 0; i < count; i++) {
      lua_State *L = states[round == 0 ? i : order[i]];
      lua_getglobal(L, "listener");
      lua_pushinteger(L, 1);
      lua_call(L, 1, 0);
    }
    bench_say(figures[round], each(began_ns, count));
  }

  began_ns = bench_now_ns();
  for (uint64_t i = 0; i < count; i++)
    lua_close(states[order[i]]);
  bench_say("close_ns", each(began_ns, count));
  bench_say("check", (double)count);
  free(states);
  free(order);
  return 0;
}
