// Chance: what a simulated OS leaves open, decided by a seed.
//
// Real phones grant a wake-up when they like, or never. A phone of ours draws
// such a decision from its seed, so that a day can be replayed; a policy takes
// the whole range's one end or the other instead, to see the best day and the
// worst. SplitMix64: one number of state, the same on every machine.
#ifndef FAR_CHANCE_H
#define FAR_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum far_chance_policy {
  FAR_CHANCE_RANDOM,
  FAR_CHANCE_EARLIEST,
  FAR_CHANCE_LATEST,
  FAR_CHANCE_NEVER, // Where the OS may say no it does; else the latest.
  FAR_CHANCE_POLICIES
} far_chance_policy;

typedef struct far_chance {
  uint64_t state;
  far_chance_policy policy;
  unsigned never_percent; // How often, of a hundred, `random` says never.
} far_chance;

void far_chance_init(far_chance *chance, uint64_t seed,
                     far_chance_policy policy, unsigned never_percent);

// The next number, whatever the policy.
uint64_t far_chance_next(far_chance *chance);

// Decides: a number from `least` to `most`, both included; FAR_NEVER only where
// that is allowed. Takes the same numbers from the seed under each policy.
uint64_t far_chance_draw(far_chance *chance, uint64_t least, uint64_t most,
                         bool may_never);

// "random" → FAR_CHANCE_RANDOM. False for a word that is none.
bool far_chance_find(const char *name, far_chance_policy *policy);
const char *far_chance_name(far_chance_policy policy);

#endif
