#include "event.h"

#include "scripts.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static bool set_string(char **field, const char *text) {
  size_t bytes = strlen(text) + 1;
  char *copy = malloc(bytes);
  if (copy == NULL)
    return false;
  free(*field);
  *field = memcpy(copy, text, bytes);
  return true;
}

static bool set_text(far_event *event, const char *text) {
  return set_string(&event->text, text);
}

bool far_event_set_detail(far_event *event, const char *detail) {
  return set_string(&event->detail, detail);
}

far_event *far_event_new(far_event_kind kind, const char *text) {
  far_event *event = calloc(1, sizeof *event);
  if (event == NULL)
    return NULL;
  event->kind = kind;
  event->references = 1;
  event->grace_ms = -1;
  if (text != NULL && !set_text(event, text)) {
    free(event);
    return NULL;
  }
  return event;
}

static farside_status read_active(const json_t *object, far_event *event) {
  const json_t *active = json_object_get(object, "isActive");
  if (!json_is_boolean(active))
    return FARSIDE_INVALID;
  event->flag = json_is_true(active);
  return FARSIDE_OK;
}

// A reason, and a time: of terminate and of wake.
static farside_status read_notice(const json_t *object, const char *time,
                                  far_event *event) {
  const json_t *ms = json_object_get(object, time);
  const json_t *reason = json_object_get(object, "reason");
  if ((ms && (!json_is_integer(ms) || json_integer_value(ms) < 0)) ||
      (reason && !json_is_string(reason)))
    return FARSIDE_INVALID;
  if (ms != NULL)
    event->grace_ms = json_integer_value(ms);
  if (reason != NULL && !set_text(event, json_string_value(reason)))
    return FARSIDE_NOMEM;
  return FARSIDE_OK;
}

static farside_status fill(far_event *event, const char *json,
                           const json_t *object) {
  switch (event->kind) {
  case FAR_EVENT_APP_STATE_CHANGE:
    return read_active(object, event);
  case FAR_EVENT_TERMINATE:
    return read_notice(object, "graceMs", event);
  case FAR_EVENT_WAKE:
    return read_notice(object, "budgetMs", event);
  case FAR_EVENT_LAUNCH:
  case FAR_EVENT_MESSAGE:
  case FAR_EVENT_STORE_FAULT:
    return FARSIDE_INVALID; // The host launches, and messages have a sender.
  default:
    if (json == NULL)
      return FARSIDE_OK;
    return set_text(event, json) ? FARSIDE_OK : FARSIDE_NOMEM;
  }
}

farside_status far_event_parse(const char *name, const char *json,
                               far_event **event) {
  *event = NULL;
  far_event_kind kind;
  if (name == NULL || !far_event_find(name, &kind))
    return FARSIDE_INVALID;
  json_t *object = json ? json_loads(json, JSON_REJECT_DUPLICATES, NULL) : NULL;
  if (json != NULL && !json_is_object(object)) {
    json_decref(object);
    return FARSIDE_INVALID;
  }
  far_event *fresh = far_event_new(kind, NULL);
  farside_status status = fresh ? fill(fresh, json, object) : FARSIDE_NOMEM;
  json_decref(object);
  if (status != FARSIDE_OK) {
    far_event_release(fresh);
    return status;
  }
  *event = fresh;
  return FARSIDE_OK;
}

static bool is_json(const char *text) {
  json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  json_decref(value);
  return value != NULL;
}

farside_status far_event_value(far_event_kind kind, const char *json,
                               far_event **event) {
  *event = NULL;
  if (strlen(json) > FAR_MESSAGE_BYTES_MAX)
    return FARSIDE_LIMIT;
  if (*json != '\0' && !is_json(json))
    return FARSIDE_INVALID;
  *event = far_event_new(kind, json);
  return *event ? FARSIDE_OK : FARSIDE_NOMEM;
}

farside_status far_event_message(const char *json, const char *detail,
                                 far_event **event) {
  *event = NULL;
  if (!is_json(json))
    return FARSIDE_INVALID;
  far_event *fresh = far_event_new(FAR_EVENT_MESSAGE, json);
  if (fresh == NULL || !far_event_set_detail(fresh, detail)) {
    far_event_release(fresh);
    return FARSIDE_NOMEM;
  }
  *event = fresh;
  return FARSIDE_OK;
}

const json_t *far_event_json(far_event *event) {
  if (event->value == NULL)
    event->value = json_loads(event->text ? event->text : "{}",
                              JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  return event->value;
}

far_event *far_event_retain(far_event *event) {
  event->references++;
  return event;
}

void far_event_release(far_event *event) {
  if (event == NULL || --event->references > 0)
    return;
  if (event->gone != NULL)
    event->gone(event);
  json_decref(event->value);
  free(event->detail);
  free(event->text);
  free(event);
}

static const struct {
  const char *name;
  bool is_retained;
} events[] = {
#define FAR_EVENT(id, name, is_retained) {name, is_retained},
    FAR_EVENT_MAP(FAR_EVENT)
#undef FAR_EVENT
};

bool far_event_find(const char *name, far_event_kind *kind) {
  for (size_t i = 0; i < FAR_EVENTS; i++)
    if (strcmp(name, events[i].name) == 0) {
      *kind = (far_event_kind)i;
      return true;
    }
  return false;
}

const char *far_event_name(far_event_kind kind) {
  return kind < FAR_EVENTS ? events[kind].name : "of a plugin";
}

bool far_event_is_retained(const far_event *event) {
  return event->kind < FAR_EVENTS ? events[event->kind].is_retained
                                  : event->flag;
}
