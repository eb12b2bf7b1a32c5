#include "arena.h"

#include "far_assert.h"

#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(ptr, bytes)   ((void)(ptr), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(ptr, bytes) ((void)(ptr), (void)(bytes))
#endif

// Keeps what is seldom done out of the way of what is often done.
#define APART __attribute__((noinline))

// Sizes are rounded up to a class: steps of 16 bytes up to 512, then four
// classes a doubling up to 128 KiB. A block has no header, because Lua tells
// its old size, and the class follows from that. Class 0 does not exist.
//
// What is larger than the last class is whole pages in a chunk of its own,
// which goes back to the host with it.
enum {
  UNIT = 16,
  SMALL_BYTES = 512,
  SMALL_CLASSES = SMALL_BYTES / UNIT,
  SMALL_LOG2 = 9,
  CLASSES = 64, // So that a word has a bit for each.
  CLASS_BYTES_MAX = 128 << 10,
  PAGE_BYTES = 4 << 10,
  // What a script has before it does anything fits into the first chunk, or
  // nearly. The next ones are an eighth of what there is: so little is taken
  // ahead. All are multiples of the smallest, whose bits are whole units.
  CHUNK_BYTES_FIRST = 20 << 10,
  CHUNK_BYTES_MIN = 2 << 10,
  CHUNK_BYTES_MAX = 1 << 20,
  RESERVE_BYTES = 256 << 10,
  SPARE_BYTES = 64 << 10,
  // Free memory in the wrong places may double what a script takes from the
  // host, and these come on top.
  SLACK_BYTES = 2 << 20
};

static const size_t BYTES_MAX = SIZE_MAX / 8; // Sums of a few do not overflow.

typedef struct block {
  struct block *next;
} block;

// Blocks follow, `area` bytes of them, then a bit for each unit, which only
// join() uses. No area: one large block follows, and no bits.
typedef struct chunk {
  _Alignas(UNIT) size_t bytes; // All of it.
  size_t area;
} chunk;

struct far_arena {
  size_t used_bytes;
  size_t limit_bytes; // The cap, and the reserve while it is lifted.
  size_t peak_bytes;
  size_t block_bytes_max;
  uint64_t allocations;
  uint64_t fails_at; // Which allocation; UINT64_MAX: none.
  char *bump;        // What no list holds of the place we allocate in.
  size_t bump_bytes;
  size_t freed_bytes; // Into the lists, since the last join.
  uint64_t filled;    // Bit c - 1 is set if class c has a block; or had one.
  block *lists[CLASSES + 1];

  far_memory *memory;
  far_shield *shield;
  far_arena *next; // What is taken down after it.
  chunk **chunks;  // By address.
  size_t chunks_count, chunks_capacity;
  size_t chunk_bytes; // Of these, of their array, and of this struct.
  size_t cap_bytes, charged_bytes;
  uint64_t refused;
  unsigned lifts;
  bool fails_after;
};

// -- Sizes --------------------------------------------------------------------

static unsigned log2_of(size_t bytes) {
  return 63u - (unsigned)__builtin_clzll(bytes);
}

// The largest class that `bytes` can hold. The two bits after the first say
// which of the four it is.
static size_t class_within(size_t bytes) {
  if (bytes >= CLASS_BYTES_MAX)
    return CLASSES;
  if (bytes <= SMALL_BYTES)
    return bytes / UNIT;
  unsigned log2 = log2_of(bytes);
  return SMALL_CLASSES + (log2 - SMALL_LOG2) * 4 + (bytes >> (log2 - 2)) - 4;
}

// The smallest class that holds `bytes`.
static inline size_t class_of(size_t bytes) {
  if (bytes <= SMALL_BYTES)
    return (bytes + UNIT - 1) / UNIT;
  return class_within(bytes - 1) + 1;
}

static inline size_t class_bytes(size_t class) {
  if (class <= SMALL_CLASSES)
    return class * UNIT;
  size_t step = class - SMALL_CLASSES;
  return (4 + step % 4) << (SMALL_LOG2 - 2 + step / 4);
}

static inline bool is_large(size_t bytes) {
  return bytes > CLASS_BYTES_MAX;
}

// What a block of this size counts.
static inline size_t rounded(size_t bytes) {
  if (is_large(bytes))
    return (bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
  return class_bytes(class_of(bytes));
}

// -- Chunks -------------------------------------------------------------------
//
// A turn may be abandoned anywhere but under the shield, and then the chunks
// are all that is looked at. So they change only under the shield.

static void shield_up(far_arena *arena) {
  if (arena->shield != NULL)
    far_shield_up(arena->shield);
}

static void shield_down(far_arena *arena) {
  if (arena->shield != NULL)
    far_shield_down(arena->shield);
}

static char *data_of(chunk *from) {
  return (char *)(from + 1);
}

static uint64_t *bits_of(chunk *from) {
  return (uint64_t *)(void *)(data_of(from) + from->area);
}

// How many bytes the bits of an area take.
static size_t bits_bytes(size_t area) {
  return (area / UNIT + 63) / 64 * sizeof(uint64_t);
}

// Where in the array the first chunk is that starts after this address.
static size_t place_after(const far_arena *arena, const void *address) {
  size_t low = 0, high = arena->chunks_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if ((uintptr_t)arena->chunks[middle] <= (uintptr_t)address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void link_chunk(far_arena *arena, chunk *fresh, size_t bytes) {
  size_t place = place_after(arena, fresh);
  chunk **slot = &arena->chunks[place];
  memmove(slot + 1, slot, (arena->chunks_count - place) * sizeof *slot);
  *slot = fresh;
  arena->chunks_count++;
  arena->chunk_bytes += bytes;
  fresh->bytes = bytes;
}

static void unlink_chunk(far_arena *arena, size_t place, size_t bytes) {
  chunk **slot = &arena->chunks[place];
  arena->chunks_count--;
  arena->chunk_bytes -= bytes;
  memmove(slot, slot + 1, (arena->chunks_count - place) * sizeof *slot);
}

// Makes place for one more in the array.
static bool has_place(far_arena *arena) {
  if (arena->chunks_count < arena->chunks_capacity)
    return true;
  size_t bytes_old = arena->chunks_capacity * sizeof *arena->chunks;
  size_t bytes_new = bytes_old ? bytes_old * 2 : 8 * sizeof *arena->chunks;
  chunk **chunks =
      far_resize(arena->memory, arena->chunks, bytes_old, bytes_new);
  if (chunks == NULL)
    return false;
  arena->chunks = chunks;
  arena->chunks_capacity = bytes_new / sizeof *arena->chunks;
  arena->chunk_bytes += bytes_new - bytes_old;
  return true;
}

// How many more bytes the arena may have from the host. The cap alone is not
// enough: what is free may be of no use for what is asked for.
static size_t chunk_room(const far_arena *arena) {
  size_t bytes_max = arena->limit_bytes * 2 + SLACK_BYTES;
  return arena->chunk_bytes < bytes_max ? bytes_max - arena->chunk_bytes : 0;
}

static chunk *add_chunk(far_arena *arena, size_t bytes, size_t area) {
  if (bytes > chunk_room(arena))
    return NULL;
  shield_up(arena);
  chunk *fresh = NULL;
  if (has_place(arena))
    fresh = far_resize(arena->memory, NULL, 0, bytes);
  if (fresh != NULL) {
    link_chunk(arena, fresh, bytes);
    fresh->area = area;
    ASAN_POISON_MEMORY_REGION(fresh + 1, area);
  }
  shield_down(arena);
  return fresh;
}

static void remove_chunk(far_arena *arena, chunk *old) {
  size_t bytes = old->bytes;
  shield_up(arena);
  ASAN_UNPOISON_MEMORY_REGION(old, bytes);
  unlink_chunk(arena, place_after(arena, old) - 1, bytes);
  far_free(arena->memory, old, bytes);
  shield_down(arena);
}

// Resizes the chunk of one large block, which may move.
static chunk *resize_chunk(far_arena *arena, chunk *old, size_t bytes) {
  size_t bytes_old = old->bytes;
  if (bytes > bytes_old && bytes - bytes_old > chunk_room(arena))
    return NULL;
  shield_up(arena);
  size_t place = place_after(arena, old) - 1;
  ASAN_UNPOISON_MEMORY_REGION(old, bytes_old);
  chunk *fresh = far_resize(arena->memory, old, bytes_old, bytes);
  if (fresh != NULL) {
    unlink_chunk(arena, place, bytes_old);
    link_chunk(arena, fresh, bytes);
  }
  shield_down(arena);
  return fresh;
}

// -- Blocks -------------------------------------------------------------------

static inline void push(far_arena *arena, void *ptr, size_t class) {
  block *freed = ptr;
  ASAN_UNPOISON_MEMORY_REGION(freed, sizeof *freed);
  freed->next = arena->lists[class];
  ASAN_POISON_MEMORY_REGION(freed, class_bytes(class));
  arena->lists[class] = freed;
  arena->filled |= UINT64_C(1) << (class - 1);
}

static inline void *pop(far_arena *arena, size_t class) {
  block *first = arena->lists[class];
  if (first != NULL) {
    ASAN_UNPOISON_MEMORY_REGION(first, sizeof *first);
    arena->lists[class] = first->next;
  }
  return first;
}

// Hands free memory to the lists, as few blocks.
static void push_region(far_arena *arena, char *start, size_t bytes) {
  while (bytes > 0) {
    size_t class = class_within(bytes);
    push(arena, start, class);
    start += class_bytes(class);
    bytes -= class_bytes(class);
  }
}

// Takes a block from the start of free memory. The larger one of what is left
// of it and what was left before is where we go on allocating.
static void *carve(far_arena *arena, char *start, size_t bytes, size_t class) {
  char *rest = start + class_bytes(class);
  size_t rest_bytes = bytes - class_bytes(class);
  if (rest_bytes > arena->bump_bytes) {
    push_region(arena, arena->bump, arena->bump_bytes);
    arena->bump = rest;
    arena->bump_bytes = rest_bytes;
  } else {
    push_region(arena, rest, rest_bytes);
  }
  return start;
}

// Takes a block from the smallest free one that is of class `from` or larger.
static void *take_from(far_arena *arena, size_t class, size_t from) {
  while (from <= CLASSES) {
    uint64_t filled = arena->filled >> (from - 1);
    if (filled == 0)
      return NULL;
    from += (size_t)__builtin_ctzll(filled);
    char *found = pop(arena, from);
    if (found != NULL)
      return carve(arena, found, class_bytes(from), class);
    arena->filled &= ~(UINT64_C(1) << (from - 1));
  }
  return NULL;
}

// How large a chunk is, unless a block asks for more.
static size_t usual_chunk(const far_arena *arena) {
  size_t bytes = arena->chunk_bytes / 8;
  if (arena->chunks_count == 0)
    bytes = CHUNK_BYTES_FIRST;
  if (bytes < CHUNK_BYTES_MIN)
    bytes = CHUNK_BYTES_MIN;
  if (bytes < arena->memory->piece_bytes)
    bytes = arena->memory->piece_bytes;
  if (bytes > CHUNK_BYTES_MAX)
    bytes = CHUNK_BYTES_MAX;
  if (bytes > chunk_room(arena))
    bytes = chunk_room(arena);
  return bytes & ~(size_t)(CHUNK_BYTES_MIN - 1);
}

static void *take_from_new_chunk(far_arena *arena, size_t class) {
  size_t area = class_bytes(class);
  size_t need = sizeof(chunk) + area + bits_bytes(area);
  size_t bytes = usual_chunk(arena);
  if (bytes >= need + SMALL_BYTES)
    area = bytes - sizeof(chunk) - bits_bytes(bytes);
  else
    bytes = need;
  chunk *fresh = add_chunk(arena, bytes, area);
  return fresh ? carve(arena, data_of(fresh), area, class) : NULL;
}

// -- Joining ------------------------------------------------------------------

// Sets the bit of every unit of a free block.
static void mark(chunk *owner, const block *freed, size_t bytes) {
  uint64_t *bits = bits_of(owner);
  size_t at = (size_t)((const char *)freed - data_of(owner)) / UNIT;
  size_t end = at + bytes / UNIT;
  while (at < end) {
    size_t first = at % 64;
    size_t count = end - at < 64 - first ? end - at : 64 - first;
    bits[at / 64] |= (~UINT64_C(0) >> (64 - count)) << first;
    at += count;
  }
}

// The first bit from `at` on that is set, or is not; `end` if there is none.
static size_t find_bit(const uint64_t *bits, size_t at, size_t end,
                       bool is_set) {
  while (at < end) {
    uint64_t word = (is_set ? bits[at / 64] : ~bits[at / 64]) >> (at % 64);
    if (word != 0) {
      at += (size_t)__builtin_ctzll(word);
      return at < end ? at : end;
    }
    at += 64 - at % 64;
  }
  return end;
}

static void mark_lists(far_arena *arena) {
  chunk *owner = NULL;
  for (size_t class = 1; class <= CLASSES; class ++) {
    size_t bytes = class_bytes(class);
    for (block *freed; (freed = pop(arena, class)) != NULL;) {
      // Neighbours in a list are often neighbours in memory.
      if (owner == NULL || (uintptr_t)freed - (uintptr_t)owner >= owner->bytes)
        owner = arena->chunks[place_after(arena, freed) - 1];
      ASAN_POISON_MEMORY_REGION(freed, bytes);
      mark(owner, freed, bytes);
    }
  }
  arena->filled = 0;
}

// Joins free neighbours, and gives back chunks in which nothing is taken, as
// long as at least `keep_bytes` stay. The lists can be many and long, so this
// is for when enough was freed since the last time to pay for it.
static void join(far_arena *arena, size_t keep_bytes) {
  push_region(arena, arena->bump, arena->bump_bytes);
  arena->bump_bytes = 0;
  arena->freed_bytes = 0;
  for (size_t i = 0; i < arena->chunks_count; i++) {
    chunk *each = arena->chunks[i];
    memset(bits_of(each), 0, bits_bytes(each->area));
  }
  mark_lists(arena);
  for (size_t i = arena->chunks_count; i-- > 0;) {
    chunk *each = arena->chunks[i];
    const uint64_t *bits = bits_of(each);
    size_t end = each->area / UNIT;
    size_t to, at = find_bit(bits, 0, end, true);
    if (at == 0 && end > 0 && find_bit(bits, 0, end, false) == end &&
        arena->chunk_bytes - each->bytes >= keep_bytes) {
      remove_chunk(arena, each);
      continue;
    }
    for (; at < end; at = find_bit(bits, to, end, true)) {
      to = find_bit(bits, at, end, false);
      push_region(arena, data_of(each) + at * UNIT, (to - at) * UNIT);
    }
  }
}

// Whether a join is due: each freed byte pays for `share` bytes to look at.
static bool is_join_due(const far_arena *arena, size_t share) {
  return arena->freed_bytes >= arena->chunk_bytes / share;
}

enum { SHARE = 4, SHARE_IN_NEED = 64 };

// For a block that is not at hand: not in its list, and no bump holds it.
static APART void *take_elsewhere(far_arena *arena, size_t class) {
  // A block only a little larger is left alone: it will be asked for again.
  size_t roomy = class_of(class_bytes(class) * 4);
  if (roomy > CLASSES || class > SMALL_CLASSES)
    roomy = class + 1;
  void *taken = take_from(arena, class, roomy);
  if (taken == NULL && is_join_due(arena, SHARE)) {
    // A collector lets garbage grow as large as what lives: that stays.
    join(arena, arena->used_bytes * 2 + SPARE_BYTES);
    taken = take_from(arena, class, class);
  }
  if (taken == NULL)
    taken = take_from_new_chunk(arena, class);
  if (taken == NULL)
    taken = take_from(arena, class, class + 1);
  if (taken == NULL && is_join_due(arena, SHARE_IN_NEED)) {
    join(arena, SIZE_MAX);
    taken = take_from(arena, class, class);
  }
  return taken;
}

static inline void *take_at_hand(far_arena *arena, size_t class) {
  void *taken = pop(arena, class);
  size_t bytes = class_bytes(class);
  if (taken == NULL && bytes <= arena->bump_bytes) {
    taken = arena->bump;
    arena->bump += bytes;
    arena->bump_bytes -= bytes;
  }
  return taken;
}

static void *take(far_arena *arena, size_t class) {
  void *taken = take_at_hand(arena, class);
  return taken != NULL ? taken : take_elsewhere(arena, class);
}

// Takes back the end of a block.
static void cut(far_arena *arena, char *tail, size_t bytes) {
  ASAN_POISON_MEMORY_REGION(tail, bytes);
  arena->freed_bytes += bytes;
  if (tail + bytes == arena->bump) {
    arena->bump = tail;
    arena->bump_bytes += bytes;
  } else {
    push_region(arena, tail, bytes);
  }
}

// -- Large blocks -------------------------------------------------------------

static chunk *chunk_of_large(void *ptr) {
  return (chunk *)ptr - 1;
}

// Makes chunks that hold nothing available to a large block.
static bool has_made_room(far_arena *arena) {
  bool is_due = is_join_due(arena, SHARE_IN_NEED);
  if (is_due)
    join(arena, 0);
  return is_due;
}

static void *take_large(far_arena *arena, size_t bytes) {
  chunk *own = add_chunk(arena, sizeof *own + bytes, 0);
  if (own == NULL && has_made_room(arena))
    own = add_chunk(arena, sizeof *own + bytes, 0);
  return own ? data_of(own) : NULL;
}

static void *resize_large(far_arena *arena, void *ptr, size_t bytes_old,
                          size_t bytes_new) {
  chunk *old = chunk_of_large(ptr);
  size_t bytes = sizeof *old + bytes_new;
  if (bytes == old->bytes)
    return ptr;
  chunk *own = resize_chunk(arena, old, bytes);
  if (own == NULL && bytes_new > bytes_old && has_made_room(arena))
    own = resize_chunk(arena, old, bytes);
  if (own != NULL)
    return data_of(own);
  return bytes <= old->bytes ? ptr : NULL;
}

// Makes a large block one of a class, where nothing else can be had for it:
// its chunk becomes like any other.
static void *settle_large(far_arena *arena, void *ptr, size_t class) {
  chunk *own = chunk_of_large(ptr);
  size_t bytes = own->bytes - sizeof *own;
  ASAN_UNPOISON_MEMORY_REGION(ptr, bytes); // The bits are written.
  own->area = (bytes - bits_bytes(bytes)) & ~(size_t)(UNIT - 1);
  cut(arena, data_of(own) + class_bytes(class), own->area - class_bytes(class));
  return ptr;
}

// -- The allocator ------------------------------------------------------------

// Counts a growth, and tells whether it may be.
static inline bool may_grow(far_arena *arena, size_t bytes, size_t growth) {
  return ++arena->allocations < arena->fails_at &&
         bytes <= arena->block_bytes_max &&
         arena->used_bytes + growth <= arena->limit_bytes;
}

static inline void count_used(far_arena *arena, size_t used_bytes) {
  arena->used_bytes = used_bytes;
  if (used_bytes > arena->peak_bytes)
    arena->peak_bytes = used_bytes;
}

// Lets the script touch what it asked for, and not the rest of the class.
static inline void *expose(void *ptr, size_t bytes) {
  ASAN_POISON_MEMORY_REGION(ptr, rounded(bytes));
  ASAN_UNPOISON_MEMORY_REGION(ptr, bytes);
  return ptr;
}

static APART void *refuse(far_arena *arena) {
  if (arena->allocations >= arena->fails_at && !arena->fails_after)
    arena->fails_at = UINT64_MAX;
  arena->refused++;
  return NULL;
}

static APART void *allocate_large(far_arena *arena, size_t bytes) {
  size_t size = rounded(bytes);
  if (!may_grow(arena, bytes, size))
    return refuse(arena);
  void *taken = take_large(arena, size);
  if (taken == NULL)
    return refuse(arena);
  count_used(arena, arena->used_bytes + size);
  return expose(taken, bytes);
}

static APART void *allocate_elsewhere(far_arena *arena, size_t bytes,
                                      size_t class) {
  void *taken = take_elsewhere(arena, class);
  if (taken == NULL)
    return refuse(arena);
  count_used(arena, arena->used_bytes + class_bytes(class));
  return expose(taken, bytes);
}

static inline void *allocate(far_arena *arena, size_t bytes, size_t class) {
  size_t size = class_bytes(class);
  if (!may_grow(arena, bytes, size))
    return refuse(arena);
  void *taken = take_at_hand(arena, class);
  if (taken == NULL)
    return allocate_elsewhere(arena, bytes, class);
  count_used(arena, arena->used_bytes + size);
  return expose(taken, bytes);
}

// Gives a block to the lists, or to the host. What is used is counted
// elsewhere.
static inline void put_back_class(far_arena *arena, void *ptr, size_t class) {
  arena->freed_bytes += class_bytes(class);
  push(arena, ptr, class);
}

static APART void put_back(far_arena *arena, void *ptr, size_t bytes) {
  if (is_large(bytes))
    remove_chunk(arena, chunk_of_large(ptr));
  else
    put_back_class(arena, ptr, class_of(bytes));
}

static void *move(far_arena *arena, void *ptr, size_t bytes_old, void *taken,
                  size_t bytes_new) {
  expose(taken, bytes_new);
  memcpy(taken, ptr, bytes_old < bytes_new ? bytes_old : bytes_new);
  put_back(arena, ptr, bytes_old);
  return taken;
}

static APART void *grow(far_arena *arena, void *ptr, size_t bytes_old,
                        size_t bytes_new) {
  size_t old_size = rounded(bytes_old), size = rounded(bytes_new);
  size_t growth = size - old_size;
  if (!may_grow(arena, bytes_new, growth))
    return refuse(arena);
  if (growth == 0)
    return expose(ptr, bytes_new);

  void *grown;
  bool is_last = (char *)ptr + old_size == arena->bump;
  if (is_large(bytes_old)) {
    grown = resize_large(arena, ptr, old_size, size);
  } else if (is_large(bytes_new)) {
    grown = take_large(arena, size);
  } else if (is_last && growth <= arena->bump_bytes) {
    arena->bump += growth;
    arena->bump_bytes -= growth;
    grown = ptr;
  } else {
    grown = take(arena, class_of(bytes_new));
  }
  if (grown == NULL)
    return refuse(arena);
  count_used(arena, arena->used_bytes + growth);
  if (grown == ptr || is_large(bytes_old))
    return expose(grown, bytes_new);
  return move(arena, ptr, bytes_old, grown, bytes_new);
}

// Lua has no answer to a shrinking that fails, and will tell the new size when
// it frees the block. So what has a class is cut where it stands: each class is
// whole units, so its head is a block and its tail a few.
static APART void *shrink(far_arena *arena, void *ptr, size_t bytes_old,
                          size_t bytes_new) {
  size_t old_size = rounded(bytes_old), size = rounded(bytes_new);
  arena->used_bytes -= old_size - size;
  if (old_size == size)
    return expose(ptr, bytes_new);
  if (is_large(bytes_new))
    return expose(resize_large(arena, ptr, old_size, size), bytes_new);
  if (is_large(bytes_old)) {
    size_t class = class_of(bytes_new);
    void *taken = take(arena, class);
    if (taken != NULL)
      return move(arena, ptr, bytes_old, taken, bytes_new);
    return expose(settle_large(arena, ptr, class), bytes_new);
  }
  cut(arena, (char *)ptr + size, old_size - size);
  return expose(ptr, bytes_new);
}

void *far_arena_allocate(void *user, void *ptr, size_t bytes_old,
                         size_t bytes_new) {
  far_arena *arena = user;
  // For a new block Lua passes a type tag as the old size.
  if (ptr == NULL) {
    if (bytes_new <= SMALL_BYTES)
      return bytes_new == 0 ? NULL
                            : allocate(arena, bytes_new, class_of(bytes_new));
    if (is_large(bytes_new))
      return allocate_large(arena, bytes_new);
    return allocate(arena, bytes_new, class_of(bytes_new));
  }
  if (bytes_new == 0) {
    arena->used_bytes -= rounded(bytes_old);
    if (bytes_old <= SMALL_BYTES)
      put_back_class(arena, ptr, class_of(bytes_old));
    else
      put_back(arena, ptr, bytes_old);
    return NULL;
  }
  if (bytes_new > bytes_old)
    return grow(arena, ptr, bytes_old, bytes_new);
  return shrink(arena, ptr, bytes_old, bytes_new);
}

// -- The arena ----------------------------------------------------------------

far_arena *far_arena_open(far_memory *memory, far_shield *shield,
                          size_t cap_bytes, size_t block_bytes) {
  if (shield != NULL)
    far_shield_up(shield);
  far_arena *arena = far_new(memory, sizeof *arena);
  if (arena != NULL) {
    arena->memory = memory;
    arena->shield = shield;
    arena->chunk_bytes = sizeof *arena;
    arena->cap_bytes = cap_bytes < BYTES_MAX ? cap_bytes : BYTES_MAX;
    arena->limit_bytes = arena->cap_bytes;
    arena->block_bytes_max = block_bytes < BYTES_MAX ? block_bytes : BYTES_MAX;
    arena->fails_at = UINT64_MAX;
  }
  if (shield != NULL)
    far_shield_down(shield);
  return arena;
}

far_arena *far_arena_raze(far_arena *arena, size_t bytes) {
  far_memory *memory = arena->memory;
  far_shield *shield = arena->shield;
  far_arena *left = arena;
  if (shield != NULL)
    far_shield_up(shield);
  for (size_t given = 0; given < bytes && arena->chunks_count > 0;) {
    chunk *last = arena->chunks[--arena->chunks_count];
    size_t size = last->bytes;
    ASAN_UNPOISON_MEMORY_REGION(last, size);
    far_free(memory, last, size);
    given += size;
  }
  if (arena->chunks_count == 0) {
    left = arena->next;
    far_free(memory, arena->chunks,
             arena->chunks_capacity * sizeof *arena->chunks);
    far_free(memory, arena, sizeof *arena);
  }
  if (shield != NULL)
    far_shield_down(shield);
  return left;
}

void far_arena_drop(far_arena *arena) {
  if (arena != NULL)
    far_arena_raze(arena, SIZE_MAX);
}

void far_arena_put_before(far_arena *arena, far_arena *next) {
  arena->next = next;
}

bool far_arena_charge(far_arena *arena, size_t bytes) {
  if (bytes > arena->limit_bytes ||
      arena->used_bytes > arena->limit_bytes - bytes)
    return false;
  shield_up(arena);
  arena->charged_bytes += bytes;
  count_used(arena, arena->used_bytes + bytes);
  shield_down(arena);
  return true;
}

void far_arena_discharge(far_arena *arena, size_t bytes) {
  far_assert(bytes <= arena->charged_bytes);
  shield_up(arena);
  arena->charged_bytes -= bytes;
  arena->used_bytes -= bytes;
  shield_down(arena);
}

void far_arena_lift(far_arena *arena) {
  arena->lifts++;
  arena->limit_bytes = arena->cap_bytes + RESERVE_BYTES;
}

void far_arena_lower(far_arena *arena) {
  far_assert(arena->lifts > 0);
  if (--arena->lifts == 0)
    arena->limit_bytes = arena->cap_bytes;
}

void far_arena_fail(far_arena *arena, uint64_t n, bool and_after) {
  arena->fails_at = n == 0 ? UINT64_MAX : arena->allocations + n;
  arena->fails_after = and_after;
}

void far_arena_get_usage(const far_arena *arena, far_arena_usage *usage) {
  *usage = (far_arena_usage){.used_bytes = arena->used_bytes,
                             .peak_bytes = arena->peak_bytes,
                             .chunk_bytes = arena->chunk_bytes,
                             .charged_bytes = arena->charged_bytes,
                             .allocations = arena->allocations,
                             .refused = arena->refused};
}
