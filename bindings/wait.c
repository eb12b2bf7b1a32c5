#include "wait.h"

static void wait_free(far_wait *wait) {
  far_script *script = wait->turn.script;
  const far_wait_kind *kind = wait->kind;
  far_script_unref(script, &wait->turn.co_ref);
  if (kind->deinit != NULL)
    kind->deinit(wait);
  far_script_free(script, wait, kind->bytes);
}

static void leave(far_wait *wait) {
  if (wait->is_over)
    return;
  wait->is_over = true;
  far_slots_remove(&wait->turn.script->waits, wait->id, 0);
  far_owned_leave(&wait->owned);
  wait->kind->stop(wait);
}

// The task has ended.
static void cancelled(far_owned *owned) {
  far_wait *wait = far_list_item(owned, far_wait, owned);
  leave(wait);
  wait->turn.job = NULL;
  wait->turn.is_closing = true;
  if (!far_list_is_in(&wait->turn.link))
    far_turn_queue(&wait->turn);
}

static int push_awakening(far_turn *turn, lua_State *L) {
  far_wait *wait = far_list_item(turn, far_wait, turn);
  leave(wait);
  if (lua_status(turn->co) != LUA_YIELD || far_watch_has_killed(turn->co))
    return FAR_TURN_NOTHING;
  return wait->kind->push(wait, L);
}

static void turn_ended(far_turn *turn, far_turn_end how) {
  far_wait *wait = far_list_item(turn, far_wait, turn);
  leave(wait);
  if (turn->job != NULL) {
    if (turn->role == FAR_ROLE_CLOSURE && how == FAR_TURN_FAILED)
      far_job_end(turn->job, FAR_TASK_FAILED, "its closure raised an error");
    else
      far_job_suspect(turn->job);
    if (turn->role == FAR_ROLE_HANDLER && how != FAR_TURN_WAITS)
      far_job_heard(turn->job);
  }
  wait_free(wait);
}

// Somebody resumed the coroutine: the host, or, before its time, a script.
static int awake(lua_State *L, int status, lua_KContext id) {
  (void)status;
  far_script *script = far_script_of(L);
  if (script->going_on == L) {
    script->going_on = NULL;
    return lua_gettop(L);
  }
  const char *what = "wait";
  far_owned *owned = far_slots_get(&script->waits, (uint64_t)id);
  if (owned != NULL && owned->cancel == cancelled) {
    far_wait *wait = far_list_item(owned, far_wait, owned);
    what = wait->kind->what;
    far_begin_change(script);
    leave(wait);
    far_turn_cancel(&wait->turn);
    wait_free(wait);
    far_end_change(script);
  }
  return far_push_failure(L, FARSIDE_INTERRUPTED,
                          "the %s was ended by somebody who resumed its "
                          "coroutine",
                          what);
}

int far_wait_prepare(lua_State *L, const far_wait_kind *kind) {
  const far_script *script = far_script_of(L);
  if (!lua_isyieldable(L))
    luaL_error(L, "%s", kind->refusal);
  // A coroutine of the script's own goes on in a turn of its own.
  if (script->co == L)
    return LUA_NOREF; // The running turn keeps it, and hands it over.
  lua_pushthread(L);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

far_wait *far_wait_begin(far_script *script, lua_State *L, int co_ref,
                         const far_wait_kind *kind) {
  far_wait *fresh = far_script_new(script, kind->bytes);
  if (fresh == NULL)
    return NULL;
  fresh->kind = kind;
  fresh->owned = (far_owned){.what = kind->what, .cancel = cancelled};
  fresh->id = far_slots_add(&script->waits, &fresh->owned);
  if (fresh->id == 0) {
    far_script_free(script, fresh, kind->bytes);
    return NULL;
  }
  far_script_own(script, &fresh->owned);
  fresh->turn = (far_turn){.script = script,
                           .push = push_awakening,
                           .end = turn_ended,
                           .co = L,
                           .co_ref = co_ref};
  if (script->co == L) {
    fresh->turn.co_ref = script->co_ref;
    fresh->turn.is_ours = script->co_is_ours;
    fresh->turn.role = script->co_role;
    script->co_ref = LUA_NOREF;
  }
  return fresh;
}

void far_wait_abandon(far_wait *wait) {
  far_script *script = wait->turn.script;
  leave(wait);
  if (script->co == wait->turn.co)
    script->co_ref = wait->turn.co_ref;
  wait->turn.co_ref = LUA_NOREF; // Its maker has it still.
  wait_free(wait);
}

int far_wait_yield(lua_State *L, const far_wait *wait, int co_ref) {
  if (wait == NULL) {
    luaL_unref(L, LUA_REGISTRYINDEX, co_ref);
    lua_pushliteral(L, "not enough memory"); // As Lua says it.
    return lua_error(L);
  }
  lua_settop(L, 0); // What it returns is all that will be there.
  return lua_yieldk(L, 0, (lua_KContext)wait->id, awake);
}

void far_wait_end(far_wait *wait, const char *note) {
  far_turn *turn = &wait->turn;
  if (far_list_is_in(&turn->link))
    return;
  turn->job = wait->owned.job;
  if (note != NULL)
    far_host_note(turn->script->host, FAR_WHAT_TIMER_FIRE, FARSIDE_DEBUG,
                  turn->script, turn->job ? &turn->job->task : NULL, note);
  far_turn_queue(turn);
}
