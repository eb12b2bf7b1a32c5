-- Errors that cross coroutines, and coroutines that are closed in odd places.
local co = coroutine.create(function()
  local _, e = pcall(function() coroutine.yield(1) error("late", 0) end)
  coroutine.yield(e)
  error { 1 }
end)
print(coroutine.resume(co))
print(coroutine.resume(co))
local ok, e = coroutine.resume(co)
print(ok, type(e), coroutine.status(co), (coroutine.close(co)))
print(pcall(coroutine.close, coroutine.running()))
local outer
outer = coroutine.create(function()
  return coroutine.resume(coroutine.create(function() return pcall(coroutine.close, outer) end))
end)
print(coroutine.resume(outer))
print(coroutine.resume(coroutine.running()))
local dead = coroutine.create(function() end)
coroutine.resume(dead)
print(coroutine.resume(dead))
print(coroutine.close(dead))
for i = 1, 3 do
  local c = coroutine.wrap(function() for j = 1, i do coroutine.yield(j) end error("end of " .. i, 0) end)
  repeat
    local fine, v = pcall(c)
    print(fine, v)
  until not fine
end
