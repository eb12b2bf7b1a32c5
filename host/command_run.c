// farside run: a script on real time, with the signals of this desktop.

#include "command.h"
#include "desktop.h"
#include "report.h"

#include <signal.h>
#include <string.h>

typedef struct session {
  const command_line *line;
  farside_host *host;
  FILE *timeline;
  bool is_terminating;
  bool has_overdue; // A task outlived the grace period.
} session;

static void on_entry(void *user, const farside_entry *entry) {
  session *mine = user;
  if (mine->timeline != NULL) {
    far_report_json(mine->timeline, entry);
    fflush(mine->timeline);
  }
  mine->is_terminating =
      mine->is_terminating || strcmp(entry->what, "app.terminate") == 0;
  if (mine->is_terminating && strcmp(entry->what, "task.expire") == 0)
    mine->has_overdue = true;
  // A timeline on standard output is for a program: nothing else goes there.
  far_report_live(mine->timeline == stdout ? stderr : stdout, stderr, entry,
                  mine->line->is_verbose);
}

// SIGUSR1: what runs, and what it uses.
static void put_scripts(const farside_host *host) {
  farside_script about;
  fprintf(stderr, "%-20s %10s %10s %10s %6s %8s\n", "script", "memory", "peak",
          "cpu", "tasks", "messages");
  for (size_t i = 0; farside_script_at(host, i, &about); i++)
    fprintf(stderr, "%-20s %7llu KB %7llu KB %7llu ms %6llu %8llu%s\n",
            about.name, (unsigned long long)about.memory_bytes / 1024,
            (unsigned long long)about.memory_peak_bytes / 1024,
            (unsigned long long)about.cpu_ms,
            (unsigned long long)about.tasks_open,
            (unsigned long long)about.messages,
            about.is_computing ? "  computing" : "");
}

// SIGUSR2: each file is read again. A script that no longer loads is gone; its
// error has been shown.
static void reload_scripts(farside_host *host) {
  farside_script about;
  size_t count = 0;
  while (farside_script_at(host, count, &about))
    count++;
  // A reloaded script comes last, so the next one is always the first.
  for (size_t i = 0; i < count && farside_script_at(host, 0, &about); i++)
    farside_script_reload(host, about.name);
}

static void on_user_signal(void *user, int signal) {
  const session *mine = user;
  if (signal == SIGUSR1)
    put_scripts(mine->host);
  else
    reload_scripts(mine->host);
}

static bool load_scripts(const session *mine) {
  const command_line *line = mine->line;
  for (size_t i = 0; i < line->script_count; i++) {
    farside_source source;
    farside_source_init(&source);
    source.path = line->scripts[i];
    source.argc = line->argc;
    source.argv = line->argv;
    source.grant = command_line_permissions(line);
    source.is_trusted = line->is_trusted;
    if (farside_load(mine->host, &source) != FARSIDE_OK)
      return false; // The entry has been shown.
  }
  return true;
}

static int verdict(const session *mine, int otherwise) {
  farside_stats stats;
  farside_get_stats(mine->host, &stats);
  return mine->has_overdue || stats.killed > 0 ? EXIT_HOST_KILLED : otherwise;
}

static int drive(session *mine, far_desktop *desktop) {
  farside_host *host = mine->host;
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
      host->timeline.count <= 2)
    fprintf(stderr,
            "farside: %s set no listener, timer or task, so there is nothing "
            "to wait for\n",
            mine->line->scripts[0]);
  farside_run(host);
  return verdict(mine, EXIT_FINE);
}

static int run(const command_line *line) {
  session mine = {.line = line};
  if (line->timeline != NULL &&
      !(mine.timeline = timeline_open(line->timeline)))
    return EXIT_USAGE;
  int result = EXIT_SCRIPT_FAILED;
  far_desktop *desktop = far_desktop_new();
  if (desktop != NULL) {
    farside_config config;
    farside_config_init(&config);
    config.platform = far_desktop_platform(desktop);
    config.on_entry = on_entry;
    config.user = &mine;
    config.grace_ms = line->grace_ms;
    config.exit_when_idle = true;
    if (farside_host_open(&config, &mine.host) == FARSIDE_OK) {
      result = drive(&mine, desktop);
      far_desktop_stop(desktop);
    }
  }
  if (mine.host == NULL)
    fprintf(stderr, "farside: not enough memory\n");
  farside_host_close(mine.host);
  far_desktop_free(desktop);
  if (!timeline_close(mine.timeline, line->timeline) && result == EXIT_FINE)
    result = EXIT_SCRIPT_FAILED;
  return result;
}

const far_command run_command = {
    .name = "run",
    .usage =
        "run [--limits LIST] [--grant WHAT=VALUE] [--trust] [--isolate]\n"
        "       [--grace TIME] [--timeline FILE] [-v] SCRIPT ... [ARG ...]",
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
        "  --limits LIST     what each script may use, such as\n"
        "                    turn=1s,cpu=10s,memory=64MB,slice=10ms; `off` is\n"
        "                    no limit\n"
        "  --grant WHAT=VALUE\n"
        "                    what a manifest (farside.lua) may ask for:\n"
        "                    http=https://example.com/*, module=NAME\n"
        "  --trust           no sandbox: the full libraries of Lua. A script\n"
        "                    that hangs in one of them hangs for ever\n"
        "  --isolate         each script in a process of its own\n"
        "  --grace TIME      how long open tasks have at the end, such as 10s\n"
        "                    (30s)\n"
        "  --timeline FILE   write what happens as JSON lines; - is standard\n"
        "                    output, and then the script prints to standard\n"
        "                    error\n"
        "  -v, --verbose     show every entry of the timeline on standard "
        "error\n"
        "\n"
        "Exits with 0 when all is well, 1 when a script could not be loaded,\n"
        "4 when the host had to stop one for a limit, or to end a task that\n"
        "outlived the grace period.\n",
    .options = " --limits --grant --trust --isolate --grace --timeline "
               "--verbose -v ",
    .takes_many = true,
    .run = run};
