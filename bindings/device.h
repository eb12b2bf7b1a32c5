// The simulated phone as a Lua object, for specs and for plan files.
#ifndef FAR_BINDINGS_DEVICE_H
#define FAR_BINDINGS_DEVICE_H

#include "../host/device.h"
#include <lauxlib.h>

// Pushes a phone that somebody else closes, once the state is closed. `path`
// and its arguments are what phone:launch() runs when it is told nothing else;
// they must outlive it.
void far_lend_phone(lua_State *L, far_device *device,
                    const farside_source *app);

// The device of the phone that a method was called on. Raises an error for
// anything else, and once the phone is closed.
far_device *far_check_phone(lua_State *L);

// What the user and the world do to a phone: more of its methods.
extern const luaL_Reg far_phone_verbs[];

// phone:respond(): what its network is.
int far_respond(lua_State *L);

// The plugins of a phone's app, as functions of a spec or a plan. What Lua
// keeps of them is on the top of the stack afterwards; NULL when memory is
// short.
typedef struct far_offer far_offer;
far_offer *far_push_offer(lua_State *L, far_device *device);

// Adds the plugin whose name and table of functions are on the top of the
// stack, and takes both; the functions of one that is there already take their
// place. Raises an error, that begins with `who`.
void far_offer_add(lua_State *L, far_offer *offer, const char *who);

// The phone is closed: nothing is answered any more.
void far_offer_end(far_offer *offer);

// Whether one of its functions runs.
bool far_offer_is_asking(const far_offer *offer);

// phone:notify(): something has happened to a plugin.
int far_notify(lua_State *L);

// Reads a time zone. Raises an error, with those that there are.
void far_check_zone(lua_State *L, const char *name, far_zone *zone);

// Reads the name of a network, the charge of a battery. Likewise.
farside_network far_check_network(lua_State *L, const char *name);
int far_check_battery(lua_State *L, lua_Number charge);

#endif
