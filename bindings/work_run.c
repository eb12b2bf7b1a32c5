// What the closure of a run is given: ctx.

#include "work.h"

#include "../host/duration.h"
#include "../host/going.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char run_class[] = "farside.run";

// It names its run, and keeps nothing alive. Its fields are in a table.
typedef struct run_object {
  int64_t id, token;
} run_object;

static const run_object *check_run(lua_State *L, const char *method) {
  const run_object *object = luaL_testudata(L, 1, run_class);
  if (object == NULL)
    luaL_error(L, "write ctx:%s(…), with a colon", method);
  return object;
}

static far_going *find(const far_script *script, const run_object *object) {
  return far_going_find(script->host, object->id, object->token);
}

// -- What it is given ---------------------------------------------------------

static void set_json(lua_State *L, const char *field, const char *json,
                     bool is_table) {
  bool is_nil = json == NULL || strcmp(json, "null") == 0;
  if (is_nil && is_table)
    lua_newtable(L); // ctx.checkpoint.part needs no test for nil.
  else if (is_nil)
    lua_pushnil(L);
  else
    far_push_json(L, json);
  lua_setfield(L, -2, field);
}

static bool show(far_script *script, int64_t id) {
  far_begin_change(script);
  bool is_there = far_queue_show(script->host, script->name, id) == FARSIDE_OK;
  far_end_change(script);
  return is_there;
}

// What its parents have returned, by their ids. Whoever has ended long ago is
// not there any more.
static void set_parents(lua_State *L, far_script *script, int64_t id,
                        bool has_parents) {
  far_store *store = script->host->queue.store;
  int64_t parents[FAR_WORK_PARENTS_MAX];
  size_t count = 0;
  lua_newtable(L);
  far_begin_change(script);
  if (has_parents && store->parents(store, id, parents, &count) != FARSIDE_OK)
    count = 0;
  far_end_change(script);
  for (size_t i = 0; i < count; i++) {
    if (!show(script, parents[i]))
      continue;
    const far_work *parent = far_push_shown(L, script->host);
    if (parent->output != NULL) {
      far_push_json(L, parent->output);
      lua_rawseti(L, -3, (lua_Integer)parents[i]);
    }
    lua_pop(L, 1);
  }
  lua_setfield(L, -2, "parents");
}

static void set_key(lua_State *L, const far_going *going) {
  if (going->slot_ms != 0)
    lua_pushfstring(L, "%s/%I@%I", going->script->name, (LUAI_UACINT)going->id,
                    (LUAI_UACINT)going->slot_ms);
  else
    lua_pushfstring(L, "%s/%I", going->script->name, (LUAI_UACINT)going->id);
  lua_setfield(L, -2, "key");
}

static void push_fields(lua_State *L, const far_going *going) {
  far_script *script = going->script;
  bool has_parents = false;
  lua_createtable(L, 0, 10);
  if (show(script, going->id)) {
    const far_work *work = far_push_shown(L, script->host);
    lua_insert(L, -2);
    set_json(L, "input", work->input, false);
    set_json(L, "checkpoint", work->checkpoint, true);
    has_parents = work->has_parents;
    lua_remove(L, -2);
  }
  lua_pushinteger(L, (lua_Integer)going->id);
  lua_setfield(L, -2, "id");
  lua_pushstring(L, going->name);
  lua_setfield(L, -2, "kind");
  lua_pushstring(L, going->unique);
  lua_setfield(L, -2, "unique");
  lua_pushinteger(L, (lua_Integer)going->attempt);
  lua_setfield(L, -2, "attempt");
  if (going->slot_ms != 0) {
    lua_pushinteger(L, (lua_Integer)going->slot_ms);
    lua_setfield(L, -2, "slotMs");
  }
  set_key(L, going);
  set_parents(L, script, going->id, has_parents);
}

// -- Running it ---------------------------------------------------------------

// The value that it returned, as JSON. What cannot be kept is an error of the
// run.
static int returned(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  far_script *script = far_script_of(L);
  const run_object *object = luaL_checkudata(L, 1, run_class);
  const char *problem = NULL;
  char *json = NULL;
  lua_settop(L, 2);
  luaL_checkstack(L, FAR_JSON_SLOTS, NULL);
  far_begin_change(script);
  far_going *going = find(script, object);
  if (going != NULL && !lua_isnil(L, 2))
    json = far_to_json(script, L, 2, &problem);
  if (going != NULL && problem == NULL && !far_going_return(going, json))
    problem = "not enough memory";
  free(json);
  far_end_change(script);
  if (problem != NULL)
    return luaL_error(L, "what the run returned cannot be kept: %s", problem);
  return 0;
}

// Called with the object and the function that define was given.
static int run(lua_State *L) {
  lua_settop(L, 2);
  lua_pushvalue(L, 1);
  lua_callk(L, 1, 1, 0, returned);
  return returned(L, LUA_OK, 0);
}

int far_push_work_run(far_turn *turn, lua_State *L) {
  far_job *job = far_list_item(turn, far_job, turn);
  if (job->owner == NULL)
    return FAR_TURN_NOTHING; // It has ended before it ran.
  far_going *going = far_list_item(job->owner, far_going, owner);
  lua_rawgetp(L, LUA_REGISTRYINDEX, run_class);
  run_object *object = lua_newuserdatauv(L, sizeof *object, 1);
  *object = (run_object){.id = going->id, .token = going->token};
  luaL_setmetatable(L, run_class);
  push_fields(L, going);
  lua_setiuservalue(L, -2, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, going->kind->run_ref);
  far_going_runs(going);
  far_job_run(job);
  return 2;
}

// -- What it can say ----------------------------------------------------------

// A value that is to be kept, at index 2.
typedef struct saving {
  lua_State *L;
  const run_object *object;
  farside_status (*save)(far_going *going, const char *json);
  char text[160];
} saving;

static farside_status save_change(far_script *script, void *request,
                                  far_kept *kept) {
  saving *mine = request;
  far_going *going = find(script, mine->object);
  if (going == NULL)
    return far_host_fail(script->host, FARSIDE_STALE, "%s", far_going_is_over);
  const char *problem;
  char *json = far_to_json(script, mine->L, 2, &problem);
  if (json == NULL) {
    snprintf(mine->text, sizeof mine->text, "the value cannot be kept: %s",
             problem);
    kept->mistake = mine->text;
    return FARSIDE_INVALID;
  }
  farside_status status = mine->save(going, json);
  free(json);
  return status;
}

static int keep(lua_State *L, const char *method,
                farside_status (*save)(far_going *going, const char *json)) {
  saving mine = {.L = L, .object = check_run(L, method), .save = save};
  if (lua_isnone(L, 2))
    return luaL_error(L, "%s: the value is missing", method);
  lua_settop(L, 2);
  luaL_checkstack(L, FAR_JSON_SLOTS, NULL);
  if (save == far_going_save)
    far_note_saved(L, far_script_of(L));
  return far_keep(L, save_change, &mine, far_answer_true);
}

// ctx:save(value) --> true | nil, message, name
static int save(lua_State *L) {
  return keep(L, "save", far_going_save);
}

// ctx:progress(value) --> true | nil, message, name: cheap, and may be lost
static int progress(lua_State *L) {
  return keep(L, "progress", far_going_progress);
}

// ctx:stopping() --> whether it has to come to an end now
static int stopping(lua_State *L) {
  const far_going *going = find(far_script_of(L), check_run(L, "stopping"));
  lua_pushboolean(L, going == NULL || far_going_is_stopping(going));
  return 1;
}

static void note_delay(lua_State *L, far_script *script,
                       const run_object *object, int64_t delay_ms) {
  farside_host *host = script->host;
  const far_going *going = find(script, object);
  if (host->audit == NULL || delay_ms == 0 || going == NULL)
    return;
  far_whom whom = {.script = script->name, .where = far_push_origin(L)};
  far_begin_change(script);
  far_audit_too_soon(host->audit, &whom, going->name, (uint64_t)delay_ms,
                     far_host_now_ms(host));
  far_end_change(script);
}

static int say(lua_State *L, const run_object *object, far_run_end end,
               int64_t delay_ms, const char *why) {
  far_script *script = far_script_of(L);
  note_delay(L, script, object, delay_ms);
  far_begin_change(script);
  far_going *going = find(script, object);
  bool is_said = going == NULL || far_going_says(going, end, delay_ms, why);
  far_end_change(script);
  if (!is_said)
    return luaL_error(L, "not enough memory");
  return 0;
}

// ctx:retry([delay [, why]]): not now; `return ctx:retry()`
static int retry(lua_State *L) {
  const run_object *object = check_run(L, "retry");
  uint64_t delay_ms = 0;
  const char *why = luaL_optstring(L, 3, NULL);
  if (!lua_isnoneornil(L, 2)) {
    const char *text = luaL_checkstring(L, 2);
    bool is_delay = far_duration_parse(text, &delay_ms);
    if (!is_delay && why == NULL && text[0] != '\0')
      why = text; // ctx:retry "the server is busy"
    else if (!is_delay || delay_ms == 0)
      return luaL_argerror(L, 2, "a delay such as \"30s\" is wanted");
  }
  if (delay_ms > INT64_MAX / 4)
    delay_ms = INT64_MAX / 4;
  return say(L, object, FAR_RUN_RETRY, (int64_t)delay_ms, why);
}

// ctx:fail([why]): never again; `return ctx:fail "the account is gone"`
static int fail(lua_State *L) {
  const run_object *object = check_run(L, "fail");
  return say(L, object, FAR_RUN_FAILED, 0, luaL_optstring(L, 2, NULL));
}

// ctx.input, ctx.checkpoint, …, and the methods
static int run_index(lua_State *L) {
  luaL_checkudata(L, 1, run_class);
  if (lua_getiuservalue(L, 1, 1) == LUA_TTABLE) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL)
      return 1;
  }
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(2));
  return 1;
}

static int run_to_string(lua_State *L) {
  const run_object *object = luaL_checkudata(L, 1, run_class);
  lua_pushfstring(L, "run of work %I", (LUAI_UACINT)object->id);
  return 1;
}

static const luaL_Reg methods[] = {
    {"save", save},   {"progress", progress}, {"stopping", stopping},
    {"retry", retry}, {"fail", fail},         {"__tostring", run_to_string},
    {NULL, NULL},
};

void far_open_work_run(lua_State *L, int box) {
  far_push_function(L, box, run); // For far_push_work_run().
  lua_rawsetp(L, LUA_REGISTRYINDEX, run_class);
  far_push_class(L, box, run_class, methods);
  lua_pushvalue(L, box);
  lua_getfield(L, -2, "__index");
  lua_pushcclosure(L, run_index, 2);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
