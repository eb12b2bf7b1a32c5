// farside simulate --check: whether two runs of the same are the same.
//
// The runs are two processes, so that nothing which differs from process to
// process stays the same by chance: addresses, the order of tables, the clock.

#include "simulation.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { LINES_BEFORE = 3 };

typedef struct run {
  pid_t pid;
  FILE *lines;
  char *line;
  size_t line_bytes;
  bool has_line;
} run;

static const char *program(void) {
  return access("/proc/self/exe", X_OK) == 0 ? "/proc/self/exe" : "farside";
}

// The same words, with the timeline on standard output.
static char **words_of(const command_line *line) {
  char **words = calloc((size_t)line->word_count + 5, sizeof *words);
  if (words == NULL)
    return NULL;
  static char name[] = "farside", simulate[] = "simulate",
              timeline[] = "--timeline=-";
  size_t count = 0;
  words[count++] = name;
  words[count++] = simulate;
  words[count++] = timeline;
  int own = line->word_count - line->argc;
  for (int i = 0; i < line->word_count; i++)
    if (i >= own || strcmp(line->words[i], "--check") != 0)
      words[count++] = (char *)(uintptr_t)line->words[i];
  return words;
}

static bool start(run *one, char *const *words, bool is_heard) {
  int ends[2];
  if (pipe(ends) != 0)
    return false;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  // What goes wrong is told once.
  if (!is_heard)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                     1 /* O_WRONLY */, 0);
  int failure =
      posix_spawnp(&one->pid, program(), &actions, NULL, words, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  one->lines = failure == 0 ? fdopen(ends[0], "r") : NULL;
  if (one->lines == NULL)
    close(ends[0]);
  return one->lines != NULL;
}

static int end(run *one) {
  int status = 0;
  if (one->lines != NULL)
    fclose(one->lines);
  while (one->pid > 0 && waitpid(one->pid, &status, 0) < 0 && errno == EINTR)
    continue;
  free(one->line);
  return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SCRIPT_FAILED;
}

static void advance(run *one) {
  one->has_line = getline(&one->line, &one->line_bytes, one->lines) > 0;
}

static const char *text_of(const run *one) {
  return one->has_line ? one->line : "(it ended before)\n";
}

typedef struct comparison {
  uint64_t entries;
  bool is_same;
  char *before[LINES_BEFORE];
} comparison;

static void keep(comparison *all, const char *line) {
  char **place = &all->before[all->entries++ % LINES_BEFORE];
  free(*place);
  *place = strdup(line);
}

static void compare(comparison *all, run *one, run *two) {
  for (;;) {
    advance(one);
    advance(two);
    all->is_same = one->has_line == two->has_line &&
                   (!one->has_line || strcmp(one->line, two->line) == 0);
    if (!all->is_same || !one->has_line)
      return;
    keep(all, one->line);
  }
}

static void put_difference(const comparison *all, const run *one,
                           const run *two) {
  printf("two runs differ at entry %llu\n\n",
         (unsigned long long)all->entries + 1);
  uint64_t from = all->entries > LINES_BEFORE ? all->entries - LINES_BEFORE : 0;
  for (uint64_t i = from; i < all->entries; i++)
    if (all->before[i % LINES_BEFORE] != NULL)
      printf("before  %s", all->before[i % LINES_BEFORE]);
  printf("first   %s", text_of(one));
  printf("second  %s", text_of(two));
  printf("\nThe script or the plan sees something that is not simulated: the "
         "time of the\nprocessor (a limit was reached), a file, with --trust "
         "the whole machine.\ndocs/reference.md, \"Why two runs may differ\", "
         "has the list.\n");
}

int simulate_check(const command_line *line) {
  char **words = words_of(line);
  run one = {0}, two = {0};
  comparison all = {0};
  bool is_fine = words && start(&one, words, true) && start(&two, words, false);
  if (is_fine)
    compare(&all, &one, &two);
  if (is_fine && !all.is_same)
    put_difference(&all, &one, &two);
  else if (is_fine)
    printf("%s: two runs are the same, all %llu entries, seed %llu\n",
           line->scripts[0], (unsigned long long)all.entries,
           (unsigned long long)simulation_seed(line));
  else
    fprintf(stderr, "farside: a process of --check cannot be started\n");
  for (size_t i = 0; i < LINES_BEFORE; i++)
    free(all.before[i]);
  int code = end(&one), other = end(&two);
  free(words);
  if (is_fine && all.is_same && code != other) {
    printf("but the exit codes differ: %d and %d\n", code, other);
    return EXIT_SCRIPT_FAILED;
  }
  return is_fine && all.is_same ? code : EXIT_SCRIPT_FAILED;
}
