// What a confined process is refused, and what the wire to it refuses to read.
//
// Each case runs in a process of its own, because nothing that was given up can
// be had again: it confines itself, tries, and exits with what came of it. What
// the kernel cannot do at all is skipped.

#define _GNU_SOURCE // memfd_create

#include "../host/confine.h"
#include "../host/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#endif

enum { FINE = 0, ALLOWED = 1, SKIPPED = 77 };

static int cases, failures;
static char folder[64];

static void check(bool is_fine, const char *what) {
  cases++;
  if (is_fine)
    return;
  failures++;
  fprintf(stderr, "FAILED: %s\n", what);
}

// The exit status of `attempt` in a process of its own; 128 and the signal when
// one ended it.
static int outcome(int (*attempt)(void)) {
  fflush(NULL);
  pid_t child = fork();
  if (child == 0)
    _exit(attempt());
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// -- Calls --------------------------------------------------------------------

#if defined(__linux__)

static bool is_refused(long result) {
  return result == -1 && errno == EPERM;
}

static bool exec(void) {
  char *const args[] = {(char[]){"true"}, NULL};
  return is_refused(execv("/bin/true", args));
}

static bool process(void) {
  return is_refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static void *nothing(void *unused) {
  return unused;
}

static bool thread(void) {
  pthread_t id;
  return pthread_create(&id, NULL, nothing, NULL) != 0;
}

static bool socket_of_any_kind(void) {
  int pair[2];
  return is_refused(socket(AF_INET, SOCK_STREAM, 0)) &&
         is_refused(socket(AF_UNIX, SOCK_STREAM, 0)) &&
         is_refused(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

static bool write_a_file(void) {
  char path[128];
  snprintf(path, sizeof path, "%s/script.lua", folder);
  return is_refused(open(path, O_WRONLY)) && is_refused(open(path, O_RDWR)) &&
         is_refused(open(path, O_RDONLY | O_TRUNC)) &&
         is_refused(openat(AT_FDCWD, path, O_WRONLY | O_APPEND)) &&
         is_refused(open("/tmp/farside-confine", O_CREAT | O_RDONLY, 0600)) &&
         is_refused(open("/tmp", O_TMPFILE | O_RDWR, 0600)) &&
         is_refused(creat("/tmp/farside-confine", 0600));
}

static bool change_files(void) {
  char path[128];
  snprintf(path, sizeof path, "%s/script.lua", folder);
  return is_refused(unlink(path)) && is_refused(rename(path, "/tmp/x")) &&
         is_refused(link(path, "/tmp/x")) &&
         is_refused(symlink(path, "/tmp/x")) && is_refused(chmod(path, 0777)) &&
         is_refused(truncate(path, 0)) &&
         is_refused(mkdir("/tmp/farside-confine", 0700)) &&
         is_refused(rmdir(folder)) && is_refused(chdir("/"));
}

static bool signal_others(void) {
  return is_refused(kill(getppid(), 0)) &&
         is_refused(kill(getpid(), SIGTERM)) &&
         is_refused(syscall(SYS_tgkill, getppid(), getppid(), SIGTERM)) &&
         is_refused(syscall(SYS_tkill, getppid(), SIGTERM)) &&
         is_refused(fcntl(0, F_SETOWN, getppid()));
}

static bool look_into_others(void) {
  char byte;
  struct iovec local = {&byte, 1}, remote = {&byte, 1};
  return is_refused(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL)) &&
         is_refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL)) &&
         is_refused(syscall(SYS_process_vm_readv, getppid(), &local, 1, &remote,
                            1, 0)) &&
         is_refused(syscall(SYS_process_vm_writev, getppid(), &local, 1,
                            &remote, 1, 0));
}

static bool become_somebody(void) {
  return is_refused(setuid(getuid())) && is_refused(setgid(getgid())) &&
         is_refused(setsid()) && is_refused(prctl(PR_SET_DUMPABLE, 1)) &&
         is_refused(syscall(SYS_unshare, 0)) &&
         is_refused(syscall(SYS_mount, "", "", "", 0, NULL)) &&
         is_refused(syscall(SYS_chroot, "/"));
}

static bool run_fresh_code(void) {
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page != MAP_FAILED &&
         is_refused(mprotect(page, 4096, PROT_READ | PROT_EXEC)) &&
         mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
              -1, 0) == MAP_FAILED &&
         is_refused(memfd_create("x", 0));
}

static bool lift_limits(void) {
  struct rlimit limit = {.rlim_cur = 1024, .rlim_max = 1024};
  return is_refused(setrlimit(RLIMIT_NOFILE, &limit)) &&
         getrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static bool type_into_the_terminal(void) {
  return is_refused(ioctl(0, 0x5412 /* TIOCSTI */, "x"));
}

// A pointer whose lower half is zero is not NULL.
static bool hide_in_the_upper_half(void) {
  return is_refused(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE,
                            (void *)(uintptr_t)0x100000000u, NULL));
}

static bool time_others(void) {
  timer_t timer;
  struct sigevent nothing = {.sigev_notify = SIGEV_NONE};
  return is_refused(timer_create(CLOCK_REALTIME, &nothing, &timer)) &&
         is_refused(timer_create(CLOCK_PROCESS_CPUTIME_ID, &nothing, &timer));
}

// What host/alarm.c does.
static bool set_alarm(void) {
  timer_t timer;
  struct sigevent nothing = {.sigev_notify = SIGEV_NONE};
  struct itimerspec soon = {.it_value = {.tv_nsec = 1000}};
  return timer_create(CLOCK_MONOTONIC, &nothing, &timer) == 0 &&
         timer_settime(timer, 0, &soon, NULL) == 0 && timer_delete(timer) == 0;
}

static bool work(void) {
  char path[128], text[8] = "";
  snprintf(path, sizeof path, "%s/script.lua", folder);
  struct stat about;
  struct timespec rest = {.tv_nsec = 1000000};
  FILE *file = fopen(path, "r");
  bool is_read = file != NULL && fread(text, 1, 4, file) == 4;
  if (file != NULL)
    fclose(file);
  void *block = malloc(32 * 1024 * 1024);
  bool has_memory = block != NULL;
  free(block);
  signal(SIGURG, SIG_IGN);
  return is_read && has_memory && set_alarm() && stat(path, &about) == 0 &&
         nanosleep(&rest, NULL) == 0 && raise(SIGURG) == 0 && time(NULL) > 0;
}

static bool (*attempted)(void);

static int attempt_call(void) {
  return !far_confine_calls() ? SKIPPED : attempted() ? FINE : ALLOWED;
}

static const struct {
  const char *what;
  bool (*attempt)(void);
} attempts[] = {{"execve", exec},
                {"a new process", process},
                {"a new thread", thread},
                {"sockets", socket_of_any_kind},
                {"a file that is written", write_a_file},
                {"names and modes of files", change_files},
                {"signals to others", signal_others},
                {"other processes", look_into_others},
                {"other rights", become_somebody},
                {"code that was data", run_fresh_code},
                {"wider limits", lift_limits},
                {"keys for the terminal", type_into_the_terminal},
                {"timers on other clocks", time_others},
                {"a hidden pointer", hide_in_the_upper_half},
                {"(allowed) what a script needs", work}};

static bool test_calls(void) {
  for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
    attempted = attempts[i].attempt;
    int result = outcome(attempt_call);
    if (result == SKIPPED)
      return false;
    check(result == FINE, attempts[i].what);
  }
  return true;
}

// The filter holds for a thread that was there before.
static void *try_late(void *gate) {
  char byte;
  if (read(*(int *)gate, &byte, 1) != 1)
    return NULL;
  return is_refused(socket(AF_INET, SOCK_STREAM, 0)) ? gate : NULL;
}

static int attempt_thread(void) {
  int gate[2];
  pthread_t id;
  void *result = NULL;
  if (pipe(gate) != 0 || pthread_create(&id, NULL, try_late, gate) != 0)
    return ALLOWED;
  if (!far_confine_calls())
    return SKIPPED;
  if (write(gate[1], "", 1) != 1 || pthread_join(id, &result) != 0)
    return ALLOWED;
  return result == gate ? FINE : ALLOWED;
}

#endif

// -- Reading ------------------------------------------------------------------

static int attempt_reading(void) {
  char inside[128];
  snprintf(inside, sizeof inside, "%s/script.lua", folder);
  const char *const paths[] = {folder, "/there/is/no/such", NULL};
  if (!far_confine_reading(paths))
    return SKIPPED;
  bool is_fine = open(inside, O_RDONLY) >= 0 &&
                 open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES;
  snprintf(inside, sizeof inside, "%s/new", folder);
  is_fine = is_fine && open(inside, O_CREAT | O_WRONLY, 0600) < 0;
  return is_fine ? FINE : ALLOWED;
}

// -- Limits -------------------------------------------------------------------

static int attempt_limits(void) {
  if (!far_confine_limits(1024 * 1024))
    return ALLOWED;
  struct rlimit core;
  bool is_fine = getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0;
  struct rlimit files;
  if (getrlimit(RLIMIT_FSIZE, &files) != 0 || files.rlim_max != 0)
    return is_fine ? SKIPPED : ALLOWED; // Under a sanitizer.
  // Memory: the script's, and the host's, and not a gigabyte.
  void *fits = malloc(64 * 1024 * 1024);
  is_fine = is_fine && fits != NULL;
  is_fine = is_fine && mmap(NULL, (size_t)1 << 30, PROT_READ,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
  free(fits);
  char path[128];
  snprintf(path, sizeof path, "%s/script.lua", folder);
  int file = open(path, O_WRONLY | O_APPEND);
  is_fine = is_fine && file >= 0 && write(file, "x", 1) < 0 && errno == EFBIG;
  int last = 0;
  for (int i = 0; i < 1000 && last >= 0; i++)
    last = dup(0);
  return is_fine && last < 0 ? FINE : ALLOWED;
}

static int attempt_files(void) {
  int file = dup(0), high = fcntl(0, F_DUPFD, 200);
  far_confine_files(3);
  return fcntl(file, F_GETFD) < 0 && fcntl(high, F_GETFD) < 0 &&
                 fcntl(0, F_GETFD) >= 0
             ? FINE
             : ALLOWED;
}

// -- The wire -----------------------------------------------------------------

static bool feed(far_wire_reader *reader, const char *text) {
  return far_wire_feed(reader, text, strlen(text));
}

// How many lines come of a text, and whether the wire holds.
static int count_lines(const char *text, size_t values_max, bool *holds) {
  far_wire_reader reader = {.values_max = values_max};
  int lines = 0;
  json_t *line;
  // A byte at a time: a line may come in any pieces.
  for (size_t i = 0; text[i] != '\0'; i++) {
    far_wire_feed(&reader, text + i, 1);
    while ((line = far_wire_next(&reader)) != NULL) {
      lines++;
      json_decref(line);
    }
  }
  *holds = !reader.is_broken;
  far_wire_reader_deinit(&reader);
  return lines;
}

static void test_lines(void) {
  bool holds;
  check(count_lines("{\"a\":1}\n{}\n{\"b\"", 0, &holds) == 2 && holds, "lines");
  static const char *const wrong[] = {
      "\n",     "[]\n",   "1\n",        "{\n",
      "{}{}\n", "\x80\n", "{\"a\":}\n", "{\"a\":\"\\u0000\"}\n"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    check(count_lines(wrong[i], 0, &holds) == 0 && !holds, wrong[i]);
  const char *many = "{\"a\":[1,2,3,4,5],\"b\":\"[,[,[,\\\"[,[\"}\n";
  check(count_lines(many, 8, &holds) == 1 && holds, "few values");
  check(count_lines(many, 6, &holds) == 0 && !holds, "many values");
}

static void test_endless_line(void) {
  far_wire_reader reader = {.values_max = 64};
  static char chunk[64 * 1024];
  memset(chunk, 'x', sizeof chunk);
  size_t taken = 0;
  while (far_wire_feed(&reader, chunk, sizeof chunk) &&
         taken < 2 * (size_t)FAR_WIRE_LINE_MAX) {
    taken += sizeof chunk;
    json_decref(far_wire_next(&reader));
  }
  check(taken <= FAR_WIRE_LINE_MAX && reader.is_broken, "an endless line");
  check(!feed(&reader, "{}\n") && far_wire_next(&reader) == NULL,
        "a broken wire stays broken");
  far_wire_reader_deinit(&reader);
}

static void test_text(void) {
  static const char *const texts[] = {"", "plain", "é", "\xff\x80\xc3",
                                      "a\x01\n"};
  char *raw;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    json_t *text = far_wire_text(texts[i]);
    const char *back = far_wire_string(text, &raw);
    check(back != NULL && strcmp(back, texts[i]) == 0, texts[i]);
    free(raw);
    json_decref(text);
  }
  check(far_wire_text(NULL) == NULL && far_wire_string(NULL, &raw) == NULL,
        "no text");
  size_t bytes = FAR_WIRE_TEXT_MAX + 10;
  char *longest = malloc(bytes + 1);
  memset(longest, '\x01', bytes);
  longest[bytes] = '\0';
  farside_entry entry = {.what = "log", .state = "active", .why = longest};
  char *line = far_wire_line(far_wire_entry(&entry), &bytes);
  check(line != NULL && bytes < FAR_WIRE_LINE_MAX, "the longest text fits");
  free(line);
  free(longest);
}

static void test_entries(void) {
  farside_entry entry = {.t_ms = 12,
                         .what = "task.finish",
                         .level = FARSIDE_WARN,
                         .state = "background",
                         .script = "a",
                         .task = 65537,
                         .name = "\xff",
                         .where = "a.lua:1"};
  json_t *line = far_wire_entry(&entry);
  far_wire_entry_read read;
  check(far_wire_entry_parse(line, &read) && read.entry.t_ms == 12 &&
            strcmp(read.entry.what, "task.finish") == 0 &&
            read.entry.level == FARSIDE_WARN && read.entry.task == 65537 &&
            strcmp(read.entry.name, "\xff") == 0 && read.entry.why == NULL,
        "an entry there and back");
  far_wire_entry_free(&read);
  json_decref(line);
  static const char *const wrong[] = {
      "{\"what\":\"log\",\"level\":9,\"t\":0,\"state\":\"active\"}",
      "{\"what\":\"log\",\"level\":-1,\"t\":0,\"state\":\"active\"}",
      "{\"what\":\"lag\",\"level\":1,\"t\":0,\"state\":\"active\"}",
      "{\"what\":\"log\",\"level\":1,\"t\":0,\"state\":\"\\u001b[2J\"}",
      "{\"what\":[],\"level\":{},\"t\":\"\",\"state\":1,\"why\":{}}",
      "{\"what\":\"log\",\"level\":1,\"t\":-5,\"state\":\"active\"}"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    line = json_loads(wrong[i], 0, NULL);
    check(!far_wire_entry_parse(line, &read), wrong[i]);
    far_wire_entry_free(&read);
    json_decref(line);
  }
  line =
      json_loads("{\"what\":\"log\",\"level\":1,\"t\":0,\"state\":\"active\","
                 "\"why\":7}",
                 0, NULL);
  check(far_wire_entry_parse(line, &read) && read.entry.why[0] == '\0',
        "a log has a text");
  far_wire_entry_free(&read);
  json_decref(line);
}

int main(void) {
  snprintf(folder, sizeof folder, "/tmp/farside-confine-%ld", (long)getpid());
  char path[128];
  snprintf(path, sizeof path, "%s/script.lua", folder);
  FILE *file = mkdir(folder, 0700) == 0 ? fopen(path, "w") : NULL;
  if (file == NULL || fputs("-- a script\n", file) < 0 || fclose(file) != 0) {
    fprintf(stderr, "there is no %s\n", path);
    return EXIT_FAILURE;
  }
  test_lines();
  test_endless_line();
  test_text();
  test_entries();
  check(outcome(attempt_files) == FINE, "files that were open");
  int limits = outcome(attempt_limits), reading = outcome(attempt_reading);
  check(limits == FINE || limits == SKIPPED, "limits");
  check(reading == FINE || reading == SKIPPED, "files elsewhere");
#if defined(__linux__)
  if (!test_calls())
    printf("skipped: this kernel filters no calls\n");
  int late = outcome(attempt_thread);
  check(late == FINE || late == SKIPPED, "a thread that was there before");
#endif
  if (limits == SKIPPED || reading == SKIPPED)
    printf("skipped:%s%s\n", limits == SKIPPED ? " limits" : "",
           reading == SKIPPED ? " reading" : "");
  remove(path);
  rmdir(folder);
  printf("%d cases, %d failed\n", cases, failures);
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
