-- Arithmetic on floats.
local began <const> = os.clock()
local SIZE <const> = 560
local inside = 0
for y = 0, SIZE - 1 do
  local ci = 2.0 * y / SIZE - 1.0
  for x = 0, SIZE - 1 do
    local cr = 2.0 * x / SIZE - 1.5
    local zr, zi, i = 0.0, 0.0, 0
    while i < 150 and zr * zr + zi * zi < 4.0 do
      zr, zi = zr * zr - zi * zi + cr, 2.0 * zr * zi + ci
      i = i + 1
    end
    if i == 150 then
      inside = inside + 1
    end
  end
end
print("check", inside)
print("cpu_ns", (os.clock() - began) * 1e9)
