#include "options.h"

#include "host.h"
#include "limit.h"
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct far_options {
  json_t *root; // Its strings are the config's.
  farside_plugin *plugins;
};

// One reading, and what is wrong with the text, once something is.
typedef struct reading {
  far_options *options;
  farside_config *config;
  const char **store;
  char *error;
  size_t bytes;
  farside_status status;
} reading;

static bool fail(reading *mine, farside_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool fail(reading *mine, farside_status status, const char *format,
                 ...) {
  va_list args;
  va_start(args, format);
  if (mine->bytes > 0)
    vsnprintf(mine->error, mine->bytes, format, args);
  va_end(args);
  mine->status = status;
  return false;
}

static bool refuse(reading *mine, const char *key, const char *wanted) {
  return fail(mine, FARSIDE_INVALID, "%s must be %s", key, wanted);
}

// -- Values -------------------------------------------------------------------

static bool read_string(reading *mine, const char *key, const json_t *value,
                        const char **field) {
  if (!json_is_string(value) ||
      strlen(json_string_value(value)) != json_string_length(value))
    return refuse(mine, key, "a text");
  *field = json_string_value(value);
  return true;
}

static bool read_count(reading *mine, const char *key, const json_t *value,
                       uint64_t *field) {
  if (!json_is_integer(value) || json_integer_value(value) < 0)
    return refuse(mine, key, "a whole number from 0");
  *field = (uint64_t)json_integer_value(value);
  return true;
}

static bool read_size(reading *mine, const char *key, const json_t *value,
                      size_t *field) {
  uint64_t count = 0;
  if (!read_count(mine, key, value, &count))
    return false;
  *field = (size_t)count;
  return true;
}

static bool read_app(reading *mine, const char *key, const json_t *value,
                     farside_config *config) {
  const struct {
    const char *name, **field;
  } fields[] = {{"name", &config->app_name},
                {"id", &config->app_id},
                {"version", &config->app_version},
                {"build", &config->app_build}};
  if (!json_is_object(value))
    return refuse(mine, key, "an object");
  const char *name;
  const json_t *item;
  json_object_foreach((json_t *)value, name, item) {
    bool is_known = false;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
      if (strcmp(name, fields[i].name) == 0) {
        is_known = true;
        if (!read_string(mine, name, item, fields[i].field))
          return false;
      }
    if (!is_known)
      return fail(mine, FARSIDE_INVALID, "app has no field '%s'", name);
  }
  return true;
}

static bool read_polls(reading *mine, const char *key, const json_t *value) {
  static const struct {
    const char *name;
    unsigned bit;
  } polls[] = {{"message", FARSIDE_POLL_MESSAGES},
               {"log", FARSIDE_POLL_LOG},
               {"entry", FARSIDE_POLL_ENTRIES}};
  static const char wanted[] = "a list of \"message\", \"log\", \"entry\"";
  if (!json_is_array(value))
    return refuse(mine, key, wanted);
  for (size_t i = 0; i < json_array_size(value); i++) {
    const char *name = json_string_value(json_array_get(value, i));
    unsigned bit = 0;
    for (size_t j = 0; j < sizeof polls / sizeof *polls && name != NULL; j++)
      if (strcmp(name, polls[j].name) == 0)
        bit = polls[j].bit;
    if (bit == 0)
      return refuse(mine, key, wanted);
    mine->config->polls |= bit;
  }
  return true;
}

// -- Plugins ------------------------------------------------------------------

static bool read_methods(reading *mine, const char *name, const json_t *value,
                         farside_plugin *plugin) {
  if (!json_is_array(value))
    return refuse(mine, name, "a list of the names of methods");
  size_t count = json_array_size(value);
  farside_method *methods = calloc(count + 1, sizeof *methods);
  if (methods == NULL)
    return fail(mine, FARSIDE_NOMEM, "%s", farside_status_text(FARSIDE_NOMEM));
  *plugin = (farside_plugin){.name = name, .methods = methods};
  for (size_t i = 0; i < count; i++)
    if (!read_string(mine, name, json_array_get(value, i), &methods[i].name))
      return false;
  return true;
}

static bool read_plugins(reading *mine, const char *key, const json_t *value) {
  if (!json_is_object(value))
    return refuse(mine, key, "an object of lists of names of methods");
  farside_plugin *plugins =
      calloc(json_object_size(value) + 1, sizeof *plugins);
  if (plugins == NULL)
    return fail(mine, FARSIDE_NOMEM, "%s", farside_status_text(FARSIDE_NOMEM));
  mine->options->plugins = plugins;
  mine->config->plugins = plugins;
  const char *name;
  const json_t *methods;
  json_object_foreach((json_t *)value, name, methods) {
    if (!read_methods(mine, name, methods, plugins++))
      return false;
  }
  return true;
}

// -- Fields -------------------------------------------------------------------

static bool read_bool(reading *mine, const char *key, const json_t *value) {
  if (!json_is_boolean(value))
    return refuse(mine, key, "true or false");
  mine->config->exit_when_idle = json_is_true(value);
  return true;
}

static bool read_signal(reading *mine, const char *key, const json_t *value) {
  if (!json_is_integer(value) || json_integer_value(value) < -1 ||
      json_integer_value(value) > 1024)
    return refuse(mine, key, "the number of a signal, 0 or -1");
  mine->config->signal = (int)json_integer_value(value);
  return true;
}

static bool read_limits(reading *mine, const char *key, const json_t *value) {
  const char *text = "";
  if (!read_string(mine, key, value, &text))
    return false;
  if (far_limits_parse(text, &mine->config->limits, mine->error, mine->bytes))
    return true;
  mine->status = FARSIDE_INVALID;
  return false;
}

static bool is(const char *key, const char *name) {
  return strcmp(key, name) == 0;
}

static bool read_field(reading *mine, const char *key, const json_t *value) {
  farside_config *config = mine->config;
  const struct {
    const char *name, **field;
  } strings[] = {{"profile", &config->profile},
                 {"store", mine->store},
                 {"files", &config->files},
                 {"launchUrl", &config->launch_url},
                 {"launchReason", &config->launch_reason},
                 {"proxy", &config->proxy},
                 {"certificates", &config->certificates}};
  for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
    if (is(key, strings[i].name))
      return read_string(mine, key, value, strings[i].field);
  if (is(key, "app"))
    return read_app(mine, key, value, config);
  if (is(key, "limits"))
    return read_limits(mine, key, value);
  if (is(key, "graceMs"))
    return read_count(mine, key, value, &config->grace_ms);
  if (is(key, "timelineEntries"))
    return read_size(mine, key, value, &config->timeline_entries_max);
  if (is(key, "pollBytes"))
    return read_size(mine, key, value, &config->poll_bytes_max);
  if (is(key, "exitWhenIdle"))
    return read_bool(mine, key, value);
  if (is(key, "signal"))
    return read_signal(mine, key, value);
  if (is(key, "polls"))
    return read_polls(mine, key, value);
  if (is(key, "plugins"))
    return read_plugins(mine, key, value);
  return fail(mine, FARSIDE_INVALID, "there is no option '%s'", key);
}

static bool read_all(reading *mine, const char *text) {
  json_error_t error;
  json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
  mine->options->root = root;
  if (root == NULL)
    return fail(mine, FARSIDE_INVALID, "line %d is no JSON: %.160s", error.line,
                error.text);
  if (!json_is_object(root))
    return refuse(mine, "the options", "an object");
  const char *key;
  const json_t *value;
  json_object_foreach(root, key, value) {
    if (!read_field(mine, key, value))
      return false;
  }
  return true;
}

void far_options_free(far_options *options) {
  if (options == NULL)
    return;
  for (farside_plugin *plugin = options->plugins;
       plugin != NULL && plugin->name != NULL; plugin++)
    free((void *)plugin->methods);
  free(options->plugins);
  json_decref(options->root);
  free(options);
}

farside_status far_options_read(const char *text, farside_config *config,
                                const char **store, far_options **options,
                                char *error, size_t bytes) {
  reading mine = {.options = calloc(1, sizeof *mine.options),
                  .config = config,
                  .store = store,
                  .error = error,
                  .bytes = bytes};
  *options = NULL;
  *store = NULL;
  farside_config_init(config);
  if (mine.options == NULL)
    fail(&mine, FARSIDE_NOMEM, "%s", farside_status_text(FARSIDE_NOMEM));
  else
    read_all(&mine, text);
  if (mine.status != FARSIDE_OK) {
    far_options_free(mine.options);
    return mine.status;
  }
  *options = mine.options;
  return FARSIDE_OK;
}

// The store comes with the host.
static farside_status open_store(farside_host *host, const char *path,
                                 char *error, size_t bytes) {
  if (path == NULL)
    return FARSIDE_OK;
  farside_status status = farside_open_store(host, *path != '\0' ? path : NULL);
  if (status != FARSIDE_OK)
    snprintf(error, bytes, "%s", farside_error(host));
  return status;
}

farside_status farside_open(const char *options, farside_host **host,
                            char *error, size_t error_bytes) {
  char ignored[FAR_SENTENCE_BYTES];
  if (error == NULL || error_bytes == 0) {
    error = ignored;
    error_bytes = sizeof ignored;
  }
  *host = NULL;
  *error = '\0';
  farside_config config;
  const char *store;
  far_options *kept;
  farside_status status =
      far_options_read(options, &config, &store, &kept, error, error_bytes);
  if (status != FARSIDE_OK)
    return status;
  status = farside_host_open(&config, host);
  if (status != FARSIDE_OK) {
    far_options_free(kept);
    snprintf(error, error_bytes, "the host cannot be opened: %s",
             farside_status_text(status));
    return status;
  }
  (*host)->options = kept; // Its plugins' too.
  status = open_store(*host, store, error, error_bytes);
  if (status != FARSIDE_OK) {
    farside_host_close(*host);
    *host = NULL;
  }
  return status;
}
