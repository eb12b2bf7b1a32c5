// The kill ledger: an app works against a real file, and is killed at random
// instants. Whatever was acknowledged to it stands in a ledger here, and after
// each kill the file is compared with that:
//
// - what was acknowledged is there, until it has ended and was pruned
// - what has succeeded, or was cancelled, stays so, and never runs again
// - no run has two ends, no slot two runs that succeed, no name two runs at
// once
// - a checkpoint never goes back, and a run that is over changes nothing
// - what belongs to a transaction is all there, or not at all
// - SQLite finds the file whole
//
// And when the kills are over, everything comes to its end.
//
//   ledger_test APP [kills [seed]]     LEDGER_KILLS=100000 does it as well

#include "store_kit.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  KILLS = 500,
  LIFE_MS = 30,        // A life is at most so long,
  LIFE_LINES = 80,     // or ends behind so many lines.
  DRAIN_MS = 60 * 1000 // When all has to have ended.
};

// -- The child: an app with its host ------------------------------------------

typedef struct child {
  pid_t pid;
  int lines; // What it says.
} child;

static int line_fd;

static void on_entry(void *user, const farside_entry *entry) {
  char line[512];
  (void)user;
  if (strcmp(entry->what, "log") != 0 &&
      strcmp(entry->what, "store.fault") != 0)
    return;
  // Every line is written at once: short of a pipe's length it is whole.
  bool is_said = entry->level == FARSIDE_INFO || entry->level == FARSIDE_WARN;
  int bytes = snprintf(line, sizeof line, "%s%.400s\n", is_said ? "" : "! ",
                       entry->why ? entry->why : "");
  if (write(line_fd, line, (size_t)bytes) != bytes)
    _exit(3);
}

static int live(const char *app, const char *file, int argc,
                const char *const *argv) {
  farside_host *host;
  farside_config config;
  farside_config_init(&config);
  config.on_entry = on_entry;
  config.timeline_entries_max = 16;
  if (farside_host_open(&config, &host) != FARSIDE_OK)
    return 4;
  if (farside_open_store(host, file) != FARSIDE_OK ||
      farside_load_file(host, app, argc, argv) != FARSIDE_OK) {
    fprintf(stderr, "%s\n", farside_error(host));
    return 5;
  }
  farside_run(host);
  farside_host_close(host);
  return 0;
}

static child begin(const char *app, const char *file, uint64_t seed, int life,
                   bool drains) {
  int ends[2];
  if (pipe(ends) != 0)
    abort();
  fflush(stdout);
  child mine = {.pid = fork(), .lines = ends[0]};
  if (mine.pid != 0) {
    close(ends[1]);
    return mine;
  }
  char seed_text[32], life_text[32];
  const char *const argv[] = {seed_text, life_text, "drain"};
  snprintf(seed_text, sizeof seed_text, "%" PRIu64, seed >> 1);
  snprintf(life_text, sizeof life_text, "%d", life);
  close(ends[0]);
  line_fd = ends[1];
  _exit(live(app, file, drains ? 3 : 2, argv));
}

// -- The ledger ---------------------------------------------------------------

enum { PARENTS = 2, NAME_BYTES = 8, NAMES = 8 };

typedef struct unit {
  bool is_acked, is_done, is_seen, is_cancelled;
  bool may_have_ended; // Somebody was about to end it.
  bool may_be_gone;    // And then to prune it.
  bool runs;           // In this life.
  int64_t asked, kept; // Checkpoints: asked for, and acknowledged.
  int64_t parents[PARENTS];
  int parent_count;
  char name[NAME_BYTES];
} unit;

typedef struct ledger {
  unit *units; // By their ids.
  int64_t count, newest;
  int64_t before; // The newest id of earlier lives.
  int64_t transactions;
  int life;
  bool is_drained;
  FILE *lines; // All that was said, for whoever wants to know why.
  struct {
    long lines, units, runs, saves, ends, cancels, stale, transactions, prunes;
    long crashes, quarantined, slots;
  } seen;
} ledger;

static unit *unit_of(ledger *mine, int64_t id) {
  if (id >= mine->count) {
    int64_t count = id * 2 + 1024;
    mine->units = realloc(mine->units, (size_t)count * sizeof *mine->units);
    if (mine->units == NULL)
      abort();
    memset(mine->units + mine->count, 0,
           (size_t)(count - mine->count) * sizeof *mine->units);
    mine->count = count;
  }
  return &mine->units[id];
}

// Whether its end, or that of somebody whom it waits for, may have come. Of a
// name it may wait for any other: that is what `append` is.
static bool is_ended_by(const ledger *mine, const unit *of, int depth) {
  if (of->may_have_ended)
    return true;
  for (int64_t id = 1; id < mine->count && of->name[0] == 'u'; id++)
    if (mine->units[id].may_have_ended &&
        strcmp(mine->units[id].name, of->name) == 0)
      return true;
  for (int i = 0; i < of->parent_count && depth < 64; i++)
    if (is_ended_by(mine, &mine->units[of->parents[i]], depth + 1))
      return true;
  return false;
}

static void complain(const ledger *mine, const char *what, int64_t id) {
  char detail[64];
  snprintf(detail, sizeof detail, "(unit %" PRId64 ", life %d)", id,
           mine->life);
  kit_check(false, what, detail, __LINE__);
}

#define rule(condition, id)                                                    \
  do {                                                                         \
    if (condition)                                                             \
      kit_passed++;                                                            \
    else                                                                       \
      complain(mine, #condition, id);                                          \
  } while (0)

static void enqueued(ledger *mine, const char *line) {
  int64_t id;
  int was_there;
  char kind[NAME_BYTES], name[NAME_BYTES], parents[64] = "";
  if (sscanf(line, "E %" SCNd64 " %d %7s %7s %63s", &id, &was_there, kind, name,
             parents) < 4) {
    complain(mine, line, 0);
    return;
  }
  unit *fresh = unit_of(mine, id);
  if (was_there)
    return;
  rule(!fresh->is_acked && id > mine->before, id);
  mine->seen.units++;
  fresh->is_acked = true; // It may have run and ended before that.
  snprintf(fresh->name, sizeof fresh->name, "%s", name);
  // Quarantined by the system, when it was killed in it often enough.
  fresh->may_have_ended |= strcmp(kind, "q") == 0;
  for (char *at = parents; *at != '\0' && fresh->parent_count < PARENTS;) {
    fresh->parents[fresh->parent_count++] = strtoll(at, &at, 10);
    at += *at == ',';
  }
  if (id > mine->newest)
    mine->newest = id;
}

static void began(ledger *mine, int64_t id, const char *rest) {
  char name[NAME_BYTES] = "-";
  int64_t n = 0;
  unit *of = unit_of(mine, id);
  sscanf(rest, "%7s %" SCNd64, name, &n);
  mine->seen.runs++;
  rule(!of->is_done && !of->is_seen && !of->is_cancelled && !of->runs, id);
  rule(n >= of->kept && n <= of->asked, id); // Where it was saved last.
  for (int64_t other = 1; other < mine->count && name[0] != '-'; other++)
    rule(!mine->units[other].runs || strcmp(mine->units[other].name, name) != 0,
         id);
  of->runs = true;
  snprintf(of->name, sizeof of->name, "%s", name);
}

static void finished(ledger *mine, int64_t id) {
  unit *of = unit_of(mine, id);
  rule(of->may_have_ended && !of->is_done && !of->is_cancelled, id);
  of->is_done = true;
  mine->seen.ends++;
}

static void saved(ledger *mine, int64_t id, int64_t n) {
  unit *of = unit_of(mine, id);
  rule(n > of->kept && n <= of->asked, id);
  rule(of->runs && !of->is_cancelled, id);
  of->kept = n;
  mine->seen.saves++;
}

// Before it asks for that, everything that may have ended may be gone.
static void prunes(ledger *mine) {
  for (int64_t id = 1; id < mine->count; id++)
    mine->units[id].may_be_gone |= is_ended_by(mine, &mine->units[id], 0);
}

static void replaces(ledger *mine, const char *name) {
  for (int64_t id = 1; id < mine->count; id++)
    if (strcmp(mine->units[id].name, name) == 0)
      mine->units[id].may_have_ended = true;
}

static void read_line(ledger *mine, const char *line) {
  int64_t id = 0, n = 0;
  int read = 0;
  fprintf(mine->lines, "%d %s\n", mine->life, line);
  mine->seen.lines++;
  sscanf(line + 1, " %" SCNd64 "%n", &id, &read);
  const char *rest = line + 1 + read;
  sscanf(rest, " %" SCNd64, &n);
  switch (line[0]) {
  case 'E':
    enqueued(mine, line);
    break;
  case 'b':
    began(mine, id, rest);
    break;
  case 'e':
    unit_of(mine, id)->runs = false;
    break;
  case 's':
    unit_of(mine, id)->asked =
        n > unit_of(mine, id)->asked ? n : unit_of(mine, id)->asked;
    break;
  case 'S':
    saved(mine, id, n);
    break;
  case 'c':
  case 'f':
    unit_of(mine, id)->may_have_ended = true;
    break;
  case 'C':
    rule(!unit_of(mine, id)->is_done, id);
    unit_of(mine, id)->is_cancelled = true;
    mine->seen.cancels++;
    break;
  case 'D':
    finished(mine, id);
    break;
  case 'G':
    rule(unit_of(mine, id)->may_have_ended, id);
    unit_of(mine, id)->is_seen = true;
    break;
  case 'T':
    rule(id > mine->transactions, id);
    mine->transactions = id;
    mine->seen.transactions++;
    break;
  case 'N':
  case 'Z':
    rule(strstr(rest, "STALE") != NULL, id);
    mine->seen.stale++;
    break;
  case 'r':
    replaces(mine, line + 2);
    break;
  case 'p':
  case 'P':
    prunes(mine);
    mine->seen.prunes++;
    break;
  case 'Q':
    mine->is_drained = true;
    break;
  case 'k':
  case 'L':
    break;
  default: // An error of its own, or of the store.
    if (strcmp(line, "no") != 0 && strncmp(line, "stack traceback", 15) != 0 &&
        line[0] != '\t')
      complain(mine, line, 0);
  }
}

// -- A life -------------------------------------------------------------------

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

typedef struct reader {
  char text[1 << 16];
  size_t bytes;
  int lines;
} reader;

static void read_lines(ledger *mine, reader *from) {
  char *begin = from->text, *end;
  from->text[from->bytes] = '\0';
  while ((end = strchr(begin, '\n')) != NULL) {
    *end = '\0';
    read_line(mine, begin);
    from->lines++;
    begin = end + 1;
  }
  from->bytes -= (size_t)(begin - from->text);
  memmove(from->text, begin, from->bytes);
}

// Reads until then, or until so many lines were read. False: it is over.
static bool listen_to(ledger *mine, const child *it, reader *from,
                      int64_t until_ms, int lines) {
  while (from->lines < lines) {
    int64_t left_ms = until_ms - now_ms();
    struct pollfd ready = {.fd = it->lines, .events = POLLIN};
    if (left_ms < 0 || poll(&ready, 1, (int)left_ms) == 0)
      return true;
    ssize_t bytes = read(it->lines, from->text + from->bytes,
                         sizeof from->text - 1 - from->bytes);
    if (bytes <= 0)
      return false;
    from->bytes += (size_t)bytes;
    read_lines(mine, from);
  }
  return true;
}

static void end_life(ledger *mine, const child *it, reader *from, int wanted) {
  int status = 0;
  if (wanted != 0)
    kill(it->pid, wanted);
  while (listen_to(mine, it, from, now_ms() + DRAIN_MS, INT32_MAX)) {
  }
  close(it->lines);
  waitpid(it->pid, &status, 0);
  bool is_fine = wanted != 0 ? WIFSIGNALED(status) && WTERMSIG(status) == wanted
                             : WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!is_fine)
    complain(mine, "it ended by itself, or not as it should", status);
  for (int64_t id = 1; id < mine->count; id++)
    mine->units[id].runs = false;
  mine->before = mine->newest;
}

static void live_and_die(ledger *mine, const char *app, const char *file,
                         uint64_t seed, kit_random *random) {
  static reader from;
  from = (reader){0};
  child it = begin(app, file, seed, mine->life, false);
  // By the clock, or close to an acknowledgement.
  bool is_by_clock = kit_below(random, 2) == 0;
  int64_t until_ms =
      now_ms() + (is_by_clock ? (int64_t)kit_below(random, LIFE_MS) : DRAIN_MS);
  int lines = is_by_clock ? INT32_MAX : 1 + (int)kit_below(random, LIFE_LINES);
  if (!listen_to(mine, &it, &from, until_ms, lines))
    complain(mine, "it ended before it was killed", 0);
  end_life(mine, &it, &from, SIGKILL);
}

// -- The file -----------------------------------------------------------------

typedef struct looking {
  sqlite3 *db;
  sqlite3_stmt *rows;
} looking;

static void ask(looking *at, const char *sql) {
  if (sqlite3_prepare_v2(at->db, sql, -1, &at->rows, NULL) != SQLITE_OK) {
    printf("not ok: %s: %s\n", sql, sqlite3_errmsg(at->db));
    kit_failed++;
  }
}

static bool next(looking *at) {
  if (at->rows != NULL && sqlite3_step(at->rows) == SQLITE_ROW)
    return true;
  sqlite3_finalize(at->rows);
  at->rows = NULL;
  return false;
}

static int64_t number(const looking *at, int column) {
  return sqlite3_column_int64(at->rows, column);
}

static int64_t only(looking *at, const char *sql) {
  int64_t found = -1;
  ask(at, sql);
  while (next(at))
    found = number(at, 0);
  return found;
}

// Every unit that is there, against what is known of it.
static void compare_units(ledger *mine, looking *at, bool *is_there) {
  ask(at, "SELECT id, state, reason, crashes, crashes_max FROM works");
  while (next(at)) {
    int64_t id = number(at, 0);
    int64_t state = number(at, 1);
    unit *of = unit_of(mine, id);
    if (id < mine->count)
      is_there[id] = true;
    rule(!(of->is_done || of->is_seen) || state == FAR_WORK_SUCCEEDED, id);
    rule(!of->is_cancelled || state == FAR_WORK_CANCELLED, id);
    rule(state != FAR_WORK_SUCCEEDED || of->may_have_ended, id);
    bool is_looping = number(at, 3) >= number(at, 4);
    rule(!is_looping || (state == FAR_WORK_FAILED &&
                         number(at, 2) == FAR_REASON_CRASH_LOOP),
         id);
    mine->seen.crashes += number(at, 3) > 0;
    mine->seen.quarantined += is_looping;
  }
}

static void compare_checkpoints(ledger *mine, looking *at) {
  ask(at, "SELECT works.id, json_extract(json, '$.n'), works.state FROM works"
          " LEFT JOIN texts ON texts.id = works.id * 8 + 2"
          " WHERE works.state < 3 AND kind = 'w'");
  while (next(at)) {
    int64_t id = number(at, 0), n = number(at, 1);
    const unit *of = unit_of(mine, id);
    rule(n >= of->kept && n <= of->asked, id);
  }
}

// What no run and no name may be.
static const char *const impossible[] = {
    "SELECT count(*) FROM works WHERE state = 1 AND NOT EXISTS (SELECT 1 FROM"
    " runs WHERE work = works.id AND runs.token = works.token AND outcome = 0)",
    "SELECT count(*) FROM runs WHERE outcome = 0 AND NOT EXISTS (SELECT 1 FROM"
    " works WHERE id = work AND state = 1 AND works.token = runs.token)",
    "SELECT count(*) FROM runs WHERE (outcome = 0) <> (ended_ms = 0)",
    "SELECT count(*) FROM (SELECT 1 FROM runs WHERE outcome = 1"
    " GROUP BY work, slot_ms HAVING count(*) > 1)",
    "SELECT count(*) FROM works WHERE state = 3 AND (SELECT count(*) FROM runs"
    " WHERE work = works.id AND outcome = 1) <> 1",
    "SELECT count(*) FROM (SELECT 1 FROM works WHERE state = 1"
    " AND unique_name IS NOT NULL GROUP BY unique_name HAVING count(*) > 1)",
    "SELECT max(0, count(*) - 4) FROM works WHERE state = 1",
    "SELECT count(*) FROM texts WHERE json LIKE '%-1%' AND id % 8 = 2",
    "SELECT count(*) FROM works AS child JOIN edges ON child = child.id"
    " JOIN works AS parent ON parent.id = edges.parent"
    " WHERE child.state IN (0, 1, 3) AND parent.state IN (0, 1, 2)",
};

static void compare(ledger *mine, const char *file) {
  looking at = {0};
  if (sqlite3_open_v2(file, &at.db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
    abort();
  sqlite3_busy_timeout(at.db, 5000);
  ask(&at, "PRAGMA integrity_check");
  while (next(&at))
    rule(strcmp((const char *)sqlite3_column_text(at.rows, 0), "ok") == 0, 0);
  if (only(&at, "SELECT count(*) FROM sqlite_schema WHERE name = 'works'") >
      0) {
    bool *is_there = calloc((size_t)mine->count + 1, sizeof *is_there);
    compare_units(mine, &at, is_there);
    for (int64_t id = 1; id < mine->count; id++)
      rule(!mine->units[id].is_acked || is_there[id] ||
               mine->units[id].may_be_gone,
           id);
    free(is_there);
    compare_checkpoints(mine, &at);
    for (size_t i = 0; i < ROWS(impossible); i++) {
      int64_t count = only(&at, impossible[i]);
      kit_check(count == 0, impossible[i], "", __LINE__);
    }
    int64_t units = only(&at, "SELECT count(*) FROM works WHERE kind = 'tx'");
    int64_t value = only(&at, "SELECT ifnull(max(json), 0) FROM storage");
    rule(units == value && units >= mine->transactions, units);
    mine->seen.slots = (long)only(&at, "SELECT ifnull(max(runs), 0) FROM works"
                                       " WHERE kind = 'p'");
  }
  sqlite3_close(at.db);
}

// -- All of it ----------------------------------------------------------------

static bool is_all_over(const char *file) {
  return kit_sql(file, "SELECT count(*) FROM works WHERE state < 3"
                       " AND kind IN ('w', 'q')") == 0;
}

static void drain(ledger *mine, const char *app, const char *file,
                  uint64_t seed) {
  static reader from;
  from = (reader){0};
  child it = begin(app, file, seed, ++mine->life, true);
  int64_t until_ms = now_ms() + DRAIN_MS;
  while (!mine->is_drained && now_ms() < until_ms &&
         listen_to(mine, &it, &from, until_ms, from.lines + 1)) {
  }
  kit_check(mine->is_drained, "everything comes to its end", "", __LINE__);
  end_life(mine, &it, &from, mine->is_drained ? 0 : SIGKILL);
  compare(mine, file);
  check(is_all_over(file));
}

// What was said in the last two lives.
static void print_lines(ledger *mine) {
  char line[600];
  rewind(mine->lines);
  while (fgets(line, sizeof line, mine->lines) != NULL)
    if (atoi(line) >= mine->life - 1)
      printf("  %s", line);
}

int main(int argc, char **argv) {
  const char *by_environment = getenv("LEDGER_KILLS");
  const char *count = argc > 2 ? argv[2] : by_environment;
  int kills = count ? atoi(count) : KILLS;
  uint64_t seed = argc > 3
                      ? strtoull(argv[3], NULL, 0)
                      : (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
  if (argc < 2) {
    fprintf(stderr, "usage: ledger_test APP [kills [seed]]\n");
    return 2;
  }
  printf("seed %" PRIu64 "\n", seed);
  kit_begin("farside-ledger");
  ledger mine = {.lines = fopen(kit_path("lines"), "w+")};
  if (mine.lines == NULL)
    abort();
  kit_random random = {seed};
  const char *file = kit_path("work.db");
  for (int i = 0; i < kills && kit_failed == 0; i++) {
    mine.life = i + 1;
    live_and_die(&mine, argv[1], file, seed, &random);
    compare(&mine, file);
  }
  if (kit_failed == 0)
    drain(&mine, argv[1], file, seed);
  printf("%d lives, %ld lines: %ld units, %ld runs, %ld checkpoints, %ld ends, "
         "%ld cancels, %ld transactions, %ld stale words refused, %ld slots\n",
         mine.life, mine.seen.lines, mine.seen.units, mine.seen.runs,
         mine.seen.saves, mine.seen.ends, mine.seen.cancels,
         mine.seen.transactions, mine.seen.stale, mine.seen.slots);
  // A proof of nothing would be no proof.
  if (kills >= KILLS && kit_failed == 0) {
    check(mine.seen.ends > kills / 4 && mine.seen.cancels > kills / 4);
    check(mine.seen.saves > kills && mine.seen.stale > kills / 8);
    check(mine.seen.crashes > 0 && mine.seen.quarantined > 0);
    check(mine.seen.transactions > kills / 4 && mine.seen.prunes > 0);
  }
  if (kit_failed > 0)
    printf("ledger_test %s %d %" PRIu64 " does it again\n", argv[1], kills,
           seed);
  if (kit_failed > 0)
    print_lines(&mine);
  fclose(mine.lines);
  free(mine.units);
  return kit_end();
}
