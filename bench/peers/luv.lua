-- luv, the binding of libuv: lua5.4 bench/peers/luv.lua KIND COUNT
local uv <const> = require "luv"
local kind <const>, count <const> = arg[1], tonumber(arg[2])
local done = 0
local kinds <const> = {}

-- A timer of zero and its close, a thousand at a time.
function kinds.tasks()
  local BATCH <const> = 1000
  local begin
  local function add()
    local timer <const> = uv.new_timer()
    timer:start(0, 0, function()
      done = done + 1
      timer:close()
      if done % BATCH == 0 and done < count then
        begin()
      end
    end)
  end
  function begin()
    for _ = 1, BATCH do
      add()
    end
  end
  begin()
end

-- All timers are set, for the milliseconds of apps/timers.lua, and fire.
function kinds.timers()
  local SPREAD_MS <const> = 500
  local seed = 42
  local function add(ms)
    local timer <const> = uv.new_timer()
    timer:start(ms, 0, function()
      done = done + 1
      timer:close()
    end)
  end
  for _ = 1, count do
    seed = (seed * 1103515245 + 12345) % 2147483648
    add(1 + seed // 65536 % SPREAD_MS)
  end
end

local began <const> = os.clock()
kinds[kind]()
uv.run()
print("ns", ("%.1f"):format((os.clock() - began) * 1e9 / count))
print("check", done)
