-- A sieve of coroutines, each a filter of the next.
local function numbers()
  return coroutine.wrap(function() local i = 2 while true do coroutine.yield(i) i = i + 1 end end)
end
local function filter(p, from)
  return coroutine.wrap(function()
    while true do
      local n = from()
      if n % p ~= 0 then coroutine.yield(n) end
    end
  end)
end
local from, primes = numbers(), {}
for i = 1, 15 do
  local p = from()
  primes[i] = p
  from = filter(p, from)
end
print(table.concat(primes, ","))
