#include "manifest.h"

#include "pattern.h"
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
  NAME_BYTES_MAX = 64,
  MODULE_BYTES_MAX = 128,
  PATTERN_BYTES_MAX = 256,

  // What the file may use while it is read. No piece of memory and no string is
  // large, so that no single instruction takes long either.
  MEMORY_BYTES_MAX = 1024 * 1024,
  BLOCK_BYTES_MAX = 64 * 1024,
  STRING_BYTES_MAX = 2048,
  INSTRUCTIONS_MAX = 100000
};

// -- Sentences ----------------------------------------------------------------

// Where a sentence goes. `about` is what it begins with: "farside.lua: ".
typedef struct far_sentence {
  const char *about;
  char *text;
  size_t bytes;
} far_sentence;

// A file of somebody else must not write to our terminal what it likes.
static void tame(char *text) {
  for (; *text != '\0'; text++)
    if ((unsigned char)*text < ' ' || *text == 0x7f)
      *text = '?';
}

__attribute__((format(printf, 2, 3))) static bool
refuse(const far_sentence *sentence, const char *format, ...) {
  int about = snprintf(sentence->text, sentence->bytes, "%s", sentence->about);
  va_list arguments;
  va_start(arguments, format);
  if (about >= 0 && (size_t)about < sentence->bytes)
    vsnprintf(sentence->text + about, sentence->bytes - (size_t)about, format,
              arguments);
  va_end(arguments);
  tame(sentence->text);
  return false;
}

static farside_status no_memory(const far_sentence *sentence) {
  snprintf(sentence->text, sentence->bytes, "%s",
           farside_status_text(FARSIDE_NOMEM));
  return FARSIDE_NOMEM;
}

// -- Words --------------------------------------------------------------------

// What an app may do in the background. A mode that the host learns goes here.
static const char *const background_modes[] = {"task", NULL};

static bool is_word_char(char c, const char *others) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z') || (c != '\0' && strchr(others, c) != NULL);
}

static bool is_word(const char *text, const char *others, size_t bytes_max) {
  size_t length = strnlen(text, bytes_max + 1);
  if (length == 0 || length > bytes_max)
    return false;
  for (size_t i = 0; i < length; i++)
    if (!is_word_char(text[i], others))
      return false;
  return true;
}

// Words between dots, none of them empty.
static bool is_module(const char *text) {
  if (!is_word(text, "_-.", MODULE_BYTES_MAX))
    return false;
  return text[0] != '.' && text[strlen(text) - 1] != '.' &&
         strstr(text, "..") == NULL;
}

static bool is_version(const char *text) {
  size_t length = strnlen(text, NAME_BYTES_MAX + 1);
  if (length == 0 || length > NAME_BYTES_MAX)
    return false;
  for (size_t i = 0; i < length; i++)
    if (text[i] < ' ' || text[i] > '~')
      return false;
  return true;
}

// "a, b, c", as much as fits.
static const char *join(const char *const *list, char *text, size_t bytes) {
  size_t at = 0;
  text[0] = '\0';
  for (; *list != NULL && at < bytes; list++)
    at +=
        (size_t)snprintf(text + at, bytes - at, "%s%s", at ? ", " : "", *list);
  if (at >= bytes)
    memcpy(text + bytes - 4, "...", 4);
  return text;
}

static bool check_module(const char *value, const far_sentence *sentence) {
  return is_module(value) ||
         refuse(sentence,
                "'%.40s' is no module name: write it as for require, such as "
                "socket.http",
                value);
}

static bool check_http(const char *value, const far_sentence *sentence) {
  far_pattern pattern;
  char why[FAR_SENTENCE_BYTES];
  if (strnlen(value, PATTERN_BYTES_MAX + 1) > PATTERN_BYTES_MAX)
    return refuse(sentence, "'%.40s...' is longer than %d bytes", value,
                  PATTERN_BYTES_MAX);
  return far_pattern_parse(value, &pattern, why, sizeof why) ||
         refuse(sentence, "%s", why);
}

static bool check_mode(const char *value, const far_sentence *sentence) {
  char known[64];
  for (const char *const *mode = background_modes; *mode != NULL; mode++)
    if (strcmp(value, *mode) == 0)
      return true;
  return refuse(sentence, "there is no background mode '%.40s'; there are: %s",
                value, join(background_modes, known, sizeof known));
}

// -- Permissions --------------------------------------------------------------

static bool same_word(const char *granted, const char *asked) {
  return strcmp(granted, asked) == 0;
}

static bool same_address(const char *granted, const char *asked) {
  far_pattern most, want;
  char why[FAR_SENTENCE_BYTES];
  return far_pattern_parse(granted, &most, why, sizeof why) &&
         far_pattern_parse(asked, &want, why, sizeof why) &&
         far_pattern_covers(&most, &want);
}

static const char *const nothing[] = {NULL};
static const char *const only_task[] = {"task", NULL};

typedef struct far_permission_rule {
  const char *word;  // In --grant.
  const char *field; // In farside.lua.
  const char *example;
  const char *const *standard; // NULL: all there are.
  bool (*check)(const char *value, const far_sentence *sentence);
  bool (*covers)(const char *granted, const char *asked);
} far_permission_rule;

static const far_permission_rule rules[] = {
    [FAR_PERMISSION_MODULE] = {"module", "modules", "{ \"json\" }", NULL,
                               check_module, same_word},
    [FAR_PERMISSION_HTTP] = {"http", "http", "{ \"https://example.com/*\" }",
                             nothing, check_http, same_address},
    [FAR_PERMISSION_BACKGROUND] = {"background", "background", "{ \"task\" }",
                                   only_task, check_mode, same_word},
};

enum { PERMISSIONS = sizeof rules / sizeof *rules };

// The list of a permission in the public struct.
static const char *const **list_of(farside_permissions *permissions, size_t i) {
  switch ((far_permission)i) {
  case FAR_PERMISSION_MODULE:
    return &permissions->modules;
  case FAR_PERMISSION_HTTP:
    return &permissions->http;
  default:
    return &permissions->background;
  }
}

bool far_permission_parse(const char *text, far_permission *permission,
                          const char **value, char *error, size_t bytes) {
  far_sentence sentence = {"", error, bytes};
  size_t length = strcspn(text, "=");
  for (size_t i = 0; i < PERMISSIONS; i++) {
    if (strlen(rules[i].word) != length ||
        strncmp(text, rules[i].word, length) != 0)
      continue;
    if (text[length] == '\0')
      return refuse(&sentence, "%s of what? write %s=...", rules[i].word,
                    rules[i].word);
    if (!rules[i].check(text + length + 1, &sentence))
      return false;
    *permission = (far_permission)i;
    *value = text + length + 1;
    return true;
  }
  return refuse(&sentence,
                "'%.40s' cannot be granted; what can: module=NAME, "
                "http=PATTERN, background=MODE",
                text);
}

// -- Owned lists --------------------------------------------------------------

// One block: the pointers, and behind them the strings.
static size_t list_bytes(const char *const *list) {
  size_t bytes = sizeof *list;
  for (; *list != NULL; list++)
    bytes += sizeof *list + strlen(*list) + 1;
  return bytes;
}

static const char *const *list_new(far_memory *memory,
                                   const char *const *list) {
  const char **copy = far_new(memory, list_bytes(list));
  if (copy == NULL)
    return NULL;
  size_t count = 0;
  while (list[count] != NULL)
    count++;
  char *text = (char *)(copy + count + 1);
  for (size_t i = 0; i < count; i++) {
    size_t bytes = strlen(list[i]) + 1;
    copy[i] = memcpy(text, list[i], bytes);
    text += bytes;
  }
  return copy;
}

static void list_free(far_memory *memory, const char *const *list) {
  if (list != NULL)
    far_free(memory, (void *)list, list_bytes(list));
}

// -- A table ------------------------------------------------------------------

static bool check_list(const far_permission_rule *rule, const char *const *list,
                       const far_sentence *sentence) {
  for (size_t i = 0; list[i] != NULL; i++) {
    char about[64];
    if (i == FAR_LIST_MAX)
      return refuse(sentence, "%s must have at most %d entries", rule->field,
                    FAR_LIST_MAX);
    snprintf(about, sizeof about, "%s%s[%zu]: ", sentence->about, rule->field,
             i + 1);
    far_sentence entry = {about, sentence->text, sentence->bytes};
    if (!rule->check(list[i], &entry))
      return false;
  }
  return true;
}

static bool check_table(const farside_manifest *table,
                        const far_sentence *sentence) {
  farside_permissions needs = table->needs;
  char why[FAR_SENTENCE_BYTES];
  if (table->name != NULL && !is_word(table->name, "_.-", NAME_BYTES_MAX))
    return refuse(
        sentence,
        "name must be 1 to %d letters, digits, _, . or -, not '%.80s'",
        NAME_BYTES_MAX, table->name);
  if (table->version != NULL && !is_version(table->version))
    return refuse(sentence,
                  "version must be a short text such as 1.2.0, not '%.80s'",
                  table->version);
  for (size_t i = 0; i < PERMISSIONS; i++) {
    const char *const *list = *list_of(&needs, i);
    if (list != NULL && !check_list(&rules[i], list, sentence))
      return false;
  }
  return far_limits_check(&needs.limits, why, sizeof why) ||
         refuse(sentence, "limits: %s", why);
}

static farside_status copy(far_memory *memory, const farside_manifest *table,
                           far_manifest **manifest,
                           const far_sentence *sentence) {
  farside_permissions needs = table->needs;
  *manifest = NULL;
  sentence->text[0] = '\0';
  if (!check_table(table, sentence))
    return FARSIDE_INVALID;
  far_manifest *fresh = far_new(memory, sizeof *fresh);
  if (fresh == NULL)
    return no_memory(sentence);
  fresh->memory = memory;
  fresh->said.needs.limits = needs.limits;
  fresh->said.name = far_string_new(memory, table->name);
  fresh->said.version = far_string_new(memory, table->version);
  bool is_short = (table->name != NULL && fresh->said.name == NULL) ||
                  (table->version != NULL && fresh->said.version == NULL);
  for (size_t i = 0; i < PERMISSIONS; i++) {
    const char *const *list = *list_of(&needs, i);
    const char *const **mine = list_of(&fresh->said.needs, i);
    *mine = list ? list_new(memory, list) : NULL;
    is_short = is_short || (list != NULL && *mine == NULL);
  }
  if (is_short) {
    far_manifest_free(fresh);
    return no_memory(sentence);
  }
  *manifest = fresh;
  return FARSIDE_OK;
}

farside_status far_manifest_copy(far_memory *memory,
                                 const farside_manifest *table,
                                 far_manifest **manifest, char *error,
                                 size_t bytes) {
  far_sentence sentence = {"manifest: ", error, bytes};
  return copy(memory, table, manifest, &sentence);
}

void far_manifest_free(far_manifest *manifest) {
  if (manifest == NULL)
    return;
  far_memory *memory = manifest->memory;
  far_string_free(memory, (char *)manifest->said.name);
  far_string_free(memory, (char *)manifest->said.version);
  for (size_t i = 0; i < PERMISSIONS; i++)
    list_free(memory, *list_of(&manifest->said.needs, i));
  far_free(memory, manifest, sizeof *manifest);
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

// Fills `text` as far as it goes; a file that is just as long is too long.
static farside_status read_all(int file, char *text, size_t bytes,
                               size_t *length, const far_sentence *sentence) {
  struct stat about;
  if (fstat(file, &about) == 0 && !S_ISREG(about.st_mode)) {
    refuse(sentence, "it cannot be read: it is no regular file");
    return FARSIDE_NOFILE;
  }
  *length = 0;
  while (*length < bytes) {
    ssize_t count = read(file, text + *length, bytes - *length);
    if (count == 0)
      return FARSIDE_OK;
    if (count > 0) {
      *length += (size_t)count;
    } else if (errno != EINTR) {
      refuse(sentence, "it cannot be read: %s", strerror(errno));
      return FARSIDE_NOFILE;
    }
  }
  refuse(sentence, "it is larger than %d KB", FILE_BYTES_MAX / 1024);
  return FARSIDE_INVALID;
}

// *is_there tells an empty file from none.
static farside_status read_file(far_memory *memory, const char *script_path,
                                char *text, size_t bytes, size_t *length,
                                bool *is_there, const far_sentence *sentence) {
  size_t path_bytes;
  char *path = path_beside(memory, script_path, &path_bytes);
  *is_there = false;
  if (path == NULL)
    return no_memory(sentence);
  farside_status status = FARSIDE_OK;
  // The script itself may be called so; then it is no manifest.
  if (strcmp(path, script_path) != 0) {
    // Whatever stands there, a pipe or a device, nothing waits for it.
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    *is_there = file >= 0 || (errno != ENOENT && errno != ENOTDIR);
    if (file >= 0) {
      status = read_all(file, text, bytes, length, sentence);
      close(file);
    } else if (*is_there) {
      refuse(sentence, "it cannot be read: %s", strerror(errno));
      status = FARSIDE_NOFILE;
    }
  }
  far_free(memory, path, path_bytes);
  return status;
}

// -- Its Lua ------------------------------------------------------------------

typedef enum far_shortage {
  SHORT_OF_HOST_MEMORY,
  SHORT_OF_OWN_MEMORY,
  STRING_TOO_LONG
} far_shortage;

// One reading of one file.
typedef struct far_reader {
  far_memory *memory;
  size_t used_bytes;
  far_shortage shortage; // Why memory was last refused.
  bool is_endless;
  const char *text; // What lua_load has not seen yet.
  size_t length;
  far_sentence sentence;
  farside_manifest table; // What it says; its strings are Lua's.
  const char *lists[PERMISSIONS][FAR_LIST_MAX + 1];
} far_reader;

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
                              const far_reader *reader) {
  if (reader->is_endless) {
    refuse(&reader->sentence,
           "it computes for too long: a manifest is a plain table");
  } else if (status != LUA_ERRMEM) {
    const char *message =
        lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?";
    // Lua has put "farside.lua:3: " in front.
    far_sentence plain = reader->sentence;
    plain.about = "";
    refuse(&plain, "%s%s", message,
           usual == FARSIDE_INVALID
               ? ": a manifest is a plain table and has no functions to call"
               : "");
    return usual;
  } else if (reader->shortage == SHORT_OF_HOST_MEMORY) {
    return no_memory(&reader->sentence);
  } else if (reader->shortage == STRING_TOO_LONG) {
    refuse(&reader->sentence, "a string in it is longer than %d bytes",
           STRING_BYTES_MAX - 64);
  } else {
    refuse(&reader->sentence,
           "it takes too much memory: at most %d KB, and %d "
           "KB in one piece",
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
    return refuse(&reader->sentence, "%s must be a string, not a %s", what,
                  lua_typename(L, lua_type(L, -1)));
  *string = lua_tolstring(L, -1, &length);
  if (strlen(*string) != length)
    return refuse(&reader->sentence, "%s must not contain a zero byte", what);
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
                          const far_permission_rule *rule, lua_Integer *count) {
  lua_Integer highest = 0;
  *count = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1)
      return refuse(&reader->sentence,
                    "%s must be a plain list of strings such as %s, without "
                    "names in it",
                    rule->field, rule->example);
    if (lua_tointeger(L, -2) > highest)
      highest = lua_tointeger(L, -2);
    *count += 1;
  }
  if (highest != *count)
    return refuse(&reader->sentence, "%s must be a list without holes",
                  rule->field);
  if (highest > FAR_LIST_MAX)
    return refuse(&reader->sentence, "%s must have at most %d entries",
                  rule->field, FAR_LIST_MAX);
  return true;
}

static bool get_list(lua_State *L, far_reader *reader, size_t i) {
  const far_permission_rule *rule = &rules[i];
  lua_Integer count;
  int type = lua_getfield(L, 1, rule->field);
  if (type == LUA_TNIL) {
    lua_pop(L, 1);
    return true;
  }
  if (type != LUA_TTABLE)
    return refuse(&reader->sentence,
                  "%s must be a list of strings such as %s, not a %s",
                  rule->field, rule->example, lua_typename(L, type));
  if (!count_entries(L, reader, rule, &count))
    return false;
  for (lua_Integer at = 1; at <= count; at++) {
    char what[32];
    snprintf(what, sizeof what, "%s[%d]", rule->field, (int)at);
    lua_rawgeti(L, -1, at);
    if (!get_string(L, reader, what, &reader->lists[i][at - 1]))
      return false;
    lua_pop(L, 1);
  }
  *list_of(&reader->table.needs, i) = reader->lists[i];
  lua_pop(L, 1);
  return true;
}

// One pair of the table `limits`: its name below its value.
static bool get_limit(lua_State *L, far_reader *reader) {
  char why[FAR_SENTENCE_BYTES], what[64], number[32];
  const char *name, *value = number;
  if (lua_type(L, -2) != LUA_TSTRING)
    return refuse(&reader->sentence,
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
         refuse(&reader->sentence, "limits: %s", why);
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
      return refuse(&reader->sentence, "limits: %s", why);
  } else if (type != LUA_TNIL) {
    return refuse(&reader->sentence,
                  "limits must be a table such as { memory = \"32MB\" } or a "
                  "string such as \"memory=32MB\", not a %s",
                  lua_typename(L, type));
  }
  lua_pop(L, 1);
  return true;
}

static const char *const fields[] = {"name",       "version", "modules", "http",
                                     "background", "limits",  NULL};

static bool check_fields(lua_State *L, const far_reader *reader) {
  char known[128];
  join(fields, known, sizeof known);
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    bool is_known = false;
    if (lua_type(L, -2) != LUA_TSTRING)
      return refuse(&reader->sentence,
                    "each value needs the name of its field; there are: %s",
                    known);
    const char *name = lua_tostring(L, -2);
    for (size_t i = 0; fields[i] != NULL; i++)
      is_known = is_known || strcmp(name, fields[i]) == 0;
    if (!is_known)
      return refuse(&reader->sentence,
                    "there is no field '%.40s'; there are: %s", name, known);
  }
  return true;
}

static bool get_table(lua_State *L, far_reader *reader) {
  int type = lua_type(L, 1);
  if (type == LUA_TNIL)
    return refuse(&reader->sentence,
                  "it returns nothing: begin it with return {");
  if (type != LUA_TTABLE)
    return refuse(&reader->sentence, "it must return a table, not a %s",
                  lua_typename(L, type));
  if (!check_fields(L, reader) ||
      !get_text(L, reader, "name", &reader->table.name) ||
      !get_text(L, reader, "version", &reader->table.version))
    return false;
  for (size_t i = 0; i < PERMISSIONS; i++)
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
  return copy(reader->memory, &reader->table, manifest, &reader->sentence);
}

static farside_status evaluate_text(far_reader *reader,
                                    far_manifest **manifest) {
  static const char byte_order_mark[] = "\xef\xbb\xbf";
  if (reader->length >= 3 && memcmp(reader->text, byte_order_mark, 3) == 0) {
    reader->text += 3;
    reader->length -= 3;
  }
  if (reader->length > 0 && reader->text[0] == LUA_SIGNATURE[0]) {
    refuse(&reader->sentence, "it is compiled: a manifest is plain text");
    return FARSIDE_SYNTAX;
  }
  lua_State *L = lua_newstate(allocate, reader);
  if (L == NULL)
    return no_memory(&reader->sentence);
  farside_status status = evaluate(L, reader, manifest);
  lua_close(L);
  return status;
}

farside_status far_manifest_read(far_memory *memory, const char *script_path,
                                 far_manifest **manifest, char *error,
                                 size_t bytes) {
  const size_t text_bytes = FILE_BYTES_MAX + 1;
  far_sentence sentence = {"farside.lua: ", error, bytes};
  *manifest = NULL;
  error[0] = '\0';
  char *text = far_new(memory, text_bytes);
  far_reader *reader = far_new(memory, sizeof *reader);
  farside_status status = FARSIDE_NOMEM;
  if (text == NULL || reader == NULL) {
    no_memory(&sentence);
  } else {
    bool is_there;
    *reader =
        (far_reader){.memory = memory, .text = text, .sentence = sentence};
    status = read_file(memory, script_path, text, text_bytes, &reader->length,
                       &is_there, &sentence);
    if (status == FARSIDE_OK && is_there)
      status = evaluate_text(reader, manifest);
  }
  far_free(memory, reader, sizeof *reader);
  far_free(memory, text, text_bytes);
  return status;
}

// -- Asked and granted --------------------------------------------------------

static bool is_in(const far_permission_rule *rule, const char *const *granted,
                  const char *asked) {
  if (granted == NULL)
    granted = rule->standard;
  if (granted == NULL)
    return true;
  for (; *granted != NULL; granted++)
    if (rule->covers(*granted, asked))
      return true;
  return false;
}

bool far_manifest_allows_module(const far_manifest *manifest,
                                const char *name) {
  return manifest == NULL || is_in(&rules[FAR_PERMISSION_MODULE],
                                   manifest->said.needs.modules, name);
}

static bool check_asked(const far_permission_rule *rule,
                        const char *const *asked, const char *const *granted,
                        const far_sentence *sentence) {
  for (; asked != NULL && *asked != NULL; asked++) {
    char have[128];
    if (is_in(rule, granted, *asked))
      continue;
    if (granted == NULL)
      granted = rule->standard;
    join(granted, have, sizeof have);
    // Quoted, because a star means something to a shell.
    return refuse(sentence,
                  "it asks for %s %s; granted %s: %s (to grant it: "
                  "--grant '%s=%s')",
                  rule->word, *asked, granted[0] && granted[1] ? "are" : "is",
                  granted[0] ? have : "none", rule->word, *asked);
  }
  return true;
}

static bool check_limits(const farside_limits *asked,
                         const farside_limits *granted,
                         const far_sentence *sentence) {
  char why[FAR_SENTENCE_BYTES], how[FAR_LIMITS_TEXT_BYTES];
  farside_limits excess;
  if (far_limits_within(asked, granted, why, sizeof why))
    return true;
  far_limits_excess(asked, granted, &excess);
  far_limits_print(&excess, how, sizeof how);
  return refuse(sentence, "%s (to grant it: --limits %s)", why, how);
}

farside_status far_manifest_check(const far_manifest *asked,
                                  const farside_permissions *granted,
                                  char *error, size_t bytes) {
  far_sentence sentence = {"", error, bytes};
  error[0] = '\0';
  if (asked == NULL)
    return FARSIDE_OK;
  farside_permissions want = asked->said.needs;
  farside_permissions have = granted ? *granted : (farside_permissions){0};
  bool is_fine = true;
  for (size_t i = 0; i < PERMISSIONS && is_fine; i++)
    is_fine = check_asked(&rules[i], *list_of(&want, i), *list_of(&have, i),
                          &sentence);
  is_fine = is_fine && check_limits(&want.limits, &have.limits, &sentence);
  return is_fine ? FARSIDE_OK : FARSIDE_INVALID;
}

// What a script has whose manifest says nothing of this permission: what is
// usual, as far as it is granted.
static const char *const *usual(const far_permission_rule *rule,
                                const char *const *granted) {
  if (rule->standard == NULL)
    return granted;
  for (const char *const *word = rule->standard; *word != NULL; word++)
    if (!is_in(rule, granted, *word))
      return nothing;
  return rule->standard;
}

farside_status far_manifest_settle(far_memory *memory,
                                   const far_manifest *asked,
                                   const farside_permissions *granted,
                                   far_manifest **settled, char *error,
                                   size_t bytes) {
  far_sentence sentence = {"grants: ", error, bytes};
  *settled = NULL;
  farside_status status = far_manifest_check(asked, granted, error, bytes);
  if (status != FARSIDE_OK)
    return status;
  farside_permissions have = granted ? *granted : (farside_permissions){0};
  farside_manifest result = {.needs = have};
  if (asked != NULL)
    result = asked->said;
  for (size_t i = 0; i < PERMISSIONS && asked != NULL; i++) {
    const char *const **list = list_of(&result.needs, i);
    if (*list == NULL)
      *list = usual(&rules[i], *list_of(&have, i));
  }
  far_limits_tighten(&have.limits, &result.needs.limits, &result.needs.limits);
  return copy(memory, &result, settled, &sentence);
}
