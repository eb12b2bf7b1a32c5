// The C API as an embedder uses it: real time, other threads, a platform of its
// own. No test here asserts how long something took: each waits for an answer.

#include "check.h"
#include "farside.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

// -- What the host reports ----------------------------------------------------

typedef struct recorder {
  char said[4096];     // What the scripts printed, a line each.
  char happened[8192]; // What the timeline tells.
  farside_host *host;
  void (*on_word)(struct recorder *mine, const char *word);
  int holds, releases, suspends;
  int64_t remaining_ms;
  bool can_minimize;
  farside_wake_request wake;
  int wakes;
  bool is_offline;
} recorder;

static void append(char *buffer, size_t bytes, const char *word) {
  size_t length = strlen(buffer);
  snprintf(buffer + length, bytes - length, "%s\n", word);
}

static void on_entry(void *user, const farside_entry *entry) {
  recorder *mine = user;
  bool is_log = strcmp(entry->what, "log") == 0;
  const char *word = is_log ? entry->why : entry->what;
  if (is_log)
    append(mine->said, sizeof mine->said, word);
  append(mine->happened, sizeof mine->happened, word);
  if (mine->on_word != NULL)
    mine->on_word(mine, word);
}

static farside_host *open_host(recorder *mine, const farside_platform *platform,
                               bool exit_when_idle) {
  farside_config config;
  farside_config_init(&config);
  config.on_entry = on_entry;
  config.user = mine;
  config.platform = platform;
  config.exit_when_idle = exit_when_idle;
  check(farside_host_open(&config, &mine->host) == FARSIDE_OK);
  return mine->host;
}

static farside_status load(farside_host *host, const char *code) {
  char whole[4096];
  snprintf(whole, sizeof whole,
           "local farside = require 'farside' local App, BackgroundTask = "
           "farside.Plugins.App, farside.Plugins.BackgroundTask %s",
           code);
  return farside_load_buffer(host, "app.lua", whole, strlen(whole), 0, NULL);
}

// -- Opening and closing ------------------------------------------------------

// Ticks until nothing is due: one tick may be too short on a busy machine.
static void settle(farside_host *host) {
  do
    farside_tick(host, 100);
  while (farside_tick_in(host) == 0);
}

static void test_config(void) {
  farside_host *host = (farside_host *)&host;
  farside_config config;
  memset(&config, 0, sizeof config);
  check(farside_host_open(&config, &host) == FARSIDE_INVALID);
  check(host == NULL);
  check(farside_host_open(NULL, &host) == FARSIDE_INVALID);

  farside_config_init(&config);
  config.profile = "palmos";
  check(farside_host_open(&config, &host) == FARSIDE_INVALID);
  farside_config_init(&config);
  farside_platform platform = {.version = FARSIDE_PLATFORM_VERSION + 1};
  config.platform = &platform;
  check(farside_host_open(&config, &host) == FARSIDE_INVALID);

  farside_config_init(&config);
  check(farside_host_open(&config, &host) == FARSIDE_OK);
  check(strcmp(farside_error(host), "") == 0);
  check(!farside_has_ended(host));
  farside_host_close(host);
  farside_host_close(NULL);
  check(strcmp(farside_version(), FARSIDE_VERSION) == 0);
  check(strcmp(farside_status_name(FARSIDE_NOTASK), "NOTASK") == 0);
  check(strcmp(farside_status_text(FARSIDE_NOTASK), "no task has this id") ==
        0);
  check(strcmp(farside_status_name((farside_status)99), "UNKNOWN") == 0);
}

static void test_load_failures(void) {
  recorder mine = {0};
  farside_host *host = open_host(&mine, NULL, true);
  check(farside_load_file(host, "/no/such/file.lua", 0, NULL) ==
        FARSIDE_NOFILE);
  check(strstr(farside_error(host), "/no/such/file.lua") != NULL);
  check(farside_load_file(host, "/", 0, NULL) == FARSIDE_NOFILE);
  check(load(host, "x = = 1") == FARSIDE_SYNTAX);
  check(strstr(farside_error(host), "app.lua:1:") != NULL);
  check(load(host, "error 'at load'") == FARSIDE_SCRIPT);
  check(strstr(farside_error(host), "app.lua:1: at load") != NULL);
  check(farside_load_buffer(host, "b.lua", "\x1bLua", 4, 0, NULL) ==
        FARSIDE_SYNTAX);
  check(farside_load_buffer(host, NULL, "", 0, 0, NULL) == FARSIDE_INVALID);
  check(farside_load_file(host, NULL, 0, NULL) == FARSIDE_INVALID);
  check(farside_load_file(NULL, "x", 0, NULL) == FARSIDE_INVALID);
  farside_stats stats;
  farside_get_stats(host, &stats);
  check(stats.errors >= 4);
  check(load(host, "print 'still works'") == FARSIDE_OK);
  check(strstr(mine.said, "still works\n") != NULL);
  farside_host_close(host);
}

static void test_arguments(void) {
  recorder mine = {0};
  farside_host *host = open_host(&mine, NULL, true);
  const char *argv[] = {"one", "two", NULL};
  const char code[] = "print(..., arg[0], #arg, arg[2])";
  check(farside_load_buffer(host, "dir/a.lua", code, sizeof code - 1, 2,
                            argv) == FARSIDE_OK);
  check(strcmp(mine.said, "one\tdir/a.lua\t2\ttwo\n") == 0);
  farside_host_close(host);
}

// -- Running on real time -----------------------------------------------------

static void test_run(void) {
  recorder mine = {0};
  farside_host *host = open_host(&mine, NULL, true);
  check(load(host, "setTimeout(function() print 'two' end, 20) print 'one' "
                   "BackgroundTask.exec(function(task) farside.sleep(40) print "
                   "'three' task:finish() end)") == FARSIDE_OK);
  check(farside_run(host) == FARSIDE_OK);
  check(strcmp(mine.said, "one\ntwo\nthree\n") == 0);
  farside_stats stats;
  farside_get_stats(host, &stats);
  check(stats.tasks_begun == 1 && stats.finished == 1 && stats.tasks_open == 0);
  check(stats.memory_bytes > 0);
  farside_host_close(host);
}

static void test_tick(void) {
  recorder mine = {0};
  farside_host *host = open_host(&mine, NULL, false);
  check(load(host, "setTimeout(App.exitApp, 30) App.addListener('terminate', "
                   "function(event) print(event.reason) end)") == FARSIDE_OK);
  // A game of as many frames as it takes.
  while (farside_tick(host, 2) == FARSIDE_OK)
    uv_sleep(1);
  check(farside_has_ended(host));
  check(farside_tick(host, 2) == FARSIDE_CLOSED);
  check(farside_run(host) == FARSIDE_OK);
  check(strcmp(mine.said, "exitApp\n") == 0);
  farside_host_close(host);
}

// A tick of no time does one thing at most, and loses nothing.
static void test_tick_budget(void) {
  recorder mine = {0};
  farside_host *host = open_host(&mine, NULL, false);
  check(load(host, "for i = 1, 50 do BackgroundTask.exec(function(task) "
                   "task:finish() end) end") == FARSIDE_OK);
  farside_stats stats = {.finished = 0};
  uint64_t before = 0;
  int ticks = 0;
  while (stats.finished < 50 && ticks < 1000000) {
    farside_tick(host, 0);
    ticks++;
    farside_get_stats(host, &stats);
    check(stats.finished <= before + 1);
    before = stats.finished;
  }
  check(ticks >= 50);
  farside_host_close(host);
}

static bool is_undisturbed(long ms) {
  struct timespec rest = {.tv_nsec = ms * 1000 * 1000};
  return nanosleep(&rest, NULL) == 0;
}

// The alarm of a script that was suspended does not ring in the game.
static void test_undisturbed_game(void) {
  recorder mine = {0};
  farside_config config;
  farside_config_init(&config);
  config.on_entry = on_entry;
  config.user = &mine;
  config.limits.turn_ms = 20;
  farside_host *host;
  check(farside_host_open(&config, &host) == FARSIDE_OK);
  check(load(host, "setInterval(function() for i = 1, 1e5 do end end, 1)") ==
        FARSIDE_OK);
  check(is_undisturbed(25));
  for (int frame = 0; frame < 20; frame++) {
    check(farside_tick(host, 2) == FARSIDE_OK);
    check(is_undisturbed(3));
  }
  farside_host_close(host);
}

// A timer that is due already when the loop is entered must not be waited for.
static void test_busy_timers(void) {
  recorder mine = {0};
  farside_host *host = open_host(&mine, NULL, true);
  check(load(host, "local n, id = 0 id = setInterval(function() n = n + 1 "
                   "for i = 1, n % 7 * 4000 do end if n == 400 then "
                   "clearInterval(id) print 'done' end end, 1)") == FARSIDE_OK);
  check(farside_run(host) == FARSIDE_OK);
  check(strcmp(mine.said, "done\n") == 0);
  farside_host_close(host);
}

// A script that always has one more turn keeps nobody out.
static void test_endless_turns(void) {
  recorder mine = {0};
  farside_host *host = open_host(&mine, NULL, true);
  check(load(host, "local function again() BackgroundTask.exec(function(task) "
                   "task:finish() again() end) end again() "
                   "App.addListener('memoryWarning', function() print 'heard' "
                   "App.exitApp() end) "
                   "setTimeout(print, 5, 'timer')") == FARSIDE_OK);
  check(farside_post(host, "pause", NULL) == FARSIDE_OK);
  farside_stats stats = {.finished = 0};
  while (strstr(mine.said, "timer") == NULL)
    check(farside_tick(host, 1) == FARSIDE_OK);
  check(farside_post(host, "memoryWarning", "{}") == FARSIDE_OK);
  while (strstr(mine.said, "heard") == NULL)
    check(farside_tick(host, 1) == FARSIDE_OK);
  farside_get_stats(host, &stats);
  check(stats.finished > 1);
  farside_host_close(host);
}

static void test_no_end_of_grace(void) {
  recorder mine = {0};
  farside_config config;
  farside_config_init(&config);
  config.on_entry = on_entry;
  config.user = &mine;
  config.grace_ms = UINT64_MAX;
  check(farside_host_open(&config, &mine.host) == FARSIDE_OK);
  check(load(mine.host,
             "BackgroundTask.exec(function(task) App.exitApp() "
             "farside.sleep(10) print(task:finish()) end)") == FARSIDE_OK);
  check(farside_run(mine.host) == FARSIDE_OK);
  check(strcmp(mine.said, "true\n") == 0);
  farside_host_close(mine.host);
}

// What is loaded into a sleeping app runs, under a budget, and it sleeps again.
static void test_load_while_suspended(void) {
  recorder mine = {0};
  farside_host *host = open_host(&mine, NULL, false);
  check(load(host, "App.addListener('resume', App.exitApp)") == FARSIDE_OK);
  farside_post(host, "pause", NULL);
  settle(host);
  check(strstr(mine.happened, "app.suspend") != NULL);
  mine.happened[0] = 0;
  check(load(host, "BackgroundTask.exec(function(task) print(task:remaining() "
                   "< 1e6) farside.sleep(1) task:finish() end)") == FARSIDE_OK);
  while (strstr(mine.happened, "app.suspend") == NULL)
    farside_tick(host, 10);
  check(strcmp(mine.said, "true\n") == 0);
  farside_host_close(host);
}

// -- The embedder's platform --------------------------------------------------

static void hold(void *self) {
  ((recorder *)self)->holds++;
}

static void release(void *self) {
  ((recorder *)self)->releases++;
}

static void suspend(void *self) {
  recorder *mine = self;
  mine->suspends++;
  farside_post(mine->host, "resume", NULL);
}

static int64_t time_remaining(void *self) {
  return ((recorder *)self)->remaining_ms;
}

static int minimize(void *self) {
  recorder *mine = self;
  if (!mine->can_minimize)
    return -1;
  farside_post(mine->host, "pause", NULL);
  return 0;
}

static farside_platform platform_of(recorder *mine) {
  return (farside_platform){.version = FARSIDE_PLATFORM_VERSION,
                            .self = mine,
                            .hold = hold,
                            .release = release,
                            .suspend = suspend,
                            .time_remaining = time_remaining,
                            .minimize = minimize};
}

static void test_platform(void) {
  recorder mine = {.remaining_ms = -1};
  farside_platform platform = platform_of(&mine);
  farside_host *host = open_host(&mine, &platform, false);
  memset(&platform, 0, sizeof platform); // It was copied.
  check(load(host, "App.addListener('pause', function() print 'pause' "
                   "for i = 1, 2 do BackgroundTask.exec(function(task) "
                   "farside.sleep(10 * i) task:finish() end) end end) "
                   "App.addListener('resume', function() print 'resume' "
                   "App.exitApp() end)") == FARSIDE_OK);
  check(farside_post(host, "pause", NULL) == FARSIDE_OK);
  check(farside_run(host) == FARSIDE_OK);
  check(strcmp(mine.said, "pause\nresume\n") == 0);
  check(mine.holds == 1 && mine.releases == 1 && mine.suspends == 1);
  farside_host_close(host);
}

// The OS leaves less time than the profile promises.
static void test_time_remaining(void) {
  recorder mine = {.remaining_ms = 50};
  farside_platform platform = platform_of(&mine);
  farside_host *host = open_host(&mine, &platform, false);
  check(load(host, "App.addListener('pause', function() "
                   "BackgroundTask.exec(function(task) print(task:remaining() "
                   "<= 50) farside.sleep(1e9) end) end) "
                   "App.addListener('resume', App.exitApp)") == FARSIDE_OK);
  farside_post(host, "pause", NULL);
  check(farside_run(host) == FARSIDE_OK);
  check(strcmp(mine.said, "true\n") == 0);
  farside_stats stats;
  farside_get_stats(host, &stats);
  check(stats.expired == 1 && stats.leaked == 1);
  farside_host_close(host);
}

static void test_minimize(void) {
  for (int can = 0; can < 2; can++) {
    recorder mine = {.remaining_ms = -1, .can_minimize = can};
    farside_platform platform = platform_of(&mine);
    farside_host *host = open_host(&mine, &platform, false);
    check(load(host, "App.addListener('resume', App.exitApp) "
                     "setTimeout(function() print((App.minimizeApp())) "
                     "if not App.minimizeApp() then App.exitApp() end end)") ==
          FARSIDE_OK);
    check(farside_run(host) == FARSIDE_OK);
    check(strcmp(mine.said, can ? "true\n" : "nil\n") == 0);
    farside_host_close(host);
  }
}

// -- Durable work -------------------------------------------------------------

// Asks to be woken, and is: what the OS would do with the request.
static int wake_at(void *self, const farside_wake_request *request) {
  recorder *mine = self;
  mine->wake = *request;
  mine->wakes++;
  return 0;
}

static void conditions(void *self, farside_conditions *now) {
  *now = (farside_conditions){.network = ((recorder *)self)->is_offline
                                             ? FARSIDE_NETWORK_NONE
                                             : FARSIDE_NETWORK_WIFI,
                              .is_battery_ok = true,
                              .is_storage_ok = true};
}

static void stay_asleep(void *self) {
  ((recorder *)self)->suspends++;
}

// Work that has to wait for the network: the app sleeps, the platform is asked
// to wake it, and when it has, the work is done, and the app sleeps again.
static void test_work(void) {
  recorder mine = {.remaining_ms = -1, .is_offline = true};
  farside_platform platform = platform_of(&mine);
  platform.suspend = stay_asleep;
  platform.wake_at = wake_at;
  platform.conditions = conditions;
  farside_host *host = open_host(&mine, &platform, false);
  check(farside_open_store(host, NULL) == FARSIDE_OK);
  check(farside_open_store(host, NULL) == FARSIDE_BUSY);
  check(load(host,
             "BackgroundTask.define('send', { run = function(ctx) "
             "farside.sleep(1) print('sent', ctx.input, ctx:save(1)) end }) "
             "App.addListener('wake', function(wake) "
             "print(wake.reason, wake.budgetMs) end) "
             "App.addListener('pause', function() BackgroundTask.enqueue("
             "'send', 'hello', { needs = { network = 'connected' } }) end)") ==
        FARSIDE_OK);
  farside_post(host, "pause", NULL);
  while (mine.suspends == 0)
    farside_tick(host, 10);
  check(mine.wakes >= 1 && mine.wake.needs_network);
  check(mine.wake.kind == FARSIDE_WAKE_REFRESH && mine.wake.after_ms == 0);
  check(mine.said[0] == '\0');
  mine.is_offline = false;
  check(farside_post(host, "wake", "{\"reason\":7}") == FARSIDE_INVALID);
  check(farside_post(host, "wake", "{\"budgetMs\":20000}") == FARSIDE_OK);
  while (mine.suspends == 1)
    farside_tick(host, 10);
  check(strcmp(mine.said, "fetch\t20000\nsent\thello\ttrue\n") == 0);
  check(strstr(mine.happened, "work.succeed") != NULL);
  check(mine.holds == mine.releases && mine.holds == 1);
  farside_host_close(host);
}

// -- Falling asleep -----------------------------------------------------------

typedef struct sleeper {
  farside_host *host;
  char log[80]; // SQLite's, beside the file.
  int64_t busy_bytes, asleep_bytes;
} sleeper;

static int64_t bytes_of(const char *path) {
  struct stat about;
  return stat(path, &about) == 0 ? (int64_t)about.st_size : -1;
}

static void look_awake(void *user, const farside_entry *entry) {
  sleeper *mine = user;
  if (strcmp(entry->what, "log") == 0)
    mine->busy_bytes = bytes_of(mine->log);
}

static void look_asleep(void *self) {
  sleeper *mine = self;
  mine->asleep_bytes = bytes_of(mine->log);
  farside_stop(mine->host);
}

// What is in the log is in the file, and the log is empty, before the process
// is frozen: who is frozen may be killed, and must not leave others a log to
// recover.
static void test_store_asleep(void) {
  char folder[] = "/tmp/farside-asleep-XXXXXX", path[64];
  if (mkdtemp(folder) == NULL)
    abort();
  sleeper mine = {.busy_bytes = -1, .asleep_bytes = -1};
  snprintf(path, sizeof path, "%s/app.db", folder);
  snprintf(mine.log, sizeof mine.log, "%s-wal", path);
  farside_platform platform = {.version = FARSIDE_PLATFORM_VERSION,
                               .self = &mine,
                               .suspend = look_asleep};
  farside_config config;
  farside_config_init(&config);
  config.on_entry = look_awake;
  config.user = &mine;
  config.platform = &platform;
  check(farside_host_open(&config, &mine.host) == FARSIDE_OK);
  check(farside_open_store(mine.host, path) == FARSIDE_OK);
  check(load(mine.host, "App.addListener('pause', function() "
                        "BackgroundTask.exec(function(task) "
                        "print(BackgroundTask.enqueue('send', 1)) "
                        "task:finish() end) end)") == FARSIDE_OK);
  check(farside_post(mine.host, "pause", NULL) == FARSIDE_OK);
  check(farside_run(mine.host) == FARSIDE_OK);
  check(mine.busy_bytes > 0);
  check(mine.asleep_bytes == 0);
  farside_host_close(mine.host);
  check(bytes_of(mine.log) == -1);
  static const char *const ends[] = {"", "-shm", ".lock"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    char name[80];
    snprintf(name, sizeof name, "%s%s", path, ends[i]);
    unlink(name);
  }
  check(rmdir(folder) == 0);
}

// -- Other threads ------------------------------------------------------------

enum { POSTS = 2000 };

static void post_many(void *arg) {
  farside_host *host = arg;
  char json[64];
  for (int i = 1; i <= POSTS; i++) {
    snprintf(json, sizeof json, "{\"level\":\"%d\"}", i);
    if (farside_post(host, "memoryWarning", json) != FARSIDE_OK)
      abort();
    if (i % 100 == 0)
      farside_post(host, i % 200 ? "pause" : "resume", NULL);
  }
  farside_post(host, "terminate", "{\"reason\":\"thread\",\"graceMs\":0}");
}

static void test_posts_from_a_thread(void) {
  recorder mine = {.remaining_ms = -1};
  farside_host *host = open_host(&mine, NULL, false);
  check(load(host,
             "local last, ordered = 0, true "
             "App.addListener('memoryWarning', function(event) "
             "local n = tonumber(event.level) ordered = ordered and n == last "
             "+ 1 last = n end) "
             "App.addListener('terminate', function(event) print(last, "
             "ordered, event.reason, event.graceMs) end)") == FARSIDE_OK);
  uv_thread_t thread;
  check(uv_thread_create(&thread, post_many, host) == 0);
  check(farside_run(host) == FARSIDE_OK);
  uv_thread_join(&thread);
  check(strcmp(mine.said, "2000\ttrue\tthread\t0\n") == 0);
  farside_host_close(host);
}

static void stop_it(void *arg) {
  farside_stop(arg);
}

static void test_stop_from_a_thread(void) {
  recorder mine = {0};
  farside_host *host = open_host(&mine, NULL, false);
  check(load(host, "App.addListener('terminate', function() print 'told' end) "
                   "BackgroundTask.exec(function() farside.sleep(1e9) end)") ==
        FARSIDE_OK);
  uv_thread_t thread;
  check(uv_thread_create(&thread, stop_it, host) == 0);
  check(farside_run(host) == FARSIDE_OK);
  uv_thread_join(&thread);
  check(strcmp(mine.said, "") == 0);
  farside_stats stats;
  farside_get_stats(host, &stats);
  check(stats.cancelled == 1);
  farside_host_close(host);
}

static void run_it(void *arg) {
  farside_run(arg);
}

// A thread of the embedder's runs the host; the main thread is the engine.
static void test_run_on_a_thread(void) {
  recorder mine = {.remaining_ms = -1};
  farside_host *host = open_host(&mine, NULL, false);
  check(load(host,
             "App.addListener('pause', function() "
             "BackgroundTask.exec(function(task) farside.sleep(20) print "
             "'saved' task:finish() App.exitApp() end) end)") == FARSIDE_OK);
  uv_thread_t thread;
  check(uv_thread_create(&thread, run_it, host) == 0);
  check(farside_post(host, "pause", NULL) == FARSIDE_OK);
  uv_thread_join(&thread);
  check(strcmp(mine.said, "saved\n") == 0);
  farside_host_close(host);
}

static void test_refused_posts(void) {
  recorder mine = {0};
  farside_host *host = open_host(&mine, NULL, true);
  check(farside_post(host, "paus", NULL) == FARSIDE_INVALID);
  check(farside_post(host, NULL, NULL) == FARSIDE_INVALID);
  check(farside_post(host, "launch", NULL) == FARSIDE_INVALID);
  check(farside_post(host, "appUrlOpen", "{\"url\":") == FARSIDE_INVALID);
  check(farside_post(host, "appUrlOpen", "[]") == FARSIDE_INVALID);
  check(farside_post(host, "pause", NULL) == FARSIDE_OK); // Nothing runs yet.
  check(farside_post(host, "appUrlOpen", "{\"url\":\"x\"}") == FARSIDE_OK);
  farside_host_close(host); // With posts that nobody took.
}

// -- Calls from inside callbacks ----------------------------------------------

static void call_back(recorder *mine, const char *word) {
  if (strcmp(word, "now") != 0)
    return;
  check(farside_run(mine->host) == FARSIDE_BUSY);
  check(farside_tick(mine->host, 1) == FARSIDE_BUSY);
  check(load(mine->host, "") == FARSIDE_BUSY);
  check(strlen(farside_error(mine->host)) > 0);
  check(farside_post(mine->host, "memoryWarning", "{}") == FARSIDE_OK);
}

static void test_busy(void) {
  recorder mine = {.on_word = call_back};
  farside_host *host = open_host(&mine, NULL, true);
  check(load(host, "App.once('memoryWarning', function() print 'low' end) "
                   "setTimeout(print, 1, 'now')") == FARSIDE_OK);
  check(farside_run(host) == FARSIDE_OK);
  check(strcmp(mine.said, "now\nlow\n") == 0);
  farside_host_close(host);
}

static void close_on(recorder *mine, const char *word) {
  if (strcmp(word, "close") == 0) {
    farside_host_close(mine->host);
    farside_host_close(mine->host); // Twice is once.
  }
}

static void test_close_from_a_callback(void) {
  static const char *const codes[] = {
      "setTimeout(print, 1, 'close')",
      "BackgroundTask.exec(function(task) print 'close' task:finish() end)",
      "BackgroundTask.exec(function() print 'close' farside.sleep(1e9) end)",
      "App.addListener('launch', function() print 'close' error 'x' end)",
      "coroutine.wrap(function() farside.sleep(1) print 'close' end)()",
      "setInterval(function() print 'close' end, 1)",
  };
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    recorder mine = {.on_word = close_on};
    farside_host *host = open_host(&mine, NULL, false);
    check(load(host, codes[i]) == FARSIDE_OK);
    check(farside_run(host) == FARSIDE_CLOSED);
  }
  recorder mine = {.on_word = close_on};
  farside_host *host = open_host(&mine, NULL, false);
  check(load(host, "print 'close'") == FARSIDE_CLOSED);

  recorder ticked = {.on_word = close_on};
  host = open_host(&ticked, NULL, false);
  check(load(host, "BackgroundTask.exec(function(task) print 'close' end)") ==
        FARSIDE_OK);
  farside_status status = FARSIDE_OK;
  while (status == FARSIDE_OK)
    status = farside_tick(host, 10);
  check(status == FARSIDE_CLOSED);
}

static void close_on_end(recorder *mine, const char *word) {
  if (strcmp(word, "app.end") == 0 || strcmp(word, "task.cancel") == 0)
    farside_host_close(mine->host);
}

static void test_close_while_closing(void) {
  recorder mine = {.on_word = close_on_end};
  farside_host *host = open_host(&mine, NULL, false);
  check(load(host, "BackgroundTask.exec(function() farside.sleep(1e9) end)") ==
        FARSIDE_OK);
  farside_host_close(host);

  recorder ended = {.on_word = close_on_end};
  host = open_host(&ended, NULL, false);
  check(load(host, "setTimeout(App.exitApp, 1)") == FARSIDE_OK);
  check(farside_run(host) == FARSIDE_CLOSED);
}

// -- Many ---------------------------------------------------------------------

static void test_two_scripts(void) {
  recorder mine = {0};
  farside_host *host = open_host(&mine, NULL, true);
  check(load(host, "x = 'mine' App.addListener('terminate', function() "
                   "print(x) end) id = BackgroundTask.exec(function(t) "
                   "farside.sleep(5) print(t:finish()) end)") == FARSIDE_OK);
  check(load(host,
             "print(x) App.addListener('terminate', function() print "
             "'other' end) print(select(3, BackgroundTask.finish{ "
             "taskId = 70001 })) setTimeout(App.exitApp, 20)") == FARSIDE_OK);
  check(farside_run(host) == FARSIDE_OK);
  check(strcmp(mine.said, "nil\nNOTASK\ntrue\nmine\nother\n") == 0);
  farside_host_close(host);
}

static int open_camera(struct lua_State *L) {
  (void)L;
  return 0; // No value: require answers true.
}

static void hear(void *user, const char *script, const char *json) {
  recorder *mine = user;
  append(mine->said, sizeof mine->said, script);
  append(mine->said, sizeof mine->said, json);
}

static const farside_module modules[] = {{"camera", open_camera}, {NULL, NULL}};

static farside_host *open_host_with_modules(recorder *mine) {
  farside_config config;
  farside_config_init(&config);
  config.on_entry = on_entry;
  config.on_message = hear;
  config.user = mine;
  config.modules = modules;
  config.exit_when_idle = true;
  check(farside_host_open(&config, &mine->host) == FARSIDE_OK);
  return mine->host;
}

static farside_status load_with(farside_host *host, const char *name,
                                const char *code,
                                const farside_manifest *manifest,
                                const char *const *granted) {
  farside_source source;
  farside_source_init(&source);
  source.name = name;
  source.code = code;
  source.code_bytes = strlen(code);
  source.manifest = manifest;
  source.grant.modules = granted;
  return farside_load(host, &source);
}

static void test_modules(void) {
  static const char code[] = "print(pcall(require, 'camera'))";
  static const char *const none[] = {NULL}, *const camera[] = {"camera", NULL};
  farside_manifest asks = {.needs.modules = camera};
  farside_manifest modest = {.needs.modules = none};
  recorder mine = {0};
  farside_host *host = open_host_with_modules(&mine);
  check(load_with(host, "a.lua", code, NULL, NULL) == FARSIDE_OK);
  check(load_with(host, "b.lua", code, &asks, camera) == FARSIDE_OK);
  check(strcmp(mine.said, "true\ttrue\t:preload:\n"
                          "true\ttrue\t:preload:\n") == 0);
  mine.said[0] = '\0';
  check(load_with(host, "c.lua", code, NULL, none) == FARSIDE_OK);
  check(load_with(host, "d.lua", code, &modest, NULL) == FARSIDE_OK);
  check(strstr(mine.said, "true\t") == NULL);
  check(strstr(mine.said, "not granted to this script") != NULL);
  check(load_with(host, "e.lua", code, &asks, none) == FARSIDE_DENIED);
  check(strstr(farside_error(host), "e.lua: it asks for module camera") !=
        NULL);
  farside_host_close(host);
}

static void test_messages(void) {
  recorder mine = {0};
  farside_host *host = open_host_with_modules(&mine);
  check(load(host, "App.addListener('message', function(message)"
                   "  print(message.from, message.data.n)"
                   "  print(farside.postMessage('host', {message.data.n + 1}))"
                   " end)") == FARSIDE_OK);
  check(farside_send(host, "app", "{\"n\":") == FARSIDE_INVALID);
  check(farside_send(host, "app", "{\"n\":41}") == FARSIDE_OK);
  check(farside_send(host, "nobody", "1") == FARSIDE_OK);
  settle(host);
  check(strstr(mine.said, "host\t41\napp\n[42]\ntrue\n") != NULL);
  check(strstr(mine.said, "a message to nobody is lost: no script has this "
                          "name\n") != NULL);
  farside_host_close(host);
}

static void test_close_and_reload(void) {
  recorder mine = {0};
  farside_host *host = open_host(&mine, NULL, true);
  farside_script about;
  check(load(host, "setTimeout(print, 1e6) print('loaded')") == FARSIDE_OK);
  check(load(host, "setTimeout(print, 1e6)") == FARSIDE_OK);
  check(farside_script_at(host, 1, &about) && strcmp(about.name, "app-2") == 0);
  check(farside_script_reload(host, "app") == FARSIDE_OK);
  check(strcmp(mine.said, "loaded\nloaded\n") == 0);
  check(farside_script_at(host, 0, &about) && strcmp(about.name, "app-2") == 0);
  check(farside_script_close(host, "app-2") == FARSIDE_OK);
  check(farside_script_close(host, "app-2") == FARSIDE_NOSCRIPT);
  check(farside_script_reload(host, "app-2") == FARSIDE_NOSCRIPT);
  check(strstr(mine.happened, "script.reload\n") != NULL);
  check(strstr(mine.happened, "script.close\n") != NULL);
  check(!farside_script_at(host, 1, &about));
  farside_host_close(host);
}

static void test_many_hosts(void) {
  for (int i = 0; i < 50; i++) {
    recorder mine = {0}, other = {0};
    farside_host *host = open_host(&mine, NULL, true);
    farside_host *second = open_host(&other, NULL, true);
    load(host, "setTimeout(print, 1, 'a')");
    load(second, "setTimeout(print, 1, 'b')");
    farside_run(host);
    farside_host_close(host);
    farside_run(second);
    farside_host_close(second);
    check(strcmp(mine.said, "a\n") == 0 && strcmp(other.said, "b\n") == 0);
  }
}

// -- Many hosts
// ----------------------------------------------------------------

enum { HOST_THREADS = 4, HOSTS_EACH = 15 };

// Each thread has hosts of its own; they share the watchdog, which comes with
// the first and goes with the last.
static void live_and_close(void *counter) {
  static const char code[] = "local n = 0 setInterval(function() n = n + 1 "
                             "if n == 5 then os.exit() end end, 1)";
  for (int i = 0; i < HOSTS_EACH; i++) {
    farside_config config;
    farside_config_init(&config);
    config.exit_when_idle = true;
    farside_host *host = NULL;
    if (farside_host_open(&config, &host) == FARSIDE_OK &&
        farside_load_buffer(host, "a", code, sizeof code - 1, 0, NULL) ==
            FARSIDE_OK &&
        farside_run(host) == FARSIDE_OK && farside_has_ended(host))
      ++*(int *)counter;
    farside_host_close(host);
  }
}

static void test_hosts_on_threads(void) {
  uv_thread_t threads[HOST_THREADS];
  int lived[HOST_THREADS] = {0};
  for (int i = 0; i < HOST_THREADS; i++)
    check(uv_thread_create(&threads[i], live_and_close, &lived[i]) == 0);
  for (int i = 0; i < HOST_THREADS; i++) {
    uv_thread_join(&threads[i]);
    check(lived[i] == HOSTS_EACH);
  }
}

static void test_signals_differ(void) {
  farside_config config;
  farside_config_init(&config);
  farside_host *first = NULL, *second = NULL;
  check(farside_host_open(&config, &first) == FARSIDE_OK);
  config.signal = SIGUSR2; // The first host of a process decides.
  check(farside_host_open(&config, &second) == FARSIDE_INVALID);
  farside_host_close(first);
  check(farside_host_open(&config, &second) == FARSIDE_OK);
  farside_host_close(second);
  config.signal = 9999;
  check(farside_host_open(&config, &second) == FARSIDE_SYSTEM);
  config.signal = 0;
  config.limits.memory_bytes = 1;
  check(farside_host_open(&config, &second) == FARSIDE_INVALID);
}

int main(void) {
  test_config();
  test_load_failures();
  test_arguments();
  test_run();
  test_tick();
  test_tick_budget();
  test_undisturbed_game();
  test_busy_timers();
  test_endless_turns();
  test_no_end_of_grace();
  test_load_while_suspended();
  test_platform();
  test_work();
  test_store_asleep();
  test_time_remaining();
  test_minimize();
  test_posts_from_a_thread();
  test_stop_from_a_thread();
  test_run_on_a_thread();
  test_refused_posts();
  test_busy();
  test_close_from_a_callback();
  test_close_while_closing();
  test_two_scripts();
  test_modules();
  test_messages();
  test_close_and_reload();
  test_many_hosts();
  test_hosts_on_threads();
  test_signals_differ();
  return check_end();
}
