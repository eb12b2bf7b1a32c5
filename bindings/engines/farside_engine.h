/* Farside for the Lua of an engine: farside_engine.c is the module. */
#ifndef FARSIDE_ENGINE_H
#define FARSIDE_ENGINE_H

#include <farside/farside.h>
#include <lua.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What to ask of the OS (hold awake, release, …) by the hosts that are opened
 * from now on; NULL: nothing. Not copied. */
void farside_engine_set_platform(const farside_platform *platform);

/* Tells every open host what happened to the app: "pause", "resume", … Any
 * thread. */
void farside_engine_post(const char *event, const char *json);

/* Pushes the module, for require. */
FARSIDE_API
int luaopen_farside_engine(lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
