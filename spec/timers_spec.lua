local helper = require "spec.helper"
local run, said = helper.run, helper.said

describe("a timer", function()
  it("fires once, at its time, with its arguments", function()
    local phone <close> = run [[
      setTimeout(function(...) print(select("#", ...), ...) end, 1500, "a", nil, 3, nil)
      setTimeout(function(...) print(select("#", ...)) end, 1)
    ]]
    phone:advance("1499ms")
    assert.same({ "0" }, said(phone))
    phone:advance("1h")
    assert.same({ "0", "4\ta\tnil\t3\tnil" }, said(phone))
  end)

  it("fires in the order in which it was set, when due at the same instant", function()
    local phone <close> = run [[
      for i = 1, 9 do setTimeout(print, 100, i) end
      for i = 10, 14 do setTimeout(print, 100.0, i) end
    ]]
    phone:advance("1s")
    assert.equal("1 2 3 4 5 6 7 8 9 10 11 12 13 14", table.concat(said(phone), " "))
  end)

  it("set for no time at all, or less, fires in the next instant", function()
    local phone <close> = run [[
      setTimeout(print, 0, "zero")
      setTimeout(print, -5, "minus")
      setTimeout(print, -math.huge, "minus for ever")
      setTimeout(print, 0.2, "part")
      setTimeout(function() print "none" end)
    ]]
    assert.same({}, said(phone))
    phone:advance("1ms")
    assert.same({ "zero", "minus", "minus for ever", "part", "none" }, said(phone))
  end)

  it("may be set for ever", function()
    local phone <close> = run [[setTimeout(print, math.huge) setTimeout(print, math.maxinteger)]]
    phone:advance("1000d")
    assert.same({}, said(phone))
  end)

  it("repeats until it is cleared, from inside as well", function()
    local phone <close> = run [[
      local count, id = 0, nil
      id = setInterval(function(word)
        count = count + 1
        print(word, count)
        if count == 3 then clearInterval(id) clearInterval(id) end
      end, 10, "tick")
    ]]
    phone:advance("1s")
    assert.same({ "tick\t1", "tick\t2", "tick\t3" }, said(phone))
  end)

  it("that another clears in the same instant does not fire", function()
    local phone <close> = run [[
      local second
      setTimeout(function() clearTimeout(second) print "first" end, 10)
      second = setTimeout(print, 10, "second")
    ]]
    phone:advance("1s")
    assert.same({ "first" }, said(phone))
  end)

  it("is cleared without harm when it has fired, never was, or is nil", function()
    local phone <close> = run [[
      local id = setTimeout(print, 1, "fired")
      clearTimeout() clearTimeout(nil) clearTimeout(12345) clearTimeout(-1)
      setTimeout(function() clearTimeout(id) print "fine" end, 2)
    ]]
    phone:advance("1s")
    assert.same({ "fired", "fine" }, said(phone))
  end)

  it("whose function fails goes on to the next tick", function()
    local phone <close> = run [[
      setInterval(function() error "tick" end, 10)
    ]]
    phone:advance("35ms")
    assert.equal(3, #helper.errors(phone))
  end)

  it("does not fire while the app is suspended, and once when it is back", function()
    local phone <close> = run [[
      setInterval(function() print "interval" end, 1000)
      setTimeout(print, 5000, "timeout")
    ]]
    phone:advance("1500ms")
    phone:pressHome()
    phone:advance("1h")
    assert.same({ "interval" }, said(phone))
    phone:openApp()
    assert.same({ "interval", "interval", "timeout" }, said(phone))
    phone:advance("1s")
    assert.same({ "interval", "interval", "timeout", "interval" }, said(phone))
  end)

  it("that is set in a task keeps the app awake no longer than the task", function()
    local phone <close> = run [[
      App.addListener("pause", function()
        BackgroundTask.exec(function(task)
          setTimeout(function() print "done" task:finish() end, 1000)
          setTimeout(print, 2000, "cancelled")
        end)
        setTimeout(print, 500, "not the task's, and runs while it is open")
      end)
    ]]
    phone:pressHome()
    phone:advance("1m")
    phone:openApp()
    phone:advance("1m")
    assert.same({ "not the task's, and runs while it is open", "done" }, said(phone))
  end)

  local cases = {
    ["a string"] = { 'setTimeout("x")', "bad argument #1 to 'setTimeout' %(function expected, got string%)" },
    ["nothing"] = { "setInterval()", "bad argument #1 to 'setInterval' %(function expected" },
    ["no number"] = { "setTimeout(print, {})", "bad argument #2 to 'setTimeout' %(number expected, got table%)" },
    ["not a number"] = { "setTimeout(print, 0/0)", "setTimeout: the delay is not a number" },
    ["an id that is none"] = { 'clearTimeout("x")', "bad argument #1 to 'clearTimeout'" },
    ["a sleep without time"] = { "farside.sleep()", "bad argument #1 to 'sleep'" },
    ["a sleep that cannot be"] = { "table.sort({ 1, 2 }, function() farside.sleep(1) end)",
      "only a coroutine can sleep" },
  }
  for what, case in pairs(cases) do
    it("names the mistake: " .. what, function()
      local phone <close> = run(("print(select(2, pcall(function() %s end)))"):format(case[1]))
      phone:advance("1s")
      assert.matches(case[2], said(phone)[1])
    end)
  end
end)

describe("a coroutine of the pool", function()
  it("does not come back as somebody else's once a script knows it", function()
    local phone <close> = run [[
      local old
      setTimeout(function() old = coroutine.running() end, 10)
      setTimeout(function() print(farside.sleep(1000)) end, 30)
      setTimeout(function() print(coroutine.status(old), coroutine.close(old)) end, 40)
    ]]
    phone:advance("2s")
    assert.same({ "dead\ttrue", "true" }, said(phone))
  end)
end)

describe("farside.run()", function()
  it("waits for the end in the main chunk, after a sleep as well", function()
    local phone <close> = run [[
      farside.sleep(10)
      setTimeout(App.exitApp, 50)
      farside.run()
      print "after the end"
    ]]
    phone:advance("1s")
    assert.same({}, said(phone))
    assert.equal("gone", phone:state())
  end)
end)

describe("sleep", function()
  it("ends the turn and goes on later, wherever it is called", function()
    local phone <close> = run [[
      print "main"
      farside.sleep(1000)
      print "later"
    ]]
    assert.same({ "main" }, said(phone))
    phone:advance("1s")
    assert.same({ "main", "later" }, said(phone))
  end)

  it("lets others run meanwhile", function()
    local phone <close> = run [[
      for _, name in ipairs { "a", "b" } do
        setTimeout(function()
          for i = 1, 3 do print(name, i) farside.sleep(100) end
        end, 0)
      end
    ]]
    phone:advance("1s")
    assert.same({ "a\t1", "b\t1", "a\t2", "b\t2", "a\t3", "b\t3" }, said(phone))
  end)

  it("works across pcall, metamethods and iterators", function()
    local phone <close> = run [[
      setTimeout(function()
        print(pcall(function() farside.sleep(10) error "after" end))
        local slow = setmetatable({}, { __add = function(_, n) farside.sleep(10) return n end })
        print(slow + 5)
        local function slow_count(most, last)
          farside.sleep(10)
          return last < most and last + 1 or nil
        end
        for i in slow_count, 2, 0 do print(i) end
      end, 0)
    ]]
    phone:advance("1s")
    assert.same({ "false\tapp.lua:2: after", "5", "1", "2" }, said(phone))
  end)

  it("in a coroutine of the script's own gives control back to its resumer", function()
    local phone <close> = run [[
      local co = coroutine.wrap(function()
        print "one"
        farside.sleep(1000)
        print "three"
      end)
      co()
      print "two"
    ]]
    phone:advance("2s")
    assert.same({ "one", "two", "three" }, said(phone))
  end)

  it("ends early when a script resumes the coroutine, and says so", function()
    local phone <close> = run [[
      local co = coroutine.create(function()
        print(farside.sleep(1000))
        print(farside.sleep(1000))
      end)
      coroutine.resume(co)
      setTimeout(function() coroutine.resume(co) end, 10)
    ]]
    phone:advance("10s")
    assert.same({
      "nil\tthe sleep was ended by somebody who resumed its coroutine\tINTERRUPTED",
      "true",
    }, said(phone))
  end)

  it("is forgotten when the coroutine was closed meanwhile", function()
    local phone <close> = run [[
      local co = coroutine.create(function() farside.sleep(1000) print "never" end)
      coroutine.resume(co)
      print(coroutine.close(co))
    ]]
    phone:advance("10s")
    assert.same({ "true" }, said(phone))
  end)

  it("can bridge a callback and a coroutine, as Lua code does", function()
    local phone <close> = run [[
      local function ask(callback) setTimeout(callback, 50, "answer") end
      setTimeout(function()
        local co = coroutine.running()
        ask(function(answer) coroutine.resume(co, answer) end)
        print(coroutine.yield())
      end, 0)
    ]]
    phone:advance("1s")
    assert.same({ "answer" }, said(phone))
  end)

  it("closes what a cancelled coroutine holds, and reports what fails there", function()
    local phone <close> = run [[
      BackgroundTask.exec(function(task)
        setTimeout(function() task:finish() end, 10)
        local a <close> = setmetatable({}, { __close = function() print "closed" end })
        local b <close> = setmetatable({}, { __close = function() error "in close" end })
        farside.sleep(1e6)
      end)
    ]]
    phone:advance("1s")
    assert.equal(2, #said(phone))
    assert.equal("closed", said(phone)[1])
    assert.matches("in close", said(phone)[2])
  end)
end)
