// farside_bench: one measurement a run. README.md says what each is for.

#include "bench.h"

#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  bench_command *run;
} commands[] = {
    {"hosted", bench_hosted},
    {"arena", bench_in_arena},
    {"malloc", bench_in_malloc},
    {"open-hosted", bench_open_hosted},
    {"open-plain", bench_open_plain},
    {"many-hosted", bench_many_hosted},
    {"many-plain", bench_many_plain},
    {"overrun", bench_overrun},
    {"interrupt", bench_interrupt},
    {"unmap", bench_unmap},
    {"turns", bench_turns},
    {"idle", bench_idle},
    {"frames", bench_frames},
    {"app", bench_app},
    {"dispatch", bench_dispatch},
    {"dispatch-plain", bench_dispatch_plain},
    {"messages", bench_messages},
    {"messages-plain", bench_messages_plain},
    {"by-hand", bench_by_hand},
    {"http", bench_http},
    {"spawn", bench_spawn},
    {"size", bench_size},
    {"work", bench_work},
    {"work-sql", bench_work_sql},
    {"work-open", bench_work_open},
};

int main(int argc, char **argv) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (argc > 1 && strcmp(argv[1], commands[i].name) == 0)
      return commands[i].run(argc - 2, argv + 2);
  fprintf(stderr, "farside_bench: which measurement?\n");
  return 2;
}
