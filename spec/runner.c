// Runs busted inside one binary with the bindings, so that the sanitizers see
// C and specs together.

#include "../bindings/sandbox.h"

#include <lualib.h>
#include <stdio.h>

static void preload(lua_State *L, const char *name, lua_CFunction open) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

static void set_arg(lua_State *L, int argc, char **argv) {
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_setglobal(L, "arg");
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  if (L == NULL)
    return 1;
  luaL_openlibs(L);
  preload(L, "farside", luaopen_farside);
  preload(L, "farside.device", luaopen_farside_device);
  preload(L, "farside.busted", luaopen_farside_busted);
  preload(L, "farside.sandbox", far_sandbox_list);
  set_arg(L, argc, argv);
  // busted ends the process itself, and closes the state first.
  int status = luaL_dostring(L, "require('busted.runner')"
                                "{ standalone = false }");
  if (status != LUA_OK)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return status == LUA_OK ? 0 : 1;
}
