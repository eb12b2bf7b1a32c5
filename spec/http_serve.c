// A server that one can upload to, on loopback: for the demo, and to try
// things.
//
//   http_serve [FILE [BYTES_A_SECOND]]
//
// It prints its address first, and then a line for each request. What is sent
// to /tus or below /files is kept, in FILE as well, one thing at a time. Ends
// at a signal.

#include "http_server.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void heard(const char *line) {
  printf("%s\n", line);
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  http_server *server = http_server_open();
  http_server_hear(server, heard);
  if (argc > 1) {
    int file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) {
      perror(argv[1]);
      return 1;
    }
    http_server_keep(server, file);
  }
  if (argc > 2)
    http_server_slow(server, strtoull(argv[2], NULL, 10));
  printf("http://127.0.0.1:%d\n", http_server_port(server));
  for (;;)
    pause();
}
