-- Patterns that try for ever. No hook is called in there.

--@ find-backtrack killed
return string.find(("a"):rep(40), ("a?"):rep(40) .. ("a"):rep(40))

--@ find-poly killed
return string.find(("a"):rep(20000), ".-.-.-.-b")

--@ find-plain-n2 killed
-- A block may not be larger than a quarter of the memory, so again and again.
local text, what = ("a"):rep(3000000), ("a"):rep(300000) .. "b"
while true do string.find(text, what, 1, true) end

--@ find-loop killed
while true do string.find("aaaaaaaaaa", "b") end

--@ match-backtrack killed
return string.match(("a"):rep(30), ("a*"):rep(30) .. "b")

--@ match-captures killed
return string.match(("a"):rep(5000), ("(.-)"):rep(30) .. "b")

--@ match-balanced killed
local text = ("("):rep(200000)
for i = 1, math.huge do string.match(text, "%b()", i % 100) end

--@ match-balanced-n2 killed
return string.find(("("):rep(2000000), "%b()")

--@ match-frontier killed
return string.find(("a "):rep(20000), "%f[%a].-%f[%A].-%f[%a].-%f[%A].-%f[%a].-b")

--@ match-set killed
return string.find(("a"):rep(20000), "[" .. ("b"):rep(10000) .. "]-[" .. ("c"):rep(10000) .. "]")

--@ match-backreference killed
return string.find(("a"):rep(20000), "(.-)(.-)%1%2%1b")

--@ gmatch-backtrack killed
for _ in string.gmatch(("a"):rep(40), ("a?"):rep(40) .. ("a"):rep(40)) do
end

--@ gmatch-nothing killed
while true do
  for _ in string.gmatch("aaaa", "") do end
end

--@ gsub-backtrack killed
return string.gsub(("a"):rep(20000), ".-.-.-b", "")

--@ gsub-grow killed|ends
local s = "x"
while true do s = s:gsub(".", "%0%0") end

--@ gsub-callback killed
string.gsub("a", ".", function() while true do end end)

--@ gsub-table-index killed
string.gsub("a", ".", setmetatable({}, { __index = function() while true do end end }))

--@ gsub-pcall killed
-- The metatable of strings is locked; then a callable in the place of "x".
print(pcall(function() getmetatable("").__call = function() while true do end end end))
while true do string.gsub(("x"):rep(3000000), ".", pcall) end

--@ gsub-select killed
while true do string.gsub(("x"):rep(3000000), ".", rawlen) end

--@ pattern-in-pcall killed
while true do pcall(string.find, ("a"):rep(40), ("a?"):rep(40) .. ("a"):rep(40)) end

--@ pattern-too-complex ends
print(pcall(string.find, ("a"):rep(300000), ("(a"):rep(40)))
print(pcall(string.find, ("x"):rep(300000), ("x"):rep(300000)))
print(pcall(string.match, ("x"):rep(300000), ("x?"):rep(300000)))
print(pcall(string.find, "a", "[a"), pcall(string.find, "a", "%"), pcall(string.find, "a", "%f"))

--@ pattern-in-coroutine killed
coroutine.wrap(function()
  return string.find(("a"):rep(20000), ".-.-.-.-b")
end)()
