// farside simulate: a script on a simulated phone, in virtual time.

#include "../bindings/bindings.h"
#include "../bindings/device.h"
#include "command.h"
#include "report.h"

#include <lualib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What happens to an app for which no plan was given.
static const char default_plan[] = "assert(phone:launch())\n"
                                   "phone:advance('1s')\n"
                                   "phone:pressHome()\n"
                                   "phone:advance('59s')\n"
                                   "phone:openApp()\n"
                                   "phone:quit()\n"
                                   "phone:advance('5s')\n";

typedef struct simulation {
  const command_line *line;
  FILE *timeline;
  far_device *device;
} simulation;

static void on_entry(void *user, const farside_entry *entry) {
  const simulation *mine = user;
  if (mine->timeline != NULL)
    far_report_json(mine->timeline, entry);
}

static int run_plan(lua_State *L) {
  simulation *mine = lua_touserdata(L, 1);
  const command_line *line = mine->line;
  luaL_openlibs(L);
  luaL_requiref(L, "farside.device", luaopen_farside_device, 0);
  far_device_config config = {.os = line->os,
                              .grace_ms = line->grace_ms,
                              .on_entry = on_entry,
                              .user = mine};
  mine->device =
      far_push_phone(L, &config, line->script, line->argc, line->argv);
  lua_setglobal(L, "phone");
  int status = line->plan ? luaL_loadfilex(L, line->plan, "t")
                          : luaL_loadstring(L, default_plan);
  if (status != LUA_OK)
    return lua_error(L);
  lua_call(L, 0, 0);
  return 0;
}

// What the run means, in one sentence a fault, and what to do about it.
static int judge(farside_host *host, bool has_plan_failed) {
  const farside_stats *stats = &host->stats;
  const char *os = far_profile_name(host->profile);
  double limit_s =
      (double)far_policy_get(host->profile, FAR_EXEC_BUDGET) / 1000;
  double warning_s =
      limit_s - (double)far_policy_get(host->profile, FAR_EXPIRY_LEAD) / 1000;
  for (uint64_t i = host->timeline.first; i < host->timeline.count; i++) {
    const farside_entry *entry = far_timeline_get(&host->timeline, i);
    if (strcmp(entry->what, "task.leak") != 0)
      continue;
    printf("broken: %s leaked task %s%s#%llu: %s.\n", entry->where,
           entry->name ? entry->name : "", entry->name ? " " : "",
           (unsigned long long)entry->task, entry->why);
    printf(
        "        On %s a task has %g s in the background. Call finish before "
        "that, save a\n        checkpoint in onExpire (it runs after %g s), "
        "and go on at the next launch.\n",
        os, limit_s, warning_s);
  }
  printf("%llu task%s: %llu finished, %llu failed, %llu expired, %llu "
         "cancelled, %llu open. %llu error%s.\n",
         (unsigned long long)stats->tasks_begun,
         stats->tasks_begun == 1 ? "" : "s",
         (unsigned long long)stats->finished, (unsigned long long)stats->failed,
         (unsigned long long)stats->expired,
         (unsigned long long)stats->cancelled,
         (unsigned long long)host->tasks.open,
         (unsigned long long)stats->errors, stats->errors == 1 ? "" : "s");
  printf("%llu entries, %g s of %s time, hash %016llx\n",
         (unsigned long long)host->timeline.count,
         (double)far_host_now_ms(host) / 1000, os,
         (unsigned long long)host->timeline.hash);
  if (stats->errors > 0 || has_plan_failed)
    return EXIT_SCRIPT_FAILED;
  return stats->expired > 0 || stats->leaked > 0 ? EXIT_RULE_BROKEN : EXIT_FINE;
}

static bool has_color(void) {
  return isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
}

static int report(simulation *mine, const char *error) {
  const command_line *line = mine->line;
  farside_host *host = far_device_host(mine->device);
  // The timeline on standard output is for a program: nothing else goes there.
  if (mine->timeline == stdout) {
    int status = host->stats.errors > 0 || error ? EXIT_SCRIPT_FAILED
                 : host->stats.expired + host->stats.leaked > 0
                     ? EXIT_RULE_BROKEN
                     : EXIT_FINE;
    if (error != NULL)
      fprintf(stderr, "farside: %s\n", error);
    return status;
  }
  printf("%s on %s rules, %s%s\n\n", line->script,
         far_profile_name(host->profile), line->plan ? "plan " : "default plan",
         line->plan ? line->plan : "");
  far_report_table(stdout, &host->timeline, has_color(), line->is_verbose);
  printf("\n");
  int status = judge(host, error != NULL);
  fflush(stdout);
  if (error != NULL)
    fprintf(stderr, "farside: %s\n", error);
  return status;
}

static int simulate(const command_line *line) {
  simulation mine = {.line = line};
  far_profile profile;
  if (line->os != NULL && !far_profile_find(line->os, &profile)) {
    fprintf(stderr,
            "farside simulate: there is no OS '%s'; there are: ios, android, "
            "strict, desktop\n",
            line->os);
    return EXIT_USAGE;
  }
  if (line->plan != NULL && access(line->plan, R_OK) != 0) {
    fprintf(stderr, "farside simulate: the plan %s cannot be read\n",
            line->plan);
    return EXIT_USAGE;
  }
  if (line->timeline != NULL &&
      !(mine.timeline = timeline_open(line->timeline)))
    return EXIT_USAGE;
  lua_State *L = luaL_newstate();
  if (L == NULL) {
    fprintf(stderr, "farside: not enough memory\n");
    timeline_close(mine.timeline, line->timeline);
    return EXIT_SCRIPT_FAILED;
  }
  lua_pushcfunction(L, run_plan);
  lua_pushlightuserdata(L, &mine);
  bool is_fine = lua_pcall(L, 1, 0, 0) == LUA_OK;
  const char *error = is_fine ? NULL : luaL_tolstring(L, -1, NULL);
  int result = EXIT_SCRIPT_FAILED;
  if (mine.device != NULL)
    result = report(&mine, error);
  else
    fprintf(stderr, "farside: %s\n", error);
  // What the phone has to say while it is closed is no part of the story.
  FILE *timeline = mine.timeline;
  mine.timeline = NULL;
  lua_close(L);
  if (!timeline_close(timeline, line->timeline) && result == EXIT_FINE)
    result = EXIT_SCRIPT_FAILED;
  return result;
}

const far_command simulate_command = {
    .name = "simulate",
    .usage = "simulate [--os OS] [--plan FILE.lua] [--grace TIME] "
             "[--timeline FILE] [-v] SCRIPT [ARG ...]",
    .what = "run a script on a simulated phone, a day in milliseconds",
    .help =
        "Runs SCRIPT in virtual time under the rules of an OS, and tells what\n"
        "happened and why.\n"
        "\n"
        "  --os OS           ios, android, strict (the tighter of both) or\n"
        "                    desktop (ios)\n"
        "  --plan FILE.lua   what the user and the system do: Lua that drives\n"
        "                    `phone`. Without one: launch, the home button\n"
        "                    after 1 s, back after 60 s, quit\n"
        "  --grace TIME      how long open tasks have when the app is quit\n"
        "                    (as the OS says)\n"
        "  --timeline FILE   write the timeline as JSON lines; - is standard\n"
        "                    output, and then nothing else is written there\n"
        "  -v, --verbose     show entries of level debug too: timers, "
        "Log.debug\n"
        "\n"
        "Exits with 0 when all is well, 1 when the script or the plan failed,\n"
        "3 when a rule of the OS was broken: a task leaked or ran out of "
        "time.\n",
    .options = " --os --plan --grace --timeline --verbose -v ",
    .run = simulate};
