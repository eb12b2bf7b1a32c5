-- The least that Lua itself needs: lua5.4 bench/peers/lua.lua KIND COUNT
local kind <const>, count <const> = arg[1], tonumber(arg[2])
local done = 0
local kinds <const> = {}

-- A coroutine is created and resumed to its end.
function kinds.tasks()
  local create <const>, resume <const> = coroutine.create, coroutine.resume
  local function work()
    done = done + 1
  end
  for _ = 1, count do
    resume(create(work))
  end
end

-- One coroutine is resumed again and again: no task can be had for less where
-- each runs in a coroutine.
function kinds.resumes()
  local resume <const>, yield <const> = coroutine.resume, coroutine.yield
  local co <const> = coroutine.create(function()
    while true do
      done = done + 1
      yield()
    end
  end)
  for _ = 1, count do
    resume(co)
  end
end

local began <const> = os.clock()
kinds[kind]()
print("ns", ("%.1f"):format((os.clock() - began) * 1e9 / count))
print("check", done)
