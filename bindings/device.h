// The simulated phone as a Lua object, for specs and for plan files.
#ifndef FAR_BINDINGS_DEVICE_H
#define FAR_BINDINGS_DEVICE_H

#include "../host/device.h"
#include <lua.h>

// Pushes a phone that somebody else closes, once the state is closed. `path`
// and its arguments are what phone:launch() runs when it is told nothing else;
// they must outlive it.
void far_lend_phone(lua_State *L, far_device *device,
                    const farside_source *app);

#endif
