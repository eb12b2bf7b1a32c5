-- For require.lua.
local M = { name = ... }
local n = 0
for _ = 1, 10 do n = n + 1 end
function M.next() n = n + 1 return n end
function M.each(k) return coroutine.wrap(function() for i = 1, k do coroutine.yield(i) end end) end
return M
