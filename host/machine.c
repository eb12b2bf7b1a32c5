// For getifaddrs().
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "machine.h"

#include "policy.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum { LEAST_PERCENT = 5, LEAST_BYTES = 500 * 1024 * 1024 };

// -- Power --------------------------------------------------------------------

// The first line of a file of a supply; "" where there is none.
static void read_line(const char *folder, const char *supply, const char *name,
                      char line[32]) {
  char path[PATH_MAX];
  line[0] = '\0';
  FILE *file = NULL;
  if ((size_t)snprintf(path, sizeof path, "%s/%s/%s", folder, supply, name) <
      sizeof path)
    file = fopen(path, "r");
  if (file == NULL)
    return;
  if (fgets(line, 32, file) == NULL)
    line[0] = '\0';
  line[strcspn(line, "\n")] = '\0';
  fclose(file);
}

typedef struct power {
  bool has_battery, is_discharging, is_online, is_low;
} power;

static void look_at_supply(const char *folder, const char *supply,
                           power *found) {
  char type[32], text[32];
  read_line(folder, supply, "type", type);
  if (strcmp(type, "Battery") != 0) {
    read_line(folder, supply, "online", text);
    found->is_online |= text[0] == '1';
    return;
  }
  read_line(folder, supply, "scope", text);
  if (strcmp(text, "Device") == 0)
    return; // Of a mouse.
  found->has_battery = true;
  read_line(folder, supply, "status", text);
  found->is_discharging |= strcmp(text, "Discharging") == 0;
  read_line(folder, supply, "capacity", text);
  found->is_low |=
      text[0] != '\0' &&
      atoi(text) <= (int)far_policy_get(FAR_PROFILE_DESKTOP, FAR_BATTERY_LOW);
}

void far_machine_power(const char *folder, farside_conditions *now) {
  power found = {.has_battery = false};
  DIR *supplies = opendir(folder);
  struct dirent *entry;
  while (supplies != NULL && (entry = readdir(supplies)) != NULL)
    if (entry->d_name[0] != '.')
      look_at_supply(folder, entry->d_name, &found);
  if (supplies != NULL)
    closedir(supplies);
  now->is_charging =
      !found.has_battery || found.is_online || !found.is_discharging;
  now->is_battery_ok = now->is_charging || !found.is_low;
}

// -- Network ------------------------------------------------------------------

// An address by which somebody else can be reached.
static bool is_of_use(const struct sockaddr *address) {
  if (address == NULL)
    return false;
  if (address->sa_family == AF_INET) {
    const struct sockaddr_in *v4 = (const void *)address;
    return ntohl(v4->sin_addr.s_addr) >> 16 != 0xa9fe; // 169.254: nobody knew.
  }
  const struct sockaddr_in6 *v6 = (const void *)address;
  return address->sa_family == AF_INET6 &&
         !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr);
}

static farside_network network(void) {
  struct ifaddrs *all;
  if (getifaddrs(&all) != 0)
    return FARSIDE_NETWORK_WIFI;
  farside_network found = FARSIDE_NETWORK_NONE;
  for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
    const unsigned wanted = IFF_UP | IFF_RUNNING;
    if ((one->ifa_flags & (wanted | IFF_LOOPBACK)) == wanted &&
        is_of_use(one->ifa_addr))
      found = FARSIDE_NETWORK_WIFI;
  }
  freeifaddrs(all);
  return found;
}

// -- Storage ------------------------------------------------------------------

static bool has_room(const char *path) {
  struct statvfs disk;
  if (statvfs(path, &disk) != 0 || disk.f_blocks == 0)
    return true;
  uint64_t bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
  return bytes >= LEAST_BYTES ||
         (uint64_t)disk.f_bavail >= disk.f_blocks / 100 * LEAST_PERCENT;
}

void far_machine_conditions(const char *path, farside_conditions *now) {
  far_machine_power("/sys/class/power_supply", now);
  now->network = network();
  now->is_storage_ok = has_room(path);
  now->is_idle = false;
}
