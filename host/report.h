// Reports: the timeline for a person (a table) and for a program (JSON lines).
#ifndef FAR_REPORT_H
#define FAR_REPORT_H

#include "timeline.h"
#include <stdio.h>

// One entry as one JSON object and a newline: t, what, level, state, and where
// they are known script, task, name, where, why. False when writing failed.
bool far_report_json(FILE *file, const farside_entry *entry);

// The same fields without the braces, and no newline.
bool far_report_fields(FILE *file, const farside_entry *entry);

// "info"
const char *far_level_name(farside_level level);

// The whole timeline as a table that is read at a glance. Entries of level
// debug, and each of several that are the same, only with `is_verbose`.
void far_report_table(FILE *file, const far_timeline *timeline, bool has_color,
                      bool is_verbose);

// Whether an entry says the same as the one before it, but for its time: such
// repeats are drawn and printed as one.
bool far_report_is_repeat(const farside_entry *first,
                          const farside_entry *entry);

// An entry as it happens, while an app runs on real time: what a script says
// goes to `out` as it is, and what went wrong goes to `err` with its place.
// Everything else is silent.
void far_report_live(FILE *out, FILE *err, const farside_entry *entry,
                     bool is_verbose);

#endif
