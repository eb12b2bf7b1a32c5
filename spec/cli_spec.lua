-- The program as people use it, rightly and wrongly. Nothing here waits for
-- real time but where the script says so.

local json = require "spec.json"
local program = require "spec.program"

local write, read, farside = program.write, program.read, program.run

-- The same, without the standard output.
local function fault(words)
  local code, _, errors = farside(words)
  return code, errors
end

local function script(code)
  local path = os.tmpname()
  write(path, 'local farside = require "farside" local App, BackgroundTask = '
    .. "farside.Plugins.App, farside.Plugins.BackgroundTask " .. code)
  return path
end

local function in_order(text, ...)
  local from = 1
  for _, word in ipairs { ... } do
    local _, last = text:find(word, from, true)
    assert.truthy(last, ("'%s' does not follow in:\n%s"):format(word, text))
    from = last + 1
  end
end

local GRANT <const> = " --grant 'http=https://films.example.com/*'"
local MAIN_JOB <const> = "simulate scripts/finish_upload.lua"

describe("farside simulate", function()
  it("shows the main job: the upload is finished, then the app is suspended", function()
    local code, out, err = farside(MAIN_JOB)
    assert.equal("", err)
    in_order(out, "app.pause", "task.begin", "http.begin", "http.end", "201: 4194304 bytes sent", "task.finish",
      "app.suspend", "app.resume", "1 finished")
    assert.equal(0, code)
  end)

  it("is what the README shows, to the letter", function()
    local _, out = farside(MAIN_JOB)
    local command, shown = read("README.md"):match "%$ farside (simulate scripts/finish_upload.lua)\n(.-)```"
    assert.equal(MAIN_JOB, command)
    assert.equal(out, shown)
  end)

  it("plays the twenty lines of the README", function()
    local path = script('require("farside").Plugins.Files.write("trip.mov", ("film"):rep(1 << 20)) '
      .. read("README.md"):match "```lua\n(.-)```")
    local code, out, err = farside("simulate " .. path .. " --plan scripts/finish_upload.plan.lua")
    os.remove(path)
    assert.equal("", err)
    assert.equal(0, code, out)
  end)

  it("draws the picture in the README, to the letter", function()
    local words = read("README.md"):match "farside (simulate scripts/forgotten_finish.lua) %-%-picture docs"
    local code, out = farside(words .. " --picture -")
    assert.equal(3, code)
    assert.equal(read "docs/forgotten_finish.svg", out)
  end)

  it("shows the classic example breaking a rule of ios, and what to do", function()
    local code, out = farside "simulate scripts/long_timeout.lua --os ios"
    assert.equal(3, code)
    in_order(out, "task.begin", "scripts/long_timeout.lua:", "task.expiring", "task.expire", "task.leak",
      "violation", "app.suspend", "broken: scripts/long_timeout.lua:", "BG01", "0x2182bad2", "Call finish on every path")
  end)

  it("shows the classic example being fine on android", function()
    local code, out = farside "simulate scripts/long_timeout.lua --os android"
    assert.equal(0, code)
    in_order(out, "task.finish", "app.suspend")
  end)

  it("gives the same timeline, byte for byte, each time", function()
    local one, two = os.tmpname(), os.tmpname()
    farside("simulate scripts/long_timeout.lua --os ios --timeline " .. one)
    farside("simulate --timeline=" .. two .. " --os=ios scripts/long_timeout.lua")
    local text = read(one)
    assert.equal(text, read(two))
    assert.matches('^{"t":0,"what":"app.launch"', text)
    assert.matches('"what":"task.leak"', text)
    os.remove(one)
    os.remove(two)
  end)

  it("writes the timeline to standard output, and nothing else there", function()
    local code, out = farside "simulate --timeline - scripts/long_timeout.lua"
    assert.equal(3, code)
    for line in out:gmatch "[^\n]+" do
      assert.matches('^{"t":%d+,"what":"[%a.]+","level":"%a+","state":"%a+".*}$', line)
    end
  end)

  it("leaves standard output to the timeline, even when a plan prints", function()
    local plan = os.tmpname()
    write(plan, 'print("from the plan", 1) phone:launch()')
    local _, out, err = farside("simulate --timeline - scripts/finish_upload.lua --plan " .. plan)
    assert.equal("from the plan\t1\n", err)
    assert.matches('^{"t":0,', out)
    os.remove(plan)
    local path = script 'print "from the script"'
    _, out, err = farside("run --timeline - " .. path)
    assert.matches('^{"t":%d+,', out)
    assert.matches("^from the script\n", err)
    os.remove(path)
  end)

  it("follows a plan", function()
    local plan = os.tmpname()
    write(plan, [[
      phone:respond("https://films.example.com/*", { rate = "100KB/s" })
      local app = assert(phone:launch())
      phone:pressHome()
      phone:advance "2s"
      phone:kill "no memory"
      assert(phone:openApp())
      assert(#app:tasks() == 1 and phone:state() == "active")
    ]])
    local code, out, err = farside("simulate scripts/finish_upload.lua --plan " .. plan .. GRANT)
    assert.equal("", err)
    in_order(out, "plan " .. plan, "app.pause", "task.cancel", "no memory", "app.kill", "app.launch")
    assert.equal(0, code)
    os.remove(plan)
  end)

  it("finds the plan that lies beside a script, unless it is told another", function()
    local path = script "print 'it runs'"
    local named, plan = path .. ".lua", path .. ".plan.lua"
    assert(os.rename(path, named))
    write(plan, 'expect(phone:launch()) phone:advance "7s" phone:quit()')
    local code, out = farside("simulate " .. named)
    assert.equal(0, code)
    in_order(out, "plan " .. plan, "it runs", "7.000 s", "app.terminate")
    write(plan, "phone:launch() expect(false, 'it was played')")
    code, out = farside("simulate " .. named)
    assert.equal(1, code, out)
    assert.equal(0, (farside("simulate --for 1h " .. named)))
    local other = os.tmpname()
    write(other, "phone:launch()")
    assert.equal(0, (farside(("simulate --plan %s %s"):format(other, named))))
    os.remove(other)
    os.remove(plan)
    out = select(2, farside("simulate " .. named))
    assert.matches("default plan", out)
    os.remove(named)
  end)

  it("plays a plan that gives plugins, and the app outlives it", function()
    local path = script [[
      local Plugins = farside.Plugins
      App.addListener("pause", function()
        BackgroundTask.exec(function(task)
          print(Plugins.Score.submit { points = 42 }.rank)
          local _ <close> = setmetatable({}, {
            __close = function() Plugins.Score.submit(2, print) end,
          })
          Plugins.Score.never()
          task:finish()
        end)
      end)]]
    local plan = os.tmpname()
    write(plan, [[
      phone:plugin("Score", {
        submit = function(value) return { rank = value.points // 10 } end,
        never = function() end,
      })
      expect(phone:launch())
      phone:pressHome()
      phone:advance "1s"]])
    local code, out, err = farside(("simulate %s --plan %s"):format(path, plan))
    assert.equal("", err)
    assert.equal(0, code)
    assert.matches("task.begin.-log +#%d+  4\n", out)
    os.remove(path)
    os.remove(plan)
  end)

  it("fails when the plan does, and still shows what happened", function()
    local plan = os.tmpname()
    write(plan, 'phone:launch() phone:advance "1s" error "expected more"')
    local code, out, err = farside("simulate scripts/finish_upload.lua --plan " .. plan)
    assert.equal(1, code)
    assert.matches("expected more", err)
    assert.matches("app.launch", out)
    write(plan, "phone:launch(")
    code, err = fault("simulate scripts/finish_upload.lua --plan " .. plan)
    assert.equal(1, code)
    assert.matches("unexpected symbol near <eof>", err)
    os.remove(plan)
  end)

  it("survives a plan that closes its phone, or fails in a strange way", function()
    local plan = os.tmpname()
    write(plan, "phone:launch() phone:close() phone = nil collectgarbage()")
    local code, out = farside("simulate scripts/finish_upload.lua --plan " .. plan)
    assert.equal(0, code)
    assert.matches("app.launch", out)
    write(plan, "error(setmetatable({}, { __tostring = function() error 'x' end }))")
    local _, _, err = farside("simulate scripts/finish_upload.lua --plan " .. plan)
    assert.matches("error object is a table value", err)
    os.remove(plan)
  end)

  it("does not call broken what was finished after all", function()
    local path = script [[
      BackgroundTask.exec(function() end)
      setTimeout(function() BackgroundTask.finish { taskId = BackgroundTask.list()[1].taskId } end, 500)
    ]]
    local code, out = farside("simulate " .. path)
    assert.equal(0, code)
    assert.matches("task.leak", out)
    assert.not_matches("broken:", out)
    os.remove(path)
  end)

  it("fails when the script does", function()
    for _, text in ipairs { "x = = 1", "error 'at load'", 'App.addListener("pause", function() error "x" end)' } do
      local path = script(text)
      local code, out = farside("simulate " .. path)
      assert.equal(1, code)
      assert.matches(path:gsub("%p", "%%%0") .. ":1:", out)
      os.remove(path)
    end
  end)

  it("hands its arguments to the script", function()
    local path = script 'print(#arg, arg[0] ~= nil, ...)'
    local _, out = farside("simulate " .. path .. " a --os b")
    in_order(out, "3\ttrue\ta\t--os\tb")
    _, out = farside("simulate " .. path .. " -- -v")
    in_order(out, "1\ttrue\t-v")
    os.remove(path)
  end)

  it("ends a script that never lets time pass", function()
    local path = script [[
      local function again() BackgroundTask.exec(function(task) task:finish() again() end) end
      again()
    ]]
    if program.path:find "asan" or program.path:find "tsan" then
      os.remove(path)
      return -- A million turns take too long there.
    end
    local code, out = farside("simulate " .. path)
    assert.equal(1, code)
    assert.matches("a script does not let time pass", out)
    os.remove(path)
  end)

  it("finds the modules beside the script", function()
    local folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir -p " .. folder .. "/lib")
    write(folder .. "/one.lua", 'return "one"')
    write(folder .. "/lib/init.lua", 'return "lib"')
    write(folder .. "/app.lua", 'print(require "one", require "lib")')
    local code, out = farside("simulate " .. folder .. "/app.lua")
    assert.equal(0, code)
    in_order(out, "one\tlib")
    os.execute("rm -r " .. folder)
  end)
end)

describe("farside simulate comes to an end, and says why, of", function()
  local function ending(code, words)
    local path <const> = script(code)
    local status, out, err = farside(("simulate %s %s"):format(words or "", path))
    os.remove(path)
    return status, out, err
  end

  it("an infinite loop", function()
    local status, out = ending("while true do end", "--limits turn=50ms")
    assert.equal(4, status)
    assert.matches("script.kill +[^\n]+:1: it has computed for 0%.05%d s without an end; a turn may for 0%.050 s "
      .. "%(limit turn%)", out)
    status, out = ending("BackgroundTask.exec(function() while true do end end)", "--limits turn=50ms")
    assert.equal(4, status)
    assert.matches("task.fail +#70001 +[^\n]+ without an end", out)
  end)

  it("a runaway allocation", function()
    local status, out, err = ending("local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end")
    assert.equal(1, status)
    assert.matches("app.kill +its script failed to load", out)
    assert.matches("not enough memory: the script may have 65536 KB %(limit memory%)", err)
  end)

  it("a million timers at one instant", function()
    local status, _, err = ending("for _ = 1, 1e6 do setTimeout(print, 1000) end")
    assert.equal(1, status)
    assert.matches("not enough memory: the script may have", err)
    if program.path:find "asan" or program.path:find "tsan" then
      return -- A million turns take too long there.
    end
    local out
    status, out = ending([[
      local fired = 0
      for _ = 1, 1e6 do setTimeout(function() fired = fired + 1 end, 1000) end
      setTimeout(function() print(("%d have fired"):format(fired)) end, 1001)
      App.addListener("terminate", function() print(("%d in the end"):format(fired)) end)
    ]], "--limits memory=1GB,turn=60s")
    assert.equal(0, status)
    assert.matches("1000000 in the end", out)
  end)

  it("a timeline over its bound", function()
    local path <const> = os.tmpname()
    local status, out = ending("for i = 1, 20000 do print(i) end", "--timeline " .. path)
    assert.equal(0, status)
    assert.matches("\n%(10%d%d%d older entries were dropped%)\n", out)
    local count = select(2, read(path):gsub("\n", ""))
    assert.equal(tonumber(out:match "(%d+) entries"), count)
    os.remove(path)
  end)
end)

describe("farside run", function()
  it("runs until nothing is left to wait for", function()
    local path = script [[
      print "one"
      BackgroundTask.exec(function(task) farside.sleep(20) print "two" task:finish() end)
    ]]
    local code, out, err = farside("run " .. path)
    assert.same({ 0, "one\ntwo\n", "" }, { code, out, err })
    os.remove(path)
  end)

  it("says that a script which does nothing has done nothing", function()
    local path = script ""
    local code, out, err = farside("run " .. path)
    assert.same({ 0, "" }, { code, out })
    assert.matches("set no listener, timer or task, so there is nothing to wait for", err)
    os.remove(path)
  end)

  it("waits in farside.run(), as plain Lua does, and refuses it in a callback", function()
    local path = script [[
      setTimeout(function() print(pcall(farside.run)) App.exitApp() end, 5)
      farside.run()
      print "after the end"
    ]]
    local code, out = farside("run " .. path)
    assert.equal(0, code)
    assert.matches("^false\t.*farside.run%(%) is running already", out)
    assert.not_matches("after the end", out)
    os.remove(path)
  end)

  it("keeps output and faults apart", function()
    local path = script [[
      Log = farside.Plugins.Log
      print "out" Log.debug "hidden" Log.warn "careful" Log.error "bad"
      setTimeout(function() error "broken" end, 1)
      BackgroundTask.exec(function() end, { name = "forgotten" })
      setTimeout(App.exitApp, 10)
    ]]
    local code, out, err = farside("run --grace 50ms " .. path)
    assert.equal("out\n", out)
    in_order(err, "warn: careful", "error: bad", "task.leak forgotten (" .. path .. ":4)", "task.expire")
    assert.matches("error: [^\n]+: broken\nstack traceback:", err)
    assert.not_matches("hidden", err)
    assert.equal(4, code)
    code, err = fault("run -v --grace 50ms " .. path)
    assert.equal(4, code)
    assert.matches("hidden", err)
    os.remove(path)
  end)

  it("writes its timeline as it goes", function()
    local path, lines = script 'setTimeout(print, 5, "é\\xff\\n\\"")', os.tmpname()
    assert.equal(0, (farside("run --timeline " .. lines .. " " .. path)))
    assert.matches('"what":"app.launch".*"what":"timer.fire".*"why":"%?%?%?\\n\\""}', read(lines))
    os.remove(path)
    os.remove(lines)
  end)

  it("says so when the timeline cannot be written", function()
    local code, _, err = farside "run --timeline /no/such/folder/x scripts/finish_upload.lua"
    assert.equal(2, code)
    assert.matches("cannot write /no/such/folder/x", err)
    local file = io.open("/dev/full", "w")
    if file then
      file:close()
      code, err = fault "simulate --timeline /dev/full scripts/finish_upload.lua"
      assert.equal(1, code)
      assert.matches("not all of the timeline was written to /dev/full", err)
    end
  end)
end)

local function lines_of(text)
  local lines = {}
  for line in text:gmatch "([^\n]*)\n" do
    lines[#lines + 1] = line
  end
  return lines
end

describe("farside profile", function()
  local PROFILES <const> = { "ios", "android", "strict", "desktop" }

  it("shows each constant of a profile: readable, with its mark", function()
    for _, name in ipairs(PROFILES) do
      local code, out, err = farside("profile " .. name)
      assert.same({ 0, "" }, { code, err })
      local lines = lines_of(out)
      local value, mark = lines[1]:match("^" .. name .. " +()value +()mark")
      for i = 2, #lines do
        assert.matches("^[%l_]+ +[%d%l-]", lines[i])
        assert.matches("^%l+", lines[i]:sub(mark), lines[i])
        assert.matches("^ [%d%l-]", lines[i]:sub(value - 1), lines[i])
      end
    end
    local _, out = farside "profile ios"
    in_order(out, "exec_budget ", "30 s ", "documented", "exec_budget_scope", "app", "expiry_handler_kill", "5 s",
      "assumed", "fetch_budget", "30 s", "secondary", "fetch_min_interval", "15 min", "pending_fetch_max", "1 request ",
      "thread_wakeups", "150 per second", "backoff_initial", "- ", "absent", "minimize_allowed", "no ")
  end)

  it("says of strict whose value it is, and of both where both hold", function()
    local _, out = farside "profile strict"
    in_order(out, "exec_budget ", "30 s", "ios", "main_block_limit", "5 s", "android",
      "cpu_limit_fast ", "80 %", "ios\n", "cpu_limit_fast ", "25 %", "android\n", "cpu_limit_fast_window")
    assert.matches("expedited_budget +%- +absent\n", out)
  end)

  it("shows all side by side without a name, and explains its signs", function()
    local code, out = farside "profile"
    assert.equal(0, code)
    local lines = lines_of(out)
    assert.matches("^constant +ios +android +strict +desktop$", lines[1])
    assert.matches("\nexec_budget +30 s +3 min +30 s +30 s %?\n", out)
    assert.matches("\nfetch_budget +30 s ~ +10 min +30 s ~ +%-\n", out)
    assert.matches("\ncpu_limit_fast +80 %% ~ +25 %% +both +%-\n", out)
    assert.matches("^~ secondary +%? assumed +%- absent", lines[#lines])
  end)

  it("shows with -v what each limits, and the source", function()
    for _, option in ipairs { "-v", "--verbose" } do
      local code, out = farside("profile android " .. option)
      assert.equal(0, code)
      in_order(out, "fetch_min_interval", "15 min", "documented\n    the shortest period of a fetch\n    https://",
        "push_wake_budget", "absent\n    how long", "\n    by the rules of jobs")
    end
    local _, out = farside "profile -v"
    in_order(out, "ios  ", "\n\nandroid  ", "\n\nstrict  ", "\n\ndesktop  ")
  end)

  it("prints JSON", function()
    local _, all = farside "profile --json"
    all = json.decode(all)
    for i, name in ipairs(PROFILES) do
      local code, out, err = farside("profile --json " .. name)
      assert.same({ 0, "" }, { code, err })
      local one = json.decode(out)
      assert.same(all[i], one)
      assert.equal(name, one.profile)
      for _, constant in ipairs(one.constants) do
        assert.equal(constant.mark == "absent", constant.value == json.null, constant.name)
        assert.equal(constant.mark == "absent", constant.text == json.null, constant.name)
        local is_read = constant.mark == "documented" or constant.mark == "secondary"
        assert.truthy(not is_read or constant.source:find "^https://", constant.name)
      end
    end
    local budget
    for _, constant in ipairs(all[3].constants) do
      budget = constant.name == "exec_budget" and constant or budget
    end
    assert.same({ name = "exec_budget", unit = "ms", value = 30000, text = "30 s", mark = "documented", of = "ios",
      source = "https://developer.apple.com/forums/thread/85066",
      what = "how long an app with an open task may run after it has left the foreground" }, budget)
  end)
end)

describe("farside rules", function()
  it("lists each rule with its severity and title, and whether it is detected", function()
    local code, out, err = farside "rules"
    assert.same({ 0, "" }, { code, err })
    local lines = lines_of(out)
    assert.equal(44, #lines)
    local place
    for _, line in ipairs(lines) do
      local severity, at, detected = line:match "^%u%u%d%d  (%l+) +%S.-   *()(%l[%l ]+)"
      assert.truthy(severity == "error" or severity == "warning", line)
      local is_said = line:find("  detected", 1, true) or line:find("  not yet: %l", 1)
      assert.truthy(at and detected and is_said, line)
      place = place or is_said
      assert.equal(place, is_said, line)
    end
    in_order(out, "BG01  error    finish is never called  ", "detected\n", "FE01  warning  ", "RS06  error  ",
      "SC11  error  ")
  end)

  it("tells all about one, in capitals or not", function()
    local code, out, err = farside "rules BG01"
    assert.same({ 0, "" }, { code, err })
    in_order(out, "BG01  error  finish is never called\n", "  wrong ", "  ios ", "kill, 0x2182bad2", "  android ",
      "throttle, STOP_REASON_TIMEOUT (3): ", "  advice ", "  detected ", "  sources ", "https://",
        "\n            https://")
    assert.equal(out, select(2, farside "rules bg01"))
    assert.equal(out, select(2, farside "rules bg01 -v"))
    for line in out:gmatch "[^\n]+" do
      assert.truthy(#line <= 78 or line:find "https://", line)
    end
    in_order(select(2, farside "rules RS03"), "ios       nothing is known\n", "android   rejection: ")
  end)

  it("tells all about each with -v, as about one", function()
    local _, all = farside "rules -v"
    local _, list = farside "rules"
    for id in list:gmatch "%u%u%d%d" do
      local _, one = farside("rules " .. id)
      assert.truthy(all:find(one, 1, true), id)
    end
  end)

  it("prints JSON", function()
    local _, out = farside "rules --json"
    local all = json.decode(out)
    assert.equal(44, #all)
    for _, rule in ipairs(all) do
      assert.equal(rule.detected, rule.why_not == json.null, rule.id)
      assert.truthy(#rule.sources > 0, rule.id)
    end
    local code, one, err = farside "rules fe05 --json"
    assert.same({ 0, "" }, { code, err })
    one = json.decode(one)
    assert.same({ kind = "refusal", code = "BGTaskScheduler 2 (tooManyPendingTaskRequests)", what = "submit fails" },
      one.ios)
    assert.equal(json.null, one.android)
    assert.equal("error", one.severity)
  end)
end)

describe("what farside profile and farside rules print", function()
  it("is plain in a pipe", function()
    for _, words in ipairs { "profile", "profile -v", "profile strict", "rules", "rules -v", "rules BG01",
      "rules --json" } do
      local _, out = farside(words)
      assert.falsy(out:find "\27", words)
      assert.falsy(out:find "[ \t]\n", words)
    end
  end)

  it("is coloured on a terminal, unless NO_COLOR is set; JSON never is", function()
    if not os.execute "script --version >/dev/null 2>&1" then
      return -- It lends us a terminal.
    end
    local function seen(before, words)
      local pipe <close> = assert(io.popen(("%s script -qec '%s %s' /dev/null </dev/null"):format(before, program.path,
        words)))
      return pipe:read "a"
    end
    for _, words in ipairs { "profile", "profile ios", "rules", "rules BG01" } do
      assert.matches("\27%[3[136]m.*\27%[0m", seen("env -u NO_COLOR", words))
      assert.not_matches("\27", seen("NO_COLOR=1", words))
    end
    assert.not_matches("\27", seen("env -u NO_COLOR", "rules --json"))
  end)

  it("is an error when it cannot be written", function()
    local file = io.open("/dev/full", "w")
    if file then
      file:close()
      for _, words in ipairs { "profile", "profile --json ios", "rules", "rules --json" } do
        local err = os.tmpname()
        local _, _, code = os.execute(("%s %s >/dev/full 2>%s"):format(program.path, words, err))
        assert.equal(1, code)
        assert.matches("not all of it was written: ", read(err))
        os.remove(err)
      end
    end
  end)
end)

describe("wrong use of the command line", function()
  local cases = {
    { "", 2, "farside simulate SCRIPT" },
    { "fly", 2, "there is no command 'fly'; there are: run, simulate, work, profile, rules, new, help, version" },
    { "run", 2, "farside run: which script?" },
    { "simulate", 2, "farside simulate: which script?" },
    { "run --os ios x.lua", 2, "there is no option %-%-os" },
    { "simulate --oss ios x.lua", 2, "there is no option %-%-oss" },
    { "simulate x.lua --oss ios", 2, "what is meant for the script goes behind %-%-" },
    { "simulate --os", 2, "%-%-os needs a value" },
    { "simulate --os palm scripts/finish_upload.lua", 2,
      "there is no OS 'palm'; there are: ios, android, strict, desktop" },
    { "run --verbose=x x.lua", 2, "%-%-verbose=x: this option takes no value" },
    { "run --grace 5 x.lua", 2, "%-%-grace needs a time with its unit, such as 30s, not 5" },
    { "run --grace 0s x.lua", 2, "%-%-grace needs a time" },
    { "run --grace 9999999999999999999h x.lua", 2, "%-%-grace needs a time" },
    { "simulate --plan /no/plan.lua scripts/finish_upload.lua", 2, "the plan /no/plan.lua cannot be read" },
    { "run /no/such.lua", 1, "cannot open /no/such.lua" },
    { "simulate /no/such.lua", 1, "cannot open /no/such.lua" },
    { "run .", 1, "cannot read %." },
    { "run /bin/true", 1, "unexpected symbol" },
    { "profile palm", 2, "there is no profile 'palm'; there are: ios, android, strict, desktop" },
    { "profile ''", 2, "there is no profile ''; there are: " },
    { "profile ios android", 2, "one name is enough: what is android%?" },
    { "profile ios --timeline x", 2, "there is no option %-%-timeline\nusage: farside profile " },
    { "profile --json=x", 2, "%-%-json=x: this option takes no value" },
    { "rules BG99", 2, "there is no rule 'BG99'; there are: BG01 to BG14, FE01 to FE09, RS01 to RS10, SC01 to SC11\n" },
    { "rules BG01 BG02", 2, "one name is enough: what is BG02%?" },
    { "rules --os ios", 2, "there is no option %-%-os\nusage: farside rules " },
    { "run --json x.lua", 2, "there is no option %-%-json" },
    { "help fly", 2, "there is no command 'fly'" },
  }
  for _, case in ipairs(cases) do
    it("is answered with one clear sentence: farside " .. case[1], function()
      local code, out, err = farside(case[1])
      assert.matches(case[3], out .. err)
      assert.equal(case[2], code)
    end)
  end
end)

describe("farside help and version", function()
  it("say what there is", function()
    for _, words in ipairs { "help", "--help", "-h" } do
      local code, out = farside(words)
      assert.equal(0, code)
      in_order(out, "farside run", "farside simulate", "farside profile", "farside rules", "farside help",
        "farside version")
    end
    for _, name in ipairs { "run", "simulate" } do
      local code, out = farside("help " .. name)
      assert.equal(0, code)
      in_order(out, "farside " .. name, "SCRIPT", "--timeline", "Exits with 0")
      assert.equal(out, select(2, farside(name .. " --help")))
    end
    for _, name in ipairs { "profile", "rules" } do
      local code, out = farside("help " .. name)
      assert.equal(0, code)
      in_order(out, "farside " .. name, "--json", "-v, --verbose")
      assert.equal(out, select(2, farside(name .. " --help")))
    end
    local code, out = farside "version"
    assert.equal(0, code)
    assert.matches("^farside %d+%.%d+%.%d+\n$", out)
  end)
end)
