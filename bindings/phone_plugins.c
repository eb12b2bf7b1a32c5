// device.open { plugins = … }, phone:plugin and phone:notify: the plugins of an
// app on a simulated phone, as functions of a spec or a plan.

#include "bindings.h"
#include "device.h"

#include "../host/plugin.h"
#include <stdlib.h>
#include <string.h>

enum { PLUGINS_MAX = 64 };

// One plugin: its functions are a table in this place of the offer's stack.
typedef struct offered {
  far_offer *offer;
  int index;
} offered;

// What the app sees of the plugins is the phone's, and lives as long as the
// app: a plan is over sooner. The functions are on the stack of a coroutine of
// its own, above the handle: whoever lets time pass may be in any.
struct far_offer {
  far_device *device;
  lua_State *co; // NULL once nobody can be asked any more.
  int count;
  bool is_asking;
  offered offered[PLUGINS_MAX];
  farside_plugin plugins[PLUGINS_MAX + 1];
};

// What Lua keeps: the phone, and every answer that is not given yet.
typedef struct handle {
  far_offer *offer;
  bool is_over; // Then the offer may be gone.
} handle;

enum { HANDLE = 1 }; // Its place in the coroutine.

// -- Answers ------------------------------------------------------------------

// The JSON of a value for free(), or NULL and why not. Nobody watches a spec.
static char *to_json(lua_State *L, farside_host *host, int index,
                     const char **problem) {
  far_script stand_in = {.host = host};
  return far_to_json(&stand_in, L, index, problem);
}

static farside_host *host_of_answer(lua_State *L, uint64_t *call) {
  const handle *mine = lua_touserdata(L, lua_upvalueindex(1));
  *call = (uint64_t)lua_tointeger(L, lua_upvalueindex(2));
  if (mine->is_over)
    luaL_error(L, "the phone is closed");
  return far_device_host(mine->offer->device);
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

// What is at which place of the stack.
enum { QUESTION = 1, METHODS, ANSWERER };

static void push_answer(lua_State *L, uint64_t call, lua_CFunction function) {
  lua_pushvalue(L, ANSWERER);
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
  int top = offer->count + HANDLE;
  if (co == NULL) {
    farside_reject(host, call, NULL, "nobody answers any more");
    return;
  }
  lua_pushcfunction(co, ask_protected);
  lua_pushlightuserdata(co, &mine);
  lua_pushvalue(co, of->index);
  lua_pushvalue(co, HANDLE);
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

// -- What there is ------------------------------------------------------------

far_offer *far_push_offer(lua_State *L, far_device *device) {
  far_offer *offer = far_device_keep(device, sizeof *offer);
  if (offer == NULL)
    return NULL;
  handle *mine = lua_newuserdatauv(L, sizeof *mine, 1);
  *mine = (handle){.offer = offer};
  lua_State *co = lua_newthread(L);
  lua_setiuservalue(L, -2, 1);
  luaL_checkstack(co, PLUGINS_MAX + LUA_MINSTACK, NULL);
  lua_pushvalue(L, -1);
  lua_xmove(L, co, 1);
  offer->device = device;
  offer->co = co;
  return offer;
}

void far_offer_end(far_offer *offer) {
  handle *mine = lua_touserdata(offer->co, HANDLE);
  mine->is_over = true;
  offer->co = NULL;
}

bool far_offer_is_asking(const far_offer *offer) {
  return offer->is_asking;
}

// Where it is among the plugins, or would be.
static int find(const far_offer *offer, const char *name) {
  int at = 0;
  while (at < offer->count && strcmp(offer->plugins[at].name, name) != 0)
    at++;
  return at;
}

// Methods in the order of their names: what comes first in a table is the
// machine's own choice.
static int by_name(const void *a, const void *b) {
  return strcmp(((const farside_method *)a)->name,
                ((const farside_method *)b)->name);
}

static void check_functions(lua_State *L, const char *name, const char *who) {
  if (!lua_istable(L, -1))
    luaL_error(L, "%s: %s is a table of functions", who, name);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1))
    if (lua_type(L, -2) != LUA_TSTRING || !lua_isfunction(L, -1))
      luaL_error(L, "%s: %s is a table of functions", who, name);
}

// Pushes a table that nobody else changes: the functions of before, and over
// them those at the top of the stack. Returns how many there are.
static size_t push_functions(lua_State *L, far_offer *offer, int at) {
  int fresh = lua_gettop(L), both = fresh + 1;
  size_t count = 0;
  lua_newtable(L);
  lua_newtable(L);
  if (at < offer->count) {
    lua_pushvalue(offer->co, offer->offered[at].index);
    lua_xmove(offer->co, L, 1);
    lua_replace(L, -2);
  }
  const int from[] = {lua_gettop(L), fresh};
  for (int i = 0; i < 2; i++)
    for (lua_pushnil(L); lua_next(L, from[i]) != 0;) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, both);
    }
  lua_settop(L, both);
  for (lua_pushnil(L); lua_next(L, both) != 0; lua_pop(L, 1))
    count++;
  return count;
}

static char *keep_string(far_device *device, const char *text) {
  size_t bytes = strlen(text) + 1;
  char *copy = far_device_keep(device, bytes);
  return copy ? memcpy(copy, text, bytes) : NULL;
}

// The methods by the table of their functions at the top of the stack, or NULL.
static farside_method *keep_methods(lua_State *L, far_device *device,
                                    size_t count) {
  farside_method *methods =
      far_device_keep(device, (count + 1) * sizeof *methods);
  size_t i = 0;
  for (lua_pushnil(L); methods != NULL && lua_next(L, -2) != 0; lua_pop(L, 1)) {
    char *name = keep_string(device, lua_tostring(L, -2));
    if (name == NULL) {
      lua_pop(L, 2);
      return NULL;
    }
    methods[i++] = (farside_method){name, ask};
  }
  if (methods != NULL)
    qsort(methods, count, sizeof *methods, by_name);
  return methods;
}

void far_offer_add(lua_State *L, far_offer *offer, const char *who) {
  int top = lua_gettop(L) - 2;
  const char *name = lua_tostring(L, -2);
  int at = find(offer, name);
  check_functions(L, name, who);
  if (at == PLUGINS_MAX)
    luaL_error(L, "%s: there are more than %d plugins", who, PLUGINS_MAX);

  farside_plugin before = offer->plugins[at];
  offered *of = &offer->offered[at];
  size_t count = push_functions(L, offer, at);
  farside_plugin fresh = {.name = before.name, .user = of};
  if (fresh.name == NULL)
    fresh.name = keep_string(offer->device, name);
  fresh.methods = keep_methods(L, offer->device, count);
  if (fresh.name == NULL || fresh.methods == NULL)
    luaL_error(L, "not enough memory");
  offer->plugins[at] = fresh;
  if (far_plugins_set(far_device_host(offer->device), offer->plugins) !=
      FARSIDE_OK) {
    offer->plugins[at] = before;
    luaL_error(L, "%s: a name is none, or is one of Farside's own", who);
  }

  *of = (offered){.offer = offer, .index = at + HANDLE + 1};
  lua_xmove(L, offer->co, 1);
  if (at < offer->count)
    lua_replace(offer->co, of->index);
  else
    offer->count++;
  lua_settop(L, top);
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
