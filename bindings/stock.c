#include "stock.h"

#include "../host/far_assert.h"
#include <lualib.h>
#include <pthread.h>
#include <string.h>

enum { NAMES_MAX = 256, TEXT_BYTES_MAX = 32 };

typedef struct value {
  int type; // As lua_type() has it.
  bool is_integer;
  bool has_upvalues; // The function.
  lua_CFunction function;
  lua_Integer integer;
  lua_Number number;
  size_t bytes;
  char text[TEXT_BYTES_MAX]; // It may hold zeros.
} value;

static pthread_mutex_t finding = PTHREAD_MUTEX_INITIALIZER;
static bool is_found; // Under it.
static value values[NAMES_MAX];

static value *value_of(const far_visible *name) {
  size_t place = (size_t)(name - far_sandbox_names);
  far_assert(place < NAMES_MAX);
  return &values[place];
}

// Keeps the value on the top of the stack.
static void keep(lua_State *L, value *to) {
  *to = (value){.type = lua_type(L, -1),
                .is_integer = lua_isinteger(L, -1),
                .function = lua_tocfunction(L, -1),
                .integer = lua_tointeger(L, -1),
                .number = lua_tonumber(L, -1)};
  if (to->type == LUA_TSTRING) {
    const char *text = lua_tolstring(L, -1, &to->bytes);
    far_assert(to->bytes <= TEXT_BYTES_MAX);
    memcpy(to->text, text, to->bytes);
  }
  to->has_upvalues = to->function != NULL && lua_getupvalue(L, -1, 1) != NULL;
}

static int find(lua_State *L) {
  static const luaL_Reg libraries[] = {
      {LUA_GNAME, luaopen_base},        {LUA_COLIBNAME, luaopen_coroutine},
      {LUA_MATHLIBNAME, luaopen_math},  {LUA_OSLIBNAME, luaopen_os},
      {LUA_STRLIBNAME, luaopen_string}, {LUA_TABLIBNAME, luaopen_table},
      {LUA_UTF8LIBNAME, luaopen_utf8},
  };
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
    luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_setglobal(L, "(string)");
  for (const far_visible *name = far_sandbox_names; name->name; name++) {
    if (name->origin != FAR_NAME_STOCK)
      continue;
    lua_settop(L, 0);
    lua_getglobal(L, name->library);
    lua_getfield(L, -1, name->name);
    keep(L, value_of(name));
  }
  return 0;
}

static bool find_in(lua_State *L) {
  if (L == NULL)
    return false;
  lua_pushcfunction(L, find);
  bool is_done = lua_pcall(L, 0, 0, 0) == LUA_OK;
  lua_close(L);
  return is_done;
}

bool far_stock_find(far_memory *memory) {
  pthread_mutex_lock(&finding);
  is_found = is_found || find_in(lua_newstate(far_lua_allocate, memory));
  bool is_done = is_found;
  pthread_mutex_unlock(&finding);
  return is_done;
}

bool far_stock_push(lua_State *L, const far_visible *name) {
  const value *from = value_of(name);
  if (from->has_upvalues)
    return false;
  if (from->type == LUA_TFUNCTION)
    lua_pushcfunction(L, from->function);
  else if (from->type == LUA_TSTRING)
    lua_pushlstring(L, from->text, from->bytes);
  else if (from->is_integer)
    lua_pushinteger(L, from->integer);
  else
    lua_pushnumber(L, from->number);
  return true;
}
