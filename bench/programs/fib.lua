-- Calls of Lua functions.
local began <const> = os.clock()

local function fib(n)
  if n < 2 then
    return n
  end
  return fib(n - 1) + fib(n - 2)
end

print("check", fib(35))
print("cpu_ns", (os.clock() - began) * 1e9)
