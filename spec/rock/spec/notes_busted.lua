local device = require "farside.device"
local farside = require "farside"
require "farside.busted"

describe("notes on a phone", function()
  it("are saved when the app is left", function()
    local phone <close> = device.open { os = "strict", trust = true }
    local app = assert(phone:run [[
      local notes = require "notes"
      notes.write()
      notes.write()
      notes.save_when_left()
    ]])
    phone:pressHome()
    phone:advance "1s"
    assert.finished(app:tasks()[1], phone)
    assert.equal(200, app:tasks()[1].endedAt)
    assert.no_violations(phone)
  end)
end)

describe("notes in plain Lua", function()
  it("are saved while farside.run() drives the loop", function()
    local notes = require "notes"
    local handle <close> = notes.save_when_left()
    notes.write()
    farside.Plugins.BackgroundTask.exec(function(task)
      farside.sleep(1)
      task:finish()
    end)
    farside.setTimeout(function() handle:remove() end, 5)
    assert.truthy(farside.run())
    assert.same({ 1, 0 }, { notes.unsaved, notes.saved }) -- Nobody has left the app.
  end)
end)
