// Answers: what the network is to an app on a simulated phone.
//
// A plan says what answers which requests, how soon, how fast, and with which
// mishaps; nothing else is there, and nothing reaches a real network. It is a
// carrier of transfers like libcurl, in virtual time: bytes flow at their rate,
// so that the network can go away in the middle of a body.
#ifndef FAR_ANSWER_H
#define FAR_ANSWER_H

#include "chance.h"
#include "transfer.h"
#include "world.h"

typedef struct far_answers far_answers;
typedef struct far_answer_rule far_answer_rule;

// What goes wrong before an answer comes.
typedef enum far_mishap {
  FAR_MISHAP_NONE,
  FAR_MISHAP_RESOLVE,   // The name is not known.
  FAR_MISHAP_CONNECT,   // Nobody listens.
  FAR_MISHAP_EXPIRED,   // The certificate is out of date, ...
  FAR_MISHAP_UNTRUSTED, // signed by nobody who is known, ...
  FAR_MISHAP_HOST,      // or somebody else's.
  FAR_MISHAP_RESET,     // All was sent, and then the connection is gone.
  FAR_MISHAPS
} far_mishap;

// Zero it; FAR_NEVER in `drop_bytes` and `stall_bytes` for never.
typedef struct far_answer {
  int status;
  far_mishap mishap;
  unsigned fail_permille;               // How often nobody listens.
  uint64_t latency_ms, latency_most_ms; // Between them, by the seed.
  uint64_t rate;        // Bytes a second, either way; 0: all at once.
  uint64_t drop_bytes;  // The connection is gone after so many of both bodies.
  uint64_t stall_bytes; // Nothing moves any more, likewise.
  // A block from the phone's memory: lines of headers, each with its zero, then
  // the body.
  char *text;
  size_t text_bytes, headers_bytes;
  uint64_t body_bytes; // More than there are in `text`: those are zeros.
} far_answer;

// What was asked, for a function that answers. Borrowed.
typedef struct far_asked {
  const far_transfer *transfer;
  const char *body; // What has come of it.
  size_t body_bytes;
  bool is_partial; // It was cut off: nobody hears the answer.
} far_asked;

struct far_answer_rule {
  far_list link;
  char *method;  // NULL: any.
  char *pattern; // As it was written.
  far_pattern to;
  far_answer answer;
  uint64_t times; // How often it still answers; FAR_NEVER: always.
  // Makes the answer, where a function does; its `text` is the caller's. False:
  // it could not, and the server is broken.
  bool (*ask)(far_answer_rule *rule, const far_asked *asked,
              far_answer *answer);
  void (*forget)(far_answer_rule *rule); // Releases what `ask` needs.
  void *user;
};

// Gives a host its network. The world and the chance are the phone's.
farside_status far_answers_open(far_memory *memory, farside_host *host,
                                const far_world *world, far_chance *chance,
                                far_answers **answers);

// After the host is closed.
void far_answers_close(far_answers *answers);

// Adds a rule, which comes before those that were added earlier. Copies
// `method` and `pattern`, takes the answer's text over, and the rest of `rule`
// as it is. FARSIDE_NOMEM: nothing is taken over.
farside_status far_answers_add(far_answers *answers,
                               const far_answer_rule *rule);

// The functions that answer are gone: so are their rules.
void far_answers_silence(far_answers *answers);

// One of them is running: nobody may move the phone now.
bool far_answers_is_asking(const far_answers *answers);

// A block for the text of an answer.
char *far_answers_text(far_answers *answers, size_t bytes);
void far_answers_text_free(far_answers *answers, far_answer *answer);

// The world may have changed: does anything end by that?
bool far_answers_step(far_answers *answers);

// "expired" → FAR_MISHAP_EXPIRED. False for a word that is none.
bool far_mishap_find(const char *name, far_mishap *mishap);

#endif
