// The store in a file of SQLite's, from the inside: what its parts share.
//
//   store_sqlite          statements, rows, transactions: the table of
//   functions store_sqlite_file     opening: whose file it is, its settings,
//   its layout store_sqlite_salvage  what can still be read of a damaged file
#ifndef FAR_STORE_SQLITE_H
#define FAR_STORE_SQLITE_H

#include "owner.h"
#include "store.h"

#include <sqlite3.h>
#include <sys/types.h>

enum {
  // "farS", in the header of every file of ours.
  FAR_SQLITE_APPLICATION = 0x66617253,

  // Of the enum of statements in store_sqlite.c, which asserts it.
  FAR_SQLITE_STATEMENTS = 80,

  FAR_SQLITE_ERROR_BYTES = 1024
};

// Texts of a unit lie beside its row, so that claiming it does not write them
// again: `work * FAR_TEXTS + part` is their key.
enum {
  FAR_TEXT_INPUT,
  FAR_TEXT_CHECKPOINT,
  FAR_TEXT_PROGRESS,
  FAR_TEXT_OUTPUT,
  FAR_TEXT_PARENTS, // Ids, each followed by a comma.
  FAR_TEXTS = 8
};

typedef struct far_sqlite {
  far_store store; // What others hold points here.
  sqlite3 *db;     // NULL after a recovery that failed.
  sqlite3_stmt *statements[FAR_SQLITE_STATEMENTS]; // Prepared when first used.
  char *path;                                      // Absolute; NULL in memory.
  char *vfs;                                       // NULL: the default.
  int64_t bytes_max;
  far_owner owner;
  pid_t pid; // Who opened it.
  bool is_readonly;
  bool is_salvage; // Of a damaged file: a checkpoint is not missed.
  bool is_open;    // A transaction.
  bool is_full;    // How SQLite is set at the moment: synchronous=FULL.
  bool is_dirty;   // Something was committed since the last checkpoint.
  int depth;       // Of marks.
  int64_t next_id; // Of units; zero: not known yet.
  int64_t class_swept;
  char error[FAR_SQLITE_ERROR_BYTES];
} far_sqlite;

// -- store_sqlite -------------------------------------------------------------

// Says what SQLite says, and which status that is. Outside of a transaction
// nothing else changes.
farside_status far_sqlite_fail(far_sqlite *my, int code, const char *doing);

// The status of a code of SQLite's.
farside_status far_sqlite_status(sqlite3 *db, int code);

// Finalizes the statements and closes the connection. With `is_damaged` the log
// stays as it is.
void far_sqlite_disconnect(far_sqlite *my, bool is_damaged);

// Over the fields of a row, one after the other: every row holds a sum, because
// SQLite does not notice a bit that has changed within a value.
typedef uint64_t far_sum;
far_sum far_sum_number(far_sum sum, int64_t number);
far_sum far_sum_bytes(far_sum sum, const void *bytes, size_t count);

far_sum far_sqlite_value_sum(const char *script, const char *key,
                             size_t key_bytes, const void *json, size_t bytes);

// Reads a unit, and whether it is ready.
farside_status far_sqlite_load(far_sqlite *my, int64_t id, far_work *work,
                               bool *is_ready);

// Adds a unit with an id of its own, with all its texts.
farside_status far_sqlite_put_work(far_sqlite *my, const far_work *work,
                                   const int64_t *parents, size_t count,
                                   bool is_ready);

// -- store_sqlite_file --------------------------------------------------------

// Makes `path` absolute, for my->path.
farside_status far_sqlite_locate(far_sqlite *my, const char *path);

// Connects to my->path, creates and upgrades what is to be; the status is one
// of far_store_open_sqlite().
farside_status far_sqlite_connect(far_sqlite *my);

// The same for a file that recovery makes.
farside_status far_sqlite_connect_new(far_sqlite *my);

// Brings a file from layout `version` to the last of `steps`, each of which is
// a list of SQL, with NULL behind it, that leads from its index to the next.
// All of it or nothing.
farside_status far_sqlite_upgrade(far_sqlite *my,
                                  const char *const *const *steps, int version,
                                  int count);

// -- store_sqlite_salvage -----------------------------------------------------

farside_status far_sqlite_recover(far_sqlite *my, char *report, size_t bytes);

// Takes up a recovery that was not finished, as the owner's note says.
farside_status far_sqlite_resume(far_sqlite *my, char *report, size_t bytes);

#endif
