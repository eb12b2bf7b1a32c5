// The commands of the program `farside`, and what they share.
#ifndef FAR_COMMAND_H
#define FAR_COMMAND_H

#include "farside.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// The exit codes, as docs/reference.md has them.
enum {
  EXIT_FINE = 0,
  EXIT_SCRIPT_FAILED = 1,
  EXIT_USAGE = 2,
  EXIT_RULE_BROKEN = 3,
  EXIT_HOST_KILLED = 4
};

enum {
  GRANTS_MAX = 64, // Of each kind.
  SCRIPTS_MAX = 256,
  SEEDS_MAX = 1000000,
  JOBS_MAX = 256
};

// What --grant said of one kind.
typedef struct command_grants {
  const char *values[GRANTS_MAX + 1]; // NULL last.
  size_t count;
} command_grants;

// The files that are written once a run is over; docs/reference.md has them.
typedef enum command_output {
  COMMAND_REPORT,
  COMMAND_PICTURE,
  COMMAND_TRACE,
  COMMAND_JUNIT,
  COMMAND_OUTPUTS
} command_output;

// What the command line said; options that were not given stay zero.
typedef struct command_line {
  const char *os;
  const char *plan;
  const char *store;
  const char *state, *kind, *tag, *of_script; // Which work.
  uint64_t limit;                             // How many of it.
  const char *timeline;                 // A file, or "-" for standard output.
  const char *outputs[COMMAND_OUTPUTS]; // Likewise; NULL: not wanted.
  uint64_t grace_ms;
  uint64_t seed;         // Of the phone.
  uint64_t for_ms;       // How long a day without a plan is.
  uint64_t seeds;        // How many runs.
  uint64_t jobs;         // In how many processes.
  uint64_t remaining_ms; // What scripts are told is left.
  uint64_t allowed;      // Rules that may be broken, by far_rule_bit().
  const char *dir;       // Where `new` puts it.
  const char *files, *proxy, *certificates; // As in farside_config.
  bool is_checked;
  bool is_shrunk;
  bool has_late_wakes;
  bool is_strict;
  bool is_verbose;
  bool is_trusted;
  bool is_isolated;
  bool is_once;
  bool is_json;
  bool is_typescript;
  farside_limits limits;
  command_grants modules, http, background;
  // Paths, the first is there; or one name; or words.
  const char *scripts[SCRIPTS_MAX];
  size_t script_count;
  int argc; // The scripts' arguments.
  const char *const *argv;
  int word_count; // All of it, as it was given.
  const char *const *words;
} command_line;

typedef struct far_command {
  const char *name;
  const char *usage;   // After "farside ".
  const char *what;    // One line, for the list.
  const char *help;    // The rest.
  const char *options; // The option names it takes, each with spaces around.
  bool takes_many;     // Scripts.
  const char *wants;   // What the first word is; NULL: "script".
  bool takes_name;     // No script, but one name or none.
  bool takes_words;    // No script, but any words, or none.
  int (*run)(const command_line *line);
} far_command;

extern const far_command run_command;
extern const far_command simulate_command;
extern const far_command work_command;
extern const far_command new_command;
extern const far_command profile_command;
extern const far_command rules_command;

// Reads the arguments behind the command's name. Returns EXIT_FINE, or writes
// one sentence to stderr and returns EXIT_USAGE.
int command_line_parse(const far_command *command, int argc,
                       const char *const *argv, command_line *line);

// The name it was given, or NULL.
const char *command_line_name(const command_line *line);

// Whether standard output is a terminal that may be coloured.
bool command_has_color(void);

// After the last byte of standard output: EXIT_FINE, or a sentence on stderr
// and EXIT_SCRIPT_FAILED when not all of it was written.
int command_end_output(const far_command *command);

// What --limits and --grant say together. The lists are the line's.
farside_permissions command_line_permissions(const command_line *line);

// What SIGUSR1 shows: the heading with NULL.
void command_script_row(const farside_script *about, char *row, size_t bytes);

// Opens the file of --timeline, or another, for writing; "-" is standard
// output. Returns NULL after a sentence on stderr.
FILE *timeline_open(const char *path);

// Closes it; false, after a sentence on stderr, when not all was written.
bool timeline_close(FILE *file, const char *path);

// The same for any other file.
bool output_close(FILE *file, const char *path);

#endif
