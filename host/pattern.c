#include "pattern.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOST_BYTES_MAX = 253, PORT_MAX = 65535 };

static bool refuse(char *error, size_t bytes, const char *text,
                   const char *why) {
  snprintf(error, bytes, "'%.200s' is no URL pattern: %s", text, why);
  return false;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_host_char(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         c == '-' || c == '.';
}

// -- The parts ----------------------------------------------------------------

// Names between dots, none of them empty.
static const char *host_fault(const far_pattern *pattern) {
  const char *host = pattern->host;
  size_t length = pattern->host_bytes;
  if (length == 0)
    return "it has no host";
  if (length > HOST_BYTES_MAX)
    return "its host is too long";
  for (size_t i = 0; i < length; i++) {
    bool is_first = i == 0 || host[i - 1] == '.';
    if (host[i] == '*')
      return "a star may only stand at the end of the path, and in the host as "
             "in https://*.example.com/*";
    if (!is_host_char(host[i]))
      return "its host has a character that no host name has";
    if (host[i] == '.' && (is_first || i + 1 == length))
      return "its host has a dot too many";
  }
  size_t last = length;
  while (last > 0 && host[last - 1] != '.')
    last--;
  // "*.0.0.1" would be a part of an address and not a domain.
  if (pattern->has_subdomains && is_digit(host[last]))
    return "*. may only stand before a domain";
  return NULL;
}

static const char *read_port(const char *text, size_t length, uint32_t *port) {
  uint32_t number = 0;
  for (size_t i = 0; i < length && number <= PORT_MAX; i++) {
    if (!is_digit(text[i]) || text[0] == '0')
      return "its port is no number from 1 to 65535";
    number = number * 10 + (uint32_t)(text[i] - '0');
  }
  if (number == 0 || number > PORT_MAX)
    return "its port is no number from 1 to 65535";
  *port = number;
  return NULL;
}

// Whether a segment is "." or "..", plain or escaped: whoever fetches it goes
// elsewhere.
static bool is_dots(const char *segment, size_t length) {
  size_t dots = 0;
  for (size_t i = 0; i < length; dots++) {
    if (segment[i] == '.')
      i += 1;
    else if (length - i >= 3 && strncasecmp(segment + i, "%2e", 3) == 0)
      i += 3;
    else
      return false;
  }
  return dots == 1 || dots == 2;
}

static const char *path_fault(const far_pattern *pattern) {
  const char *path = pattern->path;
  size_t length = pattern->path_bytes, query = 0, segment = 0;
  for (size_t i = 0; i < length; i++) {
    if (path[i] == '*')
      return "a star may only stand at the end";
    if (path[i] == '#')
      return "it has a fragment, which no server ever sees: leave out #...";
    if (path[i] <= ' ' || path[i] >= 0x7f || strchr("\"'<>\\^`{|}", path[i]))
      return "its path has a character that must be escaped, such as %20 for "
             "a space";
  }
  while (query < length && path[query] != '?')
    query++;
  for (size_t i = 0; i <= query; i++) {
    if (i < query && path[i] != '/')
      continue;
    if (is_dots(path + segment, i - segment))
      return "its path has . or .. between slashes";
    segment = i + 1;
  }
  return NULL;
}

static const char *read_parts(const char *text, far_pattern *pattern) {
  pattern->is_https = strncmp(text, "https://", 8) == 0;
  if (!pattern->is_https && strncmp(text, "http://", 7) != 0)
    return "it must begin with https:// or http://, such as "
           "https://api.example.com/*";
  pattern->port = pattern->is_https ? 443 : 80;
  pattern->host = text + (pattern->is_https ? 8 : 7);

  size_t length = strcspn(pattern->host, "/?#");
  pattern->path = pattern->host + length;
  if (memchr(pattern->host, '@', length) != NULL)
    return "it must not name a user";
  if (*pattern->path != '/')
    return "it has no path: write /* behind the host for all of it";
  const char *colon = memchr(pattern->host, ':', length);
  const char *fault = NULL;
  if (colon != NULL) {
    fault = read_port(colon + 1, (size_t)(pattern->path - colon) - 1,
                      &pattern->port);
    length = (size_t)(colon - pattern->host);
  }
  pattern->has_subdomains = length > 2 && strncmp(pattern->host, "*.", 2) == 0;
  if (pattern->has_subdomains) {
    pattern->host += 2;
    length -= 2;
  }
  pattern->host_bytes = length;
  pattern->path_bytes = strlen(pattern->path);
  pattern->is_prefix = pattern->path[pattern->path_bytes - 1] == '*';
  pattern->path_bytes -= pattern->is_prefix;
  if (fault == NULL)
    fault = host_fault(pattern);
  return fault ? fault : path_fault(pattern);
}

const char *far_pattern_read(const char *text, far_pattern *pattern) {
  far_pattern fresh = {0};
  const char *fault = read_parts(text, &fresh);
  if (fault == NULL)
    *pattern = fresh;
  return fault;
}

bool far_pattern_parse(const char *text, far_pattern *pattern, char *error,
                       size_t bytes) {
  const char *fault = far_pattern_read(text, pattern);
  return fault == NULL || refuse(error, bytes, text, fault);
}

// -- Covering -----------------------------------------------------------------

static bool covers_host(const far_pattern *granted, const far_pattern *asked) {
  if (asked->host_bytes < granted->host_bytes)
    return false;
  size_t above = asked->host_bytes - granted->host_bytes;
  if (strncasecmp(asked->host + above, granted->host, granted->host_bytes) != 0)
    return false;
  if (above == 0)
    return granted->has_subdomains == asked->has_subdomains;
  return granted->has_subdomains && asked->host[above - 1] == '.';
}

static bool covers_path(const far_pattern *granted, const far_pattern *asked) {
  if (granted->is_prefix)
    return asked->path_bytes >= granted->path_bytes &&
           memcmp(asked->path, granted->path, granted->path_bytes) == 0;
  return !asked->is_prefix && asked->path_bytes == granted->path_bytes &&
         memcmp(asked->path, granted->path, granted->path_bytes) == 0;
}

bool far_pattern_covers(const far_pattern *granted, const far_pattern *asked) {
  return granted->is_https == asked->is_https && granted->port == asked->port &&
         covers_host(granted, asked) && covers_path(granted, asked);
}
