#include "report.h"

#include <jansson.h>
#include <string.h>

// -- JSON lines ---------------------------------------------------------------

const char *far_level_name(farside_level level) {
  static const char *const names[] = {"debug", "info", "warn", "error"};
  return names[level];
}

// Scripts may log any bytes; JSON is UTF-8. What is not becomes "?".
static json_t *string_of(const char *text) {
  json_t *string = json_string(text);
  if (string != NULL)
    return string;
  size_t bytes = strlen(text);
  char *ascii = malloc(bytes + 1);
  if (ascii == NULL)
    return NULL;
  for (size_t i = 0; i <= bytes; i++)
    ascii[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
  string = json_string(ascii);
  free(ascii);
  return string;
}

static void set(json_t *object, const char *key, const char *text) {
  if (text != NULL)
    json_object_set_new(object, key, string_of(text));
}

static void set_rule(json_t *object, const farside_entry *entry) {
  set(object, "rule", entry->rule);
  set(object, "severity", entry->severity);
  json_t *outcome = json_object();
  set(outcome, "kind", entry->outcome);
  set(outcome, "code", entry->code);
  json_object_set_new(object, "outcome", outcome);
}

static json_t *object_of(const farside_entry *entry) {
  json_t *object = json_object();
  if (object == NULL)
    return NULL;
  json_object_set_new(object, "t", json_integer((json_int_t)entry->t_ms));
  set(object, "what", entry->what);
  set(object, "level", far_level_name(entry->level));
  set(object, "state", entry->state);
  set(object, "script", entry->script);
  if (entry->task != 0)
    json_object_set_new(object, "task", json_integer((json_int_t)entry->task));
  if (entry->work != 0)
    json_object_set_new(object, "work", json_integer((json_int_t)entry->work));
  set(object, "name", entry->name);
  set(object, "where", entry->where);
  set(object, "why", entry->why);
  if (entry->rule != NULL)
    set_rule(object, entry);
  return object;
}

bool far_report_json(FILE *file, const farside_entry *entry) {
  json_t *object = object_of(entry);
  bool is_written =
      json_dumpf(object, file, JSON_COMPACT | JSON_PRESERVE_ORDER) == 0 &&
      fputc('\n', file) != EOF;
  json_decref(object);
  return is_written;
}

bool far_report_fields(FILE *file, const farside_entry *entry) {
  json_t *object = object_of(entry);
  bool is_written =
      json_dumpf(object, file,
                 JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_EMBED) == 0;
  json_decref(object);
  return is_written;
}

// -- The table ----------------------------------------------------------------

static const char *color_of(const farside_entry *entry) {
  if (entry->level == FARSIDE_ERROR)
    return "\x1b[31m"; // Red.
  if (entry->level == FARSIDE_WARN)
    return "\x1b[33m"; // Yellow.
  if (strcmp(entry->what, "task.finish") == 0)
    return "\x1b[32m"; // Green.
  if (strcmp(entry->what, "log") == 0)
    return "\x1b[2m"; // Faint.
  if (strncmp(entry->what, "app.", 4) == 0)
    return "\x1b[36m"; // Cyan.
  return "";
}

static void subject_of(const farside_entry *entry, char *text, size_t bytes) {
  if (entry->work != 0)
    snprintf(text, bytes, "%s %llu", entry->name,
             (unsigned long long)entry->work);
  else if (entry->task == 0)
    snprintf(text, bytes, "%s", "");
  else if (entry->name != NULL)
    snprintf(text, bytes, "%s", entry->name);
  else
    snprintf(text, bytes, "#%llu", (unsigned long long)entry->task);
}

// Characters, not bytes: names may hold any UTF-8.
static int width_of(const char *text) {
  int width = 0;
  for (; *text; text++)
    width += ((unsigned char)*text & 0xc0) != 0x80;
  return width;
}

static void put_padded(FILE *file, const char *text, int width) {
  int missing = width - width_of(text);
  fprintf(file, "%s%*s", text, missing > 0 ? missing : 0, "");
}

static bool is_shown(const farside_entry *entry, bool is_verbose) {
  return is_verbose || entry->level > FARSIDE_DEBUG;
}

static bool is_same(const char *one, const char *two) {
  return one == two || (one != NULL && two != NULL && strcmp(one, two) == 0);
}

bool far_report_is_repeat(const farside_entry *first,
                          const farside_entry *entry) {
  return (is_same(first->what, "timer.fire") || is_same(first->what, "log")) &&
         is_same(first->what, entry->what) && first->level == entry->level &&
         first->task == entry->task && is_same(first->state, entry->state) &&
         is_same(first->script, entry->script) &&
         is_same(first->name, entry->name) &&
         is_same(first->where, entry->where) && is_same(first->why, entry->why);
}

// The place is for whoever has to look something up.
static bool has_place(const farside_entry *entry) {
  return entry->where != NULL && (entry->level >= FARSIDE_WARN ||
                                  strcmp(entry->what, "task.begin") == 0);
}

// The place first. A text of many lines goes on under its column.
static void put_why(FILE *file, const farside_entry *entry, int indent) {
  if (has_place(entry))
    fprintf(file, "%s%s", entry->where, entry->why ? ": " : "");
  if (entry->rule != NULL)
    fprintf(file, "%s: ", entry->rule);
  for (const char *line = entry->why; line != NULL;) {
    const char *end = strchr(line, '\n');
    size_t length = end ? (size_t)(end - line) : strlen(line);
    fwrite(line, 1, length, file);
    line = end && end[1] ? end + 1 : NULL;
    if (line != NULL)
      fprintf(file, "\n%*s", indent, "");
  }
}

// How wide the columns are that depend on what happened.
typedef struct widths {
  int seconds;
  int subject;
} widths;

enum { STATE_WIDTH = 10, WHAT_WIDTH = 13, SUBJECT_WIDTH_MAX = 24 };

static widths measure(const far_timeline *timeline, bool is_verbose) {
  char text[160];
  widths found = {.seconds = 1, .subject = 4};
  for (uint64_t i = timeline->first; i < timeline->count; i++) {
    const farside_entry *entry = far_timeline_get(timeline, i);
    if (!is_shown(entry, is_verbose))
      continue;
    int seconds = snprintf(text, sizeof text, "%llu",
                           (unsigned long long)entry->t_ms / 1000);
    found.seconds = seconds > found.seconds ? seconds : found.seconds;
    subject_of(entry, text, sizeof text);
    int subject = width_of(text);
    found.subject = subject > found.subject ? subject : found.subject;
  }
  if (found.subject > SUBJECT_WIDTH_MAX)
    found.subject = SUBJECT_WIDTH_MAX;
  return found;
}

// `last` is the last of `count` entries that are the same.
static void put_row(FILE *file, const farside_entry *entry,
                    const farside_entry *last, uint64_t count, widths wide,
                    bool has_color) {
  char subject[160];
  const char *color = has_color ? color_of(entry) : "";
  subject_of(entry, subject, sizeof subject);
  fprintf(file, "%s%*llu.%03u s  ", color, wide.seconds,
          (unsigned long long)entry->t_ms / 1000,
          (unsigned)(entry->t_ms % 1000));
  put_padded(file, entry->state, STATE_WIDTH + 2);
  // Nothing is padded that nothing follows.
  bool has_why = entry->why != NULL || has_place(entry) || count > 1;
  put_padded(file, entry->what, has_why || *subject ? WHAT_WIDTH + 2 : 0);
  put_padded(file, subject, has_why ? wide.subject + 2 : 0);
  put_why(file, entry,
          wide.seconds + 8 + STATE_WIDTH + 2 + WHAT_WIDTH + 2 + wide.subject +
              2);
  if (count > 1)
    fprintf(file, "%s(%llu times, until %llu.%03u s)", entry->why ? "  " : "",
            (unsigned long long)count, (unsigned long long)last->t_ms / 1000,
            (unsigned)(last->t_ms % 1000));
  fprintf(file, "%s\n", *color ? "\x1b[0m" : "");
}

// How many entries from number `from` on are shown as one; those that are not
// shown do not stand between them. `*next` is the first behind them.
static uint64_t repeats(const far_timeline *timeline, uint64_t from,
                        bool is_verbose, uint64_t *next) {
  const farside_entry *first = far_timeline_get(timeline, from);
  uint64_t count = 1;
  *next = from + 1;
  for (uint64_t i = from + 1; !is_verbose && i < timeline->count; i++) {
    const farside_entry *entry = far_timeline_get(timeline, i);
    if (!is_shown(entry, is_verbose))
      continue;
    if (!far_report_is_repeat(first, entry))
      break;
    count++;
    *next = i + 1;
  }
  return count;
}

void far_report_table(FILE *file, const far_timeline *timeline, bool has_color,
                      bool is_verbose) {
  widths wide = measure(timeline, is_verbose);
  put_padded(file, "time", wide.seconds + 8);
  put_padded(file, "app", STATE_WIDTH + 2);
  put_padded(file, "what", WHAT_WIDTH + 2);
  put_padded(file, "task", wide.subject + 2);
  fprintf(file, "why\n");
  if (timeline->first > 0)
    fprintf(file, "(%llu older entries were dropped)\n",
            (unsigned long long)timeline->first);
  for (uint64_t i = timeline->first, next; i < timeline->count; i = next) {
    const farside_entry *entry = far_timeline_get(timeline, i);
    next = i + 1;
    if (!is_shown(entry, is_verbose))
      continue;
    uint64_t count = repeats(timeline, i, is_verbose, &next);
    put_row(file, entry, far_timeline_get(timeline, next - 1), count, wide,
            has_color);
  }
}

// -- Live ---------------------------------------------------------------------

void far_report_live(FILE *out, FILE *err, const farside_entry *entry,
                     bool is_verbose) {
  bool is_log = strcmp(entry->what, "log") == 0;
  if (is_log && entry->level == FARSIDE_INFO) {
    fprintf(out, "%s\n", entry->why);
    fflush(out);
    return;
  }
  if (entry->level < FARSIDE_WARN && !is_verbose)
    return;
  char subject[160];
  subject_of(entry, subject, sizeof subject);
  fflush(out); // Both streams in the order in which it happened.
  fprintf(err, "farside: %s%s%s%s%s%s", entry->script ? entry->script : "",
          entry->script ? ": " : "",
          is_log ? far_level_name(entry->level) : entry->what,
          *subject ? " " : "", subject, entry->where ? " (" : "");
  fprintf(err, "%s%s%s%s\n", entry->where ? entry->where : "",
          entry->where ? ")" : "", entry->why ? ": " : "",
          entry->why ? entry->why : "");
}
