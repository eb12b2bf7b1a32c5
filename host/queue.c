#include "queue.h"

#include "far_assert.h"
#include "going.h"
#include "host.h"
#include "limit.h"
#include "rescue.h"
#include "rows.h"
#include <stdio.h>
#include <string.h>

int64_t far_queue_wall_ms(const farside_host *host) {
  return host->clock->wall_ms(host->clock);
}

far_moment far_queue_moment(farside_host *host) {
  return (far_moment){.wall_ms = far_queue_wall_ms(host),
                      .profile = host->profile,
                      .zone = host->zone,
                      .chance = &host->queue.chance};
}

void far_queue_look_again(far_queue *queue) {
  queue->is_stale = true;
}

// -- Open and close -----------------------------------------------------------

static void is_due(far_timer *timer, uint64_t now_ms) {
  (void)now_ms;
  far_queue_look_again(far_list_item(timer, far_queue, timer));
}

farside_status far_queue_init(farside_host *host) {
  far_queue *queue = &host->queue;
  queue->host = host;
  far_list_init(&queue->going);
  far_list_init(&queue->waiters);
  far_list_init(&queue->watchers);
  queue->changed_ms[0] = 0;
  return far_timer_init(&host->timers, &queue->timer, FAR_TIMER_SCRIPT, is_due);
}

void far_queue_deinit(farside_host *host) {
  far_queue *queue = &host->queue;
  if (queue->host == NULL)
    return;
  far_goings_forget(queue);
  far_assert(far_list_is_empty(&queue->going));
  far_timer_deinit(&host->timers, &queue->timer);
  far_work_deinit(&host->memory, &queue->shown);
  far_free(&host->memory, queue->text, queue->text_bytes + 1);
  far_store_close(queue->store);
  queue->store = NULL;
}

void far_queue_use(farside_host *host, far_store *store) {
  far_queue *queue = &host->queue;
  far_assert(queue->store == NULL);
  queue->store = store;
  if (host->zone == &host->local_zone.zone)
    far_local_zone_look(&host->local_zone);
  // The same seed of a phone gives the same delays; elsewhere any will do.
  far_chance_init(&queue->chance,
                  host->seed ? host->seed : (uint64_t)far_queue_wall_ms(host),
                  FAR_CHANCE_RANDOM, 0);
  (void)store->number_get(store, "service_tag", &queue->service_tag);
  queue->service_tag_kept = queue->service_tag;
  (void)store->number_get(store, "seen_ms", &queue->seen_ms);
  queue->was_set_back = far_queue_wall_ms(host) < queue->seen_ms;
  queue->conditions = far_host_conditions(host);
  for (int i = 0; i < 6; i++)
    queue->changed_ms[i] = far_queue_wall_ms(host);
  queue->wall_offset_ms =
      far_queue_wall_ms(host) - (int64_t)far_host_now_ms(host);
  // What an earlier process may have asked for is taken back.
  queue->asked[0].is_open = queue->asked[1].is_open = !queue->may_make_one;
  queue->needs_rescue = queue->is_stale = true;
  queue->due_ms = INT64_MIN; // Not known.
}

static farside_status open_store(farside_host *host, const char *path) {
  far_store *store;
  char error[FAR_SENTENCE_BYTES] = "";
  far_store_config config = {.path = path};
  farside_status status = far_store_open_sqlite(&host->memory, &config, &store,
                                                error, sizeof error);
  if (status != FARSIDE_OK)
    return far_host_fail(host, status, "%s",
                         error[0] ? error : farside_status_text(status));
  far_queue_use(host, store);
  if (error[0] != '\0') {
    host->queue.has_orphans = true;
    far_life_tell_of_store(host, FARSIDE_CORRUPT, error);
  }
  return FARSIDE_OK;
}

farside_status farside_open_store(farside_host *host, const char *path) {
  if (host->thread.is_started)
    return FARSIDE_BUSY;
  if (host == NULL)
    return FARSIDE_INVALID;
  if (host->queue.store != NULL)
    return far_host_fail(host, FARSIDE_BUSY, "it has a store already");
  return open_store(host, path);
}

farside_status far_queue_need(far_queue *queue) {
  farside_status status = FARSIDE_OK;
  if (queue->store == NULL && !queue->may_make_one) {
    // Who ignores what a function returns would wonder for ever.
    if (!queue->is_missed)
      far_host_note(queue->host, FAR_WHAT_LOG, FARSIDE_WARN, NULL, NULL,
                    "there is no store, so durable work and Storage fail: "
                    "farside run --store FILE opens one");
    queue->is_missed = true;
    return far_host_fail(queue->host, FARSIDE_UNSUPPORTED,
                         "this app has no store to keep anything in");
  }
  if (queue->store == NULL)
    status = open_store(queue->host, NULL);
  // Nobody gets to see what the last life has left behind.
  if (status == FARSIDE_OK && queue->needs_rescue &&
      queue->transaction == NULL && queue->host->app.state != FAR_APP_GONE)
    status = far_rescue(queue);
  return status;
}

// -- Kinds --------------------------------------------------------------------

static bool is_called(const far_kind *kind, const char *name) {
  if (strcmp(kind->name, name) == 0)
    return true;
  for (size_t i = 0; i < FAR_ALIASES_MAX && kind->aliases[i] != NULL; i++)
    if (strcmp(kind->aliases[i], name) == 0)
      return true;
  return false;
}

far_kind *far_queue_find_kind(const far_script *script, const char *name) {
  far_kind *found = NULL;
  for (far_list *link = script->kinds.next; link != &script->kinds;
       link = link->next) {
    far_kind *kind = far_list_item(link, far_kind, link);
    if (strcmp(kind->name, name) == 0)
      return kind; // Its own name comes before somebody's alias.
    if (is_called(kind, name))
      found = kind;
  }
  return found;
}

far_kind *far_queue_kind_of(const far_queue *queue, const char *script,
                            const char *name) {
  const far_script *found = far_scripts_find(queue->host, script);
  return found ? far_queue_find_kind(found, name) : NULL;
}

// A kind of which a script has spoken, as long as that lives.
typedef struct kind_name {
  far_owned owned;
  far_list link;
  char name[FAR_WORK_NAME_MAX + 1];
} kind_name;

static void name_cancelled(far_owned *owned) {
  kind_name *mine = far_list_item(owned, kind_name, owned);
  far_owned_leave(&mine->owned);
  far_list_leave(&mine->link);
  owned->script->kinds_count--;
  far_script_free(owned->script, mine, sizeof *mine);
}

static kind_name *find_name_of(const far_script *script, const char *name) {
  for (far_list *link = script->kind_names.next; link != &script->kind_names;
       link = link->next) {
    kind_name *found = far_list_item(link, kind_name, link);
    if (strcmp(found->name, name) == 0)
      return found;
  }
  return NULL;
}

static farside_status refuse_kind(const far_script *script) {
  return far_host_fail(script->host, FARSIDE_LIMIT,
                       "%s knows %d kinds of work already: that is as many as "
                       "a script may have",
                       script->name, (int)FAR_KINDS_MAX);
}

// Each kind takes its turn when the next unit is chosen: so nobody may have any
// number of them, defined or not.
static farside_status speak_of(far_script *script, const char *name) {
  if (far_queue_find_kind(script, name) != NULL ||
      find_name_of(script, name) != NULL)
    return FARSIDE_OK;
  if (script->kinds_count == FAR_KINDS_MAX)
    return refuse_kind(script);
  kind_name *fresh = far_script_new(script, sizeof *fresh);
  if (fresh == NULL)
    return far_host_fail(script->host, FARSIDE_NOMEM, "%s",
                         farside_status_text(FARSIDE_NOMEM));
  fresh->owned =
      (far_owned){.what = "kind", .cancel = name_cancelled, .script = script};
  snprintf(fresh->name, sizeof fresh->name, "%s", name);
  far_list_append(&script->owned, &fresh->owned.link);
  far_list_append(&script->kind_names, &fresh->link);
  script->kinds_count++;
  return FARSIDE_OK;
}

static void kind_cancelled(far_owned *owned) {
  far_kind *kind = far_list_item(owned, far_kind, owned);
  far_script *script = kind->script;
  far_memory *memory = &script->host->memory;
  far_assert(kind->uses == 0); // Its runs have ended.
  if (!kind->is_replaced)
    script->kinds_count--;
  far_owned_leave(&kind->owned);
  far_list_leave(&kind->link);
  far_script_unref(script, &kind->run_ref);
  far_string_free(memory, kind->name);
  far_string_free(memory, kind->origin);
  for (size_t i = 0; i < FAR_ALIASES_MAX; i++)
    far_string_free(memory, kind->aliases[i]);
  far_script_free(script, kind, sizeof *kind);
}

void far_queue_leave_kind(far_kind *kind) {
  if (--kind->uses == 0 && kind->is_replaced)
    kind_cancelled(&kind->owned);
}

// Runs that have it keep it.
static void replace_kind(far_kind *old) {
  old->is_replaced = true;
  far_list_leave(&old->link);
  if (old->uses == 0)
    kind_cancelled(&old->owned);
}

farside_status far_queue_define(far_kind *kind) {
  far_script *script = kind->script;
  far_kind *old = far_queue_find_kind(script, kind->name);
  kind_name *name = find_name_of(script, kind->name);
  bool is_anew = old != NULL && strcmp(old->name, kind->name) == 0;
  if (!is_anew && name == NULL && script->kinds_count == FAR_KINDS_MAX)
    return refuse_kind(script);
  if (is_anew)
    replace_kind(old);
  else
    script->kinds_count++;
  if (name != NULL)
    name_cancelled(&name->owned);
  // A kind is the script's own, whichever task was at work.
  kind->owned = (far_owned){.what = "kind",
                            .is_passive = true,
                            .cancel = kind_cancelled,
                            .script = script};
  far_list_append(&script->owned, &kind->owned.link);
  far_list_append(&script->kinds, &kind->link);
  far_queue_look_again(&script->host->queue);
  return FARSIDE_OK;
}

// -- Enqueue ------------------------------------------------------------------

static farside_status cancel_row(far_queue *queue, far_work *work,
                                 far_reason reason) {
  far_moment now = far_queue_moment(queue->host);
  bool runs = work->state == FAR_WORK_RUNNING;
  farside_status status = FARSIDE_OK;
  if (runs)
    status = far_rows_end_run(queue, work, FAR_RUN_CANCELLED,
                              far_reason_text(reason));
  if (status != FARSIDE_OK || !far_schedule_cancel(work, reason, &now))
    return status;
  status = far_rows_settle(queue, work);
  far_going *going = far_going_of(queue, work->id);
  if (status == FARSIDE_OK && runs && going != NULL)
    far_going_cancel(going);
  return status;
}

const char *far_existing_name(far_existing existing) {
  static const char *const names[FAR_EXISTINGS] = {
      "keep", "replace", "update", "append", "append_or_replace", "debounce"};
  return (unsigned)existing < FAR_EXISTINGS ? names[existing] : NULL;
}

// What is there already of the same unique name: the first that has not ended,
// and the last one, behind which others are put.
typedef struct found_name {
  far_work first, last;
  size_t count;
} found_name;

static farside_status find_name(far_queue *queue, const far_work *work,
                                found_name *found) {
  far_store *store = queue->store;
  far_find find = {.by = FAR_FIND_UNIQUE,
                   .script = work->script,
                   .unique = work->unique,
                   .is_brief = true};
  farside_status status;
  far_work next = {0};
  while ((status = store->find(store, &find, &next)) == FARSIDE_OK) {
    far_work *place = found->count++ == 0 ? &found->first : &found->last;
    far_work_deinit(store->memory, place);
    *place = next;
    next = (far_work){0};
  }
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

// How many more of a script may be there that have not ended.
static farside_status count_room(far_queue *queue, far_script *script) {
  int64_t counts[FAR_WORK_STATES];
  farside_status status =
      queue->store->count(queue->store, script->name, counts);
  if (status != FARSIDE_OK)
    return far_batch_failed(queue, status);
  uint64_t there =
      (uint64_t)(counts[FAR_WORK_ENQUEUED] + counts[FAR_WORK_RUNNING] +
                 counts[FAR_WORK_BLOCKED]);
  uint64_t most = script->limits.work;
  if (there >= most)
    return far_host_fail(queue->host, FARSIDE_FULL,
                         "it has %llu units of work that have not ended and "
                         "may have %llu (limit work)",
                         (unsigned long long)there, (unsigned long long)most);
  script->work_room = most - there;
  return FARSIDE_OK;
}

// One more. Those that have ended are looked at only when it gets tight.
static farside_status take_room(far_queue *queue, const char *name) {
  far_script *script = far_scripts_find(queue->host, name);
  if (script == NULL || script->limits.work == FARSIDE_NO_LIMIT)
    return FARSIDE_OK;
  farside_status status =
      script->work_room == 0 ? count_room(queue, script) : FARSIDE_OK;
  if (status == FARSIDE_OK)
    script->work_room--;
  return status;
}

// Who is named twice ends once.
static void each_once(far_order *order) {
  size_t count = 0;
  for (size_t i = 0; i < order->parent_count; i++) {
    size_t before = 0;
    while (before < count && order->parents[before] != order->parents[i])
      before++;
    if (before == count)
      order->parents[count++] = order->parents[i];
  }
  order->parent_count = count;
}

// What is due at once takes its place at once, unless somebody is due who has
// not taken his yet.
static farside_status rank_if_due(far_queue *queue, far_work *work,
                                  int64_t now_ms) {
  bool is_due = work->state == FAR_WORK_ENQUEUED && work->run_at_ms <= now_ms;
  return is_due && queue->due_ms > now_ms ? far_rows_rank(queue, work)
                                          : FARSIDE_OK;
}

static farside_status insert(far_queue *queue, far_order *order) {
  far_store *store = queue->store;
  far_moment now = far_queue_moment(queue->host);
  far_work *work = &order->work;
  // Parents that have ended already are no reason to wait.
  size_t open = 0;
  each_once(order);
  work->parents = (int64_t)order->parent_count;
  far_schedule_enqueue(work, &now, order->delay_ms, order->is_immediate);
  farside_status status = rank_if_due(queue, work, now.wall_ms);
  if (status == FARSIDE_OK)
    status = far_rows_insert(queue, order);
  for (size_t i = 0; i < order->parent_count && status == FARSIDE_OK; i++) {
    far_work parent = {0};
    status = store->load_brief(store, order->parents[i], &parent);
    if (status == FARSIDE_OK && far_work_is_final(&parent))
      (void)far_schedule_parent_ended(work, &parent, &now);
    else
      open++;
    far_work_deinit(store->memory, &parent);
  }
  if (status == FARSIDE_OK && open < order->parent_count)
    status = far_rows_save(queue, work);
  if (status == FARSIDE_OK)
    far_rows_note_state(queue, work);
  return status;
}

// What is there takes what was said last.
static farside_status update(far_queue *queue, far_work *there,
                             const far_order *order) {
  far_store *store = queue->store;
  far_moment now = far_queue_moment(queue->host);
  int64_t id = there->id;
  far_work_deinit(store->memory, there);
  farside_status status = store->load(store, id, there); // With its texts.
  if (status == FARSIDE_OK &&
      !far_schedule_update(&queue->host->memory, there, &order->work, &now))
    status = FARSIDE_NOMEM;
  return status;
}

// Puts the work off: with what was said last, as if it had been said now.
static farside_status put_off(far_queue *queue, far_work *there,
                              far_order *order) {
  far_moment now = far_queue_moment(queue->host);
  farside_status status = update(queue, there, order);
  if (status != FARSIDE_OK)
    return status;
  (void)far_schedule_postpone(there, order->delay_ms, &now);
  return far_rows_settle(queue, there);
}

static farside_status replace(far_queue *queue, found_name *found,
                              far_order *order) {
  farside_status status = cancel_row(queue, &found->first, FAR_REASON_REPLACED);
  far_find find = {.by = FAR_FIND_UNIQUE,
                   .script = order->work.script,
                   .unique = order->work.unique,
                   .is_brief = true};
  far_work next = {0};
  while (status == FARSIDE_OK &&
         (status = queue->store->find(queue->store, &find, &next)) ==
             FARSIDE_OK) {
    status = cancel_row(queue, &next, FAR_REASON_REPLACED);
    far_work_deinit(queue->store->memory, &next);
  }
  if (status == FARSIDE_NOWORK)
    status = FARSIDE_OK;
  return status == FARSIDE_OK ? insert(queue, order) : status;
}

// Behind the last one of its name.
static farside_status append(far_queue *queue, const far_work *last,
                             far_order *order) {
  if (order->parent_count == FAR_WORK_PARENTS_MAX)
    return far_host_fail(queue->host, FARSIDE_LIMIT,
                         "it waits for more than %d others",
                         (int)FAR_WORK_PARENTS_MAX);
  farside_status status = take_room(queue, order->work.script);
  if (status != FARSIDE_OK)
    return status;
  order->parents[order->parent_count++] = last->id;
  return insert(queue, order);
}

// For whoever is told what became of it.
static void show(far_receipt *receipt, const far_work *work) {
  receipt->id = work->id;
  receipt->state = work->state;
  receipt->run_at_ms = work->run_at_ms;
  receipt->every_ms = work->every_ms;
  receipt->flex_ms = work->flex_ms;
  receipt->rules = work->rules;
}

// What is there is taken for what was asked for.
static farside_status keep(const far_work *there, far_receipt *receipt) {
  receipt->was_there = true;
  show(receipt, there);
  return FARSIDE_OK;
}

static farside_status meet(far_queue *queue, found_name *found,
                           far_order *order, far_receipt *receipt) {
  far_work *first = &found->first;
  const far_work *last = found->count > 1 ? &found->last : first;
  bool runs = first->state == FAR_WORK_RUNNING;
  farside_status status = FARSIDE_OK;
  switch (order->existing) {
  case FAR_EXISTING_KEEP:
    return keep(first, receipt);
  case FAR_EXISTING_UPDATE:
    status = update(queue, first, order);
    if (status == FARSIDE_OK)
      status =
          runs ? far_rows_save(queue, first) : far_rows_settle(queue, first);
    return status == FARSIDE_OK ? keep(first, receipt) : status;
  case FAR_EXISTING_DEBOUNCE:
    // What runs cannot be put off: what is asked for now comes behind it.
    if (runs && found->count == 1)
      return append(queue, last, order);
    first = runs ? &found->last : first;
    status = put_off(queue, first, order);
    return status == FARSIDE_OK ? keep(first, receipt) : status;
  case FAR_EXISTING_APPEND:
    return append(queue, last, order);
  case FAR_EXISTING_APPEND_OR_REPLACE:
    // What is held for a parent that has failed would hold this one as well.
    return last->state == FAR_WORK_BLOCKED && last->reason == FAR_REASON_HELD
               ? replace(queue, found, order)
               : append(queue, last, order);
  default:
    return replace(queue, found, order);
  }
}

static farside_status check_parents(far_queue *queue, const far_script *script,
                                    const far_order *order) {
  for (size_t i = 0; i < order->parent_count; i++) {
    far_work parent = {0};
    farside_status status =
        queue->store->load_brief(queue->store, order->parents[i], &parent);
    bool is_there =
        status == FARSIDE_OK && strcmp(parent.script, script->name) == 0;
    far_work_deinit(queue->store->memory, &parent);
    if (status != FARSIDE_OK && status != FARSIDE_NOWORK)
      return far_batch_failed(queue, status);
    if (!is_there)
      return far_host_fail(queue->host, FARSIDE_NOWORK,
                           "after: there is no work %lld",
                           (long long)order->parents[i]);
  }
  return FARSIDE_OK;
}

static farside_status place(far_queue *queue, far_order *order,
                            far_receipt *receipt) {
  found_name found = {0};
  far_memory *memory = queue->store->memory;
  farside_status status = FARSIDE_OK;
  if (order->work.unique != NULL)
    status = find_name(queue, &order->work, &found);
  // What takes the place of another needs no room.
  if (status == FARSIDE_OK && found.count == 0)
    status = take_room(queue, order->work.script);
  if (status == FARSIDE_OK)
    status = found.count == 0 ? insert(queue, order)
                              : meet(queue, &found, order, receipt);
  if (status == FARSIDE_OK && !receipt->was_there)
    show(receipt, &order->work);
  if (found.count > 0) {
    far_work_deinit(memory, &found.first);
    far_work_deinit(memory, &found.last);
  }
  return status;
}

static void tell_audit(far_script *script, const far_order *order,
                       const far_receipt *receipt, uint64_t every_ms) {
  farside_host *host = script->host;
  if (host->audit == NULL)
    return;
  const far_work *work = &order->work;
  far_job_owner *owner = script->job ? script->job->owner : NULL;
  far_whom whom = {.script = script->name, .where = order->where};
  far_audit_enqueued(host->audit, &whom, work->kind,
                     owner ? far_list_item(owner, far_going, owner)->name
                           : NULL);
  if (receipt->clamps & FAR_CLAMP_EVERY)
    far_audit_too_often(host->audit, &whom, work->unique, every_ms,
                        far_host_now_ms(host));
}

static bool has_quota(far_queue *queue) {
  far_moment now = far_queue_moment(queue->host);
  return far_quota_has(&queue->quota, &now);
}

farside_status far_queue_enqueue(far_script *script, far_order *order,
                                 far_receipt *receipt) {
  farside_host *host = script->host;
  far_queue *queue = &host->queue;
  far_work *work = &order->work;
  *receipt = (far_receipt){0};
  farside_status status = speak_of(script, work->kind);
  if (status != FARSIDE_OK)
    return status;
  const far_kind *kind = far_queue_find_kind(script, work->kind);
  work->rules = kind ? kind->rules : far_rules_default(host->profile);
  uint64_t every_ms = (uint64_t)work->every_ms;
  receipt->clamps = far_schedule_clamp(work, host->profile);
  tell_audit(script, order, receipt, every_ms);
  if (work->expedite != FAR_EXPEDITE_NO && !has_quota(queue)) {
    receipt->clamps |= FAR_CLAMP_EXPEDITE;
    if (work->expedite == FAR_EXPEDITE_OR_DROP)
      return far_host_fail(host, FARSIDE_LIMIT,
                           "there is no quota left for expedited work, and it "
                           "says or_drop");
    work->expedite = FAR_EXPEDITE_NO;
  }
  status = far_batch_begin(queue, order->is_durable);
  if (status != FARSIDE_OK)
    return status;
  host->error[0] = '\0';
  status = check_parents(queue, script, order);
  if (status == FARSIDE_OK)
    status = place(queue, order, receipt);
  if (status == FARSIDE_NOMEM)
    far_host_fail(host, status, "%s", farside_status_text(status));
  else if (status != FARSIDE_OK && host->error[0] == '\0')
    far_batch_failed(queue, status);
  return far_batch_end(queue, status);
}

// -- Cancel, redrive, prune ---------------------------------------------------

farside_status far_queue_cancel(farside_host *host, const char *script,
                                const far_find *which, int64_t *count) {
  far_queue *queue = &host->queue;
  *count = 0;
  farside_status status = far_batch_begin(queue, true);
  if (status != FARSIDE_OK)
    return status;
  far_store *store = queue->store; // Made just now, where there was none.
  far_find find = *which;
  find.script = script;
  find.is_newest_first = true; // So that children are counted, too.
  find.is_brief = true;
  far_work work = {0};
  while ((status = store->find(store, &find, &work)) == FARSIDE_OK) {
    if (!far_work_is_final(&work)) {
      ++*count;
      status = cancel_row(queue, &work, FAR_REASON_CANCELLED);
    }
    far_work_deinit(store->memory, &work);
    if (status != FARSIDE_OK)
      break;
  }
  if (status == FARSIDE_NOWORK)
    status = FARSIDE_OK;
  else
    far_batch_failed(queue, status);
  return far_batch_end(queue, status);
}

farside_status far_queue_cancel_one(farside_host *host, const char *script,
                                    int64_t id, int64_t *count) {
  far_queue *queue = &host->queue;
  *count = 0;
  farside_status status = far_batch_begin(queue, true);
  if (status != FARSIDE_OK)
    return status;
  far_work work;
  status = far_queue_get(host, script, id, &work);
  if (status == FARSIDE_OK) {
    *count = !far_work_is_final(&work);
    status = cancel_row(queue, &work, FAR_REASON_CANCELLED);
    if (status != FARSIDE_OK)
      far_batch_failed(queue, status);
    far_work_deinit(queue->store->memory, &work);
  }
  return far_batch_end(queue, status);
}

static farside_status redrive(far_queue *queue, far_work *work) {
  farside_host *host = queue->host;
  far_moment now = far_queue_moment(host);
  if (!far_schedule_redrive(&host->memory, work, &now))
    return far_host_fail(
        host, FARSIDE_INVALID,
        "work %lld is %s: only what has failed or was cancelled is redriven",
        (long long)work->id, far_work_state_name(work->state));
  farside_status status = take_room(queue, work->script);
  if (status != FARSIDE_OK)
    return status;
  if ((status = far_rows_settle(queue, work)) != FARSIDE_OK ||
      (status = far_rows_redriven(queue, work)) != FARSIDE_OK)
    far_batch_failed(queue, status);
  return status;
}

farside_status far_queue_redrive(farside_host *host, const char *script,
                                 int64_t id) {
  far_queue *queue = &host->queue;
  farside_status status = far_batch_begin(queue, true);
  if (status != FARSIDE_OK)
    return status;
  far_work work;
  status = far_queue_get(host, script, id, &work);
  if (status == FARSIDE_OK) {
    status = redrive(queue, &work);
    far_work_deinit(queue->store->memory, &work);
  }
  return far_batch_end(queue, status);
}

farside_status far_queue_prune(farside_host *host, const char *script,
                               int64_t *count) {
  far_queue *queue = &host->queue;
  farside_status status = far_batch_begin(queue, false);
  *count = 0;
  if (status != FARSIDE_OK)
    return status;
  far_batch_changes_any(queue);
  status =
      queue->store->prune(queue->store, script, INT64_MAX, INT64_MAX, count);
  if (status != FARSIDE_OK)
    far_batch_failed(queue, status);
  return far_batch_end(queue, status);
}

// -- Reading ------------------------------------------------------------------

farside_status far_queue_get(farside_host *host, const char *script, int64_t id,
                             far_work *work) {
  far_queue *queue = &host->queue;
  *work = (far_work){0};
  farside_status status = far_queue_need(queue);
  if (status != FARSIDE_OK)
    return status;
  status = queue->store->load(queue->store, id, work);
  if (status == FARSIDE_OK && script != NULL &&
      strcmp(work->script, script) != 0) {
    far_work_deinit(queue->store->memory, work);
    status = FARSIDE_NOWORK;
  }
  if (status == FARSIDE_NOWORK)
    return far_host_fail(host, status,
                         "there is no work %lld: it never was, or it ended "
                         "long ago",
                         (long long)id);
  return status == FARSIDE_OK ? status : far_batch_failed(queue, status);
}

static far_work *shown_anew(far_queue *queue) {
  far_work_deinit(&queue->host->memory, &queue->shown);
  queue->shown_count++;
  return &queue->shown;
}

farside_status far_queue_show(farside_host *host, const char *script,
                              int64_t id) {
  return far_queue_get(host, script, id, shown_anew(&host->queue));
}

farside_status far_queue_show_next(farside_host *host, far_find *find) {
  far_queue *queue = &host->queue;
  far_work *place = shown_anew(queue);
  farside_status status = far_queue_need(queue);
  if (status != FARSIDE_OK)
    return status;
  status = queue->store->find(queue->store, find, place);
  return status == FARSIDE_OK || status == FARSIDE_NOWORK
             ? status
             : far_batch_failed(queue, status);
}

bool far_queue_may_start(const farside_host *host) {
  if (host->is_terminating || host->app.state <= FAR_APP_SUSPENDED)
    return false;
  if (host->app.state > FAR_APP_BACKGROUND)
    return true;
  return host->is_woken && host->tasks.spent_ms == FAR_NEVER;
}

size_t far_queue_explain(farside_host *host, const far_work *work,
                         far_obstacle obstacles[FAR_OBSTACLES_MAX]) {
  const far_queue *queue = &host->queue;
  far_moment now = far_queue_moment(host);
  far_app_now app = {
      .conditions = far_host_conditions(host),
      .is_defined = far_queue_kind_of(queue, work->script, work->kind) != NULL,
      .is_name_running = far_going_has_name(queue, work) ||
                         far_going_of(queue, work->id) != NULL,
      .is_full = far_goings_count(queue) >= FAR_RUNS_AT_ONCE,
      .may_start = far_queue_may_start(host),
      .may_start_since_ms = queue->may_start_since_ms};
  memcpy(app.changed_ms, queue->changed_ms, sizeof app.changed_ms);
  return far_schedule_explain(work, &app, &now, obstacles);
}
