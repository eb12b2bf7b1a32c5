// watch: hears of every change of some work, once it is in the store.

#include "work.h"

#include <string.h>

static const char watch_class[] = "farside.watch";

typedef struct watch {
  far_owned owned;
  far_watcher watcher;
  far_waiter waiter; // In the queue's list while changes wait for the commit.
  far_turn turn;
  far_script *script;
  uint64_t id;
  int function_ref;
  int64_t only_id; // Zero: any.
  int state;
  char *kind, *unique, *group, *tag; // NULL: any.
  // Units that have changed. Those before `first` were told already, those from
  // `kept` on are in a batch that is not committed yet.
  int64_t *pending;
  size_t first, kept, count, capacity;
  bool has_missed; // There was no memory to remember them all.
  bool is_over;
} watch;

static void watch_free(watch *mine) {
  far_memory *memory = &mine->script->host->memory;
  mine->script->watches_count--;
  far_script_free(mine->script, mine->pending,
                  mine->capacity * sizeof *mine->pending);
  far_string_free(memory, mine->kind);
  far_string_free(memory, mine->unique);
  far_string_free(memory, mine->group);
  far_string_free(memory, mine->tag);
  far_script_free(mine->script, mine, sizeof *mine);
}

static void watch_end(watch *mine) {
  far_script *script = mine->script;
  if (mine->is_over)
    return;
  mine->is_over = true;
  far_slots_remove(&script->waits, mine->id, 0);
  far_owned_leave(&mine->owned);
  far_list_leave(&mine->watcher.link);
  far_list_leave(&mine->waiter.link);
  far_turn_cancel(&mine->turn);
  far_script_unref(script, &mine->function_ref);
  if (script->running != &mine->turn)
    watch_free(mine);
}

static void cancelled(far_owned *owned) {
  watch_end(far_list_item(owned, watch, owned));
}

// -- Changes ------------------------------------------------------------------

static bool is_same(const char *wanted, const char *text) {
  return wanted == NULL || (text != NULL && strcmp(wanted, text) == 0);
}

static bool has_tag(const char *tags, const char *wanted) {
  size_t bytes = wanted ? strlen(wanted) : 0;
  for (const char *end; tags && (end = strchr(tags, '\n')); tags = end + 1)
    if ((size_t)(end - tags) == bytes && memcmp(tags, wanted, bytes) == 0)
      return true;
  return wanted == NULL;
}

static bool is_meant(const watch *mine, const far_work *work) {
  return strcmp(work->script, mine->script->name) == 0 &&
         (mine->only_id == 0 || mine->only_id == work->id) &&
         (mine->state < 0 || mine->state == (int)work->state) &&
         is_same(mine->kind, work->kind) &&
         is_same(mine->unique, work->unique) &&
         is_same(mine->group, work->group) && has_tag(work->tags, mine->tag);
}

// Told as it is then. Only the newest are looked at: to be told twice does no
// harm.
static bool is_pending(const watch *mine, int64_t id) {
  size_t waiting = mine->count - mine->first;
  size_t newest = waiting < 64 ? waiting : 64;
  for (size_t i = mine->count - newest; i < mine->count; i++)
    if (mine->pending[i] == id)
      return true;
  return false;
}

// Room for one more, at the script's expense.
static bool make_room(watch *mine) {
  if (mine->count < mine->capacity)
    return true;
  size_t waiting = mine->count - mine->first;
  size_t capacity = waiting * 2 > 16 ? waiting * 2 : 16;
  int64_t *pending =
      far_script_new(mine->script, capacity * sizeof *mine->pending);
  if (pending == NULL)
    return false;
  for (size_t i = 0; i < waiting; i++)
    pending[i] = mine->pending[mine->first + i];
  far_script_free(mine->script, mine->pending,
                  mine->capacity * sizeof *mine->pending);
  mine->pending = pending;
  mine->kept -= mine->first;
  mine->first = 0;
  mine->count = waiting;
  mine->capacity = capacity;
  return true;
}

static void changed(far_watcher *watcher, const far_work *work) {
  watch *mine = far_list_item(watcher, watch, watcher);
  if (!is_meant(mine, work))
    return;
  if (!is_pending(mine, work->id)) {
    if (!make_room(mine)) {
      mine->has_missed = true;
      return;
    }
    mine->pending[mine->count++] = work->id;
  }
  if (!far_list_is_in(&mine->waiter.link))
    far_batch_wait(mine->script->host, &mine->waiter);
}

static void tell_missed(watch *mine) {
  if (!mine->has_missed)
    return;
  mine->has_missed = false;
  far_host_note(mine->script->host, FAR_WHAT_LOG, FARSIDE_WARN, mine->script,
                NULL, "a watch has missed changes: there was no memory left");
}

static bool has_news(const watch *mine) {
  return mine->first < mine->kept;
}

static void committed(far_waiter *waiter, farside_status status,
                      const char *error) {
  watch *mine = far_list_item(waiter, watch, waiter);
  (void)error;
  tell_missed(mine);
  if (status == FARSIDE_OK)
    mine->kept = mine->count;
  else
    mine->count = mine->kept; // It has not happened.
  if (has_news(mine) && !far_list_is_in(&mine->turn.link) &&
      mine->script->running != &mine->turn)
    far_turn_queue(&mine->turn);
}

static int64_t take(watch *mine) {
  int64_t id = mine->pending[mine->first++];
  if (mine->first == mine->count)
    mine->first = mine->kept = mine->count = 0;
  return id;
}

static int push_change(far_turn *turn, lua_State *L) {
  watch *mine = far_list_item(turn, watch, turn);
  far_script *script = mine->script;
  while (has_news(mine)) {
    far_begin_change(script);
    int64_t id = take(mine);
    far_batch_before_showing(&script->host->queue, id);
    farside_status status = far_queue_show(script->host, script->name, id);
    far_end_change(script);
    if (status != FARSIDE_OK)
      continue; // Pruned since.
    lua_rawgeti(L, LUA_REGISTRYINDEX, mine->function_ref);
    const far_work *work = far_push_shown(L, script->host);
    far_push_work(L, work);
    lua_remove(L, -2);
    return 1;
  }
  return FAR_TURN_NOTHING;
}

static void turn_ended(far_turn *turn, far_turn_end how) {
  watch *mine = far_list_item(turn, watch, turn);
  if (mine->is_over)
    watch_free(mine);
  else if (how != FAR_TURN_DROPPED && has_news(mine))
    far_turn_queue(turn);
}

// -- From Lua -----------------------------------------------------------------

static watch *watch_new(far_script *script, const far_find *find) {
  far_memory *memory = &script->host->memory;
  watch *fresh = far_script_new(script, sizeof *fresh);
  if (fresh == NULL)
    return NULL;
  script->watches_count++;
  fresh->script = script;
  fresh->function_ref = LUA_NOREF;
  fresh->only_id = find->id;
  fresh->state = find->state;
  fresh->kind = far_string_new(memory, find->kind);
  fresh->unique = far_string_new(memory, find->unique);
  fresh->group = far_string_new(memory, find->group);
  fresh->tag = far_string_new(memory, find->tag);
  bool has_all = (!find->kind || fresh->kind) &&
                 (!find->unique || fresh->unique) &&
                 (!find->group || fresh->group) && (!find->tag || fresh->tag);
  if (has_all)
    fresh->id = far_slots_add(&script->waits, &fresh->owned);
  if (fresh->id != 0)
    return fresh;
  watch_free(fresh);
  return NULL;
}

static void watch_begin(watch *mine, int function_ref) {
  far_script *script = mine->script;
  mine->function_ref = function_ref;
  mine->watcher.changed = changed;
  mine->waiter.done = committed;
  mine->turn =
      (far_turn){.script = script, .push = push_change, .end = turn_ended};
  // It is the script's own, whichever task was at work.
  mine->owned = (far_owned){.what = "watch",
                            .is_passive = true,
                            .cancel = cancelled,
                            .script = script};
  far_list_append(&script->owned, &mine->owned.link);
  far_list_append(&script->host->queue.watchers, &mine->watcher.link);
}

// watch([filter,] fn) --> handle
static int watch_work(lua_State *L) {
  static const char *const fields[] = {"id",    "state", "kind", "unique",
                                       "group", "tag",   NULL};
  far_script *script = far_script_of(L);
  far_find find = {.state = -1};
  if (lua_isfunction(L, 1)) {
    lua_pushnil(L);
    lua_insert(L, 1);
  }
  lua_settop(L, 2);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  if (!lua_isnil(L, 1)) {
    luaL_checktype(L, 1, LUA_TTABLE);
    far_check_fields(L, 1, "watch", fields);
    far_check_filter(L, 1, "watch", &find);
    if (lua_getfield(L, 1, "id") != LUA_TNIL)
      find.id = far_check_id(L, -1, "watch: id");
  }
  if (script->watches_count == FAR_WATCHES_MAX)
    return luaL_error(L,
                      "watch: there are %d watches already: that is as many as "
                      "a script may have",
                      (int)FAR_WATCHES_MAX);
  uint64_t *handle = lua_newuserdatauv(L, sizeof *handle, 0);
  *handle = 0;
  luaL_setmetatable(L, watch_class);
  lua_pushvalue(L, 2);
  int function_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  far_begin_change(script);
  watch *fresh = watch_new(script, &find);
  if (fresh != NULL) {
    watch_begin(fresh, function_ref);
    *handle = fresh->id;
  }
  far_end_change(script);
  if (fresh == NULL) {
    luaL_unref(L, LUA_REGISTRYINDEX, function_ref);
    return luaL_error(L, "not enough memory");
  }
  return 1;
}

// handle:remove(): harmless when it was removed already
static int watch_remove(lua_State *L) {
  far_script *script = far_script_of(L);
  uint64_t *handle = luaL_testudata(L, 1, watch_class);
  if (handle == NULL)
    return luaL_error(L, "write handle:remove(), with a colon");
  far_owned *owned = far_slots_get(&script->waits, *handle);
  if (owned != NULL && owned->cancel == cancelled) {
    far_begin_change(script);
    cancelled(owned);
    far_end_change(script);
  }
  return 0;
}

static const luaL_Reg methods[] = {
    {"remove", watch_remove}, {"__close", watch_remove}, {NULL, NULL}};

void far_set_watch(lua_State *L, int box) {
  far_push_class(L, box, watch_class, methods);
  lua_pop(L, 1);
  far_push_function(L, box, watch_work);
  lua_setfield(L, -2, "watch");
}
