#include "far_assert.h"
#include "host.h"

#include <lauxlib.h>
#include <string.h>

void far_turn_queue(far_turn *turn) {
  far_assert(!far_list_is_in(&turn->link));
  far_list_append(&turn->script->turns, &turn->link);
  turn->script->host->turns_queued++;
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
  script->co_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  script->co = co;
}

static void drop_coroutine(far_script *script) {
  if (script->co == NULL)
    return;
  luaL_unref(script->L, LUA_REGISTRYINDEX, script->co_ref);
  script->co = NULL;
  script->co_ref = LUA_NOREF;
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

// -- Errors -------------------------------------------------------------------

// Writes down what was raised, and where. Reads the error without metamethods:
// a script must not get to run once more in order to be reported.
static void report(far_script *script, lua_State *L, lua_State *co) {
  const char *message = lua_type(co, -1) == LUA_TSTRING
                            ? lua_tostring(co, -1)
                            : lua_pushfstring(L, "(error object is a %s value)",
                                              luaL_typename(co, -1));
  far_host_fail(script->host, FARSIDE_SCRIPT, "%s", message);
  luaL_traceback(L, co, message, 0);
  // Asked only now: the traceback may have collected garbage, and a finalizer
  // may have ended the task.
  const far_job *job = script->job;
  far_host_note(script->host, FAR_WHAT_LOG, FARSIDE_ERROR, script,
                job ? &job->task : NULL, lua_tostring(L, -1));
}

// Runs what a dead or abandoned coroutine has to close. An error in there takes
// the place of the one that the coroutine died of, and is reported as well.
static void close_coroutine(far_script *script, lua_State *L) {
  lua_State *co = script->co;
  bool has_error = lua_status(co) != LUA_YIELD;
  if (has_error && lua_checkstack(co, 1)) {
    lua_pushvalue(co, -1);
    lua_xmove(co, L, 1);
  } else {
    lua_pushnil(L);
  }
  if (lua_resetthread(co) != LUA_OK && lua_checkstack(co, 1)) {
    lua_pushvalue(co, -1);
    lua_xmove(co, L, 1);
    if (!lua_rawequal(L, -1, -2)) {
      script->host->stats.errors += has_error ? 0 : 1;
      report(script, L, co);
    }
  }
  lua_settop(co, 0);
  drop_coroutine(script);
}

// -- The door -----------------------------------------------------------------

typedef struct entry {
  far_turn *turn;
  far_turn_end how;
} entry;

// The inside of the door, protected: what is pushed here may run out of memory.
static int enter(lua_State *L) {
  entry *visit = lua_touserdata(L, 1);
  far_turn *turn = visit->turn;
  far_script *script = turn->script;

  if (turn->is_closing) {
    take_coroutine(script, turn, L);
    if (lua_status(script->co) == LUA_YIELD)
      close_coroutine(script, L);
    else
      drop_coroutine(script);
    visit->how = FAR_TURN_RETURNED;
    return 0;
  }

  // Everything is pushed on this protected stack and moved over: an error on
  // the coroutine's own would find nobody to catch it.
  bool is_waiting = turn->co != NULL;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  int args = turn->push(turn, L);
  if (args == FAR_TURN_NOTHING) {
    visit->how = FAR_TURN_DROPPED;
    return 0;
  }
  take_coroutine(script, turn, L);
  lua_State *co = script->co;
  int pushed = is_waiting ? args : args + 1;
  if (!lua_checkstack(co, pushed))
    return luaL_error(L, "not enough memory");
  lua_xmove(L, co, pushed);

  script->going_on = is_waiting ? co : NULL;
  int results = 0;
  int status = lua_resume(co, L, args, &results);
  script->going_on = NULL;
  switch (status) {
  case LUA_OK:
    visit->how = FAR_TURN_RETURNED;
    rest_coroutine(script);
    break;
  case LUA_YIELD:
    // A sleep has taken over the reference; after a plain coroutine.yield()
    // the coroutine belongs to whoever holds it.
    visit->how = FAR_TURN_WAITS;
    lua_pop(co, results);
    drop_coroutine(script);
    break;
  default:
    if (!script->host->wants_end) // os.exit() where nothing can yield.
      report(script, L, co);
    close_coroutine(script, L);
    break;
  }
  return 0;
}

void far_host_call(far_turn *turn) {
  far_script *script = turn->script;
  farside_host *host = script->host;
  lua_State *L = script->L;
  far_assert(script->running == NULL);
  far_turn_cancel(turn);

  entry visit = {.turn = turn, .how = FAR_TURN_FAILED};
  bool was_running = host->is_running;
  host->is_running = true;
  script->running = turn;
  script->job = turn->job;

  lua_pushcfunction(L, enter);
  lua_pushlightuserdata(L, &visit);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    // Out of memory between the door and the script, or while reporting.
    const char *message =
        lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "unknown error";
    far_host_fail(host, FARSIDE_SCRIPT, "%s", message);
    far_host_note(host, FAR_WHAT_LOG, FARSIDE_ERROR, script,
                  script->job ? &script->job->task : NULL, message);
    lua_pop(L, 1);
    drop_coroutine(script);
    visit.how = FAR_TURN_FAILED;
  }
  if (visit.how == FAR_TURN_FAILED && host->wants_end)
    visit.how = FAR_TURN_RETURNED;
  if (visit.how == FAR_TURN_FAILED)
    host->stats.errors++;

  // The task may have ended meanwhile; then it is nobody's turn any more.
  turn->job = script->job;
  script->running = NULL;
  script->job = NULL;
  host->is_running = was_running;
  turn->end(turn, visit.how);
}
