-- What a run leaves behind: the page, the picture, the trace and JUnit XML are
-- whole and valid, whatever a script says.

local json = require "spec.json"
local program = require "spec.program"

local write, read = program.write, program.read

local PRELUDE <const> = 'local farside = require "farside" local App, BackgroundTask, Log = '
  .. "farside.Plugins.App, farside.Plugins.BackgroundTask, farside.Plugins.Log "

-- Runs a script; returns each file's text, the exit code and standard output.
local function simulate(code, words)
  local script, out, texts = os.tmpname(), os.tmpname(), {}
  write(script, PRELUDE .. code)
  local command = { program.path, "simulate", words or "", script }
  for _, kind in ipairs { "report", "picture", "trace", "junit" } do
    texts[kind] = os.tmpname()
    command[#command + 1] = "--" .. kind .. " " .. texts[kind]
  end
  local _, _, status = os.execute(table.concat(command, " ") .. " >" .. out .. " 2>&1")
  for kind, path in pairs(texts) do
    texts[kind] = read(path)
    os.remove(path)
  end
  local said = read(out)
  os.remove(script)
  os.remove(out)
  return texts, status, said, script
end

local FORGOTTEN <const> = [[
  App.addListener("pause", function()
    BackgroundTask.exec(function() farside.sleep(2000) print "saved" end, { name = "save" })
  end)]]

local FINISHED <const> = [[
  App.addListener("pause", function()
    BackgroundTask.exec(function(task) farside.sleep(2000) task:finish() end, { name = "save" })
  end)]]

-- All that ever broke a page, a trace or an XML file.
local HOSTILE <const> = [==[
  local evil = "</script><script>alert(1)</script><!--<script>]]>&amp;&bogus;\"'\\"
  local bytes = {}
  for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
  print(evil, table.concat(bytes), "\u{2028}\u{FFFE}\u{FFFF}\u{1F600}", "{{data}}")
  BackgroundTask.exec(function(task) task:finish() end, { name = evil:sub(1, 60) })
  BackgroundTask.exec(function() error(evil .. table.concat(bytes, "", 2)) end, { name = "\xed\xa0\x80<&\27" })
  BackgroundTask.exec(function() end, { name = "</title>" })
  Log.error(evil)
]==]

-- -- Checkers -----------------------------------------------------------------

local function data_of(page)
  return json.decode(page:match '<script type="application/json" id="data">\n(.-)\n</script>')
end

-- Every tag is closed by its own, every entity is one of XML's, and no byte is a
-- control character. Returns how often each element begins.
local function check_xml(text)
  assert.truthy(utf8.len(text))
  assert.falsy(text:find "[\0-\8\11\12\14-\31\127]")
  local open, count = {}, {}
  local plain = text:gsub("^<%?xml[^>]*%?>", "")
  for before, slash, name, rest in plain:gmatch "([^<]*)<(/?)([%a][%w]*)([^<>]*)>" do
    assert.falsy(before:gsub("/%*.-%*/", ""):find("]]>", 1, true))
    if slash == "/" then
      assert.equal(table.remove(open), name)
    else
      count[name] = (count[name] or 0) + 1
      local left = rest:gsub('%s+[%w-:]+="[^"<]*"', ""):gsub("/$", "")
      assert.matches("^%s*$", left)
      if rest:sub(-1) ~= "/" then
        open[#open + 1] = name
      end
    end
  end
  assert.equal(0, #open)
  for entity in plain:gmatch "&([^;%s]*)" do
    assert.truthy(entity:find "^#%d+$" or ("lt gt amp quot apos"):find(entity, 1, true), entity)
  end
  return count
end

-- The rules of the Trace Event Format: each B has its E, time never goes back on
-- a track, what lasts does not overlap what it is not inside of.
local function check_trace(text)
  local trace = json.decode(text)
  local tracks, counts, named = {}, {}, {}
  for _, event in ipairs(trace.traceEvents) do
    local key = event.pid .. "/" .. event.tid
    local track = tracks[key] or { at = 0, open = {}, ends = {} }
    tracks[key] = track
    counts[event.ph] = (counts[event.ph] or 0) + 1
    assert.equal("string", type(event.name))
    if event.ph == "M" then
      named[event.name .. key] = event.args.name
    else
      assert.equal("integer", math.type(event.ts))
      assert.equal(0, event.ts % 1000)
      assert.truthy(event.ts >= track.at, "time goes back on " .. key)
      track.at = event.ts
    end
    if event.ph == "B" then
      track.open[#track.open + 1] = event
    elseif event.ph == "E" then
      local begun = table.remove(track.open)
      assert.truthy(begun, "an E without its B on " .. key)
      assert.equal(begun.name, event.name)
    elseif event.ph == "X" then
      assert.truthy(event.dur >= 0)
    elseif event.ph == "i" then
      assert.equal("t", event.s)
    elseif event.ph ~= "M" then
      assert.equal("C", event.ph)
    end
  end
  for key, track in pairs(tracks) do
    assert.equal(0, #track.open, "a B without its E on " .. key)
    if not key:find "/0$" then
      assert.truthy(named["thread_name" .. key], key .. " has no name")
    end
  end
  return trace.traceEvents, counts
end

local function is_installed(command)
  return os.execute("command -v " .. command .. " >/dev/null 2>&1")
end

-- -- The specs ----------------------------------------------------------------

describe("the page", function()
  it("needs nothing but itself", function()
    local page = simulate(FORGOTTEN).report
    assert.falsy(page:find "https?:")
    assert.falsy(page:find "<link")
    assert.falsy(page:find "src=")
    assert.falsy(page:find "@import")
    assert.falsy(page:find "url%([^#]")
    assert.matches("default%-src 'none'", page)
    assert.matches("prefers%-color%-scheme: dark", page)
    assert.matches("@media print", page)
  end)

  it("begins with what went wrong, where, and what to do", function()
    local texts, status, _, script = simulate(FORGOTTEN)
    assert.equal(3, status)
    local page = texts.report:match "<body>.*"
    local picture = page:find("<svg", 1, true)
    for _, words in ipairs { "1 thing went wrong", "Task &quot;save&quot; was never finished",
      "<code>" .. script .. ":2</code>", "who will finish it?", "Call finish on every path", "1 leaked" } do
      local at = page:find(words, 1, true)
      assert.truthy(at and at < picture, words)
    end
    assert.matches('<g class="mark task leaked".-class="waste"', page)
  end)

  it("says so when nothing did", function()
    local texts, status = simulate(FINISHED)
    assert.equal(0, status)
    assert.matches("Nothing went wrong%.", texts.report)
    assert.matches("1 task: 1 finished%. 0 errors, 0 violations%.", texts.report)
    assert.falsy(texts.report:find '<ol class="faults">')
  end)

  it("has every entry", function()
    local texts, _, said = simulate(FORGOTTEN)
    local data = data_of(texts.report)
    assert.same({ "entry", "t", "count", "until", "what", "level", "state", "script", "task", "name", "where", "why",
      "rule" }, data.columns)
    assert.equal(said:match "(%d+) entries", tostring(#data.rows))
    assert.equal("app.launch", data.rows[1][5])
    assert.equal(said:match "hash (%x+)", texts.report:match "hash <code>(%x+)")
    assert.equal(0, data.skipped)
  end)

  it("says what a broken rule costs, and warns of what costs nothing", function()
    local texts = simulate(FORGOTTEN)
    assert.matches("never finished %(rule BG01%)</h2>", texts.report)
    assert.matches('<p class="cost">ios: kill, 0x2182bad2 or 0x8badf00d</p>', texts.report)
    assert.matches("never finished: [^<]+:2 %(ios: kill, 0x2182bad2 or 0x8badf00d%)</text>", texts.picture)
    assert.matches("<title>violation BG01 save&#10;3.000 s at ", texts.picture)
    texts = simulate 'require("farside").Plugins.BackgroundTask.finish { taskId = 7 }'
    assert.matches('<p class="verdict warned">Nothing went wrong, 1 warning%.</p>', texts.report)
    assert.matches('<li class="fault rule warning"><h2>Warning: Rule BG03 is broken', texts.report)
    assert.matches("Nothing went wrong%.</text>", texts.picture)
  end)

  it("is broken by nothing that a script says", function()
    local page = simulate(HOSTILE).report
    assert.truthy(utf8.len(page))
    local _, opened = page:gsub("<script", "")
    local _, closed = page:gsub("</script", "")
    assert.same({ 2, 2 }, { opened, closed })
    assert.falsy(page:find("<!--<", 1, true))
    local found = false
    for _, row in ipairs(data_of(page).rows) do
      local why = type(row[12]) == "string" and row[12] or ""
      found = found or why:find("</script><script>alert(1)</script><!--<script>", 1, true) == 1
    end
    assert.truthy(found)
    check_xml(page:match '<svg class="picture" .-</svg>')
  end)

  it("tells an error of the script, and a plan that broke off", function()
    local page = simulate('App.addListener("pause", function() error "no network" end)').report
    assert.matches("1 thing went wrong.-An error in .-:1: no network", page)
    local plan = os.tmpname()
    write(plan, 'phone:launch() error "<expected> more"')
    page = simulate(FINISHED, "--plan " .. plan).report
    assert.matches("The run broke off.-&lt;expected&gt; more", page)
    os.remove(plan)
  end)

  it("folds what is the same, and draws near ticks as one", function()
    local page = simulate(FORGOTTEN .. [[
      setInterval(function() end, 1)
      for i = 1, 4000 do setTimeout(function() end, i * 7) end]]).report
    assert.truthy(#data_of(page).rows < 60)
    local _, marks = page:gsub('class="mark', "")
    assert.truthy(marks < 1700, marks .. " marks")
    assert.matches(">%d+ times timer%.fire", page)
  end)
end)

describe("the picture", function()
  it("is SVG that stands alone", function()
    local picture = simulate(FORGOTTEN).picture
    local count = check_xml(picture)
    assert.equal(1, count.style)
    assert.truthy(count.rect > 5)
    assert.matches('^<svg xmlns="http://www.w3.org/2000/svg"', picture)
    assert.matches("leaked: awake for nothing", picture)
    check_xml(simulate(HOSTILE).picture)
  end)

  it("shows when the time would have been up", function()
    local picture = simulate(FINISHED).picture
    assert.matches('class="deadline" data%-a="31000"', picture)
    assert.matches("its time was up at 31%.000 s", picture)
  end)
end)

describe("the trace", function()
  it("is valid, and has tasks, the app's states and what happened", function()
    local events, counts = check_trace(simulate(FORGOTTEN).trace)
    assert.same({ 1, 1 }, { counts.B, counts.E })
    local names = {}
    for _, event in ipairs(events) do
      names[event.name .. " " .. event.ph] = event
    end
    assert.equal("leaked", names["save B"].args.outcome)
    assert.equal(31000, names["save B"].args.deadline_ms)
    assert.equal(1000000, names["save B"].ts)
    assert.equal(31000000, names["save E"].ts)
    assert.equal(30000000, names["background X"].dur)
    assert.truthy(names["leaked: awake for nothing X"] and names["saved i"] and names["open tasks C"])
  end)

  it("is valid whatever happens", function()
    check_trace(simulate(HOSTILE).trace)
    local _, counts = check_trace(simulate([[
      App.addListener("pause", function()
        for i = 1, 50 do
          BackgroundTask.exec(function(task) farside.sleep(i * 37 % 900) task:finish() end, { name = "n" .. i % 3 })
        end
        BackgroundTask.exec(function(task) farside.sleep(90000) task:finish() end)
      end)]]).trace)
    assert.same({ 51, 51 }, { counts.B, counts.E })
  end)
end)

describe("the JUnit file", function()
  it("has a test case for each task, for the scripts and for the rules", function()
    local texts, _, _, script = simulate(FORGOTTEN)
    local count = check_xml(texts.junit)
    assert.same({ 1, 3, 1 }, { count.testsuite, count.testcase, count.failure })
    assert.matches('tests="3" failures="1" errors="0" skipped="0" time="65.000"', texts.junit)
    assert.truthy(texts.junit:find('name="save (' .. script .. ':2)" time="30.000"', 1, true))
    assert.matches('<failure type="leak" message="Task &quot;save&quot; was never finished">', texts.junit)
    assert.falsy(simulate(FINISHED).junit:find "<failure")
  end)

  it("is valid whatever a script says", function()
    local text = simulate(HOSTILE).junit
    check_xml(text)
    if is_installed "xmllint" then
      local path = os.tmpname()
      write(path, text)
      assert.truthy(os.execute("xmllint --noout " .. path))
      os.remove(path)
    end
  end)
end)

describe("the files of a run", function()
  it("are told at once when they cannot be written", function()
    for _, option in ipairs { "report", "picture", "trace", "junit" } do
      for _, command in ipairs { "run", "simulate" } do
        local pipe = io.popen(("%s %s --%s /no/such/folder/x scripts/finish_upload.lua 2>&1"):format(program.path, command,
          option))
        assert.equal("farside: cannot write /no/such/folder/x: No such file or directory\n", pipe:read "a")
        assert.same({ nil, "exit", 2 }, { pipe:close() })
      end
    end
  end)

  it("fail the run when they are not written to their end", function()
    local file = io.open("/dev/full", "w")
    if not file then
      return
    end
    file:close()
    local pipe = io.popen(program.path .. " simulate --report /dev/full scripts/finish_upload.lua 2>&1 >/dev/null")
    assert.matches("not all of the report was written to /dev/full", pipe:read "a")
    assert.same({ nil, "exit", 1 }, { pipe:close() })
  end)

  it("may be one on standard output, and nothing else is there then", function()
    local pipe = io.popen(program.path .. " simulate --trace - scripts/finish_upload.lua")
    check_trace(pipe:read "a")
    pipe:close()
    pipe = io.popen(program.path .. " simulate --trace - --timeline - scripts/finish_upload.lua 2>&1")
    assert.matches("^farside: only one file can be %-", pipe:read "a")
    assert.same({ nil, "exit", 2 }, { pipe:close() })
  end)

  it("are left by run too, at its end", function()
    local script, page = os.tmpname(), os.tmpname()
    write(script, PRELUDE .. 'BackgroundTask.exec(function(task) farside.sleep(5) task:finish() end, { name = "n" })')
    for _, isolate in ipairs { "", "--isolate " } do
      assert.truthy(os.execute(program.path .. " run " .. isolate .. "--report " .. page .. " " .. script))
      assert.matches("Nothing went wrong", read(page))
      assert.matches("1 task: 1 finished", read(page))
      assert.matches("run on real time", read(page))
    end
    os.remove(script)
    os.remove(page)
  end)
end)

describe("the table", function()
  it("folds what is said again and again, unless all is wanted", function()
    local code = "for _ = 1, 5 do farside.sleep(100) print 'again' end print 'once'"
    local _, _, said = simulate(code)
    assert.matches("\n 0%.100 s  active      log                  again  %(5 times, until 0%.500 s%)\n"
      .. " 0%.500 s  active      log                  once\n", said)
    _, _, said = simulate(code, "-v")
    local _, count = said:gsub("again\n", "")
    assert.equal(5, count)
  end)
end)
