// Timers, and sleeping. Both belong to the task in which they were set, and end
// with it.

#include "sandbox.h"
#include "wait.h"

#include <math.h>

// -- setTimeout, setInterval --------------------------------------------------

typedef struct timer {
  far_owned owned;
  far_timer timer;
  far_turn turn;
  uint64_t id;
  uint64_t interval_ms; // Zero for a timeout.
  int function_ref;     // A function, or { fn, n, … } when it has arguments.
  uint16_t place;       // For the audit.
  bool is_over;
} timer;

static void timer_free(timer *mine) {
  far_script *script = mine->turn.script;
  far_timer_deinit(&script->host->timers, &mine->timer);
  far_script_free(script, mine, sizeof *mine);
}

// Ends a timer. While its own turn runs, its memory waits for the turn's end.
static void timer_end(timer *mine) {
  far_script *script = mine->turn.script;
  if (mine->is_over)
    return;
  mine->is_over = true;
  far_slots_remove(&script->waits, mine->id, 0);
  far_owned_leave(&mine->owned);
  far_timer_stop(&script->host->timers, &mine->timer);
  far_turn_cancel(&mine->turn);
  far_script_unref(script, &mine->function_ref);
  if (script->running != &mine->turn)
    timer_free(mine);
}

static void timer_cancelled(far_owned *owned) {
  timer_end(far_list_item(owned, timer, owned));
}

static void timer_is_due(far_timer *due, uint64_t now_ms) {
  timer *mine = far_list_item(due, timer, timer);
  far_turn *turn = &mine->turn;
  // The turn of something that is due belongs to the task that owns it.
  turn->job = mine->owned.job;
  farside_host *host = turn->script->host;
  far_host_note_then(host, far_host_lately_ms(host), FAR_WHAT_TIMER_FIRE,
                     FARSIDE_DEBUG, turn->script,
                     turn->job ? &turn->job->task : NULL, NULL);
  far_audit_fired(host->audit, mine->place, now_ms);
  far_turn_queue(turn);
}

static int push_timer(far_turn *turn, lua_State *L) {
  timer *mine = far_list_item(turn, timer, turn);
  int args = 0;
  if (lua_rawgeti(L, LUA_REGISTRYINDEX, mine->function_ref) == LUA_TTABLE) {
    int table = lua_gettop(L);
    lua_rawgeti(L, table, 2);
    args = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    luaL_checkstack(L, args + 1, "too many arguments");
    lua_rawgeti(L, table, 1);
    for (int i = 0; i < args; i++)
      lua_rawgeti(L, table, i + 3);
    lua_remove(L, table);
  }
  if (mine->interval_ms == 0)
    timer_end(mine);
  return args;
}

static void timer_turn_ended(far_turn *turn, far_turn_end how) {
  timer *mine = far_list_item(turn, timer, turn);
  farside_host *host = turn->script->host;
  if (turn->job != NULL)
    far_job_suspect(turn->job);
  if (mine->is_over)
    timer_free(mine);
  else if (how == FAR_TURN_DROPPED || mine->interval_ms == 0)
    timer_end(mine); // Its script is closed, or there was nothing to push.
  else {
    // Missed ticks are not made up for: after a long sleep it fires once.
    uint64_t now_ms = far_host_now_ms(host);
    uint64_t next_ms = mine->timer.when_ms + mine->interval_ms;
    far_timer_start(&host->timers, &mine->timer,
                    next_ms > now_ms ? next_ms : now_ms + mine->interval_ms);
  }
}

// A timer never fires in the instant in which it was set: otherwise virtual
// time could stand still for ever.
static uint64_t check_ms(lua_State *L, int index, const char *function) {
  const lua_Number most_ms = 1e15;
  lua_Number ms = luaL_optnumber(L, index, 0);
  if (isnan(ms))
    luaL_error(L, "%s: the delay is not a number", function);
  if (ms > most_ms)
    ms = most_ms;
  return ms < 1 ? 1 : (uint64_t)ceil(ms);
}

// Who sets a timer, and where. Only an audit wants to know: it takes time.
static far_whom setter(lua_State *L, far_script *script) {
  far_job *job = script->job;
  return (far_whom){.script = script->name,
                    .task = job ? &job->task : NULL,
                    .where = script->host->audit ? far_push_origin(L) : NULL};
}

// Returns the id; zero when memory is short.
static uint64_t timer_begin(far_script *script, int function_ref, uint64_t ms,
                            bool is_interval, const far_whom *whom) {
  farside_host *host = script->host;
  uint64_t now_ms = far_host_now_ms(host);
  timer *fresh = far_script_new(script, sizeof *fresh);
  if (fresh == NULL)
    return 0;
  fresh->function_ref = function_ref;
  fresh->interval_ms = is_interval ? ms : 0;
  fresh->turn =
      (far_turn){.script = script, .push = push_timer, .end = timer_turn_ended};
  if (far_timer_init(&host->timers, &fresh->timer, FAR_TIMER_SCRIPT,
                     timer_is_due) != FARSIDE_OK ||
      (fresh->id = far_slots_add(&script->waits, &fresh->owned)) == 0) {
    timer_free(fresh);
    return 0;
  }
  fresh->owned = (far_owned){
      .what = "timer", .is_endless = is_interval, .cancel = timer_cancelled};
  far_script_own(script, &fresh->owned);
  fresh->place = far_audit_timer_set(host->audit, whom, now_ms);
  far_timer_start(&host->timers, &fresh->timer, now_ms + ms);
  return fresh->id;
}

static int set(lua_State *L, bool is_interval) {
  far_script *script = far_script_of(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  uint64_t ms = check_ms(L, 2, is_interval ? "setInterval" : "setTimeout");
  int args = lua_gettop(L) - 2;
  far_whom whom = setter(L, script);
  if (args > 0) {
    lua_createtable(L, args + 2, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    lua_pushinteger(L, args);
    lua_rawseti(L, -2, 2);
    for (int i = 0; i < args; i++) {
      lua_pushvalue(L, i + 3);
      lua_rawseti(L, -2, i + 3);
    }
  } else {
    lua_pushvalue(L, 1);
  }
  int ref = far_script_ref(script, L);
  far_begin_change(script);
  uint64_t id = timer_begin(script, ref, ms, is_interval, &whom);
  far_end_change(script);
  if (id == 0) {
    luaL_unref(L, LUA_REGISTRYINDEX, ref);
    lua_pushliteral(L, "not enough memory"); // As Lua says it.
    return lua_error(L);
  }
  lua_pushinteger(L, (lua_Integer)id);
  return 1;
}

// setTimeout(fn, ms, …) --> id
int far_timers_set_timeout(lua_State *L) {
  return set(L, false);
}

// setInterval(fn, ms, …) --> id
int far_timers_set_interval(lua_State *L) {
  return set(L, true);
}

// clearTimeout(id), clearInterval(id): harmless for nil and for an id that has
// fired.
int far_timers_clear(lua_State *L) {
  far_script *script = far_script_of(L);
  if (lua_isnoneornil(L, 1))
    return 0;
  lua_Integer id = luaL_checkinteger(L, 1);
  far_owned *owned = far_slots_get(&script->waits, (uint64_t)id);
  if (owned != NULL && owned->cancel == timer_cancelled) {
    far_begin_change(script);
    timer_end(far_list_item(owned, timer, owned));
    far_end_change(script);
  }
  return 0;
}

// -- sleep --------------------------------------------------------------------

typedef struct nap {
  far_wait wait;
  far_timer timer;
  uint16_t place; // For the audit.
} nap;

static void nap_is_due(far_timer *due, uint64_t now_ms) {
  nap *mine = far_list_item(due, nap, timer);
  far_audit_fired(mine->wait.turn.script->host->audit, mine->place, now_ms);
  far_wait_end(&mine->wait, "sleep");
}

static int nap_push(far_wait *wait, lua_State *L) {
  (void)wait;
  return far_push_status(L, FARSIDE_OK);
}

static void nap_stop(far_wait *wait) {
  far_timer_stop(&wait->turn.script->host->timers, &((nap *)wait)->timer);
}

static void nap_deinit(far_wait *wait) {
  far_timer_deinit(&wait->turn.script->host->timers, &((nap *)wait)->timer);
}

static const far_wait_kind nap_kind = {
    .what = "sleep",
    .refusal = "only a coroutine can sleep: call it in a task, a timer or a "
               "listener, or wrap it in a coroutine",
    .bytes = sizeof(nap),
    .push = nap_push,
    .stop = nap_stop,
    .deinit = nap_deinit};

// NULL when memory is short.
static far_wait *nap_begin(far_script *script, lua_State *L, int co_ref,
                           uint64_t ms, const far_whom *whom) {
  farside_host *host = script->host;
  far_wait *fresh = far_wait_begin(script, L, co_ref, &nap_kind);
  if (fresh == NULL)
    return NULL;
  far_timer *due = &((nap *)fresh)->timer;
  if (far_timer_init(&host->timers, due, FAR_TIMER_SCRIPT, nap_is_due) !=
      FARSIDE_OK) {
    far_wait_abandon(fresh);
    return NULL;
  }
  ((nap *)fresh)->place = far_audit_slept(host->audit, whom);
  far_timer_start(&host->timers, due, far_host_now_ms(host) + ms);
  return fresh;
}

// sleep(ms) --> true | nil, message, name
static int sleep(lua_State *L) {
  far_script *script = far_script_of(L);
  luaL_checknumber(L, 1);
  uint64_t ms = check_ms(L, 1, "sleep");
  far_whom whom = setter(L, script);
  int co_ref = far_wait_prepare(L, &nap_kind);
  far_begin_change(script);
  const far_wait *fresh = nap_begin(script, L, co_ref, ms, &whom);
  far_end_change(script);
  return far_wait_yield(L, fresh, co_ref);
}

static const luaL_Reg functions[] = {
    {"setTimeout", far_timers_set_timeout},
    {"setInterval", far_timers_set_interval},
    {"clearTimeout", far_timers_clear},
    {"clearInterval", far_timers_clear},
    {"sleep", sleep},
    {NULL, NULL},
};

void far_set_timers(lua_State *L, int box) {
  far_set_functions(L, box, functions);
  far_set_alias(L, "clearInterval", "clearTimeout");
}
