-- Scripts in processes of their own: `farside run --isolate`. What happens to
-- them from outside is awaited, never hoped for.

local program = require "spec.program"

local write, read, temporary, shell = program.write, program.peek, program.temporary, program.shell
local farside, start, wait_for = program.run, program.start, program.wait_for
local says, ended, send = program.says, program.ended, program.send

local HANGS <const> = [[
  local text = ("a"):rep(5000)
  setTimeout(function() print "hangs" text:find((".-"):rep(12) .. "b") end, 20)
]]

local function script(code)
  local path = temporary ".lua"
  write(path, 'local farside = require "farside" local App, BackgroundTask = '
    .. "farside.Plugins.App, farside.Plugins.BackgroundTask " .. code)
  return path
end

-- "S" sleeps, "T" is stopped, nil is gone.
local function state_of(pid)
  return read(("/proc/%d/stat"):format(pid)):match "%) (%a)"
end

local function is_gone(pid)
  local state = state_of(pid)
  return state == nil or state == "Z"
end

local function children(job, count)
  return wait_for(count .. " processes", function()
    local pids = {}
    for pid in shell("pgrep -P " .. job.pid):gmatch "%d+" do
      pids[#pids + 1] = tonumber(pid)
    end
    return #pids == count and pids
  end)
end

local has_proc = read "/proc/self/stat" ~= ""

describe("farside run --isolate", function()
  after_each(program.clean)

  it("does what farside run does", function()
    local cases = {
      'print("one", ...) BackgroundTask.exec(function(task) farside.sleep(20) print "two" task:finish() end)',
      'print "bytes \\xff\\x80\\0\\n and lines"',
      "print(('x'):rep(300000))",
      "x = = 1",
      "error 'at load'",
      "setTimeout(function() error 'later' end, 5)",
      "os.exit(3)",
      "setTimeout(App.exitApp, 5) App.addListener('terminate', function(e) print(e.reason) end)",
      "while true do end",
      "local t = {} while true do t[#t + 1] = ('x'):rep(1000000) .. #t end",
      "BackgroundTask.exec(function() end, { name = 'forgotten' }) setTimeout(App.exitApp, 10)",
      "farside.run() print 'after'",
      "print(farside.postMessage('nobody', 1)) print(farside.postMessage('host', 1))",
      "print(pcall(io.open, '/etc/passwd'), os.getenv 'HOME', os.date('%Y'))",
    }
    local function strip(text, path)
      return (text:gsub("[%d.]+ s", "some s"):gsub(path, "SCRIPT"):gsub("computed for [^\n]+", ""))
    end
    for _, code in ipairs(cases) do
      local path = script(code)
      local words = "run %s --grace 50ms --limits turn=300ms " .. path .. " a b"
      local plain = { farside(words:format "") }
      local isolated = { farside(words:format "--isolate") }
      assert.same({ plain[1], plain[2] }, { isolated[1], isolated[2] }, code)
      assert.equal(strip(plain[3], path), strip(isolated[3], path), code)
    end
  end)

  it("says that a script which does nothing has done nothing", function()
    local code, _, err = farside("run --isolate " .. script "")
    assert.equal(0, code)
    assert.matches("set no listener, timer or task, so there is nothing to wait for", err)
    code, _, err = farside "run --isolate /no/such.lua"
    assert.equal(1, code)
    assert.matches("cannot open /no/such.lua", err)
  end)

  it("writes one timeline for all", function()
    local lines = temporary()
    local path = script "print(1) setTimeout(print, 5, 2)"
    local code, out = farside(("run --isolate --timeline %s %s %s"):format(lines, path, path))
    assert.equal(0, code)
    assert.equal(8, #out)
    local base = path:match "([^/]+)%.lua$"
    local text = read(lines)
    for _, name in ipairs { base, base .. "-2" } do
      name = name:gsub("%p", "%%%0")
      assert.matches('"what":"log"[^\n]+"script":"' .. name .. '","why":"2"', text)
      assert.matches('"what":"app.end"[^\n]+"script":"' .. name .. '"', text)
    end
    for line in text:gmatch "[^\n]+" do
      assert.matches('^{"t":%d+,"what":"[%a.]+","level":"%a+","state":"%a+".*}$', line)
    end
    local _, _, err = farside(("run --isolate --timeline - %s"):format(path))
    assert.equal("1\n2\n", err)
  end)

  it("carries messages from process to process", function()
    local answer = script [[
      App.addListener("message", function(m)
        print("heard", m.data.word)
        print("told", farside.postMessage(m.from, { word = "pong" }))
        setTimeout(App.exitApp, 200)
      end)
    ]]
    local ask = script(([[
      App.addListener("message", function(m) print("answer", m.data.word) App.exitApp() end)
      local id id = setInterval(function()
        local ok, _, name = farside.postMessage(%q, { word = "ping" })
        if ok then clearInterval(id) else assert(name == "NOSCRIPT") end
      end, 5)
    ]]):format(answer:match "([^/]+)%.lua$"))
    local code, out = farside(("run --isolate %s %s"):format(answer, ask))
    assert.equal(0, code)
    for _, word in ipairs { "heard\tping", "told\ttrue", "answer\tpong" } do
      assert.matches(word, out)
    end
  end)

  it("kills what hangs where Lua cannot stop it, and nobody else notices", function()
    local ticks = script [[
      local n = 0
      local id id = setInterval(function()
        n = n + 1
        if n == 100 then clearInterval(id) print "all ticks" end
      end, 50)
    ]]
    local code, out, err = farside(("run --isolate --trust --limits turn=200ms %s %s"):format(script(HANGS), ticks))
    assert.matches("hangs\n", out)
    assert.matches("all ticks\n", out)
    assert.matches("script.kill: it did not answer for %d+%.%d s: its process was killed", err)
    assert.equal(4, code)
  end)

  it("kills a process that waits for something else, with all it has started", function()
    local seconds = 4000 + math.random(999)
    local path = script(("setTimeout(os.execute, 5, 'sleep %d')"):format(seconds))
    local code, _, err = farside("run --isolate --trust --limits turn=100ms " .. path)
    assert.equal(4, code)
    assert.matches("it did not answer for %d+%.%d s: its process was killed", err)
    assert.equal("", shell("pgrep -x -f 'sleep " .. seconds .. "'"))
  end)

  -- It gets a third of one processor. Who has to share is given time, but not
  -- for ever.
  it("kills what hangs on a crowded processor", function()
    local crowd = ([[
      cpu=$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')
      for i in 1 2; do taskset -c $cpu setsid sh -c 'while :; do :; done' & done
      taskset -c $cpu timeout 300 %s run --isolate --trust --limits turn=100ms %s 2>&1
      echo "code $?"
      kill %%1 %%2
    ]]):format(program.path, script(HANGS))
    local path = temporary()
    write(path, crowd)
    local out = shell("sh " .. path .. " </dev/null")
    assert.matches("script.kill: it did not answer for %d+%.%d s: its process was killed", out)
    assert.matches("code 4", out)
  end)

  it("says when a process crashes, is killed from outside, or leaves", function()
    local path = script 'App.addListener("pause", print) print "ready"'
    for signal, name in pairs { KILL = "signal 9", ABRT = "signal 6" } do
      local job = start("run --isolate " .. path .. " " .. path)
      says(job, "ready\nready\n")
      local pids = children(job, 2)
      send(signal, pids[1])
      wait_for("its obituary", function()
        return read(job.err):find("script.kill: its process was ended by " .. name, 1, true)
      end)
      assert.falsy(is_gone(pids[2]))
      send("TERM", job.pid)
      assert.equal(4, ended(job))
    end
    local suicide = script "setTimeout(function() io.popen('kill -TERM $PPID'):close() end, 5)"
    local code, _, err = farside("run --isolate --trust " .. suicide)
    assert.equal(4, code)
    assert.matches("ended by signal 15", err)
  end)

  it("takes its processes along, however it ends", function()
    local path = script 'App.addListener("pause", print) print "ready"'
    local job = start("run --isolate " .. path .. " " .. path)
    says(job, "ready\nready\n")
    local pids = children(job, 2)
    send("KILL", job.pid)
    for _, pid in ipairs(pids) do
      wait_for("the end of a process", function() return is_gone(pid) end)
    end
  end)

  it("is paused, stopped, woken and ended as one", function()
    local path = script [[
      for _, event in ipairs { "pause", "resume", "terminate" } do
        App.addListener(event, function() print(event) end)
      end
      print "ready"
    ]]
    local job = start("run --isolate " .. path .. " " .. path)
    says(job, "ready\nready\n")
    local pids = children(job, 2)
    send("TSTP", job.pid)
    says(job, "pause\npause\n")
    for _, pid in ipairs(has_proc and pids or {}) do
      wait_for("a stop", function() return state_of(pid) == "T" end)
    end
    send("CONT", job.pid)
    says(job, "resume\nresume\n")
    send("TERM", job.pid)
    says(job, "terminate\nterminate\n")
    assert.equal(0, ended(job))
  end)

  it("ends a process that does not end in its grace", function()
    local path = script [[
      App.addListener("terminate", function() os.execute "sleep 1000" end)
      print "ready"
    ]]
    local job = start("run --isolate --trust --grace 10ms --limits turn=off " .. path)
    says(job, "ready\n")
    send("TERM", job.pid)
    assert.equal(4, ended(job))
    assert.matches("it did not end in its time: its process was killed", read(job.err))
  end)

  it("reads its scripts again, and shows what they use", function()
    local path = script 'print "one" App.addListener("pause", print)'
    local job = start("run --isolate " .. path)
    says(job, "one\n")
    write(path, 'print "two" require"farside".Plugins.App.addListener("pause", print)')
    send("USR2", job.pid)
    says(job, "one\ntwo\n")
    send("USR1", job.pid)
    wait_for("a row", function()
      return read(job.err):find("KB +%d+ KB +%d+ ms")
    end)
    send("TERM", job.pid)
    assert.equal(0, ended(job))
  end)

  it("costs nothing while nothing happens", function()
    if not has_proc then
      return
    end
    local job = start("run --isolate " .. script 'App.addListener("pause", print) print "ready"')
    says(job, "ready\n")
    local pids = children(job, 1)
    local function switches()
      local sum = ""
      for _, pid in ipairs { job.pid, pids[1] } do
        for path in shell(("ls -d /proc/%d/task/*/status"):format(pid)):gmatch "%S+" do
          sum = sum .. " " .. (read(path):match "\nvoluntary_ctxt_switches:%s*(%d+)" or "?")
        end
      end
      return sum
    end
    -- Longer than from one question to the next. On a busy machine it may not
    -- have come to rest before.
    wait_for("three seconds of rest", function()
      local before = switches()
      os.execute "sleep 3"
      return before == switches()
    end)
    send("TERM", job.pid)
    assert.equal(0, ended(job))
  end)

  it("reads no file but those of its script", function()
    local folder = temporary()
    os.remove(folder)
    os.execute("mkdir -p " .. folder)
    write(folder .. "/one.lua", "return 'one'")
    write(folder .. "/app.lua", "print((require 'one'))")
    write(folder .. "/farside.lua", "return { name = 'named', limits = { turn = '100ms' } }")
    local code, out = farside("run --isolate " .. folder .. "/app.lua")
    assert.same({ 0, "one\n" }, { code, out })
    local link = script ""
    os.remove(link)
    os.execute(("ln -s %s/app.lua %s"):format(folder, link))
    code = farside("run --isolate " .. link)
    assert.equal((farside("run " .. link)), code)
    os.execute("rm -r " .. folder)
  end)

  it("ends like farside run when nobody reads", function()
    local path = script "setInterval(print, 1, ('x'):rep(1000))"
    for _, option in ipairs { "", "--isolate" } do
      local status = shell(("{ { timeout 300 %s run %s %s; echo $? >&2; } | head -c 10 >/dev/null; } 2>&1")
        :format(program.path, option, path))
      assert.equal("141", status, option)
    end
  end)

  it("hides its command from those who type it", function()
    local code, _, err = farside "__isolated"
    assert.equal(2, code)
    assert.matches("own use only", err)
  end)
end)
