#include "batch.h"

#include "going.h"
#include "host.h"
#include <stdio.h>

enum {
  CHANGES_MAX = 256, // Of one commit: so much waits for one disk.
  RETRY_MS = 5 * 1000
};

// What the store says becomes what the host says.
farside_status far_batch_failed(far_queue *queue, farside_status status) {
  return far_host_fail(queue->host, status, "%s",
                       queue->store->error(queue->store));
}

// Damage is dealt with at once: what was lost, the app is told.
static void heal(far_queue *queue) {
  char report[512];
  farside_status status =
      queue->store->recover(queue->store, report, sizeof report);
  if (status != FARSIDE_OK)
    snprintf(report, sizeof report, "%s", queue->store->error(queue->store));
  far_life_tell_of_store(queue->host, FARSIDE_CORRUPT, report);
  queue->needs_rescue = false; // Who runs is still running.
}

// The batch is over, without a trace.
static farside_status lose(far_queue *queue, farside_status status) {
  far_store *store = queue->store;
  queue->transaction_is_lost = queue->transaction != NULL;
  char error[sizeof queue->host->error];
  snprintf(error, sizeof error, "%s", store->error(store));
  store->rollback(store);
  queue->changes = 0;
  far_going_forget_unbegun(queue);
  if (status == FARSIDE_CORRUPT) {
    heal(queue);
  } else {
    far_life_tell_of_store(queue->host, status, error);
  }
  while (!far_list_is_empty(&queue->waiters)) {
    far_waiter *waiter = far_list_item(queue->waiters.next, far_waiter, link);
    far_list_leave(&waiter->link);
    waiter->done(waiter, status, error);
  }
  far_timer_start(&queue->host->timers, &queue->timer,
                  far_host_now_ms(queue->host) + RETRY_MS); // Try again later.
  return far_host_fail(queue->host, status, "%s", error);
}

bool far_batch_is_open(const farside_host *host) {
  const far_store *store = host->queue.store;
  return store != NULL && store->is_open(store);
}

void far_batch_wait(farside_host *host, far_waiter *waiter) {
  far_list_append(&host->queue.waiters, &waiter->link);
}

farside_status far_batch_flush(farside_host *host) {
  far_queue *queue = &host->queue;
  far_store *store = queue->store;
  if (store == NULL || !store->is_open(store) || queue->transaction != NULL)
    return FARSIDE_OK;
  farside_status status =
      store->number_set(store, "service_tag", queue->service_tag);
  if (status == FARSIDE_OK)
    status = store->commit(store);
  if (status != FARSIDE_OK)
    return lose(queue, status);
  queue->changes = 0;
  while (!far_list_is_empty(&queue->waiters)) {
    far_waiter *waiter = far_list_item(queue->waiters.next, far_waiter, link);
    far_list_leave(&waiter->link);
    waiter->done(waiter, FARSIDE_OK, NULL);
  }
  return FARSIDE_OK;
}

// A change within the batch: all of it, or nothing.
farside_status far_batch_begin(far_queue *queue, bool is_durable) {
  farside_status needed = far_queue_need(queue);
  if (needed != FARSIDE_OK)
    return needed;
  far_store *store = queue->store;
  if (queue->changes >= CHANGES_MAX && queue->transaction == NULL) {
    farside_status flushed = far_batch_flush(queue->host);
    if (flushed != FARSIDE_OK)
      return flushed;
  }
  if (queue->transaction_is_lost)
    return far_host_fail(
        queue->host, FARSIDE_STORE,
        "the transaction was lost: the store has failed in it");
  farside_status status = FARSIDE_OK;
  if (queue->transaction == NULL)
    status = store->begin(store, is_durable);
  if (status == FARSIDE_OK)
    status = store->mark(store);
  return status == FARSIDE_OK ? status : lose(queue, status);
}

// With a status that is not FARSIDE_OK the change is taken back. Where the
// store could not do that either, the whole batch is lost.
farside_status far_batch_end(far_queue *queue, farside_status status) {
  far_store *store = queue->store;
  if (!store->is_open(store))
    return lose(queue, status);
  farside_status ended =
      status == FARSIDE_OK ? store->keep(store) : store->undo(store);
  if (ended != FARSIDE_OK)
    return lose(queue, ended);
  queue->changes++;
  far_queue_look_again(queue);
  return status;
}
