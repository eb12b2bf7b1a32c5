-- Numeric for: integers, floats, steps, edges.
local out = {}
for i = 1, 5 do out[#out + 1] = i end
for i = 5, 1, -2 do out[#out + 1] = i end
for _ = 1, 0 do out[#out + 1] = "never" end
for i = 1.0, 2.0, 0.25 do out[#out + 1] = i end
for i = 3, 1.5, -0.5 do out[#out + 1] = i end
for i = math.maxinteger - 1, math.maxinteger do out[#out + 1] = i end
for i = math.mininteger, math.mininteger + 1 do out[#out + 1] = i end
for i = 1, math.huge do
  if i > 3 then break end
  out[#out + 1] = -i
end
print(table.concat(out, " "))
print(pcall(function() for _ = 1, 10, 0 do print "never" end end))
print(pcall(function() for _ = "a", 10 do print "never" end end))
local n = 0
for _ = 1, 100 do
  for _ = 1, 10 do n = n + 1 end
end
print(n)
