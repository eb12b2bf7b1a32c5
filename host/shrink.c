// farside simulate --shrink: the fewest steps of a plan with which it still
// fails.
//
// A step is a statement at the top of the plan that is a call on `phone`, such
// as phone:advance("1s"). Nothing else is ever left out, and each attempt is
// played: what is printed has failed.

#include "simulation.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

// -- Tokens -------------------------------------------------------------------

typedef enum kind {
  END,
  NAME,   // Also numbers: they end an expression too.
  WORD,   // A keyword.
  STRING, // Any literal of a string.
  OTHER   // One character.
} kind;

typedef struct token {
  kind kind;
  size_t start, end; // In the text.
} token;

static size_t long_bracket(const char *text, size_t at) {
  size_t level = 0, from = at;
  if (text[at] != '[')
    return 0;
  while (text[++at] == '=')
    level++;
  if (text[at] != '[')
    return 0;
  for (; text[at] != '\0'; at++) {
    if (text[at] != ']')
      continue;
    size_t equals = 0;
    while (text[at + 1 + equals] == '=')
      equals++;
    if (equals == level && text[at + 1 + equals] == ']')
      return at + equals + 2 - from;
  }
  return at - from;
}

static size_t skip_blank(const char *text, size_t at) {
  for (;;) {
    while (isspace((unsigned char)text[at]))
      at++;
    if (strncmp(text + at, "--", 2) != 0)
      return at;
    at += 2;
    size_t length = long_bracket(text, at);
    at += length ? length : strcspn(text + at, "\n");
  }
}

static size_t quoted(const char *text, size_t at) {
  char quote = text[at];
  size_t from = at++;
  while (text[at] != '\0' && text[at] != quote)
    at += text[at] == '\\' && text[at + 1] != '\0' ? 2 : 1;
  return at + (text[at] == quote) - from;
}

static bool is_keyword(const char *word, size_t length) {
  static const char list[] =
      " and break do else elseif end for function goto if in local not or "
      "repeat return then until while ";
  char padded[16];
  if (length > 10)
    return false;
  snprintf(padded, sizeof padded, " %.*s ", (int)length, word);
  return strstr(list, padded) != NULL;
}

static bool is_word(char c) {
  return isalnum((unsigned char)c) || c == '_';
}

static token next_token(const char *text, size_t at) {
  at = skip_blank(text, at);
  token found = {.kind = OTHER, .start = at, .end = at + 1};
  size_t length = long_bracket(text, at);
  if (text[at] == '\0') {
    found = (token){.kind = END, .start = at, .end = at};
  } else if (length > 0) {
    found.kind = STRING;
    found.end = at + length;
  } else if (text[at] == '"' || text[at] == '\'') {
    found.kind = STRING;
    found.end = at + quoted(text, at);
  } else if (is_word(text[at])) {
    while (is_word(text[found.end]))
      found.end++;
    found.kind = is_keyword(text + at, found.end - at) ? WORD : NAME;
  }
  return found;
}

static bool is(const char *text, token it, const char *word) {
  return it.end - it.start == strlen(word) &&
         strncmp(text + it.start, word, it.end - it.start) == 0;
}

static bool is_any(const char *text, token it, const char *characters) {
  return it.kind == OTHER && strchr(characters, text[it.start]) != NULL;
}

// How a token changes the depth of blocks and brackets. `do` belongs to its
// `while` or `for`, and `elseif` and `else` change nothing.
static int depth_of(const char *text, token it, bool *has_loop) {
  if (it.kind == OTHER)
    return is_any(text, it, "([{") ? 1 : is_any(text, it, ")]}") ? -1 : 0;
  if (it.kind != WORD)
    return 0;
  if (is(text, it, "while") || is(text, it, "for")) {
    *has_loop = true;
    return 1;
  }
  if (is(text, it, "do") && *has_loop) {
    *has_loop = false;
    return 0;
  }
  if (is(text, it, "if") || is(text, it, "function") ||
      is(text, it, "repeat") || is(text, it, "do"))
    return 1;
  return is(text, it, "end") || is(text, it, "until") ? -1 : 0;
}

// Whether a statement may be over with this token: two expressions never stand
// side by side.
static bool can_end(const char *text, token it) {
  switch (it.kind) {
  case END: // Before the first.
  case NAME:
  case STRING:
    return true;
  case WORD:
    return is(text, it, "end") || is(text, it, "break");
  default:
    return is_any(text, it, ")]};");
  }
}

// -- Steps --------------------------------------------------------------------

typedef struct step {
  size_t start, end;
  bool is_left_out;
} step;

enum { STEPS_MAX = 1000 };

typedef struct plan {
  char *text;
  step steps[STEPS_MAX];
  size_t count;
} plan;

// phone:name(…), phone:name "…" or phone:name {…}, and the next token must
// begin something else. False for anything more than one call.
static bool read_step(const char *text, token phone, token *last) {
  token colon = next_token(text, phone.end);
  token name = next_token(text, colon.end);
  token open = next_token(text, name.end);
  if (!is_any(text, colon, ":") || name.kind != NAME)
    return false;
  *last = open;
  if (open.kind != STRING) {
    if (!is_any(text, open, "({"))
      return false;
    bool has_loop = false;
    for (int depth = 1; depth > 0;) {
      *last = next_token(text, last->end);
      if (last->kind == END)
        return false;
      depth += depth_of(text, *last, &has_loop);
    }
  }
  token after = next_token(text, last->end);
  return after.kind != STRING && !is_any(text, after, ".:[({=,");
}

static void split(plan *mine) {
  const char *text = mine->text;
  token before = {.kind = END}, it = next_token(text, 0), last;
  int depth = 0;
  bool has_loop = false;
  for (; it.kind != END && mine->count < STEPS_MAX;
       before = it, it = next_token(text, it.end)) {
    if (depth == 0 && is(text, it, "phone") && can_end(text, before) &&
        read_step(text, it, &last)) {
      mine->steps[mine->count++] = (step){.start = it.start, .end = last.end};
      it = last;
      continue;
    }
    depth += depth_of(text, it, &has_loop);
  }
}

// The plan without what is left out. A semicolon keeps its neighbours apart,
// and every line its number.
static char *text_of(const plan *mine) {
  char *copy = strdup(mine->text);
  for (size_t i = 0; copy != NULL && i < mine->count; i++) {
    if (!mine->steps[i].is_left_out)
      continue;
    for (size_t at = mine->steps[i].start; at < mine->steps[i].end; at++)
      copy[at] = copy[at] == '\n' ? '\n' : ' ';
    copy[mine->steps[i].start] = ';';
  }
  return copy;
}

// -- Trying -------------------------------------------------------------------

static int play(const command_line *line, const char *text, char *reason,
                size_t bytes) {
  simulation mine = {
      .line = line, .seed = line->seed, .plan_text = text, .is_quiet = true};
  int code = EXIT_FINE;
  if (simulation_play(&mine)) {
    code = simulation_verdict(&mine);
    const char *why = simulation_reason(&mine);
    if (reason != NULL)
      snprintf(reason, bytes, "%.*s", (int)strcspn(why, "\n"), why);
  }
  simulation_end(&mine);
  return code;
}

// How a plan fails: another failure is not this one made smaller.
typedef struct failure {
  int code;
  char reason[200];
} failure;

static bool still_fails(const command_line *line, const plan *mine,
                        const failure *wanted) {
  failure got = {0};
  char *text = text_of(mine);
  if (text != NULL)
    got.code = play(line, text, got.reason, sizeof got.reason);
  free(text);
  return got.code == wanted->code && strcmp(got.reason, wanted->reason) == 0;
}

// Leaves out runs of `length` steps where that changes nothing.
static bool leave_out(const command_line *line, plan *mine, size_t length,
                      const failure *wanted) {
  bool has_changed = false;
  for (size_t from = 0; from < mine->count; from += length) {
    bool was[STEPS_MAX];
    bool is_new = false;
    size_t to = from + length < mine->count ? from + length : mine->count;
    for (size_t i = from; i < to; i++) {
      was[i] = mine->steps[i].is_left_out;
      is_new = is_new || !was[i];
      mine->steps[i].is_left_out = true;
    }
    if (is_new && still_fails(line, mine, wanted)) {
      has_changed = true;
      continue;
    }
    for (size_t i = from; i < to; i++)
      mine->steps[i].is_left_out = was[i];
  }
  return has_changed;
}

static void shrink(const command_line *line, plan *mine,
                   const failure *wanted) {
  for (size_t length = (mine->count + 1) / 2; length > 1; length /= 2)
    leave_out(line, mine, length, wanted);
  while (leave_out(line, mine, 1, wanted))
    continue;
}

// Lines that a step has left empty are not shown.
static void put_plan(const plan *mine, const char *text) {
  for (const char *old = mine->text; *text != '\0';) {
    size_t length = strcspn(text, "\n");
    bool is_gone = strspn(text, "; \t") >= length && strncmp(old, text, length);
    if (!is_gone)
      printf("%.*s\n", (int)length, text);
    size_t whole = length + (text[length] == '\n');
    text += whole;
    old += whole;
  }
}

static char *read_plan(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL)
    return NULL;
  char *text = NULL;
  size_t bytes = 0, room = 0;
  do {
    room = room ? room * 2 : 4096;
    char *larger = realloc(text, room);
    if (larger == NULL)
      break;
    text = larger;
    bytes += fread(text + bytes, 1, room - 1 - bytes, file);
    text[bytes] = '\0';
  } while (bytes == room - 1);
  fclose(file);
  return text;
}

static void report(const command_line *line, plan *mine,
                   const failure *wanted) {
  char *text = text_of(mine);
  size_t left = 0;
  for (size_t i = 0; i < mine->count; i++)
    left += !mine->steps[i].is_left_out;
  printf("-- %zu of %zu steps of %s are enough, seed %llu:\n-- %s\n", left,
         mine->count, line->plan, (unsigned long long)simulation_seed(line),
         wanted->reason);
  put_plan(mine, text ? text : mine->text);
  free(text);
}

int simulate_shrink(const command_line *line) {
  failure wanted = {.code = EXIT_USAGE};
  plan *mine = calloc(1, sizeof *mine);
  if (mine != NULL)
    mine->text = read_plan(line->plan);
  if (mine == NULL || mine->text == NULL) {
    fprintf(stderr, "farside simulate: the plan %s cannot be read\n",
            line->plan);
    free(mine);
    return EXIT_USAGE;
  }
  wanted.code = play(line, mine->text, wanted.reason, sizeof wanted.reason);
  if (wanted.code == EXIT_FINE) {
    printf("the plan %s does not fail: there is nothing to shrink\n",
           line->plan);
  } else {
    split(mine);
    shrink(line, mine, &wanted);
    report(line, mine, &wanted);
  }
  free(mine->text);
  free(mine);
  return wanted.code;
}
