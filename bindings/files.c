// Files: what a script downloads and uploads, in a folder of its own.

#include "bindings.h"

#include "../host/files.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *check_name(lua_State *L, const char *function) {
  size_t bytes;
  if (lua_type(L, 1) != LUA_TSTRING)
    luaL_error(L, "%s: the name must be a string, not a %s", function,
               luaL_typename(L, 1));
  const char *name = lua_tolstring(L, 1, &bytes);
  const char *fault = far_file_fault(name, bytes);
  if (fault != NULL)
    luaL_error(L, "%s: '%s' is no name of a file: %s", function, name, fault);
  return name;
}

static int answer(lua_State *L, const far_script *script,
                  farside_status status) {
  if (status != FARSIDE_OK)
    return far_push_failure(L, status, "%s", farside_error(script->host));
  lua_pushboolean(L, 1);
  return 1;
}

// size(name) --> bytes | nil, message, name
static int size(lua_State *L) {
  far_script *script = far_script_of(L);
  const char *name = check_name(L, "size");
  uint64_t bytes = 0;
  far_begin_change(script);
  farside_status status = far_file_size(script, name, &bytes);
  far_end_change(script);
  if (status != FARSIDE_OK)
    return answer(L, script, status);
  lua_pushinteger(L, (lua_Integer)bytes);
  return 1;
}

// remove(name) --> whether it was there | nil, message, name
static int remove_file(lua_State *L) {
  far_script *script = far_script_of(L);
  const char *name = check_name(L, "remove");
  far_begin_change(script);
  farside_status status = far_file_remove(script, name);
  far_end_change(script);
  if (status != FARSIDE_OK && status != FARSIDE_NOFILE)
    return answer(L, script, status);
  lua_pushboolean(L, status == FARSIDE_OK);
  return 1;
}

// -- list ---------------------------------------------------------------------

// Names, each with its zero. Counted first: the room for them is Lua's, which
// may not be asked for anything while a folder is open.
typedef struct names {
  char *text; // NULL: only count.
  size_t bytes, room;
} names;

static void add_name(void *user, const char *name) {
  names *all = user;
  size_t more = strlen(name) + 1;
  if (all->text != NULL && all->bytes + more > all->room)
    return; // It came in between.
  if (all->text != NULL)
    memcpy(all->text + all->bytes, name, more);
  all->bytes += more;
}

static farside_status find_names(far_script *script, names *all) {
  all->bytes = 0;
  far_begin_change(script);
  farside_status status = far_file_list(script, add_name, all);
  far_end_change(script);
  return status;
}

static int compare(const void *one, const void *two) {
  return strcmp(*(const char *const *)one, *(const char *const *)two);
}

static int push_sorted(lua_State *L, const names *all) {
  size_t count = 0, i = 0;
  for (size_t at = 0; at < all->bytes; at += strlen(all->text + at) + 1)
    count++;
  const char **sorted = lua_newuserdatauv(L, (count + 1) * sizeof *sorted, 0);
  for (size_t at = 0; at < all->bytes; at += strlen(all->text + at) + 1)
    sorted[i++] = all->text + at;
  if (count > 1)
    qsort(sorted, count, sizeof *sorted, compare);
  lua_createtable(L, (int)count, 0);
  for (i = 0; i < count; i++) {
    lua_pushstring(L, sorted[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

// list() --> names, sorted | nil, message, name
static int list(lua_State *L) {
  far_script *script = far_script_of(L);
  names all = {0};
  farside_status status = find_names(script, &all);
  if (status != FARSIDE_OK)
    return answer(L, script, status);
  all.room = all.bytes;
  all.text = lua_newuserdatauv(L, all.room + 1, 0);
  status = find_names(script, &all);
  if (status != FARSIDE_OK)
    return answer(L, script, status);
  return push_sorted(L, &all);
}

// -- read, write --------------------------------------------------------------

static farside_status fail(const far_script *script, const char *name) {
  return far_host_fail(script->host, FARSIDE_SYSTEM, "%s: %s", name,
                       strerror(errno));
}

// *count: how much is wanted, then how much there was.
static farside_status read_part(far_script *script, const char *name,
                                uint64_t from, char *data, size_t *count) {
  int fd;
  size_t wanted = *count;
  *count = 0;
  farside_status status = far_file_open(script, name, FAR_FILE_READ, &fd);
  if (status != FARSIDE_OK)
    return status;
  while (*count < wanted) {
    ssize_t bytes =
        pread(fd, data + *count, wanted - *count, (off_t)(from + *count));
    if (bytes < 0 && errno == EINTR)
      continue;
    if (bytes < 0)
      status = fail(script, name);
    if (bytes <= 0)
      break;
    *count += (size_t)bytes;
  }
  close(fd);
  return status;
}

// read(name [, from [, count]]) --> text | nil, message, name
static int read_file(lua_State *L) {
  far_script *script = far_script_of(L);
  const char *name = check_name(L, "read");
  lua_Integer from = luaL_optinteger(L, 2, 0);
  lua_Integer most = luaL_optinteger(L, 3, LUA_MAXINTEGER);
  luaL_argcheck(L, from >= 0, 2, "it is where to begin, from zero");
  luaL_argcheck(L, most >= 0, 3, "it is how many bytes");
  uint64_t size_now = 0;
  far_begin_change(script);
  farside_status status = far_file_size(script, name, &size_now);
  far_end_change(script);
  if (status != FARSIDE_OK)
    return answer(L, script, status);
  uint64_t left = size_now > (uint64_t)from ? size_now - (uint64_t)from : 0;
  size_t count = (size_t)(left < (uint64_t)most ? left : (uint64_t)most);
  luaL_Buffer text;
  char *data = luaL_buffinitsize(L, &text, count);
  far_begin_change(script);
  status = read_part(script, name, (uint64_t)from, data, &count);
  far_end_change(script);
  if (status != FARSIDE_OK)
    return answer(L, script, status);
  luaL_pushresultsize(&text, count);
  return 1;
}

static farside_status write_all(far_script *script, const char *name,
                                const char *data, size_t count) {
  char fresh[FAR_FILE_NAME_BYTES_MAX + 16];
  int fd;
  snprintf(fresh, sizeof fresh, "%s.new", name);
  farside_status status = far_file_open(script, fresh, FAR_FILE_WRITE, &fd);
  if (status != FARSIDE_OK)
    return status;
  if (ftruncate(fd, 0) != 0)
    status = fail(script, name);
  while (count > 0 && status == FARSIDE_OK) {
    ssize_t bytes = write(fd, data, count);
    if (bytes < 0 && errno != EINTR)
      status = fail(script, name);
    if (bytes > 0) {
      data += bytes;
      count -= (size_t)bytes;
    }
  }
  close(fd);
  if (status == FARSIDE_OK)
    return far_file_rename(script, fresh, name);
  (void)far_file_remove(script, fresh);
  return status;
}

// write(name, text) --> true | nil, message, name: all of it, or what was there
// before
static int write_file(lua_State *L) {
  far_script *script = far_script_of(L);
  const char *name = check_name(L, "write");
  size_t bytes;
  const char *text = luaL_checklstring(L, 2, &bytes);
  far_begin_change(script);
  farside_status status = write_all(script, name, text, bytes);
  far_end_change(script);
  return answer(L, script, status);
}

static const luaL_Reg functions[] = {
    {"list", list},        {"size", size},          {"read", read_file},
    {"write", write_file}, {"remove", remove_file}, {NULL, NULL},
};

void far_push_files(lua_State *L, int box) {
  far_push_functions(L, box, functions, 0);
}
