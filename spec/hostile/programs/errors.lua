-- pcall, error, levels, and values that are no strings.
print(pcall(error, "plain", 0))
print(pcall(error, "here"))
print(pcall(function() error "one" end))
print(pcall(function() error("two", 2) end))
print(select("#", pcall(error)))
local e = setmetatable({}, { __tostring = function() return "object" end })
local ok, got = pcall(error, e)
print(ok, got == e, tostring(got))
local function nest(n)
  if n == 0 then error { code = 7 } end
  local _, err = pcall(nest, n - 1)
  error(err)
end
print(select(2, pcall(nest, 10)).code)
print(pcall(function() local x = nil return x.y end))
print(pcall(function() return 1 + {} end))
print(pcall(function() return "a" < 1 end))
print(pcall(function() return #5 end))
print(pcall(function() return _G.undefined() end))
print(pcall(pcall), pcall(pcall, error, "x"))
for i = 1, 3 do
  print(i, pcall(function(n) if n == 2 then error("n is " .. n, 0) end return n end, i))
end
