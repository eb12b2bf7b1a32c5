#include "plugin.h"

#include "host.h"
#include "poll_text.h"
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES_MAX = 128 };

static bool is_word(const char *text) {
  for (const char *c = text; *c != '\0'; c++)
    if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_' ||
          (*c >= '0' && *c <= '9' && c > text)))
      return false;
  return *text != '\0' && strlen(text) < NAME_BYTES_MAX;
}

static bool is_one_of(const char *name, const char *const *names) {
  for (; *names != NULL; names++)
    if (strcmp(name, *names) == 0)
      return true;
  return false;
}

static bool has_fine_methods(const farside_plugin *plugin) {
  static const char *const ours[] = {"addListener", "addEventListener", "once",
                                     "removeAllListeners", NULL};
  const farside_method *method = plugin->methods;
  for (; method != NULL && method->name != NULL; method++)
    if (!is_word(method->name) || is_one_of(method->name, ours))
      return false;
  return true;
}

// What is wrong with a plugin, or NULL.
static bool is_fine(const farside_plugin *all, const farside_plugin *plugin) {
  static const char *const ours[] = {"App",  "BackgroundTask", "Log", "Storage",
                                     "Http", "Files",          NULL};
  for (const farside_plugin *other = all; other < plugin; other++)
    if (strcmp(other->name, plugin->name) == 0)
      return false;
  return is_word(plugin->name) && !is_one_of(plugin->name, ours) &&
         has_fine_methods(plugin);
}

farside_status far_plugins_set(farside_host *host, const farside_plugin *all) {
  const farside_plugin *plugin = all;
  for (; plugin != NULL && plugin->name != NULL; plugin++)
    if (!is_fine(all, plugin))
      return FARSIDE_INVALID;
  host->plugins.all = all;
  return FARSIDE_OK;
}

farside_status far_plugins_init(farside_host *host) {
  far_plugins *plugins = &host->plugins;
  farside_status status = far_plugins_set(host, host->config.plugins);
  if (status != FARSIDE_OK)
    return status;
  far_slots_init(&plugins->calls, &host->memory, 1);
  plugins->has_mutex = pthread_mutex_init(&plugins->mutex, NULL) == 0;
  return plugins->has_mutex ? FARSIDE_OK : FARSIDE_SYSTEM;
}

void far_plugins_deinit(farside_host *host) {
  far_plugins *plugins = &host->plugins;
  if (!plugins->has_mutex)
    return;
  far_slots_deinit(&plugins->calls);
  pthread_mutex_destroy(&plugins->mutex);
  plugins->has_mutex = false;
}

const farside_plugin *far_plugin_find(const far_plugins *plugins,
                                      const char *name) {
  const farside_plugin *plugin = plugins->all;
  for (; plugin != NULL && plugin->name != NULL; plugin++)
    if (strcmp(plugin->name, name) == 0)
      return plugin;
  return NULL;
}

// -- Calls --------------------------------------------------------------------

static void forget(farside_host *host, far_call *call) {
  far_plugins *plugins = &host->plugins;
  pthread_mutex_lock(&plugins->mutex);
  far_slots_remove(&plugins->calls, call->id, 0);
  pthread_mutex_unlock(&plugins->mutex);
  call->id = 0;
}

farside_status far_call_begin(farside_host *host, far_call *call,
                              const char *script, const char *json) {
  far_plugins *plugins = &host->plugins;
  pthread_mutex_lock(&plugins->mutex);
  uint64_t id = far_slots_add(&plugins->calls, call);
  pthread_mutex_unlock(&plugins->mutex);
  if (id == 0)
    return FARSIDE_NOMEM;
  call->id = id;
  const farside_method *method = call->method;
  if (method->call != NULL) {
    method->call(call->plugin->user, host, id, method->name, json);
    return FARSIDE_OK;
  }
  farside_status status = far_outbox_put(
      &host->outbox,
      far_poll_call(id, script, call->plugin->name, method->name, json));
  if (status != FARSIDE_OK)
    forget(host, call);
  return status;
}

void far_call_end(farside_host *host, far_call *call) {
  if (call->id == 0)
    return;
  uint64_t id = call->id;
  bool is_taken = call->is_taken;
  forget(host, call);
  if (is_taken)
    return; // Whoever answered need not hear that it was for nothing.
  if (call->method->call == NULL)
    far_outbox_put(&host->outbox, far_poll_cancel(id));
  else if (call->plugin->cancelled != NULL)
    call->plugin->cancelled(call->plugin->user, host, id);
  far_host_has_waited(host);
}

void far_plugins_take(farside_host *host, far_event *answer) {
  far_plugins *plugins = &host->plugins;
  pthread_mutex_lock(&plugins->mutex);
  far_call *call = far_slots_get(&plugins->calls, answer->call);
  pthread_mutex_unlock(&plugins->mutex);
  if (call != NULL) {
    forget(host, call);
    call->answered(call, answer);
  }
  far_event_release(answer);
}

// -- Any thread ---------------------------------------------------------------

// Whoever comes first may answer.
static farside_status take_call(far_plugins *plugins, uint64_t id) {
  pthread_mutex_lock(&plugins->mutex);
  far_call *call = far_slots_get(&plugins->calls, id);
  bool is_first = call != NULL && !call->is_taken;
  if (is_first)
    call->is_taken = true;
  pthread_mutex_unlock(&plugins->mutex);
  return is_first ? FARSIDE_OK : FARSIDE_NOCALL;
}

static farside_status answer(farside_host *host, uint64_t call,
                             far_event *event) {
  event->call = call;
  farside_status status = take_call(&host->plugins, call);
  if (status == FARSIDE_OK)
    far_host_put(host, event);
  else
    far_event_release(event);
  return status;
}

farside_status farside_resolve(farside_host *host, uint64_t call,
                               const char *json) {
  if (host == NULL)
    return FARSIDE_INVALID;
  far_event *event;
  farside_status status =
      far_event_value(FAR_EVENT_ANSWER, json ? json : "null", &event);
  return status == FARSIDE_OK ? answer(host, call, event) : status;
}

farside_status farside_reject(farside_host *host, uint64_t call,
                              const char *name, const char *message) {
  if (host == NULL)
    return FARSIDE_INVALID;
  far_event *event =
      far_event_new(FAR_EVENT_ANSWER, message ? message : "it failed");
  if (event == NULL || !far_event_set_detail(event, name ? name : "FAILED")) {
    far_event_release(event);
    return FARSIDE_NOMEM;
  }
  event->flag = true;
  return answer(host, call, event);
}

farside_status farside_notify(farside_host *host, const char *plugin,
                              const char *event, const char *json,
                              bool is_retained) {
  if (host == NULL || plugin == NULL || event == NULL || !is_word(event) ||
      far_plugin_find(&host->plugins, plugin) == NULL)
    return FARSIDE_INVALID;
  char topic[FAR_TOPIC_BYTES];
  snprintf(topic, sizeof topic, "%s.%s", plugin, event);
  far_event *fresh;
  farside_status status =
      far_event_value(FAR_EVENT_NOTICE, json ? json : "", &fresh);
  if (status != FARSIDE_OK)
    return status;
  if (!far_event_set_detail(fresh, topic)) {
    far_event_release(fresh);
    return FARSIDE_NOMEM;
  }
  fresh->flag = is_retained;
  far_host_put(host, fresh);
  return FARSIDE_OK;
}
