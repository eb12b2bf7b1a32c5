#include "manifest.h"

#include "pattern.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES_MAX = 64, MODULE_BYTES_MAX = 128, PATTERN_BYTES_MAX = 256 };

// -- Sentences ----------------------------------------------------------------

// Where a sentence goes. `about` is what it begins with: "http[2]: ".
typedef struct far_sentence {
  const char *about;
  char *text;
  size_t bytes;
} far_sentence;

// What somebody else wrote must not write to our terminal what it likes.
static void tame(char *text) {
  for (; *text != '\0'; text++)
    if ((unsigned char)*text < ' ' || *text == 0x7f)
      *text = '?';
}

__attribute__((format(printf, 2, 3))) static bool
refuse(const far_sentence *sentence, const char *format, ...) {
  int about = snprintf(sentence->text, sentence->bytes, "%s", sentence->about);
  va_list arguments;
  va_start(arguments, format);
  if (about >= 0 && (size_t)about < sentence->bytes)
    vsnprintf(sentence->text + about, sentence->bytes - (size_t)about, format,
              arguments);
  va_end(arguments);
  tame(sentence->text);
  return false;
}

static farside_status no_memory(const far_sentence *sentence) {
  snprintf(sentence->text, sentence->bytes, "%s",
           farside_status_text(FARSIDE_NOMEM));
  return FARSIDE_NOMEM;
}

// -- Words --------------------------------------------------------------------

// What an app may do in the background. A mode that the host learns goes here.
// In `audio` and `location` work goes on for as long as the user wants it: the
// audit of a simulated phone asks for them.
static const char *const background_modes[] = {"task", "audio", "location",
                                               NULL};

static bool is_word_char(char c, const char *others) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z') || (c != '\0' && strchr(others, c) != NULL);
}

static bool is_word(const char *text, const char *others, size_t bytes_max) {
  size_t length = strnlen(text, bytes_max + 1);
  if (length == 0 || length > bytes_max)
    return false;
  for (size_t i = 0; i < length; i++)
    if (!is_word_char(text[i], others))
      return false;
  return true;
}

// Words between dots, none of them empty.
static bool is_module(const char *text) {
  if (!is_word(text, "_-.", MODULE_BYTES_MAX))
    return false;
  return text[0] != '.' && text[strlen(text) - 1] != '.' &&
         strstr(text, "..") == NULL;
}

static bool is_version(const char *text) {
  size_t length = strnlen(text, NAME_BYTES_MAX + 1);
  if (length == 0 || length > NAME_BYTES_MAX)
    return false;
  for (size_t i = 0; i < length; i++)
    if (text[i] < ' ' || text[i] > '~')
      return false;
  return true;
}

// "a, b, c", as much as fits.
static const char *join(const char *const *list, char *text, size_t bytes) {
  size_t at = 0;
  text[0] = '\0';
  for (; *list != NULL && at < bytes; list++)
    at +=
        (size_t)snprintf(text + at, bytes - at, "%s%s", at ? ", " : "", *list);
  if (at >= bytes)
    memcpy(text + bytes - 4, "...", 4);
  return text;
}

static bool check_module(const char *value, const far_sentence *sentence) {
  return is_module(value) ||
         refuse(sentence,
                "'%.40s' is no module name: write it as for require, such as "
                "socket.http",
                value);
}

static bool check_http(const char *value, const far_sentence *sentence) {
  far_pattern pattern;
  char why[FAR_SENTENCE_BYTES];
  if (strnlen(value, PATTERN_BYTES_MAX + 1) > PATTERN_BYTES_MAX)
    return refuse(sentence, "'%.40s...' is longer than %d bytes", value,
                  PATTERN_BYTES_MAX);
  return far_pattern_parse(value, &pattern, why, sizeof why) ||
         refuse(sentence, "%s", why);
}

static bool check_mode(const char *value, const far_sentence *sentence) {
  char known[64];
  for (const char *const *mode = background_modes; *mode != NULL; mode++)
    if (strcmp(value, *mode) == 0)
      return true;
  return refuse(sentence, "there is no background mode '%.40s'; there are: %s",
                value, join(background_modes, known, sizeof known));
}

// -- Permissions --------------------------------------------------------------

static bool same_word(const char *granted, const char *asked) {
  return strcmp(granted, asked) == 0;
}

static bool same_address(const char *granted, const char *asked) {
  far_pattern most, want;
  char why[FAR_SENTENCE_BYTES];
  return far_pattern_parse(granted, &most, why, sizeof why) &&
         far_pattern_parse(asked, &want, why, sizeof why) &&
         far_pattern_covers(&most, &want);
}

static const char *const nothing[] = {NULL};
static const char *const only_task[] = {"task", NULL};

typedef struct far_permission_rule {
  const char *word;            // In --grant.
  const char *field;           // In farside.lua.
  const char *const *standard; // NULL: all there are.
  bool (*check)(const char *value, const far_sentence *sentence);
  bool (*covers)(const char *granted, const char *asked);
} far_permission_rule;

static const far_permission_rule rules[] = {
    [FAR_PERMISSION_MODULE] = {"module", "modules", NULL, check_module,
                               same_word},
    [FAR_PERMISSION_HTTP] = {"http", "http", nothing, check_http, same_address},
    [FAR_PERMISSION_BACKGROUND] = {"background", "background", only_task,
                                   check_mode, same_word},
};

enum { PERMISSIONS = sizeof rules / sizeof *rules };

// The list of a permission in the public struct.
static const char *const **list_of(farside_permissions *permissions, size_t i) {
  switch ((far_permission)i) {
  case FAR_PERMISSION_MODULE:
    return &permissions->modules;
  case FAR_PERMISSION_HTTP:
    return &permissions->http;
  default:
    return &permissions->background;
  }
}

bool far_permission_parse(const char *text, far_permission *permission,
                          const char **value, char *error, size_t bytes) {
  far_sentence sentence = {"", error, bytes};
  size_t length = strcspn(text, "=");
  for (size_t i = 0; i < PERMISSIONS; i++) {
    if (strlen(rules[i].word) != length ||
        strncmp(text, rules[i].word, length) != 0)
      continue;
    if (text[length] == '\0')
      return refuse(&sentence, "%s of what? write %s=...", rules[i].word,
                    rules[i].word);
    if (!rules[i].check(text + length + 1, &sentence))
      return false;
    *permission = (far_permission)i;
    *value = text + length + 1;
    return true;
  }
  return refuse(&sentence,
                "'%.40s' cannot be granted; what can: module=NAME, "
                "http=PATTERN, background=MODE",
                text);
}

// -- Owned lists --------------------------------------------------------------

// One block: the pointers, and behind them the strings.
static size_t list_bytes(const char *const *list) {
  size_t bytes = sizeof *list;
  for (; *list != NULL; list++)
    bytes += sizeof *list + strlen(*list) + 1;
  return bytes;
}

static const char *const *list_new(far_memory *memory,
                                   const char *const *list) {
  const char **copy = far_new(memory, list_bytes(list));
  if (copy == NULL)
    return NULL;
  size_t count = 0;
  while (list[count] != NULL)
    count++;
  char *text = (char *)(copy + count + 1);
  for (size_t i = 0; i < count; i++) {
    size_t bytes = strlen(list[i]) + 1;
    copy[i] = memcpy(text, list[i], bytes);
    text += bytes;
  }
  return copy;
}

static void list_free(far_memory *memory, const char *const *list) {
  if (list != NULL)
    far_free(memory, (void *)list, list_bytes(list));
}

// -- A table ------------------------------------------------------------------

static bool check_list(const far_permission_rule *rule, const char *const *list,
                       const far_sentence *sentence) {
  for (size_t i = 0; list[i] != NULL; i++) {
    char about[64];
    if (i == FAR_LIST_MAX)
      return refuse(sentence, "%s must have at most %d entries", rule->field,
                    FAR_LIST_MAX);
    snprintf(about, sizeof about, "%s%s[%zu]: ", sentence->about, rule->field,
             i + 1);
    far_sentence entry = {about, sentence->text, sentence->bytes};
    if (!rule->check(list[i], &entry))
      return false;
  }
  return true;
}

static bool check_table(const farside_manifest *table,
                        const far_sentence *sentence) {
  farside_permissions needs = table->needs;
  char why[FAR_SENTENCE_BYTES];
  if (table->name != NULL && !is_word(table->name, "_.-", NAME_BYTES_MAX))
    return refuse(
        sentence,
        "name must be 1 to %d letters, digits, _, . or -, not '%.80s'",
        NAME_BYTES_MAX, table->name);
  if (table->version != NULL && !is_version(table->version))
    return refuse(sentence,
                  "version must be a short text such as 1.2.0, not '%.80s'",
                  table->version);
  for (size_t i = 0; i < PERMISSIONS; i++) {
    const char *const *list = *list_of(&needs, i);
    if (list != NULL && !check_list(&rules[i], list, sentence))
      return false;
  }
  return far_limits_check(&needs.limits, why, sizeof why) ||
         refuse(sentence, "limits: %s", why);
}

static farside_status copy(far_memory *memory, const farside_manifest *table,
                           far_manifest **manifest,
                           const far_sentence *sentence) {
  farside_permissions needs = table->needs;
  *manifest = NULL;
  sentence->text[0] = '\0';
  if (!check_table(table, sentence))
    return FARSIDE_INVALID;
  far_manifest *fresh = far_new(memory, sizeof *fresh);
  if (fresh == NULL)
    return no_memory(sentence);
  fresh->memory = memory;
  fresh->said.needs.limits = needs.limits;
  fresh->said.name = far_string_new(memory, table->name);
  fresh->said.version = far_string_new(memory, table->version);
  bool is_short = (table->name != NULL && fresh->said.name == NULL) ||
                  (table->version != NULL && fresh->said.version == NULL);
  for (size_t i = 0; i < PERMISSIONS; i++) {
    const char *const *list = *list_of(&needs, i);
    const char *const **mine = list_of(&fresh->said.needs, i);
    *mine = list ? list_new(memory, list) : NULL;
    is_short = is_short || (list != NULL && *mine == NULL);
  }
  if (is_short) {
    far_manifest_free(fresh);
    return no_memory(sentence);
  }
  *manifest = fresh;
  return FARSIDE_OK;
}

farside_status far_manifest_copy(far_memory *memory,
                                 const farside_manifest *table,
                                 far_manifest **manifest, char *error,
                                 size_t bytes) {
  far_sentence sentence = {"", error, bytes};
  return copy(memory, table, manifest, &sentence);
}

void far_manifest_free(far_manifest *manifest) {
  if (manifest == NULL)
    return;
  far_memory *memory = manifest->memory;
  far_string_free(memory, (char *)manifest->said.name);
  far_string_free(memory, (char *)manifest->said.version);
  for (size_t i = 0; i < PERMISSIONS; i++)
    list_free(memory, *list_of(&manifest->said.needs, i));
  far_free(memory, manifest, sizeof *manifest);
}

// -- Asked and granted --------------------------------------------------------

static bool is_in(const far_permission_rule *rule, const char *const *granted,
                  const char *asked) {
  if (granted == NULL)
    granted = rule->standard;
  if (granted == NULL)
    return true;
  for (; *granted != NULL; granted++)
    if (rule->covers(*granted, asked))
      return true;
  return false;
}

bool far_manifest_allows_module(const far_manifest *manifest,
                                const char *name) {
  return manifest == NULL || is_in(&rules[FAR_PERMISSION_MODULE],
                                   manifest->said.needs.modules, name);
}

static bool check_asked(const far_permission_rule *rule,
                        const char *const *asked, const char *const *granted,
                        const far_sentence *sentence) {
  for (; asked != NULL && *asked != NULL; asked++) {
    char have[128];
    if (is_in(rule, granted, *asked))
      continue;
    if (granted == NULL)
      granted = rule->standard;
    join(granted, have, sizeof have);
    // Quoted, because a star means something to a shell.
    return refuse(sentence,
                  "it asks for %s %s; granted %s: %s (to grant it: "
                  "--grant '%s=%s')",
                  rule->word, *asked, granted[0] && granted[1] ? "are" : "is",
                  granted[0] ? have : "none", rule->word, *asked);
  }
  return true;
}

static bool check_limits(const farside_limits *asked,
                         const farside_limits *granted,
                         const far_sentence *sentence) {
  char why[FAR_SENTENCE_BYTES], how[FAR_LIMITS_TEXT_BYTES];
  farside_limits excess;
  if (far_limits_within(asked, granted, why, sizeof why))
    return true;
  far_limits_excess(asked, granted, &excess);
  far_limits_print(&excess, how, sizeof how);
  return refuse(sentence, "%s (to grant it: --limits %s)", why, how);
}

farside_status far_manifest_check(const far_manifest *asked,
                                  const farside_permissions *granted,
                                  char *error, size_t bytes) {
  far_sentence sentence = {"", error, bytes};
  error[0] = '\0';
  if (asked == NULL)
    return FARSIDE_OK;
  farside_permissions want = asked->said.needs;
  farside_permissions have = granted ? *granted : (farside_permissions){0};
  bool is_fine = true;
  for (size_t i = 0; i < PERMISSIONS && is_fine; i++)
    is_fine = check_asked(&rules[i], *list_of(&want, i), *list_of(&have, i),
                          &sentence);
  is_fine = is_fine && check_limits(&want.limits, &have.limits, &sentence);
  return is_fine ? FARSIDE_OK : FARSIDE_DENIED;
}

// What a script has whose manifest says nothing of this permission: what is
// usual, as far as it is granted.
static const char *const *usual(const far_permission_rule *rule,
                                const char *const *granted) {
  if (rule->standard == NULL)
    return granted;
  for (const char *const *word = rule->standard; *word != NULL; word++)
    if (!is_in(rule, granted, *word))
      return nothing;
  return rule->standard;
}

farside_status far_manifest_settle(far_memory *memory,
                                   const far_manifest *asked,
                                   const farside_permissions *granted,
                                   far_manifest **settled, char *error,
                                   size_t bytes) {
  far_sentence sentence = {"what is granted: ", error, bytes};
  *settled = NULL;
  farside_status status = far_manifest_check(asked, granted, error, bytes);
  if (status != FARSIDE_OK)
    return status;
  farside_permissions have = granted ? *granted : (farside_permissions){0};
  farside_manifest result = {.needs = have};
  if (asked != NULL)
    result = asked->said;
  for (size_t i = 0; i < PERMISSIONS && asked != NULL; i++) {
    const char *const **list = list_of(&result.needs, i);
    if (*list == NULL)
      *list = usual(&rules[i], *list_of(&have, i));
  }
  far_limits_tighten(&have.limits, &result.needs.limits, &result.needs.limits);
  return copy(memory, &result, settled, &sentence);
}

bool far_manifest_allows_background(const far_manifest *manifest,
                                    const char *mode) {
  return manifest == NULL || is_in(&rules[FAR_PERMISSION_BACKGROUND],
                                   manifest->said.needs.background, mode);
}
