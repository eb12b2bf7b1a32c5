// The program `farside`.

#include "command.h"
#include "farside.h"
#include "isolated.h"

#include <string.h>

static const far_command *const commands[] = {&run_command,   &simulate_command,
                                              &work_command,  &profile_command,
                                              &rules_command, &new_command};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const far_command *find(const char *name) {
  for (size_t i = 0; i < COMMANDS; i++)
    if (strcmp(commands[i]->name, name) == 0)
      return commands[i];
  return NULL;
}

static void overview(FILE *file) {
  fprintf(file, "farside: where a Lua app works while nobody is looking\n\n");
  for (size_t i = 0; i < COMMANDS; i++)
    fprintf(file, "  farside %-9s %s\n", commands[i]->name, commands[i]->what);
  fprintf(file, "  farside %-9s say more about a command\n", "help");
  fprintf(file, "  farside %-9s say which version this is\n\n", "version");
  fprintf(file, "Begin with: farside simulate SCRIPT\n");
}

static int unknown(const char *word) {
  fprintf(stderr, "farside: there is no command '%s'; there are: ", word);
  for (size_t i = 0; i < COMMANDS; i++)
    fprintf(stderr, "%s, ", commands[i]->name);
  fprintf(stderr, "help, version\n");
  return EXIT_USAGE;
}

static int help(const char *word) {
  if (word == NULL) {
    overview(stdout);
    return EXIT_FINE;
  }
  const far_command *command = find(word);
  if (command == NULL)
    return unknown(word);
  printf("farside %s\n\n%s", command->usage, command->help);
  return EXIT_FINE;
}

static bool is_any(const char *word, const char *a, const char *b,
                   const char *c) {
  return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    overview(stderr);
    return EXIT_USAGE;
  }
  const char *word = argv[1];
  if (is_any(word, "help", "--help", "-h"))
    return help(argc > 2 ? argv[2] : NULL);
  if (is_any(word, "version", "--version", "-V")) {
    printf("farside %s\n", farside_version());
    return EXIT_FINE;
  }
  if (strcmp(word, FAR_ISOLATED_COMMAND) == 0)
    return far_isolated_run();
  const far_command *command = find(word);
  if (command == NULL)
    return unknown(word);
  if (argc > 2 && is_any(argv[2], "--help", "-h", "-?"))
    return help(word);
  command_line line;
  int status = command_line_parse(command, argc - 2,
                                  (const char *const *)(argv + 2), &line);
  return status == EXIT_FINE ? command->run(&line) : status;
}
