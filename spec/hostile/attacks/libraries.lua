-- Library functions over absurd ranges, sizes and metamethods.

--@ rep-empty ends
return string.rep("", math.maxinteger)

--@ rep-empty-separator ends
return string.rep("", math.maxinteger, ""), pcall(string.rep, "", math.maxinteger, "x")

--@ rep-sizes ends
for _, n in ipairs { 1 << 20, 1 << 24, 1 << 31, 1 << 40, 1 << 62, math.maxinteger, -1, 0 } do
  print(pcall(string.rep, "xyz", n, "--"))
end

--@ table-move killed
table.move({}, 1, math.maxinteger - 1, 2)

--@ table-move-proxy killed
table.move(setmetatable({}, { __index = rawlen }), 1, math.maxinteger - 1, 2, setmetatable({}, { __newindex = rawequal }))

--@ table-concat killed
table.concat(setmetatable({}, { __index = getmetatable, __metatable = "" }), "", 1, math.maxinteger)

--@ table-concat-function killed
table.concat(setmetatable({}, { __index = function() return "" end }), "", 1, math.maxinteger)

--@ table-concat-large killed|ends
local t = {}
for i = 1, 1000 do t[i] = ("x"):rep(1000) end
while true do table.concat(t, ("y"):rep(1000)) end

--@ table-insert killed
table.insert(setmetatable({}, { __len = function() return math.maxinteger - 1 end }), 1, 0)

--@ table-insert-loop killed|ends
local t = {}
while true do table.insert(t, 1, 0) end

--@ table-remove killed
table.remove(setmetatable({}, { __len = function() return math.maxinteger - 1 end }), 1)

--@ table-unpack ends
print(pcall(table.unpack, {}, math.mininteger, math.maxinteger))
print(pcall(table.unpack, {}, 1, 1e7 // 1 | 0))
print(pcall(table.unpack, {}, 1, 900000))
print(select("#", table.unpack({}, 1, 200)))

--@ table-unpack-loop killed
while true do pcall(table.unpack, {}, 1, 100000) end

--@ table-pack-loop killed
while true do table.pack(table.unpack({}, 1, 200)) end

--@ sort-compare killed
table.sort({ 3, 2, 1 }, function() while true do end end)

--@ sort-c-compare killed
local t = setmetatable({}, { __len = function() return (1 << 31) - 2 end, __index = rawlen, __newindex = rawequal })
table.sort(t, rawequal)

--@ sort-inconsistent killed|ends
local t = {}
for i = 1, 100000 do t[i] = i * 7919 % 100003 end
while true do pcall(table.sort, t, function() return true end) end

--@ sort-random killed
local t = {}
for i = 1, 1000 do t[i] = i end
while true do pcall(table.sort, t, function() return math.random() < 0.5 end) end

--@ sort-errors killed
while true do pcall(table.sort, { 3, 2, 1 }, error) end

--@ sort-lt-metamethod killed
local m = { __lt = function() while true do end end }
table.sort { setmetatable({}, m), setmetatable({}, m), setmetatable({}, m) }

--@ next-invalid ends
print(pcall(next, {}, "x"))
local t = {}
for i = 1, 100 do t[i] = true t["k" .. i] = true end
print(pcall(function() for k in pairs(t) do t[k] = nil t[k .. "x"] = 1 end end))

--@ pairs-without-end killed
for _ in pairs(setmetatable({}, { __pairs = function() return function() return 1 end end })) do
end

--@ ipairs-without-end killed
for _ in ipairs(setmetatable({}, { __index = function(_, i) return i end })) do
end

--@ select-negative ends
print(pcall(select, math.mininteger, 1), pcall(select, -2, 1), pcall(select, math.maxinteger, 1))
print(select("#", table.unpack({}, 1, 10000)))

--@ varargs-a-million killed|ends
local function count(...) return select("#", ...) end
local t = {}
while true do count(table.unpack(t, 1, 250000)) end

--@ format-sizes ends
print(pcall(string.format, "%99.99f", 1e308), pcall(string.format, "%999d", 1), pcall(string.format, "%1000s", 1))
print(pcall(string.format, ("%s"):rep(300), table.unpack({}, 1, 300)))
print(pcall(string.format, "%q", ("\0"):rep(10000)))
print(pcall(string.format, "%d", 3.5), pcall(string.format, "%c", 1 << 40), pcall(string.format, "%i", "0x10"))

--@ format-loop killed
while true do string.format("%99.99f%99.99g%-99.99e", 1e308, 1e-308, math.pi) end

--@ format-tostring killed
string.format("%s", setmetatable({}, { __tostring = function() while true do end end }))

--@ tostring-not-string ends
print(pcall(tostring, setmetatable({}, { __tostring = function() return {} end })))
print(pcall(tostring, setmetatable({}, { __name = ("x"):rep(1000000) })))

--@ pack-sizes killed|ends
print(pcall(string.pack, "!16i16i16i16", 1, 2, 3), pcall(string.pack, "i17", 1), pcall(string.pack, "s1", ("x"):rep(300)))
print(pcall(string.pack, ("b"):rep(1000000)), pcall(string.packsize, ("i16"):rep(1 << 18)))
print(pcall(string.packsize, "c" .. math.maxinteger), pcall(string.packsize, "c2147483647c2147483647"))
print(pcall(string.pack, "c100000000000", "x"), pcall(string.pack, "c2000000000", "x"))

--@ unpack-sizes ends
print(pcall(string.unpack, "s8", ("\255"):rep(16)), pcall(string.unpack, "c2147483647", "x"))
print(pcall(string.unpack, ("b"):rep(1000000), ("x"):rep(1000000)))
print(pcall(string.unpack, "i1", "x", math.mininteger), pcall(string.unpack, "z", ("x"):rep(100)))

--@ unpack-loop killed
local format, text = ("b"):rep(200), ("x"):rep(200)
while true do string.unpack(format, text) end

--@ byte-range ends
print(pcall(string.byte, ("x"):rep(3000000), 1, -1))
print(pcall(string.char, table.unpack({}, 1, 100)))
print(pcall(string.byte, "x", math.mininteger, math.maxinteger))

--@ reverse-loop killed
local s = ("x"):rep(4000000)
while true do s = s:reverse() end

--@ upper-loop killed
local s = ("x"):rep(4000000)
while true do s = s:upper():lower() end

--@ sub-loop killed
local s = ("x"):rep(4000000)
while true do local _ = s:sub(2) end

--@ compare-strings killed
local a, b = ("x\0"):rep(1500000) .. "1", ("x\0"):rep(1500000) .. "2"
while true do local _ = a < b, a == b end

--@ utf8-huge killed
local s = ("\u{10FFFF}"):rep(900000)
while true do utf8.len(s) for _ in utf8.codes(s) do end end

--@ utf8-codepoint ends
print(pcall(utf8.codepoint, ("x"):rep(3000000), 1, -1))
print(pcall(utf8.offset, ("\x80"):rep(3000000), 1, 3000000))
print(pcall(utf8.char, math.maxinteger), pcall(utf8.char, -1), pcall(utf8.len, "\xff", math.mininteger))

--@ utf8-offset-loop killed
local s = ("\x80"):rep(3000000)
while true do utf8.offset(s, 0, 3000000) end

--@ random-absurd ends
print(pcall(math.random, math.maxinteger, math.mininteger), pcall(math.random, 0), pcall(math.random, 0 / 0))
print(pcall(math.random, math.mininteger, math.maxinteger), pcall(math.randomseed, 0 / 0))
print(pcall(math.tointeger, "x"), pcall(math.fmod, math.mininteger, -1), pcall(math.fmod, 1, 0))
print(pcall(function() return math.mininteger // -1 end), pcall(function() return math.mininteger % -1 end))
print(pcall(function() return 1 // 0 end), pcall(function() return 1 % 0 end), 1 << math.mininteger)

--@ random-projection killed
while true do math.random(0, (1 << 62) + 1) end

--@ math-max-loop killed
while true do math.max(1, 2, 3.5, -1) end

--@ tonumber-huge killed
local s = ("9"):rep(3000000)
while true do tonumber(s) tonumber(s, 36) tonumber("0x" .. s) end

--@ number-from-text ends
print(tonumber(("0"):rep(100000) .. "1"), tonumber("0x" .. ("f"):rep(100000)), tonumber("1e" .. ("9"):rep(100)))
print(pcall(tonumber, "z", 36), pcall(tonumber, "1", 99), pcall(tonumber, "7", 1 << 40))

--@ date-formats killed
local format = ("%c"):rep(10000)
while true do pcall(os.date, format, 0) end

--@ date-absurd ends
print(pcall(os.date, "%c", math.maxinteger), pcall(os.date, "*t", math.mininteger), pcall(os.date, "%Ez", 0))
print(pcall(os.date, ("%"):rep(1001)), pcall(os.time, { year = math.maxinteger, month = 1, day = 1 }))
print(pcall(os.time, setmetatable({}, { __index = function(_, k) error(k) end })))

--@ date-index-loop killed
os.time(setmetatable({}, { __index = function() while true do end end }))

--@ traceback-loop killed
local function deep(n) if n == 0 then while true do debug.traceback(("x"):rep(100), 0) end end return (deep(n - 1)) end
deep(150)

--@ traceback-odd ends
print(#debug.traceback(("x"):rep(1000000)), pcall(debug.traceback, "x", math.mininteger), pcall(debug.traceback, "x", 1e300))
print(debug.traceback(coroutine.create(print)), debug.traceback({}) ~= nil, debug.traceback(nil, 1000000))

--@ hook-in-hook ends
debug.sethook(function() while true do end end, "", 1)

--@ hook-clear ends
while true do debug.sethook() end

--@ warn-flood killed
while true do warn("x", "y", "z") end

--@ warn-huge ends
warn(("x"):rep(1000000), ("y"):rep(1000000))
warn("@off") warn("@on") warn("@" .. ("z"):rep(10000))

--@ collectgarbage-tricks ends
print(pcall(collectgarbage, "stop"), pcall(collectgarbage, "generational"), pcall(collectgarbage, "step", 1 << 40))
print(pcall(collectgarbage, "setpause", 1), pcall(collectgarbage, "collect"), collectgarbage "count" > 0)

--@ collectgarbage-count killed
while true do collectgarbage "count" end
