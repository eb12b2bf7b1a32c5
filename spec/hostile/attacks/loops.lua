-- Loops without an end, in every shape that the language has.

--@ loop killed
while true do
end

--@ loop-repeat killed
repeat
until false

--@ numeric-for killed
for _ = 1, math.huge do
end

--@ loop-for-float killed
for _ = 1.0, math.huge, 0.5 do
end

--@ loop-for-integer killed
for _ = math.mininteger, math.maxinteger do
end

--@ loop-generic-for killed
for _ in function() return 1 end do
end

--@ loop-generic-for-c killed
for _ in os.clock do
end

--@ loop-goto killed
::again::
goto again

--@ loop-goto-continue killed
local i = 0
::top::
i = i + 1
if i % 2 == 0 then
  goto top
else
  goto top
end

--@ tailcall killed
local function f()
  return f()
end
f()

--@ loop-mutual-tailcalls killed
local a, b
function a(n) return b(n + 1) end
function b(n) return a(n - 1) end
a(0)

--@ loop-mutual-recursion killed
local a, b
function a(n) if n > 100 then return end b(n + 1) b(n + 1) end
function b(n) if n > 100 then return end a(n + 1) a(n + 1) end
a(0)

--@ pcall-loop killed
while true do
  pcall(function()
    while true do
    end
  end)
end

--@ loop-pcall-nothing killed
while true do
  pcall(error)
end

--@ loop-pcall-of-pcall killed
while true do
  pcall(pcall, pcall, pcall, error)
end

--@ pcall-recursive killed
local function f()
  pcall(f)
  while true do
  end
end
f()

--@ loop-pcall-tree killed
local function tree(n)
  if n == 0 then return end
  pcall(tree, n - 1)
  pcall(tree, n - 1)
end
tree(180)

--@ loop-index killed
local t = setmetatable({}, { __index = function() while true do end end })
return t.x

--@ loop-index-chain killed
local t = {}
for _ = 1, 90 do t = setmetatable({}, { __index = t }) end
while true do local _ = t.x end

--@ loop-newindex killed
local t = setmetatable({}, { __newindex = function() while true do end end })
t.x = 1

--@ loop-newindex-again killed
local t = setmetatable({}, {})
getmetatable(t).__newindex = function(self, k, v) rawset(self, k, v) rawset(self, k, nil) end
while true do t.x = 1 end

--@ loop-eq killed
local m = { __eq = function() while true do end end }
return setmetatable({}, m) == setmetatable({}, m)

--@ loop-lt killed
local m = { __lt = function() while true do end end }
return setmetatable({}, m) < setmetatable({}, m)

--@ loop-le killed
local m = { __le = function() while true do end end }
return setmetatable({}, m) <= setmetatable({}, m)

--@ loop-concat killed
return setmetatable({}, { __concat = function() while true do end end }) .. "x"

--@ loop-len killed
return #setmetatable({}, { __len = function() while true do end end })

--@ loop-arithmetic killed
local m = { __add = function(a) return a + a end }
m.__mul = function(a, b) while true do local _ = a .. b end end
m.__concat = function() return "" end
return setmetatable({}, m) * setmetatable({}, m)

--@ loop-call-chain killed
local c = print
c = function() return 1 end
for _ = 1, 100 do c = setmetatable({}, { __call = c }) end
while true do c() end

--@ loop-call-self killed|ends
local t = setmetatable({}, {})
getmetatable(t).__call = t
t()

--@ loop-index-self ends
local t = setmetatable({}, {})
getmetatable(t).__index = t
return t.x

--@ loop-string-methods killed
local s = "x"
while true do
  s = s:upper():lower():reverse():sub(1, 1):rep(3):gsub("x", "y"):gsub("y", "x")
end

--@ loop-tostring killed
while true do
  local _ = tostring(12345.678) .. tostring({})
end

--@ loop-upvalues killed
local function counter() local n = 0 return function() n = n + 1 return n end end
while true do
  local c = counter()
  c()
end

--@ loop-varargs killed
local function f(...) return f(...) end
f(1, 2, 3, 4, 5)

--@ loop-integer-overflow ends
local n = 0
for i = math.maxinteger - 3, math.maxinteger do n = n + i end
for i = math.mininteger + 3, math.mininteger, -1 do n = n + i end
for _ = 1, 0 do error "ran" end
for _ = math.maxinteger, math.mininteger, math.mininteger do n = n + 1 end
for _ = 1, 3, math.maxinteger do n = n + 1 end

--@ loop-step-zero ends
for _ = 1, 2, 0 do
end

--@ loop-goto-close killed
local m = { __close = function() end }
::again::
do
  local _ <close> = setmetatable({}, m)
  goto again
end

--@ loop-break-close killed
local m = { __close = function() end }
while true do
  for _ in function() return 1 end, nil, nil, setmetatable({}, m) do break end
end
