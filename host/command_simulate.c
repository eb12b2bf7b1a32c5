// farside simulate: a script on a simulated phone, in virtual time.

#include "../bindings/bindings.h"
#include "../bindings/device.h"
#include "arena.h"
#include "report.h"
#include "simulation.h"
#include "state.h"

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

// A day of somebody who looks at the app now and then, and sleeps at night. How
// often is the seed's to say.
static const char default_day[] =
    "local left <const> = ... + phone:now()\n"
    "local minute <const>, hour <const> = 60000, 3600000\n"
    "local function pass(ms)\n"
    "  phone:advance(math.min(ms, left - phone:now()))\n"
    "end\n"
    "local app, message = phone:launch()\n"
    "if not app then error(message, 0) end\n"
    "while phone:now() < left do\n"
    "  pass(math.random(minute // 2, 10 * minute))\n"
    "  phone:pressHome()\n"
    "  pass(math.random(10 * minute, 3 * hour))\n"
    "  local time = (phone:now() + 7 * hour) % (24 * hour)\n"
    "  if time >= 23 * hour then pass(31 * hour - time) end\n"
    "  if time < 7 * hour then pass(7 * hour - time) end\n"
    "  if phone:now() < left then phone:openApp() end\n"
    "end\n";

static void on_entry(void *user, const farside_entry *entry) {
  simulation *mine = user;
  if (mine->is_over)
    return;
  far_figures_add(&mine->figures, entry);
  if (strcmp(entry->what, "wake.grant") == 0 &&
      mine->granted++ < SIMULATION_GRANTS)
    mine->granted_ms[mine->granted - 1] = entry->t_ms;
  if (mine->timeline != NULL)
    far_report_json(mine->timeline, entry);
  far_outputs_note(&mine->outputs, entry);
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

static int print_nothing(lua_State *L) {
  (void)L;
  return 0;
}

// A file on standard output is for a program: nothing else goes there.
static bool has_stdout(const simulation *mine) {
  return mine->timeline == stdout || far_outputs_have_stdout(&mine->outputs);
}

// Reads an error without its help: a plan must not run on in order to fail.
static int describe(lua_State *L) {
  if (lua_type(L, 1) != LUA_TSTRING)
    lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  return 1;
}

static void add_failure(simulation *mine, const char *text) {
  size_t bytes_old = mine->failures ? strlen(mine->failures) : 0;
  char *longer = realloc(mine->failures, bytes_old + strlen(text) + 2);
  mine->failure_count++;
  if (longer == NULL)
    return;
  snprintf(longer + bytes_old, strlen(text) + 2, "%s\n", text);
  mine->failures = longer;
}

// expect(value [, message, …]) --> value, message, …: a plan goes on after it,
// and has failed in the end.
static int expect(lua_State *L) {
  simulation *mine = lua_touserdata(L, lua_upvalueindex(1));
  int count = lua_gettop(L);
  luaL_checkany(L, 1);
  if (lua_toboolean(L, 1))
    return count;
  luaL_where(L, 1);
  const char *where = lua_tostring(L, -1);
  bool has_message = count >= 2 && !lua_isnil(L, 2);
  const char *said = luaL_tolstring(L, has_message ? 2 : 1, NULL);
  add_failure(mine, lua_pushfstring(
                        L, "%s%s%s", where,
                        has_message ? "" : "expected something, got ", said));
  lua_settop(L, count);
  return count;
}

static void set_plan_libraries(lua_State *L, simulation *mine) {
  luaL_openlibs(L);
  lua_getglobal(L, "math");
  lua_getfield(L, -1, "randomseed");
  lua_pushinteger(L, (lua_Integer)far_device_host(mine->device)->seed);
  lua_call(L, 1, 0);
  lua_pop(L, 1);
  lua_pushlightuserdata(L, mine);
  lua_pushcclosure(L, expect, 1);
  lua_setglobal(L, "expect");
}

static int load_plan(lua_State *L, const simulation *mine) {
  const command_line *line = mine->line;
  if (mine->plan_text != NULL)
    return luaL_loadbufferx(L, mine->plan_text, strlen(mine->plan_text),
                            lua_pushfstring(L, "@%s", line->plan), "t");
  if (line->plan != NULL)
    return luaL_loadfilex(L, line->plan, "t");
  return luaL_loadstring(L, line->for_ms ? default_day : default_plan);
}

static int run_plan(lua_State *L) {
  simulation *mine = lua_touserdata(L, 1);
  const command_line *line = mine->line;
  set_plan_libraries(L, mine);
  if (mine->is_quiet)
    lua_register(L, "print", print_nothing);
  else if (has_stdout(mine))
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
  if (load_plan(L, mine) != LUA_OK)
    return lua_error(L);
  lua_pushinteger(L, (lua_Integer)line->for_ms);
  lua_call(L, 1, 0);
  return 0;
}

enum { INDENT = 8, LINE_WIDTH = 78 };

// Words under each other, as wide as a terminal.
static void put_words(const char *text) {
  int column = printf("%*s", INDENT, "");
  while (*text != '\0') {
    int length = (int)strcspn(text, " ");
    bool is_first = column == INDENT;
    if (!is_first && column + 1 + length > LINE_WIDTH) {
      column = printf("\n%*s", INDENT, "") - 1;
      is_first = true;
    }
    column += printf("%s%.*s", is_first ? "" : " ", length, text);
    text += length + (text[length] == ' ');
  }
  printf("\n");
}

static void put_outcome(const far_violation *broken) {
  const far_outcome *outcome = broken->outcome;
  char text[320];
  if (outcome->kind == FAR_OUTCOME_NONE)
    return;
  snprintf(text, sizeof text, "%s: %s%s%s%s%s", far_profile_name(broken->os),
           far_outcome_name(outcome->kind), *outcome->code ? ", " : "",
           outcome->code, *outcome->what ? ": " : "", outcome->what);
  put_words(text);
}

static void put_violation(const far_violation *broken) {
  printf("%s: %s%s%s, %s: ", broken->is_failure ? "broken" : "warning",
         broken->where ? broken->where : "", broken->where ? " " : "",
         far_rule_name(broken->rule), far_rule_title(broken->rule));
  if (broken->task != 0)
    printf("task %s%s#%llu: ", broken->name ? broken->name : "",
           broken->name ? " " : "", (unsigned long long)broken->task);
  printf("%s", broken->why);
  if (broken->count > 1)
    printf(" (the first of %llu times, until %llu.%03u s)",
           (unsigned long long)broken->count,
           (unsigned long long)broken->last_ms / 1000,
           (unsigned)(broken->last_ms % 1000));
  printf("\n");
  put_outcome(broken);
  put_words(far_rule_get(broken->rule)->advice);
}

// What fails the run comes last, next to the verdict.
static void put_violations(const far_violations *all) {
  for (int is_failure = 0; is_failure < 2; is_failure++)
    for (size_t i = 0; i < all->count; i++)
      if (all->causes[i].count > 0 && all->causes[i].is_failure == is_failure)
        put_violation(&all->causes[i]);
}

static void put_summary(farside_host *host, bool has_seed) {
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
  printf("%llu entries, %g s of %s time, ",
         (unsigned long long)host->timeline.count,
         (double)far_host_now_ms(host) / 1000, far_profile_name(host->profile));
  if (has_seed)
    printf("seed %llu, ", (unsigned long long)host->seed);
  printf("hash %016llx\n", (unsigned long long)host->timeline.hash);
}

void simulation_plan_name(const command_line *line, char *text, size_t bytes) {
  if (line->plan != NULL)
    snprintf(text, bytes, "plan %s", line->plan);
  else if (line->for_ms != 0)
    snprintf(text, bytes, "a day without a plan");
  else
    snprintf(text, bytes, "default plan");
}

// What the plan has to say of its failure; NULL when it did not fail.
static const char *failure_of(const simulation *mine) {
  return *mine->error ? mine->error : mine->failures;
}

static bool write_outputs(simulation *mine) {
  farside_host *host = far_device_host(mine->device);
  far_drawn_run run = {.script = mine->line->scripts[0],
                       .rules = far_profile_name(host->profile),
                       .plan = mine->line->plan,
                       .error = failure_of(mine),
                       .is_simulated = true,
                       .now_ms = far_host_now_ms(host)};
  return far_outputs_write(&mine->outputs, &run);
}

static int report(simulation *mine) {
  const command_line *line = mine->line;
  farside_host *host = far_device_host(mine->device);
  if (!has_stdout(mine)) {
    char plan[1024];
    simulation_plan_name(line, plan, sizeof plan);
    printf("%s on %s rules, %s\n\n", line->scripts[0],
           far_profile_name(host->profile), plan);
    far_report_table(stdout, &host->timeline, command_has_color(),
                     line->is_verbose);
    printf("\n");
    put_violations(far_device_violations(mine->device));
    put_summary(host, line->seed != 0 || line->for_ms != 0);
    fflush(stdout);
  }
  if (*mine->error)
    fprintf(stderr, "farside: %s\n", mine->error);
  if (mine->failure_count > 0)
    fprintf(stderr, "%sfarside: %zu expectation%s failed, seed %llu\n",
            mine->failures ? mine->failures : "", mine->failure_count,
            mine->failure_count == 1 ? "" : "s",
            (unsigned long long)host->seed);
  int code = simulation_verdict(mine);
  bool is_written = write_outputs(mine);
  return is_written ||
                 simulation_rank(code) > simulation_rank(EXIT_SCRIPT_FAILED)
             ? code
             : EXIT_SCRIPT_FAILED;
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

// Options that have no meaning together. NULL when all is well.
static const char *contradiction(const command_line *line) {
  if (line->plan != NULL && line->for_ms != 0)
    return "--for says what happens without a plan: leave out --for or --plan";
  if (line->is_shrunk && line->plan == NULL)
    return "--shrink makes a plan shorter: give --plan";
  if ((line->seeds != 0) + line->is_checked + line->is_shrunk > 1)
    return "--seeds, --check and --shrink do different things: give one";
  if (line->jobs != 0 && line->seeds == 0)
    return "--jobs is for --seeds";
  bool has_file = line->timeline != NULL;
  for (size_t i = 0; i < COMMAND_OUTPUTS; i++)
    has_file = has_file || line->outputs[i] != NULL;
  if (has_file && (line->seeds != 0 || line->is_checked || line->is_shrunk))
    return "files such as --timeline are of one run: leave out --seeds, "
           "--check "
           "and --shrink";
  return NULL;
}

// -- One run ------------------------------------------------------------------

uint64_t simulation_seed(const command_line *line) {
  return line->seed ? line->seed : FAR_DEVICE_SEED;
}

int simulation_verdict(const simulation *mine) {
  const farside_stats *stats = &far_device_host(mine->device)->stats;
  if (stats->killed > 0)
    return EXIT_HOST_KILLED;
  if (stats->errors > 0 || *mine->error || mine->failure_count > 0)
    return EXIT_SCRIPT_FAILED;
  return mine->figures.broken > 0 ? EXIT_RULE_BROKEN : EXIT_FINE;
}

int simulation_rank(int code) {
  switch (code) {
  case EXIT_FINE:
    return 0;
  case EXIT_RULE_BROKEN:
    return 1;
  case EXIT_SCRIPT_FAILED:
    return 2;
  default:
    return 3;
  }
}

const char *simulation_reason(const simulation *mine) {
  const far_figures *figures = &mine->figures;
  switch (simulation_verdict(mine)) {
  case EXIT_FINE:
    return "";
  case EXIT_RULE_BROKEN:
    return mine->broken;
  case EXIT_HOST_KILLED:
    return *figures->killed ? figures->killed
                            : "a task was stopped for a limit";
  default:
    return *mine->error      ? mine->error
           : mine->failures  ? mine->failures
           : *figures->error ? figures->error
                             : "an error";
  }
}

// "BG01 app.lua:12"
static void keep_broken(simulation *mine) {
  const far_violations *all = far_device_violations(mine->device);
  for (size_t i = 0; i < all->count && *mine->broken == '\0'; i++) {
    const far_violation *cause = &all->causes[i];
    if (cause->count > 0 && cause->is_failure)
      snprintf(mine->broken, sizeof mine->broken, "%s%s%s",
               far_rule_name(cause->rule), cause->where ? " " : "",
               cause->where ? cause->where : "");
  }
}

// The plan is Lua of one's own, in memory that makes no difference between two
// runs.
static void drive(simulation *mine) {
  far_memory memory;
  far_memory_init(&memory, NULL, NULL);
  far_region *region = far_region_open(&memory, FAR_REGION_BYTES);
  far_arena *arena = far_arena_open(
      region ? far_region_memory(region) : &memory, NULL, SIZE_MAX, SIZE_MAX);
  lua_State *L = arena ? far_state_new(far_arena_allocate, arena,
                                       far_device_host(mine->device)->seed)
                       : NULL;
  if (L != NULL) {
    lua_pushcfunction(L, describe);
    lua_pushcfunction(L, run_plan);
    lua_pushlightuserdata(L, mine);
    if (lua_pcall(L, 1, 0, 1) != LUA_OK)
      snprintf(mine->error, sizeof mine->error, "%s", lua_tostring(L, -1));
    lua_close(L);
  } else {
    snprintf(mine->error, sizeof mine->error, "not enough memory for the plan");
  }
  far_arena_drop(arena);
  far_region_close(region);
}

bool simulation_play(simulation *mine) {
  const command_line *line = mine->line;
  far_device_config config = {.os = line->os,
                              .grace_ms = line->grace_ms,
                              .has_seed = mine->seed != 0,
                              .seed = mine->seed,
                              .allowed = line->allowed,
                              .is_strict = line->is_strict,
                              .remaining_ms = line->remaining_ms,
                              .has_late_wakes = line->has_late_wakes,
                              .on_entry = on_entry,
                              .user = mine};
  if (far_device_open(&config, &mine->device) != FARSIDE_OK) {
    fprintf(stderr, "farside: not enough memory\n");
    return false;
  }
  drive(mine);
  farside_host *host = far_device_host(mine->device);
  farside_stats stats;
  farside_get_stats(host, &stats);
  far_figures_end(&mine->figures, far_host_now_ms(host), &stats,
                  far_device_violations(mine->device));
  keep_broken(mine);
  // What the phone has to say while it is closed is no part of the story.
  mine->is_over = true;
  return true;
}

void simulation_end(simulation *mine) {
  far_device_close(mine->device);
  free(mine->failures);
  mine->device = NULL;
  mine->failures = NULL;
}

static int simulate_once(const command_line *line) {
  simulation mine = {.line = line, .seed = line->seed};
  if (!far_outputs_open(&mine.outputs, line) ||
      (line->timeline != NULL &&
       !(mine.timeline = timeline_open(line->timeline)))) {
    far_outputs_close(&mine.outputs);
    return EXIT_USAGE;
  }
  int result = EXIT_SCRIPT_FAILED;
  if (simulation_play(&mine))
    result = report(&mine);
  simulation_end(&mine);
  far_outputs_close(&mine.outputs);
  if (!timeline_close(mine.timeline, line->timeline) && result == EXIT_FINE)
    result = EXIT_SCRIPT_FAILED;
  return result;
}

// A plan that lies beside the script, where nothing else is said: the plan of
// app.lua is app.plan.lua.
static const char *find_own_plan(const command_line *line, char *path,
                                 size_t bytes) {
  const char *script = line->scripts[0];
  size_t length = strlen(script);
  if (length > 4 && strcmp(script + length - 4, ".lua") == 0)
    length -= 4;
  int wanted = snprintf(path, bytes, "%.*s.plan.lua", (int)length, script);
  bool fits = wanted > 0 && (size_t)wanted < bytes;
  return fits && access(path, F_OK) == 0 ? path : NULL;
}

static int simulate(const command_line *given) {
  char own_plan[4096];
  command_line with_plan = *given;
  const command_line *line = &with_plan;
  if (line->plan == NULL && line->for_ms == 0)
    with_plan.plan = find_own_plan(line, own_plan, sizeof own_plan);
  const char *problem = contradiction(line);
  if (problem != NULL)
    fprintf(stderr, "farside simulate: %s\n", problem);
  if (problem != NULL || !can_run(line))
    return EXIT_USAGE;
  if (line->seeds != 0)
    return simulate_seeds(line);
  if (line->is_checked)
    return simulate_check(line);
  if (line->is_shrunk)
    return simulate_shrink(line);
  return simulate_once(line);
}

const far_command simulate_command = {
    .name = "simulate",
    .usage =
        "simulate [--os OS] [--plan FILE.lua | --for TIME] [--seed N]\n"
        "       [--seeds N [--jobs N] | --check | --shrink] [--allow RULE]\n"
        "       [--strict] [--remaining TIME] [--late-wakes] [--grace TIME]\n"
        "       [--limits LIST] [--grant WHAT=VALUE] [--trust]\n"
        "       [--timeline FILE] [--report FILE.html] [--picture FILE.svg]\n"
        "       [--trace FILE.json] [--junit FILE.xml] [-v] SCRIPT [ARG ...]",
    .what = "run a script on a simulated phone, a day in milliseconds",
    .help =
        "Runs SCRIPT in virtual time under the rules of an OS, and tells what\n"
        "happened and why.\n"
        "\n"
        "  --os OS           ios, android, strict (the tighter of both) or\n"
        "                    desktop (ios)\n"
        "  --plan FILE.lua   what the user and the system do: Lua that drives\n"
        "                    `phone`. Without one SCRIPT.plan.lua beside\n"
        "                    SCRIPT.lua, if it is there; or else: launch, the\n"
        "                    home button after 1 s, back after 60 s, quit\n"
        "  --for TIME        instead of a plan: so much of the life of an\n"
        "                    app that is opened now and then by day\n"
        "  --seed N          what chance decides: math.random, the order of\n"
        "                    pairs() (42)\n"
        "  --seeds N         run N seeds from --seed, or 1, on; tell what "
        "came\n"
        "                    of them, and how to see the worst\n"
        "  --jobs N          in so many processes (as there are processors)\n"
        "  --check           run twice, in two processes, and compare entry "
        "by\n"
        "                    entry; then with other readings of the time that\n"
        "                    remains: rule BG12; and a plan that holds once\n"
        "                    more with late wake-ups: rule FE02\n"
        "  --shrink          leave out steps of a plan that fails, while it\n"
        "                    fails; print what remains\n"
        "  --allow RULE      this rule may be broken, such as BG10; once for\n"
        "                    each. `farside rules` lists them\n"
        "  --strict          what is only a warning fails the run, too\n"
        "  --remaining TIME  what timeRemaining and task:remaining say while "
        "a\n"
        "                    budget runs, instead of the truth\n"
        "  --late-wakes      each wake-up that is granted is as late as it\n"
        "                    may be; all else is drawn as ever\n"
        "  --grace TIME      how long open tasks have when the app is quit\n"
        "                    (as the OS says)\n"
        "  --limits LIST, --grant WHAT=VALUE, --trust\n"
        "                    as for run; time of the processor is real\n"
        "  --timeline FILE   write the timeline as JSON lines; - is standard\n"
        "                    output, and then nothing else is written there\n"
        "  --report FILE.html\n"
        "                    write a page to open in a browser: what went "
        "wrong,\n"
        "                    a picture of the run, every entry\n"
        "  --picture FILE.svg\n"
        "                    write that picture alone\n"
        "  --trace FILE.json write a trace for Perfetto\n"
        "  --junit FILE.xml  write JUnit XML for a build server\n"
        "  -v, --verbose     show entries of level debug too: timers, "
        "Log.debug;\n"
        "                    and each of several that are the same\n"
        "\n"
        "In a plan, expect(value, message) notes a failure and goes on.\n"
        "\n"
        "Exits with 0 when all is well, 1 when the script or the plan failed,\n"
        "or two runs of --check differ,\n"
        "3 when a rule of the OS was broken, and is more than a warning,\n"
        "4 when the host had to stop the script for a limit.\n",
    .options = " --os --plan --for --seed --seeds --jobs --check --shrink "
               "--allow --strict --remaining --late-wakes --grace --limits "
               "--grant --trust --timeline --report --picture --trace --junit "
               "--verbose -v ",
    .run = simulate};
