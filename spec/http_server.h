// A server for tests, on loopback, that does what a request asks for, wrong
// things above all. What is sent to /tus and below /files it keeps, one thing
// at a time: by tus 1.0, and by PUT with Content-Range. /messages takes
// messages.
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct http_server http_server;

// Listens on a port that the kernel chooses.
http_server *http_server_open(void);
int http_server_port(const http_server *server);

// Ends its connections, and waits for their threads.
void http_server_close(http_server *server);

// What it has received to be kept: how many bytes, and whether each of them was
// the one that http_pattern() wants there.
uint64_t http_server_received(http_server *server, bool *is_exact);

// How many bytes it has taken, those included that it gave up for a whole file
// that came later; and how many messages.
uint64_t http_server_taken(const http_server *server);
int http_server_messages(const http_server *server);
void http_server_forget(http_server *server);

// Waits until a body that was sent to /note has a text in it; false when none
// did within `wait_ms`. Bodies are remembered up to 64 KiB in all. What is sent
// to /note/silent is remembered likewise, and never answered.
bool http_server_await(http_server *server, const char *text, int wait_ms);

// From now on this is written to a file as well, takes so many bytes a second
// (0: all that come), and each request for it is told, in a line without its
// end.
void http_server_keep(http_server *server, int file);
void http_server_slow(http_server *server, uint64_t rate);
void http_server_hear(http_server *server, void (*heard)(const char *line));

// How many requests it has answered to their end, when nobody is connected any
// more: waits for that.
int http_server_answered(http_server *server);

// The most requests that were answered at the same time.
int http_server_most(http_server *server);

// The byte at an offset of every body.
unsigned char http_pattern(uint64_t offset);

#endif
