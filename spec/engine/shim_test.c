// farside_engine.c inside a program with an engine's Lua: runs a script of that
// Lua. Built for each of them, linked as engines link: shared and static.
//
//   shim_test BINDINGS SCRIPT

#include "farside_engine.h"

#include "../check.h"
#include <lauxlib.h>
#include <lualib.h>

static int holds;

static void hold(void *self) {
  (void)self;
  holds++;
}

static void preload(lua_State *L, const char *name, lua_CFunction open) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_settop(L, 0);
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  static const farside_platform platform = {.version = FARSIDE_PLATFORM_VERSION,
                                            .hold = hold};
  farside_engine_set_platform(&platform);
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  preload(L, "farside_engine", luaopen_farside_engine);
  preload(L, "plugin.farside", luaopen_farside_engine);
  lua_pushstring(L, argv[1]);
  lua_setglobal(L, "BINDINGS");
  bool is_fine = luaL_dofile(L, argv[2]) == 0;
  check_in(is_fine, is_fine ? "" : lua_tostring(L, -1));
  lua_close(L);
  check(holds > 0);
  farside_engine_post("pause", NULL); // Nobody is there.
  return check_end();
}
