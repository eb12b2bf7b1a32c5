#include "task.h"

#include "far_assert.h"

// Ids start high: `finish{ taskId = 1 }` should say that there is no such task
// and not end somebody else's, and a number that equals an open id should be
// one (see bindings/holders.c).
enum { ID_FIRST = 70001 };

static void set_deadline(const far_task_table *table, far_task *task,
                         uint64_t now_ms) {
  if (!table->is_running_out) {
    task->warn_ms = task->end_ms = FAR_NEVER;
    return;
  }
  // A task that is begun late in a shared budget gets what is left of it.
  uint64_t from_ms = table->is_shared ? table->since_ms : now_ms;
  uint64_t end_ms = from_ms + table->allowance_ms;
  if (table->spent_ms < end_ms)
    end_ms = table->spent_ms;
  if (end_ms < now_ms)
    end_ms = now_ms;
  uint64_t budget_ms = table->allowance_ms;
  task->has_own_end = task->budget_ms != 0 && now_ms + task->budget_ms < end_ms;
  if (task->has_own_end) {
    end_ms = now_ms + task->budget_ms;
    budget_ms = task->budget_ms;
  }
  uint64_t warning_ms =
      (uint64_t)far_policy_warning_ms(table->profile, (int64_t)budget_ms);
  task->end_ms = end_ms;
  task->time_ms = end_ms - now_ms;
  task->warn_ms = end_ms - warning_ms > now_ms ? end_ms - warning_ms : now_ms;
}

static void set_all(far_task_table *table, uint64_t now_ms) {
  for (far_task *task = table->first; task; task = task->next)
    set_deadline(table, task, now_ms);
}

void far_tasks_init(far_task_table *table, far_memory *memory,
                    far_profile profile) {
  *table = (far_task_table){.profile = profile, .spent_ms = FAR_NEVER};
  far_slots_init(&table->slots, memory, ID_FIRST);
}

void far_tasks_deinit(far_task_table *table) {
  far_assert(table->open == 0);
  far_slots_deinit(&table->slots);
  *table = (far_task_table){0};
}

farside_status far_tasks_begin(far_task_table *table, far_task *task,
                               uint64_t now_ms) {
  int64_t max = far_policy_get(table->profile, FAR_EXEC_MAX_LIVE);
  if (max != 0 && table->open >= (uint64_t)max)
    return FARSIDE_LIMIT;
  task->id = far_slots_add(&table->slots, task);
  if (task->id == 0)
    return FARSIDE_NOMEM;

  task->state = FAR_TASK_PENDING;
  task->begun_ms = now_ms;
  set_deadline(table, task, now_ms);

  task->previous = table->last;
  task->next = NULL;
  *(table->last ? &table->last->next : &table->first) = task;
  table->last = task;
  table->open++;
  return FARSIDE_OK;
}

farside_status far_tasks_find(const far_task_table *table, uint64_t id,
                              far_task **task) {
  *task = far_slots_get(&table->slots, id);
  if (*task != NULL)
    return FARSIDE_OK;
  switch (far_slots_ending(&table->slots, id, -1)) {
  case -1:
    return FARSIDE_NOTASK;
  case FAR_TASK_EXPIRED:
    return FARSIDE_EXPIRED;
  default:
    return FARSIDE_FINISHED;
  }
}

void far_tasks_end(far_task_table *table, far_task *task, far_task_state how) {
  far_assert(how >= FAR_TASK_FINISHED);
  far_slots_remove(&table->slots, task->id, (int)how);
  *(task->previous ? &task->previous->next : &table->first) = task->next;
  *(task->next ? &task->next->previous : &table->last) = task->previous;
  task->previous = task->next = NULL;
  task->state = how;
  task->warn_ms = task->end_ms = FAR_NEVER;
  table->open--;
}

void far_tasks_warned(far_task_table *table, const far_task *task) {
  // A task that asked for less used up its own time and nobody else's.
  if (!task->has_own_end && task->end_ms < table->spent_ms)
    table->spent_ms = task->end_ms;
}

void far_tasks_enter_background(far_task_table *table, uint64_t now_ms,
                                uint64_t allowance_ms, bool is_woken) {
  table->is_running_out = true;
  table->since_ms = now_ms;
  table->allowance_ms = allowance_ms;
  table->is_shared =
      is_woken || far_policy_get(table->profile, FAR_EXEC_BUDGET_SCOPE) != 0;
  table->spent_ms = FAR_NEVER;
  set_all(table, now_ms);
}

void far_tasks_leave_background(far_task_table *table) {
  table->is_running_out = false;
  table->spent_ms = FAR_NEVER;
  set_all(table, 0);
}

void far_tasks_hurry(far_task_table *table, uint64_t now_ms, uint64_t left_ms) {
  for (far_task *task = table->first; task; task = task->next) {
    if (task->end_ms <= now_ms + left_ms)
      continue;
    task->time_ms -= task->end_ms - (now_ms + left_ms);
    task->end_ms = now_ms + left_ms;
    task->warn_ms = now_ms;
    task->has_own_end = false;
  }
}

void far_tasks_terminate(far_task_table *table, uint64_t now_ms,
                         uint64_t grace_ms) {
  // The end of the app gives nobody more time than the background left.
  if (table->is_running_out && table->is_shared) {
    uint64_t end_ms = table->since_ms + table->allowance_ms;
    uint64_t left_ms = end_ms > now_ms ? end_ms - now_ms : 0;
    grace_ms = left_ms < grace_ms ? left_ms : grace_ms;
  }
  if (!table->is_running_out)
    table->spent_ms = FAR_NEVER;
  table->is_running_out = true;
  table->since_ms = now_ms;
  table->allowance_ms = grace_ms;
  table->is_shared = true;
  for (far_task *task = table->first; task; task = task->next) {
    far_task before = *task;
    set_deadline(table, task, now_ms);
    if (before.end_ms <= task->end_ms) {
      task->warn_ms = before.warn_ms;
      task->end_ms = before.end_ms;
      task->time_ms = before.time_ms;
    }
  }
}

uint64_t far_task_remaining_ms(const far_task *task, uint64_t now_ms) {
  if (task->end_ms == FAR_NEVER)
    return FAR_NEVER;
  return task->end_ms > now_ms ? task->end_ms - now_ms : 0;
}

const char *far_task_state_name(far_task_state state) {
  static const char *const names[] = {"pending", "running", "finished",
                                      "failed",  "expired", "cancelled"};
  return names[state];
}
