// Plugins: what the embedder does for scripts, and how it answers them.
//
// A call is open from its beginning until its answer has reached the script, or
// the script does not wait any more. Its id finds it from any thread: whoever
// answers first takes it, and the answer goes the way of everything that is
// posted. An id kept too long finds nothing.
#ifndef FAR_PLUGIN_H
#define FAR_PLUGIN_H

#include "event.h"
#include "slots.h"
#include <pthread.h>

struct far_script;

typedef struct far_plugins {
  const farside_plugin *all; // Ends with a name of NULL; NULL: there are none.
  pthread_mutex_t mutex;     // Around the calls.
  bool has_mutex;
  far_slots calls;
} far_plugins;

// One call, embedded by whoever waits for its answer.
typedef struct far_call {
  uint64_t id; // Zero before it has begun and after it has ended.
  const farside_plugin *plugin;
  const farside_method *method;
  // The answer has come, of which the call has ended: `flag` is set where it
  // was rejected, and then `detail` is its name. `text` is the value's JSON or
  // the sentence. The event is borrowed.
  void (*answered)(struct far_call *call, far_event *answer);
  bool is_taken; // Somebody has answered.
} far_call;

// Refuses, with FARSIDE_INVALID, plugins with names that are none, are ours, or
// are there twice.
farside_status far_plugins_init(farside_host *host);
void far_plugins_deinit(farside_host *host);

// Scripts that are loaded from now on find these plugins instead: those of
// before, at their places, and more. Refuses them as above, and then nothing
// has changed.
farside_status far_plugins_set(farside_host *host, const farside_plugin *all);

// Finds a plugin; NULL when there is none.
const farside_plugin *far_plugin_find(const far_plugins *plugins,
                                      const char *name);

// Begins a call with its arguments as JSON. The first four fields but the id
// are set before. FARSIDE_LIMIT when too much waits to be polled,
// FARSIDE_NOMEM.
farside_status far_call_begin(farside_host *host, far_call *call,
                              const char *script, const char *json);

// Nobody waits for the answer any more; tells the plugin. Harmless when the
// call has ended.
void far_call_end(farside_host *host, far_call *call);

// An answer has come through the inbox. Takes its reference over.
void far_plugins_take(farside_host *host, far_event *answer);

#endif
