// The pure parts of a simulated phone: chance, zones, the world and wake-ups,
// told what time it is.

#include "chance.h"
#include "check.h"
#include "device.h"
#include "wake.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

// -- Chance -------------------------------------------------------------------

static void test_chance(void) {
  far_chance one, two;
  far_chance_init(&one, 0, FAR_CHANCE_RANDOM, 10);
  // The published numbers of SplitMix64.
  check(far_chance_next(&one) == UINT64_C(0xe220a8397b1dcdaf));
  check(far_chance_next(&one) == UINT64_C(0x6e789e6aa1b965f4));
  far_chance_init(&one, 7, FAR_CHANCE_RANDOM, 10);
  far_chance_init(&two, 7, FAR_CHANCE_RANDOM, 10);
  bool is_same = true, is_within = true;
  int refused = 0, ends = 0;
  for (int i = 0; i < 10000; i++) {
    uint64_t drawn = far_chance_draw(&one, 5, 9, true);
    is_same = is_same && drawn == far_chance_draw(&two, 5, 9, true);
    is_within = is_within && (drawn == FAR_NEVER || (drawn >= 5 && drawn <= 9));
    refused += drawn == FAR_NEVER;
    ends += drawn == 5 || drawn == 9;
    is_within = is_within && far_chance_draw(&one, 3, 3, false) == 3;
    far_chance_draw(&two, 3, 3, false);
  }
  check(is_same);
  check(is_within);
  check(refused > 800 && refused < 1200);
  check(ends > 3000 && ends < 4200);
}

static void test_policies(void) {
  far_chance chance;
  far_chance_init(&chance, 1, FAR_CHANCE_EARLIEST, 10);
  check(far_chance_draw(&chance, 5, 9, true) == 5);
  chance.policy = FAR_CHANCE_LATEST;
  check(far_chance_draw(&chance, 5, 9, true) == 9);
  chance.policy = FAR_CHANCE_NEVER;
  check(far_chance_draw(&chance, 5, 9, true) == FAR_NEVER);
  check(far_chance_draw(&chance, 5, 9, false) == 9);
  far_chance_policy policy;
  for (int i = 0; i < FAR_CHANCE_POLICIES; i++)
    check(far_chance_find(far_chance_name((far_chance_policy)i), &policy) &&
          (int)policy == i);
  check(!far_chance_find("always", &policy));
}

// -- Zones --------------------------------------------------------------------

static int64_t utc(int year, int month, int day, int hour, int minute) {
  struct tm date = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute};
  return timegm(&date);
}

static const char *const zones[] = {
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "EST5EDT,M3.2.0,M11.1.0",
    "AEST-10AEDT,M10.1.0,M4.1.0/3",
    "<-04>4<-03>,M9.1.6/24,M4.1.6/24",
    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    "NST3:30NDT,M3.2.0,M11.1.0",
    "WET0WEST,J60/1:30,300/-2",
    "<+0545>-5:45",
    "ABC12:59:30",
};

// The C library reads the same rules: it is the model.
static void test_model(void) {
  for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
    far_zone zone;
    check_in(far_zone_read(zones[z], &zone), zones[z]);
    setenv("TZ", zones[z], 1);
    tzset();
    bool agrees = true, returns = true;
    for (time_t at = utc(1995, 1, 1, 0, 0); at < utc(2040, 1, 1, 0, 0);
         at += 3 * 3600 + 1231) {
      struct tm date;
      localtime_r(&at, &date);
      bool is_summer;
      int offset = far_zone_offset(&zone, at, &is_summer);
      agrees = agrees && offset == date.tm_gmtoff &&
               is_summer == (date.tm_isdst > 0);
      returns =
          returns && far_zone_instant(&zone, at + offset, is_summer) == at;
    }
    check_in(agrees, zones[z]);
    check_in(returns, zones[z]);
  }
}

// The hours that are skipped, and those that come twice.
static void test_changes(void) {
  far_zone zone;
  check(far_zone_read("Europe/Berlin", &zone));
  check(far_zone_offset(&zone, utc(2026, 3, 29, 0, 59), NULL) == 3600);
  check(far_zone_offset(&zone, utc(2026, 3, 29, 1, 0), NULL) == 7200);
  check(far_zone_offset(&zone, utc(2026, 10, 25, 0, 59), NULL) == 7200);
  check(far_zone_offset(&zone, utc(2026, 10, 25, 1, 0), NULL) == 3600);
  // 02:30 is skipped: it is 03:30 of summer time.
  check(far_zone_instant(&zone, utc(2026, 3, 29, 2, 30), -1) ==
        utc(2026, 3, 29, 1, 30));
  int64_t twice = utc(2026, 10, 25, 2, 30);
  check(far_zone_instant(&zone, twice, -1) == utc(2026, 10, 25, 0, 30));
  check(far_zone_instant(&zone, twice, 1) == utc(2026, 10, 25, 0, 30));
  check(far_zone_instant(&zone, twice, 0) == utc(2026, 10, 25, 1, 30));
}

static void test_zone_names(void) {
  static const char *const bad[] = {"",
                                    "CET",
                                    "CE-1",
                                    "CET-1CEST",
                                    "Mars/Base",
                                    "CET-25",
                                    "CET-1CEST,M3",
                                    "CET-1CEST,M3.5.0",
                                    "<CET-1",
                                    "CET-1 ",
                                    "CET-1CEST,M13.5.0,M10.5.0",
                                    "CET-1CEST,M3.6.0,M10.5.0",
                                    "CET-1CEST,M3.5.7,M10.5.0",
                                    "CET-1CEST,J0,J366",
                                    "CET-1CEST,366,1",
                                    "CET-1CEST,M3.5.0,M10.5.0/3x",
                                    "ABCDEFGHIJKLM1"};
  far_zone zone;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    check_in(!far_zone_read(bad[i], &zone), bad[i]);
  const char *before = "";
  for (size_t i = 0; far_zone_place(i) != NULL; i++) {
    const char *place = far_zone_place(i);
    check_in(far_zone_read(place, &zone), place);
    check_in(strcmp(zone.name, place) == 0, place);
    check_in(strcmp(before, place) < 0 || strcmp(before, "UTC") == 0, place);
    before = place;
  }
  // Years far away end, and do not overflow.
  far_zone_read("Europe/Berlin", &zone);
  far_zone_offset(&zone, INT64_C(60000000000000000), NULL);
  far_zone_offset(&zone, -INT64_C(60000000000000000), NULL);
  check(zone.summer_s == 7200);
}

// -- The world ----------------------------------------------------------------

static void set(far_world *world, far_switch which, bool is_on, uint64_t now) {
  far_change change;
  far_world_set(world, which, is_on, now, &change);
}

// Steps to an instant; returns how many changes there were.
static int run_to(far_world *world, uint64_t now) {
  far_change change;
  int changes = 0;
  for (;;) {
    uint64_t next = far_world_next_ms(world);
    if (next > now)
      break;
    // Zero: it is overdue, because somebody has changed something.
    check(far_world_step(world, next == 0 ? now : next, &change));
    changes++;
  }
  check(!far_world_step(world, now, &change));
  return changes;
}

static void test_doze(void) {
  far_world world;
  far_world_init(&world, FAR_PROFILE_ANDROID);
  check(far_world_next_ms(&world) == 12 * (uint64_t)HOUR); // Its bucket.
  set(&world, FAR_SWITCH_LOCKED, true, 0);
  check(far_world_next_ms(&world) == 4 * MINUTE);
  static const struct {
    uint64_t at_ms;
    far_doze doze;
  } night[] = {
      {4 * MINUTE - 1, FAR_DOZING_NOT},
      {4 * MINUTE, FAR_DOZING_LIGHT},
      {9 * MINUTE, FAR_DOZING_LIGHT_WINDOW},
      {10 * MINUTE, FAR_DOZING_LIGHT},
      {20 * MINUTE, FAR_DOZING_LIGHT_WINDOW},
      {21 * MINUTE, FAR_DOZING_LIGHT},
      {36 * MINUTE, FAR_DOZING_LIGHT_WINDOW},
      {37 * MINUTE, FAR_DOZING_LIGHT},
      {52 * MINUTE, FAR_DOZING_LIGHT_WINDOW},
      {64 * MINUTE + 30000, FAR_DOZING_DEEP},
      {124 * MINUTE + 30000, FAR_DOZING_DEEP_WINDOW},
      {129 * MINUTE + 30000, FAR_DOZING_DEEP},
      {249 * MINUTE + 30000, FAR_DOZING_DEEP_WINDOW},
      {259 * MINUTE + 30000, FAR_DOZING_DEEP},
      {499 * MINUTE + 30000, FAR_DOZING_DEEP_WINDOW},
      {509 * MINUTE + 30000, FAR_DOZING_DEEP},
      {869 * MINUTE + 30000, FAR_DOZING_DEEP_WINDOW},
      {879 * MINUTE + 30000, FAR_DOZING_DEEP},
      {1239 * MINUTE + 30000, FAR_DOZING_DEEP_WINDOW}, // Six hours at most.
  };
  for (size_t i = 0; i < sizeof night / sizeof *night; i++) {
    run_to(&world, night[i].at_ms);
    check_in(world.doze == night[i].doze, far_doze_name(night[i].doze));
  }
  check(far_world_conditions(&world).network == FARSIDE_NETWORK_WIFI);
  run_to(&world, 1250 * MINUTE);
  check(far_world_conditions(&world).network == FARSIDE_NETWORK_NONE);
  // Moved: deep Doze ends, and the light one begins anew.
  set(&world, FAR_SWITCH_MOVING, true, 1250 * MINUTE);
  run_to(&world, 1250 * MINUTE);
  check(world.doze == FAR_DOZING_NOT);
  run_to(&world, 1254 * MINUTE);
  check(world.doze == FAR_DOZING_LIGHT);
  run_to(&world, 1254 * MINUTE + 6 * (uint64_t)HOUR);
  check(world.doze == FAR_DOZING_LIGHT ||
        world.doze == FAR_DOZING_LIGHT_WINDOW);
  set(&world, FAR_SWITCH_PLUGGED, true, 1650 * MINUTE);
  run_to(&world, 3 * (uint64_t)DAY);
  check(world.doze == FAR_DOZING_NOT);
}

static void test_no_doze(void) {
  static const far_profile without[] = {FAR_PROFILE_IOS, FAR_PROFILE_DESKTOP};
  for (size_t i = 0; i < 2; i++) {
    far_world world;
    far_world_init(&world, without[i]);
    set(&world, FAR_SWITCH_LOCKED, true, 0);
    check(far_world_next_ms(&world) == FAR_NEVER);
    check(run_to(&world, 100 * (uint64_t)DAY) == 0);
  }
}

static void test_buckets(void) {
  far_world world;
  far_world_init(&world, FAR_PROFILE_STRICT);
  far_world_use(&world, true, HOUR);
  far_world_use(&world, false, 2 * HOUR);
  static const uint64_t hours[] = {12, 24, 48, 8 * 24};
  for (int i = 0; i < 4; i++) {
    run_to(&world, (2 + hours[i]) * HOUR - 1);
    check((int)world.bucket == i);
    run_to(&world, (2 + hours[i]) * HOUR);
    check((int)world.bucket == i + 1);
  }
  check(far_world_next_ms(&world) == FAR_NEVER);
  far_world_use(&world, true, 300 * (uint64_t)HOUR);
  run_to(&world, 300 * (uint64_t)HOUR);
  check(world.bucket == FAR_BUCKET_ACTIVE);
  run_to(&world, 3000 * (uint64_t)HOUR); // While it is used, it stays.
  check(world.bucket == FAR_BUCKET_ACTIVE);
}

static void test_changes_told(void) {
  far_world world;
  far_change change;
  far_world_init(&world, FAR_PROFILE_IOS);
  check(!far_world_set_network(&world, FARSIDE_NETWORK_WIFI, NULL, &change));
  check(far_world_set_network(&world, FARSIDE_NETWORK_NONE, "tunnel", &change));
  check(strcmp(change.why, "none, was wifi: tunnel") == 0);
  check(!far_world_set_battery(&world, 1000, &change));
  check(far_world_set_battery(&world, 200, &change));
  check(strcmp(change.why, "the battery has 20.0 %: it is low") == 0);
  check(!far_world_conditions(&world).is_battery_ok);
  set(&world, FAR_SWITCH_PLUGGED, true, 0);
  check(far_world_conditions(&world).is_battery_ok);
  for (int i = 0; i < FAR_SWITCHES; i++) {
    bool is_on = world.on[i];
    check(!far_world_set(&world, (far_switch)i, is_on, 0, &change));
    check(far_world_set(&world, (far_switch)i, !is_on, 0, &change));
    check(strlen(change.why) > 10);
  }
}

// Any user, any order: time only moves on, and an instant comes to its end.
static void test_any_user(void) {
  far_chance chance;
  far_chance_init(&chance, 3, FAR_CHANCE_RANDOM, 0);
  for (int profile = 0; profile < FAR_PROFILES; profile++) {
    far_world world;
    far_world_init(&world, (far_profile)profile);
    uint64_t now = 0;
    bool is_fine = true;
    for (int i = 0; i < 20000; i++) {
      now += far_chance_draw(&chance, 0, 40 * MINUTE, false);
      far_switch which =
          (far_switch)far_chance_draw(&chance, 0, FAR_SWITCHES - 1, false);
      set(&world, which, far_chance_next(&chance) % 2, now);
      far_world_use(&world, far_chance_next(&chance) % 50 == 0, now);
      far_change change;
      int steps = 0;
      while (far_world_step(&world, now, &change))
        steps++;
      // A step that is late does not fall behind for ever.
      is_fine = is_fine && steps < 4000 && far_world_next_ms(&world) > now;
      is_fine =
          is_fine &&
          (world.doze == FAR_DOZING_NOT ||
           (world.on[FAR_SWITCH_LOCKED] && !world.on[FAR_SWITCH_PLUGGED]));
    }
    check_in(is_fine, far_profile_name((far_profile)profile));
  }
}

// -- Wake-ups -----------------------------------------------------------------

static void ask(far_wakes *wakes, const far_world *world, farside_wake kind,
                uint64_t at_ms) {
  far_wake wake = {.kind = kind, .grant_ms = at_ms};
  check(far_wakes_add(wakes, world->profile, &wake));
}

static const char *answer(far_wakes *wakes, const far_world *world,
                          uint64_t now_ms) {
  far_wake_news news;
  if (!far_wakes_step(wakes, world, now_ms, &news))
    return NULL;
  return news.is_granted ? "granted" : news.why;
}

static void test_refresh(void) {
  far_world world;
  static far_wakes wakes;
  far_world_init(&world, FAR_PROFILE_IOS);
  far_wakes_init(&wakes);
  check(far_wakes_next_ms(&wakes, &world, 0) == FAR_NEVER);
  ask(&wakes, &world, FARSIDE_WAKE_REFRESH, 100);
  ask(&wakes, &world, FARSIDE_WAKE_REFRESH, 200);
  check(wakes.count == 1);
  check(far_wakes_next_ms(&wakes, &world, 0) == 200);
  check(answer(&wakes, &world, 199) == NULL);
  check(strcmp(answer(&wakes, &world, 200), "granted") == 0);
  check(answer(&wakes, &world, 200) == NULL);
  check(far_wakes_earliest(&wakes, FAR_PROFILE_IOS, FARSIDE_WAKE_REFRESH, 300,
                           5) == 200 + 15 * MINUTE);
  check(far_wakes_earliest(&wakes, FAR_PROFILE_IOS, FARSIDE_WAKE_PROCESSING,
                           300, 5) == 305);
}

// Each reason is told once, and again when it has changed.
static void test_reasons(void) {
  static const far_switch blocks[] = {FAR_SWITCH_SEALED, FAR_SWITCH_FORCE_QUIT,
                                      FAR_SWITCH_REFRESH_OFF,
                                      FAR_SWITCH_LOW_POWER};
  static far_wakes wakes;
  for (size_t i = 0; i < 4; i++) {
    far_world world;
    far_world_init(&world, FAR_PROFILE_STRICT);
    far_wakes_init(&wakes);
    ask(&wakes, &world, FARSIDE_WAKE_REFRESH, 10);
    set(&world, blocks[i], true, 0);
    const char *why = answer(&wakes, &world, 10);
    check(why != NULL && strcmp(why, "granted") != 0);
    check(answer(&wakes, &world, 10) == NULL);
    check(far_wakes_next_ms(&wakes, &world, 10) == FAR_NEVER);
    set(&world, blocks[i], false, 0);
    check(strcmp(answer(&wakes, &world, 20), "granted") == 0);
  }
}

static void test_long_work(void) {
  static far_wakes wakes;
  far_world world;
  far_world_init(&world, FAR_PROFILE_IOS);
  far_wakes_init(&wakes);
  for (int i = 0; i < 10; i++)
    ask(&wakes, &world, FARSIDE_WAKE_PROCESSING, 10);
  far_wake more = {.kind = FARSIDE_WAKE_PROCESSING};
  check(!far_wakes_add(&wakes, world.profile, &more));
  for (int i = 0; i < 10; i++)
    check(strstr(answer(&wakes, &world, 10), "in use") != NULL);
  // By design, a force quit does not stop it there.
  set(&world, FAR_SWITCH_FORCE_QUIT, true, 10);
  set(&world, FAR_SWITCH_LOCKED, true, 10);
  for (int i = 0; i < 10; i++)
    check(strcmp(answer(&wakes, &world, 10), "granted") == 0);
  check(wakes.count == 0);
  check(!far_wakes_cancel(&wakes, FARSIDE_WAKE_PROCESSING));
}

// Ten minutes in four hours: what was used comes back as it leaves the window.
static void test_quota(void) {
  static far_wakes wakes;
  far_world world;
  far_world_init(&world, FAR_PROFILE_ANDROID);
  world.bucket = FAR_BUCKET_WORKING;
  far_wakes_init(&wakes);
  far_wakes_begin_run(&wakes, 0);
  far_wakes_end_run(&wakes, 9 * MINUTE + 45 * 1000);
  ask(&wakes, &world, FARSIDE_WAKE_REFRESH, 20 * MINUTE);
  check(strstr(answer(&wakes, &world, 20 * MINUTE), "used up") != NULL);
  uint64_t next = far_wakes_next_ms(&wakes, &world, 20 * MINUTE);
  check(next > 4 * (uint64_t)HOUR && next <= 4 * (uint64_t)HOUR + 30000);
  check(answer(&wakes, &world, next - 16000) == NULL);
  check(strcmp(answer(&wakes, &world, next), "granted") == 0);
  // Who charges has no quota; who is restricted has one run a day all the same.
  ask(&wakes, &world, FARSIDE_WAKE_REFRESH, HOUR);
  check(strstr(answer(&wakes, &world, HOUR), "used up") != NULL);
  set(&world, FAR_SWITCH_PLUGGED, true, HOUR);
  check(strcmp(answer(&wakes, &world, HOUR), "granted") == 0);
  world.bucket = FAR_BUCKET_RESTRICTED;
  ask(&wakes, &world, FARSIDE_WAKE_REFRESH, 2 * HOUR);
  check(strstr(answer(&wakes, &world, 2 * HOUR), "used up") != NULL);
  next = far_wakes_next_ms(&wakes, &world, 2 * HOUR);
  check(next > (uint64_t)DAY && next <= (uint64_t)DAY + HOUR);
  check(strcmp(answer(&wakes, &world, next), "granted") == 0);
}

// -- The seam -----------------------------------------------------------------

static farside_status ask_host(farside_host *host, uint64_t after_ms,
                               farside_wake kind) {
  farside_wake_request request = {.kind = kind, .after_ms = after_ms};
  return far_host_wake_at(host, &request);
}

// How often the app was woken: refreshes, and a hundred for each long work.
static int woken(farside_host *host) {
  int sum = 0;
  for (uint64_t i = host->timeline.first; i < host->timeline.count; i++) {
    const farside_entry *entry = far_timeline_get(&host->timeline, i);
    if (strcmp(entry->what, "wake.grant") == 0)
      sum += strncmp(entry->why, "refresh", 7) == 0 ? 1 : 100;
  }
  return sum;
}

// What a host asks of its platform, and is told.
static void test_seam(void) {
  far_device *device;
  far_device_config config = {.os = "strict", .policy = FAR_CHANCE_EARLIEST};
  check(far_device_open(&config, &device) == FARSIDE_OK);
  farside_host *host = far_device_host(device);
  farside_source source;
  farside_source_init(&source);
  source.code = "local n = 0";
  source.code_bytes = strlen(source.code);
  source.name = "app.lua";
  check(far_device_install(device, &source) == FARSIDE_OK);
  check(ask_host(host, HOUR, FARSIDE_WAKE_REFRESH) == FARSIDE_OK);
  check(ask_host(host, HOUR, FARSIDE_WAKE_PROCESSING) == FARSIDE_OK);
  far_device_advance(device, HOUR - 1);
  check(woken(host) == 0);
  far_device_advance(device, 1);
  check(woken(host) == 1); // The phone is in use.
  check(host->app.state == FAR_APP_SUSPENDED);
  check(!far_host_conditions(host).is_idle);
  far_device_lock(device);
  check(far_host_conditions(host).is_idle);
  check(woken(host) == 101);
  check(ask_host(host, HOUR, FARSIDE_WAKE_REFRESH) == FARSIDE_OK);
  far_host_cancel_wake(host, FARSIDE_WAKE_REFRESH);
  far_device_advance(device, DAY);
  check(woken(host) == 101);
  for (int i = 0; i < 10; i++)
    ask_host(host, HOUR, FARSIDE_WAKE_PROCESSING);
  check(ask_host(host, HOUR, FARSIDE_WAKE_PROCESSING) == FARSIDE_LIMIT);
  far_device_close(device);
}

// A platform that can do nothing of this.
static void test_no_seam(void) {
  farside_config config;
  farside_host *host;
  farside_config_init(&config);
  check(farside_host_open(&config, &host) == FARSIDE_OK);
  check(ask_host(host, 1, FARSIDE_WAKE_REFRESH) == FARSIDE_UNSUPPORTED);
  far_host_cancel_wake(host, FARSIDE_WAKE_REFRESH);
  farside_conditions now = far_host_conditions(host);
  check(now.network == FARSIDE_NETWORK_WIFI && now.is_battery_ok &&
        now.is_storage_ok && !now.is_charging && !now.is_idle);
  farside_host_close(host);
}

// -- No memory ----------------------------------------------------------------

typedef struct shortage {
  uint64_t count, fails_at;
} shortage;

static void *allocate(void *user, void *ptr, size_t bytes_old,
                      size_t bytes_new) {
  (void)bytes_old;
  shortage *mine = user;
  if (bytes_new == 0) {
    free(ptr);
    return NULL;
  }
  return ++mine->count == mine->fails_at ? NULL : realloc(ptr, bytes_new);
}

// A day on a phone whose nth allocation fails; false when it has fewer.
static bool live_without(uint64_t fails_at) {
  shortage mine = {.fails_at = fails_at};
  far_device *device;
  far_device_config config = {
      .os = "android", .allocate = allocate, .user = &mine};
  if (far_device_open(&config, &device) != FARSIDE_OK)
    return true;
  farside_source source;
  farside_source_init(&source);
  source.code = "local n = 0";
  source.code_bytes = strlen(source.code);
  source.name = "app.lua";
  if (far_device_install(device, &source) == FARSIDE_OK) {
    far_device_push(device);
    far_device_reboot(device);
    far_device_open_url(device, "app://x");
    far_device_lock(device);
    far_device_schedule_wake(device, FARSIDE_WAKE_REFRESH, HOUR, false, false);
    far_device_advance(device, DAY);
    far_device_swipe_away(device);
  }
  far_device_close(device);
  return mine.count >= fails_at;
}

static void test_shortage(void) {
  uint64_t fails_at = 1;
  while (live_without(fails_at))
    fails_at++;
  check(fails_at > 30);
}

int main(void) {
  test_chance();
  test_policies();
  test_model();
  test_changes();
  test_zone_names();
  test_doze();
  test_no_doze();
  test_buckets();
  test_changes_told();
  test_any_user();
  test_refresh();
  test_reasons();
  test_long_work();
  test_quota();
  test_seam();
  test_no_seam();
  test_shortage();
  return check_end();
}
