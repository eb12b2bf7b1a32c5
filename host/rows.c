#include "rows.h"

#include "duration.h"
#include "host.h"
#include "number.h"
#include <stdio.h>

enum { MINUTE_MS = 60 * 1000 };

// -- What the timeline and the watchers hear ----------------------------------

void far_rows_note(far_queue *queue, far_what what, farside_level level,
                   const far_work *work, const char *why) {
  far_host_note_work(queue->host, what, level, work, why);
}

void far_rows_tell(far_queue *queue, const far_work *work) {
  for (far_list *link = queue->watchers.next, *next; link != &queue->watchers;
       link = next) {
    next = link->next;
    far_watcher *watcher = far_list_item(link, far_watcher, link);
    watcher->changed(watcher, work);
  }
}

static void print_delay(const far_queue *queue, const far_work *work,
                        char *text, size_t bytes) {
  int64_t ms = work->run_at_ms - far_queue_wall_ms(queue->host);
  if (ms > MINUTE_MS) // On real time some of it has passed since.
    ms = (ms + 500) / 1000 * 1000;
  far_duration_print(ms > 0 ? (uint64_t)ms : 0, text, bytes);
}

// What has become of a unit, for the timeline.
void far_rows_note_state(far_queue *queue, const far_work *work) {
  char why[700], delay[48];
  const char *because = work->why ? work->why : far_reason_text(work->reason);
  switch (work->state) {
  case FAR_WORK_SUCCEEDED:
    far_rows_note(queue, FAR_WHAT_WORK_SUCCEED, FARSIDE_INFO, work, work->why);
    break;
  case FAR_WORK_FAILED:
    snprintf(why, sizeof why, "%s: %s", far_reason_text(work->reason), because);
    far_rows_note(queue, FAR_WHAT_WORK_FAIL, FARSIDE_WARN, work,
                  work->why ? why : because);
    break;
  case FAR_WORK_CANCELLED:
    far_rows_note(queue, FAR_WHAT_WORK_CANCEL, FARSIDE_INFO, work, because);
    break;
  case FAR_WORK_ENQUEUED:
    print_delay(queue, work, delay, sizeof delay);
    if (work->reason == FAR_REASON_RETRY ||
        work->reason == FAR_REASON_CRASHED ||
        work->reason == FAR_REASON_STOPPED) {
      snprintf(why, sizeof why, "%s: again in %s", because, delay);
      far_rows_note(queue, FAR_WHAT_WORK_RETRY, FARSIDE_WARN, work, why);
    } else {
      const char *whose = far_work_is_periodic(work) ? "its next run is " : "";
      far_put_text(far_put_text(far_put_text(why, whose), "due in "), delay);
      far_rows_note(queue, FAR_WHAT_WORK_ENQUEUE, FARSIDE_INFO, work, why);
    }
    break;
  case FAR_WORK_BLOCKED:
    far_rows_note(queue, FAR_WHAT_WORK_ENQUEUE, FARSIDE_INFO, work, because);
    break;
  default:
    break;
  }
  far_rows_tell(queue, work);
}

// -- Rows ---------------------------------------------------------------------

// What waits for its time is to be looked at then.
static void note_due(far_queue *queue, const far_work *work) {
  if (work->state == FAR_WORK_ENQUEUED && !far_schedule_is_ready(work) &&
      work->run_at_ms < queue->due_ms)
    queue->due_ms = work->run_at_ms;
}

farside_status far_rows_insert(far_queue *queue, far_order *order) {
  far_work *work = &order->work;
  farside_status status =
      queue->store->insert(queue->store, work, order->parents,
                           order->parent_count, far_schedule_is_ready(work));
  note_due(queue, work);
  far_batch_changes(queue, work->id);
  return status;
}

farside_status far_rows_save(far_queue *queue, const far_work *work) {
  note_due(queue, work);
  far_batch_changes(queue, work->id);
  return queue->store->save(queue->store, work, far_schedule_is_ready(work));
}

farside_status far_rows_save_run(far_queue *queue, const far_work *work,
                                 int64_t token) {
  note_due(queue, work);
  far_batch_changes(queue, work->id);
  return queue->store->save_run(queue->store, work, token,
                                far_schedule_is_ready(work));
}

farside_status far_rows_rank(far_queue *queue, far_work *work) {
  int64_t last_tag = 0;
  farside_status status = queue->store->last_tag(queue->store, work->script,
                                                 work->group, &last_tag);
  if (status == FARSIDE_OK)
    far_schedule_rank(work, last_tag, queue->service_tag);
  return status;
}

// A list of ids that grows; for a walk without recursion.
typedef struct id_list {
  far_memory *memory;
  int64_t *ids;
  size_t count, capacity;
} id_list;

static bool id_list_add(id_list *list, int64_t id) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? list->capacity * 2 : 16;
    int64_t *ids =
        far_resize(list->memory, list->ids, list->capacity * sizeof *ids,
                   capacity * sizeof *ids);
    if (ids == NULL)
      return false;
    list->ids = ids;
    list->capacity = capacity;
  }
  list->ids[list->count++] = id;
  return true;
}

static void id_list_deinit(id_list *list) {
  far_free(list->memory, list->ids, list->capacity * sizeof *list->ids);
}

static farside_status tell_children_of(far_queue *queue, const far_work *parent,
                                       id_list *ended) {
  far_store *store = queue->store;
  far_moment now = far_queue_moment(queue->host);
  far_find find = {.by = FAR_FIND_CHILDREN, .id = parent->id, .is_brief = true};
  far_work child = {0};
  farside_status status;
  while ((status = store->find(store, &find, &child)) == FARSIDE_OK) {
    if (far_schedule_parent_ended(&child, parent, &now)) {
      status = far_rows_save(queue, &child);
      if (status == FARSIDE_OK) {
        far_rows_note_state(queue, &child);
        if (far_work_is_final(&child) && !id_list_add(ended, child.id))
          status = FARSIDE_NOMEM;
      }
    }
    far_work_deinit(store->memory, &child);
    if (status != FARSIDE_OK)
      return status;
  }
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

// A unit has ended: whoever waits for it hears of it, and whoever waits for
// those.
farside_status far_rows_tell_children(far_queue *queue, const far_work *work) {
  far_store *store = queue->store;
  id_list ended = {.memory = &queue->host->memory};
  farside_status status = tell_children_of(queue, work, &ended);
  for (size_t i = 0; i < ended.count && status == FARSIDE_OK; i++) {
    far_work next = {0};
    status = store->load_brief(store, ended.ids[i], &next);
    if (status == FARSIDE_OK)
      status = tell_children_of(queue, &next, &ended);
    far_work_deinit(store->memory, &next);
  }
  id_list_deinit(&ended);
  return status;
}

farside_status far_rows_redriven(far_queue *queue, const far_work *work) {
  far_store *store = queue->store;
  far_moment now = far_queue_moment(queue->host);
  far_find find = {.by = FAR_FIND_CHILDREN, .id = work->id, .is_brief = true};
  far_work child = {0};
  farside_status status = FARSIDE_OK;
  while (status == FARSIDE_OK &&
         (status = store->find(store, &find, &child)) == FARSIDE_OK) {
    if (far_schedule_parent_redriven(&child, &now))
      status = far_rows_save(queue, &child);
    far_work_deinit(store->memory, &child);
  }
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

farside_status far_rows_end_run(far_queue *queue, const far_work *work,
                                far_run_end end, const char *why) {
  far_store *store = queue->store;
  far_run run = {0};
  farside_status status =
      store->run_before(store, work->id, work->token + 1, &run);
  bool is_there = status == FARSIDE_OK && run.token == work->token;
  if (status != FARSIDE_OK && status != FARSIDE_NOWORK)
    return status;
  if (!is_there) { // A salvage has lost it.
    far_run_deinit(store->memory, &run);
    run = (far_run){.work = work->id,
                    .token = work->token,
                    .attempt = work->attempts + 1,
                    .slot_ms = work->slot_ms,
                    .begun_ms = work->since_ms};
  }
  run.end = end;
  run.ended_ms = far_queue_wall_ms(queue->host);
  status = FARSIDE_NOMEM;
  if (far_work_set(store->memory, &run.why, why))
    status =
        is_there ? store->run_end(store, &run) : store->run_begin(store, &run);
  far_run_deinit(store->memory, &run);
  return status;
}

// Writes down what was decided, and what follows from it.
farside_status far_rows_settle(far_queue *queue, const far_work *work) {
  farside_status status = far_rows_save(queue, work);
  if (status != FARSIDE_OK)
    return status;
  far_rows_note_state(queue, work);
  return far_work_is_final(work) ? far_rows_tell_children(queue, work)
                                 : FARSIDE_OK;
}
