// For F_OFD_SETLK.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "owner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool name_of(const char *path, char name[PATH_MAX]) {
  return (size_t)snprintf(name, PATH_MAX, "%s.lock", path) < PATH_MAX;
}

#ifdef F_OFD_SETLK
static int lock_whole(int fd, int command, short type, struct flock *lock) {
  *lock = (struct flock){.l_type = type, .l_whence = SEEK_SET};
  return fcntl(fd, command, lock);
}
#endif

// Zero, or errno.
static int lock(int fd) {
#ifdef F_OFD_SETLK
  struct flock range;
  if (lock_whole(fd, F_OFD_SETLK, F_WRLCK, &range) == 0)
    return 0;
  if (errno != EINVAL) // An old kernel, or a file system without them.
    return errno;
#endif
  return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}

// The side file: a word, the pid, or "-" while nobody owns it; then the note.
static const char MARK[] = "farside ";

enum { SIDE_BYTES = FAR_OWNER_NOTE_BYTES + 64 };

static void read_side(int fd, char line[SIDE_BYTES]) {
  ssize_t count = pread(fd, line, SIDE_BYTES - 1, 0);
  line[count > 0 ? count : 0] = '\0';
}

// Zero where nobody has said who.
static long read_pid(int fd) {
  char text[SIDE_BYTES];
  read_side(fd, text);
  bool is_known = strncmp(text, MARK, sizeof MARK - 1) == 0;
  return is_known ? strtol(text + sizeof MARK - 1, NULL, 10) : 0;
}

// False where the file is somebody else's: Cargo.lock, if FILE is "Cargo".
static bool read_note(far_owner *owner) {
  char text[SIDE_BYTES];
  read_side(owner->fd, text);
  owner->is_known = strncmp(text, MARK, sizeof MARK - 1) == 0;
  owner->note[0] = '\0';
  char *note = strchr(text, '\n');
  char *end = note ? strchr(note + 1, '\n') : NULL;
  if (end != NULL) { // A line that is not whole was never meant.
    *end = '\0';
    snprintf(owner->note, sizeof owner->note, "%s", note + 1);
  }
  return owner->is_known || text[0] == '\0';
}

static bool write_side(const far_owner *owner, long pid) {
  char text[SIDE_BYTES];
  int bytes = pid > 0 ? snprintf(text, sizeof text, "%s%ld\n", MARK, pid)
                      : snprintf(text, sizeof text, "%s-\n", MARK);
  if (owner->note[0] != '\0')
    bytes += snprintf(text + bytes, sizeof text - (size_t)bytes, "%s\n",
                      owner->note);
  return pwrite(owner->fd, text, (size_t)bytes, 0) == bytes &&
         ftruncate(owner->fd, bytes) == 0;
}

static farside_status refuse(const char *path, const char *name, char *error,
                             size_t bytes) {
  int why = errno;
  snprintf(error, bytes, "%s cannot be opened: %s: %s", path, name,
           strerror(why));
  return why == EROFS || why == EACCES || why == EPERM ? FARSIDE_READONLY
                                                       : FARSIDE_NOFILE;
}

static farside_status say_owner(int fd, const char *path, char *error,
                                size_t bytes) {
  long pid = read_pid(fd);
  if (pid == (long)getpid())
    snprintf(error, bytes, "%s is open already, in this process (pid %ld)",
             path, pid);
  else if (pid > 0)
    snprintf(error, bytes, "%s is in use by the process with pid %ld", path,
             pid);
  else
    snprintf(error, bytes, "%s is in use by another process", path);
  return FARSIDE_LOCKED;
}

void far_owner_sync_folder(const char *path) {
  char folder[PATH_MAX];
  const char *slash = strrchr(path, '/');
  int bytes = slash != NULL ? (int)(slash - path) + 1 : 0;
  if (snprintf(folder, sizeof folder, "%.*s", bytes, path) >= PATH_MAX)
    return;
  int fd = open(bytes > 0 ? folder : ".", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    fsync(fd);
    close(fd);
  }
}

farside_status far_owner_take(far_owner *owner, const char *path, char *error,
                              size_t bytes) {
  *owner = (far_owner){.fd = -1};
  char name[PATH_MAX];
  if (!name_of(path, name)) {
    snprintf(error, bytes, "the path is too long: %.200s", path);
    return FARSIDE_NOFILE;
  }
  int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0)
    return refuse(path, name, error, bytes);
  int why = lock(fd);
  if (why == EAGAIN || why == EACCES || why == EWOULDBLOCK) {
    farside_status status = say_owner(fd, path, error, bytes);
    close(fd);
    return status;
  }
  if (why != 0) {
    close(fd);
    errno = why;
    return refuse(path, name, error, bytes);
  }
  owner->fd = fd;
  if (!read_note(owner)) {
    close(fd);
    owner->fd = -1;
    snprintf(error, bytes, "%s cannot be used: %s is something else's", path,
             name);
    return FARSIDE_NOFILE;
  }
  // Where this fails, only the pid is missing from what others are told.
  write_side(owner, (long)getpid());
  if (!owner->is_known) {
    fsync(fd);
    far_owner_sync_folder(path);
  }
  return FARSIDE_OK;
}

bool far_owner_note(far_owner *owner, const char *note) {
  snprintf(owner->note, sizeof owner->note, "%s", note);
  return write_side(owner, (long)getpid()) && fsync(owner->fd) == 0;
}

void far_owner_release(far_owner *owner) {
  if (owner->fd < 0)
    return;
  write_side(owner, 0);
  close(owner->fd);
  owner->fd = -1;
}

void far_owner_withdraw(far_owner *owner, const char *path) {
  char name[PATH_MAX];
  if (owner->fd >= 0 && !owner->is_known && name_of(path, name))
    unlink(name);
  far_owner_release(owner);
}

static bool is_locked(int fd) {
#ifdef F_OFD_SETLK
  struct flock range;
  if (lock_whole(fd, F_OFD_GETLK, F_RDLCK, &range) == 0)
    return range.l_type != F_UNLCK;
#endif
  return flock(fd, LOCK_SH | LOCK_NB) != 0;
}

long far_owner_pid(const char *path) {
  char name[PATH_MAX];
  int fd = name_of(path, name) ? open(name, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0)
    return 0;
  long pid = 0;
  if (is_locked(fd)) {
    pid = read_pid(fd);
    pid = pid > 0 ? pid : -1;
  }
  close(fd);
  return pid;
}

bool far_owner_is_taken(const char *path) {
  return far_owner_pid(path) != 0;
}
