// The desktop's promises, kept to a person at a terminal.
//
//   terminal_test FARSIDE FOLDER
//
// Each case starts an interactive bash in a pseudo-terminal, types commands and
// keys into it, and reads until the awaited text is there; nothing sleeps and
// hopes. FOLDER holds the scripts. What is typed is echoed, so an awaited text
// must not stand in a command.

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
  DEADLINE_MS = 300 * 1000,
  // Far below the 30 s that tasks are given, and enough for a busy machine.
  AT_ONCE_MS = 15 * 1000,
  TEXT_MAX = 256 * 1024,
  REPORT_FD = 9 // Open in the shell and its jobs: not of the terminal.
};

static const char CTRL_C[] = "\x03";
static const char CTRL_Z[] = "\x1a";
static const char PROMPT[] = "spec> ";

typedef struct terminal {
  int master;
  int report; // The end from which we read REPORT_FD.
  pid_t shell;
  pid_t job;    // The app's process and its group; zero while none runs.
  bool is_over; // What we read from has no more to say.
  size_t size;  // Of the text.
  size_t seen;  // How much of it was awaited.
  char text[TEXT_MAX];
  char why[512];
} terminal;

static const char *program; // "farside", found by the shell's PATH.

// -- The terminal -------------------------------------------------------------

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool fail(terminal *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Says why the case failed; the first reason stays. Returns false.
static bool fail(terminal *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (t->why[0] == '\0')
    vsnprintf(t->why, sizeof t->why, format, args);
  va_end(args);
  return false;
}

// Reads what there is into `text`; waits for it until `end_ms`.
static bool read_more(terminal *t, int fd, uint64_t end_ms) {
  if (t->size + 1 >= TEXT_MAX)
    return fail(t, "there is too much text");
  uint64_t start_ms = now_ms();
  int wait_ms = end_ms > start_ms ? (int)(end_ms - start_ms) : 0;
  struct pollfd wanted = {.fd = fd, .events = POLLIN};
  int ready = poll(&wanted, 1, wait_ms);
  if (ready < 0 && errno == EINTR)
    return true;
  if (ready <= 0)
    return fail(t, "it did not come");
  ssize_t got = read(fd, t->text + t->size, TEXT_MAX - 1 - t->size);
  if (got < 0 && errno == EINTR)
    return true;
  t->is_over = got <= 0;
  if (t->is_over)
    return fail(t, "the text ended");
  for (size_t i = t->size; i < t->size + (size_t)got; i++)
    if (t->text[i] == '\0')
      t->text[i] = '?';
  t->size += (size_t)got;
  t->text[t->size] = '\0';
  return true;
}

// Waits for a text behind the one that was awaited last.
static bool expect_from(terminal *t, int fd, const char *text, int wait_ms) {
  uint64_t end_ms = now_ms() + (uint64_t)wait_ms;
  for (;;) {
    const char *found = strstr(t->text + t->seen, text);
    if (found != NULL) {
      t->seen = (size_t)(found - t->text) + strlen(text);
      return true;
    }
    if (!read_more(t, fd, end_ms)) {
      char reason[sizeof t->why];
      memcpy(reason, t->why, sizeof reason);
      t->why[0] = '\0';
      return fail(t, "waited for \"%.200s\": %.200s", text, reason);
    }
  }
}

static bool expect(terminal *t, const char *text) {
  return expect_from(t, t->master, text, DEADLINE_MS);
}

static bool expect_at_once(terminal *t, const char *text) {
  return expect_from(t, t->master, text, AT_ONCE_MS);
}

// The text was not shown before what was awaited last.
static bool lacks(terminal *t, const char *text) {
  const char *found = strstr(t->text, text);
  return found == NULL || found >= t->text + t->seen ||
         fail(t, "\"%.200s\" came too early, or should not have come", text);
}

static bool press(terminal *t, const char *keys) {
  size_t bytes = strlen(keys);
  return write(t->master, keys, bytes) == (ssize_t)bytes ||
         fail(t, "the terminal takes no keys: %s", strerror(errno));
}

static bool enter(terminal *t, const char *command) {
  return press(t, command) && press(t, "\r");
}

// What ignores a signal hands that on to its children: begin afresh.
static void reset_signals(void) {
  static const int signals[] = {SIGINT,  SIGQUIT, SIGHUP,  SIGTERM, SIGPIPE,
                                SIGTSTP, SIGCONT, SIGTTIN, SIGTTOU, SIGCHLD};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    signal(signals[i], SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become_shell(int report) {
  reset_signals();
  if (dup2(report, REPORT_FD) < 0)
    _exit(126);
  // A key that sends a signal must not swallow what was shown before it.
  struct termios modes;
  if (tcgetattr(STDIN_FILENO, &modes) == 0) {
    modes.c_lflag |= NOFLSH;
    tcsetattr(STDIN_FILENO, TCSANOW, &modes);
  }
  setenv("PS1", PROMPT, 1);
  setenv("TERM", "dumb", 1);
  setenv("LC_ALL", "C", 1);
  setenv("HISTFILE", "/dev/null", 1);
  setenv("INPUTRC", "/dev/null", 1);
  unsetenv("PROMPT_COMMAND");
  execlp("bash", "bash", "--norc", "--noprofile", "-i", (char *)NULL);
  _exit(127);
}

static bool open_terminal(terminal *t) {
  *t = (terminal){.master = -1, .report = -1};
  int report[2];
  if (pipe(report) != 0)
    return fail(t, "there is no pipe: %s", strerror(errno));
  t->report = report[0];
  struct winsize window = {.ws_row = 50, .ws_col = 400};
  t->shell = forkpty(&t->master, NULL, NULL, &window);
  if (t->shell == 0) {
    close(report[0]);
    become_shell(report[1]);
  }
  close(report[1]);
  if (t->shell < 0)
    return fail(t, "there is no terminal: %s", strerror(errno));
  return expect(t, PROMPT);
}

// Closes the window; the shell and its jobs hear of it as they may.
static void close_window(terminal *t) {
  if (t->master >= 0)
    close(t->master);
  t->master = -1;
}

// Leaves nothing running, whatever the case came to.
static void close_terminal(terminal *t) {
  if (t->shell > 0) {
    pid_t group = t->master >= 0 ? tcgetpgrp(t->master) : -1;
    if (group > 1 && group != t->shell)
      kill(-group, SIGKILL);
    if (t->job > 1 && t->job != group)
      kill(-t->job, SIGKILL);
    kill(t->shell, SIGKILL);
    while (waitpid(t->shell, NULL, 0) < 0 && errno == EINTR)
      continue;
  }
  close_window(t);
  if (t->report >= 0)
    close(t->report);
}

// -- What a person does -------------------------------------------------------

// Enters a command that runs the app, and waits until it is ready. The app is
// the only process of the foreground job, or its first.
static bool start(terminal *t, const char *before, const char *arguments,
                  const char *after) {
  char command[512];
  snprintf(command, sizeof command, "%s%s run %s%s", before, program, arguments,
           after);
  if (!enter(t, command) || !expect(t, "\nready"))
    return false;
  // One that stops of its own accord may have stopped already.
  pid_t group = tcgetpgrp(t->master);
  t->job = group != t->shell ? group : 0;
  return true;
}

static bool run(terminal *t, const char *arguments) {
  return start(t, "", arguments, "");
}

static bool send(terminal *t, int signal) {
  return (t->job > 1 && kill(t->job, signal) == 0) ||
         fail(t, "the app cannot be signalled");
}

// The shell has seen the app stop, and is back.
static bool is_stopped(terminal *t) {
  return expect(t, "Stopped") && expect(t, PROMPT);
}

static bool is_stopped_at_once(terminal *t) {
  return expect_at_once(t, "Stopped") && expect(t, PROMPT);
}

static bool fg(terminal *t) {
  return enter(t, "fg");
}

static bool has_status(terminal *t, int status) {
  char text[32];
  snprintf(text, sizeof text, "\nstatus=%d\r", status);
  return expect(t, text) && expect(t, PROMPT);
}

// The app has ended, the shell is back, and shows this status.
static bool ended(terminal *t, int status) {
  if (!expect(t, PROMPT))
    return false;
  t->job = 0;
  return enter(t, "echo \"sta\"\"tus=$?\"") && has_status(t, status);
}

static bool ended_at_once(terminal *t, int status) {
  uint64_t start_ms = now_ms();
  return ended(t, status) && (now_ms() - start_ms < AT_ONCE_MS ||
                              fail(t, "it took its time to end"));
}

// -- Ctrl-Z -------------------------------------------------------------------

static bool ctrl_z_lets_the_upload_finish(terminal *t) {
  return run(t, "upload.lua") && press(t, CTRL_Z) &&
         expect(t, "appStateChange false") && expect(t, "the timer went on") &&
         expect(t, "chunk 1 of 3") && expect(t, "chunk 3 of 3") &&
         expect(t, "uploaded") && lacks(t, "Stopped") && is_stopped(t) &&
         enter(t, "jobs") && expect(t, "Stopped") && expect(t, PROMPT) &&
         lacks(t, "Running");
}

static bool ctrl_z_without_a_task_stops_at_once(terminal *t) {
  return run(t, "life.lua") && press(t, CTRL_Z) &&
         expect(t, "1 appStateChange false") && expect(t, "2 pause") &&
         is_stopped_at_once(t);
}

static bool ctrl_z_stops_an_app_that_asks_for_it_too(terminal *t) {
  return run(t, "eager.lua") && press(t, CTRL_Z) && is_stopped_at_once(t);
}

static bool ctrl_z_ends_a_task_that_outlives_its_budget(terminal *t) {
  return run(t, "overdue.lua") && press(t, CTRL_Z) &&
         expect(t, "task.expire overdue (overdue.lua:8)") && is_stopped(t) &&
         fg(t) && expect(t, "resume") && press(t, CTRL_C) && ended(t, 0);
}

static bool ctrl_z_twice_stops_with_the_task_open(terminal *t) {
  return run(t, "held.lua") && press(t, CTRL_Z) &&
         expect(t, "the task began") && press(t, CTRL_Z) &&
         is_stopped_at_once(t) && lacks(t, "the task ended") && fg(t) &&
         expect(t, "resume") && expect(t, "the task ended") &&
         lacks(t, "task.expire") && press(t, CTRL_Z) && is_stopped_at_once(t);
}

static bool fg_brings_resume_then_active(terminal *t) {
  return run(t, "life.lua") && press(t, CTRL_Z) && is_stopped(t) &&
         lacks(t, "resume") && fg(t) && expect(t, "3 resume") &&
         expect(t, "4 appStateChange true");
}

static bool two_cycles_in_one_life(terminal *t) {
  return run(t, "life.lua") && press(t, CTRL_Z) && expect(t, "2 pause") &&
         is_stopped(t) && fg(t) && expect(t, "4 appStateChange true") &&
         press(t, CTRL_Z) && expect(t, "5 appStateChange false") &&
         expect(t, "6 pause") && is_stopped(t) && fg(t) &&
         expect(t, "7 resume") && expect(t, "8 appStateChange true") &&
         press(t, CTRL_C) && expect(t, "9 terminate SIGINT") && ended(t, 0);
}

static bool two_uploads_in_one_life(terminal *t) {
  return run(t, "upload.lua") && press(t, CTRL_Z) && expect(t, "uploaded") &&
         is_stopped(t) && fg(t) && expect(t, "appStateChange true") &&
         press(t, CTRL_Z) && expect(t, "appStateChange false") &&
         expect(t, "chunk 1 of 3") && expect(t, "uploaded") && is_stopped(t) &&
         fg(t) && expect(t, "resume") && expect(t, "appStateChange true") &&
         press(t, CTRL_C) && ended(t, 0);
}

static bool sigcont_with_the_task_open_prevents_the_stop(terminal *t) {
  return run(t, "held.lua") && press(t, CTRL_Z) &&
         expect(t, "the task began") && send(t, SIGCONT) &&
         expect(t, "resume") && expect(t, "the task ended") &&
         press(t, CTRL_C) && ended(t, 0) && lacks(t, "Stopped");
}

static bool minimize_app_is_ctrl_z(terminal *t) {
  return run(t, "minimize.lua") && expect(t, "minimizeApp true") &&
         expect(t, "appStateChange false") && expect(t, "pause") &&
         expect(t, "the task ended") && lacks(t, "Stopped") && is_stopped(t) &&
         fg(t) && expect(t, "resume") && expect(t, "appStateChange true") &&
         press(t, CTRL_Z) && is_stopped(t);
}

// -- Ctrl-C -------------------------------------------------------------------

static bool ctrl_c_once_lets_the_task_finish(terminal *t) {
  return run(t, "open_task.lua") && press(t, CTRL_C) &&
         expect(t, "terminate SIGINT 30000") && expect(t, "the task ended") &&
         ended(t, 0);
}

static bool ctrl_c_without_a_task_ends_at_once(terminal *t) {
  return run(t, "life.lua") && press(t, CTRL_C) &&
         expect(t, "1 terminate SIGINT 30000") && ended_at_once(t, 0);
}

static bool ctrl_c_twice_ends_a_task_that_never_does(terminal *t) {
  return run(t, "never.lua") && press(t, CTRL_C) &&
         expect(t, "terminate SIGINT 30000") && press(t, CTRL_C) &&
         ended_at_once(t, 130);
}

static bool ctrl_c_twice_ends_an_endless_loop(terminal *t) {
  // Two signals at once are one. The script can only have gone on to say
  // something new when the first of them was delivered.
  return run(t, "--limits turn=off endless.lua") && press(t, CTRL_C) &&
         expect(t, "^C") && expect(t, "still computing") &&
         expect(t, "still computing") && expect(t, "still computing") &&
         press(t, CTRL_C) && ended_at_once(t, 130) && lacks(t, "terminate");
}

// -- SIGTERM and SIGHUP -------------------------------------------------------

static bool sigterm_lets_the_task_finish(terminal *t) {
  return run(t, "open_task.lua") && send(t, SIGTERM) &&
         expect(t, "terminate SIGTERM 30000") && expect(t, "the task ended") &&
         ended(t, 0);
}

static bool sigterm_without_a_task_ends_at_once(terminal *t) {
  return run(t, "life.lua") && send(t, SIGTERM) &&
         expect(t, "1 terminate SIGTERM 30000") && ended_at_once(t, 0);
}

static bool sigterm_ends_a_task_after_the_grace(terminal *t) {
  return run(t, "--grace 1s never.lua") && send(t, SIGTERM) &&
         expect(t, "terminate SIGTERM 1000") &&
         expect(t, "task.expire never (never.lua:11)") && ended(t, 4);
}

// The terminal shows both streams alike; what is complained of is on stderr.
static bool complaints_go_to_stderr(terminal *t) {
  return run(t, "--grace 1s never.lua 2>/dev/null") && send(t, SIGTERM) &&
         expect(t, "terminate SIGTERM 1000") && ended(t, 4) &&
         lacks(t, "never.lua:11");
}

static bool sighup_lets_the_task_finish(terminal *t) {
  return run(t, "open_task.lua") && send(t, SIGHUP) &&
         expect(t, "terminate SIGHUP 30000") && expect(t, "the task ended") &&
         ended(t, 0);
}

static bool sighup_without_a_task_ends_at_once(terminal *t) {
  return run(t, "life.lua") && send(t, SIGHUP) &&
         expect(t, "1 terminate SIGHUP 30000") && ended_at_once(t, 0);
}

static bool terminate_tells_reason_and_grace(terminal *t) {
  return run(t, "--grace 7s life.lua") && send(t, SIGTERM) &&
         expect(t, "1 terminate SIGTERM 7000") && ended(t, 0) &&
         run(t, "--grace 1m30s life.lua") && send(t, SIGHUP) &&
         expect(t, "1 terminate SIGHUP 90000") && ended(t, 0) &&
         run(t, "--grace=250ms life.lua") && press(t, CTRL_C) &&
         expect(t, "1 terminate SIGINT 250") && ended(t, 0);
}

static bool sigterm_ends_a_task_in_the_background(terminal *t) {
  return run(t, "held.lua") && press(t, CTRL_Z) &&
         expect(t, "the task began") && send(t, SIGTERM) &&
         expect(t, "the task ended") && ended(t, 0) && lacks(t, "resume") &&
         lacks(t, "Stopped");
}

static bool sigterm_reaches_a_stopped_app_on_fg(terminal *t) {
  return run(t, "life.lua") && press(t, CTRL_Z) && is_stopped(t) &&
         send(t, SIGTERM) && fg(t) && expect(t, "terminate SIGTERM 30000") &&
         ended(t, 0);
}

static bool touch(terminal *t, const char *path) {
  FILE *file = fopen(path, "w");
  return file ? fclose(file) == 0 : fail(t, "%s cannot be made", path);
}

// It arrives while a turn computes at whose end the app falls asleep.
static bool sigterm_is_not_slept_through(terminal *t) {
  char go[] = "/tmp/farside_go_XXXXXX", arguments[128];
  int file = mkstemp(go);
  if (file < 0 || close(file) != 0 || unlink(go) != 0)
    return fail(t, "no name for a file");
  snprintf(arguments, sizeof arguments,
           "--trust --limits turn=off computing.lua %s", go);
  bool holds = run(t, arguments) && press(t, CTRL_Z) &&
               expect(t, "the task computes") && send(t, SIGTERM) &&
               touch(t, go) && expect(t, "terminate SIGTERM") && ended(t, 0) &&
               lacks(t, "Stopped");
  unlink(go);
  return holds;
}

static bool nohup_keeps_sighup_ignored(terminal *t) {
  return start(t, "nohup ", "ticks.lua",
               " 2>&1 | cat; echo \"sta\"\"tus=${PIPESTATUS[0]}\"") &&
         send(t, SIGHUP) && expect(t, "tick") && expect(t, "tick") &&
         expect(t, "tick") && send(t, SIGTERM) &&
         expect(t, "terminate SIGTERM") && has_status(t, 0) &&
         lacks(t, "SIGHUP");
}

static bool expect_report(terminal *t, const char *text) {
  return expect_from(t, t->report, text, DEADLINE_MS);
}

// Whoever could still write a report is gone.
static bool report_ends(terminal *t) {
  uint64_t end_ms = now_ms() + DEADLINE_MS;
  while (!t->is_over && read_more(t, t->report, end_ms))
    continue;
  return t->is_over;
}

static bool closing_the_window_lets_the_task_finish(terminal *t) {
  if (!run(t, "--timeline /dev/fd/9 open_task.lua"))
    return false;
  close_window(t);
  return expect_report(t, "reason SIGHUP") && expect_report(t, "task.finish") &&
         expect_report(t, "app.end") && report_ends(t);
}

// -- All of them --------------------------------------------------------------

static const struct {
  const char *name;
  bool (*holds)(terminal *t);
} cases[] = {
#define CASE(name)                                                             \
  { #name, name }
    CASE(ctrl_z_lets_the_upload_finish),
    CASE(ctrl_z_without_a_task_stops_at_once),
    CASE(ctrl_z_stops_an_app_that_asks_for_it_too),
    CASE(ctrl_z_ends_a_task_that_outlives_its_budget),
    CASE(ctrl_z_twice_stops_with_the_task_open),
    CASE(fg_brings_resume_then_active),
    CASE(two_cycles_in_one_life),
    CASE(two_uploads_in_one_life),
    CASE(sigcont_with_the_task_open_prevents_the_stop),
    CASE(minimize_app_is_ctrl_z),
    CASE(ctrl_c_once_lets_the_task_finish),
    CASE(ctrl_c_without_a_task_ends_at_once),
    CASE(ctrl_c_twice_ends_a_task_that_never_does),
    CASE(ctrl_c_twice_ends_an_endless_loop),
    CASE(sigterm_lets_the_task_finish),
    CASE(sigterm_without_a_task_ends_at_once),
    CASE(sigterm_ends_a_task_after_the_grace),
    CASE(complaints_go_to_stderr),
    CASE(sighup_lets_the_task_finish),
    CASE(sighup_without_a_task_ends_at_once),
    CASE(terminate_tells_reason_and_grace),
    CASE(sigterm_ends_a_task_in_the_background),
    CASE(sigterm_reaches_a_stopped_app_on_fg),
    CASE(sigterm_is_not_slept_through),
    CASE(nohup_keeps_sighup_ignored),
    CASE(closing_the_window_lets_the_task_finish),
#undef CASE
};

// What was shown, with its control characters made visible.
static void show(const terminal *t) {
  printf("  | ");
  for (size_t i = 0; i < t->size; i++) {
    unsigned char c = (unsigned char)t->text[i];
    if (c == '\n')
      printf("\n  | ");
    else if (c < 0x20 && c != '\r')
      printf("^%c", c + '@');
    else if (c != '\r')
      putchar(c);
  }
  putchar('\n');
}

static bool check(terminal *t, size_t i) {
  uint64_t start_ms = now_ms();
  bool is_fine = open_terminal(t) && cases[i].holds(t);
  close_terminal(t);
  if (is_fine) {
    printf("ok %s (%" PRIu64 " ms)\n", cases[i].name, now_ms() - start_ms);
  } else {
    printf("not ok %s: %s\n", cases[i].name, t->why);
    show(t);
  }
  fflush(stdout);
  return is_fine;
}

// The commands are typed as a person would: `farside run upload.lua`.
static bool go_to(const char *path, const char *folder) {
  char *full = realpath(path, NULL);
  char *copy = full ? strdup(full) : NULL;
  if (copy == NULL)
    return false;
  program = basename(full);
  const char *old = getenv("PATH");
  char search[2 * PATH_MAX];
  snprintf(search, sizeof search, "%s:%s", dirname(copy), old ? old : "");
  free(copy);
  return setenv("PATH", search, 1) == 0 && chdir(folder) == 0;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: terminal_test FARSIDE FOLDER [CASE]\n");
    return 2;
  }
  if (!go_to(argv[1], argv[2])) {
    fprintf(stderr, "terminal_test: %s or %s: %s\n", argv[1], argv[2],
            strerror(errno));
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  static terminal t;
  int passed = 0, failed = 0;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (argc > 3 && strcmp(argv[3], cases[i].name) != 0)
      continue;
    if (check(&t, i))
      passed++;
    else
      failed++;
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
