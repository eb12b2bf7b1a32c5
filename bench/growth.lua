-- How cost grows: each row that takes an n, for n from a hundred to a million.
--
--   lua5.4 bench/growth.lua FARSIDE_BENCH [ROUNDS]
--
-- Prints a table, which is kept as bench/growth.md, and draws bench/growth.svg.
-- Shown is the best of all rounds: other work on the machine only ever adds.

local bench <const> = arg[1] or error "which farside_bench?"
local rounds <const> = tonumber(arg[2]) or 3
local OPS <const> = 100000

local function app(name)
  return function(n)
    return ("app bench/apps/%s.lua %d %d"):format(name, OPS, n)
  end
end

-- `law`: how the cost of one should grow. `most`: by how much it may, from a
-- thousand on: a million of anything is larger than every cache. The last n is
-- a million, unless `last` says otherwise.
local rows <const> = {
  { name = "exec, run, finish: n tasks open", law = "O(1)", most = 2.5, command = app "open_tasks" },
  { name = "setTimeout, fired: n timers armed", law = "O(log n)", most = 2.5, command = app "more_timers" },
  { name = "setTimeout, clearTimeout: n armed", law = "O(log n)", most = 2.5, command = app "clear" },
  {
    name = "sleep(1): n coroutines", law = "O(log n)", most = 2.5,
    command = function(n)
      return ("app bench/apps/sleep.lua %d %d"):format(math.max(n, OPS), n)
    end,
  },
  {
    name = "a call of one of n listeners", law = "O(1)", most = 2.5,
    command = function(n)
      return ("dispatch %d %d"):format(math.max(n, OPS), n)
    end,
  },
  { name = "addListener, remove: n there", law = "O(1)", most = 2.5, command = app "add_listener" },
  { name = "a line of the log: n before", law = "O(1)", most = 2.5, command = app "print" },
  { -- All of them are 550 MB, and the order is by chance: each has gone cold.
    name = "a message to one of n scripts", law = "O(1)", most = 6, last = 10000, figure = "message_ns",
    command = function(n)
      return ("many-hosted %d"):format(n)
    end,
  },
  {
    name = "a script opened, n there", law = "O(1)", most = 2.5, last = 10000, figure = "open_ns",
    command = function(n)
      return ("many-hosted %d"):format(n)
    end,
  },
}

-- -- Measuring --------------------------------------------------------------

local function measure(command, figure)
  local pipe <close> = assert(io.popen(bench .. " " .. command))
  local found
  for line in pipe:lines() do
    local name, value = line:match "^(%S+)\t(.+)$"
    found = name == figure and tonumber(value) or found
  end
  assert(pipe:close() and found, "failed: " .. command)
  return found
end

-- The costs of a row, one for each power of ten.
local function costs_of(row)
  local costs = {}
  local n = 100
  while n <= (row.last or 1000000) do
    local best = math.huge
    for _ = 1, rounds do
      best = math.min(best, measure(row.command(n), row.figure or "ns"))
    end
    costs[#costs + 1] = best
    n = n * 10
  end
  return costs
end

local function in_words(ns)
  return ns >= 1000 and ("%.1f us"):format(ns / 1000) or ("%.0f ns"):format(ns)
end

-- -- Drawing ----------------------------------------------------------------

local WIDTH <const>, HEIGHT <const>, COLUMNS <const> = 300, 190, 3

local function panel(row, x, y)
  local left, right, top, bottom = x + 24, x + WIDTH - 24, y + 52, y + HEIGHT - 34
  local highest = math.max(table.unpack(row.costs)) * 1.15
  local out = {
    ('<text x="%d" y="%d" class="name">%s</text>'):format(left, y + 24, row.name),
    ('<text x="%d" y="%d">%s, each</text>'):format(left, y + 41, row.law),
    ('<path class="axis" d="M%d %dH%d"/>'):format(left, bottom, right),
  }
  local path = {}
  for i, cost in ipairs(row.costs) do
    local at = left + (right - left) * (i - 1) / 4
    local height = bottom - (bottom - top) * cost / highest
    path[i] = ("%s%.1f %.1f"):format(i == 1 and "M" or "L", at, height)
    out[#out + 1] = ('<circle cx="%.1f" cy="%.1f" r="3"/>'):format(at, height)
    out[#out + 1] = ('<text x="%.1f" y="%.1f" class="value">%s</text>'):format(at, height - 8, in_words(cost))
    out[#out + 1] = ('<text x="%.1f" y="%d" class="value">10<tspan dy="-4" font-size="8">%d</tspan></text>'):format(at,
      bottom + 16, i + 1)
  end
  out[#out + 1] = ('<path class="line" d="%s"/>'):format(table.concat(path))
  return table.concat(out, "\n")
end

local STYLE <const> = [[
text { font: 11px system-ui, sans-serif; fill: #444 }
.name { font-weight: 600; fill: #111 }
.value { text-anchor: middle; font-size: 9px }
.axis { stroke: #bbb; fill: none }
.line { stroke: #2563a8; fill: none; stroke-width: 1.5 }
circle { fill: #2563a8 }]]

local function draw(file)
  local height = (#rows + COLUMNS - 1) // COLUMNS * HEIGHT
  local size = ('viewBox="0 0 %d %d"'):format(WIDTH * COLUMNS, height)
  file:write('<svg xmlns="http://www.w3.org/2000/svg" ', size, ' role="img">\n',
    "<title>How the cost of one grows with how many there are</title>\n<style>\n", STYLE,
    '\n</style>\n<rect width="100%" height="100%" fill="#fff"/>\n')
  for i, row in ipairs(rows) do
    file:write(panel(row, (i - 1) % COLUMNS * WIDTH, (i - 1) // COLUMNS * HEIGHT), "\n")
  end
  file:write "</svg>\n"
end

-- -- The table --------------------------------------------------------------

local table_file <close> = assert(io.open("bench/growth.md", "w"))

local function say(line)
  print(line)
  io.stdout:flush()
  table_file:write(line, "\n")
end

say "| the cost of one | law | 10² | 10³ | 10⁴ | 10⁵ | 10⁶ | from 10³ on |"
say "| --- | --- | --- | --- | --- | --- | --- | --- |"
for _, row in ipairs(rows) do
  row.costs = costs_of(row)
  local cells = {}
  for i = 1, 5 do
    cells[i] = row.costs[i] and in_words(row.costs[i]) or "–"
  end
  local growth = row.costs[#row.costs] / row.costs[2]
  say(("| %s | %s | %s | %.2f%s |"):format(row.name, row.law, table.concat(cells, " | "), growth,
    growth > row.most and ", worse than its law" or ""))
end

local picture <close> = assert(io.open("bench/growth.svg", "w"))
draw(picture)
