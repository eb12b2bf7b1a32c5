// The options of a host as a text: see farside_open().
#ifndef FAR_OPTIONS_H
#define FAR_OPTIONS_H

#include "farside.h"

// Owns what a config that was read points to.
typedef struct far_options far_options;

// Reads a text into a config and the path of its store, which is NULL for none.
// On failure *options is NULL, and `error` says why.
farside_status far_options_read(const char *text, farside_config *config,
                                const char **store, far_options **options,
                                char *error, size_t bytes);

void far_options_free(far_options *options);

#endif
