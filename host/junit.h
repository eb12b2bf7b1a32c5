// JUnit XML, for build servers: a test case for each task, one for the errors
// of the scripts, and one for the rules of the OS.
#ifndef FAR_JUNIT_H
#define FAR_JUNIT_H

#include "picture.h"

void far_junit_file(FILE *file, const far_story *story,
                    const far_drawn_run *run);

#endif
