-- Yields across pcall, metamethods, iterators and xpcall.
local yield = coroutine.yield
local m = {
  __index = function(_, k) return yield("index " .. k) end,
  __add = function() return yield "add" end,
  __concat = function() return yield "concat" end,
  __eq = function() return yield "eq" end,
  __lt = function() return yield "lt" end,
  __le = function() return yield "le" end,
  __len = function() return yield "len" end,
  __call = function(_, x) return yield("call " .. x) end,
  __newindex = function(_, k, w) yield("newindex " .. k .. w) end,
  __unm = function() return yield "unm" end,
}
local co = coroutine.wrap(function()
  local t, u = setmetatable({}, m), setmetatable({}, m)
  print(pcall(function() return t.x, t + 1, t .. "a", t == u, t < u, t <= u, #t, t(5), -t end))
  t.y = 1
  print(not (t < u), t ~= u)
  if t == u then print "equal" else print "different" end
  for k in function() return yield "iterate" end do
    print(k)
    break
  end
  print(xpcall(function() error(yield "to fail", 0) end, function(e) return "handled " .. tostring(e) end))
  return "done"
end)
local answer, i = co(), 0
while answer ~= "done" do
  i = i + 1
  print(i, answer)
  answer = co(i)
end
