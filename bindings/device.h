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

// The plugins of device.open { plugins = … }: pushes what the phone has to
// keep, which is empty where there are none.
typedef struct far_offer far_offer;
far_offer *far_push_offer(lua_State *L);
const farside_plugin *far_offer_plugins(const far_offer *offer);

// The phone is open, or with NULL closed.
void far_offer_open(far_offer *offer, farside_host *host);

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
