-- Closing that yields, and closing of coroutines.
local function closer(name, yields)
  return setmetatable({}, { __close = function(_, e)
    if yields then coroutine.yield("closing " .. name) end
    print("closed", name, e)
  end })
end
local co = coroutine.wrap(function()
  local _ <close> = closer("a", true)
  coroutine.yield "in"
  return "out"
end)
print(co())
print(co())
print(co())
local c2 = coroutine.create(function()
  local _ <close> = closer "b"
  local _ <close> = closer "c"
  coroutine.yield(1)
end)
print(coroutine.resume(c2))
print(coroutine.close(c2), coroutine.status(c2))
local c3 = coroutine.create(function()
  local _ <close> = setmetatable({}, { __close = function() error("bad close", 0) end })
  coroutine.yield()
end)
coroutine.resume(c3)
print(coroutine.close(c3))
print(coroutine.close(coroutine.create(print)))
local c4 = coroutine.wrap(function()
  return pcall(function()
    local _ <close> = closer("e", true)
    error("err", 0)
  end)
end)
print(c4())
print(c4())
