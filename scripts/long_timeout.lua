-- The classic example of a background task, and its classic mistake.
--
--   farside simulate scripts/long_timeout.lua --os ios        breaks a rule
--   farside simulate scripts/long_timeout.lua --os android    is fine
--
-- A timer of 30 seconds meets a budget of 30 seconds. On iOS the host has to
-- end the task, and says so; scripts/finish_upload.lua shows how to do better.

local Plugins = require("farside").Plugins
local App, BackgroundTask = Plugins.App, Plugins.BackgroundTask

App.addListener("appStateChange", function(state)
  if not state.isActive then
    local taskId
    taskId = BackgroundTask.exec(function()
      setTimeout(function() BackgroundTask.finish{ taskId = taskId } end, 30000)
    end)
  end
end)
