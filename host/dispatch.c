#include "dispatch.h"

#include "going.h"
#include "host.h"
#include "rows.h"
#include <string.h>

enum {
  PROMOTED_MAX = 256, // Units whose time has come, at one look.
  PRUNED_MAX = 64,
  // How far the wall clock may drift from the other before it was moved.
  MOVED_MS = 2000,
  // While work waits for a time of the wall clock, how often to look whether
  // that was moved, the machine slept, or is in another zone.
  GLANCE_MS = 60 * 1000
};

// -- Who is next --------------------------------------------------------------

// The first of a class that may start: one whose name no other run has.
static farside_status first_of(far_queue *queue, const far_class *class,
                               far_work *work) {
  far_store *store = queue->store;
  far_find find = {.by = FAR_FIND_READY, .class_id = class->id};
  farside_status status;
  while ((status = store->find(store, &find, work)) == FARSIDE_OK) {
    if (!far_going_has_name(queue, work) &&
        far_going_of(queue, work->id) == NULL)
      return FARSIDE_OK;
    far_work_deinit(store->memory, work);
  }
  return status;
}

// Expedited work comes first as long as there is quota for it.
static bool is_before(const far_work *a, const far_work *b, bool has_quota) {
  bool a_first = a->expedite != FAR_EXPEDITE_NO;
  bool b_first = b->expedite != FAR_EXPEDITE_NO;
  if (has_quota && a_first != b_first)
    return a_first;
  return a->rank != b->rank ? a->rank < b->rank : a->id < b->id;
}

// The unit that starts next, of all that can. FARSIDE_NOWORK for none.
static farside_status choose(far_queue *queue, far_work *best,
                             far_kind **kind) {
  far_store *store = queue->store;
  far_class class = {0};
  farside_status status;
  int64_t after = 0;
  far_moment now = far_queue_moment(queue->host);
  bool has_quota = far_quota_has(&queue->quota, &now);
  while ((status = store->next_class(store, after, &class)) == FARSIDE_OK) {
    after = class.id;
    far_kind *mine = far_queue_kind_of(queue, class.script, class.kind);
    bool can_start = mine != NULL &&
                     far_schedule_unmet(class.needs, &queue->conditions) == 0;
    far_work first = {0};
    if (can_start)
      status = first_of(queue, &class, &first);
    far_class_deinit(store->memory, &class);
    if (status != FARSIDE_OK && status != FARSIDE_NOWORK)
      break;
    if (first.id != 0 &&
        (best->id == 0 || is_before(&first, best, has_quota))) {
      far_work_deinit(store->memory, best);
      *best = first;
      *kind = mine;
    } else {
      far_work_deinit(store->memory, &first);
    }
  }
  if (status == FARSIDE_NOWORK)
    return best->id != 0 ? FARSIDE_OK : FARSIDE_NOWORK;
  far_work_deinit(store->memory, best);
  return status;
}

// Takes the next unit: from now on the store says that it runs.
static farside_status claim(far_queue *queue, far_work *work, far_kind *kind) {
  far_store *store = queue->store;
  far_moment now = far_queue_moment(queue->host);
  if (work->expedite != FAR_EXPEDITE_NO) {
    // There was some when it was enqueued; others were before it.
    if (far_quota_has(&queue->quota, &now))
      far_quota_take(&queue->quota, &now);
    else if (work->expedite == FAR_EXPEDITE_OR_DROP)
      return far_schedule_cancel(work, FAR_REASON_NO_QUOTA, &now)
                 ? far_rows_settle(queue, work)
                 : FARSIDE_OK;
  }
  far_schedule_start(&queue->host->memory, work, &kind->rules, &now);
  far_run run = {.work = work->id,
                 .token = work->token,
                 .attempt = work->attempts + 1,
                 .slot_ms = work->slot_ms,
                 .begun_ms = now.wall_ms};
  farside_status status = far_rows_save(queue, work);
  if (status == FARSIDE_OK)
    status = store->run_begin(store, &run);
  if (status == FARSIDE_OK && far_going_new(queue, work, kind) == NULL)
    status = FARSIDE_NOMEM;
  if (status == FARSIDE_OK && work->tag > queue->service_tag)
    queue->service_tag = work->tag;
  return status;
}

static farside_status claim_next(far_queue *queue) {
  far_work work = {0};
  far_kind *kind = NULL;
  farside_status status = choose(queue, &work, &kind);
  if (status != FARSIDE_OK)
    return status;
  status = far_batch_begin(queue, false);
  if (status == FARSIDE_OK) {
    status = claim(queue, &work, kind);
    if (status == FARSIDE_OK && work.state == FAR_WORK_RUNNING)
      far_rows_tell(queue, &work);
    status = far_batch_end(queue, status);
  }
  far_work_deinit(queue->store->memory, &work);
  return status;
}

// Its time has come: it takes its place among those that are ready.
static farside_status promote(far_queue *queue, far_work *work) {
  far_store *store = queue->store;
  far_moment now = far_queue_moment(queue->host);
  if (far_work_is_periodic(work) &&
      far_schedule_catch_up(&queue->host->memory, work, &now) &&
      work->run_at_ms > now.wall_ms)
    return far_rows_settle(queue, work);
  int64_t last_tag = 0;
  farside_status status =
      store->last_tag(store, work->script, work->group, &last_tag);
  if (status != FARSIDE_OK)
    return status;
  far_schedule_rank(work, last_tag, queue->service_tag);
  return store->save(store, work, true);
}

static farside_status promote_due(far_queue *queue, bool *has_more) {
  far_store *store = queue->store;
  far_work work = {0};
  farside_status status = FARSIDE_OK;
  far_find find = {.by = FAR_FIND_WAITING,
                   .until_ms = far_queue_wall_ms(queue->host)};
  int count = 0;
  *has_more = false;
  while (status == FARSIDE_OK &&
         (status = store->find(store, &find, &work)) == FARSIDE_OK) {
    *has_more = ++count > PROMOTED_MAX;
    if (!*has_more && (status = far_batch_begin(queue, false)) == FARSIDE_OK)
      status = far_batch_end(queue, promote(queue, &work));
    far_work_deinit(store->memory, &work);
    if (*has_more)
      break;
  }
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static farside_status give_up_overdue(far_queue *queue) {
  far_store *store = queue->store;
  far_moment now = far_queue_moment(queue->host);
  far_find find = {.by = FAR_FIND_OVERDUE, .until_ms = now.wall_ms};
  far_work work = {0};
  farside_status status = FARSIDE_OK;
  while (status == FARSIDE_OK &&
         (status = store->find(store, &find, &work)) == FARSIDE_OK) {
    if (far_schedule_give_up(&work, &now) &&
        (status = far_batch_begin(queue, false)) == FARSIDE_OK)
      status = far_batch_end(queue, far_rows_settle(queue, &work));
    far_work_deinit(store->memory, &work);
  }
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static farside_status prune_old(far_queue *queue) {
  int64_t run_at_ms, deadline_ms, prune_ms, count = 0;
  far_store *store = queue->store;
  int64_t now_ms = far_queue_wall_ms(queue->host);
  farside_status status =
      store->next_due(store, &run_at_ms, &deadline_ms, &prune_ms);
  if (status != FARSIDE_OK || prune_ms > now_ms)
    return status;
  status = far_batch_begin(queue, false);
  if (status == FARSIDE_OK)
    status = far_batch_end(
        queue, store->prune(store, NULL, now_ms, PRUNED_MAX, &count));
  return status;
}

// -- Rescue -------------------------------------------------------------------

static farside_status rescue_row(far_queue *queue, far_work *work) {
  far_store *store = queue->store;
  far_moment now = far_queue_moment(queue->host);
  far_result result = {.end = FAR_RUN_CRASHED,
                       .why = far_reason_text(FAR_REASON_CRASHED)};
  far_run run = {.work = work->id,
                 .token = work->token,
                 .ended_ms = now.wall_ms,
                 .end = result.end};
  (void)far_schedule_end(&queue->host->memory, work, &result, &now);
  farside_status status = store->run_end(store, &run);
  return status == FARSIDE_OK ? far_rows_settle(queue, work) : status;
}

farside_status far_dispatch_rescue(farside_host *host) {
  far_queue *queue = &host->queue;
  far_store *store = queue->store;
  far_find find = {.by = FAR_FIND_RUNNING};
  far_work work = {0};
  farside_status status = FARSIDE_OK;
  queue->needs_rescue = false;
  while (status == FARSIDE_OK &&
         (status = store->find(store, &find, &work)) == FARSIDE_OK) {
    if (far_going_of(queue, work.id) == NULL &&
        (status = far_batch_begin(queue, false)) == FARSIDE_OK)
      status = far_batch_end(queue, rescue_row(queue, &work));
    far_work_deinit(store->memory, &work);
  }
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

// -- The world ----------------------------------------------------------------

static unsigned met_of(const farside_conditions *now) {
  return FAR_NEEDS_ALL & ~far_schedule_unmet(FAR_NEEDS_ALL, now);
}

static void notice_conditions(far_queue *queue) {
  farside_conditions now = far_host_conditions(queue->host);
  unsigned changed = met_of(&now) ^ met_of(&queue->conditions);
  for (int i = 0; i < 6; i++)
    if (changed & 1u << i)
      queue->changed_ms[i] = far_queue_wall_ms(queue->host);
  queue->conditions = now;
  bool may = far_queue_may_start(queue->host);
  if (may != queue->may_start)
    queue->may_start_since_ms = far_queue_wall_ms(queue->host);
  queue->is_stale |= changed != 0 || may != queue->may_start;
  queue->may_start = may;
}

static farside_status move_all(far_queue *queue, int64_t by_ms) {
  far_store *store = queue->store;
  far_moment now = far_queue_moment(queue->host);
  far_find find = {.by = FAR_FIND_RELATIVE};
  far_work work = {0};
  farside_status status = FARSIDE_OK;
  while (status == FARSIDE_OK &&
         (status = store->find(store, &find, &work)) == FARSIDE_OK) {
    if (far_schedule_move(&work, by_ms, &now) &&
        (status = far_batch_begin(queue, false)) == FARSIDE_OK)
      status = far_batch_end(
          queue, store->save(store, &work, far_schedule_is_ready(&work)));
    far_work_deinit(store->memory, &work);
  }
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

// Somebody has set the clock on the wall.
static void notice_clock(far_queue *queue) {
  int64_t offset_ms =
      far_queue_wall_ms(queue->host) - (int64_t)far_host_now_ms(queue->host);
  int64_t by_ms = offset_ms - queue->wall_offset_ms;
  queue->wall_offset_ms = offset_ms;
  if (by_ms < MOVED_MS && by_ms > -MOVED_MS)
    return;
  (void)move_all(queue, by_ms);
  far_queue_look_again(queue);
}

static farside_status rezone_all(far_queue *queue) {
  far_store *store = queue->store;
  far_moment now = far_queue_moment(queue->host);
  far_find find = {.by = FAR_FIND_RELATIVE};
  far_work work = {0};
  farside_status status = FARSIDE_OK;
  while (status == FARSIDE_OK &&
         (status = store->find(store, &find, &work)) == FARSIDE_OK) {
    if (far_schedule_rezone(&work, &now) &&
        (status = far_batch_begin(queue, false)) == FARSIDE_OK)
      status = far_batch_end(queue, far_rows_settle(queue, &work));
    far_work_deinit(store->memory, &work);
  }
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

// A zone as a number that can be kept; never zero.
static int64_t number_of_zone(const far_zone *zone) {
  uint64_t hash = UINT64_C(14695981039346656037); // FNV-1a.
  for (const char *c = zone->name; *c != '\0'; c++)
    hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
  return (int64_t)(hash >> 1) + 1;
}

// The machine, or the phone, has gone to another zone; perhaps while the app
// was not there.
static void notice_zone(far_queue *queue) {
  farside_host *host = queue->host;
  far_store *store = queue->store;
  if (queue->is_stale && host->zone == &host->local_zone.zone)
    far_local_zone_look(&host->local_zone);
  int64_t zone = number_of_zone(host->zone), before = queue->zone;
  if (zone == before)
    return;
  if (before == 0)
    (void)store->number_get(store, "zone", &before);
  queue->zone = zone;
  if (zone == before)
    return;
  if (before != 0)
    (void)rezone_all(queue);
  if (far_batch_begin(queue, false) == FARSIDE_OK)
    (void)far_batch_end(queue, store->number_set(store, "zone", zone));
}

// -- Starting -----------------------------------------------------------------

static farside_status start_due(far_queue *queue) {
  farside_status status = FARSIDE_OK;
  bool has_more = true;
  while (has_more && status == FARSIDE_OK)
    status = promote_due(queue, &has_more);
  while (status == FARSIDE_OK && queue->going_count < FAR_RUNS_AT_ONCE)
    status = claim_next(queue);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

// -- Waking -------------------------------------------------------------------

// For when, and for what, the app would be woken.
typedef struct wish {
  int64_t at_ms;
  farside_wake_request request;
} wish;

// What is ready already, and waits for something else than its time. Of those
// that nobody can run, nothing is to be said.
static farside_status first_ready(far_queue *queue, far_work *work) {
  far_store *store = queue->store;
  far_class class = {0};
  int64_t after = 0;
  farside_status status;
  while ((status = store->next_class(store, after, &class)) == FARSIDE_OK) {
    after = class.id;
    bool is_known = far_queue_kind_of(queue, class.script, class.kind) != NULL;
    far_class_deinit(store->memory, &class);
    far_find find = {.by = FAR_FIND_READY, .class_id = after};
    if (is_known)
      return store->find(store, &find, work);
  }
  return status;
}

// False: for nothing.
static bool next_wake(far_queue *queue, wish *mine) {
  far_store *store = queue->store;
  far_work work = {0};
  int64_t now_ms = far_queue_wall_ms(queue->host), at_ms = now_ms;
  far_find find = {.by = FAR_FIND_WAITING, .until_ms = INT64_MAX};
  if (first_ready(queue, &work) != FARSIDE_OK) {
    if (store->find(store, &find, &work) != FARSIDE_OK)
      return false;
    at_ms = work.run_at_ms;
  }
  bool is_long = (work.needs & (FAR_NEEDS_CHARGING | FAR_NEEDS_IDLE)) != 0;
  const unsigned network = FAR_NEEDS_NETWORK | FAR_NEEDS_UNMETERED;
  *mine = (wish){
      .at_ms = at_ms,
      .request = {.after_ms = at_ms > now_ms ? (uint64_t)(at_ms - now_ms) : 0,
                  .kind =
                      is_long ? FARSIDE_WAKE_PROCESSING : FARSIDE_WAKE_REFRESH,
                  .needs_network = (work.needs & network) != 0,
                  .needs_charging = (work.needs & FAR_NEEDS_CHARGING) != 0}};
  far_work_deinit(store->memory, &work);
  return true;
}

// One wake-up for the whole queue; asked for when the app leaves the sight of
// its user, and anew when another unit comes first.
static void ask_to_be_woken(far_queue *queue) {
  enum { SAME_MS = 1000 };
  farside_host *host = queue->host;
  if (host->platform.wake_at == NULL || host->app.state > FAR_APP_BACKGROUND ||
      queue->going_count > 0)
    return;
  wish next;
  if (!next_wake(queue, &next))
    return;
  int64_t off_ms = next.at_ms - queue->asked_at_ms;
  if (queue->asked_at_ms != 0 && off_ms < SAME_MS && off_ms > -SAME_MS)
    return;
  queue->asked_at_ms = next.at_ms;
  (void)far_host_wake_at(host, &next.request);
}

// -- What the host tells it ---------------------------------------------------

// Whether something waits for the machine to be as it needs it: nobody tells
// when it is.
static bool waits_for_conditions(far_queue *queue) {
  const farside_host *host = queue->host;
  far_work work = {0};
  if (far_clock_is_virtual(host->clock) || host->platform.conditions == NULL ||
      !queue->may_start || queue->going_count >= FAR_RUNS_AT_ONCE ||
      first_ready(queue, &work) != FARSIDE_OK)
    return false;
  far_work_deinit(queue->store->memory, &work);
  return true;
}

// When it has to look again though nothing happens.
static void arm(far_queue *queue) {
  farside_host *host = queue->host;
  far_store *store = queue->store;
  int64_t run_at_ms, deadline_ms, prune_ms;
  uint64_t when_ms = FAR_NEVER;
  if (store->next_due(store, &run_at_ms, &deadline_ms, &prune_ms) ==
      FARSIDE_OK) {
    int64_t next_ms = deadline_ms;
    if (queue->may_start && queue->going_count < FAR_RUNS_AT_ONCE &&
        run_at_ms < next_ms)
      next_ms = run_at_ms;
    int64_t now_ms = far_queue_wall_ms(host);
    if (next_ms != INT64_MAX)
      when_ms = far_host_now_ms(host) +
                (next_ms > now_ms ? (uint64_t)(next_ms - now_ms) : 1);
    uint64_t glance_ms = far_host_now_ms(host) + GLANCE_MS;
    bool has_to_glance = when_ms == FAR_NEVER ? waits_for_conditions(queue)
                                              : when_ms > glance_ms;
    if (has_to_glance && !far_clock_is_virtual(host->clock))
      when_ms = glance_ms;
  }
  far_timer_start(&host->timers, &queue->timer, when_ms);
}

void far_dispatch(farside_host *host) {
  far_queue *queue = &host->queue;
  if (queue->store == NULL || host->app.state <= FAR_APP_SUSPENDED) {
    (void)far_batch_flush(host);
    return;
  }
  notice_clock(queue);
  notice_zone(queue);
  notice_conditions(queue);
  farside_status status = FARSIDE_OK;
  if (queue->needs_rescue) {
    status = far_dispatch_rescue(host);
    far_queue_look_again(queue);
  }
  if (queue->is_stale) {
    queue->is_stale = false;
    if (status == FARSIDE_OK)
      status = give_up_overdue(queue);
    if (status == FARSIDE_OK && queue->may_start)
      status = start_due(queue);
    if (status == FARSIDE_OK)
      status = prune_old(queue);
    if (far_batch_flush(host) == FARSIDE_OK) {
      far_going_begin_all(queue);
      (void)far_batch_flush(host);
      arm(queue);
      ask_to_be_woken(queue);
    }
    queue->is_stale = false;
    return;
  }
  (void)far_batch_flush(host);
}

bool far_dispatch_has_work(const farside_host *host) {
  const far_queue *queue = &host->queue;
  return queue->store != NULL && host->app.state > FAR_APP_SUSPENDED &&
         (queue->is_stale || far_batch_is_open(host));
}

bool far_dispatch_is_waiting(const farside_host *host) {
  return host->queue.going_count > 0 || host->queue.timer.place != 0;
}

void far_dispatch_woken(farside_host *host) {
  host->queue.asked_at_ms = 0;
  far_queue_look_again(&host->queue);
}

void far_dispatch_end(farside_host *host, bool is_killed) {
  far_queue *queue = &host->queue;
  if (queue->store == NULL)
    return;
  queue->is_dying = is_killed;
  if (!is_killed)
    return;
  // Nobody was told that this was kept, and now nobody will be.
  queue->store->rollback(queue->store);
  queue->changes = 0;
  far_going_forget_unbegun(queue);
}

void far_dispatch_ended(farside_host *host) {
  far_queue *queue = &host->queue;
  if (queue->store == NULL)
    return;
  if (!queue->is_dying)
    (void)far_batch_flush(host);
  queue->store->idle(queue->store);
  queue->is_dying = false;
  queue->needs_rescue = queue->is_stale = true;
}
