// What is drawn of a run: lanes of the device, violations, and text that is
// out to break a page. The rest is in report_spec, which runs the program.

#include "far_assert.h"
#include "junit.h"
#include "page.h"
#include "text.h"
#include "trace.h"

#include <stdlib.h>
#include <string.h>

static far_memory memory;
static far_timeline timeline;

static void note(uint64_t t_ms, const char *what, farside_level level,
                 uint64_t task, const char *name, const char *why) {
  bool is_broken = strcmp(what, "violation") == 0;
  farside_entry entry = {.t_ms = t_ms,
                         .what = what,
                         .level = level,
                         .state = t_ms < 5000 ? "active" : "background",
                         .script = "app",
                         .task = task,
                         .name = is_broken ? NULL : name,
                         .where = task || name ? "app.lua:7" : NULL,
                         .why = why};
  if (is_broken) {
    entry.rule = name;
    entry.severity = level == FARSIDE_ERROR ? "error" : "warning";
    entry.outcome = level == FARSIDE_ERROR ? "kill" : "warning";
    entry.code = level == FARSIDE_ERROR ? "0x2182bad2" : NULL;
  }
  far_timeline_add(&timeline, &entry);
}

static void a_day(void) {
  note(0, "app.launch", FARSIDE_INFO, 0, NULL, "the user opened the app");
  note(0, "device.network", FARSIDE_INFO, 0, NULL, "wifi");
  note(0, "device.power", FARSIDE_INFO, 0, NULL, "80 %, not charging");
  note(3000, "device.network", FARSIDE_INFO, 0, NULL, "none");
  note(5000, "app.pause", FARSIDE_INFO, 0, NULL, NULL);
  note(5000, "task.begin", FARSIDE_INFO, 1, "sync", NULL);
  note(6000, "violation", FARSIDE_ERROR, 0, "BG01",
       "</script><script>alert(1)</script> & \"quotes\" '");
  note(7000, "task.leak", FARSIDE_WARN, 1, "sync", "who will finish it?");
  note(9000, "task.finish", FARSIDE_INFO, 1, "sync",
       "4.000 s after exec, 26.000 s before its end");
  note(9000, "task.begin", FARSIDE_INFO, 2, "<b>\xff\x01", NULL);
  note(9500, "log", FARSIDE_INFO, 0, NULL,
       "\x1b[31m \xc3\xa9 \xed\xa0\x80 ]]>");
  note(10000, "device.reboot", FARSIDE_INFO, 0, NULL, "a restart");
  note(10000, "task.cancel", FARSIDE_WARN, 2, "<b>\xff\x01", "gone");
}

static char *read_all(FILE *file) {
  long bytes = ftell(file);
  far_assert(bytes > 0);
  char *text = calloc(1, (size_t)bytes + 1);
  rewind(file);
  far_assert(text != NULL && fread(text, 1, (size_t)bytes, file) > 0);
  fclose(file);
  return text;
}

static void has(const char *text, const char *part) {
  if (strstr(text, part) == NULL)
    fprintf(stderr, "there is no %s in:\n%s\n", part, text);
  far_assert(strstr(text, part) != NULL);
}

static void reads_a_story(const far_story *story) {
  far_assert(story->lane_count == 4); // app, network, power, reboot.
  far_assert(story->from_ms == 0 && story->to_ms == 20000);
  far_assert(strcmp(story->lanes[1], "network") == 0);
  const far_band *wifi = &story->bands[1];
  far_assert(strcmp(wifi->label, "wifi") == 0 && wifi->to_ms == 3000);
  far_assert(story->task_count == 2);
  far_assert(story->tasks[0].outcome == FAR_ENDING_FINISHED);
  far_assert(story->tasks[0].leak_ms == 7000);
  far_assert(story->tasks[0].deadline_ms == 35000);
  far_assert(story->tasks[1].outcome == FAR_ENDING_CANCELLED);
  // What was finished after all is no fault.
  far_assert(story->fault_count == 1 && story->violations == 1);
  far_assert(strcmp(story->faults[0].rule, "BG01") == 0);
}

static void draws(const far_story *story) {
  far_drawn_run run = {.script = "<app>.lua",
                       .rules = "ios",
                       .error = "plan.lua:3: it said </script>",
                       .is_simulated = true,
                       .now_ms = 20000};
  FILE *file = tmpfile();
  far_page_file(file, story, &run);
  char *text = read_all(file);
  has(text, "2 things went wrong");
  has(text, "Rule BG01 is broken: finish is never called");
  has(text, "network: wifi&#10;0.000 s to 3.000 s: 3 s");
  has(text, "reboot: a restart&#10;10.000 s</title>");
  has(text, "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp; "
            "&quot;quotes&quot; &#39;");
  far_assert(strstr(text, "<script>alert") == NULL);
  far_assert(strstr(text, "said </script>") == NULL);
  far_assert(strchr(text, '\xff') == NULL && strchr(text, '\x1b') == NULL);
  far_assert(strstr(text, "{{") == NULL);
  free(text);

  file = tmpfile();
  far_picture_file(file, story, &run);
  text = read_all(file);
  has(text, "&lt;app&gt;.lua");
  has(text, ">BG01</text>");
  free(text);

  file = tmpfile();
  far_trace_file(file, story);
  text = read_all(file);
  has(text, "\"name\":\"BG01\"");
  has(text, "\"name\":\"80 %, not charging\"");
  free(text);

  file = tmpfile();
  far_junit_file(file, story, &run);
  text = read_all(file);
  has(text, "tests=\"4\" failures=\"2\" errors=\"0\" skipped=\"1\"");
  has(text, "<failure type=\"rule\" message=\"Rule BG01 is broken: "
            "finish is never called\">");
  free(text);
}

// A leak and the rule that it breaks are one fault, whichever comes first.
static void tells_once(void) {
  for (int is_first = 0; is_first < 2; is_first++) {
    far_timeline_init(&timeline, &memory, 100);
    note(1000, "task.begin", FARSIDE_INFO, 1, "sync", NULL);
    if (is_first)
      note(2000, "violation", FARSIDE_ERROR, 1, "BG08", "the id is lost");
    note(2000, "task.leak", FARSIDE_WARN, 1, "sync", "who will finish it?");
    if (!is_first)
      note(2000, "violation", FARSIDE_ERROR, 1, "BG08", "the id is lost");
    far_story story;
    far_assert(far_story_open(&story, &timeline, 3000));
    far_assert(story.fault_count == 1 && story.violations == 1);
    far_assert(story.faults[0].kind == FAR_FAULT_LEAK);
    far_assert(strcmp(story.faults[0].rule, "BG08") == 0);
    far_assert(strcmp(story.faults[0].why, "who will finish it?") == 0);
    far_story_close(&story);
    far_timeline_deinit(&timeline);
  }
}

// Thousands of tasks at once, and one after the other.
static void stays_small(void) {
  enum { TASKS = 20000 };
  far_timeline_init(&timeline, &memory, 4 * TASKS);
  for (uint64_t i = 1; i <= TASKS; i++) {
    note(i * 10, "task.begin", FARSIDE_INFO, i, i % 2 ? "one" : "two", NULL);
    note(i * 10 + 5, "task.finish", FARSIDE_INFO, i, i % 2 ? "one" : "two",
         NULL);
  }
  for (uint64_t i = 1; i <= TASKS; i++)
    note(TASKS * 10, "task.begin", FARSIDE_INFO, TASKS + i, "many", NULL);
  far_story story;
  far_assert(far_story_open(&story, &timeline, TASKS * 10 + 1000));
  far_assert(story.task_count == 2 * TASKS);
  FILE *file = tmpfile();
  far_picture_element(file, &story);
  far_assert(ftell(file) < 2 * 1024 * 1024);
  fclose(file);
  far_story_close(&story);
  far_timeline_deinit(&timeline);
}

static void is_never_broken(void) {
  static const char *const texts[] = {
      "\xc3",         "\xe2\x82",     "\xf0\x9f\x98", "\xf5\x80\x80\x80",
      "\xc0\xaf",     "\xed\xa0\x80", "\xef\xbf\xbf", "\x7f",
      "\xe2\x80\xa8", "\xc2\x85",     "\t\n\r\\\"<"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    FILE *file = tmpfile();
    far_text_json(file, texts[i]);
    far_text_xml(file, texts[i]);
    char *text = read_all(file);
    for (const char *at = text; *at; at++)
      far_assert((unsigned char)*at >= 0x20 && *at != '<' && *at != 0x7f);
    free(text);
  }
}

int main(void) {
  far_memory_init(&memory, NULL, NULL);
  far_timeline_init(&timeline, &memory, 1000);
  a_day();
  far_story story;
  far_assert(far_story_open(&story, &timeline, 20000));
  reads_a_story(&story);
  draws(&story);
  far_story_close(&story);
  far_timeline_deinit(&timeline);
  tells_once();
  stays_small();
  is_never_broken();
  far_assert(memory.used_bytes == 0);
  // An empty one.
  far_timeline_init(&timeline, &memory, 10);
  far_assert(far_story_open(&story, &timeline, 0));
  FILE *file = tmpfile();
  far_picture_element(file, &story);
  far_trace_file(file, &story);
  fclose(file);
  far_story_close(&story);
  far_timeline_deinit(&timeline);
  printf("drawing: fine\n");
  return 0;
}
