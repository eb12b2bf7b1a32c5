-- What a forgotten finish looks like: the picture in the README.
--
--   farside simulate scripts/forgotten_finish.lua
--
-- It saves what was written when it is left. Where nothing is new it returns
-- early, and there it forgets the task: for the rest of its budget the app is
-- held awake for nothing, and iOS would kill it in the end.

local farside = require "farside"
local Plugins = farside.Plugins
local App, BackgroundTask = Plugins.App, Plugins.BackgroundTask

local written, saved = 1, 0

local function save(task)
  if saved == written then
    return -- Nothing is new. Here task:finish() is missing.
  end
  farside.sleep(4000) -- Here the notes would travel to the server.
  saved = written
  task:finish()
end

App.addListener("pause", function()
  BackgroundTask.exec(save, { name = "save" })
end)
