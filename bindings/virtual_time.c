// What a script can read of time and chance, while time is virtual: a simulated
// day must not depend on the machine, nor on the day on which it is run.

#include "bindings.h"
#include "sandbox.h"

// math.randomseed([seed [, seed]]): upvalue 2 is the library's own, which would
// take the time and an address for a seed.
static int random_seed(lua_State *L) {
  if (lua_isnone(L, 1))
    lua_pushinteger(L, (lua_Integer)far_script_of(L)->host->seed);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

static void set_random_seed(lua_State *L, int box) {
  lua_pushvalue(L, box);
  lua_getfield(L, -2, "randomseed");
  lua_pushcclosure(L, random_seed, 2);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "randomseed");
  lua_call(L, 0, 0);
}

void far_set_virtual_time(lua_State *L, int box) {
  static const luaL_Reg functions[] = {{"time", far_os_time},
                                       {"date", far_os_date},
                                       {"clock", far_os_clock},
                                       {NULL, NULL}};
  lua_getglobal(L, "os");
  far_set_functions(L, box, functions);
  lua_pop(L, 1);
  lua_getglobal(L, "math");
  set_random_seed(L, box);
  lua_pop(L, 1);
}
