// require "farside.device": the simulated phone, for specs and plan files.

#include "device.h"
#include "fields.h"

#include "../host/limit.h"
#include "../host/manifest.h"
#include "../host/pattern.h"
#include "../host/rule.h"
#include "bindings.h"
#include <string.h>

static const char phone_class[] = "farside.phone";
static const char app_class[] = "farside.app";

enum { ARGS_MAX = 64 };

// What openApp() launches again is kept with the phone, in user values: a path
// and its arguments, or code and its name.
enum {
  KEPT_PATH = 1,
  KEPT_CODE,
  KEPT_NAME,
  KEPT_ARGS,
  KEPT_HTTP,  // What is granted: strings, and the list of them.
  KEPT_OFFER, // Its plugins.
  KEPT = KEPT_OFFER
};

typedef struct phone {
  far_device *device; // NULL once it is closed.
  bool is_lent;       // Whoever lent it closes it.
  farside_source app; // What is launched unless something else is said.
  far_offer *offer;   // NULL: there are no plugins.
} phone;

static phone *check_phone(lua_State *L) {
  phone *mine = luaL_testudata(L, 1, phone_class);
  if (mine == NULL)
    luaL_error(L, "write phone:…(), with a colon");
  if (mine->device == NULL)
    luaL_error(L, "the phone is closed");
  if (far_answers_is_asking(far_device_answers(mine->device)))
    luaL_error(L, "a function of phone:respond may not use the phone: return "
                  "what is to be answered");
  if (mine->offer != NULL && far_offer_is_asking(mine->offer))
    luaL_error(L, "a function of a plugin may not use the phone: return what "
                  "is to be answered");
  return mine;
}

far_device *far_check_phone(lua_State *L) {
  return check_phone(L)->device;
}

static farside_host *check_host(lua_State *L) {
  return far_device_host(check_phone(L)->device);
}

// -- Open and close -----------------------------------------------------------

static phone *push_phone(lua_State *L) {
  phone *mine = lua_newuserdatauv(L, sizeof *mine, KEPT);
  *mine = (phone){0};
  farside_source_init(&mine->app);
  luaL_setmetatable(L, phone_class);
  return mine;
}

void far_lend_phone(lua_State *L, far_device *device,
                    const farside_source *app) {
  phone *mine = push_phone(L);
  *mine = (phone){.device = device, .is_lent = true, .app = *app};
}

static const char *option(lua_State *L, const char *name) {
  (void)far_field(L, 1, "device.open", name, LUA_TSTRING);
  return lua_tostring(L, -1);
}

static void check_limits(lua_State *L, const char *text,
                         farside_limits *limits) {
  char why[FAR_SENTENCE_BYTES];
  if (text != NULL && !far_limits_parse(text, limits, why, sizeof why))
    luaL_error(L, "device.open: limits: %s", why);
}

static void check_chance(lua_State *L, far_device_config *config) {
  int type = lua_getfield(L, 1, "seed");
  luaL_argcheck(L, type == LUA_TNIL || lua_isinteger(L, -1), 1,
                "seed must be an integer");
  config->has_seed = type == LUA_TNUMBER;
  config->seed = (uint64_t)lua_tointeger(L, -1);
  const char *policy = option(L, "policy");
  if (policy != NULL && !far_chance_find(policy, &config->policy))
    luaL_error(L,
               "device.open: there is no policy '%s'; there are: random, "
               "earliest, latest, never",
               policy);
}

static uint64_t check_rule(lua_State *L) {
  far_rule_id id;
  char known[FAR_RULE_LIST_BYTES];
  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L,
               "device.open: allow is a list of rules such as \"BG10\", and "
               "has a %s",
               luaL_typename(L, -1));
  if (far_rule_find(lua_tostring(L, -1), &id))
    return far_rule_bit(id);
  far_rule_list(known, sizeof known);
  return (uint64_t)luaL_error(
      L, "device.open: allow: there is no rule '%s'; there are: %s",
      lua_tostring(L, -1), known);
}

// allow = { "BG10", … }, strict = true
static void check_rules(lua_State *L, far_device_config *config) {
  int type = lua_getfield(L, 1, "allow");
  luaL_argcheck(L, type == LUA_TNIL || type == LUA_TTABLE, 1,
                "allow must be a list of rules, such as { \"BG10\" }");
  for (lua_Integer i = 1;
       type == LUA_TTABLE && lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
    config->allowed |= check_rule(L);
    lua_pop(L, 1);
  }
  type = lua_getfield(L, 1, "strict");
  luaL_argcheck(L, type == LUA_TNIL || type == LUA_TBOOLEAN, 1,
                "strict must be a boolean");
  config->is_strict = lua_toboolean(L, -1);
}

// ram = "256MB"
static void check_ram(lua_State *L, far_device_config *config) {
  farside_limits size = {0};
  char why[FAR_SENTENCE_BYTES];
  const char *text = option(L, "ram");
  if (text == NULL)
    return;
  if (!far_limits_set(&size, "memory", text, why, sizeof why) ||
      size.memory_bytes == FARSIDE_NO_LIMIT)
    luaL_error(L, "device.open: ram is a size such as \"256MB\", not '%s'",
               text);
  config->ram_bytes = size.memory_bytes;
}

// What a phone is like when it is switched on: nothing to tell of.
typedef struct start {
  far_zone zone;
  farside_network network;
  int battery_permille;
} start;

static void check_start(lua_State *L, start *mine) {
  const char *zone = option(L, "timeZone"), *network = option(L, "network");
  far_check_zone(L, zone ? zone : "UTC", &mine->zone);
  mine->network = far_check_network(L, network ? network : "wifi");
  int type = lua_getfield(L, 1, "battery");
  luaL_argcheck(L, type == LUA_TNIL || type == LUA_TNUMBER, 1,
                "battery must be a number from 0 to 1");
  mine->battery_permille =
      type == LUA_TNIL ? 1000 : far_check_battery(L, lua_tonumber(L, -1));
}

// http = { "https://api.example.com/*", … }: what an app may talk to, besides
// what it may already. Pushes the list, a userdata that the phone keeps; the
// strings are in its user value.
static const char *const *push_http(lua_State *L, int options, const char *who,
                                    const char *const *before) {
  char why[FAR_SENTENCE_BYTES];
  far_pattern pattern;
  int type = lua_getfield(L, options, "http");
  luaL_argcheck(L, type == LUA_TNIL || type == LUA_TTABLE, options,
                "http must be a list of URL patterns");
  lua_Integer count = type == LUA_TNIL ? 0 : luaL_len(L, -1), there = 0;
  while (before != NULL && before[there] != NULL)
    there++;
  luaL_argcheck(L, count <= FAR_LIST_MAX - there, options,
                "http is a list too long");
  int table = lua_gettop(L);
  const char **list =
      lua_newuserdatauv(L, ((size_t)(there + count) + 1) * sizeof *list, 1);
  for (lua_Integer i = 0; i < there; i++)
    list[i] = before[i];
  lua_createtable(L, (int)count, 0);
  for (lua_Integer i = 1; i <= count; i++) {
    if (lua_rawgeti(L, table, i) != LUA_TSTRING)
      luaL_error(L, "%s: http is a list of URL patterns, and has a %s", who,
                 luaL_typename(L, -1));
    const char *text = list[there + i - 1] = lua_tostring(L, -1);
    if (!far_pattern_parse(text, &pattern, why, sizeof why))
      luaL_error(L, "%s: http: %s", who, why);
    lua_rawseti(L, -2, i);
  }
  list[there + count] = NULL;
  lua_setiuservalue(L, -2, 1);
  return list;
}

// What the plugins of the phone on the top of the stack are added to.
static far_offer *offer_of(lua_State *L, phone *mine) {
  if (mine->offer != NULL)
    return mine->offer;
  mine->offer = far_push_offer(L, mine->device);
  if (mine->offer == NULL)
    luaL_error(L, "not enough memory");
  lua_setiuservalue(L, -2, KEPT_OFFER);
  return mine->offer;
}

// plugins = { NAME = { method = fn, … }, … }, for the phone on the top of the
// stack.
static void add_plugins(lua_State *L, phone *mine) {
  int at = lua_gettop(L);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  int type = lua_getfield(L, 1, "plugins");
  luaL_argcheck(L, type == LUA_TNIL || type == LUA_TTABLE, 1,
                "plugins must be a table of tables of functions");
  for (lua_pushnil(L); type == LUA_TTABLE && lua_next(L, at + 1) != 0;) {
    if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1))
      luaL_error(L, "device.open: plugins is a table of tables of functions");
    lua_pushvalue(L, at);
    far_offer *offer = offer_of(L, mine);
    lua_pop(L, 1);
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    far_offer_add(L, offer, "device.open: plugins");
  }
  lua_settop(L, at);
}

// open{ os=, seed=, policy=, network=, battery=, timeZone=, grace=,
// launchUrl=, limits=, trust=, http=, plugins=, allow=, strict=, ram= }
// --> phone
static int open(lua_State *L) {
  static const char *const names[] = {
      "os",    "seed",      "policy",  "network", "battery", "timeZone",
      "grace", "launchUrl", "limits",  "trust",   "allow",   "strict",
      "ram",   "http",      "plugins", NULL};
  far_device_config config = {0};
  start begin;
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  far_check_fields(L, 1, "device.open", names);
  config.os = option(L, "os");
  config.launch_url = option(L, "launchUrl");
  if (lua_getfield(L, 1, "grace") != LUA_TNIL)
    config.grace_ms = far_check_duration(L, -1, "device.open: grace");
  if (!lua_isnil(L, -1) && config.grace_ms == 0)
    return luaL_error(L, "device.open: grace is zero: leave it out to get "
                         "what the system gives");
  check_limits(L, option(L, "limits"), &config.limits);
  check_chance(L, &config);
  check_rules(L, &config);
  check_ram(L, &config);
  check_start(L, &begin);
  int type = lua_getfield(L, 1, "trust");
  if (type != LUA_TNIL && type != LUA_TBOOLEAN)
    return luaL_error(L, "device.open: trust must be a boolean, not a %s",
                      luaL_typename(L, -1));
  bool is_trusted = lua_toboolean(L, -1);
  const char *const *granted = push_http(L, 1, "device.open", NULL);
  phone *mine = push_phone(L);
  mine->app.is_trusted = is_trusted;
  mine->app.grant.http = granted;
  lua_pushvalue(L, -2);
  lua_setiuservalue(L, -2, KEPT_HTTP);
  farside_status status = far_device_open(&config, &mine->device);
  if (status == FARSIDE_INVALID)
    return luaL_error(L,
                      "there is no profile '%s'; there are: ios, android, "
                      "strict, desktop",
                      config.os);
  if (status != FARSIDE_OK)
    return luaL_error(L, "the phone cannot be opened: %s",
                      farside_status_text(status));
  far_device_begin(mine->device, begin.network, begin.battery_permille,
                   &begin.zone);
  add_plugins(L, mine);
  return 1;
}

static void close_phone(phone *mine) {
  if (mine->device != NULL)
    far_answers_silence(far_device_answers(mine->device));
  if (mine->offer != NULL)
    far_offer_end(mine->offer);
  mine->offer = NULL;
  if (!mine->is_lent)
    far_device_close(mine->device);
  mine->device = NULL;
}

// phone:close(): raises an error when the app still has a task open.
static int close(lua_State *L) {
  phone *mine = luaL_checkudata(L, 1, phone_class);
  if (mine->device == NULL)
    return 0;
  bool has_failed = !lua_isnoneornil(L, 2); // An error is on its way already.
  const far_task *task = far_device_host(mine->device)->tasks.first;
  if (task == NULL || has_failed) {
    close_phone(mine);
    return 0;
  }
  lua_pushfstring(L,
                  "the phone was closed with a task open: %s (%s). Finish it, "
                  "or call phone:kill() first where that is meant",
                  task->name ? task->name : "without a name", task->origin);
  close_phone(mine);
  return lua_error(L);
}

static int collect(lua_State *L) {
  close_phone(luaL_checkudata(L, 1, phone_class));
  return 0;
}

// -- The user and the OS ------------------------------------------------------

static int push_app(lua_State *L) {
  lua_newuserdatauv(L, 1, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, app_class);
  return 1;
}

static int push_load_failure(lua_State *L, farside_host *host,
                             farside_status status) {
  luaL_pushfail(L);
  lua_pushstring(L, farside_error(host));
  lua_pushstring(L, farside_status_name(status));
  return 3;
}

static void keep(lua_State *L, const char *path, const char *code, size_t bytes,
                 const char *name) {
  lua_pushstring(L, path);
  lua_setiuservalue(L, 1, KEPT_PATH);
  lua_pushlstring(L, code, bytes);
  lua_setiuservalue(L, 1, KEPT_CODE);
  lua_pushstring(L, name);
  lua_setiuservalue(L, 1, KEPT_NAME);
}

// An app that does not load is no app.
static int loaded(lua_State *L, phone *mine, farside_status status) {
  if (status != FARSIDE_OK) {
    far_device_kill(mine->device, "its script failed to load");
    return push_load_failure(L, far_device_host(mine->device), status);
  }
  far_device_settle(mine->device);
  return push_app(L);
}

// From now on it is what the system starts as well.
static int install(lua_State *L, phone *mine, const farside_source *source) {
  farside_status status = far_device_install(mine->device, source);
  if (status == FARSIDE_OK)
    status = farside_load(far_device_host(mine->device), source);
  return loaded(L, mine, status);
}

static void keep_arguments(lua_State *L, int argc, const char *const *argv) {
  lua_createtable(L, argc, 0);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setiuservalue(L, 1, KEPT_ARGS);
}

static int launch_path(lua_State *L, phone *mine, const char *path, int argc,
                       const char *const *argv) {
  farside_host *host = far_device_host(mine->device);
  farside_status status = far_device_launch(mine->device, "user");
  if (status != FARSIDE_OK)
    return push_load_failure(L, host, status);
  keep(L, path, "", 0, NULL);
  keep_arguments(L, argc, argv);
  farside_source source = mine->app;
  source.path = path;
  source.argc = argc;
  source.argv = argv;
  return install(L, mine, &source);
}

static int launch_code(lua_State *L, phone *mine, const char *code,
                       size_t bytes, const char *name) {
  farside_host *host = far_device_host(mine->device);
  farside_status status = far_device_launch(mine->device, "user");
  if (status != FARSIDE_OK)
    return push_load_failure(L, host, status);
  keep(L, NULL, code, bytes, name);
  farside_source source = mine->app;
  source.path = NULL;
  source.argc = 0;
  source.code = code;
  source.code_bytes = bytes;
  source.name = name;
  return install(L, mine, &source);
}

// The strings stay on the stack, so that nothing collects them.
static int launch_kept(lua_State *L, phone *mine, const char *path) {
  const char *argv[ARGS_MAX];
  int argc = 0;
  lua_getiuservalue(L, 1, KEPT_ARGS);
  int table = lua_gettop(L);
  luaL_checkstack(L, ARGS_MAX, NULL);
  while (argc < ARGS_MAX && lua_rawgeti(L, table, argc + 1) == LUA_TSTRING)
    argv[argc++] = lua_tostring(L, -1);
  return launch_path(L, mine, path, argc, argv);
}

static int launch_again(lua_State *L, phone *mine) {
  if (lua_getiuservalue(L, 1, KEPT_PATH) == LUA_TSTRING)
    return launch_kept(L, mine, lua_tostring(L, -1));
  if (lua_getiuservalue(L, 1, KEPT_NAME) == LUA_TSTRING) {
    size_t bytes;
    lua_getiuservalue(L, 1, KEPT_CODE);
    const char *code = lua_tolstring(L, -1, &bytes);
    return launch_code(L, mine, code, bytes, lua_tostring(L, -2));
  }
  if (mine->app.path == NULL)
    return luaL_error(L, "launch: which script? Give its path");
  return launch_path(L, mine, mine->app.path, mine->app.argc, mine->app.argv);
}

// phone:launch([path, …]) --> app | nil, message, name
static int launch(lua_State *L) {
  phone *mine = check_phone(L);
  if (lua_isnoneornil(L, 2))
    return launch_again(L, mine);
  const char *path = luaL_checkstring(L, 2);
  const char *argv[ARGS_MAX];
  int argc = lua_gettop(L) - 2;
  luaL_argcheck(L, argc <= ARGS_MAX, 3, "too many arguments");
  for (int i = 0; i < argc; i++)
    argv[i] = luaL_checkstring(L, i + 3);
  return launch_path(L, mine, path, argc, argv);
}

// phone:grant{ http= }: what apps that are launched from now on may do besides.
static int grant(lua_State *L) {
  static const char *const names[] = {"http", NULL};
  phone *mine = check_phone(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  far_check_fields(L, 2, "grant", names);
  const char *const *list = push_http(L, 2, "grant", mine->app.grant.http);
  lua_getiuservalue(L, -1, 1);
  lua_getiuservalue(L, 1, KEPT_HTTP); // It has the strings that are taken over.
  lua_setfield(L, -2, "before");
  lua_pop(L, 1);
  lua_setiuservalue(L, 1, KEPT_HTTP);
  mine->app.grant.http = list;
  return 0;
}

// phone:plugin(name, { method = fn, … }): what apps that are launched from now
// on find as Plugins.NAME.
static int plugin(lua_State *L) {
  phone *mine = check_phone(L);
  luaL_checktype(L, 2, LUA_TSTRING);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  lua_pushvalue(L, 1);
  far_offer *offer = offer_of(L, mine);
  lua_pop(L, 1);
  far_offer_add(L, offer, "plugin");
  return 0;
}

// phone:run(code [, name]) --> app | nil, message, name
static int run(lua_State *L) {
  phone *mine = check_phone(L);
  size_t bytes;
  const char *code = luaL_checklstring(L, 2, &bytes);
  return launch_code(L, mine, code, bytes, luaL_optstring(L, 3, "app.lua"));
}

// phone:pressHome()
static int press_home(lua_State *L) {
  far_device_press_home(check_phone(L)->device);
  return 0;
}

// phone:openApp() --> true | app | nil, message, name
static int open_app(lua_State *L) {
  phone *mine = check_phone(L);
  if (far_device_host(mine->device)->app.state == FAR_APP_GONE) {
    return launch_again(L, mine); // Killed or ended: it starts anew.
  }
  return far_push_status(L, far_device_open_app(mine->device));
}

// phone:advance(duration): "40s", or a number of milliseconds.
static int advance(lua_State *L) {
  far_device *device = check_phone(L)->device;
  uint64_t ms;
  if (lua_type(L, 2) == LUA_TNUMBER) {
    lua_Integer number = luaL_checkinteger(L, 2);
    luaL_argcheck(L, number >= 0, 2, "time does not go back");
    ms = (uint64_t)number;
  } else {
    luaL_argexpected(L, lua_type(L, 2) == LUA_TSTRING, 2,
                     "duration such as \"40s\", or milliseconds");
    ms = far_check_duration(L, 2, "advance: the time");
  }
  const uint64_t most_ms = UINT64_C(1000000000000000); // 30,000 years.
  if (ms > most_ms || far_host_now_ms(far_device_host(device)) > most_ms - ms)
    return luaL_error(L, "advance: that is more time than there is");
  far_device_advance(device, ms);
  return 0;
}

// phone:kill([why])
static int kill_app(lua_State *L) {
  far_device *device = check_phone(L)->device;
  far_device_kill(device, luaL_optstring(L, 2, "the system killed it"));
  return 0;
}

// phone:quit()
static int quit(lua_State *L) {
  far_device_quit(check_phone(L)->device);
  return 0;
}

// phone:post(event [, json]) --> true | nil, message, name
static int post(lua_State *L) {
  phone *mine = check_phone(L);
  const char *event = luaL_checkstring(L, 2);
  farside_status status = farside_post(far_device_host(mine->device), event,
                                       luaL_optstring(L, 3, NULL));
  if (status == FARSIDE_INVALID)
    return far_push_failure(
        L, status, "'%s' cannot be posted, or its JSON is wrong", event);
  far_device_settle(mine->device);
  return far_push_status(L, status);
}

// -- What happened ------------------------------------------------------------

static void set_string(lua_State *L, const char *field, const char *value) {
  if (value == NULL)
    return;
  lua_pushstring(L, value);
  lua_setfield(L, -2, field);
}

static void set_integer(lua_State *L, const char *field, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, field);
}

static void push_outcome(lua_State *L, const char *kind, const char *code) {
  lua_createtable(L, 0, 4);
  set_string(L, "kind", kind);
  set_string(L, "code", code);
}

static void push_entry(lua_State *L, const farside_entry *entry) {
  static const char *const levels[] = {"debug", "info", "warn", "error"};
  lua_createtable(L, 0, 9);
  set_integer(L, "t", entry->t_ms);
  set_string(L, "what", entry->what);
  set_string(L, "level", levels[entry->level]);
  set_string(L, "state", entry->state);
  set_string(L, "script", entry->script);
  if (entry->task != 0)
    set_integer(L, "task", entry->task);
  if (entry->work != 0)
    set_integer(L, "work", entry->work);
  set_string(L, "name", entry->name);
  set_string(L, "where", entry->where);
  set_string(L, "why", entry->why);
  if (entry->rule == NULL)
    return;
  set_string(L, "rule", entry->rule);
  set_string(L, "severity", entry->severity);
  push_outcome(L, entry->outcome, entry->code);
  lua_setfield(L, -2, "outcome");
}

// phone:timeline([what]) --> { { t=, what=, … }, … }: all, or those whose
// `what` begins with the given word.
static int timeline(lua_State *L) {
  const farside_host *host = check_host(L);
  const char *only = luaL_optstring(L, 2, "");
  lua_newtable(L);
  lua_Integer count = 0;
  for (uint64_t i = host->timeline.first; i < host->timeline.count; i++) {
    const farside_entry *entry = far_timeline_get(&host->timeline, i);
    if (strncmp(entry->what, only, strlen(only)) != 0)
      continue;
    push_entry(L, entry);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

static void push_violation(lua_State *L, const far_violation *violation) {
  const far_outcome *outcome = violation->outcome;
  lua_createtable(L, 0, 14);
  set_string(L, "rule", far_rule_name(violation->rule));
  set_string(L, "title", far_rule_title(violation->rule));
  set_string(L, "severity", far_severity_name(violation->severity));
  lua_pushboolean(L, violation->is_failure);
  lua_setfield(L, -2, "isFailure");
  set_integer(L, "t", violation->first_ms);
  set_integer(L, "last", violation->last_ms);
  set_integer(L, "count", violation->count);
  set_string(L, "script", violation->script);
  if (violation->task != 0)
    set_integer(L, "task", violation->task);
  set_string(L, "name", violation->name);
  set_string(L, "where", violation->where);
  set_string(L, "why", violation->why);
  push_outcome(L, far_outcome_name(outcome->kind),
               *outcome->code ? outcome->code : NULL);
  set_string(L, "os", far_profile_name(violation->os));
  set_string(L, "what", outcome->what);
  lua_setfield(L, -2, "outcome");
  set_string(L, "advice", far_rule_get(violation->rule)->advice);
}

// phone:violations() --> { { rule=, severity=, t=, where=, why=, outcome=,
// advice=, … }, … }: each cause once.
static int violations(lua_State *L) {
  const far_violations *all = far_device_violations(check_phone(L)->device);
  lua_newtable(L);
  lua_Integer count = 0;
  for (size_t i = 0; i < all->count; i++) {
    if (all->causes[i].count == 0)
      continue;
    push_violation(L, &all->causes[i]);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

// The state that an entry puts its task into, or NULL.
static const char *state_after(const char *what) {
  static const char *const states[][2] = {
      {"task.begin", "pending"},   {"task.run", "running"},
      {"task.finish", "finished"}, {"task.fail", "failed"},
      {"task.expire", "expired"},  {"task.cancel", "cancelled"},
  };
  for (size_t i = 0; i < sizeof states / sizeof *states; i++)
    if (strcmp(states[i][0], what) == 0)
      return states[i][1];
  return NULL;
}

// Pushes { { taskId=, name=, origin=, state=, beganAt=, endedAt= }, … }, as the
// timeline tells it: ended tasks are there too.
static int push_tasks(lua_State *L, const farside_host *host) {
  lua_newtable(L);
  lua_newtable(L); // By id.
  lua_Integer count = 0;
  for (uint64_t i = host->timeline.first; i < host->timeline.count; i++) {
    const farside_entry *entry = far_timeline_get(&host->timeline, i);
    const char *state = state_after(entry->what);
    if (entry->task == 0 || state == NULL)
      continue;
    if (lua_rawgeti(L, -1, (lua_Integer)entry->task) == LUA_TNIL) {
      lua_pop(L, 1);
      lua_createtable(L, 0, 6);
      set_integer(L, "taskId", entry->task);
      set_string(L, "name", entry->name);
      set_string(L, "origin", entry->where);
      set_integer(L, "beganAt", entry->t_ms);
      lua_pushvalue(L, -1);
      lua_rawseti(L, -3, (lua_Integer)entry->task);
      lua_pushvalue(L, -1);
      lua_rawseti(L, -4, ++count);
    }
    set_string(L, "state", state);
    if (strcmp(state, "pending") != 0 && strcmp(state, "running") != 0)
      set_integer(L, "endedAt", entry->t_ms);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return 1;
}

// phone:tasks()
static int tasks(lua_State *L) {
  return push_tasks(L, check_host(L));
}

// phone:state() --> "active", …, "gone"
static int state(lua_State *L) {
  lua_pushstring(L, far_app_state_name(check_host(L)->app.state));
  return 1;
}

// phone:now() --> milliseconds since the phone was opened
static int now(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)far_host_now_ms(check_host(L)));
  return 1;
}

// phone:hash() --> the fingerprint of the timeline so far
static int hash(lua_State *L) {
  char text[17];
  snprintf(text, sizeof text, "%016llx",
           (unsigned long long)check_host(L)->timeline.hash);
  lua_pushstring(L, text);
  return 1;
}

// -- The app, as phone:launch() gives it
// ---------------------------------------

static farside_host *check_app(lua_State *L) {
  luaL_checkudata(L, 1, app_class);
  lua_getiuservalue(L, 1, 1);
  lua_replace(L, 1);
  return check_host(L);
}

static int app_tasks(lua_State *L) {
  return push_tasks(L, check_app(L));
}

static int app_state(lua_State *L) {
  lua_pushstring(L, far_app_state_name(check_app(L)->app.state));
  return 1;
}

static const luaL_Reg app_functions[] = {
    {"tasks", app_tasks},
    {"state", app_state},
    {NULL, NULL},
};

static const luaL_Reg phone_functions[] = {
    {"launch", launch},
    {"grant", grant},
    {"run", run},
    {"pressHome", press_home},
    {"openApp", open_app},
    {"advance", advance},
    {"kill", kill_app},
    {"quit", quit},
    {"plugin", plugin},
    {"post", post},
    {"timeline", timeline},
    {"tasks", tasks},
    {"state", state},
    {"now", now},
    {"hash", hash},
    {"close", close},
    {"__close", close},
    {"__gc", collect},
    {"violations", violations},
    {NULL, NULL},
};

static void make_class(lua_State *L, const char *name,
                       const luaL_Reg *functions) {
  if (luaL_newmetatable(L, name)) {
    luaL_setfuncs(L, functions, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
  }
  lua_pop(L, 1);
}

int luaopen_farside_device(lua_State *L) {
  make_class(L, phone_class, phone_functions);
  luaL_getmetatable(L, phone_class);
  luaL_setfuncs(L, far_phone_verbs, 0);
  lua_pop(L, 1);
  make_class(L, app_class, app_functions);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, "open");
  return 1;
}
