#include "choice.h"

#include "going.h"
#include "host.h"

// How many are passed over in a class, because their name runs.
enum { PASSED_MAX = 64 };

static farside_status add(far_choice *choice, far_queue *queue,
                          int64_t class_id, far_kind *kind) {
  if (choice->count == choice->capacity) {
    size_t capacity = choice->capacity ? choice->capacity * 2 : 8;
    far_candidate *more =
        far_resize(&queue->host->memory, choice->candidates,
                   choice->capacity * sizeof *more, capacity * sizeof *more);
    if (more == NULL)
      return FARSIDE_NOMEM;
    choice->candidates = more;
    choice->capacity = capacity;
  }
  choice->candidates[choice->count++] =
      (far_candidate){.class_id = class_id, .kind = kind};
  return FARSIDE_OK;
}

farside_status far_choice_init(far_choice *choice, far_queue *queue) {
  far_store *store = queue->store;
  far_class class = {0};
  farside_status status;
  int64_t after = 0;
  *choice = (far_choice){0};
  while ((status = store->next_class(store, after, &class)) == FARSIDE_OK) {
    after = class.id;
    far_kind *kind = far_queue_kind_of(queue, class.script, class.kind);
    if (kind != NULL &&
        far_schedule_unmet(class.needs, &queue->conditions) == 0)
      status = add(choice, queue, class.id, kind);
    far_class_deinit(store->memory, &class);
    if (status != FARSIDE_OK)
      return status;
  }
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

void far_choice_deinit(far_choice *choice, far_queue *queue) {
  for (size_t i = 0; i < choice->count; i++)
    far_work_deinit(queue->store->memory, &choice->candidates[i].work);
  far_free(&queue->host->memory, choice->candidates,
           choice->capacity * sizeof *choice->candidates);
  *choice = (far_choice){0};
}

// Whether it, or one of its name, has a run that has not come to its end.
static bool is_kept_waiting(const far_queue *queue, const far_work *work) {
  return far_going_has_name(queue, work) ||
         far_going_of(queue, work->id) != NULL;
}

// The first of a class that may start.
static farside_status look_up(far_queue *queue, far_candidate *of) {
  far_store *store = queue->store;
  far_find find = {
      .by = FAR_FIND_READY, .class_id = of->class_id, .is_brief = true};
  of->is_known = true;
  for (int i = 0; i < PASSED_MAX; i++) {
    farside_status status = store->find(store, &find, &of->work);
    if (status != FARSIDE_OK)
      return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
    if (!is_kept_waiting(queue, &of->work))
      return FARSIDE_OK;
    far_work_deinit(store->memory, &of->work);
  }
  return FARSIDE_OK;
}

// Expedited work comes first as long as there is quota for it.
static bool is_before(const far_work *a, const far_work *b, bool has_quota) {
  bool a_first = a->expedite != FAR_EXPEDITE_NO;
  bool b_first = b->expedite != FAR_EXPEDITE_NO;
  if (has_quota && a_first != b_first)
    return a_first;
  return a->rank != b->rank ? a->rank < b->rank : a->id < b->id;
}

farside_status far_choice_next(far_choice *choice, far_queue *queue,
                               far_work *work, far_kind **kind) {
  far_moment now = far_queue_moment(queue->host);
  bool has_quota = far_quota_has(&queue->quota, &now);
  far_candidate *best = NULL;
  for (size_t i = 0; i < choice->count; i++) {
    far_candidate *of = &choice->candidates[i];
    // One that was looked up has a namesake that has been started since.
    if (of->work.id != 0 && is_kept_waiting(queue, &of->work)) {
      far_work_deinit(queue->store->memory, &of->work);
      of->is_known = false;
    }
    farside_status status = of->is_known ? FARSIDE_OK : look_up(queue, of);
    if (status != FARSIDE_OK)
      return status;
    if (of->work.id != 0 &&
        (best == NULL || is_before(&of->work, &best->work, has_quota)))
      best = of;
  }
  if (best == NULL)
    return FARSIDE_NOWORK;
  *work = best->work;
  *kind = best->kind;
  best->work = (far_work){0};
  best->is_known = false;
  return FARSIDE_OK;
}
