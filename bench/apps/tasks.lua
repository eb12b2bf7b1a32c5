-- exec, run and finish, a thousand at a time: the last of a batch begins the
-- next one.
local ops <const> = tonumber(arg[1])
local exec <const> = require("farside").Plugins.BackgroundTask.exec
local BATCH <const> = 1000
local done = 0
local begin

local function work(task)
  done = done + 1
  task:finish()
  if done == ops then
    print("check", done)
  elseif done % BATCH == 0 then
    begin()
  end
end

function begin()
  for _ = 1, BATCH do
    exec(work)
  end
end

setTimeout(function()
  print "begin"
  begin()
end)
