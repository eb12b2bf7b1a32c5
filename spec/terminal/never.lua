-- Has a task open that never ends.

local farside = require "farside"
local App <const> = farside.Plugins.App
local BackgroundTask <const> = farside.Plugins.BackgroundTask

App.addListener("terminate", function(event)
  print(("terminate %s %d"):format(event.reason, event.graceMs))
end)

BackgroundTask.exec(function()
  print("ready")
  while true do
    farside.sleep(50)
  end
end, { name = "never" })
