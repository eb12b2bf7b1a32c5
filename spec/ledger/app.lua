-- What ledger_test runs and kills: an app that enqueues, runs, saves, cancels
-- and prunes without a rest, and says of each what it is about to do (a small
-- letter) and what was acknowledged (a capital). Its lines are read by the test.
--
--   app.lua SEED LIFE [drain]

local farside = require "farside"
local App, BackgroundTask, Storage = farside.Plugins.App, farside.Plugins.BackgroundTask, farside.Plugins.Storage
local random = math.random
local is_draining <const> = arg[3] == "drain"
math.randomseed(tonumber(arg[1]), tonumber(arg[2]))

local NAMES <const> = { "u1", "u2" }
local POLICIES <const> = { "keep", "replace", "replace", "update", "append", "append_or_replace", "debounce" }
local RETRY <const> = { max = 1000000, base = "2ms", cap = "8ms", policy = "fixed" }
local ids, over = {}, {}

local function pause(most)
  farside.sleep(random(0, most))
end

-- -- Runs

local function save(ctx, n)
  print("s", ctx.id, n)
  local ok, _, status = ctx:save { n = n }
  print(ok and "S" or "N", ctx.id, ok and n or status)
end

local function run(ctx)
  local n = ctx.checkpoint.n or 0
  print("b", ctx.id, ctx.unique or "-", n)
  local _ <close> = setmetatable({}, { __close = function() print("e", ctx.id) end })
  over[random(20)] = ctx
  for i = 1, random(0, 3) do
    save(ctx, n + i)
    if ctx:stopping() and random(2) == 1 then return ctx:retry "stopping" end
    pause(5)
  end
  local how = is_draining and 10 or random(10)
  if how == 1 then error("no", 0) end
  if how == 2 then return ctx:retry("1ms", "again") end
  print("f", ctx.id)
  if how == 3 then return ctx:fail "never" end
  return { n = n }
end

BackgroundTask.define("w", { retry = RETRY, crashes = 1000000, run = run })
BackgroundTask.define("q", { retry = RETRY, crashes = 3, run = function(ctx)
  print("b", ctx.id, "-", 0)
  farside.sleep(is_draining and 0 or 60000)
  print("f", ctx.id)
end })
BackgroundTask.define("p", { retry = RETRY, crashes = 1000000, run = function(ctx) print("k", ctx.key) pause(3) end })
BackgroundTask.watch({ state = "succeeded", kind = "w" }, function(info) print("D", info.id) end)

-- -- What the app does

-- One, two or none of those that it has enqueued.
local function some_parents()
  local parents = {}
  for _ = 1, #ids > 0 and random(4) == 1 and random(2) or 0 do
    parents[#parents + 1] = ids[random(#ids)]
  end
  return parents
end

local function enqueue(kind)
  local unique = kind == "w" and random(2) == 1 and NAMES[random(#NAMES)] or nil
  local existing = unique and POLICIES[random(#POLICIES)] or nil
  local after = kind == "w" and some_parents() or {}
  if existing == "replace" or existing == "append_or_replace" then print("r", unique) end
  local id, info, status = BackgroundTask.enqueue(kind, { from = arg[2] }, { unique = unique, existing = existing, after = after,
    onParentFail = random(2) == 1 and "run" or "fail", delay = random(3) == 1 and random(5) .. "ms" or nil,
    priority = random(-2, 2), group = random(2) == 1 and "g" or nil, durable = random(4) > 1 })
  if not id then
    assert(status == "NOWORK", info) -- A parent that was pruned.
    return
  end
  print("E", id, info.existing and 1 or 0, kind, unique or "-", table.concat(after, ","))
  if not info.existing then ids[#ids + 1] = id end
end

local function cancel()
  local id = ids[random(#ids)]
  if not id then return end
  print("c", id)
  local count = BackgroundTask.cancel { id = id }
  if count == 1 then print("C", id) end
end

-- A value and a unit: both, or none of them.
local function transact()
  local count
  local done, why = pcall(Storage.transaction, function()
    count = (Storage.get "count" or 0) + 1
    Storage.set("count", count)
    assert(BackgroundTask.enqueue("tx", count, { delay = "1000d" }))
    if random(3) == 1 then error("taken back", 0) end
  end)
  if done then print("T", count) else assert(why == "taken back", why) end
end

local function prune()
  print "p"
  BackgroundTask.prune()
  print "P"
end

-- A run that is over says something all the same.
local function haunt()
  local ctx = over[random(20)]
  if not ctx or not ctx:stopping() then return end
  local ok, _, status = ctx:save { n = -1 }
  print("Z", ctx.id, ok or status)
end

-- Whoever sees that something has ended relies on it.
local function look()
  for _, one in ipairs(BackgroundTask.query { kind = "w", state = "succeeded", limit = 3, after = ids[#ids > 8 and #ids - 8 or 1] }) do
    print("G", one.id)
  end
end

local ACTS <const> = { enqueue, enqueue, enqueue, enqueue, cancel, transact, haunt, haunt, look }

local function live()
  while true do
    local act = random(200) == 1 and prune or ACTS[random(#ACTS)]
    act(act == enqueue and (random(40) == 1 and "q" or "w") or nil)
    if random(2) == 1 then pause(2) end
  end
end

local function drain()
  local function waits(kind)
    for _, state in ipairs { "enqueued", "running", "blocked" } do
      if #BackgroundTask.query { kind = kind, state = state, limit = 1 } > 0 then return true end
    end
  end
  while waits "w" or waits "q" do
    farside.sleep(10)
  end
  print "Q"
  App.exitApp()
end

print("L", arg[2])
if is_draining then
  coroutine.wrap(drain)()
else
  BackgroundTask.periodic("p", "p", { every = "1s", missed = random(2) == 1 and "all" or "once" })
  for _ = 1, 3 do
    coroutine.wrap(live)()
  end
end
