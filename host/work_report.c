#include "work_report.h"

#include "calendar.h"
#include "duration.h"
#include "text.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
  MINUTE_MS = 60 * 1000,
  DAY_MS = 24 * 60 * MINUTE_MS,
  STATE_WIDTH = 9,
  NAME_WIDTH_MAX = 24,
  WHEN_WIDTH_MAX = 100,
  TOOK_WIDTH = 12,
  VALUE_WIDTH_MAX = 500
};

// -- Times --------------------------------------------------------------------

// "2 h 3 min": nobody waits for days by the second.
static void print_span(int64_t ms, char *text, size_t bytes) {
  int64_t unit_ms = ms >= DAY_MS ? MINUTE_MS : 1000;
  ms = ms < 0 ? 0 : ms;
  far_duration_print((uint64_t)(ms - ms % unit_ms), text, bytes);
}

// "2026-11-24 13:23:02", as the clocks on the wall show it.
static void print_time(int64_t at_ms, const far_work_view *view, char *text,
                       size_t bytes) {
  int64_t at_s = far_floor_divide(at_ms, 1000);
  at_s += far_zone_offset(view->now.zone, at_s, NULL);
  int64_t day = far_floor_divide(at_s, FAR_DAY_S);
  int second = (int)(at_s - day * FAR_DAY_S);
  far_date date = far_date_of(day);
  snprintf(text, bytes, "%04" PRId64 "-%02d-%02d %02d:%02d:%02d", date.year,
           date.month, date.day, second / 3600, second / 60 % 60, second % 60);
}

static bool is_dead_run(const far_work *work, const far_work_view *view) {
  return work->state == FAR_WORK_RUNNING && view->owner == 0;
}

// -- The table ----------------------------------------------------------------

static const char *color_of(const far_work *work, const far_work_view *view) {
  static const char *const colors[FAR_WORK_STATES] = {
      [FAR_WORK_ENQUEUED] = "",
      [FAR_WORK_RUNNING] = "\x1b[36m",   // Cyan.
      [FAR_WORK_BLOCKED] = "\x1b[33m",   // Yellow.
      [FAR_WORK_SUCCEEDED] = "\x1b[32m", // Green.
      [FAR_WORK_FAILED] = "\x1b[31m",    // Red.
      [FAR_WORK_CANCELLED] = "\x1b[2m"}; // Faint.
  if (!view->has_color)
    return "";
  return is_dead_run(work, view) ? "\x1b[33m" : colors[work->state];
}

static const char *reset(const far_work_view *view) {
  return view->has_color ? "\x1b[0m" : "";
}

static void put_cell(FILE *file, const char *text, int width) {
  int used = (int)far_text_line(file, text ? text : "-", (size_t)width);
  fprintf(file, "%*s  ", used < width ? width - used : 0, "");
}

static int widest(int width, const char *text) {
  int mine = text ? (int)far_text_width(text) : 1;
  mine = mine > NAME_WIDTH_MAX ? NAME_WIDTH_MAX : mine;
  return mine > width ? mine : width;
}

void far_work_table_measure(far_work_table *table, const far_work *work) {
  char id[32];
  snprintf(id, sizeof id, "%" PRId64, work->id);
  table->id = widest(table->id, id);
  table->kind = widest(table->kind, work->kind);
  table->name = widest(table->name, work->unique);
  table->script = widest(table->script, work->script);
}

static void widen(far_work_table *table) {
  table->id = widest(table->id, "id");
  table->kind = widest(table->kind, "kind");
  table->name = widest(table->name, "name");
  table->script = widest(table->script, "script");
}

void far_work_table_head(FILE *file, const far_work_table *table,
                         const far_work_view *view) {
  far_work_table wide = *table;
  widen(&wide);
  fprintf(file, "%s%*s  ", view->has_color ? "\x1b[1m" : "", wide.id, "id");
  put_cell(file, "state", STATE_WIDTH);
  put_cell(file, "kind", wide.kind);
  put_cell(file, "name", wide.name);
  put_cell(file, "script", wide.script);
  fprintf(file, "runs  when%s\n", reset(view));
}

static const char *because(const far_work *work) {
  return work->why ? work->why : far_reason_text(work->reason);
}

static void print_enqueued(const far_work *work, const far_work_view *view,
                           char *text, size_t bytes) {
  char span[64], when[80];
  int64_t left_ms = work->run_at_ms - view->now.wall_ms;
  print_span(left_ms, span, sizeof span);
  if (work->run_at_ms == INT64_MAX)
    snprintf(when, sizeof when, "never: its time does not come");
  else if (left_ms <= 0)
    snprintf(when, sizeof when, "now");
  else
    snprintf(when, sizeof when, "in %s", span);
  const char *why = because(work);
  // What is known of a slot that is over.
  bool is_past = work->reason == FAR_REASON_NONE && *why != '\0';
  snprintf(text, bytes, "%s%s%s", when,
           is_past        ? "; the last time: "
           : *why != '\0' ? ": "
                          : "",
           why);
}

// When something becomes of it, or when that was, and why.
static void print_when(const far_work *work, const far_work_view *view,
                       char *text, size_t bytes) {
  char span[64];
  print_span(view->now.wall_ms - work->since_ms, span, sizeof span);
  const char *why = because(work);
  switch (work->state) {
  case FAR_WORK_ENQUEUED:
    print_enqueued(work, view, text, bytes);
    break;
  case FAR_WORK_RUNNING:
    snprintf(text, bytes, "%s %s%s",
             is_dead_run(work, view) ? "its app has died; begun" : "for", span,
             is_dead_run(work, view) ? " ago" : "");
    break;
  case FAR_WORK_BLOCKED:
    snprintf(text, bytes, "waits for %" PRId64 " other%s, since %s%s",
             work->parents, work->parents == 1 ? "" : "s", span,
             work->reason == FAR_REASON_HELD ? "; one has failed" : "");
    break;
  default:
    snprintf(text, bytes, "%s ago%s%s", span, *why != '\0' ? ": " : "", why);
  }
}

void far_work_table_row(FILE *file, const far_work_table *table,
                        const far_work *work, const far_work_view *view) {
  char when[1024];
  far_work_table wide = *table;
  widen(&wide);
  fprintf(file, "%*" PRId64 "  %s", wide.id, work->id, color_of(work, view));
  put_cell(file, far_work_state_name(work->state), STATE_WIDTH);
  fputs(reset(view), file);
  put_cell(file, work->kind, wide.kind);
  put_cell(file, work->unique, wide.name);
  put_cell(file, work->script, wide.script);
  fprintf(file, "%4" PRId64 "  ", work->runs);
  print_when(work, view, when, sizeof when);
  far_text_line(file, when, WHEN_WIDTH_MAX);
  fputc('\n', file);
}

// -- One unit -----------------------------------------------------------------

enum { LABEL_WIDTH = 12 };

// A text of many lines goes on under its column.
static void put_field(FILE *file, const char *label, const char *text) {
  if (text == NULL || *text == '\0')
    return;
  fprintf(file, "  %-*s", LABEL_WIDTH, label);
  char line[VALUE_WIDTH_MAX * 4];
  for (const char *at = text; at != NULL;) {
    const char *end = strchr(at, '\n');
    size_t bytes = end ? (size_t)(end - at) : strlen(at);
    snprintf(line, sizeof line, "%.*s", (int)bytes, at);
    far_text_line(file, line, VALUE_WIDTH_MAX);
    fputc('\n', file);
    at = end && end[1] ? end + 1 : NULL;
    if (at != NULL)
      fprintf(file, "  %*s", LABEL_WIDTH, "");
  }
}

static void put_fieldf(FILE *file, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void put_fieldf(FILE *file, const char *label, const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  put_field(file, label, text);
}

static void put_time(FILE *file, const char *label, int64_t at_ms,
                     const far_work_view *view) {
  if (at_ms == 0 || at_ms == INT64_MAX)
    return;
  char time[64], span[64];
  int64_t ahead_ms = at_ms - view->now.wall_ms;
  print_time(at_ms, view, time, sizeof time);
  print_span(ahead_ms > 0 ? ahead_ms : -ahead_ms, span, sizeof span);
  put_fieldf(file, label, ahead_ms > 0 ? "%s, in %s" : "%s, %s ago", time,
             span);
}

static void print_needs(unsigned needs, char *text, size_t bytes) {
  size_t used = 0;
  text[0] = '\0';
  if ((needs & FAR_NEEDS_UNMETERED) != 0)
    needs &= ~(unsigned)FAR_NEEDS_NETWORK; // That is a network too.
  for (unsigned need = 1; need < FAR_NEEDS_ALL; need <<= 1)
    if ((needs & need) != 0 && used < bytes)
      used += (size_t)snprintf(
          text + used, bytes - used, "%s%s%s", used ? ", " : "",
          need == FAR_NEEDS_UNMETERED ? "network " : "", far_need_name(need));
}

static void put_period(FILE *file, const far_work *work,
                       const far_work_view *view) {
  char every[64], flex[64], slot[64];
  if (!far_work_is_periodic(work))
    return;
  if (work->cron != NULL) {
    put_fieldf(file, "period", "%s, %s", work->cron,
               work->zone ? work->zone : "in this machine's zone");
  } else {
    far_duration_print((uint64_t)work->every_ms, every, sizeof every);
    far_duration_print((uint64_t)work->flex_ms, flex, sizeof flex);
    put_fieldf(file, "period",
               work->flex_ms ? "every %s, in the last %s of it" : "every %s",
               every, flex);
  }
  print_time(work->slot_ms, view, slot, sizeof slot);
  put_fieldf(file, "slot", "%s; %" PRId64 " missed; missed = %s", slot,
             work->slots_missed, far_missed_name(work->missed));
}

// What is zero is not worth a word.
static void put_counts(FILE *file, const far_work *work) {
  put_fieldf(file, "runs", "%" PRId64, work->runs);
  if (work->attempts != 0)
    put_fieldf(file, "failed", "%" PRId64 ", may fail %" PRId64, work->attempts,
               work->rules.retry_max);
  if (work->stops != 0)
    put_fieldf(file, "stopped", "%" PRId64 " in a row", work->stops);
  if (work->crashes != 0)
    put_fieldf(file, "app died", "in %" PRId64 " in a row, may in %" PRId64,
               work->crashes, work->rules.crashes_max - 1);
}

static void put_tags(FILE *file, const char *tags) {
  char text[FAR_WORK_TAGS_MAX * 40];
  size_t used = 0;
  text[0] = '\0';
  for (const char *end; tags && (end = strchr(tags, '\n')); tags = end + 1)
    if (used < sizeof text)
      used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s",
                               used ? ", " : "", (int)(end - tags), tags);
  put_field(file, "tags", text);
}

static void put_parents(FILE *file, const int64_t *parents, size_t count) {
  char text[1024];
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < count && used < sizeof text; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%" PRId64,
                             i ? ", " : "", parents[i]);
  put_field(file, "after", text);
}

void far_work_show(FILE *file, const far_work *work, const int64_t *parents,
                   size_t count, const far_work_view *view) {
  char text[1024], since[64];
  fprintf(file, "%swork %" PRId64 "%s\n", view->has_color ? "\x1b[1m" : "",
          work->id, reset(view));
  put_field(file, "kind", work->kind);
  put_field(file, "script", work->script);
  print_time(work->since_ms, view, since, sizeof since);
  fprintf(file, "  %-*s%s%s%s since %s\n", LABEL_WIDTH, "state",
          color_of(work, view), far_work_state_name(work->state), reset(view),
          since);
  if (is_dead_run(work, view))
    put_field(file, "", "its app has died: it is taken up at the next start");
  put_field(file, "reason", far_reason_text(work->reason));
  put_field(file, "why", work->why);
  if (work->state == FAR_WORK_ENQUEUED)
    put_time(file, "due", work->run_at_ms, view);
  put_field(file, "unique", work->unique);
  put_field(file, "group", work->group);
  put_tags(file, work->tags);
  print_needs(work->needs, text, sizeof text);
  put_field(file, "needs", text);
  if (work->priority != 0)
    put_fieldf(file, "priority", "%" PRId64, work->priority);
  if (work->expedite != FAR_EXPEDITE_NO)
    put_field(file, "expedited", far_expedite_name(work->expedite));
  put_period(file, work, view);
  put_parents(file, parents, count);
  put_time(file, "enqueued", work->enqueued_ms, view);
  put_time(file, "deadline", work->deadline_ms, view);
  put_counts(file, work);
  put_field(file, "input", work->input);
  put_field(file, "checkpoint", work->checkpoint);
  put_field(file, "progress", work->progress);
  put_field(file, "output", work->output);
}

// -- Why not ------------------------------------------------------------------

void far_work_obstacle_print(const far_obstacle *obstacle, const far_work *work,
                             const far_work_view *view, char *text,
                             size_t bytes) {
  if (obstacle->kind != FAR_OBSTACLE_APP)
    far_obstacle_print(obstacle, work, &view->now, text, bytes);
  else if (view->owner == 0)
    snprintf(text, bytes, "no app is running that has this file open");
  else if (view->owner < 0)
    snprintf(text, bytes,
             "another process has the file; what else it waits for, its app "
             "can tell: BackgroundTask.explain(%" PRId64 ")",
             work->id);
  else
    snprintf(text, bytes,
             "the process with pid %ld has the file; what else it waits for, "
             "its app can tell: BackgroundTask.explain(%" PRId64 ")",
             view->owner, work->id);
}

const char *far_work_running_text(const far_work *work,
                                  const far_work_view *view) {
  if (is_dead_run(work, view))
    return "its app has died while it ran: it is taken up at the next start";
  return work->state == FAR_WORK_RUNNING ? "it runs" : NULL;
}

void far_work_explain(FILE *file, const far_work *work,
                      const far_work_view *view) {
  far_obstacle obstacles[FAR_OBSTACLES_MAX];
  size_t count = far_schedule_explain(work, NULL, &view->now, obstacles);
  char text[512], needs[160];
  fprintf(file, "%swork %" PRId64 "%s: ", view->has_color ? "\x1b[1m" : "",
          work->id, reset(view));
  far_text_line(file, work->kind, VALUE_WIDTH_MAX);
  fprintf(file, ", %s%s%s\n", color_of(work, view),
          far_work_state_name(work->state), reset(view));
  if (far_work_running_text(work, view) != NULL)
    fprintf(file, "  %s\n", far_work_running_text(work, view));
  for (size_t i = 0; i < count; i++) {
    far_work_obstacle_print(&obstacles[i], work, view, text, sizeof text);
    fputs("  ", file);
    far_text_line(file, text, sizeof text);
    fputc('\n', file);
  }
  if (work->why != NULL && !far_work_is_final(work)) {
    fputs("  the last time: ", file);
    far_text_line(file, work->why, VALUE_WIDTH_MAX);
    fputc('\n', file);
  }
  print_needs(work->needs, needs, sizeof needs);
  if (needs[0] != '\0' && !far_work_is_final(work))
    fprintf(file, "  when it starts, it needs: %s\n", needs);
}

// -- Runs ---------------------------------------------------------------------

const char *far_run_outcome(const far_run *run) {
  return run->end == FAR_RUN_OPEN ? "running" : far_run_end_name(run->end);
}

void far_work_run_row(FILE *file, const far_run *run,
                      const far_work_view *view) {
  char begun[64], took[64];
  if (run == NULL) {
    fprintf(file, "%sattempt  outcome    begun                took%s\n",
            view->has_color ? "\x1b[1m" : "", reset(view));
    return;
  }
  print_time(run->begun_ms, view, begun, sizeof begun);
  bool is_known = run->ended_ms != 0 && run->end != FAR_RUN_CRASHED;
  int64_t took_ms = run->ended_ms - run->begun_ms;
  far_duration_print(took_ms > 0 ? (uint64_t)took_ms : 0, took, sizeof took);
  fprintf(file, "%7" PRId64 "  %-9s  %s  %s", run->attempt,
          far_run_outcome(run), begun, is_known ? took : "-");
  if (run->why != NULL) {
    int width = (int)strlen(is_known ? took : "-");
    fprintf(file, "%*s", width < TOOK_WIDTH ? TOOK_WIDTH - width + 2 : 2, "");
    far_text_line(file, run->why, WHEN_WIDTH_MAX);
  }
  fputc('\n', file);
}
