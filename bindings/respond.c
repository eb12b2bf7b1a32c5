// phone:respond: what answers the requests of an app on a simulated phone.

#include "bindings.h"
#include "device.h"
#include "fields.h"

#include "../host/limit.h"
#include <stdlib.h>
#include <string.h>

// -- What is answered ---------------------------------------------------------

static int field(lua_State *L, int table, const char *name, int type) {
  return far_field(L, table, "respond", name, type);
}

// "10MB", or a number of bytes.
static uint64_t check_bytes(lua_State *L, int table, const char *name,
                            uint64_t otherwise) {
  uint64_t bytes = 0;
  int type = lua_getfield(L, table, name);
  if (type == LUA_TNIL)
    return otherwise;
  bool is_size =
      type == LUA_TSTRING && far_size_parse(lua_tostring(L, -1), &bytes);
  if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 0) {
    bytes = (uint64_t)lua_tointeger(L, -1);
    is_size = true;
  }
  if (!is_size || bytes > INT64_MAX / 4)
    luaL_error(L, "respond: %s must be bytes, or a size such as \"10MB\"",
               name);
  return bytes;
}

// "200KB/s"
static uint64_t check_rate(lua_State *L, int table) {
  uint64_t rate = 0;
  char size[32];
  if (lua_getfield(L, table, "rate") == LUA_TNIL)
    return 0;
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  size_t bytes = strlen(text);
  bool is_rate =
      bytes > 2 && bytes < sizeof size && strcmp(text + bytes - 2, "/s") == 0;
  if (is_rate) {
    memcpy(size, text, bytes - 2);
    size[bytes - 2] = '\0';
    is_rate = far_size_parse(size, &rate) && rate > 0 && rate < INT64_MAX / 4;
  }
  if (!is_rate)
    luaL_error(L, "respond: rate must be a text such as \"200KB/s\"");
  return rate;
}

// "3s", or { "1s", "5s" } between which the seed chooses.
static void check_latency(lua_State *L, int table, far_answer *answer) {
  int type = lua_getfield(L, table, "latency");
  if (type == LUA_TNIL)
    return;
  int at = lua_gettop(L);
  if (type != LUA_TTABLE) {
    answer->latency_ms = far_check_duration(L, at, "respond: latency");
    answer->latency_most_ms = answer->latency_ms;
    return;
  }
  lua_rawgeti(L, at, 1);
  answer->latency_ms = far_check_duration(L, -1, "respond: latency[1]");
  lua_rawgeti(L, at, 2);
  answer->latency_most_ms = far_check_duration(L, -1, "respond: latency[2]");
  if (answer->latency_most_ms < answer->latency_ms)
    luaL_error(L, "respond: latency is from the least to the most");
}

static void check_mishap(lua_State *L, int table, const char *name,
                         far_answer *answer) {
  far_mishap mishap;
  if (field(L, table, name, LUA_TSTRING) == LUA_TNIL)
    return;
  const char *word = lua_tostring(L, -1);
  bool is_tls = strcmp(name, "tls") == 0;
  bool is_known =
      far_mishap_find(word, &mishap) &&
      (mishap >= FAR_MISHAP_EXPIRED && mishap <= FAR_MISHAP_HOST) == is_tls;
  if (!is_known)
    luaL_error(L, "respond: there is no %s '%s'; there are: %s", name, word,
               is_tls ? "expired, untrusted, host" : "resolve, connect, reset");
  answer->mishap = mishap;
}

static unsigned check_fail(lua_State *L, int table) {
  if (field(L, table, "fail", LUA_TNUMBER) == LUA_TNIL)
    return 0;
  lua_Number part = lua_tonumber(L, -1);
  if (!(part >= 0 && part <= 1))
    luaL_error(L, "respond: fail is a part from 0 to 1, such as 0.1");
  return (unsigned)(part * 1000 + 0.5);
}

static bool has_line_end(const char *text) {
  return strpbrk(text, "\r\n") != NULL;
}

// Leaves lines on the stack, each with its zero; sorted, so that the same plan
// gives the same bytes.
static void push_header_lines(lua_State *L, int table) {
  bool has_headers = field(L, table, "headers", LUA_TTABLE) == LUA_TTABLE;
  int headers = lua_gettop(L), lines = headers + 1;
  lua_Integer count = 0;
  luaL_Buffer all;
  lua_newtable(L);
  for (lua_pushnil(L); has_headers && lua_next(L, headers) != 0;
       lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || !lua_isstring(L, -1))
      luaL_error(L, "respond: headers are names with strings");
    lua_pushvalue(L, -1);
    lua_pushfstring(L, "%s: %s", lua_tostring(L, -3), lua_tostring(L, -1));
    if (has_line_end(lua_tostring(L, -1)))
      luaL_error(L, "respond: a header has an end of a line in it");
    lua_rawseti(L, lines, ++count);
    lua_pop(L, 1);
  }
  for (lua_Integer i = 2; i <= count; i++)
    for (lua_Integer j = i; j > 1; j--) {
      lua_rawgeti(L, lines, j - 1);
      lua_rawgeti(L, lines, j);
      if (!lua_compare(L, -1, -2, LUA_OPLT)) {
        lua_pop(L, 2);
        break;
      }
      lua_rawseti(L, lines, j - 1);
      lua_rawseti(L, lines, j);
    }
  luaL_buffinit(L, &all);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, lines, i);
    luaL_addvalue(&all);
    luaL_addchar(&all, '\0');
  }
  luaL_pushresult(&all);
}

// Reads a table into an answer that begins with what it is without one. Raises
// an error for what is wrong; the text is taken last.
static void read_answer(lua_State *L, int table, far_answers *answers,
                        far_answer *answer) {
  static const char *const names[] = {
      "status",    "headers",    "body", "size",  "latency", "rate",   "fail",
      "dropAfter", "stallAfter", "tls",  "error", "times",   "answer", NULL};
  luaL_checkstack(L, 32, NULL);
  far_check_fields(L, table, "respond", names);
  if (field(L, table, "status", LUA_TNUMBER) != LUA_TNIL) {
    lua_Integer status = lua_tointeger(L, -1);
    if (status < 200 || status > 599)
      luaL_error(L, "respond: status is from 200 to 599");
    answer->status = (int)status;
  }
  check_latency(L, table, answer);
  if (lua_getfield(L, table, "rate") != LUA_TNIL)
    answer->rate = check_rate(L, table);
  answer->drop_bytes = check_bytes(L, table, "dropAfter", answer->drop_bytes);
  answer->stall_bytes =
      check_bytes(L, table, "stallAfter", answer->stall_bytes);
  if (lua_getfield(L, table, "fail") != LUA_TNIL)
    answer->fail_permille = check_fail(L, table);
  check_mishap(L, table, "tls", answer);
  check_mishap(L, table, "error", answer);
  size_t body_bytes = 0, bytes;
  push_header_lines(L, table);
  answer->headers_bytes = (size_t)lua_rawlen(L, -1);
  if (field(L, table, "body", LUA_TSTRING) == LUA_TNIL)
    lua_pushliteral(L, "");
  else
    lua_pushvalue(L, -1);
  body_bytes = (size_t)lua_rawlen(L, -1);
  lua_remove(L, -2);
  answer->body_bytes = check_bytes(L, table, "size", body_bytes);
  if (answer->body_bytes < body_bytes)
    luaL_error(L, "respond: size is less than there is in body");
  lua_pop(L, 1);
  lua_concat(L, 2);
  const char *text = lua_tolstring(L, -1, &bytes);
  if (bytes == 0)
    return;
  answer->text = far_answers_text(answers, bytes);
  if (answer->text == NULL)
    luaL_error(L, "not enough memory");
  memcpy(answer->text, text, bytes);
  answer->text_bytes = bytes;
}

// -- Functions that answer ----------------------------------------------------

// What a rule needs for its function: a coroutine of its own, because whoever
// lets time pass may be in any.
typedef struct asker {
  lua_State *co;
  int co_ref, function_ref;
  far_device *device;
} asker;

typedef struct question {
  const asker *asker;
  const far_asked *asked;
  far_answer *answer;
} question;

static void push_request_headers(lua_State *L, const far_transfer *transfer) {
  const far_bytes *all = &transfer->headers;
  lua_newtable(L);
  for (size_t at = 0; at < all->used; at += strlen(all->data + at) + 1) {
    const char *line = all->data + at;
    size_t name = strcspn(line, ":;");
    if (far_transfer_hides(transfer, line))
      continue;
    lua_pushlstring(L, line, name);
    for (char c; name < strlen(line) &&
                 ((c = line[name]) == ':' || c == ';' || c == ' ');)
      name++;
    lua_pushstring(L, line + name);
    lua_rawset(L, -3);
  }
}

static void push_request(lua_State *L, const far_asked *asked) {
  const far_transfer *transfer = asked->transfer;
  lua_createtable(L, 0, 6);
  lua_pushstring(L, transfer->method);
  lua_setfield(L, -2, "method");
  lua_pushstring(L, transfer->url.text);
  lua_setfield(L, -2, "url");
  push_request_headers(L, transfer);
  lua_setfield(L, -2, "headers");
  lua_pushlstring(L, asked->body ? asked->body : "", asked->body_bytes);
  lua_setfield(L, -2, "body");
  lua_pushinteger(L, (lua_Integer)transfer->sent);
  lua_setfield(L, -2, "bytes");
  lua_pushboolean(L, asked->is_partial);
  lua_setfield(L, -2, "isPartial");
}

static int ask_protected(lua_State *L) {
  const question *mine = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, mine->asker->function_ref);
  push_request(L, mine->asked);
  lua_call(L, 1, 1);
  if (mine->asked->is_partial || lua_isnil(L, -1))
    return 0;
  if (!lua_istable(L, -1))
    return luaL_error(L,
                      "respond: the function must return a table such as { "
                      "status = 200 }, not a %s",
                      luaL_typename(L, -1));
  read_answer(L, lua_gettop(L), far_device_answers(mine->asker->device),
              mine->answer);
  return 0;
}

static bool ask(far_answer_rule *rule, const far_asked *asked,
                far_answer *answer) {
  const asker *mine = rule->user;
  lua_State *co = mine->co;
  question put = {mine, asked, answer};
  lua_settop(co, 0);
  lua_pushcfunction(co, ask_protected);
  lua_pushlightuserdata(co, &put);
  if (lua_pcall(co, 1, 0, 0) == LUA_OK)
    return true;
  const char *message =
      lua_type(co, -1) == LUA_TSTRING ? lua_tostring(co, -1) : "an error";
  far_host_note(far_device_host(mine->device), FAR_WHAT_LOG, FARSIDE_ERROR,
                NULL, NULL, message);
  lua_settop(co, 0);
  return false;
}

static void forget(far_answer_rule *rule) {
  asker *mine = rule->user;
  lua_State *co = mine->co;
  int co_ref = mine->co_ref;
  luaL_unref(co, LUA_REGISTRYINDEX, mine->function_ref);
  free(mine);
  luaL_unref(co, LUA_REGISTRYINDEX, co_ref);
}

// The function is on the top of the stack.
static void set_function(lua_State *L, far_device *device,
                         far_answer_rule *rule) {
  lua_State *co = lua_newthread(L);
  lua_insert(L, -2);
  asker *mine = malloc(sizeof *mine);
  if (mine == NULL)
    luaL_error(L, "not enough memory");
  *mine = (asker){.co = co, .device = device};
  mine->function_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  mine->co_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  rule->user = mine;
  rule->ask = ask;
  rule->forget = forget;
}

// -- respond ------------------------------------------------------------------

// "PUT https://api.example.com/*": the method is left out for any.
static void check_pattern(lua_State *L, const char *text,
                          far_answer_rule *rule) {
  char why[FAR_SENTENCE_BYTES];
  far_pattern pattern;
  size_t word = strcspn(text, " ");
  if (text[word] == ' ') {
    for (size_t i = 0; i < word; i++)
      if (text[i] < 'A' || text[i] > 'Z')
        luaL_error(L, "respond: '%s' does not begin with a method such as PUT",
                   text);
    lua_pushlstring(L, text, word);
    rule->method = (char *)lua_tostring(L, -1);
    text += word + 1;
  }
  if (!far_pattern_parse(text, &pattern, why, sizeof why))
    luaL_error(L, "respond: %s", why);
  lua_pushstring(L, text);
  rule->pattern = (char *)lua_tostring(L, -1);
}

// phone:respond(pattern, { status=, headers=, body=, size=, latency=, rate=,
// fail=, dropAfter=, stallAfter=, tls=, error=, times=, answer= } | fn)
int far_respond(lua_State *L) {
  far_device *device = far_check_phone(L);
  far_answers *answers = far_device_answers(device);
  far_answer_rule rule = {.times = FAR_NEVER,
                          .answer = {.status = 200,
                                     .drop_bytes = FAR_NEVER,
                                     .stall_bytes = FAR_NEVER}};
  const char *text = luaL_checkstring(L, 2);
  lua_settop(L, 3);
  if (lua_isfunction(L, 3)) {
    lua_createtable(L, 0, 1);
    lua_insert(L, 3);
    lua_setfield(L, 3, "answer");
  }
  luaL_argexpected(L, lua_istable(L, 3), 3,
                   "table such as { status = 200 }, or function");
  check_pattern(L, text, &rule);
  if (field(L, 3, "times", LUA_TNUMBER) != LUA_TNIL) {
    lua_Integer times = lua_tointeger(L, -1);
    if (times < 1)
      return luaL_error(L, "respond: times is a number from 1");
    rule.times = (uint64_t)times;
  }
  bool has_function = field(L, 3, "answer", LUA_TFUNCTION) == LUA_TFUNCTION;
  int function = lua_gettop(L);
  read_answer(L, 3, answers, &rule.answer);
  if (has_function) {
    lua_pushvalue(L, function);
    set_function(L, device, &rule);
  }
  if (far_answers_add(answers, &rule) == FARSIDE_OK)
    return 0;
  far_answers_text_free(answers, &rule.answer);
  if (has_function)
    forget(&rule);
  return luaL_error(L, "not enough memory");
}
