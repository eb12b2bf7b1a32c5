-- Six queens: loops, recursion and tables.
local N, found = 6, 0
local function is_free(a, n, c)
  for i = 1, n - 1 do
    if a[i] == c or a[i] - i == c - n or a[i] + i == c + n then return false end
  end
  return true
end
local function add(a, n)
  if n > N then
    found = found + 1
    print(table.concat(a, " "))
    return
  end
  for c = 1, N do
    if is_free(a, n, c) then
      a[n] = c
      add(a, n + 1)
    end
  end
end
add({}, 1)
print(found)
