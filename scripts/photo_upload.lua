-- Sends a photo to a server and tells a friend: it is made small, goes up, and
-- then the friend hears of it. Three units of durable work, each of which waits
-- for the one before.
--
--   farside simulate scripts/photo_upload.lua    photo_upload.plan.lua is played
--   farside run --store photos.db --files . --grant "http=$SERVER/*" \
--     scripts/photo_upload.lua beach.jpg $SERVER
--
-- Kill it in the middle, by `kill -9` if you like, and run it again: it goes on
-- with the bytes that the server has not got. The server speaks tus 1.0.

local farside = require "farside"
local Plugins = farside.Plugins
local BackgroundTask, Storage, Files, Http = Plugins.BackgroundTask, Plugins.Storage, Plugins.Files, Plugins.Http

local PHOTO <const>, SERVER <const> = ... or "beach.jpg", select(2, ...) or "https://photos.example.com"
local SMALL_BYTES <const> = 400 * 1024

BackgroundTask.define("resize", {
  run = function(ctx)
    local small = "small-" .. ctx.input.photo
    farside.sleep(1500) -- Here the photo would be made small.
    assert(Files.write(small, ("photo"):rep(SMALL_BYTES // 5)))
    return { file = small }
  end,
})

local function is_fine(response)
  return response ~= nil and response.status < 300
end

-- The end of a run whose request did not do what it should.
local function give_up(ctx, response, message, name)
  local why = message or "status " .. response.status
  local may_pass = name == "NETWORK" or name == "TIMEOUT" or name == "INTERRUPTED"
  if may_pass or (response and response.status >= 500) then
    return ctx:retry(nil, why)
  end
  return ctx:fail(why)
end

-- The server makes a place for the photo. The key is the same in every attempt,
-- so that there is one place, whatever dies in between.
local function create(key, file)
  return Http.post {
    url = SERVER .. "/tus",
    headers = { ["Tus-Resumable"] = "1.0.0", ["Upload-Length"] = Files.size(file), ["Idempotency-Key"] = key },
  }
end

BackgroundTask.define("upload", {
  retry = { max = 20, base = "10s", cap = "1h" },
  run = function(ctx)
    local _, small = next(ctx.parents) -- What resize has returned.
    local url = ctx.checkpoint.url
    if not url then
      local response, message, name = create(ctx.key, small.file)
      if not is_fine(response) then
        return give_up(ctx, response, message, name)
      end
      url = response.headers.location
      ctx:save { url = url } -- In the store when it returns.
    end
    local response, message, name = Http.upload { url = url, file = small.file, resume = "tus" }
    return is_fine(response) and { url = url } or give_up(ctx, response, message, name)
  end,
})

BackgroundTask.define("notify", {
  run = function(ctx)
    local _, photo = next(ctx.parents)
    local response, message, name = Http.post {
      url = SERVER .. "/messages",
      json = { text = "look at " .. photo.url },
      headers = { ["Idempotency-Key"] = ctx.key },
    }
    return is_fine(response) and {} or give_up(ctx, response, message, name)
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
