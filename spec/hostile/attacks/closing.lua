-- What runs when something is closed: __close, coroutine.close, dead tasks.

--@ close-loop killed
local _ <close> = setmetatable({}, { __close = function() while true do end end })
while true do
end

--@ close-in-wrap killed
coroutine.wrap(function()
  local _ <close> = setmetatable({}, { __close = function() while true do end end })
  while true do
  end
end)()

--@ close-suspended killed
local co = coroutine.create(function()
  local _ <close> = setmetatable({}, { __close = function() while true do end end })
  coroutine.yield()
end)
coroutine.resume(co)
coroutine.close(co)

--@ close-x200 killed
local m = { __close = function() while true do end end }
local function f(n)
  local _ <close> = setmetatable({}, m)
  if n > 0 then f(n - 1) end
  while true do
  end
end
f(150)

--@ close-in-error killed
local m = { __close = function() while true do end end }
pcall(function()
  local _ <close> = setmetatable({}, m)
  error "out"
end)

--@ close-uncaught killed
-- Nobody catches it: the host closes what is open, and it has no end.
local _ <close> = setmetatable({}, { __close = function() while true do end end })
error("out", 0)

--@ close-errors ends
local m = { __close = function(_, e) error(e, 0) end }
local function f(n)
  local _ <close> = setmetatable({}, m)
  if n == 0 then error "first" end
  f(n - 1)
end
print(pcall(f, 100))

--@ close-errors-without-end killed
local m = {}
m.__close = function()
  local _ <close> = setmetatable({}, m)
  error "again"
end
while true do
  pcall(function() local _ <close> = setmetatable({}, m) end)
end

--@ close-chain-40000 killed|ends
-- Lua 5.4.4 does not count how deep this goes.
local co
for _ = 1, 40000 do
  local inner = co
  co = coroutine.create(function()
    local _ <close> = setmetatable({}, { __close = function() if inner then coroutine.close(inner) end end })
    coroutine.yield()
  end)
  coroutine.resume(co)
end
print(coroutine.close(co))

--@ close-chain-wrap killed|ends
local f
for _ = 1, 20000 do
  local inner = f
  f = coroutine.wrap(function()
    local _ <close> = setmetatable({}, { __close = function() if inner then inner() end end })
    coroutine.yield()
    error "close"
  end)
  f()
end
print(pcall(f))

--@ close-yields ends
local co = coroutine.wrap(function()
  local _ <close> = setmetatable({}, { __close = function() coroutine.yield "from close" end })
end)
print(co())
print(pcall(co))

--@ close-sort killed
coroutine.wrap(function()
  local _ <close> = setmetatable({}, { __close = function() table.sort({ 3, 2, 1 }, function() while true do end end) end })
  error "x"
end)()

--@ sort-in-wrap-close killed
coroutine.wrap(function()
  local _ <close> = setmetatable({}, { __close = function() while true do end end })
  table.sort({ 3, 2, 1 }, function() while true do end end)
end)()

--@ close-of-expired-sleeper any
-- The task is finished, and what slept in it is closed by the host.
BackgroundTask.exec(function(task)
  for _ = 1, 3 do
    coroutine.wrap(function()
      local _ <close> = setmetatable({}, { __close = function() while true do end end })
      farside.sleep(1e6)
    end)()
  end
  task:finish()
end)

--@ close-of-sleepers-400 any
-- Each of them has to be closed by the host, and none of them wants to.
local function sleeper()
  local _ <close> = setmetatable({}, { __close = function() while true do end end })
  farside.sleep(1e6)
end
BackgroundTask.exec(function(task)
  for _ = 1, 400 do coroutine.wrap(sleeper)() end
  task:finish()
end)

--@ close-pattern any
BackgroundTask.exec(function(task)
  coroutine.wrap(function()
    local _ <close> = setmetatable({}, { __close = function() string.find(("a"):rep(40), ("a?"):rep(40) .. ("a"):rep(40)) end })
    farside.sleep(1e6)
  end)()
  task:finish()
end)

--@ close-exec-again any
-- A fork bomb of closings.
local function again()
  BackgroundTask.exec(function(task)
    coroutine.wrap(function()
      local _ <close> = setmetatable({}, { __close = again })
      farside.sleep(1e6)
    end)()
    task:finish()
  end)
end
again()

--@ close-own-task any
BackgroundTask.exec(function(task)
  local _ <close> = setmetatable({}, { __close = function() task:finish() while true do end end })
  coroutine.wrap(function()
    local _ <close> = setmetatable({}, { __close = function() task:finish() end })
    farside.sleep(1e6)
  end)()
  farside.sleep(1)
  error "x"
end)

--@ gc-finalizer ends
setmetatable({}, { __gc = function() while true do end end })

--@ gc-at-close ends
G = setmetatable({}, { __gc = function() while true do end end })

--@ gc-added-later ends
local m = {}
local t = setmetatable({}, m)
m.__gc = function() while true do end end
t = nil
for _ = 1, 1000 do t = {} end

--@ gc-hidden ends
-- __gc appears between the check and the use: there is no such moment.
local m = setmetatable({}, { __index = { __gc = function() while true do end end } })
for _ = 1, 1000 do setmetatable({}, m) end
