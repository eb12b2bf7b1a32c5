// enqueue and periodic: what a script asks for, and what it is told.

#include "work.h"

#include "../host/cron.h"
#include "fields.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t keep_default_ms = INT64_C(7) * 24 * 60 * 60 * 1000;

// -- Options ------------------------------------------------------------------

static const char *missed_at(int i) {
  return i < FAR_MISSEDS ? far_missed_name((far_missed)i) : NULL;
}

static const char *parent_fail_at(int i) {
  return i < FAR_PARENT_FAILS ? far_parent_fail_name((far_parent_fail)i) : NULL;
}

static const char *existing_at(int i) {
  return i < FAR_EXISTINGS ? far_existing_name((far_existing)i) : NULL;
}

static const char *periodic_existing_at(int i) {
  return i <= FAR_EXISTING_UPDATE ? existing_at(i) : NULL;
}

static const char *network_at(int i) {
  static const char *const names[] = {"none", "connected", "unmetered"};
  return i < 3 ? names[i] : NULL;
}

// The other two ways in which expedited may be said.
static far_expedite check_expedited(lua_State *L, int table,
                                    const char *function) {
  int type = lua_getfield(L, table, "expedited");
  if (type == LUA_TNIL || (type == LUA_TBOOLEAN && !lua_toboolean(L, -1)))
    return FAR_EXPEDITE_NO;
  if (type == LUA_TBOOLEAN)
    return FAR_EXPEDITE_OR_NORMAL;
  const char *text = type == LUA_TSTRING ? lua_tostring(L, -1) : "";
  if (strcmp(text, "or_normal") == 0)
    return FAR_EXPEDITE_OR_NORMAL;
  if (strcmp(text, "or_drop") == 0)
    return FAR_EXPEDITE_OR_DROP;
  luaL_error(L, "%s: expedited must be \"or_normal\" or \"or_drop\"", function);
  return FAR_EXPEDITE_NO;
}

static unsigned check_needs(lua_State *L, int table, const char *function) {
  static const char *const fields[] = {"network",   "charging", "batteryOk",
                                       "storageOk", "idle",     NULL};
  static const unsigned network[] = {0, FAR_NEEDS_NETWORK, FAR_NEEDS_UNMETERED};
  int type = lua_getfield(L, table, "needs");
  if (type == LUA_TNIL)
    return 0;
  if (type != LUA_TTABLE)
    luaL_error(L,
               "%s: needs must be a table such as { network = "
               "\"unmetered\", charging = true }, not a %s",
               function, luaL_typename(L, -1));
  int needs = lua_gettop(L);
  const char *what = far_push_field_name(L, function, "needs");
  far_check_fields(L, needs, what, fields);
  return network[far_field_choice(L, needs, what, "network", network_at, 0)] |
         (far_field_flag(L, needs, what, "charging", false) ? FAR_NEEDS_CHARGING
                                                            : 0u) |
         (far_field_flag(L, needs, what, "batteryOk", false)
              ? FAR_NEEDS_BATTERY_OK
              : 0u) |
         (far_field_flag(L, needs, what, "storageOk", false)
              ? FAR_NEEDS_STORAGE_OK
              : 0u) |
         (far_field_flag(L, needs, what, "idle", false) ? FAR_NEEDS_IDLE : 0u);
}

// Each with a new line behind it; NULL for none.
static const char *check_tags(lua_State *L, int table, const char *function) {
  int type = lua_getfield(L, table, "tags");
  luaL_Buffer all;
  if (type == LUA_TNIL)
    return NULL;
  if (type != LUA_TTABLE)
    luaL_error(L, "%s: tags must be a list of strings, not a %s", function,
               luaL_typename(L, -1));
  int tags = lua_gettop(L);
  lua_Integer count = (lua_Integer)lua_rawlen(L, tags);
  if (count > FAR_WORK_TAGS_MAX)
    luaL_error(L, "%s: there are more than %d tags", function,
               (int)FAR_WORK_TAGS_MAX);
  const char *what = far_push_field_name(L, function, "a tag");
  luaL_checkstack(L, (int)count + LUA_MINSTACK, NULL);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, tags, i);
    (void)far_check_text(L, -1, what, FAR_WORK_NAME_MAX);
  }
  if (count == 0)
    return NULL;
  int first = lua_gettop(L) - (int)count + 1;
  luaL_buffinit(L, &all);
  for (int i = 0; i < count; i++) {
    lua_pushvalue(L, first + i);
    luaL_addvalue(&all);
    luaL_addchar(&all, '\n');
  }
  luaL_pushresult(&all);
  return lua_tostring(L, -1);
}

static void check_after(lua_State *L, int table, const char *function,
                        far_order *order) {
  int type = lua_getfield(L, table, "after");
  int list = lua_gettop(L);
  if (type == LUA_TNIL)
    return;
  const char *what = far_push_field_name(L, function, "after");
  if (type != LUA_TTABLE) {
    order->parents[order->parent_count++] = far_check_id(L, list, what);
    return;
  }
  size_t count = (size_t)lua_rawlen(L, list);
  if (count > FAR_WORK_PARENTS_MAX)
    luaL_error(L, "%s has more than %d ids", what, (int)FAR_WORK_PARENTS_MAX);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    order->parents[order->parent_count++] = far_check_id(L, -1, what);
    lua_pop(L, 1);
  }
}

// -- Orders -------------------------------------------------------------------

// What was asked for, while its strings are Lua's.
typedef struct asking {
  lua_State *L;
  int input; // Where it is on the stack; zero for none.
  far_order order;
  char text[160];
} asking;

static farside_status order_change(far_script *script, void *request,
                                   far_kept *kept) {
  asking *mine = request;
  far_order *order = &mine->order;
  const char *problem = NULL;
  char *json = NULL;
  if (mine->input != 0 && !lua_isnil(mine->L, mine->input)) {
    json = far_to_json(script, mine->L, mine->input, &problem);
    if (json == NULL) {
      snprintf(mine->text, sizeof mine->text, "the input cannot be kept: %s",
               problem);
      kept->mistake = mine->text;
      return FARSIDE_INVALID;
    }
  }
  order->work.script = script->name;
  order->work.input = json;
  farside_status status = far_queue_enqueue(script, order, &kept->receipt);
  free(json);
  return status;
}

// id, info
static int answer_order(lua_State *L, const far_kept *kept) {
  lua_pushinteger(L, (lua_Integer)kept->receipt.id);
  far_push_receipt(L, &kept->receipt);
  return 2;
}

static char *borrowed(const char *text) {
  return (char *)(uintptr_t)text; // Copied before anybody writes it.
}

// What enqueue and periodic have in common.
static void check_common(lua_State *L, int table, const char *function,
                         far_order *order) {
  far_work *work = &order->work;
  work->group = borrowed(far_field_name(L, table, function, "group"));
  work->tags = borrowed(check_tags(L, table, function));
  work->needs = check_needs(L, table, function);
  work->priority = far_field_integer(L, table, function, "priority",
                                     -FAR_PRIORITY_MAX, FAR_PRIORITY_MAX, 0);
  work->keep_ms =
      far_field_duration(L, table, function, "keep", keep_default_ms);
  order->is_durable = far_field_flag(L, table, function, "durable", true);
}

static int64_t wall_ms(const far_script *script) {
  return far_queue_wall_ms(script->host);
}

// enqueue(kind [, input [, options]]) --> id, info | nil, message, name
int far_work_enqueue(lua_State *L) {
  static const char *const fields[] = {
      "unique",       "existing", "delay",   "deadline",  "needs",
      "priority",     "group",    "tags",    "expedited", "after",
      "onParentFail", "keep",     "durable", NULL};
  far_script *script = far_script_of(L);
  asking mine = {.L = L, .input = 2, .order.is_durable = true};
  far_order *order = &mine.order;
  far_work *work = &order->work;
  luaL_checkstack(L, FAR_JSON_SLOTS, NULL);
  lua_settop(L, 3);
  work->kind =
      borrowed(far_check_text(L, 1, "enqueue: the kind", FAR_WORK_NAME_MAX));
  work->keep_ms = keep_default_ms;
  if (!lua_isnil(L, 3)) {
    luaL_checktype(L, 3, LUA_TTABLE);
    far_check_fields(L, 3, "enqueue", fields);
    work->unique = borrowed(far_field_name(L, 3, "enqueue", "unique"));
    order->existing = (far_existing)far_field_choice(
        L, 3, "enqueue", "existing", existing_at, 0);
    if (!lua_isnil(L, -1) && work->unique == NULL)
      return luaL_error(L, "enqueue: existing says what becomes of work with "
                           "the same unique name: there is no unique");
    order->delay_ms = far_field_duration(L, 3, "enqueue", "delay", 0);
    int64_t deadline_ms = far_field_duration(L, 3, "enqueue", "deadline", -1);
    if (deadline_ms == 0)
      return luaL_error(L, "enqueue: deadline is zero: it would be over at "
                           "once");
    if (deadline_ms > 0)
      work->deadline_ms = wall_ms(script) + deadline_ms;
    work->expedite = check_expedited(L, 3, "enqueue");
    if (work->expedite != FAR_EXPEDITE_NO && order->delay_ms != 0)
      return luaL_error(L, "enqueue: expedited work starts at once: it has no "
                           "delay");
    check_after(L, 3, "enqueue", order);
    work->on_parent_fail = (far_parent_fail)far_field_choice(
        L, 3, "enqueue", "onParentFail", parent_fail_at, 0);
    check_common(L, 3, "enqueue", order);
  }
  order->where = far_push_origin(L);
  return far_keep(L, order_change, &mine, answer_order);
}

static void check_period(lua_State *L, far_work *work) {
  char sentence[160];
  far_cron cron;
  far_zone zone;
  const char *text = far_field_name(L, 3, "periodic", "cron");
  work->every_ms = far_field_duration(L, 3, "periodic", "every", 0);
  work->flex_ms = far_field_duration(L, 3, "periodic", "flex", 0);
  work->zone = borrowed(far_field_name(L, 3, "periodic", "zone"));
  if ((text != NULL) == (work->every_ms != 0))
    luaL_error(L, "periodic: say either every = \"1h\" or cron = \"0 3 * * "
                  "*\"");
  if (text != NULL && !far_cron_parse(text, &cron, sentence, sizeof sentence))
    luaL_error(L, "periodic: cron: %s", sentence);
  if (text != NULL && work->flex_ms != 0)
    luaL_error(L, "periodic: flex goes with every, not with cron");
  if (work->zone != NULL && text == NULL)
    luaL_error(L, "periodic: zone goes with cron");
  if (work->zone != NULL && !far_zone_read(work->zone, &zone))
    luaL_error(L,
               "periodic: zone \"%s\" is not known: write a place such as "
               "\"Europe/Berlin\", or a TZ such as \"CET-1CEST,M3.5.0,"
               "M10.5.0/3\"",
               work->zone);
  if (work->flex_ms > work->every_ms)
    luaL_error(L, "periodic: flex is longer than every");
  work->cron = borrowed(text);
}

// periodic(name, kind, options) --> id, info | nil, message, name
int far_work_periodic(lua_State *L) {
  static const char *const fields[] = {
      "every",    "flex",      "cron",     "zone",    "missed",
      "existing", "immediate", "input",    "needs",   "keep",
      "group",    "tags",      "priority", "durable", NULL};
  asking mine = {.L = L, .order.is_durable = true};
  far_order *order = &mine.order;
  far_work *work = &order->work;
  luaL_checkstack(L, FAR_JSON_SLOTS, NULL);
  work->unique =
      borrowed(far_check_text(L, 1, "periodic: the name", FAR_WORK_NAME_MAX));
  work->kind =
      borrowed(far_check_text(L, 2, "periodic: the kind", FAR_WORK_NAME_MAX));
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  far_check_fields(L, 3, "periodic", fields);
  check_period(L, work);
  work->missed = (far_missed)far_field_choice(L, 3, "periodic", "missed",
                                              missed_at, FAR_MISSED_ONCE);
  order->existing = (far_existing)far_field_choice(
      L, 3, "periodic", "existing", periodic_existing_at, FAR_EXISTING_UPDATE);
  order->is_immediate = far_field_flag(L, 3, "periodic", "immediate", false);
  check_common(L, 3, "periodic", order);
  lua_getfield(L, 3, "input");
  mine.input = lua_gettop(L);
  order->where = far_push_origin(L);
  return far_keep(L, order_change, &mine, answer_order);
}
