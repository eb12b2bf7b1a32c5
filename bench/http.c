// Requests and an upload of a whole program, against a server on loopback that
// runs in this one: what the program takes is its own.

#include "bench.h"

#include "../spec/http_server.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static double in_ns(const struct timeval *time) {
  return (double)time->tv_sec * 1e9 + (double)time->tv_usec * 1e3;
}

static void make_file(const char *path, uint64_t bytes) {
  struct stat about;
  char folder[1024];
  const char *name = strrchr(path, '/');
  snprintf(folder, sizeof folder, "%.*s", name ? (int)(name - path) : 0, path);
  (void)mkdir(folder, 0700);
  if (stat(path, &about) == 0 && (uint64_t)about.st_size == bytes)
    return;
  FILE *file = fopen(path, "wb");
  for (uint64_t i = 0; file != NULL && i < bytes; i++)
    putc(http_pattern(i), file);
  if (file == NULL || fclose(file) != 0)
    bench_fail(path, "cannot be written");
}

// "@/echo" is "http://127.0.0.1:4711/echo". It stays until the end.
static char *with_origin(const char *word, int port) {
  const char *at = strchr(word, '@');
  size_t bytes = strlen(word) + 40;
  char *whole = malloc(bytes);
  if (whole == NULL)
    bench_fail("http", "no memory");
  if (at == NULL)
    snprintf(whole, bytes, "%s", word);
  else
    snprintf(whole, bytes, "%.*shttp://127.0.0.1:%d%s", (int)(at - word), word,
             port, at + 1);
  return whole;
}

// http COUNT MEGABYTES FILE PROGRAM ...: runs it once, its output thrown away;
// @ in its words is the server. FILE has so many megabytes, and is made. The
// time is that of one of COUNT.
int bench_http(int argc, char **argv) {
  enum { WORDS = 32 };
  char *words[WORDS + 1] = {NULL};
  if (argc < 4 || argc - 3 > WORDS)
    bench_fail("http", "how many, how large, which file, and what?");
  double count = (double)bench_argument(argc, argv, 0, 1);
  uint64_t bytes = bench_argument(argc, argv, 1, 0) << 20;
  if (bytes > 0)
    make_file(argv[2], bytes);
  http_server *server = http_server_open();
  for (int i = 3; i < argc; i++)
    words[i - 3] = with_origin(argv[i], http_server_port(server));
  struct rusage used;
  int status;
  uint64_t began_ns = bench_now_ns();
  pid_t child = fork();
  if (child == 0) {
    int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0)
      _exit(127);
    execvp(words[0], words);
    _exit(127);
  }
  if (child < 0 || wait4(child, &status, 0, &used) != child || status != 0)
    bench_fail(words[0], "does not end well");
  double took_ns = (double)(bench_now_ns() - began_ns);
  bool is_exact = true;
  uint64_t received = http_server_received(server, &is_exact);
  if (received != bytes || !is_exact)
    bench_fail(words[0], "has not sent the file");
  bench_say("ns", took_ns / count);
  bench_say("cpu_ns", (in_ns(&used.ru_utime) + in_ns(&used.ru_stime)) / count);
  bench_say("check", (double)http_server_answered(server));
  http_server_close(server);
  return 0;
}
