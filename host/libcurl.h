// libcurl, found when somebody first needs it.
//
// It comes with some thirty other libraries, and loading them takes longer than
// all else that a start of Farside does. Most apps use no Http, or not at once.
// So nothing is linked to it: it is opened at the first transfer, and what is
// used of it is called through a table. Whoever has libcurl in a program of his
// own builds with FARSIDE_CURL=link; the table then has what the linker found.
#ifndef FAR_LIBCURL_H
#define FAR_LIBCURL_H

#include <curl/curl.h>

#define FAR_LIBCURL_MAP(X)                                                     \
  X(global_init)                                                               \
  X(version_info)                                                              \
  X(slist_append)                                                              \
  X(slist_free_all)                                                            \
  X(easy_init)                                                                 \
  X(easy_cleanup)                                                              \
  X(easy_setopt)                                                               \
  X(easy_getinfo)                                                              \
  X(easy_strerror)                                                             \
  X(multi_init)                                                                \
  X(multi_cleanup)                                                             \
  X(multi_setopt)                                                              \
  X(multi_assign)                                                              \
  X(multi_add_handle)                                                          \
  X(multi_remove_handle)                                                       \
  X(multi_socket_action)                                                       \
  X(multi_info_read)

// easy_init is curl_easy_init, and so on.
typedef struct far_libcurl {
#define X(name) __typeof__(curl_##name) *name;
  FAR_LIBCURL_MAP(X)
#undef X
} far_libcurl;

// There for whoever has opened it.
extern const far_libcurl *const far_curl;

// Opens it, once a process; thread-safe. NULL, or where there is no libcurl or
// an old one: a sentence that stays.
const char *far_libcurl_open(void);

#endif
