// Memory: every byte of a host and its scripts, taken by one allocator and
// counted, so that closing can be proved exact and a test can fail any
// allocation it likes.
#ifndef FAR_MEMORY_H
#define FAR_MEMORY_H

#include "farside.h"
#include "shield.h"

typedef struct far_memory {
  farside_allocate allocate;
  void *user;
  size_t used_bytes;
  size_t piece_bytes; // Less than that is as dear as all of it. Zero: nothing.
  // Up while anything is taken or given in the turn of a script that could be
  // dropped. NULL: there are no scripts.
  const far_shield *shield;
} far_memory;

// Takes the embedder's allocator, or realloc() and free() when it is NULL.
void far_memory_init(far_memory *memory, farside_allocate allocate, void *user);

// Returns zeroed bytes, or NULL.
void *far_new(far_memory *memory, size_t bytes);

// Grows or shrinks a block; NULL leaves the old one as it was.
void *far_resize(far_memory *memory, void *ptr, size_t bytes_old,
                 size_t bytes_new);

// Frees a block of known size. Safe on NULL.
void far_free(far_memory *memory, void *ptr, size_t bytes);

// Copies a string; NULL for NULL and when memory is short.
char *far_string_new(far_memory *memory, const char *string);
void far_string_free(far_memory *memory, char *string);

// The lua_Alloc of a script: `user` is a far_memory.
void *far_lua_allocate(void *user, void *ptr, size_t bytes_old,
                       size_t bytes_new);

#endif
