// Batches: many changes of the store in one commit.
//
// A commit costs a write that reaches the disk, whatever is in it. So changes
// are collected while the host has other things to do, and committed when it
// has not. Whoever has to be sure waits for that. Each change is all there or
// not at all.
#ifndef FAR_BATCH_H
#define FAR_BATCH_H

#include "farside.h"
#include "list.h"

struct far_queue;

// Somebody who waits for the next commit. Embed it.
typedef struct far_waiter {
  far_list link;
  // The batch is in the store; or it is not, and there is a sentence.
  void (*done)(struct far_waiter *waiter, farside_status status,
               const char *error);
} far_waiter;

// Begins a change. FARSIDE_UNSUPPORTED without a store; farside_error() has the
// sentence. A batch is as durable as its changes: one that differs is committed
// first.
farside_status far_batch_begin(struct far_queue *queue, bool is_durable);

// Ends it. With a status that is not FARSIDE_OK nothing of it may remain: where
// something was written already the whole batch is lost, and everybody who
// waits is told. So whoever may refuse does that before he writes.
farside_status far_batch_end(struct far_queue *queue, farside_status status);

// The same for changes that are taken back by themselves. It costs a little
// more.
farside_status far_batch_begin_undoable(struct far_queue *queue,
                                        bool is_durable);
farside_status far_batch_end_undoable(struct far_queue *queue,
                                      farside_status status);

// A unit is changed in it; and whoever is shown a unit relies on what he sees:
// what has changed it is committed before. Not within a transaction of a
// script's, which sees what it has changed itself.
void far_batch_changes(struct far_queue *queue, int64_t id);
void far_batch_changes_any(struct far_queue *queue); // Many, or nobody knows.
void far_batch_before_showing(struct far_queue *queue, int64_t id);

// What the store says becomes what the host says. Returns the status.
farside_status far_batch_failed(struct far_queue *queue, farside_status status);

// The whole batch is lost: everybody who waits is told, and so is the app. What
// is damaged is mended.
farside_status far_batch_lose(struct far_queue *queue, farside_status status);

// Whether there is something to be committed: then wait, or flush.
bool far_batch_is_open(const farside_host *host);
void far_batch_wait(farside_host *host, far_waiter *waiter);

// Commits, and tells those who wait. Within a transaction of a script that is
// left to its end.
farside_status far_batch_flush(farside_host *host);

#endif
