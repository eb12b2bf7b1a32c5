-- Generic for with a closing value, left and finished, in coroutines.
local function items(n, log)
  local i = 0
  return function()
    i = i + 1
    if i <= n then
      coroutine.yield("step " .. i)
      return i
    end
  end, nil, nil, setmetatable({}, { __close = function() log[#log + 1] = "closed at " .. i end })
end
local log, n = {}, 0
for _ in coroutine.wrap(function()
  for i in items(3, log) do log[#log + 1] = i end
  for i in items(3, log) do if i == 2 then break end end
  pcall(function() for i in items(3, log) do if i == 2 then error "x" end end end)
  local function find() for i in items(5, log) do if i == 4 then return i end end end
  log[#log + 1] = "found " .. find()
end) do
  n = n + 1
end
print(n, table.concat(log, ", "))
