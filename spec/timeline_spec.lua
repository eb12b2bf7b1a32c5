local device = require "farside.device"
local helper = require "spec.helper"
local run, said = helper.run, helper.said

describe("the timeline", function()
  local DAY <const> = [[
    local log = {}
    for i = 1, 20 do log[i] = math.random(1000) end
    print(table.concat(log, " "), os.time(), os.date("%H:%M"), os.clock())
    App.addListener("appStateChange", function(state)
      if state.isActive then return end
      BackgroundTask.exec(function(task)
        for i = 1, 5 do farside.sleep(math.random(100, 900)) print("step", i) end
        task:finish()
      end, { name = "work" })
    end)
    setInterval(function() Log.debug(os.time()) end, 700)
  ]]

  local function live()
    local phone <close> = run(DAY)
    for _ = 1, 5 do
      phone:advance("3s")
      phone:pressHome()
      phone:advance("20s")
      phone:openApp()
    end
    return phone:hash(), phone:timeline()
  end

  it("is the same for the same day, chance and time included", function()
    local hash, entries = live()
    for _ = 1, 3 do
      local again, same = live()
      assert.equal(hash, again)
      assert.same(entries, same)
    end
    assert.equal(16, #hash)
  end)

  it("has a fingerprint that any difference changes", function()
    local one <close> = run 'print "a"'
    local two <close> = run 'print "b"'
    local three <close> = run 'print "a"'
    assert.equal(one:hash(), three:hash())
    assert.not_equal(one:hash(), two:hash())
    three:advance("1ms")
    assert.equal(one:hash(), three:hash()) -- Nothing happened.
    three:pressHome()
    assert.not_equal(one:hash(), three:hash())
  end)

  it("is bounded: the newest entries stay", function()
    local phone <close> = run [[for i = 1, 30000 do print(i) end]]
    local entries = phone:timeline()
    assert.equal(10000, #entries)
    assert.equal("30000", entries[#entries].why)
    assert.equal("20001", entries[1].why)
  end)

  it("cuts what is too long, between two characters", function()
    local phone <close> = run [[print(("é"):rep(100000)) print(("x"):rep(8193)) print(("x"):rep(8192))]]
    local long, longer, fits = table.unpack(said(phone))
    assert.matches("é %.%.%. %(191808 more bytes%)$", long)
    assert.truthy(utf8.len(long))
    assert.matches("^x+ %.%.%. %(1 more bytes%)$", longer)
    assert.equal(8192, #fits)
  end)

  it("gives each entry its moment, state, script, task and place", function()
    local phone <close> = device.open { os = "strict" }
    assert(phone:run(helper.code [[
      App.addListener("pause", function()
        BackgroundTask.exec(function(task) farside.sleep(10) task:finish() end, { name = "n" })
      end)
    ]], "src/my app.lua"))
    phone:advance("2s")
    phone:pressHome()
    phone:advance("1s")
    assert.same({
      t = 2000, what = "task.begin", level = "info", state = "background", script = "my app",
      task = 70001, name = "n", where = "src/my app.lua:2",
    }, phone:timeline("task.begin")[1])
  end)
end)

describe("the log", function()
  it("takes what print and Log say, in order, with levels", function()
    local phone <close> = run [[
      print("a", 1, nil, true)
      Log.debug "b"
      Log.info("c", setmetatable({}, { __tostring = function() return "t" end }))
      Log.warn "d"
      Log.error "e"
      Log.info()
      warn("f", "g")
    ]]
    local lines = {}
    for i, entry in ipairs(phone:timeline("log")) do
      lines[i] = entry.level .. ":" .. entry.why
    end
    assert.same({
      "info:a\t1\tnil\ttrue", "debug:b", "info:c\tt", "warn:d", "error:e", "info:", "warn:fg",
    }, lines)
  end)

  it("shows a zero byte, and goes on", function()
    local phone <close> = run [[print("a\0b\0", "c")]]
    assert.same({ "a\\0b\\0\tc" }, said(phone))
  end)

  it("names the task in which it was said", function()
    local phone <close> = run [[
      BackgroundTask.exec(function(task)
        print "in"
        setTimeout(function() print "timer" task:finish() print "out" end, 5)
      end, { name = "n" })
    ]]
    phone:advance("1s")
    local names = {}
    for i, entry in ipairs(phone:timeline("log")) do
      names[i] = entry.why .. " " .. tostring(entry.name)
    end
    assert.same({ "in n", "timer n", "out nil" }, names)
  end)

  it("takes the warnings of Lua", function()
    local phone <close> = run [[warn("in ", "pieces")]]
    assert.same({ "in pieces" }, said(phone))
  end)
end)
