// Dispatch: which units of work start now, and when to look again.
//
// It looks when something has changed: a unit was enqueued or has ended, its
// time has come, the phone is charged, the app came to the front, somebody has
// moved the clock. What cannot start waits for the next change. One wake-up of
// each kind is asked of the platform for the whole queue.
#ifndef FAR_DISPATCH_H
#define FAR_DISPATCH_H

#include "queue.h"

// There is nothing else to do at this instant: commits, and starts what is due.
void far_dispatch(farside_host *host);

// There is always something else to do: the same, from time to time. Nobody's
// commit waits until a neighbour that never comes to an end has ended.
void far_dispatch_between(farside_host *host);

// Whether it has to look once more before anybody sleeps.
bool far_dispatch_has_work(const farside_host *host);

// Whether it waits for something that can come while the app runs.
bool far_dispatch_is_waiting(const farside_host *host);

// The app is about to fall asleep: the store is left tidy.
void far_dispatch_rest(farside_host *host);

// The platform has woken the app: "fetch" and "processing" are what was asked
// for, and the next one of that kind may be.
void far_dispatch_woken(farside_host *host, const char *reason);

// The app is about to end; killed: as if the process had died. And it has.
void far_dispatch_end(farside_host *host, bool is_killed);
void far_dispatch_ended(farside_host *host);

#endif
