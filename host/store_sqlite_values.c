// Values of scripts and numbers of the host, in the store of SQLite's.

#include "store_sqlite.h"

#include <string.h>

far_sum far_sqlite_value_sum(const char *script, const char *key,
                             size_t key_bytes, const void *json, size_t bytes) {
  far_sum sum = far_sum_text(0, script);
  sum = far_sum_bytes(sum, key, key_bytes);
  return far_sum_bytes(sum, json, bytes);
}

static farside_status value_get(far_store *store, const char *script,
                                const char *key, size_t key_bytes, char **json,
                                size_t *bytes) {
  far_sqlite *my = far_sqlite_of(store);
  far_query q = far_ask(my, FAR_SQL_VALUE_GET);
  far_give_text(&q, script);
  far_give_key(&q, key, key_bytes);
  *json = NULL;
  *bytes = 0;
  farside_status status = far_next(&q);
  if (status == FARSIDE_OK) {
    const void *text = sqlite3_column_text(q.stmt, 0);
    size_t length = (size_t)sqlite3_column_bytes(q.stmt, 0);
    if (text == NULL)
      status = far_sqlite_no_memory(my);
    else if (!far_is_sum(
                 q.stmt, 1,
                 far_sqlite_value_sum(script, key, key_bytes, text, length)))
      status =
          far_sqlite_say(my, FARSIDE_CORRUPT,
                         "it is damaged (a value is not what was written)");
    else if ((*json = far_copy_of(store->memory, text, length)) == NULL)
      status = far_sqlite_no_memory(my);
    else
      *bytes = length;
  }
  far_end(&q);
  return status;
}

static farside_status value_set(far_store *store, const char *script,
                                const char *key, size_t key_bytes,
                                const char *json, size_t bytes) {
  far_sqlite *my = far_sqlite_of(store);
  far_query q = far_ask(my, FAR_SQL_VALUE_SET);
  far_give_text(&q, script);
  far_give_key(&q, key, key_bytes);
  far_give_json(&q, json, bytes);
  far_give_sum(&q, far_sqlite_value_sum(script, key, key_bytes, json, bytes));
  return far_write(&q);
}

static farside_status value_remove(far_store *store, const char *script,
                                   const char *key, size_t key_bytes) {
  far_sqlite *my = far_sqlite_of(store);
  far_query q = far_ask(my, FAR_SQL_VALUE_REMOVE);
  far_give_text(&q, script);
  far_give_key(&q, key, key_bytes);
  farside_status status = far_write(&q);
  return status == FARSIDE_OK && sqlite3_changes(my->db) == 0 ? FARSIDE_NOWORK
                                                              : status;
}

static farside_status value_clear(far_store *store, const char *script) {
  far_sqlite *my = far_sqlite_of(store);
  far_query q = far_ask(my, FAR_SQL_VALUE_CLEAR);
  far_give_text(&q, script);
  return far_write(&q);
}

static farside_status value_next(far_store *store, const char *script,
                                 const char *prefix, size_t prefix_bytes,
                                 char **key, size_t *key_bytes) {
  far_sqlite *my = far_sqlite_of(store);
  far_query q =
      far_ask(my, *key == NULL ? FAR_SQL_VALUE_FROM : FAR_SQL_VALUE_BEHIND);
  far_give_text(&q, script);
  if (*key == NULL)
    far_give_key(&q, prefix, prefix_bytes);
  else
    far_give_key(&q, *key, *key_bytes);
  farside_status status = far_next(&q);
  char *found = NULL;
  size_t bytes = 0;
  if (status == FARSIDE_OK) {
    const void *blob = sqlite3_column_blob(q.stmt, 0);
    bytes = (size_t)sqlite3_column_bytes(q.stmt, 0);
    if (bytes < prefix_bytes ||
        (prefix_bytes > 0 && memcmp(blob, prefix, prefix_bytes) != 0))
      status = FARSIDE_NOWORK;
    else if ((found = far_copy_of(store->memory, blob, bytes)) == NULL)
      status = far_sqlite_no_memory(my);
  }
  far_end(&q);
  if (*key != NULL)
    far_free(store->memory, *key, *key_bytes + 1);
  *key = found;
  *key_bytes = found ? bytes : 0;
  return status;
}

static farside_status value_bytes(far_store *store, const char *script,
                                  int64_t *bytes) {
  far_query q = far_ask(far_sqlite_of(store), FAR_SQL_VALUE_BYTES);
  far_give_text(&q, script);
  farside_status status = far_next(&q);
  *bytes = status == FARSIDE_OK ? sqlite3_column_int64(q.stmt, 0) : 0;
  far_end(&q);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static farside_status number_get(far_store *store, const char *name,
                                 int64_t *number) {
  far_sqlite *my = far_sqlite_of(store);
  far_query q = far_ask(my, FAR_SQL_NUMBER_GET);
  far_give_text(&q, name);
  farside_status status = far_next(&q);
  *number = status == FARSIDE_OK ? sqlite3_column_int64(q.stmt, 0) : 0;
  if (status == FARSIDE_OK &&
      !far_is_sum(q.stmt, 1, far_sum_number(far_sum_text(0, name), *number)))
    status = far_sqlite_say(my, FARSIDE_CORRUPT,
                            "it is damaged (a number is not what was written)");
  far_end(&q);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static farside_status number_set(far_store *store, const char *name,
                                 int64_t number) {
  far_sqlite *my = far_sqlite_of(store);
  far_query q = far_ask(my, FAR_SQL_NUMBER_SET);
  far_give_text(&q, name);
  far_give(&q, number);
  far_give_sum(&q, far_sum_number(far_sum_text(0, name), number));
  return far_write(&q);
}

void far_sqlite_fill_values(far_store *store) {
  store->value_get = value_get;
  store->value_set = value_set;
  store->value_remove = value_remove;
  store->value_clear = value_clear;
  store->value_next = value_next;
  store->value_bytes = value_bytes;
  store->number_get = number_get;
  store->number_set = number_set;
}
