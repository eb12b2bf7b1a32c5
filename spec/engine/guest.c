#include "guest.h"

#include "../check.h"
#include <dlfcn.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

static void *find(void *library, const char *name) {
  void *found = dlsym(library, name);
  if (found == NULL) {
    printf("not ok: %s\n", dlerror());
    exit(1);
  }
  return found;
}

// A pointer to data is no pointer to a function in C, and in POSIX it is.
#define FIND(field, name)                                                      \
  do {                                                                         \
    void *found = find(mine.library, name);                                    \
    memcpy(&mine.field, &found, sizeof found);                                 \
  } while (0)

guest guest_load(const char *path, int flags) {
  guest mine = {.library = dlopen(path, RTLD_NOW | flags)};
  if (mine.library == NULL) {
    printf("not ok: %s\n", dlerror());
    exit(1);
  }
  FIND(abi, "farside_abi");
  FIND(open, "farside_open");
  FIND(load, "farside_load_buffer");
  FIND(run, "farside_run");
  FIND(start, "farside_start");
  FIND(tick, "farside_tick");
  FIND(post, "farside_post");
  FIND(poll, "farside_poll");
  FIND(wake_fd, "farside_wake_fd");
  FIND(close, "farside_host_close");
  FIND(get_stats, "farside_get_stats");
  check(mine.abi() == FARSIDE_ABI);
  return mine;
}

void guest_unload(const guest *mine) {
  check(dlclose(mine->library) == 0);
}

farside_host *guest_host(const guest *mine, const char *options,
                         const char *code) {
  farside_host *host = NULL;
  char error[256] = "", whole[2048];
  check_in(mine->open(options, &host, error, sizeof error) == FARSIDE_OK,
           error);
  snprintf(whole, sizeof whole,
           "local farside = require 'farside' local App, BackgroundTask = "
           "farside.Plugins.App, farside.Plugins.BackgroundTask "
           "local function tell(...) farside.postMessage('host', ...) end %s",
           code);
  check(mine->load(host, "app.lua", whole, strlen(whole), 0, NULL) ==
        FARSIDE_OK);
  return host;
}

void guest_wait(const guest *mine, farside_host *host, char *text,
                size_t bytes) {
  struct pollfd fd = {.fd = mine->wake_fd(host), .events = POLLIN};
  while (mine->poll(host, text, bytes) == 0)
    poll(&fd, 1, -1);
}

void guest_live(const guest *mine) {
  static const char code[] =
      "App.addListener('pause', function()"
      "  BackgroundTask.exec(function(task)"
      "    farside.sleep(5)"
      "    local up = setmetatable({}, { __close = function() tell 'closed' "
      "end })"
      "    do local gone <close> = up end"
      "    local ok, why = pcall(error, { 'thrown' })"
      "    tell { _VERSION, 7 // 2, why[1], #string.rep('x', 100000) }"
      "    task:finish() App.exitApp() end) end)";
  char text[256];
  farside_host *host =
      guest_host(mine, "{\"polls\":[\"message\"],\"store\":\"\"}", code);
  check(mine->start(host) == FARSIDE_OK);
  check(mine->post(host, "pause", NULL) == FARSIDE_OK);
  guest_wait(mine, host, text, sizeof text);
  check_in(strstr(text, "\"closed\"") != NULL, text);
  guest_wait(mine, host, text, sizeof text);
  check_in(strstr(text, "[\"Lua 5.4\",3,\"thrown\",100000]") != NULL, text);
  guest_wait(mine, host, text, sizeof text);
  check_in(strcmp(text, "{\"event\":\"ended\"}") == 0, text);
  mine->close(host);
}
