// Farside as a native extension of Defold: `farside_engine` for its Lua, and
// the app's life, which Defold tells on a phone before it stops the main loop.
//
// Init makes the module; OnEvent tells every host; nothing needs Update,
// because a host that was started has a thread of its own.

#include <dmsdk/sdk.h>

extern "C" {
#include "farside_engine.h"
}

static dmExtension::Result Initialize(dmExtension::Params *params) {
  lua_State *L = params->m_L;
  luaopen_farside_engine(L);
  lua_setglobal(L, "farside_engine"); // Defold's require knows no C modules.
  return dmExtension::RESULT_OK;
}

static void OnEvent(dmExtension::Params *params,
                    const dmExtension::Event *event) {
  (void)params;
  switch (event->m_Event) {
  case dmExtension::EVENT_ID_ACTIVATEAPP:
    farside_engine_post("resume", 0);
    break;
  case dmExtension::EVENT_ID_DEACTIVATEAPP:
    farside_engine_post("pause", 0);
    break;
  default:
    break;
  }
}

static dmExtension::Result Finalize(dmExtension::Params *params) {
  (void)params; // Hosts are closed when Defold's Lua collects them.
  return dmExtension::RESULT_OK;
}

DM_DECLARE_EXTENSION(farside, "farside", 0, 0, Initialize, 0, OnEvent, Finalize)
