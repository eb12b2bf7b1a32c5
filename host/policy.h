// Policy: the rules of an operating system, as constants.
//
// No number of an OS stands anywhere else. Each has its unit, where it comes
// from, and a mark that says how well it is known; a value that is our own
// choice is marked as assumed and never presented as a fact.
#ifndef FAR_POLICY_H
#define FAR_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum far_profile {
  FAR_PROFILE_IOS,
  FAR_PROFILE_ANDROID,
  FAR_PROFILE_STRICT, // The tighter of both: what holds there holds anywhere.
  FAR_PROFILE_DESKTOP,
  FAR_PROFILES
} far_profile;

typedef enum far_mark {
  FAR_ABSENT,     // The OS has no such rule.
  FAR_DOCUMENTED, // Read in a text of the vendor, or in the OS's source.
  FAR_SECONDARY,  // A device log, or somebody's quote of such a text.
  FAR_ASSUMED     // Unconfirmed, or our own choice.
} far_mark;

// The name that scripts and reports use, and the unit.
#define FAR_CONSTANT_MAP(X)                                                    \
  X(EXEC_BUDGET, exec_budget, "ms")                                            \
  X(EXEC_BUDGET_SCOPE, exec_budget_scope, "scope")                             \
  X(EXPIRY_LEAD, expiry_lead, "ms")                                            \
  X(EXPIRY_HANDLER_KILL, expiry_handler_kill, "ms")                            \
  X(EXEC_MAX_LIVE, exec_max_live, "tasks")                                     \
  X(FREEZE_AFTER_CACHED, freeze_after_cached, "ms")                            \
  X(TERMINATE_GRACE, terminate_grace, "ms")                                    \
  X(MINIMIZE_ALLOWED, minimize_allowed, "bool")

typedef enum far_constant {
#define FAR_CONSTANT(id, name, unit) FAR_##id,
  FAR_CONSTANT_MAP(FAR_CONSTANT)
#undef FAR_CONSTANT
      FAR_CONSTANTS
} far_constant;

typedef struct far_value {
  int64_t value;
  far_mark mark;
  const char *source; // An address, or the reason of an assumption.
} far_value;

// "ios" → FAR_PROFILE_IOS. False for a name that is none.
bool far_profile_find(const char *name, far_profile *profile);
const char *far_profile_name(far_profile profile);

const char *far_constant_name(far_constant constant);
const char *far_constant_unit(far_constant constant);

// One rule of one OS, with its source.
const far_value *far_policy_value(far_profile profile, far_constant constant);

// Its number alone. An absent rule is zero.
int64_t far_policy_get(far_profile profile, far_constant constant);

// "documented", "secondary", "assumed" or "absent".
const char *far_mark_name(far_mark mark);

// How long after entering the background the host ends a task that asked for
// no budget of its own: the OS warns `expiry_lead` before its limit, and kills
// `expiry_handler_kill` after that warning. Milliseconds.
int64_t far_policy_exec_end_ms(far_profile profile);

// How long before a task's end its onExpire is called: what the OS leaves its
// handlers, but at most a fifth of the budget, so that a budget of one second
// is not warned of before it has begun. Milliseconds.
int64_t far_policy_warning_ms(far_profile profile, int64_t budget_ms);

#endif
