-- Begins a task in the background that waits for the app to be back, or to end.

local farside = require "farside"
local App <const> = farside.Plugins.App
local BackgroundTask <const> = farside.Plugins.BackgroundTask

local is_released = false

App.once("pause", function()
  BackgroundTask.exec(function(task)
    print("the task began")
    while not is_released do
      farside.sleep(50)
    end
    print("the task ended")
    task:finish()
  end, { name = "held" })
end)
App.addListener("resume", function()
  print("resume")
  is_released = true
end)
App.addListener("terminate", function(event)
  print("terminate " .. event.reason)
  is_released = true
end)

print("ready")
