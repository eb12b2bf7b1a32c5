// What a script asks of Http, read from its table of options.
#ifndef FAR_HTTP_ORDER_H
#define FAR_HTTP_ORDER_H

#include "bindings.h"

#include "../host/upload.h"
#include "../host/url.h"

// As it lies on the stack: the table is at 1; what was made of it follows, so
// that nothing is collected. Whoever reads it fills in the first four.
typedef struct far_http_order {
  const char *function; // "get"
  const char *method;
  bool is_download, is_upload;

  far_url url;
  char *room;
  const char *headers, *body, *file;
  size_t headers_bytes, body_bytes;
  bool has_json, is_fresh;
  uint64_t offset;
  far_upload_way way; // By which an upload goes on.
  uint64_t part_bytes;
  uint64_t timeout_ms, connect_ms, stall_ms;
  uint64_t answer_bytes_max;
  unsigned redirects_max;
} far_http_order;

// Reads all options; raises an error for what a script may not write. Returns
// what is wrong with the URL, or NULL: that may come from anywhere.
const char *far_http_order_read(lua_State *L, far_http_order *order);

// The type of an option, which is pushed: `type`, or LUA_TNIL. Raises an error
// for any other.
int far_http_order_option(lua_State *L, const far_http_order *order,
                          const char *name, int type);

#endif
