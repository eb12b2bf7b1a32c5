#include "files.h"

#include "host.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *far_file_fault(const char *name, size_t bytes) {
  if (bytes == 0)
    return "it is empty";
  if (bytes > FAR_FILE_NAME_BYTES_MAX)
    return "it is longer than 200 bytes";
  if (name[0] == '.')
    return "it begins with a dot";
  for (size_t i = 0; i < bytes; i++) {
    if (name[i] == '/' || name[i] == '\\')
      return "it has a slash: a script has one folder, and no other";
    if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
      return "it has a control character";
  }
  return NULL;
}

static farside_status fail(far_script *script, const char *name,
                           const char *why) {
  farside_status status = errno == ENOENT ? FARSIDE_NOFILE : FARSIDE_SYSTEM;
  return far_host_fail(script->host, status, "%s: %s", name,
                       why ? why : strerror(errno));
}

// -- Folders ------------------------------------------------------------------

static farside_status make_root(farside_host *host) {
  char path[512];
  const char *base = getenv("TMPDIR");
  snprintf(path, sizeof path, "%.400s/farside-files-XXXXXX",
           base && *base == '/' ? base : "/tmp");
  if (mkdtemp(path) == NULL)
    return far_host_fail(host, FARSIDE_SYSTEM,
                         "no folder can be made for files: %s",
                         strerror(errno));
  host->files.folder = far_string_new(&host->memory, path);
  if (host->files.folder == NULL) {
    rmdir(path);
    return far_host_fail(host, FARSIDE_NOMEM, "%s",
                         farside_status_text(FARSIDE_NOMEM));
  }
  host->files.is_made = true;
  return FARSIDE_OK;
}

static farside_status open_root(farside_host *host, int *fd) {
  if (host->files.folder == NULL && !host->files.may_make_one)
    return far_host_fail(host, FARSIDE_UNSUPPORTED,
                         "there is no folder for files (to give one: farside "
                         "run --files FOLDER)");
  farside_status status = FARSIDE_OK;
  if (host->files.folder == NULL)
    status = make_root(host);
  if (status != FARSIDE_OK)
    return status;
  *fd = open(host->files.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (*fd >= 0)
    return FARSIDE_OK;
  return far_host_fail(host, FARSIDE_SYSTEM, "the folder %s: %s",
                       host->files.folder, strerror(errno));
}

static farside_status open_folder(far_script *script, int *fd) {
  int root = -1;
  const char *fault = far_file_fault(script->name, strlen(script->name));
  if (fault != NULL)
    return far_host_fail(script->host, FARSIDE_UNSUPPORTED,
                         "the script's name is none for a folder: %s", fault);
  farside_status status = open_root(script->host, &root);
  if (status != FARSIDE_OK)
    return status;
  mkdirat(root, script->name, 0700);
  *fd = openat(root, script->name,
               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (*fd < 0)
    status = fail(script, script->name, NULL);
  close(root);
  return status;
}

// -- Files --------------------------------------------------------------------

// A plain file, and nowhere else.
static bool is_ours(int fd, struct stat *about) {
  return fstat(fd, about) == 0 && S_ISREG(about->st_mode) &&
         about->st_nlink == 1;
}

farside_status far_file_open(far_script *script, const char *name,
                             far_file_mode mode, int *fd) {
  int folder;
  *fd = -1;
  farside_status status = open_folder(script, &folder);
  if (status != FARSIDE_OK)
    return status;
  // A pipe that somebody has put there is not waited for.
  int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  flags |= mode == FAR_FILE_READ ? O_RDONLY : O_RDWR | O_CREAT;
  int file = openat(folder, name, flags, 0600);
  struct stat about;
  if (file < 0) {
    status = fail(script, name, errno == ELOOP ? "it is a link" : NULL);
  } else if (!is_ours(file, &about)) {
    status = far_host_fail(script->host, FARSIDE_SYSTEM,
                           "%s: it is no plain file of the script's", name);
    close(file);
  } else {
    *fd = file;
  }
  close(folder);
  return status;
}

farside_status far_file_size(far_script *script, const char *name,
                             uint64_t *bytes) {
  int fd;
  struct stat about;
  farside_status status = far_file_open(script, name, FAR_FILE_READ, &fd);
  if (status != FARSIDE_OK)
    return status;
  if (fstat(fd, &about) == 0)
    *bytes = (uint64_t)about.st_size;
  else
    status = fail(script, name, NULL);
  close(fd);
  return status;
}

farside_status far_file_remove(far_script *script, const char *name) {
  int folder;
  farside_status status = open_folder(script, &folder);
  if (status != FARSIDE_OK)
    return status;
  if (unlinkat(folder, name, 0) != 0)
    status = fail(script, name, NULL);
  close(folder);
  return status;
}

farside_status far_file_rename(far_script *script, const char *from,
                               const char *to) {
  int folder;
  farside_status status = open_folder(script, &folder);
  if (status != FARSIDE_OK)
    return status;
  if (renameat(folder, from, folder, to) != 0)
    status = fail(script, from, NULL);
  close(folder);
  return status;
}

farside_status far_file_list(far_script *script,
                             void (*found)(void *user, const char *name),
                             void *user) {
  int folder;
  farside_status status = open_folder(script, &folder);
  if (status != FARSIDE_OK)
    return status;
  DIR *list = fdopendir(folder);
  if (list == NULL) {
    status = fail(script, script->name, NULL);
    close(folder);
    return status;
  }
  for (const struct dirent *entry; (entry = readdir(list)) != NULL;)
    if (far_file_fault(entry->d_name, strlen(entry->d_name)) == NULL)
      found(user, entry->d_name);
  closedir(list);
  return FARSIDE_OK;
}

// -- The end ------------------------------------------------------------------

// Two levels, as they were made: a folder for each script, and its files.
static void remove_folder(int root, const char *name) {
  int folder =
      openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *list = folder >= 0 ? fdopendir(folder) : NULL;
  for (const struct dirent *entry; list && (entry = readdir(list)) != NULL;)
    unlinkat(folder, entry->d_name, 0);
  if (list != NULL)
    closedir(list);
  else if (folder >= 0)
    close(folder);
  unlinkat(root, name, AT_REMOVEDIR);
}

void far_files_deinit(farside_host *host) {
  far_files *files = &host->files;
  DIR *root = files->is_made ? opendir(files->folder) : NULL;
  for (const struct dirent *entry; root && (entry = readdir(root)) != NULL;)
    if (entry->d_name[0] != '.')
      remove_folder(dirfd(root), entry->d_name);
  if (root != NULL)
    closedir(root);
  if (files->is_made)
    rmdir(files->folder);
  far_string_free(&host->memory, files->folder);
  files->folder = NULL;
}
