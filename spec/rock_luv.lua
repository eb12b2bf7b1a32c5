-- farside.loop(): luv and Farside on one loop, in plain Lua. Run by rock_test.sh.

local farside = require "farside"
local BackgroundTask = farside.Plugins.BackgroundTask

assert(not pcall(coroutine.wrap(farside.loop)), "luv would keep a coroutine")
local uv = assert(farside.loop())
assert(uv == require "luv" and uv == farside.loop())

local said = {}
local function say(...)
  said[#said + 1] = table.concat({ ... }, " ")
end

-- A server of luv's, and a task that talks to it.
local server = uv.new_tcp()
server:bind("127.0.0.1", 0)
server:listen(8, function()
  local peer = uv.new_tcp()
  server:accept(peer)
  peer:read_start(function(_, data)
    if data then
      peer:write(data:upper())
    else
      peer:close()
    end
  end)
end)

BackgroundTask.exec(function(task)
  local client = uv.new_tcp()
  farside.await(function(done) client:connect("127.0.0.1", server:getsockname().port, done) end)
  farside.sleep(20)
  client:write "hello"
  say("task", select(2, farside.await(function(done) client:read_start(done) end)))
  client:close()
  server:close()
  task:finish()
end)

-- A callback of luv's uses Farside, and may not run the loop in the loop.
local timer = uv.new_timer()
timer:start(1, 0, function()
  timer:close()
  for _, run in ipairs { uv.run, farside.run } do
    assert(select(2, pcall(run)):find("is running already", 1, true))
  end
  for _, name in ipairs { "stop", "walk", "loop_close", "loop_configure" } do
    assert(select(2, pcall(uv[name], print)):find("not for a loop", 1, true))
  end
  coroutine.wrap(function()
    farside.sleep(1)
    say "slept in luv"
  end)()
end)

assert(uv.run() == true) -- farside.run(): until the server and the task are gone.
assert(table.concat(said, ", ") == "slept in luv, task HELLO", table.concat(said, ", "))

-- It waits for what luv waits for, and not for what luv does not.
local late, began = uv.new_timer(), uv.hrtime()
late:start(50, 0, function() late:close() end)
local forgotten = uv.new_timer()
forgotten:start(1e9, 0, print)
forgotten:unref()
assert(farside.run())
local took = (uv.hrtime() - began) / 1e6
assert(took >= 49 and took < 10000, took)

-- The end of the interpreter closes what is left, in either order.
uv.new_timer():start(1e9, 0, print)
print "fine"
os.exit(true, true)
