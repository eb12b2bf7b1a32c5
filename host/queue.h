// The queue: durable work, as scripts ask for it.
//
// It stands between the scripts and the store: what is asked for is written
// down, and carried out later (`dispatch`, `going`), perhaps after the app was
// killed and started again. What becomes of a unit is decided in `schedule`.
// All of it is on the host's thread.
//
// Each verb fails with FARSIDE_UNSUPPORTED without a store, and with what the
// store says; farside_error() has the sentence. What was written is safe when
// its batch is committed: see `batch`.
#ifndef FAR_QUEUE_H
#define FAR_QUEUE_H

#include "batch.h"
#include "job.h"
#include "schedule.h"
#include "store.h"

enum {
  // Of a script: kinds that it defines or speaks of, and watches. Each costs
  // the host something whenever it looks for what is next, so that a script
  // that has many is a burden for its neighbours.
  FAR_KINDS_MAX = 100,
  FAR_WATCHES_MAX = 100,
  FAR_CHANGED_MAX = 64, // Of a batch, that are known by their ids.
  FAR_ALIASES_MAX = 16,
  // Runs at once, in a host: as WorkManager has on a small phone.
  FAR_RUNS_AT_ONCE = 4
};

// A kind of work that a script has defined. Owned by its script.
typedef struct far_kind {
  far_owned owned;
  far_list link; // In its script's list.
  far_script *script;
  char *name;
  char *origin;                   // Where it was defined.
  char *aliases[FAR_ALIASES_MAX]; // Older names; NULL behind the last.
  far_rules rules;
  int run_ref;
  int (*push)(far_turn *turn, lua_State *L); // The closure of a run.
  int uses;         // Runs that have it, and have not called run_ref yet.
  bool is_replaced; // It was defined anew: it goes with the last use.
} far_kind;

// Somebody who wants to hear of every change. Owned by its script.
typedef struct far_watcher {
  far_list link;
  void (*changed)(struct far_watcher *watcher, const far_work *work);
} far_watcher;

typedef struct far_queue {
  farside_host *host;
  far_store *store;  // NULL: there is none.
  bool may_make_one; // In memory, when somebody wants one: a phone.
  bool is_missed;    // Somebody wanted one, and was told that there is none.
  far_list going, waiters, watchers;
  far_timer timer; // The next unit whose time comes.
  far_quota quota;
  far_chance chance; // For jitter.
  int64_t service_tag, service_tag_kept;
  int64_t seen_ms; // The wall clock, as the store has it from time to time.
  size_t changes;  // In the open batch.
  int64_t changed[FAR_CHANGED_MAX]; // In it: the first of these units.
  size_t changed_count;
  int64_t written;       // By the store, when the last change began.
  int64_t due_ms;        // Nothing that waits is due before.
  bool is_batch_durable; // The open one.
  bool needs_rescue;     // The app has just started: see `rescue`.
  bool was_set_back;     // The clock, while there was no host.
  bool is_stale;         // Something has changed: look who is next.
  bool is_damaged;       // Somebody has read what cannot be.
  bool has_orphans;      // A salvage may have lost parents.
  bool is_dying;      // The app is being killed: the store hears nothing of it.
  uint64_t losses;    // Batches that were lost.
  uint64_t looked_ms; // When it last looked.
  uint64_t quiet_until_ms;       // The store has failed: it is left in peace.
  farside_conditions conditions; // As they were when it last looked.
  int64_t changed_ms[6];         // Since when each FAR_NEEDS_ bit is so.
  bool may_start;
  int64_t may_start_since_ms;
  int64_t wall_offset_ms; // Wall clock less monotonic, when it last looked.
  int64_t zone;           // Which zone that was; zero: not known.
  // For what we asked to be woken, of each kind.
  struct {
    bool is_open;
    int64_t at_ms; // INT64_MIN: as soon as can be.
    unsigned needs;
  } asked[2];
  // The last row that was read for a script. It stays here until the next one,
  // so that nothing is lost where a script is stopped while it is pushed.
  far_work shown;
  uint64_t shown_count;
  char *text; // Likewise, of Storage, with a zero behind it.
  size_t text_bytes;
  // A transaction of a script, and how deep it is nested: nothing is committed.
  const far_script *transaction;
  size_t transaction_depth;
  bool transaction_is_lost; // The store has failed in it.
} far_queue;

farside_status far_queue_init(farside_host *host);
void far_queue_deinit(farside_host *host);

// Gives the queue its store, and takes it over. The app may run already.
void far_queue_use(farside_host *host, far_store *store);

// FARSIDE_OK where there is a store, or one could be made.
farside_status far_queue_need(far_queue *queue);

int64_t far_queue_wall_ms(const farside_host *host);
far_moment far_queue_moment(farside_host *host);

// Something has changed that may let work start.
void far_queue_look_again(far_queue *queue);

// May work begin now? While somebody uses the app, or while it was woken for
// that and the end of its time was not announced; not because it still does
// something else.
bool far_queue_may_start(const farside_host *host);

// -- Kinds

// Defines a kind. The record, made with far_script_new(), is the queue's from
// then on, unless FARSIDE_LIMIT or FARSIDE_NOMEM is the answer. A kind that was
// defined before is replaced.
farside_status far_queue_define(far_kind *kind);

// One use of it less.
void far_queue_leave_kind(far_kind *kind);
far_kind *far_queue_find_kind(const far_script *script, const char *name);
far_kind *far_queue_kind_of(const far_queue *queue, const char *script,
                            const char *name);

// -- Enqueue

// What becomes of work of the same unique name that has not ended.
typedef enum far_existing {
  FAR_EXISTING_KEEP,
  FAR_EXISTING_REPLACE,
  FAR_EXISTING_UPDATE,
  FAR_EXISTING_APPEND,
  FAR_EXISTING_APPEND_OR_REPLACE,
  FAR_EXISTING_DEBOUNCE,
  FAR_EXISTINGS
} far_existing;

// "keep", …; NULL behind the last.
const char *far_existing_name(far_existing existing);

typedef struct far_order {
  far_work work; // Its strings are the caller's.
  far_existing existing;
  int64_t delay_ms;
  bool is_immediate; // Periodic work: its first run is due at once.
  bool is_durable;
  int64_t parents[FAR_WORK_PARENTS_MAX];
  size_t parent_count;
  const char *where; // "app.lua:12", or NULL.
} far_order;

typedef struct far_receipt {
  int64_t id;
  bool was_there;  // And was kept, updated or put off.
  unsigned clamps; // FAR_CLAMP_ bits.
  // As it is now.
  far_work_state state;
  int64_t run_at_ms;
  int64_t every_ms;
  int64_t flex_ms;
  far_rules rules;
} far_receipt;

// FARSIDE_NOWORK for a parent that there is not, FARSIDE_LIMIT for expedited
// work without quota that says or_drop, FARSIDE_FULL when the script has as
// many that have not ended as its limit `work` says.
farside_status far_queue_enqueue(far_script *script, far_order *order,
                                 far_receipt *receipt);

// -- What is there

// For all of these NULL means: of any script. FARSIDE_NOWORK also for another
// script's.

// Cancels what the filter finds, whether it runs or not.
farside_status far_queue_cancel(farside_host *host, const char *script,
                                const far_find *which, int64_t *count);

// One of them. One that has ended is not counted.
farside_status far_queue_cancel_one(farside_host *host, const char *script,
                                    int64_t id, int64_t *count);

// FARSIDE_INVALID for what has neither failed nor was cancelled; FARSIDE_FULL
// as for enqueue.
farside_status far_queue_redrive(farside_host *host, const char *script,
                                 int64_t id);

// Forgets what has ended.
farside_status far_queue_prune(farside_host *host, const char *script,
                               int64_t *count);

farside_status far_queue_get(farside_host *host, const char *script, int64_t id,
                             far_work *work);

// The same, and the next one of a search, into queue->shown.
farside_status far_queue_show(farside_host *host, const char *script,
                              int64_t id);
farside_status far_queue_show_next(farside_host *host, far_find *find);
size_t far_queue_explain(farside_host *host, const far_work *work,
                         far_obstacle obstacles[FAR_OBSTACLES_MAX]);

#endif
