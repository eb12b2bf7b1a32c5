-- table.sort and what it calls.
local t = {}
for i = 1, 40 do t[i] = i * 7919 % 101 end
table.sort(t)
print(table.concat(t, " "))
table.sort(t, function(a, b) return a > b end)
print(table.concat(t, " "))
local names = { "pear", "fig", "apple", "kiwi", "date" }
table.sort(names, function(a, b) if #a ~= #b then return #a < #b end return a < b end)
print(table.concat(names, " "))
print(pcall(table.sort, { 3, 2, 1 }, function() error("no order", 0) end))
local m = { __lt = function(a, b) return a[1] < b[1] end }
local objects = {}
for i, n in ipairs { 5, 3, 9, 1 } do objects[i] = setmetatable({ n }, m) end
table.sort(objects)
for _, o in ipairs(objects) do print(o[1]) end
