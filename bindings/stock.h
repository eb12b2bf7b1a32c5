// What Lua's own libraries hold, found once.
//
// A function of C is an address, and a constant is a value: they are the same
// in every state. So the libraries are opened once in a process, in a state
// that nobody will see, and not in each script, which wants a part of them.
#ifndef FAR_STOCK_H
#define FAR_STOCK_H

#include "sandbox.h"

// Finds the values of all names of the list that are Lua's own, unless that was
// done. Any thread. False when memory is short.
bool far_stock_find(far_memory *memory);

// Pushes the value of such a name. False, and nothing pushed, for a function
// that has something of its own in each state.
bool far_stock_push(lua_State *L, const far_visible *name);

#endif
