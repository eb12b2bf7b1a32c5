-- House rules, kept by a test: what may include what, what nobody may leave
-- behind, and that the constants of an OS are in one place.

local function read(path)
  local file <close> = assert(io.open(path, "r"))
  return file:read "a"
end

local function files(...)
  local found = {}
  for _, pattern in ipairs { ... } do
    local list <close> = assert(io.popen("ls " .. pattern))
    for path in list:lines() do
      found[#found + 1] = path
    end
  end
  assert.truthy(#found > 0, "no files match " .. table.concat({ ... }, " "))
  return found
end

local SOURCES <const> = files("host/*.[ch]", "bindings/*.[ch]")

-- "host/clock.c" → "clock"
local function module_of(path)
  return path:match "([%w_]+)%.[ch]$"
end

-- Which files may include a header; a name stands for its .c and .h.
local MAY_INCLUDE <const> = {
  ["lua.h"] = { host = true, turn = true, script = true, job = true, command_simulate = true, manifest_file = true,
    state = true, watchdog = true, bindings = true },
  ["uv.h"] = { clock = true, inbox = true, desktop = true, watchdog = true, http = true,
    isolate = true, isolated = true },
  ["jansson.h"] = { options = true, wire = true, event = true, report = true, json = true, command_profile = true,
    command_rules = true, source_map = true },
  ["curl/curl.h"] = { libcurl = true },
  ["sqlite3.h"] = { store_sqlite_query = true },
}
MAY_INCLUDE["lauxlib.h"] = MAY_INCLUDE["lua.h"]
MAY_INCLUDE["lualib.h"] = MAY_INCLUDE["lua.h"]

describe("house rules:", function()
  for header, allowed in pairs(MAY_INCLUDE) do
    it(header .. " stays where it belongs", function()
      for _, path in ipairs(SOURCES) do
        local is_binding = path:find "^bindings/" and allowed.bindings
        if not is_binding and not allowed[module_of(path)] then
          assert.falsy(read(path):find("#include <" .. header .. ">", 1, true), path .. " includes " .. header)
        end
      end
    end)
  end

  it("the core knows no Lua, no loop and no clock", function()
    local pure = {
      app = true, task = true, policy = true, policy_values = true, rule = true, citation = true, timeline = true,
      timer = true, slots = true, duration = true, number = true, limit = true, pattern = true, manifest = true,
      url = true, place = true, figures = true, audit = true, violation = true, window = true,
      world = true, wake = true, chance = true, zone = true, calendar = true, cron = true, schedule = true, work = true,
      reserve = true,
    }
    local allowed = { shield = true, memory = true, farside = true, platform = true, far_assert = true }
    for _, path in ipairs(SOURCES) do
      if pure[module_of(path)] and path:find "^host/" then
        for header in read(path):gmatch '#include "([%w_]+)%.h"' do
          assert.truthy(pure[header] or allowed[header], path .. " includes " .. header .. ".h")
        end
        assert.falsy(read(path):find("#include <time.h>", 1, true), path .. " reads a clock")
      end
    end
  end)

  it("the host knows no binding", function()
    for _, path in ipairs(files "host/*.[ch]") do
      if module_of(path) ~= "command_simulate" then
        assert.falsy(read(path):find("bindings/[%w_]+%.h"), path .. " includes a binding")
      end
    end
  end)

  it("nothing is left behind", function()
    local words = { "FIX" .. "ME", "TO" .. "DO", "XX" .. "X", "HA" .. "CK" }
    for _, path in ipairs(files("host/*", "bindings/*.*", "bindings/typescript/*", "bindings/love/*", "spec/*.c",
      "spec/*.lua", "spec/love/*", "spec/fuzz/*.*", "scripts/*.lua", "scripts/love/*", "docs/*.md")) do
      local text = read(path)
      for _, word in ipairs(words) do
        assert.falsy(text:find("%f[%w]" .. word .. "%f[%W]"), path .. " says " .. word)
      end
      assert.falsy(text:find "[ \t]\n", path .. " has white space at the end of a line")
      assert.truthy(text:sub(-1) == "\n", path .. " does not end with a newline")
    end
  end)

  it("plain assert() is not used: it vanishes in what we ship", function()
    for _, path in ipairs(SOURCES) do
      assert.falsy(read(path):find "\n%s+assert%(", path .. " uses assert()")
    end
  end)

  it("every header says what it is for before anything else", function()
    for _, path in ipairs(SOURCES) do
      if path:find "%.h$" then
        assert.truthy(read(path):find "^// %a", path .. " does not begin with a comment")
      end
    end
  end)

  it("every public function is documented where it stands", function()
    local text = read "host/farside.h"
    local count = 0
    for before, name in text:gmatch "([^\n]*)\nFARSIDE_API[^(]-([%w_]+)%(" do
      count = count + 1
      assert.truthy(before:find "^//" or before:find ";$", name .. " has no comment")
    end
    assert.truthy(count >= 15)
  end)

  it("every file of the host is in its README", function()
    for _, folder in ipairs { "host", "bindings", "bindings/engines", "spec", "spec/fuzz" } do
      local readme = read(folder .. "/README.md")
      for _, path in ipairs(files(folder .. "/*.[ch]")) do
        local name = module_of(path)
        assert.truthy(readme:find("`" .. name, 1, true), folder .. "/README.md does not know " .. name)
      end
    end
  end)

  it("what is installed is in the table of dependencies, once, and nothing else", function()
    local installed, told = {}, {}
    for name in read(".ci/setup"):match("<<'LIST'(.-)\nLIST"):gmatch "\n%l+ +([%w.-]+) +%S" do
      if not installed[name] then -- Tests and `make bench` share some.
        installed[name] = true
        installed[#installed + 1] = name
      end
    end
    for names in read("README.md"):match("\n## Dependencies\n(.*)"):gmatch "\n| (`[^|]+)|" do
      for name in names:gmatch "`([%w.-]+)`" do
        told[#told + 1] = name
      end
    end
    table.sort(installed)
    table.sort(told)
    assert.equal(table.concat(installed, " "), table.concat(told, " "))
  end)

  it("the page on engines shows its files as they are", function()
    local page = read "docs/engines.md"
    for _, path in ipairs { "defold/src/farside_extension.cpp", "solar2d/farside_solar2d.lua" } do
      assert.truthy(page:find(read("bindings/engines/" .. path), 1, true), "docs/engines.md does not show " .. path)
    end
  end)

  it("every source is built", function()
    local build = read "CMakeLists.txt" .. read "spec/CMakeLists.txt"
    for _, path in ipairs(files("host/*.c", "bindings/*.c")) do
      assert.truthy(build:find(path, 1, true), path .. " is in no target")
    end
    for _, path in ipairs(files "spec/*.c") do
      assert.truthy(build:find(path:match "[^/]+$", 1, true), path .. " is in no target")
    end
  end)

  it("every constant of an OS has one row, read by policy.c alone", function()
    local rows = 0
    for cells in read("host/policy_values.c"):gmatch "\n    ROW(%b())" do
      rows = rows + 1
      assert.truthy(cells:find "^%([%u_]+,%s+\"", cells)
    end
    local _, names = read("host/policy.h"):match("FAR_CONSTANT_MAP%(X%)(.-)\n\n"):gsub("X%(", "")
    assert.equal(names, rows)
    for _, path in ipairs(SOURCES) do
      local is_user = path ~= "host/policy.c" and not path:find "host/policy_values%."
      assert.falsy(is_user and read(path):find('"policy_values.h"', 1, true), path .. " goes around policy.h")
    end
  end)
end)
