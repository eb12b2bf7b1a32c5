// require "farside.busted": matchers for specs. They are Lua, in
// scripts/busted.lua, and travel inside the module.

#include "../host/embedded.h"
#include "bindings.h"

int luaopen_farside_busted(lua_State *L) {
  if (luaL_loadbufferx(L, far_busted->text, far_busted->bytes,
                       "=farside.busted", "t") != LUA_OK)
    return lua_error(L);
  lua_call(L, 0, 1);
  return 1;
}
