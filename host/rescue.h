// Rescue: what has to be put right before anybody looks at the queue.
//
// Three things happen behind its back. The app dies in the middle of its runs:
// the store says that they go on, and nobody runs them. Somebody sets the clock
// on the wall, by which everything here is timed. And a damaged file is
// salvaged, without some of those whom others wait for.
#ifndef FAR_RESCUE_H
#define FAR_RESCUE_H

#include "queue.h"

// After a start, or a salvage: whoever runs by the store, and not by us, has
// died with the app; and who waits for what was lost waits no longer. The clock
// comes first.
farside_status far_rescue(far_queue *queue);

// Somebody has set the clock on the wall since the last look, or while there
// was no host: what goes by it is moved along.
farside_status far_rescue_from_clock(far_queue *queue);
bool far_rescue_is_clock_moved(const far_queue *queue);

#endif
