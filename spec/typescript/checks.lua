-- What the programs in src/ do on a phone, once tstl has compiled them. Run by
-- typescript_test.sh in the folder of the project.

local device = require "farside.device"
require "farside.busted"

local function logged(phone)
  local lines = {}
  for _, entry in ipairs(phone:timeline "log") do
    lines[#lines + 1] = (entry.name and entry.name .. ": " or "") .. entry.why:match "^[^\n]*"
  end
  return table.concat(lines, "\n")
end

local function states(phone)
  local found = {}
  for _, task in ipairs(phone:tasks()) do
    found[task.name or "?"] = task.state
  end
  return found
end

for _, folder in ipairs { "build", "bundle" } do
  for _, os in ipairs { "ios", "android", "strict" } do
    describe(("finish_later.ts in %s/ on %s"):format(folder, os), function()
      it("finishes its task 20 s after the app was left, from line 5", function()
        local phone <close> = device.open { os = os }
        local app = assert(phone:launch(folder .. "/finish_later.lua"))
        phone:advance "5s"
        phone:pressHome()
        phone:advance "25s"
        local task = app:tasks()[1]
        assert.finished(task, phone)
        assert.equal(20000, task.endedAt - task.beganAt)
        assert.equal("src/finish_later.ts:5", task.origin)
        assert.no_violations(phone)
        assert.same({}, phone:timeline "log")
        phone:advance "10s"
        assert.equal("suspended", phone:state())
      end)
    end)
  end
end

describe("async and await", function()
  it("wait for sleep, Http and durable work", function()
    local phone <close> = device.open { http = { "https://api.example.com/*" } }
    phone:respond("GET https://api.example.com/list", { body = '{"names":["a","b"]}', latency = "1s" })
    phone:respond("POST https://api.example.com/broken", { error = "reset" })
    assert(phone:launch "build/waits.lua")
    phone:advance "10m"
    assert.equal([[
waits: slept	long	short
waits: 200	a+b
waits: caught	NETWORK	FarsideError
waits: enqueued	false	running
waits: caught	NOWORK
waits: dark	true
waits: kept	7
finished	true	nil
upload: src/waits.ts:15: Error: attempt 1 of cat.jpg
work is	enqueued
work is	running
work is	succeeded]], (logged(phone):gsub("upload: [^\n]-Error", "upload: src/waits.ts:15: Error")))
    local work = phone:work()[1]
    assert.same({ "succeeded", 2, 1, { done = 1 } }, { work.state, work.runs, work.attempts, work.output })
    assert.matches("attempt 1 of cat.jpg", phone:timeline "work.retry"[1].why)
    assert.equal("finished", states(phone).waits)
    assert.no_violations(phone)
  end)

  it("end with their task", function()
    local phone <close> = device.open { http = { "https://api.example.com/*" } }
    phone:respond("GET https://api.example.com/list", { latency = "10m" })
    assert(phone:launch "build/waits.lua")
    phone:pressHome()
    phone:advance "1m"
    assert.equal("finished", states(phone).waits) -- By its onExpire, which is async.
    assert.equal("waits: slept\tlong\tshort", logged(phone))
    assert.equal("suspended", phone:state())
  end)

  it("are refused where the manifest says no, with the line that asked", function()
    local phone <close> = device.open {}
    assert(phone:launch "build/waits.lua")
    phone:advance "1s"
    local why = phone:timeline "log"[2].why
    assert.matches("FarsideError: the script may not talk to https://api.example.com/list", why)
    assert.matches("\n%s+src/waits.ts:25: in ", why)
    assert.equal("failed", states(phone).waits)
  end)
end)

describe("a plugin of an engine's", function()
  it("gives Promises, calls functions, and has events", function()
    local phone <close> = device.open {
      plugins = {
        Score = {
          submit = function(value, answer)
            if value.points < 0 then
              answer.reject("that is nothing", "CHEAT")
            else
              answer.resolve { rank = 10 - value.points }
            end
          end,
        },
      },
    }
    assert(phone:launch "build/engine.lua")
    phone:notify("Score", "beaten", "Ada")
    phone:advance "1s"
    assert.equal("3\nCHEAT\tthat is nothing\ncalled with\t2\nbeaten by\tAda", logged(phone))
    assert.finished(phone:tasks()[1], phone)
  end)
end)

describe("a rejection", function()
  it("is reported with its message where nobody listens, and fails the task it belongs to", function()
    local phone <close> = device.open {}
    assert(phone:launch "build/rejects.lua")
    phone:advance "1s"
    phone:pressHome()
    assert.equal([[
fails at once: Error: at once in a task
throws: Error: thrown in a task
catches: caught	heard by all
unhandled rejection: Error: in the main chunk
unhandled rejection: Error: floating
fails: Error: in a task
catches: caught	after any
catches: caught	heard by race
catches: caught	heard by then
catches: caught	heard as text
catches: rejected fulfilled
unhandled rejection: Error: in a timer
unhandled rejection: Error: in a listener]], (logged(phone):gsub("src/[%w_./]+:%d+: ", "")))
    assert.same({ fails = "failed", ["fails at once"] = "failed", throws = "failed", catches = "finished" }, states(phone))
    for _, entry in ipairs(phone:timeline "log") do
      if entry.level == "error" then
        assert.matches("\n%s+src/rejects.ts:%d+: in ", entry.why)
      end
    end
  end)
end)

describe("what is told of a place", function()
  for _, folder in ipairs { "build", "bundle" } do
    it("is told of the TypeScript, in " .. folder .. "/", function()
      local phone <close> = device.open {}
      local app = assert(phone:launch(folder .. "/places.lua"))
      assert.equal("src/places.ts:15", app:tasks()[1].origin)
      assert.equal("src/places.ts:17", app:tasks()[2].origin)
      assert.matches("^src/places.ts:15", phone:timeline "violation"[1].where)
      phone:pressHome()
      phone:openApp()
      phone:advance "5s"
      local log = phone:timeline "log"
      assert.matches("^src/places.ts:8: attempt to index a nil value", log[1].why)
      assert.matches("\n%s+src/places.ts:8: in ", log[1].why)
      assert.matches("^RangeError: from another file\nstack traceback:\n%s+src/parts/fail.ts:2: in ", log[2].why)
      assert.matches("\n%s+src/places.ts:12: in ", log[2].why)
      assert.equal("src/places.ts:24", phone:timeline "script.kill"[1].where)
    end)
  end
end)
