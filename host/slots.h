// Slots: ids that outlive what they name.
//
// An id is a number that only grows; its low bits choose the slot, and its high
// bits are the slot's generation. So an id kept too long finds nothing: it can
// never reach what took the slot next. A slot remembers how its last item
// ended until another id takes it, so that most late callers get the reason.
#ifndef FAR_SLOTS_H
#define FAR_SLOTS_H

#include "memory.h"

typedef struct far_slot {
  uint64_t id;
  void *item; // NULL once the item has ended.
  int ending; // What far_slots_remove() was told.
} far_slot;

typedef struct far_slots {
  far_memory *memory;
  far_slot *slots;
  size_t capacity; // A power of two, or zero.
  size_t count;    // Items in use.
  uint64_t next_id;
} far_slots;

// The first id is a choice: a high one keeps ids from looking like the small
// numbers that scripts are full of. Never zero.
void far_slots_init(far_slots *slots, far_memory *memory, uint64_t first_id);
void far_slots_deinit(far_slots *slots);

// Names an item. Returns its id, or zero when memory is short.
uint64_t far_slots_add(far_slots *slots, void *item);

// Returns the item of an id, or NULL.
void *far_slots_get(const far_slots *slots, uint64_t id);

// Ends an id. `ending` is for far_slots_ending().
void far_slots_remove(far_slots *slots, uint64_t id, int ending);

// Returns how an id ended, or `unknown` when it never was or is forgotten.
int far_slots_ending(const far_slots *slots, uint64_t id, int unknown);

#endif
