#include "desktop.h"

#include "machine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

// What libuv watches, SIGTSTP first; SIGINT is our own, see interrupted().
// The last two only where somebody wants to hear of them.
static const int watched[] = {SIGTSTP, SIGCONT, SIGTERM,
                              SIGHUP,  SIGUSR1, SIGUSR2};
enum { WATCHED = sizeof watched / sizeof *watched };

// What the machine is like is asked for often, and seldom another.
static const uint64_t LOOK_NS = UINT64_C(5) * 1000 * 1000 * 1000;

struct far_desktop {
  farside_platform platform;
  far_desktop_app app;
  uv_signal_t signals[WATCHED];
  bool is_watched[WATCHED];
  bool has_interrupt;
  bool has_check;
  bool wants_stop;
  uv_check_t check;
  uv_async_t interrupt;
  struct sigaction old_interrupt;
  bool is_started;
  const char *disk;
  farside_conditions conditions; // As they were at looked_ns; zero: never.
  uint64_t looked_ns;
  void (*heard)(void *user, int signal); // SIGUSR1, SIGUSR2.
  void *user;
  size_t open; // Handles that libuv has not closed yet.
};

// There is one SIGINT a process.
static far_desktop *interruptible;
static volatile sig_atomic_t interrupts;

// A script that computes keeps the loop from hearing anything, so the second
// Ctrl-C must end the process from within the handler.
static void interrupted(int signal) {
  (void)signal;
  int error = errno;
  if (interrupts++ > 0)
    _exit(FAR_DESKTOP_INTERRUPTED);
  if (interruptible != NULL)
    uv_async_send(&interruptible->interrupt);
  errno = error;
}

static void terminate(const far_desktop_app *app, const char *reason) {
  char json[64];
  snprintf(json, sizeof json, "{\"reason\":\"%s\"}", reason);
  app->post(app->self, "terminate", json);
}

static void interrupt_taken(uv_async_t *async) {
  const far_desktop *desktop = async->data;
  terminate(&desktop->app, "SIGINT");
}

// Pressed again while tasks are still open, it is meant.
static void stop_pressed(const far_desktop_app *app) {
  far_app_state state = app->state(app->self);
  if (state < FAR_APP_BACKGROUND)
    return; // It sleeps already, in a group that no shell looks after.
  bool again = state == FAR_APP_BACKGROUND && !app->is_terminating(app->self);
  app->move(app->self, again ? FAR_APP_SUSPENDED : FAR_APP_BACKGROUND,
            again ? "SIGTSTP again (Ctrl-Z)" : "SIGTSTP (Ctrl-Z)");
}

static void signalled(uv_signal_t *handle, int signal) {
  const far_desktop *desktop = handle->data;
  switch (signal) {
  case SIGTSTP:
    stop_pressed(&desktop->app);
    break;
  case SIGCONT:
    desktop->app.move(desktop->app.self, FAR_APP_ACTIVE, "SIGCONT (fg)");
    break;
  case SIGTERM:
    terminate(&desktop->app, "SIGTERM");
    break;
  case SIGHUP:
    terminate(&desktop->app, "SIGHUP");
    break;
  default:
    desktop->heard(desktop->user, signal);
    break;
  }
}

// The app sleeps, and so will the process, as soon as the loop has heard what
// it was told before: a SIGTERM must not be slept through.
static void suspend(void *self) {
  far_desktop *desktop = self;
  if (!desktop->is_started)
    return;
  desktop->wants_stop = true;
  desktop->app.clock->wake(desktop->app.clock);
}

// Runs after the loop has taken its signals. Without its handler SIGTSTP does
// what Ctrl-Z promises the shell; in a process group that no shell looks after
// the kernel ignores it, and the app sleeps in the loop, until SIGCONT.
static void stop(uv_check_t *check) {
  far_desktop *desktop = check->data;
  if (!desktop->wants_stop)
    return;
  const far_desktop_app *app = &desktop->app;
  desktop->wants_stop = app->state(app->self) == FAR_APP_SUSPENDED;
  if (!desktop->wants_stop)
    return;
  if (app->has_posts(app->self)) {
    // What was posted may wake the app: ask again when the host has seen it.
    app->clock->wake(app->clock);
    return;
  }
  desktop->wants_stop = false;
  fflush(NULL);
  uv_signal_t *handle = &desktop->signals[0];
  if (desktop->is_watched[0])
    uv_signal_stop(handle);
  raise(SIGTSTP);
  if (desktop->is_watched[0])
    uv_signal_start(handle, signalled, SIGTSTP);
}

// Where Ctrl-Z is ignored, nobody would bring the app back.
static int minimize(void *self) {
  const far_desktop *desktop = self;
  if (!far_desktop_may_sleep(desktop))
    return -1;
  const far_desktop_app *app = &desktop->app;
  return app->post(app->self, "pause", NULL) == FARSIDE_OK ? 0 : -1;
}

static void conditions(void *self, farside_conditions *now) {
  far_desktop *desktop = self;
  uint64_t now_ns = uv_hrtime();
  if (desktop->looked_ns == 0 || now_ns - desktop->looked_ns > LOOK_NS) {
    desktop->looked_ns = now_ns;
    far_machine_conditions(desktop->disk, &desktop->conditions);
  }
  *now = desktop->conditions;
}

void far_desktop_set_disk(far_desktop *desktop, const char *path) {
  desktop->disk = path;
  desktop->looked_ns = 0;
}

bool far_desktop_may_sleep(const far_desktop *desktop) {
  return desktop->is_started && desktop->is_watched[0];
}

far_desktop *far_desktop_new(void) {
  far_desktop *desktop = calloc(1, sizeof *desktop);
  if (desktop == NULL)
    return NULL;
  desktop->disk = ".";
  desktop->platform = (farside_platform){.version = FARSIDE_PLATFORM_VERSION,
                                         .self = desktop,
                                         .suspend = suspend,
                                         .minimize = minimize,
                                         .conditions = conditions};
  return desktop;
}

const farside_platform *far_desktop_platform(const far_desktop *desktop) {
  return &desktop->platform;
}

void far_desktop_free(far_desktop *desktop) {
  if (desktop == NULL)
    return;
  far_desktop_stop(desktop);
  free(desktop);
}

// What was ignored when we came stays ignored: nohup, and jobs of a script.
static bool is_ignored(int signal) {
  struct sigaction old;
  return sigaction(signal, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

static bool watch(far_desktop *desktop, uv_loop_t *loop, size_t i) {
  bool is_user = watched[i] == SIGUSR1 || watched[i] == SIGUSR2;
  if (is_ignored(watched[i]) || (is_user && desktop->heard == NULL))
    return true;
  desktop->signals[i].data = desktop;
  if (uv_signal_init(loop, &desktop->signals[i]) != 0)
    return false;
  desktop->is_watched[i] = true;
  desktop->open++;
  far_clock_keep(desktop->app.clock, (uv_handle_t *)&desktop->signals[i]);
  return uv_signal_start(&desktop->signals[i], signalled, watched[i]) == 0;
}

static bool watch_interrupt(far_desktop *desktop, uv_loop_t *loop) {
  if (uv_async_init(loop, &desktop->interrupt, interrupt_taken) != 0)
    return false;
  far_clock_keep(desktop->app.clock, (uv_handle_t *)&desktop->interrupt);
  desktop->interrupt.data = desktop;
  desktop->open++;
  desktop->has_interrupt = true;
  interruptible = desktop;
  interrupts = 0;
  struct sigaction action = {.sa_handler = interrupted, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  if (is_ignored(SIGINT))
    action.sa_handler = SIG_IGN;
  return sigaction(SIGINT, &action, &desktop->old_interrupt) == 0;
}

static bool watch_turns(far_desktop *desktop, uv_loop_t *loop) {
  if (uv_check_init(loop, &desktop->check) != 0)
    return false;
  far_clock_keep(desktop->app.clock, (uv_handle_t *)&desktop->check);
  desktop->check.data = desktop;
  desktop->open++;
  desktop->has_check = true;
  return uv_check_start(&desktop->check, stop) == 0;
}

// -- The life of a host -------------------------------------------------------

static far_app_state state_of(void *self) {
  const farside_host *host = self;
  return host->app.state;
}

static bool is_terminating(void *self) {
  const farside_host *host = self;
  return host->is_terminating;
}

static bool has_posts(void *self) {
  const farside_host *host = self;
  return !far_inbox_is_empty(host->inbox);
}

static void move(void *self, far_app_state state, const char *why) {
  far_life_move(self, state, why);
}

static farside_status post(void *self, const char *event, const char *json) {
  return farside_post(self, event, json);
}

farside_status far_desktop_start(far_desktop *desktop, farside_host *host) {
  const far_desktop_app app = {.self = host,
                               .clock = host->clock,
                               .state = state_of,
                               .is_terminating = is_terminating,
                               .has_posts = has_posts,
                               .move = move,
                               .post = post};
  return far_desktop_start_app(desktop, &app);
}

// -- Start and stop -----------------------------------------------------------

farside_status far_desktop_start_app(far_desktop *desktop,
                                     const far_desktop_app *app) {
  if (interruptible != NULL)
    return FARSIDE_BUSY;
  uv_loop_t *loop = far_clock_loop(app->clock);
  desktop->app = *app;
  desktop->is_started = true;
  desktop->wants_stop = false;
  bool is_fine = watch_interrupt(desktop, loop) && watch_turns(desktop, loop);
  for (size_t i = 0; i < WATCHED && is_fine; i++)
    is_fine = watch(desktop, loop, i);
  if (is_fine)
    return FARSIDE_OK;
  far_desktop_stop(desktop);
  return FARSIDE_SYSTEM;
}

void far_desktop_on_user_signal(far_desktop *desktop,
                                void (*heard)(void *user, int signal),
                                void *user) {
  desktop->heard = heard;
  desktop->user = user;
}

static void closed(uv_handle_t *handle) {
  far_desktop *desktop = handle->data;
  desktop->open--;
}

void far_desktop_stop(far_desktop *desktop) {
  if (!desktop->is_started)
    return;
  desktop->is_started = false;
  if (desktop->has_interrupt) {
    interruptible = NULL;
    sigaction(SIGINT, &desktop->old_interrupt, NULL);
    uv_close((uv_handle_t *)&desktop->interrupt, closed);
    desktop->has_interrupt = false;
  }
  if (desktop->has_check)
    uv_close((uv_handle_t *)&desktop->check, closed);
  desktop->has_check = false;
  for (size_t i = 0; i < WATCHED; i++) {
    if (desktop->is_watched[i])
      uv_close((uv_handle_t *)&desktop->signals[i], closed);
    desktop->is_watched[i] = false;
  }
  while (desktop->open > 0)
    uv_run(far_clock_loop(desktop->app.clock), UV_RUN_NOWAIT);
}
