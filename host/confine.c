#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#if defined(__has_include)
#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#endif
#endif
#endif

// AddressSanitizer and ThreadSanitizer map terabytes that are never used, open
// files and write reports.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

enum {
  FILES_MAX = 32,
  // What the host takes beside the script: entries and messages under way, the
  // timeline, and malloc's habit of mapping 64 MiB for a second thread.
  HOST_BYTES = 192 * 1024 * 1024,
  // What a process has mapped before it runs a script, where nobody says.
  START_BYTES = 512 * 1024 * 1024
};

void far_confine_files(int first) {
#if defined(SYS_close_range)
  if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0)
    return;
#endif
  long most = sysconf(_SC_OPEN_MAX);
  for (int file = first; file < most && file < 65536; file++)
    close(file);
}

bool far_confine_to_parent(pid_t parent) {
#if defined(__linux__)
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  return getppid() == parent;
}

// -- Limits -------------------------------------------------------------------

static bool limit(int what, uint64_t most) {
  struct rlimit now;
  if (getrlimit(what, &now) != 0)
    return false;
  if (now.rlim_max != RLIM_INFINITY && most > now.rlim_max)
    return true; // It is tighter already.
  struct rlimit wanted = {.rlim_cur = (rlim_t)most, .rlim_max = (rlim_t)most};
  return setrlimit(what, &wanted) == 0;
}

// How much this process has mapped.
static uint64_t mapped_bytes(void) {
  unsigned long long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file != NULL) {
    if (fscanf(file, "%llu", &pages) != 1)
      pages = 0;
    fclose(file);
  }
  return pages ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : START_BYTES;
}

// RLIMIT_CPU counts from the start of a process, and RLIMIT_NPROC a user's
// processes: neither says anything about a script that may run for weeks.
bool far_confine_limits(uint64_t memory_bytes) {
  bool is_fine = limit(RLIMIT_CORE, 0);
  if (IS_SANITIZED)
    return is_fine;
  is_fine =
      limit(RLIMIT_NOFILE, FILES_MAX) && limit(RLIMIT_FSIZE, 0) && is_fine;
  signal(SIGXFSZ, SIG_IGN);
  uint64_t rest = mapped_bytes() + HOST_BYTES;
  if (memory_bytes < UINT64_MAX - rest)
    is_fine = limit(RLIMIT_AS, memory_bytes + rest) && is_fine;
  return is_fine;
}

// -- Reading ------------------------------------------------------------------

#if defined(LANDLOCK_CREATE_RULESET_VERSION) &&                                \
    defined(SYS_landlock_create_ruleset)

#if !defined(O_PATH) // Which glibc shows to few.
#define O_PATH 010000000
#endif

static void allow_below(int rules, const char *path, uint64_t access) {
  int file = open(path, O_PATH | O_CLOEXEC);
  if (file < 0)
    return;
  struct landlock_path_beneath_attr rule = {.allowed_access = access,
                                            .parent_fd = file};
  syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  close(file);
}

// The rights of the first version, which every later one knows. The filter
// refuses what came after: it is all of it writing.
bool far_confine_reading(const char *const *paths) {
  const uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE;
  struct landlock_ruleset_attr all = {
      .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
  int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
  if (rules < 0)
    return false;
  for (size_t i = 0; paths[i] != NULL; i++)
    allow_below(rules, paths[i], read);
  bool is_fine = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                 syscall(SYS_landlock_restrict_self, rules, 0) == 0;
  close(rules);
  return is_fine;
}

#else

bool far_confine_reading(const char *const *paths) {
  (void)paths;
  return false;
}

#endif

// -- Calls --------------------------------------------------------------------

#if defined(__linux__) && defined(SECCOMP_FILTER_FLAG_TSYNC) &&                \
    (defined(__x86_64__) || defined(__aarch64__))

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#else
#define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

// An argument must be a value, or lack some bits.
typedef enum check { ANY, IS, LACKS } check;

typedef struct call {
  uint32_t number;
  check check;
  uint32_t argument;
  uint32_t value;
} call;

#define WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)

static const call calls[] = {
    // Files that are open.
    {__NR_read, ANY, 0, 0},
    {__NR_write, ANY, 0, 0},
    {__NR_readv, ANY, 0, 0},
    {__NR_writev, ANY, 0, 0},
    {__NR_pread64, ANY, 0, 0},
    {__NR_lseek, ANY, 0, 0},
    {__NR_close, ANY, 0, 0},
    {__NR_fstat, ANY, 0, 0},
    {__NR_epoll_ctl, ANY, 0, 0},
    {__NR_epoll_pwait, ANY, 0, 0},
    {__NR_ppoll, ANY, 0, 0},
    // Not F_SETOWN: it sends signals to others.
    {__NR_fcntl, IS, 1, F_GETFD},
    {__NR_fcntl, IS, 1, F_SETFD},
    {__NR_fcntl, IS, 1, F_GETFL},
    {__NR_fcntl, IS, 1, F_SETFL},
    {__NR_ioctl, IS, 1, FIONBIO},
    {__NR_ioctl, IS, 1, FIOCLEX},

    // Files that are read.
    {__NR_openat, LACKS, 2, WRITING},
    {__NR_newfstatat, ANY, 0, 0},
    {__NR_statx, ANY, 0, 0},
    {__NR_readlinkat, ANY, 0, 0},
    {__NR_faccessat, ANY, 0, 0},
    {__NR_getcwd, ANY, 0, 0},

    // Memory.
    {__NR_mmap, LACKS, 2, PROT_EXEC},
    {__NR_mprotect, LACKS, 2, PROT_EXEC},
    {__NR_munmap, ANY, 0, 0},
    {__NR_mremap, ANY, 0, 0},
    {__NR_madvise, ANY, 0, 0},
    {__NR_brk, ANY, 0, 0},

    // Threads that are there, one of which may just begin, and time.
    {__NR_set_robust_list, ANY, 0, 0},
#if defined(__NR_rseq)
    {__NR_rseq, ANY, 0, 0},
#endif
    {__NR_futex, ANY, 0, 0},
    {__NR_sched_yield, ANY, 0, 0},
    {__NR_sched_getaffinity, ANY, 0, 0},
    {__NR_clock_gettime, ANY, 0, 0},
    {__NR_clock_getres, ANY, 0, 0},
    {__NR_clock_nanosleep, ANY, 0, 0},
    {__NR_nanosleep, ANY, 0, 0},
    {__NR_gettimeofday, ANY, 0, 0},

    // Signals; tgkill comes with the process's own id.
    {__NR_rt_sigaction, ANY, 0, 0},
    {__NR_rt_sigprocmask, ANY, 0, 0},
    {__NR_rt_sigreturn, ANY, 0, 0},
    {__NR_restart_syscall, ANY, 0, 0},
    {__NR_sigaltstack, ANY, 0, 0},

    // The watchdog's alarm: a signal to a thread of this process.
    {__NR_timer_create, IS, 0, CLOCK_MONOTONIC},
    {__NR_timer_settime, ANY, 0, 0},
    {__NR_timer_delete, ANY, 0, 0},

    // The end, and what there is to know.
    {__NR_exit, ANY, 0, 0},
    {__NR_exit_group, ANY, 0, 0},
    {__NR_getpid, ANY, 0, 0},
    {__NR_gettid, ANY, 0, 0},
    {__NR_getppid, ANY, 0, 0},
    {__NR_getuid, ANY, 0, 0},
    {__NR_geteuid, ANY, 0, 0},
    {__NR_getgid, ANY, 0, 0},
    {__NR_getegid, ANY, 0, 0},
    {__NR_getrandom, ANY, 0, 0},
    {__NR_getrusage, ANY, 0, 0},
    {__NR_prlimit64, IS, 2, 0}, // Reads limits, and sets none.
    {__NR_sysinfo, ANY, 0, 0},
    {__NR_uname, ANY, 0, 0},

#if defined(__x86_64__)
    // What newer machines have no more.
    {__NR_open, LACKS, 1, WRITING},
    {__NR_stat, ANY, 0, 0},
    {__NR_lstat, ANY, 0, 0},
    {__NR_access, ANY, 0, 0},
    {__NR_readlink, ANY, 0, 0},
    {__NR_epoll_wait, ANY, 0, 0},
    {__NR_poll, ANY, 0, 0},
    {__NR_time, ANY, 0, 0},
#endif
};

enum {
  CALLS = sizeof calls / sizeof *calls,
  PROGRAM_MAX = 8 + 7 * (CALLS + 1),
  LOW = 0, // Where the halves of an argument are: both machines begin with
  HIGH = 4 // the low one.
};

typedef struct program {
  struct sock_filter code[PROGRAM_MAX];
  unsigned short size;
} program;

static void put(program *filter, struct sock_filter instruction) {
  filter->code[filter->size++] = instruction;
}

static void load(program *filter, size_t offset) {
  put(filter,
      (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

// Skips so many instructions when the comparison says so.
static void test(program *filter, uint16_t how, uint32_t value, uint8_t if_true,
                 uint8_t if_false) {
  put(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | how | BPF_K, value,
                                           if_true, if_false));
}

static void answer(program *filter, uint32_t what) {
  put(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what));
}

// The number is loaded before, and afterwards again.
static void allow(program *filter, const call *one) {
  size_t argument =
      offsetof(struct seccomp_data, args) + one->argument * sizeof(uint64_t);
  switch (one->check) {
  case ANY:
    test(filter, BPF_JEQ, one->number, 0, 1);
    answer(filter, SECCOMP_RET_ALLOW);
    break;
  case LACKS:
    test(filter, BPF_JEQ, one->number, 0, 4);
    load(filter, argument + LOW);
    test(filter, BPF_JSET, one->value, 1, 0);
    answer(filter, SECCOMP_RET_ALLOW);
    load(filter, offsetof(struct seccomp_data, nr));
    break;
  case IS:
    test(filter, BPF_JEQ, one->number, 0, 6);
    load(filter, argument + LOW);
    test(filter, BPF_JEQ, one->value, 0, 3);
    load(filter, argument + HIGH);
    test(filter, BPF_JEQ, 0, 0, 1);
    answer(filter, SECCOMP_RET_ALLOW);
    load(filter, offsetof(struct seccomp_data, nr));
    break;
  }
}

bool far_confine_calls(void) {
  program filter = {.size = 0};
  // Numbers of another machine mean other calls.
  load(&filter, offsetof(struct seccomp_data, arch));
  test(&filter, BPF_JEQ, THIS_ARCH, 1, 0);
  answer(&filter, SECCOMP_RET_KILL_PROCESS);
  load(&filter, offsetof(struct seccomp_data, nr));
  for (size_t i = 0; i < CALLS; i++)
    allow(&filter, &calls[i]);
  const call own = {__NR_tgkill, IS, 0, (uint32_t)getpid()};
  allow(&filter, &own);
  answer(&filter, SECCOMP_RET_ERRNO | EPERM);
  const struct sock_fprog whole = {.len = filter.size, .filter = filter.code};
  // Without this, a program with more rights could be run, and confused.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return false;
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                 SECCOMP_FILTER_FLAG_TSYNC, &whole) == 0;
}

#else

bool far_confine_calls(void) {
  return false;
}

#endif
