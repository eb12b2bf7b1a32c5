// Lua states whose strings have a known order.
//
// pairs() visits string keys in an order that comes from a number which Lua 5.4
// makes of the time and of addresses, and which no function sets. Here it is
// set while Lua opens the state, and then it is checked that strings follow it.
#ifndef FAR_STATE_H
#define FAR_STATE_H

#include <lua.h>
#include <stdint.h>

// Opens a state as lua_newstate() does, with `seed` for the order of strings.
// With a Lua that is made otherwise the order is left to it. NULL when memory
// is short.
lua_State *far_state_new(lua_Alloc allocate, void *user, uint64_t seed);

#endif
