// Violations: which rules an app has broken, where, and how often.
//
// Whoever breaks a rule in a loop has made one mistake. So what is kept is the
// cause: a rule, and the place of the script that breaks it. It is told when it
// is found, and only counted from then on.
#ifndef FAR_VIOLATION_H
#define FAR_VIOLATION_H

#include "memory.h"
#include "rule.h"
#include "task.h"

// Whom a fact is about. Zeroed: the app as a whole.
typedef struct far_whom {
  const char *script; // Its name, or NULL.
  far_task *task;     // Or NULL.
  const char *where;  // "app.lua:12"; NULL: where the task was begun.
} far_whom;

typedef struct far_violation {
  far_rule_id rule;
  far_severity severity; // Of this case, which may be milder than the rule.
  bool is_failure;       // It fails the run.
  const far_outcome *outcome;        // What the OS does,
  far_profile os;                    // and which one that is.
  uint64_t task;                     // The first that broke it, or 0.
  char *script, *name, *where, *why; // NULL for what is not known.
  uint64_t first_ms, last_ms;
  uint64_t count; // 0: it was taken back.
} far_violation;

// Zero it, and fill the first group.
typedef struct far_violations {
  far_memory *memory;
  far_profile profile;
  uint64_t allowed; // Rules that may be broken, by far_rule_bit().
  bool is_strict;   // A warning fails the run, too.
  // Hears of each cause when it is found, or found again after it was taken
  // back. What is short of memory is told, and not kept.
  void (*found)(void *user, const far_violation *violation);
  void *user;

  far_violation *causes; // In the order in which they were found.
  size_t count, room;
  // What was broken beyond the most causes that are kept: it is not told.
  uint64_t failures_beyond, warnings_beyond;
} far_violations;

void far_violations_deinit(far_violations *all);

// Whether it is a rule here, and not allowed to be broken.
bool far_violations_wants(const far_violations *all, far_rule_id rule);

// A rule is broken. Nothing happens where it does not hold, or is allowed. With
// `is_mild` it is the milder case of a rule that has one.
void far_violations_add(far_violations *all, far_rule_id rule, bool is_mild,
                        const far_whom *whom, uint64_t now_ms,
                        const char *format, ...)
    __attribute__((format(printf, 6, 7)));

// It was not broken after all.
void far_violations_take_back(far_violations *all, far_rule_id rule,
                              const far_whom *whom);

// How often this place has broken the rule.
uint64_t far_violations_count(const far_violations *all, far_rule_id rule,
                              const far_whom *whom);

// How often rules were broken that fail the run, and others.
void far_violations_sum(const far_violations *all, uint64_t *failures,
                        uint64_t *warnings);

#endif
