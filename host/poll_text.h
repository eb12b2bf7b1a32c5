// What is polled, as JSON: see farside_poll(). Each comes from malloc(); NULL
// when memory is short.
#ifndef FAR_POLL_TEXT_H
#define FAR_POLL_TEXT_H

#include "farside.h"

// `json` is JSON already, here and below.
char *far_poll_call(uint64_t call, const char *script, const char *plugin,
                    const char *method, const char *json);
char *far_poll_cancel(uint64_t call);
char *far_poll_message(const char *script, const char *json);
char *far_poll_log(const farside_entry *entry);
char *far_poll_entry(const farside_entry *entry);

#endif
