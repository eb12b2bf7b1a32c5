#include "url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char too_long[] = "it is longer than 8191 bytes";

static size_t scheme_bytes(const char *text) {
  if (strncasecmp(text, "https://", 8) == 0)
    return 8;
  return strncasecmp(text, "http://", 7) == 0 ? 7 : 0;
}

static const char *check_parts(far_url *url) {
  const char *fault = far_pattern_read(url->text, &url->parts);
  if (fault != NULL)
    return fault;
  if (url->parts.has_subdomains)
    return "it must name one host: *. is for what is granted";
  if (url->parts.is_prefix)
    return "a star at its end is for what is granted: write %2A";
  return NULL;
}

const char *far_url_read(const char *text, char *room, far_url *url) {
  size_t bytes = strlen(text), scheme = scheme_bytes(text);
  if (scheme == 0)
    return "it must begin with https:// or http://";
  if (bytes + 1 >= FAR_URL_BYTES)
    return too_long;
  memcpy(room, text, bytes + 1);
  for (size_t i = 0; i < scheme; i++)
    if (text[i] >= 'A' && text[i] <= 'Z')
      room[i] = (char)(text[i] - 'A' + 'a');
  // A host alone means the whole of it.
  if (strcspn(room + scheme, "/?#") == bytes - scheme) {
    room[bytes] = '/';
    room[bytes + 1] = '\0';
  }
  url->text = room;
  return check_parts(url);
}

// -- Where an answer leads ----------------------------------------------------

// Takes "." and ".." out of a path, in place: what is left goes nowhere but
// down.
static void remove_dots(char *path) {
  char *query = path + strcspn(path, "?");
  char tail[FAR_URL_BYTES];
  snprintf(tail, sizeof tail, "%s", query);
  *query = '\0';
  char *out = path;
  const char *in = path;
  while (*in == '/') {
    size_t length = strcspn(in + 1, "/");
    bool is_last = in[1 + length] == '\0';
    if (length == 1 && in[1] == '.') {
      if (is_last)
        *out++ = '/';
    } else if (length == 2 && in[1] == '.' && in[2] == '.') {
      while (out > path && *--out != '/')
        continue;
      if (is_last)
        *out++ = '/';
    } else {
      memmove(out, in, length + 1);
      out += length + 1;
    }
    in += length + 1;
  }
  memcpy(out, tail, strlen(tail) + 1);
}

// What a relative location is put behind: so many bytes of the base.
static size_t kept_bytes(const far_url *base, const char *location) {
  const char *path = base->parts.path;
  if (location[0] == '/')
    return (size_t)(path - base->text);
  if (location[0] == '\0' || location[0] == '#')
    return strlen(base->text);
  size_t bytes = strcspn(path, "?");
  if (location[0] == '?')
    return (size_t)(path - base->text) + bytes;
  while (path[bytes - 1] != '/')
    bytes--;
  return (size_t)(path - base->text) + bytes;
}

const char *far_url_follow(const far_url *base, const char *location,
                           char *room, far_url *url) {
  char text[FAR_URL_BYTES];
  int bytes = (int)strcspn(location, "#");
  int written;
  if (scheme_bytes(location) > 0) {
    written = snprintf(text, sizeof text, "%.*s", bytes, location);
  } else if (location[0] == '/' && location[1] == '/') {
    written =
        snprintf(text, sizeof text, "%s:%.*s",
                 base->parts.is_https ? "https" : "http", bytes, location);
  } else {
    // "mailto:x" is complete as well, and nothing for us.
    size_t word = strcspn(location, ":/?#");
    if (location[word] == ':')
      return "it must begin with https:// or http://";
    written =
        snprintf(text, sizeof text, "%.*s%.*s", (int)kept_bytes(base, location),
                 base->text, bytes, location);
  }
  if (written < 0 || (size_t)written >= sizeof text)
    return too_long;
  size_t scheme = scheme_bytes(text);
  char *path = text + scheme + strcspn(text + scheme, "/?");
  if (*path == '/')
    remove_dots(path);
  return far_url_read(text, room, url);
}

// -- Comparing and printing ---------------------------------------------------

bool far_url_is_same_origin(const far_url *one, const far_url *two) {
  return one->parts.is_https == two->parts.is_https &&
         one->parts.port == two->parts.port &&
         one->parts.host_bytes == two->parts.host_bytes &&
         strncasecmp(one->parts.host, two->parts.host, one->parts.host_bytes) ==
             0;
}

void far_url_print_host(const far_url *url, char *text, size_t bytes) {
  const far_pattern *parts = &url->parts;
  int length = (int)parts->host_bytes;
  if (parts->port == (parts->is_https ? 443u : 80u))
    snprintf(text, bytes, "%.*s", length, parts->host);
  else
    snprintf(text, bytes, "%.*s:%u", length, parts->host,
             (unsigned)parts->port);
}

void far_url_print(const far_url *url, char *text, size_t bytes) {
  int length = (int)strcspn(url->text, "?");
  if (length > 240)
    length = 240;
  snprintf(text, bytes, "%.*s%s", length, url->text,
           url->text[length] == '\0' ? "" : "...");
}
