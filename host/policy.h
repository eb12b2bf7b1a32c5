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
  X(MINIMIZE_ALLOWED, minimize_allowed, "bool")                                \
  X(FETCH_MIN_INTERVAL, fetch_min_interval, "ms")                              \
  X(FETCH_DELAY_MAX, fetch_delay_max, "ms")                                    \
  X(PENDING_PROCESSING_MAX, pending_processing_max, "requests")                \
  X(PROCESSING_NEEDS_IDLE, processing_needs_idle, "bool")                      \
  X(PUSH_PER_HOUR_MAX, push_per_hour_max, "per hour")                          \
  X(DOZE_LIGHT_AFTER, doze_light_after, "ms")                                  \
  X(DOZE_LIGHT_IDLE, doze_light_idle, "ms")                                    \
  X(DOZE_LIGHT_IDLE_MAX, doze_light_idle_max, "ms")                            \
  X(DOZE_LIGHT_WINDOW, doze_light_window, "ms")                                \
  X(DOZE_DEEP_AFTER, doze_deep_after, "ms")                                    \
  X(DOZE_IDLE, doze_idle, "ms")                                                \
  X(DOZE_IDLE_MAX, doze_idle_max, "ms")                                        \
  X(DOZE_WINDOW, doze_window, "ms")                                            \
  X(DOZE_WINDOW_MAX, doze_window_max, "ms")                                    \
  X(DOZE_FACTOR, doze_factor, "times")                                         \
  X(BUCKET_AFTER_WORKING, bucket_after_working, "ms")                          \
  X(BUCKET_AFTER_FREQUENT, bucket_after_frequent, "ms")                        \
  X(BUCKET_AFTER_RARE, bucket_after_rare, "ms")                                \
  X(BUCKET_AFTER_RESTRICTED, bucket_after_restricted, "ms")                    \
  X(JOB_QUOTA_ACTIVE, job_quota_active, "ms")                                  \
  X(JOB_QUOTA_ACTIVE_WINDOW, job_quota_active_window, "ms")                    \
  X(JOB_QUOTA_WORKING, job_quota_working, "ms")                                \
  X(JOB_QUOTA_WORKING_WINDOW, job_quota_working_window, "ms")                  \
  X(JOB_QUOTA_FREQUENT, job_quota_frequent, "ms")                              \
  X(JOB_QUOTA_FREQUENT_WINDOW, job_quota_frequent_window, "ms")                \
  X(JOB_QUOTA_RARE, job_quota_rare, "ms")                                      \
  X(JOB_QUOTA_RARE_WINDOW, job_quota_rare_window, "ms")                        \
  X(JOB_QUOTA_RESTRICTED, job_quota_restricted, "ms")                          \
  X(JOB_QUOTA_RESTRICTED_WINDOW, job_quota_restricted_window, "ms")            \
  X(JOB_QUOTA_RESTRICTED_RUNS, job_quota_restricted_runs, "jobs")              \
  X(JOB_QUOTA_NEEDED, job_quota_needed, "ms")                                  \
  X(LOW_POWER_BLOCKS_FETCH, low_power_blocks_fetch, "bool")                    \
  X(FORCE_QUIT_BLOCKS_BACKGROUND, force_quit_blocks_background, "bool")        \
  X(FORCE_QUIT_BLOCKS_PROCESSING, force_quit_blocks_processing, "bool")        \
  X(SWIPE_BLOCKS_BACKGROUND, swipe_blocks_background, "bool")                  \
  X(BATTERY_LOW, battery_low, "%")                                             \
  X(NEVER_CHANCE, never_chance, "%")

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
