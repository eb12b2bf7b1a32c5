-- Follows docs/love.md: the first two programs of the page are the game.

local blocks = {}
for block in love.filesystem.read("page.md"):gmatch "```lua\n(.-)```" do
  blocks[#blocks + 1] = block
end

io.stdout:setvbuf "line"
local background, count = blocks[2]:gsub("%-%- What has to happen", "print 'it happens' %0")
assert(count == 1)
assert(love.filesystem.write("background.lua", background))
assert(loadstring(blocks[1], "=page.md"))()
local load = love.load

function love.load()
  load()
  love.event.push("visible", false)
end
