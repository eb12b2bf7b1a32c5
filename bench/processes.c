// Whole programs: how long from their start to their end, and how large.

#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static double in_ns(const struct timeval *time) {
  return (double)time->tv_sec * 1e9 + (double)time->tv_usec * 1e3;
}

static void run(char **argv, struct rusage *used) {
  pid_t child = fork();
  if (child == 0) {
    int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0)
      _exit(127);
    execvp(argv[0], argv);
    _exit(127);
  }
  int status;
  if (child < 0 || wait4(child, &status, 0, used) != child || status != 0)
    bench_fail(argv[0], "does not end well");
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// spawn TIMES PROGRAM ...: runs it so often, its output thrown away. The time
// is the median's.
int bench_spawn(int argc, char **argv) {
  if (argc < 2)
    bench_fail("spawn", "how often, and what?");
  uint64_t times = bench_argument(argc, argv, 0, 1);
  double *walls = malloc((size_t)times * sizeof *walls);
  double *cpus = malloc((size_t)times * sizeof *cpus);
  if (times == 0 || walls == NULL || cpus == NULL)
    bench_fail("spawn", "how often?");
  struct rusage used = {0};
  for (uint64_t i = 0; i < times; i++) {
    uint64_t began_ns = bench_now_ns();
    run(argv + 1, &used);
    walls[i] = (double)(bench_now_ns() - began_ns);
    cpus[i] = in_ns(&used.ru_utime) + in_ns(&used.ru_stime);
  }
  qsort(walls, times, sizeof *walls, compare);
  qsort(cpus, times, sizeof *cpus, compare);
  bench_say("ns", walls[times / 2]);
  bench_say("cpu_ns", cpus[times / 2]);
  bench_say("resident_bytes", (double)used.ru_maxrss * 1024);
  bench_say("check", (double)times);
  free(walls);
  free(cpus);
  return 0;
}

// size FILE ...: their bytes, together.
int bench_size(int argc, char **argv) {
  double bytes = 0;
  for (int i = 0; i < argc; i++) {
    struct stat file;
    if (stat(argv[i], &file) != 0)
      bench_fail(argv[i], "is not there");
    bytes += (double)file.st_size;
  }
  bench_say("bytes", bytes);
  bench_say("check", 1);
  return 0;
}
