#include "rule.h"

#include "citation.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define OURS "ours: no OS says so"

// Why a rule is not detected: what it needs is not there.
#define NO_PLUGINS "there are no plugins that do such a thing"

#define KILL(code, what)                                                       \
  { FAR_OUTCOME_KILL, code, what }
#define REJECTION(code, what)                                                  \
  { FAR_OUTCOME_REJECTION, code, what }
#define REFUSAL(code, what)                                                    \
  { FAR_OUTCOME_REFUSAL, code, what }
#define THROTTLE(code, what)                                                   \
  { FAR_OUTCOME_THROTTLE, code, what }
#define WARNING(what)                                                          \
  { FAR_OUTCOME_WARNING, "", what }
#define NOTHING                                                                \
  { FAR_OUTCOME_NONE, "", "" }

// A rule of which only a part is detected counts as not detected.
static const far_rule rules[FAR_RULES] = {
    [FAR_RULE_BG01] =
        {.wrong = "A task is still open when its budget is spent, and the time "
                  "of its handler with it; or nobody is left who could finish "
                  "it.",
         .ios = KILL("0x2182bad2 or 0x8badf00d", "the app is killed"),
         .android = THROTTLE("STOP_REASON_TIMEOUT (3)",
                             "the job is stopped, and counts as a timeout"),
         .advice = "Call finish on every path: task:finish() at the end of the "
                   "closure, and where it gives up. Save a checkpoint in "
                   "onExpire and go on at the next launch.",
         .sources = {FROM_APPLE_SIGKILL, FROM_QUINN_BACKGROUND,
                     FROM_AOSP_JOBS}},
    [FAR_RULE_BG02] =
        {.wrong = "finish is called for a task that has expired.",
         .ios = WARNING("it is ignored, if the app is still there"),
         .android = WARNING("it is ignored, if the app is still there"),
         .advice = "Call finish in onExpire, which is called before the end. "
                   "When finish fails with EXPIRED, the work has to be done "
                   "again.",
         .sources = {FROM_QUINN_BACKGROUND}},
    [FAR_RULE_BG03] =
        {.wrong = "finish is called twice, or with an id that was never given.",
         .ios = WARNING("it is ignored"),
         .android = WARNING("it is ignored"),
         .advice = "Let one place own the id, and forget it once finish was "
                   "called. task:finish() needs none.",
         .sources = {OURS}},
    [FAR_RULE_BG04] =
        {.wrong = "A task, a timer or a transfer begins when the expiry has "
                  "been announced.",
         .ios = KILL("", "the app is killed, or suspended before it runs"),
         .android = NOTHING,
         .advice = "In onExpire only save and finish. Begin what is left at "
                   "the next launch.",
         .sources = {FROM_QUINN_BACKGROUND}},
    [FAR_RULE_BG05] =
        {.wrong = "A task is begun by a handler that should end one.",
         .ios = KILL("0x2182bad2", "the app is killed"),
         .android = NOTHING,
         .advice = "A new task gives no new time. Save, finish, and go on at "
                   "the next launch.",
         .sources = {FROM_APPLE_SIGKILL}},
    [FAR_RULE_BG06] =
        {.wrong = "The expiry of a task is announced, and it has no handler "
                  "to hear of it.",
         .ios = KILL("", "the app is killed when the time is up; a task of "
                         "BGTaskScheduler fails without a warning"),
         .android = NOTHING,
         .advice = "Give each task an onExpire that saves what is done and "
                   "calls finish.",
         .sources = {FROM_QUINN_BACKGROUND, FROM_APPLE_EXPIRATION}},
    [FAR_RULE_BG07] =
        {.wrong = "A handler of the expiry runs for more than a second, or "
                  "until the app is killed.",
         .ios = KILL("0x8badf00d", "the app is killed after a few seconds"),
         .android = KILL("REASON_ANR (6)",
                         "the app is killed when it does not answer the stop "
                         "of a job within 8 s"),
         .mild = WARNING("nothing yet: it has to return sooner"),
         .advice = "Save as you go, so that onExpire has nothing left to do "
                   "but to call finish.",
         .sources = {FROM_QUINN_BACKGROUND, FROM_AOSP_JOB_CONTEXT}},
    [FAR_RULE_BG08] =
        {.wrong = "The id of an open task is overwritten by that of the next, "
                  "so nobody can finish it any more.",
         .ios = KILL("0x2182bad2", "the app is killed when the time is up"),
         .android = THROTTLE("STOP_REASON_TIMEOUT (3)",
                             "the job is stopped, and counts as a timeout"),
         .advice = "Use task:finish() in the closure, or a local for each id. "
                   "Do not keep a second id where the first one is.",
         .sources = {FROM_APPLE_SIGKILL, FROM_QUINN_BACKGROUND}},
    [FAR_RULE_BG09] =
        {.wrong =
             "More than a hundred tasks are open at once; iOS kills an app "
             "with more than a thousand.",
         .ios = KILL("0xbada5e47", "the app is killed at about 1000"),
         .android = NOTHING,
         .mild = WARNING("nothing yet: tens are fine"),
         .advice = "One task for a piece of work is enough, however many steps "
                   "it has.",
         .sources = {FROM_QUINN_BACKGROUND}},
    [FAR_RULE_BG10] =
        {.wrong = "A task takes, or asks for, more than 30 s.",
         .ios = WARNING("it is ended after about 30 s"),
         .android = WARNING("a short service has 3 min, so it works there"),
         .advice = "Cut the work into chunks, and save a checkpoint after "
                   "each.",
         .sources = {FROM_QUINN_BACKGROUND, FROM_APPLE_STRATEGIES}},
    [FAR_RULE_BG11] =
        {.wrong = "A task begins when another has ended, and needs more than "
                  "that one has left of their common time.",
         .ios = WARNING("the budget is one for the app"),
         .android = NOTHING,
         .advice = "Plan for one budget a visit to the background. "
                   "timeRemaining tells what is left of it.",
         .sources = {FROM_QUINN_BACKGROUND}},
    [FAR_RULE_BG12] =
        {.wrong = "What the app does depends on timeRemaining or "
                  "task:remaining, as farside simulate --check finds out.",
         .ios = WARNING("the number is a guess, and huge in the foreground"),
         .android = NOTHING,
         .advice = "Work in small steps until onExpire is called. Write the "
                   "number to the log, and nowhere else.",
         .sources = {FROM_QUINN_BACKGROUND}},
    [FAR_RULE_BG13] =
        {.wrong = "A task works for more than 5 s and saves nothing.",
         .ios = WARNING("what is not saved is lost with the app"),
         .android = WARNING("what is not saved is lost with the app"),
         .advice = "Save after each step where the work can go on from, so "
                   "that a kill costs one step.",
         .sources = {FROM_APPLE_EXTEND, "ours: the threshold of 5 s"}},
    [FAR_RULE_BG14] =
        {.wrong = "A script saves when it hears terminate, and not when it "
                  "hears pause.",
         .ios = WARNING("a suspended app is killed without that event"),
         .android = WARNING("no promise is made that it comes"),
         .advice = "Save at pause. terminate may never come.",
         .sources = {FROM_APPLE_TERMINATE}},

    [FAR_RULE_FE01] =
        {.wrong = "A fetch is asked for more often than every 15 min.",
         .ios = WARNING("no period is promised at all"),
         .android = WARNING("it is raised to 15 min, silently"),
         .advice = "Ask for 15 min or more, and show how old the data is.",
         .sources = {FROM_AOSP_JOB_INFO}},
    [FAR_RULE_FE02] =
        {.wrong = "An app, or its test, expects a fetch at a fixed time, as "
                  "farside simulate --check finds out.",
         .ios = WARNING("the OS decides when, and whether"),
         .android = WARNING("it comes once a period, at any moment in it"),
         .advice = "Compare with the time of the last fetch that succeeded. "
                   "What must happen at a time belongs into a notification.",
         .sources = {FROM_QUINN_LIMITS}},
    [FAR_RULE_FE03] =
        {.wrong = "The handler of a fetch returns, and nobody calls finish.",
         .ios = KILL("0x2182bad4", "the app is killed when the time is up"),
         .android = THROTTLE("STOP_REASON_TIMEOUT_ABANDONED (16)",
                             "later jobs are put off"),
         .advice = "Call finish on every path, also after an error.",
         .sources = {FROM_APPLE_COMPLETED, FROM_APPLE_SIGKILL,
                     FROM_ANDROID_JOBS}},
    [FAR_RULE_FE04] =
        {.wrong = "A fetch ends on some path without a request for the next: "
                  "after success, after a failure, or at its expiry.",
         .ios = WARNING("no fetch comes any more"),
         .android = NOTHING,
         .advice = "Ask for the next fetch first of all when one begins.",
         .sources = {FROM_APPLE_SUBMIT}},
    [FAR_RULE_FE05] =
        {.wrong = "More than one fetch, or more than ten pieces of long work, "
                  "are asked for at once.",
         .ios = REFUSAL("BGTaskScheduler 2 (tooManyPendingTaskRequests)",
                        "submit fails"),
         .android = NOTHING,
         .advice = "Ask for one, and let it do what is due.",
         .sources = {FROM_APPLE_SUBMIT}},
    [FAR_RULE_FE06] =
        {.wrong = "The handler of a fetch is registered after the launch, or a "
                  "second time.",
         .ios = KILL("", "the app is killed by an exception"),
         .android = NOTHING,
         .advice = "Register every handler once, at the top of the script.",
         .sources = {FROM_APPLE_REGISTER}},
    [FAR_RULE_FE07] =
        {.wrong = "A fetch is asked for by a name that is not in the manifest.",
         .ios = REFUSAL("BGTaskScheduler 3 (notPermitted)", "submit fails"),
         .android = NOTHING,
         .advice = "Write each name into the manifest.",
         .sources = {FROM_APPLE_CODES, FROM_APPLE_REGISTER},
         .why_not = "no kind of work has to be declared"},
    [FAR_RULE_FE08] =
        {.wrong = "The same event, handled twice, leaves another state than "
                  "handled once.",
         .ios = WARNING("work that was stopped is run again"),
         .android = WARNING("work that was stopped is run again"),
         .advice = "Give each piece of work a key of its own, and skip what is "
                   "done already.",
         .sources = {OURS},
         .why_not = "nobody runs a handler twice to compare"},
    [FAR_RULE_FE09] =
        {.wrong = "Ten fetches in a row say that there was new data, and there "
                  "was none.",
         .ios = THROTTLE("", "fetches come less often, we assume"),
         .android = NOTHING,
         .advice = "Say what is true: that nothing was new, or that it "
                   "failed.",
         .sources = {OURS},
         .why_not = "a run does not say whether there was anything new"},

    [FAR_RULE_RS01] =
        {.wrong =
             "An app in the background computes more than the OS allows in "
             "a window of time, by what phone:setCost says of its turns.",
         .ios = KILL("", "the app is killed above 80 % over 60 s"),
         .android = KILL("REASON_EXCESSIVE_RESOURCE_USAGE (9)",
                         "the app is killed above 25 % over 5 min, later above "
                         "2 %"),
         .advice = "Do less at a time, and leave heavy work to a charger.",
         .sources = {FROM_FORUM_675166, FROM_AOSP_ACTIVITIES}},
    [FAR_RULE_RS02] =
        {.wrong = "A thread wakes more than 150 times a second, for 5 min.",
         .ios = KILL("", "the app is killed, or only reported: which of both "
                         "is not known"),
         .android = NOTHING,
         .advice = "Wait for an event instead of asking for it again and "
                   "again. Clear intervals at pause.",
         .sources = {FROM_XNU_TASK}},
    [FAR_RULE_RS03] =
        {.wrong = "An app in the background wakes the device more than ten "
                  "times an hour.",
         .ios = NOTHING,
         .android = REJECTION("", "a bad vital: a worse rank in the store; "
                                  "alarms are put off"),
         .advice = "Do several things at one wake-up, and let the OS choose "
                   "when.",
         .sources = {FROM_PLAY_WAKEUPS}},
    [FAR_RULE_RS04] =
        {.wrong = "A task would work on past its budget without an end, and "
                  "its manifest has no mode such as audio or location.",
         .ios = KILL("", "the app is killed; a mode that is declared only for "
                         "this is rejected (guideline 2.5.4)"),
         .android = NOTHING,
         .advice = "Let the work end. What has to go on needs a mode that fits "
                   "what the user sees of it.",
         .sources = {FROM_APPLE_REVIEW}},
    [FAR_RULE_RS05] =
        {.wrong = "The manifest has a mode, and no run of the app has made use "
                  "of it.",
         .ios = REJECTION("guideline 2.5.4", "the store rejects the app"),
         .android = NOTHING,
         .advice = "Remove the mode from the manifest.",
         .sources = {FROM_APPLE_REVIEW},
         .why_not = "what a mode is for, such as music, is not there"},
    [FAR_RULE_RS06] =
        {.wrong = "A file or a database is locked when the app is suspended.",
         .ios = KILL("0xdead10cc", "the app is killed"),
         .android = NOTHING,
         .advice = "Close files and end transactions at pause, or hold a task "
                   "until they are.",
         .sources = {FROM_APPLE_SIGKILL},
         .why_not = "a script holds no lock: its transactions are over before "
                    "anything waits"},
    [FAR_RULE_RS07] =
        {.wrong = "The heap is over the limit, or near it and not made smaller "
                  "after memoryWarning.",
         .ios = KILL("jetsam", "the app is killed, those in the background "
                               "first"),
         .android = KILL("REASON_LOW_MEMORY (3)", "the app is killed"),
         .advice = "Drop caches at memoryWarning and at pause, and read long "
                   "things piece by piece.",
         .sources = {FROM_XNU_TASK, FROM_ANDROID_EXIT}},
    [FAR_RULE_RS08] =
        {.wrong = "An app holds the device awake for more than two hours a "
                  "day.",
         .ios = NOTHING,
         .android = REJECTION("", "a bad vital: a worse rank in the store"),
         .advice = "Finish each task as soon as its work is done.",
         .sources = {FROM_ANDROID_WAKELOCK}},
    [FAR_RULE_RS09] =
        {.wrong = "An app writes more than 1074 MB a day.",
         .ios = WARNING("the OS writes a report"),
         .android = NOTHING,
         .advice = "Write what has changed, and not all of it each time.",
         .sources = {FROM_APPLE_RESOURCE},
         .why_not = "what a script may keep is limited to less"},
    [FAR_RULE_RS10] =
        {.wrong = "A connection is open when the app is frozen.",
         .ios = NOTHING,
         .android = WARNING("the connection is reset"),
         .advice = "End transfers at pause, or hold a task until they have "
                   "ended. Be ready to connect again.",
         .sources = {FROM_ANDROID_FREEZER}},

    [FAR_RULE_SC01] =
        {.wrong = "The jobs of an app are more, or run for longer, than those "
                  "of its standby bucket may.",
         .ios = NOTHING,
         .android = THROTTLE("STOP_REASON_QUOTA (10)",
                             "the job is stopped, and runs later"),
         .advice = "Put small jobs together, and ask for a charger: then there "
                   "is no quota.",
         .sources = {FROM_ANDROID_POWER, FROM_AOSP_QUOTA}},
    [FAR_RULE_SC02] =
        {.wrong = "Three jobs within 24 h are stopped because their time is "
                  "up.",
         .ios = NOTHING,
         .android = THROTTLE("STOP_REASON_TIMEOUT (3)",
                             "the app is held back for a day"),
         .advice = "Cut the work into chunks that fit, each with a "
                   "checkpoint.",
         .sources = {FROM_AOSP_JOBS}},
    [FAR_RULE_SC03] =
        {.wrong = "Work that has failed is asked for again in less than 10 s.",
         .ios = NOTHING,
         .android = WARNING("the delay is raised to 10 s"),
         .advice = "Wait longer after each failure, and not everybody equally "
                   "long.",
         .sources = {FROM_AOSP_JOB_INFO}},
    [FAR_RULE_SC04] =
        {.wrong = "An app that a transfer has woken begins the next one.",
         .ios = THROTTLE("", "the delay of new transfers doubles each time"),
         .android = NOTHING,
         .advice = "Hand over all transfers at once, while the app is in the "
                   "foreground.",
         .sources = {FROM_QUINN_TRANSFERS},
         .why_not = "no transfer goes on without the app, and wakes it"},
    [FAR_RULE_SC05] =
        {.wrong = "More than three silent pushes an hour are sent to an app.",
         .ios = THROTTLE("", "the others are held back, or dropped"),
         .android = NOTHING,
         .advice = "Send one push for many changes. What the user must see "
                   "needs a push that shows.",
         .sources = {FROM_APPLE_PUSH}},
    [FAR_RULE_SC06] =
        {.wrong = "Work takes more than 60 s of the processor, and does not "
                  "ask for external power.",
         .ios = WARNING("the processor is watched unless it does"),
         .android = NOTHING,
         .advice = "Ask for a charger: the user does not miss what is done at "
                   "night.",
         .sources = {FROM_FORUM_675166, "ours: the threshold of 60 s"}},
    [FAR_RULE_SC07] =
        {.wrong = "A foreground service transfers data for more than 6 h of "
                  "24 h, or a short service runs for more than 3 min.",
         .ios = NOTHING,
         .android = KILL("REASON_CRASH (4) or REASON_ANR (6)",
                         "the app is killed soon after onTimeout"),
         .advice =
             "End the service in onTimeout. What takes hours belongs into "
             "jobs.",
         .sources = {FROM_ANDROID_SERVICES, FROM_AOSP_ACTIVITIES_MAIN},
         .why_not = "there are no foreground services"},
    [FAR_RULE_SC08] =
        {.wrong = "Work that the user asked for, or a service, is begun in the "
                  "background.",
         .ios = REFUSAL("BGTaskScheduler 4 (immediateRunIneligible)",
                        "submit fails"),
         .android = REFUSAL("IllegalStateException", "the start fails"),
         .advice = "Begin it while the user is there, by something that the "
                   "user does.",
         .sources = {FROM_APPLE_CONTINUED, FROM_ANDROID_OREO},
         .why_not = "there is no work of that kind, and there are no services"},
    [FAR_RULE_SC09] =
        {.wrong = "An app needs more than 8 s to answer the start or the stop "
                  "of a job.",
         .ios = NOTHING,
         .android = KILL("REASON_ANR (6)", "the app is killed"),
         .advice = "Begin with a step that is short, and look often for the "
                   "stop.",
         .sources = {FROM_AOSP_JOB_CONTEXT},
         .why_not = "there are no jobs that have to be answered"},
    [FAR_RULE_SC10] =
        {.wrong =
             "An alarm repeats within less than 60 s, or more than 500 are "
             "set.",
         .ios = NOTHING,
         .android = WARNING("the period is raised to 60 s; the 501st is an "
                            "exception, we assume"),
         .advice = "Set one alarm for what is due next, and the following one "
                   "when it fires.",
         .sources = {FROM_AOSP_ALARMS},
         .why_not = "there are no alarms"},
    [FAR_RULE_SC11] =
        {.wrong = "A release calls what is only for tests, such as the "
                  "simulated launch of a task.",
         .ios = REJECTION("", "the store rejects the app"),
         .android = NOTHING,
         .advice = "Keep such calls in plans and specs.",
         .sources = {FROM_APPLE_SIMULATE},
         .why_not = "a script has no such hooks; plans and specs have them"},
};

static const char *const names[FAR_RULES] = {
#define FAR_RULE(id, title) #id,
    FAR_RULE_MAP(FAR_RULE)
#undef FAR_RULE
};

const far_rule *far_rule_get(far_rule_id id) {
  return &rules[id];
}

const char *far_rule_name(far_rule_id id) {
  return names[id];
}

const char *far_rule_title(far_rule_id id) {
  static const char *const titles[] = {
#define FAR_RULE(id, title) title,
      FAR_RULE_MAP(FAR_RULE)
#undef FAR_RULE
  };
  return titles[id];
}

bool far_rule_find(const char *name, far_rule_id *id) {
  for (size_t i = 0; i < FAR_RULES; i++)
    if (strcasecmp(name, names[i]) == 0) {
      *id = (far_rule_id)i;
      return true;
    }
  return false;
}

// A group ends where the next one begins.
void far_rule_list(char *text, size_t bytes) {
  size_t used = 0;
  for (size_t i = 0; i < FAR_RULES && used < bytes; i++) {
    const char *next = i + 1 < FAR_RULES ? names[i + 1] : "";
    const char *form = NULL;
    if (strcmp(names[i] + 2, "01") == 0)
      form = i > 0 ? ", %s to " : "%s to ";
    else if (strncmp(names[i], next, 2) != 0)
      form = "%s";
    if (form != NULL)
      used += (size_t)snprintf(text + used, bytes - used, form, names[i]);
  }
}

_Static_assert(FAR_RULES <= 64, "a set of rules has no bit for each");

uint64_t far_rule_bit(far_rule_id id) {
  return UINT64_C(1) << id;
}

// POSIX has no such rules: but to call finish, and to call it rightly, is what
// every host wants.
static bool holds_on_desktop(far_rule_id id) {
  return id == FAR_RULE_BG01 || id == FAR_RULE_BG02 || id == FAR_RULE_BG03 ||
         id == FAR_RULE_BG08;
}

const far_outcome *far_rule_outcome(far_rule_id id, far_profile profile,
                                    far_profile *os) {
  static const far_outcome none = NOTHING;
  const far_rule *rule = &rules[id];
  *os = profile;
  if (profile == FAR_PROFILE_DESKTOP)
    return holds_on_desktop(id) ? &none : NULL;
  if (profile == FAR_PROFILE_STRICT)
    *os = rule->android.kind > rule->ios.kind ? FAR_PROFILE_ANDROID
                                              : FAR_PROFILE_IOS;
  const far_outcome *outcome =
      *os == FAR_PROFILE_ANDROID ? &rule->android : &rule->ios;
  return outcome->kind == FAR_OUTCOME_NONE ? NULL : outcome;
}

far_severity far_rule_severity(far_rule_id id) {
  far_outcome_kind ios = rules[id].ios.kind, android = rules[id].android.kind;
  return (ios > android ? ios : android) >= FAR_OUTCOME_REFUSAL
             ? FAR_SEVERITY_ERROR
             : FAR_SEVERITY_WARNING;
}

const char *far_severity_name(far_severity severity) {
  static const char *const words[FAR_SEVERITIES] = {"warning", "error"};
  return words[severity];
}

const char *far_outcome_name(far_outcome_kind kind) {
  static const char *const words[FAR_OUTCOME_KINDS] = {
      "none", "warning", "throttle", "refusal", "rejection", "kill"};
  return words[kind];
}
