-- Durable work and the world: what it needs, when the system wakes the app for
-- it, and a clock that somebody sets.

local helper = require "spec.helper"

local open, unit = helper.open, helper.unit

-- An app with one unit that needs something.
local function needs(what, options)
  return open(([[
    BackgroundTask.define("k", { run = function() print "runs" end })
    BackgroundTask.enqueue("k", nil, { unique = "u", needs = { %s } })
  ]]):format(what), options)
end

local function has_run(phone)
  return #helper.said(phone) > 0
end

describe("work that needs", function()
  it("a network runs in any, and waits for one", function()
    for _, network in ipairs { "metered", "wifi" } do
      local phone <close> = needs('network = "connected"', { network = network })
      assert.is_true(has_run(phone))
    end
    local phone <close> = needs('network = "connected"', { network = "none" })
    phone:advance "1h"
    assert.is_false(has_run(phone))
    phone:setNetwork "metered"
    assert.is_true(has_run(phone))
  end)

  it("an unmetered network waits for that", function()
    local phone <close> = needs('network = "unmetered"', { network = "metered" })
    assert.equal("needs network unmetered; it is metered, since 1 ms", phone:explain(1).text)
    phone:setNetwork "none"
    assert.equal("needs network; there is none", phone:explain(1).text:match "^[^,]+")
    phone:setNetwork "wifi"
    assert.is_true(has_run(phone))
  end)

  it("no network at all runs without one", function()
    local phone <close> = needs('network = "none"', { network = "none" })
    assert.is_true(has_run(phone))
  end)

  it("the charger waits for it", function()
    local phone <close> = needs "charging = true"
    assert.is_false(has_run(phone))
    phone:plug()
    assert.is_true(has_run(phone))
  end)

  it("a battery that is not low waits for that", function()
    local phone <close> = needs("batteryOk = true", { battery = 0.05 })
    assert.is_false(has_run(phone))
    phone:setBattery(0.9)
    assert.is_true(has_run(phone))
  end)

  it("storage that is not low waits for that", function()
    local phone <close> = open ""
    phone:setStorageLow(true)
    phone:kill()
    phone:run(helper.code [[
      BackgroundTask.define("k", { run = function() print "runs" end })
      BackgroundTask.enqueue("k", nil, { needs = { storageOk = true } })
    ]])
    assert.is_false(has_run(phone))
    phone:setStorageLow(false)
    assert.is_true(has_run(phone))
  end)

  it("an idle phone waits until nobody uses it, and is woken for that", function()
    local phone <close> = needs("idle = true", { policy = "earliest" })
    phone:advance "1h"
    assert.is_false(has_run(phone))
    phone:pressHome()
    phone:lock()
    phone:plug()
    phone:advance "1d"
    assert.is_true(has_run(phone))
  end)

  it("false needs nothing", function()
    local phone <close> = needs("charging = false, batteryOk = false, storageOk = false, idle = false", { battery = 0.01 })
    assert.is_true(has_run(phone))
  end)

  it("something that it loses while it runs goes on: what it needs, it needs in order to begin", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) farside.sleep(10000) print(ctx:stopping()) end })
      BackgroundTask.enqueue("k", nil, { needs = { network = "connected" } })
    ]]
    phone:advance "1s"
    phone:setNetwork "none"
    phone:advance "10s"
    assert.same({ "false" }, helper.said(phone))
  end)

  it("nothing is not kept waiting by what needs more", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { run = function(ctx) print(ctx.input) end })
      for i = 1, 50 do BackgroundTask.enqueue("k", "charger", { needs = { charging = true }, priority = 10 }) end
      BackgroundTask.enqueue("k", "nothing", { priority = -10 })
    ]], { os = "ios" })
    assert.same({ "nothing" }, helper.said(phone))
  end)
end)

describe("the system", function()
  local SYNC <const> = [[
    BackgroundTask.define("sync", { run = function(ctx) print("sync", os.date "%H:%M") end })
    BackgroundTask.periodic("sync", "sync", { every = "1h", existing = "keep" })
  ]]

  it("is asked for one wake-up, for the unit that is due first", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { run = function() end })
      for i = 9, 1, -1 do BackgroundTask.enqueue("k", nil, { delay = i .. "h" }) end
    ]], { os = "ios" })
    assert.equal(0, #phone:timeline "wake.plan")
    phone:pressHome()
    phone:advance "1m"
    local plans = phone:timeline "wake.plan"
    assert.equal(1, #plans)
    assert.truthy(plans[1].why:find("refresh: at the soonest in 3599.", 1, true) or
      plans[1].why:find("refresh: at the soonest in 3600", 1, true), plans[1].why)
  end)

  it("wakes a suspended app, which does what is due and sleeps again", function()
    local phone <close> = open(SYNC, { os = "ios", policy = "earliest" })
    phone:pressHome()
    phone:advance "3h30m"
    assert.same({ "sync\t08:00", "sync\t09:00", "sync\t10:00" }, helper.said(phone))
    assert.equal("suspended", phone:state())
  end)

  it("starts an app that is gone, behind, for what is due", function()
    local phone <close> = open(SYNC, { os = "ios", policy = "earliest" })
    phone:pressHome()
    phone:advance "1s"
    phone:kill()
    phone:advance "3h30m"
    assert.same({ "sync\t08:00", "sync\t09:00", "sync\t10:00" }, helper.said(phone))
    assert.equal("gone" and "suspended", phone:state())
  end)

  it("that never grants anything runs nothing, until the user comes back", function()
    local phone <close> = open(SYNC, { os = "ios", policy = "never" })
    phone:pressHome()
    phone:advance "10h"
    assert.same({}, helper.said(phone))
    assert.equal("the app sleeps, may not work now, or is not there, since 10 h", phone:explain(1)[1].text)
    phone:openApp()
    phone:advance(1)
    assert.same({ "sync\t17:00" }, helper.said(phone))
    assert.equal(9, unit(phone).periodic.slotsMissed)
  end)

  it("grants long work while the phone charges and nobody uses it, beside what is short", function()
    local phone <close> = open([[
      BackgroundTask.define("short", { run = function() print("short", os.date "%H:%M") end })
      BackgroundTask.define("long", { run = function() print("long", os.date "%H:%M") end })
      BackgroundTask.enqueue("long", nil, { needs = { charging = true } })
      BackgroundTask.enqueue("short", nil, { delay = "2h" })
    ]], { os = "ios", policy = "earliest" })
    phone:pressHome()
    phone:advance "4h"
    -- What needs the charger does not keep the app from being woken for what does not.
    assert.same({ "short\t09:00" }, helper.said(phone))
    phone:lock()
    phone:plug()
    phone:advance "1h"
    assert.equal(2, #helper.said(phone))
  end)

  it("is not asked for long work again and again: one request waits", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { run = function() end })
      local minutes = 600
      App.addListener("pause", function()
        minutes = minutes - 10 -- Each is due before all others.
        BackgroundTask.enqueue("k", nil, { delay = minutes .. "m", needs = { charging = true } })
      end)
    ]], { os = "ios" })
    for _ = 1, 15 do
      phone:pressHome()
      phone:advance "10s"
      phone:openApp()
    end
    assert.equal(15, #phone:timeline "wake.plan")
    assert.equal(14, #phone:timeline "wake.cancel")
    assert.same({}, phone:violations())
  end)

  it("is told when nothing is wanted any more", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { run = function() end })
      BackgroundTask.enqueue("k", nil, { delay = "1h" })
      App.addListener("resume", function() BackgroundTask.cancel { all = true } end)
    ]], { os = "ios" })
    phone:pressHome()
    phone:advance "1m"
    phone:openApp()
    phone:pressHome()
    phone:advance "1m"
    assert.equal(1, #phone:timeline "wake.plan")
    assert.equal(1, #phone:timeline "wake.cancel")
  end)

  it("wakes nobody in low power mode; what is due runs when the user comes", function()
    local phone <close> = open(SYNC, { os = "ios", policy = "earliest" })
    phone:setLowPower(true)
    phone:pressHome()
    phone:advance "5h"
    assert.same({}, helper.said(phone))
    phone:setLowPower(false)
    phone:advance "1h"
    assert.is_true(#helper.said(phone) > 0)
  end)

  it("wakes nobody whom the user has ended by force; nothing is lost", function()
    local phone <close> = open(SYNC, { os = "ios", policy = "earliest" })
    phone:pressHome()
    phone:swipeAway()
    phone:advance "1d"
    assert.same({}, helper.said(phone))
    assert.equal("enqueued", unit(phone).state)
    phone:openApp()
    phone:advance(1)
    assert.same({ "sync\t07:00" }, helper.said(phone))
    assert.equal(23, unit(phone).periodic.slotsMissed)
  end)

  it("is switched off and on again, and work goes on", function()
    local phone <close> = open(SYNC, { os = "android", policy = "earliest" })
    phone:pressHome()
    phone:advance "90m"
    phone:reboot()
    phone:unlock()
    phone:advance "1d"
    assert.is_true(#helper.said(phone) > 3)
  end)

  it("gives a woken run what it has, and no more", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { run = function(ctx)
        local begun = os.time()
        while not ctx:stopping() do farside.sleep(500) end
        print(os.time() - begun)
        return ctx:retry "stopped"
      end })
      BackgroundTask.enqueue("k", nil, { delay = "1h", unique = "u" })
    ]], { os = "ios", policy = "earliest" })
    phone:pressHome()
    phone:advance "61m"
    local seconds = tonumber(helper.said(phone)[1])
    assert.is_true(seconds > 15 and seconds < 30, seconds)
    assert.same({ "stopped", 0 }, { unit(phone).reason, unit(phone).attempts })
  end)

  it("that ends the app's time early stops the run, and breaks no rule", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { run = function(ctx)
        while not ctx:stopping() do farside.sleep(100) end
        return ctx:retry "stopped"
      end })
      BackgroundTask.enqueue("k", nil, { unique = "u" })
    ]], { os = "ios" })
    phone:pressHome()
    phone:advance "3s"
    phone:expire()
    phone:advance "1m"
    assert.equal("suspended", phone:state())
    assert.same({ "enqueued", "stopped" }, { unit(phone).state, unit(phone).reason })
  end)
end)

describe("a clock that is set", function()
  it("forth: what was to happen after some time happens after that time", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() print "runs" end })
      BackgroundTask.enqueue("k", nil, { delay = "1h" })
    ]]
    phone:setClock "5h"
    phone:advance "59m"
    assert.is_false(has_run(phone))
    phone:advance "1m"
    assert.is_true(has_run(phone))
  end)

  it("back: likewise", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() print "runs" end })
      BackgroundTask.enqueue("k", nil, { delay = "1h" })
    ]]
    phone:advance "30m"
    phone:setClock "-5h"
    phone:advance "29m"
    assert.is_false(has_run(phone))
    phone:advance "1m"
    assert.is_true(has_run(phone))
  end)

  it("back: what is due, and only waits for its needs, waits for nothing else", function()
    local phone <close> = needs("charging = true")
    phone:setClock "-300d"
    phone:plug()
    assert.is_true(has_run(phone))
  end)

  it("back: what was enqueued without a delay, and has not begun, does not wait for the old time", function()
    local phone <close> = open([[
      BackgroundTask.define("k", { run = function() print "runs" end })
      App.addListener("pause", function() BackgroundTask.enqueue("k", nil, { needs = { network = "connected" } }) end)
    ]], { os = "ios", network = "none", policy = "never" })
    phone:pressHome()
    phone:advance "1m"
    phone:setClock "-300d"
    phone:openApp()
    phone:setNetwork "wifi"
    phone:advance(1)
    assert.is_true(has_run(phone))
  end)

  it("moves a deadline along, of what waits, what is ready and what is blocked", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() end })
      BackgroundTask.enqueue("k", nil, { deadline = "1h", delay = "50m" })
      BackgroundTask.enqueue("k", nil, { deadline = "1h", needs = { charging = true } })
      BackgroundTask.enqueue("k", nil, { deadline = "1h", after = 2 })
    ]]
    phone:setClock "1d"
    phone:advance "45m"
    assert.equal(3, #phone:work() - #phone:work { state = "failed" })
    phone:advance "20m"
    local reasons = {}
    for i, one in ipairs(phone:work()) do
      reasons[i] = one.reason or one.state
    end
    assert.same({ "succeeded", "deadline", "parent_failed" }, reasons)
  end)

  it("leaves an interval as long as it is, and a time of day where it is", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function(ctx) print(ctx.unique, os.date "%H:%M") end })
      BackgroundTask.periodic("interval", "k", { every = "1h" })
      BackgroundTask.periodic("day", "k", { cron = "0 12 * * *" })
    ]]
    phone:advance "30m"
    phone:setClock "2h" -- Half past nine.
    phone:advance "30m"
    assert.same({ "interval\t10:00" }, helper.said(phone))
    phone:setClock "-1h" -- Nine.
    phone:advance "3h"
    assert.same({ "interval\t10:00", "interval\t10:00", "interval\t11:00", "interval\t12:00", "day\t12:00" },
      helper.said(phone))
  end)

  it("while the app is gone is noticed when it comes back", function()
    for _, step in ipairs { "300d", "-300d" } do
      local phone <close> = open [[
        BackgroundTask.define("k", { run = function() print "runs" end })
        BackgroundTask.enqueue("k", nil, { delay = "1h", unique = "u" })
      ]]
      phone:kill()
      phone:setClock(step)
      phone:advance "10m"
      phone:openApp()
      phone:advance "45m"
      assert.is_false(has_run(phone))
      phone:advance "5m"
      assert.is_true(has_run(phone))
    end
  end)

  it("during a run changes nothing of it, and its retry comes after its delay", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { timeout = "1m", retry = { base = "1h", jitter = 0 }, run = function(ctx)
        farside.sleep(30000)
        print(ctx.attempt)
        if ctx.attempt == 1 then error "no" end
      end })
      BackgroundTask.enqueue "k"
    ]]
    phone:advance "10s"
    phone:setClock "-30d"
    phone:advance "20s"
    phone:setClock "60d"
    phone:advance "59m"
    assert.equal(2, #helper.said(phone)) -- The run, and its error.
    phone:advance "2m"
    assert.equal("succeeded", unit(phone).state)
  end)

  it("runs nothing twice and leaves nothing out of a day that is lived twice", function()
    local phone <close> = open [[
      BackgroundTask.define("k", { run = function() print(os.date "%d %H:%M") end })
      BackgroundTask.periodic("p", "k", { cron = "0 12 * * *" })
    ]]
    phone:advance "6h"
    assert.same({ "05 12:00" }, helper.said(phone))
    phone:setClock "-5h" -- Eight, before noon, once more.
    phone:advance "12h"
    assert.same({ "05 12:00" }, helper.said(phone))
    phone:advance "24h"
    assert.same({ "05 12:00", "06 12:00" }, helper.said(phone))
  end)
end)
