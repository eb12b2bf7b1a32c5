-- Varargs: passed on, counted, adjusted, with holes.
local function count(...) return select("#", ...) end
local function pass(...) return ... end
print(count(), count(nil), count(nil, nil), count(pass(1, nil, 3, nil)))
print(pass(1, 2, 3), pass(4, 5), (pass(6, 7)))
print((select(-1, 1, 2, 3)), table.pack(pass(nil, 2, nil)).n)
local function sum(first, ...)
  if not first then return 0 end
  return first + sum(...)
end
print(sum(table.unpack({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 })))
local t = { pass(1, 2, 3), pass(4, 5, 6) }
print(#t, t[1], t[2], t[4])
local function swap(a, b, ...) return b, a, ... end
print(swap(swap(1, 2, 3, 4)))
print((function(...) local a, b, c = ... return c, b, a end)(1, 2))
