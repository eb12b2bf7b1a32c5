-- A small encoder and decoder.
local function encode(v)
  if type(v) ~= "table" then return type(v) == "string" and ("%q"):format(v) or tostring(v) end
  local parts, keys = {}, {}
  if #v > 0 then
    for _, w in ipairs(v) do parts[#parts + 1] = encode(w) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for k in pairs(v) do keys[#keys + 1] = k end
  table.sort(keys)
  for _, k in ipairs(keys) do parts[#parts + 1] = ("%q:%s"):format(k, encode(v[k])) end
  return "{" .. table.concat(parts, ",") .. "}"
end
local function decode(s, i)
  i = s:find("%S", i or 1)
  local c = s:sub(i, i)
  if c == "[" or c == "{" then
    local t, close = {}, c == "[" and "]" or "}"
    i = i + 1
    while s:sub(i, i) ~= close do
      local k, v
      if close == "}" then
        k, i = decode(s, i)
        i = i + 1
      end
      v, i = decode(s, i)
      t[k or #t + 1] = v
      if s:sub(i, i) == "," then i = i + 1 end
    end
    return t, i + 1
  elseif c == '"' then
    return s:match('^"([^"]*)"()', i)
  end
  local word, j = s:match("^([%w.%-]+)()", i)
  if word == "true" or word == "false" then return word == "true", j end
  return tonumber(word), j
end
local text = encode { a = { 1, 2, { b = "x" } }, c = true, d = 1.5, e = { f = { g = { h = "deep" } } } }
print(text)
print(encode((decode(text))) == text)
