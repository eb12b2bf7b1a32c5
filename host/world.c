#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MINUTE_MS = 60 * 1000 };

static const char *const network_names[] = {"none", "metered", "wifi"};

static const struct {
  far_what what;
  const char *on, *off;
} switches[FAR_SWITCHES] = {
    [FAR_SWITCH_LOCKED] = {FAR_WHAT_DEVICE_LOCK, "the screen is off and locked",
                           "the phone is unlocked"},
    [FAR_SWITCH_PLUGGED] = {FAR_WHAT_DEVICE_POWER, "the charger is plugged in",
                            "the charger is unplugged"},
    [FAR_SWITCH_LOW_POWER] = {FAR_WHAT_DEVICE_POWER, "low power mode is on",
                              "low power mode is off"},
    [FAR_SWITCH_STORAGE_LOW] = {FAR_WHAT_DEVICE_STORAGE, "storage is low",
                                "there is storage again"},
    [FAR_SWITCH_REFRESH_OFF] = {FAR_WHAT_DEVICE_REFRESH,
                                "the user has switched background refresh off",
                                "the user has switched background refresh on"},
    [FAR_SWITCH_COVERED] = {FAR_WHAT_DEVICE_FRONT,
                            "something else is on top of the app",
                            "nothing is on top of the app any more"},
    [FAR_SWITCH_MOVING] = {FAR_WHAT_DEVICE_MOTION, "the phone is carried about",
                           "the phone lies still"},
    [FAR_SWITCH_FORCE_QUIT] = {FAR_WHAT_DEVICE_SWIPE,
                               "the user has ended the app: it is not woken "
                               "until the user opens it",
                               "the app may be woken again"},
    [FAR_SWITCH_SEALED] = {FAR_WHAT_DEVICE_REBOOT,
                           "not unlocked since it was switched on",
                           "unlocked for the first time since it was switched "
                           "on"},
};

static uint64_t rule(const far_world *world, far_constant constant) {
  return (uint64_t)far_policy_get(world->profile, constant);
}

static uint64_t lesser(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static void tell(far_change *change, far_what what, const char *why) {
  change->what = what;
  snprintf(change->why, sizeof change->why, "%s", why);
}

// -- What is set --------------------------------------------------------------

void far_world_init(far_world *world, far_profile profile) {
  *world = (far_world){.profile = profile,
                       .network = FARSIDE_NETWORK_WIFI,
                       .battery_permille = 1000,
                       .quiet_ms = FAR_NEVER,
                       .still_ms = FAR_NEVER};
  far_zone_read("UTC", &world->zone);
}

// Since when it is so; FAR_NEVER while it is not.
static void count_from(uint64_t *since_ms, bool is_so, uint64_t now_ms) {
  if (!is_so)
    *since_ms = FAR_NEVER;
  else if (*since_ms == FAR_NEVER)
    *since_ms = now_ms;
}

static void count_quiet(far_world *world, uint64_t now_ms) {
  bool is_quiet =
      world->on[FAR_SWITCH_LOCKED] && !world->on[FAR_SWITCH_PLUGGED];
  count_from(&world->quiet_ms, is_quiet, now_ms);
  count_from(&world->still_ms, is_quiet && !world->on[FAR_SWITCH_MOVING],
             now_ms);
}

bool far_world_set(far_world *world, far_switch which, bool is_on,
                   uint64_t now_ms, far_change *change) {
  if (world->on[which] == is_on)
    return false;
  world->on[which] = is_on;
  count_quiet(world, now_ms);
  tell(change, switches[which].what,
       is_on ? switches[which].on : switches[which].off);
  return true;
}

bool far_world_set_network(far_world *world, farside_network network,
                           const char *why, far_change *change) {
  if (world->network == network)
    return false;
  change->what = FAR_WHAT_DEVICE_NETWORK;
  snprintf(change->why, sizeof change->why, "%s, was %s%s%s",
           network_names[network], network_names[world->network],
           why ? ": " : "", why ? why : "");
  world->network = network;
  return true;
}

bool far_world_set_battery(far_world *world, int permille, far_change *change) {
  if (world->battery_permille == permille)
    return false;
  int low = 10 * (int)rule(world, FAR_BATTERY_LOW);
  bool is_low = permille <= low, was_low = world->battery_permille <= low;
  world->battery_permille = permille;
  change->what = FAR_WHAT_DEVICE_POWER;
  snprintf(change->why, sizeof change->why, "the battery has %d.%d %%%s",
           permille / 10, permille % 10,
           is_low == was_low ? ""
           : is_low          ? ": it is low"
                             : ": it is low no more");
  return true;
}

bool far_world_set_zone(far_world *world, const far_zone *zone,
                        far_change *change) {
  if (strcmp(world->zone.name, zone->name) == 0)
    return false;
  change->what = FAR_WHAT_DEVICE_CLOCK;
  snprintf(change->why, sizeof change->why, "the time zone is %s, was %s",
           zone->name, world->zone.name);
  world->zone = *zone;
  return true;
}

void far_world_move_clock(far_world *world, int64_t by_ms, far_change *change) {
  world->wall_offset_ms += by_ms;
  change->what = FAR_WHAT_DEVICE_CLOCK;
  snprintf(change->why, sizeof change->why,
           "the clock was moved by %+.3f s; timers do not see it",
           (double)by_ms / 1000);
}

void far_world_use(far_world *world, bool is_used, uint64_t now_ms) {
  if (is_used || world->is_used)
    world->used_ms = now_ms;
  world->is_used = is_used;
}

void far_world_reboot(far_world *world, far_change *change) {
  world->on[FAR_SWITCH_LOCKED] = world->on[FAR_SWITCH_SEALED] = true;
  world->on[FAR_SWITCH_FORCE_QUIT] = world->on[FAR_SWITCH_COVERED] = false;
  world->doze = FAR_DOZING_NOT;
  world->quiet_ms = world->still_ms = FAR_NEVER; // Counted by the next set.
  tell(change, FAR_WHAT_DEVICE_REBOOT,
       "switched off and on again; it is locked");
}

// -- Doze ---------------------------------------------------------------------

static bool is_deep(const far_world *world) {
  return world->doze >= FAR_DOZING_DEEP;
}

// Why Doze has to end at once; NULL when it need not.
static const char *disturbance(const far_world *world) {
  if (world->doze == FAR_DOZING_NOT)
    return NULL;
  if (world->on[FAR_SWITCH_PLUGGED])
    return "off: the phone is charging";
  if (!world->on[FAR_SWITCH_LOCKED])
    return "off: the screen is on";
  return is_deep(world) && world->on[FAR_SWITCH_MOVING]
             ? "off: the phone is carried about"
             : NULL;
}

static uint64_t after(uint64_t since_ms, uint64_t wait_ms) {
  return since_ms == FAR_NEVER || wait_ms == 0 ? FAR_NEVER : since_ms + wait_ms;
}

static uint64_t deep_ms(const far_world *world) {
  return is_deep(world)
             ? FAR_NEVER
             : after(world->still_ms, rule(world, FAR_DOZE_DEEP_AFTER));
}

static uint64_t doze_next_ms(const far_world *world) {
  if (disturbance(world) != NULL)
    return 0;
  uint64_t step_ms =
      world->doze == FAR_DOZING_NOT
          ? after(world->quiet_ms, rule(world, FAR_DOZE_LIGHT_AFTER))
          : world->doze_until_ms;
  return lesser(step_ms, deep_ms(world));
}

static void enter(far_world *world, far_doze doze, uint64_t now_ms,
                  uint64_t for_ms, const char *why, far_change *change) {
  world->doze = doze;
  world->doze_until_ms = now_ms + for_ms;
  change->what = FAR_WHAT_DEVICE_DOZE;
  snprintf(change->why, sizeof change->why, "%s for %" PRIu64 " min: %s",
           far_doze_name(doze), for_ms / MINUTE_MS, why);
}

static void begin_light(far_world *world, uint64_t now_ms, far_change *change) {
  world->idle_ms = rule(world, FAR_DOZE_LIGHT_IDLE);
  world->window_ms = rule(world, FAR_DOZE_LIGHT_WINDOW);
  enter(world, FAR_DOZING_LIGHT, now_ms, world->idle_ms,
        "the screen is off and nothing is plugged in", change);
}

static void begin_deep(far_world *world, uint64_t now_ms, far_change *change) {
  world->idle_ms = rule(world, FAR_DOZE_IDLE);
  world->window_ms = rule(world, FAR_DOZE_WINDOW);
  enter(world, FAR_DOZING_DEEP, now_ms, world->idle_ms,
        "the phone lies still with its screen off", change);
}

// Both grow from step to step.
static void go_on(far_world *world, uint64_t now_ms, far_change *change) {
  uint64_t factor = rule(world, FAR_DOZE_FACTOR);
  bool deep = is_deep(world);
  if (world->doze == FAR_DOZING_LIGHT || world->doze == FAR_DOZING_DEEP) {
    enter(world, deep ? FAR_DOZING_DEEP_WINDOW : FAR_DOZING_LIGHT_WINDOW,
          now_ms, world->window_ms, "a maintenance window: what waited may run",
          change);
    if (deep)
      world->window_ms =
          lesser(world->window_ms * factor, rule(world, FAR_DOZE_WINDOW_MAX));
    return;
  }
  world->idle_ms =
      lesser(world->idle_ms * factor,
             rule(world, deep ? FAR_DOZE_IDLE_MAX : FAR_DOZE_LIGHT_IDLE_MAX));
  enter(world, deep ? FAR_DOZING_DEEP : FAR_DOZING_LIGHT, now_ms,
        world->idle_ms, "the maintenance window is over", change);
}

static void step_doze(far_world *world, uint64_t now_ms, far_change *change) {
  const char *end = disturbance(world);
  if (end != NULL) {
    world->doze = FAR_DOZING_NOT;
    if (world->quiet_ms != FAR_NEVER)
      world->quiet_ms = now_ms; // It was moved: light Doze begins anew.
    tell(change, FAR_WHAT_DEVICE_DOZE, end);
  } else if (deep_ms(world) <= now_ms) {
    begin_deep(world, now_ms, change);
  } else if (world->doze == FAR_DOZING_NOT) {
    begin_light(world, now_ms, change);
  } else {
    go_on(world, now_ms, change);
  }
}

bool far_world_is_dozing(const far_world *world) {
  return world->doze == FAR_DOZING_LIGHT || world->doze == FAR_DOZING_DEEP;
}

// -- Buckets ------------------------------------------------------------------

static uint64_t bucket_next_ms(const far_world *world) {
  static const far_constant waits[FAR_BUCKETS] = {
      [FAR_BUCKET_WORKING] = FAR_BUCKET_AFTER_WORKING,
      [FAR_BUCKET_FREQUENT] = FAR_BUCKET_AFTER_FREQUENT,
      [FAR_BUCKET_RARE] = FAR_BUCKET_AFTER_RARE,
      [FAR_BUCKET_RESTRICTED] = FAR_BUCKET_AFTER_RESTRICTED};
  if (world->is_used)
    return world->bucket == FAR_BUCKET_ACTIVE ? FAR_NEVER : 0;
  if (world->bucket == FAR_BUCKET_RESTRICTED)
    return FAR_NEVER;
  return after(world->used_ms, rule(world, waits[world->bucket + 1]));
}

static void step_bucket(far_world *world, uint64_t now_ms, far_change *change) {
  far_bucket before = world->bucket;
  world->bucket = world->is_used ? FAR_BUCKET_ACTIVE : (far_bucket)(before + 1);
  change->what = FAR_WHAT_DEVICE_BUCKET;
  if (world->is_used)
    snprintf(change->why, sizeof change->why, "%s, was %s: the app is used",
             far_bucket_name(world->bucket), far_bucket_name(before));
  else
    snprintf(change->why, sizeof change->why,
             "%s, was %s: the app was not used for %.1f h",
             far_bucket_name(world->bucket), far_bucket_name(before),
             (double)(now_ms - world->used_ms) / (60 * MINUTE_MS));
}

// -- Steps --------------------------------------------------------------------

bool far_world_step(far_world *world, uint64_t now_ms, far_change *change) {
  count_quiet(world, now_ms);
  if (doze_next_ms(world) <= now_ms) {
    step_doze(world, now_ms, change);
    return true;
  }
  if (bucket_next_ms(world) > now_ms)
    return false;
  step_bucket(world, now_ms, change);
  return true;
}

uint64_t far_world_next_ms(const far_world *world) {
  return lesser(doze_next_ms(world), bucket_next_ms(world));
}

farside_conditions far_world_conditions(const far_world *world) {
  // In Doze the network is off for apps.
  bool is_cut = far_world_is_dozing(world);
  return (farside_conditions){
      .network = is_cut ? FARSIDE_NETWORK_NONE : world->network,
      .is_charging = world->on[FAR_SWITCH_PLUGGED],
      .is_battery_ok =
          world->on[FAR_SWITCH_PLUGGED] ||
          world->battery_permille > 10 * (int)rule(world, FAR_BATTERY_LOW),
      .is_storage_ok = !world->on[FAR_SWITCH_STORAGE_LOW],
      .is_idle = world->on[FAR_SWITCH_LOCKED]};
}

bool far_network_find(const char *name, farside_network *network) {
  for (size_t i = 0; i < sizeof network_names / sizeof *network_names; i++)
    if (strcmp(name, network_names[i]) == 0) {
      *network = (farside_network)i;
      return true;
    }
  return false;
}

const char *far_network_name(farside_network network) {
  return network_names[network];
}

const char *far_doze_name(far_doze doze) {
  static const char *const names[] = {"off", "light", "light window", "deep",
                                      "deep window"};
  return names[doze];
}

const char *far_bucket_name(far_bucket bucket) {
  static const char *const names[] = {"active", "working", "frequent", "rare",
                                      "restricted"};
  return names[bucket];
}
