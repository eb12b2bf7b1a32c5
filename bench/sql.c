#include "sql.h"

#include "bench.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

// -- What is written down -----------------------------------------------------

typedef enum kind {
  KIND_MARK,
  KIND_EXEC,    // Its text.
  KIND_PREPARE, // Of a text, with flags.
  KIND_FINALIZE,
  KIND_NULL,
  KIND_NUMBER,
  KIND_TEXT,
  KIND_BLOB,
  KIND_STEP, // Its answer.
  KIND_RESET
} kind;

typedef struct entry {
  kind what;
  int statement; // Which, in the order in which they were prepared.
  int at;        // Which parameter.
  int64_t number;
  size_t text, bytes; // Where in `texts`.
} entry;

enum { LIVE_MAX = 256 };

static bool is_recording;
static entry *entries;
static size_t count, capacity;
static char *texts;
static size_t texts_used, texts_capacity;
static struct {
  sqlite3_stmt *stmt;
  int statement;
} live[LIVE_MAX];
static int live_count, prepared_count;
static sqlite3_stmt *commit_stmt;

bench_sql_counts bench_sql_counted;

static void *grown(void *block, size_t bytes) {
  block = realloc(block, bytes);
  if (block == NULL)
    bench_fail("what SQLite is told", "no memory");
  return block;
}

static size_t kept(const char *text, size_t bytes) {
  if (texts_used + bytes + 1 > texts_capacity) {
    texts_capacity = 2 * (texts_capacity + bytes + 1);
    texts = grown(texts, texts_capacity);
  }
  size_t at = texts_used;
  if (bytes > 0)
    memcpy(texts + at, text, bytes);
  texts[at + bytes] = '\0';
  texts_used += bytes + 1;
  return at;
}

static void add(entry one, const char *text) {
  if (text != NULL)
    one.text = kept(text, one.bytes);
  if (count == capacity) {
    capacity = capacity ? 2 * capacity : 1024;
    entries = grown(entries, capacity * sizeof *entries);
  }
  entries[count++] = one;
}

// The newest comes first: an address may be used again.
static int number_of(const sqlite3_stmt *stmt) {
  for (int i = live_count; i-- > 0;)
    if (live[i].stmt == stmt)
      return live[i].statement;
  bench_fail("what SQLite is told", "a statement of before");
}

static void add_value(sqlite3_stmt *stmt, kind what, int at, int64_t number,
                      const char *text, size_t bytes) {
  if (is_recording)
    add((entry){.what = what,
                .statement = number_of(stmt),
                .at = at,
                .number = number,
                .bytes = bytes},
        text);
}

// -- What the host calls ------------------------------------------------------

// __wrap_x is what the linker makes of a call of x, and __real_x is x.
int __real_sqlite3_exec(sqlite3 *db, const char *text,
                        int (*each)(void *, int, char **, char **), void *user,
                        char **error);
int __wrap_sqlite3_exec(sqlite3 *db, const char *text,
                        int (*each)(void *, int, char **, char **), void *user,
                        char **error);
int __real_sqlite3_prepare_v3(sqlite3 *db, const char *text, int bytes,
                              unsigned flags, sqlite3_stmt **stmt,
                              const char **behind);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *text, int bytes,
                              unsigned flags, sqlite3_stmt **stmt,
                              const char **behind);
int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *text, int bytes,
                              sqlite3_stmt **stmt, const char **behind);
int __real_sqlite3_finalize(sqlite3_stmt *stmt);
int __wrap_sqlite3_finalize(sqlite3_stmt *stmt);
int __real_sqlite3_bind_null(sqlite3_stmt *stmt, int at);
int __wrap_sqlite3_bind_null(sqlite3_stmt *stmt, int at);
int __real_sqlite3_bind_int64(sqlite3_stmt *stmt, int at, sqlite3_int64 number);
int __wrap_sqlite3_bind_int64(sqlite3_stmt *stmt, int at, sqlite3_int64 number);
int __real_sqlite3_bind_text(sqlite3_stmt *stmt, int at, const char *text,
                             int bytes, void (*freed)(void *));
int __wrap_sqlite3_bind_text(sqlite3_stmt *stmt, int at, const char *text,
                             int bytes, void (*freed)(void *));
int __real_sqlite3_bind_text64(sqlite3_stmt *stmt, int at, const char *text,
                               sqlite3_uint64 bytes, void (*freed)(void *),
                               unsigned char encoding);
int __wrap_sqlite3_bind_text64(sqlite3_stmt *stmt, int at, const char *text,
                               sqlite3_uint64 bytes, void (*freed)(void *),
                               unsigned char encoding);
int __real_sqlite3_bind_blob64(sqlite3_stmt *stmt, int at, const void *blob,
                               sqlite3_uint64 bytes, void (*freed)(void *));
int __wrap_sqlite3_bind_blob64(sqlite3_stmt *stmt, int at, const void *blob,
                               sqlite3_uint64 bytes, void (*freed)(void *));
int __real_sqlite3_step(sqlite3_stmt *stmt);
int __wrap_sqlite3_step(sqlite3_stmt *stmt);
int __real_sqlite3_reset(sqlite3_stmt *stmt);
int __wrap_sqlite3_reset(sqlite3_stmt *stmt);

int __wrap_sqlite3_exec(sqlite3 *db, const char *text,
                        int (*each)(void *, int, char **, char **), void *user,
                        char **error) {
  if (is_recording)
    add((entry){.what = KIND_EXEC, .bytes = strlen(text)}, text);
  bench_sql_counted.statements++;
  return __real_sqlite3_exec(db, text, each, user, error);
}

int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *text, int bytes,
                              unsigned flags, sqlite3_stmt **stmt,
                              const char **behind) {
  int code = __real_sqlite3_prepare_v3(db, text, bytes, flags, stmt, behind);
  if (code == SQLITE_OK && strcmp(text, "COMMIT") == 0)
    commit_stmt = *stmt;
  if (!is_recording || code != SQLITE_OK)
    return code;
  if (live_count == LIVE_MAX)
    bench_fail("what SQLite is told", "too many statements");
  live[live_count].stmt = *stmt;
  live[live_count++].statement = prepared_count;
  add((entry){.what = KIND_PREPARE,
              .statement = prepared_count++,
              .number = flags,
              .bytes = strlen(text)},
      text);
  return code;
}

int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *text, int bytes,
                              sqlite3_stmt **stmt, const char **behind) {
  return __wrap_sqlite3_prepare_v3(db, text, bytes, 0, stmt, behind);
}

int __wrap_sqlite3_finalize(sqlite3_stmt *stmt) {
  if (stmt != NULL)
    add_value(stmt, KIND_FINALIZE, 0, 0, NULL, 0);
  for (int i = 0; i < live_count; i++)
    if (live[i].stmt == stmt)
      live[i--] = live[--live_count];
  return __real_sqlite3_finalize(stmt);
}

int __wrap_sqlite3_bind_null(sqlite3_stmt *stmt, int at) {
  add_value(stmt, KIND_NULL, at, 0, NULL, 0);
  return __real_sqlite3_bind_null(stmt, at);
}

int __wrap_sqlite3_bind_int64(sqlite3_stmt *stmt, int at,
                              sqlite3_int64 number) {
  add_value(stmt, KIND_NUMBER, at, number, NULL, 0);
  return __real_sqlite3_bind_int64(stmt, at, number);
}

int __wrap_sqlite3_bind_text(sqlite3_stmt *stmt, int at, const char *text,
                             int bytes, void (*freed)(void *)) {
  if (is_recording && text != NULL)
    add_value(stmt, KIND_TEXT, at, 0, text, strlen(text));
  else
    add_value(stmt, KIND_NULL, at, 0, NULL, 0);
  return __real_sqlite3_bind_text(stmt, at, text, bytes, freed);
}

int __wrap_sqlite3_bind_text64(sqlite3_stmt *stmt, int at, const char *text,
                               sqlite3_uint64 bytes, void (*freed)(void *),
                               unsigned char encoding) {
  add_value(stmt, KIND_TEXT, at, 0, text, bytes);
  return __real_sqlite3_bind_text64(stmt, at, text, bytes, freed, encoding);
}

int __wrap_sqlite3_bind_blob64(sqlite3_stmt *stmt, int at, const void *blob,
                               sqlite3_uint64 bytes, void (*freed)(void *)) {
  add_value(stmt, KIND_BLOB, at, 0, blob, bytes);
  return __real_sqlite3_bind_blob64(stmt, at, blob, bytes, freed);
}

static int step(sqlite3_stmt *stmt, bool is_commit) {
  int code = __real_sqlite3_step(stmt);
  bench_sql_counted.statements++;
  if (is_commit) {
    bench_sql_counted.commits++;
    bench_sql_counted.committed_ns = bench_now_ns();
    bench_sql_counted.committed_cpu_ns = bench_cpu_ns();
  }
  return code;
}

int __wrap_sqlite3_step(sqlite3_stmt *stmt) {
  int code = step(stmt, stmt == commit_stmt);
  add_value(stmt, KIND_STEP, 0, code, NULL, 0);
  return code;
}

int __wrap_sqlite3_reset(sqlite3_stmt *stmt) {
  add_value(stmt, KIND_RESET, 0, 0, NULL, 0);
  return __real_sqlite3_reset(stmt);
}

// -- What the measurements call -----------------------------------------------

void bench_sql_mark(void) {
  bench_sql_counted = (bench_sql_counts){.marked_ns = bench_now_ns(),
                                         .marked_cpu_ns = bench_cpu_ns()};
  if (is_recording)
    add((entry){.what = KIND_MARK}, NULL);
}

void bench_sql_record(void) {
  is_recording = true;
}

void bench_sql_record_stop(void) {
  is_recording = false;
}

// As the host does: every column of a row.
static void read_row(sqlite3_stmt *stmt) {
  for (int i = 0, columns = sqlite3_column_count(stmt); i < columns; i++) {
    if (sqlite3_column_type(stmt, i) == SQLITE_INTEGER)
      bench_sql_counted.sum += (uint64_t)sqlite3_column_int64(stmt, i);
    else if (sqlite3_column_text(stmt, i) != NULL)
      bench_sql_counted.sum += (uint64_t)sqlite3_column_bytes(stmt, i);
  }
}

static int tell(sqlite3 *db, const entry *one, sqlite3_stmt **stmt,
                sqlite3_stmt **commit) {
  const char *text = texts + one->text;
  int code = SQLITE_OK;
  switch (one->what) {
  case KIND_EXEC:
    bench_sql_counted.statements++;
    return __real_sqlite3_exec(db, text, NULL, NULL, NULL);
  case KIND_PREPARE:
    code = __real_sqlite3_prepare_v3(db, text, -1, (unsigned)one->number, stmt,
                                     NULL);
    if (strcmp(text, "COMMIT") == 0)
      *commit = *stmt;
    return code;
  case KIND_FINALIZE:
    return __real_sqlite3_finalize(*stmt);
  case KIND_NULL:
    return __real_sqlite3_bind_null(*stmt, one->at);
  case KIND_NUMBER:
    return __real_sqlite3_bind_int64(*stmt, one->at, one->number);
  case KIND_TEXT:
    return __real_sqlite3_bind_text64(*stmt, one->at, text, one->bytes,
                                      SQLITE_STATIC, SQLITE_UTF8);
  case KIND_BLOB:
    return __real_sqlite3_bind_blob64(*stmt, one->at, text, one->bytes,
                                      SQLITE_STATIC);
  case KIND_STEP:
    code = step(*stmt, *stmt == *commit);
    if (code == SQLITE_ROW)
      read_row(*stmt);
    return code == (int)one->number ? SQLITE_OK : SQLITE_ERROR;
  case KIND_RESET:
    return __real_sqlite3_reset(*stmt);
  case KIND_MARK:
    break;
  }
  return SQLITE_OK;
}

static sqlite3 *opened(const char *path) {
  sqlite3 *db = NULL;
  int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK)
    bench_fail(path, "cannot be opened");
  return db;
}

void bench_sql_replay(const char *path) {
  sqlite3_stmt **stmts = calloc((size_t)prepared_count, sizeof *stmts);
  if (stmts == NULL)
    bench_fail("what SQLite is told", "no memory");
  sqlite3 *db = opened(path);
  sqlite3_stmt *commit = NULL;
  for (size_t i = 0; i < count; i++) {
    if (entries[i].what == KIND_MARK) {
      bench_sql_mark();
    } else if (tell(db, &entries[i], &stmts[entries[i].statement], &commit) !=
               SQLITE_OK) {
      bench_fail("what SQLite is told", sqlite3_errmsg(db));
    }
  }
  bench_sql_counts counts = bench_sql_counted;
  for (sqlite3_stmt *stmt; (stmt = sqlite3_next_stmt(db, NULL)) != NULL;)
    __real_sqlite3_finalize(stmt);
  if (sqlite3_close(db) != SQLITE_OK)
    bench_fail(path, "cannot be closed");
  free(stmts);
  bench_sql_counted = counts;
}

int64_t bench_sql_number(const char *path, const char *query) {
  sqlite3 *db = opened(path);
  sqlite3_stmt *stmt = NULL;
  if (__real_sqlite3_prepare_v3(db, query, -1, 0, &stmt, NULL) != SQLITE_OK ||
      __real_sqlite3_step(stmt) != SQLITE_ROW)
    bench_fail(query, sqlite3_errmsg(db));
  int64_t number = sqlite3_column_int64(stmt, 0);
  __real_sqlite3_finalize(stmt);
  sqlite3_close(db);
  return number;
}
