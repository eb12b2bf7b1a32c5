// What a script knows of itself and of its neighbours, and what it tells them.

#include "bindings.h"

#include "../host/scripts.h"
#include <math.h>
#include <stdlib.h>

static int push_not_sent(lua_State *L, const far_script *script, const char *to,
                         farside_status status) {
  const far_script *target = far_scripts_find(script->host, to);
  switch (status) {
  case FARSIDE_NOSCRIPT:
    return far_push_failure(L, status, "there is no script '%s'", to);
  case FARSIDE_LIMIT:
    if (target == NULL)
      return far_push_failure(L, status, "too much waits for the host already");
    if (target->messages < far_scripts_room(target))
      return far_push_failure(L, status, "'%s' has no memory for it", to);
    return far_push_failure(L, status, "%llu messages wait for '%s' already%s",
                            (unsigned long long)target->messages, to,
                            far_hooks.is_listening(target, FAR_EVENT_MESSAGE)
                                ? ""
                                : ", which does not listen");
  case FARSIDE_UNSUPPORTED:
    return far_push_failure(L, status, "the host listens to no messages");
  default:
    return far_push_status(L, status);
  }
}

// postMessage(to, value) --> true | nil, message, name
static int post_message(lua_State *L) {
  far_script *script = far_script_of(L);
  const char *to = luaL_checkstring(L, 1);
  luaL_checkany(L, 2);
  const char *problem;
  farside_status status = FARSIDE_OK;
  luaL_checkstack(L, FAR_JSON_SLOTS, NULL);
  far_begin_change(script);
  char *json = far_to_json(script, L, 2, &problem);
  if (json != NULL)
    status = far_scripts_send(script->host, script->name, to, json);
  free(json);
  far_end_change(script);
  if (problem == far_json_too_large)
    return far_push_failure(L, FARSIDE_LIMIT,
                            "the message is larger than 1 MiB");
  if (problem != NULL) {
    if (script->host->watch.is_killed)
      far_watch_stop(&script->host->watch, L);
    return luaL_error(L, "postMessage: %s", problem);
  }
  return status == FARSIDE_OK ? far_push_status(L, status)
                              : push_not_sent(L, script, to, status);
}

// scripts() --> { name, … }
static int scripts(lua_State *L) {
  const far_list *all = &far_script_of(L)->host->scripts;
  lua_Integer count = 0;
  lua_newtable(L);
  for (const far_list *link = all->next; link != all; link = link->next) {
    lua_pushstring(L, far_list_item(link, far_script, link)->name);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

static void set_limit(lua_State *L, const char *field, uint64_t limit) {
  if (limit == FARSIDE_NO_LIMIT)
    lua_pushnumber(L, HUGE_VAL);
  else
    lua_pushinteger(L, (lua_Integer)limit);
  lua_setfield(L, -2, field);
}

static void set_used(lua_State *L, const char *field, uint64_t used) {
  lua_pushinteger(L, (lua_Integer)used);
  lua_setfield(L, -2, field);
}

// usage() --> { memoryBytes=, memoryPeakBytes=, memoryLimitBytes=, cpuMs=,
// turnLimitMs=, taskLimitMs=, messages=, messageLimit= }
static int usage(lua_State *L) {
  const far_script *script = far_script_of(L);
  const farside_limits *limits = &script->limits;
  far_arena_usage memory = {0};
  if (script->arena != NULL)
    far_arena_get_usage(script->arena, &memory);
  else
    memory.used_bytes = (size_t)lua_gc(L, LUA_GCCOUNT) * 1024;
  lua_createtable(L, 0, 8);
  set_used(L, "memoryBytes", memory.used_bytes);
  set_used(L, "memoryPeakBytes", memory.peak_bytes);
  set_limit(L, "memoryLimitBytes", limits->memory_bytes);
  set_used(L, "cpuMs", script->cpu_ns / 1000000);
  set_limit(L, "turnLimitMs", limits->turn_ms);
  set_limit(L, "taskLimitMs", limits->cpu_ms);
  set_used(L, "messages", script->messages);
  set_limit(L, "messageLimit", limits->messages);
  return 1;
}

// openStore([path]) --> true | nil, message, name
static int open_store(lua_State *L) {
  far_script *script = far_script_of(L);
  const char *path = luaL_optstring(L, 1, NULL);
  if (!script->is_borrowed)
    return far_push_failure(L, FARSIDE_DENIED,
                            "a hosted script has the store that its host has "
                            "opened: farside run --store FILE");
  farside_status status = farside_open_store(script->host, path);
  if (status != FARSIDE_OK)
    return far_push_failure(L, status, "%s", farside_error(script->host));
  return far_push_status(L, status);
}

static const luaL_Reg functions[] = {
    {"postMessage", post_message},
    {"openStore", open_store},
    {"scripts", scripts},
    {"usage", usage},
    {NULL, NULL},
};

void far_set_script(lua_State *L, int box) {
  far_set_functions(L, box, functions);
  lua_pushstring(L, far_script_of_box(L, box)->name);
  lua_setfield(L, -2, "name");
}
