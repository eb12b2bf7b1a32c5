-- The odd cases of listeners: each is undefined, or differs by platform, in the
-- APIs that we answer to.

local helper = require "spec.helper"
local run, said = helper.run, helper.said

describe("a listener", function()
  it("is called twice when it was added twice, and is removed once at a time", function()
    local phone <close> = run [[
      local function f() print "heard" end
      local first = App.addListener("pause", f)
      App.addListener("pause", f)
      App.addListener("resume", function() first:remove() end)
    ]]
    phone:pressHome()
    assert.equal(2, #said(phone))
    phone:openApp()
    phone:pressHome()
    assert.equal(3, #said(phone))
  end)

  it("may remove itself during dispatch, and nobody is skipped", function()
    local phone <close> = run [[
      local first
      first = App.addListener("pause", function() print "first" first:remove() end)
      App.addListener("pause", function() print "second" end)
      App.addListener("pause", function() print "third" end)
    ]]
    phone:pressHome()
    assert.same({ "first", "second", "third" }, said(phone))
  end)

  it("is never called again once another has removed it", function()
    local phone <close> = run [[
      local second
      App.addListener("pause", function() print "first" second:remove() end)
      second = App.addListener("pause", function() print "second" end)
      App.addListener("pause", function() print "third" end)
    ]]
    phone:pressHome()
    assert.same({ "first", "third" }, said(phone))
  end)

  it("that is added during dispatch hears of the next event only", function()
    local phone <close> = run [[
      App.addListener("pause", function()
        App.addListener("pause", function() print "late" end)
      end)
    ]]
    phone:pressHome()
    assert.same({}, said(phone))
    phone:openApp()
    phone:pressHome()
    assert.same({ "late" }, said(phone))
  end)

  it("may be removed twice, and the second time removes nobody else", function()
    local phone <close> = run [[
      local first = App.addListener("pause", function() print "first" end)
      App.addListener("pause", function() print "second" end)
      first:remove()
      first:remove()
    ]]
    phone:pressHome()
    assert.same({ "second" }, said(phone))
  end)

  it("that throws is logged with its traceback, and hurts no other", function()
    local phone <close> = run [[
      App.addListener("pause", function() error "broken" end)
      App.addListener("pause", function() print "still here" end)
    ]]
    phone:pressHome()
    local lines = said(phone)
    assert.matches("^app.lua:1: broken\nstack traceback:\n.*app.lua:1", lines[1])
    assert.equal("still here", lines[2])
    assert.equal(2, #lines)
  end)

  it("that throws something that is no string is reported without its help", function()
    local phone <close> = run [[
      local loud = setmetatable({}, { __tostring = function() print "called" return "x" end })
      App.addListener("pause", function() error(loud) end)
      App.addListener("pause", function() error() end)
    ]]
    phone:pressHome()
    assert.equal(2, #said(phone))
    assert.matches("error object is a table value", said(phone)[1])
    assert.matches("error object is a nil value", said(phone)[2])
  end)

  it("gets a table of its own", function()
    local phone <close> = run [[
      App.addListener("appStateChange", function(state) state.isActive = "spoilt" end)
      App.addListener("appStateChange", function(state) print(state.isActive) end)
    ]]
    phone:pressHome()
    assert.same({ "false" }, said(phone))
  end)

  it("for one time is called one time", function()
    local phone <close> = run [[App.once("pause", function() print "once" end)]]
    phone:pressHome()
    phone:openApp()
    phone:pressHome()
    assert.same({ "once" }, said(phone))
  end)

  it("ends with the scope of its handle", function()
    local phone <close> = run [[
      do
        local handle <close> = App.addListener("pause", function() print "gone" end)
      end
      App.addListener("pause", function() print "here" end)
    ]]
    phone:pressHome()
    assert.same({ "here" }, said(phone))
  end)

  it("may sleep, and goes on when the app is back", function()
    local phone <close> = run [[
      App.addListener("pause", function()
        farside.sleep(1000)
        print(App.getState().state)
      end)
    ]]
    phone:pressHome()
    phone:advance("1h")
    assert.same({}, said(phone))
    phone:openApp()
    assert.same({ "active" }, said(phone))
  end)

  it("can be added by the older spelling", function()
    local phone <close> = run [[
      print(App.addEventListener == App.addListener, BackgroundTask.beforeExit == BackgroundTask.exec)
    ]]
    assert.same({ "true\ttrue" }, said(phone))
  end)
end)

describe("an event that is retained", function()
  local URLS <const> = [[
    App.addListener("appUrlOpen", function(event) print("first", event.url) end)
    App.addListener("appUrlOpen", function(event) print("second", event.url) end)
    print "added"
  ]]

  it("waits for the first listener, and arrives after addListener has returned", function()
    local phone <close> = run [[
      App.addListener("resume", function()
        App.addListener("appUrlOpen", function(event) print(event.url) end)
        print "added"
      end)
    ]]
    phone:post("appUrlOpen", '{"url":"app://1"}')
    phone:post("appUrlOpen", '{"url":"app://2"}')
    phone:pressHome()
    phone:openApp()
    assert.same({ "added", "app://1", "app://2" }, said(phone))
  end)

  it("goes to the first listener only, later ones to all", function()
    local phone <close> = run("setTimeout(function() " .. URLS .. " end, 1000)")
    phone:post("appUrlOpen", '{"url":"app://early"}')
    phone:advance("2s")
    phone:post("appUrlOpen", '{"url":"app://late"}')
    assert.same({
      "added", "first\tapp://early", "first\tapp://late", "second\tapp://late",
    }, said(phone))
  end)

  it("is not lost by removeAllListeners", function()
    local phone <close> = run [[
      App.removeAllListeners()
      App.addListener("resume", function()
        App.removeAllListeners("appUrlOpen")
        App.addListener("appUrlOpen", function(event) print(event.url) end)
      end)
    ]]
    phone:post("appUrlOpen", '{"url":"app://1"}')
    phone:pressHome()
    phone:openApp()
    assert.same({ "app://1" }, said(phone))
  end)

  it("waits again when all listeners are gone", function()
    local phone <close> = run [[
      local handle = App.addListener("appUrlOpen", function() print "never" end)
      handle:remove()
      App.addListener("pause", function()
        App.addListener("appUrlOpen", function(event) print(event.url) end)
      end)
    ]]
    phone:post("appUrlOpen", '{"url":"app://1"}')
    phone:pressHome()
    assert.same({ "app://1" }, said(phone))
  end)

  it("leaves the others for the next listener when it takes one only", function()
    local phone <close> = run [[
      App.addListener("pause", function()
        App.once("appUrlOpen", function(event) print("once", event.url) end)
        App.addListener("appUrlOpen", function(event) print("then", event.url) end)
      end)
    ]]
    phone:post("appUrlOpen", '{"url":"app://1"}')
    phone:post("appUrlOpen", '{"url":"app://2"}')
    phone:pressHome()
    assert.same({ "once\tapp://1", "then\tapp://2" }, said(phone))
  end)

  it("never fills the memory: the oldest of many is dropped, aloud", function()
    local phone <close> = run ""
    for i = 1, 100 do
      phone:post("appUrlOpen", ('{"url":"app://%d"}'):format(i))
    end
    assert.equal(36, #said(phone))
    assert.matches("the oldest is dropped", said(phone)[1])
  end)

  it("that is no state change is not retained when nobody listens", function()
    local phone <close> = run [[
      App.addListener("resume", function()
        App.addListener("memoryWarning", function() print "late" end)
      end)
    ]]
    phone:post("memoryWarning", '{"level":"low"}')
    phone:pressHome()
    phone:openApp()
    assert.same({}, said(phone))
  end)
end)

describe("an event with JSON", function()
  it("arrives as the table that was posted", function()
    local phone <close> = run [[
      App.addListener("appRestoredResult", function(result)
        print(result.pluginId, result.success, result.data.list[2], result.data.big, result.none)
        print(math.type(result.data.big), result.data.deep.text)
      end)
      App.addListener("backButton", function(event) print(event.canGoBack) end)
      App.addListener("memoryWarning", function(event) print(event.level) end)
    ]]
    phone:post("appRestoredResult",
      '{"pluginId":"Camera","success":true,"none":null,' ..
      '"data":{"list":[1,2.5],"big":9007199254740993,"deep":{"text":"\\u00e9"}}}')
    phone:post("backButton", '{"canGoBack":false}')
    phone:post("memoryWarning", '{"level":"critical"}')
    assert.same({
      "Camera\ttrue\t2.5\t9007199254740993\tnil", "integer\té", "false", "critical",
    }, said(phone))
  end)

  it("is refused where it is posted, when it is no event or no object", function()
    local phone <close> = run ""
    for _, json in ipairs { "", "{", "[1]", "1", '{"a":1,"a":2}', '"x"' } do
      local ok, message, name = phone:post("appUrlOpen", json)
      assert.is_nil(ok)
      assert.matches("cannot be posted", message)
      assert.equal("INVALID", name)
    end
    assert.is_nil(phone:post("launch"))
    assert.is_nil(phone:post("nonsense"))
    assert.is_nil(phone:post("appStateChange"))
    assert.is_nil(phone:post("appStateChange", '{"isActive":1}'))
    assert.is_nil(phone:post("terminate", '{"graceMs":-1}'))
    assert.is_nil(phone:post("terminate", '{"reason":7}'))
  end)
end)

describe("a message", function()
  it("arrives as it was sent, zero bytes and all", function()
    local phone <close> = run([[
      App.addListener("message", function(event) print(#event.data, event.data == "a\0b") end)
      print(farside.postMessage(farside.name, "a\0b"))
    ]])
    phone:advance("1s")
    assert.same({ "true", "3\ttrue" }, said(phone))
  end)

  it("loses no field without a word", function()
    local phone <close> = run([[
      print(pcall(farside.postMessage, farside.name, { 1, nil, 3, x = 4 }))
    ]])
    assert.matches("neither a list without holes", said(phone)[1])
  end)
end)

describe("wrong use of App", function()
  local cases = {
    ["an unknown event"] = { [[App.addListener("paus", print)]],
      "there is no event 'paus'; there are: appStateChange, pause, resume, launch" },
    ["no listener"] = { [[App.addListener("pause")]],
      "bad argument #2 to 'addListener' %(function expected, got no value%)" },
    ["no event"] = { [[App.addListener()]], "bad argument #1 to 'addListener'" },
    ["a colon for a dot"] = { [[App:addListener("pause", print)]], "with a dot" },
    ["a dot for a colon"] = { [[App.addListener("pause", print).remove()]], "with a colon" },
    ["an unknown event to remove"] = { [[App.removeAllListeners("x")]], "there is no event 'x'" },
  }
  for what, case in pairs(cases) do
    it("names the mistake: " .. what, function()
      local phone <close> = run(("print(select(2, pcall(function() %s end)))"):format(case[1]))
      assert.matches(case[2], said(phone)[1])
    end)
  end
end)
