-- The same as apps/requests.lua with luv, which has no HTTP: as much of it by
-- hand as this one server needs. lua5.4 bench/peers/requests.lua URL COUNT
local uv <const> = require "luv"
local host <const>, port <const>, path <const> = arg[1]:match "^http://([%d.]+):(%d+)(/.*)$"
local count <const> = tonumber(arg[2])
local REQUEST <const> = ("GET %s HTTP/1.1\r\nHost: %s:%s\r\nAccept: */*\r\n\r\n"):format(path, host, port)
local begun = 0

local function ask(socket)
  if begun == count then
    socket:close()
    return
  end
  begun = begun + 1
  socket:write(REQUEST)
end

local function connect()
  local socket <const>, buffer = uv.new_tcp(), ""
  socket:connect(host, tonumber(port), function(failure)
    assert(not failure, failure)
    socket:read_start(function(why, data)
      assert(not why, why)
      buffer = buffer .. assert(data, "the server has closed")
      local status, headers, from = buffer:match "^HTTP/1.1 (%d+)[^\r]*\r\n(.-)\r\n\r\n()"
      local length = headers and tonumber(headers:match "Content%-Length: (%d+)")
      if length and #buffer >= from - 1 + length then
        assert(status == "200")
        buffer = ""
        ask(socket)
      end
    end)
    ask(socket)
  end)
end

for _ = 1, 8 do
  connect()
end
uv.run()
