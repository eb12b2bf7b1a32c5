-- Listens, and has nothing to do.

local farside = require "farside"
local App <const> = farside.Plugins.App

App.addListener("pause", function() print("pause") end)
App.addListener("resume", function() print("resume") end)

print("ready")
