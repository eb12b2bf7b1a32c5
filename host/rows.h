// Rows: what was decided of a unit of work is written, told, and passed on to
// those that wait for it.
#ifndef FAR_ROWS_H
#define FAR_ROWS_H

#include "queue.h"
#include "timeline.h"

// Writes an entry about a unit.
void far_rows_note(far_queue *queue, far_what what, farside_level level,
                   const far_work *work, const char *why);

// Tells those who watch.
void far_rows_tell(far_queue *queue, const far_work *work);

// Both, of what has become of it.
void far_rows_note_state(far_queue *queue, const far_work *work);

// All of these within a batch. A row that is ready, by far_schedule_is_ready(),
// stays so.
farside_status far_rows_insert(far_queue *queue, far_order *order);
farside_status far_rows_save(far_queue *queue, const far_work *work);

// The same, only while it is in this run. FARSIDE_STALE.
farside_status far_rows_save_run(far_queue *queue, const far_work *work,
                                 int64_t token);

// Its place among those that are ready: it is one of them when it is saved.
farside_status far_rows_rank(far_queue *queue, far_work *work);

// Writes a row, says what became of it, and tells its children if it has ended.
farside_status far_rows_settle(far_queue *queue, const far_work *work);
farside_status far_rows_tell_children(far_queue *queue, const far_work *work);

// The run that a row is in has ended, in whatever way, without a word of its
// own: the history says so.
farside_status far_rows_end_run(far_queue *queue, const far_work *work,
                                far_run_end end, const char *why);

// A unit was redriven: its children that are still blocked wait for it again.
farside_status far_rows_redriven(far_queue *queue, const far_work *work);

#endif
