// The least that an engine does: opens a host, runs a script, closes it.

#include <farside/farside.h>
#include <stdio.h>
#include <string.h>

static void on_message(void *user, const char *script, const char *json) {
  (void)user;
  (void)script;
  printf("%.*s\n", (int)strlen(json) - 2, json + 1); // Without its quotes.
}

int main(void) {
  static const char code[] =
      "local farside = require 'farside' setTimeout(function() "
      "farside.postMessage('host', 'hello from ' .. _VERSION) end, 1)";
  farside_config config;
  farside_config_init(&config);
  config.exit_when_idle = true;
  config.on_message = on_message;
  farside_host *host = NULL;
  if (farside_abi() != FARSIDE_ABI ||
      farside_host_open(&config, &host) != FARSIDE_OK ||
      farside_load_buffer(host, "hello.lua", code, sizeof code - 1, 0, NULL) !=
          FARSIDE_OK ||
      farside_run(host) != FARSIDE_OK) {
    fprintf(stderr, "%s\n", host ? farside_error(host) : "no host");
    return 1;
  }
  farside_host_close(host);
  return 0;
}
