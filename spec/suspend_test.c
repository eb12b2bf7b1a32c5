// Suspended everywhere: programs that do nothing wrong, suspended after every
// instruction, every second, third and seventh, print what they print in plain
// Lua. And once more while real slices end whenever they end.

#include "attacks.h"
#include "host.h"
#include "scripts.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 1 << 18, TIMES = 8, TICKS_MAX = 20000000 };

static int passed, failed;

static void append(char *text, const char *line) {
  size_t length = strlen(text);
  snprintf(text + length, TEXT_BYTES - length, "%s\n", line);
}

// -- In plain Lua -------------------------------------------------------------

static int print_plain(lua_State *L) {
  char *text = lua_touserdata(L, lua_upvalueindex(1));
  int count = lua_gettop(L);
  luaL_Buffer line;
  luaL_buffinit(L, &line);
  for (int i = 1; i <= count; i++) {
    if (i > 1)
      luaL_addchar(&line, '\t');
    luaL_tolstring(L, i, NULL);
    luaL_addvalue(&line);
  }
  luaL_pushresult(&line);
  append(text, lua_tostring(L, -1));
  return 0;
}

static void run_plain(const char *folder, const char *chunk, const char *code,
                      char *text) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  lua_pushlightuserdata(L, text);
  lua_pushcclosure(L, print_plain, 1);
  lua_setglobal(L, "print");
  lua_getglobal(L, "package");
  lua_pushfstring(L, "%s/?.lua", folder);
  lua_setfield(L, -2, "path");
  lua_pop(L, 1);
  // In a coroutine, as a hosted script is.
  lua_State *co = lua_newthread(L);
  int results;
  if (luaL_loadbuffer(co, code, strlen(code), chunk) != LUA_OK ||
      lua_resume(co, L, 0, &results) > LUA_YIELD)
    append(text, lua_tostring(co, -1));
  lua_close(L);
}

// -- Hosted -------------------------------------------------------------------

static void on_entry(void *user, const farside_entry *entry) {
  char *text = user;
  if (strcmp(entry->what, "log") == 0 || entry->level >= FARSIDE_ERROR)
    append(text, entry->why ? entry->why : entry->what);
}

static bool is_done(const farside_host *host) {
  return host->turns_queued == 0 && host->timers.heaps[0].leading == 0 &&
         host->timers.heaps[1].leading == 0;
}

static void run_hosted(const char *path, const char *code, int forced,
                       char *text) {
  farside_config config;
  farside_config_init(&config);
  config.on_entry = on_entry;
  config.user = text;
  config.limits.slice_ms = 1;
  config.limits.turn_ms = config.limits.cpu_ms = 100000;
  farside_host *host;
  if (farside_host_open(&config, &host) != FARSIDE_OK)
    abort();
  if (forced > 0) {
    far_watch_force(&host->watch, forced);
    farside_load_file(host, path, 0, NULL);
  } else {
    farside_source source; // The path of no file: for its folder.
    farside_source_init(&source);
    source.code = code;
    source.code_bytes = strlen(code);
    source.name = "times";
    farside_load(host, &source);
  }
  for (int i = 0; i < TICKS_MAX && !is_done(host); i++)
    farside_tick(host, 5);
  farside_host_close(host);
}

static void compare(const char *name, const char *how, const char *expected,
                    const char *got) {
  if (strcmp(expected, got) == 0) {
    passed++;
    return;
  }
  failed++;
  size_t at = 0;
  while (expected[at] != '\0' && expected[at] == got[at])
    at++;
  while (at > 0 && expected[at - 1] != '\n')
    at--;
  printf("not ok: %s, %s:\n  plain Lua: %.300s\n  here: %.300s\n", name, how,
         expected + at, got + at);
}

static void play(const char *folder, const char *name) {
  static char expected[TEXT_BYTES], got[TEXT_BYTES];
  char chunk[1400], how[64];
  const char *path = chunk + 1;
  char *code = file_read(folder, name);
  snprintf(chunk, sizeof chunk, "@%s/%s", folder, name);
  expected[0] = '\0';
  run_plain(folder, chunk, code, expected);
  if (expected[0] == '\0' || strstr(expected, "FAILED") != NULL) {
    failed++;
    printf("not ok: %s prints nothing, or fails in plain Lua\n", name);
  }
  static const int forced[] = {1, 2, 3, 7};
  for (size_t i = 0; i < sizeof forced / sizeof *forced; i++) {
    got[0] = '\0';
    run_hosted(path, code, forced[i], got);
    snprintf(how, sizeof how, "suspended every %d", forced[i]);
    compare(name, how, expected, got);
  }
  free(code);
}

// All programs that need no module, as functions of one script, several times
// over: long enough for real slices to end within.
static void play_slices(const char *folder, char **names, size_t count) {
  static char expected[TEXT_BYTES], got[TEXT_BYTES];
  for (size_t i = 0; i < count; i++) {
    char *code = file_read(folder, names[i]);
    if (strstr(code, "require") == NULL) {
      size_t bytes = strlen(code) + 256;
      char *whole = malloc(bytes);
      if (whole == NULL)
        abort();
      snprintf(whole, bytes,
               "local function program(...) %s\nend "
               "for i = 1, %d do program() end",
               code, TIMES);
      expected[0] = got[0] = '\0';
      run_plain(folder, "@times", whole, expected);
      snprintf(whole, bytes,
               "local function program(...) %s\nend setTimeout(function() "
               "for i = 1, %d do program() end end, 1)",
               code, TIMES);
      run_hosted(NULL, whole, 0, got);
      compare(names[i], "in slices", expected, got);
      free(whole);
    }
    free(code);
  }
}

int main(int argc, char **argv) {
  if (argc < 2)
    return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  char folder[1024];
  snprintf(folder, sizeof folder, "%s/programs", argv[1]);
  size_t count;
  char **names = folder_read(folder, ".lua", &count);
  for (size_t i = 0; i < count; i++)
    if ((argc < 3 || strcmp(argv[2], names[i]) == 0) &&
        strncmp(names[i], "module_", 7) != 0)
      play(folder, names[i]);
  if (argc < 3)
    play_slices(folder, names, count);
  folder_free(names, count);
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
