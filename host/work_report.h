// Durable work, for a person who looks into a store: tables and sentences.
#ifndef FAR_WORK_REPORT_H
#define FAR_WORK_REPORT_H

#include "schedule.h"
#include <stdio.h>

// What there is to know besides the rows.
typedef struct far_work_view {
  far_moment now; // With the zone in which times are shown.
  long owner;     // As far_owner_pid() has it.
  bool has_color;
} far_work_view;

// How wide the columns of a table of units are. Zero it, measure each row, then
// print the head and each row.
typedef struct far_work_table {
  int id, kind, name, script;
} far_work_table;

void far_work_table_measure(far_work_table *table, const far_work *work);
void far_work_table_head(FILE *file, const far_work_table *table,
                         const far_work_view *view);
void far_work_table_row(FILE *file, const far_work_table *table,
                        const far_work *work, const far_work_view *view);

// All of one unit, with those that it waits for.
void far_work_show(FILE *file, const far_work *work, const int64_t *parents,
                   size_t count, const far_work_view *view);

// What stands in its way.
void far_work_explain(FILE *file, const far_work *work,
                      const far_work_view *view);

// Its runs, one after the other, with NULL for the head.
void far_work_run_row(FILE *file, const far_run *run,
                      const far_work_view *view);

// What an obstacle means to whoever looks from outside: it is known whether the
// app runs, and not what it sees.
void far_work_obstacle_print(const far_obstacle *obstacle, const far_work *work,
                             const far_work_view *view, char *text,
                             size_t bytes);

// Of one that runs nothing is in the way; but perhaps nobody runs it. NULL for
// one that does not run.
const char *far_work_running_text(const far_work *work,
                                  const far_work_view *view);

// "running", "succeeded", …
const char *far_run_outcome(const far_run *run);

#endif
