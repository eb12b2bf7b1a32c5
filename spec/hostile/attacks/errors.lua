-- Errors: hostile values, handlers, and what is done to report them.

--@ xpcall-handler killed
local function loop() while true do end end
xpcall(loop, loop)

--@ xpcall-nested killed
local function loop() while true do end end
while true do
  xpcall(loop, function() xpcall(loop, loop) end)
end

--@ xpcall-recursive-handler killed|ends
local function handler() error "again" end
for _ = 1, 1e9 do xpcall(error, handler) end

--@ xpcall-handler-recursion killed|ends
local function f(n) return xpcall(f, f, n) end
f(1)

--@ xpcall-stack-overflow killed|ends
local function deep(x, y, z) return 1 + deep(x, y, z) end
print(xpcall(deep, deep))
print(xpcall(deep, function(m) return deep(m) end))
print(xpcall(error, error))

--@ xpcall-stack-overflow-loop killed
local function deep(x, y, z) return 1 + deep(x, y, z) end
while true do xpcall(deep, function() return deep() end) end

--@ xpcall-error-handler-loop killed
while true do xpcall(error, function() while true do end end) end

--@ tostring-error ends
error(setmetatable({}, { __tostring = function() while true do end end }))

--@ index-error ends
error(setmetatable({}, {
  __index = function() while true do end end,
  __eq = function() while true do end end,
  __name = ("x"):rep(100000),
  __close = function() while true do end end,
  __len = function() while true do end end,
}))

--@ error-loop-obj killed
while true do
  pcall(error, setmetatable({}, { __index = function() while true do end end }))
end

--@ error-huge killed|ends
error(("x"):rep(3000000))

--@ error-huge-loop killed
local text = ("x"):rep(3000000)
while true do pcall(error, text, 1) end

--@ error-nil ends
error()

--@ error-thread ends
error(coroutine.running())

--@ error-at-cap killed|ends
local t = {}
pcall(function() while true do t[#t + 1] = { #t } end end)
error("no memory is left for " .. "this")

--@ error-in-timers any
for _ = 1, 2000 do setInterval(function() error "x" end, 1) end

--@ error-traceback-names any
-- A report names functions, and looks for them in package.loaded: for ever.
local large = {}
for i = 1, 100000 do large[i] = i end
for i = 1, 20000 do package.loaded["m" .. i] = large end
local function deep(n) if n == 0 then error "x" end return (deep(n - 1)) end
setTimeout(deep, 1, 30)

--@ error-traceback-names-caught killed
local large = {}
for i = 1, 100000 do large[i] = i end
for i = 1, 20000 do package.loaded["m" .. i] = large end
while true do debug.traceback() end

--@ error-argument-names killed
local large = {}
for i = 1, 100000 do large[i] = i end
for i = 1, 20000 do package.loaded["m" .. i] = large end
while true do pcall(string.rep) end

--@ error-deep-traceback killed|ends
local function deep(n) if n == 0 then error "x" end return 1 + deep(n - 1) end
deep(150000)

--@ error-chunk-name ends
load("error 'x'", "@" .. ("n"):rep(100000))()

--@ error-function-name ends
local name = ("n"):rep(400000)
load("local t = { " .. name .. " = function() error 'x' end } t." .. name .. "()")()

--@ error-in-coroutine-storm killed
while true do
  coroutine.resume(coroutine.create(error), setmetatable({}, { __tostring = function() while true do end end }))
end

--@ error-wrap-object ends
coroutine.wrap(function() error(setmetatable({}, { __tostring = function() while true do end end })) end)()

--@ error-close-object ends
local _ <close> = setmetatable({}, { __close = function() error(setmetatable({}, { __tostring = function() while true do end end })) end })
error "first"

--@ not-closable ends
local _ <close> = setmetatable({}, {})

--@ closable-taken-away ends
local m = { __close = function() end }
local _ <close> = setmetatable({}, m)
m.__close = nil
