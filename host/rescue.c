#include "rescue.h"

#include "going.h"
#include "host.h"
#include "rows.h"

// Carries out `change` on each unit of a search, each as a change of its own.
static farside_status
each(far_queue *queue, far_find find,
     farside_status (*change)(far_queue *queue, far_work *work, int64_t by_ms),
     int64_t by_ms) {
  far_store *store = queue->store;
  far_work work = {0};
  farside_status status = FARSIDE_OK;
  while (status == FARSIDE_OK &&
         (status = store->find(store, &find, &work)) == FARSIDE_OK) {
    if ((status = far_batch_begin(queue, false)) == FARSIDE_OK)
      status = far_batch_end(queue, change(queue, &work, by_ms));
    far_work_deinit(store->memory, &work);
  }
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static far_find by_state(far_work_state state) {
  return (far_find){
      .by = FAR_FIND_FILTER, .state = (int)state, .is_brief = true};
}

// -- Who has died -------------------------------------------------------------

static farside_status end_of_dead(far_queue *queue, far_work *work,
                                  int64_t by_ms) {
  (void)by_ms;
  if (far_going_of(queue, work->id) != NULL)
    return FARSIDE_OK;
  far_moment now = far_queue_moment(queue->host);
  far_result result = {.end = FAR_RUN_CRASHED,
                       .why = far_reason_text(FAR_REASON_CRASHED)};
  farside_status status = far_rows_end_run(queue, work, result.end, result.why);
  if (status != FARSIDE_OK)
    return status;
  (void)far_schedule_end(&queue->host->memory, work, &result, &now);
  return far_rows_settle(queue, work);
}

// -- Who waits for what was lost ----------------------------------------------

// How many of its parents were lost, and for how many of the others it waits.
typedef struct parents_left {
  int64_t lost, awaited;
} parents_left;

static farside_status look_for_parent(far_store *store, const far_work *child,
                                      int64_t id, parents_left *left) {
  far_work work = {0};
  farside_status status = store->load_brief(store, id, &work);
  bool is_held_for = work.state != FAR_WORK_SUCCEEDED &&
                     child->on_parent_fail == FAR_PARENT_FAIL_HOLD;
  if (status == FARSIDE_OK)
    left->awaited += !far_work_is_final(&work) || is_held_for;
  left->lost += status == FARSIDE_NOWORK;
  far_work_deinit(store->memory, &work);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

// What was lost cannot succeed any more, nor be redriven. One that had ended
// before it was lost is waited for no longer.
static farside_status end_of_orphan(far_queue *queue, far_work *work,
                                    int64_t by_ms) {
  (void)by_ms;
  far_store *store = queue->store;
  far_moment now = far_queue_moment(queue->host);
  const far_work lost = {.state = FAR_WORK_FAILED};
  int64_t parents[FAR_WORK_PARENTS_MAX];
  size_t count = 0;
  parents_left left = {0};
  farside_status status = store->parents(store, work->id, parents, &count);
  for (size_t i = 0; i < count && status == FARSIDE_OK; i++)
    status = look_for_parent(store, work, parents[i], &left);
  int64_t open = work->parents - left.awaited;
  if (status != FARSIDE_OK || left.lost == 0 || open <= 0)
    return status;
  if (work->on_parent_fail == FAR_PARENT_FAIL_HOLD)
    work->on_parent_fail = FAR_PARENT_FAIL_FAIL;
  for (int64_t i = 0; i < left.lost && i < open; i++)
    (void)far_schedule_parent_ended(work, &lost, &now);
  if (!far_work_set(&queue->host->memory, &work->why,
                    "work that it waits for was lost with a damaged file"))
    return FARSIDE_NOMEM;
  return far_rows_settle(queue, work);
}

// -- The clock ----------------------------------------------------------------

// Those that have their place do not wait for a time any more, and those that
// are blocked do not yet.
static bool goes_by_clock(const far_work *work) {
  bool waits = work->state == FAR_WORK_ENQUEUED && !far_schedule_is_ready(work);
  bool has_slots = work->state == FAR_WORK_RUNNING && work->every_ms != 0;
  return waits || has_slots || work->deadline_ms != 0;
}

static farside_status move(far_queue *queue, far_work *work, int64_t by_ms) {
  far_moment now = far_queue_moment(queue->host);
  return goes_by_clock(work) && far_schedule_move(work, by_ms, &now)
             ? far_rows_save(queue, work)
             : FARSIDE_OK;
}

static farside_status move_all(far_queue *queue, int64_t by_ms) {
  farside_status status = each(queue, by_state(FAR_WORK_ENQUEUED), move, by_ms);
  if (status == FARSIDE_OK)
    status = each(queue, by_state(FAR_WORK_RUNNING), move, by_ms);
  if (status == FARSIDE_OK)
    status = each(queue, by_state(FAR_WORK_BLOCKED), move, by_ms);
  return status;
}

// How far the wall clock may drift from the other before it was moved. One that
// is slewed drifts, and that does not add up.
enum { MOVED_MS = 2000 };

static int64_t moved_ms(const far_queue *queue, int64_t *offset_ms) {
  *offset_ms =
      far_queue_wall_ms(queue->host) - (int64_t)far_host_now_ms(queue->host);
  int64_t by_ms = *offset_ms - queue->wall_offset_ms;
  return by_ms < MOVED_MS && by_ms > -MOVED_MS ? 0 : by_ms;
}

bool far_rescue_is_clock_moved(const far_queue *queue) {
  int64_t offset_ms;
  return queue->was_set_back || moved_ms(queue, &offset_ms) != 0;
}

farside_status far_rescue_from_clock(far_queue *queue) {
  int64_t offset_ms, by_ms = moved_ms(queue, &offset_ms);
  farside_status status = FARSIDE_OK;
  if (queue->was_set_back)
    status = move_all(queue, 0); // Nobody knows by how much.
  if (status == FARSIDE_OK && by_ms != 0)
    status = move_all(queue, by_ms);
  if (status != FARSIDE_OK)
    return status;
  queue->was_set_back = false;
  queue->wall_offset_ms = offset_ms;
  return FARSIDE_OK;
}

// -- All of it ----------------------------------------------------------------

farside_status far_rescue(far_queue *queue) {
  bool has_orphans = queue->has_orphans;
  queue->needs_rescue = queue->has_orphans = false;
  farside_status status = far_rescue_from_clock(queue);
  if (status == FARSIDE_OK)
    status = each(queue, by_state(FAR_WORK_RUNNING), end_of_dead, 0);
  if (status == FARSIDE_OK && has_orphans)
    status = each(queue, by_state(FAR_WORK_BLOCKED), end_of_orphan, 0);
  if (status == FARSIDE_OK)
    return status;
  queue->needs_rescue = true;
  queue->has_orphans |= has_orphans;
  return far_batch_failed(queue, status);
}
