// A shield: while one is up, the script whose turn runs is not dropped.
//
// The last resort against a script is to jump out of the middle of it and throw
// its memory away. Whatever of ours must come to its end once begun, because it
// takes a lock of the C library, or changes what outlives the script, stands
// between an up and a down. Nothing between them may raise a Lua error.
#ifndef FAR_SHIELD_H
#define FAR_SHIELD_H

#include <signal.h>
#include <stdatomic.h>

typedef struct far_shield {
  volatile sig_atomic_t depth;
  volatile sig_atomic_t is_exposed; // A script computes.
  volatile sig_atomic_t is_pending; // A drop waits for the last one to go down.
  void (*drop)(struct far_shield *shield); // Does not return.
} far_shield;

static inline void far_shield_up(far_shield *shield) {
  shield->depth = shield->depth + 1;
  atomic_signal_fence(memory_order_seq_cst);
}

static inline void far_shield_down(far_shield *shield) {
  atomic_signal_fence(memory_order_seq_cst);
  shield->depth = shield->depth - 1;
  if (shield->depth == 0 && shield->is_pending)
    shield->drop(shield);
}

#endif
