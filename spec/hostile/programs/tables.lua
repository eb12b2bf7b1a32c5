-- The table library.
local t = { 1, 2, 3 }
table.insert(t, 4)
table.insert(t, 1, 0)
print(table.concat(t, ","), table.remove(t), table.remove(t, 1), #t)
print(table.unpack(t))
print(table.unpack(t, 1, 5))
print(table.concat(table.move({ 1, 2, 3, 4 }, 2, 4, 1), ","), table.concat(table.move({ 1, 2, 3 }, 1, 3, 3), ","))
print(table.concat({}, "x"), table.concat({ 1 }, "x"), table.concat({ 1, 2, 3 }, "-", 2, 3))
print(pcall(table.concat, { 1, {}, 3 }))
print(pcall(table.insert, { 1 }, 5, 2))
local p = setmetatable({}, {
  __index = function(_, i) if i <= 3 then return "p" .. i end end,
  __len = function() return 3 end,
})
print(table.concat(p, " "), table.unpack(p))
local log = {}
local q = setmetatable({}, {
  __newindex = function(_, k, v) log[#log + 1] = k .. "=" .. tostring(v) end,
  __len = function() return #log end,
})
table.insert(q, "a")
table.insert(q, "b")
table.move({ 7, 8 }, 1, 2, 5, q)
print(table.concat(log, " "))
print(table.pack(1, nil, 3).n, select("#", table.unpack(table.pack(nil, nil))))
local big = {}
for i = 1, 200 do big[i] = i end
for i = 1, 200, 2 do big[i] = nil end
local n = 0
for _ in pairs(big) do n = n + 1 end
print(n, rawlen { 1, 2 }, rawequal(t, t), rawget(t, 1), next {})
