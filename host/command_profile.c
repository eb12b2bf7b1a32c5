// farside profile: the constants of an OS, as far as they are known.

#include "command.h"
#include "policy.h"

#include <jansson.h>
#include <string.h>

// One value that holds in a profile. In `strict` a constant may have two.
typedef struct cell {
  far_constant constant;
  far_profile of; // Whose it is: in `strict` that of an OS.
  const far_value *value;
} cell;

typedef void (*each_cell)(const cell *found, void *user);

static void visit(far_profile of, far_constant constant, each_cell each,
                  void *user) {
  const far_value *value = far_policy_value(of, constant);
  each(&(cell){constant, of, value}, user);
}

// Calls for each value of a profile, in their order.
static void for_each(far_profile profile, each_cell each, void *user) {
  for (int i = 0; i < FAR_CONSTANTS; i++) {
    far_constant constant = (far_constant)i;
    far_strict strict = profile == FAR_PROFILE_STRICT
                            ? far_constant_strict(constant)
                            : FAR_STRICT_ABSENT;
    if (strict == FAR_STRICT_IOS || strict == FAR_STRICT_BOTH)
      visit(FAR_PROFILE_IOS, constant, each, user);
    if (strict == FAR_STRICT_ANDROID || strict == FAR_STRICT_BOTH)
      visit(FAR_PROFILE_ANDROID, constant, each, user);
    if (strict == FAR_STRICT_ABSENT)
      visit(profile, constant, each, user);
  }
}

// "30 s", or "-" where there is no such rule.
static void value_text(const cell *at, char *text, size_t bytes) {
  if (at->value->mark == FAR_ABSENT)
    snprintf(text, bytes, "-");
  else
    far_constant_text(at->constant, at->value->value, text, bytes);
}

// -- JSON ---------------------------------------------------------------------

static void add_json(const cell *at, void *user) {
  json_t *list = user, *object = json_object();
  const far_value *value = at->value;
  bool is_absent = value->mark == FAR_ABSENT;
  char text[64];
  value_text(at, text, sizeof text);
  json_object_set_new(object, "name",
                      json_string(far_constant_name(at->constant)));
  json_object_set_new(object, "unit",
                      json_string(far_constant_unit(at->constant)));
  json_object_set_new(object, "value",
                      is_absent ? json_null() : json_integer(value->value));
  json_object_set_new(object, "text",
                      is_absent ? json_null() : json_string(text));
  json_object_set_new(object, "mark", json_string(far_mark_name(value->mark)));
  json_object_set_new(object, "of", json_string(far_profile_name(at->of)));
  json_object_set_new(object, "source",
                      *value->source ? json_string(value->source)
                                     : json_null());
  json_object_set_new(object, "what",
                      json_string(far_constant_what(at->constant)));
  json_array_append_new(list, object);
}

static json_t *json_of(far_profile profile) {
  json_t *object = json_object(), *list = json_array();
  for_each(profile, add_json, list);
  json_object_set_new(object, "profile",
                      json_string(far_profile_name(profile)));
  json_object_set_new(object, "constants", list);
  return object;
}

static void put_json(const far_profile *profile) {
  json_t *all = profile != NULL ? json_of(*profile) : json_array();
  for (int i = 0; profile == NULL && i < FAR_PROFILES; i++)
    json_array_append_new(all, json_of((far_profile)i));
  json_dumpf(all, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
  printf("\n");
  json_decref(all);
}

// -- The table of one profile -------------------------------------------------

enum { NAME_WIDTH = 32, VALUE_WIDTH = 16, MARK_WIDTH = 10 };

typedef struct table {
  far_profile profile;
  bool is_verbose, has_color;
} table;

static const char *color_of(far_mark mark, bool has_color) {
  static const char *const colors[] = {[FAR_ABSENT] = "\x1b[2m",     // Faint.
                                       [FAR_DOCUMENTED] = "",        //
                                       [FAR_SECONDARY] = "\x1b[36m", // Cyan.
                                       [FAR_ASSUMED] = "\x1b[33m"};  // Yellow.
  return has_color ? colors[mark] : "";
}

static void put_row(const cell *at, void *user) {
  const table *shown = user;
  const far_value *value = at->value;
  const char *color = color_of(value->mark, shown->has_color);
  bool has_of =
      shown->profile == FAR_PROFILE_STRICT && at->of != shown->profile;
  char text[64];
  value_text(at, text, sizeof text);
  printf("%s%-*s%-*s%-*s%s%s\n", color, NAME_WIDTH,
         far_constant_name(at->constant), VALUE_WIDTH, text,
         has_of ? MARK_WIDTH + 2 : 0, far_mark_name(value->mark),
         has_of ? far_profile_name(at->of) : "", *color ? "\x1b[0m" : "");
  if (!shown->is_verbose)
    return;
  printf("    %s\n", far_constant_what(at->constant));
  if (*value->source)
    printf("    %s\n", value->source);
}

static void put_profile(far_profile profile, const command_line *line) {
  bool is_strict = profile == FAR_PROFILE_STRICT;
  table shown = {profile, line->is_verbose, command_has_color()};
  printf("%-*s%-*s%-*s%s\n", NAME_WIDTH, far_profile_name(profile), VALUE_WIDTH,
         "value", is_strict ? MARK_WIDTH + 2 : 0, "mark",
         is_strict ? "as on" : "");
  for_each(profile, put_row, &shown);
}

// -- The table of all ---------------------------------------------------------

static void put_across(far_constant constant, bool has_color) {
  static const char *const signs[] = {"", "", " ~", " ?"};
  printf("%-*s", NAME_WIDTH, far_constant_name(constant));
  for (int i = 0; i < FAR_PROFILES; i++) {
    far_profile profile = (far_profile)i;
    const cell at = {constant, profile, far_policy_value(profile, constant)};
    bool is_both = profile == FAR_PROFILE_STRICT &&
                   far_constant_strict(constant) == FAR_STRICT_BOTH;
    char value[64], text[80];
    value_text(&at, value, sizeof value);
    snprintf(text, sizeof text, "%s%s", is_both ? "both" : value,
             is_both ? "" : signs[at.value->mark]);
    const char *color = is_both ? "" : color_of(at.value->mark, has_color);
    printf("%s%-*s%s", color, i + 1 < FAR_PROFILES ? VALUE_WIDTH + 3 : 0, text,
           *color ? "\x1b[0m" : "");
  }
  printf("\n");
}

static void put_all(void) {
  bool has_color = command_has_color();
  printf("%-*s", NAME_WIDTH, "constant");
  for (int i = 0; i < FAR_PROFILES; i++)
    printf("%-*s", i + 1 < FAR_PROFILES ? VALUE_WIDTH + 3 : 0,
           far_profile_name((far_profile)i));
  printf("\n");
  for (int i = 0; i < FAR_CONSTANTS; i++)
    put_across((far_constant)i, has_color);
  printf("\n~ secondary   ? assumed   - absent   the others are documented; "
         "sources: -v\n");
}

static void put_each(const command_line *line) {
  for (int i = 0; i < FAR_PROFILES; i++) {
    printf("%s", i > 0 ? "\n" : "");
    put_profile((far_profile)i, line);
  }
}

static int unknown(const char *name) {
  fprintf(stderr,
          "farside profile: there is no profile '%s'; there are: ", name);
  for (int i = 0; i < FAR_PROFILES; i++)
    fprintf(stderr, "%s%s", i > 0 ? ", " : "",
            far_profile_name((far_profile)i));
  fprintf(stderr, "\n");
  return EXIT_USAGE;
}

static int show(const command_line *line) {
  const char *name = command_line_name(line);
  far_profile profile;
  if (name != NULL && !far_profile_find(name, &profile))
    return unknown(name);
  if (line->is_json)
    put_json(name != NULL ? &profile : NULL);
  else if (name != NULL)
    put_profile(profile, line);
  else if (line->is_verbose)
    put_each(line);
  else
    put_all();
  return command_end_output(&profile_command);
}

const far_command profile_command = {
    .name = "profile",
    .usage = "profile [--json] [-v] [ios|android|strict|desktop]",
    .what = "show the rules of an OS as numbers, and how well each is known",
    .help =
        "Shows every constant of a profile: what an OS allows an app in the\n"
        "background. Without a name: all profiles side by side.\n"
        "\n"
        "  documented        read in a text of the vendor, or in the source\n"
        "  secondary         a device log, or somebody's quote of such a text\n"
        "  assumed           unconfirmed, or our own choice\n"
        "  absent            the OS has no such rule, or no number for it\n"
        "\n"
        "  --json            for a program: also what each limits, its unit\n"
        "                    and its source\n"
        "  -v, --verbose     also what each limits, and its source\n"
        "\n"
        "The value of strict is that of the OS which is tighter. Where both\n"
        "limit something of their own, both hold.\n",
    .options = " --json --verbose -v ",
    .takes_name = true,
    .run = show};
