// io: a script writes, and its lines go to the log, as those of print() do.
//
// The log is made of lines. What has no newline yet waits in Lua's memory, and
// goes out with the rest of its line, with flush(), or when the script ends.

#include "sandbox.h"

#include <stdio.h>
#include <string.h>

enum {
  // The log shows no more of a line; and a script that never ends its line must
  // not copy all of it again with each word.
  LINE_BYTES_MAX = 8 * 1024,
};

static const char stream_class[] = "FILE*"; // As in the manual.
static const char streams[2];               // Keys in the registry.

static farside_level level_of(lua_State *L, int file) {
  const farside_level *level = lua_touserdata(L, file);
  return *level;
}

static void note(far_script *script, farside_level level, const char *line) {
  far_shield *shield = &script->host->watch.shield;
  far_shield_up(shield);
  far_host_note(script->host, FAR_WHAT_LOG, level, script,
                script->job ? &script->job->task : NULL, line);
  far_shield_down(shield);
}

// -- Writing ------------------------------------------------------------------

// A line of the log is a C string: a zero byte is shown as "\0".
static void add_text(luaL_Buffer *buffer, const char *text, size_t bytes) {
  const char *end = text + bytes, *zero;
  while ((zero = memchr(text, 0, (size_t)(end - text))) != NULL) {
    luaL_addlstring(buffer, text, (size_t)(zero - text));
    luaL_addlstring(buffer, "\\0", 2);
    text = zero + 1;
  }
  luaL_addlstring(buffer, text, (size_t)(end - text));
}

static void add_argument(lua_State *L, luaL_Buffer *buffer, int index) {
  char number[64];
  size_t bytes;
  if (lua_type(L, index) != LUA_TNUMBER) {
    const char *text = lua_tolstring(L, index, &bytes);
    add_text(buffer, text, bytes);
    return;
  }
  // As io.write() does: 1.0 is written as "1".
  int written = lua_isinteger(L, index)
                    ? snprintf(number, sizeof number, LUA_INTEGER_FMT,
                               lua_tointeger(L, index))
                    : snprintf(number, sizeof number, LUA_NUMBER_FMT,
                               lua_tonumber(L, index));
  luaL_addlstring(buffer, number, (size_t)written);
}

// Writes down the lines of the text on the top, and keeps what is left.
static void write_lines(lua_State *L, int file) {
  far_script *script = far_script_of(L);
  size_t bytes;
  const char *text = lua_tolstring(L, -1, &bytes);
  const char *end = text + bytes, *newline;
  while ((newline = memchr(text, '\n', (size_t)(end - text))) != NULL) {
    note(script, level_of(L, file),
         lua_pushlstring(L, text, (size_t)(newline - text)));
    lua_pop(L, 1);
    text = newline + 1;
  }
  size_t left = (size_t)(end - text);
  if (left >= LINE_BYTES_MAX) {
    note(script, level_of(L, file), text);
    left = 0;
  }
  lua_pushlstring(L, text, left);
  lua_setiuservalue(L, file, 1);
}

// Writes the arguments from `first` to `last`, and returns the stream.
static int write(lua_State *L, int file, int first, int last) {
  for (int i = first; i <= last; i++)
    if (!lua_isstring(L, i))
      luaL_checkstring(L, i);
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  if (lua_getiuservalue(L, file, 1) == LUA_TSTRING)
    luaL_addvalue(&text);
  else
    lua_pop(L, 1);
  for (int i = first; i <= last; i++)
    add_argument(L, &text, i);
  luaL_pushresult(&text);
  write_lines(L, file);
  lua_pushvalue(L, file);
  return 1;
}

// io.write(…) --> io.stdout
int far_io_write(lua_State *L) {
  int last = lua_gettop(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &streams[0]);
  return write(L, last + 1, 1, last);
}

// file:write(…) --> file
static int stream_write(lua_State *L) {
  luaL_checkudata(L, 1, stream_class);
  return write(L, 1, 2, lua_gettop(L));
}

// -- Flushing -----------------------------------------------------------------

// Needs no memory: the script may have none left.
static void flush(far_script *script, lua_State *L, int file) {
  lua_getiuservalue(L, file, 1);
  if (lua_rawlen(L, -1) > 0) {
    note(script, level_of(L, file), lua_tostring(L, -1));
    lua_pushnil(L);
    lua_setiuservalue(L, file, 1);
  }
  lua_pop(L, 1);
}

// file:flush() --> true
static int stream_flush(lua_State *L) {
  luaL_checkudata(L, 1, stream_class);
  flush(far_script_of(L), L, 1);
  lua_pushboolean(L, 1);
  return 1;
}

// io.flush() --> true
int far_io_flush(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &streams[0]);
  flush(far_script_of(L), L, lua_gettop(L));
  lua_pushboolean(L, 1);
  return 1;
}

void far_output_flush(far_script *script) {
  lua_State *L = script->L;
  if (!lua_checkstack(L, 4))
    return;
  for (size_t i = 0; i < 2; i++) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &streams[i]) == LUA_TUSERDATA)
      flush(script, L, lua_gettop(L));
    lua_pop(L, 1);
  }
}

void far_output_take(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &streams[0]) != LUA_TUSERDATA) {
    lua_pop(L, 1);
    lua_pushliteral(L, "");
    return;
  }
  if (lua_getiuservalue(L, -1, 1) == LUA_TSTRING) {
    lua_pushnil(L);
    lua_setiuservalue(L, -3, 1);
  } else {
    lua_pop(L, 1);
    lua_pushliteral(L, "");
  }
  lua_remove(L, -2);
}

// -- The other methods --------------------------------------------------------

// file:setvbuf(…) --> true. Lines go out as they end, whatever is asked for.
static int stream_setvbuf(lua_State *L) {
  luaL_checkudata(L, 1, stream_class);
  lua_pushboolean(L, 1);
  return 1;
}

// file:close() --> nil, message
static int stream_close(lua_State *L) {
  luaL_checkudata(L, 1, stream_class);
  luaL_pushfail(L);
  lua_pushliteral(L, "cannot close standard file");
  return 2;
}

static int stream_tostring(lua_State *L) {
  const void *stream = luaL_checkudata(L, 1, stream_class);
  lua_pushfstring(L, "file (%p)", stream);
  return 1;
}

static const luaL_Reg methods[] = {
    {"write", stream_write},         {"flush", stream_flush},
    {"setvbuf", stream_setvbuf},     {"close", stream_close},
    {"__tostring", stream_tostring}, {NULL, NULL},
};

static void set_stream(lua_State *L, const char *name, const char *key,
                       farside_level level) {
  farside_level *stream = lua_newuserdatauv(L, sizeof *stream, 1);
  *stream = level;
  luaL_setmetatable(L, stream_class);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
  lua_setfield(L, -2, name);
}

void far_set_streams(lua_State *L, int box) {
  far_push_class(L, box, stream_class, methods);
  lua_pop(L, 1);
  set_stream(L, "stdout", &streams[0], FARSIDE_INFO);
  set_stream(L, "stderr", &streams[1], FARSIDE_WARN);
}
