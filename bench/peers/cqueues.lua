-- cqueues, coroutines on epoll: lua5.4 bench/peers/cqueues.lua tasks COUNT
local cqueues <const> = require "cqueues"
local count <const> = tonumber(arg[2])
local BATCH <const> = 1000
local done = 0
local queue <const> = cqueues.new()
local begin

local function work()
  done = done + 1
  if done % BATCH == 0 and done < count then
    begin()
  end
end

function begin()
  for _ = 1, BATCH do
    queue:wrap(work)
  end
end

local began <const> = os.clock()
begin()
assert(queue:loop())
print("ns", ("%.1f"):format((os.clock() - began) * 1e9 / count))
print("check", done)
