// Kills at instants that nobody has chosen, wherever a script spends its time,
// one after the other in one process. Nothing may grow: no memory, no file, no
// thread.
//
//   kill_test [count [seed]]     KILLS=100000 in the environment does it as
//   well

#include "attacks.h"
#include "farside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KILLS = 400, WARM_UP = 200 };

#if defined(__SANITIZE_ADDRESS__)
static const long GROWTH_MAX = 300L << 20; // What it keeps of freed memory.
#else
static const long GROWTH_MAX = 8L << 20;
#endif

// Each spends its time somewhere else, and has no end.
static const char *const scripts[] = {
    "while true do end",
    "string.find(('a'):rep(40), ('a?'):rep(40) .. ('a'):rep(40))",
    "while true do ('a'):rep(1000):gsub('.', {a = 'b'}):find('.-c') end",
    "while true do local t = {} for i = 1, 500 do t[i] = i * 7919 % 503 end "
    "table.sort(t) table.sort(t, function(a, b) return a > b end) "
    "table.concat(t, ',') end",
    "while true do string.format('%99.99f %s %q', 1e308, {}, 'x\\0y') end",
    "local function f(n) if n > 0 then pcall(f, n - 1) pcall(f, n - 1) end end "
    "f(150)",
    "local function f() return coroutine.wrap(function() "
    "coroutine.yield(pcall(coroutine.yield, 1)) error 'x' end) end "
    "while true do local g = f() g() g() pcall(g) end",
    "while true do local co = coroutine.create(function() local _ <close> = "
    "setmetatable({}, {__close = function() pcall(error) end}) "
    "coroutine.yield() end) coroutine.resume(co) coroutine.close(co) end",
    "local s = ('local a = {1, 2, x = 3} function f(b) return a[b] .. 1 end ')"
    ":rep(50) while true do load(s) end",
    "while true do clearTimeout(setTimeout(print, 1000, {}, 'x')) end",
    "local t = {} while true do t[#t + 1] = setTimeout(print, 1000, t) "
    "if #t > 100 then for i = 1, 100 do clearTimeout(t[i]) end t = {} end end",
    "while true do BackgroundTask.finish{taskId = BackgroundTask.exec(print, "
    "{name = 'n', budget = '5s', onExpire = print})} end",
    "while true do BackgroundTask.exec(function() end) end",
    "while true do print('x', 1, {}) io.write('y') end",
    "while true do App.addListener('pause', print):remove() "
    "App.once('resume', print) App.removeAllListeners() end",
    "local t = setmetatable({}, {__mode = 'k'}) while true do "
    "for i = 1, 100 do t[{}] = {{}} t[i] = {} end end",
    "local t = {} while true do pcall(function() while true do "
    "t[#t + 1] = {#t} end end) end",
    "local t = {} while true do pcall(function() while true do "
    "t[#t + 1] = ('x'):rep(5000) .. #t end end) end",
    "local s = 'x' while true do s = s .. s if #s > 1e6 then s = 'x' end end",
    "local function f() return 1 + f() end while true do pcall(f) end",
    "while true do coroutine.wrap(function() farside.sleep(1000) end)() end",
    "local co = coroutine.create(function() while true do farside.sleep(1e6) "
    "end end) while true do coroutine.resume(co) end",
    "while true do farside.postMessage(farside.name, {1, {x = 'y'}}) end",
    "while true do os.date('%c') os.time{year = 2000, month = 1, day = 1} end",
    "while true do pcall(require, 'no.such') debug.traceback() end",
    "local t = {} for i = 1, 3000 do t['k' .. i] = i end while true do "
    "for k, v in pairs(t) do t[k] = v + 1 end local u = {} "
    "for i = 1, 3000 do u[i * 1.5] = i end end",
    "local function l() while true do end end xpcall(l, l)",
    "error(setmetatable({}, {__tostring = 1})) ",
    "local function n(d) if d == 0 then while true do end end "
    "coroutine.wrap(n)(d - 1) end n(60)",
    "while true do utf8.len(('\\u{10FFFF}'):rep(1000)) "
    "string.unpack('<i4', string.pack('<i4', 7)) tonumber('0x1p4') end",
};

enum { SCRIPTS = sizeof scripts / sizeof *scripts };

static uint32_t draw(uint32_t *state, uint32_t limit) {
  *state = *state * 1664525u + 1013904223u;
  return (*state >> 8) % limit;
}

static void wait_us(uint32_t us) {
  nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

typedef struct tally {
  uint64_t killed, ended, closed;
} tally;

static void play(farside_host *host, uint32_t *state, tally *mine) {
  static const char *const places[] = {
      "%s %s", "%s setTimeout(function() %s\nend, 1)",
      "%s BackgroundTask.exec(function() %s\nend)"};
  size_t which = draw(state, SCRIPTS);
  char code[2048];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  snprintf(code, sizeof code, places[draw(state, 3)],
           "local farside = require 'farside' local App, BackgroundTask = "
           "farside.Plugins.App, farside.Plugins.BackgroundTask",
           scripts[which]);
#pragma GCC diagnostic pop
  farside_source source;
  farside_source_init(&source);
  source.name = "victim";
  source.code = code;
  source.code_bytes = strlen(code);
  source.grant.limits = (farside_limits){.turn_ms = 1 + draw(state, 3),
                                         .cpu_ms = 1 + draw(state, 5),
                                         .slice_ms = 1 + draw(state, 2),
                                         .grace_ms = 1 + draw(state, 2),
                                         .memory_bytes = 2 << 20};
  farside_status status = farside_load(host, &source);
  mine->killed += status == FARSIDE_KILLED;
  mine->ended += status == FARSIDE_SCRIPT;
  if (status != FARSIDE_OK)
    return;
  // Some are closed in the middle of what they do, or are reloaded.
  uint32_t ticks = draw(state, 12);
  for (uint32_t i = 0; i < ticks; i++) {
    farside_tick(host, draw(state, 3));
    wait_us(draw(state, 300));
  }
  if (draw(state, 8) == 0)
    farside_script_reload(host, "victim");
  mine->closed += farside_script_close(host, "victim") == FARSIDE_OK;
}

static void show(const char *when, footprint now, farside_stats stats) {
  printf("%s: %ld files, %ld threads, %.1f MB, of these %.1f KB the host's\n",
         when, now.files, now.threads, (double)now.bytes / (1 << 20),
         (double)stats.memory_bytes / 1024);
}

int main(int argc, char **argv) {
  const char *given = argc > 1 ? argv[1] : getenv("KILLS");
  long count = given ? atol(given) : KILLS;
  uint32_t state = argc > 2 ? (uint32_t)atol(argv[2]) : 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  farside_config config;
  farside_config_init(&config);
  config.timeline_entries_max = 16;
  farside_host *host;
  if (farside_host_open(&config, &host) != FARSIDE_OK)
    return 1;
  // So that the victims are never the last, whose death ends the app.
  if (farside_load_buffer(host, "rest", "", 0, 0, NULL) != FARSIDE_OK)
    return 1;
  tally mine = {0};
  footprint first = {0}, now = {0};
  farside_stats before, stats;
  farside_get_stats(host, &before);
  for (long i = 0; i < count + WARM_UP; i++) {
    play(host, &state, &mine);
    if (i + 1 == WARM_UP) {
      first = footprint_now();
      farside_get_stats(host, &before);
      show("first", first, before);
    }
  }
  now = footprint_now();
  farside_get_stats(host, &stats);
  show("last", now, stats);
  printf("%llu were killed at once, %llu stopped in all, %llu closed, %llu "
         "ended by themselves\n",
         (unsigned long long)mine.killed, (unsigned long long)stats.killed,
         (unsigned long long)mine.closed, (unsigned long long)mine.ended);
  bool is_flat = now.files == first.files && now.threads == first.threads &&
                 now.bytes - first.bytes < GROWTH_MAX &&
                 stats.memory_bytes < before.memory_bytes + (1 << 20);
  bool is_killing = stats.killed * 2 > (uint64_t)count;
  farside_host_close(host);
  printf("%d passed, %d failed\n", is_flat + is_killing,
         !is_flat + !is_killing);
  return is_flat && is_killing ? 0 : 1;
}
