#include "alarm.h"

#if defined(__linux__)

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// What glibc before 2.38 has no name for.
#if !defined(sigev_notify_thread_id)
#define sigev_notify_thread_id _sigev_un._tid
#endif

bool far_alarm_open(far_alarm *alarm, int signal, void *mark) {
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_value.sival_ptr = mark;
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = signal;
  event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
  alarm->is_open = timer_create(CLOCK_MONOTONIC, &event, &alarm->timer) == 0;
  return alarm->is_open;
}

void far_alarm_close(far_alarm *alarm) {
  if (alarm->is_open)
    timer_delete(alarm->timer);
  alarm->is_open = false;
}

void far_alarm_set(const far_alarm *alarm, uint64_t when_ns) {
  const uint64_t second = 1000000000;
  struct itimerspec when = {.it_value = {0}}; // Zero stops it.
  if (when_ns != UINT64_MAX)
    when.it_value = (struct timespec){.tv_sec = (time_t)(when_ns / second),
                                      .tv_nsec = (long)(when_ns % second)};
  timer_settime(alarm->timer, TIMER_ABSTIME, &when, NULL);
}

#else

bool far_alarm_open(far_alarm *alarm, int signal, void *mark) {
  (void)signal;
  (void)mark;
  alarm->is_open = false;
  return false;
}

void far_alarm_close(far_alarm *alarm) {
  (void)alarm;
}

void far_alarm_set(const far_alarm *alarm, uint64_t when_ns) {
  (void)alarm;
  (void)when_ns;
}

#endif
