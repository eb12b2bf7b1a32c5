-- table.sort, with and without a comparison of one's own.
local began <const> = os.clock()
local seed = 42
local function random()
  seed = (seed * 1103515245 + 12345) & 0x7fffffff
  return seed
end
local sum = 0
for _ = 1, 9 do
  local numbers, others = {}, {}
  for i = 1, 60000 do
    numbers[i] = random()
    others[i] = numbers[i]
  end
  table.sort(numbers)
  table.sort(others, function(a, b) return a > b end)
  for i = 1, #numbers, 1000 do
    sum = sum + numbers[i] - others[#others + 1 - i] + i
  end
end
print("check", sum)
print("cpu_ns", (os.clock() - began) * 1e9)
