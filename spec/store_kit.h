// What the tests of the store share: folders, records, a plain comparison.
#ifndef STORE_KIT_H
#define STORE_KIT_H

#include "store_sqlite.h"

// Counts, and prints what fails with its line.
extern int kit_passed, kit_failed;
void kit_check(bool is_true, const char *what, const char *detail, int line);
#define check(condition) kit_check((condition), #condition, "", __LINE__)
#define check_ok(status) kit_check_ok((status), #status, __LINE__)
#define ROWS(table)      (sizeof(table) / sizeof *(table))
void kit_check_ok(farside_status status, const char *what, int line);

// Prints the sum, and returns what main() returns.
int kit_end(void);

// A folder of its own, in which everything is deleted at kit_end(), and the
// path of a file in it, of a few names.
void kit_begin(const char *name);
const char *kit_path(const char *name);
void kit_clear(void); // Deletes what is in it.
bool kit_exists(const char *path);
int64_t kit_bytes(const char *path); // -1: there is none.
// How many names begin so, and the path of the shortest.
int kit_count(const char *prefix);
bool kit_find(const char *prefix, char *path, size_t bytes);

// A small generator, the same everywhere.
typedef struct kit_random {
  uint64_t state;
} kit_random;
uint64_t kit_next(kit_random *random);
uint64_t kit_below(kit_random *random, uint64_t most);

// A record of a script and a kind; the rest is zero.
far_work kit_work(far_memory *memory, const char *script, const char *kind);

// A record of which every field is something, by chance.
far_work kit_any_work(far_memory *memory, kit_random *random);

// Sets a string; memory is not short here.
void kit_set(far_memory *memory, char **field, const char *text);

bool kit_same(const far_work *a, const far_work *b);
bool kit_same_run(const far_run *a, const far_run *b);

// An allocator that refuses the allocation `fail_at`, and with fails_on every
// later one.
typedef struct kit_heap {
  size_t fail_at, count, refused, used_bytes;
  bool fails_on;
} kit_heap;
void *kit_allocate(void *user, void *ptr, size_t bytes_old, size_t bytes_new);

// A number that some SQL yields, by another connection.
int64_t kit_sql(const char *path, const char *sql);
// Whether SQLite's own check finds nothing, and indexes and tables agree.
bool kit_is_whole(const char *path);

#endif
