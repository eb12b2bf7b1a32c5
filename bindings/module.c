// require "farside" in plain Lua: the same modules, in somebody else's
// interpreter. Nothing happens until farside.run(), and no global is touched.

#include "bindings.h"

#include "../host/desktop.h"
#include "../host/report.h"

static const char owner_class[] = "farside.owner";

// What the interpreter keeps of us; collected when it closes.
typedef struct owner {
  far_desktop *desktop;
  farside_host *host; // NULL once it is collected.
  bool is_driving;    // farside.run() is on the C stack, perhaps below luv.
} owner;

static const char instance_key[] = "farside.instance";

static void on_entry(void *user, const farside_entry *entry) {
  (void)user;
  far_report_live(stdout, stderr, entry, false);
}

static int collect(lua_State *L) {
  owner *mine = lua_touserdata(L, 1);
  if (mine->desktop != NULL)
    far_desktop_stop(mine->desktop);
  // os.exit(…, true) inside a callback: the process ends on top of the loop,
  // and what the loop still stands on must stay.
  if (mine->host != NULL && (mine->host->is_running || mine->is_driving))
    return 0;
  farside_host_close(mine->host);
  far_desktop_free(mine->desktop);
  *mine = (owner){0};
  return 0;
}

static owner *push_owner(lua_State *L) {
  owner *mine = lua_newuserdatauv(L, sizeof *mine, 1);
  *mine = (owner){0};
  if (luaL_newmetatable(L, owner_class)) {
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return mine;
}

static void check(lua_State *L, farside_status status) {
  if (status != FARSIDE_OK)
    luaL_error(L, "farside cannot be opened: %s", farside_status_text(status));
}

// A state has one Farside: whoever loads the module anew, as test runners do,
// gets the same one, until its app has ended.
static bool push_instance(lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, instance_key) == LUA_TUSERDATA) {
    const owner *mine = lua_touserdata(L, -1);
    if (mine->host != NULL && !mine->host->has_ended) {
      lua_getiuservalue(L, -1, 1);
      return true;
    }
  }
  lua_pop(L, 1);
  return false;
}

int luaopen_farside(lua_State *L) {
  if (push_instance(L))
    return 1;
  owner *mine = push_owner(L);
  mine->desktop = far_desktop_new();
  if (mine->desktop == NULL)
    check(L, FARSIDE_NOMEM);
  farside_config config;
  farside_config_init(&config);
  config.platform = far_desktop_platform(mine->desktop);
  config.on_entry = on_entry;
  config.exit_when_idle = true;
  check(L, farside_host_open(&config, &mine->host));
  far_life_launch(mine->host, "user", NULL);
  far_script *script;
  check(L, far_script_borrow(mine->host, L, &script));
  far_life_greet(mine->host, script);
  // Opening has left the module in the registry. From now on its functions
  // keep the box alive, and the registry keeps us.
  lua_rawgetp(L, LUA_REGISTRYINDEX, script);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, script);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, -3, 1);
  lua_insert(L, -2);
  lua_setfield(L, LUA_REGISTRYINDEX, instance_key);
  return 1;
}

void far_keep_borrowed(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, instance_key);
  lua_rawsetp(L, LUA_REGISTRYINDEX, instance_key);
}

static lua_State *main_thread(lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  lua_State *thread = lua_tothread(L, -1);
  lua_pop(L, 1);
  return thread;
}

// run() --> true | nil, message, name: drives the loop until the app ends, or
// until nothing is left to wait for.
int far_run_borrowed(lua_State *L) {
  far_script *script = far_script_of(L);
  farside_host *host = script->host;
  lua_getfield(L, LUA_REGISTRYINDEX, instance_key);
  owner *mine = luaL_checkudata(L, -1, owner_class);
  if (host->is_running || mine->is_driving)
    return luaL_error(L, "farside.run() is running already: call it once, at "
                         "the end of the main script, never from a callback");
  farside_status status = far_desktop_start(mine->desktop, host);
  if (status != FARSIDE_OK)
    return far_push_status(L, status);
  if (host->app.state == FAR_APP_SUSPENDED)
    far_life_move(host, FAR_APP_ACTIVE, "farside.run() was called");
  uint64_t expired = host->stats.expired;
  script->L = L; // The door opens from where the loop is driven.
  mine->is_driving = true;
  status = farside_run(host);
  mine->is_driving = false;
  if (!host->has_ended)
    script->L = main_thread(L);
  far_desktop_stop(mine->desktop);
  if (status == FARSIDE_OK && host->stats.expired > expired)
    return far_push_failure(
        L, FARSIDE_EXPIRED, "%llu tasks were ended by the host",
        (unsigned long long)(host->stats.expired - expired));
  return far_push_status(L, status);
}
