// JSON that was posted with an event, as Lua values.

#include "bindings.h"

#include <jansson.h>

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
  json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
  if (value == NULL)
    luaL_error(L, "not enough memory"); // It was parsed once already.
  lua_pushcfunction(L, push_protected);
  lua_pushlightuserdata(L, value);
  int status = lua_pcall(L, 1, 1, 0);
  json_decref(value);
  if (status != LUA_OK)
    lua_error(L);
}
