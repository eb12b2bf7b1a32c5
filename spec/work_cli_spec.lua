-- Durable work from the shell: `farside run --store` and `farside work`. What
-- needs real time waits for an answer, and never for a time.

local json = require "spec.json"
local program = require "spec.program"

local write, read, shell = program.write, program.peek, program.shell
local farside, start = program.run, program.start
local says, ended, send = program.says, program.ended, program.send

local folder

local function path_of(name)
  return folder .. "/" .. name
end

-- What every script here knows.
local PRELUDE <const> = [[
local farside = require "farside"
local App, BackgroundTask, Log = farside.Plugins.App, farside.Plugins.BackgroundTask, farside.Plugins.Log
local what = ...
]]

local function script(name, code)
  write(path_of(name .. ".lua"), PRELUDE .. code)
  return path_of(name .. ".lua")
end

before_each(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
end)

after_each(function()
  program.clean()
  os.execute("rm -r " .. folder)
end)

-- A script with one kind of each fate.
local function fates()
  return script("fates", [[
    BackgroundTask.define("good", { run = function(ctx) print("good", ctx.id) return { done = true } end })
    BackgroundTask.define("bad", { retry = { max = 0 }, run = function() error "no such host" end })
    BackgroundTask.define("later", { run = function(ctx) return ctx:retry("1h", "the server is busy") end })
    BackgroundTask.define("slow", {
      run = function(ctx)
        print "slow begins"
        while not ctx:stopping() do farside.sleep(5) end
        print "slow stops"
        assert(ctx:save { part = 7 })
        return ctx:retry()
      end,
    })
    if what then print("id", (assert(BackgroundTask.enqueue(what, { n = 1 })))) end
  ]])
end

describe("farside run --store", function()
  it("makes the file, and goes on while work waits for its time", function()
    local path = script("waits", [[
      BackgroundTask.define("tick", { run = function() print "ran" end })
      assert(BackgroundTask.enqueue("tick", nil, { delay = "300ms" }))
      print "waits"
    ]])
    local code, out, err = farside(("run --store %s %s"):format(path_of "a.db", path))
    assert.same({ 0, "waits\nran\n", "" }, { code, out, err })
    assert.equal("SQLite format 3", read(path_of "a.db"):sub(1, 15))
  end)

  it("ends where nothing waits, though kinds are defined and changes watched", function()
    local path = script("defines", [[
      BackgroundTask.define("tick", { run = function() end })
      BackgroundTask.watch(print)
    ]])
    assert.same({ 0, "", "" }, { farside(("run --store %s %s"):format(path_of "a.db", path)) })
  end)

  it("keeps work for the next one, and takes up what was killed", function()
    local path = script("resumes", [[
      BackgroundTask.define("part", {
        retry = { base = "1ms" },
        run = function(ctx)
          local from = ctx.checkpoint.part or 0
          print("from", from)
          if from == 0 then
            assert(ctx:save { part = 3 })
            print "saved"
            farside.sleep(1e9)
          end
        end,
      })
      if what == "first" then assert(BackgroundTask.enqueue "part") end
    ]])
    local words = ("run --store %s %s"):format(path_of "a.db", path)
    local job = start(words .. " first")
    says(job, "saved")
    send("KILL", job.pid)
    ended(job)
    local code, out, err = farside(words)
    assert.same({ 0, "from\t3\n" }, { code, out })
    assert.matches("work.retry part 1: the app died during its last run: again in ", err, 1, true)
  end)

  it("refuses a file that is another process's, and says whose", function()
    local path = fates()
    local job = start(("run --store %s %s slow"):format(path_of "a.db", path))
    says(job, "slow begins")
    local code, out, err = farside(("run --store %s %s"):format(path_of "a.db", path))
    assert.same({ 1, "" }, { code, out })
    assert.equal(("farside: %s is in use by the process with pid %d\n"):format(path_of "a.db", job.pid), err)
  end)

  it("tells a run to stop at SIGTERM, and records that as a stop", function()
    local path = fates()
    local job = start(("run -v --store %s %s slow"):format(path_of "a.db", path))
    says(job, "slow begins")
    send("TERM", job.pid)
    assert.equal(0, ended(job))
    says(job, "slow stops")
    assert.matches("work.retry slow 1: its last run was stopped by the system", read(job.err), 1, true)
    assert.not_matches("task.expire", read(job.err), 1, true)
  end)

  it("ends a run that does not stop when its grace is over, and records that as a stop too", function()
    local path = script("deaf", [[
      BackgroundTask.define("deaf", { run = function() print "begins" farside.sleep(1e9) end })
      assert(BackgroundTask.enqueue "deaf")
    ]])
    local job = start(("run -v --grace 50ms --store %s %s"):format(path_of "a.db", path))
    says(job, "begins")
    send("TERM", job.pid)
    assert.equal(4, ended(job))
    assert.matches("work.retry deaf 1: the app was told to end, and its grace was over", read(job.err), 1, true)
  end)

  it("says in a sentence why a file cannot be used, and leaves it alone", function()
    local path = fates()
    write(path_of "text.db", "Dear diary,\n")
    local faults = {
      [path_of "text.db"] = "it is no store of Farside's, but something else; it was left as it is",
      [path_of "no/such/a.db"] = "it cannot be opened: No such file or directory",
      [folder] = "Is a directory",
    }
    for file, sentence in pairs(faults) do
      local code, out, err = farside(("run --store %s %s"):format(file, path))
      assert.same({ 1, "" }, { code, out })
      assert.matches("^farside: [^\n]*\n$", err)
      assert.matches(sentence, err, 1, true)
    end
    assert.equal("Dear diary,\n", read(path_of "text.db"))
    assert.equal("", read(path_of "text.db.lock"))
  end)

  it("sets a damaged file aside, tells the user and the app, and goes on", function()
    local path = fates()
    assert.equal(0, (farside(("run --once --store %s %s later"):format(path_of "a.db", path))))
    local damaged = assert(io.open(path_of "a.db", "r+"))
    damaged:seek("set", 4096 + 50)
    damaged:write(("\xff"):rep(3000))
    damaged:close()
    local listens = script("listens", [[
      App.addListener("storeFault", function(fault) print(fault.name, fault.message) App.exitApp() end)
    ]])
    local code, out, err = farside(("run --store %s %s"):format(path_of "a.db", listens))
    assert.equal(0, code)
    assert.matches("^CORRUPT\t.*a%.db: it was damaged; 1 units? of work", out)
    assert.matches("^farside: store.fault: .*the damaged file is .*a%.db%.corrupt%-", err)
    assert.truthy(shell("ls " .. folder):find "a%.db%.corrupt%-")
  end)

  it("does not go with --isolate", function()
    local code, out, err = farside(("run --isolate --store %s %s"):format(path_of "a.db", fates()))
    assert.same({ 2, "" }, { code, out })
    assert.matches("^farside run: %-%-isolate and %-%-store do not go together: [^\n]*\n$", err)
    assert.equal("", read(path_of "a.db"))
  end)

  it("goes by the machine's zone for a time of day", function()
    local path = script("nightly", [[
      BackgroundTask.define("tidy", { run = function() end })
      local id = assert(BackgroundTask.periodic("nightly", "tidy", { cron = "30 3 * * *" }))
      BackgroundTask.exec(function(task)
        farside.sleep(1)
        print(os.date("%H:%M", BackgroundTask.get(id).runAtMs // 1000))
        task:finish()
      end)
    ]])
    for _, zone in ipairs { "UTC0", "<+0545>-5:45", "EST5EDT,M3.2.0,M11.1.0" } do
      local words = ("run --once --store %s %s"):format(path_of "a.db", path)
      local code, out = farside(words, nil, ("TZ='%s'"):format(zone))
      assert.same({ 0, "03:30\n" }, { code, out }, zone)
    end
  end)
end)

describe("farside run --once", function()
  local function once(words, before)
    return farside(("run --once --store %s %s"):format(path_of "a.db", words), nil, before)
  end

  it("ends at once when nothing is due", function()
    assert.same({ 0, "", "" }, { once(fates()) })
  end)

  it("runs what is due, and leaves the rest for the next time", function()
    local path = fates()
    local code, out, err = once(path .. " later")
    assert.same({ 0, "id\t1\n" }, { code, out })
    assert.matches("work.retry later 1: the server is busy: again in 1 h\n", err, 1, true)
    assert.same({ 0, "id\t2\ngood\t2\n", "" }, { once(path .. " good") })
    assert.same({ 0, "", "" }, { once(path) })
  end)

  it("runs what follows at once from what was due", function()
    local path = script("chain", [[
      local function kind(name)
        BackgroundTask.define(name, { run = function() print(name) farside.sleep(5) end })
      end
      kind "one" kind "two" kind "three"
      local one = assert(BackgroundTask.enqueue "one")
      local two = assert(BackgroundTask.enqueue("two", nil, { after = one }))
      assert(BackgroundTask.enqueue("three", nil, { after = two }))
    ]])
    assert.same({ 0, "one\ntwo\nthree\n", "" }, { once(path) })
  end)

  it("runs a hundred, however many run at once", function()
    local path = script("many", [[
      local count = 0
      BackgroundTask.define("one", { run = function() count = count + 1 end })
      for _ = 1, 100 do assert(BackgroundTask.enqueue "one") end
      App.addListener("terminate", function(event) print(event.reason, count) end)
    ]])
    assert.same({ 0, "done\t100\n", "" }, { once(path) })
  end)

  it("waits for tasks, and neither for timers nor for listeners", function()
    local path = script("life", [[
      App.addListener("launch", function(event)
        print(event.reason)
        BackgroundTask.exec(function(task) farside.sleep(20) print "task" task:finish() end)
      end)
      App.addListener("pause", print)
      setInterval(print, 1e9)
    ]])
    assert.same({ 0, "work\ntask\n", "" }, { once(path) })
  end)

  it("fails when work has failed for good, and not while it is tried again", function()
    local path = fates()
    local code, _, err = once(path .. " bad")
    assert.equal(1, code)
    assert.matches("work.fail bad 1: it has failed as often as it may: .*no such host", err)
    assert.equal(0, (once(path)))
    assert.equal(0, (once(path .. " later")))
  end)

  it("fails when a slot of periodic work has", function()
    local path = script("periodic", [[
      BackgroundTask.define("sync", { run = function(ctx) return ctx:fail "the account is gone" end })
      assert(BackgroundTask.periodic("sync", "sync", { every = "1h", immediate = true, existing = "keep" }))
    ]])
    local code, _, err = once(path)
    assert.equal(1, code)
    assert.matches("work.fail sync 1: the account is gone", err, 1, true)
    assert.equal(0, (once(path)))
  end)

  it("fails when a script cannot be loaded, or is stopped", function()
    assert.equal(1, (once(script("wrong", "x = = 1"))))
    assert.equal(4, (once("--limits turn=50ms " .. script("endless", "while true do end"))))
  end)

  it("wants a store", function()
    local code, _, err = farside("run --once " .. fates())
    assert.equal(2, code)
    assert.matches("^farside run: %-%-once runs the work that is due in %-%-store FILE: [^\n]*\n$", err)
  end)
end)

describe("farside work", function()
  local function work(words)
    return farside(("work %s --store %s"):format(words, path_of "a.db"))
  end

  -- Times pass, and this spec does not measure them.
  local function untimed(text)
    return (text:gsub("%d+ min %d+ s", "a while"):gsub("%d+ m?s%f[%s:,;]", "a while")
      :gsub("%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d", "a day"):gsub("%(%d%d:%d%d%)", "(a clock)"))
  end

  -- A store with something of each kind.
  local function fill()
    local path = script("fates", [[
      BackgroundTask.define("good", { run = function() return { done = true } end })
      BackgroundTask.define("bad", { retry = { max = 0 }, run = function() error("no such host\nat all", 0) end })
      BackgroundTask.define("later", { run = function(ctx)
        ctx:save { part = 7 }
        ctx:progress(0.5)
        return ctx:retry("90m", "the server is busy")
      end })
      local bad = assert(BackgroundTask.enqueue("bad", { n = 1 }, { tags = { "photos", "x" }, group = "user:7" }))
      assert(BackgroundTask.enqueue("good", nil, { after = bad, onParentFail = "hold" }))
      assert(BackgroundTask.enqueue("good", 42))
      assert(BackgroundTask.enqueue("later", nil, { unique = "only\tone" }))
      assert(BackgroundTask.enqueue("unknown", nil, {
        needs = { network = "unmetered", charging = true }, deadline = "2d", priority = 5 }))
      assert(BackgroundTask.periodic("sync", "good", { every = "1h", flex = "15m" }))
      assert(BackgroundTask.periodic("nightly", "good", {
        cron = "0 3 * * *", zone = "Europe/Berlin", missed = "all", needs = { batteryOk = true } }))
      App.addListener("terminate", function()
        for id = 1, 7 do
          local info = BackgroundTask.get(id)
          local names = {}
          for name in pairs(info) do names[#names + 1] = name end
          table.sort(names)
          print(table.concat(names, " "))
        end
      end)
    ]])
    local code, out = farside(("run --once --store %s %s"):format(path_of "a.db", path))
    assert.equal(1, code) -- One has failed for good.
    return out
  end

  it("lists what there is, the newest first, for people", function()
    fill()
    local code, out, err = work "list"
    assert.same({ 0, "" }, { code, err })
    assert.equal([[
id  state      kind     name      script  runs  when
 7  enqueued   good     nightly   fates      0  in NIGHT
 6  enqueued   good     sync      fates      0  in a while
 5  enqueued   unknown  -         fates      0  now
 4  enqueued   later    only␉one  fates      1  in 1 h a while: the server is busy
 3  succeeded  good     -         fates      1  a while ago
 2  blocked    good     -         fates      0  waits for 1 other, since a while; one has failed
 1  failed     bad      -         fates      1  a while ago: no such host…

4 enqueued, 1 blocked, 1 succeeded, 1 failed
]], (untimed(out):gsub("(nightly   fates      0  in )[^\n]*", "%1NIGHT")))
  end)

  it("lists what is asked for, and says what there is besides", function()
    fill()
    local function ids(words)
      local code, out = work("list " .. words)
      assert.equal(0, code)
      local found = {}
      for id in out:gmatch "%f[^\n%z] *(%d+)  %l" do
        found[#found + 1] = tonumber(id)
      end
      return found, out:match "[^\n]*\n$"
    end
    assert.same({ 7, 6, 3, 2 }, (ids "--kind good"))
    assert.same({ 2 }, (ids "--kind good --state blocked"))
    assert.same({ 1 }, (ids "--tag photos"))
    assert.same({}, (ids "--script nobody"))
    assert.same({ 7, 6 }, (ids "--limit 2"))
    assert.equal("4 enqueued, 1 blocked, 1 succeeded, 1 failed; the newest 2 are shown: --limit N shows more\n",
      (select(2, ids "--limit 2")))
    assert.equal("4 enqueued, 1 blocked, 1 succeeded, 1 failed; none of it was asked for\n",
      (select(2, ids "--state cancelled")))
  end)

  it("prints one object a line for programs, with the names that get has", function()
    local said = fill()
    local code, out, err = work "list --json"
    assert.same({ 0, "" }, { code, err })
    local lines = {}
    for line in out:gmatch "[^\n]+" do
      local object = json.decode(line)
      lines[object.id] = object
      local _, alone = work("show --json " .. object.id)
      assert.equal(line .. "\n", alone)
    end
    local id = 0
    for expected in said:gmatch "[^\n]+" do
      id = id + 1
      local names = {}
      for name in pairs(lines[id]) do
        if name ~= "script" and name ~= "after" then
          names[#names + 1] = name
        end
      end
      table.sort(names)
      assert.equal(expected, table.concat(names, " "))
      assert.equal("fates", lines[id].script)
    end
    assert.equal(7, id)
    assert.same({ n = 1 }, lines[1].input)
    assert.same({ "photos", "x" }, lines[1].tags)
    assert.equal("no such host\nat all", lines[1].why:match "^no such host\nat all")
    assert.same({ 1 }, lines[2].after)
    assert.same({ done = true }, lines[3].output)
    assert.same({ { part = 7 }, 0.5, "retry" }, { lines[4].checkpoint, lines[4].progress, lines[4].reason })
    assert.same({ network = "unmetered", charging = true, batteryOk = false, storageOk = false, idle = false },
      lines[5].needs)
    assert.same({ 3600000, 900000 }, { lines[6].periodic.everyMs, lines[6].periodic.flexMs })
    assert.same({ "0 3 * * *", "Europe/Berlin", "all" },
      { lines[7].periodic.cron, lines[7].periodic.zone, lines[7].periodic.missed })
  end)

  it("shows all of one", function()
    fill()
    local _, out = work "show 4"
    assert.equal([[
work 4
  kind        later
  script      fates
  state       enqueued since a day
  reason      its last run failed, and it is tried again
  why         the server is busy
  due         a day, in 1 h a while
  unique      only␉one
  enqueued    a day, a while ago
  runs        1
  failed      1, may fail 10
  checkpoint  {"part":7}
  progress    0.5
]], untimed(out))
    _, out = work "show 1"
    assert.matches("\n  why         no such host\n              at all\n", out)
    assert.matches("\n  tags        photos, x\n", out)
    _, out = work "show 5"
    assert.matches("\n  needs       network unmetered, charging\n  priority    5\n", out)
  end)

  it("explains why one does not run, and when it can", function()
    fill()
    local function explained(id)
      local code, out, err = work("explain " .. id)
      assert.same({ 0, "" }, { code, err })
      return (untimed(out))
    end
    assert.equal([[
work 1: bad, failed
  it failed a while ago: it has failed as often as it may
]], explained(1))
    assert.equal([[
work 2: good, blocked
  other work that it waits for has failed, since a while
  no app is running that has this file open
]], explained(2))
    assert.equal([[
work 4: later, enqueued
  its last run failed, and it is tried again; that is in 1 h a while (a clock)
  no app is running that has this file open
  the last time: the server is busy
]], (explained(4):gsub("%(%a+ %a+ %d+:%d+%)", "(a clock)"):gsub("%(%d+%-%d+%-%d+ %d+:%d+%)", "(a clock)")))
    assert.equal([[
work 5: unknown, enqueued
  no app is running that has this file open
  when it starts, it needs: network unmetered, charging
]], explained(5))
    local code, out = work "explain --json 4"
    local object = json.decode(out)
    assert.same({ 0, 4, "enqueued", 2, "time", "app" },
      { code, object.id, object.state, #object.obstacles, object.obstacles[1].what, object.obstacles[2].what })
    assert.truthy(object.obstacles[1].untilMs > object.obstacles[1].sinceMs)
    assert.truthy(object.needs)
  end)

  it("tells its runs", function()
    fill()
    local code, out = work "history 4"
    assert.equal(0, code)
    assert.matches("^attempt  outcome    begun                took\n +1  retry      [%d%-: ]+  .*  the server is busy\n$",
      out)
    assert.not_matches(" \n", (select(2, work "history 3")))
    local run = json.decode((select(2, work "history 4 --json")))
    assert.same({ 1, "retry", "the server is busy" }, { run.attempt, run.outcome, run.why })
    assert.truthy(run.begunAtMs > 0 and run.endedAtMs >= run.begunAtMs)
    assert.same({ 0, "work 5 has not run yet\n", "" }, { work "history 5" })
    assert.same({ 0, "", "" }, { work "history 5 --json" })
  end)

  it("cancels, redrives and forgets in the file of an app that does not run", function()
    fill()
    assert.same({ 0, "cancelled: 1\n", "" }, { work "cancel 5" })
    assert.same({ 0, "cancelled: 0\n", "farside work cancel: work 5 has ended already\n" }, { work "cancel 5" })
    assert.same({ 0, '{"cancelled":3}\n', "" }, { work "cancel --kind good --json" })
    assert.same({ 0, "redriven: 1\n", "" }, { work "redrive --tag photos" })
    assert.same({ 0, "redriven: 0\n", "" }, { work "redrive --kind good" })
    assert.same({ 0, "redriven: 3\n", "" }, { work "redrive --kind good --state cancelled" })
    local code, out, err = work "redrive 4"
    assert.same({ 1, "", "farside work redrive: work 4 is enqueued: only what has failed or was cancelled is redriven\n" },
      { code, out, err })
    assert.same({ 0, "pruned: 0\n", "" }, { work "prune --script nobody" })
    assert.same({ 0, "pruned: 2\n", "" }, { work "prune" })
    assert.matches("\n5 enqueued\n$", (select(2, work "list")))
  end)

  it("reads the file of an app that runs, and changes nothing there", function()
    local job = start(("run --store %s %s slow"):format(path_of "a.db", fates()))
    says(job, "slow begins")
    local _, out = work "list"
    assert.matches(" 1  running    slow  %-     fates      1  for %d", out)
    assert.same({ 0, "work 1: slow, running\n  it runs\n", "" }, { work "explain 1" })
    for _, words in ipairs { "cancel 1", "redrive 1", "prune", "cancel --kind slow" } do
      local code, said, err = work(words)
      local verb = words:match "%a+"
      assert.same({ 1, "" }, { code, said })
      assert.equal(("farside work %s: %s is in use by the process with pid %d: end that first, or let the app do it "
        .. "(BackgroundTask.%s)\n"):format(verb, path_of "a.db", job.pid, verb), err)
    end
    _, out = work "list --state running"
    assert.matches(" 1  running ", out)
  end)

  it("tells of what a killed app was running, and cancels that too", function()
    local job = start(("run --store %s %s slow"):format(path_of "a.db", fates()))
    says(job, "slow begins")
    send("KILL", job.pid)
    ended(job)
    local _, out = work "list"
    assert.matches(" 1  running    slow  %-     fates      1  its app has died; begun", out)
    _, out = work "explain 1"
    assert.equal("work 1: slow, running\n  its app has died while it ran: it is taken up at the next start\n", out)
    assert.same({ 0, "cancelled: 1\n", "" }, { work "cancel 1" })
    _, out = work "history 1 --json"
    assert.equal("crashed", json.decode(out).outcome)
  end)

  it("says in a sentence what is wrong with a file or an id", function()
    fill()
    write(path_of "text.db", "Dear diary,\n")
    local function refused(words, sentence)
      local code, out, err = farside("work " .. words)
      assert.same({ 1, "" }, { code, out })
      assert.equal(("farside work %s: %s\n"):format(words:match "^%S+", sentence), err)
    end
    for _, verb in ipairs { "list", "show 1", "cancel 1", "prune" } do
      refused(verb .. " --store " .. path_of "no.db", path_of "no.db" .. ": there is no such file")
      refused(verb .. " --store " .. folder, folder .. ": it is a folder")
      refused(verb .. " --store " .. path_of "text.db", path_of "text.db"
        .. ": it is no store of Farside's, but something else; it was left as it is")
    end
    assert.equal("Dear diary,\n", read(path_of "text.db"))
    assert.equal("", read(path_of "no.db.lock"))
    for _, verb in ipairs { "show", "explain", "history", "cancel", "redrive" } do
      refused(("%s 999 --store %s"):format(verb, path_of "a.db"),
        "there is no work 999: it never was, or it ended long ago")
    end
  end)

  it("says what is missing, and what there is", function()
    local verbs = "list, show, explain, history, cancel, redrive, prune, install-timer"
    for words, sentence in pairs {
      [""] = "what is to be done? There are: " .. verbs,
      ["lst"] = "there is no 'lst'; there are: " .. verbs,
      ["list"] = "which store? --store FILE",
      ["show --store x"] = "show which work? Its ID is missing",
      ["cancel --store x"] = "cancel what? An ID, or --kind, --tag, --script, --state",
      ["show one --store x"] = "an ID is a whole number from 1 on, not one",
      ["show 0 --store x"] = "an ID is a whole number from 1 on, not 0",
      ["show 1 2 --store x"] = "what is 2?",
      ["list 1 --store x"] = "what is 1?",
      ["prune 1 --store x"] = "what is 1?",
      ["show 1 --kind y --store x"] = "show takes no --kind",
      ["prune --kind y --store x"] = "prune takes no --kind",
      ["cancel 1 --kind y --store x"] = "an ID says all: --state, --kind, --tag and --script do not go with it",
      ["list --state new --store x"] =
        "--state needs one of: enqueued, running, blocked, succeeded, failed, cancelled",
      ["list --limit 0 --store x"] = "--limit needs how many, from 1 on, not 0",
      ["list --grace 1s --store x"] = "there is no option --grace",
      ["install-timer --store x"] = "which script is to run?",
    } do
      local code, out, err = farside("work " .. words)
      assert.same({ 2, "" }, { code, out }, words)
      assert.equal(("farside work: %s\nusage: farside work list|"):format(sentence), err:match "^.-\n.-list|", words)
    end
  end)

  it("has help", function()
    local _, overview = farside "help"
    assert.matches("\n  farside work +look into a store of durable work", overview)
    local code, out = farside "help work"
    assert.equal(0, code)
    for verb in ("list show explain history cancel redrive prune install-timer"):gmatch "%S+" do
      assert.matches("\n  " .. verb, out, 1, true)
    end
    assert.same({ 0, out, "" }, { farside "work --help" })
  end)
end)

describe("farside work install-timer", function()
  it("prints units with absolute paths, how to enable them, and a line for crontab", function()
    local path = fates()
    local code, out, err = farside(("work install-timer --store %s %s"):format(path_of "a.db", path))
    assert.same({ 0, "" }, { code, err })
    local real = shell("realpath " .. folder)
    for _, line in ipairs {
      "# ~/.config/systemd/user/farside-fates.service",
      "Type=oneshot",
      "WorkingDirectory=" .. real,
      ('ExecStart="%s" run --once --store "%s/a.db" "%s/fates.lua"'):format(program.absolute(), real, real),
      "# ~/.config/systemd/user/farside-fates.timer",
      "OnCalendar=*:0/15",
      "Persistent=true",
      "WantedBy=timers.target",
      "#   systemctl --user enable --now farside-fates.timer",
    } do
      assert.truthy(("\n" .. out):find("\n" .. line .. "\n", 1, true), line)
    end
    assert.matches("\n#   %*/15 %* %* %* %* cd /", out)
    assert.equal("", read(path_of "a.db")) -- It writes nothing.
  end)

  it("prints a line that a shell understands, whatever the names are", function()
    local odd = folder .. "/50% of $it's"
    assert(os.execute(('mkdir "%s"'):format((odd:gsub("%$", "\\$")))))
    write(odd .. "/my app.lua", "print(...)")
    local quoted = "'" .. odd:gsub("'", "'\\''") .. "/my app.lua'"
    local store = "'" .. odd:gsub("'", "'\\''") .. "/a.db'"
    local code, out = farside(("work install-timer --store %s %s one -- --two 'th\"r ee'"):format(store, quoted))
    assert.equal(0, code)
    assert.matches("\n# ~/.config/systemd/user/farside%-my_app.service\n", "\n" .. out)
    assert.matches("/50%% of $$it's/my app.lua\" -- \"one\" \"--two\" \"th\\\"r ee\"\n", out, 1, true)
    -- As cron does: the line without its times, and without backslashes before %.
    local line = out:match("\n#   %*/15 %* %* %* %* ([^\n]*)\n$"):gsub("\\%%", "%%")
    write(path_of "line.sh", line)
    assert.equal("one\t--two\tth\"r ee", shell("sh " .. path_of "line.sh"))
    assert.truthy(read(odd .. "/a.db") ~= "")
  end)

  it("wants a script that there is, and a folder for the store", function()
    local code, out, err = farside(("work install-timer --store %s %s"):format(path_of "a.db", path_of "no.lua"))
    assert.same({ 1, "", ("farside work install-timer: %s cannot be read: No such file or directory\n")
      :format(path_of "no.lua") }, { code, out, err })
    code, out, err = farside(("work install-timer --store %s %s"):format(path_of "no/a.db", fates()))
    assert.same({ 1, "", ("farside work install-timer: %s: there is no such folder\n"):format(path_of "no/a.db") },
      { code, out, err })
  end)
end)
