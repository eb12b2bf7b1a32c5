local device = require "farside.device"
local helper = require "spec.helper"
local run, said, story = helper.run, helper.said, helper.story

local LISTEN <const> = [[
  for _, name in ipairs { "appStateChange", "pause", "resume" } do
    App.addListener(name, function(event)
      print(name, event and event.isActive, App.getState().state)
    end)
  end
]]

describe("the app's life", function()
  it("has one order to the background and one order back", function()
    local phone <close> = run(LISTEN)
    phone:pressHome()
    phone:advance("1s")
    phone:openApp()
    assert.same({
      "appStateChange\tfalse\tbackground",
      "pause\tnil\tbackground",
      "resume\tnil\tactive",
      "appStateChange\ttrue\tactive",
    }, said(phone))
    assert.same({
      "app.active", "app.inactive", "app.pause", "app.suspend", "app.resume", "app.active",
    }, story(phone, "app"))
  end)

  it("tells of edges only, however often the OS repeats itself", function()
    local phone <close> = run(LISTEN)
    for _ = 1, 3 do phone:post("pause") end
    for _ = 1, 3 do phone:post("resume") end
    for _ = 1, 3 do phone:post("appStateChange", '{"isActive":true}') end
    assert.equal(4, #said(phone))
  end)

  it("knows an app in sight that is not in use", function()
    local phone <close> = run(LISTEN)
    phone:post("appStateChange", '{"isActive":false}')
    assert.equal("inactive", phone:state())
    phone:post("appStateChange", '{"isActive":true}')
    assert.same({ "appStateChange\tfalse\tinactive", "appStateChange\ttrue\tactive" }, said(phone))
  end)

  it("goes from inactive to the background with one pause", function()
    local phone <close> = run(LISTEN)
    phone:post("appStateChange", '{"isActive":false}')
    phone:pressHome()
    assert.same({ "appStateChange\tfalse\tinactive", "pause\tnil\tbackground" }, said(phone))
  end)

  it("is suspended at once on ios, and after ten seconds on android", function()
    local ios <close> = run("")
    ios:pressHome()
    assert.equal("suspended", ios:state())
    local android <close> = run("", { os = "android" })
    android:pressHome()
    android:advance("9999ms")
    assert.equal("background", android:state())
    android:advance("1ms")
    assert.equal("suspended", android:state())
  end)

  it("lets timers go on in the seconds that android leaves to the app", function()
    local phone <close> = run([[
      setInterval(function() print "tick" end, 1000)
    ]], { os = "android" })
    phone:pressHome()
    phone:advance("1h")
    assert.equal(9, #said(phone)) -- The tenth is due in the instant of the freeze.
  end)

  it("tells a script that it launched, though it listens late", function()
    local phone <close> = run([[
      setTimeout(function()
        App.addListener("launch", function(event) print(event.reason) end)
        print "added"
      end, 500)
    ]])
    phone:advance("1s")
    assert.same({ "added", "user" }, said(phone))
  end)

  it("wakes a suspended app so that it hears of its end", function()
    local phone <close> = run([[
      App.addListener("terminate", function(event) print(event.reason, event.graceMs) end)
    ]])
    phone:pressHome()
    phone:post("terminate", '{"reason":"update","graceMs":1500}')
    assert.same({ "update\t1500" }, said(phone))
    assert.equal("gone", phone:state())
  end)

  it("does not tell a suspended app that the user swipes away", function()
    local phone <close> = run([[App.addListener("terminate", function() print "heard" end)]])
    phone:pressHome()
    phone:quit()
    assert.same({}, said(phone))
    assert.equal("app.kill", story(phone, "app")[5])
  end)

  it("ends with exitApp, once the open tasks have ended", function()
    local phone <close> = run([[
      BackgroundTask.exec(function(task) farside.sleep(2000) task:finish() end)
      setTimeout(App.exitApp, 1000)
    ]])
    phone:advance("1500ms")
    assert.equal("active", phone:state())
    phone:advance("1s")
    assert.equal("gone", phone:state())
    assert.same({ "finished" }, helper.states(phone))
  end)

  it("is minimised by itself where the OS allows it", function()
    local code = [[print(App.minimizeApp())]]
    local ios <close> = run(code)
    assert.same({
      "nil\tios lets no app send itself to the background\tUNSUPPORTED",
    }, said(ios))
    local android <close> = run(code, { os = "android" })
    assert.same({ "true" }, said(android))
    assert.equal("background", android:state())
  end)

  it("is minimised at the moment in which it asks", function()
    local phone <close> = run([[setTimeout(App.minimizeApp, 500)]], { os = "android" })
    phone:advance("10s")
    assert.equal(500, phone:timeline("app.pause")[1].t)
  end)

  it("stays in the background when the OS adds that it is not in use", function()
    local phone <close> = run(LISTEN)
    phone:post("pause")
    phone:post("appStateChange", '{"isActive":false}')
    assert.equal("suspended", phone:state())
    assert.equal(2, #said(phone))
  end)

  it("ends with os.exit, and the phone lives on", function()
    local phone <close> = run([[
      BackgroundTask.exec(function() print "before" os.exit(1) print "after" end)
      BackgroundTask.exec(function() print "never" end)
    ]])
    phone:advance("1s")
    assert.same({ "before" }, said(phone))
    assert.equal("gone", phone:state())
    local caught <close> = run([[
      setTimeout(function()
        while true do pcall(function() coroutine.wrap(function() os.exit() end)() end) end
      end, 1)
      setTimeout(function() print "never" end, 2)
    ]])
    caught:advance("1s")
    assert.same({}, said(caught))
    assert.equal("gone", caught:state())
    local other <close> = run([[table.sort({ 1, 2 }, function() os.exit() end) print "never"]])
    other:advance("1s")
    assert.equal("gone", other:state())
  end)

  it("ends with os.exit from what the host closes, and nobody was stopped", function()
    local phone <close> = run([[
      local function closing(f) return setmetatable({}, { __close = f }) end
      setTimeout(function()
        local first <close> = closing(function() for _ = 1, 9 do print "never" end end)
        local second <close> = closing(function() os.exit() end)
        error "broken"
      end, 1)
    ]])
    phone:advance("1s")
    assert.equal(1, #said(phone))
    assert.equal("gone", phone:state())
    assert.same({}, phone:timeline("script.kill"))
    assert.same({}, phone:timeline("app.kill"))
  end)

  it("says what it is and what opened it", function()
    local phone <close> = device.open { launchUrl = "app://photos/7" }
    assert(phone:run(helper.code [[
      local info = App.getInfo()
      print(info.name, info.id, info.build, info.version)
      print(App.getLaunchUrl().url)
    ]], "src/photos.lua"))
    assert.same({ "photos\t\t\t", "app://photos/7" }, said(phone))
    local plain <close> = run [[print(App.getLaunchUrl())]]
    assert.same({ "" }, said(plain))
  end)

  it("starts anew after a kill, with nothing of its old state", function()
    local phone <close> = run [[
      count = (count or 0) + 1
      print("launch", count)
      BackgroundTask.exec(function() farside.sleep(1e6) end, { name = "lost" })
    ]]
    phone:kill("memory was short")
    assert.same({ "cancelled" }, helper.states(phone))
    assert.equal("memory was short", helper.entry(phone, "app.kill").why)
    assert(phone:run 'print("launch", count)')
    assert.same({ "launch\t1", "launch\tnil" }, said(phone))
  end)

  it("launches the same script again when the user comes back", function()
    local phone <close> = device.open {}
    assert(phone:launch("scripts/finish_upload.lua"))
    phone:kill()
    assert.truthy(phone:openApp())
    assert.equal("active", phone:state())
    assert.equal(2, #phone:timeline("app.launch"))
  end)
end)
