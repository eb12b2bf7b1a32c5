#include "timer.h"

#include "far_assert.h"

enum { CHILDREN = 4 };

static bool comes_before(const far_timer_slot *a, const far_timer_slot *b) {
  return a->when_ms != b->when_ms ? a->when_ms < b->when_ms : a->born < b->born;
}

// Places are counted from zero in here.
static void put(far_timer_heap *heap, far_timer_slot slot, size_t place) {
  heap->slots[place] = slot;
  slot.timer->place = place + 1;
}

static size_t above(size_t place) {
  return (place - 1) / CHILDREN;
}

static void rise(far_timer_heap *heap, far_timer_slot slot, size_t place) {
  while (place > 0 && comes_before(&slot, &heap->slots[above(place)])) {
    put(heap, heap->slots[above(place)], place);
    place = above(place);
  }
  put(heap, slot, place);
}

static size_t first_child(const far_timer_heap *heap, size_t place) {
  size_t best = place * CHILDREN + 1;
  size_t end =
      best + CHILDREN < heap->leading ? best + CHILDREN : heap->leading;
  for (size_t child = best + 1; child < end; child++)
    if (comes_before(&heap->slots[child], &heap->slots[best]))
      best = child;
  return best;
}

static void sink(far_timer_heap *heap, far_timer_slot slot, size_t place) {
  while (place * CHILDREN + 1 < heap->leading) {
    size_t child = first_child(heap, place);
    if (!comes_before(&heap->slots[child], &slot))
      break;
    put(heap, heap->slots[child], place);
    place = child;
  }
  put(heap, slot, place);
}

// Finds the place of what is new, or has moved, near `place`.
static void settle(far_timer_heap *heap, far_timer_slot slot, size_t place) {
  if (place > 0 && comes_before(&slot, &heap->slots[above(place)]))
    rise(heap, slot, place);
  else
    sink(heap, slot, place);
}

// -- Leaders and followers ----------------------------------------------------

// The last leader whose instant was looked up here.
static far_timer **leader_of(far_timer_heap *heap, uint64_t when_ms) {
  return &heap->leaders[when_ms % FAR_TIMER_LEADERS];
}

// A re-armed timer may be older than those of its instant: then it leads.
static bool may_follow(const far_timer *leader, const far_timer *timer) {
  return leader != NULL && leader->when_ms == timer->when_ms &&
         leader->previous->born < timer->born;
}

static void follow(far_timer *leader, far_timer *timer) {
  timer->place = FAR_FOLLOWS;
  timer->next = leader;
  timer->previous = leader->previous;
  timer->previous->next = leader->previous = timer;
}

static far_timer_slot slot_of(far_timer *timer) {
  return (far_timer_slot){timer->when_ms, timer->born, timer};
}

// A leader goes. The first that follows it, or the last of the heap, takes its
// place.
static void replace(far_timer_heap *heap, far_timer *timer) {
  size_t place = timer->place - 1;
  far_timer *next = timer->next != timer ? timer->next : NULL;
  far_timer **known = leader_of(heap, timer->when_ms);
  if (*known == timer)
    *known = next;
  if (next != NULL) {
    sink(heap, slot_of(next), place);
    return;
  }
  far_timer_slot last = heap->slots[--heap->leading];
  if (last.timer != timer)
    settle(heap, last, place);
}

void far_timers_init(far_timers *timers, far_memory *memory) {
  *timers = (far_timers){.memory = memory};
}

void far_timers_deinit(far_timers *timers) {
  for (size_t i = 0; i < 2 && timers->memory != NULL; i++) {
    far_timer_heap *heap = &timers->heaps[i];
    far_assert(heap->born == 0);
    far_free(timers->memory, heap->slots, heap->capacity * sizeof *heap->slots);
  }
  *timers = (far_timers){0};
}

farside_status far_timer_init(far_timers *timers, far_timer *timer,
                              far_timer_kind kind, far_timer_fire fire) {
  far_timer_heap *heap = &timers->heaps[kind];
  if (heap->born == heap->capacity) {
    size_t capacity = heap->capacity ? heap->capacity * 2 : 16;
    far_timer_slot *grown =
        far_resize(timers->memory, heap->slots, heap->capacity * sizeof *grown,
                   capacity * sizeof *grown);
    if (grown == NULL)
      return FARSIDE_NOMEM;
    heap->slots = grown;
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
  far_timer_stop(timers, timer);
  if (when_ms == FAR_NEVER)
    return;
  timer->when_ms = when_ms;
  far_timer **leader = leader_of(heap, when_ms);
  if (may_follow(*leader, timer)) {
    follow(*leader, timer);
    return;
  }
  *leader = timer->next = timer->previous = timer;
  settle(heap, slot_of(timer), heap->leading++);
}

void far_timer_stop(far_timers *timers, far_timer *timer) {
  if (timer->place == 0)
    return;
  if (timer->place != FAR_FOLLOWS)
    replace(&timers->heaps[timer->kind], timer);
  timer->previous->next = timer->next;
  timer->next->previous = timer->previous;
  // That of a million is far away: by the time it is due it shall be near.
  __builtin_prefetch(timer->next->next);
  timer->next = timer->previous = NULL;
  timer->place = 0;
}

far_timer *far_timers_next(const far_timers *timers, bool asleep) {
  const far_timer_heap *script = &timers->heaps[FAR_TIMER_SCRIPT];
  const far_timer_heap *host = &timers->heaps[FAR_TIMER_HOST];
  const far_timer_slot *a = script->leading && !asleep ? script->slots : NULL;
  const far_timer_slot *b = host->leading ? host->slots : NULL;
  if (a == NULL || (b != NULL && comes_before(b, a)))
    a = b;
  return a ? a->timer : NULL;
}
