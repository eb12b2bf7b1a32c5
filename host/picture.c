#include "picture.h"

#include "page_parts.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

// All in CSS pixels.
enum {
  WIDTH = 1080,
  LEFT = 148, // Where time begins; the lanes' names are before it.
  RIGHT = 1060,
  AXIS_HEIGHT = 26,
  LANE_GAP = 8,
  BAND_HEIGHT = 24,
  BAR_HEIGHT = 22,
  TICK_HEIGHT = 18,
  TICK_WIDTH = 2,
  HEADING_HEIGHT = 56,
  LETTER_TENTHS = 64, // The width of a letter of the marks' font.
  ROWS_MAX = 24,      // Of tasks; the others share the last one.
  CLUSTERS_MAX = 1500 // Ticks of a lane: nearer ones are drawn as one.
};

typedef struct picture {
  FILE *file;
  const far_story *story;
  double per_ms; // Pixels.
  int y;
} picture;

static double x_of(const picture *mine, uint64_t t_ms) {
  return LEFT + (double)(t_ms - mine->story->from_ms) * mine->per_ms;
}

static unsigned long long ull(uint64_t number) {
  return (unsigned long long)number;
}

// How far apart two things of a lane must be not to be drawn as one.
static uint64_t cluster_ms(const far_story *story) {
  return (story->to_ms - story->from_ms) / CLUSTERS_MAX;
}

// -- Time in words ------------------------------------------------------------

void far_picture_time(uint64_t ms, char *text, size_t bytes) {
  uint64_t s = ms / 1000;
  if (ms < 1000)
    snprintf(text, bytes, "%llu ms", ull(ms));
  else if (s < 60 && ms % 1000 != 0)
    snprintf(text, bytes, "%g s", (double)ms / 1000);
  else if (s < 120)
    snprintf(text, bytes, "%llu s", ull(s));
  else if (s < 3600)
    snprintf(text, bytes, s % 60 ? "%llu min %llu s" : "%llu min", ull(s / 60),
             ull(s % 60));
  else
    snprintf(text, bytes, s / 60 % 60 ? "%llu h %llu min" : "%llu h",
             ull(s / 3600), ull(s / 60 % 60));
}

// -- The axis -----------------------------------------------------------------

// A round number of milliseconds, at least `least`.
static uint64_t step_of(double least) {
  static const uint64_t steps[] = {
      1,       2,       5,        10,       20,       50,       100,
      200,     500,     1000,     2000,     5000,     10000,    15000,
      30000,   60000,   120000,   300000,   600000,   900000,   1800000,
      3600000, 7200000, 10800000, 21600000, 43200000, 86400000, 172800000};
  size_t count = sizeof steps / sizeof *steps;
  for (size_t i = 0; i < count; i++)
    if ((double)steps[i] >= least)
      return steps[i];
  return steps[count - 1] * (uint64_t)(least / (double)steps[count - 1] + 1);
}

static void put_axis(picture *mine, int height) {
  uint64_t step = step_of(90 / mine->per_ms);
  fprintf(mine->file, "<g class=\"axis\">\n");
  uint64_t t_ms = (mine->story->from_ms + step - 1) / step * step;
  for (; t_ms <= mine->story->to_ms; t_ms += step) {
    char text[48];
    far_picture_time(t_ms, text, sizeof text);
    double x = x_of(mine, t_ms);
    fprintf(mine->file,
            "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>"
            "<text x=\"%.1f\" y=\"%d\"%s>%s</text>\n",
            x, x, mine->y + AXIS_HEIGHT - 6, height, x, mine->y + 13,
            x > RIGHT - 30 ? " class=\"last\"" : "", t_ms == 0 ? "0" : text);
  }
  fprintf(mine->file, "</g>\n");
  mine->y += AXIS_HEIGHT;
}

// -- Pieces of a mark ---------------------------------------------------------

static void put_rect(const picture *mine, const char *kind, uint64_t a,
                     uint64_t b, int y, int height, double least) {
  double width = (double)(b - a) * mine->per_ms;
  fprintf(mine->file,
          "<rect class=\"%s\" data-a=\"%llu\" data-b=\"%llu\" "
          "data-least=\"%g\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" "
          "height=\"%d\" rx=\"%d\"/>",
          kind, ull(a), ull(b), least, x_of(mine, a), y,
          width < least ? least : width, height, least == TICK_WIDTH ? 1 : 3);
}

// Text in a bar where there is room for it, or behind it up to `room_ms`, or
// hidden. host/page.js has the same rule. `only` is "out" for what stands in
// the bar in other words.
static void put_label(const picture *mine, const char *text, const char *only,
                      uint64_t a, uint64_t b, uint64_t room_ms, int y) {
  double width = (double)far_text_width(text) * LETTER_TENTHS / 10;
  double inside = (double)(b - a) * mine->per_ms;
  double beside = x_of(mine, room_ms) - x_of(mine, b);
  const char *place = inside >= width + 10   ? "in"
                      : beside >= width + 14 ? "out"
                                             : "none";
  if (*only != '\0' && strcmp(place, only) != 0)
    place = "none";
  fprintf(mine->file,
          "<text class=\"%s\" data-a=\"%llu\" data-b=\"%llu\" "
          "data-room=\"%llu\" data-only=\"%s\" x=\"%.1f\" y=\"%d\">",
          place, ull(a), ull(b), ull(room_ms), only,
          *place == 'o' ? x_of(mine, b) + 10 : x_of(mine, a) + 7, y);
  far_text_xml(mine->file, text);
  fprintf(mine->file, "</text>");
}

static void put_time(FILE *file, uint64_t t_ms) {
  fprintf(file, "%llu.%03u s", ull(t_ms / 1000), (unsigned)(t_ms % 1000));
}

static void open_mark(const picture *mine, const char *kind, const char *more,
                      uint64_t entry) {
  fprintf(mine->file, "<g class=\"mark %s %s\" data-i=\"%llu\" role=\"img\">",
          kind, more, ull(entry));
}

// The first line of a reason.
static void put_why(FILE *file, const char *why) {
  if (why == NULL || *why == '\0')
    return;
  fputs("&#10;", file);
  size_t line = strcspn(why, "\n");
  far_text_xml_part(file, why, line < 240 ? line : 240);
}

static void put_name(const picture *mine, const char *name, const char *script,
                     int y) {
  enum { LETTERS_MAX = 19 };
  fprintf(mine->file, "<text class=\"name\" x=\"%d\" y=\"%d\">", LEFT - 12, y);
  if (script != NULL) {
    fprintf(mine->file, "<title>");
    far_text_xml(mine->file, name);
    fprintf(mine->file, " (");
    far_text_xml(mine->file, script);
    fprintf(mine->file, ")</title>");
  }
  size_t bytes = 0;
  for (int letters = 0; name[bytes] != '\0'; bytes++)
    if (((unsigned char)name[bytes] & 0xc0) != 0x80 && ++letters > LETTERS_MAX)
      break;
  far_text_xml_part(mine->file, name, bytes);
  fprintf(mine->file, "</text>\n");
}

// -- Bands: what held for a while ---------------------------------------------

// A restart is a moment and no state, whatever comes after it.
static bool is_moment(const far_story *story, size_t lane) {
  return strcmp(story->lanes[lane], "reboot") == 0;
}

static void put_band(const picture *mine, const far_band *band, int turn) {
  bool is_app = band->lane == FAR_APP_LANE;
  bool is_short = is_moment(mine->story, band->lane);
  uint64_t to_ms = is_short ? band->from_ms : band->to_ms;
  if (!is_short && to_ms == band->from_ms && to_ms != mine->story->to_ms)
    return; // It held for no time at all.
  open_mark(mine, "band",
            is_app     ? band->label
            : is_short ? "moment"
            : turn     ? "device odd"
                       : "device",
            band->entry);
  fprintf(mine->file, "<title>%s: ", mine->story->lanes[band->lane]);
  far_text_xml(mine->file, band->label);
  fprintf(mine->file, "&#10;");
  put_time(mine->file, band->from_ms);
  if (!is_short) {
    char text[48];
    fprintf(mine->file, " to ");
    put_time(mine->file, to_ms);
    far_picture_time(to_ms - band->from_ms, text, sizeof text);
    fprintf(mine->file, ": %s", text);
  }
  if (is_app)
    put_why(mine->file, band->why);
  fprintf(mine->file, "</title>");
  put_rect(mine, "bar", band->from_ms, to_ms, mine->y, BAND_HEIGHT,
           is_short ? 4 : 1);
  put_label(mine, band->label, "", band->from_ms, to_ms,
            is_short ? band->to_ms : to_ms, mine->y + 16);
  fprintf(mine->file, "</g>\n");
}

static void put_band_lane(picture *mine, size_t lane) {
  int turn = 0;
  fprintf(mine->file, "<g class=\"lane\">\n");
  put_name(mine, mine->story->lanes[lane], NULL, mine->y + 16);
  fprintf(mine->file, "<g clip-path=\"url(#plot)\">\n");
  for (size_t i = 0; i < mine->story->band_count; i++)
    if (mine->story->bands[i].lane == lane)
      put_band(mine, &mine->story->bands[i], turn++ % 2);
  fprintf(mine->file, "</g></g>\n");
  mine->y += BAND_HEIGHT + LANE_GAP;
}

// -- Tasks --------------------------------------------------------------------

// One bar: a task, or several short ones of the same outcome.
typedef struct bar {
  const far_story_task *first;
  uint64_t to_ms;
  uint64_t room_ms; // Where the next one of the row begins.
  size_t count;
} bar;

static void put_task_title(const picture *mine, const bar *one) {
  const far_story_task *task = one->first;
  char name[96], text[48];
  FILE *file = mine->file;
  far_story_task_name(task, name, sizeof name);
  fprintf(file, "<title>task ");
  far_text_xml(file, name);
  fprintf(file, ": %s", far_ending_name(task->outcome));
  if (one->count > 1)
    fprintf(file, " (%zu of them)", one->count);
  if (task->where != NULL) {
    fprintf(file, ", begun at ");
    far_text_xml(file, task->where);
  }
  fprintf(file, "&#10;");
  put_time(file, task->begin_ms);
  fprintf(file, " to ");
  put_time(file, one->to_ms);
  far_picture_time(one->to_ms - task->begin_ms, text, sizeof text);
  fprintf(file, ": %s", text);
  if (one->count == 1 && task->deadline_ms != FAR_UNKNOWN) {
    fprintf(file, "; its time was up at ");
    put_time(file, task->deadline_ms);
  }
  put_why(file, task->why);
  if (task->leak_why != task->why)
    put_why(file, task->leak_why);
  fprintf(file, "</title>");
}

// Up to where it might have worked: a line to a flag.
static void put_deadline(const picture *mine, const far_story_task *task) {
  uint64_t until = task->deadline_ms;
  bool is_outside = until > mine->story->to_ms;
  if (is_outside)
    until = mine->story->to_ms;
  int middle = mine->y + BAR_HEIGHT / 2;
  fprintf(mine->file,
          "<line class=\"budget\" data-a=\"%llu\" data-b=\"%llu\" x1=\"%.1f\" "
          "x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>",
          ull(task->end_ms), ull(until), x_of(mine, task->end_ms),
          x_of(mine, until), middle, middle);
  if (!is_outside)
    fprintf(mine->file,
            "<line class=\"deadline\" data-a=\"%llu\" data-b=\"%llu\" "
            "x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>",
            ull(until), ull(until), x_of(mine, until), x_of(mine, until),
            mine->y + 2, mine->y + BAR_HEIGHT - 2);
}

static void put_bar(const picture *mine, const bar *one) {
  const far_story_task *task = one->first;
  const char *outcome = far_ending_name(task->outcome);
  bool is_one = one->count == 1;
  bool has_waste = is_one && task->leak_ms < task->end_ms;
  bool is_named = has_waste && task->outcome == FAR_ENDING_LEAKED;
  char label[64];
  open_mark(mine, "task", outcome, task->entry);
  put_task_title(mine, one);
  if (is_one && task->deadline_ms != FAR_UNKNOWN)
    put_deadline(mine, task);
  put_rect(mine, "bar", task->begin_ms, one->to_ms, mine->y, BAR_HEIGHT, 3);
  if (has_waste)
    put_rect(mine, "waste", task->leak_ms, task->end_ms, mine->y, BAR_HEIGHT,
             0);
  if (is_named)
    put_label(mine, "leaked: awake for nothing", "in", task->leak_ms,
              task->end_ms, task->end_ms, mine->y + 15);
  snprintf(label, sizeof label, is_one ? "%s" : "%s (%zu)", outcome,
           one->count);
  put_label(mine, label, is_named ? "out" : "", task->begin_ms, one->to_ms,
            one->room_ms, mine->y + 15);
  fprintf(mine->file, "</g>\n");
}

// A task, and which row of the picture it is in.
typedef struct placed {
  uint32_t place;
  const far_story_task *task;
} placed;

// Rows of which something did not end well come first.
static bool place_tasks(const far_story *story, placed *tasks) {
  uint32_t *places = calloc(story->row_count, sizeof *places);
  if (places == NULL)
    return false;
  for (size_t i = 0; i < story->task_count; i++)
    if (story->tasks[i].outcome != FAR_ENDING_FINISHED)
      places[story->tasks[i].row] = 1;
  uint32_t bad = 0, first_fine = 0;
  for (uint32_t row = 0; row < story->row_count; row++)
    first_fine += places[row];
  for (uint32_t row = 0; row < story->row_count; row++)
    places[row] = places[row] ? bad++ : first_fine++;
  for (size_t i = 0; i < story->task_count; i++) {
    uint32_t place = places[story->tasks[i].row];
    tasks[i] = (placed){.place = place < ROWS_MAX ? place : ROWS_MAX - 1,
                        .task = &story->tasks[i]};
  }
  free(places);
  return true;
}

// The bars of a row, one after the other.
static void put_row(picture *mine, const placed *tasks, size_t count,
                    bool is_rest) {
  char name[96];
  uint64_t near_ms = cluster_ms(mine->story);
  if (is_rest)
    snprintf(name, sizeof name, "%zu more tasks", count);
  else
    far_story_task_name(tasks[0].task, name, sizeof name);
  fprintf(mine->file, "<g class=\"lane\">\n");
  put_name(mine, name, tasks[0].task->script, mine->y + 15);
  fprintf(mine->file, "<g clip-path=\"url(#plot)\">\n");
  for (size_t i = 0, next; i < count; i = next) {
    const far_story_task *task = tasks[i].task;
    bar one = {.first = task, .to_ms = task->end_ms, .count = 1};
    for (next = i + 1; next < count; next++) {
      const far_story_task *other = tasks[next].task;
      // In the last row they overlap, and would hide each other anyway.
      uint64_t far_ms = is_rest ? other->begin_ms : other->end_ms;
      if (other->outcome != task->outcome || far_ms - task->begin_ms > near_ms)
        break;
      if (other->end_ms > one.to_ms)
        one.to_ms = other->end_ms;
      one.count++;
    }
    one.room_ms =
        next < count ? tasks[next].task->begin_ms : mine->story->to_ms;
    if (one.room_ms < one.to_ms)
      one.room_ms = one.to_ms;
    put_bar(mine, &one);
  }
  fprintf(mine->file, "</g></g>\n");
  mine->y += BAR_HEIGHT + LANE_GAP;
}

static int by_place(const void *a, const void *b) {
  const placed *one = a, *two = b;
  if (one->place != two->place)
    return one->place < two->place ? -1 : 1;
  // They are in the order in which they were begun.
  return one->task < two->task ? -1 : one->task > two->task;
}

static void put_tasks(picture *mine) {
  size_t count = mine->story->task_count;
  placed *tasks = calloc(count + 1, sizeof *tasks);
  if (tasks == NULL || count == 0 || !place_tasks(mine->story, tasks)) {
    free(tasks);
    return;
  }
  qsort(tasks, count, sizeof *tasks, by_place);
  for (size_t i = 0, next; i < count; i = next) {
    for (next = i; next < count && tasks[next].place == tasks[i].place;)
      next++;
    put_row(mine, &tasks[i], next - i,
            tasks[i].place == ROWS_MAX - 1 &&
                mine->story->row_count > ROWS_MAX);
  }
  free(tasks);
}

// -- Ticks: what happened in a moment -----------------------------------------

typedef struct ticks {
  const char *name;
  bool (*has)(const farside_entry *entry);
} ticks;

static bool is_timer(const farside_entry *entry) {
  return strcmp(entry->what, "timer.fire") == 0;
}

static bool is_log(const farside_entry *entry) {
  return strcmp(entry->what, "log") == 0;
}

static bool is_script(const farside_entry *entry) {
  return strncmp(entry->what, "script.", 7) == 0;
}

static bool is_violation(const farside_entry *entry) {
  return strcmp(entry->what, "violation") == 0;
}

// Near ones, drawn as one; the worst gives it its colour.
typedef struct cluster {
  const farside_entry *first, *worst;
  uint64_t number;
  uint64_t to_ms;
  size_t count;
} cluster;

static void put_cluster(const picture *mine, const cluster *one,
                        uint64_t room_ms) {
  static const char *const levels[] = {"debug", "info", "warn", "error"};
  const farside_entry *worst = one->worst;
  bool is_named = is_violation(worst) || is_script(worst);
  bool is_grave = is_named && worst->level >= FARSIDE_ERROR;
  open_mark(mine, is_grave ? "tick grave" : "tick", levels[worst->level],
            one->number);
  fprintf(mine->file, "<title>");
  if (one->count > 1)
    fprintf(mine->file, "%zu times ", one->count);
  far_text_xml(mine->file, worst->what);
  if (worst->rule != NULL)
    fprintf(mine->file, " %s", worst->rule);
  if (worst->name != NULL) {
    fprintf(mine->file, " ");
    far_text_xml(mine->file, worst->name);
  }
  fprintf(mine->file, "&#10;");
  put_time(mine->file, one->first->t_ms);
  if (one->to_ms > one->first->t_ms) {
    fprintf(mine->file, " to ");
    put_time(mine->file, one->to_ms);
  }
  if (worst->where != NULL) {
    fprintf(mine->file, " at ");
    far_text_xml(mine->file, worst->where);
  }
  put_why(mine->file, worst->why);
  fprintf(mine->file, "</title>");
  put_rect(mine, "bar", one->first->t_ms, one->to_ms, mine->y, TICK_HEIGHT,
           is_grave ? 6 : TICK_WIDTH);
  if (is_named)
    put_label(mine, worst->rule ? worst->rule : worst->what, "",
              one->first->t_ms, one->first->t_ms, room_ms, mine->y + 13);
  fprintf(mine->file, "</g>\n");
}

static void put_ticks(picture *mine, const ticks *lane) {
  const far_timeline *timeline = mine->story->timeline;
  uint64_t near_ms = cluster_ms(mine->story);
  cluster one = {0};
  for (uint64_t i = timeline->first; i < timeline->count; i++) {
    const farside_entry *entry = far_timeline_get(timeline, i);
    if (!lane->has(entry))
      continue;
    if (one.count > 0 && entry->t_ms - one.first->t_ms <= near_ms) {
      one.count++;
      one.to_ms = entry->t_ms;
      if (entry->level > one.worst->level)
        one.worst = entry;
      continue;
    }
    if (one.count > 0) {
      put_cluster(mine, &one, entry->t_ms);
    } else {
      fprintf(mine->file, "<g class=\"lane\">\n");
      put_name(mine, lane->name, NULL, mine->y + 13);
      fprintf(mine->file, "<g clip-path=\"url(#plot)\">\n");
    }
    one = (cluster){.first = entry,
                    .worst = entry,
                    .number = i,
                    .to_ms = entry->t_ms,
                    .count = 1};
  }
  if (one.count == 0)
    return;
  put_cluster(mine, &one, mine->story->to_ms);
  fprintf(mine->file, "</g></g>\n");
  mine->y += TICK_HEIGHT + LANE_GAP;
}

// -- The whole ----------------------------------------------------------------

static const ticks tick_lanes[] = {{"violations", is_violation},
                                   {"script", is_script},
                                   {"timers", is_timer},
                                   {"log", is_log}};

enum { TICK_LANES = sizeof tick_lanes / sizeof *tick_lanes };

static bool has_any(const far_timeline *timeline, const ticks *lane) {
  for (uint64_t i = timeline->first; i < timeline->count; i++)
    if (lane->has(far_timeline_get(timeline, i)))
      return true;
  return false;
}

static int height_of(const far_story *story) {
  int rows = story->row_count < ROWS_MAX ? (int)story->row_count : ROWS_MAX;
  int height = AXIS_HEIGHT + rows * (BAR_HEIGHT + LANE_GAP) +
               (int)story->lane_count * (BAND_HEIGHT + LANE_GAP);
  for (int i = 0; i < TICK_LANES; i++)
    if (has_any(story->timeline, &tick_lanes[i]))
      height += TICK_HEIGHT + LANE_GAP;
  return height;
}

static void put_lanes(picture *mine) {
  const far_story *story = mine->story;
  int height = mine->y + height_of(story);
  uint64_t span_ms = story->to_ms - story->from_ms;
  mine->per_ms = (double)(RIGHT - LEFT) / (double)(span_ms ? span_ms : 1);
  fprintf(
      mine->file,
      "<defs><clipPath id=\"plot\"><rect x=\"%d\" y=\"0\" width=\"%d\" "
      "height=\"%d\"/></clipPath>"
      "<pattern id=\"stripes\" width=\"7\" height=\"7\" "
      "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
      "<rect class=\"stripe\" width=\"2.5\" height=\"7\"/></pattern></defs>\n",
      LEFT - 1, RIGHT - LEFT + 4, height);
  put_axis(mine, height - LANE_GAP);
  put_band_lane(mine, FAR_APP_LANE);
  put_tasks(mine);
  for (int i = 0; i < 2; i++)
    put_ticks(mine, &tick_lanes[i]);
  for (size_t lane = 1; lane < story->lane_count; lane++)
    put_band_lane(mine, lane);
  for (int i = 2; i < TICK_LANES; i++)
    put_ticks(mine, &tick_lanes[i]);
}

void far_picture_element(FILE *file, const far_story *story) {
  picture mine = {.file = file, .story = story};
  fprintf(file,
          "<svg class=\"picture\" viewBox=\"0 0 %d %d\" data-from=\"%llu\" "
          "data-to=\"%llu\" data-left=\"%d\" data-margin=\"%d\" role=\"group\" "
          "aria-label=\"What happened, over time\">\n",
          WIDTH, height_of(story), ull(story->from_ms), ull(story->to_ms), LEFT,
          WIDTH - RIGHT);
  put_lanes(&mine);
  fprintf(file, "</svg>\n");
}

static const far_fault *first_failure(const far_story *story) {
  for (size_t i = 0; i < story->fault_count; i++)
    if (!story->faults[i].is_warning)
      return &story->faults[i];
  return NULL;
}

void far_picture_file(FILE *file, const far_story *story,
                      const far_drawn_run *run) {
  picture mine = {.file = file, .story = story, .y = HEADING_HEIGHT};
  char title[256];
  int height = HEADING_HEIGHT + height_of(story) + 8;
  fprintf(file,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture\" "
          "width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n<style>\n",
          WIDTH, height, WIDTH, height);
  fwrite(far_picture_css, 1, far_picture_css_bytes, file);
  fprintf(file,
          "</style>\n<rect class=\"paper\" width=\"%d\" height=\"%d\" "
          "rx=\"8\"/>\n<text class=\"title\" x=\"20\" y=\"24\">",
          WIDTH, height);
  far_text_xml(file, run->script);
  const far_fault *fault = first_failure(story);
  fprintf(file, "</text>\n<text class=\"subtitle%s\" x=\"20\" y=\"43\">",
          fault ? " bad" : "");
  if (fault == NULL) {
    fprintf(file, "Nothing went wrong.");
  } else {
    far_fault_title(story, fault, title, sizeof title);
    far_text_xml(file, title);
    if (fault->where != NULL) {
      fprintf(file, ": ");
      far_text_xml(file, fault->where);
    }
    far_fault_cost(fault, title, sizeof title);
    if (*title != '\0') {
      fprintf(file, " (%s: ", run->rules);
      far_text_xml(file, title);
      fprintf(file, ")");
    }
    if (story->fault_count - story->warnings > 1)
      fprintf(file, ", and %llu more",
              ull(story->fault_count - story->warnings - 1));
  }
  fprintf(file, "</text>\n");
  put_lanes(&mine);
  fprintf(file, "</svg>\n");
}
