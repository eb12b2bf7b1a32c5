// What is left of a task, and of a timer, without what Farside promises: the
// least that it takes in C.
//
// A function of a script is kept under an id, and called later in a coroutine
// from a pool, with the clock read before and behind. Nothing is caught,
// watched, limited, written down or cancelled, and timers are not waited for.

#include "bench.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

enum {
  SLOTS = 1 << 21, // More than are ever open at once.
  INSTANTS = 512,
  POOL_MAX = 64
};

typedef struct job {
  uint64_t id;
  int function_ref;
  struct job *next;
} job;

typedef struct queue {
  job *first, *last;
} queue;

static struct {
  job **slots;
  uint64_t next_id;
  queue tasks, timers[INSTANTS]; // Timers by their milliseconds.
  lua_State *pool[POOL_MAX];
  int pooled;
  uint64_t computed_ns;
} self;

static job *add(lua_State *L, queue *to) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  job *fresh = malloc(sizeof *fresh);
  if (fresh == NULL)
    bench_fail("by hand", "no memory");
  lua_pushvalue(L, 1);
  *fresh = (job){.id = self.next_id++,
                 .function_ref = luaL_ref(L, LUA_REGISTRYINDEX)};
  self.slots[fresh->id % SLOTS] = fresh;
  *(to->first ? &to->last->next : &to->first) = fresh;
  to->last = fresh;
  return fresh;
}

// exec(fn) --> id
static int exec(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)add(L, &self.tasks)->id);
  return 1;
}

// setTimeout(fn, ms) --> id
static int set_timeout(lua_State *L) {
  queue *to = &self.timers[luaL_checkinteger(L, 2) % INSTANTS];
  lua_pushinteger(L, (lua_Integer)add(L, to)->id);
  return 1;
}

static bool forget(uint64_t id) {
  job **slot = &self.slots[id % SLOTS];
  bool is_open = *slot != NULL && (*slot)->id == id;
  if (is_open)
    *slot = NULL;
  return is_open;
}

// task:finish() --> whether it was open
static int finish(lua_State *L) {
  const uint64_t *id = luaL_checkudata(L, 1, "task");
  lua_pushboolean(L, forget(*id));
  return 1;
}

static lua_State *take_coroutine(lua_State *L) {
  if (self.pooled > 0)
    return self.pool[--self.pooled];
  lua_State *co = lua_newthread(L);
  luaL_ref(L, LUA_REGISTRYINDEX);
  return co;
}

// Calls the function that lies under `args` arguments.
static void call(lua_State *L, int args) {
  lua_State *co = take_coroutine(L);
  lua_xmove(L, co, args + 1);
  uint64_t began_ns = bench_now_ns();
  int results;
  if (lua_resume(co, L, args, &results) != LUA_OK)
    bench_fail("by hand", lua_tostring(co, -1));
  self.computed_ns += bench_now_ns() - began_ns;
  lua_settop(co, 0);
  if (self.pooled < POOL_MAX)
    self.pool[self.pooled++] = co;
}

// Runs what is queued, and what that queues; returns how many.
static uint64_t run(lua_State *L, queue *from, bool is_task) {
  uint64_t done = 0;
  for (job *mine; (mine = from->first) != NULL; done++) {
    from->first = mine->next;
    lua_rawgeti(L, LUA_REGISTRYINDEX, mine->function_ref);
    luaL_unref(L, LUA_REGISTRYINDEX, mine->function_ref);
    if (is_task) {
      uint64_t *object = lua_newuserdatauv(L, sizeof *object, 0);
      *object = mine->id;
      luaL_setmetatable(L, "task");
    } else {
      forget(mine->id);
    }
    free(mine);
    call(L, is_task);
  }
  return done;
}

// What apps/tasks.lua and apps/timers.lua do.
static const char tasks[] =
    "local ops <const>, exec <const> = ops, exec "
    "local done, begin = 0 "
    "local function work(task) done = done + 1 task:finish() "
    "if done == ops then return elseif done % 1000 == 0 then begin() end end "
    "function begin() for _ = 1, 1000 do exec(work) end end begin()";

static const char timers[] =
    "local fired, seed = 0, 42 local function fire() fired = fired + 1 end "
    "for _ = 1, ops do seed = (seed * 1103515245 + 12345) % 2147483648 "
    "setTimeout(fire, 1 + seed // 65536 % 500) end";

static void open_task_class(lua_State *L) {
  luaL_newmetatable(L, "task");
  lua_newtable(L);
  lua_pushcfunction(L, finish);
  lua_setfield(L, -2, "finish");
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

// by-hand tasks|timers OPS
int bench_by_hand(int argc, char **argv) {
  bool is_task = argc > 0 && strcmp(argv[0], "tasks") == 0;
  uint64_t ops = bench_argument(argc, argv, 1, 100000), done = 0;
  lua_State *L = luaL_newstate();
  self.slots = calloc(SLOTS, sizeof *self.slots);
  if (L == NULL || self.slots == NULL)
    bench_fail("by hand", "no memory");
  luaL_openlibs(L);
  open_task_class(L);
  lua_register(L, "exec", exec);
  lua_register(L, "setTimeout", set_timeout);
  lua_pushinteger(L, (lua_Integer)ops);
  lua_setglobal(L, "ops");
  uint64_t began_ns = bench_process_ns();
  if (luaL_dostring(L, is_task ? tasks : timers) != LUA_OK)
    bench_fail("by hand", lua_tostring(L, -1));
  done += run(L, &self.tasks, true);
  for (int ms = 0; ms < INSTANTS; ms++)
    done += run(L, &self.timers[ms], false);
  bench_say("ns", (double)(bench_process_ns() - began_ns) / (double)done);
  bench_say("check", (double)done);
  lua_close(L);
  free(self.slots);
  return 0;
}
