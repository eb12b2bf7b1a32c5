#include "source_map.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  MAP_BYTES_MAX = 2 * 1024 * 1024,
  FILES_MAX = 4096,
  LINES_MAX = 256 * 1024,
  NEAR_LINES = 2,
  PATH_BYTES_MAX = 1024,
  SHOWN_BYTES = 60 // As long as Lua shows the name of a chunk: LUA_IDSIZE.
};

// Where a line of the chunk comes from.
typedef struct origin {
  uint32_t file; // From 1 up; 0: nobody knows.
  uint32_t line;
} origin;

struct far_source_map {
  far_source_map *next;
  far_memory *memory;
  char *chunk;             // "build/app.lua"
  char shown[SHOWN_BYTES]; // The same as messages of Lua have it.
  char **files;            // "src/app.ts"
  size_t files_count;
  origin *lines; // By the line of the chunk, from 1 up.
  size_t lines_count;
};

// -- The file -----------------------------------------------------------------

static json_t *read_json(const char *path) {
  int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0)
    return NULL;
  struct stat about;
  json_t *value = NULL;
  if (fstat(file, &about) == 0 && S_ISREG(about.st_mode) &&
      about.st_size <= MAP_BYTES_MAX)
    value = json_loadfd(file, 0, NULL);
  close(file);
  return value;
}

// -- Names --------------------------------------------------------------------

// "..." and the end of a name that is too long: luaO_chunkid() of Lua.
static void show(char *shown, const char *chunk) {
  size_t length = strlen(chunk);
  if (length < SHOWN_BYTES)
    memcpy(shown, chunk, length + 1);
  else
    snprintf(shown, SHOWN_BYTES, "...%s", chunk + length - (SHOWN_BYTES - 4));
}

// "build/./x/../../src/app.ts" --> "src/app.ts"
static void tidy(char *path) {
  bool is_absolute = path[0] == '/';
  char *start = path + is_absolute, *to = start, *least = start;
  for (const char *word = start, *next; word != NULL; word = next) {
    size_t length = strcspn(word, "/");
    next = word[length] == '/' ? word + length + 1 : NULL;
    bool is_up = length == 2 && memcmp(word, "..", 2) == 0;
    if (is_up && (to > least || is_absolute)) {
      for (to -= to > least; to > least && to[-1] != '/'; to--)
        ; // Nothing is above the root.
    } else if (length > 0 && !(length == 1 && word[0] == '.')) {
      memmove(to, word, length);
      to += length;
      *to++ = '/';
      if (is_up)
        least = to; // What is above stays.
    }
  }
  if (to > start)
    to--;
  *to = '\0';
}

static char *file_name(far_memory *memory, const char *chunk, const char *root,
                       const char *source) {
  char path[PATH_BYTES_MAX];
  const char *slash = strrchr(chunk, '/');
  bool is_whole = source[0] == '/' || strstr(source, "://") != NULL;
  int folder = slash && !is_whole && root[0] != '/' ? (int)(slash - chunk) : 0;
  // A byte more than it takes: tidy() puts a slash behind each word.
  int length = snprintf(path, sizeof path - 1, "%.*s%s%s%s%s", folder, chunk,
                        folder ? "/" : "", is_whole ? "" : root,
                        is_whole || root[0] == '\0' ? "" : "/", source);
  if (length < 0 || (size_t)length >= sizeof path - 1)
    return NULL;
  if (strstr(source, "://") == NULL)
    tidy(path);
  return far_string_new(memory, path);
}

static bool read_files(far_source_map *map, const json_t *json) {
  const json_t *sources = json_object_get(json, "sources");
  const char *root = json_string_value(json_object_get(json, "sourceRoot"));
  size_t count = json_array_size(sources);
  if (count == 0 || count > FILES_MAX)
    return false;
  map->files = far_new(map->memory, count * sizeof *map->files);
  if (map->files == NULL)
    return false;
  for (map->files_count = count; count-- > 0;) {
    const char *source = json_string_value(json_array_get(sources, count));
    map->files[count] =
        source ? file_name(map->memory, map->chunk, root ? root : "", source)
               : NULL;
    if (map->files[count] == NULL)
      return false;
  }
  return true;
}

// -- Mappings -----------------------------------------------------------------

// One number, in base64 with the sign last. False at its end, and for nonsense.
static bool read_number(const char **text, int64_t *number) {
  static const char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  enum { SHIFT_MAX = 30 };
  int64_t sum = 0;
  for (int shift = 0; shift <= SHIFT_MAX; shift += 5) {
    const char *digit = **text ? strchr(digits, **text) : NULL;
    if (digit == NULL)
      return false;
    (*text)++;
    int64_t value = digit - digits;
    sum |= (value & 31) << shift;
    if ((value & 32) == 0) {
      *number = sum & 1 ? -(sum >> 1) : sum >> 1;
      return true;
    }
  }
  return false;
}

// Each line begins with where its first piece comes from. All numbers but the
// columns of the chunk go on from the ones before.
static bool read_lines(far_source_map *map, const char *text) {
  int64_t file = 0, line = 0;
  for (size_t i = 0; *text != '\0'; text++) {
    if (*text == ';' || *text == ',') {
      i += *text == ';';
      continue;
    }
    int64_t fields[5] = {0};
    int count = 0;
    while (count < 5 && read_number(&text, &fields[count]))
      count++;
    if (count == 0 || (*text != ',' && *text != ';' && *text != '\0'))
      return false;
    file += count >= 4 ? fields[1] : 0;
    line += count >= 4 ? fields[2] : 0;
    if (file < 0 || line < 0 || line >= UINT32_MAX || i >= map->lines_count)
      return false;
    if (count >= 4 && (size_t)file < map->files_count &&
        map->lines[i].file == 0)
      map->lines[i] =
          (origin){.file = (uint32_t)file + 1, .line = (uint32_t)line + 1};
    text--;
  }
  return true;
}

static bool make_lines(far_source_map *map, const char *mappings) {
  size_t count = 1;
  for (const char *at = mappings; (at = strchr(at, ';')) != NULL; at++)
    count++;
  if (count > LINES_MAX)
    return false;
  map->lines = far_new(map->memory, count * sizeof *map->lines);
  map->lines_count = map->lines ? count : 0;
  return map->lines != NULL && read_lines(map, mappings);
}

static bool fill(far_source_map *map, const char *chunk, const json_t *json) {
  const char *mappings = json_string_value(json_object_get(json, "mappings"));
  map->chunk = far_string_new(map->memory, chunk);
  if (map->chunk == NULL || mappings == NULL ||
      json_integer_value(json_object_get(json, "version")) != 3)
    return false;
  show(map->shown, chunk);
  return read_files(map, json) && make_lines(map, mappings);
}

// -- Lifecycle ----------------------------------------------------------------

far_source_map *far_source_map_read(far_memory *memory, const char *chunk) {
  char path[PATH_BYTES_MAX];
  int length = snprintf(path, sizeof path, "%s.map", chunk);
  if (length < 0 || (size_t)length >= sizeof path)
    return NULL;
  json_t *json = read_json(path);
  far_source_map *fresh = json ? far_new(memory, sizeof *fresh) : NULL;
  if (fresh != NULL) {
    fresh->memory = memory;
    if (!fill(fresh, chunk, json)) {
      far_source_map_free(fresh);
      fresh = NULL;
    }
  }
  json_decref(json);
  return fresh;
}

size_t far_source_map_bytes(const far_source_map *map) {
  size_t bytes = sizeof *map + map->lines_count * sizeof *map->lines;
  for (size_t i = 0; i < map->files_count; i++)
    bytes += sizeof *map->files + strlen(map->files[i]) + 1;
  return bytes;
}

void far_source_map_add(far_source_map **maps, far_source_map *map) {
  map->next = *maps;
  *maps = map;
}

const far_source_map *far_source_map_next(const far_source_map *map) {
  return map->next;
}

void far_source_map_free(far_source_map *maps) {
  while (maps != NULL) {
    far_source_map *map = maps;
    far_memory *memory = map->memory;
    maps = map->next;
    for (size_t i = 0; i < map->files_count; i++)
      far_string_free(memory, map->files[i]);
    far_free(memory, map->files, map->files_count * sizeof *map->files);
    far_free(memory, map->lines, map->lines_count * sizeof *map->lines);
    far_string_free(memory, map->chunk);
    far_free(memory, map, sizeof *map);
  }
}

// -- Places -------------------------------------------------------------------

// The end of a loop or a function stands in a line of its own, which no map
// knows, but the one before it does.
static far_origin_line look_up(const far_source_map *map, unsigned long line) {
  for (int i = 0; i < NEAR_LINES && line > 1 && line <= map->lines_count &&
                  map->lines[line - 1].file == 0;
       i++)
    line--;
  if (line == 0 || line > map->lines_count || map->lines[line - 1].file == 0)
    return (far_origin_line){0};
  const origin *found = &map->lines[line - 1];
  return (far_origin_line){.file = map->files[found->file - 1],
                           .line = found->line};
}

far_origin_line far_source_map_find(const far_source_map *maps,
                                    const char *chunk, int line) {
  while (maps != NULL && strcmp(maps->chunk, chunk) != 0)
    maps = maps->next;
  return maps != NULL && line > 0 ? look_up(maps, (unsigned long)line)
                                  : (far_origin_line){0};
}

static bool is_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || (c != '\0' && strchr("_-./@", c) != NULL);
}

// The place that a text begins with, as "build/app.lua:40"; its length, or 0.
static size_t read_place(const far_source_map *maps, const char *text,
                         far_origin_line *place) {
  for (; maps != NULL; maps = maps->next) {
    size_t length = strlen(maps->shown);
    if (strncmp(text, maps->shown, length) != 0 || text[length] != ':')
      continue;
    size_t digits = strspn(text + length + 1, "0123456789");
    unsigned long line = 0;
    for (size_t i = 0; i < digits && line <= LINES_MAX; i++)
      line = line * 10 + (unsigned long)(text[length + 1 + i] - '0');
    *place = look_up(maps, line);
    if (place->file != NULL)
      return length + 1 + digits;
  }
  return 0;
}

// Writes at `length` of a text what there is room for, and returns the new one.
static size_t put(char *to, size_t bytes, size_t length, const char *piece,
                  size_t piece_bytes) {
  if (length + 1 < bytes) {
    size_t room = bytes - length - 1;
    memcpy(to + length, piece, piece_bytes < room ? piece_bytes : room);
  }
  return length + piece_bytes;
}

size_t far_source_map_rewrite(const far_source_map *maps, const char *text,
                              char *to, size_t bytes) {
  size_t length = 0;
  for (char before = '\0'; *text != '\0';) {
    far_origin_line place;
    size_t read = is_of_name(before) ? 0 : read_place(maps, text, &place);
    if (read == 0) {
      before = *text;
      length = put(to, bytes, length, text++, 1);
      continue;
    }
    char line[16];
    int line_bytes = snprintf(line, sizeof line, ":%u", place.line);
    length = put(to, bytes, length, place.file, strlen(place.file));
    length = put(to, bytes, length, line, (size_t)line_bytes);
    text += read;
    before = text[-1];
  }
  if (bytes > 0)
    to[length < bytes ? length : bytes - 1] = '\0';
  return length;
}
