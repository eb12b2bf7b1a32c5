local device = require "farside.device"
require "farside.busted"

for _, os in ipairs { "ios", "android", "strict" } do
  describe("my_app.ts on " .. os, function()
    it("saves everything when it is left", function()
      local phone <close> = device.open { os = os }
      local app = assert(phone:launch "build/my_app.lua")
      phone:advance "5s"
      phone:pressHome()
      phone:advance "1m"
      assert.no_violations(phone)
      assert.finished(app:tasks()[1])
      assert.equal("suspended", phone:state())
    end)

    it("loses nothing when it is left twice", function()
      local phone <close> = device.open { os = os }
      assert(phone:launch "build/my_app.lua")
      phone:pressHome()
      phone:advance "2s"
      phone:openApp()
      phone:advance "10s"
      phone:pressHome()
      phone:advance "1m"
      assert.equal("10 of 10 parts are saved", phone:timeline("log")[1].why)
      assert.no_leaks(phone)
    end)
  end)
end
