// The attacks of hostile/attacks, read from their files, and what the tests of
// containment share.
//
// An attack begins with a line `--@ id end`, where `end` says what must become
// of it, with | between what may:
//
//   killed   its script is stopped
//   task     its task is stopped, and the script lives
//   ends     it ends by itself, with an error or without
//   exits    the app ends, because it asked for that
//   any      it may go on for ever, as long as it leaves time to others
#ifndef ATTACKS_H
#define ATTACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  ATTACK_KILLED = 1,
  ATTACK_TASK = 2,
  ATTACK_ENDS = 4,
  ATTACK_EXITS = 8,
  ATTACK_ANY = 16
};

typedef struct attack {
  char id[64];
  unsigned ends;
  char *code;
} attack;

typedef struct attacks {
  attack *items;
  size_t count;
} attacks;

// Reads all attacks of the folder, in the order of their files' names. Ends the
// process when it cannot.
void attacks_read(attacks *all, const char *folder);
void attacks_free(attacks *all);
const attack *attacks_find(const attacks *all, const char *id);

// The code as a script: at once, in a timer's turn, or in a task.
typedef enum attack_place { AT_LOAD, IN_TIMER, IN_TASK } attack_place;
char *attack_code(const attack *one, attack_place place);

// A whole file; ends the process when it cannot be read.
char *file_read(const char *folder, const char *name);

// The names of a folder's files with this ending, sorted.
char **folder_read(const char *folder, const char *ending, size_t *count);
void folder_free(char **names, size_t count);

// What must not grow. -1 where the system does not tell.
typedef struct footprint {
  long files, threads, bytes;
} footprint;

footprint footprint_now(void);

uint64_t now_ns(void);

#endif
