// The wire between `farside run --isolate` and the processes of its scripts:
// one JSON object a line, over a pair of sockets that only these two know.
//
// The process that asks, to that of a script. Each line has a number "n" that
// grows, and nothing else in it is a ping:
//
//   {"load":{…}}                     comes first, and once
//   {"post":{"event":"…","json":…}}  as farside_post(); json may be missing
//   {"move":{"state":"…","why":"…"}} to a state of the app
//   {"send":{"from":"…","data":"…"}} a message; data is JSON as text
//   {"scripts":["…",…]}              who else can be sent messages
//   {"reload":true}, {"usage":true}  as SIGUSR2 and SIGUSR1 ask
//
// The process of a script, to the one that asks:
//
//   {"pong":n}                       its loop has taken line n
//   {"state":"busy|idle|asleep"}     it runs, waits for something, is suspended
//   {"what":"…",…}                   an entry of its timeline
//   {"named":"…"}                    what the script is called
//   {"message":{"to":"…","data":"…"}}
//   {"usage":"…"}                    a row of a table
//   {"ended":code,"idle":bool}       the end; idle: it never had to do anything
//
// Text that is not UTF-8 travels as {"raw":"…"}, one character a byte.
//
// Whoever reads believes nothing: a line that is too long, does not parse or
// has too many values breaks the wire for good.
#ifndef FAR_WIRE_H
#define FAR_WIRE_H

#include "farside.h"
#include <jansson.h>

enum {
  FAR_WIRE_FD = 3, // In the process of a script.
  FAR_WIRE_LINE_MAX = 8 * 1024 * 1024,
  FAR_WIRE_TEXT_MAX = 1024 * 1024, // What is longer is cut, with a note.
  FAR_WIRE_VALUES_MAX = 64         // Of a line from the process of a script.
};

// Puts lines together. Zeroed memory is ready.
typedef struct far_wire_reader {
  char *text;
  size_t start, size, capacity; // What is before `start` was taken.
  size_t values_max;            // 0: any number.
  bool is_broken;
} far_wire_reader;

void far_wire_reader_deinit(far_wire_reader *reader);

// Takes what was read. False when the wire is broken.
bool far_wire_feed(far_wire_reader *reader, const char *bytes, size_t count);

// The next line, for json_decref(). NULL: there is none, or the wire broke.
json_t *far_wire_next(far_wire_reader *reader);

// A line with its newline, for free(). Takes the object over; NULL when memory
// is short, also for a NULL object.
char *far_wire_line(json_t *object, size_t *bytes);

// Any text as JSON, and back. The string is the object's, or in `raw`, for
// free(). NULL for what is no text.
json_t *far_wire_text(const char *text);
const char *far_wire_string(const json_t *text, char **raw);

// An entry as a line.
json_t *far_wire_entry(const farside_entry *entry);

// Reads one. Its strings live as long as the line and `read`.
typedef struct far_wire_entry_read {
  farside_entry entry;
  char *raw[4];
} far_wire_entry_read;

bool far_wire_entry_parse(const json_t *line, far_wire_entry_read *read);
void far_wire_entry_free(far_wire_entry_read *read);

#endif
