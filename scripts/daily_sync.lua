-- Keeps a list in step with a server: every 15 minutes, where there is a
-- network and the battery is not low, and while nobody looks as often as the
-- system allows.
--
--   farside simulate scripts/daily_sync.lua    daily_sync.plan.lua is played
--   farside simulate scripts/daily_sync.lua --for 24h --seeds 1000
--   farside run --store sync.db scripts/daily_sync.lua
--
-- The sync is durable work: it is in the store before `periodic` returns, and
-- outlives the suspension, the end and the kill of the app. Whenever the app
-- gets to run, what is due runs, once for all the slots that have passed by. A
-- sync that is cut short goes on from its last page.

local farside = require "farside"
local Plugins = farside.Plugins
local BackgroundTask, Log = Plugins.BackgroundTask, Plugins.Log

local PAGES <const> = 6 -- What a sync fetches, page by page.
local PAGE_MS <const> = 1500

local function fetch_page(number)
  farside.sleep(PAGE_MS + math.random(0, 500)) -- Here the page would travel.
  if math.random(200) == 1 then
    error(("page %d did not arrive"):format(number), 0) -- It is tried again.
  end
end

local function sync(ctx)
  for page = (ctx.checkpoint.page or 0) + 1, PAGES do
    if ctx:stopping() then
      return ctx:retry() -- The system wants its time back: that is no failure.
    end
    fetch_page(page)
    ctx:save { page = page }
  end
  Log.info("in step at " .. os.date "!%H:%M")
end

BackgroundTask.define("sync", {
  run = sync,
  timeout = "2m",
  retry = { max = 5, base = "30s", cap = "10m" },
})

BackgroundTask.periodic("list in step", "sync", {
  every = "15m",
  immediate = true,
  needs = { network = "connected", batteryOk = true },
})
