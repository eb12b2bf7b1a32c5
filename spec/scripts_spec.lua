-- Several scripts in one host, from the command line: what they send each
-- other, what they may use, and what a manifest asks for.

local device = require "farside.device"
local helper = require "spec.helper"
local program = require "spec.program"

local run, said, write = helper.run, helper.said, program.write

-- Where the scripts of one spec lie; closing it removes them.
local function folder_with(files)
  local path = os.tmpname()
  os.remove(path)
  assert(os.execute("mkdir " .. path))
  for name, text in pairs(files) do
    write(path .. "/" .. name, text)
  end
  return setmetatable({ path = path }, {
    __close = function()
      os.execute("rm -r " .. path)
    end,
  })
end

local function execute(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read "a"
  local _, how, code = pipe:close()
  assert.equal("exit", how)
  return code, output
end

-- Runs a command line in a folder; returns the exit code and all that it wrote.
local function farside(folder, words)
  return execute(("cd %s && %s %s </dev/null"):format(folder.path, program.absolute(), words))
end

local function has(text, ...)
  for _, word in ipairs { ... } do
    assert.truthy(text:find(word, 1, true), ("'%s' is not in:\n%s"):format(word, text))
  end
end

local PRELUDE <const> = 'local farside = require "farside" local App = farside.Plugins.App '

-- Says what it hears, and ends the app when it hears "end".
local LISTENER <const> = PRELUDE .. [[
  App.addListener("message", function(message)
    if message.data == "end" then return App.exitApp() end
    print(farside.name, message.from, math.type(message.data) or type(message.data), message.data)
  end)
]]

describe("two scripts of a host", function()
  it("are the example to copy", function()
    local folder <const> = "scripts/two_scripts/"
    local code, output = execute(("%s run %scamera.lua %suploader.lua"):format(program.path, folder, folder))
    assert.equal(0, code)
    assert.equal(("picture %d of the camera is up\n"):rep(3):format(1, 2, 3), output)
  end)

  it("share nothing but messages, which arrive in order and as copies", function()
    local folder <close> = folder_with {
      ["a.lua"] = LISTENER .. "shared = 1 string.mine = 1",
      ["b.lua"] = PRELUDE .. [[
        print(shared, string.mine, farside.name, table.concat(farside.scripts(), " "))
        for _, value in ipairs { 1, 1.5, "é", true } do assert(farside.postMessage("a", value)) end
        assert(farside.postMessage("a", nil))
        assert(farside.postMessage("a", "end"))
      ]],
    }
    local code, output = farside(folder, "run a.lua b.lua")
    assert.equal(0, code)
    assert.equal("nil\tnil\tb\ta b\na\tb\tinteger\t1\na\tb\tfloat\t1.5\na\tb\tstring\té\na\tb\tboolean\ttrue\n"
      .. "a\tb\tnil\tnil\n", output)
  end)

  it("are named after their files, and get the same arguments", function()
    local folder <close> = folder_with {
      ["a.lua"] = 'print(require("farside").name, ...)',
      ["host.lua"] = 'print(require("farside").name, ...)',
    }
    local code, output = farside(folder, "run a.lua ./a.lua host.lua one b.lua")
    assert.equal(0, code)
    has(output, "a\tone\tb.lua\n", "a-2\tone\tb.lua\n", "host-2\tone\tb.lua\n")
  end)

  it("go on when one of them is stopped, which is told to whoever asks", function()
    local folder <close> = folder_with {
      ["bad.lua"] = "setTimeout(function() while true do end end, 1)",
      ["good.lua"] = PRELUDE .. [[
        local timer
        timer = setInterval(function()
          local ok, message, name = farside.postMessage("bad", 1)
          if not ok and name == "NOSCRIPT" then
            print(message, table.concat(farside.scripts(), " "))
            clearInterval(timer)
          end
        end, 20)
      ]],
    }
    local code, output = farside(folder, "run --limits turn=200ms bad.lua good.lua")
    assert.equal(4, code)
    has(output, "farside: bad: script.kill", "(limit turn). It was at bad.lua:1", "there is no script 'bad'\tgood\n")
  end)

  it("do not run when one of them does not load", function()
    local folder <close> = folder_with { ["a.lua"] = "setInterval(print, 1)", ["b.lua"] = "x = = 1" }
    local code, output = farside(folder, "run a.lua b.lua")
    assert.equal(1, code)
    has(output, "b.lua:1: unexpected symbol")
    code, output = farside(folder, "run a.lua no.lua")
    assert.equal(1, code)
    has(output, "cannot open no.lua")
  end)

  it("are listed on SIGUSR1, and read again on SIGUSR2", function()
    local folder <close> = folder_with {
      ["late.lua"] = PRELUDE .. 'setInterval(print, 1e6) print("late", "is here")',
      ["pid.lua"] = PRELUDE .. [[
        setInterval(function() end, 1e6)
        print("pid is here")
      ]],
      ["drive.sh"] = [[
        : >out
        "$1" run late.lua pid.lua >>out 2>&1 &
        wait_for() { while [ "$(grep -c "$1" out)" -lt "$2" ]; do sleep 0.01; done; }
        wait_for "pid is here" 1
        kill -USR1 $!
        wait_for "^pid .* KB" 1
        echo 'print "late is new"' >late.lua
        kill -USR2 $!
        wait_for "late is new" 1
        wait_for "pid is here" 2
        kill -USR1 $!
        wait_for "^pid .* KB" 2
        kill -TERM $!
        wait $!
        echo "code $?" >>out
        cat out
      ]],
    }
    local code, output = execute(("cd %s && timeout 300 sh drive.sh %s"):format(folder.path, program.absolute()))
    assert.equal(0, code)
    has(output, "late is new", "code 0")
    assert.matches("\nscript +memory +peak +cpu +tasks messages\nlate +%d+ KB +%d+ KB +%d+ ms +0 +0\npid ", output)
    -- What is reloaded comes last, in the same order.
    assert.matches("late is new.*pid is here.*\nscript[^\n]+\nlate [^\n]+\npid ", output)
  end)
end)

describe("farside.postMessage", function()
  -- What it answers to the code between the parentheses.
  local function answers(arguments)
    local phone <close> = run("print(pcall(farside.postMessage, " .. arguments .. "))")
    return said(phone)[1]
  end

  it("reaches the script itself, in a later turn", function()
    local phone <close> = run [[
      App.addListener("message", function(message) print(message.from, message.data.list[2], #message.data.empty) end)
      print(farside.postMessage(farside.name, { list = { 1, 2 }, empty = {} }))
    ]]
    assert.same({ "true", "app\t2\t0" }, said(phone))
  end)

  it("says why a message cannot be delivered", function()
    assert.equal("true\tnil\tthere is no script 'x'\tNOSCRIPT", answers '"x", 1')
    assert.equal("true\tnil\tthe host listens to no messages\tUNSUPPORTED", answers '"host", 1')
    assert.equal("true\tnil\tthe message is larger than 1 MiB\tLIMIT", answers '"app", ("x"):rep(1 << 20)')
    assert.equal("true\tnil\tthe message is larger than 1 MiB\tLIMIT", answers '"app", ("\\n"):rep(600000)')
    assert.equal("true\ttrue", answers '"app", ("x"):rep((1 << 20) - 8)')
  end)

  it("raises an error for what cannot be sent", function()
    local kinds = "only nil, booleans, numbers, strings and tables of them can be sent"
    for arguments, message in pairs {
      ['"app", print'] = kinds,
      ['"app", coroutine.create(print)'] = kinds,
      ['"app", { x = { io.stdout } }'] = kinds,
      ['"app", 1/0'] = "a number is not finite",
      ['"app", "\\xff"'] = "a string is not UTF-8",
      ['"app", { ["\\xff"] = 1 }'] = "a field's name is not UTF-8",
      ['"app", { ["a\\0b"] = 1 }'] = "a field's name has a zero byte",
      ['"app", { 1, 2, x = 3 }'] = "a table is neither a list without holes nor has names",
      ['"app", { [1.5] = 1 }'] = "a table is neither a list without holes nor has names",
      ['"app", { 1, nil, 3 }'] = "a table is neither a list without holes nor has names",
      ['"app", _G'] = "postMessage: ",
      ['"app", package.loaded'] = "postMessage: ",
      ['"app"'] = "value expected",
      ["nil"] = "string expected",
    } do
      local answer = answers(arguments)
      assert.matches("^false\t", answer)
      has(answer, message)
    end
    local phone <close> = run "local t = {} t[1] = t print(pcall(farside.postMessage, 'app', t))"
    has(said(phone)[1], "a table is in itself, or nested deeper than 100")
  end)

  it("is refused when too many wait, and loses none of those that were taken", function()
    local code = [[
      %s
      local sent = 0
      while true do
        local ok, message, name = farside.postMessage("app", sent)
        if not ok then print(sent, message, name, farside.usage().messages) break end
        sent = sent + 1
      end
      setTimeout(function()
        local heard, first = 0, nil
        App.addListener("message", function(message) first = first or message.data heard = heard + 1 end)
        setTimeout(function() print(heard, first, farside.usage().messages) end, 100)
      end, 100)
    ]]
    local options = { limits = "messages=100" }
    local unheard <close> = run(code:format 'App.addListener("pause", print)', options)
    unheard:advance "1s"
    assert.same({
      "64\t64 messages wait for 'app' already, which does not listen\tLIMIT\t64",
      "64\t0\t0",
    }, said(unheard))
    local heard <close> = run(code:format 'App.addListener("message", function() end)', options)
    assert.equal("100\t100 messages wait for 'app' already\tLIMIT\t100", said(heard)[1])
    local few <close> = run(code:format "", { limits = "messages=3" })
    assert.equal("3\t3 messages wait for 'app' already, which does not listen\tLIMIT\t3", said(few)[1])
  end)

  it("is refused when the receiver has no memory for it", function()
    local phone <close> = run([[
      App.addListener("message", function() end)
      local text = ("x"):rep(50000)
      local ok, message, name
      repeat ok, message, name = farside.postMessage("app", text) until not ok
      print(message, name)
    ]], { limits = "memory=512KB" })
    assert.same({ "'app' has no memory for it\tLIMIT" }, said(phone))
  end)
end)

describe("farside.usage", function()
  it("tells the limits, and math.huge for those that are off", function()
    local phone <close> = run([[
      local usage = farside.usage()
      print(usage.memoryLimitBytes, usage.turnLimitMs, usage.taskLimitMs, usage.messageLimit)
      print(usage.memoryBytes > 10000, usage.memoryPeakBytes >= usage.memoryBytes, math.type(usage.cpuMs))
    ]], { limits = "memory=2MB,turn=off,cpu=3s" })
    assert.same({ "2097152\tinf\t3000\t1000", "true\ttrue\tinteger" }, said(phone))
  end)
end)

describe("a script that was stopped", function()
  it("hears of it at its next launch, once", function()
    local phone <close> = device.open { limits = "turn=50ms" }
    assert(phone:run(PRELUDE .. [[
      App.addListener("launch", function(launch) print(launch.reason, launch.why) end)
      App.addListener("pause", function() while true do end end)
    ]]))
    phone:pressHome()
    assert.equal("gone", phone:state())
    assert(phone:openApp())
    phone:kill()
    assert(phone:openApp())
    local lines = said(phone)
    assert.equal("user\tnil", lines[1])
    assert.matches("^killed\t.*%(limit turn%)%. It was at app%.lua:2$", lines[2])
    assert.equal("user\tnil", lines[3])
    assert.equal(lines[2], "killed\t" .. phone:timeline("script.kill")[1].why)
    assert.equal(3, #lines)
  end)

  it("is no app when it was its main chunk", function()
    local phone <close> = device.open { limits = "turn=50ms" }
    local app, message, name = phone:run "while true do end"
    assert.same({ nil, "KILLED" }, { app, name })
    assert.matches("app was stopped: .*It was at app.lua:1", message)
    assert.equal("gone", phone:state())
  end)

  it("takes only the task with it where it worked for one", function()
    local phone <close> = run([[
      BackgroundTask.exec(function() while true do pcall(error) end end, { name = "spin" })
      App.addListener("pause", function() print "goes on" end)
    ]], { limits = "turn=50ms" })
    phone:pressHome()
    assert.same({ "failed" }, helper.states(phone))
    assert.same({ "goes on" }, said(phone))
    assert.same({}, phone:timeline "script.kill")
  end)
end)

describe("limits and trust", function()
  it("are written rightly, or refused with one sentence", function()
    local folder <close> = folder_with { ["a.lua"] = "" }
    for words, sentence in pairs {
      ["--limits memory=1"] = "--limits: memory needs a whole size with its unit (B, KB, MB, GB), such as 64MB, or off",
      ["--limits memory=1KB"] = "--limits: memory must be at least 256KB, not 1KB",
      ["--limits turn=0s"] = "--limits: turn must not be zero: write turn=off for no limit",
      ["--limits speed=1"] = "there is no limit 'speed'; there are: slice, hold, turn, cpu, grace, memory, block, messages",
      ["--limits turn=1s,turn=2s"] = "--limits: turn is given twice",
      ["--limits turn=1s --limits cpu=2s"] = "--limits is given twice",
      ["--limits="] = "--limits= needs a value",
      ["--grant fly=1"] = "--grant: 'fly=1' cannot be granted; what can: module=NAME, http=PATTERN, background=MODE",
      ["--grant http"] = "--grant: http of what? write http=...",
      ["--grant http=ftp://x"] = "--grant: ",
      ["--grant background=fly"] = "there is no background mode 'fly'; there are: task, audio, location",
      ["--trust=yes"] = "--trust=yes: this option takes no value",
    } do
      for _, command in ipairs { "run ", "simulate " } do
        local code, output = farside(folder, command .. words .. " a.lua")
        assert.equal(2, code, words)
        has(output, sentence)
      end
    end
    assert.has_error(function() device.open { limits = "speed=1" } end)
    assert.has_error(function() device.open { trust = "yes" } end)
  end)

  it("hold for the app of a phone", function()
    local phone <close> = run("print(pcall(string.rep, 'x', 200000))", { limits = "memory=512KB" })
    assert.matches("^false\tnot enough memory", said(phone)[1])
  end)

  it("give a trusted script the full libraries", function()
    local folder <close> = folder_with { ["a.lua"] = "print(io.open, os.getenv, debug.sethook)" }
    local code, output = farside(folder, "run a.lua")
    assert.same({ 0, "nil\tnil\tnil\n" }, { code, output })
    code, output = farside(folder, "run --trust a.lua")
    assert.equal(0, code)
    assert.matches("^function: [^\t]+\tfunction: [^\t]+\tfunction: ", output)
    local phone <close> = run("print(type(io.open))", { trust = true })
    assert.same({ "function" }, said(phone))
  end)
end)

describe("a manifest", function()
  local SCRIPT <const> = 'print(require("farside").name, require("farside").usage().turnLimitMs)'

  it("names a script and tightens its limits", function()
    local folder <close> = folder_with {
      ["a.lua"] = SCRIPT,
      ["farside.lua"] = 'return { name = "camera", limits = { turn = "200ms" } }',
    }
    assert.same({ 0, "camera\t200\n" }, { farside(folder, "run a.lua") })
    local _, output = farside(folder, "run --limits turn=100ms a.lua")
    has(output, "it asks for turn=200ms; 100ms are granted")
  end)

  it("is refused where it asks for more than is granted, and says how to grant it", function()
    local folder <close> = folder_with {
      ["a.lua"] = SCRIPT,
      ["farside.lua"] = 'return { http = { "https://example.com/*" }, limits = { memory = "128MB" } }',
    }
    for _, command in ipairs { "run", "simulate" } do
      local code, output = farside(folder, command .. " a.lua")
      assert.equal(1, code)
      has(output, "a.lua: it asks for http https://example.com/*", "--grant 'http=https://example.com/*'")
      code, output = farside(folder, command .. " --grant 'http=https://example.com/*' a.lua")
      assert.equal(1, code)
      has(output, "a.lua: it asks for memory=128MB; 64MB are granted (to grant it: --limits memory=128MB)")
      code = farside(folder, command .. " --grant 'http=https://example.com/*' --limits memory=128MB a.lua")
      assert.equal(0, code)
    end
    local phone <close> = device.open {}
    local _, message, name = phone:launch(folder.path .. "/a.lua")
    assert.equal("DENIED", name)
    has(message, "it asks for http")
  end)

  it("that is wrong is no manifest", function()
    local folder <close> = folder_with { ["a.lua"] = SCRIPT, ["farside.lua"] = "return { nmae = 'x' }" }
    local phone <close> = device.open {}
    local _, message, name = phone:launch(folder.path .. "/a.lua")
    assert.equal("INVALID", name)
    has(message, "farside.lua: there is no field 'nmae'")
    local code, output = farside(folder, "run a.lua")
    assert.equal(1, code)
    has(output, "a.lua: farside.lua: there is no field 'nmae'")
  end)

  it("without task lets a script begin none", function()
    local folder <close> = folder_with {
      ["a.lua"] = 'print(select(3, require("farside").Plugins.BackgroundTask.exec(print)))',
      ["farside.lua"] = "return { background = {} }",
    }
    assert.same({ 0, "DENIED\n" }, { farside(folder, "run a.lua") })
  end)
end)
