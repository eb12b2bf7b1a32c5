#include "place.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

// -- Addresses ----------------------------------------------------------------

typedef struct range4 {
  uint32_t first;
  int bits;
  far_place place;
} range4;

// IANA's registry of special addresses: what is not here is public.
static const range4 ranges4[] = {
    {0x00000000, 8, FAR_PLACE_LOOPBACK}, // "This host": connects to itself.
    {0x0a000000, 8, FAR_PLACE_PRIVATE},
    {0x64400000, 10, FAR_PLACE_PRIVATE}, // Carrier-grade NAT.
    {0x7f000000, 8, FAR_PLACE_LOOPBACK},
    {0xa9fe0000, 16, FAR_PLACE_OTHER}, // Link-local; clouds' metadata.
    {0xac100000, 12, FAR_PLACE_PRIVATE},
    {0xc0000000, 24, FAR_PLACE_OTHER},
    {0xc0000200, 24, FAR_PLACE_OTHER},
    {0xc0a80000, 16, FAR_PLACE_PRIVATE},
    {0xc6120000, 15, FAR_PLACE_PRIVATE}, // Benchmarks.
    {0xc6336400, 24, FAR_PLACE_OTHER},
    {0xcb007100, 24, FAR_PLACE_OTHER},
    {0xe0000000, 3, FAR_PLACE_OTHER}, // Multicast, reserved, broadcast.
};

static far_place place_of4(uint32_t address) {
  for (size_t i = 0; i < sizeof ranges4 / sizeof *ranges4; i++)
    if ((address ^ ranges4[i].first) >> (32 - ranges4[i].bits) == 0)
      return ranges4[i].place;
  return FAR_PLACE_PUBLIC;
}

static uint32_t word_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
         (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_zero(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (bytes[i] != 0)
      return false;
  return true;
}

// An address of the old kind in one of the new: it leads to the same place.
static bool has_old_inside(const uint8_t *ip, uint32_t *old) {
  static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
  bool is_mapped = is_zero(ip, 10) && ((ip[10] == 0xff && ip[11] == 0xff) ||
                                       (ip[10] == 0 && ip[11] == 0));
  if (is_mapped || memcmp(ip, nat64, sizeof nat64) == 0) {
    *old = word_at(ip + 12);
    return true;
  }
  *old = word_at(ip + 2); // 6to4
  return ip[0] == 0x20 && ip[1] == 0x02;
}

static far_place place_of6(const uint8_t *ip) {
  uint32_t old;
  if (is_zero(ip, 15) && ip[15] <= 1)
    return FAR_PLACE_LOOPBACK; // :: and ::1
  if (has_old_inside(ip, &old))
    return place_of4(old);
  if ((ip[0] & 0xfe) == 0xfc)
    return FAR_PLACE_PRIVATE;
  // Link-local, and all that is not given to anybody: 2000::/3 is public.
  bool is_given = (ip[0] & 0xe0) == 0x20;
  bool is_example =
      ip[0] == 0x20 && ip[1] == 0x01 && ip[2] == 0x0d && ip[3] == 0xb8;
  bool is_special = ip[0] == 0x20 && ip[1] == 0x01 && (ip[2] & 0xfe) == 0;
  return is_given && !is_example && !is_special ? FAR_PLACE_PUBLIC
                                                : FAR_PLACE_OTHER;
}

far_place far_place_of(const struct sockaddr *address) {
  if (address->sa_family == AF_INET) {
    struct sockaddr_in four;
    memcpy(&four, address, sizeof four);
    return place_of4(ntohl(four.sin_addr.s_addr));
  }
  if (address->sa_family != AF_INET6)
    return FAR_PLACE_OTHER;
  struct sockaddr_in6 six;
  memcpy(&six, address, sizeof six);
  return place_of6(six.sin6_addr.s6_addr);
}

far_place far_place_of_text(const char *address) {
  struct in_addr four;
  struct in6_addr six;
  if (inet_pton(AF_INET, address, &four) == 1)
    return place_of4(ntohl(four.s_addr));
  return inet_pton(AF_INET6, address, &six) == 1 ? place_of6(six.s6_addr)
                                                 : FAR_PLACE_OTHER;
}

// -- Names --------------------------------------------------------------------

// Whether a host is `name`, or below it.
static bool is_within(const far_pattern *pattern, const char *name) {
  size_t bytes = strlen(name);
  if (pattern->host_bytes < bytes)
    return false;
  size_t above = pattern->host_bytes - bytes;
  return strncasecmp(pattern->host + above, name, bytes) == 0 &&
         (above == 0 || pattern->host[above - 1] == '.');
}

unsigned far_places_named(const far_pattern *pattern) {
  char host[64];
  struct in_addr four;
  snprintf(host, sizeof host, "%.*s", (int)pattern->host_bytes, pattern->host);
  // In digits it says itself where it leads; in any other spelling of them it
  // is a name like all others.
  if (!pattern->has_subdomains && inet_pton(AF_INET, host, &four) == 1)
    return FAR_PLACE_PUBLIC | place_of4(ntohl(four.s_addr));
  if (is_within(pattern, "localhost"))
    return FAR_PLACE_PUBLIC | FAR_PLACE_LOOPBACK;
  bool is_of_house = memchr(pattern->host, '.', pattern->host_bytes) == NULL ||
                     is_within(pattern, "local") ||
                     is_within(pattern, "internal") ||
                     is_within(pattern, "home.arpa");
  return FAR_PLACE_PUBLIC | (is_of_house ? FAR_PLACE_PRIVATE : 0u);
}

const char *far_place_text(far_place place) {
  switch (place) {
  case FAR_PLACE_LOOPBACK:
    return "on this machine";
  case FAR_PLACE_PRIVATE:
    return "in a private network";
  default:
    return place == FAR_PLACE_PUBLIC ? "public" : "in no public network";
  }
}
