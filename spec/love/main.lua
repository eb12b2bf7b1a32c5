-- The game of scripts/love, with somebody at the controls: each line that comes
-- from standard input is run as Lua, between two frames. What matters is said
-- on standard output, a line each. love_test.c puts this file beside the game,
-- whose main.lua is called game.lua there.

io.stdout:setvbuf "line"

local ffi = require "ffi"
local controls = {}

ffi.cdef [[
struct spec_pollfd { int fd; short events, revents; };
int poll(struct spec_pollfd *fds, unsigned long count, int wait_ms);
long read(int fd, void *buffer, size_t bytes);
typedef union { uint32_t type; char padding[128]; } spec_event;
int SDL_PushEvent(spec_event *event);
]]

function love.errorhandler(message)
  print("error: " .. tostring(message))
  return function() return 1 end
end

-- -- What there is to say -------------------------------------------------------

local farside = require "farside"
local start, answer_later = farside.start, nil

local methods = {}

function methods.add(numbers)
  return numbers.a + numbers.b
end

function methods.refuse(options)
  return nil, options.why, "REFUSED"
end

function methods.fail()
  error "it is broken"
end

function methods.later(_, answer)
  answer_later = answer
  print "asked later"
  return answer
end

function farside.start(options)
  options.plugins = { Game = methods }
  options.grace = tonumber(os.getenv "GRACE")
  return start(options)
end

require "game"

local game = { message = farside.message, update = love.update, draw = love.draw, quit = love.quit }

function farside.log(entry)
  print("log: " .. entry.text)
end

function farside.message(message, script)
  game.message(message, script)
  if type(message.echo) == "string" then
    print("echo: " .. #message.echo .. " bytes")
  elseif message.echo then
    print("echo: " .. farside.encode(message.echo))
  elseif message.kept then
    print("kept " .. message.kept)
  elseif message.news then
    print("news: " .. message.news)
  end
end

-- The score and the news, and where the star is: as a player sees them.
local shown = {}
local print_on_screen, printf_on_screen, circle = love.graphics.print, love.graphics.printf, love.graphics.circle

function love.graphics.print(text, ...)
  shown.score = text
  print_on_screen(text, ...)
end

function love.graphics.printf(text, ...)
  shown.news = text
  printf_on_screen(text, ...)
end

function love.graphics.circle(mode, x, y, ...)
  shown.x, shown.y = x, y
  circle(mode, x, y, ...)
end

function love.focus(is_focused)
  print("focus " .. tostring(is_focused))
end

function love.visible(is_visible)
  controls.is_hidden = not is_visible
  print("visible " .. tostring(is_visible))
end

-- From now on there is something to see.
function love.draw()
  game.draw()
  if not controls.is_seen then
    print "loaded"
    controls.is_seen = true
  end
  if controls.shows then
    print(("shown: %s, %s"):format(shown.score, shown.news))
    controls.shows = false
  end
end

function love.quit()
  print(controls.refuses_to_quit and "quit refused" or "quit")
  return controls.refuses_to_quit or game.quit()
end

-- -- Controls ---------------------------------------------------------------------

-- Plays until the score is that.
function controls.catch(score)
  controls.goal = score
end

-- The main loop stands still for good, as on a phone in the background.
function controls.freeze()
  print "frozen"
  while true do
    love.timer.sleep(3600)
  end
end

function controls.spin()
  print "spinning"
  while true do end
end

-- Freezes as soon as the window is out of sight, within love.update.
function controls.freeze_when_hidden(how)
  controls.how_to_freeze = how or "freeze"
end

function controls.push_sdl(type)
  local event = ffi.new "spec_event"
  event.type = type
  ffi.C.SDL_PushEvent(event)
end

function controls.ask(what, options)
  farside.send { ask = what, options = options }
end

function controls.answer_later()
  answer_later "at last"
end

function controls.say(...)
  local words = {}
  for i = 1, select("#", ...) do
    words[i] = tostring((select(i, ...)))
  end
  print("said: " .. table.concat(words, ", "))
end

-- What an idle frame costs, of the 16.7 ms that it has.
function controls.measure()
  local frames = 100000
  local start_s = love.timer.getTime()
  for _ = 1, frames do
    farside.update()
  end
  local share = (love.timer.getTime() - start_s) / frames * 60
  print(("idle: %s than 1 %% of a frame (%.5f %%)"):format(share < 0.01 and "less" or "more", share * 100))
end

function controls.show()
  controls.shows = true
end

controls.farside = farside
setmetatable(controls, { __index = _G })

local function run_line(line)
  local run, why = loadstring(line, "=line")
  local ok, result = pcall(run and setfenv(run, controls) or error, why)
  if not ok then
    print("wrong: " .. tostring(result))
  end
end

local input, waiting = ffi.new "struct spec_pollfd", ""
local buffer = ffi.new "char[4096]"
input.events = 1

local function read_lines()
  while ffi.C.poll(input, 1, 0) > 0 do
    local bytes = tonumber(ffi.C.read(0, buffer, 4096))
    if bytes <= 0 then
      return love.event.quit() -- Nobody is at the controls any more.
    end
    waiting = waiting .. ffi.string(buffer, bytes)
  end
  for line in waiting:gmatch "([^\n]*)\n" do
    run_line(line)
  end
  waiting = waiting:match "[^\n]*$"
end

function love.update(dt)
  game.update(dt)
  read_lines()
  if controls.goal and shown.score == controls.goal then
    print("caught " .. shown.score)
    controls.goal = nil
  elseif controls.goal and shown.x then
    love.mousepressed(shown.x, shown.y)
    shown.x = nil -- Until the next star is drawn.
  end
  if controls.awaits_focus and love.window.hasFocus() then
    print "in front"
    controls.awaits_focus = false
  end
  if controls.how_to_freeze and controls.is_hidden then
    controls[controls.how_to_freeze]()
  end
end
