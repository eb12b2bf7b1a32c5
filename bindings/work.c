// BackgroundTask, the durable kind: work that survives the app. What is there
// is shown, cancelled, tried again; define, enqueue and periodic have files of
// their own.

#include "work.h"

#include "fields.h"
#include <stdio.h>

enum { QUERY_DEFAULT = 100, QUERY_MAX = 1000, HISTORY_MAX = 32 };

int64_t far_check_id(lua_State *L, int index, const char *what) {
  int is_integer = 0;
  lua_Integer id = lua_type(L, index) == LUA_TNUMBER
                       ? lua_tointegerx(L, index, &is_integer)
                       : 0;
  if (lua_isnoneornil(L, index))
    luaL_error(L, "%s is missing", what);
  if (!is_integer)
    luaL_error(L, "%s must be the integer that enqueue returned, not a %s",
               what, luaL_typename(L, index));
  return id;
}

// -- cancel, redrive, prune ---------------------------------------------------

// What is to be cancelled: one, or those that a search finds.
typedef struct cancelling {
  far_find find;
  bool is_one;
} cancelling;

static farside_status cancel_change(far_script *script, void *request,
                                    far_kept *kept) {
  const cancelling *mine = request;
  if (mine->is_one)
    return far_queue_cancel_one(script->host, script->name, mine->find.id,
                                &kept->count);
  return far_queue_cancel(script->host, script->name, &mine->find,
                          &kept->count);
}

static int answer_count(lua_State *L, const far_kept *kept) {
  lua_pushinteger(L, (lua_Integer)kept->count);
  return 1;
}

// cancel{ id= | unique= | tag= | group= | kind= | all=true } --> count
static int cancel(lua_State *L) {
  static const char *const fields[] = {"id",   "unique", "tag", "group",
                                       "kind", "all",    NULL};
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  far_check_fields(L, 1, "cancel", fields);
  cancelling mine = {.find = {.by = FAR_FIND_FILTER, .state = -1}};
  far_find *find = &mine.find;
  bool is_all = far_field_flag(L, 1, "cancel", "all", false);
  mine.is_one = lua_getfield(L, 1, "id") != LUA_TNIL;
  if (mine.is_one)
    find->id = far_check_id(L, -1, "cancel: id");
  find->unique = far_field_name(L, 1, "cancel", "unique");
  find->tag = far_field_name(L, 1, "cancel", "tag");
  find->group = far_field_name(L, 1, "cancel", "group");
  find->kind = far_field_name(L, 1, "cancel", "kind");
  int count = is_all + mine.is_one + (find->unique != NULL) +
              (find->tag != NULL) + (find->group != NULL) +
              (find->kind != NULL);
  if (count != 1)
    return luaL_error(L, "cancel: say one of id, unique, tag, group, kind, or "
                         "all = true");
  return far_keep(L, cancel_change, &mine, answer_count);
}

static farside_status redrive_change(far_script *script, void *request,
                                     far_kept *kept) {
  (void)kept;
  return far_queue_redrive(script->host, script->name,
                           *(const int64_t *)request);
}

// redrive(id) --> true | nil, message, name
static int redrive(lua_State *L) {
  int64_t id = far_check_id(L, 1, "redrive: the id");
  return far_keep(L, redrive_change, &id, far_answer_true);
}

static farside_status prune_change(far_script *script, void *request,
                                   far_kept *kept) {
  (void)request;
  return far_queue_prune(script->host, script->name, &kept->count);
}

// prune() --> count: forgets what has ended
static int prune(lua_State *L) {
  return far_keep(L, prune_change, NULL, answer_count);
}

// -- get, query, history, explain ---------------------------------------------

static int push_host_failure(lua_State *L, const far_script *script,
                             farside_status status) {
  return far_push_failure(L, status, "%s", farside_error(script->host));
}

static farside_status show(far_script *script, int64_t id) {
  far_begin_change(script);
  far_batch_before_showing(&script->host->queue, id);
  farside_status status = far_queue_show(script->host, script->name, id);
  far_end_change(script);
  return status;
}

// get(id) --> info | nil, message, name
static int get(lua_State *L) {
  far_script *script = far_script_of(L);
  farside_status status = show(script, far_check_id(L, 1, "get: the id"));
  if (status != FARSIDE_OK)
    return push_host_failure(L, script, status);
  far_push_work(L, far_push_shown(L, script->host));
  return 1;
}

static const char *state_at(int i) {
  return i < FAR_WORK_STATES ? far_work_state_name((far_work_state)i) : NULL;
}

void far_check_filter(lua_State *L, int index, const char *function,
                      far_find *find) {
  find->by = FAR_FIND_FILTER;
  find->state = far_field_choice(L, index, function, "state", state_at, -1);
  find->kind = far_field_name(L, index, function, "kind");
  find->unique = far_field_name(L, index, function, "unique");
  find->group = far_field_name(L, index, function, "group");
  find->tag = far_field_name(L, index, function, "tag");
}

// query([{ state=, kind=, unique=, group=, tag=, limit=, after= }]) --> list
static int query(lua_State *L) {
  static const char *const fields[] = {"state", "kind",  "unique", "group",
                                       "tag",   "limit", "after",  NULL};
  far_script *script = far_script_of(L);
  far_find find = {.by = FAR_FIND_FILTER, .state = -1, .script = script->name};
  int64_t limit = QUERY_DEFAULT;
  lua_settop(L, 1);
  if (!lua_isnil(L, 1)) {
    luaL_checktype(L, 1, LUA_TTABLE);
    far_check_fields(L, 1, "query", fields);
    far_check_filter(L, 1, "query", &find);
    limit =
        far_field_integer(L, 1, "query", "limit", 1, QUERY_MAX, QUERY_DEFAULT);
    if (lua_getfield(L, 1, "after") != LUA_TNIL) {
      find.at_id = far_check_id(L, -1, "query: after");
      find.has_begun = true;
    }
  }
  lua_newtable(L);
  int list = lua_gettop(L);
  for (lua_Integer i = 1; i <= limit; i++) {
    far_begin_change(script);
    (void)far_batch_flush(script->host); // Whoever sees it relies on it.
    farside_status status = far_queue_show_next(script->host, &find);
    far_end_change(script);
    if (status == FARSIDE_NOWORK)
      break;
    if (status != FARSIDE_OK)
      return push_host_failure(L, script, status);
    far_push_work(L, far_push_shown(L, script->host));
    lua_rawseti(L, list, i);
    lua_settop(L, list);
  }
  return 1;
}

// The next run of a history; its sentence goes into a text that nobody frees.
static farside_status next_run(far_script *script, int64_t id, far_run *run,
                               char why[FAR_WHY_BYTES]) {
  far_store *store = script->host->queue.store;
  int64_t token = run->token;
  *run = (far_run){0};
  far_begin_change(script);
  farside_status status = store->run_before(store, id, token, run);
  snprintf(why, FAR_WHY_BYTES, "%s", run->why ? run->why : "");
  far_run shown = *run;
  shown.why = run->why ? why : NULL;
  far_run_deinit(store->memory, run);
  *run = shown;
  far_end_change(script);
  return status;
}

// history(id) --> list of runs, the newest first | nil, message, name
static int history(lua_State *L) {
  far_script *script = far_script_of(L);
  char why[FAR_WHY_BYTES];
  int64_t id = far_check_id(L, 1, "history: the id");
  farside_status status = show(script, id);
  if (status != FARSIDE_OK)
    return push_host_failure(L, script, status);
  far_run run = {.token = INT64_MAX};
  lua_newtable(L);
  for (lua_Integer i = 1; i <= HISTORY_MAX; i++) {
    if (next_run(script, id, &run, why) != FARSIDE_OK)
      break;
    far_push_history(L, &run);
    lua_rawseti(L, -2, i);
  }
  return 1;
}

// explain(id) --> what stands in its way | nil, message, name
static int explain(lua_State *L) {
  far_script *script = far_script_of(L);
  farside_status status = show(script, far_check_id(L, 1, "explain: the id"));
  if (status != FARSIDE_OK)
    return push_host_failure(L, script, status);
  far_push_obstacles(L, script->host, far_push_shown(L, script->host));
  return 1;
}

static const luaL_Reg functions[] = {
    {"define", far_work_define},
    {"enqueue", far_work_enqueue},
    {"periodic", far_work_periodic},
    {"cancel", cancel},
    {"redrive", redrive},
    {"prune", prune},
    {"get", get},
    {"query", query},
    {"history", history},
    {"explain", explain},
    {NULL, NULL},
};

void far_set_work(lua_State *L, int box) {
  far_set_functions(L, box, functions);
  far_set_watch(L, box);
}
