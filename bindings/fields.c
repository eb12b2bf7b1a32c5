#include "fields.h"

#include "../host/work.h"
#include <string.h>

const char *far_check_text(lua_State *L, int index, const char *what,
                           size_t most) {
  size_t bytes;
  if (lua_isnoneornil(L, index))
    luaL_error(L, "%s is missing", what);
  if (lua_type(L, index) != LUA_TSTRING)
    luaL_error(L, "%s must be a string, not a %s", what,
               luaL_typename(L, index));
  const char *text = lua_tolstring(L, index, &bytes);
  if (bytes == 0)
    luaL_error(L, "%s is empty", what);
  if (bytes > most)
    luaL_error(L, "%s is longer than %d bytes", what, (int)most);
  if (strlen(text) != bytes || strchr(text, '\n') != NULL)
    luaL_error(L, "%s has a zero byte or a new line", what);
  return text;
}

const char *far_push_field_name(lua_State *L, const char *function,
                                const char *field) {
  return lua_pushfstring(L, "%s: %s", function, field);
}

int far_field(lua_State *L, int table, const char *function, const char *field,
              int type) {
  int has = lua_getfield(L, table, field);
  if (has != LUA_TNIL && has != type)
    luaL_error(L, "%s: %s must be a %s, not a %s", function, field,
               lua_typename(L, type), luaL_typename(L, -1));
  return has;
}

const char *far_field_name(lua_State *L, int table, const char *function,
                           const char *field) {
  if (lua_getfield(L, table, field) == LUA_TNIL)
    return NULL;
  const char *what = far_push_field_name(L, function, field);
  return far_check_text(L, -2, what, FAR_WORK_NAME_MAX);
}

int64_t far_field_duration(lua_State *L, int table, const char *function,
                           const char *field, int64_t otherwise) {
  const int64_t most_ms = INT64_MAX / 4;
  if (lua_getfield(L, table, field) == LUA_TNIL)
    return otherwise;
  uint64_t ms;
  if (!far_to_duration(L, -1, &ms))
    (void)far_check_duration(L, -2, far_push_field_name(L, function, field));
  return ms > (uint64_t)most_ms ? most_ms : (int64_t)ms;
}

bool far_field_flag(lua_State *L, int table, const char *function,
                    const char *field, bool otherwise) {
  int type = lua_getfield(L, table, field);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN)
    luaL_error(L, "%s: %s must be true or false, not a %s", function, field,
               luaL_typename(L, -1));
  return type == LUA_TNIL ? otherwise : lua_toboolean(L, -1);
}

int64_t far_field_integer(lua_State *L, int table, const char *function,
                          const char *field, int64_t least, int64_t most,
                          int64_t otherwise) {
  if (lua_getfield(L, table, field) == LUA_TNIL)
    return otherwise;
  int is_integer = 0;
  lua_Integer number =
      lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &is_integer) : 0;
  if (!is_integer || number < least || number > most)
    luaL_error(L, "%s: %s must be an integer from %I to %I", function, field,
               (LUAI_UACINT)least, (LUAI_UACINT)most);
  return number;
}

int far_field_choice(lua_State *L, int table, const char *function,
                     const char *field, const char *(*name_at)(int),
                     int otherwise) {
  if (lua_getfield(L, table, field) == LUA_TNIL)
    return otherwise;
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  luaL_Buffer all;
  for (int i = 0; name_at(i) != NULL; i++)
    if (strcmp(text, name_at(i)) == 0)
      return i;
  luaL_buffinit(L, &all);
  for (int i = 0; name_at(i) != NULL; i++) {
    luaL_addstring(&all, i ? ", " : "");
    luaL_addstring(&all, name_at(i));
  }
  luaL_pushresult(&all);
  return luaL_error(L, "%s: %s must be one of: %s", function, field,
                    lua_tostring(L, -1));
}
