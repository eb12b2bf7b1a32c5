// Events and messages: any words and any JSON from outside. What a script makes
// of a value is what was sent, and what it sends on is the same value again.

#include "world.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Tells values apart, whatever the order of their fields; null in a table is
// nothing.
static const char script[] =
    "local farside = require 'farside'\n"
    "local App = farside.Plugins.App\n"
    "local function mix(a, b) return (a * 31 + b) * 0x9e3779b97f4a7c15 end\n"
    "local function print_of(value)\n"
    "  local kind = math.type(value) or type(value)\n"
    "  local sum = 7\n"
    "  if kind == 'integer' then return mix(1, value) end\n"
    "  if kind == 'float' then\n"
    "    return mix(2, (string.unpack('<i8', string.pack('<d', value))))\n"
    "  end\n"
    "  if kind == 'boolean' then return value and 3 or 4 end\n"
    "  if kind == 'string' then\n"
    "    for i = 1, #value do sum = mix(sum, value:byte(i)) end\n"
    "    return sum\n"
    "  end\n"
    "  if kind ~= 'table' then return 5 end\n"
    "  for k, v in pairs(value) do sum = sum + mix(print_of(k), print_of(v)) "
    "end\n"
    "  return sum\n"
    "end\n"
    "App.addListener('message', function(event)\n"
    "  print(('fuzz %d'):format(print_of(event.data)))\n"
    "  if farside.name == 'c' then return end\n"
    "  local ok, _, name = farside.postMessage('c', event.data)\n"
    "  if not ok then print('fuzz not sent ' .. name) end\n"
    "end)\n"
    "for _, event in ipairs { 'appUrlOpen', 'appRestoredResult', "
    "'memoryWarning', 'backButton', 'terminate', 'launch', 'appStateChange' } "
    "do App.addListener(event, print_of) end\n";

static uint64_t mix(uint64_t a, uint64_t b) {
  return (a * 31 + b) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t print_of(const json_t *value);

static uint64_t print_of_text(const char *text, size_t bytes) {
  uint64_t sum = 7;
  for (size_t i = 0; i < bytes; i++)
    sum = mix(sum, (uint8_t)text[i]);
  return sum;
}

static uint64_t print_of_table(const json_t *value) {
  uint64_t sum = 7;
  const char *key;
  json_t *field;
  size_t i;
  if (json_is_array(value)) {
    json_array_foreach(value, i, field) {
      if (!json_is_null(field))
        sum += mix(mix(1, i + 1), print_of(field));
    }
    return sum;
  }
  json_object_foreach((json_t *)value, key, field) {
    if (!json_is_null(field))
      sum += mix(print_of_text(key, strlen(key)), print_of(field));
  }
  return sum;
}

static uint64_t print_of(const json_t *value) {
  uint64_t bits;
  double number;
  switch (json_typeof(value)) {
  case JSON_INTEGER:
    return mix(1, (uint64_t)json_integer_value(value));
  case JSON_REAL:
    number = json_real_value(value);
    memcpy(&bits, &number, sizeof bits);
    return mix(2, bits);
  case JSON_TRUE:
    return 3;
  case JSON_FALSE:
    return 4;
  case JSON_STRING:
    return print_of_text(json_string_value(value), json_string_length(value));
  case JSON_NULL:
    return 5;
  default:
    return print_of_table(value);
  }
}

// What the script heard is what was sent, and so is what "c" heard from "b".
static void check_sent(world *mine, const char *json) {
  json_t *value = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  expect(value != NULL);
  char wanted[64];
  snprintf(wanted, sizeof wanted, "fuzz %lld", (long long)print_of(value));
  json_decref(value);
  world_advance(mine, 0);
  // Too much of it is an error that the script has been told.
  if (mine->device != NULL && mine->errors == mine->errors_seen &&
      mine->host->stats.killed == 0)
    expect(strcmp(mine->said, wanted) == 0 ||
           strncmp(mine->said, "fuzz not sent", 13) == 0);
}

static void send(world *mine, const char *to, const char *json) {
  farside_script about;
  world_advance(mine, 0); // What was sent before comes first.
  // An error before may have been its main chunk's, for lack of memory: then it
  // does not listen.
  bool has_a = farside_script_at(mine->host, 0, &about) && mine->errors == 0 &&
               mine->host->app.state == FAR_APP_ACTIVE;
  mine->errors_seen = mine->errors;
  mine->said[0] = '\0';
  if (farside_send(mine->host, to, json) == FARSIDE_OK && has_a &&
      strcmp(to, about.name) == 0 && about.messages == 0)
    check_sent(mine, json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

// Each line is a word and its JSON: an event, or "@" and a script's name.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  input all = {data, data + bytes};
  input setup = input_line(&all);
  world mine;
  if (!world_open(&mine, &setup))
    return 0;
  mine.limits.turn_ms = mine.limits.cpu_ms = 500;
  for (size_t i = 0; i < WORLD_SCRIPTS; i++) {
    mine.codes[i] = script;
    mine.codes_bytes[i] = sizeof script - 1;
  }
  world_load(&mine, 0);
  if (input_below(&setup, 2))
    world_load(&mine, 2);
  for (int i = 0; i < 100 && !input_is_empty(&all); i++) {
    input line = input_line(&all);
    char *word = input_word(&line), *json = input_text(&line);
    if (word[0] == '@')
      send(&mine, word + 1, json);
    else
      farside_post(mine.host, word, json[0] ? json : NULL);
    free(json);
    free(word);
    if (i % 4 == 3)
      world_advance(&mine, 0);
    if (!input_is_empty(&setup))
      world_move(&mine, &setup);
    world_check(&mine);
  }
  world_advance(&mine, 0);
  world_check(&mine);
  world_close(&mine);
  return 0;
}
