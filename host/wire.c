#include "wire.h"

#include "app.h"
#include "timeline.h"
#include <stdlib.h>
#include <string.h>

// -- Lines --------------------------------------------------------------------

void far_wire_reader_deinit(far_wire_reader *reader) {
  free(reader->text);
  *reader = (far_wire_reader){.is_broken = true};
}

static bool grow(far_wire_reader *reader, size_t bytes) {
  if (bytes <= reader->capacity)
    return true;
  size_t capacity = reader->capacity ? reader->capacity : 4096;
  while (capacity < bytes)
    capacity *= 2;
  char *text = realloc(reader->text, capacity);
  if (text == NULL)
    return false;
  reader->text = text;
  reader->capacity = capacity;
  return true;
}

bool far_wire_feed(far_wire_reader *reader, const char *bytes, size_t count) {
  // What is read comes in small pieces and is taken at once, so no more than
  // one line waits.
  if (reader->start > 0) {
    reader->size -= reader->start;
    memmove(reader->text, reader->text + reader->start, reader->size);
    reader->start = 0;
  }
  if (reader->is_broken || count > FAR_WIRE_LINE_MAX ||
      reader->size > FAR_WIRE_LINE_MAX - count ||
      !grow(reader, reader->size + count)) {
    reader->is_broken = true;
    return false;
  }
  memcpy(reader->text + reader->size, bytes, count);
  reader->size += count;
  return true;
}

// A small line can hold many values, each of which takes far more memory than
// its text.
static bool is_small(const char *text, size_t bytes, size_t values_max) {
  size_t values = 0;
  bool is_string = false;
  for (size_t i = 0; i < bytes && values_max > 0; i++) {
    if (is_string && text[i] == '\\')
      i++;
    else if (text[i] == '"')
      is_string = !is_string;
    else if (!is_string && strchr("{[,", text[i]) != NULL &&
             ++values > values_max)
      return false;
  }
  return true;
}

json_t *far_wire_next(far_wire_reader *reader) {
  if (reader->is_broken || reader->start == reader->size)
    return NULL;
  const char *text = reader->text + reader->start;
  const char *end = memchr(text, '\n', reader->size - reader->start);
  if (end == NULL)
    return NULL;
  size_t bytes = (size_t)(end - text);
  json_t *line = is_small(text, bytes, reader->values_max)
                     ? json_loadb(text, bytes, 0, NULL)
                     : NULL;
  if (!json_is_object(line)) {
    json_decref(line);
    reader->is_broken = true;
    return NULL;
  }
  reader->start += bytes + 1;
  return line;
}

char *far_wire_line(json_t *object, size_t *bytes) {
  char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
  json_decref(object);
  if (line == NULL)
    return NULL;
  size_t length = strlen(line);
  char *longer = realloc(line, length + 2);
  if (longer == NULL) {
    free(line);
    return NULL;
  }
  memcpy(longer + length, "\n", 2);
  *bytes = length + 1;
  return longer;
}

// -- Text ---------------------------------------------------------------------

static json_t *raw_of(const char *text, size_t bytes) {
  char *wide = malloc(bytes * 2 + 1);
  if (wide == NULL)
    return NULL;
  size_t size = 0;
  for (size_t i = 0; i < bytes; i++) {
    unsigned char byte = (unsigned char)text[i];
    if (byte >= 0x80)
      wide[size++] = (char)(0xc0 | byte >> 6);
    wide[size++] = (char)(byte >= 0x80 ? 0x80 | (byte & 0x3f) : byte);
  }
  json_t *object = json_pack("{s:s#}", "raw", wide, (int)size);
  free(wide);
  return object;
}

json_t *far_wire_text(const char *text) {
  if (text == NULL)
    return NULL;
  size_t bytes = strlen(text);
  if (bytes > FAR_WIRE_TEXT_MAX) {
    char note[64];
    int noted = snprintf(note, sizeof note, " ... (%zu more bytes)",
                         bytes - FAR_WIRE_TEXT_MAX);
    char *cut = malloc(FAR_WIRE_TEXT_MAX + sizeof note);
    if (cut == NULL)
      return NULL;
    memcpy(cut, text, FAR_WIRE_TEXT_MAX);
    memcpy(cut + FAR_WIRE_TEXT_MAX, note, (size_t)noted + 1);
    json_t *object = json_string(cut);
    if (object == NULL)
      object = raw_of(cut, FAR_WIRE_TEXT_MAX + (size_t)noted);
    free(cut);
    return object;
  }
  json_t *string = json_stringn(text, bytes);
  return string ? string : raw_of(text, bytes);
}

const char *far_wire_string(const json_t *text, char **raw) {
  *raw = NULL;
  if (json_is_string(text))
    return json_string_value(text);
  const json_t *packed = json_object_get(text, "raw");
  if (!json_is_string(packed))
    return NULL;
  const char *wide = json_string_value(packed);
  char *narrow = malloc(json_string_length(packed) + 1);
  if (narrow == NULL)
    return NULL;
  size_t size = 0;
  for (; *wide; wide++) {
    unsigned char byte = (unsigned char)*wide;
    if (byte >= 0x80)
      byte = (unsigned char)(byte << 6 | (*++wide & 0x3f));
    narrow[size++] = (char)byte;
  }
  narrow[size] = '\0';
  return *raw = narrow;
}

// -- Entries ------------------------------------------------------------------

static void set(json_t *object, const char *key, json_t *value) {
  if (value != NULL)
    json_object_set_new(object, key, value);
}

json_t *far_wire_entry(const farside_entry *entry) {
  json_t *line = json_object();
  if (line == NULL)
    return NULL;
  set(line, "what", json_string(entry->what));
  set(line, "t", json_integer((json_int_t)entry->t_ms));
  set(line, "level", json_integer(entry->level));
  set(line, "state", json_string(entry->state));
  set(line, "script", far_wire_text(entry->script));
  if (entry->task != 0)
    set(line, "task", json_integer((json_int_t)entry->task));
  set(line, "name", far_wire_text(entry->name));
  set(line, "where", far_wire_text(entry->where));
  set(line, "why", far_wire_text(entry->why));
  return line;
}

// What the timeline is made of is ours, and not whatever somebody writes.
static const char *known_what(const char *word) {
  for (int i = 0; word != NULL && i < FAR_WHATS; i++)
    if (strcmp(far_what_name((far_what)i), word) == 0)
      return far_what_name((far_what)i);
  return NULL;
}

static const char *known_state(const char *word) {
  for (int i = FAR_APP_GONE; word != NULL && i <= FAR_APP_ACTIVE; i++)
    if (strcmp(far_app_state_name((far_app_state)i), word) == 0)
      return far_app_state_name((far_app_state)i);
  return NULL;
}

bool far_wire_entry_parse(const json_t *line, far_wire_entry_read *read) {
  *read = (far_wire_entry_read){0};
  json_int_t level = json_integer_value(json_object_get(line, "level"));
  json_int_t t_ms = json_integer_value(json_object_get(line, "t"));
  farside_entry *entry = &read->entry;
  *entry = (farside_entry){
      .t_ms = (uint64_t)t_ms,
      .what = known_what(json_string_value(json_object_get(line, "what"))),
      .level = (farside_level)level,
      .state = known_state(json_string_value(json_object_get(line, "state"))),
      .script = far_wire_string(json_object_get(line, "script"), &read->raw[0]),
      .task = (uint64_t)json_integer_value(json_object_get(line, "task")),
      .name = far_wire_string(json_object_get(line, "name"), &read->raw[1]),
      .where = far_wire_string(json_object_get(line, "where"), &read->raw[2]),
      .why = far_wire_string(json_object_get(line, "why"), &read->raw[3])};
  bool is_log = entry->what != NULL && strcmp(entry->what, "log") == 0;
  // What a reporter takes for granted.
  if (is_log && entry->why == NULL)
    entry->why = "";
  return entry->what != NULL && entry->state != NULL && t_ms >= 0 &&
         level >= FARSIDE_DEBUG && level <= FARSIDE_ERROR;
}

void far_wire_entry_free(far_wire_entry_read *read) {
  for (size_t i = 0; i < sizeof read->raw / sizeof *read->raw; i++)
    free(read->raw[i]);
}
