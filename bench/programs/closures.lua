-- Closures, made and called.
local began <const> = os.clock()
local function counter(step)
  local n = 0
  return function()
    n = n + step
    return n
  end
end
local sum = 0
for i = 1, 4000000 do
  local next_of = counter(i % 7)
  next_of()
  sum = sum + next_of()
end
print("check", sum)
print("cpu_ns", (os.clock() - began) * 1e9)
