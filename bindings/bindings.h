// What the bindings share: who is calling, what an argument is, and how an
// expected failure is answered.
#ifndef FAR_BINDINGS_H
#define FAR_BINDINGS_H

#include "../host/host.h"
#include "../host/number.h"
#include <lauxlib.h>
#include <lua.h>

// The script that calls. Raises an error once it is closed.
//
// Every binding has the box of its script as upvalue 1. Where a state belongs
// to one script, and functions need not be objects, there is none, and nil
// where one would be: the state itself knows whose it is.
far_script *far_script_of(lua_State *L);

// The script of a box at `box` on the stack, or of the state where that is nil.
far_script *far_script_of_box(lua_State *L, int box);

// Pushes a function that knows the script of the box at `box` on the stack.
void far_push_function(lua_State *L, int box, lua_CFunction function);

// Between these two a binding changes what outlives the script: its turn is not
// dropped there. Nothing in between may raise a Lua error.
void far_begin_change(far_script *script);
void far_end_change(far_script *script);

// Adds functions to the table on the top of the stack.
void far_set_functions(lua_State *L, int box, const luaL_Reg *functions);

// Pushes a table of functions, with room for `more` fields.
void far_push_functions(lua_State *L, int box, const luaL_Reg *functions,
                        int more);

// Gives a function of the table on the top of the stack a second name.
void far_set_alias(lua_State *L, const char *alias, const char *name);

// Makes, or finds, the metatable of a kind of userdata, with functions of the
// script's own, and pushes it. Methods are looked up in it.
void far_push_class(lua_State *L, int box, const char *name,
                    const luaL_Reg *functions);

// Pushes true, or nil, a sentence and the status's NAME.
int far_push_status(lua_State *L, farside_status status);
int far_push_failure(lua_State *L, farside_status status, const char *format,
                     ...) __attribute__((format(printf, 3, 4)));

// Refuses fields of a table that nobody reads. `names` ends with NULL.
void far_check_fields(lua_State *L, int table, const char *function,
                      const char *const *names);

// Reads a duration such as "20s", "500ms" or "1h30m" into milliseconds. Raises
// an error that names `what` for anything else.
uint64_t far_check_duration(lua_State *L, int index, const char *what);

// The same without an error: false for anything else.
bool far_to_duration(lua_State *L, int index, uint64_t *ms);

// On a phone, the audit hears that the script that calls has saved something.
void far_note_saved(lua_State *L, far_script *script);

// "app.lua:12": where the running function was called from.
enum { FAR_ORIGIN_BYTES = 256 + FAR_NUMBER_BYTES };
void far_put_origin(lua_State *L, char text[FAR_ORIGIN_BYTES]);

// Pushes the same.
const char *far_push_origin(lua_State *L);

// Pushes the table of a JSON object. Raises an error when memory is short.
void far_push_json(lua_State *L, const char *text);

// Pushes the JSON that came with an event, which is read once for all its
// listeners. Likewise.
void far_push_event_json(lua_State *L, far_event *event);

// Pushes the value of a JSON text that may be anything, or nil, a sentence and
// INVALID.
int far_push_parsed(lua_State *L, far_script *script, const char *text,
                    size_t bytes);

// The JSON of a value, for free(); NULL, and why, for what is no such value.
// Asks no metamethod and raises no error: for between far_begin_change() and
// far_end_change(). Gives up when the script that calls is stopped. Before them
// comes luaL_checkstack() for FAR_JSON_SLOTS: a stack that grows may collect
// garbage, which nobody can stop in between.
enum { FAR_JSON_SLOTS = 512 };
char *far_to_json(const far_script *script, lua_State *L, int index,
                  const char **problem);
extern const char far_json_too_large[]; // The one problem of size.

// Adds postMessage and its relatives to the table on the top of the stack.
void far_set_script(lua_State *L, int box);

// Each pushes its module. `box` is the script's box on the stack.
void far_push_app(lua_State *L, int box);
void far_push_background_task(lua_State *L, int box);
void far_push_log(lua_State *L, int box);
void far_push_storage(lua_State *L, int box);
void far_push_http(lua_State *L, int box);
void far_push_files(lua_State *L, int box);

// Adds the plugins of the embedder's to the table on the top of the stack.
void far_set_plugins(lua_State *L, int box);

// Adds setTimeout and its relatives to the table on the top of the stack.
void far_set_timers(lua_State *L, int box);

// Adds await to it.
void far_set_await(lua_State *L, int box);

// Adds loop to it.
void far_set_loop(lua_State *L, int box);

// Replaces what tells the machine's time and chance by the clock's, in a
// script whose time is virtual.
void far_set_virtual_time(lua_State *L, int box);

// In plain Lua: Farside stays, with its loop, until the interpreter closes,
// even if its app ends before.
void far_keep_borrowed(lua_State *L);

// farside.run() in plain Lua.
int far_run_borrowed(lua_State *L);

// The modules of plain Lua.
FARSIDE_API
int luaopen_farside(lua_State *L);
FARSIDE_API
int luaopen_farside_device(lua_State *L);
FARSIDE_API
int luaopen_farside_busted(lua_State *L);

#endif
