-- The rules: for each that is detected, an app that breaks it, and a near miss
-- that does not.

local device = require "farside.device"
local helper = require "spec.helper"
local json = require "spec.json"
local program = require "spec.program"
require "farside.busted"

local write = program.write

-- Runs the program; its exit code, and all that it prints.
local function farside(words)
  local pipe <close> = assert(io.popen(program.path .. " " .. words .. " 2>&1"))
  local output = pipe:read "a"
  local _, _, code = pipe:close()
  return code or 0, output
end

-- A file that is gone with its block.
local function file(text)
  local path = os.tmpname()
  write(path, text)
  return setmetatable({}, { __close = function() os.remove(path) end, __tostring = function() return path end })
end

-- Plays a case. Without a day of its own: left after a second, for a minute.
local function play(case)
  local phone = device.open(case.phone or { os = "ios" })
  assert(phone:run(helper.code(case.script)))
  if case.day then
    case.day(phone)
  else
    phone:advance "1s"
    phone:pressHome()
    phone:advance "1m"
  end
  return phone
end

local function fails_with(fn, pattern)
  local ok, message = pcall(fn)
  assert.is_false(ok)
  assert.truthy(tostring(message):find(pattern, 1, true), message)
end

local function broken(phone, rule, severity)
  for _, violation in ipairs(phone:violations()) do
    if violation.rule == rule and violation.severity == (severity or violation.severity) then
      return violation
    end
  end
end

-- Goes to the background and comes back, so often, for so long.
local function visits(count, seconds, back)
  return function(phone)
    for _ = 1, count do
      phone:pressHome()
      phone:advance(seconds * 1000)
      phone:openApp()
      phone:advance((back or 1) * 1000)
    end
  end
end

local function pushes(count, minutes)
  return function(phone)
    phone:pressHome()
    for _ = 1, count do
      phone:push()
      phone:advance(minutes * 60000)
    end
  end
end

-- Asks to be woken again and again, and lets the phone do it at once.
local function wakes(count, minutes)
  return function(phone)
    phone:pressHome()
    for _ = 1, count do
      phone:scheduleWake { kind = "processing" }
      phone:advance(minutes * 60000)
    end
  end
end

local function costly(cost)
  return function(phone)
    phone:setCost("work", cost)
    phone:pressHome()
    phone:advance "1m"
  end
end

-- Told to end, and ended in good order.
local function quit(phone)
  phone:advance "1s"
  phone:pressHome()
  phone:openApp()
  phone:quit()
  phone:advance "1m"
end

-- Asleep for a minute, and woken then.
local function wake_late(phone)
  phone:pressHome()
  phone:advance "1m"
  phone:scheduleWake { kind = "processing" }
  phone:advance "15m"
end

local function woken(code)
  return ([[local t = os.time() setInterval(function()
    if os.time() - t > 30 and not done then done = true %s end end, 1000)]]):gsub("%%s", function() return code end):gsub("\n%s*", " ")
end

-- A task for so long at each pause, and what it does then.
local function works_for(ms, code)
  return ([[App.addListener("pause", function() BackgroundTask.exec(function(task)
    farside.sleep(%d) %s task:finish() end) end)]]):format(ms, code or "")
end

local function hours(count)
  return function(phone)
    phone:advance(count * 3600000)
  end
end

local function requests(count)
  return function(phone)
    for _ = 1, count do
      phone:scheduleWake { kind = "processing", after = "9h" }
    end
  end
end

-- Durable work that computes for so long in one turn, with a charger.
local function costs(cost)
  return function(phone)
    phone:setCost("work", cost)
    phone:plug()
    phone:advance "1m"
  end
end

local function heavy(options)
  return 'BackgroundTask.define("work", { run = function() end }) '
    .. 'setTimeout(function() BackgroundTask.enqueue("work", nil, { ' .. options .. " }) end, 2000)"
end

local SYNC <const> = 'BackgroundTask.define("sync", { run = function() end })'

-- Work that enqueues itself as long as the condition holds.
local function chain(condition)
  return ([[BackgroundTask.define("sync", { run = function(ctx) if %s then
    BackgroundTask.enqueue("sync", { n = ctx.input.n + 1 }, { delay = "20m" }) end end })
    BackgroundTask.enqueue("sync", { n = 0 })]]):format(condition)
end

-- Work that does not come to its end, so often.
local function stuck(times)
  return ([[BackgroundTask.define("sync", { timeout = "1m", run = function(ctx)
    if ctx.attempt <= %d then farside.sleep(3600000) end end })
    BackgroundTask.enqueue "sync"]]):format(times)
end

local function again(delay)
  return ('BackgroundTask.define("sync", { run = function(ctx) if ctx.attempt == 1 then return ctx:retry("%s") end end }) '
    .. 'BackgroundTask.enqueue "sync"'):format(delay)
end

-- Whenever it is woken it works for as long as it may.
local BUSY <const> = [[local busy = false setInterval(function()
  if not busy then busy = true BackgroundTask.exec(function(task) farside.sleep(170000)
    farside.Plugins.Storage.set("x", 1) busy = false task:finish() end, { onExpire = print }) end end, 60000)]]

local android <const> = { os = "android" }
local online <const> = { os = "android", http = { "https://api.example.com/*" } }
local eager <const> = { os = "android", policy = "earliest" }

-- A request that no task waits for, and a visit to the background.
local REQUEST <const> = [[setTimeout(function() farside.Plugins.Http.get("https://api.example.com/", print) end, 500)]]

local function answers(latency)
  return function(phone)
    phone:respond("https://api.example.com/*", { latency = latency })
    phone:advance "1s"
    phone:pressHome()
    phone:advance "20s"
  end
end

-- `breaks` breaks the rule, and `misses` nearly does. `at` is the line of the
-- script that is blamed; `why` is what the sentence has to say.
local cases = {
  BG01 = {
    { at = 1, why = "nobody is left who could finish it",
      breaks = { script = "BackgroundTask.exec(function() farside.sleep(2000) end)" },
      misses = { script = "BackgroundTask.exec(function(task) farside.sleep(2000) task:finish() end)" } },
    { at = 1, why = "did nothing any more",
      breaks = { script = "id = BackgroundTask.exec(function() end, { onExpire = print })" },
      misses = { script = [[id = BackgroundTask.exec(function() end, { onExpire = function()
        BackgroundTask.finish { taskId = id } end })]] } },
    { at = 1, why = "still waiting for a sleep when its 30.000 s were over",
      breaks = { script = [[App.addListener("pause", function() BackgroundTask.exec(function(task)
        farside.sleep(40000) task:finish() end, { onExpire = print }) end)]] },
      misses = { script = [[App.addListener("pause", function() BackgroundTask.exec(function(task)
        farside.sleep(29000) task:finish() end, { onExpire = print }) end)]] } },
    { at = 1, why = "open when the app had to end",
      breaks = { script = "id = BackgroundTask.exec(function(task) farside.sleep(6000) task:finish() end)",
        day = function(phone) phone:quit() phone:advance "1m" end },
      misses = { script = "id = BackgroundTask.exec(function(task) farside.sleep(4000) task:finish() end)",
        day = function(phone) phone:quit() phone:advance "1m" end } },
    { at = 1, why = "nobody is left",
      breaks = { phone = { os = "desktop" }, script = "BackgroundTask.exec(function() end)" },
      misses = { phone = { os = "desktop" }, script = "BackgroundTask.exec(function(task) task:finish() end)" } },
  },
  BG02 = {
    { at = 3, why = "task 70001, which had expired 30.000 s before",
      breaks = { script = [[
        id = BackgroundTask.exec(function() end, { onExpire = function() end })
        App.addListener("resume", function()
          BackgroundTask.finish { taskId = id }
        end)]],
        day = visits(1, 60) },
      misses = { script = [[
        id = BackgroundTask.exec(function() end, { onExpire = function() end })
        App.addListener("resume", function()
          BackgroundTask.finish { taskId = id }
        end)]],
        day = visits(1, 29) } },
  },
  BG03 = {
    { at = 1, why = "task 70001, which had ended already",
      breaks = { script = "BackgroundTask.exec(function(task) task:finish() task:finish() end)" },
      misses = { script = "for _ = 1, 2 do BackgroundTask.exec(function(task) task:finish() end) end" } },
    { at = 1, why = "task 7, which never was",
      breaks = { script = "BackgroundTask.finish { taskId = 7 }" },
      misses = { script = "pcall(BackgroundTask.finish, { taskId = 'seven' })" } },
  },
  BG04 = {
    { at = 3, why = "begun 1.000 s after the end was announced",
      breaks = { script = [[
        BackgroundTask.exec(function(task)
          farside.sleep(26000)
          BackgroundTask.exec(function(other) other:finish() end)
          task:finish()
        end, { onExpire = print })]],
        day = visits(1, 60) },
      misses = { script = [[
        BackgroundTask.exec(function(task)
          farside.sleep(24000)
          BackgroundTask.exec(function(other) other:finish() end)
          task:finish()
        end, { onExpire = print })]],
        day = visits(1, 60) } },
    { at = 1, why = "a timer was set 0.000 s after",
      breaks = { script = [[
        local function late() setTimeout(print, 100) end
        id = BackgroundTask.exec(function() end, { onExpire = function()
          late() BackgroundTask.finish { taskId = id } end })]] },
      -- What it asked for itself is not what the system announces.
      misses = { script = [[
        local function late() setTimeout(print, 100) end
        id = BackgroundTask.exec(function() end, { budget = "10s", onExpire = function()
          late() BackgroundTask.finish { taskId = id } end })]] } },
  },
  BG05 = {
    { at = 1, why = "5.000 s are left",
      breaks = { script = [[
        local function more() BackgroundTask.exec(function(task) task:finish() end) end
        id = BackgroundTask.exec(function() end, { onExpire = function()
          more() BackgroundTask.finish { taskId = id } end })]] },
      misses = { script = [[
        local function more() BackgroundTask.exec(function(task) task:finish() end) end
        id = BackgroundTask.exec(function() end, { onExpire = function()
          BackgroundTask.finish { taskId = id } end })
        App.addListener("resume", more)]],
        day = visits(1, 60) } },
  },
  BG06 = {
    { at = 1, why = "no onExpire",
      breaks = { script = "id = BackgroundTask.exec(function(task) farside.sleep(27000) task:finish() end)" },
      -- In time it needs none; and it may be given one later.
      misses = { script = "id = BackgroundTask.exec(function(task) farside.sleep(20000) task:finish() end)" } },
    { at = 1, why = "no onExpire",
      breaks = { script = "id = BackgroundTask.exec(function(task) farside.sleep(27000) task:finish() end)" },
      misses = { script = [[BackgroundTask.exec(function(task) task:onExpire(print)
        farside.sleep(27000) task:finish() end)]] } },
  },
  BG07 = {
    { at = 1, why = "ran for 2.000 s; ios wants it to return within 1.000 s", severity = "warning",
      breaks = { script = [[id = BackgroundTask.exec(function() end, { onExpire = function(task)
        farside.sleep(2000) task:finish() end })]] },
      misses = { script = [[id = BackgroundTask.exec(function() end, { onExpire = function(task)
        farside.sleep(1000) task:finish() end })]] } },
    { at = 1, why = "ran for 5.000 s, until there was no time left",
      breaks = { script = [[id = BackgroundTask.exec(function() end, { onExpire = function(task)
        farside.sleep(9000) task:finish() end })]] },
      misses = { script = [[id = BackgroundTask.exec(function() end, { onExpire = function(task)
        task:finish() end })]] } },
    { at = 1, why = "ran for 1.500 s", severity = "warning",
      breaks = { script = [[id = BackgroundTask.exec(function() end, { name = "work",
        onExpire = function(task) task:finish() end })]], day = costly "1500ms" },
      misses = { script = [[id = BackgroundTask.exec(function() end, { name = "work",
        onExpire = function(task) task:finish() end })]], day = costly "900ms" } },
  },
  BG08 = {
    { at = 3, why = "but that of task 70002",
      breaks = { script = [[
        local id
        for _ = 1, 2 do
          id = BackgroundTask.exec(function() farside.sleep(1000) end)
        end
        setTimeout(function() BackgroundTask.finish { taskId = id } end, 5000)]] },
      misses = { script = [[
        local ids = {}
        for i = 1, 2 do
          ids[i] = BackgroundTask.exec(function() farside.sleep(1000) end)
        end
        setTimeout(function()
          for _, id in ipairs(ids) do BackgroundTask.finish { taskId = id } end
        end, 5000)]] } },
    { at = 3, why = "but that of task 70002",
      breaks = { script = [[
        local id
        local function save()
          id = BackgroundTask.exec(function()
            farside.sleep(1000)
            BackgroundTask.finish { taskId = id }
          end)
        end
        save() setTimeout(save, 500)]] },
      misses = { script = [[
        local id
        local function save()
          id = BackgroundTask.exec(function()
            farside.sleep(1000)
            BackgroundTask.finish { taskId = id }
          end)
        end
        save() setTimeout(save, 1500)]] } },
  },
  BG09 = {
    { at = 1, why = "101 tasks are open", severity = "warning",
      breaks = { script = [[for _ = 1, 101 do BackgroundTask.exec(function(task)
        farside.sleep(1000) task:finish() end) end]] },
      misses = { script = [[for _ = 1, 100 do BackgroundTask.exec(function(task)
        farside.sleep(1000) task:finish() end) end]] } },
    { at = 1, severity = "error", why = "one more than the 1000 that are open",
      breaks = { script = [[
        local function begin() return BackgroundTask.exec(function(task) farside.sleep(1000) task:finish() end) end
        for _ = 1, 1001 do begin() end]] },
      misses = { phone = android, script = [[
        local function begin() return BackgroundTask.exec(function(task) farside.sleep(1000) task:finish() end) end
        for _ = 1, 1001 do begin() end]] } },
  },
  BG10 = {
    { at = 1, why = "it asked for 31.000 s",
      breaks = { script = "BackgroundTask.exec(function(task) task:finish() end, { budget = '31s' })" },
      misses = { script = "BackgroundTask.exec(function(task) task:finish() end, { budget = '30s' })" } },
    { at = 1, why = "it took 31.000 s; the tightest budget is 30.000 s",
      breaks = { phone = android, script = "BackgroundTask.exec(function(task) farside.sleep(31000) task:finish() end)" },
      misses = { phone = android, script = "BackgroundTask.exec(function(task) farside.sleep(30000) task:finish() end)" } },
  },
  BG11 = {
    { at = 2, why = "it began when one had ended, and had 10.000 s: the budget of 30.000 s is one for the app",
      breaks = { script = [[
        local function work(task) farside.sleep(20000) task:finish() end
        local function two() BackgroundTask.exec(work, { onExpire = print }) end
        App.addListener("pause", function()
          BackgroundTask.exec(function(task) work(task) two() end, { name = "one", onExpire = print })
        end)]] },
      misses = { script = [[
        local function work(task) farside.sleep(10000) task:finish() end
        local function two() BackgroundTask.exec(work, { onExpire = print }) end
        App.addListener("pause", function()
          BackgroundTask.exec(function(task) work(task) two() end, { name = "one", onExpire = print })
        end)]] } },
    { at = 1, why = "it began when one had ended",
      breaks = { script = [[
        local function two() BackgroundTask.exec(function(task) task:finish() end, { budget = "20s" }) end
        App.addListener("pause", function() BackgroundTask.exec(function(task)
          farside.sleep(20000) task:finish() two() end, { name = "one" }) end)]] },
      -- On android each has a budget of its own.
      misses = { phone = android, script = [[
        local function two() BackgroundTask.exec(function(task) task:finish() end, { budget = "20s" }) end
        App.addListener("pause", function() BackgroundTask.exec(function(task)
          farside.sleep(20000) task:finish() two() end, { name = "one" }) end)]] } },
  },
  RS01 = {
    { at = 1, why = "computed for 49.000 s within 60 s; ios allows 80 %",
      breaks = { script = [[App.addListener("pause", function() BackgroundTask.exec(function(task)
        for _ = 1, 6 do farside.sleep(100) end task:finish() end, { name = "work" }) end)]], day = costly "7s" },
      misses = { script = [[App.addListener("pause", function() BackgroundTask.exec(function(task)
        for _ = 1, 5 do farside.sleep(100) end task:finish() end, { name = "work" }) end)]], day = costly "8s" } },
    { at = 1, why = "computed for 80.000 s within 300 s; android allows 25 %",
      breaks = { phone = android, script = [[App.addListener("pause", function() BackgroundTask.exec(function(task)
        for _ = 1, 3 do farside.sleep(1000) end task:finish() end, { name = "work" }) end)]], day = costly "20s" },
      misses = { phone = android, script = [[App.addListener("pause", function() BackgroundTask.exec(function(task)
        for _ = 1, 3 do farside.sleep(1000) end task:finish() end, { name = "work" }) end)]], day = costly "18s" } },
  },
  RS02 = {
    { at = 1, why = "more than 45000 times within 300 s",
      breaks = { script = "setInterval(function() end, 5)", day = function(phone) phone:advance "4m" end },
      misses = { script = "setInterval(function() end, 7)", day = function(phone) phone:advance "6m" end } },
  },
  RS03 = {
    { why = "woken 11 times within an hour",
      breaks = { phone = eager, script = "", day = wakes(12, 5) },
      misses = { phone = eager, script = "", day = wakes(20, 6) } },
  },
  RS04 = {
    { at = 1, why = "an interval of it would have gone on for ever",
      breaks = { script = "BackgroundTask.exec(function() setInterval(function() end, 1000) end, { onExpire = print })" },
      misses = { script = [[BackgroundTask.exec(function(task) local id = setInterval(function() end, 1000)
        farside.sleep(20000) clearInterval(id) task:finish() end)]] } },
    { at = 1, why = "3 times its time was over, and it was still under way",
      breaks = { script = [[App.addListener("pause", function() BackgroundTask.exec(function()
        while true do farside.sleep(1000) end end, { onExpire = print }) end)]], day = visits(3, 60) },
      misses = { script = [[App.addListener("pause", function() BackgroundTask.exec(function()
        while true do farside.sleep(1000) end end, { onExpire = print }) end)]], day = visits(2, 60) } },
  },
  RS07 = {
    { why = "a phone with 32 MB gives an app 16.0 MB",
      breaks = { phone = { ram = "32MB" },
        script = "cache = {} for i = 1, 16 do cache[i] = string.rep(i % 10, 1 << 20) end" },
      misses = { phone = { ram = "32MB" },
        script = "cache = {} for i = 1, 15 do cache[i] = string.rep(i % 10, 1 << 20) end" } },
    { why = "before memoryWarning, and has not become smaller",
      breaks = { phone = { ram = "32MB" },
        script = "cache = {} for i = 1, 14 do cache[i] = string.rep(i % 10, 1 << 20) end",
        day = function(phone) phone:lowMemory() end },
      misses = { phone = { ram = "32MB" },
        script = [[cache = {} for i = 1, 14 do cache[i] = string.rep(i % 10, 1 << 20) end
          App.addListener("memoryWarning", function() cache[1] = nil end)]],
        day = function(phone) phone:lowMemory() end } },
    -- What is garbage needs no listener.
    { why = "has not become smaller",
      breaks = { phone = { ram = "32MB" },
        script = "cache = {} for i = 1, 13 do cache[i] = string.rep(i % 10, 1 << 20) end",
        day = function(phone) phone:lowMemory() end },
      misses = { phone = { ram = "32MB" },
        script = "local cache = {} for i = 1, 13 do cache[i] = string.rep(i % 10, 1 << 20) end",
        day = function(phone) phone:lowMemory() end } },
  },
  RS08 = {
    { at = 1, why = "for more than 120 min",
      breaks = { phone = android, script = [[App.addListener("pause", function() BackgroundTask.exec(function(task)
        farside.sleep(170000) task:finish() end) end)]], day = visits(44, 170) },
      misses = { phone = android, script = [[App.addListener("pause", function() BackgroundTask.exec(function(task)
        farside.sleep(170000) task:finish() end) end)]], day = visits(44, 170, 3600) } },
  },
  BG13 = {
    { at = 1, why = "and saved nothing",
      breaks = { script = works_for(6000) },
      misses = { script = works_for(4000) } },
    { at = 1, why = "and saved nothing",
      breaks = { script = works_for(9000) },
      misses = { script = works_for(9000, 'farside.Plugins.Storage.set("at", 1)') } },
  },
  BG14 = {
    { at = 1, why = "it saves when it is told to end",
      breaks = { script = 'App.addListener("terminate", function() farside.Plugins.Storage.set("x", 1) end)', day = quit },
      misses = { script = [[for _, event in ipairs { "pause", "terminate" } do
        App.addListener(event, function() farside.Plugins.Storage.set("x", 1) end) end]], day = quit } },
  },
  FE01 = {
    { at = 2, why = '"sync" is asked for every 600 s; it comes every 900 s at most',
      breaks = { script = SYNC .. '\nBackgroundTask.periodic("sync", "sync", { every = "10m" })' },
      misses = { script = SYNC .. '\nBackgroundTask.periodic("sync", "sync", { every = "15m" })' } },
  },
  FE03 = {
    { at = 1, why = "did nothing any more",
      breaks = { phone = eager, script = woken("id = BackgroundTask.exec(function() end, { onExpire = print })"), day = wake_late },
      misses = { phone = eager, script = woken("BackgroundTask.exec(function(task) task:finish() end)"), day = wake_late } },
  },
  FE04 = {
    { at = 1, why = '"sync" has enqueued itself 2 times, and this run',
      breaks = { script = chain("ctx.input.n < 2"), day = hours(2) },
      misses = { script = chain("true"), day = hours(2) } },
  },
  FE05 = {
    { why = "too many requests of that kind wait already: processing",
      breaks = { script = "", day = requests(11) },
      misses = { script = "", day = requests(10) } },
  },
  FE06 = {
    { at = 1, why = 'the kind "sync" was defined after the launch',
      breaks = { script = 'setTimeout(function() BackgroundTask.define("sync", { run = print }) end, 10)' },
      misses = { script = 'BackgroundTask.define("sync", { run = print })' } },
    { at = 2, why = 'the kind "sync" was defined a second time',
      breaks = { script = SYNC .. "\n" .. SYNC },
      misses = { script = SYNC .. "\n" .. 'BackgroundTask.define("other", { run = print })' } },
  },
  SC01 = {
    { why = 'its time in the standby bucket "active" is used up',
      breaks = { phone = eager, script = BUSY, day = wakes(9, 5) },
      misses = { phone = eager, script = BUSY, day = wakes(3, 5) } },
  },
  SC02 = {
    { at = 1, why = "3 runs were stopped within 24 h because their time was up",
      breaks = { phone = android, script = stuck(3), day = hours(5) },
      misses = { phone = android, script = stuck(2), day = hours(5) } },
  },
  SC03 = {
    { at = 1, why = '"sync" is to be tried again after 5.000 s; the delay is raised to 10 s',
      breaks = { phone = android, script = 'BackgroundTask.define("sync", { run = print, retry = { base = "5s" } })' },
      misses = { phone = android, script = 'BackgroundTask.define("sync", { run = print, retry = { base = "10s" } })' } },
    { at = 1, why = '"sync" is to be tried again after 1.000 s',
      breaks = { phone = android, script = again("1s"), day = hours(1) },
      misses = { phone = android, script = again("10s"), day = hours(1) } },
  },
  SC06 = {
    { at = 1, why = '"work" has computed for 70 s, and does not need a charger',
      breaks = { script = heavy(""), day = costs "70s" },
      misses = { script = heavy("needs = { charging = true }"), day = costs "70s" } },
    { at = 1, why = "does not need a charger",
      breaks = { script = heavy(""), day = costs "61s" },
      misses = { script = heavy(""), day = costs "60s" } },
  },
  RS10 = {
    { why = "the app was suspended while https://api.example.com/ was on its way",
      breaks = { phone = online, script = REQUEST, day = answers "50s" },
      misses = { phone = online, script = REQUEST, day = answers "8s" } },
  },
  SC05 = {
    { why = "4 were sent within an hour",
      breaks = { script = "", day = pushes(4, 15) },
      misses = { script = "", day = pushes(6, 25) } },
  },
}

-- Those that need the program, and have a test of their own below.
local others <const> = { BG12 = true, FE02 = true }

describe("rule", function()
  local rules = {}
  for rule in pairs(cases) do
    rules[#rules + 1] = rule
  end
  table.sort(rules)
  for _, rule in ipairs(rules) do
    for i, case in ipairs(cases[rule]) do
      it(("%s is broken (%d)"):format(rule, i), function()
        local phone = play(case.breaks)
        local violation = broken(phone, rule, case.severity)
        assert.truthy(violation, rule .. " is not broken")
        assert.truthy(violation.why:find(case.why, 1, true), violation.why)
        assert.equal(case.at and "app.lua:" .. case.at or nil, violation.where)
        assert.equal(1, violation.count)
        local entry
        for _, candidate in ipairs(phone:timeline "violation") do
          local is_it = candidate.rule == rule and candidate.severity == violation.severity
          entry = entry or is_it and candidate
        end
        assert.same({ violation.t, violation.where, violation.why, violation.severity },
          { entry.t, entry.where, entry.why, entry.severity })
        assert.equal(violation.severity == "error" and "error" or "warn", entry.level)
        phone:kill()
        phone:close()
      end)

      it(("%s is nearly broken (%d)"):format(rule, i), function()
        local phone = play(case.misses)
        local violation = broken(phone, rule, case.severity)
        assert.falsy(violation, violation and violation.why)
        phone:kill()
        phone:close()
      end)
    end
  end

  it("by rule: what is detected has a case, and what is not has none", function()
    local code, output = farside "rules --json"
    assert.equal(0, code)
    for _, rule in ipairs(json.decode(output)) do
      assert.equal(rule.detected, (cases[rule.id] or others[rule.id]) ~= nil, rule.id)
    end
  end)
end)

-- A script that finishes twice on each of its ten ticks: one mistake.
local TWICE <const> = helper.code [[
  local function work(task) task:finish() task:finish() end
  local id id = setInterval(function() BackgroundTask.exec(work) end, 1000)
  setTimeout(clearInterval, 10500, id)
]]

local FORGOTTEN <const> = helper.code [[
  App.addListener("pause", function() BackgroundTask.exec(function() end, { name = "save" }) end)
]]

describe("a violation", function()
  it("is one for each cause, however often it happens", function()
    local phone <close> = device.open {}
    assert(phone:run(TWICE))
    phone:advance "20s"
    local all = phone:violations()
    assert.equal(1, #all)
    assert.equal(1, #phone:timeline "violation")
    assert.same({ "BG03", 10, 1000, 10000, false },
      { all[1].rule, all[1].count, all[1].t, all[1].last, all[1].isFailure })
  end)

  it("says what the system does, by the rules of the phone", function()
    local function outcome(os_name)
      local phone <close> = device.open { os = os_name }
      assert(phone:run(FORGOTTEN))
      phone:pressHome()
      phone:advance "5m"
      return broken(phone, "BG01").outcome
    end
    local kill <const> = { kind = "kill", code = "0x2182bad2 or 0x8badf00d", os = "ios", what = "the app is killed" }
    assert.same(kill, outcome "ios")
    assert.same(kill, outcome "strict")
    assert.same({ kind = "throttle", code = "STOP_REASON_TIMEOUT (3)", os = "android",
      what = "the job is stopped, and counts as a timeout" }, outcome "android")
    assert.same({ kind = "none", os = "desktop", what = "" }, outcome "desktop")
  end)

  it("is taken back when somebody knew the id after all, and told anew the next time", function()
    local phone <close> = device.open {}
    assert(phone:run(helper.code [[
      local function begin() BackgroundTask.exec(function() end) end
      begin()
      setTimeout(function() BackgroundTask.finish { taskId = BackgroundTask.list()[1].taskId } end, 500)
      setTimeout(begin, 1000)
    ]]))
    assert.equal(1, #phone:violations())
    phone:advance "600ms"
    assert.same({}, phone:violations())
    phone:advance "600ms"
    assert.equal(1, #phone:violations())
    assert.equal(2, #phone:timeline "violation")
    phone:kill()
  end)

  it("is none where the rule is allowed, and a failure where all is strict", function()
    local function violations(options)
      local phone <close> = device.open(options)
      assert(phone:run(TWICE))
      phone:advance "20s"
      return phone:violations(), pcall(assert.no_violations, phone)
    end
    local all, is_fine = violations {}
    assert.same({ 1, true }, { #all, is_fine })
    all, is_fine = violations { allow = { "bg03", "RS01" } }
    assert.same({ 0, true }, { #all, is_fine })
    all, is_fine = violations { strict = true }
    assert.same({ 1, false, true }, { #all, is_fine, all[1].isFailure })
  end)

  it("is of a rule that there is", function()
    fails_with(function() device.open { allow = { "BG02", "BG1" } } end, "device.open: allow: there is no rule 'BG1'; "
      .. "there are: BG01 to BG14, FE01 to FE09, RS01 to RS10, SC01 to SC11")
    fails_with(function() device.open { allow = "BG10" } end, "allow must be a list of rules")
    fails_with(function() device.open { allow = { 7 } } end, "has a number")
    fails_with(function() device.open { strict = 1 } end, "strict must be a boolean")
    fails_with(function() device.open { ram = "much" } end, 'ram is a size such as "256MB", not \'much\'')
    fails_with(function() device.open { ram = "off" } end, "ram is a size")
  end)
end)

describe("phone:setCost", function()
  it("names what it was given wrongly", function()
    local phone <close> = device.open {}
    fails_with(function() phone:setCost(7) end, "setCost: the cost must be a duration")
    fails_with(function() phone:setCost({}, "1s") end, "string expected")
    for i = 1, 64 do
      phone:setCost("task" .. i, "1s")
    end
    phone:setCost("task1", "2s")
    fails_with(function() phone:setCost("task65", "1s") end, "64 names can be set, and no more")
  end)
end)

describe("farside simulate", function()
  it("exits by what a broken rule is worth", function()
    local warned <close> = file(TWICE)
    local forgotten <close> = file(FORGOTTEN)
    for words, code in pairs {
      [tostring(warned)] = 0,
      ["--strict " .. tostring(warned)] = 3,
      ["--strict --allow BG03 " .. tostring(warned)] = 0,
      [tostring(forgotten)] = 3,
      ["--allow bg01 " .. tostring(forgotten)] = 0,
      ["--allow=BG03 --allow=BG01 " .. tostring(forgotten)] = 0,
      ["--allow BG02 " .. tostring(forgotten)] = 3,
      ["--allow BG1 " .. tostring(forgotten)] = 2,
    } do
      assert.equal(code, (farside("simulate " .. words)), words)
    end
  end)

  it("holds for plans, for many seeds, and for shrinking", function()
    local forgotten <close> = file(FORGOTTEN)
    local plan <close> = file 'expect(phone:launch()) phone:advance "1s" phone:pressHome() phone:advance "1m"'
    local words = ("simulate %s --plan %s "):format(forgotten, plan)
    assert.equal(3, (farside(words)))
    local code, output = farside(words .. "--seeds 5")
    assert.equal(3, code)
    assert.matches("rules broken +1 +1 +1 +1\nwarnings +0 ", output)
    assert.matches("\n +5  BG01 /tmp/[^\n]+:1 %(first: seed 1%)", output)
    assert.equal(0, (farside(words .. "--seeds 5 --allow BG01")))
    code, output = farside(words .. "--shrink")
    assert.equal(3, code)
    assert.matches("BG01", output)
    assert.matches("phone:pressHome", output)
    assert.not_matches("advance", output)
  end)

  it("tells of warnings first, and of what fails the run last", function()
    local script <close> = file(FORGOTTEN .. "BackgroundTask.finish { taskId = 7 }")
    local _, output = farside("simulate " .. tostring(script))
    assert.matches("\nwarning: [^\n]+ BG03, .*\nbroken: [^\n]+:1 BG01, finish is never called: task save #70001: "
      .. "nobody is left who could finish it\n        ios: kill, 0x2182bad2 or 0x8badf00d: the app is killed\n"
      .. "        Call finish on every path", output)
  end)

  it("counts rules in the file of a build server, where a warning is no failure", function()
    local script <close> = file(TWICE)
    local code, output = farside(("simulate %s --for 20s --junit -"):format(script))
    assert.equal(0, code)
    assert.matches('<property name="rules broken" value="0"/>', output)
    assert.matches('<property name="warnings" value="1"/>', output)
    assert.matches('failures="0"', output)
    assert.matches("<system%-out>Warning: Rule BG03 is broken: finish names no open task\n.*Let one place", output)
    code, output = farside(("simulate %s --for 20s --junit - --strict"):format(script))
    assert.equal(3, code)
    assert.matches('failures="1"', output)
    assert.matches('<failure type="rule" message="Rule BG03 is broken', output)
  end)
end)

-- Reads how much time remains in every way there is.
local READS <const> = helper.code [[
  App.addListener("pause", function()
    BackgroundTask.exec(function(task)
      local left = math.min(task:remaining(), BackgroundTask.timeRemaining(), BackgroundTask.list()[1].remainingMs)
      print("left", left)
      USE
      task:finish()
    end, { onExpire = print })
  end)
]]

describe("rule BG12", function()
  local function check(use, words)
    local script <close> = file((READS:gsub("USE", use)))
    return farside(("simulate --check %s %s"):format(script, words or ""))
  end

  it("is broken by what the app does with the number", function()
    for _, use in ipairs {
      "if left > 10000 then farside.sleep(1000) end",
      "if left < 10000 then farside.sleep(1000) end",
      "while task:remaining() > 20000 do farside.sleep(1000) end",
      "if left > 10000 then error 'much' end",
      "farside.sleep(left / 2)",
    } do
      local code, output = check(use)
      assert.matches("warning: BG12, the time remaining decides: .-\nfirst .-\nsecond .-\nWork in small steps", output)
      assert.equal(use:find "error" and 1 or 0, code, output)
      assert.equal(use:find "error" and 1 or 3, (check(use, "--strict")))
    end
  end)

  it("is not broken by who only logs it, or may break it", function()
    for _, use in ipairs { "", "if left < 10000 then print 'little' print(left) end", "Log.warn(left)",
      "pcall(error, left)" } do
      local code, output = check(use, "--strict")
      assert.equal(0, code, output)
      assert.not_matches("BG12", output)
    end
    local uses <const> = "if left > 10000 then farside.sleep(1000) end"
    assert.equal(0, (check(uses, "--strict --allow BG12")))
    assert.equal(0, (check(uses, "--strict --os android")))
    assert.equal(0, (check(uses, "--strict --remaining 5s")))
  end)

  it("can be looked at", function()
    local script <close> = file((READS:gsub("USE", "")))
    local _, output = farside(("simulate %s --remaining 1s"):format(script))
    assert.matches("left\t1000\n", output)
    _, output = farside(("simulate %s"):format(script))
    assert.matches("left\t30000\n", output)
    assert.equal(2, (farside(("simulate %s --remaining soon"):format(script))))
  end)
end)

-- An hourly sync. On iOS a fetch comes at most four hours after it may.
local SYNCS <const> = helper.code [[
  BackgroundTask.define("sync", { run = function() print "synced" end })
  BackgroundTask.periodic("hourly", "sync", { every = "1h" })
]]

local WAITS <const> = [[
phone:launch()
phone:pressHome()
phone:advance "TIME"
HOW(#phone:timeline "work.succeed" > 0, "no sync after TIME")
]]

describe("rule FE02", function()
  local function check(how, time, words)
    local script <close> = file(SYNCS)
    local plan <close> = file((WAITS:gsub("HOW", how):gsub("TIME", time)))
    return farside(("simulate --check --plan %s %s %s"):format(plan, words or "", script))
  end

  it("is broken by a plan that does not wait for the latest fetch", function()
    for _, how in ipairs { "expect", "assert" } do
      local code, output = check(how, "4h59m")
      assert.equal(0, code, output)
      assert.matches("two runs are the same.-\nwarning: FE02, an exact period is relied on: the plan fails when wake%-ups "
        .. "come late\n\n[^\n]+:4: no sync after 4h59m\nfirst   wake%-up 1 was granted at %d+%.%d+ s\n"
        .. "second  wake%-up 1 was not granted any more\n\nCompare with the time of the last fetch", output)
      code, output = check(how, "4h59m", "--strict")
      assert.equal(3, code)
      assert.matches("\nbroken: FE02", output)
    end
  end)

  it("says when the wake-up came that parts both runs", function()
    local script <close> = file(SYNCS)
    local plan <close> = file [[
      phone:launch()
      phone:pressHome()
      phone:advance "6h"
      expect(phone:timeline "wake.grant"[1].t < 5 * 3600 * 1000, "it came late")
    ]]
    local _, output = farside(("simulate --check --plan %s %s"):format(plan, script))
    assert.matches(":4: it came late\nfirst   wake%-up 1 was granted at 1%d%d%d%d%.%d+ s\n"
      .. "second  wake%-up 1 was granted at 18000%.000 s\n", output)
  end)

  it("is not broken by a plan that waits, fails all the same, or may break it", function()
    for _, case in ipairs {
      { 0, "expect", "5h", "--strict" },
      { 0, "assert", "5h", "--strict" },
      { 1, "expect", "1h", "--strict" },
      { 0, "print", "4h59m", "--strict" },
      { 0, "expect", "4h59m", "--strict --allow FE02" },
      { 1, "expect", "4h59m", "--strict --late-wakes" },
    } do
      local code, output = check(table.unpack(case, 2))
      assert.equal(case[1], code, output)
      assert.not_matches("FE02", output)
    end
  end)

  it("does not mistake the end of a plan for a failure", function()
    local script <close> = file(SYNCS)
    local plan <close> = file((WAITS:gsub("HOW", "print"):gsub("TIME", "4h59m")) .. "os.exit(0)")
    local code, output = farside(("simulate --check --strict --plan %s %s"):format(plan, script))
    assert.equal(0, code, output)
  end)

  it("can be looked at, and moves nothing else", function()
    local script <close> = file(SYNCS)
    local plan <close> = file "phone:launch() phone:pressHome() phone:advance '6h'"
    local words <const> = ("simulate --plan %s %s"):format(plan, script)
    local _, output = farside(words .. " --late-wakes")
    assert.matches("\n18000.000 s +suspended +wake.grant", output)
    for _, option in ipairs { "", " --late-wakes" } do -- A seed that refuses the first.
      _, output = farside(words .. " --seed 24" .. option)
      assert.matches("the system does not grant it", output)
    end
  end)
end)

describe("rule RS04", function()
  it("is not broken by work that the user notices, as the manifest says", function()
    local folder <const> = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
    write(folder .. "/player.lua", helper.code [[
      BackgroundTask.exec(function() setInterval(function() end, 1000) end, { onExpire = print })]])
    local words = ("simulate %s/player.lua --grant background=audio --allow BG01"):format(folder)
    write(folder .. "/farside.lua", 'return { background = { "task" } }')
    local code, output = farside(words)
    assert.equal(3, code)
    assert.matches("RS04, endless work without a mode for it", output)
    write(folder .. "/farside.lua", 'return { background = { "task", "audio" } }')
    code, output = farside(words)
    assert.equal(0, code, output)
    assert.not_matches("RS04", output)
    os.execute("rm -r " .. folder)
  end)
end)
