// Storage under fire: an app that does nothing but transactions is killed at
// random instants, and its disk fails at each operation once, or is full. Half
// of a transaction is never seen, neither afterwards nor by the app itself, and
// what was acknowledged is there.
//
//   storage_test [kills [seed]]    STORAGE_KILLS=10000 does it as well

#include "device.h"
#include "store_disk.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Transaction n gives four values the number n, and a fifth is there when n is
// odd. What is taken back on purpose, alone or inside another, is never seen.
// It says what it begins, what was acknowledged, and what it sees after one
// that has failed.
#define TRANSACTIONS                                                           \
  "local farside = require 'farside'\n"                                        \
  "local Storage = farside.Plugins.Storage\n"                                  \
  "local n = Storage.get 'a' or 0\n"                                           \
  "local function set(i)\n"                                                    \
  "  for _, key in ipairs { 'a', 'b', 'c', 'd' } do\n"                         \
  "    assert(Storage.set(key, i))\n"                                          \
  "  end\n"                                                                    \
  "end\n"                                                                      \
  "local function one()\n"                                                     \
  "  pcall(Storage.transaction, function() set(-1) error 'no' end)\n"          \
  "  print('begin', n + 1)\n"                                                  \
  "  local is_fine, done = pcall(Storage.transaction, function()\n"            \
  "    set(n + 1)\n"                                                           \
  "    pcall(Storage.transaction, function() set(-2) error 'no' end)\n"        \
  "    if n % 2 == 0 then\n"                                                   \
  "      assert(Storage.set('odd', ('x'):rep(n % 7 * 20000)))\n"               \
  "    else\n"                                                                 \
  "      assert(Storage.remove 'odd' ~= nil)\n"                                \
  "    end\n"                                                                  \
  "    return true\n"                                                          \
  "  end)\n"                                                                   \
  "  if is_fine and done then\n"                                               \
  "    n = n + 1\n"                                                            \
  "    print('done', n)\n"                                                     \
  "  else\n"                                                                   \
  "    print 'refused'\n"                                                      \
  "    local now, why = Storage.get 'a'\n"                                     \
  "    if not why then print('failed', now or 0) end\n"                        \
  "  end\n"                                                                    \
  "end\n"

static const char endless_life[] = TRANSACTIONS
    "local function go() one() farside.setTimeout(go, 0) end go()\n";

static const char short_life[] =
    TRANSACTIONS "for i = 1, 12 do farside.setTimeout(one, i * 100) end\n";

static const char second_life[] =
    "local Storage = require('farside').Plugins.Storage\n"
    "local function number(key) return assert(Storage.get(key) or 0) end\n"
    "print('found', number 'a', number 'b', number 'c', number 'd',\n"
    "  Storage.has 'odd' and 1 or 0)\n";

// What is known of it, by whoever outlives it.
typedef struct ledger {
  int64_t begun, done;
  int64_t failures;
  bool is_torn; // The app itself has seen what was not.
  bool was_found;
  int64_t found[4], odd;
} ledger;

static void hear(ledger *mine, const char *line) {
  int64_t n = 0;
  if (sscanf(line, "begin %" SCNd64, &n) == 1) {
    mine->begun = n;
  } else if (sscanf(line, "done %" SCNd64, &n) == 1) {
    mine->done = n;
  } else if (strcmp(line, "refused") == 0) {
    mine->failures++;
  } else if (sscanf(line, "failed %" SCNd64, &n) == 1) {
    mine->is_torn = mine->is_torn || n != mine->done;
  } else if (sscanf(line,
                    "found %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64
                    " %" SCNd64,
                    &mine->found[0], &mine->found[1], &mine->found[2],
                    &mine->found[3], &mine->odd) == 5) {
    mine->was_found = true;
  }
}

static void on_entry(void *user, const farside_entry *entry) {
  if (strcmp(entry->what, "log") == 0 && entry->level == FARSIDE_INFO)
    hear(user, entry->why);
}

// -- Lives --------------------------------------------------------------------

static far_device *open_phone(ledger *mine, const char *vfs,
                              farside_status *status) {
  far_device_config config = {
      .os = "desktop", .on_entry = on_entry, .user = mine};
  far_store_config where = {.path = kit_path("values.db"), .vfs = vfs};
  far_device *device;
  far_store *store;
  char error[1024];
  if (far_device_open(&config, &device) != FARSIDE_OK)
    abort();
  farside_host *host = far_device_host(device);
  host->queue.may_make_one = false;
  *status =
      far_store_open_sqlite(&host->memory, &where, &store, error, sizeof error);
  if (*status == FARSIDE_OK)
    far_queue_use(host, store);
  return device;
}

static void run(far_device *device, const char *code) {
  (void)far_device_launch(device, "user");
  check_ok(farside_load_buffer(far_device_host(device), "app.lua", code,
                               strlen(code), 0, NULL));
}

// What is there is one whole transaction: the last that was acknowledged, or
// the one that was under way.
static void look(ledger *mine) {
  farside_status status;
  far_device *device = open_phone(mine, NULL, &status);
  mine->was_found = false;
  check_ok(status);
  if (status == FARSIDE_OK)
    run(device, second_life);
  far_device_close(device);
  int64_t n = mine->found[0];
  bool is_whole = mine->was_found && n == mine->found[1] &&
                  n == mine->found[2] && n == mine->found[3] &&
                  mine->odd == n % 2;
  bool is_right = n == mine->done || n == mine->begun;
  if (!is_whole || !is_right)
    printf("begun %" PRId64 ", done %" PRId64 ", found %" PRId64 " %" PRId64
           " %" PRId64 " %" PRId64 ", odd %" PRId64 "\n",
           mine->begun, mine->done, n, mine->found[1], mine->found[2],
           mine->found[3], mine->odd);
  check(is_whole);
  check(is_right);
  check(kit_sql(kit_path("values.db"),
                "SELECT count(*) FROM pragma_integrity_check"
                " WHERE integrity_check = 'ok'") == 1);
  mine->done = mine->begun = n;
}

static int live_for_ever(ledger *mine) {
  farside_host *host;
  farside_config config;
  farside_config_init(&config);
  config.on_entry = on_entry;
  config.user = mine;
  config.timeline_entries_max = 16;
  if (farside_host_open(&config, &host) != FARSIDE_OK ||
      farside_open_store(host, kit_path("values.db")) != FARSIDE_OK ||
      farside_load_buffer(host, "app.lua", endless_life, strlen(endless_life),
                          0, NULL) != FARSIDE_OK)
    return 4;
  farside_run(host);
  return 5;
}

// The ledger is in memory that outlives the child.
static void test_kills(int kills, kit_random *random) {
  ledger *mine = mmap(NULL, sizeof *mine, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int64_t most = 0, in_the_middle = 0;
  if (mine == MAP_FAILED)
    abort();
  kit_clear();
  for (int i = 0; i < kills && kit_failed == 0; i++) {
    int64_t before = mine->done;
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
      _exit(live_for_ever(mine));
    usleep((useconds_t)kit_below(random, 30000));
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    check(WIFSIGNALED(status));
    most = mine->done - before > most ? mine->done - before : most;
    in_the_middle += mine->begun != mine->done;
    look(mine);
  }
  printf("ok %d kills: up to %" PRId64 " transactions in a life, %" PRId64
         " in all, %" PRId64 " cut off\n",
         kills, most, mine->done, in_the_middle);
  check(mine->done > kills && in_the_middle > 0);
  munmap(mine, sizeof *mine);
}

// -- The disk -----------------------------------------------------------------

static bool fail_at(disk_fault fault, bool fails_on, int64_t at,
                    ledger *counts) {
  ledger mine = {0};
  farside_status status;
  kit_clear();
  far_device_close(open_phone(&mine, NULL, &status)); // The file is there.
  disk_begin(fault, at, fails_on);
  far_device *device = open_phone(&mine, disk_name, &status);
  if (status == FARSIDE_OK) {
    run(device, short_life);
    far_device_advance(device, 2000);
  }
  bool has_failed = disk_has_failed();
  disk_end();
  far_device_close(device);
  check(!mine.is_torn);
  if (!has_failed)
    check(mine.done == 12);
  look(&mine);
  counts->failures += mine.failures;
  counts->done += has_failed;
  return has_failed;
}

static void test_faults(const char *name, disk_fault fault, bool fails_on) {
  ledger counts = {0};
  int64_t at = 1;
  while (kit_failed == 0 && fail_at(fault, fails_on, at, &counts))
    at++;
  printf("ok %s: %" PRId64 " times; the app was told %" PRId64 " times\n", name,
         counts.done, counts.failures);
  check(counts.done > 20 && counts.failures > 0);
}

int main(int argc, char **argv) {
  const char *by_environment = getenv("STORAGE_KILLS");
  const char *count = argc > 1 ? argv[1] : by_environment;
  int kills = count ? atoi(count) : 150;
  uint64_t seed = argc > 2
                      ? strtoull(argv[2], NULL, 0)
                      : (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
  kit_random random = {seed};
  printf("seed %" PRIu64 "\n", seed);
  kit_begin("farside-storage");
  disk_install();
  alarm(600 + (unsigned)kills); // Nothing may hang.
  test_kills(kills, &random);
  test_faults("each operation of the disk fails once", DISK_EIO, false);
  test_faults("all operations from each on fail", DISK_EIO, true);
  test_faults("the disk is full once", DISK_ENOSPC, false);
  test_faults("the disk is full from then on", DISK_ENOSPC, true);
  return kit_end();
}
