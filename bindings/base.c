// Basic functions that Lua's own would let a script outlive its budget with.

#include "sandbox.h"

#include "../host/source_map.h"
#include <limits.h>
#include <string.h>

enum {
  // The parser cannot be interrupted, and a larger chunk is no source code.
  CHUNK_BYTES_MAX = 1024 * 1024,
};

// -- collectgarbage -----------------------------------------------------------

// collectgarbage("count") --> KiB. A script that could stop or tune the
// collector could make the host wait for it.
int far_base_collectgarbage(lua_State *L) {
  const char *what = luaL_optstring(L, 1, "collect");
  if (strcmp(what, "count") != 0)
    return luaL_error(L,
                      "collectgarbage(\"%s\") is not for scripts: memory is "
                      "collected as it is needed; there is only \"count\"",
                      what);
  lua_Number kibibytes = lua_gc(L, LUA_GCCOUNT);
  lua_pushnumber(L, kibibytes + lua_gc(L, LUA_GCCOUNTB) / 1024.0);
  return 1;
}

// -- setmetatable -------------------------------------------------------------

// setmetatable(table, metatable) --> table. A finalizer would run where no hook
// can stop it.
int far_base_setmetatable(lua_State *L) {
  int type = lua_type(L, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2,
                   "nil or table");
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
    return luaL_error(L, "cannot change a protected metatable");
  lua_settop(L, 2);
  if (type == LUA_TTABLE) {
    lua_pushliteral(L, "__gc");
    if (lua_rawget(L, 2) != LUA_TNIL)
      return luaL_error(L, "__gc is not for scripts: close things with a "
                           "<close> variable and __close");
    lua_pop(L, 1);
  }
  lua_setmetatable(L, 1);
  return 1;
}

// -- xpcall -------------------------------------------------------------------

// Calls the script's handler (upvalue 2) with the error. When the watchdog
// raised it, the handler would run inside of the hook, where nothing stops it.
static int handle(lua_State *L) {
  lua_settop(L, 1);
  if (far_script_of(L)->host->watch.is_killed)
    return 1;
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static int finish(lua_State *L, int status, lua_KContext context) {
  if (status == LUA_OK || status == LUA_YIELD)
    return lua_gettop(L) - (int)context;
  lua_pushboolean(L, 0);
  lua_pushvalue(L, -2);
  return 2;
}

// debug.traceback([thread,] [message [, level]]) --> string
int far_debug_traceback(lua_State *L) {
  const far_source_map *maps = far_script_of(L)->maps;
  lua_State *of = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
  int message = lua_isthread(L, 1) ? 2 : 1;
  if (!lua_isstring(L, message) && !lua_isnoneornil(L, message)) {
    lua_pushvalue(L, message);
    return 1;
  }
  lua_Integer level = luaL_optinteger(L, message + 1, of == L ? 1 : 0);
  luaL_traceback(L, of, lua_tostring(L, message), (int)level);
  if (maps == NULL)
    return 1;
  const char *text = lua_tostring(L, -1);
  size_t bytes = far_source_map_rewrite(maps, text, NULL, 0) + 1;
  char *copy = lua_newuserdatauv(L, bytes, 0);
  far_source_map_rewrite(maps, text, copy, bytes);
  lua_pushstring(L, copy);
  return 1;
}

static void set_text(lua_State *L, const char *field, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, field);
}

static void set_number(lua_State *L, const char *field, int number) {
  lua_pushinteger(L, number);
  lua_setfield(L, -2, field);
}

// debug.getinfo(function or level [, what]) --> table | nil. What a traceback
// shows anyway, and functions of the script's own, none in C: libraries that
// are compiled into scripts ask who has called them.
int far_debug_getinfo(lua_State *L) {
  lua_Debug about;
  const char *what = luaL_optstring(L, 2, "flnS");
  luaL_argcheck(L, what[strspn(what, "flnS")] == '\0', 2,
                "a script may ask for f, l, n and S");
  lua_settop(L, 2);
  if (lua_isfunction(L, 1)) {
    what = lua_pushfstring(L, ">%s", what);
    lua_pushvalue(L, 1);
  } else {
    lua_Integer level = luaL_checkinteger(L, 1);
    if (level < 0 || level > INT_MAX || !lua_getstack(L, (int)level, &about)) {
      luaL_pushfail(L);
      return 1;
    }
  }
  lua_getinfo(L, what, &about);
  bool has_function = strchr(what, 'f') != NULL; // It is on the top.
  lua_createtable(L, 0, 10);
  if (strchr(what, 'S') != NULL) {
    lua_pushlstring(L, about.source, about.srclen);
    lua_setfield(L, -2, "source");
    set_text(L, "short_src", about.short_src);
    set_text(L, "what", about.what);
    set_number(L, "linedefined", about.linedefined);
    set_number(L, "lastlinedefined", about.lastlinedefined);
  }
  if (strchr(what, 'l') != NULL)
    set_number(L, "currentline", about.currentline);
  if (strchr(what, 'n') != NULL) {
    set_text(L, "name", about.name);
    set_text(L, "namewhat", about.namewhat);
  }
  if (has_function && !lua_iscfunction(L, -2)) {
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "func");
  }
  return 1;
}

// xpcall(function, handler, …) --> true, … | false, handled
int far_base_xpcall(lua_State *L) {
  int top = lua_gettop(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  // A traceback runs nothing of the script, and counts the frames above it:
  // none of ours may be between.
  if (lua_tocfunction(L, 2) != far_debug_traceback) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, handle, 2);
    lua_replace(L, 2);
  }
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2);
  int status = lua_pcallk(L, top - 2, LUA_MULTRET, 2, 2, finish);
  return finish(L, status, 2);
}

// -- load ---------------------------------------------------------------------

static int refuse_size(lua_State *L) {
  luaL_pushfail(L);
  lua_pushfstring(L, "the chunk is larger than %d KiB", CHUNK_BYTES_MAX / 1024);
  return 2;
}

// Calls the reader at 1 until it has no more, and pushes all of it; nil when it
// is too much. Runs protected, as Lua's parser would.
static int read_pieces(lua_State *L) {
  luaL_Buffer all;
  luaL_buffinit(L, &all);
  size_t bytes = 0, piece;
  do {
    lua_pushvalue(L, 1);
    lua_call(L, 0, 1);
    bool is_text = lua_isstring(L, -1);
    if (!is_text && !lua_isnil(L, -1)) {
      luaL_where(L, 2); // Who called load.
      lua_pushliteral(L, "reader function must return a string");
      lua_concat(L, 2);
      return lua_error(L);
    }
    piece = 0;
    if (is_text)
      lua_tolstring(L, -1, &piece);
    bytes += piece;
    if (bytes > CHUNK_BYTES_MAX) {
      lua_pushnil(L);
      return 1;
    }
    if (is_text)
      luaL_addvalue(&all);
    else
      lua_pop(L, 1);
  } while (piece > 0);
  luaL_pushresult(&all);
  return 1;
}

// The function, or an error, is on the top.
static int answer_load(lua_State *L, int status, bool has_env) {
  if (status != LUA_OK) {
    luaL_pushfail(L);
    lua_insert(L, -2);
    return 2;
  }
  if (has_env) {
    lua_pushvalue(L, 4);
    if (lua_setupvalue(L, -2, 1) == NULL)
      lua_pop(L, 1);
  }
  return 1;
}

// load(chunk [, chunkname [, mode [, env]]]) --> function | nil, message.
// Precompiled code is never loaded: its checks can be fooled.
int far_base_load(lua_State *L) {
  const char *mode = luaL_optstring(L, 3, "bt");
  bool has_env = !lua_isnone(L, 4);
  bool is_string = lua_isstring(L, 1);
  const char *name = is_string ? luaL_optstring(L, 2, lua_tostring(L, 1))
                               : luaL_optstring(L, 2, "=(load)");
  if (is_string) {
    lua_settop(L, 4);
    lua_pushvalue(L, 1);
  } else {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 4);
    lua_pushcfunction(L, read_pieces);
    lua_pushvalue(L, 1);
    int status = lua_pcall(L, 1, 1, 0);
    if (status != LUA_OK)
      return answer_load(L, status, false);
  }
  size_t bytes;
  const char *text = lua_tolstring(L, -1, &bytes);
  if (text == NULL || bytes > CHUNK_BYTES_MAX)
    return refuse_size(L);
  if (text[0] == LUA_SIGNATURE[0] || strchr(mode, 't') != NULL)
    mode = "t";
  return answer_load(L, luaL_loadbufferx(L, text, bytes, name, mode), has_env);
}

// -- string.rep ---------------------------------------------------------------

// Doubles what is there: a billion times one byte is thirty steps.
static void fill(char *to, size_t filled, size_t bytes) {
  while (filled < bytes) {
    size_t more = filled < bytes - filled ? filled : bytes - filled;
    memcpy(to + filled, to, more);
    filled += more;
  }
}

// rep(string, n [, separator]) --> string. Lua's own counts to n even when
// there is nothing to repeat.
int far_string_rep(lua_State *L) {
  size_t bytes, separator_bytes;
  const char *text = luaL_checklstring(L, 1, &bytes);
  lua_Integer n = luaL_checkinteger(L, 2);
  const char *separator = luaL_optlstring(L, 3, "", &separator_bytes);
  size_t step = bytes + separator_bytes;
  if (n <= 0 || step == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  if (step > (size_t)LUA_MAXINTEGER / (size_t)n)
    return luaL_error(L, "resulting string too large");
  size_t all = step * (size_t)n - separator_bytes;
  luaL_Buffer result;
  char *to = luaL_buffinitsize(L, &result, all);
  memcpy(to, text, bytes);
  if (n > 1) {
    memcpy(to + bytes, separator, separator_bytes);
    fill(to, step, all);
  }
  luaL_pushresultsize(&result, all);
  return 1;
}
