#include "trace.h"

#include "text.h"

#include <string.h>

// A process is a group of tracks, a thread is a track.
enum { PHONE = 1, TASKS = 2, EVENTS = 3 };

typedef struct trace {
  FILE *file;
  const far_story *story;
  bool is_first;
} trace;

static unsigned long long ull(uint64_t number) {
  return (unsigned long long)number;
}

// One event up to its name, which stays open.
static void open_event(trace *mine, const char *phase, int process,
                       uint64_t thread, const char *name) {
  fprintf(mine->file, "%s{\"ph\":\"%s\",\"pid\":%d,\"tid\":%llu,\"name\":",
          mine->is_first ? "" : ",\n", phase, process, ull(thread));
  far_text_json(mine->file, name);
  mine->is_first = false;
}

// Microseconds.
static void put_time(trace *mine, const char *key, uint64_t t_ms) {
  fprintf(mine->file, ",\"%s\":%llu", key, ull(t_ms * 1000));
}

static void put_arg(trace *mine, bool *is_first, const char *key,
                    const char *value) {
  if (value == NULL)
    return;
  fprintf(mine->file, "%s\"%s\":", *is_first ? "" : ",", key);
  far_text_json(mine->file, value);
  *is_first = false;
}

static void put_name(trace *mine, const char *what, int process,
                     uint64_t thread, const char *name) {
  open_event(mine, "M", process, thread, what);
  fprintf(mine->file, ",\"args\":{\"name\":");
  far_text_json(mine->file, name);
  fprintf(mine->file, "}}");
}

static void put_bands(trace *mine) {
  put_name(mine, "process_name", PHONE, 0, "app and device");
  for (size_t lane = 0; lane < mine->story->lane_count; lane++)
    put_name(mine, "thread_name", PHONE, lane + 1, mine->story->lanes[lane]);
  for (size_t i = 0; i < mine->story->band_count; i++) {
    const far_band *band = &mine->story->bands[i];
    bool is_first = true;
    open_event(mine, "X", PHONE, band->lane + 1, band->label);
    put_time(mine, "ts", band->from_ms);
    put_time(mine, "dur", band->to_ms - band->from_ms);
    fprintf(mine->file, ",\"args\":{");
    put_arg(mine, &is_first, "why", band->why);
    fprintf(mine->file, "}}");
  }
}

static void put_task(trace *mine, const far_story_task *task) {
  char name[96];
  bool is_first = true;
  far_story_task_name(task, name, sizeof name);
  open_event(mine, "B", TASKS, task->row + 1, name);
  put_time(mine, "ts", task->begin_ms);
  fprintf(mine->file, ",\"args\":{");
  put_arg(mine, &is_first, "outcome", far_ending_name(task->outcome));
  put_arg(mine, &is_first, "script", task->script);
  put_arg(mine, &is_first, "where", task->where);
  put_arg(mine, &is_first, "why", task->why);
  put_arg(mine, &is_first, "leak", task->leak_why);
  fprintf(mine->file, ",\"task\":%llu", ull(task->id));
  if (task->deadline_ms != FAR_UNKNOWN)
    fprintf(mine->file, ",\"deadline_ms\":%llu", ull(task->deadline_ms));
  fprintf(mine->file, "}}");
  if (task->leak_ms < task->end_ms) {
    open_event(mine, "X", TASKS, task->row + 1, "leaked: awake for nothing");
    put_time(mine, "ts", task->leak_ms);
    put_time(mine, "dur", task->end_ms - task->leak_ms);
    fprintf(mine->file, "}");
  }
  open_event(mine, "E", TASKS, task->row + 1, name);
  put_time(mine, "ts", task->end_ms);
  fprintf(mine->file, "}");
}

static void put_tasks(trace *mine) {
  const far_story *story = mine->story;
  if (story->task_count == 0)
    return;
  put_name(mine, "process_name", TASKS, 0, "tasks");
  uint32_t named = 0; // Rows are numbered in the order of their first task.
  for (size_t i = 0; i < story->task_count; i++) {
    char name[96];
    far_story_task_name(&story->tasks[i], name, sizeof name);
    if (story->tasks[i].row == named)
      put_name(mine, "thread_name", TASKS, ++named, name);
  }
  for (size_t i = 0; i < story->task_count; i++)
    put_task(mine, &story->tasks[i]);
}

static const char *const event_tracks[] = {"violations", "script", "timers",
                                           "log"};

static int track_of(const farside_entry *entry) {
  return strcmp(entry->what, "violation") == 0     ? 1
         : strncmp(entry->what, "script.", 7) == 0 ? 2
         : strcmp(entry->what, "timer.fire") == 0  ? 3
         : strcmp(entry->what, "log") == 0         ? 4
                                                   : 0;
}

static void put_event(trace *mine, const farside_entry *entry, int track) {
  char text[96];
  const char *name = entry->what;
  bool is_first = true;
  if (entry->rule != NULL)
    name = entry->rule;
  if (track == 4 && entry->why != NULL) {
    size_t bytes = strcspn(entry->why, "\n");
    snprintf(text, sizeof text, "%.*s", (int)(bytes < 90 ? bytes : 90),
             entry->why);
    name = text;
  }
  open_event(mine, "i", EVENTS, (uint64_t)track, name);
  put_time(mine, "ts", entry->t_ms);
  fprintf(mine->file, ",\"s\":\"t\",\"args\":{");
  put_arg(mine, &is_first, "script", entry->script);
  put_arg(mine, &is_first, "where", entry->where);
  put_arg(mine, &is_first, "why", entry->why);
  put_arg(mine, &is_first, "outcome", entry->outcome);
  put_arg(mine, &is_first, "code", entry->code);
  fprintf(mine->file, "}}");
}

static void put_events(trace *mine) {
  const far_timeline *timeline = mine->story->timeline;
  bool is_named[5] = {false};
  for (uint64_t i = timeline->first; i < timeline->count; i++) {
    const farside_entry *entry = far_timeline_get(timeline, i);
    int track = track_of(entry);
    if (track == 0)
      continue;
    if (!is_named[0])
      put_name(mine, "process_name", EVENTS, 0, "events");
    if (!is_named[track])
      put_name(mine, "thread_name", EVENTS, (uint64_t)track,
               event_tracks[track - 1]);
    is_named[0] = is_named[track] = true;
    put_event(mine, entry, track);
  }
}

// How many tasks are open: one more at each begin, one less at each end.
static void put_counter(trace *mine) {
  const far_timeline *timeline = mine->story->timeline;
  uint64_t open = 0;
  for (uint64_t i = timeline->first; i < timeline->count; i++) {
    const farside_entry *entry = far_timeline_get(timeline, i);
    const char *what = entry->what;
    if (strcmp(what, "task.begin") == 0)
      open++;
    else if (open > 0 && (strcmp(what, "task.finish") == 0 ||
                          strcmp(what, "task.fail") == 0 ||
                          strcmp(what, "task.expire") == 0 ||
                          strcmp(what, "task.cancel") == 0))
      open--;
    else
      continue;
    open_event(mine, "C", TASKS, 0, "open tasks");
    put_time(mine, "ts", entry->t_ms);
    fprintf(mine->file, ",\"args\":{\"tasks\":%llu}}", ull(open));
  }
}

void far_trace_file(FILE *file, const far_story *story) {
  trace mine = {.file = file, .story = story, .is_first = true};
  fprintf(file, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
  put_bands(&mine);
  put_tasks(&mine);
  put_counter(&mine);
  put_events(&mine);
  fprintf(file, "\n]}\n");
}
