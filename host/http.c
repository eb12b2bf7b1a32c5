#include "http.h"

#include "host.h"

#ifndef FARSIDE_HTTP

farside_status far_http_open(farside_host *host, far_carrier **carrier,
                             const char **why) {
  (void)host;
  *carrier = NULL;
  *why = "this build of Farside has no Http";
  return FARSIDE_UNSUPPORTED;
}

#else

#include "libcurl.h"
#include "place.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

typedef struct http {
  far_carrier carrier; // First.
  farside_host *host;
  far_memory *memory;
  CURLM *multi; // NULL: nothing was begun since it rested.
  far_timer timer;
} http;

// What one hop has in libcurl.
typedef struct hop {
  http *http;
  far_transfer *transfer;
  CURL *easy;
  struct curl_slist *headers;
  bool has_proxy;
  far_place refused; // An address that it may not connect to; 0: none was.
  char error[CURL_ERROR_SIZE];
} hop;

// A socket of libcurl's, as the loop sees it.
typedef struct watcher {
  uv_poll_t poll;     // First.
  http *http;         // It may be gone while the loop closes this.
  far_memory *memory; // The host's, which stays until the loop is closed.
  curl_socket_t socket;
} watcher;

static void take_results(http *mine);

// -- The loop -----------------------------------------------------------------

static void socket_is_ready(uv_poll_t *poll, int status, int events) {
  watcher *one = (watcher *)(void *)poll;
  http *mine = one->http;
  int flags = status < 0 ? CURL_CSELECT_ERR : 0;
  int running;
  if (events & UV_READABLE)
    flags |= CURL_CSELECT_IN;
  if (events & UV_WRITABLE)
    flags |= CURL_CSELECT_OUT;
  far_curl->multi_socket_action(mine->multi, one->socket, flags, &running);
  take_results(mine);
}

static void watcher_is_closed(uv_handle_t *handle) {
  watcher *one = (watcher *)(void *)handle;
  far_free(one->memory, one, sizeof *one);
}

static watcher *watcher_new(http *mine, curl_socket_t socket) {
  watcher *fresh = far_new(mine->memory, sizeof *fresh);
  if (fresh == NULL)
    return NULL;
  fresh->http = mine;
  fresh->memory = mine->memory;
  fresh->socket = socket;
  if (uv_poll_init_socket(far_clock_loop(mine->host->clock), &fresh->poll,
                          socket) == 0)
    return fresh;
  far_free(mine->memory, fresh, sizeof *fresh);
  return NULL;
}

static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *user,
                        void *of_socket) {
  http *mine = user;
  watcher *one = of_socket;
  (void)easy;
  if (what == CURL_POLL_REMOVE) {
    if (one != NULL)
      uv_close((uv_handle_t *)&one->poll, watcher_is_closed);
    return 0;
  }
  if (one == NULL) {
    one = watcher_new(mine, socket);
    if (one == NULL)
      return -1;
    far_curl->multi_assign(mine->multi, socket, one);
  }
  int events = 0;
  if (what != CURL_POLL_OUT)
    events |= UV_READABLE;
  if (what != CURL_POLL_IN)
    events |= UV_WRITABLE;
  return uv_poll_start(&one->poll, events, socket_is_ready);
}

static int watch_time(CURLM *multi, long timeout_ms, void *user) {
  http *mine = user;
  (void)multi;
  far_timer_start(&mine->host->timers, &mine->timer,
                  timeout_ms < 0
                      ? FAR_NEVER
                      : far_host_now_ms(mine->host) + (uint64_t)timeout_ms);
  return 0;
}

static void time_is_up(far_timer *timer, uint64_t now_ms) {
  http *mine = far_list_item(timer, http, timer);
  int running;
  (void)now_ms;
  if (mine->multi == NULL)
    return;
  far_curl->multi_socket_action(mine->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  take_results(mine);
}

// -- Addresses ----------------------------------------------------------------

// The address that is really connected to, whatever the name was.
static curl_socket_t open_socket(void *user, curlsocktype purpose,
                                 struct curl_sockaddr *address) {
  hop *mine = user;
  (void)purpose;
  far_place place = far_place_of(&address->addr);
  if (!mine->has_proxy && (mine->transfer->places & place) == 0) {
    mine->refused = place;
    return CURL_SOCKET_BAD;
  }
  far_transfer_reached(mine->transfer, FAR_PHASE_CONNECT);
  return socket(address->family, address->socktype | SOCK_CLOEXEC,
                address->protocol);
}

// A connection that is there already may be one that somebody else was allowed
// to make.
static int check_connection(void *user, char *to, char *from, int to_port,
                            int from_port) {
  hop *mine = user;
  (void)from;
  (void)to_port;
  (void)from_port;
  far_place place = far_place_of_text(to);
  if (!mine->has_proxy && (mine->transfer->places & place) == 0) {
    mine->refused = place;
    return CURL_PREREQFUNC_ABORT;
  }
  far_transfer_reached(mine->transfer, FAR_PHASE_SEND);
  if (mine->transfer->send_bytes == 0)
    far_transfer_reached(mine->transfer, FAR_PHASE_WAIT);
  return CURL_PREREQFUNC_OK;
}

static const char *environment(const char *one, const char *two) {
  const char *value = getenv(one);
  if (value == NULL && two != NULL)
    value = getenv(two);
  return value != NULL && *value != '\0' ? value : NULL;
}

// "no_proxy": names, each with all that is below it.
static bool goes_around_proxy(const far_pattern *to) {
  const char *list = environment("no_proxy", "NO_PROXY");
  while (list != NULL && *list != '\0') {
    list += strspn(list, ", ");
    size_t bytes = strcspn(list, ", ");
    const char *name = list;
    list += bytes;
    if (bytes == 1 && *name == '*')
      return true;
    if (bytes > 0 && *name == '.') {
      name++;
      bytes--;
    }
    if (bytes == 0 || bytes > to->host_bytes)
      continue;
    size_t above = to->host_bytes - bytes;
    if (strncasecmp(to->host + above, name, bytes) == 0 &&
        (above == 0 || to->host[above - 1] == '.'))
      return true;
  }
  return false;
}

// HTTP_PROXY in capitals is what a web server makes of a header.
static const char *find_proxy(const http *mine, const far_pattern *to) {
  const char *proxy = mine->host->config.proxy;
  if (proxy != NULL)
    return *proxy != '\0' && !goes_around_proxy(to) ? proxy : NULL;
  proxy = to->is_https ? environment("https_proxy", "HTTPS_PROXY")
                       : environment("http_proxy", NULL);
  if (proxy == NULL)
    proxy = environment("all_proxy", "ALL_PROXY");
  return proxy != NULL && !goes_around_proxy(to) ? proxy : NULL;
}

// -- Bytes --------------------------------------------------------------------

static size_t take_line(char *line, size_t size, size_t count, void *user) {
  const hop *mine = user;
  return far_transfer_take_line(mine->transfer, line, size * count)
             ? size * count
             : 0;
}

static size_t take_body(char *data, size_t size, size_t count, void *user) {
  const hop *mine = user;
  return far_transfer_take(mine->transfer, data, size * count) ? size * count
                                                               : 0;
}

static size_t give_body(char *data, size_t size, size_t count, void *user) {
  const hop *mine = user;
  ptrdiff_t given = far_transfer_give(mine->transfer, data, size * count);
  return given < 0 ? CURL_READFUNC_ABORT : (size_t)given;
}

// A connection that was kept can turn out to be dead: then all of it is sent
// again.
static int seek_body(void *user, curl_off_t offset, int origin) {
  const hop *mine = user;
  if (origin != SEEK_SET || offset < 0)
    return CURL_SEEKFUNC_FAIL;
  far_transfer_rewind(mine->transfer, (uint64_t)offset);
  return CURL_SEEKFUNC_OK;
}

// -- Hops ---------------------------------------------------------------------

static void hop_free(hop *mine) {
  mine->transfer->hop = NULL;
  far_curl->easy_cleanup(mine->easy);
  far_curl->slist_free_all(mine->headers);
  far_free(mine->http->memory, mine, sizeof *mine);
}

static bool add_header(hop *mine, const char *line) {
  struct curl_slist *list = far_curl->slist_append(mine->headers, line);
  if (list != NULL)
    mine->headers = list;
  return list != NULL;
}

static bool add_headers(hop *mine) {
  const far_bytes *all = &mine->transfer->headers;
  bool has_all = add_header(mine, "Expect:"); // Nobody waits for a "go on".
  for (size_t at = 0; at < all->used; at += strlen(all->data + at) + 1)
    if (!far_transfer_hides(mine->transfer, all->data + at))
      has_all = has_all && add_header(mine, all->data + at);
  return has_all;
}

static bool sets(const far_transfer *transfer, const char *name) {
  const far_bytes *all = &transfer->headers;
  for (size_t at = 0; at < all->used; at += strlen(all->data + at) + 1)
    if (strncasecmp(all->data + at, name, strlen(name)) == 0)
      return true;
  return false;
}

static void set_body(const hop *mine) {
  far_transfer *transfer = mine->transfer;
  CURL *easy = mine->easy;
  if (strcmp(transfer->method, "HEAD") == 0) {
    far_curl->easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (transfer->has_body) {
    far_curl->easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    far_curl->easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                          (curl_off_t)transfer->send_bytes);
    far_curl->easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
    far_curl->easy_setopt(easy, CURLOPT_READDATA, mine);
    far_curl->easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
    far_curl->easy_setopt(easy, CURLOPT_SEEKDATA, mine);
  }
  far_curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->method);
}

static void set_security(const hop *mine) {
  const char *file = mine->http->host->config.certificates;
  if (file == NULL)
    file = environment("SSL_CERT_FILE", NULL);
  if (file != NULL)
    far_curl->easy_setopt(mine->easy, CURLOPT_CAINFO, file);
  far_curl->easy_setopt(mine->easy, CURLOPT_SSL_VERIFYPEER, 1L);
  far_curl->easy_setopt(mine->easy, CURLOPT_SSL_VERIFYHOST, 2L);
  far_curl->easy_setopt(mine->easy, CURLOPT_SSLVERSION,
                        CURL_SSLVERSION_TLSv1_2);
}

static void set_way(hop *mine) {
  const far_transfer *transfer = mine->transfer;
  const char *proxy = find_proxy(mine->http, &transfer->url.parts);
  mine->has_proxy = proxy != NULL;
  CURL *easy = mine->easy;
  far_curl->easy_setopt(easy, CURLOPT_PROXY, proxy ? proxy : "");
  far_curl->easy_setopt(easy, CURLOPT_NOPROXY, "");
  far_curl->easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  far_curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  far_curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  far_curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, mine);
  far_curl->easy_setopt(easy, CURLOPT_PREREQFUNCTION, check_connection);
  far_curl->easy_setopt(easy, CURLOPT_PREREQDATA, mine);
  if (transfer->connect_ms <= LONG_MAX)
    far_curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                          (long)transfer->connect_ms);
}

static bool set_up(hop *mine) {
  const far_transfer *transfer = mine->transfer;
  CURL *easy = mine->easy;
  if (!add_headers(mine))
    return false;
  far_curl->easy_setopt(easy, CURLOPT_URL, transfer->url.text);
  far_curl->easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  far_curl->easy_setopt(easy, CURLOPT_PRIVATE, mine);
  far_curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, mine->error);
  far_curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  far_curl->easy_setopt(easy, CURLOPT_QUICK_EXIT,
                        1L); // Waits for no name server.
  far_curl->easy_setopt(easy, CURLOPT_USERAGENT, "farside/" FARSIDE_VERSION);
  far_curl->easy_setopt(easy, CURLOPT_HTTPHEADER, mine->headers);
  far_curl->easy_setopt(easy, CURLOPT_HTTP_VERSION,
                        (long)CURL_HTTP_VERSION_2TLS);
  // Whether a second connection is needed is known when the first one has said
  // which HTTP it speaks; without TLS it never says so.
  far_curl->easy_setopt(easy, CURLOPT_PIPEWAIT,
                        (long)transfer->url.parts.is_https);
  far_curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_line);
  far_curl->easy_setopt(easy, CURLOPT_HEADERDATA, mine);
  far_curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  far_curl->easy_setopt(easy, CURLOPT_WRITEDATA, mine);
  if (!transfer->wants_plain && !sets(transfer, "accept-encoding:"))
    far_curl->easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  set_body(mine);
  set_security(mine);
  set_way(mine);
  return true;
}

static bool open_multi(http *mine) {
  if (mine->multi != NULL)
    return true;
  mine->multi = far_curl->multi_init();
  if (mine->multi == NULL)
    return false;
  far_curl->multi_setopt(mine->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
  far_curl->multi_setopt(mine->multi, CURLMOPT_SOCKETDATA, mine);
  far_curl->multi_setopt(mine->multi, CURLMOPT_TIMERFUNCTION, watch_time);
  far_curl->multi_setopt(mine->multi, CURLMOPT_TIMERDATA, mine);
  far_curl->multi_setopt(mine->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                         (long)FAR_TRANSFERS_HOST_MAX);
  return true;
}

static farside_status begin(far_carrier *carrier, far_transfer *transfer) {
  http *mine = (http *)carrier;
  hop *fresh = far_new(mine->memory, sizeof *fresh);
  if (fresh == NULL)
    return FARSIDE_NOMEM;
  fresh->http = mine;
  fresh->transfer = transfer;
  fresh->easy = far_curl->easy_init();
  bool is_up = fresh->easy != NULL && open_multi(mine) && set_up(fresh) &&
               far_curl->multi_add_handle(mine->multi, fresh->easy) == CURLM_OK;
  if (!is_up) {
    hop_free(fresh);
    return FARSIDE_NOMEM;
  }
  transfer->hop = fresh;
  return FARSIDE_OK;
}

static void cancel(far_carrier *carrier, far_transfer *transfer) {
  http *mine = (http *)carrier;
  hop *gone = transfer->hop;
  far_curl->multi_remove_handle(mine->multi, gone->easy);
  hop_free(gone);
}

// -- How a hop ends -----------------------------------------------------------

static bool is_of_tls(CURLcode code) {
  switch (code) {
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_INVALIDCERTSTATUS:
    return true;
  default:
    return false;
  }
}

// How far it came: libcurl tells more than its callbacks.
static far_phase phase_of(const hop *mine) {
  curl_off_t connected_us = 0;
  far_phase phase = mine->transfer->phase;
  if (phase == FAR_PHASE_CONNECT && mine->transfer->url.parts.is_https &&
      far_curl->easy_getinfo(mine->easy, CURLINFO_CONNECT_TIME_T,
                             &connected_us) == CURLE_OK &&
      connected_us > 0)
    return FAR_PHASE_TLS;
  return phase;
}

static void fail_partial(const hop *mine) {
  char cause[96];
  const far_transfer *transfer = mine->transfer;
  if (transfer->expected == FAR_NEVER)
    snprintf(cause, sizeof cause, "the answer ended in its middle");
  else
    snprintf(cause, sizeof cause, "the answer ended after %llu of %llu bytes",
             (unsigned long long)transfer->received,
             (unsigned long long)transfer->expected);
  far_transfer_fail_at(mine->transfer, FARSIDE_NETWORK, FAR_PHASE_RECEIVE,
                       cause);
}

static void fail_connect(const hop *mine) {
  long number = 0;
  far_curl->easy_getinfo(mine->easy, CURLINFO_OS_ERRNO, &number);
  far_transfer_fail_at(mine->transfer, FARSIDE_NETWORK, FAR_PHASE_CONNECT,
                       number != 0            ? strerror((int)number)
                       : *mine->error != '\0' ? mine->error
                                              : "there is no connection");
}

static void fail_refused(const hop *mine) {
  char host[FAR_PLACE_NAME_BYTES];
  far_url_print_host(&mine->transfer->url, host, sizeof host);
  far_transfer_fail(mine->transfer, FARSIDE_DENIED,
                    "connect %s: its address is %s, where a script may go only "
                    "by a pattern that names such a place itself, such as "
                    "http://localhost/* or http://192.168.1.2/*",
                    host, far_place_text(mine->refused));
}

static void fail(const hop *mine, CURLcode code) {
  far_transfer *transfer = mine->transfer;
  const char *cause =
      *mine->error ? mine->error : far_curl->easy_strerror(code);
  if (mine->refused != 0 &&
      (code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK)) {
    fail_refused(mine);
    return;
  }
  switch (code) {
  case CURLE_COULDNT_RESOLVE_HOST:
    far_transfer_fail_at(transfer, FARSIDE_NETWORK, FAR_PHASE_RESOLVE,
                         "no address is known for this name");
    return;
  case CURLE_COULDNT_RESOLVE_PROXY:
    far_transfer_fail_at(transfer, FARSIDE_NETWORK, FAR_PHASE_RESOLVE,
                         "no address is known for the name of the proxy");
    return;
  case CURLE_COULDNT_CONNECT:
    fail_connect(mine);
    return;
  case CURLE_PARTIAL_FILE:
    fail_partial(mine);
    return;
  case CURLE_GOT_NOTHING:
    cause = "the connection was closed without an answer";
    break;
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_UNSUPPORTED_PROTOCOL:
    cause = "the answer is no HTTP";
    break;
  case CURLE_BAD_CONTENT_ENCODING:
    cause = "the body is not what its Content-Encoding says";
    break;
  case CURLE_OUT_OF_MEMORY:
    far_transfer_fail(transfer, FARSIDE_NOMEM, "%s",
                      farside_status_text(FARSIDE_NOMEM));
    return;
  case CURLE_OPERATION_TIMEDOUT:
    far_transfer_fail_at(transfer, FARSIDE_TIMEOUT, phase_of(mine), cause);
    return;
  default:
    break;
  }
  bool is_tls = is_of_tls(code);
  far_transfer_fail_at(transfer, is_tls ? FARSIDE_TLS : FARSIDE_NETWORK,
                       is_tls ? FAR_PHASE_TLS : phase_of(mine), cause);
}

// Never from inside a call of libcurl's: what ends here begins the next one.
static void take_results(http *mine) {
  const CURLMsg *message;
  int left;
  while (mine->multi != NULL &&
         (message = far_curl->multi_info_read(mine->multi, &left)) != NULL) {
    if (message->msg != CURLMSG_DONE)
      continue;
    CURLcode code = message->data.result;
    hop *done = NULL;
    far_curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &done);
    far_transfer *transfer = done->transfer;
    // Enough of what nobody reads was read.
    if (code != CURLE_OK &&
        !(transfer->is_leaving && code == CURLE_WRITE_ERROR))
      fail(done, code);
    far_curl->multi_remove_handle(mine->multi, done->easy);
    hop_free(done);
    far_transfer_ended(transfer);
  }
}

// -- Open and close -----------------------------------------------------------

static void rest(far_carrier *carrier) {
  http *mine = (http *)carrier;
  if (mine->multi != NULL)
    far_curl->multi_cleanup(mine->multi);
  mine->multi = NULL;
  far_timer_stop(&mine->host->timers, &mine->timer);
}

static void close_http(far_carrier *carrier) {
  http *mine = (http *)carrier;
  rest(carrier);
  far_timer_deinit(&mine->host->timers, &mine->timer);
  far_free(mine->memory, mine, sizeof *mine);
}

farside_status far_http_open(farside_host *host, far_carrier **carrier,
                             const char **why) {
  *carrier = NULL;
  if (far_clock_loop(host->clock) == NULL) {
    *why = "there is no network in virtual time";
    return FARSIDE_UNSUPPORTED;
  }
  *why = far_libcurl_open();
  if (*why != NULL)
    return FARSIDE_UNSUPPORTED;
  http *fresh = far_new(&host->memory, sizeof *fresh);
  if (fresh == NULL)
    return FARSIDE_NOMEM;
  fresh->host = host;
  fresh->memory = &host->memory;
  if (far_timer_init(&host->timers, &fresh->timer, FAR_TIMER_HOST,
                     time_is_up) != FARSIDE_OK) {
    far_free(&host->memory, fresh, sizeof *fresh);
    return FARSIDE_NOMEM;
  }
  fresh->carrier = (far_carrier){
      .begin = begin, .cancel = cancel, .rest = rest, .close = close_http};
  *carrier = &fresh->carrier;
  return FARSIDE_OK;
}

#endif
