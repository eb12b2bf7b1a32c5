#include "outbox.h"

#include "host.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  BYTES_MAX = 4 * 1024 * 1024,
  LOST_BYTES = 64 // Of the text about it.
};

struct far_text {
  far_text *next;
  char *text;
  size_t length;
};

farside_status far_outbox_init(far_outbox *outbox, size_t bytes_max) {
  outbox->pipe[0] = outbox->pipe[1] = -1;
  outbox->bytes_max = bytes_max ? bytes_max : BYTES_MAX;
  outbox->has_mutex = pthread_mutex_init(&outbox->mutex, NULL) == 0;
  return outbox->has_mutex ? FARSIDE_OK : FARSIDE_SYSTEM;
}

static void drop_first(far_outbox *outbox) {
  far_text *gone = outbox->first;
  outbox->first = gone->next;
  if (outbox->first == NULL)
    outbox->last = NULL;
  outbox->bytes -= gone->length;
  free(gone->text);
  free(gone);
}

void far_outbox_deinit(far_outbox *outbox) {
  if (!outbox->has_mutex)
    return;
  while (outbox->first != NULL)
    drop_first(outbox);
  for (int i = 0; i < 2; i++)
    if (outbox->pipe[i] >= 0)
      close(outbox->pipe[i]);
  pthread_mutex_destroy(&outbox->mutex);
  outbox->has_mutex = false;
}

// -- The pipe -----------------------------------------------------------------

static bool has_reason(const far_outbox *outbox) {
  return outbox->first != NULL || outbox->lost > 0 ||
         (outbox->wants_tick && !outbox->is_threaded);
}

// One byte is in the pipe while there is a reason. Neither side ever waits.
static void settle(far_outbox *outbox) {
  char byte = 0;
  if (outbox->pipe[0] < 0 || has_reason(outbox) == outbox->is_readable)
    return;
  ssize_t count = outbox->is_readable ? read(outbox->pipe[0], &byte, 1)
                                      : write(outbox->pipe[1], &byte, 1);
  if (count == 1)
    outbox->is_readable = !outbox->is_readable;
}

static bool make_ready(int fd) {
  return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
         fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

static void open_pipe(far_outbox *outbox) {
  int fresh[2];
  if (pipe(fresh) != 0)
    return;
  if (!make_ready(fresh[0]) || !make_ready(fresh[1])) {
    close(fresh[0]);
    close(fresh[1]);
    return;
  }
  outbox->pipe[0] = fresh[0];
  outbox->pipe[1] = fresh[1];
}

int farside_wake_fd(farside_host *host) {
  far_outbox *outbox = &host->outbox;
  pthread_mutex_lock(&outbox->mutex);
  if (outbox->pipe[0] < 0)
    open_pipe(outbox);
  settle(outbox);
  int fd = outbox->pipe[0];
  pthread_mutex_unlock(&outbox->mutex);
  return fd;
}

void far_outbox_want_tick(far_outbox *outbox, bool wants) {
  pthread_mutex_lock(&outbox->mutex);
  outbox->wants_tick = wants;
  settle(outbox);
  pthread_mutex_unlock(&outbox->mutex);
}

void far_outbox_go_threaded(far_outbox *outbox) {
  pthread_mutex_lock(&outbox->mutex);
  outbox->is_threaded = true;
  settle(outbox);
  pthread_mutex_unlock(&outbox->mutex);
}

// -- In and out ---------------------------------------------------------------

static void append(far_outbox *outbox, far_text *fresh) {
  if (outbox->last != NULL)
    outbox->last->next = fresh;
  else
    outbox->first = fresh;
  outbox->last = fresh;
  outbox->bytes += fresh->length;
}

static far_text *text_new(char *text) {
  far_text *fresh = text ? malloc(sizeof *fresh) : NULL;
  if (fresh != NULL)
    *fresh = (far_text){.text = text, .length = strlen(text)};
  else
    free(text);
  return fresh;
}

static farside_status put(far_outbox *outbox, char *text, bool may_be_lost) {
  farside_status status = FARSIDE_OK;
  far_text *fresh = text_new(text);
  pthread_mutex_lock(&outbox->mutex);
  if (fresh == NULL)
    status = FARSIDE_NOMEM;
  else if (fresh->length > outbox->bytes_max - outbox->bytes)
    status = FARSIDE_LIMIT;
  else
    append(outbox, fresh);
  outbox->lost += status != FARSIDE_OK && may_be_lost;
  settle(outbox);
  pthread_mutex_unlock(&outbox->mutex);
  if (status == FARSIDE_LIMIT) {
    free(fresh->text);
    free(fresh);
  }
  return status;
}

farside_status far_outbox_put(far_outbox *outbox, char *text) {
  return put(outbox, text, false);
}

void far_outbox_put_entry(far_outbox *outbox, char *text) {
  put(outbox, text, true);
}

void far_outbox_end(far_outbox *outbox) {
  if (!outbox->has_mutex)
    return;
  far_text *fresh = text_new(strdup("{\"event\":\"ended\"}"));
  if (fresh == NULL)
    return;
  pthread_mutex_lock(&outbox->mutex); // However full it is.
  append(outbox, fresh);
  settle(outbox);
  pthread_mutex_unlock(&outbox->mutex);
}

// What was lost is told before what came after it is.
static size_t take_lost(far_outbox *outbox, char *buffer, size_t bytes) {
  char text[LOST_BYTES];
  int length =
      snprintf(text, sizeof text, "{\"event\":\"lost\",\"count\":%llu}",
               (unsigned long long)outbox->lost);
  if ((size_t)length < bytes) {
    memcpy(buffer, text, (size_t)length + 1);
    outbox->lost = 0;
  }
  return (size_t)length;
}

static size_t take_text(far_outbox *outbox, char *buffer, size_t bytes) {
  size_t length = outbox->first->length;
  if (length < bytes) {
    memcpy(buffer, outbox->first->text, length + 1);
    drop_first(outbox);
  }
  return length;
}

size_t farside_poll(farside_host *host, char *buffer, size_t bytes) {
  far_outbox *outbox = &host->outbox;
  size_t length = 0;
  pthread_mutex_lock(&outbox->mutex);
  if (outbox->lost > 0)
    length = take_lost(outbox, buffer, bytes);
  else if (outbox->first != NULL)
    length = take_text(outbox, buffer, bytes);
  settle(outbox);
  pthread_mutex_unlock(&outbox->mutex);
  return length;
}
