#include "slots.h"

#include "far_assert.h"

enum { CAPACITY_MIN = 64 };

static far_slot *slot_of(const far_slots *slots, uint64_t id) {
  return &slots->slots[id & (slots->capacity - 1)];
}

// Two ids that differ in the low bits differ in more low bits too: every
// living id, and every remembered ending, keeps a slot of its own.
static bool grow(far_slots *slots) {
  size_t capacity = slots->capacity ? slots->capacity * 2 : CAPACITY_MIN;
  far_slot *fresh = far_new(slots->memory, capacity * sizeof *fresh);
  if (fresh == NULL)
    return false;
  for (size_t i = 0; i < slots->capacity; i++)
    if (slots->slots[i].id != 0) // Zero: never used.
      fresh[slots->slots[i].id & (capacity - 1)] = slots->slots[i];
  far_free(slots->memory, slots->slots, slots->capacity * sizeof *fresh);
  slots->slots = fresh;
  slots->capacity = capacity;
  return true;
}

void far_slots_init(far_slots *slots, far_memory *memory, uint64_t first_id) {
  far_assert(first_id != 0);
  *slots = (far_slots){.memory = memory, .next_id = first_id};
}

void far_slots_deinit(far_slots *slots) {
  if (slots->memory != NULL)
    far_free(slots->memory, slots->slots,
             slots->capacity * sizeof *slots->slots);
  *slots = (far_slots){0};
}

uint64_t far_slots_add(far_slots *slots, void *item) {
  // Half of the slots stay free, so that the search below is short.
  if (slots->count * 2 >= slots->capacity && !grow(slots))
    return 0;
  while (slot_of(slots, slots->next_id)->item != NULL)
    slots->next_id++;
  uint64_t id = slots->next_id++;
  *slot_of(slots, id) = (far_slot){.id = id, .item = item};
  slots->count++;
  return id;
}

void *far_slots_get(const far_slots *slots, uint64_t id) {
  if (slots->capacity == 0)
    return NULL;
  const far_slot *slot = slot_of(slots, id);
  return slot->id == id ? slot->item : NULL;
}

void far_slots_remove(far_slots *slots, uint64_t id, int ending) {
  far_assert(far_slots_get(slots, id) != NULL);
  far_slot *slot = slot_of(slots, id);
  slot->item = NULL;
  slot->ending = ending;
  slots->count--;
}

int far_slots_ending(const far_slots *slots, uint64_t id, int unknown) {
  if (slots->capacity == 0)
    return unknown;
  const far_slot *slot = slot_of(slots, id);
  return id != 0 && slot->id == id && slot->item == NULL ? slot->ending
                                                         : unknown;
}
