// What a hosted script can lay its hands on: a walk over all that is reachable
// from its globals, the metatables of the basic types, upvalues, user values,
// coroutines, and from everything that our functions give away. Each C function
// on the way must be one that the sandbox's list says a script sees, or ours.

#define _GNU_SOURCE // dladdr()
#include "../bindings/sandbox.h"
#include "device.h"

#include <dlfcn.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FUNCTIONS_MAX = 512, SEEN = 1 };

typedef struct functions {
  lua_CFunction all[FUNCTIONS_MAX];
  size_t count;
} functions;

static functions allowed; // Lua's own that the list names.
static size_t visited, c_functions, failed;

static bool is_in(const functions *set, lua_CFunction function) {
  for (size_t i = 0; i < set->count; i++)
    if (set->all[i] == function)
      return true;
  return false;
}

static void add(functions *set, lua_CFunction function) {
  if (function == NULL || set->count == FUNCTIONS_MAX)
    abort();
  set->all[set->count++] = function;
}

static bool is_luas_own(lua_CFunction function) {
  Dl_info theirs, mine;
  return dladdr((void *)(size_t)function, &theirs) != 0 &&
         dladdr((void *)(size_t)luaL_openlibs, &mine) != 0 &&
         theirs.dli_fbase == mine.dli_fbase;
}

static void wrong(const char *path, const char *what) {
  failed++;
  printf("not ok: %s: %s\n", path, what);
}

// -- What the list allows -----------------------------------------------------

// Looks every stock name up in a state with all libraries.
static void read_list(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  for (const far_visible *name = far_sandbox_names; name->name; name++) {
    if (name->origin != FAR_NAME_STOCK)
      continue;
    lua_getglobal(L, name->library);
    if (lua_istable(L, -1)) {
      lua_getfield(L, -1, name->name);
      if (lua_iscfunction(L, -1))
        add(&allowed, lua_tocfunction(L, -1));
    }
    lua_settop(L, 0);
  }
  // What listed functions return: iterators.
  luaL_dostring(L, "return ipairs({}), string.gmatch('', ''), utf8.codes('')");
  for (int i = 1; i <= lua_gettop(L); i++)
    if (lua_iscfunction(L, i))
      add(&allowed, lua_tocfunction(L, i));
  // "10" + 1 asks the metatable of strings, which is Lua's own but for __index.
  lua_settop(L, 0);
  lua_pushliteral(L, "");
  lua_getmetatable(L, 1);
  lua_pushnil(L);
  while (lua_next(L, 2) != 0) {
    if (lua_iscfunction(L, -1))
      add(&allowed, lua_tocfunction(L, -1));
    lua_pop(L, 1);
  }
  lua_close(L);
}

// -- The walk -----------------------------------------------------------------

static void visit(lua_State *L, const char *path);

static void visit_as(lua_State *L, const char *path, const char *step) {
  char longer[512];
  snprintf(longer, sizeof longer, "%.400s%s", path, step);
  visit(L, longer);
}

static void walk_table(lua_State *L, int table, const char *path) {
  char step[80];
  lua_pushnil(L);
  while (lua_next(L, table) != 0) {
    lua_pushvalue(L, -2);
    visit_as(L, path, ".(key)");
    snprintf(step, sizeof step, ".%.60s",
             lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2)
                                            : luaL_typename(L, -2));
    visit_as(L, path, step);
  }
}

static void check_function(lua_State *L, int function, const char *path) {
  lua_CFunction found = lua_tocfunction(L, function);
  if (found == NULL)
    return;
  c_functions++;
  if (is_luas_own(found) && !is_in(&allowed, found))
    wrong(path, "a function of Lua that is not on the list");
}

static void walk_function(lua_State *L, int function, const char *path) {
  check_function(L, function, path);
  for (int i = 1; lua_getupvalue(L, function, i) != NULL; i++)
    visit_as(L, path, "(upvalue)");
}

// Of userdata a script sees the user values only through our functions; they
// are walked all the same.
static void walk_userdata(lua_State *L, int userdata, const char *path) {
  for (int i = 1; lua_getiuservalue(L, userdata, i) != LUA_TNONE; i++)
    visit_as(L, path, "(user value)");
  lua_pop(L, 1);
}

static void walk_thread(lua_State *L, int thread, const char *path) {
  lua_State *co = lua_tothread(L, thread);
  lua_Debug frame;
  if (co == L)
    return;
  for (int level = 0; lua_getstack(co, level, &frame); level++) {
    lua_getinfo(co, "f", &frame);
    lua_xmove(co, L, 1);
    visit_as(L, path, "(frame)");
    for (int i = 1; lua_getlocal(co, &frame, i) != NULL; i++) {
      lua_xmove(co, L, 1);
      visit_as(L, path, "(local)");
    }
  }
}

// Takes the value on the top of the stack.
static void visit(lua_State *L, const char *path) {
  int value = lua_gettop(L), type = lua_type(L, value);
  luaL_checkstack(L, 16, NULL);
  if (type == LUA_TLIGHTUSERDATA)
    wrong(path, "a light userdata: a bare address");
  bool is_leaf = type == LUA_TNIL || type == LUA_TBOOLEAN ||
                 type == LUA_TNUMBER || type == LUA_TSTRING ||
                 type == LUA_TLIGHTUSERDATA;
  if (!is_leaf) {
    lua_pushvalue(L, value);
    if (lua_rawget(L, SEEN) != LUA_TNIL) {
      lua_settop(L, value - 1);
      return;
    }
    lua_pushvalue(L, value);
    lua_pushboolean(L, 1);
    lua_rawset(L, SEEN);
    visited++;
  }
  if (lua_getmetatable(L, value))
    visit_as(L, path, "(metatable)");
  lua_settop(L, value);
  if (type == LUA_TTABLE)
    walk_table(L, value, path);
  else if (type == LUA_TFUNCTION)
    walk_function(L, value, path);
  else if (type == LUA_TUSERDATA)
    walk_userdata(L, value, path);
  else if (type == LUA_TTHREAD)
    walk_thread(L, value, path);
  lua_settop(L, value - 1);
}

// The metatable that a script can get at must be closed to it.
static void check_locked(lua_State *L) {
  lua_pushliteral(L, "");
  if (!lua_getmetatable(L, -1)) {
    wrong("(string)", "no metatable");
    return;
  }
  if (lua_getfield(L, -1, "__metatable") == LUA_TNIL)
    wrong("(string)", "its metatable is open");
  lua_settop(L, SEEN);
  lua_pushnumber(L, 1);
  lua_pushboolean(L, 1);
  lua_pushnil(L);
  lua_pushcfunction(L, luaopen_base);
  for (int i = SEEN + 1; i <= lua_gettop(L); i++)
    if (lua_getmetatable(L, i)) {
      wrong(luaL_typename(L, i), "a basic type has a metatable");
      lua_pop(L, 1);
    }
  lua_settop(L, SEEN);
}

// -- A script that has called everything --------------------------------------

static const char code[] =
    "local farside = require 'farside'\n"
    "given = {}\n"
    "local function keep(...) given[#given + 1] = table.pack(...) end\n"
    "local P = farside.Plugins\n"
    "keep(P.App.addListener('pause', print))\n"
    "keep(P.App.once('message', print))\n"
    "keep(P.App.getState(), P.App.getInfo(), P.App.getLaunchUrl())\n"
    "keep(P.BackgroundTask.exec(function(task) keep(task, task.finish,\n"
    "  task.onExpire, task.remaining) farside.sleep(1e6) end))\n"
    "keep(P.BackgroundTask.list(), P.BackgroundTask.timeRemaining())\n"
    "keep(setTimeout(print, 1e6), setInterval(print, 1e6, given))\n"
    "keep(farside.usage(), farside.scripts(), farside.name)\n"
    "keep(farside.postMessage('app', { 1, { x = 2 } }))\n"
    "keep(coroutine.create(print), coroutine.wrap(print))\n"
    "keep(coroutine.running())\n"
    "keep(ipairs({})) keep(pairs({})) keep(('x'):gmatch('x'))\n"
    "keep(utf8.codes('x')) keep(load('return 1')) keep(load(function() end))\n"
    "keep(pcall(error)) keep(xpcall(error, function(...) return ... end))\n"
    "keep(pcall(require, 'nothing')) keep(io.stdout, io.stderr, io.write())\n"
    "keep(os.date '*t', os.time(), os.clock())\n"
    "keep(debug.traceback()) keep(collectgarbage 'count')\n"
    "keep(next, select('#'), string.find, rawget(_G, '_G'))\n"
    "P.App.addListener('launch', function(...) keep(...) end)\n"
    "P.App.addListener('message', function(...) keep(...) end)\n"
    "coroutine.wrap(function() keep(coroutine.running()) farside.sleep(1e6)\n"
    "end)()\n";

static int walk(lua_State *L) {
  lua_settop(L, 0);
  lua_newtable(L); // SEEN
  check_locked(L);
  lua_pushglobaltable(L);
  visit(L, "_G");
  lua_pushliteral(L, "");
  visit(L, "(string)");
  return 0;
}

static void check_script(farside_host *host, const char *where) {
  visited = c_functions = 0;
  if (host->stats.errors > 0)
    wrong(where, farside_error(host));
  far_script *script = far_list_item(host->scripts.next, far_script, link);
  lua_pushcfunction(script->L, walk);
  if (lua_pcall(script->L, 0, 0, 0) != LUA_OK)
    wrong(where, lua_tostring(script->L, -1));
  if (visited < 200 || c_functions < 80)
    wrong(where, "the walk did not go far");
  printf("%s: %zu values, %zu C functions\n", where, visited, c_functions);
}

static void load(farside_host *host) {
  if (farside_load_buffer(host, "app.lua", code, sizeof code - 1, 0, NULL) !=
      FARSIDE_OK)
    wrong("the script", farside_error(host));
}

static void check_on_phone(void) {
  far_device_config config = {.os = "ios"};
  far_device *device;
  if (far_device_open(&config, &device) != FARSIDE_OK)
    abort();
  far_device_launch(device, "user");
  load(far_device_host(device));
  far_device_advance(device, 1000);
  check_script(far_device_host(device), "on a phone");
  far_device_kill(device, "the walk is over");
  far_device_close(device);
}

// There functions are no objects.
static void check_on_real_time(void) {
  farside_config config;
  farside_host *host;
  farside_config_init(&config);
  if (farside_host_open(&config, &host) != FARSIDE_OK)
    abort();
  load(host);
  farside_tick(host, 1000);
  check_script(host, "on real time");
  farside_host_close(host);
}

int main(void) {
  read_list();
  check_on_phone();
  check_on_real_time();
  printf("%zu failed\n", failed);
  return failed ? 1 : 0;
}
