// Http on real time against real servers on loopback: one of our own that
// misbehaves on purpose, and nginx with TLS and HTTP/2 where it is installed.
//
//   http_test FARSIDE [TEST]   HTTP_MEGABYTES=1024: larger files
//
// What each request comes to is a sentence; nothing here knows how long it
// took.

#include "check.h"
#include "farside.h"
#include "http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *farside;
static http_server *server;
static char folder[64]; // Of all files.
static char origin[64]; // "http://127.0.0.1:4711"

static long number_of(const char *variable, long otherwise) {
  const char *text = getenv(variable);
  return text ? atol(text) : otherwise;
}

// -- A host, and what its script says -----------------------------------------

typedef struct world {
  farside_host *host;
  char said[64 * 1024]; // A line each.
  unsigned begun, ended;
  uint64_t most_bytes; // Of the host's memory.
} world;

static void on_entry(void *user, const farside_entry *entry) {
  world *mine = user;
  farside_stats stats;
  if (getenv("HTTP_SHOW"))
    printf("%s %s %s\n", entry->state, entry->what,
           entry->why ? entry->why : "");
  mine->begun += strcmp(entry->what, "http.begin") == 0;
  mine->ended += strcmp(entry->what, "http.end") == 0;
  if (mine->host != NULL) {
    farside_get_stats(mine->host, &stats);
    if (stats.memory_bytes > mine->most_bytes)
      mine->most_bytes = stats.memory_bytes;
  }
  if (strcmp(entry->what, "log") != 0)
    return;
  size_t length = strlen(mine->said);
  snprintf(mine->said + length, sizeof mine->said - length, "%s\n", entry->why);
}

// Runs a script to its end; `O` is the server's origin. It may talk to what
// `granted` lists, or to our server.
static void run_with(world *mine, const farside_config *changed,
                     const char *const *granted, const char *code) {
  char pattern[80], whole[8192];
  const char *const ours[] = {pattern, NULL};
  farside_config config = *changed;
  farside_source source;
  *mine = (world){0};
  config.on_entry = on_entry;
  config.user = mine;
  config.exit_when_idle = true;
  config.files = folder;
  config.proxy = config.proxy ? config.proxy : "";
  snprintf(pattern, sizeof pattern, "%s/*", origin);
  snprintf(whole, sizeof whole,
           "local farside = require 'farside' local Http, Files, "
           "BackgroundTask, App = farside.Plugins.Http, farside.Plugins.Files, "
           "farside.Plugins.BackgroundTask, farside.Plugins.App local O = '%s' "
           "local function try(r, message, name) if r then return r.status .. "
           "' ' .. #(r.body or '') end return name .. ' ' .. message end %s",
           origin, code);
  farside_source_init(&source);
  source.code = whole;
  source.code_bytes = strlen(whole);
  source.name = "app";
  source.grant.http = granted ? granted : ours;
  check(farside_host_open(&config, &mine->host) == FARSIDE_OK);
  check(farside_load(mine->host, &source) == FARSIDE_OK);
  check(farside_run(mine->host) == FARSIDE_OK);
  farside_host_close(mine->host);
  check(mine->begun == mine->ended);
}

static void run(world *mine, const char *code) {
  farside_config config;
  farside_config_init(&config);
  run_with(mine, &config, NULL, code);
}

static void expect_at(const world *mine, const char *text, int line) {
  bool is_same = strcmp(mine->said, text) == 0;
  if (!is_same)
    printf("line %d: said:\n%s", line, mine->said);
  check_at(is_same, "it is the same", text, line);
}

#define expect(mine, text) expect_at((mine), (text), __LINE__)

// -- What goes well -----------------------------------------------------------

static void test_requests(void) {
  world mine;
  run(&mine,
      "print(Http.get(O .. '/echo').body) "
      "print(Http.get(O).status) "
      "print(Http.post{ url = O .. '/echo', body = 'abc' }.body) "
      "print(Http.post{ url = O .. '/echo', json = { 1, 2 } }.body) "
      "print(Http.post(O .. '/echo').body) "
      "print(Http.request{ url = O .. '/echo', method = 'DELETE' }.body) "
      "print(#Http.get(O .. '/bytes/100000').body) "
      "local r = Http.request{ url = O .. '/bytes/77', method = 'HEAD' } "
      "print(r.headers['content-length'], #r.body)");
  expect(&mine, "GET 0\n404\nPOST 3\nPOST 5\nPOST 0\nDELETE 0\n100000\n"
                "77\t0\n");
}

static void test_redirects(void) {
  world mine;
  run(&mine,
      "local function go(to, options) options = options or {} options.url = O "
      ".. '/to?' .. to return Http.request(options) end "
      "print(go('/echo').body, go('echo?x').url == O .. '/echo?x', go(O .. "
      "'/echo').body) "
      "print(go('/echo', { method = 'POST', body = 'abc' }).body) "
      "print(go('/echo', { redirects = 0 }).status) "
      "print((try(go('http://127.0.0.1:1/x')):gsub('127[%d.:]+', 'H'))) "
      "print((try(go('file:///etc/passwd')):gsub('127[%d.:]+', 'H'))) "
      "print((try(Http.get(O .. '/loop')):gsub('127[%d.:]+', 'H')))");
  expect(&mine,
         "GET 0\ttrue\tGET 0\nGET 0\n302\n"
         "DENIED it was sent elsewhere: the script may not talk to http://H/x "
         "(to grant it: --grant 'http=http://H/*')\n"
         "NETWORK receive H the redirect to 'file:///etc/passwd' is no way to "
         "go: it must begin with https:// or http://\n"
         "LIMIT receive H it was sent elsewhere again and again\n");
}

// -- What does not ------------------------------------------------------------

static void test_misbehaviour(void) {
  static const struct {
    const char *path, *outcome;
  } cases[] = {
      {"nothing", "NETWORK wait H the connection was closed without an answer"},
      {"garbage", "NETWORK wait H the answer is no HTTP"},
      {"reset", "NETWORK receive H "},
      {"truncated", "NETWORK receive H the answer ended after 10 of 100 bytes"},
      {"lying", "200 4"},
      {"bad-length", "NETWORK "},
      {"bad-chunks", "NETWORK receive H "},
      {"bad-gzip",
       "NETWORK receive H the body is not what its Content-Encoding says"},
      {"headers", "LIMIT receive H the headers are larger than 256 KiB"},
      {"endless", "LIMIT the answer is larger than 100000 bytes: download it "
                  "to a file, or set maxBytes"},
      {"stall", "TIMEOUT receive H nothing moved for 0.300 s"},
      {"silent", "TIMEOUT wait H nothing moved for 0.300 s"},
      {"slow", "TIMEOUT receive H it was not done within 0.700 s"},
      {"404", "404 12"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    world mine;
    char code[512];
    snprintf(code, sizeof code,
             "print((try(Http.get{ url = O .. '/%s', stallTimeout = '300ms', "
             "timeout = '%s', maxBytes = 100000 }):gsub('127[%%d.:]+', 'H')))",
             cases[i].path,
             strcmp(cases[i].path, "slow") == 0 ? "700ms" : "1h");
    run(&mine, code);
    bool is_right =
        strncmp(mine.said, cases[i].outcome, strlen(cases[i].outcome)) == 0;
    check_in(is_right, cases[i].path);
    if (!is_right)
      printf("said: %s", mine.said);
  }
}

static void test_deaf_server(void) {
  world mine;
  run(&mine, "print((try(Http.post{ url = O .. '/deaf', body = "
             "('x'):rep(8 << 20), stallTimeout = '300ms' }):gsub('127[%d.:]+', "
             "'H')))");
  expect(&mine, "TIMEOUT send H nothing moved for 0.300 s\n");
}

static void test_nobody_there(void) {
  world mine;
  const char *granted[] = {"http://127.0.0.1:1/*", "http://nobody.invalid/*",
                           "http://sub.localhost:1/*", NULL};
  farside_config config;
  farside_config_init(&config);
  run_with(&mine, &config, granted,
           "print(try(Http.get 'http://127.0.0.1:1/')) "
           "print(try(Http.get 'http://nobody.invalid/')) "
           "print(try(Http.get(O .. '/echo')):sub(1, 6))");
  expect(&mine, "NETWORK connect 127.0.0.1:1: Connection refused\n"
                "NETWORK resolve nobody.invalid: no address is known for this "
                "name\n"
                "DENIED\n");
}

// A name like all others, whose address is this machine: digits in a spelling
// that is no address in a pattern do the same as a name server would.
static void test_places(void) {
  world mine;
  char one[64], two[64], three[64], code[512];
  const char *granted[] = {one, two, three, NULL};
  int port = http_server_port(server);
  farside_config config;
  farside_config_init(&config);
  snprintf(one, sizeof one, "http://127.1:%d/*", port);
  snprintf(two, sizeof two, "http://localhost:%d/*", port);
  snprintf(three, sizeof three, "http://0x7f000001:%d/*", port);
  snprintf(code, sizeof code,
           "print(Http.get('http://localhost:%d/echo').body) "
           "for _, host in ipairs { '127.1', '0x7f000001' } do "
           "print((try(Http.get('http://' .. host .. ':%d/echo')):match "
           "'^%%u+ .- on this machine')) end",
           port, port);
  run_with(&mine, &config, granted, code);
  char text[256];
  snprintf(text, sizeof text,
           "GET 0\nDENIED connect 127.1:%d: its address is on this machine\n"
           "DENIED connect 0x7f000001:%d: its address is on this machine\n",
           port, port);
  expect(&mine, text);
}

static void test_proxy(void) {
  world mine;
  farside_config config;
  farside_config_init(&config);
  // Our server takes the whole URL for a path that it does not know.
  config.proxy = origin;
  const char *granted[] = {"http://files.example.com/*", NULL};
  run_with(&mine, &config, granted,
           "print(try(Http.get 'http://files.example.com/x'))");
  expect(&mine, "404 12\n");
  config.proxy = "http://127.0.0.1:1";
  run_with(&mine, &config, granted,
           "print(try(Http.get 'http://files.example.com/x'))");
  check(strncmp(mine.said, "NETWORK connect files.example.com: ", 35) == 0);
}

static void write_file(const char *path, uint64_t bytes) {
  FILE *file = fopen(path, "wb");
  for (uint64_t i = 0; file != NULL && i < bytes; i++)
    putc(http_pattern(i), file);
  check(file != NULL && fclose(file) == 0);
}

// -- The end of tasks, of the app, of the host --------------------------------

static void test_end_of_task(void) {
  world mine;
  run(&mine,
      "BackgroundTask.exec(function(task) "
      "Http.get(O .. '/slow', print) "
      "farside.sleep(50) task:finish() print 'finished' end) "
      "local id = Http.get(O .. '/silent', function(_, _, name) print(name) "
      "end) "
      "setTimeout(function() Http.cancel(id) end, 200)");
  expect(&mine, "finished\nINTERRUPTED\n");
  check(mine.begun == 2);
}

// Whatever is on its way when the host is closed leaves nothing.
static void test_close(void) {
  for (int ticks = 0; ticks < 40; ticks++) {
    world mine = {0};
    char code[512], pattern[80];
    farside_config config;
    farside_source source;
    farside_config_init(&config);
    config.on_entry = on_entry;
    config.user = &mine;
    config.proxy = "";
    config.files = folder;
    snprintf(pattern, sizeof pattern, "%s/*", origin);
    snprintf(code, sizeof code,
             "local Http = require 'farside'.Plugins.Http "
             "for _, path in ipairs { '/slow', '/echo', '/silent', '/loop', "
             "'/bytes/9999999' } do Http.get('%s' .. path, print) end "
             "Http.download({ url = '%s/slow', file = 'f' }, print) "
             "Http.get 'http://nobody.invalid/'",
             origin, origin);
    const char *granted[] = {pattern, "http://nobody.invalid/*", NULL};
    farside_source_init(&source);
    source.code = code;
    source.code_bytes = strlen(code);
    source.name = "app";
    source.grant.http = granted;
    check(farside_host_open(&config, &mine.host) == FARSIDE_OK);
    check(farside_load(mine.host, &source) == FARSIDE_OK);
    for (int i = 0; i < ticks; i++)
      farside_tick(mine.host, 1);
    farside_host_close(mine.host);
    check(mine.begun == mine.ended);
  }
}

// An app on a desktop that is suspended: posted, since nobody stops us.
static void test_suspension(void) {
  world mine = {0};
  char code[512], pattern[80];
  const char *granted[] = {pattern, NULL};
  farside_config config;
  farside_source source;
  farside_config_init(&config);
  config.on_entry = on_entry;
  config.user = &mine;
  config.proxy = "";
  snprintf(pattern, sizeof pattern, "%s/*", origin);
  snprintf(code, sizeof code,
           "local Http = require 'farside'.Plugins.Http "
           "Http.get('%s/slow', function(r, message, name) print(r, name) end) "
           "Http.get('%s/echo', function(r) print(r.body) end)",
           origin, origin);
  farside_source_init(&source);
  source.code = code;
  source.code_bytes = strlen(code);
  source.name = "app";
  source.grant.http = granted;
  check(farside_host_open(&config, &mine.host) == FARSIDE_OK);
  check(farside_load(mine.host, &source) == FARSIDE_OK);
  while (strstr(mine.said, "GET 0") == NULL)
    farside_tick(mine.host, 5);
  check(farside_post(mine.host, "pause", NULL) == FARSIDE_OK);
  while (mine.ended < 2)
    farside_tick(mine.host, 5);
  check(strcmp(mine.said, "GET 0\n") == 0);
  check(farside_post(mine.host, "resume", NULL) == FARSIDE_OK);
  while (strstr(mine.said, "INTERRUPTED") == NULL)
    farside_tick(mine.host, 5);
  expect(&mine, "GET 0\nnil\tINTERRUPTED\n");
  farside_host_close(mine.host);
}

// A task whose upload outlives its budget: it is cut off, and what came is
// there; in the foreground again the rest follows.
static void test_expiry(void) {
  enum { BYTES = 64 << 20 };
  world mine = {0};
  char code[2048], pattern[80], path[128];
  const char *granted[] = {pattern, NULL};
  bool is_exact;
  farside_config config;
  farside_source source;
  farside_config_init(&config);
  config.on_entry = on_entry;
  config.user = &mine;
  config.proxy = "";
  config.files = folder;
  snprintf(path, sizeof path, "%s/app", folder);
  mkdir(path, 0700);
  snprintf(path, sizeof path, "%s/app/photo", folder);
  write_file(path, BYTES);
  http_server_forget(server);
  snprintf(pattern, sizeof pattern, "%s/*", origin);
  snprintf(
      code, sizeof code,
      "local farside = require 'farside' local Http, App, BackgroundTask = "
      "farside.Plugins.Http, farside.Plugins.App, "
      "farside.Plugins.BackgroundTask local url = '%s/tus' "
      "local function rest(how) "
      "local head = assert(Http.request{ url = url, method = 'HEAD' }) "
      "local offset = tonumber(head.headers['upload-offset']) "
      "return Http.upload{ url = url .. how, method = 'PATCH', file = 'photo', "
      "offset "
      "= offset, headers = { ['Upload-Offset'] = offset } } end "
      "App.addListener('pause', function() BackgroundTask.exec(function(task) "
      "rest '/slow' print 'not cut off' end, { budget = '40ms' }) end) "
      "App.addListener('resume', function() print(assert(rest '').status) end)",
      origin);
  farside_source_init(&source);
  source.code = code;
  source.code_bytes = strlen(code);
  source.name = "app";
  source.grant.http = granted;
  check(farside_host_open(&config, &mine.host) == FARSIDE_OK);
  check(farside_load(mine.host, &source) == FARSIDE_OK);
  check(farside_post(mine.host, "pause", NULL) == FARSIDE_OK);
  farside_stats stats = {0};
  while (stats.expired == 0 && mine.said[0] == '\0') {
    farside_tick(mine.host, 5);
    farside_get_stats(mine.host, &stats);
  }
  check(mine.begun == mine.ended);
  check(http_server_received(server, &is_exact) < BYTES);
  check(farside_post(mine.host, "resume", NULL) == FARSIDE_OK);
  while (strstr(mine.said, "\n") == NULL)
    farside_tick(mine.host, 5);
  expect(&mine, "204\n");
  check(http_server_received(server, &is_exact) == BYTES && is_exact);
  farside_host_close(mine.host);
  unlink(path);
}

// -- Much ---------------------------------------------------------------------

static void test_thousand(void) {
  world mine;
  run(&mine, "local left, fine = 1000, 0 for i = 1, 1000 do "
             "Http.post({ url = O .. '/echo', body = ('x'):rep(i) }, "
             "function(r) left = left - 1 "
             "if r and r.body == 'POST ' .. i then fine = fine + 1 end "
             "if left == 0 then print(fine) end end) end");
  expect(&mine, "1000\n");
  check(mine.ended == 1000);
  // Eight at a time. A thread of the server may still count what its client has
  // had, and on a busy machine several do.
  check(http_server_most(server) <= 8 * 8);
}

// The most that this process ever had in memory, in KiB.
static long most_memory_kb(void) {
  FILE *status = fopen("/proc/self/status", "r");
  char line[256];
  long kb = 0;
  while (status != NULL && fgets(line, sizeof line, status) != NULL)
    if (sscanf(line, "VmHWM: %ld", &kb) == 1)
      break;
  if (status != NULL)
    fclose(status);
  return kb;
}

static bool is_pattern(const char *path, uint64_t bytes) {
  FILE *file = fopen(path, "rb");
  unsigned char chunk[65536];
  uint64_t at = 0;
  size_t count;
  while (file != NULL && (count = fread(chunk, 1, sizeof chunk, file)) > 0)
    for (size_t i = 0; i < count; i++)
      if (chunk[i] != http_pattern(at++)) {
        fclose(file);
        return false;
      }
  if (file != NULL)
    fclose(file);
  return at == bytes;
}

static void test_large(void) {
  long megabytes = number_of("HTTP_MEGABYTES", 256);
  uint64_t bytes = (uint64_t)megabytes << 20;
  world mine;
  char code[512], text[128], path[128];
  long before_kb = most_memory_kb();
  snprintf(code, sizeof code,
           "local r = assert(Http.download{ url = O .. '/bytes/%llu', file = "
           "'large' }) print(r.status, r.bytes) "
           "print(assert(Http.upload{ url = O .. '/echo', file = 'large' "
           "}).body)",
           (unsigned long long)bytes);
  run(&mine, code);
  snprintf(text, sizeof text, "200\t%llu\nPUT %llu\n",
           (unsigned long long)bytes, (unsigned long long)bytes);
  expect(&mine, text);
  long grown_kb = most_memory_kb() - before_kb;
  printf("%ld MB down and up: the process grew by %ld KiB, the host had %llu "
         "bytes\n",
         megabytes, grown_kb, (unsigned long long)mine.most_bytes);
  check(grown_kb < 32 * 1024);
  check(mine.most_bytes < 2 * 1024 * 1024);
  snprintf(path, sizeof path, "%s/app/large", folder);
  check(is_pattern(path, bytes));
  unlink(path);
}

static void test_resumed_download(void) {
  world mine;
  char path[128];
  run(&mine, "local tries = 0 repeat tries = tries + 1 "
             "local r = Http.download{ url = O .. '/bytes/1000000/cut/300000', "
             "file = 'part' } until r print(tries, Files.size 'part')");
  expect(&mine, "4\t1000000\n");
  snprintf(path, sizeof path, "%s/app/part", folder);
  check(is_pattern(path, 1000000));
  unlink(path);
}

// -- nginx --------------------------------------------------------------------

static int run_shell(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static int run_shell(const char *format, ...) {
  char command[2048];
  va_list args;
  va_start(args, format);
  vsnprintf(command, sizeof command, format, args);
  va_end(args);
  return system(command);
}

static bool write_nginx(int port, int other) {
  char path[128];
  snprintf(path, sizeof path, "%s/nginx.conf", folder);
  FILE *file = fopen(path, "w");
  if (file == NULL)
    return false;
  fprintf(file,
          "daemon off; master_process off; worker_processes 1;\n"
          "pid %s/nginx.pid; error_log %s/nginx.log;\n"
          "events { worker_connections 512; }\n"
          "http { access_log off; client_max_body_size 0;\n"
          "client_body_temp_path %s/nx1; proxy_temp_path %s/nx2;\n"
          "fastcgi_temp_path %s/nx3; uwsgi_temp_path %s/nx4;\n"
          "scgi_temp_path %s/nx5; gzip on; gzip_min_length 1; gzip_types *;\n",
          folder, folder, folder, folder, folder, folder, folder);
  for (int i = 0; i < 2; i++)
    fprintf(file,
            "server { listen 127.0.0.1:%d ssl http2; ssl_certificate "
            "%s/%s.pem; ssl_certificate_key %s/key.pem; root %s/www;\n"
            "location /proto { return 200 $server_protocol; }\n"
            "location /to { return 302 https://localhost:%d/proto; } }\n",
            i ? other : port, folder, i ? "wrong" : "right", folder, folder,
            port);
  fprintf(file, "}\n");
  return fclose(file) == 0;
}

// Two ports that nobody has: the kernel gives them, and they are let go.
static int free_port(void) {
  http_server *brief = http_server_open();
  int port = http_server_port(brief);
  http_server_close(brief);
  return port;
}

static bool is_there(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool is_up = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
  close(fd);
  return is_up;
}

static void request_nginx(int port, int other) {
  world mine;
  char ca[128], empty[128], code[1024];
  farside_config config;
  char one[64], two[64];
  const char *both[] = {one, two, NULL};
  farside_config_init(&config);
  snprintf(one, sizeof one, "https://localhost:%d/*", port);
  snprintf(two, sizeof two, "https://localhost:%d/*", other);
  snprintf(ca, sizeof ca, "%s/ca.pem", folder);
  config.certificates = ca;
  snprintf(code, sizeof code,
           "print(Http.get('https://localhost:%d/proto').body) "
           "print(#Http.get('https://localhost:%d/text').body) "
           "print((try(Http.get 'https://localhost:%d/proto'):gsub('%%d+: .*', "
           "'P'))) "
           "local r = Http.get('https://localhost:%d/text') "
           "print(r.headers['content-encoding'])",
           port, port, other, port);
  run_with(&mine, &config, both, code);
  expect(&mine, "HTTP/2.0\n200000\nTLS tls localhost:P\ngzip\n");
  // Many streams, few connections.
  snprintf(code, sizeof code,
           "local left, fine = 1000, 0 for _ = 1, 1000 do "
           "Http.get('https://localhost:%d/text', function(r) left = left - 1 "
           "if r and #r.body == 200000 then fine = fine + 1 end "
           "if left == 0 then print(fine) end end) end",
           port);
  run_with(&mine, &config, both, code);
  expect(&mine, "1000\n");
  // Nobody is trusted who is not in the file.
  snprintf(empty, sizeof empty, "%s/other-ca.pem", folder);
  config.certificates = empty;
  snprintf(code, sizeof code,
           "print((try(Http.get 'https://localhost:%d/proto'):gsub('%%d+: .*', "
           "'P')))",
           port);
  run_with(&mine, &config, both, code);
  expect(&mine, "TLS tls localhost:P\n");
}

static void test_nginx(void) {
  if (run_shell("command -v nginx openssl >/dev/null 2>&1") != 0) {
    printf("nginx or openssl is not there: TLS and HTTP/2 are not tested\n");
    return;
  }
  int made = run_shell(
      "cd %s && mkdir -p www && head -c 200000 /dev/zero | tr '\\0' x "
      ">www/text && (for ca in ca other-ca; do openssl req -x509 -newkey "
      "rsa:2048 -nodes -days 2 -keyout $ca.key -out $ca.pem -subj /CN=$ca; "
      "done; openssl req -newkey rsa:2048 -nodes -keyout key.pem -out req.pem "
      "-subj /CN=localhost; for pair in right:localhost wrong:example.com; do "
      "echo subjectAltName=DNS:${pair#*:} >ext; openssl x509 -req -in req.pem "
      "-CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out "
      "${pair%%%%:*}.pem; done) 2>openssl.log",
      folder);
  check(made == 0);
  int port = free_port(), other = free_port();
  check(write_nginx(port, other));
  char config[128], log[128];
  snprintf(config, sizeof config, "%s/nginx.conf", folder);
  snprintf(log, sizeof log, "%s/nginx.log", folder);
  pid_t child = fork();
  if (child == 0) {
    execlp("nginx", "nginx", "-p", folder, "-e", log, "-c", config,
           (char *)NULL);
    _exit(127);
  }
  // It is there when somebody can connect, or it has ended.
  int status = 0;
  bool has_ended = false;
  while (!has_ended && !(is_there(port) && is_there(other))) {
    usleep(5000);
    has_ended = waitpid(child, &status, WNOHANG) == child;
  }
  check(!has_ended);
  if (has_ended)
    return;
  request_nginx(port, other);
  kill(child, SIGTERM);
  waitpid(child, &status, 0);
}

// -- Without libcurl ----------------------------------------------------------

// A file of that name that is no library comes before the real one.
static void test_no_libcurl(void) {
#ifndef FARSIDE_CURL_LINKED
  char said[512] = "";
  int made =
      run_shell("mkdir -p %s/lib && echo no >%s/lib/libcurl.so.4 && "
                "echo \"for _ = 1, 2 do print(require "
                "'farside'.Plugins.Http.get 'http://example.com/') end\" "
                ">%s/none.lua",
                folder, folder, folder);
  check(made == 0);
  snprintf(said, sizeof said,
           "LD_LIBRARY_PATH=%s/lib %s run --grant 'http=http://example.com/*' "
           "%s/none.lua 2>&1",
           folder, farside, folder);
  FILE *pipe = popen(said, "r");
  size_t bytes = fread(said, 1, sizeof said - 1, pipe);
  said[bytes] = '\0';
  check(pclose(pipe) == 0);
  static const char sentence[] = "nil\tHttp needs libcurl, which is not here: ";
  const char *second = strstr(said + 1, sentence);
  bool is_said = strncmp(said, sentence, strlen(sentence)) == 0 &&
                 second != NULL && strstr(second, "\tUNSUPPORTED\n") != NULL;
  check(is_said);
  if (!is_said)
    printf("said: %s", said);
#endif
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  farside = argc > 1 ? argv[1] : "farside";
  snprintf(folder, sizeof folder, "/tmp/farside-http-XXXXXX");
  if (mkdtemp(folder) == NULL)
    return 1;
  static const char *const proxies[] = {
      "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
      "ALL_PROXY",  "no_proxy",    "NO_PROXY"}; // Of this machine.
  for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
    unsetenv(proxies[i]);
  server = http_server_open();
  snprintf(origin, sizeof origin, "http://127.0.0.1:%d",
           http_server_port(server));
  static const struct {
    const char *name;
    void (*run)(void);
  } tests[] = {
      {"requests", test_requests},
      {"redirects", test_redirects},
      {"misbehaviour", test_misbehaviour},
      {"deaf_server", test_deaf_server},
      {"nobody_there", test_nobody_there},
      {"places", test_places},
      {"proxy", test_proxy},
      {"end_of_task", test_end_of_task},
      {"close", test_close},
      {"suspension", test_suspension},
      {"expiry", test_expiry},
      {"thousand", test_thousand},
      {"resumed_download", test_resumed_download},
      {"large", test_large},
      {"nginx", test_nginx},
      {"no_libcurl", test_no_libcurl},
  };
  for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
    if (argc < 3 || strcmp(argv[2], tests[i].name) == 0)
      tests[i].run();
  http_server_close(server);
  check(run_shell("rm -rf %s", folder) == 0);
  return check_end();
}
