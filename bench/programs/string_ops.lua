-- The string library: find, gsub, gmatch, format.
local began <const> = os.clock()
local text = ("The quick brown fox jumps over 13 lazy dogs; key = value, "):rep(40)
local count = 0
for round = 1, 1200 do
  local at = 1
  while true do
    local first, last = text:find("%a+%s*=%s*%a+", at)
    if not first then
      break
    end
    at, count = last + 1, count + 1
  end
  count = count + select(2, text:gsub("%w+", string.upper))
  for word in text:gmatch "%d+" do
    count = count + #word
  end
  for i = 1, 200 do
    count = count + #string.format("%05d %s %.3f", i, "x", i / round)
  end
end
print("check", count)
print("cpu_ns", (os.clock() - began) * 1e9)
