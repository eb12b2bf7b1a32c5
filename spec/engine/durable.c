// Durable work in an engine: a unit that asks a server, where one is named, and
// is kept in a file. Started again, it has nothing to do.
//
//   durable STORE [URL]

#include <farside/farside.h>
#include <stdio.h>
#include <string.h>

static const char code[] =
    "local farside = require 'farside'\n"
    "local Plugins = farside.Plugins\n"
    "local Work, Http = Plugins.BackgroundTask, Plugins.Http\n"
    "local url = ...\n"
    "Work.define('ask', { run = function(ctx)\n"
    "  local response, why, name = Http.get(ctx.input.url)\n"
    "  return { said = response and response.status or name }\n"
    "end })\n"
    "if #Work.query {} == 0 then\n"
    "  Work.enqueue('ask', { url = url })\n"
    "  print 'enqueued'\n"
    "end\n"
    "Work.watch({}, function(work)\n"
    "  if work.state == 'succeeded' then print(work.output.said) end\n"
    "end)\n";

static void on_log(void *user, farside_level level, const char *script,
                   const char *text) {
  (void)user;
  (void)level;
  (void)script;
  printf("%s\n", text);
}

int main(int argc, char **argv) {
  const char *url = argc > 2 ? argv[2] : "http://127.0.0.1/";
  const char *arguments[] = {url, NULL};
  farside_permissions mine = {.http = arguments}; // That one address.
  farside_manifest manifest = {.needs = mine};
  farside_source source;
  farside_source_init(&source);
  source.code = code;
  source.code_bytes = strlen(code);
  source.name = "durable";
  source.argc = 1;
  source.argv = arguments;
  source.grant = mine;
  source.manifest = &manifest;

  farside_config config;
  farside_config_init(&config);
  config.exit_when_idle = true;
  config.on_log = on_log;
  farside_host *host = NULL;
  if (argc < 2 || farside_host_open(&config, &host) != FARSIDE_OK ||
      farside_open_store(host, argv[1]) != FARSIDE_OK ||
      farside_load(host, &source) != FARSIDE_OK ||
      farside_run(host) != FARSIDE_OK) {
    fprintf(stderr, "%s\n", host ? farside_error(host) : "no host");
    return 1;
  }
  farside_host_close(host);
  return 0;
}
