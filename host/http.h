// Http: what carries transfers on real time: libcurl on the host's loop.
//
// One multi handle a host, made at the first transfer. libcurl says which
// sockets it waits for and until when; each is a uv_poll, and the deadline is
// one of the host's timers. While nothing is on its way there is neither, and
// an app that has used the network is as idle as one that has not.
//
// libcurl follows no redirect and has no timeout of its own but that of a
// connection: see transfer.h. Certificates are always verified.
#ifndef FAR_HTTP_H
#define FAR_HTTP_H

#include "transfer.h"

// FARSIDE_UNSUPPORTED where there is no libcurl and where time is virtual;
// *why is then a sentence. FARSIDE_NOMEM.
farside_status far_http_open(farside_host *host, far_carrier **carrier,
                             const char **why);

#endif
