-- Finishes an upload when the app goes to the background.
--
--   make demo    on a simulated phone, and here with a server of its own
--
--   farside simulate scripts/finish_upload.lua    finish_upload.plan.lua is played
--
-- The film goes up in parts. Whatever happens, none is sent twice: the task
-- ends inside its budget, and when time runs short the transfer is cut off. The
-- next one asks the server how much it has, and sends what is left.

local farside = require "farside"
local Plugins = farside.Plugins
local App, BackgroundTask, Files, Http = Plugins.App, Plugins.BackgroundTask, Plugins.Files, Plugins.Http

local URL <const> = ... or "https://films.example.com/trip.mov"
local FILM <const> = "trip.mov" -- In the script's own folder.
local PART_BYTES <const> = 512 * 1024

if not Files.size(FILM) then
  Files.write(FILM, ("film"):rep(1024 * 1024)) -- What a camera would have left there.
end

local uploading, is_up = false, false
local parts = 0 -- That have been sent, as far as we have heard.

local function show(progress)
  if progress.sent // PART_BYTES > parts then
    parts = progress.sent // PART_BYTES
    print(("part %d of %d is sent"):format(parts, progress.toSend // PART_BYTES))
  end
end

local function upload(task)
  uploading = true
  task:onExpire(function()
    uploading = false -- What is not up by then is cut off, and goes up next time.
  end)
  local response, message = Http.upload {
    url = URL, file = FILM, resume = "range", partBytes = PART_BYTES, onProgress = show,
  }
  uploading = false
  is_up = response ~= nil and response.status < 300
  print(is_up and "the film is up" or "not yet: " .. (message or "status " .. response.status))
  task:finish() -- Otherwise the app is held awake until its time is up.
end

App.addListener("appStateChange", function(state)
  if not state.isActive and not uploading and not is_up then
    BackgroundTask.exec(upload, { name = "upload" })
  end
end)

App.addListener("resume", function()
  print("welcome back: " .. (is_up and "the film is up" or parts .. " parts are sent"))
end)
