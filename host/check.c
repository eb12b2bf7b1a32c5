// farside simulate --check: whether two runs of the same are the same, whether
// the script would do the same if it were told another time that remains, and
// whether its plan would hold if the system took its time with wake-ups.
//
// The runs are two processes, so that nothing which differs from process to
// process stays the same by chance: addresses, the order of tables, the clock.

#include "rule.h"
#include "simulation.h"

#include <errno.h>
#include <fcntl.h>
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

// The same words, with the timeline on standard output, and one word more
// unless it is NULL.
static char **words_of(const command_line *line, char *more) {
  char **words = calloc((size_t)line->word_count + 6, sizeof *words);
  if (words == NULL)
    return NULL;
  static char name[] = "farside", simulate[] = "simulate",
              timeline[] = "--timeline=-";
  size_t count = 0;
  words[count++] = name;
  words[count++] = simulate;
  words[count++] = timeline;
  if (more != NULL)
    words[count++] = more;
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

// What a script says is no deed. Of an error counts that there was one.
static bool is_talk(char *line) {
  if (strstr(line, "\"what\":\"log\"") == NULL)
    return false;
  char *text = strstr(line, ",\"why\":");
  if (text != NULL)
    strcpy(text, "}\n");
  return strstr(line, "\"level\":\"error\"") == NULL;
}

// The next line; `is_silent`: of those that are no talk.
static void advance(run *one, bool is_silent) {
  do
    one->has_line = getline(&one->line, &one->line_bytes, one->lines) > 0;
  while (is_silent && one->has_line && is_talk(one->line));
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

static void compare(comparison *all, run *one, run *two, bool is_silent) {
  for (;;) {
    advance(one, is_silent);
    advance(two, is_silent);
    all->is_same = one->has_line == two->has_line &&
                   (!one->has_line || strcmp(one->line, two->line) == 0);
    if (!all->is_same || !one->has_line)
      return;
    keep(all, one->line);
  }
}

static void put_lines(const comparison *all, const run *one, const run *two) {
  uint64_t from = all->entries > LINES_BEFORE ? all->entries - LINES_BEFORE : 0;
  for (uint64_t i = from; i < all->entries; i++)
    if (all->before[i % LINES_BEFORE] != NULL)
      printf("before  %s", all->before[i % LINES_BEFORE]);
  printf("first   %s", text_of(one));
  printf("second  %s", text_of(two));
}

static void put_difference(const comparison *all, const run *one,
                           const run *two) {
  printf("two runs differ at entry %llu\n\n",
         (unsigned long long)all->entries + 1);
  put_lines(all, one, two);
  printf("\nThe script or the plan sees something that is not simulated: the "
         "time of the\nprocessor (a limit was reached), a file, with --trust "
         "the whole machine.\ndocs/reference.md, \"Why two runs may differ\", "
         "has the list.\n");
}

static int fail(void) {
  fprintf(stderr, "farside: a process of --check cannot be started\n");
  return EXIT_SCRIPT_FAILED;
}

// Runs both and compares them. False when they cannot be run.
static bool play(comparison *all, run *one, char **words, run *two,
                 char **others, bool is_silent) {
  if (words == NULL || others == NULL || !start(one, words, !is_silent) ||
      !start(two, others, false))
    return false;
  compare(all, one, two, is_silent);
  return true;
}

static void forget(comparison *all) {
  for (size_t i = 0; i < LINES_BEFORE; i++)
    free(all->before[i]);
}

// Whether the phone knows this rule, and it may not be broken.
static bool is_kept(const command_line *line, far_rule_id rule) {
  far_profile profile = FAR_PROFILE_IOS, os;
  if (line->os != NULL)
    (void)far_profile_find(line->os, &profile);
  return far_rule_outcome(rule, profile, &os) != NULL &&
         (line->allowed & far_rule_bit(rule)) == 0;
}

// -- The time that remains ----------------------------------------------------

static void put_dependence(const comparison *all, const run *one,
                           const run *two, const char *other, bool is_failure) {
  const far_rule *rule = far_rule_get(FAR_RULE_BG12);
  printf("%s: BG12, %s: what happens is another when the script reads that %s "
         "remains\n\n",
         is_failure ? "broken" : "warning", far_rule_title(FAR_RULE_BG12),
         other);
  put_lines(all, one, two);
  printf("\n%s\nA script may write the number to its log: what it says is not "
         "compared. With\n--remaining %s the other run can be seen.\n",
         rule->advice, other);
}

// Whether all but the log is the same when the script is told that so much
// time remains. EXIT_FINE, EXIT_RULE_BROKEN, or that it could not be found out.
static int compare_reading(const command_line *line, char *option) {
  const char *other = strchr(option, '=') + 1;
  char **words = words_of(line, NULL), **others = words_of(line, option);
  run one = {0}, two = {0};
  comparison all = {0};
  int code = EXIT_FINE;
  if (!play(&all, &one, words, &two, others, true)) {
    code = fail();
  } else if (!all.is_same) {
    put_dependence(&all, &one, &two, other, line->is_strict);
    code = EXIT_RULE_BROKEN;
  }
  forget(&all);
  end(&one);
  end(&two);
  free(words);
  free(others);
  return code;
}

// As if it were nearly over, and as if there were no end to it: whoever goes by
// that number goes another way in one of both. It is a warning.
static int check_readings(const command_line *line) {
  static char little[] = "--remaining=1s", much[] = "--remaining=1h";
  if (!is_kept(line, FAR_RULE_BG12) || line->remaining_ms != 0)
    return EXIT_FINE;
  int code = compare_reading(line, little);
  if (code == EXIT_FINE)
    code = compare_reading(line, much);
  return code == EXIT_RULE_BROKEN && !line->is_strict ? EXIT_FINE : code;
}

// -- The time of a fetch ------------------------------------------------------

// What came of a plan, said in one piece by the process that has played it.
typedef struct story {
  int code;
  size_t granted;
  uint64_t granted_ms[SIMULATION_GRANTS];
  char failure[1024]; // The first: its place, and a sentence.
} story;

_Noreturn static void tell(const command_line *line, int pipe) {
  int nowhere = open("/dev/null", O_WRONLY);
  if (nowhere >= 0)
    dup2(nowhere, STDOUT_FILENO);
  simulation mine = {.line = line, .seed = line->seed, .is_quiet = true};
  if (!simulation_play(&mine))
    _exit(EXIT_SCRIPT_FAILED);
  story told = {.code = simulation_verdict(&mine), .granted = mine.granted};
  memcpy(told.granted_ms, mine.granted_ms, sizeof told.granted_ms);
  const char *failure = mine.failures ? mine.failures : mine.error;
  snprintf(told.failure, sizeof told.failure, "%.*s",
           (int)strcspn(failure, "\n"), failure);
  ssize_t written = write(pipe, &told, sizeof told);
  _exit(written == sizeof told ? EXIT_FINE : EXIT_SCRIPT_FAILED);
}

// Plays it in a process of its own: a plan may end the one that it runs in.
// False when nothing was heard of it.
static bool hear(const command_line *line, story *told) {
  int ends[2], status;
  if (pipe(ends) != 0)
    return false;
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0)
    tell(line, ends[1]);
  close(ends[1]);
  ssize_t bytes = 0;
  do
    bytes = read(ends[0], told, sizeof *told);
  while (bytes < 0 && errno == EINTR);
  close(ends[0]);
  while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
    continue;
  return bytes == sizeof *told;
}

static void put_grant(const char *which, const story *told, size_t index) {
  if (index >= told->granted) {
    printf("%s  wake-up %zu was not granted any more\n", which, index + 1);
    return;
  }
  uint64_t at_ms = told->granted_ms[index];
  printf("%s  wake-up %zu was granted at %llu.%03u s\n", which, index + 1,
         (unsigned long long)at_ms / 1000, (unsigned)(at_ms % 1000));
}

// The first wake-up that came at another time is where both runs part.
static void put_reliance(const story *one, const story *two, bool is_failure) {
  size_t at = 0;
  while (at + 1 < one->granted && at + 1 < SIMULATION_GRANTS &&
         at < two->granted && one->granted_ms[at] == two->granted_ms[at])
    at++;
  printf("%s: FE02, %s: the plan fails when wake-ups come late\n\n%s\n",
         is_failure ? "broken" : "warning", far_rule_title(FAR_RULE_FE02),
         two->failure);
  put_grant("first ", one, at);
  put_grant("second", two, at);
  printf("\n%s\nWith --late-wakes the other run can be seen.\n",
         far_rule_get(FAR_RULE_FE02)->advice);
}

// The same seed, and each wake-up as late as the system may let it come: a plan
// that holds only when they are early relies on what nobody promises. It is a
// warning.
static int check_wakes(const command_line *line) {
  if (!is_kept(line, FAR_RULE_FE02) || line->plan == NULL ||
      line->has_late_wakes)
    return EXIT_FINE;
  command_line late = *line;
  late.has_late_wakes = true;
  story one, two;
  if (!hear(line, &one) || one.code != EXIT_FINE || one.granted == 0 ||
      !hear(&late, &two) || *two.failure == '\0')
    return EXIT_FINE;
  put_reliance(&one, &two, line->is_strict);
  return line->is_strict ? EXIT_RULE_BROKEN : EXIT_FINE;
}

// -- The whole ----------------------------------------------------------------

int simulate_check(const command_line *line) {
  char **words = words_of(line, NULL);
  run one = {0}, two = {0};
  comparison all = {0};
  bool is_fine = play(&all, &one, words, &two, words, false);
  if (!is_fine)
    fail();
  else if (!all.is_same)
    put_difference(&all, &one, &two);
  else
    printf("%s: two runs are the same, all %llu entries, seed %llu\n",
           line->scripts[0], (unsigned long long)all.entries,
           (unsigned long long)simulation_seed(line));
  forget(&all);
  int code = end(&one), other = end(&two);
  free(words);
  if (!is_fine || !all.is_same)
    return EXIT_SCRIPT_FAILED;
  if (code != other) {
    printf("but the exit codes differ: %d and %d\n", code, other);
    return EXIT_SCRIPT_FAILED;
  }
  int reading = check_readings(line);
  int waking = code == EXIT_FINE ? check_wakes(line) : EXIT_FINE;
  int found =
      simulation_rank(reading) > simulation_rank(waking) ? reading : waking;
  return simulation_rank(found) > simulation_rank(code) ? found : code;
}
