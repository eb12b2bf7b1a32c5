-- Who works beside an attack, and must come to the same results in its own time.

local farside = require "farside"
local BackgroundTask, Storage = farside.Plugins.BackgroundTask, farside.Plugins.Storage

local TIMES <const> = 20

local done = {}

local function finished(part, result)
  done[#done + 1] = part .. " " .. result
  if #done == 5 then
    table.sort(done)
    print("result: " .. table.concat(done, ", "))
  end
end

local function numbers(n)
  return coroutine.wrap(function()
    for i = 1, n do
      coroutine.yield(i)
    end
  end)
end

local function mix(sum, n)
  for i in numbers(50) do
    sum = (sum * 31 + i * n) % 1000000007
  end
  local words = {}
  for i = 1, 20 do
    words[i] = ("%d-%d"):format(sum % 1000 + i, n)
  end
  table.sort(words)
  return (sum + #table.concat(words):gsub("%d", "")) % 1000000007
end

local function timers()
  local fired, sum = 0, 1
  for i = 1, TIMES do
    setTimeout(function()
      fired = fired + 1
      sum = mix(sum, i)
      if fired == TIMES then
        finished("timers", sum)
      end
    end, i)
  end
end

local function interval()
  local ticks, sum, id = 0, 2, nil
  id = setInterval(function()
    ticks = ticks + 1
    sum = mix(sum, ticks)
    if ticks == TIMES then
      clearInterval(id)
      finished("interval", sum)
    end
  end, 1)
end

local function sleeper()
  local sum = 3
  for i = 1, TIMES do
    assert(farside.sleep(1))
    sum = mix(sum, i)
  end
  finished("sleeper", sum)
end

timers()
interval()
coroutine.wrap(sleeper)()
BackgroundTask.exec(function(task)
  local sum = 4
  for i = 1, TIMES do
    assert(farside.sleep(1))
    sum = mix(sum, i)
  end
  assert(task:finish())
  finished("task", sum)
end)
BackgroundTask.exec(function(task)
  local sum = 5
  for i = 1, TIMES do
    local id = Storage.transaction(function()
      assert(Storage.set("sum", sum))
      return assert(BackgroundTask.enqueue("never", sum, { delay = "1h" }))
    end)
    sum = mix(assert(Storage.get "sum"), i)
    assert(BackgroundTask.get(id).input == Storage.get "sum")
    assert(BackgroundTask.cancel { id = id } == 1)
  end
  assert(task:finish())
  finished("kept", sum)
end)
