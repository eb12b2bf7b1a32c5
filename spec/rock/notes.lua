-- A small library of somebody's, which saves in the background.

local App = require("farside").Plugins.App
local BackgroundTask = require("farside").Plugins.BackgroundTask
local sleep = require("farside").sleep

local notes = { saved = 0, unsaved = 0 }

function notes.write()
  notes.unsaved = notes.unsaved + 1
end

function notes.save_when_left()
  return App.addListener("pause", function()
    BackgroundTask.exec(function(task)
      while notes.unsaved > 0 do
        sleep(100)
        notes.unsaved, notes.saved = notes.unsaved - 1, notes.saved + 1
      end
      task:finish()
    end, { name = "notes" })
  end)
end

return notes
