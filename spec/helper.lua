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

-- Reads JSON: what ours writes, and no more of it than that. An error for
-- anything else. null becomes helper.null.
helper.null = setmetatable({}, { __name = "null" })

local read_value

local function skip_space(text, from)
  return text:find("%S", from) or #text + 1
end

-- The items of {…} or […], each read by `item`; returns where it ends.
local function read_items(text, from, close, item)
  local at = skip_space(text, from + 1)
  if text:sub(at, at) == close then
    return at + 1
  end
  while true do
    at = skip_space(text, item(at))
    local mark = text:sub(at, at)
    if mark == close then
      return at + 1
    end
    assert(mark == ",", "no comma at " .. at)
    at = skip_space(text, at + 1)
  end
end

local ESCAPES <const> = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", n = "\n", t = "\t", r = "\r", b = "\b", f = "\f" }

local function read_string(text, from)
  local parts, at = {}, from + 1
  while true do
    local plain, mark, escape = text:match('^([^"\\\0-\31]*)(["\\])(.?)', at)
    assert(plain, "no end of the string at " .. from)
    at = at + #plain + 1
    parts[#parts + 1] = plain
    if mark == '"' then
      return table.concat(parts), at
    elseif escape == "u" then
      parts[#parts + 1] = utf8.char(tonumber(assert(text:match("^u(%x%x%x%x)", at)), 16))
      at = at + 5
    else
      parts[#parts + 1] = assert(ESCAPES[escape], "no such escape at " .. at)
      at = at + 1
    end
  end
end

local function read_object(text, from)
  local object = {}
  return object, read_items(text, from, "}", function(at)
    assert(text:sub(at, at) == '"', "no key at " .. at)
    local key, colon = read_string(text, at)
    colon = skip_space(text, colon)
    assert(text:sub(colon, colon) == ":", "no colon at " .. colon)
    assert(object[key] == nil, key .. " is there twice")
    object[key], at = read_value(text, colon + 1)
    return at
  end)
end

local function read_array(text, from)
  local array = {}
  return array, read_items(text, from, "]", function(at)
    array[#array + 1], at = read_value(text, at)
    return at
  end)
end

local WORDS <const> = { ["true"] = true, ["false"] = false, null = helper.null }

function read_value(text, from)
  from = skip_space(text, from)
  local mark = text:sub(from, from)
  if mark == "{" then
    return read_object(text, from)
  elseif mark == "[" then
    return read_array(text, from)
  elseif mark == '"' then
    return read_string(text, from)
  end
  local word = text:match("^%l+", from) or text:match("^%-?%d[%d.eE+-]*", from) or ""
  local value = WORDS[word]
  if value == nil then
    value = assert(tonumber(word), "no value at " .. from)
  end
  return value, from + #word
end

function helper.json(text)
  local value, at = read_value(text, 1)
  assert(skip_space(text, at) > #text, "more follows at " .. at)
  return value
end

package.loaded["spec.helper"] = helper
return helper
