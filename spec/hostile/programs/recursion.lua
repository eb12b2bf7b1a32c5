-- Deep recursion.
local function depth(n) if n == 0 then return 0 end return 1 + depth(n - 1) end
print(depth(3000))
local function ack(m, n)
  if m == 0 then return n + 1 end
  if n == 0 then return ack(m - 1, 1) end
  return ack(m - 1, ack(m, n - 1))
end
print(ack(2, 4))
local function hanoi(n, a, b, c)
  if n == 0 then return 0 end
  return hanoi(n - 1, a, c, b) + 1 + hanoi(n - 1, c, b, a)
end
print(hanoi(7, "a", "b", "c"))
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(13))
