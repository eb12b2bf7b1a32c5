-- Reads JSON, strictly: for specs that check what the program writes.

local json = {}

-- What stands for JSON's null in a table.
json.null = setmetatable({}, { __tostring = function() return "null" end })

local ESCAPES <const> = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function fail(text, at, what)
  error(("no JSON at byte %d: %s: %q"):format(at, what, text:sub(at, at + 40)), 0)
end

local function skip(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

local function string_at(text, at)
  local parts = {}
  at = at + 1
  while true do
    local stop = text:find('["\\%c]', at) or fail(text, at, "a string without an end")
    parts[#parts + 1] = text:sub(at, stop - 1)
    local mark = text:sub(stop, stop)
    if mark == '"' then
      local whole = table.concat(parts)
      return utf8.len(whole) and whole or fail(text, at, "no UTF-8"), stop + 1
    end
    local letter = text:sub(stop + 1, stop + 1)
    local hex = text:match("^u(%x%x%x%x)", stop + 1)
    if mark == "\\" and hex then
      parts[#parts + 1] = utf8.char(tonumber(hex, 16))
      at = stop + 6
    elseif mark == "\\" and ESCAPES[letter] then
      parts[#parts + 1] = ESCAPES[letter]
      at = stop + 2
    elseif mark == "\127" then
      parts[#parts + 1] = mark
      at = stop + 1
    else
      fail(text, stop, "a control character or a wrong escape")
    end
  end
end

local value_at

-- The items of a list or an object, up to its closing mark.
local function items(text, at, close, read)
  at = skip(text, at + 1)
  if text:sub(at, at) == close then
    return at + 1
  end
  while true do
    at = skip(text, read(at))
    local mark = text:sub(at, at)
    if mark == close then
      return at + 1
    elseif mark ~= "," then
      fail(text, at, "neither , nor " .. close)
    end
    at = skip(text, at + 1)
  end
end

function value_at(text, at)
  local mark = text:sub(at, at)
  local result = {}
  if mark == '"' then
    return string_at(text, at)
  elseif mark == "[" then
    return result, items(text, at, "]", function(from)
      local value, next_at = value_at(text, from)
      result[#result + 1] = value
      return next_at
    end)
  elseif mark == "{" then
    return result, items(text, at, "}", function(from)
      if text:sub(from, from) ~= '"' then
        fail(text, from, "a key is a string")
      end
      local key, next_at = string_at(text, from)
      next_at = skip(text, next_at)
      if text:sub(next_at, next_at) ~= ":" or result[key] ~= nil then
        fail(text, next_at, "no :, or a key that is there already")
      end
      local value, last = value_at(text, skip(text, next_at + 1))
      result[key] = value
      return last
    end)
  end
  for word, value in pairs { ["true"] = true, ["false"] = false, null = json.null } do
    if text:sub(at, at + #word - 1) == word then
      return value, at + #word
    end
  end
  local number = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at) or fail(text, at, "no value")
  return tonumber(number) or fail(text, at, "no number"), at + #number
end

-- One JSON value; an error says where it is none.
function json.decode(text)
  local value, at = value_at(text, skip(text, 1))
  if skip(text, at) <= #text then
    fail(text, at, "more behind the end")
  end
  return value
end

package.loaded["spec.json"] = json
return json
