-- Saves what is not saved yet when the app goes to the background.
--
--   farside simulate my_app.lua --os strict     a simulated phone
--   farside run my_app.lua                      here; press Ctrl-Z

local farside = require "farside"
local Plugins = farside.Plugins
local App, BackgroundTask = Plugins.App, Plugins.BackgroundTask

local PARTS <const> = 10
local PART_MS <const> = 500 -- How long one part takes to be saved.

local saved = 0 -- The checkpoint: how many parts are safe.

local function save_part()
  farside.sleep(PART_MS) -- Here one part would be written.
  saved = saved + 1
end

local function save(task)
  local out_of_time = false
  task:onExpire(function()
    out_of_time = true
  end)
  while saved < PARTS and not out_of_time do
    save_part()
  end
  print(("%d of %d parts are saved"):format(saved, PARTS))
  task:finish() -- Otherwise the app is held awake until its time is up.
end

App.addListener("pause", function()
  if saved < PARTS then
    BackgroundTask.exec(save, { name = "save" })
  end
end)
