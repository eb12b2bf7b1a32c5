// The life of the app in a host: launched, moved, told to end, ended. Each edge
// is written down, starts or stops the budgets, and reaches the listeners.
#ifndef FAR_LIFE_H
#define FAR_LIFE_H

#include "app.h"
#include "script.h"
#include "timeline.h"

// Begins the app's life; the scripts that are loaded next are its own. The
// reason is kept as it is, not copied.
void far_life_launch(farside_host *host, const char *reason, const char *why);

// Begins its life in the background: the system, not the user, has started it.
void far_life_launch_behind(farside_host *host, const char *reason,
                            const char *why);

// The OS has woken the app for what is to be done in the background, for so
// long; negative: as the profile says. It is told, wherever it is.
void far_life_wake(farside_host *host, const char *reason, int64_t budget_ms);

// Tells the scripts what has become of their store; before there are any, each
// that is loaded in this life of the app.
void far_life_tell_of_store(farside_host *host, farside_status status,
                            const char *message);

// Hands a new script the `launch` event, and what it has missed.
void far_life_greet(farside_host *host, far_script *script);

// Hands an event to every script. Takes the reference over.
void far_life_deliver(farside_host *host, far_event *event);

// Moves the app to a state, edge by edge. `why` goes with the first; it may be
// NULL.
void far_life_move(farside_host *host, far_app_state target, const char *why);

// The OS ends the time in the background early, for this reason, which is kept
// as it is: open tasks hear of their end now. Nothing happens elsewhere.
void far_life_hurry(farside_host *host, const char *why);

// Tells the scripts that the app ends, and gives open tasks their grace;
// negative: what the config or the profile says.
void far_life_terminate(farside_host *host, const char *reason,
                        int64_t grace_ms);

// Ends the app now: cancels tasks, closes scripts. `what` says how.
void far_life_end(farside_host *host, far_what what, const char *why);

// Stops a script for good: writes down where and why, and remembers it for its
// next launch. Its memory is gone as soon as nobody stands in it:
// far_life_bury().
void far_life_kill(far_script *script, const char *where, const char *why);

// Closes the scripts that were stopped. With the last script the app ends.
void far_life_bury(farside_host *host);

// What a script that was stopped had been loaded from, for its reload. The
// caller's; NULL when there is none.
struct far_source *far_life_take_source(farside_host *host, const char *name);

// Forgets what was stopped, when the host is closed.
void far_life_forget(farside_host *host);

// Nothing is queued: has the app reached the end of something?
void far_life_settle(farside_host *host);

// Turns are queued, and perhaps always will be: an app whose grace is long over
// ends all the same.
void far_life_enforce(farside_host *host);

// In the background with nothing to do, and what this OS allows is over: fires
// host->freeze.
void far_life_freeze(far_timer *timer, uint64_t now_ms);

#endif
