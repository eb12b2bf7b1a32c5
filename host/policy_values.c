#include "policy_values.h"

#include "citation.h"

#define DESKTOP "ours: POSIX has no such rule"

#define DOC(value, source)                                                     \
  { value, FAR_DOCUMENTED, source }
#define SEC(value, source)                                                     \
  { value, FAR_SECONDARY, source }
#define OUR(value, source)                                                     \
  { value, FAR_ASSUMED, source }
#define NOT(reason)                                                            \
  { 0, FAR_ABSENT, reason }
#define NONE NOT("")

#define ROW(id, what, ios, android, strict, desktop)                           \
  [FAR_##id] = {what, ios, android, FAR_STRICT_##strict, desktop}

enum {
  SECOND = 1000,
  MINUTE = 60 * SECOND,
  HOUR = 60 * MINUTE,
  DAY = 24 * HOUR
};

// What it limits, ios, android, whose value strict has, desktop.
const far_policy_row far_policy_rows[FAR_CONSTANTS] = {
    // -- On the way into the background, and finishing work there

    ROW(ENTER_BACKGROUND_BUDGET,
        "how long the app may take to enter the background",
        DOC(5 * SECOND, FROM_APPLE_EXTEND), DOC(5 * SECOND, FROM_ANDROID_ANR),
        IOS, NONE),
    ROW(EXEC_BUDGET,
        "how long an app with an open task may run after it has left the "
        "foreground",
        DOC(30 * SECOND, FROM_QUINN_BACKGROUND),
        DOC(3 * MINUTE, FROM_AOSP_ACTIVITIES_MAIN), IOS,
        OUR(30 * SECOND, DESKTOP)),
    ROW(EXEC_BUDGET_BARE,
        "how long an app with no open task may run after it has left the "
        "foreground, at most",
        DOC(5 * SECOND, FROM_APPLE_EXTEND), DOC(10 * SECOND, FROM_AOSP_FREEZER),
        IOS, NONE),
    // On iOS two tasks in a row do not have twice the time; on Android each
    // short service has its own.
    ROW(EXEC_BUDGET_SCOPE,
        "whether exec_budget is one for the app, or each task has its own",
        DOC(1, FROM_QUINN_BACKGROUND), DOC(0, FROM_AOSP_ACTIVITIES_MAIN), IOS,
        OUR(1, DESKTOP)),
    ROW(EXPIRY_HANDLER_SOFT,
        "how long an expiration handler should take, at most",
        DOC(1 * SECOND, FROM_QUINN_BACKGROUND),
        DOC(8 * SECOND, FROM_AOSP_JOB_CONTEXT), IOS, NONE),
    // Apple says "a few seconds"; Android declares an ANR.
    ROW(EXPIRY_HANDLER_KILL,
        "how long after the call of its handler an open task costs the app its "
        "life",
        OUR(5 * SECOND, FROM_QUINN_BACKGROUND),
        DOC(10 * SECOND, FROM_AOSP_ACTIVITIES_MAIN), IOS,
        OUR(5 * SECOND, DESKTOP)),
    // Apple says "shortly before"; Android calls onTimeout at the limit.
    ROW(EXPIRY_LEAD,
        "how long before its limit the OS calls the expiration handlers",
        OUR(5 * SECOND, FROM_APPLE_BEGIN), DOC(0, FROM_AOSP_ACTIVITIES_MAIN),
        IOS, OUR(5 * SECOND, DESKTOP)),
    ROW(EARLY_EXPIRY_ALLOWED, "whether a task may be expired before its limit",
        DOC(1, FROM_QUINN_BACKGROUND), DOC(1, FROM_ANDROID_POWER), IOS, NONE),
    ROW(EXEC_MAX_LIVE,
        "how many tasks may be open at once; iOS kills an app with more",
        DOC(1000, FROM_QUINN_BACKGROUND), NONE, IOS, NONE),
    ROW(EXEC_MAX_LIVE_LINT, "how many open tasks are worth a warning",
        OUR(100, FROM_QUINN_BACKGROUND), NONE, IOS, NONE),
    ROW(LAUNCH_WATCHDOG, "how long a launch may take",
        DOC(20 * SECOND, FROM_APPLE_WATCHDOG),
        OUR(10 * SECOND, "ours: no number was found"), ANDROID, NONE),
    ROW(MAIN_BLOCK_LIMIT, "how long the app may be deaf to its user",
        SEC(10 * SECOND, FROM_SCENE_UPDATE), DOC(5 * SECOND, FROM_ANDROID_ANR),
        ANDROID, NONE),

    // -- Being woken

    ROW(FETCH_BUDGET, "how long a fetch may run",
        SEC(30 * SECOND, FROM_APPLE_STRATEGIES),
        DOC(10 * MINUTE, FROM_AOSP_JOBS), IOS, NONE),
    // A convention of plugins on iOS, where Apple publishes no period.
    ROW(FETCH_MIN_INTERVAL, "the shortest period of a fetch",
        OUR(15 * MINUTE, FROM_FETCH_PLUGIN),
        DOC(15 * MINUTE, FROM_AOSP_JOB_INFO), ANDROID, NONE),
    ROW(FETCH_FLEX_MIN, "the least leeway of a period", NONE,
        DOC(5 * MINUTE, FROM_AOSP_JOB_INFO), ANDROID, NONE),
    ROW(FETCH_GUARANTEED, "whether a fetch is sure to run",
        DOC(0, FROM_QUINN_LIMITS), DOC(0, FROM_ANDROID_POWER), IOS, NONE),
    ROW(PENDING_FETCH_MAX,
        "how many requests for a fetch may wait; Android counts all jobs",
        DOC(1, FROM_APPLE_SUBMIT), DOC(150, FROM_AOSP_JOBS_MAIN), IOS, NONE),
    ROW(PENDING_PROCESSING_MAX,
        "how many requests for long work may wait; Android counts all jobs",
        DOC(10, FROM_APPLE_SUBMIT), DOC(150, FROM_AOSP_JOBS_MAIN), IOS, NONE),
    // Apple says "minutes".
    ROW(PROCESSING_BUDGET, "how long long work may run",
        OUR(5 * MINUTE, FROM_APPLE_PROCESSING),
        DOC(10 * MINUTE, FROM_AOSP_JOBS), IOS, NONE),
    ROW(PROCESSING_NEEDS_IDLE,
        "whether long work runs only while nobody uses the device; on Android "
        "the app may choose so",
        DOC(1, FROM_APPLE_PROCESSING), DOC(0, FROM_AOSP_JOB_INFO), IOS, NONE),
    ROW(EXPEDITED_BUDGET, "how long an expedited job may run", NONE,
        DOC(3 * MINUTE, FROM_AOSP_JOBS), ABSENT, NONE),
    ROW(USER_TASK_PROGRESS_STALL,
        "how long work that the user asked for may go without progress",
        OUR(30 * SECOND, FROM_FORUM_805554), NONE, IOS, NONE),
    ROW(PUSH_WAKE_BUDGET, "how long an app that a push has woken may run",
        DOC(30 * SECOND, FROM_APPLE_PUSH),
        NOT("by the rules of jobs and of FCM"), IOS, NONE),
    ROW(PUSH_PER_HOUR_MAX, "how many silent pushes are delivered",
        DOC(3, FROM_APPLE_PUSH), NOT("no fixed cap"), IOS, NONE),
    ROW(BLE_WAKE_BUDGET, "how long an app that Bluetooth has woken may run",
        SEC(10 * SECOND, FROM_APPLE_BLUETOOTH), NONE, IOS, NONE),
    ROW(TRANSFER_RESUME_DELAY,
        "how long a transfer waits that was begun by an app which the last one "
        "has woken, at first",
        SEC(60 * SECOND, FROM_FORUM_128813), NONE, IOS, NONE),
    ROW(TRANSFER_RESUME_FACTOR, "by what transfer_resume_delay grows each time",
        DOC(2, FROM_QUINN_TRANSFERS), NONE, IOS, NONE),

    // -- What an app in the background may use

    ROW(CPU_LIMIT_FAST, "how much of a processor a burst may take",
        SEC(80, FROM_FORUM_675166), DOC(25, FROM_AOSP_ACTIVITIES), BOTH, NONE),
    ROW(CPU_LIMIT_FAST_WINDOW, "over how long a burst is measured",
        SEC(60 * SECOND, FROM_FORUM_675166),
        DOC(5 * MINUTE, FROM_AOSP_ACTIVITIES), BOTH, NONE),
    ROW(CPU_LIMIT_LONG, "how much of a processor lasting work may take",
        DOC(50, FROM_XNU_POLICY), DOC(2, FROM_AOSP_ACTIVITIES), BOTH, NONE),
    ROW(CPU_LIMIT_LONG_WINDOW, "over how long lasting work is measured",
        DOC(3 * MINUTE, FROM_XNU_POLICY), DOC(5 * MINUTE, FROM_AOSP_ACTIVITIES),
        BOTH, NONE),
    // Which of four caps holds when is not written down.
    ROW(CPU_LIMIT_LONG_AFTER,
        "how long after leaving the foreground lasting work is measured first",
        NOT("at once"), OUR(15 * MINUTE, FROM_AOSP_ACTIVITIES), BOTH, NONE),
    ROW(THREAD_WAKEUPS, "how often a thread may wake, on average",
        DOC(150, FROM_XNU_TASK), NONE, IOS, NONE),
    ROW(THREAD_WAKEUPS_WINDOW, "over how long thread_wakeups is averaged",
        DOC(5 * MINUTE, FROM_XNU_TASK), NONE, IOS, NONE),
    ROW(ALARM_WAKEUPS_LINT, "how often an app should wake the device, at most",
        NONE, DOC(10, FROM_PLAY_WAKEUPS), ANDROID, NONE),
    ROW(WAKELOCK_DAILY_LINT,
        "how long an app should hold the device awake in 24 h, at most", NONE,
        SEC(2 * HOUR, FROM_ANDROID_WAKELOCK), ANDROID, NONE),
    ROW(DISK_WRITE_DAILY_LINT,
        "how much an app should write to disk in 24 h, at most",
        SEC(1074, FROM_APPLE_RESOURCE), NONE, IOS, NONE),
    ROW(MEMORY_LIMIT, "how much memory an app may have",
        OUR(50, FROM_MEMORY_TABLE), OUR(50, "ours: as on ios"), IOS, NONE),
    ROW(MEMORY_WARN_LEVEL, "at how much of memory_limit an app is warned",
        DOC(80, FROM_XNU_TASK),
        NOT("onTrimMemory has the levels 20 and 40, which are no shares"), IOS,
        NONE),

    // -- Jobs, and when they wait

    ROW(BACKOFF_INITIAL, "how long a job that failed waits, unless it says",
        NONE, DOC(30 * SECOND, FROM_AOSP_JOB_INFO), ANDROID, NONE),
    ROW(BACKOFF_MIN, "how long a job that failed waits, at least", NONE,
        DOC(10 * SECOND, FROM_AOSP_JOB_INFO), ANDROID, NONE),
    ROW(BACKOFF_MAX, "how long a job that failed waits, at most", NONE,
        DOC(5 * HOUR, FROM_AOSP_JOB_INFO), ANDROID, NONE),
    ROW(JOB_QUOTA_ACTIVE, "how long the jobs of an app in use may run", NONE,
        DOC(20 * MINUTE, FROM_ANDROID_POWER), ANDROID, NONE),
    ROW(JOB_QUOTA_ACTIVE_WINDOW, "the window of job_quota_active", NONE,
        DOC(1 * HOUR, FROM_ANDROID_POWER), ANDROID, NONE),
    ROW(JOB_QUOTA_WORKING,
        "how long the jobs of an app of the working set may run", NONE,
        DOC(10 * MINUTE, FROM_ANDROID_POWER), ANDROID, NONE),
    ROW(JOB_QUOTA_WORKING_WINDOW, "the window of job_quota_working", NONE,
        DOC(4 * HOUR, FROM_ANDROID_POWER), ANDROID, NONE),
    ROW(JOB_QUOTA_FREQUENT,
        "how long the jobs of an app that is used frequently may run", NONE,
        DOC(10 * MINUTE, FROM_ANDROID_POWER), ANDROID, NONE),
    ROW(JOB_QUOTA_FREQUENT_WINDOW, "the window of job_quota_frequent", NONE,
        DOC(12 * HOUR, FROM_ANDROID_POWER), ANDROID, NONE),
    ROW(JOB_QUOTA_RARE,
        "how long the jobs of an app that is used rarely may run", NONE,
        DOC(10 * MINUTE, FROM_ANDROID_POWER), ANDROID, NONE),
    ROW(JOB_QUOTA_RARE_WINDOW, "the window of job_quota_rare", NONE,
        DOC(1 * DAY, FROM_ANDROID_POWER), ANDROID, NONE),
    ROW(JOB_QUOTA_RESTRICTED,
        "how long the jobs of an app that is restricted may run", NONE,
        DOC(10 * MINUTE, FROM_ANDROID_POWER), ANDROID, NONE),
    ROW(JOB_QUOTA_RESTRICTED_WINDOW, "the window of job_quota_restricted", NONE,
        DOC(1 * DAY, FROM_ANDROID_POWER), ANDROID, NONE),
    ROW(JOB_QUOTA_RESTRICTED_RUNS, "in how many runs within that window", NONE,
        DOC(1, FROM_ANDROID_POWER), ANDROID, NONE),
    ROW(JOB_RATE, "how many jobs of an app may begin", NONE,
        DOC(20, FROM_AOSP_QUOTA), ANDROID, NONE),
    ROW(JOB_DAILY_CAP, "how long all jobs of an app may run in 24 h", NONE,
        DOC(4 * HOUR, FROM_AOSP_QUOTA), ANDROID, NONE),
    ROW(TIMEOUTS_BEFORE_PENALTY,
        "how many jobs may be stopped for their time before the app is held "
        "back",
        NONE, DOC(3, FROM_AOSP_JOBS), ANDROID, NONE),
    ROW(TIMEOUTS_BEFORE_PENALTY_WINDOW, "within how long these are counted",
        NONE, DOC(1 * DAY, FROM_AOSP_JOBS), ANDROID, NONE),
    ROW(FREEZE_AFTER_CACHED,
        "how long an app in the background with no open task goes on to run",
        DOC(0, FROM_APPLE_EXTEND), DOC(10 * SECOND, FROM_AOSP_FREEZER), IOS,
        OUR(0, DESKTOP)),
    // 30 min, 30 min more, up to 4 min for sensing, and 30 s for locating.
    ROW(DOZE_DEEP_AFTER,
        "how long a phone lies unused before it dozes deeply, about", NONE,
        DOC(64 * MINUTE + 30 * SECOND, FROM_AOSP_DOZE), ANDROID, NONE),
    ROW(DOZE_IDLE, "how long jobs wait in Doze, at first", NONE,
        DOC(1 * HOUR, FROM_AOSP_DOZE), ANDROID, NONE),
    ROW(DOZE_IDLE_MAX, "how long jobs wait in Doze, at most", NONE,
        DOC(6 * HOUR, FROM_AOSP_DOZE), ANDROID, NONE),
    ROW(DOZE_WINDOW, "how long jobs may run between two such waits, at first",
        NONE, DOC(5 * MINUTE, FROM_AOSP_DOZE), ANDROID, NONE),
    ROW(DOZE_WINDOW_MAX,
        "how long jobs may run between two such waits, at most", NONE,
        DOC(10 * MINUTE, FROM_AOSP_DOZE), ANDROID, NONE),
    ROW(DOZE_FACTOR, "by what doze_idle and doze_window grow each time", NONE,
        DOC(2, FROM_AOSP_DOZE), ANDROID, NONE),
    ROW(FGS_DATASYNC_DAILY,
        "how long a foreground service may transfer data in 24 h", NONE,
        DOC(6 * HOUR, FROM_ANDROID_SERVICES), ABSENT, NONE),
    ROW(BUCKET_AFTER_WORKING,
        "how long an app is not used before it is one of the working set",
        NOT("by how the app is used: no number is published"),
        DOC(12 * HOUR, FROM_AOSP_STANDBY), ANDROID, NONE),
    ROW(BUCKET_AFTER_FREQUENT,
        "how long an app is not used before it counts as used frequently",
        NOT("by how the app is used: no number is published"),
        DOC(1 * DAY, FROM_AOSP_STANDBY), ANDROID, NONE),
    ROW(BUCKET_AFTER_RARE,
        "how long an app is not used before it counts as used rarely",
        NOT("by how the app is used: no number is published"),
        DOC(2 * DAY, FROM_AOSP_STANDBY), ANDROID, NONE),
    ROW(BUCKET_AFTER_RESTRICTED,
        "how long an app is not used before it is restricted",
        NOT("by how the app is used: no number is published"),
        DOC(8 * DAY, FROM_AOSP_STANDBY), ANDROID, NONE),

    // -- What the user does

    ROW(LOW_POWER_BLOCKS_FETCH, "whether no fetch runs in low power mode",
        SEC(1, FROM_APPLE_REFRESH), OUR(1, "ours: jobs are restricted"), IOS,
        NONE),
    ROW(FORCE_QUIT_BLOCKS_BACKGROUND,
        "whether an app that the user has ended by force is woken no more",
        DOC(1, FROM_QUINN_LIMITS), DOC(1, FROM_ANDROID_15), IOS, NONE),
    ROW(FORCE_QUIT_BLOCKS_PROCESSING,
        "whether a force quit stops long work too", DOC(0, FROM_FORUM_793189),
        DOC(1, FROM_ANDROID_15), ANDROID, NONE),
    ROW(SWIPE_BLOCKS_BACKGROUND,
        "whether an app that was swiped away is woken no more",
        DOC(1, FROM_QUINN_LIMITS), OUR(0, "ours: vendors differ"), IOS, NONE),
    ROW(TERMINATE_GRACE, "how long an app has after it was told that it ends",
        SEC(5 * SECOND, FROM_APPLE_TERMINATE),
        OUR(5 * SECOND, "ours: no promise is made, as on ios"), ANDROID,
        OUR(30 * SECOND, DESKTOP)),
    ROW(MINIMIZE_ALLOWED, "whether an app may send itself to the background",
        DOC(0, FROM_CAPACITOR_APP), DOC(1, FROM_CAPACITOR_APP), IOS,
        OUR(1, DESKTOP)),
};
