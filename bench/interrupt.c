// What no watchdog can go below on this machine: how late a thread that
// computes is interrupted, and how long the system takes for one call.

#include "../host/alarm.h"
#include "../host/punctual.h"
#include "bench.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { WAIT_NS = 3 * 1000 * 1000, REST_NS = 1000 * 1000 };

static volatile sig_atomic_t is_rung;

static void ring(int signal) {
  (void)signal;
  is_rung = 1;
}

// Another thread that sleeps, and then tells the one that computes.
static struct {
  pthread_t thread, computes;
  sem_t asked;
  uint64_t due_ns;
  bool is_punctual;
} sleeper;

static void sleep_until(uint64_t ns) {
  struct timespec time = {.tv_sec = (time_t)(ns / 1000000000),
                          .tv_nsec = (long)(ns % 1000000000)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void *tell_in_time(void *unused) {
  (void)unused;
  if (sleeper.is_punctual)
    far_be_punctual();
  for (;;) {
    while (sem_wait(&sleeper.asked) != 0)
      ;
    if (sleeper.due_ns == 0)
      return NULL;
    sleep_until(sleeper.due_ns);
    pthread_kill(sleeper.computes, SIGUSR1);
  }
}

static void ask(uint64_t due_ns) {
  sleeper.due_ns = due_ns;
  sem_post(&sleeper.asked);
}

// interrupt WAY [COUNT]: by a "thread", by a "punctual" one, by an "alarm"
int bench_interrupt(int argc, char **argv) {
  const char *way = argc > 0 ? argv[0] : "alarm";
  size_t count = bench_argument(argc, argv, 1, 1000);
  double *late_us = calloc(count, sizeof *late_us),
         *late_cpu_us = calloc(count, sizeof *late_cpu_us);
  if (late_us == NULL || late_cpu_us == NULL)
    bench_fail("interrupt", "no memory");
  signal(SIGUSR1, ring);
  far_alarm alarm;
  bool has_alarm = strcmp(way, "alarm") == 0;
  if (has_alarm && !far_alarm_open(&alarm, SIGUSR1, NULL))
    bench_fail("interrupt", "this system has no such alarm");
  sleeper.is_punctual = strcmp(way, "punctual") == 0;
  sleeper.computes = pthread_self();
  sem_init(&sleeper.asked, 0, 0);
  pthread_create(&sleeper.thread, NULL, tell_in_time, NULL);
  for (size_t i = 0; i < count; i++) {
    is_rung = 0;
    uint64_t before_ns = bench_cpu_ns();
    uint64_t due_ns = bench_now_ns() + WAIT_NS;
    if (has_alarm)
      far_alarm_set(&alarm, due_ns);
    else
      ask(due_ns);
    while (!is_rung)
      ;
    double cpu_ns = (double)(bench_cpu_ns() - before_ns);
    late_cpu_us[i] = cpu_ns > WAIT_NS ? (cpu_ns - WAIT_NS) / 1000 : 0;
    late_us[i] = (double)(bench_now_ns() - due_ns) / 1000;
    nanosleep(&(struct timespec){.tv_nsec = REST_NS}, NULL);
  }
  ask(0);
  pthread_join(sleeper.thread, NULL);
  bench_say_spread("late_cpu_us", late_cpu_us, count);
  bench_say_spread("late_us", late_us, count);
  bench_say("check", (double)count);
  if (has_alarm)
    far_alarm_close(&alarm);
  sem_destroy(&sleeper.asked);
  free(late_us);
  free(late_cpu_us);
  return 0;
}

// unmap [MB [COUNT]]: how long it takes to give back memory that was used.
int bench_unmap(int argc, char **argv) {
  size_t bytes = bench_argument(argc, argv, 0, 15) * 1000 * 1000;
  size_t count = bench_argument(argc, argv, 1, 200);
  double *took_us = calloc(count, sizeof *took_us);
  if (took_us == NULL)
    bench_fail("unmap", "no memory");
  for (size_t i = 0; i < count; i++) {
    void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
      bench_fail("unmap", "no memory");
    memset(block, 1, bytes);
    uint64_t before_ns = bench_cpu_ns();
    munmap(block, bytes);
    took_us[i] = (double)(bench_cpu_ns() - before_ns) / 1000;
  }
  bench_say_spread("took_us", took_us, count);
  bench_say("check", (double)count);
  free(took_us);
  return 0;
}
