// Plugins, what is polled, and the thread of a host's own: as an embedder uses
// them, on real time. No test here asserts how long something took.

#include "farside.h"

#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// -- The embedder -------------------------------------------------------------

enum { CALLS_MAX = 64 };

// What it has seen. Only the host's thread writes, and everybody else looks
// when that has ended.
typedef struct embedder {
  char said[65536]; // What scripts logged, a line each.
  char heard[4096]; // Methods and their arguments, a line each.
  uint64_t calls[CALLS_MAX];
  int calls_count;
  char cancelled[256];
  farside_status answered[4]; // By the method "at_once".
  farside_host *host;
} embedder;

static void append(char *buffer, size_t bytes, const char *line) {
  size_t length = strlen(buffer);
  snprintf(buffer + length, bytes - length, "%s\n", line);
}

static void on_log(void *user, farside_level level, const char *script,
                   const char *text) {
  embedder *mine = user;
  char line[2048];
  snprintf(line, sizeof line, "%s%s%s", level == FARSIDE_ERROR ? "error: " : "",
           script ? "" : "host: ", text);
  append(mine->said, sizeof mine->said, line);
}

static void remember(void *user, farside_host *host, uint64_t call,
                     const char *method, const char *arguments) {
  embedder *mine = user;
  char line[512];
  (void)host;
  snprintf(line, sizeof line, "%s %s", method, arguments);
  append(mine->heard, sizeof mine->heard, line);
  mine->calls[mine->calls_count++ % CALLS_MAX] = call;
}

static void at_once(void *user, farside_host *host, uint64_t call,
                    const char *method, const char *arguments) {
  embedder *mine = user;
  (void)method;
  mine->answered[0] = farside_resolve(host, call, "{");
  mine->answered[1] = farside_resolve(host, call, arguments);
  mine->answered[2] = farside_resolve(host, call, "1");
  mine->answered[3] = farside_reject(host, call, NULL, NULL);
}

static void refuse(void *user, farside_host *host, uint64_t call,
                   const char *method, const char *arguments) {
  (void)user;
  (void)method;
  if (strcmp(arguments, "null") == 0)
    farside_reject(host, call, NULL, NULL);
  else
    farside_reject(host, call, "OFFLINE", "no network");
}

static void on_cancelled(void *user, farside_host *host, uint64_t call) {
  embedder *mine = user;
  bool is_known = mine->calls_count > 0 &&
                  mine->calls[(mine->calls_count - 1) % CALLS_MAX] == call;
  append(mine->cancelled, sizeof mine->cancelled,
         is_known ? "the last call" : "another call");
  check(farside_resolve(host, call, NULL) == FARSIDE_NOCALL);
}

static const farside_method methods[] = {{"remember", remember},
                                         {"at_once", at_once},
                                         {"refuse", refuse},
                                         {NULL, NULL}};
static const farside_method polled[] = {{"ask", NULL}, {NULL, NULL}};

// Plugins have their user from before the host is opened.
static farside_plugin plugins[3];

static farside_host *open_host(embedder *mine, unsigned polls,
                               bool exit_when_idle) {
  plugins[0] = (farside_plugin){.name = "Score",
                                .methods = methods,
                                .cancelled = on_cancelled,
                                .user = mine};
  plugins[1] = (farside_plugin){.name = "Polled", .methods = polled};
  plugins[2] = (farside_plugin){0};
  farside_config config;
  farside_config_init(&config);
  config.on_log = on_log;
  config.user = mine;
  config.plugins = plugins;
  config.polls = polls;
  config.exit_when_idle = exit_when_idle;
  check(farside_host_open(&config, &mine->host) == FARSIDE_OK);
  return mine->host;
}

static farside_status load(farside_host *host, const char *code) {
  char whole[8192];
  snprintf(whole, sizeof whole,
           "local farside = require 'farside' local App, BackgroundTask, "
           "Score, Polled = farside.Plugins.App, "
           "farside.Plugins.BackgroundTask, farside.Plugins.Score, "
           "farside.Plugins.Polled %s",
           code);
  return farside_load_buffer(host, "app.lua", whole, strlen(whole), 0, NULL);
}

// Ticks until nothing is due: one tick may be too short on a busy machine.
static void settle(farside_host *host) {
  do
    farside_tick(host, 100);
  while (farside_tick_in(host) == 0);
}

static bool has_said(const embedder *mine, const char *text) {
  bool has = strstr(mine->said, text) != NULL;
  if (!has)
    printf("it said:\n%s", mine->said);
  return has;
}

// -- Plugins ------------------------------------------------------------------

static void test_answers(void) {
  static embedder mine;
  farside_host *host = open_host(&mine, 0, true);
  check(load(host,
             "BackgroundTask.exec(function(task)"
             "  local back = Score.at_once { 1, 2, { deep = true } }"
             "  print('value', #back, back[3].deep)"
             "  print('nothing', Score.at_once())"
             "  print('refused', Score.refuse(1))"
             "  print('refused', Score.refuse())"
             "  task:finish() end)"
             "Score.at_once('x', function(...) print('callback', ...) end)"
             "Score.refuse(1, function(...) print('callback', ...) end)"
             "Score.at_once(function(...) print('no value', ...) end)"
             "print(pcall(Score.at_once, print, print))"
             "print(pcall(Score.at_once, 1, 2))") == FARSIDE_OK);
  check(farside_run(host) == FARSIDE_OK);
  check(has_said(&mine, "value\t3\ttrue\n"));
  check(has_said(&mine, "nothing\ttrue\n"));
  check(has_said(&mine, "refused\tnil\tno network\tOFFLINE\n"));
  check(has_said(&mine, "refused\tnil\tit failed\tFAILED\n"));
  check(has_said(&mine, "callback\tx\n"));
  check(has_said(&mine, "callback\tnil\tno network\tOFFLINE\n"));
  check(has_said(&mine, "no value\ttrue\n"));
  check(has_said(&mine, "only nil, booleans, numbers, strings and tables"));
  check(has_said(&mine, "function expected, got number"));
  check(mine.answered[0] == FARSIDE_INVALID);
  check(mine.answered[1] == FARSIDE_OK);
  check(mine.answered[2] == FARSIDE_NOCALL);
  check(mine.answered[3] == FARSIDE_NOCALL);
  farside_host_close(host);
}

static void test_refused_plugins(void) {
  static const farside_method bad[] = {{"addListener", remember}, {NULL, NULL}};
  static const farside_method odd[] = {{"a-b", remember}, {NULL, NULL}};
  const farside_plugin wrong[][3] = {{{.name = "App"}, {0}},
                                     {{.name = "a b"}, {0}},
                                     {{.name = ""}, {0}},
                                     {{.name = "A"}, {.name = "A"}, {0}},
                                     {{.name = "A", .methods = bad}, {0}},
                                     {{.name = "A", .methods = odd}, {0}}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    farside_config config;
    farside_config_init(&config);
    config.plugins = wrong[i];
    farside_host *host;
    check(farside_host_open(&config, &host) == FARSIDE_INVALID);
  }
}

static void test_cancelled(void) {
  static embedder mine;
  farside_host *host = open_host(&mine, 0, false);
  check(load(host,
             "local id id = BackgroundTask.exec(function(task)"
             "  setTimeout(function() task:finish() App.exitApp() end, 5)"
             "  Score.remember { n = 1 } print 'never' end)") == FARSIDE_OK);
  check(farside_run(host) == FARSIDE_OK);
  check(strcmp(mine.heard, "remember {\"n\":1}\n") == 0);
  check(strcmp(mine.cancelled, "the last call\n") == 0);
  check(strstr(mine.said, "never") == NULL);
  farside_host_close(host);
}

// An open call of a task is something that it waits for: no leak.
static void test_call_is_no_leak(void) {
  static embedder mine;
  farside_host *host = open_host(&mine, 0, false);
  check(load(host,
             "BackgroundTask.exec(function(task) Score.remember(1, function()"
             " print 'late' task:finish() App.exitApp() end) end)") ==
        FARSIDE_OK);
  for (int i = 0; i < 20; i++)
    farside_tick(host, 5);
  farside_stats stats;
  farside_get_stats(host, &stats);
  check(stats.leaked == 0 && stats.tasks_open == 1 && mine.calls_count == 1);
  check(farside_resolve(host, mine.calls[0], "1") == FARSIDE_OK);
  check(farside_run(host) == FARSIDE_OK);
  check(has_said(&mine, "late\n"));
  farside_host_close(host);
}

static void test_permission(void) {
  static embedder mine;
  farside_host *host = open_host(&mine, 0, true);
  static const char *const some[] = {"Polled", NULL};
  static const char code[] =
      "local all = require('farside').Plugins print(all.Score, all.Polled)";
  farside_source source;
  farside_source_init(&source);
  source.name = "a.lua";
  source.code = code;
  source.code_bytes = sizeof code - 1;
  source.grant.modules = some;
  check(farside_load(host, &source) == FARSIDE_OK);
  check(has_said(&mine, "nil\ttable: "));
  farside_host_close(host);
}

static void test_notify(void) {
  static embedder mine;
  farside_host *host = open_host(&mine, 0, false);
  check(farside_notify(host, "Nobody", "x", NULL, false) == FARSIDE_INVALID);
  check(farside_notify(host, "Score", "a.b", NULL, false) == FARSIDE_INVALID);
  check(farside_notify(host, "Score", "x", "{", false) == FARSIDE_INVALID);
  check(load(host,
             "local seen = {} local function hear(name) return function(v)"
             " print(name, type(v) == 'table' and v.n or v) end end "
             "local handle = Score.addListener('changed', hear 'first')"
             "Score.once('changed', hear 'once')"
             "Score.addEventListener('changed', hear 'older spelling')"
             "Score.addListener('other', hear 'other')"
             "App.addListener('memoryWarning', function(event)"
             "  if event.level == 'remove' then handle:remove()"
             "  elseif event.level == 'late' then"
             "    Score.addListener('kept', hear 'kept')"
             "    Score.addListener('lost', hear 'lost')"
             "  else Score.removeAllListeners() end end)") == FARSIDE_OK);
  check(farside_notify(host, "Score", "changed", "{\"n\":1}", false) == 0);
  check(farside_notify(host, "Score", "changed", NULL, false) == 0);
  check(farside_notify(host, "Score", "kept", "{\"n\":\"one\"}", true) == 0);
  check(farside_notify(host, "Score", "kept", "\"two\"", true) == 0);
  check(farside_notify(host, "Score", "lost", "1", false) == 0);
  settle(host);
  check(strcmp(mine.said, "first\t1\nonce\t1\nolder spelling\t1\n"
                          "first\tnil\nolder spelling\tnil\n") == 0);
  mine.said[0] = '\0';
  farside_post(host, "memoryWarning", "{\"level\":\"remove\"}");
  settle(host);
  farside_notify(host, "Score", "changed", "2", true); // It is heard.
  farside_post(host, "memoryWarning", "{\"level\":\"late\"}");
  settle(host);
  check(strcmp(mine.said, "older spelling\t2\nkept\tone\nkept\ttwo\n") == 0);
  mine.said[0] = '\0';
  farside_post(host, "memoryWarning", "{\"level\":\"all\"}");
  settle(host);
  farside_notify(host, "Score", "changed", "3", false);
  settle(host);
  check(strcmp(mine.said, "") == 0);
  farside_host_close(host);
}

// -- What is polled -----------------------------------------------------------

static bool polls_as(farside_host *host, const char *wanted) {
  char text[1024] = "";
  farside_poll(host, text, sizeof text);
  if (strcmp(text, wanted) != 0)
    printf("polled: %s\nwanted: %s\n", text, wanted);
  return strcmp(text, wanted) == 0;
}

static bool is_readable(farside_host *host) {
  struct pollfd fd = {.fd = farside_wake_fd(host), .events = POLLIN};
  return poll(&fd, 1, 0) == 1;
}

static void test_poll(void) {
  static embedder mine;
  farside_host *host =
      open_host(&mine, FARSIDE_POLL_MESSAGES | FARSIDE_POLL_LOG, false);
  check(!is_readable(host));
  check(load(host, "print 'a \"word\"' print(farside.postMessage('host', {1}))"
                   "BackgroundTask.exec(function(task)"
                   "  print(Polled.ask { n = 1 }) Polled.ask() end,"
                   "  { onExpire = print })") == FARSIDE_OK);
  check(is_readable(host));
  char text[8] = "";
  check(farside_poll(host, text, sizeof text) > sizeof text && *text == '\0');
  check(farside_poll(host, NULL, 0) > 0);
  check(polls_as(host,
                 "{\"event\":\"log\",\"level\":\"info\",\"script\":\"app\","
                 "\"text\":\"a \\\"word\\\"\"}"));
  check(polls_as(host,
                 "{\"event\":\"message\",\"script\":\"app\",\"data\":[1]}"));
  check(polls_as(host,
                 "{\"event\":\"log\",\"level\":\"info\",\"script\":\"app\","
                 "\"text\":\"true\"}"));
  check(!is_readable(host));
  settle(host);
  check(is_readable(host));
  check(polls_as(host, "{\"event\":\"call\",\"call\":1,\"script\":\"app\","
                       "\"plugin\":\"Polled\",\"method\":\"ask\","
                       "\"arguments\":{\"n\":1}}"));
  check(polls_as(host, "") && !is_readable(host));
  check(farside_resolve(host, 1, "[true]") == FARSIDE_OK);
  check(is_readable(host)); // A tick is due.
  check(farside_tick_in(host) == 0);
  settle(host);
  check(has_said(&mine, "table: "));
  char call[256], cancel[64];
  check(farside_poll(host, call, sizeof call) > 0); // The log.
  check(farside_poll(host, call, sizeof call) > 0);
  char *number = strstr(call, "\"call\":");
  check(number != NULL && strstr(call, "\"arguments\":null}") != NULL);
  snprintf(cancel, sizeof cancel, "{\"event\":\"cancel\",\"call\":%llu}",
           number ? strtoull(number + 7, NULL, 10) : 0);
  farside_stop(host);
  check(farside_run(host) == FARSIDE_OK);
  check(polls_as(host, cancel));
  check(polls_as(host, "{\"event\":\"ended\"}"));
  check(polls_as(host, ""));
  farside_host_close(host);
}

static void test_full_outbox(void) {
  farside_config config;
  farside_config_init(&config);
  config.polls = FARSIDE_POLL_MESSAGES | FARSIDE_POLL_LOG;
  config.poll_bytes_max = 200;
  config.plugins = (const farside_plugin[]){
      {.name = "Polled", .methods = polled}, {.name = NULL}};
  farside_host *host = NULL;
  check(farside_host_open(&config, &host) == FARSIDE_OK);
  check(load(host,
             "assert(farside.postMessage('host', ('x'):rep(100)))"
             "local ok, message, name = farside.postMessage('host', "
             "('x'):rep(100)) assert(not ok and name == 'LIMIT', name)"
             "assert(message == 'too much waits for the host already')"
             "ok, message, name = Polled.ask(('x'):rep(100), print)"
             "assert(not ok and name == 'LIMIT')"
             "print(('y'):rep(200)) print(('y'):rep(200))") == FARSIDE_OK);
  check(polls_as(host, "{\"event\":\"lost\",\"count\":2}"));
  char text[256];
  check(farside_poll(host, text, sizeof text) > 100);
  check(farside_poll(host, text, sizeof text) == 0);
  farside_host_close(host);
}

static void test_entries(void) {
  static embedder mine;
  farside_host *host = open_host(&mine, FARSIDE_POLL_ENTRIES, true);
  check(load(host, "print 'hello'") == FARSIDE_OK);
  char text[1024];
  bool has_launch = false, has_log = false;
  while (farside_poll(host, text, sizeof text) > 0) {
    check(strncmp(text, "{\"event\":\"entry\",\"t\":", 20) == 0);
    has_launch = has_launch || strstr(text, "\"what\":\"app.launch\"") != NULL;
    has_log = has_log || strstr(text, "\"why\":\"hello\"}") != NULL;
  }
  check(has_launch && has_log);
  farside_host_close(host);
}

// -- A thread of its own ------------------------------------------------------

// Waits for something to be polled, and polls it.
static size_t wait_and_poll(farside_host *host, char *text, size_t bytes) {
  struct pollfd fd = {.fd = farside_wake_fd(host), .events = POLLIN};
  size_t length;
  while ((length = farside_poll(host, text, bytes)) == 0)
    poll(&fd, 1, -1);
  return length;
}

static void test_thread(void) {
  farside_host *host;
  char error[256], text[1024];
  check(farside_open("{\"plugins\":{\"Score\":[\"submit\"]},\"polls\":["
                     "\"message\"],\"store\":\"\"}",
                     &host, error, sizeof error) == FARSIDE_OK);
  check(load(host, "App.addListener('pause', function()"
                   "  BackgroundTask.exec(function(task)"
                   "    local Storage = farside.Plugins.Storage"
                   "    Storage.set('n', (Score.submit { n = 41 }).n)"
                   "    farside.postMessage('host', Storage.get 'n')"
                   "    task:finish() end) end)") == FARSIDE_OK);
  check(farside_start(host) == FARSIDE_OK);
  check(farside_start(host) == FARSIDE_BUSY);
  check(farside_run(host) == FARSIDE_BUSY);
  check(farside_tick(host, 1) == FARSIDE_BUSY);
  check(load(host, "") == FARSIDE_BUSY);
  check(farside_open_store(host, NULL) == FARSIDE_BUSY);
  check(farside_script_close(host, "app") == FARSIDE_BUSY);
  check(farside_script_reload(host, "app") == FARSIDE_BUSY);
  check(!farside_has_ended(host));
  check(farside_post(host, "pause", NULL) == FARSIDE_OK);
  wait_and_poll(host, text, sizeof text);
  check(strstr(text, "\"method\":\"submit\",\"arguments\":{\"n\":41}}") !=
        NULL);
  check(farside_resolve(host, 1, "{\"n\":42}") == FARSIDE_OK);
  wait_and_poll(host, text, sizeof text);
  check(strcmp(text,
               "{\"event\":\"message\",\"script\":\"app\",\"data\":42}") == 0);
  check(farside_post(host, "terminate", NULL) == FARSIDE_OK);
  wait_and_poll(host, text, sizeof text);
  check(strcmp(text, "{\"event\":\"ended\"}") == 0);
  farside_host_close(host);
}

static void test_close_while_running(void) {
  for (int i = 0; i < 20; i++) {
    farside_host *host;
    check(farside_open("{}", &host, NULL, 0) == FARSIDE_OK);
    check(load(host, "setInterval(function() end, 1) BackgroundTask.exec("
                     "function() while true do farside.sleep(1) end end)") ==
          FARSIDE_OK);
    check(farside_start(host) == FARSIDE_OK);
    farside_host_close(host);
  }
}

static void close_it(void *user, farside_level level, const char *script,
                     const char *text) {
  (void)level;
  (void)script;
  (void)text;
  farside_host_close(*(farside_host **)user);
}

static void test_close_from_its_own_thread(void) {
  farside_host *host = NULL;
  farside_config config;
  farside_config_init(&config);
  config.on_log = close_it;
  config.user = &host;
  check(farside_host_open(&config, &host) == FARSIDE_OK);
  check(load(host, "setTimeout(function() print 'close' end, 1)") ==
        FARSIDE_OK);
  check(farside_start(host) == FARSIDE_OK);
  while (!farside_has_ended(host))
    poll(NULL, 0, 1);
  farside_host_close(host);
}

static void test_options(void) {
  static const char *const wrong[][2] = {
      {"", "line 1 is no JSON: "},
      {"[]", "the options must be an object"},
      {"{\"x\":1}", "there is no option 'x'"},
      {"{\"profile\":1}", "profile must be a text"},
      {"{\"profile\":\"palmos\"}", "the host cannot be opened: "},
      {"{\"app\":{\"x\":\"\"}}", "app has no field 'x'"},
      {"{\"limits\":\"x=1\"}", "x"},
      {"{\"graceMs\":-1}", "graceMs must be a whole number from 0"},
      {"{\"exitWhenIdle\":1}", "exitWhenIdle must be true or false"},
      {"{\"polls\":[\"x\"]}", "polls must be a list of "},
      {"{\"plugins\":{\"A\":{}}}", "A must be a list of the names of methods"},
      {"{\"plugins\":{\"App\":[]}}", "the host cannot be opened: "},
      {"{\"store\":\"/no/such/folder/x.db\"}", "/no/such/folder/x.db"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    farside_host *host = (farside_host *)&host;
    char error[512] = "";
    check_in(farside_open(wrong[i][0], &host, error, sizeof error) !=
                     FARSIDE_OK &&
                 host == NULL,
             wrong[i][0]);
    check_in(strstr(error, wrong[i][1]) != NULL, error);
  }
  farside_host *host;
  check(
      farside_open("{\"app\":{\"name\":\"Game\",\"version\":\"2\"},\"limits\":"
                   "\"memory=2MB\",\"graceMs\":100,\"timelineEntries\":10,"
                   "\"launchReason\":\"push\",\"exitWhenIdle\":true}",
                   &host, NULL, 0) == FARSIDE_OK);
  check(load(host, "assert(App.getInfo().name == 'Game')"
                   "assert(App.getInfo().version == '2')"
                   "assert(farside.usage().memoryLimitBytes == 2 * 1024 ^ 2)"
                   "App.addListener('launch', function(event)"
                   "  assert(event.reason == 'push') App.exitApp() end)") ==
        FARSIDE_OK);
  check(farside_run(host) == FARSIDE_OK && farside_has_ended(host));
  farside_host_close(host);
}

// -- Eight threads at full speed ----------------------------------------------

enum { THREADS = 8, POSTS_EACH = 2000 };

typedef struct poster {
  pthread_t thread;
  farside_host *host;
  int number;
  int refused;
} poster;

// Each tells its count by four ways in turn, and its script checks the order.
static void *post_all(void *user) {
  poster *mine = user;
  char json[64];
  for (int i = 1; i <= POSTS_EACH; i++) {
    snprintf(json, sizeof json, "{\"thread\":%d,\"n\":%d,\"level\":\"x\"}",
             mine->number, i);
    farside_status status =
        i % 3 == 0 ? farside_post(mine->host, "memoryWarning", json)
        : i % 3 == 1
            ? farside_send(mine->host, "app", json)
            : farside_notify(mine->host, "Score", "count", json, false);
    mine->refused += status != FARSIDE_OK;
  }
  return NULL;
}

static void test_eight_threads(void) {
  farside_host *host;
  char text[256] = "";
  // Messages are counted, and a slow machine may have many under way.
  check(farside_open("{\"plugins\":{\"Score\":[]},\"polls\":[\"message\"],"
                     "\"limits\":\"messages=100000\"}",
                     &host, NULL, 0) == FARSIDE_OK);
  check(load(host,
             "local last, wrong, total = {}, 0, 0 "
             "local function hear(event)"
             "  local data = event.data or event"
             "  if data.n ~= (last[data.thread] or 0) + 1 then"
             "    wrong = wrong + 1 end"
             "  last[data.thread] = data.n total = total + 1 "
             "  if total == 16000 then"
             "    farside.postMessage('host', { total, wrong, #last }) end end "
             "App.addListener('memoryWarning', hear)"
             "App.addListener('message', hear)"
             "Score.addListener('count', hear)") == FARSIDE_OK);
  check(farside_start(host) == FARSIDE_OK);
  poster posters[THREADS];
  for (int i = 0; i < THREADS; i++) {
    posters[i] = (poster){.host = host, .number = i + 1};
    check(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(posters[i].thread, NULL);
    check(posters[i].refused == 0);
  }
  wait_and_poll(host, text, sizeof text);
  check_in(strcmp(text, "{\"event\":\"message\",\"script\":\"app\",\"data\":"
                        "[16000,0,8]}") == 0,
           text);
  farside_host_close(host);
}

// All answer the same calls, and each call has one answer.
static _Atomic uint64_t asked;
static _Atomic int answers;
static _Atomic bool is_over;

static void ask(void *user, farside_host *host, uint64_t call,
                const char *method, const char *arguments) {
  (void)user;
  (void)host;
  (void)method;
  (void)arguments;
  asked = call;
}

static void *answer_all(void *host) {
  while (!is_over) {
    uint64_t call = asked;
    farside_status status = call % 2 == 0
                                ? farside_resolve(host, call, "1")
                                : farside_reject(host, call, "NO", "no");
    answers += status == FARSIDE_OK;
  }
  return NULL;
}

static void test_one_answer(void) {
  static const farside_method one[] = {{"ask", ask}, {NULL, NULL}};
  farside_config config;
  farside_config_init(&config);
  config.plugins = (const farside_plugin[]){{.name = "Quiz", .methods = one},
                                            {.name = NULL}};
  farside_host *host = NULL;
  check(farside_host_open(&config, &host) == FARSIDE_OK);
  check(load(host, "local Quiz = farside.Plugins.Quiz "
                   "BackgroundTask.exec(function(task)"
                   "  for i = 1, 1000 do local ok, why, name = Quiz.ask(i)"
                   "    assert(ok == 1 or name == 'NO') end"
                   "  task:finish() App.exitApp() end)") == FARSIDE_OK);
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    check(pthread_create(&threads[i], NULL, answer_all, host) == 0);
  check(farside_run(host) == FARSIDE_OK);
  is_over = true;
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  farside_stats stats;
  farside_get_stats(host, &stats);
  check(stats.finished == 1 && stats.errors == 0);
  check(answers == 1000);
  farside_host_close(host);
}

int main(void) {
  test_answers();
  test_refused_plugins();
  test_cancelled();
  test_call_is_no_leak();
  test_permission();
  test_notify();
  test_poll();
  test_full_outbox();
  test_entries();
  test_thread();
  test_close_while_running();
  test_close_from_its_own_thread();
  test_options();
  test_eight_threads();
  test_one_answer();
  return check_end();
}
