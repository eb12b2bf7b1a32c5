// device.open { plugins = … } and phone:notify: the plugins of an app on a
// simulated phone, as functions of a spec.

#include "bindings.h"
#include "device.h"

#include <stdlib.h>
#include <string.h>

enum { PLUGINS_MAX = 64 };

// One plugin: its methods are a table in this place of the offer's stack.
typedef struct offered {
  far_offer *offer;
  int index;
} offered;

// Kept by the phone, and by every answer that is not given yet. The functions
// are on the stack of a coroutine of its own, above the offer itself: whoever
// lets time pass may be in any.
struct far_offer {
  farside_host *host; // NULL before the phone is open, and once it is closed.
  lua_State *co;
  int count;
  bool is_asking;
  offered offered[PLUGINS_MAX];
  farside_plugin plugins[PLUGINS_MAX + 1];
};

enum { KEPT_CO = 1, KEPT_METHODS, KEPT };

// -- Answers ------------------------------------------------------------------

// The JSON of a value for free(), or NULL and why not. Nobody watches a spec.
static char *to_json(lua_State *L, farside_host *host, int index,
                     const char **problem) {
  far_script stand_in = {.host = host};
  return far_to_json(&stand_in, L, index, problem);
}

static farside_host *host_of_answer(lua_State *L, uint64_t *call) {
  const far_offer *offer = lua_touserdata(L, lua_upvalueindex(1));
  *call = (uint64_t)lua_tointeger(L, lua_upvalueindex(2));
  if (offer->host == NULL)
    luaL_error(L, "the phone is closed");
  return offer->host;
}

// answer.resolve([value]) --> true | nil, message, name
static int resolve(lua_State *L) {
  uint64_t call;
  farside_host *host = host_of_answer(L, &call);
  const char *problem;
  lua_settop(L, 1);
  luaL_checkstack(L, FAR_JSON_SLOTS, NULL);
  char *json = to_json(L, host, 1, &problem);
  if (json == NULL)
    return luaL_error(L, "resolve: %s", problem);
  farside_status status = farside_resolve(host, call, json);
  free(json);
  return far_push_status(L, status);
}

// answer.reject([message [, name]]) --> true | nil, message, name
static int reject(lua_State *L) {
  uint64_t call;
  farside_host *host = host_of_answer(L, &call);
  return far_push_status(L,
                         farside_reject(host, call, luaL_optstring(L, 2, NULL),
                                        luaL_optstring(L, 1, NULL)));
}

// -- Calls --------------------------------------------------------------------

typedef struct question {
  uint64_t call;
  const char *method, *arguments;
} question;

// The offer is at this place of the stack.
enum { QUESTION = 1, METHODS, OFFER };

static void push_answer(lua_State *L, uint64_t call, lua_CFunction function) {
  lua_pushvalue(L, OFFER);
  lua_pushinteger(L, (lua_Integer)call);
  lua_pushcclosure(L, function, 2);
}

static void set_answer(lua_State *L, uint64_t call, lua_CFunction function,
                       const char *name) {
  push_answer(L, call, function);
  lua_setfield(L, -2, name);
}

// What the function returns is the answer: a value, or nil and why. Nothing at
// all: it will come later.
static int ask_protected(lua_State *L) {
  const question *mine = lua_touserdata(L, QUESTION);
  lua_getfield(L, METHODS, mine->method);
  int before = lua_gettop(L) - 1;
  far_push_json(L, mine->arguments);
  lua_createtable(L, 0, 2);
  set_answer(L, mine->call, resolve, "resolve");
  set_answer(L, mine->call, reject, "reject");
  lua_call(L, 2, LUA_MULTRET);
  int results = lua_gettop(L) - before;
  if (results == 0)
    return 0;
  bool is_refused = results > 1 && lua_isnil(L, before + 1);
  push_answer(L, mine->call, is_refused ? reject : resolve);
  lua_pushvalue(L, before + (is_refused ? 2 : 1));
  if (is_refused)
    lua_pushvalue(L, results > 2 ? before + 3 : before + 1);
  lua_call(L, is_refused ? 2 : 1, 0);
  return 0;
}

static void ask(void *user, farside_host *host, uint64_t call,
                const char *method, const char *arguments) {
  const offered *of = user;
  far_offer *offer = of->offer;
  lua_State *co = offer->co;
  question mine = {call, method, arguments};
  int top = offer->count + 1;
  lua_settop(co, top);
  lua_pushcfunction(co, ask_protected);
  lua_pushlightuserdata(co, &mine);
  lua_pushvalue(co, of->index);
  lua_pushvalue(co, 1);
  offer->is_asking = true;
  int status = lua_pcall(co, 3, 0, 0);
  offer->is_asking = false;
  if (status == LUA_OK)
    return;
  const char *message =
      lua_type(co, -1) == LUA_TSTRING ? lua_tostring(co, -1) : "an error";
  far_host_note(host, FAR_WHAT_LOG, FARSIDE_ERROR, NULL, NULL, message);
  farside_reject(host, call, NULL, message);
  lua_settop(co, top);
}

// -- device.open --------------------------------------------------------------

// Replaces the table on the top of the stack by a copy, which nobody changes.
static size_t copy_methods(lua_State *L, const char *plugin) {
  size_t count = 0;
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, -3) != 0;) {
    if (lua_type(L, -2) != LUA_TSTRING || !lua_isfunction(L, -1))
      luaL_error(L, "device.open: plugins: %s is a table of functions", plugin);
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
    count++;
  }
  lua_remove(L, -2);
  return count;
}

// Methods in the order of their names: what comes first in a table is the
// machine's own choice.
static int by_name(const void *a, const void *b) {
  return strcmp(((const farside_method *)a)->name,
                ((const farside_method *)b)->name);
}

// The name and its methods are on the top of the stack; the methods are taken.
static void add_plugin(lua_State *L, far_offer *offer, int offer_index) {
  const char *name = lua_tostring(L, -2);
  size_t count = copy_methods(L, name);
  lua_getiuservalue(L, offer_index, KEPT_METHODS);
  lua_pushvalue(L, -3); // The name lives as long as this key.
  farside_method *methods =
      lua_newuserdatauv(L, (count + 1) * sizeof *methods, 0);
  memset(methods, 0, (count + 1) * sizeof *methods);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  size_t i = 0;
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1))
    methods[i++] = (farside_method){lua_tostring(L, -2), ask};
  qsort(methods, count, sizeof *methods, by_name);
  offered *of = &offer->offered[offer->count];
  *of = (offered){.offer = offer, .index = offer->count + 2};
  offer->plugins[offer->count++] =
      (farside_plugin){.name = name, .methods = methods, .user = of};
  lua_xmove(L, offer->co, 1);
}

far_offer *far_push_offer(lua_State *L) {
  int type = lua_getfield(L, 1, "plugins");
  luaL_argcheck(L, type == LUA_TNIL || type == LUA_TTABLE, 1,
                "plugins must be a table of tables of functions");
  int table = lua_gettop(L);
  far_offer *offer = lua_newuserdatauv(L, sizeof *offer, KEPT - 1);
  int index = lua_gettop(L);
  memset(offer, 0, sizeof *offer);
  offer->co = lua_newthread(L);
  lua_setiuservalue(L, index, KEPT_CO);
  lua_newtable(L);
  lua_setiuservalue(L, index, KEPT_METHODS);
  luaL_checkstack(offer->co, PLUGINS_MAX + LUA_MINSTACK, NULL);
  lua_pushvalue(L, index);
  lua_xmove(L, offer->co, 1);
  for (lua_pushnil(L); type == LUA_TTABLE && lua_next(L, table) != 0;) {
    if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1))
      luaL_error(L, "device.open: plugins is a table of tables of functions");
    if (offer->count == PLUGINS_MAX)
      luaL_error(L, "device.open: there are more than %d plugins", PLUGINS_MAX);
    add_plugin(L, offer, index);
  }
  lua_settop(L, index);
  lua_remove(L, table);
  return offer;
}

const farside_plugin *far_offer_plugins(const far_offer *offer) {
  return offer->plugins;
}

void far_offer_open(far_offer *offer, farside_host *host) {
  offer->host = host;
}

bool far_offer_is_asking(const far_offer *offer) {
  return offer->is_asking;
}

// phone:notify(plugin, event [, value [, isRetained]])
int far_notify(lua_State *L) {
  farside_host *host = far_device_host(far_check_phone(L));
  const char *plugin = luaL_checkstring(L, 2);
  const char *event = luaL_checkstring(L, 3);
  const char *problem = NULL;
  lua_settop(L, 5);
  luaL_checkstack(L, FAR_JSON_SLOTS, NULL);
  char *json = lua_isnil(L, 4) ? NULL : to_json(L, host, 4, &problem);
  if (problem != NULL)
    return luaL_error(L, "notify: %s", problem);
  farside_status status =
      farside_notify(host, plugin, event, json, lua_toboolean(L, 5));
  free(json);
  if (status == FARSIDE_INVALID)
    return luaL_error(L, "notify: there is no plugin '%s', or '%s' is no name",
                      plugin, event);
  if (status != FARSIDE_OK)
    return luaL_error(L, "notify: %s", farside_status_text(status));
  far_device_settle(far_check_phone(L));
  return 0;
}
