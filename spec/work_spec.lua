-- Durable work, as a script asks for it: what each function and option does,
-- and what it says to who uses it wrongly.

local helper = require "spec.helper"

local open, unit = helper.open, helper.unit

-- What the script said, line by line.
local function said(code, options)
  local phone <close> = open(code, options)
  return helper.said(phone)
end

-- A field of each unit, in the order of their ids.
local function each(phone, field)
  local list = {}
  for i, one in ipairs(phone:work()) do
    list[i] = one[field]
  end
  return list
end

-- An app that does nothing, to look at what the last one has left.
local QUIET <const> = "-- nothing"

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
    assert.same({ "0", "-1", "9223372036854775807", "-9223372036854775808" }, said(KINDS .. [[
      for _, input in ipairs { 0, -1, math.maxinteger, math.mininteger } do BackgroundTask.enqueue("say", input) end
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


  it("remembers what has ended for `keep`, and not for ever", function()
    local phone <close> = open(KINDS .. [[
      BackgroundTask.enqueue("k", nil, { keep = "1h" })
      BackgroundTask.enqueue("k") -- A week.
      setInterval(function() BackgroundTask.enqueue("k", nil, { keep = "1ms" }) end, 30 * 60000)
    ]])
    phone:advance "31m"
    assert.same({ 1, 2, 3 }, each(phone, "id"))
    phone:advance "1h"
    assert.same({ 2, 5 }, each(phone, "id"))
  end)

  it("with `durable = false` survives a kill all the same", function()
    local phone <close> = open 'BackgroundTask.enqueue("k", 1, { durable = false, delay = "1h" })'
    phone:kill()
    phone:run(QUIET)
    assert.equal(1, unit(phone).input)
  end)

  it("keeps tags, group, priority and needs, to be found and shown", function()
    local phone <close> = open [[
      BackgroundTask.enqueue("k", { a = 1 }, { tags = { "x", "y", "x" }, group = "g", priority = -3, unique = "u",
        delay = "1h", expedited = false, needs = { network = "unmetered", charging = true, idle = false } })
    ]]
    local one = unit(phone, { tag = "y" })
    assert.same({ { "x", "y", "x" }, "g", -3, "u", { a = 1 } },
      { one.tags, one.group, one.priority, one.unique, one.input })
    assert.same({ network = "unmetered", charging = true, batteryOk = false, storageOk = false, idle = false }, one.needs)
    assert.equal(0, #phone:work { tag = "z" })
  end)

  it("clamps what the profile does not allow, and says what it is now", function()
    assert.same({ "600000", "10000\t18000000", "10000\t18000000" }, said([[
      BackgroundTask.define("k", { run = print, timeout = "1d", retry = { base = "1s", cap = "10h" } })
      local _, info = BackgroundTask.enqueue("k", nil, { delay = "1h" })
      print(info.effective.timeoutMs)
      print(info.effective.retryBaseMs, info.effective.retryCapMs)
      BackgroundTask.define("k", { run = print })
      _, info = BackgroundTask.enqueue("k", nil, { delay = "1h" })
      assert(next(info.effective) == nil)
      BackgroundTask.define("k", { run = print, retry = { base = "20h", cap = "1s" } })
      _, info = BackgroundTask.enqueue("k", nil, { delay = "1h" })
      print(info.effective.retryCapMs, info.effective.retryBaseMs)
    ]], { os = "android" }))
  end)

  it("refuses what it does not know, and says what it wants", function()
    complains {
      { "BackgroundTask.enqueue()", "enqueue: the kind is missing" },
      { "BackgroundTask.enqueue(5)", "enqueue: the kind must be a string, not a number" },
      { 'BackgroundTask.enqueue("k", nil, 5)', "bad argument #3 to 'enqueue' (table expected, got number)" },
      { 'BackgroundTask.enqueue("k", nil, { dely = "5m" })',
        "enqueue has no option 'dely'; there are: unique, existing, delay, deadline, needs, priority, group, tags, "
          .. "expedited, after, onParentFail, keep, durable" },
      { 'BackgroundTask.enqueue("k", nil, { delay = 5 })', "enqueue: delay" .. A_DURATION },
      { 'BackgroundTask.enqueue("k", nil, { delay = "5" })', 'enqueue: delay is "5"' .. NO_DURATION },
      { 'BackgroundTask.enqueue("k", nil, { delay = "-5m" })', 'enqueue: delay is "-5m"' .. NO_DURATION },
      { 'BackgroundTask.enqueue("k", nil, { deadline = 5 })', "enqueue: deadline" .. A_DURATION },
      { 'BackgroundTask.enqueue("k", nil, { deadline = "0s" })',
        "enqueue: deadline is zero: it would be over at once" },
      { 'BackgroundTask.enqueue("k", nil, { unique = 5 })', "enqueue: unique must be a string, not a number" },
      { 'BackgroundTask.enqueue("k", nil, { unique = "" })', "enqueue: unique is empty" },
      { 'BackgroundTask.enqueue("k", nil, { existing = "keep" })',
        "enqueue: existing says what becomes of work with the same unique name: there is no unique" },
      { 'BackgroundTask.enqueue("k", nil, { unique = "u", existing = "stay" })',
        "enqueue: existing must be one of: keep, replace, update, append, append_or_replace, debounce" },
      { 'BackgroundTask.enqueue("k", nil, { unique = "u", existing = 1 })',
        "enqueue: existing must be one of: keep, replace, update, append, append_or_replace, debounce" },
      { 'BackgroundTask.enqueue("k", nil, { needs = "wifi" })',
        'enqueue: needs must be a table such as { network = "unmetered", charging = true }, not a string' },
      { 'BackgroundTask.enqueue("k", nil, { needs = { wifi = true } })',
        "enqueue: needs has no option 'wifi'; there are: network, charging, batteryOk, storageOk, idle" },
      { 'BackgroundTask.enqueue("k", nil, { needs = { network = "wifi" } })',
        "enqueue: needs: network must be one of: none, connected, unmetered" },
      { 'BackgroundTask.enqueue("k", nil, { needs = { network = true } })',
        "enqueue: needs: network must be one of: none, connected, unmetered" },
      { 'BackgroundTask.enqueue("k", nil, { needs = { charging = 1 } })',
        "enqueue: needs: charging must be true or false, not a number" },
      { 'BackgroundTask.enqueue("k", nil, { priority = 11 })', "enqueue: priority must be an integer from -10 to 10" },
      { 'BackgroundTask.enqueue("k", nil, { priority = 1.5 })', "enqueue: priority must be an integer from -10 to 10" },
      { 'BackgroundTask.enqueue("k", nil, { priority = "5" })', "enqueue: priority must be an integer from -10 to 10" },
      { 'BackgroundTask.enqueue("k", nil, { group = {} })', "enqueue: group must be a string, not a table" },
      { 'BackgroundTask.enqueue("k", nil, { tags = "a" })', "enqueue: tags must be a list of strings, not a string" },
      { 'BackgroundTask.enqueue("k", nil, { tags = { 1 } })', "enqueue: a tag must be a string, not a number" },
      { 'BackgroundTask.enqueue("k", nil, { tags = { "" } })', "enqueue: a tag is empty" },
      { 'local t = {} for i = 1, 17 do t[i] = "t" .. i end BackgroundTask.enqueue("k", nil, { tags = t })',
        "enqueue: there are more than 16 tags" },
      { 'BackgroundTask.enqueue("k", nil, { expedited = "now" })',
        'enqueue: expedited must be "or_normal" or "or_drop"' },
      { 'BackgroundTask.enqueue("k", nil, { expedited = 1 })', 'enqueue: expedited must be "or_normal" or "or_drop"' },
      { 'BackgroundTask.enqueue("k", nil, { expedited = "or_drop", delay = "5m" })',
        "enqueue: expedited work starts at once: it has no delay" },
      { 'BackgroundTask.enqueue("k", nil, { after = "1" })',
        "enqueue: after must be the integer that enqueue returned, not a string" },
      { 'BackgroundTask.enqueue("k", nil, { after = 1.5 })',
        "enqueue: after must be the integer that enqueue returned, not a number" },
      { 'BackgroundTask.enqueue("k", nil, { after = { {} } })',
        "enqueue: after must be the integer that enqueue returned, not a table" },
      { 'local t = {} for i = 1, 101 do t[i] = i end BackgroundTask.enqueue("k", nil, { after = t })',
        "enqueue: after has more than 100 ids" },
      { 'BackgroundTask.enqueue("k", nil, { after = 7, onParentFail = "stop" })',
        "enqueue: onParentFail must be one of: fail, run, hold" },
      { 'BackgroundTask.enqueue("k", nil, { keep = 7 })', "enqueue: keep" .. A_DURATION },
      { 'BackgroundTask.enqueue("k", nil, { durable = "yes" })',
        "enqueue: durable must be true or false, not a string" },
      { 'BackgroundTask.enqueue("k", print)', "the input cannot be kept: " .. NO_JSON },
      { 'BackgroundTask.enqueue("k", { f = print })', "the input cannot be kept: " .. NO_JSON },
      { 'BackgroundTask.enqueue("k", 0/0)', "the input cannot be kept: a number is not finite" },
      { 'BackgroundTask.enqueue("k", { -1/0 })', "the input cannot be kept: a number is not finite" },
      { 'local t = {} t.t = t BackgroundTask.enqueue("k", t)',
        "the input cannot be kept: a table is in itself, or nested deeper than 100" },
      { 'BackgroundTask.enqueue("k", "\xff")', "the input cannot be kept: a string is not UTF-8" },
      { 'BackgroundTask.enqueue("k", { ["\xff"] = 1 })', "the input cannot be kept: a field's name is not UTF-8" },
      { 'BackgroundTask.enqueue("k", { ["a\0"] = 1 })', "the input cannot be kept: a field's name has a zero byte" },
      { 'BackgroundTask.enqueue("k", { 1, nil, 3 })', "the input cannot be kept: a table is neither a list without "
        .. "holes nor has names as its only keys" },
    }
  end)
end)

describe("the limit work", function()
  local FULL <const> = "it has 3 units of work that have not ended and may have 3 (limit work)\tFULL"

  -- Of an app that may have three units. `enqueue` prints the id, or why not.
  local function said_of_three(code)
    return said(KINDS .. [[
      local function tell(id, why, name)
        if id then print(id) else print(why, name) end
      end
      local function enqueue(options)
        options = options or {}
        options.delay = options.delay or "1h"
        tell(BackgroundTask.enqueue("k", nil, options))
      end
    ]] .. code, { os = "ios", limits = "work=3" })
  end

  it("is reached by one too many, and a cancel makes room for one", function()
    assert.same({ "1", "2", "3", FULL, FULL, "1", "4", FULL, "3", "5" }, said_of_three [[
      for _ = 1, 5 do enqueue() end
      print(BackgroundTask.cancel { id = 2 })
      enqueue()
      enqueue()
      print(BackgroundTask.cancel { all = true })
      enqueue()
    ]])
  end)

  it("does not count what has ended", function()
    local phone <close> = open(KINDS .. [[
      for _ = 1, 3 do BackgroundTask.enqueue "k" end
      setTimeout(function()
        for _ = 1, 4 do print((BackgroundTask.enqueue("k", nil, { delay = "1h" }))) end
      end, 1000)
    ]], { os = "ios", limits = "work=3" })
    phone:advance "1s"
    assert.same({ "4", "5", "6", "nil" }, helper.said(phone))
  end)

  it("counts what waits for other work, and what is periodic", function()
    assert.same({ "1", "2", "3", FULL, FULL }, said_of_three [[
      enqueue()
      enqueue { after = 1 }
      tell(BackgroundTask.periodic("p", "k", { every = "1h" }))
      tell(BackgroundTask.periodic("q", "k", { every = "1h" }))
      enqueue { after = 1 }
    ]])
  end)

  it("leaves room for what takes the place of another", function()
    assert.same({ "1", "2", "3", "1", "1", "1", "4", FULL, FULL }, said_of_three [[
      enqueue { unique = "u" }
      enqueue()
      enqueue()
      for _, existing in ipairs { "keep", "update", "debounce", "replace", "append" } do
        enqueue { unique = "u", existing = existing }
      end
      enqueue()
    ]])
  end)

  it("counts what is redriven", function()
    assert.same({ "1", "2", "3", "1", "4", FULL, "1", "true" }, said_of_three [[
      for _ = 1, 3 do enqueue() end
      print(BackgroundTask.cancel { id = 1 })
      enqueue()
      tell(BackgroundTask.redrive(1))
      print(BackgroundTask.cancel { id = 4 })
      tell(BackgroundTask.redrive(1))
    ]])
  end)

  it("counts what a transaction has done, and not what one has taken back", function()
    assert.same({ "1", "2", "3", FULL, "false", "4", "5", "6", FULL }, said_of_three [[
      local Storage = farside.Plugins.Storage
      print((pcall(Storage.transaction, function()
        for _ = 1, 4 do enqueue() end
        error "no"
      end)))
      Storage.transaction(function()
        for _ = 1, 4 do enqueue() end
      end)
    ]])
  end)

  it("is each script's own, and holds after a kill", function()
    local phone <close> = open([[
      for _ = 1, 4 do print((BackgroundTask.enqueue("k", nil, { delay = "1h" }))) end
    ]], { os = "ios", limits = "work=3" })
    phone:kill()
    assert(phone:run(helper.code [[print((BackgroundTask.enqueue("k", nil, { delay = "1h" })))]], "app.lua"))
    phone:kill()
    assert(phone:run(helper.code [[print((BackgroundTask.enqueue("k", nil, { delay = "1h" })))]], "other.lua"))
    assert.same({ "1", "2", "3", "nil", "nil", "4" }, helper.said(phone))
  end)

  it("is ten thousand where nothing is said", function()
    assert.same({ "10000\t10000\tFULL" }, said([[
      local last, id, name
      farside.Plugins.Storage.transaction(function()
        for i = 1, 10001 do
          id, _, name = BackgroundTask.enqueue("k", nil, { delay = "1h" })
          last = id or last
        end
      end)
      print(last, #BackgroundTask.query { limit = 1000 } * 10, name)
    ]], { limits = "turn=60s" })) -- A slow processor is no mistake of the script.
  end)
end)

describe("work of a unique name", function()
  -- Enqueues "first" under a name, then "second" with a policy; what is there then.
  local function meet(existing, first, second)
    local phone <close> = open(([[
      BackgroundTask.define("k", { run = function(ctx) farside.sleep(1000) print(ctx.input) return ctx.input end })
      local function show(id, info, ...) if id then print(id, info.state, info.existing) else print(id, info, ...) end end
      show(BackgroundTask.enqueue("k", "first", { unique = "u", %s }))
      setTimeout(function()
        show(BackgroundTask.enqueue("k", "second", { unique = "u", existing = %q, %s }))
      end, 500)
    ]]):format(first or "", existing, second or ""))
    phone:advance "600ms"
    local states = each(phone, "state")
    phone:advance "1h"
    return helper.said(phone), states, phone:work()
  end

  local WAITS <const> = 'delay = "10s"'

  it("keep: what waits stays, and its id is returned", function()
    local lines, states = meet("keep", WAITS)
    assert.same({ "1\tenqueued\tfalse", "1\tenqueued\ttrue", "first" }, lines)
    assert.same({ "enqueued" }, states)
  end)

  it("keep: what runs stays, too", function()
    assert.same({ "1\tenqueued\tfalse", "1\trunning\ttrue", "first" }, (meet "keep"))
  end)

  it("replace: what waits is cancelled", function()
    local lines, states, units = meet("replace", WAITS)
    assert.same({ "1\tenqueued\tfalse", "2\tenqueued\tfalse", "second" }, lines)
    assert.same({ "cancelled", "running" }, states)
    assert.equal("replaced", units[1].reason)
  end)

  it("replace: what runs is cancelled, and the new one begins when it has really ended", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx)
        print("begin " .. ctx.input)
        while not ctx:stopping() do farside.sleep(100) end
        farside.sleep(2000)
        print("end " .. ctx.input)
      end })
      BackgroundTask.enqueue("k", 1, { unique = "u" })
      setTimeout(function() BackgroundTask.enqueue("k", 2, { unique = "u", existing = "replace" }) end, 1000)
    ]]
    phone:advance "2s"
    assert.same({ "cancelled", "enqueued" }, each(phone, "state"))
    assert.same({ "unique" }, { phone:explain(2)[1].what })
    assert.equal("another run of the name u goes on", phone:explain(2).text)
    phone:advance "1500ms"
    assert.same({ "begin 1", "end 1", "begin 2" }, helper.said(phone))
    phone:kill()
  end)

  it("update: what waits takes the new input and keeps its time and its id", function()
    local lines, states, units = meet("update", WAITS, 'priority = 7, tags = { "t" }')
    assert.same({ "1\tenqueued\tfalse", "1\tenqueued\ttrue", "second" }, lines)
    assert.same({ "enqueued" }, states)
    assert.same({ 1, 7, { "t" } }, { units[1].generation, units[1].priority, units[1].tags })
  end)

  it("update: what runs goes on with what it has, and the next run has the new", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { retry = { base = "10s", jitter = 0 }, run = function(ctx)
        farside.sleep(1000) print(ctx.input, ctx.attempt)
        if ctx.attempt == 1 then error("again") end
      end })
      BackgroundTask.enqueue("k", "first", { unique = "u" })
      setTimeout(function() BackgroundTask.enqueue("k", "second", { unique = "u", existing = "update" }) end, 500)
    ]]
    phone:advance "1m"
    local lines = helper.said(phone)
    assert.same({ "first\t1", "second\t2" }, { lines[1], lines[#lines] })
    assert.equal(1, unit(phone).generation)
  end)

  it("append: the new one waits for what is there", function()
    local lines, states = meet("append", WAITS)
    assert.same({ "1\tenqueued\tfalse", "2\tblocked\tfalse", "first", "second" }, lines)
    assert.same({ "enqueued", "blocked" }, states)
  end)

  it("append: behind what runs, and behind the last of several", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) farside.sleep(1000) print(ctx.input) end })
      for i = 1, 4 do BackgroundTask.enqueue("k", i, { unique = "u", existing = "append" }) end
      setTimeout(function() BackgroundTask.enqueue("k", 5, { unique = "u", existing = "append" }) end, 1500)
    ]]
    assert.same({ "running", "blocked", "blocked", "blocked" }, each(phone, "state"))
    phone:advance "10s"
    assert.same({ "1", "2", "3", "4", "5" }, helper.said(phone))
  end)

  it("append: what comes behind fails with it", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) return ctx:fail "no" end })
      BackgroundTask.enqueue("k", 1, { unique = "u" })
      BackgroundTask.enqueue("k", 2, { unique = "u", existing = "append" })
    ]]
    assert.same({ "failed", "failed" }, each(phone, "state"))
    assert.same({ "refused", "parent_failed" }, each(phone, "reason"))
  end)

  it("append_or_replace: behind what is there, but not behind what is held", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) if ctx.input == 1 then return ctx:fail "no" end print(ctx.input) end })
      BackgroundTask.enqueue("k", 1)
      BackgroundTask.enqueue("k", 2, { unique = "u", after = 1, onParentFail = "hold" })
      setTimeout(function()
        BackgroundTask.enqueue("k", 3, { unique = "u", existing = "append_or_replace" })
        BackgroundTask.enqueue("k", 4, { unique = "u", existing = "append_or_replace" })
      end, 1000)
    ]]
    assert.same({ "failed", "blocked" }, each(phone, "state"))
    phone:advance "2s"
    assert.same({ "failed", "cancelled", "succeeded", "succeeded" }, each(phone, "state"))
    assert.same({ "3", "4" }, helper.said(phone))
  end)

  it("debounce: what waits is put off and takes the new input", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) print(ctx.input) end })
      for i = 1, 5 do
        setTimeout(function()
          local id, info = BackgroundTask.enqueue("k", i, { unique = "u", existing = "debounce", delay = "10s" })
          assert(id == 1 and info.existing == (i > 1))
        end, i * 4000)
      end
    ]]
    phone:advance "29s"
    assert.same({}, helper.said(phone))
    phone:advance "1s"
    assert.same({ "5" }, helper.said(phone))
  end)

  it("debounce: behind what runs comes one more, with what was said last", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) farside.sleep(5000) print(ctx.input) end })
      BackgroundTask.enqueue("k", 1, { unique = "u" })
      for i = 2, 4 do
        setTimeout(function() BackgroundTask.enqueue("k", i, { unique = "u", existing = "debounce" }) end, i * 1000)
      end
    ]]
    phone:advance "20s"
    assert.same({ "1", "4" }, helper.said(phone))
    assert.equal(2, #phone:work())
  end)

  it("belongs to one script; another has names of its own", function()
    local phone <close> = open 'BackgroundTask.enqueue("k", nil, { unique = "u", delay = "1h" })'
    phone:kill()
    local other = helper.code 'print(BackgroundTask.enqueue("k", nil, { unique = "u", delay = "1h" }))'
    phone:run(other, "other.lua")
    assert.equal(2, #phone:work { unique = "u" })
    assert.same({ "nil" }, { tostring(helper.said(phone)[1]):match "existing" or "nil" })
  end)
end)

describe("work that waits for other work", function()
  it("is blocked until all of them have succeeded, and gets what they returned", function()
    local phone <close> = open [[
      BackgroundTask.define("part", { run = function(ctx) farside.sleep(ctx.input * 1000) return { n = ctx.input } end })
      BackgroundTask.define("sum", { run = function(ctx)
        local sum = 0
        for _, output in pairs(ctx.parents) do sum = sum + output.n end
        print(sum, ctx.parents[1].n, ctx.parents[3].n)
      end })
      local ids = {}
      for i = 1, 3 do ids[i] = BackgroundTask.enqueue("part", i) end
      print(select(2, BackgroundTask.enqueue("sum", nil, { after = ids })).state)
    ]]
    assert.equal(3, unit(phone, { kind = "sum" }).parentsOpen)
    phone:advance "2500ms"
    assert.same({ "blocked", "parents", 1 },
      { unit(phone, { kind = "sum" }).state, unit(phone, { kind = "sum" }).reason, unit(phone, { kind = "sum" }).parentsOpen })
    phone:advance "1s"
    assert.same({ "blocked", "6\t1\t3" }, helper.said(phone))
  end)

  it("waits once for who is named twice", function()
    assert.same({ "runs" }, said [[
      BackgroundTask.define("k", { run = function() end })
      BackgroundTask.define("say", { run = function() print "runs" end })
      local id = BackgroundTask.enqueue "k"
      BackgroundTask.enqueue("say", nil, { after = { id, id, id } })
    ]])
  end)

  it("does not wait for who has ended already", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() return "out" end })
      BackgroundTask.define("say", { run = function(ctx) print(ctx.parents[1]) end })
      local id = BackgroundTask.enqueue "k"
      setTimeout(function() print(select(2, BackgroundTask.enqueue("say", nil, { after = id })).state) end, 100)
    ]]
    phone:advance "1s"
    assert.same({ "enqueued", "out" }, helper.said(phone))
  end)

  it("counts its `delay` from when they have ended", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() farside.sleep(5000) end })
      BackgroundTask.define("say", { run = function() print "runs" end })
      BackgroundTask.enqueue("say", nil, { after = BackgroundTask.enqueue "k", delay = "10s" })
    ]]
    phone:advance "14s"
    assert.same({}, helper.said(phone))
    phone:advance "1s"
    assert.same({ "runs" }, helper.said(phone))
  end)

  -- A parent that fails, or is cancelled, and a child and a grandchild of it.
  local function chain(on_parent_fail, is_cancelled)
    local phone <close> = open(([[
      BackgroundTask.define("bad", { run = function(ctx) farside.sleep(1000) return ctx:fail "no" end })
      BackgroundTask.define("k", { run = function(ctx) print(ctx.id) end })
      local parent = BackgroundTask.enqueue "bad"
      local child = BackgroundTask.enqueue("k", nil, { after = parent, onParentFail = %q })
      BackgroundTask.enqueue("k", nil, { after = child })
      setTimeout(function() if %s then BackgroundTask.cancel { id = parent } end end, 500)
    ]]):format(on_parent_fail, is_cancelled))
    phone:advance "5s"
    return each(phone, "state"), each(phone, "reason"), helper.said(phone)
  end

  it("fails with them, and so does what waits for it", function()
    local states, reasons = chain("fail", false)
    assert.same({ "failed", "failed", "failed" }, states)
    assert.same({ "refused", "parent_failed", "parent_failed" }, reasons)
  end)

  it("is cancelled with them, and so is what waits for it", function()
    local states, reasons = chain("fail", true)
    assert.same({ "cancelled", "cancelled", "cancelled" }, states)
    assert.same({ "cancelled", "parent_cancelled", "parent_cancelled" }, reasons)
  end)

  it("with `run` runs all the same", function()
    for _, is_cancelled in ipairs { false, true } do
      local states, _, lines = chain("run", is_cancelled)
      assert.same({ is_cancelled and "cancelled" or "failed", "succeeded", "succeeded" }, states)
      assert.same({ "2", "3" }, lines)
    end
  end)

  it("with `hold` waits until they are redriven", function()
    local phone <close> = open [[
      local is_mended = false
      BackgroundTask.define("bad", { run = function(ctx) if not is_mended then return ctx:fail "no" end return 7 end })
      BackgroundTask.define("k", { run = function(ctx) print(ctx.parents[1]) end })
      local parent = BackgroundTask.enqueue "bad"
      BackgroundTask.enqueue("k", nil, { after = parent, onParentFail = "hold" })
      setTimeout(function() is_mended = true print(BackgroundTask.redrive(parent)) end, 60000)
    ]]
    assert.same({ "blocked", "held" }, { phone:work()[2].state, phone:work()[2].reason })
    assert.equal("other work that it waits for has failed, since 1 ms", (phone:explain(2).text))
    phone:advance "1m"
    assert.same({ "true", "7" }, helper.said(phone))
  end)

  it("fails with NOWORK when there is no such work, or it is another script's", function()
    local phone <close> = open 'BackgroundTask.enqueue("k", nil, { delay = "1h" })'
    phone:kill()
    phone:run(helper.code [[
      print(BackgroundTask.enqueue("k", nil, { after = 1 }))
      print(BackgroundTask.enqueue("k", nil, { after = { 7 } }))
      print(BackgroundTask.enqueue("k", nil, { after = -1 }))
    ]], "other.lua")
    local lines = helper.said(phone)
    for i, id in ipairs { 1, 7, -1 } do
      assert.equal(("nil\tafter: there is no work %d\tNOWORK"):format(id), lines[#lines - 3 + i])
    end
    assert.equal(1, #phone:work())
  end)

  it("may wait for a hundred, and be waited for by many", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() end })
      local ids = {}
      for i = 1, 100 do ids[i] = BackgroundTask.enqueue "k" end
      local join = BackgroundTask.enqueue("k", nil, { after = ids })
      for _ = 1, 300 do BackgroundTask.enqueue("k", nil, { after = join }) end
    ]]
    assert.equal(401, #phone:work { state = "succeeded" })
  end)

  it("stays in the store while somebody waits for it, whatever its `keep`", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() return "out" end })
      BackgroundTask.define("say", { run = function(ctx) print(ctx.parents[1]) end })
      local id = BackgroundTask.enqueue("k", nil, { keep = "1ms" })
      local late = BackgroundTask.enqueue("k", nil, { delay = "3h" })
      BackgroundTask.enqueue("say", nil, { after = { id, late } })
      setInterval(function() BackgroundTask.prune() end, 60000)
    ]]
    phone:advance "4h"
    assert.same({ "out" }, helper.said(phone))
  end)
end)

describe("periodic", function()
  it("runs once in each slot, counted from the first call", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) print(os.date("%H:%M", ctx.slotMs // 1000)) end })
      local id, info = BackgroundTask.periodic("p", "k", { every = "1h" })
      print(id, info.state, info.existing, next(info.effective))
    ]]
    phone:advance "3h30m"
    assert.same({ "1\tenqueued\tfalse\tnil", "08:00", "09:00", "10:00" }, helper.said(phone))
    assert.same({ everyMs = 3600000, flexMs = 0, missed = "once", slotMs = 1767596400000 + 4 * 3600000, slotsMissed = 0 },
      unit(phone).periodic)
  end)

  it("with `immediate` runs at once, and then in its slots", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() print(os.date "%H:%M") end })
      BackgroundTask.periodic("p", "k", { every = "1h", immediate = true })
    ]]
    phone:advance "2h"
    assert.same({ "07:00", "08:00", "09:00" }, helper.said(phone))
  end)

  it("with `flex` runs in the last part of each slot", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() print(os.date "%H:%M") end })
      BackgroundTask.periodic("p", "k", { every = "1h", flex = "15m" })
    ]]
    phone:advance "3h"
    assert.same({ "07:45", "08:45", "09:45" }, helper.said(phone))
  end)

  it("does not drift, however long its runs take", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) print(os.date "%H:%M") farside.sleep(4 * 60000) end })
      BackgroundTask.periodic("p", "k", { every = "20m" })
    ]]
    phone:advance "70m"
    assert.same({ "07:20", "07:40", "08:00" }, helper.said(phone))
  end)

  it("clamps what is too often, and says so", function()
    assert.same({ "900000\t300000", "nil\tnil" }, said([[
      local _, info = BackgroundTask.periodic("p", "k", { every = "1m", flex = "1m" })
      print(info.effective.everyMs, info.effective.flexMs)
      _, info = BackgroundTask.periodic("q", "k", { every = "15m", flex = "5m" })
      print(info.effective.everyMs, info.effective.flexMs)
    ]], { os = "android" }))
  end)

  it("by `cron` runs at that time of day in its zone, also where the clocks change", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) print(ctx.unique, os.date("!%m-%d %H:%M", ctx.slotMs // 1000)) end })
      BackgroundTask.periodic("berlin", "k", { cron = "30 2 * * *", zone = "Europe/Berlin" })
      BackgroundTask.periodic("new york", "k", { cron = "30 2 * * *", zone = "America/New_York" })
    ]]
    phone:advance(("%dd"):format(27 + 28 + 28)) -- To the 29th of March, 7 in the morning, UTC.
    local berlin, new_york = {}, {}
    for _, line in ipairs(helper.said(phone)) do
      local list = line:match "^berlin" and berlin or new_york
      list[#list + 1] = line:match "\t(.*)"
    end
    -- In Berlin there was no half past two on the 29th: it runs when the gap is over, at three.
    assert.same({ "03-27 01:30", "03-28 01:30", "03-29 01:00" }, { table.unpack(berlin, #berlin - 2) })
    -- In New York the same night was three weeks earlier, and since then it is an hour sooner.
    assert.same({ "03-28 06:30", "03-29 06:30" }, { table.unpack(new_york, #new_york - 1) })
    assert.truthy(table.concat(new_york, " "):find("03-07 07:30 03-08 07:00 03-09 06:30", 1, true))
  end)

  it("by `cron` runs once through the hour that comes twice, and every hour goes on", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) print(ctx.unique, os.date("!%H:%M", ctx.slotMs // 1000)) end })
      setTimeout(function()
        BackgroundTask.periodic("day", "k", { cron = "30 2 * * *", zone = "Europe/Berlin" })
        BackgroundTask.periodic("hour", "k", { cron = "30 * * * *", zone = "Europe/Berlin" })
      end, 292 * 86400000 + 16 * 3600000) -- To the 24th of October, 23:00 UTC.
    ]]
    phone:advance(("%dd"):format(292))
    phone:advance "19h30m"
    phone:advance(1)
    local lines = helper.said(phone)
    table.sort(lines)
    assert.same({ "day\t00:30", "hour\t00:30", "hour\t01:30", "hour\t02:30", "hour\t23:30" }, lines)
  end)

  it("without a zone goes by the phone's, also when that changes", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { run = function(ctx) print(os.date("!%d %H:%M", ctx.slotMs // 1000)) end })
      BackgroundTask.periodic("p", "k", { cron = "0 12 * * *" })
    ]], { os = "ios", timeZone = "Europe/Berlin" })
    phone:advance "1d"
    phone:setTimeZone "America/New_York"
    phone:advance "1d"
    assert.same({ "05 11:00", "06 17:00" }, helper.said(phone))
  end)

  local MISSED <const> = [[
    BackgroundTask.define("k", { run = function(ctx) print(os.date("!%%H:%%M", ctx.slotMs // 1000)) end })
    BackgroundTask.periodic("p", "k", { every = "1h", missed = %q, existing = "keep" })
  ]]

  -- The app is dead from half past seven until half past eleven.
  local function miss(missed)
    local phone <close> = open(MISSED:format(missed))
    phone:advance "30m"
    phone:kill()
    phone:advance "4h"
    phone:openApp()
    phone:advance "1h"
    return helper.said(phone), unit(phone).periodic.slotsMissed
  end

  it("runs `once` for all the slots that have passed by", function()
    local lines, missed = miss "once"
    assert.same({ "11:00", "12:00" }, lines)
    assert.equal(3, missed)
  end)

  it("runs in none of them with `skip`", function()
    local lines, missed = miss "skip"
    assert.same({ "12:00" }, lines)
    assert.equal(4, missed)
  end)

  it("runs in each of them with `all`", function()
    local lines, missed = miss "all"
    assert.same({ "08:00", "09:00", "10:00", "11:00", "12:00" }, lines)
    assert.equal(0, missed)
  end)

  it("makes up for at most a hundred slots", function()
    local phone <close> = open(MISSED:format "all")
    phone:kill()
    phone:advance "10d"
    phone:openApp()
    phone:advance(1)
    assert.equal(100, #helper.said(phone))
    assert.equal(140, unit(phone).periodic.slotsMissed)
  end)

  it("tries again within its slot, and begins anew with the next", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { retry = { base = "10m", policy = "fixed", jitter = 0, max = 10 }, run = function(ctx)
        print(os.date("%H:%M"), ctx.attempt, os.date("!%H:%M", ctx.slotMs // 1000))
        error "no"
      end })
      BackgroundTask.periodic("p", "k", { every = "25m" })
    ]]
    phone:advance "76m"
    local lines = {}
    for _, line in ipairs(helper.said(phone)) do
      lines[#lines + 1] = line:match "^%d%d:.*"
    end
    assert.same({ "07:25\t1\t07:25", "07:35\t2\t07:25", "07:45\t3\t07:25", "07:50\t1\t07:50", "08:00\t2\t07:50",
      "08:10\t3\t07:50", "08:15\t1\t08:15" }, lines)
  end)

  it("goes on when a slot has failed for good, and says why", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { retry = { max = 0 }, run = function() error "no" end })
      BackgroundTask.periodic("p", "k", { every = "1h" })
    ]]
    phone:advance "3h"
    local one = unit(phone)
    assert.same({ "enqueued", 0, 3, "app.lua:1: no" }, { one.state, one.attempts, one.runs, one.why })
    assert.same({ "work.fail", "work.fail", "work.fail" }, helper.story(phone, "work.fail"))
  end)

  it("has a key of its own in each slot", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { retry = { base = "10s", jitter = 0 }, run = function(ctx)
        print(ctx.key)
        if ctx.attempt == 1 then return ctx:retry "again" end
      end })
      BackgroundTask.periodic("p", "k", { every = "1h" })
    ]]
    phone:advance "2h"
    phone:advance "1m"
    local lines = helper.said(phone)
    assert.equal("app/1@1767600000000", lines[1])
    assert.equal(lines[1], lines[2])
    assert.equal("app/1@1767603600000", lines[3])
    assert.equal(lines[3], lines[4])
  end)

  it("update: keeps its slots where the period is the same, and begins anew where it is not", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) print(ctx.input, os.date("%H:%M")) end })
      local function every(period, input) return BackgroundTask.periodic("p", "k", { every = period, input = input }) end
      every("1h", "a")
      setTimeout(function() local id, info = every("1h", "b") print(id, info.existing) end, 30 * 60000)
      setTimeout(function() every("2h", "c") end, 90 * 60000)
    ]]
    phone:advance "4h"
    assert.same({ "1\ttrue", "b\t08:00", "c\t10:30" }, helper.said(phone))
    assert.equal(2, unit(phone).generation)
  end)

  it("keep: stays as it was", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) print(ctx.input) end })
      BackgroundTask.periodic("p", "k", { every = "1h", input = 1 })
      BackgroundTask.periodic("p", "k", { every = "2h", input = 2, existing = "keep" })
    ]]
    phone:advance "1h"
    assert.same({ "1" }, helper.said(phone))
  end)

  it("replace: is cancelled, and another takes its name", function()
    local phone <close> = open [[
      BackgroundTask.periodic("p", "k", { every = "1h" })
      BackgroundTask.periodic("p", "k", { every = "2h", existing = "replace" })
    ]]
    assert.same({ "cancelled", "enqueued" }, each(phone, "state"))
  end)

  it("ends only by cancel", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) if ctx.slotMs % 7200000 == 0 then return ctx:fail "no" end end })
      BackgroundTask.periodic("p", "k", { every = "1h" })
      setTimeout(function() print(BackgroundTask.cancel { unique = "p" }) end, 10 * 3600000 + 1800000)
    ]]
    phone:advance "10h"
    assert.same({ "enqueued", 10 }, { unit(phone).state, unit(phone).runs })
    phone:advance "10h"
    assert.same({ "cancelled", 10 }, { unit(phone).state, unit(phone).runs })
    assert.same({ "1" }, helper.said(phone))
  end)

  it("refuses what it does not know, and says what it wants", function()
    local EITHER <const> = 'periodic: say either every = "1h" or cron = "0 3 * * *"'
    complains {
      { "BackgroundTask.periodic()", "periodic: the name is missing" },
      { 'BackgroundTask.periodic("p")', "periodic: the kind is missing" },
      { 'BackgroundTask.periodic("p", "k")', "bad argument #3 to 'periodic' (table expected, got no value)" },
      { 'BackgroundTask.periodic("p", "k", {})', EITHER },
      { 'BackgroundTask.periodic("p", "k", { every = "0s" })', EITHER },
      { 'BackgroundTask.periodic("p", "k", { every = "1h", cron = "@daily" })', EITHER },
      { 'BackgroundTask.periodic("p", "k", { every = 15 })', "periodic: every" .. A_DURATION },
      { 'BackgroundTask.periodic("p", "k", { cron = "0 3" })',
        'periodic: cron: the day of the month is missing: there are five fields, as in "0 3 * * 1-5"' },
      { 'BackgroundTask.periodic("p", "k", { cron = "61 3 * * *" })',
        'periodic: cron: the minute has "61", which is not from 0 to 59' },
      { 'BackgroundTask.periodic("p", "k", { cron = "@daily", flex = "1h" })',
        "periodic: flex goes with every, not with cron" },
      { 'BackgroundTask.periodic("p", "k", { every = "1h", flex = "2h" })', "periodic: flex is longer than every" },
      { 'BackgroundTask.periodic("p", "k", { every = "1h", zone = "UTC" })', "periodic: zone goes with cron" },
      { 'BackgroundTask.periodic("p", "k", { cron = "@daily", zone = "Atlantis" })',
        'periodic: zone "Atlantis" is not known: write a place such as "Europe/Berlin", or a TZ such as '
          .. '"CET-1CEST,M3.5.0,M10.5.0/3"' },
      { 'BackgroundTask.periodic("p", "k", { every = "1h", missed = "two" })',
        "periodic: missed must be one of: once, skip, all" },
      { 'BackgroundTask.periodic("p", "k", { every = "1h", existing = "append" })',
        "periodic: existing must be one of: keep, replace, update" },
      { 'BackgroundTask.periodic("p", "k", { every = "1h", immediate = 1 })',
        "periodic: immediate must be true or false, not a number" },
      { 'BackgroundTask.periodic("p", "k", { every = "1h", delay = "1h" })',
        "periodic has no option 'delay'; there are: every, flex, cron, zone, missed, existing, immediate, input, "
          .. "needs, keep, group, tags, priority, durable" },
      { 'BackgroundTask.periodic("p", "k", { every = "1h", input = print })', "the input cannot be kept: " .. NO_JSON },
    }
  end)
end)

describe("cancel", function()
  local SIX <const> = [[
    for i, options in ipairs { { unique = "u" }, { tags = { "t", "x" } }, { group = "g" }, {}, { tags = { "t" } }, {} } do
      options.delay = "1h"
      BackgroundTask.enqueue(i == 4 and "other" or "k", i, options)
    end
  ]]

  it("cancels by id, name, tag, group, kind, or all, and counts", function()
    local expected = { ["id = 6"] = { 6 }, ['unique = "u"'] = { 1 }, ['tag = "t"'] = { 2, 5 }, ['group = "g"'] = { 3 },
      ['kind = "other"'] = { 4 }, ["all = true"] = { 1, 2, 3, 4, 5, 6 }, ['tag = "nobody"'] = {} }
    for which, ids in pairs(expected) do
      local phone <close> = open(SIX .. ("print(BackgroundTask.cancel { %s }, BackgroundTask.cancel { %s })"):format(which, which))
      local cancelled = {}
      for i, one in ipairs(phone:work { state = "cancelled" }) do
        cancelled[i] = one.id
        assert.equal("cancelled", one.reason)
      end
      assert.same(ids, cancelled)
      assert.same({ #ids .. "\t0" }, helper.said(phone), which) -- The second time there is nothing left.
    end
  end)

  it("is for good: nothing of it ever starts", function()
    local phone <close> = open(KINDS .. [[
      BackgroundTask.enqueue("say", "late", { delay = "1m" })
      BackgroundTask.periodic("p", "say", { every = "1h", input = "periodic" })
      BackgroundTask.cancel { all = true }
    ]])
    phone:kill()
    phone:openApp()
    phone:advance "1d"
    for _, line in ipairs(helper.said(phone)) do
      assert.is_nil(line:match "never")
    end
    assert.equal(4, #phone:work { state = "cancelled" })
  end)

  it("counts what is cancelled with its parents once, and as the app's doing", function()
    local phone <close> = open [[
      local parent = BackgroundTask.enqueue("k", nil, { delay = "1h", tags = { "t" } })
      local child = BackgroundTask.enqueue("k", nil, { after = parent, tags = { "t" } })
      BackgroundTask.enqueue("k", nil, { after = child })
      print(BackgroundTask.cancel { tag = "t" })
    ]]
    assert.same({ "2" }, helper.said(phone))
    assert.same({ "cancelled", "cancelled", "parent_cancelled" }, each(phone, "reason"))
  end)

  it("fails with NOWORK for an id that there is not; of what has ended it cancels nothing", function()
    assert.same({ "nil\tthere is no work 7: it never was, or it ended long ago\tNOWORK",
      "nil\tthere is no work 0: it never was, or it ended long ago\tNOWORK", "0" }, said(KINDS .. [[
      print(BackgroundTask.cancel { id = 7 })
      print(BackgroundTask.cancel { id = 0 })
      local id = BackgroundTask.enqueue "k"
      setTimeout(function() print(BackgroundTask.cancel { id = id }) end, 1)
    ]]))
  end)

  it("refuses what it does not know, and says what it wants", function()
    local ONE_OF <const> = "cancel: say one of id, unique, tag, group, kind, or all = true"
    complains {
      { "BackgroundTask.cancel()", "bad argument #1 to 'cancel' (table expected, got no value)" },
      { "BackgroundTask.cancel(5)", "bad argument #1 to 'cancel' (table expected, got number)" },
      { "BackgroundTask.cancel {}", ONE_OF },
      { 'BackgroundTask.cancel { id = 1, tag = "x" }', ONE_OF },
      { "BackgroundTask.cancel { all = false }", ONE_OF },
      { 'BackgroundTask.cancel { id = "1" }', "cancel: id must be the integer that enqueue returned, not a string" },
      { "BackgroundTask.cancel { name = 1 }", "cancel has no option 'name'; there are: id, unique, tag, group, kind, all" },
      { "BackgroundTask.cancel { all = 1 }", "cancel: all must be true or false, not a number" },
    }
  end)
end)

describe("get and query", function()
  it("show what is known of a unit", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { retry = { base = "1m", jitter = 0 }, run = function(ctx)
        ctx:save { part = 1 }
        ctx:progress(0.5)
        error("no", 0)
      end })
      local id = BackgroundTask.enqueue("k", { a = 1 }, { deadline = "1d", keep = "2d" })
      setTimeout(function()
        local one = BackgroundTask.get(id)
        local fields = {}
        for field, value in pairs(one) do
          fields[#fields + 1] = type(value) == "table" and field or field .. "=" .. tostring(value)
        end
        table.sort(fields)
        for _, line in ipairs(fields) do print(line) end
        print(one.input.a, one.checkpoint.part, #one.tags)
      end, 1000)
    ]]
    phone:advance "1s"
    local lines = helper.said(phone)
    table.remove(lines, 1) -- The error.
    assert.same({ "attempts=1", "checkpoint", "crashes=0", "deadlineMs=1767682800000", "enqueuedAtMs=1767596400000",
      "generation=0", "id=1", "input", "kind=k", "needs", "priority=0", "progress=0.5", "reason=retry",
      "runAtMs=1767596460000", "runs=1", "sinceMs=1767596400000", "state=enqueued", "stops=0", "tags", "why=no",
      "1\t1\t0" }, lines)
  end)

  it("fail with NOWORK for what there is not, and for another script's", function()
    local phone <close> = open 'BackgroundTask.enqueue("k", nil, { delay = "1h" })'
    phone:kill()
    phone:run(helper.code [[
      for _, name in ipairs { "get", "history", "explain", "redrive" } do
        print(select(3, BackgroundTask[name](1)), select(3, BackgroundTask[name](99)), select(3, BackgroundTask[name](-1)))
      end
      print(#BackgroundTask.query())
      print(BackgroundTask.cancel { all = true })
    ]], "other.lua")
    local lines = helper.said(phone)
    for i = 1, 4 do
      assert.equal("NOWORK\tNOWORK\tNOWORK", lines[i])
    end
    assert.same({ "0", "0" }, { lines[5], lines[6] })
    assert.equal("enqueued", unit(phone).state)
  end)

  it("query finds by state, kind, name, group and tag, the oldest first", function()
    assert.same({ "1 2 3 4 5 6", "1 3", "2 4 6", "5", "2", "3 6", "3", "" }, said [[
      BackgroundTask.define("done", { run = function() end })
      for i = 1, 6 do
        BackgroundTask.enqueue(i % 2 == 1 and "a" or "b", nil, { delay = i ~= 5 and "1h" or nil, unique = i == 2 and "u" or nil,
          group = i % 3 == 0 and "g" or nil, tags = i == 3 and { "t" } or nil })
      end
      BackgroundTask.cancel { id = 5 }
      local function ids(filter)
        local list = {}
        for i, one in ipairs(BackgroundTask.query(filter)) do list[i] = one.id end
        print(table.concat(list, " "))
      end
      ids() ids { state = "enqueued", kind = "a" } ids { kind = "b" } ids { state = "cancelled" } ids { unique = "u" }
      ids { group = "g" } ids { tag = "t", group = "g" } ids { tag = "t", kind = "b" }
    ]])
  end)

  it("query goes on behind an id, a page after the other", function()
    assert.same({ "100", "250", "1000", "250 in 25 pages" }, said [[
      for i = 1, 250 do BackgroundTask.enqueue("k", nil, { delay = "1h" }) end
      print(#BackgroundTask.query())
      print(#BackgroundTask.query { limit = 1000 })
      local last, pages, count = nil, 0, 0
      repeat
        local page = BackgroundTask.query { limit = 10, after = last }
        for _, one in ipairs(page) do assert(not last or one.id > last) last = one.id count = count + 1 end
        pages = pages + (page[1] and 1 or 0)
      until not page[1]
      for i = 1, 850 do BackgroundTask.enqueue("k", nil, { delay = "1h" }) end
      print(#BackgroundTask.query { limit = 1000 })
      print(count .. " in " .. pages .. " pages")
    ]])
  end)

  it("refuse what they do not know, and say what they want", function()
    complains {
      { "BackgroundTask.get()", "get: the id is missing" },
      { 'BackgroundTask.get("1")', "get: the id must be the integer that enqueue returned, not a string" },
      { "BackgroundTask.get(1.5)", "get: the id must be the integer that enqueue returned, not a number" },
      { "BackgroundTask.query(5)", "bad argument #1 to 'query' (table expected, got number)" },
      { "BackgroundTask.query { limit = 0 }", "query: limit must be an integer from 1 to 1000" },
      { "BackgroundTask.query { limit = 1001 }", "query: limit must be an integer from 1 to 1000" },
      { 'BackgroundTask.query { state = "done" }',
        "query: state must be one of: enqueued, running, blocked, succeeded, failed, cancelled" },
      { 'BackgroundTask.query { after = "x" }',
        "query: after must be the integer that enqueue returned, not a string" },
      { "BackgroundTask.query { id = 1 }",
        "query has no option 'id'; there are: state, kind, unique, group, tag, limit, after" },
      { "BackgroundTask.history()", "history: the id is missing" },
      { "BackgroundTask.explain {}", "explain: the id must be the integer that enqueue returned, not a table" },
      { 'BackgroundTask.redrive "x"', "redrive: the id must be the integer that enqueue returned, not a string" },
    }
  end)
end)

describe("history", function()
  it("has each run, the newest first, with its attempt, its end and its times", function()
    local phone <close> = open [[
      local outs = { function(ctx) error("bad luck", 0) end, function(ctx) return ctx:retry("20s", "busy") end,
        function() farside.sleep(1000) end }
      BackgroundTask.define("k", { retry = { base = "10s", jitter = 0 }, run = function(ctx) return outs[ctx.attempt](ctx) end })
      local id = BackgroundTask.enqueue "k"
      setTimeout(function()
        for _, run in ipairs(BackgroundTask.history(id)) do
          print(run.attempt, run.outcome, run.why, (run.begunAtMs - 1767596400000) // 1000, run.endedAtMs - run.begunAtMs, run.slotMs)
        end
      end, 60000)
    ]]
    phone:advance "1m"
    local lines = helper.said(phone)
    assert.same({ "3\tsucceeded\tnil\t30\t1000\tnil", "2\tretry\tbusy\t10\t0\tnil", "1\tretry\tbad luck\t0\t0\tnil" },
      { table.unpack(lines, #lines - 2) })
  end)

  it("says of a run that goes on that it is running", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() farside.sleep(60000) end })
      local id = BackgroundTask.enqueue "k"
      setTimeout(function()
        local run = BackgroundTask.history(id)[1]
        print(run.outcome, run.attempt, run.endedAtMs)
      end, 1000)
    ]]
    phone:advance "61s"
    assert.same({ "running\t1\tnil" }, helper.said(phone))
  end)

  it("keeps the newest 32, and tells the slot of each", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() end })
      local id = BackgroundTask.periodic("p", "k", { every = "1h" })
      setTimeout(function()
        local runs = BackgroundTask.history(id)
        print(#runs, (runs[1].slotMs - runs[32].slotMs) // 3600000, BackgroundTask.get(id).runs)
      end, 40 * 3600000 + 1000)
    ]]
    phone:advance "41h"
    assert.same({ "32\t31\t40" }, helper.said(phone))
  end)

  it("says that a run was cancelled as soon as it was, whatever becomes of it", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() farside.sleep(60000) end })
      local id = BackgroundTask.enqueue "k"
      setTimeout(function()
        BackgroundTask.cancel { id = id }
        local run = BackgroundTask.history(id)[1]
        print(run.outcome, run.why, run.endedAtMs - run.begunAtMs)
      end, 1000)
    ]]
    phone:advance "2s"
    phone:kill()
    assert.same({ "cancelled\tthe app cancelled it\t1000" }, helper.said(phone))
    phone:run(helper.code "print(BackgroundTask.history(1)[1].outcome)")
    assert.same({ "cancelled" }, { helper.said(phone)[2] })
  end)
end)

describe("watch", function()
  it("tells of every change, once that is in the store", function()
    local phone <close> = open [[
      BackgroundTask.watch(function(info) print(info.id, info.state, BackgroundTask.get(info.id).state) end)
      BackgroundTask.define("k", { run = function() farside.sleep(1000) end })
      BackgroundTask.enqueue "k"
    ]]
    phone:advance "2s"
    assert.same({ "1\tenqueued\tenqueued", "1\trunning\trunning", "1\tsucceeded\tsucceeded" }, helper.said(phone))
  end)

  it("tells only of what its filter says, and of each unit as it is by then", function()
    local phone <close> = open [[
      local function watch(what, filter) BackgroundTask.watch(filter, function(info) print(what, info.id, info.state) end) end
      watch("state", { state = "cancelled" })
      watch("kind", { kind = "b", state = "enqueued" })
      watch("id", { id = 3 })
      watch("unique", { unique = "u" })
      watch("group", { group = "g" })
      watch("tag", { tag = "t" })
      for i, options in ipairs { {}, { unique = "u" }, { group = "g" }, { tags = { "s", "t" } } } do
        options.delay = "1h"
        BackgroundTask.enqueue(i % 2 == 1 and "a" or "b", nil, options)
      end
      setTimeout(function() BackgroundTask.cancel { id = 4 } end, 1000)
    ]]
    phone:advance "2s"
    local lines = helper.said(phone)
    table.sort(lines)
    assert.same({ "group\t3\tenqueued", "id\t3\tenqueued", "kind\t2\tenqueued", "kind\t4\tenqueued", "state\t4\tcancelled",
      "tag\t4\tcancelled", "tag\t4\tenqueued", "unique\t2\tenqueued" }, lines)
  end)

  it("misses none of a thousand changes in one commit", function()
    local phone <close> = open [[
      local ids, count = {}, 0
      BackgroundTask.watch({ state = "enqueued" }, function(info)
        count = count + (ids[info.id] and 0 or 1)
        ids[info.id] = true
      end)
      for _ = 1, 1000 do BackgroundTask.enqueue("k", nil, { delay = "1h" }) end
      setTimeout(function() print(count) end, 1000)
    ]]
    phone:advance "2s"
    assert.same({ "1000" }, helper.said(phone))
  end)

  it("hears nothing of what was taken back, or is another script's", function()
    local phone <close> = open [[
      local Storage = farside.Plugins.Storage
      BackgroundTask.watch(function(info) print(info.id) end)
      pcall(Storage.transaction, function() BackgroundTask.enqueue("k", nil, { delay = "1h" }) error "no" end)
      Storage.transaction(function() BackgroundTask.enqueue("k", nil, { delay = "1h" }) end)
    ]]
    assert.same({ "2" }, helper.said(phone))
    assert.equal(1, #phone:work())
  end)

  it("ends with handle:remove(), and with the end of a block; twice does no harm", function()
    local phone <close> = open [[
      local handle = BackgroundTask.watch(function() print "removed" end)
      do local _ <close> = BackgroundTask.watch(function() print "closed" end) end
      local once once = BackgroundTask.watch(function() print "once" once:remove() end)
      handle:remove() handle:remove()
      for _ = 1, 3 do BackgroundTask.enqueue("k", nil, { delay = "1h" }) end
      setTimeout(function() once:remove() end, 1)
    ]]
    assert.same({ "once" }, helper.said(phone))
  end)

  it("goes on when its function raises an error, and may enqueue and cancel in it", function()
    local phone <close> = open [[
      BackgroundTask.watch({ state = "enqueued" }, function(info)
        if info.id < 4 then BackgroundTask.enqueue("k", nil, { delay = "1h" }) end
        BackgroundTask.cancel { id = info.id }
        error("oh", 0)
      end)
      BackgroundTask.enqueue("k", nil, { delay = "1h" })
    ]]
    assert.equal(4, #helper.errors(phone))
    assert.equal(4, #phone:work { state = "cancelled" })
  end)

  it("has at most a hundred of them in a script, and refuses what it does not know", function()
    complains {
      { "for i = 1, 101 do BackgroundTask.watch(print) end",
        "watch: there are 100 watches already: that is as many as a script may have" },
      { "for i = 1, 300 do BackgroundTask.watch(print):remove() end error('none', 0)", "none" },
      { "BackgroundTask.watch()", "bad argument #2 to 'watch' (function expected, got nil)" },
      { "BackgroundTask.watch {}", "bad argument #2 to 'watch' (function expected, got nil)" },
      { 'BackgroundTask.watch({ id = "x" }, print)',
        "watch: id must be the integer that enqueue returned, not a string" },
      { "BackgroundTask.watch({ ids = 1 }, print)",
        "watch has no option 'ids'; there are: id, state, kind, unique, group, tag" },
      { 'BackgroundTask.watch({ state = "over" }, print)',
        "watch: state must be one of: enqueued, running, blocked, succeeded, failed, cancelled" },
      { "BackgroundTask.watch(print).remove()", "write handle:remove(), with a colon" },
    }
  end)
end)

describe("redrive", function()
  it("gives what has failed or was cancelled another chance, its attempts from zero", function()
    local phone <close> = open [[
      local is_mended = false
      BackgroundTask.define("k", { retry = { max = 0 }, run = function(ctx)
        ctx:save { seen = (ctx.checkpoint.seen or 0) + 1 }
        if not is_mended then error "no" end
        print(ctx.attempt, ctx.checkpoint.seen)
      end })
      BackgroundTask.enqueue "k"
      BackgroundTask.enqueue("k", nil, { delay = "1h" })
      BackgroundTask.cancel { id = 2 }
      setTimeout(function() is_mended = true print(BackgroundTask.redrive(1), BackgroundTask.redrive(2)) end, 60000)
    ]]
    assert.same({ "failed", "cancelled" }, each(phone, "state"))
    phone:advance "1m"
    local lines = helper.said(phone)
    assert.same({ "true\ttrue", "1\t1", "1\tnil" }, { table.unpack(lines, #lines - 2) })
    assert.same({ "succeeded", "succeeded" }, each(phone, "state"))
  end)

  it("fails with INVALID for any other", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) farside.sleep(ctx.input) end })
      BackgroundTask.enqueue("k", 0)
      BackgroundTask.enqueue("k", 60000)
      BackgroundTask.enqueue("k", 0, { delay = "1h" })
      setTimeout(function() for id = 1, 3 do print(BackgroundTask.redrive(id)) end end, 1000)
    ]]
    phone:advance "61s"
    for i, state in ipairs { "succeeded", "running", "enqueued" } do
      assert.equal(("nil\twork %d is %s: only what has failed or was cancelled is redriven\tINVALID"):format(i, state),
        helper.said(phone)[i])
    end
  end)

  it("takes a deadline away that has passed", function()
    local phone <close> = open [[
      BackgroundTask.enqueue("k", nil, { deadline = "1m" })
      setTimeout(function()
        BackgroundTask.define("k", { run = function() print "runs" end })
        BackgroundTask.redrive(1)
      end, 120000)
    ]]
    phone:advance "2m"
    phone:advance(1)
    assert.same({ "runs" }, helper.said(phone))
  end)
end)

describe("prune", function()
  it("forgets all that has ended and that nobody waits for, and counts", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() end })
      for _ = 1, 3 do BackgroundTask.enqueue "k" end
      BackgroundTask.enqueue("k", nil, { after = { 1, BackgroundTask.enqueue("k", nil, { delay = "1h" }) and 4 } })
      setTimeout(function() print(BackgroundTask.prune()) print(BackgroundTask.prune()) end, 1000)
    ]]
    phone:advance "1s"
    assert.same({ "2", "0" }, helper.said(phone))
    assert.same({ 1, 4, 5 }, each(phone, "id"))
  end)
end)

describe("explain", function()
  it("names everything that stands in the way, and since when", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { run = print })
      BackgroundTask.enqueue("k", nil, { delay = "4h",
        needs = { network = "unmetered", charging = true, batteryOk = true, storageOk = true, idle = true } })
    ]], { os = "ios", network = "metered", battery = 0.1 })
    phone:setStorageLow(true)
    phone:advance "10m"
    phone:setNetwork "none"
    phone:advance "5m"
    phone:pressHome()
    phone:advance "1m"
    local found, words = phone:explain(1), {}
    for i, obstacle in ipairs(found) do
      words[i] = obstacle.what .. (obstacle.need and " " .. obstacle.need or "")
    end
    assert.same({ "time", "need network", "need charging", "need batteryOk", "need storageOk", "need idle", "app" }, words)
    assert.equal("its time comes in 3 h 43 min 59 s", found[1].text:match "^(.-) %(" )
    assert.equal("needs network; there is none, since 6 min", found[2].text)
    assert.equal("needs charging; it is not charging, since 16 min", found[3].text)
    assert.equal("needs batteryOk; the battery is low, since 16 min", found[4].text)
    assert.equal("needs storageOk; storage is low, since 16 min", found[5].text)
    assert.equal("needs idle; the phone is in use, since 16 min", found[6].text)
    assert.equal("the app sleeps, may not work now, or is not there, since 1 min", found[7].text)
    local texts = {}
    for i, obstacle in ipairs(found) do
      texts[i] = obstacle.text
    end
    assert.equal(table.concat(texts, "; "), found.text)
    assert.equal(1767596400000 + 4 * 3600000, found[1].untilMs)
    assert.equal(1767596400000 + 10 * 60000 + 1, found[2].sinceMs)
  end)

  it("says that nobody has defined it, that others run, or wait for it, and that it has ended", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() farside.sleep(60000) end })
      BackgroundTask.define("bad", { run = function(ctx) return ctx:fail "no" end })
      BackgroundTask.enqueue "bad"
      BackgroundTask.enqueue "nobody"
      for i = 3, 7 do BackgroundTask.enqueue("k") end
      BackgroundTask.enqueue("k", nil, { after = 3 })
    ]]
    phone:advance "1s"
    local texts = {}
    for id = 1, 8 do
      texts[id] = phone:explain(id).text
    end
    assert.equal("it failed 1 s ago: its run said that trying again is of no use", texts[1])
    assert.equal("nobody has defined nobody; as many run as may; others are before it", texts[2])
    assert.equal("it runs", texts[3])
    assert.equal("as many run as may; others are before it", texts[7])
    assert.equal("it waits for other work, since 1 s; as many run as may; others are before it", texts[8])
    assert.same({}, { table.unpack(phone:explain(3)) })
    phone:advance "3m"
  end)

  it("says that nothing stands in its way where it starts at once", function()
    assert.same({ "0\tnothing stands in its way" }, said(KINDS .. [[
      local id = BackgroundTask.enqueue "k"
      local found = BackgroundTask.explain(id)
      print(#found, found.text)
    ]]))
  end)

  it("agrees with what happens: nothing starts while it names anything", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { run = function() print "runs" end })
      BackgroundTask.enqueue("k", nil, { delay = "1m", needs = { charging = true, network = "connected" } })
    ]], { os = "ios", network = "none" })
    local function obstacles() return #phone:explain(1) end
    assert.equal(3, obstacles())
    phone:plug()
    assert.equal(2, obstacles())
    phone:advance "2m"
    assert.equal(1, obstacles())
    assert.same({}, helper.said(phone))
    phone:setNetwork "metered"
    assert.same({ "runs" }, helper.said(phone))
  end)
end)
