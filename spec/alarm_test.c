// The alarm of a thread rings there, at its time, and never when it was taken
// back.

#include "../host/alarm.h"
#include "../host/watchdog.h"
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

enum { MS = 1000 * 1000 };

static char mark;
static _Thread_local volatile sig_atomic_t rung, is_marked;
static volatile sig_atomic_t rung_anywhere;

static void ring(int number, siginfo_t *info, void *context) {
  (void)number;
  (void)context;
  rung++;
  rung_anywhere++;
  is_marked = info->si_code == SI_TIMER && info->si_value.sival_ptr == &mark;
}

static void compute_until(uint64_t when_ns) {
  while (far_now_ns() < when_ns)
    ;
}

// The clock is asked so that a sanitizer lets the signal through.
static void wait_for(volatile sig_atomic_t *count, int before) {
  while (*count == before)
    far_now_ns();
}

static void test_here(far_alarm *alarm) {
  uint64_t when_ns = far_now_ns() + 2 * MS;
  far_alarm_set(alarm, when_ns);
  wait_for(&rung, 0);
  check(far_now_ns() >= when_ns);
  check(is_marked);
  far_alarm_set(alarm, 1);
  wait_for(&rung, 1);
  check(rung == 2); // A time that is over is now.
}

static void test_never(far_alarm *alarm) {
  int before = rung_anywhere;
  uint64_t now_ns = far_now_ns();
  far_alarm_set(alarm, now_ns + 50 * MS);
  far_alarm_set(alarm, UINT64_MAX);
  compute_until(now_ns + 60 * MS);
  check(rung_anywhere == before);
  far_alarm_set(alarm, far_now_ns() + 50 * MS);
  far_alarm_close(alarm);
  far_alarm_close(alarm);
  compute_until(now_ns + 120 * MS);
  check(rung_anywhere == before);
}

static void *compute_elsewhere(void *alarm) {
  far_alarm_set(alarm, far_now_ns() + 2 * MS);
  int before = rung_anywhere;
  wait_for(&rung_anywhere, before);
  return rung == 0 ? alarm : NULL;
}

static void test_whose(far_alarm *alarm) {
  pthread_t other;
  void *result = NULL;
  int before = rung;
  pthread_create(&other, NULL, compute_elsewhere, alarm);
  pthread_join(other, &result);
  check(result == alarm && rung == before + 1);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = ring, .sa_flags = SA_SIGINFO};
  sigaction(SIGURG, &action, NULL);
  far_alarm alarm;
  memset(&alarm, 0, sizeof alarm);
  if (!far_alarm_open(&alarm, SIGURG, &mark))
    return 77; // Not on this system.
  test_here(&alarm);
  test_whose(&alarm);
  test_never(&alarm);
  return check_end();
}
