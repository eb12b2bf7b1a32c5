-- All timers are set, for milliseconds that look like chance, and fire.
local ops <const> = tonumber(arg[1])
local SPREAD_MS <const> = 500
local fired, seed = 0, 42

local function fire()
  fired = fired + 1
  if fired == ops then
    print("check", fired)
  end
end

setTimeout(function()
  print "begin"
  for _ = 1, ops do
    seed = (seed * 1103515245 + 12345) % 2147483648
    setTimeout(fire, 1 + seed // 65536 % SPREAD_MS)
  end
end)
