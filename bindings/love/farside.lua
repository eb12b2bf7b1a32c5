-- Farside in LÖVE: what a game has to finish when nobody plays.
--
--   local farside = require "farside"
--
--   function love.load()
--     local ok, why = farside.start { script = "background.lua" }
--   end
--
--   function love.update()
--     farside.update()
--   end
--
-- A game stands still when it is minimised on a phone, and its Lua with it. The
-- script that is named here does not: it runs in a Lua 5.4 of Farside's own, on
-- a thread of Farside's own, and hears of everything by itself: focus, the
-- window's visibility, low memory, the end. The two Luas share nothing. They
-- send each other values, and the script may call functions of the game, which
-- farside.update() answers.
--
-- Nothing here ends the game: without the library, farside.start() says what to
-- do, and every other function returns the same. docs/love.md is the manual.

local farside = {}

---@class farside.love.options
---@field script? string the file of the background script, in the game; default "background.lua"
---@field scripts? string[] several of them, instead
---@field arguments? string[] what each of them is given as `...`
---@field http? string[] the addresses that they may talk to; default none
---@field plugins? table<string, table<string, fun(arguments: any, answer: function): any>> what they may call
---@field store? string | false what keeps their values and work, in the save folder; "farside.db"; false: nothing
---@field files? string the folder for what `Http` sends and receives, in the save folder; default none
---@field limits? table<string, integer> as in farside.h: { turn = 500, memory = 8e6 }
---@field grace? number how many seconds open tasks have when the game quits; default 5
---@field profile? string whose rules hold; default as the system is

---@class farside.love.entry
---@field level "debug" | "info" | "warn" | "error"
---@field script? string
---@field text string

-- -- JSON ----------------------------------------------------------------------

-- What crosses is JSON, because the two Luas share neither memory nor version.
-- The rules are those of scripts: a table is a list without holes, or it has
-- names as its keys; an empty one is an object; nil is null.

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local UNESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local DEPTH_MAX = 100

local function escape(char)
  return ESCAPES[char] or ("\\u%04x"):format(char:byte())
end

local encode

local function encode_table(value, depth)
  if depth == DEPTH_MAX then
    error("a table is in itself, or nested deeper than 100", 0)
  end
  local parts, count, is_list = {}, 0, true
  for key in pairs(value) do
    count = count + 1
    is_list = is_list and type(key) == "number"
  end
  if is_list and count > 0 and count == #value then
    for i = 1, count do
      parts[i] = encode(value[i], depth + 1)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, item in pairs(value) do
    if type(key) ~= "string" then
      error("a table is neither a list without holes nor has names as its only keys", 0)
    end
    parts[#parts + 1] = encode(key) .. ":" .. encode(item, depth + 1)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value, depth)
  local kind = type(value)
  if kind == "string" then
    return '"' .. value:gsub('[%c"\\]', escape) .. '"'
  elseif kind == "number" then
    if value ~= value or value == math.huge or value == -math.huge then
      error("a number is not finite", 0)
    end
    if value == math.floor(value) and math.abs(value) <= 2 ^ 53 then
      return ("%.0f"):format(value)
    end
    local short = ("%.14g"):format(value)
    return tonumber(short) == value and short or ("%.17g"):format(value)
  elseif kind == "table" then
    return encode_table(value, depth or 0)
  elseif kind == "boolean" then
    return tostring(value)
  elseif kind == "nil" then
    return "null"
  end
  error("only nil, booleans, numbers, strings and tables of them can cross, and no " .. kind, 0)
end

local function utf8_char(code)
  local floor = math.floor
  local last = 0x80 + code % 64
  if code < 0x80 then
    return string.char(code)
  elseif code < 0x800 then
    return string.char(0xC0 + floor(code / 64), last)
  end
  local middle = 0x80 + floor(code / 64) % 64
  if code < 0x10000 then
    return string.char(0xE0 + floor(code / 4096), middle, last)
  end
  return string.char(0xF0 + floor(code / 262144), 0x80 + floor(code / 4096) % 64, middle, last)
end

local function fail(at, what)
  error(("no JSON at byte %d: %s"):format(at, what), 0)
end

local function skip(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

-- The character that an escape stands for, and where the text goes on.
local function escaped(text, at)
  local letter = text:sub(at + 1, at + 1)
  if letter ~= "u" then
    return UNESCAPES[letter] or letter, at + 2
  end
  local high, low = text:match("^u([dD][89abAB]%x%x)\\u([dD][c-fC-F]%x%x)", at + 1)
  if high then
    return utf8_char(0x10000 + (tonumber(high, 16) - 0xD800) * 0x400 + tonumber(low, 16) - 0xDC00), at + 12
  end
  local hex = text:match("^u(%x%x%x%x)", at + 1) or fail(at, "a wrong escape")
  return utf8_char(tonumber(hex, 16)), at + 6
end

local function decode_string(text, at)
  local parts = {}
  at = at + 1
  while true do
    local stop = text:find('["\\]', at) or fail(at, "a string without an end")
    parts[#parts + 1] = text:sub(at, stop - 1)
    if text:sub(stop, stop) == '"' then
      return table.concat(parts), stop + 1
    end
    parts[#parts + 1], at = escaped(text, stop)
  end
end

-- Reads the items of a list or an object up to its closing mark.
local function decode_items(text, at, close, item)
  at = skip(text, at + 1)
  while text:sub(at, at) ~= close do
    at = skip(text, item(at))
    local mark = text:sub(at, at)
    if mark == "," then
      at = skip(text, at + 1)
    elseif mark ~= close then
      fail(at, "neither , nor " .. close)
    end
  end
  return at + 1
end

local function decode_value(text, at)
  local mark = text:sub(at, at)
  local result, count = {}, 0
  if mark == '"' then
    return decode_string(text, at)
  elseif mark == "[" then
    return result, decode_items(text, at, "]", function(from)
      count = count + 1
      result[count], from = decode_value(text, from)
      return from
    end)
  elseif mark == "{" then
    return result, decode_items(text, at, "}", function(from)
      local key
      key, from = decode_string(text, from)
      from = skip(text, from)
      if text:sub(from, from) ~= ":" then
        fail(from, "no :")
      end
      result[key], from = decode_value(text, skip(text, from + 1))
      return from
    end)
  end
  local word = text:match("^%l+", at)
  if word == "true" or word == "false" then
    return word == "true", at + #word
  elseif word == "null" then
    return nil, at + #word
  end
  local number = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  return tonumber(number) or fail(at, "no value"), at + #number
end

-- The value, or an error that says where the text is no JSON.
local function decode(text)
  local value, at = decode_value(text, skip(text, 1))
  if skip(text, at) <= #text then
    fail(at, "more behind the end")
  end
  return value
end

-- -- The library ---------------------------------------------------------------

-- The part of farside.h that is used here, word for word; love_spec.lua compares
-- them. A number says whether the library was built for the same text.
local ABI = 1
local DECLARATIONS = [[
typedef struct farside_host farside_host;
typedef struct farside_limits {
  uint64_t slice_ms;
  uint64_t hold_ms;
  uint64_t turn_ms;
  uint64_t cpu_ms;
  uint64_t grace_ms;
  uint64_t memory_bytes;
  uint64_t block_bytes;
  uint64_t messages;
  uint64_t storage_bytes;
  uint64_t work;
} farside_limits;
typedef struct farside_permissions {
  const char *const *modules;
  const char *const *http;
  const char *const *background;
  farside_limits limits;
} farside_permissions;
typedef struct farside_manifest {
  const char *name;
  const char *version;
  farside_permissions needs;
} farside_manifest;
typedef struct farside_source {
  uint64_t version;
  const char *path;
  const char *code;
  size_t code_bytes;
  const char *name;
  int argc;
  const char *const *argv;
  farside_permissions grant;
  const farside_manifest *manifest;
  bool is_trusted;
} farside_source;
unsigned farside_abi(void);
const char *farside_status_name(int status);
const char *farside_status_text(int status);
int farside_open(const char *options, farside_host **host, char *error, size_t error_bytes);
void farside_source_init(farside_source *source);
int farside_load(farside_host *host, const farside_source *source);
const char *farside_error(const farside_host *host);
int farside_start(farside_host *host);
bool farside_has_ended(farside_host *host);
int farside_post(farside_host *host, const char *event, const char *json);
int farside_send(farside_host *host, const char *script, const char *json);
int farside_notify(farside_host *host, const char *plugin, const char *event, const char *json, bool is_retained);
int farside_resolve(farside_host *host, uint64_t call, const char *json);
int farside_reject(farside_host *host, uint64_t call, const char *name, const char *message);
size_t farside_poll(farside_host *host, char *buffer, size_t bytes);
int farside_watch_sdl(void *host, void *event);
void farside_host_close(farside_host *host);
]]

local FILES = { Windows = "farside.dll", OSX = "libfarside.dylib" }

local ffi, library

local function exists(path)
  local file = io.open(path, "rb")
  return file ~= nil and file:close()
end

-- Where it may be: beside the game, in its folder while it is one, or where the
-- system looks, which on Android is the package. Only a developer names it.
local function places()
  local named = os.getenv "FARSIDE_LIBRARY"
  if named then
    return { named }
  end
  local file = FILES[ffi.os] or "libfarside.so"
  local found = {}
  for _, folder in ipairs { love.filesystem.getSource(), love.filesystem.getSourceBaseDirectory() } do
    local path = folder .. "/" .. file
    if exists(path) then
      found[#found + 1] = path
    end
  end
  found[#found + 1] = "farside"
  return found
end

local function find_library()
  if pcall(function() return ffi.C.farside_abi end) then
    return ffi.C -- Linked into the game, as on iOS.
  end
  local problem
  for _, place in ipairs(places()) do
    local ok, result = pcall(ffi.load, place)
    if ok then
      return result
    end
    problem = problem or result
  end
  return nil, ("Farside is not here: put %s beside the game, into %s, or name it in FARSIDE_LIBRARY (%s)"):format(
    FILES[ffi.os] or "libfarside.so", love.filesystem.getSourceBaseDirectory(), (problem:gsub("\n.*", "")))
end

-- Declares and loads, once; again only when it was not found.
local function open_library()
  if library then
    return library
  end
  local has_ffi
  has_ffi, ffi = pcall(require, "ffi")
  if not has_ffi then
    return nil, "Farside is not here: it needs LuaJIT, and this LÖVE was built without"
  end
  pcall(ffi.cdef, DECLARATIONS) -- A second time is an error, and harmless.
  local found, why = find_library()
  if not found then
    return nil, why
  elseif found.farside_abi() ~= ABI then
    return nil, ("Farside is not here: its library has version %d of the interface, and farside.lua %d: "
      .. "take both from one release"):format(found.farside_abi(), ABI)
  end
  library = found
  return library
end

-- -- What the game tells -----------------------------------------------------------

local host ---@type ffi.cdata*? A farside_host, while it is there.
local first_script ---@type string
local why_not = "Farside is not here: farside.start() was not called" -- While it is not.
local methods = {} -- "Plugin.method" → function

local function result(status)
  if status == 0 then
    return true
  end
  return nil, ffi.string(library.farside_status_text(status)), ffi.string(library.farside_status_name(status))
end

-- Calls a function of the library with a value as JSON as its last argument but
-- those behind it.
local function with_json(value, call)
  if not host then
    return nil, why_not, "CLOSED"
  end
  local ok, json = pcall(encode, value)
  if not ok then
    return nil, json, "INVALID"
  end
  return result(call(json))
end

-- What a script is called: as its file, without folder and ".lua".
local function name_of(path)
  return (path:match("[^/]*$"):gsub("%.lua$", ""))
end

--- Sends a value to a background script: its listeners of "message" hear it as `data`.
---@param value any nil, a boolean, number or string, or a table of them
---@param script? string its name, or its file; default the first
---@return true? ok
---@return string? message
---@return string? name
function farside.send(value, script)
  return with_json(value, function(json)
    return library.farside_send(host, name_of(script or first_script), json)
  end)
end

--- Tells the scripts that something has happened in the game: who called
--- `Plugins.PLUGIN.addListener(event, fn)` hears the value.
---@param plugin string one of the option `plugins`
---@param event string
---@param value? any
---@param is_retained? boolean whether it waits for the first listener
---@return true? ok
---@return string? message
---@return string? name
function farside.notify(plugin, event, value, is_retained)
  return with_json(value, function(json)
    return library.farside_notify(host, plugin, event, json, is_retained or false)
  end)
end

--- Tells `App` what happened, in the words of farside_post() in farside.h. LÖVE's own
--- events are told by themselves; this is for the others, such as "backButton".
---@param event string
---@param value? table
---@return true? ok
---@return string? message
---@return string? name
function farside.post(event, value)
  return with_json(value, function(json)
    return library.farside_post(host, event, value ~= nil and json or nil)
  end)
end

-- -- What LÖVE tells ---------------------------------------------------------------

local is_visible, is_focused, told = true, true, "active"

-- Tells the app's state, if it is another one. The events come in any order, and
-- not all of them everywhere: a phone and Windows say "focus" alone, and that
-- the window is minimised has to be asked.
local function tell_state()
  local state = "active"
  if not is_visible or (love.window and love.window.isOpen() and love.window.isMinimized()) then
    state = "background"
  elseif not is_focused then
    state = "inactive"
  end
  if state == told or (state == "inactive" and told == "background") then
    return -- In sight is not in use yet.
  elseif state == "background" then
    farside.post "pause"
  elseif state == "inactive" then
    farside.post("appStateChange", { isActive = false })
  else
    farside.post "resume"
  end
  told = state
end

local TELL = {
  focus = function(value)
    is_focused = value
    tell_state()
  end,
  visible = function(value)
    is_visible = value
    tell_state()
  end,
  lowmemory = function()
    farside.post("memoryWarning", { level = "low" })
  end,
}

-- Before LÖVE calls the game's own functions, which may be assigned later, and
-- may never return.
local function listen_to_love()
  for name, tell in pairs(love.handlers and TELL or {}) do
    local handler = love.handlers[name]
    love.handlers[name] = function(...)
      if host then
        tell(...)
      end
      return handler(...)
    end
  end
  TELL = {} -- Once is enough.
end

-- On a phone SDL hears of pause and resume, and its events stay with LÖVE, which
-- stops at once: its Lua would hear of the pause at the resume. So a function of
-- the library listens there. The symbols have names of our own, because a game
-- may have declared SDL's for itself.
local SDL_DECLARATIONS = [[
int farside_sdl_add(void *filter, void *user) __asm__("SDL_AddEventWatch");
void farside_sdl_remove_2(void *filter, void *user) __asm__("SDL_DelEventWatch");
void farside_sdl_remove_3(void *filter, void *user) __asm__("SDL_RemoveEventWatch");
]]

local stop_watching = function() end

local function watch_sdl()
  pcall(ffi.cdef, SDL_DECLARATIONS)
  local sdl = ffi.C
  if love.system.getOS() == "Android" then
    local ok, found = pcall(ffi.load, "SDL2")
    sdl = ok and found or sdl
  end
  local watch = ffi.cast("void *", library.farside_watch_sdl)
  local function remover(name)
    return sdl[name]
  end
  local has_remove, remove = pcall(remover, "farside_sdl_remove_2")
  if not has_remove then
    has_remove, remove = pcall(remover, "farside_sdl_remove_3")
  end
  if has_remove and pcall(function() sdl.farside_sdl_add(watch, host) end) then
    stop_watching = function()
      remove(watch, host)
    end
  end
end

-- -- What the scripts tell ---------------------------------------------------------

--- Called by farside.update() for each `farside.postMessage("host", value)`. Write your own.
---@param value any
---@param script string who sent it
function farside.message(value, script) end -- luacheck: ignore 212

--- Called by farside.update() for each line that a script prints or logs. Write your own.
---@param entry farside.love.entry
function farside.log(entry)
  print(("%s: %s"):format(entry.script or "farside", entry.text))
end

local function answer_call(call, value, message, name)
  if not host then
    return nil, why_not, "CLOSED"
  elseif value == nil and message then
    return result(library.farside_reject(host, call, name, tostring(message)))
  end
  local ok, json = pcall(encode, value)
  if not ok then
    return result(library.farside_reject(host, call, "INVALID", json))
  end
  return result(library.farside_resolve(host, call, json))
end

-- A method returns its answer; or nil, a message and a name; or `answer`, and
-- then it calls that later.
local function call_method(event)
  local call = event.call
  local function answer(...)
    return answer_call(call, ...)
  end
  local ok, value, message, name = pcall(methods[event.plugin .. "." .. event.method], event.arguments, answer)
  if not ok then
    answer_call(call, nil, value, "FAILED")
  elseif value ~= answer then
    answer_call(call, value, message, name)
  end
end

local HEAR = {
  message = function(event)
    farside.message(event.data, event.script)
  end,
  log = function(event)
    farside.log(event)
  end,
  call = call_method,
}

local buffer, buffer_bytes

-- The oldest of what waits, as a table; nil when nothing does.
local function poll()
  local bytes = tonumber(library.farside_poll(host, buffer, buffer_bytes))
  if bytes >= buffer_bytes then
    buffer_bytes = bytes + 1
    buffer = ffi.new("char[?]", buffer_bytes)
    bytes = tonumber(library.farside_poll(host, buffer, buffer_bytes))
  end
  return bytes > 0 and decode(ffi.string(buffer, bytes)) or nil
end

local function hear_all()
  local event = poll()
  while event do
    local hear = HEAR[event.event]
    if hear then
      hear(event)
    end
    event = host and poll() -- It may have been stopped meanwhile.
  end
end

--- Calls farside.message, farside.log and the methods of plugins for what has come since
--- the last time. Belongs into love.update.
function farside.update()
  if host then
    tell_state()
    hear_all()
  end
end

-- -- Start and stop ----------------------------------------------------------------

local grace -- Seconds.

local PROFILES = { Android = "android", iOS = "ios" }
local OPTIONS = {
  script = true, scripts = true, arguments = true, http = true, plugins = true, store = true, files = true,
  limits = true, grace = true, profile = true,
}

local function check_options(options)
  for name in pairs(options) do
    if not OPTIONS[name] then
      local known = {}
      for option in pairs(OPTIONS) do
        known[#known + 1] = option
      end
      table.sort(known)
      error(("farside.start: no option %s; there are: %s"):format(tostring(name), table.concat(known, ", ")), 3)
    end
  end
end

-- An absolute path in the save folder, which LÖVE makes when it is first needed.
local function saved(name)
  love.filesystem.createDirectory ""
  return love.filesystem.getSaveDirectory() .. "/" .. name
end

-- What farside_open() reads.
local function host_options(options)
  local open = {
    profile = options.profile or PROFILES[love.system.getOS()] or "desktop",
    app = { name = love.filesystem.getIdentity() },
    limits = options.limits,
    graceMs = math.floor((options.grace or 5) * 1000),
    polls = { "message", "log" },
    plugins = {},
  }
  if options.store ~= false then
    open.store = saved(options.store or "farside.db")
  end
  if options.files then
    love.filesystem.createDirectory(options.files)
    open.files = saved(options.files)
  end
  for plugin, functions in pairs(options.plugins or {}) do
    local names = {}
    for name, method in pairs(functions) do
      names[#names + 1] = name
      methods[plugin .. "." .. name] = method
    end
    open.plugins[plugin] = names
  end
  return open
end

-- A list of C strings that ends with NULL; `keep` holds what they point to.
local function strings(list, keep)
  local array = ffi.new("const char *[?]", #list + 1)
  for i, text in ipairs(list) do
    array[i - 1] = text
    keep[#keep + 1] = text
  end
  keep[#keep + 1] = array
  return array
end

-- From memory: a game is often a .love file, and then there is no path.
local function load_script(opened, name, options)
  local code = love.filesystem.read(name)
  if not code then
    return nil, ("the game has no file %s"):format(name), "NOFILE"
  end
  local source, keep = ffi.new "farside_source", {}
  library.farside_source_init(source)
  source.name, source.code, source.code_bytes = name, code, #code
  local arguments = options.arguments or {}
  source.argc, source.argv = #arguments, strings(arguments, keep)
  source.grant.http = strings(options.http or {}, keep)
  local status = library.farside_load(opened, source)
  if status == 0 then
    return true
  end
  return nil, ffi.string(library.farside_error(opened)), ffi.string(library.farside_status_name(status))
end

local function open_host(options)
  local pointer, why = ffi.new "farside_host *[1]", ffi.new "char[512]"
  local status = library.farside_open(encode(host_options(options)), pointer, why, 512)
  if status ~= 0 then
    return nil, ffi.string(why), ffi.string(library.farside_status_name(status))
  end
  local opened = pointer[0]
  for _, name in ipairs(options.scripts or { options.script or "background.lua" }) do
    local ok, message, status_name = load_script(opened, name, options)
    if not ok then
      library.farside_host_close(opened)
      return nil, message, status_name
    end
  end
  local ok, message, status_name = result(library.farside_start(opened))
  if ok then
    return opened
  end
  library.farside_host_close(opened)
  return nil, message, status_name
end

local function stop()
  stop_watching()
  farside.post("terminate", { reason = "quit" })
  local deadline = love.timer.getTime() + grace + 1
  while not library.farside_has_ended(host) and love.timer.getTime() < deadline do
    pcall(hear_all) -- An open task may still ask the game.
    love.timer.sleep(0.002)
  end
  pcall(hear_all)
  ffi.gc(host, nil)
  library.farside_host_close(host)
  host, why_not = nil, "Farside is not here: it was stopped"
end

-- Nobody waits before a window that does not answer.
local function quit()
  if love.window and love.window.isOpen() then
    love.window.close()
  end
  stop()
end

--- Ends it: scripts hear "terminate", and open tasks have their grace. When the game
--- quits this happens by itself.
function farside.stop()
  if host then
    stop()
  end
end

--- Starts Farside and its scripts. When that fails the game can go on: every function
--- here then does nothing and says why.
---@param options? farside.love.options
---@return true? ok
---@return string? message what to do about it
---@return string? name
function farside.start(options)
  options = options or {}
  check_options(options)
  if host then
    return nil, "Farside has been started already", "BUSY"
  end
  require "love.system" -- Where conf.lua has switched them off.
  require "love.timer"
  local name
  local found, why = open_library()
  if found then
    host, why, name = open_host(options)
  end
  if not host then
    why_not = why
    return nil, why, name or "UNSUPPORTED"
  end
  first_script = (options.scripts or { options.script or "background.lua" })[1]
  buffer_bytes = 4096
  buffer = ffi.new("char[?]", buffer_bytes)
  -- The last of what LÖVE does is to close its Lua, however the game ends, and
  -- after the game's own love.quit had its say.
  grace = options.grace or 5
  ffi.gc(host, quit)
  listen_to_love()
  watch_sdl()
  told = "active" -- As every app begins.
  tell_state()
  return true
end

-- For whoever sends JSON elsewhere, and for the specs.
farside.encode, farside.decode = encode, decode

return farside
