#include "upload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
  const char *name, *method;
  const char *headers[4]; // That it sets itself.
} ways[] = {[FAR_UPLOAD_WHOLE] = {"", "PUT", {NULL}},
            [FAR_UPLOAD_RANGE] = {"range", "PUT", {"content-range", NULL}},
            [FAR_UPLOAD_TUS] = {
                "tus",
                "PATCH",
                {"tus-resumable", "upload-offset", "content-type", NULL}}};

bool far_upload_way_find(const char *name, far_upload_way *way) {
  for (int i = FAR_UPLOAD_RANGE; i <= FAR_UPLOAD_TUS; i++)
    if (strcmp(ways[i].name, name) == 0) {
      *way = (far_upload_way)i;
      return true;
    }
  return false;
}

const char *far_upload_method(far_upload_way way) {
  return ways[way].method;
}

bool far_upload_sets(far_upload_way way, const char *header) {
  for (size_t i = 0; ways[way].headers[i] != NULL; i++)
    if (strcasecmp(ways[way].headers[i], header) == 0)
      return true;
  return false;
}

// -- What is sent -------------------------------------------------------------

static bool add_header(far_transfer *transfer, const char *line) {
  return far_bytes_add(transfer->script, &transfer->headers, line,
                       strlen(line) + 1);
}

static bool add_number(far_transfer *transfer, const char *name,
                       uint64_t number) {
  char line[64];
  snprintf(line, sizeof line, "%s: %" PRIu64, name, number);
  return add_header(transfer, line);
}

// A whole file needs no word about that, and any server takes it.
static bool add_range(const far_upload *upload, far_transfer *transfer,
                      uint64_t bytes) {
  char line[96];
  if (bytes == upload->size)
    return true;
  snprintf(line, sizeof line,
           "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
           upload->have, upload->have + bytes - 1, upload->size);
  return add_header(transfer, line);
}

farside_status far_upload_open(far_upload *upload, far_transfer *transfer) {
  upload->size = transfer->send_bytes;
  upload->headers_before = transfer->headers.used;
  transfer->opening = "HEAD";
  transfer->has_body = false;
  transfer->send_bytes = 0;
  transfer->wants_plain = true; // The length of the thing itself.
  bool is_fine = upload->way != FAR_UPLOAD_TUS ||
                 add_header(transfer, "Tus-Resumable: 1.0.0");
  return is_fine ? FARSIDE_OK : FARSIDE_NOMEM;
}

// Makes a hop of what is left, or of a part of it.
static bool send_part(const far_upload *upload, far_transfer *transfer) {
  uint64_t left = upload->size - upload->have;
  uint64_t bytes = left < upload->part_bytes ? left : upload->part_bytes;
  transfer->has_body = true;
  transfer->in_offset = upload->have;
  transfer->send_bytes = bytes;
  transfer->headers.used = upload->headers_before;
  bool is_fine =
      far_transfer_set_method(transfer, far_upload_method(upload->way));
  if (upload->way == FAR_UPLOAD_RANGE)
    is_fine = is_fine && add_range(upload, transfer, bytes);
  else
    is_fine =
        is_fine && add_header(transfer, "Tus-Resumable: 1.0.0") &&
        add_number(transfer, "Upload-Offset", upload->have) &&
        add_header(transfer, "Content-Type: application/offset+octet-stream");
  if (!is_fine)
    far_transfer_fail(transfer, FARSIDE_NOMEM, "%s",
                      farside_status_text(FARSIDE_NOMEM));
  return is_fine;
}

// -- What the server has ------------------------------------------------------

// The number of a header; FAR_NEVER where there is none.
static uint64_t number_of(const far_transfer *transfer, const char *header) {
  const char *text = far_transfer_header(transfer, header);
  char *end;
  if (text == NULL || *text < '0' || *text > '9')
    return FAR_NEVER;
  uint64_t number = strtoull(text, &end, 10);
  return *end == '\0' ? number : FAR_NEVER;
}

static bool refuse(far_transfer *transfer, const char *why) {
  far_transfer_fail_at(transfer, FARSIDE_INVALID, FAR_PHASE_RECEIVE, why);
  return false;
}

// Takes the server's word; false when it cannot be.
static bool set_have(far_upload *upload, far_transfer *transfer,
                     uint64_t have) {
  char why[128];
  snprintf(why, sizeof why,
           "the server has %" PRIu64 " bytes, and the file %" PRIu64
           ": that is another one",
           have, upload->size);
  if (have > upload->size)
    return refuse(transfer, why);
  upload->have = have;
  return true;
}

// What HEAD tells. False: nothing more is to be sent.
static bool learn_range(far_upload *upload, far_transfer *transfer) {
  if (transfer->code == 404 || transfer->code == 410)
    return true; // Nothing is there yet.
  if (transfer->code / 100 != 2)
    return false;
  uint64_t have = number_of(transfer, "content-length");
  if (have == FAR_NEVER)
    return true; // It does not say: all is sent.
  return set_have(upload, transfer, have) && have < upload->size;
}

static bool learn_tus(far_upload *upload, far_transfer *transfer) {
  if (transfer->code / 100 != 2)
    return false;
  uint64_t have = number_of(transfer, "upload-offset");
  if (have == FAR_NEVER)
    return refuse(transfer, "the server does not say how much it has: it does "
                            "not know tus");
  return set_have(upload, transfer, have) && have < upload->size;
}

// A part was taken. What the server says of it by tus is more than we know.
static bool count_part(far_upload *upload, far_transfer *transfer) {
  uint64_t have = upload->have + transfer->send_bytes;
  if (transfer->code / 100 != 2)
    return false;
  if (upload->way == FAR_UPLOAD_TUS) {
    uint64_t said = number_of(transfer, "upload-offset");
    if (said == FAR_NEVER || said <= upload->have)
      return refuse(transfer, "the server has taken nothing of what was sent");
    have = said;
  }
  return set_have(upload, transfer, have) && have < upload->size;
}

bool far_upload_goes_on(far_upload *upload, far_transfer *transfer) {
  if (upload->way == FAR_UPLOAD_WHOLE)
    return false;
  if (transfer->in_fd < 0)
    return false; // A redirect made a GET of it.
  if (upload->has_asked) {
    transfer->sent_before += transfer->sent;
    transfer->sent = 0;
    if (!count_part(upload, transfer))
      return false;
  } else {
    upload->has_asked = true;
    bool is_tus = upload->way == FAR_UPLOAD_TUS;
    if (!(is_tus ? learn_tus : learn_range)(upload, transfer))
      return false;
  }
  return send_part(upload, transfer);
}
