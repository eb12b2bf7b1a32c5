#include "dispatch.h"

#include "choice.h"
#include "going.h"
#include "host.h"
#include "rescue.h"
#include "rows.h"
#include <string.h>

enum {
  // How many units are put in their place at one look; the rest comes next.
  SOME = 256,
  // While work waits for a time of the wall clock, how often to look whether
  // that was moved, the machine slept, or is in another zone.
  GLANCE_MS = 60 * 1000,
  // Where the host never comes to rest, how long a batch is collected.
  BETWEEN_MS = 20
};

// -- Who is next --------------------------------------------------------------

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
  if (status != FARSIDE_OK)
    return status;
  if (work->tag > queue->service_tag)
    queue->service_tag = work->tag;
  far_rows_tell(queue, work);
  return FARSIDE_OK;
}

static farside_status start_next(far_queue *queue, far_choice *choice) {
  far_work work = {0};
  far_kind *kind = NULL;
  farside_status status = far_choice_next(choice, queue, &work, &kind);
  if (status != FARSIDE_OK)
    return status;
  status = far_batch_begin(queue, false);
  if (status == FARSIDE_OK)
    status = far_batch_end(queue, claim(queue, &work, kind));
  far_work_deinit(queue->store->memory, &work);
  return status;
}

// As many as may run.
static farside_status start_some(far_queue *queue) {
  far_choice choice;
  farside_status status = far_choice_init(&choice, queue);
  for (int i = 0; i < SOME && status == FARSIDE_OK &&
                  far_goings_count(queue) < FAR_RUNS_AT_ONCE;
       i++)
    status = start_next(queue, &choice);
  far_choice_deinit(&choice, queue);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

// -- Whose time has come ------------------------------------------------------

static farside_status promote(far_queue *queue, far_work *work) {
  far_moment now = far_queue_moment(queue->host);
  if (far_work_is_periodic(work) &&
      far_schedule_catch_up(&queue->host->memory, work, &now) &&
      work->run_at_ms > now.wall_ms)
    return far_rows_settle(queue, work);
  farside_status status = far_rows_rank(queue, work);
  return status == FARSIDE_OK ? far_rows_save(queue, work) : status;
}

static farside_status give_up(far_queue *queue, far_work *work) {
  far_moment now = far_queue_moment(queue->host);
  return far_schedule_give_up(work, &now) ? far_rows_settle(queue, work)
                                          : FARSIDE_OK;
}

// Some of those that a search finds, each as a change of its own. When there
// are more, there is another look.
static farside_status each_of_some(far_queue *queue, far_find find,
                                   farside_status (*change)(far_queue *queue,
                                                            far_work *work),
                                   bool *has_more) {
  far_store *store = queue->store;
  far_work work = {0};
  farside_status status = FARSIDE_OK;
  for (int i = 0; i < SOME; i++) {
    status = store->find(store, &find, &work);
    if (status != FARSIDE_OK)
      return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
    if ((status = far_batch_begin(queue, false)) == FARSIDE_OK)
      status = far_batch_end(queue, change(queue, &work));
    far_work_deinit(store->memory, &work);
    if (status != FARSIDE_OK)
      return status;
  }
  *has_more = true;
  return FARSIDE_OK;
}

static farside_status prune_old(far_queue *queue, bool *has_more) {
  far_store *store = queue->store;
  int64_t count = 0, now_ms = far_queue_wall_ms(queue->host);
  farside_status status = far_batch_begin(queue, false);
  if (status == FARSIDE_OK) {
    far_batch_changes_any(queue);
    status =
        far_batch_end(queue, store->prune(store, NULL, now_ms, SOME, &count));
  }
  *has_more |= count == SOME;
  return status;
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

static farside_status rezone_all(far_queue *queue) {
  far_store *store = queue->store;
  far_moment now = far_queue_moment(queue->host);
  far_find find = {.by = FAR_FIND_RELATIVE, .is_brief = true};
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
static farside_status notice_zone(far_queue *queue) {
  far_store *store = queue->store;
  int64_t zone = number_of_zone(queue->host->zone), before = queue->zone;
  farside_status status = FARSIDE_OK;
  if (before == 0)
    status = store->number_get(store, "zone", &before);
  if (status == FARSIDE_OK && zone != before) {
    if (before != 0)
      status = rezone_all(queue);
    if (status == FARSIDE_OK &&
        (status = far_batch_begin(queue, false)) == FARSIDE_OK)
      status = far_batch_end(queue, store->number_set(store, "zone", zone));
  }
  if (status == FARSIDE_OK)
    queue->zone = zone;
  return status;
}

// -- Waking -------------------------------------------------------------------

// For when, and for what, the app would be woken: one of each kind.
enum { WAKES = 2, LOOKED_AT_MAX = 64 };

typedef struct wish {
  bool is_open;
  int64_t at_ms; // INT64_MIN: as soon as can be.
  unsigned needs;
} wish;

static farside_wake wake_for(unsigned needs) {
  return (needs & (FAR_NEEDS_CHARGING | FAR_NEEDS_IDLE)) != 0
             ? FARSIDE_WAKE_PROCESSING
             : FARSIDE_WAKE_REFRESH;
}

// The sooner is wanted. Of two that are due it is the one that needs less.
static void want(wish wishes[WAKES], int64_t at_ms, unsigned needs) {
  wish *mine = &wishes[wake_for(needs)];
  bool is_sooner = !mine->is_open || at_ms < mine->at_ms;
  if (is_sooner)
    *mine = (wish){.is_open = true, .at_ms = at_ms, .needs = needs};
  else if (at_ms == mine->at_ms)
    mine->needs &= needs;
}

// What is ready already waits for something else than its time. Of those whom
// nobody can run, nothing is to be said.
static farside_status want_ready(far_queue *queue, wish wishes[WAKES]) {
  far_store *store = queue->store;
  far_class class = {0};
  farside_status status;
  int64_t after = 0;
  while ((status = store->next_class(store, after, &class)) == FARSIDE_OK) {
    after = class.id;
    if (far_queue_kind_of(queue, class.script, class.kind) != NULL)
      want(wishes, INT64_MIN, class.needs);
    far_class_deinit(store->memory, &class);
  }
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static farside_status want_waiting(far_queue *queue, wish wishes[WAKES]) {
  far_store *store = queue->store;
  far_find find = {
      .by = FAR_FIND_WAITING, .until_ms = INT64_MAX - 1, .is_brief = true};
  farside_status status = FARSIDE_OK;
  int64_t now_ms = far_queue_wall_ms(queue->host);
  for (int i = 0; i < LOOKED_AT_MAX && status == FARSIDE_OK; i++) {
    far_work work = {0};
    if ((status = store->find(store, &find, &work)) != FARSIDE_OK)
      break;
    want(wishes, work.run_at_ms > now_ms ? work.run_at_ms : INT64_MIN,
         work.needs);
    far_work_deinit(store->memory, &work);
    if (wishes[0].is_open && wishes[1].is_open)
      break;
  }
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static farside_wake_request request_of(const far_queue *queue,
                                       farside_wake kind, const wish *mine) {
  int64_t now_ms = far_queue_wall_ms(queue->host);
  const unsigned network = FAR_NEEDS_NETWORK | FAR_NEEDS_UNMETERED;
  return (farside_wake_request){
      .kind = kind,
      .after_ms = mine->at_ms > now_ms ? (uint64_t)(mine->at_ms - now_ms) : 0,
      .needs_network = (mine->needs & network) != 0,
      .needs_charging = (mine->needs & FAR_NEEDS_CHARGING) != 0};
}

static bool was_asked(const far_queue *queue, farside_wake kind,
                      const wish *mine) {
  enum { SAME_MS = 1000 };
  int64_t at_ms = queue->asked[kind].at_ms;
  bool is_same =
      at_ms == mine->at_ms ||
      (at_ms != INT64_MIN && mine->at_ms != INT64_MIN &&
       at_ms - mine->at_ms < SAME_MS && mine->at_ms - at_ms < SAME_MS);
  return queue->asked[kind].is_open && is_same &&
         queue->asked[kind].needs == mine->needs;
}

static void ask(far_queue *queue, farside_wake kind, const wish *mine) {
  farside_host *host = queue->host;
  if (mine->is_open && was_asked(queue, kind, mine))
    return;
  if (queue->asked[kind].is_open)
    far_host_cancel_wake(host, kind);
  queue->asked[kind].is_open = false;
  if (!mine->is_open)
    return;
  farside_wake_request request = request_of(queue, kind, mine);
  if (far_host_wake_at(host, &request) != FARSIDE_OK)
    return; // Asked again at the next look.
  queue->asked[kind].is_open = true;
  queue->asked[kind].at_ms = mine->at_ms;
  queue->asked[kind].needs = mine->needs;
}

// Asked for when the app leaves the sight of its user, and anew when another
// unit comes first. It is for the whole queue, however long that is.
static farside_status ask_to_be_woken(far_queue *queue) {
  const farside_host *host = queue->host;
  wish wishes[WAKES] = {0};
  if (host->platform.wake_at == NULL || host->app.state > FAR_APP_BACKGROUND ||
      far_goings_count(queue) > 0)
    return FARSIDE_OK;
  farside_status status = want_ready(queue, wishes);
  if (status == FARSIDE_OK)
    status = want_waiting(queue, wishes);
  if (status == FARSIDE_OK)
    for (int kind = 0; kind < WAKES; kind++)
      ask(queue, (farside_wake)kind, &wishes[kind]);
  return status;
}

// -- A look -------------------------------------------------------------------

// Whether something waits for the machine to be as it needs it: nobody tells
// when it is.
static bool waits_for_conditions(far_queue *queue) {
  const farside_host *host = queue->host;
  wish wishes[WAKES] = {0};
  return !far_clock_is_virtual(host->clock) &&
         host->platform.conditions != NULL && queue->may_start &&
         far_goings_count(queue) < FAR_RUNS_AT_ONCE &&
         want_ready(queue, wishes) == FARSIDE_OK &&
         (wishes[0].is_open || wishes[1].is_open);
}

// When it has to look again though nothing happens.
static farside_status arm(far_queue *queue) {
  farside_host *host = queue->host;
  int64_t run_at_ms, deadline_ms, prune_ms;
  uint64_t when_ms = FAR_NEVER;
  farside_status status =
      queue->store->next_due(queue->store, &run_at_ms, &deadline_ms, &prune_ms);
  if (status != FARSIDE_OK)
    return status;
  int64_t next_ms = deadline_ms;
  if (queue->may_start && far_goings_count(queue) < FAR_RUNS_AT_ONCE &&
      run_at_ms < next_ms)
    next_ms = run_at_ms;
  int64_t now_ms = far_queue_wall_ms(host);
  if (next_ms != INT64_MAX)
    when_ms = far_host_now_ms(host) +
              (next_ms > now_ms ? (uint64_t)(next_ms - now_ms) : 1);
  uint64_t glance_ms = far_host_now_ms(host) + GLANCE_MS;
  bool has_to_glance =
      when_ms == FAR_NEVER ? waits_for_conditions(queue) : when_ms > glance_ms;
  if (has_to_glance && !far_clock_is_virtual(host->clock))
    when_ms = glance_ms;
  far_timer_start(&host->timers, &queue->timer, when_ms);
  return FARSIDE_OK;
}

// What has come about since the last look, whoever is next aside.
static farside_status catch_up(far_queue *queue) {
  farside_status status = far_queue_need(queue);
  if (status == FARSIDE_OK)
    status = far_rescue_from_clock(queue);
  if (status == FARSIDE_OK)
    status = notice_zone(queue);
  return status == FARSIDE_OK ? far_goings_tell(queue) : status;
}

// What is to be written at a look, in the order in which it makes room for the
// rest.
static farside_status write_all(far_queue *queue, bool *has_more) {
  farside_status status = catch_up(queue);
  int64_t deadline_ms = INT64_MAX, prune_ms = INT64_MAX;
  int64_t now_ms = far_queue_wall_ms(queue->host);
  far_find overdue = {
      .by = FAR_FIND_OVERDUE, .until_ms = now_ms, .is_brief = true};
  far_find due = {.by = FAR_FIND_WAITING, .until_ms = now_ms, .is_brief = true};
  if (status == FARSIDE_OK)
    status = queue->store->next_due(queue->store, &queue->due_ms, &deadline_ms,
                                    &prune_ms);
  if (status == FARSIDE_OK && prune_ms <= now_ms)
    status = prune_old(queue, has_more);
  if (status == FARSIDE_OK && deadline_ms <= now_ms)
    status = each_of_some(queue, overdue, give_up, has_more);
  if (status == FARSIDE_OK && queue->may_start && queue->due_ms <= now_ms)
    status = each_of_some(queue, due, promote, has_more);
  if (status == FARSIDE_OK && queue->may_start &&
      far_goings_count(queue) < FAR_RUNS_AT_ONCE)
    status = start_some(queue);
  return status;
}

// Writes, commits, and begins what is in the store then, whatever became of the
// rest.
static farside_status look(far_queue *queue, bool *has_more) {
  uint64_t losses = queue->losses;
  if (queue->host->zone == &queue->host->local_zone.zone)
    far_local_zone_look(&queue->host->local_zone);
  farside_status status = queue->is_damaged ? FARSIDE_CORRUPT : FARSIDE_OK;
  if (status == FARSIDE_OK)
    status = write_all(queue, has_more);
  farside_status flushed = far_batch_flush(queue->host);
  far_goings_begin(queue);
  if (flushed == FARSIDE_OK)
    flushed = far_batch_flush(queue->host);
  if (status == FARSIDE_OK)
    status = flushed;
  if (status == FARSIDE_OK)
    status = arm(queue);
  if (status == FARSIDE_OK)
    status = ask_to_be_woken(queue);
  if (status != FARSIDE_OK && queue->losses == losses)
    (void)far_batch_lose(queue, status); // It could not be read.
  return status;
}

static bool is_quiet(const farside_host *host) {
  return far_host_now_ms(host) < host->queue.quiet_until_ms;
}

// -- What the host tells it ---------------------------------------------------

void far_dispatch(farside_host *host) {
  far_queue *queue = &host->queue;
  bool is_awake = host->app.state > FAR_APP_SUSPENDED;
  queue->looked_ms = far_host_now_ms(host);
  if (queue->store != NULL && is_awake) {
    notice_conditions(queue);
    queue->is_stale |= queue->is_damaged || far_rescue_is_clock_moved(queue) ||
                       number_of_zone(host->zone) != queue->zone;
  }
  if (queue->store == NULL || !is_awake || !queue->is_stale || is_quiet(host)) {
    (void)far_batch_flush(host);
    return;
  }
  bool has_more = false;
  farside_status status = look(queue, &has_more);
  queue->is_stale = has_more || status != FARSIDE_OK;
  if (is_quiet(host))
    far_timer_start(&host->timers, &queue->timer, queue->quiet_until_ms);
}

void far_dispatch_between(farside_host *host) {
  uint64_t next_ms = host->queue.looked_ms + BETWEEN_MS;
  if (far_dispatch_has_work(host) && far_host_now_ms(host) >= next_ms)
    far_dispatch(host);
}

bool far_dispatch_has_work(const farside_host *host) {
  const far_queue *queue = &host->queue;
  return queue->store != NULL && host->app.state > FAR_APP_SUSPENDED &&
         ((queue->is_stale && !is_quiet(host)) || far_batch_is_open(host));
}

bool far_dispatch_is_waiting(const farside_host *host) {
  return far_goings_count(&host->queue) > 0 || host->queue.timer.place != 0;
}

void far_dispatch_rest(farside_host *host) {
  const far_queue *queue = &host->queue;
  if (queue->store != NULL && far_batch_flush(host) == FARSIDE_OK)
    queue->store->idle(queue->store);
}

void far_dispatch_woken(farside_host *host, const char *reason) {
  far_queue *queue = &host->queue;
  if (strcmp(reason, "fetch") == 0)
    queue->asked[FARSIDE_WAKE_REFRESH].is_open = false;
  else if (strcmp(reason, "processing") == 0)
    queue->asked[FARSIDE_WAKE_PROCESSING].is_open = false;
  far_queue_look_again(queue);
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
  queue->changes = queue->changed_count = 0;
  far_goings_lost(queue);
  far_goings_forget(queue);
}

void far_dispatch_ended(farside_host *host) {
  far_queue *queue = &host->queue;
  if (queue->store == NULL)
    return;
  if (!queue->is_dying)
    (void)far_batch_flush(host);
  queue->store->idle(queue->store);
  queue->is_dying = false;
  queue->quiet_until_ms = 0;
  queue->needs_rescue = queue->is_stale = true;
}
