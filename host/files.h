// Files: the folder of a script, and nothing beside it.
//
// What a transfer brings or takes may be larger than any memory, so that it
// goes through a file. Each script has a folder of its own, by its name, in the
// one that its host was given; a simulated phone makes one for itself, which
// goes with it. A name is one word: it has no slash, so that there is no way to
// walk. What is no plain file, or has a second name somewhere else, is not
// opened, whoever has put it there.
#ifndef FAR_FILES_H
#define FAR_FILES_H

#include "script.h"

enum { FAR_FILE_NAME_BYTES_MAX = 200 };

// What is wrong with a name, or NULL.
const char *far_file_fault(const char *name, size_t bytes);

// How a file is opened.
typedef enum far_file_mode {
  FAR_FILE_READ,
  FAR_FILE_WRITE // To read and write; made where there is none.
} far_file_mode;

// All of these fail with FARSIDE_UNSUPPORTED where the host has no folder, and
// FARSIDE_SYSTEM or FARSIDE_NOFILE; farside_error() says which file, and why.

// The caller closes *fd.
farside_status far_file_open(far_script *script, const char *name,
                             far_file_mode mode, int *fd);

farside_status far_file_size(far_script *script, const char *name,
                             uint64_t *bytes);

// FARSIDE_NOFILE where there was none.
farside_status far_file_remove(far_script *script, const char *name);

// Gives a file a new name, in the place of what had it.
farside_status far_file_rename(far_script *script, const char *from,
                               const char *to);

// Calls `found` for each file, in no order.
farside_status far_file_list(far_script *script,
                             void (*found)(void *user, const char *name),
                             void *user);

// The folder of a phone, made when it is first asked for. Both are the host's.
typedef struct far_files {
  char *folder;      // NULL: there is none.
  bool may_make_one; // Somewhere, for as long as the host.
  bool is_made;
} far_files;

void far_files_deinit(farside_host *host);

#endif
