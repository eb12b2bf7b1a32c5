// The watchdog: it sees to it that no script outlives its budget.
//
// One thread a process, asleep while nothing computes. Whoever enters a script
// writes down when somebody should look (two stores, no system call), and the
// watchdog looks then. What it decides it tells the thread that computes by a
// signal, because only there is it safe to touch a lua_State:
//
//   suspend  the slice is over: a hook yields, and the turn goes on later
//   kill     a budget is spent: the hook yields for good, or raises an error
//            again and again where nothing can yield
//   drop     there was no answer within the grace: the thread jumps back to
//            where it entered, and the script's memory is thrown away
//
// Nothing is hooked before the signal comes, so a script that behaves runs at
// full speed.
#ifndef FAR_WATCHDOG_H
#define FAR_WATCHDOG_H

#include "farside.h"
#include "shield.h"
#include <lua.h>
#include <pthread.h>
#include <setjmp.h>

typedef struct far_watch far_watch;

// What a turn may use. FARSIDE_NO_LIMIT for as much as it likes.
typedef struct far_allowance {
  uint64_t slice_ns; // Elapsed time.
  uint64_t cpu_ns;   // Time of this thread on a processor.
  uint64_t grace_ns;
  bool may_drop; // Not a script that may hold locks of foreign code.
} far_allowance;

// How a turn came back.
typedef enum far_verdict {
  FAR_IN_TIME,
  FAR_SUSPENDED, // It has yielded, and can go on.
  FAR_KILLED,    // It has given up; what it left behind is sound.
  FAR_DROPPED    // It was jumped out of: its state is dead.
} far_verdict;

enum { FAR_TRACE_BYTES = 2048 };

// One for each host. All but the first group belongs to the host's thread.
struct far_watch {
  far_watch *next; // The watchdog's list.
  pthread_t thread;
  clockid_t cpu_clock;
  _Atomic uint64_t due_ns;   // When to look; UINT64_MAX: nothing computes.
  _Atomic uint64_t entry;    // Odd while something computes; grows.
  _Atomic uint64_t order;    // The entry that is meant, and what to do.
  _Atomic uint64_t began_ns; // What the watchdog reads of this entry.
  _Atomic uint64_t slice_ns, cpu_ns, grace_ns;
  _Atomic bool may_drop;
  uint64_t seen_entry, cpu_base_ns, slice_due_ns, kill_ns; // The watchdog's.

  far_shield shield; // First of the thread's own; see far_watch_of_shield().
  lua_State *volatile running;        // The coroutine that computes.
  volatile sig_atomic_t is_suspended; // The slice's hook has yielded.
  volatile sig_atomic_t is_killed;
  sigjmp_buf way_out;
  far_watch *outer; // Whose turn called the one that computes.
  char trace[FAR_TRACE_BYTES]; // Where a killed turn was; "" if not known.
};

// Puts a host under watch; the first one starts the thread. `signal`: the
// number to use; zero for SIGURG; negative for none, and then nothing is ever
// stopped. FARSIDE_SYSTEM, FARSIDE_NOMEM.
farside_status far_watch_open(far_watch *watch, int signal);

// The last one ends the thread. Harmless when it was never opened.
void far_watch_close(far_watch *watch);

// Between these two a script computes. far_watch_enter() is followed by
// sigsetjmp(watch->way_out, 0), whose second return means FAR_DROPPED.
void far_watch_enter(far_watch *watch, lua_State *co,
                     const far_allowance *allowance);
void far_watch_leave(far_watch *watch);

// Resumes a coroutine from inside a turn: what computes from now on is `co`,
// and afterwards `from` again. The caller looks at is_suspended and is_killed
// when it returns.
int far_watch_resume(far_watch *watch, lua_State *co, lua_State *from, int args,
                     int *results);

// lua_resetthread, under watch likewise: what `co` has to close runs in `co`.
int far_watch_reset(far_watch *watch, lua_State *co, lua_State *from);

// Whether `co` was stopped for good: nobody may resume or close it.
bool far_watch_has_killed(lua_State *co);

// Writes down where L is, and who resumed it, without asking Lua for memory.
void far_watch_trace(far_watch *watch, lua_State *L);

// Nanoseconds that this thread has computed so far, and on the wall.
uint64_t far_cpu_ns(void);
uint64_t far_now_ns(void);

#endif
