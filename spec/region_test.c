// The region: pages at an address that is the same in every run, against a
// plain model. Prints "N passed, N failed".

#include "../host/region.h"
#include "../host/state.h"
#include "check.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20, BLOCKS = 64, STEPS = 20000 };

static uint64_t state = 88172645463325252U;

static size_t random_below(size_t most) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (size_t)(state % most);
}

typedef struct block {
  unsigned char *data;
  size_t bytes;
  unsigned char mark;
} block;

static bool is_whole(const block *one, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 997)
    if (one->data[i] != one->mark)
      return false;
  return bytes == 0 || one->data[bytes - 1] == one->mark;
}

// Takes, resizes and frees at random; returns where the blocks ended up.
static uint64_t churn(far_region *region, uint64_t seed) {
  far_memory *memory = far_region_memory(region);
  block blocks[BLOCKS] = {{0}};
  uint64_t hash = 1;
  bool is_fine = true;
  state = seed;
  for (int step = 0; step < STEPS; step++) {
    block *one = &blocks[random_below(BLOCKS)];
    size_t bytes = random_below(4) ? random_below(300000) : 0;
    void *fresh = far_resize(memory, one->data, one->bytes, bytes);
    if (fresh == NULL && bytes > 0) {
      is_fine = is_fine && is_whole(one, one->bytes);
      continue;
    }
    one->data = fresh;
    is_fine = is_fine && is_whole(one, one->bytes < bytes ? one->bytes : bytes);
    one->bytes = bytes;
    one->mark = (unsigned char)step;
    if (bytes > 0)
      memset(one->data, one->mark, bytes);
    hash = hash * 31 + (uint32_t)(uintptr_t)fresh;
  }
  for (size_t i = 0; i < BLOCKS; i++)
    far_free(memory, blocks[i].data, blocks[i].bytes);
  check(is_fine);
  check(memory->used_bytes == 0);
  return hash;
}

static void test_churn(void) {
  far_memory memory;
  far_memory_init(&memory, NULL, NULL);
  far_region *one = far_region_open(&memory, 16 * MIB);
  far_region *two = far_region_open(&memory, 64 * MIB);
  check(one != NULL && two != NULL);
  uint64_t first = churn(one, 7), second = churn(two, 7);
  far_region_close(one);
  one = far_region_open(&memory, 16 * MIB);
  check(churn(one, 7) == first);
  far_region_close(one);
  // Of another size, and beside another.
  one = far_region_open(&memory, 64 * MIB);
  check(churn(one, 7) == second);
  far_region_close(one);
  far_region_close(two);
  check(memory.used_bytes == 0);
}

static void test_bounds(void) {
  far_memory memory;
  far_memory_init(&memory, NULL, NULL);
  far_region *region = far_region_open(&memory, 2 * MIB);
  far_memory *its = far_region_memory(region);
  check(far_new(its, 2 * MIB + 1) == NULL);
  char *all = far_new(its, 2 * MIB);
  check(all != NULL && far_new(its, 1) == NULL);
  all[2 * MIB - 1] = 'x';
  all = far_resize(its, all, 2 * MIB, MIB);
  char *rest = far_new(its, MIB);
  check(rest == all + MIB && rest[MIB - 1] == 0);
  check(far_resize(its, all, MIB, 2 * MIB) == NULL);
  far_free(its, all, MIB);
  far_free(its, rest, MIB);
  far_region_close(region);
  far_region_close(NULL);
}

// More than there are places for: the others lie anywhere, at a multiple of
// the most that a region can be.
static void test_many(void) {
  enum { MANY = 70 };
  far_memory memory;
  far_memory_init(&memory, NULL, NULL);
  far_region *regions[MANY];
  bool is_aligned = true;
  for (int i = 0; i < MANY; i++) {
    regions[i] = far_region_open(&memory, 16 * MIB);
    if (regions[i] == NULL)
      continue;
    void *first = far_new(far_region_memory(regions[i]), 1);
    is_aligned =
        is_aligned && first && ((uintptr_t)first & (FAR_REGION_BYTES - 1)) == 0;
    far_free(far_region_memory(regions[i]), first, 1);
  }
  check(is_aligned);
  for (int i = 0; i < MANY; i++)
    far_region_close(regions[i]);
  check(memory.used_bytes == 0);
}

// -- The order of strings -----------------------------------------------------

static void order_of(uint64_t seed, char *order, size_t bytes) {
  far_memory memory;
  far_memory_init(&memory, NULL, NULL);
  lua_State *L = far_state_new(far_lua_allocate, &memory, seed);
  luaL_requiref(L, "_G", luaopen_base, 1);
  lua_pop(L, 1);
  int status =
      luaL_dostring(L, "local keys, order = {}, {} "
                       "for i = 1, 100 do keys['key' .. i] = true end "
                       "for key in next, keys do order[#order + 1] = key end "
                       "local all = '' for i = 1, 100 do "
                       "all = all .. order[i] end return all");
  check(status == LUA_OK);
  snprintf(order, bytes, "%s", lua_tostring(L, -1));
  lua_close(L);
  check(memory.used_bytes == 0);
}

static void test_order(void) {
  char one[1000], again[1000], two[1000];
  order_of(1, one, sizeof one);
  order_of(1, again, sizeof again);
  order_of(2, two, sizeof two);
  check(strcmp(one, again) == 0);
  check(strcmp(one, two) != 0);
}

int main(void) {
  if (sizeof(void *) < 8) {
    printf("skipped: there is no room for regions\n");
    return 0;
  }
  test_churn();
  test_bounds();
  test_many();
  test_order();
  return check_end();
}
