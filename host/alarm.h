// An alarm clock for one thread: at an instant, that thread gets a signal.
//
// No other thread has to wake up for it, and so it does not matter who else
// waits for a processor: who computes is interrupted within microseconds.
#ifndef FAR_ALARM_H
#define FAR_ALARM_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

typedef struct far_alarm {
#if defined(__linux__)
  timer_t timer;
#endif
  bool is_open;
} far_alarm;

// For the thread that calls it. False where the system has no such thing, and
// then far_alarm_set() is not to be called. The signal comes with si_code
// SI_TIMER and si_value.sival_ptr `mark`.
bool far_alarm_open(far_alarm *alarm, int signal, void *mark);

// Harmless when it was never opened.
void far_alarm_close(far_alarm *alarm);

// When it rings, on the clock of far_now_ns(), in place of what was set before;
// UINT64_MAX: not at all. May be called by the handler of the signal.
void far_alarm_set(const far_alarm *alarm, uint64_t when_ns);

#endif
