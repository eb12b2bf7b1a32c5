// Listeners: who in a script wants to hear of which event.
//
// Each listener is called in a turn of its own, with a table of its own, over a
// snapshot of the list: one that fails, removes itself or removes another
// harms nobody else. Some events wait for their first listener.
#ifndef FAR_LISTENERS_H
#define FAR_LISTENERS_H

#include "../host/host.h"

// Gives a script its (empty) listeners. Raises a Lua error when memory is
// short.
void far_listeners_open(far_script *script);
void far_listeners_close(far_script *script);

// To this kind of event; FAR_EVENTS: to any.
bool far_is_listening(const far_script *script, far_event_kind kind);

// Adds a listener to one kind of event, or with FAR_EVENT_NOTICE to one topic,
// which is NULL for the others. The reference to its function is taken over.
// Returns its id, or zero when memory is short. Events that waited for it
// follow in later turns.
uint64_t far_listener_add(far_script *script, far_event_kind kind,
                          const char *topic, int function_ref, bool is_once);

// Removes a listener: it is never called again. Harmless when it is gone.
void far_listener_remove(far_script *script, uint64_t id);

// Removes those of one kind, or all of the app's with FAR_EVENTS. With
// FAR_EVENT_NOTICE those of one topic, or of all that begin with "Score." or
// the like. Waiting events stay.
void far_listener_remove_all(far_script *script, far_event_kind kind,
                             const char *topic);

// Pushes a handle of a new listener to a topic: the function is at 2. Raises an
// error when memory is short.
int far_push_listener(lua_State *L, far_event_kind kind, const char *topic,
                      bool is_once);

// Pushes the table that a listener gets, or nothing. Returns how many values.
int far_push_event(lua_State *L, far_event *event);

#endif
