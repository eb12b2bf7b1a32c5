-- load: strings, pieces, environments, errors.
print(load "return 1 + 1"(), load("x = 1", "chunk", "t", {}) ~= nil)
print(load "x =")
print(load("x = = 1", "=name"))
print(load("x = = 1", "@file.lua"))
local pieces, i = { "return ", "10 ", "* ", "4" }, 0
print(load(function() i = i + 1 return pieces[i] end)())
local env = { y = 5 }
local f = load("x = y return x + ...", "env", "t", env)
print(f(1), env.x)
print(load("return ...", "n")(7, 8))
print(load(function() error("reader", 0) end))
local g = load "local n = ... return function() n = n + 1 return n end"(10)
print(g(), g())
print(pcall(load "error 'inside'"))
print(load "goto nowhere")
