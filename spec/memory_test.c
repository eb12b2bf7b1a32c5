// Fails the nth allocation, for n = 1, 2, … until nothing fails any more, over
// opening a host, loading a script, living through a day, and closing. Nothing
// may crash, and nothing may be left: farside_host_close() checks the bytes it
// took itself, and the allocator here checks what it gave.

#include "device.h"
#include "farside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct heap {
  size_t fail_at; // The number of the allocation to refuse; zero for none.
  bool fails_on;  // Refuse every later one as well.
  size_t count;
  size_t used_bytes;
  size_t refused;
} heap;

static void *allocate(void *user, void *ptr, size_t bytes_old,
                      size_t bytes_new) {
  heap *mine = user;
  if (bytes_new == 0) {
    mine->used_bytes -= ptr ? bytes_old : 0;
    free(ptr);
    return NULL;
  }
  // Lua counts on it that shrinking never fails.
  bool grows = ptr == NULL || bytes_new > bytes_old;
  if (grows) {
    mine->count++;
    if (mine->fail_at != 0 &&
        (mine->count == mine->fail_at ||
         (mine->fails_on && mine->count > mine->fail_at))) {
      mine->refused++;
      return NULL;
    }
  }
  void *block = realloc(ptr, bytes_new);
  if (block == NULL)
    abort();
  mine->used_bytes += bytes_new - (ptr ? bytes_old : 0);
  return block;
}

static const char script[] =
    "local farside = require 'farside'\n"
    "local App = farside.Plugins.App\n"
    "local BackgroundTask = farside.Plugins.BackgroundTask\n"
    "local handle = App.addListener('appStateChange', function(state)\n"
    "  print('state', state.isActive, App.getState().state)\n"
    "  if state.isActive then return end\n"
    "  BackgroundTask.exec(function(task)\n"
    "    task:onExpire(function() print 'expiring' end)\n"
    "    setInterval(function(a, b) print(a, b) end, 900, 'tick', {})\n"
    "    for i = 1, 3 do farside.sleep(400) end\n"
    "    setTimeout(function() task:finish() end, 5)\n"
    "  end, { name = 'work', budget = '20s' })\n"
    "  BackgroundTask.exec(function() error 'broken' end)\n"
    "  BackgroundTask.exec(function() end)\n"
    "  BackgroundTask.exec(function()\n"
    "    local held <close> = setmetatable({}, { __close = print })\n"
    "    farside.sleep(1e9)\n"
    "  end, { onExpire = function() error 'in onExpire' end })\n"
    "end)\n"
    "App.once('pause', function() error { 'a table' } end)\n"
    "App.addListener('appUrlOpen', function(event) print(event.url) end)\n"
    "App.addListener('terminate', function(event)\n"
    "  print(event.reason, #BackgroundTask.list())\n"
    "  handle:remove()\n"
    "end)\n"
    "coroutine.wrap(function() farside.sleep(10) print 'woke' end)()\n"
    "print(pcall(BackgroundTask.finish, { taskId = 1 }))\n"
    "return 0\n";

// One life, with whatever fails in it.
static void live(heap *mine, const char *os) {
  far_device_config config = {.os = os, .allocate = allocate, .user = mine};
  far_device *device;
  farside_status status = far_device_open(&config, &device);
  if (status == FARSIDE_OK) {
    farside_host *host = far_device_host(device);
    far_device_launch(device, "user");
    status =
        farside_load_buffer(host, "app.lua", script, strlen(script), 0, NULL);
    if (status == FARSIDE_OK) {
      far_device_advance(device, 1000);
      far_device_press_home(device);
      far_device_advance(device, 60000);
      far_device_open_app(device);
      farside_post(host, "appUrlOpen", "{\"url\":\"app://x\"}");
      far_device_settle(device);
      far_device_press_home(device);
      far_device_advance(device, 1000);
      far_device_open_app(device);
      far_device_quit(device);
      far_device_advance(device, 10000);
    } else if (farside_error(host)[0] == '\0') {
      printf("a load failed without a sentence\n");
      abort();
    }
  }
  far_device_close(device);
  if (mine->used_bytes != 0) {
    printf("%zu bytes are left after failure %zu on %s\n", mine->used_bytes,
           mine->fail_at, os);
    abort();
  }
}

static size_t fail_each(const char *os, bool fails_on) {
  for (size_t n = 1;; n++) {
    heap mine = {.fail_at = n, .fails_on = fails_on};
    live(&mine, os);
    if (mine.refused == 0)
      return n - 1;
  }
}

int main(void) {
  heap whole = {0};
  live(&whole, "ios");
  printf("a day takes %zu allocations\n", whole.count);
  printf("each of %zu failed once\n", fail_each("ios", false));
  printf("all from each of %zu on failed\n", fail_each("android", true));
  return 0;
}
