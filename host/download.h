// Downloads: an answer that becomes a file, and goes on where it was cut off.
//
// What has come so far is in NAME.part, and what the server called it (an ETag,
// or the time of its last change) in NAME.part-tag. Whoever downloads NAME
// again asks for the rest of that very thing; when it is another one by now,
// the server sends it whole, and the part begins anew. NAME itself is there
// when all of it is, and not before. Only an answer that says 2xx is a file;
// any other has a body like that of a request.
#ifndef FAR_DOWNLOAD_H
#define FAR_DOWNLOAD_H

#include "files.h"
#include "transfer.h"

typedef struct far_download {
  char *name;     // NULL: it is no download.
  int fd;         // The part; -1: closed.
  uint64_t begun; // Bytes that were there before.
  uint64_t bytes; // Of the whole file, when it is done.
  bool has_asked; // For the rest.
  bool is_done;
} far_download;

// Opens the part, and adds to the headers what asks for the rest; `is_fresh`:
// begins anew. FARSIDE_BUSY when it is being downloaded already; as
// far_file_open(), and farside_error() says why.
farside_status far_download_open(far_download *download, far_transfer *transfer,
                                 const char *name, bool is_fresh);

// For far_transfer.arrived.
bool far_download_arrived(far_download *download, far_transfer *transfer);

// The transfer is over: the part becomes the file, where it is whole.
void far_download_end(far_download *download, far_transfer *transfer);

// Somebody else may download the file from now on. The transfer is over.
void far_download_release(far_download *download);

bool far_download_is_done(const far_download *download);

// Safe on one that never was opened, as long as its `fd` is -1.
void far_download_close(far_download *download, far_script *script);

#endif
