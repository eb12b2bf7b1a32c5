#include "store_sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// -- SQL ----------------------------------------------------------------------

#define NAME_TEXT(column, field)           #column ", "
#define NAME_NUMBER(type, column, field)   #column ", "
#define MARK_TEXT(column, field)           ":" #column ", "
#define MARK_NUMBER(type, column, field)   ":" #column ", "
#define ASSIGN_TEXT(column, field)         #column " = :" #column ", "
#define ASSIGN_NUMBER(type, column, field) #column " = :" #column ", "

#define NAMES  FAR_COLUMN_MAP(NAME_TEXT, NAME_NUMBER)
#define MARKS  FAR_COLUMN_MAP(MARK_TEXT, MARK_NUMBER)
#define ASSIGN FAR_COLUMN_MAP(ASSIGN_TEXT, ASSIGN_NUMBER)

// The next id behind ?2, of those who have the place ?1 in their order, or else
// the first in a later place: two halves, because only so SQLite goes straight
// to either one.
#define OF_SCRIPT " AND (?3 IS NULL OR script = ?3)"
#define BEHIND(index, place, where)                                            \
  "SELECT id FROM (SELECT id FROM works INDEXED BY " index " WHERE " where     \
  " AND " place " = ?1 AND id > ?2" OF_SCRIPT " ORDER BY id LIMIT 1)"          \
  " UNION ALL "                                                                \
  "SELECT id FROM (SELECT id FROM works INDEXED BY " index " WHERE " where     \
  " AND " place " > ?1" OF_SCRIPT " ORDER BY " place ", id LIMIT 1)"           \
  " LIMIT 1"

// The next id in the order of ids.
#define BY_ID(index, where)                                                    \
  "SELECT id FROM works INDEXED BY " index " WHERE " where                     \
  " AND id > ?2" OF_SCRIPT " ORDER BY id LIMIT 1"

// The next id by any of the criteria, from a source that has the most of it.
#define FILTER(source, where, id, behind, order)                               \
  "SELECT " id " FROM " source " WHERE " where " AND " id " " behind           \
  " ?2" OF_SCRIPT " AND (?4 IS NULL OR works.state = ?4)"                      \
  " AND (?5 IS NULL OR kind = ?5) AND (?6 IS NULL OR unique_name = ?6)"        \
  " AND (?7 IS NULL OR group_name = ?7)"                                       \
  " AND (?8 IS NULL OR EXISTS (SELECT 1 FROM tags"                             \
  " WHERE name = ?8 AND work = works.id))"                                     \
  " ORDER BY " id " " order " LIMIT 1"
#define BY_ANY    "works NOT INDEXED", "1", "works.id"
#define BY_STATE  "works INDEXED BY states", "works.state = ?4", "works.id"
#define BY_UNIQUE "works INDEXED BY uniques", "unique_name = ?6", "works.id"
#define BY_TAG                                                                 \
  "tags CROSS JOIN works ON works.id = tags.work", "name = ?8", "tags.work"
#define FILTER_UP(...)   FILTER_EXPAND(__VA_ARGS__, ">", "ASC")
#define FILTER_DOWN(...) FILTER_EXPAND(__VA_ARGS__, "<", "DESC")
#define FILTER_EXPAND(source, where, id, behind, order)                        \
  FILTER(source, where, id, behind, order)

static const char *const sql[FAR_SQL_STATEMENTS] = {
    [FAR_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [FAR_SQL_COMMIT] = "COMMIT",
    [FAR_SQL_MARK] = "SAVEPOINT mark",
    [FAR_SQL_UNDO] = "ROLLBACK TO mark",
    [FAR_SQL_KEEP] = "RELEASE mark",

    [FAR_SQL_LAST_ID] = "SELECT max((SELECT ifnull(max(id), 0) FROM works),"
                        " (SELECT ifnull(max(seq), 0) FROM sqlite_sequence"
                        " WHERE name = 'works'))",
    [FAR_SQL_WORK_INSERT] = "INSERT INTO works(" NAMES
                            "parts, class, prune_ms, sum, id) VALUES (" MARKS
                            ":parts, :class, :prune_ms, :sum, :id)",
    [FAR_SQL_WORK_LOAD] =
        "SELECT id, " NAMES "parts, class, sum FROM works WHERE id = ?1",
    [FAR_SQL_WORK_LOOK] = "SELECT parts, tags FROM works WHERE id = ?1",
    [FAR_SQL_WORK_SAVE] =
        "UPDATE works SET " ASSIGN
        "parts = :parts, class = :class, prune_ms = :prune_ms,"
        " sum = :sum WHERE id = :id",
    [FAR_SQL_WORK_SAVE_RUN] =
        "UPDATE works SET " ASSIGN
        "parts = :parts, class = :class, prune_ms = :prune_ms, sum = :sum"
        " WHERE id = :id AND works.state = 1 AND works.token = :run",
    [FAR_SQL_WORK_DELETE] = "DELETE FROM works WHERE id = ?1",
    [FAR_SQL_FENCE] = "SELECT 1 FROM works WHERE id = ?1 AND state = 1"
                      " AND token = ?2",

    [FAR_SQL_TEXTS_LOAD] = "SELECT id, json, sum FROM texts"
                           " WHERE id >= ?1 AND id < ?1 + 8",
    [FAR_SQL_TEXT_LOAD] = "SELECT id, json, sum FROM texts WHERE id = ?1",
    // A text that is the same is not written again.
    [FAR_SQL_TEXT_PUT] = "INSERT INTO texts(id, json, sum) VALUES (?1, ?2, ?3)"
                         " ON CONFLICT(id) DO UPDATE"
                         " SET json = excluded.json, sum = excluded.sum"
                         " WHERE sum <> excluded.sum OR json <> excluded.json",
    [FAR_SQL_TEXT_DELETE] = "DELETE FROM texts WHERE id = ?1",
    [FAR_SQL_TEXTS_DELETE] = "DELETE FROM texts WHERE id >= ?1 AND id < ?1 + 8",
    // The checkpoint and the progress, which is behind it.
    [FAR_SQL_TEXTS_FORGET] = "DELETE FROM texts WHERE id >= ?1 AND id < ?1 + 2",

    [FAR_SQL_TAG_INSERT] =
        "INSERT OR IGNORE INTO tags(name, work) VALUES (?1, ?2)",
    [FAR_SQL_TAG_DELETE] = "DELETE FROM tags WHERE name = ?1 AND work = ?2",
    [FAR_SQL_EDGE_INSERT] =
        "INSERT OR IGNORE INTO edges(parent, child) VALUES (?1, ?2)",
    [FAR_SQL_EDGE_DELETE] =
        "DELETE FROM edges WHERE parent = ?1 AND child = ?2",
    [FAR_SQL_EDGES_DELETE] = "DELETE FROM edges WHERE parent = ?1",

    [FAR_SQL_FIND_WAITING] =
        BEHIND("waiting", "run_at_ms",
               "state = 0 AND class IS NULL AND run_at_ms <= ?4"),
    [FAR_SQL_FIND_READY] = BEHIND("ready", "rank", "class = ?4"),
    [FAR_SQL_FIND_RUNNING] = BY_ID("states", "state = 1"),
    [FAR_SQL_FIND_OVERDUE] =
        BEHIND("overdue", "deadline_ms",
               "state IN (0, 2) AND deadline_ms > 0 AND deadline_ms <= ?4"),
    [FAR_SQL_FIND_UNIQUE] =
        "SELECT id FROM works INDEXED BY live WHERE script = ?3"
        " AND unique_name = ?6 AND state < 3 AND id > ?2 ORDER BY id LIMIT 1",
    [FAR_SQL_FIND_CHILDREN] = "SELECT child FROM edges WHERE parent = ?4"
                              " AND child > ?2 ORDER BY child LIMIT 1",
    [FAR_SQL_FIND_RELATIVE] = BY_ID(
        "relative", "state < 3 AND (deadline_ms > 0"
                    " OR (state = 0 AND class IS NULL AND delay_ms > 0))"),
    [FAR_SQL_FIND_PRUNABLE] = BEHIND("prunable", "prune_ms", "prune_ms <= ?4"),
    [FAR_SQL_FILTER_ANY] = FILTER_UP(BY_ANY),
    [FAR_SQL_FILTER_ANY_DOWN] = FILTER_DOWN(BY_ANY),
    [FAR_SQL_FILTER_STATE] = FILTER_UP(BY_STATE),
    [FAR_SQL_FILTER_STATE_DOWN] = FILTER_DOWN(BY_STATE),
    [FAR_SQL_FILTER_UNIQUE] = FILTER_UP(BY_UNIQUE),
    [FAR_SQL_FILTER_UNIQUE_DOWN] = FILTER_DOWN(BY_UNIQUE),
    [FAR_SQL_FILTER_TAG] = FILTER_UP(BY_TAG),
    [FAR_SQL_FILTER_TAG_DOWN] = FILTER_DOWN(BY_TAG),

    [FAR_SQL_CLASS_FIND] =
        "SELECT id FROM classes WHERE script = ?1 AND kind = ?2"
        " AND needs = ?3 AND is_expedited = ?4",
    [FAR_SQL_CLASS_INSERT] =
        "INSERT INTO classes(script, kind, needs, is_expedited)"
        " VALUES (?1, ?2, ?3, ?4)",
    [FAR_SQL_CLASS_NEXT] = "SELECT class FROM works INDEXED BY ready"
                           " WHERE class > ?1 ORDER BY class LIMIT 1",
    [FAR_SQL_CLASS_LOAD] =
        "SELECT script, kind, needs, is_expedited FROM classes"
        " WHERE id = ?1",
    // A hundred at a time, from where the last sweep stopped.
    [FAR_SQL_CLASS_SWEEP] =
        "DELETE FROM classes WHERE id IN (SELECT id FROM classes"
        " WHERE id > ?1 ORDER BY id LIMIT 100) AND NOT EXISTS (SELECT 1"
        " FROM works INDEXED BY ready WHERE class = classes.id)",
    [FAR_SQL_CLASS_SWEPT] = "SELECT max(id) FROM (SELECT id FROM classes"
                            " WHERE id > ?1 ORDER BY id LIMIT 100)",

    [FAR_SQL_NEXT_DUE] =
        "SELECT (SELECT run_at_ms FROM works INDEXED BY waiting"
        " WHERE state = 0 AND class IS NULL ORDER BY run_at_ms LIMIT 1),"
        " (SELECT deadline_ms FROM works INDEXED BY overdue"
        " WHERE state IN (0, 2) AND deadline_ms > 0"
        " ORDER BY deadline_ms LIMIT 1),"
        " (SELECT prune_ms FROM works INDEXED BY prunable"
        " WHERE prune_ms IS NOT NULL ORDER BY prune_ms LIMIT 1)",
    [FAR_SQL_LAST_TAG] = "SELECT tag FROM works INDEXED BY ready_groups"
                         " WHERE class IS NOT NULL AND script = ?1"
                         " AND group_name IS ?2 ORDER BY tag DESC LIMIT 1",
    [FAR_SQL_COUNT] =
        "SELECT what, n FROM totals WHERE script = ?1 AND what >= 0",
    [FAR_SQL_COUNT_ALL] = "SELECT what, n FROM totals WHERE what >= 0",

    [FAR_SQL_RUN_INSERT] = "INSERT INTO runs(work, token, attempt, slot_ms,"
                           " begun_ms, ended_ms, outcome, why, sum)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    // The newest FAR_RUNS_KEPT stay.
    [FAR_SQL_RUN_TRIM] = "DELETE FROM runs WHERE work = ?1 AND token <= (SELECT"
                         " token FROM runs WHERE work = ?1"
                         " ORDER BY token DESC LIMIT 1 OFFSET ?2)",
    [FAR_SQL_RUN_END] = "UPDATE runs SET attempt = ?3, slot_ms = ?4,"
                        " begun_ms = ?5, ended_ms = ?6, outcome = ?7, why = ?8,"
                        " sum = ?9 WHERE work = ?1 AND token = ?2",
    [FAR_SQL_RUN_BEFORE] = "SELECT work, token, attempt, slot_ms, begun_ms,"
                           " ended_ms, outcome, why, sum FROM runs"
                           " WHERE work = ?1 AND token < ?2"
                           " ORDER BY token DESC LIMIT 1",
    [FAR_SQL_RUNS_DELETE] = "DELETE FROM runs WHERE work = ?1",
    [FAR_SQL_PRUNE_WAITED] =
        "SELECT prune_ms, EXISTS (SELECT 1 FROM edges CROSS JOIN works AS child"
        " ON child.id = edges.child WHERE edges.parent = ?1"
        " AND child.state < 3) FROM works WHERE id = ?1",
    [FAR_SQL_PRUNE_LATER] = "UPDATE works SET prune_ms = ?2 WHERE id = ?1",

    [FAR_SQL_VALUE_GET] = "SELECT json, sum FROM storage"
                          " WHERE script = ?1 AND key = ?2",
    [FAR_SQL_VALUE_SET] =
        "INSERT INTO storage(script, key, json, sum) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT(script, key) DO UPDATE"
        " SET json = excluded.json, sum = excluded.sum",
    [FAR_SQL_VALUE_REMOVE] =
        "DELETE FROM storage WHERE script = ?1 AND key = ?2",
    [FAR_SQL_VALUE_CLEAR] = "DELETE FROM storage WHERE script = ?1",
    [FAR_SQL_VALUE_FROM] = "SELECT key FROM storage WHERE script = ?1"
                           " AND key >= ?2 ORDER BY key LIMIT 1",
    [FAR_SQL_VALUE_BEHIND] = "SELECT key FROM storage WHERE script = ?1"
                             " AND key > ?2 ORDER BY key LIMIT 1",
    [FAR_SQL_VALUE_BYTES] =
        "SELECT n FROM totals WHERE script = ?1 AND what = -1",
    [FAR_SQL_NUMBER_GET] = "SELECT number, sum FROM numbers WHERE name = ?1",
    [FAR_SQL_NUMBER_SET] =
        "INSERT INTO numbers(name, number, sum) VALUES (?1, ?2, ?3)"
        " ON CONFLICT(name) DO UPDATE"
        " SET number = excluded.number, sum = excluded.sum",
};

// -- What fails ---------------------------------------------------------------

static const char *name_of(const far_sqlite *my) {
  return my->path ? my->path : "the store in memory";
}

static bool is_no_space(int why) {
  return why == ENOSPC || why == EDQUOT;
}

static farside_status status_of(sqlite3 *db, int code) {
  switch (code & 0xff) {
  case SQLITE_NOMEM:
    return FARSIDE_NOMEM;
  case SQLITE_FULL:
    return FARSIDE_FULL;
  case SQLITE_READONLY:
  case SQLITE_PERM:
    return FARSIDE_READONLY;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return FARSIDE_CORRUPT;
  case SQLITE_BUSY:
    return FARSIDE_LOCKED;
  case SQLITE_CANTOPEN:
    return FARSIDE_NOFILE;
  case SQLITE_IOERR:
    if (code == SQLITE_IOERR_DATA || code == SQLITE_IOERR_CORRUPTFS)
      return FARSIDE_CORRUPT;
    if (code == SQLITE_IOERR_NOMEM)
      return FARSIDE_NOMEM;
    return is_no_space(sqlite3_system_errno(db)) ? FARSIDE_FULL : FARSIDE_STORE;
  default:
    return FARSIDE_STORE;
  }
}

// A sentence of what went wrong.
static const char *words_of(farside_status status) {
  switch (status) {
  case FARSIDE_NOMEM:
    return "there is not enough memory";
  case FARSIDE_FULL:
    return "there is no room left";
  case FARSIDE_READONLY:
    return "it cannot be written";
  case FARSIDE_CORRUPT:
    return "it is damaged";
  case FARSIDE_LOCKED:
    return "another program keeps it busy";
  case FARSIDE_NOFILE:
    return "it cannot be opened";
  default:
    return "the store failed";
  }
}

farside_status far_sqlite_fail(far_sqlite *my, int code, const char *doing) {
  farside_status status = status_of(my->db, code);
  int why = my->db ? sqlite3_system_errno(my->db) : 0;
  bool is_system =
      (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  const char *says = sqlite3_errstr(code);
  if (my->db != NULL && sqlite3_extended_errcode(my->db) == code)
    says = sqlite3_errmsg(my->db);
  snprintf(my->error, sizeof my->error, "%s: %s (%s: %s%s%s)", name_of(my),
           words_of(status), doing, says, is_system && why ? ", " : "",
           is_system && why ? strerror(why) : "");
  my->keeps_log |= status == FARSIDE_CORRUPT;
  return status;
}

farside_status far_sqlite_say(far_sqlite *my, farside_status status,
                              const char *sentence) {
  snprintf(my->error, sizeof my->error, "%s: %s", name_of(my), sentence);
  return status;
}

// SQLite ends some transactions by itself when something fails.
static void look_whether_open(far_sqlite *my) {
  if (my->db == NULL || sqlite3_get_autocommit(my->db)) {
    my->is_open = false;
    my->depth = 0;
    my->last_class.id = 0;
  }
}

void far_sqlite_abandon(far_sqlite *my) {
  if (my->db != NULL && !sqlite3_get_autocommit(my->db))
    sqlite3_exec(my->db, "ROLLBACK", NULL, NULL, NULL);
  my->is_open = false;
  my->depth = 0;
  my->last_class.id = 0; // It may have been made there.
}

// -- Statements ---------------------------------------------------------------

// "no such table", column, index: what we ask for is right, so the tables are
// not what they were.
bool far_sqlite_lacks_table(far_sqlite *my) {
  return strncmp(sqlite3_errmsg(my->db), "no such ", 8) == 0;
}

far_query far_ask(far_sqlite *my, far_sql which) {
  far_query q = {.my = my};
  if (my->db == NULL) {
    q.code = SQLITE_MISUSE;
    return q;
  }
  if (my->statements[which] == NULL)
    q.code =
        sqlite3_prepare_v3(my->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                           &my->statements[which], NULL);
  if (q.code == SQLITE_ERROR && far_sqlite_lacks_table(my))
    q.code = SQLITE_CORRUPT;
  q.stmt = my->statements[which];
  return q;
}

static void given(far_query *q, int code) {
  if (q->code == SQLITE_OK)
    q->code = code;
}

void far_give(far_query *q, int64_t number) {
  q->at++;
  if (q->code == SQLITE_OK)
    given(q, sqlite3_bind_int64(q->stmt, q->at, number));
}

void far_give_null(far_query *q) {
  q->at++;
  if (q->code == SQLITE_OK)
    given(q, sqlite3_bind_null(q->stmt, q->at));
}

void far_give_text(far_query *q, const char *text) {
  q->at++;
  if (q->code == SQLITE_OK)
    given(q, sqlite3_bind_text(q->stmt, q->at, text, -1, SQLITE_STATIC));
}

void far_give_json(far_query *q, const char *json, size_t bytes) {
  q->at++;
  if (q->code == SQLITE_OK)
    given(q, sqlite3_bind_text64(q->stmt, q->at, json, bytes, SQLITE_STATIC,
                                 SQLITE_UTF8));
}

// A pointer that is NULL would be the NULL of SQL.
void far_give_key(far_query *q, const char *key, size_t bytes) {
  q->at++;
  if (q->code == SQLITE_OK)
    given(q, sqlite3_bind_blob64(q->stmt, q->at, bytes ? key : "", bytes,
                                 SQLITE_STATIC));
}

void far_give_sum(far_query *q, far_sum sum) {
  int64_t number;
  memcpy(&number, &sum, sizeof number);
  far_give(q, number);
}

// Ends it, so that no read of a file is left open.
void far_end(far_query *q) {
  if (q->stmt != NULL)
    sqlite3_reset(q->stmt);
}

farside_status far_sqlite_closed(far_sqlite *my) {
  return far_sqlite_say(my, FARSIDE_STORE,
                        "it is closed, because it could not be mended");
}

// The next row. FARSIDE_NOWORK behind the last.
farside_status far_next(far_query *q) {
  if (q->code == SQLITE_OK)
    q->code = sqlite3_step(q->stmt);
  if (q->code == SQLITE_ROW) {
    q->code = SQLITE_OK;
    return FARSIDE_OK;
  }
  if (q->code == SQLITE_DONE)
    return FARSIDE_NOWORK;
  if (q->my->db == NULL)
    return far_sqlite_closed(q->my);
  farside_status status = far_sqlite_fail(q->my, q->code, "reading");
  far_end(q);
  look_whether_open(q->my);
  return status == FARSIDE_NOFILE ? FARSIDE_STORE : status;
}

// Carries out what writes. When it fails, the whole transaction is over.
farside_status far_carry_out(far_query *q, const char *doing) {
  if (q->code == SQLITE_OK)
    q->code = sqlite3_step(q->stmt);
  if (q->code == SQLITE_DONE) {
    far_end(q);
    return FARSIDE_OK;
  }
  if (q->my->db == NULL)
    return far_sqlite_closed(q->my);
  farside_status status = far_sqlite_fail(q->my, q->code, doing);
  far_end(q);
  far_sqlite_abandon(q->my);
  return status == FARSIDE_NOFILE ? FARSIDE_STORE : status;
}

farside_status far_write(far_query *q) {
  if (q->my->is_open || q->my->db == NULL)
    return far_carry_out(q, "writing");
  return far_sqlite_say(q->my, FARSIDE_STORE,
                        "nothing is written outside of a transaction");
}

farside_status far_sqlite_no_memory(far_sqlite *my) {
  return far_sqlite_say(my, FARSIDE_NOMEM, "there is not enough memory");
}

farside_status far_sqlite_damaged(far_sqlite *my, const char *what,
                                  int64_t id) {
  snprintf(my->error, sizeof my->error,
           "%s: it is damaged (%s %lld is not what was written)", name_of(my),
           what, (long long)id);
  my->keeps_log = true;
  return FARSIDE_CORRUPT;
}

// -- Sums ---------------------------------------------------------------------

// The same on every machine, for a file may move. Each step can be undone, so
// no single number that differs goes unnoticed.
far_sum far_sum_number(far_sum sum, int64_t number) {
  sum = (sum ^ (uint64_t)number) * UINT64_C(0x9e3779b97f4a7c15);
  return sum ^ (sum >> 32);
}

// Spelled out, for then it is one instruction.
static uint64_t little_endian(const unsigned char bytes[8]) {
  return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 |
         (uint64_t)bytes[2] << 16 | (uint64_t)bytes[3] << 24 |
         (uint64_t)bytes[4] << 32 | (uint64_t)bytes[5] << 40 |
         (uint64_t)bytes[6] << 48 | (uint64_t)bytes[7] << 56;
}

far_sum far_sum_bytes(far_sum sum, const void *bytes, size_t count) {
  const unsigned char *from = bytes;
  unsigned char rest[8] = {0};
  sum = far_sum_number(sum, (int64_t)count);
  for (; count >= sizeof rest; count -= sizeof rest, from += sizeof rest)
    sum = far_sum_number(sum, (int64_t)little_endian(from));
  if (count == 0)
    return sum;
  memcpy(rest, from, count);
  return far_sum_number(sum, (int64_t)little_endian(rest));
}

far_sum far_sum_text(far_sum sum, const char *text) {
  return text ? far_sum_bytes(sum, text, strlen(text))
              : far_sum_number(sum, -1);
}

bool far_is_sum(sqlite3_stmt *stmt, int column, far_sum sum) {
  int64_t kept = sqlite3_column_int64(stmt, column);
  return memcmp(&kept, &sum, sizeof kept) == 0;
}

// -- Rows, column by column ---------------------------------------------------

int64_t far_take(far_row *from) {
  from->is_false |= sqlite3_column_type(from->stmt, from->at) != SQLITE_INTEGER;
  int64_t number = sqlite3_column_int64(from->stmt, from->at++);
  from->sum = far_sum_number(from->sum, number);
  return number;
}

// Copies a block, with a NUL behind it.
char *far_copy_of(far_memory *memory, const void *bytes, size_t count) {
  char *copy = far_resize(memory, NULL, 0, count + 1);
  if (copy == NULL)
    return NULL;
  if (count > 0)
    memcpy(copy, bytes, count);
  copy[count] = '\0';
  return copy;
}

char *far_take_text(far_row *from) {
  int column = from->at++;
  if (sqlite3_column_type(from->stmt, column) == SQLITE_NULL) {
    from->sum = far_sum_number(from->sum, -1);
    return NULL;
  }
  const void *text = sqlite3_column_text(from->stmt, column);
  size_t bytes = (size_t)sqlite3_column_bytes(from->stmt, column);
  if (text == NULL) {
    from->is_short = true;
    return NULL;
  }
  // A string that ends early would be freed by a wrong length.
  if (sqlite3_column_type(from->stmt, column) != SQLITE_TEXT ||
      memchr(text, '\0', bytes) != NULL) {
    from->is_false = true;
    return NULL;
  }
  from->sum = far_sum_bytes(from->sum, text, bytes);
  char *copy = far_copy_of(from->memory, text, bytes);
  from->is_short |= copy == NULL;
  return copy;
}

void far_take_sum(far_row *from) {
  from->is_false |= !far_is_sum(from->stmt, from->at++, from->sum);
}
