-- Memory: until there is none, and beyond.

--@ memory-table killed|ends
local t = {}
for i = 1, 1e12 do
  t[i] = {}
end

--@ memory-string ends
local s = "x"
while true do
  s = s .. s
end

--@ memory-pcall killed
local t = {}
while true do
  pcall(function()
    for _ = 1, 1e12 do
      t[#t + 1] = {}
    end
  end)
end

--@ memory-rep-pcall killed
while true do
  pcall(string.rep, "x", 1 << 40)
end

--@ memory-rep-fits killed
while true do
  pcall(string.rep, "x", 4000000)
end

--@ memory-strings-at-cap killed
local all, n = {}, 0
while true do
  pcall(function() for i = 1, 1e9 do all[n + 1] = ("x"):rep(1000) .. i n = n + 1 end end)
end

--@ memory-concat-at-cap killed
local all = {}
while pcall(function() all[#all + 1] = ("x"):rep(100000) .. #all end) do end
while true do
  pcall(function() local s = "" for i = 1, 1e6 do s = s .. i end end)
end

--@ memory-rehash killed|ends
local t = {}
for i = 1, 1e9 do t[i * 1.5] = i end

--@ memory-rehash-loop killed
while true do
  local t = {}
  for i = 1, 70000 do t["k" .. i] = i end
end

--@ memory-holes killed
-- A table that is large and empty, and has to be searched for its next key.
local t = {}
for i = 1, 50000 do t[i * 1.5] = i end
for i = 1, 50000 do t[i * 1.5] = nil end
while true do next(t) end

--@ memory-closures killed|ends
local t = {}
while true do
  local a, b, c = {}, {}, {}
  t[#t + 1] = function() return a, b, c end
end

--@ memory-constants killed|ends
local t = {}
while true do t[#t + 1] = load("return '" .. #t .. "' .. x.y.z(1, 2, 3)") end

--@ memory-deep-table killed|ends
local t = {}
while true do t = { t } end

--@ memory-stack killed|ends
local function f(...) return f(1, ...) end
f()

--@ memory-stacks killed|ends
local function deep(n) if n == 0 then coroutine.yield() end return 1 + deep(n - 1) end
local all = {}
while true do
  local co = coroutine.create(deep)
  coroutine.resume(co, 5000)
  all[#all + 1] = co
end

--@ deep-recursion killed
local function f()
  return 1 + f()
end
while true do
  pcall(f)
end

--@ deep-recursion-once killed|ends
local function f() return 1 + f() end
f()

--@ deep-pcall killed|ends
local function f() return pcall(f) end
print(f())

--@ deep-pcall-work killed
local function f() local ok = pcall(f) for _ = 1, 1e5 do end return ok end
f()

--@ deep-index killed|ends
local t = setmetatable({}, {})
getmetatable(t).__index = function(self, k) return self[k + 1] end
print(pcall(function() return t[1] end))

--@ deep-index-chain ends
local t = {}
for _ = 1, 3000 do t = setmetatable({}, { __index = t }) end
print(pcall(function() return t.x end))

--@ deep-tostring killed|ends
local m = {}
m.__tostring = function(self) return tostring(self) end
print(pcall(tostring, setmetatable({}, m)))

--@ deep-gsub killed|ends
local function f(s) return (s:gsub(".", f)) end
print(pcall(f, "x"))

--@ deep-gsub-loop killed
local function f(s) return (s:gsub(".", f)) end
while true do pcall(f, "x") end

--@ deep-sort ends
local function less() table.sort({ 3, 2, 1 }, less) end
print(pcall(less))

--@ deep-load killed|ends
local function f() return load("return ...")(pcall(load, f)) end
print(pcall(f))

--@ deep-concat ends
local m = {}
m.__concat = function(a, b) return a .. b end
print(pcall(function() return setmetatable({}, m) .. "x" end))

--@ deep-eq ends
local m = {}
m.__eq = function(a, b) return a == b end
print(pcall(function() return setmetatable({}, m) == setmetatable({}, m) end))

--@ gc-weak-churn killed
local cache = setmetatable({}, { __mode = "kv" })
while true do
  for i = 1, 10000 do cache[{}] = {} cache[i] = {} end
end

--@ gc-ephemerons killed
local e = setmetatable({}, { __mode = "k" })
local key = {}
local first = key
for _ = 1, 20000 do local k = {} e[key] = k key = k end
while true do local _ = { first, {} } end

--@ gc-ephemeron-tables killed
-- Each table's key is reached through another: the collector goes round and
-- round, and cannot be interrupted.
local all, mode = {}, { __mode = "k" }
local key = {}
local first = key
for i = 1, 15000 do
  local k = {}
  all[i] = setmetatable({ [key] = k }, mode)
  key = k
end
while true do local _ = { first, {} } end

--@ gc-ephemeron-tables-reversed killed
local all, mode, keys = {}, { __mode = "k" }, {}
for i = 1, 15001 do keys[i] = {} end
for i = 15000, 1, -1 do all[i] = setmetatable({ [keys[i]] = keys[i + 1] }, mode) end
local first = keys[1]
keys = nil
while true do local _ = { first, {} } end

--@ gc-outside any
-- The collector has its longest moment while the host, not the script, asks for
-- memory: here, for the report of an error that costs the script none.
local all, mode, keys = {}, { __mode = "k" }, {}
for i = 1, 30001 do keys[i] = {} end
for i = 30000, 1, -1 do all[i] = setmetatable({ [keys[i]] = keys[i + 1] }, mode) end
FIRST, ALL = keys[1], all
keys = nil
for _ = 1, 50 do setInterval(function() error() end, 1) end

--@ gc-outside-forward any
local all, mode = {}, { __mode = "k" }
local key = {}
FIRST, ALL = key, all
for i = 1, 30000 do
  local k = {}
  all[i] = setmetatable({ [key] = k }, mode)
  key = k
end
for _ = 1, 50 do setInterval(function() error() end, 1) end

--@ gc-mode-churn killed
local modes, t = { "k", "v", "kv", "", 1 }, {}
for i = 1, 1000 do t[{}] = {} t[i] = {} end
while true do
  for _, mode in ipairs(modes) do
    setmetatable(t, { __mode = mode })
    for i = 1, 100 do t[i] = {} end
  end
end

--@ gc-large-stack killed
local function deep(n) if n == 0 then while true do local _ = {} end end return 1 + deep(n - 1) end
deep(20000)

--@ memory-new-globals killed|ends
while true do
  _G["g" .. math.random(1 << 40)] = {}
end
