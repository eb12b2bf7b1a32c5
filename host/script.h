// A script: one Lua program in a lua_State, with its queue of turns.
//
// A hosted script has a state of its own, made and closed here. A borrowed one
// lives in somebody else's interpreter (require "farside" in plain Lua), whose
// state is never closed and whose globals are never touched.
#ifndef FAR_SCRIPT_H
#define FAR_SCRIPT_H

#include "arena.h"
#include "event.h"
#include "region.h"
#include "slots.h"
#include "turn.h"

typedef struct far_script far_script;

// Something that a task or a script holds and that must end with it: a timer,
// a sleeping coroutine. Embed it.
typedef struct far_owned {
  const char *what; // "timer", for the sentence about a leak.
  bool is_endless;  // It goes round for ever, unless somebody ends it.
  bool is_passive;  // Nothing comes of it by itself: no reason to wait for it.
  void (*cancel)(struct far_owned *owned); // Ends it and frees its memory.
  far_script *script;
  struct far_job *job; // NULL: the script's own.
  far_list link;
} far_owned;

// A coroutine at rest, ready for the next turn.
typedef struct far_coroutine {
  lua_State *co;
  int ref;
} far_coroutine;

enum { FAR_POOL_MAX = 64 };

struct far_script {
  farside_host *host;
  far_list link;             // In the host's list.
  far_list ready;            // In the host's list of those that have turns.
  far_script *same_bucket;   // See far_names.
  int namesakes;             // Scripts that wanted its name and got another.
  char *name;                // "finish_upload" for scripts/finish_upload.lua.
  char *folder;              // Where its own modules lie; NULL for none.
  lua_State *L;              // The main thread of its state.
  struct far_source *source; // What it was loaded from; NULL if borrowed.
  struct far_manifest *manifest; // What it may do; likewise.
  struct far_source_map *maps;   // Of those of its files that were generated.
  far_arena *arena;              // All that L has; NULL for a borrowed one.
  far_region *region;            // Where it lies in virtual time, or NULL.
  farside_limits limits;
  uint64_t messages; // Those that wait for it.
  int strikes; // Tasks of it that were stopped, shortly one after another.
  uint64_t struck_ms; // When the last one was.
  bool is_borrowed;
  bool is_trusted; // The full libraries: --trust.
  bool is_dead;    // It was stopped for good: nothing may touch L any more.
  bool is_suspect; // Scratch: one of its jobs is, see far_jobs_find_leaks().
  uint64_t search_after_ns; // It costs much to search: not before that.

  far_list turns;      // Queued, oldest first.
  far_turn *running;   // The turn under way, or NULL.
  bool is_parked;      // It is between two slices.
  bool is_doomed;      // And there will be no other.
  uint64_t turn_ns;    // What it has computed so far.
  uint64_t cpu_ns;     // What all turns have, since the script was opened.
  struct far_job *job; // The task for which the running code works, or NULL.
  lua_State *co;       // The coroutine that the door resumed, and what keeps
  int co_ref;          // it alive: a wait may take the reference over.
  bool co_is_ours;
  far_role co_role;
  lua_State *going_on; // A coroutine on its way back from a wait.
  far_coroutine pool[FAR_POOL_MAX];
  size_t pooled;
  int *spare_refs; // Of the registry, in which they hold nothing.
  size_t spares, spares_room;

  far_list kinds;       // Of durable work: those that it has defined,
  far_list kind_names;  // and those of which it has spoken.
  size_t kinds_count;   // Both together.
  size_t watches_count; // Of durable work.
  uint64_t work_room;   // So many units surely fit; the rest has to be counted.
  far_list owned;       // What belongs to no task.
  far_slots waits;      // Timers and sleeping coroutines, by id.

  // Set by the bindings: hands an event to the script's listeners, and says
  // whether there is a listener at all. The emitter is theirs.
  void (*deliver)(far_script *script, far_event *event);
  void *emitter;
  void *box;      // What the bindings' functions know the script by.
  int task_class; // Their metatable of tasks, in the registry, and where it
  const void *task_class_at; // lies: to ask for it takes longer than to look.

  unsigned closings;        // How deep coroutine.close() is nested, and where
  const char *closing_from; // on the C stack the outermost one stands.

  char warning[512]; // What warn() said so far; it comes in pieces.
  size_t warning_bytes;

  far_turn load; // The main chunk.
  int load_ref;
  farside_status load_status;
};

// What bindings/ does to a fresh state, and at its end.
typedef struct far_script_hooks {
  int (*open)(lua_State *L); // In protected mode; lightuserdata script at 1.
  void (*close)(far_script *script);
  // To this kind of event; FAR_EVENTS: to any.
  bool (*is_listening)(const far_script *script, far_event_kind kind);
} far_script_hooks;

// Opens a hosted script: a state with the libraries of the sandbox, and our
// modules. Takes the source and the manifest over, also where it fails.
farside_status far_script_open(farside_host *host, const char *name,
                               struct far_source *source,
                               struct far_manifest *manifest,
                               far_script **script);

// Makes a script of somebody else's state, without its modules.
farside_status far_script_borrow(farside_host *host, lua_State *L,
                                 far_script **script);

// Ends a script: cancels its turns and what it owns. Its tasks are ended by
// far_jobs_cancel() before.
void far_script_close(far_script *script);

// Compiles and runs the main chunk of its source.
farside_status far_script_load(far_script *script);

// A file of it was read: if there is a source map beside it, what is told of
// the file from now on is told of what it was made from. Under the shield.
void far_script_map(far_script *script, const char *path);

// Queues a turn that collects all garbage of a script.
void far_script_collect(far_script *script);

// Puts a script behind the others that have turns, when it has any.
void far_script_ready(far_script *script);

// Takes memory of the host for a script, counted against the script's cap, so
// that a million timers are its own problem. NULL when either says no.
void *far_script_new(far_script *script, size_t bytes);
void far_script_free(far_script *script, void *ptr, size_t bytes);

// luaL_ref() and luaL_unref() in the registry, for a script: those that were
// given back are kept and taken again, because Lua's own chain of them costs
// three times as much. The first pops a value, and may raise an error; the
// second does nothing where nobody is left to give anything back to.
int far_script_ref(far_script *script, lua_State *L);
void far_script_unref(far_script *script, int *ref);

// Adds something to what the running task owns, or the script where no task
// runs.
void far_script_own(far_script *script, far_owned *owned);

// Takes it out again. Ends nothing.
void far_owned_leave(far_owned *owned);

// Cancels everything in a list of owned things.
void far_owned_cancel_all(far_list *list);

// Whose state it is, where the state is ours; its coroutines know it too. The
// quickest way there is, for what is called very often.
static inline far_script *far_script_marked(lua_State *L) {
  return *(far_script **)lua_getextraspace(L);
}

static inline void far_script_mark(lua_State *L, far_script *script) {
  *(far_script **)lua_getextraspace(L) = script;
}

#endif
