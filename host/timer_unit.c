#include "timer_unit.h"

#include <string.h>

// "every quarter", for both.
static const char on_calendar[] = "*:0/15", in_crontab[] = "*/15 * * * *";

static bool has_new_line(const char *word) {
  return strpbrk(word, "\r\n") != NULL;
}

// In quotes; systemd knows escapes, specifiers and variables.
static void put_systemd(FILE *file, const char *word) {
  fputc('"', file);
  for (; *word != '\0'; word++) {
    if (strchr("\"\\", *word) != NULL)
      fputc('\\', file);
    else if (strchr("%$", *word) != NULL)
      fputc(*word, file);
    fputc(*word, file);
  }
  fputc('"', file);
}

// A value that is no command line: without quotes, and without variables.
static void put_value(FILE *file, const char *text) {
  for (; *text != '\0'; text++) {
    if (*text == '%')
      fputc('%', file);
    fputc(*text, file);
  }
}

static bool is_plain(const char *word) {
  for (; *word != '\0'; word++)
    if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
               "/._-+,:=@",
               *word) == NULL)
      return false;
  return true;
}

// For a shell, in a line where cron takes % for a new line.
static void put_shell(FILE *file, const char *word) {
  bool is_quoted = *word == '\0' || !is_plain(word);
  fputs(is_quoted ? "'" : "", file);
  for (; *word != '\0'; word++) {
    if (*word == '\'')
      fputs("'\\'", file);
    else if (*word == '%')
      fputc('\\', file); // Which cron takes away.
    fputc(*word, file);
  }
  fputs(is_quoted ? "'" : "", file);
}

static void put_command(FILE *file, const far_timer_unit *unit,
                        void (*put)(FILE *, const char *)) {
  put(file, unit->program);
  fputs(" run --once --store ", file);
  put(file, unit->store);
  fputc(' ', file);
  put(file, unit->script);
  if (unit->arg_count > 0)
    fputs(" --", file);
  for (size_t i = 0; i < unit->arg_count; i++) {
    fputc(' ', file);
    put(file, unit->args[i]);
  }
}

// "farside-daily_sync", of letters that a unit's name may have.
static void print_name(const char *script, char *name, size_t bytes) {
  const char *slash = strrchr(script, '/');
  const char *base = slash ? slash + 1 : script;
  size_t length = strlen(base);
  if (length > 4 && strcmp(base + length - 4, ".lua") == 0)
    length -= 4;
  snprintf(name, bytes, "farside-%.*s", (int)(length > 100 ? 100 : length),
           base);
  for (char *c = name; *c != '\0'; c++) {
    char word[2] = {*c, '\0'};
    if (!is_plain(word) || strchr("/@=,+", *c) != NULL)
      *c = '_';
  }
}

bool far_timer_unit_print(FILE *file, const far_timer_unit *unit) {
  bool is_bad = has_new_line(unit->program) || has_new_line(unit->store) ||
                has_new_line(unit->script) || has_new_line(unit->folder);
  for (size_t i = 0; i < unit->arg_count; i++)
    is_bad = is_bad || has_new_line(unit->args[i]);
  if (is_bad)
    return false;
  char name[128];
  print_name(unit->script, name, sizeof name);
  fprintf(file, "# ~/.config/systemd/user/%s.service\n", name);
  fprintf(file, "[Unit]\nDescription=Due work of %s\n\n", name);
  fprintf(file, "[Service]\nType=oneshot\nWorkingDirectory=");
  put_value(file, unit->folder);
  fprintf(file, "\nExecStart=");
  put_command(file, unit, put_systemd);
  fprintf(file, "\n\n# ~/.config/systemd/user/%s.timer\n", name);
  fprintf(file, "[Unit]\nDescription=Due work of %s, every quarter\n\n", name);
  fprintf(file,
          "[Timer]\nOnCalendar=%s\nPersistent=true\n\n"
          "[Install]\nWantedBy=timers.target\n\n",
          on_calendar);
  fprintf(file,
          "# Save both under these names. Then:\n"
          "#   systemctl --user daemon-reload\n"
          "#   systemctl --user enable --now %s.timer\n"
          "#   loginctl enable-linger    # also while nobody is logged in\n"
          "#\n"
          "# Where there is no systemd: a line for crontab -e\n"
          "#   %s cd ",
          name, in_crontab);
  put_shell(file, unit->folder);
  fputs(" && ", file);
  put_command(file, unit, put_shell);
  fputc('\n', file);
  return true;
}
