#include "region.h"

#include "far_assert.h"
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

// It looks for pointers in what malloc() gave, and would not see those in here:
// what a script holds when a plan ends the process is no leak.
#ifdef HAS_ASAN
#include <sanitizer/lsan_interface.h>
#define SHOW(start, bytes) __lsan_register_root_region(start, bytes)
#define HIDE(start, bytes) __lsan_unregister_root_region(start, bytes)
#else
#define SHOW(start, bytes) ((void)0)
#define HIDE(start, bytes) ((void)0)
#endif

enum {
  PLACES = 64,
  PAGE_BYTES = 64 << 10, // Whole pages on any machine.
  STEP_BYTES = 1 << 20   // What is made usable at once.
};

// Far from what systems and sanitizers use by themselves.
static const uint64_t first_place = UINT64_C(0x200000000000);

static atomic_uint_fast64_t taken; // A bit for each place.

// What is kept of a place for the next region of that size, which saves it most
// of the page faults: how much of it is mapped, and how much is usable. Belongs
// to whoever has the bit.
static struct { size_t map_bytes, usable_bytes; } kept[PLACES];
enum { KEPT_BYTES_MAX = 1 << 20 };

// Free pages, by address; the list lives in them.
typedef struct extent {
  struct extent *next;
  size_t bytes;
} extent;

struct far_region {
  far_memory memory; // Counts what was taken out of it.
  far_memory *owner;
  int place; // -1: anywhere.
  char *base;
  char *map; // The mapping, where it is larger.
  size_t map_bytes;
  size_t bytes;        // All that there may ever be.
  size_t usable_bytes; // May be read and written.
  size_t top;          // Behind it nothing was ever taken.
  extent *free;
};

// -- Pages --------------------------------------------------------------------

static size_t in_pages(size_t bytes) {
  return (bytes + PAGE_BYTES - 1) & ~((size_t)PAGE_BYTES - 1);
}

static bool make_usable(far_region *region, size_t top) {
  if (top <= region->usable_bytes)
    return true;
  size_t target = (top + STEP_BYTES - 1) & ~((size_t)STEP_BYTES - 1);
  if (mprotect(region->base + region->usable_bytes,
               target - region->usable_bytes, PROT_READ | PROT_WRITE) != 0)
    return false;
  region->usable_bytes = target;
  return true;
}

// First fit: the lowest address that there is.
static char *take(far_region *region, size_t bytes) {
  for (extent **link = &region->free; *link != NULL; link = &(*link)->next) {
    extent *found = *link;
    if (found->bytes < bytes)
      continue;
    if (found->bytes > bytes) {
      extent *rest = (extent *)(void *)((char *)found + bytes);
      *rest = (extent){.next = found->next, .bytes = found->bytes - bytes};
      *link = rest;
    } else {
      *link = found->next;
    }
    return (char *)found;
  }
  if (bytes > region->bytes - region->top ||
      !make_usable(region, region->top + bytes))
    return NULL;
  char *fresh = region->base + region->top;
  region->top += bytes;
  return fresh;
}

// Joins what is given back with its neighbours. What is large goes back to the
// system.
static void give(far_region *region, char *start, size_t bytes) {
  extent **link = &region->free, *before = NULL;
  while (*link != NULL && (char *)*link < start) {
    before = *link;
    link = &before->next;
  }
  extent *freed = (extent *)(void *)start;
  *freed = (extent){.next = *link, .bytes = bytes};
  *link = freed;
  if (bytes > KEPT_BYTES_MAX)
    madvise(start + PAGE_BYTES, bytes - PAGE_BYTES, MADV_DONTNEED);
  if (freed->next != NULL && start + bytes == (char *)freed->next) {
    freed->bytes += freed->next->bytes;
    freed->next = freed->next->next;
  }
  if (before != NULL && (char *)before + before->bytes == start) {
    before->bytes += freed->bytes;
    before->next = freed->next;
  }
}

static void *allocate(void *user, void *ptr, size_t bytes_old,
                      size_t bytes_new) {
  far_region *region = user;
  size_t pages_old = ptr ? in_pages(bytes_old) : 0;
  size_t pages_new = in_pages(bytes_new);
  if (bytes_new > FAR_REGION_BYTES)
    return NULL;
  if (pages_new < pages_old)
    give(region, (char *)ptr + pages_new, pages_old - pages_new);
  if (bytes_new == 0)
    return NULL;
  if (pages_new <= pages_old)
    return ptr;
  char *fresh = take(region, pages_new);
  if (fresh == NULL || ptr == NULL)
    return fresh;
  memcpy(fresh, ptr, bytes_old);
  give(region, ptr, pages_old);
  return fresh;
}

// -- Places -------------------------------------------------------------------

static char *reserve(void *wish, size_t bytes) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void *map = mmap(wish, bytes, PROT_NONE, flags, -1, 0);
  return map == MAP_FAILED ? NULL : map;
}

// The first place that is free. A wish is no order: nobody else's mapping is
// ever replaced.
static bool reserve_place(far_region *region) {
  size_t bytes = region->bytes;
  for (int place = 0; place < PLACES; place++) {
    uint_fast64_t bit = (uint_fast64_t)1 << place;
    if (atomic_fetch_or(&taken, bit) & bit)
      continue;
    // NOLINTNEXTLINE: an address is what is wanted.
    void *wish =
        (void *)(uintptr_t)(first_place + (uint64_t)place * FAR_REGION_BYTES);
    if (kept[place].map_bytes != bytes && kept[place].map_bytes != 0) {
      munmap(wish, kept[place].map_bytes);
      kept[place].map_bytes = kept[place].usable_bytes = 0;
    }
    char *map = kept[place].map_bytes ? wish : reserve(wish, bytes);
    if (map == wish) {
      region->place = place;
      region->usable_bytes = kept[place].usable_bytes;
      region->base = region->map = map;
      region->map_bytes = bytes;
      return true;
    }
    atomic_fetch_and(&taken, ~bit);
    if (map != NULL)
      munmap(map, bytes);
    return false;
  }
  return false;
}

static bool reserve_anywhere(far_region *region) {
  region->place = -1;
  region->map_bytes = FAR_REGION_BYTES + region->bytes;
  region->map = reserve(NULL, region->map_bytes);
  if (region->map == NULL)
    return false;
  size_t over = (uintptr_t)region->map & (FAR_REGION_BYTES - 1);
  region->base = region->map + (over ? FAR_REGION_BYTES - over : 0);
  return true;
}

far_region *far_region_open(far_memory *memory, size_t bytes) {
  far_region *region = far_new(memory, sizeof *region);
  if (region == NULL)
    return NULL;
  far_assert(bytes <= FAR_REGION_BYTES && bytes % STEP_BYTES == 0);
  region->bytes = bytes;
  if (sizeof(void *) < 8 ||
      (!reserve_place(region) && !reserve_anywhere(region))) {
    far_free(memory, region, sizeof *region);
    return NULL;
  }
  SHOW(region->base, region->bytes);
  region->owner = memory;
  far_memory_init(&region->memory, allocate, region);
  region->memory.shield = memory->shield;
  region->memory.piece_bytes = PAGE_BYTES;
  return region;
}

void far_region_close(far_region *region) {
  if (region == NULL)
    return;
  far_assert(region->memory.used_bytes == 0);
  HIDE(region->base, region->bytes);
  bool is_kept = region->place >= 0 && region->usable_bytes <= KEPT_BYTES_MAX;
  if (!is_kept)
    munmap(region->map, region->map_bytes);
  if (region->place >= 0) {
    kept[region->place].map_bytes = is_kept ? region->map_bytes : 0;
    kept[region->place].usable_bytes = is_kept ? region->usable_bytes : 0;
    atomic_fetch_and(&taken, ~((uint_fast64_t)1 << region->place));
  }
  far_free(region->owner, region, sizeof *region);
}

far_memory *far_region_memory(far_region *region) {
  return &region->memory;
}
