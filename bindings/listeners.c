#include "listeners.h"

#include <lauxlib.h>
#include <string.h>

enum {
  // An app that nobody reads its URLs for must not fill the memory with them.
  RETAINED_MAX = 64
};

typedef struct listener {
  far_list link;
  uint64_t id;
  int function_ref;
  bool is_once;
  bool is_taken; // Once, and its event is on the way.
} listener;

// Who listens to one thing, and what waits for somebody who does.
typedef struct channel {
  far_list listeners;
  far_event **retained; // RETAINED_MAX of them, or NULL so far.
  size_t retained_count;
} channel;

// The channel of a plugin's event.
typedef struct topic {
  far_list link;
  channel channel;
  size_t bytes;
  char name[]; // "Score.changed"
} topic;

typedef struct emitter {
  channel channels[FAR_EVENTS];
  far_list topics; // Those that were listened to, or have something waiting.
  far_slots ids;
} emitter;

// One event on its way to one listener.
typedef struct delivery {
  far_turn turn;
  uint64_t id;
  far_event *event;
} delivery;

static emitter *emitter_of(const far_script *script) {
  return script->emitter;
}

static far_memory *memory_of(far_script *script) {
  return &script->host->memory;
}

static topic *find_topic(const emitter *mine, const char *name) {
  for (far_list *link = mine->topics.next; link != &mine->topics;
       link = link->next) {
    topic *found = far_list_item(link, topic, link);
    if (strcmp(found->name, name) == 0)
      return found;
  }
  return NULL;
}

static topic *topic_new(far_script *script, const char *name) {
  size_t bytes = sizeof(topic) + strlen(name) + 1;
  topic *fresh = far_script_new(script, bytes);
  if (fresh == NULL)
    return NULL;
  far_list_init(&fresh->channel.listeners);
  fresh->bytes = bytes;
  memcpy(fresh->name, name, bytes - sizeof(topic));
  far_list_append(&emitter_of(script)->topics, &fresh->link);
  return fresh;
}

// Where an event goes; NULL when memory is short for a topic that nobody has
// asked for before.
static channel *channel_of(far_script *script, far_event_kind kind,
                           const char *name) {
  emitter *mine = emitter_of(script);
  if (kind < FAR_EVENTS)
    return &mine->channels[kind];
  topic *found = find_topic(mine, name);
  if (found == NULL)
    found = topic_new(script, name);
  return found ? &found->channel : NULL;
}

static void delivered(far_turn *turn, far_turn_end how) {
  (void)how;
  delivery *mine = far_list_item(turn, delivery, turn);
  far_event_release(mine->event);
  far_script_free(turn->script, mine, sizeof *mine);
}

static int push_delivery(far_turn *turn, lua_State *L) {
  delivery *mine = far_list_item(turn, delivery, turn);
  far_script *script = turn->script;
  listener *to = far_slots_get(&emitter_of(script)->ids, mine->id);
  if (to == NULL)
    return FAR_TURN_NOTHING; // Removed since.
  lua_rawgeti(L, LUA_REGISTRYINDEX, to->function_ref);
  // It must not be looked at again: pushing may collect garbage, and a
  // finalizer may remove it.
  if (to->is_once)
    far_listener_remove(script, mine->id);
  return far_push_event(L, mine->event);
}

static bool send(far_script *script, listener *to, far_event *event) {
  delivery *fresh = far_script_new(script, sizeof *fresh);
  if (fresh == NULL) {
    far_host_notef(script->host, FAR_WHAT_LOG, FARSIDE_ERROR, script, NULL,
                   "no memory to tell a listener of %s",
                   far_event_name(event->kind));
    return false;
  }
  to->is_taken = to->is_once;
  fresh->id = to->id;
  fresh->event = far_event_retain(event);
  fresh->turn =
      (far_turn){.script = script, .push = push_delivery, .end = delivered};
  far_turn_queue(&fresh->turn);
  return true;
}

static size_t retained_bytes(void) {
  return RETAINED_MAX * sizeof(far_event *);
}

// Few events ever wait, so their place is made when the first one does.
static void retain(far_script *script, channel *way, far_event *event) {
  if (way->retained == NULL)
    way->retained = far_script_new(script, retained_bytes());
  far_event **waiting = way->retained;
  if (waiting == NULL) {
    far_host_notef(script->host, FAR_WHAT_LOG, FARSIDE_ERROR, script, NULL,
                   "no memory to keep the event %s",
                   far_event_name(event->kind));
    return;
  }
  size_t *count = &way->retained_count;
  if (*count == RETAINED_MAX) {
    far_host_notef(script->host, FAR_WHAT_LOG, FARSIDE_WARN, script, NULL,
                   "%d events %s wait for a listener: the oldest is dropped",
                   (int)RETAINED_MAX, far_event_name(event->kind));
    far_event_release(waiting[0]);
    for (size_t i = 1; i < RETAINED_MAX; i++)
      waiting[i - 1] = waiting[i];
    (*count)--;
  }
  waiting[(*count)++] = far_event_retain(event);
}

static void deliver(far_script *script, far_event *event) {
  bool is_retained = far_event_is_retained(event);
  if (event->kind == FAR_EVENT_NOTICE && !is_retained &&
      find_topic(emitter_of(script), event->detail) == NULL)
    return;
  channel *way = channel_of(script, event->kind, event->detail);
  if (way == NULL) {
    far_host_notef(script->host, FAR_WHAT_LOG, FARSIDE_ERROR, script, NULL,
                   "no memory to keep the event %s", event->detail);
    return;
  }
  far_list *all = &way->listeners;
  bool is_heard = false;
  for (far_list *link = all->next; link != all; link = link->next) {
    listener *to = far_list_item(link, listener, link);
    if (to->is_taken)
      continue;
    is_heard = true;
    // Who has no memory for one listener may have a million: it is said once.
    if (!send(script, to, event))
      break;
  }
  if (!is_heard && is_retained)
    retain(script, way, event);
}

void far_listeners_open(far_script *script) {
  emitter *fresh = far_script_new(script, sizeof *fresh);
  if (fresh == NULL)
    luaL_error(script->L, "not enough memory");
  for (size_t i = 0; i < FAR_EVENTS; i++)
    far_list_init(&fresh->channels[i].listeners);
  far_list_init(&fresh->topics);
  far_slots_init(&fresh->ids, memory_of(script), 1);
  script->emitter = fresh;
  script->deliver = deliver;
}

static void remove_all(far_script *script, channel *way) {
  while (!far_list_is_empty(&way->listeners))
    far_listener_remove(script,
                        far_list_item(way->listeners.next, listener, link)->id);
}

static void close_channel(far_script *script, channel *way) {
  remove_all(script, way);
  while (way->retained_count > 0)
    far_event_release(way->retained[--way->retained_count]);
  far_script_free(script, way->retained, retained_bytes());
}

void far_listeners_close(far_script *script) {
  emitter *mine = emitter_of(script);
  if (mine == NULL)
    return;
  for (size_t kind = 0; kind < FAR_EVENTS; kind++)
    close_channel(script, &mine->channels[kind]);
  while (!far_list_is_empty(&mine->topics)) {
    topic *gone = far_list_item(mine->topics.next, topic, link);
    far_list_leave(&gone->link);
    close_channel(script, &gone->channel);
    far_script_free(script, gone, gone->bytes);
  }
  far_slots_deinit(&mine->ids);
  far_script_free(script, mine, sizeof *mine);
  script->emitter = NULL;
  script->deliver = NULL;
}

bool far_is_listening(const far_script *script, far_event_kind kind) {
  const emitter *mine = emitter_of(script);
  if (kind == FAR_EVENTS)
    return mine->ids.count > 0;
  const far_list *all = &mine->channels[kind].listeners;
  for (const far_list *link = all->next; link != all; link = link->next)
    if (!far_list_item(link, listener, link)->is_taken)
      return true;
  return false;
}

uint64_t far_listener_add(far_script *script, far_event_kind kind,
                          const char *name, int function_ref, bool is_once) {
  emitter *mine = emitter_of(script);
  channel *way = channel_of(script, kind, name);
  listener *fresh = way ? far_script_new(script, sizeof *fresh) : NULL;
  if (fresh == NULL)
    return 0;
  fresh->id = far_slots_add(&mine->ids, fresh);
  if (fresh->id == 0) {
    far_script_free(script, fresh, sizeof *fresh);
    return 0;
  }
  fresh->function_ref = function_ref;
  fresh->is_once = is_once;
  far_list_append(&way->listeners, &fresh->link);

  // A listener for one time takes one of the events that wait.
  size_t count = way->retained_count;
  size_t taken = is_once && count > 1 ? 1 : count;
  for (size_t i = 0; i < taken; i++) {
    send(script, fresh, way->retained[i]);
    far_event_release(way->retained[i]);
  }
  for (size_t i = taken; i < count; i++)
    way->retained[i - taken] = way->retained[i];
  way->retained_count = count - taken;
  return fresh->id;
}

void far_listener_remove(far_script *script, uint64_t id) {
  emitter *mine = emitter_of(script);
  listener *gone = far_slots_get(&mine->ids, id);
  if (gone == NULL)
    return;
  far_slots_remove(&mine->ids, id, 0);
  far_list_leave(&gone->link);
  far_script_unref(script, &gone->function_ref);
  far_script_free(script, gone, sizeof *gone);
}

// "Score." is all of Score's.
static bool is_meant(const topic *one, const char *name) {
  size_t length = strlen(name);
  return strncmp(one->name, name, length) == 0 &&
         (one->name[length] == '\0' || name[length - 1] == '.');
}

void far_listener_remove_all(far_script *script, far_event_kind kind,
                             const char *name) {
  emitter *mine = emitter_of(script);
  for (size_t i = 0; i < FAR_EVENTS; i++)
    if (kind == FAR_EVENTS || kind == (far_event_kind)i)
      remove_all(script, &mine->channels[i]);
  if (kind != FAR_EVENT_NOTICE)
    return;
  for (far_list *link = mine->topics.next; link != &mine->topics;
       link = link->next) {
    topic *one = far_list_item(link, topic, link);
    if (is_meant(one, name))
      remove_all(script, &one->channel);
  }
}
