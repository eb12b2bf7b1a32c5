-- Random apps under random users, with invariants after every step. Each run is
-- made by a seed, which a failure prints: FUZZ_SEED=n repeats that one run, and
-- FUZZ_RUNS=n makes more of them.

local device = require "farside.device"
local helper = require "spec.helper"

-- A generator of our own: the same numbers on every machine.
local function generator(seed)
  local state = seed * 2654435761 % 4294967296
  return function(limit)
    state = (state * 1664525 + 1013904223) % 4294967296
    return state // 65536 % limit + 1
  end
end

-- What an app may do. Each line may stand anywhere; BLOCK stands for more of
-- them, and N for a number of milliseconds.
local STATEMENTS <const> = {
  "exec(function(task) BLOCK end)",
  "exec(function(task) BLOCK task:finish() end)",
  "exec(function(task) sleep(N) task:finish() BLOCK end)",
  "exec(function(task) BLOCK end, { budget = 'Nms', name = 'n' })",
  "exec(function() sleep(N) BLOCK end, { onExpire = function(task) BLOCK task:finish() end })",
  "exec(function(task) task:onExpire(function() BLOCK end) sleep(N) BLOCK end)",
  "exec(function() local c <close> = closing(function() BLOCK end) sleep(N) end)",
  "ids[#ids + 1] = exec(function() BLOCK end)",
  "finish { taskId = ids[#ids] or 0 }",
  "finish { taskId = table.remove(ids, 1) or 1 }",
  "setTimeout(function() BLOCK end, N)",
  "timers[#timers + 1] = setTimeout(function() BLOCK end, N)",
  "timers[#timers + 1] = setInterval(function() BLOCK end, N)",
  "clearTimeout(timers[#timers])",
  "clearInterval(table.remove(timers, 1))",
  "may_sleep(N) BLOCK",
  "coroutine.wrap(function() sleep(N) BLOCK end)()",
  "local co = coroutine.create(function() sleep(N) BLOCK end) coroutine.resume(co) "
    .. "setTimeout(coroutine.resume, N, co)",
  "local co = coroutine.create(function() sleep(N) end) coroutine.resume(co) coroutine.close(co)",
  "waiting[#waiting + 1] = coroutine.running() if coroutine.isyieldable() then coroutine.yield() end BLOCK",
  "if #waiting > 0 then coroutine.resume(table.remove(waiting)) end",
  "handles[#handles + 1] = App.addListener(event(N), function() BLOCK end)",
  "App.once(event(N), function() BLOCK end)",
  "if #handles > 0 then table.remove(handles):remove() end",
  "App.removeAllListeners(event(N))",
  "error 'broken'",
  "pcall(error, {})",
  "print(collectgarbage 'count' > 0)",
  "print(#BackgroundTask.list(), BackgroundTask.timeRemaining(), App.getState().state)",
  "if N == 7 then App.exitApp() end",
  "BackgroundTask.define(kind(N), { run = function(ctx) BLOCK end })",
  "BackgroundTask.define(kind(N), { run = function(ctx) sleep(N) BLOCK return N end, timeout = 'Nms', crashes = 2 })",
  "BackgroundTask.define(kind(N), { run = function(ctx) ctx:save(N) sleep(N) return ctx:retry('Nms') end, retry = { max = 2 } })",
  "BackgroundTask.define(kind(N), { run = function(ctx) runs[1] = ctx BLOCK return ctx:fail() end })",
  "BackgroundTask.define(kind(N), { run = function(ctx) sleep(N) if ctx:stopping() then return ctx:retry() end BLOCK end })",
  "work(kind(N), N)",
  "work(kind(N), N, { delay = 'Nms' })",
  "work(kind(N), N, { unique = name(N), existing = existing(N), delay = 'Nms' })",
  "work(kind(N), N, { after = any(N), onParentFail = parent_fail(N) })",
  "work(kind(N), N, { deadline = 'Nms', priority = N % 11, group = name(N), tags = { name(N) } })",
  "work(kind(N), N, { needs = { network = 'connected' }, expedited = N % 2 == 0 and 'or_drop' or 'or_normal' })",
  "BackgroundTask.periodic(name(N), kind(N), { every = '15m', flex = '5m', missed = 'all', immediate = N % 2 == 0 })",
  "BackgroundTask.periodic(name(N), kind(N), { cron = '*/20 * * * *', missed = 'skip' })",
  "BackgroundTask.cancel { id = any(N) }",
  "BackgroundTask.cancel { unique = name(N) }",
  "BackgroundTask.cancel { all = true }",
  "BackgroundTask.redrive(any(N))",
  "BackgroundTask.prune()",
  "look(BackgroundTask.get(any(N)), BackgroundTask.history(any(N)), BackgroundTask.explain(any(N)))",
  "look(BackgroundTask.query { state = 'enqueued', limit = 5 })",
  "handles[#handles + 1] = BackgroundTask.watch(function(info) look(info) end)",
  "if runs[1] then print(runs[1]:stopping(), runs[1]:save(N), runs[1]:progress(N)) end",
  "pcall(Storage.transaction, function() Storage.set(name(N), N) work(kind(N), N) BLOCK end)",
  "pcall(Storage.transaction, function() Storage.set(name(N), N) work(kind(N), N) error 'taken back' end)",
  "print(Storage.get(name(N)), #Storage.keys(), Storage.remove(name(N)))",
}

local PRELUDE <const> = [[
  local exec, finish, sleep = BackgroundTask.exec, BackgroundTask.finish, farside.sleep
  local ids, timers, handles, waiting = {}, {}, {}, {}
  local events = { "appStateChange", "pause", "resume", "launch", "appUrlOpen", "terminate" }
  local function event(n) return events[n % #events + 1] end
  local function closing(f) return setmetatable({}, { __close = f }) end
  local Storage = farside.Plugins.Storage
  local works, runs = {}, {}
  local function kind(n) return ({ "a", "b", "late" })[n % 3 + 1] end
  local function name(n) return ({ "u", "v", "w", "p" })[n % 4 + 1] end
  local function existing(n)
    return ({ "keep", "replace", "update", "append", "append_or_replace", "debounce" })[n % 6 + 1]
  end
  local function parent_fail(n) return ({ "fail", "run", "hold" })[n % 3 + 1] end
  local function any(n) return works[1] and works[n % #works + 1] or n end
  local function work(...)
    local id = BackgroundTask.enqueue(...)
    if id then works[#works % 50 + 1] = id end
  end
  local function look(...) print(select("#", ...)) end
  local function may_sleep(n) if coroutine.isyieldable() then sleep(n) end end
]]

local function block(random, depth)
  local lines = {}
  for i = 1, depth > 3 and 0 or random(4) - 1 do
    local line = STATEMENTS[random(#STATEMENTS)]
    lines[i] = "do " .. line:gsub("BLOCK", function() return block(random, depth + 1) end)
      :gsub("%f[%w]N%f[%W]", function() return tostring(random(5000)) end)
      :gsub("'Nms'", function() return ("'%dms'"):format(random(40000)) end) .. " end"
  end
  return table.concat(lines, " ")
end

local function app(random)
  local parts = { PRELUDE }
  for _, name in ipairs { "appStateChange", "pause", "resume", "terminate" } do
    parts[#parts + 1] = ('App.addListener("%s", function() %s end)'):format(name, block(random, 0))
  end
  parts[#parts + 1] = block(random, 0)
  return table.concat(parts, "\n")
end

-- The whole story must add up, at any moment.
local function check(phone, os)
  local open, app_state, background_since = {}, "gone", nil
  local limit_ms = os == "android" and 190000 or 30000
  local entries = phone:timeline()
  if #entries == 10000 then
    return -- So much happened that the beginning of the story is dropped.
  end
  for _, entry in ipairs(entries) do
    local what, id = entry.what, entry.task
    if what == "task.begin" then
      assert.is_nil(open[id], "begun twice")
      open[id] = "pending"
    elseif what == "task.run" then
      assert.equal("pending", open[id], "run twice, or after its end")
      open[id] = "running"
    elseif what == "task.finish" or what == "task.fail" or what == "task.expire" or what == "task.cancel" then
      assert.is_truthy(open[id] == "pending" or open[id] == "running", what .. " of a task that is not open")
      open[id] = "ended"
    elseif what == "device.push" and app_state == "suspended" and entry.why:find "reaches" then
      app_state, background_since = "background", entry.t -- It is woken, and says nothing of that.
    elseif what == "wake.grant" and app_state == "suspended" then
      app_state, background_since = "background", entry.t
    elseif what == "app.launch" then
      app_state = entry.state == "background" and "background" or "inactive"
      background_since = entry.t
    elseif what == "app.active" or what == "app.resume" or what == "app.inactive" or what == "app.pause" then
      local from = { ["app.active"] = "inactive", ["app.inactive"] = "active",
        ["app.pause"] = "inactive", ["app.resume"] = "background" }
      local to = { ["app.active"] = "active", ["app.inactive"] = "inactive",
        ["app.pause"] = "background", ["app.resume"] = "inactive" }
      assert.equal(from[what], app_state == "suspended" and "background" or app_state, what)
      app_state = to[what]
      background_since = what == "app.pause" and entry.t or background_since
    elseif what == "app.suspend" then
      assert.equal("background", app_state)
      for other, state in pairs(open) do
        assert.equal("ended", state, "asleep while task " .. other .. " is open")
      end
      app_state = "suspended"
    elseif what == "app.end" or what == "app.kill" then
      for _, state in pairs(open) do
        assert.equal("ended", state, "gone while a task is open")
      end
      app_state = "gone"
    end
    if what == "task.expire" and app_state == "background" and os ~= "android" then
      assert.is_true(entry.t - background_since <= limit_ms, "expired too late")
    end
  end
  assert.equal(app_state, phone:state())
  if phone:state() == "suspended" or phone:state() == "gone" then
    for _, state in pairs(open) do
      assert.equal("ended", state)
    end
  end
end

-- A task that expired, or that nobody could finish, has broken one of three
-- rules, and nobody else has; each cause was told.
local function check_rules(phone)
  if #phone:timeline() == 10000 then
    return
  end
  local lost, state_of = {}, {}
  for _, task in ipairs(phone:tasks()) do
    state_of[task.taskId] = task.state
    local is_run = task.name == "a" or task.name == "b" or task.name == "late" -- The system may stop it.
    lost[task.taskId] = task.state == "expired" and not is_run or nil
  end
  for _, entry in ipairs(phone:timeline "task.leak") do
    lost[entry.task] = lost[entry.task] or state_of[entry.task] ~= "finished" or nil
  end
  local blamed, told = 0, {}
  for _, entry in ipairs(phone:timeline "violation") do
    told[entry.rule .. (entry.where or "") .. entry.severity] = true
  end
  for _, broken in ipairs(phone:violations()) do
    assert.is_true(broken.count > 0 and broken.t <= broken.last and #broken.why > 0 and #broken.advice > 0)
    assert.is_true(told[broken.rule .. (broken.where or "") .. broken.severity], broken.rule .. " was not told")
    local is_end = broken.rule == "BG01" or broken.rule == "BG08"
      or broken.rule == "BG07" and broken.severity == "error"
    blamed = blamed + (is_end and broken.count or 0)
  end
  local count = 0
  for _ in pairs(lost) do
    count = count + 1
  end
  assert.equal(count, blamed)
end

-- What is known of each unit must fit together, and with what was known of it before.
local function check_work(phone, known)
  local running, names = 0, {}
  local is_alive = phone:state() ~= "gone"
  for _, unit in ipairs(phone:work()) do
    local before = known[unit.id] or { runs = 0, generation = 0 }
    assert.is_true(unit.runs >= before.runs and unit.generation >= before.generation, "it has forgotten a run")
    assert.is_true(unit.attempts <= unit.runs and unit.crashes <= unit.runs and unit.stops <= unit.runs)
    assert.is_true(before.state ~= "succeeded" or unit.state == "succeeded", "it had succeeded")
    assert.is_true(unit.state ~= "blocked" or unit.parentsOpen > 0, "it waits for nobody")
    assert.is_true(unit.state ~= "succeeded" or not unit.periodic, "a period has no end")
    if unit.state == "running" and is_alive then
      running = running + 1
      assert.is_nil(unit.unique and names[unit.unique], "two of one name run")
      names[unit.unique or 0] = true
    elseif unit.state == "enqueued" or unit.state == "blocked" then
      assert.is_true(is_alive or #phone:explain(unit.id) > 0, "nothing stands in its way, and nobody is there")
    end
    known[unit.id] = unit
  end
  assert.is_true(running <= 4, "too many run at once")
end

local MOVES <const> = {
  function(phone) phone:pressHome() end,
  function(phone) if phone:state() ~= "gone" then phone:openApp() end end,
  function(phone, random) phone:advance(random(60000)) end,
  function(phone, random) phone:advance(random(100)) end,
  function(phone) phone:post("appStateChange", '{"isActive":false}') end,
  function(phone) phone:post("appUrlOpen", '{"url":"x"}') end,
  function(phone) phone:expire() end,
  function(phone, random) if random(4) == 1 then phone:push() end end,
  function(phone, random) if random(8) == 1 then phone:quit() end end,
  function(phone, random) if random(12) == 1 then phone:kill() end end,
  function(phone, random) phone:setNetwork(({ "none", "metered", "wifi" })[random(3)]) end,
  function(phone, random) phone:setClock((random(3) - 2) * random(7200000)) end,
  function(phone, random) if random(6) == 1 then phone:reboot() end end,
}

local function live(seed)
  local random = generator(seed)
  local os = ({ "ios", "android", "strict", "desktop" })[random(4)]
  local code = helper.code(app(random))
  local phone <close> = device.open { os = os, seed = random(100) }
  local known = {}
  phone:run(code)
  for _ = 1, 12 do
    MOVES[random(#MOVES)](phone, random)
    check(phone, os)
    check_rules(phone)
    check_work(phone, known)
    if phone:state() == "gone" then
      phone:run(code)
    end
  end
  phone:kill()
  check(phone, os)
  return phone:hash()
end

describe("any app under any user", function()
  local only = tonumber(os.getenv "FUZZ_SEED")
  local first = only or 1
  local last = only or tonumber(os.getenv "FUZZ_RUNS") or 400

  it("keeps the invariants, and gives the same story for the same seed", function()
    for seed = first, last do
      local ok, result = xpcall(live, function(fault)
        return type(fault) == "table" and (fault.message or tostring(fault)) or fault
      end, seed)
      assert.is_true(ok, ("seed %d: %s"):format(seed, tostring(result)))
      if seed % 10 == 0 then
        assert.equal(result, live(seed), ("seed %d: two runs differ"):format(seed))
      end
    end
  end)
end)
