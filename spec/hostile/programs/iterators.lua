-- Generic for: functions, closures, __pairs, __call, state.
local function range(n, i)
  i = i + 1
  if i <= n then return i, i * i end
end
for i, s in range, 4, 0 do print(i, s) end
local function step(_, k)
  k = (k or 0) + 1
  if k < 4 then return k, "v" .. k end
end
for k, v in pairs(setmetatable({}, { __pairs = function() return step end })) do print(k, v) end
local c = setmetatable({ n = 0 }, { __call = function(self)
  self.n = self.n + 1
  if self.n < 4 then return self.n end
end })
for n in c do print(n) end
local lazy = setmetatable({}, { __index = function(_, i) if i < 4 then return i * 10 end end })
for i, v in ipairs(lazy) do print(i, v) end
local keys = {}
for k in pairs { a = 1, b = 2, 10, 20 } do keys[#keys + 1] = tostring(k) end
table.sort(keys)
print(table.concat(keys, " "))
local u = { 1, 2, 3, a = 4 }
for k in pairs(u) do u[k] = nil end
print(next(u))
