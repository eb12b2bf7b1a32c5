-- Brings to the server what the camera takes. Each picture is a task: the app
-- stays awake until it has arrived, also in the background.

local farside = require "farside"
local App, BackgroundTask = farside.Plugins.App, farside.Plugins.BackgroundTask

App.addListener("message", function(message)
  local picture = message.data
  BackgroundTask.exec(function(task)
    farside.sleep(50) -- Here the picture would travel.
    print(("picture %d of the %s is up"):format(picture.number, message.from))
    task:finish()
  end, { name = "picture " .. picture.number })

  if picture.is_last then
    App.exitApp() -- Open tasks still have their grace.
  end
end)
