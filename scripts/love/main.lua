-- Catch the star: a game that loses no point, whatever becomes of it.
--
--   love scripts/love
--
-- The game draws and plays. What has to happen when nobody looks is in
-- background.lua, which runs beside it on a thread of its own: it keeps the
-- score, and uploads it when the window is minimised, also when LÖVE's loop
-- stands still, as it does on a phone.

local farside = require "farside"

local SERVER = os.getenv "SCORE_SERVER" or "https://scores.example.com/scores"

local score = tonumber((love.filesystem.read "score.txt")) or 0
local news = ""
local star = { radius = 18 }

local function place_star()
  local width, height = love.graphics.getDimensions()
  star.x = love.math.random(star.radius, width - star.radius)
  star.y = love.math.random(80, height - 40)
  star.age = 0
end

function love.load()
  love.graphics.setBackgroundColor(0.09, 0.10, 0.16)
  place_star()
  local ok, why = farside.start {
    script = "background.lua",
    arguments = { SERVER },
    http = { SERVER }, -- It may talk to this address and to no other.
  }
  if not ok then
    news = "This game forgets: " .. why -- It can be played all the same.
  end
end

-- What background.lua sends by postMessage("host", …).
function farside.message(message)
  if message.kept then
    score = math.max(score, message.kept)
  end
  news = message.news or news
end

function love.update(dt)
  farside.update() -- Calls farside.message.
  star.age = star.age + dt
  if star.age > 3 then
    place_star()
  end
end

function love.mousepressed(x, y)
  if (x - star.x) ^ 2 + (y - star.y) ^ 2 <= star.radius ^ 2 then
    score = score + 1
    farside.send { score = score } -- At once: there may be no later.
    place_star()
  end
end

function love.draw()
  love.graphics.setColor(1, 0.85, 0.35, 1 - star.age / 3)
  love.graphics.circle("fill", star.x, star.y, star.radius, 5)
  love.graphics.setColor(1, 1, 1)
  love.graphics.print(score, 20, 16, 0, 3)
  love.graphics.setColor(0.6, 0.65, 0.8)
  love.graphics.printf(news, 20, love.graphics.getHeight() - 32, love.graphics.getWidth() - 40)
end

-- What most games do, and all that a game without Farside has. No kill waits
-- for it, and a phone does not call it.
function love.quit()
  love.filesystem.write("score.txt", tostring(score))
end
