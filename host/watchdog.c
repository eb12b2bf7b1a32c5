#include "watchdog.h"

#include "far_assert.h"
#include "punctual.h"
#include <errno.h>
#include <lauxlib.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uv.h>

enum {
  // How often a signal is repeated until there is an answer. Not oftener: to
  // arm a hook walks all frames of the coroutine, 0.5 ms at its deepest.
  TICK_NS = 1000 * 1000,
  // Where nothing could yield, such as in a comparison that table.sort calls,
  // or nothing may be dropped, it is tried again ever more rarely: a thread
  // that waits for something else must not look as if it computed.
  TICKS_MAX = 16,
  // A turn is looked at this early even when nothing is due: from there on its
  // processor time is known exactly.
  FIRST_LOOK_NS = 10 * 1000 * 1000,
  // A turn that may compute less than this is counted exactly from its begin.
  // Of others the first slice is a guess, which is wrong by as much as the
  // thread comes late: tens of milliseconds on a busy machine.
  EXACT_NS = 250 * 1000 * 1000,
  // How long the thread goes on looking after the last turn, so that a busy
  // host does not pay a system call for each.
  LINGER_NS = 20 * 1000 * 1000,
  // So many times the grace may pass on the wall.
  GRACES_MAX = 20,
  // Lua in a loop answers at its next instruction. Where nothing has answered
  // for this part of the grace, what computes is no Lua.
  SILENCE_PART = 5,
  GLANCE_NS = 100 * 1000, // The shortest time from one look to the next.
  TRACE_LEVELS = 12
};

typedef enum verb {
  NOTHING,
  SUSPEND,
  KILL,
  PRESS, // Drop it, unless it has answered and is on its way out.
  DROP,
  VERBS
} verb;

static const uint64_t never = UINT64_MAX;

// -- Time ---------------------------------------------------------------------

static uint64_t read_clock(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) != 0)
    return 0; // The thread is gone, and with it the turn.
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t far_now_ns(void) {
  return read_clock(CLOCK_MONOTONIC);
}

uint64_t far_cpu_ns(void) {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static uint64_t later(uint64_t now_ns, uint64_t wait_ns) {
  return wait_ns < never - now_ns ? now_ns + wait_ns : never;
}

static uint64_t sooner(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

// -- What a script is told ----------------------------------------------------

// Whose turn computes on this thread.
static _Thread_local far_watch *volatile here;

static uint64_t order_for(uint64_t entry, verb what) {
  return entry * VERBS + (uint64_t)what;
}

static bool is_ordered(far_watch *watch, verb what) {
  return atomic_load(&watch->order) ==
         order_for(atomic_load(&watch->entry), what);
}

static void kill_hook(lua_State *L, lua_Debug *frame);

static void arm_kill(lua_State *L) {
  lua_sethook(L, kill_hook,
              LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

// The slice is over. Where nothing can yield, the next tick tries again.
static void suspend_hook(lua_State *L, lua_Debug *frame) {
  (void)frame;
  lua_sethook(L, NULL, 0, 0);
  far_watch *watch = here;
  // A coroutine keeps its hook: it may have been armed in a turn that is over,
  // or have been made by one that was armed.
  if (watch == NULL || L != watch->running)
    return;
  if (watch->is_killed)
    arm_kill(L); // The kill may have come just before its hook was taken away.
  if (watch->is_killed || !is_ordered(watch, SUSPEND) || !lua_isyieldable(L))
    return;
  watch->is_suspended = 1;
  watch->is_told = 0;
  atomic_store(&watch->order, 0);
  lua_yield(L, 0);
}

// Somebody else's hook, such as a coverage tool's, is not disturbed.
static void arm_suspend(lua_State *L) {
  if (lua_gethook(L) == NULL)
    lua_sethook(L, suspend_hook, LUA_MASKCOUNT, 1);
}

// For tests. It stays where it is, and suspends again and again.
static void forced_hook(lua_State *L, lua_Debug *frame) {
  (void)frame;
  far_watch *watch = here;
  if (watch == NULL || watch->forced == 0) {
    lua_sethook(L, NULL, 0, 0);
  } else if (L == watch->running && lua_isyieldable(L)) {
    watch->is_suspended = 1;
    lua_yield(L, 0);
  }
}

static void force(const far_watch *watch, lua_State *co) {
  if (watch->forced > 0 && lua_gethook(co) != kill_hook)
    lua_sethook(co, forced_hook, LUA_MASKCOUNT, watch->forced);
}

void far_watch_force(far_watch *watch, int instructions) {
  watch->forced = instructions;
}

// A budget is spent. Only a count or a line lets a hook yield; what cannot
// yield raises an error, and the hook stays, whoever catches it.
static void kill_hook(lua_State *L, lua_Debug *frame) {
  far_watch *watch = here;
  if (watch != NULL) {
    watch->has_answered = 1;
    if (watch->trace[0] == '\0')
      far_watch_trace(watch, L);
  }
  if (frame->event == LUA_HOOKRET)
    return;
  bool is_call =
      frame->event == LUA_HOOKCALL || frame->event == LUA_HOOKTAILCALL;
  if (!is_call && lua_isyieldable(L))
    lua_yield(L, 0);
  else
    luaL_error(L, "the script was stopped");
}

bool far_watch_has_looked(const far_watch *watch) {
  return !watch->is_watched || atomic_load(&watch->due_ns) == never ||
         atomic_load(&watch->base_entry) == atomic_load(&watch->entry);
}

bool far_watch_has_killed(lua_State *co) {
  return lua_gethook(co) == kill_hook;
}

// The handler looks, and has been interrupted by a second signal since.
static _Thread_local volatile sig_atomic_t is_looking, has_rung_again;

static void jump_out(far_shield *shield) {
  is_looking = 0; // There is no way back into a handler either.
  far_watch *watch =
      (far_watch *)(void *)((char *)shield - offsetof(far_watch, shield));
  siglongjmp(watch->way_out, 1);
}

static void drop(far_watch *watch) {
  watch->is_told = watch->is_killed = watch->has_killed = 1;
  if (watch->shield.depth > 0)
    watch->shield.is_pending = 1;
  else
    jump_out(&watch->shield);
}

// Runs on the thread that computes, between any two of its instructions.
static void obey(far_watch *watch) {
  uint64_t order = atomic_load(&watch->order);
  if (order / VERBS != atomic_load(&watch->entry))
    return; // It was meant for a turn that is over.
  lua_State *running = watch->running;
  switch ((verb)(order % VERBS)) {
  case SUSPEND:
    watch->is_told = 1;
    arm_suspend(running);
    break;
  case PRESS:
    if (!watch->has_answered) {
      drop(watch);
      break;
    }
    // Fall through.
  case KILL:
    watch->is_told = watch->is_killed = watch->has_killed = 1;
    arm_kill(running);
    break;
  case DROP:
    drop(watch);
    break;
  default:
    break;
  }
}

// -- Who watches --------------------------------------------------------------

static struct {
  uv_mutex_t gate;  // Held while a host comes or goes.
  uv_mutex_t mutex; // Held while the thread looks, and around the list.
  uv_cond_t wake;
  uv_thread_t thread;
  far_watch *first;
  int signal;
  struct sigaction old;
  int under; // The signal for which somebody else's handler lies over ours; 0.
  bool is_ending;
  _Atomic uint64_t next_ns; // When it looks next.
} dog;

static uv_once_t once = UV_ONCE_INIT;
static bool is_ready;

static void prepare(void) {
  is_ready = uv_mutex_init(&dog.gate) == 0 && uv_mutex_init(&dog.mutex) == 0 &&
             uv_cond_init(&dog.wake) == 0;
}

// -- Looking ------------------------------------------------------------------

static void tell(far_watch *watch, far_look *mine, verb what) {
  atomic_store(&watch->order, order_for(mine->entry, what));
  mine->has_spoken = true;
}

// Begins to follow an entry: it has computed for as long as it lasts already,
// at the most.
static void meet(far_watch *watch, far_look *mine, uint64_t entry,
                 uint64_t now_ns, uint64_t cpu_ns) {
  uint64_t began_ns = atomic_load(&watch->began_ns);
  uint64_t lasted_ns = now_ns > began_ns ? now_ns - began_ns : 0;
  lasted_ns = sooner(lasted_ns, FIRST_LOOK_NS);
  if (atomic_load(&watch->base_entry) != entry) {
    atomic_store(&watch->cpu_base_ns,
                 cpu_ns > lasted_ns ? cpu_ns - lasted_ns : 0);
    atomic_store(&watch->base_entry, entry);
  }
  *mine =
      (far_look){.entry = entry,
                 .slice_due_ns = later(began_ns, atomic_load(&watch->slice_ns)),
                 .ticks = 1};
}

static uint64_t next_wait(far_look *mine) {
  uint64_t wait_ns = mine->ticks * (uint64_t)TICK_NS;
  mine->ticks = mine->ticks < TICKS_MAX ? mine->ticks * 2 : TICKS_MAX;
  return wait_ns;
}

// How long a budget lasts of which so much is left, at the least. A thread that
// does not compute, but waits for something else, is looked at ever more
// rarely.
static uint64_t until_spent(far_look *mine, uint64_t cpu_ns, uint64_t left_ns) {
  bool is_resting = cpu_ns - mine->cpu_ns < GLANCE_NS;
  mine->cpu_ns = cpu_ns;
  if (!is_resting)
    mine->rests = 0;
  else if (mine->rests < TICKS_MAX)
    mine->rests = mine->rests * 2 + 1;
  uint64_t least_ns = mine->rests * (uint64_t)TICK_NS;
  least_ns = least_ns < GLANCE_NS ? GLANCE_NS : least_ns;
  return left_ns < least_ns ? least_ns : left_ns;
}

// Tells a turn to stop, the more firmly the longer it has not; returns how long
// to wait for that. On a busy machine it may not have run at all meanwhile; but
// it cannot wait for ever either.
static uint64_t insist(far_watch *watch, far_look *mine, uint64_t now_ns,
                       uint64_t cpu_ns) {
  uint64_t grace_ns = atomic_load(&watch->grace_ns);
  uint64_t silence_ns = grace_ns / SILENCE_PART;
  uint64_t used_ns = cpu_ns - mine->kill_cpu_ns;
  if (!atomic_load(&watch->may_drop)) {
    tell(watch, mine, KILL);
    return next_wait(mine);
  }
  if (used_ns >= grace_ns ||
      (now_ns - mine->kill_ns) / GRACES_MAX >= grace_ns) {
    tell(watch, mine, DROP);
    return next_wait(mine);
  }
  bool is_silent = used_ns >= silence_ns;
  tell(watch, mine, is_silent ? PRESS : KILL);
  uint64_t left_ns = (is_silent ? grace_ns : silence_ns) - used_ns;
  return left_ns < GLANCE_NS ? GLANCE_NS : sooner(left_ns, TICK_NS);
}

// Looks at a turn that is due then; returns when to look again.
static uint64_t look(far_watch *watch, far_look *mine, uint64_t due_ns,
                     uint64_t now_ns) {
  uint64_t entry = atomic_load(&watch->entry);
  mine->has_spoken = false;
  if (entry % 2 == 0 || due_ns == never)
    return never;
  if (mine->entry == entry)
    due_ns = mine->look_ns;
  if (now_ns < due_ns)
    return due_ns;
  uint64_t cpu_ns = read_clock(watch->cpu_clock);
  if (mine->entry != entry)
    meet(watch, mine, entry, now_ns, cpu_ns);
  uint64_t budget_ns = atomic_load(&watch->cpu_ns);
  uint64_t hold_ns = atomic_load(&watch->hold_ns);
  if (atomic_load(&watch->entry) != entry) {
    mine->entry = 0; // What was read belongs to two turns.
    return now_ns;
  }

  uint64_t base_ns = atomic_load(&watch->cpu_base_ns);
  uint64_t used_ns = cpu_ns > base_ns ? cpu_ns - base_ns : 0;
  uint64_t left_ns = budget_ns == never     ? never
                     : used_ns >= budget_ns ? 0
                                            : budget_ns - used_ns;
  bool is_over = now_ns >= mine->slice_due_ns;
  if (is_over && mine->held_cpu_ns == 0)
    mine->held_cpu_ns = cpu_ns;
  uint64_t held_ns = is_over ? cpu_ns - mine->held_cpu_ns : 0;
  bool has_held_up = is_over && held_ns >= hold_ns;
  if (mine->kill_ns == 0 && (left_ns == 0 || has_held_up)) {
    atomic_store(&watch->has_held_up, left_ns > 0);
    mine->kill_ns = now_ns;
    mine->kill_cpu_ns = cpu_ns;
    mine->ticks = 1;
  }
  uint64_t wait_ns;
  if (mine->kill_ns != 0) {
    wait_ns = insist(watch, mine, now_ns, cpu_ns);
  } else if (is_over) {
    tell(watch, mine, SUSPEND);
    wait_ns =
        sooner(next_wait(mine),
               until_spent(mine, cpu_ns, sooner(left_ns, hold_ns - held_ns)));
  } else {
    wait_ns =
        sooner(mine->slice_due_ns - now_ns, until_spent(mine, cpu_ns, left_ns));
  }
  mine->look_ns = later(now_ns, wait_ns);
  return mine->look_ns;
}

// -- The thread ---------------------------------------------------------------

// The earliest moment that anybody's entry asks for.
static uint64_t earliest_due(void) {
  uint64_t due_ns = never;
  for (far_watch *watch = dog.first; watch; watch = watch->next)
    if (atomic_load(&watch->entry) != watch->looks.entry)
      due_ns = sooner(due_ns, atomic_load(&watch->due_ns));
  return due_ns;
}

static uint64_t glance(far_watch *watch, uint64_t now_ns) {
  uint64_t due_ns = atomic_load(&watch->due_ns);
  uint64_t next_ns = look(watch, &watch->looks, due_ns, now_ns);
  if (watch->looks.has_spoken)
    pthread_kill(watch->thread, dog.signal);
  return next_ns;
}

static uint64_t entries(void) {
  uint64_t sum = 0;
  for (far_watch *watch = dog.first; watch; watch = watch->next)
    sum += atomic_load(&watch->entry);
  return sum;
}

static void watch_all(void *unused) {
  (void)unused;
  uint64_t entries_seen = 0;
  far_be_punctual();
  uv_mutex_lock(&dog.mutex);
  while (!dog.is_ending) {
    uint64_t now_ns = far_now_ns(), next_ns = never;
    for (far_watch *watch = dog.first; watch; watch = watch->next)
      next_ns = sooner(next_ns, glance(watch, now_ns));
    uint64_t entries_now = entries();
    if (entries_now != entries_seen)
      next_ns = sooner(next_ns, later(now_ns, LINGER_NS));
    entries_seen = entries_now;
    // Whoever enters after this reads it, and wakes us; whoever entered before
    // is seen here.
    atomic_store(&dog.next_ns, next_ns);
    if (earliest_due() < next_ns)
      next_ns = earliest_due();
    if (next_ns == never)
      uv_cond_wait(&dog.wake, &dog.mutex);
    else if (next_ns > now_ns)
      uv_cond_timedwait(&dog.wake, &dog.mutex, next_ns - now_ns);
  }
  uv_mutex_unlock(&dog.mutex);
}

static void wake(void) {
  uv_mutex_lock(&dog.mutex);
  uv_cond_signal(&dog.wake);
  uv_mutex_unlock(&dog.mutex);
}

// -- The alarm ----------------------------------------------------------------

// The handler may come between any two lines of these, and may set it itself.
// It always looks, so an alarm that rings too early does no harm; it must only
// never be forgotten.
static void set_alarm(far_watch *watch, uint64_t when_ns) {
  atomic_store(&watch->alarm_ns, when_ns);
  far_alarm_set(&watch->alarm, when_ns);
}

// For an entry that has just begun. What was set for one that is over goes on
// for this one: then it is only looked at once more, and no call is made.
static void expect_alarm(far_watch *watch, uint64_t due_ns) {
  uint64_t alarm_ns = atomic_load(&watch->alarm_ns);
  if (due_ns < alarm_ns || alarm_ns <= far_now_ns())
    set_alarm(watch, due_ns);
}

// It has rung for somebody whose turn computes here, or waits for one that
// does.
static void look_once(void) {
  uint64_t now_ns = far_now_ns();
  for (far_watch *watch = here; watch; watch = watch->outer) {
    uint64_t due_ns = atomic_load(&watch->alarm_due_ns);
    if (due_ns != never)
      set_alarm(watch, look(watch, &watch->own_looks, due_ns, now_ns));
  }
}

static void look_here(void) {
  has_rung_again = 1;
  if (is_looking)
    return; // In there.
  do {
    is_looking = 1;
    has_rung_again = 0;
    look_once();
    is_looking = 0;
  } while (has_rung_again);
}

// Opened when it is first needed: most hosts never do.
static bool has_alarm(far_watch *watch) {
  if (!watch->alarm.is_open && !watch->has_no_alarm)
    watch->has_no_alarm = !far_alarm_open(&watch->alarm, dog.signal, &dog);
  return watch->alarm.is_open;
}

void far_watch_rest(far_watch *watch) {
  if (atomic_load(&watch->alarm_ns) != never)
    set_alarm(watch, never);
}

static _Thread_local volatile sig_atomic_t is_probing, is_reached;

// The number may be somebody else's too.
static void pass_on(int signal, siginfo_t *info, void *context) {
  if (is_probing)
    is_reached = 1;
  else if (dog.old.sa_flags & SA_SIGINFO)
    dog.old.sa_sigaction(signal, info, context);
  else if (dog.old.sa_handler != SIG_DFL && dog.old.sa_handler != SIG_IGN)
    dog.old.sa_handler(signal);
}

static void signalled(int signal, siginfo_t *info, void *context) {
  int error = errno;
  bool is_alarm = info->si_code == SI_TIMER && info->si_value.sival_ptr == &dog;
  far_watch *watch = here;
  if (is_alarm)
    look_here();
  if (watch != NULL)
    obey(watch);
  else if (!is_alarm) // It may ring between two turns.
    pass_on(signal, info, context);
  errno = error;
}

// The thread takes no signal: they are for those who have a handler to run.
static bool start_thread(void) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  bool is_started = uv_thread_create(&dog.thread, watch_all, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return is_started;
}

static bool is_plain(const struct sigaction *action) {
  return (action->sa_flags & SA_SIGINFO) == 0 &&
         (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN);
}

// Another library, such as a second copy of this one, has put its handler over
// ours and passes on what is not its own: then ours must not be put over that,
// or each would pass on to the other for ever. A signal tells.
static bool leads_to_us(int signal) {
  struct sigaction now;
  if (sigaction(signal, NULL, &now) != 0 || is_plain(&now))
    return false;
  sigset_t mine, old;
  sigemptyset(&mine);
  sigaddset(&mine, signal);
  pthread_sigmask(SIG_UNBLOCK, &mine, &old);
  is_reached = 0;
  is_probing = 1;
  pthread_kill(pthread_self(), signal); // Has arrived when this returns.
  is_probing = 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return is_reached != 0;
}

// Without SA_NODEFER a jump out of the handler would leave the signal blocked.
static bool start(int signal) {
  dog.signal = signal;
  dog.is_ending = false;
  atomic_store(&dog.next_ns, never);
  if (dog.under == signal && leads_to_us(signal))
    return start_thread();
  struct sigaction action = {.sa_sigaction = signalled,
                             .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER};
  sigemptyset(&action.sa_mask);
  if (sigaction(signal, &action, &dog.old) != 0)
    return false;
  if (start_thread())
    return true;
  sigaction(signal, &dog.old, NULL);
  return false;
}

static void stop(void) {
  uv_mutex_lock(&dog.mutex);
  dog.is_ending = true;
  uv_cond_signal(&dog.wake);
  uv_mutex_unlock(&dog.mutex);
  uv_thread_join(&dog.thread);
  struct sigaction now;
  bool is_ours =
      sigaction(dog.signal, NULL, &now) == 0 && now.sa_sigaction == signalled;
  if (is_ours)
    sigaction(dog.signal, &dog.old, NULL);
  dog.under = is_ours ? 0 : dog.signal;
}

farside_status far_watch_open(far_watch *watch, int signal) {
  watch->shield.drop = jump_out;
  atomic_store(&watch->due_ns, never);
  atomic_store(&watch->alarm_ns, never);
  atomic_store(&watch->alarm_due_ns, never);
  atomic_store(&watch->base_entry, never); // Of no entry is it known.
  if (signal < 0)
    return FARSIDE_OK;
  uv_once(&once, prepare);
  if (!is_ready)
    return FARSIDE_SYSTEM;
  signal = signal == 0 ? SIGURG : signal;
  farside_status status = FARSIDE_OK;
  uv_mutex_lock(&dog.gate);
  if (dog.first == NULL ? !start(signal) : dog.signal != signal)
    status = dog.first == NULL ? FARSIDE_SYSTEM : FARSIDE_INVALID;
  if (status == FARSIDE_OK) {
    uv_mutex_lock(&dog.mutex);
    watch->next = dog.first;
    dog.first = watch;
    watch->is_watched = true;
    uv_mutex_unlock(&dog.mutex);
  }
  uv_mutex_unlock(&dog.gate);
  return status;
}

void far_watch_close(far_watch *watch) {
  if (!watch->is_watched)
    return;
  far_assert(watch->shield.depth == 0);
  far_alarm_close(&watch->alarm);
  uv_mutex_lock(&dog.gate);
  uv_mutex_lock(&dog.mutex);
  far_watch **link = &dog.first;
  while (*link != watch)
    link = &(*link)->next;
  *link = watch->next;
  watch->is_watched = false;
  uv_mutex_unlock(&dog.mutex);
  if (dog.first == NULL)
    stop();
  uv_mutex_unlock(&dog.gate);
}

// -- Entering and leaving -----------------------------------------------------

// A host may be driven by another thread than before, which may not take the
// signal yet.
static void adopt_thread(far_watch *watch) {
  sigset_t mine;
  sigemptyset(&mine);
  sigaddset(&mine, dog.signal);
  pthread_sigmask(SIG_UNBLOCK, &mine, NULL);
  uv_mutex_lock(&dog.mutex);
  watch->thread = pthread_self();
  if (pthread_getcpuclockid(watch->thread, &watch->cpu_clock) != 0)
    watch->cpu_clock = CLOCK_MONOTONIC;
  watch->has_thread = true;
  far_alarm_close(&watch->alarm); // It was the other thread's.
  atomic_store(&watch->alarm_ns, never);
  uv_mutex_unlock(&dog.mutex);
}

void far_watch_enter(far_watch *watch, lua_State *co,
                     const far_allowance *allowance) {
  far_assert(watch->shield.depth == 0);
  watch->running = co;
  watch->is_suspended = watch->is_killed = watch->has_answered = 0;
  watch->is_told = 0;
  watch->shield.is_pending = 0;
  watch->shield.is_exposed = 1;
  watch->trace[0] = watch->place[0] = '\0';
  watch->outer = here;
  here = watch;
  force(watch, co);
  uint64_t now_ns = allowance->now_ns;
  atomic_store_explicit(&watch->began_ns, now_ns, memory_order_relaxed);
  if (!watch->is_watched)
    return;
  if (!watch->has_thread || !pthread_equal(watch->thread, pthread_self()))
    adopt_thread(watch);
  uint64_t first_ns = sooner(allowance->slice_ns, allowance->cpu_ns);
  uint64_t due_ns = first_ns == never
                        ? never
                        : later(now_ns, sooner(first_ns, FIRST_LOOK_NS));
  atomic_store_explicit(&watch->slice_ns, allowance->slice_ns,
                        memory_order_relaxed);
  atomic_store_explicit(&watch->hold_ns, allowance->hold_ns,
                        memory_order_relaxed);
  atomic_store_explicit(&watch->cpu_ns, allowance->cpu_ns,
                        memory_order_relaxed);
  atomic_store_explicit(&watch->has_held_up, false, memory_order_relaxed);
  atomic_store_explicit(&watch->grace_ns, allowance->grace_ns,
                        memory_order_relaxed);
  atomic_store_explicit(&watch->may_drop, allowance->may_drop,
                        memory_order_relaxed);
  uint64_t entry = atomic_load_explicit(&watch->entry, memory_order_relaxed);
  // Where the processor is crowded, most of what a turn lasts is somebody
  // else's: a guess could be all of a small budget, and a hundred slices, each
  // guessed a little, are a wrong second.
  bool is_exact = allowance->goes_on || allowance->cpu_ns < EXACT_NS;
  if (is_exact) {
    atomic_store(&watch->cpu_base_ns, far_cpu_ns());
    atomic_store(&watch->base_entry, entry + 1);
  }
  atomic_store_explicit(&watch->entry, entry + 1, memory_order_release);
  if ((is_exact || first_ns < FIRST_LOOK_NS) && has_alarm(watch)) {
    atomic_store(&watch->alarm_due_ns, due_ns);
    expect_alarm(watch, due_ns);
    return;
  }
  atomic_store(&watch->due_ns, due_ns);
  if (due_ns < atomic_load(&dog.next_ns))
    wake();
}

// A short turn is counted by the wall: to ask for the processor's time costs
// more than most turns do.
static uint64_t used_ns(far_watch *watch) {
  watch->left_ns = 0;
  if (atomic_load(&watch->base_entry) != atomic_load(&watch->entry)) {
    watch->left_ns = far_now_ns();
    return watch->left_ns - atomic_load(&watch->began_ns);
  }
  return far_cpu_ns() - atomic_load(&watch->cpu_base_ns);
}

void far_watch_leave(far_watch *watch) {
  watch->used_ns += used_ns(watch);
  if (watch->is_watched) {
    uint64_t entry = atomic_load_explicit(&watch->entry, memory_order_relaxed);
    atomic_store_explicit(&watch->due_ns, never, memory_order_relaxed);
    atomic_store_explicit(&watch->alarm_due_ns, never, memory_order_relaxed);
    atomic_store_explicit(&watch->entry, entry + 1, memory_order_release);
  }
  here = watch->outer;
  watch->running = NULL;
  watch->shield.is_exposed = watch->shield.is_pending = 0;
  far_assert(watch->shield.depth == 0);
}

// The order may come just before it is seen what runs, and has armed the wrong
// one; or what it has armed may come to its end first.
static void arm(far_watch *watch, lua_State *co) {
  force(watch, co);
  if (watch->is_killed)
    arm_kill(co);
  else if (watch->is_told)
    arm_suspend(co);
}

int far_watch_resume(far_watch *watch, lua_State *co, lua_State *from, int args,
                     int *results) {
  watch->running = co;
  if (watch->is_told || watch->forced > 0)
    arm(watch, co);
  int status = lua_resume(co, from, args, results);
  watch->running = from;
  if (watch->is_told)
    arm(watch, from);
  return status;
}

int far_watch_reset(far_watch *watch, lua_State *co, lua_State *from) {
  watch->running = co;
  if (watch->is_killed)
    arm_kill(co);
  int status = lua_resetthread(co);
  watch->running = from;
  if (watch->is_killed)
    arm_kill(from);
  return status;
}

void far_watch_stop(far_watch *watch, lua_State *L) {
  watch->is_told = watch->is_killed = 1;
  watch->has_answered = watch->has_killed = 1;
  if (watch->trace[0] == '\0') // Whoever has left is not asked by a hook.
    far_watch_trace(watch, L);
  arm_kill(L);
}

// -- Where it was -------------------------------------------------------------

// Adds a line to the trace; false when it is full.
static bool add(far_watch *watch, size_t *length, const char *before,
                const lua_Debug *frame) {
  size_t left = sizeof watch->trace - *length;
  int written = snprintf(watch->trace + *length, left, "%s%s:%d", before,
                         frame->short_src, frame->currentline);
  if (written < 0 || (size_t)written >= left) {
    watch->trace[*length] = '\0';
    return false;
  }
  *length += (size_t)written;
  return true;
}

void far_watch_trace(far_watch *watch, lua_State *L) {
  size_t length = 0;
  lua_Debug frame;
  const char *before = "at ";
  watch->place[0] = '\0';
  for (int level = 0; level < TRACE_LEVELS && lua_getstack(L, level, &frame);
       level++) {
    if (!lua_getinfo(L, "Sl", &frame))
      break;
    if (frame.currentline <= 0) {
      // Functions in C have no lines; only the innermost says something.
      before = level == 0 ? "in a library function, at " : before;
      continue;
    }
    if (watch->place[0] == '\0')
      snprintf(watch->place, sizeof watch->place, "%s:%d", frame.short_src,
               frame.currentline);
    if (!add(watch, &length, before, &frame))
      break;
    before = "\n\t";
  }
  if (length == 0)
    snprintf(watch->trace, sizeof watch->trace, "in a library function");
}

static pthread_mutex_t faults = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local sigjmp_buf unreadable;
static _Thread_local volatile sig_atomic_t is_reading;

static void faulted(int signal) {
  if (is_reading)
    siglongjmp(unreadable, 1);
  struct sigaction fall = {.sa_handler = SIG_DFL};
  sigaction(signal, &fall, NULL); // The fault happens again, and is its own.
}

void far_watch_trace_dead(far_watch *watch, lua_State *L) {
  struct sigaction action = {.sa_handler = faulted, .sa_flags = SA_NODEFER};
  struct sigaction old_fault, old_bus;
  sigemptyset(&action.sa_mask);
  // The handlers are the process's: two hosts must not restore each other's.
  pthread_mutex_lock(&faults);
  sigaction(SIGSEGV, &action, &old_fault);
  sigaction(SIGBUS, &action, &old_bus);
  is_reading = 1;
  if (sigsetjmp(unreadable, 0) == 0)
    far_watch_trace(watch, L);
  else
    watch->trace[0] = watch->place[0] = '\0';
  is_reading = 0;
  sigaction(SIGSEGV, &old_fault, NULL);
  sigaction(SIGBUS, &old_bus, NULL);
  pthread_mutex_unlock(&faults);
}
