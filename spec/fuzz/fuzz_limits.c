// Limits, grants, URL patterns and command lines: whatever is written, what is
// understood can be said again, and what two of them say together is no more
// than each says.

#include "command.h"
#include "input.h"
#include "limit.h"
#include "manifest.h"
#include "pattern.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { FIELDS = sizeof(farside_limits) / sizeof(uint64_t), WORDS_MAX = 80 };

// -- Sentences ----------------------------------------------------------------

// A buffer of just this size, so that one byte too many is seen.
static char *sentence_new(input *from, size_t *bytes) {
  *bytes =
      input_below(from, 2) ? 1 + input_below(from, 60) : FAR_SENTENCE_BYTES;
  char *text = malloc(*bytes);
  expect(text != NULL);
  memset(text, 'x', *bytes);
  return text;
}

static void check_sentence(const char *text, size_t bytes) {
  size_t length = strnlen(text, bytes);
  expect(length < bytes);
  expect(bytes == 1 || length > 0);
}

// -- Limits -------------------------------------------------------------------

static bool same(const farside_limits *a, const farside_limits *b) {
  return memcmp(a, b, sizeof *a) == 0;
}

static void check_printed(const farside_limits *limits) {
  static const farside_limits none;
  char text[FAR_LIMITS_TEXT_BYTES], error[FAR_SENTENCE_BYTES];
  farside_limits again;
  far_limits_print(limits, text, sizeof text);
  expect(strlen(text) < sizeof text - 1);
  if (same(limits, &none)) {
    expect(text[0] == '\0');
    return;
  }
  expect(far_limits_parse(text, &again, error, sizeof error));
  expect(same(limits, &again));
}

static void check_pair(const farside_limits *granted,
                       const farside_limits *asked) {
  static const farside_limits none;
  char error[FAR_SENTENCE_BYTES];
  farside_limits tight, again, excess, raised = *granted, full = *granted;
  const uint64_t *want = (const uint64_t *)(const void *)asked;
  const uint64_t *has = (const uint64_t *)(const void *)&tight;
  const uint64_t *more = (const uint64_t *)(const void *)&excess;
  far_limits_tighten(granted, asked, &tight);
  far_limits_excess(asked, granted, &excess);
  bool is_within = far_limits_within(asked, granted, error, sizeof error);
  expect(is_within == same(&excess, &none));
  expect(far_limits_within(&tight, granted, error, sizeof error));
  expect(far_limits_check(&tight, error, sizeof error));
  for (size_t i = 0; i < FIELDS; i++) {
    expect(has[i] != 0);
    expect(want[i] == 0 || has[i] <= want[i]);
    expect(!is_within || want[i] == 0 || has[i] == want[i]);
    expect(more[i] == 0 || more[i] == want[i]);
    if (more[i] != 0)
      ((uint64_t *)(void *)&raised)[i] = more[i];
  }
  far_limits_tighten(granted, &tight, &again);
  expect(same(&tight, &again));
  far_limits_default(&full);
  far_limits_tighten(&full, &tight, &again);
  expect(same(&tight, &again));
  // What a sentence says to grant is enough.
  expect(far_limits_within(asked, &raised, error, sizeof error));
}

static void parse_limits(input *from, farside_limits *limits) {
  size_t bytes;
  char *error = sentence_new(from, &bytes), *text = input_text(from);
  farside_limits before = *limits;
  if (far_limits_parse(text, limits, error, bytes)) {
    char why[FAR_SENTENCE_BYTES];
    expect(far_limits_check(limits, why, sizeof why));
    check_printed(limits);
  } else {
    check_sentence(error, bytes);
    expect(same(limits, &before));
  }
  free(text);
  free(error);
}

static void set_limit(input *from, farside_limits *limits) {
  size_t bytes;
  char *error = sentence_new(from, &bytes);
  char *name = input_word(from), *value = input_text(from);
  farside_limits before = *limits;
  if (far_limits_set(limits, name, value, error, bytes)) {
    check_printed(limits);
  } else {
    check_sentence(error, bytes);
    expect(same(limits, &before));
  }
  free(value);
  free(name);
  free(error);
}

// Limits that nobody has read from a text.
static void make_limits(input *from, farside_limits *limits) {
  size_t bytes;
  char *error = sentence_new(from, &bytes);
  farside_limits made;
  for (size_t i = 0; i < FIELDS; i++) {
    uint64_t number = input_number(from);
    ((uint64_t *)(void *)&made)[i] = number == 1 ? FARSIDE_NO_LIMIT : number;
  }
  if (far_limits_check(&made, error, bytes)) {
    check_printed(&made);
    *limits = made;
  } else {
    check_sentence(error, bytes);
  }
  free(error);
}

// -- Grants -------------------------------------------------------------------

static void check_grants(const farside_permissions *grants) {
  char error[FAR_SENTENCE_BYTES];
  far_memory memory;
  far_memory_init(&memory, NULL, NULL);
  farside_manifest table = {.needs = *grants};
  far_manifest *kept;
  expect(far_manifest_copy(&memory, &table, &kept, error, sizeof error) ==
         FARSIDE_OK);
  // Who is granted just what he asks for may have it.
  expect(far_manifest_check(kept, &kept->said.needs, error, sizeof error) ==
         FARSIDE_OK);
  far_manifest_free(kept);
  expect(memory.used_bytes == 0);
}

static void parse_permission(input *from) {
  size_t bytes;
  char *error = sentence_new(from, &bytes), *text = input_text(from);
  far_permission permission;
  const char *value;
  if (far_permission_parse(text, &permission, &value, error, bytes)) {
    expect(value > text && value < text + strlen(text) && value[-1] == '=');
    const char *list[] = {value, NULL};
    farside_permissions grants = {0};
    *(permission == FAR_PERMISSION_MODULE ? &grants.modules
      : permission == FAR_PERMISSION_HTTP ? &grants.http
                                          : &grants.background) = list;
    check_grants(&grants);
  } else {
    check_sentence(error, bytes);
  }
  free(text);
  free(error);
}

// -- Patterns -----------------------------------------------------------------

static bool is_same_address(const far_pattern *a, const far_pattern *b) {
  return a->is_https == b->is_https && a->port == b->port &&
         a->has_subdomains == b->has_subdomains &&
         a->host_bytes == b->host_bytes &&
         strncasecmp(a->host, b->host, a->host_bytes) == 0 &&
         a->is_prefix == b->is_prefix && a->path_bytes == b->path_bytes &&
         memcmp(a->path, b->path, a->path_bytes) == 0;
}

static void check_parts(const char *text, const far_pattern *pattern) {
  const char *end = text + strlen(text);
  expect(pattern->port > 0 && pattern->port <= 65535);
  expect(pattern->host > text && pattern->host_bytes > 0);
  expect(pattern->host + pattern->host_bytes <= pattern->path);
  expect(pattern->path[0] == '/' && pattern->path_bytes > 0);
  expect(pattern->path + pattern->path_bytes + pattern->is_prefix == end);
  expect(memchr(pattern->path, '*', pattern->path_bytes) == NULL);
  expect(far_pattern_covers(pattern, pattern));
}

// Up to three patterns, with spaces between them.
static void parse_patterns(input *from) {
  size_t bytes, count = 0;
  char *error = sentence_new(from, &bytes), *texts[3] = {NULL, NULL, NULL};
  far_pattern patterns[3];
  for (size_t i = 0; i < 3; i++) {
    texts[i] = input_word(from);
    if (far_pattern_parse(texts[i], &patterns[count], error, bytes))
      check_parts(texts[i], &patterns[count++]);
    else
      check_sentence(error, bytes);
  }
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < count; j++) {
      const far_pattern *a = &patterns[i], *b = &patterns[j];
      bool covers = far_pattern_covers(a, b);
      if (covers && far_pattern_covers(b, a))
        expect(is_same_address(a, b));
      for (size_t k = 0; covers && k < count; k++)
        if (far_pattern_covers(b, &patterns[k]))
          expect(far_pattern_covers(a, &patterns[k]));
    }
  for (size_t i = 0; i < 3; i++)
    free(texts[i]);
  free(error);
}

// -- Command lines ------------------------------------------------------------

static int parse_quietly(const far_command *command, int argc,
                         const char *const *argv, command_line *line) {
  static int nowhere = -1;
  if (nowhere < 0)
    nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  fflush(stderr);
  int kept = dup(STDERR_FILENO);
  dup2(nowhere, STDERR_FILENO);
  int status = command_line_parse(command, argc, argv, line);
  fflush(stderr);
  dup2(kept, STDERR_FILENO);
  close(kept);
  return status;
}

static void parse_words(input *from) {
  const far_command command = {
      .name = "try",
      .usage = "try [...]",
      .takes_many = input_below(from, 2),
      .options = input_below(from, 2)
                     ? " --limits --grant --trust --verbose -v "
                     : " --os --plan --timeline --grace --limits --grant "
                       "--trust --isolate --verbose -v "};
  char *words[WORDS_MAX + 1];
  int count = 0;
  while (count < WORDS_MAX && !input_is_empty(from))
    words[count++] = input_word(from);
  words[count] = NULL;
  command_line line;
  int status =
      parse_quietly(&command, count, (const char *const *)words, &line);
  expect(status == EXIT_FINE || status == EXIT_USAGE);
  if (status == EXIT_FINE) {
    expect(line.script_count > 0 && line.script_count <= SCRIPTS_MAX);
    expect(line.argc >= 0 && line.argv + line.argc == (void *)(words + count));
    farside_permissions grants = command_line_permissions(&line);
    check_grants(&grants);
  }
  while (count > 0)
    free(words[--count]);
}

// -- Each line is one thing to try --------------------------------------------

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  input all = {data, data + bytes};
  farside_limits granted = {0}, asked = {0};
  for (int lines = 0; lines < 16 && !input_is_empty(&all); lines++) {
    input line = input_line(&all);
    switch (input_below(&line, 7)) {
    case 0:
      parse_limits(&line, &asked);
      break;
    case 1:
      parse_limits(&line, &granted);
      break;
    case 2:
      set_limit(&line, &asked);
      break;
    case 3:
      make_limits(&line, input_below(&line, 2) ? &granted : &asked);
      break;
    case 4:
      parse_permission(&line);
      break;
    case 5:
      parse_patterns(&line);
      break;
    case 6:
      parse_words(&line);
      break;
    }
    check_pair(&granted, &asked);
  }
  return 0;
}
