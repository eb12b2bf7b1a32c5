-- Plugins of an embedder's, on a simulated phone: what a script calls, and what
-- it hears.

local device = require "farside.device"
local helper = require "spec.helper"

local function phone_with(plugins)
  return device.open { plugins = plugins }
end

local function start(phone, code)
  assert(phone:run(helper.code("local Score = farside.Plugins.Score " .. code)))
  return phone
end

-- What it said, with spaces between the words.
local function heard(phone)
  local lines = helper.said(phone)
  for i, line in ipairs(lines) do
    lines[i] = line:gsub("\t", " ")
  end
  return lines
end

-- Runs code in a task, and returns what it said.
local function said(phone, code)
  start(phone, "BackgroundTask.exec(function(task) " .. code .. " task:finish() end)")
  phone:advance "1m"
  assert.same({}, helper.errors(phone))
  return helper.said(phone)
end

describe("a method of a plugin", function()
  it("is called with a value, and its answer is what the script goes on with", function()
    local phone <close> = phone_with {
      Score = {
        submit = function(score)
          return { rank = score.points // 10, name = score.name }
        end,
      },
    }
    assert.same({ "4", "Ada" }, said(phone, [[
      local answer = Score.submit { points = 42, name = "Ada" }
      print(answer.rank) print(answer.name)]]))
  end)

  it("that returns nil and why is a failure of the call", function()
    local phone <close> = phone_with {
      Score = {
        a = function() return nil, "no network", "OFFLINE" end,
        b = function() return nil, "it broke" end,
      },
    }
    assert.same({ "nil no network OFFLINE", "nil it broke FAILED" }, said(phone, [[
      print(table.concat({ tostring((Score.a())), select(2, Score.a()) }, " "))
      print(table.concat({ tostring((Score.b())), select(2, Score.b()) }, " "))]]))
  end)

  it("may answer later, and holds the task until it does", function()
    local waiting
    local phone <close> = phone_with {
      Score = {
        submit = function(_, answer) waiting = answer end,
      },
    }
    start(phone, [[
      App.addListener("pause", function()
        BackgroundTask.exec(function(task) print(Score.submit(1)) task:finish() end)
      end)]])
    phone:pressHome()
    phone:advance "2s"
    assert.equal("background", phone:state())
    assert.same({}, helper.said(phone))
    assert.is_true(waiting.resolve "first")
    assert.same({ nil, "no call waits for this answer", "NOCALL" }, { waiting.resolve "second" })
    phone:advance "1s"
    assert.same({ "first" }, helper.said(phone))
    assert.equal("suspended", phone:state())
    assert.same({}, phone:violations())
  end)

  it("is not waited for beyond the end of its task", function()
    local waiting
    local phone <close> = phone_with {
      Score = {
        submit = function(_, answer) waiting = answer end,
      },
    }
    start(phone, [[
      BackgroundTask.exec(function() print(Score.submit(1)) end, { name = "long" })]])
    phone:pressHome()
    phone:advance "60s"
    assert.equal(1, #phone:timeline "task.expire")
    assert.same({ nil, "no call waits for this answer", "NOCALL" }, { waiting.reject("late", "LATE") })
    assert.same({}, helper.said(phone))
  end)

  it("that is answered while the app sleeps is heard when it wakes", function()
    local waiting
    local phone <close> = phone_with {
      Score = {
        submit = function(_, answer) waiting = answer end,
      },
    }
    start(phone, [[Score.submit(1, function(value) print(value) end)]])
    phone:pressHome()
    phone:advance "60s"
    assert.equal("suspended", phone:state())
    waiting.resolve(7)
    phone:advance "60s"
    assert.same({}, helper.said(phone))
    phone:openApp()
    phone:advance "1s"
    assert.same({ "7" }, helper.said(phone))
  end)

  it("calls a function where it is given one, with a value or without", function()
    local phone <close> = phone_with {
      Score = {
        echo = function(value) return value end,
        none = function() return nil end,
      },
    }
    start(phone, [[
      print(Score.echo({ 1, 2 }, function(value, message) print(#value, message) end))
      Score.none(function(...) print(select("#", ...), ...) end)]])
    phone:advance "1s"
    assert.same({ "true", "2 nil", "1 true" }, heard(phone))
  end)

  it("that raises an error fails the call, and is logged", function()
    local phone <close> = phone_with {
      Score = {
        submit = function() error("no such table", 0) end,
      },
    }
    start(phone, [[BackgroundTask.exec(function(task) print(select(2, Score.submit())) task:finish() end)]])
    phone:advance "1s"
    assert.truthy(helper.said(phone)[1]:find "no such table")
    assert.truthy(helper.errors(phone)[1]:find "no such table")
  end)

  it("may not use the phone", function()
    local used
    local phone <close> = phone_with {
      Score = {
        submit = function() used:pressHome() end,
      },
    }
    used = phone
    start(phone, [[BackgroundTask.exec(function(task) Score.submit() task:finish() end)]])
    phone:advance "1s"
    assert.truthy(helper.errors(phone)[1]:find "may not use the phone")
  end)

  it("waits only in a coroutine that can", function()
    local phone <close> = phone_with { Score = { submit = function() end } }
    start(phone, [[
      local t = setmetatable({}, { __lt = function() Score.submit() end })
      print(select(2, pcall(table.sort, { t, t, t })))]])
    assert.truthy(helper.said(phone)[1]:find "only a coroutine can wait for a plugin")
  end)

  it("is told of values that are no JSON", function()
    local phone <close> = phone_with { Score = { submit = function() return 1 end } }
    start(phone, [[
      print(select(2, pcall(Score.submit, print, print)))
      print(select(2, pcall(Score.submit, 0 / 0, print)))
      local _, message, name = Score.submit(("x"):rep(1024 * 1024), print)
      print(name, message)]])
    assert.same({
      "Score.submit: only nil, booleans, numbers, strings and tables of them can be sent",
      "Score.submit: a number is not finite",
      "LIMIT what is given to Score.submit is larger than 1 MiB",
    }, heard(phone))
  end)
end)

describe("an event of a plugin", function()
  it("reaches its listeners, in order, and nobody else's", function()
    local phone <close> = phone_with { Score = {}, Other = {} }
    start(phone, [[
      local function hear(name) return function(value) print(name, value and value.n) end end
      Score.addListener("changed", hear "a")
      Score.once("changed", hear "once")
      Score.addListener("other", hear "b")
      farside.Plugins.Other.addListener("changed", hear "c")]])
    phone:notify("Score", "changed", { n = 1 })
    phone:notify("Score", "changed")
    phone:notify("Other", "changed", { n = 2 })
    assert.same({ "a 1", "once 1", "a nil", "c 2" }, heard(phone))
  end)

  it("that is retained waits for the first listener, and only then", function()
    local phone <close> = phone_with { Score = {} }
    start(phone, [[
      App.addListener("pause", function()
        Score.addListener("kept", function(n) print("first", n) end)
        Score.addListener("kept", function(n) print("second", n) end)
        Score.addListener("lost", function() print "never" end)
      end)]])
    phone:notify("Score", "kept", 1, true)
    phone:notify("Score", "kept", 2, true)
    phone:notify("Score", "lost", 3)
    phone:pressHome()
    phone:advance "1s"
    assert.same({ "first 1", "first 2" }, heard(phone))
  end)

  it("waits in a bounded number, the oldest of which goes", function()
    local phone <close> = phone_with { Score = {} }
    start(phone, [[
      App.addListener("pause", function()
        local n = 0
        Score.addListener("kept", function(i) n = n + 1 print(n, i) end)
      end)]])
    for i = 1, 66 do
      phone:notify("Score", "kept", i, true)
    end
    phone:pressHome()
    phone:advance "1s"
    local lines = heard(phone)
    assert.equal("1 3", lines[#lines - 63])
    assert.equal("64 66", lines[#lines])
  end)

  it("is not heard by who has removed himself, or all", function()
    local phone <close> = phone_with { Score = {} }
    start(phone, [[
      local a = Score.addListener("x", function() print "a" end)
      Score.addListener("x", function() print "b" end)
      Score.addListener("xy", function() print "c" end)
      a:remove() a:remove()
      App.addListener("pause", function() Score.removeAllListeners "x" end)
      App.addListener("resume", function() Score.removeAllListeners() end)]])
    phone:notify("Score", "x")
    phone:pressHome()
    phone:notify("Score", "x")
    phone:notify("Score", "xy")
    phone:openApp()
    phone:notify("Score", "xy")
    assert.same({ "b", "c" }, helper.said(phone))
  end)

  it("must be of a plugin, and have a name", function()
    local phone <close> = phone_with { Score = {} }
    start(phone, [[print(select(2, pcall(Score.addListener, Score, "x", print)))]])
    assert.truthy(helper.said(phone)[1]:find "with a dot")
    assert.has_error(function() phone:notify("Nobody", "x") end,
      "notify: there is no plugin 'Nobody', or 'x' is no name")
    assert.has_error(function() phone:notify("Score", "a b") end,
      "notify: there is no plugin 'Score', or 'a b' is no name")
  end)
end)

describe("the plugins of a phone", function()
  it("are tables of functions with names of their own", function()
    assert.has_error(function() device.open { plugins = { Score = 1 } } end,
      "device.open: plugins is a table of tables of functions")
    assert.has_error(function() device.open { plugins = { Score = { submit = 1 } } } end,
      "device.open: plugins: Score is a table of functions")
    assert.has_error(function() device.open { plugins = { App = {} } } end,
      "device.open: plugins: a name is none, or is one of Farside's own")
    assert.has_error(function() device.open { plugins = { Score = { once = print } } } end,
      "device.open: plugins: a name is none, or is one of Farside's own")
  end)

  it("are collected with it", function()
    local kept = setmetatable({}, { __mode = "k" })
    do
      local phone
      local function method() return tostring(phone) end
      kept[method] = true
      phone = phone_with { Score = { submit = method } }
      phone:close()
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(kept))
  end)

  it("answer a call that outlived the phone with an error", function()
    local waiting
    local phone = phone_with { Score = { submit = function(_, answer) waiting = answer end } }
    start(phone, [[Score.submit(1, print)]])
    phone:close()
    collectgarbage()
    collectgarbage()
    assert.has_error(function() waiting.resolve(1) end, "the phone is closed")
  end)
end)

describe("a plugin that a phone is given later", function()
  it("is there for an app that is launched from then on, beside the others", function()
    local phone <close> = phone_with { Sound = { play = function() return "played" end } }
    start(phone, "print(Score)")
    phone:plugin("Score", { submit = function(value) return value + 1 end })
    phone:kill()
    start(phone, [[Score.submit(41, print) farside.Plugins.Sound.play(print)]])
    assert.same({ "nil", "42", "played" }, helper.said(phone))
    phone:notify("Score", "changed", 7, true)
    phone:kill()
    assert.same({}, helper.errors(phone))
  end)

  it("answers otherwise when it is given again, also to an app that runs", function()
    local phone <close> = device.open {}
    phone:plugin("Score", { a = function() return "a" end, b = function() return "b" end })
    start(phone, [[
      setInterval(function() Score.a(print) Score.b(print) end, 1000)
      print(Score.c)]])
    phone:advance "1s"
    phone:plugin("Score", { b = function() return nil, "no network", "OFFLINE" end, c = function() return "c" end })
    phone:advance "1s"
    phone:kill()
    start(phone, [[Score.a(print) Score.c(print)]])
    assert.same({ "nil", "a", "b", "a", "nil no network OFFLINE", "a", "c" }, heard(phone))
  end)

  it("has a name of its own, and functions", function()
    local phone <close> = device.open {}
    local own <const> = "plugin: a name is none, or is one of Farside's own"
    for wanted, call in pairs {
      ["string expected, got no value"] = function() phone:plugin() end,
      ["table expected, got nil"] = function() phone:plugin("Score", nil) end,
      ["plugin: Score is a table of functions"] = function() phone:plugin("Score", { submit = 1 }) end,
      [own] = function() phone:plugin("Http", {}) end,
      ["one of Farside's own"] = function() phone:plugin("a b", {}) end,
      ["is one of Farside's own"] = function() phone:plugin("Score", { once = print }) end,
    } do
      local is_fine, message = pcall(call)
      assert.is_false(is_fine)
      assert.truthy(message:find(wanted, 1, true), message)
    end
    for i = 1, 64 do
      phone:plugin("P" .. i, {})
    end
    phone:plugin("P64", { again = print })
    assert.has_error(function() phone:plugin("P65", {}) end, "plugin: there are more than 64 plugins")
    start(phone, "print(Score, farside.Plugins.P64.again ~= nil)")
    assert.same({ "nil true" }, heard(phone))
  end)

  it("may not be given by a function that answers", function()
    local phone <close> = device.open {}
    phone:plugin("Score", { submit = function() phone:plugin("Other", {}) end })
    start(phone, [[Score.submit(1, function(_, why) print(why) end)]])
    assert.truthy(helper.said(phone)[1]:find("may not use the phone", 1, true))
  end)
end)
