-- Runs the rows of rows.lua and prints a table.
--
--   lua5.4 bench/run.lua FARSIDE_BENCH [ROUNDS [WORD [count]]]
--
-- A row's two commands run alternately, so that both see the same moods of the
-- machine. WORD: only rows whose group or name contains it. `count`: count
-- instructions by callgrind where perf cannot. The table is written to
-- bench/results.md as well, all numbers to bench/results.json.

local bench <const> = arg[1] or error "which farside_bench?"
local rounds <const> = tonumber(arg[2]) or 7
local word <const> = arg[3] or ""
local may_be_slow <const> = arg[4] == "count"
local lua <const> = arg[-1]

local rows <const> = assert(loadfile "bench/rows.lua")(bench, lua)

local table_file <const> = assert(io.open("bench/results.md", "w"))

local function say(line)
  print(line)
  io.stdout:flush()
  table_file:write(line, "\n")
end

-- -- Running ----------------------------------------------------------------

local function quoted(words)
  local all = {}
  for i, each in ipairs(words) do
    all[i] = "'" .. each:gsub("'", "'\\''") .. "'"
  end
  return table.concat(all, " ")
end

-- Runs a command and reads its figures: lines of a name, a tab and a value.
local function measure(command)
  local pipe <close> = assert(io.popen(quoted(command)))
  local figures = {}
  for line in pipe:lines() do
    local name, value = line:match "^(%S+)\t(.+)$"
    if name then
      figures[name] = tonumber(value)
    end
  end
  assert(pipe:close(), "failed: " .. quoted(command))
  assert(figures.check, "no check: " .. quoted(command))
  return figures
end

-- -- Numbers ----------------------------------------------------------------

local function quantile(values, q)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  local at = 1 + q * (#sorted - 1)
  local low, high = sorted[math.floor(at)], sorted[math.ceil(at)]
  return low + (high - low) * (at % 1)
end

local function median(values)
  return quantile(values, 0.5)
end

-- "late_us_p99" is in microseconds.
local function in_words(name, value)
  local ns = name:find "ns$" and value or name:find "_us_" and value * 1e3
  if not ns then
    return name:find "bytes$" and ("%.1f KB"):format(value / 1e3) or ("%.0f"):format(value)
  elseif math.abs(ns) >= 1e6 then
    return ("%.1f ms"):format(ns / 1e6)
  elseif math.abs(ns) >= 1e3 then
    return ("%.1f us"):format(ns / 1e3)
  end
  return ("%.0f ns"):format(ns)
end

-- -- Instructions -----------------------------------------------------------

local function output_of(command)
  local pipe <close> = io.popen(command)
  return (pipe:read("a"):gsub("%s+$", ""))
end

local function count_by_perf(command)
  return tonumber(output_of("perf stat -x, -e instructions:u " .. quoted(command) .. " 2>&1 >/dev/null"):match "^%d+")
end

local function count_by_callgrind(command)
  return tonumber(output_of("valgrind --tool=callgrind --callgrind-out-file=/dev/null "
    .. quoted(command) .. " 2>&1 >/dev/null"):match "Collected : (%d+)")
end

local has_perf <const> = count_by_perf { "true" } ~= nil

local COUNTS <const> = 3

-- The least of several runs: Lua draws a hash seed in each, and an unlucky one
-- costs some percent in a program that looks up many names.
local function least(count, command)
  local best = math.huge
  for _ = 1, COUNTS do
    best = math.min(best, count(command))
  end
  return best
end

-- How many instructions ours takes to one of the peer's, or nil. The same on a
-- busy machine and on an idle one.
local function instructions(row)
  if not row.slow then
    return nil
  elseif has_perf then
    return least(count_by_perf, row.us) / least(count_by_perf, row.peer)
  elseif may_be_slow then
    return least(count_by_callgrind, row.slow) / least(count_by_callgrind, row.peer)
  end
end

-- -- The machine ------------------------------------------------------------

local function machine()
  local models = output_of "grep -m1 'model name' /proc/cpuinfo 2>/dev/null"
  return {
    cpu = models:match ":%s*(.+)" or output_of "uname -m",
    cores = tonumber(output_of "getconf _NPROCESSORS_ONLN") or 0,
    kernel = output_of "uname -sr",
    lua = output_of(quoted { lua, "-v" }):match "^Lua [%d.]+" or _VERSION,
    load = output_of "cut -d' ' -f1-3 /proc/loadavg 2>/dev/null",
  }
end

-- -- The result -------------------------------------------------------------

local function json(value)
  if type(value) == "string" then
    return '"' .. value:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
  elseif type(value) ~= "table" then
    return tostring(value)
  elseif #value > 0 then
    local all = {}
    for i, each in ipairs(value) do
      all[i] = json(each)
    end
    return "[" .. table.concat(all, ", ") .. "]"
  end
  local names, all = {}, {}
  for name in pairs(value) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    all[i] = json(name) .. ": " .. json(value[name])
  end
  return "{" .. table.concat(all, ", ") .. "}"
end

local function values_of(runs, name)
  local values = {}
  for i, figures in ipairs(runs) do
    values[i] = assert(figures[name], "no figure " .. name)
  end
  return values
end

-- One figure of a row, over all rounds.
local function summarize(row, figure, ours, peers, counted)
  local name = figure[1]
  local us = values_of(ours, name)
  local result = {
    group = row.group, row = row.name, figure = name, us = median(us), goal = figure.goal, ours = row.ours,
    theirs = row.theirs,
  }
  local judged = result.us
  if row.peer then
    local peer, ratios = values_of(peers, name), {}
    for i = 1, #us do
      ratios[i] = us[i] / peer[i]
    end
    result.peer, result.ratio = median(peer), median(ratios)
    result.p10, result.p90 = quantile(ratios, 0.1), quantile(ratios, 0.9)
    -- Whatever else the machine does only adds: the best run has least of it.
    result.best = quantile(us, 0) / quantile(peer, 0)
    judged = math.min(result.ratio, result.best)
    result.instructions = counted
  end
  result.is_reached = not figure.goal or judged <= figure.goal
  return result
end

local function show(result)
  local function ratio(value)
    return value and ("%.2f"):format(value) or ""
  end
  local goal = ""
  if result.goal then
    goal = result.ratio and ("%.2f"):format(result.goal) or in_words(result.figure, result.goal)
    goal = goal .. (result.is_reached and "" or " missed")
  end
  say(("| %s | %s | %s | %s | %s | %s | %s | %s | %s |"):format(
    result.row, result.figure, in_words(result.figure, result.us),
    result.peer and in_words(result.figure, result.peer) or "", ratio(result.ratio),
    result.p10 and ("%.2f-%.2f"):format(result.p10, result.p90) or "", ratio(result.best),
    result.instructions and ("%.3f"):format(result.instructions) or "", goal))
end

local function run(row)
  local ours, peers = {}, {}
  for round = 1, row.once and 1 or rounds do
    local function peer()
      peers[round] = row.peer and measure(row.peer)
    end
    if round % 2 == 0 then -- Who goes first takes turns as well.
      peer()
    end
    ours[round] = measure(row.us)
    if round % 2 == 1 then
      peer()
    end
    assert(not row.peer or ours[round].check == peers[round].check, row.name .. ": not the same work")
  end
  return ours, peers
end

local here <const> = machine()
say(("%s, %d cores, %s, %s; load %s; %d rounds"):format(here.cpu, here.cores, here.kernel, here.lua, here.load,
  rounds))

local function head(row)
  local cells = { "row" }
  if row.across then
    for i, figure in ipairs(row.figures) do
      cells[i + 1] = figure[1]
    end
    cells[#cells + 1] = "goal"
  else
    cells = { "row", "figure", "Farside", "peer", "ratio", "p10-p90", "best/best", "instructions", "goal" }
  end
  say(("\n%s\n\n| %s |\n|%s"):format(row.group, table.concat(cells, " | "), (" --- |"):rep(#cells)))
end

local function show_across(row, all)
  local cells, goal = { row.name }, ""
  for i, result in ipairs(all) do
    cells[i + 1] = in_words(result.figure, result.us)
    if result.goal then
      goal = in_words(result.figure, result.goal) .. (result.is_reached and "" or " missed")
    end
  end
  cells[#cells + 1] = goal
  say("| " .. table.concat(cells, " | ") .. " |")
end

-- What each side does, under the table of a group; what several rows have in
-- common is said once.
local function tell(notes)
  for i, note in ipairs(notes) do
    say((i == 1 and "\n" or "") .. "- " .. note)
  end
end

local function note_of(row, notes)
  if row.ours and not notes[row.ours] then
    notes[#notes + 1] = ("Farside, %s: %s"):format(row.name, row.ours)
    notes[row.ours] = true
  end
  if row.theirs and not notes[row.theirs] then
    notes[#notes + 1] = ("the peer, %s: %s"):format(row.name, row.theirs)
    notes[row.theirs] = true
  end
end

-- Whether a row's programs are there.
local installed <const> = {}
local function is_installed(row)
  local needs = row.peer and row.needs or row.peer and row.peer[1]
  if needs and installed[needs] == nil then
    installed[needs] = output_of("command -v " .. quoted { needs }) ~= ""
  end
  return not needs or installed[needs]
end

-- And a peer's library.
local function has_library(row)
  local library = row.library
  if library and installed[library] == nil then
    installed[library] = package.searchpath(library, package.cpath .. ";" .. package.path) ~= nil
  end
  return not library or installed[library]
end

local results, group, notes = {}, nil, {}
for _, row in ipairs(rows) do
  if not (row.group .. " " .. row.name):find(word, 1, true) then
    goto next
  elseif not is_installed(row) or not has_library(row) then
    notes[#notes + 1] = row.name .. ": not measured, it is not installed"
    goto next
  end
  do
    if row.group ~= group then
      tell(notes)
      group, notes = row.group, {}
      head(row)
    end
    note_of(row, notes)
    local ours, peers = run(row)
    local counted = instructions(row)
    local all = {}
    for i, figure in ipairs(row.figures) do
      all[i] = summarize(row, figure, ours, peers, counted)
      results[#results + 1] = all[i]
      if not row.across then
        show(all[i])
      end
    end
    if row.across then
      show_across(row, all)
    end
  end
  ::next::
end
tell(notes)
table_file:close()

local file <close> = assert(io.open("bench/results.json", "w"))
file:write(json { machine = here, rounds = rounds, results = results }, "\n")
