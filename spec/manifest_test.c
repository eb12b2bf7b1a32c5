// Limits, URL patterns, farside.lua and what is granted: tables of what is read
// and what is refused, files of every kind, and every allocation failing once.

#include "../host/command.h"
#include "check.h"
#include "limit.h"
#include "manifest.h"
#include "pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROWS(table) (sizeof(table) / sizeof *(table))

// Whether a sentence says what it should; it never ends with a full stop and
// never holds a control character.
static void check_says(const char *sentence, const char *words,
                       const char *about, int line) {
  bool is_plain = sentence[0] != '\0' && sentence[strlen(sentence) - 1] != '.';
  for (const char *c = sentence; *c != '\0'; c++)
    is_plain = is_plain && (unsigned char)*c >= ' ';
  if (!is_plain || strstr(sentence, words) == NULL)
    printf("        it says: %s\n", sentence);
  check_at(is_plain && strstr(sentence, words) != NULL, words, about, line);
}

// -- An allocator that refuses ------------------------------------------------

typedef struct heap {
  size_t fail_at; // The number of the allocation to refuse; zero for none.
  bool fails_on;  // Refuse every later one as well.
  size_t count;
  size_t refused;
} heap;

static void *allocate(void *user, void *ptr, size_t bytes_old,
                      size_t bytes_new) {
  heap *mine = user;
  if (bytes_new == 0) {
    free(ptr);
    return NULL;
  }
  // Lua counts on it that shrinking never fails.
  if (ptr == NULL || bytes_new > bytes_old) {
    mine->count++;
    if (mine->fail_at != 0 &&
        (mine->count == mine->fail_at ||
         (mine->fails_on && mine->count > mine->fail_at))) {
      mine->refused++;
      return NULL;
    }
  }
  void *block = realloc(ptr, bytes_new);
  if (block == NULL)
    abort();
  return block;
}

// -- Limits -------------------------------------------------------------------

static const uint64_t kb = 1024, mb = 1024 * 1024;
static const uint64_t gb = 1024 * 1024 * 1024;

static bool same(const farside_limits *a, const farside_limits *b) {
  return memcmp(a, b, sizeof *a) == 0;
}

static void test_parse_good(void) {
  const struct {
    const char *text;
    farside_limits limits;
    const char *printed; // NULL: as it was written.
  } good[] = {
      {"slice=10ms,hold=20ms,turn=1s,cpu=off,grace=5ms,memory=64MB,block=16MB,"
       "messages=1000,storage=2MB,work=7",
       {10, 20, 1000, FARSIDE_NO_LIMIT, 5, 64 * mb, 16 * mb, 1000, 2 * mb, 7},
       NULL},
      {"memory=256KB", {.memory_bytes = 256 * kb}, NULL},
      {"memory=64MiB", {.memory_bytes = 64 * mb}, "memory=64MB"},
      {"memory=512KiB", {.memory_bytes = 512 * kb}, "memory=512KB"},
      {"memory=2GiB", {.memory_bytes = 2 * gb}, "memory=2GB"},
      {"memory=1024MB", {.memory_bytes = gb}, "memory=1GB"},
      {"memory=300001B", {.memory_bytes = 300001}, NULL},
      {"memory=off", {.memory_bytes = FARSIDE_NO_LIMIT}, NULL},
      {"messages=off", {.messages = FARSIDE_NO_LIMIT}, NULL},
      {"messages=1", {.messages = 1}, NULL},
      {"work=1", {.work = 1}, NULL},
      {"work=off", {.work = FARSIDE_NO_LIMIT}, NULL},
      {"block=64KB", {.block_bytes = 64 * kb}, NULL},
      {"turn=1m30s", {.turn_ms = 90000}, "turn=90s"},
      {"turn=1.5s", {.turn_ms = 1500}, "turn=1500ms"},
      {"cpu=365d", {.cpu_ms = 31536000000}, NULL},
      {"slice=1ms,cpu=1h", {.slice_ms = 1, .cpu_ms = 3600000}, NULL},
      {"cpu=1h,slice=1ms",
       {.slice_ms = 1, .cpu_ms = 3600000},
       "slice=1ms,cpu=1h"},
  };
  for (size_t i = 0; i < ROWS(good); i++) {
    farside_limits read = {.turn_ms = 77}, again;
    char text[FAR_LIMITS_TEXT_BYTES], why[FAR_SENTENCE_BYTES] = "";
    bool is_read = far_limits_parse(good[i].text, &read, why, sizeof why);
    check_at(is_read && same(&read, &good[i].limits), "reads", good[i].text,
             __LINE__);
    far_limits_print(&read, text, sizeof text);
    check_at(strcmp(text, good[i].printed ? good[i].printed : good[i].text) ==
                 0,
             "prints", text, __LINE__);
    check(far_limits_parse(text, &again, why, sizeof why));
    check(same(&again, &read));
  }
}

static void test_parse_bad(void) {
  static const struct {
    const char *text, *says;
  } bad[] = {
      {"", "a limit is missing"},
      {",", "a limit is missing"},
      {"turn=1s,", "a limit is missing"},
      {"turn=1s,,cpu=1s", "a limit is missing"},
      {"turn", "turn needs a time with its unit"},
      {"turn=", "turn needs a time with its unit"},
      {"turn=1", "turn needs a time with its unit"},
      {"turn=-1s", "turn needs a time"},
      {"turn=1MB", "turn needs a time"},
      {"turn=99999999999999999999999999d", "turn needs a time"},
      {"turn=366d", "turn must be at most 365d, not 366d: write turn=off"},
      {"turn=0s", "turn must not be zero: write turn=off for no limit"},
      {"slice=0.4ms", "slice must not be zero"},
      {"turn=OFF", "turn needs a time"},
      {"memory", "memory needs a whole size with its unit"},
      {"memory=64", "such as 64MB, or off, not '64'"},
      {"memory=64mb", "memory needs a whole size"},
      {"memory=64M", "memory needs a whole size"},
      {"memory=1.5GB", "memory needs a whole size"},
      {"memory=-1GB", "memory needs a whole size"},
      {"memory=0x10MB", "memory needs a whole size"},
      {"memory=MB", "memory needs a whole size"},
      {"memory=1s", "memory needs a whole size"},
      {"memory=0MB", "memory must not be zero"},
      {"memory=255KB", "memory must be at least 256KB, not 255KB: a script"},
      {"memory=18446744073709551615B", "is too much: write memory=off"},
      {"memory=17179869184GB", "is too much"},
      {"memory=99999999999999999999999999KB", "is too much"},
      {"block=1KB", "block must be at least 64KB"},
      {"messages=0", "messages must not be zero"},
      {"work=0", "work must not be zero"},
      {"messages=10KB", "messages needs a whole number, such as 1000"},
      {"messages=1.0", "messages needs a whole number"},
      {"messages=18446744073709551615", "is too much"},
      {"messages=18446744073709551616", "is too much"},
      {"speed=1s",
       "there is no limit 'speed'; there are: slice, hold, turn, cpu, "
       "grace, memory, block, messages, storage"},
      {"=1s", "there is no limit ''"},
      {"Turn=1s", "there is no limit 'Turn'"},
      {"turn=1s,turn=2s", "turn is given twice"},
      {"turn = 1s", "without spaces"},
      {"turn=1s, cpu=1s", "without spaces"},
      {"turn=1s=2s", "turn needs a time"},
      {"turn=1111111111111111111111111111111111111111111111111111111111111s",
       "is no limit"},
  };
  for (size_t i = 0; i < ROWS(bad); i++) {
    farside_limits read = {.turn_ms = 77};
    char why[FAR_SENTENCE_BYTES] = "";
    check_at(!far_limits_parse(bad[i].text, &read, why, sizeof why), "refuses",
             bad[i].text, __LINE__);
    check_at(read.turn_ms == 77 && read.cpu_ms == 0, "changes nothing for",
             bad[i].text, __LINE__);
    check_says(why, bad[i].says, bad[i].text, __LINE__);
  }
  char small[8];
  farside_limits read;
  check(!far_limits_parse("speed=1s", &read, small, sizeof small));
  check(strlen(small) == sizeof small - 1);
}

static void test_compare(void) {
  farside_limits standard = {0}, result, none = {0};
  char why[FAR_SENTENCE_BYTES], text[FAR_LIMITS_TEXT_BYTES];
  far_limits_default(&standard);
  far_limits_print(&standard, text, sizeof text);
  check(strcmp(text, "slice=10ms,hold=1s,turn=1s,cpu=10s,grace=5ms,memory=64MB,"
                     "block=16MB,messages=1000,storage=16MB,work=10000") == 0);
  check(far_limits_check(&standard, why, sizeof why));
  check(far_limits_check(&none, why, sizeof why));
  far_limits_print(&none, text, sizeof text);
  check(text[0] == '\0');

  result = (farside_limits){.memory_bytes = FARSIDE_NO_LIMIT};
  far_limits_default(&result);
  check(result.block_bytes == FARSIDE_NO_LIMIT);
  result = (farside_limits){.memory_bytes = 8 * mb, .turn_ms = 5};
  far_limits_default(&result);
  check(result.block_bytes == 2 * mb && result.turn_ms == 5);
  result = (farside_limits){.memory_bytes = 3};
  check(!far_limits_check(&result, why, sizeof why));
  check_says(why, "memory must be at least 256KB, not 3B", "", __LINE__);

  // The text of all fields at their longest fits.
  result = (farside_limits){1,
                            1,
                            1,
                            1,
                            1,
                            UINT64_MAX - 2,
                            UINT64_MAX - 4,
                            UINT64_MAX - 1,
                            UINT64_MAX - 3,
                            UINT64_MAX - 5};
  far_limits_print(&result, text, sizeof text);
  check(strstr(text, "messages=18446744073709551614") != NULL);
  check(strstr(text, "work=18446744073709551610") != NULL);

  static const struct {
    const char *asked, *granted, *says; // "": nothing.
    const char *tighter;
  } rows[] = {
      {"memory=128MB", "memory=64MB",
       "it asks for memory=128MB; 64MB are granted", "memory=64MB,block=16MB"},
      {"memory=64MB", "memory=64MB", NULL, "memory=64MB,block=16MB"},
      {"memory=32MB", "memory=64MB", NULL, "memory=32MB,block=8MB"},
      {"memory=32MB", "", NULL, "memory=32MB,block=8MB"},
      {"memory=32MB", "block=20MB", NULL, "memory=32MB,block=20MB"},
      {"memory=32MB,block=4MB", "", NULL, "memory=32MB,block=4MB"},
      {"memory=65MB", "", "it asks for memory=65MB; 64MB are granted",
       "memory=64MB,block=16MB"},
      {"block=17MB", "", "it asks for block=17MB; 16MB are granted",
       "block=16MB"},
      {"block=17MB", "memory=off", NULL, "memory=off,block=17MB"},
      {"cpu=off", "", "it asks for cpu=off; 10s are granted", "cpu=10s"},
      {"cpu=off", "cpu=off", NULL, "cpu=off"},
      {"cpu=1h", "cpu=off", NULL, "cpu=1h"},
      {"", "cpu=off", NULL, "cpu=off"},
      {"turn=500ms,messages=2000", "messages=1500",
       "it asks for messages=2000; 1500 are granted",
       "turn=500ms,messages=1500"},
      {"", "", NULL, ""},
  };
  for (size_t i = 0; i < ROWS(rows); i++) {
    farside_limits asked = {0}, granted = {0}, wanted = {0};
    if (rows[i].asked[0] != '\0')
      check(far_limits_parse(rows[i].asked, &asked, why, sizeof why));
    if (rows[i].granted[0] != '\0')
      check(far_limits_parse(rows[i].granted, &granted, why, sizeof why));
    if (rows[i].tighter[0] != '\0')
      check(far_limits_parse(rows[i].tighter, &wanted, why, sizeof why));
    bool is_within = far_limits_within(&asked, &granted, why, sizeof why);
    check_at(is_within == (rows[i].says == NULL), "is within", rows[i].asked,
             __LINE__);
    if (!is_within && rows[i].says != NULL)
      check_at(strcmp(why, rows[i].says) == 0, "says so", why, __LINE__);
    far_limits_tighten(&granted, &asked, &result);
    far_limits_default(&wanted);
    check_at(same(&result, &wanted), "tightens", rows[i].asked, __LINE__);
  }
}

// -- Patterns -----------------------------------------------------------------

static void test_pattern_texts(void) {
  static const char *const good[] = {
      "https://example.com/*",
      "http://localhost:8080/health",
      "https://*.example.com/v1/*",
      "https://127.0.0.1/*",
      "https://example.com/.well-known/x",
      "https://example.com/a...b/..c/",
      "https://example.com/?q=../x",
      "https://example.com/%20",
      "https://example.com/user@home",
      "https://EXAMPLE.com:443/",
  };
  static const struct {
    const char *text, *says;
  } bad[] = {
      {"", "must begin with https:// or http://"},
      {"example.com/*", "must begin with https://"},
      {"ftp://example.com/*", "must begin with https://"},
      {"HTTPS://example.com/*", "must begin with https://"},
      {"https:///*", "it has no host"},
      {"https://", "it has no path"},
      {"https://example.com", "write /* behind the host"},
      {"https://example.com?x", "it has no path"},
      {"https://*/*", "a star may only stand"},
      {"https://*example.com/*", "a star may only stand"},
      {"https://api.*.com/*", "a star may only stand"},
      {"https://*.*.com/*", "a star may only stand"},
      {"https://*./x", "a star may only stand"},
      {"https://*.0.0.1/*", "before a domain"},
      {"https://example..com/*", "a dot too many"},
      {"https://.example.com/*", "a dot too many"},
      {"https://example.com./*", "a dot too many"},
      {"https://ex ample.com/*", "no host name has"},
      {"https://[::1]/*", "its port"},
      {"https://ex\\ample.com/*", "no host name has"},
      {"https://me:secret@example.com/*", "must not name a user"},
      {"https://good.com@evil.com/*", "must not name a user"},
      {"https://example.com:/*", "its port"},
      {"https://example.com:0/*", "its port"},
      {"https://example.com:080/*", "its port"},
      {"https://example.com:65536/*", "its port"},
      {"https://example.com:99999999999/*", "its port"},
      {"https://example.com:8a/*", "its port"},
      {"https://example.com:*/*", "its port"},
      {"https://example.com/*/x", "a star may only stand at the end"},
      {"https://example.com/**", "a star may only stand at the end"},
      {"https://example.com/../x", ". or .. between slashes"},
      {"https://example.com/a/..", ". or .. between slashes"},
      {"https://example.com/a/./b", ". or .. between slashes"},
      {"https://example.com/a/%2e%2E/b", ". or .. between slashes"},
      {"https://example.com/a/.%2e?x", ". or .. between slashes"},
      {"https://example.com/a/..*", ". or .. between slashes"},
      {"https://example.com/#top", "a fragment"},
      {"https://example.com/a b", "must be escaped"},
      {"https://example.com/a\\..\\b", "must be escaped"},
      {"https://example.com/'; rm -rf ~;'", "must be escaped"},
      {"https://example.com/\xc3\xa9", "must be escaped"},
      {"https://example.com/\x1b[31m", "must be escaped"},
  };
  far_pattern pattern;
  char why[FAR_SENTENCE_BYTES] = "";
  for (size_t i = 0; i < ROWS(good); i++)
    check_at(far_pattern_parse(good[i], &pattern, why, sizeof why), "reads",
             good[i], __LINE__);
  for (size_t i = 0; i < ROWS(bad); i++) {
    check_at(!far_pattern_parse(bad[i].text, &pattern, why, sizeof why),
             "refuses", bad[i].text, __LINE__);
    check_at(strstr(why, bad[i].says) != NULL, why, bad[i].says, __LINE__);
  }
}

static void test_pattern_covers(void) {
  static const struct {
    const char *granted, *asked;
    bool covers;
  } rows[] = {
      {"https://a.com/*", "https://a.com/*", true},
      {"https://a.com/*", "https://a.com/", true},
      {"https://a.com/*", "https://a.com/v1/*", true},
      {"https://a.com/*", "https://a.com:443/v1", true},
      {"https://a.com:443/*", "https://a.com/v1", true},
      {"http://a.com/*", "http://a.com:80/v1", true},
      {"https://a.com/*", "https://A.COM/v1", true},
      {"https://a.com/v1/*", "https://a.com/v1/x?y=z", true},
      {"https://a.com/v1*", "https://a.com/v1", true},
      {"https://a.com/v1*", "https://a.com/v12*", true},
      {"https://a.com/v1", "https://a.com/v1", true},
      {"https://*.a.com/*", "https://b.a.com/*", true},
      {"https://*.a.com/*", "https://c.b.a.com/x", true},
      {"https://*.a.com/*", "https://*.a.com/x", true},
      {"https://*.a.com/*", "https://*.b.a.com/*", true},
      {"https://a.com/*", "http://a.com/*", false},
      {"http://a.com/*", "https://a.com/*", false},
      {"http://a.com:443/*", "https://a.com/*", false},
      {"https://a.com/*", "https://a.com:8443/*", false},
      {"https://a.com:8443/*", "https://a.com/*", false},
      {"https://a.com/*", "https://b.com/*", false},
      {"https://a.com/*", "https://b.a.com/*", false},
      {"https://a.com/*", "https://*.a.com/*", false},
      {"https://a.com/*", "https://aa.com/*", false},
      {"https://a.com/*", "https://a.com.evil.org/*", false},
      {"https://*.a.com/*", "https://a.com/*", false},
      {"https://*.a.com/*", "https://eviltwoa.com/*", false},
      {"https://*.a.com/*", "https://evil-a.com/*", false},
      {"https://*.b.a.com/*", "https://*.a.com/*", false},
      {"https://a.com/v1/*", "https://a.com/v1", false},
      {"https://a.com/v1/*", "https://a.com/v2/x", false},
      {"https://a.com/v1/*", "https://a.com/*", false},
      {"https://a.com/v1/*", "https://a.com/V1/x", false},
      {"https://a.com/v1", "https://a.com/v1*", false},
      {"https://a.com/v1", "https://a.com/v1?x", false},
      {"https://a.com/v1", "https://a.com/v1/", false},
  };
  for (size_t i = 0; i < ROWS(rows); i++) {
    far_pattern granted, asked;
    char why[FAR_SENTENCE_BYTES];
    check(far_pattern_parse(rows[i].granted, &granted, why, sizeof why));
    check(far_pattern_parse(rows[i].asked, &asked, why, sizeof why));
    check_at(far_pattern_covers(&granted, &asked) == rows[i].covers,
             rows[i].granted, rows[i].asked, __LINE__);
  }
}

// -- Files --------------------------------------------------------------------

static char folder[256], script_path[300], manifest_path[300];

static void write_bytes(const char *text, size_t bytes) {
  FILE *file = fopen(manifest_path, "wb");
  if (file == NULL || fwrite(text, 1, bytes, file) != bytes ||
      fclose(file) != 0) {
    perror(manifest_path);
    exit(1);
  }
}

static farside_status read_text(far_memory *memory, const char *text,
                                far_manifest **manifest, char *why) {
  write_bytes(text, strlen(text));
  return far_manifest_read(memory, script_path, manifest, why,
                           FAR_SENTENCE_BYTES);
}

static const char whole[] =
    "-- What it is.\n"
    "local host = 'https://api.example.com'\n"
    "return {\n"
    "  name = 'finish_upload', version = '1.2.0',\n"
    "  modules = { 'json', 'socket.http', },\n"
    "  http = { host .. '/v1/*', 'http://*.example.com:8080/*' },\n"
    "  background = { 'task' },\n"
    "  limits = { memory = '32MB', turn = '500ms', cpu = 'off', messages = 50 "
    "},\n"
    "}\n";

static void check_whole(const far_manifest *manifest) {
  const farside_manifest *said = &manifest->said;
  char text[FAR_LIMITS_TEXT_BYTES];
  check(strcmp(said->name, "finish_upload") == 0);
  check(strcmp(said->version, "1.2.0") == 0);
  check(strcmp(said->needs.modules[0], "json") == 0);
  check(strcmp(said->needs.modules[1], "socket.http") == 0);
  check(said->needs.modules[2] == NULL);
  check(strcmp(said->needs.http[0], "https://api.example.com/v1/*") == 0);
  check(strcmp(said->needs.http[1], "http://*.example.com:8080/*") == 0);
  check(said->needs.http[2] == NULL);
  check(strcmp(said->needs.background[0], "task") == 0);
  far_limits_print(&said->needs.limits, text, sizeof text);
  check(strcmp(text, "turn=500ms,cpu=off,memory=32MB,messages=50") == 0);
  check(far_manifest_allows_module(manifest, "json"));
  check(!far_manifest_allows_module(manifest, "socket"));
}

static void test_good_files(far_memory *memory) {
  far_manifest *manifest = NULL;
  char why[FAR_SENTENCE_BYTES];
  unlink(manifest_path);
  check(far_manifest_read(memory, script_path, &manifest, why, sizeof why) ==
        FARSIDE_OK);
  check(manifest == NULL);
  check(far_manifest_read(memory, "no/such/folder/app.lua", &manifest, why,
                          sizeof why) == FARSIDE_OK);
  check(manifest == NULL);

  check(read_text(memory, whole, &manifest, why) == FARSIDE_OK);
  check(manifest != NULL && why[0] == '\0');
  if (manifest != NULL)
    check_whole(manifest);
  far_manifest_free(manifest);
  // A script of this name is no manifest.
  check(far_manifest_read(memory, manifest_path, &manifest, why, sizeof why) ==
        FARSIDE_OK);
  check(manifest == NULL);
  far_manifest_free(NULL);

  static const char *const good[] = {
      "return {}",
      "\xef\xbb\xbfreturn {}",
      "return { limits = 'memory=32MB,turn=1s' }",
      "return { limits = {} }",
      "return { modules = {}, http = {}, background = {} }",
      "local t = {} for i = 1, 256 do t[i] = 'm' .. i end return {modules = t}",
      "name = 'a global' return { name = name and 'x' }",
      "return {}, 2, 3",
  };
  for (size_t i = 0; i < ROWS(good); i++) {
    check_at(read_text(memory, good[i], &manifest, why) == FARSIDE_OK, why,
             good[i], __LINE__);
    check(manifest != NULL);
    far_manifest_free(manifest);
  }

  // Beside the script, wherever that is.
  char here[1024];
  write_bytes("return { name = 'here' }", 24);
  check(getcwd(here, sizeof here) != NULL && chdir(folder) == 0);
  check(far_manifest_read(memory, "app.lua", &manifest, why, sizeof why) ==
        FARSIDE_OK);
  check(manifest != NULL && strcmp(manifest->said.name, "here") == 0);
  far_manifest_free(manifest);
  check(chdir(here) == 0);
}

typedef struct bad_file {
  const char *text;
  farside_status status;
  const char *says;
} bad_file;

static const bad_file bad_files[] = {
    {"", FARSIDE_INVALID, "farside.lua: it returns nothing"},
    {"name = 'x'", FARSIDE_INVALID, "it returns nothing: begin it with return"},
    {"return nil", FARSIDE_INVALID, "it returns nothing"},
    {"return 'x'", FARSIDE_INVALID, "it must return a table, not a string"},
    {"return function() end", FARSIDE_INVALID, "not a function"},
    {"{}", FARSIDE_SYNTAX, "farside.lua:1: unexpected symbol"},
    {"return {\n name = \n}", FARSIDE_SYNTAX, "farside.lua:3: unexpected"},
    {"return '\x1b[31m\n", FARSIDE_SYNTAX, "unfinished string near ''?[31m'"},
    {"\x1bLua", FARSIDE_SYNTAX, "it is compiled: a manifest is plain text"},
    {"return os.getenv 'HOME'", FARSIDE_INVALID,
     "farside.lua:1: attempt to index a nil value (global 'os'): a manifest "
     "is"},
    {"require 'x'", FARSIDE_INVALID, "a nil value (global 'require')"},
    {"return ('x'):rep(9)", FARSIDE_INVALID, "has no functions to call"},
    {"return ...", FARSIDE_INVALID, "it returns nothing"},

    {"return { nmae = 'x' }", FARSIDE_INVALID,
     "there is no field 'nmae'; there are: name, version, modules, http, "
     "background, limits"},
    {"return { ['\\27[0m\\n'] = 1 }", FARSIDE_INVALID,
     "there is no field '?[0m?'"},
    {"return { 'x' }", FARSIDE_INVALID, "needs the name of its field"},
    {"return { [true] = 1 }", FARSIDE_INVALID, "needs the name of its field"},

    {"return { name = 5 }", FARSIDE_INVALID,
     "farside.lua: name must be a string, not a number"},
    {"return { name = {} }", FARSIDE_INVALID, "name must be a string"},
    {"return { name = '' }", FARSIDE_INVALID, "name must be 1 to 64 letters"},
    {"return { name = 'a b' }", FARSIDE_INVALID, "name must be 1 to 64"},
    {"return { name = 'a/b' }", FARSIDE_INVALID, "name must be 1 to 64"},
    {"return { name = 'a\\0b' }", FARSIDE_INVALID,
     "name must not contain a zero byte"},
    {"local s = 'aaaaaaaa' s = s..s s = s..s s = s..s return {name = s..'a'}",
     FARSIDE_INVALID, "name must be 1 to 64"},
    {"return { version = 1.2 }", FARSIDE_INVALID,
     "version must be a string, not a number"},
    {"return { version = '' }", FARSIDE_INVALID, "version must be a short"},
    {"return { version = '1\\n2' }", FARSIDE_INVALID, "not '1?2'"},

    {"return { modules = 'json' }", FARSIDE_INVALID,
     "modules must be a list of strings such as { \"json\" }, not a string"},
    {"return { modules = true }", FARSIDE_INVALID, "not a boolean"},
    {"return { modules = { json = true } }", FARSIDE_INVALID,
     "modules must be a plain list"},
    {"return { modules = { 'a', [1.5] = 'b' } }", FARSIDE_INVALID,
     "modules must be a plain list"},
    {"return { modules = { [0] = 'a' } }", FARSIDE_INVALID, "a plain list"},
    {"return { modules = { 'a', nil, 'c' } }", FARSIDE_INVALID,
     "modules must be a list without holes"},
    {"return { modules = { [9223372036854775807] = 'a' } }", FARSIDE_INVALID,
     "without holes"},
    {"return { modules = { 'a', 5 } }", FARSIDE_INVALID,
     "modules[2] must be a string, not a number"},
    {"return { modules = { {} } }", FARSIDE_INVALID, "not a table"},
    {"return { modules = { 'a\\0b' } }", FARSIDE_INVALID,
     "modules[1] must not contain a zero byte"},
    {"return { modules = { 'a', 'a b' } }", FARSIDE_INVALID,
     "farside.lua: modules[2]: 'a b' is no module name"},
    {"return { modules = { '.a' } }", FARSIDE_INVALID, "no module name"},
    {"return { modules = { 'a.' } }", FARSIDE_INVALID, "no module name"},
    {"return { modules = { 'a..b' } }", FARSIDE_INVALID, "no module name"},
    {"return { modules = { '../a' } }", FARSIDE_INVALID, "no module name"},
    {"return { modules = { '' } }", FARSIDE_INVALID, "no module name"},
    {"local t = {} for i = 1, 257 do t[i] = 'm' end return { modules = t }",
     FARSIDE_INVALID, "modules must have at most 256 entries"},

    {"return { http = 5 }", FARSIDE_INVALID, "http must be a list of strings"},
    {"return { http = { 'example.com' } }", FARSIDE_INVALID,
     "http[1]: 'example.com' is no URL pattern: it must begin with https://"},
    {"return { http = { 'https://example.com/*', 'https://a@b/*' } }",
     FARSIDE_INVALID, "http[2]: "},
    {"local s = 'https://a.com/aaaaaaaaaaaaaaaaaa' s = s..s s = s..s s = s..s "
     "return { http = { s..s } }",
     FARSIDE_INVALID, "is longer than 256 bytes"},
    {"return { background = 'task' }", FARSIDE_INVALID,
     "background must be a list of strings such as { \"task\" }, not a"},
    {"return { background = { 'fetch' } }", FARSIDE_INVALID,
     "background[1]: there is no background mode 'fetch'; there are: task, "
     "audio, location"},

    {"return { limits = 5 }", FARSIDE_INVALID, "limits must be a table such"},
    {"return { limits = '' }", FARSIDE_INVALID, "limits: a limit is missing"},
    {"return { limits = 'memory=32' }", FARSIDE_INVALID,
     "limits: memory needs a whole size with its unit"},
    {"return { limits = 'memory=1MB\\0' }", FARSIDE_INVALID,
     "limits must not contain a zero byte"},
    {"return { limits = { memory = 32 } }", FARSIDE_INVALID,
     "limits: memory needs a whole size with its unit (B, KB, MB, GB), such as "
     "64MB, or off, not '32'"},
    {"return { limits = { memory = true } }", FARSIDE_INVALID,
     "limits.memory must be a string, not a boolean"},
    {"return { limits = { messages = 5.5 } }", FARSIDE_INVALID,
     "messages needs a whole number"},
    {"return { limits = { messages = -1 } }", FARSIDE_INVALID,
     "messages needs a whole number"},
    {"return { limits = { messages = 0 } }", FARSIDE_INVALID,
     "messages must not be zero"},
    {"return { limits = { speed = '1s' } }", FARSIDE_INVALID,
     "limits: there is no limit 'speed'; there are: slice"},
    {"return { limits = { '1s' } }", FARSIDE_INVALID, "limits must have names"},

    {"while true do end", FARSIDE_INVALID, "it computes for too long"},
    {"::a:: goto a", FARSIDE_INVALID, "it computes for too long"},
    {"local function f() return f() end return f()", FARSIDE_INVALID,
     "it computes for too long"},
    {"local function f() return 1 + f() end return f()", FARSIDE_INVALID,
     "it takes too much memory"},
    {"local t = {} while true do t = { t, t, t, t } end", FARSIDE_INVALID,
     "it takes too much memory"},
    {"local t = {} for i = 1, 1e9 do t[i] = i end", FARSIDE_INVALID,
     "it takes too much memory: at most 1024 KB, and 64 KB in one piece"},
    {"local s = 'x' while true do s = s .. s end", FARSIDE_INVALID,
     "a string in it is longer than 1984 bytes"},
};

static void test_bad_files(far_memory *memory) {
  for (size_t i = 0; i < ROWS(bad_files); i++) {
    far_manifest *manifest = NULL;
    char why[FAR_SENTENCE_BYTES] = "";
    farside_status status =
        read_text(memory, bad_files[i].text, &manifest, why);
    check_at(status == bad_files[i].status, farside_status_name(status),
             bad_files[i].text, __LINE__);
    check(manifest == NULL);
    check_says(why, bad_files[i].says, bad_files[i].text, __LINE__);
    far_manifest_free(manifest);
  }
}

// What costs the most for each instruction ends soon all the same.
static void test_slow_files(far_memory *memory) {
  static const char *const slow[] = {
      "local s = 'xxxxxxxxxxxxxxxx' s = s..s s = s..s s = s..s s = s..s\n"
      "s = s..s local a, b = s..s..'a', s..s..'b'\n"
      "while a < b do a = s..s..'a' end",
      "local function f(...) return f(1,2,3,4,5,6,7,8,9,10, ...) end\n"
      "return f()",
      "local t = {} for i = 1, 1000 do t[i] = i end\n"
      "local function f(...) while true do local u = {...} end end\n"
      "local function g(n, ...)\n"
      "  if n == 0 then return f(...) end return g(n - 1, n, n, n, ...) end\n"
      "return g(1000)",
  };
  for (size_t i = 0; i < ROWS(slow); i++) {
    far_manifest *manifest = NULL;
    char why[FAR_SENTENCE_BYTES] = "";
    clock_t began = clock();
    check(read_text(memory, slow[i], &manifest, why) == FARSIDE_INVALID);
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    check_at(seconds < 5, "ends soon", slow[i], __LINE__);
    check(strstr(why, "it computes for too long") != NULL ||
          strstr(why, "it takes too much memory") != NULL);
  }
}

// `piece`, so often that it is `bytes` long, between a beginning and an end.
static char *repeat(const char *begin, const char *piece, size_t count,
                    const char *end) {
  size_t bytes = strlen(begin) + strlen(piece) * count + strlen(end) + 1;
  char *text = malloc(bytes), *at = text;
  if (text == NULL)
    abort();
  at = stpcpy(at, begin);
  for (size_t i = 0; i < count; i++)
    at = stpcpy(at, piece);
  stpcpy(at, end);
  return text;
}

static void test_large_files(far_memory *memory) {
  static const struct {
    const char *begin, *piece;
    size_t count;
    const char *end;
    farside_status status;
    const char *says;
  } rows[] = {
      {"return {} --", "x", 65536 - 12, "", FARSIDE_OK, ""},
      {"return {} --", "x", 65536 - 11, "", FARSIDE_INVALID, "larger than 64"},
      {"", "x", 1000000, "", FARSIDE_INVALID, "it is larger than 64 KB"},
      {"return ", "{", 60000, "", FARSIDE_SYNTAX, "C stack overflow"},
      {"return ", "(", 60000, "", FARSIDE_SYNTAX, "C stack overflow"},
      {"return ", "- ", 30000, "1", FARSIDE_SYNTAX, "C stack overflow"},
      {"return ", "not ", 15000, "1", FARSIDE_SYNTAX, "C stack overflow"},
      {"return '", "x", 60000, "'", FARSIDE_INVALID, "is longer than 1984"},
      {"return '", "x", 3000, "'", FARSIDE_INVALID, "is longer than 1984"},
      {"return { name = '", "x", 1900, "' }", FARSIDE_INVALID, "name must be"},
      {"return {", "0,", 30000, "}", FARSIDE_INVALID, "too much memory"},
      {"", "local function f() ", 190, "", FARSIDE_SYNTAX, "farside.lua:1:"},
  };
  for (size_t i = 0; i < ROWS(rows); i++) {
    far_manifest *manifest = NULL;
    char why[FAR_SENTENCE_BYTES] = "";
    char *text =
        repeat(rows[i].begin, rows[i].piece, rows[i].count, rows[i].end);
    farside_status status = read_text(memory, text, &manifest, why);
    check_at(status == rows[i].status, farside_status_name(status), why,
             __LINE__);
    check_at(strstr(why, rows[i].says) != NULL, rows[i].says, why, __LINE__);
    check((manifest != NULL) == (status == FARSIDE_OK));
    far_manifest_free(manifest);
    free(text);
  }
}

static void check_unreadable(far_memory *memory, const char *says, int line) {
  far_manifest *manifest = NULL;
  char why[FAR_SENTENCE_BYTES] = "";
  farside_status status =
      far_manifest_read(memory, script_path, &manifest, why, sizeof why);
  check_at(status == FARSIDE_NOFILE && manifest == NULL,
           farside_status_name(status), says, line);
  check_says(why, says, "", line);
}

static void test_odd_files(far_memory *memory) {
  unlink(manifest_path);
  check(mkdir(manifest_path, 0700) == 0);
  check_unreadable(memory, "cannot be read: it is no regular file", __LINE__);
  check(rmdir(manifest_path) == 0);
  check(mkfifo(manifest_path, 0600) == 0);
  check_unreadable(memory, "cannot be read: it is no regular file", __LINE__);
  unlink(manifest_path);
  check(symlink("/dev/zero", manifest_path) == 0);
  check_unreadable(memory, "cannot be read: it is no regular file", __LINE__);
  unlink(manifest_path);
  check(symlink("farside.lua", manifest_path) == 0);
  check_unreadable(memory, "farside.lua: it cannot be read: ", __LINE__);
  unlink(manifest_path);
  write_bytes("return {}", 9);
  check(chmod(manifest_path, 0) == 0);
  if (geteuid() != 0) // Nothing is unreadable to root.
    check_unreadable(memory, "cannot be read: Permission denied", __LINE__);
  unlink(manifest_path);
}

// -- Tables of the embedder ---------------------------------------------------

static void test_tables(far_memory *memory) {
  far_manifest *manifest = NULL;
  char why[FAR_SENTENCE_BYTES];
  const char *modules[FAR_LIST_MAX + 2] = {"json", "lpeg"};
  char name[] = "app";
  farside_manifest table = {
      .name = name,
      .needs = {.modules = modules, .limits = {.memory_bytes = mb}}};
  check(far_manifest_copy(memory, &table, &manifest, why, sizeof why) ==
        FARSIDE_OK);
  name[0] = 'X';
  modules[0] = "other";
  check(strcmp(manifest->said.name, "app") == 0);
  check(far_manifest_allows_module(manifest, "json"));
  check(!far_manifest_allows_module(manifest, "other"));
  check(manifest->said.needs.http == NULL);
  check(manifest->said.needs.limits.memory_bytes == mb);
  far_manifest_free(manifest);

  table = (farside_manifest){0};
  check(far_manifest_copy(memory, &table, &manifest, why, sizeof why) ==
        FARSIDE_OK);
  check(far_manifest_allows_module(manifest, "anything"));
  check(far_manifest_allows_module(NULL, "anything"));
  far_manifest_free(manifest);

  table = (farside_manifest){.name = "a b"};
  check(far_manifest_copy(memory, &table, &manifest, why, sizeof why) ==
        FARSIDE_INVALID);
  check_says(why, "name must be", "", __LINE__);
  check(manifest == NULL);
  table = (farside_manifest){.needs.limits.memory_bytes = 5};
  check(far_manifest_copy(memory, &table, &manifest, why, sizeof why) ==
        FARSIDE_INVALID);
  check_says(why, "limits: memory must be at least", "", __LINE__);
  for (size_t i = 0; i < FAR_LIST_MAX + 1; i++)
    modules[i] = "m";
  table = (farside_manifest){.needs.modules = modules};
  check(far_manifest_copy(memory, &table, &manifest, why, sizeof why) ==
        FARSIDE_INVALID);
  check_says(why, "modules must have at most 256 entries", "", __LINE__);
}

// -- Grants -------------------------------------------------------------------

static const char *const granted_modules[] = {"json", "lpeg", NULL};
static const char *const granted_http[] = {"https://*.example.com/*",
                                           "http://localhost:8080/v1/*", NULL};
static const char *const granted_nothing[] = {NULL};

static const struct {
  const char *text;
  farside_permissions granted;
  const char *says; // NULL: all is well.
} asking[] = {
    {"return {}", {0}, NULL},
    {"return { modules = { 'anything' } }", {0}, NULL},
    {"return { background = { 'task' } }", {0}, NULL},
    {"return { http = {} }", {0}, NULL},
    {"return {}",
     {granted_nothing, granted_nothing, granted_nothing, {0}},
     NULL},
    {"return { modules = { 'lpeg' } }", {.modules = granted_modules}, NULL},
    {"return { modules = { 'lpeg', 'lfs' } }",
     {.modules = granted_modules},
     "it asks for module lfs; granted are: json, lpeg (to grant it: --grant "
     "'module=lfs')"},
    {"return { modules = { 'lfs' } }",
     {.modules = granted_nothing},
     "it asks for module lfs; granted is: none (to grant it: --grant "
     "'module=lfs')"},
    {"return { http = { 'https://api.example.com/*' } }",
     {0},
     "it asks for http https://api.example.com/*; granted is: none (to grant "
     "it: --grant 'http=https://api.example.com/*')"},
    {"return { http = { 'https://api.example.com/*' } }",
     {.http = granted_http},
     NULL},
    {"return { http = { 'http://localhost:8080/v2/*' } }",
     {.http = granted_http},
     "granted are: https://*.example.com/*, http://localhost:8080/v1/* (to"},
    {"return { background = { 'task' } }",
     {.background = granted_nothing},
     "it asks for background task; granted is: none (to grant it: --grant "
     "'background=task')"},
    {"return { limits = 'memory=64MB' }", {0}, NULL},
    {"return { limits = 'memory=128MB,cpu=off,turn=1s' }",
     {0},
     "it asks for cpu=off; 10s are granted (to grant it: --limits "
     "cpu=off,memory=128MB)"},
    {"return { limits = 'memory=128MB' }",
     {.limits.memory_bytes = FARSIDE_NO_LIMIT},
     NULL},
};

static void test_grants(far_memory *memory) {
  for (size_t i = 0; i < ROWS(asking); i++) {
    far_manifest *asked = NULL, *settled = NULL;
    char why[FAR_SENTENCE_BYTES];
    check(read_text(memory, asking[i].text, &asked, why) == FARSIDE_OK);
    farside_status status =
        far_manifest_check(asked, &asking[i].granted, why, sizeof why);
    check_at((status == FARSIDE_OK) == (asking[i].says == NULL), why,
             asking[i].text, __LINE__);
    if (status != FARSIDE_OK && asking[i].says != NULL)
      check_says(why, asking[i].says, asking[i].text, __LINE__);
    check(far_manifest_settle(memory, asked, &asking[i].granted, &settled, why,
                              sizeof why) == status);
    check((settled != NULL) == (status == FARSIDE_OK));
    far_manifest_free(settled);
    far_manifest_free(asked);
  }
  char why[FAR_SENTENCE_BYTES];
  check(far_manifest_check(NULL, NULL, why, sizeof why) == FARSIDE_OK);
  // The longest that can be asked for is named in full.
  char *text = repeat("return { http = { 'https://a.com/", "x", 242, "' } }");
  far_manifest *asked = NULL;
  check(read_text(memory, text, &asked, why) == FARSIDE_OK);
  check(far_manifest_check(asked, NULL, why, sizeof why) == FARSIDE_DENIED);
  check_at(strcmp(why + strlen(why) - 4, "xx')") == 0, why, "", __LINE__);
  far_manifest_free(asked);
  free(text);
}

static void test_settling(far_memory *memory) {
  far_manifest *asked = NULL, *settled = NULL;
  char why[FAR_SENTENCE_BYTES];
  farside_permissions granted = {
      granted_modules, granted_http, NULL, {.memory_bytes = 128 * mb}};
  // Without a manifest: all that is granted.
  check(far_manifest_settle(memory, NULL, &granted, &settled, why,
                            sizeof why) == FARSIDE_OK);
  check(!far_manifest_allows_module(settled, "lfs"));
  check(strcmp(settled->said.needs.http[0], granted_http[0]) == 0);
  check(settled->said.needs.background == NULL);
  check(settled->said.needs.limits.block_bytes == 32 * mb);
  far_manifest_free(settled);
  check(far_manifest_settle(memory, NULL, NULL, &settled, why, sizeof why) ==
        FARSIDE_OK);
  check(settled->said.needs.limits.turn_ms == 1000);
  far_manifest_free(settled);

  // With one that says nothing: what is usual, and never more than is granted.
  check(read_text(memory, "return { name = 'x', limits = 'memory=1MB' }",
                  &asked, why) == FARSIDE_OK);
  check(far_manifest_settle(memory, asked, &granted, &settled, why,
                            sizeof why) == FARSIDE_OK);
  check(strcmp(settled->said.name, "x") == 0);
  check(!far_manifest_allows_module(settled, "lfs"));
  check(settled->said.needs.http[0] == NULL);
  check(strcmp(settled->said.needs.background[0], "task") == 0);
  check(settled->said.needs.limits.block_bytes == 256 * kb);
  far_manifest_free(settled);
  granted.background = granted_nothing;
  check(far_manifest_settle(memory, asked, &granted, &settled, why,
                            sizeof why) == FARSIDE_OK);
  check(settled->said.needs.background[0] == NULL);
  far_manifest_free(settled);
  far_manifest_free(asked);

  // A grant that is nonsense is said to be one.
  static const char *const nonsense[] = {"example.com", NULL};
  granted.http = nonsense;
  check(far_manifest_settle(memory, NULL, &granted, &settled, why,
                            sizeof why) == FARSIDE_INVALID);
  check_says(why, "what is granted: http[1]: 'example.com' is no URL", "",
             __LINE__);
}

// -- Short of memory ----------------------------------------------------------

// Reads, copies and settles, as far as the memory reaches.
static farside_status live(far_memory *memory, char *why, size_t bytes) {
  farside_permissions granted = {
      .http = granted_http,
      .limits = {.cpu_ms = FARSIDE_NO_LIMIT, .memory_bytes = 128 * mb}};
  far_manifest *read = NULL, *copied = NULL, *settled = NULL;
  farside_status status =
      far_manifest_read(memory, script_path, &read, why, bytes);
  if (status == FARSIDE_OK)
    status = far_manifest_copy(memory, &read->said, &copied, why, bytes);
  if (status == FARSIDE_OK)
    status =
        far_manifest_settle(memory, copied, &granted, &settled, why, bytes);
  check((settled != NULL) == (status == FARSIDE_OK));
  far_manifest_free(read);
  far_manifest_free(copied);
  far_manifest_free(settled);
  return status;
}

static void test_shortage(void) {
  static const char text[] =
      "return { name = 'x', version = '1', modules = { 'a', 'b' },\n"
      "http = { 'https://api.example.com/*' }, background = { 'task' },\n"
      "limits = { memory = '32MB', cpu = 'off', messages = 50 } }\n";
  write_bytes(text, sizeof text - 1);
  for (int fails_on = 0; fails_on < 2; fails_on++) {
    size_t short_of = 0, n = 1;
    for (;; n++) {
      heap mine = {.fail_at = n, .fails_on = fails_on};
      char why[FAR_SENTENCE_BYTES] = "";
      far_memory memory;
      far_memory_init(&memory, allocate, &mine);
      farside_status status = live(&memory, why, sizeof why);
      check(memory.used_bytes == 0);
      // Lua tries again after collecting garbage, so one refusal may be borne.
      check(status == FARSIDE_OK || status == FARSIDE_NOMEM);
      check(status == FARSIDE_OK ||
            strcmp(why, farside_status_text(FARSIDE_NOMEM)) == 0);
      check(status == FARSIDE_NOMEM || !fails_on || mine.refused == 0);
      short_of += status == FARSIDE_NOMEM;
      if (mine.refused == 0)
        break;
    }
    check(n > 50 && short_of > 10);
  }
}

// -- The options --------------------------------------------------------------

// What command_line_parse() answers, and what it writes to stderr.
static int parse(const char *const *argv, command_line *line, char *said,
                 size_t bytes) {
  static const far_command command = {
      .name = "try",
      .usage = "try [...]",
      .options = " --limits --grant --trust --isolate --grace --verbose -v "};
  int argc = 0;
  while (argv[argc] != NULL)
    argc++;
  fflush(stderr);
  FILE *file = tmpfile();
  int real = dup(STDERR_FILENO);
  if (file == NULL || real < 0 || dup2(fileno(file), STDERR_FILENO) < 0)
    abort();
  int status = command_line_parse(&command, argc, argv, line);
  fflush(stderr);
  dup2(real, STDERR_FILENO);
  close(real);
  rewind(file);
  said[fread(said, 1, bytes - 1, file)] = '\0';
  fclose(file);
  return status;
}

static void test_options(void) {
  command_line line;
  char said[2048];
  const char *const all[] = {"--limits",
                             "memory=8MB,turn=2s",
                             "--grant=http=https://a.com/?x=*",
                             "--grant",
                             "module=json",
                             "--grant",
                             "background=task",
                             "--grant",
                             "module=lpeg",
                             "--trust",
                             "--isolate",
                             "-v",
                             "--grace",
                             "3s",
                             "app.lua",
                             "--",
                             "--limits",
                             NULL};
  check(parse(all, &line, said, sizeof said) == EXIT_FINE);
  check(said[0] == '\0');
  check(line.limits.memory_bytes == 8 * mb && line.limits.turn_ms == 2000);
  check(line.is_trusted && line.is_isolated && line.is_verbose);
  check(line.grace_ms == 3000 && line.argc == 1);
  farside_permissions permissions = command_line_permissions(&line);
  check(strcmp(permissions.http[0], "https://a.com/?x=*") == 0);
  check(permissions.http[1] == NULL);
  check(strcmp(permissions.modules[1], "lpeg") == 0);
  check(permissions.modules[2] == NULL);
  check(strcmp(permissions.background[0], "task") == 0);
  check(permissions.limits.turn_ms == 2000);

  const char *const none[] = {"app.lua", NULL};
  check(parse(none, &line, said, sizeof said) == EXIT_FINE);
  permissions = command_line_permissions(&line);
  check(!line.is_trusted && !line.is_isolated);
  check(permissions.modules == NULL && permissions.http == NULL &&
        permissions.background == NULL && permissions.limits.turn_ms == 0);

  static const struct {
    const char *argv[6], *says;
  } bad[] = {
      {{"--limits", "memory=8"}, "--limits: memory needs a whole size"},
      {{"--limits"}, "--limits needs a value"},
      {{"--limits="}, "--limits= needs a value"},
      {{"--limits", "turn=1s", "--limits", "cpu=1s", "app.lua"},
       "--limits is given twice"},
      {{"--grant", "files=/"},
       "'files=/' cannot be granted; what can: module="},
      {{"--grant", "http"}, "http of what?"},
      {{"--grant", "http="}, "--grant: '' is no URL pattern"},
      {{"--grant", "httpx=1"}, "cannot be granted"},
      {{"--grant", "http=a.com"}, "--grant: 'a.com' is no URL pattern"},
      {{"--grant", "module=a b"}, "--grant: 'a b' is no module name"},
      {{"--grant", "background=fetch"}, "there is no background mode 'fetch'"},
      {{"--trust=yes"}, "this option takes no value"},
      {{"--isolate=no"}, "this option takes no value"},
      {{"--trus"}, "there is no option --trus"},
      {{"--plan", "x"}, "there is no option --plan"},
  };
  for (size_t i = 0; i < ROWS(bad); i++) {
    check_at(parse(bad[i].argv, &line, said, sizeof said) == EXIT_USAGE,
             "refuses", bad[i].says, __LINE__);
    check_at(strstr(said, bad[i].says) != NULL, said, bad[i].says, __LINE__);
    check(strstr(said, "\nusage: farside try") != NULL);
  }

  const char *many[GRANTS_MAX + 3] = {NULL};
  for (size_t i = 0; i < GRANTS_MAX; i++)
    many[i] = "--grant=module=m";
  many[GRANTS_MAX] = "app.lua";
  check(parse(many, &line, said, sizeof said) == EXIT_FINE);
  check(line.modules.count == GRANTS_MAX &&
        line.modules.values[GRANTS_MAX] == NULL);
  many[GRANTS_MAX] = "--grant=module=m";
  check(parse(many, &line, said, sizeof said) == EXIT_USAGE);
  check(strstr(said, "--grant is given too often") != NULL);
}

int main(void) {
  const char *temporary = getenv("TMPDIR");
  far_memory memory;
  far_memory_init(&memory, NULL, NULL);
  snprintf(folder, sizeof folder, "%.200s/farside_XXXXXX",
           temporary ? temporary : "/tmp");
  if (mkdtemp(folder) == NULL) {
    perror(folder);
    return 1;
  }
  snprintf(script_path, sizeof script_path, "%s/app.lua", folder);
  snprintf(manifest_path, sizeof manifest_path, "%s/farside.lua", folder);
  test_parse_good();
  test_parse_bad();
  test_compare();
  test_pattern_texts();
  test_pattern_covers();
  test_good_files(&memory);
  test_bad_files(&memory);
  test_slow_files(&memory);
  test_large_files(&memory);
  test_odd_files(&memory);
  test_tables(&memory);
  test_grants(&memory);
  test_settling(&memory);
  check(memory.used_bytes == 0);
  test_shortage();
  test_options();
  unlink(manifest_path);
  rmdir(folder);
  return check_end();
}
