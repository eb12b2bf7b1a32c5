// The store in a file of SQLite's, from the inside: what its parts share.
//
// - store_sqlite: opening, closing, transactions; the table of functions
// - store_sqlite_units: rows of units, their texts and runs; pruning
// - store_sqlite_find: who is next
// - store_sqlite_values: values of scripts, numbers of the host
// - store_sqlite_query: the SQL, and how its statements are used
// - store_sqlite_file: whose a file is, its settings, its layout
// - store_sqlite_salvage: what can still be read of a damaged file
#ifndef FAR_STORE_SQLITE_H
#define FAR_STORE_SQLITE_H

#include "owner.h"
#include "store_sqlite_query.h"

#include <sys/types.h>

enum {
  // "farS", in the header of every file of ours.
  FAR_SQLITE_APPLICATION = 0x66617253,
  FAR_SQLITE_BUSY_MS = 5000, // How long others are waited for.
  FAR_SQLITE_ERROR_BYTES = 1024
};

struct far_sqlite {
  far_store store; // What others hold points here.
  sqlite3 *db;     // NULL after a recovery that failed.
  sqlite3_stmt *statements[FAR_SQL_STATEMENTS]; // Prepared when first used.
  char *path;                                   // Absolute; NULL in memory.
  char *vfs;                                    // NULL: the default.
  int64_t bytes_max;
  far_owner owner;
  pid_t pid; // Who opened it.
  bool is_readonly;
  bool is_new;     // The file was empty.
  bool is_salvage; // Of a damaged file: a checkpoint is not missed.
  bool keeps_log;  // It is, or may be, damaged: its log is left as it is.
  bool is_open;    // A transaction.
  bool is_durable; // How SQLite is set at the moment: synchronous=FULL.
  bool is_dirty;   // Something was committed since the last checkpoint.
  int depth;       // Of marks.
  int64_t next_id; // Of units; zero: not known yet.
  int64_t class_swept;
  far_class last_class; // That was asked for. Without an id: not known.
  char error[FAR_SQLITE_ERROR_BYTES];
};

far_sqlite *far_sqlite_of(const far_store *store);

// -- store_sqlite -------------------------------------------------------------

// Finalizes the statements and closes the connection.
void far_sqlite_disconnect(far_sqlite *my);

// -- store_sqlite_units -------------------------------------------------------

void far_sqlite_fill_units(far_store *store);

// Reads a unit, and whether it is ready.
farside_status far_sqlite_load(far_sqlite *my, int64_t id, bool is_brief,
                               far_work *work, bool *is_ready);

// Adds a unit that has an id already, with all its texts.
farside_status far_sqlite_put_work(far_sqlite *my, const far_work *work,
                                   const int64_t *parents, size_t count,
                                   bool is_ready);

// -- store_sqlite_find --------------------------------------------------------

void far_sqlite_fill_find(far_store *store);

// The id of the next row by one of the statements, without moving on.
farside_status far_sqlite_next_id(far_sqlite *my, far_sql which,
                                  const far_find *find, int64_t *id);

// -- store_sqlite_values ------------------------------------------------------

void far_sqlite_fill_values(far_store *store);

far_sum far_sqlite_value_sum(const char *script, const char *key,
                             size_t key_bytes, const void *json, size_t bytes);

// -- store_sqlite_file --------------------------------------------------------

// Makes `path` absolute, for my->path.
farside_status far_sqlite_locate(far_sqlite *my, const char *path);

// Connects to my->path, creates and upgrades what is to be; the status is one
// of far_store_open_sqlite().
farside_status far_sqlite_connect(far_sqlite *my);

// The same for a file that recovery makes: the owner stays, and what is damaged
// is not mended.
farside_status far_sqlite_connect_new(far_sqlite *my);

// Limits its size to my->bytes_max.
farside_status far_sqlite_limit(far_sqlite *my);

// Brings a file from layout `version` to the last of `steps`, each of which is
// a list of SQL, with NULL behind it, that leads from its index to the next.
// All of it or nothing.
farside_status far_sqlite_upgrade(far_sqlite *my,
                                  const char *const *const *steps, int version,
                                  int count);

// -- store_sqlite_salvage -----------------------------------------------------

farside_status far_sqlite_recover(far_sqlite *my, char *report, size_t bytes);

// Whether the owner's note tells of a recovery that was not finished, and takes
// it up where it was.
bool far_sqlite_is_unfinished(const far_sqlite *my);
farside_status far_sqlite_resume(far_sqlite *my, char *report, size_t bytes);

#endif
