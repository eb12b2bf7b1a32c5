// Durable work, for a program that looks into a store: one JSON object a line,
// with the names of BackgroundTask.get, history and explain.
#ifndef FAR_WORK_JSON_H
#define FAR_WORK_JSON_H

#include "work_report.h"

void far_work_json(FILE *file, const far_work *work, const int64_t *parents,
                   size_t count);
void far_work_explain_json(FILE *file, const far_work *work,
                           const far_work_view *view);
void far_work_run_json(FILE *file, const far_run *run);

#endif
