#include "command.h"

#include "duration.h"
#include "manifest.h"
#include "rule.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// -- Options ------------------------------------------------------------------

static int complain(const far_command *command, const char *format,
                    const char *word) {
  fprintf(stderr, "farside %s: ", command->name);
  fprintf(stderr, format, word);
  fprintf(stderr, "\nusage: farside %s\n", command->usage);
  return EXIT_USAGE;
}

static bool takes(const far_command *command, const char *name, size_t length) {
  char padded[32];
  snprintf(padded, sizeof padded, " %.*s ", (int)length, name);
  return strstr(command->options, padded) != NULL;
}

static int read_grace(const far_command *command, const char *value,
                      command_line *line) {
  if (far_duration_parse(value, &line->grace_ms) && line->grace_ms != 0)
    return EXIT_FINE;
  return complain(command,
                  "--grace needs a time with its unit, such as 30s, not %s",
                  value);
}

static int read_remaining(const far_command *command, const char *value,
                          command_line *line) {
  if (far_duration_parse(value, &line->remaining_ms) && line->remaining_ms != 0)
    return EXIT_FINE;
  return complain(command,
                  "--remaining needs a time with its unit, such as 1s, not %s",
                  value);
}

// A whole number from one on, in decimal.
static bool read_count(const char *value, uint64_t most, uint64_t *count) {
  *count = 0;
  for (; *value >= '0' && *value <= '9'; value++) {
    if (*count > (most - (uint64_t)(*value - '0')) / 10)
      return false;
    *count = *count * 10 + (uint64_t)(*value - '0');
  }
  return *value == '\0' && *count > 0;
}

static int read_seed(const far_command *command, const char *value,
                     command_line *line) {
  if (read_count(value, INT64_MAX, &line->seed))
    return EXIT_FINE;
  return complain(command, "--seed needs a whole number from 1 on, not %s",
                  value);
}

static int read_limit(const far_command *command, const char *value,
                      command_line *line) {
  if (read_count(value, INT64_MAX, &line->limit))
    return EXIT_FINE;
  return complain(command, "--limit needs how many, from 1 on, not %s", value);
}

static int read_seeds(const far_command *command, const char *value,
                      command_line *line) {
  if (read_count(value, SEEDS_MAX, &line->seeds))
    return EXIT_FINE;
  return complain(
      command, "--seeds needs how many runs, from 1 to 1000000, not %s", value);
}

static int read_jobs(const far_command *command, const char *value,
                     command_line *line) {
  if (read_count(value, JOBS_MAX, &line->jobs))
    return EXIT_FINE;
  return complain(
      command, "--jobs needs how many processes, from 1 to 256, not %s", value);
}

static int read_for(const far_command *command, const char *value,
                    command_line *line) {
  static const uint64_t most_ms = UINT64_C(366) * 24 * 3600 * 1000;
  if (far_duration_parse(value, &line->for_ms) && line->for_ms != 0 &&
      line->for_ms <= most_ms)
    return EXIT_FINE;
  return complain(command,
                  "--for needs a time with its unit, such as 24h, up to "
                  "366d, not %s",
                  value);
}

static int read_allow(const far_command *command, const char *value,
                      command_line *line) {
  far_rule_id id;
  char text[FAR_RULE_LIST_BYTES + 64], known[FAR_RULE_LIST_BYTES];
  if (far_rule_find(value, &id)) {
    line->allowed |= far_rule_bit(id);
    return EXIT_FINE;
  }
  far_rule_list(known, sizeof known);
  snprintf(text, sizeof text, "'%.32s'; there are: %s", value, known);
  return complain(command, "--allow: there is no rule %s", text);
}

static int read_limits(const far_command *command, const char *value,
                       command_line *line) {
  static const farside_limits none;
  char why[FAR_SENTENCE_BYTES];
  if (memcmp(&line->limits, &none, sizeof none) != 0)
    return complain(command, "--limits is given twice: %s",
                    "write all limits in one, with commas");
  if (far_limits_parse(value, &line->limits, why, sizeof why))
    return EXIT_FINE;
  return complain(command, "--limits: %s", why);
}

static int read_grant(const far_command *command, const char *value,
                      command_line *line) {
  char why[FAR_SENTENCE_BYTES];
  far_permission permission;
  if (!far_permission_parse(value, &permission, &value, why, sizeof why))
    return complain(command, "--grant: %s", why);
  command_grants *grants = permission == FAR_PERMISSION_MODULE ? &line->modules
                           : permission == FAR_PERMISSION_HTTP
                               ? &line->http
                               : &line->background;
  // To grant a mode takes none of the usual ones away.
  if (grants == &line->background && grants->count == 0)
    grants->values[grants->count++] = "task";
  if (grants->count >= GRANTS_MAX)
    return complain(command, "--grant is given too often: %s", value);
  grants->values[grants->count++] = value;
  return EXIT_FINE;
}

// An option sets a flag, keeps the word that follows, or reads it.
typedef struct known_option {
  const char *name;
  bool is_word;
  size_t at; // The flag, or the word, in the line.
  int (*read)(const far_command *command, const char *value,
              command_line *line);
} known_option;

#define FLAG(text, field)                                                      \
  { .name = text, .at = offsetof(command_line, field) }
#define WORD(text, field)                                                      \
  { .name = text, .is_word = true, .at = offsetof(command_line, field) }
#define READ(text, how)                                                        \
  { .name = text, .read = how }

static const known_option options[] = {
    WORD("--os", os),
    WORD("--plan", plan),
    WORD("--store", store),
    WORD("--state", state),
    WORD("--kind", kind),
    WORD("--tag", tag),
    WORD("--script", of_script),
    READ("--limit", read_limit),
    FLAG("--once", is_once),
    WORD("--timeline", timeline),
    WORD("--report", outputs[COMMAND_REPORT]),
    WORD("--picture", outputs[COMMAND_PICTURE]),
    WORD("--trace", outputs[COMMAND_TRACE]),
    WORD("--junit", outputs[COMMAND_JUNIT]),
    READ("--grace", read_grace),
    READ("--seed", read_seed),
    READ("--seeds", read_seeds),
    READ("--jobs", read_jobs),
    READ("--for", read_for),
    WORD("--dir", dir),
    WORD("--files", files),
    WORD("--proxy", proxy),
    WORD("--certificates", certificates),
    READ("--remaining", read_remaining),
    FLAG("--late-wakes", has_late_wakes),
    READ("--allow", read_allow),
    FLAG("--strict", is_strict),
    FLAG("--check", is_checked),
    FLAG("--shrink", is_shrunk),
    READ("--limits", read_limits),
    READ("--grant", read_grant),
    FLAG("--trust", is_trusted),
    FLAG("--isolate", is_isolated),
    FLAG("--json", is_json),
    FLAG("--typescript", is_typescript),
    FLAG("--verbose", is_verbose),
    FLAG("-v", is_verbose),
};

enum { OPTIONS = sizeof options / sizeof *options };

static size_t find_option(const char *name, size_t length) {
  for (size_t i = 0; i < OPTIONS; i++)
    if (strlen(options[i].name) == length &&
        strncmp(options[i].name, name, length) == 0)
      return i;
  return OPTIONS;
}

// Reads one option into `line`; `*i` moves on when its value is the next word.
static int parse_option(const far_command *command, int argc,
                        const char *const *argv, int *i, command_line *line) {
  const char *option = argv[*i];
  const char *equals = strchr(option, '=');
  size_t length = equals ? (size_t)(equals - option) : strlen(option);
  size_t at = find_option(option, length);
  if (at == OPTIONS || !takes(command, option, length))
    return complain(command,
                    line->script_count && !command->takes_name &&
                            !command->takes_words
                        ? "there is no option %s (what is meant for "
                          "the script goes behind --)"
                        : "there is no option %s",
                    option);
  void *place = (char *)line + options[at].at;
  if (options[at].read == NULL && !options[at].is_word) {
    *(bool *)place = true;
    return equals ? complain(command, "%s: this option takes no value", option)
                  : EXIT_FINE;
  }
  const char *value = equals ? equals + 1 : NULL;
  if (value == NULL && *i + 1 < argc)
    value = argv[++*i];
  if (value == NULL || *value == '\0')
    return complain(command, "%s needs a value", option);
  if (!options[at].is_word)
    return options[at].read(command, value, line);
  *(const char **)place = value;
  return EXIT_FINE;
}

static bool is_lua(const char *word) {
  size_t length = strlen(word);
  return length > 4 && strcmp(word + length - 4, ".lua") == 0;
}

// Whether a word is one more script. The first word is one, whatever it is
// called; further ones are told from arguments by their ending.
static bool is_script(const far_command *command, const command_line *line,
                      const char *word) {
  if (line->script_count == 0)
    return true;
  return (command->takes_words || (command->takes_many && is_lua(word))) &&
         line->script_count < SCRIPTS_MAX;
}

// Options may stand before and after SCRIPT; its own arguments begin with the
// first word that is neither an option nor a script, or behind "--".
int command_line_parse(const far_command *command, int argc,
                       const char *const *argv, command_line *line) {
  *line = (command_line){.word_count = argc, .words = argv};
  int i = 0;
  for (; i < argc; i++) {
    bool is_option = argv[i][0] == '-' && argv[i][1] != '\0';
    if (is_option && strcmp(argv[i], "--") == 0) {
      i++;
      if (line->script_count == 0 && i < argc)
        line->scripts[line->script_count++] = argv[i++];
      break;
    }
    if (is_option) {
      int status = parse_option(command, argc, argv, &i, line);
      if (status != EXIT_FINE)
        return status;
    } else if (is_script(command, line, argv[i])) {
      line->scripts[line->script_count++] = argv[i];
    } else {
      break;
    }
  }
  if (command->takes_name)
    return i < argc
               ? complain(command, "one name is enough: what is %s?", argv[i])
               : EXIT_FINE;
  if (line->script_count == 0 && !command->takes_words)
    return complain(command, "which %s?",
                    command->wants ? command->wants : "script");
  line->argc = argc - i;
  line->argv = argv + i;
  return EXIT_FINE;
}

const char *command_line_name(const command_line *line) {
  return line->script_count > 0 ? line->scripts[0] : NULL;
}

farside_permissions command_line_permissions(const command_line *line) {
  return (farside_permissions){
      .modules = line->modules.count ? line->modules.values : NULL,
      .http = line->http.count ? line->http.values : NULL,
      .background = line->background.count ? line->background.values : NULL,
      .limits = line->limits};
}

// -- Standard output ----------------------------------------------------------

bool command_has_color(void) {
  return isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
}

int command_end_output(const far_command *command) {
  bool has_failed = ferror(stdout) != 0;
  if (fflush(stdout) == 0 && !has_failed)
    return EXIT_FINE;
  fprintf(stderr, "farside %s: not all of it was written: %s\n", command->name,
          strerror(errno));
  return EXIT_SCRIPT_FAILED;
}

// -- The table of scripts -----------------------------------------------------

void command_script_row(const farside_script *about, char *row, size_t bytes) {
  if (about == NULL)
    snprintf(row, bytes, "%-20s %10s %10s %10s %6s %8s", "script", "memory",
             "peak", "cpu", "tasks", "messages");
  else
    snprintf(row, bytes, "%-20s %7llu KB %7llu KB %7llu ms %6llu %8llu%s",
             about->name, (unsigned long long)about->memory_bytes / 1024,
             (unsigned long long)about->memory_peak_bytes / 1024,
             (unsigned long long)about->cpu_ms,
             (unsigned long long)about->tasks_open,
             (unsigned long long)about->messages,
             about->is_computing ? "  computing" : "");
}

// -- The timeline's file ------------------------------------------------------

FILE *timeline_open(const char *path) {
  if (strcmp(path, "-") == 0)
    return stdout;
  FILE *file = fopen(path, "w");
  if (file == NULL)
    fprintf(stderr, "farside: cannot write %s: %s\n", path, strerror(errno));
  return file;
}

static bool close_named(FILE *file, const char *path, const char *what) {
  if (file == NULL)
    return true;
  bool has_failed = ferror(file) != 0;
  has_failed =
      (file == stdout ? fflush(file) : fclose(file)) != 0 || has_failed;
  if (has_failed)
    fprintf(stderr, "farside: not all of the %s was written to %s: %s\n", what,
            path, strerror(errno));
  return !has_failed;
}

bool timeline_close(FILE *file, const char *path) {
  return close_named(file, path, "timeline");
}

bool output_close(FILE *file, const char *path) {
  return close_named(file, path, "report");
}
