-- Asks for the background once more as soon as it is there.

local farside = require "farside"
local App <const> = farside.Plugins.App

App.addListener("pause", App.minimizeApp)

print("ready")
