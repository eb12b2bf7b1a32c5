-- What is measured, and against what.
--
-- A row runs one command of ours, and one of a peer if it has one, which must
-- both print the same `check`. `figures` says which of the printed figures are
-- shown: the name's end is its unit. A goal bounds the ratio where there is a
-- peer, and the figure itself where there is none. `slow` is ours for a machine
-- fifty times as slow, which is what callgrind is: its instructions are counted.
-- `across` shows the figures of a row side by side. `ours` and `theirs` say what
-- each side does. A row whose peer is not installed is left out.

local bench <const>, lua <const> = ...

local BUILD <const> = bench:match "^(.*)/bench/[^/]*$" or "."
local farside <const> = BUILD .. "/farside"

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

-- -- Tasks and timers -------------------------------------------------------

local TASKS <const> = "exec -> run -> finish, a thousand at a time"

for _, peer in ipairs {
  { "luv", { lua, "bench/peers/luv.lua", "tasks", "200000" }, 0.2,
    "uv.new_timer(), start(0), close in its callback", "luv" },
  { "Node", { "node", "bench/peers/node.js", "tasks", "400000" }, 0.2, "setImmediate()" },
  { "a bare coroutine", { lua, "bench/peers/lua.lua", "tasks", "400000" }, 2.5,
    "coroutine.create() and one coroutine.resume(), to its end" },
  { "a bare resume", { lua, "bench/peers/lua.lua", "resumes", "400000" }, nil,
    "the lower bound: one coroutine is resumed, and yields" },
  { "a task by hand", { bench, "by-hand", "tasks", "400000" }, nil,
    "in C, without our promises: a function kept by an id and called in a pooled coroutine, the clock read twice" },
  { "cqueues", { lua, "bench/peers/cqueues.lua", "tasks", "200000" }, nil,
    "cqueue:wrap(), and its loop", "cqueues" },
  { "Tarantool", { "tarantool", "bench/peers/tarantool.lua", "tasks", "200000" }, nil,
    "fiber.new(), and yields until they have run" },
} do
  row {
    group = TASKS,
    name = "beside " .. peer[1],
    ours = "BackgroundTask.exec(), a turn of its own with its budget, task:finish(), three entries in the timeline",
    theirs = peer[4],
    library = peer[5],
    us = { bench, "app", "bench/apps/tasks.lua", peer[2][4] },
    peer = peer[2],
    figures = { { "ns", goal = peer[3] } },
  }
end

for _, peer in ipairs {
  { "luv", { lua, "bench/peers/luv.lua", "timers", "1000000" }, "uv.new_timer(), start(ms), close in its callback",
    "luv", 1 },
  { "Node", { "node", "bench/peers/node.js", "timers", "1000000" }, "setTimeout(ms)", nil, 1 },
  { "timers by hand", { bench, "by-hand", "timers", "1000000" },
    "in C, without our promises: lists by milliseconds, a pooled coroutine, the clock read twice; nobody waits" },
} do
  row {
    group = "a million timers, set for 1 to 500 ms, and fired",
    name = "beside " .. peer[1],
    ours = "setTimeout(ms); each fires in a turn of its own",
    theirs = peer[3],
    library = peer[4],
    us = { bench, "app", "bench/apps/timers.lua", "1000000" },
    peer = peer[2],
    figures = { { "ns", goal = peer[5] } },
  }
end

for _, n in ipairs { "1000", "100000" } do
  row {
    group = "exec -> run -> finish while others are open / while one is",
    name = n .. " open tasks",
    ours = "100,000 tasks, as above, while " .. n .. " others wait for a timer each",
    theirs = "the same while one waits",
    us = { bench, "app", "bench/apps/open_tasks.lua", "100000", n },
    peer = { bench, "app", "bench/apps/open_tasks.lua", "100000", "1" },
    figures = { { "ns", goal = 1.5 } },
  }
end

row {
  group = "the timeline / none",
  name = "exec -> run -> finish",
  ours = "the timeline keeps 10,000 entries, the default",
  theirs = "it keeps none; entries are still made, hashed and told",
  us = { bench, "app", "bench/apps/tasks.lua", "200000", "1", "10000" },
  peer = { bench, "app", "bench/apps/tasks.lua", "200000", "1", "0" },
  figures = { { "ns" } },
}

-- -- Events and messages ----------------------------------------------------

for _, n in ipairs { "1", "100", "10000" } do
  for _, peer in ipairs {
    { "lua_pcall()", { bench, "dispatch-plain", "200000", n },
      "the same functions called from C by lua_pcall(), a table made for each" },
    { "Node", { "node", "bench/peers/node.js", "listeners", "200000", n },
      "EventEmitter.emit(), one object for all; who throws stops the others" },
  } do
    row {
      group = "one event to n listeners, a call each",
      name = ("n = %s, beside %s"):format(n, peer[1]),
      ours = "farside_post() with JSON; each listener in a turn of its own, with its budget and an event of its own",
      theirs = peer[3],
      us = { bench, "dispatch", "200000", n },
      peer = peer[2],
      figures = { { "ns" } },
    }
  end
end

row {
  group = "a message from the engine to a script and back / the same text through lua_pcall()",
  name = "one at a time",
  ours = "farside_send(), a tick, a listener, postMessage(), on_message(): parsed twice, printed twice",
  theirs = "a function of Lua is called with the text and returns it; it is copied, and nothing reads it",
  us = { bench, "messages", "100000" },
  peer = { bench, "messages-plain", "100000" },
  figures = { { "ns" } },
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

-- -- What the system takes ---------------------------------------------------

-- No watchdog is faster than this.
for _, one in ipairs {
  { "a thread that computes, by another that has slept", "thread" },
  { "the same, by one that asked for the shortest slice", "punctual" },
  { "the same, by a timer that is aimed at it", "alarm" },
} do
  row {
    group = "what the system takes: how late it interrupts",
    name = one[1],
    once = true,
    us = { bench, "interrupt", one[2], "1000" },
    figures = { { "late_cpu_us_p50" }, { "late_cpu_us_p99" }, { "late_us_p50" }, { "late_us_p99" } },
  }
end
row {
  group = "what the system takes: in one call",
  name = "15 MB that were used are given back",
  once = true,
  us = { bench, "unmap", "15", "200" },
  figures = { { "took_us_p50" }, { "took_us_p99" }, { "took_us_max" } },
}

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

runaways("overrun: past a budget, stopped by a hook", {
  "loop", "pcall_loop", "xpcall_handler", "nested_coroutines", "coroutine_churn", "deep_recursion", "table_churn",
  "string_churn", "gsub_callback", "sort_compare",
})
runaways("overrun: past a budget, in a library function or a collection", {
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

-- -- Http -------------------------------------------------------------------

local REQUESTS <const> = "20000"
local MEGABYTES <const> = "512"

row {
  group = "20,000 requests on loopback, eight at a time",
  name = "beside luv",
  ours = "farside run: Http.get in a coroutine",
  theirs = "uv.new_tcp(), and as much HTTP by hand as the server needs",
  library = "luv",
  us = { bench, "http", REQUESTS, "0", "", farside, "run", "--grant", "http=@/*", "bench/apps/requests.lua", "@/echo",
    REQUESTS },
  peer = { bench, "http", REQUESTS, "0", "", lua, "bench/peers/requests.lua", "@/echo", REQUESTS },
  figures = { { "ns" }, { "cpu_ns" } },
}

row {
  group = "an upload of 512 MB on loopback",
  name = "beside curl",
  ours = "farside run: Http.upload",
  theirs = "curl --upload-file",
  us = { bench, "http", "1", MEGABYTES, FOLDER .. "/upload/data", farside, "run", "--files", FOLDER, "--grant",
    "http=@/*", "bench/apps/upload.lua", "@/files/data" },
  peer = { bench, "http", "1", MEGABYTES, FOLDER .. "/upload/data", "curl", "--silent", "--fail", "--upload-file",
    FOLDER .. "/upload/data", "-H", "Expect:", "@/files/data" },
  figures = { { "ns" }, { "cpu_ns" } },
}

row {
  group = "a store with 1,000,000 enqueued units / with one",
  name = "to the first run",
  once = true,
  us = { bench, "work-open", os.getenv "UNITS" or "1000000", FOLDER },
  peer = { bench, "work-open", "1", FOLDER },
  figures = { { "open_ns" }, { "ready_ns" }, { "heap_bytes" }, { "resident_bytes", goal = 1.25 } },
}

-- -- Nothing at all ---------------------------------------------------------

for _, one in ipairs {
  { "in the foreground", "foreground", "an app with a listener and a timer for later" },
  { "in the background", "background", "the same after a pause" },
  { "with work every 15 minutes", "periodic", "an app with a store, whose periodic work has run once" },
} do
  row {
    group = "how often a thread wakes up in 20 seconds of nothing",
    name = one[1],
    once = true,
    ours = one[3],
    us = { bench, "idle", "20000", one[2] },
    figures = { { "wakeups", goal = 0 } },
  }
end

-- -- Frames -----------------------------------------------------------------

for _, one in ipairs {
  { "nothing to do", "idle", "4", "a listener, a timer each second and one for later", { "frame_percent", goal = 1 } },
  { "always more to do, 4 ms a frame", "busy", "4", "scripts that compute, have many timers, and make garbage",
    { "over_us_p99", goal = 0 } },
  { "always more to do, 2 ms a frame", "busy", "2", "the same", { "over_us_p99", goal = 0 } },
  { "a table that grows to 2 MiB, 4 ms a frame", "growing", "4", "it is copied in one go",
    { "over_us_p99", goal = 0 } },
} do
  row {
    group = "a game of 60 frames a second that ticks",
    name = one[1],
    once = true,
    ours = one[4],
    us = { bench, "frames", "600", one[2], one[3] },
    figures = {
      one[5], { "tick_us_p50" }, { "tick_us_p99" }, { "tick_us_max" }, { "wall_us_p99" }, { "over_budget" },
    },
  }
end

-- -- Whole programs ---------------------------------------------------------

row {
  group = "a simulated day under strict rules, with a sync every 15 minutes",
  name = "scripts/daily_sync.lua",
  ours = "farside simulate --os strict --for 24h, the start of the program included",
  us = { bench, "spawn", "20", farside, "simulate", "--os", "strict", "--for", "24h", "scripts/daily_sync.lua" },
  figures = { { "ns", goal = 20e6 }, { "cpu_ns" } },
}

local EMPTY <const> = { bench, "spawn", "20", farside, "run", "bench/apps/empty.lua" }

for _, peer in ipairs {
  { "lua5.4", { bench, "spawn", "20", lua, "-e", " " }, "lua5.4 -e ''" },
  { "Node", { bench, "spawn", "20", "node", "-e", " " }, "node -e ''", "node" },
} do
  row {
    group = "cold start of an app that ends at once",
    name = "beside " .. peer[1],
    ours = "farside run: a host, its loop, a sandbox, a script",
    theirs = peer[3],
    needs = peer[4],
    us = EMPTY,
    peer = peer[2],
    figures = { { "ns" }, { "cpu_ns" }, { "resident_bytes" } },
  }
end

local function file_of(command)
  local pipe <close> = io.popen(command)
  local path = pipe:read "l"
  return path ~= "" and path or nil
end

for _, one in ipairs {
  { "the program / node", farside, file_of "readlink -f $(command -v node) 2>/dev/null" },
  { "the program / lua5.4", farside, file_of("readlink -f $(command -v " .. lua .. ") 2>/dev/null") },
  { "the module farside.so / luv.so", BUILD .. "/farside.so",
    file_of("readlink -f " .. (package.searchpath("luv", package.cpath) or "''") .. " 2>/dev/null") },
} do
  if one[3] then
    row {
      group = "size of a file, as built",
      name = one[1],
      once = true,
      us = { bench, "size", one[2] },
      peer = { bench, "size", one[3] },
      figures = { { "bytes" } },
    }
  end
end

return rows
