#include "junit.h"

#include "text.h"

#include <stdlib.h>

static unsigned long long ull(uint64_t number) {
  return (unsigned long long)number;
}

static void put_seconds(FILE *file, uint64_t ms) {
  fprintf(file, "%llu.%03u", ull(ms / 1000), (unsigned)(ms % 1000));
}

static bool is_of_task(const far_fault *fault) {
  return fault->task != FAR_NO_TASK &&
         (fault->kind == FAR_FAULT_LEAK || fault->kind == FAR_FAULT_SLOW ||
          fault->kind == FAR_FAULT_FAIL);
}

static bool is_rule(const far_fault *fault) {
  return fault->kind == FAR_FAULT_VIOLATION;
}

static void open_failure(FILE *file, const char *type, const char *message) {
  fprintf(file, "    <failure type=\"%s\" message=\"", type);
  far_text_xml(file, message);
  fprintf(file, "\">");
}

static void put_text(FILE *file, const far_fault *fault) {
  char cost[160];
  if (fault->where != NULL) {
    far_text_xml(file, fault->where);
    fprintf(file, ": ");
  }
  far_text_xml(file, fault->why);
  far_fault_cost(fault, cost, sizeof cost);
  if (*cost != '\0') {
    fprintf(file, "\nThe system's answer: ");
    far_text_xml(file, cost);
  }
  fprintf(file, "\n%s\n", far_fault_advice(fault));
}

// -- What went wrong outside of tasks -----------------------------------------

static size_t count_rest(const far_story *story, bool is_rules) {
  size_t count = 0;
  for (size_t i = 0; i < story->fault_count; i++)
    count += !is_of_task(&story->faults[i]) && !story->faults[i].is_warning &&
             is_rule(&story->faults[i]) == is_rules;
  return count;
}

// What fails nothing is what a test case has said.
static void put_warnings(FILE *file, const far_story *story) {
  char title[256];
  if (story->warnings == 0)
    return;
  fprintf(file, "    <system-out>");
  for (size_t i = 0; i < story->fault_count; i++) {
    const far_fault *fault = &story->faults[i];
    if (!fault->is_warning)
      continue;
    far_fault_title(story, fault, title, sizeof title);
    fprintf(file, "Warning: ");
    far_text_xml(file, title);
    fprintf(file, "\n");
    put_text(file, fault);
  }
  fprintf(file, "</system-out>\n");
}

// How often rules were broken, for whoever counts.
static void put_counts(FILE *file, const far_story *story) {
  size_t broken = 0;
  for (size_t i = 0; i < story->fault_count; i++)
    broken += story->faults[i].rule != NULL && !story->faults[i].is_warning;
  fprintf(file,
          "  <properties>\n    <property name=\"rules broken\" "
          "value=\"%zu\"/>\n    <property name=\"warnings\" "
          "value=\"%llu\"/>\n  </properties>\n",
          broken, ull(story->warnings));
}

// One test case for all of it, so that the next run has it too: a test case has
// one failure, and its text has the rest.
static void put_rest(FILE *file, const far_story *story,
                     const far_drawn_run *run, const char *name,
                     bool is_rules) {
  size_t count = count_rest(story, is_rules), seen = 0;
  char title[256];
  fprintf(file, "  <testcase classname=\"");
  far_text_xml(file, run->script);
  fprintf(file, "\" name=\"%s\" time=\"0.000\">\n", name);
  for (size_t i = 0; i < story->fault_count; i++) {
    const far_fault *fault = &story->faults[i];
    if (is_of_task(fault) || is_rule(fault) != is_rules || fault->is_warning)
      continue;
    far_fault_title(story, fault, title, sizeof title);
    if (seen++ == 0)
      open_failure(file, far_fault_name(fault->kind), title);
    else
      far_text_xml(file, title);
    fprintf(file, "\n");
    put_text(file, fault);
  }
  if (count > 0) {
    fprintf(file, "</failure>\n");
  } else if (run->error != NULL && !is_rules) {
    open_failure(file, "error", "the run broke off");
    far_text_xml(file, run->error);
    fprintf(file, "</failure>\n");
  }
  if (is_rules)
    put_warnings(file, story);
  fprintf(file, "  </testcase>\n");
}

// -- Tasks --------------------------------------------------------------------

// Named as the next run names it too: by its name, its place, and which of
// those it is.
static void put_task(FILE *file, const far_story_task *task,
                     const far_story *story, const far_fault *fault) {
  char title[256];
  fprintf(file, "  <testcase classname=\"");
  far_text_xml(file, task->script ? task->script : "");
  fprintf(file, "\" name=\"");
  far_text_xml(file, task->name ? task->name : "task");
  if (task->where != NULL) {
    fprintf(file, " (");
    far_text_xml(file, task->where);
    fprintf(file, ")");
  }
  if (task->ordinal > 1)
    fprintf(file, " %lu", (unsigned long)task->ordinal);
  fprintf(file, "\" time=\"");
  put_seconds(file, task->end_ms - task->begin_ms);
  fprintf(file, "\">\n");
  if (fault != NULL) {
    far_fault_title(story, fault, title, sizeof title);
    open_failure(file, far_fault_name(fault->kind), title);
    put_text(file, fault);
    fprintf(file, "</failure>\n");
  } else if (task->outcome != FAR_ENDING_FINISHED) {
    fprintf(file, "    <skipped message=\"%s", far_ending_name(task->outcome));
    if (task->why != NULL) {
      fprintf(file, ": ");
      far_text_xml(file, task->why);
    }
    fprintf(file, "\"/>\n");
  }
  fprintf(file, "  </testcase>\n");
}

// -- The whole ----------------------------------------------------------------

void far_junit_file(FILE *file, const far_story *story,
                    const far_drawn_run *run) {
  size_t failures = 0, skipped = 0;
  size_t count = story->task_count;
  // The first fault of each task.
  const far_fault **faults = calloc(count + 1, sizeof *faults);
  for (size_t i = 0; faults != NULL && i < story->fault_count; i++) {
    const far_fault *fault = &story->faults[i];
    if (!is_of_task(fault) || faults[fault->task] != NULL)
      continue;
    faults[fault->task] = fault;
    failures++;
  }
  for (size_t i = 0; i < count; i++)
    skipped += story->tasks[i].outcome != FAR_ENDING_FINISHED &&
               (faults == NULL || faults[i] == NULL);
  failures += count_rest(story, false) > 0 || run->error != NULL;
  failures += count_rest(story, true) > 0;

  fprintf(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<testsuites>\n<testsuite name=\"");
  far_text_xml(file, run->script);
  fprintf(file,
          "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" "
          "time=\"",
          count + 2, failures, skipped);
  put_seconds(file, story->to_ms - story->from_ms);
  fprintf(file, "\">\n");
  put_counts(file, story);
  for (size_t i = 0; i < count; i++)
    put_task(file, &story->tasks[i], story, faults ? faults[i] : NULL);
  put_rest(file, story, run, "scripts", false);
  put_rest(file, story, run, "rules", true);
  fprintf(file, "</testsuite>\n</testsuites>\n");
  free(faults);
}
