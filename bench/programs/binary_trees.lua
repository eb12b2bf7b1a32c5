-- Small tables that live for different lengths of time.
local began <const> = os.clock()
local function grow(depth)
  if depth == 0 then
    return {}
  end
  return { grow(depth - 1), grow(depth - 1) }
end
local function count(tree)
  return tree[1] and 1 + count(tree[1]) + count(tree[2]) or 1
end
local total, kept = 0, grow(14)
for depth = 4, 14, 2 do
  for _ = 1, 1 << (19 - depth) do
    total = total + count(grow(depth))
  end
end
print("check", total + count(kept))
print("cpu_ns", (os.clock() - began) * 1e9)
