-- farside.busted: matchers for specs of background code.

local device = require "farside.device"
require "farside.busted"

local function left_app(path)
  local phone = device.open { os = "ios" }
  assert(phone:launch(path))
  phone:pressHome()
  phone:advance "1m"
  return phone
end

-- The message of an assertion that must fail.
local function message_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return tostring(message.message or message)
end

describe("farside.busted", function()
  it("holds where all is well", function()
    local phone <close> = left_app "scripts/finish_upload.lua"
    assert.finished(phone:tasks()[1])
    assert.finished(phone:tasks()[1], phone)
    assert.task_state(phone:tasks()[1], "finished")
    assert.is_not.task_state(phone:tasks()[1], "expired")
    assert.no_leaks(phone)
    assert.no_violations(phone)
  end)

  it("says what is wrong, and shows the phone's timeline", function()
    local phone <close> = left_app "scripts/long_timeout.lua"
    local leak = message_of(assert.no_leaks, phone)
    assert.matches("expected no leak:\ntask.leak #%d+ scripts/long_timeout.lua:%d+: it was still", leak)
    assert.matches("\nThe phone's timeline:\n.*\n +30%.000 s  background  task%.expire", leak)
    assert.matches("expected no broken rule:\nBG06, .*\nBG01, finish is never called: scripts/", message_of(assert.no_violations, phone))
    local task = phone:tasks()[1]
    assert.matches("task #%d+ %(scripts/long_timeout.lua:%d+%) is expired, expected finished",
      message_of(assert.finished, task))
    assert.matches("task%.expire", message_of(assert.finished, task, phone))
    assert.matches("is expired, expected cancelled", message_of(assert.task_state, task, "cancelled"))
    assert.matches("is expired, expected anything else", message_of(assert.is_not.task_state, task, "expired"))
  end)

  it("does not call a leak what was finished after all", function()
    local phone <close> = device.open {}
    assert(phone:run [[
      local BackgroundTask = require("farside").Plugins.BackgroundTask
      BackgroundTask.exec(function() end)
      setTimeout(function() BackgroundTask.finish { taskId = BackgroundTask.list()[1].taskId } end, 500)
    ]])
    phone:advance "1s"
    assert.equal(1, #phone:timeline "task.leak")
    assert.no_leaks(phone)
  end)

  it("shows the end of a long day", function()
    local phone <close> = device.open {}
    assert(phone:run [[
      setInterval(function() print "tick" end, 1000)
      require("farside").Plugins.BackgroundTask.exec(print)
    ]])
    phone:advance "1h"
    local message = message_of(assert.no_leaks, phone)
    assert.matches("\n%(%d+ older entries%)\n", message)
    assert.truthy(select(2, message:gsub("\n", "")) < 70)
    phone:kill()
  end)

  it("names what it was given wrongly", function()
    assert.matches("assert.no_leaks needs a phone of farside.device, not a number", message_of(assert.no_leaks, 5))
    assert.matches("assert.finished needs a task, such as phone:tasks%(%)%[1%], not a nil", message_of(assert.finished))
  end)
end)
