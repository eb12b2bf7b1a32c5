#include "limit.h"

#include "duration.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// -- The fields ---------------------------------------------------------------

enum {
  KB = 1024,
  MB = 1024 * KB,

  // Short enough that a frame of 60 a second is missed by one at most, long
  // enough that switching costs nothing.
  SLICE_MS = 10,
  // A second without an answer is what a user calls hanging.
  TURN_MS = 1000,
  // As long: to sort a million things is no crime, where nobody waits.
  HOLD_MS = TURN_MS,
  // A third of the 30 s that iOS gives an app in the background: the rest is
  // for waiting.
  CPU_MS = 10000,
  // Lua looks within microseconds; what takes longer is a long call into C.
  GRACE_MS = 5,
  // What a phone of today spares an app in the background.
  MEMORY_BYTES = 64 * MB,
  // No single block, such as one string, takes more than a quarter of it.
  BLOCK_PART = 4,
  // More is a script that no longer listens.
  MESSAGES = 1000,
  // Settings, checkpoints, what waits to be sent: not pictures.
  STORAGE_BYTES = 16 * MB,
  // More is a script that enqueues faster than it works: for ever.
  WORK = 10000,

  MEMORY_BYTES_MIN = 256 * KB,
  BLOCK_BYTES_MIN = MEMORY_BYTES_MIN / BLOCK_PART
};

// A year. Whoever computes in nanoseconds must not overflow.
static const uint64_t TIME_MS_MAX = UINT64_C(365) * 86400000;

typedef enum far_limit_kind { TIME, SIZE, COUNT } far_limit_kind;

typedef struct far_limit {
  const char *name;
  far_limit_kind kind;
  size_t offset;
  uint64_t standard; // Zero: a part of the memory.
  uint64_t least;
  const char *reason; // Why not less.
} far_limit;

#define FIELD(name, kind, member, ...)                                         \
  { name, kind, offsetof(farside_limits, member), __VA_ARGS__ }

static const far_limit limits_known[] = {
    FIELD("slice", TIME, slice_ms, SLICE_MS, 1, "time is counted in ms"),
    FIELD("hold", TIME, hold_ms, HOLD_MS, 1, "time is counted in ms"),
    FIELD("turn", TIME, turn_ms, TURN_MS, 1, "time is counted in ms"),
    FIELD("cpu", TIME, cpu_ms, CPU_MS, 1, "time is counted in ms"),
    FIELD("grace", TIME, grace_ms, GRACE_MS, 1, "time is counted in ms"),
    FIELD("memory", SIZE, memory_bytes, MEMORY_BYTES, MEMORY_BYTES_MIN,
          "a script needs that to open and to do a little"),
    FIELD("block", SIZE, block_bytes, 0, BLOCK_BYTES_MIN,
          "Lua itself takes blocks as large"),
    FIELD("messages", COUNT, messages, MESSAGES, 1, "one has to fit"),
    FIELD("storage", SIZE, storage_bytes, STORAGE_BYTES, 1024,
          "a key has to fit"),
    FIELD("work", COUNT, work, WORK, 1, "one has to fit"),
};

#undef FIELD

enum { LIMITS = sizeof limits_known / sizeof *limits_known };

static uint64_t get(const farside_limits *limits, const far_limit *limit) {
  uint64_t value;
  memcpy(&value, (const char *)limits + limit->offset, sizeof value);
  return value;
}

static void put(farside_limits *limits, const far_limit *limit,
                uint64_t value) {
  memcpy((char *)limits + limit->offset, &value, sizeof value);
}

// -- Sentences ----------------------------------------------------------------

__attribute__((format(printf, 3, 4))) static bool
refuse(char *error, size_t bytes, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error, bytes, format, arguments);
  va_end(arguments);
  return false;
}

static bool refuse_name(char *error, size_t bytes, const char *name) {
  char names[FAR_LIMITS_TEXT_BYTES] = "";
  size_t at = 0;
  for (size_t i = 0; i < LIMITS; i++)
    at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "",
                           limits_known[i].name);
  return refuse(error, bytes, "there is no limit '%.40s'; there are: %s", name,
                names);
}

static bool refuse_value(char *error, size_t bytes, const far_limit *limit,
                         const char *value) {
  static const char *const wanted[] = {
      [TIME] = "a time with its unit (ms, s, m, h, d), such as 500ms",
      [SIZE] = "a whole size with its unit (B, KB, MB, GB), such as 64MB",
      [COUNT] = "a whole number, such as 1000"};
  return refuse(error, bytes, "%s needs %s, or off, not '%.40s'", limit->name,
                wanted[limit->kind], value);
}

// -- Numbers and units --------------------------------------------------------

typedef struct far_unit {
  const char *name;
  uint64_t factor;
} far_unit;

// The largest first, and first of its size the name to print.
static const far_unit sizes[] = {
    {"GB", UINT64_C(1024) * MB},
    {"MB", MB},
    {"KB", KB},
    {"GiB", UINT64_C(1024) * MB},
    {"MiB", MB},
    {"KiB", KB},
    {"B", 1},
};
static const far_unit times[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
static const far_unit counts[] = {{"", 1}};

static const struct {
  const far_unit *units;
  size_t count;
} units_of[] = {
    [TIME] = {times, sizeof times / sizeof *times},
    [SIZE] = {sizes, sizeof sizes / sizeof *sizes},
    [COUNT] = {counts, 1},
};

typedef enum far_reading { READ_WELL, READ_NOTHING, READ_TOO_MUCH } far_reading;

// Reads digits and one of the units.
static far_reading read_whole(const char *text, far_limit_kind kind,
                              uint64_t *value) {
  uint64_t number = 0;
  bool is_too_much = false;
  const char *digits = text;
  for (; *text >= '0' && *text <= '9'; text++) {
    uint64_t digit = (uint64_t)(*text - '0');
    is_too_much = is_too_much || number > (UINT64_MAX - digit) / 10;
    number = number * 10 + digit;
  }
  if (text == digits)
    return READ_NOTHING;
  for (size_t i = 0; i < units_of[kind].count; i++) {
    const far_unit *unit = &units_of[kind].units[i];
    if (strcmp(text, unit->name) != 0)
      continue;
    // FARSIDE_NO_LIMIT, the greatest of all numbers, is written `off`.
    if (is_too_much || number > (UINT64_MAX - 1) / unit->factor)
      return READ_TOO_MUCH;
    *value = number * unit->factor;
    return READ_WELL;
  }
  return READ_NOTHING;
}

bool far_size_parse(const char *text, uint64_t *bytes) {
  return read_whole(text, SIZE, bytes) == READ_WELL;
}

static void print_value(const far_limit *limit, uint64_t value, char *text,
                        size_t bytes) {
  if (value == FARSIDE_NO_LIMIT) {
    snprintf(text, bytes, "off");
    return;
  }
  for (size_t i = 0; i < units_of[limit->kind].count; i++) {
    const far_unit *unit = &units_of[limit->kind].units[i];
    if (value % unit->factor == 0) {
      snprintf(text, bytes, "%llu%s",
               (unsigned long long)(value / unit->factor), unit->name);
      return;
    }
  }
}

// -- Checks -------------------------------------------------------------------

static bool check_range(const far_limit *limit, uint64_t value, char *error,
                        size_t bytes) {
  char bound[32], given[32];
  if (value == FARSIDE_NO_LIMIT)
    return true;
  if (value == 0)
    return refuse(error, bytes,
                  "%s must not be zero: write %s=off for no limit", limit->name,
                  limit->name);
  if (value < limit->least) {
    print_value(limit, value, given, sizeof given);
    print_value(limit, limit->least, bound, sizeof bound);
    return refuse(error, bytes, "%s must be at least %s, not %s: %s",
                  limit->name, bound, given, limit->reason);
  }
  if (limit->kind == TIME && value > TIME_MS_MAX) {
    print_value(limit, value, given, sizeof given);
    print_value(limit, TIME_MS_MAX, bound, sizeof bound);
    return refuse(error, bytes,
                  "%s must be at most %s, not %s: write %s=off for no limit",
                  limit->name, bound, given, limit->name);
  }
  return true;
}

static const far_limit *find(const char *name) {
  for (size_t i = 0; i < LIMITS; i++)
    if (strcmp(name, limits_known[i].name) == 0)
      return &limits_known[i];
  return NULL;
}

bool far_limits_set(farside_limits *limits, const char *name, const char *value,
                    char *error, size_t bytes) {
  uint64_t number = 0;
  const far_limit *limit = find(name);
  if (limit == NULL)
    return refuse_name(error, bytes, name);
  far_reading reading = READ_WELL;
  if (strcmp(value, "off") == 0)
    number = FARSIDE_NO_LIMIT;
  else if (limit->kind != TIME)
    reading = read_whole(value, limit->kind, &number);
  else if (!far_duration_parse(value, &number))
    reading = READ_NOTHING;
  if (reading == READ_NOTHING)
    return refuse_value(error, bytes, limit, value);
  if (reading == READ_TOO_MUCH)
    return refuse(error, bytes,
                  "%s: '%.40s' is too much: write %s=off for no limit",
                  limit->name, value, limit->name);
  if (!check_range(limit, number, error, bytes))
    return false;
  put(limits, limit, number);
  return true;
}

bool far_limits_check(const farside_limits *limits, char *error, size_t bytes) {
  for (size_t i = 0; i < LIMITS; i++) {
    uint64_t value = get(limits, &limits_known[i]);
    if (value != 0 && !check_range(&limits_known[i], value, error, bytes))
      return false;
  }
  return true;
}

// -- Text ---------------------------------------------------------------------

// One item, such as "memory=64MB".
static bool parse_item(const char *item, size_t length, farside_limits *limits,
                       char *error, size_t bytes) {
  char text[64];
  if (length == 0)
    return refuse(error, bytes,
                  "a limit is missing: write them as memory=64MB,turn=1s");
  if (length >= sizeof text)
    return refuse(error, bytes,
                  "'%.40s...' is no limit: write them as memory=64MB,turn=1s",
                  item);
  memcpy(text, item, length);
  text[length] = '\0';
  char *equals = strchr(text, '=');
  if (equals != NULL)
    *equals = '\0';
  const far_limit *limit = find(text);
  if (limit == NULL)
    return refuse_name(error, bytes, text);
  if (equals == NULL)
    return refuse_value(error, bytes, limit, "");
  if (get(limits, limit) != 0)
    return refuse(error, bytes, "%s is given twice", limit->name);
  return far_limits_set(limits, text, equals + 1, error, bytes);
}

bool far_limits_parse(const char *text, farside_limits *limits, char *error,
                      size_t bytes) {
  farside_limits fresh = {0};
  if (strpbrk(text, " \t\r\n") != NULL)
    return refuse(error, bytes,
                  "limits are written without spaces: memory=64MB,turn=1s");
  for (;; text++) {
    size_t length = strcspn(text, ",");
    if (!parse_item(text, length, &fresh, error, bytes))
      return false;
    text += length;
    if (*text == '\0')
      break;
  }
  *limits = fresh;
  return true;
}

void far_limits_print(const farside_limits *limits, char *text, size_t bytes) {
  size_t at = 0;
  text[0] = '\0';
  for (size_t i = 0; i < LIMITS; i++) {
    char value[32];
    if (get(limits, &limits_known[i]) == 0)
      continue;
    print_value(&limits_known[i], get(limits, &limits_known[i]), value,
                sizeof value);
    at += (size_t)snprintf(text + at, bytes - at, "%s%s=%s", at ? "," : "",
                           limits_known[i].name, value);
    if (at >= bytes)
      return;
  }
}

// -- Comparing ----------------------------------------------------------------

void far_limits_default(farside_limits *limits) {
  for (size_t i = 0; i < LIMITS; i++)
    if (get(limits, &limits_known[i]) == 0)
      put(limits, &limits_known[i], limits_known[i].standard);
  if (limits->block_bytes != 0)
    return;
  limits->block_bytes = limits->memory_bytes / BLOCK_PART;
  if (limits->memory_bytes == FARSIDE_NO_LIMIT)
    limits->block_bytes = FARSIDE_NO_LIMIT;
  else if (limits->block_bytes < BLOCK_BYTES_MIN)
    limits->block_bytes = BLOCK_BYTES_MIN;
}

void far_limits_excess(const farside_limits *asked,
                       const farside_limits *granted, farside_limits *excess) {
  farside_limits most = *granted, beyond = *asked;
  far_limits_default(&most);
  for (size_t i = 0; i < LIMITS; i++)
    if (get(&beyond, &limits_known[i]) <= get(&most, &limits_known[i]))
      put(&beyond, &limits_known[i], 0);
  *excess = beyond;
}

bool far_limits_within(const farside_limits *asked,
                       const farside_limits *granted, char *error,
                       size_t bytes) {
  farside_limits most = *granted, excess;
  far_limits_default(&most);
  far_limits_excess(asked, granted, &excess);
  for (size_t i = 0; i < LIMITS; i++) {
    const far_limit *limit = &limits_known[i];
    char want[32], have[32];
    if (get(&excess, limit) == 0)
      continue;
    print_value(limit, get(&excess, limit), want, sizeof want);
    print_value(limit, get(&most, limit), have, sizeof have);
    return refuse(error, bytes, "it asks for %s=%s; %s are granted",
                  limit->name, want, have);
  }
  return true;
}

void far_limits_tighten(const farside_limits *granted,
                        const farside_limits *asked, farside_limits *result) {
  farside_limits most = *granted, tighter = *granted;
  far_limits_default(&most);
  for (size_t i = 0; i < LIMITS; i++) {
    const far_limit *limit = &limits_known[i];
    uint64_t want = get(asked, limit), have = get(&most, limit);
    if (want != 0)
      put(&tighter, limit, want < have ? want : have);
  }
  // Only now: the block is a part of the memory that remains.
  far_limits_default(&tighter);
  *result = tighter;
}
