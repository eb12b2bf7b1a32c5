-- The declarations for TypeScript name what scripts/types.lua names, which
-- docs_spec compares with the reference and the code: the same functions, options,
-- fields and words, and no others.

local function read(path)
  local file <close> = assert(io.open(path, "r"))
  return file:read "a"
end

local FOLDER <const> = "bindings/typescript/"
local CORE <const>, GLOBALS <const> = read(FOLDER .. "index.d.ts"), read(FOLDER .. "globals.d.ts")
local DEVICE <const>, BUSTED <const> = read(FOLDER .. "device.d.ts"), read(FOLDER .. "busted.d.ts")
local TYPES <const> = read "scripts/types.lua"

local function sorted(set)
  local list = {}
  for name in pairs(set) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

-- What an interface declares, without what lies deeper in it.
local function members(text, name)
  local body = text:match("\nexport interface " .. name .. "%f[^%w_][^{\n]* (%b{})")
    or text:match("\ninterface " .. name .. " (%b{})")
  assert.truthy(body, "there is no interface " .. name)
  local found = {}
  for line in body:gmatch "\n  ([^\n]*)" do
    local word = line:match "^readonly ([%a_]+)%??:" or line:match "^([%a_]+)%??[:(<]"
    if word then
      found[word] = true
    end
  end
  assert.truthy(next(found), "nothing was found in " .. name)
  return found
end

-- function App.once, function task:finish
local function declared(class)
  local found = {}
  for name in TYPES:gmatch("\nfunction " .. class .. "[.:]([%w_]+)%(") do
    found[name] = true
  end
  return found
end

-- What the annotation lines below a declaration say, up to the first other.
local function annotated(declaration, pattern)
  local found = {}
  local _, last = TYPES:find("%-%-%-@" .. declaration .. "%f[^%w_.][^\n]*\n")
  assert.truthy(last, "scripts/types.lua has no " .. declaration)
  for line in TYPES:sub(last + 1):gmatch "([^\n]*)\n" do
    local word = line:match(pattern)
    if word then
      found[word] = true
    elseif not line:find "^%-%-%-" then
      break
    end
  end
  return found
end

local function fields(class)
  return annotated("class farside%." .. class, "^%-%-%-@field ([%a_]+)")
end

-- The words of a union: type Status = | 'OK' | …;
local function words(text, name)
  local found = {}
  for word in text:match("\nexport type " .. name .. " =(.-);"):gmatch "'([^']+)'" do
    found[word] = true
  end
  return found
end

local function exported(text)
  local found = {}
  for name in text:gmatch "\nexport function ([%w_]+)" do
    found[name] = true
  end
  return found
end

describe("the declarations for TypeScript have", function()
  local function same(wanted, got, what)
    assert.same(sorted(wanted), sorted(got), what)
  end

  it("every function of a module and every method of an object", function()
    for name, text in pairs {
      App = CORE, BackgroundTask = CORE, Storage = CORE, Http = CORE, Files = CORE, Log = CORE,
    } do
      same(declared(name), members(text, name), name)
    end
    for class, name in pairs { handle = "Handle", task = "Task", ctx = "Context" } do
      local has = declared(class)
      for field in pairs(class == "handle" and {} or fields(class)) do
        has[field] = true
      end
      same(has, members(CORE, name), name)
    end
    same(declared "phone", members(DEVICE, "Phone"), "Phone")
    same(declared "app", members(DEVICE, "PhoneApp"), "PhoneApp")
    same(declared "device", exported(DEVICE), "device")
  end)

  it("every function of farside but await, which is TypeScript's own", function()
    local wanted = declared "farside"
    assert.truthy(wanted.await)
    wanted.await = nil
    same(wanted, exported(CORE), "farside")
  end)

  it("every global", function()
    local globals = {}
    for name in GLOBALS:gmatch "\ndeclare function ([%w_]+)" do
      globals[name] = true
    end
    globals.print = nil -- Lua's own, in the timeline.
    local wanted = {}
    for name in TYPES:gmatch "\nfunction ([%w_]+)%(" do
      wanted[name] = true
    end
    same(wanted, globals, "globals")
  end)

  it("every option and every field", function()
    for class, name in pairs {
      exec_options = "ExecOptions", open_task = "OpenTask", kind = "Kind", retry_rules = "RetryRules", needs = "Needs",
      enqueue_options = "EnqueueOptions", periodic_options = "PeriodicOptions", work = "Work", past_run = "PastRun",
      work_filter = "WorkFilter", obstacle = "Obstacle", http_options = "HttpOptions", http_progress = "HttpProgress",
      usage = "Usage", Plugins = "PluginRegistry", EnginePlugin = "EnginePlugin",
    } do
      same(fields(class), members(CORE, name), name)
    end
    for class, name in pairs {
      device_options = "DeviceOptions", entry = "Entry", outcome = "Outcome", violation = "Violation",
      past_task = "PastTask", world = "World", wake_options = "WakeOptions", http_asked = "HttpAsked",
      http_answer = "HttpAnswer", plugin_answer = "PluginAnswer",
    } do
      same(fields(class), members(DEVICE, name), name)
    end
    local receipt = fields "work_receipt"
    receipt.id = true -- In Lua it is a result of its own.
    same(receipt, members(CORE, "Receipt"), "Receipt")
    local response = fields "http_response"
    for field in pairs(members(CORE, "HttpResponse")) do
      assert.truthy(response[field], field)
    end
    for field in pairs(members(CORE, "HttpDownload")) do
      assert.truthy(response[field], field)
    end
  end)

  it("every word", function()
    local function alias(name)
      return annotated("alias farside%." .. name, '^%-%-%-| "([^"]+)"')
    end
    same(alias "status", words(CORE, "Status"), "Status")
    same(alias "app_state", words(CORE, "AppState"), "AppState")
    same(alias "task_state", words(CORE, "TaskState"), "TaskState")
    same(alias "work_state", words(CORE, "WorkState"), "WorkState")
    same(alias "event", members(CORE, "AppEvents"), "AppEvents")
    same(alias "os", words(DEVICE, "Os"), "Os")
    same(alias "network", words(DEVICE, "Network"), "Network")
    same(alias "wake_kind", words(DEVICE, "WakeKind"), "WakeKind")
  end)

  it("every matcher", function()
    local matchers = members(BUSTED, "BustedAssert")
    for name in pairs(annotated("class luassert", "^%-%-%-@field ([%a_]+)")) do
      assert.truthy(matchers[name], name)
    end
  end)

  it("a sentence for each function", function()
    for _, text in ipairs { CORE, DEVICE } do
      local before = ""
      for line in text:gmatch "[^\n]+" do
        if line:find "^export function" or line:find "^declare function" or line:find "^  %a+%(" then
          assert.truthy(before:find "%.%*?/? ?%*/$" or before:find "^  %a+%(", "there is no sentence before " .. line)
        end
        before = line
      end
    end
  end)
end)

describe("what the module of TypeScript exports", function()
  it("is what its declarations say", function()
    local wanted, got = exported(CORE), {}
    for name in CORE:gmatch "\nexport const ([%w_]+)" do
      wanted[name] = true
    end
    wanted.FarsideError = true
    for name in read(FOLDER .. "index.lua"):match "\nreturn (%b{})\n$":gmatch "\n  ([%w_]+) = " do
      got[name] = true
    end
    assert.same(sorted(wanted), sorted(got))
  end)
end)
