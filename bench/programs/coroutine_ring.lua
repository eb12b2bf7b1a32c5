-- A token through a ring of coroutines, and coroutines made and run to an end.
local began <const> = os.clock()
local ring = {}
for i = 1, 500 do
  ring[i] = coroutine.wrap(function(token)
    while true do
      token = coroutine.yield(token + 1)
    end
  end)
end
local token = 0
for _ = 1, 8000 do
  for i = 1, #ring do
    token = ring[i](token)
  end
end
for i = 1, 400000 do
  token = token + select(2, coroutine.resume(coroutine.create(function(n) return n % 3 end), i))
end
print("check", token)
print("cpu_ns", (os.clock() - began) * 1e9)
