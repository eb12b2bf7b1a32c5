#include "app.h"

bool far_app_step(far_app *app, far_app_state target, far_app_edge *edge) {
  static const far_app_edge up[] = {
      [FAR_APP_SUSPENDED] = FAR_APP_WOKE,
      [FAR_APP_BACKGROUND] = FAR_APP_RESUMED,
      [FAR_APP_INACTIVE] = FAR_APP_ACTIVATED,
  };
  static const far_app_edge down[] = {
      [FAR_APP_ACTIVE] = FAR_APP_DEACTIVATED,
      [FAR_APP_INACTIVE] = FAR_APP_PAUSED,
      [FAR_APP_BACKGROUND] = FAR_APP_FELL_ASLEEP,
  };
  if (app->state == FAR_APP_GONE || target == FAR_APP_GONE ||
      app->state == target)
    return false;
  if (target > app->state)
    *edge = up[app->state++];
  else
    *edge = down[app->state--];
  return true;
}

const char *far_app_state_name(far_app_state state) {
  static const char *const names[] = {"gone", "suspended", "background",
                                      "inactive", "active"};
  return names[state];
}
