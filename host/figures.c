#include "figures.h"

#include <stdio.h>
#include <string.h>

static bool is(const char *what, const char *word) {
  return strcmp(what, word) == 0;
}

// The first line, where nothing is kept yet.
static void keep(char *kept, size_t bytes, const char *what, const char *text) {
  if (*kept == '\0')
    snprintf(kept, bytes, "%s%.*s", what, text ? (int)strcspn(text, "\n") : 0,
             text ? text : "");
}

// From the last entry to this moment.
static void pass(far_figures *figures, uint64_t now_ms) {
  uint64_t passed_ms = now_ms - figures->last_ms;
  if (figures->was_background && figures->open > 0)
    figures->awake_ms += passed_ms;
  figures->last_ms = now_ms;
}

static void end_gap(far_figures *figures, uint64_t now_ms) {
  uint64_t gap_ms = now_ms - figures->stopped_ms;
  if (figures->has_run && !figures->is_running && gap_ms > figures->gap_ms)
    figures->gap_ms = gap_ms;
}

// What the app's state makes of the run. An entry without a state tells
// nothing.
static void move(far_figures *figures, const farside_entry *entry) {
  if (entry->state == NULL)
    return;
  bool is_running = !is(entry->state, "suspended") && !is(entry->state, "gone");
  bool is_background = is(entry->state, "background");
  if (is_running && !figures->is_running) {
    end_gap(figures, entry->t_ms);
    figures->runs++;
    figures->wakes += is_background;
    figures->has_run = true;
  } else if (!is_running && figures->is_running) {
    figures->stopped_ms = entry->t_ms;
  }
  figures->is_running = is_running;
  figures->was_background = is_background;
}

static void end_task(far_figures *figures, uint64_t *ended) {
  ++*ended;
  figures->open -= figures->open > 0;
}

void far_figures_add(far_figures *figures, const farside_entry *entry) {
  const char *what = entry->what;
  pass(figures, entry->t_ms);
  if (is(what, "task.begin"))
    figures->open++;
  else if (is(what, "task.finish"))
    end_task(figures, &figures->finished);
  else if (is(what, "task.fail"))
    end_task(figures, &figures->failed);
  else if (is(what, "task.expire"))
    end_task(figures, &figures->expired);
  else if (is(what, "task.cancel"))
    end_task(figures, &figures->cancelled);
  bool is_kill = is(what, "script.kill");
  figures->kills += is_kill || is(what, "app.kill");
  if (is_kill)
    keep(figures->killed, sizeof figures->killed, "script.kill ", entry->where);
  if (is(what, "log") && entry->level == FARSIDE_ERROR)
    keep(figures->error, sizeof figures->error, "", entry->why);
  move(figures, entry);
}

void far_figures_end(far_figures *figures, uint64_t now_ms,
                     const farside_stats *stats,
                     const far_violations *violations) {
  pass(figures, now_ms);
  far_violations_sum(violations, &figures->broken, &figures->warnings);
  end_gap(figures, now_ms);
  figures->errors = stats->errors;
  figures->leaked = stats->leaked;
}

uint64_t far_figure(const far_figures *figures, size_t index) {
  const uint64_t values[FAR_FIGURES] = {
#define FIELD(field, name, unit) figures->field,
      FAR_FIGURE_MAP(FIELD)
#undef FIELD
  };
  return values[index];
}

const char *far_figure_name(size_t index) {
  static const char *const names[FAR_FIGURES] = {
#define FIELD(field, name, unit) name,
      FAR_FIGURE_MAP(FIELD)
#undef FIELD
  };
  return names[index];
}

bool far_figure_is_time(size_t index) {
  static const bool is_time[FAR_FIGURES] = {
#define FIELD(field, name, unit) sizeof unit > 1,
      FAR_FIGURE_MAP(FIELD)
#undef FIELD
  };
  return is_time[index];
}
