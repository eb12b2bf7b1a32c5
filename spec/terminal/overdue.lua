-- Begins a task in the background that outlives the budget it asked for.

local farside = require "farside"
local App <const> = farside.Plugins.App
local BackgroundTask <const> = farside.Plugins.BackgroundTask

App.once("pause", function()
  BackgroundTask.exec(function()
    while true do
      farside.sleep(50)
    end
  end, { name = "overdue", budget = "500ms" })
end)
App.addListener("resume", function() print("resume") end)

print("ready")
