-- String functions that call back, or take tables.
print(("hello world"):gsub("o", "0"))
print(("hello world"):gsub("(%w+)", function(w) return w:upper() .. #w end))
print(("$name is $age"):gsub("%$(%w+)", { name = "Ann", age = 30 }))
print(("abc"):gsub("%w", "%0%0", 2), ("abc"):gsub("", "-"))
print(("x1y2"):gsub("(%a)(%d)", function(a, b) return b .. a end))
print(pcall(string.gsub, "abc", ".", function(c) if c == "b" then error("at b", 0) end end))
local out = {}
for k, w in ("a=1, b=2, c=3"):gmatch "(%w+)=(%w+)" do out[#out + 1] = k .. w end
print(table.concat(out, ";"))
print(("  trim  "):match "^%s*(.-)%s*$", ("key = value"):match "^(%w+)%s*=%s*(%w+)$")
print(("THE (quick) fox"):find "%((%a+)%)", ("a.b"):find(".", 1, true), ("f(a(b)c)d"):match "%b()")
print(("THE quick"):gsub("%f[%a]%a+", string.lower))
print(("abc"):gsub(".", setmetatable({}, { __index = function(_, k) return k:byte() .. " " end })))
