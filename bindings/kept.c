#include "kept.h"

static int push(far_wait *wait, lua_State *L) {
  const far_kept *kept = (far_kept *)wait;
  if (kept->status != FARSIDE_OK)
    return far_push_failure(L, kept->status, "%s",
                            kept->error ? kept->error
                                        : farside_status_text(kept->status));
  return kept->answer(L, kept);
}

static void stop(far_wait *wait) {
  far_list_leave(&((far_kept *)wait)->waiter.link);
}

static void deinit(far_wait *wait) {
  far_string_free(&wait->turn.script->host->memory, ((far_kept *)wait)->error);
}

static const far_wait_kind kept_kind = {.what = "write",
                                        .refusal = "this cannot wait",
                                        .bytes = sizeof(far_kept),
                                        .push = push,
                                        .stop = stop,
                                        .deinit = deinit};

static void done(far_waiter *waiter, farside_status status, const char *error) {
  far_kept *kept = far_list_item(waiter, far_kept, waiter);
  kept->status = status;
  kept->error = far_string_new(&kept->wait.turn.script->host->memory, error);
  far_wait_end(&kept->wait, NULL);
}

// Whoever loads a script wants its main chunk to have run.
static bool can_wait(lua_State *L, const far_script *script) {
  return lua_isyieldable(L) && script->host->queue.transaction == NULL &&
         !(script->co == L && script->co_role == FAR_ROLE_MAIN);
}

// A script that was stopped meanwhile makes no more mistakes.
static int push_mistake(lua_State *L, const far_script *script,
                        const char *mistake) {
  if (script->host->watch.is_killed)
    far_watch_stop(&script->host->watch, L);
  return luaL_error(L, "%s", mistake);
}

static int keep_now(lua_State *L, far_keep_change change, void *request,
                    int (*answer)(lua_State *L, const far_kept *kept)) {
  far_script *script = far_script_of(L);
  far_kept kept = {.answer = answer};
  far_begin_change(script);
  kept.status = change(script, request, &kept);
  if (kept.status == FARSIDE_OK)
    kept.status = far_batch_flush(script->host);
  far_end_change(script);
  if (kept.mistake != NULL)
    return push_mistake(L, script, kept.mistake);
  if (kept.status != FARSIDE_OK)
    return far_push_failure(L, kept.status, "%s", farside_error(script->host));
  return answer(L, &kept);
}

int far_keep(lua_State *L, far_keep_change change, void *request,
             int (*answer)(lua_State *L, const far_kept *kept)) {
  far_script *script = far_script_of(L);
  if (!can_wait(L, script))
    return keep_now(L, change, request, answer);
  int co_ref = far_wait_prepare(L, &kept_kind);
  far_begin_change(script);
  farside_status status = FARSIDE_OK;
  const char *mistake = NULL;
  far_wait *wait = far_wait_begin(script, L, co_ref, &kept_kind);
  far_kept *kept = (far_kept *)wait;
  if (kept != NULL) {
    kept->answer = answer;
    kept->waiter.done = done;
    status = change(script, request, kept);
    mistake = kept->mistake;
    if (status == FARSIDE_OK)
      far_batch_wait(script->host, &kept->waiter);
    else
      far_wait_abandon(wait);
  }
  far_end_change(script);
  if (status != FARSIDE_OK) {
    luaL_unref(L, LUA_REGISTRYINDEX, co_ref);
    if (mistake != NULL)
      return push_mistake(L, script, mistake);
    return far_push_failure(L, status, "%s", farside_error(script->host));
  }
  return far_wait_yield(L, wait, co_ref);
}

int far_answer_true(lua_State *L, const far_kept *kept) {
  (void)kept;
  lua_pushboolean(L, 1);
  return 1;
}
