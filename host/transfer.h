// Transfers: what a script asks of the network, from its permission to its end.
//
// A transfer is one or more hops: a server may send it elsewhere, and each hop
// is checked as if the script had asked for it. What carries a hop is a
// far_carrier: libcurl on real time, the simulated phone on virtual time.
// Whatever both have in common is here, so that a script that runs on the phone
// meets the same permissions, limits, timeouts and sentences outside.
//
// A transfer belongs to the task that began it and ends with it. None outlives
// a suspension: the sockets of a frozen app are dead when it wakes, and so each
// open transfer is ended before, as INTERRUPTED.
#ifndef FAR_TRANSFER_H
#define FAR_TRANSFER_H

#include "script.h"
#include "timer.h"
#include "url.h"

typedef struct far_transfer far_transfer;
typedef struct far_carrier far_carrier;

// How far a hop has come.
typedef enum far_phase {
  FAR_PHASE_QUEUE, // Others are on their way: it has not begun.
  FAR_PHASE_RESOLVE,
  FAR_PHASE_CONNECT,
  FAR_PHASE_TLS,
  FAR_PHASE_SEND,
  FAR_PHASE_WAIT, // All is sent, nothing has come.
  FAR_PHASE_RECEIVE
} far_phase;

enum {
  FAR_TRANSFERS_OPEN_MAX = 256, // Of a host. Those beyond wait.
  FAR_TRANSFERS_SCRIPT_MAX = 64,
  FAR_TRANSFERS_HOST_MAX = 8, // Connections to one server.
  FAR_HEADERS_BYTES_MAX = 256 * 1024,
  FAR_CAUSE_BYTES = 512
};

// Bytes that grow, counted against the script.
typedef struct far_bytes {
  char *data;
  size_t used, room;
} far_bytes;

struct far_transfer {
  // What whoever begins it fills in; the rest is zero.
  far_script *script;
  void (*ended)(far_transfer *transfer); // The last call; none if cancelled.
  void (*progressed)(far_transfer *transfer); // Bytes moved. May be NULL.
  // The head of the answer has come, and no redirect: where does the body go?
  // May be NULL. False after far_transfer_fail().
  bool (*arrived)(far_transfer *transfer);
  // A whole answer has come, and no redirect: does another hop follow, with
  // what was changed here? May be NULL.
  bool (*answered)(far_transfer *transfer);
  const char *opening; // The method of the first hop, if it is another.
  bool has_body;
  bool wants_plain; // The body as it lies on the server, not compressed.
  int in_fd;        // What is sent, owned; -1: it is in `body`.
  uint64_t in_offset, send_bytes;
  int out_fd; // Where the answer's body goes, not owned; -1: into `answer`.
  uint64_t out_offset;
  uint64_t answer_bytes_max;
  uint64_t timeout_ms, connect_ms, stall_ms; // FAR_NEVER: none.
  unsigned redirects_max;

  // What it asks, owned by it. For the carrier to read.
  char *method;
  far_url url;
  far_bytes headers; // "Name: value", each with its zero.
  far_bytes body;
  unsigned places;   // Which it may reach: see place.h.
  bool is_elsewhere; // A redirect led to another server: no secrets for it.

  // How it stands.
  far_phase phase;
  uint64_t sent, received;  // In bodies, by this hop.
  uint64_t sent_before;     // By those before it, for whoever sends in parts.
  uint64_t expected;        // To be received; FAR_NEVER: not known.
  int code;                 // The answer's status; 0 before there is any.
  far_bytes answer_headers; // Name and value, each with its zero.
  far_bytes answer;
  farside_status status; // How it ended.
  char cause[FAR_CAUSE_BYTES];

  // Ours.
  struct far_job *job;
  void *hop; // The carrier's.
  far_list link;
  far_timer timer;
  uint64_t begun_ms, hop_ms, active_ms;
  size_t head_bytes;
  unsigned redirects;
  bool is_open;    // It counts as one of those that are on their way.
  bool has_head;   // All of it.
  bool is_leaving; // The answer is a redirect that will be followed.
};

struct far_carrier {
  // Begins a hop. It says what becomes of it by the functions below, the last
  // of which is far_transfer_ended(); not before this has returned.
  farside_status (*begin)(far_carrier *carrier, far_transfer *transfer);

  // Ends a hop without a word.
  void (*cancel)(far_carrier *carrier, far_transfer *transfer);

  // Nothing is on its way: keeps no connection either.
  void (*rest)(far_carrier *carrier);
  void (*close)(far_carrier *carrier);
};

// Of a host. The carrier is found at the first transfer, unless a phone has set
// its own.
typedef struct far_transfers {
  far_list open, waiting;
  size_t count;  // On their way.
  bool is_going; // Those that wait are being begun.
  far_carrier *carrier;
  const char *refusal; // Why there are none at all; NULL: there are.
} far_transfers;

void far_transfers_init(far_transfers *transfers);

// Every transfer is over.
void far_transfers_close(far_transfers *transfers);

// The app falls asleep: ends all, and lets go of all connections.
void far_transfers_suspend(farside_host *host);

// -- For whoever wants something ----------------------------------------------

// Adds bytes; false when memory is short.
bool far_bytes_add(far_script *script, far_bytes *bytes, const void *data,
                   size_t count);
void far_bytes_free(far_script *script, far_bytes *bytes);

// Whether a script may talk to a URL, and to which places under its name.
// FARSIDE_DENIED after a sentence that says how to grant it.
farside_status far_transfer_check(const far_script *script, const far_url *url,
                                  unsigned *places, char *error, size_t bytes);

// Begins. `method` and `url` are copied; headers and body are added before by
// far_bytes_add(). On failure nothing has begun, `cause` says why, and
// far_transfer_deinit() is still the caller's: DENIED, UNSUPPORTED, NOMEM.
farside_status far_transfer_begin(far_transfer *transfer, const char *method,
                                  const far_url *url);

// For far_transfer.answered: the method of the next hop. False when memory is
// short.
bool far_transfer_set_method(far_transfer *transfer, const char *method);

// Ends it without a word to `ended`. Safe on one that is over.
void far_transfer_cancel(far_transfer *transfer);

// Cancels it, and frees what it has; closes what it sends.
void far_transfer_deinit(far_transfer *transfer);

// What it was ended for by somebody else, as its own failure.
void far_transfer_interrupt(far_transfer *transfer, const char *why);

// A header of the answer, in lower case; NULL when it has none.
const char *far_transfer_header(const far_transfer *transfer, const char *name);

// -- For a carrier ------------------------------------------------------------

// A hop has come so far. It never goes back.
void far_transfer_reached(far_transfer *transfer, far_phase phase);

// A line of the answer's head, the first and the empty one included. False: end
// the hop, the reason is known here.
bool far_transfer_take_line(far_transfer *transfer, const char *line,
                            size_t bytes);

// A part of the answer's body. Likewise.
bool far_transfer_take(far_transfer *transfer, const char *data, size_t bytes);

// Fills in the next part of what is sent. Negative: end the hop.
ptrdiff_t far_transfer_give(far_transfer *transfer, char *data, size_t bytes);

// Begins anew with what is sent, from an offset.
void far_transfer_rewind(far_transfer *transfer, uint64_t offset);

// Whether a header that a script has set is kept from this hop's server.
bool far_transfer_hides(const far_transfer *transfer, const char *header);

// Remembers why a hop ends; what was remembered first stays.
void far_transfer_fail(far_transfer *transfer, farside_status status,
                       const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The same, for what went wrong on the way: says in which phase, and with whom.
void far_transfer_fail_at(far_transfer *transfer, farside_status status,
                          far_phase phase, const char *cause);

// The hop is over: it failed, or the answer is complete.
void far_transfer_ended(far_transfer *transfer);

#endif
