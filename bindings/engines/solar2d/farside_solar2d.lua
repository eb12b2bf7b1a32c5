-- Farside in Solar2D: the plugin (farside_engine.c, compiled with
-- -DFARSIDE_ENGINE_OPEN=luaopen_plugin_farside) and the app's life.
--
--   local farside = require "farside_solar2d"
--   local host = assert(farside.open { plugins = …, onMessage = …, onLog = … })
--   assert(host:load("background.lua", code))
--   assert(farside.run(host))
--
-- Solar2D suspends its timers, its listeners and its Lua in the background. The
-- host has a thread of its own, and goes on.

local farside = require "farside_host" (require "plugin.farside", require "json")

-- What Solar2D says, and what an app hears of it.
local POSTS = { applicationSuspend = "pause", applicationResume = "resume" }

-- Starts a host, and keeps it told until it ends.
function farside.run(host)
  local is_started, why, name = host:start()
  if not is_started then
    return nil, why, name
  end

  local function frame()
    if not host:update() then
      Runtime:removeEventListener("enterFrame", frame)
    end
  end

  local function system(event)
    if POSTS[event.type] then
      host:post(POSTS[event.type])
    elseif event.type == "applicationOpen" then
      host:post("appUrlOpen", { url = event.url })
    elseif event.type == "applicationExit" then
      host:post("terminate", { reason = "applicationExit", graceMs = 1000 })
      host:close() -- It stops now: what has to survive this is durable work.
    end
  end

  Runtime:addEventListener("enterFrame", frame)
  Runtime:addEventListener("system", system)
  Runtime:addEventListener("memoryWarning", function()
    host:post("memoryWarning", { level = "low" })
  end)
  return true
end

return farside
