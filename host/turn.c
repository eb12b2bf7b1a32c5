#include "far_assert.h"
#include "host.h"
#include "source_map.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

// However little of a frame is left.
enum { SLICE_NS_MIN = 100 * 1000 };

void far_turn_queue(far_turn *turn) {
  far_assert(!far_list_is_in(&turn->link));
  far_list_append(&turn->script->turns, &turn->link);
  turn->script->host->turns_queued++;
  far_script_ready(turn->script);
}

void far_turn_cancel(far_turn *turn) {
  if (!far_list_is_in(&turn->link))
    return;
  far_list_leave(&turn->link);
  turn->script->host->turns_queued--;
}

// -- Coroutines ---------------------------------------------------------------

// Leaves the coroutine in script->co. Raises an error when memory is short.
static void take_coroutine(far_script *script, far_turn *turn, lua_State *L) {
  if (turn->co != NULL) {
    script->co = turn->co;
    script->co_ref = turn->co_ref;
    script->co_is_ours = turn->is_ours;
    script->co_role = turn->role;
    turn->co = NULL;
    turn->co_ref = LUA_NOREF;
    return;
  }
  // Whoever borrows an interpreter cannot know who else keeps a coroutine.
  script->co_is_ours = !script->is_borrowed;
  script->co_role = turn->role;
  if (script->pooled > 0) {
    far_coroutine *rested = &script->pool[--script->pooled];
    script->co = rested->co;
    script->co_ref = rested->ref;
    return;
  }
  lua_State *co = lua_newthread(L);
  script->co_ref = far_script_ref(script, L);
  script->co = co;
}

static void drop_coroutine(far_script *script) {
  if (script->co == NULL)
    return;
  far_script_unref(script, &script->co_ref);
  script->co = NULL;
}

static void rest_coroutine(far_script *script) {
  lua_settop(script->co, 0);
  lua_sethook(script->co, NULL, 0, 0);
  if (!script->co_is_ours || script->pooled == FAR_POOL_MAX) {
    drop_coroutine(script);
    return;
  }
  script->pool[script->pooled++] =
      (far_coroutine){.co = script->co, .ref = script->co_ref};
  script->co = NULL;
  script->co_ref = LUA_NOREF;
}

void far_turn_pool_clear(far_script *script) {
  while (script->pooled > 0)
    luaL_unref(script->L, LUA_REGISTRYINDEX,
               script->pool[--script->pooled].ref);
}

// -- Budgets ------------------------------------------------------------------

// One visit to a script: a turn, or a slice of it.
typedef struct visit {
  far_turn *turn;
  far_turn_end how;
  bool is_parked; // Its slice is over, and it goes on later.
  bool is_killed; // It gave up, and left sound what it did not own.
  bool is_lifted; // The cap of the memory, for an error that is reported.
} visit;

static uint64_t in_ns(uint64_t ms) {
  const uint64_t ns = 1000 * 1000;
  return ms < UINT64_MAX / ns ? ms * ns : UINT64_MAX;
}

static uint64_t left_ns(uint64_t limit_ms, uint64_t used_ns) {
  uint64_t limit_ns = in_ns(limit_ms);
  if (limit_ns == UINT64_MAX)
    return UINT64_MAX;
  return used_ns < limit_ns ? limit_ns - used_ns : 1;
}

// In virtual time the order of things must not depend on the machine; and
// whoever loads a script wants its main chunk to have run.
static uint64_t slice_of(const far_script *script, uint64_t now_ns) {
  const farside_host *host = script->host;
  if (far_clock_is_virtual(host->clock) || script->running == &script->load)
    return UINT64_MAX;
  uint64_t slice_ns = in_ns(script->limits.slice_ms);
  if (host->until_ns == FAR_NEVER)
    return slice_ns;
  // The frame of an engine ends earlier.
  uint64_t left_ns = SLICE_NS_MIN;
  if (host->until_ns > now_ns + SLICE_NS_MIN)
    left_ns = host->until_ns - now_ns;
  return left_ns < slice_ns ? left_ns : slice_ns;
}

static far_allowance allow(const far_script *script) {
  const farside_limits *limits = &script->limits;
  uint64_t now_ns = far_clock_still_ns(script->host->clock);
  uint64_t visit_ns = script->host->watch.used_ns; // Of this visit, so far.
  uint64_t turn_ns = script->turn_ns + visit_ns;
  uint64_t cpu_ns = left_ns(limits->turn_ms, turn_ns);
  if (script->job != NULL) {
    uint64_t job_ns = left_ns(limits->cpu_ms, script->job->cpu_ns + visit_ns);
    cpu_ns = job_ns < cpu_ns ? job_ns : cpu_ns;
  }
  return (far_allowance){.now_ns = now_ns,
                         .slice_ns = slice_of(script, now_ns),
                         .hold_ns = in_ns(limits->hold_ms),
                         .cpu_ns = cpu_ns,
                         .grace_ns = in_ns(limits->grace_ms),
                         .may_drop =
                             !script->is_borrowed && !script->is_trusted,
                         .goes_on = turn_ns > 0};
}

// The end of one turn is the beginning of the next, when nothing but a few
// instructions of ours lies between them: to ask for the time costs as much as
// those do.
static void leave(const far_script *script) {
  farside_host *host = script->host;
  far_watch_leave(&host->watch);
  host->clock->read_ns = host->watch.left_ns;
}

// -- Errors -------------------------------------------------------------------

enum { MESSAGE_BYTES_MAX = 8 * 1024 };

typedef struct failure {
  lua_State *co;
  const char *message;
} failure;

static int trace(lua_State *L) {
  const failure *mine = lua_touserdata(L, 1);
  luaL_traceback(L, mine->co, mine->message, 0);
  return 1;
}

// Functions are called by their names in package.loaded, which is searched to
// its end for each of them. The script fills it: so it is watched. It cannot be
// suspended, so the limit is `hold`.
static void push_traceback(far_script *script, lua_State *L, lua_State *co,
                           const char *message) {
  failure mine = {.co = co, .message = message};
  far_watch *watch = &script->host->watch;
  far_allowance allowance = allow(script);
  lua_pushcfunction(L, trace);
  lua_pushlightuserdata(L, &mine);
  far_watch_enter(watch, co, &allowance);
  int status = lua_pcall(L, 1, 1, 0);
  leave(script);
  if (status != LUA_OK)
    lua_error(L);
}

// An error of a run of durable work is an outcome like others: it is tried
// again, and what comes of it in the end is said then.
static far_job_owner *owner_of(const far_script *script, far_role role) {
  return script->job != NULL && role == FAR_ROLE_CLOSURE ? script->job->owner
                                                         : NULL;
}

static bool is_owned(const far_script *script) {
  return owner_of(script, script->co_role) != NULL;
}

static void tell_owner(const far_script *script, far_role role,
                       const char *message) {
  far_job_owner *owner = owner_of(script, role);
  if (owner != NULL)
    owner->failed(owner, message);
}

// What is told of places in generated Lua is told of what it was made from.
// Pushes the copy, if there has to be one.
static const char *told(const far_script *script, lua_State *L,
                        const char *text) {
  if (script->maps == NULL)
    return text;
  size_t bytes = far_source_map_rewrite(script->maps, text, NULL, 0) + 1;
  char *copy = lua_newuserdatauv(L, bytes, 0);
  far_source_map_rewrite(script->maps, text, copy, bytes);
  return copy;
}

// Pushes a field of the error object at `object`, as it lies there: metamethods
// are the script's. NULL for what is no text, or is empty.
static const char *push_field(lua_State *L, int object, const char *name) {
  lua_pushstring(L, name);
  bool is_text = lua_rawget(L, object) == LUA_TSTRING;
  return is_text && lua_rawlen(L, -1) > 0 ? lua_tostring(L, -1) : NULL;
}

// Copied several times, at nobody's expense: an error is no place for a file.
static const char *shorten(lua_State *L, const char *text) {
  if (strlen(text) <= MESSAGE_BYTES_MAX)
    return text;
  lua_pushlstring(L, text, MESSAGE_BYTES_MAX);
  return lua_pushfstring(L, "%s ...", lua_tostring(L, -1));
}

// What was raised, as text: a string, or a table with a `message`, such as an
// Error of TypeScript, which may know by itself whence it was thrown.
static const char *push_message(lua_State *L, lua_State *co,
                                const char **stack) {
  *stack = NULL;
  if (lua_type(co, -1) == LUA_TSTRING)
    return lua_tostring(co, -1);
  if (lua_type(co, -1) == LUA_TTABLE && lua_checkstack(co, 1)) {
    lua_pushvalue(co, -1);
    lua_xmove(co, L, 1);
    int object = lua_gettop(L);
    const char *name = push_field(L, object, "name");
    const char *message = push_field(L, object, "message");
    *stack = push_field(L, object, "stack");
    if (message != NULL && name != NULL)
      return lua_pushfstring(L, "%s: %s", name, message);
    if (message != NULL)
      return message;
  }
  return lua_pushfstring(L, "(error object is a %s value)",
                         luaL_typename(co, -1));
}

// Writes down what was raised, and where. Reads the error without metamethods:
// a script must not get to run once more in order to be reported.
static void report(far_script *script, lua_State *L, lua_State *co) {
  const char *stack;
  const char *message = shorten(L, push_message(L, co, &stack));
  if (script->arena != NULL && strcmp(message, "not enough memory") == 0)
    message = lua_pushfstring(
        L, "not enough memory: the script may have %I KB (limit memory)",
        (LUAI_UACINT)(script->limits.memory_bytes / 1024));
  message = told(script, L, message);
  far_host_fail(script->host, FARSIDE_SCRIPT, "%s", message);
  tell_owner(script, script->co_role, message);
  if (stack != NULL)
    lua_pushfstring(L, "%s\n%s", message, shorten(L, stack));
  else
    push_traceback(script, L, co, message);
  const char *all = told(script, L, lua_tostring(L, -1));
  // Asked only now: the traceback may have collected garbage, and a finalizer
  // may have ended the task.
  const far_job *job = script->job;
  far_host_note(script->host, FAR_WHAT_LOG,
                is_owned(script) ? FARSIDE_WARN : FARSIDE_ERROR, script,
                job ? &job->task : NULL, all);
}

// -- Inside -------------------------------------------------------------------

static void lift(visit *mine) {
  far_script *script = mine->turn->script;
  if (mine->is_lifted || script->arena == NULL)
    return;
  mine->is_lifted = true;
  far_arena_lift(script->arena);
}

// Closes a coroutine under watch. There is no way back into it, so nothing in
// it can yield, and the limit is `hold`.
static int reset(visit *mine, lua_State *co) {
  far_script *script = mine->turn->script;
  far_watch *watch = &script->host->watch;
  far_allowance allowance = allow(script);
  far_watch_enter(watch, co, &allowance);
  int status = lua_resetthread(co);
  leave(script);
  // os.exit() stops what it leaves behind in the same way.
  if (watch->trace[0] != '\0' && !script->host->wants_end)
    mine->is_killed = true;
  return status;
}

// Runs what a dead or abandoned coroutine has to close. An error in there takes
// the place of the one that the coroutine died of, and is reported as well.
static void close_coroutine(visit *mine, lua_State *L) {
  far_script *script = mine->turn->script;
  lua_State *co = script->co;
  bool has_error = lua_status(co) != LUA_YIELD;
  if (has_error && lua_checkstack(co, 1)) {
    lua_pushvalue(co, -1);
    lua_xmove(co, L, 1);
  } else {
    lua_pushnil(L);
  }
  if (reset(mine, co) != LUA_OK && lua_checkstack(co, 1)) {
    lua_pushvalue(co, -1);
    lua_xmove(co, L, 1);
    if (!lua_rawequal(L, -1, -2) && !mine->is_killed &&
        !script->host->wants_end) {
      script->host->stats.errors += has_error ? 0 : 1;
      report(script, L, co);
    }
  }
  lua_settop(co, 0);
  drop_coroutine(script);
}

// Lets the script compute, and looks at how it came back.
static void compute(visit *mine, lua_State *L, int args) {
  far_script *script = mine->turn->script;
  farside_host *host = script->host;
  far_watch *watch = &host->watch;
  lua_State *co = script->co;
  far_allowance allowance = allow(script);
  int results = 0;
  far_watch_enter(watch, co, &allowance);
  int status = lua_resume(co, L, args, &results);
  leave(script);
  script->going_on = NULL;

  // A stop that came too late to be noticed has stopped nothing. What left its
  // coroutines because of one was stopped, whether a hook has seen it or not.
  if (watch->is_killed && status != LUA_OK && watch->trace[0] == '\0')
    far_watch_trace(watch, co);
  mine->is_killed = watch->trace[0] != '\0' && !host->wants_end;
  if (!mine->is_killed && !host->wants_end && far_watch_has_killed(co))
    lua_sethook(co, NULL, 0, 0);
  if (host->wants_end || mine->is_killed) {
    mine->how = FAR_TURN_RETURNED; // os.exit(): nothing of it goes on.
    drop_coroutine(script);
    return;
  }
  if (status == LUA_YIELD && watch->is_suspended) {
    mine->is_parked = true;
    return;
  }
  switch (status) {
  case LUA_OK:
    mine->how = FAR_TURN_RETURNED;
    rest_coroutine(script);
    break;
  case LUA_YIELD:
    // A sleep has taken over the reference; after a plain coroutine.yield()
    // the coroutine belongs to whoever holds it.
    mine->how = FAR_TURN_WAITS;
    lua_pop(co, results);
    drop_coroutine(script);
    break;
  default:
    lift(mine);
    report(script, L, co);
    close_coroutine(mine, L);
    break;
  }
}

static void go_on(visit *mine, lua_State *L) {
  far_script *script = mine->turn->script;
  script->is_parked = false;
  if (!script->is_doomed) {
    compute(mine, L, 0);
    return;
  }
  script->is_doomed = false;
  mine->turn->is_closing = true;
  mine->how = FAR_TURN_RETURNED; // It was taken away; it did nothing wrong.
  close_coroutine(mine, L);
}

// The inside of the door, protected: what is pushed here may run out of memory.
static int enter(lua_State *L) {
  visit *mine = lua_touserdata(L, 1);
  far_turn *turn = mine->turn;
  far_script *script = turn->script;

  if (script->is_parked) {
    go_on(mine, L);
    return 0;
  }
  if (turn->is_closing) {
    take_coroutine(script, turn, L);
    mine->how = FAR_TURN_RETURNED;
    if (lua_status(script->co) == LUA_YIELD &&
        !far_watch_has_killed(script->co))
      close_coroutine(mine, L);
    else
      drop_coroutine(script);
    return 0;
  }

  // Everything is pushed on this protected stack and moved over: an error on
  // the coroutine's own would find nobody to catch it.
  bool is_waiting = turn->co != NULL;
  int args = turn->push(turn, L);
  if (args == FAR_TURN_NOTHING) {
    mine->how = FAR_TURN_DROPPED;
    return 0;
  }
  take_coroutine(script, turn, L);
  lua_State *co = script->co;
  int pushed = is_waiting ? args : args + 1;
  if (!lua_checkstack(co, pushed))
    return luaL_error(L, "not enough memory");
  lua_xmove(L, co, pushed);
  script->going_on = is_waiting ? co : NULL;
  compute(mine, L, args);
  return 0;
}

// -- What was stopped ---------------------------------------------------------

// Which budget a turn was stopped for: its own, or its task's.
static void describe(const far_script *script, char *why, size_t bytes) {
  const farside_limits *limits = &script->limits;
  const far_job *job = script->job;
  const char *trace = script->host->watch.trace;
  if (trace[0] == '\0')
    trace = "at a place that cannot be told";
  if (atomic_load(&script->host->watch.has_held_up)) {
    snprintf(why, bytes,
             "it has computed for %.3f s where it cannot be suspended, and may "
             "hold up the others for %.3f s (limit hold). It was %s",
             (double)script->turn_ns / 1e9, (double)limits->hold_ms / 1e3,
             trace);
    return;
  }
  bool is_task = job != NULL && job->cpu_ns >= in_ns(limits->cpu_ms);
  uint64_t used_ns = is_task ? job->cpu_ns : script->turn_ns;
  uint64_t limit_ms = is_task ? limits->cpu_ms : limits->turn_ms;
  snprintf(why, bytes,
           "it has computed for %.3f s without an end; a %s may for %.3f s "
           "(limit %s). It was %s",
           (double)used_ns / 1e9, is_task ? "task" : "turn",
           (double)limit_ms / 1e3, is_task ? "cpu" : "turn", trace);
}

enum {
  // So many tasks of a script may be stopped within a minute of each other.
  // What
  // makes more of them holds up the others again and again.
  STRIKES_MAX = 3,
  STRIKE_MS = 60 * 1000
};

static bool is_out(far_script *script) {
  uint64_t now_ms = far_host_now_ms(script->host);
  if (now_ms - script->struck_ms > STRIKE_MS)
    script->strikes = 0;
  script->struck_ms = now_ms;
  return ++script->strikes >= STRIKES_MAX;
}

static void tell(const far_script *script, char *text, size_t bytes) {
  char copy[FAR_TRACE_BYTES];
  if (script->maps == NULL || bytes > sizeof copy)
    return;
  far_source_map_rewrite(script->maps, text, copy, bytes);
  memcpy(text, copy, bytes);
}

// A turn that worked for a task, and gave up, takes only the task with it. All
// else of the script is as it was: nobody runs in the middle of somebody.
static void stop(visit *mine, bool is_dropped) {
  far_script *script = mine->turn->script;
  farside_host *host = script->host;
  char why[FAR_TRACE_BYTES + 256];
  tell(script, host->watch.trace, sizeof host->watch.trace);
  tell(script, host->watch.place, sizeof host->watch.place);
  const char *place = host->watch.place[0] ? host->watch.place : NULL;
  describe(script, why, sizeof why);
  host->stats.killed++;
  mine->how = FAR_TURN_FAILED;
  if (is_dropped) {
    far_life_kill(script, place, why);
  } else if (script->job != NULL) {
    far_job_end(script->job, FAR_TASK_FAILED, why);
    if (!script->is_borrowed && is_out(script))
      far_life_kill(script, place,
                    "three of its tasks were stopped, one shortly "
                    "after the other; the timeline has each");
  } else if (script->is_borrowed) {
    far_host_note(host, FAR_WHAT_LOG, FARSIDE_ERROR, script, NULL, why);
  } else {
    far_life_kill(script, place, why);
  }
}

static void charge(far_script *script, uint64_t used_ns) {
  script->turn_ns += used_ns;
  script->cpu_ns += used_ns;
  if (script->job != NULL)
    script->job->cpu_ns += used_ns;
}

// A task of a thousand short turns has a budget too.
static void check_job(far_script *script) {
  far_job *job = script->job;
  if (job == NULL || job->cpu_ns < in_ns(script->limits.cpu_ms))
    return;
  char why[160];
  snprintf(why, sizeof why,
           "its turns have computed for %.3f s; a task may for %.3f s (limit "
           "cpu)",
           (double)job->cpu_ns / 1e9, (double)script->limits.cpu_ms / 1e3);
  script->host->stats.killed++;
  far_job_end(job, FAR_TASK_FAILED, why);
}

// -- The door -----------------------------------------------------------------

// Out of memory between the door and the script, or while reporting; or in the
// middle of the script: what lua_resume() has to say itself is raised in the
// coroutine that it cannot resume, and comes out here.
static void failed_inside(far_script *script, far_role role, lua_State *L) {
  if (script->host->watch.running != NULL)
    leave(script);
  script->going_on = NULL;
  script->closings = 0;
  const char *message =
      lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "unknown error";
  tell_owner(script, role, message);
  far_host_fail(script->host, FARSIDE_SCRIPT, "%s", message);
  far_host_note(script->host, FAR_WHAT_LOG, FARSIDE_ERROR, script,
                script->job ? &script->job->task : NULL, message);
  lua_pop(L, 1);
  drop_coroutine(script);
}

// False when the watchdog had to jump out of the script.
static bool pass(far_script *script, visit *mine) {
  far_watch *watch = &script->host->watch;
  if (sigsetjmp(watch->way_out, 0) != 0) {
    lua_State *was_running = watch->running;
    leave(script);
    far_watch_trace_dead(watch, was_running);
    return false;
  }
  lua_State *L = script->L;
  lua_pushcfunction(L, enter);
  lua_pushlightuserdata(L, mine);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    failed_inside(script, mine->turn->role, L);
    mine->how = FAR_TURN_FAILED;
    mine->is_parked = false;
  }
  return true;
}

static void note_turn(const far_script *script) {
  farside_host *host = script->host;
  far_whom whom = {.script = script->name,
                   .task = script->job ? &script->job->task : NULL};
  far_audit_turn(host->audit, &whom, far_job_is_handling(script),
                 far_host_now_ms(host));
}

static void note_heap(const far_script *script) {
  farside_host *host = script->host;
  far_whom whom = {.script = script->name};
  const far_script *most;
  far_audit_heap(host->audit, &whom, far_scripts_heap(host, &most),
                 far_host_now_ms(host));
}

static void begin(far_script *script, far_turn *turn) {
  far_assert(script->running == NULL);
  far_turn_cancel(turn);
  script->running = turn;
  script->job = turn->job;
  script->turn_ns = 0;
  if (script->host->audit != NULL)
    note_turn(script);
}

static void end(far_script *script, far_turn *turn, far_turn_end how) {
  // The task may have ended meanwhile; then it is nobody's turn any more.
  turn->job = script->job;
  script->running = NULL;
  script->job = NULL;
  turn->end(turn, how);
}

void far_host_call(far_turn *turn) {
  far_script *script = turn->script;
  farside_host *host = script->host;
  far_assert(!script->is_dead);
  if (script->is_parked) {
    far_assert(script->running == turn);
    host->turns_queued--;
    host->parked--;
  } else {
    begin(script, turn);
  }
  visit mine = {.turn = turn, .how = FAR_TURN_FAILED};
  bool was_running = host->is_running;
  host->is_running = true;
  host->watch.used_ns = 0;
  bool is_dropped = !pass(script, &mine);
  charge(script, host->watch.used_ns);
  if (mine.is_lifted && !is_dropped)
    far_arena_lower(script->arena);
  host->is_running = was_running;
  if (mine.is_parked && !is_dropped) {
    script->is_parked = true;
    host->turns_queued++;
    host->parked++;
    far_script_ready(script);
    return;
  }
  if (is_dropped || mine.is_killed)
    stop(&mine, is_dropped);
  else
    check_job(script);
  if (mine.how == FAR_TURN_FAILED && host->wants_end)
    mine.how = FAR_TURN_RETURNED;
  if (mine.how == FAR_TURN_FAILED && !is_dropped && !mine.is_killed &&
      !is_owned(script))
    host->stats.errors++;
  if (host->audit != NULL && !script->is_dead)
    note_heap(script);
  end(script, turn, mine.how);
}

void far_turn_doom(far_script *script) {
  script->is_doomed = script->is_parked;
}
