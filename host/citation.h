// Citations: where the facts of an OS were read, one name for each address.
#ifndef FAR_CITATION_H
#define FAR_CITATION_H

// Apple: documents, engineers in the forums, what others measured, the kernel.
#define FROM_APPLE_EXTEND                                                      \
  "https://developer.apple.com/documentation/uikit/"                           \
  "extending-your-app-s-background-execution-time"
#define FROM_APPLE_BEGIN                                                       \
  "https://developer.apple.com/documentation/uikit/uiapplication/"             \
  "beginbackgroundtask(expirationhandler:)"
#define FROM_APPLE_TERMINATE                                                   \
  "https://developer.apple.com/documentation/uikit/"                           \
  "uiapplicationdelegate/applicationwillterminate(_:)"
#define FROM_QUINN_BACKGROUND "https://developer.apple.com/forums/thread/85066"
#define FROM_QUINN_LIMITS     "https://developer.apple.com/forums/thread/685525"
#define FROM_QUINN_TRANSFERS  "https://developer.apple.com/forums/thread/14854"
#define FROM_FORUM_128813                                                      \
  "https://forums.developer.apple.com/forums/thread/128813"
#define FROM_APPLE_SUBMIT                                                      \
  "https://developer.apple.com/documentation/backgroundtasks/"                 \
  "bgtaskscheduler/submit(_:)"
#define FROM_APPLE_CODES                                                       \
  "https://learn.microsoft.com/en-us/dotnet/api/"                              \
  "backgroundtasks.bgtaskschedulererrorcode?view=net-ios-26.1-10."             \
  "0"
#define FROM_APPLE_STRATEGIES                                                  \
  "https://developer.apple.com/documentation/backgroundtasks/"                 \
  "choosing-background-strategies-for-your-app"
#define FROM_APPLE_PROCESSING                                                  \
  "https://developer.apple.com/documentation/backgroundtasks/"                 \
  "bgprocessingtask"
#define FROM_FORUM_675166                                                      \
  "https://forums.developer.apple.com/forums/thread/675166"
#define FROM_APPLE_EXPIRATION                                                  \
  "https://developer.apple.com/documentation/backgroundtasks/"                 \
  "bgtask/expirationhandler"
#define FROM_APPLE_COMPLETED                                                   \
  "https://developer.apple.com/documentation/backgroundtasks/"                 \
  "bgtask/settaskcompleted(success:)"
#define FROM_APPLE_REGISTER                                                    \
  "https://developer.apple.com/documentation/backgroundtasks/"                 \
  "bgtaskscheduler/"                                                           \
  "register(fortaskwithidentifier:using:launchhandler:)"
#define FROM_APPLE_CONTINUED                                                   \
  "https://developer.apple.com/documentation/backgroundtasks/"                 \
  "bgcontinuedprocessingtaskrequest"
#define FROM_WWDC20                                                            \
  "https://blog.derrickshowers.com/learning/wwdc-2020-background-execution"
#define FROM_FORUM_805554 "https://developer.apple.com/forums/thread/805554"
#define FROM_APPLE_PUSH                                                        \
  "https://developer.apple.com/documentation/usernotifications/"               \
  "pushing-background-updates-to-your-app"
#define FROM_APPLE_BLUETOOTH                                                   \
  "https://developer.apple.com/library/archive/documentation/"                 \
  "NetworkingInternetWeb/Conceptual/CoreBluetooth_concepts/"                   \
  "CoreBluetoothBackgroundProcessingForIOSApps/"                               \
  "PerformingTasksWhileYourAppIsInTheBackground.html"
#define FROM_APPLE_REVIEW                                                      \
  "https://developer.apple.com/app-store/review/guidelines/"
#define FROM_APPLE_REFRESH                                                     \
  "https://developer.apple.com/documentation/uikit/uiapplication/"             \
  "backgroundrefreshstatus"
#define FROM_FORUM_793189 "https://developer.apple.com/forums/thread/793189"
#define FROM_MEMORY_TABLE "https://stackoverflow.com/questions/5887248"
#define FROM_APPLE_RESOURCE                                                    \
  "https://developer.apple.com/documentation/xcode/exc_resource"
#define FROM_APPLE_WATCHDOG                                                    \
  "https://developer.apple.com/documentation/xcode/"                           \
  "addressing-watchdog-terminations"
#define FROM_SCENE_UPDATE "https://pastebin.com/dCFXi3vv"
#define FROM_APPLE_SIGKILL                                                     \
  "https://developer.apple.com/documentation/xcode/sigkill"
#define FROM_APPLE_SIMULATE                                                    \
  "https://developer.apple.com/documentation/backgroundtasks/"                 \
  "starting-and-terminating-tasks-during-development"
#define FROM_XNU_POLICY                                                        \
  "https://github.com/apple-oss-distributions/xnu/blob/main/"                  \
  "osfmk/kern/task_policy.c"
#define FROM_XNU_TASK                                                          \
  "https://github.com/apple-oss-distributions/xnu/blob/main/"                  \
  "osfmk/kern/task.c"
#define FROM_FETCH_PLUGIN                                                      \
  "https://github.com/transistorsoft/"                                         \
  "react-native-background-fetch/blob/master/README.md"

// Android: documents, and the source.
#define FROM_ANDROID_POWER                                                     \
  "https://developer.android.com/topic/performance/power/"                     \
  "power-details"
#define FROM_ANDROID_15                                                        \
  "https://developer.android.com/about/versions/15/"                           \
  "behavior-changes-all#enhanced-stop-states"
#define FROM_ANDROID_OREO                                                      \
  "https://developer.android.com/about/versions/oreo/background"
#define FROM_ANDROID_ANR                                                       \
  "https://developer.android.com/topic/performance/vitals/anr"
#define FROM_ANDROID_SERVICES                                                  \
  "https://developer.android.com/develop/background-work/"                     \
  "services/fgs/timeout"
#define FROM_ANDROID_FREEZER                                                   \
  "https://source.android.com/docs/core/perf/cached-apps-freezer"
#define FROM_PLAY_WAKEUPS                                                      \
  "https://developers.google.com/play/developer/reporting/"                    \
  "reference/rest/v1beta1/vitals.excessivewakeuprate/query"
#define FROM_ANDROID_WAKELOCK                                                  \
  "https://developer.android.com/topic/performance/vitals/"                    \
  "excessive-wakelock"
#define FROM_ANDROID_TRIM                                                      \
  "https://developer.android.com/reference/android/content/"                   \
  "ComponentCallbacks2"
#define FROM_ANDROID_EXIT                                                      \
  "https://developer.android.com/reference/android/app/"                       \
  "ApplicationExitInfo"
#define FROM_ANDROID_JOBS                                                      \
  "https://developer.android.com/reference/android/app/job/"                   \
  "JobParameters"
#define FROM_AOSP_JOB_INFO                                                     \
  "https://android.googlesource.com/platform/frameworks/base/+/"               \
  "refs/heads/main/apex/jobscheduler/framework/java/android/app/"              \
  "job/JobInfo.java"
#define FROM_AOSP_QUOTA                                                        \
  "https://github.com/msft-mirror-aosp/platform.frameworks.base/"              \
  "blob/02249cfa4070ead47862a962bcc92f1e5a2f1c2a/apex/"                        \
  "jobscheduler/service/java/com/android/server/job/controllers/"              \
  "QuotaController.java"
#define FROM_AOSP_JOBS                                                         \
  "https://github.com/bluestacks/frameworks-base-a16/blob/"                    \
  "05c15133fb90631235595265d1cd9d215438809e/apex/jobscheduler/"                \
  "service/java/com/android/server/job/JobSchedulerService.java"
#define FROM_AOSP_JOBS_MAIN                                                    \
  "https://android.googlesource.com/platform/frameworks/base/+/"               \
  "refs/heads/main/apex/jobscheduler/service/java/com/android/"                \
  "server/job/JobSchedulerService.java"
#define FROM_AOSP_JOB_CONTEXT                                                  \
  "https://github.com/bluestacks/frameworks-base-a16/blob/"                    \
  "43a1753933fbe924700cc1ccead33497711a7c09/apex/jobscheduler/"                \
  "service/java/com/android/server/job/JobServiceContext.java"
#define FROM_AOSP_DOZE                                                         \
  "https://github.com/bluestacks/frameworks-base-a16/blob/"                    \
  "eaabbfd1a5cdced5a05948cdecfb7a582053d936/apex/jobscheduler/"                \
  "service/java/com/android/server/DeviceIdleController.java"
#define FROM_AOSP_ACTIVITIES                                                   \
  "https://github.com/bluestacks/frameworks-base-a16/blob/"                    \
  "6eeda468c57ede6e1f5f5b220f01aa8de3ecabe0/services/core/java/"               \
  "com/android/server/am/ActivityManagerConstants.java"
#define FROM_AOSP_ACTIVITIES_MAIN                                              \
  "https://android.googlesource.com/platform/frameworks/base/+/"               \
  "refs/heads/main/services/core/java/com/android/server/am/"                  \
  "ActivityManagerConstants.java"
#define FROM_AOSP_FREEZER                                                      \
  "https://android.googlesource.com/platform/frameworks/base/+/"               \
  "refs/heads/main/services/core/java/com/android/server/am/"                  \
  "CachedAppOptimizer.java"
#define FROM_AOSP_ALARMS                                                       \
  "https://android.googlesource.com/platform/frameworks/base/+/"               \
  "refs/heads/main/apex/jobscheduler/service/java/com/android/"                \
  "server/alarm/AlarmManagerService.java"
#define FROM_AOSP_STANDBY                                                      \
  "https://android.googlesource.com/platform/frameworks/base/+/"               \
  "refs/heads/main/apex/jobscheduler/service/java/com/android/"                \
  "server/usage/AppStandbyController.java"

// Capacitor, whose API ours is.
#define FROM_CAPACITOR_APP                                                     \
  "https://capacitorjs.com/docs/apis/app (minimizeApp: Android only)"

#endif
