// Units of work and their runs, as tables.

#include "work.h"

#include <stdio.h>
#include <string.h>

// -- Copies -------------------------------------------------------------------

static char **string_of(far_work *work, size_t index) {
  char **const strings[] = {&work->script, &work->kind,       &work->input,
                            &work->unique, &work->group,      &work->tags,
                            &work->cron,   &work->zone,       &work->why,
                            &work->output, &work->checkpoint, &work->progress};
  return index < sizeof strings / sizeof *strings ? strings[index] : NULL;
}

const far_work *far_push_shown(lua_State *L, farside_host *host) {
  far_queue *queue = &host->queue;
  uint64_t count = queue->shown_count;
  size_t bytes = sizeof(far_work);
  char **string;
  for (size_t i = 0; (string = string_of(&queue->shown, i)); i++)
    bytes += *string ? strlen(*string) + 1 : 0;
  far_work *copy = lua_newuserdatauv(L, bytes, 0);
  if (queue->shown_count != count)
    luaL_error(L, "a finalizer asked for work in the middle of a question");
  *copy = queue->shown;
  char *end = (char *)(copy + 1);
  for (size_t i = 0; (string = string_of(copy, i)); i++) {
    if (*string == NULL)
      continue;
    size_t length = strlen(*string) + 1;
    *string = memcpy(end, *string, length);
    end += length;
  }
  return copy;
}

// -- Tables -------------------------------------------------------------------

static void set_string(lua_State *L, const char *field, const char *text) {
  if (text == NULL)
    return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, field);
}

static void set_integer(lua_State *L, const char *field, int64_t number) {
  lua_pushinteger(L, (lua_Integer)number);
  lua_setfield(L, -2, field);
}

// Zero means that there is none.
static void set_time(lua_State *L, const char *field, int64_t ms) {
  if (ms != 0)
    set_integer(L, field, ms);
}

static void set_json(lua_State *L, const char *field, const char *json) {
  if (json == NULL)
    return;
  far_push_json(L, json);
  lua_setfield(L, -2, field);
}

static void set_tags(lua_State *L, const char *tags) {
  lua_newtable(L);
  lua_Integer count = 0;
  for (const char *end; tags && (end = strchr(tags, '\n')); tags = end + 1) {
    lua_pushlstring(L, tags, (size_t)(end - tags));
    lua_rawseti(L, -2, ++count);
  }
  lua_setfield(L, -2, "tags");
}

static void set_needs(lua_State *L, unsigned needs) {
  lua_newtable(L);
  if (needs & FAR_NEEDS_UNMETERED)
    set_string(L, "network", "unmetered");
  else if (needs & FAR_NEEDS_NETWORK)
    set_string(L, "network", "connected");
  static const struct {
    unsigned bit;
    const char *field;
  } flags[] = {{FAR_NEEDS_CHARGING, "charging"},
               {FAR_NEEDS_BATTERY_OK, "batteryOk"},
               {FAR_NEEDS_STORAGE_OK, "storageOk"},
               {FAR_NEEDS_IDLE, "idle"}};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    lua_pushboolean(L, (needs & flags[i].bit) != 0);
    lua_setfield(L, -2, flags[i].field);
  }
  lua_setfield(L, -2, "needs");
}

static void set_period(lua_State *L, const far_work *work) {
  if (!far_work_is_periodic(work))
    return;
  lua_newtable(L);
  if (work->cron != NULL) {
    set_string(L, "cron", work->cron);
    set_string(L, "zone", work->zone);
  } else {
    set_integer(L, "everyMs", work->every_ms);
    set_integer(L, "flexMs", work->flex_ms);
  }
  set_string(L, "missed", far_missed_name(work->missed));
  set_integer(L, "slotMs", work->slot_ms);
  set_integer(L, "slotsMissed", work->slots_missed);
  lua_setfield(L, -2, "periodic");
}

void far_push_work(lua_State *L, const far_work *work) {
  lua_createtable(L, 0, 28);
  set_integer(L, "id", work->id);
  set_string(L, "kind", work->kind);
  set_string(L, "state", far_work_state_name(work->state));
  if (work->reason != FAR_REASON_NONE)
    set_string(L, "reason", far_reason_name(work->reason));
  set_string(L, "why", work->why);
  set_string(L, "unique", work->unique);
  set_string(L, "group", work->group);
  set_integer(L, "priority", work->priority);
  set_string(L, "expedited",
             work->expedite == FAR_EXPEDITE_NO
                 ? NULL
                 : far_expedite_name(work->expedite));
  set_tags(L, work->tags);
  set_needs(L, work->needs);
  set_period(L, work);
  set_integer(L, "attempts", work->attempts);
  set_integer(L, "crashes", work->crashes);
  set_integer(L, "stops", work->stops);
  set_integer(L, "runs", work->runs);
  set_integer(L, "generation", work->generation);
  set_time(L, "enqueuedAtMs", work->enqueued_ms);
  set_time(L, "deadlineMs", work->deadline_ms);
  set_time(L, "sinceMs", work->since_ms);
  if (work->state == FAR_WORK_ENQUEUED)
    set_time(L, "runAtMs", work->run_at_ms);
  if (work->state == FAR_WORK_BLOCKED)
    set_integer(L, "parentsOpen", work->parents);
  set_json(L, "input", work->input);
  set_json(L, "checkpoint", work->checkpoint);
  set_json(L, "progress", work->progress);
  set_json(L, "output", work->output);
}

void far_push_history(lua_State *L, const far_run *run) {
  lua_createtable(L, 0, 6);
  set_integer(L, "attempt", run->attempt);
  set_string(L, "outcome",
             run->end == FAR_RUN_OPEN ? "running" : far_run_end_name(run->end));
  set_string(L, "why", run->why);
  set_integer(L, "begunAtMs", run->begun_ms);
  set_time(L, "endedAtMs", run->ended_ms);
  set_time(L, "slotMs", run->slot_ms);
}

void far_push_obstacles(lua_State *L, farside_host *host,
                        const far_work *work) {
  far_obstacle obstacles[FAR_OBSTACLES_MAX];
  size_t count = far_queue_explain(host, work, obstacles);
  far_moment now = far_queue_moment(host);
  char text[256];
  luaL_Buffer all;
  lua_createtable(L, (int)count, 1);
  for (size_t i = 0; i < count; i++) {
    far_obstacle_print(&obstacles[i], work, &now, text, sizeof text);
    lua_createtable(L, 0, 5);
    set_string(L, "what", far_obstacle_name(obstacles[i].kind));
    if (obstacles[i].kind == FAR_OBSTACLE_NEED)
      set_string(L, "need", far_need_name(obstacles[i].need));
    set_string(L, "text", text);
    set_time(L, "sinceMs", obstacles[i].since_ms);
    set_time(L, "untilMs", obstacles[i].until_ms);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  luaL_buffinit(L, &all);
  for (size_t i = 0; i < count; i++) {
    far_obstacle_print(&obstacles[i], work, &now, text, sizeof text);
    luaL_addstring(&all, i ? "; " : "");
    luaL_addstring(&all, text);
  }
  if (count == 0)
    luaL_addstring(&all, work->state == FAR_WORK_RUNNING
                             ? "it runs"
                             : "nothing stands in its way");
  luaL_pushresult(&all);
  lua_setfield(L, -2, "text");
}

// What could not be had, and what there is in its place.
static void set_effective(lua_State *L, const far_receipt *receipt) {
  lua_newtable(L);
  if (receipt->clamps & FAR_CLAMP_EVERY)
    set_integer(L, "everyMs", receipt->every_ms);
  if (receipt->clamps & FAR_CLAMP_FLEX)
    set_integer(L, "flexMs", receipt->flex_ms);
  if (receipt->clamps & FAR_CLAMP_TIMEOUT)
    set_integer(L, "timeoutMs", receipt->rules.timeout_ms);
  if (receipt->clamps & FAR_CLAMP_BACKOFF) {
    set_integer(L, "retryBaseMs", receipt->rules.retry_base_ms);
    set_integer(L, "retryCapMs", receipt->rules.retry_cap_ms);
  }
  if (receipt->clamps & FAR_CLAMP_EXPEDITE) {
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "expedited");
  }
  lua_setfield(L, -2, "effective");
}

void far_push_receipt(lua_State *L, const far_receipt *receipt) {
  lua_createtable(L, 0, 4);
  set_string(L, "state", far_work_state_name(receipt->state));
  lua_pushboolean(L, receipt->was_there);
  lua_setfield(L, -2, "existing");
  if (receipt->state == FAR_WORK_ENQUEUED)
    set_time(L, "runAtMs", receipt->run_at_ms);
  set_effective(L, receipt);
}
