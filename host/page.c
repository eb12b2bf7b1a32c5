#include "page.h"

#include "page_parts.h"
#include "report.h"
#include "text.h"

#include <string.h>

// Rows of the table, folded. What is older is in the file of --timeline.
enum { ROWS_MAX = 20000 };

typedef struct page {
  FILE *file;
  const far_story *story;
  const far_drawn_run *run;
} page;

static unsigned long long ull(uint64_t number) {
  return (unsigned long long)number;
}

static void put_plural(FILE *file, uint64_t count, const char *word) {
  fprintf(file, "%llu %s%s", ull(count), word, count == 1 ? "" : "s");
}

// -- Words --------------------------------------------------------------------

static void put_title(const page *mine) {
  far_text_xml(mine->file, mine->run->script);
}

static void put_about(const page *mine) {
  char text[48];
  const far_drawn_run *run = mine->run;
  far_picture_time(mine->story->to_ms - mine->story->from_ms, text,
                   sizeof text);
  if (run->is_simulated) {
    fprintf(mine->file, "simulated on %s rules, %s", run->rules,
            run->plan ? "plan " : "default plan");
    far_text_xml(mine->file, run->plan ? run->plan : "");
  } else {
    fprintf(mine->file, "run on real time, %s rules", run->rules);
  }
  fprintf(mine->file, ", %s", text);
}

static size_t fault_count(const page *mine) {
  return mine->story->fault_count + (mine->run->error != NULL);
}

static void put_verdict(const page *mine) {
  uint64_t warnings = mine->story->warnings;
  uint64_t failures = fault_count(mine) - warnings;
  fprintf(mine->file, "<p class=\"verdict %s\">",
          failures > 0   ? "bad"
          : warnings > 0 ? "warned"
                         : "fine");
  if (failures == 0)
    fprintf(mine->file, "Nothing went wrong");
  else
    fprintf(mine->file, "%llu thing%s went wrong", ull(failures),
            failures == 1 ? "" : "s");
  if (warnings > 0) {
    fprintf(mine->file, ", ");
    put_plural(mine->file, warnings, "warning");
  }
  fprintf(mine->file, ".</p>\n");
}

static bool is_same(const char *one, const char *two) {
  return one == two || (one != NULL && two != NULL && strcmp(one, two) == 0);
}

// The same mistake, made again.
static bool is_again(const page *mine, size_t i, size_t before) {
  const far_fault *one = &mine->story->faults[i];
  const far_fault *two = &mine->story->faults[before];
  const far_story_task *tasks = mine->story->tasks;
  if (one->kind != two->kind || !is_same(one->where, two->where) ||
      !is_same(one->why, two->why) || !is_same(one->rule, two->rule) ||
      !is_same(one->script, two->script) ||
      (one->task == FAR_NO_TASK) != (two->task == FAR_NO_TASK))
    return false;
  return one->task == FAR_NO_TASK ||
         is_same(tasks[one->task].name, tasks[two->task].name);
}

static void put_when(FILE *file, uint64_t t_ms) {
  char text[48];
  fprintf(file, "at %llu.%03u s", ull(t_ms / 1000), (unsigned)(t_ms % 1000));
  far_picture_time(t_ms, text, sizeof text);
  if (t_ms >= 120000)
    fprintf(file, " (%s)", text);
}

static void put_cost(const page *mine, const far_fault *fault) {
  char text[160];
  far_fault_cost(fault, text, sizeof text);
  if (*text == '\0')
    return;
  fprintf(mine->file, "<p class=\"cost\">%s: ", mine->run->rules);
  far_text_xml(mine->file, text);
  fprintf(mine->file, "</p>\n");
}

static void put_fault(const page *mine, const far_fault *fault, size_t times) {
  FILE *file = mine->file;
  char title[256];
  uint64_t entry = fault->task == FAR_NO_TASK
                       ? fault->entry
                       : mine->story->tasks[fault->task].entry;
  far_fault_title(mine->story, fault, title, sizeof title);
  fprintf(file, "<li class=\"fault %s%s\"><h2>%s", far_fault_name(fault->kind),
          fault->is_warning ? " warning" : "",
          fault->is_warning ? "Warning: " : "");
  far_text_xml(file, title);
  if (fault->rule != NULL && fault->kind != FAR_FAULT_VIOLATION) {
    fprintf(file, " (rule ");
    far_text_xml(file, fault->rule);
    fprintf(file, ")");
  }
  if (times > 1)
    fprintf(file, ", %zu times", times);
  fprintf(file, "</h2>\n<p class=\"place\">");
  if (fault->where != NULL) {
    fprintf(file, "<code>");
    far_text_xml(file, fault->where);
    fprintf(file, "</code> ");
  }
  fputs(times > 1 ? "first " : "", file);
  put_when(file, fault->t_ms);
  fprintf(file,
          " <button type=\"button\" class=\"show\" data-i=\"%llu\">Show in "
          "the picture</button></p>\n<pre class=\"why\">",
          ull(entry));
  far_text_xml_part(file, fault->why, 1000);
  fprintf(file, "</pre>\n");
  put_cost(mine, fault);
  fprintf(file, "<p class=\"advice\">%s</p></li>\n", far_fault_advice(fault));
}

// Each mistake once, the first of them first, and warnings behind the others.
static void put_list(const page *mine) {
  enum { FAULTS_MAX = 50 };
  size_t shown[FAULTS_MAX], times[FAULTS_MAX], count = 0, left = 0;
  for (size_t i = 0; i < mine->story->fault_count; i++) {
    size_t at = 0;
    while (at < count && !is_again(mine, i, shown[at]))
      at++;
    if (at < count) {
      times[at]++;
    } else if (count < FAULTS_MAX) {
      shown[count] = i;
      times[count++] = 1;
    } else {
      left++;
    }
  }
  for (int is_warning = 0; is_warning < 2; is_warning++)
    for (size_t at = 0; at < count; at++)
      if (mine->story->faults[shown[at]].is_warning == is_warning)
        put_fault(mine, &mine->story->faults[shown[at]], times[at]);
  if (left > 0)
    fprintf(mine->file,
            "<li class=\"fault\">and %zu more, in the table below</li>\n",
            left);
}

static void put_faults(const page *mine) {
  if (fault_count(mine) == 0)
    return;
  fprintf(mine->file, "<ol class=\"faults\">\n");
  if (mine->run->error != NULL) {
    fprintf(mine->file, "<li class=\"fault error\"><h2>The run broke off</h2>\n"
                        "<pre class=\"why\">");
    far_text_xml_part(mine->file, mine->run->error, 1000);
    fprintf(mine->file, "</pre></li>\n");
  }
  put_list(mine);
  fprintf(mine->file, "</ol>\n");
}

static void put_summary(const page *mine) {
  const far_story *story = mine->story;
  FILE *file = mine->file;
  put_plural(file, story->task_count, "task");
  const char *before = ": ";
  for (int i = 0; i < FAR_ENDINGS; i++) {
    if (story->outcomes[i] == 0)
      continue;
    fprintf(file, "%s%llu %s", before, ull(story->outcomes[i]),
            far_ending_name((far_ending)i));
    before = ", ";
  }
  fprintf(file, ". ");
  put_plural(file, story->errors, "error");
  fprintf(file, ", ");
  put_plural(file, story->violations, "violation");
  fprintf(file, ". ");
  if (story->kills > 0) {
    put_plural(file, story->kills, "script");
    fprintf(file, " stopped. ");
  }
  fprintf(file, "%llu entries, hash <code>%016llx</code>",
          ull(story->timeline->count), ull(story->timeline->hash));
  if (story->timeline->first > 0)
    fprintf(file, ". The oldest %llu entries are not on this page",
            ull(story->timeline->first));
}

// The app's states, where they have a colour.
static void put_states(const page *mine) {
  static const char *const states[] = {"active", "inactive", "background",
                                       "suspended"};
  const far_story *story = mine->story;
  for (size_t i = 0; i < sizeof states / sizeof *states; i++)
    for (size_t at = 0; at < story->band_count; at++) {
      const far_band *band = &story->bands[at];
      if (band->lane != FAR_APP_LANE || band->from_ms == band->to_ms ||
          strcmp(band->label, states[i]) != 0)
        continue;
      fprintf(mine->file,
              "<li><svg class=\"picture key\" viewBox=\"0 0 22 14\" "
              "aria-hidden=\"true\"><g class=\"band %s\"><rect class=\"bar\" "
              "width=\"22\" height=\"14\" rx=\"3\"/></g></svg>%s</li>\n",
              states[i], states[i]);
      break;
    }
}

// What the colours mean, of those that are there.
static void put_legend(const page *mine) {
  const far_story *story = mine->story;
  static const char *const says[FAR_ENDINGS] = {
      "finished in time",
      "failed: its closure raised an error",
      "expired: it took too long, and the host ended it",
      "leaked: nobody was left to finish it",
      "cancelled: the app or its script ended first",
      "open: not ended yet"};
  bool has_leak = false, has_deadline = false;
  for (size_t i = 0; i < story->task_count; i++) {
    has_leak = has_leak || story->tasks[i].leak_ms < story->tasks[i].end_ms;
    has_deadline = has_deadline || story->tasks[i].deadline_ms != FAR_UNKNOWN;
  }
  put_states(mine);
  for (int i = 0; i < FAR_ENDINGS; i++)
    if (story->outcomes[i] > 0)
      fprintf(mine->file,
              "<li><svg class=\"picture key\" viewBox=\"0 0 22 14\" "
              "aria-hidden=\"true\"><g class=\"task %s\"><rect class=\"bar\" "
              "width=\"22\" height=\"14\" rx=\"3\"/></g></svg>%s</li>\n",
              far_ending_name((far_ending)i), says[i]);
  if (has_leak)
    fprintf(mine->file,
            "<li><svg class=\"picture key\" viewBox=\"0 0 22 14\" "
            "aria-hidden=\"true\"><g class=\"task leaked\"><rect class=\"bar\" "
            "width=\"22\" height=\"14\" rx=\"3\"/><rect class=\"waste\" "
            "width=\"22\" height=\"14\"/></g></svg>awake for nothing</li>\n");
  if (has_deadline)
    fprintf(mine->file,
            "<li><svg class=\"picture key\" viewBox=\"0 0 22 14\" "
            "aria-hidden=\"true\"><g class=\"task\"><line class=\"budget\" "
            "x1=\"0\" x2=\"20\" y1=\"7\" y2=\"7\"/><line class=\"deadline\" "
            "x1=\"20\" x2=\"20\" y1=\"1\" y2=\"13\"/></g></svg>the time that "
            "was left, and its end</li>\n");
}

static void put_picture(const page *mine) {
  far_picture_element(mine->file, mine->story);
}

// -- The entries, for the table -----------------------------------------------

static void put_value(FILE *file, const char *text) {
  fputc(',', file);
  if (text != NULL)
    far_text_json(file, text);
  else
    fputs("null", file);
}

static void put_row(FILE *file, const farside_entry *entry, uint64_t number,
                    uint64_t count, uint64_t to_ms) {
  static const char *const levels[] = {"debug", "info", "warn", "error"};
  fprintf(file, "[%llu,%llu,%llu,%llu", ull(number), ull(entry->t_ms),
          ull(count), ull(to_ms));
  put_value(file, entry->what);
  put_value(file, levels[entry->level]);
  put_value(file, entry->state);
  put_value(file, entry->script);
  if (entry->task != 0)
    fprintf(file, ",%llu", ull(entry->task));
  else
    fputs(",null", file);
  put_value(file, entry->name);
  put_value(file, entry->where);
  put_value(file, entry->why);
  put_value(file, entry->rule);
  fputc(']', file);
}

// How many entries from `from` on are the same but for their time.
static uint64_t repeats(const far_timeline *timeline, uint64_t from) {
  const farside_entry *first = far_timeline_get(timeline, from);
  uint64_t count = 1;
  while (from + count < timeline->count &&
         far_report_is_repeat(first, far_timeline_get(timeline, from + count)))
    count++;
  return count;
}

static void put_data(const page *mine) {
  const far_timeline *timeline = mine->story->timeline;
  FILE *file = mine->file;
  uint64_t rows = 0, skipped = 0;
  for (uint64_t i = timeline->first; i < timeline->count; rows++)
    i += repeats(timeline, i);
  fprintf(file,
          "{\"columns\":[\"entry\",\"t\",\"count\",\"until\",\"what\","
          "\"level\",\"state\",\"script\",\"task\",\"name\",\"where\","
          "\"why\",\"rule\"],\n\"skipped\":%llu,\n\"rows\":[\n",
          ull(timeline->first + (rows > ROWS_MAX ? rows - ROWS_MAX : 0)));
  for (uint64_t i = timeline->first; i < timeline->count;) {
    uint64_t count = repeats(timeline, i);
    if (rows - skipped > ROWS_MAX) {
      skipped++;
    } else {
      put_row(file, far_timeline_get(timeline, i), i, count,
              far_timeline_get(timeline, i + count - 1)->t_ms);
      fputs(i + count < timeline->count ? ",\n" : "\n", file);
    }
    i += count;
  }
  fprintf(file, "]}");
}

// -- The whole ----------------------------------------------------------------

static void put_css(const page *mine) {
  fwrite(far_picture_css, 1, far_picture_css_bytes, mine->file);
  fwrite(far_page_css, 1, far_page_css_bytes, mine->file);
}

static void put_js(const page *mine) {
  fwrite(far_page_js, 1, far_page_js_bytes, mine->file);
}

// What stands in page.html between "{{" and "}}".
static const struct {
  const char *name;
  void (*put)(const page *mine);
} places[] = {{"title", put_title},     {"about", put_about},
              {"verdict", put_verdict}, {"faults", put_faults},
              {"summary", put_summary}, {"legend", put_legend},
              {"picture", put_picture}, {"data", put_data},
              {"css", put_css},         {"js", put_js}};

enum { PLACES = sizeof places / sizeof *places };

static void put_place(const page *mine, const char *name, size_t bytes) {
  for (int i = 0; i < PLACES; i++)
    if (strlen(places[i].name) == bytes &&
        memcmp(places[i].name, name, bytes) == 0)
      places[i].put(mine);
}

void far_page_file(FILE *file, const far_story *story,
                   const far_drawn_run *run) {
  page mine = {.file = file, .story = story, .run = run};
  const char *at = (const char *)far_page_html;
  const char *end = at + far_page_html_bytes;
  while (at < end) {
    const char *open = at;
    while (open < end && (end - open < 4 || memcmp(open, "{{", 2) != 0))
      open++;
    fwrite(at, 1, (size_t)(open - at), file);
    if (open == end)
      return;
    const char *close = open + 2;
    while (end - close >= 2 && memcmp(close, "}}", 2) != 0)
      close++;
    put_place(&mine, open + 2, (size_t)(close - open - 2));
    at = close + 2;
  }
}
