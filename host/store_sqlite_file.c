// Opens the file of a store: whose it is, whether it is whole, how SQLite is
// set, and how an older file becomes one of today.

#include "store_sqlite.h"

#include "far_assert.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// -- Layout -------------------------------------------------------------------

// What is here is in files: it never changes. Another layout is another step,
// and a new file takes all of them, so every step is taken in every test.
static const char WORKS[] =
    "CREATE TABLE works("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " script TEXT NOT NULL,"
    " kind TEXT NOT NULL,"
    " unique_name TEXT,"
    " group_name TEXT,"
    " tags TEXT,"
    " needs INTEGER NOT NULL CHECK (needs >= 0),"
    " priority INTEGER NOT NULL,"
    " expedite INTEGER NOT NULL,"
    " on_parent_fail INTEGER NOT NULL,"
    " keep_ms INTEGER NOT NULL,"
    " timeout_ms INTEGER NOT NULL,"
    " retry_max INTEGER NOT NULL,"
    " retry_base_ms INTEGER NOT NULL,"
    " retry_cap_ms INTEGER NOT NULL,"
    " backoff INTEGER NOT NULL,"
    " jitter_permille INTEGER NOT NULL,"
    " crashes_max INTEGER NOT NULL,"
    " every_ms INTEGER NOT NULL,"
    " flex_ms INTEGER NOT NULL,"
    " base_ms INTEGER NOT NULL,"
    " cron TEXT,"
    " zone TEXT,"
    " missed INTEGER NOT NULL,"
    " slot_ms INTEGER NOT NULL,"
    " slots_left INTEGER NOT NULL,"
    " slots_missed INTEGER NOT NULL,"
    " enqueued_ms INTEGER NOT NULL,"
    " run_at_ms INTEGER NOT NULL,"
    " delay_ms INTEGER NOT NULL,"
    " deadline_ms INTEGER NOT NULL,"
    " state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5)," // far_work_state
    " reason INTEGER NOT NULL CHECK (reason >= 0),"          // far_reason
    " why TEXT,"
    " since_ms INTEGER NOT NULL,"
    " token INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL,"
    " crashes INTEGER NOT NULL,"
    " stops INTEGER NOT NULL,"
    " runs INTEGER NOT NULL,"
    " generation INTEGER NOT NULL,"
    " parents INTEGER NOT NULL,"
    " tag INTEGER NOT NULL,"
    " rank INTEGER NOT NULL,"
    // Bits of the texts that it has, a checkpoint and progress aside.
    " parts INTEGER NOT NULL,"
    // Of those that are ready: only they have one.
    " class INTEGER CHECK (class IS NULL OR state = 0),"
    // Of those that have ended: when nobody needs them any more.
    " prune_ms INTEGER,"
    " sum INTEGER NOT NULL"
    ") STRICT;";

static const char INDEXES[] =
    "CREATE INDEX ready ON works(class, rank) WHERE class IS NOT NULL;"
    "CREATE INDEX ready_groups ON works(script, group_name, tag)"
    " WHERE class IS NOT NULL;"
    "CREATE INDEX waiting ON works(run_at_ms)"
    " WHERE state = 0 AND class IS NULL;"
    "CREATE INDEX relative ON works(id) WHERE state < 3 AND (deadline_ms > 0"
    " OR (state = 0 AND class IS NULL AND delay_ms > 0));"
    "CREATE INDEX overdue ON works(deadline_ms)"
    " WHERE state IN (0, 2) AND deadline_ms > 0;"
    "CREATE INDEX live ON works(script, unique_name)"
    " WHERE unique_name IS NOT NULL AND state < 3;"
    "CREATE INDEX uniques ON works(unique_name)"
    " WHERE unique_name IS NOT NULL;"
    "CREATE INDEX prunable ON works(prune_ms) WHERE prune_ms IS NOT NULL;"
    "CREATE INDEX states ON works(state);";

static const char TABLES[] =
    // id is works.id * 8 + which text.
    "CREATE TABLE texts("
    " id INTEGER PRIMARY KEY,"
    " json TEXT NOT NULL,"
    " sum INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE edges("
    " parent INTEGER NOT NULL,"
    " child INTEGER NOT NULL,"
    " PRIMARY KEY (parent, child)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE tags("
    " name TEXT NOT NULL,"
    " work INTEGER NOT NULL,"
    " PRIMARY KEY (name, work)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE classes("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " script TEXT NOT NULL,"
    " kind TEXT NOT NULL,"
    " needs INTEGER NOT NULL,"
    " is_expedited INTEGER NOT NULL,"
    " UNIQUE (script, kind, needs, is_expedited)"
    ") STRICT;"

    "CREATE TABLE runs("
    " work INTEGER NOT NULL,"
    " token INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL,"
    " slot_ms INTEGER NOT NULL,"
    " begun_ms INTEGER NOT NULL,"
    " ended_ms INTEGER NOT NULL,"
    " outcome INTEGER NOT NULL CHECK (outcome >= 0)," // far_run_end
    " why TEXT,"
    " sum INTEGER NOT NULL,"
    " PRIMARY KEY (work, token)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE storage("
    " id INTEGER PRIMARY KEY,"
    " script TEXT NOT NULL,"
    " key BLOB NOT NULL,"
    " json TEXT NOT NULL,"
    " sum INTEGER NOT NULL,"
    " UNIQUE (script, key)"
    ") STRICT;"

    "CREATE TABLE numbers("
    " name TEXT PRIMARY KEY NOT NULL,"
    " number INTEGER NOT NULL,"
    " sum INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    // Of each script: units of a state, and for -1 the bytes of its values.
    "CREATE TABLE totals("
    " script TEXT NOT NULL,"
    " what INTEGER NOT NULL,"
    " n INTEGER NOT NULL,"
    " PRIMARY KEY (script, what)"
    ") STRICT, WITHOUT ROWID;";

static const char TRIGGERS[] =
    "CREATE TRIGGER works_inserted AFTER INSERT ON works BEGIN"
    " INSERT INTO totals VALUES (new.script, new.state, 1)"
    " ON CONFLICT(script, what) DO UPDATE SET n = n + 1;"
    "END;"
    "CREATE TRIGGER works_deleted AFTER DELETE ON works BEGIN"
    " UPDATE totals SET n = n - 1"
    " WHERE script = old.script AND what = old.state;"
    "END;"
    "CREATE TRIGGER works_moved AFTER UPDATE OF state ON works"
    " WHEN old.state <> new.state BEGIN"
    " UPDATE totals SET n = n - 1"
    " WHERE script = old.script AND what = old.state;"
    " INSERT INTO totals VALUES (new.script, new.state, 1)"
    " ON CONFLICT(script, what) DO UPDATE SET n = n + 1;"
    "END;"
    "CREATE TRIGGER storage_inserted AFTER INSERT ON storage BEGIN"
    " INSERT INTO totals VALUES (new.script, -1,"
    " length(new.key) + length(CAST(new.json AS BLOB)))"
    " ON CONFLICT(script, what) DO UPDATE SET n = n + excluded.n;"
    "END;"
    "CREATE TRIGGER storage_deleted AFTER DELETE ON storage BEGIN"
    " UPDATE totals"
    " SET n = n - length(old.key) - length(CAST(old.json AS BLOB))"
    " WHERE script = old.script AND what = -1;"
    "END;"
    "CREATE TRIGGER storage_changed AFTER UPDATE OF json ON storage BEGIN"
    " UPDATE totals SET n = n - length(CAST(old.json AS BLOB))"
    " + length(CAST(new.json AS BLOB))"
    " WHERE script = new.script AND what = -1;"
    "END;";

static const char *const layout_1[] = {WORKS, INDEXES, TABLES, TRIGGERS, NULL};
static const char *const *const steps[] = {layout_1};

enum { VERSION = sizeof steps / sizeof *steps };

// -- Small things -------------------------------------------------------------

// The first number that some SQL yields.
static farside_status number_of(far_sqlite *my, const char *text,
                                int64_t *number) {
  sqlite3_stmt *stmt = NULL;
  int code = sqlite3_prepare_v2(my->db, text, -1, &stmt, NULL);
  if (code == SQLITE_OK)
    code = sqlite3_step(stmt);
  farside_status status = FARSIDE_OK;
  if (code == SQLITE_ROW)
    *number = sqlite3_column_int64(stmt, 0);
  else
    status = far_sqlite_fail(my, code, "opening");
  sqlite3_finalize(stmt);
  return status;
}

static farside_status execute(far_sqlite *my, const char *text) {
  int code = sqlite3_exec(my->db, text, NULL, NULL, NULL);
  return code == SQLITE_OK ? FARSIDE_OK : far_sqlite_fail(my, code, "opening");
}

// Of a file that is to be made: its folder is there. Returns why not, or NULL.
static const char *absolute_new(const char *path, char whole[PATH_MAX]) {
  struct stat found;
  if (lstat(path, &found) == 0)
    return "it is a link that leads nowhere";
  const char *slash = strrchr(path, '/');
  const char *base = slash ? slash + 1 : path;
  if (*base == '\0')
    return "it names no file";
  char folder[PATH_MAX] = ".";
  if (slash != NULL && snprintf(folder, sizeof folder, "%.*s",
                                (int)(base - path), path) >= PATH_MAX)
    return "its path is too long";
  if (realpath(folder, whole) == NULL)
    return strerror(errno);
  size_t used = strlen(whole);
  return (size_t)snprintf(whole + used, PATH_MAX - used, "/%s", base) <
                 PATH_MAX - used
             ? NULL
             : "its path is too long";
}

farside_status far_sqlite_locate(far_sqlite *my, const char *path) {
  char whole[PATH_MAX];
  const char *why = NULL;
  if (realpath(path, whole) == NULL)
    why = errno == ENOENT ? absolute_new(path, whole) : strerror(errno);
  if (why != NULL) {
    snprintf(my->error, sizeof my->error, "%.500s: it cannot be opened: %s",
             path, why);
    return FARSIDE_NOFILE;
  }
  if (far_work_set(my->store.memory, &my->path, whole))
    return FARSIDE_OK;
  snprintf(my->error, sizeof my->error, "there is not enough memory");
  return FARSIDE_NOMEM;
}

// -- Upgrading ----------------------------------------------------------------

farside_status far_sqlite_upgrade(far_sqlite *my,
                                  const char *const *const *list, int version,
                                  int count) {
  far_assert(version <= count);
  if (version == count)
    return FARSIDE_OK;
  farside_status status = execute(my, "BEGIN IMMEDIATE");
  for (int i = version; i < count; i++)
    for (const char *const *text = list[i]; *text != NULL; text++)
      if (status == FARSIDE_OK)
        status = execute(my, *text);
  char text[128];
  snprintf(text, sizeof text,
           "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
           FAR_SQLITE_APPLICATION, count);
  if (status == FARSIDE_OK)
    status = execute(my, text);
  if (status != FARSIDE_OK && my->db != NULL)
    sqlite3_exec(my->db, "ROLLBACK", NULL, NULL, NULL);
  // So that the file itself says what it is, and not only its log: an older
  // Farside must not have to touch it to find out.
  if (status == FARSIDE_OK && my->path != NULL)
    sqlite3_wal_checkpoint_v2(my->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                              NULL);
  return status;
}

// -- Whose file ---------------------------------------------------------------

typedef enum owner_of {
  FILE_NEW,
  FILE_OURS,
  FILE_NEWER,
  FILE_FOREIGN,
  FILE_DAMAGED
} owner_of;

static int64_t big_endian(const unsigned char *bytes) {
  return (int64_t)bytes[0] << 24 | (int64_t)bytes[1] << 16 |
         (int64_t)bytes[2] << 8 | bytes[3];
}

enum { HEADER_BYTES = 112, VERSION_AT = 60, APPLICATION_AT = 68 };

// What the first bytes say; FILE_NEW where the log may know better.
static owner_of read_header(const unsigned char *header, bool was_ours) {
  // A store that was here before has left its side file.
  owner_of other = was_ours ? FILE_DAMAGED : FILE_FOREIGN;
  if (memcmp(header, "SQLite format 3", 16) != 0)
    return other;
  int64_t application = big_endian(header + APPLICATION_AT);
  if (application == FAR_SQLITE_APPLICATION)
    return big_endian(header + VERSION_AT) > VERSION ? FILE_NEWER : FILE_OURS;
  // The list of tables follows: a leaf without cells is empty.
  static const unsigned char leaf = 13;
  bool is_empty = header[100] == leaf && header[103] == 0 && header[104] == 0;
  return application == 0 && is_empty ? FILE_NEW : other;
}

// Read past SQLite, but through the file that it has open: to open one of our
// own and close it would let go of the locks that its owner holds, where that
// is another store in this process.
static farside_status look_at_header(far_sqlite *my, owner_of *whose) {
  sqlite3_file *file = NULL;
  sqlite3_int64 size = 0;
  unsigned char header[HEADER_BYTES] = {0};
  int code =
      sqlite3_file_control(my->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (code == SQLITE_OK)
    code = file->pMethods->xFileSize(file, &size);
  if (code == SQLITE_OK && size > 0)
    code = file->pMethods->xRead(file, header, HEADER_BYTES, 0);
  if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ)
    return far_sqlite_fail(my, code, "opening");
  *whose = size > 0 ? read_header(header, my->owner.is_known) : FILE_NEW;
  return FARSIDE_OK;
}

// What SQLite says, with its log.
static farside_status look_inside(far_sqlite *my, owner_of *whose,
                                  int *version) {
  int64_t application = 0, number = 0, tables = 0, ours = 0;
  farside_status status = number_of(my, "PRAGMA application_id", &application);
  if (status == FARSIDE_OK)
    status = number_of(my, "PRAGMA user_version", &number);
  if (status == FARSIDE_OK)
    status = number_of(my, "SELECT count(*) FROM sqlite_schema", &tables);
  if (status == FARSIDE_OK)
    status = number_of(my,
                       "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
                       " AND name IN ('works', 'texts', 'totals')",
                       &ours);
  *version = (int)number;
  if (application == FAR_SQLITE_APPLICATION)
    *whose = number > VERSION               ? FILE_NEWER
             : (number == 0) == (ours == 3) ? FILE_DAMAGED
                                            : FILE_OURS;
  else if (my->owner.is_known && ours == 3)
    *whose = FILE_DAMAGED;
  else
    *whose = application != 0 || tables != 0 ? FILE_FOREIGN : FILE_NEW;
  return status;
}

static farside_status refuse(far_sqlite *my, owner_of whose) {
  switch (whose) {
  case FILE_NEWER:
    return far_sqlite_say(
        my, FARSIDE_NEWER,
        "a newer version of Farside has written it; it was left as it "
        "is");
  case FILE_FOREIGN:
    return far_sqlite_say(
        my, FARSIDE_NOFILE,
        "it is no store of Farside's, but something else; it was left "
        "as it is");
  case FILE_DAMAGED:
    return far_sqlite_say(my, FARSIDE_CORRUPT,
                          "it is damaged (its first page)");
  default:
    return FARSIDE_OK;
  }
}

// -- Settings -----------------------------------------------------------------

static const char SETTINGS[] =
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA foreign_keys = OFF;"
    // A mapped file that cannot be read would be a signal, not an error.
    "PRAGMA mmap_size = 0;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cache_size = -2048;"
    "PRAGMA secure_delete = FAST;";

enum { LOG_BYTES_MAX = 4 * 1024 * 1024 };

static farside_status expect(far_sqlite *my, const char *pragma,
                             int64_t expected) {
  int64_t number = 0;
  farside_status status = number_of(my, pragma, &number);
  if (status != FARSIDE_OK || number == expected)
    return status;
  char text[128];
  snprintf(text, sizeof text, "%s is %lld, though it was set to %lld", pragma,
           (long long)number, (long long)expected);
  return far_sqlite_say(my, FARSIDE_STORE, text);
}

// A log, or nothing of what the header promises holds.
static farside_status set_log(far_sqlite *my) {
  sqlite3_stmt *stmt = NULL;
  int code =
      sqlite3_prepare_v2(my->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
  if (code == SQLITE_OK)
    code = sqlite3_step(stmt);
  const char *mode =
      code == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
  farside_status status = FARSIDE_OK;
  if (code != SQLITE_ROW)
    status = far_sqlite_fail(my, code, "opening");
  else if (mode == NULL || strcmp(mode, "wal") != 0)
    status = far_sqlite_say(
        my, FARSIDE_STORE,
        "its disk does not allow a write-ahead log; is it a network "
        "drive?");
  sqlite3_finalize(stmt);
  return status;
}

farside_status far_sqlite_limit(far_sqlite *my) {
  int64_t page_bytes = 4096;
  farside_status status = number_of(my, "PRAGMA page_size", &page_bytes);
  char text[64];
  snprintf(text, sizeof text, "PRAGMA max_page_count = %lld",
           (long long)(my->bytes_max / page_bytes));
  return status == FARSIDE_OK ? execute(my, text) : status;
}

static farside_status set_up(far_sqlite *my) {
  char text[128];
  snprintf(text, sizeof text,
           "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = %d",
           LOG_BYTES_MAX);
  farside_status status =
      execute(my, "PRAGMA page_size = 4096;"
                  "PRAGMA auto_vacuum = INCREMENTAL"); // Of a new file.
  if (status == FARSIDE_OK)
    status = set_log(my);
  if (status == FARSIDE_OK)
    status = execute(my, text);
  if (status == FARSIDE_OK)
    status = expect(my, "PRAGMA synchronous", 2);
  my->is_durable = status == FARSIDE_OK;
  return status == FARSIDE_OK ? far_sqlite_limit(my) : status;
}

// -- Is it whole --------------------------------------------------------------

// A file of so many pages is looked at as a whole: that takes a millisecond or
// two. Of a larger one, the way from each root to its first and its last row.
enum { SMALL_PAGES = 256 };

static const char ENDS[] =
    "SELECT (SELECT count(*) FROM (SELECT * FROM works ORDER BY id LIMIT 1))"
    " + (SELECT count(*) FROM (SELECT * FROM works ORDER BY id DESC LIMIT 1))"
    " + (SELECT count(*) FROM (SELECT id FROM texts ORDER BY id LIMIT 1))"
    " + (SELECT count(*) FROM (SELECT id FROM texts ORDER BY id DESC LIMIT 1))"
    " + (SELECT count(*) FROM (SELECT * FROM runs ORDER BY work LIMIT 1))"
    " + (SELECT count(*) FROM (SELECT * FROM storage ORDER BY id LIMIT 1))"
    " + (SELECT count(*) FROM numbers) + (SELECT count(*) FROM totals)";

// The first thing that SQLite's own check finds, in one line.
static farside_status check_pages(far_sqlite *my) {
  sqlite3_stmt *stmt = NULL;
  int code =
      sqlite3_prepare_v2(my->db, "PRAGMA integrity_check(1)", -1, &stmt, NULL);
  if (code == SQLITE_OK)
    code = sqlite3_step(stmt);
  farside_status status = FARSIDE_OK;
  if (code != SQLITE_ROW) {
    status = far_sqlite_fail(my, code, "opening");
  } else {
    const char *says = (const char *)sqlite3_column_text(stmt, 0);
    if (says == NULL || strcmp(says, "ok") != 0) {
      char text[256];
      snprintf(text, sizeof text, "it is damaged (%.200s)", says ? says : "");
      for (char *c = text; *c != '\0'; c++)
        *c = *c == '\n' ? ' ' : *c;
      status = far_sqlite_say(my, FARSIDE_CORRUPT, text);
    }
  }
  sqlite3_finalize(stmt);
  return status;
}

// Reads every byte of the file, or of its log.
static int read_through(far_sqlite *my, int which) {
  char block[4096];
  sqlite3_file *file = NULL;
  sqlite3_int64 size = 0;
  int code = sqlite3_file_control(my->db, "main", which, &file);
  if (code != SQLITE_OK || file == NULL || file->pMethods == NULL)
    return code;
  code = file->pMethods->xFileSize(file, &size);
  for (sqlite3_int64 at = 0; at < size && code == SQLITE_OK;
       at += (sqlite3_int64)sizeof block)
    code = file->pMethods->xRead(file, block, sizeof block, at);
  return code == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : code;
}

// The check calls damaged what it could not read. Before a file is set aside
// for that, it must be readable, and damaged still.
static farside_status check_small(far_sqlite *my) {
  farside_status status = check_pages(my);
  if (status != FARSIDE_CORRUPT)
    return status;
  int code = read_through(my, SQLITE_FCNTL_FILE_POINTER);
  if (code == SQLITE_OK)
    code = read_through(my, SQLITE_FCNTL_JOURNAL_POINTER);
  return code == SQLITE_OK ? check_pages(my)
                           : far_sqlite_fail(my, code, "opening");
}

static farside_status check_whole(far_sqlite *my) {
  int64_t pages = 0, rows;
  farside_status status = number_of(my, "PRAGMA page_count", &pages);
  if (status == FARSIDE_OK && pages <= SMALL_PAGES)
    status = check_small(my);
  if (status == FARSIDE_OK)
    status = number_of(my, ENDS, &rows);
  // A table that is not there, or is another one, is damage too.
  if (status == FARSIDE_STORE && far_sqlite_lacks_table(my))
    status = FARSIDE_CORRUPT;
  return status;
}

// -- Connecting ---------------------------------------------------------------

static farside_status open_file(far_sqlite *my, const char *name, int flags) {
  int code = sqlite3_open_v2(
      name, &my->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
      my->vfs);
  if (code != SQLITE_OK) {
    farside_status status = far_sqlite_fail(my, code, "opening");
    sqlite3_close(my->db);
    my->db = NULL;
    return status;
  }
  sqlite3_busy_timeout(my->db, FAR_SQLITE_BUSY_MS);
  return FARSIDE_OK;
}

static farside_status connect_memory(far_sqlite *my) {
  farside_status status =
      open_file(my, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  my->is_durable = true;
  return status == FARSIDE_OK ? far_sqlite_upgrade(my, steps, 0, VERSION)
                              : status;
}

// What is common to both ways: whose file is it, and of which layout.
static farside_status identify(far_sqlite *my, owner_of *whose, int *version) {
  farside_status status = look_at_header(my, whose);
  if (status == FARSIDE_OK)
    status = refuse(my, *whose);
  if (status != FARSIDE_OK)
    return status;
  // Whatever turns out, to look must not change it.
  sqlite3_db_config(my->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  status = execute(my, SETTINGS);
  if (status == FARSIDE_OK)
    status = look_inside(my, whose, version);
  return status == FARSIDE_OK ? refuse(my, *whose) : status;
}

static farside_status connect_writing(far_sqlite *my) {
  owner_of whose = FILE_NEW;
  int version = 0;
  farside_status status =
      open_file(my, my->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (status == FARSIDE_OK)
    status = identify(my, &whose, &version);
  if (status != FARSIDE_OK)
    return status;
  sqlite3_db_config(my->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
  my->is_new = whose == FILE_NEW;
  status = set_up(my);
  if (status == FARSIDE_OK && version > 0)
    status = check_whole(my);
  return status == FARSIDE_OK ? far_sqlite_upgrade(my, steps, version, VERSION)
                              : status;
}

static farside_status read_as(far_sqlite *my, const char *name, int flags) {
  owner_of whose = FILE_NEW;
  int version = 0;
  farside_status status = open_file(my, name, SQLITE_OPEN_READONLY | flags);
  if (status == FARSIDE_OK)
    status = identify(my, &whose, &version);
  if (status == FARSIDE_OK && version == 0)
    return far_sqlite_say(my, FARSIDE_NOFILE, "it is empty");
  if (status == FARSIDE_OK && version < VERSION)
    return far_sqlite_say(my, FARSIDE_READONLY,
                          "an older version of Farside has written it; it must "
                          "be opened for writing once");
  return status == FARSIDE_OK ? check_whole(my) : status;
}

// "file:/a/b%3fc?immutable=1": SQLite asks for no log and no lock then. False
// where it is too long.
static bool name_immutable(const char *path, char name[3 * PATH_MAX]) {
  static const char after[] = "?immutable=1";
  size_t at = (size_t)snprintf(name, 3 * PATH_MAX, "file:");
  for (; *path != '\0'; path++) {
    if (at + 3 + sizeof after > 3 * PATH_MAX)
      return false;
    if (strchr("%?#", *path) != NULL)
      at += (size_t)snprintf(name + at, 4, "%%%02x", (unsigned char)*path);
    else
      name[at++] = *path;
  }
  memcpy(name + at, after, sizeof after);
  return true;
}

// Whether there is anything in the log.
static bool has_log(const far_sqlite *my) {
  char name[PATH_MAX];
  struct stat found;
  return (size_t)snprintf(name, sizeof name, "%s-wal", my->path) >=
             sizeof name ||
         (stat(name, &found) == 0 && found.st_size > 0);
}

// SQLite wants to make its two side files even in order to read, and cannot
// where the folder cannot be written. Where nobody owns the file and its log is
// empty, it can be read without them.
static farside_status connect_reading(far_sqlite *my) {
  farside_status status = read_as(my, my->path, 0);
  struct stat found;
  if ((status != FARSIDE_READONLY && status != FARSIDE_NOFILE) ||
      my->db == NULL || stat(my->path, &found) != 0 || found.st_size == 0)
    return status;
  char name[3 * PATH_MAX];
  if (has_log(my) || far_owner_is_taken(my->path) ||
      !name_immutable(my->path, name))
    return far_sqlite_say(my, FARSIDE_READONLY,
                          "its log holds what it does not, and its folder "
                          "cannot be written: open it for writing once, or "
                          "copy it and its -wal to another folder");
  far_sqlite_disconnect(my);
  my->error[0] = '\0';
  return read_as(my, name, SQLITE_OPEN_URI);
}

farside_status far_sqlite_connect_new(far_sqlite *my) {
  return connect_writing(my);
}

// What the side file says of a file that was made: when it is empty one day,
// that is no new store, but one that has been lost.
static const char NOTE_KEPT[] = "kept";

static void keep_note(far_sqlite *my, char *report, size_t bytes) {
  bool was_kept = strcmp(my->owner.note, NOTE_KEPT) == 0;
  if (was_kept && my->is_new)
    snprintf(report, bytes,
             "%s: it is empty, though it has been used before: what was in it "
             "is lost",
             my->path);
  // Where this fails, only that will not be noticed.
  if (!was_kept)
    far_owner_note(&my->owner, NOTE_KEPT);
}

static farside_status connect_owning(far_sqlite *my) {
  farside_status status =
      far_owner_take(&my->owner, my->path, my->error, sizeof my->error);
  if (status != FARSIDE_OK)
    return status;
  char report[FAR_SQLITE_ERROR_BYTES] = "";
  if (far_sqlite_is_unfinished(my))
    status = far_sqlite_resume(my, report, sizeof report);
  else if ((status = connect_writing(my)) == FARSIDE_CORRUPT)
    status = far_sqlite_recover(my, report, sizeof report);
  // Where it was not ours, nothing of us stays.
  if (status != FARSIDE_OK) {
    my->keeps_log = true;
    far_sqlite_disconnect(my);
    far_owner_withdraw(&my->owner, my->path);
    return status;
  }
  keep_note(my, report, sizeof report);
  snprintf(my->error, sizeof my->error, "%s", report);
  return FARSIDE_OK;
}

farside_status far_sqlite_connect(far_sqlite *my) {
  if (my->path == NULL)
    return connect_memory(my);
  return my->is_readonly ? connect_reading(my) : connect_owning(my);
}
