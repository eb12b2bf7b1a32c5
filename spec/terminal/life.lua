-- Says what it hears of its own life; numbered, so that the order shows.

local farside = require "farside"
local App <const> = farside.Plugins.App

local lines = 0
local function say(text)
  lines = lines + 1
  print(("%d %s"):format(lines, text))
end

App.addListener("appStateChange", function(state)
  say("appStateChange " .. tostring(state.isActive))
end)
App.addListener("pause", function() say("pause") end)
App.addListener("resume", function() say("resume") end)
App.addListener("terminate", function(event)
  say(("terminate %s %d"):format(event.reason, event.graceMs))
end)

print("ready")
