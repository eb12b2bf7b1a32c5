-- __index and __newindex, as tables, functions and chains.
local log = {}
local base = { x = 1, f = function() return "base" end }
local middle = setmetatable({ y = 2 }, { __index = base })
local top = setmetatable({}, {
  __index = middle,
  __newindex = function(t, k, w) log[#log + 1] = k rawset(t, k, w) end,
})
print(top.x, top.y, top.f(), top.z)
top.a = 1
top.a = 2
top.b = 3
print(table.concat(log, ","), top.a, top.b)
local proxy = setmetatable({}, { __index = function(_, k) return k * 2 end, __newindex = base })
print(proxy[21], proxy[1.5])
proxy.x = 5
print(base.x, rawget(proxy, "x"))
local class = {}
class.__index = class
function class.new(n) return setmetatable({ n = n }, class) end
function class:add(k) self.n = self.n + k return self end
print(class.new(1):add(2):add(3).n)
local fib = setmetatable({ [0] = 0, 1 }, {})
getmetatable(fib).__index = function(t, n) local r = t[n - 1] + t[n - 2] t[n] = r return r end
print(fib[60])
