#include "isolated.h"

#include "command.h"
#include "confine.h"
#include "host.h"
#include "limit.h"
#include "scripts.h"
#include "wire.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

typedef struct isolated {
  farside_host *host;
  far_wire_reader reader;
  uv_pipe_t pipe;
  uv_prepare_t before_wait;
  uv_check_t after_wait;
  const char *state; // What the other side believes.
  json_t *load;      // What was asked for at first.
  json_t *neighbours;
  bool is_pointless; // The script set nothing up.
  farside_platform platform;
  char chunk[64 * 1024];
} isolated;

static isolated self;

// -- To the other side --------------------------------------------------------

// Waits while nobody reads: whoever says too much is slowed down.
static void write_all(const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(FAR_WIRE_FD, bytes, count);
    if (written > 0) {
      bytes += written;
      count -= (size_t)written;
    } else if (written < 0 && errno == EAGAIN) {
      struct pollfd room = {.fd = FAR_WIRE_FD, .events = POLLOUT};
      poll(&room, 1, -1);
    } else if (written < 0 && errno != EINTR) {
      _exit(EXIT_SCRIPT_FAILED); // Nobody is there any more.
    }
  }
}

// Takes the object over.
static bool say(json_t *object) {
  size_t bytes;
  char *line = far_wire_line(object, &bytes);
  if (line == NULL)
    return false;
  write_all(line, bytes);
  free(line);
  return true;
}

static void say_state(const char *state) {
  if (state == self.state)
    return;
  self.state = state;
  char line[64];
  int bytes = snprintf(line, sizeof line, "{\"state\":\"%s\"}\n", state);
  write_all(line, (size_t)bytes);
}

static const char busy[] = "busy", idle[] = "idle", asleep[] = "asleep";

static void on_entry(void *user, const farside_entry *entry) {
  (void)user;
  say(far_wire_entry(entry));
}

static farside_status on_route(void *user, const char *from, const char *to,
                               const char *json) {
  (void)user;
  (void)from;
  size_t i;
  const json_t *name;
  json_array_foreach(self.neighbours, i, name) {
    if (strcmp(json_string_value(name), to) != 0)
      continue;
    json_t *message =
        json_pack("{s:{s:s,s:s}}", "message", "to", to, "data", json);
    return say(message) ? FARSIDE_OK : FARSIDE_NOMEM;
  }
  return FARSIDE_NOSCRIPT;
}

// -- From the other side ------------------------------------------------------

static const char *text_of(const json_t *object, const char *key) {
  return json_string_value(json_object_get(object, key));
}

static void move(const json_t *order) {
  const char *state = text_of(order, "state");
  for (far_app_state to = FAR_APP_SUSPENDED; to <= FAR_APP_ACTIVE; to++)
    if (state != NULL && strcmp(far_app_state_name(to), state) == 0)
      far_life_move(self.host, to, text_of(order, "why"));
}

static void deliver(const json_t *message) {
  const char *from = text_of(message, "from"), *data = text_of(message, "data");
  farside_script me;
  if (from == NULL || data == NULL || !farside_script_at(self.host, 0, &me))
    return;
  farside_status status = far_scripts_send(self.host, from, me.name, data);
  if (status != FARSIDE_OK)
    far_host_notef(self.host, FAR_WHAT_LOG, FARSIDE_ERROR, NULL, NULL,
                   "a message from %s is lost: %s", from,
                   farside_status_text(status));
}

static void reload(void) {
  farside_script me;
  if (farside_script_at(self.host, 0, &me))
    farside_script_reload(self.host, me.name);
}

static void say_usage(void) {
  farside_script me;
  char row[256];
  if (!farside_script_at(self.host, 0, &me))
    return;
  command_script_row(&me, row, sizeof row);
  say(json_pack("{s:s}", "usage", row));
}

static void obey(const json_t *line) {
  json_t *order;
  if ((order = json_object_get(line, "post")) != NULL)
    farside_post(self.host, text_of(order, "event"), text_of(order, "json"));
  else if ((order = json_object_get(line, "move")) != NULL)
    move(order);
  else if ((order = json_object_get(line, "send")) != NULL)
    deliver(order);
  else if (json_object_get(line, "reload") != NULL)
    reload();
  else if (json_object_get(line, "usage") != NULL)
    say_usage();
  else if ((order = json_object_get(line, "scripts")) != NULL) {
    json_decref(self.neighbours);
    self.neighbours = json_incref(order);
  }
}

static void say_pong(const json_t *line) {
  say(json_pack("{s:O}", "pong", json_object_get(line, "n")));
}

static void obey_all(void) {
  json_t *line;
  while ((line = far_wire_next(&self.reader)) != NULL) {
    obey(line);
    say_pong(line);
    json_decref(line);
  }
}

static void lend(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer) {
  (void)handle;
  (void)wanted;
  *buffer = uv_buf_init(self.chunk, sizeof self.chunk);
}

// Who started us is gone, or talks nonsense: there is nobody to work for.
static void taken(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer) {
  (void)stream;
  if (got < 0 || !far_wire_feed(&self.reader, buffer->base, (size_t)got))
    _exit(EXIT_SCRIPT_FAILED);
  say_state(busy);
  obey_all();
}

// -- Waiting ------------------------------------------------------------------

// Whoever waits in vain for an answer must know whether one runs at all.
static void will_wait(uv_prepare_t *handle) {
  (void)handle;
  if (!far_host_has_work(self.host))
    say_state(self.host->app.state == FAR_APP_SUSPENDED ? asleep : idle);
}

static void has_waited(uv_check_t *handle) {
  (void)handle;
  say_state(busy);
}

// The loop closes what it reads, and there is something to say after that.
static bool watch_loop(void) {
  uv_loop_t *loop = far_clock_loop(self.host->clock);
  int wire = dup(FAR_WIRE_FD);
  return uv_pipe_init(loop, &self.pipe, 0) == 0 &&
         uv_pipe_open(&self.pipe, wire) == 0 &&
         uv_read_start((uv_stream_t *)&self.pipe, lend, taken) == 0 &&
         uv_prepare_init(loop, &self.before_wait) == 0 &&
         uv_prepare_start(&self.before_wait, will_wait) == 0 &&
         uv_check_init(loop, &self.after_wait) == 0 &&
         uv_check_start(&self.after_wait, has_waited) == 0;
}

// -- Start --------------------------------------------------------------------

// The first line, before there is a loop.
static bool read_load(void) {
  while (self.load == NULL) {
    ssize_t got = read(FAR_WIRE_FD, self.chunk, sizeof self.chunk);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0 || !far_wire_feed(&self.reader, self.chunk, (size_t)got))
      return false;
    self.load = far_wire_next(&self.reader);
  }
  return json_is_object(json_object_get(self.load, "load"));
}

static uint64_t number_of(const json_t *object, const char *key) {
  return (uint64_t)json_integer_value(json_object_get(object, key));
}

// A list that ends with NULL, and lives as long as the process.
static const char *const *list_of(const json_t *object, const char *key) {
  const json_t *array = json_object_get(object, key);
  size_t count = json_array_size(array);
  const char **list =
      json_is_array(array) ? calloc(count + 1, sizeof *list) : NULL;
  for (size_t i = 0; list != NULL && i < count; i++)
    list[i] = json_string_value(json_array_get(array, i));
  return list;
}

// NULL, or something that the text has in the place of `raw`.
static const char *path_of(const json_t *object, const char *key) {
  char *raw;
  return far_wire_string(json_object_get(object, key), &raw);
}

static const char *const *arguments_of(const json_t *order, int *count) {
  const json_t *array = json_object_get(order, "args");
  const char **list = calloc(json_array_size(array) + 1, sizeof *list);
  *count = 0;
  char *raw;
  for (size_t i = 0; list != NULL && i < json_array_size(array); i++)
    if ((list[*count] = far_wire_string(json_array_get(array, i), &raw)))
      ++*count;
  return list;
}

static farside_source source_of(const json_t *order) {
  farside_source source;
  farside_source_init(&source);
  source.path = path_of(order, "path");
  source.argv = arguments_of(order, &source.argc);
  source.is_trusted = json_is_true(json_object_get(order, "trusted"));
  source.grant.modules = list_of(order, "modules");
  source.grant.http = list_of(order, "http");
  source.grant.background = list_of(order, "background");
  const json_t *limits = json_object_get(order, "limits");
  uint64_t *fields = (uint64_t *)(void *)&source.grant.limits;
  for (size_t i = 0; i < json_array_size(limits); i++)
    if (i < sizeof source.grant.limits / sizeof *fields)
      fields[i] = (uint64_t)json_integer_value(json_array_get(limits, i));
  return source;
}

// The script sends itself to the background, and none of the others. It comes
// back with all of them.
static int minimize(void *unused) {
  (void)unused;
  return farside_post(self.host, "pause", NULL) == FARSIDE_OK ? 0 : -1;
}

static bool open_host(const json_t *order) {
  self.platform = (farside_platform){.version = FARSIDE_PLATFORM_VERSION};
  if (json_is_true(json_object_get(order, "mayMinimize")))
    self.platform.minimize = minimize;
  farside_config config;
  farside_config_init(&config);
  config.platform = &self.platform;
  config.on_entry = on_entry;
  config.grace_ms = number_of(order, "graceMs");
  config.exit_when_idle = true;
  if (farside_host_open(&config, &self.host) != FARSIDE_OK)
    return false;
  self.host->transfers.refusal =
      "there is no Http in an isolated script: its process has no sockets";
  // One clock for all processes of a machine, so one zero for all timelines.
  self.host->origin_ms = number_of(order, "originMs");
  self.host->route = on_route;
  return watch_loop();
}

static void note_missing(const char *what) {
  far_host_notef(self.host, FAR_WHAT_LOG, FARSIDE_DEBUG, NULL, NULL,
                 "this system cannot limit %s", what);
}

// The folder of a path, without a call that a lost current folder would fail.
static void folder_of(const char *path, char *folder, size_t bytes) {
  const char *slash = strrchr(path, '/');
  snprintf(folder, bytes, "%.*s", slash ? (int)(slash - path + 1) : 1,
           slash ? path : ".");
}

static void confine(const farside_source *source) {
  farside_limits limits = source->grant.limits;
  far_limits_default(&limits);
  char folder[4096], manifest[4200];
  folder_of(source->path, folder, sizeof folder);
  snprintf(manifest, sizeof manifest, "%s/farside.lua", folder);
  // The script and its manifest may be links to somewhere else.
  const char *const paths[] = {
      folder,         source->path,          manifest, "/etc/localtime",
      "/dev/urandom", "/usr/share/zoneinfo", NULL};
  if (!far_confine_limits(limits.memory_bytes))
    note_missing("a process");
  if (!far_confine_reading(paths))
    note_missing("which files a process reads");
  if (!far_confine_calls())
    note_missing("what a process asks of the kernel");
}

static int run_script(const farside_source *source) {
  farside_status status = farside_load(self.host, source);
  farside_script me;
  if (farside_script_at(self.host, 0, &me))
    say(json_pack("{s:s}", "named", me.name));
  say_pong(self.load);
  obey_all(); // What came with the first line.
  if (status != FARSIDE_OK)
    return status == FARSIDE_KILLED ? EXIT_HOST_KILLED : EXIT_SCRIPT_FAILED;
  far_host_step(self.host, FAR_NEVER);
  self.is_pointless = far_host_is_idle(self.host) &&
                      !farside_has_ended(self.host) &&
                      self.host->timeline.count <= 2;
  farside_run(self.host);
  farside_stats stats;
  farside_get_stats(self.host, &stats);
  return stats.killed > 0 ? EXIT_HOST_KILLED : EXIT_FINE;
}

int far_isolated_run(void) {
  struct stat about;
  if (fstat(FAR_WIRE_FD, &about) != 0 || !S_ISSOCK(about.st_mode)) {
    fprintf(stderr, "farside: %s is a command of its own use only\n",
            FAR_ISOLATED_COMMAND);
    return EXIT_USAGE;
  }
  signal(SIGPIPE, SIG_IGN);
  far_confine_files(FAR_WIRE_FD + 1);
  if (!read_load())
    return EXIT_SCRIPT_FAILED;
  const json_t *order = json_object_get(self.load, "load");
  farside_source source = source_of(order);
  if (source.path == NULL ||
      !far_confine_to_parent((pid_t)number_of(order, "parent")))
    return EXIT_SCRIPT_FAILED;
  self.state = idle;
  say_state(busy);
  if (!open_host(order)) {
    fprintf(stderr, "farside: not enough memory\n");
    return EXIT_SCRIPT_FAILED;
  }
  if (!source.is_trusted)
    confine(&source);
  int code = run_script(&source);
  farside_host_close(self.host);
  say(json_pack("{s:i,s:b}", "ended", code, "idle", self.is_pointless));
  // What else a program does at its end, such as a sanitizer's, may need more
  // than the filter leaves.
  fflush(NULL);
  if (!source.is_trusted)
    _exit(code);
  return code;
}
