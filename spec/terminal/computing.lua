-- Computes in the background, in one turn, until a file is there.

local farside = require "farside"
local App <const> = farside.Plugins.App
local BackgroundTask <const> = farside.Plugins.BackgroundTask
local go = ...

App.addListener("terminate", function(event)
  print("terminate " .. event.reason)
end)

App.once("pause", function()
  BackgroundTask.exec(function(task)
    print("the task computes")
    local file
    repeat
      file = io.open(go)
    until file
    file:close()
    task:finish()
  end)
end)

print("ready")
