// Uploads on real time, by `farside run` as a process of its own, against a
// server on loopback: killed at random instants, and stopped as a desktop stops
// an app. Whatever happens, the server ends with the exact bytes, and each of
// them has come once.
//
//   upload_test FARSIDE SCRIPTS [TEST]
//   UPLOAD_KILLS=100 UPLOAD_MEGABYTES=100 UPLOAD_SEED=7: more of it

#include "check.h"
#include "http_server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *farside, *scripts;
static http_server *server;
static char folder[64]; // Of all files.
static char origin[64]; // "http://127.0.0.1:4711"

static long number_of(const char *variable, long otherwise) {
  const char *text = getenv(variable);
  return text ? atol(text) : otherwise;
}

static void path_of(char *path, size_t bytes, const char *name) {
  snprintf(path, bytes, "%s/%s", folder, name);
}

static void write_text(const char *name, const char *text) {
  char path[256];
  path_of(path, sizeof path, name);
  FILE *file = fopen(path, "w");
  check(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

// What the server wants to see.
static void write_pattern(const char *name, uint64_t bytes) {
  char path[256];
  path_of(path, sizeof path, name);
  FILE *file = fopen(path, "wb");
  for (uint64_t i = 0; file != NULL && i < bytes; i++)
    putc(http_pattern(i), file);
  check(file != NULL && fclose(file) == 0);
}

// Starts `farside run` with these behind the options that all have. What it
// prints goes to a file.
static pid_t start(const char *const *words) {
  char grant[96], said[128];
  const char *all[32] = {farside, "run", "--files", folder};
  size_t count = 4;
  snprintf(grant, sizeof grant, "--grant=http=%s/*", origin);
  path_of(said, sizeof said, "said");
  all[count++] = grant;
  while (*words != NULL)
    all[count++] = *words++;
  pid_t child = fork();
  if (child != 0)
    return child;
  int fd = open(said, O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
  execv(farside, (char *const *)(void *)all);
  _exit(127);
}

static bool has_said(const char *word) {
  char path[128], text[64 * 1024];
  path_of(path, sizeof path, "said");
  FILE *file = fopen(path, "r");
  size_t bytes = file ? fread(text, 1, sizeof text - 1, file) : 0;
  if (file != NULL)
    fclose(file);
  text[bytes] = '\0';
  return strstr(text, word) != NULL;
}

static void forget_said(void) {
  char path[128];
  path_of(path, sizeof path, "said");
  unlink(path);
}

static uint64_t received(void) {
  bool is_exact;
  return http_server_received(server, &is_exact);
}

static bool has_exactly(uint64_t bytes) {
  bool is_exact;
  return http_server_received(server, &is_exact) == bytes && is_exact &&
         http_server_taken(server) == bytes;
}

// Kills it when the server has so many bytes. False: it had ended before.
static bool kill_at(pid_t child, uint64_t bytes) {
  int status;
  while (received() < bytes) {
    if (waitpid(child, &status, WNOHANG) != 0)
      return false;
    usleep(200);
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

static bool ends_well(pid_t child) {
  int status;
  bool is_fine = waitpid(child, &status, 0) == child && WIFEXITED(status) &&
                 WEXITSTATUS(status) == 0;
  if (!is_fine)
    printf("it ended with status %#x\n", (unsigned)status);
  return is_fine;
}

// -- Kills --------------------------------------------------------------------

// What is cut off because the other side still has the last one's connection
// is asked for again.
static const char upload_code[] =
    "local Http = require 'farside'.Plugins.Http\n"
    "local url, way, part = ...\n"
    "repeat\n"
    "  local r = Http.upload { url = url, file = 'photo', resume = way,\n"
    "    partBytes = math.tointeger(tonumber(part)) }\n"
    "until r and r.status < 300\n";

// Any number of kills, each at another instant; then it is left alone.
static void kill_uploads(const char *way, const char *path, const char *part) {
  long kills = number_of("UPLOAD_KILLS", 10);
  uint64_t bytes = (uint64_t)number_of("UPLOAD_MEGABYTES", 24) << 20;
  unsigned seed = (unsigned)number_of("UPLOAD_SEED", 7);
  char name[128], script[128], url[128];
  snprintf(name, sizeof name, "%s/upload", folder);
  mkdir(name, 0700);
  write_pattern("upload/photo", bytes);
  write_text("upload.lua", upload_code);
  path_of(script, sizeof script, "upload.lua");
  snprintf(url, sizeof url, "%s%s", origin, path);
  const char *const words[] = {script, url, way, part, NULL};
  int in_the_middle = 0;
  for (long i = 0; i < kills; i++) {
    http_server_forget(server);
    uint64_t at =
        ((uint64_t)rand_r(&seed) << 16 ^ (uint64_t)rand_r(&seed)) % bytes;
    in_the_middle += kill_at(start(words), at) && received() < bytes;
    check(ends_well(start(words)));
    check(has_exactly(bytes));
  }
  printf("%s: %ld uploads of %llu MB were killed, %d of them in their middle\n",
         way, kills, (unsigned long long)bytes >> 20, in_the_middle);
  check(in_the_middle > 0);
}

static void test_tus(void) {
  kill_uploads("tus", "/tus", NULL);
}

static void test_range(void) {
  kill_uploads("range", "/files/photo", NULL);
}

static void test_parts(void) {
  kill_uploads("range", "/files/photo", "1000000");
}

// -- The examples -------------------------------------------------------------

static void await(pid_t child, const char *word, int signal) {
  int status;
  while (!has_said(word)) {
    if (waitpid(child, &status, WNOHANG) != 0) {
      check_at(false, "it has ended before it said", word, __LINE__);
      return;
    }
    if (signal != 0)
      kill(child, signal);
    usleep(5000);
  }
  check_passed++;
}

// A Ctrl-Z in the middle: the upload ends, and only then is the app stopped.
static void test_finish_upload(void) {
  enum { BYTES = 4 << 20 };
  char script[256], url[128], film[128];
  snprintf(film, sizeof film, "%s/finish_upload", folder);
  mkdir(film, 0700);
  write_pattern("finish_upload/trip.mov", BYTES);
  snprintf(script, sizeof script, "%s/finish_upload.lua", scripts);
  snprintf(url, sizeof url, "%s/files/trip.mov", origin);
  const char *const words[] = {"--verbose", script, url, NULL};
  http_server_forget(server);
  forget_said();
  pid_t child = start(words);
  await(child, "app.active", 0);
  kill(child, SIGTSTP);
  await(child, "app.suspend", 0);
  check(has_exactly(BYTES));
  check(has_said("the film is up"));
  await(child, "welcome back", SIGCONT);
  kill(child, SIGTERM);
  check(ends_well(child));
}

// It is killed in the middle of its upload; the next one only sends the rest.
static void test_photo_upload(void) {
  enum { BYTES = 400 * 1024 };
  char script[256], store[128], text[8192] = "";
  snprintf(script, sizeof script, "%s/photo_upload.lua", scripts);
  FILE *file = fopen(script, "r");
  size_t bytes = file ? fread(text, 1, sizeof text - 1, file) : 0;
  if (file != NULL)
    fclose(file);
  text[bytes] = '\0';
  char *pause = strstr(text, "base = \"10s\"");
  check(pause != NULL);
  if (pause != NULL)
    memcpy(pause, "base = \"01s\"", strlen("base = \"01s\"")); // For the test.
  write_text("photo_upload.lua", text);
  path_of(script, sizeof script, "photo_upload.lua");
  path_of(store, sizeof store, "photos.db");
  const char *const words[] = {"--verbose", "--store", store, script,
                               "beach.jpg", origin,    NULL};
  http_server_forget(server);
  http_server_slow(server, 400 * 1024);
  forget_said();
  check(kill_at(start(words), BYTES / 4));
  check(received() < BYTES);
  http_server_slow(server, 0);
  pid_t child = start(words);
  check(ends_well(child)); // By itself: nothing is left to do.
  check(has_said("work.succeed notify"));
  check(received() == BYTES && http_server_taken(server) == BYTES);
  check(http_server_messages(server) == 1);
  check(has_said("the app died during its last run"));
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  if (argc < 3)
    return 2;
  static const char *const proxies[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
  for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
    unsetenv(proxies[i]); // Of this machine.
  farside = argv[1];
  scripts = argv[2];
  snprintf(folder, sizeof folder, "/tmp/farside-upload-XXXXXX");
  if (mkdtemp(folder) == NULL)
    return 1;
  server = http_server_open();
  snprintf(origin, sizeof origin, "http://127.0.0.1:%d",
           http_server_port(server));
  static const struct {
    const char *name;
    void (*run)(void);
  } tests[] = {
      {"tus", test_tus},
      {"range", test_range},
      {"parts", test_parts},
      {"finish_upload", test_finish_upload},
      {"photo_upload", test_photo_upload},
  };
  for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
    if (argc < 4 || strcmp(argv[3], tests[i].name) == 0)
      tests[i].run();
  http_server_close(server);
  char command[96];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  check(system(command) == 0);
  return check_end();
}
