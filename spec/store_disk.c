#include "store_disk.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char disk_name[] = "disk";

// -- What is not synced -------------------------------------------------------

enum { FILES_MAX = 8, SECTOR_BYTES = 512 };

// A write, or with data NULL a truncation to `at`.
typedef struct pending {
  int64_t at;
  size_t bytes;
  unsigned char *data;
} pending;

// A file as it was at its last sync, and what came since. A file that was made
// or deleted since its folder was synced is there or not.
typedef struct shadow {
  char path[512];
  unsigned char *data;
  int64_t bytes;
  bool was_there; // When its folder was synced.
  bool is_there;
  pending *list;
  size_t count, room;
} shadow;

static struct disk {
  sqlite3_vfs vfs;
  sqlite3_vfs *real;
  disk_fault fault;
  int64_t fail_at, count;
  bool fails_on, has_failed;
  int last_errno;
  bool is_shadowing;
  shadow shadows[FILES_MAX];
} disk;

static void forget_pending(shadow *file) {
  for (size_t i = 0; i < file->count; i++)
    free(file->list[i].data);
  file->count = 0;
}

static void forget(shadow *file) {
  forget_pending(file);
  free(file->list);
  free(file->data);
  *file = (shadow){0};
}

static void load(shadow *file) {
  FILE *open = fopen(file->path, "rb");
  if (open == NULL)
    return;
  file->was_there = file->is_there = true;
  fseek(open, 0, SEEK_END);
  file->bytes = ftell(open);
  rewind(open);
  file->data = malloc((size_t)file->bytes + 1);
  if (fread(file->data, 1, (size_t)file->bytes, open) != (size_t)file->bytes)
    abort();
  fclose(open);
}

// The files of shared memory are not worth anything after a loss of power.
static shadow *shadow_of(const char *path) {
  if (!disk.is_shadowing || path == NULL)
    return NULL;
  for (int i = 0; i < FILES_MAX; i++) {
    shadow *file = &disk.shadows[i];
    if (file->path[0] == '\0') {
      snprintf(file->path, sizeof file->path, "%s", path);
      load(file);
    }
    if (strcmp(file->path, path) == 0)
      return file;
  }
  abort();
}

static void remember(shadow *file, int64_t at, const void *data, size_t bytes) {
  if (file == NULL)
    return;
  if (file->count == file->room) {
    file->room = file->room ? 2 * file->room : 16;
    file->list = realloc(file->list, file->room * sizeof *file->list);
  }
  pending *last = &file->list[file->count++];
  *last = (pending){.at = at, .bytes = bytes};
  if (data != NULL)
    last->data = memcpy(malloc(bytes), data, bytes);
}

static void grow(shadow *file, int64_t bytes) {
  if (bytes <= file->bytes)
    return;
  file->data = realloc(file->data, (size_t)bytes + 1);
  memset(file->data + file->bytes, 0, (size_t)(bytes - file->bytes));
  file->bytes = bytes;
}

static void apply(shadow *file, const pending *change, size_t from,
                  size_t bytes) {
  if (change->data == NULL) {
    grow(file, change->at);
    file->bytes = change->at;
    return;
  }
  grow(file, change->at + (int64_t)(from + bytes));
  memcpy(file->data + change->at + from, change->data + from, bytes);
}

static bool ends_with(const char *path, const char *ending) {
  size_t bytes = strlen(path), last = strlen(ending);
  return bytes >= last && strcmp(path + bytes - last, ending) == 0;
}

// SQLite syncs the folder with a new log or journal.
static void synced(shadow *file) {
  if (file == NULL)
    return;
  for (size_t i = 0; i < file->count; i++)
    apply(file, &file->list[i], 0, file->list[i].bytes);
  forget_pending(file);
  if (!ends_with(file->path, "-wal") && !ends_with(file->path, "-journal"))
    return;
  for (int i = 0; i < FILES_MAX; i++)
    disk.shadows[i].was_there = disk.shadows[i].is_there;
}

static void lose(shadow *file, disk_loss loss, kit_random *random) {
  for (size_t i = 0; i < file->count && loss != DISK_LOSES_ALL; i++) {
    const pending *change = &file->list[i];
    bool is_torn = loss == DISK_TEARS && change->data != NULL;
    if (!is_torn && kit_below(random, 2))
      apply(file, change, 0, change->bytes);
    for (size_t at = 0; is_torn && at < change->bytes; at += SECTOR_BYTES) {
      size_t rest = change->bytes - at;
      if (kit_below(random, 2))
        apply(file, change, at, rest < SECTOR_BYTES ? rest : SECTOR_BYTES);
    }
  }
}

void disk_after_power_cut(disk_loss loss, kit_random *random) {
  for (int i = 0; i < FILES_MAX && disk.shadows[i].path[0] != '\0'; i++) {
    shadow *file = &disk.shadows[i];
    lose(file, loss, random);
    bool is_there = file->was_there;
    if (file->is_there != file->was_there && loss != DISK_LOSES_ALL)
      is_there = kit_below(random, 2) != 0;
    unlink(file->path);
    if (!is_there)
      continue;
    FILE *made = fopen(file->path, "wb");
    if (made == NULL ||
        fwrite(file->data ? (void *)file->data : "", 1, (size_t)file->bytes,
               made) != (size_t)file->bytes)
      abort();
    fclose(made);
  }
}

// -- What fails ---------------------------------------------------------------

typedef enum operation {
  ASKS,      // Changes nothing.
  CHANGES,   // What is lost when the power goes.
  NEEDS_ROOM // Likewise.
} operation;

static bool fails(operation what) {
  if (disk.fault == DISK_FINE ||
      (disk.fault == DISK_ENOSPC && what != NEEDS_ROOM) ||
      (disk.fault == DISK_POWER && what == ASKS && !disk.has_failed))
    return false;
  if (disk.fault == DISK_POWER && disk.has_failed)
    return true;
  disk.count++;
  if (disk.fail_at == 0 || disk.count < disk.fail_at ||
      (disk.count > disk.fail_at && !disk.fails_on))
    return false;
  if (disk.fault == DISK_KILL)
    kill(getpid(), SIGKILL);
  disk.has_failed = true;
  disk.last_errno = disk.fault == DISK_ENOSPC ? ENOSPC : EIO;
  return true;
}

void disk_begin(disk_fault fault, int64_t fail_at, bool fails_on) {
  disk_end();
  disk.fault = fault;
  disk.fail_at = fail_at;
  disk.fails_on = fails_on;
  disk.is_shadowing = fault == DISK_POWER;
}

bool disk_has_failed(void) {
  return disk.has_failed;
}

int64_t disk_count(void) {
  return disk.count;
}

void disk_end(void) {
  disk.fault = DISK_FINE;
  disk.count = disk.fail_at = 0;
  disk.has_failed = disk.is_shadowing = false;
  for (int i = 0; i < FILES_MAX; i++)
    forget(&disk.shadows[i]);
}

// -- Files --------------------------------------------------------------------

typedef struct disk_file {
  sqlite3_file base;
  const char *path;
  sqlite3_file *real;
} disk_file;

static sqlite3_file *real_of(sqlite3_file *file) {
  return ((disk_file *)file)->real;
}

#define REAL(file) real_of(file)->pMethods

static int file_close(sqlite3_file *file) {
  return REAL(file)->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *to, int bytes,
                     sqlite3_int64 at) {
  if (fails(ASKS))
    return SQLITE_IOERR_READ;
  return REAL(file)->xRead(real_of(file), to, bytes, at);
}

// Half of it is written before it is noticed that there is no room.
static int file_write(sqlite3_file *file, const void *from, int bytes,
                      sqlite3_int64 at) {
  const char *path = ((disk_file *)file)->path;
  if (fails(NEEDS_ROOM)) {
    if (disk.fault != DISK_POWER)
      REAL(file)->xWrite(real_of(file), from, bytes / 2, at);
    return disk.fault == DISK_ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
  }
  remember(shadow_of(path), at, from, (size_t)bytes);
  return REAL(file)->xWrite(real_of(file), from, bytes, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 bytes) {
  if (fails(CHANGES))
    return SQLITE_IOERR_TRUNCATE;
  remember(shadow_of(((disk_file *)file)->path), bytes, NULL, 0);
  return REAL(file)->xTruncate(real_of(file), bytes);
}

// The real one is not synced: what would be lost is known here.
static int file_sync(sqlite3_file *file, int flags) {
  (void)flags;
  if (fails(CHANGES))
    return SQLITE_IOERR_FSYNC;
  synced(shadow_of(((disk_file *)file)->path));
  return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *bytes) {
  if (fails(ASKS))
    return SQLITE_IOERR_FSTAT;
  return REAL(file)->xFileSize(real_of(file), bytes);
}

static int file_lock(sqlite3_file *file, int lock) {
  if (fails(ASKS))
    return SQLITE_IOERR_LOCK;
  return REAL(file)->xLock(real_of(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock) {
  return REAL(file)->xUnlock(real_of(file), lock);
}

static int file_is_reserved(sqlite3_file *file, int *is) {
  return REAL(file)->xCheckReservedLock(real_of(file), is);
}

static int file_control(sqlite3_file *file, int what, void *about) {
  return REAL(file)->xFileControl(real_of(file), what, about);
}

static int file_sector(sqlite3_file *file) {
  return REAL(file)->xSectorSize(real_of(file));
}

static int file_traits(sqlite3_file *file) {
  return REAL(file)->xDeviceCharacteristics(real_of(file));
}

static int file_map(sqlite3_file *file, int page, int bytes, int extend,
                    void volatile **memory) {
  if (fails(extend ? NEEDS_ROOM : ASKS))
    return SQLITE_IOERR_SHMSIZE;
  return REAL(file)->xShmMap(real_of(file), page, bytes, extend, memory);
}

static int file_map_lock(sqlite3_file *file, int at, int count, int flags) {
  if ((flags & SQLITE_SHM_LOCK) != 0 && fails(ASKS))
    return SQLITE_IOERR_SHMLOCK;
  return REAL(file)->xShmLock(real_of(file), at, count, flags);
}

static void file_barrier(sqlite3_file *file) {
  REAL(file)->xShmBarrier(real_of(file));
}

static int file_unmap(sqlite3_file *file, int is_last) {
  return REAL(file)->xShmUnmap(real_of(file), is_last);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_is_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = file_map,
    .xShmLock = file_map_lock,
    .xShmBarrier = file_barrier,
    .xShmUnmap = file_unmap,
};

// -- The VFS ------------------------------------------------------------------

static int disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file,
                     int flags, int *given) {
  disk_file *mine = (disk_file *)file;
  (void)vfs;
  mine->base.pMethods = NULL;
  if (fails(flags & SQLITE_OPEN_CREATE ? NEEDS_ROOM : ASKS))
    return SQLITE_CANTOPEN;
  shadow *known = shadow_of(path); // As it was before it is made.
  if (known != NULL && (flags & SQLITE_OPEN_CREATE) != 0) {
    if (!known->is_there)
      remember(known, 0, NULL, 0); // Another one of this name.
    known->is_there = true;
  }
  mine->path = path;
  mine->real = (sqlite3_file *)(mine + 1);
  int code = disk.real->xOpen(disk.real, path, mine->real, flags, given);
  if (mine->real->pMethods != NULL)
    mine->base.pMethods = &methods;
  return code;
}

static int disk_delete(sqlite3_vfs *vfs, const char *path, int is_synced) {
  (void)vfs;
  if (fails(CHANGES))
    return SQLITE_IOERR_DELETE;
  shadow *file = shadow_of(path);
  int code = disk.real->xDelete(disk.real, path, 0);
  if (file != NULL && code == SQLITE_OK) {
    file->is_there = false;
    if (is_synced)
      file->was_there = false;
  }
  return code;
}

static int disk_access(sqlite3_vfs *vfs, const char *path, int flags,
                       int *result) {
  (void)vfs;
  if (fails(ASKS))
    return SQLITE_IOERR_ACCESS;
  return disk.real->xAccess(disk.real, path, flags, result);
}

static int disk_path(sqlite3_vfs *vfs, const char *path, int bytes,
                     char *whole) {
  (void)vfs;
  return disk.real->xFullPathname(disk.real, path, bytes, whole);
}

static int disk_random(sqlite3_vfs *vfs, int bytes, char *to) {
  (void)vfs;
  return disk.real->xRandomness(disk.real, bytes, to);
}

static int disk_sleep(sqlite3_vfs *vfs, int us) {
  (void)vfs;
  return disk.real->xSleep(disk.real, us);
}

static int disk_time(sqlite3_vfs *vfs, sqlite3_int64 *ms) {
  (void)vfs;
  return disk.real->xCurrentTimeInt64(disk.real, ms);
}

static int disk_error(sqlite3_vfs *vfs, int bytes, char *text) {
  (void)vfs;
  (void)bytes;
  (void)text;
  return disk.last_errno;
}

void disk_install(void) {
  disk.real = sqlite3_vfs_find(NULL);
  disk.vfs = (sqlite3_vfs){
      .iVersion = 2,
      .szOsFile = (int)sizeof(disk_file) + disk.real->szOsFile,
      .mxPathname = disk.real->mxPathname,
      .zName = disk_name,
      .xOpen = disk_open,
      .xDelete = disk_delete,
      .xAccess = disk_access,
      .xFullPathname = disk_path,
      .xRandomness = disk_random,
      .xSleep = disk_sleep,
      .xGetLastError = disk_error,
      .xCurrentTimeInt64 = disk_time,
  };
  if (sqlite3_vfs_register(&disk.vfs, 0) != SQLITE_OK)
    abort();
}
