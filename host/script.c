#include "host.h"

#include <lauxlib.h>
#include <string.h>

// -- Owned things -------------------------------------------------------------

void far_script_own(far_script *script, far_owned *owned) {
  owned->script = script;
  owned->job = script->job;
  far_list_append(owned->job ? &owned->job->owned : &script->owned,
                  &owned->link);
}

void far_owned_leave(far_owned *owned) {
  far_list_leave(&owned->link);
}

void far_owned_cancel_all(far_list *list) {
  while (!far_list_is_empty(list)) {
    far_owned *owned = far_list_item(list->next, far_owned, link);
    far_list_leave(&owned->link);
    owned->cancel(owned);
  }
}

// -- Open and close -----------------------------------------------------------

// A script without an error handler is our own mistake: every way in goes
// through a protected call.
static int panic(lua_State *L) {
  const char *message =
      lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "unknown error";
  fprintf(stderr, "farside: unprotected Lua error: %s\n", message);
  return 0; // Lua aborts.
}

// warn("…") and errors in finalizers. Lua hands a message over in pieces.
static void warned(void *user, const char *message, int to_be_continued) {
  far_script *script = user;
  bool is_control =
      script->warning_bytes == 0 && !to_be_continued && message[0] == '@';
  if (is_control)
    return; // "@on" and "@off": here warnings are always on.
  int written =
      snprintf(script->warning + script->warning_bytes,
               sizeof script->warning - script->warning_bytes, "%s", message);
  script->warning_bytes += (size_t)written;
  if (script->warning_bytes >= sizeof script->warning)
    script->warning_bytes = sizeof script->warning - 1;
  if (to_be_continued)
    return;
  script->warning_bytes = 0;
  far_host_note(script->host, FAR_WHAT_LOG, FARSIDE_WARN, script, NULL,
                script->warning);
}

static void load_ended(far_turn *turn, far_turn_end how) {
  far_script *script = far_list_item(turn, far_script, load);
  script->load_status =
      how == FAR_TURN_FAILED ? FARSIDE_SCRIPT : script->load_status;
}

static int push_chunk(far_turn *turn, lua_State *L);

static farside_status script_new(farside_host *host, const char *name,
                                 far_script **script) {
  *script = NULL;
  far_script *fresh = far_new(&host->memory, sizeof *fresh);
  if (fresh == NULL)
    return FARSIDE_NOMEM;
  fresh->host = host;
  fresh->co_ref = fresh->load_ref = LUA_NOREF;
  fresh->load = (far_turn){.script = fresh,
                           .push = push_chunk,
                           .end = load_ended,
                           .role = FAR_ROLE_MAIN};
  far_list_init(&fresh->turns);
  far_list_init(&fresh->owned);
  far_slots_init(&fresh->waits, &host->memory, 1);
  far_list_append(&host->scripts, &fresh->link);
  fresh->name = far_string_new(&host->memory, name);
  if (fresh->name == NULL) {
    far_script_close(fresh);
    return FARSIDE_NOMEM;
  }
  *script = fresh;
  return FARSIDE_OK;
}

static int open_state(lua_State *L) {
  return far_hooks.open(L);
}

static farside_status open_protected(far_script *script) {
  lua_State *L = script->L;
  lua_pushcfunction(L, open_state);
  lua_pushlightuserdata(L, script);
  int status = lua_pcall(L, 1, 0, 0);
  if (status == LUA_OK)
    return FARSIDE_OK;
  farside_host *host = script->host;
  far_host_fail(host, FARSIDE_NOMEM, "%s",
                lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1)
                                               : "the script cannot be opened");
  lua_pop(L, 1);
  return status == LUA_ERRMEM ? FARSIDE_NOMEM : FARSIDE_SCRIPT;
}

farside_status far_script_open(farside_host *host, const char *name,
                               far_script **script) {
  far_script *fresh;
  *script = NULL;
  farside_status status = script_new(host, name, &fresh);
  if (status != FARSIDE_OK)
    return status;
  fresh->L = lua_newstate(far_lua_allocate, &host->memory);
  status = FARSIDE_NOMEM;
  if (fresh->L == NULL)
    goto fail;
  lua_atpanic(fresh->L, panic);
  lua_setwarnf(fresh->L, warned, fresh);
  status = open_protected(fresh);
  if (status != FARSIDE_OK)
    goto fail;
  *script = fresh;
  return FARSIDE_OK;

fail:
  far_script_close(fresh);
  return status;
}

farside_status far_script_borrow(farside_host *host, lua_State *L,
                                 far_script **script) {
  far_script *fresh;
  *script = NULL;
  farside_status status = script_new(host, "main", &fresh);
  if (status != FARSIDE_OK)
    return status;
  fresh->is_borrowed = true;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  fresh->L = lua_tothread(L, -1);
  lua_pop(L, 1);
  status = open_protected(fresh);
  if (status != FARSIDE_OK) {
    far_script_close(fresh);
    return status;
  }
  *script = fresh;
  return FARSIDE_OK;
}

void far_script_close(far_script *script) {
  if (script == NULL)
    return;
  farside_host *host = script->host;
  far_owned_cancel_all(&script->owned);
  while (!far_list_is_empty(&script->turns)) {
    far_turn *turn = far_list_item(script->turns.next, far_turn, link);
    far_turn_cancel(turn);
    turn->end(turn, FAR_TURN_DROPPED);
  }
  if (script->L != NULL) {
    if (far_hooks.close != NULL)
      far_hooks.close(script);
    far_turn_pool_clear(script);
    if (!script->is_borrowed)
      lua_close(script->L);
  }
  far_slots_deinit(&script->waits);
  far_list_leave(&script->link);
  far_string_free(&host->memory, script->name);
  far_string_free(&host->memory, script->folder);
  far_free(&host->memory, script, sizeof *script);
}

// -- Load ---------------------------------------------------------------------

typedef struct load_request {
  far_script *script;
  const char *path, *name, *source;
  size_t bytes;
  int argc;
  const char *const *argv;
} load_request;

// `arg`, as lua5.4 sets it: the script at zero, its arguments from one.
static void set_arg(lua_State *L, const load_request *request) {
  lua_createtable(L, request->argc, 1);
  lua_pushstring(L, request->path ? request->path : request->name);
  lua_rawseti(L, -2, 0);
  for (int i = 0; i < request->argc; i++) {
    lua_pushstring(L, request->argv[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setglobal(L, "arg");
}

// A script finds the modules that lie beside it before all others.
static void set_path(lua_State *L, const char *path) {
  const char *slash = path ? strrchr(path, '/') : NULL;
  if (slash == NULL)
    return; // "./?.lua" is in the default path.
  lua_getglobal(L, "package");
  lua_pushlstring(L, path, (size_t)(slash - path));
  const char *folder = lua_tostring(L, -1);
  lua_getfield(L, -2, "path");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", folder, folder,
                  lua_tostring(L, -1));
  lua_setfield(L, -4, "path");
  lua_pop(L, 3);
}

static int compile(lua_State *L) {
  load_request *request = lua_touserdata(L, 1);
  far_script *script = request->script;
  set_arg(L, request);
  set_path(L, request->path);
  // Text only: the checks of precompiled code can be fooled.
  int status =
      request->path
          ? luaL_loadfilex(L, request->path, "t")
          : luaL_loadbufferx(L, request->source, request->bytes,
                             lua_pushfstring(L, "@%s", request->name), "t");
  if (status != LUA_OK) {
    script->load_status = status == LUA_ERRFILE     ? FARSIDE_NOFILE
                          : status == LUA_ERRSYNTAX ? FARSIDE_SYNTAX
                                                    : FARSIDE_NOMEM;
    return lua_error(L);
  }
  // The chunk and its arguments wait in a table for the first turn.
  lua_createtable(L, request->argc + 1, 0);
  lua_insert(L, -2);
  lua_rawseti(L, -2, 1);
  for (int i = 0; i < request->argc; i++) {
    lua_pushstring(L, request->argv[i]);
    lua_rawseti(L, -2, i + 2);
  }
  script->load_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

static int push_chunk(far_turn *turn, lua_State *L) {
  far_script *script = turn->script;
  lua_rawgeti(L, LUA_REGISTRYINDEX, script->load_ref);
  luaL_unref(L, LUA_REGISTRYINDEX, script->load_ref);
  script->load_ref = LUA_NOREF;
  int table = lua_gettop(L);
  int length = (int)lua_rawlen(L, table);
  luaL_checkstack(L, length, "too many arguments");
  for (int i = 1; i <= length; i++)
    lua_rawgeti(L, table, i);
  return length - 1;
}

farside_status far_script_load(far_script *script, const char *path,
                               const char *name, const char *source,
                               size_t bytes, int argc,
                               const char *const *argv) {
  farside_host *host = script->host;
  load_request request = {.script = script,
                          .path = path,
                          .name = name,
                          .source = source,
                          .bytes = bytes,
                          .argc = argc,
                          .argv = argv};
  lua_State *L = script->L;
  script->load_status = FARSIDE_NOMEM;
  lua_pushcfunction(L, compile);
  lua_pushlightuserdata(L, &request);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    host->stats.errors++;
    const char *message =
        lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "unknown error";
    far_host_fail(host, script->load_status, "%s", message);
    far_host_note(host, FAR_WHAT_LOG, FARSIDE_ERROR, script, NULL, message);
    lua_pop(L, 1);
    return script->load_status;
  }
  script->load_status = FARSIDE_OK;
  far_host_call(&script->load);
  return script->load_status;
}
