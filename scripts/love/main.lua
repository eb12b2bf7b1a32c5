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
local news = "Catch the star, and leave whenever you like."
local star, sky, big_font = { radius = 22 }, {}, nil

local function place_star()
  local width, height = love.graphics.getDimensions()
  star.x = love.math.random(star.radius, width - star.radius)
  star.y = love.math.random(80, height - 40)
  star.age = 0
end

function love.load()
  love.graphics.setBackgroundColor(0.07, 0.08, 0.15)
  big_font = love.graphics.newFont(40)
  for i = 1, 120 do
    sky[i] = { love.math.random(960), love.math.random(720), 1, 1, 1, love.math.random() / 2 }
  end
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
  local width, height = love.graphics.getDimensions()
  local light, spike = 1 - star.age / 3, star.radius / 5
  love.graphics.setColor(1, 1, 1)
  love.graphics.points(sky)
  love.graphics.setColor(1, 0.8, 0.3, light / 5)
  love.graphics.circle("fill", star.x, star.y, star.radius)
  love.graphics.setColor(1, 0.9, 0.5, light)
  love.graphics.ellipse("fill", star.x, star.y, star.radius, spike)
  love.graphics.ellipse("fill", star.x, star.y, spike, star.radius)
  love.graphics.setColor(1, 1, 1)
  love.graphics.print(score, big_font, 20, 12)
  love.graphics.setColor(0.6, 0.65, 0.85)
  love.graphics.printf(news, 20, height - 32, width - 40)
end

-- What most games do, and all that a game without Farside has. No kill waits
-- for it, and a phone does not call it.
function love.quit()
  love.filesystem.write("score.txt", tostring(score))
end
