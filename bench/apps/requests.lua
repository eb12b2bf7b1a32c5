-- Asks a server so often, eight at a time: requests.lua URL COUNT
local Http <const> = require("farside").Plugins.Http
local url <const>, count <const> = arg[1], tonumber(arg[2])
local begun = 0

local function ask()
  while begun < count do
    begun = begun + 1
    assert(assert(Http.get(url)).status == 200)
  end
end

for _ = 1, 8 do
  coroutine.wrap(ask)()
end
