// Dispatch: which units of work start now, and when to look again.
//
// It looks when something has changed: a unit was enqueued or has ended, its
// time has come, the phone is charged, the app came to the front, somebody has
// moved the clock. What cannot start waits for the next change. One wake-up is
// asked of the platform for the whole queue.
#ifndef FAR_DISPATCH_H
#define FAR_DISPATCH_H

#include "queue.h"

// There is nothing else to do at this instant: commits, and starts what is due.
void far_dispatch(farside_host *host);

// Whoever runs by the store, and does not by us, has died with the app: that
// is written down. Needed where nothing is dispatched; else it is done first.
farside_status far_dispatch_rescue(farside_host *host);

// Whether it has to look once more before anybody sleeps.
bool far_dispatch_has_work(const farside_host *host);

// Whether it waits for something that can come while the app runs.
bool far_dispatch_is_waiting(const farside_host *host);

// The platform has granted a wake-up: the next one may be asked for.
void far_dispatch_woken(farside_host *host);

// The app is about to end; killed: as if the process had died. And it has.
void far_dispatch_end(farside_host *host, bool is_killed);
void far_dispatch_ended(farside_host *host);

#endif
