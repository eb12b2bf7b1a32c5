-- Adds a listener and removes it, while n others are there.
local ops <const>, n <const> = tonumber(arg[1]), tonumber(arg[2])
local App <const> = require("farside").Plugins.App
local function nothing() end
for _ = 1, n do
  App.addListener("memoryWarning", nothing)
end
setTimeout(function()
  print "begin"
  for _ = 1, ops do
    App.addListener("memoryWarning", nothing):remove()
  end
  print "end"
  print("check", ops)
  os.exit()
end)
