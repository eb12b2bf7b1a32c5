// Storage: values that survive the app.

#include "bindings.h"

#include "../host/storage.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *check_key(lua_State *L, const char *function,
                             size_t *bytes) {
  if (lua_type(L, 1) != LUA_TSTRING)
    luaL_error(L, "%s: the key must be a string, not a %s", function,
               luaL_typename(L, 1));
  const char *key = lua_tolstring(L, 1, bytes);
  if (*bytes == 0)
    luaL_error(L, "%s: the key is empty", function);
  if (*bytes > FAR_KEY_BYTES_MAX)
    luaL_error(L, "%s: the key is longer than %d bytes", function,
               (int)FAR_KEY_BYTES_MAX);
  return key;
}

static int answer(lua_State *L, const far_script *script,
                  farside_status status) {
  if (status != FARSIDE_OK)
    return far_push_failure(L, status, "%s", farside_error(script->host));
  lua_pushboolean(L, 1);
  return 1;
}

// get(key) --> value | nil [, message, name]
static int get(lua_State *L) {
  far_script *script = far_script_of(L);
  size_t bytes;
  const char *key = check_key(L, "get", &bytes);
  const char *json = NULL;
  far_begin_change(script);
  farside_status status = far_storage_get(script, key, bytes, &json);
  far_end_change(script);
  if (status == FARSIDE_NOWORK) {
    lua_pushnil(L);
    return 1;
  }
  if (status != FARSIDE_OK)
    return answer(L, script, status);
  far_push_json(L, json);
  return 1;
}

// has(key) --> boolean | nil, message, name
static int has(lua_State *L) {
  far_script *script = far_script_of(L);
  size_t bytes;
  const char *key = check_key(L, "has", &bytes);
  const char *json = NULL;
  far_begin_change(script);
  farside_status status = far_storage_get(script, key, bytes, &json);
  far_end_change(script);
  if (status != FARSIDE_OK && status != FARSIDE_NOWORK)
    return answer(L, script, status);
  lua_pushboolean(L, status == FARSIDE_OK);
  return 1;
}

// set(key, value) --> true | nil, message, name
static int set(lua_State *L) {
  far_script *script = far_script_of(L);
  size_t bytes;
  const char *key = check_key(L, "set", &bytes);
  const char *problem = NULL;
  if (lua_isnoneornil(L, 2))
    return luaL_error(L, "set: the value is nil: remove(key) takes it away");
  lua_settop(L, 2);
  luaL_checkstack(L, FAR_JSON_SLOTS, NULL);
  farside_status status = FARSIDE_OK;
  far_note_saved(L, script);
  far_begin_change(script);
  char *json = far_to_json(script, L, 2, &problem);
  if (json != NULL)
    status = far_storage_set(script, key, bytes, json);
  free(json);
  far_end_change(script);
  if (problem != NULL)
    return luaL_error(L, "set: the value cannot be kept: %s", problem);
  return answer(L, script, status);
}

// remove(key) --> whether it was there | nil, message, name
static int remove_key(lua_State *L) {
  far_script *script = far_script_of(L);
  size_t bytes;
  const char *key = check_key(L, "remove", &bytes);
  bool was_there;
  far_note_saved(L, script);
  far_begin_change(script);
  farside_status status = far_storage_remove(script, key, bytes, &was_there);
  far_end_change(script);
  if (status != FARSIDE_OK)
    return answer(L, script, status);
  lua_pushboolean(L, was_there);
  return 1;
}

// clear() --> true | nil, message, name
static int clear(lua_State *L) {
  far_script *script = far_script_of(L);
  far_note_saved(L, script);
  far_begin_change(script);
  farside_status status = far_storage_clear(script);
  far_end_change(script);
  return answer(L, script, status);
}

// keys([prefix]) --> list | nil, message, name
static int keys(lua_State *L) {
  far_script *script = far_script_of(L);
  size_t prefix_bytes, after_bytes = 0, bytes = 0;
  const char *prefix = luaL_optlstring(L, 1, "", &prefix_bytes);
  const char *after = NULL, *key = NULL;
  lua_settop(L, 1);
  lua_newtable(L);
  for (lua_Integer i = 1;; i++) {
    far_begin_change(script);
    farside_status status = far_storage_next(script, prefix, prefix_bytes,
                                             after, after_bytes, &key, &bytes);
    far_end_change(script);
    if (status == FARSIDE_NOWORK)
      break;
    if (status != FARSIDE_OK)
      return answer(L, script, status);
    lua_pushlstring(L, key, bytes);
    after = lua_tolstring(L, -1, &after_bytes); // Kept alive by the list.
    lua_rawseti(L, 2, i);
  }
  lua_settop(L, 2);
  return 1;
}

// transaction(fn, …) --> what fn returns | nil, message, name: raises what fn
// raises
static int transaction(lua_State *L) {
  far_script *script = far_script_of(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  far_note_saved(L, script);
  far_begin_change(script);
  farside_status status = far_storage_begin(script);
  far_end_change(script);
  if (status != FARSIDE_OK)
    return answer(L, script, status);
  int failed = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  far_begin_change(script);
  status = far_storage_end(script, failed == LUA_OK);
  far_end_change(script);
  if (failed != LUA_OK)
    return lua_error(L);
  if (status != FARSIDE_OK)
    return answer(L, script, status);
  return lua_gettop(L);
}

static const luaL_Reg functions[] = {
    {"get", get},
    {"set", set},
    {"has", has},
    {"clear", clear},
    {"keys", keys},
    {"remove", remove_key},
    {"transaction", transaction},
    {NULL, NULL},
};

void far_push_storage(lua_State *L, int box) {
  far_push_functions(L, box, functions, 0);
}
