// Farside inside a program that has another Lua, under the same names: LuaJIT,
// Lua 5.1 or Lua 5.4, linked before it. Built once for each of them, with the
// shared and with the static library.

#include "guest.h"

#include "../check.h"
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <string.h>
#include <uv.h>

static const guest linked = {.abi = farside_abi,
                             .open = farside_open,
                             .load = farside_load_buffer,
                             .run = farside_run,
                             .start = farside_start,
                             .tick = farside_tick,
                             .post = farside_post,
                             .poll = farside_poll,
                             .wake_fd = farside_wake_fd,
                             .close = farside_host_close,
                             .get_stats = farside_get_stats};

// The engine's own Lua, whichever it is.
static void test_own_lua(lua_State *L) {
  check(luaL_dostring(L, "count = (count or 0) + 1 "
                         "local t = {} for i = 1, 1000 do t[i] = i .. 'x' end "
                         "assert(not pcall(error, 'thrown')) "
                         "local co = coroutine.wrap(function() for i = 1, 3 do "
                         "coroutine.yield(i) end end) "
                         "assert(co() + co() + co() == 6) "
                         "assert(#table.concat(t) > 1000) "
                         "assert(('abc'):upper() == 'ABC')") == 0);
}

// Both compute by turns, on one thread: an engine that ticks.
static void test_by_turns(lua_State *L) {
  char text[256] = "";
  farside_host *host = guest_host(
      &linked, "{\"polls\":[\"message\"]}",
      "local n = 0 setInterval(function() n = n + 1 "
      "pcall(error, {}) coroutine.wrap(function() "
      "coroutine.yield() end)() if n == 50 then tell(n) end end, 1)");
  while (linked.poll(host, text, sizeof text) == 0) {
    check(linked.tick(host, 2) == FARSIDE_OK);
    test_own_lua(L);
  }
  check_in(strstr(text, "\"data\":50") != NULL, text);
  linked.close(host);
}

// A script that never ends is stopped, and the engine's Lua is not hooked.
static void test_runaway(lua_State *L) {
  char text[256] = "";
  farside_host *host = guest_host(
      &linked, "{\"polls\":[\"message\"],\"limits\":\"turn=20ms,hold=20ms\"}",
      "BackgroundTask.exec(function() while true do end end)"
      "setTimeout(function() tell 'alive' end, 1)");
  // What is dropped takes its script along.
  static const char code[] = "string.rep('a', 40):find(('.-'):rep(40) .. 'b')";
  check(linked.load(host, "drop.lua", code, sizeof code - 1, 0, NULL) ==
        FARSIDE_KILLED);
  test_own_lua(L);
  check(linked.start(host) == FARSIDE_OK);
  guest_wait(&linked, host, text, sizeof text);
  check_in(strstr(text, "\"alive\"") != NULL, text);
  test_own_lua(L);
  linked.close(host);
}

// The engine has a libuv too, and starts a process by it: the end of its child
// is the engine's to hear, however many hosts come and go meanwhile.
static int exits;

static void exited(uv_process_t *process, int64_t status, int signal) {
  check(status == 7 && signal == 0);
  exits++;
  uv_close((uv_handle_t *)process, NULL);
}

static void test_own_loop(void) {
  uv_loop_t loop;
  uv_process_t process;
  char *arguments[] = {(char[]){"sh"}, (char[]){"-c"},
                       (char[]){"read x; exit 7"}, NULL};
  uv_pipe_t pipe;
  check(uv_loop_init(&loop) == 0);
  check(uv_pipe_init(&loop, &pipe, 0) == 0);
  uv_stdio_container_t in = {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
                             .data.stream = (uv_stream_t *)&pipe};
  uv_process_options_t options = {.exit_cb = exited,
                                  .file = "sh",
                                  .args = arguments,
                                  .stdio = &in,
                                  .stdio_count = 1};
  check(uv_spawn(&loop, &process, &options) == 0);
  guest_live(&linked);
  uv_close((uv_handle_t *)&pipe, NULL); // The child reads an end.
  uv_run(&loop, UV_RUN_DEFAULT);
  check(exits == 1);
  check(uv_loop_close(&loop) == 0);
}

int main(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  test_own_lua(L);
  guest_live(&linked);
  test_by_turns(L);
  test_runaway(L);
  test_own_loop();
  test_own_lua(L);
  lua_getglobal(L, "_VERSION");
  printf("beside %s: ", lua_tostring(L, -1));
  lua_close(L);
  guest_live(&linked);
  return check_end();
}
