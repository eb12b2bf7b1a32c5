#include "store_kit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int kit_passed, kit_failed;

void kit_check(bool is_true, const char *what, const char *detail, int line) {
  kit_passed += is_true;
  kit_failed += !is_true;
  if (!is_true)
    printf("not ok: line %d: %s %s\n", line, what, detail);
}

void kit_check_ok(farside_status status, const char *what, int line) {
  kit_check(status == FARSIDE_OK, what, farside_status_name(status), line);
}

// -- A folder -----------------------------------------------------------------

static char folder[256];

void kit_begin(const char *name) {
  // In memory, where there is such a place: a sync costs nothing there.
  const char *parent = getenv("TMPDIR");
  if (parent == NULL || *parent == '\0')
    parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(folder, sizeof folder, "%.200s/%s-XXXXXX", parent, name);
  if (mkdtemp(folder) == NULL) {
    perror(folder);
    exit(1);
  }
}

const char *kit_path(const char *name) {
  static char paths[64][512];
  char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  for (size_t i = 0; i < ROWS(paths); i++) {
    if (paths[i][0] == '\0')
      memcpy(paths[i], path, sizeof path);
    if (strcmp(paths[i], path) == 0)
      return paths[i];
  }
  printf("too many paths\n");
  abort();
}

// Calls `see` for every name in the folder.
static void each_name(void (*see)(const char *name, void *user), void *user) {
  DIR *open = opendir(folder);
  if (open == NULL)
    return;
  for (struct dirent *entry; (entry = readdir(open)) != NULL;)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      see(entry->d_name, user);
  closedir(open);
}

static void delete_name(const char *name, void *user) {
  char path[1024];
  (void)user;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (unlink(path) != 0)
    rmdir(path);
}

void kit_clear(void) {
  each_name(delete_name, NULL);
}

typedef struct prefix {
  const char *text;
  int count;
  char shortest[256];
} prefix;

static void count_name(const char *name, void *user) {
  prefix *counted = user;
  if (strncmp(name, counted->text, strlen(counted->text)) != 0)
    return;
  if (counted->count++ == 0 || strlen(name) < strlen(counted->shortest))
    snprintf(counted->shortest, sizeof counted->shortest, "%s", name);
}

int kit_count(const char *text) {
  prefix counted = {.text = text};
  each_name(count_name, &counted);
  return counted.count;
}

bool kit_find(const char *text, char *path, size_t bytes) {
  prefix found = {.text = text};
  each_name(count_name, &found);
  snprintf(path, bytes, "%s/%s", folder, found.shortest);
  return found.count > 0;
}

bool kit_exists(const char *path) {
  return kit_bytes(path) >= 0;
}

int64_t kit_bytes(const char *path) {
  struct stat found;
  return stat(path, &found) == 0 ? (int64_t)found.st_size : -1;
}

int kit_end(void) {
  kit_clear();
  rmdir(folder);
  printf("%d passed, %d failed\n", kit_passed, kit_failed);
  return kit_failed == 0 ? 0 : 1;
}

// -- Chance -------------------------------------------------------------------

uint64_t kit_next(kit_random *random) {
  uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

uint64_t kit_below(kit_random *random, uint64_t most) {
  return kit_next(random) % most;
}

// -- Records ------------------------------------------------------------------

void kit_set(far_memory *memory, char **field, const char *text) {
  if (!far_work_set(memory, field, text))
    abort();
}

far_work kit_work(far_memory *memory, const char *script, const char *kind) {
  far_work work = {0};
  kit_set(memory, &work.script, script);
  kit_set(memory, &work.kind, kind);
  return work;
}

// NULL, empty, a few letters, or a long one; in every alphabet.
static void set_any(far_memory *memory, kit_random *random, char **field,
                    bool may_be_null) {
  static const char *const texts[] = {
      "", "a", "{\"a\":[1,2,3]}", "Grüße, 世界", "it's \"quoted\"; --", "0"};
  uint64_t which = kit_below(random, ROWS(texts) + 3);
  if (which == 0 && may_be_null) {
    kit_set(memory, field, NULL);
  } else if (which <= 1) {
    char text[3000];
    size_t bytes = (size_t)kit_below(random, sizeof text);
    for (size_t i = 0; i < bytes; i++)
      text[i] = (char)(1 + kit_below(random, 126));
    text[bytes] = '\0';
    kit_set(memory, field, text);
  } else {
    kit_set(memory, field, texts[which % ROWS(texts)]);
  }
}

// The least and the greatest too.
static int64_t any_number(kit_random *random) {
  switch (kit_below(random, 8)) {
  case 0:
    return 0;
  case 1:
    return INT64_MAX;
  case 2:
    return INT64_MIN;
  default:
    return (int64_t)(kit_next(random) >> kit_below(random, 64));
  }
}

far_work kit_any_work(far_memory *memory, kit_random *random) {
  far_work work = {0};
#define ANY_TEXT(column, field)         set_any(memory, random, &work.field, true);
#define ANY_NUMBER(type, column, field) work.field = (type)any_number(random);
  FAR_COLUMN_MAP(ANY_TEXT, ANY_NUMBER)
  set_any(memory, random, &work.script, false);
  set_any(memory, random, &work.kind, false);
  set_any(memory, random, &work.input, true);
  set_any(memory, random, &work.checkpoint, true);
  set_any(memory, random, &work.progress, true);
  set_any(memory, random, &work.output, true);
  kit_set(memory, &work.tags, kit_below(random, 2) ? "red\nblue\n" : NULL);
  work.needs = (unsigned)kit_below(random, FAR_NEEDS_ALL + 1);
  work.expedite = (far_expedite)kit_below(random, FAR_EXPEDITES);
  work.on_parent_fail = (far_parent_fail)kit_below(random, FAR_PARENT_FAILS);
  work.rules.backoff = (far_backoff)kit_below(random, FAR_BACKOFFS);
  work.missed = (far_missed)kit_below(random, FAR_MISSEDS);
  work.state = (far_work_state)kit_below(random, FAR_WORK_STATES);
  work.reason = (far_reason)kit_below(random, FAR_REASONS);
  return work;
}

static bool same_text(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool kit_same(const far_work *a, const far_work *b) {
  bool is_same = a->id == b->id;
#define SAME_TEXT(column, field)                                               \
  is_same = is_same && same_text(a->field, b->field);
#define SAME_NUMBER(type, column, field)                                       \
  is_same = is_same && a->field == b->field;
  FAR_COLUMN_MAP(SAME_TEXT, SAME_NUMBER)
  return is_same && same_text(a->input, b->input) &&
         same_text(a->checkpoint, b->checkpoint) &&
         same_text(a->progress, b->progress) && same_text(a->output, b->output);
}

bool kit_same_run(const far_run *a, const far_run *b) {
  return a->work == b->work && a->token == b->token &&
         a->attempt == b->attempt && a->slot_ms == b->slot_ms &&
         a->begun_ms == b->begun_ms && a->ended_ms == b->ended_ms &&
         a->end == b->end && same_text(a->why, b->why);
}

// -- Memory -------------------------------------------------------------------

void *kit_allocate(void *user, void *ptr, size_t bytes_old, size_t bytes_new) {
  kit_heap *heap = user;
  size_t old = ptr != NULL ? bytes_old : 0;
  if (bytes_new > old && heap->fail_at != 0) {
    heap->count++;
    if (heap->count == heap->fail_at ||
        (heap->fails_on && heap->count > heap->fail_at)) {
      heap->refused++;
      return NULL;
    }
  }
  heap->used_bytes += bytes_new - old;
  if (bytes_new == 0) {
    free(ptr);
    return NULL;
  }
  void *block = realloc(ptr, bytes_new);
  if (block == NULL)
    abort();
  return block;
}

// -- Another's eyes -----------------------------------------------------------

static void ask_file(const char *path, const char *sql, int64_t *number,
                     char *text, size_t bytes) {
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;
  *number = -1;
  text[0] = '\0';
  if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
      sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
      sqlite3_step(stmt) == SQLITE_ROW) {
    *number = sqlite3_column_int64(stmt, 0);
    const char *found = (const char *)sqlite3_column_text(stmt, 0);
    snprintf(text, bytes, "%s", found ? found : "");
  }
  sqlite3_finalize(stmt);
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  sqlite3_close(db);
}

int64_t kit_sql(const char *path, const char *sql) {
  int64_t number;
  char text[64];
  ask_file(path, sql, &number, text, sizeof text);
  return number;
}

bool kit_is_whole(const char *path) {
  int64_t number;
  char text[256];
  ask_file(path, "PRAGMA integrity_check(1)", &number, text, sizeof text);
  if (strcmp(text, "ok") != 0)
    printf("        it says: %s\n", text);
  return strcmp(text, "ok") == 0;
}
