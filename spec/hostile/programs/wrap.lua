-- coroutine.wrap, its values and its errors.
local gen = coroutine.wrap(function(a) while true do a = coroutine.yield(a * 2) end end)
print(gen(1), gen(2), gen(3))
local once = coroutine.wrap(function() return 1, 2, 3 end)
print(once())
print(pcall(once))
local fails = coroutine.wrap(function() coroutine.yield(1) error { code = 5 } end)
print(fails())
print(select(2, pcall(fails)).code)
print(pcall(coroutine.wrap(function() error "text" end)))
print(pcall(coroutine.wrap(function()
  coroutine.wrap(function() coroutine.wrap(function() error("deep", 0) end)() end)()
end)))
local function tree(n)
  if n > 0 then
    tree(n - 1)
    coroutine.yield(n)
    tree(n - 1)
  end
end
local out = {}
for n in coroutine.wrap(function() tree(5) end) do out[#out + 1] = n end
print(table.concat(out))
