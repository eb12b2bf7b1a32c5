// What the measurements share: clocks, figures on standard output, and a host
// that shows what its scripts print.
//
// A measurement is one run of this program. It prints lines of a name and a
// value, with a tab between them; run.lua reads them.
#ifndef BENCH_H
#define BENCH_H

#include "../host/farside.h"

#include <lua.h>
#include <stddef.h>
#include <stdint.h>

// Each takes what follows its name on the command line, and returns the exit
// status. The list of them is in main.c.
typedef int bench_command(int argc, char **argv);
bench_command bench_hosted, bench_in_arena, bench_in_malloc;
bench_command bench_open_hosted, bench_open_plain;
bench_command bench_many_hosted, bench_many_plain;
bench_command bench_interrupt, bench_unmap;
bench_command bench_overrun, bench_turns, bench_idle, bench_frames;
bench_command bench_app, bench_dispatch, bench_dispatch_plain;
bench_command bench_messages, bench_messages_plain, bench_by_hand;
bench_command bench_spawn, bench_size, bench_http;
bench_command bench_work, bench_work_sql, bench_work_open;

uint64_t bench_now_ns(void);
uint64_t bench_cpu_ns(void);     // Of this thread.
uint64_t bench_process_ns(void); // Of all threads.
double bench_peak_bytes(void);   // The most that was resident.

// Bytes that malloc() has handed out and not got back.
size_t bench_heap_bytes(void);

// Prints a figure.
void bench_say(const char *name, double value);

// Prints the 50th and the 99th percentile, and the maximum. Sorts them.
void bench_say_spread(const char *name, double *values, size_t count);

// Says what is wrong, and ends.
_Noreturn void bench_fail(const char *what, const char *why);

// argv[index] as a number, or what to take where there are fewer.
uint64_t bench_argument(int argc, char **argv, int index, uint64_t otherwise);

// A file whole, or ends. Yours to free.
char *bench_read(const char *path, size_t *bytes);

// A host that prints what its scripts print, and ends the program on any error
// of theirs.
farside_host *bench_host_open(farside_config *config);

// Loads code under a name; ends the program where that fails.
void bench_load(farside_host *host, const char *name, const char *code);

#endif
