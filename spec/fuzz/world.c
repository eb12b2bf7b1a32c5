#include "world.h"

#include "going.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  RESERVE_BYTES = 256 << 10, // See arena.c, and the next one too.
  SLACK_BYTES = 2 << 20,
  ENTRIES_MAX = 64,
  ENTRY_BYTES_MAX = 16 << 10, // One of the timeline, with all its strings.
  // What a host keeps besides, for a script that asks for as much as it can.
  KEPT_BYTES_MAX = 24 << 20,
  ADVANCES_MAX = 200000
};

// -- The host's memory --------------------------------------------------------

static void *allocate(void *user, void *ptr, size_t bytes_old,
                      size_t bytes_new) {
  world *mine = user;
  if (ptr == NULL)
    bytes_old = 0;
  if (bytes_new == 0) {
    mine->used_bytes -= bytes_old;
    free(ptr);
    return NULL;
  }
  if (bytes_new > bytes_old && ++mine->allocations == mine->fails_at) {
    mine->has_failed = true;
    return NULL;
  }
  void *block = realloc(ptr, bytes_new);
  expect(block != NULL);
  mine->used_bytes += bytes_new - bytes_old;
  return block;
}

// -- The story ----------------------------------------------------------------

static bool is(const farside_entry *entry, const char *what) {
  return strcmp(entry->what, what) == 0;
}

// What an embedder may do from inside a callback must do no harm there.
static void call_back(world *mine) {
  farside_stats stats;
  farside_script about;
  farside_host *host = mine->host;
  if (mine->entries % 16 != 0)
    return;
  farside_get_stats(host, &stats);
  for (size_t i = 0; farside_script_at(host, i, &about); i++)
    expect(strlen(about.name) > 0);
  expect(farside_script_close(host, "a") == FARSIDE_BUSY);
  expect(farside_script_reload(host, "a") == FARSIDE_BUSY);
  expect(farside_load_buffer(host, "a", "", 0, 0, NULL) == FARSIDE_BUSY);
  expect(farside_run(host) == FARSIDE_BUSY);
  expect(farside_tick(host, 0) == FARSIDE_BUSY);
  expect(farside_error(host)[0] != '\0');
}

static void heard(void *user, const farside_entry *entry) {
  world *mine = user;
  expect(entry->t_ms >= mine->t_ms);
  expect(entry->state != NULL && entry->level <= FARSIDE_ERROR);
  mine->t_ms = entry->t_ms;
  mine->entries++;
  mine->errors += entry->level == FARSIDE_ERROR;
  mine->kills += is(entry, "script.kill");
  if (is(entry, "task.begin"))
    mine->begun++;
  mine->finished += is(entry, "task.finish");
  mine->failed += is(entry, "task.fail");
  mine->expired += is(entry, "task.expire");
  mine->cancelled += is(entry, "task.cancel");
  if (strncmp(entry->what, "task.", 5) == 0)
    expect(entry->task != 0 && entry->where != NULL);
  if (is(entry, "log") && entry->why != NULL &&
      strncmp(entry->why, "fuzz ", 5) == 0)
    snprintf(mine->said, sizeof mine->said, "%s", entry->why);
  if (mine->host == NULL || mine->is_inside)
    return;
  mine->is_inside = true;
  call_back(mine);
  mine->is_inside = false;
}

// -- Between two moves --------------------------------------------------------

static void check_tasks(const world *mine) {
  const farside_host *host = mine->host;
  uint64_t open = 0, suspects = 0, begun_ms = 0, now_ms = far_host_now_ms(host);
  for (const far_task *task = host->tasks.first; task; task = task->next) {
    const far_job *job = (const far_job *)(const void *)task;
    open++;
    suspects += job->is_suspect;
    expect(task->state == FAR_TASK_PENDING || task->state == FAR_TASK_RUNNING);
    expect(task->begun_ms >= begun_ms && task->begun_ms <= now_ms);
    expect(task->warn_ms <= task->end_ms);
    expect(!job->script->is_dead && job->script->host == host);
    expect(job->uses > 0);
    expect(task->previous == NULL ? host->tasks.first == task
                                  : task->previous->next == task);
    begun_ms = task->begun_ms;
  }
  expect(open == host->tasks.open && suspects == host->suspects);
  expect(host->is_held == (open > 0));
  expect(host->app.state > FAR_APP_SUSPENDED || open == 0);
}

static void check_stats(world *mine) {
  farside_stats stats;
  farside_get_stats(mine->host, &stats);
  expect(stats.tasks_begun == stats.tasks_open + stats.finished + stats.failed +
                                  stats.expired + stats.cancelled);
  expect(stats.finished == mine->finished && stats.failed == mine->failed);
  expect(stats.expired == mine->expired && stats.cancelled == mine->cancelled);
  expect(stats.tasks_begun == mine->begun);
  expect(stats.leaked <= stats.tasks_begun);
  // Whatever is counted has been told.
  expect(stats.errors <= mine->errors);
  expect(mine->kills <= stats.killed);
  if (mine->limits.turn_ms == FARSIDE_NO_LIMIT &&
      mine->limits.cpu_ms == FARSIDE_NO_LIMIT)
    expect(stats.killed == 0);
}

static size_t count(const far_list *list) {
  size_t items = 0;
  for (const far_list *link = list->next; link != list; link = link->next) {
    expect(link->next->previous == link && link->previous->next == link);
    items++;
  }
  return items;
}

static void check_script(const far_script *script, size_t *chunk_bytes) {
  far_arena_usage usage;
  far_arena_get_usage(script->arena, &usage);
  size_t cap = (size_t)script->limits.memory_bytes;
  // The reserve is for telling a script that its memory is used up; what was
  // told lies there until it is collected.
  expect(usage.used_bytes <= usage.peak_bytes);
  expect(usage.peak_bytes <= cap + RESERVE_BYTES);
  expect(usage.charged_bytes <= usage.used_bytes);
  expect(usage.chunk_bytes <= (cap + RESERVE_BYTES) * 2 + SLACK_BYTES);
  *chunk_bytes += usage.chunk_bytes;
  expect(!script->is_dead && script->messages <= script->limits.messages);
  expect(script->is_parked == (script->running != NULL));
  expect(script->is_parked || (script->job == NULL && script->co == NULL));
  expect(script->pooled <= FAR_POOL_MAX);
  expect(lua_gettop(script->L) < LUA_MINSTACK);
  count(&script->owned);
}

static void check_scripts(const world *mine) {
  const farside_host *host = mine->host;
  size_t turns = 0, parked = 0, index = 0, chunk_bytes = 0;
  farside_script about;
  for (const far_list *link = host->scripts.next; link != &host->scripts;
       link = link->next, index++) {
    const far_script *script = far_list_item(link, far_script, link);
    check_script(script, &chunk_bytes);
    size_t own_turns = count(&script->turns) + script->is_parked;
    // Or nobody would ever come to them.
    expect(own_turns == 0 || far_list_is_in(&script->ready));
    turns += own_turns;
    parked += script->is_parked;
    expect(farside_script_at(host, index, &about));
    expect(about.name == script->name && about.messages == script->messages);
  }
  expect(!farside_script_at(host, index, &about));
  expect(turns == host->turns_queued && parked == host->parked);
  expect(count(&host->ready) <= index);
  expect(host->memory.used_bytes >= chunk_bytes);
  expect(host->memory.used_bytes - chunk_bytes <=
         KEPT_BYTES_MAX + ENTRIES_MAX * ENTRY_BYTES_MAX);
  expect(host->app.state != FAR_APP_GONE || index == 0);
}

// -- Durable work

// Of a name one runs at a time, however its predecessor ended.
static void check_runs(const far_queue *queue) {
  for (const far_list *link = queue->going.next; link != &queue->going;
       link = link->next) {
    const far_going *going = far_list_item(link, far_going, link);
    const far_work named = {
        .id = going->id, .unique = going->unique, .script = going->of};
    if (going->stage == FAR_GOING_TOLD)
      continue;
    expect(far_going_of(queue, going->id) == going);
    expect(!far_going_has_name(queue, &named));
    expect(going->stage != FAR_GOING_BEGUN ||
           (going->script != NULL && !going->script->is_dead));
  }
  expect(far_goings_count(queue) <= FAR_RUNS_AT_ONCE);
}

// What the store says that it runs is run; where somebody has to find out yet
// that it is not, he has not begun anything.
static void check_row(const world *mine, const far_work *work) {
  const far_queue *queue = &mine->host->queue;
  const far_going *going = far_going_of(queue, work->id);
  bool is_known = going != NULL && going->token == work->token;
  expect(far_work_is_final(work) == (work->state >= FAR_WORK_SUCCEEDED));
  expect(work->runs <= work->token && work->attempts <= work->runs);
  expect(work->state != FAR_WORK_BLOCKED || work->parents > 0);
  expect(work->state != FAR_WORK_RUNNING || is_known || queue->needs_rescue ||
         mine->has_failed);
}

static void check_rows(const world *mine) {
  const far_queue *queue = &mine->host->queue;
  far_find find = {.by = FAR_FIND_FILTER, .state = -1, .is_brief = true};
  far_work work = {0};
  farside_status status;
  while ((status = queue->store->find(queue->store, &find, &work)) ==
         FARSIDE_OK) {
    check_row(mine, &work);
    far_work_deinit(queue->store->memory, &work);
  }
  expect(status == FARSIDE_NOWORK ||
         (status == FARSIDE_NOMEM && mine->has_failed));
}

static void check_room(const far_queue *queue, const far_script *script) {
  int64_t counts[FAR_WORK_STATES], bytes;
  far_store *store = queue->store;
  expect(store->count(store, script->name, counts) == FARSIDE_OK);
  expect((uint64_t)(counts[FAR_WORK_ENQUEUED] + counts[FAR_WORK_RUNNING] +
                    counts[FAR_WORK_BLOCKED]) <= script->limits.work);
  expect(store->value_bytes(store, script->name, &bytes) == FARSIDE_OK);
  expect((uint64_t)bytes <= script->limits.storage_bytes);
  expect(script->kinds_count <= FAR_KINDS_MAX);
  expect(script->watches_count <= FAR_WATCHES_MAX);
}

static void check_work(const world *mine) {
  const farside_host *host = mine->host;
  const far_queue *queue = &host->queue;
  expect(queue->transaction == NULL && queue->transaction_depth == 0);
  if (queue->store == NULL)
    return;
  check_runs(queue);
  check_rows(mine);
  for (const far_list *link = host->scripts.next; link != &host->scripts;
       link = link->next)
    check_room(queue, far_list_item(link, far_script, link));
}

static void check_timeline(const world *mine) {
  const far_timeline *timeline = &mine->host->timeline;
  uint64_t t_ms = 0;
  expect(timeline->first <= timeline->count);
  expect(timeline->count - timeline->first <= ENTRIES_MAX);
  expect(far_timeline_get(timeline, timeline->count) == NULL);
  for (uint64_t i = timeline->first; i < timeline->count; i++) {
    const farside_entry *entry = far_timeline_get(timeline, i);
    expect(entry != NULL && entry->t_ms >= t_ms);
    t_ms = entry->t_ms;
  }
}

void world_check(world *mine) {
  const farside_host *host = mine->host;
  expect(!host->is_running && !host->is_closing);
  expect(host->watch.shield.depth == 0 && host->watch.running == NULL);
  check_tasks(mine);
  check_stats(mine);
  check_scripts(mine);
  check_work(mine);
  check_timeline(mine);
}

// -- Opening and closing ------------------------------------------------------

static farside_status open_phone(world *mine, const char *os) {
  far_device_config config = {.os = os,
                              .allocate = allocate,
                              .on_entry = heard,
                              .user = mine,
                              .timeline_entries_max = ENTRIES_MAX};
  farside_status status = far_device_open(&config, &mine->device);
  if (status == FARSIDE_OK)
    mine->host = far_device_host(mine->device);
  return status;
}

// On real time, where turns are suspended by the watchdog's own signal.
static farside_status open_real(world *mine, const char *os) {
  farside_config config;
  farside_config_init(&config);
  config.profile = os;
  config.allocate = allocate;
  config.on_entry = heard;
  config.user = mine;
  config.timeline_entries_max = ENTRIES_MAX;
  mine->limits.slice_ms = 1;
  mine->is_comparable = false;
  farside_status status = farside_host_open(&config, &mine->host);
  if (status == FARSIDE_OK)
    expect(farside_open_store(mine->host, NULL) == FARSIDE_OK);
  return status;
}

bool world_open(world *mine, input *setup) {
  static const char *const systems[] = {"ios", "android", "strict", "desktop"};
  static const int forced[] = {0, 0, 0, 1, 2, 3, 7, 50};
  unsigned mode = input_below(setup, 8);
  *mine = (world){.is_comparable = true};
  mine->limits = (farside_limits){.turn_ms = 8,
                                  .cpu_ms = 25,
                                  .memory_bytes = 4 << 20,
                                  .messages = 40,
                                  .storage_bytes = 64 << 10,
                                  .work = 40};
  mine->forced = forced[input_below(setup, 8)];
  if (mode == 1)
    mine->limits.memory_bytes = 256 << 10;
  if (mode == 2)
    mine->limits.cpu_ms = 5;
  if (mode == 3)
    mine->fails_at = 1 + input_below(setup, 256) * 4;
  const char *os = systems[input_below(setup, 4)];
  farside_status status =
      mode == 4 ? open_real(mine, os) : open_phone(mine, os);
  if (status != FARSIDE_OK) {
    expect(mine->fails_at != 0 && mine->used_bytes == 0);
    return false;
  }
  far_watch_force(&mine->host->watch, mine->forced);
  return true;
}

uint64_t world_close(world *mine) {
  uint64_t refused = mine->host->failing.refused;
  for (const far_list *link = mine->host->scripts.next;
       link != &mine->host->scripts; link = link->next) {
    far_arena_usage usage;
    far_arena_get_usage(far_list_item(link, far_script, link)->arena, &usage);
    refused += usage.refused;
  }
  mine->is_comparable = mine->is_comparable && mine->host->stats.killed == 0 &&
                        mine->fails_at == 0 && refused == 0;
  uint64_t hash = mine->host->timeline.hash;
  if (mine->device != NULL)
    far_device_close(mine->device);
  else
    farside_host_close(mine->host);
  expect(mine->begun ==
         mine->finished + mine->failed + mine->expired + mine->cancelled);
  expect(mine->used_bytes == 0);
  return hash;
}

// -- Moves --------------------------------------------------------------------

static const char *const names[WORLD_SCRIPTS + 1] = {"a", "b", "c", "host"};

farside_status world_load(world *mine, size_t index) {
  farside_source source;
  farside_source_init(&source);
  if (mine->codes[index] == NULL)
    return FARSIDE_INVALID;
  farside_script_close(mine->host, names[index]);
  source.name = names[index];
  source.code = mine->codes[index];
  source.code_bytes = mine->codes_bytes[index];
  source.grant.limits = mine->limits;
  farside_status status = farside_load(mine->host, &source);
  expect(status == FARSIDE_OK || farside_error(mine->host)[0] != '\0');
  world_check(mine);
  return status;
}

void world_advance(world *mine, uint64_t ms) {
  if (mine->device != NULL)
    far_device_advance(mine->device, ms);
  else // Nobody waits for real time to pass.
    for (unsigned frames = ms < 100 ? 2 : 8; frames > 0; frames--)
      farside_tick(mine->host, 2);
}

static void tell(world *mine, const char *event) {
  expect(farside_post(mine->host, event, NULL) == FARSIDE_OK);
  world_advance(mine, 0);
}

static void load(world *mine, input *moves) {
  world_load(mine, input_below(moves, WORLD_SCRIPTS));
}

static void press_home(world *mine, input *moves) {
  (void)moves;
  if (mine->device != NULL)
    far_device_press_home(mine->device);
  else
    tell(mine, "pause");
}

static void open_app(world *mine, input *moves) {
  (void)moves;
  if (mine->device != NULL)
    far_device_open_app(mine->device);
  else
    tell(mine, "resume");
}

static void advance(world *mine, input *moves) {
  static const uint64_t steps_ms[] = {1, 10, 100, 1000, 5000, 30000, 200000};
  world_advance(mine, steps_ms[input_below(moves, 7)]);
}

// Frames of an engine: in each a single turn, or a slice of it.
static void frame(world *mine, input *moves) {
  for (unsigned i = input_below(moves, 8) + 1; i > 0; i--) {
    uint64_t now_ms = far_host_now_ms(mine->host) + 1;
    if (mine->device != NULL) {
      far_clock_set(mine->host->clock, now_ms);
      far_host_step(mine->host, far_now_ns());
    } else {
      farside_tick(mine->host, 1);
    }
    world_check(mine);
  }
}

static void kill_app(world *mine, input *moves) {
  (void)moves;
  if (mine->device != NULL)
    far_device_kill(mine->device, "the OS needs memory");
  else
    farside_stop(mine->host);
}

static void quit(world *mine, input *moves) {
  (void)moves;
  if (mine->device != NULL)
    far_device_quit(mine->device);
  else
    tell(mine, "terminate");
}

static void post(world *mine, input *moves) {
  static const struct {
    const char *event, *json;
  } posts[] = {
      {"appStateChange", "{\"isActive\":false}"},
      {"appStateChange", "{\"isActive\":true}"},
      {"pause", NULL},
      {"resume", NULL},
      {"memoryWarning", "{\"level\":\"low\"}"},
      {"appUrlOpen", "{\"url\":\"app://x\"}"},
      {"appRestoredResult", "{\"pluginId\":\"p\",\"data\":[1,{}]}"},
      {"backButton", "{\"canGoBack\":true}"},
      {"terminate", "{\"reason\":\"fuzz\",\"graceMs\":500}"},
      {"terminate", "{\"graceMs\":0}"},
  };
  unsigned i = input_below(moves, sizeof posts / sizeof *posts);
  expect(farside_post(mine->host, posts[i].event, posts[i].json) == FARSIDE_OK);
}

static void send(world *mine, input *moves) {
  static const char *const values[] = {
      "null", "1", "\"text\"", "[1,2.5,null,{\"a\":[]}]", "{}", "[[[[[[]]]]]]"};
  const char *to = names[input_below(moves, WORLD_SCRIPTS + 1)];
  const char *json = values[input_below(moves, 6)];
  for (unsigned i = input_below(moves, 60) + 1; i > 0; i--)
    expect(farside_send(mine->host, to, json) == FARSIDE_OK);
}

static void settle(world *mine, input *moves) {
  (void)moves;
  world_advance(mine, 0);
}

static void reload(world *mine, input *moves) {
  farside_script_reload(mine->host, names[input_below(moves, WORLD_SCRIPTS)]);
}

static void close_script(world *mine, input *moves) {
  const char *name = names[input_below(moves, WORLD_SCRIPTS)];
  farside_status status = farside_script_close(mine->host, name);
  expect(status == FARSIDE_OK || status == FARSIDE_NOSCRIPT);
  expect(farside_script_close(mine->host, name) == FARSIDE_NOSCRIPT);
}

static void stop(world *mine, input *moves) {
  (void)moves;
  farside_stop(mine->host);
}

// The nth allocation of a script fails.
static void fail(world *mine, input *moves) {
  unsigned n = input_below(moves, 256);
  bool and_after = input_below(moves, 4) == 3;
  mine->is_comparable = false;
  for (const far_list *link = mine->host->scripts.next;
       link != &mine->host->scripts; link = link->next)
    far_arena_fail(far_list_item(link, far_script, link)->arena, n, and_after);
}

static void fail_host(world *mine, input *moves) {
  unsigned n = input_below(moves, 256);
  mine->is_comparable = false;
  mine->fails_at = n == 0 ? 0 : mine->allocations + n;
}

static void force(world *mine, input *moves) {
  far_watch_force(&mine->host->watch, (int)input_below(moves, 64));
}

static void launch(world *mine, input *moves) {
  (void)moves;
  if (mine->device != NULL)
    far_device_launch(mine->device, "fuzz");
}

// Of the world, when there is one.
static void change_world(world *mine, input *moves) {
  static const int64_t clocks_ms[] = {-1, 1000, -5000, 3600000, -90000000};
  unsigned what = input_below(moves, 7), value = input_below(moves, 3);
  if (mine->device == NULL)
    return;
  switch (what) {
  case 0:
    far_device_set_network(mine->device, (farside_network)value);
    break;
  case 1:
    far_device_set_battery(mine->device, (int)value * 500);
    break;
  case 2:
    far_device_reboot(mine->device);
    break;
  case 3:
    far_device_swipe_away(mine->device);
    break;
  case 4:
    (void)far_device_push(mine->device);
    break;
  case 5:
    far_device_expire(mine->device);
    break;
  default:
    far_device_move_clock(mine->device, clocks_ms[input_below(moves, 5)]);
  }
}

// So long that what is periodic comes round; but no longer where very much
// happens.
static void advance_hours(world *mine, input *moves) {
  enum { MINUTE_MS = 60000, MUCH = 2000 };
  unsigned entries = mine->entries;
  for (unsigned i = (input_below(moves, 8) + 1) * 30;
       i > 0 && mine->entries - entries < MUCH; i--)
    world_advance(mine, MINUTE_MS);
}

void world_move(world *mine, input *moves) {
  static void (*const all[])(world *, input *) = {
      settle, advance,      press_home, open_app,      advance, frame,
      post,   send,         load,       reload,        frame,   close_script,
      quit,   kill_app,     fail,       force,         stop,    launch,
      send,   change_world, advance,    advance_hours, reload,  fail_host};
  all[input_below(moves, sizeof all / sizeof *all)](mine, moves);
  world_check(mine);
}
