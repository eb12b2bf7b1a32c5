-- Memoize, curry, map, fold: functions of functions.
local function memoize(f)
  local known = {}
  return function(n)
    local v = known[n]
    if v == nil then
      v = f(n)
      known[n] = v
    end
    return v
  end
end
local fact
fact = memoize(function(n) if n < 2 then return 1 end return n * fact(n - 1) end)
print(fact(20), fact(10))
local function map(t, f) local r = {} for i, v in ipairs(t) do r[i] = f(v) end return r end
local function fold(t, f, acc) for _, v in ipairs(t) do acc = f(acc, v) end return acc end
print(table.concat(map({ 1, 2, 3 }, function(x) return x * x end), " "))
print(fold({ 1, 2, 3, 4 }, function(a, b) return a * b end, 1))
local function Y(f)
  return (function(x) return x(x) end)(function(x) return f(function(...) return x(x)(...) end) end)
end
print(Y(function(self) return function(n) if n == 0 then return 1 end return n * self(n - 1) end end)(10))
