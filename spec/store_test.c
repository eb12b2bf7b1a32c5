// The store: what every store promises, in memory and in a file, each find
// against a plain model; then what a file of SQLite's promises besides: one
// owner, readers beside it, older, newer, foreign and full files.

#include "store_kit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static far_memory memory;
static char error[1024];

static far_store *open_with(far_store_config config) {
  far_store *store;
  farside_status status =
      far_store_open_sqlite(&memory, &config, &store, error, sizeof error);
  if (status != FARSIDE_OK)
    printf("        it says: %s\n", error);
  check_ok(status);
  if (status != FARSIDE_OK)
    exit(1);
  return store;
}

static far_store *open_at(const char *path) {
  return open_with((far_store_config){.path = path});
}

// The status of an open that fails, with a sentence that names the file and
// says `words`.
static void refused(far_store_config config, farside_status expected,
                    const char *words, int line) {
  far_store *store = (far_store *)(uintptr_t)1;
  farside_status status =
      far_store_open_sqlite(&memory, &config, &store, error, sizeof error);
  kit_check(status == expected, farside_status_name(status), error, line);
  kit_check(store == NULL, "there is no store", "", line);
  kit_check(strstr(error, words) != NULL, words, error, line);
  if (config.path != NULL && config.path[0] == '/')
    kit_check(strstr(error, config.path) != NULL, "the file is named", error,
              line);
  kit_check(error[0] != '\0' && error[strlen(error) - 1] != '.',
            "a sentence without a full stop", error, line);
  far_store_close(store);
}

#define check_refused(config, status, words)                                   \
  refused((config), (status), (words), __LINE__)

static void check_state(far_store *store, int64_t id, int expected, int line) {
  far_work work = {0};
  farside_status status = store->load(store, id, &work);
  if (expected < 0)
    kit_check(status == FARSIDE_NOWORK, "it is gone",
              farside_status_name(status), line);
  else
    kit_check(status == FARSIDE_OK && (int)work.state == expected,
              "it is in this state", farside_status_name(status), line);
  far_work_deinit(&memory, &work);
}

#define check_is(id, state) check_state(store, (id), (state), __LINE__)

static int64_t add(far_store *store, far_work *work) {
  work->id = 0;
  check_ok(store->insert(store, work, NULL, 0, false));
  return work->id;
}

static uint64_t hash_file(const char *path) {
  FILE *file = fopen(path, "rb");
  uint64_t hash = 14695981039346656037u;
  if (file == NULL)
    return 0;
  for (int c; (c = getc(file)) != EOF;)
    hash = (hash ^ (uint64_t)c) * 1099511628211u;
  fclose(file);
  return hash;
}

// -- Records ------------------------------------------------------------------

static void test_round_trip(far_store *store) {
  kit_random random = {.state = 1};
  for (int i = 0; i < 60; i++) {
    far_work work = kit_any_work(&memory, &random), read = {0}, copy;
    check_ok(store->begin(store, i % 2 == 0));
    check_ok(store->insert(store, &work, NULL, 0, false));
    check_ok(store->commit(store));
    check_ok(store->load(store, work.id, &read));
    check(kit_same(&work, &read));
    check(far_work_copy(&memory, &read, &copy));
    check(kit_same(&work, &copy));
    far_work_deinit(&memory, &read);
    far_work_deinit(&memory, &copy);

    // Another record in its place.
    far_work other = kit_any_work(&memory, &random);
    other.id = work.id;
    kit_set(&memory, &other.script, work.script);
    check_ok(store->begin(store, i % 2 == 0));
    check_ok(
        store->save(store, &other, other.state == FAR_WORK_ENQUEUED && i % 4));
    check_ok(store->load(store, work.id, &read)); // Within, too.
    check(kit_same(&other, &read));
    far_work_deinit(&memory, &read);
    check_ok(store->commit(store));
    check_ok(store->load(store, work.id, &read));
    check(kit_same(&other, &read));
    far_work_deinit(&memory, &read);
    far_work_deinit(&memory, &other);
    far_work_deinit(&memory, &work);
  }
  far_work none = {0};
  check(store->load(store, 999999, &none) == FARSIDE_NOWORK);
  check(store->load(store, 0, &none) == FARSIDE_NOWORK);
  check(store->load(store, -1, &none) == FARSIDE_NOWORK);
  check(store->load(store, INT64_MAX, &none) == FARSIDE_NOWORK);
  check(none.script == NULL);
}

static void test_large_texts(far_store *store) {
  far_work work = kit_work(&memory, "app", "k"), read = {0};
  char *large = malloc(FAR_WORK_VALUE_MAX + 1);
  memset(large, 'x', FAR_WORK_VALUE_MAX);
  large[FAR_WORK_VALUE_MAX] = '\0';
  kit_set(&memory, &work.input, large);
  large[7] = 'y';
  kit_set(&memory, &work.checkpoint, large);
  large[9] = 'z';
  kit_set(&memory, &work.output, large);
  free(large);
  check_ok(store->begin(store, true));
  add(store, &work);
  check_ok(store->commit(store));
  check_ok(store->load(store, work.id, &read));
  check(kit_same(&work, &read));
  far_work_deinit(&memory, &read);
  far_work_deinit(&memory, &work);
}

static void test_transactions(far_store *store) {
  far_work work = kit_work(&memory, "app", "k");
  check(!store->is_open(store));
  store->rollback(store); // Harmless.
  check(store->commit(store) == FARSIDE_STORE);
  check(store->insert(store, &work, NULL, 0, false) == FARSIDE_STORE &&
        work.id == 0);
  check(strstr(store->error(store), "transaction") != NULL);
  check(store->number_set(store, "n", 1) == FARSIDE_STORE);

  check_ok(store->begin(store, false));
  check(store->is_open(store));
  int64_t first = add(store, &work);
  check_is(first, FAR_WORK_ENQUEUED);
  store->rollback(store);
  check(!store->is_open(store));
  check_is(first, -1);

  // One that was rolled back is not given again.
  check_ok(store->begin(store, false));
  int64_t second = add(store, &work);
  check(second > first);
  check_ok(store->begin(store, false)); // Goes on.
  int64_t third = add(store, &work);
  // A durable one commits what was there, and is another.
  check_ok(store->begin(store, true));
  int64_t fourth = add(store, &work);
  check_ok(store->begin(store, false)); // Goes on.
  check_ok(store->begin(store, true));
  store->rollback(store);
  check_is(second, FAR_WORK_ENQUEUED);
  check_is(third, FAR_WORK_ENQUEUED);
  check_is(fourth, -1);
  far_work_deinit(&memory, &work);
}

static void test_marks(far_store *store) {
  far_work work = kit_work(&memory, "app", "k");
  check_ok(store->begin(store, true));
  int64_t a = add(store, &work);
  check_ok(store->mark(store));
  int64_t b = add(store, &work);
  check_ok(store->mark(store));
  int64_t c = add(store, &work);
  check_ok(store->undo(store));
  check_is(c, -1);
  check_is(b, FAR_WORK_ENQUEUED);
  check_ok(store->mark(store));
  int64_t d = add(store, &work);
  check_ok(store->keep(store));
  check_is(d, FAR_WORK_ENQUEUED);
  check_ok(store->undo(store)); // Takes back what an inner one has kept.
  check_is(b, -1);
  check_is(d, -1);
  check_ok(store->mark(store));
  int64_t e = add(store, &work);
  check_ok(store->keep(store));
  check_ok(store->commit(store));
  check_is(a, FAR_WORK_ENQUEUED);
  check_is(e, FAR_WORK_ENQUEUED);
  // Without a transaction nothing remains to be taken back.
  check_ok(store->undo(store));
  check(store->keep(store) == FARSIDE_STORE);
  far_work_deinit(&memory, &work);
}

// -- Fencing ------------------------------------------------------------------

static void test_fencing(far_store *store) {
  far_work work = kit_work(&memory, "app", "k"), read = {0};
  check_ok(store->begin(store, true));
  add(store, &work);
  check(store->checkpoint(store, work.id, 0, "1") == FARSIDE_STALE);
  work.state = FAR_WORK_RUNNING;
  work.token = 5;
  check_ok(store->save(store, &work, false));
  check(store->checkpoint(store, work.id, 4, "1") == FARSIDE_STALE);
  check(store->progress(store, work.id, 6, "1") == FARSIDE_STALE);
  check_ok(store->checkpoint(store, work.id, 5, "{\"part\":1}"));
  check_ok(store->checkpoint(store, work.id, 5, "{\"part\":2}"));
  check_ok(store->progress(store, work.id, 5, "0.5"));
  check_ok(store->load(store, work.id, &read));
  check(strcmp(read.checkpoint, "{\"part\":2}") == 0);
  check(strcmp(read.progress, "0.5") == 0);

  // A late finish of an older run changes nothing, and ends nothing.
  read.state = FAR_WORK_SUCCEEDED;
  kit_set(&memory, &read.output, "\"late\"");
  kit_set(&memory, &read.tags, "late\n");
  check(store->save_run(store, &read, 4, false) == FARSIDE_STALE);
  check(store->is_open(store));
  check_is(work.id, FAR_WORK_RUNNING);
  far_find by_tag = {.by = FAR_FIND_FILTER, .tag = "late", .state = -1};
  far_work none = {0};
  check(store->find(store, &by_tag, &none) == FARSIDE_NOWORK);
  check_ok(store->save_run(store, &read, 5, false));
  check_is(work.id, FAR_WORK_SUCCEEDED);
  // Nor does a second one of the same run.
  read.state = FAR_WORK_FAILED;
  check(store->save_run(store, &read, 5, false) == FARSIDE_STALE);
  check(store->progress(store, work.id, 5, "1") == FARSIDE_STALE);
  check(store->checkpoint(store, work.id, 5, NULL) == FARSIDE_STALE);
  check_is(work.id, FAR_WORK_SUCCEEDED);
  read.id = 987654;
  check(store->save_run(store, &read, 5, false) == FARSIDE_STALE);
  check(store->save(store, &read, false) == FARSIDE_NOWORK);
  check(store->is_open(store));
  check_ok(store->commit(store));
  far_work_deinit(&memory, &read);
  far_work_deinit(&memory, &work);
}

// -- Finding, against a model -------------------------------------------------

enum { MODEL_ROWS = 240 };

typedef struct model {
  far_work rows[MODEL_ROWS];
  bool is_ready[MODEL_ROWS];
  int64_t parents[MODEL_ROWS][3];
  size_t parent_count[MODEL_ROWS];
} model;

static const char *const scripts[] = {"app", "other"};
static const char *const kinds[] = {"sync", "upload", "clean"};
static const char *const names[] = {NULL, NULL, "n1", "n2"};
static const char *const groups[] = {NULL, "g1", "g2"};
static const char *const tags[] = {NULL, "red\n", "blue\nred\n", "green\n"};

#define ANY_OF(random, table) (table)[kit_below((random), ROWS(table))]

// Few values, so that many rows are equal in what they are ordered by.
static void fill_row(far_work *work, kit_random *random) {
  kit_set(&memory, &work->script, ANY_OF(random, scripts));
  kit_set(&memory, &work->kind, ANY_OF(random, kinds));
  kit_set(&memory, &work->unique, ANY_OF(random, names));
  kit_set(&memory, &work->group, ANY_OF(random, groups));
  kit_set(&memory, &work->tags, ANY_OF(random, tags));
  kit_set(&memory, &work->input, "{}");
  work->needs = (unsigned)kit_below(random, 2);
  work->expedite = (far_expedite)kit_below(random, 2);
  work->run_at_ms = (int64_t)kit_below(random, 6) - 1;
  work->delay_ms = (int64_t)kit_below(random, 2);
  work->deadline_ms = (int64_t)kit_below(random, 5);
  work->since_ms = (int64_t)kit_below(random, 5);
  work->keep_ms = (int64_t)kit_below(random, 5);
  work->state = (far_work_state)kit_below(random, FAR_WORK_STATES);
  work->rank = (int64_t)kit_below(random, 5) - 2;
  work->tag = (int64_t)kit_below(random, 50);
}

static void fill_model(far_store *store, model *all, kit_random *random) {
  for (size_t i = 0; i < MODEL_ROWS; i++) {
    far_work *row = &all->rows[i];
    *row = (far_work){0};
    fill_row(row, random);
    size_t count = i > 3 ? (size_t)kit_below(random, 4) : 0;
    for (size_t k = 0; k < count; k++)
      all->parents[i][k] = all->rows[kit_below(random, i)].id;
    all->parent_count[i] = count;
    check_ok(store->insert(store, row, all->parents[i], count, false));
    all->is_ready[i] = false;
  }
}

static void save_row(far_store *store, model *all, size_t i, bool is_ready) {
  all->is_ready[i] = is_ready && all->rows[i].state == FAR_WORK_ENQUEUED;
  check_ok(store->save(store, &all->rows[i], all->is_ready[i]));
}

static bool same(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool has_tag(const far_work *row, const char *tag) {
  char line[64];
  snprintf(line, sizeof line, "%s\n", tag);
  const char *at = row->tags ? strstr(row->tags, line) : NULL;
  return at != NULL && (at == row->tags || at[-1] == '\n');
}

static bool has_parent(const model *all, size_t i, int64_t id) {
  for (size_t k = 0; k < all->parent_count[i]; k++)
    if (all->parents[i][k] == id)
      return true;
  return false;
}

static bool is_live(const far_work *row) {
  return row->state <= FAR_WORK_BLOCKED;
}

static bool matches(const model *all, size_t i, const far_find *find,
                    const far_class *of) {
  const far_work *row = &all->rows[i];
  bool is_waiting = row->state == FAR_WORK_ENQUEUED && !all->is_ready[i];
  if (find->script != NULL && !same(row->script, find->script))
    return false;
  switch (find->by) {
  case FAR_FIND_WAITING:
    return is_waiting && row->run_at_ms <= find->until_ms;
  case FAR_FIND_READY:
    return all->is_ready[i] && same(row->script, of->script) &&
           same(row->kind, of->kind) && row->needs == of->needs &&
           (row->expedite != FAR_EXPEDITE_NO) == of->is_expedited;
  case FAR_FIND_RUNNING:
    return row->state == FAR_WORK_RUNNING;
  case FAR_FIND_OVERDUE:
    return is_live(row) && row->state != FAR_WORK_RUNNING &&
           row->deadline_ms > 0 && row->deadline_ms <= find->until_ms;
  case FAR_FIND_UNIQUE:
    return is_live(row) && row->unique != NULL &&
           same(row->unique, find->unique);
  case FAR_FIND_CHILDREN:
    return has_parent(all, i, find->id);
  case FAR_FIND_RELATIVE:
    return is_live(row) &&
           (row->deadline_ms > 0 || (is_waiting && row->delay_ms > 0));
  default:
    return (find->state < 0 || (int)row->state == find->state) &&
           (find->kind == NULL || same(row->kind, find->kind)) &&
           (find->unique == NULL || same(row->unique, find->unique)) &&
           (find->group == NULL || same(row->group, find->group)) &&
           (find->tag == NULL || has_tag(row, find->tag));
  }
}

static int64_t place(const far_find *find, const far_work *row) {
  return find->by == FAR_FIND_WAITING   ? row->run_at_ms
         : find->by == FAR_FIND_READY   ? row->rank
         : find->by == FAR_FIND_OVERDUE ? row->deadline_ms
                                        : 0;
}

// Which of the rows comes next behind the last, by the model; -1 for none.
static int next_by_model(const model *all, const far_find *find,
                         const far_class *of, int last) {
  bool goes_down = find->by == FAR_FIND_FILTER && find->is_newest_first;
  int best = -1;
  for (int i = 0; i < MODEL_ROWS; i++) {
    const far_work *row = &all->rows[i];
    if (!matches(all, (size_t)i, find, of))
      continue;
#define BEFORE(a, b)                                                           \
  (place(find, (a)) != place(find, (b))                                        \
       ? place(find, (a)) < place(find, (b))                                   \
       : (goes_down ? (a)->id > (b)->id : (a)->id < (b)->id))
    if (last >= 0 && !BEFORE(&all->rows[last], row))
      continue;
    if (best < 0 || BEFORE(row, &all->rows[best]))
      best = i;
  }
  return best;
}

static void check_find(far_store *store, const model *all, far_find find,
                       const far_class *of) {
  int last = -1;
  for (;;) {
    far_work read = {0};
    farside_status status = store->find(store, &find, &read);
    int expected = next_by_model(all, &find, of, last);
    if (status != FARSIDE_OK || expected < 0) {
      check(status == FARSIDE_NOWORK && expected < 0);
      far_work_deinit(&memory, &read);
      return;
    }
    bool is_right = kit_same(&read, &all->rows[expected]);
    check(is_right);
    far_work_deinit(&memory, &read);
    if (!is_right)
      return;
    last = expected;
  }
}

static void check_filters(far_store *store, const model *all,
                          kit_random *random) {
  for (int i = 0; i < 60; i++) {
    far_find find = {.by = FAR_FIND_FILTER};
    find.script = kit_below(random, 2) ? ANY_OF(random, scripts) : NULL;
    find.kind = kit_below(random, 3) ? NULL : ANY_OF(random, kinds);
    find.unique = kit_below(random, 3) ? NULL : ANY_OF(random, names);
    find.group = kit_below(random, 3) ? NULL : ANY_OF(random, groups);
    find.tag = kit_below(random, 3) ? NULL : kit_below(random, 2) ? "red" : "b";
    find.state = (int)kit_below(random, FAR_WORK_STATES + 1) - 1;
    find.is_newest_first = kit_below(random, 2);
    check_find(store, all, find, NULL);
  }
}

static void check_classes(far_store *store, const model *all) {
  far_class found = {0};
  int64_t before = 0;
  int ready = 0, seen = 0;
  for (size_t i = 0; i < MODEL_ROWS; i++)
    ready += all->is_ready[i];
  while (store->next_class(store, before, &found) == FARSIDE_OK) {
    check(found.id > before);
    check_find(store, all,
               (far_find){.by = FAR_FIND_READY, .class_id = found.id}, &found);
    for (size_t i = 0; i < MODEL_ROWS; i++)
      seen += matches(all, i, &(far_find){.by = FAR_FIND_READY}, &found);
    before = found.id;
    far_class_deinit(&memory, &found);
  }
  check(seen == ready); // Each is in one class, and none twice.
}

static void check_sums(far_store *store, const model *all) {
  int64_t run_at = INT64_MAX, deadline = INT64_MAX, prune = INT64_MAX;
  int64_t counts[3][FAR_WORK_STATES] = {0};
  for (size_t i = 0; i < MODEL_ROWS; i++) {
    const far_work *row = &all->rows[i];
    counts[0][row->state]++;
    counts[1 + same(row->script, "other")][row->state]++;
#define LEAST(least, value) (least) = (value) < (least) ? (value) : (least)
    if (row->state == FAR_WORK_ENQUEUED && !all->is_ready[i])
      LEAST(run_at, row->run_at_ms);
    if (is_live(row) && row->state != FAR_WORK_RUNNING && row->deadline_ms > 0)
      LEAST(deadline, row->deadline_ms);
    if (!is_live(row))
      LEAST(prune, row->since_ms + row->keep_ms);
  }
  int64_t found[3], read[FAR_WORK_STATES];
  check_ok(store->next_due(store, &found[0], &found[1], &found[2]));
  check(found[0] == run_at && found[1] == deadline && found[2] == prune);
  const char *const whose[] = {NULL, "app", "other"};
  for (size_t i = 0; i < ROWS(whose); i++) {
    check_ok(store->count(store, whose[i], read));
    check(memcmp(read, counts[i], sizeof read) == 0);
  }
}

static void check_tags(far_store *store, const model *all) {
  for (size_t s = 0; s < ROWS(scripts); s++) {
    for (size_t g = 0; g < ROWS(groups); g++) {
      int64_t highest = 0, found;
      for (size_t i = 0; i < MODEL_ROWS; i++)
        if (all->is_ready[i] && same(all->rows[i].script, scripts[s]) &&
            same(all->rows[i].group, groups[g]) && all->rows[i].tag > highest)
          highest = all->rows[i].tag;
      check_ok(store->last_tag(store, scripts[s], groups[g], &found));
      check(found == highest);
    }
  }
}

static void check_all(far_store *store, const model *all, kit_random *random) {
  for (int64_t until = -1; until < 5; until++) {
    check_find(store, all,
               (far_find){.by = FAR_FIND_WAITING, .until_ms = until}, NULL);
    check_find(store, all,
               (far_find){.by = FAR_FIND_OVERDUE, .until_ms = until}, NULL);
  }
  check_find(store, all,
             (far_find){.by = FAR_FIND_WAITING,
                        .until_ms = INT64_MAX,
                        .script = "other"},
             NULL);
  check_find(store, all, (far_find){.by = FAR_FIND_RUNNING}, NULL);
  check_find(store, all, (far_find){.by = FAR_FIND_RELATIVE}, NULL);
  check_find(store, all,
             (far_find){.by = FAR_FIND_UNIQUE, .script = "app", .unique = "n1"},
             NULL);
  for (size_t i = 0; i < MODEL_ROWS; i += 7)
    check_find(store, all,
               (far_find){.by = FAR_FIND_CHILDREN, .id = all->rows[i].id},
               NULL);
  check_filters(store, all, random);
  check_classes(store, all);
  check_sums(store, all);
  check_tags(store, all);
  for (size_t i = 0; i < MODEL_ROWS; i++) {
    int64_t read[FAR_WORK_PARENTS_MAX];
    size_t count;
    check_ok(store->parents(store, all->rows[i].id, read, &count));
    check(count == all->parent_count[i] &&
          memcmp(read, all->parents[i], count * sizeof *read) == 0);
  }
}

static void test_finding(far_store *store) {
  model *all = calloc(1, sizeof *all);
  kit_random random = {.state = 7};
  check_ok(store->begin(store, true));
  fill_model(store, all, &random);
  check_all(store, all, &random); // Within a transaction, and outside.
  check_ok(store->commit(store));
  check_all(store, all, &random);
  for (int round = 0; round < 3; round++) {
    check_ok(store->begin(store, round % 2));
    for (int change = 0; change < 120; change++) {
      size_t i = (size_t)kit_below(&random, MODEL_ROWS);
      char *script = all->rows[i].script;
      all->rows[i].script = NULL;
      fill_row(&all->rows[i], &random);
      far_string_free(&memory, all->rows[i].script);
      all->rows[i].script = script; // Which never changes.
      save_row(store, all, i, kit_below(&random, 2));
    }
    check_all(store, all, &random);
    check_ok(store->commit(store));
    check_all(store, all, &random);
  }
  for (size_t i = 0; i < MODEL_ROWS; i++)
    far_work_deinit(&memory, &all->rows[i]);
  free(all);
}

// Whoever is found may change: the search goes on behind.
static void test_finding_while_changing(far_store *store) {
  far_work work = kit_work(&memory, "app", "k");
  check_ok(store->begin(store, false));
  for (int i = 0; i < 50; i++) {
    work.run_at_ms = i / 10;
    work.delay_ms = i % 2;
    add(store, &work);
  }
  far_find waiting = {.by = FAR_FIND_WAITING, .until_ms = 3};
  far_work read = {0};
  int count = 0;
  while (store->find(store, &waiting, &read) == FARSIDE_OK) {
    read.rank = -count;
    check_ok(store->save(store, &read, true));
    far_work_deinit(&memory, &read);
    count++;
  }
  check(count == 40);
  far_class of = {0};
  check_ok(store->next_class(store, 0, &of));
  far_find ready = {.by = FAR_FIND_READY, .class_id = of.id};
  int64_t rank = INT64_MIN;
  count = 0;
  while (store->find(store, &ready, &read) == FARSIDE_OK) {
    check(read.rank > rank);
    rank = read.rank;
    read.state = FAR_WORK_RUNNING;
    check_ok(store->save(store, &read, false));
    far_work_deinit(&memory, &read);
    count++;
  }
  check(count == 40);
  check(store->next_class(store, 0, &(far_class){0}) == FARSIDE_NOWORK);
  far_class_deinit(&memory, &of);
  // The clock is moved: what is moved on does not come again.
  far_find relative = {.by = FAR_FIND_RELATIVE};
  count = 0;
  while (store->find(store, &relative, &read) == FARSIDE_OK) {
    read.run_at_ms += 100;
    check_ok(store->save(store, &read, false));
    far_work_deinit(&memory, &read);
    count++;
  }
  check(count == 5);
  check_ok(store->commit(store));
  far_work_deinit(&memory, &work);
}

// -- Runs and pruning ---------------------------------------------------------

static void test_runs(far_store *store) {
  far_work work = kit_work(&memory, "app", "k");
  check_ok(store->begin(store, true));
  int64_t id = add(store, &work), other = add(store, &work);
  for (int64_t token = 1; token <= FAR_RUNS_KEPT + 9; token++) {
    far_run run = {.work = id, .token = token, .attempt = 1, .begun_ms = token};
    check_ok(store->run_begin(store, &run));
    run.ended_ms = token + 1;
    run.end = (far_run_end)(token % FAR_RUN_ENDS);
    run.why = token % 2 ? "because, \"so\"" : NULL;
    run.slot_ms = -token;
    check_ok(store->run_end(store, &run));
  }
  far_run foreign = {.work = other, .token = 3};
  check(store->run_end(store, &foreign) == FARSIDE_NOWORK);
  check_ok(store->run_begin(store, &foreign));
  check_ok(store->commit(store));

  far_run read = {0};
  int64_t token = INT64_MAX, count = 0;
  while (store->run_before(store, id, token, &read) == FARSIDE_OK) {
    int64_t n = FAR_RUNS_KEPT + 9 - count;
    far_run expected = {id,
                        n,
                        1,
                        -n,
                        n,
                        n + 1,
                        (far_run_end)(n % FAR_RUN_ENDS),
                        n % 2 ? (char *)(uintptr_t) "because, \"so\"" : NULL};
    check(kit_same_run(&read, &expected));
    token = read.token;
    count++;
    far_run_deinit(&memory, &read);
  }
  check(count == FAR_RUNS_KEPT);
  check(store->run_before(store, 424242, INT64_MAX, &read) == FARSIDE_NOWORK);
  far_work_deinit(&memory, &work);
}

static int64_t add_ended(far_store *store, far_work *work, int64_t since_ms,
                         int64_t keep_ms) {
  work->state = FAR_WORK_SUCCEEDED;
  work->since_ms = since_ms;
  work->keep_ms = keep_ms;
  return add(store, work);
}

static void prune(far_store *store, const char *script, int64_t now_ms,
                  int64_t most, int64_t expected, int line) {
  int64_t count = -1;
  kit_check_ok(store->prune(store, script, now_ms, most, &count), "prune",
               line);
  kit_check(count == expected, "so many are pruned", "", line);
}

#define check_prune(script, now, most, expected)                               \
  prune(store, (script), (now), (most), (expected), __LINE__)

static void test_pruning(far_store *store) {
  far_work work = kit_work(&memory, "app", "k"), child = {0};
  kit_set(&memory, &work.tags, "red\nblue\n");
  kit_set(&memory, &work.input, "1");
  kit_set(&memory, &work.output, "2");
  check_ok(store->begin(store, true));
  int64_t old = add_ended(store, &work, 100, 10);
  int64_t older = add_ended(store, &work, 50, 10);
  int64_t parent = add_ended(store, &work, 10, 10);
  int64_t forever = add_ended(store, &work, 10, INT64_MAX);
  kit_set(&memory, &work.script, "other");
  int64_t other = add_ended(store, &work, 10, 10);
  child = kit_work(&memory, "app", "k");
  child.state = FAR_WORK_BLOCKED;
  check_ok(store->insert(store, &child, (int64_t[]){parent, older}, 2, false));
  check_ok(store->run_begin(store, &(far_run){.work = old, .token = 1}));
  check_ok(store->commit(store));

  check_ok(store->begin(store, false));
  check_prune(NULL, 19, 100, 0);
  check_prune(NULL, 20, 100, 1); // `other`; `parent` has a child that waits.
  check_is(other, -1);
  check_is(parent, FAR_WORK_SUCCEEDED);
  check_prune(NULL, 109, 100, 0);
  check_prune(NULL, 110, 0, 0);
  check_prune(NULL, 110, 1, 1);
  check_is(old, -1);
  far_run run = {0};
  check(store->run_before(store, old, INT64_MAX, &run) == FARSIDE_NOWORK);
  int64_t due[3];
  check_ok(store->next_due(store, &due[0], &due[1], &due[2]));
  check(due[2] > 110 && due[2] < INT64_MAX); // No time that has passed.

  // All of a script, except what is waited for.
  int64_t another = add_ended(store, &work, 500, 10); // Of `other`.
  check_prune("app", INT64_MAX, 100, 1);
  check_is(forever, -1);
  check_is(another, FAR_WORK_SUCCEEDED);
  check_is(parent, FAR_WORK_SUCCEEDED);
  child.state = FAR_WORK_FAILED;
  check_ok(store->save(store, &child, false));
  check_prune("app", INT64_MAX, 2, 2);
  check_prune("app", INT64_MAX, 100, 1);
  check_is(child.id, -1);
  check_prune(NULL, INT64_MAX, 100, 1);
  check_ok(store->next_due(store, &due[0], &due[1], &due[2]));
  check(due[0] == INT64_MAX && due[1] == INT64_MAX && due[2] == INT64_MAX);
  far_find by_tag = {.by = FAR_FIND_FILTER, .tag = "red", .state = -1};
  far_work none = {0};
  check(store->find(store, &by_tag, &none) == FARSIDE_NOWORK);
  check_ok(store->commit(store));
  far_work_deinit(&memory, &child);
  far_work_deinit(&memory, &work);
}

// -- Values -------------------------------------------------------------------

typedef struct pair {
  const char *key;
  size_t bytes;
} pair;

// In the order of bytes.
static const pair keys[] = {
    {"", 0},        {"\0", 1},   {"\0\0", 2}, {"\0a", 2},      {"a", 1},
    {"a\0", 2},     {"a\0b", 3}, {"ab", 2},   {"b", 1},        {"b/1", 3},
    {"b/2\xff", 4}, {"\xc3", 1}, {"\xff", 1}, {"\xff\xff", 2},
};

static void check_value(far_store *store, const char *script, const pair *key,
                        const char *expected) {
  char *json;
  size_t bytes;
  farside_status status =
      store->value_get(store, script, key->key, key->bytes, &json, &bytes);
  if (expected == NULL) {
    check(status == FARSIDE_NOWORK && json == NULL);
    return;
  }
  check(status == FARSIDE_OK && bytes == strlen(expected) &&
        memcmp(json, expected, bytes + 1) == 0);
  far_free(&memory, json, bytes + 1);
}

static void check_keys(far_store *store, const char *script, const char *prefix,
                       size_t prefix_bytes) {
  char *key = NULL;
  size_t bytes = 0;
  for (size_t i = 0; i < ROWS(keys); i++) {
    if (keys[i].bytes < prefix_bytes ||
        memcmp(keys[i].key, prefix, prefix_bytes) != 0)
      continue;
    check_ok(
        store->value_next(store, script, prefix, prefix_bytes, &key, &bytes));
    check(bytes == keys[i].bytes && memcmp(key, keys[i].key, bytes) == 0 &&
          key[bytes] == '\0');
  }
  check(store->value_next(store, script, prefix, prefix_bytes, &key, &bytes) ==
        FARSIDE_NOWORK);
  check(key == NULL);
}

static void test_values(far_store *store) {
  int64_t sum = 0, bytes;
  check_ok(store->begin(store, true));
  for (size_t i = ROWS(keys); i-- > 0;) {
    char json[16];
    int length = snprintf(json, sizeof json, "%zu", i * 1000);
    check_value(store, "app", &keys[i], NULL);
    check_ok(store->value_set(store, "app", keys[i].key, keys[i].bytes, json,
                              (size_t)length));
    check_value(store, "app", &keys[i], json);
    check_value(store, "other", &keys[i], NULL);
    sum += (int64_t)keys[i].bytes + length;
  }
  check_ok(store->value_bytes(store, "app", &bytes));
  check(bytes == sum);
  check_keys(store, "app", "", 0);
  check_keys(store, "app", "a", 1);
  check_keys(store, "app", "\0", 1);
  check_keys(store, "app", "\xff\xff", 2);
  check_keys(store, "app", "zzz", 3);

  check_ok(store->value_set(store, "app", "", 0, "\"Grüße\"", 9));
  check_value(store, "app", &keys[0], "\"Grüße\"");
  check_ok(store->value_bytes(store, "app", &bytes));
  check(bytes == sum - 1 + 9);
  check_ok(store->value_remove(store, "app", "", 0));
  check(store->value_remove(store, "app", "", 0) == FARSIDE_NOWORK);
  check_value(store, "app", &keys[0], NULL);
  check_ok(store->value_set(store, "other", "k", 1, "1", 1));
  check_ok(store->value_clear(store, "app"));
  check_ok(store->value_bytes(store, "app", &bytes));
  check(bytes == 0);
  check_ok(store->value_bytes(store, "nobody", &bytes));
  check(bytes == 0);
  check_value(store, "app", &keys[4], NULL);
  check_value(store, "other", &(pair){"k", 1}, "1");
  check_ok(store->commit(store));
  // Whoever stops in the middle frees the key.
  char *key = NULL;
  size_t length = 0;
  check_ok(store->value_next(store, "other", "", 0, &key, &length));
  far_free(&memory, key, length + 1);
}

static void test_numbers(far_store *store) {
  int64_t number = 5;
  check_ok(store->number_get(store, "tag", &number));
  check(number == 0);
  check_ok(store->begin(store, false));
  check_ok(store->number_set(store, "tag", INT64_MIN));
  check_ok(store->number_set(store, "", INT64_MAX));
  check_ok(store->number_set(store, "tag", -7));
  check_ok(store->commit(store));
  check_ok(store->number_get(store, "tag", &number));
  check(number == -7);
  check_ok(store->number_get(store, "", &number));
  check(number == INT64_MAX);
}

// -- Every store --------------------------------------------------------------

static void (*const every_store[])(far_store *store) = {
    test_round_trip,
    test_large_texts,
    test_transactions,
    test_marks,
    test_fencing,
    test_finding,
    test_finding_while_changing,
    test_runs,
    test_pruning,
    test_values,
    test_numbers,
};

static void test_every_store(void) {
  for (size_t i = 0; i < ROWS(every_store); i++) {
    far_store *store = open_at(NULL);
    every_store[i](store);
    store->idle(store);
    far_store_close(store);
    kit_clear();
    store = open_at(kit_path("s.db"));
    every_store[i](store);
    store->idle(store);
    far_store_close(store);
    check(kit_is_whole(kit_path("s.db")));
    check(memory.used_bytes == 0);
  }
  far_store_close(NULL);
  far_store *store = open_at(NULL);
  char report[256];
  check(store->recover(store, report, sizeof report) == FARSIDE_UNSUPPORTED);
  check(strstr(report, "memory") != NULL);
  far_store_close(store);
}

// -- Plans --------------------------------------------------------------------

// The only statements that may look at all of something: what has one row a
// script and state, or a table.
static bool may_scan(far_sql which, const char *detail) {
  // The first of what is waiting is the least.
  return (which == FAR_SQL_NEXT_DUE && strstr(detail, "INDEX waiting")) ||
         (which == FAR_SQL_COUNT_ALL && strstr(detail, "totals") != NULL) ||
         (which == FAR_SQL_LAST_ID && strstr(detail, "sqlite_sequence")) ||
         strstr(detail, "CONSTANT ROW") != NULL ||
         // A half of FAR_SQL_FIND_…, which has one row at most.
         strstr(detail, "SCAN (subquery-") != NULL;
}

static bool explain(far_sqlite *my, far_sql which, const char *wanted,
                    int line) {
  char text[8192];
  far_query q = far_ask(my, which);
  snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sqlite3_sql(q.stmt));
  far_end(&q);
  sqlite3_stmt *stmt = NULL;
  bool has_wanted = wanted == NULL;
  if (sqlite3_prepare_v2(my->db, text, -1, &stmt, NULL) != SQLITE_OK)
    return false;
  while (sqlite3_step(stmt) == SQLITE_ROW) {
    const char *detail = (const char *)sqlite3_column_text(stmt, 3);
    bool is_search = strstr(detail, "SCAN") == NULL || may_scan(which, detail);
    kit_check(is_search, "it searches all of", detail, line);
    kit_check(strstr(detail, "TEMP B-TREE") == NULL, "it sorts", detail, line);
    has_wanted |= wanted != NULL && strstr(detail, wanted) != NULL;
  }
  sqlite3_finalize(stmt);
  return has_wanted;
}

static void test_plans(void) {
  static const struct {
    far_sql which;
    const char *plan;
  } plans[] = {
      {FAR_SQL_FIND_WAITING, "waiting (run_at_ms=? AND rowid>?)"},
      {FAR_SQL_FIND_WAITING, "waiting (run_at_ms>? AND run_at_ms<?)"},
      {FAR_SQL_FIND_READY, "ready (class=? AND rank=? AND rowid>?)"},
      {FAR_SQL_FIND_READY, "ready (class=? AND rank>?)"},
      {FAR_SQL_FIND_RUNNING, "states (state=? AND rowid>?)"},
      {FAR_SQL_FIND_OVERDUE, "overdue (deadline_ms=? AND rowid>?)"},
      {FAR_SQL_FIND_OVERDUE, "overdue (deadline_ms>? AND deadline_ms<?)"},
      {FAR_SQL_FIND_UNIQUE, "live (script=? AND unique_name=? AND rowid>?)"},
      {FAR_SQL_FIND_CHILDREN, "PRIMARY KEY (parent=? AND child>?)"},
      {FAR_SQL_FIND_RELATIVE, "relative (id>?)"},
      {FAR_SQL_FIND_PRUNABLE, "prunable (prune_ms=? AND rowid>?)"},
      {FAR_SQL_FIND_PRUNABLE, "prunable (prune_ms>? AND prune_ms<?)"},
      {FAR_SQL_FILTER_ANY, "PRIMARY KEY (rowid>?)"},
      {FAR_SQL_FILTER_ANY_DOWN, "PRIMARY KEY (rowid<?)"},
      {FAR_SQL_FILTER_STATE, "states (state=? AND rowid>?)"},
      {FAR_SQL_FILTER_STATE_DOWN, "states (state=? AND rowid<?)"},
      {FAR_SQL_FILTER_UNIQUE, "uniques (unique_name=? AND rowid>?)"},
      {FAR_SQL_FILTER_UNIQUE_DOWN, "uniques (unique_name=? AND rowid<?)"},
      {FAR_SQL_FILTER_TAG, "PRIMARY KEY (name=? AND work>?)"},
      {FAR_SQL_FILTER_TAG_DOWN, "PRIMARY KEY (name=? AND work<?)"},
      {FAR_SQL_CLASS_NEXT, "ready (class>?)"},
      {FAR_SQL_LAST_TAG, "ready_groups (script=? AND group_name=?)"},
      {FAR_SQL_RUN_BEFORE, "PRIMARY KEY (work=? AND token<?)"},
      {FAR_SQL_TEXTS_LOAD, "PRIMARY KEY (rowid>? AND rowid<?)"},
      {FAR_SQL_VALUE_BEHIND, "(script=? AND key>?)"},
  };
  far_store *store = open_at(NULL);
  far_sqlite *my = far_sqlite_of(store);
  for (size_t i = 0; i < ROWS(plans); i++)
    kit_check(explain(my, plans[i].which, plans[i].plan, __LINE__),
              "it is planned so:", plans[i].plan, __LINE__);
  for (far_sql which = FAR_SQL_LAST_ID; which < FAR_SQL_STATEMENTS; which++)
    check(explain(my, which, NULL, __LINE__));
  far_store_close(store);
}

// -- One owner ----------------------------------------------------------------

// A process that does something with the file, says so, and lives until it is
// let go.
typedef struct other {
  pid_t pid;
  int go, said;
} other;

static other start_other(const char *path, int (*act)(const char *path)) {
  int go[2], said[2];
  if (pipe(go) != 0 || pipe(said) != 0)
    abort();
  other process = {.pid = fork(), .go = go[1], .said = said[0]};
  if (process.pid == 0) {
    close(go[1]);
    close(said[0]);
    char byte = (char)act(path);
    if (write(said[1], &byte, 1) == 1)
      _exit(read(go[0], &byte, 1) == 1 ? 1 : 0); // Until it is closed.
    _exit(1);
  }
  close(go[0]);
  close(said[1]);
  return process;
}

static int answer_of(const other *process) {
  unsigned char byte;
  return read(process->said, &byte, 1) == 1 ? byte : -1;
}

static void end_other(other *process, int signal) {
  if (signal != 0)
    kill(process->pid, signal);
  close(process->go);
  close(process->said);
  int status;
  waitpid(process->pid, &status, 0);
}

static int own(const char *path) {
  far_store *store;
  far_store_config config = {.path = path};
  farside_status status =
      far_store_open_sqlite(&memory, &config, &store, error, sizeof error);
  if (status == FARSIDE_OK) {
    far_work work = kit_work(&memory, "app", "k");
    if (store->begin(store, true) != FARSIDE_OK ||
        store->insert(store, &work, NULL, 0, false) != FARSIDE_OK ||
        store->commit(store) != FARSIDE_OK)
      return 99;
  }
  return (int)status; // And it stays open.
}

static void test_one_owner(void) {
  kit_clear();
  const char *path = kit_path("s.db");
  char words[64];
  other owner = start_other(path, own);
  check(answer_of(&owner) == FARSIDE_OK);
  check(far_owner_is_taken(path) && far_owner_pid(path) == (long)owner.pid);
  snprintf(words, sizeof words, "pid %ld", (long)owner.pid);
  check_refused((far_store_config){.path = path}, FARSIDE_LOCKED, words);
  // By another name, too.
  check(symlink(path, kit_path("link.db")) == 0);
  far_store *store;
  far_store_config by_link = {.path = kit_path("link.db")};
  check(far_store_open_sqlite(&memory, &by_link, &store, error, sizeof error) ==
        FARSIDE_LOCKED);
  check(strstr(error, words) != NULL);
  end_other(&owner, SIGKILL);
  check(!far_owner_is_taken(path) && far_owner_pid(path) == 0);

  // What it had acknowledged is there, and the lock went with it.
  store = open_at(path);
  check_is(1, FAR_WORK_ENQUEUED);
  snprintf(words, sizeof words, "in this process (pid %ld)", (long)getpid());
  check_refused((far_store_config){.path = path}, FARSIDE_LOCKED, words);
  other second = start_other(path, own);
  check(answer_of(&second) == FARSIDE_LOCKED);
  end_other(&second, 0);
  far_store_close(store);
  store = open_at(path);
  far_store_close(store);
  check(!kit_exists(kit_path("s.db-wal")) && !kit_exists(kit_path("s.db-shm")));
}

static void add_one(far_store *store) {
  far_work work = kit_work(&memory, "app", "k");
  check_ok(store->begin(store, true));
  add(store, &work);
  check_ok(store->commit(store));
  far_work_deinit(&memory, &work);
}

// What lies there by this name and is somebody else's stays what it is.
static void test_foreign_lock(void) {
  kit_clear();
  FILE *file = fopen(kit_path("Cargo.lock"), "wb");
  fprintf(file, "# This file is automatically @generated by Cargo.\n");
  fclose(file);
  uint64_t before = hash_file(kit_path("Cargo.lock"));
  check_refused((far_store_config){.path = kit_path("Cargo")}, FARSIDE_NOFILE,
                "Cargo.lock is something else's");
  check(hash_file(kit_path("Cargo.lock")) == before);
  check(kit_count("") == 1);
}

// Whoever reads is not waited for: what he needs is left for another time.
static void test_idle_beside_a_reader(void) {
  kit_clear();
  const char *path = kit_path("s.db");
  far_store *store = open_at(path);
  sqlite3 *reader;
  add_one(store);
  check(sqlite3_open_v2(path, &reader, SQLITE_OPEN_READONLY, NULL) ==
        SQLITE_OK);
  check(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM works", NULL, NULL,
                     NULL) == SQLITE_OK);
  add_one(store);
  store->idle(store);
  check(kit_bytes(kit_path("s.db-wal")) > 0);
  check(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
  store->idle(store);
  check(kit_bytes(kit_path("s.db-wal")) == 0);
  sqlite3_close(reader);
  far_store_close(store);
}

// A store that was emptied behind its back is no new one.
static void test_lost(void) {
  kit_clear();
  const char *path = kit_path("s.db");
  far_store *store = open_at(path);
  add_one(store);
  far_store_close(store);
  check(truncate(path, 0) == 0);
  store = open_at(path);
  check(strstr(error, path) != NULL && strstr(error, "is lost") != NULL);
  far_store_close(store);
  store = open_at(path); // It is said once.
  check(error[0] == '\0');
  add_one(store);
  far_store_close(store);
  store = open_at(path);
  check(error[0] == '\0');
  far_store_close(store);
}

static void test_paths(void) {
  kit_clear();
  char before[1024];
  check(getcwd(before, sizeof before) != NULL);
  mkdir(kit_path("folder"), 0755);
  check(chdir(kit_path("folder")) == 0);
  far_store *store = open_at("../s.db");
  check(chdir("/") == 0); // The path was made absolute.
  far_work work = kit_work(&memory, "app", "k");
  check_ok(store->begin(store, true));
  add(store, &work);
  check_ok(store->commit(store));
  far_work_deinit(&memory, &work);
  far_store_close(store);
  check(chdir(before) == 0);
  check(kit_sql(kit_path("s.db"), "SELECT count(*) FROM works") == 1);
  check_refused((far_store_config){.path = kit_path("none/s.db")},
                FARSIDE_NOFILE, "No such file");
  check_refused((far_store_config){.path = kit_path("folder")}, FARSIDE_NOFILE,
                "directory");
  check(!kit_exists(kit_path("folder.lock")));
  check_refused((far_store_config){.path = ""}, FARSIDE_NOFILE, "no file");
  check(symlink(kit_path("nowhere.db"), kit_path("link.db")) == 0);
  check_refused((far_store_config){.path = kit_path("link.db")}, FARSIDE_NOFILE,
                "leads nowhere");
  char deep[5000];
  memset(deep, 'x', sizeof deep);
  deep[sizeof deep - 1] = '\0';
  far_store *none;
  check(far_store_open_sqlite(&memory, &(far_store_config){.path = deep}, &none,
                              error, sizeof error) == FARSIDE_NOFILE);
}

// -- Readers ------------------------------------------------------------------

static int64_t enqueued(far_store *store) {
  int64_t counts[FAR_WORK_STATES];
  return store->count(store, NULL, counts) == FARSIDE_OK ? counts[0] : -1;
}

static void test_readers(void) {
  kit_clear();
  const char *path = kit_path("s.db");
  far_store_config reading = {.path = path, .is_readonly = true};
  check_refused(reading, FARSIDE_NOFILE, "No such file");
  check(kit_count("s.db") == 0); // Nothing was made.

  far_store *owner = open_at(path);
  add_one(owner);
  far_store *reader = open_with(reading), *another = open_with(reading);
  check(enqueued(reader) == 1 && enqueued(another) == 1);
  add_one(owner); // Readers see what is committed, and lock nobody out.
  check(enqueued(reader) == 2 && enqueued(another) == 2);
  check(reader->begin(reader, true) == FARSIDE_READONLY);
  check(reader->number_set(reader, "n", 1) != FARSIDE_OK);
  check(strstr(reader->error(reader), "outside of a transaction") != NULL);
  char report[128];
  check(reader->recover(reader, report, sizeof report) == FARSIDE_UNSUPPORTED);
  reader->idle(reader);
  far_store_close(another);
  // That a reader has closed the file takes no lock from its owner.
  other second = start_other(path, own);
  check(answer_of(&second) == FARSIDE_LOCKED);
  end_other(&second, 0);
  add_one(owner);
  check(enqueued(reader) == 3);
  owner->idle(owner);
  check(enqueued(reader) == 3);
  far_store_close(owner);
  check(enqueued(reader) == 3);
  far_store_close(reader);

  // Of a stopped app, with and without a log that is not empty.
  int64_t bytes = kit_bytes(path);
  reader = open_with(reading);
  check(enqueued(reader) == 3);
  far_store_close(reader);
  check(kit_bytes(path) == bytes);
  other killed = start_other(path, own);
  check(answer_of(&killed) == FARSIDE_OK);
  end_other(&killed, SIGKILL);
  check(kit_bytes(kit_path("s.db-wal")) > 0);
  reader = open_with(reading);
  check(enqueued(reader) == 4);
  far_store_close(reader);
  check(kit_bytes(kit_path("s.db-wal")) > 0);
}

// As somebody who is not allowed to write there: root would be.
static int read_as_nobody(const char *path) {
  if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
    return 98;
  far_store *store;
  far_store_config config = {.path = path, .is_readonly = true};
  farside_status status =
      far_store_open_sqlite(&memory, &config, &store, error, sizeof error);
  if (status != FARSIDE_OK)
    return strstr(error, "-wal") != NULL ? (int)status : 97;
  int64_t count = enqueued(store);
  far_store_close(store);
  return 50 + (int)count;
}

static int own_as_nobody(const char *path) {
  if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
    return 98;
  return own(path);
}

static int answer(const char *path, int (*act)(const char *path)) {
  other process = start_other(path, act);
  int said = answer_of(&process);
  end_other(&process, 0);
  return said;
}

static void test_read_only_folder(void) {
  kit_clear();
  mkdir(kit_path("closed"), 0755);
  chmod(kit_path("."), 0755);
  char path[512];
  snprintf(path, sizeof path, "%s", kit_path("closed/s?#%.db"));
  far_store *store = open_at(path);
  add_one(store);
  far_store_close(store);
  chmod(kit_path("closed"), 0555);
  check(answer(path, read_as_nobody) == 51);
  check(answer(path, own_as_nobody) == FARSIDE_READONLY);
  chmod(kit_path("closed"), 0755);

  // What is only in a log can be read where its side file is there …
  store = open_at(path);
  add_one(store);
  chmod(kit_path("closed"), 0555);
  check(answer(path, read_as_nobody) == 52);
  chmod(kit_path("closed"), 0755);
  far_store_close(store);
  // … and otherwise it is said.
  other killed = start_other(path, own);
  check(answer_of(&killed) == FARSIDE_OK);
  end_other(&killed, SIGKILL);
  unlink(kit_path("closed/s?#%.db-shm"));
  chmod(kit_path("closed"), 0555);
  check(answer(path, read_as_nobody) == FARSIDE_READONLY);
  chmod(kit_path("closed"), 0755);
  unlink(path);
  unlink(kit_path("closed/s?#%.db-wal"));
  unlink(kit_path("closed/s?#%.db.lock"));
  rmdir(kit_path("closed"));
}

// -- Other files --------------------------------------------------------------

static void make_file(const char *path, const char *sql) {
  sqlite3 *db;
  check(sqlite3_open(path, &db) == SQLITE_OK);
  check(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
  sqlite3_close(db);
}

static void check_untouched(const char *path, farside_status status,
                            const char *words, int line) {
  uint64_t before = hash_file(path);
  refused((far_store_config){.path = path}, status, words, line);
  refused((far_store_config){.path = path, .is_readonly = true}, status, words,
          line);
  kit_check(hash_file(path) == before, "it is as it was", "", line);
  kit_check(kit_count("s.db") == 1, "nothing lies beside it", "", line);
}

static void test_foreign_files(void) {
  const char *path = kit_path("s.db");
  static const char *const foreign[] = {
      "CREATE TABLE notes(text)",
      "CREATE TABLE works(id); PRAGMA user_version = 1",
      "PRAGMA application_id = 252006674; CREATE TABLE t(a)",
      "PRAGMA journal_mode = WAL; CREATE TABLE notes(text)",
  };
  for (size_t i = 0; i < ROWS(foreign); i++) {
    kit_clear();
    make_file(path, foreign[i]);
    check_untouched(path, FARSIDE_NOFILE, "no store of Farside's", __LINE__);
  }
  kit_clear();
  FILE *file = fopen(path, "wb");
  fprintf(file, "Dear diary,\n");
  fclose(file);
  check_untouched(path, FARSIDE_NOFILE, "no store of Farside's", __LINE__);

  // Nothing at all is a store to be.
  kit_clear();
  fclose(fopen(path, "wb"));
  check_refused(((far_store_config){.path = path, .is_readonly = true}),
                FARSIDE_NOFILE, "empty");
  far_store *store = open_at(path);
  add_one(store);
  far_store_close(store);
  check(kit_sql(path, "PRAGMA application_id") == FAR_SQLITE_APPLICATION);
  check(kit_sql(path, "PRAGMA user_version") >= 1);
}

static void test_newer_file(void) {
  kit_clear();
  const char *path = kit_path("s.db");
  make_file(path, "PRAGMA application_id = 1717662291;" // "farS"
                  "PRAGMA user_version = 1000; CREATE TABLE works(id)");
  check(kit_sql(path, "PRAGMA application_id") == FAR_SQLITE_APPLICATION);
  check_untouched(path, FARSIDE_NEWER, "newer version", __LINE__);
  // As it is seen in the log only.
  kit_clear();
  far_store *store = open_at(path);
  add_one(store);
  sqlite3_exec(far_sqlite_of(store)->db, "PRAGMA user_version = 1000", NULL,
               NULL, NULL);
  check(kit_bytes(kit_path("s.db-wal")) > 0);
  sqlite3_db_config(far_sqlite_of(store)->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
                    1, NULL);
  far_sqlite_of(store)->is_dirty = false;
  far_store_close(store);
  check(kit_bytes(kit_path("s.db-wal")) > 0);
  uint64_t before = hash_file(path), log = hash_file(kit_path("s.db-wal"));
  check_refused((far_store_config){.path = path}, FARSIDE_NEWER, "newer");
  check(hash_file(path) == before && hash_file(kit_path("s.db-wal")) == log);
}

// -- Older files --------------------------------------------------------------

// There is one layout yet, so the steps of this test are its own. What is
// tried is the machinery: which steps are taken, and all of them or none.
static const char *const one[] = {"CREATE TABLE a(x)",
                                  "INSERT INTO a VALUES (1)", NULL};
static const char *const two[] = {"ALTER TABLE a ADD COLUMN y", NULL};
static const char *const three[] = {"UPDATE a SET y = x + 1",
                                    "CREATE TABLE b(z)", NULL};
static const char *const wrong[] = {"UPDATE a SET y = 9", "DROP TABLE none",
                                    NULL};

static far_sqlite older(const char *path) {
  far_sqlite my = {.store.memory = &memory, .path = (char *)(uintptr_t)path};
  check(sqlite3_open(path, &my.db) == SQLITE_OK);
  return my;
}

static void test_upgrade_steps(void) {
  static const char *const *const good[] = {one, two, three};
  static const char *const *const bad[] = {one, two, wrong};
  kit_clear();
  const char *path = kit_path("s.db");
  far_sqlite my = older(path);
  check_ok(far_sqlite_upgrade(&my, good, 0, 1));
  check(kit_sql(path, "PRAGMA user_version") == 1);
  check(kit_sql(path, "SELECT count(*) FROM a") == 1);
  // A step that fails takes those before it along.
  check(far_sqlite_upgrade(&my, bad, 1, 3) == FARSIDE_STORE);
  check(strstr(my.error, "none") != NULL);
  check(kit_sql(path, "PRAGMA user_version") == 1);
  check(kit_sql(path, "SELECT count(*) FROM pragma_table_info('a')") == 1);
  check_ok(far_sqlite_upgrade(&my, good, 1, 3));
  check(kit_sql(path, "PRAGMA user_version") == 3);
  check(kit_sql(path, "SELECT y FROM a") == 2);
  check_ok(far_sqlite_upgrade(&my, good, 3, 3));
  check(kit_sql(path, "SELECT count(*) FROM a") == 1);
  sqlite3_close(my.db);
}

// A file of layout 0, which is ours and has nothing yet: all steps are taken.
static void test_older_file(void) {
  kit_clear();
  const char *path = kit_path("s.db");
  make_file(path, "PRAGMA application_id = 1717662291;"
                  "CREATE TABLE left_by_somebody(x);"
                  "INSERT INTO left_by_somebody VALUES (7)");
  check_refused(((far_store_config){.path = path, .is_readonly = true}),
                FARSIDE_NOFILE, "empty");
  far_store *store = open_at(path);
  check(error[0] == '\0');
  add_one(store);
  check(enqueued(store) == 1);
  far_store_close(store);
  check(kit_sql(path, "SELECT x FROM left_by_somebody") == 7);
  store = open_at(path);
  check(enqueued(store) == 1);
  far_store_close(store);
}

// -- Full, moved, shrunk ------------------------------------------------------

static int64_t fill_up(far_store *store, farside_status *status) {
  char *text = malloc(20001);
  memset(text, 'x', 20000);
  text[20000] = '\0';
  int64_t count = 0;
  do {
    far_work work = kit_work(&memory, "app", "k");
    kit_set(&memory, &work.input, text);
    *status = store->begin(store, false);
    if (*status == FARSIDE_OK)
      *status = store->insert(store, &work, NULL, 0, false);
    if (*status == FARSIDE_OK)
      *status = store->commit(store);
    far_work_deinit(&memory, &work);
    count += *status == FARSIDE_OK;
  } while (*status == FARSIDE_OK && count < 5000);
  free(text);
  return count;
}

static void test_full(void) {
  kit_clear();
  far_store *store = open_with((far_store_config){
      .path = kit_path("s.db"), .bytes_max = 4 * 1024 * 1024});
  farside_status status;
  int64_t count = fill_up(store, &status);
  check(status == FARSIDE_FULL && count > 150 && count < 220);
  check(!store->is_open(store));
  check(strstr(store->error(store), kit_path("s.db")) != NULL);
  check(strstr(store->error(store), "no room") != NULL);
  check(enqueued(store) == count); // Reading goes on, and nothing is half.
  store->idle(store);
  check(kit_bytes(kit_path("s.db")) <= 4 * 1024 * 1024);
  // What is deleted makes room.
  far_find all = {.by = FAR_FIND_FILTER, .state = -1};
  far_work work = {0};
  check_ok(store->begin(store, true));
  while (store->find(store, &all, &work) == FARSIDE_OK) {
    work.state = FAR_WORK_SUCCEEDED;
    check_ok(store->save(store, &work, false));
    far_work_deinit(&memory, &work);
  }
  int64_t pruned;
  check_ok(store->prune(store, NULL, 1, INT64_MAX, &pruned));
  check(pruned == count);
  check_ok(store->commit(store));
  // And the disk gets it back, a part at a time.
  for (int i = 0; i < 8; i++)
    store->idle(store);
  check(kit_bytes(kit_path("s.db")) < 2 * 1024 * 1024);
  check(kit_bytes(kit_path("s.db-wal")) == 0);
  check(fill_up(store, &status) > 0);
  far_store_close(store);
}

static void test_moved(void) {
  kit_clear();
  far_store *store = open_at(kit_path("s.db"));
  add_one(store);
  check(rename(kit_path("s.db"), kit_path("elsewhere.db")) == 0);
  check(store->begin(store, true) == FARSIDE_STORE);
  check(strstr(store->error(store), "moved or deleted") != NULL);
  check(!store->is_open(store));
  check(rename(kit_path("elsewhere.db"), kit_path("s.db")) == 0);
  add_one(store);
  check(enqueued(store) == 2);
  far_store_close(store);
}

// A state that changes writes no large text again.
static void test_small_writes(void) {
  kit_clear();
  far_store *store = open_at(kit_path("s.db"));
  far_work work = kit_work(&memory, "app", "k");
  char *large = malloc(FAR_WORK_VALUE_MAX + 1);
  memset(large, 'x', FAR_WORK_VALUE_MAX);
  large[FAR_WORK_VALUE_MAX] = '\0';
  kit_set(&memory, &work.input, large);
  free(large);
  check_ok(store->begin(store, true));
  add(store, &work);
  check_ok(store->commit(store));
  store->idle(store);
  check(kit_bytes(kit_path("s.db-wal")) == 0);
  check_ok(store->begin(store, true));
  check_ok(store->save(store, &work, true));
  work.state = FAR_WORK_RUNNING;
  work.token = 1;
  check_ok(store->save(store, &work, false));
  check_ok(store->checkpoint(store, work.id, 1, "{}"));
  check_ok(store->commit(store));
  check(kit_bytes(kit_path("s.db-wal")) < 100 * 1024);
  far_work_deinit(&memory, &work);
  far_store_close(store);
}

// How SQLite is set is what was meant, also after it was changed.
static void test_settings(void) {
  kit_clear();
  far_store *store = open_at(kit_path("s.db"));
  static const struct {
    const char *pragma;
    int64_t number;
  } settings[] = {
      {"PRAGMA auto_vacuum", 2},    {"PRAGMA mmap_size", 0},
      {"PRAGMA cache_size", -2048}, {"PRAGMA journal_size_limit", 4194304},
      {"PRAGMA foreign_keys", 0},   {"PRAGMA max_page_count", 262144},
      {"PRAGMA temp_store", 2},     {"PRAGMA busy_timeout", 5000},
      {"PRAGMA locking_mode", 0},
  };
  sqlite3 *db = far_sqlite_of(store)->db;
  for (size_t i = 0; i < ROWS(settings); i++) {
    sqlite3_stmt *stmt;
    check(sqlite3_prepare_v2(db, settings[i].pragma, -1, &stmt, NULL) ==
          SQLITE_OK);
    check(sqlite3_step(stmt) == SQLITE_ROW);
    kit_check(sqlite3_column_int64(stmt, 0) == settings[i].number,
              settings[i].pragma, "", __LINE__);
    sqlite3_finalize(stmt);
  }
  for (int i = 0; i < 6; i++) {
    bool is_durable = i % 3 == 0;
    check_ok(store->begin(store, is_durable));
    sqlite3_stmt *stmt;
    check(sqlite3_prepare_v2(db, "PRAGMA synchronous", -1, &stmt, NULL) ==
          SQLITE_OK);
    check(sqlite3_step(stmt) == SQLITE_ROW);
    check(sqlite3_column_int64(stmt, 0) == (is_durable ? 2 : 1));
    sqlite3_finalize(stmt);
    store->rollback(store);
  }
  far_store_close(store);
}

// Classes that nobody is ready in are deleted after a while.
static void test_classes_end(void) {
  far_store *store = open_at(NULL);
  check_ok(store->begin(store, false));
  for (int i = 0; i < 250; i++) {
    char kind[32];
    snprintf(kind, sizeof kind, "kind %d", i);
    far_work work = kit_work(&memory, "app", kind);
    add(store, &work);
    check_ok(store->save(store, &work, true));
    if (i % 50 != 0) {
      work.state = FAR_WORK_FAILED;
      check_ok(store->save(store, &work, false));
    }
    far_work_deinit(&memory, &work);
  }
  int64_t count;
  for (int i = 0; i < 4; i++)
    check_ok(store->prune(store, NULL, 0, 100, &count));
  check_ok(store->commit(store));
  sqlite3_stmt *stmt;
  check(sqlite3_prepare_v2(far_sqlite_of(store)->db,
                           "SELECT count(*) FROM classes", -1, &stmt,
                           NULL) == SQLITE_OK);
  check(sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int64(stmt, 0) == 5);
  sqlite3_finalize(stmt);
  int classes = 0;
  far_class found = {0};
  while (store->next_class(store, found.id, &found) == FARSIDE_OK) {
    int64_t id = found.id;
    far_class_deinit(&memory, &found);
    found.id = id;
    classes++;
  }
  check(classes == 5);
  far_store_close(store);
}

int main(void) {
  kit_begin("store_test");
  far_memory_init(&memory, NULL, NULL);
  test_every_store();
  test_plans();
  test_one_owner();
  test_foreign_lock();
  test_paths();
  test_readers();
  test_idle_beside_a_reader();
  test_lost();
  test_read_only_folder();
  test_foreign_files();
  test_newer_file();
  test_upgrade_steps();
  test_older_file();
  test_full();
  test_moved();
  test_small_writes();
  test_settings();
  test_classes_end();
  check(memory.used_bytes == 0);
  return kit_end();
}
