-- Farside for TypeScriptToLua: the half that runs.
--
-- What waits in Lua gives a Promise here, what fails there as nil, message, NAME
-- throws a FarsideError, and a closure that is async holds its task open until it
-- has settled. A Promise that is rejected, and nobody listens, is reported: tstl
-- would forget it.

-- In a variable: tstl looks for a file where it reads a name in a require.
local host <const> = "farside"
local farside <const> = require(host)
local native <const> = farside.Plugins

local ____lualib = require("lualib_bundle")
local Error = ____lualib.Error
local __TS__Class = ____lualib.__TS__Class
local __TS__ClassExtends = ____lualib.__TS__ClassExtends
local __TS__InstanceOf = ____lualib.__TS__InstanceOf
local __TS__New = ____lualib.__TS__New
local __TS__Promise = ____lualib.__TS__Promise

-- -- Failures -----------------------------------------------------------------

local FarsideError = __TS__Class()
FarsideError.name = "FarsideError"
__TS__ClassExtends(FarsideError, Error)

function FarsideError.prototype:____constructor(message, code)
  Error.prototype.____constructor(self, message)
  self.name = "FarsideError"
  self.code = code
end

-- Results as they are, or a FarsideError for nil, message, NAME.
local function check(value, message, name, ...)
  if value == nil and name then
    error(__TS__New(FarsideError, message, name), 0)
  end
  return value, message, name, ...
end

local function checked(fn)
  return function(...)
    return (check(fn(...)))
  end
end

-- -- Promises that nobody listens to ------------------------------------------

local unheard = {} -- Those that were rejected in this turn.
local early -- Those that were in the main chunk, whose end we do not see: a timer does.
local turns = 0 -- Callbacks of ours that run: at the end of each it is seen who is still unheard.

local function is_promise(value)
  return type(value) == "table" and __TS__InstanceOf(value, __TS__Promise)
end

-- Whoever reads the reason of a rejection has heard of it.
local unheard_metatable <const> = {
  __index = function(promise, key)
    if key ~= "rejectionReason" then
      return __TS__Promise.prototype[key]
    end
    local reason = promise.reason
    setmetatable(promise, __TS__Promise.prototype)
    promise.rejectionReason = reason
    promise.reason = nil
    return reason
  end,
  __tostring = __TS__Promise.prototype.__tostring,
}

local function describe(reason)
  local text = type(reason) == "table" and rawget(reason, "message") or reason
  if type(reason) == "table" and rawget(reason, "name") then
    text = reason.name .. ": " .. tostring(text)
  end
  local stack = type(reason) == "table" and rawget(reason, "stack") or nil
  return "unhandled rejection: " .. tostring(text), stack
end

-- The end of a turn: the first of them is raised, unless an error would be blamed
-- on the wrong one.
local function tell(is_quiet)
  local found, raised = unheard, nil
  unheard = {}
  for _, promise in ipairs(found) do
    if getmetatable(promise) == unheard_metatable then
      local message, stack = describe(promise.rejectionReason)
      if is_quiet or raised then
        native.Log.error(stack and message .. "\n" .. stack or message)
      else
        raised = { message = message, stack = stack }
      end
    end
  end
  if raised then
    error(raised, 0)
  end
end

local turn_end <const> = setmetatable({}, {
  __close = function(_, problem)
    turns = turns - 1
    tell(problem ~= nil)
  end,
})

-- A function that the host calls.
local function entry(fn)
  if type(fn) ~= "function" then
    return fn -- The host says what is wrong with it.
  end
  return function(...)
    turns = turns + 1
    local _ <close> = turn_end
    fn(...)
  end
end

local function note(promise, reason)
  promise.rejectionReason = nil
  promise.reason = reason
  setmetatable(promise, unheard_metatable)
  if turns > 0 then
    unheard[#unheard + 1] = promise
  elseif early then
    early[#early + 1] = promise
  else
    early = { promise }
    farside.setTimeout(entry(function()
      unheard, early = early, nil
    end), 1)
  end
end

local prototype <const> = __TS__Promise.prototype
local reject <const>, add_callbacks <const> = prototype.reject, prototype.addCallbacks

function prototype:addCallbacks(...)
  self.isHeard = true
  return add_callbacks(self, ...)
end

function prototype:reject(reason)
  if self.state == 0 and not self.isHeard then
    self.state = 2
    note(self, reason)
  else
    reject(self, reason)
  end
end

local function rejected(reason)
  local promise = __TS__New(__TS__Promise, function() end)
  promise:reject(reason)
  return promise
end

__TS__Promise.reject = rejected

-- -- Between Promises and coroutines ------------------------------------------

-- What failed: an error of Lua or of TypeScript, or nil, message, NAME.
local function failure(is_fine, value, message, name)
  if is_fine then
    return __TS__New(FarsideError, message, name)
  end
  return type(value) == "string" and __TS__New(Error, value) or value
end

local function identity(value)
  return value
end

-- What waits in a coroutine, as what gives a Promise.
local function promised(fn, pack)
  pack = pack or identity
  return function(...)
    local promise = __TS__New(__TS__Promise, function() end)
    local results -- Of what did not wait: an error has the stack of who has called.
    local is_here = true
    local function settle(is_fine, value, message, name, ...)
      if is_fine and (value ~= nil or not name) then
        promise:resolve(pack(value, message))
      else
        promise:reject(failure(is_fine, value, message, name, ...))
      end
    end
    coroutine.wrap(function(...)
      results = table.pack(pcall(fn, ...))
      if is_here then
        return
      end
      turns = turns + 1
      local _ <close> = turn_end
      settle(table.unpack(results, 1, results.n))
    end)(...)
    is_here = false
    if results then
      settle(table.unpack(results, 1, results.n))
    end
    return promise
  end
end

-- What a closure returns: where that is a Promise its coroutine waits, so that the
-- task fails with it.
local function settle(value)
  if not is_promise(value) then
    return value
  end
  local is_fine, result = farside.await(function(done)
    value:addCallbacks(
      function(_, answer) done(true, answer) end,
      function(_, reason) done(false, reason) end
    )
  end)
  if not is_fine then
    error(result, 0)
  end
  return result
end

local quiet_end <const> = setmetatable({}, {
  __close = function()
    turns = turns - 1
    tell(true)
  end,
})

-- Somebody will listen to it.
local function hear(value)
  if is_promise(value) then
    value.isHeard = true
    return value.rejectionReason
  end
end

-- A function that a task waits for.
local function closure(fn, view)
  if type(fn) ~= "function" then
    return fn
  end
  return function(object)
    local value
    do
      turns = turns + 1
      local _ <close> = quiet_end
      value = fn(view(object))
      hear(value)
    end
    return settle(value)
  end
end

-- -- Views: the host's objects, with our functions before theirs ----------------

local function view_of(methods)
  return function(object)
    return setmetatable({}, {
      __index = function(_, key)
        local method = methods[key]
        if method then
          return function(_, ...) return method(object, ...) end
        end
        return object[key]
      end,
      __tostring = function() return tostring(object) end,
    })
  end
end

local task_view
task_view = view_of {
  finish = function(task) return (task:finish()) end,
  onExpire = function(task, fn) return (task:onExpire(closure(fn, task_view))) end,
  remaining = function(task) return task:remaining() end,
}

local ctx_view <const> = view_of {
  save = promised(function(ctx, value) return ctx:save(value) end),
  progress = promised(function(ctx, value) return ctx:progress(value) end),
  stopping = function(ctx) return ctx:stopping() end,
  retry = function(ctx, ...) return ctx:retry(...) end,
  fail = function(ctx, ...) return ctx:fail(...) end,
}

-- -- Plugins ------------------------------------------------------------------

-- What is not here is the host's own, as it is.
local function plugin(name, functions)
  return setmetatable(functions, { __index = native[name] })
end

local function copy(options)
  if type(options) ~= "table" then
    return options
  end
  local mine = {}
  for key, value in pairs(options) do
    mine[key] = value
  end
  return mine
end

local function listen(add)
  return function(event, fn) return add(event, entry(fn)) end
end

local App <const> = plugin("App", {
  addListener = listen(native.App.addListener),
  addEventListener = listen(native.App.addEventListener),
  once = listen(native.App.once),
  minimizeApp = function() return (native.App.minimizeApp()) end,
})

local function exec(fn, options)
  options = copy(options)
  if type(options) == "table" then
    options.onExpire = closure(options.onExpire, task_view)
  end
  return (check(native.BackgroundTask.exec(closure(fn, task_view), options)))
end

local function receipt(id, info)
  info = copy(info)
  info.id = id
  return info
end

local BackgroundTask <const> = plugin("BackgroundTask", {
  exec = exec,
  beforeExit = exec,
  finish = function(options) return (native.BackgroundTask.finish(options)) end,
  define = function(kind, options)
    options = copy(options)
    if type(options) == "table" then
      options.run = closure(options.run, ctx_view)
    end
    native.BackgroundTask.define(kind, options)
  end,
  enqueue = promised(native.BackgroundTask.enqueue, receipt),
  periodic = promised(native.BackgroundTask.periodic, receipt),
  cancel = promised(native.BackgroundTask.cancel),
  redrive = promised(native.BackgroundTask.redrive),
  prune = promised(native.BackgroundTask.prune),
  get = checked(native.BackgroundTask.get),
  query = checked(native.BackgroundTask.query),
  history = checked(native.BackgroundTask.history),
  explain = checked(native.BackgroundTask.explain),
  watch = function(filter, fn)
    if fn == nil then
      return native.BackgroundTask.watch(entry(filter))
    end
    return native.BackgroundTask.watch(filter, entry(fn))
  end,
})

local Storage <const> = plugin("Storage", {
  get = checked(native.Storage.get),
  has = checked(native.Storage.has),
  set = checked(native.Storage.set),
  remove = checked(native.Storage.remove),
  keys = checked(native.Storage.keys),
  clear = checked(native.Storage.clear),
})

local function answer(response)
  local json = type(response) == "table" and response.json
  if json then
    response.json = checked(json)
  end
  return response
end

-- Without a function it gives a Promise, and with one it calls that.
local function request(ask)
  local wait = promised(ask, answer)
  return function(options, fn)
    if type(options) == "table" and options.onProgress then
      options = copy(options)
      options.onProgress = entry(options.onProgress)
    end
    if fn == nil then
      return wait(options)
    end
    local listener = entry(fn)
    return (check(ask(options, function(response, message, name)
      listener(answer(response), message, name)
    end)))
  end
end

local Http <const> = plugin("Http", {})
for _, name in ipairs { "request", "get", "post", "put", "download", "upload" } do
  Http[name] = request(native.Http[name])
end

local Files <const> = plugin("Files", {
  list = checked(native.Files.list),
  size = checked(native.Files.size),
  read = checked(native.Files.read),
  write = checked(native.Files.write),
  remove = checked(native.Files.remove),
})

-- A method of an engine's plugin: a Promise, unless there is a function.
local function method(call)
  local wait = promised(call)
  return function(value, fn)
    if type(value) == "function" then
      return (check(call(entry(value))))
    elseif fn ~= nil then
      return (check(call(value, entry(fn))))
    end
    return wait(value)
  end
end

local engine <const> = setmetatable({}, {
  __index = function(known, name)
    local theirs = native[name]
    if type(theirs) ~= "table" then
      return nil
    end
    local mine = { removeAllListeners = theirs.removeAllListeners }
    for _, listener in ipairs { "addListener", "addEventListener", "once" } do
      mine[listener] = theirs[listener] and listen(theirs[listener])
    end
    known[name] = setmetatable(mine, {
      __index = function(_, key)
        local call = theirs[key]
        mine[key] = type(call) == "function" and method(call) or call
        return mine[key]
      end,
    })
    return known[name]
  end,
})

-- -- Globals ------------------------------------------------------------------

-- Plain Lua has no such globals; a program in TypeScript expects them.
for _, name in ipairs { "setTimeout", "setInterval" } do
  local set = farside[name]
  rawset(_G, name, function(fn, ...) return set(entry(fn), ...) end)
end
for _, name in ipairs { "clearTimeout", "clearInterval" } do
  rawset(_G, name, farside[name])
end
if rawget(_G, "console") == nil then
  local Log = native.Log
  rawset(_G, "console", { log = Log.info, info = Log.info, debug = Log.debug, warn = Log.warn, error = Log.error })
end

local function sleep(ms)
  return __TS__New(__TS__Promise, function(_, resolve)
    farside.setTimeout(entry(resolve), ms)
  end)
end

return {
  Plugins = setmetatable({
    App = App,
    BackgroundTask = BackgroundTask,
    Storage = Storage,
    Http = Http,
    Files = Files,
    Log = native.Log,
  }, { __index = engine }),
  App = App,
  BackgroundTask = BackgroundTask,
  Storage = Storage,
  Http = Http,
  Files = Files,
  Log = native.Log,
  FarsideError = FarsideError,
  sleep = sleep,
  setTimeout = _G.setTimeout,
  setInterval = _G.setInterval,
  clearTimeout = _G.clearTimeout,
  clearInterval = _G.clearInterval,
  version = farside.version,
  name = farside.name,
  run = checked(farside.run),
  postMessage = checked(farside.postMessage),
  openStore = checked(farside.openStore),
  loop = checked(farside.loop),
  scripts = farside.scripts,
  usage = farside.usage,
}
