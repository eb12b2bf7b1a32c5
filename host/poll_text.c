#include "poll_text.h"

#include "report.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>

// A text that is being written.
typedef struct writer {
  FILE *file;
  char *text;
  size_t bytes;
} writer;

static bool begin(writer *mine, const char *event) {
  *mine = (writer){0};
  mine->file = open_memstream(&mine->text, &mine->bytes);
  if (mine->file != NULL)
    fprintf(mine->file, "{\"event\":\"%s\"", event);
  return mine->file != NULL;
}

static void add_string(writer *mine, const char *key, const char *value) {
  if (value == NULL)
    return;
  fprintf(mine->file, ",\"%s\":", key);
  far_text_json(mine->file, value);
}

static void add_json(writer *mine, const char *key, const char *json) {
  fprintf(mine->file, ",\"%s\":%s", key, json);
}

static char *end(writer *mine) {
  fputc('}', mine->file);
  bool is_whole = ferror(mine->file) == 0;
  if (fclose(mine->file) == 0 && is_whole)
    return mine->text;
  free(mine->text);
  return NULL;
}

char *far_poll_call(uint64_t call, const char *script, const char *plugin,
                    const char *method, const char *json) {
  writer mine;
  if (!begin(&mine, "call"))
    return NULL;
  fprintf(mine.file, ",\"call\":%llu", (unsigned long long)call);
  add_string(&mine, "script", script);
  add_string(&mine, "plugin", plugin);
  add_string(&mine, "method", method);
  add_json(&mine, "arguments", json);
  return end(&mine);
}

char *far_poll_cancel(uint64_t call) {
  writer mine;
  if (!begin(&mine, "cancel"))
    return NULL;
  fprintf(mine.file, ",\"call\":%llu", (unsigned long long)call);
  return end(&mine);
}

char *far_poll_message(const char *script, const char *json) {
  writer mine;
  if (!begin(&mine, "message"))
    return NULL;
  add_string(&mine, "script", script);
  add_json(&mine, "data", json);
  return end(&mine);
}

char *far_poll_log(const farside_entry *entry) {
  writer mine;
  if (!begin(&mine, "log"))
    return NULL;
  add_string(&mine, "level", far_level_name(entry->level));
  add_string(&mine, "script", entry->script);
  add_string(&mine, "text", entry->why ? entry->why : "");
  return end(&mine);
}

char *far_poll_entry(const farside_entry *entry) {
  writer mine;
  if (!begin(&mine, "entry"))
    return NULL;
  fputc(',', mine.file);
  bool is_whole = far_report_fields(mine.file, entry);
  char *text = end(&mine);
  if (is_whole)
    return text;
  free(text);
  return NULL;
}
