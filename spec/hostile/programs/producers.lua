-- Producer, filter, consumer; and a scheduler.
local function producer(n)
  return coroutine.create(function() for i = 1, n do coroutine.yield("item " .. i) end end)
end
local function filter(from)
  return coroutine.create(function()
    for line = 1, math.huge do
      local _, x = coroutine.resume(from)
      if not x then return end
      coroutine.yield(line .. ": " .. x)
    end
  end)
end
local p = filter(filter(producer(4)))
while true do
  local _, x = coroutine.resume(p)
  if not x then break end
  print(x)
end
local queue, log = {}, {}
for i = 1, 3 do
  queue[i] = coroutine.create(function()
    for j = 1, i + 1 do
      log[#log + 1] = i .. "." .. j
      coroutine.yield()
    end
  end)
end
while #queue > 0 do
  local co = table.remove(queue, 1)
  coroutine.resume(co)
  if coroutine.status(co) ~= "dead" then queue[#queue + 1] = co end
end
print(table.concat(log, " "))
