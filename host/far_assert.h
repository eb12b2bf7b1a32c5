// far_assert: our own mistakes and the embedder's, caught in every build.
//
// CMake's release builds define NDEBUG, so plain assert() would vanish in what
// we ship.
#ifndef FAR_ASSERT_H
#define FAR_ASSERT_H

#include <stdio.h>
#include <stdlib.h>

#define far_assert(condition)                                                  \
  ((condition) ? (void)0                                                       \
               : (fprintf(stderr, "farside: %s:%d: assertion failed: %s\n",    \
                          __FILE__, __LINE__, #condition),                     \
                  abort()))

#endif
