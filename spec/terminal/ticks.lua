-- Ticks without an end, and says why it is told to end.

local farside = require "farside"

local ticks = 0
setInterval(function()
  ticks = ticks + 1
  print("tick " .. ticks)
end, 50)
farside.Plugins.App.addListener("terminate", function(event)
  print("terminate " .. event.reason)
end)

print("ready")
