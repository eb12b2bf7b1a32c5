// Every attack of hostile/attacks, on real time: alone, eight at once, and
// beside a script that only wants to work. Each must come to the end that it
// declares, the host must go on turning, and nothing may be left behind.
//
//   hostile_test folder [id]     one attack, with its timeline

#include "attacks.h"
#include "host.h"
#include "scripts.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  GROUP_MAX = 8,
  BESIDE = 3, // So many attack at once where somebody innocent works.
  TICK_MS = 5,
  SLICE_MS = 5,
  GRACE_MS = 5,
  HOLD_MS = 1, // Nobody may hold up the host where it cannot be suspended.
  // What is promised then, and reported here.
  PROMISED_MS = SLICE_MS + HOLD_MS + GRACE_MS + 2,
  HANG_S = 300 // A host that does not come back for so long never will.
};

static const uint64_t MS = 1000 * 1000;
static const uint64_t QUIET_MS =
    15;                             // Nothing to run for so long: it has ended.
static const uint64_t ANY_MS = 100; // So long is looked at who may go on.
static const uint64_t AFTER_MS = 5; // And at what comes after an end.
static const uint64_t PATIENCE_MS = 60 * 1000;
static const uint64_t GAP_MS_MAX = 2000; // Of the processor, which others use.

static int passed, failed;
static char now_running[512];
static bool is_verbose;
static char *innocent;
static char innocent_result[512];

static void fail(const char *what, const char *detail) {
  failed++;
  printf("not ok: %s: %s %s\n", now_running, what, detail);
  fflush(stdout);
}

// Nothing can be asserted any more.
static void hang(int signal) {
  (void)signal;
  static const char text[] = "not ok: the host hangs: ";
  ssize_t written = write(1, text, sizeof text - 1);
  written += write(1, now_running, strlen(now_running));
  written += write(1, "\n", 1);
  _exit(written > 0 ? 1 : 2);
}

// -- Gaps ---------------------------------------------------------------------

// How long the host's thread was away in one call, and with whom: on the wall,
// or what it has computed. On a busy machine most of the first may be somebody
// else's, so only the second is judged.
typedef struct gap {
  uint64_t ns, cpu_ns;
  const char *id;
} gap;

typedef struct gaps {
  gap *items;
  size_t count, capacity;
} gaps;

// The ticks of those that may be stopped, of those that must be let go on, and
// what a load or a close takes.
static gaps of_ticks, of_patience, of_loads, of_closes;
// From the begin of the innocent script to its result.
static gaps of_innocent;

// A moment, on the wall and in what this thread has computed.
typedef struct moment {
  uint64_t ns, cpu_ns;
} moment;

static moment this_moment(void) {
  return (moment){.ns = now_ns(), .cpu_ns = far_cpu_ns()};
}

static gap record(gaps *all, moment since, const char *id) {
  moment now = this_moment();
  gap fresh = {
      .ns = now.ns - since.ns, .cpu_ns = now.cpu_ns - since.cpu_ns, .id = id};
  if (all->count == all->capacity) {
    all->capacity = all->capacity ? all->capacity * 2 : 4096;
    all->items = realloc(all->items, all->capacity * sizeof *all->items);
    if (all->items == NULL)
      abort();
  }
  all->items[all->count++] = fresh;
  return fresh;
}

// Returns its length on the wall.
static uint64_t add_gap(gaps *all, moment since, const char *id) {
  gap fresh = record(all, since, id);
  char detail[64];
  snprintf(detail, sizeof detail, "for %llu ms",
           (unsigned long long)(fresh.cpu_ns / MS));
  if (fresh.cpu_ns > GAP_MS_MAX * MS)
    fail("the host was away", detail);
  return fresh.ns;
}

static int by_length(const void *a, const void *b) {
  const gap *one = a, *other = b;
  return one->ns < other->ns ? -1 : one->ns > other->ns;
}

static int by_work(const void *a, const void *b) {
  const gap *one = a, *other = b;
  return one->cpu_ns < other->cpu_ns ? -1 : one->cpu_ns > other->cpu_ns;
}

static void print_times(gaps *all, const char *what) {
  if (all->count == 0)
    return;
  const gap *items = all->items, *last = &items[all->count - 1];
  qsort(all->items, all->count, sizeof *all->items, by_length);
  printf("%s: %zu; on the wall p50 %.1f, p99 %.1f, max %.1f ms (%s)\n", what,
         all->count, (double)items[all->count / 2].ns / 1e6,
         (double)items[all->count * 99 / 100].ns / 1e6, (double)last->ns / 1e6,
         last->id);
}

static void print_gaps(gaps *all, const char *what) {
  if (all->count == 0)
    return;
  print_times(all, what);
  const gap *items = all->items, *last = &items[all->count - 1];
  qsort(all->items, all->count, sizeof *all->items, by_work);
  size_t longer = 0;
  while (longer < all->count && (last - longer)->cpu_ns > PROMISED_MS * MS)
    longer++;
  printf(
      "  of the processor p50 %.1f, p99 %.1f, max %.1f ms (%s), above %d ms: "
      "%zu\n",
      (double)items[all->count / 2].cpu_ns / 1e6,
      (double)items[all->count * 99 / 100].cpu_ns / 1e6,
      (double)last->cpu_ns / 1e6, last->id, PROMISED_MS, longer);
  for (size_t i = 2; is_verbose && i < 30 && i <= all->count; i++)
    printf("  %.1f ms %s\n", (double)items[all->count - i].cpu_ns / 1e6,
           items[all->count - i].id);
}

// -- What the host reports ----------------------------------------------------

typedef struct suspect {
  const attack *attack;
  unsigned seen; // What became of it so far.
  uint64_t quiet_since_ns;
} suspect;

typedef struct scene {
  farside_host *host;
  suspect suspects[GROUP_MAX];
  size_t count;
  bool has_innocent;
  bool is_for_task;
  bool has_patience; // With somebody who must be let go on.
  moment begin;
  char result[512];
} scene;

static const char *who(const scene *mine) {
  return mine->count == 0 ? "nobody" : mine->suspects[0].attack->id;
}

static void has_worked(scene *mine, const char *result) {
  snprintf(mine->result, sizeof mine->result, "%s", result);
  record(&of_innocent, mine->begin, who(mine));
}

static void on_entry(void *user, const farside_entry *entry) {
  scene *mine = user;
  const char *why = entry->why ? entry->why : "";
  if (is_verbose && entry->level > FARSIDE_DEBUG)
    printf("  %6llu %-12s %-12s %.200s\n", (unsigned long long)entry->t_ms,
           entry->what, entry->script ? entry->script : "", why);
  if (strcmp(entry->what, "app.end") == 0)
    for (size_t i = 0; i < mine->count; i++)
      mine->suspects[i].seen |= ATTACK_EXITS;
  if (entry->script == NULL)
    return;
  if (mine->has_innocent && strcmp(entry->script, "innocent") == 0) {
    if (strcmp(entry->what, "log") == 0 && strncmp(why, "result: ", 8) == 0)
      has_worked(mine, why);
    else if (entry->level >= FARSIDE_ERROR)
      fail("the innocent script was hurt:", why);
  }
  for (size_t i = 0; i < mine->count; i++) {
    suspect *one = &mine->suspects[i];
    if (strcmp(entry->script, one->attack->id) != 0)
      continue;
    if (strcmp(entry->what, "script.kill") == 0)
      one->seen |= ATTACK_KILLED;
    if (strcmp(entry->what, "task.fail") == 0 &&
        strstr(why, "has computed for") != NULL)
      one->seen |= ATTACK_TASK;
    if (strcmp(entry->what, "task.fail") == 0 &&
        strstr(why, "have computed for") != NULL)
      one->seen |= ATTACK_TASK;
  }
}

static void on_message(void *user, const char *script, const char *json) {
  (void)user;
  (void)script;
  (void)json;
}

static void open_host(scene *mine, uint64_t turn_ms) {
  farside_config config;
  farside_config_init(&config);
  config.on_entry = on_entry;
  config.on_message = on_message;
  config.user = mine;
  config.grace_ms = 50;
  config.timeline_entries_max = 256;
  config.limits = (farside_limits){.turn_ms = turn_ms,
                                   .cpu_ms = 4 * turn_ms,
                                   .slice_ms = SLICE_MS,
                                   .hold_ms = HOLD_MS,
                                   .grace_ms = GRACE_MS,
                                   .memory_bytes = 16 << 20,
                                   .work = 500};
  if (farside_host_open(&config, &mine->host) != FARSIDE_OK ||
      farside_open_store(mine->host, NULL) != FARSIDE_OK)
    abort();
}

enum { PATIENT_TURN_MS = 20 * 1000 };

// What has to end by itself may take its time, under sanitizers and beside
// others; it is not what the budgets of this test are meant for.
static farside_status load(scene *mine, const char *name, const char *code,
                           bool is_patient) {
  farside_source source;
  farside_source_init(&source);
  source.name = name;
  source.code = code;
  source.code_bytes = strlen(code);
  mine->has_patience = mine->has_patience || is_patient;
  if (is_patient)
    source.grant.limits = (farside_limits){.turn_ms = PATIENT_TURN_MS,
                                           .hold_ms = PATIENT_TURN_MS,
                                           .cpu_ms = PATIENT_TURN_MS};
  return farside_load(mine->host, &source);
}

static bool has_to_end(const attack *one) {
  return (one->ends & (ATTACK_KILLED | ATTACK_TASK | ATTACK_ANY)) == 0;
}

// -- Watching -----------------------------------------------------------------

static bool has_to_run(const scene *mine, const char *id) {
  const far_script *script = far_scripts_find(mine->host, id);
  return script != NULL &&
         (script->is_parked || !far_list_is_empty(&script->turns));
}

// A task that is stopped goes alone.
static unsigned ends_of(const scene *mine, const suspect *one) {
  unsigned may = one->attack->ends;
  return mine->is_for_task && (may & ATTACK_KILLED) ? may | ATTACK_TASK : may;
}

// Whether it came to an end that it may come to.
static bool is_decided(const scene *mine, suspect *one, uint64_t since_ns) {
  unsigned may = ends_of(mine, one);
  uint64_t time_ns = now_ns();
  if ((one->seen & may) != 0)
    return true;
  if ((may & ATTACK_ANY) != 0 && time_ns - since_ns > ANY_MS * MS)
    return true;
  if (has_to_run(mine, one->attack->id))
    one->quiet_since_ns = time_ns;
  return (may & (ATTACK_ENDS | ATTACK_ANY)) != 0 &&
         time_ns - one->quiet_since_ns > QUIET_MS * MS;
}

static bool is_all_decided(scene *mine, uint64_t since_ns) {
  bool is_all = !mine->has_innocent || mine->result[0] != '\0';
  for (size_t i = 0; i < mine->count; i++)
    is_all = is_decided(mine, &mine->suspects[i], since_ns) && is_all;
  return is_all;
}

static void tick(scene *mine) {
  moment before = this_moment();
  farside_tick(mine->host, TICK_MS);
  uint64_t took_ns =
      add_gap(mine->has_patience ? &of_patience : &of_ticks, before, who(mine));
  if (took_ns < MS / 10)
    nanosleep(&(struct timespec){.tv_nsec = 200 * 1000}, NULL);
}

static void watch(scene *mine) {
  uint64_t since_ns = now_ns();
  for (size_t i = 0; i < mine->count; i++)
    mine->suspects[i].quiet_since_ns = since_ns;
  while (!is_all_decided(mine, since_ns)) {
    tick(mine);
    if (now_ns() - since_ns > PATIENCE_MS * MS)
      break;
  }
  uint64_t end_ns = now_ns() + AFTER_MS * MS;
  while (now_ns() < end_ns)
    tick(mine);
}

static void judge(const scene *mine) {
  for (size_t i = 0; i < mine->count; i++) {
    const suspect *one = &mine->suspects[i];
    unsigned may = ends_of(mine, one);
    bool is_fine = (one->seen & may) != 0 || (may & ATTACK_ANY) != 0 ||
                   ((may & ATTACK_ENDS) != 0 && one->seen == 0);
    if (mine->count == 1 && (one->seen & ATTACK_KILLED) != 0 &&
        (may & (ATTACK_KILLED | ATTACK_ANY)) == 0)
      is_fine = false;
    passed += is_fine;
    if (!is_fine)
      fail(one->attack->id, one->seen & ATTACK_KILLED  ? "was killed"
                            : one->seen & ATTACK_TASK  ? "lost its task"
                            : one->seen & ATTACK_EXITS ? "ended the app"
                                                       : "lives");
  }
  if (!mine->has_innocent)
    return;
  if (innocent_result[0] == '\0')
    snprintf(innocent_result, sizeof innocent_result, "%s", mine->result);
  else if (strcmp(innocent_result, mine->result) != 0)
    fail("the innocent script came to another", mine->result);
  else
    passed++;
}

// -- Scenes -------------------------------------------------------------------

static footprint alone; // Before the first host.

// The files that libuv keeps are there after the first host.
static void check_footprint(void) {
  static long first_files;
  footprint now = footprint_now();
  // The system may show a thread for a moment after its end.
  for (int i = 0; i < 100 && now.threads != alone.threads; i++) {
    nanosleep(&(struct timespec){.tv_nsec = (long)MS}, NULL);
    now = footprint_now();
  }
  if (first_files == 0)
    first_files = now.files;
  if (now.files != first_files)
    fail("a file is left open", "");
  if (now.threads != alone.threads)
    fail("a thread is left", "");
}

// Plays some attacks in one host; with `innocent`, that comes first.
static void play(const attack *const *group, size_t count, attack_place place,
                 uint64_t turn_ms, bool with_innocent) {
  static const char *const places[] = {"at load", "in a timer", "in a task"};
  scene mine = {.has_innocent = with_innocent, .is_for_task = place == IN_TASK};
  int length = snprintf(now_running, sizeof now_running,
                        "%s%s:", with_innocent ? "beside the innocent, " : "",
                        places[place]);
  for (size_t i = 0; i < count && length < (int)sizeof now_running; i++)
    length +=
        snprintf(now_running + length, sizeof now_running - (size_t)length,
                 " %s", group[i]->id);
  alarm(HANG_S);
  if (is_verbose)
    printf("%s\n", now_running);
  open_host(&mine, turn_ms);
  mine.begin = this_moment();
  if (with_innocent && load(&mine, "innocent", innocent, true) != FARSIDE_OK)
    fail("the innocent script does not load:", farside_error(mine.host));
  for (size_t i = 0; i < count; i++) {
    mine.suspects[mine.count++] = (suspect){.attack = group[i]};
    char *code = attack_code(group[i], place);
    moment before = this_moment();
    farside_status status =
        load(&mine, group[i]->id, code, has_to_end(group[i]));
    add_gap(&of_loads, before, group[i]->id);
    if (status == FARSIDE_SYNTAX)
      fail("it does not parse:", farside_error(mine.host));
    free(code);
  }
  watch(&mine);
  judge(&mine);
  moment before = this_moment();
  farside_host_close(mine.host); // Asserts that not a byte is left.
  add_gap(&of_closes, before, count > 0 ? group[0]->id : "nobody");
  check_footprint();
}

static bool may_exit(const attack *one) {
  return (one->ends & ATTACK_EXITS) != 0;
}

static void play_all(const attacks *all) {
  const attack *group[GROUP_MAX];
  for (size_t i = 0; i < all->count; i++) {
    group[0] = &all->items[i];
    play(group, 1, AT_LOAD, 30, false);
  }
  printf("ok alone: %zu attacks\n", all->count);

  // Neighbours in a file are alike: take them from far apart.
  size_t step = (all->count + GROUP_MAX - 1) / GROUP_MAX, groups = 0;
  for (size_t i = 0; i < step; i++, groups++) {
    size_t count = 0;
    for (size_t j = i; j < all->count; j += step)
      if (!may_exit(&all->items[j]))
        group[count++] = &all->items[j];
    play(group, count, IN_TIMER, 25, false);
  }
  printf("ok eight at once: %zu hosts\n", groups);

  for (size_t i = 0; i < all->count;) {
    size_t count = 0;
    for (; i < all->count && count < BESIDE; i++)
      if (!may_exit(&all->items[i]))
        group[count++] = &all->items[i];
    play(group, count, IN_TIMER, 25, true);
  }
  printf("ok beside an innocent script\n");
}

int main(int argc, char **argv) {
  if (argc < 2)
    return 2;
  signal(SIGALRM, hang);
  signal(SIGABRT, hang);
  setvbuf(stdout, NULL, _IOLBF, 0);
  alone = footprint_now();
  char folder[1024];
  snprintf(folder, sizeof folder, "%s/attacks", argv[1]);
  attacks all;
  attacks_read(&all, folder);
  innocent = file_read(argv[1], "innocent.lua");
  play(NULL, 0, AT_LOAD, 50, true);
  if (innocent_result[0] == '\0')
    fail("the innocent script has no result", "");

  print_times(&of_innocent, "the innocent script alone, to its result");
  of_innocent.count = 0;
  const attack *one = argc > 2 ? attacks_find(&all, argv[2]) : NULL;
  is_verbose = argc > 2;
  if (one != NULL) {
    play(&one, 1, AT_LOAD, 50, false);
    play(&one, 1, IN_TIMER, 50, false);
    play(&one, 1, IN_TIMER, 25, true);
    play(&one, 1, IN_TASK, 25, false);
  } else {
    play_all(&all);
  }
  print_gaps(&of_loads, "loads");
  print_gaps(&of_ticks, "ticks");
  print_gaps(&of_patience, "ticks with somebody patient");
  print_gaps(&of_closes, "closes");
  print_times(&of_innocent, "the innocent script beside attacks");
  gaps *all_gaps[] = {&of_ticks, &of_patience, &of_loads, &of_closes,
                      &of_innocent};
  for (size_t i = 0; i < sizeof all_gaps / sizeof *all_gaps; i++)
    free(all_gaps[i]->items);
  attacks_free(&all);
  free(innocent);
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
