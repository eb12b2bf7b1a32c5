#include "timeline.h"

#include <stdio.h>
#include <string.h>

enum {
  CAPACITY_MIN = 64,
  SPARE_BYTES = 256,
  // A longer `why` is a script printing a file, and says nothing to a reader.
  WHY_BYTES_MAX = 8192
};

// FNV-1a, 64 bits: the timeline's fingerprint, not a defence.
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    hash = (hash ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
  return hash;
}

static uint64_t hash_number(uint64_t hash, uint64_t number) {
  uint8_t bytes[8]; // Byte by byte: the same hash on every machine.
  for (int i = 0; i < 8; i++)
    bytes[i] = (uint8_t)(number >> (8 * i));
  return hash_bytes(hash, bytes, sizeof bytes);
}

static uint64_t hash_string(uint64_t hash, const char *string) {
  return string ? hash_bytes(hash, string, strlen(string) + 1)
                : hash_bytes(hash, "\xff", 1);
}

static uint64_t hash_entry(uint64_t hash, const farside_entry *entry) {
  hash = hash_number(hash, entry->t_ms);
  hash = hash_string(hash, entry->what);
  hash = hash_number(hash, (uint64_t)entry->level);
  hash = hash_string(hash, entry->state);
  hash = hash_string(hash, entry->script);
  hash = hash_number(hash, entry->task);
  if (entry->work != 0)
    hash = hash_number(hash, entry->work);
  hash = hash_string(hash, entry->name);
  hash = hash_string(hash, entry->where);
  if (entry->rule != NULL) {
    hash = hash_string(hash, entry->rule);
    hash = hash_string(hash, entry->severity);
    hash = hash_string(hash, entry->outcome);
    hash = hash_string(hash, entry->code);
  }
  size_t bytes = entry->why ? strlen(entry->why) : 0;
  if (bytes <= WHY_BYTES_MAX)
    return hash_string(hash, entry->why);
  hash = hash_bytes(hash, entry->why, WHY_BYTES_MAX); // A file takes its time.
  return hash_number(hash, bytes);
}

static void record_deinit(far_timeline *timeline, far_record *record) {
  far_free(timeline->memory, record->text, record->text_bytes);
  *record = (far_record){0};
}

// Room for the strings of an entry. That of the entry which stood there before
// will do, unless it is far too large.
static bool make_text(far_timeline *timeline, far_record *record,
                      size_t bytes) {
  if (bytes <= record->text_bytes && record->text_bytes <= bytes + SPARE_BYTES)
    return true;
  record_deinit(timeline, record);
  record->text = far_resize(timeline->memory, NULL, 0, bytes);
  record->text_bytes = record->text ? bytes : 0;
  return record->text != NULL;
}

static size_t bytes_of(const char *string) {
  return string ? strlen(string) + 1 : 0;
}

static const char *take(char **cursor, const char *string, size_t bytes) {
  if (string == NULL)
    return NULL;
  char *copy = memcpy(*cursor, string, bytes);
  *cursor += bytes;
  return copy;
}

// Writes `why`, cut where it is too long, without half a UTF-8 character.
static const char *take_why(char *cursor, const char *why) {
  if (why == NULL)
    return NULL;
  size_t bytes = strlen(why);
  size_t kept = bytes;
  if (kept > WHY_BYTES_MAX) {
    kept = WHY_BYTES_MAX;
    while (kept > 0 && ((uint8_t)why[kept] & 0xc0) == 0x80)
      kept--;
  }
  memcpy(cursor, why, kept);
  cursor[kept] = '\0';
  if (kept < bytes)
    snprintf(cursor + kept, 40, " ... (%zu more bytes)", bytes - kept);
  return cursor;
}

static bool record_init(far_timeline *timeline, far_record *record,
                        const farside_entry *entry) {
  size_t why_bytes = bytes_of(entry->why);
  if (why_bytes > WHY_BYTES_MAX)
    why_bytes = WHY_BYTES_MAX + 41;
  size_t script_bytes = bytes_of(entry->script);
  size_t name_bytes = bytes_of(entry->name);
  size_t where_bytes = bytes_of(entry->where);
  size_t bytes = script_bytes + name_bytes + where_bytes + why_bytes;
  if (bytes > 0 && !make_text(timeline, record, bytes))
    return false;
  record->entry = *entry;
  char *cursor = record->text;
  record->entry.script = take(&cursor, entry->script, script_bytes);
  record->entry.name = take(&cursor, entry->name, name_bytes);
  record->entry.where = take(&cursor, entry->where, where_bytes);
  record->entry.why = take_why(cursor, entry->why);
  return true;
}

static far_record *record_at(const far_timeline *timeline, uint64_t index) {
  return &timeline->records[index % timeline->capacity];
}

static bool grow(far_timeline *timeline) {
  size_t capacity = timeline->capacity ? timeline->capacity * 2 : CAPACITY_MIN;
  if (capacity > timeline->capacity_max)
    capacity = timeline->capacity_max;
  far_record *records = far_resize(timeline->memory, timeline->records,
                                   timeline->capacity * sizeof *records,
                                   capacity * sizeof *records);
  if (records == NULL)
    return false;
  memset(records + timeline->capacity, 0,
         (capacity - timeline->capacity) * sizeof *records);
  timeline->records = records;
  timeline->capacity = capacity;
  return true;
}

// Growing moves no entry, so it must happen before the first one is dropped.
static bool make_room(far_timeline *timeline) {
  uint64_t kept = timeline->count - timeline->first;
  if (kept < timeline->capacity)
    return true;
  if (timeline->capacity < timeline->capacity_max &&
      (timeline->first == 0 || kept == 0) && grow(timeline))
    return true;
  if (timeline->capacity == 0)
    return false;
  timeline->first++;
  return true;
}

void far_timeline_init(far_timeline *timeline, far_memory *memory,
                       size_t entries_max) {
  *timeline = (far_timeline){.memory = memory,
                             .capacity_max = entries_max,
                             .is_hashed = true,
                             .hash = UINT64_C(0xcbf29ce484222325)};
}

void far_timeline_deinit(far_timeline *timeline) {
  if (timeline->memory == NULL)
    return;
  for (size_t i = 0; i < timeline->capacity; i++)
    record_deinit(timeline, &timeline->records[i]);
  far_free(timeline->memory, timeline->records,
           timeline->capacity * sizeof *timeline->records);
  *timeline = (far_timeline){0};
}

void far_timeline_add(far_timeline *timeline, const farside_entry *entry) {
  if (timeline->is_hashed)
    timeline->hash = hash_entry(timeline->hash, entry);
  if (make_room(timeline) &&
      record_init(timeline, record_at(timeline, timeline->count), entry)) {
    timeline->count++;
    return;
  }
  // No memory. What is kept must have no gaps, so all of it is dropped.
  for (size_t i = 0; i < timeline->capacity; i++)
    record_deinit(timeline, &timeline->records[i]);
  timeline->first = ++timeline->count;
}

const farside_entry *far_timeline_get(const far_timeline *timeline,
                                      uint64_t index) {
  if (index < timeline->first || index >= timeline->count)
    return NULL;
  return &record_at(timeline, index)->entry;
}

const char *far_what_name(far_what what) {
  static const char *const names[] = {
#define FAR_WHAT(id, name) name,
      FAR_WHAT_MAP(FAR_WHAT)
#undef FAR_WHAT
  };
  return names[what];
}
