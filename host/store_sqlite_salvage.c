// Takes what can still be read out of a damaged file.
//
// The file is moved aside with its log, never changed and never deleted, and a
// new one is made in its place. Rows are read along their keys; where a page
// cannot be read the walk jumps ahead until it finds a row again, and from
// there goes back to the other end of the gap. A row whose sum is wrong is left
// behind: what is taken over is what was written, or it is not there. All of it
// is one transaction, and a note in the side file says how far things are, so
// that a recovery that was killed is taken up again when the file is opened.

#include "store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
  GAPS_MAX = 10000,   // So many pages that cannot be read are enough.
  ID_MARGIN = 1000000 // So many ids may have been given that are not known.
};

static const int64_t ID_MAX = INT64_MAX / 16;

// The notes: a word, and the ending of the name of the damaged file.
static const char NOTE_MOVE[] = "move ";
static const char NOTE_FILL[] = "fill ";

typedef struct salvage {
  far_sqlite *to;
  far_sqlite *from;
  farside_status status; // Of what must not fail; reading may.
  int64_t gaps;
  int64_t works, works_lost, values, values_lost;
  int64_t id_max;
} salvage;

static bool exists(const char *path) {
  struct stat found;
  return lstat(path, &found) == 0;
}

// -- A walk along the keys of a table -----------------------------------------

typedef void (*visit)(salvage *s, sqlite3_stmt *row);

// Visits the rows between two keys, neither included, in one direction, until
// there is none or one cannot be read. Returns whether it came to the end;
// *last is the last key that was seen.
static bool walk(salvage *s, const char *select, int64_t low, int64_t high,
                 bool is_up, int64_t most, visit visit_row, int64_t *last) {
  char text[256];
  snprintf(text, sizeof text, "%s WHERE id > ?1 AND id < ?2 ORDER BY id %s",
           select, is_up ? "ASC" : "DESC");
  sqlite3_stmt *row = NULL;
  int code = sqlite3_prepare_v2(s->from->db, text, -1, &row, NULL);
  if (code == SQLITE_OK)
    code = sqlite3_bind_int64(row, 1, low);
  if (code == SQLITE_OK)
    code = sqlite3_bind_int64(row, 2, high);
  *last = is_up ? low : high;
  while (code == SQLITE_OK && most-- > 0 && s->status == FARSIDE_OK) {
    int step = sqlite3_step(row);
    if (step != SQLITE_ROW) {
      code = step;
      break;
    }
    int64_t id = sqlite3_column_int64(row, 0);
    // Pages that point at each other would go round for ever.
    if (is_up ? id <= *last || id >= high : id >= *last || id <= low) {
      code = SQLITE_CORRUPT;
      break;
    }
    *last = id;
    if (visit_row != NULL)
      visit_row(s, row);
  }
  sqlite3_finalize(row);
  // This is no fault of the file.
  if ((code & 0xff) == SQLITE_NOMEM)
    s->status = FARSIDE_NOMEM;
  return code == SQLITE_DONE || (code == SQLITE_OK && most < 0);
}

// The first key that can be read behind a gap; INT64_MAX for none.
static int64_t beyond(salvage *s, const char *select, int64_t last) {
  for (int64_t jump = 1; jump < INT64_MAX / 4 && last < INT64_MAX - jump;
       jump *= 2) {
    int64_t found;
    if (walk(s, select, last + jump, INT64_MAX, true, 1, NULL, &found))
      return found > last + jump ? found : INT64_MAX;
  }
  return INT64_MAX;
}

static void walk_table(salvage *s, const char *select, visit visit_row) {
  int64_t last = 0, unused;
  while (!walk(s, select, last, INT64_MAX, true, INT64_MAX, visit_row, &last) &&
         s->status == FARSIDE_OK && s->gaps++ < GAPS_MAX) {
    int64_t next = beyond(s, select, last);
    walk(s, select, last, next, false, INT64_MAX, visit_row, &unused);
    if (next == INT64_MAX)
      return;
    last = next - 1;
  }
}

// -- Rows ---------------------------------------------------------------------

static void take_runs(salvage *s, int64_t id) {
  far_store *from = &s->from->store, *to = &s->to->store;
  far_run run = {.token = INT64_MAX};
  for (int i = 0; i < FAR_RUNS_KEPT && s->status == FARSIDE_OK; i++) {
    int64_t token = run.token;
    far_run_deinit(from->memory, &run);
    farside_status status = from->run_before(from, id, token, &run);
    if (status == FARSIDE_NOMEM)
      s->status = status;
    if (status != FARSIDE_OK)
      return;
    s->status = to->run_begin(to, &run);
  }
  far_run_deinit(from->memory, &run);
}

static void take_unit(salvage *s, sqlite3_stmt *row) {
  far_store *from = &s->from->store;
  int64_t id = sqlite3_column_int64(row, 0);
  far_work work = {0};
  bool is_ready;
  int64_t parents[FAR_WORK_PARENTS_MAX];
  size_t count;
  farside_status status = far_sqlite_load(s->from, id, false, &work, &is_ready);
  if (status == FARSIDE_OK)
    status = from->parents(from, id, parents, &count);
  if (status == FARSIDE_OK)
    s->status = far_sqlite_put_work(s->to, &work, parents, count, is_ready);
  else if (status == FARSIDE_NOMEM)
    s->status = status;
  if (status == FARSIDE_OK && s->status == FARSIDE_OK)
    take_runs(s, id);
  far_work_deinit(from->memory, &work);
  s->works += status == FARSIDE_OK;
  s->works_lost += status != FARSIDE_OK;
  if (status == FARSIDE_OK && id > s->id_max)
    s->id_max = id;
}

static void take_value(salvage *s, sqlite3_stmt *row) {
  far_store *to = &s->to->store;
  const char *script = (const char *)sqlite3_column_text(row, 1);
  const char *key = sqlite3_column_blob(row, 2);
  size_t key_bytes = (size_t)sqlite3_column_bytes(row, 2);
  const char *json = (const char *)sqlite3_column_text(row, 3);
  size_t bytes = (size_t)sqlite3_column_bytes(row, 3);
  int64_t sum = sqlite3_column_int64(row, 4);
  far_sum expected = 0;
  bool is_true = script != NULL && json != NULL;
  if (is_true)
    expected = far_sqlite_value_sum(script, key, key_bytes, json, bytes);
  is_true = is_true && memcmp(&sum, &expected, sizeof sum) == 0;
  if (is_true)
    s->status = to->value_set(to, script, key, key_bytes, json, bytes);
  s->values += is_true;
  s->values_lost += !is_true;
}

// There are a few only, and either end of them may be what can be read.
static void take_numbers(salvage *s, const char *select) {
  far_store *from = &s->from->store, *to = &s->to->store;
  sqlite3_stmt *row = NULL;
  if (sqlite3_prepare_v2(s->from->db, select, -1, &row, NULL) == SQLITE_OK) {
    while (s->status == FARSIDE_OK && sqlite3_step(row) == SQLITE_ROW) {
      const char *name = (const char *)sqlite3_column_text(row, 0);
      int64_t number;
      farside_status status =
          name ? from->number_get(from, name, &number) : FARSIDE_NOMEM;
      if (status == FARSIDE_OK)
        status = to->number_set(to, name, number);
      if (status != FARSIDE_CORRUPT && status != FARSIDE_STORE)
        s->status = status;
    }
  }
  sqlite3_finalize(row);
}

static int64_t read_number(sqlite3 *db, const char *select) {
  sqlite3_stmt *row = NULL;
  int64_t number = -1;
  if (sqlite3_prepare_v2(db, select, -1, &row, NULL) == SQLITE_OK &&
      sqlite3_step(row) == SQLITE_ROW)
    number = sqlite3_column_int64(row, 0);
  sqlite3_finalize(row);
  return number;
}

// No id is given twice, even if it is not known which ones were.
static void keep_ids(salvage *s) {
  int64_t last = read_number(
      s->from->db, "SELECT seq FROM sqlite_sequence WHERE name = 'works'");
  if (last < s->id_max || last > ID_MAX)
    last = s->id_max + ID_MARGIN;
  char text[160];
  snprintf(text, sizeof text,
           "DELETE FROM sqlite_sequence WHERE name = 'works';"
           "INSERT INTO sqlite_sequence(name, seq) VALUES ('works', %lld)",
           (long long)last);
  int code = sqlite3_exec(s->to->db, text, NULL, NULL, NULL);
  if (code != SQLITE_OK)
    s->status = far_sqlite_fail(s->to, code, "recovering");
  s->to->next_id = 0;
}

// How many there were, as far as the old file can say: not more than ids.
static void count_lost(salvage *s) {
  int64_t works =
      read_number(s->from->db, "SELECT sum(n) FROM totals WHERE what >= 0");
  int64_t last = read_number(
      s->to->db, "SELECT seq FROM sqlite_sequence WHERE name = 'works'");
  if (works <= last && works - s->works > s->works_lost)
    s->works_lost = works - s->works;
}

static void take_all(salvage *s) {
  walk_table(s, "SELECT id FROM works NOT INDEXED", take_unit);
  if (s->status == FARSIDE_OK)
    walk_table(s, "SELECT id, script, key, json, sum FROM storage NOT INDEXED",
               take_value);
  take_numbers(s, "SELECT name FROM numbers ORDER BY name");
  take_numbers(s, "SELECT name FROM numbers ORDER BY name DESC");
  if (s->status == FARSIDE_OK)
    keep_ids(s);
  count_lost(s);
}

// -- The new file -------------------------------------------------------------

// Whether a recovery that was interrupted had come so far.
static farside_status is_filled(far_sqlite *my, salvage *s, bool *is) {
  int64_t rows = read_number(my->db, "SELECT count(*) FROM sqlite_sequence");
  s->works = read_number(my->db, "SELECT count(*) FROM works");
  s->values = read_number(my->db, "SELECT count(*) FROM storage");
  *is = rows > 0;
  return rows < 0 || s->works < 0 || s->values < 0
             ? far_sqlite_fail(my, sqlite3_extended_errcode(my->db),
                               "recovering")
             : FARSIDE_OK;
}

static void close_old(far_sqlite *old) {
  far_sqlite_disconnect(old);
  far_free(old->store.memory, old, sizeof *old);
}

// The old file, so that the verbs of a store read it.
static farside_status open_old(far_sqlite *my, const char *path,
                               far_sqlite **opened) {
  far_sqlite *old = far_new(my->store.memory, sizeof *old);
  if (old == NULL)
    return far_sqlite_no_memory(my);
  *old = (far_sqlite){.store = my->store,
                      .path = my->path,
                      .is_readonly = true,
                      .is_salvage = true,
                      .pid = my->pid};
  old->owner.fd = -1;
  int code = sqlite3_open_v2(path, &old->db,
                             SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_EXRESCODE,
                             my->vfs);
  if (code == SQLITE_OK) {
    *opened = old;
    return FARSIDE_OK;
  }
  far_sqlite_fail(my, code, "recovering");
  close_old(old);
  return code == SQLITE_NOMEM ? FARSIDE_NOMEM : FARSIDE_STORE;
}

// -- Without its first page ---------------------------------------------------

static bool copy_file(const char *from, const char *to) {
  char block[65536];
  ssize_t count = -1;
  int in = open(from, O_RDONLY | O_CLOEXEC);
  int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (in >= 0 && out >= 0)
    while ((count = read(in, block, sizeof block)) > 0)
      if (write(out, block, (size_t)count) != count)
        break;
  if (in >= 0)
    close(in);
  if (out >= 0)
    close(out);
  return count == 0;
}

static void set_big_endian(unsigned char *bytes, uint64_t number) {
  for (int i = 3; i >= 0; i--, number >>= 8)
    bytes[i] = (unsigned char)number;
}

// Writes the first page of the new file over that of a copy of the old one: the
// tables of both were made in the same order, so they begin at the same pages.
static bool put_first_page(salvage *s, const char *path) {
  enum { PAGE_BYTES = 4096, PAGES_AT = 28, FREE_AT = 32, FREE_BYTES = 8 };
  unsigned char page[PAGE_BYTES];
  struct stat found;
  sqlite3_file *file = NULL;
  if (stat(path, &found) != 0 ||
      sqlite3_file_control(s->to->db, "main", SQLITE_FCNTL_FILE_POINTER,
                           &file) != SQLITE_OK ||
      file->pMethods->xRead(file, page, sizeof page, 0) != SQLITE_OK)
    return false;
  set_big_endian(page + PAGES_AT, (uint64_t)found.st_size / PAGE_BYTES);
  memset(page + FREE_AT, 0, FREE_BYTES); // What is free is not known.
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  bool is_put =
      fd >= 0 && pwrite(fd, page, sizeof page, 0) == (ssize_t)sizeof page;
  if (fd >= 0)
    close(fd);
  return is_put;
}

// The first page says where the tables are. Where it is lost so is all the
// rest, unless it is known from elsewhere.
static void take_without_first_page(salvage *s, const char *aside) {
  static const char *const suffixes[] = {"", "-wal", "-shm"};
  char from[PATH_MAX + 8], copy[3][PATH_MAX + 16];
  for (int i = 0; i < 3; i++)
    snprintf(copy[i], sizeof copy[i], "%s.salvage%s", s->to->path, suffixes[i]);
  snprintf(from, sizeof from, "%s-wal", aside);
  far_sqlite *lost = s->from, *old = NULL;
  if (copy_file(aside, copy[0]) && put_first_page(s, copy[0]) &&
      (!exists(from) || copy_file(from, copy[1])) &&
      open_old(s->to, copy[0], &old) == FARSIDE_OK) {
    s->from = old;
    take_all(s);
    s->from = lost;
    close_old(old);
  }
  for (int i = 0; i < 3; i++)
    unlink(copy[i]);
}

// -- All of it ----------------------------------------------------------------

static bool has_nothing(const salvage *s) {
  return s->works + s->values + s->works_lost + s->values_lost == 0;
}

// In one transaction, and without the limit of its size: it was there before.
static farside_status fill(far_sqlite *my, const char *aside, salvage *s) {
  far_store *store = &my->store;
  bool is_done;
  farside_status status = is_filled(my, s, &is_done);
  if (status != FARSIDE_OK || is_done)
    return status;
  far_sqlite *old = NULL;
  if ((status = open_old(my, aside, &old)) != FARSIDE_OK)
    return status;
  *s = (salvage){.to = my, .from = old};
  sqlite3_exec(my->db, "PRAGMA max_page_count = 1073741823", NULL, NULL, NULL);
  status = store->begin(store, true);
  if (status == FARSIDE_OK) {
    take_all(s);
    if (s->status == FARSIDE_OK && has_nothing(s) && s->gaps > 0)
      take_without_first_page(s, aside);
    status = s->status;
  }
  if (status == FARSIDE_OK)
    status = store->commit(store);
  store->rollback(store);
  far_sqlite_limit(my);
  close_old(old);
  return status;
}

// -- Moving aside -------------------------------------------------------------

static const char *const endings[] = {"", "-wal", "-shm"};

static bool name_aside(const far_sqlite *my, const char *ending,
                       const char *more, char name[PATH_MAX]) {
  return (size_t)snprintf(name, PATH_MAX, "%s.%s%s", my->path, ending, more) <
         PATH_MAX;
}

// "corrupt-20260131T235959", and "-2" and so on where there is one already.
static bool choose_ending(far_sqlite *my, char ending[64]) {
  char stamp[32], name[PATH_MAX];
  time_t now = time(NULL);
  struct tm parts;
  if (gmtime_r(&now, &parts) == NULL)
    return false;
  strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &parts);
  for (int i = 1; i < 1000; i++) {
    if (i == 1)
      snprintf(ending, 64, "corrupt-%s", stamp);
    else
      snprintf(ending, 64, "corrupt-%s-%d", stamp, i);
    if (name_aside(my, ending, "", name) && !exists(name))
      return true;
  }
  return false;
}

static farside_status move_aside(far_sqlite *my, const char *ending) {
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    char from[PATH_MAX], to[PATH_MAX];
    if ((size_t)snprintf(from, sizeof from, "%s%s", my->path, endings[i]) >=
            sizeof from ||
        !name_aside(my, ending, endings[i], to))
      return FARSIDE_STORE;
    if (!exists(to) && exists(from) && rename(from, to) != 0) {
      snprintf(my->error, sizeof my->error, "%s: it cannot be moved aside: %s",
               my->path, strerror(errno));
      return FARSIDE_STORE;
    }
  }
  far_owner_sync_folder(my->path);
  return FARSIDE_OK;
}

static bool note(far_sqlite *my, const char *word, const char *ending) {
  char text[FAR_OWNER_NOTE_BYTES];
  snprintf(text, sizeof text, "%s%s", word, ending);
  return far_owner_note(&my->owner, text);
}

static void print_report(const far_sqlite *my, const salvage *s,
                         const char *ending, char *report, size_t bytes) {
  char lost[200] = "nothing that could be found is missing";
  if (s->gaps > 0 && has_nothing(s))
    snprintf(lost, sizeof lost, "nothing in it can be read");
  else if (s->works_lost > 0 || s->values_lost > 0 || s->gaps > 0)
    snprintf(lost, sizeof lost,
             "at least %lld and %lld are lost, and %lld places cannot be read",
             (long long)s->works_lost, (long long)s->values_lost,
             (long long)s->gaps);
  // Whatever the length of its name, what was lost is said.
  snprintf(
      report, bytes,
      "%.300s: it was damaged; %lld units of work and %lld values were kept, "
      "%s; the damaged file is now %s.%s",
      my->path, (long long)s->works, (long long)s->values, lost, my->path,
      ending);
}

static farside_status cannot_move(far_sqlite *my) {
  snprintf(my->error, sizeof my->error, "%s: it cannot be moved aside: %s",
           my->path, strerror(errno));
  return FARSIDE_STORE;
}

// Where what a recovery had made so far is damaged, it begins again.
static farside_status connect_new(far_sqlite *my) {
  char ending[64];
  farside_status status = far_sqlite_connect_new(my);
  if (status != FARSIDE_CORRUPT)
    return status;
  far_sqlite_disconnect(my);
  my->keeps_log = false;
  if (!choose_ending(my, ending))
    return cannot_move(my);
  status = move_aside(my, ending);
  return status == FARSIDE_OK ? far_sqlite_connect_new(my) : status;
}

// Goes on from whatever has been done of it already.
static farside_status go_on(far_sqlite *my, bool is_moved, const char *ending,
                            salvage *s) {
  char aside[PATH_MAX];
  farside_status status = FARSIDE_OK;
  if (!name_aside(my, ending, "", aside))
    return cannot_move(my);
  if (!is_moved)
    status = move_aside(my, ending);
  if (status == FARSIDE_OK && !is_moved && !note(my, NOTE_FILL, ending))
    return cannot_move(my);
  my->keeps_log = false;
  if (status == FARSIDE_OK)
    status = connect_new(my);
  if (status == FARSIDE_OK)
    status = fill(my, aside, s);
  if (status == FARSIDE_OK && !far_owner_note(&my->owner, ""))
    return cannot_move(my);
  return status;
}

static farside_status recover(far_sqlite *my, bool is_moved, const char *ending,
                              char *report, size_t bytes) {
  salvage s = {0};
  farside_status status = go_on(my, is_moved, ending, &s);
  if (status == FARSIDE_OK) {
    print_report(my, &s, ending, report, bytes);
    return FARSIDE_OK;
  }
  far_sqlite_disconnect(my);
  snprintf(report, bytes, "%s", my->error);
  // That it is damaged is known; that it could not be mended is news.
  return status == FARSIDE_CORRUPT ? FARSIDE_STORE : status;
}

static bool has_note(const far_sqlite *my, const char *word) {
  return strncmp(my->owner.note, word, strlen(word)) == 0;
}

bool far_sqlite_is_unfinished(const far_sqlite *my) {
  return has_note(my, NOTE_MOVE) || has_note(my, NOTE_FILL);
}

farside_status far_sqlite_resume(far_sqlite *my, char *report, size_t bytes) {
  char ending[FAR_OWNER_NOTE_BYTES];
  snprintf(ending, sizeof ending, "%s", my->owner.note + strlen(NOTE_MOVE));
  return recover(my, has_note(my, NOTE_FILL), ending, report, bytes);
}

farside_status far_sqlite_recover(far_sqlite *my, char *report, size_t bytes) {
  if (my->path == NULL || my->is_readonly) {
    snprintf(report, bytes,
             "%s: only a file that is open for writing can be "
             "recovered",
             my->path ? my->path : "the store in memory");
    return FARSIDE_UNSUPPORTED;
  }
  char ending[64];
  my->keeps_log = true;
  far_sqlite_disconnect(my);
  if (choose_ending(my, ending) && note(my, NOTE_MOVE, ending))
    return recover(my, false, ending, report, bytes);
  farside_status status = cannot_move(my);
  snprintf(report, bytes, "%s", my->error);
  return status;
}
