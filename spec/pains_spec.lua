-- What users of WorkManager, BGTaskScheduler, Expo, Flutter's workmanager and
-- their like complain about for years, and our answer to each.

local helper = require "spec.helper"

local open, unit = helper.open, helper.unit

local function texts(phone, id)
  return phone:explain(id).text
end

describe("pains", function()
  it("pain 1: work does not run after the app was killed. It runs at the next start, and says what it waits for", function()
    local APP <const> = [[
      BackgroundTask.define("upload", { run = function(ctx) print("uploads", ctx.input) end })
    ]]
    local phone <close> = open(APP .. 'BackgroundTask.enqueue("upload", "photo", { delay = "1h" })')
    phone:kill()
    phone:advance "2h"
    assert.truthy(texts(phone, 1):find("the app sleeps, may not work now, or is not there", 1, true))
    phone:run(helper.code(APP))
    assert.same({ "uploads\tphoto" }, helper.said(phone))
  end)

  it("pain 2: iOS never fires, or after days. `never` can be tested, and what was missed is caught up with", function()
    local phone <close> = open([[
      BackgroundTask.define("sync", { run = function() print(os.date "%d %H:%M") end })
      BackgroundTask.periodic("sync", "sync", { every = "6h", existing = "keep" })
    ]], { os = "ios", policy = "never" })
    phone:pressHome()
    phone:advance "3d"
    assert.same({}, helper.said(phone))
    phone:openApp()
    phone:advance(1)
    assert.same({ "08 07:00" }, helper.said(phone)) -- Once, for all the slots.
  end)

  it("pain 3: an interval under 15 minutes is raised silently. It is said what it is now", function()
    local phone <close> = open([[
      local _, info = BackgroundTask.periodic("p", "k", { every = "5m" })
      print(info.effective.everyMs // 60000)
    ]], { os = "android" })
    assert.same({ "15" }, helper.said(phone))
    assert.equal(15 * 60000, unit(phone).periodic.everyMs)
  end)

  it("pain 4: nobody can ask whether it is scheduled, and when it last ran", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() end })
      BackgroundTask.periodic("p", "k", { every = "1h" })
      setTimeout(function()
        local one = BackgroundTask.query { unique = "p" }[1]
        print(one.state, os.date("%H:%M", one.runAtMs // 1000))
        local last = BackgroundTask.history(one.id)[1]
        print(last.outcome, os.date("%H:%M", last.endedAtMs // 1000))
      end, 90 * 60000)
    ]]
    phone:advance "2h"
    assert.same({ "enqueued\t09:00", "succeeded\t08:00" }, helper.said(phone))
  end)

  it("pain 5: it does not start, there is no error, and everybody guesses. Every obstacle is named", function()
    local phone <close> = open([[
      BackgroundTask.enqueue("k", nil, { needs = { network = "unmetered", charging = true } })
    ]], { network = "metered" })
    phone:advance "10m"
    assert.equal("needs network unmetered; it is metered, since 10 min; needs charging; it is not charging, since "
      .. "10 min; nobody has defined k", (texts(phone, 1):gsub("10 min 0 s", "10 min")))
  end)

  it("pain 6: cancel does not stop what runs. It is told, and then it is ended; and the cancel is in the store", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() while true do farside.sleep(100) end end })
      BackgroundTask.enqueue("k", nil, { unique = "u" })
      setTimeout(function() print(BackgroundTask.cancel { unique = "u" }) end, 1000)
    ]]
    phone:advance "1001ms"
    assert.same({ "1" }, helper.said(phone))
    phone:advance "5s"
    assert.same({ "cancelled" }, helper.states(phone))
    phone:kill()
    phone:run(helper.code 'BackgroundTask.define("k", { run = function() print "again" end })')
    phone:advance "1d"
    assert.same({ "1" }, helper.said(phone))
  end)

  it("pain 7: it ran twice, or dozens of times. A periodic name is unique, and a run has a key for its server", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) print(ctx.key) farside.sleep(60000) end })
      for _ = 1, 50 do BackgroundTask.periodic("sync", "k", { every = "1h" }) end
    ]]
    phone:advance "2h30m"
    assert.equal(1, #phone:work())
    local keys = helper.said(phone)
    assert.equal(2, #keys)
    assert.not_equal(keys[1], keys[2])
  end)

  it("pain 8: a second run starts while the old one still runs after its time-out", function()
    local phone <close> = open [[
      local now = 0
      BackgroundTask.define("k", { timeout = "10s", retry = { base = "1s", jitter = 0 }, run = function(ctx)
        now = now + 1
        assert(now == 1, "two at once")
        local _ <close> = setmetatable({}, { __close = function() now = now - 1 end })
        for _ = 1, 12 do farside.sleep(1000) end
      end })
      BackgroundTask.enqueue("k", nil, { unique = "u" })
      setInterval(function() BackgroundTask.enqueue("k", nil, { unique = "u", existing = "replace" }) end, 3000)
    ]]
    phone:advance "5m"
    for _, line in ipairs(helper.said(phone)) do
      assert.is_nil(line:find("two at once", 1, true), line)
    end
    assert.is_true(#phone:timeline "work.run" > 10)
    phone:kill()
  end)

  it("pain 9: it is tried again for ever. There is a cap, and then it is over, and said once", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() error "the server has moved" end })
      BackgroundTask.enqueue "k"
    ]]
    phone:advance "30d"
    local one = unit(phone, {})
    assert.same({ "failed", "attempts", 11 }, { one.state, one.reason, one.runs }) -- One, and ten more.
    assert.equal(1, #phone:timeline "work.fail")
    phone:advance "300d"
    assert.equal(11, #phone:timeline "work.run")
  end)

  it("pain 10: one failure poisons a chain of appended work for ever. What comes later begins anew", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) if ctx.input == 1 then return ctx:fail "no" end print(ctx.input) end })
      local function append(i) BackgroundTask.enqueue("k", i, { unique = "queue", existing = "append_or_replace" }) end
      append(1)
      append(2) -- It waits for the first, and fails with it.
      setTimeout(function() append(3) append(4) end, 1000)
    ]]
    phone:advance "2s"
    assert.same({ "3", "4" }, helper.said(phone))
  end)

  it("pain 11: more than 10 KB of input crash the app. It takes a mebibyte, and more is an error where it is made", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) print(#ctx.input) end })
      BackgroundTask.enqueue("k", ("x"):rep(1000000))
      print(pcall(BackgroundTask.enqueue, "k", ("x"):rep(2000000)))
    ]]
    assert.same({ "false\tthe input cannot be kept: it is larger than 1 MiB", "1000000" }, helper.said(phone))
  end)

  it("pain 12: a handler that was renamed breaks what is stored. It waits, and an alias takes it over", function()
    local phone <close> = open 'BackgroundTask.enqueue("old.name", "kept")'
    phone:advance "1d"
    assert.same({ "enqueued", "nobody has defined old.name" }, { unit(phone).state, texts(phone, 1) })
    phone:kill()
    phone:run(helper.code [[
      BackgroundTask.define("new.name", { aliases = { "old.name" }, run = function(ctx) print(ctx.input) end })
    ]])
    assert.same({ "kept" }, helper.said(phone))
  end)

  it("pain 13: trouble with the store crashes the app at its start. It is an event, and the app goes on", function()
    -- A file that is no store at all, and one that is damaged.
    local path <const> = os.tmpname()
    local program <const> = os.getenv "FARSIDE" or "build/release/farside"
    local function run(store)
      local script <const> = path .. ".lua"
      local file = assert(io.open(script, "w"))
      file:write [[
        local farside = require "farside"
        farside.Plugins.App.addListener("storeFault", function(event) print("told of", event.name) end)
        print("goes on", farside.Plugins.BackgroundTask.enqueue("k") ~= nil)
        setTimeout(farside.Plugins.App.exitApp, 1)
      ]]
      file:close()
      local pipe <close> = assert(io.popen(("%s run --store %s %s 2>&1"):format(program, store, script)))
      return pipe:read "a"
    end
    assert.truthy(run(path):find("goes on\ttrue", 1, true)) -- Made anew, of an empty file.
    local file = assert(io.open(path, "r+b"))
    for at = 100, file:seek "end" - 100, 997 do
      file:seek("set", at)
      file:write "damage"
    end
    file:close()
    local out = run(path)
    assert.truthy(out:find("goes on\ttrue", 1, true), out)
    assert.truthy(out:find("told of\tCORRUPT", 1, true), out)
    os.execute("rm -f " .. path .. "*")
  end)

  it("pain 14: no more than 100 jobs after repeated kills. One wake-up is asked for the whole queue", function()
    local APP <const> = [[
      BackgroundTask.define("k", { run = function() end })
      for i = 1, 200 do BackgroundTask.enqueue("k", nil, { delay = "30d" }) end
    ]]
    local phone <close> = open(APP, { os = "android" })
    for _ = 1, 5 do
      phone:pressHome()
      phone:advance "1m"
      phone:kill()
      phone:run(helper.code(APP))
    end
    assert.equal(1200, #phone:work())
    assert.is_true(#phone:timeline "wake.plan" - #phone:timeline "wake.cancel" <= 1)
    assert.same({}, phone:violations())
  end)

  it("pain 15: one interval for all tasks. Each has its own", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) print(ctx.unique) end })
      BackgroundTask.periodic("each hour", "k", { every = "1h" })
      BackgroundTask.periodic("each half hour", "k", { every = "30m" })
      BackgroundTask.periodic("at nine", "k", { cron = "0 9 * * *" })
    ]]
    phone:advance "3h"
    phone:advance(1)
    local counts = {}
    for _, name in ipairs(helper.said(phone)) do
      counts[name] = (counts[name] or 0) + 1
    end
    assert.same({ ["each hour"] = 3, ["each half hour"] = 6, ["at nine"] = 1 }, counts)
  end)

  it("pain 16: it works in development and not in production, and cannot be tested. A day is a line, on any phone", function()
    for _, os in ipairs { "ios", "android", "strict" } do
      local phone <close> = open([[
        BackgroundTask.define("sync", { run = function() farside.sleep(3000) end })
        BackgroundTask.periodic("sync", "sync", { every = "2h", needs = { network = "connected" }, existing = "keep" })
      ]], { os = os, policy = "earliest" })
      phone:pressHome()
      phone:lock()
      phone:plug()
      phone:advance "1d"
      assert.is_true(unit(phone).runs > 0, os)
      assert.same({}, phone:violations())
      phone:kill()
    end
  end)

  it("pain 17: seconds or minutes? A time has its unit, and a bare number is refused", function()
    local phone <close> = open 'print(pcall(BackgroundTask.periodic, "p", "k", { every = 15 }))'
    assert.same({ 'false\tperiodic: every must be a duration with its unit, such as "20s" or "1m30s", not a number' },
      helper.said(phone))
  end)

  it("pain 18: what repeats ran only once. It ends by nothing but cancel", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { retry = { max = 1, base = "10s" }, crashes = 3, run = function(ctx)
        local hour = ctx.slotMs // 3600000 % 4
        if hour == 0 then error "fails" elseif hour == 1 then return ctx:fail "for good" elseif hour == 2 then return "fine" end
        farside.sleep(20000)
      end })
      BackgroundTask.periodic("p", "k", { every = "1h", existing = "keep" })
    ]]
    local before = 0
    for _ = 1, 10 do
      phone:advance "5h"
      phone:kill() -- In the middle of anything.
      phone:openApp()
      phone:advance "1h"
      assert.is_true(unit(phone).runs > before)
      before = unit(phone).runs
    end
    assert.not_equal("failed", unit(phone).state)
    phone:kill()
  end)
end)
