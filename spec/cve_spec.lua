-- What has broken other hosts of Lua, and Lua itself: each by its id. Whatever
-- a script does here, it gets an answer or an error, and the host lives on.

local device = require "farside.device"
local helper = require "spec.helper"
local program = require "spec.program"
local said = helper.said

-- A slow machine, under sanitizers, is no runaway.
local function run(code)
  return helper.run(code, { os = "ios", limits = "turn=off" })
end

local function says(code, ...)
  local phone <close> = run(code, { limits = "turn=60s" }) -- Sanitizers are slow.
  phone:advance "1s"
  assert.same({ ... }, said(phone))
end

-- A script collects no garbage but by making some.
local CHURN <const> = "local function churn() local t = {} for i = 1, 20000 do t[i % 100] = { i, tostring(i) } end end "

describe("a hosted script and", function()
  it("CVE-2014-5461: many fixed parameters and few arguments", function()
    says([[
      local names = {}
      for i = 1, 200 do names[i] = "p" .. i end
      local f = load("return function(" .. table.concat(names, ",") .. ", ...) return p200, select('#', ...) end")()
      local function deep(n) if n == 0 then return f() end local a, b = deep(n - 1) return a, b end
      print(f(), deep(150))
    ]], "nil\tnil\t0")
  end)

  it("CVE-2019-6706: upvaluejoin is not there", function()
    says("print(debug.upvaluejoin, debug.upvalueid)", "nil\tnil")
  end)

  it("CVE-2020-15888: stacks that grow while garbage is collected", function()
    says(CHURN .. [[
      local function grow(n) if n == 0 then churn() return 0 end return 1 + grow(n - 1) end
      local sum = 0
      for _ = 1, 20 do
        local co = coroutine.wrap(function() sum = sum + grow(200) coroutine.yield() sum = sum + grow(3000) end)
        co() co()
      end
      print(sum)
    ]], tostring(20 * 3200))
  end)

  it("CVE-2020-15889 and CVE-2021-44964: no generational collector", function()
    says([[
      print(select(2, pcall(collectgarbage, "generational")):match "is not for scripts")
      print(select(2, pcall(collectgarbage, "incremental")):match "is not for scripts")
    ]], "is not for scripts", "is not for scripts")
  end)

  it("CVE-2020-15945 and CVE-2020-24369: no line hooks, no stripped code", function()
    says("print(debug.sethook, string.dump, debug.getlocal)", "nil\tnil\tnil")
  end)

  it("CVE-2020-24342: an error in an error near the C limit", function()
    says([[
      local function f() return pcall(string.gsub, "x", "x", f) end
      print(type((f())))
      local function g() error(setmetatable({}, { __tostring = g })) end
      print((pcall(g)))
      local function h(m) return h(h(m)) end
      print((xpcall(error, h, "x")))
    ]], "boolean", "false", "false")
  end)

  it("CVE-2020-24370: getlocal and setlocal are not there", function()
    says("print(debug.getlocal, debug.setlocal)", "nil\tnil")
  end)

  it("CVE-2020-24371: weak tables and barriers", function()
    says(CHURN .. [[
      local keys, values = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "v" })
      for i = 1, 200 do
        local key = { i }
        keys[key], values[i] = { key }, key
        if i % 20 == 0 then churn() end
      end
      for key, value in pairs(keys) do assert(value[1] == key) end
      for i, key in pairs(values) do assert(key[1] == i) end
      print "sound"
    ]], "sound")
  end)

  it("CVE-2021-43519: wraps in recovered errors", function()
    says([[
      local function f() pcall(1) coroutine.wrap(f)() end
      print((select(2, pcall(f)):match "C stack overflow"))
    ]], "C stack overflow")
  end)

  it("CVE-2021-44647: the name of what failed, wherever it failed", function()
    says([[
      local closing = setmetatable({}, { __close = function(x) local y = x.a.b end })
      print((select(2, pcall(function() local x <close> = closing end)):match "attempt to index.*"))
      print((select(2, pcall(function() for _ in 1 do end end)):match "attempt to call a %w+ value"))
      print((select(2, pcall(function() return {} .. "x" end)):match "attempt to concatenate.*"))
    ]], "attempt to index a nil value (field 'a')", "attempt to call a number value",
      "attempt to concatenate a table value")
  end)

  it("CVE-2021-45985: tail calls while garbage is collected", function()
    says([[
      local function make() return setmetatable({}, { __close = print, __mode = "k" }) end
      local function f(n) if n == 0 then return "ended" end make() return f(n - 1) end
      for _ = 1, 200 do App.addListener("pause", print):remove() end
      print(f(200000))
    ]], "ended")
  end)

  it("CVE-2022-28805: a constant _ENV", function()
    says([[
      local f = load "local _ENV <const> = 11; X = 'hi'"
      print((select(2, pcall(f)):match "attempt to index a number value"))
    ]], "attempt to index a number value")
  end)

  it("CVE-2022-33099: a handler that recurses at the limit", function()
    says([[
      local function loop(x, y, z) return 1 + loop(x, y, z) end
      local function handle(m) local r = handle(m) return r end
      local ok, why = xpcall(loop, handle)
      print(ok, type(why))
    ]], "false\tstring")
  end)

  -- In the program, whose Lua is mended: these specs run in the system's.
  it("Lua 5.4.4: a stack that moves while a __concat runs", function()
    local path = program.temporary ".lua"
    program.write(path, [[
      local function text(x) return type(x) == "table" and x.s or x end
      local function grow(n) if n == 0 then return 0 end return 1 + grow(n - 1) end
      local meta = { __concat = function(a, b) grow(120) return text(a) .. "+" .. text(b) end }
      local function object(s) return setmetatable({ s = s }, meta) end
      local joined = {}
      for pad = 0, 60 do
        coroutine.wrap(function(...)
          joined["a" .. object "b" .. "c" .. object "d" .. 1] = true
          for i = 1, 50 do local _ = { i } end
          return ...
        end)(table.unpack({}, 1, pad))
      end
      for what in pairs(joined) do print(what) end
    ]])
    local code, output, errors = program.run("run " .. path)
    assert.same({ 0, "ab+cd+1\n" }, { code, output }, errors)
    program.clean()
  end)

  it("Lua 5.4.4: a long chain of coroutine.close()", function()
    says([[
      local prev
      for i = 1, 40000 do
        local mine = prev
        local co = coroutine.create(function()
          local x <close> = setmetatable({}, { __close = function() if mine then coroutine.close(mine) end end })
          coroutine.yield()
        end)
        coroutine.resume(co)
        prev = co
      end
      print((coroutine.close(prev)))
    ]], "true")
  end)

  it("Lua up to 5.4.7: a weak metatable while memory is short", function()
    says([[
      for _ = 1, 50 do
        local mt = setmetatable({ __newindex = {} }, { __mode = "v" })
        local t = setmetatable({}, mt)
        for i = 1, 500 do t[i] = { i } end
      end
      print "sound"
    ]], "sound")
  end)

  it("Lua before 5.4.7: comparing strings with zero bytes", function()
    says([[
      local a, b = ("x\0"):rep(300), ("x\0"):rep(299) .. "x"
      print(a < b, b < a, a == b)
    ]], "false\ttrue\tfalse")
  end)

  it("Lua before 5.4.8: __close of a coroutine and a message handler", function()
    says([[
      local co = coroutine.create(function()
        local x <close> = setmetatable({}, { __close = function() local y = 134 error(y) end })
        xpcall(coroutine.yield, function() return "XX" end)
      end)
      coroutine.resume(co)
      print((coroutine.close(co)))
    ]], "false")
  end)

  it("bytecode: text only, through every way in", function()
    local REFUSED <const> = "attempt to load a binary chunk (mode is 't')"
    local binary = string.dump(function() return 1 end)
    local phone <close> = device.open { os = "ios" }
    local app, why = phone:run(binary)
    assert.falsy(app)
    assert.matches("attempt to load a binary chunk", why)
    local path = os.tmpname()
    do
      local file <close> = assert(io.open(path, "wb"))
      file:write(binary)
    end
    app, why = phone:launch(path)
    os.remove(path)
    assert.falsy(app)
    assert.matches("attempt to load a binary chunk", why)
    says([[
      for _, mode in ipairs { "b", "bt", "t" } do
        print((select(2, load("\27Lua" .. ("\0"):rep(50), "x", mode))))
        local pieces = { "\27", "Lua" }
        print((select(2, load(function() return table.remove(pieces, 1) end, "x", mode))))
      end
    ]], REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED)
  end)

  it("CVE-2015-4335 of Redis: loadstring and its kin are not there", function()
    says("print(loadstring, loadfile, dofile, string.dump)", "nil\tnil\tnil\tnil")
  end)

  it("CVE-2015-8080 and CVE-2020-14147 of Redis: huge sizes in formats", function()
    says([[
      for _, format in ipairs { "i2147483647", "i4294967296", "i99999999999999999999", "!65536i", "s17" } do
        print((pcall(string.pack, format, "x")), (pcall(string.unpack, format, "x")))
      end
      print((pcall(string.packsize, ("c2147483647"):rep(3))))
      print((pcall(string.format, "%999999d", 1)), (pcall(string.format, "%.99999999999f", 1)))
    ]], "false\tfalse", "false\tfalse", "false\tfalse", "false\tfalse", "false\tfalse", "false", "false\tfalse")
  end)

  it("CVE-2018-11218 and CVE-2018-11219 of Redis: packed data that lies", function()
    says([[
      local kinds = { "i1", "i8", "s1", "s4", "s8", "z", "c7", "d", "f", "n", "j", "T", "!8i8", ">I3", "<h" }
      local x, refused = 7, 0
      for i = 1, 3000 do
        local bytes = {}
        for j = 1, i % 40 do x = (x * 1103515245 + 12345) & 0x7fffffff bytes[j] = string.char(x >> 16 & 255) end
        if not pcall(string.unpack, kinds[i % #kinds + 1], table.concat(bytes), i % 3 + 1) then refused = refused + 1 end
      end
      print(refused > 100)
      print((pcall(string.unpack, "s8", ("\255"):rep(8))), (pcall(string.unpack, "i4", "abcd", math.mininteger)))
    ]], "true", "false\ttrue")
  end)

  it("CVE-2021-32626 of Redis: too many arguments and results for every function of ours", function()
    local phone <close> = run [[
      local calls = 0
      local function try(f, ...) calls = calls + 1 pcall(f, ...) end
      local skip = { [os.exit] = true, [App.exitApp] = true, [farside.run] = true, [App.minimizeApp or 0] = true }
      skip[farside.await] = true -- It waits, as it should.
      local seen = {}
      local function each(t)
        if seen[t] then return end
        seen[t] = true
        for _, f in pairs(t) do
          if type(f) == "table" then
            each(f)
          elseif type(f) == "function" and not skip[f] and f ~= print and f ~= warn then
            for _, n in ipairs { 0, 1, 250, 10000 } do
              try(f, table.unpack({}, 1, n))
              try(f, {}, table.unpack({}, 1, n))
              try(f, function() return table.unpack({}, 1, n) end, table.unpack({}, 1, n))
              try(f, "x", table.unpack({}, 1, n))
            end
          end
        end
      end
      local all = { coroutine, debug, io, os, farside, string, table, { load, require, setmetatable, xpcall, collectgarbage } }
      local saved = coroutine.yield
      coroutine.yield = nil
      for _, t in ipairs(all) do each(t) end
      coroutine.yield = saved
      io.flush()
      print(calls > 1000, select("#", farside.await(function(done) done(table.unpack({}, 1, 10000)) end)))
    ]]
    local last = said(phone)[#said(phone)]
    phone:kill()
    assert.equal("true\t10000", last)
  end)

  it("CVE-2022-0543 of Redis: nothing of package is left", function()
    says("print(package.loadlib, package.cpath, package.searchers, package.searchpath, package.path)",
      "nil\tnil\tnil\tnil\tnil")
  end)

  it("CVE-2022-24735 of Redis: one script cannot poison the next", function()
    local first <close> = run [[
      for name, library in pairs(_G) do
        if type(library) == "table" and name ~= "_G" then
          for field in pairs(library) do library[field] = function() error "poison" end end
        end
      end
      for _, name in ipairs { "next", "type", "pairs", "pcall", "require", "setTimeout" } do _G[name] = nil end
    ]]
    assert.equal("active", first:state())
    says([[
      local t = { 2, 1 }
      table.sort(t)
      print(t[1], ("x"):rep(2), type(next), math.max(1, 2), (pcall(require, "string")))
    ]], "1\txx\tfunction\t2\ttrue")
  end)

  it("CVE-2024-31228 of Redis: patterns that recurse", function()
    says([[
      print((select(2, pcall(string.find, ("a"):rep(300000), ("a?"):rep(300000))):match "pattern too complex"))
      print((select(2, pcall(string.match, ("("):rep(40), ("("):rep(40))):match "too many captures"))
      print((pcall(string.find, "x", ("%f[x]"):rep(1000))))
    ]], "pattern too complex", "too many captures", "true")
  end)

  it("CVE-2024-31449 of Redis: the ends of the numbers to every function of ours", function()
    local phone <close> = run [[
      local ends = { math.mininteger, math.maxinteger, 1 << 31, -(1 << 31), 1 << 63, 0.0, -0.0, 1 / 0, -1 / 0, 0 / 0, 2 ^ 53 }
      local ours = { setTimeout, clearTimeout, BackgroundTask.finish, BackgroundTask.exec, os.date, os.time, os.difftime,
        collectgarbage, debug.traceback, coroutine.wrap, coroutine.close, setmetatable, load, xpcall }
      for _, f in ipairs(ours) do
        for _, a in ipairs(ends) do
          pcall(f, a) pcall(f, print, a) pcall(f, "%c", a) pcall(f, "x", 1, a) pcall(f, { taskId = a, year = a, month = a, day = a })
        end
      end
      -- Nothing of Lua's but string.rep has a size for an argument.
      for _, a in ipairs(ends) do pcall(string.rep, "", a) pcall(string.rep, "", a, "") end
      for _, f in pairs(math) do if type(f) == "function" then for _, a in ipairs(ends) do pcall(f, a, a) end end end
      for _, name in ipairs { "sub", "byte", "char", "format" } do
        for _, a in ipairs(ends) do for _, b in ipairs(ends) do pcall(string[name], "x", a, b) end end
      end
      print "sound"
    ]]
    local last = said(phone)[#said(phone)]
    phone:kill()
    assert.equal("sound", last)
  end)

  it("CVE-2024-46981 and CVE-2025-49844 of Redis: names of chunks while they are compiled", function()
    says([[
      local n = 0
      for i = 1, 300 do
        local f = load(function() n = n + 1 return n % 50 ~= 0 and ("x%d={%d} "):format(n, n) or nil end, "=" .. ("n"):rep(i) .. i)
        if f then f() end
      end
      print(n > 1000)
    ]], "true")
  end)

  it("CVE-2025-46817 of Redis: unpack over all integers", function()
    says([[
      print((select(2, pcall(table.unpack, {}, math.mininteger, math.maxinteger)):match "too many results"))
      print((select(2, pcall(table.unpack, {}, 1, 1 << 31)):match "too many results"))
      print((pcall(table.concat, {}, "", math.maxinteger, math.maxinteger)))
    ]], "too many results", "too many results", "false")
  end)

  it("CVE-2025-46818 of Redis: the metatables of basic types", function()
    says([[
      print(getmetatable "", getmetatable(1), getmetatable(nil), getmetatable(print), getmetatable(true),
        getmetatable(coroutine.running()))
      print((pcall(function() getmetatable("").__call = pcall end)))
      print((select(2, pcall(string.gsub, ("x"):rep(100), ".", "%0%0"))))
    ]], "protected\tnil\tnil\tnil\tnil\tnil", "false", ("x"):rep(200))
  end)

  it("CVE-2025-46819 of Redis: long brackets of a high level", function()
    says([[
      print((load("return [" .. ("="):rep(1 << 16) .. "[x]" .. ("="):rep(1 << 16) .. "]")()))
      print((load("return [" .. ("="):rep(1 << 19))))
      print((load("--[" .. ("="):rep(1 << 19) .. "[")))
      print((load(("["):rep(1 << 18))))
    ]], "x", "nil", "nil", "nil")
  end)

  it("CVE-2023-35853 of Suricata: the way to all of Lua is not the script's", function()
    says("print(_ENV == _G, _G._G == _G, package.loaded._G == _G, rawget(_G, 'io').open)", "true\ttrue\ttrue\tnil")
  end)

  it("CVE-2026-45770 of Suricata: one more of everything", function()
    local phone <close> = run [[
      for i = 1, 70 do App.addListener("pause", function() end) setTimeout(function() end, i) end
      for i = 1, 70 do coroutine.wrap(function() farside.sleep(i) end)() end
      for i = 1, 70 do pcall(BackgroundTask.exec, function(task) task:finish() end, { name = "n" .. i }) end
      print(getmetatable "", debug.sethook, io.open)
    ]]
    phone:advance "1s"
    assert.equal("protected\tnil\tnil", said(phone)[1])
  end)

  it("OpenComputers#1606: no finalizers, and none by a way around", function()
    says([[
      print((pcall(setmetatable, {}, { __gc = function() while true do end end })))
      local handle = App.addListener("pause", print)
      for _, object in ipairs { handle, io.stdout } do
        print(getmetatable(object), pcall(function() return object.__index, object.__gc end))
        print((pcall(function() object.__gc = print end)), (pcall(setmetatable, object, {})))
      end
      local mt = setmetatable({}, { __index = { __gc = print } })
      print(type(setmetatable({}, mt)))
    ]], "false", "protected\ttrue\tnil\tnil", "false\tfalse", "protected\ttrue\tnil\tnil", "false\tfalse", "table")
  end)

  it("Mesecons#255 and #380: methods of strings are those of the list", function()
    says([[
      print(("x").rep == string.rep, #("").rep("", math.maxinteger), (("x").dump))
      string.rep = function() return "mine" end
      print(("x"):rep(1e9 // 1 | 0))
    ]], "true\t0\tnil", "mine")
  end)

  it("LuaSandbox df0ab7c: a clock that is no stopwatch", function()
    says("local t = os.clock() * 1000 print(math.abs(t - math.floor(t + 0.5)) < 1e-6)", "true")
  end)
end)

-- Not here, because no script can express it: CVE-2021-32672 and CVE-2022-24736
-- of Redis (its debugger), CVE-2022-24834 (its cjson), CVE-2026-23631 (a hook
-- that runs the event loop) and CVE-2026-45763 of Suricata (the memory cap).
