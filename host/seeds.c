// farside simulate --seeds: the same script under many seeds, in parallel.
//
// Each process plays every nth seed and writes what came of it to a
// pipe. One that crashes has said which seed it was about to play: that one is
// told, and a new process goes on behind it.

#include "simulation.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// What a process says; less than PIPE_BUF, so it comes in one piece.
typedef struct message {
  uint64_t index;
  bool is_end; // Else it is about to be played.
  int code;
  uint64_t hash;
  uint64_t figures[FAR_FIGURES];
  char reason[200];
} message;

enum { CRASHED = -1, PENDING = -2 };

typedef struct outcome {
  int code; // Or CRASHED, or PENDING.
  uint64_t hash;
  uint64_t figures[FAR_FIGURES];
  char *reason; // NULL when all is well.
} outcome;

typedef struct worker {
  pid_t pid;      // Zero: there is none.
  int pipe;       // Its messages.
  uint64_t begun; // The seed it said last.
  bool has_begun; // And not what came of it.
  uint64_t next;  // What it is to play, or its successor.
} worker;

typedef struct batch {
  const command_line *line;
  uint64_t first, count, done, failed;
  size_t jobs;
  worker *workers;
  outcome *outcomes;
  uint64_t began_ms;
} batch;

// -- Inside a process ---------------------------------------------------------

static bool say(int pipe, const message *what) {
  ssize_t written;
  do
    written = write(pipe, what, sizeof *what);
  while (written < 0 && errno == EINTR);
  return written == sizeof *what;
}

static void tell(message *what, const simulation *played) {
  what->is_end = true;
  what->code = simulation_verdict(played);
  what->hash = far_device_host(played->device)->timeline.hash;
  for (size_t i = 0; i < FAR_FIGURES; i++)
    what->figures[i] = far_figure(&played->figures, i);
  const char *reason = simulation_reason(played);
  snprintf(what->reason, sizeof what->reason, "%.*s",
           (int)strcspn(reason, "\n"), reason);
}

_Noreturn static void work(const batch *all, uint64_t index, int pipe) {
  // What a plan prints would be printed a thousand times.
  int nowhere = open("/dev/null", O_WRONLY);
  if (nowhere >= 0)
    dup2(nowhere, STDOUT_FILENO);
  for (; index < all->count; index += all->jobs) {
    message what = {.index = index};
    simulation mine = {.line = all->line, .seed = all->first + index};
    if (!say(pipe, &what) || !simulation_play(&mine))
      _exit(1);
    tell(&what, &mine);
    simulation_end(&mine);
    if (!say(pipe, &what))
      _exit(1);
  }
  _exit(0);
}

// -- Outside ------------------------------------------------------------------

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool start(batch *all, worker *one) {
  int ends[2];
  one->pid = 0;
  one->has_begun = false;
  if (one->next >= all->count)
    return true;
  if (pipe(ends) != 0)
    return false;
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    for (size_t i = 0; i < all->jobs; i++)
      if (all->workers[i].pid > 0)
        close(all->workers[i].pipe);
    close(ends[0]);
    work(all, one->next, ends[1]);
  }
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return false;
  }
  one->pid = pid;
  one->pipe = ends[0];
  return true;
}

static void take(batch *all, worker *one, const message *what) {
  one->has_begun = !what->is_end;
  one->begun = what->index;
  one->next = what->index + all->jobs;
  if (!what->is_end)
    return;
  outcome *its = &all->outcomes[what->index];
  its->code = what->code;
  its->hash = what->hash;
  memcpy(its->figures, what->figures, sizeof its->figures);
  if (what->code != EXIT_FINE)
    its->reason = strdup(what->reason);
  all->done++;
  all->failed += what->code != EXIT_FINE;
}

// A process has ended: in good order, or with the seed that it played last.
static bool bury(batch *all, worker *one) {
  int status = 0;
  close(one->pipe);
  while (waitpid(one->pid, &status, 0) < 0 && errno == EINTR)
    continue;
  one->pid = 0;
  if (!one->has_begun)
    return one->next >= all->count;
  outcome *its = &all->outcomes[one->begun];
  char reason[80];
  if (WIFSIGNALED(status))
    snprintf(reason, sizeof reason, "crashed: %s", strsignal(WTERMSIG(status)));
  else
    snprintf(reason, sizeof reason, "its process ended with code %d",
             WEXITSTATUS(status));
  its->code = CRASHED;
  its->reason = strdup(reason);
  all->done++;
  all->failed++;
  return start(all, one);
}

static void put_progress(const batch *all) {
  if (!isatty(STDERR_FILENO))
    return;
  uint64_t passed_ms = now_ms() - all->began_ms;
  fprintf(stderr, "\r%llu of %llu seeds, %llu failed",
          (unsigned long long)all->done, (unsigned long long)all->count,
          (unsigned long long)all->failed);
  if (all->done > 0 && passed_ms > 2000)
    fprintf(stderr, ", %llu s left",
            (unsigned long long)(passed_ms * (all->count - all->done) /
                                 all->done / 1000));
  fprintf(stderr, "\x1b[K%s", all->done == all->count ? "\r\x1b[K" : "");
}

// Reads what one process has to say. False when nobody can go on for it.
static bool hear(batch *all, worker *one) {
  message what;
  ssize_t bytes = read(one->pipe, &what, sizeof what);
  if (bytes < 0)
    return errno == EINTR || errno == EAGAIN;
  if (bytes != sizeof what || what.index >= all->count)
    return bury(all, one);
  take(all, one, &what);
  return true;
}

static bool supervise(batch *all, struct pollfd *polls) {
  uint64_t shown_ms = 0;
  for (;;) {
    nfds_t count = 0;
    for (size_t i = 0; i < all->jobs; i++)
      if (all->workers[i].pid > 0)
        polls[count++] =
            (struct pollfd){.fd = all->workers[i].pipe, .events = POLLIN};
    if (count == 0)
      return true;
    if (poll(polls, count, -1) < 0 && errno != EINTR)
      return false;
    for (size_t i = 0, at = 0; i < all->jobs; i++)
      if (all->workers[i].pid > 0 && polls[at++].revents != 0 &&
          !hear(all, &all->workers[i]))
        return false;
    if (now_ms() - shown_ms >= 100 || all->done == all->count) {
      put_progress(all);
      shown_ms = now_ms();
    }
  }
}

static bool play(batch *all) {
  struct pollfd *polls = calloc(all->jobs, sizeof *polls);
  bool is_fine = polls != NULL;
  for (size_t i = 0; i < all->jobs && is_fine; i++) {
    all->workers[i].next = i;
    is_fine = start(all, &all->workers[i]);
  }
  is_fine = is_fine && supervise(all, polls);
  free(polls);
  return is_fine && all->done == all->count;
}

// -- The report ---------------------------------------------------------------

static int compare(const void *a, const void *b) {
  const uint64_t *one = a, *two = b;
  return (*one > *two) - (*one < *two);
}

static void put_value(uint64_t value, bool is_time) {
  char text[32];
  double seconds = (double)value / 1000;
  if (!is_time)
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  else if (seconds < 120)
    snprintf(text, sizeof text, "%.1f s", seconds);
  else if (seconds < 7200)
    snprintf(text, sizeof text, "%.1f min", seconds / 60);
  else
    snprintf(text, sizeof text, "%.1f h", seconds / 3600);
  printf(" %10s", text);
}

// Figures of those that came to their end.
static void put_figures(const batch *all, uint64_t *values) {
  printf("%-16s %10s %10s %10s %10s\n", "", "min", "median", "p95", "max");
  for (size_t figure = 0; figure < FAR_FIGURES; figure++) {
    size_t count = 0;
    for (uint64_t i = 0; i < all->count; i++)
      if (all->outcomes[i].code != CRASHED)
        values[count++] = all->outcomes[i].figures[figure];
    if (count == 0)
      return;
    qsort(values, count, sizeof *values, compare);
    const size_t places[] = {0, (count - 1) / 2, (count * 95 + 99) / 100 - 1,
                             count - 1};
    printf("%-16s", far_figure_name(figure));
    for (size_t i = 0; i < 4; i++)
      put_value(values[places[i]], far_figure_is_time(figure));
    printf("\n");
  }
}

static int rank_of(int code) {
  return code == CRASHED ? 4 : simulation_rank(code);
}

// Groups by reason, in the order in which they come first.
static void put_reasons(const batch *all) {
  enum { REASONS_MAX = 12 };
  struct {
    const outcome *first;
    uint64_t seed, count;
  } groups[REASONS_MAX];
  size_t count = 0;
  uint64_t others = 0;
  for (uint64_t i = 0; i < all->count; i++) {
    const outcome *its = &all->outcomes[i];
    const char *reason = its->reason ? its->reason : "";
    if (its->code == EXIT_FINE)
      continue;
    size_t at = 0;
    while (at < count &&
           (groups[at].first->code != its->code ||
            strcmp(groups[at].first->reason ? groups[at].first->reason : "",
                   reason) != 0))
      at++;
    if (at < count) {
      groups[at].count++;
    } else if (count < REASONS_MAX) {
      groups[count].first = its;
      groups[count].seed = all->first + i;
      groups[count++].count = 1;
    } else {
      others++;
    }
  }
  for (size_t i = 0; i < count; i++)
    printf("%6llu  %s (first: seed %llu)\n",
           (unsigned long long)groups[i].count,
           groups[i].first->reason ? groups[i].first->reason : "?",
           (unsigned long long)groups[i].seed);
  if (others > 0)
    printf("%6llu  for other reasons\n", (unsigned long long)others);
}

// By exit code, then by what hurts a user most.
static bool is_worse(const outcome *one, const outcome *two) {
  enum {
    BROKEN = FAR_FIGURE_broken,
    GAP = FAR_FIGURE_gap_ms,
    AWAKE = FAR_FIGURE_awake_ms
  };
  int difference = rank_of(one->code) - rank_of(two->code);
  if (difference != 0)
    return difference > 0;
  if (one->figures[BROKEN] != two->figures[BROKEN])
    return one->figures[BROKEN] > two->figures[BROKEN];
  if (one->figures[GAP] != two->figures[GAP])
    return one->figures[GAP] > two->figures[GAP];
  return one->figures[AWAKE] > two->figures[AWAKE];
}

static int put_report(const batch *all, uint64_t *values) {
  const command_line *line = all->line;
  char plan[1024];
  uint64_t worst = 0, hash = UINT64_C(0xcbf29ce484222325);
  for (uint64_t i = 0; i < all->count; i++) {
    const outcome *its = &all->outcomes[i];
    if (is_worse(its, &all->outcomes[worst]))
      worst = i;
    hash = (hash ^ its->hash) * UINT64_C(0x100000001b3);
  }
  simulation_plan_name(line, plan, sizeof plan);
  printf("%s on %s rules, %s, seeds %llu to %llu\n\n", line->scripts[0],
         line->os ? line->os : "ios", plan, (unsigned long long)all->first,
         (unsigned long long)(all->first + all->count - 1));
  put_figures(all, values);
  printf("\n%llu of %llu seeds failed\n", (unsigned long long)all->failed,
         (unsigned long long)all->count);
  put_reasons(all);
  printf("%s seed %llu:\n  ",
         all->failed ? "the worst is" : "the longest gap is in",
         (unsigned long long)(all->first + worst));
  simulation_put_command(stdout, line, all->first + worst);
  printf("hash %016llx of all\n", (unsigned long long)hash);
  int code = all->outcomes[worst].code;
  return code == CRASHED ? EXIT_SCRIPT_FAILED : code;
}

static size_t processors(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : count > JOBS_MAX ? JOBS_MAX : (size_t)count;
}

int simulate_seeds(const command_line *line) {
  batch all = {.line = line,
               .first = line->seed ? line->seed : 1,
               .count = line->seeds,
               .jobs = line->jobs ? (size_t)line->jobs : processors(),
               .began_ms = now_ms()};
  if (all.jobs > all.count)
    all.jobs = (size_t)all.count;
  int result = EXIT_SCRIPT_FAILED;
  uint64_t *values = calloc((size_t)all.count, sizeof *values);
  all.workers = calloc(all.jobs, sizeof *all.workers);
  all.outcomes = calloc((size_t)all.count, sizeof *all.outcomes);
  if (values == NULL || all.workers == NULL || all.outcomes == NULL) {
    fprintf(stderr, "farside: not enough memory\n");
  } else {
    for (uint64_t i = 0; i < all.count; i++)
      all.outcomes[i].code = PENDING;
    if (play(&all))
      result = put_report(&all, values);
    else
      fprintf(stderr, "farside: a process of --seeds cannot be started\n");
    for (uint64_t i = 0; i < all.count; i++)
      free(all.outcomes[i].reason);
  }
  free(all.outcomes);
  free(all.workers);
  free(values);
  return result;
}

// -- The command again --------------------------------------------------------

// Single quotes are the only ones in which a shell reads nothing.
static void put_word(FILE *file, const char *word) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "_-./=:,@%+";
  fputc(' ', file);
  if (*word != '\0' && word[strspn(word, plain)] == '\0') {
    fputs(word, file);
    return;
  }
  fputc('\'', file);
  for (; *word != '\0'; word++)
    fputs(*word == '\'' ? "'\\''" : (char[]){*word, '\0'}, file);
  fputc('\'', file);
}

// How many words of the command line an option of many runs takes.
static int words_left_out(const char *word) {
  static const char *const valued[] = {"--seeds", "--seed", "--jobs"};
  static const char *const flags[] = {"--check", "--shrink"};
  for (size_t i = 0; i < sizeof valued / sizeof *valued; i++) {
    size_t length = strlen(valued[i]);
    if (strncmp(word, valued[i], length) == 0 &&
        (word[length] == '\0' || word[length] == '='))
      return word[length] == '\0' ? 2 : 1;
  }
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
    if (strcmp(word, flags[i]) == 0)
      return 1;
  return 0;
}

void simulation_put_command(FILE *file, const command_line *line,
                            uint64_t seed) {
  fprintf(file, "farside simulate --seed %llu", (unsigned long long)seed);
  int own = line->word_count - line->argc; // Then come the script's.
  for (int i = 0; i < own;) {
    int left_out = words_left_out(line->words[i]);
    if (left_out == 0)
      put_word(file, line->words[i++]);
    else
      i += left_out;
  }
  for (int i = 0; i < line->argc; i++)
    put_word(file, line->argv[i]);
  fputc('\n', file);
}
