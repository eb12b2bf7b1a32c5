-- What Catch the star does when nobody looks: keeps the score, and uploads it
-- when the player leaves. This is a script of Farside's, in a Lua 5.4 of its
-- own; docs/guide.md shows what it can do, and
--
--   farside simulate scripts/love/background.lua
--
-- plays it on a simulated phone, without the game.

local farside = require "farside"
local Plugins = farside.Plugins
local App, BackgroundTask, Http, Storage = Plugins.App, Plugins.BackgroundTask, Plugins.Http, Plugins.Storage

local SERVER <const> = ... or "https://scores.example.com/scores"

-- Uploads what the server does not know yet. Without a network it stays in the
-- store, and the next start tries again.
local function upload()
  local score = Storage.get "score" or 0
  if score == (Storage.get "uploaded" or 0) then
    return
  end
  local response, why = Http.put { url = SERVER, json = { score = score } }
  if response and response.status < 300 then
    Storage.set("uploaded", score)
    farside.postMessage("host", { news = ("%d points are uploaded"):format(score) })
  else
    print("not uploaded yet: " .. (why or "status " .. response.status))
  end
end

-- What the game sends: each point, as it is made.
App.addListener("message", function(message)
  Storage.set("score", message.data.score) -- In the file when it returns.
  farside.postMessage("host", { kept = message.data.score })
end)

App.addListener("pause", function()
  BackgroundTask.exec(function(task)
    upload()
    task:finish() -- From here on the system may put the game to sleep.
  end, { name = "upload" })
end)

App.addListener("launch", function()
  farside.postMessage("host", { kept = Storage.get "score" or 0 })
  upload() -- What the last run could not.
end)
