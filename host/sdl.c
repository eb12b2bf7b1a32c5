// What a phone tells an engine that is built on SDL.
//
// SDL hears at once that the app goes to the background, and may stop the
// engine's main loop before the engine has heard of it. So a function of ours
// listens beside the engine. SDL itself is not needed for that: of its event
// only the first field counts, and its values are those of SDL 2 and SDL 3.

#include "farside.h"

// Of SDL_EventType.
enum {
  SDL_TERMINATING = 0x101,
  SDL_WILL_ENTER_BACKGROUND = 0x103,
  SDL_DID_ENTER_BACKGROUND = 0x104,
  SDL_DID_ENTER_FOREGROUND = 0x106
};

int farside_watch_sdl(void *host, void *event) {
  switch (*(const uint32_t *)event) {
  case SDL_TERMINATING:
    farside_post(host, "terminate", "{\"reason\":\"system\"}");
    break;
  case SDL_WILL_ENTER_BACKGROUND:
    farside_post(host, "appStateChange", "{\"isActive\":false}");
    break;
  case SDL_DID_ENTER_BACKGROUND:
    farside_post(host, "pause", NULL);
    break;
  case SDL_DID_ENTER_FOREGROUND:
    farside_post(host, "resume", NULL);
    break;
  default:
    break; // Not of the app's life.
  }
  return 1; // What a filter says that keeps the event.
}
