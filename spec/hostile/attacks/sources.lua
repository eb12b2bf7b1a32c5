-- Source code: load, require, and what the parser makes of it.

--@ load-reader-c killed|ends
load(collectgarbage)

--@ load-reader-endless ends
print(load(function() return "x = 1 " end))

--@ load-reader-empty killed
load(function() while true do end end)

--@ load-reader-small killed|ends
print(load(function() return " " end))

--@ load-reader-comment ends
print(load(function() return "--[[" .. ("x"):rep(1000) end))

--@ parser-nest killed
while true do
  load("return " .. ("("):rep(190) .. "1" .. (")"):rep(190))
end

--@ parser-big killed
local s = ("a=1;"):rep(200000)
while true do
  load(s)
end

--@ parser-too-big ends
print(load(("a=1;"):rep(1000000)))

--@ parser-deep ends
for _, piece in ipairs { "(", "{", "a={", "function f() ", "if a then ", "do ", "a[", "a.b(", "not ", "-", "~", "#", "a..", "2^", "[=[" } do
  print(load(piece:rep(100000)))
end

--@ parser-labels killed
-- Each label is compared with all that came before.
local t = {}
for i = 1, 32000 do t[i] = "::l" .. i .. "::" end
local s = table.concat(t)
while true do load(s) end

--@ parser-gotos killed
local t = {}
for i = 1, 20000 do t[i] = "do goto l" .. i .. " end" end
local s = table.concat(t)
while true do load(s) end

--@ parser-locals killed
local t = {}
for i = 1, 190 do t[i] = "local a" .. i .. " = 1;" end
local s = ("do " .. table.concat(t) .. " end "):rep(100)
while true do load(s) end

--@ parser-upvalues killed
local t = { "local a = 1 " }
for _ = 1, 150 do t[#t + 1] = "function f() a = a " end
t[#t + 1] = ("end "):rep(150)
local s = table.concat(t)
while true do load(s) end

--@ parser-constants killed
local t = {}
for i = 1, 60000 do t[i] = "a=" .. i .. ".5;" end
local s = table.concat(t)
while true do load(s) end

--@ parser-long-bracket ends
print(load("return [" .. ("="):rep(900000) .. "[x]" .. ("="):rep(900000)))
print(load("return [" .. ("="):rep(400000) .. "[x]" .. ("="):rep(400000) .. "]"))

--@ parser-numbers killed|ends
print(load("return 0x" .. ("f"):rep(900000)), load("return " .. ("9"):rep(900000)), load("return 1e" .. ("9"):rep(900000)))

--@ parser-escapes ends
print(load('return "' .. ("\\u{7FFFFFFF}"):rep(70000) .. '"'), load('return "' .. ("\\z "):rep(300000) .. '"'))

--@ parser-env-const ends
print(load("local _ENV <const> = 11; X = 1"))
print(pcall(load "local _ENV <const> = {}; return function() X = 1 return X end"))

--@ parser-chunk-name ends
local name = ("n"):rep(1000000)
print(#select(2, load("x =", name)), #select(2, load("x =", "@" .. name)), #select(2, load("x =", "=" .. name)))

--@ bytecode ends
print(load("\27Lua\x54\0\x19\x93\r\n\x1a\n" .. ("\0"):rep(100)), load("\27", "x", "b"), load("\27Lua", "x", "bt"))
local sent
print(load(function() if sent then return nil end sent = true return "\27Lua" end, "x", "b"))

--@ load-env ends
local f = load("x = 1 return y", "chunk", "t", setmetatable({}, { __newindex = function() error "no" end }))
print(pcall(f), pcall(load("return ...", "c", "t", nil)))

--@ load-loop killed
while true do load("return 1")() end

--@ load-in-load killed
local s = "return load(...)(...)"
while true do pcall(load(s), s) end

--@ require-missing killed
while true do pcall(require, "no.such.module") end

--@ require-names killed|ends
for _, name in ipairs { "", ".", "..", "a..b", "/etc/passwd", "../x", "a\0b", ("a."):rep(100000), ("x"):rep(1000000) } do
  print(pcall(require, name))
end

--@ require-preload-loop killed
package.preload.x = function() while true do end end
require "x"

--@ require-itself ends
package.preload.x = function() return require "x" end
print(pcall(require, "x"))

--@ require-chain ends
for i = 1, 300 do package.preload["m" .. i] = function() return require("m" .. i + 1) end end
print(pcall(require, "m1"))

--@ require-false killed
package.preload.x = function() package.loaded.x = false return false end
while true do require "x" end

--@ require-yields ends
package.preload.x = function() coroutine.yield(1) return 2 end
local co = coroutine.wrap(function() return require "x" end)
print(co(), co())
