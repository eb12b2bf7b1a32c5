// A manifest: what a script says of itself, in a file farside.lua beside it,
// and what it asks leave to do.
//
//   return {
//     name = "finish_upload",
//     version = "1.2.0",
//     modules = { "json", "socket.http" },
//     http = { "https://api.example.com/v1/*" },
//     background = { "task" },
//     limits = { memory = "32MB", turn = "500ms", cpu = "off", messages = 50 },
//   }
//
// All fields are optional; limits may be the text of limit.h as well. A file
// of somebody else is not trusted to be a table: it runs in a Lua state of its
// own, without a single function, with little memory and few instructions.
//
// Where a function fails it has written one sentence to `error`, without a full
// stop and without control characters; FAR_SENTENCE_BYTES are enough.
#ifndef FAR_MANIFEST_H
#define FAR_MANIFEST_H

#include "limit.h"
#include "memory.h"

enum { FAR_LIST_MAX = 256 }; // Entries of each list.

// The lists of farside_permissions.
typedef enum far_permission {
  FAR_PERMISSION_MODULE,
  FAR_PERMISSION_HTTP,
  FAR_PERMISSION_BACKGROUND
} far_permission;

// Reads "http=https://example.com/*", as --grant has it; *value points into the
// text. False after a sentence.
bool far_permission_parse(const char *text, far_permission *permission,
                          const char **value, char *error, size_t bytes);

// Checked, and owned by itself.
typedef struct far_manifest {
  far_memory *memory;
  farside_manifest said;
} far_manifest;

// Reads farside.lua beside a script. Without one: FARSIDE_OK, and *manifest is
// NULL; likewise where the script itself is called so. FARSIDE_NOFILE: there is
// one, and it cannot be read. FARSIDE_SYNTAX, FARSIDE_INVALID, FARSIDE_NOMEM.
farside_status far_manifest_read(far_memory *memory, const char *script_path,
                                 far_manifest **manifest, char *error,
                                 size_t bytes);

// Checks and copies a table of the embedder's. What a host grants can be kept
// the same way, as the needs of a table that says nothing else.
// FARSIDE_INVALID, FARSIDE_NOMEM.
farside_status far_manifest_copy(far_memory *memory,
                                 const farside_manifest *table,
                                 far_manifest **manifest, char *error,
                                 size_t bytes);

// Safe on NULL.
void far_manifest_free(far_manifest *manifest);

// Whether a manifest leaves a script this module, or this background mode. NULL
// allows all.
bool far_manifest_allows_module(const far_manifest *manifest, const char *name);
bool far_manifest_allows_background(const far_manifest *manifest,
                                    const char *mode);

// FARSIDE_DENIED when a script asks for more than is granted, with a sentence
// that says how to grant it. NULL: it asks for nothing; the default is granted.
farside_status far_manifest_check(const far_manifest *asked,
                                  const farside_permissions *granted,
                                  char *error, size_t bytes);

// Checks, and makes the manifest that holds from now on: no more than was asked
// for, where it was said, and never more than is granted; no limit is zero. A
// script without a manifest gets all that is granted. The result is complete:
// nobody has to look at `granted` again.
farside_status far_manifest_settle(far_memory *memory,
                                   const far_manifest *asked,
                                   const farside_permissions *granted,
                                   far_manifest **settled, char *error,
                                   size_t bytes);

#endif
