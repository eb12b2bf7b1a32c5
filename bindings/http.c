// Http: requests, downloads and uploads, that end with the task they belong to.

#include "wait.h"

#include "../host/download.h"
#include "../host/transfer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  HEADER_BYTES_MAX = 64 * 1024,
  HEADERS_MAX = 256,
  ANSWER_BYTES = 8 * 1024 * 1024,
  CONNECT_MS = 30 * 1000,
  STALL_MS = 60 * 1000,
  REDIRECTS = 10,
  REDIRECTS_MAX = 50,
  PROGRESS_MS = 100 // The least time between two calls of onProgress.
};

static const char box_key; // The script's box is under its address.

struct call;

// One transfer, and who wants to hear of it: a coroutine or a function.
typedef struct ask {
  far_transfer transfer; // First.
  far_wait *wait;
  struct call *call;
  far_download download; // What is not one has no name.
  far_turn progress;     // Runs onProgress.
  int progress_ref;
  uint64_t progressed_ms;
  bool is_orphan; // It only waits for its onProgress to return.
} ask;

// A function that is called at the end.
typedef struct call {
  far_owned owned;
  far_turn turn;
  uint64_t id;
  int function_ref;
  ask *ask;
  bool is_over;
} call;

static ask *ask_of(far_transfer *transfer) {
  return (ask *)(void *)transfer;
}

// -- onProgress ---------------------------------------------------------------

static void free_memory(ask *mine) {
  far_script *script = mine->transfer.script;
  far_script_unref(script, &mine->progress_ref);
  far_script_free(script, mine, sizeof *mine);
}

static void ask_free(ask *mine) {
  far_script *script = mine->transfer.script;
  far_turn_cancel(&mine->progress);
  far_transfer_deinit(&mine->transfer);
  far_download_close(&mine->download, script);
  mine->is_orphan = script->running == &mine->progress;
  if (!mine->is_orphan)
    free_memory(mine);
}

static void set_count(lua_State *L, const char *field, uint64_t count) {
  if (count == FAR_NEVER)
    return;
  lua_pushinteger(L, (lua_Integer)count);
  lua_setfield(L, -2, field);
}

static int push_progress(far_turn *turn, lua_State *L) {
  const ask *mine = far_list_item(turn, ask, progress);
  const far_transfer *transfer = &mine->transfer;
  uint64_t before = transfer->out_offset;
  lua_rawgeti(L, LUA_REGISTRYINDEX, mine->progress_ref);
  lua_createtable(L, 0, 4);
  set_count(L, "sent", transfer->sent);
  set_count(L, "toSend", transfer->send_bytes);
  set_count(L, "received", before + transfer->received);
  if (transfer->expected != FAR_NEVER)
    set_count(L, "toReceive", before + transfer->expected);
  return 1;
}

static void progress_ended(far_turn *turn, far_turn_end how) {
  ask *mine = far_list_item(turn, ask, progress);
  (void)how;
  if (turn->job != NULL)
    far_job_suspect(turn->job);
  if (mine->is_orphan)
    free_memory(mine);
}

static void progressed(far_transfer *transfer) {
  ask *mine = ask_of(transfer);
  const far_script *script = transfer->script;
  uint64_t now_ms = far_host_now_ms(script->host);
  bool is_soon = mine->progressed_ms != FAR_NEVER &&
                 now_ms < mine->progressed_ms + PROGRESS_MS;
  if (is_soon || far_list_is_in(&mine->progress.link) ||
      script->running == &mine->progress)
    return;
  mine->progressed_ms = now_ms;
  mine->progress.job = transfer->job;
  far_turn_queue(&mine->progress);
}

// -- What comes of it ---------------------------------------------------------

static void set_header(lua_State *L, const char *name, const char *value) {
  if (lua_getfield(L, -1, name) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_pushstring(L, value);
  } else {
    bool is_cookie = strcmp(name, "set-cookie") == 0; // Has commas of its own.
    lua_pushstring(L, is_cookie ? "\n" : ", ");
    lua_pushstring(L, value);
    lua_concat(L, 3);
  }
  lua_setfield(L, -2, name);
}

static void push_headers(lua_State *L, const far_transfer *transfer) {
  const char *at = transfer->answer_headers.data;
  const char *end = at ? at + transfer->answer_headers.used : NULL;
  lua_newtable(L);
  while (at < end) {
    const char *value = at + strlen(at) + 1;
    set_header(L, at, value);
    at = value + strlen(value) + 1;
  }
}

// response.json() --> value | nil, message, name
static int answer_json(lua_State *L) {
  far_script *script = far_script_of(L);
  size_t bytes;
  const char *text = lua_tolstring(L, lua_upvalueindex(2), &bytes);
  return far_push_parsed(L, script, text, bytes);
}

static int push_answer(lua_State *L, const ask *mine) {
  const far_transfer *transfer = &mine->transfer;
  if (transfer->status != FARSIDE_OK) {
    luaL_pushfail(L);
    lua_pushstring(L, transfer->cause);
    lua_pushstring(L, farside_status_name(transfer->status));
    return 3;
  }
  lua_createtable(L, 0, 6);
  lua_pushinteger(L, transfer->code);
  lua_setfield(L, -2, "status");
  lua_pushstring(L, transfer->url.text);
  lua_setfield(L, -2, "url");
  push_headers(L, transfer);
  lua_setfield(L, -2, "headers");
  if (far_download_is_done(&mine->download)) {
    lua_pushstring(L, mine->download.name);
    lua_setfield(L, -2, "file");
    set_count(L, "bytes", mine->download.bytes);
    return 1;
  }
  lua_pushlstring(L, transfer->answer.data ? transfer->answer.data : "",
                  transfer->answer.used);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &box_key);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, answer_json, 2);
  lua_setfield(L, -3, "json");
  lua_setfield(L, -2, "body");
  return 1;
}

// -- In a coroutine -----------------------------------------------------------

typedef struct http_wait {
  far_wait wait; // First.
  ask *ask;
} http_wait;

static int wait_push(far_wait *wait, lua_State *L) {
  return push_answer(L, ((http_wait *)(void *)wait)->ask);
}

static void wait_stop(far_wait *wait) {
  ask *mine = ((http_wait *)(void *)wait)->ask;
  if (mine == NULL)
    return;
  far_turn_cancel(&mine->progress);
  far_transfer_cancel(&mine->transfer);
  far_download_release(&mine->download);
}

static void wait_deinit(far_wait *wait) {
  ask *mine = ((http_wait *)(void *)wait)->ask;
  if (mine != NULL)
    ask_free(mine);
}

static const far_wait_kind wait_kind = {
    .what = "transfer",
    .refusal = "only a coroutine can wait for a transfer: call it in a task, a "
               "timer or a listener, or give it a function as last argument",
    .bytes = sizeof(http_wait),
    .push = wait_push,
    .stop = wait_stop,
    .deinit = wait_deinit};

// -- With a function ----------------------------------------------------------

static void call_free(call *mine) {
  far_script *script = mine->turn.script;
  ask_free(mine->ask);
  far_script_free(script, mine, sizeof *mine);
}

static void call_leave(call *mine) {
  far_script *script = mine->turn.script;
  if (mine->is_over)
    return;
  mine->is_over = true;
  far_slots_remove(&script->waits, mine->id, 0);
  far_owned_leave(&mine->owned);
  far_turn_cancel(&mine->ask->progress);
  far_transfer_cancel(&mine->ask->transfer);
  far_download_release(&mine->ask->download);
  far_script_unref(script, &mine->function_ref);
}

static void call_cancelled(far_owned *owned) {
  call *mine = far_list_item(owned, call, owned);
  call_leave(mine);
  far_turn_cancel(&mine->turn);
  if (mine->turn.script->running != &mine->turn)
    call_free(mine);
}

static int call_push(far_turn *turn, lua_State *L) {
  call *mine = far_list_item(turn, call, turn);
  lua_rawgeti(L, LUA_REGISTRYINDEX, mine->function_ref);
  int count = push_answer(L, mine->ask);
  far_begin_change(turn->script);
  call_leave(mine);
  far_end_change(turn->script);
  return count;
}

static void call_ended(far_turn *turn, far_turn_end how) {
  call *mine = far_list_item(turn, call, turn);
  (void)how;
  call_leave(mine);
  if (turn->job != NULL)
    far_job_suspect(turn->job);
  call_free(mine);
}

static call *call_begin(far_script *script, ask *asked, int function_ref) {
  call *fresh = far_script_new(script, sizeof *fresh);
  if (fresh == NULL)
    return NULL;
  fresh->id = far_slots_add(&script->waits, &fresh->owned);
  if (fresh->id == 0) {
    far_script_free(script, fresh, sizeof *fresh);
    return NULL;
  }
  fresh->ask = asked;
  fresh->function_ref = function_ref;
  fresh->turn =
      (far_turn){.script = script, .push = call_push, .end = call_ended};
  fresh->owned = (far_owned){.what = "transfer", .cancel = call_cancelled};
  far_script_own(script, &fresh->owned);
  return fresh;
}

static void ended(far_transfer *transfer) {
  ask *mine = ask_of(transfer);
  far_download_end(&mine->download, transfer);
  far_turn_cancel(&mine->progress);
  if (mine->wait != NULL) {
    far_wait_end(mine->wait, NULL);
  } else if (mine->call != NULL) {
    mine->call->turn.job = mine->call->owned.job;
    far_turn_queue(&mine->call->turn);
  }
}

static bool arrived(far_transfer *transfer) {
  return far_download_arrived(&ask_of(transfer)->download, transfer);
}

// cancel(id) --> whether there was something to cancel
static int cancel(lua_State *L) {
  far_script *script = far_script_of(L);
  lua_Integer id = luaL_checkinteger(L, 1);
  far_owned *owned = far_slots_get(&script->waits, (uint64_t)id);
  bool is_there = owned != NULL && owned->cancel == call_cancelled;
  if (is_there) {
    far_begin_change(script);
    far_transfer_interrupt(&far_list_item(owned, call, owned)->ask->transfer,
                           "it was cancelled");
    far_end_change(script);
  }
  lua_pushboolean(L, is_there);
  return 1;
}

// -- Arguments ----------------------------------------------------------------

// What was asked, as it lies on the stack. The table is at 1; what was made of
// it follows, so that nothing is collected.
typedef struct order {
  const char *function; // "get"
  const char *method;
  far_url url;
  char *room;
  const char *headers, *body, *file;
  size_t headers_bytes, body_bytes;
  bool has_json, is_download, is_upload, is_fresh;
  uint64_t offset;
  uint64_t timeout_ms, connect_ms, stall_ms;
  uint64_t answer_bytes_max;
  unsigned redirects_max;
} order;

static int option(lua_State *L, const order *mine, const char *name, int type) {
  int has = lua_getfield(L, 1, name);
  if (has != LUA_TNIL && has != type)
    luaL_error(L, "%s: %s must be a %s, not a %s", mine->function, name,
               lua_typename(L, type), luaL_typename(L, -1));
  return has;
}

static uint64_t duration(lua_State *L, const order *mine, const char *name,
                         uint64_t otherwise) {
  char what[64];
  if (lua_getfield(L, 1, name) == LUA_TNIL)
    return otherwise;
  snprintf(what, sizeof what, "%s: %s", mine->function, name);
  uint64_t ms = far_check_duration(L, -1, what);
  if (ms == 0 || ms > INT64_MAX / 4)
    luaL_error(L, "%s is no time in which anything could be done", what);
  return ms;
}

static uint64_t integer(lua_State *L, const order *mine, const char *name,
                        uint64_t otherwise, lua_Integer most) {
  if (option(L, mine, name, LUA_TNUMBER) == LUA_TNIL)
    return otherwise;
  int is_integer;
  lua_Integer value = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || value < 0 || value > most)
    luaL_error(L, "%s: %s must be an integer from 0 to %I", mine->function,
               name, (LUAI_UACINT)most);
  return (uint64_t)value;
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

static void check_method(lua_State *L, order *mine) {
  static const char *const known[] = {"GET",   "HEAD",   "POST",    "PUT",
                                      "PATCH", "DELETE", "OPTIONS", NULL};
  if (option(L, mine, "method", LUA_TSTRING) == LUA_TNIL)
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

static void check_header(lua_State *L, const order *mine) {
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
  if (is_ours(name))
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
static void check_headers(lua_State *L, order *mine) {
  bool has_headers = option(L, mine, "headers", LUA_TTABLE) == LUA_TTABLE;
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

static void check_body(lua_State *L, order *mine) {
  mine->has_json = lua_getfield(L, 1, "json") != LUA_TNIL;
  if (option(L, mine, "body", LUA_TSTRING) != LUA_TNIL)
    mine->body = lua_tolstring(L, -1, &mine->body_bytes);
  if (option(L, mine, "file", LUA_TSTRING) != LUA_TNIL) {
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

// Reads all options; raises an error for what a script may not write. Returns
// what is wrong with the URL, or NULL: that may come from anywhere.
static const char *check(lua_State *L, order *mine) {
  static const char *const names[] = {
      "url",      "method",    "headers",    "body",           "file",
      "json",     "offset",    "timeout",    "connectTimeout", "stallTimeout",
      "maxBytes", "redirects", "onProgress", "resume",         NULL};
  luaL_checkstack(L, 64, NULL);
  far_check_fields(L, 1, mine->function, names);
  if (option(L, mine, "url", LUA_TSTRING) == LUA_TNIL)
    luaL_error(L, "%s: url is missing", mine->function);
  size_t bytes;
  const char *url = lua_tolstring(L, -1, &bytes);
  mine->room = lua_newuserdatauv(L, FAR_URL_BYTES, 0);
  const char *fault = strlen(url) == bytes
                          ? far_url_read(url, mine->room, &mine->url)
                          : "it has a zero byte";
  check_method(L, mine);
  check_body(L, mine);
  check_headers(L, mine);
  mine->offset = integer(L, mine, "offset", 0, LUA_MAXINTEGER);
  if (mine->offset > 0 && (mine->file == NULL || mine->is_download))
    luaL_error(L, "%s: offset is where to begin in a file that is sent",
               mine->function);
  mine->timeout_ms = duration(L, mine, "timeout", FAR_NEVER);
  mine->connect_ms = duration(L, mine, "connectTimeout", CONNECT_MS);
  mine->stall_ms = duration(L, mine, "stallTimeout", STALL_MS);
  mine->answer_bytes_max =
      integer(L, mine, "maxBytes", ANSWER_BYTES, LUA_MAXINTEGER);
  mine->redirects_max =
      (unsigned)integer(L, mine, "redirects", REDIRECTS, REDIRECTS_MAX);
  if (option(L, mine, "resume", LUA_TBOOLEAN) == LUA_TBOOLEAN) {
    mine->is_fresh = !lua_toboolean(L, -1);
    if (!mine->is_download)
      luaL_error(L, "%s: resume is for downloads", mine->function);
  }
  bool is_bare =
      strcmp(mine->method, "GET") == 0 || strcmp(mine->method, "HEAD") == 0;
  if (is_bare && !mine->is_download &&
      (mine->has_json || mine->body != NULL || mine->file != NULL))
    luaL_error(L, "%s: a %s sends no body", mine->function, mine->method);
  return fault;
}

// -- Beginning ----------------------------------------------------------------

static farside_status fail_host(far_transfer *transfer, farside_status status) {
  far_transfer_fail(transfer, status, "%s",
                    farside_error(transfer->script->host));
  return status;
}

static farside_status fail_memory(far_transfer *transfer) {
  far_transfer_fail(transfer, FARSIDE_NOMEM, "%s",
                    farside_status_text(FARSIDE_NOMEM));
  return FARSIDE_NOMEM;
}

static farside_status open_sent_file(far_transfer *transfer,
                                     const order *mine) {
  struct stat about;
  farside_status status = far_file_open(transfer->script, mine->file,
                                        FAR_FILE_READ, &transfer->in_fd);
  if (status != FARSIDE_OK)
    return fail_host(transfer, status);
  if (fstat(transfer->in_fd, &about) != 0 ||
      (uint64_t)about.st_size < mine->offset) {
    far_transfer_fail(transfer, FARSIDE_INVALID,
                      "%s is shorter than the offset", mine->file);
    return FARSIDE_INVALID;
  }
  transfer->in_offset = mine->offset;
  transfer->send_bytes = (uint64_t)about.st_size - mine->offset;
  return FARSIDE_OK;
}

// `json` goes in the place of a body, where there is one.
static farside_status fill(ask *fresh, const order *mine, const char *json) {
  far_transfer *transfer = &fresh->transfer;
  far_script *script = transfer->script;
  const char *body = json ? json : mine->body;
  size_t bytes = json ? strlen(json) : mine->body_bytes;
  // These say how long nothing is, so that the server need not guess.
  bool is_sender = mine->method[0] == 'P';
  transfer->has_body =
      body != NULL || is_sender || (mine->file != NULL && !mine->is_download);
  transfer->send_bytes = bytes;
  if (!far_bytes_add(script, &transfer->headers, mine->headers,
                     mine->headers_bytes) ||
      !far_bytes_add(script, &transfer->body, body, bytes))
    return fail_memory(transfer);
  if (mine->is_download) {
    transfer->wants_plain = true;
    farside_status status = far_download_open(&fresh->download, transfer,
                                              mine->file, mine->is_fresh);
    return status == FARSIDE_OK ? status : fail_host(transfer, status);
  }
  return mine->file ? open_sent_file(transfer, mine) : FARSIDE_OK;
}

static ask *ask_new(far_script *script, const order *mine, int progress_ref) {
  ask *fresh = far_script_new(script, sizeof *fresh);
  if (fresh == NULL)
    return NULL;
  fresh->transfer = (far_transfer){
      .script = script,
      .ended = ended,
      .arrived = arrived,
      .progressed = progress_ref == LUA_NOREF ? NULL : progressed,
      .in_fd = -1,
      .out_fd = -1,
      .answer_bytes_max = mine->answer_bytes_max,
      .timeout_ms = mine->timeout_ms,
      .connect_ms = mine->connect_ms,
      .stall_ms = mine->stall_ms,
      .redirects_max = mine->redirects_max};
  fresh->download.fd = -1;
  fresh->progress_ref = progress_ref;
  fresh->progressed_ms = FAR_NEVER;
  fresh->progress = (far_turn){
      .script = script, .push = push_progress, .end = progress_ended};
  return fresh;
}

typedef struct begun {
  farside_status status;
  far_wait *wait;
  uint64_t id; // Of a call.
  char cause[FAR_CAUSE_BYTES];
} begun;

// What keeps the two ends of it: references that are given back where nothing
// begins.
typedef struct refs {
  int co, function, progress;
} refs;

static void begin(lua_State *L, far_script *script, const order *mine,
                  const refs *kept, const char *json, begun *result) {
  bool is_call = kept->function != LUA_NOREF;
  ask *fresh = ask_new(script, mine, kept->progress);
  if (fresh == NULL)
    return;
  if (is_call) {
    fresh->call = call_begin(script, fresh, kept->function);
  } else {
    fresh->wait = far_wait_begin(script, L, kept->co, &wait_kind);
    if (fresh->wait != NULL)
      ((http_wait *)(void *)fresh->wait)->ask = fresh;
  }
  if (fresh->call != NULL || fresh->wait != NULL) {
    result->status = fill(fresh, mine, json);
    if (result->status == FARSIDE_OK)
      result->status =
          far_transfer_begin(&fresh->transfer, mine->method, &mine->url);
    memcpy(result->cause, fresh->transfer.cause, sizeof result->cause);
  }
  if (result->status == FARSIDE_OK) {
    result->wait = fresh->wait;
    result->id = is_call ? fresh->call->id : 0;
    return;
  }
  fresh->progress_ref = LUA_NOREF; // These are given back by who made them.
  if (fresh->wait != NULL) {
    far_wait_abandon(fresh->wait);
  } else if (fresh->call != NULL) {
    fresh->call->function_ref = LUA_NOREF;
    call_cancelled(&fresh->call->owned);
  } else {
    ask_free(fresh);
  }
}

// A URL alone is a table with nothing else.
static void make_table(lua_State *L) {
  if (lua_type(L, 1) == LUA_TSTRING) {
    lua_settop(L, 2);
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "url");
    lua_replace(L, 1);
  }
  luaL_argexpected(L, lua_istable(L, 1), 1, "URL, or table of options");
  lua_settop(L, 2);
  if (!lua_isnil(L, 2))
    luaL_checktype(L, 2, LUA_TFUNCTION);
}

static int run(lua_State *L, order *mine) {
  far_script *script = far_script_of(L);
  make_table(L);
  const char *fault = check(L, mine);
  if (fault != NULL) {
    lua_getfield(L, 1, "url");
    return far_push_failure(L, FARSIDE_INVALID, "'%.120s' is no URL: %s",
                            lua_tostring(L, -1), fault);
  }
  refs kept = {LUA_NOREF, LUA_NOREF, LUA_NOREF};
  if (lua_isnil(L, 2))
    kept.co = far_wait_prepare(L, &wait_kind);
  if (option(L, mine, "onProgress", LUA_TFUNCTION) == LUA_TFUNCTION)
    kept.progress = luaL_ref(L, LUA_REGISTRYINDEX);
  if (!lua_isnil(L, 2)) {
    lua_pushvalue(L, 2);
    kept.function = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  lua_getfield(L, 1, "json");
  int value = lua_gettop(L);
  luaL_checkstack(L, FAR_JSON_SLOTS, NULL);

  begun result = {.status = FARSIDE_NOMEM};
  const char *problem = NULL;
  snprintf(result.cause, sizeof result.cause, "%s",
           farside_status_text(FARSIDE_NOMEM));
  far_begin_change(script);
  char *json = mine->has_json ? far_to_json(script, L, value, &problem) : NULL;
  if (problem == NULL)
    begin(L, script, mine, &kept, json, &result);
  free(json);
  far_end_change(script);

  if (result.status == FARSIDE_OK && result.wait != NULL)
    return far_wait_yield(L, result.wait, kept.co);
  if (result.status == FARSIDE_OK) {
    lua_pushinteger(L, (lua_Integer)result.id);
    return 1;
  }
  luaL_unref(L, LUA_REGISTRYINDEX, kept.co);
  luaL_unref(L, LUA_REGISTRYINDEX, kept.progress);
  luaL_unref(L, LUA_REGISTRYINDEX, kept.function);
  if (problem != NULL)
    return luaL_error(L, "%s: json cannot be sent: %s", mine->function,
                      problem);
  luaL_pushfail(L);
  lua_pushstring(L, result.cause);
  lua_pushstring(L, farside_status_name(result.status));
  return 3;
}

// request{ url=, method=, … } --> response | nil, message, name
// request({ url=, … }, fn) --> id; fn(response | nil, message, name)
static int request(lua_State *L) {
  return run(L, &(order){.function = "request", .method = "GET"});
}

// get(url), get{ url=, … } --> as request
static int get(lua_State *L) {
  return run(L, &(order){.function = "get", .method = "GET"});
}

// post{ url=, body= | json= | file=, … } --> as request
static int post(lua_State *L) {
  return run(L, &(order){.function = "post", .method = "POST"});
}

// put{ url=, body= | json= | file=, … } --> as request
static int put(lua_State *L) {
  return run(L, &(order){.function = "put", .method = "PUT"});
}

// download{ url=, file=, … } --> response, with `file` and `bytes`
static int download(lua_State *L) {
  return run(
      L,
      &(order){.function = "download", .method = "GET", .is_download = true});
}

// upload{ url=, file=, … } --> as request
static int upload(lua_State *L) {
  return run(
      L, &(order){.function = "upload", .method = "PUT", .is_upload = true});
}

static const luaL_Reg functions[] = {
    {"request", request}, {"get", get},           {"post", post},
    {"put", put},         {"download", download}, {"upload", upload},
    {"cancel", cancel},   {NULL, NULL},
};

void far_push_http(lua_State *L, int box) {
  lua_pushvalue(L, box);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &box_key);
  lua_newtable(L);
  far_set_functions(L, box, functions);
}
