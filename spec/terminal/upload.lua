-- Uploads in a task whenever it leaves the foreground, with a timer beside it.

local farside = require "farside"
local App <const> = farside.Plugins.App
local BackgroundTask <const> = farside.Plugins.BackgroundTask

local CHUNKS <const> = 3
local CHUNK_MS <const> = 200

App.addListener("appStateChange", function(state)
  print("appStateChange " .. tostring(state.isActive))
  if state.isActive then return end
  setTimeout(function() print("the timer went on") end, CHUNK_MS // 2)
  BackgroundTask.exec(function(task)
    for chunk = 1, CHUNKS do
      farside.sleep(CHUNK_MS)
      print(("chunk %d of %d"):format(chunk, CHUNKS))
    end
    print("uploaded")
    task:finish()
  end, { name = "upload" })
end)
App.addListener("resume", function() print("resume") end)

print("ready")
