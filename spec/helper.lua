-- What the specs share.

local device = require "farside.device"

local helper = {}

-- The first line of each script: the modules, without moving a line number.
local PRELUDE <const> = 'local farside = require "farside" '
  .. "local App, BackgroundTask, Log = farside.Plugins.App, "
  .. "farside.Plugins.BackgroundTask, farside.Plugins.Log "

-- Opens a phone with an app already running the given code.
function helper.run(code, options)
  local phone = device.open(options or { os = "ios" })
  local app, message = phone:run(PRELUDE .. code)
  if not app then
    phone:close()
    error("the script did not load: " .. message, 2)
  end
  return phone, app
end

-- The same, and lets happen what is due.
function helper.open(code, options)
  local phone = helper.run(code, options)
  phone:advance(1)
  return phone
end

-- The one unit of work of a phone that matches.
function helper.unit(phone, filter)
  local units = phone:work(filter)
  assert(#units == 1, #units .. " units match")
  return units[1]
end

-- The prelude alone, for specs that expect a script to fail.
function helper.code(code)
  return PRELUDE .. code
end

-- What happened, as a list of words: "task.begin", … Only those that begin with
-- `only`, without launch and timers.
function helper.story(phone, only)
  local words = {}
  for _, entry in ipairs(phone:timeline(only or "")) do
    if entry.what ~= "timer.fire" and entry.what ~= "app.launch" then
      words[#words + 1] = entry.what
    end
  end
  return words
end

-- What the script said, line by line, errors included.
function helper.said(phone)
  local lines = {}
  for _, entry in ipairs(phone:timeline("log")) do
    lines[#lines + 1] = entry.why
  end
  return lines
end

-- What went wrong in the script, line by line.
function helper.errors(phone)
  local lines = {}
  for _, entry in ipairs(phone:timeline("log")) do
    if entry.level == "error" then
      lines[#lines + 1] = entry.why
    end
  end
  return lines
end

-- The state of each task, in the order in which they were begun.
function helper.states(phone)
  local states = {}
  for i, task in ipairs(phone:tasks()) do
    states[i] = task.state
  end
  return states
end

-- The first entry with this word, or nil.
function helper.entry(phone, what)
  return phone:timeline(what)[1]
end

package.loaded["spec.helper"] = helper
return helper
