#include "transfer.h"

#include "host.h"
#include "http.h"
#include "manifest.h"
#include "place.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
  // More of an answer that nobody reads is cut off with its connection.
  LEAVING_BYTES_MAX = 256 * 1024,
  BYTES_LEAST = 256
};

static farside_host *host_of(const far_transfer *transfer) {
  return transfer->script->host;
}

static far_transfers *all_of(const far_transfer *transfer) {
  return &host_of(transfer)->transfers;
}

static uint64_t now_ms(const far_transfer *transfer) {
  return far_host_now_ms(host_of(transfer));
}

// -- Bytes that grow ----------------------------------------------------------

static bool bytes_reserve(far_script *script, far_bytes *bytes, size_t more) {
  size_t room = bytes->room ? bytes->room : BYTES_LEAST;
  while (room - bytes->used < more) {
    if (room > SIZE_MAX / 2)
      return false;
    room *= 2;
  }
  if (room == bytes->room)
    return true;
  char *data = far_script_new(script, room);
  if (data == NULL)
    return false;
  if (bytes->used > 0)
    memcpy(data, bytes->data, bytes->used);
  far_script_free(script, bytes->data, bytes->room);
  bytes->data = data;
  bytes->room = room;
  return true;
}

bool far_bytes_add(far_script *script, far_bytes *bytes, const void *data,
                   size_t count) {
  if (count > 0 && !bytes_reserve(script, bytes, count))
    return false;
  if (count > 0)
    memcpy(bytes->data + bytes->used, data, count);
  bytes->used += count;
  return true;
}

void far_bytes_free(far_script *script, far_bytes *bytes) {
  far_script_free(script, bytes->data, bytes->room);
  *bytes = (far_bytes){0};
}

static char *text_new(far_script *script, const char *text) {
  size_t bytes = strlen(text) + 1;
  char *copy = far_script_new(script, bytes);
  if (copy != NULL)
    memcpy(copy, text, bytes);
  return copy;
}

static void text_free(far_script *script, char *text) {
  if (text != NULL)
    far_script_free(script, text, strlen(text) + 1);
}

// -- What is said of it -------------------------------------------------------

void far_transfer_fail(far_transfer *transfer, farside_status status,
                       const char *format, ...) {
  if (transfer->status != FARSIDE_OK)
    return;
  va_list args;
  va_start(args, format);
  vsnprintf(transfer->cause, sizeof transfer->cause, format, args);
  va_end(args);
  transfer->status = status;
}

void far_transfer_fail_at(far_transfer *transfer, farside_status status,
                          far_phase phase, const char *cause) {
  static const char *const names[] = {"queue", "resolve", "connect", "tls",
                                      "send",  "wait",    "receive"};
  char place[FAR_PLACE_NAME_BYTES];
  far_url_print_host(&transfer->url, place, sizeof place);
  far_transfer_fail(transfer, status, "%s %s: %s", names[phase], place, cause);
}

static void note(far_transfer *transfer, far_what what, farside_level level,
                 const char *why) {
  far_host_note(host_of(transfer), what, level, transfer->script,
                transfer->job ? &transfer->job->task : NULL, why);
}

static void note_begin(far_transfer *transfer, const char *method) {
  char url[256], why[300];
  far_url_print(&transfer->url, url, sizeof url);
  snprintf(why, sizeof why, "%s %s", method, url);
  note(transfer, FAR_WHAT_HTTP_BEGIN, FARSIDE_INFO, why);
}

static void note_end(far_transfer *transfer) {
  char why[FAR_CAUSE_BYTES + 160], bytes[96];
  double took_s = (double)(now_ms(transfer) - transfer->begun_ms) / 1000;
  snprintf(bytes, sizeof bytes,
           "%" PRIu64 " bytes sent, %" PRIu64 " received in %.3f s",
           transfer->sent_before + transfer->sent, transfer->received, took_s);
  bool is_fine = transfer->status == FARSIDE_OK;
  if (is_fine)
    snprintf(why, sizeof why, "%d: %s", transfer->code, bytes);
  else
    snprintf(why, sizeof why, "%s (%s)", transfer->cause, bytes);
  note(transfer, FAR_WHAT_HTTP_END, FARSIDE_INFO, why);
}

// -- Permission ---------------------------------------------------------------

farside_status far_transfer_check(const far_script *script, const far_url *url,
                                  unsigned *places, char *error, size_t bytes) {
  *places = FAR_PLACES_ALL;
  if (script->is_trusted || script->manifest == NULL)
    return FARSIDE_OK;
  *places = 0;
  const char *const *granted = script->manifest->said.needs.http;
  for (; granted != NULL && *granted != NULL; granted++) {
    far_pattern pattern;
    if (far_pattern_read(*granted, &pattern) == NULL &&
        far_pattern_covers(&pattern, &url->parts))
      *places |= far_places_named(&pattern);
  }
  if (*places != 0)
    return FARSIDE_OK;
  char place[FAR_PLACE_NAME_BYTES], shown[256];
  far_url_print_host(url, place, sizeof place);
  far_url_print(url, shown, sizeof shown);
  snprintf(error, bytes,
           "the script may not talk to %s (to grant it: --grant "
           "'http=http%s://%s/*')",
           shown, url->parts.is_https ? "s" : "", place);
  return FARSIDE_DENIED;
}

// -- Begin and end ------------------------------------------------------------

void far_transfers_init(far_transfers *transfers) {
  far_list_init(&transfers->open);
  far_list_init(&transfers->waiting);
}

void far_transfers_close(far_transfers *transfers) {
  if (transfers->carrier != NULL)
    transfers->carrier->close(transfers->carrier);
  transfers->carrier = NULL;
}

// When somebody has to look at it, if nothing happens before.
static uint64_t deadline_ms(const far_transfer *transfer) {
  uint64_t whole = transfer->timeout_ms, quiet = FAR_NEVER, since = 0;
  if (transfer->phase > FAR_PHASE_TLS) {
    quiet = transfer->stall_ms;
    since = transfer->active_ms;
  } else if (transfer->phase > FAR_PHASE_QUEUE) {
    quiet = transfer->connect_ms;
    since = transfer->hop_ms;
  }
  if (whole != FAR_NEVER)
    whole += transfer->begun_ms;
  if (quiet != FAR_NEVER)
    quiet += since;
  return whole < quiet ? whole : quiet;
}

static void watch(far_transfer *transfer) {
  uint64_t next_ms = deadline_ms(transfer);
  if (next_ms != FAR_NEVER || transfer->timer.place != 0)
    far_timer_start(&host_of(transfer)->timers, &transfer->timer, next_ms);
}

// Takes it from whoever carries it.
static void detach(far_transfer *transfer) {
  farside_host *host = host_of(transfer);
  if (!far_list_is_in(&transfer->link))
    return;
  far_list_leave(&transfer->link);
  far_timer_stop(&host->timers, &transfer->timer);
  if (!transfer->is_open)
    return;
  transfer->is_open = false;
  host->transfers.count--;
  if (transfer->hop != NULL)
    host->transfers.carrier->cancel(host->transfers.carrier, transfer);
}

static void go(farside_host *host);

static void finish(far_transfer *transfer) {
  farside_host *host = host_of(transfer);
  detach(transfer);
  note_end(transfer);
  transfer->ended(transfer);
  go(host);
}

static void give_up(far_timer *timer, uint64_t now) {
  far_transfer *transfer = far_list_item(timer, far_transfer, timer);
  char cause[96];
  if (deadline_ms(transfer) > now) {
    watch(transfer); // Something has happened in between.
    return;
  }
  bool is_whole = transfer->timeout_ms != FAR_NEVER &&
                  transfer->begun_ms + transfer->timeout_ms <= now;
  if (is_whole)
    snprintf(cause, sizeof cause, "it was not done within %.3f s",
             (double)transfer->timeout_ms / 1000);
  else if (transfer->phase > FAR_PHASE_TLS)
    snprintf(cause, sizeof cause, "nothing moved for %.3f s",
             (double)transfer->stall_ms / 1000);
  else
    snprintf(cause, sizeof cause, "there was no connection within %.3f s",
             (double)transfer->connect_ms / 1000);
  far_transfer_fail_at(transfer, FARSIDE_TIMEOUT, transfer->phase, cause);
  finish(transfer);
}

// Begins a hop. What has failed by then ends as if it had failed later.
static void begin_hop(far_transfer *transfer) {
  far_carrier *carrier = all_of(transfer)->carrier;
  transfer->phase = FAR_PHASE_RESOLVE;
  transfer->hop_ms = transfer->active_ms = now_ms(transfer);
  transfer->sent = transfer->received = 0;
  transfer->expected = FAR_NEVER;
  transfer->code = 0;
  transfer->answer_headers.used = transfer->head_bytes = 0;
  transfer->answer.used = 0;
  transfer->has_head = transfer->is_leaving = false;
  watch(transfer);
  farside_status status = carrier->begin(carrier, transfer);
  if (status == FARSIDE_OK)
    return;
  far_transfer_fail(transfer, status, "%s", farside_status_text(status));
  finish(transfer);
}

static size_t count_open(const far_transfers *all, const far_script *script) {
  size_t count = 0;
  for (const far_list *link = all->open.next; link != &all->open;
       link = link->next)
    count += far_list_item(link, far_transfer, link)->script == script;
  return count;
}

static far_transfer *next_waiting(const far_transfers *all) {
  if (all->count >= FAR_TRANSFERS_OPEN_MAX)
    return NULL;
  // Those behind one that must wait mostly are of the same script.
  const far_script *full = NULL;
  for (const far_list *link = all->waiting.next; link != &all->waiting;
       link = link->next) {
    far_transfer *transfer = far_list_item(link, far_transfer, link);
    if (transfer->script == full)
      continue;
    if (count_open(all, transfer->script) < FAR_TRANSFERS_SCRIPT_MAX)
      return transfer;
    full = transfer->script;
  }
  return NULL;
}

// Begins what waits, as far as there is room.
static void go(farside_host *host) {
  far_transfers *all = &host->transfers;
  if (all->is_going)
    return; // One that has failed at once: whoever began it goes on.
  all->is_going = true;
  for (far_transfer *next; (next = next_waiting(all)) != NULL;) {
    far_list_leave(&next->link);
    far_list_append(&all->open, &next->link);
    next->is_open = true;
    all->count++;
    begin_hop(next);
  }
  all->is_going = false;
}

static farside_status find_carrier(far_transfer *transfer) {
  far_transfers *all = all_of(transfer);
  farside_status status = FARSIDE_OK;
  const char *why = all->refusal;
  if (why != NULL)
    status = FARSIDE_UNSUPPORTED;
  else if (all->carrier == NULL)
    status = far_http_open(host_of(transfer), &all->carrier, &why);
  if (status != FARSIDE_OK)
    far_transfer_fail(transfer, status, "%s",
                      why ? why : farside_status_text(status));
  return status;
}

bool far_transfer_set_method(far_transfer *transfer, const char *method) {
  char *fresh = text_new(transfer->script, method);
  if (fresh == NULL)
    return false;
  text_free(transfer->script, transfer->method);
  transfer->method = fresh;
  return true;
}

static bool set_url(far_transfer *transfer, const far_url *url) {
  char *text = text_new(transfer->script, url->text);
  if (text == NULL)
    return false;
  text_free(transfer->script, (char *)transfer->url.text);
  transfer->url.text = text;
  return far_pattern_read(text, &transfer->url.parts) == NULL;
}

farside_status far_transfer_begin(far_transfer *transfer, const char *method,
                                  const far_url *url) {
  farside_host *host = host_of(transfer);
  farside_status status =
      far_transfer_check(transfer->script, url, &transfer->places,
                         transfer->cause, sizeof transfer->cause);
  if (status == FARSIDE_OK)
    status = find_carrier(transfer);
  if (status != FARSIDE_OK)
    return status;
  const char *first = transfer->opening ? transfer->opening : method;
  if (!far_transfer_set_method(transfer, first) || !set_url(transfer, url) ||
      far_timer_init(&host->timers, &transfer->timer, FAR_TIMER_HOST,
                     give_up) != FARSIDE_OK) {
    far_transfer_fail(transfer, FARSIDE_NOMEM, "%s",
                      farside_status_text(FARSIDE_NOMEM));
    return FARSIDE_NOMEM;
  }
  transfer->job = transfer->script->job;
  transfer->begun_ms = now_ms(transfer);
  transfer->expected = FAR_NEVER;
  far_list_append(&host->transfers.waiting, &transfer->link);
  note_begin(transfer, method);
  watch(transfer);
  go(host);
  return FARSIDE_OK;
}

void far_transfer_cancel(far_transfer *transfer) {
  if (!far_list_is_in(&transfer->link))
    return;
  detach(transfer);
  far_transfer_fail(transfer, FARSIDE_INTERRUPTED,
                    "it was cancelled with its task");
  note_end(transfer);
  go(host_of(transfer));
}

void far_transfer_interrupt(far_transfer *transfer, const char *why) {
  if (!far_list_is_in(&transfer->link))
    return;
  far_transfer_fail_at(transfer, FARSIDE_INTERRUPTED, transfer->phase, why);
  finish(transfer);
}

static void close_file(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

void far_transfer_deinit(far_transfer *transfer) {
  far_script *script = transfer->script;
  far_transfer_cancel(transfer);
  far_timer_deinit(&host_of(transfer)->timers, &transfer->timer);
  close_file(&transfer->in_fd);
  text_free(script, transfer->method);
  text_free(script, (char *)transfer->url.text);
  transfer->method = NULL;
  transfer->url.text = NULL;
  far_bytes_free(script, &transfer->headers);
  far_bytes_free(script, &transfer->body);
  far_bytes_free(script, &transfer->answer_headers);
  far_bytes_free(script, &transfer->answer);
}

// Nothing begins while this goes on: those that wait end first.
void far_transfers_suspend(farside_host *host) {
  far_transfers *all = &host->transfers;
  far_list *const lists[] = {&all->waiting, &all->open};
  for (size_t i = 0; i < 2; i++)
    while (!far_list_is_empty(lists[i])) {
      far_transfer *transfer =
          far_list_item(lists[i]->next, far_transfer, link);
      char url[256];
      far_url_print(&transfer->url, url, sizeof url);
      far_whom whom = {.script = transfer->script->name,
                       .task = transfer->job ? &transfer->job->task : NULL};
      if (transfer->is_open)
        far_audit_kept(host->audit, &whom, url, far_host_now_ms(host));
      far_transfer_interrupt(transfer, "the app was suspended");
    }
  if (all->carrier != NULL)
    all->carrier->rest(all->carrier);
}

// -- The head of the answer ---------------------------------------------------

const char *far_transfer_header(const far_transfer *transfer,
                                const char *name) {
  const char *at = transfer->answer_headers.data;
  const char *end = at ? at + transfer->answer_headers.used : NULL;
  const char *found = NULL;
  while (at < end) {
    const char *value = at + strlen(at) + 1;
    if (strcmp(at, name) == 0)
      found = value;
    at = value + strlen(value) + 1;
  }
  return found;
}

static bool is_redirect(const far_transfer *transfer) {
  static const int codes[] = {301, 302, 303, 307, 308};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (codes[i] == transfer->code)
      return transfer->redirects_max > 0 &&
             far_transfer_header(transfer, "location") != NULL;
  return false;
}

static void read_length(far_transfer *transfer) {
  const char *text = far_transfer_header(transfer, "content-length");
  if (text == NULL || far_transfer_header(transfer, "content-encoding") != NULL)
    return;
  char *end;
  errno = 0;
  uint64_t bytes = strtoull(text, &end, 10);
  if (errno == 0 && *end == '\0' && *text >= '0' && *text <= '9')
    transfer->expected = bytes;
}

// The empty line has come.
static bool end_head(far_transfer *transfer) {
  if (transfer->code / 100 == 1)
    return true; // "Go on": the real one follows.
  transfer->has_head = true;
  transfer->is_leaving = is_redirect(transfer);
  read_length(transfer);
  return transfer->is_leaving || transfer->arrived == NULL ||
         transfer->arrived(transfer);
}

static bool add_header(far_transfer *transfer, const char *line, size_t bytes) {
  const char *colon = memchr(line, ':', bytes);
  if (colon == NULL || colon == line)
    return true; // Nothing that anybody could ask for.
  far_bytes *all = &transfer->answer_headers;
  size_t name = (size_t)(colon - line), from = name + 1;
  while (from < bytes && (line[from] == ' ' || line[from] == '\t'))
    from++;
  bool is_added =
      far_bytes_add(transfer->script, all, line, name) &&
      far_bytes_add(transfer->script, all, "", 1) &&
      far_bytes_add(transfer->script, all, line + from, bytes - from) &&
      far_bytes_add(transfer->script, all, "", 1);
  if (!is_added) {
    far_transfer_fail(transfer, FARSIDE_NOMEM,
                      "the headers are more than the script has memory for");
    return false;
  }
  char *begin = all->data + all->used - (bytes - from) - name - 2;
  for (char *c = begin; *c != '\0'; c++)
    if (*c >= 'A' && *c <= 'Z')
      *c = (char)(*c - 'A' + 'a');
  return true;
}

bool far_transfer_take_line(far_transfer *transfer, const char *line,
                            size_t bytes) {
  transfer->active_ms = now_ms(transfer);
  far_transfer_reached(transfer, FAR_PHASE_RECEIVE);
  transfer->head_bytes += bytes;
  if (transfer->head_bytes > FAR_HEADERS_BYTES_MAX) {
    far_transfer_fail_at(transfer, FARSIDE_LIMIT, FAR_PHASE_RECEIVE,
                         "the headers are larger than 256 KiB");
    return false;
  }
  while (bytes > 0 && (line[bytes - 1] == '\r' || line[bytes - 1] == '\n' ||
                       line[bytes - 1] == ' '))
    bytes--;
  if (transfer->has_head)
    return true; // What comes behind the body.
  if (bytes == 0)
    return end_head(transfer);
  if (bytes >= 5 && strncmp(line, "HTTP/", 5) == 0) {
    char text[32];
    snprintf(text, sizeof text, "%.*s", (int)bytes, line);
    transfer->answer_headers.used = 0;
    transfer->code = atoi(text + strcspn(text, " "));
    return true;
  }
  // Zeros end a text in C: nobody sees a header that has one.
  return memchr(line, 0, bytes) != NULL || add_header(transfer, line, bytes);
}

// -- Bodies -------------------------------------------------------------------

void far_transfer_reached(far_transfer *transfer, far_phase phase) {
  if (phase <= transfer->phase)
    return;
  bool is_connected = transfer->phase <= FAR_PHASE_TLS && phase > FAR_PHASE_TLS;
  transfer->phase = phase;
  transfer->active_ms = now_ms(transfer);
  if (is_connected)
    watch(transfer);
}

static void moved(far_transfer *transfer) {
  transfer->active_ms = now_ms(transfer);
  if (transfer->progressed != NULL)
    transfer->progressed(transfer);
}

static bool write_file(far_transfer *transfer, const char *data, size_t bytes) {
  uint64_t offset = transfer->out_offset + transfer->received;
  while (bytes > 0) {
    ssize_t written = pwrite(transfer->out_fd, data, bytes, (off_t)offset);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0) {
      far_transfer_fail(transfer, FARSIDE_SYSTEM,
                        "the file cannot be written: %s",
                        written < 0 ? strerror(errno) : "no room");
      return false;
    }
    data += written;
    offset += (uint64_t)written;
    bytes -= (size_t)written;
  }
  return true;
}

static bool keep(far_transfer *transfer, const char *data, size_t bytes) {
  if (transfer->answer.used + (uint64_t)bytes > transfer->answer_bytes_max) {
    far_transfer_fail(transfer, FARSIDE_LIMIT,
                      "the answer is larger than %" PRIu64
                      " bytes: download it to a file, or set maxBytes",
                      transfer->answer_bytes_max);
    return false;
  }
  if (far_bytes_add(transfer->script, &transfer->answer, data, bytes))
    return true;
  far_transfer_fail(transfer, FARSIDE_NOMEM,
                    "the answer is more than the script has memory for");
  return false;
}

bool far_transfer_take(far_transfer *transfer, const char *data, size_t bytes) {
  far_transfer_reached(transfer, FAR_PHASE_RECEIVE);
  bool is_taken = true;
  if (transfer->is_leaving)
    is_taken = transfer->received + bytes <= LEAVING_BYTES_MAX;
  else if (transfer->out_fd >= 0)
    is_taken = write_file(transfer, data, bytes);
  else
    is_taken = keep(transfer, data, bytes);
  if (!is_taken)
    return false;
  transfer->received += bytes;
  moved(transfer);
  return true;
}

static ptrdiff_t read_file(far_transfer *transfer, char *data, size_t bytes) {
  ssize_t count;
  do
    count = pread(transfer->in_fd, data, bytes,
                  (off_t)(transfer->in_offset + transfer->sent));
  while (count < 0 && errno == EINTR);
  if (count > 0)
    return count;
  far_transfer_fail(transfer, FARSIDE_SYSTEM, "the file cannot be read: %s",
                    count < 0 ? strerror(errno) : "it has become shorter");
  return -1;
}

ptrdiff_t far_transfer_give(far_transfer *transfer, char *data, size_t bytes) {
  far_transfer_reached(transfer, FAR_PHASE_SEND);
  uint64_t left = transfer->send_bytes - transfer->sent;
  if (bytes > left)
    bytes = (size_t)left;
  ptrdiff_t count = (ptrdiff_t)bytes;
  if (bytes > 0 && transfer->in_fd >= 0)
    count = read_file(transfer, data, bytes);
  else if (bytes > 0)
    memcpy(data, transfer->body.data + transfer->sent, bytes);
  if (count > 0) {
    transfer->sent += (uint64_t)count;
    moved(transfer);
  }
  if (count >= 0 && transfer->sent == transfer->send_bytes)
    far_transfer_reached(transfer, FAR_PHASE_WAIT);
  return count;
}

void far_transfer_rewind(far_transfer *transfer, uint64_t offset) {
  transfer->sent = offset;
}

bool far_transfer_hides(const far_transfer *transfer, const char *header) {
  static const char *const secrets[] = {"authorization:", "cookie:"};
  for (size_t i = 0; i < 2 && transfer->is_elsewhere; i++)
    if (strncasecmp(header, secrets[i], strlen(secrets[i])) == 0)
      return true;
  return false;
}

// -- From hop to hop ----------------------------------------------------------

static void drop_body(far_transfer *transfer) {
  transfer->has_body = false;
  transfer->send_bytes = 0;
  far_bytes_free(transfer->script, &transfer->body);
  close_file(&transfer->in_fd);
}

// As browsers do: what was posted is not posted again, unless the server says
// that it should be.
static bool change_method(far_transfer *transfer) {
  bool is_post = strcmp(transfer->method, "POST") == 0;
  bool is_read = strcmp(transfer->method, "GET") == 0 ||
                 strcmp(transfer->method, "HEAD") == 0;
  if (transfer->code >= 307 || is_read || (transfer->code != 303 && !is_post))
    return true;
  drop_body(transfer);
  return far_transfer_set_method(transfer, "GET");
}

static void follow(far_transfer *transfer) {
  const char *location = far_transfer_header(transfer, "location");
  char room[FAR_URL_BYTES], why[FAR_CAUSE_BYTES];
  far_url next;
  if (++transfer->redirects > transfer->redirects_max) {
    far_transfer_fail_at(transfer, FARSIDE_LIMIT, FAR_PHASE_RECEIVE,
                         "it was sent elsewhere again and again");
    return;
  }
  const char *fault = far_url_follow(&transfer->url, location, room, &next);
  if (fault != NULL) {
    snprintf(why, sizeof why, "the redirect to '%.200s' is no way to go: %s",
             location, fault);
    far_transfer_fail_at(transfer, FARSIDE_NETWORK, FAR_PHASE_RECEIVE, why);
    return;
  }
  farside_status status = far_transfer_check(
      transfer->script, &next, &transfer->places, why, sizeof why);
  if (status != FARSIDE_OK) {
    far_transfer_fail(transfer, status, "it was sent elsewhere: %s", why);
    return;
  }
  transfer->is_elsewhere =
      transfer->is_elsewhere || !far_url_is_same_origin(&transfer->url, &next);
  if (!change_method(transfer) || !set_url(transfer, &next))
    far_transfer_fail(transfer, FARSIDE_NOMEM, "%s",
                      farside_status_text(FARSIDE_NOMEM));
}

// Whether another hop follows.
static bool goes_on(far_transfer *transfer) {
  if (transfer->status != FARSIDE_OK)
    return false;
  if (transfer->is_leaving)
    follow(transfer);
  else if (transfer->answered == NULL || !transfer->answered(transfer))
    return false;
  return transfer->status == FARSIDE_OK;
}

void far_transfer_ended(far_transfer *transfer) {
  if (goes_on(transfer))
    begin_hop(transfer);
  else
    finish(transfer);
}
