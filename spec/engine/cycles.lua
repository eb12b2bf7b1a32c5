-- In LuaJIT, as an engine's script would: opens and closes hosts, and loads and
-- lets go of the library. The library's path and the number of hosts are global.

local ffi = require "ffi"

ffi.cdef [[
typedef struct farside_host farside_host;
unsigned farside_abi(void);
int farside_open(const char *options, farside_host **host, char *error, size_t error_bytes);
int farside_load_buffer(farside_host *host, const char *name, const char *code, size_t bytes, int argc,
                        const char *const *argv);
int farside_start(farside_host *host);
int farside_tick(farside_host *host, uint64_t budget_ms);
int farside_resolve(farside_host *host, uint64_t call, const char *json);
int farside_notify(farside_host *host, const char *plugin, const char *event, const char *json, bool is_retained);
size_t farside_poll(farside_host *host, char *buffer, size_t bytes);
void farside_host_close(farside_host *host);
]]

local CODE = [[
  local farside = require "farside"
  local Engine = farside.Plugins.Engine
  Engine.addListener("event", function(n) farside.postMessage("host", n) end)
  farside.Plugins.BackgroundTask.exec(function(task)
    farside.Plugins.Storage.set("n", Engine.ask { n = 41 })
    task:finish()
  end)]]
local OPTIONS = '{"plugins":{"Engine":["ask"]},"polls":["message","log"],"store":""}'

local buffer = ffi.new("char[?]", 4096)
local error_text = ffi.new("char[?]", 256)

local function poll(lib, host)
  local length = tonumber(lib.farside_poll(host, buffer, 4096))
  return length > 0 and ffi.string(buffer, length) or nil
end

-- Ticks or, on its own thread, waits, until something is polled that matches.
local function await(lib, host, pattern, is_threaded)
  while true do
    local text = poll(lib, host)
    if text and text:find(pattern) then
      return text
    elseif not text and not is_threaded then
      assert(lib.farside_tick(host, 5) == 0)
    end
  end
end

local function live(lib, is_threaded)
  local out = ffi.new "farside_host *[1]"
  assert(lib.farside_open(OPTIONS, out, error_text, 256) == 0, ffi.string(error_text))
  local host = out[0]
  assert(lib.farside_load_buffer(host, "app", CODE, #CODE, 0, nil) == 0)
  if is_threaded then
    assert(lib.farside_start(host) == 0)
  end
  local call = await(lib, host, '"event":"call"', is_threaded):match '"call":(%d+)'
  assert(lib.farside_notify(host, "Engine", "event", "7", true) == 0)
  assert(await(lib, host, '"message"', is_threaded):find('"data":7', 1, true))
  assert(lib.farside_resolve(host, tonumber(call), "42") == 0)
  lib.farside_host_close(host)
end

local kept = ffi.load(LIBRARY)
assert(kept.farside_abi() == 1)
for i = 1, HOSTS do
  live(kept, i % 4 == 0)
end
for _ = 1, 100 do
  local lib = ffi.load(LIBRARY)
  live(lib, false)
  lib = nil -- luacheck: ignore 311
  collectgarbage() -- Closes the library.
end
return true
