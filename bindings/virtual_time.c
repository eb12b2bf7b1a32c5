// What a script can read of time and chance, while time is virtual: a simulated
// day must not depend on the machine, nor on the day on which it is run.

#include "bindings.h"

static lua_Integer wall_seconds(lua_State *L) {
  far_clock *clock = far_script_of(L)->host->clock;
  return (lua_Integer)(clock->wall_ms(clock) / 1000);
}

// os.time([table]): upvalue 2 is the library's own.
static int os_time(lua_State *L) {
  if (lua_isnoneornil(L, 1)) {
    lua_pushinteger(L, wall_seconds(L));
    return 1;
  }
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

// os.date([format [, time]]): upvalue 2 is the library's own.
static int os_date(lua_State *L) {
  size_t bytes;
  const char *format = luaL_optlstring(L, 1, "%c", &bytes);
  lua_Integer time =
      lua_isnoneornil(L, 2) ? wall_seconds(L) : luaL_checkinteger(L, 2);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushlstring(L, format, bytes);
  lua_pushinteger(L, time);
  lua_call(L, 2, 1);
  return 1;
}

// os.clock(): no processor time passes in virtual time, so it is the clock.
static int os_clock(lua_State *L) {
  far_script *script = far_script_of(L);
  lua_pushnumber(L, (lua_Number)far_host_now_ms(script->host) / 1000);
  return 1;
}

static void replace(lua_State *L, int box, const char *name,
                    lua_CFunction function) {
  lua_pushvalue(L, box);
  lua_getfield(L, -2, name);
  lua_pushcclosure(L, function, 2);
  lua_setfield(L, -2, name);
}

void far_set_virtual_time(lua_State *L, int box) {
  lua_getglobal(L, "os");
  replace(L, box, "time", os_time);
  replace(L, box, "date", os_date);
  replace(L, box, "clock", os_clock);
  lua_pop(L, 1);
  lua_getglobal(L, "math");
  lua_getfield(L, -1, "randomseed");
  lua_pushinteger(L, (lua_Integer)far_script_of_box(L, box)->host->seed);
  lua_call(L, 1, 0);
  lua_pop(L, 1);
}
