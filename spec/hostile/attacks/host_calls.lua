-- What the host offers, taken too often, too large, or at the wrong moment.

--@ call-timers killed
while true do clearTimeout(setTimeout(print, 1e6)) end

--@ call-timers-bomb killed|ends
for _ = 1, 1e9 do setTimeout(print, 1) end

--@ call-timers-bomb-far killed|ends
for _ = 1, 1e9 do setTimeout(print, 1e9) end

--@ call-timers-bomb-pcall killed
while true do pcall(setTimeout, print, 1e6) end

--@ call-timer-arguments killed|ends
while true do setTimeout(print, 1e6, table.unpack({}, 1, 1000)) end

--@ call-timer-million-arguments any
pcall(setTimeout, print, 1, table.unpack({}, 1, 240000))
pcall(setInterval, print, 1, table.unpack({}, 1, 240000))

--@ call-timer-chain any
local function again() setTimeout(again, 1) setTimeout(again, 1) end
again()

--@ call-interval-storm any
for _ = 1, 1000 do setInterval(function() for _ = 1, 1000 do end end, 1) end

--@ call-interval-hog any
for _ = 1, 200 do setInterval(function() for _ = 1, 200000 do end end, 1) end

--@ call-interval-clears any
local ids = {}
for i = 1, 100 do
  ids[i] = setInterval(function()
    for j = 1, 100 do clearInterval(ids[j]) ids[j] = setInterval(print, 1) end
  end, 1)
end

--@ call-timer-clears-itself killed
local id
id = setInterval(function() clearInterval(id) while true do end end, 1)

--@ call-listeners killed
while true do App.addListener("pause", print):remove() end

--@ call-listeners-bomb killed|ends
while true do App.addListener("resume", print) end

--@ call-listeners-remove-all killed
while true do
  for _ = 1, 100 do App.once("pause", print) end
  App.removeAllListeners()
end

--@ call-listener-launch killed
App.addListener("launch", function() while true do end end)

--@ call-listener-names ends
print(pcall(App.addListener, ("x"):rep(1000000), print), pcall(App.addListener, "pause"), pcall(App.addListener, App, "pause", print))

--@ call-exec killed|ends
while true do BackgroundTask.finish { taskId = BackgroundTask.exec(print) } end

--@ call-exec-bomb killed|ends
while true do BackgroundTask.exec(function() end) end

--@ call-exec-fork any
local function fork() BackgroundTask.exec(fork) BackgroundTask.exec(fork) end
fork()

--@ call-exec-fork-finish any
local function fork(task) BackgroundTask.exec(fork) BackgroundTask.exec(fork) if task then task:finish() end end
fork()

--@ call-exec-names ends
-- What the host keeps of a task is more than the script pays for.
local name = ("n"):rep(3000000)
for i = 1, 1e9 do BackgroundTask.exec(print, { name = name }) end

--@ call-exec-names-finished ends
local name = ("n"):rep(3000000)
while true do BackgroundTask.finish { taskId = BackgroundTask.exec(print, { name = name }) } end

--@ call-exec-origins killed|ends
local f = load("local exec = ... while true do exec(print) end", "@" .. ("o"):rep(3000000))
f(BackgroundTask.exec)

--@ call-exec-options killed
local options = setmetatable({}, { __index = function() while true do end end })
BackgroundTask.exec(print, options)

--@ call-exec-options-large killed|ends
local options = {}
for i = 1, 10000 do options["o" .. i] = i end
print(pcall(BackgroundTask.exec, print, options))
print(pcall(BackgroundTask.exec, print, { budget = ("9"):rep(100000) .. "s" }), pcall(BackgroundTask.exec, print, { budget = "1" }))
print(pcall(BackgroundTask.exec, print, { onExpire = 1 }))

--@ call-finish-absurd ends
for _, id in ipairs { 0, -1, math.mininteger, math.maxinteger, 1.5, 0 / 0, 1e300, "1", {} } do
  print(pcall(BackgroundTask.finish, { taskId = id }))
end
print(pcall(BackgroundTask.finish, setmetatable({}, { __index = { taskId = 1 } })), pcall(BackgroundTask.finish))

--@ call-list killed|ends
for _ = 1, 2000 do BackgroundTask.exec(function() farside.sleep(1e6) end) end
while true do BackgroundTask.list() end

--@ task-loop task
BackgroundTask.exec(function() while true do end end)

--@ task-loops task
for _ = 1, 5 do BackgroundTask.exec(function() while true do end end) end

--@ task-timer-loop task
BackgroundTask.exec(function() setTimeout(function() while true do end end, 1) end)

--@ task-sleep-loop task
BackgroundTask.exec(function()
  farside.sleep(1)
  pcall(function() while true do pcall(function() while true do end end) end end)
end)

--@ task-slow task
-- Each turn is short, and there is no end of them.
BackgroundTask.exec(function()
  while true do
    for _ = 1, 100000 do end
    farside.sleep(1)
  end
end)

--@ task-slow-interval task
BackgroundTask.exec(function()
  setInterval(function() for _ = 1, 200000 do end end, 1)
end)

--@ task-sort task
BackgroundTask.exec(function() table.sort({ 3, 2, 1 }, function() while true do end end) end)

--@ task-nested-exec any
BackgroundTask.exec(function() BackgroundTask.exec(function() while true do end end) while true do end end)

--@ task-error ends
BackgroundTask.exec(function() error(setmetatable({}, { __tostring = function() while true do end end })) end)

--@ task-pattern any
BackgroundTask.exec(function() string.find(("a"):rep(40), ("a?"):rep(40) .. ("a"):rep(40)) end)

--@ task-again any
-- Whoever loses only its task begins the next one.
setInterval(function()
  BackgroundTask.exec(function() table.sort({ 3, 2, 1 }, function() while true do end end) end)
end, 1)

--@ task-on-expire any
BackgroundTask.exec(function(task)
  task:onExpire(function() while true do end end)
  while true do
  end
end, { budget = "1s", onExpire = function() while true do end end })

--@ task-in-require task
package.preload.slow = function() while true do end end
BackgroundTask.exec(function() require "slow" end)

--@ leak-search-deep any
-- Who holds the id? A coroutine of a hundred thousand frames, perhaps.
local function deep(n) if n == 0 then coroutine.yield() end return 1 + deep(n - 1) end
KEEP = coroutine.create(deep)
coroutine.resume(KEEP, 100000)
BackgroundTask.exec(function() end)

--@ leak-search-strings any
-- Or one of a million places where the same text of numbers is.
local text, t = ("1 "):rep(2000), {}
for i = 1, 400000 do t[i] = text end
KEEP = t
BackgroundTask.exec(function() end)

--@ leak-search-large any
local t = {}
for i = 1, 100000 do t[i] = { i } end
KEEP = t
setInterval(function() BackgroundTask.exec(function(task) KEPT = task.taskId end) end, 1)

--@ leak-search-empty any
local t = {}
for i = 1, 130000 do t[i * 1.5] = i end
for i = 1, 130000 do t[i * 1.5] = nil end
KEEP = t
setInterval(function() BackgroundTask.exec(function() end) end, 1)

--@ sleep-million killed|ends
while true do coroutine.wrap(function() farside.sleep(1e6) end)() end

--@ sleep-million-soon any
for _ = 1, 3000 do coroutine.wrap(function() while true do farside.sleep(1) end end)() end

--@ sleep-resumed-by-hand killed
local co = coroutine.create(function() while true do pcall(farside.sleep, 1e6) end end)
while true do coroutine.resume(co) end

--@ sleep-nested any
local function nest(n) if n == 0 then farside.sleep(1e6) end pcall(coroutine.wrap(function() pcall(nest, n - 1) end)) end
for _ = 1, 50 do pcall(nest, 50) end

--@ sleep-closed-by-hand killed|ends
while true do
  local co = coroutine.create(function() farside.sleep(1) end)
  coroutine.resume(co)
  coroutine.close(co)
end

--@ sleep-absurd ends
print(pcall(farside.sleep, 0 / 0), pcall(farside.sleep), pcall(farside.sleep, {}), pcall(table.sort, { 2, 1 }, function() farside.sleep(1) end))

--@ sleep-then-killed killed
farside.sleep(1)
while true do
end

--@ sleep-in-close any
local _ <close> = setmetatable({}, { __close = function() farside.sleep(1) while true do end end })
farside.sleep(1)
error "x"

--@ print-flood killed
while true do print "x" end

--@ print-huge killed|ends
for _ = 1, 5 do print(pcall(print, ("x"):rep(4000000))) end
for _ = 1, 5 do pcall(Log.info, ("x"):rep(3900000), ("y"):rep(100)) end

--@ print-zeros killed|ends
pcall(print, ("\0"):rep(1500000))
pcall(io.write, ("\0"):rep(1500000))

--@ print-lines killed
io.write(("\n"):rep(3000000))

--@ print-without-newline killed
while true do io.write "x" end

--@ print-metamethods killed
print(setmetatable({}, { __tostring = function() while true do end end }))

--@ print-names ends
print(setmetatable({}, { __name = ("x"):rep(1000000) }))

--@ log-flood killed
while true do Log.debug("x", 1, true, nil) end

--@ post-self killed
while true do farside.postMessage(farside.name, "x") end

--@ post-self-heard any
App.addListener("message", function() for _ = 1, 10 do farside.postMessage(farside.name, "x") end end)
farside.postMessage(farside.name, "x")

--@ post-host killed
while true do farside.postMessage("host", { 1, 2, 3 }) end

--@ post-nobody killed
while true do farside.postMessage("nobody", 1) farside.postMessage(("n"):rep(10000), 1) end

--@ post-neighbours killed
while true do
  for _, name in ipairs(farside.scripts()) do farside.postMessage(name, { n = 1, s = ("x"):rep(10000) }) end
end

--@ post-neighbours-large killed
local text = ("x"):rep(1000000)
while true do
  for _, name in ipairs(farside.scripts()) do farside.postMessage(name, text) end
end

--@ post-deep killed|ends
local t = {}
for _ = 1, 100000 do t = { t } end
print(pcall(farside.postMessage, farside.name, t))
local loop = {}
loop[1] = loop
print(pcall(farside.postMessage, farside.name, loop))

--@ post-many-times-the-same killed|ends
local t = { 1, 2, 3, 4, 5, 6, 7, 8 }
for _ = 1, 20 do t = { t, t, t, t } end
while true do pcall(farside.postMessage, farside.name, t) end

--@ post-empty-giants killed|ends
-- An empty table may take long to be found empty.
local empty = {}
for i = 1, 130000 do empty[i * 1.5] = true end
for i = 1, 130000 do empty[i * 1.5] = nil end
local t = {}
for i = 1, 200000 do t[i] = empty end
print(pcall(farside.postMessage, farside.name, t))

--@ post-odd ends
for _, value in ipairs { 0 / 0, math.huge, print, coroutine.running(), "\xff", { [1] = 1, x = 1 }, { [1.5] = 1 }, { ["a\0b"] = 1 } } do
  print(pcall(farside.postMessage, farside.name, value))
end

--@ usage-loop killed
while true do farside.usage() farside.scripts() App.getState() App.getInfo() BackgroundTask.timeRemaining() end

--@ run-again ends
print(pcall(farside.run))
farside.run()

--@ run-in-callback ends
setTimeout(function() print(pcall(farside.run)) end, 1)

--@ exit-in-pcall exits
while true do pcall(os.exit) end

--@ exit-in-coroutines exits
local function nest(n) if n == 0 then os.exit() end pcall(coroutine.wrap(nest), n - 1) while true do end end
nest(30)

--@ exit-in-close exits
coroutine.wrap(function()
  local _ <close> = setmetatable({}, { __close = function() pcall(os.exit) while true do end end })
  error "x"
end)()

--@ exit-in-handler exits
xpcall(error, function() pcall(os.exit, true, true) while true do end end)

--@ exit-in-sort exits
while true do pcall(table.sort, { 3, 2, 1 }, function() pcall(os.exit) while true do end end) end

--@ exit-in-gsub exits
while true do string.gsub(("x"):rep(1000), ".", function() pcall(os.exit, 3) end) end

--@ exit-app exits
App.exitApp()
while true do App.exitApp() farside.sleep(1) end
