// The private memory of a script: against a plain model, at its cap, with a
// host that has no memory, abandoned at any instruction, and under Lua.

#include "arena.h"
#include "check.h"
#include "draw.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#endif

enum { KIB = 1 << 10, MIB = 1 << 20 };

static const size_t NO_CAP = SIZE_MAX;

// -- A host whose memory moves, runs short, and sees whether the shield is up -

typedef struct host {
  far_memory memory;
  far_shield shield;
  uint32_t state;
  uint32_t fails_one_in; // Zero: never.
  bool is_bare;          // Whether it was called without the shield.
} host;

static void *host_allocate(void *user, void *ptr, size_t bytes_old,
                           size_t bytes_new) {
  host *its = user;
  its->is_bare = its->is_bare || its->shield.depth == 0;
  if (bytes_new == 0) {
    free(ptr);
    return NULL;
  }
  if (its->fails_one_in != 0 && draw(&its->state, its->fails_one_in) == 0)
    return NULL;
  void *moved = malloc(bytes_new);
  if (ptr != NULL) {
    memcpy(moved, ptr, bytes_old < bytes_new ? bytes_old : bytes_new);
    free(ptr);
  }
  return moved;
}

static void host_init(host *its, uint32_t seed) {
  *its = (host){.state = seed};
  far_memory_init(&its->memory, host_allocate, its);
}

static far_arena *host_open(host *its, size_t cap_bytes, size_t block_bytes) {
  return far_arena_open(&its->memory, &its->shield, cap_bytes, block_bytes);
}

static void host_close(host *its, far_arena *arena) {
  far_arena_drop(arena);
  check(its->memory.used_bytes == 0);
  check(its->shield.depth == 0);
  check(!its->is_bare);
}

static far_arena_usage usage_of(const far_arena *arena) {
  far_arena_usage usage;
  far_arena_get_usage(arena, &usage);
  return usage;
}

// The most that an arena may have from its host.
static size_t bound_of(size_t cap_bytes) {
  return cap_bytes * 2 + 2 * MIB + 64 * KIB;
}

// -- A plain model ------------------------------------------------------------

enum { BLOCKS = 1500, STEPS = 250000 };

typedef struct model_block {
  unsigned char *ptr;
  size_t bytes;
  unsigned char fill;
} model_block;

// What a block counts: steps of 16 bytes, then four a doubling, then pages.
static size_t rounded(size_t bytes) {
  size_t step = 16;
  if (bytes > 128 * KIB)
    step = 4 * KIB;
  else if (bytes > 512)
    for (step = 128; step * 8 < bytes; step *= 2)
      continue;
  return (bytes + step - 1) / step * step;
}

static size_t draw_bytes(uint32_t *state) {
  switch (draw(state, 100)) {
  case 0:
    return 1 + draw(state, 400 * KIB);
  case 1:
  case 2:
    return 1 + draw(state, 20 * KIB);
  case 3:
  case 4:
  case 5:
    return 1 + draw(state, 2 * KIB);
  default:
    return 1 + draw(state, 150);
  }
}

// Whether the first `bytes` of a block are what was written: each is the fill,
// and so each is like the next.
static bool holds(const model_block *block, size_t bytes) {
  return bytes == 0 || (block->ptr[0] == block->fill &&
                        memcmp(block->ptr, block->ptr + 1, bytes - 1) == 0);
}

static void test_model(uint32_t seed, size_t cap_bytes, uint32_t fails_one_in) {
  static model_block blocks[BLOCKS];
  host its;
  host_init(&its, seed);
  far_arena *arena = host_open(&its, cap_bytes, NO_CAP);
  its.fails_one_in = fails_one_in;
  uint32_t state = seed;
  size_t used_bytes = 0, bytes_max = 0;
  bool keeps = true, counts = true, is_capped = true, shrinks = true;
  for (int i = 0; i < STEPS; i++) {
    model_block *block = &blocks[draw(&state, BLOCKS)];
    uint32_t what = draw(&state, 4);
    size_t bytes = block->ptr != NULL && what == 0 ? 0 : draw_bytes(&state);
    if (what == 1 && block->bytes > 0) // A little more, a little less.
      bytes = block->bytes - draw(&state, (uint32_t)block->bytes) / 4 +
              draw(&state, (uint32_t)block->bytes) / 4;
    keeps = keeps && holds(block, block->bytes);
    size_t bytes_old = block->ptr ? block->bytes : LUA_TTABLE;
    unsigned char *ptr =
        far_arena_allocate(arena, block->ptr, bytes_old, bytes);
    if (ptr != NULL || bytes == 0) {
      used_bytes += rounded(bytes) - rounded(block->bytes);
      block->ptr = ptr;
      keeps = keeps && ((uintptr_t)ptr % 16 == 0) &&
              holds(block, bytes < block->bytes ? bytes : block->bytes);
      block->bytes = bytes;
      block->fill = (unsigned char)draw(&state, 256);
      if (ptr != NULL)
        memset(ptr, block->fill, bytes);
    } else {
      shrinks = shrinks && bytes > block->bytes;
    }
    far_arena_usage usage = usage_of(arena);
    counts = counts && usage.used_bytes == used_bytes &&
             usage.chunk_bytes == its.memory.used_bytes;
    is_capped = is_capped && usage.used_bytes <= cap_bytes;
    if (usage.chunk_bytes > bytes_max)
      bytes_max = usage.chunk_bytes;
  }
  check(keeps);
  check(counts);
  check(is_capped);
  check(shrinks);
  check(cap_bytes == NO_CAP || bytes_max <= bound_of(cap_bytes));
  check((usage_of(arena).refused > 0) ==
        (cap_bytes != NO_CAP || fails_one_in != 0));
  for (size_t i = 0; i < BLOCKS; i++) {
    // Half of them: the others are dropped.
    if (blocks[i].ptr != NULL && i % 2 == 0)
      far_arena_allocate(arena, blocks[i].ptr, blocks[i].bytes, 0);
    blocks[i] = (model_block){0};
  }
  host_close(&its, arena);
}

// -- Limits -------------------------------------------------------------------

static void test_limits(void) {
  host its;
  host_init(&its, 1);
  far_arena *arena = host_open(&its, 1 * MIB, 200 * KIB);
  check(far_arena_allocate(arena, NULL, 0, 0) == NULL);
  check(usage_of(arena).allocations == 0);

  // One block.
  check(far_arena_allocate(arena, NULL, 0, 200 * KIB + 1) == NULL);
  check(far_arena_allocate(arena, NULL, 0, SIZE_MAX) == NULL);
  check(usage_of(arena).refused == 2);
  void *large = far_arena_allocate(arena, NULL, 0, 200 * KIB);
  check(large != NULL);
  check(far_arena_allocate(arena, large, 200 * KIB, SIZE_MAX) == NULL);
  check(far_arena_allocate(arena, large, 200 * KIB, 0) == NULL);
  check(usage_of(arena).used_bytes == 0);

  // All of them, and the reserve for the host.
  size_t bytes = 0;
  while (far_arena_allocate(arena, NULL, 0, 1000) != NULL)
    bytes += 1024;
  check(bytes == 1 * MIB);
  far_arena_lift(arena);
  far_arena_lift(arena);
  far_arena_lower(arena);
  void *report = far_arena_allocate(arena, NULL, 0, 100 * KIB);
  check(report != NULL);
  far_arena_lower(arena);
  check(far_arena_allocate(arena, NULL, 0, 1) == NULL);
  check(!far_arena_charge(arena, 1));
  report = far_arena_allocate(arena, report, 100 * KIB, 10);
  check(report != NULL);
  far_arena_allocate(arena, report, 10, 0);
  check(usage_of(arena).used_bytes == 1 * MIB);
  check(usage_of(arena).peak_bytes == 1 * MIB + rounded(100 * KIB));
  host_close(&its, arena);
}

static void test_charge(void) {
  host its;
  host_init(&its, 1);
  far_arena *arena = host_open(&its, 64 * KIB, NO_CAP);
  check(far_arena_charge(arena, 40 * KIB));
  check(!far_arena_charge(arena, 40 * KIB));
  check(!far_arena_charge(arena, SIZE_MAX));
  check(far_arena_allocate(arena, NULL, 0, 30 * KIB) == NULL);
  check(far_arena_allocate(arena, NULL, 0, 20 * KIB) != NULL);
  check(usage_of(arena).charged_bytes == 40 * KIB);
  check(usage_of(arena).used_bytes == 60 * KIB);
  far_arena_discharge(arena, 40 * KIB);
  check(far_arena_allocate(arena, NULL, 0, 30 * KIB) != NULL);
  check(usage_of(arena).charged_bytes == 0);
  host_close(&its, arena);
}

static void test_fail(void) {
  host its;
  host_init(&its, 1);
  far_arena *arena = host_open(&its, NO_CAP, NO_CAP);
  far_arena_allocate(arena, NULL, 0, 1);
  far_arena_fail(arena, 3, false);
  for (int i = 1; i <= 5; i++)
    check((far_arena_allocate(arena, NULL, 0, 8) != NULL) == (i != 3));
  far_arena_fail(arena, 2, true);
  char *ptr = far_arena_allocate(arena, NULL, 0, 600);
  check(far_arena_allocate(arena, ptr, 600, 601) == NULL);
  check(far_arena_allocate(arena, NULL, 0, 16) == NULL);
  check(far_arena_allocate(arena, ptr, 600, 17) == ptr);
  far_arena_fail(arena, 0, false);
  check(far_arena_allocate(arena, NULL, 0, 16) != NULL);
  check(usage_of(arena).refused == 3);
  host_close(&its, arena);

  // The host's memory fails, at each place.
  for (uint32_t seed = 0; seed < 50; seed++) {
    host_init(&its, seed);
    its.fails_one_in = 2;
    arena = host_open(&its, NO_CAP, NO_CAP);
    for (size_t bytes = 1; arena != NULL && bytes < 300 * KIB; bytes *= 3)
      far_arena_allocate(arena, NULL, 0, bytes);
    host_close(&its, arena);
  }
  far_arena_drop(NULL);
}

// Taken down in pieces, one after the other.
static void test_raze(void) {
  far_memory memory;
  far_memory_init(&memory, NULL, NULL);
  far_arena *next = far_arena_open(&memory, NULL, NO_CAP, NO_CAP);
  size_t next_bytes = memory.used_bytes;
  far_arena *arena = far_arena_open(&memory, NULL, NO_CAP, NO_CAP);
  for (int i = 0; i < 400; i++)
    far_arena_allocate(arena, NULL, 0, 32 * KIB);
  far_arena_put_before(arena, next);
  size_t pieces = 0, bytes = memory.used_bytes;
  bool is_slow = true;
  far_arena *left = arena;
  while ((left = far_arena_raze(left, 2 * MIB)) == arena) {
    is_slow = is_slow && bytes - memory.used_bytes >= 2 * MIB &&
              bytes - memory.used_bytes < 3 * MIB;
    bytes = memory.used_bytes;
    pieces++;
  }
  check(is_slow && pieces >= 4 && pieces <= 6);
  check(left == next && memory.used_bytes == next_bytes);
  check(far_arena_raze(next, 1) == NULL && memory.used_bytes == 0);
}

// A large block shrinks, and the host has nothing to put it in.
static void test_large_settles(void) {
  host its;
  host_init(&its, 1);
  far_arena *arena = host_open(&its, NO_CAP, NO_CAP);
  for (size_t bytes = 1; bytes <= 128 * KIB; bytes = bytes * 3 / 2 + 1) {
    unsigned char *ptr = far_arena_allocate(arena, NULL, 0, 128 * KIB + 1);
    memset(ptr, 7, 128 * KIB + 1);
    its.fails_one_in = 1;
    ptr = far_arena_allocate(arena, ptr, 128 * KIB + 1, bytes);
    check(ptr != NULL && ptr[0] == 7 && ptr[bytes - 1] == 7);
    far_arena_allocate(arena, ptr, bytes, 0);
    its.fails_one_in = 0;
  }
  check(usage_of(arena).used_bytes == 0);
  host_close(&its, arena);
}

// Blocks at the end of what is taken grow and shrink in place.
static void test_in_place(void) {
  host its;
  host_init(&its, 1);
  far_arena *arena = host_open(&its, NO_CAP, NO_CAP);
  far_arena_allocate(arena, NULL, 0, 10);
  char *ptr = far_arena_allocate(arena, NULL, 0, 10);
  check(far_arena_allocate(arena, ptr, 10, 16) == ptr);
  check(far_arena_allocate(arena, ptr, 16, 5000) == ptr);
  check(far_arena_allocate(arena, ptr, 5000, 100) == ptr);
  check((char *)far_arena_allocate(arena, NULL, 0, 1) == ptr + 112);
  far_arena_allocate(arena, ptr, 100, 0);
  check(far_arena_allocate(arena, NULL, 0, 97) == ptr);
  host_close(&its, arena);
}

static void test_poison(void) {
#ifdef HAS_ASAN
  host its;
  host_init(&its, 1);
  far_arena *arena = host_open(&its, NO_CAP, NO_CAP);
  char *ptr = far_arena_allocate(arena, NULL, 0, 50);
  check(!__asan_address_is_poisoned(ptr + 49));
  check(__asan_address_is_poisoned(ptr + 50));
  check(__asan_address_is_poisoned(ptr + 64));
  far_arena_allocate(arena, ptr, 50, 20);
  check(!__asan_address_is_poisoned(ptr + 19));
  check(__asan_address_is_poisoned(ptr + 20));
  far_arena_allocate(arena, ptr, 20, 0);
  check(__asan_address_is_poisoned(ptr));
  check(__asan_address_is_poisoned(ptr + 8));
  host_close(&its, arena);
#endif
}

// -- A script that wastes -----------------------------------------------------

enum { HOPS = 40, HOP_BLOCKS = 1 << 17 };

// Takes all it can of one size, keeps one in `keep_one_in` (zero: none), and
// goes on to the next size.
static void test_hopping(size_t cap_bytes, uint32_t keep_one_in) {
  static struct {
    void *ptr;
    size_t bytes;
  } blocks[HOP_BLOCKS], kept[HOP_BLOCKS];
  host its;
  host_init(&its, 1);
  far_arena *arena = host_open(&its, cap_bytes, NO_CAP);
  size_t bytes = 16, bytes_max = 0, kept_count = 0;
  for (int hop = 0; hop < HOPS; hop++) {
    size_t count = 0;
    while (count < HOP_BLOCKS) {
      void *ptr = far_arena_allocate(arena, NULL, 0, bytes);
      if (ptr == NULL)
        break;
      blocks[count].ptr = ptr;
      blocks[count++].bytes = bytes;
    }
    if (usage_of(arena).chunk_bytes > bytes_max)
      bytes_max = usage_of(arena).chunk_bytes;
    for (size_t i = 0; i < count; i++) {
      if (keep_one_in > 0 && i % keep_one_in == 0 && kept_count < HOP_BLOCKS) {
        kept[kept_count].ptr = blocks[i].ptr;
        kept[kept_count++].bytes = bytes;
      } else {
        far_arena_allocate(arena, blocks[i].ptr, bytes, 0);
      }
    }
    bytes = hop == HOPS / 2 ? 24 : bytes + bytes / 3 + 16;
    if (bytes > 300 * KIB)
      bytes = 40;
  }
  check(bytes_max <= bound_of(cap_bytes));
  if (keep_one_in == 0) // Whatever size it was, it is all of use again.
    check(bytes_max <= cap_bytes + cap_bytes / 4 + 2 * MIB);
  for (size_t i = 0; i < kept_count; i++)
    far_arena_allocate(arena, kept[i].ptr, kept[i].bytes, 0);
  check(usage_of(arena).used_bytes == 0);
  // All is free: it can be had as one.
  check(far_arena_allocate(arena, NULL, 0, cap_bytes) != NULL);
  check(usage_of(arena).chunk_bytes <= bound_of(cap_bytes));
  host_close(&its, arena);
}

// -- Abandoned ----------------------------------------------------------------

enum { KILLS = 400 };

static sigjmp_buf way_out;
static volatile sig_atomic_t is_armed;
static host victim;

static void jump(far_shield *shield) {
  shield->is_pending = 0;
  siglongjmp(way_out, 1);
}

static void on_alarm(int signal) {
  (void)signal;
  if (!is_armed)
    return;
  is_armed = 0;
  if (victim.shield.depth > 0)
    victim.shield.is_pending = 1;
  else
    siglongjmp(way_out, 1);
}

static void churn(far_arena *arena, uint32_t seed) {
  static model_block blocks[BLOCKS];
  uint32_t state = seed;
  memset(blocks, 0, sizeof blocks);
  for (;;) {
    model_block *block = &blocks[draw(&state, BLOCKS)];
    size_t bytes = draw(&state, 3) ? draw_bytes(&state) : 0;
    void *ptr = far_arena_allocate(arena, block->ptr, block->bytes, bytes);
    if (ptr == NULL && bytes > 0)
      continue;
    block->ptr = ptr;
    block->bytes = bytes;
  }
}

static void test_abandoned(void) {
  // Static: what a jump must not forget.
  static far_arena *arena;
  static int kills;
  static uint32_t state = 1;
  static bool is_all_back = true, is_sane = true;
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  for (kills = 0; kills < KILLS; kills++) {
    host_init(&victim, 1);
    victim.shield.drop = jump;
    arena = host_open(&victim, 8 * MIB, NO_CAP);
    far_arena_charge(arena, 100);
    struct itimerval when = {.it_value.tv_usec =
                                 20 + (suseconds_t)draw(&state, 3000)};
    if (sigsetjmp(way_out, 1) == 0) {
      is_armed = 1;
      setitimer(ITIMER_REAL, &when, NULL);
      churn(arena, (uint32_t)kills);
    }
    victim.shield.depth = 0;
    far_arena_usage usage = usage_of(arena);
    is_sane = is_sane && usage.used_bytes <= 8 * MIB &&
              usage.chunk_bytes == victim.memory.used_bytes;
    far_arena_discharge(arena, 100);
    far_arena_drop(arena);
    is_all_back = is_all_back && victim.memory.used_bytes == 0;
  }
  check(is_sane);
  check(is_all_back);
  check(!victim.is_bare);
}

// -- Under Lua ----------------------------------------------------------------

static const char *const programs[] = {
    "local t = {} for i = 1, 3000 do t[i] = {i, tostring(i)} end "
    "local n = 0 for _, v in ipairs(t) do n = n + #v[2] end return n",
    "local t = {} for i = 1, 2000 do t[#t + 1] = ('%d:%s'):format(i, 'x') end "
    "return #table.concat(t, ',')",
    "local f = {} for i = 1, 2000 do f[i] = function() return i end end "
    "local n = 0 for i = 1, #f do n = n + f[i]() end return n",
    "local function tree(d) if d == 0 then return {} end "
    "return {tree(d - 1), tree(d - 1)} end local function count(t) "
    "return t[1] and 1 + count(t[1]) + count(t[2]) or 1 end local n = 0 "
    "for i = 1, 20 do n = n + count(tree(8)) end return n",
    "local n = 0 for i = 1, 100 do local co = coroutine.wrap(function() "
    "for j = 1, 5 do coroutine.yield(j) end end) n = n + co() + co() end "
    "return n",
    "local s = 'a' for i = 1, 17 do s = s .. s end return #s:upper()",
    "local ok = pcall(string.rep, 'x', 1 << 40) "
    "local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end "
    "return (ok and 1 or 0) + deep(5000)",
    "local src = 'return {' .. ('{a=1,b=\"x\"},'):rep(500) .. '}' "
    "return #assert(load(src))()"};

enum { PROGRAMS = sizeof programs / sizeof *programs };

// Libraries and one program, under protection: each step may lack memory.
static int compute(lua_State *L) {
  const char *program = lua_touserdata(L, 1);
  luaL_openlibs(L);
  if (luaL_loadstring(L, program) != LUA_OK)
    lua_error(L);
  lua_call(L, 0, 1);
  return 1;
}

// What a program returns; -1 when it lacked memory, -2 for another error.
static lua_Integer run(far_arena *arena, const char *program) {
  lua_State *L = lua_newstate(far_arena_allocate, arena);
  if (L == NULL)
    return -1;
  lua_pushcfunction(L, compute);
  lua_pushlightuserdata(L, (void *)program);
  int status = lua_pcall(L, 1, 1, 0);
  lua_Integer result = lua_tointeger(L, -1);
  if (status != LUA_OK) // load() may return it as a message.
    result = strstr(lua_tostring(L, -1), "not enough memory") ? -1 : -2;
  lua_close(L);
  return result;
}

static lua_Integer expected_of(const char *program) {
  far_memory memory;
  far_memory_init(&memory, NULL, NULL);
  far_arena *arena = far_arena_open(&memory, NULL, NO_CAP, NO_CAP);
  lua_Integer result = run(arena, program);
  check(result >= 0);
  check(usage_of(arena).used_bytes == 0);
  far_arena_drop(arena);
  check(memory.used_bytes == 0);
  return result;
}

static void test_lua_at_the_cap(void) {
  size_t rescued_runs = 0;
  for (size_t i = 0; i < PROGRAMS; i++) {
    lua_Integer expected = expected_of(programs[i]);
    lua_Integer result = -1;
    size_t short_runs = 0;
    bool is_capped = true, is_closed = true;
    for (size_t cap = 16 * KIB; cap < 4 * MIB; cap += cap / 8) {
      host its;
      host_init(&its, 1);
      far_arena *arena = host_open(&its, cap, NO_CAP);
      result = run(arena, programs[i]);
      far_arena_usage usage = usage_of(arena);
      short_runs += result == -1;
      // An emergency collection found the memory.
      rescued_runs += result == expected && usage.refused > 0;
      is_capped = is_capped && usage.peak_bytes <= cap;
      is_closed = is_closed && usage.used_bytes == 0;
      check_at(result == -1 || result == expected, "is right", programs[i],
               __LINE__);
      host_close(&its, arena);
    }
    check(result == expected);
    check(short_runs > 0);
    check(is_capped);
    check(is_closed);
  }
  check(rescued_runs > 5);
}

static void test_lua_fails(void) {
  const char *program = "local t = {} for i = 1, 40 do t[i] = {i .. 'x'} end "
                        "return #t";
  bool is_right = true, is_closed = true;
  uint64_t n = 1;
  for (uint64_t refused = 1; refused > 0; n++) {
    host its;
    host_init(&its, 1);
    far_arena *arena = host_open(&its, NO_CAP, NO_CAP);
    far_arena_fail(arena, n, n % 2 == 0);
    lua_Integer result = run(arena, program);
    refused = usage_of(arena).refused;
    is_right = is_right && (result == 40 || (result == -1 && refused > 0));
    is_closed = is_closed && usage_of(arena).used_bytes == 0;
    host_close(&its, arena);
  }
  check(is_right);
  check(is_closed);
  check(n > 300);
}

static void test_lua_idle(void) {
  host its;
  host_init(&its, 1);
  far_arena *arena = host_open(&its, NO_CAP, NO_CAP);
  lua_State *L = lua_newstate(far_arena_allocate, arena);
  luaL_openlibs(L);
  check(usage_of(arena).chunk_bytes <= 26 * KIB);
  host_close(&its, arena); // Without a word to the script.
}

int main(void) {
  for (uint32_t seed = 1; seed <= 3; seed++) {
    test_model(seed, NO_CAP, 0);
    test_model(seed, 2 * MIB, 0);
    test_model(seed, NO_CAP, 3);
    test_model(seed, 4 * MIB, 20);
  }
  test_limits();
  test_charge();
  test_fail();
  test_raze();
  test_large_settles();
  test_in_place();
  test_poison();
  test_hopping(4 * MIB, 0);
  test_hopping(4 * MIB, 64);
  test_hopping(96 * KIB, 7);
  test_abandoned();
  test_lua_at_the_cap();
  test_lua_fails();
  test_lua_idle();
  return check_end();
}
