-- Tables as arrays, and recursion: all ways to put nine queens on a board.
local began <const> = os.clock()
local N <const> = 9

local function is_free(board, row, column)
  for i = 1, row - 1 do
    if board[i] == column or board[i] - i == column - row or board[i] + i == column + row then
      return false
    end
  end
  return true
end

local function place(board, row)
  if row > N then
    return 1
  end
  local found = 0
  for column = 1, N do
    if is_free(board, row, column) then
      board[row] = column
      found = found + place(board, row + 1)
    end
  end
  return found
end

local found = 0
for _ = 1, 60 do
  found = found + place({}, 1)
end
print("check", found)
print("cpu_ns", (os.clock() - began) * 1e9)
