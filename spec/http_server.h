// A server for tests, on loopback, that does what a request asks for, wrong
// things above all.
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

// What /tus has received: how many bytes, and whether each of them was the one
// that http_pattern() wants there.
uint64_t http_server_received(http_server *server, bool *is_exact);
void http_server_forget(http_server *server);

// Waits until a body that was sent to /note has a text in it; false when none
// did within `wait_ms`. Bodies are remembered up to 64 KiB in all. What is sent
// to /note/silent is remembered likewise, and never answered.
bool http_server_await(http_server *server, const char *text, int wait_ms);

// The most requests that were answered at the same time.
int http_server_most(http_server *server);

// The byte at an offset of every body.
unsigned char http_pattern(uint64_t offset);

#endif
