// Uploads that go on: a file goes up from where the server has it.
//
// Nothing is kept here. The server is asked first how much it has, and what is
// left is sent, in parts if that is wanted; so the server's word is the
// checkpoint, after any kill. All of that is one transfer, each request a hop.
//
// There are two ways to ask and to send. By "range" HEAD tells the length of
// what is there, and PUT sends bytes with their Content-Range (RFC 9110, 14.5).
// By "tus" both are as tus 1.0 says: Upload-Offset, and PATCH. An answer that
// is none of these is the answer of the upload.
#ifndef FAR_UPLOAD_H
#define FAR_UPLOAD_H

#include "transfer.h"

typedef enum far_upload_way {
  FAR_UPLOAD_WHOLE, // It is no upload that goes on.
  FAR_UPLOAD_RANGE,
  FAR_UPLOAD_TUS
} far_upload_way;

typedef struct far_upload {
  far_upload_way way;
  uint64_t part_bytes;   // The most that is sent at once; FAR_NEVER: no bound.
  uint64_t size;         // Of the file.
  uint64_t have;         // So much of it is on the server.
  size_t headers_before; // Bytes of those that the script has set.
  bool has_asked;
} far_upload;

// "tus" → FAR_UPLOAD_TUS. False for a word that is no way.
bool far_upload_way_find(const char *name, far_upload_way *way);

// "PATCH": by what it sends.
const char *far_upload_method(far_upload_way way);

// Whether a header is set by the way itself.
bool far_upload_sets(far_upload_way way, const char *header);

// Prepares a transfer that sends a file: its first hop asks. `way` and
// `part_bytes` are filled in. FARSIDE_NOMEM.
farside_status far_upload_open(far_upload *upload, far_transfer *transfer);

// For far_transfer.answered.
bool far_upload_goes_on(far_upload *upload, far_transfer *transfer);

#endif
