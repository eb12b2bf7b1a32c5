-- Strings, numbers in them, formats.
print(("x"):rep(5, "-"), ("abc"):reverse(), ("abc"):upper(), ("abc"):sub(-2), ("abc"):byte(1, -1))
print(string.format("%5.2f|%-5s|%05d|%x|%q|%g|%i|%%", 3.14159, "ab", 42, 255, "a\nb", 1e20, 7))
print("a" .. 1 .. 2.5, 10 .. "", -0.0, 1e15, 1e100, 2 ^ 53, 2 ^ 63)
print("10" + 5, "3" * "4", 10 / 2, 7 // 2, 7.5 // 2, -7 // 2, -7 % 3, 7 % -3, 5.5 % 2)
print(1 < 2, "a" < "b", "a" < "B", "" < "a", "10" == 10, 1 == 1.0, math.type(1), math.type(1.0))
print(tostring(1 / 0), math.maxinteger + 1 == math.mininteger, 1 << 63, 1 << 64, -1 >> 60)
print(tonumber "0x10", tonumber "  12  ", tonumber "1e2", tonumber "z", tonumber("zz", 36))
print(string.pack("<i4", 100):byte(1, -1))
print(string.unpack("<i4", string.pack("<i4", -2)))
print(utf8.char(228, 8364, 128512), utf8.len "äö", utf8.codepoint("ä", 1))
for p, c in utf8.codes "aä€" do print(p, c) end
local s = ""
for i = 1, 30 do s = s .. i .. (i % 3 == 0 and "!" or "") end
print(s, #s)
