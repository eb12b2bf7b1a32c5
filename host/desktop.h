// The desktop: POSIX signals as the life of an app.
//
// Ctrl-Z sends the app to the background; when its tasks are done the process
// really stops, as the shell expects, and `fg` brings it back. SIGTERM, SIGHUP
// and the first Ctrl-C ask the app to end; a second Ctrl-C does not ask.
#ifndef FAR_DESKTOP_H
#define FAR_DESKTOP_H

#include "host.h"

typedef struct far_desktop far_desktop;

// Makes a desktop. Its platform goes into the config of the host to be opened.
// NULL when memory is short. One a process may be started at a time.
far_desktop *far_desktop_new(void);
const farside_platform *far_desktop_platform(const far_desktop *desktop);
void far_desktop_free(far_desktop *desktop);

// Whose room counts as storage: the disk of a file or folder, which is not
// copied. Default: of the current folder.
void far_desktop_set_disk(far_desktop *desktop, const char *path);

// Whose life the signals are: a host, or what stands for several.
typedef struct far_desktop_app {
  void *self;
  far_clock *clock; // Its loop takes the signals.
  far_app_state (*state)(void *self);
  bool (*is_terminating)(void *self);
  bool (*has_posts)(void *self); // Of which it knows nothing yet.
  void (*move)(void *self, far_app_state state, const char *why);
  farside_status (*post)(void *self, const char *event, const char *json);
} far_desktop_app;

// Takes the signals over, and gives them back. Stop before the host is closed.
farside_status far_desktop_start(far_desktop *desktop, farside_host *host);
farside_status far_desktop_start_app(far_desktop *desktop,
                                     const far_desktop_app *app);
void far_desktop_stop(far_desktop *desktop);

// Whether Ctrl-Z is heard, and not ignored for us by whoever started us.
bool far_desktop_may_sleep(const far_desktop *desktop);

// Takes SIGUSR1 and SIGUSR2 too, from the next start on: `heard` is called
// while no script runs.
void far_desktop_on_user_signal(far_desktop *desktop,
                                void (*heard)(void *user, int signal),
                                void *user);

// The status of a process that a second Ctrl-C ended.
enum { FAR_DESKTOP_INTERRUPTED = 130 };

#endif
