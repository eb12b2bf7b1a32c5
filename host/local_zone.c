// For tm_gmtoff.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "local_zone.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const char machine[] = "/etc/localtime";
static const char places[] = "/usr/share/zoneinfo";

// Whose time it is: the value of TZ, without the colon that POSIX allows before
// a file; NULL where it is not set.
static const char *setting(void) {
  const char *tz = getenv("TZ");
  return tz != NULL && *tz == ':' ? tz + 1 : tz;
}

// The file of a setting. False for one that can be none.
static bool file_of(const char *tz, char path[PATH_MAX]) {
  if (tz != NULL && *tz == '\0')
    return false; // UTC, says POSIX.
  const char *folder = getenv("TZDIR");
  int bytes;
  if (tz == NULL || *tz == '/')
    bytes = snprintf(path, PATH_MAX, "%s", tz ? tz : machine);
  else
    bytes = snprintf(path, PATH_MAX, "%s/%s", folder ? folder : places, tz);
  return bytes > 0 && bytes < PATH_MAX;
}

// The last line of a TZif file, from its second version on, is a TZ of POSIX.
static bool read_footer(const char *path, char *footer, size_t bytes) {
  char end[FAR_ZONE_NAME_BYTES + 2], magic[5];
  FILE *file = fopen(path, "rb");
  if (file == NULL)
    return false;
  bool is_ours = fread(magic, 1, sizeof magic, file) == sizeof magic &&
                 memcmp(magic, "TZif", 4) == 0 && magic[4] >= '2' &&
                 fseek(file, -(long)sizeof end, SEEK_END) == 0 &&
                 fread(end, 1, sizeof end, file) == sizeof end &&
                 end[sizeof end - 1] == '\n';
  fclose(file);
  if (!is_ours)
    return false;
  end[sizeof end - 1] = '\0';
  size_t line = sizeof end - 1;
  while (line > 0 && end[line - 1] != '\n')
    line--;
  return line > 0 && (size_t)snprintf(footer, bytes, "%s", end + line) < bytes;
}

// What holds at this instant, for ever.
static void read_present(far_zone *zone) {
  struct tm local;
  time_t now = time(NULL);
  tzset();
  long east_s = localtime_r(&now, &local) ? local.tm_gmtoff : 0;
  long east = east_s < 0 ? -east_s : east_s;
  char name[FAR_ZONE_NAME_BYTES];
  snprintf(name, sizeof name, "<%c%02ld%02ld>%c%ld:%02ld:%02ld",
           east_s < 0 ? '-' : '+', east / 3600, east / 60 % 60,
           east_s < 0 ? '+' : '-', east / 3600, east / 60 % 60, east % 60);
  (void)far_zone_read(name, zone);
}

static void read_zone(const char *tz, const char *path, far_zone *zone) {
  char footer[FAR_ZONE_NAME_BYTES];
  *zone = (far_zone){0};
  if (tz != NULL && *tz == '\0') {
    (void)far_zone_read("UTC", zone);
    return;
  }
  bool is_read = path != NULL && read_footer(path, footer, sizeof footer) &&
                 far_zone_read(footer, zone);
  if (!is_read && (tz == NULL || !far_zone_read(tz, zone)))
    read_present(zone);
}

void far_local_zone_look(far_local_zone *local) {
  char path[PATH_MAX];
  struct stat about = {0};
  const char *tz = setting();
  bool has_file = file_of(tz, path) && stat(path, &about) == 0;
  far_local_zone seen = {.device = (uint64_t)about.st_dev,
                         .node = (uint64_t)about.st_ino,
                         .size = (int64_t)about.st_size,
                         .changed_s = (int64_t)about.st_mtime,
                         .is_read = true};
  // Not set is something else than empty, and neither is a newline.
  snprintf(seen.tz, sizeof seen.tz, "%s", tz ? tz : "\n");
  if (local->is_read && strcmp(local->tz, seen.tz) == 0 &&
      local->device == seen.device && local->node == seen.node &&
      local->size == seen.size && local->changed_s == seen.changed_s)
    return;
  read_zone(tz, has_file ? path : NULL, &seen.zone);
  *local = seen;
}
