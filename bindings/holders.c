// Holders: can anybody still finish this task?
//
// A closure that has returned, with nothing of it pending, is a leak if nobody
// is left who knows its id. So the script's whole heap is searched for that
// number and for the task's own object: globals, upvalues, tables, metatables,
// and the locals of every coroutine. It is done for all suspects at once, when
// the script has nothing else to do. In doubt a task counts as held: an
// accusation must be true, and the deadline comes anyway.

#include "bindings.h"

enum {
  // What the search may do, in values looked at: a larger heap is not searched
  // to the end. Nobody watches it, and all scripts wait for it.
  EFFORT_MAX = 1000000,
  // So many bytes of text, or frames on the way to one, are as much effort as
  // a value.
  BYTES_PER_VALUE = 4,
  FRAMES_PER_VALUE = 16,
  // In real time, so long at the most, whatever it is that takes so long. And
  // after a search that was felt, none for many times as long.
  SEARCH_NS = 30 * 1000 * 1000,
  FELT_NS = 2 * 1000 * 1000,
  RESTS = 20,
  // A longer text is a file, not a note of an id.
  STRING_BYTES_MAX = 4096
};

// The search keeps two tables of its own on the stack, at these places.
enum { SEEN = 2, AHEAD = 3 };

typedef struct search {
  far_script *script;
  lua_Integer todo; // How many things wait in AHEAD.
  size_t effort;
  uint64_t end_ns; // Zero in virtual time, where all has to be repeatable.
} search;

static bool is_tired(const search *mine) {
  return mine->effort >= EFFORT_MAX;
}

static void look_at_clock(search *mine) {
  if (mine->end_ns != 0 && far_now_ns() > mine->end_ns)
    mine->effort = EFFORT_MAX;
}

static void hold(const search *mine, uint64_t id) {
  far_job *job;
  if (far_job_find(mine->script, id, &job) == FARSIDE_OK)
    job->is_held = true;
}

// "70001", "upload:70001", JSON: every number in a text counts.
static void search_string(search *mine, const char *text, size_t bytes) {
  if (bytes > STRING_BYTES_MAX)
    return;
  mine->effort += bytes / BYTES_PER_VALUE;
  for (size_t i = 0; i < bytes; i++) {
    uint64_t number = 0;
    for (; text[i] >= '0' && text[i] <= '9'; i++)
      number = number * 10 + (uint64_t)(text[i] - '0');
    if (number != 0)
      hold(mine, number);
  }
}

static bool can_hold(int type) {
  return type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA ||
         type == LUA_TTHREAD;
}

// Looks at the value on the top of the stack and pops it.
static void meet(lua_State *L, search *mine) {
  int type = lua_type(L, -1);
  mine->effort++;
  if (type == LUA_TNUMBER) {
    int is_integer;
    lua_Integer id = lua_tointegerx(L, -1, &is_integer);
    if (is_integer)
      hold(mine, (uint64_t)id);
  } else if (type == LUA_TSTRING) {
    search_string(mine, lua_tostring(L, -1), (size_t)lua_rawlen(L, -1));
  } else if (can_hold(type)) {
    lua_pushvalue(L, -1);
    if (lua_rawget(L, SEEN) == LUA_TNIL) {
      lua_pushvalue(L, -2);
      lua_pushboolean(L, 1);
      lua_rawset(L, SEEN);
      lua_pushvalue(L, -2);
      lua_rawseti(L, AHEAD, ++mine->todo);
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static void search_table(lua_State *L, search *mine, int table) {
  lua_pushnil(L);
  while (lua_next(L, table) != 0) {
    meet(L, mine);
    if (is_tired(mine))
      return;
    lua_pushvalue(L, -1);
    meet(L, mine);
  }
}

static void search_function(lua_State *L, search *mine, int function) {
  for (int i = 1; lua_getupvalue(L, function, i) != NULL; i++)
    meet(L, mine);
}

static void search_userdata(lua_State *L, search *mine, int userdata) {
  for (int i = 1; lua_getiuservalue(L, userdata, i) != LUA_TNONE; i++)
    meet(L, mine);
  lua_pop(L, 1); // The nil of the place that is none.
  const uint64_t *id = luaL_testudata(L, userdata, "farside.task");
  if (id != NULL)
    hold(mine, *id);
}

static void take_over(lua_State *L, lua_State *co, search *mine) {
  if (co != L)
    lua_xmove(co, L, 1);
  meet(L, mine);
}

// Walks the frames of a coroutine: functions, locals, temporaries, varargs.
static void search_thread(lua_State *L, search *mine, int thread) {
  lua_State *co = lua_tothread(L, thread);
  // Nobody can resume a coroutine that died of an error.
  if (co == L || lua_status(co) > LUA_YIELD || !lua_checkstack(co, 4))
    return;
  lua_Debug frame;
  int level = 0;
  for (; !is_tired(mine) && lua_getstack(co, level, &frame); level++) {
    mine->effort += (size_t)level / FRAMES_PER_VALUE; // They are counted off.
    look_at_clock(mine);
    lua_getinfo(co, "f", &frame);
    take_over(L, co, mine);
    for (int i = 1; !is_tired(mine) && lua_getlocal(co, &frame, i); i++)
      take_over(L, co, mine);
    for (int i = -1; !is_tired(mine) && lua_getlocal(co, &frame, i); i--)
      take_over(L, co, mine);
  }
  if (level > 0)
    return;
  // It has not begun: its function and arguments lie on its stack.
  for (int i = lua_gettop(co); i > 0 && !is_tired(mine); i--) {
    lua_pushvalue(co, i);
    take_over(L, co, mine);
  }
}

static void search_value(lua_State *L, search *mine) {
  int value = lua_gettop(L);
  if (lua_getmetatable(L, value))
    meet(L, mine);
  switch (lua_type(L, value)) {
  case LUA_TTABLE:
    search_table(L, mine, value);
    break;
  case LUA_TFUNCTION:
    search_function(L, mine, value);
    break;
  case LUA_TUSERDATA:
    search_userdata(L, mine, value);
    break;
  default:
    search_thread(L, mine, value);
    break;
  }
  lua_settop(L, value - 1);
}

// The search itself runs in a coroutine of its own, so that the main thread of
// a borrowed state is a thread like the others.
static int find(lua_State *L) {
  search *mine = lua_touserdata(L, 1);
  lua_settop(L, 1);
  lua_newtable(L);
  lua_newtable(L);
  lua_pushvalue(L, SEEN); // Our own tables are no holders.
  lua_pushboolean(L, 1);
  lua_rawset(L, SEEN);
  lua_pushvalue(L, AHEAD);
  lua_pushboolean(L, 1);
  lua_rawset(L, SEEN);
  lua_pushvalue(L, LUA_REGISTRYINDEX);
  meet(L, mine);
  lua_pushliteral(L, ""); // Strings share a metatable that is nowhere else.
  if (lua_getmetatable(L, -1))
    meet(L, mine);
  lua_pop(L, 1);
  while (mine->todo > 0 && !is_tired(mine)) {
    look_at_clock(mine);
    mine->effort++;
    lua_rawgeti(L, AHEAD, mine->todo);
    lua_pushnil(L);
    lua_rawseti(L, AHEAD, mine->todo--);
    search_value(L, mine);
  }
  return 0;
}

static int find_in_coroutine(lua_State *L) {
  lua_State *co = lua_newthread(L);
  lua_pushcfunction(co, find);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  int results;
  if (lua_resume(co, L, 1, &results) != LUA_OK) {
    lua_xmove(co, L, 1);
    return lua_error(L);
  }
  return 0;
}

// False when somebody may have been overlooked.
static bool search_all(far_script *script, uint64_t end_ns) {
  search mine = {.script = script, .end_ns = end_ns};
  lua_State *L = script->L;
  lua_pushcfunction(L, find_in_coroutine);
  lua_pushlightuserdata(L, &mine);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK)
    return !is_tired(&mine);
  lua_pop(L, 1); // Out of memory.
  return false;
}

static bool search_in_time(far_script *script) {
  uint64_t began_ns = far_now_ns();
  if (began_ns < script->search_after_ns)
    return false;
  bool is_whole = search_all(script, began_ns + SEARCH_NS);
  uint64_t now_ns = far_now_ns();
  if (now_ns - began_ns > FELT_NS)
    script->search_after_ns = now_ns + (now_ns - began_ns) * RESTS;
  return is_whole;
}

static void find_holders(far_script *script) {
  if (far_clock_is_virtual(script->host->clock) ? search_all(script, 0)
                                                : search_in_time(script))
    return;
  // Everybody counts as held.
  for (far_task *task = script->host->tasks.first; task; task = task->next) {
    far_job *job = (far_job *)(void *)task;
    if (job->script == script)
      job->is_held = true;
  }
}

const far_find_holders far_holders = find_holders;
