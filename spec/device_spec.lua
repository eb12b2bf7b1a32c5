local device = require "farside.device"
local helper = require "spec.helper"

describe("the phone", function()
  it("is closed by its scope, and refuses to go on after that", function()
    local kept
    do
      local phone <close> = device.open {}
      kept = phone
    end
    assert.has_error(function() kept:advance "1s" end, "the phone is closed")
    assert.has_no_error(function() kept:close() end)
  end)

  it("fails the spec when a task is left open", function()
    local ok, message = pcall(function()
      local phone <close> = helper.run [[
        BackgroundTask.exec(function() farside.sleep(1e9) end, { name = "forgotten" })
      ]]
      phone:advance "1s"
    end)
    assert.is_false(ok)
    assert.matches("the phone was closed with a task open: forgotten %(app.lua:1%)", message)
  end)

  it("does not hide the error that was on its way", function()
    local ok, message = pcall(function()
      local phone <close> = helper.run "BackgroundTask.exec(function() farside.sleep(1e9) end)"
      phone:advance "1s"
      error "the real one"
    end)
    assert.is_false(ok)
    assert.matches("the real one", message)
  end)

  it("can be forgotten without harm", function()
    for _ = 1, 20 do
      device.open {}:run "setInterval(print, 10)"
    end
    collectgarbage()
  end)

  it("jumps from deadline to deadline: a year is quick", function()
    local phone <close> = helper.run [[setInterval(function() print "day" end, 86400000)]]
    phone:advance "365d"
    assert.equal(365, #helper.said(phone))
    assert.equal(365 * 86400000, phone:now())
  end)

  it("takes milliseconds as a number, and durations as text", function()
    local phone <close> = device.open {}
    phone:advance(1500)
    phone:advance "1m30s"
    phone:advance "0.5s"
    phone:advance(0)
    assert.equal(1500 + 90000 + 500, phone:now())
  end)

  it("lives beside others, each with its own time", function()
    local one <close> = helper.run "setTimeout(print, 1000, 'one')"
    local two <close> = helper.run "setTimeout(print, 1000, 'two')"
    one:advance "2s"
    assert.same({ "one" }, helper.said(one))
    assert.same({}, helper.said(two))
  end)

  it("keeps a script away from the globals of the spec", function()
    _G.leaky = "spec"
    local phone <close> = helper.run "print(leaky, describe) leaky = 'script'"
    assert.same({ "nil\tnil" }, helper.said(phone))
    assert.equal("spec", _G.leaky)
    _G.leaky = nil
  end)

  it("says why a script did not load", function()
    local phone <close> = device.open {}
    local app, message, name = phone:run("x = = 1", "bad.lua")
    assert.is_nil(app)
    assert.matches("bad.lua:1: unexpected symbol", message)
    assert.equal("SYNTAX", name)
    assert.equal("gone", phone:state())
    assert.equal("NOFILE", select(3, phone:launch "/no/such.lua"))
    assert.equal("SCRIPT", select(3, phone:run "error 'x'"))
    assert.truthy(phone:run "print 'fine'")
    assert.equal("BUSY", select(3, phone:run "print 'twice'"))
  end)

  it("launches again what ran last, code as well, and not what was refused", function()
    local phone <close> = device.open {}
    assert(phone:run("print(arg[0])", "code.lua"))
    assert.equal("BUSY", select(3, phone:launch "/no/such.lua"))
    phone:kill()
    assert.truthy(phone:openApp())
    assert.same({ "code.lua", "code.lua" }, helper.said(phone))
  end)

  it("launches again with the same arguments", function()
    local phone <close> = device.open {}
    local path = os.tmpname()
    do
      local file <close> = assert(io.open(path, "w"))
      file:write "print(#arg, ...)"
    end
    assert(phone:launch(path, "a", "b"))
    phone:kill()
    assert.truthy(phone:openApp())
    phone:kill()
    assert.truthy(phone:launch())
    assert.same({ "2\ta\tb", "2\ta\tb", "2\ta\tb" }, helper.said(phone))
    os.remove(path)
  end)

  it("is harmless where nothing runs", function()
    local phone <close> = device.open {}
    phone:pressHome()
    phone:kill()
    phone:quit()
    assert.truthy(phone:post "pause")
    phone:advance "1h"
    assert.same({}, phone:timeline())
    assert.same({}, phone:tasks())
    assert.equal("gone", phone:state())
    assert.has_error(function() phone:openApp() end, "launch: which script? Give its path")
  end)

  it("gives open tasks their grace when the user quits", function()
    local phone <close> = device.open { grace = "2s" }
    assert(phone:run(helper.code [[
      BackgroundTask.exec(function(task) farside.sleep(1500) task:finish() end, { name = "quick" })
      BackgroundTask.exec(function() farside.sleep(1e9) end, { name = "slow" })
      App.addListener("terminate", function(event)
        print(event.reason, event.graceMs)
        BackgroundTask.exec(function(task) print(task:remaining()) task:finish() end)
      end)
    ]]))
    phone:quit()
    phone:advance "10s"
    assert.same({ "finished", "expired", "finished" }, helper.states(phone))
    assert.same({ "user\t2000", "2000" }, helper.said(phone))
    assert.equal(2000, phone:timeline("app.end")[1].t)
  end)

  it("gives no more time at the end than the background had left", function()
    local phone <close> = helper.run [[
      BackgroundTask.exec(function() farside.sleep(1e9) end)
    ]]
    phone:pressHome()
    phone:advance "28s"
    phone:quit()
    phone:advance "1m"
    assert.equal(30000, phone:timeline("task.expire")[1].t)
    assert.equal(1, #phone:timeline("task.expiring"))
  end)

  it("shows the app that it launched", function()
    local phone <close> = device.open { os = "android", http = { "https://films.example.com/*" } }
    phone:respond("https://films.example.com/*", { rate = "1MB/s" })
    local app = assert(phone:launch "scripts/finish_upload.lua")
    phone:pressHome()
    phone:advance "1m"
    assert.equal("suspended", app:state())
    local task = app:tasks()[1]
    assert.same({
      taskId = 70001, name = "upload", state = "finished", beganAt = 0, endedAt = 4009,
      origin = task.origin,
    }, task)
    assert.matches("^scripts/finish_upload.lua:%d+$", task.origin)
  end)

  local cases = {
    ["an unknown OS"] = { function() device.open { os = "palm" } end, "there is no profile 'palm'" },
    ["an unknown option"] = { function() device.open { osx = "ios" } end, "device.open has no option 'osx'" },
    ["an option that is none"] = { function() device.open { os = 5 } end, "os must be a string" },
    ["no table"] = { function() device.open "ios" end, "table expected, got string" },
    ["a dot for a colon"] = { function() local p <close> = device.open {} p.advance "1s" end, "with a colon" },
    ["time without a unit"] = { function() local p <close> = device.open {} p:advance "10" end,
      'advance: the time is "10"' },
    ["time that goes back"] = { function() local p <close> = device.open {} p:advance(-1) end,
      "time does not go back" },
    ["more time than there is"] = { function()
      local p <close> = device.open {}
      for _ = 1, 3 do p:advance(math.maxinteger) end
    end, "that is more time than there is" },
    ["no time"] = { function() local p <close> = device.open {} p:advance() end,
      "duration such as \"40s\", or milliseconds expected, got no value" },
    ["no grace"] = { function() device.open { grace = "0s" } end, "grace is zero: leave it out" },
  }
  for what, case in pairs(cases) do
    it("names the mistake: " .. what, function()
      local ok, message = pcall(case[1])
      assert.is_false(ok)
      assert.matches(case[2], message)
    end)
  end
end)
