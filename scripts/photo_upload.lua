-- Sends a photo to a server and tells a friend: it is made small, goes up part
-- by part, and then the friend hears of it. Three units of durable work, each
-- of which waits for the one before.
--
--   farside simulate scripts/photo_upload.lua --plan scripts/plans/kill.lua
--   farside run --store photos.db scripts/photo_upload.lua beach.jpg
--
-- Kill it in the middle, by `kill -9` if you like, and run it again: it goes on
-- with the part that it has not sent. A part that was under way is sent again,
-- under the same key, so that the server keeps it once.

local farside = require "farside"
local Plugins = farside.Plugins
local BackgroundTask, Storage, Log = Plugins.BackgroundTask, Plugins.Storage, Plugins.Log

local PHOTO <const> = ... or "beach.jpg"
local PART_MS <const> = 700 -- How long one part takes on this network.

BackgroundTask.define("resize", {
  run = function(ctx)
    farside.sleep(1500) -- Here the photo would be made small.
    return { file = "small/" .. ctx.input.photo, parts = 8 }
  end,
})

local function put(key, file, part)
  farside.sleep(PART_MS) -- Here the bytes would travel.
  Log.info(("PUT %s: part %d of %s"):format(key, part, file))
end

BackgroundTask.define("upload", {
  retry = { max = 20, cap = "1h" },
  run = function(ctx)
    local _, small = next(ctx.parents) -- What resize has returned.
    for part = (ctx.checkpoint.part or 0) + 1, small.parts do
      if ctx:stopping() then
        return ctx:retry() -- No failure: the system wants its time back.
      end
      put(ctx.key .. "/" .. part, small.file, part)
      ctx:save { part = part } -- In the store when it returns.
    end
    return { url = "https://photos.example.com/" .. small.file }
  end,
})

BackgroundTask.define("notify", {
  run = function(ctx)
    local _, photo = next(ctx.parents)
    Log.info(("POST %s: look at %s"):format(ctx.key, photo.url))
  end,
})

-- All three or none, and once, however often the app is started.
if #BackgroundTask.query { tag = PHOTO } == 0 then
  Storage.transaction(function()
    local online <const> = { network = "connected" }
    local tags <const> = { PHOTO }
    local small = BackgroundTask.enqueue("resize", { photo = PHOTO }, { tags = tags })
    local photo = BackgroundTask.enqueue("upload", nil, { after = small, needs = online, tags = tags })
    BackgroundTask.enqueue("notify", nil, { after = photo, needs = online, tags = tags })
  end)
end
