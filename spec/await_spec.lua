-- await: what calls back becomes what waits.

local device = require "farside.device"

local function said(phone)
  local lines = {}
  for _, entry in ipairs(phone:timeline "log") do
    lines[#lines + 1] = entry.t .. " " .. entry.why
  end
  return table.concat(lines, "\n")
end

local PRELUDE <const> = [[
  local farside = require "farside"
  local App, BackgroundTask = farside.Plugins.App, farside.Plugins.BackgroundTask
]]

local function run(phone, code)
  return assert(phone:run(PRELUDE .. code))
end

describe("farside.await", function()
  it("returns what done was given, in a later turn", function()
    local phone <close> = device.open {}
    run(phone, [[
      print(farside.await(function(done) setTimeout(done, 20, "a", nil, false) end))
    ]])
    phone:advance "1s"
    assert.equal("20 a\tnil\tfalse", said(phone))
  end)

  it("does not wait where done is called at once, and hears only the first call", function()
    local phone <close> = device.open {}
    run(phone, [[
      print(farside.await(function(done) done(1); done(2) end))
      print(select("#", farside.await(function(done) done() end)))
      local later
      print(farside.await(function(done) later = done; setTimeout(done, 5, "first") end))
      later "second"
    ]])
    phone:advance "1s"
    assert.equal("0 1\n0 0\n5 first", said(phone))
  end)

  it("waits for an event, in a coroutine of one's own as well", function()
    local phone <close> = device.open {}
    run(phone, [[
      coroutine.wrap(function()
        farside.await(function(done) App.once("pause", done) end)
        print "paused"
      end)()
      print "first"
    ]])
    phone:pressHome()
    assert.equal("0 first\n0 paused", said(phone))
  end)

  it("lets start sleep", function()
    local phone <close> = device.open {}
    run(phone, [[print(farside.await(function(done) farside.sleep(7) done "slept" end))]])
    phone:advance "1s"
    assert.equal("7 slept", said(phone))
  end)

  it("never goes on when its task has ended, and closes what it has to", function()
    local phone <close> = device.open {}
    run(phone, [[
      local done
      BackgroundTask.exec(function(task)
        local closing <close> = setmetatable({}, { __close = function() print "closed" end })
        setTimeout(function() task:finish() end, 10)
        farside.await(function(fn) done = fn end)
        print "never"
      end)
      setTimeout(function() print "late" done() end, 20)
    ]])
    phone:advance "1s"
    assert.equal("10 closed\n20 late", said(phone))
  end)

  it("fails a task whose closure raises an error afterwards", function()
    local phone <close> = device.open {}
    local app = run(phone, [[
      BackgroundTask.exec(function()
        error(farside.await(function(done) setTimeout(done, 3, "too bad") end), 0)
      end)
    ]])
    phone:advance "1s"
    assert.equal("failed", app:tasks()[1].state)
  end)

  it("is ended by whoever resumes its coroutine, and done finds nobody then", function()
    local phone <close> = device.open {}
    run(phone, [[
      local done
      local co = coroutine.create(function()
        print(select(3, farside.await(function(fn) done = fn end)))
      end)
      coroutine.resume(co)
      coroutine.resume(co)
      done "late"
    ]])
    assert.equal("0 INTERRUPTED", said(phone))
  end)

  it("refuses what is no function, and passes errors of start on", function()
    local phone <close> = device.open {}
    run(phone, [[
      print(pcall(farside.await, 1))
      print(select(2, pcall(farside.await, function() error("no", 0) end)))
      table.sort({ 1, 2 }, function()
        print(select(2, pcall(farside.await, print)))
        return false
      end)
    ]])
    assert.matches("bad argument #1 .-\n0 no\n0 only a coroutine can await", said(phone))
  end)
end)
