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
static const char default_plan[] = "local app, message = phone:launch()\n"
                                   "if not app then error(message, 0) end\n"
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

// print() of a plan, while standard output is for the timeline alone.
static int print_to_stderr(lua_State *L) {
  int count = lua_gettop(L);
  for (int i = 1; i <= count; i++) {
    fprintf(stderr, "%s%s", i > 1 ? "\t" : "", luaL_tolstring(L, i, NULL));
    lua_pop(L, 1);
  }
  fprintf(stderr, "\n");
  return 0;
}

// Reads an error without its help: a plan must not run on in order to fail.
static int describe(lua_State *L) {
  if (lua_type(L, 1) != LUA_TSTRING)
    lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  return 1;
}

static int run_plan(lua_State *L) {
  simulation *mine = lua_touserdata(L, 1);
  const command_line *line = mine->line;
  luaL_openlibs(L);
  if (mine->timeline == stdout)
    lua_register(L, "print", print_to_stderr);
  luaL_requiref(L, "farside.device", luaopen_farside_device, 0);
  farside_source app;
  farside_source_init(&app);
  app.path = line->scripts[0];
  app.argc = line->argc;
  app.argv = line->argv;
  app.grant = command_line_permissions(line);
  app.is_trusted = line->is_trusted;
  far_lend_phone(L, mine->device, &app);
  lua_setglobal(L, "phone");
  int status = line->plan ? luaL_loadfilex(L, line->plan, "t")
                          : luaL_loadstring(L, default_plan);
  if (status != LUA_OK)
    return lua_error(L);
  lua_call(L, 0, 0);
  return 0;
}

static const char advice_slow[] =
    "        Call finish before its time is up, or save a checkpoint in "
    "onExpire,\n"
    "        which is called before the end, and go on at the next launch.\n";

static const char advice_forgotten[] =
    "        Call finish on every path: task:finish() at the end of the "
    "closure,\n"
    "        and where it gives up. Until then the app is held awake, on the\n"
    "        user's battery.\n";

// Whether a task that looked leaked was finished after all.
static bool is_finished_later(const far_timeline *timeline, uint64_t from) {
  uint64_t task = far_timeline_get(timeline, from)->task;
  for (uint64_t i = from; i < timeline->count; i++) {
    const farside_entry *entry = far_timeline_get(timeline, i);
    if (entry->task == task && strcmp(entry->what, "task.finish") == 0)
      return true;
  }
  return false;
}

// One sentence a fault, and what to do about it.
static void put_faults(const far_timeline *timeline) {
  for (uint64_t i = timeline->first; i < timeline->count; i++) {
    const farside_entry *entry = far_timeline_get(timeline, i);
    if (strcmp(entry->what, "task.leak") != 0 || is_finished_later(timeline, i))
      continue;
    bool is_slow = strstr(entry->why, "takes longer") != NULL;
    printf("broken: %s leaked task %s%s#%llu: %s\n%s", entry->where,
           entry->name ? entry->name : "", entry->name ? " " : "",
           (unsigned long long)entry->task, entry->why,
           is_slow ? advice_slow : advice_forgotten);
  }
}

static void put_summary(farside_host *host) {
  farside_stats stats;
  farside_get_stats(host, &stats);
  printf("%llu task%s: %llu finished, %llu failed, %llu expired, %llu "
         "cancelled, %llu open. %llu error%s.\n",
         (unsigned long long)stats.tasks_begun,
         stats.tasks_begun == 1 ? "" : "s", (unsigned long long)stats.finished,
         (unsigned long long)stats.failed, (unsigned long long)stats.expired,
         (unsigned long long)stats.cancelled,
         (unsigned long long)stats.tasks_open, (unsigned long long)stats.errors,
         stats.errors == 1 ? "" : "s");
  printf("%llu entries, %g s of %s time, hash %016llx\n",
         (unsigned long long)host->timeline.count,
         (double)far_host_now_ms(host) / 1000, far_profile_name(host->profile),
         (unsigned long long)host->timeline.hash);
}

static int report(const simulation *mine, const char *error) {
  const command_line *line = mine->line;
  farside_host *host = far_device_host(mine->device);
  // A timeline on standard output is for a program: nothing else goes there.
  if (mine->timeline != stdout) {
    printf("%s on %s rules, %s%s\n\n", line->scripts[0],
           far_profile_name(host->profile),
           line->plan ? "plan " : "default plan", line->plan ? line->plan : "");
    far_report_table(stdout, &host->timeline, command_has_color(),
                     line->is_verbose);
    printf("\n");
    put_faults(&host->timeline);
    put_summary(host);
    fflush(stdout);
  }
  if (error != NULL)
    fprintf(stderr, "farside: %s\n", error);
  if (host->stats.killed > 0)
    return EXIT_HOST_KILLED;
  if (host->stats.errors > 0 || error != NULL)
    return EXIT_SCRIPT_FAILED;
  return host->stats.expired > 0 || host->stats.leaked > 0 ? EXIT_RULE_BROKEN
                                                           : EXIT_FINE;
}

// What would otherwise only come to light when everything is open.
static bool can_run(const command_line *line) {
  far_profile profile;
  if (line->os != NULL && !far_profile_find(line->os, &profile)) {
    fprintf(stderr,
            "farside simulate: there is no OS '%s'; there are: ios, android, "
            "strict, desktop\n",
            line->os);
    return false;
  }
  if (line->plan != NULL && access(line->plan, R_OK) != 0) {
    fprintf(stderr, "farside simulate: the plan %s cannot be read\n",
            line->plan);
    return false;
  }
  return true;
}

static int drive(simulation *mine) {
  lua_State *L = luaL_newstate();
  if (L == NULL)
    return report(mine, "not enough memory for the plan");
  lua_pushcfunction(L, describe);
  lua_pushcfunction(L, run_plan);
  lua_pushlightuserdata(L, mine);
  bool is_fine = lua_pcall(L, 1, 0, 1) == LUA_OK;
  int result = report(mine, is_fine ? NULL : lua_tostring(L, -1));
  lua_close(L);
  return result;
}

static int simulate(const command_line *line) {
  simulation mine = {.line = line};
  if (!can_run(line))
    return EXIT_USAGE;
  if (line->timeline != NULL &&
      !(mine.timeline = timeline_open(line->timeline)))
    return EXIT_USAGE;
  far_device_config config = {.os = line->os,
                              .grace_ms = line->grace_ms,
                              .on_entry = on_entry,
                              .user = &mine};
  int result = EXIT_SCRIPT_FAILED;
  if (far_device_open(&config, &mine.device) == FARSIDE_OK)
    result = drive(&mine);
  else
    fprintf(stderr, "farside: not enough memory\n");
  // What the phone has to say while it is closed is no part of the story.
  FILE *timeline = mine.timeline;
  mine.timeline = NULL;
  far_device_close(mine.device);
  if (!timeline_close(timeline, line->timeline) && result == EXIT_FINE)
    result = EXIT_SCRIPT_FAILED;
  return result;
}

const far_command simulate_command = {
    .name = "simulate",
    .usage = "simulate [--os OS] [--plan FILE.lua] [--grace TIME] "
             "[--limits LIST]\n       [--grant WHAT=VALUE] [--trust] "
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
        "  --limits LIST, --grant WHAT=VALUE, --trust\n"
        "                    as for run; time of the processor is real\n"
        "  --timeline FILE   write the timeline as JSON lines; - is standard\n"
        "                    output, and then nothing else is written there\n"
        "  -v, --verbose     show entries of level debug too: timers, "
        "Log.debug\n"
        "\n"
        "Exits with 0 when all is well, 1 when the script or the plan failed,\n"
        "3 when a rule of the OS was broken: a task leaked or ran out of "
        "time,\n"
        "4 when the host had to stop the script for a limit.\n",
    .options = " --os --plan --grace --limits --grant --trust --timeline "
               "--verbose -v ",
    .run = simulate};
