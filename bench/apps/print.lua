-- Lines in the timeline, which has n already.
local ops <const>, n <const> = tonumber(arg[1]), tonumber(arg[2])
local Log <const> = require("farside").Plugins.Log
for _ = 1, n do
  Log.debug "before"
end
setTimeout(function()
  print "begin"
  for _ = 1, ops do
    Log.debug "a line of the log"
  end
  print "end"
  print("check", ops)
end)
