-- Takes pictures, and leaves it to the uploader to bring them to the server.
-- The two know each other by name only: each has memory and limits of its own.
--
--   farside run scripts/two_scripts/camera.lua scripts/two_scripts/uploader.lua

local farside = require "farside"

local PICTURES <const> = 3
local taken = 0

local function take_picture()
  taken = taken + 1
  local picture = { number = taken, is_last = taken == PICTURES }
  local ok, message, name = farside.postMessage("uploader", picture)
  if not ok then
    print(("picture %d is lost: %s (%s)"):format(taken, message, name))
  end
end

local timer
timer = setInterval(function()
  take_picture()
  if taken == PICTURES then
    clearInterval(timer)
  end
end, 100)
