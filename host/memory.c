#include "memory.h"

#include "far_assert.h"

#include <stdlib.h>
#include <string.h>

static void *allocate(void *user, void *ptr, size_t bytes_old,
                      size_t bytes_new) {
  (void)user;
  (void)bytes_old;
  if (bytes_new == 0) {
    free(ptr);
    return NULL;
  }
  return realloc(ptr, bytes_new);
}

void far_memory_init(far_memory *memory, farside_allocate custom, void *user) {
  *memory = (far_memory){.allocate = custom ? custom : allocate, .user = user};
}

void *far_resize(far_memory *memory, void *ptr, size_t bytes_old,
                 size_t bytes_new) {
  far_assert(memory->shield == NULL || !memory->shield->is_exposed ||
             memory->shield->depth > 0);
  if (ptr == NULL)
    bytes_old = 0;
  void *block = memory->allocate(memory->user, ptr, bytes_old, bytes_new);
  if (block != NULL || bytes_new == 0)
    memory->used_bytes += bytes_new - bytes_old;
  return block;
}

void *far_new(far_memory *memory, size_t bytes) {
  void *block = far_resize(memory, NULL, 0, bytes);
  return block ? memset(block, 0, bytes) : NULL;
}

void far_free(far_memory *memory, void *ptr, size_t bytes) {
  if (ptr != NULL)
    far_resize(memory, ptr, bytes, 0);
}

char *far_string_new(far_memory *memory, const char *string) {
  if (string == NULL)
    return NULL;
  size_t bytes = strlen(string) + 1;
  char *copy = far_resize(memory, NULL, 0, bytes);
  return copy ? memcpy(copy, string, bytes) : NULL;
}

void far_string_free(far_memory *memory, char *string) {
  if (string != NULL)
    far_free(memory, string, strlen(string) + 1);
}

void *far_lua_allocate(void *user, void *ptr, size_t bytes_old,
                       size_t bytes_new) {
  // For a new block Lua passes a type tag as the old size; far_resize knows.
  if (ptr == NULL && bytes_new == 0)
    return NULL;
  return far_resize(user, ptr, bytes_old, bytes_new);
}
