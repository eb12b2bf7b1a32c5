// BackgroundTask: an assertion, not a job queue. `exec` asks the OS not to put
// the app to sleep until the closure's work is finished, or its time is up.

#include "bindings.h"

#include "../host/manifest.h"
#include "fields.h"
#include "work.h"

#include <math.h>
#include <string.h>

enum { NAME_BYTES_MAX = 256 }; // The timeline keeps one with each entry.

static const char task_class[] = "farside.task";

// The object that a closure gets. It names its task, and keeps nothing alive.
typedef struct task_object {
  uint64_t id;
} task_object;

// Pushes { taskId=, name= } with its methods.
static void push_task(lua_State *L, const far_script *script,
                      const far_task *task) {
  task_object *object = lua_newuserdatauv(L, sizeof *object, 1);
  object->id = task->id;
  if (task->name != NULL) {
    lua_pushstring(L, task->name);
    lua_setiuservalue(L, -2, 1);
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, script->task_class);
  lua_setmetatable(L, -2);
}

// Pushes a function and the task; the function is wanted once.
static int push_call(lua_State *L, far_job *job, int *function_ref) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, *function_ref);
  push_task(L, job->script, &job->task);
  far_script_unref(job->script, function_ref);
  return 1;
}

static int push_closure(far_turn *turn, lua_State *L) {
  far_job *job = far_list_item(turn, far_job, turn);
  int args = push_call(L, job, &job->function_ref);
  far_job_run(job);
  return args;
}

static int push_expire(far_turn *turn, lua_State *L) {
  far_job *job = far_list_item(turn, far_job, expire_turn);
  far_job_hear(job);
  return push_call(L, job, &job->on_expire_ref);
}

// The audit wants to know where that was.
static void note_miss(lua_State *L, far_script *script, uint64_t id,
                      farside_status status) {
  farside_host *host = script->host;
  if (host->audit == NULL)
    return;
  far_whom whom = {.script = script->name, .where = far_push_origin(L)};
  far_begin_change(script);
  far_audit_missed(host->audit, &whom, id, status, far_host_now_ms(host));
  far_end_change(script);
  lua_pop(L, 1);
}

static int push_finished(lua_State *L, far_script *script, uint64_t id,
                         bool is_by_id) {
  far_job *job;
  farside_status status = far_job_find(script, id, &job);
  if (status != FARSIDE_OK)
    note_miss(L, script, id, status);
  switch (status) {
  case FARSIDE_OK:
    far_begin_change(script);
    if (is_by_id && script->host->audit != NULL)
      far_job_overtake(job);
    far_job_end(job, FAR_TASK_FINISHED, NULL);
    far_end_change(script);
    return far_push_status(L, status);
  case FARSIDE_NOTASK:
    return far_push_failure(L, status,
                            "there is no task %llu: it never was, "
                            "or it ended long ago",
                            (unsigned long long)id);
  case FARSIDE_EXPIRED:
    return far_push_failure(L, status,
                            "task %llu expired: its time ran out "
                            "and the host ended it",
                            (unsigned long long)id);
  default:
    return far_push_failure(L, status, "task %llu has ended already",
                            (unsigned long long)id);
  }
}

static const char missing_id[] =
    "taskId is missing. In `local id = BackgroundTask.exec(function() … id … "
    "end)` the function sees a global `id`, which is nil: write `local id; id "
    "= BackgroundTask.exec(…)`, or use the function's argument: "
    "`task:finish()`";

// finish{ taskId= } --> true | nil, message, name
static int finish(lua_State *L) {
  far_script *script = far_script_of(L);
  if (lua_type(L, 1) != LUA_TTABLE)
    return luaL_error(L, "finish takes a table: finish{ taskId = id } (got %s)",
                      luaL_typename(L, 1));
  if (lua_getfield(L, 1, "taskId") == LUA_TNIL)
    return luaL_error(L, "finish: %s", missing_id);
  int is_integer = 0;
  lua_Integer id =
      lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &is_integer) : 0;
  if (!is_integer)
    return luaL_error(L,
                      "finish: taskId must be the integer that exec "
                      "returned, not a %s",
                      luaL_typename(L, -1));
  return push_finished(L, script, (uint64_t)id, true);
}

static const char *check_name(lua_State *L, int options) {
  int type = far_field(L, options, "exec", "name", LUA_TSTRING);
  if (type == LUA_TSTRING && lua_rawlen(L, -1) > NAME_BYTES_MAX)
    luaL_error(L, "exec: name is longer than %d bytes", (int)NAME_BYTES_MAX);
  return lua_tostring(L, -1);
}

static uint64_t check_budget(lua_State *L, int options) {
  if (lua_getfield(L, options, "budget") == LUA_TNIL)
    return 0;
  uint64_t budget_ms = far_check_duration(L, -1, "exec: budget");
  if (budget_ms == 0)
    luaL_error(L, "exec: budget is zero: leave it out to get what the system "
                  "gives");
  return budget_ms;
}

static bool has_on_expire(lua_State *L, int options) {
  return far_field(L, options, "exec", "onExpire", LUA_TFUNCTION) != LUA_TNIL;
}

// exec(fn [, { name=, budget=, onExpire= }]) --> taskId | nil, message, name
static int exec(lua_State *L) {
  static const char *const options[] = {"name", "budget", "onExpire", NULL};
  far_script *script = far_script_of(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 2);
  char origin[FAR_ORIGIN_BYTES];
  far_put_origin(L, origin);
  if (!far_manifest_allows_background(script->manifest, "task"))
    return far_push_failure(L, FARSIDE_DENIED,
                            "this script may not work in the background: its "
                            "manifest has background without \"task\"");
  far_exec request = {.origin = origin,
                      .function_ref = LUA_NOREF,
                      .on_expire_ref = LUA_NOREF,
                      .push = push_closure,
                      .push_expire = push_expire};
  if (!lua_isnil(L, 2)) {
    luaL_checktype(L, 2, LUA_TTABLE);
    far_check_fields(L, 2, "exec", options);
    request.name = check_name(L, 2);
    request.budget_ms = check_budget(L, 2);
    if (has_on_expire(L, 2))
      request.on_expire_ref = far_script_ref(script, L);
  }
  lua_pushvalue(L, 1);
  request.function_ref = far_script_ref(script, L);

  uint64_t id = 0;
  far_begin_change(script);
  farside_status status = far_job_begin(script, &request, &id);
  far_end_change(script);
  if (status == FARSIDE_OK) {
    lua_pushinteger(L, (lua_Integer)id);
    return 1;
  }
  luaL_unref(L, LUA_REGISTRYINDEX, request.function_ref);
  luaL_unref(L, LUA_REGISTRYINDEX, request.on_expire_ref);
  if (status == FARSIDE_LIMIT)
    return far_push_failure(
        L, status, "%s ends an app with more than %d open tasks: finish some",
        far_profile_name(script->host->profile),
        (int)far_policy_get(script->host->profile, FAR_EXEC_MAX_LIVE));
  return luaL_error(L, "%s", farside_status_text(status));
}

// What a script is told of a task. It may be told a lie, to see whether that
// makes a difference. While no budget runs, and when one is over, there is
// nothing to lie about.
static uint64_t remaining_ms(const farside_host *host, const far_task *task) {
  uint64_t ms = far_task_remaining_ms(task, far_host_now_ms(host));
  return host->remaining_ms == 0 || ms == FAR_NEVER || ms == 0
             ? ms
             : host->remaining_ms;
}

static void push_remaining(lua_State *L, uint64_t ms) {
  if (ms == FAR_NEVER)
    lua_pushnumber(L, HUGE_VAL);
  else
    lua_pushinteger(L, (lua_Integer)ms);
}

static void set_remaining(lua_State *L, const char *field, uint64_t ms) {
  push_remaining(L, ms);
  lua_setfield(L, -2, field);
}

// list() --> { { taskId=, name=, origin=, state=, ageMs=, remainingMs= }, … }
static int list(lua_State *L) {
  const far_script *script = far_script_of(L);
  uint64_t now_ms = far_host_now_ms(script->host);
  lua_newtable(L);
  lua_Integer count = 0;
  for (const far_task *task = script->host->tasks.first; task;
       task = task->next) {
    if (((const far_job *)(const void *)task)->script != script)
      continue;
    lua_createtable(L, 0, 6);
    lua_pushinteger(L, (lua_Integer)task->id);
    lua_setfield(L, -2, "taskId");
    lua_pushstring(L, task->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, task->origin);
    lua_setfield(L, -2, "origin");
    lua_pushstring(L, far_task_state_name(task->state));
    lua_setfield(L, -2, "state");
    lua_pushinteger(L, (lua_Integer)(now_ms - task->begun_ms));
    lua_setfield(L, -2, "ageMs");
    set_remaining(L, "remainingMs", remaining_ms(script->host, task));
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

// timeRemaining() --> milliseconds until the next open task is ended
static int time_remaining(lua_State *L) {
  const far_script *script = far_script_of(L);
  const far_task_table *tasks = &script->host->tasks;
  // With nothing open, the app may be put to sleep at any moment.
  uint64_t soonest_ms = tasks->is_running_out && !tasks->first ? 0 : FAR_NEVER;
  for (const far_task *task = tasks->first; task; task = task->next) {
    uint64_t left_ms = remaining_ms(script->host, task);
    soonest_ms = left_ms < soonest_ms ? left_ms : soonest_ms;
  }
  push_remaining(L, soonest_ms);
  return 1;
}

// -- The task object ----------------------------------------------------------

static bool is_task(lua_State *L, const far_script *script) {
  if (lua_type(L, 1) != LUA_TUSERDATA || !lua_getmetatable(L, 1))
    return false;
  bool is_it = lua_topointer(L, -1) == script->task_class_at;
  lua_pop(L, 1);
  return is_it;
}

static const task_object *check_task(lua_State *L, const far_script *script,
                                     const char *method) {
  if (!is_task(L, script))
    luaL_error(L, "write task:%s(…), with a colon", method);
  return lua_touserdata(L, 1);
}

// task:finish() --> true | nil, message, name
static int task_finish(lua_State *L) {
  far_script *script = far_script_of(L);
  return push_finished(L, script, check_task(L, script, "finish")->id, false);
}

// task:onExpire(fn) --> true | nil, message, name
static int task_on_expire(lua_State *L) {
  far_script *script = far_script_of(L);
  const task_object *object = check_task(L, script, "onExpire");
  luaL_checktype(L, 2, LUA_TFUNCTION);
  far_job *job;
  farside_status status = far_job_find(script, object->id, &job);
  if (status != FARSIDE_OK)
    return far_push_status(L, status);
  lua_pushvalue(L, 2);
  int ref = luaL_ref(L, LUA_REGISTRYINDEX);
  luaL_unref(L, LUA_REGISTRYINDEX, job->on_expire_ref);
  job->on_expire_ref = ref;
  far_begin_change(script);
  far_job_hear_warning(job);
  far_end_change(script);
  return far_push_status(L, FARSIDE_OK);
}

// task:remaining() --> milliseconds, math.huge in the foreground
static int task_remaining(lua_State *L) {
  const far_script *script = far_script_of(L);
  far_job *job;
  uint64_t id = check_task(L, script, "remaining")->id;
  push_remaining(L, far_job_find(script, id, &job) == FARSIDE_OK
                        ? remaining_ms(script->host, &job->task)
                        : 0);
  return 1;
}

// task.taskId, task.name, and the methods
static int task_index(lua_State *L) {
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL)
    return 1;
  const task_object *object = luaL_checkudata(L, 1, task_class);
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "taskId") == 0)
    lua_pushinteger(L, (lua_Integer)object->id);
  else if (strcmp(key, "name") == 0)
    lua_getiuservalue(L, 1, 1);
  return 1;
}

static int task_to_string(lua_State *L) {
  const task_object *object = luaL_checkudata(L, 1, task_class);
  lua_getiuservalue(L, 1, 1);
  const char *name = lua_tostring(L, -1);
  lua_pushfstring(L, "task %I%s%s", (LUAI_UACINT)object->id, name ? " " : "",
                  name ? name : "");
  return 1;
}

static const luaL_Reg task_functions[] = {
    {"finish", task_finish},
    {"onExpire", task_on_expire},
    {"remaining", task_remaining},
    {"__tostring", task_to_string},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"exec", exec}, {"finish", finish},
    {"list", list}, {"timeRemaining", time_remaining},
    {NULL, NULL},
};

void far_push_background_task(lua_State *L, int box) {
  far_open_work_run(L, box);
  far_push_class(L, box, task_class, task_functions);
  lua_pushvalue(L, box);
  lua_getfield(L, -2, "__index");
  lua_pushcclosure(L, task_index, 2);
  lua_setfield(L, -2, "__index");
  far_script *script = far_script_of_box(L, box);
  script->task_class_at = lua_topointer(L, -1);
  script->task_class = luaL_ref(L, LUA_REGISTRYINDEX);
  far_push_functions(L, box, functions, 12);
  far_set_work(L, box);
  far_set_alias(L, "beforeExit", "exec"); // Capacitor's other name.
}
