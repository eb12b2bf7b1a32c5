// farside rules: what an app can do wrong, what comes of it, what to do.

#include "command.h"
#include "rule.h"

#include <jansson.h>
#include <string.h>

// -- JSON ---------------------------------------------------------------------

static json_t *json_of_outcome(const far_outcome *outcome) {
  if (outcome->kind == FAR_OUTCOME_NONE)
    return json_null();
  json_t *object = json_object();
  json_object_set_new(object, "kind",
                      json_string(far_outcome_name(outcome->kind)));
  json_object_set_new(object, "code",
                      *outcome->code ? json_string(outcome->code)
                                     : json_null());
  json_object_set_new(object, "what", json_string(outcome->what));
  return object;
}

static json_t *json_of(far_rule_id id) {
  const far_rule *rule = far_rule_get(id);
  json_t *object = json_object(), *sources = json_array();
  for (size_t i = 0; rule->sources[i] != NULL; i++)
    json_array_append_new(sources, json_string(rule->sources[i]));
  json_object_set_new(object, "id", json_string(far_rule_name(id)));
  json_object_set_new(object, "title", json_string(far_rule_title(id)));
  json_object_set_new(object, "severity",
                      json_string(far_severity_name(far_rule_severity(id))));
  json_object_set_new(object, "wrong", json_string(rule->wrong));
  json_object_set_new(object, "ios", json_of_outcome(&rule->ios));
  json_object_set_new(object, "android", json_of_outcome(&rule->android));
  json_object_set_new(object, "mild", json_of_outcome(&rule->mild));
  json_object_set_new(object, "advice", json_string(rule->advice));
  json_object_set_new(object, "detected", json_boolean(rule->why_not == NULL));
  json_object_set_new(object, "why_not",
                      rule->why_not ? json_string(rule->why_not) : json_null());
  json_object_set_new(object, "sources", sources);
  return object;
}

static void put_json(const far_rule_id *id) {
  json_t *all = id != NULL ? json_of(*id) : json_array();
  for (int i = 0; id == NULL && i < FAR_RULES; i++)
    json_array_append_new(all, json_of((far_rule_id)i));
  json_dumpf(all, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
  printf("\n");
  json_decref(all);
}

// -- For people ---------------------------------------------------------------

enum { LABEL_WIDTH = 10, LINE_WIDTH = 78 };

static const char *color_of(far_severity severity, bool has_color) {
  if (!has_color)
    return "";
  return severity == FAR_SEVERITY_ERROR ? "\x1b[31m" : "\x1b[33m";
}

// A label, and a text that goes on under itself.
static void put_text(const char *label, const char *text) {
  int column = printf("  %-*s", LABEL_WIDTH, label);
  while (*text != '\0') {
    int length = (int)strcspn(text, " ");
    if (column + 1 + length > LINE_WIDTH && column > LABEL_WIDTH + 2)
      column = printf("\n%*s", LABEL_WIDTH + 2, "") - 1;
    else if (column > LABEL_WIDTH + 2)
      column += printf(" ");
    column += printf("%.*s", length, text);
    text += length + (text[length] == ' ');
  }
  printf("\n");
}

static void put_outcome(const char *os, const far_outcome *outcome) {
  char text[320];
  if (outcome->kind == FAR_OUTCOME_NONE)
    snprintf(text, sizeof text, "nothing is known");
  else
    snprintf(text, sizeof text, "%s%s%s: %s", far_outcome_name(outcome->kind),
             *outcome->code ? ", " : "", outcome->code, outcome->what);
  put_text(os, text);
}

static void put_detected(const far_rule *rule) {
  char text[320];
  snprintf(text, sizeof text, "%s%s", rule->why_not ? "not yet: " : "yes",
           rule->why_not ? rule->why_not : "");
  put_text("detected", text);
}

static void put_rule(far_rule_id id, bool has_color) {
  const far_rule *rule = far_rule_get(id);
  far_severity severity = far_rule_severity(id);
  const char *color = color_of(severity, has_color);
  printf("%s%s  %s  %s%s\n", color, far_rule_name(id),
         far_severity_name(severity), far_rule_title(id),
         *color ? "\x1b[0m" : "");
  put_text("wrong", rule->wrong);
  put_outcome("ios", &rule->ios);
  put_outcome("android", &rule->android);
  if (rule->mild.kind != FAR_OUTCOME_NONE)
    put_outcome("mildly", &rule->mild);
  put_text("advice", rule->advice);
  put_detected(rule);
  for (size_t i = 0; rule->sources[i] != NULL; i++)
    put_text(i == 0 ? "sources" : "", rule->sources[i]);
}

static void put_rules(bool is_verbose, bool has_color) {
  int width = 0;
  for (int i = 0; i < FAR_RULES; i++) {
    int length = (int)strlen(far_rule_title((far_rule_id)i));
    width = length > width ? length : width;
  }
  for (int i = 0; i < FAR_RULES; i++) {
    far_rule_id id = (far_rule_id)i;
    const char *why_not = far_rule_get(id)->why_not;
    far_severity severity = far_rule_severity(id);
    const char *color = color_of(severity, has_color);
    if (is_verbose) {
      printf("%s", i > 0 ? "\n" : "");
      put_rule(id, has_color);
    } else {
      printf("%s  %s%-7s%s  %-*s  %s%s\n", far_rule_name(id), color,
             far_severity_name(severity), *color ? "\x1b[0m" : "", width,
             far_rule_title(id), why_not ? "not yet: " : "detected",
             why_not ? why_not : "");
    }
  }
}

static int unknown(const char *name) {
  char known[FAR_RULE_LIST_BYTES];
  far_rule_list(known, sizeof known);
  fprintf(stderr, "farside rules: there is no rule '%s'; there are: %s\n", name,
          known);
  return EXIT_USAGE;
}

static int show(const command_line *line) {
  const char *name = command_line_name(line);
  far_rule_id id;
  if (name != NULL && !far_rule_find(name, &id))
    return unknown(name);
  if (line->is_json)
    put_json(name != NULL ? &id : NULL);
  else if (name != NULL)
    put_rule(id, command_has_color());
  else
    put_rules(line->is_verbose, command_has_color());
  return command_end_output(&rules_command);
}

const far_command rules_command = {
    .name = "rules",
    .usage = "rules [--json] [-v] [ID]",
    .what = "show what an app can do wrong in the background, and what to do",
    .help =
        "Lists every rule with its severity, and whether this version detects\n"
        "that it is broken. With an ID, such as BG01, tells all about that\n"
        "one: what is wrong, what it costs on ios and on android, what to do\n"
        "instead, and where that was read.\n"
        "\n"
        "  BG                work in the background\n"
        "  FE                fetches\n"
        "  RS                resources\n"
        "  SC                scheduling\n"
        "\n"
        "  --json            for a program: all about each\n"
        "  -v, --verbose     all about each\n",
    .options = " --json --verbose -v ",
    .takes_name = true,
    .run = show};
