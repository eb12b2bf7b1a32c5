// Fails the nth allocation, for n = 1, 2, … until nothing fails any more, over
// opening a host, loading a script, living through a day, and closing. Nothing
// may crash, and nothing may be left: farside_host_close() checks the bytes it
// took itself, and the allocator here checks what it gave.

#include "../bindings/bindings.h"
#include "device.h"

#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct heap {
  size_t fail_at; // The number of the allocation to refuse; zero for none.
  bool is_script; // It is the script that is refused, not the host.
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
    if (mine->fail_at != 0 && !mine->is_script &&
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
    "    for i = 1, 8 do\n"
    "      pcall(function()\n"
    "        coroutine.wrap(function() farside.sleep(5000) end)()\n"
    "      end)\n"
    "    end\n"
    "    collectgarbage('count')\n"
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

static void check_nothing_left(const heap *mine, const char *where) {
  if (mine->used_bytes == 0)
    return;
  printf("%zu bytes are left after failure %zu: %s\n", mine->used_bytes,
         mine->fail_at, where);
  abort();
}

static void refuse_script(const heap *mine, farside_host *host) {
  host->failing.at = mine->is_script ? mine->fail_at : 0;
  host->failing.and_after = mine->fails_on;
}

// One life on a phone, with whatever fails in it.
static void live_on_phone(heap *mine, const char *os) {
  far_device_config config = {.os = os, .allocate = allocate, .user = mine};
  far_device *device;
  farside_status status = far_device_open(&config, &device);
  if (status == FARSIDE_OK) {
    farside_host *host = far_device_host(device);
    refuse_script(mine, host);
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
    far_device_kill(device, "the test is over");
    mine->refused += (size_t)host->failing.refused;
  }
  far_device_close(device);
  check_nothing_left(mine, os);
}

// Transfers and files: answered, sent elsewhere, cut off by the network, by the
// end of a task and by a suspension.
static void live_with_http(heap *mine, const char *os) {
  static const char code[] =
      "local farside = require 'farside'\n"
      "local Http, Files = farside.Plugins.Http, farside.Plugins.Files\n"
      "local u = 'https://a.example.com/'\n"
      "local function try(fn, ...) pcall(fn, ...) end\n"
      "try(Files.write, 'f', ('x'):rep(900)) try(Files.list)\n"
      "setTimeout(function()\n"
      "  try(Http.post, { url = u, json = { a = 1 }, headers = { b = 'c' },\n"
      "    onProgress = function(p) print(p.sent) end })\n"
      "  try(Http.upload, { url = u, file = 'f' })\n"
      "  try(Http.upload, { url = u .. 'new', file = 'f', resume = 'range',\n"
      "    partBytes = 500 })\n"
      "  try(Http.download, { url = u, file = 'g' })\n"
      "  try(Http.get, u .. 'to')\n"
      "end, 1)\n"
      "farside.Plugins.BackgroundTask.exec(function(task)\n"
      "  try(Http.get, u, function(r) print(r and r.status) end)\n"
      "  farside.sleep(100) task:finish()\n"
      "end)\n"
      "setTimeout(function() try(Http.download, { url = u, file = 'h' }, print)"
      " end, 1500)\n";
  static const char *const granted[] = {"https://a.example.com/*", NULL};
  static const char to[] = "Location: /x";
  far_device_config config = {.os = os, .allocate = allocate, .user = mine};
  far_device *device;
  if (far_device_open(&config, &device) == FARSIDE_OK) {
    farside_host *host = far_device_host(device);
    far_answers *answers = far_device_answers(device);
    far_answer_rule rule = {.pattern = (char *)granted[0],
                            .times = FAR_NEVER,
                            .answer = {.status = 200,
                                       .rate = 10000,
                                       .body_bytes = 3000,
                                       .drop_bytes = FAR_NEVER,
                                       .stall_bytes = FAR_NEVER}};
    (void)far_answers_add(answers, &rule);
    rule.method = (char *)"HEAD";
    rule.pattern = (char *)"https://a.example.com/new";
    rule.answer.status = 404;
    (void)far_answers_add(answers, &rule);
    rule.method = NULL;
    rule.pattern = (char *)"https://a.example.com/to";
    rule.answer.status = 302;
    rule.answer.text = far_answers_text(answers, sizeof to);
    if (rule.answer.text != NULL) {
      memcpy(rule.answer.text, to, sizeof to);
      rule.answer.text_bytes = rule.answer.headers_bytes = sizeof to;
    }
    if (far_answers_add(answers, &rule) != FARSIDE_OK)
      far_answers_text_free(answers, &rule.answer);
    refuse_script(mine, host);
    far_device_launch(device, "user");
    farside_source source;
    farside_source_init(&source);
    source.code = code;
    source.code_bytes = sizeof code - 1;
    source.name = "app";
    source.grant.http = granted;
    if (farside_load(host, &source) == FARSIDE_OK) {
      far_device_advance(device, 1600);
      far_device_set_network(device, FARSIDE_NETWORK_NONE);
      far_device_set_network(device, FARSIDE_NETWORK_WIFI);
      far_device_advance(device, 100);
      far_device_press_home(device);
      far_device_advance(device, 30000);
      far_device_open_app(device);
    }
    far_device_kill(device, "the test is over");
    mine->refused += (size_t)host->failing.refused;
  }
  far_device_close(device);
  check_nothing_left(mine, os);
}

// Durable work, and a second life of it.
static void live_with_work(heap *mine, const char *os) {
  static const char code[] =
      "local farside = require 'farside'\n"
      "local App, B = farside.Plugins.App, farside.Plugins.BackgroundTask\n"
      "local Storage = farside.Plugins.Storage\n"
      "local function try(fn, ...)\n"
      "  local ok, id, why, name = pcall(fn, ...)\n"
      "  if ok and id == nil and fn ~= B.define then print(why, name) end\n"
      "  return ok and id or nil\n"
      "end\n"
      "App.addListener('storeFault', function(e) print(e.name) end)\n"
      "try(B.watch, { tag = 't' }, function(one) print(one.state) end)\n"
      "try(B.define, 'k', { retry = { base = '1s' }, aliases = { 'old' },\n"
      "  run = function(ctx)\n"
      "    ctx:save { n = (ctx.checkpoint.n or 0) + 1 }\n"
      "    ctx:progress(ctx.attempt)\n"
      "    if ctx.attempt == 1 then error 'once' end\n"
      "    farside.sleep(ctx.unique and 60000 or 10)\n"
      "    return { ctx.key, ctx.parents }\n"
      "  end })\n"
      "local a = try(B.enqueue, 'k', { x = { 1 } }, { tags = { 't', 's' } })\n"
      "local b = try(B.enqueue, 'old', nil, { after = a, group = 'g' })\n"
      "try(B.enqueue, 'k', 1, { unique = 'u', existing = 'update' })\n"
      "try(B.enqueue, 'k', 2, { unique = 'u', existing = 'append' })\n"
      "try(B.periodic, 'p', 'k', { cron = '0 8 * * *', zone = 'UTC' })\n"
      "try(B.enqueue, 'no', nil, { deadline = '1m', onParentFail = 'run' })\n"
      "try(Storage.transaction, function() B.enqueue('k', 3) end)\n"
      "B.exec(function(task)\n"
      "  farside.sleep(5000)\n"
      "  try(B.enqueue, 'k', 4, { durable = false })\n"
      "  try(B.get, a) try(B.query, { tag = 't' }) try(B.history, a)\n"
      "  try(B.explain, b) try(B.cancel, { kind = 'old' })\n"
      "  try(B.redrive, b) try(B.cancel, { unique = 'u' }) try(B.prune)\n"
      "  task:finish()\n"
      "end)\n";
  far_device_config config = {.os = os, .allocate = allocate, .user = mine};
  far_device *device;
  if (far_device_open(&config, &device) == FARSIDE_OK) {
    farside_host *host = far_device_host(device);
    for (int life = 0; life < 2; life++) {
      refuse_script(mine, host);
      far_device_launch(device, "user");
      if (farside_load_buffer(host, "app.lua", code, sizeof code - 1, 0,
                              NULL) == FARSIDE_OK) {
        far_device_advance(device, life == 0 ? 3000 : 30000);
        far_device_move_clock(device, -90000);
        far_device_press_home(device);
        far_device_advance(device, 10000);
        far_device_open_app(device);
        far_device_advance(device, life == 0 ? 10 : 10000);
      }
      far_device_kill(device, "the test is over");
    }
    mine->refused += (size_t)host->failing.refused;
  }
  far_device_close(device);
  check_nothing_left(mine, os);
}

// On real time, for a few milliseconds.
static void live_on_desktop(heap *mine, const char *profile) {
  static const char code[] =
      "local farside = require 'farside'\n"
      "farside.Plugins.BackgroundTask.exec(function(task)\n"
      "  farside.sleep(1) setTimeout(function() task:finish() end, 1)\n"
      "end)\n";
  farside_config config;
  farside_config_init(&config);
  config.profile = profile;
  config.allocate = allocate;
  config.user = mine;
  config.exit_when_idle = true;
  config.app_name = "name";
  config.grace_ms = 1;
  farside_host *host;
  if (farside_host_open(&config, &host) == FARSIDE_OK &&
      farside_load_buffer(host, "app.lua", code, sizeof code - 1, 0, NULL) ==
          FARSIDE_OK) {
    farside_post(host, "terminate", NULL);
    farside_run(host);
  }
  farside_host_close(host);
  check_nothing_left(mine, profile);
}

// In somebody else's interpreter, which runs out of memory.
static int live_borrowed(lua_State *L) {
  luaL_openlibs(L);
  luaL_requiref(L, "farside", luaopen_farside, 0);
  luaL_requiref(L, "farside.device", luaopen_farside_device, 0);
  lua_settop(L, 0);
  if (luaL_dostring(L, "local farside = require 'farside'\n"
                       "local device = require 'farside.device'\n"
                       "local phone <close> = device.open {}\n"
                       "phone:run 'setTimeout(print, 5, 1)'\n"
                       "phone:advance '1s'\n"
                       "assert(#phone:timeline() > 0 and phone:tasks())\n"
                       "farside.setTimeout(function() end, 1)\n"
                       "local id = farside.Plugins.BackgroundTask.exec(\n"
                       "  function(task) farside.sleep(1) task:finish() end)\n"
                       "farside.run()") != LUA_OK)
    return lua_error(L);
  return 0;
}

static void live_in_interpreter(heap *mine, const char *where) {
  lua_State *L = lua_newstate(allocate, mine);
  if (L != NULL) {
    lua_pushcfunction(L, live_borrowed);
    lua_pcall(L, 0, 0, 0);
    lua_close(L);
  }
  check_nothing_left(mine, where);
}

typedef void (*life)(heap *mine, const char *where);

// Every one of them, or every so many.
static size_t fail_each(life live, const char *where, bool is_script,
                        bool fails_on, size_t stride) {
  for (size_t n = 1;; n += stride) {
    heap mine = {.fail_at = n, .is_script = is_script, .fails_on = fails_on};
    live(&mine, where);
    if (mine.refused == 0)
      return n - 1;
  }
}

static int passed;

static void prove_some(const char *what, life live, const char *where,
                       bool is_script, size_t stride) {
  const char *which = stride > 1 ? "some" : "each";
  printf("ok %s: %s of %zu allocations failed once\n", what, which,
         fail_each(live, where, is_script, false, stride));
  printf("ok %s: all from %s of %zu on failed\n", what, which,
         fail_each(live, where, is_script, true, stride));
  passed += 2;
}

static void prove(const char *what, life live, const char *where,
                  bool is_script) {
  prove_some(what, live, where, is_script, 1);
}

// memory_test [stride]: of the longest lives only every so many allocations
// fail, 5 unless told.
int main(int argc, char **argv) {
  size_t stride = argc > 1 ? strtoul(argv[1], NULL, 10) : 5;
  prove("a phone by the rules of ios", live_on_phone, "ios", false);
  prove("a phone by the rules of android", live_on_phone, "android", false);
  prove("an app on that phone", live_on_phone, "android", true);
  prove("transfers on a phone", live_with_http, "android", false);
  prove("an app that has transfers", live_with_http, "android", true);
  prove_some("durable work on a phone", live_with_work, "ios", false, stride);
  prove_some("an app that has durable work", live_with_work, "desktop", true,
             stride);
  prove("a host on real time", live_on_desktop, "desktop", false);
  prove("plain Lua", live_in_interpreter, "interpreter", false);
  printf("%d passed, 0 failed\n", passed);
  return 0;
}
