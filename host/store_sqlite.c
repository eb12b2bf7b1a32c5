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

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// -- SQL ----------------------------------------------------------------------

// The columns of works between its id and what the store itself keeps there.
// TEXT(column, field), NUMBER(type, column, field).
#define COLUMN_MAP(TEXT, NUMBER)                                               \
  TEXT(script, script)                                                         \
  TEXT(kind, kind)                                                             \
  TEXT(unique_name, unique)                                                    \
  TEXT(group_name, group)                                                      \
  TEXT(tags, tags)                                                             \
  NUMBER(unsigned, needs, needs)                                               \
  NUMBER(int64_t, priority, priority)                                          \
  NUMBER(far_expedite, expedite, expedite)                                     \
  NUMBER(far_parent_fail, on_parent_fail, on_parent_fail)                      \
  NUMBER(int64_t, keep_ms, keep_ms)                                            \
  NUMBER(int64_t, timeout_ms, rules.timeout_ms)                                \
  NUMBER(int64_t, retry_max, rules.retry_max)                                  \
  NUMBER(int64_t, retry_base_ms, rules.retry_base_ms)                          \
  NUMBER(int64_t, retry_cap_ms, rules.retry_cap_ms)                            \
  NUMBER(far_backoff, backoff, rules.backoff)                                  \
  NUMBER(int64_t, jitter_permille, rules.jitter_permille)                      \
  NUMBER(int64_t, crashes_max, rules.crashes_max)                              \
  NUMBER(int64_t, every_ms, every_ms)                                          \
  NUMBER(int64_t, flex_ms, flex_ms)                                            \
  NUMBER(int64_t, base_ms, base_ms)                                            \
  TEXT(cron, cron)                                                             \
  TEXT(zone, zone)                                                             \
  NUMBER(far_missed, missed, missed)                                           \
  NUMBER(int64_t, slot_ms, slot_ms)                                            \
  NUMBER(int64_t, slots_left, slots_left)                                      \
  NUMBER(int64_t, slots_missed, slots_missed)                                  \
  NUMBER(int64_t, enqueued_ms, enqueued_ms)                                    \
  NUMBER(int64_t, run_at_ms, run_at_ms)                                        \
  NUMBER(int64_t, delay_ms, delay_ms)                                          \
  NUMBER(int64_t, deadline_ms, deadline_ms)                                    \
  NUMBER(far_work_state, state, state)                                         \
  NUMBER(far_reason, reason, reason)                                           \
  TEXT(why, why)                                                               \
  NUMBER(int64_t, since_ms, since_ms)                                          \
  NUMBER(int64_t, token, token)                                                \
  NUMBER(int64_t, attempts, attempts)                                          \
  NUMBER(int64_t, crashes, crashes)                                            \
  NUMBER(int64_t, stops, stops)                                                \
  NUMBER(int64_t, runs, runs)                                                  \
  NUMBER(int64_t, generation, generation)                                      \
  NUMBER(int64_t, parents, parents)                                            \
  NUMBER(int64_t, tag, tag)                                                    \
  NUMBER(int64_t, rank, rank)

#define NAME_TEXT(column, field)           #column ", "
#define NAME_NUMBER(type, column, field)   #column ", "
#define MARK_TEXT(column, field)           ":" #column ", "
#define MARK_NUMBER(type, column, field)   ":" #column ", "
#define ASSIGN_TEXT(column, field)         #column " = :" #column ", "
#define ASSIGN_NUMBER(type, column, field) #column " = :" #column ", "

#define NAMES  COLUMN_MAP(NAME_TEXT, NAME_NUMBER)
#define MARKS  COLUMN_MAP(MARK_TEXT, MARK_NUMBER)
#define ASSIGN COLUMN_MAP(ASSIGN_TEXT, ASSIGN_NUMBER)

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

typedef enum statement {
  SQL_BEGIN,
  SQL_COMMIT,
  SQL_MARK,
  SQL_UNDO,
  SQL_KEEP,

  SQL_LAST_ID,
  SQL_WORK_INSERT,
  SQL_WORK_LOAD,
  SQL_WORK_LOOK,
  SQL_WORK_SAVE,
  SQL_WORK_SAVE_RUN,
  SQL_WORK_DELETE,
  SQL_FENCE,

  SQL_TEXTS_LOAD,
  SQL_TEXT_LOAD,
  SQL_TEXT_PUT,
  SQL_TEXT_DELETE,
  SQL_TEXTS_DELETE,

  SQL_TAG_INSERT,
  SQL_TAG_DELETE,
  SQL_EDGE_INSERT,
  SQL_EDGE_DELETE,
  SQL_EDGES_DELETE,

  SQL_FIND_WAITING,
  SQL_FIND_READY,
  SQL_FIND_RUNNING,
  SQL_FIND_OVERDUE,
  SQL_FIND_UNIQUE,
  SQL_FIND_CHILDREN,
  SQL_FIND_RELATIVE,
  SQL_FIND_PRUNABLE,
  SQL_FILTER_ANY, // And three more, each with its reverse behind it.
  SQL_FILTER_ANY_DOWN,
  SQL_FILTER_STATE,
  SQL_FILTER_STATE_DOWN,
  SQL_FILTER_UNIQUE,
  SQL_FILTER_UNIQUE_DOWN,
  SQL_FILTER_TAG,
  SQL_FILTER_TAG_DOWN,

  SQL_CLASS_FIND,
  SQL_CLASS_INSERT,
  SQL_CLASS_NEXT,
  SQL_CLASS_LOAD,
  SQL_CLASS_SWEEP,
  SQL_CLASS_SWEPT,

  SQL_NEXT_DUE,
  SQL_LAST_TAG,
  SQL_COUNT,
  SQL_COUNT_ALL,

  SQL_RUN_INSERT,
  SQL_RUN_TRIM,
  SQL_RUN_END,
  SQL_RUN_BEFORE,
  SQL_RUNS_DELETE,
  SQL_PRUNE_WAITED,
  SQL_PRUNE_LATER,

  SQL_VALUE_GET,
  SQL_VALUE_SET,
  SQL_VALUE_REMOVE,
  SQL_VALUE_CLEAR,
  SQL_VALUE_FROM,
  SQL_VALUE_BEHIND,
  SQL_VALUE_BYTES,
  SQL_NUMBER_GET,
  SQL_NUMBER_SET,
  SQL_STATEMENTS
} statement;

_Static_assert((int)SQL_STATEMENTS <= (int)FAR_SQLITE_STATEMENTS,
               "room for all");

static const char *const sql[SQL_STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_MARK] = "SAVEPOINT mark",
    [SQL_UNDO] = "ROLLBACK TO mark",
    [SQL_KEEP] = "RELEASE mark",

    [SQL_LAST_ID] = "SELECT max((SELECT ifnull(max(id), 0) FROM works),"
                    " (SELECT ifnull(max(seq), 0) FROM sqlite_sequence"
                    " WHERE name = 'works'))",
    [SQL_WORK_INSERT] = "INSERT INTO works(" NAMES
                        "parts, class, prune_ms, sum, id) VALUES (" MARKS
                        ":parts, :class, :prune_ms, :sum, :id)",
    [SQL_WORK_LOAD] =
        "SELECT id, " NAMES "parts, class, sum FROM works WHERE id = ?1",
    [SQL_WORK_LOOK] = "SELECT parts, tags FROM works WHERE id = ?1",
    [SQL_WORK_SAVE] = "UPDATE works SET " ASSIGN
                      "parts = :parts, class = :class, prune_ms = :prune_ms,"
                      " sum = :sum WHERE id = :id",
    [SQL_WORK_SAVE_RUN] =
        "UPDATE works SET " ASSIGN
        "parts = :parts, class = :class, prune_ms = :prune_ms, sum = :sum"
        " WHERE id = :id AND works.state = 1 AND works.token = :run",
    [SQL_WORK_DELETE] = "DELETE FROM works WHERE id = ?1",
    [SQL_FENCE] = "SELECT 1 FROM works WHERE id = ?1 AND state = 1"
                  " AND token = ?2",

    [SQL_TEXTS_LOAD] = "SELECT id, json, sum FROM texts"
                       " WHERE id >= ?1 AND id < ?1 + 8",
    [SQL_TEXT_LOAD] = "SELECT id, json, sum FROM texts WHERE id = ?1",
    // A text that is the same is not written again.
    [SQL_TEXT_PUT] = "INSERT INTO texts(id, json, sum) VALUES (?1, ?2, ?3)"
                     " ON CONFLICT(id) DO UPDATE"
                     " SET json = excluded.json, sum = excluded.sum"
                     " WHERE sum <> excluded.sum OR json <> excluded.json",
    [SQL_TEXT_DELETE] = "DELETE FROM texts WHERE id = ?1",
    [SQL_TEXTS_DELETE] = "DELETE FROM texts WHERE id >= ?1 AND id < ?1 + 8",

    [SQL_TAG_INSERT] = "INSERT OR IGNORE INTO tags(name, work) VALUES (?1, ?2)",
    [SQL_TAG_DELETE] = "DELETE FROM tags WHERE name = ?1 AND work = ?2",
    [SQL_EDGE_INSERT] =
        "INSERT OR IGNORE INTO edges(parent, child) VALUES (?1, ?2)",
    [SQL_EDGE_DELETE] = "DELETE FROM edges WHERE parent = ?1 AND child = ?2",
    [SQL_EDGES_DELETE] = "DELETE FROM edges WHERE parent = ?1",

    [SQL_FIND_WAITING] =
        BEHIND("waiting", "run_at_ms",
               "state = 0 AND class IS NULL AND run_at_ms <= ?4"),
    [SQL_FIND_READY] = BEHIND("ready", "rank", "class = ?4"),
    [SQL_FIND_RUNNING] = BY_ID("states", "state = 1"),
    [SQL_FIND_OVERDUE] =
        BEHIND("overdue", "deadline_ms",
               "state IN (0, 2) AND deadline_ms > 0 AND deadline_ms <= ?4"),
    [SQL_FIND_UNIQUE] =
        "SELECT id FROM works INDEXED BY live WHERE script = ?3"
        " AND unique_name = ?6 AND state < 3 AND id > ?2 ORDER BY id LIMIT 1",
    [SQL_FIND_CHILDREN] = "SELECT child FROM edges WHERE parent = ?4"
                          " AND child > ?2 ORDER BY child LIMIT 1",
    [SQL_FIND_RELATIVE] =
        BY_ID("relative", "state = 0 AND class IS NULL AND delay_ms > 0"),
    [SQL_FIND_PRUNABLE] = BEHIND("prunable", "prune_ms", "prune_ms <= ?4"),
    [SQL_FILTER_ANY] = FILTER_UP(BY_ANY),
    [SQL_FILTER_ANY_DOWN] = FILTER_DOWN(BY_ANY),
    [SQL_FILTER_STATE] = FILTER_UP(BY_STATE),
    [SQL_FILTER_STATE_DOWN] = FILTER_DOWN(BY_STATE),
    [SQL_FILTER_UNIQUE] = FILTER_UP(BY_UNIQUE),
    [SQL_FILTER_UNIQUE_DOWN] = FILTER_DOWN(BY_UNIQUE),
    [SQL_FILTER_TAG] = FILTER_UP(BY_TAG),
    [SQL_FILTER_TAG_DOWN] = FILTER_DOWN(BY_TAG),

    [SQL_CLASS_FIND] = "SELECT id FROM classes WHERE script = ?1 AND kind = ?2"
                       " AND needs = ?3 AND is_expedited = ?4",
    [SQL_CLASS_INSERT] =
        "INSERT INTO classes(script, kind, needs, is_expedited)"
        " VALUES (?1, ?2, ?3, ?4)",
    [SQL_CLASS_NEXT] = "SELECT class FROM works INDEXED BY ready"
                       " WHERE class > ?1 ORDER BY class LIMIT 1",
    [SQL_CLASS_LOAD] = "SELECT script, kind, needs, is_expedited FROM classes"
                       " WHERE id = ?1",
    // A hundred at a time, from where the last sweep stopped.
    [SQL_CLASS_SWEEP] =
        "DELETE FROM classes WHERE id IN (SELECT id FROM classes"
        " WHERE id > ?1 ORDER BY id LIMIT 100) AND NOT EXISTS (SELECT 1"
        " FROM works INDEXED BY ready WHERE class = classes.id)",
    [SQL_CLASS_SWEPT] = "SELECT max(id) FROM (SELECT id FROM classes"
                        " WHERE id > ?1 ORDER BY id LIMIT 100)",

    [SQL_NEXT_DUE] =
        "SELECT (SELECT run_at_ms FROM works INDEXED BY waiting"
        " WHERE state = 0 AND class IS NULL ORDER BY run_at_ms LIMIT 1),"
        " (SELECT deadline_ms FROM works INDEXED BY overdue"
        " WHERE state IN (0, 2) AND deadline_ms > 0"
        " ORDER BY deadline_ms LIMIT 1),"
        " (SELECT prune_ms FROM works INDEXED BY prunable"
        " WHERE prune_ms IS NOT NULL ORDER BY prune_ms LIMIT 1)",
    [SQL_LAST_TAG] = "SELECT tag FROM works INDEXED BY ready_groups"
                     " WHERE class IS NOT NULL AND script = ?1"
                     " AND group_name IS ?2 ORDER BY tag DESC LIMIT 1",
    [SQL_COUNT] = "SELECT what, n FROM totals WHERE script = ?1 AND what >= 0",
    [SQL_COUNT_ALL] =
        "SELECT what, sum(n) FROM totals WHERE what >= 0 GROUP BY what",

    [SQL_RUN_INSERT] = "INSERT INTO runs(work, token, attempt, slot_ms,"
                       " begun_ms, ended_ms, outcome, why, sum)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    // The newest FAR_RUNS_KEPT stay.
    [SQL_RUN_TRIM] = "DELETE FROM runs WHERE work = ?1 AND token <= (SELECT"
                     " token FROM runs WHERE work = ?1"
                     " ORDER BY token DESC LIMIT 1 OFFSET ?2)",
    [SQL_RUN_END] = "UPDATE runs SET attempt = ?3, slot_ms = ?4,"
                    " begun_ms = ?5, ended_ms = ?6, outcome = ?7, why = ?8,"
                    " sum = ?9 WHERE work = ?1 AND token = ?2",
    [SQL_RUN_BEFORE] = "SELECT work, token, attempt, slot_ms, begun_ms,"
                       " ended_ms, outcome, why, sum FROM runs"
                       " WHERE work = ?1 AND token < ?2"
                       " ORDER BY token DESC LIMIT 1",
    [SQL_RUNS_DELETE] = "DELETE FROM runs WHERE work = ?1",
    [SQL_PRUNE_WAITED] =
        "SELECT prune_ms, EXISTS (SELECT 1 FROM edges CROSS JOIN works AS child"
        " ON child.id = edges.child WHERE edges.parent = ?1"
        " AND child.state < 3) FROM works WHERE id = ?1",
    [SQL_PRUNE_LATER] = "UPDATE works SET prune_ms = ?2 WHERE id = ?1",

    [SQL_VALUE_GET] = "SELECT json, sum FROM storage"
                      " WHERE script = ?1 AND key = ?2",
    [SQL_VALUE_SET] =
        "INSERT INTO storage(script, key, json, sum) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT(script, key) DO UPDATE"
        " SET json = excluded.json, sum = excluded.sum",
    [SQL_VALUE_REMOVE] = "DELETE FROM storage WHERE script = ?1 AND key = ?2",
    [SQL_VALUE_CLEAR] = "DELETE FROM storage WHERE script = ?1",
    [SQL_VALUE_FROM] = "SELECT key FROM storage WHERE script = ?1"
                       " AND key >= ?2 ORDER BY key LIMIT 1",
    [SQL_VALUE_BEHIND] = "SELECT key FROM storage WHERE script = ?1"
                         " AND key > ?2 ORDER BY key LIMIT 1",
    [SQL_VALUE_BYTES] = "SELECT n FROM totals WHERE script = ?1 AND what = -1",
    [SQL_NUMBER_GET] = "SELECT number, sum FROM numbers WHERE name = ?1",
    [SQL_NUMBER_SET] =
        "INSERT INTO numbers(name, number, sum) VALUES (?1, ?2, ?3)"
        " ON CONFLICT(name) DO UPDATE"
        " SET number = excluded.number, sum = excluded.sum",
};

// -- What fails ---------------------------------------------------------------

static far_sqlite *of(const far_store *store) {
  // The store is the first member of what was opened, which is never const.
  return (far_sqlite *)(uintptr_t)store;
}

static const char *name_of(const far_sqlite *my) {
  return my->path ? my->path : "the store in memory";
}

static bool is_no_space(int why) {
  return why == ENOSPC || why == EDQUOT;
}

farside_status far_sqlite_status(sqlite3 *db, int code) {
  switch (code & 0xff) {
  case SQLITE_OK:
    return FARSIDE_OK;
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
  farside_status status = far_sqlite_status(my->db, code);
  int why = my->db ? sqlite3_system_errno(my->db) : 0;
  bool is_system =
      (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  const char *says = sqlite3_errstr(code);
  if (my->db != NULL && sqlite3_extended_errcode(my->db) == code)
    says = sqlite3_errmsg(my->db);
  snprintf(my->error, sizeof my->error, "%s: %s (%s: %s%s%s)", name_of(my),
           words_of(status), doing, says, is_system && why ? ", " : "",
           is_system && why ? strerror(why) : "");
  return status;
}

static farside_status say(far_sqlite *my, farside_status status,
                          const char *sentence) {
  snprintf(my->error, sizeof my->error, "%s: %s", name_of(my), sentence);
  return status;
}

// SQLite ends some transactions by itself when something fails.
static void look_whether_open(far_sqlite *my) {
  if (my->db == NULL || sqlite3_get_autocommit(my->db)) {
    my->is_open = false;
    my->depth = 0;
  }
}

static void abandon(far_sqlite *my) {
  if (my->db != NULL && !sqlite3_get_autocommit(my->db))
    sqlite3_exec(my->db, "ROLLBACK", NULL, NULL, NULL);
  my->is_open = false;
  my->depth = 0;
}

// -- Statements ---------------------------------------------------------------

// A statement that is being used: what goes wrong on the way is kept in `code`
// until somebody asks for its rows.
typedef struct query {
  far_sqlite *my;
  sqlite3_stmt *stmt;
  int code;
  int at; // The last parameter that was given.
} query;

static query ask(far_sqlite *my, statement which) {
  query q = {.my = my};
  if (my->db == NULL) {
    q.code = SQLITE_MISUSE;
    return q;
  }
  if (my->statements[which] == NULL)
    q.code =
        sqlite3_prepare_v3(my->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                           &my->statements[which], NULL);
  q.stmt = my->statements[which];
  return q;
}

static void given(query *q, int code) {
  if (q->code == SQLITE_OK)
    q->code = code;
}

static void give(query *q, int64_t number) {
  q->at++;
  if (q->code == SQLITE_OK)
    given(q, sqlite3_bind_int64(q->stmt, q->at, number));
}

static void give_null(query *q) {
  q->at++;
  if (q->code == SQLITE_OK)
    given(q, sqlite3_bind_null(q->stmt, q->at));
}

static void give_text(query *q, const char *text) {
  q->at++;
  if (q->code == SQLITE_OK)
    given(q, sqlite3_bind_text(q->stmt, q->at, text, -1, SQLITE_STATIC));
}

static void give_json(query *q, const char *json, size_t bytes) {
  q->at++;
  if (q->code == SQLITE_OK)
    given(q, sqlite3_bind_text64(q->stmt, q->at, json, bytes, SQLITE_STATIC,
                                 SQLITE_UTF8));
}

// A pointer that is NULL would be the NULL of SQL.
static void give_key(query *q, const char *key, size_t bytes) {
  q->at++;
  if (q->code == SQLITE_OK)
    given(q, sqlite3_bind_blob64(q->stmt, q->at, bytes ? key : "", bytes,
                                 SQLITE_STATIC));
}

static void give_sum(query *q, far_sum sum) {
  int64_t number;
  memcpy(&number, &sum, sizeof number);
  give(q, number);
}

// Ends it, so that no read of a file is left open.
static void end(query *q) {
  if (q->stmt != NULL)
    sqlite3_reset(q->stmt);
}

static farside_status closed(far_sqlite *my) {
  return say(my, FARSIDE_STORE, "it is closed, because it could not be mended");
}

// The next row. FARSIDE_NOWORK behind the last.
static farside_status next(query *q) {
  if (q->code == SQLITE_OK)
    q->code = sqlite3_step(q->stmt);
  if (q->code == SQLITE_ROW) {
    q->code = SQLITE_OK;
    return FARSIDE_OK;
  }
  if (q->code == SQLITE_DONE)
    return FARSIDE_NOWORK;
  if (q->my->db == NULL)
    return closed(q->my);
  farside_status status = far_sqlite_fail(q->my, q->code, "reading");
  end(q);
  look_whether_open(q->my);
  return status == FARSIDE_NOFILE ? FARSIDE_STORE : status;
}

// Carries out what writes. When it fails, the whole transaction is over.
static farside_status carry_out(query *q, const char *doing) {
  if (q->code == SQLITE_OK)
    q->code = sqlite3_step(q->stmt);
  if (q->code == SQLITE_DONE) {
    end(q);
    return FARSIDE_OK;
  }
  if (q->my->db == NULL)
    return closed(q->my);
  farside_status status = far_sqlite_fail(q->my, q->code, doing);
  end(q);
  abandon(q->my);
  // A row that stands where none can be was not written by us.
  if (q->code == SQLITE_CONSTRAINT_PRIMARYKEY ||
      q->code == SQLITE_CONSTRAINT_ROWID)
    return FARSIDE_CORRUPT;
  return status == FARSIDE_NOFILE ? FARSIDE_STORE : status;
}

static farside_status change(query *q) {
  return carry_out(q, "writing");
}

static farside_status out_of_memory(far_sqlite *my) {
  return say(my, FARSIDE_NOMEM, "there is not enough memory");
}

static farside_status damaged(far_sqlite *my, const char *what, int64_t id) {
  snprintf(my->error, sizeof my->error,
           "%s: it is damaged (%s %lld is not what was written)", name_of(my),
           what, (long long)id);
  return FARSIDE_CORRUPT;
}

// -- Sums ---------------------------------------------------------------------

// Each step can be undone, so no single number that differs goes unnoticed.
far_sum far_sum_number(far_sum sum, int64_t number) {
  sum = (sum ^ (uint64_t)number) * UINT64_C(0x9e3779b97f4a7c15);
  return sum ^ (sum >> 32);
}

far_sum far_sum_bytes(far_sum sum, const void *bytes, size_t count) {
  const char *from = bytes;
  sum = far_sum_number(sum, (int64_t)count);
  for (; count >= sizeof(int64_t); count -= sizeof(int64_t)) {
    int64_t number;
    memcpy(&number, from, sizeof number);
    sum = far_sum_number(sum, number);
    from += sizeof number;
  }
  if (count == 0)
    return sum;
  int64_t rest = 0;
  memcpy(&rest, from, count);
  return far_sum_number(sum, rest);
}

static far_sum sum_text(far_sum sum, const char *text) {
  return text ? far_sum_bytes(sum, text, strlen(text))
              : far_sum_number(sum, -1);
}

static bool is_sum(sqlite3_stmt *stmt, int column, far_sum sum) {
  int64_t kept = sqlite3_column_int64(stmt, column);
  return memcmp(&kept, &sum, sizeof kept) == 0;
}

// -- Rows, column by column ---------------------------------------------------

typedef struct row {
  sqlite3_stmt *stmt;
  far_memory *memory;
  int at; // The next column.
  far_sum sum;
  bool is_short; // Of memory.
  bool is_false; // A column is not what it can be.
} row;

static int64_t take(row *from) {
  from->is_false |= sqlite3_column_type(from->stmt, from->at) != SQLITE_INTEGER;
  int64_t number = sqlite3_column_int64(from->stmt, from->at++);
  from->sum = far_sum_number(from->sum, number);
  return number;
}

// Copies a block, with a NUL behind it.
static char *copy_of(far_memory *memory, const void *bytes, size_t count) {
  char *copy = far_resize(memory, NULL, 0, count + 1);
  if (copy == NULL)
    return NULL;
  if (count > 0)
    memcpy(copy, bytes, count);
  copy[count] = '\0';
  return copy;
}

static char *take_text(row *from) {
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
  char *copy = copy_of(from->memory, text, bytes);
  from->is_short |= copy == NULL;
  return copy;
}

static void take_sum(row *from) {
  from->is_false |= !is_sum(from->stmt, from->at++, from->sum);
}

// -- Texts of a unit ----------------------------------------------------------

static int64_t text_key(int64_t id, int part) {
  return id * FAR_TEXTS + part;
}

static far_sum text_sum(int64_t key, const void *json, size_t bytes) {
  return far_sum_bytes(far_sum_number(0, key), json, bytes);
}

static farside_status put_text(far_sqlite *my, int64_t id, int part,
                               const char *json) {
  query q;
  int64_t key = text_key(id, part);
  if (json == NULL) {
    q = ask(my, SQL_TEXT_DELETE);
    give(&q, key);
  } else {
    size_t bytes = strlen(json);
    q = ask(my, SQL_TEXT_PUT);
    give(&q, key);
    give_json(&q, json, bytes);
    give_sum(&q, text_sum(key, json, bytes));
  }
  return change(&q);
}

static char **text_field(far_work *work, int part) {
  switch (part) {
  case FAR_TEXT_INPUT:
    return &work->input;
  case FAR_TEXT_CHECKPOINT:
    return &work->checkpoint;
  case FAR_TEXT_PROGRESS:
    return &work->progress;
  case FAR_TEXT_OUTPUT:
    return &work->output;
  default:
    return NULL;
  }
}

// Those that a row cannot do without: its column `parts` says which it has. A
// checkpoint and the progress come and go while it runs.
enum {
  PARTS_KEPT =
      1 << FAR_TEXT_INPUT | 1 << FAR_TEXT_OUTPUT | 1 << FAR_TEXT_PARENTS
};

static unsigned parts_of(const far_work *work, bool has_parents) {
  return (work->input ? 1u << FAR_TEXT_INPUT : 0) |
         (work->output ? 1u << FAR_TEXT_OUTPUT : 0) |
         (has_parents ? 1u << FAR_TEXT_PARENTS : 0);
}

// The text of the row that a statement is at: its key, the text, its sum.
static char *take_part(row *from, int64_t id, int *part) {
  from->at = 0;
  from->sum = 0;
  int64_t key = take(from);
  char *text = take_text(from);
  take_sum(from);
  *part = (int)(key - text_key(id, 0));
  from->is_false |= *part < 0 || *part >= FAR_TEXTS;
  return text;
}

static farside_status load_texts(far_sqlite *my, far_work *work,
                                 unsigned expected) {
  query q = ask(my, SQL_TEXTS_LOAD);
  give(&q, text_key(work->id, 0));
  farside_status status;
  unsigned seen = 0;
  while ((status = next(&q)) == FARSIDE_OK) {
    row from = {.stmt = q.stmt, .memory = my->store.memory};
    int part;
    char *text = take_part(&from, work->id, &part);
    if (my->is_salvage && from.is_false && (PARTS_KEPT >> part & 1) == 0) {
      far_string_free(my->store.memory, text);
      continue;
    }
    char **field = text_field(work, part);
    if (field != NULL)
      *field = text;
    else
      far_string_free(my->store.memory, text);
    if (from.is_short || from.is_false) {
      end(&q);
      return from.is_short ? out_of_memory(my)
                           : damaged(my, "a text of unit", work->id);
    }
    seen |= 1u << part;
  }
  end(&q);
  if (status != FARSIDE_NOWORK)
    return status;
  return (seen & PARTS_KEPT) == expected
             ? FARSIDE_OK
             : damaged(my, "a text of unit", work->id);
}

// -- Rows of works ------------------------------------------------------------

static int64_t prune_ms_of(const far_work *work) {
  int64_t sum;
  if (__builtin_add_overflow(work->since_ms, work->keep_ms, &sum))
    return INT64_MAX;
  return sum;
}

// Binds all of a row, in the order of SQL_WORK_INSERT and SQL_WORK_SAVE.
static void give_work(query *q, const far_work *work, unsigned parts,
                      int64_t class_id) {
  far_sum sum = far_sum_number(0, work->id);
#define GIVE_TEXT(column, field)                                               \
  give_text(q, work->field);                                                   \
  sum = sum_text(sum, work->field);
#define GIVE_NUMBER(type, column, field)                                       \
  give(q, (int64_t)work->field);                                               \
  sum = far_sum_number(sum, (int64_t)work->field);
  COLUMN_MAP(GIVE_TEXT, GIVE_NUMBER)
  give(q, parts);
  sum = far_sum_number(sum, parts);
  if (class_id != 0)
    give(q, class_id);
  else
    give_null(q);
  sum = far_sum_number(sum, class_id);
  if (far_work_is_final(work))
    give(q, prune_ms_of(work));
  else
    give_null(q);
  give_sum(q, sum);
  give(q, work->id);
}

static bool makes_sense(const far_work *work) {
  return work->id > 0 && work->script != NULL && work->kind != NULL &&
         (unsigned)work->state < FAR_WORK_STATES &&
         (unsigned)work->reason < FAR_REASONS &&
         (unsigned)work->rules.backoff < FAR_BACKOFFS &&
         (unsigned)work->missed < FAR_MISSEDS &&
         (unsigned)work->on_parent_fail < FAR_PARENT_FAILS &&
         (unsigned)work->expedite < FAR_EXPEDITES;
}

// The row that a statement is at, without its texts.
static farside_status take_work(far_sqlite *my, sqlite3_stmt *stmt,
                                far_work *work, unsigned *parts,
                                bool *is_ready) {
  row from = {.stmt = stmt, .memory = my->store.memory};
  work->id = take(&from);
#define TAKE_TEXT(column, field)         work->field = take_text(&from);
#define TAKE_NUMBER(type, column, field) work->field = (type)take(&from);
  COLUMN_MAP(TAKE_TEXT, TAKE_NUMBER)
  *parts = (unsigned)take(&from);
  *is_ready = sqlite3_column_type(stmt, from.at) != SQLITE_NULL;
  from.sum = far_sum_number(from.sum, sqlite3_column_int64(stmt, from.at++));
  take_sum(&from);
  if (!from.is_short && !from.is_false && makes_sense(work))
    return FARSIDE_OK;
  int64_t id = work->id;
  far_work_deinit(my->store.memory, work);
  return from.is_short ? out_of_memory(my) : damaged(my, "unit", id);
}

// -- Opening and closing ------------------------------------------------------

static const char *error(const far_store *store) {
  return of(store)->error;
}

void far_sqlite_disconnect(far_sqlite *my, bool is_damaged) {
  for (size_t i = 0; i < SQL_STATEMENTS; i++) {
    sqlite3_finalize(my->statements[i]);
    my->statements[i] = NULL;
  }
  if (my->db != NULL) {
    abandon(my);
    if (is_damaged || my->is_readonly)
      sqlite3_db_config(my->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(my->db);
  }
  my->db = NULL;
  my->next_id = 0;
}

// -- Transactions -------------------------------------------------------------

static farside_status commit(far_store *store) {
  far_sqlite *my = of(store);
  far_assert(my->is_open && my->depth == 0);
  query q = ask(my, SQL_COMMIT);
  farside_status status = carry_out(&q, "committing");
  my->is_open = false;
  my->is_dirty = true;
  return status;
}

static void rollback(far_store *store) {
  abandon(of(store));
}

static bool is_open(const far_store *store) {
  return of(store)->is_open;
}

// SQLite lets us change this between two transactions only.
static farside_status set_durable(far_sqlite *my, bool is_durable) {
  if (my->is_full == is_durable)
    return FARSIDE_OK;
  if (my->path != NULL) {
    int code = sqlite3_exec(my->db,
                            is_durable ? "PRAGMA synchronous=FULL"
                                       : "PRAGMA synchronous=NORMAL",
                            NULL, NULL, NULL);
    if (code != SQLITE_OK)
      return far_sqlite_fail(my, code, "beginning");
  }
  my->is_full = is_durable;
  return FARSIDE_OK;
}

// Whether the file that we write is still the one with this name.
static bool has_moved(far_sqlite *my) {
  int is_moved = 0;
  return my->path != NULL &&
         sqlite3_file_control(my->db, "main", SQLITE_FCNTL_HAS_MOVED,
                              &is_moved) == SQLITE_OK &&
         is_moved;
}

static farside_status begin(far_store *store, bool is_durable) {
  far_sqlite *my = of(store);
  far_assert(my->pid == getpid());
  if (my->db == NULL)
    return closed(my);
  if (my->is_readonly)
    return say(my, FARSIDE_READONLY, "it was opened for reading only");
  if (my->is_open && (my->is_full || !is_durable))
    return FARSIDE_OK;
  farside_status status = my->is_open ? commit(store) : FARSIDE_OK;
  if (status != FARSIDE_OK)
    return status;
  if (has_moved(my))
    return say(my, FARSIDE_STORE, "it was moved or deleted while it was open");
  if ((status = set_durable(my, is_durable)) != FARSIDE_OK)
    return status;
  // SQLite waits by itself for most of those who keep it busy, but not for one
  // who recovers the log.
  for (int wait_ms = 1;; wait_ms *= 2) {
    query q = ask(my, SQL_BEGIN);
    status = carry_out(&q, "beginning");
    if (status != FARSIDE_LOCKED || q.code == SQLITE_BUSY || wait_ms > 1000)
      break;
    sqlite3_sleep(wait_ms);
  }
  my->is_open = status == FARSIDE_OK;
  return status;
}

static farside_status mark(far_store *store) {
  far_sqlite *my = of(store);
  far_assert(my->is_open);
  query q = ask(my, SQL_MARK);
  farside_status status = change(&q);
  if (status == FARSIDE_OK)
    my->depth++;
  return status;
}

static farside_status release(far_sqlite *my) {
  query q = ask(my, SQL_KEEP);
  farside_status status = change(&q);
  if (status == FARSIDE_OK)
    my->depth--;
  return status;
}

static farside_status undo(far_store *store) {
  far_sqlite *my = of(store);
  if (!my->is_open) // A failed write has taken back this and more.
    return FARSIDE_OK;
  far_assert(my->depth > 0);
  query q = ask(my, SQL_UNDO);
  farside_status status = change(&q);
  return status == FARSIDE_OK ? release(my) : status;
}

static farside_status keep(far_store *store) {
  far_sqlite *my = of(store);
  if (!my->is_open) // And the sentence is still that of the failed write.
    return FARSIDE_STORE;
  far_assert(my->depth > 0);
  return release(my);
}

// -- Classes and tags ---------------------------------------------------------

static void give_class(query *q, const far_work *work) {
  give_text(q, work->script);
  give_text(q, work->kind);
  give(q, work->needs);
  give(q, work->expedite != FAR_EXPEDITE_NO);
}

static farside_status class_of(far_sqlite *my, const far_work *work,
                               int64_t *class_id) {
  query q = ask(my, SQL_CLASS_FIND);
  give_class(&q, work);
  farside_status status = next(&q);
  if (status == FARSIDE_OK)
    *class_id = sqlite3_column_int64(q.stmt, 0);
  end(&q);
  if (status != FARSIDE_NOWORK)
    return status;
  q = ask(my, SQL_CLASS_INSERT);
  give_class(&q, work);
  status = change(&q);
  *class_id = status == FARSIDE_OK ? sqlite3_last_insert_rowid(my->db) : 0;
  return status;
}

// Does `which` for every line of the tags.
static farside_status each_tag(far_sqlite *my, statement which, int64_t id,
                               const char *tags) {
  farside_status status = FARSIDE_OK;
  while (tags != NULL && *tags != '\0' && status == FARSIDE_OK) {
    size_t bytes = strcspn(tags, "\n");
    query q = ask(my, which);
    give_json(&q, tags, bytes);
    give(&q, id);
    status = change(&q);
    tags += bytes + (tags[bytes] == '\n');
  }
  return status;
}

static bool is_same(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

// -- Units of work ------------------------------------------------------------

// "12,15,": the parents as they are kept.
enum { PARENTS_BYTES = FAR_WORK_PARENTS_MAX * 21 + 1 };

static void print_parents(const int64_t *parents, size_t count,
                          char text[PARENTS_BYTES]) {
  size_t at = 0;
  text[0] = '\0';
  for (size_t i = 0; i < count; i++)
    at += (size_t)snprintf(text + at, PARENTS_BYTES - at, "%lld,",
                           (long long)parents[i]);
}

static size_t read_parents(const char *text,
                           int64_t parents[FAR_WORK_PARENTS_MAX]) {
  size_t count = 0;
  while (text != NULL && *text != '\0' && count < FAR_WORK_PARENTS_MAX) {
    char *behind;
    parents[count] = strtoll(text, &behind, 10);
    if (behind == text || *behind != ',')
      break;
    count++;
    text = behind + 1;
  }
  return count;
}

static farside_status put_parents(far_sqlite *my, int64_t id,
                                  const int64_t *parents, size_t count) {
  far_assert(count <= FAR_WORK_PARENTS_MAX);
  if (count == 0)
    return FARSIDE_OK;
  char text[PARENTS_BYTES];
  print_parents(parents, count, text);
  farside_status status = put_text(my, id, FAR_TEXT_PARENTS, text);
  for (size_t i = 0; i < count && status == FARSIDE_OK; i++) {
    query q = ask(my, SQL_EDGE_INSERT);
    give(&q, parents[i]);
    give(&q, id);
    status = change(&q);
  }
  return status;
}

static farside_status put_texts(far_sqlite *my, const far_work *work) {
  farside_status status = FARSIDE_OK;
  for (int part = 0; part < FAR_TEXTS && status == FARSIDE_OK; part++) {
    // What is read here is not changed.
    char **text = text_field((far_work *)(uintptr_t)work, part);
    if (text != NULL && *text != NULL)
      status = put_text(my, work->id, part, *text);
  }
  return status;
}

farside_status far_sqlite_put_work(far_sqlite *my, const far_work *work,
                                   const int64_t *parents, size_t count,
                                   bool is_ready) {
  int64_t class_id = 0;
  farside_status status = is_ready ? class_of(my, work, &class_id) : FARSIDE_OK;
  if (status != FARSIDE_OK)
    return status;
  query q = ask(my, SQL_WORK_INSERT);
  give_work(&q, work, parts_of(work, count > 0), class_id);
  if ((status = change(&q)) != FARSIDE_OK)
    return status;
  if ((status = put_texts(my, work)) != FARSIDE_OK)
    return status;
  if ((status = put_parents(my, work->id, parents, count)) != FARSIDE_OK)
    return status;
  return each_tag(my, SQL_TAG_INSERT, work->id, work->tags);
}

// Ids are given here and not by SQLite: the sum of a row needs its id, and one
// that was rolled back is not given again either.
static farside_status new_id(far_sqlite *my, int64_t *id) {
  if (my->next_id == 0) {
    query q = ask(my, SQL_LAST_ID);
    farside_status status = next(&q);
    if (status == FARSIDE_OK)
      my->next_id = sqlite3_column_int64(q.stmt, 0) + 1;
    end(&q);
    if (status != FARSIDE_OK)
      return status;
  }
  *id = my->next_id++;
  return FARSIDE_OK;
}

static farside_status insert(far_store *store, far_work *work,
                             const int64_t *parents, size_t count) {
  far_sqlite *my = of(store);
  far_assert(my->is_open && work->script != NULL && work->kind != NULL);
  int64_t before = work->id;
  farside_status status = new_id(my, &work->id);
  if (status == FARSIDE_OK)
    status = far_sqlite_put_work(my, work, parents, count, false);
  if (status != FARSIDE_OK)
    work->id = before;
  return status;
}

farside_status far_sqlite_load(far_sqlite *my, int64_t id, far_work *work,
                               bool *is_ready) {
  query q = ask(my, SQL_WORK_LOAD);
  give(&q, id);
  unsigned parts;
  farside_status status = next(&q);
  if (status == FARSIDE_OK)
    status = take_work(my, q.stmt, work, &parts, is_ready);
  end(&q);
  if (status == FARSIDE_OK &&
      (status = load_texts(my, work, parts)) != FARSIDE_OK)
    far_work_deinit(my->store.memory, work);
  return status;
}

static farside_status load(far_store *store, int64_t id, far_work *work) {
  bool is_ready;
  return far_sqlite_load(of(store), id, work, &is_ready);
}

// What has to be known of the row that is there, before it is written over.
typedef struct old_row {
  unsigned parts;
  char *tags; // Where they differ; else NULL.
  bool has_other_tags;
} old_row;

static farside_status look(far_sqlite *my, const far_work *work, old_row *old) {
  query q = ask(my, SQL_WORK_LOOK);
  give(&q, work->id);
  farside_status status = next(&q);
  if (status == FARSIDE_OK) {
    *old = (old_row){.parts = (unsigned)sqlite3_column_int64(q.stmt, 0)};
    const char *tags = (const char *)sqlite3_column_text(q.stmt, 1);
    old->has_other_tags = !is_same(tags, work->tags);
    if (old->has_other_tags && tags != NULL &&
        (old->tags = far_string_new(my->store.memory, tags)) == NULL)
      status = out_of_memory(my);
  }
  end(&q);
  return status;
}

static farside_status save_parts(far_sqlite *my, const far_work *work,
                                 const old_row *old) {
  farside_status status = put_texts(my, work);
  for (int part = 0; part < FAR_TEXTS && status == FARSIDE_OK; part++) {
    char **text = text_field((far_work *)(uintptr_t)work, part);
    bool may_be_there =
        (old->parts >> part & 1) != 0 || (PARTS_KEPT >> part & 1) == 0;
    if (text != NULL && *text == NULL && may_be_there)
      status = put_text(my, work->id, part, NULL);
  }
  if (status != FARSIDE_OK || !old->has_other_tags)
    return status;
  status = each_tag(my, SQL_TAG_DELETE, work->id, old->tags);
  return status == FARSIDE_OK
             ? each_tag(my, SQL_TAG_INSERT, work->id, work->tags)
             : status;
}

// `run`: where not NULL, the row must be running with this token.
static farside_status save_row(far_sqlite *my, const far_work *work,
                               const old_row *old, const int64_t *run,
                               bool is_ready) {
  int64_t class_id = 0;
  farside_status status = is_ready ? class_of(my, work, &class_id) : FARSIDE_OK;
  if (status != FARSIDE_OK)
    return status;
  query q = ask(my, run ? SQL_WORK_SAVE_RUN : SQL_WORK_SAVE);
  bool has_parents = (old->parts >> FAR_TEXT_PARENTS & 1) != 0;
  give_work(&q, work, parts_of(work, has_parents), class_id);
  if (run != NULL)
    give(&q, *run);
  if ((status = change(&q)) != FARSIDE_OK)
    return status;
  if (sqlite3_changes(my->db) == 0)
    return say(my, FARSIDE_STALE, "another run has taken over");
  return save_parts(my, work, old);
}

static farside_status save_as(far_sqlite *my, const far_work *work,
                              const int64_t *run, bool is_ready) {
  far_assert(my->is_open && work->id > 0);
  far_assert(!is_ready || work->state == FAR_WORK_ENQUEUED);
  old_row old = {0};
  farside_status status = look(my, work, &old);
  if (status == FARSIDE_OK)
    status = save_row(my, work, &old, run, is_ready);
  far_string_free(my->store.memory, old.tags);
  return status;
}

static farside_status save(far_store *store, const far_work *work,
                           bool is_ready) {
  return save_as(of(store), work, NULL, is_ready);
}

static farside_status save_run(far_store *store, const far_work *work,
                               int64_t token, bool is_ready) {
  farside_status status = save_as(of(store), work, &token, is_ready);
  return status == FARSIDE_NOWORK ? FARSIDE_STALE : status;
}

static farside_status save_part(far_sqlite *my, int64_t id, int64_t token,
                                int part, const char *json) {
  far_assert(my->is_open);
  query q = ask(my, SQL_FENCE);
  give(&q, id);
  give(&q, token);
  farside_status status = next(&q);
  end(&q);
  if (status == FARSIDE_NOWORK)
    return say(my, FARSIDE_STALE, "another run has taken over");
  return status == FARSIDE_OK ? put_text(my, id, part, json) : status;
}

static farside_status checkpoint(far_store *store, int64_t id, int64_t token,
                                 const char *json) {
  return save_part(of(store), id, token, FAR_TEXT_CHECKPOINT, json);
}

static farside_status progress(far_store *store, int64_t id, int64_t token,
                               const char *json) {
  return save_part(of(store), id, token, FAR_TEXT_PROGRESS, json);
}

// -- Finding ------------------------------------------------------------------

static statement filter_of(const far_find *find) {
  statement which = find->tag != NULL      ? SQL_FILTER_TAG
                    : find->unique != NULL ? SQL_FILTER_UNIQUE
                    : find->state >= 0     ? SQL_FILTER_STATE
                                           : SQL_FILTER_ANY;
  return find->is_newest_first ? which + 1 : which;
}

static statement find_of(const far_find *find) {
  switch (find->by) {
  case FAR_FIND_WAITING:
    return SQL_FIND_WAITING;
  case FAR_FIND_READY:
    return SQL_FIND_READY;
  case FAR_FIND_RUNNING:
    return SQL_FIND_RUNNING;
  case FAR_FIND_OVERDUE:
    return SQL_FIND_OVERDUE;
  case FAR_FIND_UNIQUE:
    far_assert(find->script != NULL && find->unique != NULL);
    return SQL_FIND_UNIQUE;
  case FAR_FIND_CHILDREN:
    return SQL_FIND_CHILDREN;
  case FAR_FIND_RELATIVE:
    return SQL_FIND_RELATIVE;
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
static void give_criteria(query *q, const far_find *find) {
  int wanted = q->stmt ? sqlite3_bind_parameter_count(q->stmt) : 0;
  if (wanted >= 4 && find->by == FAR_FIND_FILTER && find->state < 0)
    give_null(q);
  else if (wanted >= 4)
    give(q, find->by == FAR_FIND_FILTER ? find->state : fourth_of(find));
  const char *texts[] = {find->kind, find->unique, find->group, find->tag};
  for (int i = 0; 5 + i <= wanted; i++)
    give_text(q, texts[i]);
}

// The id of the next row, without moving on.
static farside_status next_id(far_sqlite *my, statement which,
                              const far_find *find, int64_t *id) {
  bool goes_down = find->by == FAR_FIND_FILTER && find->is_newest_first;
  query q = ask(my, which);
  give(&q, find->has_begun ? find->at : INT64_MIN);
  give(&q, find->has_begun ? find->at_id : goes_down ? INT64_MAX : 0);
  give_text(&q, find->script);
  give_criteria(&q, find);
  farside_status status = next(&q);
  if (status == FARSIDE_OK)
    *id = sqlite3_column_int64(q.stmt, 0);
  end(&q);
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

static farside_status find(far_store *store, far_find *find, far_work *work) {
  far_sqlite *my = of(store);
  int64_t id;
  farside_status status = next_id(my, find_of(find), find, &id);
  if (status != FARSIDE_OK)
    return status;
  status = load(store, id, work);
  if (status == FARSIDE_NOWORK) // An index that knows more than its table.
    return damaged(my, "unit", id);
  if (status == FARSIDE_OK) {
    find->has_begun = true;
    find->at = place_of(find, work);
    find->at_id = id;
  }
  return status;
}

static farside_status load_class(far_sqlite *my, far_class *found) {
  query q = ask(my, SQL_CLASS_LOAD);
  give(&q, found->id);
  farside_status status = next(&q);
  if (status == FARSIDE_OK) {
    row from = {.stmt = q.stmt, .memory = my->store.memory};
    found->script = take_text(&from);
    found->kind = take_text(&from);
    found->needs = (unsigned)take(&from);
    found->is_expedited = take(&from) != 0;
    if (from.is_short)
      status = out_of_memory(my);
    else if (from.is_false)
      status = damaged(my, "class", found->id);
  }
  end(&q);
  return status == FARSIDE_NOWORK ? damaged(my, "class", found->id) : status;
}

static farside_status next_class(far_store *store, int64_t after,
                                 far_class *found) {
  far_sqlite *my = of(store);
  query q = ask(my, SQL_CLASS_NEXT);
  give(&q, after);
  farside_status status = next(&q);
  if (status == FARSIDE_OK)
    found->id = sqlite3_column_int64(q.stmt, 0);
  end(&q);
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
  query q = ask(of(store), SQL_NEXT_DUE);
  farside_status status = next(&q);
  if (status == FARSIDE_OK) {
    *run_at_ms = due(q.stmt, 0);
    *deadline_ms = due(q.stmt, 1);
    *prune_ms = due(q.stmt, 2);
  }
  end(&q);
  return status;
}

static farside_status last_tag(far_store *store, const char *script,
                               const char *group, int64_t *tag) {
  query q = ask(of(store), SQL_LAST_TAG);
  give_text(&q, script);
  give_text(&q, group);
  farside_status status = next(&q);
  *tag = status == FARSIDE_OK ? sqlite3_column_int64(q.stmt, 0) : 0;
  end(&q);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static farside_status count(far_store *store, const char *script,
                            int64_t counts[FAR_WORK_STATES]) {
  memset(counts, 0, FAR_WORK_STATES * sizeof *counts);
  query q = ask(of(store), script ? SQL_COUNT : SQL_COUNT_ALL);
  if (script != NULL)
    give_text(&q, script);
  farside_status status;
  while ((status = next(&q)) == FARSIDE_OK) {
    int64_t state = sqlite3_column_int64(q.stmt, 0);
    if (state >= 0 && state < FAR_WORK_STATES)
      counts[state] = sqlite3_column_int64(q.stmt, 1);
  }
  end(&q);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static farside_status parents(far_store *store, int64_t id, int64_t *parents,
                              size_t *count) {
  far_sqlite *my = of(store);
  query q = ask(my, SQL_TEXT_LOAD);
  give(&q, text_key(id, FAR_TEXT_PARENTS));
  farside_status status = next(&q);
  *count = 0;
  if (status == FARSIDE_OK) {
    row from = {.stmt = q.stmt, .memory = store->memory};
    int part;
    char *text = take_part(&from, id, &part);
    if (from.is_short || from.is_false)
      status =
          from.is_short ? out_of_memory(my) : damaged(my, "a text of unit", id);
    else
      *count = read_parents(text, parents);
    far_string_free(store->memory, text);
  }
  end(&q);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

// -- Runs ---------------------------------------------------------------------

static void give_run(query *q, const far_run *run) {
  const int64_t numbers[] = {run->work,        run->token,    run->attempt,
                             run->slot_ms,     run->begun_ms, run->ended_ms,
                             (int64_t)run->end};
  far_sum sum = 0;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    give(q, numbers[i]);
    sum = far_sum_number(sum, numbers[i]);
  }
  give_text(q, run->why);
  give_sum(q, sum_text(sum, run->why));
}

static farside_status run_begin(far_store *store, const far_run *run) {
  far_sqlite *my = of(store);
  far_assert(my->is_open);
  query q = ask(my, SQL_RUN_INSERT);
  give_run(&q, run);
  farside_status status = change(&q);
  if (status != FARSIDE_OK)
    return status;
  q = ask(my, SQL_RUN_TRIM);
  give(&q, run->work);
  give(&q, FAR_RUNS_KEPT);
  return change(&q);
}

static farside_status run_end(far_store *store, const far_run *run) {
  far_sqlite *my = of(store);
  far_assert(my->is_open);
  query q = ask(my, SQL_RUN_END);
  give_run(&q, run);
  farside_status status = change(&q);
  if (status == FARSIDE_OK && sqlite3_changes(my->db) == 0)
    return say(my, FARSIDE_NOWORK, "no run has this token");
  return status;
}

static farside_status run_before(far_store *store, int64_t work, int64_t token,
                                 far_run *run) {
  far_sqlite *my = of(store);
  query q = ask(my, SQL_RUN_BEFORE);
  give(&q, work);
  give(&q, token);
  farside_status status = next(&q);
  if (status == FARSIDE_OK) {
    row from = {.stmt = q.stmt, .memory = store->memory};
    run->work = take(&from);
    run->token = take(&from);
    run->attempt = take(&from);
    run->slot_ms = take(&from);
    run->begun_ms = take(&from);
    run->ended_ms = take(&from);
    run->end = (far_run_end)take(&from);
    run->why = take_text(&from);
    take_sum(&from);
    if (from.is_short)
      status = out_of_memory(my);
    else if (from.is_false || (unsigned)run->end >= FAR_RUN_ENDS)
      status = damaged(my, "a run of unit", work);
    if (status != FARSIDE_OK)
      far_run_deinit(store->memory, run);
  }
  end(&q);
  return status;
}

// -- Pruning ------------------------------------------------------------------

// How much later a unit is looked at again that somebody still waits for.
enum { LATER_MS = 3600 * 1000 };

static farside_status is_waited_for(far_sqlite *my, int64_t id, bool *is,
                                    int64_t *prune_ms) {
  query q = ask(my, SQL_PRUNE_WAITED);
  give(&q, id);
  farside_status status = next(&q);
  if (status == FARSIDE_OK) {
    *prune_ms = sqlite3_column_int64(q.stmt, 0);
    *is = sqlite3_column_int64(q.stmt, 1) != 0;
  }
  end(&q);
  return status == FARSIDE_NOWORK ? damaged(my, "unit", id) : status;
}

static farside_status change_with(far_sqlite *my, statement which,
                                  int64_t number) {
  query q = ask(my, which);
  give(&q, number);
  return change(&q);
}

static farside_status delete_edges(far_sqlite *my, int64_t id) {
  int64_t of_it[FAR_WORK_PARENTS_MAX];
  size_t count;
  farside_status status = parents(&my->store, id, of_it, &count);
  for (size_t i = 0; i < count && status == FARSIDE_OK; i++) {
    query q = ask(my, SQL_EDGE_DELETE);
    give(&q, of_it[i]);
    give(&q, id);
    status = change(&q);
  }
  return status == FARSIDE_OK ? change_with(my, SQL_EDGES_DELETE, id) : status;
}

// Deletes a unit and all that is kept of it.
static farside_status delete_work(far_sqlite *my, int64_t id) {
  far_work none = {.id = id};
  old_row old = {0};
  farside_status status = look(my, &none, &old);
  if (status == FARSIDE_OK)
    status = each_tag(my, SQL_TAG_DELETE, id, old.tags);
  far_string_free(my->store.memory, old.tags);
  if (status == FARSIDE_OK)
    status = delete_edges(my, id);
  if (status == FARSIDE_OK)
    status = change_with(my, SQL_TEXTS_DELETE, text_key(id, 0));
  if (status == FARSIDE_OK)
    status = change_with(my, SQL_RUNS_DELETE, id);
  return status == FARSIDE_OK ? change_with(my, SQL_WORK_DELETE, id) : status;
}

static farside_status prune_later(far_sqlite *my, int64_t id, int64_t now_ms) {
  query q = ask(my, SQL_PRUNE_LATER);
  give(&q, id);
  give(&q, now_ms + LATER_MS);
  return change(&q);
}

// Classes that nobody is ready in: kinds come and go with the versions of an
// app. A few at a time.
static farside_status sweep_classes(far_sqlite *my) {
  query q = ask(my, SQL_CLASS_SWEPT);
  give(&q, my->class_swept);
  farside_status status = next(&q);
  int64_t swept = status == FARSIDE_OK ? sqlite3_column_int64(q.stmt, 0) : 0;
  end(&q);
  if (status == FARSIDE_OK && swept > 0)
    status = change_with(my, SQL_CLASS_SWEEP, my->class_swept);
  my->class_swept = swept;
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

// The next one behind `find`; `*is_last` where there is none.
static farside_status prune_next(far_sqlite *my, far_find *find, int64_t *count,
                                 bool *is_last) {
  int64_t id;
  farside_status status = next_id(my, SQL_FIND_PRUNABLE, find, &id);
  *is_last = status != FARSIDE_OK;
  if (status != FARSIDE_OK)
    return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
  bool is_waited = false;
  int64_t prune_ms = 0;
  status = is_waited_for(my, id, &is_waited, &prune_ms);
  if (status != FARSIDE_OK)
    return status;
  if (!is_waited) {
    *count += 1;
    return delete_work(my, id);
  }
  // At no time of day there is no later: it is passed over.
  if (find->until_ms == INT64_MAX) {
    find->has_begun = true;
    find->at = prune_ms;
    find->at_id = id;
    return FARSIDE_OK;
  }
  return prune_later(my, id, find->until_ms);
}

static farside_status prune(far_store *store, const char *script,
                            int64_t now_ms, int64_t most, int64_t *count) {
  far_sqlite *my = of(store);
  far_assert(my->is_open);
  far_find find = {.script = script, .until_ms = now_ms};
  farside_status status = FARSIDE_OK;
  bool is_last = false;
  *count = 0;
  while (status == FARSIDE_OK && !is_last && *count < most)
    status = prune_next(my, &find, count, &is_last);
  return status == FARSIDE_OK ? sweep_classes(my) : status;
}

// -- Values -------------------------------------------------------------------

far_sum far_sqlite_value_sum(const char *script, const char *key,
                             size_t key_bytes, const void *json, size_t bytes) {
  far_sum sum = sum_text(0, script);
  sum = far_sum_bytes(sum, key, key_bytes);
  return far_sum_bytes(sum, json, bytes);
}

static farside_status value_get(far_store *store, const char *script,
                                const char *key, size_t key_bytes, char **json,
                                size_t *bytes) {
  far_sqlite *my = of(store);
  query q = ask(my, SQL_VALUE_GET);
  give_text(&q, script);
  give_key(&q, key, key_bytes);
  *json = NULL;
  *bytes = 0;
  farside_status status = next(&q);
  if (status == FARSIDE_OK) {
    const void *text = sqlite3_column_text(q.stmt, 0);
    size_t length = (size_t)sqlite3_column_bytes(q.stmt, 0);
    if (text == NULL)
      status = out_of_memory(my);
    else if (!is_sum(
                 q.stmt, 1,
                 far_sqlite_value_sum(script, key, key_bytes, text, length)))
      status = say(my, FARSIDE_CORRUPT,
                   "it is damaged (a value is not what was written)");
    else if ((*json = copy_of(store->memory, text, length)) == NULL)
      status = out_of_memory(my);
    else
      *bytes = length;
  }
  end(&q);
  return status;
}

static farside_status value_set(far_store *store, const char *script,
                                const char *key, size_t key_bytes,
                                const char *json, size_t bytes) {
  far_sqlite *my = of(store);
  far_assert(my->is_open);
  query q = ask(my, SQL_VALUE_SET);
  give_text(&q, script);
  give_key(&q, key, key_bytes);
  give_json(&q, json, bytes);
  give_sum(&q, far_sqlite_value_sum(script, key, key_bytes, json, bytes));
  return change(&q);
}

static farside_status value_remove(far_store *store, const char *script,
                                   const char *key, size_t key_bytes) {
  far_sqlite *my = of(store);
  far_assert(my->is_open);
  query q = ask(my, SQL_VALUE_REMOVE);
  give_text(&q, script);
  give_key(&q, key, key_bytes);
  return change(&q);
}

static farside_status value_clear(far_store *store, const char *script) {
  far_sqlite *my = of(store);
  far_assert(my->is_open);
  query q = ask(my, SQL_VALUE_CLEAR);
  give_text(&q, script);
  return change(&q);
}

static farside_status value_next(far_store *store, const char *script,
                                 const char *prefix, size_t prefix_bytes,
                                 char **key, size_t *key_bytes) {
  far_sqlite *my = of(store);
  query q = ask(my, *key == NULL ? SQL_VALUE_FROM : SQL_VALUE_BEHIND);
  give_text(&q, script);
  if (*key == NULL)
    give_key(&q, prefix, prefix_bytes);
  else
    give_key(&q, *key, *key_bytes);
  farside_status status = next(&q);
  char *found = NULL;
  size_t bytes = 0;
  if (status == FARSIDE_OK) {
    const void *blob = sqlite3_column_blob(q.stmt, 0);
    bytes = (size_t)sqlite3_column_bytes(q.stmt, 0);
    if (bytes < prefix_bytes ||
        (prefix_bytes > 0 && memcmp(blob, prefix, prefix_bytes) != 0))
      status = FARSIDE_NOWORK;
    else if ((found = copy_of(store->memory, blob, bytes)) == NULL)
      status = out_of_memory(my);
  }
  end(&q);
  if (*key != NULL)
    far_free(store->memory, *key, *key_bytes + 1);
  *key = found;
  *key_bytes = found ? bytes : 0;
  return status;
}

static farside_status value_bytes(far_store *store, const char *script,
                                  int64_t *bytes) {
  query q = ask(of(store), SQL_VALUE_BYTES);
  give_text(&q, script);
  farside_status status = next(&q);
  *bytes = status == FARSIDE_OK ? sqlite3_column_int64(q.stmt, 0) : 0;
  end(&q);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static farside_status number_get(far_store *store, const char *name,
                                 int64_t *number) {
  far_sqlite *my = of(store);
  query q = ask(my, SQL_NUMBER_GET);
  give_text(&q, name);
  farside_status status = next(&q);
  *number = status == FARSIDE_OK ? sqlite3_column_int64(q.stmt, 0) : 0;
  if (status == FARSIDE_OK &&
      !is_sum(q.stmt, 1, far_sum_number(sum_text(0, name), *number)))
    status = say(my, FARSIDE_CORRUPT,
                 "it is damaged (a number is not what was written)");
  end(&q);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static farside_status number_set(far_store *store, const char *name,
                                 int64_t number) {
  far_sqlite *my = of(store);
  far_assert(my->is_open);
  query q = ask(my, SQL_NUMBER_SET);
  give_text(&q, name);
  give(&q, number);
  give_sum(&q, far_sum_number(sum_text(0, name), number));
  return change(&q);
}

// -- Idle ---------------------------------------------------------------------

enum {
  // Pages that hold nothing are given back to the disk when there are so many,
  // and at most so many at a time.
  SPARE_PAGES = 256,
  SHRINK_PAGES = 256
};

static int64_t pragma_number(far_sqlite *my, const char *pragma) {
  sqlite3_stmt *stmt = NULL;
  int64_t number = 0;
  if (sqlite3_prepare_v2(my->db, pragma, -1, &stmt, NULL) == SQLITE_OK &&
      sqlite3_step(stmt) == SQLITE_ROW)
    number = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return number;
}

static void shrink(far_sqlite *my) {
  if (pragma_number(my, "PRAGMA freelist_count") < SPARE_PAGES)
    return;
  char text[64];
  snprintf(text, sizeof text, "PRAGMA incremental_vacuum(%d)", SHRINK_PAGES);
  sqlite3_exec(my->db, text, NULL, NULL, NULL);
  my->is_dirty = true;
}

static void idle(far_store *store) {
  far_sqlite *my = of(store);
  if (my->db == NULL || my->path == NULL || my->is_readonly || my->is_open ||
      !my->is_dirty)
    return;
  my->is_dirty = false;
  shrink(my);
  // What cannot be done now is done the next time.
  if (sqlite3_wal_checkpoint_v2(my->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                NULL) != SQLITE_OK)
    my->is_dirty = true;
}

// -- The table ----------------------------------------------------------------

static farside_status recover(far_store *store, char *report, size_t bytes) {
  return far_sqlite_recover(of(store), report, bytes);
}

static void close_store(far_store *store) {
  far_sqlite *my = of(store);
  far_assert(my->pid == getpid());
  abandon(my);
  idle(store);
  far_sqlite_disconnect(my, false);
  far_owner_release(&my->owner);
  far_memory *memory = store->memory;
  far_string_free(memory, my->path);
  far_string_free(memory, my->vfs);
  far_free(memory, my, sizeof *my);
}

// Fills what was opened, so that it is a store.
static void fill(far_store *store) {
  *store = (far_store){
      .error = error,
      .begin = begin,
      .commit = commit,
      .rollback = rollback,
      .is_open = is_open,
      .mark = mark,
      .undo = undo,
      .keep = keep,
      .insert = insert,
      .load = load,
      .save = save,
      .save_run = save_run,
      .checkpoint = checkpoint,
      .progress = progress,
      .find = find,
      .next_class = next_class,
      .next_due = next_due,
      .last_tag = last_tag,
      .count = count,
      .parents = parents,
      .run_begin = run_begin,
      .run_end = run_end,
      .run_before = run_before,
      .prune = prune,
      .value_get = value_get,
      .value_set = value_set,
      .value_remove = value_remove,
      .value_clear = value_clear,
      .value_next = value_next,
      .value_bytes = value_bytes,
      .number_get = number_get,
      .number_set = number_set,
      .idle = idle,
      .recover = recover,
      .close = close_store,
      .memory = store->memory,
  };
}

static const int64_t BYTES_MAX = 1024 * 1024 * 1024;

farside_status far_store_open_sqlite(far_memory *memory,
                                     const far_store_config *config,
                                     far_store **store, char *error,
                                     size_t bytes) {
  *store = NULL;
  error[0] = '\0';
  far_sqlite *my = far_new(memory, sizeof *my);
  if (my == NULL) {
    snprintf(error, bytes, "there is not enough memory");
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
    status = out_of_memory(my);
  if (status == FARSIDE_OK && config->path != NULL)
    status = far_sqlite_locate(my, config->path);
  if (status == FARSIDE_OK)
    status = far_sqlite_connect(my);
  snprintf(error, bytes, "%s", my->error);
  if (status == FARSIDE_OK)
    *store = &my->store;
  else
    close_store(&my->store);
  return status;
}
