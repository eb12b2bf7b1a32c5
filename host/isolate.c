#include "isolate.h"

#include "command.h"
#include "desktop.h"
#include "isolated.h"
#include "limit.h"
#include "scripts.h"
#include "wire.h"
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

enum {
  ASK_MS = 1000, // How often a process is asked in which something runs.
  // How late this process may be itself without judging others.
  LATE_MS = 500,
  GLANCE_MS = 250, // Between two looks at one that is near its end.
  // A process that computes gets so many times its time, where it has to share
  // the processor.
  SHARING = 20,
  // Messages that wait for a process to read them.
  QUEUE_BYTES_MAX = 4 * 1024 * 1024
};

typedef enum child_state { BUSY, IDLE, ASLEEP } child_state;

typedef struct parent parent;

// The process of a script.
typedef struct child {
  parent *parent;
  const farside_source *source;
  char name[128];        // "" until it has said it.
  const char *app_state; // Of its last entry.
  child_state state;
  uv_process_t process;
  uv_pipe_t pipe;
  uv_timer_t look;
  size_t open; // Handles that libuv has not closed yet.
  far_wire_reader reader;
  uint64_t sent, answered; // Lines, by number.
  uint64_t waiting_ms;     // Since when for an answer.
  uint64_t waiting_cpu_ms; // What it had computed then.
  uint64_t glance_ms;      // Not judged before.
  bool is_glanced; // Its answer would have been read by now, if there were one.
  uint64_t look_ms;     // When the next look is due.
  uint64_t calm_ms;     // When it was last known to be well, or was asked.
  uint64_t patience_ms; // FAR_NEVER: without end.
  uint64_t end_ms;      // When it must be gone; FAR_NEVER.
  const char *end_why;
  bool has_pipe; // It is open.
  bool is_stopped, is_killed, has_ended, is_pointless;
  bool has_exited, is_over;
  int code; // What it said it would exit with.
  int64_t exit_status;
  int exit_signal;
} child;

struct parent {
  const far_isolate_config *config;
  far_memory memory;
  far_clock *clock;
  uv_loop_t *loop;
  far_desktop *desktop;
  uint64_t origin_ms;
  child *children;
  size_t alive;
  bool is_background, is_asleep, is_terminating;
  bool minds_pipes; // SIGPIPE was not ignored when we came.
  int result;
  char chunk[64 * 1024];
};

static uint64_t now_ms(const parent *all) {
  return all->clock->now_ms(all->clock);
}

// The worst that happened: a script that was stopped before one that failed.
static void add_result(parent *all, int code) {
  if (code > all->result)
    all->result = code;
}

// -- The timeline -------------------------------------------------------------

// A process that has just ended must not take this one along when it is told
// something; but who writes to a pipe that nobody reads ends as ever.
static void show(const parent *all, const farside_entry *entry) {
  all->config->on_entry(all->config->user, entry);
  if (!all->minds_pipes || !ferror(stdout))
    return;
  struct pollfd output = {.fd = STDOUT_FILENO};
  if (poll(&output, 1, 0) == 1 && (output.revents & POLLERR)) {
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
  }
}

static const char *name_of(const child *one) {
  return one->name[0] ? one->name : one->source->path;
}

static void note(child *one, far_what what, farside_level level,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

static void note(child *one, far_what what, farside_level level,
                 const char *format, ...) {
  const parent *all = one->parent;
  char why[512];
  va_list args;
  va_start(args, format);
  vsnprintf(why, sizeof why, format, args);
  va_end(args);
  farside_entry entry = {.t_ms = now_ms(all) - all->origin_ms,
                         .what = far_what_name(what),
                         .level = level,
                         .state = one->app_state,
                         .script = name_of(one),
                         .why = why};
  show(all, &entry);
}

// -- To a process -------------------------------------------------------------

typedef struct line_write {
  uv_write_t request;
  char *line;
} line_write;

static void written(uv_write_t *request, int status) {
  (void)status; // A wire that breaks is heard of by reading.
  line_write *mine = request->data;
  free(mine->line);
  free(mine);
}

// What a process has computed; zero where nobody can tell.
static uint64_t cpu_ms(const child *one) {
#if defined(__linux__)
  clockid_t clock;
  struct timespec used;
  if (clock_getcpuclockid(uv_process_get_pid(&one->process), &clock) != 0 ||
      clock_gettime(clock, &used) != 0)
    return 0;
  return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
#else
  (void)one;
  return 0;
#endif
}

static void look_again(child *one);

static void expect_answer(child *one) {
  if (one->sent++ == one->answered) {
    one->waiting_ms = now_ms(one->parent);
    one->waiting_cpu_ms = cpu_ms(one);
    one->is_glanced = false;
  }
  look_again(one);
}

static bool is_there(const child *one) {
  return !one->is_over && !one->has_exited;
}

// What sleeps is stopped, see fall_asleep().
static void wake(child *one) {
  if (is_there(one) && one->is_stopped)
    kill(uv_process_get_pid(&one->process), SIGCONT);
  one->is_stopped = false;
}

// Takes the object over. A line that cannot be sent for lack of memory is lost:
// the process is judged by those that reach it.
static void tell(child *one, json_t *object) {
  size_t bytes = 0;
  line_write *mine = NULL;
  if (!one->has_pipe || one->is_killed) {
    json_decref(object);
    return;
  }
  wake(one);
  json_object_set_new(object, "n", json_integer((json_int_t)one->sent + 1));
  char *line = far_wire_line(object, &bytes);
  if (line != NULL && (mine = malloc(sizeof *mine)) != NULL) {
    mine->request.data = mine;
    mine->line = line;
    uv_buf_t buffer = uv_buf_init(line, (unsigned)bytes);
    if (uv_write(&mine->request, (uv_stream_t *)&one->pipe, &buffer, 1,
                 written) == 0) {
      expect_answer(one);
      return;
    }
  }
  free(mine);
  free(line);
}

// Takes the object over, and tells it to all.
static void tell_all(parent *all, json_t *object) {
  for (size_t i = 0; i < all->config->count; i++)
    if (is_there(&all->children[i]))
      tell(&all->children[i], json_copy(object));
  all->is_asleep = false;
  json_decref(object);
}

// -- The end of a process -----------------------------------------------------

// The process, and what it has started.
static void end_by_force(child *one) {
  pid_t id = uv_process_get_pid(&one->process);
  one->is_killed = true;
  kill(-id, SIGKILL);
  kill(id, SIGKILL);
  add_result(one->parent, EXIT_HOST_KILLED);
  look_again(one);
}

static void kill_child(child *one, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void kill_child(child *one, const char *format, ...) {
  if (one->is_killed || one->has_exited)
    return;
  char why[256];
  va_list args;
  va_start(args, format);
  vsnprintf(why, sizeof why, format, args);
  va_end(args);
  note(one, FAR_WHAT_SCRIPT_KILL, FARSIDE_ERROR, "%s: its process was killed",
       why);
  end_by_force(one);
}

static void closed(uv_handle_t *handle) {
  child *one = handle->data;
  one->open--;
}

static void close_pipe(child *one) {
  if (!one->has_pipe)
    return;
  one->has_pipe = false;
  uv_close((uv_handle_t *)&one->pipe, closed);
}

// Everybody but itself that can be sent a message.
static json_t *names_for(const child *one) {
  const parent *all = one->parent;
  json_t *names = json_array();
  for (size_t i = 0; i < all->config->count; i++) {
    const child *other = &all->children[i];
    if (other != one && is_there(other) && other->name[0] != '\0')
      json_array_append_new(names, far_wire_text(other->name));
  }
  return names;
}

static void tell_names(parent *all) {
  for (size_t i = 0; i < all->config->count; i++)
    if (is_there(&all->children[i]) && all->children[i].has_pipe)
      tell(&all->children[i],
           json_pack("{s:o}", "scripts", names_for(&all->children[i])));
}

static void judge_exit(child *one) {
  parent *all = one->parent;
  if (one->is_killed)
    return; // It was said before.
  if (one->exit_signal != 0) {
    note(one, FAR_WHAT_SCRIPT_KILL, FARSIDE_ERROR,
         "its process was ended by signal %d (%s)", one->exit_signal,
         strsignal(one->exit_signal));
    add_result(all, EXIT_HOST_KILLED);
  } else if (!one->has_ended) {
    note(one, FAR_WHAT_SCRIPT_KILL, FARSIDE_ERROR,
         "its process ended by itself, with status %d", (int)one->exit_status);
    add_result(all, EXIT_HOST_KILLED);
  } else {
    add_result(all, one->code);
  }
  if (one->is_pointless)
    fprintf(stderr,
            "farside: %s set no listener, timer or task, so there is nothing "
            "to wait for\n",
            one->source->path);
}

static void fall_asleep(parent *all);

// The process is gone, and all it said was heard.
static void finish(child *one) {
  if (one->is_over)
    return;
  judge_exit(one);
  one->is_over = true;
  close_pipe(one);
  uv_close((uv_handle_t *)&one->look, closed);
  far_wire_reader_deinit(&one->reader);
  one->parent->alive--;
  tell_names(one->parent);
  fall_asleep(one->parent);
}

static void must_end(child *one, uint64_t wait_ms, const char *why) {
  uint64_t end_ms = now_ms(one->parent) + wait_ms;
  if (end_ms < one->end_ms) {
    one->end_ms = end_ms;
    one->end_why = why;
  }
  look_again(one);
}

// What it wrote before may still lie in the pipe, and what it has started may
// hold the pipe open.
static void exited(uv_process_t *process, int64_t status, int signal) {
  child *one = process->data;
  one->has_exited = true;
  one->exit_status = status;
  one->exit_signal = signal;
  uv_close((uv_handle_t *)process, closed);
  if (!one->has_pipe)
    finish(one);
  else
    must_end(one, ASK_MS, NULL);
}

// -- Answers ------------------------------------------------------------------

static bool is_awaited(const child *one) {
  return one->sent != one->answered && one->patience_ms != FAR_NEVER;
}

// Whether it is one to be asked whether it is well. Nobody answers who has
// closed the wire; that one has its end.
static bool is_to_be_asked(const child *one) {
  return !one->is_killed && !is_awaited(one) && one->state == BUSY &&
         one->has_pipe && one->patience_ms != FAR_NEVER;
}

// When the silence of one whose answer is awaited is judged.
static uint64_t judge_ms(const child *one) {
  uint64_t due_ms = one->waiting_ms + one->patience_ms;
  return due_ms > one->glance_ms ? due_ms : one->glance_ms;
}

static void looked(uv_timer_t *timer);

// There is a timer only while there is something to look at.
static void look_again(child *one) {
  if (one->is_over)
    return;
  uint64_t due_ms = one->end_ms;
  if (!one->is_killed && is_awaited(one) && judge_ms(one) < due_ms)
    due_ms = judge_ms(one);
  if (is_to_be_asked(one) && one->calm_ms + ASK_MS < due_ms)
    due_ms = one->calm_ms + ASK_MS;
  if (due_ms == FAR_NEVER) {
    uv_timer_stop(&one->look);
    return;
  }
  uint64_t at_ms = now_ms(one->parent);
  one->look_ms = due_ms > at_ms ? due_ms : at_ms;
  uv_update_time(one->parent->loop);
  uv_timer_start(&one->look, looked, one->look_ms - at_ms, 0);
}

// Whether it computes, within its time, on a processor that it has to share.
static bool is_sharing(const child *one, uint64_t waited_ms) {
  uint64_t used_ms = cpu_ms(one) - one->waiting_cpu_ms;
  return used_ms < one->patience_ms && used_ms > waited_ms / SHARING &&
         waited_ms < one->patience_ms * SHARING;
}

static void judge_silence(child *one, uint64_t at_ms) {
  uint64_t waited_ms = at_ms - one->waiting_ms;
  bool is_late = at_ms > one->look_ms + LATE_MS;
  bool has_had_its_time = cpu_ms(one) - one->waiting_cpu_ms >= one->patience_ms;
  if (is_late && !has_had_its_time) {
    // This process was stopped itself, or had no processor: its answer may lie
    // in the pipe.
    one->waiting_ms = at_ms;
    one->waiting_cpu_ms = cpu_ms(one);
  } else if (is_late && !one->is_glanced) {
    one->is_glanced = true;
    one->glance_ms = at_ms + GLANCE_MS;
  } else if (is_sharing(one, waited_ms)) {
    one->glance_ms = at_ms + GLANCE_MS;
  } else {
    kill_child(one, "it did not answer for %.1f s", (double)waited_ms / 1000);
  }
  look_again(one);
}

static void ask(child *one, uint64_t at_ms) {
  one->calm_ms = at_ms; // If it cannot be told, it is asked again.
  tell(one, json_object());
  look_again(one);
}

static void looked(uv_timer_t *timer) {
  child *one = timer->data;
  uint64_t at_ms = now_ms(one->parent);
  if (at_ms >= one->end_ms) {
    one->end_ms = FAR_NEVER;
    if (one->has_exited)
      finish(one);
    else
      kill_child(one, "%s", one->end_why);
  } else if (!one->is_killed && is_awaited(one) && at_ms >= judge_ms(one)) {
    judge_silence(one, at_ms);
  } else if (is_to_be_asked(one) && at_ms >= one->calm_ms + ASK_MS) {
    ask(one, at_ms);
  } else {
    look_again(one);
  }
}

// -- From a process -----------------------------------------------------------

static void set_name(child *one, const char *name) {
  parent *all = one->parent;
  if (one->name[0] != '\0' || name == NULL || name[0] == '\0')
    return;
  char fresh[sizeof one->name];
  bool is_taken = true;
  for (int i = 1; is_taken; i++) {
    if (i == 1)
      snprintf(fresh, sizeof fresh, "%.100s", name);
    else
      snprintf(fresh, sizeof fresh, "%.100s-%d", name, i);
    is_taken = strcmp(fresh, "host") == 0;
    for (size_t j = 0; j < all->config->count; j++)
      is_taken = is_taken || strcmp(all->children[j].name, fresh) == 0;
  }
  memcpy(one->name, fresh, sizeof fresh);
  tell_names(all);
}

static void take_entry(child *one, const json_t *line) {
  far_wire_entry_read read;
  if (!far_wire_entry_parse(line, &read)) {
    one->reader.is_broken = true;
  } else {
    set_name(one, read.entry.script);
    one->app_state = read.entry.state;
    // Its name is what we call it. And where there are several, each life is
    // its own.
    if (read.entry.script != NULL || (one->parent->config->count > 1 &&
                                      strncmp(read.entry.what, "app.", 4) == 0))
      read.entry.script = name_of(one);
    show(one->parent, &read.entry);
  }
  far_wire_entry_free(&read);
}

static child *find(parent *all, const char *name) {
  for (size_t i = 0; i < all->config->count; i++)
    if (is_there(&all->children[i]) && name[0] != '\0' &&
        strcmp(all->children[i].name, name) == 0)
      return &all->children[i];
  return NULL;
}

static void take_message(child *from, const json_t *message) {
  const char *to = json_string_value(json_object_get(message, "to"));
  const json_t *data = json_object_get(message, "data");
  if (to == NULL || from->name[0] == '\0' || !json_is_string(data) ||
      json_string_length(data) > FAR_MESSAGE_BYTES_MAX) {
    from->reader.is_broken = true;
    return;
  }
  child *target = find(from->parent, to);
  bool has_room = target != NULL && target->has_pipe &&
                  uv_stream_get_write_queue_size((uv_stream_t *)&target->pipe) <
                      QUEUE_BYTES_MAX;
  if (has_room)
    tell(target, json_pack("{s:{s:o,s:O}}", "send", "from",
                           far_wire_text(from->name), "data", data));
  else
    note(from, FAR_WHAT_LOG, FARSIDE_ERROR, "a message to %.100s is lost: %s",
         to, target ? "too many wait for it already" : "it is gone");
}

static void take_pong(child *one, uint64_t number) {
  if (number <= one->answered || number > one->sent)
    return;
  one->answered = number;
  one->calm_ms = one->waiting_ms = now_ms(one->parent);
  one->waiting_cpu_ms = cpu_ms(one);
  one->is_glanced = false;
}

static void take_state(child *one, const char *word) {
  one->state = strcmp(word, "idle") == 0     ? IDLE
               : strcmp(word, "asleep") == 0 ? ASLEEP
                                             : BUSY;
  one->calm_ms = now_ms(one->parent);
}

static void take_end(child *one, const json_t *line) {
  one->has_ended = true;
  one->code = (int)json_integer_value(json_object_get(line, "ended"));
  if (one->code < EXIT_FINE || one->code > EXIT_HOST_KILLED)
    one->code = EXIT_SCRIPT_FAILED;
  one->is_pointless = json_is_true(json_object_get(line, "idle"));
  // It has closed its host; what is left is the end of a process.
  must_end(one, FAR_ANSWER_MS, "it said that it had ended, and had not");
}

static void take(child *one, const json_t *line) {
  const json_t *word;
  if (json_object_get(line, "what") != NULL)
    take_entry(one, line);
  else if ((word = json_object_get(line, "pong")) != NULL)
    take_pong(one, (uint64_t)json_integer_value(word));
  else if (json_is_string(word = json_object_get(line, "state")))
    take_state(one, json_string_value(word));
  else if (json_is_string(word = json_object_get(line, "named")))
    set_name(one, json_string_value(word));
  else if ((word = json_object_get(line, "message")) != NULL)
    take_message(one, word);
  else if (json_is_string(word = json_object_get(line, "usage")))
    fprintf(stderr, "%.200s\n", json_string_value(word));
  else if (json_is_integer(json_object_get(line, "ended")))
    take_end(one, line);
  else
    one->reader.is_broken = true;
}

static void lend(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer) {
  const child *one = handle->data;
  (void)wanted;
  *buffer = uv_buf_init(one->parent->chunk, sizeof one->parent->chunk);
}

static void taken(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer) {
  child *one = stream->data;
  if (got < 0) {
    close_pipe(one);
    if (one->has_exited)
      finish(one);
    else
      must_end(one, FAR_ANSWER_MS, "it closed its end of the wire");
    return;
  }
  if (one->is_killed)
    return; // Whatever it is, it comes too late.
  far_wire_feed(&one->reader, buffer->base, (size_t)got);
  json_t *line;
  while ((line = far_wire_next(&one->reader)) != NULL) {
    take(one, line);
    json_decref(line);
  }
  if (one->reader.is_broken)
    kill_child(one, "what it says is not what was agreed on");
  look_again(one);
  fall_asleep(one->parent);
}

// -- The life of all ----------------------------------------------------------

static bool all_sleep(const parent *all) {
  for (size_t i = 0; i < all->config->count; i++) {
    const child *one = &all->children[i];
    // What was told and not answered may wake it.
    if (!one->is_over && (one->state != ASLEEP || one->sent != one->answered))
      return false;
  }
  return all->alive > 0;
}

static far_app_state state_of(void *self) {
  const parent *all = self;
  if (all_sleep(all))
    return FAR_APP_SUSPENDED;
  return all->is_background ? FAR_APP_BACKGROUND : FAR_APP_ACTIVE;
}

static bool is_terminating(void *self) {
  const parent *all = self;
  return all->is_terminating;
}

static bool has_posts(void *self) {
  (void)self;
  return false;
}

// Nothing of a script runs now, and nothing must: whoever broke out of its
// sandbox is stopped too. Only where the kernel ends a stopped process with
// this one.
static void stop_all(parent *all) {
#if defined(__linux__)
  for (size_t i = 0; i < all->config->count; i++) {
    child *one = &all->children[i];
    if (is_there(one) && !one->is_stopped)
      kill(uv_process_get_pid(&one->process), SIGSTOP);
    one->is_stopped = true;
  }
#else
  (void)all;
#endif
}

static void fall_asleep(parent *all) {
  if (!all_sleep(all))
    return;
  stop_all(all);
  if (all->is_asleep)
    return;
  all->is_asleep = true;
  const farside_platform *platform = far_desktop_platform(all->desktop);
  platform->suspend(platform->self);
}

static void move(void *self, far_app_state state, const char *why) {
  parent *all = self;
  all->is_background = state <= FAR_APP_BACKGROUND;
  tell_all(all, json_pack("{s:{s:s,s:s}}", "move", "state",
                          far_app_state_name(state), "why", why));
}

static farside_status post(void *self, const char *event, const char *json) {
  parent *all = self;
  if (strcmp(event, "terminate") == 0 && !all->is_terminating) {
    all->is_terminating = true;
    uint64_t grace_ms = all->config->grace_ms;
    far_profile profile;
    if (grace_ms == 0 && far_profile_find("desktop", &profile))
      grace_ms = (uint64_t)far_policy_get(profile, FAR_TERMINATE_GRACE);
    for (size_t i = 0; i < all->config->count; i++)
      if (is_there(&all->children[i]))
        must_end(&all->children[i], grace_ms + 2 * FAR_ANSWER_MS,
                 "it did not end in its time");
  }
  tell_all(all,
           json_pack("{s:{s:s,s:s*}}", "post", "event", event, "json", json));
  return FARSIDE_OK;
}

static void on_user_signal(void *user, int signal) {
  parent *all = user;
  char heading[256];
  if (signal == SIGUSR1) {
    command_script_row(NULL, heading, sizeof heading);
    fprintf(stderr, "%s\n", heading);
  }
  tell_all(all, json_pack("{s:b}", signal == SIGUSR1 ? "usage" : "reload", 1));
}

// -- Start --------------------------------------------------------------------

static json_t *array_of(const char *const *list) {
  if (list == NULL)
    return NULL;
  json_t *array = json_array();
  for (size_t i = 0; list[i] != NULL; i++)
    json_array_append_new(array, json_string(list[i]));
  return array;
}

static json_t *load_of(const child *one) {
  const parent *all = one->parent;
  const farside_source *source = one->source;
  json_t *args = json_array(), *limits = json_array();
  for (int i = 0; i < source->argc; i++)
    json_array_append_new(args, far_wire_text(source->argv[i]));
  const uint64_t *fields =
      (const uint64_t *)(const void *)&source->grant.limits;
  for (size_t i = 0; i < sizeof source->grant.limits / sizeof *fields; i++)
    json_array_append_new(limits, json_integer((json_int_t)fields[i]));
  json_t *load = json_pack(
      "{s:o,s:o,s:o,s:b,s:b,s:I,s:I,s:I,s:o*,s:o*,s:o*}", "path",
      far_wire_text(source->path), "args", args, "limits", limits, "trusted",
      source->is_trusted, "mayMinimize", far_desktop_may_sleep(all->desktop),
      "graceMs", (json_int_t)all->config->grace_ms, "originMs",
      (json_int_t)all->origin_ms, "parent", (json_int_t)getpid(), "modules",
      array_of(source->grant.modules), "http", array_of(source->grant.http),
      "background", array_of(source->grant.background));
  return json_pack("{s:o}", "load", load);
}

// This very program, also when it was moved since.
static int find_program(char *path, size_t bytes) {
#if defined(__linux__)
  snprintf(path, bytes, "/proc/self/exe");
  return 0;
#else
  return uv_exepath(path, &bytes);
#endif
}

static int spawn(child *one) {
  parent *all = one->parent;
  char program[4096];
  char name[] = "farside", command[] = FAR_ISOLATED_COMMAND;
  char *args[] = {name, command, NULL};
  bool is_trusted = one->source->is_trusted;
  uv_stdio_container_t files[] = {
      {.flags = is_trusted ? UV_INHERIT_FD : UV_IGNORE, .data.fd = 0},
      {.flags = is_trusted ? UV_INHERIT_FD : UV_IGNORE,
       .data.fd = all->config->output},
      {.flags = UV_INHERIT_FD, .data.fd = 2},
      {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE,
       .data.stream = (uv_stream_t *)&one->pipe}};
  uv_process_options_t options = {.exit_cb = exited,
                                  .file = program,
                                  .args = args,
                                  .flags = UV_PROCESS_DETACHED,
                                  .stdio_count = FAR_WIRE_FD + 1,
                                  .stdio = files};
  int status = find_program(program, sizeof program);
  return status ? status : uv_spawn(all->loop, &one->process, &options);
}

static bool start(child *one) {
  parent *all = one->parent;
  uv_timer_init(all->loop, &one->look);
  uv_pipe_init(all->loop, &one->pipe, 0);
  one->has_pipe = true;
  one->process.data = one->pipe.data = one->look.data = one;
  one->open = 3;
  all->alive++;
  int status = spawn(one);
  if (status == 0) {
    uv_read_start((uv_stream_t *)&one->pipe, lend, taken);
    tell(one, load_of(one));
    return true;
  }
  note(one, FAR_WHAT_LOG, FARSIDE_ERROR, "its process cannot be started: %s",
       uv_strerror(status));
  one->has_exited = one->has_ended = true;
  one->code = EXIT_SCRIPT_FAILED;
  uv_close((uv_handle_t *)&one->process, closed);
  finish(one);
  return false;
}

static void prepare(parent *all) {
  for (size_t i = 0; i < all->config->count; i++) {
    child *one = &all->children[i];
    *one = (child){.parent = all,
                   .source = &all->config->sources[i],
                   .app_state = far_app_state_name(FAR_APP_ACTIVE),
                   .end_ms = FAR_NEVER,
                   .reader.values_max = FAR_WIRE_VALUES_MAX};
    farside_limits limits = one->source->grant.limits;
    far_limits_default(&limits);
    one->patience_ms = limits.turn_ms < FAR_NEVER - FAR_ANSWER_MS
                           ? limits.turn_ms + FAR_ANSWER_MS
                           : FAR_NEVER;
  }
}

static size_t count_open(const parent *all) {
  size_t open = 0;
  for (size_t i = 0; i < all->config->count; i++)
    open += all->children[i].open;
  return open;
}

static void run_all(parent *all) {
  prepare(all);
  for (size_t i = 0; i < all->config->count; i++)
    start(&all->children[i]);
  while (all->alive > 0)
    uv_run(all->loop, UV_RUN_ONCE);
  while (count_open(all) > 0)
    uv_run(all->loop, UV_RUN_NOWAIT);
}

static farside_status watch_signals(parent *all) {
  const far_desktop_app app = {.self = all,
                               .clock = all->clock,
                               .state = state_of,
                               .is_terminating = is_terminating,
                               .has_posts = has_posts,
                               .move = move,
                               .post = post};
  far_desktop_on_user_signal(all->desktop, on_user_signal, all);
  return far_desktop_start_app(all->desktop, &app);
}

int far_isolate_run(const far_isolate_config *config) {
  parent *all = calloc(1, sizeof *all);
  farside_status status = FARSIDE_NOMEM;
  int result = EXIT_SCRIPT_FAILED;
  if (all == NULL)
    goto end;
  all->config = config;
  all->minds_pipes = signal(SIGPIPE, SIG_IGN) != SIG_IGN;
  far_memory_init(&all->memory, NULL, NULL);
  all->children = calloc(config->count, sizeof *all->children);
  all->desktop = far_desktop_new();
  if (all->children == NULL || all->desktop == NULL)
    goto end;
  status = far_clock_open_real(&all->memory, &all->clock);
  if (status != FARSIDE_OK)
    goto end;
  all->loop = far_clock_loop(all->clock);
  all->origin_ms = now_ms(all);
  status = watch_signals(all);
  if (status != FARSIDE_OK)
    goto end;
  run_all(all);
  result = all->result;

end:
  if (status != FARSIDE_OK)
    fprintf(stderr, "farside: scripts cannot be isolated: %s\n",
            farside_status_text(status));
  if (all != NULL) {
    far_desktop_free(all->desktop);
    far_clock_close(all->clock);
    free(all->children);
  }
  free(all);
  return result;
}
