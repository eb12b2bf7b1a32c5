#include "device.h"

#include "far_assert.h"

// 2026-01-05 07:00:00 UTC, a Monday morning: any fixed day will do.
static const int64_t first_wall_ms = INT64_C(1767596400000);

struct far_device {
  far_memory memory; // The phone's own; the app's is the host's.
  farside_host *host;
  far_clock *clock; // Owned by the host.
};

// minimizeApp() is the home button, pressed by the app.
static int minimize(void *self) {
  const far_device *device = self;
  return farside_post(device->host, "pause", NULL) == FARSIDE_OK ? 0 : -1;
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

  farside_platform platform = {
      .version = FARSIDE_PLATFORM_VERSION, .self = fresh, .minimize = minimize};
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
  fresh->host->seed = config->seed ? config->seed : FAR_DEVICE_SEED;
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
  far_memory memory = device->memory;
  far_free(&memory, device, sizeof *device);
  far_assert(memory.used_bytes == 0);
}

farside_host *far_device_host(far_device *device) {
  return device->host;
}

farside_status far_device_launch(far_device *device, const char *reason) {
  farside_host *host = device->host;
  if (host->app.state != FAR_APP_GONE)
    return far_host_fail(host, FARSIDE_BUSY,
                         "the app is running: kill it or quit it first");
  far_life_launch(host, reason, "the user opened the app");
  return FARSIDE_OK;
}

void far_device_settle(far_device *device) {
  do
    far_host_step(device->host, FAR_NEVER);
  while (far_host_has_work(device->host));
}

void far_device_advance(far_device *device, uint64_t ms) {
  farside_host *host = device->host;
  uint64_t target_ms = far_host_now_ms(host) + ms;
  for (;;) {
    far_device_settle(device);
    uint64_t next_ms = far_host_next_ms(host);
    if (next_ms > target_ms)
      break;
    if (next_ms > far_host_now_ms(host))
      far_clock_set(device->clock, next_ms);
  }
  far_clock_set(device->clock, target_ms);
}

void far_device_press_home(far_device *device) {
  if (device->host->app.state > FAR_APP_BACKGROUND)
    far_life_move(device->host, FAR_APP_BACKGROUND,
                  "the user pressed the home button");
  far_device_settle(device);
}

farside_status far_device_open_app(far_device *device) {
  if (device->host->app.state == FAR_APP_GONE)
    return far_host_fail(device->host, FARSIDE_INVALID,
                         "the app is not running: launch it");
  far_life_move(device->host, FAR_APP_ACTIVE, "the user came back to the app");
  far_device_settle(device);
  return FARSIDE_OK;
}

void far_device_kill(far_device *device, const char *why) {
  if (device->host->app.state != FAR_APP_GONE)
    far_life_end(device->host, FAR_WHAT_APP_KILL, why);
}

void far_device_quit(far_device *device) {
  farside_host *host = device->host;
  if (host->app.state == FAR_APP_SUSPENDED) {
    far_device_kill(device, "the user ended it; a suspended app is not told");
    return;
  }
  far_life_terminate(host, "user", -1);
  far_device_settle(device);
}
