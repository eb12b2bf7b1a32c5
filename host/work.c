#include "work.h"

#include <stddef.h>
#include <string.h>

// Every string of a record, so that none is forgotten.
static const size_t strings[] = {
    offsetof(far_work, script),   offsetof(far_work, kind),
    offsetof(far_work, input),    offsetof(far_work, unique),
    offsetof(far_work, group),    offsetof(far_work, tags),
    offsetof(far_work, cron),     offsetof(far_work, zone),
    offsetof(far_work, why),      offsetof(far_work, checkpoint),
    offsetof(far_work, progress), offsetof(far_work, output),
};

enum { STRINGS = sizeof strings / sizeof *strings };

static char **string_of(far_work *work, size_t i) {
  return (char **)(void *)((char *)work + strings[i]);
}

static const char *text_of(const far_work *work, size_t i) {
  return *(char *const *)(const void *)((const char *)work + strings[i]);
}

void far_work_deinit(far_memory *memory, far_work *work) {
  for (size_t i = 0; i < STRINGS; i++)
    far_string_free(memory, *string_of(work, i));
  *work = (far_work){0};
}

void far_run_deinit(far_memory *memory, far_run *run) {
  far_string_free(memory, run->why);
  *run = (far_run){0};
}

bool far_work_set(far_memory *memory, char **field, const char *text) {
  char *copy = far_string_new(memory, text);
  if (copy == NULL && text != NULL)
    return false;
  far_string_free(memory, *field);
  *field = copy;
  return true;
}

bool far_work_copy(far_memory *memory, const far_work *work, far_work *copy) {
  *copy = *work;
  for (size_t i = 0; i < STRINGS; i++)
    *string_of(copy, i) = NULL;
  for (size_t i = 0; i < STRINGS; i++) {
    if (!far_work_set(memory, string_of(copy, i), text_of(work, i))) {
      far_work_deinit(memory, copy);
      return false;
    }
  }
  return true;
}

bool far_work_is_periodic(const far_work *work) {
  return work->every_ms > 0 || work->cron != NULL;
}

bool far_work_is_final(const far_work *work) {
  return work->state == FAR_WORK_SUCCEEDED || work->state == FAR_WORK_FAILED ||
         work->state == FAR_WORK_CANCELLED;
}

static const char *name_of(const char *const *names, size_t count, size_t i) {
  return i < count ? names[i] : NULL;
}

#define NAME_OF(names, i) name_of(names, sizeof(names) / sizeof *(names), i)

const char *far_work_state_name(far_work_state state) {
  static const char *const names[FAR_WORK_STATES] = {
      "enqueued", "running", "blocked", "succeeded", "failed", "cancelled",
  };
  return NAME_OF(names, (size_t)state);
}

const char *far_reason_name(far_reason reason) {
  static const char *const names[FAR_REASONS] = {
#define FAR_REASON(id, name, text) name,
      FAR_REASON_MAP(FAR_REASON)
#undef FAR_REASON
  };
  return NAME_OF(names, (size_t)reason);
}

const char *far_reason_text(far_reason reason) {
  static const char *const texts[FAR_REASONS] = {
#define FAR_REASON(id, name, text) text,
      FAR_REASON_MAP(FAR_REASON)
#undef FAR_REASON
  };
  return NAME_OF(texts, (size_t)reason);
}

const char *far_backoff_name(far_backoff backoff) {
  static const char *const names[FAR_BACKOFFS] = {
      "exponential",
      "linear",
      "fixed",
  };
  return NAME_OF(names, (size_t)backoff);
}

const char *far_missed_name(far_missed missed) {
  static const char *const names[FAR_MISSEDS] = {"once", "skip", "all"};
  return NAME_OF(names, (size_t)missed);
}

const char *far_parent_fail_name(far_parent_fail what) {
  static const char *const names[FAR_PARENT_FAILS] = {"fail", "run", "hold"};
  return NAME_OF(names, (size_t)what);
}

const char *far_expedite_name(far_expedite expedite) {
  static const char *const names[FAR_EXPEDITES] = {
      "no",
      "or_normal",
      "or_drop",
  };
  return NAME_OF(names, (size_t)expedite);
}

const char *far_run_end_name(far_run_end end) {
  static const char *const names[FAR_RUN_ENDS] = {
      "open", "succeeded", "retry", "failed", "stopped", "crashed", "cancelled",
  };
  return NAME_OF(names, (size_t)end);
}

const char *far_need_name(unsigned need) {
  static const char *const names[] = {
      "network", "unmetered", "charging", "batteryOk", "storageOk", "idle",
  };
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    if (need == 1u << i)
      return names[i];
  return NULL;
}
