-- What computes in another coroutine than the one that was looked at.

--@ coroutine killed
coroutine.wrap(function() while true do end end)()

--@ co-nested-100 killed
local function nest(depth)
  if depth == 0 then
    while true do
    end
  end
  coroutine.wrap(nest)(depth - 1)
end
nest(100)

--@ co-nested-too-deep ends
local function nest() coroutine.wrap(nest)() end
nest()

--@ co-nested-too-deep-pcall killed
local function nest() pcall(coroutine.wrap(function() pcall(nest) while true do end end)) end
nest()

--@ co-resume-loop killed
while true do
  coroutine.resume(coroutine.create(function()
    while true do
    end
  end))
end

--@ co-preexisting killed
local co = coroutine.create(function()
  while true do
    for _ = 1, 1000 do end
    coroutine.yield()
  end
end)
while true do
  coroutine.resume(co)
end

--@ co-ping-pong killed
local a, b
a = coroutine.wrap(function() while true do coroutine.yield(b()) end end)
b = coroutine.wrap(function() while true do coroutine.yield() end end)
while true do a() end

--@ co-wrap-iterator killed
for _ in coroutine.wrap(function() while true do coroutine.yield(1) end end) do
end

--@ co-iterators-of-iterators killed
local function each(n)
  return coroutine.wrap(function()
    if n == 0 then while true do coroutine.yield(1) end end
    for x in each(n - 1) do coroutine.yield(x) end
  end)
end
for _ in each(50) do
end

--@ co-yield-across-pcall killed
local co = coroutine.wrap(function()
  while true do pcall(function() coroutine.yield() error "x" end) end
end)
while true do co() end

--@ co-create-churn killed
while true do
  local co = coroutine.wrap(function(...) coroutine.yield(...) end)
  co(1, 2, 3)
end

--@ co-create-keep killed|ends
local all = {}
while true do
  local co = coroutine.create(function() coroutine.yield() end)
  coroutine.resume(co)
  all[#all + 1] = co
end

--@ co-create-keep-pcall killed
local all = {}
while true do
  pcall(function()
    local co = coroutine.create(function() coroutine.yield() end)
    all[#all + 1] = co
    coroutine.resume(co)
  end)
end

--@ co-close-itself ends
local co
co = coroutine.create(function() print(pcall(coroutine.close, co)) end)
coroutine.resume(co)
print(pcall(coroutine.close, coroutine.running()))

--@ co-close-normal ends
local outer = coroutine.running()
coroutine.wrap(function() print(pcall(coroutine.close, outer)) end)()

--@ co-close-loop killed
while true do
  local co = coroutine.create(function()
    local _ <close> = setmetatable({}, { __close = function() end })
    coroutine.yield()
  end)
  coroutine.resume(co)
  coroutine.close(co)
end

--@ co-resume-itself ends
local co = coroutine.running()
print(coroutine.resume(co))
print(coroutine.resume(coroutine.create(function() return coroutine.resume(co) end)))

--@ co-yield-in-comparator ends
print(pcall(table.sort, { 3, 2, 1 }, coroutine.yield))
print(pcall(string.gsub, "abc", ".", coroutine.yield))

--@ co-gsub-resume killed
local co = coroutine.wrap(function() while true do coroutine.yield("x") end end)
while true do
  local _ = ("aaaa"):gsub(".", function() return co() end)
end

--@ co-sort-resume killed
coroutine.wrap(function()
  table.sort({ 3, 2, 1 }, function()
    coroutine.wrap(function() while true do end end)()
  end)
end)()

--@ co-loop-in-both killed
local inner = coroutine.create(function() while true do end end)
local function outer()
  coroutine.resume(inner)
  while true do coroutine.resume(inner) end
end
while true do pcall(coroutine.wrap(outer)) end

--@ co-resume-stopped task
-- What a stopped task leaves behind must not be brought back to life.
local left
BackgroundTask.exec(function()
  left = coroutine.create(function() while true do end end)
  coroutine.resume(left)
end)
setTimeout(function()
  if not left then return end
  for _ = 1, 100 do
    pcall(coroutine.resume, left)
    pcall(coroutine.close, left)
    pcall(coroutine.status, left)
    pcall(debug.traceback, left)
  end
end, 150)

--@ co-status-storm killed
local all = {}
for i = 1, 100 do all[i] = coroutine.create(function() while true do coroutine.yield(coroutine.status(all[1])) end end) end
while true do
  for _, co in ipairs(all) do coroutine.resume(co) coroutine.status(co) coroutine.isyieldable() coroutine.running() end
end

--@ co-many-results killed|ends
local co = coroutine.wrap(function()
  while true do coroutine.yield(table.unpack({}, 1, 200000)) end
end)
while true do select("#", co()) end

--@ co-recursion-in-each killed
local function deep(n) if n == 0 then coroutine.yield() else return 1 + deep(n - 1) end end
while true do
  local co = coroutine.wrap(deep)
  co(10000)
end
