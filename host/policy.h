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
  FAR_ABSENT,     // The OS has no such rule, or no number for it.
  FAR_DOCUMENTED, // Read in a text of the vendor, or in the OS's source.
  FAR_SECONDARY,  // A device log, or somebody's quote of such a text.
  FAR_ASSUMED     // Unconfirmed, or our own choice.
} far_mark;

// The name that scripts and reports use, the unit, and which of two values is
// the tighter one. Neither: they limit different things, or are of a service
// that only one OS has.
#define FAR_CONSTANT_MAP(X)                                                    \
  X(ENTER_BACKGROUND_BUDGET, enter_background_budget, "ms", SMALLER)           \
  X(EXEC_BUDGET, exec_budget, "ms", SMALLER)                                   \
  X(EXEC_BUDGET_BARE, exec_budget_bare, "ms", SMALLER)                         \
  X(EXEC_BUDGET_SCOPE, exec_budget_scope, "scope", LARGER)                     \
  X(EXPIRY_HANDLER_SOFT, expiry_handler_soft, "ms", SMALLER)                   \
  X(EXPIRY_HANDLER_KILL, expiry_handler_kill, "ms", SMALLER)                   \
  X(EXPIRY_LEAD, expiry_lead, "ms", LARGER)                                    \
  X(EARLY_EXPIRY_ALLOWED, early_expiry_allowed, "bool", LARGER)                \
  X(EXEC_MAX_LIVE, exec_max_live, "tasks", SMALLER)                            \
  X(EXEC_MAX_LIVE_LINT, exec_max_live_lint, "tasks", SMALLER)                  \
  X(LAUNCH_WATCHDOG, launch_watchdog, "ms", SMALLER)                           \
  X(MAIN_BLOCK_LIMIT, main_block_limit, "ms", SMALLER)                         \
  X(FETCH_BUDGET, fetch_budget, "ms", SMALLER)                                 \
  X(FETCH_MIN_INTERVAL, fetch_min_interval, "ms", LARGER)                      \
  X(FETCH_FLEX_MIN, fetch_flex_min, "ms", LARGER)                              \
  X(FETCH_DELAY_MAX, fetch_delay_max, "ms", LARGER)                            \
  X(FETCH_GUARANTEED, fetch_guaranteed, "bool", SMALLER)                       \
  X(PENDING_FETCH_MAX, pending_fetch_max, "requests", SMALLER)                 \
  X(PENDING_PROCESSING_MAX, pending_processing_max, "requests", SMALLER)       \
  X(PROCESSING_BUDGET, processing_budget, "ms", SMALLER)                       \
  X(PROCESSING_NEEDS_IDLE, processing_needs_idle, "bool", LARGER)              \
  X(EXPEDITED_BUDGET, expedited_budget, "ms", NEITHER)                         \
  X(EXPEDITED_RUNS, expedited_runs, "runs", SMALLER)                           \
  X(EXPEDITED_RUNS_WINDOW, expedited_runs_window, "ms", LARGER)                \
  X(USER_TASK_PROGRESS_STALL, user_task_progress_stall, "ms", SMALLER)         \
  X(PUSH_WAKE_BUDGET, push_wake_budget, "ms", SMALLER)                         \
  X(PUSH_PER_HOUR_MAX, push_per_hour_max, "per hour", SMALLER)                 \
  X(BLE_WAKE_BUDGET, ble_wake_budget, "ms", SMALLER)                           \
  X(TRANSFER_RESUME_DELAY, transfer_resume_delay, "ms", LARGER)                \
  X(TRANSFER_RESUME_FACTOR, transfer_resume_factor, "times", LARGER)           \
  X(CPU_LIMIT_FAST, cpu_limit_fast, "%", NEITHER)                              \
  X(CPU_LIMIT_FAST_WINDOW, cpu_limit_fast_window, "ms", NEITHER)               \
  X(CPU_LIMIT_LONG, cpu_limit_long, "%", NEITHER)                              \
  X(CPU_LIMIT_LONG_WINDOW, cpu_limit_long_window, "ms", NEITHER)               \
  X(CPU_LIMIT_LONG_AFTER, cpu_limit_long_after, "ms", NEITHER)                 \
  X(THREAD_WAKEUPS, thread_wakeups, "per second", SMALLER)                     \
  X(THREAD_WAKEUPS_WINDOW, thread_wakeups_window, "ms", SMALLER)               \
  X(ALARM_WAKEUPS_LINT, alarm_wakeups_lint, "per hour", SMALLER)               \
  X(WAKELOCK_DAILY_LINT, wakelock_daily_lint, "ms", SMALLER)                   \
  X(DISK_WRITE_DAILY_LINT, disk_write_daily_lint, "MB", SMALLER)               \
  X(PHONE_MEMORY, phone_memory, "MB", SMALLER)                                 \
  X(MEMORY_LIMIT, memory_limit, "% of RAM", SMALLER)                           \
  X(MEMORY_WARN_LEVEL, memory_warn_level, "% of limit", SMALLER)               \
  X(BACKOFF_INITIAL, backoff_initial, "ms", LARGER)                            \
  X(BACKOFF_MIN, backoff_min, "ms", LARGER)                                    \
  X(BACKOFF_MAX, backoff_max, "ms", LARGER)                                    \
  X(JOB_QUOTA_ACTIVE, job_quota_active, "ms", SMALLER)                         \
  X(JOB_QUOTA_ACTIVE_WINDOW, job_quota_active_window, "ms", LARGER)            \
  X(JOB_QUOTA_WORKING, job_quota_working, "ms", SMALLER)                       \
  X(JOB_QUOTA_WORKING_WINDOW, job_quota_working_window, "ms", LARGER)          \
  X(JOB_QUOTA_FREQUENT, job_quota_frequent, "ms", SMALLER)                     \
  X(JOB_QUOTA_FREQUENT_WINDOW, job_quota_frequent_window, "ms", LARGER)        \
  X(JOB_QUOTA_RARE, job_quota_rare, "ms", SMALLER)                             \
  X(JOB_QUOTA_RARE_WINDOW, job_quota_rare_window, "ms", LARGER)                \
  X(JOB_QUOTA_RESTRICTED, job_quota_restricted, "ms", SMALLER)                 \
  X(JOB_QUOTA_RESTRICTED_WINDOW, job_quota_restricted_window, "ms", LARGER)    \
  X(JOB_QUOTA_RESTRICTED_RUNS, job_quota_restricted_runs, "jobs", SMALLER)     \
  X(JOB_QUOTA_NEEDED, job_quota_needed, "ms", LARGER)                          \
  X(JOB_RATE, job_rate, "per minute", SMALLER)                                 \
  X(JOB_DAILY_CAP, job_daily_cap, "ms", SMALLER)                               \
  X(TIMEOUTS_BEFORE_PENALTY, timeouts_before_penalty, "timeouts", SMALLER)     \
  X(TIMEOUTS_BEFORE_PENALTY_WINDOW, timeouts_before_penalty_window, "ms",      \
    LARGER)                                                                    \
  X(FREEZE_AFTER_CACHED, freeze_after_cached, "ms", SMALLER)                   \
  X(DOZE_LIGHT_AFTER, doze_light_after, "ms", SMALLER)                         \
  X(DOZE_LIGHT_IDLE, doze_light_idle, "ms", LARGER)                            \
  X(DOZE_LIGHT_IDLE_MAX, doze_light_idle_max, "ms", LARGER)                    \
  X(DOZE_LIGHT_WINDOW, doze_light_window, "ms", SMALLER)                       \
  X(DOZE_DEEP_AFTER, doze_deep_after, "ms", SMALLER)                           \
  X(DOZE_IDLE, doze_idle, "ms", LARGER)                                        \
  X(DOZE_IDLE_MAX, doze_idle_max, "ms", LARGER)                                \
  X(DOZE_WINDOW, doze_window, "ms", SMALLER)                                   \
  X(DOZE_WINDOW_MAX, doze_window_max, "ms", SMALLER)                           \
  X(DOZE_FACTOR, doze_factor, "times", LARGER)                                 \
  X(FGS_DATASYNC_DAILY, fgs_datasync_daily, "ms", NEITHER)                     \
  X(BUCKET_AFTER_WORKING, bucket_after_working, "ms", SMALLER)                 \
  X(BUCKET_AFTER_FREQUENT, bucket_after_frequent, "ms", SMALLER)               \
  X(BUCKET_AFTER_RARE, bucket_after_rare, "ms", SMALLER)                       \
  X(BUCKET_AFTER_RESTRICTED, bucket_after_restricted, "ms", SMALLER)           \
  X(BATTERY_LOW, battery_low, "%", LARGER)                                     \
  X(REFUSAL_CHANCE, refusal_chance, "%", LARGER)                               \
  X(LOW_POWER_BLOCKS_FETCH, low_power_blocks_fetch, "bool", LARGER)            \
  X(FORCE_QUIT_BLOCKS_BACKGROUND, force_quit_blocks_background, "bool",        \
    LARGER)                                                                    \
  X(FORCE_QUIT_BLOCKS_PROCESSING, force_quit_blocks_processing, "bool",        \
    LARGER)                                                                    \
  X(SWIPE_BLOCKS_BACKGROUND, swipe_blocks_background, "bool", LARGER)          \
  X(TERMINATE_GRACE, terminate_grace, "ms", SMALLER)                           \
  X(MINIMIZE_ALLOWED, minimize_allowed, "bool", SMALLER)

typedef enum far_constant {
#define FAR_CONSTANT(id, name, unit, tighter) FAR_##id,
  FAR_CONSTANT_MAP(FAR_CONSTANT)
#undef FAR_CONSTANT
      FAR_CONSTANTS
} far_constant;

typedef struct far_value {
  int64_t value;
  far_mark mark;
  // An address; the reason of an assumption, or of an absence; "" for none.
  const char *source;
} far_value;

typedef enum far_tighter {
  FAR_TIGHTER_SMALLER,
  FAR_TIGHTER_LARGER,
  FAR_TIGHTER_NEITHER
} far_tighter;

// Which OS the value of `strict` is of.
typedef enum far_strict {
  FAR_STRICT_ABSENT, // Of none: what only one OS offers is not to be relied on.
  FAR_STRICT_IOS,
  FAR_STRICT_ANDROID,
  FAR_STRICT_BOTH // Each holds beside the other: `strict` has that of ios, and
                  // whoever keeps the rule must look at both.
} far_strict;

// "ios" → FAR_PROFILE_IOS. False for a name that is none.
bool far_profile_find(const char *name, far_profile *profile);
const char *far_profile_name(far_profile profile);

const char *far_constant_name(far_constant constant);
const char *far_constant_unit(far_constant constant);
far_tighter far_constant_tighter(far_constant constant);
far_strict far_constant_strict(far_constant constant);

// What it limits: "how long …".
const char *far_constant_what(far_constant constant);

// Writes a value of that constant for people: "30 s", "150 per second", "yes".
void far_constant_text(far_constant constant, int64_t value, char *text,
                       size_t bytes);

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
