// Confinement: what a process gives up for good before it runs the script of
// somebody else.
//
// The sandbox and the watchdog hold a script inside Lua. This is the wall
// behind them, for the day on which a script finds its way out: then it is a
// process that can compute, talk to its parent, and read, and nothing else.
//
//   limits  no core file, no byte written to a file, few open files, memory
//   files   only the script, what lies below its folder, and the time zones can
//           be read (Linux 5.13, Landlock)
//   calls   the kernel: only what a running script needs (Linux on x86-64 and
//           on 64-bit ARM, seccomp)
//
// The calls that are left, and why:
//
//   read, write, poll, epoll   on files that are open already: the loop and the
//                              wire. No new socket, pipe or event
//   open for reading, stat,    the script, its manifest and its modules. An
//   realpath                   open that could write or create is refused
//   mmap, mprotect, brk, …     memory, but none that can be executed
//   futex, clocks, nanosleep   the watchdog's thread and time
//   timer_…                    the watchdog's alarm, in the process itself
//   rt_sig…, tgkill            the watchdog's signal, to the process itself
//   exit, getpid, uname, …     what tells no secret and changes nothing
//
// All else fails with EPERM: a new process or thread, execve, socket, ptrace, a
// signal to somebody else, a file's name, mode or owner, mount, setuid, prctl.
#ifndef FAR_CONFINE_H
#define FAR_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// Closes every file from `first` on.
void far_confine_files(int first);

// The process is killed when `parent` ends, where the kernel can do that
// (Linux). False when it has ended already.
bool far_confine_to_parent(pid_t parent);

// Sets the limits. `memory_bytes`: what the script may use; its process may
// take as much, beyond what it has now and what the host needs. UINT64_MAX: no
// limit.
bool far_confine_limits(uint64_t memory_bytes);

// Leaves only these files, and what lies below these folders, to be read; the
// list ends with NULL. What is not there is left out. False where the kernel
// cannot do that.
bool far_confine_reading(const char *const *paths);

// Installs the filter for all threads. False where the kernel cannot do that.
bool far_confine_calls(void);

#endif
