-- Tail calls, deep, mutual, through metamethods and pcall.
local function loop(n, acc) if n == 0 then return acc end return loop(n - 1, acc + n) end
print(loop(2000, 0))
local even, odd
function even(n) if n == 0 then return true end return odd(n - 1) end
function odd(n) if n == 0 then return false end return even(n - 1) end
print(even(501), odd(501))
local c = setmetatable({}, { __call = function(self, n) if n == 0 then return "called" end return self(n - 1) end })
print(c(100))
local function p(n) if n == 0 then return "protected" end return select(2, pcall(p, n - 1)) end
print(p(20))
print((function(...) return select("#", ...) end)(loop(3, 0), loop(4, 0)))
