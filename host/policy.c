#include "policy.h"

#include <string.h>

// Where the numbers were read.
#define QUINN "https://developer.apple.com/forums/thread/85066"
#define APPLE_EXTEND                                                           \
  "https://developer.apple.com/documentation/uikit/"                           \
  "extending-your-app-s-background-execution-time"
#define APPLE_BEGIN                                                            \
  "https://developer.apple.com/documentation/uikit/uiapplication/"             \
  "beginbackgroundtask(expirationhandler:)"
#define APPLE_TERMINATE                                                        \
  "https://developer.apple.com/documentation/uikit/uiapplicationdelegate/"     \
  "applicationwillterminate(_:)"
#define CAPACITOR_APP                                                          \
  "https://capacitorjs.com/docs/apis/app (minimizeApp: Android only)"
#define AOSP "https://android.googlesource.com/platform/frameworks/base/+/"
#define AOSP_AM                                                                \
  AOSP "refs/heads/main/services/core/java/com/android/server/am/"             \
       "ActivityManagerConstants.java"
#define AOSP_FREEZER                                                           \
  AOSP "refs/heads/main/services/core/java/com/android/server/am/"             \
       "CachedAppOptimizer.java"
#define FROM_QUINN_LIMITS "https://developer.apple.com/forums/thread/685525"
#define FROM_FORUM_793189 "https://developer.apple.com/forums/thread/793189"
#define FROM_APPLE_SUBMIT                                                      \
  "https://developer.apple.com/documentation/backgroundtasks/"                 \
  "bgtaskscheduler/submit(_:)"
#define FROM_APPLE_PROCESSING                                                  \
  "https://developer.apple.com/documentation/backgroundtasks/bgprocessingtask"
#define FROM_APPLE_PUSH                                                        \
  "https://developer.apple.com/documentation/usernotifications/"               \
  "pushing-background-updates-to-your-app"
#define FROM_APPLE_REFRESH                                                     \
  "https://developer.apple.com/documentation/uikit/uiapplication/"             \
  "backgroundrefreshstatus"
#define FROM_BACKGROUND_FETCH                                                  \
  "https://github.com/transistorsoft/react-native-background-fetch/blob/"      \
  "master/README.md"
#define FROM_WWDC20                                                            \
  "https://blog.derrickshowers.com/learning/wwdc-2020-background-execution"
#define FROM_ANDROID_15                                                        \
  "https://developer.android.com/about/versions/15/behavior-changes-all"       \
  "#enhanced-stop-states"
#define FROM_ANDROID_POWER                                                     \
  "https://developer.android.com/topic/performance/power/power-details"
#define FROM_AOSP_DOZE                                                         \
  AOSP "refs/heads/main/apex/jobscheduler/service/java/com/android/server/"    \
       "DeviceIdleController.java"
#define FROM_AOSP_JOB                                                          \
  AOSP "refs/heads/main/apex/jobscheduler/framework/java/android/app/job/"     \
       "JobInfo.java"
#define FROM_AOSP_JOBS                                                         \
  AOSP "refs/heads/main/apex/jobscheduler/service/java/com/android/server/"    \
       "job/JobSchedulerService.java"
#define FROM_AOSP_QUOTA                                                        \
  AOSP "refs/heads/main/apex/jobscheduler/service/java/com/android/server/"    \
       "job/controllers/QuotaController.java"
#define FROM_AOSP_STANDBY                                                      \
  AOSP "refs/heads/main/apex/jobscheduler/service/java/com/android/server/"    \
       "usage/AppStandbyController.java"
#define DESKTOP "ours: POSIX has no such rule"
#define TIGHTER "the tighter of ios and android"

#define DOC(value, source)                                                     \
  { value, FAR_DOCUMENTED, source }
#define SEC(value, source)                                                     \
  { value, FAR_SECONDARY, source }
#define OUR(value, source)                                                     \
  { value, FAR_ASSUMED, source }
#define NONE                                                                   \
  { 0, FAR_ABSENT, "" }

// Rows in the order of FAR_CONSTANT_MAP; columns ios, android, strict, desktop.
static const far_value values[FAR_CONSTANTS][FAR_PROFILES] = {
    // How long an app that holds an assertion, or a short service, may run
    // after it has left the foreground.
    [FAR_EXEC_BUDGET] = {DOC(30000, QUINN), DOC(180000, AOSP_AM),
                         DOC(30000, TIGHTER), OUR(30000, DESKTOP)},

    // Whether that budget is one for the app: on iOS two tasks in a row do not
    // give twice the time, on Android each short service has its own.
    [FAR_EXEC_BUDGET_SCOPE] = {DOC(1, QUINN), DOC(0, AOSP_AM), DOC(1, TIGHTER),
                               OUR(1, DESKTOP)},

    // How long before its limit the OS calls the expiration handlers. Apple
    // says "shortly before"; Android calls onTimeout at the limit.
    [FAR_EXPIRY_LEAD] = {OUR(5000, APPLE_BEGIN), DOC(0, AOSP_AM),
                         OUR(5000, TIGHTER), OUR(5000, DESKTOP)},

    // How long after that call a task that has not ended costs the app its
    // life. Apple says "a few seconds"; Android declares an ANR.
    [FAR_EXPIRY_HANDLER_KILL] = {OUR(5000, QUINN), DOC(10000, AOSP_AM),
                                 OUR(5000, TIGHTER), OUR(5000, DESKTOP)},

    // How many tasks may be open at once; iOS kills an app with more.
    [FAR_EXEC_MAX_LIVE] = {DOC(1000, QUINN), NONE, DOC(1000, TIGHTER), NONE},

    // How long an app in the background with no task open goes on to run.
    [FAR_FREEZE_AFTER_CACHED] = {DOC(0, APPLE_EXTEND), DOC(10000, AOSP_FREEZER),
                                 DOC(0, TIGHTER), OUR(0, DESKTOP)},

    // How long an app has after it was told that it ends.
    [FAR_TERMINATE_GRACE] = {SEC(5000, APPLE_TERMINATE),
                             OUR(5000, "no promise is made: as on ios"),
                             OUR(5000, TIGHTER), OUR(30000, DESKTOP)},

    // Whether an app may send itself to the background.
    [FAR_MINIMIZE_ALLOWED] = {DOC(0, CAPACITOR_APP), DOC(1, CAPACITOR_APP),
                              DOC(0, TIGHTER), OUR(1, DESKTOP)},

    // How long a fetch waits after the one before.
    [FAR_FETCH_MIN_INTERVAL] = {OUR(900000, FROM_BACKGROUND_FETCH),
                                DOC(900000, FROM_AOSP_JOB),
                                DOC(900000, TIGHTER), NONE},

    // How much later than asked for an OS that has no reason to wait may still
    // grant a wake-up.
    [FAR_FETCH_DELAY_MAX] = {OUR(14400000, "ours: no number is published"),
                             DOC(1860000, FROM_AOSP_JOBS),
                             OUR(14400000, TIGHTER), NONE},

    // How many requests of long work may wait at once.
    [FAR_PENDING_PROCESSING_MAX] = {DOC(10, FROM_APPLE_SUBMIT),
                                    DOC(150, FROM_AOSP_JOBS), DOC(10, TIGHTER),
                                    NONE},

    // Whether long work waits until nobody uses the phone.
    [FAR_PROCESSING_NEEDS_IDLE] = {DOC(1, FROM_APPLE_PROCESSING),
                                   DOC(0, FROM_AOSP_JOB), DOC(1, TIGHTER),
                                   NONE},

    // How many background pushes wake an app.
    [FAR_PUSH_PER_HOUR_MAX] = {DOC(3, FROM_APPLE_PUSH), NONE, DOC(3, TIGHTER),
                               NONE},

    // How long after the screen went off light Doze begins.
    [FAR_DOZE_LIGHT_AFTER] = {NONE, DOC(240000, FROM_AOSP_DOZE),
                              DOC(240000, TIGHTER), NONE},

    // How long it first keeps everything waiting.
    [FAR_DOZE_LIGHT_IDLE] = {NONE, DOC(300000, FROM_AOSP_DOZE),
                             DOC(300000, TIGHTER), NONE},

    // The longest that it does.
    [FAR_DOZE_LIGHT_IDLE_MAX] = {NONE, DOC(900000, FROM_AOSP_DOZE),
                                 DOC(900000, TIGHTER), NONE},

    // How long a maintenance window of it is at the least.
    [FAR_DOZE_LIGHT_WINDOW] = {NONE, DOC(60000, FROM_AOSP_DOZE),
                               DOC(60000, TIGHTER), NONE},

    // How long a phone lies still before deep Doze: 30 + 4 + 0.5 + 30 minutes.
    [FAR_DOZE_DEEP_AFTER] = {NONE, DOC(3870000, FROM_AOSP_DOZE),
                             DOC(3870000, TIGHTER), NONE},

    // How long that first keeps everything waiting.
    [FAR_DOZE_IDLE] = {NONE, DOC(3600000, FROM_AOSP_DOZE),
                       DOC(3600000, TIGHTER), NONE},

    // The longest that it does.
    [FAR_DOZE_IDLE_MAX] = {NONE, DOC(21600000, FROM_AOSP_DOZE),
                           DOC(21600000, TIGHTER), NONE},

    // How long its first maintenance window is.
    [FAR_DOZE_WINDOW] = {NONE, DOC(300000, FROM_AOSP_DOZE),
                         DOC(300000, TIGHTER), NONE},

    // And the longest.
    [FAR_DOZE_WINDOW_MAX] = {NONE, DOC(600000, FROM_AOSP_DOZE),
                             DOC(600000, TIGHTER), NONE},

    // By what all of them grow each time.
    [FAR_DOZE_FACTOR] = {NONE, DOC(2, FROM_AOSP_DOZE), DOC(2, TIGHTER), NONE},

    // How long an app is not used before it is of the working set.
    [FAR_BUCKET_AFTER_WORKING] = {NONE, DOC(43200000, FROM_AOSP_STANDBY),
                                  DOC(43200000, TIGHTER), NONE},

    // Before it is merely frequent.
    [FAR_BUCKET_AFTER_FREQUENT] = {NONE, DOC(86400000, FROM_AOSP_STANDBY),
                                   DOC(86400000, TIGHTER), NONE},

    // Before it is rare.
    [FAR_BUCKET_AFTER_RARE] = {NONE, DOC(172800000, FROM_AOSP_STANDBY),
                               DOC(172800000, TIGHTER), NONE},

    // Before it is restricted.
    [FAR_BUCKET_AFTER_RESTRICTED] = {NONE, DOC(691200000, FROM_AOSP_STANDBY),
                                     DOC(691200000, TIGHTER), NONE},

    // How long the jobs of an app in that bucket may run.
    [FAR_JOB_QUOTA_ACTIVE] = {NONE, DOC(1200000, FROM_ANDROID_POWER),
                              DOC(1200000, TIGHTER), NONE},

    // In how long a time.
    [FAR_JOB_QUOTA_ACTIVE_WINDOW] = {NONE, DOC(3600000, FROM_ANDROID_POWER),
                                     DOC(3600000, TIGHTER), NONE},

    // How long the jobs of an app in that bucket may run.
    [FAR_JOB_QUOTA_WORKING] = {NONE, DOC(600000, FROM_ANDROID_POWER),
                               DOC(600000, TIGHTER), NONE},

    // In how long a time.
    [FAR_JOB_QUOTA_WORKING_WINDOW] = {NONE, DOC(14400000, FROM_ANDROID_POWER),
                                      DOC(14400000, TIGHTER), NONE},

    // How long the jobs of an app in that bucket may run.
    [FAR_JOB_QUOTA_FREQUENT] = {NONE, DOC(600000, FROM_ANDROID_POWER),
                                DOC(600000, TIGHTER), NONE},

    // In how long a time.
    [FAR_JOB_QUOTA_FREQUENT_WINDOW] = {NONE, DOC(43200000, FROM_ANDROID_POWER),
                                       DOC(43200000, TIGHTER), NONE},

    // How long the jobs of an app in that bucket may run.
    [FAR_JOB_QUOTA_RARE] = {NONE, DOC(600000, FROM_ANDROID_POWER),
                            DOC(600000, TIGHTER), NONE},

    // In how long a time.
    [FAR_JOB_QUOTA_RARE_WINDOW] = {NONE, DOC(86400000, FROM_ANDROID_POWER),
                                   DOC(86400000, TIGHTER), NONE},

    // How long the jobs of an app in that bucket may run.
    [FAR_JOB_QUOTA_RESTRICTED] = {NONE, DOC(600000, FROM_ANDROID_POWER),
                                  DOC(600000, TIGHTER), NONE},

    // In how long a time.
    [FAR_JOB_QUOTA_RESTRICTED_WINDOW] = {NONE,
                                         DOC(86400000, FROM_ANDROID_POWER),
                                         DOC(86400000, TIGHTER), NONE},

    // In how many runs.
    [FAR_JOB_QUOTA_RESTRICTED_RUNS] = {NONE, DOC(1, FROM_ANDROID_POWER),
                                       DOC(1, TIGHTER), NONE},

    // How much of its quota an app has to have before a job begins.
    [FAR_JOB_QUOTA_NEEDED] = {NONE, DOC(30000, FROM_AOSP_QUOTA),
                              DOC(30000, TIGHTER), NONE},

    // Whether no fetch runs in low power mode.
    [FAR_LOW_POWER_BLOCKS_FETCH] = {SEC(1, FROM_APPLE_REFRESH),
                                    OUR(1, "ours: jobs are restricted"),
                                    SEC(1, TIGHTER), NONE},

    // Whether an app that the user has ended by force is woken no more.
    [FAR_FORCE_QUIT_BLOCKS_BACKGROUND] = {DOC(1, FROM_QUINN_LIMITS),
                                          DOC(1, FROM_ANDROID_15),
                                          DOC(1, TIGHTER), NONE},

    // Whether that holds for long work too.
    [FAR_FORCE_QUIT_BLOCKS_PROCESSING] = {DOC(0, FROM_FORUM_793189),
                                          DOC(1, FROM_ANDROID_15),
                                          DOC(1, TIGHTER), NONE},

    // Whether to swipe an app away is to end it by force.
    [FAR_SWIPE_BLOCKS_BACKGROUND] = {DOC(1, FROM_QUINN_LIMITS),
                                     OUR(0, "ours: vendors differ"),
                                     DOC(1, TIGHTER), NONE},

    // From which charge down a battery is low.
    [FAR_BATTERY_LOW] = {SEC(20, FROM_WWDC20), OUR(15, "ours: as most phones"),
                         SEC(20, TIGHTER), OUR(15, DESKTOP)},

    // How often an OS that may refuse does so, where the seed decides.
    [FAR_NEVER_CHANCE] = {OUR(10, "ours: no number is published"),
                          OUR(10, "ours: no number is published"),
                          OUR(10, TIGHTER), NONE},
};

static const char *const profile_names[FAR_PROFILES] = {"ios", "android",
                                                        "strict", "desktop"};

bool far_profile_find(const char *name, far_profile *profile) {
  for (size_t i = 0; i < FAR_PROFILES; i++)
    if (strcmp(name, profile_names[i]) == 0) {
      *profile = (far_profile)i;
      return true;
    }
  return false;
}

const char *far_profile_name(far_profile profile) {
  return profile_names[profile];
}

const char *far_constant_name(far_constant constant) {
  static const char *const names[] = {
#define FAR_CONSTANT(id, name, unit) #name,
      FAR_CONSTANT_MAP(FAR_CONSTANT)
#undef FAR_CONSTANT
  };
  return names[constant];
}

const char *far_constant_unit(far_constant constant) {
  static const char *const units[] = {
#define FAR_CONSTANT(id, name, unit) unit,
      FAR_CONSTANT_MAP(FAR_CONSTANT)
#undef FAR_CONSTANT
  };
  return units[constant];
}

const char *far_mark_name(far_mark mark) {
  static const char *const names[] = {"absent", "documented", "secondary",
                                      "assumed"};
  return names[mark];
}

const far_value *far_policy_value(far_profile profile, far_constant constant) {
  return &values[constant][profile];
}

int64_t far_policy_get(far_profile profile, far_constant constant) {
  return values[constant][profile].value;
}

int64_t far_policy_exec_end_ms(far_profile profile) {
  return far_policy_get(profile, FAR_EXEC_BUDGET) -
         far_policy_get(profile, FAR_EXPIRY_LEAD) +
         far_policy_get(profile, FAR_EXPIRY_HANDLER_KILL);
}

int64_t far_policy_warning_ms(far_profile profile, int64_t budget_ms) {
  int64_t warning_ms = far_policy_get(profile, FAR_EXPIRY_HANDLER_KILL);
  return warning_ms < budget_ms / 5 ? warning_ms : budget_ms / 5;
}
