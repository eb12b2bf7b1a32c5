// The picture of a run: its story as lanes over time, in SVG.
//
// It stands alone in a file, or in the page, where host/page.js moves its marks
// when somebody zooms: whatever has data-a, and data-b, is from there to there
// in milliseconds. Both look the same until then.
#ifndef FAR_PICTURE_H
#define FAR_PICTURE_H

#include "story.h"
#include <stdio.h>

// What stands over the picture, and what else a reader wants to know.
typedef struct far_drawn_run {
  const char *script; // As on the command line.
  const char *rules;  // "ios"
  const char *plan;   // NULL: the default plan, or real time.
  const char *error;  // Of the plan, or NULL.
  bool is_simulated;
  uint64_t now_ms;
} far_drawn_run;

// A file of its own, with a heading.
void far_picture_file(FILE *file, const far_story *story,
                      const far_drawn_run *run);

// The element alone, for the page.
void far_picture_element(FILE *file, const far_story *story);

// "2 s", "1 min 30 s", "3 h": how long that is, for a person.
void far_picture_time(uint64_t ms, char *text, size_t bytes);

#endif
