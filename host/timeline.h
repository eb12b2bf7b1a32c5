// The timeline: the bounded log of what happened to an app, and why.
//
// Specs compare it, reports draw it, and its hash tells whether two runs were
// the same. It keeps the newest entries; those it had to drop are counted and
// are still in the hash.
#ifndef FAR_TIMELINE_H
#define FAR_TIMELINE_H

#include "memory.h"

#define FAR_WHAT_MAP(X)                                                        \
  X(APP_LAUNCH, "app.launch")                                                  \
  X(APP_ACTIVE, "app.active")                                                  \
  X(APP_INACTIVE, "app.inactive")                                              \
  X(APP_PAUSE, "app.pause")                                                    \
  X(APP_RESUME, "app.resume")                                                  \
  X(APP_SUSPEND, "app.suspend")                                                \
  X(APP_TERMINATE, "app.terminate")                                            \
  X(APP_KILL, "app.kill")                                                      \
  X(APP_END, "app.end")                                                        \
  X(TASK_BEGIN, "task.begin")                                                  \
  X(TASK_RUN, "task.run")                                                      \
  X(TASK_FINISH, "task.finish")                                                \
  X(TASK_FAIL, "task.fail")                                                    \
  X(TASK_EXPIRING, "task.expiring")                                            \
  X(TASK_EXPIRE, "task.expire")                                                \
  X(TASK_CANCEL, "task.cancel")                                                \
  X(TASK_LEAK, "task.leak")                                                    \
  X(SCRIPT_KILL, "script.kill")                                                \
  X(SCRIPT_CLOSE, "script.close")                                              \
  X(SCRIPT_RELOAD, "script.reload")                                            \
  X(DEVICE_NETWORK, "device.network")                                          \
  X(DEVICE_POWER, "device.power")                                              \
  X(DEVICE_STORAGE, "device.storage")                                          \
  X(DEVICE_LOCK, "device.lock")                                                \
  X(DEVICE_FRONT, "device.front")                                              \
  X(DEVICE_MOTION, "device.motion")                                            \
  X(DEVICE_DOZE, "device.doze")                                                \
  X(DEVICE_BUCKET, "device.bucket")                                            \
  X(DEVICE_REFRESH, "device.refresh")                                          \
  X(DEVICE_CLOCK, "device.clock")                                              \
  X(DEVICE_MEMORY, "device.memory")                                            \
  X(DEVICE_PUSH, "device.push")                                                \
  X(DEVICE_URL, "device.url")                                                  \
  X(DEVICE_SWIPE, "device.swipe")                                              \
  X(DEVICE_REBOOT, "device.reboot")                                            \
  X(WAKE_PLAN, "wake.plan")                                                    \
  X(WAKE_WAIT, "wake.wait")                                                    \
  X(WAKE_GRANT, "wake.grant")                                                  \
  X(WAKE_CANCEL, "wake.cancel")                                                \
  X(WORK_ENQUEUE, "work.enqueue")                                              \
  X(WORK_RUN, "work.run")                                                      \
  X(WORK_SUCCEED, "work.succeed")                                              \
  X(WORK_RETRY, "work.retry")                                                  \
  X(WORK_FAIL, "work.fail")                                                    \
  X(WORK_CANCEL, "work.cancel")                                                \
  X(STORE_FAULT, "store.fault")                                                \
  X(HTTP_BEGIN, "http.begin")                                                  \
  X(HTTP_END, "http.end")                                                      \
  X(TIMER_FIRE, "timer.fire")                                                  \
  X(VIOLATION, "violation")                                                    \
  X(LOG, "log")

typedef enum far_what {
#define FAR_WHAT(id, name) FAR_WHAT_##id,
  FAR_WHAT_MAP(FAR_WHAT)
#undef FAR_WHAT
      FAR_WHATS
} far_what;

typedef struct far_record {
  farside_entry entry;
  char *text; // Holds the entry's strings, one after the other. Stays.
  size_t text_bytes;
} far_record;

typedef struct far_timeline {
  far_memory *memory;
  far_record *records; // A ring.
  size_t capacity;
  size_t capacity_max;
  uint64_t count; // Entries ever added.
  uint64_t first; // The oldest entry that is still kept.
  bool is_hashed; // Somebody wants the next line: it takes half of the time.
  uint64_t hash;
} far_timeline;

void far_timeline_init(far_timeline *timeline, far_memory *memory,
                       size_t entries_max);
void far_timeline_deinit(far_timeline *timeline);

// Adds an entry; its strings are copied, long ones cut with a note. It never
// fails: when memory is short the entry is dropped, as if it were too old.
void far_timeline_add(far_timeline *timeline, const farside_entry *entry);

// Reads entry number `index`, from `first` up to `count`. NULL when it is
// dropped. Valid until the next call of far_timeline_add().
const farside_entry *far_timeline_get(const far_timeline *timeline,
                                      uint64_t index);

// "task.finish"
const char *far_what_name(far_what what);

#endif
