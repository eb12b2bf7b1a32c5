// require: the modules of a hosted script.
//
// There are ours and the embedder's, in package.preload, and those that lie
// beside the script, or below. A name is words with dots between, so it cannot
// lead out of the script's folder; a link that does is not followed. Only plain
// files of text are read, once, and never waited for.

#include "sandbox.h"

#include "../host/manifest.h"
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODULE_BYTES_MAX = 1024 * 1024 };

// The places of require() on its stack.
enum { NAME = 1, LOADED, REASONS, GUARD, WHERE };

// Key in the registry: the names that are being loaded, and at 1 the metatable
// of what takes them out again.
static const char loading;
static const char loaded; // And package.loaded, as the script knows it.

// -- Files --------------------------------------------------------------------

// Puts what `path` really is into `real`. False, with a reason, unless that is
// a plain file below the folder.
static bool resolve(const char *folder, const char *path, char *real,
                    const char **reason) {
  char root[PATH_MAX];
  *reason = NULL; // Not there.
  if (realpath(folder, root) == NULL || realpath(path, real) == NULL)
    return false;
  size_t length = strlen(root);
  bool is_below = strncmp(real, root, length) == 0 &&
                  (real[length] == '/' || strcmp(root, "/") == 0);
  *reason = is_below ? NULL : "leads out of the script's folder";
  return is_below;
}

// Opens a plain file without waiting: a pipe would wait for its writer.
static int open_plain(const char *real, struct stat *about,
                      const char **reason) {
  *reason = "cannot be read";
  int file = open(real, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0)
    return -1;
  if (fstat(file, about) != 0 || !S_ISREG(about->st_mode))
    *reason = "is no plain file";
  else if (about->st_size > MODULE_BYTES_MAX)
    *reason = "is larger than 1 MiB";
  else
    return file;
  close(file);
  return -1;
}

static bool read_all(int file, char *to, size_t bytes) {
  while (bytes > 0) {
    ssize_t got = read(file, to, bytes);
    if (got <= 0)
      return false;
    to += got;
    bytes -= (size_t)got;
  }
  return true;
}

// How large the file is; -1, and perhaps a reason, when it is none for us.
static lua_Integer measure(const char *folder, const char *path,
                           const char **reason) {
  char real[PATH_MAX];
  struct stat about;
  if (!resolve(folder, path, real, reason))
    return -1;
  int file = open_plain(real, &about, reason);
  if (file < 0)
    return -1;
  close(file);
  return about.st_size;
}

static bool fetch(const char *folder, const char *path, char *to, size_t bytes,
                  const char **reason) {
  char real[PATH_MAX];
  struct stat about;
  if (!resolve(folder, path, real, reason))
    return false;
  int file = open_plain(real, &about, reason);
  if (file < 0)
    return false;
  bool is_same = about.st_size == (off_t)bytes && read_all(file, to, bytes);
  *reason = is_same ? NULL : "changed while it was read";
  close(file);
  return is_same;
}

// -- Source -------------------------------------------------------------------

// As lua5.4 reads a file: without a byte order mark, and without a first line
// that is for the shell.
static const char *skip_header(const char *text, size_t *bytes) {
  const char *start = text;
  if (*bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
    start += 3;
  size_t left = *bytes - (size_t)(start - text);
  if (left > 0 && *start == '#') {
    const char *newline = memchr(start, '\n', left);
    start = newline ? newline : start + left;
  }
  *bytes -= (size_t)(start - text);
  return start;
}

// Adds a line to what is told when nothing is found.
static void add_reason(lua_State *L, const char *reason) {
  lua_pushvalue(L, REASONS);
  lua_pushfstring(L, "\n\t%s", reason);
  lua_concat(L, 2);
  lua_replace(L, REASONS);
}

// Tries one file, whose path is on the top. With true the chunk follows it.
static bool load_file(lua_State *L, far_script *script) {
  const char *path = lua_tostring(L, -1);
  far_shield *shield = &script->host->watch.shield;
  const char *reason = NULL;
  // A file is never open while Lua may raise an error: it is looked at first,
  // and read when there is memory for it.
  far_shield_up(shield);
  lua_Integer bytes = measure(script->folder, path, &reason);
  far_shield_down(shield);
  bool is_read = bytes >= 0;
  char *text = NULL;
  if (is_read) {
    text = lua_newuserdatauv(L, (size_t)bytes + 1, 0);
    far_shield_up(shield);
    is_read = fetch(script->folder, path, text, (size_t)bytes, &reason);
    far_shield_down(shield);
  }
  if (!is_read) {
    add_reason(L, reason ? lua_pushfstring(L, "file '%s' %s", path, reason)
                         : lua_pushfstring(L, "no file '%s'", path));
    return false;
  }
  far_shield_up(shield);
  far_script_map(script, path);
  far_shield_down(shield);
  size_t left = (size_t)bytes;
  const char *source = skip_header(text, &left);
  if (luaL_loadbufferx(L, source, left, lua_pushfstring(L, "@%s", path), "t") !=
      LUA_OK)
    luaL_error(L, "error loading module '%s' from file '%s':\n\t%s",
               lua_tostring(L, NAME), path, lua_tostring(L, -1));
  return true;
}

// -- Finding ------------------------------------------------------------------

// "a.@b-c": words of letters, digits, '_', '-' and '@', with dots between.
static bool is_module_name(const char *name, size_t bytes) {
  bool was_dot = true;
  for (size_t i = 0; i < bytes; i++) {
    bool is_dot = name[i] == '.';
    bool is_word = (name[i] >= 'a' && name[i] <= 'z') ||
                   (name[i] >= 'A' && name[i] <= 'Z') ||
                   (name[i] >= '0' && name[i] <= '9') || name[i] == '_' ||
                   name[i] == '-' || name[i] == '@';
    if (!is_word && (!is_dot || was_dot))
      return false;
    was_dot = is_dot;
  }
  return !was_dot;
}

// Whether the embedder has this module, and the script may not.
static bool is_denied(const far_script *script, const char *name) {
  const farside_module *module = script->host->config.modules;
  while (module != NULL && module->name != NULL &&
         strcmp(module->name, name) != 0)
    module++;
  return module != NULL && module->name != NULL &&
         !far_manifest_allows_module(script->manifest, name);
}

static bool find_preloaded(lua_State *L, const far_script *script) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushvalue(L, NAME);
  if (lua_gettable(L, -2) != LUA_TNIL) {
    lua_remove(L, -2);
    lua_pushliteral(L, ":preload:");
    return true;
  }
  lua_settop(L, GUARD);
  const char *name = lua_tostring(L, NAME);
  add_reason(L,
             is_denied(script, name)
                 ? "it is the host's, and not granted to this script"
                 : lua_pushfstring(L, "no field package.preload['%s']", name));
  lua_settop(L, GUARD);
  return false;
}

static bool find_file(lua_State *L, far_script *script) {
  static const char *const endings[] = {".lua", "/init.lua"};
  const char *name = lua_tostring(L, NAME);
  if (script->folder == NULL) {
    add_reason(L, "this script has no folder with modules");
    return false;
  }
  if (!is_module_name(name, (size_t)lua_rawlen(L, NAME))) {
    add_reason(L, "no file: a module's name is words of letters, digits, "
                  "'_', '-' and '@', with dots between");
    return false;
  }
  for (size_t i = 0; i < 2; i++) {
    lua_pushfstring(L, "%s/", script->folder);
    luaL_gsub(L, name, ".", "/");
    lua_pushstring(L, endings[i]);
    lua_concat(L, 3);
    int path = lua_gettop(L);
    if (load_file(L, script)) {
      lua_pushvalue(L, path);
      return true;
    }
    lua_settop(L, GUARD);
  }
  return false;
}

// -- require ------------------------------------------------------------------

static int unmark(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &loading);
  lua_getiuservalue(L, 1, 1);
  lua_pushnil(L);
  lua_rawset(L, -3);
  return 0;
}

// Whether the coroutine on the top was stopped while it loaded a module: then
// nothing of it was closed.
static bool has_given_up(lua_State *L) {
  lua_State *co = lua_tothread(L, -1);
  return co != NULL && far_watch_has_killed(co);
}

// Says that this module is being loaded, and by whom, until the call ends,
// however it does.
static void mark(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &loading);
  lua_pushvalue(L, NAME);
  if (lua_rawget(L, -2) != LUA_TNIL && !has_given_up(L))
    luaL_error(L,
               "module '%s' is being loaded already: modules must not "
               "require each other in a circle",
               lua_tostring(L, NAME));
  lua_pop(L, 1);
  lua_newuserdatauv(L, 0, 1);
  lua_pushvalue(L, NAME);
  lua_setiuservalue(L, -2, 1);
  lua_rawgeti(L, -2, 1);
  lua_setmetatable(L, -2);
  lua_replace(L, GUARD);
  lua_pushvalue(L, NAME);
  lua_pushthread(L);
  lua_rawset(L, -3);
  lua_settop(L, GUARD);
  lua_toclose(L, GUARD);
}

// The loader has returned: what it gave, above what it was given.
static int finish(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  lua_pushvalue(L, NAME);
  lua_pushvalue(L, -2);
  if (lua_isnil(L, -1))
    lua_pop(L, 2);
  else
    lua_settable(L, LOADED);
  lua_pop(L, 1);
  lua_pushvalue(L, NAME);
  if (lua_gettable(L, LOADED) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_pushvalue(L, NAME);
    lua_pushboolean(L, 1);
    lua_settable(L, LOADED);
    lua_pushboolean(L, 1);
  }
  lua_pushvalue(L, WHERE);
  return 2;
}

// require(name) --> module, where it was found
int far_require(lua_State *L) {
  far_script *script = far_script_of(L);
  luaL_checkstring(L, NAME);
  lua_settop(L, NAME);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded);
  lua_pushvalue(L, NAME);
  lua_gettable(L, LOADED);
  if (lua_toboolean(L, -1))
    return 1;
  lua_settop(L, LOADED);
  lua_pushliteral(L, "");
  lua_pushnil(L);
  mark(L);
  if (!find_preloaded(L, script) && !find_file(L, script))
    return luaL_error(L, "module '%s' not found:%s", lua_tostring(L, NAME),
                      lua_tostring(L, REASONS));
  lua_pushvalue(L, -1);
  lua_insert(L, WHERE);
  lua_pushvalue(L, NAME);
  lua_insert(L, -2);
  lua_callk(L, 2, 1, 0, finish);
  return finish(L, LUA_OK, 0);
}

// -- package ------------------------------------------------------------------

void far_set_package(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded);
  lua_setfield(L, -2, "loaded");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_setfield(L, -2, "preload");
  lua_pushliteral(L, "/\n;\n?\n!\n-\n");
  lua_setfield(L, -2, "config");

  lua_createtable(L, 0, 1);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, unmark);
  lua_setfield(L, -2, "__close");
  lua_rawseti(L, -2, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &loading);
}
