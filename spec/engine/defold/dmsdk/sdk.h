// As much of Defold's SDK as farside_extension.cpp uses, written down from its
// documentation: the real one comes with Defold's build server, so that this is
// a check of our spelling and types, and no proof that it runs there.
#ifndef DMSDK_SDK_H
#define DMSDK_SDK_H

#include <stdint.h>

extern "C" {
#include <lauxlib.h>
#include <lua.h>
}

namespace dmExtension {
enum Result { RESULT_OK = 0, RESULT_INIT_ERROR = -1 };
enum EventID {
  EVENT_ID_ACTIVATEAPP,
  EVENT_ID_DEACTIVATEAPP,
  EVENT_ID_ICONIFYAPP,
  EVENT_ID_DEICONIFYAPP
};
struct AppParams;
struct Params {
  void *m_ConfigFile;
  lua_State *m_L;
};
struct Event {
  EventID m_Event;
};
void Register(const char *name, Result (*app_init)(AppParams *),
              Result (*app_final)(AppParams *), Result (*init)(Params *),
              Result (*update)(Params *),
              void (*on_event)(Params *, const Event *),
              Result (*final)(Params *));
} // namespace dmExtension

#define DM_DECLARE_EXTENSION(symbol, name, app_init, app_final, init, update,  \
                             on_event, final)                                  \
  extern "C" void symbol() {                                                   \
    dmExtension::Register(name, app_init, app_final, init, update, on_event,   \
                          final);                                              \
  }

#endif
