// A source: what a script was loaded from and the most that it may do, kept so
// that it can be loaded anew.
#ifndef FAR_SOURCE_H
#define FAR_SOURCE_H

#include "manifest.h"

typedef struct far_source {
  far_memory *memory;
  farside_source given; // Its strings and arguments are ours.
  far_manifest *grant;  // As the needs of a manifest.
  far_manifest *said;   // The embedder's; NULL: look beside the file.
} far_source;

// Checks and copies. FARSIDE_INVALID, after a sentence; FARSIDE_NOMEM.
farside_status far_source_copy(far_memory *memory, const farside_source *given,
                               far_source **source, char *error, size_t bytes);

// Safe on NULL.
void far_source_free(far_source *source);

// What holds for the script: reads its manifest, and checks it against the
// grant. Fails as far_manifest_read() and far_manifest_settle() do.
farside_status far_source_settle(const far_source *source,
                                 far_manifest **settled, char *error,
                                 size_t bytes);

// What a script is called that does not say: "finish_upload" for
// scripts/finish_upload.lua.
void far_source_base_name(const far_source *source, char *name, size_t bytes);

#endif
