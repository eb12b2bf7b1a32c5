// A thread of a host's own, which goes on while the embedder's stands still.
#ifndef FAR_THREAD_H
#define FAR_THREAD_H

#include "farside.h"
#include <pthread.h>

typedef struct far_thread {
  pthread_t id;
  bool is_started; // Only whoever started it changes this.
} far_thread;

// Whether the caller is that thread.
bool far_thread_is_here(const farside_host *host);

// Stops the app, and waits for the thread. Harmless when there is none.
void far_thread_join(farside_host *host);

#endif
