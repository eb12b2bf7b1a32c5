-- Every case of exec and finish, the odd ones above all: most are undefined in
-- the APIs that we answer to.

local helper = require "spec.helper"
local run, said, story, states = helper.run, helper.said, helper.story, helper.states

describe("a task", function()
  it("keeps the app awake until it is finished, and then the app sleeps", function()
    local phone <close> = run [[
      App.addListener("pause", function()
        local id
        id = BackgroundTask.exec(function()
          setTimeout(function() print(BackgroundTask.finish { taskId = id }) end, 4000)
        end)
      end)
    ]]
    phone:pressHome()
    phone:advance("1m")
    assert.same({ "true" }, said(phone))
    assert.same({
      "app.active", "app.inactive", "app.pause", "task.begin", "task.run", "task.finish", "log",
      "app.suspend",
    }, story(phone))
    assert.equal(4000, phone:timeline("app.suspend")[1].t)
  end)

  it("gets its id at once, and its closure runs in a later turn, once", function()
    local phone <close> = run [[
      local id = BackgroundTask.exec(function(task)
        print("closure", task.taskId, math.type(task.taskId))
        task:finish()
      end)
      print("exec", id)
    ]]
    phone:advance("1m")
    assert.same({ "exec\t70001", "closure\t70001\tinteger" }, said(phone))
  end)

  it("is dormant in the foreground: no budget runs", function()
    local phone <close> = run [[
      BackgroundTask.exec(function(task)
        print(task:remaining(), BackgroundTask.timeRemaining())
        farside.sleep(3600 * 1000)
        print(task:remaining(), task:finish())
      end)
    ]]
    phone:advance("2h")
    assert.same({ "inf\tinf", "inf\ttrue" }, said(phone))
    assert.same({ "finished" }, states(phone))
  end)

  it("begins its budget when the app enters the background", function()
    local phone <close> = run [[
      BackgroundTask.exec(function(task) farside.sleep(1e9) end)
    ]]
    phone:advance("1h")
    phone:pressHome()
    phone:advance("29s")
    assert.same({ "running" }, states(phone))
    phone:advance("1s")
    assert.same({ "expired" }, states(phone))
    assert.equal("suspended", phone:state())
  end)

  it("is dormant again when the app comes back, and gets a fresh budget", function()
    local phone <close> = run [[
      BackgroundTask.exec(function(task) farside.sleep(100000) task:finish() end)
    ]]
    for _ = 1, 3 do
      phone:pressHome()
      phone:advance("24s")
      phone:openApp()
      phone:advance("10s")
    end
    assert.same({ "finished" }, states(phone))
  end)

  it("is warned, then ended by the host, and the timeline says who leaked", function()
    local phone <close> = run [[
      BackgroundTask.exec(function(task)
        task:onExpire(function(same) print("warned", same.taskId, same:remaining()) end)
        farside.sleep(1e9)
      end, { name = "slow" })
    ]]
    phone:pressHome()
    phone:advance("1m")
    assert.same({
      "app.inactive", "app.pause", "task.expiring", "log", "task.expire", "task.leak",
      "violation", "app.suspend",
    }, { table.unpack(story(phone), 4) })
    assert.same({ "warned\t70001\t5000" }, said(phone))
    local leak = helper.entry(phone, "task.leak")
    assert.equal("slow", leak.name)
    assert.equal("app.lua:1", leak.where)
    assert.equal(30000, leak.t)
    assert.matches("waiting for a sleep", leak.why)
  end)

  it("can finish in its onExpire, and is not lost", function()
    local phone <close> = run [[
      BackgroundTask.exec(function() farside.sleep(1e9) end, {
        onExpire = function(task) print(task:finish()) end,
      })
    ]]
    phone:pressHome()
    phone:advance("1m")
    assert.same({ "true" }, said(phone))
    assert.same({ "finished" }, states(phone))
    assert.equal(25000, phone:timeline("app.suspend")[1].t)
  end)

  it("hears at once when onExpire is set after the warning", function()
    local phone <close> = run [[
      BackgroundTask.exec(function(task)
        farside.sleep(27000)
        task:onExpire(function() print "late" task:finish() end)
        farside.sleep(1e9)
      end)
    ]]
    phone:pressHome()
    phone:advance("1m")
    assert.same({ "late" }, said(phone))
    assert.equal(27000, phone:timeline("task.finish")[1].t)
  end)

  it("shares one budget with the others on ios: two in a row are no 60 seconds", function()
    local phone <close> = run [[
      App.addListener("pause", function()
        BackgroundTask.exec(function(task)
          farside.sleep(20000)
          BackgroundTask.exec(function(second)
            print(second:remaining())
            farside.sleep(20000)
            second:finish()
          end)
          task:finish()
        end)
      end)
    ]]
    phone:pressHome()
    phone:advance("2m")
    assert.same({ "10000" }, said(phone))
    assert.same({ "finished", "expired" }, states(phone))
  end)

  it("has a budget of its own on android", function()
    local phone <close> = run([[
      App.addListener("pause", function()
        BackgroundTask.exec(function(task)
          farside.sleep(100000)
          BackgroundTask.exec(function(second)
            farside.sleep(170000)
            second:finish()
          end)
          task:finish()
        end)
      end)
    ]], { os = "android" })
    phone:pressHome()
    phone:advance("10m")
    assert.same({ "finished", "finished" }, states(phone))
  end)

  it("may ask for less than the system gives, never for more", function()
    local phone <close> = run [[
      BackgroundTask.exec(function() farside.sleep(1e9) end, { name = "short", budget = "2s" })
      BackgroundTask.exec(function() farside.sleep(1e9) end, { name = "long", budget = "1h" })
    ]]
    phone:pressHome()
    phone:advance("1h")
    local expired = phone:timeline("task.expire")
    assert.equal("short", expired[1].name)
    assert.equal(2000, expired[1].t)
    assert.equal(30000, expired[2].t)
    assert.equal(1600, phone:timeline("task.expiring")[1].t)
    assert.equal("it asked for 3600.000 s; ios gives 30.000 s", phone:timeline("task.begin")[2].why)
  end)

  it("fails when its closure errs, and hurts nothing else", function()
    local phone <close> = run [[
      BackgroundTask.exec(function() error "broken" end)
      BackgroundTask.exec(function(task) farside.sleep(10) error { "a table" } end)
      BackgroundTask.exec(function(task) farside.sleep(20) print "fine" task:finish() end)
    ]]
    phone:advance("1s")
    assert.same({ "failed", "failed", "finished" }, states(phone))
    assert.equal(2, #helper.errors(phone))
    assert.matches("app.lua:1: broken\nstack traceback:", helper.errors(phone)[1])
  end)

  it("cancels what it owns when it ends", function()
    local phone <close> = run [[
      local outer = setInterval(function() print "outer" end, 400)
      BackgroundTask.exec(function(task)
        setInterval(function() print "inner" end, 100)
        setTimeout(function() task:finish() end, 250)
        local closed <close> = setmetatable({}, { __close = function() print "closed" end })
        farside.sleep(1e9)
        print "never"
      end)
    ]]
    phone:advance("500ms")
    assert.same({ "inner", "inner", "closed", "outer" }, said(phone))
  end)

  it("goes on to the end of the function that finishes it", function()
    local phone <close> = run [[
      BackgroundTask.exec(function(task)
        task:finish()
        print "after"
        farside.sleep(100)
        print "later"
      end)
    ]]
    phone:advance("1s")
    assert.same({ "after", "later" }, said(phone))
  end)

  it("is cancelled when the app is killed", function()
    local phone <close> = run [[
      BackgroundTask.exec(function() farside.sleep(1e9) end, { name = "sync" })
    ]]
    phone:pressHome()
    phone:advance("5s")
    phone:kill()
    local lost = helper.entry(phone, "task.cancel")
    assert.equal("sync", lost.name)
    assert.equal("the system killed it", lost.why)
  end)
end)

describe("finish", function()
  it("twice: nil, a message and FINISHED", function()
    local phone <close> = run [[
      BackgroundTask.exec(function(task)
        print(task:finish())
        print(task:finish())
        print(BackgroundTask.finish { taskId = task.taskId })
      end)
    ]]
    phone:advance("1s")
    assert.same({
      "true",
      "nil\ttask 70001 has ended already\tFINISHED",
      "nil\ttask 70001 has ended already\tFINISHED",
    }, said(phone))
  end)

  it("of an unknown id: nil, a message and NOTASK", function()
    local phone <close> = run [[
      for _, id in ipairs { 0, 1, -1, 70001, math.maxinteger, 70001.0 } do
        print(select(3, BackgroundTask.finish { taskId = id }))
      end
    ]]
    assert.same({ "NOTASK", "NOTASK", "NOTASK", "NOTASK", "NOTASK", "NOTASK" }, said(phone))
  end)

  it("after expiry: nil, a message and EXPIRED, and nobody else is touched", function()
    local phone <close> = run [[
      local late
      App.addListener("pause", function()
        late = BackgroundTask.exec(function() farside.sleep(1e9) end)
      end)
      App.addListener("resume", function()
        BackgroundTask.exec(function(task) farside.sleep(5000) task:finish() end, { name = "new" })
        print(BackgroundTask.finish { taskId = late })
      end)
    ]]
    phone:pressHome()
    phone:advance("1m")
    phone:openApp()
    phone:advance("1m")
    assert.same({
      "nil\ttask 70001 expired: its time ran out and the host ended it\tEXPIRED",
    }, said(phone))
    assert.same({ "expired", "finished" }, states(phone))
  end)

  it("of a task that failed: FINISHED", function()
    local phone <close> = run [[
      local id
      id = BackgroundTask.exec(function() error "x" end)
      setTimeout(function() print(select(3, BackgroundTask.finish { taskId = id })) end, 10)
    ]]
    phone:advance("1s")
    assert.equal("FINISHED", said(phone)[2])
  end)

  it("long after other tasks took its slot still touches nobody", function()
    local phone <close> = run [[
      local first = BackgroundTask.exec(function(task) task:finish() end)
      local open
      local function one(n)
        if n == 0 then
          open = BackgroundTask.exec(function() end, { onExpire = print })
          print(select(3, BackgroundTask.finish { taskId = first }), #BackgroundTask.list())
          BackgroundTask.finish { taskId = open }
          return
        end
        BackgroundTask.exec(function(task) task:finish() one(n - 1) end)
      end
      setTimeout(one, 1, 500)
    ]]
    phone:advance("1s")
    assert.same({ "NOTASK\t1" }, said(phone))
  end)

  it("without an id explains the trap of `local id = exec(…)`", function()
    local phone <close> = run [[
      local id = BackgroundTask.exec(function()
        BackgroundTask.finish { taskId = id }
      end)
    ]]
    phone:advance("1s")
    local line = said(phone)[1]
    assert.matches("taskId is missing", line)
    assert.matches("write `local id; id = BackgroundTask.exec(…)`", line, 1, true)
    assert.same({ "failed" }, states(phone))
  end)

  it("before the closure ran still lets it run, once", function()
    local phone <close> = run [[
      local id = BackgroundTask.exec(function(task) print("ran", task:finish()) end)
      print(BackgroundTask.finish { taskId = id })
    ]]
    phone:advance("1s")
    assert.same({ "true", "ran\tnil\ttask 70001 has ended already\tFINISHED" }, said(phone))
  end)

  it("in the onExpire of another task ends that one only", function()
    local phone <close> = run [[
      local other = BackgroundTask.exec(function() farside.sleep(1e9) end, { name = "other" })
      BackgroundTask.exec(function() farside.sleep(1e9) end, {
        name = "mine", onExpire = function() print(BackgroundTask.finish { taskId = other }) end,
      })
    ]]
    phone:pressHome()
    phone:advance("1m")
    assert.same({ "finished", "expired" }, states(phone))
  end)
end)

describe("exec", function()
  it("in the foreground runs at once and holds nobody", function()
    local phone <close> = run [[
      BackgroundTask.exec(function(task) print(App.getState().state) task:finish() end)
    ]]
    assert.same({ "active" }, said(phone))
  end)

  for _, os in ipairs { "ios", "android", "strict", "desktop" } do
    it("inside onExpire gains no time on " .. os, function()
      local phone <close> = run([[
        BackgroundTask.exec(function() farside.sleep(1e9) end, {
          onExpire = function()
            BackgroundTask.exec(function(task) print(task:remaining()) farside.sleep(1e9) end)
          end,
        })
      ]], { os = os })
      phone:pressHome()
      phone:advance("10m")
      assert.same({ os == "android" and "10000" or "5000" }, said(phone))
      local ends = phone:timeline("task.expire")
      assert.equal(2, #ends)
      assert.equal(ends[1].t, ends[2].t)
    end)
  end

  it("is not renewed for ever on android, by whatever chain", function()
    local phone <close> = run([[
      local function again()
        BackgroundTask.exec(function() farside.sleep(1e9) end, {
          onExpire = function(task) task:finish() again() end,
        })
      end
      again()
    ]], { os = "android" })
    phone:pressHome()
    phone:advance("1h")
    assert.equal("suspended", phone:state())
    assert.is_true(phone:timeline("app.suspend")[1].t <= 200000)
  end)

  for _, os in ipairs { "ios", "strict", "desktop" } do
    it("is not renewed for ever by small budgets on " .. os, function()
      local phone <close> = run([[
        local function again()
          BackgroundTask.exec(function() farside.sleep(1e9) end, {
            budget = "1s", onExpire = function(task) task:finish() again() end,
          })
        end
        again()
      ]], { os = os })
      phone:pressHome()
      phone:advance("1h")
      assert.equal("suspended", phone:state())
      assert.equal(30000, phone:timeline("app.suspend")[1].t)
    end)
  end

  it("holds a thousand open tasks, and refuses what ios would kill for", function()
    local phone <close> = run [[
      local ids = {}
      for i = 1, 1000 do
        ids[i] = BackgroundTask.exec(function(task) farside.sleep(i) task:finish() end)
      end
      print(#BackgroundTask.list(), BackgroundTask.exec(function() end))
    ]]
    assert.same({
      "1000\tnil\tios ends an app with more than 1000 open tasks: finish some\tLIMIT",
    }, said(phone))
    phone:pressHome()
    phone:advance("1001ms")
    assert.equal("suspended", phone:state())
    assert.equal(1000, #phone:timeline("task.finish"))
  end)

  it("lists what is open, with origin, age and deadline", function()
    local phone <close> = run [[
      BackgroundTask.exec(function() farside.sleep(1e9) end, { name = "sync" })
      local function show()
        for _, task in ipairs(BackgroundTask.list()) do
          print(task.taskId, task.name, task.origin, task.state, task.ageMs, task.remainingMs)
        end
        print(BackgroundTask.timeRemaining())
      end
      setTimeout(show, 2000)
      App.addListener("pause", show)
    ]]
    phone:advance("2s")
    phone:pressHome()
    phone:kill()
    assert.same({
      "70001\tsync\tapp.lua:1\trunning\t2000\tinf", "inf",
      "70001\tsync\tapp.lua:1\trunning\t2000\t30000", "30000",
    }, said(phone))
  end)

  it("names the place of a chunk that gave itself a long name by its end", function()
    local phone <close> = run [[
      load("BackgroundTask = ... BackgroundTask.exec(print)", "@" .. ("p"):rep(10000))(BackgroundTask)
    ]]
    assert.truthy(#phone:timeline("task.begin")[1].where < 100)
    phone:kill()
  end)

  it("gives a task that is readable", function()
    local phone <close> = run [[
      BackgroundTask.exec(function(task)
        print(task, task.name, task.taskId, task.nothing)
        task:finish()
        print(task.name, task:remaining(), task:onExpire(print))
      end, { name = "sync" })
    ]]
    phone:advance("1s")
    assert.same({
      "task 70001 sync\tsync\t70001\tnil",
      "sync\t0\tnil\tthe task has ended already\tFINISHED",
    }, said(phone))
  end)

  local cases = {
    ["nothing"] = { "BackgroundTask.exec(nil)", "bad argument #1 to 'exec' %(function expected, got nil%)" },
    ["a string"] = { 'BackgroundTask.exec("x")', "function expected, got string" },
    ["options that are none"] = { "BackgroundTask.exec(print, 5)", "table expected, got number" },
    ["an unknown option"] = { "BackgroundTask.exec(print, { budgt = 1 })",
      "exec has no option 'budgt'; there are: name, budget, onExpire" },
    ["a budget without a unit"] = { "BackgroundTask.exec(print, { budget = 20 })",
      'exec: budget must be a duration with its unit, such as "20s"' },
    ["a budget of nonsense"] = { 'BackgroundTask.exec(print, { budget = "soon" })', 'budget is "soon"' },
    ["a negative budget"] = { 'BackgroundTask.exec(print, { budget = "-5s" })', 'budget is "%-5s"' },
    ["no budget at all"] = { 'BackgroundTask.exec(print, { budget = "0s" })', "budget is zero" },
    ["a name without an end"] = { "BackgroundTask.exec(print, { name = ('n'):rep(257) })", "longer than 256 bytes" },
    ["a name that is none"] = { "BackgroundTask.exec(print, { name = {} })", "name must be a string" },
    ["an onExpire that is none"] = { "BackgroundTask.exec(print, { onExpire = 1 })",
      "onExpire must be a function" },
    ["finish with a number"] = { "BackgroundTask.finish(70001)",
      "finish takes a table: finish{ taskId = id } %(got number%)" },
    ["finish with a string id"] = { 'BackgroundTask.finish { taskId = "70001" }',
      "taskId must be the integer that exec returned, not a string" },
    ["finish with half an id"] = { "BackgroundTask.finish { taskId = 1.5 }", "must be the integer" },
    ["finish with nothing"] = { "BackgroundTask.finish()", "finish takes a table" },
  }
  for what, case in pairs(cases) do
    it("names the mistake: " .. what, function()
      local phone <close> = run(("print(select(2, pcall(function() %s end)))"):format(case[1]))
      assert.matches(case[2], said(phone)[1])
      assert.same({}, phone:tasks())
    end)
  end
end)

describe("a leak", function()
  local function leaks(code)
    local phone <close> = run(code)
    phone:advance("1ms")
    local found = {}
    for i, entry in ipairs(phone:timeline("task.leak")) do
      found[i] = entry.where .. " " .. entry.t
    end
    phone:kill()
    return found
  end

  it("is reported at once when nobody can finish the task any more", function()
    assert.same({ "app.lua:2 0" }, leaks "\nBackgroundTask.exec(function() end)")
  end)

  it("is reported when the id was thrown away with the closure", function()
    assert.same({ "app.lua:2 0" }, leaks [[
      local id
      id = BackgroundTask.exec(function() local mine = id end)
      id = nil
    ]])
  end)

  it("is reported once, though the task expires later", function()
    local phone <close> = run "BackgroundTask.exec(function() end)"
    phone:pressHome()
    phone:advance("1m")
    assert.equal(1, #phone:timeline("task.leak"))
    assert.equal(1, #phone:timeline("task.expire"))
  end)

  it("is reported when a timer that should have finished it fails", function()
    assert.same({ "app.lua:1 1" }, leaks [[
      BackgroundTask.exec(function(task)
        setTimeout(function() error "x" task:finish() end, 1)
      end)
    ]])
  end)

  it("is reported when its coroutine was dropped by everybody", function()
    assert.same({ "app.lua:1 0" }, leaks [[
      BackgroundTask.exec(function(task) coroutine.yield() task:finish() end)
    ]])
  end)

  it("is taken back when the task is finished after all", function()
    local phone <close> = run [[
      BackgroundTask.exec(function() end)
      setTimeout(function()
        for _, task in ipairs(BackgroundTask.list()) do print(BackgroundTask.finish { taskId = task.taskId }) end
      end, 500)
    ]]
    phone:advance("1s")
    assert.same({ "true" }, said(phone))
    assert.equal(1, #phone:timeline("task.leak")) -- A warning; see cli_spec.
  end)

  local held = {
    ["by a global"] = "id = BackgroundTask.exec(function() end)",
    ["by a listener"] = [[
      local id
      id = BackgroundTask.exec(function() end)
      App.addListener("resume", function() BackgroundTask.finish { taskId = id } end)
    ]],
    ["by the task object in a table"] = [[
      local tasks = {}
      BackgroundTask.exec(function(task) tasks.one = task end)
      App.addListener("resume", function() tasks.one:finish() end)
    ]],
    ["as the key of a table"] = "ids = {} ids[BackgroundTask.exec(function() end)] = true",
    ["as a string"] = "text = tostring(BackgroundTask.exec(function() end))",
    ["by a timer of somebody else"] = [[
      local id = BackgroundTask.exec(function() end)
      setTimeout(function(mine) BackgroundTask.finish { taskId = mine } end, 1e6, id)
    ]],
    ["by a local of a sleeping coroutine"] = [[
      setTimeout(function()
        local id = BackgroundTask.exec(function() end)
        farside.sleep(1e6)
        BackgroundTask.finish { taskId = id }
      end, 0)
    ]],
    ["by a coroutine that has not begun"] = [[
      local id = BackgroundTask.exec(function() end)
      co = coroutine.create(function() BackgroundTask.finish { taskId = id } end)
    ]],
    ["by a coroutine that waits for somebody"] = [[
      BackgroundTask.exec(function(task)
        waiting = coroutine.running()
        coroutine.yield()
        task:finish()
      end)
    ]],
    ["by a metatable"] = [[
      local id = BackgroundTask.exec(function() end)
      object = setmetatable({}, { __index = function() return id end })
    ]],
    ["by an onExpire"] = [[
      BackgroundTask.exec(function() end, { onExpire = function(task) task:finish() end })
    ]],
    ["by a timer of its own"] = [[
      BackgroundTask.exec(function(task) setTimeout(function() task:finish() end, 5000) end)
    ]],
    ["where strings look for their methods"] = [[
      local id = BackgroundTask.exec(function() end)
      string.late = function() return id end
    ]],
    ["inside a text"] = [[text = ('{"task":%d}'):format(BackgroundTask.exec(function() end))]],
    ["by its own sleep"] = "BackgroundTask.exec(function(task) farside.sleep(5000) task:finish() end)",
  }
  for who, code in pairs(held) do
    it("is not reported while the id is held " .. who, function()
      assert.same({}, leaks(code))
    end)
  end
end)
