#include "storage.h"

#include "batch.h"
#include "far_assert.h"
#include "host.h"
#include <string.h>

static far_queue *queue_of(const far_script *script) {
  return &script->host->queue;
}

static farside_status said(far_queue *queue, farside_status status) {
  return status == FARSIDE_OK || status == FARSIDE_NOWORK
             ? status
             : far_batch_failed(queue, status);
}

// A change of its own, or a part of a transaction.
static farside_status begin(far_script *script) {
  return far_batch_begin_undoable(queue_of(script), true);
}

static farside_status end(far_script *script, farside_status status) {
  farside_status ended = far_batch_end_undoable(queue_of(script), status);
  return ended == FARSIDE_OK ? far_batch_flush(script->host) : ended;
}

// -- Changes ------------------------------------------------------------------

static farside_status check_room(far_script *script, size_t more) {
  far_queue *queue = queue_of(script);
  uint64_t limit = script->limits.storage_bytes;
  int64_t bytes = 0;
  farside_status status =
      queue->store->value_bytes(queue->store, script->name, &bytes);
  if (status != FARSIDE_OK)
    return far_batch_failed(queue, status);
  if (limit == FARSIDE_NO_LIMIT || (uint64_t)bytes + more <= limit)
    return FARSIDE_OK;
  return far_host_fail(script->host, FARSIDE_FULL,
                       "it keeps %lld bytes and may keep %llu (limit storage)",
                       (long long)bytes, (unsigned long long)limit);
}

farside_status far_storage_set(far_script *script, const char *key,
                               size_t key_bytes, const char *json) {
  far_store *store;
  farside_status status = begin(script);
  if (status != FARSIDE_OK)
    return status;
  store = queue_of(script)->store;
  // What it had under that key makes room for what it has now.
  status = store->value_remove(store, script->name, key, key_bytes);
  if (status == FARSIDE_OK || status == FARSIDE_NOWORK)
    status = check_room(script, key_bytes + strlen(json));
  else
    far_batch_failed(queue_of(script), status);
  if (status == FARSIDE_OK)
    status =
        said(queue_of(script), store->value_set(store, script->name, key,
                                                key_bytes, json, strlen(json)));
  return end(script, status);
}

farside_status far_storage_remove(far_script *script, const char *key,
                                  size_t key_bytes, bool *was_there) {
  *was_there = false;
  farside_status status = begin(script);
  if (status != FARSIDE_OK)
    return status;
  far_store *store = queue_of(script)->store;
  status = said(queue_of(script),
                store->value_remove(store, script->name, key, key_bytes));
  *was_there = status == FARSIDE_OK;
  return end(script, status == FARSIDE_NOWORK ? FARSIDE_OK : status);
}

farside_status far_storage_clear(far_script *script) {
  farside_status status = begin(script);
  if (status != FARSIDE_OK)
    return status;
  far_store *store = queue_of(script)->store;
  return end(script,
             said(queue_of(script), store->value_clear(store, script->name)));
}

// -- Reading ------------------------------------------------------------------

static const char *show(far_queue *queue, char *text, size_t bytes) {
  far_free(&queue->host->memory, queue->text, queue->text_bytes + 1);
  queue->text = text;
  queue->text_bytes = text ? bytes : 0;
  return text;
}

farside_status far_storage_get(far_script *script, const char *key,
                               size_t key_bytes, const char **json) {
  far_queue *queue = queue_of(script);
  farside_status status = far_queue_need(queue);
  if (status != FARSIDE_OK)
    return status;
  char *text = NULL;
  size_t bytes = 0;
  status = said(queue, queue->store->value_get(queue->store, script->name, key,
                                               key_bytes, &text, &bytes));
  *json = show(queue, text, bytes);
  return status;
}

farside_status far_storage_next(far_script *script, const char *prefix,
                                size_t prefix_bytes, const char *after,
                                size_t after_bytes, const char **key,
                                size_t *key_bytes) {
  far_queue *queue = queue_of(script);
  farside_status status = far_queue_need(queue);
  if (status != FARSIDE_OK)
    return status;
  char *text = NULL;
  size_t bytes = after_bytes;
  if (after != NULL) {
    text = far_new(&script->host->memory, after_bytes + 1);
    if (text == NULL)
      return far_host_fail(script->host, FARSIDE_NOMEM, "%s",
                           farside_status_text(FARSIDE_NOMEM));
    memcpy(text, after, after_bytes);
  }
  status =
      said(queue, queue->store->value_next(queue->store, script->name, prefix,
                                           prefix_bytes, &text, &bytes));
  *key = show(queue, text, bytes);
  *key_bytes = queue->text_bytes;
  return status;
}

// -- Transactions -------------------------------------------------------------

farside_status far_storage_begin(far_script *script) {
  far_queue *queue = queue_of(script);
  farside_status status = far_batch_begin_undoable(queue, true);
  if (status != FARSIDE_OK)
    return status;
  queue->transaction = script;
  queue->transaction_depth++;
  return FARSIDE_OK;
}

farside_status far_storage_end(far_script *script, bool is_kept) {
  far_queue *queue = queue_of(script);
  far_assert(queue->transaction_depth > 0);
  // Within it the store has failed, and all of it is gone already.
  bool is_lost = queue->transaction_is_lost;
  if (--queue->transaction_depth == 0) {
    queue->transaction = NULL;
    queue->transaction_is_lost = false;
  }
  if (is_lost)
    return FARSIDE_STORE;
  if (is_kept)
    return end(script, FARSIDE_OK);
  farside_status status = far_batch_end_undoable(queue, FARSIDE_INVALID);
  return status == FARSIDE_INVALID ? FARSIDE_OK : status;
}

void far_storage_abandon(far_script *script) {
  far_queue *queue = queue_of(script);
  if (queue->transaction != script)
    return;
  while (queue->transaction_depth > 0)
    (void)far_storage_end(script, false);
}
