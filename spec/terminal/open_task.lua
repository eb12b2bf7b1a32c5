-- Has a task open that ends a moment after the app was told to end.

local farside = require "farside"
local App <const> = farside.Plugins.App
local BackgroundTask <const> = farside.Plugins.BackgroundTask

local is_ending = false

App.addListener("terminate", function(event)
  print(("terminate %s %d"):format(event.reason, event.graceMs))
  is_ending = true
end)

BackgroundTask.exec(function(task)
  print("ready")
  while not is_ending do
    farside.sleep(50)
  end
  farside.sleep(200)
  print("the task ended")
  task:finish()
end, { name = "open" })
