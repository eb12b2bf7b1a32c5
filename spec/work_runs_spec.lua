-- Durable work, as it runs: what a run is given and says, how it is tried
-- again, how it is stopped, and what a kill leaves of it.

local helper = require "spec.helper"

local open, unit = helper.open, helper.unit

local function said(code, options)
  local phone <close> = open(code, options)
  return helper.said(phone)
end

-- What the script said, without the errors that were raised.
local function words(phone)
  local lines = {}
  for _, entry in ipairs(phone:timeline "log") do
    if entry.level == "info" then
      lines[#lines + 1] = entry.why
    end
  end
  return lines
end

describe("a run", function()
  it("is a coroutine and a task: it may sleep, and the app is held awake for it", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() farside.sleep(10000) print "done" end })
      BackgroundTask.enqueue "k"
    ]]
    phone:pressHome()
    phone:advance "5s"
    assert.equal("background", phone:state())
    phone:advance "6s"
    assert.same({ "done" }, helper.said(phone))
    assert.equal("suspended", phone:state())
    assert.same({ "finished" }, helper.states(phone))
  end)

  it("is given its work", function()
    assert.same({ "1\tk\tu\tnil\t1\tapp/1\ttable\ttable\t7\tnil\tuserdata\trun of work 1" }, said [[
      BackgroundTask.define("k", { run = function(ctx)
        print(ctx.id, ctx.kind, ctx.unique, ctx.slotMs, ctx.attempt, ctx.key, type(ctx.checkpoint), type(ctx.parents), ctx.input,
          ctx.nothing, type(ctx), tostring(ctx))
      end })
      BackgroundTask.enqueue("k", 7, { unique = "u" })
    ]])
  end)

  it("has succeeded when it returns, with what it returned", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) if ctx.input then return ctx.input, "not this" end end })
      BackgroundTask.enqueue("k", { deep = { 1, 2, 3 } })
      BackgroundTask.enqueue("k", false)
      BackgroundTask.enqueue("k")
    ]]
    local units = phone:work()
    assert.same({ deep = { 1, 2, 3 } }, units[1].output)
    assert.is_nil(units[2].output)
    assert.is_nil(units[3].output)
    assert.equal(3, #phone:work { state = "succeeded" })
  end)

  it("has failed when what it returns cannot be kept", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { retry = { max = 0 }, run = function(ctx) return ctx.input == 1 and print or ("x"):rep(2^20) end })
      BackgroundTask.enqueue("k", 1)
      BackgroundTask.enqueue("k", 2)
    ]]
    local units = phone:work { state = "failed" }
    assert.equal("what the run returned cannot be kept: only nil, booleans, numbers, strings and tables of them can be sent",
      units[1].why)
    assert.equal("what the run returned cannot be kept: it is larger than 1 MiB", units[2].why)
  end)

  it("has failed when it raises an error, whatever that is", function()
    local phone <close> = open [[
      local errors = { "a string", { "a table" }, setmetatable({}, { __tostring = function() return "shown" end }), nil }
      BackgroundTask.define("k", { retry = { max = 0 }, run = function(ctx) error(errors[ctx.input], 0) end })
      for i = 1, 4 do BackgroundTask.enqueue("k", i) end
    ]]
    local whys = {}
    for i, one in ipairs(phone:work { state = "failed" }) do
      whys[i] = one.why
    end
    assert.same({ "a string", "(error object is a table value)", "(error object is a table value)",
      "(error object is a nil value)" }, whys)
  end)

  it("keeps the reason of its own error, whatever fails while it is unwound", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { retry = { max = 0 }, run = function()
        local _ <close> = setmetatable({}, { __close = function() BackgroundTask.get(99) end })
        error("the true reason", 0)
      end })
      BackgroundTask.enqueue "k"
    ]]
    assert.equal("the true reason", unit(phone).why)
  end)

  it("cuts a reason that is longer than a kilobyte", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) return ctx:fail(("x"):rep(100000)) end })
      BackgroundTask.enqueue "k"
    ]]
    assert.equal(1023, #unit(phone).why)
  end)

  it("is one of up to four, and of a name the only one", function()
    local phone <close> = open [[
      local now, most = 0, 0
      BackgroundTask.define("k", { run = function(ctx)
        now = now + 1
        most = math.max(most, now)
        farside.sleep(1000)
        now = now - 1
        if ctx.input == 20 then print(most) end
      end })
      for i = 1, 20 do BackgroundTask.enqueue("k", i) end
    ]]
    assert.equal(4, #phone:work { state = "running" })
    phone:advance "5s"
    assert.same({ "4" }, helper.said(phone))
  end)

  it("ends by itself, and not by the id of its task", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function()
        local task = BackgroundTask.list()[1]
        print(task.name, task.state, (select(3, BackgroundTask.finish { taskId = task.taskId })))
        farside.sleep(1000)
        print "still here"
      end })
      BackgroundTask.enqueue "k"
    ]]
    phone:advance "2s"
    assert.same({ "k\trunning\tNOTASK", "still here" }, helper.said(phone))
  end)

  it("may enqueue, cancel itself, and define its kind anew", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx)
        print("old", ctx.input)
        BackgroundTask.define("k", { run = function(again) print("new", again.input) end })
        BackgroundTask.enqueue("k", ctx.input + 1)
        print(BackgroundTask.cancel { id = ctx.id }, ctx:stopping())
        print(ctx:save {})
      end })
      BackgroundTask.enqueue("k", 1)
    ]]
    assert.same({ "old\t1", "new\t2", "1\ttrue", "nil\tthis run is over: nothing of it is kept any more\tSTALE" },
      helper.said(phone))
  end)
end)

describe("ctx:save", function()
  it("keeps a checkpoint, from which the next run goes on", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { retry = { base = "10s", jitter = 0 }, run = function(ctx)
        for i = ctx.checkpoint.next or 1, 5 do
          print("part", i)
          print(ctx:save { next = i + 1 })
          if i == 3 and ctx.attempt == 1 then error "no" end
        end
      end })
      BackgroundTask.enqueue "k"
    ]]
    phone:advance "1m"
    local parts = {}
    for _, line in ipairs(words(phone)) do
      parts[#parts + 1] = line:match "part\t(%d)"
    end
    assert.same({ "1", "2", "3", "4", "5" }, parts)
    assert.is_nil(unit(phone).checkpoint) -- It has succeeded, and nobody needs it.
  end)

  it("survives a kill at any moment", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx)
        ctx:save { step = 1 }
        farside.sleep(1000)
        ctx:save { step = 2 }
        farside.sleep(60000)
      end })
      BackgroundTask.enqueue("k", nil, { unique = "u" })
    ]]
    phone:advance "500ms"
    phone:kill()
    assert.same({ step = 1 }, unit(phone).checkpoint)
    phone:openApp()
    phone:advance "1m"
    phone:kill()
    assert.same({ step = 2 }, unit(phone).checkpoint)
  end)

  it("takes any value that JSON can hold, up to a mebibyte; nil is none", function()
    assert.same({ "true", "text", "true", "false", "true", "0", "the value cannot be kept: it is larger than 1 MiB",
      "the value cannot be kept: a number is not finite", "save: the value is missing" }, said [[
      BackgroundTask.define("k", { run = function(ctx)
        local function kept() return BackgroundTask.get(ctx.id).checkpoint end
        print(ctx:save "text") print(kept())
        print(ctx:save(false)) print(kept())
        print(ctx:save(nil)) print(#{ kept() })
        local function why(...) print((tostring(select(2, pcall(ctx.save, ctx, ...))):gsub("^app.lua:%d+: ", ""))) end
        why(("x"):rep(2^20)) why(0/0) why()
      end })
      BackgroundTask.enqueue "k"
    ]])
  end)

  it("reads as an empty table where nothing was saved, or nil was", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { retry = { base = "10s", jitter = 0 }, run = function(ctx)
        print(next(ctx.checkpoint))
        ctx:save(nil)
        if ctx.attempt == 1 then return ctx:retry "again" end
      end })
      BackgroundTask.enqueue "k"
    ]]
    phone:advance "1m"
    assert.same({ "nil", "nil" }, helper.said(phone))
  end)

  it("wants a colon", function()
    local lines = said [[
      BackgroundTask.define("k", { run = function(ctx)
        for _, name in ipairs { "save", "progress", "stopping", "retry", "fail" } do print(select(2, pcall(ctx[name], {}))) end
      end })
      BackgroundTask.enqueue "k"
    ]]
    for i, name in ipairs { "save", "progress", "stopping", "retry", "fail" } do
      assert.truthy(lines[i]:find(("write ctx:%s(…), with a colon"):format(name), 1, true), lines[i])
    end
  end)
end)

describe("ctx:progress", function()
  it("tells how far it is, for get and watch", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx)
        for i = 1, 3 do print(ctx:progress { done = i }) farside.sleep(1000) end
      end })
      BackgroundTask.enqueue "k"
      setTimeout(function() print(BackgroundTask.get(1).progress.done) end, 1500)
    ]]
    phone:advance "5s"
    assert.same({ "true", "true", "2", "true" }, helper.said(phone))
  end)
end)

describe("a ctx that was kept after its run", function()
  it("changes nothing: save and progress are STALE, and it says that it is stopping", function()
    local phone <close> = open [[
      local kept
      BackgroundTask.define("k", { retry = { base = "10s", jitter = 0 }, run = function(ctx)
        if ctx.attempt == 1 then
          kept = ctx
          ctx:save { from = 1 }
          return ctx:retry "again"
        end
        ctx:save { from = 2 }
        local OVER <const> = "this run is over: nothing of it is kept any more"
        for _, name in ipairs { "save", "progress" } do
          local ok, message, status = kept[name](kept, { from = "the grave" })
          print(ok, message == OVER, status)
        end
        kept:retry "once more" kept:fail "for good"
        print(kept:stopping(), ctx:stopping(), kept.input, kept.attempt)
        print(BackgroundTask.get(ctx.id).checkpoint.from)
        return "fine"
      end })
      BackgroundTask.enqueue("k", 7)
    ]]
    phone:advance "1m"
    assert.same({ "nil\ttrue\tSTALE", "nil\ttrue\tSTALE", "true\tfalse\t7\t1", "2" }, helper.said(phone))
    assert.same({ "succeeded", "fine" }, { unit(phone).state, unit(phone).output })
  end)
end)

describe("ctx:retry and ctx:fail", function()
  it("retry: this attempt has failed, and the rules of the kind decide when the next one is", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { retry = { base = "30s", jitter = 0 }, run = function(ctx)
        print(math.floor(os.time() - 1767596400))
        return ctx:retry()
      end })
      BackgroundTask.enqueue "k"
    ]], { os = "android" })
    phone:advance "8m"
    assert.same({ "0", "30", "90", "210", "450" }, helper.said(phone))
  end)

  it("retry: after the delay that was said, for the reason that was said", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx)
        print(os.time() - 1767596400)
        if ctx.attempt == 1 then return ctx:retry("90s", "the server is busy") end
        if ctx.attempt == 2 then return ctx:retry("the server is still busy") end
      end })
      BackgroundTask.enqueue "k"
    ]]
    assert.equal("the server is busy", unit(phone).why)
    phone:advance "90s"
    assert.equal("the server is still busy", unit(phone).why)
    assert.same({ "0", "90" }, helper.said(phone))
    assert.equal("its last run failed, and it is tried again; that is in", phone:explain(1).text:match "^(.- in) ")
  end)

  it("retry: by linear and fixed rules, up to the cap", function()
    local function times(rules)
      local phone <close> = open(([[
        BackgroundTask.define("k", { retry = { jitter = 0, %s }, run = function(ctx)
          print(os.time() - 1767596400)
          error "no"
        end })
        BackgroundTask.enqueue "k"
      ]]):format(rules), { os = "desktop" })
      phone:advance "10m"
      return table.concat(words(phone), " ")
    end
    assert.equal("0 60 180 360 600", times 'policy = "linear", base = "1m"')
    assert.equal("0 120 240 360 480 600", times 'policy = "fixed", base = "2m"')
    assert.equal("0 60 180 330 480", times 'base = "1m", cap = "150s"')
    assert.equal("0 60 120 180", times 'policy = "fixed", base = "1m", max = 3')
    assert.equal("0", times "max = 0")
  end)

  it("retry: with jitter, to either side", function()
    local seen = {}
    for seed = 1, 20 do
      local phone <close> = open([[
        BackgroundTask.define("k", { retry = { base = "100s", jitter = 0.5 }, run = function(ctx) return ctx:retry "no" end })
        BackgroundTask.enqueue "k"
      ]], { os = "desktop", seed = seed })
      local delay = unit(phone).runAtMs - 1767596400000
      assert.is_true(delay >= 50000 and delay <= 150000)
      seen[delay // 25000] = true
    end
    assert.same({ true, true, true, true }, { seen[2], seen[3], seen[4], seen[5] })
  end)

  it("retry: refuses what is no delay", function()
    local lines = said [[
      BackgroundTask.define("k", { run = function(ctx)
        for _, delay in ipairs { "0s", "soon", "" } do print(select(2, pcall(ctx.retry, ctx, delay, "why"))) end
        print(select(2, pcall(ctx.retry, ctx, {}, "why")))
        print(select(2, pcall(ctx.retry, ctx, "1m", {})))
      end })
      BackgroundTask.enqueue "k"
    ]]
    for i = 1, 3 do
      assert.truthy(lines[i]:find('a delay such as "30s" is wanted', 1, true), lines[i])
    end
    assert.truthy(lines[4]:find("string expected, got table", 1, true))
    assert.truthy(lines[5]:find("string expected, got table", 1, true))
  end)

  it("fail: for good, and the reason is kept", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) return ctx:fail "the account is gone" end })
      BackgroundTask.enqueue "k"
    ]]
    phone:advance "1d"
    local one = unit(phone)
    assert.same({ "failed", "refused", "the account is gone", 1 }, { one.state, one.reason, one.why, one.runs })
  end)

  it("the last word counts, and an error comes after all of them", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { retry = { base = "1d", cap = "1d" }, run = function(ctx)
        if ctx.input == 1 then ctx:fail "no" ctx:retry "yes" end
        if ctx.input == 2 then ctx:retry "yes" ctx:fail "no" end
        if ctx.input == 3 then ctx:fail "no" error("worse", 0) end
        return "ignored"
      end })
      for i = 1, 3 do BackgroundTask.enqueue("k", i) end
    ]]
    local all = {}
    for i, one in ipairs(phone:work()) do
      all[i] = one.state .. " " .. one.why .. " " .. tostring(one.output)
    end
    assert.same({ "enqueued yes nil", "failed no nil", "enqueued worse nil" }, all)
  end)

  it("fails for good after `max` attempts, and says so once", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { retry = { max = 2, base = "10s" }, run = function() error "no" end })
      BackgroundTask.enqueue "k"
    ]]
    phone:advance "1d"
    assert.same({ "failed", "attempts", 3, 3 }, { unit(phone).state, unit(phone).reason, unit(phone).attempts, unit(phone).runs })
    local ends = {}
    for _, word in ipairs(helper.story(phone, "work")) do
      if word ~= "work.enqueue" and word ~= "work.run" then
        ends[#ends + 1] = word
      end
    end
    assert.same({ "work.retry", "work.retry", "work.fail" }, ends)
  end)
end)

describe("a timeout", function()
  it("tells the run 5 s before that it has to stop, and then ends it: a failed attempt", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { timeout = "1m", retry = { max = 0 }, run = function(ctx)
        while not ctx:stopping() do farside.sleep(1000) end
        print("told", os.time() - 1767596400)
        farside.sleep(60000)
        print "never"
      end })
      BackgroundTask.enqueue "k"
    ]]
    phone:advance "2m"
    assert.same({ "told\t55" }, helper.said(phone))
    assert.same({ "failed", "attempts", "it ran for longer than its timeout" },
      { unit(phone).state, unit(phone).reason, unit(phone).why })
    assert.equal("it ran for longer than its timeout", helper.entry(phone, "task.fail").why)
  end)

  it("lets a run go that comes to its end in time", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { timeout = "20s", run = function(ctx)
        while not ctx:stopping() do farside.sleep(1000) end
        farside.sleep(4000)
        return "in time"
      end })
      BackgroundTask.enqueue "k"
    ]]
    phone:advance "1m"
    assert.equal("in time", unit(phone).output)
  end)

  it("of the kind as it was when the run began counts", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { timeout = "1m", run = function() farside.sleep(45000) return "done" end })
      BackgroundTask.enqueue "k"
      setTimeout(function() BackgroundTask.define("k", { timeout = "10s", run = print }) end, 1000)
    ]]
    phone:advance "1m"
    assert.equal("done", unit(phone).output)
  end)

  it("is no more than the profile gives", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { timeout = "1d", retry = { max = 0 }, run = function() farside.sleep(1000 * 3600 * 24) end })
      BackgroundTask.enqueue "k"
    ]], { os = "android" })
    phone:advance "9m"
    assert.equal("running", unit(phone).state)
    phone:advance "2m"
    assert.equal("failed", unit(phone).state)
  end)
end)

describe("a run that is cancelled", function()
  it("hears of it by ctx:stopping(), and is over for the store at once", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx)
        while not ctx:stopping() do farside.sleep(100) end
        print "stops"
        return "too late"
      end })
      BackgroundTask.enqueue "k"
      setTimeout(function()
        print(BackgroundTask.cancel { id = 1 }, BackgroundTask.get(1).state)
      end, 1000)
    ]]
    phone:advance "2s"
    assert.same({ "1\tcancelled", "stops" }, helper.said(phone))
    assert.same({ "cancelled", "cancelled" }, { unit(phone).state, unit(phone).reason })
    assert.is_nil(unit(phone).output)
  end)

  it("is ended 5 s later where it does not listen, with all that it holds", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx)
        setInterval(function() print "tick" end, 2000)
        local _ <close> = setmetatable({}, { __close = function() print "closed" end })
        farside.sleep(60000)
        print "never"
      end })
      BackgroundTask.enqueue "k"
      setTimeout(function() BackgroundTask.cancel { all = true } end, 1000)
    ]]
    phone:advance "1m"
    assert.same({ "tick", "tick", "closed" }, helper.said(phone))
    local cancel = helper.entry(phone, "task.cancel")
    assert.same({ "its work was cancelled", 6000 }, { cancel.why, cancel.t })
  end)

  it("is not told before the cancel is in the store, and not at all when that is taken back", function()
    local phone <close> = open [[
      local Storage = farside.Plugins.Storage
      BackgroundTask.define("k", { run = function(ctx)
        for _ = 1, 20 do if ctx:stopping() then print "told" end farside.sleep(1000) end
        return "done"
      end })
      BackgroundTask.enqueue "k"
      setTimeout(function()
        pcall(Storage.transaction, function()
          print(BackgroundTask.cancel { id = 1 }, BackgroundTask.get(1).state)
          error "taken back"
        end)
        print(BackgroundTask.get(1).state)
      end, 500)
    ]]
    phone:advance "30s"
    assert.same({ "1\tcancelled", "running" }, helper.said(phone))
    assert.same({ "succeeded", "done" }, { unit(phone).state, unit(phone).output })
  end)

  it("can be redriven at once, and begins anew only when the old one has ended", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx)
        print("begin " .. ctx.attempt)
        for _ = 1, 3 do farside.sleep(1000) end
        print("end " .. ctx.attempt)
      end })
      BackgroundTask.enqueue "k"
      setTimeout(function()
        BackgroundTask.cancel { id = 1 }
        BackgroundTask.redrive(1)
        print(BackgroundTask.explain(1).text)
      end, 500)
    ]]
    phone:advance "10s"
    assert.same({ "begin 1", "its last run has not come to its end yet", "end 1", "begin 1", "end 1" }, helper.said(phone))
    assert.same({ "succeeded", 2 }, { unit(phone).state, unit(phone).runs })
  end)

  it("waits, too, while it is blocked or not yet due: nothing of it starts", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) print(ctx.id) farside.sleep(1000) end })
      BackgroundTask.enqueue("k")
      BackgroundTask.enqueue("k", nil, { delay = "5s" })
      BackgroundTask.enqueue("k", nil, { after = 1 })
      BackgroundTask.cancel { id = 2 }
      BackgroundTask.cancel { id = 3 }
    ]]
    phone:advance "1m"
    assert.same({ "1" }, helper.said(phone))
    assert.same({ nil, "cancelled", "cancelled" }, { phone:work()[1].reason, phone:work()[2].reason, phone:work()[3].reason })
  end)
end)

describe("a run that is stopped by the system", function()
  local LONG <const> = [[
    BackgroundTask.define("k", { run = function(ctx)
      print("begin", ctx.attempt, ctx.checkpoint.at or 0)
      for i = (ctx.checkpoint.at or 0) + 1, 100 do
        if ctx:stopping() then return ctx:retry "stopped" end
        farside.sleep(1000)
        ctx:save { at = i }
      end
      print "done"
    end })
    BackgroundTask.enqueue("k", nil, { unique = "u" })
  ]]

  it("is no failed attempt, and goes on from its checkpoint when the app is used again", function()
    local phone <close> = open(LONG)
    phone:advance "10s"
    phone:pressHome()
    phone:advance "2m"
    assert.equal("suspended", phone:state())
    local one = unit(phone)
    assert.same({ "enqueued", "stopped", 0, 1 }, { one.state, one.reason, one.attempts, one.stops })
    phone:openApp()
    phone:advance "3m"
    assert.equal("succeeded", unit(phone).state)
    local lines = helper.said(phone)
    assert.same({ "begin\t1\t0", "done" }, { lines[1], lines[3] })
    assert.is_true(tonumber(lines[2]:match "^begin\t1\t(%d+)$") > 10)
  end)

  it("is stopped hard where it does not listen, and that is no failed attempt either", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() farside.sleep(3600000) end })
      BackgroundTask.enqueue "k"
    ]]
    phone:pressHome()
    phone:advance "1m"
    local one = unit(phone)
    assert.same({ "stopped", 0, 1, "its time in the background was over" }, { one.reason, one.attempts, one.stops, one.why })
  end)

  it("begins again at once twice, and then backs off", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { retry = { base = "5m", jitter = 0 }, run = function() farside.sleep(3600000) end })
      BackgroundTask.enqueue "k"
    ]]
    local delays = {}
    for i = 1, 4 do
      phone:pressHome()
      phone:advance "1m"
      delays[i] = (unit(phone).runAtMs - unit(phone).sinceMs) // 1000
      phone:openApp()
      phone:advance(delays[i] * 1000)
      phone:advance(1)
    end
    assert.same({ 0, 0, 300, 600 }, delays)
    phone:kill()
  end)

  it("at the end of the app has its grace, and hears of it", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { run = function(ctx)
        while not ctx:stopping() do farside.sleep(100) end
        print "saves"
        print(ctx:save { safe = true })
        return ctx:retry "later"
      end })
      BackgroundTask.enqueue("k", nil, { unique = "u" })
    ]], { os = "desktop" })
    phone:quit()
    phone:advance "5s"
    assert.equal("gone", phone:state())
    assert.same({ "saves", "true" }, helper.said(phone))
    local one = unit(phone)
    assert.same({ "enqueued", "stopped", 0, 0, { safe = true } }, { one.state, one.reason, one.attempts, one.crashes, one.checkpoint })
  end)
end)

describe("a kill in the middle of a run", function()
  local SLEEPER <const> = [[
    BackgroundTask.define("k", { crashes = 3, retry = { base = "10s", jitter = 0 }, run = function(ctx)
      print("begin", ctx.attempt)
      farside.sleep(3600000)
    end })
  ]]

  it("is found out at the next start: the run has crashed, and is tried again", function()
    local phone <close> = open(SLEEPER .. 'BackgroundTask.enqueue("k")')
    phone:kill()
    phone:run(helper.code(SLEEPER .. [[
      local one = BackgroundTask.get(1)
      print(one.state, one.reason, one.crashes, one.attempts)
      print(BackgroundTask.history(1)[1].outcome)
    ]]))
    assert.same({ "begin\t1", "enqueued\tcrashed\t1\t0", "crashed" }, helper.said(phone))
    phone:advance "10s"
    assert.equal("begin\t1", helper.said(phone)[4])
    phone:kill()
  end)

  it("is seen so by a main chunk that cancels, or enqueues under the same name", function()
    local phone <close> = open(SLEEPER .. 'BackgroundTask.enqueue("k", nil, { unique = "u" })')
    phone:kill()
    phone:run(helper.code(SLEEPER .. [[
      print(select(2, BackgroundTask.enqueue("k", nil, { unique = "u" })).state)
      print(BackgroundTask.cancel { id = 1 })
    ]]))
    assert.same({ "begin\t1", "enqueued", "1" }, helper.said(phone))
    phone:advance "1d"
    assert.equal(3, #helper.said(phone))
  end)

  it("quarantines what the app dies in again and again, until it is redriven", function()
    local phone <close> = open(SLEEPER .. 'BackgroundTask.enqueue("k", nil, { unique = "u" })')
    for _ = 1, 3 do
      phone:advance "1m"
      phone:kill()
      phone:run(helper.code(SLEEPER))
    end
    phone:advance "1d"
    local one = unit(phone)
    assert.same({ "failed", "crash_loop", 3, 3 }, { one.state, one.reason, one.crashes, one.runs })
    assert.equal(1, #phone:timeline "work.fail")
    phone:kill()
    phone:run(helper.code 'BackgroundTask.define("k", { run = function() return 1 end }) BackgroundTask.redrive(1)')
    assert.equal("succeeded", unit(phone).state)
  end)

  it("starts the count anew when a run came to an end in between", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { crashes = 2, run = function() farside.sleep(60000) end })
      BackgroundTask.periodic("p", "k", { every = "1h", existing = "keep" })
    ]]
    for i = 1, 4 do
      while unit(phone).state ~= "running" do phone:advance "30s" end
      phone:kill()
      phone:openApp()
      phone:advance "5m"
      assert.same({ "enqueued", 0, 2 * i }, { unit(phone).state, unit(phone).crashes, unit(phone).runs })
    end
  end)

  it("never happens twice to what has ended: a cancelled run that was killed stays cancelled", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() print "begin" farside.sleep(60000) end })
      BackgroundTask.enqueue("k", nil, { unique = "u" })
      setTimeout(function() BackgroundTask.cancel { all = true } end, 100)
    ]]
    phone:advance "1s"
    phone:kill()
    phone:run(helper.code 'BackgroundTask.define("k", { run = function() print "again" end })')
    phone:advance "1d"
    assert.same({ "begin" }, helper.said(phone))
  end)

  it("loses nothing of what was acknowledged, whenever it comes", function()
    for at = 0, 40, 5 do
      local phone <close> = helper.run [[
        BackgroundTask.define("k", { run = function(ctx) farside.sleep(7) return ctx.input end })
        BackgroundTask.exec(function(task)
          for i = 1, 10 do
            local id = BackgroundTask.enqueue("k", i)
            print(id)
            farside.sleep(3)
          end
          task:finish()
        end)
      ]]
      phone:advance(at)
      phone:kill()
      local ids = {}
      for i, one in ipairs(phone:work()) do
        ids[i] = tostring(one.id)
      end
      assert.same(helper.said(phone), ids)
    end
  end)
end)

describe("a task that is warned of its end", function()
  it("leaves what it could not do to durable work, and that runs when the app is back", function()
    local phone <close> = helper.run([[
      BackgroundTask.define("k", { run = function(ctx) print("again from " .. ctx.input) end })
      BackgroundTask.exec(function(task)
        task:onExpire(function()
          print(BackgroundTask.enqueue("k", 7) == 1)
          task:finish()
        end)
        farside.sleep(3600000)
      end)
    ]], { os = "ios" })
    phone:pressHome()
    phone:advance "1m"
    assert.same({ "true" }, words(phone))
    assert.equal("enqueued", unit(phone).state)
    phone:openApp()
    phone:advance "1s"
    assert.same({ "true", "again from 7" }, words(phone))
  end)
end)

describe("a run that misbehaves", function()
  it("is ended with its app when it enqueues itself and lets no time pass", function()
    if (os.getenv "FARSIDE" or ""):find "san" then return end -- That many runs take too long there.
    local phone <close> = helper.run [[
      BackgroundTask.define("k", { run = function(ctx) BackgroundTask.enqueue(ctx.kind) end })
      BackgroundTask.enqueue "k"
    ]]
    assert.equal("gone", phone:state())
    assert.equal("a script does not let time pass", phone:timeline("app.kill")[1].why)
  end)

  it("is ended when it computes without end, and has failed; the script goes on", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { retry = { max = 0 }, run = function() while true do end end })
      BackgroundTask.enqueue "k"
      setTimeout(function() print "goes on" end, 1000)
    ]], { limits = "turn=20ms" })
    phone:advance "2s"
    assert.same({ "goes on" }, words(phone))
    assert.equal("failed", unit(phone).state)
    assert.truthy(unit(phone).why:find("it has computed for 0.%d+ s without an end; a turn may for 0.020 s %(limit turn%)"))
  end)

  it("has failed when there is no memory left for it", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { retry = { max = 0 }, run = function() local t = {} while true do t[#t + 1] = { #t } end end })
      BackgroundTask.enqueue "k"
      setTimeout(function() print "goes on" end, 1000)
    ]], { limits = "memory=1MB" })
    phone:advance "2s"
    assert.same({ "goes on" }, words(phone))
    assert.equal("failed", unit(phone).state)
    assert.truthy(unit(phone).why:find("not enough memory", 1, true))
  end)

  it("has crashed when its script is stopped with it", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { run = function() farside.sleep(3600000) end })
      BackgroundTask.enqueue "k"
      setTimeout(function() while true do end end, 1000)
    ]], { limits = "turn=20ms" })
    phone:advance "2s"
    assert.equal("gone", phone:state())
    phone:run(helper.code "print(BackgroundTask.get(1).reason, BackgroundTask.get(1).crashes)")
    assert.same({ "crashed\t1" }, words(phone))
  end)
end)

describe("whoever asks", function()
  local DEFINE <const> = 'BackgroundTask.define("k", { run = function(ctx) print("runs", ctx.input) end }) '

  -- Wherever it is called from, the answer comes when it is in the store.
  local PLACES <const> = {
    ["the main chunk"] = "ask()",
    ["a listener"] = 'App.addListener("launch", ask)',
    ["a timer"] = "setTimeout(ask, 10)",
    ["a task"] = "BackgroundTask.exec(function(task) ask() task:finish() end)",
    ["a coroutine of its own"] = "coroutine.wrap(ask)()",
    ["a coroutine within a task"] =
      "BackgroundTask.exec(function(task) coroutine.wrap(function() ask() task:finish() end)() end)",
    ["the comparator of a sort"] = "table.sort({ 2, 1 }, function(a, b) if not asked then asked = true ask() end return a < b end)",
    ["a string.gsub"] = '("x"):gsub("x", function() ask() end)',
    ["a metamethod"] = "local _ = setmetatable({}, { __index = ask }).x",
    ["a __close"] = "do local _ <close> = setmetatable({}, { __close = function() ask() end }) end",
    ["a pcall"] = "pcall(ask)",
    ["a message"] = 'App.addListener("message", ask) farside.postMessage(farside.name, 1)',
    ["a transaction"] = "farside.Plugins.Storage.transaction(ask)",
  }

  for place, code in pairs(PLACES) do
    it("gets an answer in " .. place, function()
      local phone <close> = open(DEFINE .. [[
        local asked
        local function ask()
          local id, info = BackgroundTask.enqueue("k", "in time")
          print(id, info and info.state)
        end ]] .. code)
      phone:advance "1s"
      assert.same({ "1\tenqueued", "runs\tin time" }, helper.said(phone))
    end)
  end

  it("gets an answer in onExpire, and after terminate", function()
    local phone <close> = open [[
      BackgroundTask.exec(function() farside.sleep(3600000) end, { onExpire = function()
        print("expire", (BackgroundTask.enqueue("k", 1)))
      end })
      App.addListener("terminate", function() print("terminate", (BackgroundTask.enqueue("k", 2))) end)
    ]]
    phone:pressHome()
    phone:advance "1m"
    phone:openApp()
    phone:quit()
    phone:advance "10s"
    assert.same({ "expire\t1", "terminate\t2" }, helper.said(phone))
    assert.equal(2, #phone:work { state = "enqueued" })
  end)

  it("does not go on in a run that has ended, and what was asked for is done all the same", function()
    local phone <close> = open [[
      BackgroundTask.exec(function(task)
        task:finish()
        BackgroundTask.enqueue("k", nil, { delay = "1h" })
        print "goes on"
      end)
    ]]
    assert.equal(1, #phone:work())
    assert.same({ "goes on" }, helper.said(phone))
  end)

  it("gets INTERRUPTED where somebody else resumes the coroutine that waits", function()
    local phone <close> = open [[
      local co = coroutine.create(function()
        print(select(3, BackgroundTask.enqueue("k", nil, { delay = "1h" })))
      end)
      BackgroundTask.exec(function(task) coroutine.resume(co) coroutine.resume(co) task:finish() end)
    ]]
    assert.same({ "INTERRUPTED" }, helper.said(phone))
    assert.equal(1, #phone:work())
  end)
end)
