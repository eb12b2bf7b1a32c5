-- The program as people use it, rightly and wrongly. Nothing here waits for
-- real time but where the script says so.

local FARSIDE <const> = os.getenv "FARSIDE" or "build/release/farside"

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

local function read(path)
  local file <close> = assert(io.open(path, "r"))
  return file:read "a"
end

-- Runs a command line; returns the exit code, standard output, standard error.
local function farside(words, input)
  local out, err = os.tmpname(), os.tmpname()
  local command = ("%s %s >%s 2>%s <%s"):format(FARSIDE, words, out, err, input or "/dev/null")
  local _, how, code = os.execute(command)
  local output, errors = read(out), read(err)
  os.remove(out)
  os.remove(err)
  assert.equal("exit", how)
  return code, output, errors
end

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

describe("farside simulate", function()
  it("shows the main job: the upload is finished, then the app is suspended", function()
    local code, out, err = farside "simulate scripts/finish_upload.lua"
    assert.equal("", err)
    in_order(out, "app.pause", "task.begin", "task.finish", "app.suspend", "app.resume", "1 finished")
    assert.equal(0, code)
  end)

  it("is what the README shows, to the letter", function()
    local _, out = farside "simulate scripts/finish_upload.lua"
    local shown = read("README.md"):match "%$ farside simulate scripts/finish_upload.lua\n(.-)```"
    assert.equal(out, shown)
  end)

  it("shows the classic example breaking a rule of ios, and what to do", function()
    local code, out = farside "simulate scripts/long_timeout.lua --os ios"
    assert.equal(3, code)
    in_order(out, "task.begin", "scripts/long_timeout.lua:", "task.expiring", "task.expire", "task.leak",
      "app.suspend", "broken: scripts/long_timeout.lua:", "Call finish before")
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
      local app = assert(phone:launch())
      phone:pressHome()
      phone:advance "2s"
      phone:kill "no memory"
      assert(phone:openApp())
      assert(#app:tasks() == 1 and phone:state() == "active")
    ]])
    local code, out, err = farside("simulate scripts/finish_upload.lua --plan " .. plan)
    assert.equal("", err)
    in_order(out, "plan " .. plan, "app.pause", "task.cancel", "no memory", "app.kill", "app.launch")
    assert.equal(0, code)
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
    if FARSIDE:find "asan" or FARSIDE:find "tsan" then
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

describe("wrong use of the command line", function()
  local cases = {
    { "", 2, "farside simulate SCRIPT" },
    { "fly", 2, "there is no command 'fly'; there are: run, simulate, new, help, version" },
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
    { "run " .. FARSIDE, 1, "unexpected symbol" },
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
      in_order(out, "farside run", "farside simulate", "farside help", "farside version")
    end
    for _, name in ipairs { "run", "simulate" } do
      local code, out = farside("help " .. name)
      assert.equal(0, code)
      in_order(out, "farside " .. name, "SCRIPT", "--timeline", "Exits with 0")
      assert.equal(out, select(2, farside(name .. " --help")))
    end
    local code, out = farside "version"
    assert.equal(0, code)
    assert.matches("^farside %d+%.%d+%.%d+\n$", out)
  end)
end)
