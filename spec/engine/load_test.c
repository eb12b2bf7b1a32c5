// Farside as a library that is loaded at run time into a process with LuaJIT,
// and let go of: again and again, while it runs, and twice at a time.
//
//   load_test LIBRARY COPY CYCLES.LUA

#include "guest.h"

#include "../check.h"
#include <dlfcn.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOADS = 100, HOSTS = 1000 };

static void compute(lua_State *L) {
  check(luaL_dostring(L, "local n = 0 for i = 1, 1e6 do n = n + i % 7 end "
                         "assert(not pcall(error)) return n") == 0);
  lua_settop(L, 0);
}

// From LuaJIT's own FFI. What leaks is told by AddressSanitizer, at the end.
static void test_ffi(lua_State *L, const char *path, const char *script) {
  lua_pushstring(L, path);
  lua_setglobal(L, "LIBRARY");
  lua_pushinteger(L, HOSTS);
  lua_setglobal(L, "HOSTS");
  bool is_fine = luaL_dofile(L, script) == 0;
  check_in(is_fine, is_fine ? "" : lua_tostring(L, -1));
  lua_settop(L, 0);
}

// Everybody who comes later sees its symbols: only farside_*.
static void test_global(lua_State *L, const char *path) {
  guest mine = guest_load(path, RTLD_GLOBAL);
  guest_live(&mine);
  compute(L);
  guest_live(&mine);
  guest_unload(&mine);
}

static void test_load_and_unload(lua_State *L, const char *path) {
  for (int i = 0; i < LOADS; i++) {
    guest mine = guest_load(path, RTLD_LOCAL);
    farside_host *host = guest_host(&mine, "{\"exitWhenIdle\":true}",
                                    "setTimeout(function() tell(1) end, 1)");
    check(mine.run(host) == FARSIDE_OK);
    mine.close(host);
    guest_unload(&mine);
  }
  compute(L);
}

// Its thread computes while the engine lets go of it: it stays where it is.
static void test_unload_while_running(lua_State *L, const char *path) {
  char text[256];
  guest mine = guest_load(path, RTLD_LOCAL);
  farside_host *host = guest_host(
      &mine, "{\"polls\":[\"message\"]}",
      "local n = 0 setInterval(function() for i = 1, 1000 do n = n + 1 end "
      "if n % 20000 == 0 then tell(n) end end, 1)");
  check(mine.start(host) == FARSIDE_OK);
  guest_wait(&mine, host, text, sizeof text);
  guest_unload(&mine);
  compute(L);
  for (int i = 0; i < 3; i++)
    guest_wait(&mine, host, text, sizeof text);
  mine.close(host);
}

// A process that ends with a host that nobody has closed, ends.
static void test_exit_while_running(const char *path) {
  pid_t child = fork();
  if (child == 0) {
    guest mine = guest_load(path, RTLD_LOCAL);
    farside_host *host = guest_host(&mine, "{\"polls\":[\"message\"]}",
                                    "setInterval(function() tell(1) end, 1)");
    char text[256];
    check(mine.start(host) == FARSIDE_OK);
    guest_wait(&mine, host, text, sizeof text);
    dlclose(mine.library);
    exit(check_failed == 0 ? 0 : 1);
  }
  int status = -1;
  check(waitpid(child, &status, 0) == child);
  check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

// -- Two copies ---------------------------------------------------------------

static farside_host *runaway(const guest *mine) {
  farside_host *host = guest_host(
      mine, "{\"polls\":[\"message\"],\"limits\":\"turn=10ms,hold=10ms\"}",
      "BackgroundTask.exec(function() while true do end end)"
      "setTimeout(function() tell 'on' end, 1)");
  check(mine->start(host) == FARSIDE_OK);
  return host;
}

// Whoever is stopped is stopped by his own watchdog.
static void survive(const guest *mine, farside_host *host) {
  char text[256];
  guest_wait(mine, host, text, sizeof text);
  check_in(strstr(text, "\"on\"") != NULL, text);
}

// Two copies of the library, of two plugins of an engine: each has a watchdog,
// and both use the same signal. In whatever order they come and go, each gets
// its own.
static void test_two_copies(lua_State *L, const char *path, const char *copy) {
  guest one = guest_load(path, RTLD_LOCAL), two = guest_load(copy, RTLD_LOCAL);
  check(one.open != two.open);
  farside_host *a = runaway(&one), *b = runaway(&two);
  survive(&one, a);
  survive(&two, b);
  one.close(a); // Its handler lies under the other's.
  a = runaway(&one);
  survive(&one, a);
  raise(SIGURG); // Nobody's: each passes it on, but not for ever.
  two.close(b);
  b = runaway(&two);
  survive(&two, b);
  one.close(a);
  two.close(b);
  for (int i = 0; i < 3; i++) {
    a = runaway(&one);
    b = runaway(&two);
    survive(&two, b);
    survive(&one, a);
    (i % 2 == 0 ? one.close : two.close)(i % 2 == 0 ? a : b);
    (i % 2 == 0 ? two.close : one.close)(i % 2 == 0 ? b : a);
  }
  compute(L);
  guest_live(&one);
  guest_live(&two);
}

int main(int argc, char **argv) {
  if (argc != 4)
    return 2;
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  compute(L);
  test_load_and_unload(L, argv[1]);
  test_ffi(L, argv[1], argv[3]);
  test_global(L, argv[1]);
  test_unload_while_running(L, argv[1]);
  test_exit_while_running(argv[1]);
  test_two_copies(L, argv[1], argv[2]);
  compute(L);
  lua_close(L);
  return check_end();
}
