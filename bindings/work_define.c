// define: what a kind of work is, and how it runs.

#include "work.h"

#include "fields.h"
#include <string.h>

static const char *backoff_at(int i) {
  return i < FAR_BACKOFFS ? far_backoff_name((far_backoff)i) : NULL;
}

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
      far_field_integer(L, retry, what, "max", 0, 1000000, rules->retry_max);
  rules->retry_base_ms =
      far_field_duration(L, retry, what, "base", rules->retry_base_ms);
  rules->retry_cap_ms =
      far_field_duration(L, retry, what, "cap", rules->retry_cap_ms);
  rules->backoff = (far_backoff)far_field_choice(
      L, retry, what, "policy", backoff_at, (int)rules->backoff);
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
    aliases[i] = far_check_text(L, -1, "define: an alias", FAR_WORK_NAME_MAX);
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
int far_work_define(lua_State *L) {
  static const char *const fields[] = {"run",     "timeout", "retry",
                                       "crashes", "aliases", NULL};
  far_script *script = far_script_of(L);
  const char *aliases[FAR_ALIASES_MAX];
  far_rules rules = far_rules_default(script->host->profile);
  const char *name =
      far_check_text(L, 1, "define: the kind", FAR_WORK_NAME_MAX);
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
      far_field_duration(L, 2, "define", "timeout", rules.timeout_ms);
  if (rules.timeout_ms <= 0)
    return luaL_error(L, "define: timeout is zero: leave it out for the "
                         "default");
  rules.crashes_max = far_field_integer(L, 2, "define", "crashes", 1, 1000000,
                                        rules.crashes_max);
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
