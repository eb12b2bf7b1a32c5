#include "command.h"

#include "duration.h"
#include <errno.h>
#include <string.h>

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

// Reads one option into `line`; `*i` moves on when its value is the next word.
static int parse_option(const far_command *command, int argc,
                        const char *const *argv, int *i, command_line *line) {
  const char *option = argv[*i];
  const char *equals = strchr(option, '=');
  size_t length = equals ? (size_t)(equals - option) : strlen(option);
  if (!takes(command, option, length))
    return complain(command,
                    line->script ? "there is no option %s (what is meant for "
                                   "the script goes behind --)"
                                 : "there is no option %s",
                    option);
  if (strncmp(option, "--verbose", length) == 0 || option[1] == 'v') {
    line->is_verbose = true;
    return equals ? complain(command, "%s: this option takes no value", option)
                  : EXIT_FINE;
  }
  const char *value = equals ? equals + 1 : NULL;
  if (value == NULL && *i + 1 < argc)
    value = argv[++*i];
  if (value == NULL || *value == '\0')
    return complain(command, "%s needs a value", option);
  if (strncmp(option, "--os", length) == 0)
    line->os = value;
  else if (strncmp(option, "--plan", length) == 0)
    line->plan = value;
  else if (strncmp(option, "--timeline", length) == 0)
    line->timeline = value;
  else if (!far_duration_parse(value, &line->grace_ms) || line->grace_ms == 0)
    return complain(command,
                    "--grace needs a time with its unit, such as 30s, not %s",
                    value);
  return EXIT_FINE;
}

// Options may stand before and after SCRIPT; its own arguments begin with the
// first word that is no option, or behind "--".
int command_line_parse(const far_command *command, int argc,
                       const char *const *argv, command_line *line) {
  *line = (command_line){0};
  int i = 0;
  for (; i < argc; i++) {
    bool is_option = argv[i][0] == '-' && argv[i][1] != '\0';
    if (is_option && strcmp(argv[i], "--") == 0) {
      i++;
      if (line->script == NULL && i < argc)
        line->script = argv[i++];
      break;
    }
    if (is_option) {
      int status = parse_option(command, argc, argv, &i, line);
      if (status != EXIT_FINE)
        return status;
    } else if (line->script == NULL) {
      line->script = argv[i];
    } else {
      break;
    }
  }
  if (line->script == NULL)
    return complain(command, "which script?%s", "");
  line->argc = argc - i;
  line->argv = argv + i;
  return EXIT_FINE;
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

bool timeline_close(FILE *file, const char *path) {
  if (file == NULL)
    return true;
  bool has_failed = ferror(file) != 0;
  has_failed =
      (file == stdout ? fflush(file) : fclose(file)) != 0 || has_failed;
  if (has_failed)
    fprintf(stderr, "farside: not all of the timeline was written to %s: %s\n",
            path, strerror(errno));
  return !has_failed;
}
