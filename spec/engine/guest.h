// What a program that has a Lua of its own asks of a Farside inside it. The
// functions are found by dlsym(), or are linked: see GUEST_LINKED.
#ifndef GUEST_H
#define GUEST_H

#include "farside.h"

typedef struct guest {
  void *library; // NULL where it is linked.
  unsigned (*abi)(void);
  farside_status (*open)(const char *options, farside_host **host, char *error,
                         size_t error_bytes);
  farside_status (*load)(farside_host *host, const char *name, const char *code,
                         size_t bytes, int argc, const char *const *argv);
  farside_status (*run)(farside_host *host);
  farside_status (*start)(farside_host *host);
  farside_status (*tick)(farside_host *host, uint64_t budget_ms);
  farside_status (*post)(farside_host *host, const char *event,
                         const char *json);
  size_t (*poll)(farside_host *host, char *buffer, size_t bytes);
  int (*wake_fd)(farside_host *host);
  void (*close)(farside_host *host);
  void (*get_stats)(const farside_host *host, farside_stats *stats);
} guest;

// Finds the functions of a library that is not linked. Ends the program when it
// cannot.
guest guest_load(const char *path, int flags);

// Lets go of the library. Its functions must not be called any more, and this
// library promises that they could be.
void guest_unload(const guest *mine);

// Opens a host whose messages are polled, with a script.
farside_host *guest_host(const guest *mine, const char *options,
                         const char *code);

// Waits until something is polled.
void guest_wait(const guest *mine, farside_host *host, char *text,
                size_t bytes);

// A whole life: a background task on a thread of its own finishes while nobody
// runs a main loop. Checks what it says.
void guest_live(const guest *mine);

#endif
