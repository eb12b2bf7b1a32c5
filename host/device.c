#include "device.h"

#include "dispatch.h"
#include "far_assert.h"
#include "source.h"
#include <inttypes.h>
#include <stdio.h>

// 2026-01-05 07:00:00 UTC, a Monday morning: any fixed day will do.
static const int64_t first_wall_ms = INT64_C(1767596400000);

enum {
  PUSHES_MAX = 16, // More an hour no profile counts.
  HOUR_MS = 60 * 60 * 1000,
  DAY_S = 24 * 60 * 60,
  // How long a bad network lasts, and a good one between two bad ones: ours.
  FLAP_LEAST_MS = 2 * 1000,
  FLAP_MOST_MS = 60 * 1000
};

// Memory that was asked for by far_device_keep(), behind this.
typedef struct kept {
  struct kept *next;
  size_t bytes; // Of all of it.
  max_align_t there[];
} kept;

struct far_device {
  far_memory memory; // The phone's own; the app's is the host's.
  farside_host *host;
  far_clock *clock;   // Owned by the host.
  far_source *source; // What is launched when the OS launches. NULL: nothing.
  far_audit audit;
  far_world world;
  far_wakes wakes;
  far_chance chance;
  far_answers *answers;
  kept *kept;
  far_chance whims; // What the OS leaves open beside the big decisions.
  bool has_whims;
  bool has_late_wakes;
  bool is_url_first;  // The next URL comes before the app is in front.
  far_app_state seen; // The app when it was last looked at.
  uint64_t expiry_ms; // When the OS ends this visit early; FAR_NEVER.
  bool is_long_run;   // What runs was granted while nobody used the phone.
  bool is_in_front;   // Unlocked, the user would look at the app.
  uint64_t pushes_ms[PUSHES_MAX]; // When they woke the app: the newest.
  uint64_t pushes;
  const char *push_waits;          // Why one is held back; NULL: none is.
  uint64_t flap_ms, flap_until_ms; // The next turn; FAR_NEVER: it is steady.
  farside_network steady;
};

static uint64_t now_ms(const far_device *device) {
  return far_host_now_ms(device->host);
}

static uint64_t rule(const far_device *device, far_constant constant) {
  return (uint64_t)far_policy_get(device->world.profile, constant);
}

static void note(far_device *device, far_what what, const char *why) {
  far_host_note(device->host, what, FARSIDE_INFO, NULL, NULL, why);
}

static void note_change(far_device *device, const far_change *change) {
  note(device, change->what, change->why);
}

uint64_t far_device_draw(far_device *device, uint64_t least_ms,
                         uint64_t most_ms, bool may_never) {
  return far_chance_draw(&device->chance, least_ms, most_ms, may_never);
}

// -- What the platform is asked -----------------------------------------------

// minimizeApp() is the home button, pressed by the app.
static int minimize(void *self) {
  far_device *device = self;
  device->is_in_front = false;
  return farside_post(device->host, "pause", NULL) == FARSIDE_OK ? 0 : -1;
}

static int wake_at(void *self, const farside_wake_request *request) {
  return far_device_schedule_wake(self, request->kind, request->after_ms,
                                  request->needs_network,
                                  request->needs_charging) == FARSIDE_OK
             ? 0
             : -1;
}

static void cancel_wake(void *self, farside_wake kind) {
  far_device_cancel_wake(self, kind);
}

static void conditions(void *self, farside_conditions *now) {
  const far_device *device = self;
  *now = far_world_conditions(&device->world);
}

// -- Open and close -----------------------------------------------------------

static void note_violation(void *user, const far_violation *violation) {
  far_host_note_violation(user, violation);
}

static void watch(far_device *device, const far_device_config *config) {
  device->audit.violations = (far_violations){.memory = &device->memory,
                                              .profile = device->host->profile,
                                              .allowed = config->allowed,
                                              .is_strict = config->is_strict,
                                              .found = note_violation,
                                              .user = device->host};
  far_audit_init(&device->audit);
  if (config->ram_bytes != 0)
    device->audit.ram_bytes = config->ram_bytes;
  device->host->audit = &device->audit;
}

// One of two, where platforms do not say which.
static bool is_either_way(far_device *device) {
  return device->has_whims && far_chance_next(&device->whims) % 2 != 0;
}

// In which order things come the next time.
static void foresee(far_device *device) {
  device->host->is_youngest_first = is_either_way(device);
  device->is_url_first = is_either_way(device);
}

// When a time in the background that begins now is cut short; FAR_NEVER, as
// most often, when it is not.
static uint64_t cut_ms(far_device *device) {
  uint64_t most_ms = (uint64_t)far_policy_exec_end_ms(device->world.profile) -
                     rule(device, FAR_EXPIRY_HANDLER_KILL);
  if (!device->has_whims || rule(device, FAR_EARLY_EXPIRY_ALLOWED) == 0 ||
      far_chance_next(&device->whims) % 100 >= rule(device, FAR_REFUSAL_CHANCE))
    return FAR_NEVER;
  return now_ms(device) + 1 + far_chance_next(&device->whims) % most_ms;
}

static void switch_on(far_device *device, const far_device_config *config) {
  farside_host *host = device->host;
  far_world_init(&device->world, host->profile);
  far_wakes_init(&device->wakes);
  uint64_t seed = config->has_seed ? config->seed : FAR_DEVICE_SEED;
  far_chance_init(&device->chance, seed, config->policy,
                  (unsigned)rule(device, FAR_REFUSAL_CHANCE));
  far_chance_init(&device->whims, ~seed, FAR_CHANCE_RANDOM, 0);
  device->has_whims = seed != FAR_DEVICE_SEED;
  device->has_late_wakes = config->has_late_wakes;
  device->flap_ms = device->expiry_ms = FAR_NEVER;
  host->turned_ms = FAR_NEVER;
  foresee(device);
  host->zone = &device->world.zone;
  host->seed = seed;
  host->remaining_ms = config->remaining_ms;
}

farside_status far_device_open(const far_device_config *config,
                               far_device **device) {
  *device = NULL;
  far_memory memory;
  far_memory_init(&memory, config->allocate, config->user);
  far_device *fresh = far_new(&memory, sizeof *fresh);
  if (fresh == NULL)
    return FARSIDE_NOMEM;
  fresh->memory = memory;
  int64_t wall_ms = config->wall_ms ? config->wall_ms : first_wall_ms;
  farside_status status =
      far_clock_open_virtual(&fresh->memory, wall_ms, &fresh->clock);
  if (status != FARSIDE_OK)
    goto fail;

  farside_platform platform = {.version = FARSIDE_PLATFORM_VERSION,
                               .self = fresh,
                               .minimize = minimize,
                               .wake_at = wake_at,
                               .cancel_wake = cancel_wake,
                               .conditions = conditions};
  farside_config host_config;
  farside_config_init(&host_config);
  host_config.profile = config->os ? config->os : "ios";
  host_config.platform = &platform;
  host_config.allocate = config->allocate;
  host_config.on_entry = config->on_entry;
  host_config.user = config->user;
  host_config.grace_ms = config->grace_ms;
  host_config.limits = config->limits;
  host_config.launch_url = config->launch_url;
  if (config->timeline_entries_max != 0)
    host_config.timeline_entries_max = config->timeline_entries_max;
  status = far_host_open(&host_config, fresh->clock, &fresh->host);
  if (status != FARSIDE_OK)
    goto fail;
  switch_on(fresh, config);
  watch(fresh, config);
  status = far_answers_open(&fresh->memory, fresh->host, &fresh->world,
                            &fresh->chance, &fresh->answers);
  if (status != FARSIDE_OK)
    goto fail;
  fresh->host->queue.may_make_one = config->store == NULL;
  fresh->host->files.may_make_one = true;
  if (config->store != NULL)
    status = farside_open_store(fresh->host, config->store);
  if (status != FARSIDE_OK)
    goto fail;
  *device = fresh;
  return FARSIDE_OK;

fail:
  far_device_close(fresh);
  return status;
}

void far_device_close(far_device *device) {
  if (device == NULL)
    return;
  farside_host_close(device->host);
  far_answers_close(device->answers);
  far_audit_deinit(&device->audit);
  far_source_free(device->source);
  for (kept *each = device->kept, *next; each != NULL; each = next) {
    next = each->next;
    far_free(&device->memory, each, each->bytes);
  }
  far_memory memory = device->memory;
  far_free(&memory, device, sizeof *device);
  far_assert(memory.used_bytes == 0);
}

farside_host *far_device_host(far_device *device) {
  return device->host;
}

void *far_device_keep(far_device *device, size_t bytes) {
  kept *fresh = far_new(&device->memory, sizeof *fresh + bytes);
  if (fresh == NULL)
    return NULL;
  fresh->bytes = sizeof *fresh + bytes;
  fresh->next = device->kept;
  device->kept = fresh;
  return fresh->there;
}

void far_device_begin(far_device *device, farside_network network,
                      int battery_permille, const far_zone *zone) {
  device->world.network = network;
  device->world.battery_permille = battery_permille;
  device->world.zone = *zone;
}

const far_world *far_device_world(const far_device *device) {
  return &device->world;
}

far_answers *far_device_answers(far_device *device) {
  return device->answers;
}

const far_violations *far_device_violations(const far_device *device) {
  return &device->audit.violations;
}

farside_status far_device_install(far_device *device,
                                  const farside_source *source) {
  char error[FAR_SENTENCE_BYTES] = "";
  far_source *copy;
  farside_status status =
      far_source_copy(&device->memory, source, &copy, error, sizeof error);
  if (status != FARSIDE_OK)
    return far_host_fail(device->host, status, "%s",
                         error[0] ? error : farside_status_text(status));
  far_source_free(device->source);
  device->source = copy;
  return FARSIDE_OK;
}

// -- The app is started -------------------------------------------------------

static void set(far_device *device, far_switch which, bool is_on) {
  far_change change;
  if (far_world_set(&device->world, which, is_on, now_ms(device), &change))
    note_change(device, &change);
}

// Whoever uses the phone has unlocked it.
static void take_in_hand(far_device *device) {
  set(device, FAR_SWITCH_LOCKED, false);
  set(device, FAR_SWITCH_SEALED, false);
}

// The user means the app.
static void take_to_front(far_device *device) {
  take_in_hand(device);
  set(device, FAR_SWITCH_COVERED, false);
  set(device, FAR_SWITCH_FORCE_QUIT, false);
  device->is_in_front = true;
}

static farside_status load_installed(far_device *device) {
  farside_source source = device->source->given;
  source.grant = device->source->grant->said.needs;
  source.manifest = device->source->said ? &device->source->said->said : NULL;
  farside_status status = farside_load(device->host, &source);
  if (status != FARSIDE_OK)
    far_device_kill(device, "its script failed to load");
  return status;
}

// The OS starts the app, or wakes it, without the user. False: it cannot.
static bool rouse(far_device *device, const char *reason, const char *why) {
  farside_host *host = device->host;
  far_app_state state = host->app.state;
  if (state == FAR_APP_GONE && device->source == NULL)
    return false;
  if (state <= FAR_APP_SUSPENDED)
    far_wakes_begin_run(&device->wakes, now_ms(device));
  if (state != FAR_APP_GONE) {
    far_life_wake(host, reason, -1);
    return true;
  }
  device->is_in_front = false;
  far_life_launch_behind(host, reason, why);
  return load_installed(device) == FARSIDE_OK;
}

// -- What happens by itself ---------------------------------------------------

static bool step_flap(far_device *device) {
  uint64_t now = now_ms(device);
  if (device->flap_ms > now)
    return false;
  far_change change;
  bool is_over = now >= device->flap_until_ms;
  bool is_up = device->world.network != FARSIDE_NETWORK_NONE;
  farside_network next =
      is_over || !is_up ? device->steady : FARSIDE_NETWORK_NONE;
  if (far_world_set_network(&device->world, next,
                            is_over ? "steady again" : "it comes and goes",
                            &change))
    note_change(device, &change);
  uint64_t again_ms =
      now + far_device_draw(device, FLAP_LEAST_MS, FLAP_MOST_MS, false);
  device->flap_ms = is_over                            ? FAR_NEVER
                    : again_ms < device->flap_until_ms ? again_ms
                                                       : device->flap_until_ms;
  return true;
}

static void deliver_push(far_device *device) {
  device->push_waits = NULL;
  device->pushes_ms[device->pushes++ % PUSHES_MAX] = now_ms(device);
  note(device, FAR_WHAT_DEVICE_PUSH, "a background push reaches the app");
  if (!rouse(device, "push", "a push woke it"))
    note(device, FAR_WHAT_DEVICE_PUSH, "there is no app to launch");
}

// Why a push has to wait; NULL: it need not.
static const char *push_waits_for(const far_device *device) {
  if (device->world.network == FARSIDE_NETWORK_NONE)
    return "it waits: there is no network";
  return far_world_is_dozing(&device->world)
             ? "it waits: the phone is in Doze until its next window"
             : NULL;
}

static bool step_push(far_device *device) {
  if (device->push_waits == NULL || push_waits_for(device) != NULL)
    return false;
  deliver_push(device);
  return true;
}

static void note_wake(far_device *device, far_what what, farside_wake kind,
                      const char *why) {
  far_host_notef(device->host, what, FARSIDE_INFO, NULL, NULL, "%s: %s",
                 far_wake_name(kind), why);
}

static void grant(far_device *device, const far_wake_news *news) {
  char why[160];
  snprintf(why, sizeof why, "granted %.3f s after it was asked for%s%s",
           (double)(now_ms(device) - news->asked_ms) / 1000,
           news->why ? "; it had waited: " : "", news->why ? news->why : "");
  note_wake(device, FAR_WHAT_WAKE_GRANT, news->kind, why);
  bool is_long = news->kind == FARSIDE_WAKE_PROCESSING;
  if (device->host->app.state <= FAR_APP_SUSPENDED) {
    far_audit_granted(&device->audit, now_ms(device));
    device->is_long_run =
        is_long && rule(device, FAR_PROCESSING_NEEDS_IDLE) != 0;
  }
  (void)rouse(device, is_long ? "processing" : "fetch",
              is_long ? "the system granted long work"
                      : "the system granted a refresh");
}

static bool step_wakes(far_device *device) {
  far_wake_news news;
  if (!far_wakes_step(&device->wakes, &device->world, now_ms(device), &news))
    return false;
  if (news.is_granted)
    grant(device, &news);
  else
    note_wake(device, FAR_WHAT_WAKE_WAIT, news.kind, news.why);
  if (news.is_out_of_quota)
    far_audit_out_of_quota(
        &device->audit, far_bucket_name(device->world.bucket), now_ms(device));
  return true;
}

static bool step_expiry(far_device *device) {
  if (device->expiry_ms > now_ms(device))
    return false;
  device->expiry_ms = FAR_NEVER;
  far_life_hurry(device->host, "the system takes its time back early");
  return true;
}

// What the world and the OS do now; the app comes after them.
static void act(far_device *device) {
  far_change change;
  bool has_acted;
  do {
    has_acted = step_flap(device) || step_expiry(device);
    while (far_world_step(&device->world, now_ms(device), &change)) {
      note_change(device, &change);
      has_acted = true;
    }
    has_acted = far_answers_step(device->answers) || has_acted;
    has_acted = step_push(device) || has_acted;
    has_acted = step_wakes(device) || has_acted;
  } while (has_acted);
}

// What the app has become is part of the world.
static void look(far_device *device) {
  far_app_state state = device->host->app.state;
  far_world_use(&device->world, state > FAR_APP_BACKGROUND, now_ms(device));
  if (state > FAR_APP_BACKGROUND)
    device->is_in_front = true; // Also where somebody else has said so.
  if (state == FAR_APP_BACKGROUND && device->seen != state) {
    device->expiry_ms = cut_ms(device);
    foresee(device);
  }
  device->seen = state;
  if (state == FAR_APP_BACKGROUND)
    return;
  device->expiry_ms = FAR_NEVER;
  device->is_long_run = false;
  far_wakes_end_run(&device->wakes, now_ms(device));
}

static uint64_t lesser(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static uint64_t next_ms(const far_device *device) {
  const far_world *world = &device->world;
  uint64_t next = lesser(device->flap_ms, far_world_next_ms(world));
  next = lesser(next, device->expiry_ms);
  return lesser(next, far_wakes_next_ms(&device->wakes, world, now_ms(device)));
}

void far_device_settle(far_device *device) {
  do {
    act(device);
    far_host_step(device->host, FAR_NEVER);
    look(device);
  } while (far_host_has_work(device->host) ||
           next_ms(device) <= now_ms(device));
}

void far_device_advance(far_device *device, uint64_t ms) {
  farside_host *host = device->host;
  uint64_t target_ms = now_ms(device) + ms;
  for (;;) {
    far_device_settle(device);
    uint64_t next = lesser(far_host_next_ms(host), next_ms(device));
    if (next > target_ms)
      break;
    if (next > now_ms(device))
      far_clock_set(device->clock, next);
  }
  far_clock_set(device->clock, target_ms);
}

// -- The user and the app -----------------------------------------------------

farside_status far_device_launch(far_device *device, const char *reason) {
  farside_host *host = device->host;
  if (host->app.state != FAR_APP_GONE)
    return far_host_fail(host, FARSIDE_BUSY,
                         "the app is running: kill it or quit it first");
  take_to_front(device);
  far_life_launch(host, reason, "the user opened the app");
  return FARSIDE_OK;
}

void far_device_press_home(far_device *device) {
  if (!device->world.on[FAR_SWITCH_LOCKED]) {
    set(device, FAR_SWITCH_COVERED, false);
    device->is_in_front = false;
  }
  if (device->host->app.state > FAR_APP_BACKGROUND)
    far_life_move(device->host, FAR_APP_BACKGROUND,
                  "the user pressed the home button");
  far_device_settle(device);
}

farside_status far_device_open_app(far_device *device) {
  if (device->host->app.state == FAR_APP_GONE)
    return far_host_fail(device->host, FARSIDE_INVALID,
                         "the app is not running: launch it");
  take_to_front(device);
  far_life_move(device->host, FAR_APP_ACTIVE, "the user came back to the app");
  far_device_settle(device);
  return FARSIDE_OK;
}

void far_device_kill(far_device *device, const char *why) {
  device->is_in_front = false;
  if (device->host->app.state != FAR_APP_GONE)
    far_life_end(device->host, FAR_WHAT_APP_KILL, why);
  look(device);
}

static void end_by_user(far_device *device) {
  farside_host *host = device->host;
  device->is_in_front = false;
  if (host->app.state == FAR_APP_SUSPENDED)
    far_device_kill(device, "the user ended it; a suspended app is not told");
  else
    far_life_terminate(host, "user", -1);
}

void far_device_quit(far_device *device) {
  end_by_user(device);
  far_device_settle(device);
}

// Where the profile does not say so for certain, the vendor of the phone
// decides what a swipe means: that is the seed's.
static bool is_forced_by_swipe(far_device *device) {
  const far_value *swipe =
      far_policy_value(device->world.profile, FAR_SWIPE_BLOCKS_BACKGROUND);
  if (swipe->value != 0 || swipe->mark == FAR_ABSENT)
    return swipe->value != 0;
  return far_device_draw(device, 0, 1, true) != 0;
}

void far_device_swipe_away(far_device *device) {
  take_in_hand(device);
  set(device, FAR_SWITCH_COVERED, false);
  if (is_forced_by_swipe(device))
    set(device, FAR_SWITCH_FORCE_QUIT, true);
  else
    note(device, FAR_WHAT_DEVICE_SWIPE,
         "the user swiped the app away; it may be woken again");
  end_by_user(device);
  far_device_settle(device);
}

void far_device_lock(far_device *device) {
  set(device, FAR_SWITCH_LOCKED, true);
  if (device->host->app.state > FAR_APP_BACKGROUND)
    far_life_move(device->host, FAR_APP_BACKGROUND, "the screen went off");
  far_device_settle(device);
}

// Where the app is while the user looks at it.
static far_app_state in_sight(const far_device *device) {
  return device->world.on[FAR_SWITCH_COVERED] ? FAR_APP_INACTIVE
                                              : FAR_APP_ACTIVE;
}

void far_device_unlock(far_device *device) {
  take_in_hand(device);
  if (device->is_in_front)
    far_life_move(device->host, in_sight(device), "the phone was unlocked");
  else if (device->is_long_run)
    far_life_hurry(device->host, "the phone is in use, and long work ends");
  far_device_settle(device);
}

void far_device_cover(far_device *device, bool is_covered) {
  set(device, FAR_SWITCH_COVERED, is_covered);
  if (device->host->app.state > FAR_APP_BACKGROUND)
    far_life_move(device->host, in_sight(device), NULL);
  far_device_settle(device);
}

// -- The world ----------------------------------------------------------------

void far_device_switch(far_device *device, far_switch which, bool is_on) {
  set(device, which, is_on);
  far_device_settle(device);
}

void far_device_set_battery(far_device *device, int permille) {
  far_change change;
  if (far_world_set_battery(&device->world, permille, &change))
    note_change(device, &change);
  far_device_settle(device);
}

void far_device_set_network(far_device *device, farside_network network) {
  far_change change;
  device->flap_ms = FAR_NEVER;
  if (far_world_set_network(&device->world, network, NULL, &change))
    note_change(device, &change);
  far_device_settle(device);
}

void far_device_flap(far_device *device, uint64_t for_ms) {
  if (device->flap_ms == FAR_NEVER)
    device->steady = device->world.network == FARSIDE_NETWORK_NONE
                         ? FARSIDE_NETWORK_WIFI
                         : device->world.network;
  device->flap_ms = now_ms(device);
  device->flap_until_ms = now_ms(device) + for_ms;
  far_device_settle(device);
}

void far_device_reboot(far_device *device) {
  far_change change;
  far_device_kill(device, "the phone was switched off");
  far_world_reboot(&device->world, &change);
  note_change(device, &change);
  far_device_settle(device);
}

// What all scripts need, once their garbage is gone; zero where that is so
// little that the OS would not mind it.
static uint64_t heap_needed(far_device *device, const far_script **most) {
  farside_host *host = device->host;
  uint64_t least = far_audit_warn_bytes(&device->audit);
  if (far_scripts_heap(host, most) < least)
    return 0;
  for (far_list *link = host->scripts.next; link != &host->scripts;
       link = link->next)
    far_script_collect(far_list_item(link, far_script, link));
  far_device_settle(device);
  uint64_t bytes = far_scripts_heap(host, most);
  return bytes < least ? 0 : bytes;
}

// Tells the app, and looks at what it does.
static void warn_of_memory(far_device *device, const char *json) {
  const far_script *most;
  uint64_t before = heap_needed(device, &most);
  (void)farside_post(device->host, "memoryWarning", json);
  far_device_settle(device);
  if (before == 0)
    return;
  uint64_t after = heap_needed(device, &most);
  far_whom whom = {.script = most ? most->name : NULL};
  far_audit_trimmed(&device->audit, &whom, before, after, now_ms(device));
}

void far_device_low_memory(far_device *device, const char *level) {
  far_host_notef(device->host, FAR_WHAT_DEVICE_MEMORY, FARSIDE_INFO, NULL, NULL,
                 "memory is short: %s", level);
  far_app_state state = device->host->app.state;
  char json[64];
  snprintf(json, sizeof json, "{\"level\":\"%s\"}", level);
  // What sleeps is killed at once, or not at all.
  if (state != FAR_APP_SUSPENDED)
    warn_of_memory(device, json);
  else if (far_device_draw(device, 0, 1, true) == 0)
    far_device_kill(device, "the system was short of memory");
  far_device_settle(device);
}

farside_status far_device_open_url(far_device *device, const char *url) {
  farside_host *host = device->host;
  char json[2100];
  int bytes = snprintf(json, sizeof json, "{\"url\":\"%s\"}", url);
  if (bytes < 0 || (size_t)bytes >= sizeof json)
    return far_host_fail(host, FARSIDE_INVALID, "the URL is too long");
  if (host->app.state == FAR_APP_GONE && device->source == NULL)
    return far_host_fail(host, FARSIDE_INVALID,
                         "no app is installed: launch it once");
  take_to_front(device);
  note(device, FAR_WHAT_DEVICE_URL, url);
  farside_status status = FARSIDE_OK;
  bool is_first = device->is_url_first;
  if (host->app.state == FAR_APP_GONE) {
    far_life_launch(host, "url", "a URL was opened");
    status = load_installed(device);
    is_first = false;
  }
  if (is_first) {
    status = farside_post(host, "appUrlOpen", json);
    far_host_step(host, FAR_NEVER); // It is heard behind; then the app comes.
  }
  far_life_move(host, FAR_APP_ACTIVE, "a URL was opened");
  if (status == FARSIDE_OK && !is_first)
    status = farside_post(host, "appUrlOpen", json);
  far_device_settle(device);
  return status;
}

// -- Pushes -------------------------------------------------------------------

// Why the OS drops a push; NULL: it does not.
static const char *push_is_dropped(const far_device *device) {
  const far_world *world = &device->world;
  if (world->on[FAR_SWITCH_SEALED])
    return "dropped: the phone was not unlocked since it was switched on";
  if (world->on[FAR_SWITCH_FORCE_QUIT] &&
      rule(device, FAR_FORCE_QUIT_BLOCKS_BACKGROUND) != 0)
    return "dropped: the user has ended the app by force";
  if (world->on[FAR_SWITCH_REFRESH_OFF])
    return "dropped: background refresh is switched off";
  if (world->on[FAR_SWITCH_LOW_POWER] &&
      rule(device, FAR_LOW_POWER_BLOCKS_FETCH) != 0)
    return "dropped: low power mode is on";
  return NULL;
}

static bool is_over_cap(const far_device *device) {
  uint64_t most = rule(device, FAR_PUSH_PER_HOUR_MAX);
  if (most == 0 || device->pushes < most || most > PUSHES_MAX)
    return false;
  uint64_t before_ms = device->pushes_ms[(device->pushes - most) % PUSHES_MAX];
  return now_ms(device) - before_ms < HOUR_MS;
}

static farside_status drop_push(far_device *device, farside_status status,
                                const char *why) {
  far_host_note(device->host, FAR_WHAT_DEVICE_PUSH, FARSIDE_WARN, NULL, NULL,
                why);
  return far_host_fail(device->host, status, "the push was %s", why);
}

farside_status far_device_push(far_device *device) {
  far_audit_pushed(&device->audit, now_ms(device));
  const char *why = push_is_dropped(device);
  if (why != NULL)
    return drop_push(device, FARSIDE_DENIED, why);
  if (is_over_cap(device))
    return drop_push(device, FARSIDE_LIMIT,
                     "dropped: there were too many within an hour");
  why = push_waits_for(device);
  if (why == NULL)
    deliver_push(device);
  else if (device->push_waits == NULL) // The newest stands for all.
    note(device, FAR_WHAT_DEVICE_PUSH, why);
  device->push_waits = why;
  far_device_settle(device);
  return FARSIDE_OK;
}

void far_device_expire(far_device *device) {
  far_life_hurry(device->host, "the system takes its time back");
  far_device_settle(device);
}

// -- The clock on the wall ----------------------------------------------------

int64_t far_device_wall_ms(far_device *device) {
  return device->clock->wall_ms(device->clock);
}

void far_device_move_clock(far_device *device, int64_t by_ms) {
  far_change change;
  far_world_move_clock(&device->world, by_ms, &change);
  far_clock_move_wall(device->clock, by_ms);
  note_change(device, &change);
  far_device_settle(device);
}

void far_device_set_zone(far_device *device, const far_zone *zone) {
  far_change change;
  if (far_world_set_zone(&device->world, zone, &change))
    note_change(device, &change);
  far_device_settle(device);
}

uint64_t far_device_until_ms(far_device *device, int day_s) {
  const far_zone *zone = &device->world.zone;
  int64_t wall_ms = far_device_wall_ms(device);
  int64_t wall_s = wall_ms / 1000;
  int64_t local_s = wall_s + far_zone_offset(zone, wall_s, NULL);
  int64_t midnight_s = local_s - (local_s % DAY_S + DAY_S) % DAY_S;
  for (int64_t day = midnight_s;; day += DAY_S) {
    int64_t when_ms = far_zone_instant(zone, day + day_s, -1) * 1000;
    if (when_ms > wall_ms)
      return (uint64_t)(when_ms - wall_ms);
  }
}

// -- Wake-ups -----------------------------------------------------------------

farside_status far_device_schedule_wake(far_device *device, farside_wake kind,
                                        uint64_t after_ms, bool needs_network,
                                        bool needs_charging) {
  uint64_t now = now_ms(device);
  far_profile profile = device->world.profile;
  uint64_t earliest_ms =
      far_wakes_earliest(&device->wakes, profile, kind, now, after_ms);
  uint64_t most_ms = rule(device, FAR_FETCH_DELAY_MAX);
  uint64_t delay_ms = far_device_draw(device, 0, most_ms, true);
  bool is_refused = delay_ms == FAR_NEVER;
  if (is_refused || device->has_late_wakes)
    delay_ms = most_ms;
  far_wake wake = {.kind = kind,
                   .needs_network = needs_network,
                   .needs_charging = needs_charging,
                   .is_refused = is_refused,
                   .asked_ms = now,
                   .grant_ms = earliest_ms + delay_ms};
  if (!far_wakes_add(&device->wakes, profile, &wake)) {
    far_audit_too_many_wakes(&device->audit, far_wake_name(kind), now);
    return far_host_fail(device->host, FARSIDE_LIMIT,
                         "too many requests of that kind wait already");
  }
  far_host_notef(device->host, FAR_WHAT_WAKE_PLAN, FARSIDE_INFO, NULL, NULL,
                 "%s: at the soonest in %.3f s%s", far_wake_name(kind),
                 (double)(earliest_ms - now) / 1000,
                 earliest_ms > now + after_ms
                     ? ", which is the least after the one before"
                     : "");
  return FARSIDE_OK;
}

void far_device_cancel_wake(far_device *device, farside_wake kind) {
  if (far_wakes_cancel(&device->wakes, kind))
    note_wake(device, FAR_WHAT_WAKE_CANCEL, kind, "taken back");
}

// -- What is computed ---------------------------------------------------------

farside_status far_device_set_cost(far_device *device, const char *name,
                                   uint64_t ms) {
  if (far_audit_set_cost(&device->audit, name, ms))
    return FARSIDE_OK;
  return far_host_fail(device->host, FARSIDE_LIMIT,
                       "the cost of %d names can be set, and no more",
                       FAR_AUDIT_COSTS);
}
