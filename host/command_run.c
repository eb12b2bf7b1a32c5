// farside run: a script on real time, with the signals of this desktop.

#include "command.h"
#include "desktop.h"
#include "isolate.h"
#include "outputs.h"
#include "report.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

typedef struct session {
  const command_line *line;
  farside_host *host;
  FILE *timeline;
  far_outputs outputs;
  uint64_t now_ms;    // Of the last entry.
  char (*names)[128]; // What each script of the line is called; "" if gone.
  bool has_begun;     // The store is open: a damaged one was mended before.
  bool is_terminating;
  bool has_overdue; // A task outlived the grace period.
  bool has_failed;  // Work failed for good, or the store did.
} session;

// A file on standard output is for a program: nothing else goes there.
static bool has_stdout(const session *mine) {
  return mine->timeline == stdout || far_outputs_have_stdout(&mine->outputs);
}

static void on_entry(void *user, const farside_entry *entry) {
  session *mine = user;
  if (mine->timeline != NULL) {
    far_report_json(mine->timeline, entry);
    fflush(mine->timeline);
  }
  far_outputs_note(&mine->outputs, entry);
  mine->now_ms = entry->t_ms > mine->now_ms ? entry->t_ms : mine->now_ms;
  mine->has_failed =
      mine->has_failed || strcmp(entry->what, "work.fail") == 0 ||
      (mine->has_begun && strcmp(entry->what, "store.fault") == 0);
  mine->is_terminating =
      mine->is_terminating || strcmp(entry->what, "app.terminate") == 0;
  if (mine->is_terminating && strcmp(entry->what, "task.expire") == 0)
    mine->has_overdue = true;
  far_report_live(has_stdout(mine) ? stderr : stdout, stderr, entry,
                  mine->line->is_verbose);
}

// SIGUSR1: what runs, and what it uses.
static void put_scripts(const farside_host *host) {
  farside_script about;
  char row[256];
  command_script_row(NULL, row, sizeof row);
  fprintf(stderr, "%s\n", row);
  for (size_t i = 0; farside_script_at(host, i, &about); i++) {
    command_script_row(&about, row, sizeof row);
    fprintf(stderr, "%s\n", row);
  }
}

static farside_source source_of(const command_line *line, size_t i) {
  farside_source source;
  farside_source_init(&source);
  source.path = line->scripts[i];
  source.argc = line->argc;
  source.argv = line->argv;
  source.grant = command_line_permissions(line);
  source.is_trusted = line->is_trusted;
  return source;
}

// Loads script number `i` of the line. What is wrong has been shown.
static farside_status load_script(session *mine, size_t i) {
  farside_source source = source_of(mine->line, i);
  farside_status status = farside_load(mine->host, &source);
  farside_script about;
  mine->names[i][0] = '\0';
  if (status == FARSIDE_OK)
    for (size_t at = 0; farside_script_at(mine->host, at, &about); at++)
      snprintf(mine->names[i], sizeof mine->names[i], "%s", about.name);
  return status;
}

static bool load_scripts(session *mine) {
  for (size_t i = 0; i < mine->line->script_count; i++)
    if (load_script(mine, i) != FARSIDE_OK)
      return false;
  return true;
}

// SIGUSR2: each file is read again, also of a script that was stopped, or that
// did not load the last time and has been mended since.
static void reload_scripts(session *mine) {
  for (size_t i = 0; i < mine->line->script_count; i++)
    if (farside_script_reload(mine->host, mine->names[i]) == FARSIDE_NOSCRIPT)
      load_script(mine, i);
}

static void on_user_signal(void *user, int signal) {
  session *mine = user;
  if (signal == SIGUSR1)
    put_scripts(mine->host);
  else
    reload_scripts(mine);
}

static int verdict(const session *mine, int otherwise) {
  farside_stats stats;
  farside_get_stats(mine->host, &stats);
  return mine->has_overdue || stats.killed > 0 ? EXIT_HOST_KILLED : otherwise;
}

// What was lost of a damaged file is told by an entry.
static bool open_store(session *mine) {
  const char *path = mine->line->store;
  if (path != NULL && farside_open_store(mine->host, path) != FARSIDE_OK) {
    fprintf(stderr, "farside: %s\n", farside_error(mine->host));
    return false;
  }
  mine->has_begun = true;
  return true;
}

static int drive(session *mine, far_desktop *desktop) {
  farside_host *host = mine->host;
  if (!open_store(mine))
    return EXIT_SCRIPT_FAILED;
  far_desktop_on_user_signal(desktop, on_user_signal, mine);
  farside_status status = far_desktop_start(desktop, host);
  if (status != FARSIDE_OK) {
    fprintf(stderr, "farside: the signals cannot be watched: %s\n",
            farside_status_text(status));
    return EXIT_SCRIPT_FAILED;
  }
  if (!load_scripts(mine))
    return verdict(mine, EXIT_SCRIPT_FAILED);
  far_host_step(host, FAR_NEVER);
  if (far_host_is_idle(host) && !farside_has_ended(host) &&
      host->timeline.count <= 2 && mine->line->store == NULL)
    fprintf(stderr,
            "farside: %s set no listener, timer or task, so there is nothing "
            "to wait for\n",
            mine->line->scripts[0]);
  host->ends_when_done = mine->line->is_once;
  farside_run(host);
  return verdict(mine, mine->line->is_once && mine->has_failed
                           ? EXIT_SCRIPT_FAILED
                           : EXIT_FINE);
}

// --isolate: no script is loaded here.
static int run_isolated(session *mine) {
  const command_line *line = mine->line;
  farside_source sources[SCRIPTS_MAX];
  for (size_t i = 0; i < line->script_count; i++)
    sources[i] = source_of(line, i);
  far_isolate_config config = {.sources = sources,
                               .count = line->script_count,
                               .grace_ms = line->grace_ms,
                               .output = has_stdout(mine) ? 2 : 1,
                               .on_entry = on_entry,
                               .user = mine};
  int result = far_isolate_run(&config);
  return mine->has_overdue ? EXIT_HOST_KILLED : result;
}

static int run_hosted(session *mine) {
  int result = EXIT_SCRIPT_FAILED;
  mine->names = calloc(mine->line->script_count, sizeof *mine->names);
  far_desktop *desktop = far_desktop_new();
  if (desktop != NULL && mine->names != NULL) {
    farside_config config;
    farside_config_init(&config);
    if (mine->line->store != NULL)
      far_desktop_set_disk(desktop, mine->line->store);
    config.platform = far_desktop_platform(desktop);
    config.on_entry = on_entry;
    config.user = mine;
    config.grace_ms = mine->line->grace_ms;
    config.exit_when_idle = true;
    if (mine->line->is_once)
      config.launch_reason = "work";
    config.files = mine->line->files;
    config.proxy = mine->line->proxy;
    config.certificates = mine->line->certificates;
    if (farside_host_open(&config, &mine->host) == FARSIDE_OK) {
      result = drive(mine, desktop);
      far_desktop_stop(desktop);
    }
  }
  if (mine->host == NULL)
    fprintf(stderr, "farside: not enough memory\n");
  farside_host_close(mine->host);
  far_desktop_free(desktop);
  free(mine->names);
  return result;
}

// Whose file it would be is the question: each process would own it.
static const char *mistake_of(const command_line *line) {
  if (line->is_isolated && line->store != NULL)
    return "--isolate and --store do not go together: what is isolated writes "
           "no file";
  if (line->is_once && line->store == NULL)
    return "--once runs the work that is due in --store FILE: which file?";
  return NULL;
}

static int run(const command_line *line) {
  session mine = {.line = line};
  const char *mistake = mistake_of(line);
  if (mistake != NULL) {
    fprintf(stderr, "farside run: %s\n", mistake);
    return EXIT_USAGE;
  }
  if (!far_outputs_open(&mine.outputs, line) ||
      (line->timeline != NULL &&
       !(mine.timeline = timeline_open(line->timeline)))) {
    far_outputs_close(&mine.outputs);
    return EXIT_USAGE;
  }
  int result = line->is_isolated ? run_isolated(&mine) : run_hosted(&mine);
  far_drawn_run about = {.script = line->scripts[0],
                         .rules = far_profile_name(FAR_PROFILE_DESKTOP),
                         .now_ms = mine.now_ms};
  if (!far_outputs_write(&mine.outputs, &about) && result == EXIT_FINE)
    result = EXIT_SCRIPT_FAILED;
  far_outputs_close(&mine.outputs);
  if (!timeline_close(mine.timeline, line->timeline) && result == EXIT_FINE)
    result = EXIT_SCRIPT_FAILED;
  return result;
}

const far_command run_command = {
    .name = "run",
    .usage =
        "run [--store FILE [--once]] [--limits LIST] [--grant WHAT=VALUE]\n"
        "       [--trust] [--isolate] [--files FOLDER] [--proxy URL]\n"
        "       [--certificates FILE] [--grace TIME]\n"
        "       [--timeline FILE] [--report FILE.html]\n"
        "       [--picture FILE.svg] [--trace FILE.json] [--junit "
        "FILE.xml] [-v]\n"
        "       SCRIPT ... [ARG ...]",
    .what = "run scripts on real time: Ctrl-Z, fg and SIGTERM are their life",
    .help =
        "Runs each SCRIPT in a sandbox of its own, until it has nothing left\n"
        "to wait for, or is told to end. Further words that end in .lua are\n"
        "scripts too; the first other word begins their arguments.\n"
        "\n"
        "  Ctrl-Z            to the background; stops once its tasks are "
        "done.\n"
        "                    Pressed twice: stops at once\n"
        "  fg                back to the foreground\n"
        "  SIGTERM, SIGHUP,  the script hears `terminate`; open tasks have\n"
        "  Ctrl-C            --grace to finish. A second Ctrl-C ends at once,\n"
        "                    with status 130\n"
        "  SIGUSR1           shows on standard error what runs, and what it "
        "uses\n"
        "  SIGUSR2           reads every script again\n"
        "\n"
        "  --store FILE      where durable work is kept, and survives; while\n"
        "                    work waits for its time, the scripts go on\n"
        "  --once            run what is due in the store now, and end\n"
        "  --limits LIST     what each script may use, such as\n"
        "                    turn=1s,cpu=10s,memory=64MB,slice=10ms; `off` is\n"
        "                    no limit\n"
        "  --grant WHAT=VALUE\n"
        "                    what a manifest (farside.lua) may ask for:\n"
        "                    http=https://example.com/*, module=NAME\n"
        "  --files FOLDER    where each script has a folder for what it\n"
        "                    downloads and uploads; without it, none has\n"
        "  --proxy URL, --certificates FILE\n"
        "                    how Http reaches its servers, and whom it "
        "trusts,\n"
        "                    instead of what the environment and the system "
        "say\n"
        "  --trust           no sandbox: the full libraries of Lua. A script\n"
        "                    that hangs in one of them hangs for ever,\n"
        "                    unless it is isolated\n"
        "  --isolate         each script in a process of its own, with only\n"
        "                    what it needs of the system, and killed when it\n"
        "                    does not answer\n"
        "  --grace TIME      how long open tasks have at the end, such as 10s\n"
        "                    (30s)\n"
        "  --timeline FILE   write what happens as JSON lines; - is standard\n"
        "                    output, and then the script prints to standard\n"
        "                    error\n"
        "  --report FILE.html, --picture FILE.svg, --trace FILE.json,\n"
        "  --junit FILE.xml  as for simulate, written at the end\n"
        "  -v, --verbose     show every entry of the timeline on standard "
        "error\n"
        "\n"
        "Exits with 0 when all is well, 1 when a script could not be loaded "
        "or\n"
        "the store not opened, and with --once when work has failed for good;\n"
        "4 when the host had to stop one for a limit, or to end a task that\n"
        "outlived the grace period.\n",
    .options =
        " --store --once --limits --grant --trust --isolate --files --proxy "
        "--certificates --grace --timeline "
        "--report --picture --trace --junit --verbose -v ",
    .takes_many = true,
    .run = run};
