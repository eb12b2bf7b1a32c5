-- Finishes an upload when the app goes to the background.
--
--   farside simulate scripts/finish_upload.lua      a simulated phone
--   farside run scripts/finish_upload.lua           here; press Ctrl-Z
--
-- The file goes up in chunks. Whatever happens, no chunk is lost: the task ends
-- inside its budget, and when time runs short it stops at a checkpoint, from
-- which the next run goes on.

local farside = require "farside"
local Plugins = farside.Plugins
local App, BackgroundTask = Plugins.App, Plugins.BackgroundTask

local CHUNKS <const> = 8
local CHUNK_MS <const> = 500 -- How long one chunk takes on this network.

local checkpoint = 0 -- The last chunk that has arrived.
local uploading = false

local function upload_chunk(number)
  farside.sleep(CHUNK_MS) -- Here the bytes would travel.
  checkpoint = number
end

local function upload(task)
  uploading = true
  local out_of_time = false
  task:onExpire(function()
    out_of_time = true
  end)
  while checkpoint < CHUNKS and not out_of_time do
    upload_chunk(checkpoint + 1)
    print(("chunk %d of %d is up"):format(checkpoint, CHUNKS))
  end
  uploading = false
  task:finish() -- Otherwise the app is held awake until its time is up.
end

App.addListener("appStateChange", function(state)
  if not state.isActive and not uploading and checkpoint < CHUNKS then
    BackgroundTask.exec(upload, { name = "upload" })
  end
end)

App.addListener("resume", function()
  print(("welcome back: %d of %d chunks are up"):format(checkpoint, CHUNKS))
end)
