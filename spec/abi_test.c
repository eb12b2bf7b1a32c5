// What a program was compiled for and what a library does must be the same.
// Whoever changes a struct of farside.h or platform.h makes this fail: raise
// FARSIDE_ABI (or the version of the platform), unless that number was never
// released, and write down what is there now. Sizes are of 64 bits.

#include "farside.h"

#include "check.h"
#include <stddef.h>

#define IS_AT(type, field, bytes)                                              \
  check_in(offsetof(type, field) == (bytes), #type "." #field)
#define HAS_SIZE(type, bytes) check_in(sizeof(type) == (bytes), #type)

static void test_structs(void) {
  check(FARSIDE_ABI == 1);
  check(farside_abi() == FARSIDE_ABI);
  HAS_SIZE(farside_status, 4);

  HAS_SIZE(farside_entry, 112);
  IS_AT(farside_entry, level, 16);
  IS_AT(farside_entry, task, 40);
  IS_AT(farside_entry, why, 72);
  IS_AT(farside_entry, code, 104);

  HAS_SIZE(farside_stats, 80);
  IS_AT(farside_stats, memory_bytes, 72);

  HAS_SIZE(farside_limits, 80);
  IS_AT(farside_limits, storage_bytes, 64);
  IS_AT(farside_limits, work, 72);
  HAS_SIZE(farside_permissions, 104);
  IS_AT(farside_permissions, limits, 24);
  HAS_SIZE(farside_manifest, 120);

  HAS_SIZE(farside_method, 16);
  HAS_SIZE(farside_plugin, 32);
  IS_AT(farside_plugin, user, 24);
  HAS_SIZE(farside_module, 16);

  HAS_SIZE(farside_config, 280);
  IS_AT(farside_config, on_log, 48);
  IS_AT(farside_config, user, 56);
  IS_AT(farside_config, plugins, 72);
  IS_AT(farside_config, limits, 96);
  IS_AT(farside_config, signal, 176);
  IS_AT(farside_config, exit_when_idle, 200);
  IS_AT(farside_config, launch_reason, 272);

  HAS_SIZE(farside_source, 176);
  IS_AT(farside_source, grant, 56);
  IS_AT(farside_source, is_trusted, 168);
  HAS_SIZE(farside_script, 80);
  IS_AT(farside_script, is_computing, 72);
}

static void test_platform(void) {
  check(FARSIDE_PLATFORM_VERSION == 3);
  HAS_SIZE(farside_platform, 80);
  IS_AT(farside_platform, self, 8);
  IS_AT(farside_platform, conditions, 72);
  HAS_SIZE(farside_wake_request, 24);
  IS_AT(farside_wake_request, needs_charging, 17);
  HAS_SIZE(farside_conditions, 8);
}

// Numbers that a program has compiled in.
static void test_numbers(void) {
  check(FARSIDE_OK == 0 && FARSIDE_NOMEM == 1 && FARSIDE_CLOSED == 8);
  check(FARSIDE_TLS == 28 && FARSIDE_NOCALL == 29);
  check(FARSIDE_DEBUG == 0 && FARSIDE_ERROR == 3);
  check(FARSIDE_POLL_MESSAGES == 1 && FARSIDE_POLL_LOG == 2 &&
        FARSIDE_POLL_ENTRIES == 4);
}

int main(void) {
  if (sizeof(void *) == 8) {
    test_structs();
    test_platform();
  }
  test_numbers();
  return check_end();
}
