#define _GNU_SOURCE // pipe2

#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEADLINE_MS = 120 * 1000 };

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool complain(const child *mine, const char *what, const char *text) {
  printf("%s: %s \"%s\"; it said:\n%s\n", mine->name, what, text, mine->text);
  fflush(stdout);
  return false;
}

bool child_start(child *mine, const char *const *argv) {
  int in[2], out[2];
  *mine = (child){.name = argv[0], .in = -1, .out = -1};
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
    return complain(mine, "there is no pipe for", argv[0]);
  mine->pid = fork();
  if (mine->pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(out[1], STDERR_FILENO);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    perror(argv[0]);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  mine->in = in[1];
  mine->out = out[0];
  if (mine->pid > 0)
    return true;
  mine->pid = 0;
  return complain(mine, "it cannot be started", argv[0]);
}

bool child_tell(child *mine, const char *line) {
  size_t bytes = strlen(line);
  if (write(mine->in, line, bytes) == (ssize_t)bytes &&
      write(mine->in, "\n", 1) == 1)
    return true;
  return complain(mine, "it does not hear", line);
}

// Adds what it says next; false when there is no more, or the time is over.
static bool read_more(child *mine, int64_t end_ms) {
  int64_t wait_ms = end_ms - now_ms();
  struct pollfd wanted = {.fd = mine->out, .events = POLLIN};
  int ready = poll(&wanted, 1, wait_ms > 0 ? (int)wait_ms : 0);
  if (ready < 0 && errno == EINTR)
    return true;
  if (ready <= 0 || mine->size + 1 >= CHILD_TEXT_MAX)
    return false;
  ssize_t got =
      read(mine->out, mine->text + mine->size, CHILD_TEXT_MAX - 1 - mine->size);
  if (got > 0)
    mine->size += (size_t)got;
  mine->text[mine->size] = '\0';
  return got > 0;
}

bool child_expect(child *mine, const char *text) {
  int64_t end_ms = now_ms() + DEADLINE_MS;
  for (;;) {
    const char *found = strstr(mine->text + mine->seen, text);
    if (found != NULL) {
      mine->seen = (size_t)(found - mine->text) + strlen(text);
      return true;
    }
    if (mine->out < 0 || !read_more(mine, end_ms))
      return complain(mine, "waited for", text);
  }
}

bool child_has_said(child *mine, const char *text) {
  while (mine->out >= 0 && read_more(mine, now_ms()))
    continue;
  return strstr(mine->text, text) != NULL;
}

static int reap(child *mine) {
  int status = 0;
  while (waitpid(mine->pid, &status, 0) < 0 && errno == EINTR)
    continue;
  if (mine->in >= 0)
    close(mine->in);
  close(mine->out);
  mine->pid = 0;
  mine->in = mine->out = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int child_wait(child *mine) {
  int64_t end_ms = now_ms() + DEADLINE_MS;
  while (read_more(mine, end_ms))
    continue;
  if (now_ms() >= end_ms) {
    complain(mine, "waited for", "its end");
    kill(mine->pid, SIGKILL);
  }
  return reap(mine);
}

void child_kill(child *mine) {
  if (mine->pid == 0)
    return;
  kill(mine->pid, SIGKILL);
  while (read_more(mine, now_ms() + DEADLINE_MS))
    continue;
  reap(mine);
}
