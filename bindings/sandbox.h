// The sandbox: what a hosted script sees of Lua, in one list.
//
// The list is the law. The standard libraries are opened aside, and only what
// the list takes from them is put into the script's world; what a newer Lua
// adds is not seen until somebody has thought about it and written it down.
#ifndef FAR_SANDBOX_H
#define FAR_SANDBOX_H

#include "bindings.h"

// Where a name comes from.
typedef enum far_origin {
  FAR_NAME_STOCK,  // Lua's own, as it is.
  FAR_NAME_OWN,    // A function of ours.
  FAR_NAME_HOST,   // Put there by somebody else of us, once the sandbox stands.
  FAR_NAME_ABSENT, // Lua has it, and a script does not.
} far_origin;

typedef struct far_visible {
  const char *library; // "_G" for a global.
  const char *name;
  far_origin origin;
  lua_CFunction function; // Of FAR_NAME_OWN.
  const char *reason;
} far_visible;

// The list; ends with a row of NULL.
extern const far_visible far_sandbox_names[];

// Builds the globals of a fresh state. The script's box is at `box`.
void far_sandbox_open(lua_State *L, int box);

// The same list for Lua: { { library = …, name = …, origin = "stock", "own",
// "host" or "absent", reason = … }, … }
int far_sandbox_list(lua_State *L);

// Each adds what is no function to its library, on the top of the stack.
void far_set_package(lua_State *L);
void far_set_streams(lua_State *L, int box);

// base.c
int far_base_collectgarbage(lua_State *L);
int far_base_load(lua_State *L);
int far_base_setmetatable(lua_State *L);
int far_base_xpcall(lua_State *L);
int far_debug_getinfo(lua_State *L);
int far_debug_traceback(lua_State *L);
int far_string_rep(lua_State *L);

// bindings.c
int far_os_exit(lua_State *L);

// coroutine.c
int far_coroutine_close(lua_State *L);
int far_coroutine_create(lua_State *L);
int far_coroutine_resume(lua_State *L);
int far_coroutine_running(lua_State *L);
int far_coroutine_status(lua_State *L);
int far_coroutine_wrap(lua_State *L);

// os_time.c
int far_os_clock(lua_State *L);
int far_os_date(lua_State *L);
int far_os_time(lua_State *L);

// output.c
int far_io_flush(lua_State *L);
int far_io_write(lua_State *L);

// Pushes what was written to io.stdout since the last newline, and takes it
// out: print() goes on with that line.
void far_output_take(lua_State *L);

// Writes down what waits for its newline. Allocates nothing in Lua.
void far_output_flush(far_script *script);

// log.c
int far_print(lua_State *L);

// require.c
int far_require(lua_State *L);

// timers.c
int far_timers_clear(lua_State *L);
int far_timers_set_interval(lua_State *L);
int far_timers_set_timeout(lua_State *L);

#endif
