// The zone of this machine: from TZ, from files, and when they change. The
// files are made here, because a machine may have none.

#include "check.h"
#include "local_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/far_zone_XXXXXX";
static char path[64], other[64];

static void put(FILE *file, int64_t number, int bytes) {
  for (int at = bytes - 1; at >= 0; at--)
    fputc((int)((uint64_t)number >> (8 * at) & 0xff), file);
}

// A TZif file with one type of local time, since 1970, and a rule at its end.
// In the first version there is no such rule.
static void write_to(const char *where, int version, int east_s,
                     const char *rule) {
  FILE *file = fopen(where, "wb");
  for (int part = 1; part <= (version > 1 ? 2 : 1); part++) {
    fprintf(file, "TZif%c", version > 1 ? '0' + version : '\0');
    fwrite((char[15]){0}, 1, 15, file);
    const int counts[] = {0, 0, 0, 1, 1, 4}; // One change, one type, "XYZ".
    for (int i = 0; i < 6; i++)
      put(file, counts[i], 4);
    put(file, 0, part == 1 ? 4 : 8);
    put(file, 0, 1);
    put(file, east_s, 4);
    put(file, 0, 2);
    fwrite("XYZ", 1, 4, file);
  }
  if (version > 1)
    fprintf(file, "\n%s\n", rule);
  fclose(file);
}

static void write_file(int version, int east_s, const char *rule) {
  write_to(path, version, east_s, rule);
}

static void set_tz(const char *tz) {
  if (tz != NULL)
    setenv("TZ", tz, 1);
  else
    unsetenv("TZ");
  tzset();
}

// Whether we say what the C library says, for years to come.
static bool agrees(const far_zone *zone) {
  time_t now = time(NULL);
  bool is_same = true;
  for (time_t at = now; at < now + (time_t)10 * 365 * 86400; at += 11447) {
    struct tm date;
    localtime_r(&at, &date);
    is_same = is_same && far_zone_offset(zone, at, NULL) == date.tm_gmtoff;
  }
  return is_same;
}

static void test_settings(void) {
  static const char *const settings[] = {"CET-1CEST,M3.5.0,M10.5.0/3",
                                         "EST5EDT,M3.2.0,M11.1.0",
                                         "<+0545>-5:45",
                                         "",
                                         "UTC0",
                                         NULL};
  far_local_zone local = {0};
  check(far_zone_offset(&local.zone, time(NULL), NULL) == 0);
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    set_tz(settings[i]);
    far_local_zone_look(&local);
    check_in(agrees(&local.zone), settings[i] ? settings[i] : "not set");
  }
}

static void test_files(void) {
  static const char *const rules[] = {"CET-1CEST,M3.5.0,M10.5.0/3", "<-03>3",
                                      "NZST-12NZDT,M9.5.0,M4.1.0/3"};
  far_local_zone local = {0};
  char tz[sizeof path + 1];
  snprintf(tz, sizeof tz, ":%s", path);
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    write_file(2, 3600, rules[i]);
    set_tz(NULL);       // Or else the C library reads no file again.
    set_tz(tz + i % 2); // With the colon, and without.
    far_local_zone_look(&local);
    check_in(strcmp(local.zone.name, rules[i]) == 0, local.zone.name);
    check_in(agrees(&local.zone), rules[i]);
  }
  // A place is a file in a folder of them.
  setenv("TZDIR", folder, 1);
  set_tz("zone");
  far_local_zone_look(&local);
  check(local.zone.summer_s == 13 * 3600);
  unsetenv("TZDIR");
}

// What holds now is all that is known then.
static void test_without_rule(void) {
  far_local_zone local = {0};
  set_tz(NULL);
  write_file(1, 2 * 3600, "");
  set_tz(path);
  far_local_zone_look(&local);
  check(local.zone.standard_s == 2 * 3600 && local.zone.summer[0] == '\0');
  set_tz(NULL);
  write_file(2, -(3 * 3600 + 1800), "");
  set_tz(path);
  far_local_zone_look(&local);
  check_in(local.zone.standard_s == -(3 * 3600 + 1800), local.zone.name);
  // Neither a file nor a rule: the C library takes it for UTC, and so do we.
  set_tz("No/Such_Place");
  far_local_zone_look(&local);
  check(local.zone.standard_s == 0);
  // A place that we know, on a machine that has no files.
  setenv("TZDIR", "/nowhere", 1);
  set_tz("Europe/Berlin");
  far_local_zone_look(&local);
  check(local.zone.standard_s == 3600 && local.zone.summer_s == 7200);
  unsetenv("TZDIR");
}

static void test_changes(void) {
  far_local_zone local = {0};
  set_tz(path);
  write_file(2, 0, "AAA-1");
  far_local_zone_look(&local);
  check(local.zone.standard_s == 3600);
  // Somebody puts another file in its place, as a package does.
  write_to(other, 2, 0, "AAA-2");
  check(rename(other, path) == 0);
  far_local_zone_look(&local);
  check(local.zone.standard_s == 2 * 3600);
  set_tz("BBB-3");
  far_local_zone_look(&local);
  check(local.zone.standard_s == 3 * 3600);
  // And takes it away.
  set_tz(path);
  far_local_zone_look(&local);
  check(local.zone.standard_s == 2 * 3600);
  unlink(path);
  far_local_zone_look(&local);
  check(local.zone.standard_s != 3 * 3600);
}

int main(void) {
  if (mkdtemp(folder) == NULL)
    return 1;
  snprintf(path, sizeof path, "%s/zone", folder);
  snprintf(other, sizeof other, "%s/other", folder);
  test_settings();
  test_files();
  test_without_rule();
  test_changes();
  unlink(path);
  rmdir(folder);
  return check_end();
}
