-- Many short strings, made and joined.
local began <const> = os.clock()
local bytes = 0
for round = 1, 180 do
  local parts = {}
  for i = 1, 10000 do
    parts[i] = "item " .. i .. ":" .. (i * round) % 97
  end
  bytes = bytes + #table.concat(parts, ", ")
end
print("check", bytes)
print("cpu_ns", (os.clock() - began) * 1e9)
