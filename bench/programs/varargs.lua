-- Variable arguments: select, pack, unpack.
local began <const> = os.clock()
local function sum(...)
  local total = 0
  for i = 1, select("#", ...) do
    total = total + (select(i, ...))
  end
  return total
end
local function pass(...)
  return sum(table.unpack(table.pack(...)))
end
local total = 0
for i = 1, 1500000 do
  total = total + pass(i, 2, 3, 4, 5)
end
print("check", total)
print("cpu_ns", (os.clock() - began) * 1e9)
