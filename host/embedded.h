// Files of scripts/ and of bindings/typescript/ that are compiled into what we
// ship: the tables are written by embed_files.cmake when it is built.
#ifndef FAR_EMBEDDED_H
#define FAR_EMBEDDED_H

#include <stddef.h>

typedef struct far_embedded {
  const char *path; // NULL ends the table.
  const char *text; // Ends with a zero byte.
  size_t bytes;
} far_embedded;

extern const far_embedded far_busted[];   // scripts/busted.lua
extern const far_embedded far_template[]; // scripts/template: what `new` makes.
// What `new --typescript` makes: scripts/template_typescript, and the package.
extern const far_embedded far_template_typescript[];
extern const far_embedded far_typescript[];

#endif
