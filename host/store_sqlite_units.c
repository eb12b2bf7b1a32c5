// Units of work in the store of SQLite's: their rows, their texts, what follows
// from them, and their runs.

#include "store_sqlite.h"

#include "far_assert.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// -- Texts of a unit ----------------------------------------------------------

// They lie beside the row: `id * TEXTS + part` is their key.
typedef enum part {
  PART_INPUT,
  PART_OUTPUT,
  PART_CHECKPOINT,
  PART_PROGRESS,
  FIELDS,                // Of a far_work.
  PART_PARENTS = FIELDS, // Ids, each followed by a comma.
  TEXTS = 8
} part;

// Those that a row cannot do without: its column `parts` says which it has. A
// checkpoint and the progress come and go while it runs.
enum { PARTS_KEPT = 1 << PART_INPUT | 1 << PART_OUTPUT | 1 << PART_PARENTS };

static const size_t fields[FIELDS] = {
    [PART_INPUT] = offsetof(far_work, input),
    [PART_OUTPUT] = offsetof(far_work, output),
    [PART_CHECKPOINT] = offsetof(far_work, checkpoint),
    [PART_PROGRESS] = offsetof(far_work, progress),
};

static const char *text_of(const far_work *work, part which) {
  const char *at = (const char *)work + fields[which];
  return *(char *const *)(const void *)at;
}

static void set_text(far_work *work, part which, char *text) {
  *(char **)(void *)((char *)work + fields[which]) = text;
}

static bool has(unsigned parts, part which) {
  return (parts >> which & 1) != 0;
}

static unsigned parts_of(const far_work *work, bool has_parents) {
  return (work->input != NULL ? 1u << PART_INPUT : 0) |
         (work->output != NULL ? 1u << PART_OUTPUT : 0) |
         (has_parents ? 1u << PART_PARENTS : 0);
}

static int64_t text_key(int64_t id, part which) {
  return id * TEXTS + (int64_t)which;
}

static farside_status delete_text(far_sqlite *my, int64_t id, part which) {
  far_query q = far_ask(my, FAR_SQL_TEXT_DELETE);
  far_give(&q, text_key(id, which));
  return far_write(&q);
}

static farside_status put_text(far_sqlite *my, int64_t id, part which,
                               const char *json) {
  int64_t key = text_key(id, which);
  size_t bytes = strlen(json);
  far_query q = far_ask(my, FAR_SQL_TEXT_PUT);
  far_give(&q, key);
  far_give_json(&q, json, bytes);
  far_give_sum(&q, far_sum_bytes(far_sum_number(0, key), json, bytes));
  return far_write(&q);
}

static farside_status change_with(far_sqlite *my, far_sql which,
                                  int64_t number) {
  far_query q = far_ask(my, which);
  far_give(&q, number);
  return far_write(&q);
}

// Of a record that was read in brief only this can have changed.
static farside_status put_brief(far_sqlite *my, const far_work *work) {
  farside_status status = FARSIDE_OK;
  if (work->output != NULL)
    status = put_text(my, work->id, PART_OUTPUT, work->output);
  if (status == FARSIDE_OK && work->forgets)
    status = change_with(my, FAR_SQL_TEXTS_FORGET,
                         text_key(work->id, PART_CHECKPOINT));
  return status;
}

// Puts what a row has. With `old`, the parts of the row that it replaces, what
// it has not is deleted.
static farside_status put_texts(far_sqlite *my, const far_work *work,
                                const unsigned *old) {
  farside_status status = FARSIDE_OK;
  for (part which = 0; which < FIELDS && status == FARSIDE_OK; which++) {
    const char *text = text_of(work, which);
    if (text != NULL)
      status = put_text(my, work->id, which, text);
    else if (old != NULL && (has(*old, which) || !has(PARTS_KEPT, which)))
      status = delete_text(my, work->id, which);
  }
  return status;
}

// The text of the row that a statement is at: its key, the text, its sum. Where
// the key is none of this unit it could be any: what is worst to lose.
static char *take_part(far_row *from, int64_t id, part *which) {
  int64_t key = far_take(from);
  char *text = far_take_text(from);
  far_take_sum(from);
  int64_t at = key - text_key(id, 0);
  bool is_one = at >= 0 && at < TEXTS;
  from->is_false |= !is_one;
  *which = is_one ? (part)at : PART_INPUT;
  return text;
}

static farside_status why_not(far_sqlite *my, const far_row *from,
                              const char *what, int64_t id) {
  return from->is_short ? far_sqlite_no_memory(my)
                        : far_sqlite_damaged(my, what, id);
}

static farside_status load_text(far_sqlite *my, sqlite3_stmt *stmt,
                                far_work *work, unsigned *seen) {
  far_row from = {.stmt = stmt, .memory = my->store.memory};
  part which;
  char *text = take_part(&from, work->id, &which);
  bool is_true = !from.is_short && !from.is_false;
  if (is_true)
    *seen |= 1u << which;
  if (is_true && which < FIELDS)
    set_text(work, which, text);
  else
    far_string_free(my->store.memory, text);
  // A unit that has lost its checkpoint begins again: better than not at all.
  if (is_true || (my->is_salvage && !from.is_short && !has(PARTS_KEPT, which)))
    return FARSIDE_OK;
  return why_not(my, &from, "a text of unit", work->id);
}

static farside_status load_texts(far_sqlite *my, far_work *work,
                                 unsigned parts) {
  far_query q = far_ask(my, FAR_SQL_TEXTS_LOAD);
  far_give(&q, text_key(work->id, 0));
  unsigned seen = 0;
  farside_status status = FARSIDE_OK;
  while (status == FARSIDE_OK && (status = far_next(&q)) == FARSIDE_OK)
    status = load_text(my, q.stmt, work, &seen);
  far_end(&q);
  if (status == FARSIDE_NOWORK && (seen & PARTS_KEPT) == parts)
    return FARSIDE_OK;
  return status == FARSIDE_NOWORK
             ? far_sqlite_damaged(my, "a text of unit", work->id)
             : status;
}

// -- Rows of works ------------------------------------------------------------

static int64_t prune_ms_of(const far_work *work) {
  int64_t sum;
  if (__builtin_add_overflow(work->since_ms, work->keep_ms, &sum))
    return INT64_MAX;
  return sum;
}

// Binds all of a row, in the order of FAR_SQL_WORK_INSERT and
// FAR_SQL_WORK_SAVE.
static void give_work(far_query *q, const far_work *work, unsigned parts,
                      int64_t class_id) {
  far_sum sum = far_sum_number(0, work->id);
#define GIVE_TEXT(column, field)                                               \
  far_give_text(q, work->field);                                               \
  sum = far_sum_text(sum, work->field);
#define GIVE_NUMBER(type, column, field)                                       \
  far_give(q, (int64_t)work->field);                                           \
  sum = far_sum_number(sum, (int64_t)work->field);
  FAR_COLUMN_MAP(GIVE_TEXT, GIVE_NUMBER)
  far_give(q, parts);
  sum = far_sum_number(sum, parts);
  if (class_id != 0)
    far_give(q, class_id);
  else
    far_give_null(q);
  sum = far_sum_number(sum, class_id);
  if (far_work_is_final(work))
    far_give(q, prune_ms_of(work));
  else
    far_give_null(q);
  far_give_sum(q, sum);
  far_give(q, work->id);
}

static bool makes_sense(const far_work *work) {
  return work->id > 0 && work->script != NULL && work->kind != NULL &&
         (unsigned)work->state < FAR_WORK_STATES &&
         (unsigned)work->reason < FAR_REASONS &&
         (unsigned)work->rules.backoff < FAR_BACKOFFS &&
         (unsigned)work->missed < FAR_MISSEDS &&
         (unsigned)work->on_parent_fail < FAR_PARENT_FAILS &&
         (unsigned)work->expedite < FAR_EXPEDITES;
}

// The row that a statement is at, without its texts.
static farside_status take_work(far_sqlite *my, sqlite3_stmt *stmt,
                                far_work *work, unsigned *parts,
                                bool *is_ready) {
  far_row from = {.stmt = stmt, .memory = my->store.memory};
  work->id = far_take(&from);
#define TAKE_TEXT(column, field)         work->field = far_take_text(&from);
#define TAKE_NUMBER(type, column, field) work->field = (type)far_take(&from);
  FAR_COLUMN_MAP(TAKE_TEXT, TAKE_NUMBER)
  *parts = work->parts = (unsigned)far_take(&from);
  work->has_parents = has(*parts, PART_PARENTS);
  int64_t class_id = sqlite3_column_int64(stmt, from.at++); // NULL is zero.
  from.sum = far_sum_number(from.sum, class_id);
  *is_ready = class_id > 0;
  far_take_sum(&from);
  if (!from.is_short && !from.is_false && makes_sense(work))
    return FARSIDE_OK;
  int64_t id = work->id;
  far_work_deinit(my->store.memory, work);
  return why_not(my, &from, "unit", id);
}

// A verb that writes has failed: nothing of its transaction remains. What it
// expected to find and did not find is no failure.
static farside_status over(far_sqlite *my, farside_status status) {
  if (status != FARSIDE_OK && status != FARSIDE_STALE &&
      status != FARSIDE_NOWORK)
    far_sqlite_abandon(my);
  return status;
}

// -- Classes and tags ---------------------------------------------------------

static void give_class(far_query *q, const far_work *work) {
  far_give_text(q, work->script);
  far_give_text(q, work->kind);
  far_give(q, work->needs);
  far_give(q, work->expedite != FAR_EXPEDITE_NO);
}

static bool is_same(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

// Most units are of the class of the last one.
static bool is_last_class(const far_sqlite *my, const far_work *work) {
  const far_class *last = &my->last_class;
  return last->id != 0 && last->needs == work->needs &&
         last->is_expedited == (work->expedite != FAR_EXPEDITE_NO) &&
         is_same(last->script, work->script) && is_same(last->kind, work->kind);
}

static void remember_class(far_sqlite *my, const far_work *work, int64_t id) {
  far_class *last = &my->last_class;
  bool has_both = far_work_set(my->store.memory, &last->script, work->script) &&
                  far_work_set(my->store.memory, &last->kind, work->kind);
  last->needs = work->needs;
  last->is_expedited = work->expedite != FAR_EXPEDITE_NO;
  last->id = has_both ? id : 0;
}

static farside_status find_class(far_sqlite *my, const far_work *work,
                                 int64_t *class_id) {
  far_query q = far_ask(my, FAR_SQL_CLASS_FIND);
  give_class(&q, work);
  farside_status status = far_next(&q);
  if (status == FARSIDE_OK)
    *class_id = sqlite3_column_int64(q.stmt, 0);
  far_end(&q);
  if (status != FARSIDE_NOWORK)
    return status;
  q = far_ask(my, FAR_SQL_CLASS_INSERT);
  give_class(&q, work);
  status = far_write(&q);
  *class_id = status == FARSIDE_OK ? sqlite3_last_insert_rowid(my->db) : 0;
  return status;
}

static farside_status class_of(far_sqlite *my, const far_work *work,
                               int64_t *class_id) {
  if (is_last_class(my, work)) {
    *class_id = my->last_class.id;
    return FARSIDE_OK;
  }
  farside_status status = find_class(my, work, class_id);
  if (status == FARSIDE_OK)
    remember_class(my, work, *class_id);
  return status;
}

// Does `which` for every line of the tags.
static farside_status each_tag(far_sqlite *my, far_sql which, int64_t id,
                               const char *tags) {
  farside_status status = FARSIDE_OK;
  while (tags != NULL && *tags != '\0' && status == FARSIDE_OK) {
    size_t bytes = strcspn(tags, "\n");
    far_query q = far_ask(my, which);
    far_give_json(&q, tags, bytes);
    far_give(&q, id);
    status = far_write(&q);
    tags += bytes + (tags[bytes] == '\n');
  }
  return status;
}

// -- Units of work ------------------------------------------------------------

// "12,15,": the parents as they are kept.
enum { PARENTS_BYTES = FAR_WORK_PARENTS_MAX * 21 + 1 };

static void print_parents(const int64_t *parents, size_t count,
                          char text[PARENTS_BYTES]) {
  size_t at = 0;
  text[0] = '\0';
  for (size_t i = 0; i < count; i++)
    at += (size_t)snprintf(text + at, PARENTS_BYTES - at, "%lld,",
                           (long long)parents[i]);
}

static size_t read_parents(const char *text,
                           int64_t parents[FAR_WORK_PARENTS_MAX]) {
  size_t count = 0;
  while (text != NULL && *text != '\0' && count < FAR_WORK_PARENTS_MAX) {
    char *behind;
    parents[count] = strtoll(text, &behind, 10);
    if (behind == text || *behind != ',')
      break;
    count++;
    text = behind + 1;
  }
  return count;
}

static farside_status put_parents(far_sqlite *my, int64_t id,
                                  const int64_t *parents, size_t count) {
  far_assert(count <= FAR_WORK_PARENTS_MAX);
  if (count == 0)
    return FARSIDE_OK;
  char text[PARENTS_BYTES];
  print_parents(parents, count, text);
  farside_status status = put_text(my, id, PART_PARENTS, text);
  for (size_t i = 0; i < count && status == FARSIDE_OK; i++) {
    far_query q = far_ask(my, FAR_SQL_EDGE_INSERT);
    far_give(&q, parents[i]);
    far_give(&q, id);
    status = far_write(&q);
  }
  return status;
}

farside_status far_sqlite_put_work(far_sqlite *my, const far_work *work,
                                   const int64_t *parents, size_t count,
                                   bool is_ready) {
  int64_t class_id = 0;
  farside_status status = is_ready ? class_of(my, work, &class_id) : FARSIDE_OK;
  if (status != FARSIDE_OK)
    return status;
  far_query q = far_ask(my, FAR_SQL_WORK_INSERT);
  give_work(&q, work, parts_of(work, count > 0), class_id);
  if ((status = far_write(&q)) != FARSIDE_OK)
    return status;
  if ((status = put_texts(my, work, NULL)) != FARSIDE_OK)
    return status;
  if ((status = put_parents(my, work->id, parents, count)) != FARSIDE_OK)
    return status;
  return each_tag(my, FAR_SQL_TAG_INSERT, work->id, work->tags);
}

// Ids are given here and not by SQLite: the sum of a row needs its id, and one
// that was rolled back is not given again either.
static farside_status new_id(far_sqlite *my, int64_t *id) {
  if (my->next_id == 0) {
    far_query q = far_ask(my, FAR_SQL_LAST_ID);
    farside_status status = far_next(&q);
    if (status == FARSIDE_OK)
      my->next_id = sqlite3_column_int64(q.stmt, 0) + 1;
    far_end(&q);
    if (status != FARSIDE_OK)
      return status;
  }
  *id = my->next_id++;
  return FARSIDE_OK;
}

static farside_status insert(far_store *store, far_work *work,
                             const int64_t *parents, size_t count,
                             bool is_ready) {
  far_sqlite *my = far_sqlite_of(store);
  far_assert(work->script != NULL && work->kind != NULL);
  int64_t before = work->id;
  farside_status status = new_id(my, &work->id);
  if (status == FARSIDE_OK)
    status = far_sqlite_put_work(my, work, parents, count, is_ready);
  if (status != FARSIDE_OK)
    work->id = before;
  return over(my, status);
}

farside_status far_sqlite_load(far_sqlite *my, int64_t id, bool is_brief,
                               far_work *work, bool *is_ready) {
  far_query q = far_ask(my, FAR_SQL_WORK_LOAD);
  far_give(&q, id);
  unsigned parts;
  farside_status status = far_next(&q);
  if (status == FARSIDE_OK)
    status = take_work(my, q.stmt, work, &parts, is_ready);
  far_end(&q);
  if (status != FARSIDE_OK)
    return status;
  work->is_brief = is_brief;
  if (!is_brief && (status = load_texts(my, work, parts)) != FARSIDE_OK)
    far_work_deinit(my->store.memory, work);
  return status;
}

static farside_status load(far_store *store, int64_t id, far_work *work) {
  bool is_ready;
  return far_sqlite_load(far_sqlite_of(store), id, false, work, &is_ready);
}

static farside_status load_brief(far_store *store, int64_t id, far_work *work) {
  bool is_ready;
  return far_sqlite_load(far_sqlite_of(store), id, true, work, &is_ready);
}

// What has to be known of the row that is there, before it is written over.
typedef struct old_row {
  unsigned parts;
  char *tags; // Where they differ; else NULL.
  bool has_other_tags;
} old_row;

static farside_status look(far_sqlite *my, const far_work *work, old_row *old) {
  far_query q = far_ask(my, FAR_SQL_WORK_LOOK);
  far_give(&q, work->id);
  farside_status status = far_next(&q);
  if (status == FARSIDE_OK) {
    *old = (old_row){.parts = (unsigned)sqlite3_column_int64(q.stmt, 0)};
    const char *tags = (const char *)sqlite3_column_text(q.stmt, 1);
    old->has_other_tags = !is_same(tags, work->tags);
    if (old->has_other_tags && tags != NULL &&
        (old->tags = far_string_new(my->store.memory, tags)) == NULL)
      status = far_sqlite_no_memory(my);
  }
  far_end(&q);
  return status;
}

static farside_status save_tags(far_sqlite *my, const far_work *work,
                                const old_row *old) {
  if (!old->has_other_tags)
    return FARSIDE_OK;
  farside_status status = each_tag(my, FAR_SQL_TAG_DELETE, work->id, old->tags);
  return status == FARSIDE_OK
             ? each_tag(my, FAR_SQL_TAG_INSERT, work->id, work->tags)
             : status;
}

// `run`: where not NULL, the row must be running with this token.
static farside_status save_row(far_sqlite *my, const far_work *work,
                               unsigned parts, const int64_t *run,
                               bool is_ready) {
  int64_t class_id = 0;
  farside_status status = is_ready ? class_of(my, work, &class_id) : FARSIDE_OK;
  if (status != FARSIDE_OK)
    return status;
  far_query q = far_ask(my, run ? FAR_SQL_WORK_SAVE_RUN : FAR_SQL_WORK_SAVE);
  give_work(&q, work, parts, class_id);
  if (run != NULL)
    far_give(&q, *run);
  if ((status = far_write(&q)) != FARSIDE_OK)
    return status;
  if (sqlite3_changes(my->db) > 0)
    return FARSIDE_OK;
  return run == NULL
             ? FARSIDE_NOWORK
             : far_sqlite_say(my, FARSIDE_STALE, "another run has taken over");
}

static farside_status save_whole(far_sqlite *my, const far_work *work,
                                 const int64_t *run, bool is_ready) {
  old_row old = {0};
  farside_status status = look(my, work, &old);
  if (status == FARSIDE_OK)
    status = save_row(my, work, parts_of(work, has(old.parts, PART_PARENTS)),
                      run, is_ready);
  if (status == FARSIDE_OK)
    status = put_texts(my, work, &old.parts);
  if (status == FARSIDE_OK)
    status = save_tags(my, work, &old);
  far_string_free(my->store.memory, old.tags);
  return status;
}

static farside_status save_brief(far_sqlite *my, const far_work *work,
                                 const int64_t *run, bool is_ready) {
  unsigned parts = work->parts | (work->output ? 1u << PART_OUTPUT : 0);
  farside_status status = save_row(my, work, parts, run, is_ready);
  return status == FARSIDE_OK ? put_brief(my, work) : status;
}

static farside_status save_as(far_sqlite *my, const far_work *work,
                              const int64_t *run, bool is_ready) {
  far_assert(work->id > 0);
  far_assert(!is_ready || work->state == FAR_WORK_ENQUEUED);
  return over(my, work->is_brief ? save_brief(my, work, run, is_ready)
                                 : save_whole(my, work, run, is_ready));
}

static farside_status save(far_store *store, const far_work *work,
                           bool is_ready) {
  return save_as(far_sqlite_of(store), work, NULL, is_ready);
}

static farside_status save_run(far_store *store, const far_work *work,
                               int64_t token, bool is_ready) {
  farside_status status = save_as(far_sqlite_of(store), work, &token, is_ready);
  return status == FARSIDE_NOWORK ? FARSIDE_STALE : status;
}

static farside_status save_part(far_sqlite *my, int64_t id, int64_t token,
                                part which, const char *json) {
  far_query q = far_ask(my, FAR_SQL_FENCE);
  far_give(&q, id);
  far_give(&q, token);
  farside_status status = far_next(&q);
  far_end(&q);
  if (status == FARSIDE_NOWORK)
    return far_sqlite_say(my, FARSIDE_STALE, "another run has taken over");
  if (status == FARSIDE_OK)
    status = json != NULL ? put_text(my, id, which, json)
                          : delete_text(my, id, which);
  return over(my, status);
}

static farside_status checkpoint(far_store *store, int64_t id, int64_t token,
                                 const char *json) {
  return save_part(far_sqlite_of(store), id, token, PART_CHECKPOINT, json);
}

static farside_status progress(far_store *store, int64_t id, int64_t token,
                               const char *json) {
  return save_part(far_sqlite_of(store), id, token, PART_PROGRESS, json);
}

static farside_status has_text(far_sqlite *my, int64_t id, part which,
                               bool *it_has) {
  far_query q = far_ask(my, FAR_SQL_WORK_LOOK);
  far_give(&q, id);
  farside_status status = far_next(&q);
  *it_has = status == FARSIDE_OK &&
            has((unsigned)sqlite3_column_int64(q.stmt, 0), which);
  far_end(&q);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static farside_status parents(far_store *store, int64_t id, int64_t *parents,
                              size_t *count) {
  far_sqlite *my = far_sqlite_of(store);
  bool it_has;
  *count = 0;
  farside_status status = has_text(my, id, PART_PARENTS, &it_has);
  if (status != FARSIDE_OK || !it_has)
    return status;
  far_query q = far_ask(my, FAR_SQL_TEXT_LOAD);
  far_give(&q, text_key(id, PART_PARENTS));
  if ((status = far_next(&q)) == FARSIDE_OK) {
    far_row from = {.stmt = q.stmt, .memory = store->memory};
    part which;
    char *text = take_part(&from, id, &which);
    if (from.is_short || from.is_false)
      status = why_not(my, &from, "a text of unit", id);
    else
      *count = read_parents(text, parents);
    far_string_free(store->memory, text);
  }
  far_end(&q);
  return status == FARSIDE_NOWORK ? far_sqlite_damaged(my, "a text of unit", id)
                                  : status;
}

// -- Runs ---------------------------------------------------------------------

static void give_run(far_query *q, const far_run *run) {
  const int64_t numbers[] = {run->work,        run->token,    run->attempt,
                             run->slot_ms,     run->begun_ms, run->ended_ms,
                             (int64_t)run->end};
  far_sum sum = 0;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    far_give(q, numbers[i]);
    sum = far_sum_number(sum, numbers[i]);
  }
  far_give_text(q, run->why);
  far_give_sum(q, far_sum_text(sum, run->why));
}

static farside_status run_begin(far_store *store, const far_run *run) {
  far_sqlite *my = far_sqlite_of(store);
  far_query q = far_ask(my, FAR_SQL_RUN_INSERT);
  give_run(&q, run);
  farside_status status = far_write(&q);
  // A token counts the runs of its unit.
  if (status != FARSIDE_OK || run->token <= FAR_RUNS_KEPT)
    return status;
  q = far_ask(my, FAR_SQL_RUN_TRIM);
  far_give(&q, run->work);
  far_give(&q, FAR_RUNS_KEPT);
  return far_write(&q);
}

static farside_status run_end(far_store *store, const far_run *run) {
  far_sqlite *my = far_sqlite_of(store);
  far_query q = far_ask(my, FAR_SQL_RUN_END);
  give_run(&q, run);
  farside_status status = far_write(&q);
  if (status == FARSIDE_OK && sqlite3_changes(my->db) == 0)
    return far_sqlite_say(my, FARSIDE_NOWORK, "no run has this token");
  return status;
}

static farside_status run_before(far_store *store, int64_t work, int64_t token,
                                 far_run *run) {
  far_sqlite *my = far_sqlite_of(store);
  far_query q = far_ask(my, FAR_SQL_RUN_BEFORE);
  far_give(&q, work);
  far_give(&q, token);
  farside_status status = far_next(&q);
  if (status == FARSIDE_OK) {
    far_row from = {.stmt = q.stmt, .memory = store->memory};
    run->work = far_take(&from);
    run->token = far_take(&from);
    run->attempt = far_take(&from);
    run->slot_ms = far_take(&from);
    run->begun_ms = far_take(&from);
    run->ended_ms = far_take(&from);
    run->end = (far_run_end)far_take(&from);
    run->why = far_take_text(&from);
    far_take_sum(&from);
    if (from.is_short || from.is_false || (unsigned)run->end >= FAR_RUN_ENDS)
      status = why_not(my, &from, "a run of unit", work);
    if (status != FARSIDE_OK)
      far_run_deinit(store->memory, run);
  }
  far_end(&q);
  return status;
}

// -- Pruning ------------------------------------------------------------------

// How much later a unit is looked at again that somebody still waits for.
enum { LATER_MS = 3600 * 1000 };

static farside_status is_waited_for(far_sqlite *my, int64_t id, bool *is,
                                    int64_t *prune_ms) {
  far_query q = far_ask(my, FAR_SQL_PRUNE_WAITED);
  far_give(&q, id);
  farside_status status = far_next(&q);
  if (status == FARSIDE_OK) {
    *prune_ms = sqlite3_column_int64(q.stmt, 0);
    *is = sqlite3_column_int64(q.stmt, 1) != 0;
  }
  far_end(&q);
  return status == FARSIDE_NOWORK ? far_sqlite_damaged(my, "unit", id) : status;
}

static farside_status delete_edges(far_sqlite *my, int64_t id) {
  int64_t of_it[FAR_WORK_PARENTS_MAX];
  size_t count;
  farside_status status = parents(&my->store, id, of_it, &count);
  for (size_t i = 0; i < count && status == FARSIDE_OK; i++) {
    far_query q = far_ask(my, FAR_SQL_EDGE_DELETE);
    far_give(&q, of_it[i]);
    far_give(&q, id);
    status = far_write(&q);
  }
  return status == FARSIDE_OK ? change_with(my, FAR_SQL_EDGES_DELETE, id)
                              : status;
}

// Deletes a unit and all that is kept of it.
static farside_status delete_work(far_sqlite *my, int64_t id) {
  far_work none = {.id = id};
  old_row old = {0};
  farside_status status = look(my, &none, &old);
  if (status == FARSIDE_OK)
    status = each_tag(my, FAR_SQL_TAG_DELETE, id, old.tags);
  far_string_free(my->store.memory, old.tags);
  if (status == FARSIDE_OK)
    status = delete_edges(my, id);
  if (status == FARSIDE_OK)
    status = change_with(my, FAR_SQL_TEXTS_DELETE, text_key(id, 0));
  if (status == FARSIDE_OK)
    status = change_with(my, FAR_SQL_RUNS_DELETE, id);
  return status == FARSIDE_OK ? change_with(my, FAR_SQL_WORK_DELETE, id)
                              : status;
}

static farside_status prune_later(far_sqlite *my, int64_t id, int64_t now_ms) {
  far_query q = far_ask(my, FAR_SQL_PRUNE_LATER);
  far_give(&q, id);
  far_give(&q, now_ms + LATER_MS);
  return far_write(&q);
}

// Classes that nobody is ready in: kinds come and go with the versions of an
// app. A few at a time.
static farside_status sweep_classes(far_sqlite *my) {
  far_query q = far_ask(my, FAR_SQL_CLASS_SWEPT);
  far_give(&q, my->class_swept);
  farside_status status = far_next(&q);
  int64_t swept = status == FARSIDE_OK ? sqlite3_column_int64(q.stmt, 0) : 0;
  far_end(&q);
  if (status == FARSIDE_OK && swept > 0)
    status = change_with(my, FAR_SQL_CLASS_SWEEP, my->class_swept);
  my->class_swept = swept;
  my->last_class.id = 0;
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

// Deletes the next one behind `find`, or sees to it that it is not looked at
// again so soon. FARSIDE_NOWORK where there is none.
static farside_status prune_next(far_sqlite *my, far_find *find,
                                 int64_t *count) {
  int64_t id, prune_ms = 0;
  bool is_waited = false;
  farside_status status =
      far_sqlite_next_id(my, FAR_SQL_FIND_PRUNABLE, find, &id);
  if (status == FARSIDE_OK)
    status = is_waited_for(my, id, &is_waited, &prune_ms);
  if (status != FARSIDE_OK)
    return status;
  if (!is_waited) {
    *count += 1;
    return delete_work(my, id);
  }
  if (find->until_ms < INT64_MAX - LATER_MS)
    return prune_later(my, id, find->until_ms);
  // At no time of day there is no later: it is passed over.
  find->has_begun = true;
  find->at = prune_ms;
  find->at_id = id;
  return FARSIDE_OK;
}

static farside_status prune(far_store *store, const char *script,
                            int64_t now_ms, int64_t most, int64_t *count) {
  far_sqlite *my = far_sqlite_of(store);
  far_find find = {.script = script, .until_ms = now_ms};
  farside_status status = FARSIDE_OK;
  *count = 0;
  while (status == FARSIDE_OK && *count < most)
    status = prune_next(my, &find, count);
  if (status == FARSIDE_OK || status == FARSIDE_NOWORK)
    status = sweep_classes(my);
  return over(my, status);
}

void far_sqlite_fill_units(far_store *store) {
  store->insert = insert;
  store->load = load;
  store->load_brief = load_brief;
  store->save = save;
  store->save_run = save_run;
  store->checkpoint = checkpoint;
  store->progress = progress;
  store->parents = parents;
  store->run_begin = run_begin;
  store->run_end = run_end;
  store->run_before = run_before;
  store->prune = prune;
}
