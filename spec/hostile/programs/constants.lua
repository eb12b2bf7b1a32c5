-- Constants, attributes, integer and float arithmetic.
local a <const>, b <const> = 5, "text"
local function f() return a + 1, b .. a end
print(f(), a // 2, a / 2, a * 1.5, a ^ 2, -a, ~a, not a, a and b, nil or b, false and nil)
print(3 | 4, 7 & 2, 5 ~ 1, 1 << 4, 256 >> 4, 2 ^ -1, 10 % 3.5, 0x7fffffffffffffff + 1)
print(math.floor(-3.5), math.ceil(3.2), math.max(1, 5, 3), math.min(2.5, 1), math.abs(-4), math.fmod(7, 3))
print(math.tointeger(3.0), math.ult(1, -1), 5 // 0.0, -5 // 0.0, 0 / 0 ~= 0 / 0)
print(pcall(function() return 1 // 0 end))
print(pcall(function() return 1 % 0 end))
print(pcall(function() return 1.5 | 1 end))
local x, y, z = (function() return 1, 2 end)()
print(x, y, z)
x, y = y, x
print(x, y)
local t = { x = 1, [1] = "one", "uno", [2 + 1] = "three" }
print(t[1], t[3], t.x, #"abc" + 1, -2 ^ 2, 2 ^ 3 ^ 2)
