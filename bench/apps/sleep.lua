-- n coroutines sleep for a millisecond, again and again until there were `ops`
-- sleeps. Their first one is not counted.
local ops <const>, n <const> = tonumber(arg[1]), tonumber(arg[2])
local sleep <const> = require("farside").sleep
local begun, slept = 0, 0

local function work()
  sleep(1)
  begun = begun + 1
  if begun == n then
    print "begin"
  end
  for _ = 1, ops // n do
    sleep(1)
    slept = slept + 1
  end
  if slept == ops then
    print("check", slept)
  end
end

setTimeout(function()
  for _ = 1, n do
    coroutine.wrap(work)()
  end
end)
