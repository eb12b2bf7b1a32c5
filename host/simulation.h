// One run of a script on a simulated phone, as the options of `farside
// simulate` say. Its other commands are made of many such runs.
#ifndef FAR_SIMULATION_H
#define FAR_SIMULATION_H

#include "command.h"
#include "device.h"
#include "figures.h"
#include "outputs.h"

enum { SIMULATION_GRANTS = 64 };

// Zero it, but for the first fields.
typedef struct simulation {
  const command_line *line;
  uint64_t seed;         // Zero: the phone's own.
  const char *plan_text; // Instead of what the plan's file has, or NULL.
  FILE *timeline;        // Where entries go as they happen, or NULL.
  bool is_quiet;         // What the plan prints goes nowhere.

  far_device *device;
  far_outputs outputs; // Other files; zeroed: none.
  bool is_over;        // What comes now is no part of it.
  far_figures figures;
  uint64_t granted_ms[SIMULATION_GRANTS]; // When the first wake-ups were.
  size_t granted;                         // How many, all in all.
  char error[1024];                       // Of the plan; empty for none.
  char broken[200]; // The first rule that was, and fails the run.
  char *failures;   // What expect() did not get, a line each, or NULL.
  size_t failure_count;
} simulation;

// Opens the phone and plays the plan to its end. False, after a sentence on
// stderr, when there is no phone.
bool simulation_play(simulation *mine);

// Its exit code, and in a few words why; empty when all is well.
int simulation_verdict(const simulation *mine);
const char *simulation_reason(const simulation *mine);

// Closes the phone.
void simulation_end(simulation *mine);

// How much an exit code says: 0, 3, 1, 4.
int simulation_rank(int code);

// The seed that a run without a word has.
uint64_t simulation_seed(const command_line *line);

// "plan night.lua", "default plan" or "a day of 24h".
void simulation_plan_name(const command_line *line, char *text, size_t bytes);

// --seeds, --check and --shrink.
int simulate_seeds(const command_line *line);
int simulate_check(const command_line *line);
int simulate_shrink(const command_line *line);

// Writes the command of this line again, with this seed, so that a shell
// understands it, and without the options that ask for many runs.
void simulation_put_command(FILE *file, const command_line *line,
                            uint64_t seed);

#endif
