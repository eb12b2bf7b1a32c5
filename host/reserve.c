#include "reserve.h"

enum {
  LEAST_NS = 1000 * 1000,
  SPARE_PART = 4,   // So much of what it was is added.
  FORGET_PART = 128 // So much is forgotten with a frame: half in 1.5 s.
};

static uint64_t least(uint64_t budget_ns) {
  return budget_ns / 4 < LEAST_NS ? budget_ns / 4 : LEAST_NS;
}

static uint64_t most(uint64_t budget_ns) {
  return budget_ns - budget_ns / 4;
}

uint64_t far_reserve_aim(const far_reserve *reserve, uint64_t budget_ns) {
  uint64_t kept_ns = reserve->learned_ns;
  kept_ns = kept_ns > least(budget_ns) ? kept_ns : least(budget_ns);
  kept_ns = kept_ns < most(budget_ns) ? kept_ns : most(budget_ns);
  return budget_ns - kept_ns;
}

void far_reserve_learn(far_reserve *reserve, uint64_t budget_ns,
                       uint64_t aim_ns, uint64_t used_ns) {
  reserve->learned_ns -= reserve->learned_ns / FORGET_PART;
  uint64_t over_ns = used_ns > aim_ns ? used_ns - aim_ns : 0;
  // One frame that was much too long is no reason to starve many.
  over_ns = over_ns < budget_ns ? over_ns : budget_ns;
  uint64_t needed_ns = over_ns + over_ns / SPARE_PART;
  if (needed_ns > reserve->learned_ns)
    reserve->learned_ns = needed_ns;
}
