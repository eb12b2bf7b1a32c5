#include "batch.h"

#include "going.h"
#include "host.h"
#include "limit.h"
#include <stdio.h>

enum {
  CHANGES_MAX = 256, // Of one commit: so much waits for one disk.
  QUIET_MS = 5 * 1000,
  SEEN_MS = 60 * 60 * 1000 // How often it is noted what time it is.
};

farside_status far_batch_failed(far_queue *queue, farside_status status) {
  queue->is_damaged |= status == FARSIDE_CORRUPT;
  return far_host_fail(queue->host, status, "%s",
                       queue->store->error(queue->store));
}

// -- What is lost -------------------------------------------------------------

// Damage is dealt with at once: what was lost, the app is told. False when it
// cannot be mended.
static bool heal(far_queue *queue) {
  char report[FAR_SENTENCE_BYTES];
  farside_status status =
      queue->store->recover(queue->store, report, sizeof report);
  if (status != FARSIDE_OK)
    snprintf(report, sizeof report, "%s", queue->store->error(queue->store));
  queue->is_damaged = false;
  queue->needs_rescue = queue->has_orphans = status == FARSIDE_OK;
  queue->service_tag_kept = -1;
  far_life_tell_of_store(queue->host, FARSIDE_CORRUPT, report);
  return status == FARSIDE_OK;
}

static void tell_waiters(far_queue *queue, farside_status status,
                         const char *error) {
  while (!far_list_is_empty(&queue->waiters)) {
    far_waiter *waiter = far_list_item(queue->waiters.next, far_waiter, link);
    far_list_leave(&waiter->link);
    waiter->done(waiter, status, error);
  }
}

farside_status far_batch_lose(far_queue *queue, farside_status status) {
  farside_host *host = queue->host;
  far_store *store = queue->store;
  char error[sizeof host->error];
  bool is_ours = status == FARSIDE_NOMEM; // SQLite may have had enough.
  snprintf(error, sizeof error, "%s",
           is_ours ? farside_status_text(status) : store->error(store));
  store->rollback(store);
  queue->transaction_is_lost = queue->transaction != NULL;
  queue->losses++;
  queue->changes = 0;
  queue->changed_count = 0;
  far_goings_lost(queue);
  bool is_healed = status == FARSIDE_CORRUPT && heal(queue);
  // Whoever hears of it may try again, and again.
  bool is_news = far_host_now_ms(host) >= queue->quiet_until_ms;
  if (status != FARSIDE_CORRUPT && is_news)
    far_life_tell_of_store(host, status, error);
  tell_waiters(queue, status, error);
  if (!is_healed)
    queue->quiet_until_ms = far_host_now_ms(host) + QUIET_MS;
  far_queue_look_again(queue);
  return far_host_fail(host, status, "%s", error);
}

// -- Changes ------------------------------------------------------------------

bool far_batch_is_open(const farside_host *host) {
  const far_queue *queue = &host->queue;
  return queue->store != NULL &&
         (queue->changes > 0 || queue->store->is_open(queue->store));
}

// What could not be read has taken the batch with it, and nobody was told yet.
static bool is_gone(const far_queue *queue) {
  return queue->changes > 0 && !queue->store->is_open(queue->store);
}

void far_batch_wait(farside_host *host, far_waiter *waiter) {
  far_list_append(&host->queue.waiters, &waiter->link);
}

void far_batch_changes(far_queue *queue, int64_t id) {
  if (queue->changed_count < FAR_CHANGED_MAX)
    queue->changed[queue->changed_count] = id;
  queue->changed_count++; // Beyond that any may be.
}

void far_batch_changes_any(far_queue *queue) {
  queue->changed_count = FAR_CHANGED_MAX + 1;
}

void far_batch_before_showing(far_queue *queue, int64_t id) {
  bool has_changed = queue->changed_count > FAR_CHANGED_MAX;
  for (size_t i = 0; i < queue->changed_count && !has_changed; i++)
    has_changed = queue->changed[i] == id;
  if (has_changed)
    (void)far_batch_flush(queue->host); // Where that fails, it never was.
}

// What has to be known after a restart: how far the service is, and that the
// clock was not set back meanwhile. That is written when it tells something
// new.
static farside_status keep_numbers(far_queue *queue, int64_t now_ms) {
  far_store *store = queue->store;
  farside_status status = FARSIDE_OK;
  if (queue->service_tag != queue->service_tag_kept)
    status = store->number_set(store, "service_tag", queue->service_tag);
  if (status == FARSIDE_OK && now_ms != queue->seen_ms)
    status = store->number_set(store, "seen_ms", now_ms);
  return status;
}

farside_status far_batch_flush(farside_host *host) {
  far_queue *queue = &host->queue;
  if (!far_batch_is_open(host) || queue->transaction != NULL)
    return FARSIDE_OK;
  if (is_gone(queue))
    return far_batch_lose(queue, FARSIDE_STORE);
  int64_t now_ms = far_queue_wall_ms(host), seen_ms = queue->seen_ms;
  bool is_news = now_ms < seen_ms || now_ms - seen_ms > SEEN_MS;
  farside_status status = keep_numbers(queue, is_news ? now_ms : seen_ms);
  if (status == FARSIDE_OK)
    status = queue->store->commit(queue->store);
  if (status != FARSIDE_OK)
    return far_batch_lose(queue, status);
  queue->changes = 0;
  queue->changed_count = 0;
  queue->service_tag_kept = queue->service_tag;
  queue->seen_ms = is_news ? now_ms : seen_ms;
  far_goings_kept(queue);
  tell_waiters(queue, FARSIDE_OK, NULL);
  return FARSIDE_OK;
}

farside_status far_batch_begin(far_queue *queue, bool is_durable) {
  farside_status status = far_queue_need(queue);
  if (status != FARSIDE_OK)
    return status;
  far_store *store = queue->store;
  bool is_open = store->is_open(store);
  bool is_ours = queue->transaction == NULL; // To commit, and to begin.
  bool is_full =
      queue->changes >= CHANGES_MAX || (is_durable && !queue->is_batch_durable);
  if (is_ours && ((is_open && is_full) || is_gone(queue))) {
    status = far_batch_flush(queue->host);
    is_open = false;
  }
  if (status != FARSIDE_OK)
    return status;
  if (queue->transaction_is_lost)
    return far_host_fail(
        queue->host, FARSIDE_STORE,
        "the transaction was lost: the store has failed in it");
  if (!is_open)
    queue->is_batch_durable = is_durable;
  if (is_ours && (status = store->begin(store, is_durable)) != FARSIDE_OK)
    return far_batch_lose(queue, status);
  queue->written = store->written(store);
  return FARSIDE_OK;
}

// Part of the batch from now on.
static farside_status keep(far_queue *queue) {
  queue->changes++;
  far_queue_look_again(queue);
  return FARSIDE_OK;
}

farside_status far_batch_end(far_queue *queue, farside_status status) {
  far_store *store = queue->store;
  bool is_open = store->is_open(store); // Else a write has failed.
  if (is_open && status == FARSIDE_OK)
    return keep(queue);
  if (is_open && queue->written == store->written(store))
    return status;
  return far_batch_lose(queue, status ? status : FARSIDE_STORE);
}

farside_status far_batch_begin_undoable(far_queue *queue, bool is_durable) {
  farside_status status = far_batch_begin(queue, is_durable);
  if (status == FARSIDE_OK &&
      (status = queue->store->mark(queue->store)) != FARSIDE_OK)
    status = far_batch_lose(queue, status);
  return status;
}

farside_status far_batch_end_undoable(far_queue *queue, farside_status status) {
  far_store *store = queue->store;
  if (!store->is_open(store))
    return far_batch_lose(queue, status ? status : FARSIDE_STORE);
  farside_status ended =
      status == FARSIDE_OK ? store->keep(store) : store->undo(store);
  if (ended != FARSIDE_OK)
    return far_batch_lose(queue, ended);
  return status == FARSIDE_OK ? keep(queue) : status;
}
