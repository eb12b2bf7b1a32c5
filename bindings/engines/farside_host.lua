-- Farside in an engine, from the engine's Lua: 5.1, LuaJIT or later. On top of
-- the module farside_engine and of any JSON library that has encode and decode.
--
--   local farside = require "farside_host" (require "farside_engine", json)
--   local host = assert(farside.open {
--     options = { store = "game.db" },               -- As of farside_open().
--     plugins = { Score = { submit = function(value, answer) return { rank = 1 } end } },
--     onMessage = function(script, value) end,       -- postMessage("host", value)
--     onLog = function(level, script, text) end,
--   })
--   assert(host:load("background.lua", code))
--   assert(host:start())
--   host:update()                                    -- Once a frame.
--   host:post "pause"
--
-- A function of a plugin returns its answer: a value, or nil, a sentence and a
-- NAME. Or it returns nothing, and answer.resolve(value) or
-- answer.reject(message, name) comes later, once.

local host_class = {}
host_class.__index = host_class

-- What the engine's JSON library makes of an empty table is its own affair; what
-- a plugin is called with is always a value.
local function options_of(settings, json)
  local options, methods, polls = {}, {}, { "message" }
  for name, value in pairs(settings.options or {}) do
    options[name] = value
  end
  for plugin, functions in pairs(settings.plugins or {}) do
    methods[plugin] = {}
    for name in pairs(functions) do
      table.insert(methods[plugin], name)
    end
    assert(#methods[plugin] > 0, "the plugin " .. plugin .. " has no functions")
  end
  options.plugins = next(methods) and methods or nil
  if settings.onLog then
    table.insert(polls, "log")
  end
  options.polls = polls
  return json.encode(options)
end

-- Makes the answer of a call. It may be called by nobody, or twice: only the
-- first counts.
local function answer_of(host, call)
  return {
    resolve = function(value)
      if value == nil then
        return host.core:resolve(call)
      end
      return host.core:resolve(call, host.json.encode(value))
    end,
    reject = function(message, name)
      return host.core:reject(call, name, message)
    end,
  }
end

local function finish(answer, count, value, message, name)
  if count == 0 then
    return -- Later.
  elseif value == nil and count > 1 then
    answer.reject(message, name)
  else
    answer.resolve(value)
  end
end

local function count_results(...)
  return select("#", ...), ...
end

local function call(host, event)
  local answer = answer_of(host, event.call)
  local method = host.plugins[event.plugin][event.method]
  local function run()
    return finish(answer, count_results(method(event.arguments, answer)))
  end
  local is_fine, why = pcall(run)
  if not is_fine then
    answer.reject(tostring(why))
    if host.onLog then
      host.onLog("error", event.script, event.plugin .. "." .. event.method .. ": " .. tostring(why))
    end
  end
end

-- Does what has come since the last time. False once the app has ended.
function host_class:update()
  local text = self.core:poll()
  while text do
    local event = self.json.decode(text)
    if event.event == "call" then
      call(self, event)
    elseif event.event == "message" and self.onMessage then
      self.onMessage(event.script, event.data)
    elseif event.event == "log" and self.onLog then
      self.onLog(event.level, event.script, event.text)
    elseif event.event == "ended" then
      self.has_ended = true
    end
    text = self.core:poll()
  end
  return not self.has_ended
end

function host_class:load(name, code)
  return self.core:load(name, code)
end

function host_class:start()
  return self.core:start()
end

function host_class:tick(milliseconds)
  return self.core:tick(milliseconds)
end

-- "pause", "resume", …: see farside_post().
function host_class:post(event, value)
  return self.core:post(event, value and self.json.encode(value))
end

function host_class:send(script, value)
  return self.core:send(script, self.json.encode(value))
end

function host_class:notify(plugin, event, value, is_retained)
  local json = value ~= nil and self.json.encode(value) or nil
  return self.core:notify(plugin, event, json, is_retained)
end

function host_class:close()
  self.core:close()
end

return function(core, json)
  local farside = { version = core.version }

  function farside.open(settings)
    local opened, why, name = core.open(options_of(settings, json))
    if not opened then
      return nil, why, name
    end
    return setmetatable({
      core = opened,
      json = json,
      plugins = settings.plugins or {},
      onMessage = settings.onMessage,
      onLog = settings.onLog,
    }, host_class)
  end

  return farside
end
