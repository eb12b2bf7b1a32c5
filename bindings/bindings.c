#include "bindings.h"

#include "../host/duration.h"
#include "../host/manifest.h"
#include "../host/source_map.h"
#include "listeners.h"
#include "sandbox.h"
#include <lualib.h>
#include <stdarg.h>
#include <string.h>

enum {
  ORIGIN_BYTES_MAX = FAR_ORIGIN_BYTES - FAR_NUMBER_BYTES,
  ORIGIN_LEVELS_MAX = 32
};

// Outlives the script: late finalizers find out that it is closed.
typedef struct box {
  far_script *script;
} box;

far_script *far_script_of(lua_State *L) {
  const box *mine = lua_touserdata(L, lua_upvalueindex(1));
  if (mine == NULL)
    return far_script_marked(L);
  if (mine->script == NULL)
    luaL_error(L, "the app has ended: farside is closed");
  return mine->script;
}

far_script *far_script_of_box(lua_State *L, int index) {
  const box *mine = lua_touserdata(L, index);
  return mine != NULL ? mine->script : far_script_marked(L);
}

void far_begin_change(far_script *script) {
  far_shield_up(&script->host->watch.shield);
}

void far_end_change(far_script *script) {
  far_shield_down(&script->host->watch.shield);
}

void far_push_function(lua_State *L, int index, lua_CFunction function) {
  if (lua_isnoneornil(L, index)) {
    lua_pushcfunction(L, function);
    return;
  }
  lua_pushvalue(L, index);
  lua_pushcclosure(L, function, 1);
}

void far_set_functions(lua_State *L, int index, const luaL_Reg *functions) {
  for (; functions->name != NULL; functions++) {
    far_push_function(L, index, functions->func);
    lua_setfield(L, -2, functions->name);
  }
}

static int count_functions(const luaL_Reg *functions) {
  int count = 0;
  while (functions[count].name != NULL)
    count++;
  return count;
}

void far_push_functions(lua_State *L, int index, const luaL_Reg *functions,
                        int more) {
  lua_createtable(L, 0, count_functions(functions) + more);
  far_set_functions(L, index, functions);
}

void far_set_alias(lua_State *L, const char *alias, const char *name) {
  lua_getfield(L, -1, name);
  lua_setfield(L, -2, alias);
}

void far_push_class(lua_State *L, int index, const char *name,
                    const luaL_Reg *functions) {
  // Always a fresh one: in plain Lua an earlier script may have left its own.
  far_push_functions(L, index, functions, 3);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, name);
  // Methods are looked up in a table of their own: who can reach a metatable
  // can give it a __gc.
  lua_createtable(L, 0, count_functions(functions));
  for (; functions->name != NULL; functions++)
    if (functions->name[0] != '_') {
      lua_getfield(L, -2, functions->name);
      lua_setfield(L, -2, functions->name);
    }
  lua_setfield(L, -2, "__index");
  lua_pushliteral(L, "protected");
  lua_setfield(L, -2, "__metatable");
}

int far_push_status(lua_State *L, farside_status status) {
  if (status != FARSIDE_OK)
    return far_push_failure(L, status, "%s", farside_status_text(status));
  lua_pushboolean(L, 1);
  return 1;
}

int far_push_failure(lua_State *L, farside_status status, const char *format,
                     ...) {
  char message[256];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  luaL_pushfail(L);
  lua_pushstring(L, message);
  lua_pushstring(L, farside_status_name(status));
  return 3;
}

void far_check_fields(lua_State *L, int table, const char *function,
                      const char *const *names) {
  luaL_Buffer list;
  lua_pushnil(L);
  while (lua_next(L, table) != 0) {
    lua_pop(L, 1);
    bool is_known = false;
    const char *field =
        lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    for (size_t i = 0; names[i] != NULL && field != NULL; i++)
      is_known = is_known || strcmp(names[i], field) == 0;
    if (is_known)
      continue;
    luaL_buffinit(L, &list);
    for (size_t i = 0; names[i] != NULL; i++) {
      luaL_addstring(&list, i ? ", " : "");
      luaL_addstring(&list, names[i]);
    }
    luaL_pushresult(&list);
    luaL_error(L, "%s has no option '%s'; there are: %s", function,
               field ? field : luaL_typename(L, -2), lua_tostring(L, -1));
  }
}

// -- Durations ----------------------------------------------------------------

bool far_to_duration(lua_State *L, int index, uint64_t *ms) {
  *ms = 0;
  return lua_type(L, index) == LUA_TSTRING &&
         far_duration_parse(lua_tostring(L, index), ms);
}

uint64_t far_check_duration(lua_State *L, int index, const char *what) {
  uint64_t ms;
  if (lua_type(L, index) != LUA_TSTRING)
    luaL_error(L,
               "%s must be a duration with its unit, such as \"20s\" or "
               "\"1m30s\", not a %s",
               what, luaL_typename(L, index));
  if (!far_to_duration(L, index, &ms))
    luaL_error(L,
               "%s is \"%s\": write a duration such as \"500ms\", \"20s\" "
               "or \"1h30m\"",
               what, lua_tostring(L, index));
  return ms;
}

// -- Origins ------------------------------------------------------------------

static void put_place(char *to, const char *file, int line) {
  to = far_put_text(to, file);
  *to++ = ':';
  far_put_number(to, (uint64_t)line);
}

// Behind a call in a file that was generated lie functions of its compiler's:
// the nearest line that somebody wrote is meant. False: none is.
static bool put_written(lua_State *L, const far_source_map *maps, char *to) {
  lua_Debug frame;
  for (int level = 1;
       level <= ORIGIN_LEVELS_MAX && lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.currentline < 0 || frame.source[0] != '@')
      continue;
    far_origin_line place =
        far_source_map_find(maps, frame.source + 1, frame.currentline);
    if (place.file == NULL || strlen(place.file) >= ORIGIN_BYTES_MAX)
      continue;
    put_place(to, place.file, (int)place.line);
    return true;
  }
  return false;
}

void far_put_origin(lua_State *L, char text[FAR_ORIGIN_BYTES]) {
  const far_source_map *maps = far_script_of(L)->maps;
  if (maps != NULL && put_written(L, maps, text))
    return;
  lua_Debug frame;
  // pcall(exec, …) has no line of its own: look for the Lua code behind it.
  for (int level = 1; lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.currentline < 0)
      continue;
    // A chunk that was loaded may be called as it likes, and the timeline keeps
    // it: what is too long is shown as in error messages.
    bool is_file = (frame.source[0] == '@' || frame.source[0] == '=') &&
                   frame.srclen <= ORIGIN_BYTES_MAX;
    put_place(text, is_file ? frame.source + 1 : frame.short_src,
              frame.currentline);
    return;
  }
  far_put_text(text, "?");
}

const char *far_push_origin(lua_State *L) {
  char text[FAR_ORIGIN_BYTES];
  far_put_origin(L, text);
  return lua_pushstring(L, text);
}

void far_note_saved(lua_State *L, far_script *script) {
  farside_host *host = script->host;
  if (host->audit == NULL)
    return;
  far_whom whom = {.script = script->name,
                   .task = script->job ? &script->job->task : NULL,
                   .where = far_push_origin(L)};
  far_begin_change(script);
  far_audit_saved(host->audit, &whom, host->is_terminating,
                  far_host_now_ms(host));
  far_end_change(script);
  lua_pop(L, 1);
}

// -- Opening a script ---------------------------------------------------------

// farside.run() in a hosted script: the host runs already, so the main chunk
// waits for the end of the app, as it would in plain Lua.
static int run_hosted(lua_State *L) {
  far_script *script = far_script_of(L);
  if (script->co != L || script->co_role != FAR_ROLE_MAIN)
    return luaL_error(L, "farside.run() is running already: call it once, at "
                         "the end of the main script, never from a callback");
  return lua_yield(L, 0);
}

// os.exit(): ends the app at once, as it would in plain Lua, but not the host,
// which may be a phone in somebody's spec. Whoever called must not go on,
// whatever it catches: it is stopped as if a budget were spent.
int far_os_exit(lua_State *L) {
  far_script *script = far_script_of(L);
  script->host->wants_end = true;
  far_watch_stop(&script->host->watch, L);
  if (lua_isyieldable(L))
    return lua_yield(L, 0);
  return luaL_error(L, "os.exit()");
}

// What the standard libraries do otherwise in a trusted script.
static void replace_functions(lua_State *L, int index) {
  static const struct {
    const char *library, *name;
    lua_CFunction function;
  } replaced[] = {{"_G", "print", far_print},
                  {"coroutine", "running", far_coroutine_running},
                  {"os", "exit", far_os_exit}};
  for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++) {
    lua_getglobal(L, replaced[i].library);
    far_push_function(L, index, replaced[i].function);
    lua_setfield(L, -2, replaced[i].name);
    lua_pop(L, 1);
  }
}

static int closed_box(lua_State *L) {
  box *mine = lua_touserdata(L, 1);
  if (mine->script != NULL)
    mine->script->box = NULL;
  mine->script = NULL;
  return 0;
}

static void push_module(lua_State *L, int index, lua_CFunction run) {
  lua_createtable(L, 0, 16);
  far_set_timers(L, index);
  far_set_await(L, index);
#ifndef FARSIDE_ENGINE // Of which plain Lua requires nothing.
  far_set_loop(L, index);
#endif
  far_set_script(L, index);
  far_push_function(L, index, run);
  lua_setfield(L, -2, "run");
  lua_pushliteral(L, FARSIDE_VERSION);
  lua_setfield(L, -2, "version");

  lua_createtable(L, 0, 6);
  far_push_app(L, index);
  lua_setfield(L, -2, "App");
  far_push_background_task(L, index);
  lua_setfield(L, -2, "BackgroundTask");
  far_push_log(L, index);
  lua_setfield(L, -2, "Log");
  far_push_storage(L, index);
  lua_setfield(L, -2, "Storage");
  far_push_http(L, index);
  lua_setfield(L, -2, "Http");
  far_push_files(L, index);
  lua_setfield(L, -2, "Files");
  far_set_plugins(L, index);
  lua_setfield(L, -2, "Plugins");
}

static const char module; // Key in the registry.

// The loader of `farside`: many scripts need less than half of what it is, and
// some nothing.
static int require_farside(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &module) == LUA_TTABLE)
    return 1;
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(1));
  push_module(L, 1, run_hosted);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &module);
  return 1;
}

// What an embedder offers, and this script may have, to be opened by require.
static void set_modules(lua_State *L, const far_script *script) {
  const farside_module *modules = script->host->config.modules;
  for (; modules != NULL && modules->name != NULL; modules++) {
    if (!far_manifest_allows_module(script->manifest, modules->name))
      continue;
    lua_pushcfunction(L, modules->open);
    lua_setfield(L, -2, modules->name);
  }
}

static int push_box(lua_State *L, far_script *script) {
  box *mine = lua_newuserdatauv(L, sizeof *mine, 0);
  mine->script = script;
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, closed_box);
  lua_setfield(L, -2, "__gc");
  lua_pushliteral(L, "protected");
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  script->box = mine;
  return lua_gettop(L);
}

// Pushes the box, or nil. A function is an object where it must not be known by
// its address, and where it may be called when its script is gone.
static int push_box_of(lua_State *L, far_script *script) {
  if (script->is_borrowed || script->is_trusted ||
      far_clock_is_virtual(script->host->clock))
    return push_box(L, script);
  lua_pushnil(L);
  return lua_gettop(L);
}

// The full libraries, and what of ours goes with them.
static void open_trusted(lua_State *L, int index) {
  luaL_openlibs(L);
  lua_pushglobaltable(L);
  far_set_timers(L, index);
  lua_pushnil(L); // Sleeping is not a global: it is no name of the field's.
  lua_setfield(L, -2, "sleep");
  lua_pop(L, 1);
  replace_functions(L, index);
  if (far_clock_is_virtual(far_script_of_box(L, index)->host->clock))
    far_set_virtual_time(L, index);
}

#ifndef FARSIDE_ENGINE // Whose Lua is its own: nobody can lend it another.
// In somebody else's interpreter: the module alone, for luaopen_farside().
static int open_borrowed(lua_State *L, far_script *script, int index) {
  push_module(L, index, far_run_borrowed);
  lua_rawsetp(L, LUA_REGISTRYINDEX, script);
  return 0;
}
#endif

static int open(lua_State *L) {
  far_script *script = lua_touserdata(L, 1);
  far_listeners_open(script);
  int index = push_box_of(L, script);
#ifndef FARSIDE_ENGINE
  if (script->is_borrowed)
    return open_borrowed(L, script, index);
#endif
  if (script->is_trusted)
    open_trusted(L, index);
  else
    far_sandbox_open(L, index);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  far_push_function(L, index, require_farside);
  lua_setfield(L, -2, "farside");
  set_modules(L, script);
  return 0;
}

static void close(far_script *script) {
  box *mine = script->box;
  if (!script->is_borrowed && !script->is_dead && script->L != NULL)
    far_output_flush(script);
  if (mine != NULL)
    mine->script = NULL;
  far_listeners_close(script);
}

const far_script_hooks far_hooks = {
    .open = open, .close = close, .is_listening = far_is_listening};
