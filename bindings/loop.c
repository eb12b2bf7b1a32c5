// loop: in plain Lua, luv works on the loop that farside.run() drives.
//
// luv takes any loop that is there before it is opened, as long as its libuv is
// ours: a loop is a thing of one library, and a second copy would only have the
// name of its functions in common. Whether that is so is seen, not believed.

#include "bindings.h"

#include "../host/clock.h"
#include <dlfcn.h>
#include <lualib.h>
#include <string.h>

typedef void (*set_loop)(lua_State *L, uv_loop_t *loop);

static const char luv_key; // luv, once it is lent the loop.

// What would end, or look into, what is on the loop besides luv's own.
static const char *const refused[] = {"stop", "walk", "loop_close",
                                      "loop_configure"};

static int refuse(lua_State *L) {
  return luaL_error(L, "uv.%s is not for a loop that farside.run() drives",
                    lua_tostring(L, lua_upvalueindex(1)));
}

// Pushes package.searchpath("luv", package.cpath): a path, or nil and why not.
static void push_path(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, LUA_LOADLIBNAME);
  lua_getfield(L, -1, "searchpath");
  lua_pushliteral(L, "luv");
  lua_getfield(L, -3, "cpath");
  lua_call(L, 2, 2);
}

static bool is_loaded(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  bool is_there = lua_getfield(L, -1, "luv") != LUA_TNIL;
  lua_pop(L, 2);
  return is_there;
}

// Hands the loop to the luv at `path`. NULL, or why it does not take it.
static const char *lend(lua_State *L, far_clock *clock, const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL)
    return dlerror();
  void *found = dlsym(library, "luv_set_loop");
  const char *why = NULL;
  if (found == NULL)
    why = "this luv takes no loop";
  else if (!far_clock_lend(clock, dlsym(library, "uv_run")))
    why = "this luv has a libuv of its own, and a loop belongs to one";
  if (why == NULL) {
    set_loop set;
    memcpy(&set, &found, sizeof set); // C has no other way to a function.
    set(L, far_clock_loop(clock));
    return NULL; // It stays open: luv is opened from it next.
  }
  dlclose(library);
  return why;
}

// Pushes luv, opened, with uv.run() as farside.run().
static void push_luv(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "luv");
  lua_call(L, 1, 1);
  far_push_function(L, lua_upvalueindex(1), far_run_borrowed);
  lua_setfield(L, -2, "run");
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    lua_pushstring(L, refused[i]);
    lua_pushcclosure(L, refuse, 1);
    lua_setfield(L, -2, refused[i]);
  }
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &luv_key);
}

// loop() --> luv | nil, message, name
static int loop(lua_State *L) {
  far_script *script = far_script_of(L);
  if (!script->is_borrowed)
    return far_push_failure(L, FARSIDE_UNSUPPORTED,
                            "a hosted script has no luv: its loop is the "
                            "host's");
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &luv_key) != LUA_TNIL &&
      far_clock_is_lent(script->host->clock))
    return 1;
  if (!lua_pushthread(L))
    return luaL_error(L, "farside.loop() belongs into the main chunk: luv "
                         "keeps the coroutine that it is opened in");
  if (is_loaded(L))
    return far_push_failure(L, FARSIDE_BUSY,
                            "luv has a loop of its own already: call "
                            "farside.loop() before anybody requires luv");
  lua_settop(L, 0);
  push_path(L);
  if (lua_isnil(L, -2))
    return far_push_failure(L, FARSIDE_NOFILE, "there is no luv:%s",
                            lua_tostring(L, -1));
  const char *why = lend(L, script->host->clock, lua_tostring(L, -2));
  if (why != NULL)
    return far_push_failure(L, FARSIDE_UNSUPPORTED, "%s", why);
  far_keep_borrowed(L);
  push_luv(L);
  return 1;
}

void far_set_loop(lua_State *L, int box) {
  far_push_function(L, box, loop);
  lua_setfield(L, -2, "loop");
}
