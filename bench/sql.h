// What SQLite is told: written down as a store tells it, and told again by
// nobody but a loop in C.
//
// So the peer of durable work tells SQLite what ours does by construction: the
// same statements with the same values, in the same order, within the same
// transactions, prepared as often and kept as long. The linker leads all calls
// of the host through here (--wrap); what is not written down is only counted.
#ifndef BENCH_SQL_H
#define BENCH_SQL_H

#include <stdint.h>

typedef struct bench_sql_counts {
  uint64_t statements, commits;
  uint64_t sum; // Of what was read, so that it is read.
  uint64_t marked_ns, marked_cpu_ns;
  uint64_t committed_ns;     // The end of the last commit, on the wall,
  uint64_t committed_cpu_ns; // and in the thread's processor time.
} bench_sql_counts;

// Since bench_sql_mark().
extern bench_sql_counts bench_sql_counted;

// Counts from zero, from here on. In what is written down the mark stays.
void bench_sql_mark(void);

// Writes down everything from the next connection on, until told to stop.
void bench_sql_record(void);
void bench_sql_record_stop(void);

// Tells it all to another file. Whatever a statement answers is read, and the
// program ends where it is not of the kind that it was. Counts, from the mark
// on.
void bench_sql_replay(const char *path);

// The number that a query yields.
int64_t bench_sql_number(const char *path, const char *query);

#endif
