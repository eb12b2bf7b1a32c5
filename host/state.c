#include "state.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

// Set once a state did not follow what was set.
static atomic_bool is_unknown;

// What lua_newstate() is given while it opens a state.
typedef struct opening {
  lua_Alloc allocate;
  void *user;
  uint32_t seed;
  char *first; // Its first block holds the number.
  size_t first_bytes;
  bool is_set;
} opening;

static void *allocate_opening(void *user, void *ptr, size_t bytes_old,
                              size_t bytes_new);

// The start of what all threads of a state share, as Lua 5.4 has it when its
// second block is asked for. Before that no string was made.
typedef struct shared_start {
  lua_Alloc allocate;
  void *user;
  ptrdiff_t total_bytes, debt;
  size_t estimate, atomic_bytes;
  void *strings;
  int strings_used, strings_size;
  struct {
    lua_Integer value;
    uint8_t type;
  } registry, nothing;
  uint32_t seed;
} shared_start;

static bool is_start(const shared_start *start, const opening *mine) {
  enum { NIL = 0, INTEGER = 3 };
  return start->allocate == allocate_opening && start->user == mine &&
         start->total_bytes == (ptrdiff_t)mine->first_bytes &&
         start->debt == 0 && start->strings == NULL &&
         start->strings_used == 0 && start->strings_size == 0 &&
         start->registry.type == NIL && start->nothing.type == INTEGER &&
         start->nothing.value == 0;
}

static void set_seed(opening *mine) {
  shared_start start;
  for (size_t at = 0; at + sizeof start <= mine->first_bytes;
       at += sizeof(void *)) {
    memcpy(&start, mine->first + at, sizeof start);
    if (!is_start(&start, mine))
      continue;
    memcpy(mine->first + at + offsetof(shared_start, seed), &mine->seed,
           sizeof mine->seed);
    mine->is_set = true;
    return;
  }
}

static void *allocate_opening(void *user, void *ptr, size_t bytes_old,
                              size_t bytes_new) {
  opening *mine = user;
  if (mine->first != NULL && !mine->is_set && ptr == NULL &&
      !atomic_load(&is_unknown))
    set_seed(mine);
  void *block = mine->allocate(mine->user, ptr, bytes_old, bytes_new);
  if (mine->first == NULL && ptr == NULL) {
    mine->first = block;
    mine->first_bytes = bytes_new;
  }
  return block;
}

// As Lua 5.4 does it.
static uint32_t hash_of(const char *text, uint32_t seed) {
  size_t bytes = strlen(text);
  uint32_t hash = seed ^ (uint32_t)bytes;
  for (; bytes > 0; bytes--)
    hash ^= (hash << 5) + (hash >> 2) + (uint8_t)text[bytes - 1];
  return hash;
}

// The start of a short string.
typedef struct string_start {
  void *next;
  uint8_t type, marked, extra, bytes;
  uint32_t hash;
} string_start;

static bool follows(lua_State *L, uint32_t seed) {
  static const char text[] = "farside";
  string_start start;
  lua_pushstring(L, text);
  const void *string = lua_topointer(L, -1);
  if (string != NULL)
    memcpy(&start, string, sizeof start);
  lua_pop(L, 1);
  return string != NULL && start.hash == hash_of(text, seed);
}

// In protected mode, because a string may find no memory.
static int check(lua_State *L) {
  uint32_t seed = (uint32_t)lua_tointeger(L, 1);
  lua_pushboolean(L, follows(L, seed));
  return 1;
}

static bool is_followed(lua_State *L, uint32_t seed) {
  lua_pushcfunction(L, check);
  lua_pushinteger(L, (lua_Integer)seed);
  bool is_right = lua_pcall(L, 1, 1, 0) != LUA_OK || lua_toboolean(L, -1);
  lua_settop(L, 0);
  return is_right;
}

lua_State *far_state_new(lua_Alloc allocate, void *user, uint64_t seed) {
  opening mine = {.allocate = allocate,
                  .user = user,
                  .seed = (uint32_t)(seed ^ seed >> 32)};
  lua_State *L = lua_newstate(allocate_opening, &mine);
  if (L == NULL)
    return NULL;
  lua_setallocf(L, allocate, user);
  if (!mine.is_set || is_followed(L, mine.seed))
    return L;
  atomic_store(&is_unknown, true);
  lua_close(L);
  return lua_newstate(allocate, user);
}
