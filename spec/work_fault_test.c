// Durable work when its disk fails, from the script down: on a phone whose
// store lies in a file, each operation of the disk fails once, or that and all
// behind it; the disk is full; or the power goes. The app hears of it as an
// error of its call and as an event, and goes on; and when the disk is well
// again, or the app is started anew, nothing that was acknowledged is missing,
// and all that is left comes to its end.
//
//   work_fault_test [times]     so many times as many points at which it fails

#include "device.h"
#include "store_disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What it does is said in small letters, and what was acknowledged in capitals.
static const char first_life[] =
    "local farside = require 'farside'\n"
    "local P = farside.Plugins\n"
    "local App, B, Storage = P.App, P.BackgroundTask, P.Storage\n"
    "local function said(name, value, why, status)\n"
    "  if value then print(name, value) else print('X', status) end\n"
    "  return value\n"
    "end\n"
    "App.addListener('storeFault', function(e) print('fault', e.name) end)\n"
    "B.watch({ state = 'succeeded' }, function(one) print('D', one.id) end)\n"
    "B.define('k', { retry = { base = '1s', jitter = 0 }, run = function(ctx)\n"
    "  for i = (ctx.checkpoint.n or 0) + 1, 3 do\n"
    "    if said('S' .. ctx.id, ctx:save { n = i } and i) then end\n"
    "    farside.sleep(100)\n"
    "  end\n"
    "  if ctx.attempt == 1 and ctx.input == 2 then error('again', 0) end\n"
    "  return ctx.input\n"
    "end })\n"
    "local function enqueue(i, options)\n"
    "  return said('E', B.enqueue('k', i, options))\n"
    "end\n"
    "enqueue(0)\n"
    "B.exec(function(task)\n"
    "  local ids = {}\n"
    "  for i = 1, 4 do\n"
    "    ids[i] = enqueue(i, { tags = { 't' }, durable = true })\n"
    "    farside.sleep(50)\n"
    "  end\n"
    "  enqueue(5, { after = ids[1], onParentFail = 'run' })\n"
    "  enqueue(6, { unique = 'u', delay = '1h' })\n"
    "  local late = enqueue(7, { delay = '1h' })\n"
    "  if late then\n"
    "    local count, why, status = B.cancel { id = late }\n"
    "    if count then print('C', late) else print('X', status) end\n"
    "  end\n"
    "  said('P', B.periodic('p', 'k', { every = '1h', input = 8 }))\n"
    "  local ok, done, why, status = pcall(Storage.transaction, function()\n"
    "    assert(Storage.set('n', 1))\n"
    "    assert(B.enqueue('k', 9, { delay = '2h' }))\n"
    "    return true\n"
    "  end)\n"
    "  if ok and done then print('T', 1) else print('X', status) end\n"
    "  said('q', #(B.query() or {}))\n"
    "  task:finish()\n"
    "end)\n";

// Of a file of more than a mebibyte only the first and the last rows are looked
// at when it is opened: what is large has to be read when it is wanted.
static const char large_life[] =
    "local Storage = require('farside').Plugins.Storage\n"
    "for _, key in ipairs { 'first', 'large', 'last', 'other' } do\n"
    "  assert(Storage.set(key, ('x'):rep(300000)))\n"
    "end\n";

// Reads it while somebody waits for his commit.
static const char reading_life[] =
    "local P = require('farside').Plugins\n"
    "local B, Storage = P.BackgroundTask, P.Storage\n"
    "B.exec(function(task)\n"
    "  local id, why, status = B.enqueue('k', 1, { delay = '1h' })\n"
    "  if id then print('E', id) else print('X', status) end\n"
    "  task:finish()\n"
    "end)\n"
    "B.exec(function(task)\n"
    "  local large, why, status = Storage.get 'large'\n"
    "  if not large then print('X', status) end\n"
    "  task:finish()\n"
    "end)\n";

// Says what is there.
static const char second_life[] =
    "local farside = require 'farside'\n"
    "local P = farside.Plugins\n"
    "local B, Storage = P.BackgroundTask, P.Storage\n"
    "B.define('k', { retry = { base = '1s', jitter = 0 }, run = function(ctx)\n"
    "  return ctx.input\n"
    "end })\n"
    "for _, one in ipairs(assert(B.query { limit = 1000 })) do\n"
    "  local n = one.checkpoint and one.checkpoint.n or 0\n"
    "  print('U', one.id, one.state, n)\n"
    "  if one.input == 9 then print('W', 1) end\n"
    "end\n"
    "print('V', Storage.get 'n' or 0)\n";

enum { UNITS = 64, STATES_BYTES = 16 };

typedef struct fact {
  bool is_acked, is_done, is_cancelled, is_there;
  int kept, found;
  char state[STATES_BYTES];
} fact;

typedef struct facts {
  fact of[UNITS];
  int errors, faults;
  bool is_transaction_acked, has_unit, has_value;
  bool is_second; // Which life speaks.
  bool is_open;   // Whether it speaks at all.
} facts;

static void hear(facts *mine, const char *line) {
  int id = 0, n = 0;
  char word[STATES_BYTES] = "";
  sscanf(line + 1, "%d %d", &id, &n);
  fact *of = &mine->of[id > 0 && id < UNITS ? id : 0];
  switch (line[0]) {
  case 'E':
  case 'P':
    of->is_acked = true;
    break;
  case 'S':
    of->kept = n > of->kept ? n : of->kept;
    break;
  case 'C':
    of->is_cancelled = true;
    break;
  case 'D':
    of->is_done = true;
    break;
  case 'T':
    mine->is_transaction_acked = true;
    break;
  case 'X':
    // It has a name, and that is one of the store's.
    check(strstr(line, "FULL") || strstr(line, "STORE") ||
          strstr(line, "CORRUPT") || strstr(line, "READONLY") ||
          strstr(line, "NOMEM") || strstr(line, "nil") ||
          strstr(line, "NOWORK") || strstr(line, "LOCKED"));
    mine->errors++;
    break;
  case 'U':
    sscanf(line + 1, "%*d %15s %d", word, &of->found);
    of->is_there = true;
    snprintf(of->state, sizeof of->state, "%s", word);
    break;
  case 'W':
    mine->has_unit = true;
    break;
  case 'V':
    mine->has_value = id == 1;
    break;
  default:
    break;
  }
}

static void on_entry(void *user, const farside_entry *entry) {
  facts *mine = user;
  if (strcmp(entry->what, "store.fault") == 0)
    mine->faults++;
  if (strcmp(entry->what, "log") == 0 && entry->level == FARSIDE_INFO &&
      mine->is_open)
    hear(mine, entry->why);
}

// -- A phone with its store in a file -----------------------------------------

static far_device *open_phone(facts *mine, const char *file, const char *vfs,
                              farside_status *status) {
  far_device_config config = {
      .os = "desktop", .on_entry = on_entry, .user = mine};
  far_device *device;
  if (far_device_open(&config, &device) != FARSIDE_OK)
    abort();
  farside_host *host = far_device_host(device);
  far_store_config where = {.path = file, .vfs = vfs};
  far_store *store;
  char error[1024];
  host->queue.may_make_one = false;
  *status =
      far_store_open_sqlite(&host->memory, &where, &store, error, sizeof error);
  if (*status == FARSIDE_OK)
    far_queue_use(host, store);
  else
    check(error[0] != '\0');
  return device;
}

static void run(far_device *device, const char *code) {
  farside_host *host = far_device_host(device);
  (void)far_device_launch(device, "user");
  check_ok(farside_load_buffer(host, "app.lua", code, strlen(code), 0, NULL));
}

static void look(facts *mine, const char *file) {
  farside_status status;
  mine->is_second = true;
  far_device *device = open_phone(mine, file, NULL, &status);
  check_ok(status);
  if (status == FARSIDE_OK) {
    run(device, second_life);
    // Whatever is left comes to its end.
    far_device_advance(device, 4 * 3600 * 1000);
    far_device_settle(device);
    far_device_kill(device, "the test is over");
  }
  far_device_close(device);
  check(kit_sql(file, "SELECT count(*) FROM works WHERE state < 3"
                      " AND unique_name IS NOT 'p'") == 0);
}

static void compare(const facts *mine, bool is_power) {
  for (int id = 1; id < UNITS; id++) {
    const fact *of = &mine->of[id];
    bool is_fine = !of->is_acked || of->is_there;
    is_fine = is_fine && (!of->is_done || strcmp(of->state, "succeeded") == 0);
    is_fine =
        is_fine && (!of->is_cancelled || strcmp(of->state, "cancelled") == 0);
    is_fine = is_fine && (of->kept <= of->found || of->is_done ||
                          strcmp(of->state, "succeeded") == 0);
    if (!is_fine)
      printf("unit %d: %d %d %d, kept %d; found %s %d%s\n", id, of->is_acked,
             of->is_done, of->is_cancelled, of->kept, of->state, of->found,
             is_power ? " after a loss of power" : "");
    check(is_fine);
  }
  check(!mine->is_transaction_acked || mine->has_value);
  check(mine->has_unit == mine->has_value);
}

// -- Lives --------------------------------------------------------------------

typedef struct case_of {
  const char *name;
  disk_fault fault;
  bool fails_on;
  const char *before, *code; // NULL: nothing, and the first life.
} case_of;

// Whether the disk came to its failure.
static bool live(const case_of *with, int64_t at, kit_random *random,
                 long *errors, long *faults) {
  facts mine = {.is_open = true};
  const char *file = kit_path("work.db");
  farside_status status;
  bool has_failed = false;
  kit_clear();
  // The file is there already: a store that cannot be made is told by store_*.
  far_device *device = open_phone(&mine, file, NULL, &status);
  check_ok(status);
  if (with->before != NULL)
    run(device, with->before);
  far_device_close(device);

  disk_begin(with->fault, at, with->fails_on);
  device = open_phone(&mine, file, disk_name, &status);
  if (status == FARSIDE_OK) {
    run(device, with->code ? with->code : first_life);
    far_device_advance(device, 20 * 1000);
    has_failed = disk_has_failed();
    // From now on it fails no more: what was not written is written then.
    if (with->fault != DISK_POWER) {
      disk_end();
      far_device_advance(device, 20 * 1000);
    }
    mine.is_open = with->fault != DISK_POWER;
    far_device_kill(device, "the test is over");
  }
  mine.is_open = false;
  far_device_close(device);
  has_failed = has_failed || disk_has_failed() || at == 0;
  if (with->fault == DISK_POWER)
    disk_after_power_cut((disk_loss)kit_below(random, DISK_LOSSES), random);
  disk_end();
  mine.is_open = true;
  look(&mine, file);
  compare(&mine, with->fault == DISK_POWER);
  *errors += mine.errors;
  *faults += mine.faults;
  return has_failed;
}

// How many operations there are when nothing fails.
static int64_t count_operations(kit_random *random) {
  const case_of none = {.name = "", .fault = DISK_FINE};
  long errors = 0, faults = 0;
  facts mine = {.is_open = true};
  const char *file = kit_path("work.db");
  farside_status status;
  (void)live(&none, 0, random, &errors, &faults);
  check(errors == 0 && faults == 0);
  kit_clear();
  far_device *device = open_phone(&mine, file, NULL, &status);
  far_device_close(device);
  disk_begin(DISK_EIO, INT64_MAX, false);
  device = open_phone(&mine, file, disk_name, &status);
  run(device, first_life);
  far_device_advance(device, 20 * 1000);
  int64_t count = disk_count();
  far_device_kill(device, "the test is over");
  far_device_close(device);
  disk_end();
  return count;
}

// -- Who waits for what was lost ----------------------------------------------

static const char family_life[] =
    "local B = require('farside').Plugins.BackgroundTask\n"
    "B.define('k', { run = function() end })\n"
    "local done = B.enqueue('k')\n"
    "local late = B.enqueue('k', nil, { delay = '1h' })\n"
    "for _, what in ipairs { 'fail', 'run', 'hold' } do\n"
    "  B.enqueue('k', nil, { after = { done, late }, onParentFail = what })\n"
    "end\n"
    "B.enqueue('k', nil, { after = 5 })\n";

static void forget(const char *file, int id) {
  char sql[64];
  sqlite3 *db;
  snprintf(sql, sizeof sql, "DELETE FROM works WHERE id = %d", id);
  check(sqlite3_open(file, &db) == SQLITE_OK);
  check(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
  check(sqlite3_changes(db) == 1);
  sqlite3_close(db);
}

// The units from the third on, as the first letters of their states, when that
// one was lost by a salvage.
static void lose(int lost, const char *wanted) {
  facts mine = {0};
  char text[256], states[8] = "";
  const char *file = kit_path("work.db");
  farside_status status;
  kit_clear();
  far_device *device = open_phone(&mine, file, NULL, &status);
  run(device, family_life);
  far_device_advance(device, 1000);
  far_device_kill(device, "the file is damaged");
  far_device_close(device);
  forget(file, lost);

  device = open_phone(&mine, file, NULL, &status);
  far_device_host(device)->queue.has_orphans = true;
  run(device, "require('farside').Plugins.BackgroundTask.define('k', { run = "
              "function() end })");
  far_device_advance(device, 1000);
  far_device_kill(device, "the test is over");
  far_device_close(device);
  for (int id = 3; id <= 6; id++) {
    snprintf(text, sizeof text, "SELECT state FROM works WHERE id = %d", id);
    states[id - 3] = "erbsfc"[kit_sql(file, text) % 6];
  }
  if (strcmp(states, wanted) != 0)
    printf("without %d: %s, and not %s\n", lost, states, wanted);
  check(strcmp(states, wanted) == 0);
}

// -- What cannot be read ------------------------------------------------------

// Each operation, until none is left.
static void fail_a_read(kit_random *random) {
  const case_of with = {.name = "a read fails while somebody waits",
                        .fault = DISK_EIO,
                        .before = large_life,
                        .code = reading_life};
  long errors = 0, faults = 0;
  int64_t at = 1;
  while (live(&with, at, random, &errors, &faults))
    at++;
  printf("ok %s: %" PRId64 " times; the app was told %ld times, and heard %ld "
         "events\n",
         with.name, at - 1, errors, faults);
  check(at > 20 && errors > 0);
}

int main(int argc, char **argv) {
  static const case_of cases[] = {
      {.name = "each operation fails once", .fault = DISK_EIO},
      {.name = "all operations from each on fail",
       .fault = DISK_EIO,
       .fails_on = true},
      {.name = "the disk is full once", .fault = DISK_ENOSPC},
      {.name = "the disk is full from then on",
       .fault = DISK_ENOSPC,
       .fails_on = true},
      {.name = "the power goes", .fault = DISK_POWER, .fails_on = true},
  };
  int64_t points = 60 * (argc > 1 ? atoi(argv[1]) : 1);
  kit_random random = {UINT64_C(20260131)};
  kit_begin("farside-work-fault");
  disk_install();
  alarm(900); // Nothing may hang.
  int64_t count = count_operations(&random);
  printf("%" PRId64 " operations of the disk\n", count);
  for (size_t i = 0; i < ROWS(cases); i++) {
    long errors = 0, faults = 0;
    int64_t times = 0, stride = count > points ? count / points : 1;
    for (int64_t at = 1 + (int64_t)kit_below(&random, (uint64_t)stride);
         at <= count; at += stride, times++)
      (void)live(&cases[i], at, &random, &errors, &faults);
    printf("ok %s: %" PRId64 " times; the app was told %ld times, and heard "
           "%ld events\n",
           cases[i].name, times, errors, faults);
    check(times > 0 && (cases[i].fault == DISK_POWER || errors + faults > 0));
  }
  fail_a_read(&random);
  lose(1, "bbbb"); // It had succeeded.
  lose(2, "fsff"); // Nobody is left who could redrive it.
  printf("ok nobody waits for ever for what was lost\n");
  return kit_end();
}
