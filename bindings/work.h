// What the files of durable work share.
#ifndef FAR_WORK_BINDINGS_H
#define FAR_WORK_BINDINGS_H

#include "kept.h"

// Adds define, enqueue and their relatives to the table on the top of the
// stack.
void far_set_work(lua_State *L, int box);

// Three of them.
int far_work_define(lua_State *L);
int far_work_enqueue(lua_State *L);
int far_work_periodic(lua_State *L);

// Makes the class of what a run is given. The closure of a run: the `push` of a
// far_kind.
void far_open_work_run(lua_State *L, int box);
int far_push_work_run(far_turn *turn, lua_State *L);

// Pushes a copy of queue->shown, in the memory of the script: it lives as long
// as the userdata on the stack.
const far_work *far_push_shown(lua_State *L, farside_host *host);

// Pushes a unit as a table: what get, query and watch show.
void far_push_work(lua_State *L, const far_work *work);

// Pushes a run of its history, as a table.
void far_push_history(lua_State *L, const far_run *run);

// Pushes what stands in its way: a list with a sentence.
void far_push_obstacles(lua_State *L, farside_host *host, const far_work *work);

// Pushes what enqueue says besides the id.
void far_push_receipt(lua_State *L, const far_receipt *receipt);

// Adds `watch` to the table on the top of the stack.
void far_set_watch(lua_State *L, int box);

// Reads a filter at `index`: { state=, kind=, unique=, group=, tag= }. Its
// strings are borrowed from the table.
void far_check_filter(lua_State *L, int index, const char *function,
                      far_find *find);

// The id of a unit. Raises an error that names `what` for anything else.
int64_t far_check_id(lua_State *L, int index, const char *what);

#endif
