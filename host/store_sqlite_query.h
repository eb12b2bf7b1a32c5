// Queries: the SQL of a store, and how its statements are used.
//
// Every statement stands in one table, is prepared when it is first used and
// kept. What goes wrong while values are given is kept until the rows are asked
// for, so that a verb reads from top to bottom:
//
//   far_query q = far_ask(my, FAR_SQL_NUMBER_GET);
//   far_give_text(&q, name);
//   farside_status status = far_next(&q);
//   ...
//   far_end(&q);
#ifndef FAR_STORE_SQLITE_QUERY_H
#define FAR_STORE_SQLITE_QUERY_H

#include "store.h"

#include <sqlite3.h>

typedef struct far_sqlite far_sqlite;

// The columns of works, between its id and what only the store knows.
// TEXT(column, field), NUMBER(type, column, field).
#define FAR_COLUMN_MAP(TEXT, NUMBER)                                           \
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

typedef enum far_sql {
  FAR_SQL_BEGIN,
  FAR_SQL_COMMIT,
  FAR_SQL_MARK,
  FAR_SQL_UNDO,
  FAR_SQL_KEEP,

  FAR_SQL_LAST_ID,
  FAR_SQL_WORK_INSERT,
  FAR_SQL_WORK_LOAD,
  FAR_SQL_WORK_LOOK,
  FAR_SQL_WORK_SAVE,
  FAR_SQL_WORK_SAVE_RUN,
  FAR_SQL_WORK_DELETE,
  FAR_SQL_FENCE,

  FAR_SQL_TEXTS_LOAD,
  FAR_SQL_TEXT_LOAD,
  FAR_SQL_TEXT_PUT,
  FAR_SQL_TEXT_DELETE,
  FAR_SQL_TEXTS_DELETE,
  FAR_SQL_TEXTS_FORGET,

  FAR_SQL_TAG_INSERT,
  FAR_SQL_TAG_DELETE,
  FAR_SQL_EDGE_INSERT,
  FAR_SQL_EDGE_DELETE,
  FAR_SQL_EDGES_DELETE,

  FAR_SQL_FIND_WAITING,
  FAR_SQL_FIND_READY,
  FAR_SQL_FIND_RUNNING,
  FAR_SQL_FIND_OVERDUE,
  FAR_SQL_FIND_UNIQUE,
  FAR_SQL_FIND_CHILDREN,
  FAR_SQL_FIND_RELATIVE,
  FAR_SQL_FIND_PRUNABLE,
  FAR_SQL_FILTER_ANY, // And three more, each with its reverse behind it.
  FAR_SQL_FILTER_ANY_DOWN,
  FAR_SQL_FILTER_STATE,
  FAR_SQL_FILTER_STATE_DOWN,
  FAR_SQL_FILTER_UNIQUE,
  FAR_SQL_FILTER_UNIQUE_DOWN,
  FAR_SQL_FILTER_TAG,
  FAR_SQL_FILTER_TAG_DOWN,

  FAR_SQL_CLASS_FIND,
  FAR_SQL_CLASS_INSERT,
  FAR_SQL_CLASS_NEXT,
  FAR_SQL_CLASS_LOAD,
  FAR_SQL_CLASS_SWEEP,
  FAR_SQL_CLASS_SWEPT,

  FAR_SQL_NEXT_DUE,
  FAR_SQL_LAST_TAG,
  FAR_SQL_COUNT,
  FAR_SQL_COUNT_ALL,

  FAR_SQL_RUN_INSERT,
  FAR_SQL_RUN_TRIM,
  FAR_SQL_RUN_END,
  FAR_SQL_RUN_BEFORE,
  FAR_SQL_RUNS_DELETE,
  FAR_SQL_PRUNE_WAITED,
  FAR_SQL_PRUNE_LATER,

  FAR_SQL_VALUE_GET,
  FAR_SQL_VALUE_SET,
  FAR_SQL_VALUE_REMOVE,
  FAR_SQL_VALUE_CLEAR,
  FAR_SQL_VALUE_FROM,
  FAR_SQL_VALUE_BEHIND,
  FAR_SQL_VALUE_BYTES,
  FAR_SQL_NUMBER_GET,
  FAR_SQL_NUMBER_SET,
  FAR_SQL_STATEMENTS
} far_sql;

// -- What fails ---------------------------------------------------------------

// Says what SQLite says, with the name of the file, and which status that is.
// `doing` is a word: "opening".
farside_status far_sqlite_fail(far_sqlite *my, int code, const char *doing);

// Says a sentence, likewise; returns the status.
farside_status far_sqlite_say(far_sqlite *my, farside_status status,
                              const char *sentence);

// Three that are often said. `what` is what `id` belongs to: "unit".
farside_status far_sqlite_no_memory(far_sqlite *my);
farside_status far_sqlite_closed(far_sqlite *my);
farside_status far_sqlite_damaged(far_sqlite *my, const char *what, int64_t id);

// Whether SQLite has just refused SQL because a table is not there.
bool far_sqlite_lacks_table(far_sqlite *my);

// Ends a transaction, if there is one, as if it had never been.
void far_sqlite_abandon(far_sqlite *my);

// -- Statements ---------------------------------------------------------------

typedef struct far_query {
  far_sqlite *my;
  sqlite3_stmt *stmt;
  int code;
  int at; // The last parameter that was given.
} far_query;

far_query far_ask(far_sqlite *my, far_sql which);

// The next parameter. What is pointed at must live until far_end() or
// far_write().
void far_give(far_query *q, int64_t number);
void far_give_null(far_query *q);
void far_give_text(far_query *q, const char *text); // NULL is the NULL of SQL.
void far_give_json(far_query *q, const char *json, size_t bytes);
void far_give_key(far_query *q, const char *key, size_t bytes);

// The next row. FARSIDE_NOWORK behind the last.
farside_status far_next(far_query *q);

// Ends it, so that no read of the file is left open. Once for every far_ask().
void far_end(far_query *q);

// Carries out what writes, and ends it. When it fails the transaction is over.
farside_status far_write(far_query *q);
farside_status far_carry_out(far_query *q, const char *doing);

// -- Sums ---------------------------------------------------------------------

// Over the fields of a row, one after the other. Every row holds one, because
// SQLite notices a page that makes no sense, but not a bit that has changed
// within a value.
typedef uint64_t far_sum;

far_sum far_sum_number(far_sum sum, int64_t number);
far_sum far_sum_bytes(far_sum sum, const void *bytes, size_t count);
far_sum far_sum_text(far_sum sum, const char *text); // NULL is a text.
void far_give_sum(far_query *q, far_sum sum);
bool far_is_sum(sqlite3_stmt *stmt, int column, far_sum sum);

// -- Rows, column by column ---------------------------------------------------

typedef struct far_row {
  sqlite3_stmt *stmt;
  far_memory *memory;
  int at; // The next column.
  far_sum sum;
  bool is_short; // Of memory.
  bool is_false; // A column is not what it can be.
} far_row;

int64_t far_take(far_row *from);
char *far_take_text(far_row *from);
void far_take_sum(far_row *from);

// A copy of a block, with a NUL behind it. NULL when memory is short.
char *far_copy_of(far_memory *memory, const void *bytes, size_t count);

#endif
