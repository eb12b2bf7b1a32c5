// The page: a run as one HTML file that needs nothing else. What went wrong
// stands first, in words; then the picture; then every entry.
#ifndef FAR_PAGE_H
#define FAR_PAGE_H

#include "picture.h"

void far_page_file(FILE *file, const far_story *story,
                   const far_drawn_run *run);

#endif
