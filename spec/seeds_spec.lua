-- farside simulate with a seed, with many, twice, and with fewer steps.

local program = require "spec.program"

local write, farside = program.write, program.run

-- A file that is gone with its block.
local function file(text)
  local path = os.tmpname()
  write(path, text)
  return setmetatable({}, { __close = function() os.remove(path) end, __tostring = function() return path end })
end

local function simulate(words, ...)
  local paths = { ... }
  for i, path in ipairs(paths) do
    paths[i] = tostring(path)
  end
  return farside("simulate " .. words:format(table.unpack(paths)))
end

describe("farside simulate --seed", function()
  it("decides math.random, of the script and of the plan, and says so", function()
    local script <close> = file "print('script', math.random(1000000))"
    local plan <close> = file "phone:launch() print('plan', math.random(1000000))"
    local _, one = simulate("%s --plan %s --seed 1", script, plan)
    local _, again = simulate("%s --plan %s --seed=1", script, plan)
    local _, two = simulate("%s --plan %s --seed 2", script, plan)
    assert.equal(one, again)
    assert.not_equal(one:match "script\t%d+", two:match "script\t%d+")
    assert.not_equal(one:match "plan\t%d+", two:match "plan\t%d+")
    assert.matches("seed 1, hash %x+\n$", one)
  end)

  it("decides in which order pairs() goes, also for tables and functions", function()
    local script <close> = file [[
      local keys = {}
      for i = 1, 100 do keys["key" .. i] = i end
      for i = 1, 20 do keys[{}] = i keys[function() return i end] = i end
      keys[print], keys[math.sin], keys[coroutine.create(print)] = 1, 2, 3
      local order = {}
      for key, value in pairs(keys) do order[#order + 1] = tostring(key) .. "=" .. value end
      print(table.concat(order, " "))
      print(tostring(_G), tostring(math.floor), io.stdout, ("%p"):format(order))
      for i = 1, 10000 do keys["churn" .. i] = i keys["churn" .. i - 3] = nil end
      print(collectgarbage "count")
    ]]
    local _, one = simulate("%s --seed 1", script)
    local _, again = simulate("%s --seed 1", script)
    local _, two = simulate("%s --seed 2", script)
    assert.equal(one, again)
    assert.not_equal(one:match "key%d+=.-\n", two:match "key%d+=.-\n")
  end)

  it("leaves the order to Lua's own rules", function()
    local script <close> = file [[
      assert(pairs {} == next and rawequal(next, (pairs {})))
      local list, seen, names = { 10, 20, 30, x = 1, y = 2 }, 0, {}
      for key in pairs(list) do seen = seen + 1 list[key] = nil names[tostring({})] = true end
      assert(seen == 5 and next(list) == nil)
      local each = setmetatable({}, { __pairs = function() return next, { "own" } end })
      for _, value in pairs(each) do assert(value == "own") end
      assert(tostring(setmetatable({}, { __name = "thing" })):find "^thing: ")
      assert(tostring(setmetatable({}, { __tostring = function() return "told" end })) == "told")
      local all, kept = {}, {}
      for i = 1, 1000 do kept[i] = {} assert(not all[tostring(kept[i])]) all[tostring(kept[i])] = true end
    ]]
    local code, out = simulate("%s", script)
    assert.equal(0, code, out)
  end)
end)

describe("farside simulate --for", function()
  it("plays a day of somebody who sleeps at night", function()
    local code, out = farside "simulate scripts/daily_sync.lua --for 24h --os strict"
    assert.equal(0, code)
    assert.matches("scripts/daily_sync.lua on strict rules, a day without a plan\n", out)
    assert.matches("86400 s of strict time, seed 42, hash %x+\n$", out)
    assert.matches("task.finish +sync", out)
  end)

  it("lasts as long as was said", function()
    for time, seconds in pairs { ["1s"] = "1", ["1.5h"] = "5400", ["3d"] = "259200" } do
      local _, out = farside("simulate scripts/finish_upload.lua --for " .. time)
      assert.matches("entries, " .. seconds .. " s of ios time", out)
    end
  end)
end)

describe("a plan", function()
  it("goes on after what it expected, and fails in the end", function()
    local plan <close> = file [[
      local app = expect(phone:launch())
      expect(app:state() == "gone", "first")
      expect(nil)
      local value, message = expect(false, "third")
      assert(value == false and message == "third")
      print("the end")
    ]]
    local code, out, err = simulate("scripts/finish_upload.lua --seed 7 --plan %s", plan)
    assert.equal(1, code)
    assert.matches("^the end\n", out)
    local lines = {}
    for line in err:gmatch "[^\n]+" do
      lines[#lines + 1] = line:gsub("^.*(:%d+: )", "%1")
    end
    assert.same({ ":2: first", ":3: expected something, got nil", ":4: third",
      "farside: 3 expectations failed, seed 7" }, lines)
  end)

  it("says why an app was not there", function()
    local plan <close> = file "expect(phone:launch())"
    local code, _, err = simulate("/no/such.lua --plan %s", plan)
    assert.equal(1, code)
    assert.matches(":1: cannot open /no/such.lua", err)
  end)

  it("of a photo on its way holds, whenever the phone dies", function()
    for _, os_name in ipairs { "ios", "android", "strict" } do
      local words = "simulate scripts/photo_upload.lua --seeds 50 --os "
      local code, out = farside(words .. os_name)
      assert.equal(0, code, out)
      assert.matches("0 of 50 seeds failed", out)
    end
  end)

  it("of the day with the daily sync holds under other seeds", function()
    for _, os_name in ipairs { "ios", "android", "strict" } do
      local words = "simulate scripts/daily_sync.lua --seeds 20 --os "
      local code, out = farside(words .. os_name)
      assert.equal(0, code, out)
      assert.matches("0 of 20 seeds failed", out)
    end
  end)
end)

describe("farside simulate --seeds", function()
  it("tells the distribution, who failed and why, and how to see the worst", function()
    local script <close> = file "setTimeout(print, 1000)"
    local plan <close> = file [[
      phone:launch()
      phone:advance(math.random(1000, 5000))
      expect(math.random(8) > 1, "unlucky")
    ]]
    local code, out, err = simulate("--plan %s --seeds 40 --jobs=3 %s 'an argument' --seeds", plan, script)
    assert.equal(1, code)
    assert.equal("", err)
    assert.matches("seeds 1 to 40\n", out)
    assert.matches("\n +min +median +p95 +max\n", out)
    assert.matches("\nruns +1 +1 +1 +1\n", out)
    local failed, count = out:match "\n(%d+) of 40 seeds failed\n +(%d+)  [^\n]+:3: unlucky %(first: seed %d+%)\n"
    assert.equal(failed, count)
    assert.truthy(tonumber(failed) > 0 and tonumber(failed) < 40)
    local seed, words = out:match "the worst is seed (%d+):\n  farside (simulate [^\n]+)\n"
    assert.matches("^simulate %-%-seed " .. seed .. " %-%-plan .* 'an argument' %-%-seeds$", words)
    local again, _, why = farside(words)
    assert.equal(1, again)
    assert.matches("unlucky\nfarside: 1 expectation failed, seed " .. seed .. "\n$", why)
  end)

  it("comes to the same with any number of processes", function()
    local words = "simulate scripts/daily_sync.lua --for 1d --seeds 12 --seed 100 --jobs "
    local _, one = farside(words .. 1)
    local _, four = farside(words .. 4)
    local _, many = farside(words .. 50)
    assert.matches("seeds 100 to 111\n", one)
    assert.equal(one, four)
    assert.equal(one, many)
  end)

  it("exits with the worst code of all", function()
    local code, out = farside "simulate scripts/long_timeout.lua --os ios --seeds 3"
    assert.equal(3, code)
    assert.matches("3 of 3 seeds failed\n +3  BG06 scripts/long_timeout.lua:%d+ ", out)
    local script <close> = file [[
      local luck = math.random(3)
      if luck == 1 then error "bad luck" end
      if luck == 2 then setTimeout(function() while true do end end, 1) end
    ]]
    code, out = simulate("%s --seeds 12 --limits turn=5ms", script)
    assert.equal(4, code)
    assert.matches("bad luck", out)
    assert.matches("  script.kill [^\n]*:3 ", out)
  end)

  it("tells the seed of a process that crashes, and goes on", function()
    local plan <close> = file [[
      phone:launch()
      local luck = math.random(6)
      if luck == 1 then os.execute "kill -KILL $PPID" end
      if luck == 2 then os.exit(9) end
    ]]
    local code, out = simulate("scripts/finish_upload.lua --seeds 30 --jobs 2 --plan %s", plan)
    assert.equal(1, code)
    assert.matches(" +%d+  crashed: Killed %(first: seed %d+%)\n", out)
    assert.matches(" +%d+  its process ended with code 9 %(first: seed %d+%)\n", out)
  end)
end)

describe("farside simulate --check", function()
  it("says that two runs are the same, and exits as they do", function()
    local code, out = farside "simulate --check scripts/finish_upload.lua --os android"
    assert.equal(0, code)
    assert.matches("two runs are the same, all %d+ entries, seed 42\n$", out)
    assert.equal(3, (farside "simulate scripts/long_timeout.lua --check --os ios"))
  end)

  it("shows the first difference, and what came before", function()
    local script <close> = file [[
      print "the same"
      print(io.open "/proc/self/stat" and io.open("/proc/self/stat"):read "n" or os.tmpname())
    ]]
    local code, out = simulate("--check --trust %s", script)
    assert.equal(1, code)
    assert.matches("^two runs differ at entry 4\n\n", out)
    assert.matches('\nbefore  {[^\n]*"why":"the same"}\nfirst   {[^\n]*}\nsecond  {[^\n]*}\n', out)
  end)

  it("hands arguments on, and what the plan says", function()
    local plan <close> = file "expect(false, 'said once')"
    local code, out, err = simulate("--check --plan %s scripts/finish_upload.lua -- --check", plan)
    assert.equal(1, code)
    assert.matches("two runs are the same, all 0 entries", out)
    assert.matches(":1: said once\nfarside: 1 expectation failed, seed 42\n$", err)
  end)
end)

describe("farside simulate --shrink", function()
  it("leaves out what a failure does not need, and no more", function()
    local plan <close> = file [==[
-- phone:advance "1s" is no step here
local function leave() phone:pressHome() end
expect(phone:launch())
phone:advance "1s"
phone:advance("2s") phone:advance(5)
if true then
  phone:advance "3s"
end
phone:post("memoryWarning", "{}")
leave()
phone:advance [[
40s]]
phone:advance("40s")
local state = phone:state()
phone:advance("1s")
for _ = 1, 2 do phone:advance "1s" end
expect(state == "background", "it sleeps")
phone:quit()
]==]
    local script <close> = file [[
      local farside = require "farside"
      farside.Plugins.App.addListener("pause", function()
        farside.Plugins.BackgroundTask.exec(function(task)
          farside.sleep(4000)
          task:finish()
        end)
      end)
    ]]
    local code, out = simulate("%s --shrink --plan %s", script, plan)
    assert.equal(1, code)
    -- Of the two that let it fall asleep one is enough.
    assert.matches("^%-%- 1 of 8 steps of [^\n]+ are enough, seed 42:\n%-%- [^\n]+:17: it sleeps\n", out)
    local left = out:gsub("^%-%- [^\n]+\n%-%- [^\n]+\n", "")
    assert.equal([==[
-- phone:advance "1s" is no step here
local function leave() phone:pressHome() end
expect(phone:launch())
if true then
  phone:advance "3s"
end
leave()
phone:advance("40s")
local state = phone:state()
for _ = 1, 2 do phone:advance "1s" end
expect(state == "background", "it sleeps")
]==], left)
    local shrunk <close> = file(left)
    local again, _, err = simulate("%s --plan %s", script, shrunk)
    assert.equal(1, again)
    assert.matches("it sleeps", err)
  end)

  it("has nothing to do where nothing fails", function()
    local code, out = farside "simulate scripts/daily_sync.lua --shrink"
    assert.equal(0, code)
    assert.equal("the plan scripts/daily_sync.plan.lua does not fail: there is nothing to shrink\n", out)
  end)
end)

describe("wrong use of many runs", function()
  local cases = {
    ["--seed 0"] = "--seed needs a whole number from 1 on, not 0",
    ["--seed 1x"] = "--seed needs a whole number",
    ["--seed 9223372036854775808"] = "--seed needs a whole number",
    ["--seeds 1000001"] = "from 1 to 1000000, not 1000001",
    ["--seeds 2 --jobs 257"] = "from 1 to 256, not 257",
    ["--jobs 2"] = "%-%-jobs is for %-%-seeds",
    ["--for 5"] = "%-%-for needs a time with its unit",
    ["--for 367d"] = "up to 366d, not 367d",
    ["--for 1h --plan x.lua"] = "leave out %-%-for or %-%-plan",
    ["--shrink"] = "give %-%-plan",
    ["--seeds 2 --check"] = "give one",
    ["--check --timeline -"] = "of one run",
  }
  for words, sentence in pairs(cases) do
    it("is answered with one clear sentence: " .. words, function()
      local code, _, err = farside("simulate scripts/long_timeout.lua " .. words)
      assert.equal(2, code)
      assert.matches(sentence:gsub("^%-%-", "%%-%%-"), err)
    end)
  end
end)
