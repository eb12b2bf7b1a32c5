-- docs/reference.md, scripts/types.lua and the code say the same: whatever a
-- script, a spec or a command line can use is documented and declared, and what
-- is documented or declared exists.

local farside = require "farside"
local device = require "farside.device"
local json = require "spec.json"
local program = require "spec.program"

local read = program.read

local REFERENCE <const> = read "docs/reference.md"
local TYPES <const> = read "scripts/types.lua"

-- -- Small tools --------------------------------------------------------------

local function sorted(set)
  local list = {}
  for name in pairs(set) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

-- Fails with the names that are in `set` and not in `others`.
local function expect_all(set, others, complaint)
  assert.truthy(next(set), "nothing was found to compare")
  local missing = {}
  for _, name in ipairs(sorted(set)) do
    if not others[name] then
      missing[#missing + 1] = name
    end
  end
  assert.truthy(#missing == 0, complaint .. ": " .. table.concat(missing, ", "))
end

-- The text from a heading to the next heading of that level or a higher one.
local function section(heading)
  local level = #heading:match "^#+"
  local lines = {}
  local is_inside, is_code = false, false
  for line in REFERENCE:gmatch "([^\n]*)\n" do
    is_code = is_code ~= (line:find "^```" ~= nil)
    local marks = not is_code and line:match "^(#+) "
    if line == heading then
      is_inside = true
    elseif is_inside and marks and #marks <= level then
      break
    elseif is_inside then
      lines[#lines + 1] = line
    end
  end
  assert.truthy(is_inside, "docs/reference.md has no heading " .. heading)
  return table.concat(lines, "\n") .. "\n"
end

-- The words in code spans of the first column of a section's tables.
local function first_column(heading)
  local words = {}
  for cell in ("\n" .. section(heading)):gmatch "\n| ([^|]*) |" do
    for word in cell:gmatch "`([^`]*)`" do
      words[word] = true
    end
  end
  return words
end

-- -- What the reference documents ---------------------------------------------

-- "App.once", "phone:kill": each signature in a heading or in a first column.
local function documented_functions()
  local names = {}
  for line in REFERENCE:gmatch "[^\n]+" do
    local place = line:match "^#+ (.*)" or line:match "^| ([^|]*) |" or ""
    for code in place:gmatch "`([^`]*)`" do
      local name = code:match "^(%a[%w_]*[.:]%a[%w_]*)[({]"
      if name then
        names[name] = true
      end
    end
  end
  return names
end

-- -- What types.lua declares --------------------------------------------------

local function declared_functions()
  local names = {}
  for name in TYPES:gmatch "\nfunction ([%w_.:]+)%(" do
    names[name] = true
  end
  return names
end

-- What the annotation lines below a declaration say, up to the first other.
local function annotated(declaration, pattern)
  local found = {}
  local _, last = TYPES:find("---@" .. declaration .. "\n", 1, true)
  assert.truthy(last, "scripts/types.lua has no " .. declaration)
  for line in TYPES:sub(last + 1):gmatch "([^\n]*)\n" do
    local word = line:match(pattern)
    if not word then
      break
    end
    found[word] = true
  end
  return found
end

-- The words of an alias: ---@alias farside.what, then ---| "…" lines.
local function alias(name)
  return annotated("alias " .. name, '^%-%-%-| "([^"]+)"')
end

-- The fields of a class: ---@class, then ---@field lines.
local function class_fields(name)
  return annotated("class " .. name, "^%-%-%-@field ([%w_]+)")
end

-- -- What the code has --------------------------------------------------------

local function add_functions(names, prefix, table_of)
  for key, value in pairs(table_of) do
    if type(value) == "function" and not key:find "^__" then
      names[prefix .. key] = true
    end
  end
end

local function methods_of(object)
  return getmetatable(object).__index
end

-- Runs code in a hosted script and returns the words that it prints.
local function hosted(code)
  local phone <close> = device.open {}
  assert(phone:run('local farside = require "farside" ' .. code))
  local words = {}
  for _, entry in ipairs(phone:timeline "log") do
    assert.equal("info", entry.level, entry.why)
    for word in entry.why:gmatch "%S+" do
      words[word] = true
    end
  end
  return words
end

-- The metatables of tasks and handles are protected, so their methods cannot be
-- listed: each name that is documented or declared is looked up instead. So is
-- each that the source registers.
local function hosted_methods(class, names)
  local code = {
    task = "farside.Plugins.BackgroundTask.exec(function(object) %s object:finish() end)",
    handle = 'local object = farside.Plugins.App.addListener("pause", print) %s',
    ctx = [[local BackgroundTask = farside.Plugins.BackgroundTask
      BackgroundTask.define("k", { run = function(object) %s end })
      BackgroundTask.enqueue "k"]],
  }
  local lookups = {}
  for _, name in ipairs(names) do
    local lookup = 'if type(object["%s"]) == "function" then print("%s:%s") end'
    lookups[#lookups + 1] = lookup:format(name, class, name)
  end
  return hosted(code[class]:format(table.concat(lookups, " ")))
end

local function registered_methods(path, list)
  local names = {}
  local text = read(path):match("luaL_Reg " .. list .. "%[%] = (%b{})")
  assert.truthy(text, path .. " has no list " .. list)
  for name in text:gmatch '{"(%w+)",' do -- Not those that begin with "__".
    names[#names + 1] = name
  end
  return names
end

local function members(names, class)
  local found = {}
  for name in pairs(names) do
    found[#found + 1] = name:match("^" .. class .. ":(.+)")
  end
  return found
end

local function existing_functions()
  local names = {}
  add_functions(names, "farside.", farside)
  for plugin, functions in pairs(farside.Plugins) do
    add_functions(names, plugin .. ".", functions)
  end
  add_functions(names, "device.", device)
  local phone <close> = device.open {}
  add_functions(names, "phone:", methods_of(phone))
  add_functions(names, "app:", methods_of(assert(phone:run "")))
  local sources = {
    task = { "bindings/background_task.c", "task_functions" },
    handle = { "bindings/app.c", "handle_functions" },
    ctx = { "bindings/work_run.c", "methods" },
  }
  for class, source in pairs(sources) do
    for _, known in ipairs {
      registered_methods(source[1], source[2]),
      members(documented_functions(), class),
      members(declared_functions(), class),
    } do
      for name in pairs(hosted_methods(class, known)) do
        names[name] = true
      end
    end
  end
  return names
end

-- The globals that a hosted script has and plain Lua has not.
local function hosted_globals()
  local names = {}
  for name in pairs(hosted [[for name, value in pairs(_G) do
    if type(value) == "function" then print(name) end
  end]]) do
    if _G[name] == nil then
      names[name] = true
    end
  end
  return names
end

local function event_names()
  local _, message = pcall(farside.Plugins.App.addListener, "x", print)
  local names = {}
  for name in message:match("there are: (.*)"):gmatch "%w+" do
    names[name] = true
  end
  return names
end

-- One column of an X-macro: X(TASK_FINISH, "task.finish") and the like.
local function map(path, macro, pattern)
  local text = read(path):match("#define " .. macro .. "%(X%)(.-)\n\n")
  assert.truthy(text, path .. " has no " .. macro)
  local names = {}
  for name, value in text:gmatch(pattern) do
    names[name] = value or true
  end
  return names
end

local function what_names()
  return map("host/timeline.h", "FAR_WHAT_MAP", 'X%([%u_]+, "([%l.]+)"%)')
end

local function status_names()
  return map("host/farside.h", "FARSIDE_STATUS_MAP", "X%(%d+, (%u+),")
end

local function output_of(words)
  local pipe <close> = assert(io.popen(program.path .. " " .. words .. " 2>&1"))
  return pipe:read "a"
end

-- -- The specs ----------------------------------------------------------------

describe("the functions of the code", function()
  it("are documented", function()
    expect_all(existing_functions(), documented_functions(), "docs/reference.md does not document")
  end)

  it("are declared", function()
    expect_all(existing_functions(), declared_functions(), "scripts/types.lua does not declare")
  end)

  it("that are globals of a hosted script are documented and declared", function()
    local globals = hosted_globals()
    expect_all(globals, declared_functions(), "scripts/types.lua does not declare the global")
    for _, name in ipairs(sorted(globals)) do
      assert.truthy(REFERENCE:find("the global `" .. name .. "(", 1, true),
        "docs/reference.md does not document the global " .. name)
    end
  end)
end)

describe("the reference", function()
  it("documents no function that does not exist", function()
    local existing = existing_functions()
    expect_all(documented_functions(), existing, "docs/reference.md documents what does not exist")
  end)

  it("has every plugin", function()
    for _, plugin in ipairs(sorted(farside.Plugins)) do
      assert.truthy(section("## The module"):find("`" .. plugin .. "`", 1, true),
        "docs/reference.md, The module, does not name the plugin " .. plugin)
    end
  end)

  it("has the version", function()
    assert.truthy(section("## The module"):find('`"' .. farside.version .. '"`', 1, true),
      "docs/reference.md does not have version " .. farside.version)
  end)

  it("has every event, and no other", function()
    local documented = first_column "### Events"
    expect_all(event_names(), documented, "docs/reference.md does not document the event")
    expect_all(documented, event_names(), "docs/reference.md documents an event that does not exist")
  end)

  it("says of each event whether it is retained", function()
    local is_retained = map("host/event.h", "FAR_EVENT_MAP", 'X%([%u_]+, "(%w+)", (%l+)%)')
    expect_all(event_names(), is_retained, "host/event.h does not have")
    for event, payload_and_more in section("### Events"):gmatch "| `(%w+)` | ([^\n]*)\n" do
      local word = payload_and_more:match "^[^|]*| (%a+) |"
      assert.equal(is_retained[event] == "true" and "yes" or "no", word, event)
    end
  end)

  it("has every word of the timeline, and no other", function()
    local documented = first_column "### What happened"
    expect_all(what_names(), documented, "docs/reference.md does not document the timeline's word")
    expect_all(documented, what_names(), "docs/reference.md documents a word that the timeline does not have")
  end)

  it("has every field of a timeline entry, in a file and in Lua", function()
    local documented = first_column "### Fields"
    local in_lua, in_file = {}, {}
    local code = [[
      local BackgroundTask = require("farside").Plugins.BackgroundTask
      BackgroundTask.exec(function(task) task:finish() task:finish() end, { name = "short" })
      BackgroundTask.enqueue "k"]]
    local phone <close> = device.open {}
    assert(phone:run(code))
    local path <const> = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(code)
    file:close()
    for _, entry in ipairs(phone:timeline()) do
      for field in pairs(entry) do
        in_lua[field] = true
      end
    end
    local lines = output_of("simulate --timeline - " .. path):gsub('("outcome":)%b{}', "%10")
    for field in lines:gmatch '[{,]"(%l+)":' do
      in_file[field] = true
    end
    os.remove(path)
    expect_all(in_lua, documented, "docs/reference.md does not document the field")
    expect_all(in_file, documented, "docs/reference.md does not document the field")
    expect_all(documented, in_lua, "no entry of phone:timeline() has the field")
    expect_all(documented, in_file, "no line of --timeline has the field")
  end)

  it("has every status, and no other", function()
    local documented = first_column "## Status names"
    expect_all(status_names(), documented, "docs/reference.md does not document the status")
    expect_all(documented, status_names(), "docs/reference.md documents a status that does not exist")
  end)

  it("has every state of a task and of the app", function()
    local states = {}
    for name in read("host/task.c"):match("far_task_state_name.-(%b{});"):gmatch '"(%l+)"' do
      states[name] = true
    end
    expect_all(states, first_column "### States", "docs/reference.md does not document the task's state")
    expect_all(states, alias "farside.task_state", "farside.task_state does not have")
    states = {}
    for name in read("host/app.c"):match("far_app_state_name.-(%b{});"):gmatch '"(%l+)"' do
      states[name] = true
    end
    expect_all(states, first_column "## App", "docs/reference.md does not document the app's state")
    expect_all(states, alias "farside.app_state", "farside.app_state does not have")
  end)

  it("has every exit code, and no other", function()
    local codes = {}
    for code in read("host/command.h"):gmatch "EXIT_[%u_]+ = (%d+)" do
      codes[code] = true
    end
    codes[read("host/desktop.h"):match "FAR_DESKTOP_INTERRUPTED = (%d+)"] = true
    local documented = first_column "### Exit codes"
    expect_all(codes, documented, "docs/reference.md does not document the exit code")
    expect_all(documented, codes, "docs/reference.md documents an exit code that does not exist")
  end)

  it("has every command and option, and no other", function()
    local documented = {}
    for word in pairs(first_column "## The command line") do
      documented[word:match "^%-[%-%w]*" or word] = true
    end
    local existing = {}
    for command in output_of("help"):gmatch "\n  farside (%l+)" do
      existing["farside " .. command] = true
    end
    for _, command in ipairs { "run", "simulate", "work", "profile", "rules", "new" } do
      local help = output_of("help " .. command)
      assert.truthy(REFERENCE:find("\n" .. help:match "^[^\n]+" .. "\n", 1, true),
        "docs/reference.md does not have the usage line of farside " .. command)
      for option in help:gmatch "[%s%[](%-%-?%l[%l%-]*)" do
        existing[option] = true
      end
    end
    expect_all(existing, documented, "docs/reference.md does not document")
    for word in pairs(documented) do
      if word:find "^%-" or word:find "^farside " then
        assert.truthy(existing[word], "docs/reference.md documents what does not exist: " .. word)
      end
    end
  end)

  it("has every constant that the host obeys, with its values and marks", function()
    local obeyed = {}
    local list <close> = assert(io.popen "ls host/*.c bindings/*.c")
    for path in list:lines() do
      for name in read(path):gmatch "far_policy_get%([^,()]+,%s*FAR_([%u_]+)%)" do
        obeyed[name:lower()] = true
      end
    end
    local text, marks = section "## Profiles and their constants", {}
    local constants = {}
    for _, profile in ipairs(json.decode(output_of "profile --json")) do
      for _, constant in ipairs(profile.constants) do
        local cells = constants[constant.name] or {}
        constants[constant.name] = cells
        marks[constant.mark] = true
        -- The first of two in strict is enough.
        cells[profile.profile] = cells[profile.profile]
          or (constant.mark == "absent" and "absent" or constant.text .. ", " .. constant.mark)
      end
    end
    expect_all(obeyed, constants, "farside profile does not have")
    local documented = first_column "## Profiles and their constants"
    expect_all(obeyed, documented, "docs/reference.md does not document the constant")
    expect_all(documented, constants, "docs/reference.md documents a constant that does not exist")
    for name in pairs(documented) do
      local cells = constants[name]
      local row = ("| `%s` | %s | %s | %s | %s |"):format(name, cells.ios, cells.android, cells.strict, cells.desktop)
      assert.truthy(text:find("\n" .. row .. "\n", 1, true), "docs/reference.md does not have " .. row)
      assert.truthy(text:find("\n- `" .. name .. "`: ", 1, true), "docs/reference.md does not say what limits " .. name)
    end
    for mark in pairs(marks) do
      assert.truthy(text:find("\n- *" .. mark .. "*: ", 1, true), "docs/reference.md does not explain " .. mark)
    end
  end)

  it("has every rule, with its severity and title, in their order", function()
    local rows, documented = {}, {}
    for _, rule in ipairs(json.decode(output_of "rules --json")) do
      rows[#rows + 1] = ("| `%s` | %s | %s |"):format(rule.id, rule.severity, rule.title)
    end
    for row in section("## Rules"):gmatch "\n(| `[^\n]*)" do
      documented[#documented + 1] = row
    end
    assert.same(rows, documented)
  end)

  it("names every field of what farside profile and farside rules print as JSON", function()
    local function fields_of(object, fields)
      for key, value in pairs(object) do
        if type(key) == "string" then
          fields[key] = true
        end
        if type(value) == "table" then
          fields_of(value, fields)
        end
      end
      return fields
    end
    for _, command in ipairs { "profile", "rules" } do
      local text = section("### `farside " .. command .. "`")
      for field in pairs(fields_of(json.decode(output_of(command .. " --json")), {})) do
        assert.truthy(text:find("`" .. field .. "`", 1, true), "docs/reference.md does not name the field " .. field)
      end
    end
  end)

  it("links only to headings that it has", function()
    local anchors = {}
    for heading in REFERENCE:gmatch "\n#+ ([^\n]+)" do
      anchors[heading:lower():gsub("[^%w _-]", ""):gsub(" ", "-")] = true
    end
    for link in REFERENCE:gmatch "%]%(#([^)]+)%)" do
      assert.truthy(anchors[link], "docs/reference.md has no heading for the link #" .. link)
    end
  end)
end)

describe("types.lua", function()
  it("is Lua", function()
    assert(loadfile "scripts/types.lua")
  end)

  it("declares no function that does not exist", function()
    local existing = existing_functions()
    for name in pairs(hosted_globals()) do
      existing[name] = true
    end
    expect_all(declared_functions(), existing, "scripts/types.lua declares what does not exist")
  end)

  it("declares no function that is not documented", function()
    local documented = documented_functions()
    for name in REFERENCE:gmatch "the global `(%w+)%(" do
      documented[name] = true
    end
    expect_all(declared_functions(), documented, "docs/reference.md does not document")
  end)

  it("says of each function in a sentence what it does", function()
    for block in (TYPES:gsub("\n\n", "\f")):gmatch "[^\f]+" do
      local name = block:match "\nfunction ([%w_.:]+)%(" or block:match "^function ([%w_.:]+)%("
      if name then
        assert.truthy(block:find "^%-%-%- [^\n]*%.\n", "scripts/types.lua has no sentence for " .. name)
      end
    end
  end)

  it("has every event, word of the timeline, status and profile, and no other", function()
    local profiles = {}
    for name in select(2, pcall(device.open, { os = "x" })):match("there are: (.*)"):gmatch "%l+" do
      profiles[name] = true
    end
    for name, existing in pairs {
      ["farside.event"] = event_names(),
      ["farside.what"] = what_names(),
      ["farside.status"] = status_names(),
      ["farside.os"] = profiles,
    } do
      expect_all(existing, alias(name), name .. " does not have")
      expect_all(alias(name), existing, name .. " has what does not exist")
    end
  end)

  it("has every option of exec and of device.open, as the reference has", function()
    local function options_of(fn, ...)
      local names = {}
      for name in select(2, pcall(fn, ...)):match("there are: (.*)"):gmatch "%w+" do
        names[name] = true
      end
      return names
    end
    local exec = options_of(farside.Plugins.BackgroundTask.exec, print, { x = 1 })
    local open = options_of(device.open, { x = 1 })
    expect_all(exec, class_fields "farside.exec_options", "farside.exec_options does not have")
    expect_all(class_fields "farside.exec_options", exec, "farside.exec_options has what does not exist")
    expect_all(open, class_fields "farside.device_options", "farside.device_options does not have")
    expect_all(class_fields "farside.device_options", open, "farside.device_options has what does not exist")
    local headings = {
      ["### `BackgroundTask.exec(fn, [options])` → taskId"] = exec,
      ["### `device.open([options])` → phone"] = open,
    }
    for heading, existing in pairs(headings) do
      local documented = first_column(heading)
      expect_all(existing, documented, heading .. " does not have")
      expect_all(documented, existing, heading .. " has what does not exist")
    end
  end)

  it("has every field of an entry and of a task, as the reference has", function()
    local phone <close> = device.open {}
    assert(phone:run [[
      local BackgroundTask = require("farside").Plugins.BackgroundTask
      BackgroundTask.exec(function(task)
        for field in pairs(BackgroundTask.list()[1]) do print(field) end
        task:finish()
        BackgroundTask.finish { taskId = 7 }
      end, { name = "short" })
      BackgroundTask.enqueue "k"]])
    local fields = { entry = {}, open_task = {}, past_task = {} }
    for _, entry in ipairs(phone:timeline()) do
      for field in pairs(entry) do
        fields.entry[field] = true
      end
    end
    for _, entry in ipairs(phone:timeline "log") do
      fields.open_task[entry.why] = true
    end
    for field in pairs(phone:tasks()[1]) do
      fields.past_task[field] = true
    end
    local headings = {
      entry = "### Fields",
      open_task = "### `BackgroundTask.list()` → array",
      past_task = "### `phone:tasks()` → array",
    }
    for name, existing in pairs(fields) do
      local declared = class_fields("farside." .. name)
      expect_all(existing, declared, "farside." .. name .. " does not have")
      expect_all(declared, existing, "farside." .. name .. " has what does not exist")
      local documented = first_column(headings[name])
      expect_all(existing, documented, headings[name] .. " does not have")
      expect_all(documented, existing, headings[name] .. " has what does not exist")
    end
  end)
end)

describe("the tables of containment", function()
  -- The rows of a section's tables, each a list of cells.
  local function rows_of(text)
    local rows = {}
    for line in text:gmatch "\n|%s([^\n]*) |" do
      local cells = {}
      for cell in (line .. " | "):gmatch "(.-) | " do
        cells[#cells + 1] = cell
      end
      rows[#rows + 1] = cells
    end
    return rows
  end

  local function in_units(kind, value)
    if kind == "COUNT" then
      return ("%d"):format(value)
    end
    local units = kind == "TIME" and { { "s", 1000 }, { "ms", 1 } } or { { "MB", 1 << 20 }, { "KB", 1 << 10 } }
    for _, unit in ipairs(units) do
      if value % unit[2] == 0 then
        return ("%d%s"):format(value // unit[2], unit[1])
      end
    end
  end

  it("have every limit, with its default and what is the least", function()
    local source = read "host/limit.c"
    local constants = {}
    for name, value in source:gmatch "\n  ([%u_]+) = ([%w%s_*/]+)" do
      constants[name] = load("return " .. value:gsub("/", "//"), "=limit.c", "t", constants)()
    end
    local known, containment = {}, read "docs/containment.md"
    for name, kind, standard, least in source:gmatch 'FIELD%("(%l+)", (%u+), [%l_]+, ([%w_]+), ([%w_]+),' do
      local default = constants[standard] or tonumber(standard)
      known[name] = {
        default == 0 and "a quarter of `memory`" or "`" .. in_units(kind, default) .. "`",
        "`" .. in_units(kind, constants[least] or tonumber(least)) .. "`",
      }
      assert.truthy(containment:find("\n| `" .. name .. "` | " .. known[name][1] .. " | ", 1, true),
        "docs/containment.md does not have the limit " .. name .. " and its default")
    end
    local documented = {}
    for _, cells in ipairs(rows_of(section "## Limits")) do
      documented[cells[1]:match "^`(%l+)`$" or ""] = { cells[2], cells[3] }
    end
    expect_all(known, documented, "docs/reference.md does not document the limit")
    for name, cells in pairs(known) do
      assert.same(cells, documented[name], name)
    end
    for name in pairs(first_column "## Limits") do
      assert.truthy(known[name], "docs/reference.md documents a limit that does not exist: " .. name)
    end
  end)

  it("have every field of a manifest, and no other", function()
    local fields = {}
    for name in read("host/manifest_file.c"):match('#define FIELDS "([^"]+)"'):gmatch "%l+" do
      fields[name] = true
    end
    local documented = first_column "## The manifest"
    expect_all(fields, documented, "docs/reference.md does not document the manifest's field")
    expect_all(documented, fields, "docs/reference.md documents a field that no manifest has")
  end)

  it("have every name of the sandbox, whose it is and why", function()
    local whose = { stock = "Lua's", own = "ours", host = "ours", absent = "absent" }
    local wanted = {}
    for _, row in ipairs(require "farside.sandbox") do
      local is_plain = row.library == "_G" or row.library:find "^%("
      local name = is_plain and row.name or row.library .. "." .. row.name
      wanted[row.library .. " " .. name] = whose[row.origin] .. ": " .. row.reason
    end

    local got, library = {}, nil
    for line in section("## What a hosted script sees of Lua"):gmatch "[^\n]+" do
      local heading = line:match "^### (.*)"
      if heading then
        library = heading == "Globals" and "_G" or heading == "The metatable of strings" and "(string)"
          or heading:match "^`(%l[%l%d]*)`$"
      end
      local names, origin, reason = line:match "^| (`.*`) | ([%a']+) | (.*) |$"
      for name in (names or ""):gmatch "`([^`]+)`" do
        got[library .. " " .. name] = origin .. ": " .. reason:gsub("`", "")
      end
    end
    expect_all(wanted, got, "docs/reference.md does not tell of")
    expect_all(got, wanted, "docs/reference.md tells of what is not in the list")
    for name, text in pairs(wanted) do
      assert.equal(text, got[name], name)
    end
  end)
end)

describe("the pages", function()
  local function write(path, text)
    local file <close> = assert(io.open(path, "w"))
    file:write(text)
  end

  local function fresh_folder()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
    return folder
  end

  -- What is measured is not the same each time.
  local function unmeasured(text)
    return (text:gsub("computed for %d+%.%d+ s", "computed for a while"):gsub("hash %x+", "hash"))
  end

  local UNITS <const> = { d = true, h = true, min = true, s = true, ms = true }

  -- On real time nothing is, and neither is the place.
  local function unplaced(text, folder)
    local count
    local function plain(path) return (path:gsub("%p", "%%%0")) end
    text = text:gsub(plain(folder), "/home/ada"):gsub(plain(program.absolute()), "/usr/bin/farside")
    text = text:gsub("%f[%d]%d+ (%l+)", function(unit) return UNITS[unit] and "a while" end)
    repeat
      text, count = text:gsub("a while a while", "a while")
    until count == 0
    text = text:gsub("%d+%-%d+%-%d+ (%d%d:%d%d)", "%1"):gsub("%f[%d]%d%d:%d%d[:%d]*", "a clock")
    return (text:gsub(" +", " ")) -- Columns are as wide as what is in them.
  end

  -- Saves each block of Lua under the name that stands before it, and compares
  -- what each command prints, line by line as the page goes on. The scripts of
  -- the checkout are there too.
  local function follow(text)
    local root, count = fresh_folder(), 0
    local folder = root
    os.execute('ln -s "$PWD/scripts" ' .. root)
    for before, language, block in ("\n" .. text):gmatch "([^\n]*)\n+```(%a*)\n(.-)```" do
      local path = before:match "`([%w_./]+%.lua)`:$"
      local into = block:match "^%$ cd (%S+)\n"
      if into then
        folder = folder .. "/" .. into
      elseif language == "lua" and path then
        os.execute(("mkdir -p $(dirname %s/%s)"):format(folder, path))
        write(folder .. "/" .. path, block)
      elseif block:find "^%$ farside" then
        local words, shown, code = block:match "^%$ farside ([^\n]+)\n(.-)%$ echo %$%?\n(%d)\n"
        assert.truthy(words, "no exit code is shown for " .. block)
        local pipe = assert(io.popen(("cd %s && %s %s 2>&1"):format(folder, program.absolute(), words)))
        local printed = pipe:read "a"
        local _, _, status = pipe:close()
        local comparable = words:find " %-%-store " and unplaced or unmeasured
        assert.equal(comparable(shown, root), comparable(printed, root))
        assert.equal(tonumber(code), status or 0)
        count = count + 1
      end
    end
    os.execute("rm -r " .. root)
    return count
  end

  local guide, more = read("docs/guide.md"):match "^(.-)\n(## A script that runs away\n.*)"

  it("show what a runaway and its neighbours really print", function()
    assert.equal(4, follow(more))
    assert.equal(1, follow(read "docs/containment.md"))
  end)

  it("show what a build server really prints", function()
    assert.equal(12, follow(read "docs/testing.md"))
  end)

  it("show what becomes of durable work, on a phone and on real time", function()
    assert.equal(15, follow(read "docs/durable.md"))
  end)

  it("show what becomes of an upload", function()
    assert.equal(1, follow(read "docs/http.md"))
  end)

  it("show what a transaction keeps", function()
    assert.equal(1, follow(read "docs/storage.md"))
  end)

  it("link to headings and files that there are", function()
    for _, page in ipairs { "docs/containment.md", "docs/durable.md", "docs/http.md", "docs/storage.md", "docs/testing.md", "docs/guide.md",
      "docs/typescript.md", "docs/love.md", "README.md" } do
      for link in read(page):gmatch "%]%(([^)]+)%)" do
        local file, anchor = link:match "^([^#]*)#?(.*)$"
        local path = file == "" and page or (page:match "^.*/" or "") .. file
        if not link:find "^https?:" then
          local found = false
          for heading in ("\n" .. read(path)):gmatch "\n#+ ([^\n]+)" do
            found = found or heading:lower():gsub("[^%w _-]", ""):gsub(" ", "-") == anchor
          end
          assert.truthy(anchor == "" or found, page .. " links to " .. link)
        end
      end
    end
  end)

  it("show what the first ten minutes really print", function()
    local scripts, runs = {}, {}
    for language, block in guide:gmatch "\n```(%a*)\n(.-)```" do
      if language == "lua" then
        scripts[#scripts + 1] = block
      elseif block:find "^%$ farside simulate" then
        runs[#runs + 1] = block
      end
    end
    local first, mended, plan = table.unpack(scripts)
    local forgotten, count = first:gsub("    task:finish%(%)\n", "")
    assert.equal(1, count)
    local steps = { { first, 0 }, { forgotten, 3 }, { mended, 0 }, { mended, 0 } }
    assert.equal(#steps, #runs)

    local folder = fresh_folder()
    for i, step in ipairs(steps) do
      local words, shown, code = runs[i]:match "^%$ farside ([^\n]+)\n(.-)%$ echo %$%?\n(%d)\n"
      write(folder .. "/notes.lua", step[1])
      if i == #steps then
        write(folder .. "/notes.plan.lua", plan)
      end
      local pipe = assert(io.popen(("cd %s && %s %s"):format(folder, program.absolute(), words)))
      local printed = pipe:read "a"
      local _, _, status = pipe:close()
      assert.equal(shown, printed)
      assert.same({ step[2], step[2] }, { tonumber(code), status or 0 })
    end
    os.execute("rm -r " .. folder)
  end)
end)
