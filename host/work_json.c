#include "work_json.h"

#include "text.h"
#include <inttypes.h>
#include <string.h>

// One object; each field begins with what separates it from the one before.
typedef struct object {
  FILE *file;
  bool has_any;
} object;

static object begin(FILE *file) {
  fputc('{', file);
  return (object){.file = file};
}

static void put_key(object *to, const char *key) {
  fprintf(to->file, "%s\"%s\":", to->has_any ? "," : "", key);
  to->has_any = true;
}

// What is NULL is not there.
static void put_string(object *to, const char *key, const char *text) {
  if (text == NULL)
    return;
  put_key(to, key);
  far_text_json(to->file, text);
}

static void put_integer(object *to, const char *key, int64_t number) {
  put_key(to, key);
  fprintf(to->file, "%" PRId64, number);
}

// Zero means that there is none.
static void put_instant(object *to, const char *key, int64_t ms) {
  if (ms != 0)
    put_integer(to, key, ms);
}

static void put_flag(object *to, const char *key, bool is_so) {
  put_key(to, key);
  fputs(is_so ? "true" : "false", to->file);
}

// It is JSON already.
static void put_value(object *to, const char *key, const char *json) {
  if (json == NULL)
    return;
  put_key(to, key);
  fputs(json, to->file);
}

static void put_tag_list(object *to, const char *tags) {
  char tag[FAR_WORK_NAME_MAX + 1];
  bool has_any = false;
  put_key(to, "tags");
  fputc('[', to->file);
  for (const char *end; tags && (end = strchr(tags, '\n')); tags = end + 1) {
    snprintf(tag, sizeof tag, "%.*s", (int)(end - tags), tags);
    fputs(has_any ? "," : "", to->file);
    far_text_json(to->file, tag);
    has_any = true;
  }
  fputc(']', to->file);
}

static void put_needs(object *to, unsigned needs) {
  put_key(to, "needs");
  object inner = begin(to->file);
  if ((needs & FAR_NEEDS_UNMETERED) != 0)
    put_string(&inner, "network", "unmetered");
  else if ((needs & FAR_NEEDS_NETWORK) != 0)
    put_string(&inner, "network", "connected");
  put_flag(&inner, "charging", (needs & FAR_NEEDS_CHARGING) != 0);
  put_flag(&inner, "batteryOk", (needs & FAR_NEEDS_BATTERY_OK) != 0);
  put_flag(&inner, "storageOk", (needs & FAR_NEEDS_STORAGE_OK) != 0);
  put_flag(&inner, "idle", (needs & FAR_NEEDS_IDLE) != 0);
  fputc('}', to->file);
}

static void put_period_object(object *to, const far_work *work) {
  if (!far_work_is_periodic(work))
    return;
  put_key(to, "periodic");
  object inner = begin(to->file);
  if (work->cron != NULL) {
    put_string(&inner, "cron", work->cron);
    put_string(&inner, "zone", work->zone);
  } else {
    put_integer(&inner, "everyMs", work->every_ms);
    put_integer(&inner, "flexMs", work->flex_ms);
  }
  put_string(&inner, "missed", far_missed_name(work->missed));
  put_integer(&inner, "slotMs", work->slot_ms);
  put_integer(&inner, "slotsMissed", work->slots_missed);
  fputc('}', to->file);
}

static void put_parent_list(object *to, const int64_t *parents, size_t count) {
  put_key(to, "after");
  fputc('[', to->file);
  for (size_t i = 0; i < count; i++)
    fprintf(to->file, "%s%" PRId64, i ? "," : "", parents[i]);
  fputc(']', to->file);
}

void far_work_json(FILE *file, const far_work *work, const int64_t *parents,
                   size_t count) {
  object to = begin(file);
  put_integer(&to, "id", work->id);
  put_string(&to, "script", work->script);
  put_string(&to, "kind", work->kind);
  put_string(&to, "state", far_work_state_name(work->state));
  if (work->reason != FAR_REASON_NONE)
    put_string(&to, "reason", far_reason_name(work->reason));
  put_string(&to, "why", work->why);
  put_string(&to, "unique", work->unique);
  put_string(&to, "group", work->group);
  put_integer(&to, "priority", work->priority);
  if (work->expedite != FAR_EXPEDITE_NO)
    put_string(&to, "expedited", far_expedite_name(work->expedite));
  put_tag_list(&to, work->tags);
  put_needs(&to, work->needs);
  put_period_object(&to, work);
  put_integer(&to, "attempts", work->attempts);
  put_integer(&to, "crashes", work->crashes);
  put_integer(&to, "stops", work->stops);
  put_integer(&to, "runs", work->runs);
  put_integer(&to, "generation", work->generation);
  put_instant(&to, "enqueuedAtMs", work->enqueued_ms);
  put_instant(&to, "deadlineMs", work->deadline_ms);
  put_instant(&to, "sinceMs", work->since_ms);
  if (work->state == FAR_WORK_ENQUEUED)
    put_instant(&to, "runAtMs", work->run_at_ms);
  if (work->state == FAR_WORK_BLOCKED)
    put_integer(&to, "parentsOpen", work->parents);
  put_parent_list(&to, parents, count);
  put_value(&to, "input", work->input);
  put_value(&to, "checkpoint", work->checkpoint);
  put_value(&to, "progress", work->progress);
  put_value(&to, "output", work->output);
  fputs("}\n", file);
}

void far_work_explain_json(FILE *file, const far_work *work,
                           const far_work_view *view) {
  far_obstacle obstacles[FAR_OBSTACLES_MAX];
  size_t count = far_schedule_explain(work, NULL, &view->now, obstacles);
  char text[512];
  object to = begin(file);
  put_integer(&to, "id", work->id);
  put_string(&to, "state", far_work_state_name(work->state));
  if (view->owner != 0)
    put_integer(&to, "pid", view->owner > 0 ? view->owner : 0);
  put_string(&to, "text", far_work_running_text(work, view));
  put_needs(&to, work->needs);
  put_key(&to, "obstacles");
  fputc('[', file);
  for (size_t i = 0; i < count; i++) {
    far_work_obstacle_print(&obstacles[i], work, view, text, sizeof text);
    fputs(i ? "," : "", file);
    object one = begin(file);
    put_string(&one, "what", far_obstacle_name(obstacles[i].kind));
    put_string(&one, "text", text);
    put_instant(&one, "sinceMs", obstacles[i].since_ms);
    put_instant(&one, "untilMs", obstacles[i].until_ms);
    fputc('}', file);
  }
  fputs("]}\n", file);
}

void far_work_run_json(FILE *file, const far_run *run) {
  object to = begin(file);
  put_integer(&to, "attempt", run->attempt);
  put_string(&to, "outcome", far_run_outcome(run));
  put_string(&to, "why", run->why);
  put_integer(&to, "begunAtMs", run->begun_ms);
  put_instant(&to, "endedAtMs", run->ended_ms);
  put_instant(&to, "slotMs", run->slot_ms);
  fputs("}\n", file);
}
