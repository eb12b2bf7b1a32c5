-- What is measured, and against what.
--
-- A row runs one command of ours, and one of a peer if it has one, which must
-- both print the same `check`. `figures` says which of the printed figures are
-- shown: the name's end is its unit. A goal bounds the ratio where there is a
-- peer, and the figure itself where there is none. `slow` is ours for a machine
-- fifty times as slow, which is what callgrind is: its instructions are counted.
-- `across` shows the figures of a row side by side.

local bench <const>, lua <const> = ...

local function program(name)
  return "bench/programs/" .. name .. ".lua"
end

local rows <const> = {}

local function row(fields)
  rows[#rows + 1] = fields
end

-- -- Plain Lua --------------------------------------------------------------

local programs <const> = {
  "fib", "n_queens", "mandelbrot", "strings", "string_ops", "sort", "closures", "binary_trees", "tables",
  "coroutine_ring", "methods", "varargs",
}

for _, name in ipairs(programs) do
  row {
    group = "a turn with all budgets / lua5.4",
    name = name,
    us = { bench, "hosted", program(name) },
    slow = { bench, "hosted", program(name), "500" },
    peer = { lua, program(name) },
    figures = { { "cpu_ns", goal = 1.02 } },
  }
end

-- The program lua5.4 and the library liblua5.4 may be built differently.
for _, name in ipairs(programs) do
  row {
    group = "a turn with all budgets / the same liblua5.4",
    name = name,
    us = { bench, "hosted", program(name) },
    peer = { bench, "malloc", program(name) },
    figures = { { "cpu_ns", goal = 1.02 } },
  }
end

for _, name in ipairs { "tables", "strings", "closures", "binary_trees" } do
  row {
    group = "arena / malloc",
    name = name,
    us = { bench, "arena", program(name) },
    peer = { bench, "malloc", program(name) },
    figures = { { "cpu_ns", goal = 1 } },
  }
end

-- -- Scripts ----------------------------------------------------------------

row {
  group = "open and close a script / a state with all libraries",
  name = "one after the other",
  us = { bench, "open-hosted" },
  peer = { bench, "open-plain" },
  figures = { { "ns", goal = 1.5 }, { "bytes", goal = 1.5 } },
}

row {
  group = "open and close a script / a state with all libraries",
  name = "10,000 at once",
  us = { bench, "many-hosted", "10000" },
  peer = { bench, "many-plain", "10000" },
  figures = {
    { "open_ns", goal = 1.5 }, { "bytes", goal = 1.5 }, { "event_ns" }, { "message_ns" }, { "close_ns", goal = 1.5 },
  },
}

-- -- Turns ------------------------------------------------------------------

for _, name in ipairs { "timer", "task" } do
  row {
    group = "a turn that does nothing, watched / unwatched",
    name = name,
    us = { bench, "turns", name, "watched" },
    peer = { bench, "turns", name, "unwatched" },
    figures = { { "ns", goal = 1.1 } },
  }
end

for _, name in ipairs { "fib", "tables" } do
  row {
    group = "slices of 1 ms / no slices",
    name = name,
    us = { bench, "hosted", program(name), "1" },
    peer = { bench, "hosted", program(name), "off" },
    figures = { { "cpu_ns", goal = 1.05 } },
  }
end

-- -- What is stopped --------------------------------------------------------

-- Late is what counts as the script's: processor time. By the wall it also
-- waits for the processor, together with the watchdog.
local function runaways(group, names)
  for _, name in ipairs(names) do
    row {
      group = group,
      name = name,
      once = true,
      across = true,
      us = { bench, "overrun", name, "200" },
      figures = {
        { "late_cpu_us_p50" }, { "late_cpu_us_p99", goal = 2000 }, { "late_cpu_us_max" }, { "late_us_p50" },
        { "late_us_p99" },
      },
    }
  end
end

runaways("past a budget, stopped by a hook", {
  "loop", "pcall_loop", "xpcall_handler", "nested_coroutines", "coroutine_churn", "deep_recursion", "table_churn",
  "string_churn", "gsub_callback", "sort_compare",
})
runaways("past a budget, in a library function or a collection", {
  "pattern", "rep", "concat", "move", "unpack", "sort", "collection",
})

-- -- Durable work -----------------------------------------------------------

-- Four fifths of the SQL alone: at most a quarter more time.
local FOLDER <const> = bench:match "^(.*)/" or "."

for _, one in ipairs {
  { "enqueue, one waits for its commit", "enqueue", "300", "1" },
  { "enqueue, 64 at once", "enqueue", "19200", "64" },
  { "enqueue, run and finish, one after the other", "cycle", "100", "1" },
  { "enqueue, run and finish, 64 at once", "cycle", "2560", "64" },
} do
  row {
    group = "durable work / its SQL in C",
    name = one[1],
    us = { bench, "work", one[2], one[3], one[4], FOLDER },
    peer = { bench, "work-sql", one[2], one[3], one[4], FOLDER },
    figures = { { "ns", goal = 1.25 }, { "cpu_ns" }, { "commits" }, { "statements" } },
  }
end

row {
  group = "a store with 1,000,000 enqueued units / with one",
  name = "to the first run",
  once = true,
  us = { bench, "work-open", os.getenv "UNITS" or "1000000", FOLDER },
  peer = { bench, "work-open", "1", FOLDER },
  figures = { { "open_ns" }, { "ready_ns" }, { "heap_bytes" }, { "resident_bytes", goal = 1.25 } },
}

row {
  group = "three seconds of nothing",
  name = "in the foreground",
  once = true,
  us = { bench, "idle", "3000" },
  figures = { { "wakeups", goal = 0 } },
}

return rows
