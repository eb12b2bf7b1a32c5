// Plugins of the embedder's: Plugins.NAME, with its methods and its events.

#include "wait.h"

#include "../host/manifest.h"
#include "../host/plugin.h"
#include "listeners.h"
#include <stdlib.h>
#include <string.h>

// -- What comes of it ---------------------------------------------------------

static int push_answer(lua_State *L, const far_event *answer) {
  if (answer->flag) {
    luaL_pushfail(L);
    lua_pushstring(L, answer->text);
    lua_pushstring(L, answer->detail);
    return 3;
  }
  far_push_json(L, answer->text);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushboolean(L, 1); // Nothing is no failure.
  }
  return 1;
}

// -- In a coroutine -----------------------------------------------------------

typedef struct call_wait {
  far_wait wait; // First.
  far_call call;
  far_event *answer;
} call_wait;

static call_wait *wait_of(far_wait *wait) {
  return (call_wait *)(void *)wait;
}

static int wait_push(far_wait *wait, lua_State *L) {
  return push_answer(L, wait_of(wait)->answer);
}

static void wait_stop(far_wait *wait) {
  far_call_end(wait->turn.script->host, &wait_of(wait)->call);
}

static void wait_deinit(far_wait *wait) {
  far_event_release(wait_of(wait)->answer);
}

static const far_wait_kind wait_kind = {
    .what = "call of a plugin",
    .refusal = "only a coroutine can wait for a plugin: call it in a task, a "
               "timer or a listener, or give it a function as last argument",
    .bytes = sizeof(call_wait),
    .push = wait_push,
    .stop = wait_stop,
    .deinit = wait_deinit};

static void wait_answered(far_call *call, far_event *answer) {
  call_wait *mine = far_list_item(call, call_wait, call);
  mine->answer = far_event_retain(answer);
  far_wait_end(&mine->wait, NULL);
}

// -- With a function ----------------------------------------------------------

typedef struct callback {
  far_owned owned;
  far_turn turn;
  far_call call;
  far_event *answer;
  int function_ref;
  bool is_over;
} callback;

static void callback_free(callback *mine) {
  far_event_release(mine->answer);
  far_script_free(mine->turn.script, mine, sizeof *mine);
}

static void callback_leave(callback *mine) {
  far_script *script = mine->turn.script;
  if (mine->is_over)
    return;
  mine->is_over = true;
  far_owned_leave(&mine->owned);
  far_call_end(script->host, &mine->call);
  far_script_unref(script, &mine->function_ref);
}

static void callback_cancelled(far_owned *owned) {
  callback *mine = far_list_item(owned, callback, owned);
  callback_leave(mine);
  far_turn_cancel(&mine->turn);
  if (mine->turn.script->running != &mine->turn)
    callback_free(mine);
}

static int callback_push(far_turn *turn, lua_State *L) {
  callback *mine = far_list_item(turn, callback, turn);
  lua_rawgeti(L, LUA_REGISTRYINDEX, mine->function_ref);
  int count = push_answer(L, mine->answer);
  far_begin_change(turn->script);
  callback_leave(mine);
  far_end_change(turn->script);
  return count;
}

static void callback_ended(far_turn *turn, far_turn_end how) {
  callback *mine = far_list_item(turn, callback, turn);
  (void)how;
  callback_leave(mine);
  if (turn->job != NULL)
    far_job_suspect(turn->job);
  callback_free(mine);
}

static void callback_answered(far_call *call, far_event *answer) {
  callback *mine = far_list_item(call, callback, call);
  mine->answer = far_event_retain(answer);
  mine->turn.job = mine->owned.job;
  far_turn_queue(&mine->turn);
}

static callback *callback_begin(far_script *script, int function_ref) {
  callback *fresh = far_script_new(script, sizeof *fresh);
  if (fresh == NULL)
    return NULL;
  fresh->function_ref = function_ref;
  fresh->turn = (far_turn){
      .script = script, .push = callback_push, .end = callback_ended};
  fresh->owned =
      (far_owned){.what = "call of a plugin", .cancel = callback_cancelled};
  far_script_own(script, &fresh->owned);
  return fresh;
}

// -- Calling ------------------------------------------------------------------

typedef struct order {
  const farside_plugin *plugin;
  const farside_method *method;
  int co_ref, function_ref;
  far_wait *wait;
  const char *problem;
  farside_status status;
} order;

static farside_status begin_wait(far_script *script, lua_State *L, order *mine,
                                 const char *json) {
  mine->wait = far_wait_begin(script, L, mine->co_ref, &wait_kind);
  if (mine->wait == NULL)
    return FARSIDE_NOMEM;
  far_call *call = &wait_of(mine->wait)->call;
  *call = (far_call){.plugin = mine->plugin,
                     .method = mine->method,
                     .answered = wait_answered};
  farside_status status =
      far_call_begin(script->host, call, script->name, json);
  if (status != FARSIDE_OK)
    far_wait_abandon(mine->wait);
  return status;
}

static farside_status begin_callback(far_script *script, const order *mine,
                                     const char *json) {
  callback *fresh = callback_begin(script, mine->function_ref);
  if (fresh == NULL)
    return FARSIDE_NOMEM;
  fresh->call = (far_call){.plugin = mine->plugin,
                           .method = mine->method,
                           .answered = callback_answered};
  farside_status status =
      far_call_begin(script->host, &fresh->call, script->name, json);
  if (status == FARSIDE_OK)
    return status;
  fresh->function_ref = LUA_NOREF; // Still the caller's.
  callback_cancelled(&fresh->owned);
  return status;
}

// The value is at 1.
static void begin(lua_State *L, far_script *script, order *mine) {
  char *json = far_to_json(script, L, 1, &mine->problem);
  if (json == NULL)
    return;
  mine->status = mine->function_ref != LUA_NOREF
                     ? begin_callback(script, mine, json)
                     : begin_wait(script, L, mine, json);
  free(json);
}

static int push_problem(lua_State *L, const far_script *script,
                        const order *mine) {
  if (mine->problem == far_json_too_large)
    return far_push_failure(L, FARSIDE_LIMIT,
                            "what is given to %s.%s is larger than 1 MiB",
                            mine->plugin->name, mine->method->name);
  if (script->host->watch.is_killed)
    far_watch_stop(&script->host->watch, L);
  return luaL_error(L, "%s.%s: %s", mine->plugin->name, mine->method->name,
                    mine->problem);
}

static int push_not_begun(lua_State *L, const order *mine) {
  if (mine->status == FARSIDE_LIMIT)
    return far_push_failure(L, mine->status,
                            "too much waits for the host already");
  return far_push_status(L, mine->status);
}

// Plugins.NAME.METHOD([value [, fn]]) --> value | nil, message, name
static int call(lua_State *L) {
  far_script *script = far_script_of(L);
  order mine = {.plugin = lua_touserdata(L, lua_upvalueindex(2)),
                .method = lua_touserdata(L, lua_upvalueindex(3)),
                .co_ref = LUA_NOREF,
                .function_ref = LUA_NOREF};
  if (lua_isfunction(L, 1) && lua_isnoneornil(L, 2)) {
    lua_settop(L, 1);
    lua_pushnil(L);
    lua_insert(L, 1);
  }
  lua_settop(L, 2);
  bool is_callback = !lua_isnil(L, 2);
  if (is_callback)
    luaL_checktype(L, 2, LUA_TFUNCTION);
  luaL_checkstack(L, FAR_JSON_SLOTS, NULL);
  if (is_callback)
    mine.function_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  else
    mine.co_ref = far_wait_prepare(L, &wait_kind);
  far_begin_change(script);
  begin(L, script, &mine);
  far_end_change(script);
  if (mine.problem == NULL && mine.status == FARSIDE_OK)
    return is_callback ? far_push_status(L, FARSIDE_OK)
                       : far_wait_yield(L, mine.wait, mine.co_ref);
  luaL_unref(L, LUA_REGISTRYINDEX, mine.function_ref);
  luaL_unref(L, LUA_REGISTRYINDEX, mine.co_ref);
  return mine.problem != NULL ? push_problem(L, script, &mine)
                              : push_not_begun(L, &mine);
}

// -- Events -------------------------------------------------------------------

// "Score.changed"; for no event "Score."
static void read_topic(lua_State *L, const char *event, char *topic) {
  const farside_plugin *plugin = lua_touserdata(L, lua_upvalueindex(2));
  if (strlen(plugin->name) + strlen(event) + 2 > FAR_TOPIC_BYTES)
    luaL_error(L, "there is no event with so long a name");
  lua_pushfstring(L, "%s.%s", plugin->name, event);
  memcpy(topic, lua_tostring(L, -1), (size_t)lua_rawlen(L, -1) + 1);
  lua_pop(L, 1);
}

static int add(lua_State *L, bool is_once) {
  char topic[FAR_TOPIC_BYTES];
  if (lua_type(L, 1) == LUA_TTABLE)
    luaL_error(L, "write addListener(event, fn) with a dot, not a colon");
  read_topic(L, luaL_checkstring(L, 1), topic);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  return far_push_listener(L, FAR_EVENT_NOTICE, topic, is_once);
}

// Plugins.NAME.addListener(event, fn) --> handle
static int add_listener(lua_State *L) {
  return add(L, false);
}

// Plugins.NAME.once(event, fn) --> handle
static int once(lua_State *L) {
  return add(L, true);
}

// Plugins.NAME.removeAllListeners([event])
static int remove_all_listeners(lua_State *L) {
  far_script *script = far_script_of(L);
  char topic[FAR_TOPIC_BYTES];
  read_topic(L, luaL_optstring(L, 1, ""), topic);
  far_begin_change(script);
  far_listener_remove_all(script, FAR_EVENT_NOTICE, topic);
  far_end_change(script);
  return 0;
}

static void push_with_plugin(lua_State *L, int box, const void *plugin,
                             const void *method, lua_CFunction function) {
  lua_pushvalue(L, box);
  lua_pushlightuserdata(L, (void *)plugin);
  lua_pushlightuserdata(L, (void *)method);
  lua_pushcclosure(L, function, 3);
}

static void push_plugin(lua_State *L, int box, const farside_plugin *plugin) {
  static const luaL_Reg functions[] = {
      {"addListener", add_listener},
      {"addEventListener", add_listener},
      {"once", once},
      {"removeAllListeners", remove_all_listeners}};
  lua_newtable(L);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    push_with_plugin(L, box, plugin, NULL, functions[i].func);
    lua_setfield(L, -2, functions[i].name);
  }
  const farside_method *method = plugin->methods;
  for (; method != NULL && method->name != NULL; method++) {
    push_with_plugin(L, box, plugin, method, call);
    lua_setfield(L, -2, method->name);
  }
}

void far_set_plugins(lua_State *L, int box) {
  const far_script *script = far_script_of_box(L, box);
  const farside_plugin *plugin = script->host->plugins.all;
  for (; plugin != NULL && plugin->name != NULL; plugin++) {
    if (script->manifest != NULL &&
        !far_manifest_allows_module(script->manifest, plugin->name))
      continue;
    push_plugin(L, box, plugin);
    lua_setfield(L, -2, plugin->name);
  }
}
