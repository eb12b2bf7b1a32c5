// Storage: the values of scripts, in the same store as their work.
//
// Each script has a namespace of its own, by its name, so that what it kept is
// there at its next launch. A change is in the store when its function returns,
// unless it is part of a transaction: then it is there when that is over, with
// all that the transaction changed, or nothing of it is.
//
// A transaction lasts as long as one call of a script's function, in which
// nothing can wait: it is over before the app can be put to sleep.
#ifndef FAR_STORAGE_H
#define FAR_STORAGE_H

#include "script.h"

enum { FAR_KEY_BYTES_MAX = 1024, FAR_VALUE_BYTES_MAX = 1024 * 1024 };

// FARSIDE_FULL when the script would keep more than its limit `storage`.
farside_status far_storage_set(far_script *script, const char *key,
                               size_t key_bytes, const char *json);

// A text that these two give stays in the host until the next one, so that
// nothing is lost where a script is stopped while it is pushed.

// FARSIDE_NOWORK where there is no such key.
farside_status far_storage_get(far_script *script, const char *key,
                               size_t key_bytes, const char **json);

// The next key behind `after` that begins with the prefix; NULL begins. In the
// order of bytes. FARSIDE_NOWORK behind the last.
farside_status far_storage_next(far_script *script, const char *prefix,
                                size_t prefix_bytes, const char *after,
                                size_t after_bytes, const char **key,
                                size_t *key_bytes);

farside_status far_storage_remove(far_script *script, const char *key,
                                  size_t key_bytes, bool *was_there);
farside_status far_storage_clear(far_script *script);

// Transactions nest; the outermost commits. `end` with false takes back what
// came since its begin.
farside_status far_storage_begin(far_script *script);
farside_status far_storage_end(far_script *script, bool is_kept);

// A script was stopped: what it had begun, and not ended, is taken back.
void far_storage_abandon(far_script *script);

#endif
