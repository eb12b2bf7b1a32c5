#include "story.h"

#include "rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// -- Finding tasks and series again -------------------------------------------

// Open addressing over 64-bit hashes of names. Two that are equal are taken for
// the same: it is only a picture.
typedef struct slot {
  uint64_t hash; // 0: free.
  size_t value;
} slot;

typedef struct far_story_index {
  slot *slots;
  size_t capacity, count;
  // Of each series: its tasks, and its rows with the last task of each.
  uint32_t *ordinals;
  uint32_t *first_rows; // Row + 1.
  size_t series_room;
  uint64_t *row_ends;
  uint32_t *next_rows; // Row + 1 of the next row of the same series.
  size_t row_room;
} far_story_index;

static uint64_t hash_more(uint64_t hash, const char *text) {
  for (text = text ? text : "\xff"; *text; text++)
    hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
  return (hash ^ 0x100) * UINT64_C(0x100000001b3);
}

static uint64_t hash_of(const char *kind, const char *one, const char *two) {
  uint64_t hash = hash_more(UINT64_C(0xcbf29ce484222325), kind);
  hash = hash_more(hash_more(hash, one), two);
  return hash ? hash : 1;
}

static uint64_t task_key(const farside_entry *entry) {
  char id[24];
  snprintf(id, sizeof id, "%llu", (unsigned long long)entry->task);
  return hash_of("task", entry->script, id);
}

static slot *probe(const far_story_index *index, uint64_t hash) {
  size_t at = (size_t)hash & (index->capacity - 1);
  while (index->slots[at].hash != 0 && index->slots[at].hash != hash)
    at = (at + 1) & (index->capacity - 1);
  return &index->slots[at];
}

static bool index_grow(far_story_index *index) {
  far_story_index old = *index;
  size_t capacity = old.capacity ? old.capacity * 2 : 64;
  slot *slots = calloc(capacity, sizeof *slots);
  if (slots == NULL)
    return false;
  index->slots = slots;
  index->capacity = capacity;
  for (size_t i = 0; i < old.capacity; i++)
    if (old.slots[i].hash != 0)
      *probe(index, old.slots[i].hash) = old.slots[i];
  free(old.slots);
  return true;
}

static size_t *index_find(const far_story_index *index, uint64_t hash) {
  if (index->capacity == 0)
    return NULL;
  slot *found = probe(index, hash);
  return found->hash ? &found->value : NULL;
}

static bool index_set(far_story_index *index, uint64_t hash, size_t value) {
  if (index->count * 2 >= index->capacity && !index_grow(index))
    return false;
  slot *found = probe(index, hash);
  index->count += found->hash == 0;
  *found = (slot){.hash = hash, .value = value};
  return true;
}

// -- Lists that grow ----------------------------------------------------------

// Room for one more; zeroed bytes behind the old ones.
static bool reserve(void *list, size_t count, size_t *room, size_t bytes) {
  if (count < *room)
    return true;
  void *items; // A pointer to any type: read and written as bytes.
  memcpy(&items, list, sizeof items);
  size_t wanted = *room ? *room * 2 : 32;
  char *grown = realloc(items, wanted * bytes);
  if (grown == NULL)
    return false;
  memset(grown + *room * bytes, 0, (wanted - *room) * bytes);
  items = grown;
  memcpy(list, &items, sizeof items);
  *room = wanted;
  return true;
}

// -- Bands --------------------------------------------------------------------

static bool open_band(far_story *story, size_t lane, uint64_t number,
                      const farside_entry *entry, const char *label) {
  size_t last = story->open_bands[lane];
  if (last > 0)
    story->bands[last - 1].to_ms = entry->t_ms;
  if (!reserve(&story->bands, story->band_count, &story->band_room,
               sizeof *story->bands))
    return false;
  story->bands[story->band_count++] = (far_band){.lane = lane,
                                                 .from_ms = entry->t_ms,
                                                 .to_ms = story->to_ms,
                                                 .label = label,
                                                 .why = entry->why,
                                                 .entry = number};
  story->open_bands[lane] = story->band_count;
  return true;
}

// The app's state, by what every entry says of it.
static bool read_state(far_story *story, uint64_t number,
                       const farside_entry *entry) {
  bool has_ended = strcmp(entry->what, "app.end") == 0 ||
                   strcmp(entry->what, "app.kill") == 0;
  const char *state = has_ended ? "gone" : entry->state;
  size_t last = story->open_bands[FAR_APP_LANE];
  if (state == NULL ||
      (last > 0 && strcmp(story->bands[last - 1].label, state) == 0))
    return true;
  farside_entry change = *entry;
  if (strncmp(entry->what, "app.", 4) != 0)
    change.why = NULL; // It only happened to be the next to speak.
  return open_band(story, FAR_APP_LANE, number, &change, state);
}

static bool read_device(far_story *story, uint64_t number,
                        const farside_entry *entry) {
  const char *name = entry->what + strlen("device.");
  size_t lane = 1;
  while (lane < story->lane_count && strcmp(story->lanes[lane], name) != 0)
    lane++;
  if (lane == FAR_LANES_MAX)
    return true;
  if (lane == story->lane_count)
    story->lanes[story->lane_count++] = name;
  return open_band(story, lane, number, entry, entry->why ? entry->why : name);
}

// -- Tasks --------------------------------------------------------------------

static bool is_what(const farside_entry *entry, const char *what) {
  return strcmp(entry->what, what) == 0;
}

static bool find_series(far_story *story, far_story_task *task) {
  far_story_index *index = story->index;
  uint64_t hash = hash_of(task->name ? "name" : "where", task->script,
                          task->name    ? task->name
                          : task->where ? task->where
                                        : "");
  const size_t *known = index_find(index, hash);
  if (known != NULL) {
    task->series = (uint32_t)*known;
  } else {
    size_t room = index->series_room;
    if (!reserve(&index->ordinals, story->series_count, &room,
                 sizeof *index->ordinals) ||
        !reserve(&index->first_rows, story->series_count, &index->series_room,
                 sizeof *index->first_rows) ||
        !index_set(index, hash, story->series_count))
      return false;
    task->series = story->series_count++;
  }
  task->ordinal = ++index->ordinals[task->series];
  return true;
}

static bool begin_task(far_story *story, uint64_t number,
                       const farside_entry *entry) {
  if (!reserve(&story->tasks, story->task_count, &story->task_room,
               sizeof *story->tasks))
    return false;
  far_story_task *task = &story->tasks[story->task_count];
  bool is_begin = is_what(entry, "task.begin");
  *task = (far_story_task){.id = entry->task,
                           .script = entry->script,
                           .name = entry->name,
                           .where = entry->where,
                           .begin_ms = is_begin ? entry->t_ms : story->from_ms,
                           .end_ms = story->to_ms,
                           .deadline_ms = FAR_UNKNOWN,
                           .leak_ms = FAR_UNKNOWN,
                           .outcome = FAR_ENDING_OPEN,
                           .entry = number};
  return find_series(story, task) &&
         index_set(story->index, task_key(entry), story->task_count++);
}

// The host writes when a task would have been ended as so many seconds from
// now: "28.000 s before its end", "5.000 s are left".
static void read_deadline(far_story_task *task, const farside_entry *entry,
                          const char *after) {
  const char *found = entry->why ? strstr(entry->why, after) : NULL;
  if (found == NULL)
    return;
  const char *number = found;
  while (number > entry->why && number[-1] != ' ')
    number--;
  double seconds = strtod(number, NULL);
  if (seconds >= 0 && seconds < 1e9)
    task->deadline_ms = entry->t_ms + (uint64_t)(seconds * 1000 + 0.5);
}

static void end_task(far_story_task *task, const farside_entry *entry,
                     far_ending outcome) {
  task->end_ms = entry->t_ms;
  task->outcome = outcome;
  task->why = entry->why;
}

// Expiry comes before or after its leak: the leak says more.
static void leak_task(far_story_task *task, const farside_entry *entry) {
  task->leak_ms = entry->t_ms;
  task->leak_why = entry->why;
  if (task->outcome == FAR_ENDING_EXPIRED &&
      (entry->why == NULL || strstr(entry->why, "takes longer") == NULL))
    task->outcome = FAR_ENDING_LEAKED;
}

static bool read_task(far_story *story, uint64_t number,
                      const farside_entry *entry) {
  const size_t *found = index_find(story->index, task_key(entry));
  if (found == NULL || is_what(entry, "task.begin")) {
    if (!begin_task(story, number, entry))
      return false;
    found = index_find(story->index, task_key(entry));
  }
  far_story_task *task = &story->tasks[*found];
  if (is_what(entry, "task.finish")) {
    read_deadline(task, entry, " s before its end");
    end_task(task, entry, FAR_ENDING_FINISHED);
  } else if (is_what(entry, "task.fail")) {
    end_task(task, entry, FAR_ENDING_FAILED);
  } else if (is_what(entry, "task.cancel")) {
    end_task(task, entry, FAR_ENDING_CANCELLED);
  } else if (is_what(entry, "task.expire")) {
    task->deadline_ms = entry->t_ms;
    end_task(task, entry,
             task->leak_ms == FAR_UNKNOWN ? FAR_ENDING_EXPIRED
                                          : FAR_ENDING_LEAKED);
  } else if (is_what(entry, "task.leak")) {
    leak_task(task, entry);
  } else if (is_what(entry, "task.expiring")) {
    read_deadline(task, entry, " s are left");
  }
  return true;
}

// Rows are looked through up to here; then a task gets one of its own.
enum { ROWS_TRIED_MAX = 256 };

static bool place_task(far_story *story, far_story_task *task) {
  far_story_index *index = story->index;
  uint32_t *link = &index->first_rows[task->series];
  for (int i = 0; *link != 0 && i < ROWS_TRIED_MAX; i++) {
    if (index->row_ends[*link - 1] <= task->begin_ms) {
      task->row = *link - 1;
      index->row_ends[task->row] = task->end_ms;
      return true;
    }
    link = &index->next_rows[*link - 1];
  }
  uint32_t behind = *link;
  bool is_in_rows = link != &index->first_rows[task->series];
  size_t at = is_in_rows ? (size_t)(link - index->next_rows) : 0;
  size_t room = index->row_room;
  if (!reserve(&index->row_ends, story->row_count, &room,
               sizeof *index->row_ends) ||
      !reserve(&index->next_rows, story->row_count, &index->row_room,
               sizeof *index->next_rows))
    return false;
  task->row = story->row_count++;
  link = is_in_rows ? &index->next_rows[at] : &index->first_rows[task->series];
  *link = task->row + 1;
  index->row_ends[task->row] = task->end_ms;
  index->next_rows[task->row] = behind;
  return true;
}

// -- Faults -------------------------------------------------------------------

static bool add_fault(far_story *story, uint64_t number, far_fault_kind kind,
                      const farside_entry *entry) {
  if (!reserve(&story->faults, story->fault_count, &story->fault_room,
               sizeof *story->faults))
    return false;
  const size_t *task =
      entry->task ? index_find(story->index, task_key(entry)) : NULL;
  story->faults[story->fault_count++] = (far_fault){
      .kind = kind,
      .t_ms = entry->t_ms,
      .entry = number,
      .task = task ? *task : FAR_NO_TASK,
      .script = entry->script,
      .rule = entry->rule,
      .outcome = entry->outcome,
      .code = entry->code,
      .is_warning = kind == FAR_FAULT_VIOLATION && entry->level < FARSIDE_ERROR,
      .where = entry->where,
      .why = entry->why ? entry->why : ""};
  return true;
}

// What a script calls an error is its own affair; what Lua or the host does is
// a fault. Those come with a traceback, without a script, or end the app.
static bool is_error(const far_story *story, uint64_t number,
                     const farside_entry *entry) {
  if (!is_what(entry, "log") || entry->level != FARSIDE_ERROR)
    return false;
  if (entry->script == NULL ||
      (entry->why && strstr(entry->why, "\nstack traceback:") != NULL))
    return true;
  const farside_entry *next = far_timeline_get(story->timeline, number + 1);
  return next != NULL && next->t_ms == entry->t_ms &&
         (is_what(next, "app.kill") || is_what(next, "script.close"));
}

// One mistake, told twice in one moment: the rule that a leak breaks, the error
// that a task failed with. Returns what was told of this task before.
static far_fault *told_before(far_story *story, const farside_entry *entry) {
  far_fault *last =
      story->fault_count ? &story->faults[story->fault_count - 1] : NULL;
  if (last == NULL || entry->task == 0 || last->task == FAR_NO_TASK ||
      last->t_ms != entry->t_ms || story->tasks[last->task].id != entry->task)
    return NULL;
  return last;
}

// What a task came to says more than a rule or an error by itself.
static bool add_task_fault(far_story *story, uint64_t number,
                           far_fault_kind kind, const farside_entry *entry) {
  far_fault *last = told_before(story, entry);
  bool is_error = last && last->kind == FAR_FAULT_ERROR;
  if (last == NULL || (!is_error && last->kind != FAR_FAULT_VIOLATION) ||
      (is_error && kind != FAR_FAULT_FAIL))
    return add_fault(story, number, kind, entry);
  last->kind = kind;
  last->is_warning = false;
  last->entry = number;
  last->where = entry->where;
  if (!is_error && entry->why != NULL)
    last->why = entry->why;
  return true;
}

static void break_rule(far_fault *fault, const char *rule, const char *outcome,
                       const char *code) {
  fault->rule = rule;
  fault->outcome = outcome;
  fault->code = code;
}

// A cause is told once. What it does again is the same mistake.
static uint64_t cause_key(const far_fault *fault) {
  return hash_of(far_fault_name(fault->kind), fault->script, fault->where);
}

static bool add_violation(far_story *story, uint64_t number,
                          const farside_entry *entry) {
  far_fault *last = told_before(story, entry);
  story->violations++;
  if (last == NULL || last->rule != NULL)
    return add_fault(story, number, FAR_FAULT_VIOLATION, entry);
  break_rule(last, entry->rule, entry->outcome, entry->code);
  return index_set(story->index, cause_key(last),
                   (size_t)(last - story->faults));
}

static bool read_fault(far_story *story, uint64_t number,
                       const farside_entry *entry) {
  if (is_error(story, number, entry)) {
    story->errors++;
    return add_fault(story, number, FAR_FAULT_ERROR, entry);
  }
  if (is_what(entry, "task.fail"))
    return add_task_fault(story, number, FAR_FAULT_FAIL, entry);
  if (is_what(entry, "task.leak"))
    return add_task_fault(story, number,
                          entry->why && strstr(entry->why, "takes longer")
                              ? FAR_FAULT_SLOW
                              : FAR_FAULT_LEAK,
                          entry);
  if (is_what(entry, "script.kill")) {
    story->kills++;
    return add_fault(story, number, FAR_FAULT_KILL, entry);
  }
  if (is_what(entry, "violation"))
    return add_violation(story, number, entry);
  return true;
}

static bool is_leak(const far_fault *fault) {
  return fault->kind == FAR_FAULT_LEAK || fault->kind == FAR_FAULT_SLOW;
}

// The rule that a leak breaks was told of the first at this place.
static void find_rules(far_story *story) {
  for (size_t i = 0; i < story->fault_count; i++) {
    far_fault *fault = &story->faults[i];
    const size_t *first = is_leak(fault) && fault->rule == NULL
                              ? index_find(story->index, cause_key(fault))
                              : NULL;
    if (first != NULL)
      break_rule(fault, story->faults[*first].rule,
                 story->faults[*first].outcome, story->faults[*first].code);
  }
}

// What looked leaked and was finished after all is no fault.
static void forgive(far_story *story) {
  size_t kept = 0;
  for (size_t i = 0; i < story->fault_count; i++) {
    far_fault fault = story->faults[i];
    if (is_leak(&fault) && fault.task != FAR_NO_TASK &&
        story->tasks[fault.task].outcome == FAR_ENDING_FINISHED) {
      story->violations -= fault.rule != NULL && story->violations > 0;
      continue;
    }
    story->warnings += fault.is_warning;
    story->faults[kept++] = fault;
  }
  story->fault_count = kept;
}

// -- The whole ----------------------------------------------------------------

static bool read_entry(far_story *story, uint64_t number) {
  const farside_entry *entry = far_timeline_get(story->timeline, number);
  bool is_task = entry->task != 0 && strncmp(entry->what, "task.", 5) == 0;
  bool is_device = strncmp(entry->what, "device.", 7) == 0;
  return read_state(story, number, entry) &&
         (!is_device || read_device(story, number, entry)) &&
         (!is_task || read_task(story, number, entry)) &&
         read_fault(story, number, entry);
}

bool far_story_open(far_story *story, const far_timeline *timeline,
                    uint64_t to_ms) {
  *story = (far_story){.timeline = timeline,
                       .to_ms = to_ms,
                       .lanes = {"app"},
                       .lane_count = 1,
                       .index = calloc(1, sizeof *story->index)};
  if (story->index == NULL)
    return false;
  for (uint64_t i = timeline->first; i < timeline->count; i++) {
    uint64_t t_ms = far_timeline_get(timeline, i)->t_ms;
    if (i == timeline->first)
      story->from_ms = timeline->first > 0 ? t_ms : 0;
    story->to_ms = t_ms > story->to_ms ? t_ms : story->to_ms;
  }
  for (uint64_t i = timeline->first; i < timeline->count; i++)
    if (!read_entry(story, i))
      return false;
  find_rules(story);
  forgive(story);
  for (size_t i = 0; i < story->task_count; i++) {
    if (!place_task(story, &story->tasks[i]))
      return false;
    story->outcomes[story->tasks[i].outcome]++;
  }
  return true;
}

void far_story_close(far_story *story) {
  free(story->bands);
  free(story->tasks);
  free(story->faults);
  if (story->index != NULL) {
    free(story->index->slots);
    free(story->index->ordinals);
    free(story->index->first_rows);
    free(story->index->row_ends);
    free(story->index->next_rows);
    free(story->index);
  }
  *story = (far_story){0};
}

// -- Words --------------------------------------------------------------------

const char *far_ending_name(far_ending outcome) {
  static const char *const names[] = {
#define FAR_ENDING(id, name) name,
      FAR_ENDING_MAP(FAR_ENDING)
#undef FAR_ENDING
  };
  return names[outcome];
}

const char *far_fault_name(far_fault_kind kind) {
  static const char *const names[] = {"leak",  "slow", "fail",
                                      "error", "kill", "rule"};
  return names[kind];
}

void far_story_task_name(const far_story_task *task, char *text, size_t bytes) {
  if (task->name != NULL)
    snprintf(text, bytes, "%s", task->name);
  else
    snprintf(text, bytes, "#%llu", (unsigned long long)task->id);
}

static bool rule_of(const far_fault *fault, far_rule_id *id) {
  return fault->rule != NULL && far_rule_find(fault->rule, id);
}

void far_fault_title(const far_story *story, const far_fault *fault, char *text,
                     size_t bytes) {
  char name[96] = "";
  far_rule_id rule;
  bool is_known = rule_of(fault, &rule);
  if (fault->task != FAR_NO_TASK)
    far_story_task_name(&story->tasks[fault->task], name, sizeof name);
  switch (fault->kind) {
  case FAR_FAULT_LEAK:
    snprintf(text, bytes, "Task \"%s\" was never finished", name);
    break;
  case FAR_FAULT_SLOW:
    snprintf(text, bytes, "Task \"%s\" took too long", name);
    break;
  case FAR_FAULT_FAIL:
    snprintf(text, bytes, "Task \"%s\" failed", name);
    break;
  case FAR_FAULT_ERROR:
    snprintf(text, bytes, "An error%s%s", fault->script ? " in " : "",
             fault->script ? fault->script : "");
    break;
  case FAR_FAULT_KILL:
    snprintf(text, bytes, "Script %s had to be stopped",
             fault->script ? fault->script : "");
    break;
  case FAR_FAULT_VIOLATION:
    snprintf(text, bytes, "Rule %s is broken%s%s",
             fault->rule ? fault->rule : "", is_known ? ": " : "",
             is_known ? far_rule_title(rule) : "");
    break;
  }
}

void far_fault_cost(const far_fault *fault, char *text, size_t bytes) {
  *text = '\0';
  if (fault->rule == NULL || fault->outcome == NULL ||
      strcmp(fault->outcome, "none") == 0)
    return;
  snprintf(text, bytes, "%s%s%s", fault->outcome, fault->code ? ", " : "",
           fault->code ? fault->code : "");
}

const char *far_fault_advice(const far_fault *fault) {
  far_rule_id rule;
  switch (fault->kind) {
  case FAR_FAULT_LEAK:
    return "Call finish on every path: task:finish() at the end of the "
           "closure, and where it gives up. Until then the app is held awake, "
           "on the user's battery.";
  case FAR_FAULT_SLOW:
    return "Call finish before its time is up, or save a checkpoint in "
           "onExpire, which is called before the end, and go on at the next "
           "launch.";
  case FAR_FAULT_FAIL:
    return "Mend the error, or catch it with pcall and call finish in any "
           "case. The task has ended, and its work is not done.";
  case FAR_FAULT_ERROR:
    return "The place stands before the message. The rest of the script went "
           "on, without what this callback had still to do.";
  case FAR_FAULT_KILL:
    return "Do less at once: sleep now and then, or split the work into "
           "timers and tasks. The limits are set by --limits.";
  case FAR_FAULT_VIOLATION:
    return rule_of(fault, &rule) ? far_rule_get(rule)->advice
                                 : "The reference tells of the rules.";
  }
  return "";
}
