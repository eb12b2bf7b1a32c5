// Farside: the place where a Lua app works while nobody is looking.
//
// A host is one event loop, one clock and any number of scripts. It belongs to
// the thread that opened it: call everything here on that thread, except the
// functions under "From any thread". One process may have many hosts.
//
// What drives it is one of three: farside_run() on the caller's thread,
// farside_tick() once a frame, or farside_start(), a thread of its own, which
// goes on where the engine's main loop stops in the background.
//
//   farside_config config;
//   farside_config_init(&config);
//   farside_host *host = NULL;
//   if (farside_host_open(&config, &host) == FARSIDE_OK &&
//       farside_load_file(host, "app.lua", 0, NULL) == FARSIDE_OK)
//     farside_run(host);
//   farside_host_close(host);
#ifndef FARSIDE_H
#define FARSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform.h"

struct lua_State;

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FARSIDE_API __attribute__((visibility("default")))
#else
#define FARSIDE_API
#endif

#define FARSIDE_VERSION "0.1.0"

// The version of every struct and function below, and of platform.h. A library
// of another one must not be called: see farside_abi().
#define FARSIDE_ABI 1

// -- Results ----------------------------------------------------------------

// Every expected failure: a number, the NAME that scripts get as the third
// result, and a sentence.
#define FARSIDE_STATUS_MAP(X)                                                  \
  X(0, OK, "it worked")                                                        \
  X(1, NOMEM, "there is not enough memory")                                    \
  X(2, INVALID, "an argument or a setting is wrong")                           \
  X(3, NOTASK, "no task has this id")                                          \
  X(4, FINISHED, "the task has ended already")                                 \
  X(5, EXPIRED, "the task's time ran out and the host ended it")               \
  X(6, LIMIT, "the limit is reached")                                          \
  X(7, BUSY, "the host is running: this call came from inside a callback")     \
  X(8, CLOSED, "the host is closed")                                           \
  X(9, NOFILE, "the file cannot be read")                                      \
  X(10, SYNTAX, "the script does not parse")                                   \
  X(11, SCRIPT, "the script raised an error")                                  \
  X(12, UNSUPPORTED, "this platform cannot do that")                           \
  X(13, INTERRUPTED, "the wait was ended by somebody else")                    \
  X(14, SYSTEM, "the operating system refused")                                \
  X(15, KILLED, "the script was stopped: it used more than it may")            \
  X(16, DENIED, "the script may not do that")                                  \
  X(17, NOSCRIPT, "no script has this name")                                   \
  X(18, NOWORK, "no work has this id")                                         \
  X(19, STORE, "the store failed")                                             \
  X(20, FULL, "there is no room for it in the store")                          \
  X(21, READONLY, "the store cannot be written")                               \
  X(22, CORRUPT, "the store is damaged")                                       \
  X(23, LOCKED, "another process owns the store")                              \
  X(24, NEWER, "a newer version has written the store")                        \
  X(25, STALE, "another run has taken over")                                   \
  X(26, NETWORK, "the network failed")                                         \
  X(27, TIMEOUT, "it took too long")                                           \
  X(28, TLS, "there is no secure connection")                                  \
  X(29, NOCALL, "no call waits for this answer")

typedef enum farside_status {
#define FARSIDE_STATUS(code, name, text) FARSIDE_##name = code,
  FARSIDE_STATUS_MAP(FARSIDE_STATUS)
#undef FARSIDE_STATUS
} farside_status;

// The sentence of a status, for example "no task has this id". Never NULL, and
// never freed. Any thread.
FARSIDE_API
const char *farside_status_text(farside_status status);

// The name of a status without its prefix, for example "NOTASK". Any thread.
FARSIDE_API
const char *farside_status_name(farside_status status);

// FARSIDE_VERSION of the library that is loaded. Any thread.
FARSIDE_API
const char *farside_version(void);

// FARSIDE_ABI of the library that is loaded, for whoever has found it at run
// time (dlopen, FFI): go on only if it is the one that you were compiled for.
// The linker does so by itself: the number is part of the library's name. Any
// thread.
FARSIDE_API
unsigned farside_abi(void);

// -- What a host reports -----------------------------------------------------

typedef enum farside_level {
  FARSIDE_DEBUG,
  FARSIDE_INFO,
  FARSIDE_WARN,
  FARSIDE_ERROR
} farside_level;

// One entry of the timeline: the answer to "what happened, and why".
// All strings are borrowed: they live until the callback returns.
typedef struct farside_entry {
  uint64_t t_ms;       // Milliseconds since the host was opened. On real time
                       // those of tasks and timers may be 10 ms too few.
  const char *what;    // "task.finish": the list is in docs/reference.md.
  farside_level level; // How much it should worry the reader.
  const char *state;   // The app's state at that moment: "background".
  const char *script;  // The script's name, or NULL.
  uint64_t task;       // The task's id, or 0.
  uint64_t work;       // The id of durable work, or 0.
  const char *name;    // The task's name, the work's kind, or NULL.
  const char *where;   // "app.lua:12", where the task was begun, or NULL.
  const char *why;     // A sentence, a log message or a traceback, or NULL.
  // Of a broken rule, else NULL. These live for ever.
  const char *rule;     // "BG01"
  const char *severity; // "error", "warning"
  const char *outcome;  // What the OS does: "kill", "throttle", "warning", ...
  const char *code;     // As the OS has it: "0x2182bad2"; NULL for none.
} farside_entry;

// Counts since the host was opened.
typedef struct farside_stats {
  uint64_t errors;       // Script errors: at load, in a callback, in a closure.
  uint64_t tasks_begun;  // Tasks handed to exec.
  uint64_t tasks_open;   // Of these, not ended yet.
  uint64_t finished;     // Ended by finish.
  uint64_t failed;       // Ended by an error in the closure.
  uint64_t expired;      // Ended by the host at the deadline.
  uint64_t cancelled;    // Ended because the app or its script ended.
  uint64_t leaked;       // Reported as leaked, and not finished after all.
  uint64_t killed;       // Turns that were stopped for a limit.
  uint64_t memory_bytes; // Taken through the host's allocator right now.
} farside_stats;

// -- Limits ------------------------------------------------------------------

// Off: a script may use as much as there is.
#define FARSIDE_NO_LIMIT UINT64_MAX

// What a script may use. Zero in any field: the default.
typedef struct farside_limits {
  // A turn that computes longer is suspended, and goes on after the other
  // scripts had theirs. Elapsed time. Default 10 ms; never in virtual time.
  uint64_t slice_ms;

  // A turn whose slice is over, and which computes so much longer in a library
  // function that cannot be suspended, such as string.find or a comparison of
  // table.sort, is stopped for good: everybody else waits for it. Time of the
  // processor. Default 1,000 ms; an engine that draws frames wants less.
  uint64_t hold_ms;

  // A turn that computes longer is stopped for good. Time of the processor.
  // Default 1,000 ms.
  uint64_t turn_ms;

  // A task whose turns compute longer, all together, is stopped for good. Time
  // of the processor. Default 10,000 ms.
  uint64_t cpu_ms;

  // How long a stopped script may compute on, unaware, before its memory is
  // thrown away under it. Default 5 ms.
  uint64_t grace_ms;

  // Its whole memory. Default 64 MiB.
  uint64_t memory_bytes;

  // A single block of it, such as one string. Default a quarter of its memory.
  uint64_t block_bytes;

  // Messages that wait for it. Default 1,000.
  uint64_t messages;

  // Keys and values that it keeps by Storage. Default 16 MiB.
  uint64_t storage_bytes;

  // Units of durable work of it that have not ended. Default 10,000.
  uint64_t work;
} farside_limits;

// What a script may do. NULL in any field: the default. Lists end with NULL and
// are copied.
typedef struct farside_permissions {
  const char *const *modules;    // Which of farside_config.modules it may
                                 // require, and which of its plugins it may
                                 // call. Default: all.
  const char *const *http;       // URL patterns. Default: none.
  const char *const *background; // "task". Default: that.
  farside_limits limits;
} farside_permissions;

// What a script says of itself, in farside.lua beside it or from the embedder.
typedef struct farside_manifest {
  const char *name;    // NULL: as its file is called.
  const char *version; // NULL: it does not say.
  farside_permissions needs;
} farside_manifest;

// -- Open and close ----------------------------------------------------------

typedef struct farside_host farside_host;

// Takes, resizes and frees all memory of a host and its scripts, in the shape
// of lua_Alloc: bytes_new == 0 frees, ptr == NULL allocates. The default uses
// realloc() and free(). Called on the host's thread only: what farside_post()
// queues, and what libuv and libcurl keep for themselves, comes from malloc().
typedef void *(*farside_allocate)(void *user, void *ptr, size_t bytes_old,
                                  size_t bytes_new);

// Sees each entry of the timeline as it happens, on the host's thread. It may
// call any function of this header on the same host; farside_host_close() then
// takes effect as written there.
typedef void (*farside_on_entry)(void *user, const farside_entry *entry);

// Sees what a script sends to the host by postMessage("host", value), as JSON,
// on the host's thread. The strings live until it returns. What it may call:
// as for farside_on_entry.
typedef void (*farside_on_message)(void *user, const char *script,
                                   const char *json);

// Sees what scripts log and print, and what the host says about them, on the
// host's thread. `script` may be NULL. The strings live until it returns. What
// it may call: as for farside_on_entry, which sees the same and all the rest.
typedef void (*farside_on_log)(void *user, farside_level level,
                               const char *script, const char *text);

// A plugin: what the embedder does for scripts. A script that calls
// `Plugins.NAME.METHOD(value)` waits for its answer in a coroutine, or gives a
// function as the last argument, which is called with it. The answer is given
// once, at any time, from any thread: farside_resolve() or farside_reject().
//
// `call` is called on the host's thread while the script is in the middle of
// its turn, and must return soon. It may call what is under "From any thread",
// and may have answered when it returns. `arguments` is what the script gave,
// as JSON; "null" for nothing; borrowed until it returns. NULL: nothing is
// called, and the call waits for farside_poll().
typedef void (*farside_on_call)(void *user, farside_host *host, uint64_t call,
                                const char *method, const char *arguments);

typedef struct farside_method {
  const char *name; // A name of Lua's; not addListener and its relatives.
  farside_on_call call;
} farside_method;

typedef struct farside_plugin {
  const char *name; // Unlike any of ours.

  // The last has a name of NULL. NULL: it only notifies.
  const farside_method *methods;

  // A call is not waited for any more: its task has ended, or its script has.
  // On the host's thread; what it may call: as for a method. Default NULL. For
  // calls that are polled, farside_poll() says so.
  void (*cancelled)(void *user, farside_host *host, uint64_t call);

  void *user; // For the two above.
} farside_plugin;

// What waits for farside_poll() besides the calls of plugins that are polled.
// Bits of farside_config.polls.
#define FARSIDE_POLL_MESSAGES 1u // Where there is no on_message.
#define FARSIDE_POLL_LOG      2u
#define FARSIDE_POLL_ENTRIES  4u // The timeline; the log is in there.

// A module of the embedder's, for scripts to require: a lua_CFunction that
// returns it. What it does is not watched: a script that is stopped may be
// jumped out of in the middle of it, unless it shields itself; see
// farside_shield_up().
typedef struct farside_module {
  const char *name;
  int (*open)(struct lua_State *L);
} farside_module;

typedef struct farside_config {
  uint64_t version; // Set by farside_config_init(). Leave it.

  // The OS whose rules hold: "ios", "android", "strict" or "desktop".
  // Default "desktop".
  const char *profile;

  // What to ask of the OS. Default NULL: nothing. The struct is copied.
  const farside_platform *platform;

  farside_allocate allocate;     // Default NULL: realloc() and free().
  farside_on_entry on_entry;     // Default NULL.
  farside_on_message on_message; // Default NULL: nobody listens.
  farside_on_log on_log;         // Default NULL.
  void *user;                    // For the four above.

  // What scripts may require besides our own; ends with a name of NULL, and is
  // not copied. Default NULL: nothing.
  const farside_module *modules;

  // What scripts may call; ends with a name of NULL, and is not copied: it must
  // live as long as the host. Default NULL: nothing.
  const farside_plugin *plugins;

  // What waits for farside_poll(): FARSIDE_POLL_… bits. Default 0. And how many
  // bytes of it may wait: beyond that a script's call or message is refused as
  // LIMIT, and entries are dropped and counted. Default 4 MiB.
  unsigned polls;
  size_t poll_bytes_max;

  // What scripts may use, unless their load says otherwise. Default: as
  // farside_limits says.
  farside_limits limits;

  // The signal that stops a script which computes, sent to the host's thread
  // only, and never while none computes. Default 0: SIGURG, which nothing else
  // stops or ends a process for. The first host of a process decides. Negative:
  // none, and then only memory is limited, and a script that never returns
  // holds the host up for ever.
  int signal;

  // How many entries the timeline remembers; older ones are dropped and
  // counted. Default 10000.
  size_t timeline_entries_max;

  // How long open tasks have when the app is told to end. 0: as the profile
  // says. Default 0. Milliseconds.
  uint64_t grace_ms;

  // Whether farside_run() returns once no script has a listener, a timer, a
  // sleeping coroutine or a task left. Default false: it waits for posts.
  bool exit_when_idle;

  // How Http reaches its servers: a proxy such as "http://proxy:3128", "" for
  // none; default NULL: as http_proxy, https_proxy, all_proxy and no_proxy of
  // the environment say. And a file of certificates to trust in the place of
  // the system's; default NULL: SSL_CERT_FILE of the environment, or those.
  const char *proxy, *certificates;

  // A folder, which must be there, in which each script has one of its own for
  // the files that Http sends and receives. Default NULL: scripts have none.
  const char *files;

  // What App.getInfo() and App.getLaunchUrl() answer, and the reason of the
  // `launch` event. Default NULL: the name of the first script, "", none, and
  // "user".
  const char *app_name, *app_id, *app_version, *app_build;
  const char *launch_url, *launch_reason;
} farside_config;

// Fills a config with the defaults above. Any thread.
FARSIDE_API
void farside_config_init(farside_config *config);

// Opens a host. The config and its strings are copied. On failure *host is
// NULL: FARSIDE_INVALID for a config that was not initialised, an unknown
// profile or a platform of another version, FARSIDE_NOMEM, FARSIDE_SYSTEM.
FARSIDE_API
farside_status farside_host_open(const farside_config *config,
                                 farside_host **host);

// Closes a host: ends the app, cancels its tasks, closes its scripts, gives
// back every byte and handle. Safe on NULL. From inside a callback it takes
// effect when the farside_run(), farside_tick() or farside_load_…() that made
// the callback ends; that call then returns FARSIDE_CLOSED, and the host is
// gone. No other thread may be inside a function of this host. A host that was
// started is stopped first, and its thread waited for; from inside a callback
// of such a host it is farside_stop().
FARSIDE_API
void farside_host_close(farside_host *host);

// Opens a host as a text says, for callers that cannot fill in a struct, such
// as an FFI. `options` is a JSON object; any field may be left out:
//
//   {"profile": "desktop", "store": "app.db", "files": "files",
//    "app": {"name": "", "id": "", "version": "", "build": ""},
//    "launchUrl": "", "launchReason": "", "proxy": "", "certificates": "",
//    "limits": "memory=64MB,turn=1s",
//    "graceMs": 0, "exitWhenIdle": false, "timelineEntries": 10000,
//    "signal": 0, "plugins": {"Score": ["submit", "best"]},
//    "polls": ["message", "log", "entry"], "pollBytes": 4194304}
//
// They mean what the fields of farside_config mean, in bytes and milliseconds;
// limits are written as for --limits, see docs/reference.md. "store" is opened
// as by farside_open_store(); "" keeps it in memory. The calls of its plugins
// are polled. On failure *host is NULL, and `error`, if it is not NULL, has a
// sentence of up to `error_bytes` with its zero: FARSIDE_INVALID for what is no
// JSON, a field that is not known or of another type, and as
// farside_host_open() and farside_open_store().
FARSIDE_API
farside_status farside_open(const char *options, farside_host **host,
                            char *error, size_t error_bytes);

// Says what to ask of the OS, for hosts of farside_open(): see platform.h. The
// struct is copied. FARSIDE_INVALID for another version of it; FARSIDE_BUSY
// once a script was loaded.
FARSIDE_API
farside_status farside_set_platform(farside_host *host,
                                    const farside_platform *platform);

// -- Scripts -----------------------------------------------------------------

// A host has any number of scripts. Each has a Lua state, memory and limits of
// its own, and knows the others only by the messages they send. Turns of
// different scripts take turns: none waits longer than a slice of each other.

// What to load, and what it may do.
typedef struct farside_source {
  uint64_t version; // Set by farside_source_init(). Leave it.

  // A file, or code in memory. The path is what messages and `where` show.
  const char *path;
  const char *code; // Used when path is NULL. Copied.
  size_t code_bytes;

  // What the script is called among its host's. Default NULL: what its manifest
  // says, or its file's name without ".lua". A name that is taken gets "-2".
  const char *name;

  // The script's arguments, `...` and `arg`. Default none.
  int argc;
  const char *const *argv;

  // The most that it may ask for. Default: the host's limits, and the defaults
  // of farside_permissions.
  farside_permissions grant;

  // What it asks for. Default NULL: farside.lua in the folder of `path`, and
  // where there is none, no more than the defaults.
  const farside_manifest *manifest;

  // The full libraries of Lua, C modules included, for code of one's own. Such
  // a script is stopped only where Lua itself can be stopped: not within a
  // library function, and not in the finalizers that it may then have.
  bool is_trusted;
} farside_source;

// What a script is, and what it uses.
typedef struct farside_script {
  const char *name;           // Lives as long as the script.
  const char *path;           // NULL for code in memory. Likewise.
  const char *script_version; // From its manifest, or NULL.
  uint64_t memory_bytes, memory_peak_bytes, memory_limit_bytes;
  uint64_t cpu_ms;     // What its turns have computed.
  uint64_t tasks_open; // Tasks of its own.
  uint64_t messages;   // Those that wait for it.
  bool is_computing;   // It is between two slices.
} farside_script;

// Fills a source with the defaults above. Any thread.
FARSIDE_API
void farside_source_init(farside_source *source);

// Loads a script and runs its main chunk up to its end or its first sleep. The
// first load launches the app. Everything in `source` is copied.
//
// On failure the host is left without that script, and farside_error() says
// what is wrong, with file and line: FARSIDE_NOFILE, FARSIDE_SYNTAX,
// FARSIDE_SCRIPT, FARSIDE_KILLED, FARSIDE_LIMIT for more than 1 MiB of code
// that is not trusted, FARSIDE_DENIED for a manifest that asks for more than is
// granted, FARSIDE_INVALID for one that is wrong, FARSIDE_NOMEM.
FARSIDE_API
farside_status farside_load(farside_host *host, const farside_source *source);

// The same with all defaults. argv ends with NULL; NULL means none.
FARSIDE_API
farside_status farside_load_file(farside_host *host, const char *path, int argc,
                                 const char *const *argv);
FARSIDE_API
farside_status farside_load_buffer(farside_host *host, const char *name,
                                   const char *code, size_t bytes, int argc,
                                   const char *const *argv);

// Describes script number `index`, from zero, in the order of loading. False
// when there are not so many. The strings are borrowed: see above.
FARSIDE_API
bool farside_script_at(const farside_host *host, size_t index,
                       farside_script *script);

// Loads a script anew, from what it was loaded from: a file is read again. Its
// tasks are cancelled, its timers end, and messages that wait for it are lost.
// Its place among the scripts is the last. FARSIDE_NOSCRIPT; FARSIDE_BUSY from
// inside a callback; and as farside_load(), and then the script is closed. A
// script that was stopped for a limit can be reloaded too: its `launch` says
// that, and why.
FARSIDE_API
farside_status farside_script_reload(farside_host *host, const char *name);

// Closes a script: cancels its tasks, ends its timers, frees its memory. The
// app goes on. FARSIDE_NOSCRIPT; FARSIDE_BUSY from inside a callback.
FARSIDE_API
farside_status farside_script_close(farside_host *host, const char *name);

// What went wrong in the last call that failed; "" if none has. Yours until
// the next call.
FARSIDE_API
const char *farside_error(const farside_host *host);

// For the C functions of a farside_module: between up and down the turn that
// called is not jumped out of, however long it takes. Needed around everything
// that takes a lock, such as malloc() and stdio, or changes what outlives the
// script. Nothing in between may raise a Lua error. They nest.
FARSIDE_API
void farside_shield_up(farside_host *host);
FARSIDE_API
void farside_shield_down(farside_host *host);

// -- Durable work -------------------------------------------------------------

// Opens the file in which durable work and values of scripts are kept, or makes
// it; NULL keeps them in memory, for tests. The host owns it until it is
// closed. Without it scripts are told UNSUPPORTED. A damaged file is set aside,
// and what can be read of it is kept: then the result is FARSIDE_OK, and the
// timeline has a store.fault. FARSIDE_LOCKED when another process owns the
// file, FARSIDE_NEWER when a newer Farside has written it, FARSIDE_NOFILE,
// FARSIDE_READONLY, FARSIDE_STORE, FARSIDE_NOMEM; FARSIDE_BUSY when there is a
// store already. farside_error() names the file and the reason.
FARSIDE_API
farside_status farside_open_store(farside_host *host, const char *path);

// -- Running -----------------------------------------------------------------

// Runs the host until the app has ended (App.exitApp, a posted "terminate",
// farside_stop) or, with exit_when_idle, until nothing is left to wait for.
// Waits without using the processor. FARSIDE_BUSY from inside a callback.
FARSIDE_API
farside_status farside_run(farside_host *host);

// Runs the host on a thread of its own, which goes on while the engine's main
// loop stands still. Open the store and load scripts before: from now on
// everything of the host happens on that thread, its callbacks too, and other
// threads may call what is under "From any thread" and farside_host_close(),
// which ends the app and waits for the thread; the rest is FARSIDE_BUSY until
// then. The thread takes no signals but the one of farside_config.signal. It
// ends with the app. FARSIDE_BUSY from inside a callback and when it was
// started already; FARSIDE_CLOSED when the app has ended; FARSIDE_SYSTEM when
// there is no thread.
FARSIDE_API
farside_status farside_start(farside_host *host);

// Does what is due and returns, for engines that own the main loop: call it
// once a frame. A script that computes longer than budget_ms milliseconds is
// suspended, and goes on with the next tick. It aims at three quarters of the
// budget, or 1 ms less: the rest is for what Lua does in one go, such as a
// table of thousands of elements that grows. Where that was too little, it
// keeps more in the next seconds, up to three quarters: of what repeats only
// the first is over the budget. See hold_ms of farside_limits for who takes far
// too long. The budget is time of the processor: a tick that other programs
// interrupt ends later by so much. Where durable work or Storage is written it
// waits for the disk: a host that does much of that is better started than
// ticked.
// FARSIDE_CLOSED once the app has ended, FARSIDE_BUSY from inside a callback.
FARSIDE_API
farside_status farside_tick(farside_host *host, uint64_t budget_ms);

// For a main loop that waits: in how many milliseconds the next tick is due, or
// sooner when farside_wake_fd() is readable. 0: at once. Negative: not before
// that. While Http is under way it is 10 at the most.
FARSIDE_API
int64_t farside_tick_in(farside_host *host);

// Counts, for a report or an exit code.
FARSIDE_API
void farside_get_stats(const farside_host *host, farside_stats *stats);

// -- From any thread ---------------------------------------------------------

// Tells the app what happened to it. Never waits: the event is queued, in
// order, and the host is woken. The words are those that scripts hear:
//
//   "pause"             the app is in the background now
//   "resume"            it is in the foreground and active again
//   "appStateChange"    {"isActive":false}: visible, but not in use; or true
//   "wake"              {"reason":"fetch","budgetMs":30000}, both optional: the
//                       OS has woken the app, which is not in use, for what is
//                       to be done; or "processing", "push"
//   "memoryWarning"     {"level":"low"}, or any other word of the OS
//   "appUrlOpen"        {"url":"…"}
//   "appRestoredResult" {"pluginId":"…","methodName":"…", …}
//   "backButton"        {"canGoBack":true}
//   "terminate"         {"reason":"…","graceMs":5000}, both optional
//
// json is one JSON object, or NULL for none; both strings are copied. Repeating
// a state is harmless: scripts hear of changes only. FARSIDE_INVALID for any
// other word and for JSON that does not parse, FARSIDE_NOMEM.
FARSIDE_API
farside_status farside_post(farside_host *host, const char *event,
                            const char *json);

// Sends a message to a script: its listeners of "message" hear { from = "host",
// data = … }. json is any JSON value; both strings are copied. FARSIDE_INVALID
// for JSON that does not parse, FARSIDE_LIMIT for more than 1 MiB of it,
// FARSIDE_NOMEM. Whether there is a script of
// that name, and room in its queue, is found out later: the timeline says when
// there is not.
FARSIDE_API
farside_status farside_send(farside_host *host, const char *script,
                            const char *json);

// Ends the app without a word to its scripts: farside_run() returns soon.
FARSIDE_API
void farside_stop(farside_host *host);

// Whether the app has ended: farside_run() would return at once, and the thread
// of farside_start() is at its end.
FARSIDE_API
bool farside_has_ended(farside_host *host);

// Answers a call of a plugin: what the script waits for returns the value of
// `json`, or true for NULL and "null". Copied. FARSIDE_NOCALL when it was
// answered already or is not waited for any more, which is normal: the script's
// task may have ended meanwhile. FARSIDE_INVALID for JSON that does not parse,
// and then the call still waits; FARSIDE_LIMIT for more than 1 MiB of it,
// FARSIDE_NOMEM.
FARSIDE_API
farside_status farside_resolve(farside_host *host, uint64_t call,
                               const char *json);

// Answers a call of a plugin with a failure: what the script waits for returns
// nil, `message` and `name`, a word in capitals such as "OFFLINE"; NULL is
// "FAILED". Copied. Fails as farside_resolve().
FARSIDE_API
farside_status farside_reject(farside_host *host, uint64_t call,
                              const char *name, const char *message);

// Tells all scripts that something has happened to a plugin: those that called
// `Plugins.NAME.addListener(event, fn)` hear the value of `json`, or nothing
// for NULL. With `is_retained` it waits, in each script that does not listen,
// for its first listener; the last 64 of each event do. All is copied.
// FARSIDE_INVALID for a plugin that is not in farside_config.plugins, for an
// event that is no name, and for JSON that does not parse; FARSIDE_LIMIT for
// more than 1 MiB of it, FARSIDE_NOMEM.
FARSIDE_API
farside_status farside_notify(farside_host *host, const char *plugin,
                              const char *event, const char *json,
                              bool is_retained);

// Takes the oldest of what waits for the embedder, for those whom nobody can
// call: another language, an engine's own Lua. Returns how long it is without
// its zero, and 0 when nothing waits. What does not fit into `bytes` with its
// zero is not taken: come back with more. It is one JSON object:
//
//   {"event":"call","call":17,"script":"app","plugin":"Score",
//    "method":"submit","arguments":{…}}   answer it by farside_resolve()
//   {"event":"cancel","call":17}          that is not waited for any more
//   {"event":"message","script":"app","data":…}     postMessage("host", data)
//   {"event":"log","level":"info","script":"app","text":"…"}
//   {"event":"entry","t":0,"what":"task.finish","level":"info", …}
//   {"event":"lost","count":3}            entries for which there was no room
//   {"event":"ended"}                     the last one
FARSIDE_API
size_t farside_poll(farside_host *host, char *buffer, size_t bytes);

// A file descriptor that is readable while something waits for farside_poll()
// and, until farside_start(), while something was posted that farside_tick()
// has not seen. Only wait for it (select, poll, epoll, a run loop): it is the
// host's, and closed with it. Negative when there is none to be had.
FARSIDE_API
int farside_wake_fd(farside_host *host);

// For engines on SDL 2 or SDL 3: SDL_AddEventWatch(farside_watch_sdl, host),
// and SDL_DelEventWatch() (SDL_RemoveEventWatch() in SDL 3) before the host is
// closed. Posts what a phone tells SDL about the app's life: SDL may stop the
// engine's main loop before the engine hears of it, and this is called at once,
// on whichever thread. `event` is an SDL_Event. Returns 1, as a filter does.
FARSIDE_API
int farside_watch_sdl(void *host, void *event);

#ifdef __cplusplus
}
#endif

#endif
