#include "duration.h"

#include "number.h"

#include <string.h>

static const struct {
  const char *name;
  uint64_t ms;
} units[] = {
    // "ms" before "m": the longer name first.
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
};

static uint64_t find_unit(const char **text) {
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    size_t length = strlen(units[i].name);
    if (strncmp(*text, units[i].name, length) == 0) {
      *text += length;
      return units[i].ms;
    }
  }
  return 0;
}

bool far_duration_parse(const char *text, uint64_t *ms) {
  const double most_ms = 1e15; // Thirty thousand years.
  double total_ms = 0;
  if (*text == '\0')
    return false;
  while (*text != '\0') {
    if (*text < '0' || *text > '9')
      return false;
    double number = 0, place = 1;
    for (; *text >= '0' && *text <= '9'; text++)
      number = number * 10 + (*text - '0');
    if (*text == '.')
      for (text++; *text >= '0' && *text <= '9'; text++)
        number += (*text - '0') * (place /= 10);
    uint64_t unit_ms = find_unit(&text);
    if (unit_ms == 0)
      return false;
    total_ms += number * (double)unit_ms;
    if (!(total_ms <= most_ms))
      return false;
  }
  *ms = (uint64_t)(total_ms + 0.5);
  return true;
}

void far_duration_print(uint64_t ms, char *text, size_t bytes) {
  static const struct {
    const char *name;
    uint64_t ms;
  } words[] = {
      {"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1}};
  char all[sizeof words / sizeof *words * (FAR_NUMBER_BYTES + 4)];
  char *end = all;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    uint64_t count = ms / words[i].ms;
    ms %= words[i].ms;
    if (count == 0)
      continue;
    end = far_put_text(end, end > all ? " " : "");
    end = far_put_text(far_put_number(end, count), " ");
    end = far_put_text(end, words[i].name);
  }
  if (end == all)
    end = far_put_text(all, "0 s");
  size_t length = (size_t)(end - all);
  if (length >= bytes)
    length = bytes - 1;
  memcpy(text, all, length);
  text[length] = '\0';
}
