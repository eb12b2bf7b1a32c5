// The app's life, as one ladder with five rungs.
//
// Whatever the OS says, the app moves one rung at a time, and each rung has one
// event: to the background `appStateChange{false}`, then `pause`; back
// `resume`, then `appStateChange{true}`. So there is one order on every
// platform, and a state that is told twice moves nothing.
#ifndef FAR_APP_H
#define FAR_APP_H

#include <stdbool.h>

typedef enum far_app_state {
  FAR_APP_GONE,       // Not running: before the launch and after the end.
  FAR_APP_SUSPENDED,  // In memory, and nothing of it runs.
  FAR_APP_BACKGROUND, // Out of sight; runs while a task is open.
  FAR_APP_INACTIVE,   // In sight, not in use: an alert, the app switcher.
  FAR_APP_ACTIVE
} far_app_state;

// What one rung means.
typedef enum far_app_edge {
  FAR_APP_ACTIVATED,   // appStateChange{isActive=true}
  FAR_APP_DEACTIVATED, // appStateChange{isActive=false}
  FAR_APP_PAUSED,      // pause
  FAR_APP_RESUMED,     // resume
  FAR_APP_FELL_ASLEEP, // No event: the app cannot hear any more.
  FAR_APP_WOKE,        // No event: still in the background.
} far_app_edge;

typedef struct far_app {
  far_app_state state;
} far_app;

// Moves one rung towards `target` and tells which edge that was. Returns false
// when there is nothing to move. A gone app moves nowhere: launch it.
bool far_app_step(far_app *app, far_app_state target, far_app_edge *edge);

// "active", "inactive", "background", "suspended" or "gone".
const char *far_app_state_name(far_app_state state);

#endif
