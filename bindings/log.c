// Log: what a script says, in the timeline and wherever the host shows it.

#include "bindings.h"

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
  far_host_note(script->host, FAR_WHAT_LOG, level, script,
                script->job ? &script->job->task : NULL, lua_tostring(L, -1));
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

int far_print(lua_State *L) {
  return write(L, FARSIDE_INFO);
}

static const luaL_Reg functions[] = {
    {"debug", debug}, {"info", info}, {"warn", warn},
    {"error", error}, {NULL, NULL},
};

void far_push_log(lua_State *L, int box) {
  lua_newtable(L);
  far_set_functions(L, box, functions);
}
