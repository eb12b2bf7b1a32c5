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
//   drop     no hook has answered in a fifth of the grace, or it has not come
//            to its end within all of it: the thread jumps back to where it
//            entered, and the script's memory is thrown away
//
// Nothing is hooked before the signal comes, so a script that behaves runs at
// full speed.
//
// A thread has to wait for a processor before it can look. Where that would be
// felt, because the end is near, the thread that computes sets an alarm instead
// and looks itself when it rings: one system call, for ever so many turns.
#ifndef FAR_WATCHDOG_H
#define FAR_WATCHDOG_H

#include "alarm.h"
#include "farside.h"
#include "shield.h"
#include <lua.h>
#include <pthread.h>
#include <setjmp.h>

typedef struct far_watch far_watch;

// What a turn may use. FARSIDE_NO_LIMIT for as much as it likes.
typedef struct far_allowance {
  uint64_t now_ns;   // What far_now_ns() says: from here on it counts.
  uint64_t slice_ns; // Elapsed time.
  uint64_t hold_ns;  // Time of this thread on a processor, past the slice.
  uint64_t cpu_ns;   // The same, in all.
  uint64_t grace_ns;
  bool may_drop; // Not a script that may hold locks of foreign code.
  bool goes_on;  // It is one more slice of a turn.
} far_allowance;

enum { FAR_TRACE_BYTES = 2048 };

// What whoever looks at an entry knows of it.
typedef struct far_look {
  uint64_t entry, look_ns, slice_due_ns;
  uint64_t held_cpu_ns; // When it was first told to suspend.
  uint64_t ticks;       // Until it is told the same the next time.
  uint64_t rests;       // Likewise, until it is looked at while it waits.
  uint64_t cpu_ns;      // What it had computed at the last look.
  uint64_t kill_ns, kill_cpu_ns; // When it was first told to stop.
  bool has_spoken;               // At the last look.
} far_look;

// One for each host. All but the first group belongs to the host's thread.
struct far_watch {
  far_watch *next; // The watchdog's list.
  bool is_watched; // It is in there.
  bool has_thread;
  pthread_t thread; // Who computes.
  clockid_t cpu_clock;
  _Atomic uint64_t due_ns;   // When to look; UINT64_MAX: nothing computes.
  _Atomic uint64_t entry;    // Odd while something computes; grows.
  _Atomic uint64_t order;    // The entry that is meant, and what to do.
  _Atomic uint64_t began_ns; // What the watchdog reads of this entry.
  _Atomic uint64_t slice_ns, hold_ns, cpu_ns, grace_ns;
  _Atomic bool may_drop;
  _Atomic bool has_held_up;     // What it was killed for: see hold_ns.
  far_look looks;               // The watchdog's own.
  _Atomic uint64_t base_entry;  // For which entry the next line is meant.
  _Atomic uint64_t cpu_base_ns; // What the thread had computed at its begin.

  far_alarm alarm;
  bool has_no_alarm;
  far_look own_looks;            // When the alarm rings.
  _Atomic uint64_t alarm_ns;     // When it does; UINT64_MAX: it is not set.
  _Atomic uint64_t alarm_due_ns; // As due_ns, which is UINT64_MAX then.

  far_shield shield;
  lua_State *volatile running;        // The coroutine that computes.
  volatile sig_atomic_t is_suspended; // The slice's hook has yielded.
  volatile sig_atomic_t is_killed;
  volatile sig_atomic_t is_told;      // To suspend or to stop, and has not yet.
  volatile sig_atomic_t has_answered; // A hook has noticed that.
  volatile sig_atomic_t has_killed;   // Ever.
  sigjmp_buf way_out;
  far_watch *outer; // Whose turn called the one that computes.
  int forced;       // See far_watch_force().
  uint64_t used_ns; // What entries have computed; whoever asks sets it to zero.
  uint64_t left_ns; // What far_now_ns() said when the last one was left; zero:
                    // it was not asked.
  char place[128];  // Where a killed turn was: "app.lua:12".
  char trace[FAR_TRACE_BYTES]; // "at app.lua:12", and who called; "" if not
                               // known.
};

// Puts a host under watch; the first one starts the thread. `signal`: the
// number to use; zero for SIGURG; negative for none, and then nothing is ever
// stopped. FARSIDE_SYSTEM, FARSIDE_NOMEM.
farside_status far_watch_open(far_watch *watch, int signal);

// The last one ends the thread. Harmless when it was never opened.
void far_watch_close(far_watch *watch);

// Between these two a script computes. sigsetjmp(watch->way_out, 0) comes
// before them; its second return is a drop, and then far_watch_leave() comes
// first.
void far_watch_enter(far_watch *watch, lua_State *co,
                     const far_allowance *allowance);
void far_watch_leave(far_watch *watch);

// What this thread does next is no script's: no alarm interrupts it.
void far_watch_rest(far_watch *watch);

// Resumes a coroutine from inside a turn: what computes from now on is `co`,
// and afterwards `from` again. The caller looks at is_suspended and is_killed
// when it returns.
//
// lua_yield() comes back by a jump, and how well the returns after it are
// foreseen by the processor depends on how deep lua_resume() is called. It is
// called as deep as Lua's own library calls it when a function of a script
// calls this one; with one call more, or less, a resume takes a tenth longer.
int far_watch_resume(far_watch *watch, lua_State *co, lua_State *from, int args,
                     int *results);

// lua_resetthread, under watch likewise: what `co` has to close runs in `co`.
int far_watch_reset(far_watch *watch, lua_State *co, lua_State *from);

// Stops the turn that computes as if its budget were spent, from inside a C
// function that L called; the function then yields or raises an error.
void far_watch_stop(far_watch *watch, lua_State *L);

// For tests: suspends every coroutine of a turn after each `instructions` of
// its own, wherever it can yield, however little time has passed. Zero stops
// that.
void far_watch_force(far_watch *watch, int instructions);

// Whether the watchdog has looked at what computes, which it does within 10 ms;
// or nobody will.
bool far_watch_has_looked(const far_watch *watch);

// Whether `co` was stopped for good: nobody may resume or close it.
bool far_watch_has_killed(lua_State *co);

// Writes down where L is, and who resumed it, without asking Lua for memory.
void far_watch_trace(far_watch *watch, lua_State *L);

// The same for a state that was dropped, which may be torn: what cannot be read
// is left out.
void far_watch_trace_dead(far_watch *watch, lua_State *L);

// Nanoseconds that this thread has computed so far, and on the wall.
uint64_t far_cpu_ns(void);
uint64_t far_now_ns(void);

#endif
