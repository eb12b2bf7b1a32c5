// Durable work: what a unit costs in a file on a disk, and what many of them
// cost a process.

#include "../host/store.h"
#include "bench.h"
#include "sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// -- What the scripts do ------------------------------------------------------

// `n` units, by `k` coroutines that each wait for their own. `done` is printed
// when the last one is in the store.
static const struct {
  const char *name, *code;
} kinds[] = {
    {"enqueue",
     "local left = k for c = 1, k do setTimeout(function() "
     "for i = 1, n // k do assert(BT.enqueue('k', i, { delay = '1d' })) end "
     "left = left - 1 if left == 0 then print 'done' end end) end"},
    {"cycle",
     "local begun, ended = 0, 0 "
     "local function one() if begun < n then begun = begun + 1 "
     "assert(BT.enqueue('k', begun)) end end "
     "BT.define('k', { run = function() end }) "
     "BT.watch({ kind = 'k', state = 'succeeded' }, function() "
     "ended = ended + 1 if ended == n then print 'done' end one() end) "
     "for c = 1, k do setTimeout(one) end"},
};

static const char *code_of(const char *name) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(name, kinds[i].name) == 0)
      return kinds[i].code;
  bench_fail(name, "no such work");
}

static farside_host *open_now;
static uint64_t done_ns;

static void on_entry(void *user, const farside_entry *entry) {
  (void)user;
  if (entry->level == FARSIDE_ERROR)
    bench_fail(entry->what, entry->why ? entry->why : "");
  if (strcmp(entry->what, "log") == 0 && done_ns == 0) {
    done_ns = bench_now_ns();
    farside_stop(open_now);
  }
}

static farside_host *open_host(void) {
  farside_config config;
  farside_config_init(&config);
  config.on_entry = on_entry;
  config.limits.work = FARSIDE_NO_LIMIT; // More than an app would have.
  done_ns = 0;
  return open_now = bench_host_open(&config);
}

static void open_store(farside_host *host, const char *path) {
  if (farside_open_store(host, path) != FARSIDE_OK)
    bench_fail(path, farside_error(host));
}

// -- Files --------------------------------------------------------------------

enum { PATH_BYTES = 4096 };

static void remove_store(const char *path) {
  static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
  char name[PATH_BYTES];
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    snprintf(name, sizeof name, "%s%s", path, ends[i]);
    unlink(name);
  }
}

static far_store *store_at(far_memory *memory, const char *path) {
  char error[512];
  far_store *store = NULL;
  far_store_config config = {.path = path};
  if (far_store_open_sqlite(memory, &config, &store, error, sizeof error) !=
      FARSIDE_OK)
    bench_fail(path, error);
  return store;
}

// A new file with all of its tables: both sides begin with one.
static void make_store(const char *path) {
  far_memory memory;
  far_memory_init(&memory, NULL, NULL);
  remove_store(path);
  far_store_close(store_at(&memory, path));
}

// -- Enqueued, and run --------------------------------------------------------

typedef struct plan {
  const char *code;
  uint64_t count, at_once;
  char path[PATH_BYTES];
} plan;

static plan plan_of(int argc, char **argv) {
  if (argc < 4)
    bench_fail("work", "which kind, how many, how many at once, where?");
  plan of = {.code = code_of(argv[0]),
             .count = bench_argument(argc, argv, 1, 0),
             .at_once = bench_argument(argc, argv, 2, 1)};
  of.count -= of.count % of.at_once;
  snprintf(of.path, sizeof of.path, "%s/work-%d.db", argv[3], (int)getpid());
  return of;
}

static void run(const plan *of) {
  char code[1024];
  snprintf(code, sizeof code,
           "local BT, n, k = require('farside').Plugins.BackgroundTask, %d, %d "
           "%s",
           (int)of->count, (int)of->at_once, of->code);
  farside_host *host = open_host();
  open_store(host, of->path);
  bench_sql_mark();
  bench_load(host, "work", code);
  farside_run(host);
  bench_sql_counts counts = bench_sql_counted;
  farside_host_close(host);
  bench_sql_counted = counts;
  if (done_ns == 0)
    bench_fail("work", "was never done");
}

// What a unit took, to the end of the last commit; and what is in the file
// then.
static void say(const plan *of) {
  double count = (double)of->count;
  bench_sql_counts counts = bench_sql_counted;
  bench_say("ns", (double)(counts.committed_ns - counts.marked_ns) / count);
  bench_say("cpu_ns",
            (double)(counts.committed_cpu_ns - counts.marked_cpu_ns) / count);
  bench_say("commits", (double)counts.commits);
  bench_say("statements", (double)counts.statements);
  bench_say(
      "check",
      (double)bench_sql_number(
          of->path,
          "SELECT (SELECT count(*) FROM works) + 1000000 * (SELECT"
          " count(*) FROM works WHERE state = 3) + 1000000000000 *"
          " ((SELECT count(*) FROM runs WHERE outcome = 1) +"
          " (SELECT count(*) FROM texts) + (SELECT sum(n) FROM totals))"));
  remove_store(of->path);
}

// work KIND COUNT AT_ONCE FOLDER
int bench_work(int argc, char **argv) {
  plan of = plan_of(argc, argv);
  make_store(of.path);
  run(&of);
  say(&of);
  return 0;
}

// work-sql KIND COUNT AT_ONCE FOLDER: runs it, unmeasured, and then only the
// SQL of it.
int bench_work_sql(int argc, char **argv) {
  plan of = plan_of(argc, argv);
  make_store(of.path);
  bench_sql_record();
  run(&of);
  bench_sql_record_stop();
  make_store(of.path);
  bench_sql_replay(of.path);
  say(&of);
  return 0;
}

// -- A million ----------------------------------------------------------------

// As enqueue() leaves them: they wait, and their time has come.
static void fill(const char *path, uint64_t count) {
  far_memory memory;
  far_memory_init(&memory, NULL, NULL);
  remove_store(path);
  far_store *store = store_at(&memory, path);
  char script[] = "work", kind[] = "k", input[] = "1";
  far_work work = {.script = script,
                   .kind = kind,
                   .input = input,
                   .keep_ms = 1000,
                   .rules = {.timeout_ms = 600000, .retry_max = 10},
                   .enqueued_ms = 1,
                   .run_at_ms = 1,
                   .since_ms = 1};
  farside_status status = FARSIDE_OK;
  enum { OF_A_COMMIT = 20000 };
  for (uint64_t i = 0; i < count && status == FARSIDE_OK; i++) {
    if (i % OF_A_COMMIT == 0)
      status = store->begin(store, false);
    if (status == FARSIDE_OK)
      status = store->insert(store, &work, NULL, 0, false);
    if (status == FARSIDE_OK && ((i + 1) % OF_A_COMMIT == 0 || i + 1 == count))
      status = store->commit(store);
  }
  if (status != FARSIDE_OK)
    bench_fail(path, store->error(store));
  far_store_close(store);
}

// In a process of its own: what it takes to make the file is not measured.
static void fill_elsewhere(const char *path, uint64_t count) {
  pid_t child = fork();
  if (child == 0) {
    fill(path, count);
    _exit(0);
  }
  int how = 1;
  if (child < 0 || waitpid(child, &how, 0) != child || how != 0)
    bench_fail(path, "cannot be filled");
}

// Pages of this process that are in memory, in bytes.
static double resident_bytes(void) {
  unsigned long all = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%lu %lu", &all, &resident) != 2)
    bench_fail("/proc/self/statm", "cannot be read");
  fclose(file);
  return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static bool has_units(const char *path, uint64_t count) {
  return access(path, F_OK) == 0 &&
         bench_sql_number(path, "SELECT count(*) FROM works") ==
             (int64_t)count &&
         bench_sql_number(path, "SELECT count(*) FROM (SELECT 1 FROM works "
                                "WHERE state = 0 LIMIT 1)") == 1;
}

// work-open COUNT FOLDER: from opening a store with so many enqueued units to
// the first line of the first run. A file of many is kept for the next time.
int bench_work_open(int argc, char **argv) {
  uint64_t count = bench_argument(argc, argv, 0, 1000000);
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/work-%llu.db", argc > 1 ? argv[1] : ".",
           (unsigned long long)count);
  if (count <= 1 || !has_units(path, count))
    fill_elsewhere(path, count);
  farside_host *host = open_host();
  size_t before = bench_heap_bytes();
  uint64_t began_ns = bench_now_ns();
  open_store(host, path);
  bench_say("open_ns", (double)(bench_now_ns() - began_ns));
  bench_load(host, "work",
             "require('farside').Plugins.BackgroundTask.define('k', "
             "{ run = function() print 'done' end })");
  farside_run(host);
  bench_say("ready_ns", (double)(done_ns - began_ns));
  bench_say("heap_bytes", (double)(bench_heap_bytes() - before));
  bench_say("resident_bytes", resident_bytes());
  bench_say("check", done_ns != 0);
  farside_host_close(host);
  if (count <= 1)
    remove_store(path);
  return 0;
}
