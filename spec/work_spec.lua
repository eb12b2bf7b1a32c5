-- Durable work, as a script asks for it: what each function and option does,
-- and what it says to who uses it wrongly.

local device = require "farside.device"
local helper = require "spec.helper"

-- Runs code in a new app, and lets happen what is due.
local function open(code, options)
  local phone = helper.run(code, options)
  phone:advance(1)
  return phone
end

-- What the script said, line by line.
local function said(code, options)
  local phone <close> = open(code, options)
  return helper.said(phone)
end

-- The one unit of a phone that matches.
local function unit(phone, filter)
  local units = phone:work(filter)
  assert.equal(1, #units)
  return units[1]
end

-- A field of each unit, in the order of their ids.
local function each(phone, field)
  local list = {}
  for i, one in ipairs(phone:work()) do
    list[i] = one[field]
  end
  return list
end

-- A kind that succeeds at once, and one that says which of its work runs.
local KINDS <const> = [[
  BackgroundTask.define("k", { run = function() end })
  BackgroundTask.define("say", { run = function(ctx) print(ctx.input) end })
]]

-- Each is a piece of code, and the error that it raises.
local function complains(cases)
  for _, case in ipairs(cases) do
    local line = said("print(select(2, pcall(function() " .. case[1] .. " end)))")[1]
    assert.equal(case[2], (line:gsub("^app%.lua:1: ", "")), case[1])
  end
end

local A_DURATION <const> = ' must be a duration with its unit, such as "20s" or "1m30s", not a number'
local NO_DURATION <const> = ': write a duration such as "500ms", "20s" or "1h30m"'
local NO_JSON <const> = "only nil, booleans, numbers, strings and tables of them can be sent"

describe("without a store", function()
  it("every function fails with UNSUPPORTED", function()
    -- As a rock, whose store nobody has opened.
    local farside = require "farside"
    local BackgroundTask <const> = farside.Plugins.BackgroundTask
    local calls <const> = { enqueue = { "k" }, periodic = { "p", "k", { every = "1h" } }, cancel = { { all = true } },
      get = { 1 }, query = {}, history = { 1 }, explain = { 1 }, redrive = { 1 }, prune = {} }
    for name, arguments in pairs(calls) do
      local nothing, message, status = BackgroundTask[name](table.unpack(arguments))
      assert.same({ nil, "this app has no store to keep anything in", "UNSUPPORTED" }, { nothing, message, status }, name)
    end
  end)
end)

describe("define", function()
  it("says how work of a kind runs, before or after it is enqueued", function()
    local phone <close> = open [[
      BackgroundTask.enqueue("greet", "you")
      BackgroundTask.define("greet", { run = function(ctx) print("hello, " .. ctx.input) end })
      BackgroundTask.enqueue("greet", "me")
    ]]
    assert.same({ "hello, you", "hello, me" }, helper.said(phone))
  end)

  it("returns nothing", function()
    assert.same({ "0" }, said 'print(select("#", BackgroundTask.define("k", { run = print })))')
  end)

  it("replaces a kind that was defined before, and what runs already goes on", function()
    local phone <close> = helper.run [[
      BackgroundTask.define("k", { run = function(ctx) farside.sleep(1000) print("old " .. ctx.input) end })
      BackgroundTask.enqueue("k", "first")
      setTimeout(function()
        BackgroundTask.define("k", { run = function(ctx) print("new " .. ctx.input) end })
        BackgroundTask.enqueue("k", "second")
      end, 500)
    ]]
    phone:advance "2s"
    assert.same({ "new second", "old first" }, helper.said(phone))
  end)

  it("leaves a run what it was begun with, even where its first turn has not come yet", function()
    -- The watch runs when the unit says that it runs, and that is before.
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() print "old" end })
      BackgroundTask.watch({ state = "running" }, function()
        BackgroundTask.define("k", { run = function() print "new" end })
      end)
      BackgroundTask.enqueue "k"
    ]]
    assert.same({ "old" }, helper.said(phone))
    assert.equal("succeeded", unit(phone).state)
  end)

  it("takes work of older names by `aliases`, and a kind of that name comes first", function()
    local phone <close> = open [[
      BackgroundTask.enqueue("photo", 1)
      BackgroundTask.enqueue("picture", 2)
      BackgroundTask.define("image", { aliases = { "photo", "picture" },
        run = function(ctx) print("image", ctx.input, ctx.kind) end })
      BackgroundTask.define("picture", { run = function(ctx) print("picture", ctx.input, ctx.kind) end })
    ]]
    assert.same({ "image\t1\tphoto", "picture\t2\tpicture" }, helper.said(phone))
  end)

  it("refuses what it does not know, and says what it wants", function()
    complains {
      { 'BackgroundTask.define("k", { run = print, tries = 3 })',
        "define has no option 'tries'; there are: run, timeout, retry, crashes, aliases" },
      { "BackgroundTask.define()", "define: the kind is missing" },
      { "BackgroundTask.define(5, { run = print })", "define: the kind must be a string, not a number" },
      { 'BackgroundTask.define("", { run = print })', "define: the kind is empty" },
      { 'BackgroundTask.define(("k"):rep(257), { run = print })', "define: the kind is longer than 256 bytes" },
      { 'BackgroundTask.define("a\\nb", { run = print })', "define: the kind has a zero byte or a new line" },
      { 'BackgroundTask.define("a\\0b", { run = print })', "define: the kind has a zero byte or a new line" },
      { 'BackgroundTask.define("k")', "bad argument #2 to 'define' (table expected, got no value)" },
      { 'BackgroundTask.define("k", {})', "define: run is missing: write run = function(ctx) … end" },
      { 'BackgroundTask.define("k", { run = "print" })', "define: run must be a function, not a string" },
      { 'BackgroundTask.define("k", { run = print, timeout = 5 })', "define: timeout" .. A_DURATION },
      { 'BackgroundTask.define("k", { run = print, timeout = "0s" })',
        "define: timeout is zero: leave it out for the default" },
      { 'BackgroundTask.define("k", { run = print, crashes = 0 })',
        "define: crashes must be an integer from 1 to 1000000" },
      { 'BackgroundTask.define("k", { run = print, crashes = 1.5 })',
        "define: crashes must be an integer from 1 to 1000000" },
      { 'BackgroundTask.define("k", { run = print, retry = 3 })',
        'define: retry must be a table such as { max = 10, base = "30s" }, not a number' },
      { 'BackgroundTask.define("k", { run = print, retry = { max = -1 } })',
        "define: retry: max must be an integer from 0 to 1000000" },
      { 'BackgroundTask.define("k", { run = print, retry = { base = 30 } })', "define: retry: base" .. A_DURATION },
      { 'BackgroundTask.define("k", { run = print, retry = { cap = "soon" } })',
        'define: retry: cap is "soon"' .. NO_DURATION },
      { 'BackgroundTask.define("k", { run = print, retry = { policy = "random" } })',
        "define: retry: policy must be one of: exponential, linear, fixed" },
      { 'BackgroundTask.define("k", { run = print, retry = { jitter = 1.5 } })',
        "define: retry: jitter must be a number from 0 to 1" },
      { 'BackgroundTask.define("k", { run = print, retry = { jitter = 0/0 } })',
        "define: retry: jitter must be a number from 0 to 1" },
      { 'BackgroundTask.define("k", { run = print, retry = { again = true } })',
        "define: retry has no option 'again'; there are: max, base, cap, policy, jitter" },
      { 'BackgroundTask.define("k", { run = print, aliases = "old" })',
        "define: aliases must be a list of strings, not a string" },
      { 'BackgroundTask.define("k", { run = print, aliases = { 1 } })',
        "define: an alias must be a string, not a number" },
      { 'local all = {} for i = 1, 17 do all[i] = "k" .. i end BackgroundTask.define("k", '
          .. "{ run = print, aliases = all })", "define: there are more than 16 aliases" },
    }
  end)

  it("defines at most a hundred kinds, those of which the script has spoken included", function()
    assert.same({ "app knows 100 kinds of work already: that is as many as a script may have", "LIMIT", "true" },
      said [[
        for i = 1, 60 do BackgroundTask.define("d" .. i, { run = print }) end
        for i = 1, 40 do assert(BackgroundTask.enqueue("e" .. i, nil, { delay = "1h" })) end
        print(select(2, pcall(BackgroundTask.define, "one more", { run = print })))
        print((select(3, BackgroundTask.enqueue "one more")))
        BackgroundTask.define("d1", { run = print })
        BackgroundTask.define("e1", { run = print })
        print(BackgroundTask.enqueue("d60", nil, { delay = "1h" }) ~= nil)
      ]])
  end)
end)

describe("enqueue", function()
  it("returns an id that is never given twice, and says what became of it", function()
    assert.same({ "1\tenqueued\tfalse\t1767596400000", "2\tenqueued\tfalse\t1767596700000", "3" }, said [[
      local function show(id, info) print(id, info.state, info.existing, info.runAtMs) end
      show(BackgroundTask.enqueue "k")
      show(BackgroundTask.enqueue("k", nil, { delay = "5m" }))
      BackgroundTask.cancel { all = true }
      BackgroundTask.prune()
      print((BackgroundTask.enqueue "k"))
    ]])
  end)

  it("hands the input to the run as it was, whatever JSON can hold", function()
    assert.same({ "true" }, said [[
      local input = { text = "ä\n\0\"", list = { 1, 2.5, { true, false } }, big = math.maxinteger, small = -2^60,
        tiny = 1e-300, empty = {}, [""] = "no name" }
      local function same(a, b)
        if type(a) ~= "table" or type(b) ~= "table" then return a == b and math.type(a) == math.type(b) end
        for k, v in pairs(a) do if not same(v, b[k]) then return false end end
        for k in pairs(b) do if a[k] == nil then return false end end
        return true
      end
      BackgroundTask.define("k", { run = function(ctx) print(same(input, ctx.input)) end })
      BackgroundTask.enqueue("k", input)
    ]])
  end)

  it("takes any value as an input, and none", function()
    assert.same({ "nil", "false", "7", "text", "nil" }, said(KINDS .. [[
      for _, input in ipairs { false, 7, "text" } do if input == false then BackgroundTask.enqueue "say" end
        BackgroundTask.enqueue("say", input) end
      BackgroundTask.enqueue("say", nil, {})
    ]]))
  end)

  it("takes up to a mebibyte, and says so where it is more", function()
    local phone <close> = open [[
      local most = 1024 * 1024 - 2 -- Less its quotation marks.
      print(BackgroundTask.enqueue("k", ("x"):rep(most)))
      print(pcall(BackgroundTask.enqueue, "k", ("x"):rep(most + 1)))
      print(pcall(BackgroundTask.enqueue, "k", ("\n"):rep(most // 2 + 1)))
    ]]
    local lines = helper.said(phone)
    assert.truthy(lines[1]:find "^1\t")
    for i = 2, 3 do
      assert.equal("false\tthe input cannot be kept: it is larger than 1 MiB", lines[i])
    end
    assert.equal(1024 * 1024 - 2, #unit(phone).input)
  end)

  it("waits for `delay`", function()
    local phone <close> = open(KINDS .. 'BackgroundTask.enqueue("say", "now", { delay = "90s" })')
    phone:advance "89s"
    assert.same({}, helper.said(phone))
    phone:advance "1s"
    assert.same({ "now" }, helper.said(phone))
  end)

  it("gives up at `deadline`, with that reason", function()
    local phone <close> = open 'BackgroundTask.enqueue("k", nil, { deadline = "1h" })'
    phone:advance "59m"
    assert.equal("enqueued", unit(phone).state)
    phone:advance "1m"
    assert.same({ "failed", "deadline" }, { unit(phone).state, unit(phone).reason })
    assert.equal("its deadline has passed", helper.entry(phone, "work.fail").why)
  end)

  it("lets a run that goes on at its deadline come to its end", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() farside.sleep(5000) return "late" end })
      BackgroundTask.enqueue("k", nil, { deadline = "2s" })
      BackgroundTask.define("bad", { run = function() farside.sleep(5000) error "oh" end })
      BackgroundTask.enqueue("bad", nil, { deadline = "2s" })
    ]]
    phone:advance "6s"
    assert.same({ "succeeded", "failed" }, each(phone, "state"))
    assert.same({ nil, "deadline" }, { phone:work()[1].reason, phone:work()[2].reason })
  end)

  it("starts the higher `priority` sooner", function()
    local phone <close> = open [[
      BackgroundTask.define("say", { run = function(ctx) print(ctx.input) end })
      for i = -10, 10 do BackgroundTask.enqueue("say", i, { priority = i }) end
    ]]
    local expected = {}
    for i = 10, -10, -1 do
      expected[#expected + 1] = tostring(i)
    end
    assert.same(expected, helper.said(phone))
  end)

  it("puts a priority ahead of a number of others, never of all", function()
    local phone <close> = open [[
      BackgroundTask.define("say", { run = function(ctx) print(ctx.input) end })
      BackgroundTask.enqueue("say", "low")
      for i = 1, 250 do BackgroundTask.enqueue("say", "high", { priority = 1 }) end
    ]]
    local place
    for i, line in ipairs(helper.said(phone)) do
      place = line == "low" and i or place
    end
    assert.equal(100, place) -- Of the same rank the older one is first.
  end)

  it("gives each `group` its turn", function()
    assert.same({ "a1", "b1", "nil1", "a2", "b2", "nil2", "a3", "a4" }, said [[
      BackgroundTask.define("say", { run = function(ctx) print(ctx.input) end })
      for i = 1, 4 do BackgroundTask.enqueue("say", "a" .. i, { group = "a" }) end
      for i = 1, 2 do BackgroundTask.enqueue("say", "b" .. i, { group = "b" }) end
      for i = 1, 2 do BackgroundTask.enqueue("say", "nil" .. i) end
    ]])
  end)

  it("starts what is `expedited` before all others", function()
    assert.same({ "urgent", "high" }, said [[
      BackgroundTask.define("say", { run = function(ctx) print(ctx.input) end })
      BackgroundTask.enqueue("say", "high", { priority = 10 })
      BackgroundTask.enqueue("say", "urgent", { expedited = "or_normal", priority = -10 })
    ]])
  end)

  it("expedites no more than there is quota for, whenever it was asked for", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { run = function() end })
      for i = 1, 40 do
        local _, info = BackgroundTask.enqueue("k", nil, { expedited = i % 2 == 0 and "or_drop" or "or_normal" })
        assert(info.effective.expedited == nil)
      end
      setTimeout(function()
        local id, info = BackgroundTask.enqueue("k", nil, { expedited = "or_normal" })
        print(id, info.effective.expedited)
        print(BackgroundTask.enqueue("k", nil, { expedited = "or_drop" }))
      end, 1000)
    ]], { os = "android" })
    phone:advance "2s"
    local first_dropped
    for i = 1, 40 do
      local one = phone:work()[i]
      if one.state == "cancelled" then
        assert.equal("no_quota", one.reason)
        first_dropped = first_dropped or i
      end
      -- Those before it have used up the quota; of those behind it the others run all the same.
      assert.equal(first_dropped and i % 2 == 0 and "cancelled" or "succeeded", one.state)
    end
    assert.is_true(first_dropped > 2)
    assert.same({ "41\tfalse",
      "nil\tthere is no quota left for expedited work, and it says or_drop\tLIMIT" }, helper.said(phone))
  end)

end)
