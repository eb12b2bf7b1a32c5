#include "outputs.h"

#include "app.h"
#include "junit.h"
#include "page.h"
#include "trace.h"

#include <string.h>

// Some tens of megabytes, if a script is as busy as that.
enum { ENTRIES_MAX = 200000 };

bool far_outputs_open(far_outputs *outputs, const command_line *line) {
  *outputs = (far_outputs){.line = line};
  far_memory_init(&outputs->memory, NULL, NULL);
  far_timeline_init(&outputs->timeline, &outputs->memory, ENTRIES_MAX);
  int on_stdout = line->timeline != NULL && strcmp(line->timeline, "-") == 0;
  for (int i = 0; i < COMMAND_OUTPUTS; i++)
    on_stdout += line->outputs[i] && strcmp(line->outputs[i], "-") == 0;
  if (on_stdout > 1) {
    fprintf(stderr,
            "farside: only one file can be -, which is standard output\n");
    return false;
  }
  for (int i = 0; i < COMMAND_OUTPUTS; i++) {
    if (line->outputs[i] == NULL)
      continue;
    outputs->is_wanted = true;
    if (!(outputs->files[i] = timeline_open(line->outputs[i])))
      return false;
  }
  return true;
}

// The words of an entry live as long as the program: ours do.
static const char *word_of(const char *text) {
  for (int i = 0; text != NULL && i < FAR_WHATS; i++)
    if (strcmp(far_what_name((far_what)i), text) == 0)
      return far_what_name((far_what)i);
  return "log";
}

static const char *state_of(const char *text) {
  for (int i = FAR_APP_GONE; text != NULL && i <= FAR_APP_ACTIVE; i++)
    if (strcmp(far_app_state_name((far_app_state)i), text) == 0)
      return far_app_state_name((far_app_state)i);
  return far_app_state_name(FAR_APP_GONE);
}

void far_outputs_note(far_outputs *outputs, const farside_entry *entry) {
  if (!outputs->is_wanted)
    return;
  farside_entry kept = *entry;
  kept.what = word_of(entry->what);
  kept.state = state_of(entry->state);
  far_timeline_add(&outputs->timeline, &kept);
}

bool far_outputs_have_stdout(const far_outputs *outputs) {
  for (int i = 0; i < COMMAND_OUTPUTS; i++)
    if (outputs->files[i] == stdout)
      return true;
  return false;
}

static void put(FILE *file, command_output kind, const far_story *story,
                const far_drawn_run *run) {
  switch (kind) {
  case COMMAND_REPORT:
    far_page_file(file, story, run);
    break;
  case COMMAND_PICTURE:
    far_picture_file(file, story, run);
    break;
  case COMMAND_TRACE:
    far_trace_file(file, story);
    break;
  default:
    far_junit_file(file, story, run);
    break;
  }
}

static bool finish(far_outputs *outputs, int i) {
  FILE *file = outputs->files[i];
  outputs->files[i] = NULL;
  return output_close(file, outputs->line->outputs[i]);
}

bool far_outputs_write(far_outputs *outputs, const far_drawn_run *run) {
  if (!outputs->is_wanted)
    return true;
  far_story story;
  bool is_fine = far_story_open(&story, &outputs->timeline, run->now_ms);
  if (!is_fine)
    fprintf(stderr, "farside: not enough memory for the report\n");
  for (int i = 0; is_fine && i < COMMAND_OUTPUTS; i++)
    if (outputs->files[i] != NULL)
      put(outputs->files[i], (command_output)i, &story, run);
  far_story_close(&story);
  for (int i = 0; i < COMMAND_OUTPUTS; i++)
    is_fine = finish(outputs, i) && is_fine;
  return is_fine;
}

void far_outputs_close(far_outputs *outputs) {
  for (int i = 0; i < COMMAND_OUTPUTS; i++)
    finish(outputs, i);
  far_timeline_deinit(&outputs->timeline);
}
