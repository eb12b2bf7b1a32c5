-- The sandbox: what a hosted script sees is what the list says, and what is
-- ours behaves as Lua's own does.

local device = require "farside.device"
local helper = require "spec.helper"
local program = require "spec.program"
local list = require "farside.sandbox"
local run, said = helper.run, helper.said

local LIBRARIES <const> = { "coroutine", "debug", "io", "math", "os", "package", "string", "table", "utf8" }

local function sorted(set)
  local names = {}
  for name in pairs(set) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

-- "string.rep" for each row of the list whose origin is not `except`.
local function listed(except)
  local names = {}
  for _, row in ipairs(list) do
    if row.origin ~= except and row.library ~= "(string)" then
      names[row.library == "_G" and row.name or row.library .. "." .. row.name] = row
    end
  end
  return names
end

-- -- What is there ------------------------------------------------------------

describe("the sandbox", function()
  it("shows exactly what the list says", function()
    local phone <close> = run [[
      for name, value in pairs(_G) do
        if type(value) == "table" and name ~= "_G" and name ~= "arg" then
          for field in pairs(value) do print(name .. "." .. field) end
        else
          print(name)
        end
      end
    ]]
    local seen = {}
    for _, name in ipairs(said(phone)) do
      seen[name] = true
    end
    assert.same(sorted(listed "absent"), sorted(seen))
  end)

  it("has a reason for each name, and names nothing twice", function()
    local seen = {}
    for _, row in ipairs(list) do
      local name = row.library .. "." .. row.name
      assert.truthy(#row.reason > 3, name)
      assert.falsy(seen[name], name)
      seen[name] = true
    end
  end)

  it("leaves nothing of Lua undecided", function()
    local known = {}
    for _, row in ipairs(list) do
      known[row.library .. "." .. row.name] = true
    end
    for _, library in ipairs(LIBRARIES) do
      known["_G." .. library] = true
      for name in pairs(_G[library]) do
        assert.truthy(known[library .. "." .. name], library .. "." .. name)
      end
    end
  end)

  it("has the same libraries in package.loaded, and no others", function()
    local phone <close> = run [[
      for name, value in pairs(package.loaded) do
        if name ~= "farside" then print(name, value == _G[name]) end
      end
    ]]
    local names = said(phone)
    table.sort(names)
    local expected = { "_G\ttrue" }
    for i, library in ipairs(LIBRARIES) do
      expected[i + 1] = library .. "\ttrue"
    end
    assert.same(expected, names)
  end)

  it("has the real functions of Lua nowhere within reach", function()
    -- Everything that is reached from the globals, from what our API returns and
    -- from each kind of value, without a look into a function.
    local phone <close> = run [[
      local seen, count = {}, 0
      local function walk(value, path)
        local mt = getmetatable(value)
        if mt ~= nil and mt ~= "protected" then walk(mt, path .. ".(metatable)") end
        if type(value) == "function" and not seen[value] then
          seen[value] = path
          count = count + 1
        elseif type(value) == "table" and not seen[value] then
          seen[value] = path
          for k, v in next, value do walk(k, path .. ".(key)") walk(v, path .. "." .. tostring(k)) end
        elseif type(value) == "userdata" and not seen[value] then
          seen[value] = path
          for _, field in ipairs { "__index", "__gc", "__close", "__name", "__metatable", "__newindex", "__call" } do
            local ok, found = pcall(function() return value[field] end)
            if ok and found ~= nil then print("a metatable shows", path, field, found) end
          end
        end
      end
      local task = BackgroundTask.exec(function(task) walk(task, "task") task:finish() end)
      local handle = App.addListener("pause", print)
      for path, root in pairs { _G = _G, farside = farside, handle = handle, task = task, text = "", number = 1,
        boolean = true, co = coroutine.create(print), wrapped = coroutine.wrap(print), chunk = load "",
        state = App.getState(), tasks = BackgroundTask.list(), stdout = io.stdout, stderr = io.stderr } do
        walk(root, path)
      end
      for _, value in ipairs { 1, true, print, coroutine.running(), "" } do
        local mt = getmetatable(value)
        if mt ~= nil and mt ~= "protected" then print("an open metatable", type(value)) end
      end
      print(count > 100)
    ]]
    assert.same({ "true" }, said(phone))
  end)

  it("gives strings the methods of the list only", function()
    local phone <close> = run [[
      print(("x").dump, ("x").rep == string.rep, getmetatable "", pcall(setmetatable, "", {}))
      string.dump = "mine"
      print(("x").dump)
    ]]
    assert.equal("nil\ttrue\tprotected\tfalse\tbad argument #1 to 'setmetatable' (table expected, got string)",
      said(phone)[1])
    assert.equal("mine", said(phone)[2])
  end)

  it("is the same on real time, where functions are made otherwise", function()
    local code <const> = [[
      local function names(library)
        local all = {}
        for name in pairs(library) do all[#all + 1] = name end
        table.sort(all)
        return table.concat(all, " ")
      end
      local farside = require "farside"
      print(farside == require "farside", farside == package.preload.farside(), names(farside), names(farside.Plugins))
      for name, module in pairs(farside.Plugins) do farside[name] = names(module) end
      print(farside.App, farside.BackgroundTask, farside.Log, farside.Storage, farside.Http, farside.Files)
      for _, name in ipairs { "_G", "coroutine", "debug", "io", "math", "os", "package", "string", "table", "utf8" } do
        print(name, names(_G[name]), package.loaded[name] == _G[name])
      end
      -- Their names are known, whatever a script does to its libraries.
      local rep, random, timeout, running = string.rep, math.random, setTimeout, coroutine.running
      string.rep, math.random, math.randomseed, _G.setTimeout, coroutine.running = nil, nil, rep, rep, rep
      package.loaded.string, package.loaded.math, package.loaded.mine = nil, rep, { rep = rep }
      print(pcall(rep))
      print(pcall(random, {}))
      print(pcall(timeout))
      print(xpcall(rep, debug.traceback))
      print(xpcall(random, debug.traceback, {}))
      print(select(2, running()))
    ]]
    local path = program.temporary ".lua"
    program.write(path, code)
    local status, output, errors = program.run("run " .. path)
    program.clean()
    local phone <close> = run(code)
    assert.same({ 0, "" }, { status, errors })
    assert.equal(table.concat(said(phone), "\n") .. "\n", (output:gsub("/[^ :]*%.lua", "app.lua")))
  end)

  it("is a world of its own for each script", function()
    local one <close> = run [[string.rep, table.sort, _G.next = nil, nil, nil print(string.rep)]]
    local two <close> = run [[print(("x"):rep(2), table.sort, next(_G) ~= nil)]]
    assert.same({ "nil" }, said(one))
    assert.matches("^xx\tfunction: .*\ttrue$", said(two)[1])
  end)
end)

-- -- As Lua's own -------------------------------------------------------------

local SHOW <const> = [[
local function show(...)
  local shown = table.pack(...)
  for i = 1, shown.n do
    local value = shown[i]
    local kind = math.type(value) or type(value)
    shown[i] = kind == "string" and ("%q"):format(value) or kind == "integer" and tostring(value)
      or kind == "float" and ("%.14g"):format(value) or kind == "boolean" and tostring(value) or kind
  end
  return table.concat(shown, " ", 1, shown.n)
end
]]

local function source(snippet)
  return SHOW:gsub("\n", " ") .. "print(show(pcall(function() " .. snippet .. "\nend)))"
end

local function in_lua(snippet)
  local lines = {}
  local env = setmetatable({ print = function(line) lines[#lines + 1] = line end }, { __index = _G })
  coroutine.wrap(assert(load(source(snippet), "@app.lua", "t", env)))()
  return lines
end

-- Recursion without an end takes 96 MB to be Lua's own stack overflow.
local function in_sandbox(snippet)
  local phone <close> = device.open { os = "ios", limits = "memory=256MB,turn=off" }
  assert(phone:run(source(snippet), "app.lua"))
  phone:advance "1ms"
  return said(phone)
end

local SAME <const> = {
  ["coroutine.create"] = {
    "return coroutine.create()",
    "return coroutine.create(1)",
    "return coroutine.create(print)",
    "return pcall(coroutine.create, {})",
  },
  ["coroutine.resume"] = {
    "return coroutine.resume()",
    "return coroutine.resume(1)",
    "return coroutine.resume(coroutine.create(function(...) return ... end), 1, nil, 3, nil)",
    "local co = coroutine.create(function(...) return select('#', ...), coroutine.yield(...) end) "
      .. "return show(coroutine.resume(co, 1, nil)), show(coroutine.resume(co, nil, nil)), show(coroutine.resume(co))",
    "local co = coroutine.create(error) return show(coroutine.resume(co, 'x')), show(coroutine.resume(co))",
    "return coroutine.resume(coroutine.create(error), { 1 })",
    "return coroutine.resume(coroutine.create(error), nil)",
    "return coroutine.resume(coroutine.create(function() error('deep', 2) end))",
    "return coroutine.resume(coroutine.create(function() local x = nil; x.y = 1 end))",
    "return coroutine.resume(coroutine.running())",
    "local outer = coroutine.running() return coroutine.wrap(function() return coroutine.resume(outer) end)()",
    "return select('#', coroutine.resume(coroutine.create(function() return table.unpack({}, 1, 1e5) end)))",
    "local co = coroutine.create(function(...) return select('#', ...) end) "
      .. "return coroutine.resume(co, table.unpack({}, 1, 2e5))",
    "local co = coroutine.create(function() return table.unpack({}, 1, 9e5) end) "
      .. "local function hold(...) local a, b = coroutine.resume(co) return a, b, (...) end "
      .. "return hold(table.unpack({}, 1, 3e5))",
    "local function nest(n) return coroutine.resume(coroutine.create(function() return n == 0 or nest(n - 1) end)) end "
      .. "return nest(100)",
    "local depth = 0 local function nest() depth = depth + 1 "
      .. "local ok, e = coroutine.resume(coroutine.create(nest)) if not ok then error(e, 0) end end "
      .. "return select(2, pcall(nest)), depth > 150 and depth < 250",
  },
  ["coroutine.wrap"] = {
    "return coroutine.wrap()",
    "return coroutine.wrap('x')",
    "local f = coroutine.wrap(function(...) local a = coroutine.yield(...) return a, 'end' end) "
      .. "return show(f(1, 2)), show(f(3)), pcall(f)",
    "local s = 0 for i, j in coroutine.wrap(function() for i = 1, 5 do coroutine.yield(i, i * i) end end) do "
      .. "s = s + i * j end return s",
    "coroutine.wrap(function() error 'plain' end)()",
    "coroutine.wrap(function() error('zero', 0) end)()",
    "coroutine.wrap(function() error({ 1 }) end)()",
    "coroutine.wrap(function() error(nil) end)()",
    "coroutine.wrap(function() error(42) end)()",
    "coroutine.wrap(function() error(setmetatable({}, { __tostring = function() return 'x' end })) end)()",
    "return pcall(coroutine.wrap(function() error 'plain' end))",
    "local function raise() coroutine.wrap(function() local x; x() end)() end\nreturn pcall(raise)",
    "local f = coroutine.wrap(function() coroutine.wrap(function() error 'inner' end)() end)\nreturn pcall(f)",
    "local log = {} local f = coroutine.wrap(function() local x <close> = setmetatable({}, "
      .. "{ __close = function(_, e) log[1] = e end }) error 'late' end) return pcall(f), log[1]",
    "local f = coroutine.wrap(function() local x <close> = setmetatable({}, "
      .. "{ __close = function() error 'in close' end }) error 'late' end) return pcall(f)",
    "local f; f = coroutine.wrap(function() return pcall(f) end) return f()",
    "local f; f = coroutine.wrap(function() f() end) return pcall(f)",
    "local f = coroutine.wrap(function() return 1 end) f() return pcall(f)",
  },
  ["coroutine.close"] = {
    "return coroutine.close()",
    "return coroutine.close(coroutine.create(print))",
    "return coroutine.close(coroutine.running())",
    "local outer = coroutine.running() return coroutine.wrap(function() return pcall(coroutine.close, outer) end)()",
    "local co = coroutine.create(error) coroutine.resume(co, 'x') "
      .. "return show(coroutine.close(co)), show(coroutine.close(co))",
    "local co = coroutine.create(error) coroutine.resume(co, { 1 }) return show(coroutine.close(co))",
    "local log = {} local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = "
      .. "function(_, e) log[#log + 1] = tostring(e) end }) coroutine.yield(1) end) coroutine.resume(co) "
      .. "return show(coroutine.close(co)), show(coroutine.close(co)), log[1], #log, coroutine.status(co), "
      .. "coroutine.resume(co)",
    "local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = "
      .. "function() error 'no' end }) coroutine.yield(1) end) coroutine.resume(co) "
      .. "return show(coroutine.close(co)), show(coroutine.close(co))",
    "local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = "
      .. "function() coroutine.yield() end }) coroutine.yield(1) end) coroutine.resume(co) "
      .. "return show(coroutine.close(co)), show(coroutine.close(co))",
    "local function chain(n) if n == 0 then return end local inner = chain(n - 1) "
      .. "local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() "
      .. "if inner then assert(coroutine.close(inner)) end end }) coroutine.yield() end) "
      .. "coroutine.resume(co) return co end return coroutine.close(chain(40))",
  },
  ["coroutine.status"] = {
    "return coroutine.status()",
    "return coroutine.status(coroutine.running())",
    "return coroutine.status(coroutine.create(print))",
    "local co; co = coroutine.create(function() coroutine.yield(coroutine.status(co)) end) "
      .. "return show(coroutine.resume(co)), coroutine.status(co), show(coroutine.resume(co)), coroutine.status(co)",
    "local outer = coroutine.running() return coroutine.wrap(function() return coroutine.status(outer) end)()",
    "local co = coroutine.create(error) coroutine.resume(co) return coroutine.status(co)",
  },
  ["coroutine.running, isyieldable and yield"] = {
    "return coroutine.running()",
    "return coroutine.isyieldable(), coroutine.isyieldable(coroutine.create(print))",
    "return coroutine.wrap(function() return coroutine.isyieldable() end)()",
    "local co = coroutine.wrap(function() return pcall(function() return coroutine.yield(1) + 1 end) end) "
      .. "return co(), co(4)",
    "local co = coroutine.wrap(function() return pcall(pcall, pcall, coroutine.yield, 1) end) return co(), co(4, 5)",
    "local co = coroutine.wrap(function() return xpcall(coroutine.yield, print, 1) end) return co(), co(4, 5)",
    "local co = coroutine.wrap(function() return xpcall(function() coroutine.yield(1) error 'x' end, "
      .. "function(e) return 'handled ' .. e end) end) return co(), co()",
    "local co = coroutine.wrap(function() table.sort({ 2, 1 }, coroutine.yield) end) return pcall(co)",
    "local t = setmetatable({}, { __index = function(_, k) return coroutine.yield(k) end }) "
      .. "local co = coroutine.wrap(function() return t.x .. t.y end) return co(), co 'a', co 'b'",
    "local co = coroutine.wrap(function() local x <close> = setmetatable({}, { __close = function() "
      .. "coroutine.yield 'closing' end }) return 'value' end) return co(), co()",
  },
  ["xpcall"] = {
    "return xpcall()",
    "return xpcall(print)",
    "return xpcall(print, 1)",
    "return xpcall(function(...) return ... end, print, 1, nil, nil)",
    "return xpcall(error, function(e) return e, 2 end, 'x', 0)",
    "return xpcall(error, function(...) return select('#', ...) end, 'x')",
    "return xpcall(error, function() end)",
    "return xpcall(error, type, {})",
    "return xpcall(error, error, 'x')",
    "return xpcall(error, function(e) error(e, 0) end, 'x')",
    "return xpcall(nil, function(e) return 'h ' .. e end)",
    "return xpcall(function() local x; x.y = 1 end, function(e) return 'h ' .. e end)",
    "local n = 0 local ok, e = xpcall(error, function(e) n = n + 1 if n < 5 then error(e) end return n end, 1) "
      .. "return ok, e",
    "return xpcall(xpcall, print, error, function(e) return 'in ' .. e end, 'x')",
    "local function f() return 1 + f() end return (select(2, xpcall(f, function(e) return e:match 'stack overflow' end)))",
    "return xpcall(error, debug.traceback, {})",
    "return (select(2, xpcall(error, debug.traceback, 'x')):match '^x\\nstack traceback:\\n\\t%[C%]: in function .error.')",
  },
  ["setmetatable"] = {
    "return setmetatable()",
    "return setmetatable({})",
    "return setmetatable({}, 1)",
    "return setmetatable({}, nil)",
    "return setmetatable(1, {})",
    "local t, mt = {}, {} return setmetatable(t, mt) == t, getmetatable(t) == mt, setmetatable(t, nil) == t, getmetatable(t)",
    "return setmetatable(setmetatable({}, { __metatable = 1 }), {})",
    "return getmetatable(setmetatable({}, { __metatable = 'mine' }))",
    "return setmetatable({}, { __index = { x = 1 } }).x",
  },
  ["load"] = {
    "return load()",
    "return load(nil)",
    "return load {}",
    "return load('return ...')(1, 2)",
    "return load 'return +'",
    "return load('return +', 'name')",
    "return load('return +', '=name')",
    "return load('return +', '@name')",
    "return load('x', 1)",
    "return load('error \"x\"', '=name', 't')",
    "return pcall(load('error \"x\"', '=name', 't'))",
    "return load('return 1', 'n', 'b')",
    "return load('return 1', 'n', 'bt')()",
    "return load('return 1', 'n', '')",
    "return load('return 1', 'n', {})",
    "return load('\\27Lua', 'n', 't')",
    "return load('return x', 'n', 't', { x = 3 })()",
    "return pcall(load('return x.y', 'n', 't', nil))",
    "return load('x = 5 return x', 'n', nil, {})()",
    "return load(5)",
    "local t = { 'ret', 'urn ', '7' } local i = 0 return load(function() i = i + 1 return t[i] end)()",
    "local i = 0 return load(function() i = i + 1 return i == 1 and 'return 1' or '' end)()",
    "return load(function() return nil end)()",
    "return load(function() return {} end)",
    "return load(function() return true end)",
    "return load(function() error 'in reader' end)",
    "return load(function() error({}) end)",
    "local n = 0 return load(function() n = n + 1 if n > 3 then return nil end return n end)",
    "return load(function() coroutine.yield() end)",
    "local i = 0 return load(function() i = i + 1 return i == 1 and 'return +' or nil end, '=reader')",
  },
  ["collectgarbage"] = {
    "return type(collectgarbage 'count')",
    "return math.type(collectgarbage 'count')",
    "return collectgarbage {}",
  },
  ["string.rep"] = {
    "return string.rep()",
    "return string.rep('x')",
    "return string.rep('x', 'y')",
    "return string.rep('x', 1.5)",
    "return string.rep('ab', 3), string.rep('ab', 3, '--'), string.rep('', 3, '-'), string.rep('a', 1, '-')",
    "return string.rep('a', 0), string.rep('a', -1), string.rep('a', math.mininteger), string.rep('', 10)",
    "return string.rep('a\\0b', 2, '\\0')",
    "return string.rep('x', 2, {})",
    "return #string.rep('abc', 12345, 'de')",
    "return string.rep('abcde', 7, 'fg') == ('abcdefg'):rep(6) .. 'abcde'",
    "return string.rep('ab', math.maxinteger)",
    "return string.rep('', math.maxinteger, 'xy')",
    "return string.rep(12, 2, 3)",
  },
  ["debug.traceback"] = {
    "return debug.traceback({})",
    "return debug.traceback(nil) ~= nil",
    "return (debug.traceback('x', 1):match '^x\\nstack traceback:\\n\\tapp.lua:1: in function')",
    "return debug.traceback(coroutine.create(print), 'x')",
    "return debug.traceback(coroutine.create(print), nil, 0)",
    "return debug.traceback('x', 'y')",
    "local co = coroutine.create(function() coroutine.yield() end) coroutine.resume(co) "
      .. "return debug.traceback(co), debug.traceback(co, 'm', 1), debug.traceback(co, {})",
  },
  ["os"] = {
    "return os.time { year = 2024, month = 2, day = 30, hour = 25 }",
    "return os.time { year = 2024, month = 2 }",
    "return os.time { year = 'x', month = 2, day = 1 }",
    "return os.time { year = 2024.5, month = 2, day = 1 }",
    "return os.time { year = 1 << 40, month = 2, day = 1 }",
    "return os.time { year = -1 << 40, month = 2, day = 1 }",
    "return os.time { year = 2024, month = 1 << 31, day = 1 }",
    "return os.time(1)",
    "return os.time { year = '2024', month = 7, day = 1, isdst = true }",
    "local t = { year = 2024, month = 14, day = -3, hour = 12, min = 70, sec = -5 } os.time(t) "
      .. "return t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday, t.yday, t.isdst",
    "return os.date('%Y-%m-%d %H:%M:%S %%', 1e9 // 1 | 0)",
    "return os.date('!%c', 0), os.date('!%x %X %p', 86399), os.date('!%Ey %Od', 0)",
    "return os.date('%Q', 0)",
    "return os.date('%', 0)",
    "return os.date('%E', 0)",
    "return os.date('%Ez', 0)",
    "return os.date('a\\0b%Y', 0)",
    "return os.date('%Y', 1.5)",
    "return os.date('%Y', {})",
    "return os.date('*t', 1 << 60)",
    "return os.date('*t', 1 << 62)",
    "local t = os.date('!*t', 86400 * 365) return t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday, t.yday, t.isdst",
    "return os.difftime(5, 3)",
    "return os.date('', 0)",
    "return os.date({}, 0)",
  },
  ["io"] = {
    "return io.write {}",
    "return io.stdout:write('', nil)",
    "return io.stdout.write(1, 2)",
    "return io.stdout.write()",
    "return io.stdout:setvbuf 'no'",
    "return io.stdout:flush()",
    "return io.write('') == io.stdout",
    "return io.stdout:write('') == io.stdout",
    "return tostring(io.stdout):match '^file %('",
  },
  ["strings"] = {
    "return '10' + 5, '3' * '4', 10 .. 20, -'2', '7' // 2, '7' % 4, 2 ^ '3', '9' / 3, '1' - 1",
    "return 'a' + 1",
    "return {} + '1'",
    "return ('x'):nothing()",
    "return #('x'):rep(3), ('%d'):format(3), ('abc').len",
  },
  ["require"] = {
    "return require()",
    "return require {}",
    "return require 'string' == string",
    "package.preload.mine = function(...) return show(...) end return require 'mine'",
    "package.preload.mine = function() end return require 'mine'",
    "package.preload.mine = function() return false end return require 'mine'",
    "package.preload.mine = function(name) package.loaded[name] = 'own' end return require 'mine'",
    "package.preload.mine = function() return 1 end return show(require 'mine'), show(require 'mine')",
    "package.preload.mine = function() error 'broken' end return require 'mine'",
    "package.preload.mine = function() error 'broken' end pcall(require, 'mine') "
      .. "package.preload.mine = function() return 'mended' end return require 'mine'",
    "return package.config",
  },
}

describe("of what is our own,", function()
  for subject, snippets in pairs(SAME) do
    it(subject .. " does what Lua's own does", function()
      for _, snippet in ipairs(snippets) do
        -- What was required, or changed, is taken back for the next one.
        local expected = in_lua(snippet)
        package.preload.mine, package.loaded.mine = nil, nil
        local found = in_sandbox(snippet)
        if subject == "os" then -- In virtual time they are called by another function.
          for _, lines in ipairs { expected, found } do
            lines[1] = lines[1]:gsub("app.lua:1: ", ""):gsub("to '%w+'", "to '?'")
          end
        end
        assert.same(expected, found, snippet)
      end
    end)
  end
end)

-- -- What differs on purpose --------------------------------------------------

describe("of what is our own,", function()
  local function result(code)
    return in_sandbox(code)[1]
  end

  it("setmetatable refuses finalizers", function()
    for _, value in ipairs { "print", "1", "false", "{}" } do
      assert.matches('^false "app.lua:1: __gc is not for scripts: close things',
        result("setmetatable({}, { __gc = " .. value .. " })"))
    end
    -- Set later it marks nothing.
    assert.equal("true", result "local mt = {} setmetatable({}, mt) mt.__gc = print")
  end)

  it("load never takes precompiled code", function()
    local binary = ("%q"):format(string.dump(function() end)):gsub("\n", "n")
    for _, mode in ipairs { "'b'", "'bt'", "'t'", "nil" } do
      local code = "return load(" .. binary .. ", 'n', " .. mode .. ")"
      assert.equal([[true nil "attempt to load a binary chunk (mode is 't')"]], result(code))
    end
    assert.equal([[true nil "attempt to load a binary chunk (mode is 't')"]],
      result("local s = " .. binary .. [[ local i = 0
        return load(function() i = i + 1 return i <= #s and s:sub(i, i) or nil end, 'n')]]))
  end)

  it("load takes a MiB, and no more", function()
    assert.equal("true function", result [[return load((" "):rep(1 << 20))]])
    assert.equal('true nil "the chunk is larger than 1024 KiB"', result [[return load((" "):rep((1 << 20) + 1))]])
    assert.equal('true nil "the chunk is larger than 1024 KiB"', result [[return load(function() return " a=1" end)]])
  end)

  it("collectgarbage only counts", function()
    for _, what in ipairs { "", "'collect'", "'stop'", "'generational'", "'step', 1 << 60", "'setpause', 1" } do
      assert.matches('is not for scripts', result("collectgarbage(" .. what .. ")"))
    end
  end)

  it("string.rep of nothing is done at once", function()
    assert.equal('true ""', result "return string.rep('', math.maxinteger)")
    assert.equal('true ""', result "return string.rep('', math.maxinteger, '')")
  end)

  it("a long chain of coroutine.close() gets an error", function()
    assert.equal('true true "dead"', result [[
      local prev, refused
      for i = 1, 40000 do
        local mine = prev
        local co = coroutine.create(function()
          local x <close> = setmetatable({}, { __close = function()
            if mine then
              local ok, why = pcall(coroutine.close, mine)
              refused = refused or (not ok and why)
            end
          end })
          coroutine.yield()
        end)
        coroutine.resume(co)
        prev = co
      end
      local ok = coroutine.close(prev)
      assert(refused:find "C stack overflow", refused)
      return ok, coroutine.status(prev)
    ]])
  end)

  it("a long chain of failing wraps gets an error", function()
    assert.matches('^true false ".*C stack overflow', result [[
      local function fail(n)
        local inner = n > 0 and fail(n - 1)
        return coroutine.wrap(function()
          local x <close> = setmetatable({}, { __close = function() if inner then inner() end end })
          error "broken"
        end)
      end
      return pcall(fail(40000))
    ]])
  end)

  it("deep C calls in each link of such a chain are counted as well", function()
    assert.matches('^true "dead"', result [[
      local prev
      local function dig(n, f) if n == 0 then f() else string.gsub("x", "x", function() dig(n - 1, f) end) end end
      for i = 1, 2000 do
        local mine = prev
        local co = coroutine.create(function()
          local x <close> = setmetatable({}, { __close = function()
            pcall(dig, 150, function() if mine then coroutine.close(mine) end end)
          end })
          coroutine.yield()
        end)
        coroutine.resume(co)
        prev = co
      end
      coroutine.close(prev)
      return coroutine.status(prev)
    ]])
  end)

  it("os.clock() is no stopwatch", function()
    assert.equal("true true", result [[
      local last = os.clock()
      for _ = 1, 1000 do
        local now = os.clock() * 1000
        if math.abs(now - math.floor(now + 0.5)) > 1e-6 then return now end
      end
      return true
    ]])
  end)

  it("io writes lines to the log", function()
    local phone <close> = run [[
      io.write("a", 1, " ", 1.0, " ", 2.5, "\nb\n\nc")
      print("d", 2)
      io.stdout:write("e"):write("f\n")
      io.stderr:write("careful\n")
      io.write("zero \0 byte\n")
      io.write("flushed") io.stdout:flush()
      print(io.stdout:close())
      io.write("the rest")
    ]]
    phone:quit()
    phone:advance "10s"
    assert.same({ "a1 1 2.5", "b", "", "cd\t2", "ef", "careful", "zero \\0 byte", "flushed",
      "nil\tcannot close standard file", "the rest" }, said(phone))
    assert.equal("warn", phone:timeline("log")[6].level)
  end)

  it("io does not keep a line without an end", function()
    local phone <close> = run [[for _ = 1, 40000 do io.write("x") end]]
    assert.equal(4, #said(phone))
    assert.equal(8192, #said(phone)[1])
  end)

  it("xpcall has no handler between a traceback and the error", function()
    local phone <close> = run [[print((select(2, xpcall(error, debug.traceback, "x"))))]]
    assert.matches("^x\nstack traceback:\n\t%[C%]: in function 'error'\n", said(phone)[1])
  end)
end)

-- -- Modules ------------------------------------------------------------------

describe("require", function()
  local folder

  local function write(path, text)
    local file <close> = assert(io.open(folder .. "/" .. path, "w"))
    file:write(text)
  end

  before_each(function()
    folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir -p " .. folder .. "/app/lib/deep " .. folder .. "/outside")
    write("outside/secret.lua", "return 'secret'")
  end)

  after_each(function()
    os.execute("rm -r " .. folder)
  end)

  local function app(code)
    write("app/app.lua", code)
    local phone <close> = device.open { os = "ios" }
    assert(phone:launch(folder .. "/app/app.lua"))
    phone:advance "1s"
    local lines = said(phone)
    for i, line in ipairs(lines) do
      lines[i] = line:gsub(folder:gsub("%p", "%%%0"), "DIR")
    end
    return lines
  end

  it("finds what lies beside the script, and below", function()
    write("app/one.lua", "return { name = ..., where = select(2, ...) }")
    write("app/lib/init.lua", "return 'lib'")
    write("app/lib/deep/a-b_1.lua", "#!/usr/bin/lua\nlocal line = debug.traceback() return line:match 'a%-b_1.lua:(%d+)'")
    assert.same({ "one\tDIR/app/one.lua\tDIR/app/one.lua", "lib\tDIR/app/lib/init.lua", "2", "true" }, app [[
      local one, where = require "one"
      print(one.name, one.where, where)
      print(require "lib")
      print((require "lib.deep.a-b_1"))
      print(require "one" == one)
    ]])
  end)

  it("says where it looked", function()
    assert.same({ "false\tmodule 'not.there' not found:"
      .. "\n\tno field package.preload['not.there']"
      .. "\n\tno file 'DIR/app/not/there.lua'"
      .. "\n\tno file 'DIR/app/not/there/init.lua'" }, app [[print(pcall(require, "not.there"))]])
  end)

  it("never leaves the folder", function()
    os.execute(("ln -s ../outside/secret.lua %s/app/link.lua && ln -s ../outside %s/app/elsewhere"):format(folder, folder))
    local lines = app [[
      for _, name in ipairs { "../outside/secret", "...outside.secret", "/etc/passwd", "", ".", "a..b", ".a", "a.",
        "x/y", "x\0y", "link", "elsewhere.secret", "a b", "a\\b", "é" } do
        local ok, why = pcall(require, name)
        print(ok, name == "link" or name == "elsewhere.secret" or why:find("a module's name is words", 1, true) ~= nil)
        if name == "link" then print(why:match "file [^\n]*") end
      end
    ]]
    for i, line in ipairs(lines) do
      assert.equal(i == 12 and "file 'DIR/app/link.lua' leads out of the script's folder" or "false\ttrue", line)
    end
    assert.equal(16, #lines)
  end)

  it("follows links within the folder", function()
    write("app/one.lua", "return 1")
    os.execute(("ln -s one.lua %s/app/two.lua"):format(folder))
    assert.same({ "1\tDIR/app/two.lua" }, app [[print(require "two")]])
  end)

  it("never waits for a pipe, and reads plain files only", function()
    os.execute(("mkfifo %s/app/pipe.lua && mkdir %s/app/dir.lua && ln -s /dev/zero %s/app/zero.lua"):format(folder,
      folder, folder))
    local lines = app [[
      for _, name in ipairs { "pipe", "dir", "zero" } do print(select(2, pcall(require, name)):match "file [^\n]*") end
    ]]
    assert.same({ "file 'DIR/app/pipe.lua' is no plain file", "file 'DIR/app/dir.lua' is no plain file",
      "file 'DIR/app/zero.lua' leads out of the script's folder" }, lines)
  end)

  it("reads text only, and a MiB of it", function()
    write("app/code.lua", string.dump(function() end))
    write("app/large.lua", (" "):rep((1 << 20) + 1))
    write("app/full.lua", (" "):rep(1 << 20))
    write("app/empty.lua", "")
    write("app/wrong.lua", "return +")
    assert.same({
      "false\terror loading module 'code' from file 'DIR/app/code.lua':"
        .. "\n\tattempt to load a binary chunk (mode is 't')",
      "file 'DIR/app/large.lua' is larger than 1 MiB",
      "true\ttrue", "true\ttrue",
      "false\terror loading module 'wrong' from file 'DIR/app/wrong.lua':"
        .. "\n\tDIR/app/wrong.lua:1: unexpected symbol near '+'",
    }, app [[
      print(pcall(require, "code"))
      print(select(2, pcall(require, "large")):match "file [^\n]*")
      print(pcall(function() return (require "full") end))
      print(pcall(function() return (require "empty") end))
      print(pcall(require, "wrong"))
    ]])
  end)

  it("refuses a circle, and forgets what failed", function()
    write("app/a.lua", "return require 'b'")
    write("app/b.lua", "return require 'a'")
    write("app/self.lua", "local ok, why = pcall(require, 'self') return { ok, why }")
    write("app/fails.lua", "tries = (tries or 0) + 1 if tries < 3 then error 'not yet' end return tries")
    local lines = app [[
      print(pcall(require, "a"))
      print(select(2, pcall(require, "b")):match "circle")
      print(table.unpack((require "self")))
      print(pcall(require, "fails"))
      print(select(2, pcall(require, "fails")))
      print((require "fails"))
    ]]
    assert.matches("^false\t.*module 'a' is being loaded already: modules must not require each other", lines[1])
    assert.same({ "circle", "false\tmodule 'self' is being loaded already: modules must not require each other in a circle",
      "false\tDIR/app/fails.lua:1: not yet", "DIR/app/fails.lua:1: not yet", "3" }, { table.unpack(lines, 2) })
  end)

  it("lets a module sleep", function()
    write("app/slow.lua", "require('farside').sleep(100) return 'slept'")
    assert.same({ "slept\tDIR/app/slow.lua", "slept" }, app [[print(require "slow") print((require "slow"))]])
  end)

  it("knows the modules of ours", function()
    assert.same({ "table\t:preload:", "true" }, app [[
      local farside, where = require "farside"
      print(type(farside), where)
      print(package.loaded.farside == farside)
    ]])
  end)

  it("finds no files for code that came without any", function()
    local phone <close> = run [[print(select(2, pcall(require, "x")))]]
    assert.matches("this script has no folder with modules", said(phone)[1])
  end)
end)
