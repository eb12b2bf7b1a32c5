// farside run: a script on real time, with the signals of this desktop.

#include "command.h"
#include "desktop.h"
#include "report.h"

#include <string.h>

typedef struct session {
  FILE *timeline;
  bool is_verbose;
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
                  mine->is_verbose);
}

static int drive(farside_host *host, far_desktop *desktop,
                 const command_line *line, session *mine) {
  farside_status status = far_desktop_start(desktop, host);
  if (status != FARSIDE_OK) {
    fprintf(stderr, "farside: the signals cannot be watched: %s\n",
            farside_status_text(status));
    return EXIT_SCRIPT_FAILED;
  }
  status = farside_load_file(host, line->script, line->argc, line->argv);
  if (status != FARSIDE_OK)
    return EXIT_SCRIPT_FAILED; // The entry has been shown.
  far_host_step(host, FAR_NEVER);
  if (far_host_is_idle(host) && !farside_has_ended(host) &&
      host->timeline.count <= 2)
    fprintf(stderr,
            "farside: %s set no listener, timer or task, so there is nothing "
            "to wait for\n",
            line->script);
  farside_run(host);
  return mine->has_overdue ? EXIT_HOST_KILLED : EXIT_FINE;
}

static int run(const command_line *line) {
  session mine = {.is_verbose = line->is_verbose};
  if (line->timeline != NULL &&
      !(mine.timeline = timeline_open(line->timeline)))
    return EXIT_USAGE;
  int result = EXIT_SCRIPT_FAILED;
  farside_host *host = NULL;
  far_desktop *desktop = far_desktop_new();
  if (desktop != NULL) {
    farside_config config;
    farside_config_init(&config);
    config.platform = far_desktop_platform(desktop);
    config.on_entry = on_entry;
    config.user = &mine;
    config.grace_ms = line->grace_ms;
    config.exit_when_idle = true;
    if (farside_host_open(&config, &host) == FARSIDE_OK) {
      result = drive(host, desktop, line, &mine);
      far_desktop_stop(desktop);
    }
  }
  if (host == NULL)
    fprintf(stderr, "farside: not enough memory\n");
  farside_host_close(host);
  far_desktop_free(desktop);
  if (!timeline_close(mine.timeline, line->timeline) && result == EXIT_FINE)
    result = EXIT_SCRIPT_FAILED;
  return result;
}

const far_command run_command = {
    .name = "run",
    .usage = "run [--grace TIME] [--timeline FILE] [-v] SCRIPT [ARG ...]",
    .what = "run a script on real time: Ctrl-Z, fg and SIGTERM are its life",
    .help =
        "Runs SCRIPT until it has nothing left to wait for, or is told to "
        "end.\n"
        "\n"
        "  Ctrl-Z            to the background; stops once its tasks are "
        "done.\n"
        "                    Pressed twice: stops at once\n"
        "  fg                back to the foreground\n"
        "  SIGTERM, SIGHUP,  the script hears `terminate`; open tasks have\n"
        "  Ctrl-C            --grace to finish. A second Ctrl-C ends at once,\n"
        "                    with status 130\n"
        "\n"
        "  --grace TIME      how long open tasks have at the end, such as 10s\n"
        "                    (30s)\n"
        "  --timeline FILE   write what happens as JSON lines; - is standard\n"
        "                    output, and then the script prints to standard\n"
        "                    error\n"
        "  -v, --verbose     show every entry of the timeline on standard "
        "error\n"
        "\n"
        "Exits with 0 when all is well, 1 when the script could not be "
        "loaded,\n"
        "4 when the host had to end a task that outlived the grace period.\n",
    .options = " --grace --timeline --verbose -v ",
    .run = run};
