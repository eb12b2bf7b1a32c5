// The trace: a story in the Trace Event Format, for Perfetto and its like.
#ifndef FAR_TRACE_H
#define FAR_TRACE_H

#include "story.h"
#include <stdio.h>

void far_trace_file(FILE *file, const far_story *story);

#endif
