// await: a coroutine waits until somebody of its script says that it is done.
//
// What calls back becomes what waits: Promises of TypeScript, and any function
// that takes a callback.

#include "wait.h"

// An answer is a table: what done() was given from 1 on, how many as `n` once
// it was called, and under `wait` the id of who waits for it.
typedef struct awaiting {
  far_wait wait; // First.
  int answer_ref;
} awaiting;

static int push_answer(lua_State *L, int answer) {
  lua_getfield(L, answer, "n");
  int count = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  luaL_checkstack(L, count, "too many values");
  for (int i = 1; i <= count; i++)
    lua_rawgeti(L, answer, i);
  return count;
}

static int awaiting_push(far_wait *wait, lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, ((awaiting *)wait)->answer_ref);
  int answer = lua_gettop(L);
  int count = push_answer(L, answer);
  lua_remove(L, answer);
  return count;
}

static void awaiting_stop(far_wait *wait) {
  (void)wait; // Whoever calls done() finds nobody.
}

static void awaiting_deinit(far_wait *wait) {
  far_script_unref(wait->turn.script, &((awaiting *)wait)->answer_ref);
}

static const far_wait_kind await_kind = {
    .what = "await",
    .refusal = "only a coroutine can await: call it in a task, a timer or a "
               "listener, or wrap it in a coroutine",
    .bytes = sizeof(awaiting),
    .push = awaiting_push,
    .stop = awaiting_stop,
    .deinit = awaiting_deinit};

// done(…): only the first call counts. Upvalue 2 is the answer.
static int done(lua_State *L) {
  far_script *script = far_script_of(L);
  int count = lua_gettop(L), answer = lua_upvalueindex(2);
  if (lua_getfield(L, answer, "n") != LUA_TNIL)
    return 0;
  lua_pop(L, 1);
  lua_pushinteger(L, count);
  lua_setfield(L, answer, "n");
  for (int i = count; i >= 1; i--)
    lua_rawseti(L, answer, i);
  lua_getfield(L, answer, "wait");
  far_owned *owned =
      far_slots_get(&script->waits, (uint64_t)lua_tointeger(L, -1));
  if (owned != NULL) {
    far_begin_change(script);
    far_wait_end(far_list_item(owned, far_wait, owned), NULL);
    far_end_change(script);
  }
  return 0;
}

// start(done) has returned: 1 is the answer.
static int started(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  far_script *script = far_script_of(L);
  lua_settop(L, 1);
  if (lua_getfield(L, 1, "n") != LUA_TNIL)
    return push_answer(L, 1); // It was called already.
  lua_settop(L, 1);
  int co_ref = far_wait_prepare(L, &await_kind);
  lua_pushvalue(L, 1);
  int answer_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  far_begin_change(script);
  far_wait *fresh = far_wait_begin(script, L, co_ref, &await_kind);
  if (fresh != NULL) {
    ((awaiting *)fresh)->answer_ref = answer_ref;
    fresh->owned.is_passive = true; // Nothing of it happens by itself.
  }
  far_end_change(script);
  if (fresh == NULL) {
    luaL_unref(L, LUA_REGISTRYINDEX, answer_ref);
  } else {
    lua_pushinteger(L, (lua_Integer)fresh->id);
    lua_setfield(L, 1, "wait"); // There is room for it.
  }
  return far_wait_yield(L, fresh, co_ref);
}

// await(start) --> what done(…) was given, once start(done) or somebody later
// has called it
static int await(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  if (!lua_isyieldable(L))
    return luaL_error(L, "%s", await_kind.refusal);
  lua_settop(L, 1);
  lua_createtable(L, 1, 2);
  lua_pushboolean(L, 0); // Room, so that an id is kept without an error.
  lua_setfield(L, -2, "wait");
  lua_insert(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, done, 2);
  lua_callk(L, 1, 0, 0, started);
  return started(L, LUA_OK, 0);
}

void far_set_await(lua_State *L, int box) {
  far_push_function(L, box, await);
  lua_setfield(L, -2, "await");
}
