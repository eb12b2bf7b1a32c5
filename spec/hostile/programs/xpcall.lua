-- Handlers, and what they return.
print(xpcall(function() error("x", 0) end, function(m) return m .. "!" end))
print(xpcall(function(...) return select("#", ...), ... end, print, 1, nil, 3))
print(xpcall(error, function(m) return type(m) end, { 1 }))
local depth = 0
local function handler(m) depth = depth + 1 return m .. depth end
for _ = 1, 3 do print(xpcall(error, handler, "e")) end
print(xpcall(function() return xpcall(error, function(m) return "in " .. m end, "x") end, print))
print(xpcall(function()
  coroutine.wrap(function() error("inner", 0) end)()
end, function(m) return "out " .. m end))
