// Scripts that are made by a grammar, so that most of them do something: tasks,
// timers, coroutines, listeners and messages of two scripts, in all orders,
// under a random user, with suspensions and failures anywhere.

#include "world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_BYTES_MAX = 12 << 10, DEPTH_MAX = 6, MOVES_MAX = 40 };

// -- The grammar --------------------------------------------------------------
//
// "$x" stands for one of the rules below. The first of each is the simplest.

static const char *const statements[] = {
    "print($t)",
    "exec(function(task) $b end)",
    "exec(function(task) $b task:finish() end)",
    "exec(function(task) sleep($n) task:finish() $b end)",
    "exec(function(task) $b end, { budget = '$d', name = $t })",
    "exec(function() sleep($n) $b end, { onExpire = function(task) $b "
    "task:finish() end })",
    "exec(function(task) task:onExpire(function() $b end) sleep($n) $b end)",
    "exec(function() local c <close> = closing(function() $b end) sleep($n) "
    "$b end)",
    "ids[#ids + 1] = exec(function() $b end)",
    "exec($f)",
    "finish { taskId = ids[#ids] or 0 }",
    "finish { taskId = table.remove(ids, 1) or 1 }",
    "finish { taskId = $e }",
    "setTimeout(function(...) $b end, $n, $e)",
    "setTimeout($f, $n)",
    "timers[#timers + 1] = setTimeout(function() $b end, $n)",
    "timers[#timers + 1] = setInterval(function() $b end, $i)",
    "clearTimeout(timers[#timers])",
    "clearInterval(table.remove(timers, 1))",
    "may_sleep($n) $b",
    "sleep($n)",
    "coroutine.wrap(function() sleep($n) $b end)()",
    "coroutine.wrap($f)($e)",
    "keep(coroutine.create(function(...) $b coroutine.yield($e) $b end))",
    "keep(coroutine.create(function() local c <close> = closing($f) "
    "coroutine.yield() $b end))",
    "keep(coroutine.wrap(function() coroutine.yield($e) $b end))",
    "keep(coroutine.running())",
    "again($e)",
    "if waiting[1] then coroutine.close(waiting[#waiting]) end",
    "local co = coroutine.create(function() sleep($n) $b end) "
    "coroutine.resume(co) setTimeout(coroutine.resume, $n, co)",
    "local co = coroutine.create(function() sleep($n) end) "
    "coroutine.resume(co) coroutine.close(co)",
    "waiting[#waiting + 1] = coroutine.running() coroutine.yield($e) $b",
    "for x in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) $b "
    "end end) do $b end",
    "pcall(function() $b end)",
    "pcall($f, $e)",
    "xpcall(function() $b end, function(e) $b return e end)",
    "xpcall(function() $b error(closing($f)) end, debug.traceback)",
    "local c <close> = closing(function() $b end) $b",
    "local c <close> = closing(function() $b error($t) end) $b",
    "local c <close> = closing($f) $b",
    "error($t)",
    "error(closing($f))",
    "error()",
    "handles[#handles + 1] = App.addListener('$k', function(event) $b end)",
    "App.once('$k', function(event) $b end)",
    "App.addListener('$k', $f)",
    "if #handles > 0 then table.remove(handles):remove() end",
    "local h <close> = App.addListener('$k', function() $b end) $b",
    "App.removeAllListeners('$k')",
    "App.removeAllListeners()",
    "post('$s', $v)",
    "for _ = 1, 50 do post('$s', $v) end",
    "App.addListener('message', function(event) post(event.from, "
    "event.data) $b end)",
    "show($e, $e)",
    "io.write($t)",
    "io.stderr:write($t, 1.5, '\\n') io.stdout:flush()",
    "warn('@on') warn($t, 'x')",
    "Log.error($t)",
    "load($t)",
    "pcall(load('local a, b = ... ' .. 'return a' .. (' + a'):rep($c)), $e)",
    "local f = load(\"return function() $e; end\") if f then f() end",
    "for i = 1, $c do $b end",
    "for i = 1, $c do table.insert(heap, ('x'):rep(i)) end",
    "heap[#heap + 1] = ('y'):rep($c * 100)",
    "heap = {}",
    "if #heap > $c then $b else $b end",
    "local t = {} for i = 1, $c do t[i] = (i * 7919) % 101 end table.sort(t, "
    "function(a, b) $b return a < b end)",
    "print(('abcabc'):gsub('%w', function(c) $b return c end))",
    "setmetatable({}, { __index = function(t, k) $b return k end }).x = "
    "setmetatable({}, { __index = function(t, k) $b return k end }).y",
    "local o = setmetatable({}, { __add = function(a, b) $b return 1 end, "
    "__concat = function() $b return 'c' end }) print((o + 1) .. '', o .. 'x')",
    "local o = setmetatable({}, { __tostring = function() $b return 'o' end }) "
    "print(o)",
    "local o = setmetatable({}, { __pairs = function(t) $b return next, t end "
    "}) for _ in pairs(o) do end",
    "print(#BackgroundTask.list(), BackgroundTask.timeRemaining())",
    "print(App.getState().state, farside.usage().messages)",
    "print(#farside.scripts(), farside.name)",
    "goto done",
    "collectgarbage 'count'",
    "if $c == 7 then App.exitApp() end",
    "if $c == 7 then os.exit() end",
    "local c <close> = closing(os.exit) $b",
    "App.minimizeApp()",
    "while true do end",
    "while true do pcall(error) end",
    "while true do pcall(function() $b end) end",
    "local t = {} while true do t[#t + 1] = { t } end",
    "local s = 'x' while true do s = s .. s end",
    "local function f() return 1 + f() end f()",
    "local function f() return pcall(f) end f()",
    "local function f() coroutine.wrap(f)() end f()",
    "print(('a'):rep(40):find(('.-'):rep(20) .. 'b'))",
    "local c <close> = closing(function() while true do end end) $b",
    "repeat local ok = pcall(string.rep, 'x', 1 << 30) until ok",
    "for _ = 1, 12 do setTimeout(function() $b end, $n) end",
    "for _ = 1, 12 do exec(function() $b end) end",
    "while true do setTimeout(show, $n) end",
    "for _ = 1, 1100 do exec(show) end",
    "for _ = 1, 5000 do exec(function() end, { name = ('n'):rep(100000) }) end",
    "load('BackgroundTask.exec(function() end)', '@' .. ('p'):rep(100000))",
    "for _ = 1, 300 do finish { taskId = exec(function() end, { name = "
    "('n'):rep(200000) }) } end",
    "for _ = 1, 100 do print(('z'):rep(20000)) end",
};

// Of scripts that do durable work: every other of their statements.
static const char *const works[] = {
    "work('$K', $v)",
    "work('$K', $v, { $o, $o })",
    "print(work('$K', $v, { $o, $o, $o }))",
    "B.define('$K', { run = function(ctx) $b end })",
    "B.define('$K', { run = function(ctx) sleep($n) $b return $v end, $r })",
    "B.define('$K', { run = function(ctx) show(ctx:save($v)) sleep($n) "
    "ctx:progress($v) return ctx:retry('$d', $t) end, $r })",
    "B.define('$K', { run = function(ctx) runs[#runs + 1] = ctx $b return "
    "ctx:fail($t) end })",
    "B.define('$K', { run = function(ctx) while not ctx:stopping() do "
    "sleep(1000) $b end return ctx:retry() end, $r })",
    "B.define('$K', { run = function(ctx) B.cancel { id = ctx.id } $b end })",
    "B.define('$K', { run = function(ctx) work(ctx.kind, ctx.input) sleep(100) "
    "end })",
    "B.define('$K', { run = $f, aliases = { '$K', 'old' } })",
    "B.define('$K', { run = function(ctx) show(ctx.parents[any(1)], "
    "ctx.checkpoint.n, ctx.attempt, ctx.slotMs, ctx.unique) ctx:save { n = "
    "(ctx.checkpoint.n or 0) + 1 } $b end, $r })",
    "print(work('$K', $v, { after = any($c), onParentFail = '$F', $o }))",
    "work('$K', nil, { after = { any($c), any($c) }, onParentFail = '$F' })",
    "B.periodic('$u', '$K', { every = '$D', $p, $p })",
    "B.periodic('$u', '$K', { cron = '$C', $p, $p })",
    "print(B.cancel { id = any($c) })",
    "print(B.cancel { $q })",
    "B.cancel { all = true }",
    "print(B.redrive(any($c)))",
    "print(B.prune())",
    "look(B.get(any($c)))",
    "look(B.query())",
    "look(B.query { $q, limit = $c, after = any($c) })",
    "look(B.history(any($c)))",
    "look(B.explain(any($c)))",
    "watches[#watches + 1] = B.watch(function(info) look(info) $b end)",
    "watches[#watches + 1] = B.watch({ $q }, function(info) $b end)",
    "local w <close> = B.watch(function() $b end) $b",
    "if #watches > 0 then table.remove(watches):remove() end",
    "for _ = 1, $c do watches[#watches + 1] = B.watch($f) end",
    "show(last(runs):save($v))",
    "show(last(runs):progress($v), last(runs):stopping())",
    "show(last(runs):retry('$d', $t))",
    "show(last(runs):fail($t), last(runs).input, last(runs).key)",
    "show(Storage.set($t, $v))",
    "show(Storage.get($t), Storage.has($t), Storage.remove($t))",
    "show(#Storage.keys(), Storage.clear())",
    "Storage.transaction(function() $b end)",
    "show(Storage.transaction(function() $b $b error($t) end))",
    "show(Storage.transaction(function(...) work('$K', $v, { $o }) "
    "Storage.set($t, $v) $b return ... end, $e))",
    "Storage.transaction(Storage.transaction, function() $b end)",
    "Storage.transaction($f, $e)",
    "Storage.transaction(function() while true do work('$K') end end)",
    "for i = 1, $c do work('$K', i, { $o }) end",
    "for i = 1, $c do work('$K', i, { after = last(ids) }) end",
    "for i = 1, $c do B.define('k' .. i, { run = $f }) end",
    "for i = 1, $c do work('k' .. i) end",
    "while true do work('$K', $v) end",
    "while true do B.query() end",
    "exec(function(task) for i = 1, $c do work('$K', i) $b end end)",
    "exec(function(task) work('$K') $b end, { onExpire = function(task) "
    "work('$K') $b task:finish() end })",
    "App.addListener('storeFault', function() $b end)",
};

// Options of what is enqueued: the later ones win.
static const char *const options[] = {
    "delay = '$d'",
    "deadline = '$d'",
    "unique = '$u'",
    "unique = '$u', existing = '$x'",
    "unique = '$u', existing = '$x', delay = '$d'",
    "priority = $c % 11",
    "group = '$u'",
    "tags = { '$u', $t }",
    "expedited = 'or_normal'",
    "expedited = 'or_drop'",
    "needs = { network = 'connected' }",
    "needs = { network = 'unmetered', charging = true }",
    "needs = { batteryOk = true, storageOk = true, idle = $c == 1 }",
    "keep = '$d'",
    "durable = false",
    "after = works",
    "nothing = $e",
    "delay = $e",
};

static const char *const periodic_options[] = {
    "immediate = true",     "missed = 'all'",
    "missed = 'skip'",      "flex = '$d'",
    "existing = 'keep'",    "existing = 'replace'",
    "zone = 'Asia/Tehran'", "zone = 'Europe/Berlin'",
    "input = $v",           "keep = '$d'",
    "priority = -$c",       "needs = { network = 'connected' }",
    "tags = { '$u' }",      "group = '$u', durable = false",
};

static const char *const rules_of_a_kind[] = {
    "timeout = '$d'",
    "crashes = $c",
    "retry = { max = $c, base = '$d', cap = '$d' }",
    "retry = { max = 0 }",
    "retry = { policy = 'linear', jitter = 1, base = '1s' }",
    "retry = { policy = 'fixed', jitter = 0, base = '$d' }",
    "aliases = { '$K' }",
};

static const char *const filters[] = {
    "kind = '$K'",       "unique = '$u'",  "tag = '$u'",
    "group = '$u'",      "tag = $t",       "state = 'running'",
    "state = 'blocked'", "state = 'done'", "id = any($c)",
};

static const char *const kinds[] = {"a", "b", "late", "k7", ""};
static const char *const names_of_work[] = {"u", "v", "p", "u\\0", "ü"};
static const char *const existing[] = {
    "keep", "replace", "update", "append", "append_or_replace", "debounce"};
static const char *const parent_fails[] = {"fail", "run", "hold"};
static const char *const periods[] = {"15m", "1h", "20s", "0s", "1d", "365d"};
static const char *const crons[] = {"*/20 * * * *", "0 3 * * 1-5",
                                    "@hourly",      "0 0 29 2 *",
                                    "* * * * *",    "61 * * * *"};

static const char *const functions[] = {
    "show",
    "function(...) $b return ... end",
    "sleep",
    "exec",
    "error",
    "coroutine.yield",
    "coroutine.close",
    "coroutine.resume",
    "App.exitApp",
    "coroutine.wrap(function() $b end)",
    "setTimeout",
    "again",
    "pcall",
    "coroutine.running",
    "load",
    "string.rep",
    "tostring",
    "BackgroundTask.timeRemaining",
    "closing",
    "os.exit",
};

static const char *const expressions[] = {
    "nil",       "1",
    "$n",        "$t",
    "{}",        "-0.5",
    "$f",        "math.huge",
    "#heap",     "ids[1]",
    "true",      "coroutine.running()",
    "$v",        "task",
    "...",       "select('#', pcall($f))",
    "may_sleep", "(function() $b return $t end)()",
};

// What can be sent, and what cannot.
static const char *const values[] = {
    "nil",
    "1",
    "$t",
    "{}",
    "{ $v, $v }",
    "{ a = $v, b = $v }",
    "math.mininteger",
    "0/0",
    "1e308 * 10",
    "-0.0",
    "'\\0'",
    "'\\xff'",
    "{ [0] = 1 }",
    "{ 1, nil, 3, x = $v }",
    "print",
    "heap",
    "setmetatable({}, { __index = print })",
    "{ ['\\0'] = 1 }",
    "(function() local t = {} t[1] = t return t end)()",
    "(function() local t = 1 for i = 1, 90 do t = { t } end return t end)()",
    "('m'):rep(100000)",
};

static const char *const texts[] = {
    "'text'",
    "''",
    "'a\\0b'",
    "'\\n'",
    "'line\\nline'",
    "'\\xff\\xfe'",
    "'1h'",
    "'%s%n%d'",
    "tostring($e ~= nil)",
    "('ab'):rep($c)",
    "'$k'",
    "'é\u20ac'",
    "'@x'",
};

static const char *const delays[] = {
    "0",     "1",       "2",  "5",   "50",  "1000",  "7.5",  "5000",
    "30000", "math.pi", "-1", "1e9", "400", "1e300", "'10'", "math.huge"};
static const char *const intervals[] = {"1000", "700", "5000", "60000", "250"};
static const char *const counts[] = {"1",  "2",  "3",   "7",
                                     "20", "64", "200", "1000"};
static const char *const durations[] = {"1s",  "500ms", "20s", "0s",
                                        "40m", "1ms",   "x",   "1h30m"};
static const char *const events[] = {
    "message",    "appStateChange",    "pause",     "resume",
    "launch",     "appUrlOpen",        "terminate", "memoryWarning",
    "backButton", "appRestoredResult", "nothing"};
static const char *const neighbours[] = {"a", "b", "host", "nobody"};

static const struct {
  char name;
  const char *const *rules;
  unsigned count;
} grammar[] = {
#define RULES(name, rules)                                                     \
  { name, rules, sizeof rules / sizeof *rules }
    RULES('S', statements),      RULES('f', functions),
    RULES('e', expressions),     RULES('v', values),
    RULES('t', texts),           RULES('n', delays),
    RULES('i', intervals),       RULES('c', counts),
    RULES('d', durations),       RULES('k', events),
    RULES('s', neighbours),      RULES('W', works),
    RULES('o', options),         RULES('p', periodic_options),
    RULES('r', rules_of_a_kind), RULES('q', filters),
    RULES('K', kinds),           RULES('u', names_of_work),
    RULES('x', existing),        RULES('F', parent_fails),
    RULES('D', periods),         RULES('C', crons)};

// -- Writing ------------------------------------------------------------------

typedef struct writer {
  input choices;
  bool is_durable; // The script does durable work as well.
  char *text;
  size_t length;
} writer;

static void write_rule(writer *mine, char name, int depth);

static void add(writer *mine, const char *text, size_t bytes) {
  if (mine->length + bytes + 64 > CODE_BYTES_MAX * 2)
    return;
  memcpy(mine->text + mine->length, text, bytes);
  mine->length += bytes;
}

static void write_template(writer *mine, const char *template, int depth) {
  for (const char *hole; (hole = strchr(template, '$')); template = hole + 2) {
    add(mine, template, (size_t)(hole - template));
    write_rule(mine, hole[1], depth + 1);
  }
  add(mine, template, strlen(template));
}

static void write_block(writer *mine, int depth) {
  unsigned statements_left = depth > DEPTH_MAX || mine->length > CODE_BYTES_MAX
                                 ? 0
                                 : input_below(&mine->choices, 4);
  for (; statements_left > 0; statements_left--) {
    add(mine, " do ", 4);
    write_rule(mine, 'S', depth);
    add(mine, " ::done:: end", 13);
  }
}

static void write_rule(writer *mine, char name, int depth) {
  if (name == 'b') {
    write_block(mine, depth);
    return;
  }
  if (name == 'S' && mine->is_durable && input_below(&mine->choices, 2) == 0)
    name = 'W';
  for (size_t i = 0; i < sizeof grammar / sizeof *grammar; i++)
    if (grammar[i].name == name) {
      unsigned choice = depth > DEPTH_MAX * 2 || mine->length > CODE_BYTES_MAX
                            ? 0
                            : input_below(&mine->choices, grammar[i].count);
      write_template(mine, grammar[i].rules[choice], depth);
    }
}

static const char prelude[] =
    "local farside = require 'farside'\n"
    "local App, BackgroundTask, Log = farside.Plugins.App, "
    "farside.Plugins.BackgroundTask, farside.Plugins.Log\n"
    "local exec, finish, sleep = BackgroundTask.exec, BackgroundTask.finish, "
    "farside.sleep\n"
    "local ids, timers, handles, waiting, heap = {}, {}, {}, {}, {}\n"
    "local function closing(f) return setmetatable({}, { __close = function() "
    "return f() end }) end\n"
    "local function may_sleep(n) if coroutine.isyieldable() then sleep(n) end "
    "end\n"
    "local function show(...) -- No address: they are others each time.\n"
    "for i = 1, select('#', ...) do local x = select(i, ...) "
    "print(type(x) == 'number' and x or type(x)) end end\n"
    "local sent = 0 -- Two that answer each other would stop virtual time.\n"
    "local function post(...) sent = sent + 1 if sent < 300 then return "
    "farside.postMessage(...) end end\n"
    "local function keep(co) waiting[#waiting + 1] = co end\n"
    "local function again(...) local co = table.remove(waiting) if type(co) == "
    "'thread' then return coroutine.resume(co, ...) elseif co then return "
    "co(...) end end\n";

static const char durable_prelude[] =
    "local B, Storage = BackgroundTask, farside.Plugins.Storage\n"
    "local works, runs, watches = {}, {}, {}\n"
    "local function work(...) local ok, id, why, name = pcall(B.enqueue, ...) "
    "if ok and id then works[#works % 100 + 1] = id end "
    "return ok, id and 'id', name end\n"
    "local function any(n) return works[n % (#works + 1)] or n end\n"
    "local function last(list) return list[#list] end\n"
    "local function look(it, why, name) print(type(it), name, it and #it, it "
    "and it.text, it and it.state) end\n";

// Every byte of the line is one choice; a script is as long as its line. One
// that begins with a "D" does durable work.
static char *write_script(input line, size_t *bytes) {
  writer mine = {.choices = line, .text = malloc(CODE_BYTES_MAX * 2)};
  expect(mine.text != NULL);
  add(&mine, prelude, sizeof prelude - 1);
  if (!input_is_empty(&line) && *line.at == 'D') {
    mine.is_durable = true;
    mine.choices.at++;
    add(&mine, durable_prelude, sizeof durable_prelude - 1);
  }
  while (!input_is_empty(&mine.choices) && mine.length < CODE_BYTES_MAX) {
    add(&mine, "do ", 3);
    write_rule(&mine, 'S', 0);
    add(&mine, " ::done:: end\n", 14);
  }
  *bytes = mine.length;
  return mine.text;
}

// -- Living -------------------------------------------------------------------

static uint64_t live(world *mine, const input *lines, const char *const *codes,
                     const size_t *codes_bytes) {
  input setup = lines[0], moves = lines[1];
  if (!world_open(mine, &setup))
    return 0;
  for (size_t i = 0; i < 2; i++) {
    mine->codes[i] = codes[i];
    mine->codes_bytes[i] = codes_bytes[i];
  }
  world_load(mine, 0);
  world_load(mine, 1);
  for (int i = 0; i < MOVES_MAX && !input_is_empty(&moves); i++)
    world_move(mine, &moves);
  return world_close(mine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

// The phone, its user, and the two scripts: a line for each.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  input all = {data, data + bytes};
  input lines[4];
  for (size_t i = 0; i < 4; i++)
    lines[i] = input_line(&all);
  char *codes[2];
  size_t codes_bytes[2];
  for (size_t i = 0; i < 2; i++)
    codes[i] = write_script(lines[i + 2], &codes_bytes[i]);
  if (getenv("FUZZ_SHOW") != NULL)
    fprintf(stderr, "-- a\n%.*s\n-- b\n%.*s\n", (int)codes_bytes[0], codes[0],
            (int)codes_bytes[1], codes[1]);

  world mine;
  uint64_t hash = live(&mine, lines, (const char *const *)codes, codes_bytes);
  // The same user, the same story.
  if (mine.is_comparable && bytes % 8 == 0) {
    uint64_t again =
        live(&mine, lines, (const char *const *)codes, codes_bytes);
    expect(!mine.is_comparable || hash == again);
  }
  free(codes[0]);
  free(codes[1]);
  return 0;
}
