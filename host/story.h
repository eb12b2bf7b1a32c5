// The story of a run: its timeline, read once, as what a person would draw.
//
// Bands (the app's state, what the device did), tasks with their beginning, end
// and outcome, and faults with what to do about them. The picture, the page,
// the trace and the JUnit file all tell this one story. Its strings are the
// timeline's, which must stay as it is meanwhile.
#ifndef FAR_STORY_H
#define FAR_STORY_H

#include "timeline.h"

// How a task ended. One that leaked and was finished after all was finished.
#define FAR_ENDING_MAP(X)                                                      \
  X(FINISHED, "finished")                                                      \
  X(FAILED, "failed")                                                          \
  X(EXPIRED, "expired")                                                        \
  X(LEAKED, "leaked")                                                          \
  X(CANCELLED, "cancelled")                                                    \
  X(OPEN, "open")

typedef enum far_ending {
#define FAR_ENDING(id, name) FAR_ENDING_##id,
  FAR_ENDING_MAP(FAR_ENDING)
#undef FAR_ENDING
      FAR_ENDINGS
} far_ending;

#define FAR_UNKNOWN UINT64_MAX

enum { FAR_LANES_MAX = 16, FAR_APP_LANE = 0 };

// What held from one moment to another.
typedef struct far_band {
  size_t lane;
  uint64_t from_ms, to_ms;
  const char *label;
  const char *why; // What began it; NULL when nothing is known.
  uint64_t entry;  // Its number in the timeline.
} far_band;

typedef struct far_story_task {
  uint64_t id;
  const char *script, *name, *where;
  uint64_t begin_ms;
  uint64_t end_ms;      // Of the story, while it is open.
  uint64_t deadline_ms; // When it would have been ended, or was; FAR_UNKNOWN.
  uint64_t leak_ms;     // Since when nobody could finish it; FAR_UNKNOWN.
  far_ending outcome;
  const char *why;      // Of its end, or of its leak. NULL while it is open.
  const char *leak_why; // NULL when it did not leak.
  uint64_t entry;       // Where it begins in the timeline.
  uint32_t series;      // Tasks of one script and name have the same number.
  uint32_t ordinal;     // 1, 2, ... within the series.
  uint32_t row;         // No two tasks of a row overlap.
} far_story_task;

typedef enum far_fault_kind {
  FAR_FAULT_LEAK,
  FAR_FAULT_SLOW, // It would have needed more time than there is.
  FAR_FAULT_FAIL,
  FAR_FAULT_ERROR,
  FAR_FAULT_KILL,
  FAR_FAULT_VIOLATION
} far_fault_kind;

// What went wrong, and must be mended.
typedef struct far_fault {
  far_fault_kind kind;
  uint64_t t_ms;
  uint64_t entry;
  size_t task;                // Its number in the story, or FAR_NO_TASK.
  const char *script;         // Or NULL.
  const char *rule;           // The id of the rule that it breaks, or NULL,
  const char *outcome, *code; // and what the OS does then.
  bool is_warning;            // It does not fail the run.
  const char *where;          // Or NULL; an error has it in its text.
  const char *why;
} far_fault;

#define FAR_NO_TASK SIZE_MAX

typedef struct far_story {
  const far_timeline *timeline;
  uint64_t from_ms, to_ms;
  const char *lanes[FAR_LANES_MAX]; // "app", "network", ...
  size_t lane_count;
  size_t open_bands[FAR_LANES_MAX]; // Number + 1 of the last band of a lane.
  far_band *bands;
  size_t band_count, band_room;
  far_story_task *tasks;
  size_t task_count, task_room;
  far_fault *faults;
  size_t fault_count, fault_room;
  uint32_t series_count, row_count;
  uint64_t outcomes[FAR_ENDINGS]; // How many tasks ended so.
  uint64_t errors, violations, kills;
  uint64_t warnings; // Faults that fail nothing.
  struct far_story_index *index;
} far_story;

// Reads a timeline up to `to_ms`, or its last entry if that is later. False
// when memory is short; far_story_close() is needed in any case.
bool far_story_open(far_story *story, const far_timeline *timeline,
                    uint64_t to_ms);
void far_story_close(far_story *story);

const char *far_ending_name(far_ending outcome);

// "leak", "slow", "fail", "error", "kill", "rule".
const char *far_fault_name(far_fault_kind kind);

// What happened, in a few words: `Task "save" was never finished`.
void far_fault_title(const far_story *story, const far_fault *fault, char *text,
                     size_t bytes);

// What the OS does: "kill, 0x2182bad2"; empty when that is not known.
void far_fault_cost(const far_fault *fault, char *text, size_t bytes);

// What to do about it.
const char *far_fault_advice(const far_fault *fault);

// A task's name, or its number: "save", "#70001".
void far_story_task_name(const far_story_task *task, char *text, size_t bytes);

#endif
