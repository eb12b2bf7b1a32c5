// Choice: who of all that are ready starts next.
//
// Ready units of a class share their fate, so the first of each class that can
// start is looked at, and the first of these is the next. A choice is made once
// for a look, and asked for as many as may start; nobody else changes the queue
// meanwhile.
#ifndef FAR_CHOICE_H
#define FAR_CHOICE_H

#include "queue.h"

// The first of a class, in brief.
typedef struct far_candidate {
  int64_t class_id;
  far_kind *kind;
  far_work work; // Without an id: there is none.
  bool is_known; // Whether that was looked up.
} far_candidate;

typedef struct far_choice {
  far_candidate *candidates;
  size_t count, capacity;
} far_choice;

farside_status far_choice_init(far_choice *choice, far_queue *queue);
void far_choice_deinit(far_choice *choice, far_queue *queue);

// The next one, into a zeroed record that is the caller's then. FARSIDE_NOWORK
// when none can start.
farside_status far_choice_next(far_choice *choice, far_queue *queue,
                               far_work *work, far_kind **kind);

#endif
