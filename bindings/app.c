// App: the app's life, as Capacitor's App plugin spells it.

#include "bindings.h"
#include "listeners.h"

static const char handle_class[] = "farside.handle";

typedef struct handle {
  uint64_t id;
} handle;

// A hint for whoever writes App:addListener(…).
static void check_event_argument(lua_State *L) {
  if (lua_type(L, 1) == LUA_TTABLE)
    luaL_error(L, "write App.addListener(event, fn), with a dot");
}

static far_event_kind check_event(lua_State *L, int index) {
  far_event_kind kind;
  const char *name = luaL_checkstring(L, index);
  if (far_event_find(name, &kind))
    return kind;
  luaL_Buffer list;
  luaL_buffinit(L, &list);
  for (size_t i = 0; i < FAR_EVENTS; i++) {
    luaL_addstring(&list, i ? ", " : "");
    luaL_addstring(&list, far_event_name((far_event_kind)i));
  }
  luaL_pushresult(&list);
  luaL_error(L, "there is no event '%s'; there are: %s", name,
             lua_tostring(L, -1));
  return FAR_EVENTS;
}

int far_push_listener(lua_State *L, far_event_kind kind, const char *topic,
                      bool is_once) {
  far_script *script = far_script_of(L);
  handle *mine = lua_newuserdatauv(L, sizeof *mine, 0);
  mine->id = 0;
  luaL_setmetatable(L, handle_class);
  lua_pushvalue(L, 2);
  int ref = luaL_ref(L, LUA_REGISTRYINDEX);
  far_begin_change(script);
  uint64_t id = far_listener_add(script, kind, topic, ref, is_once);
  far_end_change(script);
  mine->id = id;
  if (mine->id == 0) {
    luaL_unref(L, LUA_REGISTRYINDEX, ref);
    return luaL_error(L, "not enough memory");
  }
  return 1;
}

static int add(lua_State *L, bool is_once) {
  check_event_argument(L);
  far_event_kind kind = check_event(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  return far_push_listener(L, kind, NULL, is_once);
}

// addListener(event, fn) --> handle
static int add_listener(lua_State *L) {
  return add(L, false);
}

// once(event, fn) --> handle
static int once(lua_State *L) {
  return add(L, true);
}

// removeAllListeners([event])
static int remove_all_listeners(lua_State *L) {
  far_script *script = far_script_of(L);
  far_event_kind kind = lua_isnoneornil(L, 1) ? FAR_EVENTS : check_event(L, 1);
  far_begin_change(script);
  far_listener_remove_all(script, kind, NULL);
  far_end_change(script);
  return 0;
}

// handle:remove(), and <close>
static int remove_handle(lua_State *L) {
  far_script *script = far_script_of(L);
  const handle *mine = luaL_testudata(L, 1, handle_class);
  if (mine == NULL)
    return luaL_error(L, "write handle:remove(), with a colon");
  far_begin_change(script);
  far_listener_remove(script, mine->id);
  far_end_change(script);
  return 0;
}

// getState() --> { isActive=, state= }
static int get_state(lua_State *L) {
  far_app_state state = far_script_of(L)->host->app.state;
  lua_createtable(L, 0, 2);
  lua_pushboolean(L, state == FAR_APP_ACTIVE);
  lua_setfield(L, -2, "isActive");
  lua_pushstring(L, far_app_state_name(state));
  lua_setfield(L, -2, "state");
  return 1;
}

static void set_string(lua_State *L, const char *field, const char *value) {
  lua_pushstring(L, value ? value : "");
  lua_setfield(L, -2, field);
}

// getInfo() --> { name=, id=, build=, version= }
static int get_info(lua_State *L) {
  const farside_host *host = far_script_of(L)->host;
  const far_script *first = far_list_item(host->scripts.next, far_script, link);
  lua_createtable(L, 0, 4);
  set_string(L, "name",
             host->config.app_name ? host->config.app_name : first->name);
  set_string(L, "id", host->config.app_id);
  set_string(L, "build", host->config.app_build);
  set_string(L, "version", host->config.app_version);
  return 1;
}

// getLaunchUrl() --> { url= } | nil
static int get_launch_url(lua_State *L) {
  const farside_host *host = far_script_of(L)->host;
  if (host->config.launch_url == NULL)
    return 0;
  lua_createtable(L, 0, 1);
  set_string(L, "url", host->config.launch_url);
  return 1;
}

// exitApp(): the app ends as soon as its open tasks have ended.
static int exit_app(lua_State *L) {
  far_script *script = far_script_of(L);
  far_begin_change(script);
  far_life_terminate(script->host, "exitApp", -1);
  far_end_change(script);
  return 0;
}

// minimizeApp() --> true | nil, message, name
static int minimize_app(lua_State *L) {
  far_script *script = far_script_of(L);
  const farside_host *host = script->host;
  const farside_platform *platform = &host->platform;
  bool may = far_policy_get(host->profile, FAR_MINIMIZE_ALLOWED) != 0 &&
             platform->minimize != NULL;
  far_begin_change(script);
  may = may && platform->minimize(platform->self) == 0;
  far_end_change(script);
  if (!may)
    return far_push_failure(L, FARSIDE_UNSUPPORTED,
                            "%s lets no app send itself to the background",
                            far_profile_name(host->profile));
  return far_push_status(L, FARSIDE_OK);
}

int far_push_event(lua_State *L, far_event *event) {
  switch (event->kind) {
  case FAR_EVENT_APP_STATE_CHANGE:
    lua_createtable(L, 0, 1);
    lua_pushboolean(L, event->flag);
    lua_setfield(L, -2, "isActive");
    return 1;
  case FAR_EVENT_LAUNCH:
  case FAR_EVENT_WAKE:
  case FAR_EVENT_TERMINATE:
    lua_createtable(L, 0, 2);
    set_string(L, "reason", event->text);
    if (event->kind == FAR_EVENT_LAUNCH) {
      lua_pushstring(L, event->detail);
      lua_setfield(L, -2, "why");
      return 1;
    }
    lua_pushinteger(L, event->grace_ms);
    lua_setfield(L, -2, event->kind == FAR_EVENT_WAKE ? "budgetMs" : "graceMs");
    return 1;
  case FAR_EVENT_STORE_FAULT:
    lua_createtable(L, 0, 2);
    set_string(L, "name", event->text);
    set_string(L, "message", event->detail);
    return 1;
  case FAR_EVENT_PAUSE:
  case FAR_EVENT_RESUME:
    return 0;
  case FAR_EVENT_NOTICE:
    if (*event->text == '\0')
      return 0;
    far_push_event_json(L, event);
    return 1;
  case FAR_EVENT_MESSAGE:
    lua_createtable(L, 0, 2);
    set_string(L, "from", event->detail);
    far_push_event_json(L, event);
    lua_setfield(L, -2, "data");
    return 1;
  default:
    far_push_event_json(L, event);
    return 1;
  }
}

static const luaL_Reg functions[] = {
    {"addListener", add_listener},
    {"once", once},
    {"removeAllListeners", remove_all_listeners},
    {"getState", get_state},
    {"getInfo", get_info},
    {"getLaunchUrl", get_launch_url},
    {"exitApp", exit_app},
    {"minimizeApp", minimize_app},
    {NULL, NULL},
};

static const luaL_Reg handle_functions[] = {
    {"remove", remove_handle},
    {"__close", remove_handle},
    {NULL, NULL},
};

void far_push_app(lua_State *L, int box) {
  far_push_class(L, box, handle_class, handle_functions);
  lua_pop(L, 1);
  far_push_functions(L, box, functions, 1);
  far_set_alias(L, "addEventListener", "addListener"); // The older spelling.
}
