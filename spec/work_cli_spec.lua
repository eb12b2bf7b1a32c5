-- Durable work from the shell: `farside run --store` and `farside work`. What
-- needs real time waits for an answer, and never for a time.

local FARSIDE <const> = os.getenv "FARSIDE" or "build/release/farside"

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

local function read(path)
  local file <close> = io.open(path, "r")
  return file and file:read "a" or ""
end

local function shell(command)
  local pipe <close> = assert(io.popen(command))
  return (pipe:read "a":gsub("\n$", ""))
end

local folder, jobs

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

-- Runs a command line; returns the exit code, standard output, standard error.
-- The time is for one that never ends, and no measure of anything.
local function farside(words, before)
  local out, err = path_of "out", path_of "err"
  local _, how, code = os.execute(("%s timeout 300 %s %s >%s 2>%s </dev/null"):format(before or "", FARSIDE, words, out,
    err))
  assert.equal("exit", how)
  return code, read(out), read(err)
end

local function wait_for(what, condition)
  local end_s = os.time() + 300
  repeat
    local result = condition()
    if result then
      return result
    end
    os.execute "sleep 0.02"
  until os.time() > end_s
  error("waited in vain: " .. what, 2)
end

-- A program that goes on while the spec does.
local function start(words)
  local base = path_of("job" .. #jobs + 1)
  local job = { out = base .. ".out", err = base .. ".err", code = base .. ".code" }
  job.pid = tonumber(shell(("exec 3>&1; { %s %s >%s 2>%s </dev/null 3>&- & echo $! >&3; exec 3>&-; wait $!; "
    .. "echo $? >%s; } >/dev/null 2>&1 &"):format(FARSIDE, words, job.out, job.err, job.code)))
  jobs[#jobs + 1] = job
  return job
end

local function says(job, text)
  wait_for(text .. "\n" .. read(job.err), function() return read(job.out):find(text, 1, true) end)
end

local function ended(job)
  return wait_for("the end", function() return tonumber(read(job.code)) end)
end

local function send(signal, job)
  os.execute(("kill -%s %d"):format(signal, job.pid))
end

before_each(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
  jobs = {}
end)

after_each(function()
  for _, job in ipairs(jobs) do
    if read(job.code) == "" then
      os.execute(("kill -9 %d 2>/dev/null"):format(job.pid))
      ended(job)
    end
  end
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
    send("KILL", job)
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
    send("TERM", job)
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
    send("TERM", job)
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
      local code, out = farside(words, ("TZ='%s'"):format(zone))
      assert.same({ 0, "03:30\n" }, { code, out }, zone)
    end
  end)
end)

describe("farside run --once", function()
  local function once(words, before)
    return farside(("run --once --store %s %s"):format(path_of "a.db", words), before)
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
