// The simulated phone as a Lua object, for specs and for plan files.
#ifndef FAR_BINDINGS_DEVICE_H
#define FAR_BINDINGS_DEVICE_H

#include "../host/device.h"
#include <lua.h>

// Opens a phone and pushes it. `path` and its arguments are what
// phone:launch() runs when it is told nothing else; they may be NULL and must
// outlive the phone. Raises a Lua error when the phone cannot be opened.
far_device *far_push_phone(lua_State *L, const far_device_config *config,
                           const char *path, int argc, const char *const *argv);

#endif
