// What this machine is like: its power, by files that are made here; and that
// work which waits for the machine is looked at again, and keeps a host alive.

#include "check.h"
#include "dispatch.h"
#include "host.h"
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// -- Power --------------------------------------------------------------------

static char folder[] = "/tmp/far_machine_XXXXXX";

static void write_file(const char *supply, const char *name, const char *text) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, supply);
  mkdir(path, 0700);
  snprintf(path, sizeof path, "%s/%s/%s", folder, supply, name);
  FILE *file = fopen(path, "w");
  if (file == NULL)
    return;
  fprintf(file, "%s\n", text);
  fclose(file);
}

static void write_battery(const char *status, const char *capacity) {
  write_file("BAT0", "type", "Battery");
  write_file("BAT0", "status", status);
  write_file("BAT0", "capacity", capacity);
}

static void expect_power(bool is_charging, bool is_ok, const char *what) {
  farside_conditions now = {.is_idle = true};
  far_machine_power(folder, &now);
  check_in(now.is_charging == is_charging, what);
  check_in(now.is_battery_ok == is_ok, what);
}

static void test_power(void) {
  expect_power(true, true, "an empty folder");
  write_file("mouse", "type", "Battery");
  write_file("mouse", "scope", "Device");
  write_file("mouse", "status", "Discharging");
  write_file("mouse", "capacity", "1");
  expect_power(true, true, "a mouse");
  write_battery("Discharging", "80");
  expect_power(false, true, "80 %");
  write_battery("Discharging", "15");
  expect_power(false, false, "15 %");
  write_battery("Discharging", "16");
  expect_power(false, true, "16 %");
  write_battery("Charging", "3");
  expect_power(true, true, "charging");
  write_battery("Full", "100");
  expect_power(true, true, "full");
  write_battery("Discharging", "3");
  write_file("AC", "type", "Mains");
  write_file("AC", "online", "0");
  expect_power(false, false, "pulled");
  write_file("AC", "online", "1");
  expect_power(true, true, "plugged in");
  char command[128];
  snprintf(command, sizeof command, "rm -r %s", folder);
  check(system(command) == 0);
  expect_power(true, true, "no folder");
}

static void test_machine(void) {
  farside_conditions now = {.is_idle = true};
  far_machine_conditions("/", &now);
  check(!now.is_idle);
  check(now.network == FARSIDE_NETWORK_NONE ||
        now.network == FARSIDE_NETWORK_WIFI);
  far_machine_conditions("/no/such/disk", &now);
  check(now.is_storage_ok);
}

// -- Waiting ------------------------------------------------------------------

static void conditions(void *self, farside_conditions *now) {
  *now = *(farside_conditions *)self;
}

static const char script[] =
    "local BackgroundTask = require('farside').Plugins.BackgroundTask\n"
    "BackgroundTask.define('sync', { run = function() end })\n"
    "BackgroundTask.enqueue('sync', nil, { needs = { network = 'connected' } "
    "})";

static void test_waiting(void) {
  farside_conditions world = {.network = FARSIDE_NETWORK_NONE};
  const farside_platform platform = {.version = FARSIDE_PLATFORM_VERSION,
                                     .self = &world,
                                     .conditions = conditions};
  farside_config config;
  farside_config_init(&config);
  config.platform = &platform;
  config.exit_when_idle = true;
  farside_host *host;
  farside_stats stats;
  check(farside_host_open(&config, &host) == FARSIDE_OK);
  check(farside_open_store(host, NULL) == FARSIDE_OK);
  check(farside_load_buffer(host, "app", script, sizeof script - 1, 0, NULL) ==
        FARSIDE_OK);
  far_host_step(host, FAR_NEVER);
  farside_get_stats(host, &stats);
  check(stats.tasks_begun == 0);
  check(!far_host_is_idle(host));
  check(far_host_next_ms(host) <= far_host_now_ms(host) + 60 * 1000);
  world.network = FARSIDE_NETWORK_METERED;
  far_queue_look_again(&host->queue); // As it does by itself in a minute.
  check(farside_run(host) == FARSIDE_OK);
  farside_get_stats(host, &stats);
  check(stats.finished == 1);
  farside_host_close(host);
}

int main(void) {
  if (mkdtemp(folder) == NULL)
    return 1;
  test_power();
  test_machine();
  test_waiting();
  return check_end();
}
