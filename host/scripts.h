// The scripts of a host: loading, listing, reloading and closing them, and the
// messages that pass between them.
#ifndef FAR_SCRIPTS_H
#define FAR_SCRIPTS_H

#include "memory.h"

typedef struct far_event far_event;
typedef struct far_script far_script;

// Scripts by name, however many there are.
typedef struct far_names {
  far_script **buckets;
  size_t capacity; // A power of two.
  size_t count;
} far_names;

enum {
  // A longer message is a file: send its path.
  FAR_MESSAGE_BYTES_MAX = 1024 * 1024,
  // So many wait for a script that does not listen to messages.
  FAR_MESSAGES_UNHEARD_MAX = 64
};

// Adds a script under its name; false when memory is short.
bool far_names_add(farside_host *host, far_script *script);

// Harmless for a script that was never added.
void far_names_remove(farside_host *host, far_script *script);
void far_names_deinit(farside_host *host);

// Finds a script that is not dead by its name; NULL when there is none.
far_script *far_scripts_find(const farside_host *host, const char *name);

// Hands a message, any JSON value of up to FAR_MESSAGE_BYTES_MAX, from one
// script to another or to the host, "host". FARSIDE_NOSCRIPT; FARSIDE_LIMIT
// when too many wait, or the receiver's memory is full; FARSIDE_UNSUPPORTED
// where the host does not listen; FARSIDE_NOMEM.
farside_status far_scripts_send(farside_host *host, const char *from,
                                const char *to, const char *json);

// How many messages may wait for a script right now.
uint64_t far_scripts_room(const far_script *to);

// Hands over a message that came from outside, and takes its reference over.
void far_scripts_take(farside_host *host, far_event *event);

// What all scripts together have in memory, and which has the most; NULL
// where there is none.
uint64_t far_scripts_heap(const farside_host *host, const far_script **most);

#endif
