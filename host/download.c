#include "download.h"

#include "host.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAG_BYTES = 256, NAME_BYTES = FAR_FILE_NAME_BYTES_MAX + 16 };

static void name_of(const far_download *download, const char *suffix,
                    char *name) {
  snprintf(name, NAME_BYTES, "%s%s", download->name, suffix);
}

// -- What the server called it ------------------------------------------------

// Empty when it is not known.
static void read_tag(const far_download *download, far_script *script,
                     char *tag) {
  char name[NAME_BYTES];
  int fd;
  tag[0] = '\0';
  name_of(download, ".part-tag", name);
  if (far_file_open(script, name, FAR_FILE_READ, &fd) != FARSIDE_OK)
    return;
  ssize_t bytes = read(fd, tag, TAG_BYTES - 1);
  close(fd);
  tag[bytes > 0 ? bytes : 0] = '\0';
  for (const char *c = tag; *c != '\0'; c++)
    if (*c < ' ' || *c > '~')
      tag[0] = '\0'; // No header of any server's.
}

static void remove_tag(const far_download *download, far_script *script) {
  char name[NAME_BYTES];
  name_of(download, ".part-tag", name);
  (void)far_file_remove(script, name);
}

// A weak tag is the same for bytes that are not.
static const char *tag_of(const far_transfer *transfer) {
  const char *tag = far_transfer_header(transfer, "etag");
  if (tag != NULL && *tag == '"' && strlen(tag) < TAG_BYTES)
    return tag;
  tag = far_transfer_header(transfer, "last-modified");
  return tag != NULL && strlen(tag) < TAG_BYTES ? tag : NULL;
}

// Without one nobody can go on later, and that is all.
static void write_tag(const far_download *download, far_transfer *transfer) {
  char name[NAME_BYTES];
  const char *tag = tag_of(transfer);
  int fd;
  remove_tag(download, transfer->script);
  name_of(download, ".part-tag", name);
  if (tag == NULL ||
      far_file_open(transfer->script, name, FAR_FILE_WRITE, &fd) != FARSIDE_OK)
    return;
  ssize_t bytes = (ssize_t)strlen(tag);
  if (write(fd, tag, (size_t)bytes) != bytes)
    remove_tag(download, transfer->script);
  close(fd);
}

// -- The part -----------------------------------------------------------------

static bool ask_for_rest(far_download *download, far_transfer *transfer) {
  char tag[TAG_BYTES], line[TAG_BYTES + 32];
  far_bytes *headers = &transfer->headers;
  read_tag(download, transfer->script, tag);
  if (tag[0] == '\0' || download->begun == 0)
    return true;
  download->has_asked = true;
  int bytes =
      snprintf(line, sizeof line, "Range: bytes=%" PRIu64 "-", download->begun);
  if (!far_bytes_add(transfer->script, headers, line, (size_t)bytes + 1))
    return false;
  bytes = snprintf(line, sizeof line, "If-Range: %s", tag);
  return far_bytes_add(transfer->script, headers, line, (size_t)bytes + 1);
}

farside_status far_download_open(far_download *download, far_transfer *transfer,
                                 const char *name, bool is_fresh) {
  farside_host *host = transfer->script->host;
  char part[NAME_BYTES];
  struct stat about;
  download->name = far_string_new(&host->memory, name);
  if (download->name == NULL)
    return far_host_fail(host, FARSIDE_NOMEM, "%s",
                         farside_status_text(FARSIDE_NOMEM));
  name_of(download, ".part", part);
  farside_status status =
      far_file_open(transfer->script, part, FAR_FILE_WRITE, &download->fd);
  if (status != FARSIDE_OK)
    return status;
  // Two that write one file would make a third thing of it.
  if (flock(download->fd, LOCK_EX | LOCK_NB) != 0)
    return far_host_fail(host, FARSIDE_BUSY, "%s is being downloaded already",
                         name);
  if (is_fresh && ftruncate(download->fd, 0) != 0)
    return far_host_fail(host, FARSIDE_SYSTEM, "%s: %s", part, strerror(errno));
  if (fstat(download->fd, &about) == 0)
    download->begun = (uint64_t)about.st_size;
  if (!ask_for_rest(download, transfer))
    return far_host_fail(host, FARSIDE_NOMEM, "%s",
                         farside_status_text(FARSIDE_NOMEM));
  return FARSIDE_OK;
}

static bool begin_anew(far_download *download, far_transfer *transfer) {
  transfer->out_fd = download->fd;
  transfer->out_offset = download->begun = 0;
  if (ftruncate(download->fd, 0) != 0) {
    far_transfer_fail(transfer, FARSIDE_SYSTEM, "the file cannot be cut: %s",
                      strerror(errno));
    return false;
  }
  write_tag(download, transfer);
  return true;
}

static bool go_on(far_download *download, far_transfer *transfer) {
  const char *range = far_transfer_header(transfer, "content-range");
  uint64_t first = FAR_NEVER;
  if (range != NULL)
    (void)sscanf(range, "bytes %" SCNu64 "-", &first);
  if (!download->has_asked || first != download->begun) {
    far_transfer_fail_at(transfer, FARSIDE_NETWORK, FAR_PHASE_RECEIVE,
                         "the part that came is not the one that was asked "
                         "for");
    return false;
  }
  transfer->out_fd = download->fd;
  transfer->out_offset = download->begun;
  return true;
}

bool far_download_arrived(far_download *download, far_transfer *transfer) {
  if (download->name == NULL)
    return true;
  if (transfer->code == 206)
    return go_on(download, transfer);
  if (transfer->code / 100 == 2)
    return begin_anew(download, transfer);
  // All of it was there, but for its name; or it is shorter than the part by
  // now, and then the next one begins anew.
  if (transfer->code == 416)
    remove_tag(download, transfer->script);
  return true;
}

// 416 "bytes */N": nothing is left to be sent.
static bool had_all(const far_download *download,
                    const far_transfer *transfer) {
  const char *range = far_transfer_header(transfer, "content-range");
  uint64_t whole = FAR_NEVER;
  if (transfer->code != 416 || range == NULL)
    return false;
  (void)sscanf(range, "bytes */%" SCNu64, &whole);
  return whole == download->begun;
}

static void make_file(far_download *download, far_transfer *transfer) {
  char part[NAME_BYTES];
  bool has_all = had_all(download, transfer);
  if (transfer->code / 100 != 2 && !has_all)
    return;
  name_of(download, ".part", part);
  farside_status status =
      far_file_rename(transfer->script, part, download->name);
  if (status != FARSIDE_OK) {
    far_transfer_fail(transfer, status, "%s",
                      farside_error(transfer->script->host));
    return;
  }
  remove_tag(download, transfer->script);
  if (has_all)
    transfer->code = 206;
  download->bytes = download->begun + (has_all ? 0 : transfer->received);
  download->is_done = true;
}

void far_download_end(far_download *download, far_transfer *transfer) {
  if (download->name != NULL && transfer->status == FARSIDE_OK)
    make_file(download, transfer);
  far_download_release(download);
}

void far_download_release(far_download *download) {
  if (download->fd >= 0)
    close(download->fd);
  download->fd = -1;
}

bool far_download_is_done(const far_download *download) {
  return download->is_done;
}

void far_download_close(far_download *download, far_script *script) {
  far_download_release(download);
  far_string_free(&script->host->memory, download->name);
  download->name = NULL;
}
