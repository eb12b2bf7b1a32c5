// The inbox: how other threads reach a host.
//
// A queue under a mutex. Whoever puts something in wakes the host's clock while
// the host may be asleep: to wake who looks here anyway, before he sleeps or
// because he ticks, is two or three system calls for nothing. Wake-ups may
// merge, so the host always takes everything that is there.
#ifndef FAR_INBOX_H
#define FAR_INBOX_H

#include "clock.h"
#include "event.h"

typedef struct far_inbox far_inbox;

// Opens an inbox that wakes `clock`, which must outlive it.
farside_status far_inbox_open(far_memory *memory, far_clock *clock,
                              far_inbox **inbox);
void far_inbox_close(far_inbox *inbox);

// Adds an event, whose reference it takes over. Any thread.
void far_inbox_put(far_inbox *inbox, far_event *event);

// Asks the host to stop. Any thread.
void far_inbox_put_stop(far_inbox *inbox);

// The host may fall asleep from now on, or is awake again. Between the first
// and its sleep it looks whether something waits: what is put in behind that
// look wakes it.
void far_inbox_sleeps(far_inbox *inbox, bool may_sleep);

// Whether nothing waits.
bool far_inbox_is_empty(far_inbox *inbox);

// Takes everything: the events, oldest first, linked by `next`, and whether a
// stop was asked for since the last time.
far_event *far_inbox_take(far_inbox *inbox, bool *stop);

#endif
