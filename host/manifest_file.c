// Reads farside.lua, in a Lua state of its own.

#include "manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <lua.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char FILE_NAME[] = "farside.lua";

enum {
  FILE_BYTES_MAX = 64 * 1024,

  // What the file may use while it is read. No piece of memory and no string is
  // large, so that no single instruction takes long either.
  MEMORY_BYTES_MAX = 1024 * 1024,
  BLOCK_BYTES_MAX = 64 * 1024,
  STRING_BYTES_MAX = 2048,
  INSTRUCTIONS_MAX = 100000
};

typedef enum far_shortage {
  SHORT_OF_HOST_MEMORY,
  SHORT_OF_OWN_MEMORY,
  STRING_TOO_LONG
} far_shortage;

typedef struct far_list_field {
  const char *name;
  const char *example;
  size_t offset; // In farside_permissions.
} far_list_field;

static const far_list_field list_fields[] = {
    {"modules", "{ \"json\" }", offsetof(farside_permissions, modules)},
    {"http", "{ \"https://example.com/*\" }",
     offsetof(farside_permissions, http)},
    {"background", "{ \"task\" }", offsetof(farside_permissions, background)},
};

enum { LIST_FIELDS = sizeof list_fields / sizeof *list_fields };

// One reading of one file.
typedef struct far_reader {
  far_memory *memory;
  char *error; // The sentence.
  size_t error_bytes;

  size_t used_bytes;     // By Lua.
  far_shortage shortage; // Why it was last refused memory.
  bool is_endless;
  const char *text; // What lua_load has not seen yet.
  size_t length;

  farside_manifest table; // What it says; its strings are Lua's.
  const char *lists[LIST_FIELDS][FAR_LIST_MAX + 1];
  char file[FILE_BYTES_MAX + 1];
} far_reader;

// -- Sentences ----------------------------------------------------------------

// A file of somebody else must not write to our terminal what it likes.
static void tame(char *text) {
  for (; *text != '\0'; text++)
    if ((unsigned char)*text < ' ' || *text == 0x7f)
      *text = '?';
}

__attribute__((format(printf, 2, 3))) static bool
refuse(far_reader *reader, const char *format, ...) {
  char why[FAR_SENTENCE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, sizeof why, format, arguments);
  va_end(arguments);
  snprintf(reader->error, reader->error_bytes, "farside.lua: %s", why);
  tame(reader->error);
  return false;
}

static farside_status no_memory(far_reader *reader) {
  snprintf(reader->error, reader->error_bytes, "%s",
           farside_status_text(FARSIDE_NOMEM));
  return FARSIDE_NOMEM;
}

// -- A file -------------------------------------------------------------------

// "scripts/app.lua" → "scripts/farside.lua". NULL when memory is short.
static char *path_beside(far_memory *memory, const char *script_path,
                         size_t *bytes) {
  const char *slash = strrchr(script_path, '/');
  size_t folder = slash ? (size_t)(slash - script_path) + 1 : 0;
  *bytes = folder + sizeof FILE_NAME;
  char *path = far_new(memory, *bytes);
  if (path != NULL) {
    memcpy(path, script_path, folder);
    memcpy(path + folder, FILE_NAME, sizeof FILE_NAME);
  }
  return path;
}

static farside_status refuse_file(far_reader *reader, const char *why) {
  refuse(reader, "it cannot be read: %s", why);
  return FARSIDE_NOFILE;
}

static farside_status read_all(far_reader *reader, int file) {
  struct stat about;
  if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode))
    return refuse_file(reader, "it is no regular file");
  while (reader->length < sizeof reader->file) {
    ssize_t count = read(file, reader->file + reader->length,
                         sizeof reader->file - reader->length);
    if (count == 0)
      return FARSIDE_OK;
    if (count > 0)
      reader->length += (size_t)count;
    else if (errno != EINTR)
      return refuse_file(reader, strerror(errno));
  }
  refuse(reader, "it is larger than %d KB", FILE_BYTES_MAX / 1024);
  return FARSIDE_INVALID;
}

// *is_there tells an empty file from none.
static farside_status read_file(far_reader *reader, const char *script_path,
                                bool *is_there) {
  size_t path_bytes;
  char *path = path_beside(reader->memory, script_path, &path_bytes);
  *is_there = false;
  if (path == NULL)
    return no_memory(reader);
  farside_status status = FARSIDE_OK;
  // The script itself may be called so; then it is no manifest.
  if (strcmp(path, script_path) != 0) {
    // Whatever stands there, a pipe or a device, nothing waits for it.
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    *is_there = file >= 0 || (errno != ENOENT && errno != ENOTDIR);
    if (file >= 0) {
      status = read_all(reader, file);
      close(file);
    } else if (*is_there) {
      status = refuse_file(reader, strerror(errno));
    }
  }
  far_free(reader->memory, path, path_bytes);
  return status;
}

// -- Its Lua ------------------------------------------------------------------

static void *allocate(void *user, void *ptr, size_t bytes_old,
                      size_t bytes_new) {
  far_reader *reader = user;
  // For a new block Lua passes what it is for.
  bool is_string = ptr == NULL && bytes_old == LUA_TSTRING;
  if (ptr == NULL)
    bytes_old = 0;
  if (bytes_new > bytes_old) {
    if (is_string && bytes_new > STRING_BYTES_MAX) {
      reader->shortage = STRING_TOO_LONG;
      return NULL;
    }
    if (bytes_new > BLOCK_BYTES_MAX ||
        bytes_new - bytes_old > MEMORY_BYTES_MAX - reader->used_bytes) {
      reader->shortage = SHORT_OF_OWN_MEMORY;
      return NULL;
    }
  }
  void *block = far_lua_allocate(reader->memory, ptr, bytes_old, bytes_new);
  if (block == NULL && bytes_new != 0)
    reader->shortage = SHORT_OF_HOST_MEMORY;
  else
    reader->used_bytes += bytes_new - bytes_old;
  return block;
}

static far_reader *reader_of(lua_State *L) {
  void *user;
  lua_getallocf(L, &user);
  return user;
}

// Nothing in there can catch it.
static void too_long(lua_State *L, lua_Debug *debug) {
  (void)debug;
  reader_of(L)->is_endless = true;
  lua_pushliteral(L, "it computes");
  lua_error(L);
}

static const char *next_piece(lua_State *L, void *user, size_t *bytes) {
  far_reader *reader = user;
  (void)L;
  *bytes = reader->length;
  reader->length = 0;
  return reader->text;
}

static farside_status explain(lua_State *L, int status, farside_status usual,
                              far_reader *reader) {
  if (reader->is_endless) {
    refuse(reader, "it computes for too long: a manifest is a plain table");
  } else if (status != LUA_ERRMEM) {
    const char *message =
        lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?";
    // Lua has put "farside.lua:3: " in front.
    snprintf(reader->error, reader->error_bytes, "%s%s", message,
             usual == FARSIDE_INVALID
                 ? ": a manifest is a plain table and has no functions to call"
                 : "");
    tame(reader->error);
    return usual;
  } else if (reader->shortage == SHORT_OF_HOST_MEMORY) {
    return no_memory(reader);
  } else if (reader->shortage == STRING_TOO_LONG) {
    refuse(reader, "a string in it is longer than %d bytes",
           STRING_BYTES_MAX - 64);
  } else {
    refuse(reader,
           "it takes too much memory: at most %d KB, and %d KB in one piece",
           MEMORY_BYTES_MAX / 1024, BLOCK_BYTES_MAX / 1024);
  }
  return FARSIDE_INVALID;
}

// -- Its table ----------------------------------------------------------------

// The string on top of the stack. It stays where it is in the table, and with
// it these bytes.
static bool get_string(lua_State *L, far_reader *reader, const char *what,
                       const char **string) {
  size_t length;
  if (lua_type(L, -1) != LUA_TSTRING)
    return refuse(reader, "%s must be a string, not a %s", what,
                  lua_typename(L, lua_type(L, -1)));
  *string = lua_tolstring(L, -1, &length);
  if (strlen(*string) != length)
    return refuse(reader, "%s must not contain a zero byte", what);
  return true;
}

static bool get_text(lua_State *L, far_reader *reader, const char *field,
                     const char **string) {
  bool is_fine = lua_getfield(L, 1, field) == LUA_TNIL ||
                 get_string(L, reader, field, string);
  lua_pop(L, 1);
  return is_fine;
}

// Counts the entries; they must be 1, 2, 3, … and nothing else.
static bool count_entries(lua_State *L, far_reader *reader,
                          const far_list_field *field, lua_Integer *count) {
  lua_Integer highest = 0;
  *count = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1)
      return refuse(reader,
                    "%s must be a plain list of strings such as %s, without "
                    "names in it",
                    field->name, field->example);
    if (lua_tointeger(L, -2) > highest)
      highest = lua_tointeger(L, -2);
    *count += 1;
  }
  if (highest != *count)
    return refuse(reader, "%s must be a list without holes", field->name);
  if (highest > FAR_LIST_MAX)
    return refuse(reader, "%s must have at most %d entries", field->name,
                  FAR_LIST_MAX);
  return true;
}

static bool get_list(lua_State *L, far_reader *reader, size_t i) {
  const far_list_field *field = &list_fields[i];
  lua_Integer count;
  int type = lua_getfield(L, 1, field->name);
  if (type == LUA_TNIL) {
    lua_pop(L, 1);
    return true;
  }
  if (type != LUA_TTABLE)
    return refuse(reader, "%s must be a list of strings such as %s, not a %s",
                  field->name, field->example, lua_typename(L, type));
  if (!count_entries(L, reader, field, &count))
    return false;
  for (lua_Integer at = 1; at <= count; at++) {
    char what[32];
    snprintf(what, sizeof what, "%s[%d]", field->name, (int)at);
    lua_rawgeti(L, -1, at);
    if (!get_string(L, reader, what, &reader->lists[i][at - 1]))
      return false;
    lua_pop(L, 1);
  }
  const char *const *list = reader->lists[i];
  memcpy((char *)&reader->table.needs + field->offset, &list, sizeof list);
  lua_pop(L, 1);
  return true;
}

// One pair of the table `limits`: its name below its value.
static bool get_limit(lua_State *L, far_reader *reader) {
  char why[FAR_SENTENCE_BYTES], what[64], number[32];
  const char *name, *value = number;
  if (lua_type(L, -2) != LUA_TSTRING)
    return refuse(reader,
                  "limits must have names, such as { memory = \"32MB\" }");
  name = lua_tostring(L, -2);
  snprintf(what, sizeof what, "limits.%.40s", name);
  if (lua_isinteger(L, -1))
    snprintf(number, sizeof number, "%lld", (long long)lua_tointeger(L, -1));
  else if (lua_type(L, -1) == LUA_TNUMBER)
    snprintf(number, sizeof number, "%.14g", lua_tonumber(L, -1));
  else if (!get_string(L, reader, what, &value))
    return false;
  return far_limits_set(&reader->table.needs.limits, name, value, why,
                        sizeof why) ||
         refuse(reader, "limits: %s", why);
}

static bool get_limits(lua_State *L, far_reader *reader) {
  char why[FAR_SENTENCE_BYTES];
  const char *text;
  int type = lua_getfield(L, 1, "limits");
  if (type == LUA_TTABLE) {
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
      if (!get_limit(L, reader))
        return false;
  } else if (type == LUA_TSTRING) {
    if (!get_string(L, reader, "limits", &text))
      return false;
    if (!far_limits_parse(text, &reader->table.needs.limits, why, sizeof why))
      return refuse(reader, "limits: %s", why);
  } else if (type != LUA_TNIL) {
    return refuse(reader,
                  "limits must be a table such as { memory = \"32MB\" } or a "
                  "string such as \"memory=32MB\", not a %s",
                  lua_typename(L, type));
  }
  lua_pop(L, 1);
  return true;
}

#define FIELDS "name, version, modules, http, background, limits"

static bool is_field(const char *name) {
  for (size_t i = 0; i < LIST_FIELDS; i++)
    if (strcmp(name, list_fields[i].name) == 0)
      return true;
  return strcmp(name, "name") == 0 || strcmp(name, "version") == 0 ||
         strcmp(name, "limits") == 0;
}

static bool check_fields(lua_State *L, far_reader *reader) {
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      return refuse(reader, "each value needs the name of its field; there "
                            "are: " FIELDS);
    if (!is_field(lua_tostring(L, -2)))
      return refuse(reader, "there is no field '%.40s'; there are: " FIELDS,
                    lua_tostring(L, -2));
  }
  return true;
}

static bool get_table(lua_State *L, far_reader *reader) {
  int type = lua_type(L, 1);
  if (type == LUA_TNIL)
    return refuse(reader, "it returns nothing: begin it with return {");
  if (type != LUA_TTABLE)
    return refuse(reader, "it must return a table, not a %s",
                  lua_typename(L, type));
  if (!check_fields(L, reader) ||
      !get_text(L, reader, "name", &reader->table.name) ||
      !get_text(L, reader, "version", &reader->table.version))
    return false;
  for (size_t i = 0; i < LIST_FIELDS; i++)
    if (!get_list(L, reader, i))
      return false;
  return get_limits(L, reader);
}

// What the file returned --> whether all of it is understood
static int get_table_protected(lua_State *L) {
  lua_pushboolean(L, get_table(L, reader_of(L)));
  return 1;
}

static farside_status evaluate(lua_State *L, far_reader *reader,
                               far_manifest **manifest) {
  int status = lua_load(L, next_piece, reader, "@farside.lua", "t");
  if (status != LUA_OK)
    return explain(L, status, FARSIDE_SYNTAX, reader);
  lua_sethook(L, too_long, LUA_MASKCOUNT, INSTRUCTIONS_MAX);
  status = lua_pcall(L, 0, 1, 0);
  lua_sethook(L, NULL, 0, 0);
  if (status != LUA_OK)
    return explain(L, status, FARSIDE_INVALID, reader);
  // The table stays below: its strings are still needed.
  lua_pushcfunction(L, get_table_protected);
  lua_pushvalue(L, -2);
  status = lua_pcall(L, 1, 1, 0);
  if (status != LUA_OK)
    return explain(L, status, FARSIDE_INVALID, reader);
  if (!lua_toboolean(L, -1))
    return FARSIDE_INVALID;
  char why[FAR_SENTENCE_BYTES];
  farside_status made = far_manifest_copy(reader->memory, &reader->table,
                                          manifest, why, sizeof why);
  if (made == FARSIDE_NOMEM)
    return no_memory(reader);
  if (made != FARSIDE_OK)
    refuse(reader, "%s", why);
  return made;
}

static farside_status evaluate_text(far_reader *reader,
                                    far_manifest **manifest) {
  static const char byte_order_mark[] = "\xef\xbb\xbf";
  if (reader->length >= 3 && memcmp(reader->text, byte_order_mark, 3) == 0) {
    reader->text += 3;
    reader->length -= 3;
  }
  if (reader->length > 0 && reader->text[0] == LUA_SIGNATURE[0]) {
    refuse(reader, "it is compiled: a manifest is plain text");
    return FARSIDE_SYNTAX;
  }
  lua_State *L = lua_newstate(allocate, reader);
  if (L == NULL)
    return no_memory(reader);
  farside_status status = evaluate(L, reader, manifest);
  lua_close(L);
  return status;
}

farside_status far_manifest_read(far_memory *memory, const char *script_path,
                                 far_manifest **manifest, char *error,
                                 size_t bytes) {
  bool is_there;
  *manifest = NULL;
  error[0] = '\0';
  far_reader *reader = far_new(memory, sizeof *reader);
  if (reader == NULL) {
    snprintf(error, bytes, "%s", farside_status_text(FARSIDE_NOMEM));
    return FARSIDE_NOMEM;
  }
  reader->memory = memory;
  reader->error = error;
  reader->error_bytes = bytes;
  reader->text = reader->file;
  farside_status status = read_file(reader, script_path, &is_there);
  if (status == FARSIDE_OK && is_there)
    status = evaluate_text(reader, manifest);
  far_free(memory, reader, sizeof *reader);
  return status;
}
