#include "wake.h"

#include <string.h>

static uint64_t rule(far_profile profile, far_constant constant) {
  return (uint64_t)far_policy_get(profile, constant);
}

void far_wakes_init(far_wakes *wakes) {
  *wakes = (far_wakes){.refreshed_ms = FAR_NEVER};
}

// -- Quotas -------------------------------------------------------------------

typedef struct quota {
  uint64_t most_ms, window_ms, needed_ms, runs; // Zero: no bound.
} quota;

static quota quota_of(const far_world *world) {
  static const far_constant rules[FAR_BUCKETS][2] = {
      {FAR_JOB_QUOTA_ACTIVE, FAR_JOB_QUOTA_ACTIVE_WINDOW},
      {FAR_JOB_QUOTA_WORKING, FAR_JOB_QUOTA_WORKING_WINDOW},
      {FAR_JOB_QUOTA_FREQUENT, FAR_JOB_QUOTA_FREQUENT_WINDOW},
      {FAR_JOB_QUOTA_RARE, FAR_JOB_QUOTA_RARE_WINDOW},
      {FAR_JOB_QUOTA_RESTRICTED, FAR_JOB_QUOTA_RESTRICTED_WINDOW}};
  far_profile profile = world->profile;
  far_bucket bucket = world->bucket;
  // Who charges, or looks at the app, has no quota to think of.
  if (bucket != FAR_BUCKET_RESTRICTED &&
      (world->on[FAR_SWITCH_PLUGGED] || world->is_used))
    return (quota){0};
  return (quota){.most_ms = rule(profile, rules[bucket][0]),
                 .window_ms = rule(profile, rules[bucket][1]),
                 .needed_ms = rule(profile, FAR_JOB_QUOTA_NEEDED),
                 .runs = bucket == FAR_BUCKET_RESTRICTED
                             ? rule(profile, FAR_JOB_QUOTA_RESTRICTED_RUNS)
                             : 0};
}

static size_t runs_kept(const far_wakes *wakes) {
  return wakes->run_count < FAR_RUNS_MAX ? (size_t)wakes->run_count
                                         : FAR_RUNS_MAX;
}

// How long, and how often, the app ran since `from_ms`.
static uint64_t used_since(const far_wakes *wakes, uint64_t from_ms,
                           uint64_t now_ms, uint64_t *runs) {
  uint64_t used_ms = 0;
  *runs = 0;
  for (size_t i = 0; i < runs_kept(wakes); i++) {
    const far_wake_run *run = &wakes->runs[i];
    uint64_t end_ms = run->end_ms < now_ms ? run->end_ms : now_ms;
    uint64_t begin_ms = run->begin_ms > from_ms ? run->begin_ms : from_ms;
    *runs += run->begin_ms >= from_ms;
    used_ms += end_ms > begin_ms ? end_ms - begin_ms : 0;
  }
  return used_ms;
}

static bool has_quota_at(const far_wakes *wakes, const quota *most,
                         uint64_t now_ms, uint64_t when_ms) {
  uint64_t from_ms =
      when_ms > most->window_ms ? when_ms - most->window_ms + 1 : 0;
  uint64_t runs;
  uint64_t used_ms = used_since(wakes, from_ms, now_ms, &runs);
  return used_ms + most->needed_ms <= most->most_ms &&
         (most->runs == 0 || runs < most->runs);
}

static bool has_quota(const far_wakes *wakes, const far_world *world,
                      uint64_t now_ms) {
  quota most = quota_of(world);
  return most.most_ms == 0 || has_quota_at(wakes, &most, now_ms, now_ms);
}

// When what was used has left the window far enough: one run after the other
// leaves it, and the first that leaves room is the one to wait for.
static uint64_t quota_returns_ms(const far_wakes *wakes, const far_world *world,
                                 uint64_t now_ms) {
  quota most = quota_of(world);
  uint64_t best_ms = FAR_NEVER;
  for (size_t i = 0; i < runs_kept(wakes); i++) {
    const far_wake_run *run = &wakes->runs[i];
    uint64_t end_ms = run->end_ms < now_ms ? run->end_ms : now_ms;
    uint64_t needed_ms = run->begin_ms + most.needed_ms < end_ms
                             ? run->begin_ms + most.needed_ms
                             : end_ms;
    uint64_t when_ms = needed_ms + most.window_ms;
    if (when_ms > now_ms && when_ms < best_ms &&
        has_quota_at(wakes, &most, now_ms, when_ms))
      best_ms = when_ms;
  }
  return best_ms;
}

void far_wakes_begin_run(far_wakes *wakes, uint64_t now_ms) {
  far_wakes_end_run(wakes, now_ms);
  wakes->runs[wakes->run_count++ % FAR_RUNS_MAX] =
      (far_wake_run){.begin_ms = now_ms, .end_ms = FAR_NEVER};
}

void far_wakes_end_run(far_wakes *wakes, uint64_t now_ms) {
  if (wakes->run_count == 0)
    return;
  far_wake_run *last = &wakes->runs[(wakes->run_count - 1) % FAR_RUNS_MAX];
  if (last->end_ms == FAR_NEVER)
    last->end_ms = now_ms;
}

// -- Reasons ------------------------------------------------------------------

static const char no_quota[] =
    "the app has used up the time that its bucket gives it";

// What the user has decided.
static const char *forbidden(const far_wake *wake, const far_world *world) {
  bool is_long = wake->kind == FARSIDE_WAKE_PROCESSING;
  if (world->on[FAR_SWITCH_SEALED])
    return "the phone was not unlocked since it was switched on";
  if (world->on[FAR_SWITCH_FORCE_QUIT] &&
      rule(world->profile, is_long ? FAR_FORCE_QUIT_BLOCKS_PROCESSING
                                   : FAR_FORCE_QUIT_BLOCKS_BACKGROUND) != 0)
    return "the user has ended the app by force";
  if (world->on[FAR_SWITCH_REFRESH_OFF])
    return "background refresh is switched off";
  if (world->on[FAR_SWITCH_LOW_POWER] &&
      rule(world->profile, FAR_LOW_POWER_BLOCKS_FETCH) != 0)
    return "low power mode is on";
  return NULL;
}

// What the app itself has asked for.
static const char *unmet(const far_wake *wake, const far_world *world) {
  farside_conditions now = far_world_conditions(world);
  if (wake->kind == FARSIDE_WAKE_PROCESSING && !now.is_idle &&
      rule(world->profile, FAR_PROCESSING_NEEDS_IDLE) != 0)
    return "the phone is in use: long work waits until it is not";
  if (wake->needs_network && now.network == FARSIDE_NETWORK_NONE)
    return "there is no network";
  if (wake->needs_charging && !now.is_charging)
    return "the phone is not charging";
  return NULL;
}

// Why a request that is due is not granted; NULL when it is.
static const char *reason(const far_wakes *wakes, const far_wake *wake,
                          const far_world *world, uint64_t now_ms) {
  const char *why = forbidden(wake, world);
  if (why == NULL && far_world_is_dozing(world))
    why = "the phone is in Doze: the next maintenance window";
  if (why == NULL && !has_quota(wakes, world, now_ms))
    why = no_quota;
  if (why == NULL)
    why = unmet(wake, world);
  if (why == NULL && wake->is_refused)
    why = "the system does not grant it: it may refuse, and owes no reason";
  return why;
}

// -- Requests -----------------------------------------------------------------

uint64_t far_wakes_earliest(const far_wakes *wakes, far_profile profile,
                            farside_wake kind, uint64_t now_ms,
                            uint64_t after_ms) {
  uint64_t earliest_ms = now_ms + after_ms;
  if (kind != FARSIDE_WAKE_REFRESH || wakes->refreshed_ms == FAR_NEVER)
    return earliest_ms;
  uint64_t next_ms =
      wakes->refreshed_ms + rule(profile, FAR_FETCH_MIN_INTERVAL);
  return next_ms > earliest_ms ? next_ms : earliest_ms;
}

static void take_out(far_wakes *wakes, size_t index) {
  wakes->count--;
  memmove(&wakes->pending[index], &wakes->pending[index + 1],
          (wakes->count - index) * sizeof *wakes->pending);
}

bool far_wakes_cancel(far_wakes *wakes, farside_wake kind) {
  size_t before = wakes->count;
  for (size_t i = wakes->count; i-- > 0;)
    if (wakes->pending[i].kind == kind)
      take_out(wakes, i);
  return wakes->count < before;
}

static size_t count_of(const far_wakes *wakes, farside_wake kind) {
  size_t count = 0;
  for (size_t i = 0; i < wakes->count; i++)
    count += wakes->pending[i].kind == kind;
  return count;
}

bool far_wakes_add(far_wakes *wakes, far_profile profile,
                   const far_wake *wake) {
  uint64_t most = rule(profile, FAR_PENDING_PROCESSING_MAX);
  if (wake->kind == FARSIDE_WAKE_REFRESH)
    far_wakes_cancel(wakes, wake->kind);
  else if (most != 0 && count_of(wakes, wake->kind) >= most)
    return false;
  if (wakes->count == FAR_WAKES_MAX)
    return false;
  wakes->pending[wakes->count++] = *wake;
  return true;
}

bool far_wakes_step(far_wakes *wakes, const far_world *world, uint64_t now_ms,
                    far_wake_news *news) {
  for (size_t i = 0; i < wakes->count; i++) {
    far_wake *wake = &wakes->pending[i];
    if (wake->grant_ms > now_ms)
      continue;
    const char *why = reason(wakes, wake, world, now_ms);
    if (why != NULL && why == wake->waits)
      continue;
    *news = (far_wake_news){.kind = wake->kind,
                            .is_granted = why == NULL,
                            .is_out_of_quota = why == no_quota,
                            .why = why ? why : wake->waits,
                            .asked_ms = wake->asked_ms};
    wake->waits = why;
    if (why != NULL)
      return true;
    if (wake->kind == FARSIDE_WAKE_REFRESH)
      wakes->refreshed_ms = now_ms;
    take_out(wakes, i);
    return true;
  }
  return false;
}

uint64_t far_wakes_next_ms(const far_wakes *wakes, const far_world *world,
                           uint64_t now_ms) {
  uint64_t next_ms = FAR_NEVER;
  for (size_t i = 0; i < wakes->count; i++) {
    const far_wake *wake = &wakes->pending[i];
    uint64_t when_ms = wake->grant_ms;
    if (when_ms <= now_ms) {
      if (wake->waits == NULL)
        return now_ms;
      if (wake->waits != no_quota)
        continue; // The world has to change.
      when_ms = quota_returns_ms(wakes, world, now_ms);
    }
    next_ms = when_ms < next_ms ? when_ms : next_ms;
  }
  return next_ms;
}

const char *far_wake_name(farside_wake kind) {
  return kind == FARSIDE_WAKE_REFRESH ? "refresh" : "processing";
}
