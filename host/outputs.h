// The files that a run leaves behind: --report, --picture, --trace, --junit.
//
// They are opened before the run, so that a name that cannot be written is told
// at once, and written after it. Meanwhile the entries are kept: more of them
// than a host remembers.
#ifndef FAR_OUTPUTS_H
#define FAR_OUTPUTS_H

#include "command.h"
#include "picture.h"

typedef struct far_outputs {
  const command_line *line;
  FILE *files[COMMAND_OUTPUTS];
  far_memory memory;
  far_timeline timeline;
  bool is_wanted; // Any of them.
} far_outputs;

// False after a sentence on stderr. far_outputs_close() is needed anyway.
bool far_outputs_open(far_outputs *outputs, const command_line *line);

// Keeps an entry.
void far_outputs_note(far_outputs *outputs, const farside_entry *entry);

// Whether one of them is standard output, which is then for it alone.
bool far_outputs_have_stdout(const far_outputs *outputs);

// Writes them. False, after a sentence on stderr, when not all was written.
bool far_outputs_write(far_outputs *outputs, const far_drawn_run *run);

void far_outputs_close(far_outputs *outputs);

#endif
