// The outbox: what waits for an embedder who polls, because nobody can call it.
//
// A queue of JSON texts under a mutex, with a cap in bytes, and a pipe that can
// be read while there is something to do. The host's thread puts texts in, and
// any thread takes them out.
#ifndef FAR_OUTBOX_H
#define FAR_OUTBOX_H

#include "farside.h"
#include <pthread.h>

typedef struct far_text far_text;

typedef struct far_outbox {
  pthread_mutex_t mutex;
  bool has_mutex;
  bool is_readable; // A byte is in the pipe.
  bool wants_tick;  // Something was posted.
  bool is_threaded; // Nobody ticks.
  int pipe[2];      // Made when it is first asked for; -1.
  far_text *first, *last;
  size_t bytes, bytes_max;
  uint64_t lost; // Entries for which there was no room.
} far_outbox;

farside_status far_outbox_init(far_outbox *outbox, size_t bytes_max);
void far_outbox_deinit(far_outbox *outbox);

// Puts a text in, from malloc(), and takes it over, also where it fails.
// FARSIDE_LIMIT when too much waits already; NULL is FARSIDE_NOMEM.
farside_status far_outbox_put(far_outbox *outbox, char *text);

// The same for what may be lost; that is counted.
void far_outbox_put_entry(far_outbox *outbox, char *text);

// The last text, for which there is always room.
void far_outbox_end(far_outbox *outbox);

// Something was posted, or a tick has begun and will see it.
void far_outbox_want_tick(far_outbox *outbox, bool wants);

// From now on nobody ticks.
void far_outbox_go_threaded(far_outbox *outbox);

#endif
