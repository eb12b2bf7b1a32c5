-- To-be-closed variables.
local function closer(name)
  return setmetatable({}, { __close = function(_, e) print("close", name, e) end })
end
do
  local a <close> = closer "a"
  local b <close> = closer "b"
  print("body", a ~= b)
end
print(pcall(function()
  local _ <close> = closer "c"
  error("boom", 0)
end))
local function early(n)
  local _ <close> = closer("d" .. n)
  if n == 1 then return "one", "two" end
  local _ <close> = closer "e"
  return "many"
end
print(early(1))
print(early(2))
for i = 1, 3 do
  local _ <close> = closer("f" .. i)
  if i == 2 then break end
end
for k, v in next, { 10 }, nil, closer "loop" do print(k, v) end
print(pcall(function()
  local _ <close> = setmetatable({}, { __close = function(_, e) error("from close after " .. tostring(e), 0) end })
  error("first", 0)
end))
local _ <close> = nil
local _ <close> = false
