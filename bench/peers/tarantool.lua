-- Fibers of Tarantool, which run on LuaJIT: tarantool bench/peers/tarantool.lua tasks COUNT
local fiber = require "fiber"
local count = tonumber(arg[2])
local BATCH = 1000
local done = 0

local function work()
  done = done + 1
end

local began = os.clock()
for begun = BATCH, count, BATCH do
  for _ = 1, BATCH do
    fiber.new(work) -- As exec does: it runs later.
  end
  while done < begun do
    fiber.yield()
  end
end
print(("ns\t%.1f"):format((os.clock() - began) * 1e9 / count))
print(("check\t%d"):format(done))
os.exit(0)
