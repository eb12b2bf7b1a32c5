// Events: what happens to an app, on its way from the OS to the listeners.
//
// One event is made once, counted by reference, and shown to each listener as
// a table of its own.
#ifndef FAR_EVENT_H
#define FAR_EVENT_H

#include "farside.h"

// The events scripts may listen to. The third column: whether the event waits
// for its first listener.
#define FAR_EVENT_MAP(X)                                                       \
  X(APP_STATE_CHANGE, "appStateChange", false)                                 \
  X(PAUSE, "pause", false)                                                     \
  X(RESUME, "resume", false)                                                   \
  X(LAUNCH, "launch", true)                                                    \
  X(WAKE, "wake", false)                                                       \
  X(APP_URL_OPEN, "appUrlOpen", true)                                          \
  X(APP_RESTORED_RESULT, "appRestoredResult", true)                            \
  X(BACK_BUTTON, "backButton", false)                                          \
  X(MEMORY_WARNING, "memoryWarning", false)                                    \
  X(STORE_FAULT, "storeFault", true)                                           \
  X(MESSAGE, "message", true)                                                  \
  X(TERMINATE, "terminate", false)

typedef enum far_event_kind {
#define FAR_EVENT(id, name, is_retained) FAR_EVENT_##id,
  FAR_EVENT_MAP(FAR_EVENT)
#undef FAR_EVENT
      FAR_EVENTS,
  // Of plugins, by the same way: no events of the app's.
  FAR_EVENT_ANSWER, // To a call.
  FAR_EVENT_NOTICE  // To the listeners of a plugin.
} far_event_kind;

enum { FAR_TOPIC_BYTES = 256 }; // "Score.changed"

typedef struct far_event {
  far_event_kind kind;
  int references;
  bool flag;        // isActive of appStateChange; an answer is a rejection; a
                    // notice is retained.
  int64_t grace_ms; // graceMs of terminate, budgetMs of wake; negative: as the
                    // host decides.
  char *text;       // The reason of launch, wake and terminate; for the others
                    // the JSON that came with them. NULL for none.
  // The JSON, read; NULL until somebody has asked.
  struct json_t *value;
  char *detail;  // Why the script of a launch was stopped before; who
                 // sent a message, and, in the inbox, to whom; the topic of
                 // a notice; the name of a rejection.
  uint64_t call; // What is answered.
  // Called when the last reference to a message goes; `owner` is its own.
  void (*gone)(struct far_event *event);
  void *owner;
  struct far_event *next; // In the inbox.
} far_event;

// Makes an event. The text is copied. NULL when memory is short. Any thread.
far_event *far_event_new(far_event_kind kind, const char *text);

// Makes a message of any JSON value. Any thread. FARSIDE_INVALID for what does
// not parse, FARSIDE_NOMEM.
farside_status far_event_message(const char *json, const char *detail,
                                 far_event **event);

// Makes an answer or a notice of any JSON value, or of "" for none. Any thread.
// FARSIDE_INVALID for what does not parse, FARSIDE_LIMIT, FARSIDE_NOMEM.
farside_status far_event_value(far_event_kind kind, const char *json,
                               far_event **event);

// Puts another detail in the place of an event's. False when memory is short.
bool far_event_set_detail(far_event *event, const char *detail);

// Makes an event from a posted word and its JSON. Any thread. Fails with
// FARSIDE_INVALID for a word that is none or may not be posted, for JSON that
// is no object, and for a field of the wrong type; with FARSIDE_NOMEM.
farside_status far_event_parse(const char *name, const char *json,
                               far_event **event);

// The JSON that came with an event, read for the first listener that asks; {}
// where none came. It goes with the event. NULL when memory is short.
const struct json_t *far_event_json(far_event *event);

far_event *far_event_retain(far_event *event);
void far_event_release(far_event *event);

// "appStateChange" → FAR_EVENT_APP_STATE_CHANGE.
bool far_event_find(const char *name, far_event_kind *kind);
const char *far_event_name(far_event_kind kind);
bool far_event_is_retained(const far_event *event);

#endif
