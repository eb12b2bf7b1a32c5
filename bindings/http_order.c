#include "http_order.h"

#include "../host/files.h"
#include "fields.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
  HEADER_BYTES_MAX = 64 * 1024,
  HEADERS_MAX = 256,
  ANSWER_BYTES = 8 * 1024 * 1024,
  CONNECT_MS = 30 * 1000,
  STALL_MS = 60 * 1000,
  REDIRECTS = 10,
  REDIRECTS_MAX = 50
};

int far_http_order_option(lua_State *L, const far_http_order *mine,
                          const char *name, int type) {
  return far_field(L, 1, mine->function, name, type);
}

static uint64_t duration(lua_State *L, const far_http_order *mine,
                         const char *name, uint64_t otherwise) {
  char what[64];
  if (lua_getfield(L, 1, name) == LUA_TNIL)
    return otherwise;
  snprintf(what, sizeof what, "%s: %s", mine->function, name);
  uint64_t ms = far_check_duration(L, -1, what);
  if (ms == 0 || ms > INT64_MAX / 4)
    luaL_error(L, "%s is no time in which anything could be done", what);
  return ms;
}

static uint64_t integer(lua_State *L, const far_http_order *mine,
                        const char *name, uint64_t otherwise,
                        lua_Integer most) {
  return (uint64_t)far_field_integer(L, 1, mine->function, name, 0, most,
                                     (int64_t)otherwise);
}

static bool is_token(const char *text, size_t bytes) {
  static const char others[] = "!#$%&'*+-.^_`|~";
  for (size_t i = 0; i < bytes; i++) {
    char c = text[i];
    bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                   (c >= 'A' && c <= 'Z');
    if (!is_word && (c == '\0' || strchr(others, c) == NULL))
      return false;
  }
  return bytes > 0;
}

static void check_method(lua_State *L, far_http_order *mine) {
  static const char *const known[] = {"GET",   "HEAD",   "POST",    "PUT",
                                      "PATCH", "DELETE", "OPTIONS", NULL};
  if (far_http_order_option(L, mine, "method", LUA_TSTRING) == LUA_TNIL)
    return;
  const char *method = lua_tostring(L, -1);
  mine->method = NULL;
  for (size_t i = 0; known[i] != NULL; i++)
    if (strcasecmp(known[i], method) == 0)
      mine->method = known[i];
  if (mine->method == NULL)
    luaL_error(L,
               "%s: there is no method '%s'; there are: GET, HEAD, POST, PUT, "
               "PATCH, DELETE, OPTIONS",
               mine->function, method);
}

// What only the transfer itself can say rightly.
static bool is_ours(const char *name) {
  static const char *const ours[] = {
      "connection", "content-length",    "expect",  "host", "keep-alive", "te",
      "trailer",    "transfer-encoding", "upgrade", NULL};
  for (size_t i = 0; ours[i] != NULL; i++)
    if (strcasecmp(ours[i], name) == 0)
      return true;
  return strncasecmp(name, "proxy-", 6) == 0;
}

static void check_header(lua_State *L, const far_http_order *mine) {
  size_t name_bytes, bytes;
  if (lua_type(L, -2) != LUA_TSTRING ||
      (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER))
    luaL_error(L, "%s: headers are names with strings: { [\"X-Key\"] = \"…\" }",
               mine->function);
  const char *name = lua_tolstring(L, -2, &name_bytes);
  lua_pushvalue(L, -1);
  const char *value = lua_tolstring(L, -1, &bytes);
  if (!is_token(name, name_bytes))
    luaL_error(L, "%s: '%s' is no name of a header", mine->function, name);
  if (is_ours(name) || far_upload_sets(mine->way, name))
    luaL_error(L, "%s: the header '%s' is set by the transfer itself",
               mine->function, name);
  for (size_t i = 0; i < bytes; i++)
    if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
      luaL_error(L, "%s: the header '%s' has a control character",
                 mine->function, name);
  lua_pop(L, 1);
}

// Pushes a line, with its zero. libcurl takes "Name:" for the wish to leave it
// out, and "Name;" for one that is empty.
static void push_line(lua_State *L, const char *name, const char *value) {
  lua_pushfstring(L, *value ? "%s: %s" : "%s;%s", name, value);
  lua_pushlstring(L, "", 1);
  lua_concat(L, 2);
}

// What comes first in a table is the machine's own choice: lines are sorted.
static void put_line(lua_State *L, int lines, lua_Integer count) {
  for (; count > 0; count--) {
    lua_rawgeti(L, lines, count);
    if (lua_compare(L, -1, -2, LUA_OPLE)) {
      lua_pop(L, 1);
      break;
    }
    lua_rawseti(L, lines, count + 1);
  }
  lua_rawseti(L, lines, count + 1);
}

// Leaves the lines on the stack.
static void check_headers(lua_State *L, far_http_order *mine) {
  bool has_headers =
      far_http_order_option(L, mine, "headers", LUA_TTABLE) == LUA_TTABLE;
  int table = lua_gettop(L), lines = table + 1;
  lua_Integer count = 0;
  bool has_type = false;
  lua_newtable(L);
  for (lua_pushnil(L); has_headers && lua_next(L, table) != 0; lua_pop(L, 1)) {
    check_header(L, mine);
    if (count == HEADERS_MAX)
      luaL_error(L, "%s: there are more than %d headers", mine->function,
                 HEADERS_MAX);
    const char *name = lua_tostring(L, -2);
    has_type = has_type || strcasecmp(name, "content-type") == 0;
    lua_pushvalue(L, -1);
    push_line(L, name, lua_tostring(L, -1));
    put_line(L, lines, count++);
    lua_pop(L, 1);
  }
  lua_settop(L, lines);
  if (mine->has_json && !has_type) {
    push_line(L, "Content-Type", "application/json");
    put_line(L, lines, count++);
  }
  luaL_Buffer all;
  luaL_buffinit(L, &all);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, lines, i);
    luaL_addvalue(&all);
  }
  luaL_pushresult(&all);
  mine->headers = lua_tolstring(L, -1, &mine->headers_bytes);
  if (mine->headers_bytes > HEADER_BYTES_MAX)
    luaL_error(L, "%s: the headers are larger than 64 KiB", mine->function);
}

static void check_body(lua_State *L, far_http_order *mine) {
  mine->has_json = lua_getfield(L, 1, "json") != LUA_TNIL;
  if (far_http_order_option(L, mine, "body", LUA_TSTRING) != LUA_TNIL)
    mine->body = lua_tolstring(L, -1, &mine->body_bytes);
  if (far_http_order_option(L, mine, "file", LUA_TSTRING) != LUA_TNIL) {
    size_t bytes;
    mine->file = lua_tolstring(L, -1, &bytes);
    const char *fault = far_file_fault(mine->file, bytes);
    if (fault != NULL)
      luaL_error(L, "%s: '%s' is no name of a file: %s", mine->function,
                 mine->file, fault);
  }
  int count_of = mine->has_json + (mine->body != NULL) + (mine->file != NULL);
  if ((mine->is_download || mine->is_upload) && mine->file == NULL)
    luaL_error(L, "%s: file is missing: the name of a file of the script's",
               mine->function);
  if (count_of > 1)
    luaL_error(L, "%s: body, json and file: only one of them can be sent",
               mine->function);
}

// What goes on where it was cut off: a download of itself, an upload by what it
// has agreed on with its server.
static void check_resume(lua_State *L, far_http_order *mine) {
  int type = lua_getfield(L, 1, "resume");
  if (type != LUA_TNIL && mine->is_download) {
    far_http_order_option(L, mine, "resume", LUA_TBOOLEAN);
    mine->is_fresh = !lua_toboolean(L, -1);
  } else if (type != LUA_TNIL) {
    if (!mine->is_upload)
      luaL_error(L, "%s: resume is for downloads and uploads", mine->function);
    far_http_order_option(L, mine, "resume", LUA_TSTRING);
    if (!far_upload_way_find(lua_tostring(L, -1), &mine->way))
      luaL_error(L, "%s: there is no resume '%s'; there are: range, tus",
                 mine->function, lua_tostring(L, -1));
    if (lua_getfield(L, 1, "method") != LUA_TNIL)
      luaL_error(L,
                 "%s: with resume it is asked by HEAD and sent by %s: leave "
                 "out method",
                 mine->function, far_upload_method(mine->way));
    mine->method = far_upload_method(mine->way);
  }
  mine->part_bytes = integer(L, mine, "partBytes", FAR_NEVER, LUA_MAXINTEGER);
  if (mine->part_bytes == 0)
    luaL_error(L, "%s: partBytes must be more than 0", mine->function);
  if (mine->part_bytes != FAR_NEVER && mine->way == FAR_UPLOAD_WHOLE)
    luaL_error(L, "%s: partBytes is for an upload with resume", mine->function);
}

const char *far_http_order_read(lua_State *L, far_http_order *mine) {
  static const char *const names[] = {
      "url",      "method",    "headers",    "body",           "file",
      "json",     "offset",    "timeout",    "connectTimeout", "stallTimeout",
      "maxBytes", "redirects", "onProgress", "resume",         "partBytes",
      NULL};
  luaL_checkstack(L, 64, NULL);
  far_check_fields(L, 1, mine->function, names);
  if (far_http_order_option(L, mine, "url", LUA_TSTRING) == LUA_TNIL)
    luaL_error(L, "%s: url is missing", mine->function);
  size_t bytes;
  const char *url = lua_tolstring(L, -1, &bytes);
  mine->room = lua_newuserdatauv(L, FAR_URL_BYTES, 0);
  const char *fault = strlen(url) == bytes
                          ? far_url_read(url, mine->room, &mine->url)
                          : "it has a zero byte";
  check_method(L, mine);
  check_resume(L, mine);
  check_body(L, mine);
  check_headers(L, mine);
  mine->offset = integer(L, mine, "offset", 0, LUA_MAXINTEGER);
  if (mine->offset > 0 && (mine->file == NULL || mine->is_download))
    luaL_error(L, "%s: offset is where to begin in a file that is sent",
               mine->function);
  if (mine->offset > 0 && mine->way != FAR_UPLOAD_WHOLE)
    luaL_error(L, "%s: with resume the server says the offset", mine->function);
  mine->timeout_ms = duration(L, mine, "timeout", FAR_NEVER);
  mine->connect_ms = duration(L, mine, "connectTimeout", CONNECT_MS);
  mine->stall_ms = duration(L, mine, "stallTimeout", STALL_MS);
  mine->answer_bytes_max =
      integer(L, mine, "maxBytes", ANSWER_BYTES, LUA_MAXINTEGER);
  mine->redirects_max =
      (unsigned)integer(L, mine, "redirects", REDIRECTS, REDIRECTS_MAX);
  bool is_bare =
      strcmp(mine->method, "GET") == 0 || strcmp(mine->method, "HEAD") == 0;
  if (is_bare && !mine->is_download &&
      (mine->has_json || mine->body != NULL || mine->file != NULL))
    luaL_error(L, "%s: a %s sends no body", mine->function, mine->method);
  return fault;
}
