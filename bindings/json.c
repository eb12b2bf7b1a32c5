// JSON as Lua values, and Lua values as JSON: what comes with an event, and
// what scripts send each other.

#include "bindings.h"

#include "../host/number.h"
#include "../host/scripts.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char far_json_too_large[] = "it is larger than 1 MiB";

// -- JSON as Lua values -------------------------------------------------------

static void push_value(lua_State *L, const json_t *value) {
  luaL_checkstack(L, 8, "the JSON is nested too deep");
  switch (json_typeof(value)) {
  case JSON_OBJECT: {
    const char *key;
    json_t *field;
    lua_createtable(L, 0, (int)json_object_size(value));
    json_object_foreach((json_t *)value, key, field) {
      push_value(L, field);
      lua_setfield(L, -2, key);
    }
    break;
  }
  case JSON_ARRAY:
    lua_createtable(L, (int)json_array_size(value), 0);
    for (size_t i = 0; i < json_array_size(value); i++) {
      push_value(L, json_array_get(value, i));
      lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    break;
  case JSON_STRING:
    lua_pushlstring(L, json_string_value(value), json_string_length(value));
    break;
  case JSON_INTEGER:
    lua_pushinteger(L, json_integer_value(value));
    break;
  case JSON_REAL:
    lua_pushnumber(L, json_real_value(value));
    break;
  case JSON_TRUE:
  case JSON_FALSE:
    lua_pushboolean(L, json_is_true(value));
    break;
  case JSON_NULL:
    lua_pushnil(L);
    break;
  }
}

static int push_protected(lua_State *L) {
  push_value(L, lua_touserdata(L, 1));
  return 1;
}

void far_push_json(lua_State *L, const char *text) {
  json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  if (value == NULL)
    luaL_error(L, "not enough memory"); // It was parsed once already.
  lua_pushcfunction(L, push_protected);
  lua_pushlightuserdata(L, value);
  int status = lua_pcall(L, 1, 1, 0);
  json_decref(value);
  if (status != LUA_OK)
    lua_error(L);
}

void far_push_event_json(lua_State *L, far_event *event) {
  const json_t *value = far_event_json(event);
  if (value == NULL)
    luaL_error(L, "not enough memory"); // It was parsed once already.
  push_value(L, value);
}

int far_push_parsed(lua_State *L, far_script *script, const char *text,
                    size_t bytes) {
  json_error_t error;
  lua_pushcfunction(L, push_protected);
  far_begin_change(script);
  json_t *value =
      json_loadb(text, bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
  far_end_change(script);
  if (value == NULL)
    return far_push_failure(L, FARSIDE_INVALID, "line %d is no JSON: %.160s",
                            error.line, error.text);
  lua_pushlightuserdata(L, value);
  int status = lua_pcall(L, 1, 1, 0);
  far_begin_change(script);
  json_decref(value);
  far_end_change(script);
  return status == LUA_OK ? 1 : lua_error(L);
}

// -- Lua values as JSON -------------------------------------------------------

enum {
  // As deep as jansson reads, with room to spare, and as the C stack allows.
  DEPTH_MAX = 100,
  // A table counts as so many bytes: it takes as long as a text of that length,
  // and nobody can interrupt it.
  TABLE_BYTES = 16
};

// Why a value cannot be JSON; what it returns is text that nobody frees.
typedef struct encoder {
  lua_State *L;
  const far_watch *watch;
  size_t bytes_left; // An estimate, so that no giant is built to be refused.
  const char *problem;
} encoder;

static json_t *encode(encoder *mine, int index, int depth);

static json_t *refuse(encoder *mine, const char *problem) {
  if (mine->problem == NULL)
    mine->problem = problem;
  return NULL;
}

static bool spend(encoder *mine, size_t bytes) {
  if (bytes > mine->bytes_left) {
    refuse(mine, far_json_too_large);
    return false;
  }
  mine->bytes_left -= bytes;
  return true;
}

static json_t *encode_array(encoder *mine, int table, size_t length,
                            int depth) {
  json_t *array = json_array();
  for (size_t i = 1; i <= length && array != NULL; i++) {
    lua_rawgeti(mine->L, table, (lua_Integer)i);
    json_t *item = encode(mine, lua_gettop(mine->L), depth);
    lua_pop(mine->L, 1);
    if (item == NULL || json_array_append_new(array, item) != 0) {
      json_decref(array);
      return NULL;
    }
  }
  return array;
}

static json_t *encode_object(encoder *mine, int table, int depth) {
  lua_State *L = mine->L;
  json_t *object = json_object();
  lua_pushnil(L);
  while (object != NULL && lua_next(L, table) != 0) {
    json_t *field = NULL;
    if (lua_type(L, -2) != LUA_TSTRING)
      refuse(mine, "a table is neither a list without holes nor has names as "
                   "its only keys");
    else if (spend(mine, (size_t)lua_rawlen(L, -2)))
      field = encode(mine, lua_gettop(L), depth);
    size_t bytes = 0;
    const char *key = field ? lua_tolstring(L, -2, &bytes) : NULL;
    if (field != NULL && memchr(key, 0, bytes) != NULL) {
      json_decref(field);
      field = refuse(mine, "a field's name has a zero byte");
    }
    if (field == NULL || json_object_set_new(object, key, field) != 0) {
      refuse(mine, "a field's name is not UTF-8");
      lua_pop(L, 2);
      json_decref(object);
      return NULL;
    }
    lua_pop(L, 1);
  }
  return object;
}

static json_t *encode_table(encoder *mine, int table, int depth) {
  if (depth == DEPTH_MAX)
    return refuse(mine, "a table is in itself, or nested deeper than 100");
  if (!spend(mine, TABLE_BYTES))
    return NULL;
  size_t length = (size_t)lua_rawlen(mine->L, table);
  size_t count = 0;
  bool is_list = true; // { 1, nil, 3, x = 4 } has as many as its length says.
  lua_pushnil(mine->L);
  while (lua_next(mine->L, table) != 0) {
    lua_pop(mine->L, 1);
    is_list = is_list && lua_isinteger(mine->L, -1);
    if (!spend(mine, 2)) {
      lua_pop(mine->L, 1);
      return NULL;
    }
    count++;
  }
  if (is_list && length > 0 && count == length)
    return encode_array(mine, table, length, depth + 1);
  return encode_object(mine, table, depth + 1);
}

static json_t *encode_string(encoder *mine, int index) {
  size_t bytes;
  const char *text = lua_tolstring(mine->L, index, &bytes);
  if (!spend(mine, bytes))
    return NULL;
  json_t *string = json_stringn(text, bytes);
  return string ? string : refuse(mine, "a string is not UTF-8");
}

static json_t *encode_number(encoder *mine, int index) {
  if (lua_isinteger(mine->L, index))
    return json_integer(lua_tointeger(mine->L, index));
  lua_Number number = lua_tonumber(mine->L, index);
  if (!isfinite(number))
    return refuse(mine, "a number is not finite");
  return json_real(number);
}

// To walk a table that was emptied takes as long as when it was full, and it
// may be met a hundred thousand times: nobody can jump out of here, so that a
// script whose budget is spent has to be noticed.
static bool is_stopped(const encoder *mine) {
  return mine->watch->is_killed || mine->watch->shield.is_pending;
}

static json_t *encode(encoder *mine, int index, int depth) {
  if (is_stopped(mine))
    return refuse(mine, "the script was stopped");
  if (!spend(mine, 2) || !lua_checkstack(mine->L, 4))
    return refuse(mine, "it is nested too deep"); // Or too large: see spend().
  switch (lua_type(mine->L, index)) {
  case LUA_TNIL:
    return json_null();
  case LUA_TBOOLEAN:
    return json_boolean(lua_toboolean(mine->L, index));
  case LUA_TNUMBER:
    return encode_number(mine, index);
  case LUA_TSTRING:
    return encode_string(mine, index);
  case LUA_TTABLE:
    return encode_table(mine, index, depth);
  default:
    return refuse(mine, "only nil, booleans, numbers, strings and tables of "
                        "them can be sent");
  }
}

// Ids and counts are most of what is sent, and need no tree to be built.
static char *integer_text(lua_Integer number) {
  char text[1 + FAR_NUMBER_BYTES] = "-";
  bool is_negative = number < 0;
  far_put_number(text + is_negative,
                 is_negative ? 0 - (uint64_t)number : (uint64_t)number);
  return strdup(text);
}

char *far_to_json(const far_script *script, lua_State *L, int index,
                  const char **problem) {
  if (lua_isinteger(L, index)) {
    char *text = integer_text(lua_tointeger(L, index));
    *problem = text ? NULL : "not enough memory";
    return text;
  }
  encoder mine = {.L = L,
                  .watch = &script->host->watch,
                  .bytes_left = FAR_MESSAGE_BYTES_MAX};
  int top = lua_gettop(L);
  json_t *value = encode(&mine, index, 0);
  char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
  json_decref(value);
  lua_settop(L, top);
  if (text != NULL && strlen(text) > FAR_MESSAGE_BYTES_MAX) {
    free(text);
    text = NULL;
    mine.problem = far_json_too_large;
  }
  *problem = text ? NULL : mine.problem ? mine.problem : "not enough memory";
  return text;
}
