-- Computes for ever in one turn, and says so after each bit of processor time.

local farside = require "farside"

local function compute()
  print("ready")
  local said = os.clock()
  while true do
    if os.clock() - said > 0.05 then
      said = os.clock()
      print("still computing")
    end
  end
end

farside.Plugins.App.addListener("terminate", function() print("terminate") end)
setTimeout(compute, 1)
