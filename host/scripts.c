#include "scripts.h"

#include "far_assert.h"
#include "host.h"
#include "poll_text.h"
#include "source.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// -- Finding ------------------------------------------------------------------

enum { BUCKETS_MIN = 8 };

// FNV-1a.
static size_t hash(const char *name) {
  uint64_t sum = UINT64_C(14695981039346656037);
  for (; *name != '\0'; name++)
    sum = (sum ^ (unsigned char)*name) * UINT64_C(1099511628211);
  return (size_t)sum;
}

static far_script **bucket_of(const far_names *names, const char *name) {
  return &names->buckets[hash(name) & (names->capacity - 1)];
}

static void link_in(far_names *names, far_script *script) {
  far_script **bucket = bucket_of(names, script->name);
  script->same_bucket = *bucket;
  *bucket = script;
}

static bool grow(farside_host *host) {
  far_names *names = &host->names, fresh = {.count = names->count};
  fresh.capacity = names->capacity ? names->capacity * 2 : BUCKETS_MIN;
  fresh.buckets = far_new(&host->memory, fresh.capacity * sizeof(far_script *));
  if (fresh.buckets == NULL)
    return false;
  for (size_t i = 0; i < names->capacity; i++)
    for (far_script *script = names->buckets[i], *next; script; script = next) {
      next = script->same_bucket;
      link_in(&fresh, script);
    }
  far_names_deinit(host);
  *names = fresh;
  return true;
}

bool far_names_add(farside_host *host, far_script *script) {
  far_names *names = &host->names;
  if (names->count == names->capacity && !grow(host))
    return false;
  link_in(names, script);
  names->count++;
  return true;
}

void far_names_remove(farside_host *host, far_script *script) {
  far_names *names = &host->names;
  if (script->name == NULL || names->capacity == 0)
    return;
  far_script **link = bucket_of(names, script->name);
  while (*link != NULL && *link != script)
    link = &(*link)->same_bucket;
  if (*link == NULL)
    return;
  *link = script->same_bucket;
  names->count--;
}

void far_names_deinit(farside_host *host) {
  far_names *names = &host->names;
  if (names->buckets != NULL)
    far_free(&host->memory, names->buckets,
             names->capacity * sizeof *names->buckets);
  *names = (far_names){0};
}

far_script *far_scripts_find(const farside_host *host, const char *name) {
  if (host->names.capacity == 0)
    return NULL;
  far_script *script = *bucket_of(&host->names, name);
  while (script != NULL && (script->is_dead || strcmp(script->name, name) != 0))
    script = script->same_bucket;
  return script;
}

// "upload", "upload-2", …: "host" is the host's own.
static void choose_name(const farside_host *host, const far_source *source,
                        const far_manifest *manifest, char *name,
                        size_t bytes) {
  const char *wanted = source->given.name;
  if (wanted == NULL || source->given.path == NULL)
    wanted = manifest->said.name;
  char base[96];
  if (wanted != NULL)
    snprintf(base, sizeof base, "%s", wanted);
  else
    far_source_base_name(source, base, sizeof base);
  snprintf(name, bytes, "%s", base);
  far_script *first = far_scripts_find(host, base);
  int i = first ? first->namesakes : 0;
  for (; strcmp(name, "host") == 0 || far_scripts_find(host, name); i++)
    snprintf(name, bytes, "%s-%d", base, i + 2);
  if (first != NULL)
    first->namesakes = i;
}

// -- Loading ------------------------------------------------------------------

static farside_status load_inside(farside_host *host, far_source *source,
                                  const char *name) {
  char error[FAR_SENTENCE_BYTES] = "", chosen[128];
  far_manifest *manifest;
  farside_status status =
      far_source_settle(source, &manifest, error, sizeof error);
  if (status != FARSIDE_OK) {
    const farside_source *given = &source->given;
    char sentence[2 * FAR_SENTENCE_BYTES];
    snprintf(sentence, sizeof sentence, "%s: %s",
             given->path ? given->path : given->name,
             status == FARSIDE_NOMEM ? farside_status_text(status) : error);
    far_source_free(source);
    far_host_note(host, FAR_WHAT_LOG, FARSIDE_ERROR, NULL, NULL, sentence);
    host->stats.errors++;
    return far_host_fail(host, status, "%s", sentence);
  }
  if (name == NULL) {
    choose_name(host, source, manifest, chosen, sizeof chosen);
    name = chosen;
  }
  if (host->app.state == FAR_APP_GONE)
    far_life_launch(host, host->config.launch_reason, NULL);
  // What is loaded must be able to run, asleep or not.
  if (host->app.state == FAR_APP_SUSPENDED)
    far_life_move(host, FAR_APP_BACKGROUND, NULL);
  far_script *script;
  status = far_script_open(host, name, source, manifest, &script);
  if (status != FARSIDE_OK)
    return far_host_fail(host, status, "%s cannot be opened: %s", name,
                         farside_status_text(status));
  far_life_greet(host, script);
  status = far_script_load(script);
  if (script->is_dead) {
    far_life_bury(host);
    return FARSIDE_KILLED;
  }
  if (status != FARSIDE_OK) {
    far_jobs_cancel(host, script, "its script failed to load");
    far_script_close(script);
  }
  return status;
}

// Takes the source over, also where it fails. Whoever hears of it, such as a
// platform that is released, can neither load nor close.
static farside_status load(farside_host *host, far_source *source,
                           const char *name) {
  host->is_running = true;
  farside_status status = load_inside(host, source, name);
  far_watch_rest(&host->watch);
  host->is_running = false;
  return status;
}

static farside_status refuse(farside_host *host, const char *what) {
  return far_host_fail(host, FARSIDE_BUSY,
                       "a script cannot be %s from inside a callback", what);
}

// What the load does not say, the host's config does.
static void fill_limits(farside_limits *limits, const farside_limits *host) {
  uint64_t *mine = (uint64_t *)(void *)limits;
  const uint64_t *theirs = (const uint64_t *)(const void *)host;
  for (size_t i = 0; i < sizeof *limits / sizeof *mine; i++)
    mine[i] = mine[i] ? mine[i] : theirs[i];
}

farside_status farside_load(farside_host *host, const farside_source *source) {
  if (host == NULL || source == NULL)
    return FARSIDE_INVALID;
  if (host->thread.is_started)
    return FARSIDE_BUSY;
  if (host->is_running)
    return refuse(host, "loaded");
  farside_source given = *source;
  fill_limits(&given.grant.limits, &host->config.limits);
  char error[FAR_SENTENCE_BYTES] = "";
  far_source *copy;
  farside_status status =
      far_source_copy(&host->memory, &given, &copy, error, sizeof error);
  if (status != FARSIDE_OK)
    return far_host_fail(host, status, "%s",
                         error[0] ? error : farside_status_text(status));
  status = load(host, copy, NULL);
  return far_host_close_if_asked(host) ? FARSIDE_CLOSED : status;
}

farside_status farside_load_file(farside_host *host, const char *path, int argc,
                                 const char *const *argv) {
  farside_source source;
  farside_source_init(&source);
  source.path = path;
  source.argc = argc;
  source.argv = argv;
  return farside_load(host, &source);
}

farside_status farside_load_buffer(farside_host *host, const char *name,
                                   const char *code, size_t bytes, int argc,
                                   const char *const *argv) {
  farside_source source;
  farside_source_init(&source);
  source.name = name;
  source.code = code;
  source.code_bytes = bytes;
  source.argc = argc;
  source.argv = argv;
  return farside_load(host, &source);
}

// -- What there is ------------------------------------------------------------

bool farside_script_at(const farside_host *host, size_t index,
                       farside_script *description) {
  const far_script *script = NULL;
  for (const far_list *link = host->scripts.next;
       link != &host->scripts && script == NULL; link = link->next)
    if (index-- == 0)
      script = far_list_item(link, far_script, link);
  if (script == NULL)
    return false;
  uint64_t tasks_open = 0;
  for (const far_task *task = host->tasks.first; task; task = task->next)
    tasks_open += ((const far_job *)(const void *)task)->script == script;
  far_arena_usage usage = {0};
  if (script->arena != NULL)
    far_arena_get_usage(script->arena, &usage);
  *description = (farside_script){
      .name = script->name,
      .path = script->source ? script->source->given.path : NULL,
      .script_version =
          script->manifest ? script->manifest->said.version : NULL,
      .memory_bytes = usage.used_bytes,
      .memory_peak_bytes = usage.peak_bytes,
      .memory_limit_bytes = script->limits.memory_bytes,
      .cpu_ms = script->cpu_ns / 1000000,
      .tasks_open = tasks_open,
      .messages = script->messages,
      .is_computing = script->is_parked};
  return true;
}

uint64_t far_scripts_heap(const farside_host *host, const far_script **most) {
  uint64_t sum = 0, most_bytes = 0;
  *most = NULL;
  for (const far_list *link = host->scripts.next; link != &host->scripts;
       link = link->next) {
    const far_script *script = far_list_item(link, far_script, link);
    far_arena_usage usage = {0};
    if (script->arena != NULL && !script->is_dead)
      far_arena_get_usage(script->arena, &usage);
    sum += usage.used_bytes;
    if (*most == NULL || usage.used_bytes > most_bytes) {
      *most = script;
      most_bytes = usage.used_bytes;
    }
  }
  return sum;
}

// -- Closing and reloading ----------------------------------------------------

static farside_status unknown(farside_host *host, const char *name) {
  return far_host_fail(host, FARSIDE_NOSCRIPT, "there is no script '%s'", name);
}

static void close(far_script *script, const char *why) {
  far_jobs_cancel(script->host, script, why);
  far_script_close(script);
}

farside_status farside_script_close(farside_host *host, const char *name) {
  if (host == NULL || name == NULL)
    return FARSIDE_INVALID;
  if (host->thread.is_started)
    return FARSIDE_BUSY;
  if (host->is_running)
    return refuse(host, "closed");
  far_script *script = far_scripts_find(host, name);
  if (script == NULL)
    return unknown(host, name);
  host->is_running = true; // Whoever hears of it cannot close it again.
  far_host_note(host, FAR_WHAT_SCRIPT_CLOSE, FARSIDE_INFO, script, NULL, NULL);
  close(script, "its script was closed");
  host->is_running = false;
  return far_host_close_if_asked(host) ? FARSIDE_CLOSED : FARSIDE_OK;
}

farside_status farside_script_reload(farside_host *host, const char *name) {
  if (host == NULL || name == NULL)
    return FARSIDE_INVALID;
  if (host->thread.is_started)
    return FARSIDE_BUSY;
  if (host->is_running)
    return refuse(host, "reloaded");
  far_script *script = far_scripts_find(host, name);
  far_source *source =
      script ? script->source : far_life_take_source(host, name);
  if (source == NULL)
    return unknown(host, name);
  char kept[128];
  snprintf(kept, sizeof kept, "%s", name);
  host->is_running = true;
  if (script != NULL) {
    script->source = NULL; // It outlives the script.
    far_host_note(host, FAR_WHAT_SCRIPT_RELOAD, FARSIDE_INFO, script, NULL,
                  NULL);
    close(script, "its script was reloaded");
  }
  host->is_running = false;
  farside_status status = load(host, source, kept);
  return far_host_close_if_asked(host) ? FARSIDE_CLOSED : status;
}

// -- Messages -----------------------------------------------------------------

// What waits for a script counts against its memory.
static size_t weight(const far_event *event) {
  return sizeof *event + strlen(event->text) + strlen(event->detail);
}

static void message_gone(far_event *event) {
  far_script *to = event->owner;
  to->messages--;
  if (to->arena != NULL)
    far_arena_discharge(to->arena, weight(event));
}

uint64_t far_scripts_room(const far_script *to) {
  uint64_t most = to->limits.messages;
  bool is_heard = far_hooks.is_listening(to, FAR_EVENT_MESSAGE);
  return is_heard || most < FAR_MESSAGES_UNHEARD_MAX ? most
                                                     : FAR_MESSAGES_UNHEARD_MAX;
}

static farside_status deliver(far_script *to, far_event *event) {
  if (to->messages >= far_scripts_room(to) ||
      (to->arena != NULL && !far_arena_charge(to->arena, weight(event))))
    return FARSIDE_LIMIT;
  to->messages++;
  event->gone = message_gone;
  event->owner = to;
  to->deliver(to, event);
  return FARSIDE_OK;
}

static farside_status post_to_poll(farside_host *host, const char *from,
                                   const char *json) {
  if ((host->config.polls & FARSIDE_POLL_MESSAGES) == 0)
    return FARSIDE_UNSUPPORTED;
  return far_outbox_put(&host->outbox, far_poll_message(from, json));
}

farside_status far_scripts_send(farside_host *host, const char *from,
                                const char *to, const char *json) {
  far_assert(strlen(json) <= FAR_MESSAGE_BYTES_MAX);
  if (strcmp(to, "host") == 0) {
    if (host->config.on_message == NULL)
      return post_to_poll(host, from, json);
    host->config.on_message(host->config.user, from, json);
    return FARSIDE_OK;
  }
  far_script *target = far_scripts_find(host, to);
  if (target == NULL && host->route != NULL)
    return host->route(host->config.user, from, to, json);
  if (target == NULL || target->deliver == NULL)
    return FARSIDE_NOSCRIPT;
  far_event *event;
  farside_status status = far_event_message(json, from, &event);
  if (status != FARSIDE_OK)
    return status;
  status = deliver(target, event);
  far_event_release(event);
  return status;
}

void far_scripts_take(farside_host *host, far_event *event) {
  far_script *to = far_scripts_find(host, event->detail);
  farside_status status = FARSIDE_NOSCRIPT;
  char name[128];
  snprintf(name, sizeof name, "%s", event->detail);
  if (to != NULL && to->deliver != NULL)
    status = far_event_set_detail(event, "host") ? deliver(to, event)
                                                 : FARSIDE_NOMEM;
  far_event_release(event);
  if (status != FARSIDE_OK)
    far_host_notef(host, FAR_WHAT_LOG, FARSIDE_ERROR, to, NULL,
                   "a message to %s is lost: %s", name,
                   status == FARSIDE_LIMIT ? "too many wait for it already"
                                           : farside_status_text(status));
}

farside_status farside_send(farside_host *host, const char *script,
                            const char *json) {
  if (host == NULL || script == NULL || json == NULL)
    return FARSIDE_INVALID;
  if (strlen(json) > FAR_MESSAGE_BYTES_MAX)
    return FARSIDE_LIMIT;
  far_event *event;
  farside_status status = far_event_message(json, script, &event);
  if (status == FARSIDE_OK)
    far_host_put(host, event);
  return status;
}
