#include "chance.h"

#include "timer.h"
#include <string.h>

static const char *const names[FAR_CHANCE_POLICIES] = {"random", "earliest",
                                                       "latest", "never"};

void far_chance_init(far_chance *chance, uint64_t seed,
                     far_chance_policy policy, unsigned never_percent) {
  *chance = (far_chance){
      .state = seed, .policy = policy, .never_percent = never_percent};
}

// SplitMix64, by Sebastiano Vigna, who gave it to the public domain.
uint64_t far_chance_next(far_chance *chance) {
  uint64_t mixed = chance->state += UINT64_C(0x9e3779b97f4a7c15);
  mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
  return mixed ^ (mixed >> 31);
}

uint64_t far_chance_draw(far_chance *chance, uint64_t least, uint64_t most,
                         bool may_never) {
  uint64_t first = far_chance_next(chance), second = far_chance_next(chance);
  switch (chance->policy) {
  case FAR_CHANCE_EARLIEST:
    return least;
  case FAR_CHANCE_NEVER:
    return may_never ? FAR_NEVER : most;
  case FAR_CHANCE_RANDOM:
    if (may_never && first % 100 < chance->never_percent)
      return FAR_NEVER;
    // The remainder favours small numbers by less than one in 2^30.
    return least + second % (most - least + 1);
  default:
    return most;
  }
}

bool far_chance_find(const char *name, far_chance_policy *policy) {
  for (size_t i = 0; i < FAR_CHANCE_POLICIES; i++)
    if (strcmp(name, names[i]) == 0) {
      *policy = (far_chance_policy)i;
      return true;
    }
  return false;
}

const char *far_chance_name(far_chance_policy policy) {
  return names[policy];
}
