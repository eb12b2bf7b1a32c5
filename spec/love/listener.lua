-- A background script that says what it hears, and does what it is asked.

local farside = require "farside"
local Plugins = farside.Plugins
local App, BackgroundTask, Game = Plugins.App, Plugins.BackgroundTask, Plugins.Game

local changes = 0

for _, event in ipairs { "launch", "pause", "resume" } do
  App.addListener(event, function()
    changes = changes + (event ~= "launch" and 1 or 0)
    print("heard " .. event)
  end)
end

App.addListener("appStateChange", function(state)
  changes = changes + 1
  print("heard appStateChange " .. tostring(state.isActive))
end)

App.addListener("memoryWarning", function(warning)
  print("heard memoryWarning " .. warning.level)
end)

App.addListener("terminate", function()
  print "heard terminate"
end)

Game.addListener("level", function(level)
  print("heard level " .. level.number)
end)

local ask = {}

function ask.count()
  print(("heard %d changes"):format(changes))
end

-- A task that is open when the game quits, and ends within its grace.
function ask.hold()
  BackgroundTask.exec(function(task)
    print "holding"
    App.once("terminate", function()
      farside.sleep(50)
      print "let go"
      task:finish()
    end)
  end)
end

-- One that never ends by itself.
function ask.cling()
  BackgroundTask.exec(function()
    print "clinging"
    farside.sleep(1e9)
  end)
end

local function call(method, options)
  local answer, message, name = Game[method](options)
  print(("answer: %s%s"):format(answer, message and (", %s, %s"):format(message, name) or ""))
end

App.addListener("message", function(message)
  local data = message.data
  local method = (data.ask or ""):match "^Game%.(.*)"
  if method then
    call(method, data.options)
  elseif data.ask then
    ask[data.ask]()
  elseif data.echo then
    farside.postMessage("host", { echo = data.echo })
  end
end)
