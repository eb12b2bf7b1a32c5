#include "source.h"

#include <stdio.h>
#include <string.h>

enum { SOURCE_VERSION = 1 };

void farside_source_init(farside_source *source) {
  *source = (farside_source){.version = SOURCE_VERSION};
}

static bool copy_string(far_memory *memory, const char **string) {
  const char *original = *string;
  *string = far_string_new(memory, original);
  return original == NULL || *string != NULL;
}

// The arguments and a NULL behind them.
static bool copy_arguments(far_memory *memory, farside_source *mine) {
  const char *const *argv = mine->argv;
  int argc = argv != NULL && mine->argc > 0 ? mine->argc : 0;
  mine->argc = 0;
  mine->argv = NULL;
  const char **copy = far_new(memory, ((size_t)argc + 1) * sizeof *copy);
  if (copy == NULL)
    return false;
  mine->argv = copy;
  for (mine->argc = argc; argc-- > 0;)
    copy[argc] = argv[argc];
  bool has_all = true;
  for (int i = 0; i < mine->argc; i++)
    has_all = copy_string(memory, &copy[i]) && has_all;
  return has_all;
}

static bool copy_code(far_memory *memory, farside_source *mine) {
  const char *code = mine->code;
  mine->code = NULL;
  if (mine->path != NULL || code == NULL)
    return true;
  char *copy = far_new(memory, mine->code_bytes + 1);
  if (copy != NULL)
    memcpy(copy, code, mine->code_bytes);
  mine->code = copy;
  return copy != NULL;
}

farside_status far_source_copy(far_memory *memory, const farside_source *given,
                               far_source **source, char *error, size_t bytes) {
  *source = NULL;
  if (given == NULL || given->version != SOURCE_VERSION ||
      (given->path == NULL && (given->code == NULL || given->name == NULL))) {
    snprintf(error, bytes,
             "a source needs farside_source_init(), and a path, or code and a "
             "name");
    return FARSIDE_INVALID;
  }
  far_source *fresh = far_new(memory, sizeof *fresh);
  if (fresh == NULL)
    return FARSIDE_NOMEM;
  fresh->memory = memory;
  fresh->given = *given;
  fresh->given.manifest = NULL;
  fresh->given.grant = (farside_permissions){0};
  farside_source *mine = &fresh->given;
  // Each before the verdict: what was not copied must not be freed.
  bool has_path = copy_string(memory, &mine->path);
  bool has_name = copy_string(memory, &mine->name);
  bool has_code = copy_code(memory, mine);
  bool has_arguments = copy_arguments(memory, mine);
  farside_status status = has_path && has_name && has_code && has_arguments
                              ? FARSIDE_OK
                              : FARSIDE_NOMEM;
  farside_manifest grant = {.needs = given->grant};
  if (status == FARSIDE_OK)
    status = far_manifest_copy(memory, &grant, &fresh->grant, error, bytes);
  if (status == FARSIDE_OK && given->manifest != NULL)
    status =
        far_manifest_copy(memory, given->manifest, &fresh->said, error, bytes);
  if (status != FARSIDE_OK) {
    far_source_free(fresh);
    return status;
  }
  *source = fresh;
  return FARSIDE_OK;
}

void far_source_free(far_source *source) {
  if (source == NULL)
    return;
  far_memory *memory = source->memory;
  farside_source *mine = &source->given;
  far_manifest_free(source->said);
  far_manifest_free(source->grant);
  for (int i = 0; i < mine->argc; i++)
    far_string_free(memory, (char *)mine->argv[i]);
  if (mine->argv != NULL)
    far_free(memory, (void *)mine->argv,
             ((size_t)mine->argc + 1) * sizeof *mine->argv);
  if (mine->code != NULL)
    far_free(memory, (void *)mine->code, mine->code_bytes + 1);
  far_string_free(memory, (char *)mine->name);
  far_string_free(memory, (char *)mine->path);
  far_free(memory, source, sizeof *source);
}

farside_status far_source_settle(const far_source *source,
                                 far_manifest **settled, char *error,
                                 size_t bytes) {
  far_manifest *found = NULL;
  farside_status status = FARSIDE_OK;
  *settled = NULL;
  if (source->said == NULL && source->given.path != NULL)
    status = far_manifest_read(source->memory, source->given.path, &found,
                               error, bytes);
  if (status == FARSIDE_OK)
    status =
        far_manifest_settle(source->memory, source->said ? source->said : found,
                            &source->grant->said.needs, settled, error, bytes);
  far_manifest_free(found);
  return status;
}

void far_source_base_name(const far_source *source, char *name, size_t bytes) {
  const char *path = source->given.path;
  if (path == NULL)
    path = source->given.name;
  const char *slash = strrchr(path, '/');
  snprintf(name, bytes, "%s", slash ? slash + 1 : path);
  size_t length = strlen(name);
  if (length > 4 && strcmp(name + length - 4, ".lua") == 0)
    name[length - 4] = '\0';
}
