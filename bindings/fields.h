// Fields of a table of options: each is read, checked, and refused by its name.
//
// Every one of these raises an error such as "enqueue: priority must be an
// integer from -10 to 10". What they read stays on the stack, so that strings
// live as long as the function that asks.
#ifndef FAR_FIELDS_H
#define FAR_FIELDS_H

#include "bindings.h"

// The value at `index`: one line of 1 to `most` bytes. The error names `what`.
const char *far_check_text(lua_State *L, int index, const char *what,
                           size_t most);

// "enqueue: needs", pushed. For what is there: to spell a name that nobody
// reads costs more than to find no field.
const char *far_push_field_name(lua_State *L, const char *function,
                                const char *field);

// The type of what is there: `type`, or LUA_TNIL.
int far_field(lua_State *L, int table, const char *function, const char *field,
              int type);

// A name of at most FAR_WORK_NAME_MAX bytes; NULL where there is none.
const char *far_field_name(lua_State *L, int table, const char *function,
                           const char *field);

// A duration in milliseconds.
int64_t far_field_duration(lua_State *L, int table, const char *function,
                           const char *field, int64_t otherwise);

bool far_field_flag(lua_State *L, int table, const char *function,
                    const char *field, bool otherwise);

int64_t far_field_integer(lua_State *L, int table, const char *function,
                          const char *field, int64_t least, int64_t most,
                          int64_t otherwise);

// One of the names of a list, by its number. `name_at` returns NULL behind the
// last.
int far_field_choice(lua_State *L, int table, const char *function,
                     const char *field, const char *(*name_at)(int),
                     int otherwise);

#endif
