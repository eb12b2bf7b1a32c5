-- n coroutines sleep for a millisecond, again and again until there were `ops`
-- sleeps.
local ops <const>, n <const> = tonumber(arg[1]), tonumber(arg[2])
local farside <const> = require "farside"
local slept = 0

local function work()
  for _ = 1, ops // n do
    farside.sleep(1)
    slept = slept + 1
  end
  if slept == ops then
    print("check", slept)
  end
end

setTimeout(function()
  print "begin"
  for _ = 1, n do
    coroutine.wrap(work)()
  end
end)
