// BackgroundTask, the durable kind: work that survives the app.

#include "work.h"

#include "../host/cron.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t keep_default_ms = INT64_C(7) * 24 * 60 * 60 * 1000;

enum { QUERY_DEFAULT = 100, QUERY_MAX = 1000, HISTORY_MAX = 32 };

// -- Options ------------------------------------------------------------------

// Between two calls of these the values that they read stay on the stack, so
// that the strings live.

static const char *check_text(lua_State *L, int index, const char *what,
                              size_t most) {
  size_t bytes;
  if (lua_isnoneornil(L, index))
    luaL_error(L, "%s is missing", what);
  if (lua_type(L, index) != LUA_TSTRING)
    luaL_error(L, "%s must be a string, not a %s", what,
               luaL_typename(L, index));
  const char *text = lua_tolstring(L, index, &bytes);
  if (bytes == 0)
    luaL_error(L, "%s is empty", what);
  if (bytes > most)
    luaL_error(L, "%s is longer than %d bytes", what, (int)most);
  if (strlen(text) != bytes || strchr(text, '\n') != NULL)
    luaL_error(L, "%s has a zero byte or a new line", what);
  return text;
}

// For what is there: to spell a name that nobody reads costs more than to find
// no field.
static const char *name_of(lua_State *L, const char *function,
                           const char *field) {
  return lua_pushfstring(L, "%s: %s", function, field);
}

const char *far_check_name(lua_State *L, int table, const char *function,
                           const char *field) {
  if (lua_getfield(L, table, field) == LUA_TNIL)
    return NULL;
  const char *what = name_of(L, function, field);
  return check_text(L, -2, what, FAR_WORK_NAME_MAX);
}

// Zero where there is none.
static int64_t check_duration(lua_State *L, int table, const char *function,
                              const char *field, int64_t default_ms) {
  const int64_t most_ms = INT64_MAX / 4;
  if (lua_getfield(L, table, field) == LUA_TNIL)
    return default_ms;
  uint64_t ms;
  if (!far_to_duration(L, -1, &ms))
    (void)far_check_duration(L, -2, name_of(L, function, field));
  return ms > (uint64_t)most_ms ? most_ms : (int64_t)ms;
}

static bool check_flag(lua_State *L, int table, const char *function,
                       const char *field, bool otherwise) {
  int type = lua_getfield(L, table, field);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN)
    luaL_error(L, "%s: %s must be true or false, not a %s", function, field,
               luaL_typename(L, -1));
  return type == LUA_TNIL ? otherwise : lua_toboolean(L, -1);
}

static int64_t check_number(lua_State *L, int table, const char *function,
                            const char *field, int64_t least, int64_t most,
                            int64_t otherwise) {
  if (lua_getfield(L, table, field) == LUA_TNIL)
    return otherwise;
  int is_integer = 0;
  lua_Integer number =
      lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &is_integer) : 0;
  if (!is_integer || number < least || number > most)
    luaL_error(L, "%s: %s must be an integer from %I to %I", function, field,
               (LUAI_UACINT)least, (LUAI_UACINT)most);
  return number;
}

// One of the names of a list, by its number.
static int check_choice(lua_State *L, int table, const char *function,
                        const char *field, const char *(*name_at)(int),
                        int otherwise) {
  if (lua_getfield(L, table, field) == LUA_TNIL)
    return otherwise;
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  luaL_Buffer all;
  for (int i = 0; name_at(i) != NULL; i++)
    if (strcmp(text, name_at(i)) == 0)
      return i;
  luaL_buffinit(L, &all);
  for (int i = 0; name_at(i) != NULL; i++) {
    luaL_addstring(&all, i ? ", " : "");
    luaL_addstring(&all, name_at(i));
  }
  luaL_pushresult(&all);
  return luaL_error(L, "%s: %s must be one of: %s", function, field,
                    lua_tostring(L, -1));
}

static const char *backoff_at(int i) {
  return i < FAR_BACKOFFS ? far_backoff_name((far_backoff)i) : NULL;
}

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

static const char *state_at(int i) {
  return i < FAR_WORK_STATES ? far_work_state_name((far_work_state)i) : NULL;
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
  const char *what = name_of(L, function, "needs");
  far_check_fields(L, needs, what, fields);
  return network[check_choice(L, needs, what, "network", network_at, 0)] |
         (check_flag(L, needs, what, "charging", false) ? FAR_NEEDS_CHARGING
                                                        : 0u) |
         (check_flag(L, needs, what, "batteryOk", false) ? FAR_NEEDS_BATTERY_OK
                                                         : 0u) |
         (check_flag(L, needs, what, "storageOk", false) ? FAR_NEEDS_STORAGE_OK
                                                         : 0u) |
         (check_flag(L, needs, what, "idle", false) ? FAR_NEEDS_IDLE : 0u);
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
  const char *what = name_of(L, function, "a tag");
  luaL_checkstack(L, (int)count + LUA_MINSTACK, NULL);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, tags, i);
    (void)check_text(L, -1, what, FAR_WORK_NAME_MAX);
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

static void check_after(lua_State *L, int table, const char *function,
                        far_order *order) {
  int type = lua_getfield(L, table, "after");
  int list = lua_gettop(L);
  if (type == LUA_TNIL)
    return;
  const char *what = name_of(L, function, "after");
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

// -- define -------------------------------------------------------------------

static void check_retry(lua_State *L, int table, far_rules *rules) {
  static const char *const fields[] = {"max",    "base",   "cap",
                                       "policy", "jitter", NULL};
  const char *what = "define: retry";
  int type = lua_getfield(L, table, "retry");
  if (type == LUA_TNIL)
    return;
  if (type != LUA_TTABLE)
    luaL_error(L,
               "%s must be a table such as { max = 10, base = \"30s\" }, "
               "not a %s",
               what, luaL_typename(L, -1));
  int retry = lua_gettop(L);
  far_check_fields(L, retry, what, fields);
  rules->retry_max =
      check_number(L, retry, what, "max", 0, 1000000, rules->retry_max);
  rules->retry_base_ms =
      check_duration(L, retry, what, "base", rules->retry_base_ms);
  rules->retry_cap_ms =
      check_duration(L, retry, what, "cap", rules->retry_cap_ms);
  rules->backoff = (far_backoff)check_choice(L, retry, what, "policy",
                                             backoff_at, (int)rules->backoff);
  if (lua_getfield(L, retry, "jitter") != LUA_TNIL) {
    lua_Number share =
        lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : -1;
    if (!(share >= 0 && share <= 1))
      luaL_error(L, "%s: jitter must be a number from 0 to 1", what);
    rules->jitter_permille = (int64_t)(share * 1000);
  }
}

// Pushes the older names, one after the other; returns how many.
static size_t check_aliases(lua_State *L, int table,
                            const char *aliases[FAR_ALIASES_MAX]) {
  int type = lua_getfield(L, table, "aliases");
  if (type == LUA_TNIL)
    return 0;
  if (type != LUA_TTABLE)
    luaL_error(L, "define: aliases must be a list of strings, not a %s",
               luaL_typename(L, -1));
  int list = lua_gettop(L);
  size_t count = (size_t)lua_rawlen(L, list);
  if (count > FAR_ALIASES_MAX)
    luaL_error(L, "define: there are more than %d aliases",
               (int)FAR_ALIASES_MAX);
  luaL_checkstack(L, (int)count + LUA_MINSTACK, NULL);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    aliases[i] = check_text(L, -1, "define: an alias", FAR_WORK_NAME_MAX);
  }
  return count;
}

static void kind_free(far_script *script, far_kind *kind) {
  far_memory *memory = &script->host->memory;
  far_string_free(memory, kind->name);
  far_string_free(memory, kind->origin);
  for (size_t i = 0; i < FAR_ALIASES_MAX; i++)
    far_string_free(memory, kind->aliases[i]);
  far_script_free(script, kind, sizeof *kind);
}

static far_kind *kind_new(far_script *script, const char *name,
                          const char *origin, const char *const *aliases,
                          size_t count) {
  far_memory *memory = &script->host->memory;
  far_kind *fresh = far_script_new(script, sizeof *fresh);
  if (fresh == NULL)
    return NULL;
  fresh->script = script;
  fresh->push = far_push_work_run;
  fresh->name = far_string_new(memory, name);
  fresh->origin = far_string_new(memory, origin);
  bool has_all = fresh->name != NULL && fresh->origin != NULL;
  for (size_t i = 0; i < count; i++) {
    fresh->aliases[i] = far_string_new(memory, aliases[i]);
    has_all = has_all && fresh->aliases[i] != NULL;
  }
  if (has_all)
    return fresh;
  kind_free(script, fresh);
  return NULL;
}

static void note_kind(far_script *script, const char *name, const char *where,
                      const far_rules *rules) {
  farside_host *host = script->host;
  if (host->audit == NULL)
    return;
  uint64_t now_ms = far_host_now_ms(host);
  far_whom whom = {.script = script->name, .where = where};
  far_begin_change(script);
  const far_kind *old = far_queue_find_kind(script, name);
  far_audit_defined(host->audit, &whom, name, script->running != &script->load,
                    old != NULL && strcmp(old->name, name) == 0, now_ms);
  if (rules->retry_max > 0)
    far_audit_too_soon(host->audit, &whom, name, (uint64_t)rules->retry_base_ms,
                       now_ms);
  far_end_change(script);
}

// define(kind, { run=, timeout=, retry=, crashes=, aliases= })
static int define(lua_State *L) {
  static const char *const fields[] = {"run",     "timeout", "retry",
                                       "crashes", "aliases", NULL};
  far_script *script = far_script_of(L);
  const char *aliases[FAR_ALIASES_MAX];
  far_rules rules = far_rules_default(script->host->profile);
  const char *name = check_text(L, 1, "define: the kind", FAR_WORK_NAME_MAX);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  const char *origin = far_push_origin(L);
  far_check_fields(L, 2, "define", fields);
  int type = lua_getfield(L, 2, "run");
  if (type == LUA_TNIL)
    return luaL_error(L, "define: run is missing: write run = function(ctx) … "
                         "end");
  if (type != LUA_TFUNCTION)
    return luaL_error(L, "define: run must be a function, not a %s",
                      luaL_typename(L, -1));
  rules.timeout_ms =
      check_duration(L, 2, "define", "timeout", rules.timeout_ms);
  if (rules.timeout_ms <= 0)
    return luaL_error(L, "define: timeout is zero: leave it out for the "
                         "default");
  rules.crashes_max =
      check_number(L, 2, "define", "crashes", 1, 1000000, rules.crashes_max);
  check_retry(L, 2, &rules);
  size_t count = check_aliases(L, 2, aliases);
  lua_getfield(L, 2, "run");
  int run_ref = luaL_ref(L, LUA_REGISTRYINDEX);

  note_kind(script, name, origin, &rules);
  farside_status status = FARSIDE_NOMEM;
  far_begin_change(script);
  far_kind *fresh = kind_new(script, name, origin, aliases, count);
  if (fresh != NULL) {
    fresh->rules = rules;
    fresh->run_ref = run_ref;
    status = far_queue_define(fresh);
    if (status != FARSIDE_OK)
      kind_free(script, fresh);
  }
  far_end_change(script);
  if (status == FARSIDE_OK)
    return 0;
  luaL_unref(L, LUA_REGISTRYINDEX, run_ref);
  return luaL_error(L, "%s",
                    status == FARSIDE_LIMIT ? farside_error(script->host)
                                            : farside_status_text(status));
}

// -- enqueue, periodic --------------------------------------------------------

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
  work->group = borrowed(far_check_name(L, table, function, "group"));
  work->tags = borrowed(check_tags(L, table, function));
  work->needs = check_needs(L, table, function);
  work->priority = check_number(L, table, function, "priority",
                                -FAR_PRIORITY_MAX, FAR_PRIORITY_MAX, 0);
  work->keep_ms = check_duration(L, table, function, "keep", keep_default_ms);
  order->is_durable = check_flag(L, table, function, "durable", true);
}

static int64_t wall_ms(const far_script *script) {
  return far_queue_wall_ms(script->host);
}

// enqueue(kind [, input [, options]]) --> id, info | nil, message, name
static int enqueue(lua_State *L) {
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
      borrowed(check_text(L, 1, "enqueue: the kind", FAR_WORK_NAME_MAX));
  work->keep_ms = keep_default_ms;
  if (!lua_isnil(L, 3)) {
    luaL_checktype(L, 3, LUA_TTABLE);
    far_check_fields(L, 3, "enqueue", fields);
    work->unique = borrowed(far_check_name(L, 3, "enqueue", "unique"));
    order->existing =
        (far_existing)check_choice(L, 3, "enqueue", "existing", existing_at, 0);
    if (!lua_isnil(L, -1) && work->unique == NULL)
      return luaL_error(L, "enqueue: existing says what becomes of work with "
                           "the same unique name: there is no unique");
    order->delay_ms = check_duration(L, 3, "enqueue", "delay", 0);
    int64_t deadline_ms = check_duration(L, 3, "enqueue", "deadline", -1);
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
    work->on_parent_fail = (far_parent_fail)check_choice(
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
  const char *text = far_check_name(L, 3, "periodic", "cron");
  work->every_ms = check_duration(L, 3, "periodic", "every", 0);
  work->flex_ms = check_duration(L, 3, "periodic", "flex", 0);
  work->zone = borrowed(far_check_name(L, 3, "periodic", "zone"));
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
static int periodic(lua_State *L) {
  static const char *const fields[] = {
      "every",    "flex",      "cron",     "zone",    "missed",
      "existing", "immediate", "input",    "needs",   "keep",
      "group",    "tags",      "priority", "durable", NULL};
  asking mine = {.L = L, .order.is_durable = true};
  far_order *order = &mine.order;
  far_work *work = &order->work;
  luaL_checkstack(L, FAR_JSON_SLOTS, NULL);
  work->unique =
      borrowed(check_text(L, 1, "periodic: the name", FAR_WORK_NAME_MAX));
  work->kind =
      borrowed(check_text(L, 2, "periodic: the kind", FAR_WORK_NAME_MAX));
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  far_check_fields(L, 3, "periodic", fields);
  check_period(L, work);
  work->missed = (far_missed)check_choice(L, 3, "periodic", "missed", missed_at,
                                          FAR_MISSED_ONCE);
  order->existing = (far_existing)check_choice(
      L, 3, "periodic", "existing", periodic_existing_at, FAR_EXISTING_UPDATE);
  order->is_immediate = check_flag(L, 3, "periodic", "immediate", false);
  check_common(L, 3, "periodic", order);
  lua_getfield(L, 3, "input");
  mine.input = lua_gettop(L);
  order->where = far_push_origin(L);
  return far_keep(L, order_change, &mine, answer_order);
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
  bool is_all = check_flag(L, 1, "cancel", "all", false);
  mine.is_one = lua_getfield(L, 1, "id") != LUA_TNIL;
  if (mine.is_one)
    find->id = far_check_id(L, -1, "cancel: id");
  find->unique = far_check_name(L, 1, "cancel", "unique");
  find->tag = far_check_name(L, 1, "cancel", "tag");
  find->group = far_check_name(L, 1, "cancel", "group");
  find->kind = far_check_name(L, 1, "cancel", "kind");
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

void far_check_filter(lua_State *L, int index, const char *function,
                      far_find *find) {
  find->by = FAR_FIND_FILTER;
  find->state = check_choice(L, index, function, "state", state_at, -1);
  find->kind = far_check_name(L, index, function, "kind");
  find->unique = far_check_name(L, index, function, "unique");
  find->group = far_check_name(L, index, function, "group");
  find->tag = far_check_name(L, index, function, "tag");
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
    limit = check_number(L, 1, "query", "limit", 1, QUERY_MAX, QUERY_DEFAULT);
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
    {"define", define},   {"enqueue", enqueue}, {"periodic", periodic},
    {"cancel", cancel},   {"redrive", redrive}, {"prune", prune},
    {"get", get},         {"query", query},     {"history", history},
    {"explain", explain}, {NULL, NULL},
};

void far_set_work(lua_State *L, int box) {
  far_set_functions(L, box, functions);
  far_set_watch(L, box);
}
