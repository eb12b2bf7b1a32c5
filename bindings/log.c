// Log: what a script says, in the timeline and wherever the host shows it.

#include "sandbox.h"

#include <string.h>

// From here on a line is a C string: a zero byte is shown as "\0".
static const char *as_c_string(lua_State *L, int index) {
  size_t bytes;
  const char *text = lua_tolstring(L, index, &bytes);
  if (memchr(text, 0, bytes) == NULL)
    return text;
  char *copy = lua_newuserdatauv(L, bytes * 2 + 1, 0);
  char *end = copy;
  for (size_t i = 0; i < bytes; i++) {
    if (text[i] == 0)
      *end++ = '\\';
    *end++ = text[i] == 0 ? '0' : text[i];
  }
  *end = 0;
  return copy;
}

// Joins its arguments as print() does, and writes them down.
static int write(lua_State *L, farside_level level) {
  far_script *script = far_script_of(L);
  int count = lua_gettop(L);
  luaL_Buffer line;
  luaL_buffinit(L, &line);
  for (int i = 1; i <= count; i++) {
    if (i > 1)
      luaL_addchar(&line, '\t');
    luaL_tolstring(L, i, NULL);
    luaL_addvalue(&line);
  }
  luaL_pushresult(&line);
  const char *why = as_c_string(L, -1);
  far_begin_change(script);
  far_host_note(script->host, FAR_WHAT_LOG, level, script,
                script->job ? &script->job->task : NULL, why);
  far_end_change(script);
  return 0;
}

// debug(…), info(…), warn(…), error(…)
static int debug(lua_State *L) {
  return write(L, FARSIDE_DEBUG);
}

static int info(lua_State *L) {
  return write(L, FARSIDE_INFO);
}

static int warn(lua_State *L) {
  return write(L, FARSIDE_WARN);
}

static int error(lua_State *L) {
  return write(L, FARSIDE_ERROR);
}

static int continue_line(lua_State *L) {
  lua_insert(L, 1);
  if (lua_gettop(L) > 1) {
    luaL_tolstring(L, 2, NULL);
    lua_replace(L, 2);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_concat(L, 2);
    lua_replace(L, 1);
    lua_remove(L, 2);
  }
  return write(L, FARSIDE_INFO);
}

int far_print(lua_State *L) {
  // io.write() may have begun this line.
  far_output_take(L);
  if (lua_rawlen(L, -1) > 0)
    return continue_line(L);
  lua_pop(L, 1);
  return write(L, FARSIDE_INFO);
}

static const luaL_Reg functions[] = {
    {"debug", debug}, {"info", info}, {"warn", warn},
    {"error", error}, {NULL, NULL},
};

void far_push_log(lua_State *L, int box) {
  far_push_functions(L, box, functions, 0);
}
