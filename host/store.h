// The store: where work and values are kept, so that they survive a kill.
//
// A table of functions, because there may be others than a file of SQLite's.
// One owner, one thread, one transaction at a time. Rows go in and out whole;
// what they mean is decided in `schedule`. Whatever fails here is a status and
// a sentence, never a crash, and never a store that silently forgot.
//
//   FARSIDE_FULL      the disk is full: nothing was written
//   FARSIDE_READONLY  the file, or its disk, cannot be written
//   FARSIDE_CORRUPT   the file is damaged: see `recover`
//   FARSIDE_LOCKED    another program has kept the file busy for 5 seconds
//   FARSIDE_STORE     any other failure of the file or the disk
//   FARSIDE_NOMEM
//
// After a failed write the transaction is over, and nothing of it remains; what
// was written before it stands, and reading goes on where it can. What could
// not be read may end it as well: `is_open` tells. What is written then,
// without a new `begin`, is FARSIDE_STORE. FARSIDE_STALE and FARSIDE_NOWORK are
// answers and end nothing.
//
// A store is not carried over fork(): the child must neither use it nor close
// it, and holds the lock of its file until it ends or executes something else.
#ifndef FAR_STORE_H
#define FAR_STORE_H

#include "work.h"

typedef struct far_store far_store;

// Which rows, and in which order. Zero it, fill `by` and what it names, and
// call `find` until it answers FARSIDE_NOWORK. Rows may change between two
// calls: it goes on behind the last one that it gave. Each call goes straight
// to its row, through an index; except that a `script`, and a FAR_FIND_FILTER
// by anything but its tag, unique name or state, in this order, passes over
// what does not match.
typedef enum far_find_by {
  FAR_FIND_WAITING,  // Enqueued, not ready, run_at <= until_ms; by run_at.
  FAR_FIND_READY,    // Ready, of a class; by rank.
  FAR_FIND_RUNNING,  // By id.
  FAR_FIND_OVERDUE,  // Not ended, not running, 0 < deadline <= until_ms; by
                     // deadline.
  FAR_FIND_UNIQUE,   // Not ended, of a script's unique name; by id.
  FAR_FIND_CHILDREN, // Of the unit `id`; by id.
  FAR_FIND_RELATIVE, // Not ended, with a deadline; or enqueued, not ready, with
                     // a delay; by id: see far_schedule_move.
  FAR_FIND_FILTER    // By id, newest first where is_newest_first.
} far_find_by;

// Ready rows that differ in none of these share their fate: one of them can
// start when all can.
typedef struct far_class {
  int64_t id; // The store's own.
  char *script, *kind;
  unsigned needs;
  bool is_expedited;
} far_class;

typedef struct far_find {
  far_find_by by;
  int64_t until_ms;
  int64_t class_id;
  int64_t id;
  const char *script; // NULL: of all scripts.
  // Of FAR_FIND_FILTER; NULL, and -1: any.
  const char *kind, *unique, *group, *tag;
  int state;
  bool is_newest_first;
  bool is_brief; // Records without their texts: see load_brief.
  // Where it stands. Zero at first.
  bool has_begun;
  int64_t at, at_id;
} far_find;

struct far_store {
  // What went wrong in the last call that failed: a sentence without a full
  // stop. Never NULL.
  const char *(*error)(const far_store *store);

  // -- Transactions. Everything that writes is inside one.

  // With is_durable, what is committed survives a loss of power; without, a
  // kill of the process all the same. Where a transaction is open already it
  // goes on, and stays what it was; but one that is not durable is committed,
  // and a new one begins, when a durable one is asked for: no marks may be open
  // then. After a loss of power the last transactions that were not durable may
  // be missing, from the end on, but only those behind the last durable one.
  farside_status (*begin)(far_store *store, bool is_durable);
  farside_status (*commit)(far_store *store);
  void (*rollback)(far_store *store); // Harmless where none is open.
  bool (*is_open)(const far_store *store);
  // Grows with every row that is written.
  int64_t (*written)(const far_store *store);

  // Within a transaction: `undo` takes back what came since `mark`, `keep`
  // makes it part of the whole. Marks nest. When a failed write has ended the
  // transaction, `undo` is FARSIDE_OK and `keep` is not.
  farside_status (*mark)(far_store *store);
  farside_status (*undo)(far_store *store);
  farside_status (*keep)(far_store *store);

  // -- Units of work.

  // Adds one, and gives it its id. `parents` are those that it waits for. An id
  // whose transaction was rolled back is not given again. `is_ready`: see save.
  farside_status (*insert)(far_store *store, far_work *work,
                           const int64_t *parents, size_t count, bool is_ready);

  // Reads one into a zeroed record. FARSIDE_NOWORK. In brief: without its
  // texts, which is what most decisions need. Written back, it leaves the
  // texts as they are; but an output that it has by then is written, and when
  // it `forgets`, the checkpoint and the progress are deleted.
  farside_status (*load)(far_store *store, int64_t id, far_work *work);
  farside_status (*load_brief)(far_store *store, int64_t id, far_work *work);

  // Writes one back, whole: a text that is NULL is deleted, and with it what
  // `checkpoint` has written since the record was read. A text that has not
  // changed costs nothing but to be compared. `is_ready` says whether it is
  // among those that FAR_FIND_READY finds: enqueued, its time has come, and it
  // has its rank. FARSIDE_NOWORK.
  farside_status (*save)(far_store *store, const far_work *work, bool is_ready);

  // The same, only while the row is running with this token. FARSIDE_STALE, and
  // nothing has changed, where it is not: somebody else has taken over, or has
  // ended or deleted it.
  farside_status (*save_run)(far_store *store, const far_work *work,
                             int64_t token, bool is_ready);
  // Likewise; NULL deletes.
  farside_status (*checkpoint)(far_store *store, int64_t id, int64_t token,
                               const char *json);
  farside_status (*progress)(far_store *store, int64_t id, int64_t token,
                             const char *json);

  // The next one, into a zeroed record. FARSIDE_NOWORK behind the last.
  farside_status (*find)(far_store *store, far_find *find, far_work *work);

  // The next class of ready rows after class `after`, from zero, into a zeroed
  // record. FARSIDE_NOWORK behind the last.
  farside_status (*next_class)(far_store *store, int64_t after,
                               far_class *found);

  // The least run_at of rows that FAR_FIND_WAITING finds, the least deadline of
  // those that FAR_FIND_OVERDUE finds, and the time when `prune` has something
  // to do; INT64_MAX for none.
  farside_status (*next_due)(far_store *store, int64_t *run_at_ms,
                             int64_t *deadline_ms, int64_t *prune_ms);

  // The highest tag among the ready rows of a group of a script; zero for none.
  // NULL is a group.
  farside_status (*last_tag)(far_store *store, const char *script,
                             const char *group, int64_t *tag);

  // How many there are of each state, of a script or, with NULL, of all. They
  // are counted as they change: it costs the same for one and for a million.
  farside_status (*count)(far_store *store, const char *script,
                          int64_t counts[FAR_WORK_STATES]);

  // The ids of a unit's parents, as they were given to `insert`; there is room
  // for FAR_WORK_PARENTS_MAX. Those that were pruned since are among them.
  farside_status (*parents)(far_store *store, int64_t id, int64_t *parents,
                            size_t *count);

  // -- Runs.

  // Adds one. Only the newest FAR_RUNS_KEPT of a unit are kept.
  farside_status (*run_begin)(far_store *store, const far_run *run);
  // Writes it back, by work and token. FARSIDE_NOWORK.
  farside_status (*run_end)(far_store *store, const far_run *run);
  // The newest first: the run before `token`, which is INT64_MAX at first, into
  // a zeroed record. FARSIDE_NOWORK behind the last.
  farside_status (*run_before)(far_store *store, int64_t work, int64_t token,
                               far_run *run);

  // Deletes units that have ended, are past what they are kept for, and are a
  // parent of none that has not ended, with their runs; at most `most`. Those
  // that are still a parent are looked at again an hour later. With a script,
  // and `now_ms` INT64_MAX: all of its that have ended.
  farside_status (*prune)(far_store *store, const char *script, int64_t now_ms,
                          int64_t most, int64_t *count);

  // -- Values of scripts: Storage.

  // A block of *bytes + 1 bytes, with a NUL behind it, to be freed by
  // far_free(). FARSIDE_NOWORK for none. Keys are any bytes, also none.
  farside_status (*value_get)(far_store *store, const char *script,
                              const char *key, size_t key_bytes, char **json,
                              size_t *bytes);
  farside_status (*value_set)(far_store *store, const char *script,
                              const char *key, size_t key_bytes,
                              const char *json, size_t bytes);
  // FARSIDE_NOWORK when it was not there.
  farside_status (*value_remove)(far_store *store, const char *script,
                                 const char *key, size_t key_bytes);
  farside_status (*value_clear)(far_store *store, const char *script);
  // The next key after `*key` that begins with the prefix; NULL begins. In the
  // order of bytes. `*key` is freed and replaced by a block of *key_bytes + 1
  // bytes, with a NUL behind it; whatever but FARSIDE_OK is the answer, it is
  // NULL. FARSIDE_NOWORK behind the last.
  farside_status (*value_next)(far_store *store, const char *script,
                               const char *prefix, size_t prefix_bytes,
                               char **key, size_t *key_bytes);
  // Bytes of keys and values of a script; counted as they change.
  farside_status (*value_bytes)(far_store *store, const char *script,
                                int64_t *bytes);

  // -- Numbers by name, for the host. Zero for one that was never set.
  farside_status (*number_get)(far_store *store, const char *name,
                               int64_t *number);
  farside_status (*number_set)(far_store *store, const char *name,
                               int64_t number);

  // Tidies up while nothing else is to be done: checkpoints the log of SQLite,
  // and gives a part of what is free to the disk. Nothing in a transaction, and
  // nothing where nothing was committed since.
  void (*idle)(far_store *store);

  // Sets the damaged file aside, as FILE.corrupt-20260131T235959 with its log,
  // makes a new one and takes over what can still be read and is what was
  // written, which takes as long as to write it all again. The old file is
  // never deleted. `report` tells in a sentence or two
  // what was kept, what was lost, and where the old file is. The transaction is
  // over. Units that were running still are, and one whose parent was lost
  // still waits for it: whoever runs them decides. When it fails the store is
  // closed in all but name (FARSIDE_STORE), and the next one to open the file
  // takes the recovery up where it was. FARSIDE_UNSUPPORTED in memory.
  farside_status (*recover)(far_store *store, char *report, size_t bytes);

  // NULL-safe through far_store_close().
  void (*close)(far_store *store);

  far_memory *memory;
};

enum { FAR_RUNS_KEPT = 32 };

void far_store_close(far_store *store);
void far_class_deinit(far_memory *memory, far_class *found);

// What a store is opened with.
typedef struct far_store_config {
  const char *path;   // NULL: in memory, and gone with the store.
  bool is_readonly;   // To look at a file whose owner may be alive.
  const char *vfs;    // Of SQLite, for tests; NULL: the default.
  uint64_t bytes_max; // Of the file; zero: 1 GiB. More is FARSIDE_FULL.
} far_store_config;

// Opens, or makes, a file of SQLite's. Beside it lie FILE-wal and FILE-shm
// while it is open, and FILE.lock, which says who owns it (see owner.h) and
// stays. On failure *store is NULL, and `error` has a sentence that names the
// file:
//
//   FARSIDE_LOCKED    somebody owns it; the sentence names the pid
//   FARSIDE_NEWER     a newer Farside wrote it; it was not touched
//   FARSIDE_NOFILE    it cannot be opened or made, or it is something else,
//                     which was not touched
//   FARSIDE_READONLY  it, or its folder, cannot be written
//   FARSIDE_CORRUPT   it is damaged; with is_readonly only: otherwise it was
//                     set aside, as `recover` does, and `error` is its report
//
// FARSIDE_OK with a non-empty `error`: see the last.
//
// With is_readonly nobody is locked out and nothing is written to the file, nor
// from its log into it. SQLite still makes FILE-wal and FILE-shm, both empty,
// where they are not there; in a folder that cannot be written it reads without
// them, if nobody owns the file and its log is empty.
//
// What is damaged is found when it is read, by its checksums; at open only this
// is looked at, so that a million rows open as fast as one: the header, the
// tables, the first and last rows, and of a file of at most a mebibyte all
// pages. In whichever call it comes to light, the answer is FARSIDE_CORRUPT.
farside_status far_store_open_sqlite(far_memory *memory,
                                     const far_store_config *config,
                                     far_store **store, char *error,
                                     size_t bytes);

#endif
