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
