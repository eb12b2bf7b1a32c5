-- What `luarocks test` runs: the specs that need nothing but the rock, and busted.
-- The tree with the rock has to be in LUA_PATH and LUA_CPATH: `eval "$(luarocks path)"`.

local SPECS <const> = {
  "app", "await", "background_task", "busted", "device", "expedited", "listeners", "plugins", "source_map",
  "storage", "timeline", "timers", "work", "work_model", "work_runs", "work_world", "world",
}

local words = { "--helper=spec/helper.lua" }
for _, name in ipairs(SPECS) do
  words[#words + 1] = "spec/" .. name .. "_spec.lua"
end
_G.arg = words -- What busted reads.
require "busted.runner" { standalone = false }
