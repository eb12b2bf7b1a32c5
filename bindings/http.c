// Http: requests, downloads and uploads, that end with the task they belong to.

#include "http_order.h"
#include "wait.h"

#include "../host/download.h"
#include "../host/transfer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

// The least time between two calls of onProgress.
enum { PROGRESS_MS = 100 };

static const char box_key; // The script's box is under its address.

struct call;

// One transfer, and who wants to hear of it: a coroutine or a function.
typedef struct ask {
  far_transfer transfer; // First.
  far_wait *wait;
  struct call *call;
  far_download download; // What is not one has no name.
  far_upload upload;
  far_turn progress; // Runs onProgress.
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
  const far_upload *upload = &mine->upload;
  bool is_whole = upload->way == FAR_UPLOAD_WHOLE;
  uint64_t before = transfer->out_offset;
  lua_rawgeti(L, LUA_REGISTRYINDEX, mine->progress_ref);
  lua_createtable(L, 0, 4);
  set_count(L, "sent", upload->have + transfer->sent);
  set_count(L, "toSend", is_whole ? transfer->send_bytes : upload->size);
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

// The last bytes of a body: nobody may have to think that they are missing.
static bool is_all(const far_transfer *transfer) {
  return transfer->phase == FAR_PHASE_SEND
             ? transfer->sent == transfer->send_bytes
             : transfer->received == transfer->expected;
}

static void progressed(far_transfer *transfer) {
  ask *mine = ask_of(transfer);
  const far_script *script = transfer->script;
  uint64_t now_ms = far_host_now_ms(script->host);
  bool is_soon = mine->progressed_ms != FAR_NEVER &&
                 now_ms < mine->progressed_ms + PROGRESS_MS;
  if ((is_soon && !is_all(transfer)) || far_list_is_in(&mine->progress.link) ||
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

static bool answered(far_transfer *transfer) {
  return far_upload_goes_on(&ask_of(transfer)->upload, transfer);
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
                                     const far_http_order *mine) {
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
static farside_status fill(ask *fresh, const far_http_order *mine,
                           const char *json) {
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
  farside_status status =
      mine->file ? open_sent_file(transfer, mine) : FARSIDE_OK;
  if (status != FARSIDE_OK || mine->way == FAR_UPLOAD_WHOLE)
    return status;
  fresh->upload.way = mine->way;
  fresh->upload.part_bytes = mine->part_bytes;
  status = far_upload_open(&fresh->upload, transfer);
  return status == FARSIDE_OK ? status : fail_memory(transfer);
}

static ask *ask_new(far_script *script, const far_http_order *mine,
                    int progress_ref) {
  ask *fresh = far_script_new(script, sizeof *fresh);
  if (fresh == NULL)
    return NULL;
  fresh->transfer = (far_transfer){
      .script = script,
      .ended = ended,
      .arrived = arrived,
      .answered = answered,
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

static void begin(lua_State *L, far_script *script, const far_http_order *mine,
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

static int run(lua_State *L, far_http_order *mine) {
  far_script *script = far_script_of(L);
  make_table(L);
  const char *fault = far_http_order_read(L, mine);
  if (fault != NULL) {
    lua_getfield(L, 1, "url");
    return far_push_failure(L, FARSIDE_INVALID, "'%.120s' is no URL: %s",
                            lua_tostring(L, -1), fault);
  }
  refs kept = {LUA_NOREF, LUA_NOREF, LUA_NOREF};
  if (lua_isnil(L, 2))
    kept.co = far_wait_prepare(L, &wait_kind);
  if (far_http_order_option(L, mine, "onProgress", LUA_TFUNCTION) ==
      LUA_TFUNCTION)
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
  return run(L, &(far_http_order){.function = "request", .method = "GET"});
}

// get(url), get{ url=, … } --> as request
static int get(lua_State *L) {
  return run(L, &(far_http_order){.function = "get", .method = "GET"});
}

// post{ url=, body= | json= | file=, … } --> as request
static int post(lua_State *L) {
  return run(L, &(far_http_order){.function = "post", .method = "POST"});
}

// put{ url=, body= | json= | file=, … } --> as request
static int put(lua_State *L) {
  return run(L, &(far_http_order){.function = "put", .method = "PUT"});
}

// download{ url=, file=, … } --> response, with `file` and `bytes`
static int download(lua_State *L) {
  return run(L, &(far_http_order){.function = "download",
                                  .method = "GET",
                                  .is_download = true});
}

// upload{ url=, file=, … } --> as request
static int upload(lua_State *L) {
  return run(L, &(far_http_order){
                    .function = "upload", .method = "PUT", .is_upload = true});
}

static const luaL_Reg functions[] = {
    {"request", request}, {"get", get},           {"post", post},
    {"put", put},         {"download", download}, {"upload", upload},
    {"cancel", cancel},   {NULL, NULL},
};

void far_push_http(lua_State *L, int box) {
  lua_pushvalue(L, box);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &box_key);
  far_push_functions(L, box, functions, 0);
}
