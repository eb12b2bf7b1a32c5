-- A game without a window, a screen or events: a server, for instance. It ends
-- with everything still running.

local farside = require "farside"

io.stdout:setvbuf "line"
print("started", farside.start { store = false, http = { "http://127.0.0.1/*" } })

function farside.message(message)
  print("kept " .. message.kept)
  os.exit(7)
end

while true do
  farside.update()
  love.timer.sleep(0.001)
end
