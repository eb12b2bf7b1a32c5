-- Keeps a list in step with a server: every 15 minutes while the app runs, and
-- when it is left or comes back and a sync is due.
--
--   farside simulate scripts/daily_sync.lua --plan scripts/plans/day.lua
--   farside simulate scripts/daily_sync.lua --for 24h --seeds 1000
--
-- A suspended app runs no timers, so the timer alone would sync only while
-- somebody looks. What is due is told by the clock instead: when it was last
-- done is remembered, and asked whenever the app gets to run.

local farside = require "farside"
local Plugins = farside.Plugins
local App, BackgroundTask, Log = Plugins.App, Plugins.BackgroundTask, Plugins.Log

local PERIOD_S <const> = 15 * 60
local PAGES <const> = 6 -- What a sync fetches, page by page.
local PAGE_MS <const> = 1500

-- In memory: it outlives a suspension, and not the end of the app.
local state = {
  synced_at = nil, -- When the last sync was done.
  page = 0, -- The checkpoint of one that is not done yet.
}
local syncing, out_of_time = false, false

local function stop_early()
  out_of_time = true
end

local function is_due()
  return state.page > 0 or state.synced_at == nil or os.time() - state.synced_at >= PERIOD_S
end

local function fetch_page(number)
  farside.sleep(PAGE_MS + math.random(0, 500)) -- Here a page would travel.
  state.page = number
end

local function sync(task)
  syncing, out_of_time = true, false
  task:onExpire(stop_early)
  while state.page < PAGES and not out_of_time do
    fetch_page(state.page + 1)
  end
  if state.page == PAGES then
    state.synced_at, state.page = os.time(), 0
    Log.info("in step at " .. os.date("!%H:%M", state.synced_at))
  else
    Log.info(("page %d of %d, the rest comes later"):format(state.page, PAGES))
  end
  syncing = false
  task:finish() -- Otherwise the app is held awake until its time is up.
end

-- A task, also in the foreground: the user may leave in the middle of it.
local function sync_if_due()
  if not syncing and is_due() then
    BackgroundTask.exec(sync, { name = "sync", budget = "20s" })
  end
end

App.addListener("launch", sync_if_due)
App.addListener("resume", sync_if_due)
App.addListener("pause", sync_if_due)
App.addListener("terminate", stop_early) -- Few seconds are left then.
setInterval(sync_if_due, PERIOD_S * 1000)
