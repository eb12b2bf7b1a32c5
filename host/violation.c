#include "violation.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Scripts can make places as they like, with load(): so many are kept.
enum { CAUSES_MAX = 1024, ROOM_MIN = 8 };

static bool is_same(const char *one, const char *two) {
  return one == two || (one != NULL && two != NULL && strcmp(one, two) == 0);
}

static const char *place_of(const far_whom *whom) {
  if (whom->where != NULL)
    return whom->where;
  return whom->task ? whom->task->origin : NULL;
}

static far_violation *find(const far_violations *all, far_rule_id rule,
                           const far_outcome *outcome, const far_whom *whom) {
  const char *where = place_of(whom);
  for (size_t i = 0; i < all->count; i++) {
    far_violation *cause = &all->causes[i];
    if (cause->rule == rule && (outcome == NULL || cause->outcome == outcome) &&
        is_same(cause->where, where) && is_same(cause->script, whom->script))
      return cause;
  }
  return NULL;
}

static void forget(far_violations *all, far_violation *cause) {
  far_string_free(all->memory, cause->script);
  far_string_free(all->memory, cause->name);
  far_string_free(all->memory, cause->where);
  far_string_free(all->memory, cause->why);
}

static bool make_room(far_violations *all) {
  if (all->count < all->room)
    return true;
  size_t room = all->room ? all->room * 2 : ROOM_MIN;
  far_violation *causes =
      far_resize(all->memory, all->causes, all->room * sizeof *causes,
                 room * sizeof *causes);
  if (causes == NULL)
    return false;
  all->causes = causes;
  all->room = room;
  return true;
}

// Keeps a copy of `told`, in the place of `old` where there is one.
static void keep(far_violations *all, far_violation *old,
                 const far_violation *told) {
  far_violation copy = *told;
  copy.script = far_string_new(all->memory, told->script);
  copy.name = far_string_new(all->memory, told->name);
  copy.where = far_string_new(all->memory, told->where);
  copy.why = far_string_new(all->memory, told->why);
  bool has_all = (!told->script || copy.script) && (!told->name || copy.name) &&
                 (!told->where || copy.where) && copy.why;
  if (!has_all || (old == NULL && !make_room(all))) {
    forget(all, &copy);
    return;
  }
  if (old != NULL)
    forget(all, old);
  *(old ? old : &all->causes[all->count++]) = copy;
}

static void tell(far_violations *all, far_violation *old,
                 const far_violation *told) {
  if (all->found != NULL)
    all->found(all->user, told);
  keep(all, old, told);
}

bool far_violations_wants(const far_violations *all, far_rule_id rule) {
  far_profile os;
  return far_rule_outcome(rule, all->profile, &os) != NULL &&
         (all->allowed & far_rule_bit(rule)) == 0;
}

void far_violations_add(far_violations *all, far_rule_id rule, bool is_mild,
                        const far_whom *whom, uint64_t now_ms,
                        const char *format, ...) {
  far_profile os;
  const far_outcome *outcome = far_rule_outcome(rule, all->profile, &os);
  if (!far_violations_wants(all, rule))
    return;
  if (is_mild)
    outcome = &far_rule_get(rule)->mild;
  far_violation *known = find(all, rule, outcome, whom);
  if (known != NULL && known->count > 0) {
    known->count++;
    known->last_ms = now_ms;
    return;
  }
  char why[512];
  va_list args;
  va_start(args, format);
  vsnprintf(why, sizeof why, format, args);
  va_end(args);
  far_severity severity =
      is_mild ? FAR_SEVERITY_WARNING : far_rule_severity(rule);
  // Borrowed, for whoever is told; nobody writes to them.
  far_violation told = {
      .rule = rule,
      .severity = severity,
      .is_failure = severity == FAR_SEVERITY_ERROR || all->is_strict,
      .outcome = outcome,
      .os = os,
      .task = whom->task ? whom->task->id : 0,
      .script = (char *)(uintptr_t)whom->script,
      .name = whom->task ? (char *)(uintptr_t)whom->task->name : NULL,
      .where = (char *)(uintptr_t)place_of(whom),
      .why = why,
      .first_ms = now_ms,
      .last_ms = now_ms,
      .count = 1};
  if (known != NULL || all->count < CAUSES_MAX)
    tell(all, known, &told);
  else
    ++*(told.is_failure ? &all->failures_beyond : &all->warnings_beyond);
}

void far_violations_take_back(far_violations *all, far_rule_id rule,
                              const far_whom *whom) {
  far_violation *known = find(all, rule, NULL, whom);
  if (known != NULL && known->count > 0)
    known->count--;
}

uint64_t far_violations_count(const far_violations *all, far_rule_id rule,
                              const far_whom *whom) {
  const far_violation *known = find(all, rule, NULL, whom);
  return known ? known->count : 0;
}

void far_violations_sum(const far_violations *all, uint64_t *failures,
                        uint64_t *warnings) {
  *failures = all->failures_beyond;
  *warnings = all->warnings_beyond;
  for (size_t i = 0; i < all->count; i++)
    *(all->causes[i].is_failure ? failures : warnings) += all->causes[i].count;
}

void far_violations_deinit(far_violations *all) {
  if (all->memory == NULL)
    return;
  for (size_t i = 0; i < all->count; i++)
    forget(all, &all->causes[i]);
  far_free(all->memory, all->causes, all->room * sizeof *all->causes);
  all->causes = NULL;
  all->count = all->room = 0;
}
