#include "inbox.h"

#include <stdatomic.h>
#include <uv.h>

struct far_inbox {
  far_memory *memory;
  far_clock *clock;
  uv_mutex_t mutex;
  bool has_mutex;
  far_event *first, *last;
  bool stop;
  _Atomic bool may_sleep; // Whoever puts something in has to wake the clock.
};

farside_status far_inbox_open(far_memory *memory, far_clock *clock,
                              far_inbox **inbox) {
  *inbox = NULL;
  far_inbox *fresh = far_new(memory, sizeof *fresh);
  if (fresh == NULL)
    return FARSIDE_NOMEM;
  fresh->memory = memory;
  fresh->clock = clock;
  fresh->has_mutex = uv_mutex_init(&fresh->mutex) == 0;
  if (!fresh->has_mutex) {
    far_inbox_close(fresh);
    return FARSIDE_SYSTEM;
  }
  *inbox = fresh;
  return FARSIDE_OK;
}

void far_inbox_close(far_inbox *inbox) {
  if (inbox == NULL)
    return;
  if (inbox->has_mutex) {
    bool stop;
    for (far_event *event = far_inbox_take(inbox, &stop); event;) {
      far_event *next = event->next;
      far_event_release(event);
      event = next;
    }
    uv_mutex_destroy(&inbox->mutex);
  }
  far_free(inbox->memory, inbox, sizeof *inbox);
}

void far_inbox_sleeps(far_inbox *inbox, bool may_sleep) {
  atomic_store(&inbox->may_sleep, may_sleep);
}

// Comes after the mutex was held. Either the host takes it later, and finds
// what was put in; or it has taken it before, and then this sees that it may be
// asleep.
static void wake(far_inbox *inbox) {
  if (atomic_load(&inbox->may_sleep))
    inbox->clock->wake(inbox->clock);
}

void far_inbox_put(far_inbox *inbox, far_event *event) {
  event->next = NULL;
  uv_mutex_lock(&inbox->mutex);
  *(inbox->last ? &inbox->last->next : &inbox->first) = event;
  inbox->last = event;
  uv_mutex_unlock(&inbox->mutex);
  wake(inbox);
}

void far_inbox_put_stop(far_inbox *inbox) {
  uv_mutex_lock(&inbox->mutex);
  inbox->stop = true;
  uv_mutex_unlock(&inbox->mutex);
  wake(inbox);
}

bool far_inbox_is_empty(far_inbox *inbox) {
  uv_mutex_lock(&inbox->mutex);
  bool is_empty = inbox->first == NULL && !inbox->stop;
  uv_mutex_unlock(&inbox->mutex);
  return is_empty;
}

far_event *far_inbox_take(far_inbox *inbox, bool *stop) {
  uv_mutex_lock(&inbox->mutex);
  far_event *first = inbox->first;
  *stop = inbox->stop;
  inbox->first = inbox->last = NULL;
  inbox->stop = false;
  uv_mutex_unlock(&inbox->mutex);
  return first;
}
