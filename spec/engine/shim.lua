-- In the Lua of an engine, 5.1 or later: the module, its Lua half, and Solar2D's.

package.path = BINDINGS .. "/?.lua;" .. BINDINGS .. "/solar2d/?.lua;" .. package.path
local json = require "cjson"
package.preload.json = function() return json end
local core = require "farside_engine"
local farside = require "farside_host" (core, json)

local CODE = [[
  local farside = require "farside"
  local App, Score = farside.Plugins.App, farside.Plugins.Score
  Score.addListener("changed", function(value) print("changed " .. value.n) end)
  App.addListener("message", function(message) farside.postMessage("host", message.data) end)
  App.addListener("appUrlOpen", function(event) print("url " .. event.url) end)
  App.addListener("pause", function()
    farside.Plugins.BackgroundTask.exec(function(task)
      local first = Score.submit { points = 42 }
      local later = Score.later()
      local _, why, name = Score.refuse()
      local _, broken = Score.broken()
      print(table.concat({ _VERSION, first.rank, tostring(later), why, name, tostring(broken ~= nil) }, " "))
      task:finish()
      App.exitApp()
    end)
  end)]]

local said = {}
local waiting

local function open()
  return assert(farside.open {
    options = { store = "" },
    plugins = {
      Score = {
        submit = function(value) return { rank = value.points / 2 } end,
        later = function(_, answer) waiting = answer end,
        refuse = function() return nil, "no network", "OFFLINE" end,
        broken = function() error "a mistake" end,
      },
    },
    onMessage = function(script, value) said[#said + 1] = script .. " " .. json.encode(value) end,
    onLog = function(level, _, text) said[#said + 1] = level .. " " .. text end,
  })
end

-- Waits until something was said; an engine draws frames meanwhile.
local function await(host, text, frame)
  while not (#said > 0 and table.concat(said, "\n"):find(text, 1, true)) do
    if frame then frame() else host:update() end
    if waiting then
      assert(waiting.resolve(true))
      assert(not waiting.resolve(false))
      waiting = nil
    end
  end
end

-- A host on a thread of its own.
local host = open()
assert(host:load("app.lua", CODE))
assert(select(3, host:load("wrong.lua", "x = = 1")) == "SYNTAX")
assert(host:start())
assert(select(3, host:tick(1)) == "BUSY")
assert(host:send("app", { 1, 2 }))
await(host, "app [1,2]")
assert(host:notify("Score", "changed", { n = 7 }))
await(host, "info changed 7")
assert(select(3, host:notify("Nobody", "changed")) == "INVALID")
assert(host:post "pause")
await(host, "Lua 5.4 21")
assert(table.concat(said, "\n"):find("Lua 5.4 21.0 true no network OFFLINE true", 1, true)
  or table.concat(said, "\n"):find("Lua 5.4 21 true no network OFFLINE true", 1, true), table.concat(said, "\n"))
assert(table.concat(said, "\n"):find("Score.broken: ", 1, true))
while host:update() do end
host:close()
assert(not pcall(host.post, host, "pause"))

-- One that is ticked, and collected.
said = {}
host = open()
assert(host:load("app.lua", CODE))
host:post("appUrlOpen", { url = "game://x" })
await(host, "info url game://x", function()
  host:tick(2)
  host:update()
end)
host = nil
collectgarbage()

assert(select(3, core.open "{") == "INVALID")
local hosts = {}
for i = 1, 8 do hosts[i] = assert(core.open "{}") end
assert(select(3, core.open "{}") == "LIMIT")
for i = 1, 8 do hosts[i]:close() end

-- Solar2D, by what it says.
local listeners = {}
Runtime = { -- luacheck: ignore 111
  addEventListener = function(_, event, fn) listeners[event] = fn end,
  removeEventListener = function(_, event) listeners[event] = nil end,
}
local solar2d = require "farside_solar2d"
said = {}
host = open()
assert(host:load("app.lua", CODE))
assert(solar2d.run(host))
listeners.system { type = "applicationStart" }
listeners.system { type = "applicationOpen", url = "game://y" }
listeners.memoryWarning()
listeners.system { type = "applicationSuspend" }
await(host, "Lua 5.4 21", function() listeners.enterFrame() end)
while listeners.enterFrame do listeners.enterFrame() end
listeners.system { type = "applicationExit" }
return true
