// A program that a test starts, tells something, waits for, and ends.
//
// What it says is kept; whoever waits for a text goes on as soon as that is
// there. Nothing sleeps. When the text does not come, all that was said is
// shown.
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { CHILD_TEXT_MAX = 256 * 1024 };

typedef struct child {
  const char *name;
  pid_t pid;   // Zero when none runs.
  int in, out; // Its standard input; its standard output and errors.
  size_t size; // Of the text.
  size_t seen; // How much of it was awaited.
  char text[CHILD_TEXT_MAX];
} child;

// argv ends with NULL and is looked up in PATH. The program is killed when the
// test dies.
bool child_start(child *mine, const char *const *argv);

// Writes a line to its standard input.
bool child_tell(child *mine, const char *line);

// Waits for a text behind the one that was awaited last.
bool child_expect(child *mine, const char *text);

// Whether it said that until what was awaited last, or is saying it now.
bool child_has_said(child *mine, const char *text);

// Waits for its end: its exit code, or -1 when a signal ended it.
int child_wait(child *mine);

// SIGKILL; it is gone when this returns. Harmless when none runs.
void child_kill(child *mine);

#endif
