// Lua programs: as a turn of a hosted script, and as plain Lua with an
// allocator of choice.

#include "bench.h"

#include "../host/arena.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// hosted FILE [SLICE_MS]: everything on, and no budget spent. A timer runs the
// program, because the main chunk of a script is not cut into slices. SLICE_MS:
// zero for the default; "off".
int bench_hosted(int argc, char **argv) {
  if (argc < 1)
    bench_fail("hosted", "which file?");
  farside_config config;
  farside_config_init(&config);
  config.exit_when_idle = true;
  config.limits.turn_ms = 600 * 1000;
  config.limits.cpu_ms = 600 * 1000;
  config.limits.hold_ms = 600 * 1000;
  bool has_slices = argc < 2 || strcmp(argv[1], "off") != 0;
  config.limits.slice_ms =
      has_slices ? bench_argument(argc, argv, 1, 0) : FARSIDE_NO_LIMIT;
  farside_host *host = bench_host_open(&config);
  size_t bytes;
  char *program = bench_read(argv[0], &bytes);
  size_t room = bytes + 64;
  char *code = malloc(room);
  if (code == NULL)
    bench_fail(argv[0], "no memory");
  snprintf(code, room, "setTimeout(function() %s\nend)", program);
  bench_load(host, "program.lua", code);
  farside_run(host);
  farside_host_close(host);
  free(code);
  free(program);
  return 0;
}

static void run_plain(lua_State *L, const char *path) {
  if (L == NULL)
    bench_fail(path, "no memory");
  luaL_openlibs(L);
  if (luaL_dofile(L, path) != LUA_OK)
    bench_fail(path, lua_tostring(L, -1));
}

// arena FILE
int bench_in_arena(int argc, char **argv) {
  if (argc < 1)
    bench_fail("arena", "which file?");
  far_memory memory;
  far_memory_init(&memory, NULL, NULL);
  far_arena *arena = far_arena_open(&memory, NULL, SIZE_MAX, SIZE_MAX);
  lua_State *L = lua_newstate(far_arena_allocate, arena);
  run_plain(L, argv[0]);
  lua_close(L);
  far_arena_drop(arena);
  return 0;
}

// malloc FILE: what luaL_newstate() does.
int bench_in_malloc(int argc, char **argv) {
  if (argc < 1)
    bench_fail("malloc", "which file?");
  lua_State *L = luaL_newstate();
  run_plain(L, argv[0]);
  lua_close(L);
  return 0;
}
