// What the audit makes of durable work and of values that are kept.

#include "audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t constant(const far_audit *audit, far_constant which) {
  return (uint64_t)far_policy_get(audit->violations.profile, which);
}

static double in_s(uint64_t ms) {
  return (double)ms / 1000;
}

// -- Kinds --------------------------------------------------------------------

// Work that enqueues itself again: a script's own way to a period. Where there
// are more kinds than places, the rest of them is not looked at.
static far_chain *chain_of(far_audit *audit, const char *script,
                           const char *kind) {
  char key[FAR_AUDIT_CHAIN_BYTES];
  far_chain *vacant = NULL;
  int length = snprintf(key, sizeof key, "%s\n%s", script, kind);
  if (length < 0 || (size_t)length >= sizeof key)
    return NULL;
  for (size_t i = 0; i < FAR_AUDIT_CHAINS; i++) {
    far_chain *chain = &audit->chains[i];
    if (strcmp(chain->key, key) == 0)
      return chain;
    if (vacant == NULL && chain->key[0] == '\0')
      vacant = chain;
  }
  if (vacant != NULL)
    memcpy(vacant->key, key, (size_t)length + 1);
  return vacant;
}

void far_audit_defined(far_audit *audit, const far_whom *whom, const char *kind,
                       bool is_late, bool is_again, uint64_t now_ms) {
  if (audit == NULL || (!is_late && !is_again))
    return;
  far_violations_add(&audit->violations, FAR_RULE_FE06, false, whom, now_ms,
                     is_late ? "the kind \"%s\" was defined after the launch: "
                               "work that the app was woken for may find nobody"
                             : "the kind \"%s\" was defined a second time",
                     kind);
}

void far_audit_enqueued(far_audit *audit, const far_whom *whom,
                        const char *kind, const char *by_kind) {
  (void)whom;
  if (audit == NULL || by_kind == NULL || strcmp(kind, by_kind) != 0)
    return;
  far_chain *chain = chain_of(audit, whom->script, kind);
  if (chain != NULL) {
    chain->links++;
    chain->is_renewed = true;
  }
}

// -- What was asked for -------------------------------------------------------

void far_audit_too_often(far_audit *audit, const far_whom *whom,
                         const char *name, uint64_t every_ms, uint64_t now_ms) {
  if (audit == NULL)
    return;
  far_violations_add(&audit->violations, FAR_RULE_FE01, false, whom, now_ms,
                     "\"%s\" is asked for every %.0f s; it comes every %.0f s "
                     "at most",
                     name, in_s(every_ms),
                     in_s(constant(audit, FAR_FETCH_MIN_INTERVAL)));
}

void far_audit_too_soon(far_audit *audit, const far_whom *whom,
                        const char *kind, uint64_t delay_ms, uint64_t now_ms) {
  if (audit == NULL || delay_ms >= constant(audit, FAR_BACKOFF_MIN))
    return;
  far_violations_add(&audit->violations, FAR_RULE_SC03, false, whom, now_ms,
                     "\"%s\" is to be tried again after %.3f s; the delay is "
                     "raised to %.0f s",
                     kind, in_s(delay_ms),
                     in_s(constant(audit, FAR_BACKOFF_MIN)));
}

void far_audit_too_many_wakes(far_audit *audit, const char *what,
                              uint64_t now_ms) {
  if (audit == NULL)
    return;
  far_violations_add(&audit->violations, FAR_RULE_FE05, false, &(far_whom){0},
                     now_ms, "too many requests of that kind wait already: %s",
                     what);
}

void far_audit_out_of_quota(far_audit *audit, const char *bucket,
                            uint64_t now_ms) {
  if (audit == NULL)
    return;
  far_violations_add(&audit->violations, FAR_RULE_SC01, false, &(far_whom){0},
                     now_ms,
                     "its time in the standby bucket \"%s\" is used up, and "
                     "more is to be done",
                     bucket);
}

// -- Runs ---------------------------------------------------------------------

static void judge_time(far_audit *audit, const far_whom *whom,
                       uint64_t now_ms) {
  uint64_t most = constant(audit, FAR_TIMEOUTS_BEFORE_PENALTY);
  far_window_add(&audit->timeouts, now_ms, 1);
  if (most != 0 && audit->timeouts.sum >= most)
    far_violations_add(&audit->violations, FAR_RULE_SC02, false, whom, now_ms,
                       "%" PRIu64
                       " runs were stopped within 24 h because their "
                       "time was up",
                       audit->timeouts.sum);
}

static void judge_chain(far_audit *audit, const far_whom *whom,
                        const far_run_fact *run, uint64_t now_ms) {
  far_chain *chain = chain_of(audit, whom->script, run->kind);
  if (chain == NULL)
    return;
  bool is_renewed = chain->is_renewed;
  chain->is_renewed = false;
  if (!is_renewed && chain->links > 0 && !run->has_next)
    far_violations_add(&audit->violations, FAR_RULE_FE04, false, whom, now_ms,
                       "\"%s\" has enqueued itself %" PRIu64
                       " times, and this run, which %s, has not: it never "
                       "comes again",
                       run->kind, chain->links, run->outcome);
}

void far_audit_run_ended(far_audit *audit, const far_whom *whom,
                         const far_run_fact *run, uint64_t now_ms) {
  enum { HEAVY_MS = 60 * 1000 }; // Ours.
  if (audit == NULL)
    return;
  if (run->is_out_of_time)
    judge_time(audit, whom, now_ms);
  judge_chain(audit, whom, run, now_ms);
  if (whom->task->record.cost_ms > HEAVY_MS && !run->needs_charging)
    far_violations_add(&audit->violations, FAR_RULE_SC06, false, whom, now_ms,
                       "\"%s\" has computed for %.0f s, and does not need a "
                       "charger",
                       run->kind, in_s(whom->task->record.cost_ms));
}

// -- What is kept -------------------------------------------------------------

void far_audit_saved(far_audit *audit, const far_whom *whom,
                     bool is_terminating, uint64_t now_ms) {
  if (audit == NULL)
    return;
  if (whom->task != NULL)
    whom->task->record.has_saved = true;
  if (!is_terminating) {
    audit->has_saved = true;
    return;
  }
  if (!audit->has_saved)
    far_violations_add(&audit->violations, FAR_RULE_BG14, false, whom, now_ms,
                       "it saves when it is told to end, and has saved nothing "
                       "until then");
}

void far_audit_unsaved(far_audit *audit, const far_whom *whom,
                       uint64_t now_ms) {
  enum { LONG_MS = 5 * 1000 }; // Ours.
  const far_task *task = whom->task;
  if (audit == NULL || task->record.has_saved ||
      audit->state > FAR_APP_BACKGROUND)
    return;
  uint64_t from_ms =
      task->begun_ms > audit->visit_ms ? task->begun_ms : audit->visit_ms;
  if (now_ms - from_ms > LONG_MS)
    far_violations_add(&audit->violations, FAR_RULE_BG13, false, whom, now_ms,
                       "it has worked for %.3f s in the background, and saved "
                       "nothing",
                       in_s(now_ms - from_ms));
}
