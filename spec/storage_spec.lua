-- Storage: what a script keeps is there again, all of it or nothing.

local device = require "farside.device"
local helper = require "spec.helper"

local PRELUDE <const> = "local Storage = farside.Plugins.Storage "

local function run(code, options)
  local phone, app = helper.run(PRELUDE .. code, options)
  return phone, app
end

-- What the code prints, a line each; it must not raise an error.
local function said(code, options)
  local phone <close> = run(code, options)
  assert.same({}, helper.errors(phone))
  return helper.said(phone)
end

describe("storage", function()
  it("gives back what it was given, of every type", function()
    local lines = said [[
      local function show(value)
        if type(value) ~= "table" then
          return math.type(value) and math.type(value) .. " " .. tostring(value) or type(value) .. " " .. tostring(value)
        end
        local parts = {}
        for key, item in pairs(value) do parts[#parts + 1] = tostring(key) .. "=" .. show(item) end
        table.sort(parts)
        return "{" .. table.concat(parts, " ") .. "}"
      end
      for _, value in ipairs { true, false, 1, -1, 0, 1.5, math.maxinteger, math.mininteger, 1e308, "", "text",
          "zero \0 byte", "\u{10FFFF}", { 1, 2, 3 }, { a = { b = { c = true } } }, {}, { "x", { y = 1 } } } do
        assert(Storage.set("key", value))
        print(show(Storage.get "key"))
      end]]
    assert.same({
      "boolean true", "boolean false", "integer 1", "integer -1", "integer 0", "float 1.5",
      "integer 9223372036854775807", "integer -9223372036854775808", "float 1e+308", "string ", "string text",
      "string zero ", "string \u{10FFFF}", "{1=integer 1 2=integer 2 3=integer 3}",
      "{a={b={c=boolean true}}}", "{}", "{1=string x 2={y=integer 1}}",
    }, (function()
      lines[12] = lines[12]:match "^string zero " -- The log shows no zero byte.
      return lines
    end)())
  end)

  it("refuses what cannot be kept, and says why", function()
    local lines = said [[
      local loop = {} loop.loop = loop
      for _, value in ipairs { 0 / 0, 1 / 0, -1 / 0, { a = { 0 / 0 } }, "\xff", { ["\xff"] = 1 }, print, coroutine.create(print),
          loop, { 1, nil, 3 }, { [1.5] = 1 }, { [true] = 1 }, { x = 1, 2 }, ("x"):rep(1024 * 1024 + 1) } do
        local ok, message = pcall(Storage.set, "key", value)
        print(ok, (message:gsub("^.-: the value cannot be kept: ", "")))
      end
      print(pcall(Storage.set, "key", nil))
      print(Storage.has "key")]]
    local infinite <const> = "false\ta number is not finite"
    local kind <const> = "false\tonly nil, booleans, numbers, strings and tables of them can be sent"
    local keys <const> = "false\ta table is neither a list without holes nor has names as its only keys"
    assert.same({
      infinite, infinite, infinite, infinite, "false\ta string is not UTF-8", "false\ta field's name is not UTF-8", kind, kind,
      "false\ta table is in itself, or nested deeper than 100", keys, keys, keys, keys, "false\tit is larger than 1 MiB",
    }, { table.unpack(lines, 1, 14) })
    assert.matches("remove%(key%) takes it away", lines[15])
    assert.equal("false", lines[16])
  end)

  it("keeps what is nested up to its limit, and refuses what is deeper", function()
    assert.same({ "true\t100", "false\tset: the value cannot be kept: a table is in itself, or nested deeper than 100", "100" }, said [[
      local function nested(depth) local t = {} for _ = 2, depth do t = { t } end return t end
      local function depth_of(value) local depth = 0 while value do depth = depth + 1 value = value[1] end return depth end
      print(Storage.set("key", nested(100)), depth_of(Storage.get "key"))
      print(pcall(Storage.set, "key", nested(101)))
      print(depth_of(Storage.get "key"))]])
  end)

  it("takes any bytes as a key, and refuses what is none", function()
    local lines = said [[
      for _, key in ipairs { "a", "a\0b", "\xff\xfe", ("k"):rep(1024) } do
        assert(Storage.set(key, #key))
        print(Storage.get(key), Storage.has(key))
      end
      for _, key in ipairs { "", ("k"):rep(1025), 5, {}, true } do print(pcall(Storage.set, key, 1)) end
      print(pcall(Storage.get))]]
    assert.same({ "1\ttrue", "3\ttrue", "2\ttrue", "1024\ttrue" }, { table.unpack(lines, 1, 4) })
    assert.matches("the key is empty", lines[5])
    assert.matches("longer than 1024 bytes", lines[6])
    for i = 7, 9 do
      assert.matches("the key must be a string, not a %l+", lines[i])
    end
  end)

  it("lists keys by their beginning, in the order of bytes", function()
    assert.same({ "a, a/1, a/10, a/2, b", "a/1, a/10, a/2", "a/1, a/10", "0", "true\tfalse", "a, a/10, a/2, b", "0" }, said [[
      for _, key in ipairs { "b", "a/2", "a/10", "a", "a/1" } do Storage.set(key, 1) end
      print(table.concat(Storage.keys(), ", "))
      print(table.concat(Storage.keys "a/", ", "))
      print(table.concat(Storage.keys "a/1", ", "))
      print(#Storage.keys "c")
      print(Storage.remove "a/1", Storage.remove "a/1")
      print(table.concat(Storage.keys(), ", "))
      Storage.clear()
      print(#Storage.keys())]])
  end)

  it("survives a kill and a reboot, and each script has its own", function()
    local phone <close> = device.open { os = "ios" }
    local code = helper.code(PRELUDE .. [[
      print(Storage.get "count")
      Storage.set("count", (Storage.get "count" or 0) + 1)]])
    assert(phone:run(code, "one.lua"))
    phone:kill()
    assert(phone:run(code, "one.lua"))
    phone:reboot()
    assert(phone:run(code, "one.lua"))
    phone:kill()
    assert(phone:run(code, "two.lua"))
    assert.same({ "nil", "1", "2", "nil" }, helper.said(phone))
  end)

  it("keeps no more than the limit", function()
    local lines = said([[
      print(Storage.set("a", ("x"):rep(600)))
      print(Storage.set("b", ("x"):rep(600)))
      print(Storage.has "b", #Storage.get "a")
      print(Storage.set("a", ("y"):rep(900)))
      print(#Storage.get "a")]], { os = "ios", limits = "storage=1KB" })
    assert.equal("true", lines[1])
    assert.matches("^nil\tit keeps %d+ bytes and may keep 1024 %(limit storage%)\tFULL$", lines[2])
    assert.same({ "false\t600", "true", "900" }, { table.unpack(lines, 3) })
  end)
end)

describe("a transaction", function()
  it("keeps all of it, and returns what its function returns", function()
    assert.same({ "1\t2\tnil\tx", "1\t2" }, said [[
      print(Storage.transaction(function(a, b)
        Storage.set("a", a) Storage.set("b", b)
        return Storage.get "a", Storage.get "b", nil, "x"
      end, 1, 2))
      print(Storage.get "a", Storage.get "b")]])
  end)

  it("keeps nothing of it when its function raises an error, which goes on", function()
    local lines = said [[
      Storage.set("a", 1)
      print(pcall(Storage.transaction, function()
        Storage.set("a", 2) Storage.set("b", 2) Storage.remove "a"
        error({ code = 7 })
      end))
      print(Storage.get "a", Storage.has "b")]]
    assert.matches("^false\ttable: ", lines[1])
    assert.equal("1\tfalse", lines[2])
  end)

  it("takes an enqueue along, or back", function()
    local phone <close> = run [[
      BackgroundTask.define("k", { run = function(ctx) print("ran", ctx.input) end })
      print(pcall(Storage.transaction, function() BackgroundTask.enqueue("k", 1) error "no" end))
      Storage.transaction(function() Storage.set("sent", BackgroundTask.enqueue("k", 2)) end)]]
    phone:advance "1s"
    local work = phone:work()
    assert.equal(1, #work)
    assert.equal(2, work[1].input)
    assert.equal("succeeded", work[1].state)
    assert.same({ "ran\t2" }, { table.unpack(helper.said(phone), 2) })
  end)

  it("nests: an inner one takes back its own part", function()
    assert.same({ "1\tfalse\t3" }, said [[
      Storage.transaction(function()
        Storage.set("a", 1)
        pcall(Storage.transaction, function() Storage.set("b", 2) error "no" end)
        Storage.transaction(function() Storage.set("c", 3) end)
      end)
      print(Storage.get "a", Storage.has "b", Storage.get "c")]])
  end)

  it("cannot wait", function()
    local lines = said [[
      print(pcall(Storage.transaction, function() Storage.set("a", 1) farside.sleep(1) end))
      print(Storage.has "a")]]
    assert.matches("^false\t.*only a coroutine can sleep", lines[1])
    assert.equal("false", lines[2])
  end)

  it("that is killed half way leaves nothing", function()
    local phone <close> = device.open { os = "ios", limits = "turn=50ms" }
    assert(phone:run(helper.code(PRELUDE .. [[
      Storage.set("a", 1)
      setTimeout(function()
        Storage.transaction(function() Storage.set("a", 2) while true do end end)
      end, 10)]]), "spin.lua"))
    phone:advance "1s"
    assert.equal("gone", phone:state())
    assert(phone:run(helper.code(PRELUDE .. 'print(Storage.get "a") print(Storage.set("b", 1))'), "spin.lua"))
    local lines = helper.said(phone)
    assert.same({ "1", "true" }, { lines[#lines - 1], lines[#lines] })
  end)
end)
