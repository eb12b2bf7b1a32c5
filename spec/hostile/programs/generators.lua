-- Generators in generators.
local function each(t)
  return coroutine.wrap(function() for _, v in ipairs(t) do coroutine.yield(v) end end)
end
local function walk(t)
  return coroutine.wrap(function()
    for v in each(t) do
      if type(v) == "table" then
        for w in walk(v) do coroutine.yield(w) end
      else
        coroutine.yield(v)
      end
    end
  end)
end
local out = {}
for v in walk { 1, { 2, { 3, { 4, { 5 } } }, 6 }, 7 } do out[#out + 1] = v end
print(table.concat(out, " "))
local function permutations(a, n)
  n = n or #a
  return coroutine.wrap(function()
    if n <= 1 then coroutine.yield(table.concat(a)) return end
    for i = 1, n do
      a[n], a[i] = a[i], a[n]
      for p in permutations(a, n - 1) do coroutine.yield(p) end
      a[n], a[i] = a[i], a[n]
    end
  end)
end
for p in permutations { "a", "b", "c", "d" } do print(p) end
