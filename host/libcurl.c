#include "libcurl.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

static far_libcurl table;
const far_libcurl *const far_curl = &table;

static char fault[320]; // Empty: there is none.

#ifdef FARSIDE_CURL_LINKED

static bool load(void) {
  table = (far_libcurl){
#define X(name) .name = curl_##name,
      FAR_LIBCURL_MAP(X)
#undef X
  };
  return true;
}

#else

#include <dlfcn.h>
#include <string.h>

// By the version of its interface, which has not changed since 2006.
#ifdef __APPLE__
#define LIBRARY "libcurl.4.dylib"
#else
#define LIBRARY "libcurl.so.4"
#endif

static bool find(void *library, const char *name, void *function) {
  void *found = dlsym(library, name);
  memcpy(function, &found, sizeof found);
  if (found == NULL)
    snprintf(fault, sizeof fault,
             "Http needs another libcurl: " LIBRARY " has no %s", name);
  return found != NULL;
}

// It stays, whether it is the right one or not: a library with threads and
// handlers of its own cannot be closed safely.
static bool load(void) {
  void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    snprintf(fault, sizeof fault, "Http needs libcurl, which is not here: %s",
             dlerror());
    return false;
  }
  bool has_all = true;
#define X(name) has_all = has_all && find(library, "curl_" #name, &table.name);
  FAR_LIBCURL_MAP(X)
#undef X
  return has_all;
}

#endif

// A hop that is given up waits for no name server since 7.87.
enum { VERSION_LEAST = 0x075700 };

static void open_once(void) {
  if (!load())
    return;
  const curl_version_info_data *about = table.version_info(CURLVERSION_NOW);
  if (about->version_num < VERSION_LEAST)
    snprintf(fault, sizeof fault,
             "Http needs libcurl 7.87 or newer, and this one is %s",
             about->version);
  else if (table.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    snprintf(fault, sizeof fault, "libcurl cannot begin");
}

const char *far_libcurl_open(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, open_once);
  return fault[0] != '\0' ? fault : NULL;
}
