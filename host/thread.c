#include "thread.h"

#include "host.h"
#include <signal.h>

static _Thread_local const farside_host *here; // Whose thread this is.

bool far_thread_is_here(const farside_host *host) {
  return here == host;
}

static void *run(void *host) {
  here = host;
  far_host_run(host);
  return NULL;
}

// The engine's signals are for the engine's threads: those of ours take none
// but the watchdog's, which it asks for itself.
static bool create(far_thread *thread, farside_host *host) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  bool is_created = pthread_create(&thread->id, NULL, run, host) == 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return is_created;
}

farside_status farside_start(farside_host *host) {
  if (host == NULL)
    return FARSIDE_INVALID;
  if (host->thread.is_started)
    return FARSIDE_BUSY; // All else is that thread's.
  if (host->is_running)
    return far_host_fail(host, FARSIDE_BUSY, "%s",
                         farside_status_text(FARSIDE_BUSY));
  if (host->has_ended)
    return FARSIDE_CLOSED;
  far_outbox_go_threaded(&host->outbox);
  host->thread.is_started = true; // Before it can call back.
  if (create(&host->thread, host))
    return FARSIDE_OK;
  host->thread.is_started = false;
  return far_host_fail(host, FARSIDE_SYSTEM, "there is no thread to be had");
}

void far_thread_join(farside_host *host) {
  if (!host->thread.is_started)
    return;
  farside_stop(host);
  pthread_join(host->thread.id, NULL);
  host->thread.is_started = false;
}
