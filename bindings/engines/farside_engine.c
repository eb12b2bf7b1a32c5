/* Farside for the Lua of an engine, whichever it is.
 *
 * The engine's Lua and Farside's share nothing: what crosses is text. So this
 * module is small, and uses only what the C APIs of Lua 5.1 to 5.5 and of
 * LuaJIT have in common. Compile it with the engine's own headers into the
 * engine, or as a module that the engine's Lua requires:
 *
 *   cc -shared -fPIC farside_engine.c -o farside_engine.so -I ENGINE/lua \
 *     $(pkg-config --cflags --libs farside)
 *
 *   local core = require "farside_engine"
 *   local host = assert(core.open '{"plugins":{"Score":["submit"]}}')
 *   assert(host:load("background.lua", code))
 *   assert(host:start())                 -- Or host:tick(2) in each frame.
 *   host:post "pause"
 *   local text = host:poll()             -- See farside_poll(); nil: nothing.
 *   host:resolve(call, '{"rank":1}')     -- `call`: as it was polled.
 *   host:close()
 *
 * What fails returns nil, a sentence and the NAME of a status. farside.h says
 * what each function does. */
#include "farside_engine.h"

#include <lauxlib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* luaopen_NAME of another name, such as luaopen_plugin_farside for Solar2D. */
#ifdef FARSIDE_ENGINE_OPEN
int FARSIDE_ENGINE_OPEN(lua_State *L);
#endif

static const char class_name[] = "farside.engine.host";

enum { POLL_BYTES = 4096, OPEN_MAX = 8 };

typedef struct handle {
  farside_host *host; /* NULL once it is closed. */
} handle;

/* -- Every host, for the engine's own events ------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static farside_host *hosts[OPEN_MAX];
static const farside_platform *platform;

void farside_engine_set_platform(const farside_platform *theirs) {
  platform = theirs;
}

static int put(farside_host *from, farside_host *to) {
  int i, found = 0;
  pthread_mutex_lock(&mutex);
  for (i = 0; i < OPEN_MAX && !found; i++)
    if (hosts[i] == from) {
      hosts[i] = to;
      found = 1;
    }
  pthread_mutex_unlock(&mutex);
  return found;
}

void farside_engine_post(const char *event, const char *json) {
  int i;
  pthread_mutex_lock(&mutex);
  for (i = 0; i < OPEN_MAX; i++)
    if (hosts[i] != NULL)
      farside_post(hosts[i], event, json);
  pthread_mutex_unlock(&mutex);
}

/* -- What functions share -------------------------------------------------- */

static int fail(lua_State *L, const char *why, farside_status status) {
  lua_pushnil(L);
  lua_pushstring(L, why);
  lua_pushstring(L, farside_status_name(status));
  return 3;
}

static int answer(lua_State *L, farside_status status) {
  if (status != FARSIDE_OK)
    return fail(L, farside_status_text(status), status);
  lua_pushboolean(L, 1);
  return 1;
}

static farside_host *check(lua_State *L) {
  handle *mine = (handle *)luaL_checkudata(L, 1, class_name);
  if (mine->host == NULL)
    luaL_error(L, "the host is closed");
  return mine->host;
}

static const char *optional(lua_State *L, int index) {
  return lua_isnoneornil(L, index) ? NULL : luaL_checklstring(L, index, NULL);
}

/* A number, or its digits as a string. */
static uint64_t check_call(lua_State *L, int index) {
  return strtoull(luaL_checklstring(L, index, NULL), NULL, 10);
}

/* -- Opening and closing --------------------------------------------------- */

static void let_go(handle *mine) {
  farside_host *host = mine->host;
  mine->host = NULL;
  if (host == NULL)
    return;
  put(host, NULL); /* Before it is gone. */
  farside_host_close(host);
}

/* core.open(options) --> host | nil, message, name */
static int open_host(lua_State *L) {
  const char *options = luaL_checklstring(L, 1, NULL);
  char why[512];
  handle *mine;
  farside_status status;
  if (farside_abi() != FARSIDE_ABI)
    return fail(L, "this libfarside is another version", FARSIDE_UNSUPPORTED);
  mine = (handle *)lua_newuserdata(L, sizeof *mine);
  mine->host = NULL;
  lua_getfield(L, LUA_REGISTRYINDEX, class_name);
  lua_setmetatable(L, -2);
  status = farside_open(options, &mine->host, why, sizeof why);
  if (status != FARSIDE_OK)
    return fail(L, why, status);
  if (platform != NULL)
    status = farside_set_platform(mine->host, platform);
  if (status == FARSIDE_OK && !put(NULL, mine->host))
    status = FARSIDE_LIMIT;
  if (status == FARSIDE_OK)
    return 1;
  let_go(mine);
  return answer(L, status);
}

/* host:close(), and what collects it */
static int close_host(lua_State *L) {
  let_go((handle *)luaL_checkudata(L, 1, class_name));
  return 0;
}

/* -- Verbs ----------------------------------------------------------------- */

/* host:load(name, code) --> true | nil, message, name */
static int load(lua_State *L) {
  farside_host *host = check(L);
  size_t bytes;
  const char *name = luaL_checklstring(L, 2, NULL);
  const char *code = luaL_checklstring(L, 3, &bytes);
  farside_status status = farside_load_buffer(host, name, code, bytes, 0, NULL);
  if (status == FARSIDE_BUSY || status == FARSIDE_OK)
    return answer(L, status);
  return fail(L, farside_error(host), status);
}

/* host:start() --> true | nil, message, name */
static int start(lua_State *L) {
  return answer(L, farside_start(check(L)));
}

/* host:tick(milliseconds) --> true | nil, message, name */
static int tick(lua_State *L) {
  farside_host *host = check(L);
  lua_Number budget_ms = luaL_checknumber(L, 2);
  return answer(L, farside_tick(host, budget_ms > 0 ? (uint64_t)budget_ms : 0));
}

/* host:post(event [, json]) --> true | nil, message, name */
static int post(lua_State *L) {
  farside_host *host = check(L);
  const char *event = luaL_checklstring(L, 2, NULL);
  return answer(L, farside_post(host, event, optional(L, 3)));
}

/* host:send(script, json) --> true | nil, message, name */
static int send(lua_State *L) {
  farside_host *host = check(L);
  const char *script = luaL_checklstring(L, 2, NULL);
  return answer(L, farside_send(host, script, luaL_checklstring(L, 3, NULL)));
}

/* host:notify(plugin, event [, json [, isRetained]]) --> true | nil, … */
static int notify(lua_State *L) {
  farside_host *host = check(L);
  const char *plugin = luaL_checklstring(L, 2, NULL);
  const char *event = luaL_checklstring(L, 3, NULL);
  return answer(L, farside_notify(host, plugin, event, optional(L, 4),
                                  lua_toboolean(L, 5) != 0));
}

/* host:resolve(call [, json]) --> true | nil, message, name */
static int resolve(lua_State *L) {
  farside_host *host = check(L);
  return answer(L, farside_resolve(host, check_call(L, 2), optional(L, 3)));
}

/* host:reject(call [, name [, message]]) --> true | nil, message, name */
static int reject(lua_State *L) {
  farside_host *host = check(L);
  uint64_t call = check_call(L, 2);
  const char *name = optional(L, 3);
  return answer(L, farside_reject(host, call, name, optional(L, 4)));
}

/* host:poll() --> JSON | nil: what waits for the engine */
static int poll(lua_State *L) {
  farside_host *host = check(L);
  char text[POLL_BYTES];
  size_t length = farside_poll(host, text, sizeof text), bytes;
  char *room;
  if (length == 0)
    return 0;
  if (length < sizeof text) {
    lua_pushlstring(L, text, length);
    return 1;
  }
  /* Nobody else polls, so what did not fit is still the first. */
  bytes = length + 1;
  room = (char *)lua_newuserdata(L, bytes);
  length = farside_poll(host, room, bytes);
  if (length == 0 || length >= bytes)
    return 0;
  lua_pushlstring(L, room, length);
  return 1;
}

/* host:hasEnded() --> boolean */
static int has_ended(lua_State *L) {
  lua_pushboolean(L, farside_has_ended(check(L)));
  return 1;
}

static void set_functions(lua_State *L, const luaL_Reg *functions) {
  for (; functions->name != NULL; functions++) {
    lua_pushcfunction(L, functions->func);
    lua_setfield(L, -2, functions->name);
  }
}

int luaopen_farside_engine(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"load", load},        {"start", start},        {"tick", tick},
      {"post", post},        {"send", send},          {"notify", notify},
      {"resolve", resolve},  {"reject", reject},      {"poll", poll},
      {"close", close_host}, {"hasEnded", has_ended}, {"__gc", close_host},
      {NULL, NULL}};
  static const luaL_Reg functions[] = {{"open", open_host}, {NULL, NULL}};
  luaL_newmetatable(L, class_name);
  set_functions(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_newtable(L);
  set_functions(L, functions);
  lua_pushstring(L, farside_version());
  lua_setfield(L, -2, "version");
  return 1;
}

#ifdef FARSIDE_ENGINE_OPEN
FARSIDE_API
int FARSIDE_ENGINE_OPEN(lua_State *L) {
  return luaopen_farside_engine(L);
}
#endif
