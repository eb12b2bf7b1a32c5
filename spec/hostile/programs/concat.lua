-- Long concatenations with metamethods in the middle, and long argument lists.
-- All of it at the bottom of many calls: Lua 5.4.4 goes wrong where the stack
-- grows within a __concat, in plain Lua too, and there the collector leaves it
-- room enough.
local function all()
  local function text(x) return type(x) == "table" and x.s or x end
  local m = { __concat = function(a, b) return text(a) .. "+" .. text(b) end }
  local function o(s) return setmetatable({ s = s }, m) end
  print("a" .. "b" .. o "c" .. "d" .. 1 .. 2.0 .. o "e" .. "f")
  print(o "x" .. o "y" .. o "z", ("p" .. o "q") .. ("r" .. o "s"))
  local t = {}
  for i = 1, 60 do t[i] = i end
  print(select("#", table.unpack(t)), math.max(table.unpack(t)), (string.char(table.unpack(t, 33, 60))))
  local big = { table.unpack(t), table.unpack(t) }
  print(#big, big[60])
end
local function deep(n)
  if n > 0 then deep(n - 1) else all() end
  return n -- No tail call: the frames stay.
end
deep(50)
