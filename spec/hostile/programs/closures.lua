-- Closures and upvalues, shared, nested and made in loops.
local function counter(start)
  local n = start
  return function(by) n = n + (by or 1) return n end, function() return n end
end
local add, get = counter(5)
print(add(), add(10), get())
local all = {}
for i = 1, 5 do
  local j = i * i
  all[i] = function(x) j = j + x return i, j end
end
for i = 1, 5 do print(i, all[i](i), all[i](1)) end
local function compose(...)
  local fs = { ... }
  return function(x)
    for i = #fs, 1, -1 do x = fs[i](x) end
    return x
  end
end
print(compose(function(x) return x + 1 end, function(x) return x * 2 end, tostring)(21))
