-- goto in all directions.
for i = 1, 3 do
  for j = 1, 3 do
    if j == 2 then goto continue end
    if i == 3 then goto done end
    print(i, j)
    ::continue::
  end
end
::done::
do
  local n = 0
  ::top::
  n = n + 1
  local k = n
  local f = function() return k end
  if n < 5 then goto top end
  print(n, f())
end
local fs = {}
do
  local i = 1
  ::again::
  local up = i * 2
  fs[i] = function() up = up + 1 return up end
  i = i + 1
  if i <= 3 then goto again end
end
print(fs[1](), fs[2](), fs[3](), fs[1]())
