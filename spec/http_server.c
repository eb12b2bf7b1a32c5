#define _GNU_SOURCE // accept4

#include "http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  HEAD_BYTES = 16 * 1024,
  CHUNK_BYTES = 64 * 1024,
  NOTES_BYTES = 64 * 1024
};

struct http_server {
  int listener, port;
  pthread_t thread;
  atomic_bool is_closing;
  atomic_int connections, busy, most;
  pthread_mutex_t lock; // One at a time adds to what is kept.
  _Atomic uint64_t received, taken;
  atomic_int messages, answered;
  atomic_bool is_exact;
  pthread_cond_t was_noted; // There is more in `notes`, which `lock` guards.
  size_t notes_bytes;
  char notes[NOTES_BYTES + 1];
  bool is_there; // Somebody has sent something to /files.
  int file;      // -1: it is not written.
  uint64_t rate;
  void (*heard)(const char *line);
};

typedef struct connection {
  http_server *server;
  int fd;
  char head[HEAD_BYTES];
  size_t have; // Bytes in `head`: this request's, and what came behind it.
  size_t head_bytes;
  uint64_t body_bytes;
  bool is_slow; // It reads a body for many seconds.
} connection;

unsigned char http_pattern(uint64_t offset) {
  return (unsigned char)((offset * UINT64_C(2654435761)) >> 13);
}

// -- Bytes --------------------------------------------------------------------

// Waits until the socket can be read or written; false when the test is over.
static bool is_ready(const connection *mine, short events) {
  struct pollfd wait = {.fd = mine->fd, .events = events};
  while (!mine->server->is_closing)
    if (poll(&wait, 1, 20) > 0)
      return true;
  return false;
}

static bool send_all(const connection *mine, const char *data, size_t bytes) {
  while (bytes > 0 && is_ready(mine, POLLOUT)) {
    ssize_t sent = send(mine->fd, data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
      return false;
    if (sent > 0) {
      data += sent;
      bytes -= (size_t)sent;
    }
  }
  return bytes == 0;
}

static bool send_text(const connection *mine, const char *text) {
  return send_all(mine, text, strlen(text));
}

static bool send_pattern(const connection *mine, uint64_t from, uint64_t to) {
  char chunk[CHUNK_BYTES];
  while (from < to) {
    size_t bytes = to - from < CHUNK_BYTES ? (size_t)(to - from) : CHUNK_BYTES;
    for (size_t i = 0; i < bytes; i++)
      chunk[i] = (char)http_pattern(from + i);
    if (!send_all(mine, chunk, bytes))
      return false;
    from += bytes;
  }
  return true;
}

// 0: the other side has closed it, or it is over.
static size_t receive(const connection *mine, char *data, size_t bytes) {
  while (is_ready(mine, POLLIN)) {
    ssize_t count = recv(mine->fd, data, bytes, MSG_DONTWAIT);
    if (count >= 0)
      return (size_t)count;
    if (errno != EAGAIN && errno != EINTR)
      return 0;
  }
  return 0;
}

static bool read_head(connection *mine) {
  char *end;
  while ((mine->head[mine->have] = '\0',
          end = strstr(mine->head, "\r\n\r\n")) == NULL) {
    if (mine->have + 1 >= HEAD_BYTES)
      return false;
    size_t count =
        receive(mine, mine->head + mine->have, HEAD_BYTES - 1 - mine->have);
    if (count == 0)
      return false;
    mine->have += count;
  }
  mine->head_bytes = (size_t)(end - mine->head) + 4;
  return true;
}

static const char *header(const connection *mine, const char *name) {
  size_t bytes = strlen(name);
  const char *line = mine->head;
  const char *end = mine->head + mine->head_bytes;
  while ((line = strstr(line, "\r\n")) != NULL && line < end) {
    line += 2;
    if (strncasecmp(line, name, bytes) == 0 && line[bytes] == ':')
      return line + bytes + 1 + strspn(line + bytes + 1, " ");
  }
  return NULL;
}

// Reads the body, and hands each part to `take`. False when it was cut off.
static bool read_body(connection *mine,
                      void (*take)(connection *mine, const char *data,
                                   size_t bytes)) {
  char chunk[CHUNK_BYTES];
  uint64_t left = mine->body_bytes;
  size_t behind = mine->have - mine->head_bytes;
  size_t bytes = behind < left ? behind : (size_t)left;
  if (take != NULL)
    take(mine, mine->head + mine->head_bytes, bytes);
  memmove(mine->head + mine->head_bytes, mine->head + mine->head_bytes + bytes,
          behind - bytes);
  mine->have -= bytes;
  for (left -= bytes; left > 0; left -= bytes) {
    bytes =
        receive(mine, chunk, left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES);
    if (bytes == 0)
      return false;
    if (take != NULL)
      take(mine, chunk, bytes);
  }
  return true;
}

static void reset(const connection *mine) {
  struct linger now = {.l_onoff = 1};
  setsockopt(mine->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

// -- What it can do -----------------------------------------------------------

static bool answer(const connection *mine, const char *status,
                   const char *headers, const char *body) {
  char text[1024];
  snprintf(text, sizeof text, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s",
           status, headers, strlen(body), body);
  return send_text(mine, text);
}

// /bytes/N, with Range; the ETag says how many.
static bool send_bytes(connection *mine, const char *path) {
  char text[256];
  uint64_t size = strtoull(path + strlen("/bytes/"), NULL, 10), from = 0;
  const char *range = header(mine, "Range");
  if (range != NULL)
    (void)sscanf(range, "bytes=%" SCNu64, &from);
  if (range != NULL && from < size)
    snprintf(text, sizeof text,
             "HTTP/1.1 206 OK\r\nContent-Range: bytes %" PRIu64 "-%" PRIu64
             "/%" PRIu64 "\r\nETag: \"%" PRIu64 "\"\r\nContent-Length: %" PRIu64
             "\r\n\r\n",
             from, size - 1, size, size, size - from);
  else
    snprintf(text, sizeof text,
             "HTTP/1.1 200 OK\r\nETag: \"%" PRIu64 "\"\r\nContent-Length: "
             "%" PRIu64 "\r\n\r\n",
             size, size);
  if (range == NULL || from >= size)
    from = 0;
  // "/bytes/N/cut/M": the connection is gone behind M bytes of what was asked.
  const char *cut = strstr(path, "/cut/");
  uint64_t to = size;
  if (cut != NULL && from + strtoull(cut + 5, NULL, 10) < size)
    to = from + strtoull(cut + 5, NULL, 10);
  bool is_sent = send_text(mine, text) && send_pattern(mine, from, to);
  return is_sent && to == size;
}

static void take_kept(connection *mine, const char *data, size_t bytes) {
  http_server *server = mine->server;
  uint64_t at = server->received;
  for (size_t i = 0; i < bytes; i++)
    if ((unsigned char)data[i] != http_pattern(at + i))
      server->is_exact = false;
  if (server->file >= 0 &&
      pwrite(server->file, data, bytes, (off_t)at) != (ssize_t)bytes)
    perror("http_server");
  server->received += bytes;
  server->taken += bytes;
  if (mine->is_slow)
    poll(NULL, 0, 10);
  if (server->rate > 0)
    usleep((useconds_t)(bytes * 1000000 / server->rate));
}

// "PUT /files/x bytes 0-9/20: 201, 10 bytes are here"
static void tell(const connection *mine, const char *outcome) {
  char method[16] = "", path[128] = "", line[256];
  const char *range = header(mine, "Content-Range");
  if (mine->server->heard == NULL)
    return;
  (void)sscanf(mine->head, "%15s %127s", method, path);
  snprintf(line, sizeof line, "%s %s%s%.*s: %s, %" PRIu64 " bytes are here",
           method, path, range ? " " : "",
           range ? (int)strcspn(range, "\r") : 0, range ? range : "", outcome,
           (uint64_t)mine->server->received);
  mine->server->heard(line);
}

// POST makes a place for what is sent: there is one, for whoever asks.
static bool create(connection *mine) {
  char headers[256];
  const char *host = header(mine, "Host");
  if (!read_body(mine, NULL))
    return false;
  tell(mine, "201");
  snprintf(headers, sizeof headers,
           "Tus-Resumable: 1.0.0\r\nLocation: http://%.*s/tus\r\n",
           host ? (int)strcspn(host, "\r") : 0, host ? host : "");
  return answer(mine, "201 Created", headers, "");
}

// The core of tus 1.0: HEAD tells how much is there, PATCH adds to it.
static bool tus(connection *mine) {
  http_server *server = mine->server;
  char headers[128];
  if (strncmp(mine->head, "POST ", 5) == 0)
    return create(mine);
  const char *offset = header(mine, "Upload-Offset");
  pthread_mutex_lock(&server->lock);
  bool is_whole = true, fits = true;
  if (strncmp(mine->head, "PATCH ", 6) == 0) {
    fits = offset != NULL && strtoull(offset, NULL, 10) == server->received;
    is_whole = read_body(mine, fits ? take_kept : NULL);
  }
  snprintf(headers, sizeof headers,
           "Tus-Resumable: 1.0.0\r\nUpload-Offset: %" PRIu64 "\r\n",
           server->received);
  tell(mine, !is_whole ? "cut off" : fits ? "204" : "409");
  pthread_mutex_unlock(&server->lock);
  if (!is_whole)
    return false;
  if (!fits)
    return answer(mine, "409 Conflict", headers, "");
  char text[256];
  snprintf(text, sizeof text, "HTTP/1.1 204 OK\r\n%s\r\n", headers);
  return send_text(mine, text);
}

static void take_note(connection *mine, const char *data, size_t bytes) {
  http_server *server = mine->server;
  size_t room = NOTES_BYTES - server->notes_bytes;
  if (bytes > room)
    bytes = room;
  memcpy(server->notes + server->notes_bytes, data, bytes);
  server->notes_bytes += bytes;
}

// Who waits for a text sees whole bodies, a line each.
static bool note(connection *mine) {
  http_server *server = mine->server;
  pthread_mutex_lock(&server->lock);
  size_t before = server->notes_bytes;
  bool is_whole = read_body(mine, take_note);
  if (is_whole)
    take_note(mine, "\n", 1);
  else
    server->notes_bytes = before;
  server->notes[server->notes_bytes] = '\0';
  pthread_cond_broadcast(&server->was_noted);
  pthread_mutex_unlock(&server->lock);
  return is_whole;
}

static void forget(http_server *server) {
  server->received = 0;
  server->is_exact = true;
  server->is_there = false;
  if (server->file >= 0 && ftruncate(server->file, 0) != 0)
    perror("http_server");
}

// A whole file, or a part that begins where it ends so far. What is cut off is
// kept as well.
static bool put(connection *mine) {
  http_server *server = mine->server;
  uint64_t from = 0;
  const char *range = header(mine, "Content-Range");
  bool fits =
      range == NULL || (sscanf(range, "bytes %" SCNu64 "-", &from) == 1 &&
                        from == server->received);
  if (range == NULL)
    forget(server);
  server->is_there = server->is_there || fits;
  bool is_whole = read_body(mine, fits ? take_kept : NULL);
  tell(mine, !is_whole ? "cut off" : fits ? "201" : "409");
  return is_whole &&
         answer(mine, fits ? "201 Created" : "409 Conflict", "", "");
}

static bool tell_length(const connection *mine) {
  const http_server *server = mine->server;
  char text[128];
  tell(mine, server->is_there ? "200" : "404");
  if (!server->is_there)
    return answer(mine, "404 Not Found", "", "");
  snprintf(text, sizeof text,
           "HTTP/1.1 200 OK\r\nContent-Length: %" PRIu64 "\r\n\r\n",
           (uint64_t)server->received);
  return send_text(mine, text);
}

static bool take_message(connection *mine) {
  if (!read_body(mine, NULL))
    return false;
  mine->server->messages++;
  tell(mine, "201");
  return answer(mine, "201 Created", "", "");
}

// /files/NAME
static bool files(connection *mine) {
  pthread_mutex_lock(&mine->server->lock);
  bool is_put = strncmp(mine->head, "PUT ", 4) == 0;
  bool goes_on = is_put ? put(mine) : tell_length(mine);
  pthread_mutex_unlock(&mine->server->lock);
  return goes_on;
}

static bool drip(const connection *mine, const char *what) {
  while (is_ready(mine, POLLOUT)) {
    char byte;
    if (recv(mine->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0 ||
        !send_text(mine, what))
      return false;
    poll(NULL, 0, 5);
  }
  return false;
}

// Says nothing more, until the other side has had enough.
static bool stay_silent(const connection *mine) {
  char byte;
  while (receive(mine, &byte, 1) > 0)
    continue;
  return false;
}

// Whether the connection goes on.
static bool misbehave(connection *mine, const char *path) {
  char chunk[CHUNK_BYTES];
  if (strcmp(path, "/slow") == 0)
    return send_text(mine, "HTTP/1.1 200 OK\r\n\r\n") && drip(mine, "x");
  if (strcmp(path, "/stall") == 0)
    return send_text(mine, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc") &&
           stay_silent(mine);
  if (strcmp(path, "/silent") == 0)
    return stay_silent(mine);
  if (strcmp(path, "/reset") == 0) {
    send_text(mine, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    poll(NULL, 0, 50); // So that the head is read before the reset comes.
    reset(mine);
    return false;
  }
  if (strcmp(path, "/nothing") == 0)
    return false;
  if (strcmp(path, "/garbage") == 0) {
    send_text(mine, "220 smtp.example.com ESMTP\r\n");
    return false;
  }
  if (strcmp(path, "/truncated") == 0) {
    send_text(mine, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
    return false;
  }
  if (strcmp(path, "/lying") == 0) {
    send_text(mine, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n0123456789");
    return false;
  }
  if (strcmp(path, "/bad-length") == 0) {
    send_text(mine, "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n0123456789");
    return false;
  }
  if (strcmp(path, "/bad-chunks") == 0) {
    send_text(mine, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "4\r\nabcd\r\nzz\r\n");
    return false;
  }
  if (strcmp(path, "/bad-gzip") == 0)
    return answer(mine, "200 OK", "Content-Encoding: gzip\r\n", "no gzip");
  if (strcmp(path, "/headers") == 0) {
    memset(chunk, 'x', sizeof chunk);
    memcpy(chunk, "X-A: ", 5);
    memcpy(chunk + 998, "\r\n", 2);
    send_text(mine, "HTTP/1.1 200 OK\r\n");
    while (send_all(mine, chunk, 1000))
      continue;
    return false;
  }
  if (strcmp(path, "/endless") == 0) {
    memset(chunk, 'x', sizeof chunk);
    send_text(mine, "HTTP/1.1 200 OK\r\n\r\n");
    while (send_all(mine, chunk, sizeof chunk))
      continue;
    return false;
  }
  if (strcmp(path, "/loop") == 0)
    return answer(mine, "302 Found", "Location: /loop\r\n", "");
  return answer(mine, "404 Not Found", "", "no such path");
}

static bool redirect(const connection *mine, const char *to) {
  char headers[512];
  snprintf(headers, sizeof headers, "Location: %.400s\r\n", to);
  return answer(mine, "302 Found", headers, "");
}

static bool echo(connection *mine) {
  char text[128];
  char method[16] = "";
  (void)sscanf(mine->head, "%15s", method);
  uint64_t bytes = mine->body_bytes;
  if (!read_body(mine, NULL))
    return false;
  snprintf(text, sizeof text, "%s %" PRIu64, method, bytes);
  return answer(mine, "200 OK", "", text);
}

// One request; whether another may follow.
static bool serve(connection *mine) {
  char path[512] = "";
  const char *length = header(mine, "Content-Length");
  mine->body_bytes = length ? strtoull(length, NULL, 10) : 0;
  (void)sscanf(mine->head, "%*s %511s", path);
  if (strncmp(path, "/echo", 5) == 0)
    return echo(mine);
  mine->is_slow = strcmp(path, "/tus/slow") == 0;
  if (strncmp(path, "/tus", 4) == 0)
    return tus(mine);
  if (strcmp(path, "/note") == 0)
    return note(mine) && answer(mine, "200 OK", "", "noted");
  if (strcmp(path, "/note/silent") == 0)
    return note(mine) && stay_silent(mine);
  if (strncmp(path, "/files/", 7) == 0)
    return files(mine);
  if (strcmp(path, "/messages") == 0)
    return take_message(mine);
  if (strcmp(path, "/deaf") == 0)
    return drip(mine, ""); // It never reads what is sent.
  if (!read_body(mine, NULL))
    return false;
  if (strncmp(path, "/bytes/", 7) == 0)
    return send_bytes(mine, path);
  if (strncmp(path, "/to?", 4) == 0)
    return redirect(mine, path + 4);
  return misbehave(mine, path);
}

static void *run_connection(void *user) {
  connection *mine = user;
  http_server *server = mine->server;
  bool goes_on = true;
  while (goes_on && read_head(mine)) {
    int busy = ++server->busy, most = server->most;
    while (busy > most &&
           !atomic_compare_exchange_weak(&server->most, &most, busy))
      continue;
    goes_on = serve(mine);
    server->answered += goes_on;
    server->busy--;
    memmove(mine->head, mine->head + mine->head_bytes,
            mine->have - mine->head_bytes);
    mine->have -= mine->head_bytes;
  }
  close(mine->fd);
  free(mine);
  server->connections--;
  return NULL;
}

// -- Open and close -----------------------------------------------------------

static void *run_server(void *user) {
  http_server *server = user;
  while (!server->is_closing) {
    struct pollfd wait = {.fd = server->listener, .events = POLLIN};
    if (poll(&wait, 1, 20) <= 0)
      continue;
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    connection *fresh = fd >= 0 ? calloc(1, sizeof *fresh) : NULL;
    pthread_t thread;
    if (fresh == NULL)
      continue;
    fresh->server = server;
    fresh->fd = fd;
    server->connections++;
    if (pthread_create(&thread, NULL, run_connection, fresh) == 0) {
      pthread_detach(thread);
    } else {
      server->connections--;
      close(fd);
      free(fresh);
    }
  }
  return NULL;
}

http_server *http_server_open(void) {
  http_server *server = calloc(1, sizeof *server);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t bytes = sizeof address;
  server->is_exact = true;
  server->file = -1;
  pthread_mutex_init(&server->lock, NULL);
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&server->was_noted, &monotonic);
  pthread_condattr_destroy(&monotonic);
  server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(server->listener, (struct sockaddr *)&address, bytes) != 0 ||
      listen(server->listener, 1024) != 0 ||
      getsockname(server->listener, (struct sockaddr *)&address, &bytes) != 0 ||
      pthread_create(&server->thread, NULL, run_server, server) != 0) {
    perror("http_server");
    exit(1);
  }
  server->port = ntohs(address.sin_port);
  return server;
}

int http_server_port(const http_server *server) {
  return server->port;
}

void http_server_close(http_server *server) {
  server->is_closing = true;
  pthread_join(server->thread, NULL);
  while (server->connections > 0)
    poll(NULL, 0, 1);
  close(server->listener);
  pthread_cond_destroy(&server->was_noted);
  pthread_mutex_destroy(&server->lock);
  free(server);
}

uint64_t http_server_received(http_server *server, bool *is_exact) {
  uint64_t received = server->received;
  *is_exact = server->is_exact;
  return received;
}

uint64_t http_server_taken(const http_server *server) {
  return server->taken;
}

int http_server_messages(const http_server *server) {
  return server->messages;
}

void http_server_forget(http_server *server) {
  pthread_mutex_lock(&server->lock);
  forget(server);
  server->taken = 0;
  server->messages = 0;
  pthread_mutex_unlock(&server->lock);
}

bool http_server_await(http_server *server, const char *text, int wait_ms) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += wait_ms / 1000;
  end.tv_nsec += wait_ms % 1000 * 1000000L;
  if (end.tv_nsec >= 1000000000L) {
    end.tv_sec++;
    end.tv_nsec -= 1000000000L;
  }
  bool has_come, is_late = false;
  pthread_mutex_lock(&server->lock);
  while (!(has_come = strstr(server->notes, text) != NULL) && !is_late)
    is_late =
        pthread_cond_timedwait(&server->was_noted, &server->lock, &end) != 0;
  pthread_mutex_unlock(&server->lock);
  return has_come;
}

void http_server_keep(http_server *server, int file) {
  server->file = file;
}

void http_server_slow(http_server *server, uint64_t rate) {
  int bytes = CHUNK_BYTES; // What has come is not much more than what is taken.
  setsockopt(server->listener, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  server->rate = rate;
}

void http_server_hear(http_server *server, void (*heard)(const char *line)) {
  server->heard = heard;
}

int http_server_answered(http_server *server) {
  while (server->connections > 0)
    poll(NULL, 0, 1);
  return server->answered;
}

int http_server_most(http_server *server) {
  return server->most;
}
