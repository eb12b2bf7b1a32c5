// What a C test says: a line for each check that fails, and how many passed.
//
// Include it once a program; main() ends with `return check_end();`.
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdio.h>

static int check_passed, check_failed;

// `detail` says which case it was, where one line checks many.
static inline void check_at(bool is_true, const char *what, const char *detail,
                            int line) {
  check_passed += is_true;
  check_failed += !is_true;
  if (is_true)
    return;
  printf("not ok: line %d: %s%s%s\n", line, what, *detail == '\0' ? "" : ": ",
         detail);
  fflush(stdout); // Whatever comes next may be a crash.
}

#define check(condition) check_at((condition), #condition, "", __LINE__)
#define check_in(condition, detail)                                            \
  check_at((condition), #condition, (detail), __LINE__)

// The program's exit code.
static inline int check_end(void) {
  printf("%d passed, %d failed\n", check_passed, check_failed);
  return check_failed == 0 ? 0 : 1;
}

#endif
