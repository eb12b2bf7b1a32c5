-- Sets a timer and clears it, while n others are armed.
local ops <const>, n <const> = tonumber(arg[1]), tonumber(arg[2])
local function never() end
for i = 1, n do
  setTimeout(never, 1e9 + i)
end
setTimeout(function()
  print "begin"
  for i = 1, ops do
    clearTimeout(setTimeout(never, 1e6 + i % 1000))
  end
  print "end"
  print("check", ops)
  os.exit()
end)
