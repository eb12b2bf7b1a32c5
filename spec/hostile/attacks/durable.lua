-- Durable work and values that are kept: much of it, in the wrong place, and without an end.

--@ enqueue-for-ever killed
while true do
  BackgroundTask.enqueue("k", 1, { delay = "1h" })
end

--@ enqueue-and-cancel-for-ever any
while true do
  local id = BackgroundTask.enqueue("k", nil, { unique = "u", existing = "replace", delay = "1h" })
  if id then BackgroundTask.cancel { id = id } end
end

--@ enqueue-itself-for-ever any
BackgroundTask.define("k", { run = function() BackgroundTask.enqueue "k" BackgroundTask.enqueue "k" end })
BackgroundTask.enqueue "k"

--@ enqueue-kinds-without-end killed
local i = 0
while true do
  i = i + 1
  BackgroundTask.enqueue("k" .. i, nil, { delay = "1h" })
end

--@ enqueue-in-groups-without-end any
BackgroundTask.define("k", { run = function() end })
local i = 0
while true do
  i = i + 1
  BackgroundTask.enqueue("k", nil, { group = "g" .. i, tags = { "t" .. i }, unique = "u" .. i, priority = i % 21 - 10 })
end

--@ enqueue-huge ends
local most = ("x"):rep((1 << 20) - 2)
for _ = 1, 3 do print((BackgroundTask.enqueue("k", most, { delay = "1h" }))) end
print(pcall(BackgroundTask.enqueue, "k", most .. "xx"))
print(pcall(BackgroundTask.enqueue, most))
print(pcall(BackgroundTask.enqueue, "k", nil, { unique = most }))

--@ enqueue-deep ends
local deep, round = {}, {}
for _ = 1, 100000 do deep = { deep } end
round[1] = round
print(pcall(BackgroundTask.enqueue, "k", deep))
print(pcall(BackgroundTask.enqueue, "k", round))

--@ enqueue-wide ends|killed
local wide = {}
for i = 1, 200000 do wide[i] = i end
while #wide > 0 do
  print(pcall(BackgroundTask.enqueue, "k", wide))
  wide = table.move(wide, 1, #wide // 2, 1, {})
end

--@ enqueue-where-nothing-can-wait ends
BackgroundTask.define("k", { run = function() end })
local t = { 3, 1, 2 }
table.sort(t, function(a, b) BackgroundTask.enqueue "k" return a < b end)
print((("abc"):gsub(".", function(c) BackgroundTask.enqueue("k", c) return c end)))
local closing <close> = setmetatable({}, { __close = function() BackgroundTask.enqueue "k" end })
print(setmetatable({}, { __index = function(_, key) return (BackgroundTask.enqueue("k", key)) end }).x)
print(pcall(coroutine.wrap(function() BackgroundTask.enqueue "k" error "no" end)))

--@ enqueue-options-that-do-something ends|killed
local options = setmetatable({}, { __index = function() while true do BackgroundTask.enqueue "k" end end,
  __pairs = function() error "no" end })
print(pcall(BackgroundTask.enqueue, "k", nil, options))
print(pcall(BackgroundTask.enqueue, "k", options, { after = options, tags = options, needs = options }))
print(pcall(BackgroundTask.define, "k", options))
print(pcall(BackgroundTask.query, options))

--@ chain-of-all ends
local id
for _ = 1, 600 do
  local next_id = BackgroundTask.enqueue("k", nil, { after = id, delay = "1h" })
  id = next_id or id
end
print(BackgroundTask.cancel { all = true })

--@ chain-of-many-parents ends
local ids = {}
for i = 1, 100 do ids[i] = BackgroundTask.enqueue("k", nil, { delay = "1h" }) end
for _ = 1, 100 do BackgroundTask.enqueue("k", nil, { after = ids, onParentFail = "hold" }) end
ids[101] = ids[1]
print(pcall(BackgroundTask.enqueue, "k", nil, { after = ids }))
print(BackgroundTask.cancel { id = ids[1] }, BackgroundTask.redrive(ids[1]), BackgroundTask.cancel { all = true })

--@ redrive-for-ever any
local id = BackgroundTask.enqueue("k", nil, { delay = "1h" })
while true do
  BackgroundTask.cancel { id = id }
  BackgroundTask.redrive(id)
end

--@ periodic-at-once any
BackgroundTask.define("k", { run = function() end })
for i = 1, 600 do BackgroundTask.periodic("p" .. i, "k", { every = "1ms", missed = "all", immediate = true }) end

--@ define-for-ever killed
local i = 0
while true do
  i = i + 1
  pcall(BackgroundTask.define, "k" .. i, { run = print, aliases = { "old" .. i } })
end

--@ define-in-its-run any
local function run(ctx)
  BackgroundTask.define(ctx.kind, { run = run })
  BackgroundTask.enqueue(ctx.kind)
end
BackgroundTask.define("k", { run = run })
BackgroundTask.enqueue "k"

--@ define-what-is-no-function-of-ours ends
for i, f in ipairs { print, error, coroutine.yield, coroutine.wrap(function() end), BackgroundTask.enqueue, pcall } do
  BackgroundTask.define("k" .. i, { run = f, retry = { max = 0 } })
  BackgroundTask.enqueue("k" .. i)
end

--@ run-without-end task|killed
BackgroundTask.define("k", { run = function() while true do end end })
for _ = 1, 8 do BackgroundTask.enqueue "k" end

--@ run-that-catches-all task|killed
BackgroundTask.define("k", { run = function() while true do pcall(function() while true do end end) end end })
BackgroundTask.enqueue "k"

--@ run-in-a-pattern killed
BackgroundTask.define("k", { run = function() print((("a"):rep(100):find((".-"):rep(50) .. "b"))) end })
BackgroundTask.enqueue "k"

--@ run-that-never-returns any
BackgroundTask.define("k", { run = function() coroutine.yield() farside.sleep(1e9) end })
for _ = 1, 8 do BackgroundTask.enqueue "k" end

--@ run-that-saves-for-ever any
local most = ("x"):rep(1000000)
BackgroundTask.define("k", { run = function(ctx) while true do ctx:save(most) ctx:progress(most) end end })
BackgroundTask.enqueue "k"

--@ run-that-cancels-itself ends
BackgroundTask.define("k", { run = function(ctx)
  print(BackgroundTask.cancel { id = ctx.id }, BackgroundTask.redrive(ctx.id), BackgroundTask.cancel { all = true })
  print(ctx:stopping(), ctx:save(1), ctx:progress(1), BackgroundTask.get(ctx.id).state)
  return ctx:retry()
end })
BackgroundTask.enqueue "k"

--@ run-that-returns-what-cannot-be-kept ends
local round = {}
round[1] = round
for i, value in ipairs { print, round, ("x"):rep(1 << 20), coroutine.create(print), 0 / 0, "\xff" } do
  BackgroundTask.define("k" .. i, { run = function() return value end, retry = { max = 0 } })
  BackgroundTask.enqueue("k" .. i)
end

--@ ctx-after-its-run ends
local kept
local function use()
  for _, name in ipairs { "save", "progress", "stopping", "retry", "fail" } do
    print(pcall(kept[name], kept, "1s"), pcall(kept[name]), pcall(kept[name], {}))
  end
  print(kept.input, kept.nothing, tostring(kept), pcall(function() kept.input = 1 end))
end
BackgroundTask.define("k", { run = function(ctx) kept = ctx setTimeout(use, 1) return ctx:fail "over" end })
BackgroundTask.enqueue("k", 1)

--@ ctx-in-another-run ends
local first
BackgroundTask.define("k", { run = function(ctx)
  if not first then
    first = ctx
    farside.sleep(2)
  else
    print(first:save(1), first:fail "not mine", first:stopping())
  end
end })
BackgroundTask.enqueue "k"
BackgroundTask.enqueue "k"

--@ watch-a-million killed
local n = 0
while true do
  n = n + (pcall(BackgroundTask.watch, function() end) and 1 or 0)
end

--@ watch-that-makes-news any
BackgroundTask.watch(function() BackgroundTask.enqueue("k", nil, { delay = "1h" }) end)
BackgroundTask.watch(function(info) BackgroundTask.cancel { id = info.id } end)
BackgroundTask.enqueue("k", nil, { delay = "1h" })

--@ watch-without-end killed
BackgroundTask.watch(function() while true do end end)
BackgroundTask.enqueue("k", nil, { delay = "1h" })

--@ watch-that-removes-itself ends
local handles = {}
for i = 1, 100 do
  handles[i] = BackgroundTask.watch(function()
    for _, handle in ipairs(handles) do handle:remove() end
    error "gone"
  end)
end
for _ = 1, 10 do BackgroundTask.enqueue("k", nil, { delay = "1h" }) end

--@ query-for-ever killed
for _ = 1, 200 do BackgroundTask.enqueue("k", ("x"):rep(1000), { delay = "1h" }) end
while true do
  BackgroundTask.query { limit = 1000 }
end

--@ explain-for-ever killed
local id = BackgroundTask.enqueue("k", nil, { needs = { network = "unmetered", idle = true }, delay = "1h" })
while true do
  BackgroundTask.explain(id)
  BackgroundTask.history(id)
  BackgroundTask.get(id)
end

--@ prune-for-ever any
BackgroundTask.define("k", { run = function() end })
while true do
  BackgroundTask.enqueue "k"
  BackgroundTask.prune()
end

--@ values-without-end killed
local Storage = farside.Plugins.Storage
local i = 0
while true do
  i = i + 1
  Storage.set("key " .. i, ("x"):rep(1000))
end

--@ values-listed-for-ever killed
local Storage = farside.Plugins.Storage
for i = 1, 100 do Storage.set(("k"):rep(900) .. i, i) end
while true do
  Storage.keys()
end

--@ transaction-without-end killed
farside.Plugins.Storage.transaction(function() while true do end end)

--@ transaction-that-catches-all killed
local Storage = farside.Plugins.Storage
while true do
  pcall(Storage.transaction, function()
    while true do
      pcall(function() Storage.set("a", 1) error "no" end)
    end
  end)
end

--@ transaction-in-a-pattern killed
farside.Plugins.Storage.transaction(function()
  farside.Plugins.Storage.set("a", 1)
  print((("a"):rep(100):find((".-"):rep(50) .. "b")))
end)

--@ transaction-that-yields ends
local Storage = farside.Plugins.Storage
print(pcall(Storage.transaction, coroutine.yield))
print(pcall(Storage.transaction, function() farside.sleep(1) end))
print(pcall(Storage.transaction, function() Storage.set("a", 1) coroutine.yield() end))
print(Storage.get "a")

--@ transaction-in-a-coroutine-that-yields ends
local Storage = farside.Plugins.Storage
local co = coroutine.wrap(function()
  print(pcall(Storage.transaction, function()
    Storage.set("a", 1)
    coroutine.wrap(function() Storage.set("a", 2) coroutine.yield() end)()
    Storage.transaction(function() error "in" end)
  end))
end)
print(pcall(co))
print(Storage.get "a")

--@ transaction-in-transactions ends
local Storage = farside.Plugins.Storage
local function more(n)
  Storage.set("depth", n)
  return Storage.transaction(more, n + 1)
end
print(pcall(more, 1))
print(Storage.get "depth")

--@ transaction-that-enqueues-for-ever killed
farside.Plugins.Storage.transaction(function()
  while true do
    BackgroundTask.enqueue("k", ("x"):rep(1000))
    BackgroundTask.cancel { all = true }
  end
end)

--@ transaction-that-ends-the-app exits|ends
farside.Plugins.Storage.transaction(function()
  BackgroundTask.enqueue "k"
  App.exitApp()
  os.exit()
end)
