-- Timers are set and fire, a thousand at a time, while n others are armed for
-- later, in an order that looks like chance.
local ops <const>, n <const> = tonumber(arg[1]), tonumber(arg[2])
local BATCH <const> = 1000
local fired, seed = 0, 42
local begin

local function fire()
  fired = fired + 1
  if fired == ops then
    print "end"
    print("check", fired)
    os.exit()
  elseif fired % BATCH == 0 then
    begin()
  end
end

function begin()
  for _ = 1, BATCH do
    setTimeout(fire)
  end
end

local function never() end
for _ = 1, n do
  seed = (seed * 1103515245 + 12345) % 2147483648
  setTimeout(never, 1e9 + seed)
end
setTimeout(function()
  print "begin"
  begin()
end)
