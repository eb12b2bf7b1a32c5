// The store when everything else fails: the disk at any operation, the power,
// bits of the file, memory. Whatever was acknowledged is there, and nothing
// half; nothing crashes; what a salvage returns is what was written.
//
// STORE_FAULTS=10 makes ten times as much of it; 128 leaves out nothing.

#include "store_disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static far_memory memory;
static int times = 1;

#define FILE_NAME "s.db"

// -- What a store holds, as a number ------------------------------------------

typedef struct digest {
  uint64_t hash;
  farside_status status;
} digest;

static void mix(digest *all, const void *bytes, size_t count) {
  const unsigned char *at = bytes;
  for (size_t i = 0; i < count; i++)
    all->hash = (all->hash ^ at[i]) * UINT64_C(1099511628211);
}

static void mix_number(digest *all, int64_t number) {
  mix(all, &number, sizeof number);
}

static void mix_text(digest *all, const char *text) {
  mix_number(all, text ? (int64_t)strlen(text) : -1);
  if (text != NULL)
    mix(all, text, strlen(text));
}

static void mix_work(digest *all, const far_work *work) {
  mix_number(all, work->id);
#define MIX_TEXT(column, field)         mix_text(all, work->field);
#define MIX_NUMBER(type, column, field) mix_number(all, (int64_t)work->field);
  FAR_COLUMN_MAP(MIX_TEXT, MIX_NUMBER)
  mix_text(all, work->input);
  mix_text(all, work->checkpoint);
  mix_text(all, work->progress);
  mix_text(all, work->output);
}

static void mix_run(digest *all, const far_run *run) {
  const int64_t numbers[] = {run->work,        run->token,    run->attempt,
                             run->slot_ms,     run->begun_ms, run->ended_ms,
                             (int64_t)run->end};
  mix(all, numbers, sizeof numbers);
  mix_text(all, run->why);
}

// Ids of a search.
static void mix_find(far_store *store, digest *all, far_find find) {
  farside_status status;
  far_work work = {0};
  while ((status = store->find(store, &find, &work)) == FARSIDE_OK) {
    mix_number(all, work.id);
    far_work_deinit(&memory, &work);
  }
  mix_number(all, -1);
  if (status != FARSIDE_NOWORK)
    all->status = status;
}

static void mix_unit(far_store *store, digest *all, const far_work *work) {
  int64_t parents[FAR_WORK_PARENTS_MAX];
  size_t count;
  farside_status status = store->parents(store, work->id, parents, &count);
  if (status != FARSIDE_OK)
    all->status = status;
  else
    mix(all, parents, count * sizeof *parents);
  far_run run = {0};
  int64_t token = INT64_MAX;
  while ((status = store->run_before(store, work->id, token, &run)) ==
         FARSIDE_OK) {
    mix_run(all, &run);
    token = run.token;
    far_run_deinit(&memory, &run);
  }
  if (status != FARSIDE_NOWORK)
    all->status = status;
  mix_find(store, all, (far_find){.by = FAR_FIND_CHILDREN, .id = work->id});
}

static void mix_ready(far_store *store, digest *all) {
  far_class found = {0};
  int64_t after = 0;
  farside_status status;
  while ((status = store->next_class(store, after, &found)) == FARSIDE_OK) {
    after = found.id;
    far_class_deinit(&memory, &found);
    mix_find(store, all, (far_find){.by = FAR_FIND_READY, .class_id = after});
  }
  if (status != FARSIDE_NOWORK)
    all->status = status;
}

static void mix_values(far_store *store, digest *all) {
  char *key = NULL, *json;
  size_t bytes = 0, length;
  farside_status status;
  while ((status = store->value_next(store, "app", "", 0, &key, &bytes)) ==
         FARSIDE_OK) {
    mix(all, key, bytes);
    status = store->value_get(store, "app", key, bytes, &json, &length);
    if (status != FARSIDE_OK)
      all->status = status;
    else
      mix(all, json, length);
    far_free(&memory, json, length + 1);
  }
  if (status != FARSIDE_NOWORK)
    all->status = status;
}

// All that can be seen of a store. What is derived from rows is looked at too,
// so it must be what it was as well.
static digest digest_of(far_store *store) {
  digest all = {.hash = UINT64_C(14695981039346656037)};
  far_find find = {.by = FAR_FIND_FILTER, .state = -1};
  far_work work = {0};
  farside_status status;
  while ((status = store->find(store, &find, &work)) == FARSIDE_OK) {
    mix_work(&all, &work);
    mix_unit(store, &all, &work);
    far_work_deinit(&memory, &work);
  }
  if (status != FARSIDE_NOWORK)
    all.status = status;
  mix_ready(store, &all);
  mix_values(store, &all);
  mix_find(store, &all, (far_find){.by = FAR_FIND_WAITING, .until_ms = 99999});
  mix_find(store, &all, (far_find){.by = FAR_FIND_RUNNING});
  mix_find(store, &all,
           (far_find){.by = FAR_FIND_FILTER, .state = -1, .tag = "red"});
  mix_find(store, &all,
           (far_find){.by = FAR_FIND_UNIQUE, .script = "app", .unique = "u3"});
  int64_t counts[FAR_WORK_STATES] = {0}, numbers[4] = {0};
  if ((status = store->count(store, NULL, counts)) != FARSIDE_OK ||
      (status = store->value_bytes(store, "app", &numbers[0])) != FARSIDE_OK ||
      (status = store->number_get(store, "tag", &numbers[1])) != FARSIDE_OK ||
      (status = store->last_tag(store, "app", "g", &numbers[2])) != FARSIDE_OK)
    all.status = status;
  mix(&all, counts, sizeof counts);
  mix(&all, numbers, sizeof numbers);
  return all;
}

// -- A life of a store --------------------------------------------------------

enum { STATES_MAX = 32 };

// What was acknowledged, in order.
typedef struct ledger {
  uint64_t states[STATES_MAX];
  bool is_durable[STATES_MAX];
  int count;
  // A commit that failed may have reached the disk, or not.
  uint64_t maybe;
  bool has_maybe;
} ledger;

typedef struct life {
  far_store *store;
  const char *path, *vfs;
  ledger book;
  int failures;
} life;

static farside_status insert_units(life *my) {
  far_store *store = my->store;
  farside_status status = FARSIDE_OK;
  int64_t parents[3] = {0};
  size_t count = 0;
  for (int i = 0; i < 10 && status == FARSIDE_OK; i++) {
    char name[16];
    snprintf(name, sizeof name, "u%d", i);
    far_work work = {0};
    if (!far_work_set(&memory, &work.script, "app") ||
        !far_work_set(&memory, &work.kind, i % 2 ? "sync" : "upload") ||
        !far_work_set(&memory, &work.input, "{\"a\":[1,2,3]}") ||
        !far_work_set(&memory, &work.unique, i % 3 ? NULL : name) ||
        !far_work_set(&memory, &work.tags, i % 4 ? "red\nblue\n" : NULL))
      status = FARSIDE_NOMEM;
    work.state = count > 2 && i % 2 ? FAR_WORK_BLOCKED : FAR_WORK_ENQUEUED;
    work.run_at_ms = 10 - i;
    work.deadline_ms = i * 100;
    bool is_child = work.state == FAR_WORK_BLOCKED;
    if (status == FARSIDE_OK)
      status =
          store->insert(store, &work, parents, is_child ? count : 0, false);
    parents[i % 3] = work.id;
    count = i < 3 ? (size_t)i + 1 : 3;
    far_work_deinit(&memory, &work);
  }
  return status;
}

// Calls `change` for what a search finds, and saves it.
static farside_status change_each(life *my, far_find find, int most,
                                  farside_status (*change)(far_store *store,
                                                           far_work *work)) {
  farside_status status = FARSIDE_OK;
  while (most-- > 0 && status == FARSIDE_OK) {
    far_work work = {0};
    status = my->store->find(my->store, &find, &work);
    if (status == FARSIDE_OK)
      status = change(my->store, &work);
    far_work_deinit(&memory, &work);
  }
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static farside_status make_ready(far_store *store, far_work *work) {
  work->rank = -work->id;
  work->tag = work->id;
  if (!far_work_set(&memory, &work->group, "g"))
    return FARSIDE_NOMEM;
  return store->save(store, work, true);
}

static farside_status ready_units(life *my) {
  return change_each(my, (far_find){.by = FAR_FIND_WAITING, .until_ms = 8}, 20,
                     make_ready);
}

static farside_status start(far_store *store, far_work *work) {
  work->state = FAR_WORK_RUNNING;
  work->token++;
  farside_status status = store->save(store, work, false);
  if (status != FARSIDE_OK)
    return status;
  return store->run_begin(
      store, &(far_run){.work = work->id, .token = work->token, .attempt = 1});
}

static farside_status start_units(life *my) {
  far_class found = {0};
  farside_status status = my->store->next_class(my->store, 0, &found);
  int64_t id = found.id;
  far_class_deinit(&memory, &found);
  if (status != FARSIDE_OK)
    return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
  return change_each(my, (far_find){.by = FAR_FIND_READY, .class_id = id}, 5,
                     start);
}

static farside_status save_checkpoint(far_store *store, far_work *work) {
  char text[3000];
  memset(text, 'c', sizeof text);
  text[sizeof text - 1] = '\0';
  farside_status status = store->checkpoint(store, work->id, work->token, text);
  return status == FARSIDE_OK
             ? store->progress(store, work->id, work->token, "0.5")
             : status;
}

static farside_status checkpoint_units(life *my) {
  return change_each(my, (far_find){.by = FAR_FIND_RUNNING}, 3,
                     save_checkpoint);
}

static farside_status finish(far_store *store, far_work *work) {
  far_run run = {.work = work->id,
                 .token = work->token,
                 .attempt = 1,
                 .ended_ms = 7,
                 .end = FAR_RUN_SUCCEEDED};
  work->state = FAR_WORK_SUCCEEDED;
  work->since_ms = work->id % 2 ? 0 : 100000;
  if (!far_work_set(&memory, &work->output, "{\"ok\":true}") ||
      !far_work_set(&memory, &work->checkpoint, NULL))
    return FARSIDE_NOMEM;
  farside_status status = store->save_run(store, work, work->token, false);
  return status == FARSIDE_OK ? store->run_end(store, &run) : status;
}

static farside_status finish_units(life *my) {
  return change_each(my, (far_find){.by = FAR_FIND_RUNNING}, 4, finish);
}

static farside_status cancel(far_store *store, far_work *work) {
  work->state = FAR_WORK_CANCELLED;
  work->since_ms = 5 * (work->id % 4);
  return store->save(store, work, false);
}

static farside_status cancel_blocked(life *my) {
  return change_each(
      my, (far_find){.by = FAR_FIND_FILTER, .state = FAR_WORK_BLOCKED}, 99,
      cancel);
}

static farside_status set_values(life *my) {
  far_store *store = my->store;
  farside_status status = FARSIDE_OK;
  for (int i = 0; i < 8 && status == FARSIDE_OK; i++) {
    char json[6000];
    size_t bytes = (size_t)(i * 700 + 2);
    memset(json, 'v', bytes);
    status = store->value_set(store, "app", &"k\0abcdefgh"[i], (size_t)(8 - i),
                              json, bytes);
  }
  if (status == FARSIDE_OK)
    status = store->mark(store);
  if (status == FARSIDE_OK)
    status = store->value_clear(store, "app");
  if (status == FARSIDE_OK)
    status = store->undo(store);
  if (status == FARSIDE_OK)
    status = store->value_remove(store, "app", "h", 1);
  int64_t number = 0;
  if (status == FARSIDE_OK || status == FARSIDE_NOWORK)
    status = store->number_get(store, "tag", &number);
  return status == FARSIDE_OK ? store->number_set(store, "tag", number + 1)
                              : status;
}

static farside_status prune_units(life *my) {
  int64_t count;
  return my->store->prune(my->store, NULL, 10, 100, &count);
}

// A failed write has ended the transaction, and says which file it was.
static void check_failure(life *my, farside_status status) {
  my->failures++;
  bool is_expected = status == FARSIDE_STORE || status == FARSIDE_FULL ||
                     status == FARSIDE_NOMEM;
  kit_check(is_expected, farside_status_name(status),
            my->store->error(my->store), __LINE__);
  kit_check(status == FARSIDE_NOMEM ||
                strstr(my->store->error(my->store), my->path) != NULL,
            "the file is named", my->store->error(my->store), __LINE__);
}

static void step(life *my, bool is_durable, farside_status (*act)(life *my)) {
  far_store *store = my->store;
  if (store == NULL)
    return;
  farside_status status = store->begin(store, is_durable);
  if (status == FARSIDE_OK)
    status = act(my);
  digest seen = {0};
  if (status == FARSIDE_OK) {
    seen = digest_of(store); // What it will hold, seen from within.
    status = seen.status;
  }
  if (status != FARSIDE_OK) {
    check_failure(my, status);
    store->rollback(store);
    check(!store->is_open(store));
    return;
  }
  status = store->commit(store);
  check(!store->is_open(store));
  ledger *book = &my->book;
  if (status == FARSIDE_OK) {
    book->is_durable[book->count] = is_durable;
    book->states[book->count++] = seen.hash;
    book->has_maybe = false;
  } else {
    check_failure(my, status);
    book->maybe = seen.hash;
    book->has_maybe = true;
  }
}

static void open_store(life *my) {
  char error[1024];
  far_store_config config = {.path = my->path, .vfs = my->vfs};
  for (int i = 0; i < 2 && my->store == NULL; i++) {
    farside_status status = far_store_open_sqlite(&memory, &config, &my->store,
                                                  error, sizeof error);
    bool is_expected = status == FARSIDE_OK || status == FARSIDE_STORE ||
                       status == FARSIDE_FULL || status == FARSIDE_NOMEM ||
                       status == FARSIDE_NOFILE;
    kit_check(is_expected, farside_status_name(status), error, __LINE__);
    kit_check((status == FARSIDE_OK) == (error[0] == '\0'), "a sentence", error,
              __LINE__);
    my->failures += status != FARSIDE_OK;
  }
}

static void close_store(life *my) {
  far_store_close(my->store);
  my->store = NULL;
}

static void live(life *my) {
  open_store(my);
  step(my, true, insert_units);
  step(my, false, set_values);
  step(my, true, ready_units);
  step(my, true, start_units);
  if (my->store != NULL)
    my->store->idle(my->store);
  step(my, false, insert_units);
  step(my, false, checkpoint_units);
  step(my, true, finish_units);
  step(my, false, set_values);
  step(my, false, cancel_blocked);
  step(my, false, prune_units);
  close_store(my);
  open_store(my);
  step(my, false, ready_units);
  step(my, true, start_units);
  if (my->store != NULL)
    my->store->idle(my->store);
  step(my, true, finish_units);
  close_store(my);
}

static uint64_t empty_state;

static life new_life(const char *vfs) {
  kit_clear();
  life my = {.path = kit_path(FILE_NAME), .vfs = vfs};
  my.book.states[0] = empty_state;
  my.book.is_durable[0] = true;
  my.book.count = 1;
  return my;
}

static digest digest_at(const char *path, char *error, size_t bytes) {
  far_store *store;
  far_store_config config = {.path = path};
  digest seen = {
      .status = far_store_open_sqlite(&memory, &config, &store, error, bytes)};
  if (seen.status == FARSIDE_OK)
    seen = digest_of(store);
  far_store_close(store);
  return seen;
}

// Without faults again: from the state `least` on one of what was acknowledged,
// or what was about to be.
static void check_book(const life *my, int least, const char *what, int64_t n) {
  char error[1024], detail[1100];
  digest seen = digest_at(my->path, error, sizeof error);
  const ledger *book = &my->book;
  // A first page that was torn before there ever was a store is set aside.
  bool was_made = book->count > 1 || kit_count(FILE_NAME ".corrupt") == 0;
  bool is_right = book->has_maybe && seen.hash == book->maybe;
  for (int i = least; i < book->count; i++)
    is_right = is_right || seen.hash == book->states[i];
  snprintf(detail, sizeof detail, "(%s, %" PRId64 ") %s %s", what, n,
           farside_status_name(seen.status), error);
  kit_check(seen.status == FARSIDE_OK && (error[0] == '\0' || !was_made),
            "it opens", detail, __LINE__);
  kit_check(is_right, "it holds what was acknowledged", detail, __LINE__);
  kit_check(kit_is_whole(my->path), "it is whole", detail, __LINE__);
  kit_check(kit_count(FILE_NAME ".corrupt") == 0 || !was_made,
            "nothing was set aside", detail, __LINE__);
  kit_check(memory.used_bytes == 0, "no byte is left", detail, __LINE__);
}

static void test_without_faults(void) {
  life my = new_life(disk_name);
  char error[256];
  empty_state = digest_at(my.path, error, sizeof error).hash;
  my = new_life(disk_name);
  live(&my);
  check(my.failures == 0 && my.book.count == 14);
  for (int i = 2; i < my.book.count; i++)
    check(my.book.states[i] != my.book.states[i - 1]);
  check_book(&my, my.book.count - 1, "no faults", 0);
}

// -- The disk -----------------------------------------------------------------

// Some of the operations, from another one on each time.
static int64_t first_of(int64_t stride) {
  static int64_t calls;
  return 1 + calls++ * 5 % stride;
}

static int64_t fail_each(disk_fault fault, bool fails_on, const char *what) {
  int64_t stride = times < 16 ? 16 / times : 1;
  for (int64_t n = first_of(stride);; n += stride) {
    life my = new_life(disk_name);
    disk_begin(fault, n, fails_on);
    live(&my);
    bool has_failed = disk_has_failed();
    disk_end();
    check_book(&my, my.book.count - 1, what, n);
    if (!has_failed)
      return n / stride;
  }
}

static void test_disk(void) {
  static const struct {
    disk_fault fault;
    bool fails_on;
    const char *what;
  } faults[] = {
      {DISK_EIO, false, "an I/O error, once"},
      {DISK_EIO, true, "I/O errors, for good"},
      {DISK_ENOSPC, false, "a full disk, once"},
      {DISK_ENOSPC, true, "a full disk, for good"},
  };
  for (size_t i = 0; i < ROWS(faults); i++)
    printf("ok %s: at %" PRId64 " operations\n", faults[i].what,
           fail_each(faults[i].fault, faults[i].fails_on, faults[i].what));
}

static void write_file(const char *path, const unsigned char *data,
                       int64_t bytes) {
  FILE *file = fopen(path, "wb");
  if (file == NULL || fwrite(data, 1, (size_t)bytes, file) != (size_t)bytes)
    abort();
  fclose(file);
}

// The side file of one who was here before, with his note.
static void was_here(const char *note) {
  char text[64];
  int bytes = snprintf(text, sizeof text, "farside -\n%s", note);
  write_file(kit_path(FILE_NAME ".lock"), (const unsigned char *)text, bytes);
}

// -- The power ----------------------------------------------------------------

static int last_durable(const ledger *book) {
  int last = 0;
  for (int i = 0; i < book->count; i++)
    if (book->is_durable[i])
      last = i;
  return last;
}

static int64_t cut_each(disk_loss loss, uint64_t seed, const char *what) {
  int64_t stride = times < 16 ? 16 / times : 1;
  for (int64_t n = first_of(stride);; n += stride) {
    life my = new_life(disk_name);
    kit_random random = {.state = seed * 1000003 + (uint64_t)n};
    disk_begin(DISK_POWER, n, true);
    live(&my);
    bool has_failed = disk_has_failed();
    if (has_failed)
      disk_after_power_cut(loss, &random);
    disk_end();
    unlink(kit_path(FILE_NAME "-shm"));
    if (!kit_exists(kit_path(FILE_NAME ".lock")))
      was_here(""); // Of which it was synced that it is there.
    check_book(&my, last_durable(&my.book), what, n);
    if (!has_failed)
      return n / stride;
  }
}

static void test_power(void) {
  static const char *const what[DISK_LOSSES] = {
      "the power goes, and all that was not synced",
      "the power goes, and some of what was not synced",
      "the power goes, and writes are torn",
  };
  for (int loss = 0; loss < DISK_LOSSES; loss++) {
    int seeds = loss == DISK_LOSES_ALL ? 1 : times < 10 ? 2 * times : 20;
    int64_t count = 0;
    for (int seed = 1; seed <= seeds; seed++)
      count += cut_each((disk_loss)loss, (uint64_t)seed, what[loss]);
    printf("ok %s: after %" PRId64 " operations\n", what[loss], count);
  }
}

// -- Memory -------------------------------------------------------------------

// Ours is refused.
static void live_short(kit_heap *heap) {
  far_memory_init(&memory, kit_allocate, heap);
  life my = new_life(NULL);
  live(&my);
  kit_check(heap->used_bytes == 0, "no byte is left", "", __LINE__);
  far_memory_init(&memory, NULL, NULL);
  check_book(&my, my.book.count - 1, "memory", (int64_t)heap->fail_at);
}

static void test_memory(void) {
  int64_t stride = times < 64 ? 64 / times : 1, count = 0;
  for (int fails_on = 0; fails_on < 2; fails_on++) {
    for (int64_t n = first_of(stride);; n += stride, count++) {
      kit_heap heap = {.fail_at = (size_t)n, .fails_on = fails_on};
      live_short(&heap);
      if (heap.refused == 0)
        break;
    }
  }
  printf("ok memory of ours is short: at %" PRId64 " allocations\n", count);
}

// SQLite's is.
static sqlite3_mem_methods real_memory;
static struct {
  int64_t fail_at, count;
  bool fails_on, has_failed;
} shortage;

static bool is_short(void) {
  if (shortage.fail_at == 0)
    return false;
  shortage.count++;
  bool is = shortage.count == shortage.fail_at ||
            (shortage.fails_on && shortage.count > shortage.fail_at);
  shortage.has_failed |= is;
  return is;
}

static void *sqlite_malloc(int bytes) {
  return is_short() ? NULL : real_memory.xMalloc(bytes);
}

static void *sqlite_realloc(void *block, int bytes) {
  return is_short() ? NULL : real_memory.xRealloc(block, bytes);
}

static void install_memory(void) {
  sqlite3_mem_methods mine;
  if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory) != SQLITE_OK)
    abort();
  mine = real_memory;
  mine.xMalloc = sqlite_malloc;
  mine.xRealloc = sqlite_realloc;
  if (sqlite3_config(SQLITE_CONFIG_MALLOC, &mine) != SQLITE_OK)
    abort();
}

static void test_sqlite_memory(void) {
  int64_t count = 0;
  kit_random random = {.state = 3};
  for (int fails_on = 0; fails_on < 2; fails_on++) {
    for (int64_t n = 1;; count++) {
      life my = new_life(NULL);
      shortage.fail_at = n;
      shortage.fails_on = fails_on;
      shortage.count = 0;
      shortage.has_failed = false;
      live(&my);
      bool has_failed = shortage.has_failed;
      shortage.fail_at = 0;
      check_book(&my, my.book.count - 1, "SQLite's memory", n);
      if (!has_failed)
        break;
      n += 1 + (int64_t)kit_below(&random, (uint64_t)(1200 / times + 1));
    }
  }
  printf("ok memory of SQLite's is short: at %" PRId64 " allocations\n", count);
}

// -- Damage -------------------------------------------------------------------

enum { UNITS = 160, VALUES = 40, PAGE_BYTES = 4096 };

// What was written, by id and by number of the value.
typedef struct truth {
  uint64_t units[UNITS + 1];
  uint64_t begun[UNITS + 1]; // Without its checkpoint, which may be lost.
  unsigned char *file, *log;
  int64_t file_bytes, log_bytes;
} truth;

static unsigned char *read_file(const char *path, int64_t *bytes) {
  FILE *file = fopen(path, "rb");
  *bytes = kit_bytes(path);
  if (file == NULL)
    return NULL;
  unsigned char *data = malloc((size_t)*bytes + 1);
  if (fread(data, 1, (size_t)*bytes, file) != (size_t)*bytes)
    abort();
  fclose(file);
  return data;
}

// Its row, its parents and its runs.
static digest digest_unit(far_store *store, const far_work *work) {
  digest all = {.hash = UINT64_C(14695981039346656037)};
  mix_work(&all, work);
  int64_t parents[FAR_WORK_PARENTS_MAX];
  size_t count;
  all.status = store->parents(store, work->id, parents, &count);
  if (all.status == FARSIDE_OK)
    mix(&all, parents, count * sizeof *parents);
  return all;
}

static size_t value_json(int i, char json[9000]) {
  size_t bytes = (size_t)(i % 5 == 0 ? 8000 : 20) + (size_t)i;
  memset(json, 'a' + i % 26, bytes);
  return bytes;
}

static int64_t make_unit(far_store *store, int i, size_t input_bytes) {
  far_work work = kit_work(&memory, "app", i % 2 ? "sync" : "upload");
  char input[12001], unique[16];
  memset(input, 'i', sizeof input);
  input[i % 3 ? input_bytes : 20] = '\0';
  snprintf(unique, sizeof unique, "u%d", i);
  kit_set(&memory, &work.input, input);
  kit_set(&memory, &work.unique, i % 3 ? NULL : unique);
  kit_set(&memory, &work.tags, i % 4 ? "red\nblue\n" : NULL);
  work.run_at_ms = 1000 - i;
  check_ok(store->insert(store, &work, (int64_t[]){i, i / 2 + 1}, i > 4 ? 2 : 0,
                         false));
  work.state = (far_work_state)(i % FAR_WORK_STATES);
  work.keep_ms = INT64_MAX;
  kit_set(&memory, &work.checkpoint, i % 7 ? NULL : "{\"part\":1}");
  kit_set(&memory, &work.output, far_work_is_final(&work) ? "true" : NULL);
  check_ok(store->save(store, &work, i % 12 == 0));
  check_ok(store->run_begin(store, &(far_run){.work = work.id, .token = 1}));
  int64_t id = work.id;
  far_work_deinit(&memory, &work);
  return id;
}

// A small file is checked as a whole when it is opened, a large one is not.
static truth make_truth(bool is_large, bool has_log) {
  truth all = {0};
  kit_clear();
  char error[256];
  far_store *store;
  far_store_config config = {.path = kit_path(FILE_NAME)};
  check_ok(
      far_store_open_sqlite(&memory, &config, &store, error, sizeof error));
  check_ok(store->begin(store, true));
  for (int i = 0; i < UNITS; i++) {
    if (i == UNITS / 2) {
      check_ok(store->commit(store));
      store->idle(store);
      check_ok(store->begin(store, true));
    }
    make_unit(store, i, is_large ? 12000 : 200);
  }
  for (int i = 0; i < VALUES; i++) {
    char json[9000], key[16];
    size_t bytes = value_json(i, json);
    snprintf(key, sizeof key, "k%d", i);
    check_ok(store->value_set(store, "app", key, strlen(key) + 1, json, bytes));
  }
  check_ok(store->number_set(store, "tag", 12345));
  check_ok(store->commit(store));
  far_find find = {.by = FAR_FIND_FILTER, .state = -1};
  far_work work = {0};
  while (store->find(store, &find, &work) == FARSIDE_OK) {
    all.units[work.id] = digest_unit(store, &work).hash;
    kit_set(&memory, &work.checkpoint, NULL);
    all.begun[work.id] = digest_unit(store, &work).hash;
    far_work_deinit(&memory, &work);
  }
  if (!has_log)
    store->idle(store);
  all.file = read_file(kit_path(FILE_NAME), &all.file_bytes);
  all.log = read_file(kit_path(FILE_NAME "-wal"), &all.log_bytes);
  far_store_close(store);
  check((all.file_bytes + all.log_bytes > 300 * PAGE_BYTES) == is_large);
  check((all.log_bytes > 0) == has_log);
  return all;
}

typedef enum damage {
  FLIPS,
  FLIPS_IN_A_HEADER,
  ZEROED_PAGE,
  ZEROED_PAGES,
  GARBAGE_PAGE,
  SWAPPED_PAGES,
  TRUNCATED,
  OLD_PAGE, // Of another place, as if a write had gone astray.
  FIRST_PAGE,
  DAMAGES
} damage;

static void damage_bytes(unsigned char *data, int64_t *bytes, damage how,
                         kit_random *random) {
  uint64_t all = (uint64_t)*bytes, pages = all / PAGE_BYTES;
  unsigned char *page = data + kit_below(random, pages) * PAGE_BYTES;
  unsigned char *other = data + kit_below(random, pages) * PAGE_BYTES;
  unsigned char kept[PAGE_BYTES];
  size_t room = (size_t)(data + *bytes - page);
  switch (how) {
  case FLIPS:
    for (uint64_t i = kit_below(random, 16) + 1; i > 0; i--)
      data[kit_below(random, all)] ^=
          (unsigned char)(1u << kit_below(random, 8));
    break;
  case FLIPS_IN_A_HEADER:
    page[kit_below(random, 100)] ^= (unsigned char)(1u << kit_below(random, 8));
    break;
  case ZEROED_PAGE:
    memset(page, 0, PAGE_BYTES);
    break;
  case ZEROED_PAGES:
    memset(page, 0, room < 8 * PAGE_BYTES ? room : 8 * PAGE_BYTES);
    break;
  case GARBAGE_PAGE:
    for (size_t i = 0; i < PAGE_BYTES; i++)
      page[i] = (unsigned char)kit_next(random);
    break;
  case SWAPPED_PAGES:
    memcpy(kept, page, PAGE_BYTES);
    memcpy(page, other, PAGE_BYTES);
    memcpy(other, kept, PAGE_BYTES);
    break;
  case TRUNCATED:
    *bytes = (int64_t)kit_below(random, all - 1) + 1;
    break;
  case OLD_PAGE:
    memcpy(page, other, PAGE_BYTES);
    break;
  default:
    memset(data, (int)kit_below(random, 256), PAGE_BYTES);
  }
}

typedef struct seen {
  int units, values;
  bool is_corrupt, is_odd;
} seen;

static void note_status(seen *all, farside_status status) {
  all->is_corrupt |= status == FARSIDE_CORRUPT;
  all->is_odd |= status != FARSIDE_OK && status != FARSIDE_NOWORK &&
                 status != FARSIDE_CORRUPT;
}

static void see_units(far_store *store, const truth *written, far_find find,
                      seen *all) {
  farside_status status;
  far_work work = {0};
  int count = 0;
  while ((status = store->find(store, &find, &work)) == FARSIDE_OK &&
         count < 2 * UNITS) {
    digest unit = digest_unit(store, &work);
    note_status(all, unit.status);
    check(unit.status != FARSIDE_OK ||
          (work.id <= UNITS && unit.hash == written->units[work.id]) ||
          (work.id <= UNITS && unit.hash == written->begun[work.id]));
    far_run run = {0};
    note_status(all, store->run_before(store, work.id, INT64_MAX, &run));
    check(run.work == 0 || (run.work == work.id && run.token == 1));
    far_run_deinit(&memory, &run);
    far_work_deinit(&memory, &work);
    count++;
  }
  check(count < 2 * UNITS);
  note_status(all, status);
  if (find.by == FAR_FIND_FILTER && find.tag == NULL)
    all->units = count;
}

// Looks at everything in every way: what is given must be what was written.
static seen see_all(far_store *store, const truth *written) {
  seen all = {0};
  static const far_find finds[] = {
      {.by = FAR_FIND_FILTER, .state = -1},
      {.by = FAR_FIND_FILTER, .state = -1, .tag = "red"},
      {.by = FAR_FIND_WAITING, .until_ms = INT64_MAX},
      {.by = FAR_FIND_RUNNING},
      {.by = FAR_FIND_CHILDREN, .id = 2},
      {.by = FAR_FIND_UNIQUE, .script = "app", .unique = "u6"},
  };
  for (size_t i = 0; i < ROWS(finds); i++)
    see_units(store, written, finds[i], &all);
  far_class found = {0};
  int64_t after = 0;
  farside_status status;
  for (int i = 0; i < 100 && (status = store->next_class(store, after,
                                                         &found)) == FARSIDE_OK;
       i++) {
    after = found.id;
    far_class_deinit(&memory, &found);
    see_units(store, written,
              (far_find){.by = FAR_FIND_READY, .class_id = after}, &all);
  }
  note_status(&all, status);
  for (int i = 0; i < VALUES; i++) {
    char expected[9000], key[16], *json;
    size_t wanted = value_json(i, expected), bytes;
    snprintf(key, sizeof key, "k%d", i);
    status =
        store->value_get(store, "app", key, strlen(key) + 1, &json, &bytes);
    check(status != FARSIDE_OK ||
          (bytes == wanted && memcmp(json, expected, bytes) == 0));
    all.values += status == FARSIDE_OK;
    note_status(&all, status);
    if (json != NULL)
      far_free(&memory, json, bytes + 1);
  }
  int64_t number;
  status = store->number_get(store, "tag", &number);
  check(status != FARSIDE_OK || number == 12345 || number == 0);
  note_status(&all, status);
  return all;
}

// It can be worked with, and no id is given twice.
static void check_usable(far_store *store, const char *detail) {
  far_work work = kit_work(&memory, "new", "k");
  farside_status status = store->begin(store, true);
  if (status == FARSIDE_OK)
    status = store->insert(store, &work, NULL, 0, false);
  if (status == FARSIDE_OK)
    status = store->commit(store);
  kit_check(status == FARSIDE_OK, "it can be written", detail, __LINE__);
  kit_check(work.id > UNITS, "no id is given twice", detail, __LINE__);
  far_work_deinit(&memory, &work);
}

typedef struct tally {
  int fine, mended, refused;
  int64_t kept, of;
} tally;

// With `is_log_hit` the last commits may be gone, and nobody can tell: a log
// ends where it makes no sense any more.
static void check_damaged(const truth *written, tally *sum, bool is_newer,
                          bool is_log_hit, const char *detail) {
  char report[1024], all[1300];
  far_store *store;
  far_store_config config = {.path = kit_path(FILE_NAME)};
  farside_status status =
      far_store_open_sqlite(&memory, &config, &store, report, sizeof report);
  snprintf(all, sizeof all, "%s %s %s", detail, farside_status_name(status),
           report);
  if (status != FARSIDE_OK) {
    kit_check(status == FARSIDE_NEWER && is_newer, "it opens", all, __LINE__);
    sum->refused++;
    return;
  }
  bool is_mended = report[0] != '\0';
  seen found = see_all(store, written);
  if (found.is_corrupt) {
    kit_check(!is_mended, "it is mended once", all, __LINE__);
    status = store->recover(store, report, sizeof report);
    snprintf(all, sizeof all, "%s %s %s", detail, farside_status_name(status),
             report);
    kit_check(status == FARSIDE_OK, "it is mended", all, __LINE__);
    if (status == FARSIDE_OK)
      found = see_all(store, written);
    is_mended = true;
  }
  kit_check(!found.is_corrupt && !found.is_odd, "it works", all, __LINE__);
  kit_check(is_mended || is_log_hit ||
                (found.units == UNITS && found.values == VALUES),
            "nothing is missing and not noticed", all, __LINE__);
  if (is_mended) {
    kit_check(kit_count(FILE_NAME ".corrupt-") > 0, "it is set aside", all,
              __LINE__);
    sum->kept += found.units + found.values;
    sum->of += UNITS + VALUES;
    check_usable(store, all);
  }
  sum->mended += is_mended;
  sum->fine += !is_mended;
  far_store_close(store);
  if (is_mended)
    kit_check(kit_is_whole(kit_path(FILE_NAME)), "it is whole", all, __LINE__);
  kit_check(memory.used_bytes == 0, "no byte is left", all, __LINE__);
}

static void damage_one(const truth *written, uint64_t seed, damage how,
                       tally *sum) {
  kit_random random = {.state = seed};
  char detail[64];
  snprintf(detail, sizeof detail, "seed %" PRIu64 " kind %d", seed, (int)how);
  kit_clear();
  bool hits_log = written->log_bytes > PAGE_BYTES && kit_below(&random, 2);
  const unsigned char *from = hits_log ? written->log : written->file;
  int64_t bytes = hits_log ? written->log_bytes : written->file_bytes;
  int64_t other = hits_log ? written->file_bytes : written->log_bytes;
  unsigned char *data = malloc((size_t)bytes);
  memcpy(data, from, (size_t)bytes);
  damage_bytes(data, &bytes, how, &random);
  bool is_newer = !hits_log && memcmp(data + 60, from + 60, 4) != 0;
  const char *path = kit_path(FILE_NAME), *log = kit_path(FILE_NAME "-wal");
  write_file(hits_log ? log : path, data, bytes);
  if (other > 0)
    write_file(hits_log ? path : log, hits_log ? written->file : written->log,
               other);
  was_here("kept\n");
  check_damaged(written, sum, is_newer, hits_log, detail);
  free(data);
}

// The first page says where everything is, and is the easiest to lose.
static void test_first_page(void) {
  for (int is_large = 0; is_large < 2; is_large++) {
    truth written = make_truth(is_large, false);
    tally sum = {0};
    for (uint64_t seed = 1; seed <= 3; seed++)
      damage_one(&written, seed, FIRST_PAGE, &sum);
    check(sum.mended == 3 && sum.kept == sum.of);
    check(kit_count(FILE_NAME ".salvage") == 0);
    free(written.file);
    free(written.log);
  }
}

static void test_damage(void) {
  tally sum = {0};
  for (int kind = 0; kind < 3; kind++) {
    truth written = make_truth(kind != 0, kind == 2);
    for (uint64_t seed = 1; seed <= (uint64_t)(104 * (times < 10 ? times : 10));
         seed++)
      damage_one(&written, seed * 3 + (uint64_t)kind, (damage)(seed % DAMAGES),
                 &sum);
    free(written.file);
    free(written.log);
  }
  printf("ok damaged: %d set aside, with %" PRId64 " of %" PRId64
         " rows kept; %d not noticed, %d refused\n",
         sum.mended, sum.kept, sum.of, sum.fine, sum.refused);
}

// -- A recovery that does not come to its end ---------------------------------

// A file with one page that cannot be read, and a log.
typedef struct broken {
  truth written;
  unsigned char *file;
  int kept;
} broken;

static void put_broken(const broken *from) {
  kit_clear();
  write_file(kit_path(FILE_NAME), from->file, from->written.file_bytes);
  write_file(kit_path(FILE_NAME "-wal"), from->written.log,
             from->written.log_bytes);
  was_here("kept\n");
}

// It has been mended, now or before, and the damaged file is what it was.
static int check_mended(const broken *from, int64_t n, const char *what) {
  char report[1024], detail[1200], name[512] = "";
  far_store *store;
  far_store_config config = {.path = kit_path(FILE_NAME)};
  farside_status status =
      far_store_open_sqlite(&memory, &config, &store, report, sizeof report);
  snprintf(detail, sizeof detail, "(%s, %" PRId64 ") %s %s", what, n,
           farside_status_name(status), report);
  kit_check(status == FARSIDE_OK, "it opens", detail, __LINE__);
  if (status != FARSIDE_OK)
    return 0;
  seen found = see_all(store, &from->written);
  kit_check(!found.is_corrupt && !found.is_odd, "it works", detail, __LINE__);
  check_usable(store, detail);
  far_store_close(store);
  kit_check(kit_is_whole(kit_path(FILE_NAME)), "it is whole", detail, __LINE__);
  bool is_kept = kit_find(FILE_NAME ".corrupt-", name, sizeof name);
  int64_t bytes = 0;
  unsigned char *aside = is_kept ? read_file(name, &bytes) : NULL;
  kit_check(is_kept && bytes == from->written.file_bytes &&
                memcmp(aside, from->file, (size_t)bytes) == 0,
            "the damaged file is kept", detail, __LINE__);
  free(aside);
  kit_check(memory.used_bytes == 0, "no byte is left", detail, __LINE__);
  return found.units + found.values;
}

static void open_broken(const char *vfs) {
  char report[1024];
  far_store *store;
  far_store_config config = {.path = kit_path(FILE_NAME), .vfs = vfs};
  if (far_store_open_sqlite(&memory, &config, &store, report, sizeof report) ==
      FARSIDE_OK)
    far_store_close(store);
  else
    check(report[0] != '\0');
}

static void test_recovery_fails(const broken *from) {
  int64_t count = 0;
  for (int fails_on = 0; fails_on < 2; fails_on++) {
    int64_t stride = times < 16 ? 16 / times : 1;
    for (int64_t n = first_of(stride);; n += stride, count++) {
      put_broken(from);
      disk_begin(DISK_EIO, n, fails_on);
      open_broken(disk_name);
      bool has_failed = disk_has_failed();
      disk_end();
      int kept = check_mended(from, n, "I/O errors while it is mended");
      check(kept > 0 && (has_failed || kept == from->kept));
      if (!has_failed)
        break;
    }
  }
  printf("ok a recovery fails at %" PRId64 " operations\n", count);
}

static void test_recovery_short_of_memory(const broken *from) {
  int64_t count = 0, stride = times < 128 ? 128 / times : 1;
  for (int64_t n = first_of(stride);; n += stride, count++) {
    kit_heap heap = {.fail_at = (size_t)n};
    put_broken(from);
    far_memory_init(&memory, kit_allocate, &heap);
    open_broken(NULL);
    check(heap.used_bytes == 0);
    far_memory_init(&memory, NULL, NULL);
    // Nothing is lost for want of memory.
    check(check_mended(from, n, "no memory while it is mended") == from->kept);
    if (heap.refused == 0)
      break;
  }
  printf("ok a recovery is short of memory at %" PRId64 " allocations\n",
         count);
}

static void test_recovery_killed(const broken *from) {
  int64_t count = 0, stride = times < 16 ? 16 / times : 1;
  for (int64_t n = first_of(stride);; n += stride, count++) {
    put_broken(from);
    pid_t pid = fork();
    if (pid == 0) {
      disk_begin(DISK_KILL, n, true);
      open_broken(disk_name);
      _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    check(check_mended(from, n, "a kill while it is mended") == from->kept);
    if (WIFEXITED(status))
      break;
  }
  printf("ok a recovery is killed at %" PRId64 " operations\n", count);
}

// Between two renames no file of SQLite's is touched, so that is made by hand.
static void test_recovery_half_moved(const broken *from) {
  static const struct {
    const char *note;
    bool file, log; // Are moved.
  } states[] = {
      {"move corrupt-1\n", false, false},
      {"move corrupt-1\n", true, false},
      {"move corrupt-1\n", true, true},
      {"fill corrupt-1\n", true, true},
  };
  for (size_t i = 0; i < ROWS(states); i++) {
    put_broken(from);
    was_here(states[i].note);
    if (states[i].file)
      rename(kit_path(FILE_NAME), kit_path(FILE_NAME ".corrupt-1"));
    if (states[i].log)
      rename(kit_path(FILE_NAME "-wal"), kit_path(FILE_NAME ".corrupt-1-wal"));
    check(check_mended(from, (int64_t)i, "half moved") == from->kept);
  }
}

static void test_recovery(void) {
  broken from = {.written = make_truth(false, true)};
  from.file = malloc((size_t)from.written.file_bytes);
  memcpy(from.file, from.written.file, (size_t)from.written.file_bytes);
  // A page that is noticed and holds some rows, but not too many.
  int64_t page = from.written.file_bytes / PAGE_BYTES / 3;
  do {
    memcpy(from.file, from.written.file, (size_t)from.written.file_bytes);
    memset(from.file + ++page * PAGE_BYTES, 0, PAGE_BYTES);
    put_broken(&from);
    open_broken(NULL);
    from.kept = kit_count(FILE_NAME ".corrupt-") > 0
                    ? check_mended(&from, page, "mended")
                    : 0;
  } while (from.kept < (UNITS + VALUES) / 2 || from.kept == UNITS + VALUES);
  test_recovery_half_moved(&from);
  test_recovery_killed(&from);
  test_recovery_short_of_memory(&from);
  test_recovery_fails(&from);
  free(from.file);
  free(from.written.file);
  free(from.written.log);
}

int main(void) {
  const char *more = getenv("STORE_FAULTS");
  times = more != NULL && atoi(more) > 0 ? atoi(more) : 1;
  install_memory(); // Before anything of SQLite's.
  kit_begin("store_fault_test");
  far_memory_init(&memory, NULL, NULL);
  disk_install();
  test_without_faults();
  test_disk();
  test_power();
  test_memory();
  test_sqlite_memory();
  test_damage();
  test_first_page();
  test_recovery();
  return kit_end();
}
