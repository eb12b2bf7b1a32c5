// An idle app costs nothing: not a system call, not a switch of context.
//
//   idle_test FARSIDE FOLDER
//
// Here waiting is the point: each case lets real time pass over an app that has
// nothing to do, and looks for traces of work. FOLDER holds idle.lua. Without a
// strace that may trace, the exit status is 77: skipped.

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  DEADLINE_MS = 300 * 1000,
  LOOK_MS = 100, // Between two looks at something that changes by itself.
  LOOKS = 5,
  IDLE_MS = 10 * 1000,
  ASLEEP_MS = 5 * 1000,
  SKIPPED = 77
};

static const char *farside, *script;

static struct {
  char trace[64]; // The file into which strace writes.
  pid_t child;    // What we started: the app, or the strace of it.
  pid_t app;
  int output; // The end from which we read what the app prints.
  char text[4096];
  char why[1024];
} now;

static bool fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Says why the case failed; the first reason stays. Returns false.
static bool fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (now.why[0] == '\0')
    vsnprintf(now.why, sizeof now.why, format, args);
  va_end(args);
  return false;
}

static uint64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void pass_time(int ms) {
  struct timespec rest = {.tv_sec = ms / 1000,
                          .tv_nsec = (long)(ms % 1000) * 1000000};
  while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
    continue;
}

// -- Processes ----------------------------------------------------------------

typedef enum group {
  GROUP_OWN,     // As a shell makes it: we look after it.
  GROUP_ORPHANED // In a session of its own: nobody does.
} group;

// What ignores a signal hands that on to its children: begin afresh.
static void reset_signals(void) {
  static const int signals[] = {SIGINT,  SIGHUP,  SIGTERM,
                                SIGPIPE, SIGTSTP, SIGCONT};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    signal(signals[i], SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

// Nobody can look for leaks while somebody traces.
static void forbid_leak_search(void) {
  const char *old = getenv("ASAN_OPTIONS");
  char options[PATH_MAX];
  snprintf(options, sizeof options, "%s%sdetect_leaks=0", old ? old : "",
           old ? ":" : "");
  setenv("ASAN_OPTIONS", options, 1);
}

static bool start(group where, const char *const *command) {
  int output[2];
  if (pipe(output) != 0)
    return fail("there is no pipe: %s", strerror(errno));
  now.output = output[0];
  now.child = fork();
  if (now.child == 0) {
    reset_signals();
    if (where == GROUP_ORPHANED)
      setsid();
    else
      setpgid(0, 0);
    if (now.trace[0] != '\0')
      forbid_leak_search();
    close(output[0]);
    dup2(output[1], STDOUT_FILENO);
    close(output[1]);
    execvp(command[0], (char *const *)(uintptr_t)command);
    _exit(127);
  }
  close(output[1]);
  return now.child > 0 || fail("there is no process: %s", strerror(errno));
}

// Waits until the app has printed a text; nothing else comes behind it.
static bool expect(const char *text) {
  uint64_t end_ms = now_ms() + DEADLINE_MS;
  size_t size = strlen(now.text);
  while (strstr(now.text, text) == NULL) {
    uint64_t start_ms = now_ms();
    struct pollfd wanted = {.fd = now.output, .events = POLLIN};
    int ready =
        poll(&wanted, 1, end_ms > start_ms ? (int)(end_ms - start_ms) : 0);
    if (ready < 0 && errno == EINTR)
      continue;
    ssize_t got = ready > 0 ? read(now.output, now.text + size,
                                   sizeof now.text - 1 - size)
                            : 0;
    if (got <= 0)
      return fail("waited for \"%s\"; the app has printed \"%s\"", text,
                  now.text);
    size += (size_t)got;
    now.text[size] = '\0';
  }
  return true;
}

static bool send(int signal) {
  return (now.app > 0 && kill(now.app, signal) == 0) ||
         fail("the app cannot be signalled");
}

// Waits for the next change of what we started; 0 when none comes.
static bool await(int options, int *status) {
  for (uint64_t end_ms = now_ms() + DEADLINE_MS; now_ms() < end_ms;) {
    pid_t changed = waitpid(now.child, status, options | WNOHANG);
    if (changed == now.child)
      return true;
    if (changed < 0 && errno != EINTR)
      return fail("it cannot be waited for: %s", strerror(errno));
    pass_time(LOOK_MS / 10);
  }
  return fail("it neither stopped nor ended");
}

static bool has_stopped(void) {
  int status = 0;
  return await(WUNTRACED, &status) &&
         ((WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP) ||
          fail("it did not stop by SIGTSTP: wait status %#x",
               (unsigned)status));
}

static bool has_exited_with_0(void) {
  int status = 0;
  if (!await(0, &status))
    return false;
  now.child = now.app = 0;
  return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
         fail("it did not exit with 0: wait status %#x", (unsigned)status);
}

// Leaves nothing running and no file, whatever the case came to.
static void clean_up(void) {
  if (now.app > 0)
    kill(now.app, SIGKILL);
  if (now.child > 0) {
    if (now.child != now.app)
      kill(-now.child, SIGKILL);
    kill(now.child, SIGKILL);
    while (waitpid(now.child, NULL, 0) < 0 && errno == EINTR)
      continue;
  }
  if (now.output >= 0)
    close(now.output);
  if (now.trace[0] != '\0')
    unlink(now.trace);
}

// -- What a process has done --------------------------------------------------

typedef struct work {
  uint64_t ticks;    // Of the processor, in both modes.
  uint64_t switches; // Of context, both kinds, of all threads.
  char state;        // 'S' sleeping, 'T' stopped.
} work;

static bool read_file(const char *name, char *text, size_t bytes) {
  char path[320];
  snprintf(path, sizeof path, "/proc/%ld/%s", (long)now.app, name);
  FILE *file = fopen(path, "r");
  if (file == NULL)
    return fail("%s: %s", path, strerror(errno));
  size_t got = fread(text, 1, bytes - 1, file);
  text[got] = '\0';
  fclose(file);
  return true;
}

static uint64_t count_of(const char *text, const char *label) {
  const char *found = strstr(text, label);
  return found ? strtoull(found + strlen(label), NULL, 10) : UINT64_MAX / 4;
}

// Adds up what each thread has done: the watchdog has one of its own.
static bool count_switches(uint64_t *switches) {
  char path[64], name[300], text[8192];
  snprintf(path, sizeof path, "/proc/%ld/task", (long)now.app);
  DIR *folder = opendir(path);
  if (folder == NULL)
    return fail("%s: %s", path, strerror(errno));
  *switches = 0;
  bool is_fine = true;
  for (struct dirent *entry; is_fine && (entry = readdir(folder)) != NULL;) {
    if (entry->d_name[0] == '.')
      continue;
    snprintf(name, sizeof name, "task/%.200s/status", entry->d_name);
    is_fine = read_file(name, text, sizeof text);
    *switches += count_of(text, "\nvoluntary_ctxt_switches:") +
                 count_of(text, "\nnonvoluntary_ctxt_switches:");
  }
  closedir(folder);
  return is_fine;
}

static bool look(work *seen) {
  char text[8192];
  uint64_t user = 0, system = 0;
  if (!read_file("stat", text, sizeof text))
    return false;
  // The name of the program may hold anything; what we read is behind it.
  const char *fields = strrchr(text, ')');
  if (fields == NULL ||
      sscanf(fields,
             ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64
             " %" SCNu64,
             &seen->state, &user, &system) != 3)
    return fail("/proc has an unknown form: %.200s", text);
  seen->ticks = user + system;
  return count_switches(&seen->switches);
}

static bool is_same(const work *a, const work *b) {
  return a->ticks == b->ticks && a->switches == b->switches &&
         a->state == b->state;
}

// Waits until the process was found as it was before, in this state.
static bool settle(char state, work *seen) {
  work last = {0};
  *seen = last;
  for (uint64_t end_ms = now_ms() + DEADLINE_MS; now_ms() < end_ms;) {
    if (!look(seen))
      return false;
    if (seen->state == state && is_same(seen, &last))
      return true;
    last = *seen;
    pass_time(LOOK_MS);
  }
  return fail("it never came to rest in state %c: state %c, %" PRIu64
              " switches of context",
              state, seen->state, seen->switches);
}

static bool does_nothing(char state, int ms) {
  work before, after;
  if (!settle(state, &before))
    return false;
  pass_time(ms);
  return look(&after) &&
         (is_same(&before, &after) ||
          fail("in %d ms: state %c to %c, %" PRIu64 " ticks, %" PRIu64
               " switches of context",
               ms, before.state, after.state, after.ticks - before.ticks,
               after.switches - before.switches));
}

// -- What strace saw ----------------------------------------------------------

static bool trace_size(off_t *size) {
  struct stat file;
  if (stat(now.trace, &file) != 0)
    return fail("%s: %s", now.trace, strerror(errno));
  *size = file.st_size;
  return true;
}

static bool read_trace(off_t from, char *text, size_t bytes) {
  FILE *file = fopen(now.trace, "r");
  if (file == NULL || fseeko(file, from, SEEK_SET) != 0)
    return fail("%s: %s", now.trace, strerror(errno));
  size_t got = fread(text, 1, bytes - 1, file);
  text[got] = '\0';
  fclose(file);
  return true;
}

// The last call was begun and has not returned: "123 epoll_wait(3, ", or the
// "124 futex(0x5, " in which the watchdog sleeps.
static bool is_blocked(off_t size) {
  char text[256];
  if (!read_trace(size > 200 ? size - 200 : 0, text, sizeof text))
    return false;
  const char *line = strrchr(text, '\n');
  line = line ? line : text;
  bool is_wait =
      strstr(line, " epoll_") != NULL || strstr(line, " futex(") != NULL;
  return is_wait && strchr(line, '=') == NULL;
}

// On a busy machine even a call that does not block may take its time.
static bool settle_in_epoll(off_t *size) {
  off_t last = -1;
  int looks = 0;
  *size = 0;
  for (uint64_t end_ms = now_ms() + DEADLINE_MS; now_ms() < end_ms;) {
    if (!trace_size(size))
      return false;
    looks = *size == last && is_blocked(*size) ? looks + 1 : 0;
    if (looks == LOOKS)
      return true;
    last = *size;
    pass_time(LOOK_MS);
  }
  return fail("it never came to rest in epoll_wait");
}

static bool calls_nothing(int ms) {
  off_t before = 0, after = 0;
  if (!settle_in_epoll(&before))
    return false;
  pass_time(ms);
  if (!trace_size(&after))
    return false;
  if (after == before)
    return true;
  char text[600] = "";
  read_trace(before, text, sizeof text);
  return fail("it made calls in %d ms: %s", ms, text);
}

// The first line of the trace is the app's own execve: "123 execve(…".
static bool find_traced(void) {
  char text[256];
  if (!read_trace(0, text, sizeof text))
    return false;
  now.app = (pid_t)strtol(text, NULL, 10);
  return now.app > 1 || fail("strace named no process: %s", text);
}

static bool start_traced(group where) {
  snprintf(now.trace, sizeof now.trace, "/tmp/idle_test.XXXXXX");
  int file = mkstemp(now.trace);
  if (file < 0)
    return fail("there is no file for strace: %s", strerror(errno));
  close(file);
  const char *const command[] = {"strace", "-f",  "-o",   now.trace,
                                 farside,  "run", script, NULL};
  return start(where, command) && expect("ready") && find_traced();
}

static bool start_app(group where) {
  const char *const command[] = {farside, "run", script, NULL};
  if (!start(where, command))
    return false;
  now.app = now.child;
  return expect("ready");
}

// Whether there is a strace, and it may trace.
static bool can_trace(void) {
  pid_t child = fork();
  if (child == 0) {
    execlp("strace", "strace", "-f", "-o", "/dev/null", "true", (char *)NULL);
    _exit(127);
  }
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
    continue;
  return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// -- The cases ----------------------------------------------------------------

static bool an_idle_app_makes_no_call(void) {
  off_t before = 0, after = 0;
  return start_traced(GROUP_OWN) && calls_nothing(IDLE_MS) &&
         trace_size(&before) && send(SIGTERM) && has_exited_with_0() &&
         // The silence was the app's, not the trace's.
         trace_size(&after) &&
         (after > before || fail("strace did not see the end"));
}

static bool an_app_asleep_in_the_loop_makes_no_call(void) {
  return start_traced(GROUP_ORPHANED) && send(SIGTSTP) && expect("pause") &&
         calls_nothing(ASLEEP_MS) && send(SIGCONT) && expect("resume") &&
         send(SIGTERM) && has_exited_with_0();
}

static bool an_app_asleep_in_the_loop_is_never_scheduled(void) {
  return start_app(GROUP_ORPHANED) && send(SIGTSTP) && expect("pause") &&
         does_nothing('S', ASLEEP_MS) && send(SIGCONT) && expect("resume") &&
         send(SIGTERM) && has_exited_with_0();
}

static bool a_stopped_app_really_stops(void) {
  return start_app(GROUP_OWN) && send(SIGTSTP) && expect("pause") &&
         has_stopped() && does_nothing('T', IDLE_MS) && send(SIGCONT) &&
         expect("resume") && send(SIGTERM) && has_exited_with_0();
}

static const struct {
  const char *name;
  bool (*holds)(void);
  bool is_traced;
} cases[] = {
    {"an_idle_app_makes_no_call", an_idle_app_makes_no_call, true},
    {"an_app_asleep_in_the_loop_makes_no_call",
     an_app_asleep_in_the_loop_makes_no_call, true},
    {"an_app_asleep_in_the_loop_is_never_scheduled",
     an_app_asleep_in_the_loop_is_never_scheduled, false},
    {"a_stopped_app_really_stops", a_stopped_app_really_stops, false},
};

static bool check(size_t i) {
  memset(&now, 0, sizeof now);
  now.output = -1;
  bool is_fine = cases[i].holds();
  clean_up();
  if (is_fine)
    printf("ok %s\n", cases[i].name);
  else
    printf("not ok %s: %s\n", cases[i].name, now.why);
  fflush(stdout);
  return is_fine;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: idle_test FARSIDE FOLDER\n");
    return 2;
  }
  static char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/idle.lua", argv[2]);
  farside = argv[1];
  script = path;
  bool is_traceable = can_trace();
  int passed = 0, failed = 0;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (cases[i].is_traced && !is_traceable)
      printf("skipped %s: strace is missing, or may not trace here\n",
             cases[i].name);
    else if (check(i))
      passed++;
    else
      failed++;
  }
  printf("%d passed, %d failed\n", passed, failed);
  if (failed > 0)
    return 1;
  return is_traceable ? 0 : SKIPPED;
}
