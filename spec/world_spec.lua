-- What the user, the world and the OS do to a simulated phone.

local device = require "farside.device"
local helper = require "spec.helper"

-- An app that says what it hears, and works a little when it is started behind.
local APP <const> = [[
  for _, name in ipairs { "launch", "pause", "resume", "appUrlOpen", "memoryWarning", "terminate" } do
    App.addListener(name, function(event)
      print(name, event and (event.reason or event.url or event.level))
      if name == "launch" and event.reason ~= "user" then
        BackgroundTask.exec(function(task) farside.sleep(5000) task:finish() end)
      end
    end)
  end
]]

local function open(options)
  return (helper.run(APP, options))
end

-- The sentences of a word of the timeline.
local function whys(phone, what)
  local list = {}
  for i, entry in ipairs(phone:timeline(what)) do
    list[i] = entry.why
  end
  return list
end

local function last(phone, what)
  local entries = phone:timeline(what)
  return entries[#entries] and entries[#entries].why
end

describe("the user's phone", function()
  it("is on wifi, charged, in use and in UTC when it is opened", function()
    local phone <close> = device.open {}
    local world = phone:world()
    assert.same({ "wifi", 1, "off", "active", "UTC", 0 },
      { world.network, world.battery, world.doze, world.bucket, world.timeZone, world.utcOffset })
    assert.is_false(world.isLocked or world.isPlugged or world.isLowPower or world.isStorageLow
      or world.isMoving or world.isCovered or world.isForceQuit or world.isSummerTime)
    assert.is_true(world.backgroundRefresh and world.wasUnlocked)
    assert.same({}, phone:timeline())
  end)

  it("is what it was opened with, and says nothing of that", function()
    local phone <close> = device.open { network = "metered", battery = 0.25, timeZone = "Asia/Tokyo" }
    local world = phone:world()
    assert.same({ "metered", 0.25, "Asia/Tokyo", 9 * 3600 },
      { world.network, world.battery, world.timeZone, world.utcOffset })
    assert.same({}, phone:timeline())
  end)

  it("tells of each change once, and why", function()
    local phone <close> = device.open {}
    local changes = {
      { "setNetwork", "none", "device.network", "none, was wifi" },
      { "setBattery", 0.1, "device.power", "the battery has 10.0 %: it is low" },
      { "plug", nil, "device.power", "the charger is plugged in" },
      { "unplug", nil, "device.power", "the charger is unplugged" },
      { "setLowPower", true, "device.power", "low power mode is on" },
      { "setStorageLow", true, "device.storage", "storage is low" },
      { "setBackgroundRefresh", false, "device.refresh", "the user has switched background refresh off" },
      { "setMoving", true, "device.motion", "the phone is carried about" },
      { "lock", nil, "device.lock", "the screen is off and locked" },
      { "unlock", nil, "device.lock", "the phone is unlocked" },
      { "cover", nil, "device.front", "something else is on top of the app" },
      { "uncover", nil, "device.front", "nothing is on top of the app any more" },
      { "setTimeZone", "Europe/Berlin", "device.clock", "the time zone is Europe/Berlin, was UTC" },
    }
    for i, change in ipairs(changes) do
      for _ = 1, 2 do
        phone[change[1]](phone, change[2])
        assert.equal(i, #phone:timeline(), change[1])
      end
      local entry = phone:timeline()[i]
      assert.same({ change[3], change[4] }, { entry.what, entry.why })
    end
  end)

  it("takes the app from the front when it is locked, and gives it back", function()
    local phone <close> = open()
    phone:lock()
    assert.equal("suspended", phone:state())
    phone:unlock()
    assert.equal("active", phone:state())
    phone:pressHome()
    phone:lock()
    phone:unlock()
    assert.equal("suspended", phone:state())
    phone:lock()
    phone:openApp()
    assert.equal("active", phone:state())
    assert.is_false(phone:world().isLocked)
  end)

  it("makes the app inactive, and no more, when something is on top", function()
    local phone <close> = open()
    phone:openAppSwitcher()
    assert.equal("inactive", phone:state())
    phone:lock()
    phone:unlock()
    assert.equal("inactive", phone:state())
    phone:uncover()
    assert.equal("active", phone:state())
    assert.same({ "launch\tuser", "pause\tnil", "resume\tnil" }, helper.said(phone)) -- Of the lock.
    phone:pressHome()
    phone:cover() -- On top of something else.
    assert.equal("suspended", phone:state())
    phone:openApp()
    assert.equal("active", phone:state())
  end)

  it("opens URLs: in front, asleep, and in an app that is gone", function()
    local phone <close> = device.open {}
    assert.equal("INVALID", select(3, phone:openUrl "app://none"))
    phone:run(helper.code(APP))
    assert.is_true(phone:openUrl "app://one")
    phone:pressHome()
    assert.is_true(phone:openUrl "app://two")
    assert.equal("active", phone:state())
    phone:kill()
    phone:lock()
    assert.is_true(phone:openUrl "app://three")
    assert.equal("active", phone:state())
    phone:advance "5s"
    assert.same({ "launch\tuser", "appUrlOpen\tapp://one", "pause\tnil", "resume\tnil", "appUrlOpen\tapp://two",
      "launch\turl", "appUrlOpen\tapp://three" }, helper.said(phone))
    assert.equal("INVALID", select(3, phone:openUrl("app://" .. ("x"):rep(3000))))
  end)

  it("warns of memory, and kills who sleeps as the policy has it", function()
    for policy, state in pairs { earliest = "gone", latest = "suspended", never = "suspended" } do
      local phone <close> = open { policy = policy }
      phone:lowMemory()
      phone:lowMemory "low"
      assert.same({ "memoryWarning\tcritical", "memoryWarning\tlow" },
        { table.unpack(helper.said(phone), 2) })
      phone:pressHome()
      phone:lowMemory()
      assert.equal(state, phone:state(), policy)
    end
    local ends = {}
    for seed = 1, 40 do
      local phone <close> = open { seed = seed }
      phone:pressHome()
      phone:lowMemory()
      ends[phone:state()] = true
    end
    assert.same({ gone = true, suspended = true }, ends)
  end)

  it("forgets the app when it is rebooted, and wakes nothing until it is unlocked", function()
    local phone <close> = open { policy = "earliest" }
    phone:scheduleWake { after = "1h" }
    phone:reboot()
    assert.equal("gone", phone:state())
    assert.equal("the phone was switched off", last(phone, "app.kill"))
    assert.equal("DENIED", select(3, phone:push()))
    phone:advance "8h"
    assert.equal("gone", phone:state())
    assert.same({ "refresh: the phone was not unlocked since it was switched on" }, whys(phone, "wake.wait"))
    phone:unlock()
    assert.equal("background", phone:state())
    assert.equal("launch\tfetch", helper.said(phone)[2])
    phone:advance "1m"
  end)

  it("flaps as its seed has it, and is then what it was", function()
    local phone <close> = device.open { seed = 5, network = "metered" }
    phone:flap "10m"
    phone:advance "10m"
    assert.equal("metered", phone:world().network)
    local count = #phone:timeline "device.network"
    assert.truthy(count > 10 and count < 300)
    assert.truthy(last(phone, "device.network"):find "steady again" or count % 2 == 0)
    phone:flap "10m"
    phone:setNetwork "wifi"
    phone:advance "1h"
    assert.equal("wifi", phone:world().network)
  end)
end)

describe("Doze", function()
  it("keeps a night in order: windows, later and later", function()
    local phone <close> = open { os = "android" }
    phone:lock()
    phone:advance "8h"
    local kinds = {}
    for _, entry in ipairs(phone:timeline "device.doze") do
      kinds[#kinds + 1] = ("%d %s"):format(entry.t // 60000, entry.why:match "^(.-) for %d+ min")
    end
    assert.same({ "4 light", "9 light window", "10 light", "20 light window", "21 light", "36 light window", "37 light",
      "52 light window", "53 light", "64 deep", "124 deep window", "129 deep", "249 deep window", "259 deep" }, kinds)
    phone:unlock()
    assert.equal("off: the screen is on", last(phone, "device.doze"))
    assert.equal("active", phone:state())
  end)

  it("is none of ios, nor of a phone that charges", function()
    local apple <close> = open { os = "ios" }
    apple:lock()
    apple:advance "12h"
    local charging <close> = open { os = "android" }
    charging:plug()
    charging:lock()
    charging:advance "12h"
    assert.same({}, apple:timeline "device.doze")
    assert.same({}, charging:timeline "device.doze")
    charging:unplug()
    charging:advance "5m"
    assert.equal("light", charging:world().doze)
    charging:plug()
    assert.equal("off: the phone is charging", last(charging, "device.doze"))
  end)

  it("does not disturb an app in front, nor a task that is open", function()
    local phone <close> = helper.run([[
      BackgroundTask.exec(function(task) farside.sleep(170000) task:finish() end)
      setInterval(function() print "tick" end, 3600000)
    ]], { os = "android" })
    phone:lock()
    phone:advance "10m"
    assert.same({ "finished" }, helper.states(phone))
    phone:unlock()
    phone:advance "5h"
    assert.equal(5, #helper.said(phone))
  end)

  it("is deep only where the phone lies still", function()
    local phone <close> = open { os = "strict" }
    phone:setMoving(true)
    phone:lock()
    phone:advance "3h"
    assert.matches("^light", phone:world().doze)
    phone:setMoving(false)
    phone:advance "64m30s"
    assert.equal("deep", phone:world().doze)
    phone:setMoving(true)
    assert.equal("off", phone:world().doze)
    phone:advance "4m"
    assert.equal("light", phone:world().doze)
  end)
end)

describe("standby buckets", function()
  it("fall day by day, and rise when the app is used", function()
    local phone <close> = open { os = "android" }
    phone:pressHome()
    phone:advance "9d"
    local falls = {}
    for i, entry in ipairs(phone:timeline "device.bucket") do
      falls[i] = ("%dh %s"):format(entry.t // 3600000, entry.why:match "^%l+")
    end
    assert.same({ "12h working", "24h frequent", "48h rare", "192h restricted" }, falls)
    phone:openApp()
    assert.equal("active", phone:world().bucket)
    assert.equal("active, was restricted: the app is used", last(phone, "device.bucket"))
    phone:advance "9d"
    assert.equal("active", phone:world().bucket)
  end)

  it("give less and less time: the quota holds a fetch back", function()
    local phone <close> = helper.run([[
      App.addListener("launch", function(event)
        if event.reason ~= "fetch" then return end
        BackgroundTask.exec(function(task) farside.sleep(170000) task:finish() end)
      end)
    ]], { os = "android", policy = "earliest" })
    phone:pressHome()
    phone:setMoving(true)
    phone:advance "13h"
    for _ = 1, 5 do
      phone:kill()
      phone:scheduleWake { after = "15m" }
      phone:advance "20m"
    end
    assert.equal("working", phone:world().bucket)
    assert.equal(4, #phone:timeline "wake.grant")
    assert.equal("refresh: the app has used up the time that its bucket gives it", last(phone, "wake.wait"))
    phone:advance "4h"
    assert.equal(5, #phone:timeline "wake.grant")
  end)
end)

describe("a wake-up", function()
  it("is granted at a time between its ends, as the policy has it", function()
    local expected = {
      ios = { earliest = 3600, latest = 3600 + 4 * 3600 },
      android = { earliest = 3600, latest = 3600 + 31 * 60 },
      strict = { earliest = 3600, latest = 3600 + 4 * 3600 },
      desktop = { earliest = 3600, latest = 3600 },
    }
    for os, times in pairs(expected) do
      for policy, time in pairs(times) do
        local phone <close> = open { os = os, policy = policy }
        phone:pressHome()
        phone:scheduleWake { after = "1h" }
        phone:advance "10h"
        assert.equal(time * 1000, phone:timeline("wake.grant")[1].t, os .. " " .. policy)
      end
    end
  end)

  it("is never granted where the system refuses, and that is said", function()
    local phone <close> = open { policy = "never" }
    phone:pressHome()
    phone:scheduleWake { after = "1h" }
    phone:advance "30d"
    assert.same({}, phone:timeline "wake.grant")
    assert.same({ "refresh: the system does not grant it: it may refuse, and owes no reason" },
      whys(phone, "wake.wait"))
  end)

  it("is drawn from the seed: the same one gives the same day, another another", function()
    local function day(seed)
      local phone <close> = open { os = "strict", seed = seed }
      phone:pressHome()
      for _ = 1, 10 do
        phone:scheduleWake { after = "15m" }
        phone:advance "6h"
      end
      return phone:hash(), #phone:timeline "wake.grant"
    end
    local hashes, grants = {}, {}
    for seed = 0, 9 do
      local hash, count = day(seed)
      assert.equal(hash, (day(seed)))
      assert.is_nil(hashes[hash])
      hashes[hash] = true
      grants[count] = true
    end
    assert.truthy(next(grants, next(grants)), "every seed grants as much")
  end)

  it("launches an app that is gone, in the background, and lets it sleep after that", function()
    local phone <close> = open { policy = "earliest" }
    phone:kill()
    phone:scheduleWake { after = "15m" }
    phone:advance "15m"
    assert.equal("background", phone:state())
    phone:advance "5s"
    assert.equal("suspended", phone:state())
    assert.same({ "launch\tuser", "launch\tfetch" }, helper.said(phone))
    assert.equal("25.000 s before its end", last(phone, "task.finish"):match "25.*")
    phone:lock()
    phone:unlock() -- It was never in front.
    assert.equal("suspended", phone:state())
  end)

  it("wakes an app that sleeps, whose timers are due", function()
    local phone <close> = helper.run("setTimeout(function() print 'late' end, 60000)", { policy = "earliest" })
    phone:pressHome()
    phone:scheduleWake { after = "15m" }
    phone:advance "14m"
    assert.same({}, helper.said(phone))
    phone:advance "1m"
    assert.same({ "late" }, helper.said(phone))
    assert.equal("suspended", phone:state())
    assert.equal(15 * 60000, phone:timeline("app.suspend")[2].t)
  end)

  it("comes not sooner than the least after the one before; a new one takes its place", function()
    local phone <close> = open { policy = "earliest" }
    phone:scheduleWake { after = "1m" }
    phone:scheduleWake { after = "2m" }
    phone:advance "2m"
    assert.equal(1, #phone:timeline "wake.grant")
    phone:scheduleWake {}
    assert.matches("at the soonest in 900.000 s, which is the least after the one before$", last(phone, "wake.plan"))
    phone:advance "14m59s"
    assert.equal(1, #phone:timeline "wake.grant")
    phone:advance "1s"
    assert.equal(2, #phone:timeline "wake.grant")
    phone:scheduleWake {}
    phone:cancelWake()
    phone:cancelWake()
    assert.same({ "refresh: taken back" }, whys(phone, "wake.cancel"))
    phone:advance "1d"
    assert.equal(2, #phone:timeline "wake.grant")
  end)

  it("waits for what stands against it, and says so", function()
    local cases = {
      { "setLowPower", true, false, "low power mode is on" },
      { "setBackgroundRefresh", false, true, "background refresh is switched off" },
    }
    for _, case in ipairs(cases) do
      local phone <close> = open { policy = "earliest" }
      phone:pressHome()
      phone[case[1]](phone, case[2])
      phone:scheduleWake { after = "1h" }
      phone:advance "2h"
      assert.same({ "refresh: " .. case[4] }, whys(phone, "wake.wait"))
      phone[case[1]](phone, case[3])
      assert.equal("refresh: granted 7200.000 s after it was asked for; it had waited: " .. case[4],
        last(phone, "wake.grant"))
    end
  end)

  it("waits for a window of Doze, for the network and for the charger", function()
    local phone <close> = open { os = "android", policy = "earliest", network = "none" }
    phone:lock()
    phone:scheduleWake { after = "1h10m", network = true, charging = true }
    phone:advance "4h"
    assert.same({ "refresh: the phone is in Doze: the next maintenance window", "refresh: there is no network",
      "refresh: the phone is in Doze: the next maintenance window" }, whys(phone, "wake.wait"))
    phone:setNetwork "wifi"
    phone:advance "15m"
    assert.equal("refresh: the phone is not charging", whys(phone, "wake.wait")[4])
    phone:plug()
    assert.equal(1, #phone:timeline "wake.grant")
  end)

  it("of long work waits until nobody uses the phone, and there are as many as the OS takes", function()
    local phone <close> = open { policy = "earliest" }
    for _ = 1, 10 do
      assert.is_true(phone:scheduleWake { kind = "processing" })
    end
    local ok, message, name = phone:scheduleWake { kind = "processing" }
    assert.same({ nil, "too many requests of that kind wait already", "LIMIT" }, { ok, message, name })
    phone:advance "1h"
    assert.equal(10, #phone:timeline "wake.wait")
    assert.equal("processing: the phone is in use: long work waits until it is not", last(phone, "wake.wait"))
    phone:kill()
    phone:lock()
    assert.equal(10, #phone:timeline "wake.grant")
    assert.equal("launch\tprocessing", helper.said(phone)[2])
    phone:advance "1m"
  end)

  it("of an app that fails to load is no harm", function()
    local phone <close> = device.open { policy = "earliest" }
    local path = os.tmpname()
    local function write(text)
      local file <close> = assert(io.open(path, "w"))
      file:write(text)
    end
    write "print 'fine'"
    assert(phone:launch(path))
    phone:kill()
    write "error 'broken'"
    phone:scheduleWake { after = "1h" }
    phone:advance "2h"
    assert.equal("gone", phone:state())
    assert.equal("its script failed to load", last(phone, "app.kill"))
    os.remove(path)
  end)

  it("needs an app", function()
    local phone <close> = device.open { policy = "earliest" }
    assert.is_true(phone:push())
    phone:scheduleWake {}
    phone:advance "1h"
    assert.equal("gone", phone:state())
    assert.equal("there is no app to launch", last(phone, "device.push"))
  end)
end)

describe("an app that was swiped away", function()
  it("on ios is not woken until the user opens it, but for long work", function()
    local phone <close> = open { policy = "earliest" }
    phone:swipeAway()
    phone:advance "10s"
    assert.equal("gone", phone:state())
    assert.is_true(phone:world().isForceQuit)
    assert.equal("terminate\tuser", helper.said(phone)[2])
    assert.equal("DENIED", select(3, phone:push()))
    phone:scheduleWake { after = "1h" }
    phone:advance "2h"
    assert.same({ "refresh: the user has ended the app by force" }, whys(phone, "wake.wait"))
    phone:scheduleWake { kind = "processing" }
    phone:lock()
    assert.equal("background", phone:state())
    phone:advance "1m"
    phone:openApp()
    assert.is_false(phone:world().isForceQuit)
    assert.equal(2, #phone:timeline "wake.grant")
  end)

  it("is not told when it slept", function()
    local phone <close> = open()
    phone:pressHome()
    phone:swipeAway()
    assert.equal("gone", phone:state())
    assert.same({ "launch\tuser", "pause\tnil" }, helper.said(phone))
  end)

  it("may be woken again after a reboot", function()
    local phone <close> = open()
    phone:swipeAway()
    phone:reboot()
    phone:unlock()
    assert.is_true(phone:push())
    phone:advance "1m"
    assert.equal("suspended", phone:state())
  end)

  it("on android is woken or not, as the vendor has it", function()
    for policy, is_forced in pairs { earliest = false, latest = true, never = true } do
      local phone <close> = open { os = "android", policy = policy }
      phone:swipeAway()
      phone:advance "10s"
      assert.equal(is_forced, phone:world().isForceQuit, policy)
      assert.equal(not is_forced, phone:push() == true)
      phone:advance "1m"
    end
  end)
end)

describe("a push", function()
  it("launches an app that is gone, and it sleeps again", function()
    local phone <close> = open()
    phone:kill()
    assert.is_true(phone:push())
    assert.equal("background", phone:state())
    phone:advance "5s"
    assert.same({ "launch\tuser", "launch\tpush" }, helper.said(phone))
    assert.equal("suspended", phone:state())
  end)

  it("is dropped when there were too many within an hour", function()
    for os, most in pairs { ios = 3, strict = 3, android = 20 } do
      local phone <close> = open { os = os }
      phone:pressHome()
      local delivered = 0
      for _ = 1, 20 do
        delivered = delivered + (phone:push() and 1 or 0)
        phone:advance "1m"
      end
      assert.equal(most, delivered, os)
      assert.equal(most < 20 and "LIMIT" or nil, (select(3, phone:push())))
      phone:advance "1h"
      assert.is_true(phone:push())
      phone:advance "1m"
    end
  end)

  it("waits for the network, and is one when it comes", function()
    local phone <close> = open { network = "none" }
    phone:kill()
    for _ = 1, 5 do
      assert.is_true(phone:push())
    end
    assert.equal("gone", phone:state())
    phone:setNetwork "metered"
    assert.equal("background", phone:state())
    assert.same({ "it waits: there is no network", "a background push reaches the app" }, whys(phone, "device.push"))
    phone:advance "1m"
  end)

  it("waits for a window of Doze", function()
    local phone <close> = open { os = "android" }
    phone:lock()
    phone:advance "5m"
    assert.is_true(phone:push())
    phone:advance "5m"
    assert.same({ 300000, 540000 }, { phone:timeline("device.push")[1].t, phone:timeline("device.push")[2].t })
  end)

  it("is dropped in low power mode and without background refresh", function()
    local phone <close> = open()
    phone:setLowPower(true)
    assert.equal("the push was dropped: low power mode is on", select(2, phone:push()))
    phone:setLowPower(false)
    phone:setBackgroundRefresh(false)
    assert.equal("DENIED", select(3, phone:push()))
    assert.equal("warn", phone:timeline("device.push")[1].level)
  end)
end)

describe("the clock on the wall", function()
  local function ask(phone, code)
    phone:kill()
    assert(phone:run(code))
    local said = helper.said(phone)
    return said[#said]
  end

  it("jumps, and no timer notices", function()
    local phone <close> = helper.run [[
      local before = os.time()
      setTimeout(function() print(os.time() - before, os.clock()) end, 60000)
    ]]
    phone:setClock "2h"
    phone:advance "30s"
    phone:setClock "-1h"
    phone:setClock(-1000)
    phone:advance "30s"
    assert.same({ 3600 + 59 .. "\t60.0" }, helper.said(phone))
    assert.same({ "+7200", "-3600", "-1" }, (function()
      local steps = {}
      for i, why in ipairs(whys(phone, "device.clock")) do
        steps[i] = why:match "by ([+-]%d+)"
      end
      return steps
    end)())
  end)

  it("shows the time of the phone's zone, not of the machine's", function()
    local phone <close> = device.open { timeZone = "America/New_York" }
    assert.equal("2026-01-05 02:00:00 EST -0500 false",
      ask(phone, 'print(os.date "%Y-%m-%d %H:%M:%S %Z %z", os.date("*t").isdst)'):gsub("\t", " ") .. "")
    assert.equal("07:00", ask(phone, 'print(os.date "!%H:%M")'))
    phone:setTimeZone "<+0545>-5:45"
    assert.equal("12:45 +0545", ask(phone, 'print(os.date "%H:%M %Z")'))
    assert.equal("0", ask(phone, 'print(os.time() - os.time(os.date "*t"))'))
  end)

  it("has a day of 23 hours and one of 25", function()
    local phone <close> = device.open { timeZone = "Europe/Berlin" }
    local hours = [[print((os.time { year = %d, month = %d, day = %d, hour = 0 }
      - os.time { year = %d, month = %d, day = %d, hour = 0 }) // 3600)]]
    assert.equal("23", ask(phone, hours:format(2026, 3, 30, 2026, 3, 29)))
    assert.equal("25", ask(phone, hours:format(2026, 10, 26, 2026, 10, 25)))
    assert.equal("24", ask(phone, hours:format(2026, 7, 2, 2026, 7, 1)))
    -- Skipped: an hour later. Twice: the first, or as isdst says.
    local skipped = [[local t = { year = 2026, month = 3, day = 29, hour = 2, min = 30 }
      os.time(t) print(t.hour, t.isdst)]]
    assert.equal("3\ttrue", ask(phone, skipped))
    local twice = [[local t = { year = 2026, month = 10, day = 25, hour = 2 }
      local first = os.time(t) t.isdst = false print(os.time(t) - first, t.isdst)]]
    assert.equal("3600\tfalse", ask(phone, twice))
  end)

  it("is told by the hour: phone:at", function()
    local phone <close> = device.open { timeZone = "Europe/Berlin" }
    local seen = {}
    phone:at("08:02", function(given) seen[#seen + 1] = given == phone and phone:now() end)
    phone:at "08:02:30"
    seen[#seen + 1] = phone:now()
    phone:at "08:02:30" -- Now: tomorrow.
    seen[#seen + 1] = phone:now()
    assert.same({ 120000, 150000, 150000 + 86400000 }, seen)
  end)

  it("is the zone of durable work that names none, also once it is another", function()
    local phone <close> = device.open { timeZone = "Europe/Berlin" } -- It is 08:00 there.
    assert(phone:run [[
      local BackgroundTask = require("farside").Plugins.BackgroundTask
      BackgroundTask.define("tidy", { run = function() end })
      BackgroundTask.periodic("here", "tidy", { cron = "0 21 * * *" })
      BackgroundTask.periodic("there", "tidy", { cron = "0 21 * * *", zone = "Asia/Tokyo" })
    ]])
    local function hours()
      local found = {}
      for _, work in ipairs(phone:work()) do
        found[work.unique] = (work.runAtMs - phone:world().wallMs) / 3600000
      end
      return found
    end
    assert.same({ here = 13, there = 5 }, hours())
    phone:setTimeZone "America/New_York" -- It is 02:00 there.
    assert.same({ here = 19, there = 5 }, hours())
    phone:setTimeZone "Asia/Tokyo"
    phone:advance "1h"
    assert.same({ here = 4, there = 4 }, hours())
  end)

  it("goes on at its hour over the change of the clocks", function()
    local phone <close> = device.open { timeZone = "Europe/Berlin" }
    local function go_to(seconds)
      phone:setClock(seconds * 1000 - phone:world().wallMs)
    end
    go_to(1774656000) -- 2026-03-28, 00:00 UTC.
    phone:at "12:00"
    local before = phone:now()
    phone:at "12:00"
    assert.equal(23 * 3600000, phone:now() - before)
    go_to(1792800000) -- 2026-10-24, 00:00 UTC.
    phone:at "12:00"
    before = phone:now()
    phone:at "12:00"
    assert.equal(25 * 3600000, phone:now() - before)
  end)

  it("hears nothing of the machine's chance", function()
    local code = "math.randomseed() print(math.random(1 << 30))"
    local function drawn(seed)
      local phone <close> = device.open { seed = seed }
      return ask(phone, "print(math.random(1 << 30))"), ask(phone, code)
    end
    assert.same({ drawn(1) }, { drawn(1) })
    assert.are_not.same({ drawn(1) }, { drawn(2) })
  end)
end)

describe("a wrong word", function()
  local cases = {
    { "setNetwork", "5g", "there is no network '5g'; there are: none, metered, wifi" },
    { "setBattery", 2, "the battery has a charge from 0 to 1, not 2" },
    { "setBattery", 0 / 0, "the battery has a charge from 0 to 1" },
    { "setBattery", "full", "number expected" },
    { "setLowPower", 1, "boolean expected" },
    { "setStorageLow", nil, "boolean expected" },
    { "setBackgroundRefresh", "off", "boolean expected" },
    { "setMoving", nil, "boolean expected" },
    { "flap", 5, "flap: the time must be a duration" },
    { "lowMemory", "bad", "invalid option 'bad'" },
    { "openUrl", "a b", "encode them" },
    { "openUrl", 'a"b', "encode them" },
    { "openUrl", "", "encode them" },
    { "setClock", "soon", "setClock: the step is \"soon\"" },
    { "setClock", "-100000d", "the clock shows 1970 to 9999" },
    { "setClock", math.mininteger, "the clock shows 1970 to 9999" },
    { "setClock", math.maxinteger, "the clock shows 1970 to 9999" },
    { "setTimeZone", "Moon/Base", "there is no time zone 'Moon/Base'; .* or one of: UTC, .*Europe/Berlin" },
    { "at", "7:02", "a time of day such as \"07:02\" expected" },
    { "at", "24:00", "a time of day" },
    { "at", "07:60", "a time of day" },
    { "at", "07:02:", "a time of day" },
    { "scheduleWake", nil, "table expected" },
    { "scheduleWake", { kind = "fetch" }, "there is no kind of wake%-up 'fetch'; there are: refresh, processing" },
    { "scheduleWake", { after = 5 }, "scheduleWake: after must be a duration" },
    { "scheduleWake", { afer = "5s" }, "scheduleWake has no option 'afer'" },
    { "scheduleWake", { network = "wifi" }, "scheduleWake: network must be a boolean, not a string" },
    { "cancelWake", "all", "there is no kind of wake%-up 'all'" },
  }
  for _, case in ipairs(cases) do
    it(("is answered with a sentence: %s %s"):format(case[1], case[3]), function()
      local phone <close> = device.open {}
      local ok, message = pcall(phone[case[1]], phone, case[2])
      assert.is_false(ok)
      assert.matches(case[3], message)
      assert.same({}, phone:timeline())
    end)
  end

  local options = {
    { { seed = 1.5 }, "seed must be an integer" },
    { { policy = "lucky" }, "there is no policy 'lucky'; there are: random, earliest, latest, never" },
    { { network = "5g" }, "there is no network '5g'" },
    { { battery = 1.5 }, "from 0 to 1" },
    { { battery = "1" }, "battery must be a number from 0 to 1" },
    { { timeZone = "here" }, "there is no time zone 'here'" },
  }
  for _, case in ipairs(options) do
    it("is refused when the phone is opened: " .. case[2], function()
      local ok, message = pcall(device.open, case[1])
      assert.is_false(ok)
      assert.matches(case[2], message)
    end)
  end
end)

describe("time in the background", function()
  -- Three tasks that say what they hear.
  local BUSY <const> = [[
    App.addListener("pause", function()
      for _, name in ipairs { "a", "b", "c" } do
        BackgroundTask.exec(function(task) farside.sleep(1e6) task:finish() end, { name = name,
          onExpire = function(task) print(name, task:remaining()) task:finish() end })
      end
    end)
    App.addListener("resume", function() print "resume" end)
    App.addListener("appUrlOpen", function(event) print(event.url) end)
    App.addListener("appStateChange", function(state) print(state.isActive and "active" or "inactive") end)
  ]]

  local function leave(options)
    local phone = helper.run(BUSY, options)
    phone:pressHome()
    return phone
  end

  -- When the first task heard of its end, and in which order they did.
  local function expiry(seed, os)
    local phone <close> = leave { os = os or "ios", seed = seed }
    phone:advance "5m"
    local order = ""
    for _, line in ipairs(helper.said(phone)) do
      order = order .. (line:match "^(%l)\t" or "")
    end
    local first = phone:timeline("task.expiring")[1]
    return first.t, order, first.why:find "early" ~= nil
  end

  it("is taken back by phone:expire, with a word before", function()
    local phone <close> = leave {}
    phone:expire()
    phone:advance "1s"
    phone:openApp() -- Those that were finished have ended.
    assert.same({ "inactive", "a\t5000", "b\t5000", "c\t5000", "resume", "active" }, helper.said(phone))
    assert.same({ "5.000 s are left: the system takes its time back" }, { whys(phone, "task.expiring")[1] })
    assert.same({}, phone:violations())
  end)

  it("ends for who does not listen, five seconds later", function()
    local phone <close> = helper.run [[
      App.addListener("pause", function() BackgroundTask.exec(function(task) farside.sleep(20000) task:finish() end) end)
    ]]
    phone:expire()
    phone:pressHome()
    phone:advance "1s"
    phone:expire()
    phone:expire()
    phone:advance "20s"
    assert.same({ 1000, 6000 }, { helper.entry(phone, "task.expiring").t, helper.entry(phone, "task.expire").t })
    assert.equal(1, #phone:timeline "task.expiring")
    local rules = {}
    for i, violation in ipairs(phone:violations()) do
      rules[i] = violation.rule
    end
    assert.same({ "BG06", "BG01" }, rules)
  end)

  it("is whole the next time", function()
    local phone <close> = leave {}
    phone:expire()
    phone:openApp()
    phone:pressHome()
    phone:advance "1m"
    assert.equal(25000, phone:timeline("task.expiring")[4].t)
    assert.equal("5.000 s are left", phone:timeline("task.expiring")[4].why)
  end)

  it("is cut short by one seed in ten, and never by the usual one", function()
    assert.equal(25000, (expiry(42)))
    local cut, orders = 0, {}
    for seed = 100, 299 do
      local t, order, is_early = expiry(seed)
      assert.equal(t, (expiry(seed)))
      assert.truthy(t > 0 and t <= 25000)
      assert.equal(t < 25000, is_early)
      cut = cut + (t < 25000 and 1 or 0)
      orders[order] = (orders[order] or 0) + 1
    end
    assert.truthy(cut > 8 and cut < 35, cut)
    assert.truthy(orders.abc > 60 and orders.cba > 60)
    assert.equal(200, orders.abc + orders.cba)
    for seed = 100, 199 do
      assert.equal(25000, (expiry(seed, "desktop")))
    end
  end)

  it("has a URL before the app or after it, as the seed says", function()
    local stories = {}
    for seed = 1, 42 do
      local phone <close> = leave { seed = seed }
      phone:advance "10m"
      assert.truthy(phone:openUrl "app:x")
      local story = table.concat(helper.said(phone), " "):match "resume.*" or ""
      if helper.said(phone)[5] == "app:x" then
        story = "app:x " .. story
      end
      stories[story] = (stories[story] or 0) + 1
      if seed == 42 then
        assert.equal("resume active app:x", story)
      end
    end
    assert.equal(42, (stories["resume active app:x"] or 0) + (stories["app:x resume active"] or 0))
    assert.truthy(stories["app:x resume active"] > 10)
  end)

  it("of granted long work is over when the phone is unlocked", function()
    local function unlocked(os)
      local phone = helper.run([[
        App.addListener("launch", function(event)
          if event.reason == "processing" then
            BackgroundTask.exec(function(task) farside.sleep(9e4) task:finish() end, { onExpire = print })
          end
        end)]], { os = os, policy = "earliest" })
      phone:kill()
      phone:lock()
      phone:advance "1s"
      assert(phone:scheduleWake { kind = "processing" })
      phone:advance "9s"
      phone:unlock()
      phone:advance "1m"
      local told = whys(phone, "task.expiring")
      phone:kill()
      phone:close()
      return told
    end
    for _, os in ipairs { "ios", "strict" } do
      assert.same({ "5.000 s are left: the phone is in use, and long work ends" }, unlocked(os))
    end
    assert.same({}, unlocked "android")
  end)
end)

describe("days of everything at once", function()
  local verbs = {
    function(phone) phone:lock() end,
    function(phone) phone:unlock() end,
    function(phone) phone:pressHome() end,
    function(phone) phone:openApp() end,
    function(phone) phone:cover() end,
    function(phone) phone:swipeAway() end,
    function(phone) phone:reboot() end,
    function(phone) phone:lowMemory() end,
    function(phone) phone:openUrl "app://x" end,
    function(phone) phone:push() end,
    function(phone) phone:flap "5m" end,
    function(phone, draw) phone:setNetwork(({ "none", "metered", "wifi" })[draw(3)]) end,
    function(phone, draw) phone:setBattery(draw(101) / 101) end,
    function(phone) phone:plug() end,
    function(phone) phone:unplug() end,
    function(phone, draw) phone:setLowPower(draw(2) == 1) end,
    function(phone, draw) phone:setBackgroundRefresh(draw(4) > 1) end,
    function(phone, draw) phone:setMoving(draw(2) == 1) end,
    function(phone, draw) phone:setClock((draw(7200) - 3600) * 1000) end,
    function(phone, draw) phone:setTimeZone(({ "UTC", "Europe/Berlin", "Asia/Tokyo" })[draw(3)]) end,
    function(phone) phone:scheduleWake { after = "20m" } end,
    function(phone) phone:scheduleWake { kind = "processing" } end,
    function(phone, draw) phone:at(("%02d:30"):format(draw(24) - 1)) end,
    function(phone) phone:expire() end,
    function(phone) phone:kill() end,
  }

  local function day(os, seed)
    local state = seed
    local function draw(limit)
      state = (state * 1103515245 + 12345) % 2147483648
      return (state >> 8) % limit + 1
    end
    local phone <close> = open { os = os, seed = seed }
    for _ = 1, 150 do
      verbs[draw(#verbs)](phone, draw)
      phone:advance(draw(40) * 60000)
    end
    phone:kill()
    assert.same({}, helper.errors(phone))
    return phone:hash()
  end

  for _, os in ipairs { "ios", "android", "strict", "desktop" } do
    it("are the same each time on " .. os, function()
      for seed = 1, 5 do
        assert.equal(day(os, seed), day(os, seed))
      end
    end)
  end
end)

describe("an app that is woken", function()
  it("hears why, and how long it has: launch where it did not run", function()
    local phone <close> = device.open { os = "ios", policy = "earliest" }
    assert(phone:run(helper.code [[
      App.addListener("launch", function(launch) print("launch", launch.reason) end)
      App.addListener("wake", function(wake) print("wake", wake.reason, wake.budgetMs) end)]]))
    phone:pressHome()
    phone:push()
    phone:scheduleWake {}
    phone:advance "1h"
    phone:kill()
    phone:push()
    assert.same({ "launch\tuser", "wake\tpush\t30000", "wake\tfetch\t30000", "launch\tpush" }, helper.said(phone))
  end)
end)
