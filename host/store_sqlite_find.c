// Finding units of work in the store of SQLite's.

#include "store_sqlite.h"

#include "far_assert.h"

#include <string.h>

static far_sql filter_of(const far_find *find) {
  far_sql which = find->tag != NULL      ? FAR_SQL_FILTER_TAG
                  : find->unique != NULL ? FAR_SQL_FILTER_UNIQUE
                  : find->state >= 0     ? FAR_SQL_FILTER_STATE
                                         : FAR_SQL_FILTER_ANY;
  return find->is_newest_first ? which + 1 : which;
}

static far_sql find_of(const far_find *find) {
  switch (find->by) {
  case FAR_FIND_WAITING:
    return FAR_SQL_FIND_WAITING;
  case FAR_FIND_READY:
    return FAR_SQL_FIND_READY;
  case FAR_FIND_RUNNING:
    return FAR_SQL_FIND_RUNNING;
  case FAR_FIND_OVERDUE:
    return FAR_SQL_FIND_OVERDUE;
  case FAR_FIND_UNIQUE:
    far_assert(find->script != NULL && find->unique != NULL);
    return FAR_SQL_FIND_UNIQUE;
  case FAR_FIND_CHILDREN:
    return FAR_SQL_FIND_CHILDREN;
  case FAR_FIND_RELATIVE:
    return FAR_SQL_FIND_RELATIVE;
  default:
    far_assert(find->by == FAR_FIND_FILTER);
    return filter_of(find);
  }
}

// What ?4 is of each.
static int64_t fourth_of(const far_find *find) {
  switch (find->by) {
  case FAR_FIND_READY:
    return find->class_id;
  case FAR_FIND_CHILDREN:
    return find->id;
  default:
    return find->until_ms;
  }
}

// Those criteria that a statement asks for: each has some of them, from the
// first on.
static void give_criteria(far_query *q, const far_find *find) {
  int wanted = q->stmt ? sqlite3_bind_parameter_count(q->stmt) : 0;
  if (wanted >= 4 && find->by == FAR_FIND_FILTER && find->state < 0)
    far_give_null(q);
  else if (wanted >= 4)
    far_give(q, find->by == FAR_FIND_FILTER ? find->state : fourth_of(find));
  const char *texts[] = {find->kind, find->unique, find->group, find->tag};
  for (int i = 0; 5 + i <= wanted; i++)
    far_give_text(q, texts[i]);
}

// The id of the next row, without moving on.
farside_status far_sqlite_next_id(far_sqlite *my, far_sql which,
                                  const far_find *find, int64_t *id) {
  bool goes_down = find->by == FAR_FIND_FILTER && find->is_newest_first;
  far_query q = far_ask(my, which);
  far_give(&q, find->has_begun ? find->at : INT64_MIN);
  far_give(&q, find->has_begun ? find->at_id : goes_down ? INT64_MAX : 0);
  far_give_text(&q, find->script);
  give_criteria(&q, find);
  farside_status status = far_next(&q);
  if (status == FARSIDE_OK)
    *id = sqlite3_column_int64(q.stmt, 0);
  far_end(&q);
  return status;
}

static int64_t place_of(const far_find *find, const far_work *work) {
  switch (find->by) {
  case FAR_FIND_WAITING:
    return work->run_at_ms;
  case FAR_FIND_READY:
    return work->rank;
  case FAR_FIND_OVERDUE:
    return work->deadline_ms;
  default:
    return 0;
  }
}

static bool is_behind(const far_find *find, int64_t place, int64_t id) {
  if (!find->has_begun)
    return true;
  if (find->by == FAR_FIND_FILTER && find->is_newest_first)
    return id < find->at_id;
  return place > find->at || (place == find->at && id > find->at_id);
}

static bool is_equal(const char *wanted, const char *text) {
  return wanted == NULL || (text != NULL && strcmp(wanted, text) == 0);
}

// An index may say something else of a row than the row does, when one of both
// is damaged.
static bool is_found(const far_find *find, const far_work *work,
                     bool is_ready) {
  bool is_waiting = work->state == FAR_WORK_ENQUEUED && !is_ready;
  if (!is_behind(find, place_of(find, work), work->id) ||
      !is_equal(find->script, work->script))
    return false;
  switch (find->by) {
  case FAR_FIND_WAITING:
    return is_waiting && work->run_at_ms <= find->until_ms;
  case FAR_FIND_READY:
    return is_ready;
  case FAR_FIND_RUNNING:
    return work->state == FAR_WORK_RUNNING;
  case FAR_FIND_OVERDUE:
    return !far_work_is_final(work) && work->state != FAR_WORK_RUNNING &&
           work->deadline_ms > 0 && work->deadline_ms <= find->until_ms;
  case FAR_FIND_UNIQUE:
    return !far_work_is_final(work) && is_equal(find->unique, work->unique);
  case FAR_FIND_CHILDREN:
    return true;
  case FAR_FIND_RELATIVE:
    return !far_work_is_final(work) &&
           (work->deadline_ms > 0 || (is_waiting && work->delay_ms > 0));
  default:
    return (find->state < 0 || (int)work->state == find->state) &&
           is_equal(find->unique, work->unique);
  }
}

static farside_status find(far_store *store, far_find *find, far_work *work) {
  far_sqlite *my = far_sqlite_of(store);
  int64_t id;
  bool is_ready = false;
  farside_status status = far_sqlite_next_id(my, find_of(find), find, &id);
  if (status != FARSIDE_OK)
    return status;
  status = far_sqlite_load(my, id, find->is_brief, work, &is_ready);
  if (status == FARSIDE_NOWORK) // An index that knows more than its table.
    return far_sqlite_damaged(my, "unit", id);
  if (status != FARSIDE_OK)
    return status;
  if (!is_found(find, work, is_ready)) {
    far_work_deinit(store->memory, work);
    return far_sqlite_damaged(my, "an index, of unit", id);
  }
  find->has_begun = true;
  find->at = place_of(find, work);
  find->at_id = id;
  return FARSIDE_OK;
}

static farside_status load_class(far_sqlite *my, far_class *found) {
  far_query q = far_ask(my, FAR_SQL_CLASS_LOAD);
  far_give(&q, found->id);
  farside_status status = far_next(&q);
  if (status == FARSIDE_OK) {
    far_row from = {.stmt = q.stmt, .memory = my->store.memory};
    found->script = far_take_text(&from);
    found->kind = far_take_text(&from);
    found->needs = (unsigned)far_take(&from);
    found->is_expedited = far_take(&from) != 0;
    if (from.is_short)
      status = far_sqlite_no_memory(my);
    else if (from.is_false)
      status = far_sqlite_damaged(my, "class", found->id);
  }
  far_end(&q);
  return status == FARSIDE_NOWORK ? far_sqlite_damaged(my, "class", found->id)
                                  : status;
}

static farside_status next_class(far_store *store, int64_t after,
                                 far_class *found) {
  far_sqlite *my = far_sqlite_of(store);
  far_query q = far_ask(my, FAR_SQL_CLASS_NEXT);
  far_give(&q, after);
  farside_status status = far_next(&q);
  if (status == FARSIDE_OK)
    found->id = sqlite3_column_int64(q.stmt, 0);
  far_end(&q);
  if (status == FARSIDE_OK && (status = load_class(my, found)) != FARSIDE_OK)
    far_class_deinit(store->memory, found);
  return status;
}

static int64_t due(sqlite3_stmt *stmt, int column) {
  return sqlite3_column_type(stmt, column) == SQLITE_NULL
             ? INT64_MAX
             : sqlite3_column_int64(stmt, column);
}

static farside_status next_due(far_store *store, int64_t *run_at_ms,
                               int64_t *deadline_ms, int64_t *prune_ms) {
  far_query q = far_ask(far_sqlite_of(store), FAR_SQL_NEXT_DUE);
  farside_status status = far_next(&q);
  if (status == FARSIDE_OK) {
    *run_at_ms = due(q.stmt, 0);
    *deadline_ms = due(q.stmt, 1);
    *prune_ms = due(q.stmt, 2);
  }
  far_end(&q);
  return status;
}

static farside_status last_tag(far_store *store, const char *script,
                               const char *group, int64_t *tag) {
  far_query q = far_ask(far_sqlite_of(store), FAR_SQL_LAST_TAG);
  far_give_text(&q, script);
  far_give_text(&q, group);
  farside_status status = far_next(&q);
  *tag = status == FARSIDE_OK ? sqlite3_column_int64(q.stmt, 0) : 0;
  far_end(&q);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static farside_status count(far_store *store, const char *script,
                            int64_t counts[FAR_WORK_STATES]) {
  memset(counts, 0, FAR_WORK_STATES * sizeof *counts);
  far_query q =
      far_ask(far_sqlite_of(store), script ? FAR_SQL_COUNT : FAR_SQL_COUNT_ALL);
  if (script != NULL)
    far_give_text(&q, script);
  farside_status status;
  while ((status = far_next(&q)) == FARSIDE_OK) {
    int64_t state = sqlite3_column_int64(q.stmt, 0);
    if (state >= 0 && state < FAR_WORK_STATES)
      counts[state] += sqlite3_column_int64(q.stmt, 1);
  }
  far_end(&q);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

void far_sqlite_fill_find(far_store *store) {
  store->find = find;
  store->next_class = next_class;
  store->next_due = next_due;
  store->last_tag = last_tag;
  store->count = count;
}
