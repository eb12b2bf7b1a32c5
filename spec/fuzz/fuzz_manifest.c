// Manifests: any file farside.lua, and any table of an embedder. What is taken
// is sound and never more than was granted; what is refused has a sentence; and
// no byte is left.

#include "input.h"
#include "manifest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LISTS = 3, ENTRIES_MAX = 8 };

typedef struct heap {
  size_t count, fails_at; // Zero: never.
} heap;

static void *allocate(void *user, void *ptr, size_t bytes_old,
                      size_t bytes_new) {
  heap *mine = user;
  if (bytes_new == 0) {
    free(ptr);
    return NULL;
  }
  if ((ptr == NULL || bytes_new > bytes_old) && ++mine->count == mine->fails_at)
    return NULL;
  return realloc(ptr, bytes_new);
}

// -- What must hold -----------------------------------------------------------

static void check_sentence(const char *text, size_t bytes) {
  size_t length = strnlen(text, bytes);
  expect(length > 0 && length < bytes);
  for (size_t i = 0; i < length; i++)
    expect((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
}

// What came through once comes through again, and asks for what it asks for.
static void check_taken(far_memory *memory, heap *mine,
                        const far_manifest *manifest) {
  char error[FAR_SENTENCE_BYTES];
  far_manifest *again;
  mine->fails_at = 0;
  expect(far_manifest_copy(memory, &manifest->said, &again, error,
                           sizeof error) == FARSIDE_OK);
  expect(far_manifest_check(again, &manifest->said.needs, error,
                            sizeof error) == FARSIDE_OK);
  far_manifest_free(again);
}

static void check_settled(far_memory *memory, heap *mine,
                          const far_manifest *asked,
                          const farside_permissions *granted) {
  char error[FAR_SENTENCE_BYTES];
  far_manifest *settled, *again;
  farside_status checked =
      far_manifest_check(asked, granted, error, sizeof error);
  farside_status status = far_manifest_settle(memory, asked, granted, &settled,
                                              error, sizeof error);
  if (status != FARSIDE_OK) {
    expect(settled == NULL);
    check_sentence(error, sizeof error);
    expect(checked == status || status == FARSIDE_NOMEM ||
           checked == FARSIDE_OK);
    return;
  }
  mine->fails_at = 0;
  expect(checked == FARSIDE_OK && settled != NULL);
  const farside_limits *limits = &settled->said.needs.limits;
  for (size_t i = 0; i < sizeof *limits / sizeof(uint64_t); i++)
    expect(((const uint64_t *)(const void *)limits)[i] != 0);
  // Never more than is granted, and settled once and for all.
  expect(far_manifest_check(settled, granted, error, sizeof error) ==
         FARSIDE_OK);
  expect(far_manifest_settle(memory, settled, granted, &again, error,
                             sizeof error) == FARSIDE_OK);
  expect(memcmp(&again->said.needs.limits, limits, sizeof *limits) == 0);
  far_manifest_free(again);
  far_manifest_free(settled);
}

// -- A table ------------------------------------------------------------------

typedef struct table {
  farside_manifest said;
  char *name, *version;
  char *texts[LISTS][ENTRIES_MAX + 1];
  bool has_list[LISTS];
} table;

// name/version/modules/http/background/limits, with spaces between entries.
static void table_init(table *made, input *from) {
  const char *const **lists[LISTS] = {&made->said.needs.modules,
                                      &made->said.needs.http,
                                      &made->said.needs.background};
  *made = (table){0};
  if (input_below(from, 2))
    made->said.name = made->name = input_word(from);
  if (input_below(from, 2))
    made->said.version = made->version = input_word(from);
  for (size_t i = 0; i < LISTS; i++) {
    size_t count = input_below(from, ENTRIES_MAX + 2);
    if (count == 0)
      continue;
    for (size_t j = 0; j + 1 < count; j++)
      made->texts[i][j] = input_word(from);
    *lists[i] = (const char *const *)made->texts[i];
  }
  char error[FAR_SENTENCE_BYTES], *text = input_text(from);
  if (text[0] == '#') { // Not read from a text.
    input raw = {(const uint8_t *)text, (const uint8_t *)text + strlen(text)};
    for (size_t i = 0; i < sizeof(farside_limits) / sizeof(uint64_t); i++)
      ((uint64_t *)(void *)&made->said.needs.limits)[i] = input_number(&raw);
  } else {
    far_limits_parse(text, &made->said.needs.limits, error, sizeof error);
  }
  free(text);
}

static void table_deinit(table *made) {
  free(made->name);
  free(made->version);
  for (size_t i = 0; i < LISTS; i++)
    for (size_t j = 0; j < ENTRIES_MAX; j++)
      free(made->texts[i][j]);
}

static far_manifest *copy(far_memory *memory, heap *mine, const table *made) {
  char error[FAR_SENTENCE_BYTES];
  far_manifest *manifest;
  farside_status status =
      far_manifest_copy(memory, &made->said, &manifest, error, sizeof error);
  expect((status == FARSIDE_OK) == (manifest != NULL));
  if (manifest != NULL)
    check_taken(memory, mine, manifest);
  else
    check_sentence(error, sizeof error);
  return manifest;
}

// -- A file -------------------------------------------------------------------

static char folder[64], file[96];

static void remove_folder(void) {
  unlink(file);
  rmdir(folder);
}

static const char *script_path(void) {
  static char path[96];
  if (path[0] == '\0') {
    snprintf(folder, sizeof folder, "/tmp/fuzz_manifest.XXXXXX");
    expect(mkdtemp(folder) != NULL);
    atexit(remove_folder);
    snprintf(file, sizeof file, "%s/farside.lua", folder);
    snprintf(path, sizeof path, "%s/app.lua", folder);
  }
  return path;
}

static far_manifest *read_file(far_memory *memory, heap *mine,
                               const input *text) {
  char error[FAR_SENTENCE_BYTES];
  const char *path = script_path();
  FILE *out = fopen(file, "w");
  expect(out != NULL);
  fwrite(text->at, 1, (size_t)(text->end - text->at), out);
  expect(fclose(out) == 0);
  far_manifest *manifest;
  farside_status status =
      far_manifest_read(memory, path, &manifest, error, sizeof error);
  expect((status == FARSIDE_OK) == (manifest != NULL));
  if (manifest != NULL)
    check_taken(memory, mine, manifest);
  else
    check_sentence(error, sizeof error);
  return manifest;
}

// -- Both ---------------------------------------------------------------------

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

// The first line is what is granted, the rest what is asked for: a table when
// the second line begins with a hash, and otherwise a file.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  input all = {data, data + bytes};
  input line = input_line(&all);
  unsigned fails_at = input_below(&line, 64);
  table granted, asked;
  table_init(&granted, &line);
  heap mine = {.fails_at = fails_at < 40 ? 0 : fails_at - 39};
  far_memory memory;
  far_memory_init(&memory, allocate, &mine);
  far_manifest *wanted = NULL;
  if (!input_is_empty(&all) && *all.at == '#') {
    all.at++;
    table_init(&asked, &all);
    wanted = copy(&memory, &mine, &asked);
    table_deinit(&asked);
  } else {
    wanted = read_file(&memory, &mine, &all);
  }
  far_manifest *grant = copy(&memory, &mine, &granted);
  if (grant != NULL)
    check_settled(&memory, &mine, wanted, &grant->said.needs);
  else
    check_settled(&memory, &mine, wanted, NULL);
  far_manifest_free(grant);
  far_manifest_free(wanted);
  expect(memory.used_bytes == 0);
  table_deinit(&granted);
  return 0;
}
