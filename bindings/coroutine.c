// coroutine: as in the manual, but a script cannot hide in it.
//
// The watchdog stops what computes, and what computes may lie several
// coroutines deep. So each resume passes a stop on: outwards at once, and after
// a suspension inwards again, without a line of the script in between.

#include "sandbox.h"

#include <string.h>

enum {
  // Lua 5.4.4 does not count how deep coroutine.close() nests in __close, and
  // crashes. So the C stack is measured, and the nesting counted.
  CLOSINGS_MAX = 150,
  CLOSING_BYTES_MAX = 256 * 1024,
};

// A wrapper keeps its coroutine as upvalue 2.
static lua_State *inner_of(lua_State *L, bool is_wrapper) {
  return lua_tothread(L, is_wrapper ? lua_upvalueindex(2) : 1);
}

static lua_State *check_coroutine(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "thread");
  return co;
}

// -- Status -------------------------------------------------------------------

static const char *status_of(lua_State *L, lua_State *co) {
  lua_Debug frame;
  if (L == co)
    return "running";
  if (far_watch_has_killed(co))
    return "dead";
  if (lua_status(co) == LUA_YIELD)
    return "suspended";
  if (lua_status(co) != LUA_OK)
    return "dead";
  if (lua_getstack(co, 0, &frame))
    return "normal";
  return lua_gettop(co) == 0 ? "dead" : "suspended"; // Nothing to begin with.
}

// status(co) --> "running", "suspended", "normal" or "dead"
int far_coroutine_status(lua_State *L) {
  lua_State *co = check_coroutine(L);
  lua_pushstring(L, status_of(L, co));
  return 1;
}

// running() --> co, whether it is the main one. Once a script knows its
// coroutine, it must not come back from the pool as somebody else's.
int far_coroutine_running(lua_State *L) {
  far_script *script = far_script_of(L);
  if (script->co == L)
    script->co_is_ours = false;
  lua_pushboolean(L, lua_pushthread(L));
  return 2;
}

// -- Leaving the chain --------------------------------------------------------

static int refuse_to_go_on(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  return luaL_error(L, "stopped");
}

// Nobody in this chain may go on, whatever it catches: the watchdog has stopped
// it, or the app is over.
static bool has_to_leave(const far_script *script) {
  return script->host->watch.is_killed || script->host->wants_end;
}

// The stop may have come when the inner coroutine had no instruction left: then
// it is noticed here, and nowhere else.
static int leave(lua_State *L, far_script *script) {
  far_watch_stop(&script->host->watch, L);
  if (lua_isyieldable(L))
    return lua_yieldk(L, 0, 0, refuse_to_go_on);
  return refuse_to_go_on(L, LUA_OK, 0);
}

// -- Close --------------------------------------------------------------------

static size_t distance(const char *a, const char *b) {
  uintptr_t one = (uintptr_t)a, other = (uintptr_t)b;
  return one > other ? one - other : other - one;
}

static int reset(lua_State *L, far_script *script, lua_State *co) {
  const char *here = __builtin_frame_address(0);
  if (script->closings == 0)
    script->closing_from = here;
  if (script->closings >= CLOSINGS_MAX ||
      distance(here, script->closing_from) > CLOSING_BYTES_MAX)
    return luaL_error(L, "C stack overflow");
  script->closings++;
  int status = far_watch_reset(&script->host->watch, co, L);
  script->closings--;
  return status;
}

// close(co) --> true | false, error
int far_coroutine_close(lua_State *L) {
  far_script *script = far_script_marked(L);
  lua_State *co = check_coroutine(L);
  const char *state = status_of(L, co);
  if (L == co || strcmp(state, "normal") == 0)
    return luaL_error(L, "cannot close a %s coroutine", state);
  if (far_watch_has_killed(co))
    return luaL_error(L, "cannot close a coroutine that was stopped");
  int status = reset(L, script, co);
  if (has_to_leave(script))
    return leave(L, script);
  lua_pushboolean(L, status == LUA_OK);
  if (status == LUA_OK)
    return 1;
  lua_xmove(co, L, 1);
  return 2;
}

// -- Resume -------------------------------------------------------------------

// Raises what a wrapped coroutine died of, with its place before it.
static int raise_wrapped(lua_State *L, far_script *script, lua_State *co) {
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) {
    status = reset(L, script, co);
    if (has_to_leave(script))
      return leave(L, script);
    lua_xmove(co, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

// The error is on the top.
static int answer_error(lua_State *L, far_script *script, lua_State *co,
                        bool is_wrapper) {
  if (is_wrapper)
    return raise_wrapped(L, script, co);
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

static int answer(lua_State *L, far_script *script, lua_State *co, int status,
                  int results, bool is_wrapper) {
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return answer_error(L, script, co, is_wrapper);
  }
  if (!lua_checkstack(L, results + 1)) {
    lua_pop(co, results);
    lua_pushliteral(L, "too many results to resume");
    return answer_error(L, script, co, is_wrapper);
  }
  if (!is_wrapper)
    lua_pushboolean(L, 1);
  lua_xmove(co, L, results);
  return results + (is_wrapper ? 0 : 1);
}

static int go_on(lua_State *L, int status, lua_KContext is_wrapper);

// What a resume has come to, in every case.
static int settle(lua_State *L, far_script *script, lua_State *co, int status,
                  int results, bool is_wrapper) {
  far_watch *watch = &script->host->watch;
  while (watch->is_suspended && status == LUA_YIELD && !has_to_leave(script)) {
    if (lua_isyieldable(L))
      return lua_yieldk(L, 0, is_wrapper, go_on);
    // Somebody in C is between us and the door. The next tick tries again.
    watch->is_suspended = 0;
    status = far_watch_resume(watch, co, L, 0, &results);
  }
  if (has_to_leave(script))
    return leave(L, script);
  return answer(L, script, co, status, results, is_wrapper);
}

// A new slice: the inner coroutine goes on where it was suspended.
static int go_on(lua_State *L, int status, lua_KContext is_wrapper) {
  (void)status;
  far_script *script = far_script_marked(L);
  far_watch *watch = &script->host->watch;
  watch->is_suspended = 0;
  lua_settop(L, is_wrapper ? 0 : 1);
  lua_State *co = inner_of(L, is_wrapper);
  int results = 0;
  status = far_watch_resume(watch, co, L, 0, &results);
  return settle(L, script, co, status, results, is_wrapper);
}

// Why it cannot be resumed, or NULL. lua_resume() would say the same, but where
// nobody catches that there is no memory to say it.
static const char *refusal(lua_State *L, const far_watch *watch,
                           lua_State *co) {
  lua_Debug frame;
  int status = lua_status(co);
  bool is_killed = watch->has_killed && far_watch_has_killed(co);
  if (status == LUA_YIELD && !is_killed)
    return NULL;
  if (status == LUA_OK && !is_killed) {
    if (L == co || lua_getstack(co, 0, &frame))
      return "cannot resume non-suspended coroutine";
    if (lua_gettop(co) > 0) // It has its function still.
      return NULL;
  }
  return "cannot resume dead coroutine";
}

// The way of nearly every resume is short: some programs do little else.
// Inline, so that it is no call more: see far_watch_resume().
static inline __attribute__((always_inline)) int begin(lua_State *L, int args,
                                                       bool is_wrapper) {
  far_script *script = far_script_marked(L);
  far_watch *watch = &script->host->watch;
  lua_State *co = inner_of(L, is_wrapper);
  const char *why = refusal(L, watch, co);
  if (why != NULL) {
    lua_pushstring(L, why);
    return answer_error(L, script, co, is_wrapper);
  }
  if (!lua_checkstack(co, args)) {
    lua_pushliteral(L, "too many arguments to resume");
    return answer_error(L, script, co, is_wrapper);
  }
  lua_xmove(L, co, args);
  int results = 0;
  int status = far_watch_resume(watch, co, L, args, &results);
  if (status > LUA_YIELD || watch->is_suspended || has_to_leave(script) ||
      !lua_checkstack(L, results + 1))
    return settle(L, script, co, status, results, is_wrapper);
  if (!is_wrapper)
    lua_pushboolean(L, 1);
  lua_xmove(co, L, results);
  return results + !is_wrapper;
}

// resume(co, …) --> true, … | false, error
int far_coroutine_resume(lua_State *L) {
  check_coroutine(L);
  return begin(L, lua_gettop(L) - 1, false);
}

static int call_wrapped(lua_State *L) {
  return begin(L, lua_gettop(L), true);
}

// create(function) --> co
int far_coroutine_create(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  if (lua_gethook(co) != NULL) // It has inherited what is meant for L.
    lua_sethook(co, NULL, 0, 0);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  return 1;
}

// wrap(function) --> function that resumes it
int far_coroutine_wrap(lua_State *L) {
  far_coroutine_create(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, -2);
  lua_pushcclosure(L, call_wrapped, 2);
  return 1;
}
