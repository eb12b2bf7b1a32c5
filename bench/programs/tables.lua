-- Tables with fields, filled and dropped.
local began <const> = os.clock()
local sum = 0
for _ = 1, 200 do
  local rows = {}
  for i = 1, 10000 do
    rows[i] = { id = i, name = "row", tags = { i, i + 1 } }
  end
  for i = 1, #rows, 3 do
    rows[i] = nil
  end
  for _, row in pairs(rows) do
    sum = sum + row.id + #row.tags
  end
end
print("check", sum)
print("cpu_ns", (os.clock() - began) * 1e9)
