// Rules: what an app can do wrong in the background, and what comes of it.
//
// Each has an id that never changes, what it costs on either OS with the code
// that a report of that OS would show, and what to do instead. What is not
// known of an OS is left out; what is our own advice says so in its sources.
#ifndef FAR_RULE_H
#define FAR_RULE_H

#include "policy.h"

// The id, and its title: lower case, no full stop.
// BG: work in the background. FE: fetches. RS: resources. SC: scheduling.
#define FAR_RULE_MAP(X)                                                        \
  X(BG01, "finish is never called")                                            \
  X(BG02, "finish comes after the end")                                        \
  X(BG03, "finish names no open task")                                         \
  X(BG04, "work begins after the end")                                         \
  X(BG05, "exec inside onExpire")                                              \
  X(BG06, "a task without onExpire")                                           \
  X(BG07, "onExpire takes too long")                                           \
  X(BG08, "an id is lost")                                                     \
  X(BG09, "too many open tasks")                                               \
  X(BG10, "a task longer than the tightest budget")                            \
  X(BG11, "budgets are added up")                                              \
  X(BG12, "the time remaining decides")                                        \
  X(BG13, "long work without a checkpoint")                                    \
  X(BG14, "state is saved only in terminate")                                  \
  X(FE01, "a period under the minimum")                                        \
  X(FE02, "an exact period is relied on")                                      \
  X(FE03, "a fetch does not say that it has ended")                            \
  X(FE04, "the next fetch is not asked for")                                   \
  X(FE05, "too many requests wait")                                            \
  X(FE06, "a handler is registered late or twice")                             \
  X(FE07, "an identifier is not declared")                                     \
  X(FE08, "a handler is not safe to repeat")                                   \
  X(FE09, "every fetch claims new data")                                       \
  X(RS01, "too much of the processor")                                         \
  X(RS02, "a busy loop, or a timer that fires all the time")                   \
  X(RS03, "the device is woken too often")                                     \
  X(RS04, "endless work without a mode for it")                                \
  X(RS05, "a mode is declared and never used")                                 \
  X(RS06, "a lock is held while suspended")                                    \
  X(RS07, "too much memory")                                                   \
  X(RS08, "the device is held awake too long")                                 \
  X(RS09, "too much is written to disk")                                       \
  X(RS10, "a connection is kept while suspended")                              \
  X(SC01, "jobs are over their quota")                                         \
  X(SC02, "jobs time out again and again")                                     \
  X(SC03, "a retry without a pause")                                           \
  X(SC04, "one transfer for each wake-up")                                     \
  X(SC05, "too many silent pushes")                                            \
  X(SC06, "heavy work without a charger")                                      \
  X(SC07, "a foreground service over its time")                                \
  X(SC08, "begun where only the foreground may")                               \
  X(SC09, "a slow answer to a start or a stop")                                \
  X(SC10, "alarms beyond their limits")                                        \
  X(SC11, "debug hooks in a release")

typedef enum far_rule_id {
#define FAR_RULE(id, title) FAR_RULE_##id,
  FAR_RULE_MAP(FAR_RULE)
#undef FAR_RULE
      FAR_RULES
} far_rule_id;

typedef enum far_severity {
  FAR_SEVERITY_WARNING,
  FAR_SEVERITY_ERROR,
  FAR_SEVERITIES
} far_severity;

// What an OS does, the mildest first.
typedef enum far_outcome_kind {
  FAR_OUTCOME_NONE,      // Nothing is known.
  FAR_OUTCOME_WARNING,   // W: nothing yet.
  FAR_OUTCOME_THROTTLE,  // T: the app runs less often, or later.
  FAR_OUTCOME_REFUSAL,   // E: the call fails, and the work never runs.
  FAR_OUTCOME_REJECTION, // R: by the store, or a worse rank in it.
  FAR_OUTCOME_KILL,      // K
  FAR_OUTCOME_KINDS
} far_outcome_kind;

typedef struct far_outcome {
  far_outcome_kind kind;
  const char *code; // As the OS has it: "0x2182bad2"; "" when there is none.
  const char *what; // "" when the kind says it all.
} far_outcome;

enum { FAR_RULE_SOURCES_MAX = 3 };

typedef struct far_rule {
  const char *title; // Lower case, no full stop.
  const char *wrong; // A sentence: when the rule is broken.
  far_outcome ios, android;
  far_outcome mild;   // Of a case that is not so bad yet, where there are some.
  const char *advice; // One sentence or two.
  // Addresses, or the reason why there is none; NULL behind the last.
  const char *sources[FAR_RULE_SOURCES_MAX + 1];
  const char *why_not; // Why it is not detected; NULL when it is.
} far_rule;

const far_rule *far_rule_get(far_rule_id id);

// "BG01"
const char *far_rule_name(far_rule_id id);
const char *far_rule_title(far_rule_id id);

// "BG01", or "bg01" → FAR_RULE_BG01. False for a name that is none.
bool far_rule_find(const char *name, far_rule_id *id);

// Writes which names there are: "BG01 to BG14, FE01 to FE09, …".
enum { FAR_RULE_LIST_BYTES = 128 };
void far_rule_list(char *text, size_t bytes);

// A set of rules is a number with a bit for each.
uint64_t far_rule_bit(far_rule_id id);

// What a broken rule costs under a profile, and on which OS; under `strict`
// the worse of both. NULL where the profile has no such rule.
const far_outcome *far_rule_outcome(far_rule_id id, far_profile profile,
                                    far_profile *os);

// By the profile `strict`: an error is what kills, is refused or rejected on
// either OS.
far_severity far_rule_severity(far_rule_id id);

// "warning" or "error".
const char *far_severity_name(far_severity severity);

// "none", "warning", "throttle", "refusal", "rejection" or "kill".
const char *far_outcome_name(far_outcome_kind kind);

#endif
