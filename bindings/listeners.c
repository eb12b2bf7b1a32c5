#include "listeners.h"

#include <lauxlib.h>

enum {
  // An app that nobody reads its URLs for must not fill the memory with them.
  RETAINED_MAX = 64
};

typedef struct listener {
  far_list link;
  uint64_t id;
  far_event_kind kind;
  int function_ref;
  bool is_once;
  bool is_taken; // Once, and its event is on the way.
} listener;

typedef struct emitter {
  far_list listeners[FAR_EVENTS];
  far_slots ids;
  far_event **retained[FAR_EVENTS]; // RETAINED_MAX of them, or NULL so far.
  size_t retained_count[FAR_EVENTS];
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
static far_event **retained_of(far_script *script, far_event_kind kind) {
  far_event ***retained = &emitter_of(script)->retained[kind];
  if (*retained == NULL)
    *retained = far_script_new(script, retained_bytes());
  return *retained;
}

static void retain(far_script *script, far_event *event) {
  emitter *mine = emitter_of(script);
  far_event **waiting = retained_of(script, event->kind);
  if (waiting == NULL) {
    far_host_notef(script->host, FAR_WHAT_LOG, FARSIDE_ERROR, script, NULL,
                   "no memory to keep the event %s",
                   far_event_name(event->kind));
    return;
  }
  size_t *count = &mine->retained_count[event->kind];
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
  far_list *all = &emitter_of(script)->listeners[event->kind];
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
  if (!is_heard && far_event_is_retained(event->kind))
    retain(script, event);
}

void far_listeners_open(far_script *script) {
  emitter *fresh = far_script_new(script, sizeof *fresh);
  if (fresh == NULL)
    luaL_error(script->L, "not enough memory");
  for (size_t i = 0; i < FAR_EVENTS; i++)
    far_list_init(&fresh->listeners[i]);
  far_slots_init(&fresh->ids, memory_of(script), 1);
  script->emitter = fresh;
  script->deliver = deliver;
}

void far_listeners_close(far_script *script) {
  emitter *mine = emitter_of(script);
  if (mine == NULL)
    return;
  far_listener_remove_all(script, FAR_EVENTS);
  for (size_t kind = 0; kind < FAR_EVENTS; kind++)
    while (mine->retained_count[kind] > 0)
      far_event_release(mine->retained[kind][--mine->retained_count[kind]]);
  for (size_t kind = 0; kind < FAR_EVENTS; kind++)
    far_script_free(script, mine->retained[kind], retained_bytes());
  far_slots_deinit(&mine->ids);
  far_script_free(script, mine, sizeof *mine);
  script->emitter = NULL;
  script->deliver = NULL;
}

bool far_is_listening(const far_script *script, far_event_kind kind) {
  const emitter *mine = emitter_of(script);
  if (kind == FAR_EVENTS)
    return mine->ids.count > 0;
  const far_list *all = &mine->listeners[kind];
  for (const far_list *link = all->next; link != all; link = link->next)
    if (!far_list_item(link, listener, link)->is_taken)
      return true;
  return false;
}

uint64_t far_listener_add(far_script *script, far_event_kind kind,
                          int function_ref, bool is_once) {
  emitter *mine = emitter_of(script);
  listener *fresh = far_script_new(script, sizeof *fresh);
  if (fresh == NULL)
    return 0;
  fresh->id = far_slots_add(&mine->ids, fresh);
  if (fresh->id == 0) {
    far_script_free(script, fresh, sizeof *fresh);
    return 0;
  }
  fresh->kind = kind;
  fresh->function_ref = function_ref;
  fresh->is_once = is_once;
  far_list_append(&mine->listeners[kind], &fresh->link);

  // A listener for one time takes one of the events that wait.
  size_t count = mine->retained_count[kind];
  size_t taken = is_once && count > 1 ? 1 : count;
  for (size_t i = 0; i < taken; i++) {
    send(script, fresh, mine->retained[kind][i]);
    far_event_release(mine->retained[kind][i]);
  }
  for (size_t i = taken; i < count; i++)
    mine->retained[kind][i - taken] = mine->retained[kind][i];
  mine->retained_count[kind] = count - taken;
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

void far_listener_remove_all(far_script *script, far_event_kind kind) {
  emitter *mine = emitter_of(script);
  for (size_t i = 0; i < FAR_EVENTS; i++)
    while ((kind == FAR_EVENTS || kind == (far_event_kind)i) &&
           !far_list_is_empty(&mine->listeners[i]))
      far_listener_remove(
          script, far_list_item(mine->listeners[i].next, listener, link)->id);
}
