-- Source maps: what is told of generated Lua is told of what it was made from.

local device = require "farside.device"

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

-- Numbers as a source map has them.
local function vlq(number)
  local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  local rest, text = number < 0 and (-number << 1) + 1 or number << 1, ""
  repeat
    local digit = rest & 31
    rest = rest >> 5
    digit = rest > 0 and digit + 32 or digit
    text = text .. digits:sub(digit + 1, digit + 1)
  until rest == 0
  return text
end

-- Mappings that say: line i of the chunk is line lines[i] of file files[i], both
-- from 1; nothing where there is false.
local function mappings(lines, files)
  local parts, file, line = {}, 1, 1
  for i, number in ipairs(lines) do
    parts[i] = ""
    if number then
      local its = files and files[i] or 1
      parts[i] = "A" .. vlq(its - file) .. vlq(number - line) .. "A"
      file, line = its, number
    end
  end
  return table.concat(parts, ";")
end

local function map(sources, text, root)
  return ('{"version":3,"sources":["%s"],"names":[],"mappings":"%s","sourceRoot":"%s"}'):format(
    table.concat(sources, '","'), text, root or "")
end

describe("a source map", function()
  local folder

  before_each(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir -p " .. folder .. "/build"))
  end)

  after_each(function()
    os.execute("rm -r " .. folder)
  end)

  local function launch(phone, code, json)
    write(folder .. "/build/app.lua", code)
    write(folder .. "/build/app.lua.map", json)
    return phone:launch(folder .. "/build/app.lua")
  end

  local function logged(phone)
    local text = {}
    for _, entry in ipairs(phone:timeline "log") do
      text[#text + 1] = entry.why:gsub("/tmp/[%w_]+", "DIR")
    end
    return table.concat(text, "\n")
  end

  it("names the line of an error, and of each call on the way to it", function()
    local phone <close> = device.open {}
    launch(phone, "local function f()\n  error 'no'\nend\n\nsetTimeout(function() f() end, 1)\n",
      map({ "../src/app.ts" }, mappings { 10, 11, false, false, 300 }))
    phone:advance "1s"
    assert.equal([[
DIR/src/app.ts:11: no
stack traceback:
	[C]: in function 'error'
	DIR/src/app.ts:11: in upvalue 'f'
	DIR/src/app.ts:300: in function <DIR/src/app.ts:300>]], logged(phone))
  end)

  it("names where a task was begun, past what the compiler has put between", function()
    local phone <close> = device.open {}
    local app = launch(phone, [[
local exec = require("farside").Plugins.BackgroundTask.exec
local function wrapped(fn)
  local id = exec(fn)
  return id
end
wrapped(function(task) task:finish() end)
]], map({ "a.ts", "b.ts" }, mappings({ false, false, false, false, false, 7 }, { 1, 1, 1, 1, 1, 2 }), "../src"))
    assert.equal(folder .. "/src/b.ts:7", app:tasks()[1].origin)
  end)

  it("leaves a line that it does not know alone, and names that only look like its own", function()
    local phone <close> = device.open {}
    launch(phone, "print(debug.traceback('my-app.lua:1: app.lua:1', 1))\n\n\nprint(debug.traceback('', 1))",
      map({ "../app.ts" }, mappings { 3, false, false, false }))
    assert.equal([[
my-app.lua:1: app.lua:1
stack traceback:
	DIR/app.ts:3: in main chunk

stack traceback:
	DIR/build/app.lua:4: in main chunk]], logged(phone))
  end)

  it("takes the end of a loop, which no map knows, for the line before it", function()
    local phone <close> = device.open { limits = "turn=30ms" }
    launch(phone, "\nsetTimeout(function()\n  while true do\n  end\nend, 1)",
      map({ "app.ts" }, mappings { 1, 2, 3, false, false }))
    phone:advance "1s"
    assert.equal("app.ts:3", phone:timeline "script.kill"[1].where:match "[^/]+$")
  end)

  it("holds for the modules of a script, each with its own", function()
    local phone <close> = device.open {}
    write(folder .. "/build/part.lua", "return function() error('no', 2) end")
    write(folder .. "/build/part.lua.map", map({ "part.ts" }, mappings { 4 }))
    launch(phone, "\nrequire 'part' ()", map({ "app.ts" }, mappings { false, 9 }))
    assert.matches("^DIR/build/app.ts:9: no\n.*DIR/build/part.ts:4: in function", logged(phone))
  end)

  it("names where a script was stopped", function()
    local phone <close> = device.open { limits = "turn=30ms" }
    launch(phone, "\nsetTimeout(function()\n  while true do end\nend, 1)", map({ "app.ts" }, mappings { 1, 2, 3, 4 }))
    phone:advance "1s"
    local kill = phone:timeline "script.kill"[1]
    assert.equal("app.ts:3", kill.where:match "[^/]+$")
    assert.matches("app.ts:3", kill.why)
    assert.falsy(kill.why:find "app.lua")
  end)

  it("is no help, and no harm, when it is damaged", function()
    local good = mappings { 1, 2 }
    for _, json in ipairs {
      "", "{", "[]", "7", '{"version":3}', map({}, good), map({ "a.ts" }, "!!!!"), map({ "a.ts" }, "A"),
      map({ "a.ts" }, ("g"):rep(400)), map({ "a.ts" }, "AADA"), map({ "a.ts" }, "AAAD"), map({ ("x"):rep(2000) }, good),
      map({ "a.ts" }, (";"):rep(300000)), (map({ "a.ts" }, good):gsub("3", "2", 1)), map({ "a.ts" }, "AAAA,"),
      (map({ "a.ts" }, good):gsub('"mappings":"[^"]*"', '"mappings":{}')),
      (map({ "a.ts" }, good):gsub('"a.ts"', "null")),
    } do
      local phone <close> = device.open {}
      launch(phone, "setTimeout(function() error 'no' end, 1)", json)
      phone:advance "1s"
      assert.truthy(logged(phone):find "^DIR/build[%a./]*:1: no", json:sub(1, 60))
    end
  end)

  it("may lie anywhere: its files are told from its own folder, or as they are", function()
    for source, told in pairs {
      ["x/../y/./a.ts"] = "DIR/build/y/a.ts", ["../../../../../a.ts"] = "/a.ts", ["/a/../b.ts"] = "/b.ts",
      ["webpack://x/../a.ts"] = "webpack://x/../a.ts", ["./"] = "DIR/build",
    } do
      local phone <close> = device.open {}
      launch(phone, "error 'no'", map({ source }, mappings { 5 }))
      assert.equal(told .. ":5: no", logged(phone):match "[^\n]*", source)
    end
  end)

  it("finds a chunk whose name Lua shortens", function()
    local phone <close> = device.open {}
    local deep = folder .. "/" .. ("long"):rep(20)
    os.execute("mkdir " .. deep)
    write(deep .. "/app.lua", "error 'no'")
    write(deep .. "/app.lua.map", map({ "/a.ts" }, mappings { 5 }))
    phone:launch(deep .. "/app.lua")
    assert.matches("^/a.ts:5: no\n.*\n\t/a.ts:5: in main chunk", logged(phone))
  end)
end)

describe("an error that is a table", function()
  local function logged(code)
    local phone <close> = device.open {}
    phone:run(code)
    return phone:timeline "log"[1].why
  end

  it("is told by its message, its name and its stack, without a metamethod", function()
    assert.matches("^too bad\nstack traceback:", logged "error { message = 'too bad' }")
    assert.matches("^Oops: too bad\nstack traceback:", logged "error { message = 'too bad', name = 'Oops' }")
    assert.equal("E: m\nmine", logged "error { message = 'm', name = 'E', stack = 'mine' }")
    assert.matches("^%(error object is a table value%)", logged "error { message = 7 }")
    assert.matches("^%(error object is a table value%)", logged [[
      error(setmetatable({}, { __index = function() print "ran" return "x" end }))]])
  end)
end)

describe("debug.getinfo in a hosted script", function()
  it("tells what a traceback tells, and gives no function in C away", function()
    local phone <close> = device.open {}
    assert(phone:run([[
      local function f()
        local me, caller = debug.getinfo(1), debug.getinfo(2, "Sl")
        print(me.func == f, me.currentline, me.name, me.short_src, caller.what, caller.currentline)
      end
      f()
      print(debug.getinfo(print, "fS").func, debug.getinfo(print, "S").what, debug.getinfo(99))
      print(pcall(debug.getinfo, 1, ">f"), (pcall(debug.getinfo, 1, "L")), (pcall(debug.getinfo, {})))
      print(debug.getinfo(1, "f").func ~= nil, pcall(debug.getinfo, -1), debug.getinfo(math.maxinteger))
    ]], "a.lua"))
    local lines = {}
    for _, entry in ipairs(phone:timeline "log") do
      lines[#lines + 1] = entry.why
    end
    assert.equal("true\t2\tf\ta.lua\tmain\t5", lines[1])
    assert.equal("nil\tC\tnil", lines[2])
    assert.equal("false\tfalse\tfalse", (lines[3]:gsub("\tbad argument[^\t]*", "")))
    assert.equal("true\ttrue\tnil", lines[4])
  end)
end)
