#include "host.h"
#include "source.h"
#include "source_map.h"
#include "state.h"
#include "storage.h"

#include <lauxlib.h>
#include <string.h>
#include <sys/stat.h>

// -- Memory -------------------------------------------------------------------

// Tasks and timers come by the thousand: they lie in the arena, beside what Lua
// keeps of them, and are counted there. What is larger may be far larger than
// a block of the script's own may be. Behind a drop the arena is not to be
// touched: it may be torn, and is thrown away as it is.
enum { SMALL_BYTES = 1024 };

static bool is_in_arena(const far_script *script, size_t bytes) {
  return script->arena != NULL && bytes <= SMALL_BYTES;
}

static void *arena_resize(far_script *script, void *ptr, size_t bytes_old,
                          size_t bytes_new) {
  if (script->is_dead)
    return NULL;
  far_shield *shield = &script->host->watch.shield;
  far_shield_up(shield);
  void *block = far_arena_allocate(script->arena, ptr, bytes_old, bytes_new);
  far_shield_down(shield);
  return block;
}

void *far_script_new(far_script *script, size_t bytes) {
  if (is_in_arena(script, bytes)) {
    void *small = arena_resize(script, NULL, 0, bytes);
    return small ? memset(small, 0, bytes) : NULL;
  }
  if (script->arena != NULL && !far_arena_charge(script->arena, bytes))
    return NULL;
  void *fresh = far_new(&script->host->memory, bytes);
  if (fresh == NULL && script->arena != NULL)
    far_arena_discharge(script->arena, bytes);
  return fresh;
}

void far_script_free(far_script *script, void *ptr, size_t bytes) {
  if (is_in_arena(script, bytes)) {
    if (ptr != NULL)
      arena_resize(script, ptr, bytes, 0);
    return;
  }
  if (ptr != NULL && script->arena != NULL)
    far_arena_discharge(script->arena, bytes);
  far_free(&script->host->memory, ptr, bytes);
}

// -- References ---------------------------------------------------------------

// What was open at one time may be so again; but not any number.
enum { SPARES_MIN = 64, SPARES_MAX = 4096 };

static bool has_spare_room(far_script *script) {
  if (script->spares < script->spares_room)
    return true;
  size_t room = script->spares_room ? script->spares_room * 2 : SPARES_MIN;
  if (room > SPARES_MAX)
    return false;
  far_shield *shield = &script->host->watch.shield;
  far_shield_up(shield);
  int *grown =
      far_resize(&script->host->memory, script->spare_refs,
                 script->spares_room * sizeof *grown, room * sizeof *grown);
  if (grown != NULL) {
    script->spare_refs = grown;
    script->spares_room = room;
  }
  far_shield_down(shield);
  return grown != NULL;
}

// Somebody else's interpreter gets them back.
static void drop_spares(far_script *script) {
  while (script->spares > 0 && script->is_borrowed)
    luaL_unref(script->L, LUA_REGISTRYINDEX,
               script->spare_refs[--script->spares]);
  far_free(&script->host->memory, script->spare_refs,
           script->spares_room * sizeof *script->spare_refs);
}

int far_script_ref(far_script *script, lua_State *L) {
  if (script->spares == 0)
    return luaL_ref(L, LUA_REGISTRYINDEX);
  int ref = script->spare_refs[--script->spares];
  lua_rawseti(L, LUA_REGISTRYINDEX, ref);
  return ref;
}

void far_script_unref(far_script *script, int *ref) {
  lua_State *L = script->L;
  if (*ref >= 0 && !script->is_dead) {
    if (has_spare_room(script)) {
      lua_pushboolean(L, false);
      lua_rawseti(L, LUA_REGISTRYINDEX, *ref);
      script->spare_refs[script->spares++] = *ref;
    } else {
      luaL_unref(L, LUA_REGISTRYINDEX, *ref);
    }
  }
  *ref = LUA_NOREF;
}

void far_script_ready(far_script *script) {
  bool has_turns = script->is_parked || !far_list_is_empty(&script->turns);
  if (has_turns && !far_list_is_in(&script->ready))
    far_list_append(&script->host->ready, &script->ready);
}

// -- Owned things -------------------------------------------------------------

void far_script_own(far_script *script, far_owned *owned) {
  owned->script = script;
  owned->job = script->job;
  far_list_append(owned->job ? &owned->job->owned : &script->owned,
                  &owned->link);
}

void far_owned_leave(far_owned *owned) {
  far_list_leave(&owned->link);
}

void far_owned_cancel_all(far_list *list) {
  while (!far_list_is_empty(list)) {
    far_owned *owned = far_list_item(list->next, far_owned, link);
    far_list_leave(&owned->link);
    owned->cancel(owned);
  }
}

// -- Open and close -----------------------------------------------------------

// A script without an error handler is our own mistake: every way in goes
// through a protected call.
static int panic(lua_State *L) {
  const char *message =
      lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "unknown error";
  fprintf(stderr, "farside: unprotected Lua error: %s\n", message);
  return 0; // Lua aborts.
}

// warn("…") and errors in finalizers. Lua hands a message over in pieces.
static void warned(void *user, const char *message, int to_be_continued) {
  far_script *script = user;
  bool is_control =
      script->warning_bytes == 0 && !to_be_continued && message[0] == '@';
  if (is_control)
    return; // "@on" and "@off": here warnings are always on.
  int written =
      snprintf(script->warning + script->warning_bytes,
               sizeof script->warning - script->warning_bytes, "%s", message);
  script->warning_bytes += (size_t)written;
  if (script->warning_bytes >= sizeof script->warning)
    script->warning_bytes = sizeof script->warning - 1;
  if (to_be_continued)
    return;
  script->warning_bytes = 0;
  far_shield *shield = &script->host->watch.shield;
  far_shield_up(shield);
  far_host_note(script->host, FAR_WHAT_LOG, FARSIDE_WARN, script, NULL,
                script->warning);
  far_shield_down(shield);
}

static void load_ended(far_turn *turn, far_turn_end how) {
  far_script *script = far_list_item(turn, far_script, load);
  script->load_status =
      how == FAR_TURN_FAILED ? FARSIDE_SCRIPT : script->load_status;
}

static int push_chunk(far_turn *turn, lua_State *L);

static farside_status script_new(farside_host *host, const char *name,
                                 far_script **script) {
  *script = NULL;
  far_script *fresh = far_new(&host->memory, sizeof *fresh);
  if (fresh == NULL)
    return FARSIDE_NOMEM;
  fresh->host = host;
  fresh->co_ref = fresh->load_ref = fresh->task_class = LUA_NOREF;
  fresh->load = (far_turn){.script = fresh,
                           .push = push_chunk,
                           .end = load_ended,
                           .role = FAR_ROLE_MAIN};
  far_list_init(&fresh->turns);
  far_list_init(&fresh->owned);
  far_list_init(&fresh->kinds);
  far_list_init(&fresh->kind_names);
  far_slots_init(&fresh->waits, &host->memory, 1);
  far_list_append(&host->scripts, &fresh->link);
  fresh->name = far_string_new(&host->memory, name);
  if (fresh->name == NULL || !far_names_add(host, fresh)) {
    far_script_close(fresh);
    return FARSIDE_NOMEM;
  }
  *script = fresh;
  return FARSIDE_OK;
}

static farside_status open_protected(far_script *script) {
  lua_State *L = script->L;
  lua_pushcfunction(L, far_hooks.open);
  lua_pushlightuserdata(L, script);
  int status = lua_pcall(L, 1, 0, 0);
  if (status == LUA_OK)
    return FARSIDE_OK;
  farside_host *host = script->host;
  far_host_fail(host, FARSIDE_NOMEM, "%s",
                lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1)
                                               : "the script cannot be opened");
  lua_pop(L, 1);
  return status == LUA_ERRMEM ? FARSIDE_NOMEM : FARSIDE_SCRIPT;
}

static size_t in_bytes(uint64_t limit) {
  return limit < SIZE_MAX ? (size_t)limit : SIZE_MAX;
}

// The folder in which a script's own modules lie.
static bool set_folder(far_script *script) {
  const char *path = script->source->given.path;
  if (path == NULL)
    return true;
  far_memory *memory = &script->host->memory;
  const char *slash = strrchr(path, '/');
  script->folder = far_string_new(memory, slash ? path : ".");
  if (script->folder == NULL || slash == NULL)
    return script->folder != NULL;
  char *whole = script->folder;
  whole[slash == path ? 1 : slash - path] = '\0';
  script->folder = far_string_new(memory, whole);
  far_free(memory, whole, strlen(path) + 1);
  return script->folder != NULL;
}

// In virtual time a script's memory lies where it lies in every run. What an
// embedder allocates by itself, and what does not fit, lies anywhere.
static far_memory *choose_memory(far_script *script) {
  farside_host *host = script->host;
  enum { SLACK_BYTES = 16 << 20 };
  // Chunks of different sizes leave gaps between them.
  uint64_t bytes = script->limits.memory_bytes * 4 + SLACK_BYTES;
  bytes -= bytes % (1 << 20);
  if (far_clock_is_virtual(host->clock) && host->config.allocate == NULL &&
      script->limits.memory_bytes < FAR_REGION_BYTES / 4 &&
      bytes <= FAR_REGION_BYTES)
    script->region = far_region_open(&host->memory, (size_t)bytes);
  return script->region ? far_region_memory(script->region) : &host->memory;
}

static bool open_state(far_script *script) {
  farside_host *host = script->host;
  const farside_limits *limits = &script->limits;
  script->arena = far_arena_open(choose_memory(script), &host->watch.shield,
                                 in_bytes(limits->memory_bytes),
                                 in_bytes(limits->block_bytes));
  if (script->arena == NULL)
    return false;
  far_arena_fail(script->arena, host->failing.at, host->failing.and_after);
  script->L = far_clock_is_virtual(host->clock)
                  ? far_state_new(far_arena_allocate, script->arena, host->seed)
                  : lua_newstate(far_arena_allocate, script->arena);
  if (script->L == NULL)
    return false;
  far_script_mark(script->L, script);
  return true;
}

farside_status far_script_open(farside_host *host, const char *name,
                               far_source *source, far_manifest *manifest,
                               far_script **script) {
  far_script *fresh;
  *script = NULL;
  farside_status status = script_new(host, name, &fresh);
  if (status != FARSIDE_OK) {
    far_manifest_free(manifest);
    far_source_free(source);
    return status;
  }
  fresh->source = source;
  fresh->manifest = manifest;
  fresh->limits = manifest->said.needs.limits;
  fresh->is_trusted = source->given.is_trusted;
  status = FARSIDE_NOMEM;
  if (!set_folder(fresh) || !open_state(fresh))
    goto fail;
  lua_atpanic(fresh->L, panic);
  lua_setwarnf(fresh->L, warned, fresh);
  lua_gc(fresh->L, LUA_GCSTOP); // Nearly all of it stays.
  status = open_protected(fresh);
  if (status != FARSIDE_OK)
    goto fail;
  lua_gc(fresh->L, LUA_GCRESTART);
  lua_gc(fresh->L, LUA_GCCOLLECT);
  *script = fresh;
  return FARSIDE_OK;

fail:
  far_script_close(fresh);
  return status;
}

farside_status far_script_borrow(farside_host *host, lua_State *L,
                                 far_script **script) {
  far_script *fresh;
  *script = NULL;
  farside_status status = script_new(host, "main", &fresh);
  if (status != FARSIDE_OK)
    return status;
  fresh->is_borrowed = true;
  // Somebody else's interpreter: a turn that computes is suspended, so that the
  // deadlines of tasks hold, but nothing is stopped or counted.
  fresh->limits = host->config.limits;
  fresh->limits.turn_ms = fresh->limits.cpu_ms = FARSIDE_NO_LIMIT;
  fresh->limits.memory_bytes = fresh->limits.block_bytes = FARSIDE_NO_LIMIT;
  fresh->limits.work = FARSIDE_NO_LIMIT;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  fresh->L = lua_tothread(L, -1);
  lua_pop(L, 1);
  status = open_protected(fresh);
  if (status != FARSIDE_OK) {
    far_script_close(fresh);
    return status;
  }
  *script = fresh;
  return FARSIDE_OK;
}

void far_script_map(far_script *script, const char *path) {
  far_source_map *map = far_source_map_read(&script->host->memory, path);
  if (map == NULL)
    return;
  if (script->arena != NULL &&
      !far_arena_charge(script->arena, far_source_map_bytes(map)))
    far_source_map_free(map);
  else
    far_source_map_add(&script->maps, map);
}

static void unmap(far_script *script) {
  for (const far_source_map *map = script->maps; script->arena && map;
       map = far_source_map_next(map))
    far_arena_discharge(script->arena, far_source_map_bytes(map));
  far_source_map_free(script->maps);
  script->maps = NULL;
}

// A turn between two slices ends as one that was never begun does.
static void end_parked(far_script *script) {
  if (!script->is_parked)
    return;
  far_turn *turn = script->running;
  script->is_parked = script->is_doomed = false;
  script->running = NULL;
  script->host->turns_queued--;
  script->host->parked--;
  far_script_unref(script, &script->co_ref);
  script->co = NULL;
  turn->job = script->job;
  script->job = NULL;
  turn->end(turn, FAR_TURN_DROPPED);
}

void far_script_close(far_script *script) {
  if (script == NULL)
    return;
  farside_host *host = script->host;
  far_storage_abandon(script);
  end_parked(script);
  far_owned_cancel_all(&script->owned);
  while (!far_list_is_empty(&script->turns)) {
    far_turn *turn = far_list_item(script->turns.next, far_turn, link);
    far_turn_cancel(turn);
    turn->end(turn, FAR_TURN_DROPPED);
  }
  if (script->L != NULL) {
    if (far_hooks.close != NULL)
      far_hooks.close(script);
    if (script->is_borrowed) {
      far_turn_pool_clear(script);
      far_script_unref(script, &script->task_class);
    } else if (script->is_trusted && !script->is_dead) {
      // Only what was opened outside the sandbox can have something to
      // finalize.
      lua_close(script->L);
    }
  }
  drop_spares(script);
  far_slots_deinit(&script->waits);
  far_list_leave(&script->link);
  far_list_leave(&script->ready);
  far_names_remove(host, script);
  if (script->arena != NULL) {
    far_arena_usage usage;
    far_arena_get_usage(script->arena, &usage);
    host->failing.refused += usage.refused;
  }
  unmap(script);
  far_ruins_add(host, script->arena);
  far_region_close(script->region);
  far_manifest_free(script->manifest);
  far_source_free(script->source);
  far_string_free(&host->memory, script->folder);
  far_string_free(&host->memory, script->name);
  far_free(&host->memory, script, sizeof *script);
}

// -- Garbage ------------------------------------------------------------------

static int collect(lua_State *L) {
  lua_gc(L, LUA_GCCOLLECT);
  return 0;
}

static int push_collect(far_turn *turn, lua_State *L) {
  (void)turn;
  lua_pushcfunction(L, collect);
  return 0;
}

static void collected(far_turn *turn, far_turn_end how) {
  (void)how;
  far_free(&turn->script->host->memory, turn, sizeof *turn);
}

void far_script_collect(far_script *script) {
  far_turn *turn = far_new(&script->host->memory, sizeof *turn);
  if (turn == NULL)
    return; // Then it stays as it is.
  *turn = (far_turn){.script = script, .push = push_collect, .end = collected};
  far_turn_queue(turn);
}

// -- Load ---------------------------------------------------------------------

// `arg`, as lua5.4 sets it: the script at zero, its arguments from one.
static void set_arg(lua_State *L, const farside_source *source) {
  lua_createtable(L, source->argc, 1);
  lua_pushstring(L, source->path ? source->path : source->name);
  lua_rawseti(L, -2, 0);
  for (int i = 0; i < source->argc; i++) {
    lua_pushstring(L, source->argv[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setglobal(L, "arg");
}

// A trusted script finds the modules that lie beside it before all others.
static void set_path(lua_State *L, const char *folder) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", folder, folder,
                  lua_tostring(L, -1));
  lua_setfield(L, -3, "path");
  lua_pop(L, 2);
}

enum { SOURCE_BYTES_MAX = 1024 * 1024 }; // As for the modules of a script.

static size_t size_of(const farside_source *source) {
  struct stat file;
  if (source->path == NULL)
    return source->code_bytes;
  return stat(source->path, &file) == 0 ? (size_t)file.st_size : 0;
}

static int compile(lua_State *L) {
  far_script *script = lua_touserdata(L, 1);
  const farside_source *source = &script->source->given;
  set_arg(L, source);
  if (script->is_trusted && script->folder != NULL)
    set_path(L, script->folder);
  if (!script->is_trusted && size_of(source) > SOURCE_BYTES_MAX) {
    script->load_status = FARSIDE_LIMIT;
    return luaL_error(L,
                      "%s is larger than 1 MiB, and nobody can stop Lua "
                      "while it reads it: load the rest with require",
                      source->path ? source->path : source->name);
  }
  if (source->path != NULL)
    far_script_map(script, source->path);
  // Text only: the checks of precompiled code can be fooled.
  int status =
      source->path
          ? luaL_loadfilex(L, source->path, "t")
          : luaL_loadbufferx(L, source->code, source->code_bytes,
                             lua_pushfstring(L, "@%s", source->name), "t");
  if (status != LUA_OK) {
    script->load_status = status == LUA_ERRFILE     ? FARSIDE_NOFILE
                          : status == LUA_ERRSYNTAX ? FARSIDE_SYNTAX
                                                    : FARSIDE_NOMEM;
    return lua_error(L);
  }
  // The chunk and its arguments wait in a table for the first turn.
  lua_createtable(L, source->argc + 1, 0);
  lua_insert(L, -2);
  lua_rawseti(L, -2, 1);
  for (int i = 0; i < source->argc; i++) {
    lua_pushstring(L, source->argv[i]);
    lua_rawseti(L, -2, i + 2);
  }
  script->load_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

static int push_chunk(far_turn *turn, lua_State *L) {
  far_script *script = turn->script;
  lua_rawgeti(L, LUA_REGISTRYINDEX, script->load_ref);
  luaL_unref(L, LUA_REGISTRYINDEX, script->load_ref);
  script->load_ref = LUA_NOREF;
  int table = lua_gettop(L);
  int length = (int)lua_rawlen(L, table);
  luaL_checkstack(L, length, "too many arguments");
  for (int i = 1; i <= length; i++)
    lua_rawgeti(L, table, i);
  return length - 1;
}

farside_status far_script_load(far_script *script) {
  farside_host *host = script->host;
  lua_State *L = script->L;
  script->load_status = FARSIDE_NOMEM;
  lua_pushcfunction(L, compile);
  lua_pushlightuserdata(L, script);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    host->stats.errors++;
    const char *message =
        lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "unknown error";
    far_host_fail(host, script->load_status, "%s", message);
    far_host_note(host, FAR_WHAT_LOG, FARSIDE_ERROR, script, NULL, message);
    lua_pop(L, 1);
    return script->load_status;
  }
  script->load_status = FARSIDE_OK;
  far_host_has_waited(host);
  far_host_call(&script->load);
  return script->load_status;
}
