#include "bench.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static uint64_t read_clock(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t bench_now_ns(void) {
  return read_clock(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(void) {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t bench_process_ns(void) {
  return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

double bench_peak_bytes(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (double)used.ru_maxrss * 1024;
}

size_t bench_heap_bytes(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void bench_say(const char *name, double value) {
  printf("%s\t%.17g\n", name, value);
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void bench_say_spread(const char *name, double *values, size_t count) {
  qsort(values, count, sizeof *values, compare);
  printf("%s_p50\t%.17g\n", name, values[count / 2]);
  printf("%s_p99\t%.17g\n", name, values[count * 99 / 100]);
  printf("%s_max\t%.17g\n", name, values[count - 1]);
}

void bench_fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

uint64_t bench_argument(int argc, char **argv, int index, uint64_t otherwise) {
  return index < argc ? strtoull(argv[index], NULL, 10) : otherwise;
}

char *bench_read(const char *path, size_t *bytes) {
  FILE *file = fopen(path, "rb");
  if (file == NULL)
    bench_fail(path, "cannot be opened");
  enum { BYTES_MAX = 1 << 16 };
  char *text = malloc(BYTES_MAX);
  if (text == NULL)
    bench_fail(path, "no memory");
  *bytes = fread(text, 1, BYTES_MAX - 1, file);
  text[*bytes] = '\0';
  fclose(file);
  return text;
}

static void on_log(void *user, farside_level level, const char *script,
                   const char *message) {
  (void)user;
  if (level == FARSIDE_ERROR)
    bench_fail(script, message);
  puts(message);
}

farside_host *bench_host_open(farside_config *config) {
  // An engine reads the log; to be told of every entry takes time.
  if (config->on_entry == NULL && config->on_log == NULL)
    config->on_log = on_log;
  farside_host *host;
  farside_status status = farside_host_open(config, &host);
  if (status != FARSIDE_OK)
    bench_fail("the host", farside_status_text(status));
  return host;
}

void bench_load(farside_host *host, const char *name, const char *code) {
  if (farside_load_buffer(host, name, code, strlen(code), 0, NULL) !=
      FARSIDE_OK)
    bench_fail(name, farside_error(host));
}
