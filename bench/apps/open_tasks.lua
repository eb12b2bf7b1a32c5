-- The same as tasks.lua, while n other tasks are open: each waits for a timer.
local ops <const>, n <const> = tonumber(arg[1]), tonumber(arg[2])
local farside <const> = require "farside"
local exec <const> = farside.Plugins.BackgroundTask.exec
local BATCH <const> = 100
local done, waiting = 0, 0
local begin

local function work(task)
  done = done + 1
  task:finish()
  if done % BATCH == 0 then
    if done < ops then
      begin()
    else
      print "end"
      print("check", done)
      os.exit()
    end
  end
end

function begin()
  for _ = 1, BATCH do
    exec(work)
  end
end

local function never() end

local function wait()
  setTimeout(never, 1e9)
  waiting = waiting + 1
  if waiting == n then
    print "begin"
    begin()
  end
end

for _ = 1, n do
  exec(wait)
end
