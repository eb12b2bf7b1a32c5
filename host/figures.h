// Figures: what a run comes to in numbers, counted from its timeline entry by
// entry, so that they hold for any length of it.
#ifndef FAR_FIGURES_H
#define FAR_FIGURES_H

#include "violation.h"

// The field, what it is called, and its unit: "" for a count, "ms" for a time.
#define FAR_FIGURE_MAP(X)                                                      \
  X(finished, "tasks finished", "")                                            \
  X(failed, "tasks failed", "")                                                \
  X(expired, "tasks expired", "")                                              \
  X(cancelled, "tasks cancelled", "")                                          \
  X(leaked, "tasks leaked", "")                                                \
  X(kills, "kills", "")                                                        \
  X(errors, "errors", "")                                                      \
  X(broken, "rules broken", "")                                                \
  X(warnings, "warnings", "")                                                  \
  X(runs, "runs", "")                                                          \
  X(wakes, "wake-ups", "")                                                     \
  X(awake_ms, "held awake", "ms")                                              \
  X(gap_ms, "longest gap", "ms")

typedef struct far_figures {
  uint64_t finished, failed, expired, cancelled; // Tasks, by their end.
  uint64_t leaked; // Set from the stats: what was finished after all is none.
  uint64_t kills;  // Of the app by the OS, and of scripts by the host.
  uint64_t errors; // Set from the stats.
  uint64_t broken, warnings; // Set from the violations: how often, all in all.
  uint64_t runs;             // How often the app began to run after it did not.
  uint64_t wakes;            // Of these, in the background.
  uint64_t awake_ms;         // In the background with a task open.
  uint64_t gap_ms;           // The longest time in which nothing of it ran.

  uint64_t open, last_ms, stopped_ms;
  bool was_background, is_running, has_run;
  char killed[160]; // The first kill by the host.
  char error[160];  // The first error.
} far_figures;

// Their numbers: FAR_FIGURE_finished, ...
enum {
#define FAR_FIGURE(field, name, unit) FAR_FIGURE_##field,
  FAR_FIGURE_MAP(FAR_FIGURE)
#undef FAR_FIGURE
      FAR_FIGURES
};

// Counts one entry. Zeroed memory is where to begin.
void far_figures_add(far_figures *figures, const farside_entry *entry);

// The run is over.
void far_figures_end(far_figures *figures, uint64_t now_ms,
                     const farside_stats *stats,
                     const far_violations *violations);

// In the order of the list above.
uint64_t far_figure(const far_figures *figures, size_t index);
const char *far_figure_name(size_t index);
bool far_figure_is_time(size_t index);

#endif
