#include "timer.h"

#include "far_assert.h"

static bool comes_before(const far_timer *a, const far_timer *b) {
  return a->when_ms != b->when_ms ? a->when_ms < b->when_ms : a->born < b->born;
}

static void put(far_timer_heap *heap, far_timer *timer, size_t place) {
  heap->timers[place - 1] = timer;
  timer->place = place;
}

static void rise(far_timer_heap *heap, far_timer *timer, size_t place) {
  while (place > 1 && comes_before(timer, heap->timers[place / 2 - 1])) {
    put(heap, heap->timers[place / 2 - 1], place);
    place /= 2;
  }
  put(heap, timer, place);
}

static void sink(far_timer_heap *heap, far_timer *timer, size_t place) {
  for (;;) {
    size_t child = place * 2;
    if (child > heap->armed)
      break;
    if (child < heap->armed &&
        comes_before(heap->timers[child], heap->timers[child - 1]))
      child++;
    if (!comes_before(heap->timers[child - 1], timer))
      break;
    put(heap, heap->timers[child - 1], place);
    place = child;
  }
  put(heap, timer, place);
}

void far_timers_init(far_timers *timers, far_memory *memory) {
  *timers = (far_timers){.memory = memory};
}

void far_timers_deinit(far_timers *timers) {
  for (size_t i = 0; i < 2 && timers->memory != NULL; i++) {
    far_timer_heap *heap = &timers->heaps[i];
    far_assert(heap->born == 0);
    far_free(timers->memory, heap->timers,
             heap->capacity * sizeof *heap->timers);
  }
  *timers = (far_timers){0};
}

farside_status far_timer_init(far_timers *timers, far_timer *timer,
                              far_timer_kind kind, far_timer_fire fire) {
  far_timer_heap *heap = &timers->heaps[kind];
  if (heap->born == heap->capacity) {
    size_t capacity = heap->capacity ? heap->capacity * 2 : 16;
    far_timer **grown = far_resize(timers->memory, heap->timers,
                                   heap->capacity * sizeof(far_timer *),
                                   capacity * sizeof(far_timer *));
    if (grown == NULL)
      return FARSIDE_NOMEM;
    heap->timers = grown;
    heap->capacity = capacity;
  }
  heap->born++;
  *timer = (far_timer){.born = timers->next_born++, .fire = fire, .kind = kind};
  return FARSIDE_OK;
}

void far_timer_deinit(far_timers *timers, far_timer *timer) {
  if (timer->fire == NULL)
    return;
  far_timer_stop(timers, timer);
  timers->heaps[timer->kind].born--;
  *timer = (far_timer){0};
}

void far_timer_renew(far_timers *timers, far_timer *timer) {
  far_timer_stop(timers, timer);
  timer->born = timers->next_born++;
}

void far_timer_start(far_timers *timers, far_timer *timer, uint64_t when_ms) {
  far_timer_heap *heap = &timers->heaps[timer->kind];
  if (when_ms == FAR_NEVER) {
    far_timer_stop(timers, timer);
    return;
  }
  timer->when_ms = when_ms;
  size_t place = timer->place ? timer->place : ++heap->armed;
  if (place > 1 && comes_before(timer, heap->timers[place / 2 - 1]))
    rise(heap, timer, place);
  else
    sink(heap, timer, place);
}

void far_timer_stop(far_timers *timers, far_timer *timer) {
  if (timer->place == 0)
    return;
  far_timer_heap *heap = &timers->heaps[timer->kind];
  size_t place = timer->place;
  far_timer *last = heap->timers[--heap->armed];
  timer->place = 0;
  if (last == timer)
    return;
  if (place > 1 && comes_before(last, heap->timers[place / 2 - 1]))
    rise(heap, last, place);
  else
    sink(heap, last, place);
}

far_timer *far_timers_next(const far_timers *timers, bool asleep) {
  const far_timer_heap *script = &timers->heaps[FAR_TIMER_SCRIPT];
  const far_timer_heap *host = &timers->heaps[FAR_TIMER_HOST];
  far_timer *a = script->armed && !asleep ? script->timers[0] : NULL;
  far_timer *b = host->armed ? host->timers[0] : NULL;
  if (a == NULL || b == NULL)
    return a ? a : b;
  return comes_before(a, b) ? a : b;
}
