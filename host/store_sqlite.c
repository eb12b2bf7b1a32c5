// How the store of a file is laid out, and why:
//
// - A row of `works` is small. Its input, checkpoint, progress, output and the
//   list of its parents lie in `texts`, so that a row that changes its state
//   does not write a mebibyte again.
// - Who can be found has an index that holds just those who can be found: to
//   start the next one of a million looks at three pages. Each statement names
//   its index, so SQLite refuses to prepare one that would search them all.
// - Every row has a sum over what is in it and over its key. SQLite notices a
//   page that makes no sense, but not a bit that has changed within a value.
// - `totals`, `edges`, `tags` and `classes` say nothing that is not in `works`,
//   `texts` and `storage`: a salvage makes them anew. Nothing but the code here
//   writes them, so foreign keys would only cost.

#include "store_sqlite.h"

#include "far_assert.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

far_sqlite *far_sqlite_of(const far_store *store) {
  // The store is the first member of what was opened, which is never const.
  return (far_sqlite *)(uintptr_t)store;
}

static const char *error(const far_store *store) {
  return far_sqlite_of(store)->error;
}

void far_sqlite_disconnect(far_sqlite *my) {
  for (size_t i = 0; i < FAR_SQL_STATEMENTS; i++) {
    sqlite3_finalize(my->statements[i]);
    my->statements[i] = NULL;
  }
  far_sqlite_abandon(my);
  if (my->db != NULL) {
    if (my->keeps_log || my->is_readonly)
      sqlite3_db_config(my->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    int code = sqlite3_close(my->db);
    far_assert(code == SQLITE_OK);
  }
  my->db = NULL;
  my->next_id = 0;
}

// -- Transactions -------------------------------------------------------------

// SQLite lets us change this between two transactions only.
static farside_status set_durable(far_sqlite *my, bool is_durable) {
  if (my->is_durable == is_durable)
    return FARSIDE_OK;
  if (my->path != NULL) {
    int code = sqlite3_exec(my->db,
                            is_durable ? "PRAGMA synchronous = FULL"
                                       : "PRAGMA synchronous = NORMAL",
                            NULL, NULL, NULL);
    if (code != SQLITE_OK)
      return far_sqlite_fail(my, code, "beginning");
  }
  my->is_durable = is_durable;
  return FARSIDE_OK;
}

// Whether the file that we write is still the one with this name: what is
// written to a file that was deleted is gone with us.
static bool has_moved(far_sqlite *my) {
  int is_moved = 0;
  return my->path != NULL &&
         sqlite3_file_control(my->db, "main", SQLITE_FCNTL_HAS_MOVED,
                              &is_moved) == SQLITE_OK &&
         is_moved;
}

// SQLite waits by itself for those who keep it busy, but not for everyone: who
// recovers the log is not waited for.
static farside_status begin_patiently(far_sqlite *my) {
  enum { WAIT_MS_MAX = 1000 };
  for (int wait_ms = 1;; wait_ms *= 2) {
    far_query q = far_ask(my, FAR_SQL_BEGIN);
    farside_status status = far_carry_out(&q, "beginning");
    if (status != FARSIDE_LOCKED || q.code == SQLITE_BUSY ||
        wait_ms > WAIT_MS_MAX)
      return status;
    sqlite3_sleep(wait_ms);
  }
}

static farside_status commit(far_store *store) {
  far_sqlite *my = far_sqlite_of(store);
  if (!my->is_open) // A failed write has ended it.
    return FARSIDE_STORE;
  far_assert(my->depth == 0);
  far_query q = far_ask(my, FAR_SQL_COMMIT);
  farside_status status = far_carry_out(&q, "committing");
  my->is_open = false;
  my->is_dirty = true;
  return status;
}

static farside_status begin(far_store *store, bool is_durable) {
  far_sqlite *my = far_sqlite_of(store);
  if (my->is_open && (my->is_durable || !is_durable))
    return FARSIDE_OK;
  far_assert(my->pid == getpid());
  if (my->db == NULL)
    return far_sqlite_closed(my);
  if (my->is_readonly)
    return far_sqlite_say(my, FARSIDE_READONLY,
                          "it was opened for reading only");
  farside_status status = my->is_open ? commit(store) : FARSIDE_OK;
  if (status != FARSIDE_OK)
    return status;
  if (has_moved(my))
    return far_sqlite_say(my, FARSIDE_STORE,
                          "it was moved or deleted while it was open");
  if ((status = set_durable(my, is_durable)) == FARSIDE_OK)
    status = begin_patiently(my);
  my->is_open = status == FARSIDE_OK;
  return status;
}

static void rollback(far_store *store) {
  far_sqlite_abandon(far_sqlite_of(store));
}

static bool is_open(const far_store *store) {
  return far_sqlite_of(store)->is_open;
}

static farside_status mark(far_store *store) {
  far_sqlite *my = far_sqlite_of(store);
  far_query q = far_ask(my, FAR_SQL_MARK);
  farside_status status = far_write(&q);
  my->depth += status == FARSIDE_OK;
  return status;
}

static farside_status keep(far_store *store) {
  far_sqlite *my = far_sqlite_of(store);
  if (!my->is_open) // A failed write has ended it.
    return FARSIDE_STORE;
  far_assert(my->depth > 0);
  far_query q = far_ask(my, FAR_SQL_KEEP);
  farside_status status = far_write(&q);
  my->depth -= status == FARSIDE_OK;
  return status;
}

static farside_status undo(far_store *store) {
  far_sqlite *my = far_sqlite_of(store);
  if (!my->is_open) // A failed write has taken back this, and more.
    return FARSIDE_OK;
  far_assert(my->depth > 0);
  my->last_class.id = 0;
  far_query q = far_ask(my, FAR_SQL_UNDO);
  farside_status status = far_write(&q);
  return status == FARSIDE_OK ? keep(store) : status;
}

// -- Idle ---------------------------------------------------------------------

enum {
  // Pages that hold nothing are given back to the disk when there are so many,
  // and at most so many at a time.
  SPARE_PAGES = 256,
  SHRINK_PAGES = 256
};

static bool has_spare_pages(far_sqlite *my) {
  sqlite3_stmt *stmt = NULL;
  bool has = sqlite3_prepare_v2(my->db, "PRAGMA freelist_count", -1, &stmt,
                                NULL) == SQLITE_OK &&
             sqlite3_step(stmt) == SQLITE_ROW &&
             sqlite3_column_int64(stmt, 0) >= SPARE_PAGES;
  sqlite3_finalize(stmt);
  return has;
}

static void shrink(far_sqlite *my) {
  char text[64];
  snprintf(text, sizeof text, "PRAGMA incremental_vacuum(%d)", SHRINK_PAGES);
  sqlite3_exec(my->db, text, NULL, NULL, NULL);
}

static void idle(far_store *store) {
  far_sqlite *my = far_sqlite_of(store);
  if (my->db == NULL || my->path == NULL || my->is_readonly || my->is_open ||
      my->keeps_log || !my->is_dirty)
    return;
  my->is_dirty = false;
  if (has_spare_pages(my)) {
    shrink(my);
    my->is_dirty = true; // There may be more.
  }
  // What cannot be done now, because somebody reads, is done the next time.
  sqlite3_busy_timeout(my->db, 0);
  if (sqlite3_wal_checkpoint_v2(my->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                NULL) != SQLITE_OK)
    my->is_dirty = true;
  sqlite3_busy_timeout(my->db, FAR_SQLITE_BUSY_MS);
}

// -- Opening and closing ------------------------------------------------------

static farside_status recover(far_store *store, char *report, size_t bytes) {
  return far_sqlite_recover(far_sqlite_of(store), report, bytes);
}

static void close_store(far_store *store) {
  far_sqlite *my = far_sqlite_of(store);
  far_assert(my->pid == getpid());
  far_sqlite_abandon(my);
  idle(store);
  far_sqlite_disconnect(my);
  far_owner_release(&my->owner);
  far_memory *memory = store->memory;
  far_string_free(memory, my->path);
  far_string_free(memory, my->vfs);
  far_class_deinit(memory, &my->last_class);
  far_free(memory, my, sizeof *my);
}

static int64_t written(const far_store *store) {
  const far_sqlite *my = far_sqlite_of(store);
  return my->db != NULL ? sqlite3_total_changes(my->db) : 0;
}

static void fill(far_store *store) {
  store->written = written;
  store->error = error;
  store->begin = begin;
  store->commit = commit;
  store->rollback = rollback;
  store->is_open = is_open;
  store->mark = mark;
  store->undo = undo;
  store->keep = keep;
  store->idle = idle;
  store->recover = recover;
  store->close = close_store;
  far_sqlite_fill_units(store);
  far_sqlite_fill_find(store);
  far_sqlite_fill_values(store);
}

static const int64_t BYTES_MAX = 1024 * 1024 * 1024;

farside_status far_store_open_sqlite(far_memory *memory,
                                     const far_store_config *config,
                                     far_store **store, char *words,
                                     size_t bytes) {
  *store = NULL;
  far_sqlite *my = far_new(memory, sizeof *my);
  if (my == NULL) {
    snprintf(words, bytes, "there is not enough memory");
    return FARSIDE_NOMEM;
  }
  my->store.memory = memory;
  fill(&my->store);
  my->owner.fd = -1;
  my->pid = getpid();
  my->is_readonly = config->is_readonly;
  my->bytes_max = config->bytes_max ? (int64_t)config->bytes_max : BYTES_MAX;
  farside_status status = FARSIDE_OK;
  if (!far_work_set(memory, &my->vfs, config->vfs))
    status = far_sqlite_no_memory(my);
  if (status == FARSIDE_OK && config->path != NULL)
    status = far_sqlite_locate(my, config->path);
  if (status == FARSIDE_OK)
    status = far_sqlite_connect(my);
  snprintf(words, bytes, "%s", my->error);
  if (status == FARSIDE_OK)
    *store = &my->store;
  else
    close_store(&my->store);
  return status;
}
