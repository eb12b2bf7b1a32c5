-- Sends itself to the background, where it still has a task to finish.

local farside = require "farside"
local App <const> = farside.Plugins.App
local BackgroundTask <const> = farside.Plugins.BackgroundTask

App.addListener("appStateChange", function(state)
  print("appStateChange " .. tostring(state.isActive))
end)
App.addListener("pause", function()
  print("pause")
  BackgroundTask.exec(function(task)
    farside.sleep(200)
    print("the task ended")
    task:finish()
  end, { name = "last" })
end)
App.addListener("resume", function() print("resume") end)

print("ready")
setTimeout(function()
  print("minimizeApp " .. tostring(App.minimizeApp()))
end, 50)
