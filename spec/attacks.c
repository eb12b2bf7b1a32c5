#include "attacks.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void give_up(const char *what, const char *which) {
  printf("%s: %s\n", which, what);
  exit(1);
}

static void *grown(void *block, size_t bytes) {
  void *fresh = realloc(block, bytes);
  if (fresh == NULL)
    give_up("no memory", "the test");
  return fresh;
}

// -- Files --------------------------------------------------------------------

char *file_read(const char *folder, const char *name) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (file == NULL)
    give_up("cannot be read", path);
  char *text = NULL;
  size_t bytes = 0, got;
  do {
    text = grown(text, bytes + 4097);
    got = fread(text + bytes, 1, 4096, file);
    bytes += got;
  } while (got > 0);
  fclose(file);
  text[bytes] = '\0';
  return text;
}

static int by_name(const void *a, const void *b) {
  const char *const *one = a, *const *other = b;
  return strcmp(*one, *other);
}

char **folder_read(const char *folder, const char *ending, size_t *count) {
  DIR *all = opendir(folder);
  if (all == NULL)
    give_up("cannot be opened", folder);
  char **names = NULL;
  *count = 0;
  for (const struct dirent *entry; (entry = readdir(all)) != NULL;) {
    size_t length = strlen(entry->d_name), tail = strlen(ending);
    if (length <= tail || strcmp(entry->d_name + length - tail, ending) != 0)
      continue;
    names = grown(names, (*count + 1) * sizeof *names);
    names[*count] = grown(NULL, length + 1);
    memcpy(names[(*count)++], entry->d_name, length + 1);
  }
  closedir(all);
  if (*count == 0)
    give_up("there is nothing in it", folder);
  qsort(names, *count, sizeof *names, by_name);
  return names;
}

void folder_free(char **names, size_t count) {
  for (size_t i = 0; i < count; i++)
    free(names[i]);
  free(names);
}

// -- Attacks ------------------------------------------------------------------

static unsigned parse_ends(const char *text, const char *id) {
  static const char *const words[] = {"killed", "task", "ends", "exits", "any"};
  char copy[64];
  snprintf(copy, sizeof copy, "%s", text);
  unsigned ends = 0;
  for (char *word = strtok(copy, "|"); word; word = strtok(NULL, "|")) {
    unsigned bit = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
      bit |= strcmp(words[i], word) == 0 ? 1u << i : 0;
    if (bit == 0)
      give_up("nobody knows what becomes of it", id);
    ends |= bit;
  }
  return ends;
}

static void parse(attacks *all, char *text) {
  static const char mark[] = "--@ ";
  for (char *at = strstr(text, mark), *next; at != NULL; at = next) {
    next = strstr(at + 1, mark);
    if (next != NULL)
      next[-1] = '\0';
    char ends[64];
    attack fresh = {.ends = 0};
    char *code = strchr(at, '\n');
    if (code == NULL || sscanf(at, "--@ %63s %63s", fresh.id, ends) != 2)
      give_up("an attack has no name, no end, or no code", at);
    if (attacks_find(all, fresh.id) != NULL)
      give_up("there are two of this name", fresh.id);
    fresh.ends = parse_ends(ends, fresh.id);
    fresh.code = grown(NULL, strlen(code) + 1);
    memcpy(fresh.code, code, strlen(code) + 1);
    all->items = grown(all->items, (all->count + 1) * sizeof *all->items);
    all->items[all->count++] = fresh;
  }
}

void attacks_read(attacks *all, const char *folder) {
  *all = (attacks){0};
  size_t count;
  char **names = folder_read(folder, ".lua", &count);
  for (size_t i = 0; i < count; i++) {
    char *text = file_read(folder, names[i]);
    parse(all, text);
    free(text);
  }
  folder_free(names, count);
}

void attacks_free(attacks *all) {
  for (size_t i = 0; i < all->count; i++)
    free(all->items[i].code);
  free(all->items);
}

const attack *attacks_find(const attacks *all, const char *id) {
  for (size_t i = 0; i < all->count; i++)
    if (strcmp(all->items[i].id, id) == 0)
      return &all->items[i];
  return NULL;
}

char *attack_code(const attack *one, attack_place place) {
  static const char prelude[] =
      "local farside = require 'farside' local App, BackgroundTask, Log = "
      "farside.Plugins.App, farside.Plugins.BackgroundTask, "
      "farside.Plugins.Log ";
  static const char *const before[] = {"", "setTimeout(function(...)",
                                       "BackgroundTask.exec(function(...)"};
  static const char *const after[] = {"", "\nend, 1)", "\nend)"};
  size_t bytes = sizeof prelude + strlen(one->code) + 64;
  char *code = grown(NULL, bytes);
  snprintf(code, bytes, "%s%s%s%s", prelude, before[place], one->code,
           after[place]);
  return code;
}

// -- The process --------------------------------------------------------------

static long count_entries(const char *folder) {
  DIR *all = opendir(folder);
  if (all == NULL)
    return -1;
  long count = 0;
  while (readdir(all) != NULL)
    count++;
  closedir(all);
  return count;
}

footprint footprint_now(void) {
  footprint now = {.files = count_entries("/proc/self/fd"),
                   .threads = count_entries("/proc/self/task"),
                   .bytes = -1};
  FILE *file = fopen("/proc/self/statm", "r");
  long pages;
  if (file == NULL)
    return now;
  if (fscanf(file, "%*s %ld", &pages) == 1)
    now.bytes = pages * sysconf(_SC_PAGESIZE);
  fclose(file);
  return now;
}

uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}
